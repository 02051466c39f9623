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
