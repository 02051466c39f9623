//! The types of metrics, and the names of their series.

/// The type of a metric, as OpenMetrics and Prometheus name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MetricType {
    /// Only grows, until it starts again at zero.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Buckets with the label `le`, and `_sum` and `_count`.
    Histogram,
    /// One sample holds all buckets.
    NativeHistogram,
    /// Quantiles with the label `quantile`, and `_sum` and `_count`.
    Summary,
    /// Always 1. The labels are the information.
    Info,
    /// One of several states is 1.
    Stateset,
    /// Unknown.
    Unknown,
}

impl MetricType {
    /// Every type with its name in a preset file.
    pub const ALL: [(&'static str, Self); 8] = [
        ("counter", Self::Counter),
        ("gauge", Self::Gauge),
        ("histogram", Self::Histogram),
        ("native_histogram", Self::NativeHistogram),
        ("summary", Self::Summary),
        ("info", Self::Info),
        ("stateset", Self::Stateset),
        ("unknown", Self::Unknown),
    ];

    /// The name in a preset file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }
    /// The type with a name in a preset file.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }

    /// The suffixes of the series of a metric that has several, such as `_sum`.
    #[must_use]
    pub const fn parts(self) -> &'static [&'static str] {
        match self {
            Self::Histogram => &["_bucket", "_sum", "_count"],
            Self::Summary => &["_sum", "_count"],
            _ => &[],
        }
    }

    /// The suffix that series have in OpenMetrics, but not their family: `_total` of a counter.
    #[must_use]
    pub const fn family_suffix(self) -> &'static str {
        match self {
            Self::Counter => "_total",
            Self::Info => "_info",
            _ => "",
        }
    }
}

/// The suffixes of series that have another name than their metric.
pub(crate) const SUFFIXES: [&str; 6] = ["_total", "_bucket", "_sum", "_count", "_created", "_info"];

/// The name of a metric, for the name of one of its series.
#[cfg(feature = "tools")]
#[must_use]
pub fn without_suffix(series: &str) -> &str {
    SUFFIXES.into_iter().find_map(|suffix| series.strip_suffix(suffix)).unwrap_or(series)
}
