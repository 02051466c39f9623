//! Native histograms.

use std::fmt;

use super::sample::Number;

/// A [native histogram](https://prometheus.io/docs/specs/native_histograms/) at one point in time.
///
/// Counts are floats, since functions such as `rate()` return fractions of observations.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Histogram {
    /// Number of observations.
    pub count: f64,
    /// Sum of all observations.
    pub sum: f64,
    /// Buckets with observations, in ascending order; empty buckets are omitted.
    pub buckets: Box<[Bucket]>,
}

/// The observations between two bounds. Buckets are not cumulative, unlike the `le` buckets of classic histograms.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Bucket {
    /// Which bounds are inclusive.
    pub bounds: Bounds,
    /// Lower bound.
    pub lower: f64,
    /// Upper bound.
    pub upper: f64,
    /// Number of observations.
    pub count: f64,
}

/// Which bounds of a [`Bucket`] are inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bounds {
    /// `(lower, upper]`, as for positive observations.
    OpenLeft,
    /// `[lower, upper)`, as for negative observations.
    OpenRight,
    /// `(lower, upper)`.
    Open,
    /// `[lower, upper]`, as for the bucket around zero.
    Closed,
}

impl Bounds {
    /// The brackets of an interval: `(]`, `[)`, `()` or `[]`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenLeft => "(]",
            Self::OpenRight => "[)",
            Self::Open => "()",
            Self::Closed => "[]",
        }
    }
}

impl Histogram {
    /// Creates a histogram, for tests and mocks.
    pub fn new(count: f64, sum: f64, buckets: impl IntoIterator<Item = Bucket>) -> Self {
        Self { count, sum, buckets: buckets.into_iter().collect() }
    }
}

impl Bucket {
    /// Creates a bucket, for tests and mocks.
    #[must_use]
    pub fn new(bounds: Bounds, lower: f64, upper: f64, count: f64) -> Self {
        Self { bounds, lower, upper, count }
    }
}

/// Writes `{count:3, sum:4.5, (0.5,1]:2, (1,2]:1}`, the notation of Prometheus.
impl fmt::Display for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{count:{}, sum:{}", Number(self.count), Number(self.sum))?;
        for bucket in &self.buckets {
            write!(f, ", {bucket}")?;
        }
        f.write_str("}")
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, close) = self.bounds.as_str().split_at(1);
        write!(f, "{open}{},{}{close}:{}", Number(self.lower), Number(self.upper), Number(self.count))
    }
}
