//! Why a result is not a single number, or does not fit the caller's type.

use super::Labels;

/// Why an answer is not one number.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// The query matched nothing, which is not the same as zero.
    #[error("the query returned no data")]
    NoData,
    /// One series was asked for.
    #[error("the query returned {count} series, not one")]
    SeveralSeries {
        /// How many came.
        count: usize,
    },
    /// The value is `NaN`, `+Inf` or `-Inf`, as after a division by zero.
    #[error("the value is {value}, not a finite number")]
    NotFinite {
        /// What came.
        value: super::Value,
    },
    /// The sample is a native histogram.
    #[error("the sample is a native histogram, not a float")]
    HistogramNotFloat,
}

/// Why the labels of a series do not fit the caller's type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RowError {
    /// A field that is no `Option` has no label.
    #[error("series `{series}` has no label `{label}`")]
    MissingLabel {
        /// The name of the label, which is the name of the field.
        label: String,
        /// The labels that are there.
        series: Labels,
    },
    /// A label does not read as the type of its field.
    #[error("label `{label}` of series `{series}` is `{value}`: {reason}")]
    InvalidLabel {
        /// The name of the label.
        label: String,
        /// Its value.
        value: String,
        /// What the type of the field said.
        reason: String,
        /// All labels of the series.
        series: Labels,
    },
    /// The labels as a whole do not fit, as when the type is no struct and no map.
    #[error("series `{series}`: {reason}")]
    Mismatch {
        /// What the type said.
        reason: String,
        /// The labels of the series.
        series: Labels,
    },
    /// The sample is a native histogram, and rows hold floats.
    #[error("series `{series}` holds a native histogram, not a float")]
    HistogramNotFloat {
        /// The labels of the series.
        series: Labels,
    },
}
