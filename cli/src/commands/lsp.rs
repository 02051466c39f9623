//! `promql-presets lsp`: the language server.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::failure::Failure;
use crate::lsp;

/// Runs the language server for editors, over standard input and output
///
/// It serves preset files, `promql.toml` and `metrics.toml`: diagnostics with quick fixes, completion, documentation,
/// formatting, declarations, renaming and symbols. An editor starts it; `docs/editors.md` shows how to set it up.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0 after the editor has shut it down, 2 if the connection fails

Example:
  promql-presets lsp")]
pub(crate) struct Arguments {
    /// The folder of preset files, if it is not found automatically: see `check --help`
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
