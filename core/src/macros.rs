//! Macros for generated code. Every path is absolute, so that no prelude is needed.
//!
//! What they expand to is compiled again for each preset file, in every build of a service, so they hold little: a
//! derived `Eq`, for one, has a function that one written out has not. Functions are `#[inline]`, so that no code is
//! generated for those that a service does not use.

/// Makes a newtype around [`Querier`](crate::Querier) a [`MetricQuerier`](crate::MetricQuerier).
#[doc(hidden)]
#[macro_export]
macro_rules! __querier {
    ($name:ident, set $($rest:tt)*) => {
        impl $name {
            /// Adds a condition on a label whose name is known at run time only; a plain value means `=`.
            ///
            /// # Errors
            ///
            /// An undeclared label, or a value that the label cannot have.
            pub fn set(
                self,
                label: impl ::core::convert::Into<$crate::__macro_support::Cow<'static, str>>,
                condition: impl $crate::IntoMatch<$crate::__macro_support::String>,
            ) -> ::core::result::Result<Self, $crate::RenderError> {
                ::core::result::Result::map(self.0.__set(__LABELS, label, condition), Self)
            }
        }
        $crate::__querier! { $name $($rest)* }
    };
    ($name:ident, default) => {
        impl ::core::default::Default for $name {
            #[inline]
            fn default() -> Self {
                Self::new()
            }
        }
        $crate::__querier! { $name }
    };
    ($name:ident) => {
        impl ::core::cmp::PartialEq for $name {
            #[inline]
            fn eq(&self, other: &Self) -> bool {
                self.0 == other.0
            }
        }

        impl ::core::cmp::Eq for $name {}

        impl $crate::MetricQuerier for $name {
            #[inline]
            fn name(&self) -> &str {
                $crate::MetricQuerier::name(&self.0)
            }

            #[inline]
            fn labels(&self) -> $crate::__macro_support::Cow<'_, [$crate::Matcher<'_>]> {
                $crate::MetricQuerier::labels(&self.0)
            }

            #[inline]
            fn group_by_labels(&self) -> $crate::__macro_support::Cow<'_, [$crate::__macro_support::Cow<'_, str>]> {
                $crate::MetricQuerier::group_by_labels(&self.0)
            }
        }
    };
}

/// A preset with a setter for each of its parameters.
#[doc(hidden)]
#[macro_export]
macro_rules! __parameterized {
    (
        $(#[$doc:meta])* pub struct $name:ident($querier:ty, $result:ty, $window:ty);
        $($(#[$setter_doc:meta])* $setter:ident: $ty:ty = $index:literal, $variant:ident;)*
    ) => {
        $(#[$doc])*
        #[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug)]
        #[must_use = "a preset does nothing until it is queried"]
        pub struct $name($crate::Preset<$querier, $result, $window>);

        impl $name {
            /// The metadata of the preset.
            #[must_use]
            pub const fn info(&self) -> &'static $crate::PresetInfo {
                self.0.info()
            }

            $(
                $(#[$setter_doc])*
                pub const fn $setter(self, value: $ty) -> Self {
                    Self(self.0.__with_parameter($index, $crate::ParameterValue::$variant(value)))
                }
            )*
        }

        impl ::core::ops::Deref for $name {
            type Target = $crate::Preset<$querier, $result, $window>;

            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }

        impl $crate::IntoPreset for $name {
            type Querier = $querier;
            type Result = $result;
            type Window = $window;

            fn into_preset(self) -> $crate::Preset<$querier, $result, $window> {
                self.0
            }
        }
    };
}

/// An enum of texts, with conversions both ways.
#[doc(hidden)]
#[macro_export]
macro_rules! __text_enum {
    ($(#[$doc:meta])* pub enum $name:ident { $($(#[$text_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(::core::clone::Clone, ::core::marker::Copy, ::core::fmt::Debug)]
        #[derive(::core::cmp::PartialEq, ::core::hash::Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$text_doc])* $variant,)*
        }

        impl $name {
            /// All variants, in the order of the preset file.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The text in Prometheus.
            #[must_use]
            #[inline]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }

        impl ::core::cmp::Eq for $name {}

        impl ::core::fmt::Display for $name {
            #[inline]
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::core::str::FromStr for $name {
            type Err = $crate::UnknownText;

            #[inline]
            fn from_str(text: &str) -> ::core::result::Result<Self, $crate::UnknownText> {
                $crate::UnknownText::__find(text, Self::ALL, Self::as_str)
            }
        }

        $crate::__serde_enum! { $name }
    };
}

/// Reads and writes an enum as its text.
#[cfg(feature = "serde")]
#[doc(hidden)]
#[macro_export]
macro_rules! __serde_enum {
    ($name:ident) => {
        impl $crate::__macro_support::Serialize for $name {
            fn serialize<S: $crate::__macro_support::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> $crate::__macro_support::Deserialize<'de> for $name {
            fn deserialize<D: $crate::__macro_support::Deserializer<'de>>(
                deserializer: D,
            ) -> ::core::result::Result<Self, D::Error> {
                $crate::__macro_support::read_enum(deserializer, Self::ALL, Self::as_str)
            }
        }
    };
}

#[cfg(not(feature = "serde"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __serde_enum {
    ($($enum:tt)*) => {};
}

/// An enum of labels.
#[doc(hidden)]
#[macro_export]
macro_rules! __label_enum {
    ($(#[$doc:meta])* pub enum $name:ident { $($variants:tt)* }) => {
        $crate::__text_enum! { $(#[$doc])* pub enum $name { $($variants)* } }

        impl ::core::convert::AsRef<str> for $name {
            #[inline]
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }
    };
}

/// An enum of the values of a label.
#[doc(hidden)]
#[macro_export]
macro_rules! __value_enum {
    ($(#[$doc:meta])* pub enum $name:ident { $($variants:tt)* }) => {
        $crate::__text_enum! { $(#[$doc])* pub enum $name { $($variants)* } }

        impl $crate::LabelValue for $name {
            type Kind = Self;
        }

        impl $crate::MatcherField for $name {
            #[inline]
            fn matcher<'a>(
                &'a self,
                label: &'static str,
            ) -> ::core::option::Option<$crate::Matcher<'a>> {
                ::core::option::Option::Some($crate::Matcher::equal(label, self.as_str()))
            }
        }

        impl $crate::ValueEnum for $name {}
    };
}

#[cfg(test)]
#[expect(unreachable_pub, reason = "generated enums are public")]
mod tests {
    use crate::{Matcher, not, one_of};

    crate::__value_enum! {
        /// Kinds.
        pub enum Kind {
            Current = "current",
            Pct = "pct",
            // `FromStr` has a type of this name.
            Err = "err",
        }
    }

    #[test]
    fn enums_are_their_texts() {
        assert_eq!("pct".parse::<Kind>().unwrap(), Kind::Pct);
        assert_eq!(Kind::Current.to_string(), "current");
        assert_eq!(Kind::ALL.len(), 3);
        let error = "pctt".parse::<Kind>().unwrap_err();
        assert_eq!(error.to_string(), r#"unknown "pctt", expected one of `current`, `pct`, `err`"#);
    }

    #[test]
    fn values_are_conditions() {
        let shown = |matcher: Matcher<'_>| matcher.to_string();
        assert_eq!(shown(crate::Match::from(Kind::Pct).on("k")), r#"k="pct""#);
        assert_eq!(shown(not(Kind::Pct).on("k")), r#"k!="pct""#);
        assert_eq!(shown(one_of([Kind::Current, Kind::Pct]).on("k")), r#"k=~"current|pct""#);
    }
}
