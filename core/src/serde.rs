//! Durations, names and generated enums in JSON and other formats.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde_core::de::{Error, Visitor};
use serde_core::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{LabelName, MatchOp, PromDuration, ResultType, UnknownText, Window};

/// Implements `Serialize` for types that are written as they print.
macro_rules! serialize_as_text {
    ($($type:ty),*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
    )*};
}

/// Implements `Serialize` for enums of texts.
macro_rules! serialize_as_str {
    ($($type:ty),*) => {$(
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    )*};
}

serialize_as_text!(PromDuration);
serialize_as_str!(LabelName, MatchOp, ResultType);

impl Serialize for Window {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        PromDuration::from(*self).serialize(serializer)
    }
}

/// Reads a text with `FromStr`.
struct TextVisitor<T>(&'static str, PhantomData<fn() -> T>);

impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for TextVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

/// A string such as `1h30m`.
impl<'de> Deserialize<'de> for PromDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor("a duration such as `5m`", PhantomData))
    }
}

impl<'de> Deserialize<'de> for LabelName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TextVisitor("a label name", PhantomData))
    }
}

/// `=`, `!=`, `=~` or `!~`.
impl<'de> Deserialize<'de> for MatchOp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_enum(deserializer, &[Self::Equal, Self::NotEqual, Self::Regex, Self::NotRegex], Self::as_str)
    }
}

/// A string such as `1h30m`, or seconds as a number or a string.
impl<'de> Deserialize<'de> for Window {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WindowVisitor;

        impl Visitor<'_> for WindowVisitor {
            type Value = Window;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a duration such as `5m`, or seconds")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Window, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_u64<E: Error>(self, seconds: u64) -> Result<Window, E> {
                self.visit_str(&seconds.to_string())
            }

            fn visit_i64<E: Error>(self, seconds: i64) -> Result<Window, E> {
                self.visit_str(&seconds.to_string())
            }

            fn visit_f64<E: Error>(self, seconds: f64) -> Result<Window, E> {
                self.visit_str(&seconds.to_string())
            }
        }

        deserializer.deserialize_any(WindowVisitor)
    }
}

/// Reads an enum of texts. Written once here, because services would compile it again for each enum.
///
/// # Errors
/// A text that no variant has.
#[doc(hidden)]
pub fn read_enum<'de, D: Deserializer<'de>, T: Copy>(
    deserializer: D,
    all: &'static [T],
    as_str: fn(T) -> &'static str,
) -> Result<T, D::Error> {
    struct EnumVisitor<T: 'static>(&'static [T], fn(T) -> &'static str);

    impl<T: Copy> Visitor<'_> for EnumVisitor<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("one of")?;
            self.0.iter().try_for_each(|variant| write!(f, " `{}`", (self.1)(*variant)))
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            UnknownText::__find(text, self.0, self.1).map_err(E::custom)
        }
    }

    deserializer.deserialize_str(EnumVisitor(all, as_str))
}
