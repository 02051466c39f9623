//! Names of metrics and labels: which are valid, and which need quotes.
//!
//! Since Prometheus 3, every non-empty UTF-8 string is a valid name. Names that are not classic identifiers are quoted,
//! and a quoted metric name moves inside the braces: `{"http.requests", "http.code"="500"}`.
//! See <https://prometheus.io/docs/concepts/data_model/#metric-names-and-labels>.

use std::fmt;
use std::str::FromStr;

use crate::keyword;

/// The label that holds the metric name. A querier sets the name, never this label.
pub const METRIC_NAME_LABEL: &str = "__name__";

const LONGEST_KEYWORD: usize = keyword::COUNT_VALUES.len();

/// Whether a metric name needs no quotes, in any context.
#[must_use]
pub fn is_bare_metric(name: &str) -> bool {
    let is_keyword = || keyword::ALL.iter().any(|keyword| keyword.eq_ignore_ascii_case(name));
    is_identifier(name, true) && (name.len() > LONGEST_KEYWORD || !is_keyword())
}

/// Whether a label name needs no quotes in a matcher or a grouping.
///
/// Keywords need none, except `inf` and `nan`, which are numbers in a grouping.
#[must_use]
pub fn is_bare_label(name: &str) -> bool {
    is_classic_label(name) && !name.eq_ignore_ascii_case("inf") && !name.eq_ignore_ascii_case("nan")
}

/// Whether a label name is a classic identifier: letters, digits and underscores, not starting with a digit.
#[must_use]
pub fn is_classic_label(name: &str) -> bool {
    is_identifier(name, false)
}

/// The character class of each byte in an identifier.
static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 128_u8 {
        classes[byte as usize] = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => LETTER,
            b'0'..=b'9' => DIGIT,
            b':' => COLON,
            _ => 0,
        };
        byte += 1;
    }
    classes
};
const LETTER: u8 = 1;
const DIGIT: u8 = 2;
const COLON: u8 = 4;

fn is_identifier(name: &str, colons: bool) -> bool {
    let first = LETTER | if colons { COLON } else { 0 };
    let is = |byte: u8, classes: u8| CLASSES[usize::from(byte)] & classes != 0;
    match name.as_bytes() {
        // Without a branch for each byte.
        [byte, rest @ ..] => is(*byte, first) & rest.iter().fold(true, |all, byte| all & is(*byte, first | DIGIT)),
        [] => false,
    }
}

/// Why a text is not a valid name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// A name has at least one character.
    Empty,
    /// `__name__` is the metric's name, which is set apart from the labels.
    Reserved,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("empty name"),
            Self::Reserved => f.write_str("`__name__` is the label of the metric name, which is set separately"),
        }
    }
}

impl std::error::Error for NameError {}

/// The name of a label: any non-empty text except `__name__`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LabelName(String);

impl LabelName {
    /// Checks a name.
    ///
    /// # Errors
    /// [`NameError`] if the text is not a label name.
    pub fn new(name: impl Into<String>) -> Result<Self, NameError> {
        let name = name.into();
        check_label(&name)?;
        Ok(Self(name))
    }

    /// The name as text, without quotes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for LabelName {
    type Err = NameError;

    fn from_str(name: &str) -> Result<Self, NameError> {
        Self::new(name)
    }
}

impl fmt::Display for LabelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for LabelName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

pub(crate) fn check_name(name: &str) -> Result<(), NameError> {
    if name.is_empty() { Err(NameError::Empty) } else { Ok(()) }
}

pub(crate) fn check_label(name: &str) -> Result<(), NameError> {
    match name {
        "" => Err(NameError::Empty),
        METRIC_NAME_LABEL => Err(NameError::Reserved),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinguishes_bare_and_quoted_names() {
        for name in ["up", "_x", ":x:y", "vllm:latency_seconds_bucket", "sums"] {
            assert!(is_bare_metric(name), "{name}");
        }
        for name in ["", "9x", "http.requests", "a-b", "größe", "sum", "Inf", "NaN", "on"] {
            assert!(!is_bare_metric(name), "{name}");
        }
        for name in ["le", "_x", "sum", "by", "__tenant__"] {
            assert!(is_bare_label(name), "{name}");
        }
        for name in ["", "a:b", "http.code", "0", "inf", "NAN"] {
            assert!(!is_bare_label(name), "{name}");
        }
    }

    #[test]
    fn the_longest_keyword_is_known() {
        assert_eq!(keyword::ALL.iter().map(|keyword| keyword.len()).max(), Some(LONGEST_KEYWORD));
    }

    #[test]
    fn rejects_invalid_names() {
        assert_eq!("".parse::<LabelName>(), Err(NameError::Empty));
        assert_eq!("__name__".parse::<LabelName>(), Err(NameError::Reserved));
        assert_eq!(LabelName::new("http.code").unwrap().to_string(), "http.code");
    }
}
