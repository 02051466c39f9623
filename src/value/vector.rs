//! Instant vectors: one sample for each series.

use super::meta::meta_accessors;
use super::{Labels, Meta, Sample, Timestamp, Value, ValueError};

/// The answer to an instant query: one sample for each series, in the order of the server.
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

    /// The series, in the order of the server.
    pub fn iter(&self) -> std::slice::Iter<'_, Element> {
        self.elements.iter()
    }

    /// How many series there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// Whether the query matched nothing, which is not the same as zero.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// The one sample; see [`Sample::finite`] for its number.
    ///
    /// ```
    /// # use promql_presets::{Element, Labels, Timestamp, Value, ValueError, Vector};
    /// let element = |value| Element::new(Labels::default(), Timestamp::default(), Value::Float(value));
    /// let vector: Vector = [element(0.5)].into_iter().collect();
    /// assert_eq!(vector.one()?.finite()?, 0.5);
    ///
    /// let several: Vector = [element(1.0), element(2.0)].into_iter().collect();
    /// assert_eq!(several.one(), Err(ValueError::SeveralSeries { count: 2 }));
    /// assert_eq!(Vector::default().one(), Err(ValueError::NoData));
    /// # Ok::<(), ValueError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ValueError::NoData`], [`ValueError::SeveralSeries`] and [`ValueError::PartialData`].
    pub fn one(&self) -> Result<&Sample, ValueError> {
        self.at_most_one()?.ok_or(ValueError::NoData)
    }

    /// The one sample, or `None` where the query matched nothing.
    ///
    /// # Errors
    ///
    /// [`ValueError::SeveralSeries`] and [`ValueError::PartialData`].
    pub fn at_most_one(&self) -> Result<Option<&Sample>, ValueError> {
        self.meta.require_complete()?;
        match self.elements.as_slice() {
            [] => Ok(None),
            [element] => Ok(Some(&element.sample)),
            several => Err(ValueError::SeveralSeries { count: several.len() }),
        }
    }

    /// The one number, or zero where the query matched nothing: for counts of things that may not have happened yet.
    ///
    /// # Errors
    ///
    /// [`ValueError::SeveralSeries`], [`ValueError::NotFinite`], [`ValueError::HistogramNotFloat`] and
    /// [`ValueError::PartialData`].
    pub fn or_zero(&self) -> Result<f64, ValueError> {
        self.at_most_one()?.map_or(Ok(0.0), Sample::finite)
    }

    /// The one number, if one can calculate with it; short for `one()?.finite()`.
    ///
    /// # Errors
    ///
    /// Every kind of [`ValueError`].
    pub fn finite(&self) -> Result<f64, ValueError> {
        self.one()?.finite()
    }

    meta_accessors!();
}

impl Element {
    /// A series of a vector.
    #[must_use]
    pub fn new(labels: Labels, timestamp: Timestamp, value: Value) -> Self {
        Self { labels, sample: Sample { timestamp, value } }
    }

    /// What tells this series from the others.
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
    use crate::value::Histogram;

    fn vector(values: impl IntoIterator<Item = Value>) -> Vector {
        values.into_iter().map(|value| Element::new(Labels::default(), Timestamp::default(), value)).collect()
    }

    #[test]
    fn nothing_is_not_zero_unless_asked_for() {
        let nothing = Vector::default();
        assert_eq!(nothing.finite(), Err(ValueError::NoData));
        assert_eq!(nothing.at_most_one(), Ok(None));
        assert_eq!(nothing.or_zero(), Ok(0.0));
    }

    #[test]
    fn one_number_comes_out_of_one_series_only() {
        assert_eq!(vector([1.5.into()]).or_zero(), Ok(1.5));
        assert_eq!(vector([1.5.into(), 2.0.into()]).or_zero(), Err(ValueError::SeveralSeries { count: 2 }));
        assert!(matches!(vector([f64::INFINITY.into()]).or_zero(), Err(ValueError::NotFinite { .. })));
        assert_eq!(vector([Histogram::new(1.0, 1.0, []).into()]).finite(), Err(ValueError::HistogramNotFloat));
    }

    #[test]
    fn a_partial_answer_is_no_number_until_accepted() {
        let meta = |warnings: &[&str], is_partial| Meta {
            warnings: warnings.iter().map(|&warning| warning.to_owned()).collect(),
            is_partial,
            ..Meta::default()
        };
        let one = vector([1.0.into()]);
        for partial in [meta(&[], true), meta(&["PromQL warning: x", "results truncated due to limit"], false)] {
            let partial = one.clone().with_meta(partial);
            assert!(partial.is_partial());
            assert!(matches!(partial.one(), Err(ValueError::PartialData { .. })));
            assert_eq!(partial.accept_partial().finite(), Ok(1.0));
        }
        assert_eq!(one.with_meta(meta(&["PromQL warning: x", "3 more warnings omitted"], false)).finite(), Ok(1.0));
    }
}
