//! `promql-presets completions`: completions for shells.

use std::process::ExitCode;

use clap::{CommandFactory, ValueHint};
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
    let mut cli = Cli::command();
    let mut script = Vec::new();
    generate(arguments.shell, &mut cli, "promql-presets", &mut script);
    let script = String::from_utf8_lossy(&script);
    // `clap_complete` writes the cases of a name with a hyphen as those of a subcommand.
    let mut script = script.replace("promql__subcmd__presets", "promql__presets");
    if arguments.shell == Shell::Bash {
        for command in cli.get_subcommands() {
            if command.get_positionals().any(|argument| argument.get_value_hint() == ValueHint::AnyPath) {
                script = offer_files(&script, command.get_name());
            }
        }
    }
    print(&script)?;
    Ok(ExitCode::SUCCESS)
}

/// Removes options from what bash offers before anything of a word is typed, so that it offers the files that the command
/// takes.
fn offer_files(script: &str, command: &str) -> String {
    let start = script.find(&format!("subcmd__{command})\n            opts=\"-")).unwrap_or(script.len());
    let (before, after) = script.split_at(start);
    let case = after.split_inclusive(";;\n        promql").next().unwrap_or_default();
    let changed = case.replace(" || ${COMP_CWORD} -eq 2 ]]", " ]]").replace(
        "            esac\n            COMPREPLY=( $(compgen -W \"${opts}\" -- \"${cur}\") )\n",
        "            esac\n",
    );
    [before, &changed, &after[case.len()..]].concat()
}
