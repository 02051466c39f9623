//! The values of labels, and the conditions that they are.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use promql_presets_core::{Matcher, UnknownText};
use uuid::Uuid;

use super::{IntoMatch, Match};

/// A value of a label, displayed as Prometheus stores it, for [`one_of`](super::one_of) and the like.
///
/// To pass a type of your own to the setters of queriers as well, implement [`IntoMatch`] of the kind for it, and
/// `From<YourType>` for [`Condition`](crate::Condition).
#[diagnostic::on_unimplemented(message = "`{Self}` is not a value of a label")]
pub trait LabelValue: fmt::Display {
    /// The kind of the labels that have such values.
    type Kind: ?Sized;

    /// The value as text, borrowed if it is one.
    #[doc(hidden)]
    fn __text(&self) -> Cow<'_, str> {
        Cow::Owned(self.to_string())
    }
}

/// An enum of the values of a label, in generated code.
#[doc(hidden)]
pub trait ValueEnum: LabelValue<Kind = Self> + FromStr<Err = UnknownText> {}

impl<T: ValueEnum> From<T> for Match<T> {
    fn from(value: T) -> Self {
        Self::equal(value)
    }
}

impl<T: ValueEnum> IntoMatch<T> for T {
    fn into_match(self) -> Match<T> {
        Match::equal(self)
    }
}

/// Borrowed values, as in `one_of(&values)`.
impl<V: LabelValue> LabelValue for &V {
    type Kind = V::Kind;

    fn __text(&self) -> Cow<'_, str> {
        (**self).__text()
    }
}

/// The type of a field in a struct that derives [`MetricQuerier`](crate::MetricQuerier).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a condition on a label",
    note = "fields are strings, integers, UUIDs, enums of preset files, a `Match`, or an `Option` of one of these",
    note = "write `#[querier(skip)]` before a field that is not a label"
)]
#[doc(hidden)]
pub trait MatcherField {
    /// The matcher for `label`; `None` for `Option::None`.
    fn matcher<'a>(&'a self, label: &'static str) -> Option<Matcher<'a>>;
}

impl<T: MatcherField> MatcherField for Option<T> {
    fn matcher<'a>(&'a self, label: &'static str) -> Option<Matcher<'a>> {
        self.as_ref()?.matcher(label)
    }
}

#[diagnostic::do_not_recommend]
impl<T: LabelValue> MatcherField for T {
    fn matcher<'a>(&'a self, label: &'static str) -> Option<Matcher<'a>> {
        Some(Matcher::equal(label, self.__text()))
    }
}

impl<K: ?Sized> MatcherField for &Match<K> {
    fn matcher<'a>(&'a self, label: &'static str) -> Option<Matcher<'a>> {
        (**self).matcher(label)
    }
}

impl<K: ?Sized> MatcherField for Match<K> {
    fn matcher<'a>(&'a self, label: &'static str) -> Option<Matcher<'a>> {
        Some(self.0.__on_borrowed(label))
    }
}

macro_rules! label_values {
    ($($value:ty => $kind:ty;)*) => {$(
        impl LabelValue for $value {
            type Kind = $kind;
        }

        matches_of! { $value => $kind; }
    )*};
}

/// A blanket implementation would name its own bounds in errors, instead of what a setter takes.
macro_rules! matches_of {
    ($($value:ty => $kind:ty;)*) => {$(
        impl From<$value> for Match<$kind> {
            fn from(value: $value) -> Self {
                Self::equal(value)
            }
        }

        impl IntoMatch<$kind> for $value {
            fn into_match(self) -> Match<$kind> {
                Match::equal(self)
            }
        }
    )*};
}

matches_of! {
    &String => String;
    &Uuid => Uuid;
}

macro_rules! texts {
    ($($value:ty,)*) => {$(
        impl LabelValue for $value {
            type Kind = String;

            fn __text(&self) -> Cow<'_, str> {
                Cow::Borrowed(self)
            }
        }

        matches_of! { $value => String; }
    )*};
}

texts!(&str, String, Cow<'_, str>,);

label_values! {
    i8 => i64;
    i16 => i64;
    i32 => i64;
    i64 => i64;
    u8 => i64;
    u16 => i64;
    u32 => i64;
    u64 => i64;
    usize => i64;
    Uuid => Uuid;
}
