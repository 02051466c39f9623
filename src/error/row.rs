//! Why a series does not fit the caller's type.

use std::error::Error;
use std::fmt;

use crate::value::Labels;

/// Why a series cannot be deserialized into the caller's type.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RowError {
    /// The series does not have the label of a field that is not an `Option`.
    MissingLabel {
        /// The name of the label, which is the name of the field.
        label: String,
        /// The labels of the series.
        series: Labels,
    },
    /// The value of a label cannot be parsed as the type of its field.
    InvalidLabel {
        /// The name of the label.
        label: String,
        /// Its value.
        value: String,
        /// The error of the field's type.
        reason: String,
        /// The labels of the series.
        series: Labels,
    },
    /// The type is neither a struct nor a map.
    Mismatch {
        /// The error of the type.
        reason: String,
        /// The labels of the series.
        series: Labels,
    },
    /// The sample is a native histogram. Rows of a vector hold floats.
    HistogramNotFloat {
        /// The labels of the series.
        series: Labels,
    },
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MissingLabel { label, series } => write!(f, "series `{series}` has no label `{label}`"),
            Self::InvalidLabel { label, value, reason, series } => {
                write!(f, "label `{label}` of series `{series}` is `{value}`: {reason}")
            }
            Self::Mismatch { reason, series } => write!(f, "series `{series}`: {reason}"),
            Self::HistogramNotFloat { series } => {
                write!(f, "series `{series}` holds a native histogram, not a float")
            }
        }
    }
}

impl Error for RowError {}
