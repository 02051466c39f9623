//! Errors of rendering.

use std::fmt::{self, Write as _};

use crate::{DurationError, PromDuration};

/// Why a preset cannot be rendered with a querier.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RenderError {
    /// The template has `{metric_name}`, but the querier names no metric.
    MissingMetricName,
    /// A series selector needs a metric name or a matcher.
    EmptySelector,
    /// The querier names another metric than the preset's file.
    OtherMetric {
        /// The preset's metric.
        expected: String,
        /// The querier's metric.
        found: String,
    },
    /// An empty label name, or a matcher on `__name__`.
    InvalidLabelName {
        /// The name.
        label: String,
    },
    /// A label that the preset's file does not declare.
    UndeclaredLabel {
        /// The label.
        label: String,
        /// The declared labels.
        declared: Vec<String>,
    },
    /// A matcher on a label that the preset's file declares for grouping only.
    NotAFilter {
        /// The label.
        label: String,
    },
    /// A label to group by that the preset's file declares for filters only.
    NotAGroupBy {
        /// The label.
        label: String,
    },
    /// A value that does not fit the declared type of the label.
    InvalidLabelValue {
        /// The label.
        label: String,
        /// The value.
        value: String,
        /// The declared type: `a UUID`.
        expected: String,
    },
    /// No matcher for a required label.
    MissingRequiredLabel {
        /// The label.
        label: String,
    },
    /// `one_of` or `none_of` without a value.
    NoAlternatives {
        /// The label.
        label: String,
    },
    /// A regular expression that Prometheus does not accept.
    InvalidRegex {
        /// The label.
        label: String,
        /// The pattern.
        pattern: String,
        /// The error.
        reason: String,
    },
    /// A window of zero length.
    ZeroWindow,
    /// A window that is longer than the policy of the presets permits.
    WindowTooLong {
        /// The window.
        window: PromDuration,
        /// The longest that is permitted.
        limit: PromDuration,
    },
    /// A window for a preset whose template has no `{window}`.
    UnexpectedWindow,
    /// A metric name for a preset whose template has no `{metric_name}`.
    UnexpectedMetricName {
        /// The name.
        name: String,
    },
    /// A matcher for a preset whose template has no `{labels}`.
    UnexpectedMatcher {
        /// The label that it is on.
        label: String,
    },
    /// A label to group by for a preset whose template has no `{group_by}`.
    UnexpectedGroupBy {
        /// The label.
        label: String,
    },
    /// A parameter that the preset does not declare.
    UndeclaredParameter {
        /// The parameter.
        name: String,
        /// The declared parameters.
        declared: Vec<String>,
    },
    /// A value of another kind than the parameter's, or out of its bounds.
    InvalidParameter {
        /// The parameter.
        name: String,
        /// The value.
        value: String,
        /// The values that it takes: `a number from 0 to 1`.
        expected: String,
    },
    /// A window that is not a duration.
    InvalidWindow(DurationError),
}

impl fmt::Display for RenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingMetricName => f.write_str("the querier names no metric, but the template has `{metric_name}`"),
            Self::EmptySelector => f.write_str("the querier has neither a metric name nor a matcher"),
            Self::OtherMetric { expected, found } => {
                write!(f, "the preset queries `{expected}`, but the querier names {}", Typed(found))
            }
            Self::InvalidLabelName { label } => {
                write!(
                    f,
                    "invalid label name {}: a label name is not empty, and `__name__` is set as the metric name",
                    Typed(label)
                )
            }
            Self::UndeclaredLabel { label, declared } => {
                write!(f, "undeclared label {}; the preset declares `{}`", Typed(label), declared.join("`, `"))
            }
            Self::NotAFilter { label } => write!(f, "label {} cannot be filtered on, only grouped by", Typed(label)),
            Self::NotAGroupBy { label } => write!(f, "label {} cannot be grouped by, only filtered on", Typed(label)),
            Self::InvalidLabelValue { label, value, expected } => {
                write!(f, "invalid value {} of label {}, which is {expected}", Typed(value), Typed(label))
            }
            Self::MissingRequiredLabel { label } => write!(f, "missing matcher for the required label `{label}`"),
            Self::NoAlternatives { label } => write!(f, "empty list of values for label {}", Typed(label)),
            Self::InvalidRegex { label, pattern, reason } => {
                write!(f, "invalid regular expression {} for label {}: {reason}", Typed(pattern), Typed(label))
            }
            Self::ZeroWindow => f.write_str("a window must be longer than zero"),
            Self::WindowTooLong { window, limit } => {
                write!(f, "a window of {window}, but at most {limit} is permitted")
            }
            Self::UnexpectedWindow => f.write_str("the preset's template has no `{window}`"),
            Self::UnexpectedMetricName { name } => {
                write!(f, "the preset's template has no `{{metric_name}}`, but the querier names {}", Typed(name))
            }
            Self::UnexpectedMatcher { label } => {
                write!(f, "the preset's template has no `{{labels}}`, but the querier filters on {}", Typed(label))
            }
            Self::UnexpectedGroupBy { label } => {
                write!(f, "the preset's template has no `{{group_by}}`, but the querier groups by {}", Typed(label))
            }
            Self::UndeclaredParameter { name, declared } if declared.is_empty() => {
                write!(f, "undeclared parameter {}; the preset declares none", Typed(name))
            }
            Self::UndeclaredParameter { name, declared } => {
                write!(f, "undeclared parameter {}; the preset declares `{}`", Typed(name), declared.join("`, `"))
            }
            Self::InvalidParameter { name, value, expected } => {
                write!(f, "invalid value {} of parameter {}, which is {expected}", Typed(value), Typed(name))
            }
            Self::InvalidWindow(_) => f.write_str("invalid window"),
        }
    }
}

/// What a caller passed, in backticks and on one line.
struct Typed<'a>(&'a str);

impl fmt::Display for Typed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_char('`')?;
        if self.0.is_empty() {
            f.write_str("\"\"")?;
        }
        for c in self.0.chars() {
            if c.is_control() { write!(f, "{}", c.escape_debug())? } else { f.write_char(c)? }
        }
        f.write_char('`')
    }
}

impl std::error::Error for RenderError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::InvalidWindow(error) => Some(error),
            _ => None,
        }
    }
}

impl From<DurationError> for RenderError {
    fn from(error: DurationError) -> Self {
        Self::InvalidWindow(error)
    }
}

/// A text that is not a variant of a generated enum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownText {
    text: String,
    known: Vec<&'static str>,
}

impl UnknownText {
    /// The variant that has this text. Written once here, because services would compile it again for each enum.
    #[doc(hidden)]
    pub fn __find<T: Copy>(text: &str, all: &[T], as_str: fn(T) -> &'static str) -> Result<T, Self> {
        let found = all.iter().copied().find(|variant| as_str(*variant) == text);
        found.ok_or_else(|| Self { text: text.to_owned(), known: all.iter().copied().map(as_str).collect() })
    }
}

impl fmt::Display for UnknownText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown value {}, expected one of `{}`", Typed(&self.text), self.known.join("`, `"))
    }
}

impl std::error::Error for UnknownText {}
