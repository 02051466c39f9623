//! Which folder of presets a path belongs to. All its files are always compiled together, so that the findings about a file
//! do not depend on which files a command is given.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::{env, fs};

use promql_presets_compiler::{SourceFile, discover};

/// The folder of presets by convention.
const DEFAULT: &str = "presets";

/// The folders of presets of the working folder.
pub(crate) fn defaults() -> Vec<PathBuf> {
    of_package(Path::new(""))
}

/// The folders of presets of a package: those that its `build.rs` compiles, else `presets`, which need not exist.
pub(crate) fn of_package(package: &Path) -> Vec<PathBuf> {
    let compiled = compiled_by_build_script(package);
    if compiled.is_empty() { vec![package.join(DEFAULT)] } else { compiled }
}

/// The folder of presets that a path without links belongs to: the one that [`find`] finds, else the folder itself, or that
/// of the file.
pub(crate) fn root(path: &Path, is_folder: bool, dir: Option<&Path>) -> PathBuf {
    let own = if is_folder { path } else { path.parent().unwrap_or(path) };
    find(own, dir).unwrap_or_else(|| own.to_owned())
}

/// The folder of presets that a folder without links is, or belongs to. It is the first of these that exists:
///
/// 1. the folder of `--dir`, if the path is in it;
/// 2. the one that the `build.rs` of its package, or of the working folder, compiles;
/// 3. the outermost one named `presets` in its package;
/// 4. the outermost one in its package with `metrics.toml` or `promql.toml` beside it, unless these belong to one of 2 or 3.
pub(crate) fn find(own: &Path, dir: Option<&Path>) -> Option<PathBuf> {
    // Outermost last.
    let mut within = Vec::new();
    for folder in own.ancestors() {
        within.push(folder);
        if folder.join("Cargo.toml").exists() || folder.join(".git").exists() {
            break;
        }
    }
    let package = within.last().copied().unwrap_or(own);
    let mut compiled = compiled_by_build_script(package);
    let packages_own = compiled.len();
    compiled.extend(env::current_dir().into_iter().flat_map(|working| compiled_by_build_script(&working)));
    let known = dir.map(Path::to_owned).into_iter().chain(compiled).filter_map(|folder| fs::canonicalize(folder).ok());
    if let Some(folder) = known.into_iter().find(|folder| own.starts_with(folder)) {
        return Some(folder);
    }
    let is_named = |folder: &&Path| folder.file_name() == Some(OsStr::new(DEFAULT));
    let has_files_beside = |folder: &&Path| {
        let is_inside = |parent: &Path| parent.starts_with(package) && !parent.join(DEFAULT).is_dir();
        let has_file = [SourceFile::METRICS, SourceFile::SETTINGS].iter().any(|name| folder.join(name).is_file());
        packages_own == 0 && has_file && folder.parent().is_some_and(is_inside)
    };
    let outermost = |is_root: &dyn Fn(&&Path) -> bool| within.iter().rev().copied().find(|folder| is_root(folder));
    outermost(&is_named).or_else(|| outermost(&has_files_beside)).map(Path::to_owned)
}

/// The folder of presets that a file belongs to, and its name there: a file in a folder of presets, or beside one. The file
/// need not exist; `parent` is its folder without links.
pub(crate) fn place(parent: &Path, file: &str, dir: Option<&Path>) -> Option<(PathBuf, String)> {
    if let Some(root) = find(parent, dir) {
        let name = parent.join(file).strip_prefix(&root).ok()?.to_owned();
        return name.to_str().map(|_| (root, discover::slashes(&name)));
    }
    let names = [SourceFile::METRICS, SourceFile::SETTINGS];
    let name = names.into_iter().find(|name| name.ends_with(&format!("/{file}")))?;
    let folders = dir.map(Path::to_owned).into_iter().chain(of_package(parent));
    let mut folders = folders.filter_map(|folder| fs::canonicalize(folder).ok());
    Some((folders.find(|folder| folder.parent() == Some(parent))?, name.to_owned()))
}

/// The folders that the build script of a package hands to `build` or `Build::new`, as far as it names them in the call.
fn compiled_by_build_script(package: &Path) -> Vec<PathBuf> {
    let script = fs::read_to_string(package.join("build.rs")).unwrap_or_default();
    if !script.contains("promql_presets") {
        return Vec::new();
    }
    let code: String = script.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let arguments = ["build(", "Build::new("].into_iter().flat_map(|call| code.split(call).skip(1));
    let named = arguments.filter_map(|rest| Some(rest.trim_start().strip_prefix('"')?.split_once('"')?.0));
    named.map(|folder| package.join(folder)).filter(|folder| folder.is_dir()).collect()
}
