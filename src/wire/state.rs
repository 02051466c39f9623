//! The state of the decoder within a document.

use super::error::Fault;

/// The array or object that the next event belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Outside of the document.
    Root,
    /// The outermost object.
    Envelope,
    /// The array of warnings.
    Warnings,
    /// The array of infos.
    Infos,
    /// The objects of statistics, at any depth.
    Stats,
    /// The array of a statistic with a number for each step.
    Steps,
    /// One of these steps, `[time, number]`, and the number of its parts read so far.
    Step {
        parts: u8,
    },
    /// The object `data`.
    Data,
    /// The array `result`; for a scalar or a string, the number of its two parts read so far.
    Result {
        parts: u8,
    },
    /// A series of a vector or a matrix.
    Item,
    Metric,
    /// The array `values` or `histograms`.
    Samples {
        histograms: bool,
    },
    /// A sample `[time, value]`, and the number of its parts read so far.
    Sample {
        histogram: bool,
        parts: u8,
    },
    Histogram,
    Buckets,
    /// A bucket, and the number of its four parts read so far.
    Bucket {
        parts: u8,
    },
    /// An unknown array or object.
    Skip,
}

/// The last key of the innermost object that is not skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Status,
    Data,
    ErrorType,
    Error,
    Warnings,
    Infos,
    Stats,
    IsPartial,
    ResultType,
    Result,
    Metric,
    Value,
    Values,
    Histogram,
    Histograms,
    Count,
    Sum,
    Buckets,
    Unknown,
}

/// The fields read so far, of those that may occur only once.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen(u32);

impl Seen {
    pub(super) fn has(self, key: Key) -> bool {
        self.0 & (1 << key as u32) != 0
    }

    pub(super) fn of(keys: &[Key]) -> Self {
        Self(keys.iter().fold(0, |all, key| all | 1 << *key as u32))
    }

    pub(super) fn once(&mut self, key: Key) -> Result<Key, Fault> {
        if self.has(key) {
            return Err(Fault::Expected("each field once"));
        }
        self.0 |= 1 << key as u32;
        Ok(key)
    }
}
