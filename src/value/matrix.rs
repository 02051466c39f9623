//! Range vectors: columns of samples for each series.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

use super::meta::meta_accessors;
use super::{Histogram, Labels, Meta, Sample, Timestamp, Value, ValueError};
use crate::error::Error;
use crate::wire::DecodeError;

/// The answer to a range query: the samples of each series, in the order of the server.
///
/// What the server sends is what is here: a series that comes twice is here twice, and a server that rounds times, as
/// VictoriaMetrics does, may send points a little before or after the range.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Matrix {
    series: Vec<Series>,
    meta: Meta,
}

/// One series of a [`Matrix`]: its labels, and its samples in columns.
///
/// Floats and native histograms are kept apart; [`Series::iter`] brings them together in order of time.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series {
    labels: Labels,
    /// Of the floats; shared by neighbours with the same times.
    timestamps: Arc<[Timestamp]>,
    /// As many as timestamps.
    values: Box<[f64]>,
    histograms: Box<[(Timestamp, Arc<Histogram>)]>,
}

/// What the parts of a range have of one series.
struct Pieces {
    /// Where the last of them is from.
    last_part: usize,
    series: Vec<Series>,
}

/// How servers sort the series of a range, unless the query sorts them: Prometheus and its kin, and `VictoriaMetrics`.
const ORDERS: [fn(&Labels, &Labels) -> Ordering; 2] = [label_by_label, metric_name_first];

impl Matrix {
    /// The series, in the order of the server.
    #[must_use]
    pub fn series(&self) -> &[Series] {
        &self.series
    }

    /// The series, in the order of the server.
    pub fn iter(&self) -> std::slice::Iter<'_, Series> {
        self.series.iter()
    }

    /// How many series there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether the query matched nothing, which is not the same as zero.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// How many samples there are in all series.
    #[must_use]
    pub fn sample_count(&self) -> usize {
        self.series.iter().map(Series::len).sum()
    }

    /// The one series.
    ///
    /// # Errors
    ///
    /// [`ValueError::NoData`], [`ValueError::SeveralSeries`] and
    /// [`ErrorKind::PartialData`](crate::ErrorKind::PartialData).
    pub fn one(&self) -> Result<&Series, Error> {
        self.at_most_one()?.ok_or_else(|| self.meta.error(ValueError::NoData))
    }

    /// The one series, or `None` where the query matched nothing.
    ///
    /// # Errors
    ///
    /// [`ValueError::SeveralSeries`] and [`ErrorKind::PartialData`](crate::ErrorKind::PartialData).
    pub fn at_most_one(&self) -> Result<Option<&Series>, Error> {
        self.meta.require_complete()?;
        match self.series.as_slice() {
            [] => Ok(None),
            [series] => Ok(Some(series)),
            several => Err(self.meta.error(ValueError::SeveralSeries { count: several.len() })),
        }
    }

    /// Moment by moment: at each time that any series has, the samples of all series that have it.
    #[must_use]
    pub fn by_time(&self) -> ByTime<'_> {
        let mut cursors: Vec<_> = self.series.iter().map(|series| series.iter().peekable()).collect();
        let next = cursors
            .iter_mut()
            .enumerate()
            .filter_map(|(at, cursor)| cursor.peek().map(|sample| Reverse((sample.timestamp, at))))
            .collect();
        ByTime { series: &self.series, cursors, next }
    }

    /// The parts of a range that was queried in parts, as one: series with the same labels become one.
    ///
    /// The parts come in order of time, and may share their ends, where the earlier part counts. Series are sorted by
    /// their labels as in the parts, if all of these are; otherwise they keep the order in which they first come.
    /// Warnings and infos of all parts are kept once each.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Series`] where two series of one part have the same labels, or a part starts before the end of
    /// another one before it: nothing could say which of their samples are right.
    pub fn join(parts: impl IntoIterator<Item = Self>) -> Result<Self, DecodeError> {
        let mut meta: Option<Meta> = None;
        let mut at: HashMap<Labels, usize> = HashMap::new();
        let mut joined: Vec<Pieces> = Vec::new();
        let mut orders = ORDERS.to_vec();
        for (part, matrix) in parts.into_iter().enumerate() {
            match &mut meta {
                Some(meta) => meta.merge(matrix.meta),
                None => meta = Some(matrix.meta),
            }
            let series = &matrix.series;
            orders.retain(|order| series.is_sorted_by(|one, next| order(&one.labels, &next.labels).is_le()));
            for series in matrix.series {
                let index = *at.entry(series.labels.clone()).or_insert(joined.len());
                match joined.get_mut(index) {
                    Some(pieces) if pieces.last_part == part => {
                        let reason = "comes twice in one answer";
                        return Err(DecodeError::Series { series: series.labels.to_string(), reason });
                    }
                    Some(pieces) => {
                        pieces.last_part = part;
                        pieces.series.push(series);
                    }
                    None => joined.push(Pieces { last_part: part, series: vec![series] }),
                }
            }
        }
        let mut last_timestamps = Arc::default();
        let series = joined.into_iter().filter_map(|pieces| Series::concat(pieces.series, &mut last_timestamps));
        let mut series = series.collect::<Result<Vec<_>, _>>()?;
        if let Some(order) = orders.first() {
            series.sort_by(|one, other| order(&one.labels, &other.labels));
        }
        Ok(Self { series, meta: meta.unwrap_or_default() })
    }

    /// Fails where a series has samples before or after the time that was asked for. Servers that round times to steps
    /// send such, unless the times are multiples of the step.
    pub(crate) fn check_within(self, start: Timestamp, end: Timestamp) -> Result<Self, DecodeError> {
        let is_within = |sample: Sample| (start..=end).contains(&sample.timestamp);
        let outside = self.series.iter().find(|series| !series.first().into_iter().chain(series.last()).all(is_within));
        match outside.map(|series| series.labels.to_string()) {
            Some(series) => Err(DecodeError::Series { series, reason: "has samples outside of the time asked for" }),
            None => Ok(self),
        }
    }

    /// Fails where a series has two samples at one time, as no answer to a range query has. What a server stores may
    /// have them, and shows them where a range of it is selected.
    pub(crate) fn check_times(self) -> Result<Self, DecodeError> {
        let mut checked = None;
        for series in &self.series {
            // Most series have the timestamps of the one before.
            if !checked.is_some_and(|last| Arc::ptr_eq(last, &series.timestamps)) || !series.histograms.is_empty() {
                series.check_times()?;
            }
            checked = Some(&series.timestamps);
        }
        Ok(self)
    }

    meta_accessors!();
}

