//! Why a result is not a single number, or does not fit the caller's type.

use super::Labels;

/// Why a result is not a single number.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// The query returned no series, which is not the same as zero.
    #[error("the query returned no data")]
    NoData,
    /// The query returned several series.
    #[error("the query returned {count} series, not one")]
    SeveralSeries {
        /// The number of series.
        count: usize,
    },
    /// The value is `NaN`, `+Inf` or `-Inf`, as after a division by zero.
    #[error("the value is {value}, not a finite number")]
    NotFinite {
        /// The value.
        value: super::Value,
    },
    /// The sample is a native histogram.
    #[error("the sample is a native histogram, not a float")]
    HistogramNotFloat,
}

/// Why a series cannot be deserialized into the caller's type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RowError {
    /// The series does not have the label of a field that is not an `Option`.
    #[error("series `{series}` has no label `{label}`")]
    MissingLabel {
        /// The name of the label, which is the name of the field.
        label: String,
        /// The labels of the series.
        series: Labels,
    },
    /// The value of a label cannot be parsed as the type of its field.
    #[error("label `{label}` of series `{series}` is `{value}`: {reason}")]
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
    #[error("series `{series}`: {reason}")]
    Mismatch {
        /// The error of the type.
        reason: String,
        /// The labels of the series.
        series: Labels,
    },
    /// The sample is a native histogram. Rows of a vector hold floats.
    #[error("series `{series}` holds a native histogram, not a float")]
    HistogramNotFloat {
        /// The labels of the series.
        series: Labels,
    },
}
