use zed_extension_api::{self as zed, Command, LanguageServerId, Result, Worktree};

struct PromqlPresets;

impl zed::Extension for PromqlPresets {
    fn new() -> Self {
        Self
    }

    fn language_server_command(&mut self, _: &LanguageServerId, worktree: &Worktree) -> Result<Command> {
        let command = worktree.which("promql-presets").ok_or("`promql-presets` is not on PATH")?;
        Ok(Command { command, args: vec!["lsp".to_owned()], env: worktree.shell_env() })
    }
}

zed::register_extension!(PromqlPresets);