impl Series {
    /// A series of floats, which are brought in order of time, for tests and stand-ins.
    pub fn new(labels: Labels, samples: impl IntoIterator<Item = (Timestamp, f64)>) -> Self {
        let mut samples: Vec<_> = samples.into_iter().collect();
        samples.sort_by_key(|(time, _)| *time);
        let (timestamps, values): (Vec<_>, Vec<_>) = samples.into_iter().unzip();
        Self::from_columns(labels, timestamps.into(), values.into(), Box::default())
    }

    /// The same series with native histograms, which are brought in order of time, instead of those it had.
    #[must_use]
    pub fn with_histograms(mut self, histograms: impl IntoIterator<Item = (Timestamp, Histogram)>) -> Self {
        self.histograms = histograms.into_iter().map(|(time, histogram)| (time, Arc::new(histogram))).collect();
        self.histograms.sort_by_key(|(time, _)| *time);
        self
    }

    /// Of as many timestamps as values, in order of time.
    pub(crate) fn from_columns(
        labels: Labels,
        timestamps: Arc<[Timestamp]>,
        values: Box<[f64]>,
        histograms: Box<[(Timestamp, Arc<Histogram>)]>,
    ) -> Self {
        debug_assert_eq!(timestamps.len(), values.len());
        Self { labels, timestamps, values, histograms }
    }

    /// What tells this series from the others.
    #[must_use]
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// The times of the floats, as many as [`Series::values`].
    #[must_use]
    pub fn timestamps(&self) -> &[Timestamp] {
        &self.timestamps
    }

    /// The floats, `NaN` and the infinities included.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The native histograms and their times.
    #[must_use]
    pub fn histograms(&self) -> &[(Timestamp, Arc<Histogram>)] {
        &self.histograms
    }

    /// The labels, and the times and values of the floats, without a copy. Series with the same times share them.
    #[must_use]
    pub fn into_columns(self) -> (Labels, Arc<[Timestamp]>, Vec<f64>) {
        (self.labels, self.timestamps, self.values.into_vec())
    }

