//! Invalid arguments, in the words and the form of the compiler's messages.

use std::error::Error as _;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::failure::Failure;

/// Converts an error of clap. The texts of `--help` and `--version`, which clap returns as errors, are printed.
pub(crate) fn failure(error: &clap::Error) -> Failure {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return error.print().map_or_else(Failure::Output, |()| Failure::Done);
    }
    let get = |kind| error.get(kind).map(text);
    let argument = get(ContextKind::InvalidArg).unwrap_or_default();
    let value = get(ContextKind::InvalidValue).unwrap_or_default();
    let valid = get(ContextKind::ValidValue);
    let similar = |what: &str, kind| {
        // clap lists the most similar one last.
        let similar = match error.get(kind)? {
            ContextValue::Strings(names) => names.last()?,
            ContextValue::String(name) => name,
            _ => return None,
        };
        Some(format!("{what} with a similar name exists: `{similar}`"))
    };
    let (message, help) = match error.kind() {
        ErrorKind::MissingSubcommand => ("no command given".to_owned(), None),
        ErrorKind::InvalidSubcommand => {
            let name = get(ContextKind::InvalidSubcommand).unwrap_or_default();
            (format!("unknown command {name}"), similar("a command", ContextKind::SuggestedSubcommand))
        }
        ErrorKind::UnknownArgument if argument.starts_with("`-") => {
            (format!("unknown option {argument}"), similar("an option", ContextKind::SuggestedArg))
        }
        ErrorKind::UnknownArgument => (format!("unexpected argument {argument}"), None),
        ErrorKind::InvalidValue if value.is_empty() || value == "``" => {
            (format!("{argument} needs a value"), valid.map(|valid| format!("it is one of {valid}")))
        }
        ErrorKind::InvalidValue => {
            (format!("invalid value {value} for {argument}"), valid.map(|valid| format!("it is one of {valid}")))
        }
        ErrorKind::ValueValidation => {
            let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
            (format!("invalid value {value} for {argument}{cause}"), None)
        }
        ErrorKind::MissingRequiredArgument => (format!("missing {argument}"), None),
        ErrorKind::ArgumentConflict => {
            let other = get(ContextKind::PriorArg).unwrap_or_default();
            let message = if other == argument {
                "cannot be repeated".to_owned()
            } else {
                format!("cannot be used with {other}")
            };
            (format!("{argument} {message}"), None)
        }
        ErrorKind::TooManyValues => (format!("{argument} takes no value"), None),
        _ => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            (first.strip_prefix("error: ").unwrap_or(first).to_owned(), None)
        }
    };
    let failure = Failure::new(message).maybe_help(help);
    match error.get(ContextKind::Usage) {
        Some(ContextValue::StyledStr(usage)) => failure.usage(usage.to_string()),
        _ => failure,
    }
}

/// A part of an error, in backticks; a list with commas.
fn text(value: &ContextValue) -> String {
    match value {
        ContextValue::String(text) => format!("`{text}`"),
        ContextValue::Strings(texts) => texts.iter().map(|text| format!("`{text}`")).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
