//! Instant vectors: one sample per series.

use super::meta::meta_accessors;
use super::{Labels, Meta, Sample, Timestamp, Value, ValueError};
use crate::error::Error;

/// The result of an instant query: one sample per series, in the order of the server.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Vector {
    elements: Vec<Element>,
    meta: Meta,
}

/// One series of a [`Vector`]: its labels and its sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Element {
    labels: Labels,
    sample: Sample,
}

impl Vector {
    /// The series, in the order of the server.
    #[must_use]
    pub fn elements(&self) -> &[Element] {
        &self.elements
    }

    /// Iterates over the series, in the order of the server.
    pub fn iter(&self) -> std::slice::Iter<'_, Element> {
        self.elements.iter()
    }

    /// The number of series.
    #[must_use]
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// Whether the query returned no series, which is not the same as zero.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// Returns the sample of the only series.
    ///
    /// ```
    /// # use promql_presets::{Element, ErrorKind, Labels, Timestamp, Value, ValueError, Vector};
    /// let element = |value| Element::new(Labels::default(), Timestamp::default(), Value::Float(value));
    /// let vector: Vector = [element(0.5)].into_iter().collect();
    /// assert_eq!(vector.one()?.number()?, 0.5);
    ///
    /// let several: Vector = [element(1.0), element(2.0)].into_iter().collect();
    /// let error = several.one().unwrap_err();
    /// assert!(matches!(error.kind(), ErrorKind::Value(ValueError::SeveralSeries { count: 2 })));
    /// assert_eq!(Vector::default().one().unwrap_err().to_string(), "the query returned no data");
    /// # Ok::<(), promql_presets::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ValueError::NoData`], [`ValueError::SeveralSeries`] and
    /// [`ErrorKind::PartialData`](crate::ErrorKind::PartialData).
    pub fn one(&self) -> Result<&Sample, Error> {
        self.at_most_one()?.ok_or_else(|| self.meta.error(ValueError::NoData))
    }

    /// Returns the sample of the only series, or `None` if there are no series.
    ///
    /// # Errors
    ///
    /// [`ValueError::SeveralSeries`] and [`ErrorKind::PartialData`](crate::ErrorKind::PartialData).
    pub fn at_most_one(&self) -> Result<Option<&Sample>, Error> {
        self.meta.require_complete()?;
        match self.elements.as_slice() {
            [] => Ok(None),
            [element] => Ok(Some(&element.sample)),
            several => Err(self.meta.error(ValueError::SeveralSeries { count: several.len() })),
        }
    }

    /// Returns the number of the only series, or zero if there are no series: for counts of events that may not have
    /// happened yet.
    ///
    /// # Errors
    ///
    /// [`ValueError::SeveralSeries`], [`ValueError::NotFinite`], [`ValueError::HistogramNotFloat`] and
    /// [`ErrorKind::PartialData`](crate::ErrorKind::PartialData).
    pub fn number_or_zero(&self) -> Result<f64, Error> {
        self.at_most_one()?.map_or(Ok(0.0), Sample::number).map_err(|error| self.meta.error(error))
    }

    /// Returns the number of the only series, short for `one()?.number()`.
    ///
    /// # Errors
    ///
    /// All variants of [`ValueError`], and [`ErrorKind::PartialData`](crate::ErrorKind::PartialData).
    pub fn number(&self) -> Result<f64, Error> {
        self.one()?.number().map_err(|error| self.meta.error(error))
    }

    meta_accessors!();
}

impl Element {
    /// Creates a series of a vector, for tests and mocks.
    #[must_use]
    pub fn new(labels: Labels, timestamp: Timestamp, value: Value) -> Self {
        Self { labels, sample: Sample { timestamp, value } }
    }

    /// The labels of the series.
    #[must_use]
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// The sample.
    #[must_use]
    pub fn sample(&self) -> &Sample {
        &self.sample
    }

    /// When the query was evaluated.
    #[must_use]
    pub fn timestamp(&self) -> Timestamp {
        self.sample.timestamp
    }

    /// A float or a native histogram.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.sample.value
    }
}

impl FromIterator<Element> for Vector {
    fn from_iter<I: IntoIterator<Item = Element>>(elements: I) -> Self {
        Self { elements: elements.into_iter().collect(), meta: Meta::default() }
    }
}

impl<'a> IntoIterator for &'a Vector {
    type Item = &'a Element;
    type IntoIter = std::slice::Iter<'a, Element>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Vector {
    type Item = Element;
    type IntoIter = std::vec::IntoIter<Element>;

    fn into_iter(self) -> Self::IntoIter {
        self.elements.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::value::Histogram;

    fn vector(values: impl IntoIterator<Item = Value>) -> Vector {
        values.into_iter().map(|value| Element::new(Labels::default(), Timestamp::default(), value)).collect()
    }

    fn fault<T: std::fmt::Debug>(result: Result<T, Error>) -> ValueError {
        match result.unwrap_err().kind() {
            ErrorKind::Value(error) => error.clone(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn no_data_is_zero_only_on_request() {
        let nothing = Vector::default();
        assert_eq!(fault(nothing.number()), ValueError::NoData);
        assert_eq!(nothing.at_most_one().unwrap(), None);
        assert_eq!(nothing.number_or_zero().ok(), Some(0.0));
    }

    #[test]
    fn a_number_requires_a_single_series() {
        assert_eq!(vector([1.5.into()]).number_or_zero().ok(), Some(1.5));
        assert_eq!(fault(vector([1.5.into(), 2.0.into()]).number_or_zero()), ValueError::SeveralSeries { count: 2 });
        assert!(matches!(fault(vector([f64::INFINITY.into()]).number_or_zero()), ValueError::NotFinite { .. }));
        let histogram = vector([Histogram::new(1.0, 1.0, []).into()]);
        assert_eq!(fault(histogram.number()), ValueError::HistogramNotFloat);
    }

    #[test]
    fn errors_name_preset_and_query() {
        let meta = Meta { preset: Some("node::load"), query: Some("load".to_owned()), ..Meta::default() };
        for vector in [vector([]), vector([f64::NAN.into()]), vector([1.0.into(), 1.0.into()])] {
            let error = vector.with_meta(meta.clone()).number().unwrap_err();
            assert_eq!((error.preset(), error.query()), (Some("node::load"), Some("load")));
            assert!(error.to_string().starts_with("preset node::load: the "), "{error}");
            assert!(format!("{error:#}").ends_with("; the query is load"), "{error:#}");
        }
    }

    #[test]
    fn a_partial_response_is_not_a_number_until_accepted() {
        let meta = |warnings: &[&str], is_partial| Meta {
            warnings: warnings.iter().map(|&warning| warning.to_owned()).collect(),
            is_partial,
            ..Meta::default()
        };
        let one = vector([1.0.into()]);
        for partial in [meta(&[], true), meta(&["PromQL warning: x", "results truncated due to limit"], false)] {
            let partial = one.clone().with_meta(partial);
            assert!(partial.is_partial());
            assert!(matches!(partial.one().unwrap_err().kind(), ErrorKind::PartialData { .. }));
            assert_eq!(partial.accept_partial().number().ok(), Some(1.0));
        }
        assert!(one.with_meta(meta(&["PromQL warning: x", "3 more warnings omitted"], false)).number().is_ok());
    }
}
