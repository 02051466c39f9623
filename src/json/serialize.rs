//! Writes results.

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::Float;
use super::column::{Floats, Times, copies_text};
use crate::value::{
    Bounds, Bucket, Data, Element, Histogram, Labels, Listing, Matrix, Meta, Sample, Scalar, Series, Stat, Stats, Text,
    Timestamp, Value, Vector,
};

/// Implements `Serialize` for a type with named fields, as an object.
macro_rules! serialize_fields {
    ($this:ident: $type:ty $(where $($t:ident)+)? { $($name:literal: $value:expr),+ $(,)? }) => {
        impl $(<$($t: serde::Serialize)+>)? serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let ($this, len) = (self, [$($name),+].len());
                let mut map = serializer.serialize_map(Some(len))?;
                $(serde::ser::SerializeMap::serialize_entry(&mut map, $name, &$value)?;)+
                serde::ser::SerializeMap::end(map)
            }
        }
    };
}
pub(super) use serialize_fields;

impl Serialize for Float {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // Binary formats have all floats.
        if !serializer.is_human_readable() {
            return serializer.serialize_f64(self.0);
        }
        if let Some(integer) = self.as_integer() {
            return serializer.serialize_i64(integer);
        }
        match self.0 {
            value if value.is_finite() => serializer.serialize_f64(value),
            value if value.is_nan() => serializer.serialize_str("NaN"),
            value => serializer.serialize_str(if value > 0.0 { "Infinity" } else { "-Infinity" }),
        }
    }
}

/// Milliseconds since 1970.
impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.as_millis())
    }
}

impl Serialize for Labels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

/// A number, or the object of a histogram.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Float(value) => Float(*value).serialize(serializer),
            Self::Histogram(histogram) => histogram.as_ref().serialize(serializer),
        }
    }
}

impl Serialize for Bounds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

serialize_fields!(this: Sample { "timestamp": this.timestamp, "value": this.value });
serialize_fields!(this: Histogram { "count": Float(this.count), "sum": Float(this.sum), "buckets": this.buckets });
serialize_fields!(this: Bucket {
    "bounds": this.bounds,
    "lower": Float(this.lower),
    "upper": Float(this.upper),
    "count": Float(this.count),
});
serialize_fields!(this: Element { "labels": this.labels(), "timestamp": this.timestamp(), "value": this.value() });
impl Serialize for Series {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        columns(serializer, self.labels(), &Times(self.timestamps()), self)
    }
}

/// Writes a series.
pub(super) fn columns<S: Serializer>(
    serializer: S,
    labels: &impl Serialize,
    timestamps: &impl Serialize,
    series: &Series,
) -> Result<S::Ok, S::Error> {
    let has_histograms = !series.histograms().is_empty();
    let mut map = serializer.serialize_map(Some(3 + usize::from(has_histograms)))?;
    map.serialize_entry("labels", labels)?;
    map.serialize_entry("timestamps", timestamps)?;
    map.serialize_entry("values", &Floats(series.values()))?;
    if has_histograms {
        let histograms = series.histograms();
        let times = Column(|| histograms.iter().map(|(time, _)| time));
        let values = Column(|| histograms.iter().map(|(_, histogram)| histogram.as_ref()));
        map.serialize_entry("histograms", &Columns(times, values))?;
    }
    map.end()
}

/// The items of an iterator, as an array.
pub(super) struct Column<F>(pub(super) F);

impl<I: Iterator<Item: Serialize>, F: Fn() -> I> Serialize for Column<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0())
    }
}

/// Times and values.
struct Columns<T, V>(T, V);

impl<T: Serialize, V: Serialize> Serialize for Columns<T, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("timestamps", &self.0)?;
        map.serialize_entry("values", &self.1)?;
        map.end()
    }
}

impl Serialize for Vector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2 + self.meta().json_fields()))?;
        map.serialize_entry("type", "vector")?;
        map.serialize_entry("series", self.elements())?;
        self.meta().end(map)
    }
}

/// The series of a matrix.
struct SeriesList<'a>(&'a [Series]);

impl Serialize for SeriesList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // `serde_json` can copy the text of timestamps that consecutive series share, which takes half of the time.
        let mut text: Option<(&[Timestamp], Box<RawValue>)> = None;
        let mut list = serializer.serialize_seq(Some(self.0.len()))?;
        for (at, series) in self.0.iter().enumerate() {
            let times = series.timestamps();
            text = text.filter(|(shared, _)| std::ptr::eq(*shared, times));
            if text.is_none()
                && copies_text::<S>()
                && self.0.get(at + 1).is_some_and(|next| std::ptr::eq(next.timestamps(), times))
            {
                text = to_raw_value(&Times(times)).ok().map(|text| (times, text));
            }
            match &text {
                Some((_, text)) => list.serialize_element(&SharedTimes(series, text))?,
                None => list.serialize_element(series)?,
            }
        }
        list.end()
    }
}

/// A series, and its timestamps in JSON.
struct SharedTimes<'a>(&'a Series, &'a RawValue);

impl Serialize for SharedTimes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        columns(serializer, self.0.labels(), &self.1, self.0)
    }
}

impl Serialize for Matrix {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2 + self.meta().json_fields()))?;
        map.serialize_entry("type", "matrix")?;
        map.serialize_entry("series", &SeriesList(self.series()))?;
        self.meta().end(map)
    }
}

impl Serialize for Scalar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3 + self.meta().json_fields()))?;
        map.serialize_entry("type", "scalar")?;
        map.serialize_entry("timestamp", &self.timestamp())?;
        map.serialize_entry("value", &Float(self.value()))?;
        self.meta().end(map)
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(3 + self.meta().json_fields()))?;
        map.serialize_entry("type", "string")?;
        map.serialize_entry("timestamp", &self.timestamp())?;
        map.serialize_entry("value", self.value())?;
        self.meta().end(map)
    }
}

impl Serialize for Data {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Vector(vector) => vector.serialize(serializer),
            Self::Matrix(matrix) => matrix.serialize(serializer),
            Self::Scalar(scalar) => scalar.serialize(serializer),
            Self::Text(text) => text.serialize(serializer),
        }
    }
}

impl<T: Serialize> Serialize for Listing<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(1 + self.meta().json_fields()))?;
        map.serialize_entry("items", &**self)?;
        self.meta().end(map)
    }
}

/// Neither the query nor the name of the preset: filters can be confidential.
impl Serialize for Meta {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.end(serializer.serialize_map(Some(self.json_fields()))?)
    }
}

impl Meta {
    /// The number of fields that [`end`](Self::end) adds.
    pub(super) fn json_fields(&self) -> usize {
        3 + usize::from(self.stats.is_some())
    }

    /// Adds the last fields of a result.
    pub(super) fn end<M: SerializeMap>(&self, mut map: M) -> Result<M::Ok, M::Error> {
        map.serialize_entry("warnings", &self.warnings)?;
        map.serialize_entry("infos", &self.infos)?;
        map.serialize_entry("partial", &self.partial_reason().is_some())?;
        if let Some(stats) = &self.stats {
            map.serialize_entry("stats", stats)?;
        }
        map.end()
    }
}

impl Serialize for Stats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, Stat { number, steps }) in &self.0 {
            match number {
                Some(number) if steps.is_empty() => map.serialize_entry(name, &Float(*number))?,
                _ => {
                    let times = Column(|| steps.iter().map(|(time, _)| time));
                    let values = Column(|| steps.iter().map(|(_, number)| Float(*number)));
                    map.serialize_entry(name, &Columns(times, values))?;
                }
            }
        }
        map.end()
    }
}
