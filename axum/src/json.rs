//! Objects of JSON, and where in them a failure is.

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt::{self, Display};
use std::mem::take;

use serde::de::{self, Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;

use crate::problem::Problem;

/// The most keys of an object.
pub(crate) const MAX_KEYS: usize = 64;

/// The field that could not be read, such as `labels.job.regex`.
#[derive(Default)]
pub(crate) struct Place(RefCell<String>);

impl Place {
    /// Reads a value inside a field. The fields of a failure are joined on its way out.
    pub(crate) fn within<T, E>(&self, field: &str, read: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        read().inspect_err(|_| {
            let mut place = self.0.borrow_mut();
            let inner = take(&mut *place);
            *place = if inner.is_empty() { field.to_owned() } else { format!("{field}.{inner}") };
        })
    }

    /// Why the body cannot be read.
    pub(crate) fn problem(self, error: &serde_json::Error) -> Problem {
        match (self.0.into_inner(), error.classify()) {
            (field, Category::Data) if !field.is_empty() => Problem::field(field, without_position(error)),
            (field, Category::Syntax) if !field.is_empty() => Problem::field(field, error.to_string()),
            _ => Problem::new(axum::http::StatusCode::BAD_REQUEST, format!("invalid body: {error}")),
        }
    }
}

/// The text of an error about a field.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(&*text, |(text, _)| text).to_owned()
}

/// Passes the entries of an object to a function. Duplicate keys are refused, however they are escaped: other readers of
/// the request could see another of the values.
pub(crate) fn entries<'de, A: MapAccess<'de>>(
    mut map: A,
    mut read: impl FnMut(Cow<'de, str>, &mut A) -> Result<(), A::Error>,
) -> Result<(), A::Error> {
    let mut keys: Vec<Cow<'de, str>> = Vec::with_capacity(8);
    while let Some(Key(key)) = map.next_key()? {
        if keys.contains(&key) {
            return Err(A::Error::custom(format_args!("duplicate key {key:?}")));
        }
        // Few enough to be compared with each other.
        if keys.len() == MAX_KEYS {
            return Err(A::Error::custom(format_args!("more than {MAX_KEYS} keys")));
        }
        keys.push(key.clone());
        read(key, &mut map)?;
    }
    Ok(())
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

/// An object with its values as text.
#[derive(Default)]
pub(crate) struct Object<'a>(pub(crate) Vec<(Cow<'a, str>, &'a RawValue)>);

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

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<'de>, A::Error> {
        let mut object = Object::default();
        entries(map, |key, map| {
            object.0.push((key, map.next_value()?));
            Ok(())
        })?;
        Ok(object)
    }
}

/// Reads a value of a field.
pub(crate) fn read<'a, T: Deserialize<'a>>(field: impl Display, json: &'a RawValue) -> Result<T, Problem> {
    // The position is that in the value.
    serde_json::from_str(json.get()).map_err(|error| Problem::field(field.to_string(), without_position(&error)))
}