    /// How many samples there are, floats and histograms.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len() + self.histograms.len()
    }

    /// Whether there are no samples.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All samples in order of time.
    #[must_use]
    pub fn iter(&self) -> Samples<'_> {
        Samples { timestamps: &self.timestamps, values: &self.values, histograms: &self.histograms }
    }

    /// The earliest sample.
    #[must_use]
    pub fn first(&self) -> Option<Sample> {
        self.iter().next()
    }

    /// The latest sample.
    #[must_use]
    pub fn last(&self) -> Option<Sample> {
        self.iter().next_back()
    }

    /// See [`Matrix::check_times`].
    pub(crate) fn check_times(&self) -> Result<(), DecodeError> {
        let distinct = if self.histograms.is_empty() {
            self.timestamps.is_sorted_by(|one, next| one < next)
        } else {
            self.iter().is_sorted_by(|one, next| one.timestamp < next.timestamp)
        };
        let reason = "has two samples at one time";
        if distinct { Ok(()) } else { Err(DecodeError::Series { series: self.labels.to_string(), reason }) }
    }

    /// Pieces of one series in order of time, as one, which shares its timestamps with the one before if it can.
    fn concat(mut pieces: Vec<Self>, last_timestamps: &mut Arc<[Timestamp]>) -> Option<Result<Self, DecodeError>> {
        if pieces.len() <= 1 {
            return pieces.pop().map(Ok);
        }
        let (mut timestamps, mut values, mut histograms) = (Vec::new(), Vec::new(), Vec::new());
        let mut latest: Option<Timestamp> = None;
        for piece in &pieces {
            let Some((first, last)) = piece.first().zip(piece.last()) else { continue };
            if latest.is_some_and(|latest| first.timestamp < latest) {
                let reason = "has samples in one part that belong into another";
                return Some(Err(DecodeError::Series { series: piece.labels.to_string(), reason }));
            }
            let is_new = |time: &Timestamp| Some(*time) > latest;
            let floats = piece.timestamps.partition_point(|time| !is_new(time));
            timestamps.extend_from_slice(&piece.timestamps[floats..]);
            values.extend_from_slice(&piece.values[floats..]);
            histograms.extend(piece.histograms.iter().filter(|(time, _)| is_new(time)).cloned());
            latest = Some(last.timestamp);
        }
        if **last_timestamps != *timestamps {
            *last_timestamps = timestamps.into();
        }
        let labels = pieces.swap_remove(0).labels;
        Some(Ok(Self::from_columns(labels, Arc::clone(last_timestamps), values.into(), histograms.into())))
    }
}

fn label_by_label(one: &Labels, other: &Labels) -> Ordering {
    one.iter().cmp(other.iter())
}

fn metric_name_first(one: &Labels, other: &Labels) -> Ordering {
    let is_rest = |(name, _): &(&str, &str)| *name != "__name__";
    let names = one.metric_name().cmp(&other.metric_name());
    names.then_with(|| one.iter().filter(is_rest).cmp(other.iter().filter(is_rest)))
}

/// The samples of a [`Series`] in order of time.
#[derive(Debug, Clone)]
pub struct Samples<'a> {
    timestamps: &'a [Timestamp],
    values: &'a [f64],
    histograms: &'a [(Timestamp, Arc<Histogram>)],
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

/// The moments of a [`Matrix`] in order of time, see [`Matrix::by_time`].
#[derive(Debug, Clone)]
pub struct ByTime<'a> {
    series: &'a [Series],
    cursors: Vec<std::iter::Peekable<Samples<'a>>>,
    /// The time of the next sample of each series that has one.
    next: BinaryHeap<Reverse<(Timestamp, usize)>>,
}

/// One point in time of a [`Matrix`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Moment<'a> {
    /// When.
    pub timestamp: Timestamp,
    /// The series that have a sample then, in the order of the matrix.
    pub samples: Vec<(&'a Series, Value)>,
}

impl<'a> Iterator for ByTime<'a> {
    type Item = Moment<'a>;

    fn next(&mut self) -> Option<Moment<'a>> {
        let &Reverse((timestamp, _)) = self.next.peek()?;
        let mut samples = Vec::with_capacity(self.next.len());
        while let Some(mut top) = self.next.peek_mut()
            && top.0.0 == timestamp
        {
            let at = top.0.1;
            let (Some(series), Some(cursor)) = (self.series.get(at), self.cursors.get_mut(at)) else { break };
            samples.extend(cursor.next().map(|sample| (series, sample.value)));
            match cursor.peek() {
                Some(sample) => *top = Reverse((sample.timestamp, at)),
                None => drop(std::collections::binary_heap::PeekMut::pop(top)),
            }
        }
        Some(Moment { timestamp, samples })
    }
}

impl FromIterator<Series> for Matrix {
    fn from_iter<I: IntoIterator<Item = Series>>(series: I) -> Self {
        Self { series: series.into_iter().collect(), meta: Meta::default() }
    }
}

impl<'a> IntoIterator for &'a Matrix {
    type Item = &'a Series;
    type IntoIter = std::slice::Iter<'a, Series>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Matrix {
    type Item = Series;
    type IntoIter = std::vec::IntoIter<Series>;

    fn into_iter(self) -> Self::IntoIter {
        self.series.into_iter()
    }
}

impl<'a> IntoIterator for &'a Series {
    type Item = Sample;
    type IntoIter = Samples<'a>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests;
