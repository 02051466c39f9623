//! Providing the servers: those that the machine has, else Debian's, unpacked below `target`.
//!
//! Nothing is installed. Downloading and unpacking a package takes no root, asks nothing, and starts no service, all of
//! which installing it would; and `cargo clean` undoes it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use promql_presets_test_support::Tool;

use crate::Error;

/// Makes sure that [`Tool::find`] finds all of these.
pub(crate) fn provide(tools: &[Tool]) -> Result<(), Error> {
    let mut packages = Vec::new();
    for tool in tools {
        match tool.find()? {
            Some(path) => println!("{tool}: {}", path.display()),
            None if packages.contains(&tool.package()) => {}
            None => packages.push(tool.package()),
        }
    }
    if packages.is_empty() {
        return Ok(());
    }
    println!("fetching the Debian packages {}", packages.join(" and "));
    fetch(&packages).map_err(|error| help(&packages, &error))?;
    for tool in tools {
        let path = tool.find()?.ok_or_else(|| help(&packages, "the packages do not hold it"))?;
        works(&path).map_err(|error| help(&packages, &error))?;
        println!("{tool}: {}", path.display());
    }
    Ok(())
}

fn help(packages: &[&str], error: &(impl std::fmt::Display + ?Sized)) -> Error {
    let variables: Vec<_> = Tool::ALL.iter().map(|tool| tool.variable()).collect();
    format!(
        "cannot fetch the packages {}: {error}\n\n\
         Install `prometheus`, `promtool`, `victoria-metrics` and `vmauth` so that they are on PATH, or name their files in {}.",
        packages.join(" and "),
        variables.join(", "),
    )
    .into()
}

fn fetch(packages: &[&str]) -> Result<(), String> {
    let folder = Tool::fetched();
    let work = folder.join("work");
    // What an interrupted run may have left.
    let _ = fs::remove_dir_all(&work);
    for needed in ["apt/lists/partial", "apt/archives/partial", "root"] {
        fs::create_dir_all(work.join(needed)).map_err(|error| format!("cannot write below `target`: {error}"))?;
    }
    let outcome = download(packages, &work).and_then(|()| unpack(&work, &folder));
    let _ = fs::remove_dir_all(&work);
    outcome
}

/// Downloads with the machine's package lists, or, where they are missing or old, with fresh ones of our own.
fn download(packages: &[&str], work: &Path) -> Result<(), String> {
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.args(["-qq", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=3"]);
        command.args(["-o", "Acquire::http::Timeout=30", "-o", "Acquire::https::Timeout=30"]);
        command.args(arguments).current_dir(work);
        run(&mut command)
    };
    let download: Vec<_> = ["download"].iter().chain(packages).copied().collect();
    if apt(&download).is_ok() {
        return Ok(());
    }
    let own = |key: &str, folder: &str| format!("{key}={}", work.join(folder).display());
    let (lists, cache) = (own("Dir::State::Lists", "apt/lists"), own("Dir::Cache", "apt"));
    let fresh = ["-o", &lists, "-o", &cache];
    // Without the mode, lists that cannot be fetched are a warning, and the packages then do not exist.
    apt(&[&fresh, &["-o", "APT::Update::Error-Mode=any", "update"][..]].concat())?;
    apt(&[&fresh, &download[..]].concat())
}

/// Unpacks what was downloaded, and moves the programs that we look for into `folder`.
fn unpack(work: &Path, folder: &Path) -> Result<(), String> {
    let entries = fs::read_dir(work).map_err(|error| error.to_string())?;
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    for package in files.filter(|path| path.extension().is_some_and(|extension| extension == "deb")) {
        run(Command::new("dpkg-deb").arg("-x").arg(package).arg(work.join("root")))?;
    }
    for tool in Tool::ALL {
        let program = work.join("root/usr/bin").join(tool.to_string());
        if program.is_file() {
            fs::rename(program, folder.join(tool.to_string())).map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

/// Whether a program from elsewhere runs on this machine: it may lack a library.
fn works(program: &PathBuf) -> Result<(), String> {
    run(Command::new(program).arg("--version"))
}

/// Runs a command silently; its output becomes the error if it fails.
fn run(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("cannot run `{name}`: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(format!("`{name}` failed ({}): {said}", output.status))
}
