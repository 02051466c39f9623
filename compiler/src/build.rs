//! The entry point for build scripts.

use std::path::{Path, PathBuf};
use std::{env, fs, io, process};

use crate::backend::codegen;
use crate::diagnostic::emit;
use crate::{Severity, compile, discover};

/// The generated file, in Cargo's `OUT_DIR`.
const FILE: &str = "promql_presets.rs";

/// Compiles the preset files of a folder for `promql_presets::include_presets!`.
///
/// This is all that a build script needs:
///
/// ```no_run
/// promql_presets_compiler::build("presets");
/// ```
///
/// The folder is relative to the package. Cargo runs the script again when a file in it is added, edited, renamed or
/// deleted. Errors in presets become compile errors of the package; warnings are shown at each build.
///
/// # Exits
/// With status 1 if the file cannot be written, or outside a build script.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "this is how a build script talks to Cargo and its user")]
pub fn build(folder: impl AsRef<Path>) {
    let folder = folder.as_ref();
    println!("cargo::rerun-if-changed={}", folder.display());
    match run(folder) {
        Ok(warnings) => warnings.iter().for_each(|warning| println!("cargo::warning={warning}")),
        Err(message) => {
            eprintln!("promql-presets: {message}");
            process::exit(1);
        }
    }
}

/// Compiles the folder and returns the warnings, one line each.
fn run(folder: &Path) -> Result<Vec<String>, String> {
    let variable = |name: &str| {
        env::var_os(name).map(PathBuf::from).ok_or(format!("`{name}` is not set: this runs in a build script"))
    };
    let (package, out) = (variable("CARGO_MANIFEST_DIR")?, variable("OUT_DIR")?);
    let write = |name: &str, text: &str| {
        let path = out.join(name);
        fs::write(&path, text).map_err(|error| format!("cannot write `{}`: {error}", path.display()))
    };
    let shown = discover::shown_folder(&package, folder);
    let files = match discover::discover(&package.join(folder), &shown) {
        Ok(files) => files,
        Err(error) => {
            let help = match error.error.kind() {
                io::ErrorKind::NotFound => {
                    format!("\n\n  = help: create the folder `{shown}`, or name another one in `build.rs`")
                }
                _ => String::new(),
            };
            write(&codegen::error_file(1), &format!("{error}{help}"))?;
            write(FILE, &codegen::generate(&crate::backend::registry::Registry::default(), &[], 1))?;
            return Ok(Vec::new());
        }
    };
    let output = compile(&files);
    for (name, text) in &output.error_files {
        write(name, text)?;
    }
    write(FILE, &output.code)?;
    let warnings: Vec<_> =
        output.findings.iter().filter(|finding| finding.diagnostic.severity == Severity::Warning).collect();
    Ok(emit::each(&files, &warnings, |messages, warning| messages.short(&warning.diagnostic)))
}
