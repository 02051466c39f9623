//! The JSON that callers send.

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::time::Duration;

use promql_presets::{
    AnyPreset, Match, MetricQuerier, ParameterInfo, ParameterValue, PresetInfo, PresetMetadata, PromDuration, Querier,
    Step, TimeRange, Timestamp,
};
use promql_presets::{none_of, not, not_regex, one_of, regex, starts_with};
use serde::de::{self, Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::guard::Access;
use crate::problem::{Problem, range_field};

/// The most conditions of a request, the most labels to group by, and the most keys of an object.
const MAX_LABELS: usize = 64;

/// The points of a range without a step.
const DEFAULT_POINTS: u64 = 250;

/// An object with its values as text. Duplicate keys are refused, however they are escaped: other readers of the request
/// could see another of the values.
#[derive(Default)]
struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Object<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor)
    }
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Object<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
        let mut entries = Vec::new();
        while let Some((Key(key), value)) = map.next_entry()? {
            if entries.iter().any(|(other, _)| *other == key) {
                return Err(A::Error::custom(format_args!("duplicate key {key:?}")));
            }
            // Few enough to be compared with each other.
            if entries.len() == MAX_LABELS {
                return Err(A::Error::custom(format_args!("more than {MAX_LABELS} keys")));
            }
            entries.push((key, value));
        }
        Ok(Object(entries))
    }
}

/// A key, which is copied only if it is escaped.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E: de::Error>(self, key: &'de str) -> Result<Key<'de>, E> {
        Ok(Key(key.into()))
    }

    fn visit_str<E: de::Error>(self, key: &str) -> Result<Key<'de>, E> {
        Ok(Key(key.to_owned().into()))
    }
}

/// Reads a value of a field.
fn read<'a, T: Deserialize<'a>>(field: impl Display, json: &'a RawValue) -> Result<T, Problem> {
    serde_json::from_str(json.get()).map_err(|error| {
        let text = error.to_string();
        // The position is that in the value.
        let text = text.rsplit_once(" at line ").map_or(&*text, |(text, _)| text);
        Problem::field(field.to_string(), text)
    })
}

/// The body of a query.
pub(crate) struct Body<'a>(Object<'a>);

impl<'a> Body<'a> {
    /// Reads a body with some of these fields.
    pub(crate) fn read(json: &'a [u8], fields: &[&[&str]]) -> Result<Self, Problem> {
        let invalid = |error| Problem::new(axum::http::StatusCode::BAD_REQUEST, format!("invalid body: {error}"));
        let object: Object<'a> = serde_json::from_slice(json).map_err(invalid)?;
        let is_known = |name: &str| fields.iter().any(|fields| fields.contains(&name));
        match object.0.iter().find(|(name, _)| !is_known(name)) {
            Some((unknown, _)) => {
                let fields = fields.concat().join("`, `");
                Err(Problem::field(&**unknown, format!("unknown field, expected one of `{fields}`")))
            }
            None => Ok(Self(object)),
        }
    }

