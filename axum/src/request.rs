//! The JSON that callers send.
//!
//! It is read in one pass, since small queries are fast. What fails names its field.

use std::borrow::Cow;
use std::fmt;
use std::mem::take;
use std::time::Duration;

use promql_presets::__private1::LookBack;
use promql_presets::{
    AnyPreset, Match, MetricQuerier, ParameterInfo, ParameterKind, ParameterValue, PresetInfo, PresetMetadata,
    PromDuration, Querier, Step, TimeRange, Timestamp,
};
use promql_presets::{none_of, not, not_regex, one_of, regex, starts_with};
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::guard::Access;
use crate::json::{MAX_KEYS, Object, Place, entries, read};
use crate::problem::{Problem, range_field};

/// The most conditions of a request, and the most labels to group by.
const MAX_LABELS: usize = MAX_KEYS;

/// The points of a range without a step.
const DEFAULT_POINTS: u64 = 250;

/// The body of a query.
#[derive(Default)]
pub(crate) struct Body<'a> {
    metric: Option<String>,
    conditions: Vec<(Cow<'a, str>, Match<String>)>,
    group_by: Vec<String>,
    window: Option<PromDuration>,
    parameters: Object<'a>,
    format: Format,
    time: Option<Timestamp>,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    step: Option<&'a RawValue>,
    aligned: bool,
}

/// Reads a body with some of these fields.
struct BodySeed<'s> {
    fields: &'s [&'s [&'s str]],
    place: &'s Place,
}

impl<'de> DeserializeSeed<'de> for BodySeed<'_> {
    type Value = Body<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Body<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for BodySeed<'_> {
    type Value = Body<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Body<'de>, A::Error> {
        let Self { fields, place } = self;
        let mut body = Body::default();
        entries(map, |field, map| {
            place.within(&field, || {
                match &*field {
                    unknown if !fields.iter().any(|fields| fields.contains(&unknown)) => {
                        let fields = fields.concat().join("`, `");
                        return Err(A::Error::custom(format_args!("unknown field, expected one of `{fields}`")));
                    }
                    "metric" => body.metric = map.next_value()?,
                    "labels" => map.next_value_seed(Labels { place, conditions: &mut body.conditions })?,
                    "group_by" => body.group_by = map.next_value::<Option<_>>()?.unwrap_or_default(),
                    "window" => body.window = map.next_value()?,
                    "parameters" => body.parameters = map.next_value::<Option<_>>()?.unwrap_or_default(),
                    "format" => body.format = map.next_value::<Option<_>>()?.unwrap_or_default(),
                    "time" => body.time = time(map.next_value()?)?,
                    "start" => body.start = time(map.next_value()?)?,
                    "end" => body.end = time(map.next_value()?)?,
                    "step" => body.step = map.next_value()?,
                    _ => body.aligned = map.next_value::<Option<_>>()?.unwrap_or_default(),
                }
                Ok(())
            })
        })?;
        Ok(body)
    }
}

/// Refuses seconds that are passed as a number, which would be a time in 1970.
fn time<E: de::Error>(time: Option<Timestamp>) -> Result<Option<Timestamp>, E> {
    match time {
        Some(time) if (1_000_000_000..10_000_000_000).contains(&time.as_millis()) => Err(E::custom(format_args!(
            "{time} was probably meant as seconds: numbers are milliseconds, Unix seconds are a string"
        ))),
        time => Ok(time),
    }
}

/// Reads the conditions on labels.
struct Labels<'s, 'de> {
    place: &'s Place,
    conditions: &'s mut Vec<(Cow<'de, str>, Match<String>)>,
}

impl<'de> DeserializeSeed<'de> for Labels<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Labels<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let Self { place, conditions } = self;
        entries(map, |label, map| {
            let add = |condition| conditions.push((label.clone(), condition));
            place.within(&label, || map.next_value_seed(Conditions { place, add }))
        })
    }
}

/// Reads the conditions on a label: a value, or an object of operators which must all hold.
struct Conditions<'s, F> {
    place: &'s Place,
    add: F,
}

