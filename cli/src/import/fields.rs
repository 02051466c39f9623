//! Reads fields of objects.

use serde_json::{Map, Value};

/// A text in an object that is not empty.
pub(super) fn text(object: &Map<String, Value>, key: &str) -> Option<String> {
    let text = match object.get(key)? {
        Value::String(text) => text.trim().to_owned(),
        number @ Value::Number(_) => number.to_string(),
        _ => return None,
    };
    Some(text).filter(|text| !text.is_empty())
}

/// The objects in a list.
pub(super) fn objects<'v>(object: &'v Map<String, Value>, key: &str) -> impl Iterator<Item = &'v Map<String, Value>> {
    object.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

/// An object in an object, through several keys.
pub(super) fn object<'v>(object: &'v Map<String, Value>, keys: &[&str]) -> Option<&'v Map<String, Value>> {
    keys.iter().try_fold(object, |object, key| object.get(*key)?.as_object())
}

/// The fields of an object that are set and not among the known ones, as `key: value`.
pub(super) fn others(object: &Map<String, Value>, known: &[&str]) -> Vec<String> {
    let is_set = |value: &Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(values) => !values.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(true) | Value::Number(_) => true,
    };
    let found = object.iter().filter(|(key, value)| !known.contains(&key.as_str()) && is_set(value));
    found
        .map(|(key, value)| format!("{key}: {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect()
}

/// A sentence that lists fields; `None` if there are none.
pub(super) fn listed(what: &str, fields: &[String]) -> Option<String> {
    let fields: Vec<String> = fields.iter().map(|field| format!("`{field}`")).collect();
    (!fields.is_empty()).then(|| format!("{what}: {}.", fields.join(", ")))
}
