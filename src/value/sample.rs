//! Samples and their values.

use std::fmt;
use std::sync::Arc;

use super::{Histogram, Timestamp, ValueError};

/// One sample of a series: a time, and a float or a native histogram.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// When the sample was taken, or the query evaluated.
    pub timestamp: Timestamp,
    /// The value.
    pub value: Value,
}

/// The value of a sample.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// A float, which can be `NaN` or infinite; [`Value::number`] excludes these.
    Float(f64),
    /// A native histogram.
    Histogram(Arc<Histogram>),
}

impl Value {
    /// Returns the float, including `NaN` and infinities.
    ///
    /// # Errors
    ///
    /// [`ValueError::HistogramNotFloat`].
    pub fn float(&self) -> Result<f64, ValueError> {
        match self {
            Self::Float(value) => Ok(*value),
            Self::Histogram(_) => Err(ValueError::HistogramNotFloat),
        }
    }

    /// Returns the float if it is a number.
    ///
    /// # Errors
    ///
    /// [`ValueError::NotFinite`] for `NaN` and infinities, and [`ValueError::HistogramNotFloat`].
    pub fn number(&self) -> Result<f64, ValueError> {
        let value = self.float()?;
        if value.is_finite() { Ok(value) } else { Err(ValueError::NotFinite { value: self.clone() }) }
    }

    /// Returns the native histogram, or `None` for a float.
    #[must_use]
    pub fn as_histogram(&self) -> Option<&Histogram> {
        match self {
            Self::Histogram(histogram) => Some(histogram),
            Self::Float(_) => None,
        }
    }
}

impl Sample {
    /// Returns the float, including `NaN` and infinities.
    ///
    /// # Errors
    ///
    /// [`ValueError::HistogramNotFloat`].
    pub fn float(&self) -> Result<f64, ValueError> {
        self.value.float()
    }

    /// Returns the float if it is a number.
    ///
    /// # Errors
    ///
    /// [`ValueError::NotFinite`] for `NaN` and infinities, and [`ValueError::HistogramNotFloat`].
    pub fn number(&self) -> Result<f64, ValueError> {
        self.value.number()
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<Histogram> for Value {
    fn from(histogram: Histogram) -> Self {
        Self::Histogram(Arc::new(histogram))
    }
}

/// Writes floats as Prometheus does, such as `0.25`, `1e-07`, `NaN` and `+Inf`. Honours width and alignment.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Float(value) => f.pad(&Number(*value).to_string()),
            Self::Histogram(histogram) => f.pad(&histogram.to_string()),
        }
    }
}

/// Writes `value @ time`.
impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} @ {}", self.value, self.timestamp)
    }
}

/// Writes a float as the HTTP API does ([`MarshalFloat`]): the shortest digits that read back as the same float, and
/// below 1e-6 and from 1e21 on an exponent of at least two digits.
///
/// [`MarshalFloat`]: https://github.com/prometheus/prometheus/blob/main/util/jsonutil/marshal.go
pub(super) struct Number(pub(super) f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.0.abs();
        if self.0.is_nan() {
            return f.write_str("NaN");
        }
        if magnitude.is_infinite() {
            return f.write_str(if self.0 > 0.0 { "+Inf" } else { "-Inf" });
        }
        if magnitude == 0.0 || (1e-6..1e21).contains(&magnitude) {
            return write!(f, "{}", self.0);
        }
        let text = format!("{:e}", self.0);
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
        write!(f, "{digits}e{sign}{exponent:0>2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_read_as_prometheus_writes_them() {
        for (value, text) in [
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (0.0, "0"),
            (-0.0, "-0"),
            (1e-6, "0.000001"),
            (1e-7, "1e-07"),
            (-1.25e-7, "-1.25e-07"),
            (5e-324, "5e-324"),
            (1e20, "100000000000000000000"),
            (-1e21, "-1e+21"),
            (1.5e100, "1.5e+100"),
            (0.1 + 0.2, "0.30000000000000004"),
            (123_456_789.0, "123456789"),
        ] {
            assert_eq!(Value::Float(value).to_string(), text);
        }
    }

    #[test]
    fn nan_and_histograms_are_not_numbers() {
        assert!(matches!(Value::Float(f64::NAN).number(), Err(ValueError::NotFinite { .. })));
        assert!(Value::Float(f64::NAN).float().is_ok_and(f64::is_nan));
        let histogram = Value::from(Histogram::new(1.0, 2.0, []));
        assert_eq!(histogram.float(), Err(ValueError::HistogramNotFloat));
        assert_eq!(
            ValueError::NotFinite { value: Value::Float(f64::NAN) }.to_string(),
            "the value is NaN, not a finite number"
        );
    }
}
