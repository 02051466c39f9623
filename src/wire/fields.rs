//! Objects whose fields come and go, from server to server and from version to version.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, DeserializeOwned, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::value::Labels;

/// What is made of the fields of an object; unknown ones are skipped.
pub(crate) trait FromFields: Default {
    /// Takes the value of a field if it has this name.
    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error>;
}

/// Reads an object.
pub(crate) struct Fields<T>(pub(crate) T);

impl<'de, T: FromFields> Deserialize<'de> for Fields<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData::<fn() -> Self>))
    }
}

/// Reads the labels of a series, in the order in which they come. A slice has no room for more.
pub(crate) struct LabelSet(pub(crate) Box<[(String, String)]>);

impl From<LabelSet> for Labels {
    fn from(LabelSet(labels): LabelSet) -> Self {
        labels.into_iter().collect()
    }
}

impl<'de> Deserialize<'de> for LabelSet {
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
        let mut fields = T::default();
        while let Some(name) = map.next_key::<String>()? {
            if !fields.field(&name, &mut map)? {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Fields(fields))
    }
}

impl<'de> Visitor<'de> for ObjectVisitor<LabelSet> {
    type Value = LabelSet;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("labels, an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<LabelSet, A::Error> {
        let mut labels = Vec::new();
        while let Some(label) = map.next_entry()? {
            labels.push(label);
        }
        Ok(LabelSet(labels.into()))
    }
}

/// Reads what is wanted, or anything else, which is as if it were not there.
pub(crate) struct Loose<T>(pub(crate) Option<T>);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Loose<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(deserializer)?;
        Ok(Self(serde_json::from_str(json.get()).ok()))
    }
}

/// Objects of texts: each field of the type is one of the object, and empty if there is no text.
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
