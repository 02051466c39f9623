//! Scalars and strings: answers without labels.

use std::fmt;

use super::meta::meta_accessors;
use super::sample::Number;
use super::{Meta, Timestamp, Value};
use crate::error::Error;

/// The answer to a query whose type is a scalar, such as `scalar(...)` or `time()`.
#[derive(Debug, Clone, PartialEq)]
pub struct Scalar {
    timestamp: Timestamp,
    value: f64,
    meta: Meta,
}

impl Scalar {
    /// A scalar, for tests and stand-ins.
    #[must_use]
    pub fn new(timestamp: Timestamp, value: f64) -> Self {
        Self { timestamp, value, meta: Meta::default() }
    }

    /// When the query was evaluated.
    #[must_use]
    pub fn timestamp(&self) -> Timestamp {
        self.timestamp
    }

    /// The number, `NaN` and the infinities included: `scalar()` of no series or of several is `NaN`.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.value
    }

    /// The number, if one can calculate with it.
    ///
    /// # Errors
    ///
    /// [`ValueError::NotFinite`](crate::ValueError::NotFinite) and
    /// [`ErrorKind::PartialData`](crate::ErrorKind::PartialData).
    pub fn number(&self) -> Result<f64, Error> {
        self.meta.require_complete()?;
        Value::Float(self.value).number().map_err(|error| self.meta.error(error))
    }

    meta_accessors!();
}

/// The number alone.
impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&Number(self.value).to_string())
    }
}

/// The answer to a query whose type is a string: a string literal.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    timestamp: Timestamp,
    value: String,
    meta: Meta,
}

impl Text {
    /// A string, for tests and stand-ins.
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

/// The string alone.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.value)
    }
}
