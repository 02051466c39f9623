//! Why a result is not a single number, or a series is invalid.

use std::error::Error;
use std::fmt;

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
