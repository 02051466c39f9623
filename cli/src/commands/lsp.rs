//! `promql-presets lsp`: the language server.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::failure::Failure;
use crate::lsp;

/// Runs the language server for editors, over standard input and output
///
/// An editor starts it. It provides diagnostics with quick fixes, completion, signatures, documentation, formatting,
/// declarations, references, renaming and symbols in preset files, `promql.toml` and `metrics.toml`. `docs/editors.md`
/// describes the setup of editors.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0 if the editor shuts it down, 2 if the connection fails

Example:
  promql-presets lsp")]
pub(crate) struct Arguments {
    /// The folder of preset files; by default the one that `check` finds for each file
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Has no effect; some editors pass it
    #[arg(long, hide = true)]
    stdio: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    lsp::serve(arguments.dir.clone())?;
    Ok(ExitCode::SUCCESS)
}
