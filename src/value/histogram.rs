//! Native histograms.

use std::fmt;

use super::sample::Number;

/// A native histogram at one point in time.
///
/// Counts are floats because a `rate()` of histograms has fractions of observations.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Histogram {
    /// The number of observations.
    pub count: f64,
    /// The sum of all observations.
    pub sum: f64,
    /// The buckets that hold observations, from the lowest to the highest; empty ones are left out.
    pub buckets: Box<[Bucket]>,
}

/// The observations between two bounds; not cumulative, unlike the `le` buckets of classic histograms.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Bucket {
    /// Which of the bounds belong to the bucket.
    pub bounds: Bounds,
    /// The lower bound.
    pub lower: f64,
    /// The upper bound.
    pub upper: f64,
    /// The number of observations in between.
    pub count: f64,
}

/// Which of its bounds belong to a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bounds {
    /// `(lower, upper]`, the usual case.
    OpenLeft,
    /// `[lower, upper)`, as for negative observations.
    OpenRight,
    /// `(lower, upper)`.
    Open,
    /// `[lower, upper]`, as for the bucket around zero.
    Closed,
}

impl Histogram {
    /// A histogram from its parts, for tests and stand-ins.
    pub fn new(count: f64, sum: f64, buckets: impl IntoIterator<Item = Bucket>) -> Self {
        Self { count, sum, buckets: buckets.into_iter().collect() }
    }
}

impl Bucket {
    /// A bucket from its parts, for tests and stand-ins.
    #[must_use]
    pub fn new(bounds: Bounds, lower: f64, upper: f64, count: f64) -> Self {
        Self { bounds, lower, upper, count }
    }
}

/// `{count:3, sum:4.5, (0.5,1]:2, (1,2]:1}`, as Prometheus writes it.
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
        let (open, close) = match self.bounds {
            Bounds::OpenLeft => ('(', ']'),
            Bounds::OpenRight => ('[', ')'),
            Bounds::Open => ('(', ')'),
            Bounds::Closed => ('[', ']'),
        };
        write!(f, "{open}{},{}{close}:{}", Number(self.lower), Number(self.upper), Number(self.count))
    }
}
