//! Why a command could not run.

use std::fmt;
use std::io;

use promql_presets_compiler::diagnostic::suggest::nearest;
use promql_presets_compiler::discover::DiscoverError;

/// Why a command could not run. Findings are not failures: they are the result of a command.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Invalid arguments: the message, and the help of the command.
    Usage(String, &'static str),
    /// Input that does not exist or cannot be read.
    Input(String),
    /// The output could not be written.
    Output(io::Error),
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>, help: &'static str) -> Self {
        Self::Usage(message.into(), help)
    }

    /// An unknown check or preset.
    pub(crate) fn unknown<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        Self::Input(format!("no {what} `{name}`{}", did_you_mean(name, known)))
    }

    pub(crate) fn arguments(error: lexopt::Error, help: &'static str) -> Self {
        let message = match error {
            lexopt::Error::UnexpectedOption(option) => {
                let known = help.split([' ', ',', '\n', '[', ']']).filter(|word| word.starts_with("--"));
                format!("unknown option `{option}`{}", did_you_mean(&option, known))
            }
            lexopt::Error::MissingValue { option } => {
                format!("`{}` needs a value", option.unwrap_or_default())
            }
            lexopt::Error::UnexpectedArgument(argument) => {
                format!("unexpected argument `{}`", argument.to_string_lossy())
            }
            lexopt::Error::UnexpectedValue { option, .. } => format!("`{option}` takes no value"),
            lexopt::Error::NonUnicodeValue(value) => format!("`{}` is not UTF-8", value.to_string_lossy()),
            other => other.to_string(),
        };
        Self::Usage(message, help)
    }

    /// Whether the reader of the output has closed it, which is not an error.
    pub(crate) fn is_closed_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(message, help) => {
                writeln!(f, "error: {message}\n")?;
                let usage = help.split("\n\n").find(|part| part.starts_with("usage: ")).unwrap_or_default();
                writeln!(f, "{usage}\n\nrun with `--help` for details")
            }
            Self::Input(message) => writeln!(f, "error: {message}"),
            Self::Output(error) => writeln!(f, "error: cannot write to standard output: {error}"),
        }
    }
}

/// A suggestion for a misspelt name, as the end of a message.
pub(crate) fn did_you_mean<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, known).map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default()
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl From<DiscoverError> for Failure {
    fn from(error: DiscoverError) -> Self {
        Self::Input(error.to_string())
    }
}
