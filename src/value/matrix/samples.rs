//! The samples of one series.

use std::sync::Arc;

use crate::value::{Histogram, Sample, Timestamp, Value};

/// An iterator over the samples of a [`Series`](crate::Series), in order of time: see
/// [`Series::iter`](crate::Series::iter).
#[derive(Debug, Clone)]
pub struct Samples<'a> {
    pub(super) timestamps: &'a [Timestamp],
    pub(super) values: &'a [f64],
    pub(super) histograms: &'a [(Timestamp, Arc<Histogram>)],
}

impl Iterator for Samples<'_> {
    type Item = Sample;

    fn next(&mut self) -> Option<Sample> {
        match (self.timestamps, self.histograms) {
            ([time, ..], [(other, _), ..]) if other < time => self.next_histogram(),
            ([], _) => self.next_histogram(),
            ([timestamp, timestamps @ ..], _) => {
                let (value, values) = self.values.split_first()?;
                (self.timestamps, self.values) = (timestamps, values);
                Some(Sample { timestamp: *timestamp, value: Value::Float(*value) })
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let len = self.timestamps.len() + self.histograms.len();
        (len, Some(len))
    }
}

impl Samples<'_> {
    fn next_histogram(&mut self) -> Option<Sample> {
        let ((timestamp, histogram), rest) = self.histograms.split_first()?;
        self.histograms = rest;
        Some(Sample { timestamp: *timestamp, value: Value::Histogram(Arc::clone(histogram)) })
    }
}

impl DoubleEndedIterator for Samples<'_> {
    fn next_back(&mut self) -> Option<Sample> {
        match (self.timestamps, self.histograms) {
            ([timestamps @ .., timestamp], histograms)
                if histograms.last().is_none_or(|(other, _)| other < timestamp) =>
            {
                let (value, values) = self.values.split_last()?;
                (self.timestamps, self.values) = (timestamps, values);
                Some(Sample { timestamp: *timestamp, value: Value::Float(*value) })
            }
            (_, histograms) => {
                let ((timestamp, histogram), rest) = histograms.split_last()?;
                self.histograms = rest;
                Some(Sample { timestamp: *timestamp, value: Value::Histogram(Arc::clone(histogram)) })
            }
        }
    }
}

impl ExactSizeIterator for Samples<'_> {}
