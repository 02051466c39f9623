//! Where in a document the decoder is.

use super::error::Fault;

/// Where in the document the next event belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Outside of everything.
    Root,
    /// The object around everything.
    Envelope,
    /// The array of warnings.
    Warnings,
    /// The array of infos.
    Infos,
    /// The objects of statistics, at any depth.
    Stats,
    /// The array of a statistic that is counted step by step.
    Steps,
    /// One of these steps, `[time, number]`, of which so many parts have come.
    Step {
        parts: u8,
    },
    /// The object `data`.
    Data,
    /// The array `result`; of a scalar or a string, so many of its two parts have come.
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
    /// A sample, of which so many parts have come.
    Sample {
        histogram: bool,
        parts: u8,
    },
    Histogram,
    Buckets,
    /// A bucket, of which so many of its four parts have come.
    Bucket {
        parts: u8,
    },
    /// An array or an object that nobody asked for.
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

/// The keys that have come of those that must not come twice.
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
