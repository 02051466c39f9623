//! Range vectors: columns of samples per series.

mod by_time;
mod order;
mod samples;

use std::collections::HashMap;
use std::sync::Arc;

use promql_presets_core::sort;

use super::meta::meta_accessors;
use super::{Histogram, Labels, Meta, Sample, SeriesError, Timestamp};
use order::ORDERS;

pub use by_time::{ByTime, Moment};
pub use samples::Samples;

/// The result of a range query: the samples of each series, in the order of the server.
///
/// Each [`Series`] holds a column of timestamps and a column of values, at most 16 bytes per sample: consecutive series
/// with the same timestamps share them.
///
/// ```
/// # use promql_presets::{Labels, Matrix, Series, Timestamp};
/// let series = |job: &str, values: [f64; 2]| {
///     let labels: Labels = [("job", job)].into_iter().collect();
///     Series::new(labels, [60, 120].map(Timestamp::from_secs).into_iter().zip(values))
/// };
/// let matrix: Matrix = [series("api", [1.0, 2.0]), series("db", [5.0, 7.0])].into_iter().collect();
/// for series in &matrix {
///     println!("{} {:?} {:?}", series.labels(), series.timestamps(), series.values());
/// }
/// for at in matrix.by_time() {
///     println!("{} {} samples", at.timestamp, at.samples.len());
/// }
/// assert_eq!(matrix.sample_count(), 4);
/// ```
///
/// Series and samples are those that the server sent. A server that rounds times, such as VictoriaMetrics, can send
/// points slightly outside of the range.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Matrix {
    series: Vec<Series>,
    meta: Meta,
}

/// One series of a [`Matrix`]: labels, and columns of timestamps and values.
///
/// Native histograms are stored separately; [`Series::iter`] merges them with the floats.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series {
    labels: Labels,
    /// Of the floats. Consecutive series with the same timestamps share them.
    timestamps: Arc<[Timestamp]>,
    /// As many as `timestamps`.
    values: Box<[f64]>,
    histograms: Box<[(Timestamp, Arc<Histogram>)]>,
}

/// The pieces of one series in the parts of a range.
struct Pieces {
    /// The index of the part that the last piece is from.
    last_part: usize,
    series: Vec<Series>,
}

impl Matrix {
    /// The series, in the order of the server.
    #[must_use]
    pub fn series(&self) -> &[Series] {
        &self.series
    }

