//! Why a body is not a response of the Prometheus HTTP API.

use std::fmt;

use crate::value::SeriesError;

/// Why a body is not a response of the Prometheus HTTP API.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeError {
    /// The body is not what the API sends.
    Unexpected {
        /// What was expected.
        expected: &'static str,
        /// The offset in bytes from the start of the body.
        offset: u64,
        /// The start of the text at that offset.
        found: String,
    },
    /// The body ends too early, as when a connection is lost or a proxy sends nothing.
    Truncated {
        /// What was expected.
        expected: &'static str,
        /// The number of bytes received.
        length: u64,
    },
    /// The body is well-formed JSON, but lacks a field.
    MissingField {
        /// The name of the field.
        field: &'static str,
    },
    /// The body is longer than [`Limits::max_bytes`](super::Limits).
    TooManyBytes {
        /// The limit.
        limit: u64,
    },
    /// The response has more samples than [`Limits::max_samples`](super::Limits).
    TooManySamples {
        /// The limit.
        limit: u64,
    },
    /// A series is invalid in the response to a range query.
    Series {
        /// Its labels.
        series: String,
        /// What is wrong with it: it has two samples with one timestamp or, in a part of a range, occurs twice or has
        /// samples of another part.
        reason: &'static str,
    },
    /// The response has so many series, labels or warnings that they take more memory than
    /// [`Limits::max_bytes`](super::Limits) allows.
    TooMuchMemory {
        /// The limit.
        limit: u64,
    },
    /// The body is compressed, and broken.
    Gzip {
        /// The number of bytes received before the fault.
        length: u64,
    },
    /// The `data` of a metadata endpoint does not fit the requested type.
    Data {
        /// The message of the type, with the place.
        reason: String,
    },
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unexpected { expected, offset, found } => {
                write!(f, "expected {expected} at byte {offset} of the body, found `{found}`")
            }
            Self::Truncated { expected, length } => {
                write!(f, "the body ends after {length} bytes, expected {expected}")
            }
            Self::MissingField { field } => write!(f, "the body has no `{field}`"),
            Self::TooManyBytes { limit } => write!(f, "the body is longer than the limit of {limit} bytes"),
            Self::TooManySamples { limit } => write!(f, "the response has more samples than the limit of {limit}"),
            Self::Series { series, reason } => write!(f, "series `{series}` {reason}"),
            Self::TooMuchMemory { limit } => {
                write!(
                    f,
                    "series, labels and warnings of the response take more memory than the limit of {limit} bytes"
                )
            }
            Self::Gzip { length } => write!(f, "the body is not valid gzip, after {length} bytes of it"),
            Self::Data { reason } => write!(f, "the data is not what was expected: {reason}"),
        }
    }
}

impl std::error::Error for DecodeError {}

impl DecodeError {
    /// Whether the response exceeds a limit of the client, rather than being invalid.
    pub(crate) fn is_of_limit(&self) -> bool {
        matches!(self, Self::TooManyBytes { .. } | Self::TooManySamples { .. } | Self::TooMuchMemory { .. })
    }
}

impl From<SeriesError> for DecodeError {
    fn from(error: SeriesError) -> Self {
        let SeriesError { series, reason } = error;
        Self::Series { series, reason }
    }
}

/// An error of decoding, without its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Expected(&'static str),
    TooManySamples,
    TooMuchMemory,
}
