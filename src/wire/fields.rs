//! JSON objects whose fields differ between servers and versions. Duplicate known fields and keys are errors.

use std::fmt;
use std::marker::PhantomData;

use promql_presets_core::sort;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::value::Labels;

/// A type with a field for some fields of an object; unknown ones are skipped.
pub(crate) trait FromFields: Default {
    /// Reads the value of the field with this name. Returns whether the type has one.
    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error>;
}

/// Reads an object into a type of named fields.
pub(crate) struct Fields<T>(pub(crate) T);

impl<'de, T: FromFields> Deserialize<'de> for Fields<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData::<fn() -> Self>))
    }
}

/// Reads an object into its entries, in the order of the body. A boxed slice has no unused capacity.
pub(crate) struct Entries<T>(pub(crate) Box<[(String, T)]>);

/// Reads the labels of a series.
pub(crate) type LabelSet = Entries<String>;

impl From<LabelSet> for Labels {
    fn from(Entries(labels): LabelSet) -> Self {
        labels.into_iter().collect()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData::<fn() -> Self>))
    }
}

struct ObjectVisitor<T>(PhantomData<fn() -> T>);

impl<'de, T: FromFields> Visitor<'de> for ObjectVisitor<Fields<T>> {
    type Value = Fields<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<T>, A::Error> {
        let (mut fields, mut known) = (T::default(), Vec::new());
        while let Some(name) = map.next_key::<String>()? {
            if known.contains(&name) {
                return Err(A::Error::custom(format_args!("duplicate field `{name}`")));
            }
            if fields.field(&name, &mut map)? {
                known.push(name);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Fields(fields))
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<Entries<T>> {
    type Value = Entries<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<T>, A::Error> {
        let mut entries: Vec<(String, T)> = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        let mut keys: Vec<&str> = entries.iter().map(|(key, _)| key.as_str()).collect();
        sort::by(&mut keys, Ord::cmp);
        match keys.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(A::Error::custom(format_args!("duplicate key `{}`", pair[0]))),
            None => Ok(Entries(entries.into())),
        }
    }
}

/// Reads a value of a type, or `None` from any other value.
pub(crate) struct Loose<T>(pub(crate) Option<T>);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Loose<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self(serde_json::from_str(json.get()).ok()))
    }
}

/// Implements [`FromFields`] for a type of strings, which are empty where the object has no string.
macro_rules! text_fields {
    ($type:ident { $($field:ident: $name:literal),* $(,)? }) => {
        impl crate::wire::FromFields for $type {
            fn field<'de, A: serde::de::MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
                let field = match name {
                    $($name => &mut self.$field,)*
                    _ => return Ok(false),
                };
                *field = map.next_value::<crate::wire::Loose<String>>()?.0.unwrap_or_default();
                Ok(true)
            }
        }
    };
}
pub(crate) use text_fields;
