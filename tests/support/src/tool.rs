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
    /// Prometheus' tool, which turns text into storage blocks.
    Promtool,
    /// Single-node VictoriaMetrics.
    VictoriaMetrics,
    /// The proxy of VictoriaMetrics that knows users.
    Vmauth,
}

impl Tool {
    /// Every program.
    pub const ALL: [Self; 4] = [Self::Prometheus, Self::Promtool, Self::VictoriaMetrics, Self::Vmauth];

    /// The environment variable that names the program's file, before any other place is searched.
    #[must_use]
    pub const fn variable(self) -> &'static str {
        match self {
            Self::Prometheus => "PROMQL_PRESETS_PROMETHEUS",
            Self::Promtool => "PROMQL_PRESETS_PROMTOOL",
            Self::VictoriaMetrics => "PROMQL_PRESETS_VICTORIA_METRICS",
            Self::Vmauth => "PROMQL_PRESETS_VMAUTH",
        }
    }

    /// The Debian package that holds the program.
    #[must_use]
    pub const fn package(self) -> &'static str {
        match self {
            Self::Prometheus | Self::Promtool => "prometheus",
            Self::VictoriaMetrics | Self::Vmauth => "victoria-metrics",
        }
    }

    /// The names that the program goes by: Debian's first, then its authors'.
    const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Prometheus => &["prometheus"],
            Self::Promtool => &["promtool"],
            Self::VictoriaMetrics => &["victoria-metrics", "victoria-metrics-prod"],
            Self::Vmauth => &["vmauth", "vmauth-prod"],
        }
    }

    /// The folder, below the workspace's `target`, where `cargo xtask` puts the programs that the machine lacks.
    #[must_use]
    pub fn fetched() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap_or(Path::new("")).join("target/servers")
    }

    /// The program's file, absolute: from its variable, else on `PATH`, else where `cargo xtask` fetched it to.
    ///
    /// `None` when the machine does not have it; an error when the variable names something else than a file.
    pub fn find(self) -> Result<Option<PathBuf>, Error> {
        if let Some(path) = env::var_os(self.variable()).filter(|path| !path.is_empty()) {
            let path = PathBuf::from(path);
            return if path.is_file() {
                Ok(Some(absolute(path)?))
            } else {
                Err(format!("{} names `{}`, which is no file", self.variable(), path.display()).into())
            };
        }
        let path = env::var_os("PATH").unwrap_or_default();
        let found = search(env::split_paths(&path).chain([Self::fetched()]), self.names());
        Ok(found.map(absolute).transpose()?)
    }
}

impl fmt::Display for Tool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.names()[0])
    }
}

fn search(mut folders: impl Iterator<Item = PathBuf>, names: &[&str]) -> Option<PathBuf> {
    folders.find_map(|folder| names.iter().map(|name| folder.join(name)).find(|file| file.is_file()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_folder_wins_and_any_name_will_do() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folders = || [here.join("missing"), here.join("src"), here.to_path_buf()].into_iter();
        assert_eq!(search(folders(), &["nothing", "tool.rs"]), Some(here.join("src/tool.rs")));
        assert_eq!(search(folders(), &["Cargo.toml"]), Some(here.join("Cargo.toml")));
        assert_eq!(search(folders(), &["src"]), None, "a folder is no program");
    }
}
