//! `promql-presets`: preset files on the command line, for editors, hooks, CI, and people who write queries.
//!
//! Each command is a module of `commands`, with its arguments and a function `run`. Results go to standard output,
//! everything else to standard error.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod commands;
mod declared;
mod empty_result;
mod exposition;
mod failure;
mod fmt;
mod functions;
mod import;
mod invalid_arguments;
mod json;
mod lsp;
mod output;
mod preset_folders;
mod preset_root;
mod progress;
mod querier;
mod serve;
mod server;
mod source_map;

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::{ColorChoice, Parser};

use crate::commands::Command;

/// There are findings, or a query was rejected.
const FOUND: u8 = 1;
/// The command could not run.
const COULD_NOT_RUN: u8 = 2;

/// PromQL presets in TOML files, checked as `cargo build` checks them
#[derive(Debug, Parser)]
#[command(name = "promql-presets", bin_name = "promql-presets", version, arg_required_else_help = false, after_help = HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// When to use colors: `auto`, the default, on terminals unless `NO_COLOR` is set; `always` also with `NO_COLOR`
    #[arg(long, global = true, value_name = "WHEN", default_value_t, hide_default_value = true)]
    color: ColorChoice,
}

const HELP: &str = "\
Exit status: 0 on success, 1 if there are findings or errors in queries, 2 if the command could not run

Example:
  promql-presets check presets";

/// The arguments of the process. `help --help` becomes `help`, since clap takes the option for the name of a command.
fn arguments() -> Vec<OsString> {
    let mut arguments: Vec<OsString> = env::args_os().collect();
    if arguments.get(1).is_some_and(|command| command == "help") {
        arguments.retain(|argument| argument != "--help" && argument != "-h");
    }
    arguments
}

fn main() -> ExitCode {
    let result = Cli::try_parse_from(arguments()).map_err(|error| invalid_arguments::failure(&error)).and_then(|cli| {
        output::set_color(cli.color);
        cli.command.run()
    });
    let failure = match result {
        Ok(code) => return code,
        Err(failure) => failure,
    };
    if failure.is_success() {
        return ExitCode::SUCCESS;
    }
    // A failure to write this cannot be reported.
    _ = write!(io::stderr(), "{failure}");
    ExitCode::from(COULD_NOT_RUN)
}
