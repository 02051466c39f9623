//! Why a time range is invalid, a result is not a single number, or it does not fit the caller's type.

use std::error::Error;
use std::fmt;

use promql_presets_core::{DurationError, PromDuration, ResultType};

use super::{Labels, ParseTimestampError, Timestamp};

/// Why a result is not a single number.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ValueError {
    /// The query returned no series, which is not the same as zero.
    NoData,
    /// The query returned several series.
    SeveralSeries {
        /// The number of series.
        count: usize,
    },
    /// The value is `NaN`, `+Inf` or `-Inf`, as after a division by zero.
    NotFinite {
        /// The value.
        value: super::Value,
    },
    /// The sample is a native histogram.
    HistogramNotFloat,
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoData => f.write_str("the query returned no data"),
            Self::SeveralSeries { count } => write!(f, "the query returned {count} series, not one"),
            Self::NotFinite { value } => write!(f, "the value is {value}, not a finite number"),
            Self::HistogramNotFloat => f.write_str("the sample is a native histogram, not a float"),
        }
    }
}

impl Error for ValueError {}

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

/// Why a series is invalid in the response to a range query, or in a part of one.
#[doc(hidden)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeriesError {
    pub series: String,
    pub reason: &'static str,
}

impl fmt::Display for SeriesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "series `{}` {}", self.series, self.reason)
    }
}

impl Error for SeriesError {}

/// Why a time range or a point in time is invalid.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RangeError {
    /// A string that is not a point in time.
    InvalidTime(ParseTimestampError),
    /// A step that is not a duration.
    InvalidStep(DurationError),
    /// A lookback delta that is not a duration.
    InvalidLookback(DurationError),
    /// A range query of a preset that has no samples per step.
    ResultType {
        /// Type of the preset's result.
        result: ResultType,
    },
    /// A step of zero.
    ZeroStep,
    /// A step for zero points.
    NoPoints,
    /// A time in milliseconds or microseconds where seconds are expected, which would be after the year 9999.
    Milliseconds {
        /// The number.
        seconds: i64,
    },
    /// The end is before the start.
    EndBeforeStart {
        /// Start of the range.
        start: Timestamp,
        /// End of the range.
        end: Timestamp,
    },
    /// More points per series than the server accepts, which is
    /// [`max_steps`](crate::ClientBuilder::max_steps) plus one.
    TooManyPoints {
        /// The number of points of the range.
        points: u64,
        /// The maximum number of points.
        most: u64,
        /// The shortest step in whole seconds within the limit, unless that is longer than durations can be.
        fitting: Option<PromDuration>,
    },
}

impl fmt::Display for RangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidTime(error) => error.fmt(f),
            Self::InvalidStep(error) => write!(f, "invalid step: {error}"),
            Self::InvalidLookback(error) => write!(f, "invalid lookback delta: {error}"),
            Self::ResultType { result } => {
                let result = result.with_article();
                write!(f, "a range query needs a preset whose result is an instant vector or a scalar, not {result}")
            }
            Self::ZeroStep => f.write_str("a step must be longer than zero"),
            Self::NoPoints => f.write_str("a range has at least one point"),
            Self::Milliseconds { seconds } => {
                write!(f, "{seconds} seconds since 1970 are after the year 9999; {}", divisor(*seconds))
            }
            Self::EndBeforeStart { start, end } => write!(f, "the range ends at {end}, before its start at {start}"),
            Self::TooManyPoints { points, most, fitting } => {
                write!(f, "{points} points per series exceed the server's limit of {most}")?;
                fitting.map_or(Ok(()), |step| write!(f, "; a step of {step} would fit"))
            }
        }
    }
}

impl Error for RangeError {}

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
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SplitError {
    /// Part of the query depends on the whole range, and would have other values in each part.
    WholeRange {
        /// The function or aggregator, such as `range()`.
        name: &'static str,
    },
    /// A limit on the number of series would apply to each part separately.
    Limit,
    /// Unchecked PromQL: only the compiler of presets knows which queries can be split.
    Unchecked,
}

impl fmt::Display for SplitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WholeRange { name } => write!(f, "`{name}` depends on the whole range"),
            Self::Limit => f.write_str("`limit` would apply to each part separately"),
            Self::Unchecked => f.write_str("unchecked PromQL is never split; use a preset"),
        }
    }
}

impl Error for SplitError {}
