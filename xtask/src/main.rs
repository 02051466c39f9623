//! The project's own commands: `cargo xtask <command>`.
#![cfg_attr(test, allow(clippy::unwrap_used))]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command-line program")]

mod apt;
mod browser;
mod demo;
mod measure;
mod neovim;
mod newest;
mod servers;
mod step;
mod test;

use std::env;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

const USAGE: &str = "\
usage: cargo xtask <command>

  test      check formatting and lints, run all tests, build docs and examples
  live      run the live tests on the newest and on the oldest servers
  demo      show the library on a real Prometheus with six hours of data
  ci        test, then demo
  servers   fetch Prometheus, VictoriaMetrics, Chromium and Neovim, for running single tests
  measure   measure what presets and the test kit add to the build of a service
  help      show this text

Missing servers are fetched as Debian packages into `target/servers`: the newest release that the machine's mirror
carries, and the machine's own. So are the browser for the tests of the page, and Neovim for those of the language
server. Set PROMQL_PRESETS_PROMETHEUS, PROMQL_PRESETS_PROMTOOL, PROMQL_PRESETS_VICTORIA_METRICS, PROMQL_PRESETS_VMAUTH or
PROMQL_PRESETS_NEOVIM to use a program of your own; else those on PATH come before the fetched ones.

Commands are not interactive, need no root and leave no process running.
";

/// Why a command failed, as a sentence for the user.
type Error = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let outcome = match arguments[..] {
        ["test"] => test::run(),
        ["demo"] => demo::run(),
        ["ci"] => test::run().and_then(|()| demo::run()),
        ["measure"] => measure::run(),
        ["live"] => test::run_live(),
        ["servers"] => {
            let provided = servers::provide(&promql_presets_test_support::Tool::ALL);
            provided
                .and_then(|()| servers::provide_oldest())
                .and_then(|()| browser::provide())
                .and_then(|()| neovim::provide())
        }
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

/// The workspace's root folder.
fn root() -> PathBuf {
    let xtask = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().map_or(xtask.clone(), PathBuf::from)
}

/// A cargo command in the workspace's root, with one target folder for this workspace and the examples' workspaces.
fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    if env::var_os("CARGO_TARGET_DIR").is_none() {
        command.env("CARGO_TARGET_DIR", root().join("target"));
    }
    command
}
