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

/// Neovim in a folder that is like the root of a system, with the libraries and the loader of that system.
fn unpacked(root: &Path) -> Option<Command> {
    let libraries = root.join(format!("usr/lib/{}-linux-gnu", env::consts::ARCH));
    let mut files = fs::read_dir(&libraries).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let loader =
        files.find(|file| file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("ld-linux")))?;
    let mut command = Command::new(loader);
    command.arg("--library-path").arg(libraries).arg(root.join("usr/bin/nvim"));
    command.arg("--cmd").arg(format!("set runtimepath+={}", root.join("usr/lib/nvim").display()));
    command.env("VIMRUNTIME", root.join("usr/share/nvim/runtime"));
    Some(command)
}
