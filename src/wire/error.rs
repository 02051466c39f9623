//! Why a body is not a response of the Prometheus HTTP API.

use crate::value::SeriesError;

/// Why a body is not a response of the Prometheus HTTP API.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The body is not what the API sends.
    #[error("expected {expected} at byte {offset} of the body, found `{found}`")]
    Unexpected {
        /// What was expected.
        expected: &'static str,
        /// The offset in bytes from the start of the body.
        offset: u64,
        /// The start of the text at that offset.
        found: String,
    },
    /// The body ends too early, as when a connection is cut or a proxy sends nothing.
    #[error("the body ends after {length} bytes, expected {expected}")]
    Truncated {
        /// What was expected.
        expected: &'static str,
        /// The number of bytes received.
        length: u64,
    },
    /// The body is well-formed JSON, but lacks a field.
    #[error("the body has no `{field}`")]
    MissingField {
        /// The name of the field.
        field: &'static str,
    },
    /// The body is longer than [`Limits::max_bytes`](super::Limits).
    #[error("the body is longer than the limit of {limit} bytes")]
    TooManyBytes {
        /// The limit.
        limit: u64,
    },
    /// The response has more samples than [`Limits::max_samples`](super::Limits).
    #[error("the response has more samples than the limit of {limit}")]
    TooManySamples {
        /// The limit.
        limit: u64,
    },
    /// A series is invalid in the response to a range query.
    #[error("series `{series}` {reason}")]
    Series {
        /// Its labels.
        series: String,
        /// What is wrong with it: it has two samples with one timestamp or, in a part of a range, occurs twice or has
        /// samples of another part.
        reason: &'static str,
    },
    /// The response has so many series, labels or warnings that they take more memory than
    /// [`Limits::max_bytes`](super::Limits) allows.
    #[error("series, labels and warnings of the response take more memory than the limit of {limit} bytes")]
    TooMuchMemory {
        /// The limit.
        limit: u64,
    },
    /// The body is compressed, and broken.
    #[error("the body is not valid gzip, after {length} bytes of it")]
    Gzip {
        /// The number of bytes received before the fault.
        length: u64,
    },
    /// The `data` of a metadata endpoint does not fit the type asked for.
    #[error("the data is not what was expected: {reason}")]
    Data {
        /// The message of the type, with the place.
        reason: String,
    },
}

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
