//! Scalars and strings: results without labels.

use std::fmt;

use super::meta::meta_accessors;
use super::sample::Number;
use super::{Meta, Timestamp};

/// The result of a query whose type is scalar, such as `scalar(...)` or `time()`.
#[derive(Debug, Clone, PartialEq)]
pub struct Scalar {
    timestamp: Timestamp,
    value: f64,
    meta: Meta,
}

impl Scalar {
    /// Creates a scalar, for tests and mocks.
    #[must_use]
    pub fn new(timestamp: Timestamp, value: f64) -> Self {
        Self { timestamp, value, meta: Meta::default() }
    }

    /// When the query was evaluated.
    #[must_use]
    pub fn timestamp(&self) -> Timestamp {
        self.timestamp
    }

    /// The value, including `NaN` and infinities. `scalar()` of no series, or of several, is `NaN`.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.value
    }

    meta_accessors!();
}

/// Writes the number.
impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&Number(self.value).to_string())
    }
}

/// The result of a query whose type is string: a string literal.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    timestamp: Timestamp,
    value: String,
    meta: Meta,
}

impl Text {
    /// Creates a string result, for tests and mocks.
    pub fn new(timestamp: Timestamp, value: impl Into<String>) -> Self {
        Self { timestamp, value: value.into(), meta: Meta::default() }
    }

    /// When the query was evaluated.
    #[must_use]
    pub fn timestamp(&self) -> Timestamp {
        self.timestamp
    }

    /// The string.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    meta_accessors!();
}

/// Writes the string.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.value)
    }
}
