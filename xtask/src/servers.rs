//! Provides the servers: those of the machine, or else Debian's packages, unpacked below `target`.
//!
//! Unpacking a package needs no root, asks no questions and starts no service; `cargo clean` undoes it. The newest
//! release that the machine's mirror carries and the machine's own release are both fetched: tests and the demo run on
//! the newest servers, and the live tests once more on the oldest.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use promql_presets_test_support::{Release, Tool};

use crate::Error;
use crate::apt::{Apt, make_folder, rename, run, unpack, write};
use crate::newest::of_newest_release;

const PACKAGES: [&str; 2] = ["prometheus", "victoria-metrics"];

/// The file below a release's folder that lists its packages with their versions.
const VERSIONS: &str = "versions";

/// Makes sure that [`Tool::find`] finds all of these, and prints which versions run.
pub(crate) fn provide(tools: &[Tool]) -> Result<(), Error> {
    let is_fetched =
        |tool: &&Tool| tool.find().is_ok_and(|path| path.is_none_or(|path| path.starts_with(Tool::fetched())));
    if tools.iter().any(|tool| is_fetched(&tool)) && !versions(Release::Newest).exists() {
        println!("fetching the servers of the newest Debian release on this machine's mirror");
        if let Err(error) = fetch(Release::Newest) {
            println!("cannot fetch newer servers ({error}); falling back to those of this machine's release");
        }
    }
    if tools.iter().any(|tool| tool.find().is_ok_and(|path| path.is_none())) {
        provide_oldest()?;
    }
    for tool in tools {
        let path = tool.find()?.ok_or_else(|| help("the packages do not contain it"))?;
        run(Command::new(&path).arg("--version")).map_err(|error| help(&error))?;
        println!("{tool}: {}", path.display());
    }
    for release in [Release::Newest, Release::Oldest] {
        print_versions(release);
    }
    Ok(())
}

/// Fetches the packages of the machine's own release, if they are not there yet.
pub(crate) fn provide_oldest() -> Result<(), Error> {
    if versions(Release::Oldest).exists() {
        return Ok(());
    }
    println!("fetching the servers of this machine's release");
    fetch(Release::Oldest).map_err(|error| help(&error))?;
    print_versions(Release::Oldest);
    Ok(())
}

fn print_versions(release: Release) {
    if let Ok(text) = fs::read_to_string(versions(release)) {
        println!("{release}: {}", text.trim_end());
    }
}

fn versions(release: Release) -> PathBuf {
    release.folder().join(VERSIONS)
}

fn help(error: &str) -> Error {
    let variables: Vec<_> = Tool::ALL.iter().map(|tool| tool.variable()).collect();
    format!(
        "cannot fetch the packages {}: {error}\n\n\
         Install `prometheus`, `promtool`, `victoria-metrics` and `vmauth` on PATH, or set {} to their files.",
        PACKAGES.join(" and "),
        variables.join(", "),
    )
    .into()
}

/// Downloads and unpacks a release's packages. The release's folder appears only when it is complete.
fn fetch(release: Release) -> Result<(), String> {
    let work = Tool::fetched().join("work");
    // An interrupted run may have left some.
    let _ = fs::remove_dir_all(&work);
    make_folder(&work)?;
    let outcome = match release {
        Release::Newest => of_newest_release(&work, |apt| {
            let promtool = apt.has("promtool").then_some("promtool");
            apt.download(&PACKAGES.into_iter().chain(promtool).collect::<Vec<_>>())
        }),
        Release::Oldest => Apt::of_machine(&work, PACKAGES[0]).and_then(|apt| apt.download(&PACKAGES)),
    };
    let outcome = outcome.and_then(|packages| install(&packages, &work, &release.folder()));
    let _ = fs::remove_dir_all(&work);
    outcome
}

/// Unpacks packages and moves the programs that tests need into `folder`.
fn install(packages: &Path, work: &Path, folder: &Path) -> Result<(), String> {
    let (root, ready) = (work.join("root"), work.join("ready"));
    let names = unpack(packages, &root)?;
    make_folder(&ready)?;
    for tool in Tool::ALL {
        let program = root.join("usr/bin").join(tool.to_string());
        // The program may need a library that this machine does not have.
        run(Command::new(&program).arg("--version"))?;
        rename(&program, &ready.join(tool.to_string()))?;
    }
    write(&ready.join(VERSIONS), &format!("{}\n", names.join(", ")))?;
    let _ = fs::remove_dir_all(folder);
    rename(&ready, folder)
}