impl<'de, F: FnMut(Match<String>)> DeserializeSeed<'de> for Conditions<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, F: FnMut(Match<String>)> Visitor<'de> for Conditions<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, an integer, or an object of operators")
    }

    fn visit_str<E: de::Error>(mut self, text: &str) -> Result<(), E> {
        (self.add)(text.into());
        Ok(())
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<(), E> {
        self.visit_str(&number.to_string())
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<(), E> {
        self.visit_str(&number.to_string())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        let Self { place, mut add } = self;
        let mut is_empty = true;
        entries(map, |operator, map| {
            is_empty = false;
            place.within(&operator, || {
                let mut text = || map.next_value().map(|Text(text)| text);
                add(match &*operator {
                    "is" => text()?.into(),
                    "not" => not(text()?),
                    "starts_with" => starts_with(text()?),
                    "regex" => regex(text()?).into(),
                    "not_regex" => not_regex(text()?).into(),
                    "one_of" => one_of(texts(map.next_value()?)),
                    "none_of" => none_of(texts(map.next_value()?)),
                    _ => {
                        return Err(A::Error::custom(
                            "unknown operator, expected one of `is`, `not`, `one_of`, `none_of`, `starts_with`, `regex`, \
                             `not_regex`",
                        ));
                    }
                });
                Ok(())
            })
        })?;
        if is_empty { Err(A::Error::custom("expected a value or an operator")) } else { Ok(()) }
    }
}

/// The value of a label: a string or an integer.
struct Text(String);

fn texts(texts: Vec<Text>) -> impl Iterator<Item = String> {
    texts.into_iter().map(|Text(text)| text)
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self(text)),
            Value::Number(number) if number.is_i64() || number.is_u64() => Ok(Self(number.to_string())),
            _ => Err(D::Error::custom("expected a string or an integer")),
        }
    }
}

impl<'a> Body<'a> {
    /// Reads a body with some of these fields.
    pub(crate) fn read(json: &'a [u8], fields: &[&[&str]]) -> Result<Self, Problem> {
        let (place, mut reader) = (Place::default(), serde_json::Deserializer::from_slice(json));
        let body = BodySeed { fields, place: &place }.deserialize(&mut reader);
        body.and_then(|body| reader.end().map(|()| body)).map_err(|error| place.problem(&error))
    }

    /// The metric, the conditions and the labels to group by.
    pub(crate) fn querier(&mut self) -> Result<Querier, Problem> {
        let (conditions, group_by) = (take(&mut self.conditions), take(&mut self.group_by));
        for (field, count) in [("labels", conditions.len()), ("group_by", group_by.len())] {
            if count > MAX_LABELS {
                return Err(Problem::field(field, format!("{count} entries; at most {MAX_LABELS} are allowed")));
            }
        }
        let querier = Querier::new(self.metric.take().unwrap_or_default()).group_by(group_by);
        Ok(conditions
            .into_iter()
            .fold(querier, |querier, (label, condition)| querier.label(label.into_owned(), condition)))
    }

    /// The rendered query of a preset that is not a constant.
    pub(crate) fn render(
        &self,
        preset: &PresetMetadata<'_>,
        querier: &Querier,
        access: &Access,
        range: Option<&TimeRange>,
    ) -> Result<String, Problem> {
        let values = self.parameters(preset, access, range)?;
        let query = preset.render(querier, self.window, &values);
        query.map_err(|error| {
            Problem::of_render(error, |label| querier.labels().iter().any(|matcher| matcher.label() == label))
        })
    }

    /// The window, if the caller sets one.
    pub(crate) fn window(&self) -> Option<PromDuration> {
        self.window
    }

    /// The values of parameters that a preset declares, which are within the limits of the caller, as the window is.
    fn parameters(
        &self,
        preset: &PresetMetadata<'_>,
        access: &Access,
        range: Option<&TimeRange>,
    ) -> Result<Vec<(String, ParameterValue)>, Problem> {
        let declared = preset.parameters;
        if let Some(window) = self.window {
            access.check_window("window", Duration::from_millis(window.as_millis()))?;
        }
        let read = |(name, json): &(Cow<'_, str>, &RawValue)| {
            let field = format!("parameters.{name}");
            let text = match read(&field, json)? {
                Value::String(text) => text,
                Value::Number(number) => number.to_string(),
                _ => return Err(Problem::field(field, "expected a number or a duration")),
            };
            let declared = ParameterInfo::find(declared, name).map(|index| &declared[index]);
            let value = declared.and_then(|parameter| parameter.parse(&text));
            let value = value.map_err(|error| Problem::field(&field, error.to_string()))?;
            if let ParameterValue::Duration(duration) = value {
                access.check_window(&field, Duration::from_millis(duration.as_millis()))?;
            }
            Ok((name.clone().into_owned(), value))
        };
        let values = self.parameters.0.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        self.check_look_back(preset, &values, access, range)?;
        Ok(values)
    }

