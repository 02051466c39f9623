//! Finds and reads preset files. Only this module and `build` access the disk.

use std::path::{Component, Path, PathBuf};
use std::{fs, io};

use promql_presets_core::sort;

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

/// Reads every `*.toml` below a folder, in the order of their paths, after the files [`beside`] it. Names that
/// start with a dot are left out.
///
/// `shown` is how messages name the folder. Invalid UTF-8 becomes replacement characters, which
/// [`compile`](crate::compile) reports.
///
/// # Errors
/// If the folder or a file cannot be read.
pub fn discover(folder: &Path, shown: &str) -> Result<Vec<SourceFile>, DiscoverError> {
    let mut names = Vec::new();
    collect(folder, shown, "", &mut Vec::new(), &mut names)?;
    sort::by(&mut names, Ord::cmp);
    let mut files = beside(folder, shown)?;
    for name in names {
        files.push(file(folder, shown, name)?);
    }
    Ok(files)
}

/// Reads `metrics.toml` and `promql.toml` beside a folder of presets, where they exist.
///
/// # Errors
/// If one of them exists and cannot be read.
pub fn beside(folder: &Path, shown: &str) -> Result<Vec<SourceFile>, DiscoverError> {
    // A package whose presets are all in its Rust code has no such folder.
    let path = |name| if folder.exists() { folder.join(name) } else { normalized(&folder.join(name)) };
    let mut files = Vec::new();
    for name in [SourceFile::METRICS, SourceFile::SETTINGS] {
        let path = path(name);
        if fs::symlink_metadata(&path).is_ok() {
            files.push(read(&path, shown, name.to_owned())?);
        }
    }
    Ok(files)
}

/// Reads the file with a name of a folder that messages name `shown`.
///
/// # Errors
/// If it cannot be read.
pub fn file(folder: &Path, shown: &str, name: String) -> Result<SourceFile, DiscoverError> {
    read(&folder.join(&name), shown, name)
}

fn read(path: &Path, shown: &str, name: String) -> Result<SourceFile, DiscoverError> {
    let shown = normalized(&Path::new(shown).join(&name));
    // Opening a pipe would wait for a writer.
    let is_other = fs::metadata(path).is_ok_and(|metadata| !metadata.is_file());
    let content = if is_other { Err(io::Error::other("not a regular file")) } else { fs::read(path) };
    match content {
        Ok(bytes) => Ok(SourceFile { path: slashes(&shown), name, text: text(&bytes) }),
        Err(error) => Err(DiscoverError { path: shown, error: dangling(path).unwrap_or(error) }),
    }
}

/// The text of a file, with U+FFFF for bytes that are not UTF-8.
#[must_use]
pub fn text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend((!chunk.invalid().is_empty()).then_some(SourceFile::INVALID));
    }
    // Some editors write a byte order mark, which must not count as a column of the first line.
    if text.starts_with('\u{FEFF}') {
        text.remove(0);
    }
    text
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
        if let Some(error) = dangling(&path) {
            return Err(DiscoverError { path: PathBuf::from(format!("{shown}/{prefix}{name}")), error });
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

/// The error of a symbolic link to something that does not exist.
#[must_use]
pub fn dangling(path: &Path) -> Option<io::Error> {
    let target = fs::read_link(path).ok()?;
    let is_missing = fs::metadata(path).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    let message = format!("a symbolic link to `{}`, which does not exist", slashes(&target));
    is_missing.then(|| io::Error::other(message))
}

/// How messages name `folder` of a package: relative to the package's workspace, as Cargo's own messages are.
#[must_use]
pub fn shown_folder(package: &Path, folder: &Path) -> String {
    let absolute = normalized(&package.join(folder));
    let is_workspace = |directory: &&Path| {
        fs::read_to_string(directory.join("Cargo.toml"))
            .is_ok_and(|manifest| manifest.lines().any(|line| line.trim_start().starts_with("[workspace")))
    };
    let root = package.ancestors().find(is_workspace).unwrap_or(package);
    // Folders beside the workspace start with `../`.
    let mut shown = String::new();
    for folder in root.ancestors() {
        if let Ok(below) = absolute.strip_prefix(folder) {
            return (shown + &slashes(below)).trim_end_matches('/').to_owned();
        }
        shown.push_str("../");
    }
    slashes(&absolute)
}

/// The path without `.` and, as far as they can be resolved by name, `..`.
#[must_use]
pub fn normalized(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir if matches!(out.components().next_back(), Some(Component::Normal(_))) => _ = out.pop(),
            part => out.push(part),
        }
    }
    out
}

/// A path as messages show it: with slashes on every system.
#[must_use]
pub fn slashes(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_shown_from_the_workspace_and_without_detours() {
        let base = std::env::temp_dir().join(format!("promql-presets-shown-{}", std::process::id()));
        let package = base.join("work/crates/a");
        fs::create_dir_all(&package).unwrap();
        fs::write(base.join("work/Cargo.toml"), "[workspace]\n").unwrap();
        for (folder, shown) in [
            ("presets", "crates/a/presets"),
            ("./presets/", "crates/a/presets"),
            ("../../shared/./presets", "shared/presets"),
            ("../b/../a/presets", "crates/a/presets"),
            ("../../../beside/presets", "../beside/presets"),
        ] {
            assert_eq!(shown_folder(&package, Path::new(folder)), shown, "{folder}");
        }
        fs::remove_dir_all(base).unwrap();
    }

    #[test]
    #[cfg(unix)]
    fn only_regular_files_are_read() {
        let folder = std::env::temp_dir().join(format!("promql-presets-irregular-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(folder.join("a.toml")).unwrap();
        let error = discover(&folder, "presets").unwrap_err();
        assert_eq!(error.error.to_string(), "not a regular file");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_file_may_have_the_name_of_the_crate() {
        let file = SourceFile {
            name: "promql_presets.toml".to_owned(),
            path: String::new(),
            text: "[presets.a]\ntemplate = 'up{{{labels}}}'".to_owned(),
        };
        let code = crate::compile(&[file]).code;
        assert!(code.contains("pub mod promql_presets_ {") && !code.contains("mod promql_presets {"), "{code}");
    }
}
