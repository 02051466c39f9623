//! The limits of responses.

/// The limits of a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of JSON, uncompressed, since the last series that was taken out. Everything decoded from them
    /// except samples is limited to the same number of bytes of memory or, if that is more, to four times as many up to
    /// 256 MiB.
    pub max_bytes: u64,
    /// The most samples in all series together, without those taken out; each is 16 bytes in memory.
    pub max_samples: u64,
}

/// 1 GiB, and the 50 million samples to which Prometheus limits a query by itself (`--query.max-samples`).
impl Default for Limits {
    fn default() -> Self {
        Self { max_bytes: 1 << 30, max_samples: 50_000_000 }
    }
}

impl Limits {
    /// The most bytes of memory for everything but samples. Short series take up to four times as much memory as JSON,
    /// so a small limit of bytes has to allow more memory than bytes.
    pub(crate) fn max_memory(self) -> u64 {
        self.max_bytes.saturating_mul(4).clamp(1 << 20, 256 << 20).max(self.max_bytes)
    }
}
