//! Finding the programs that run the servers.

use std::env;
use std::fmt;
use std::path::{Path, PathBuf, absolute};

use crate::Error;

/// A program that tests and the demo run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    /// The Prometheus server.
    Prometheus,
    /// Prometheus' command-line tool, which turns text into storage blocks.
    Promtool,
    /// Single-node VictoriaMetrics.
    VictoriaMetrics,
    /// VictoriaMetrics' authenticating proxy.
    Vmauth,
}

impl Tool {
    /// Every program.
    pub const ALL: [Self; 4] = [Self::Prometheus, Self::Promtool, Self::VictoriaMetrics, Self::Vmauth];

    /// The environment variable that sets the program's path and takes precedence over `PATH`.
    #[must_use]
    pub const fn variable(self) -> &'static str {
        match self {
            Self::Prometheus => "PROMQL_PRESETS_PROMETHEUS",
            Self::Promtool => "PROMQL_PRESETS_PROMTOOL",
            Self::VictoriaMetrics => "PROMQL_PRESETS_VICTORIA_METRICS",
            Self::Vmauth => "PROMQL_PRESETS_VMAUTH",
        }
    }

    /// The program's file names: Debian's first, then upstream's.
    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Prometheus => &["prometheus"],
            Self::Promtool => &["promtool"],
            Self::VictoriaMetrics => &["victoria-metrics", "victoria-metrics-prod"],
            Self::Vmauth => &["vmauth", "vmauth-prod"],
        }
    }

    /// The folder below the workspace's `target` where `cargo xtask` puts the programs that it fetches.
    #[must_use]
    pub fn fetched() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new("")).join("target/servers")
    }

    /// The absolute path of the program: from its variable, else on `PATH`, else as fetched by `cargo xtask`, where the
    /// newest release comes first.
    ///
    /// `None` when the machine does not have the program; an error when the variable does not name a file.
    pub fn find(self) -> Result<Option<PathBuf>, Error> {
        if let Some(path) = env::var_os(self.variable()).filter(|path| !path.is_empty()) {
            let path = PathBuf::from(path);
            return if path.is_file() {
                Ok(Some(absolute(path)?))
            } else {
                Err(format!("{} names `{}`, which is not a file", self.variable(), path.display()).into())
            };
        }
        let path = env::var_os("PATH").unwrap_or_default();
        let fetched = [Release::Newest.folder(), Release::Oldest.folder()];
        let found = search(env::split_paths(&path).chain(fetched), self.names());
        Ok(found.map(absolute).transpose()?)
    }
}

/// The Debian releases whose servers `cargo xtask` fetches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// The newest release that the machine's mirror has.
    Newest,
    /// The machine's own release.
    Oldest,
}

impl Release {
    /// The folder of the programs of this release.
    #[must_use]
    pub fn folder(self) -> PathBuf {
        Tool::fetched().join(self.to_string())
    }

    /// The absolute path of a program of this release, if it was fetched.
    pub fn find(self, tool: Tool) -> Result<Option<PathBuf>, Error> {
        Ok(search([self.folder()].into_iter(), tool.names()).map(absolute).transpose()?)
    }
}

impl fmt::Display for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Newest => "newest",
            Self::Oldest => "oldest",
        })
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.names()[0])
    }
}

pub(crate) fn search(mut folders: impl Iterator<Item = PathBuf>, names: &[&str]) -> Option<PathBuf> {
    folders.find_map(|folder| names.iter().map(|name| folder.join(name)).find(|file| file.is_file()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_folder_wins_and_any_name_matches() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folders = || [here.join("missing"), here.join("src"), here.to_path_buf()].into_iter();
        assert_eq!(search(folders(), &["nothing", "tool.rs"]), Some(here.join("src/tool.rs")));
        assert_eq!(search(folders(), &["Cargo.toml"]), Some(here.join("Cargo.toml")));
        assert_eq!(search(folders(), &["src"]), None, "a folder is not a program");
    }
}
