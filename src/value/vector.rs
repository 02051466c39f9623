//! Instant vectors: one sample per series.

use super::meta::meta_accessors;
use super::{Labels, Meta, Sample, Timestamp, Value};

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

    pub(crate) fn labels_mut(&mut self) -> &mut Labels {
        &mut self.labels
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
