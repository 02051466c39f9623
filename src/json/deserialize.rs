//! Reads what [`serialize`](super::serialize) writes, from self-describing formats.

use std::fmt;
use std::sync::Arc;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Unexpected, Visitor};

use super::Float;
use crate::value::{
    Bounds, Bucket, Data, Element, Histogram, Labels, Matrix, Meta, Sample, Scalar, Series, Stats, Text, Timestamp,
    Value, Vector, decimal,
};
use crate::wire::{Entries, Fields, FromFields, LabelSet};

/// Implements [`FromFields`] for a type whose fields are options.
macro_rules! raw {
    ($name:ident { $($field:ident $(= $text:literal)?: $type:ty),+ $(,)? }) => {
        #[derive(Default)]
        struct $name {
            $($field: Option<$type>,)+
        }

        impl FromFields for $name {
            fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
                $(
                    #[allow(unused_variables)]
                    let text = stringify!($field);
                    $(let text = $text;)?
                    if name == text {
                        self.$field = map.next_value()?;
                        return Ok(true);
                    }
                )+
                Ok(false)
            }
        }
    };
}

raw!(RawResult {
    kind = "type": String,
    series: Vec<Fields<RawSeries>>,
    timestamp: Timestamp,
    value: Scalarlike,
    warnings: Vec<String>,
    infos: Vec<String>,
    partial: bool,
    stats: Stats,
});
raw!(RawSeries {
    labels: Labels,
    timestamps: Vec<Timestamp>,
    values: Vec<Float>,
    histograms: Fields<RawHistograms>,
    timestamp: Timestamp,
    value: Scalarlike,
});
raw!(RawHistograms { timestamps: Vec<Timestamp>, values: Vec<Histogram> });
raw!(RawHistogram { count: Float, sum: Float, buckets: Vec<Bucket> });
raw!(RawBucket { bounds: Bounds, lower: Float, upper: Float, count: Float });
raw!(RawSample { timestamp: Timestamp, value: Value });
raw!(RawSteps { timestamps: Vec<Timestamp>, values: Vec<Float> });

/// The value of a sample, of a scalar, or of a string.
enum Scalarlike {
    Float(f64),
    Text(String),
    Histogram(Histogram),
}

impl Scalarlike {
    fn float<E: Error>(self) -> Result<f64, E> {
        match self {
            Self::Float(value) => Ok(value),
            Self::Text(text) => {
                decimal::float(text.as_bytes()).ok_or_else(|| E::invalid_value(Unexpected::Str(&text), &"a number"))
            }
            Self::Histogram(_) => Err(E::invalid_type(Unexpected::Map, &"a number")),
        }
    }

    fn value<E: Error>(self) -> Result<Value, E> {
        match self {
            Self::Histogram(histogram) => Ok(histogram.into()),
            other => other.float().map(Value::Float),
        }
    }
}

struct ScalarlikeVisitor;

#[expect(clippy::cast_precision_loss, reason = "samples are floats")]
impl<'de> Visitor<'de> for ScalarlikeVisitor {
    type Value = Scalarlike;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, a string, or a histogram")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Scalarlike, E> {
        Ok(Scalarlike::Float(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Scalarlike, E> {
        Ok(Scalarlike::Float(value as f64))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Scalarlike, E> {
        Ok(Scalarlike::Float(value as f64))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Scalarlike, E> {
        Ok(Scalarlike::Text(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Scalarlike, A::Error> {
        Histogram::deserialize(MapAccessDeserializer::new(map)).map(Scalarlike::Histogram)
    }
}

impl<'de> Deserialize<'de> for Scalarlike {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarlikeVisitor)
    }
}

impl<'de> Deserialize<'de> for Float {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarlikeVisitor)?.float().map(Self)
    }
}

/// A number, one of the strings `NaN`, `Infinity` and `-Infinity`, or the object of a histogram.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarlikeVisitor)?.value()
    }
}

/// An integer is in milliseconds since 1970. A string is RFC 3339 or in Unix seconds, as for [`FromStr`](std::str::FromStr).
impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TimestampVisitor;

