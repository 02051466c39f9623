//! Reading labels into generated rows, and with `serde` into the caller's types.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, IntoDeserializer, MapAccess, Visitor};

use super::error;
use super::row_value::RowValue;
use crate::error::{Error, RowError};
use crate::value::{Element, Labels, Matrix, Series, Timestamp, Value, Vector};

/// A type that the labels of a series are read into: a generated `Row`, or any type that deserializes with `serde`, as
/// described in [`Labels::deserialize`].
#[diagnostic::on_unimplemented(
    message = "labels cannot be read into `{Self}`",
    note = "use the `Row` of the preset's own module, or derive `serde::Deserialize` for `{Self}`"
)]
pub trait FromLabels: Sized {
    /// Reads the labels of a series.
    ///
    /// # Errors
    ///
    /// Those of [`Labels::deserialize`].
    fn from_labels(labels: &Labels) -> Result<Self, RowError>;
}

impl<T: DeserializeOwned> FromLabels for T {
    fn from_labels(labels: &Labels) -> Result<Self, RowError> {
        labels.deserialize()
    }
}

/// Reads a field of a generated row. An empty label is a missing one.
#[doc(hidden)]
pub fn read_field<T: RowValue>(labels: &Labels, label: &str, prefix: &str) -> Result<T, RowError> {
    let Some(value) = labels.get(label).filter(|value| !value.is_empty()) else {
        let missing = || RowError::MissingLabel { label: label.to_owned(), series: labels.clone() };
        return T::missing().ok_or_else(missing);
    };
    let parsed = match value.strip_prefix(prefix) {
        Some(rest) => T::parse(rest),
        None => Err(format!("expected `{prefix}` at the start")),
    };
    parsed.map_err(|reason| RowError::InvalidLabel {
        label: label.to_owned(),
        value: value.to_owned(),
        reason,
        series: labels.clone(),
    })
}

/// Without the feature `json`, rows are not serialized.
#[cfg(not(feature = "json"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __serialize_row {
    ($($row:tt)*) => {};
}

/// One series of a [`Vector`] with its labels read into `T`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row<T> {
    /// The labels.
    pub labels: T,
    /// When the query was evaluated.
    pub timestamp: Timestamp,
    /// The float, which can be `NaN` or infinite.
    pub value: f64,
}

/// One series of a [`Matrix`] with its labels read into `T`; borrowed by [`rows`](Matrix::rows), owned by
/// [`into_rows`](Matrix::into_rows).
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesRow<T, S = Series> {
    /// The labels.
    pub labels: T,
    /// The series.
    pub series: S,
}

impl Labels {
    /// Deserializes the labels into a map, or into a struct whose fields are named like labels.
    ///
    /// Fields can be strings, numbers, booleans, enums (by variant name), and types that deserialize from a string, such
    /// as `Uuid` with its feature `serde`, and enums of preset files with the feature `json`. An `Option` is `None` if
    /// the label is missing or empty. Labels without a field are ignored.
    ///
    /// ```
    /// # use promql_presets::Labels;
    /// #[derive(serde::Deserialize)]
    /// struct Device {
    ///     host: String,
    ///     index: u32,
    ///     zone: Option<String>,
    /// }
    ///
    /// let labels: Labels = [("host", "a"), ("index", "3"), ("job", "node")].into_iter().collect();
    /// let device: Device = labels.deserialize()?;
    /// assert_eq!((device.host.as_str(), device.index, device.zone), ("a", 3, None));
    /// # Ok::<(), promql_presets::RowError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`RowError::MissingLabel`] and [`RowError::InvalidLabel`]; [`RowError::Mismatch`] if `T` is neither a struct nor
    /// a map.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T, RowError> {
        T::deserialize(LabelsReader { labels: self }).map_err(|fault| fault.into_error(self))
    }
}

impl Vector {
    /// Turns each series into a row, with its labels [read](FromLabels) into `T`.
    ///
    /// Partial responses have rows too: check [`is_partial`](Self::is_partial) first.
    ///
    /// # Errors
    ///
    /// Those of [`Labels::deserialize`], and [`RowError::HistogramNotFloat`].
    pub fn rows<T: FromLabels>(&self) -> Result<Vec<Row<T>>, Error> {
        self.iter().map(|element| element.row().map_err(|failure| error(self.meta(), failure))).collect()
    }
}

impl Element {
    /// Turns this series into a row, with its labels [read](FromLabels) into `T`.
    ///
    /// # Errors
    ///
    /// Those of [`Labels::deserialize`], and [`RowError::HistogramNotFloat`].
    pub fn row<T: FromLabels>(&self) -> Result<Row<T>, RowError> {
        let &Value::Float(value) = self.value() else {
            return Err(RowError::HistogramNotFloat { series: self.labels().clone() });
        };
        Ok(Row { labels: T::from_labels(self.labels())?, timestamp: self.timestamp(), value })
    }
}

