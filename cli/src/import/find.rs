//! Finds what can be imported in a file, whatever it is wrapped in.

use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value};

use super::{Collection, Query, backendai, grafana, grafana_alerts, rules};

/// Why nothing was read.
#[derive(Debug)]
pub(crate) enum NotRead {
    /// Neither JSON nor YAML: the message of the YAML parser.
    Syntax(String),
    /// No dashboards, rules or presets.
    Unknown,
}

/// The maximum nesting of wrappers: lists, config maps, responses of an API.
const MAX_DEPTH: usize = 12;

/// Reads dashboards, rules and stored presets from JSON or YAML.
pub(crate) fn read(text: &str) -> Result<Vec<Collection>, NotRead> {
    let documents = documents(text).map_err(NotRead::Syntax)?;
    let mut found = Found::default();
    for document in &documents {
        found.add(document, MAX_DEPTH);
    }
    let Found { mut collections, alerts, presets } = found;
    collections.extend(grafana_alerts::collections(&alerts));
    collections.extend(backendai::collections(&presets));
    if collections.is_empty() { Err(NotRead::Unknown) } else { Ok(collections) }
}

#[derive(Default)]
struct Found<'d> {
    collections: Vec<Collection>,
    alerts: Vec<&'d Map<String, Value>>,
    presets: Vec<&'d Map<String, Value>>,
}

impl<'d> Found<'d> {
    fn add(&mut self, value: &'d Value, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else { return };
        match value {
            Value::Array(values) => values.iter().for_each(|value| self.add(value, depth)),
            Value::Object(object) => self.object(object, depth),
            _ => {}
        }
    }

    fn object(&mut self, object: &'d Map<String, Value>, depth: usize) {
        if object.get("elements").is_some_and(Value::is_object) {
            self.collections.push(grafana::resource(object));
        } else if object.get("panels").or(object.get("rows")).is_some_and(Value::is_array) {
            self.collections.push(grafana::classic(object));
        } else if rules::is_group(object) {
            self.collections.push(rules::group(object));
        } else if grafana_alerts::is_rule(object) {
            self.alerts.push(object);
        } else if backendai::is_preset(object) {
            self.presets.push(object);
        } else {
            for (key, value) in object {
                match value {
                    // Config maps and custom resources hold files as text.
                    Value::String(text)
                        if [".json", ".yaml", ".yml"].iter().any(|end| key.ends_with(end)) || key == "json" =>
                    {
                        self.collections.extend(read(text).unwrap_or_else(|error| not_read(key, error)));
                    }
                    value => self.add(value, depth),
                }
            }
        }
    }
}

/// An invalid file in a config map, as a collection with the error.
fn not_read(name: &str, error: NotRead) -> Vec<Collection> {
    let NotRead::Syntax(message) = error else { return Vec::new() };
    let query = Query { place: format!("file `{name}`"), refused: Some(message), ..Query::default() };
    vec![Collection { title: name.to_owned(), queries: vec![query], ..Collection::default() }]
}

/// The documents of a text.
fn documents(text: &str) -> Result<Vec<Value>, String> {
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let json = match serde_json::from_str(text) {
        Ok(value) => return Ok(vec![value]),
        Err(error) => error,
    };
    if text.trim_start().starts_with('{') {
        return Err(json.to_string());
    }
    let documents = Yaml::load_from_str(text).map_err(|error| error.to_string())?;
    Ok(documents.iter().map(to_json).collect())
}

fn to_json(yaml: &Yaml<'_>) -> Value {
    match yaml {
        Yaml::Value(Scalar::Boolean(value)) => Value::from(*value),
        Yaml::Value(Scalar::Integer(value)) => Value::from(*value),
        Yaml::Value(Scalar::FloatingPoint(value)) => Value::from(value.into_inner()),
        Yaml::Value(Scalar::String(value)) | Yaml::Representation(value, ..) => Value::from(value.as_ref()),
        Yaml::Sequence(values) => values.iter().map(to_json).collect(),
        Yaml::Mapping(entries) => {
            let key = |key: &Yaml<'_>| match to_json(key) {
                Value::String(key) => key,
                other => other.to_string(),
            };
            entries.iter().map(|(name, value)| (key(name), to_json(value))).collect()
        }
        Yaml::Tagged(_, value) => to_json(value),
        Yaml::Value(Scalar::Null) | Yaml::Alias(_) | Yaml::BadValue => Value::Null,
    }
}
