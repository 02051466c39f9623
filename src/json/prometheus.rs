//! Results as the HTTP API of Prometheus sends them.

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::Float;
use super::column::Samples;
use super::serialize::Column;
use crate::value::{
    Bounds, Bucket, Data, Element, Histogram, Matrix, Meta, Scalar, Series, Stat, Stats, Text, Timestamp, Value, Vector,
};

/// A result in the shape of Prometheus' HTTP API, for front ends that read it, such as Grafana:
/// `{"status":"success","data":{"resultType":"matrix","result":[...]},"warnings":[...]}`.
///
/// Created with `prometheus_json()` of [`Vector`], [`Matrix`], [`Scalar`], [`Text`] and [`Data`]. Times are seconds, and
/// values are strings.
///
/// ```
/// # use promql_presets::{Scalar, Timestamp};
/// let scalar = Scalar::new(Timestamp::from_millis(1_700_000_000_500), f64::INFINITY);
/// assert_eq!(
///     serde_json::to_string(&scalar.prometheus_json())?,
///     r#"{"status":"success","data":{"resultType":"scalar","result":[1700000000.5,"+Inf"]}}"#
/// );
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct PrometheusJson<'a>(Shown<'a>);

#[derive(Clone, Copy, Debug)]
enum Shown<'a> {
    Vector(&'a Vector),
    Matrix(&'a Matrix),
    Scalar(&'a Scalar),
    Text(&'a Text),
}

macro_rules! methods {
    ($($type:ident),*) => {$(
        impl $type {
            /// The result in the shape of Prometheus' HTTP API, to serialize.
            #[must_use]
            pub fn prometheus_json(&self) -> PrometheusJson<'_> {
                PrometheusJson(Shown::$type(self))
            }
        }
    )*};
}

methods!(Vector, Matrix, Scalar, Text);

impl Series {
    /// The series as an element of `data.result` in Prometheus' HTTP API, to serialize series of a stream.
    #[must_use]
    pub fn prometheus_json(&self) -> impl Serialize {
        As(self)
    }
}

impl Element {
    /// The series as an element of `data.result` in Prometheus' HTTP API, to serialize.
    #[must_use]
    pub fn prometheus_json(&self) -> impl Serialize {
        As(self)
    }
}

impl Data {
    /// The result in the shape of Prometheus' HTTP API, to serialize.
    #[must_use]
    pub fn prometheus_json(&self) -> PrometheusJson<'_> {
        match self {
            Self::Vector(vector) => vector.prometheus_json(),
            Self::Matrix(matrix) => matrix.prometheus_json(),
            Self::Scalar(scalar) => scalar.prometheus_json(),
            Self::Text(text) => text.prometheus_json(),
        }
    }
}

impl PrometheusJson<'_> {
    fn meta(&self) -> &Meta {
        match self.0 {
            Shown::Vector(vector) => vector.meta(),
            Shown::Matrix(matrix) => matrix.meta(),
            Shown::Scalar(scalar) => scalar.meta(),
            Shown::Text(text) => text.meta(),
        }
    }
}

impl Serialize for PrometheusJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("status", "success")?;
        map.serialize_entry("data", &As(self))?;
        let Meta { warnings, infos, is_partial, .. } = self.meta();
        for (name, texts) in [("warnings", warnings), ("infos", infos)] {
            if !texts.is_empty() {
                map.serialize_entry(name, texts)?;
            }
        }
        if *is_partial {
            map.serialize_entry("isPartial", &true)?;
        }
        map.end()
    }
}

/// A value that is serialized as Prometheus writes it.
pub(super) struct As<T>(pub(super) T);

/// The field `data`.
impl Serialize for As<&PrometheusJson<'_>> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self.0.0 {
            Shown::Vector(vector) => {
                map.serialize_entry("resultType", "vector")?;
                map.serialize_entry("result", &Column(|| vector.iter().map(As)))?;
            }
            Shown::Matrix(matrix) => {
                map.serialize_entry("resultType", "matrix")?;
                map.serialize_entry("result", &Column(|| matrix.iter().map(As)))?;
            }
            Shown::Scalar(scalar) => {
                map.serialize_entry("resultType", "scalar")?;
                map.serialize_entry("result", &(As(scalar.timestamp()), As(scalar.value())))?;
            }
            Shown::Text(text) => {
                map.serialize_entry("resultType", "string")?;
                map.serialize_entry("result", &(As(text.timestamp()), text.value()))?;
            }
        }
        if let Some(stats) = &self.0.meta().stats {
            map.serialize_entry("stats", &As(stats))?;
        }
        map.end()
    }
}