    /// The text of a field.
    fn field(&self, field: &str) -> Option<&'a RawValue> {
        self.0.0.iter().find(|(name, _)| name == field).map(|(_, json)| *json)
    }

    /// The value of a field, unless it is `null`.
    fn get<T: Deserialize<'a>>(&self, field: &str) -> Result<Option<T>, Problem> {
        self.field(field).map_or(Ok(None), |json| read(field, json))
    }

    /// The metric, the conditions and the labels to group by.
    pub(crate) fn querier(&self) -> Result<Querier, Problem> {
        let mut querier = Querier::new(self.get::<String>("metric")?.unwrap_or_default());
        let Object(labels) = self.get("labels")?.unwrap_or_default();
        for (label, json) in labels {
            querier = conditions(querier, &label, json)?;
        }
        let group_by: Vec<String> = self.get("group_by")?.unwrap_or_default();
        for (field, count) in [("labels", querier.labels().len()), ("group_by", group_by.len())] {
            if count > MAX_LABELS {
                return Err(Problem::field(field, format!("{count} entries; at most {MAX_LABELS} are allowed")));
            }
        }
        Ok(querier.group_by(group_by))
    }

    /// The rendered query of a preset that is not a constant.
    pub(crate) fn render(&self, preset: &PresetMetadata<'_>, access: &Access) -> Result<String, Problem> {
        let (querier, window) = (self.querier()?, self.window(access)?);
        let query = preset.render(&querier, window, &self.parameters(preset.parameters, access)?);
        query.map_err(|error| {
            Problem::of_render(error, |label| querier.labels().iter().any(|matcher| matcher.label() == label))
        })
    }

    /// The window, if the caller sets one.
    pub(crate) fn window(&self, access: &Access) -> Result<Option<PromDuration>, Problem> {
        let window: Option<PromDuration> = self.get("window")?;
        if let Some(window) = window {
            access.check_window("window", Duration::from_millis(window.as_millis()))?;
        }
        Ok(window)
    }

    /// The values of parameters that a preset declares.
    fn parameters(
        &self,
        declared: &[ParameterInfo<'_>],
        access: &Access,
    ) -> Result<Vec<(String, ParameterValue)>, Problem> {
        let Object(values) = self.get("parameters")?.unwrap_or_default();
        let read = |(name, json): (Cow<'_, str>, &RawValue)| {
            let field = format!("parameters.{name}");
            let text = match read(&field, json)? {
                Value::String(text) => text,
                Value::Number(number) => number.to_string(),
                _ => return Err(Problem::field(field, "expected a number or a duration")),
            };
            let declared = ParameterInfo::find(declared, &name).map(|index| &declared[index]);
            let value = declared.and_then(|parameter| parameter.parse(&text));
            let value = value.map_err(|error| Problem::field(&field, error.to_string()))?;
            if let ParameterValue::Duration(duration) = value {
                access.check_window(&field, Duration::from_millis(duration.as_millis()))?;
            }
            Ok((name.into_owned(), value))
        };
        values.into_iter().map(read).collect()
    }

    /// The preset with the values of its parameters.
    pub(crate) fn preset(&self, info: &'static PresetInfo, access: &Access) -> Result<AnyPreset, Problem> {
        let values = self.parameters(info.parameters, access)?;
        values.into_iter().try_fold(info.preset(), |preset: AnyPreset, (name, value)| {
            let field = format!("parameters.{name}");
            preset.with_parameter(&name, value).map_err(|error| Problem::field(field, error.to_string()))
        })
    }

    /// The time of an instant query.
    pub(crate) fn time(&self) -> Result<Option<Timestamp>, Problem> {
        self.get("time")
    }

    /// The range of a range query.
    pub(crate) fn range(&self, access: &Access) -> Result<TimeRange, Problem> {
        let time = |field: &str| {
            self.get::<Timestamp>(field)?.ok_or_else(|| Problem::field(field, "a range query needs a start and an end"))
        };
        let (start, end, step) = (time("start")?, time("end")?, self.step(access)?);
        let range = TimeRange::new(start, end).and_then(|range| range.step(step));
        let range = range.map_err(|error| Problem::field(range_field(&error).unwrap_or("start"), error.to_string()))?;
        let range = if self.get("aligned")?.unwrap_or(false) { range.aligned() } else { range };
        access.check_range(&range)?;
        Ok(range)
    }

    fn step(&self, access: &Access) -> Result<Step, Problem> {
        let default = Step::auto(access.fitting_points(DEFAULT_POINTS));
        match self.field("step") {
            None => Ok(default),
            Some(json) if matches!(json.get(), "null" | "\"auto\"") => Ok(default),
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
    pub(crate) fn format(&self) -> Result<Format, Problem> {
        match self.get::<String>("format")?.as_deref() {
            None | Some("columns") => Ok(Format::Columns),
            Some("prometheus") => Ok(Format::Prometheus),
            Some(_) => Err(Problem::field("format", "unknown format, expected one of `columns`, `prometheus`")),
        }
    }
}

/// The shape of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// That of `promql_presets`.
    Columns,
    /// That of Prometheus.
    Prometheus,
}

/// Adds the conditions on a label: a value, or an object of operators which must all hold.
fn conditions(querier: Querier, label: &str, json: &RawValue) -> Result<Querier, Problem> {
    let add = |querier: Querier, condition: Match<String>| querier.label(label.to_owned(), condition);
    if !json.get().starts_with('{') {
        return Ok(add(querier, text(format_args!("labels.{label}"), json)?.into()));
    }
    let Object(operators) = read(format_args!("labels.{label}"), json)?;
    if operators.is_empty() {
        return Err(Problem::field(format!("labels.{label}"), "expected a value or an operator"));
    }
    operators.into_iter().try_fold(querier, |querier, (operator, json)| {
        let field = format_args!("labels.{label}.{operator}");
        let condition = match &*operator {
            "is" => text(field, json)?.into(),
            "not" => not(text(field, json)?),
            "one_of" => one_of(texts(field, json)?),
            "none_of" => none_of(texts(field, json)?),
            "starts_with" => starts_with(text(field, json)?),
            "regex" => regex(text(field, json)?),
            "not_regex" => not_regex(text(field, json)?),
            _ => {
                let detail = "unknown operator, expected one of `is`, `not`, `one_of`, `none_of`, `starts_with`, \
                              `regex`, `not_regex`";
                return Err(Problem::field(field.to_string(), detail));
            }
        };
        Ok(add(querier, condition))
    })
}

/// The value of a label: a string or an integer.
fn text(field: impl Display, json: &RawValue) -> Result<String, Problem> {
    match read(&field, json)? {
        Value::String(text) => Ok(text),
        Value::Number(number) if number.is_i64() || number.is_u64() => Ok(number.to_string()),
        _ => Err(Problem::field(field.to_string(), "expected a string or an integer")),
    }
}

fn texts(field: impl Display, json: &RawValue) -> Result<Vec<String>, Problem> {
    read::<Vec<&RawValue>>(&field, json)?.into_iter().map(|json| text(&field, json)).collect()
}