        impl Visitor<'_> for TimestampVisitor {
            type Value = Timestamp;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("milliseconds since 1970, or a string such as `2024-02-29T12:00:00Z`")
            }

            fn visit_i64<E: Error>(self, millis: i64) -> Result<Timestamp, E> {
                Ok(Timestamp::from_millis(millis))
            }

            fn visit_u64<E: Error>(self, millis: u64) -> Result<Timestamp, E> {
                let invalid = || E::invalid_value(Unexpected::Unsigned(millis), &self);
                i64::try_from(millis).map(Timestamp::from_millis).map_err(|_| invalid())
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Timestamp, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_any(TimestampVisitor)
    }
}

impl<'de> Deserialize<'de> for Labels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        LabelSet::deserialize(deserializer).map(Self::from)
    }
}

impl<'de> Deserialize<'de> for Bounds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let all = [Self::OpenLeft, Self::OpenRight, Self::Open, Self::Closed];
        let invalid = || D::Error::unknown_variant(&text, &["(]", "[)", "()", "[]"]);
        all.into_iter().find(|bounds| bounds.as_str() == text).ok_or_else(invalid)
    }
}

/// Takes a field that is required.
fn take<T, E: Error>(field: Option<T>, name: &'static str) -> Result<T, E> {
    field.ok_or_else(|| E::missing_field(name))
}

fn floats(values: Vec<Float>) -> Vec<f64> {
    values.into_iter().map(|Float(value)| value).collect()
}

fn same_length<E: Error>(times: usize, values: usize) -> Result<(), E> {
    if times == values { Ok(()) } else { Err(E::custom(format_args!("{times} `timestamps` and {values} `values`"))) }
}

impl RawHistogram {
    fn histogram<E: Error>(self) -> Result<Histogram, E> {
        let (Float(count), Float(sum)) = (take(self.count, "count")?, take(self.sum, "sum")?);
        Ok(Histogram::new(count, sum, take(self.buckets, "buckets")?))
    }
}

impl RawBucket {
    fn bucket<E: Error>(self) -> Result<Bucket, E> {
        let (Float(lower), Float(upper)) = (take(self.lower, "lower")?, take(self.upper, "upper")?);
        let Float(count) = take(self.count, "count")?;
        Ok(Bucket::new(take(self.bounds, "bounds")?, lower, upper, count))
    }
}

impl RawSample {
    fn sample<E: Error>(self) -> Result<Sample, E> {
        Ok(Sample { timestamp: take(self.timestamp, "timestamp")?, value: take(self.value, "value")? })
    }
}

impl RawSeries {
    fn element<E: Error>(self) -> Result<Element, E> {
        let value = take(self.value, "value")?.value()?;
        Ok(Element::new(take(self.labels, "labels")?, take(self.timestamp, "timestamp")?, value))
    }

    fn series<E: Error>(self) -> Result<Series, E> {
        let timestamps = take(self.timestamps, "timestamps")?;
        let values = floats(take(self.values, "values")?);
        same_length(timestamps.len(), values.len())?;
        let Fields(histograms) = self.histograms.unwrap_or(Fields(RawHistograms::default()));
        let (times, histograms) = (histograms.timestamps.unwrap_or_default(), histograms.values.unwrap_or_default());
        same_length(times.len(), histograms.len())?;
        if !timestamps.is_sorted() || !times.is_sorted() {
            return Err(E::custom("`timestamps` are not in order"));
        }
        let histograms = times.into_iter().zip(histograms.into_iter().map(Arc::new)).collect();
        Ok(Series::from_columns(take(self.labels, "labels")?, timestamps.into(), values.into(), histograms))
    }
}

