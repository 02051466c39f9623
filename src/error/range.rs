//! Why a time range is invalid, or a range query cannot be split.

use std::error::Error;
use std::fmt;

use promql_presets_core::{DurationError, PromDuration, ResultType};

use crate::value::{ParseTimestampError, Timestamp};

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
        "for milliseconds, divide by 1000"
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
