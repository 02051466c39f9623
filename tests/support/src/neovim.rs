//! Finding Neovim, with which tests drive the language server.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Error, Tool};

/// The environment variable that sets the path of Neovim and takes precedence over `PATH`.
pub const NEOVIM: &str = "PROMQL_PRESETS_NEOVIM";

/// The folder below the workspace's `target` into which `cargo xtask` unpacks Neovim with the libraries that it needs.
#[must_use]
pub fn neovim_folder() -> PathBuf {
    Tool::fetched().join("neovim")
}

/// A command that runs Neovim: from its variable, else on `PATH`, else as unpacked by `cargo xtask`.
///
/// `None` when the machine does not have it; an error when the variable does not name a file.
pub fn neovim() -> Result<Option<Command>, Error> {
    if let Some(path) = env::var_os(NEOVIM).filter(|path| !path.is_empty()) {
        let path = PathBuf::from(path);
        return if path.is_file() {
            Ok(Some(Command::new(path)))
        } else {
            Err(format!("{NEOVIM} names `{}`, which is not a file", path.display()).into())
        };
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let installed = env::split_paths(&path).map(|folder| folder.join("nvim")).find(|file| file.is_file());
    Ok(installed.map(Command::new).or_else(|| unpacked(&neovim_folder())))
}

/// Neovim in a folder that is like the root of a system.
#[must_use]
pub fn unpacked(root: &Path) -> Option<Command> {
    let program = root.join("usr/bin/nvim");
    if !program.is_file() {
        return None;
    }
    // Debian's libraries are in a folder for the machine: `usr/lib/x86_64-linux-gnu`.
    let entries = fs::read_dir(root.join("usr/lib")).ok()?;
    let folders: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|it| it.is_dir()).collect();
    let mut command = Command::new(program);
    command.env("LD_LIBRARY_PATH", env::join_paths(folders).ok()?);
    command.env("VIMRUNTIME", root.join("usr/share/nvim/runtime"));
    Some(command)
}
