//! `promql-presets`: preset files on the command line, for editors, hooks, CI, and people who write queries.
//!
//! Each command is a module that reads its own arguments. Results go to standard output, everything else to standard
//! error.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod check;
mod explain;
mod failure;
mod folders;
mod json;
mod list;
mod output;
mod parse;
mod render;

use std::io::{self, Write};
use std::process::ExitCode;

use lexopt::Arg::{Long, Short, Value};

use crate::failure::Failure;

/// A command: its name, its help, and what runs it.
type Command = (&'static str, &'static str, fn(lexopt::Parser) -> Result<ExitCode, Failure>);

const COMMANDS: [Command; 5] = [
    ("check", check::HELP, check::run),
    ("parse", parse::HELP, parse::run),
    ("explain", explain::HELP, explain::run),
    ("list", list::HELP, list::run),
    ("render", render::HELP, render::run),
];

const HELP: &str = "\
PromQL presets in TOML files, checked as `cargo build` checks them

usage: promql-presets <command>

  check     check preset files
  parse     check plain PromQL
  explain   explain a check
  list      list presets
  render    show the PromQL of a preset

  -h, --help      show this text, or the help of a command
  -V, --version   show the version

exit status: 0 on success, 1 if there are findings or errors in queries, 2 if the command could not run
";

/// There are findings, or a query was rejected.
const FOUND: u8 = 1;
/// The command could not run.
const COULD_NOT_RUN: u8 = 2;

fn main() -> ExitCode {
    let failure = match run(lexopt::Parser::from_env()) {
        Ok(code) => return code,
        Err(failure) => failure,
    };
    if failure.is_closed_pipe() {
        // The reader has closed the output.
        return ExitCode::SUCCESS;
    }
    // If this fails, nothing else can be done.
    _ = write!(io::stderr(), "{failure}");
    ExitCode::from(COULD_NOT_RUN)
}

fn run(mut arguments: lexopt::Parser) -> Result<ExitCode, Failure> {
    let name = match arguments.next().map_err(|error| Failure::arguments(error, HELP))? {
        None => return Err(Failure::usage("no command given", HELP)),
        Some(Short('h') | Long("help")) => return output::help(HELP),
        Some(Short('V') | Long("version")) => {
            return output::help(concat!("promql-presets ", env!("CARGO_PKG_VERSION"), "\n"));
        }
        Some(Value(name)) => name.to_string_lossy().into_owned(),
        Some(other) => return Err(Failure::arguments(other.unexpected(), HELP)),
    };
    let find = |name: &str| COMMANDS.iter().find(|(command, ..)| *command == name);
    if name == "help" {
        let asked = arguments.next().ok().flatten();
        let asked = asked.and_then(|argument| if let Value(name) = argument { Some(name) } else { None });
        let help = asked.and_then(|name| find(&name.to_string_lossy())).map_or(HELP, |(_, help, _)| help);
        return output::help(help);
    }
    if let Some((.., run)) = find(&name) {
        return run(arguments);
    }
    let suggestion = failure::did_you_mean(&name, COMMANDS.map(|(command, ..)| command));
    Err(Failure::usage(format!("unknown command `{name}`{suggestion}"), HELP))
}
