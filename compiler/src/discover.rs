//! Finds and reads preset files. Only this module and `build` access the disk.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::SourceFile;

/// Why preset files could not be read.
#[derive(Debug)]
pub struct DiscoverError {
    /// The file or folder.
    pub path: PathBuf,
    /// The error of the operating system.
    pub error: io::Error,
}

impl std::fmt::Display for DiscoverError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cannot read `{}`: {}", slashes(&self.path), self.error)
    }
}

impl std::error::Error for DiscoverError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

/// Reads every `*.toml` below a folder, in the order of their paths. Names that start with a dot are left out.
///
/// `shown` is how messages name the folder. Invalid UTF-8 becomes replacement characters, which
/// [`compile`](crate::compile) reports.
///
/// # Errors
/// If the folder or a file cannot be read.
pub fn discover(folder: &Path, shown: &str) -> Result<Vec<SourceFile>, DiscoverError> {
    let mut names = Vec::new();
    collect(folder, shown, "", &mut Vec::new(), &mut names)?;
    names.sort();
    let read = |name: String| {
        let path = folder.join(&name);
        match fs::read(&path) {
            Ok(bytes) => {
                let text = String::from_utf8_lossy(&bytes);
                // Some editors write a byte order mark, which must not count as a column of the first line.
                let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text).to_owned();
                Ok(SourceFile { path: format!("{shown}/{name}"), name, text })
            }
            Err(error) => Err(DiscoverError { path: Path::new(shown).join(name), error }),
        }
    };
    names.into_iter().map(read).collect()
}

/// Adds the names of the preset files in a folder. `within` holds the enclosing folders, with links resolved.
fn collect(
    folder: &Path,
    shown: &str,
    prefix: &str,
    within: &mut Vec<PathBuf>,
    names: &mut Vec<String>,
) -> Result<(), DiscoverError> {
    let failed =
        |error| DiscoverError { path: PathBuf::from(format!("{shown}/{prefix}").trim_end_matches('/')), error };
    let here = fs::canonicalize(folder).map_err(failed)?;
    if within.contains(&here) {
        // A link to an enclosing folder.
        return Ok(());
    }
    within.push(here);
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            collect(&path, shown, &format!("{prefix}{name}/"), within, names)?;
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            names.push(format!("{prefix}{name}"));
        }
    }
    within.pop();
    Ok(())
}

/// How messages name `folder` of a package: relative to the package's workspace, as Cargo's own messages are.
#[must_use]
pub fn shown_folder(package: &Path, folder: &Path) -> String {
    let absolute = package.join(folder);
    let is_workspace = |directory: &&Path| {
        fs::read_to_string(directory.join("Cargo.toml"))
            .is_ok_and(|manifest| manifest.lines().any(|line| line.trim_start().starts_with("[workspace")))
    };
    let root = package.ancestors().find(is_workspace).unwrap_or(package);
    slashes(absolute.strip_prefix(root).unwrap_or(folder)).trim_end_matches('/').to_owned()
}

fn slashes(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}