impl Matrix {
    /// Each series as a row, with its labels [read](FromLabels) into `T`.
    ///
    /// Partial responses have rows too: check [`is_partial`](Self::is_partial) first.
    ///
    /// # Errors
    ///
    /// Those of [`Labels::deserialize`].
    pub fn rows<T: FromLabels>(&self) -> Result<Vec<SeriesRow<T, &Series>>, Error> {
        let row = |series| Ok(SeriesRow { labels: T::from_labels(Series::labels(series))?, series });
        self.iter().map(row).collect::<Result<_, RowError>>().map_err(|failure| error(self.meta(), failure))
    }

    /// Turns each series into a row, with its labels [read](FromLabels) into `T`.
    ///
    /// Partial responses have rows too: check [`is_partial`](Self::is_partial) first.
    ///
    /// ```
    /// # use promql_presets::{Labels, Matrix, Series, Timestamp};
    /// #[derive(serde::Deserialize)]
    /// struct Job {
    ///     job: String,
    /// }
    ///
    /// let labels: Labels = [("job", "api")].into_iter().collect();
    /// let matrix: Matrix = [Series::new(labels, [(Timestamp::from_secs(60), 0.5)])].into_iter().collect();
    /// let rows = matrix.into_rows::<Job>()?;
    /// assert_eq!((rows[0].labels.job.as_str(), rows[0].series.values()), ("api", &[0.5][..]));
    /// # Ok::<(), promql_presets::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`Labels::deserialize`].
    pub fn into_rows<T: FromLabels>(self) -> Result<Vec<SeriesRow<T>>, Error> {
        let meta = self.meta().clone();
        let row = |series: Series| Ok(SeriesRow { labels: T::from_labels(series.labels())?, series });
        self.into_iter().map(row).collect::<Result<_, RowError>>().map_err(|failure| error(&meta, failure))
    }
}

/// Why `serde` cannot deserialize labels.
#[derive(Debug)]
enum RowFault {
    Missing(&'static str),
    Invalid { label: String, value: String, reason: String },
    Other(String),
}

impl RowFault {
    fn into_error(self, series: &Labels) -> RowError {
        let series = series.clone();
        match self {
            Self::Missing(label) => RowError::MissingLabel { label: label.to_owned(), series },
            Self::Invalid { label, value, reason } => RowError::InvalidLabel { label, value, reason, series },
            Self::Other(reason) => RowError::Mismatch { reason, series },
        }
    }
}

impl fmt::Display for RowFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(label) => write!(f, "no label `{label}`"),
            Self::Invalid { reason, .. } | Self::Other(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for RowFault {}

impl serde::de::Error for RowFault {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self::Other(reason.to_string())
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }
}

/// Deserializes labels as a map.
struct LabelsReader<'a> {
    labels: &'a Labels,
}

impl<'de> Deserializer<'de> for LabelsReader<'_> {
    type Error = RowFault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowFault> {
        visitor.visit_map(LabelsMap { rest: self.labels.iter(), current: None })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, RowFault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowFault> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit_struct seq
        tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct LabelsMap<'a, I> {
    rest: I,
    current: Option<(&'a str, &'a str)>,
}

impl<'de, 'a, I: Iterator<Item = (&'a str, &'a str)>> MapAccess<'de> for LabelsMap<'a, I> {
    type Error = RowFault;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, RowFault> {
        self.current = self.rest.next();
        let Some((name, _)) = self.current else { return Ok(None) };
        let name: StrDeserializer<'_, RowFault> = name.into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, RowFault> {
        let (label, value) = self.current.take().ok_or_else(|| RowFault::custom("a value without a key"))?;
        seed.deserialize(ValueReader(value)).map_err(|fault| match fault {
            RowFault::Other(reason) => RowFault::Invalid { label: label.to_owned(), value: value.to_owned(), reason },
            named => named,
        })
    }
}

/// Deserializes the value of a label: a string, from which other types are parsed.
struct ValueReader<'a>(&'a str);

/// Implements methods that parse the value as their type.
macro_rules! parsed {
    ($($method:ident $visit:ident $ty:ty, $expected:literal;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowFault> {
            let value = self.0.parse::<$ty>().map_err(|_| RowFault::custom(concat!("expected ", $expected)))?;
            visitor.$visit(value)
        }
    )*};
}

