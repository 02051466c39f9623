//! Why a command could not run.

use std::fmt;
use std::io;

use promql_presets_compiler::diagnostic::suggest::nearest;
use promql_presets_compiler::discover::DiscoverError;

use crate::output;

/// Why a command could not run. Findings are not failures: they are the result of a command.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Invalid arguments, or input that does not exist or cannot be read.
    Input {
        /// What is wrong.
        message: String,
        /// What to do about it.
        help: Option<String>,
        /// How the command is called, if the arguments are invalid.
        usage: Option<String>,
    },
    /// The output could not be written.
    Output(io::Error),
    /// `--help` or `--version`, which is printed: there is nothing else to do.
    Done,
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self::Input { message: message.into(), help: None, usage: None }
    }

    /// An unknown check or preset.
    pub(crate) fn unknown<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let similar = nearest(name, known);
        Self::new(format!("no {what} `{name}`"))
            .maybe_help(similar.map(|similar| format!("a {what} with a similar name exists: `{similar}`")))
    }

    /// Sets what to do about it.
    pub(crate) fn help(self, text: impl Into<String>) -> Self {
        self.maybe_help(Some(text.into()))
    }

    /// Sets what to do about it, if anything.
    pub(crate) fn maybe_help(mut self, text: Option<String>) -> Self {
        if let Self::Input { help, .. } = &mut self {
            *help = text;
        }
        self
    }

    /// Says where something was looked for.
    pub(crate) fn within(mut self, place: &str) -> Self {
        if let Self::Input { message, .. } = &mut self {
            message.extend([" in ", place]);
        }
        self
    }

    /// Sets what to do about it, unless that is set.
    pub(crate) fn or_help(self, text: &str) -> Self {
        match self {
            Self::Input { help: None, .. } => self.help(text),
            _ => self,
        }
    }

    /// Adds how the command is called.
    pub(crate) fn usage(mut self, text: String) -> Self {
        if let Self::Input { usage, .. } = &mut self {
            *usage = Some(text);
        }
        self
    }

    /// Whether it is a success: the help was shown, or the reader of the output has closed it.
    pub(crate) fn is_success(&self) -> bool {
        match self {
            Self::Input { .. } => false,
            Self::Output(error) => error.kind() == io::ErrorKind::BrokenPipe,
            Self::Done => true,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = output::error_title();
        match self {
            Self::Input { message, help, usage } => {
                writeln!(f, "{error}: {message}")?;
                if let Some(help) = help {
                    writeln!(f, "  |\n  = help: {help}")?;
                }
                if let Some(usage) = usage {
                    writeln!(f, "\n{usage}\n\nFor details, try `--help`.")?;
                }
                Ok(())
            }
            Self::Output(cause) => writeln!(f, "{error}: cannot write to standard output: {cause}"),
            Self::Done => Ok(()),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl From<DiscoverError> for Failure {
    fn from(error: DiscoverError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<promql_presets::Error> for Failure {
    fn from(error: promql_presets::Error) -> Self {
        let message = error.to_string();
        let help = tls_help(&message);
        Self::new(message).maybe_help(help)
    }
}

/// How to get a program with TLS, if a message reports that this one has none.
fn tls_help(message: &str) -> Option<String> {
    let help = "install it with `cargo install promql-presets-cli --features rustls`";
    message.contains("needs the feature `rustls`").then(|| help.to_owned())
}

#[cfg(test)]
mod tests {
    use promql_presets::PrometheusClient;

    use super::*;

    #[test]
    fn a_program_without_tls_says_how_to_get_one() {
        let help = |url| Failure::from(PrometheusClient::new(url).unwrap_err()).to_string();
        assert!(!help("nowhere").contains("help"));
        // Other packages of the workspace may enable TLS.
        if let Err(error) = PrometheusClient::new("https://localhost") {
            let shown = Failure::from(error).to_string();
            assert!(shown.contains("= help: install it with `cargo install promql-presets-cli --features rustls`\n"));
        }
        assert!(tls_help("`https` needs the feature `rustls` or `native-tls`").is_some());
    }
}
