//! Time ranges and steps in JSON.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::query::time_range::{DEFAULT_POINTS, Spacing};
use crate::query::{Step, TimeRange};
use crate::value::Timestamp;
use crate::wire::{Fields, FromFields};

/// A duration such as `15s`, or `{"auto": 250}`.
impl Serialize for Step {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Spacing::Every(duration) => duration.serialize(serializer),
            Spacing::AtMost(points) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("auto", &points)?;
                map.end()
            }
        }
    }
}

/// A duration such as `15s`, a number of seconds, `{"auto": 250}` for [`Step::auto`], or `auto` for 250 points.
impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StepVisitor)
    }
}

struct StepVisitor;

impl<'de> Visitor<'de> for StepVisitor {
    type Value = Step;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a duration such as `15s`, seconds, `auto`, or `{\"auto\": 250}`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Step, E> {
        match text {
            "auto" => Ok(Step::auto(DEFAULT_POINTS)),
            _ => text.parse().map_err(E::custom),
        }
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<Step, E> {
        self.visit_str(&seconds.to_string())
    }

    fn visit_i64<E: Error>(self, seconds: i64) -> Result<Step, E> {
        self.visit_str(&seconds.to_string())
    }

    fn visit_f64<E: Error>(self, seconds: f64) -> Result<Step, E> {
        self.visit_str(&seconds.to_string())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Step, A::Error> {
        let Fields(RawStep { auto }) = Fields::deserialize(MapAccessDeserializer::new(map))?;
        auto.map(Step::auto).ok_or_else(|| A::Error::missing_field("auto"))
    }
}

#[derive(Default)]
struct RawStep {
    auto: Option<u64>,
}

impl FromFields for RawStep {
    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        if name == "auto" {
            self.auto = map.next_value()?;
        }
        Ok(name == "auto")
    }
}

/// `{"start": 1776297600000, "end": 1776384000000, "step": "5m", "aligned": false}`: start and end as they were set, also
/// if the range is aligned.
impl Serialize for TimeRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("start", &self.from)?;
        map.serialize_entry("end", &self.to)?;
        map.serialize_entry("step", &self.step)?;
        map.serialize_entry("aligned", &self.aligned)?;
        map.end()
    }
}

/// `start` and `end`, as a [`Timestamp`], and optionally `step`, as a [`Step`], and `aligned`. The errors are those of
/// [`TimeRange::new`] and [`TimeRange::step`].
impl<'de> Deserialize<'de> for TimeRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Fields(RawRange { start, end, step, aligned }) = Fields::deserialize(deserializer)?;
        let start = start.ok_or_else(|| D::Error::missing_field("start"))?;
        let end = end.ok_or_else(|| D::Error::missing_field("end"))?;
        let range = Self::new(start, end).and_then(|range| range.step(step.unwrap_or(range.step)));
        let range = range.map_err(D::Error::custom)?;
        Ok(if matches!(aligned, Some(Flag(true))) { range.aligned() } else { range })
    }
}

#[derive(Default)]
struct RawRange {
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    step: Option<Step>,
    aligned: Option<Flag>,
}

impl FromFields for RawRange {
    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        match name {
            "start" => self.start = map.next_value()?,
            "end" => self.end = map.next_value()?,
            "step" => self.step = map.next_value()?,
            "aligned" => self.aligned = map.next_value()?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// A boolean, also as text: with `#[serde(flatten)]`, all values of a query string are text.
struct Flag(bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FlagVisitor)
    }
}

struct FlagVisitor;

impl Visitor<'_> for FlagVisitor {
    type Value = Flag;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a boolean")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Flag, E> {
        Ok(Flag(value))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Flag, E> {
        text.parse().map(Flag).map_err(|_| E::custom(format_args!("expected `true` or `false`, found `{text}`")))
    }
}
