//! Macros for generated code. Every path is absolute, so that no prelude is needed.
//!
//! They are for what a feature decides and for what few files have. Everything else is written out by the compiler, which
//! costs services less time.

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
