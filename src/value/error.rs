//! Why a time range is invalid, a result is not a single number, or it does not fit the caller's type.

use promql_presets_core::{DurationError, PromDuration, ResultType};

use super::{Labels, ParseTimestampError, Timestamp};

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

/// Why a series is invalid in the response to a range query, or in a part of one.
#[doc(hidden)]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("series `{series}` {reason}")]
pub struct SeriesError {
    pub series: String,
    pub reason: &'static str,
}

/// Why a time range or a point in time is invalid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RangeError {
    /// A string that is not a point in time.
    #[error(transparent)]
    InvalidTime(ParseTimestampError),
    /// A step that is not a duration.
    #[error("invalid step: {0}")]
    InvalidStep(DurationError),
    /// A lookback delta that is not a duration.
    #[error("invalid lookback delta: {0}")]
    InvalidLookback(DurationError),
    /// A range query of a preset that has no samples per step.
    #[error("a range query needs a preset whose result is an instant vector or a scalar, not {}", .result.with_article())]
    ResultType {
        /// Type of the preset's result.
        result: ResultType,
    },
    /// A step of zero.
    #[error("a step must be longer than zero")]
    ZeroStep,
    /// A step for zero points.
    #[error("a range has at least one point")]
    NoPoints,
    /// A time in milliseconds or microseconds where seconds are expected, which would be after the year 9999.
    #[error("{seconds} seconds since 1970 are after the year 9999; {}", divisor(*.seconds))]
    Milliseconds {
        /// The number.
        seconds: i64,
    },
    /// The end is before the start.
    #[error("the range ends at {end}, before its start at {start}")]
    EndBeforeStart {
        /// Start of the range.
        start: Timestamp,
        /// End of the range.
        end: Timestamp,
    },
    /// More points per series than the server accepts, which is
    /// [`max_steps`](crate::ClientBuilder::max_steps) plus one.
    #[error("{points} points per series exceed the server's limit of {most}{}", .fitting.map(|step| format!("; a step of {step} would fit")).unwrap_or_default())]
    TooManyPoints {
        /// The number of points of the range.
        points: u64,
        /// The maximum number of points.
        most: u64,
        /// The shortest step in whole seconds within the limit, unless that is longer than durations can be.
        fitting: Option<PromDuration>,
    },
}

impl RangeError {
    /// Rejects a time after the year 9999 that is one of this era if its seconds are read as milliseconds or microseconds.
    pub(crate) fn check_unit(time: Timestamp) -> Result<(), Self> {
        // Not the largest times, which mean "all".
        const YEAR_2128: i64 = 5_000_000_000;
        let seconds = time.as_millis() / 1_000;
        if (YEAR_10_000..YEAR_2128 * 1_000_000).contains(&seconds) {
            return Err(Self::Milliseconds { seconds });
        }
        Ok(())
    }
}

/// The first second of the year 10,000.
const YEAR_10_000: i64 = 253_402_300_800;

/// How to convert a time that was read as seconds.
fn divisor(seconds: i64) -> &'static str {
    if seconds < YEAR_10_000 * 1_000 {
        "for milliseconds, use `Timestamp::from_millis` or divide by 1000"
    } else {
        "for microseconds, divide by 1000000"
    }
}

impl From<ParseTimestampError> for RangeError {
    fn from(error: ParseTimestampError) -> Self {
        Self::InvalidTime(error)
    }
}

impl From<std::convert::Infallible> for RangeError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

/// Why a range query cannot be split into parts.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SplitError {
    /// Part of the query depends on the whole range, and would have other values in each part.
    #[error("`{name}` depends on the whole range")]
    WholeRange {
        /// The function or aggregator, such as `range()`.
        name: &'static str,
    },
    /// A limit on the number of series would apply to each part separately.
    #[error("`limit` would apply to each part separately")]
    Limit,
    /// Unchecked PromQL: only the compiler of presets knows which queries can be split.
    #[error("unchecked PromQL is never split; use a preset")]
    Unchecked,
}
