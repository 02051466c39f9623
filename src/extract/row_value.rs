//! The values of labels in generated rows.

use std::fmt;

use promql_presets_core::UnknownText;

use crate::condition::ValueEnum;

/// A field of a generated row.
#[doc(hidden)]
pub trait RowValue: Sized {
    /// Parses the value of a label.
    ///
    /// # Errors
    /// The values that are expected.
    fn parse(value: &str) -> Result<Self, String>;

    /// The field of a series without the label; `None` if every series must have it.
    #[must_use]
    fn missing() -> Option<Self> {
        None
    }

    /// The value to serialize.
    fn shown(&self) -> RowText<'_>;
}

/// A [`RowValue`] to serialize.
#[doc(hidden)]
#[expect(missing_debug_implementations, reason = "enums of preset files are displayed")]
pub enum RowText<'a> {
    Missing,
    Text(&'a str),
    Enum(&'a dyn fmt::Display),
    Uuid(uuid::Uuid),
    Integer(i64),
}

impl RowValue for String {
    fn parse(value: &str) -> Result<Self, String> {
        Ok(value.to_owned())
    }

    fn shown(&self) -> RowText<'_> {
        RowText::Text(self)
    }
}

impl RowValue for i64 {
    fn parse(value: &str) -> Result<Self, String> {
        value.parse().map_err(|_| "expected a whole number".to_owned())
    }

    fn shown(&self) -> RowText<'_> {
        RowText::Integer(*self)
    }
}

impl RowValue for uuid::Uuid {
    fn parse(value: &str) -> Result<Self, String> {
        value.parse().map_err(|_| "expected a UUID".to_owned())
    }

    fn shown(&self) -> RowText<'_> {
        RowText::Uuid(*self)
    }
}

impl<T: ValueEnum> RowValue for T {
    fn parse(value: &str) -> Result<Self, String> {
        value.parse().map_err(|error: UnknownText| error.to_string())
    }

    fn shown(&self) -> RowText<'_> {
        RowText::Enum(self)
    }
}

impl<T: RowValue> RowValue for Option<T> {
    fn parse(value: &str) -> Result<Self, String> {
        T::parse(value).map(Some)
    }

    fn missing() -> Option<Self> {
        Some(None)
    }

    fn shown(&self) -> RowText<'_> {
        self.as_ref().map_or(RowText::Missing, T::shown)
    }
}