    /// Iterates over the series, in the order of the server.
    pub fn iter(&self) -> std::slice::Iter<'_, Series> {
        self.series.iter()
    }

    /// The number of series.
    #[must_use]
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether the query returned no series, which is not the same as zero.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// The number of samples in all series.
    #[must_use]
    pub fn sample_count(&self) -> usize {
        self.series.iter().map(Series::len).sum()
    }

    /// Iterates over the timestamps of all series, with the samples at each of them.
    #[must_use]
    #[inline]
    pub fn by_time(&self) -> ByTime<'_> {
        ByTime::new(&self.series)
    }

    /// Joins the parts of a range, in order of time. Series with the same labels become one.
    ///
    /// If a part starts at the end of the previous one, the sample of the previous part wins. The order of series is
    /// that of the server if all parts are sorted, and that of their first occurrence otherwise. Warnings and infos are
    /// deduplicated.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Series`](crate::DecodeError::Series) if two series of one part have the same labels, or a part starts before the end of the
    /// previous one.
    #[doc(hidden)]
    pub fn join(parts: impl IntoIterator<Item = Self>) -> Result<Self, SeriesError> {
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
                        let reason = "occurs twice in one response";
                        return Err(SeriesError { series: series.labels.to_string(), reason });
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
            sort::by(&mut series, |one, other| order(&one.labels, &other.labels));
        }
        Ok(Self { series, meta: meta.unwrap_or_default() })
    }

    /// Fails if a series has samples outside of the range. Servers that round times to steps send these unless start
    /// and end are multiples of the step.
    #[inline]
    pub(crate) fn check_within(self, start: Timestamp, end: Timestamp) -> Result<Self, SeriesError> {
        let is_within = |sample: Sample| (start..=end).contains(&sample.timestamp);
        let outside = self.series.iter().find(|series| !series.first().into_iter().chain(series.last()).all(is_within));
        match outside.map(|series| series.labels.to_string()) {
            Some(series) => Err(SeriesError { series, reason: "has samples outside of the requested range" }),
            None => Ok(self),
        }
    }

    /// Fails if a series has two samples with one timestamp, which range queries never return. A range selector in an
    /// instant query can, if the server stores such samples.
    pub(crate) fn check_times(self) -> Result<Self, SeriesError> {
        let mut checked = None;
        for series in &self.series {
            // Most series share the timestamps of the previous one.
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
    /// Creates a series of floats and sorts them by time, for tests and mocks.
    pub fn new(labels: Labels, samples: impl IntoIterator<Item = (Timestamp, f64)>) -> Self {
        let mut samples: Vec<_> = samples.into_iter().collect();
        sort::by_key(&mut samples, |(time, _)| *time);
        let (timestamps, values): (Vec<_>, Vec<_>) = samples.into_iter().unzip();
        Self::from_columns(labels, timestamps.into(), values.into(), Box::default())
    }

    /// Replaces the native histograms, sorted by time, for tests and mocks.
    #[must_use]
    pub fn with_histograms(mut self, histograms: impl IntoIterator<Item = (Timestamp, Histogram)>) -> Self {
        self.histograms = histograms.into_iter().map(|(time, histogram)| (time, Arc::new(histogram))).collect();
        sort::by_key(&mut self.histograms, |(time, _)| *time);
        self
    }

    /// Creates a series from columns of the same length, sorted by time.
    pub(crate) fn from_columns(
        labels: Labels,
        timestamps: Arc<[Timestamp]>,
        values: Box<[f64]>,
        histograms: Box<[(Timestamp, Arc<Histogram>)]>,
    ) -> Self {
        debug_assert_eq!(timestamps.len(), values.len());
        Self { labels, timestamps, values, histograms }
    }

    /// The labels of the series.
    #[must_use]
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    pub(crate) fn labels_mut(&mut self) -> &mut Labels {
        &mut self.labels
    }

    /// The timestamps of [`Series::values`].
    #[must_use]
    pub fn timestamps(&self) -> &[Timestamp] {
        &self.timestamps
    }

    /// The floats, including `NaN` and infinities.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// The native histograms and their timestamps.
    #[must_use]
    pub fn histograms(&self) -> &[(Timestamp, Arc<Histogram>)] {
        &self.histograms
    }

    /// Returns the labels, and the timestamps and values of the floats, without copying them.
    #[must_use]
    pub fn into_columns(self) -> (Labels, Arc<[Timestamp]>, Vec<f64>) {
        (self.labels, self.timestamps, self.values.into_vec())
    }

    /// The number of samples, floats and histograms.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len() + self.histograms.len()
    }

    /// Whether there are no samples.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Iterates over all samples in order of time.
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

    /// Fails if two samples have one timestamp, see [`Matrix::check_times`].
    pub(crate) fn check_times(&self) -> Result<(), SeriesError> {
        let distinct = if self.histograms.is_empty() {
            self.timestamps.is_sorted_by(|one, next| one < next)
        } else {
            self.iter().is_sorted_by(|one, next| one.timestamp < next.timestamp)
        };
        let reason = "has two samples with one timestamp";
        if distinct { Ok(()) } else { Err(SeriesError { series: self.labels.to_string(), reason }) }
    }

    /// Joins the pieces of one series, and shares the previous series' timestamps if they are equal.
    #[inline]
    fn concat(mut pieces: Vec<Self>, last_timestamps: &mut Arc<[Timestamp]>) -> Option<Result<Self, SeriesError>> {
        if pieces.len() <= 1 {
            return pieces.pop().map(Ok);
        }
        let (mut timestamps, mut values, mut histograms) = (Vec::new(), Vec::new(), Vec::new());
        let mut latest: Option<Timestamp> = None;
        for piece in &pieces {
            let Some((first, last)) = piece.first().zip(piece.last()) else { continue };
            if latest.is_some_and(|latest| first.timestamp < latest) {
                let reason = "has samples in one part that belong to another";
                return Some(Err(SeriesError { series: piece.labels.to_string(), reason }));
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

impl FromIterator<Series> for Matrix {
    fn from_iter<I: IntoIterator<Item = Series>>(series: I) -> Self {
        let mut last: Arc<[Timestamp]> = Arc::default();
        let shared = |mut series: Series| {
            if last == series.timestamps {
                series.timestamps = Arc::clone(&last);
            }
            last = Arc::clone(&series.timestamps);
            series
        };
        Self { series: series.into_iter().map(shared).collect(), meta: Meta::default() }
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
