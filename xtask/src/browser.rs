//! Provides the browser of the page's tests: that of the machine, or else Debian's packages, unpacked below `target`.

use std::fs;
use std::path::Path;

use promql_presets_test_support::browser::Programs;

use crate::Error;
use crate::apt::{Apt, make_folder, rename, unpack};

const PACKAGES: [&str; 2] = ["chromium", "chromium-driver"];

/// Makes sure that [`Programs::find`] finds the browser.
pub(crate) fn provide() -> Result<(), Error> {
    if Programs::find()?.is_none() {
        println!("fetching Chromium");
        let work = Programs::fetched().with_extension("work");
        // An interrupted run may have left some.
        let _ = fs::remove_dir_all(&work);
        let outcome = fetch(&work);
        let _ = fs::remove_dir_all(&work);
        outcome.map_err(|error| help(&error))?;
    }
    let programs = Programs::find()?.ok_or_else(|| help("the packages do not contain it"))?;
    println!("{}", programs.version().map_err(|error| help(&error.to_string()))?);
    Ok(())
}

/// Downloads and unpacks the packages, with the libraries that the machine lacks. The folder appears only when it is
/// complete.
fn fetch(work: &Path) -> Result<(), String> {
    make_folder(work)?;
    let apt = Apt::of_machine(work, PACKAGES[0])?;
    let packages = apt.missing(&PACKAGES)?;
    let folder = apt.download(&packages.iter().map(String::as_str).collect::<Vec<_>>())?;
    let root = work.join("root");
    unpack(&folder, &root)?;
    let _ = fs::remove_dir_all(Programs::fetched());
    rename(&root, &Programs::fetched())
}

fn help(error: &str) -> Error {
    format!(
        "cannot fetch the packages {}: {error}\n\n\
         Install `chromium` and `chromedriver` on PATH, or set {} to their files.",
        PACKAGES.join(" and "),
        Programs::VARIABLES.join(" and "),
    )
    .into()
}
