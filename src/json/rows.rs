//! Writes rows.

use std::borrow::Borrow;

use serde::ser::{Serialize, Serializer};

use super::Float;
use super::column::Times;
use super::serialize::{columns, serialize_fields};
use crate::extract::{Row, RowText, SeriesRow};
use crate::value::Series;

serialize_fields!(this: Row<T> where T {
    "labels": this.labels,
    "timestamp": this.timestamp,
    "value": Float(this.value),
});

impl<T: Serialize, B: Borrow<Series>> Serialize for SeriesRow<T, B> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let series = self.series.borrow();
        columns(serializer, &self.labels, &Times(series.timestamps()), series)
    }
}

/// Serializes a generated row, as a map from labels to values.
#[doc(hidden)]
#[macro_export]
macro_rules! __serialize_row {
    ($name:ident: $($field:ident = $label:literal),*) => {
        impl $crate::__private1::Serialize for $name {
            fn serialize<S: $crate::__private1::Serializer>(
                &self,
                serializer: S,
            ) -> ::core::result::Result<S::Ok, S::Error> {
                let fields = [$(($label, $crate::__private1::RowValue::shown(&self.$field)),)*];
                $crate::__private1::write_row(serializer, &fields)
            }
        }
    };
}

/// Serializes the fields of a generated row.
#[doc(hidden)]
pub fn write_row<S: Serializer>(serializer: S, fields: &[(&str, RowText<'_>)]) -> Result<S::Ok, S::Error> {
    serializer.collect_map(fields.iter().map(|(label, value)| (label, Field(value))))
}

struct Field<'a>(&'a RowText<'a>);

impl Serialize for Field<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            RowText::Missing => serializer.serialize_none(),
            RowText::Text(text) => serializer.serialize_str(text),
            RowText::Enum(value) => serializer.collect_str(value),
            RowText::Uuid(id) => serializer.collect_str(id),
            RowText::Integer(number) => serializer.serialize_i64(*number),
        }
    }
}
