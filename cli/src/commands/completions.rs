//! `promql-presets completions`: completions for shells.

use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::{Shell, generate};

use crate::Cli;
use crate::failure::Failure;
use crate::output::print;

/// Prints completions for a shell
///
/// For bash, add `source <(promql-presets completions bash)` to `~/.bashrc`; for zsh, the same to `~/.zshrc`, after
/// `compinit`. For fish, write them to `~/.config/fish/completions/promql-presets.fish`. For PowerShell, add
/// `promql-presets completions powershell | Out-String | Invoke-Expression` to `$PROFILE`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0 on success, 2 if the output cannot be written

Example:
  source <(promql-presets completions bash)")]
pub(crate) struct Arguments {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut text = Vec::new();
    generate(arguments.shell, &mut Cli::command(), "promql-presets", &mut text);
    let text = String::from_utf8_lossy(&text);
    // `clap_complete` writes the cases of a name with a hyphen as those of a subcommand.
    print(&text.replace("promql__subcmd__presets", "promql__presets"))?;
    Ok(ExitCode::SUCCESS)
}
