//! The commands, one module each.

mod check;
mod completions;
mod explain;
mod fmt;
mod import;
mod init;
mod list;
mod lsp;
mod new;
mod parse;
mod query;
mod render;
mod schema;
mod serve;
mod test;
mod verify;

use std::process::ExitCode;

use clap::Subcommand;

use crate::failure::Failure;

/// Declares the commands, each with its module.
macro_rules! commands {
    ($($name:ident: $module:ident),* $(,)?) => {
        /// A command with its arguments.
        #[derive(Debug, Subcommand)]
        pub(crate) enum Command {
            $($name($module::Arguments),)*
        }

        impl Command {
            /// Runs the command.
            pub(crate) fn run(self) -> Result<ExitCode, Failure> {
                match self {
                    $(Self::$name(arguments) => $module::run(&arguments),)*
                }
            }
        }
    };
}

// In the order of the help.
commands! {
    Init: init,
    New: new,
    Check: check,
    Fmt: fmt,
    Import: import,
    Parse: parse,
    Explain: explain,
    List: list,
    Render: render,
    Test: test,
    Query: query,
    Serve: serve,
    Schema: schema,
    Verify: verify,
    Lsp: lsp,
    Completions: completions,
}