impl RawResult {
    fn data<E: Error>(mut self) -> Result<Data, E> {
        let kind: String = take(self.kind.take(), "type")?;
        let meta = Meta::of_json(&mut self);
        let series = |series: Option<_>| take(series, "series").map(Vec::into_iter);
        let timestamp = |timestamp| take(timestamp, "timestamp");
        Ok(match &*kind {
            "vector" => {
                let elements = series(self.series)?.map(|Fields(element): Fields<RawSeries>| element.element());
                Data::Vector(elements.collect::<Result<Vector, E>>()?.with_meta(meta))
            }
            "matrix" => {
                let series = series(self.series)?.map(|Fields(series): Fields<RawSeries>| series.series());
                Data::Matrix(series.collect::<Result<Matrix, E>>()?.with_meta(meta))
            }
            "scalar" => {
                let value = take(self.value, "value")?.float()?;
                Data::Scalar(Scalar::new(timestamp(self.timestamp)?, value).with_meta(meta))
            }
            "string" => match take(self.value, "value")? {
                Scalarlike::Text(text) => Data::Text(Text::new(timestamp(self.timestamp)?, text).with_meta(meta)),
                _ => return Err(E::custom("`value` of a string is not a string")),
            },
            other => return Err(E::unknown_variant(other, &["vector", "matrix", "scalar", "string"])),
        })
    }
}

impl Meta {
    fn of_json(raw: &mut RawResult) -> Self {
        let partial = raw.partial.take().unwrap_or_default();
        let mut meta = Self {
            warnings: raw.warnings.take().unwrap_or_default(),
            infos: raw.infos.take().unwrap_or_default(),
            stats: raw.stats.take(),
            ..Self::default()
        };
        // `partial` includes what the warnings imply, except for a limit of the call.
        let implied = meta.partial_reason().is_some();
        meta.is_partial = partial && !implied;
        meta.is_limited = implied && !partial;
        meta
    }
}

impl<'de> Deserialize<'de> for Meta {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Fields::<RawResult>::deserialize(deserializer).map(|Fields(mut raw)| Self::of_json(&mut raw))
    }
}

impl<'de> Deserialize<'de> for Stats {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut stats = Self::default();
        for (name, statistic) in Entries::<Statistic>::deserialize(deserializer)?.0 {
            match statistic {
                Statistic::Number(number) => stats.0.entry(name).or_default().number = Some(number),
                Statistic::Steps(RawSteps { timestamps, values }) => {
                    let (times, values) = (timestamps.unwrap_or_default(), floats(values.unwrap_or_default()));
                    same_length(times.len(), values.len())?;
                    stats.0.entry(name).or_default().steps = times.into_iter().zip(values).collect();
                }
            }
        }
        Ok(stats)
    }
}

/// A number, or one for each step.
enum Statistic {
    Number(f64),
    Steps(RawSteps),
}

impl<'de> Deserialize<'de> for Statistic {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StatisticVisitor;

        impl<'de> Visitor<'de> for StatisticVisitor {
            type Value = Statistic;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, or `timestamps` and `values`")
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Statistic, E> {
                Ok(Statistic::Number(value))
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Statistic, E> {
                ScalarlikeVisitor.visit_i64(value)?.float().map(Statistic::Number)
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Statistic, E> {
                ScalarlikeVisitor.visit_u64(value)?.float().map(Statistic::Number)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Statistic, E> {
                ScalarlikeVisitor.visit_str(text)?.float().map(Statistic::Number)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Statistic, A::Error> {
                Fields::deserialize(MapAccessDeserializer::new(map)).map(|Fields(steps)| Statistic::Steps(steps))
            }
        }

        deserializer.deserialize_any(StatisticVisitor)
    }
}

/// Implements `Deserialize` for a type that is made of a raw one.
macro_rules! deserialize {
    ($($type:ident: $raw:ident.$convert:ident;)*) => {$(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Fields::<$raw>::deserialize(deserializer)?.0.$convert()
            }
        }
    )*};
}

deserialize! {
    Histogram: RawHistogram.histogram;
    Bucket: RawBucket.bucket;
    Sample: RawSample.sample;
    Element: RawSeries.element;
    Series: RawSeries.series;
    Data: RawResult.data;
}

/// Implements `Deserialize` for a result of one type.
macro_rules! deserialize_results {
    ($($type:ident $name:literal;)*) => {$(
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                match Data::deserialize(deserializer)? {
                    Data::$type(result) => Ok(result),
                    other => Err(D::Error::custom(format_args!(
                        "expected the type {}, found {}", $name, other.result_type().as_str()
                    ))),
                }
            }
        }
    )*};
}

deserialize_results! {
    Vector "vector";
    Matrix "matrix";
    Scalar "scalar";
    Text "string";
}