impl<'de> Deserializer<'de> for ValueReader<'_> {
    type Error = RowFault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowFault> {
        visitor.visit_str(self.0)
    }

    /// To PromQL, an empty label is a missing one.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, RowFault> {
        if self.0.is_empty() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, RowFault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, RowFault> {
        let name: StrDeserializer<'_, RowFault> = self.0.into_deserializer();
        visitor.visit_enum(name)
    }

    parsed! {
        deserialize_bool visit_bool bool, "`true` or `false`";
        deserialize_i8 visit_i8 i8, "a whole number from -128 to 127";
        deserialize_i16 visit_i16 i16, "a whole number of 16 bits";
        deserialize_i32 visit_i32 i32, "a whole number of 32 bits";
        deserialize_i64 visit_i64 i64, "a whole number of 64 bits";
        deserialize_i128 visit_i128 i128, "a whole number of 128 bits";
        deserialize_u8 visit_u8 u8, "a whole number from 0 to 255";
        deserialize_u16 visit_u16 u16, "a whole number of 16 bits, not negative";
        deserialize_u32 visit_u32 u32, "a whole number of 32 bits, not negative";
        deserialize_u64 visit_u64 u64, "a whole number of 64 bits, not negative";
        deserialize_u128 visit_u128 u128, "a whole number of 128 bits, not negative";
        deserialize_f32 visit_f32 f32, "a number";
        deserialize_f64 visit_f64 f64, "a number";
    }

    serde::forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde::Deserialize;
    use uuid::Uuid;

    use super::*;
    use crate::error::ErrorKind;
    use crate::value::Histogram;

    const ID: &str = "67e55044-10b1-426f-9247-bb680e5fe0c8";

    #[derive(Debug, PartialEq, Deserialize)]
    struct Resource {
        kernel_id: Uuid,
        #[serde(rename = "__name__")]
        metric: Option<String>,
        value_type: ValueType,
        index: i16,
        share: f64,
        is_master: bool,
        session_id: Option<Uuid>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum ValueType {
        Current,
        Capacity,
    }

    fn kernel(change: Option<(&str, Option<&str>)>) -> Vector {
        let mut labels = HashMap::from([
            ("kernel_id", ID),
            ("value_type", "current"),
            ("index", "-3"),
            ("share", "0.25"),
            ("is_master", "true"),
            ("session_id", ""),
            ("job", "agent"),
        ]);
        if let Some((name, value)) = change {
            labels.remove(name);
            labels.extend(value.map(|value| (name, value)));
        }
        [Element::new(labels.into_iter().collect(), Timestamp::from_secs(7), Value::Float(0.5))].into_iter().collect()
    }

    fn fault<T: fmt::Debug>(result: Result<T, Error>) -> RowError {
        match result.unwrap_err().kind() {
            ErrorKind::Row(error) => error.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn labels_are_deserialized_into_a_struct() {
        let rows = kernel(None).rows::<Resource>().unwrap();
        let [row] = rows.as_slice() else { panic!("{rows:?}") };
        assert_eq!((row.timestamp, row.value), (Timestamp::from_secs(7), 0.5));
        let expected = Resource {
            kernel_id: ID.parse().unwrap(),
            metric: None,
            value_type: ValueType::Current,
            index: -3,
            share: 0.25,
            is_master: true,
            session_id: None,
        };
        assert_eq!(row.labels, expected);
    }

    #[test]
    fn an_error_names_the_missing_label_and_its_series() {
        let error = fault(kernel(Some(("kernel_id", None))).rows::<Resource>());
        assert!(matches!(&error, RowError::MissingLabel { label, .. } if label == "kernel_id"));
        assert!(error.to_string().ends_with("}` has no label `kernel_id`"), "{error}");
        assert!(error.to_string().starts_with(r#"series `{index="-3", "#), "{error}");
    }

    #[test]
    fn an_error_names_the_invalid_label_and_its_value() {
        for (label, value, reason) in [
            ("kernel_id", "x", "UUID"),
            ("value_type", "pct", "unknown variant `pct`, expected `current` or `capacity`"),
            ("index", "1e3", "expected a whole number of 16 bits"),
            ("share", "", "expected a number"),
            ("is_master", "yes", "expected `true` or `false`"),
        ] {
            let error = fault(kernel(Some((label, Some(value)))).rows::<Resource>());
            let RowError::InvalidLabel { label: named, value: shown, reason: said, .. } = &error else {
                panic!("{error}")
            };
            assert_eq!((named.as_str(), shown.as_str()), (label, value));
            assert!(said.contains(reason), "{error}");
        }
    }

    #[test]
    fn labels_are_deserialized_into_maps_newtypes_and_unit() {
        #[derive(Deserialize)]
        struct All(HashMap<String, String>);
        let vector = kernel(None);
        assert_eq!(vector.rows::<All>().unwrap()[0].labels.0["job"], "agent");
        assert!(vector.rows::<()>().is_ok());
        assert!(matches!(fault(vector.rows::<String>()), RowError::Mismatch { .. }));
        assert!(matches!(fault(vector.rows::<Vec<String>>()), RowError::Mismatch { .. }));
    }

    #[test]
    fn a_row_of_a_vector_does_not_hold_a_histogram() {
        let histogram = Element::new(Labels::default(), Timestamp::default(), Histogram::new(1.0, 1.0, []).into());
        assert!(matches!(histogram.row::<()>(), Err(RowError::HistogramNotFloat { .. })));
    }

    #[test]
    fn rows_of_a_matrix_own_their_series() {
        let series = Series::new([("kernel_id", ID)].into_iter().collect(), [(Timestamp::default(), 1.0)]);
        let matrix: Matrix = [series].into_iter().collect();
        let rows = matrix.into_rows::<HashMap<String, Uuid>>().unwrap();
        assert_eq!(rows[0].labels["kernel_id"].to_string(), ID);
        assert_eq!(rows[0].series.values(), [1.0]);
    }
}
