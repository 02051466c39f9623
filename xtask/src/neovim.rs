//! Provides Neovim, with which tests drive the language server: that of the machine, or else the package of the newest
//! Debian release with its libraries, unpacked below `target`.

use std::fs;
use std::path::Path;

use promql_presets_test_support::{NEOVIM, neovim, neovim_folder};

use crate::Error;
use crate::apt::{rename, run, unpack};
use crate::newest::of_newest_release;

const PACKAGE: &str = "neovim";

/// Makes sure that [`neovim`] finds Neovim, and prints its version.
pub(crate) fn provide() -> Result<(), Error> {
    if neovim()?.is_none() {
        println!("fetching Neovim");
        let work = neovim_folder().with_extension("work");
        // An interrupted run may have left some.
        let _ = fs::remove_dir_all(&work);
        let outcome = fetch(&work);
        let _ = fs::remove_dir_all(&work);
        outcome.map_err(|error| help(&error))?;
    }
    let mut neovim = neovim()?.ok_or_else(|| help("the package does not contain it"))?;
    let version = run(neovim.arg("--version")).map_err(|error| help(&error))?;
    println!("{}", version.lines().next().unwrap_or_default());
    Ok(())
}

/// Downloads and unpacks the package with all libraries, which may be newer than those of the machine. The folder appears
/// only when it is complete.
fn fetch(work: &Path) -> Result<(), String> {
    let folder = of_newest_release(work, |apt| {
        let packages = apt.with_all_dependencies(&[PACKAGE])?;
        apt.download(&packages.iter().map(String::as_str).collect::<Vec<_>>())
    })?;
    let root = work.join("root");
    unpack(&folder, &root)?;
    let _ = fs::remove_dir_all(neovim_folder());
    rename(&root, &neovim_folder())
}

fn help(error: &str) -> Error {
    format!("cannot fetch the package {PACKAGE}: {error}\n\nInstall `nvim` on PATH, or set {NEOVIM} to its file.")
        .into()
}