    /// Checks how far the query reads back.
    fn check_look_back(
        &self,
        preset: &PresetMetadata<'_>,
        values: &[(String, ParameterValue)],
        access: &Access,
        range: Option<&TimeRange>,
    ) -> Result<(), Problem> {
        if !access.limits_look_back() {
            return Ok(());
        }
        let seconds = |duration: PromDuration| Duration::from_millis(duration.as_millis()).as_secs_f64();
        let whole = preset.__look_back(|value| match value {
            LookBack::Window => self.window.or(preset.window).map_or(0.0, seconds),
            LookBack::Parameter(index) => preset.parameters.get(index).map_or(0.0, |declared| {
                let set = values.iter().find(|(name, _)| name == declared.name);
                set.map_or(declared.default, |(_, value)| *value).as_f64()
            }),
            LookBack::Step => range.map_or(0.0, |range| seconds(range.step_duration())),
            _ => range.and_then(|range| range.end().duration_since(range.start())).unwrap_or_default().as_secs_f64(),
        });
        let without = preset.__look_back(|value| match value {
            LookBack::Window => preset.window.filter(|_| self.window.is_none()).map_or(0.0, seconds),
            LookBack::Parameter(index) => preset.parameters.get(index).map_or(0.0, |declared| {
                let is_set = values.iter().any(|(name, _)| name == declared.name);
                let is_duration = declared.kind() == ParameterKind::Duration;
                if is_set && is_duration { 0.0 } else { declared.default.as_f64() }
            }),
            _ => 0.0,
        });
        let parameter = values.first().map(|(name, _)| format!("parameters.{name}"));
        let field = match (self.window, &parameter, range) {
            (None, Some(field), _) => field,
            (None, None, Some(_)) => "start",
            _ => "window",
        };
        access.check_look_back(field, [whole, without], range)
    }

    /// The preset with the values of its parameters.
    pub(crate) fn preset(
        &self,
        info: &'static PresetInfo,
        access: &Access,
        range: Option<&TimeRange>,
    ) -> Result<AnyPreset, Problem> {
        let values = self.parameters(info, access, range)?;
        values.into_iter().try_fold(info.preset(), |preset: AnyPreset, (name, value)| {
            let field = format!("parameters.{name}");
            preset.with_parameter(&name, value).map_err(|error| Problem::field(field, error.to_string()))
        })
    }

    /// The time of an instant query.
    pub(crate) fn time(&self) -> Option<Timestamp> {
        self.time
    }

    /// The range of a range query.
    pub(crate) fn range(&self, access: &Access) -> Result<TimeRange, Problem> {
        let required = |field: &str| Problem::field(field, "a range query needs a start and an end");
        let start = self.start.ok_or_else(|| required("start"))?;
        let end = self.end.ok_or_else(|| required("end"))?;
        let step = self.step(access)?;
        let range = TimeRange::new(start, end).and_then(|range| range.step(step));
        let range = range.map_err(|error| Problem::field(range_field(&error).unwrap_or("start"), error.to_string()))?;
        let range = if self.aligned { range.aligned() } else { range };
        access.check_range(&range)?;
        Ok(range)
    }

    fn step(&self, access: &Access) -> Result<Step, Problem> {
        let default = Step::auto(access.fitting_points(DEFAULT_POINTS));
        match self.step {
            None => Ok(default),
            Some(json) if json.get() == "\"auto\"" => Ok(default),
            Some(json) if json.get().starts_with('{') => {
                let Object(fields) = read("step", json)?;
                match fields.into_iter().collect::<Vec<_>>().as_slice() {
                    [(name, points)] if name == "auto" => Ok(Step::auto(read("step.auto", points)?)),
                    _ => Err(Problem::field("step", "expected a duration, `auto`, or `{\"auto\": 250}`")),
                }
            }
            Some(json) => read("step", json),
        }
    }

    /// The shape of the response.
    pub(crate) fn format(&self) -> Format {
        self.format
    }
}

/// The shape of a response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// That of `promql_presets`.
    #[default]
    Columns,
    /// That of Prometheus.
    Prometheus,
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match &*String::deserialize(deserializer)? {
            "columns" => Ok(Self::Columns),
            "prometheus" => Ok(Self::Prometheus),
            _ => Err(D::Error::custom("unknown format, expected one of `columns`, `prometheus`")),
        }
    }
}