impl Serialize for As<&Element> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("metric", self.0.labels())?;
        let time = As(self.0.timestamp());
        match self.0.value() {
            Value::Float(value) => map.serialize_entry("value", &(time, As(*value)))?,
            Value::Histogram(histogram) => map.serialize_entry("histogram", &(time, As(&**histogram)))?,
        }
        map.end()
    }
}

impl Serialize for As<&Series> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (series, histograms) = (self.0, self.0.histograms());
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("metric", series.labels())?;
        if !series.values().is_empty() || histograms.is_empty() {
            map.serialize_entry("values", &Samples(series.timestamps(), series.values()))?;
        }
        if !histograms.is_empty() {
            let samples = || histograms.iter().map(|(time, histogram)| (As(*time), As(&**histogram)));
            map.serialize_entry("histograms", &Column(samples))?;
        }
        map.end()
    }
}

/// Seconds since 1970.
impl Serialize for As<Timestamp> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_millis() {
            millis if millis % 1000 == 0 => serializer.serialize_i64(millis / 1000),
            _ => serializer.serialize_f64(self.0.as_secs_f64()),
        }
    }
}

/// A number in quotes.
impl Serialize for As<f64> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match Float(self.0).as_integer() {
            Some(integer) => serializer.serialize_str(itoa::Buffer::new().format(integer)),
            None if self.0.is_finite() => match zmij::Buffer::new().format_finite(self.0) {
                // Prometheus writes no exponents.
                text if text.contains('e') => serializer.collect_str(&Value::Float(self.0)),
                text => serializer.serialize_str(text.strip_suffix(".0").unwrap_or(text)),
            },
            None => serializer.collect_str(&Value::Float(self.0)),
        }
    }
}

impl Serialize for As<&Histogram> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Histogram { count, sum, buckets } = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("count", &As(*count))?;
        map.serialize_entry("sum", &As(*sum))?;
        if !buckets.is_empty() {
            let bucket = |bucket: &Bucket| (code(bucket.bounds), As(bucket.lower), As(bucket.upper), As(bucket.count));
            map.serialize_entry("buckets", &Column(|| buckets.iter().map(bucket)))?;
        }
        map.end()
    }
}

/// The number of the bounds in the HTTP API.
fn code(bounds: Bounds) -> u8 {
    match bounds {
        Bounds::OpenLeft => 0,
        Bounds::OpenRight => 1,
        Bounds::Open => 2,
        Bounds::Closed => 3,
    }
}

/// Times in `timings`, the rest in `samples`.
impl Serialize for As<&Stats> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let is_time = |name: &str, stat: &Stat| stat.steps.is_empty() && name.ends_with("Time");
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("timings", &Group(|| self.0.0.iter().filter(|(name, stat)| is_time(name, stat))))?;
        map.serialize_entry("samples", &Group(|| self.0.0.iter().filter(|(name, stat)| !is_time(name, stat))))?;
        map.end()
    }
}

/// Statistics of one group.
struct Group<F>(F);

impl<'a, I: Iterator<Item = (&'a String, &'a Stat)>, F: Fn() -> I> Serialize for Group<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, Stat { number, steps }) in (self.0)() {
            match number {
                Some(number) if steps.is_empty() => map.serialize_entry(name, &Float(*number))?,
                _ => {
                    let steps = || steps.iter().map(|(time, number)| (As(*time), Float(*number)));
                    map.serialize_entry(name, &Column(steps))?;
                }
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_what_prometheus_writes() {
        let mut values = vec![0.0, -0.0, 0.1, -2.5, 1e-5, 1e15, 1e16, 9_007_199_254_740_994.0, 1e21, 5e-324, f64::MAX];
        values.extend([f64::NAN, f64::INFINITY, f64::NEG_INFINITY]);
        let mut bits = 1_u64;
        for _ in 0..20_000 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            #[expect(clippy::cast_precision_loss, reason = "any number")]
            values.extend([f64::from_bits(bits), (bits >> 11) as f64 / 1e9]);
        }
        for value in values {
            let (json, shown) = (serde_json::to_string(&As(value)).unwrap(), Value::Float(value).to_string());
            let text = json.trim_matches('"');
            // Between two shortest texts, the last digit may differ.
            assert_eq!(text.len(), shown.len(), "{text}, {shown}");
            let is_same = text.parse::<f64>().is_ok_and(|parsed| parsed.to_bits() == value.to_bits());
            assert!(is_same || !value.is_finite() && text == shown, "{text}, {shown}");
        }
    }
}
