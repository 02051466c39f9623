//! The project's own commands: `cargo xtask <command>`.
#![cfg_attr(test, allow(clippy::unwrap_used))]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is a program for people")]

mod demo;
mod measure;
mod servers;
mod step;
mod test;

use std::env;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

const USAGE: &str = "\
usage: cargo xtask <command>

  test      check formatting and lints, run all tests, build docs and examples
  demo      show the library at work on a real Prometheus with several hours of data
  ci        test, then demo
  servers   make sure that Prometheus and VictoriaMetrics are there, for running live tests by hand
  measure   measure what presets cost whoever builds a service, in a fresh folder
  help      show this text

Everything that is missing is fetched. No command asks questions, needs root or leaves anything running.
";

/// Why a command could not do its work, as a sentence for the person who ran it.
type Error = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments[..] {
        ["test"] => test::run(),
        ["demo"] => demo::run(),
        ["ci"] => test::run().and_then(|()| demo::run()),
        ["measure"] => measure::run(),
        ["servers"] => servers::provide(&promql_presets_test_support::Tool::ALL),
        [] | ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            Ok(())
        }
        _ => {
            eprint!("unknown command `{}`\n\n{USAGE}", arguments.join(" "));
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The workspace's folder.
fn root() -> PathBuf {
    let xtask = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().map_or(xtask.clone(), PathBuf::from)
}

/// A cargo command in the workspace's folder, with one target folder for this workspace and those of the examples.
fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    if env::var_os("CARGO_TARGET_DIR").is_none() {
        command.env("CARGO_TARGET_DIR", root().join("target"));
    }
    command
}
