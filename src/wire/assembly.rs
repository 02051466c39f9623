//! The series that is being read: its labels and its columns.

use std::sync::Arc;

use super::error::Fault;
use super::intern::Interner;
use super::number;
use super::times::{self, Times};
use crate::value::{Bounds, Bucket, Element, Histogram, Labels, Series, Timestamp, Value};

/// How many points most graphs have.
const USUAL_POINTS: usize = 256;

/// Puts one series after another together.
#[derive(Debug)]
pub(super) struct Assembly {
    pub(super) interner: Interner,
    /// The samples that may still come.
    pub(super) samples_left: u64,
    labels: Option<Labels>,
    times: Times,
    values: Vec<f64>,
    histograms: Vec<(Timestamp, Arc<Histogram>)>,
    /// Of the sample that is being read.
    pub(super) timestamp: Timestamp,
    /// The histogram that is being read, and its last bucket.
    pub(super) count: Option<f64>,
    pub(super) sum: Option<f64>,
    buckets: Vec<Bucket>,
    pub(super) bucket: Bucket,
}

impl Assembly {
    pub(super) fn new(max_samples: u64) -> Self {
        Self {
            interner: Interner::default(),
            samples_left: max_samples,
            labels: None,
            times: Times::default(),
            values: Vec::new(),
            histograms: Vec::new(),
            timestamp: Timestamp::default(),
            count: None,
            sum: None,
            buckets: Vec::new(),
            bucket: Bucket::new(Bounds::OpenLeft, 0.0, 0.0, 0.0),
        }
    }

    /// The labels are complete.
    pub(super) fn finish_labels(&mut self) -> Result<(), Fault> {
        self.labels = Some(self.interner.labels()?);
        Ok(())
    }

    /// Reads plain samples from the start of `bytes`, as many as follow each other without blanks: how many bytes that
    /// was, and whether the last of them is a comma.
    pub(super) fn plain_samples(&mut self, bytes: &[u8]) -> Result<(usize, bool), Fault> {
        if self.values.capacity() == 0 {
            self.values.reserve(USUAL_POINTS);
            self.times.reserve(USUAL_POINTS);
        }
        let mut at = 0;
        loop {
            if self.times.expected().len() > 0 {
                at += self.repeated_samples(&bytes[at..]);
            }
            match self.plain_sample(&bytes[at..])? {
                0 => return Ok((at, at > 0)),
                length => at += length,
            }
            if bytes.get(at) != Some(&b',') {
                return Ok((at, false));
            }
            at += 1;
        }
    }

    /// As [`Self::plain_samples`], for those that have the times of the series before, which are most of an answer.
    fn repeated_samples(&mut self, bytes: &[u8]) -> usize {
        let mut batch = [0.0; 64];
        let mut rest = bytes;
        loop {
            let most = usize::try_from(self.samples_left).unwrap_or(usize::MAX);
            let mut count = 0;
            for (slot, text) in batch.iter_mut().zip(self.times.expected()).take(most) {
                let Some((value, length)) = rest.first_chunk().and_then(|window| number::sample_at(window, text))
                else {
                    break;
                };
                *slot = value;
                rest = &rest[length..];
                count += 1;
            }
            self.times.repeat(count);
            self.samples_left -= count as u64;
            self.values.extend_from_slice(&batch[..count]);
            if count < batch.len() {
                return bytes.len() - rest.len();
            }
        }
    }

    /// Reads one plain sample from the start of `bytes`: how many bytes that was, none if it is not plain.
    #[inline]
    pub(super) fn plain_sample(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        let mut padded = None;
        let window = number::window(bytes, &mut padded);
        let Some(text) = number::time_text(window) else { return Ok(0) };
        let Some((value, length)) = number::value(window, text.1) else { return Ok(0) };
        let Some(millis) = number::time(window, text.1) else { return Ok(0) };
        // If times go back, the slow path says where.
        if self.times.push(Timestamp::from_millis(millis), Some(text)).is_err() {
            return Ok(0);
        }
        self.count_sample()?;
        self.values.push(value);
        Ok(length)
    }

    /// A sample is complete, and is a float.
    pub(super) fn float(&mut self, value: f64) -> Result<(), Fault> {
        self.count_sample()?;
        self.times.push(self.timestamp, None)?;
        self.values.push(value);
        Ok(())
    }

    pub(super) fn count_sample(&mut self) -> Result<(), Fault> {
        self.samples_left = self.samples_left.checked_sub(1).ok_or(Fault::TooManySamples)?;
        Ok(())
    }

    /// A bucket is complete.
    pub(super) fn finish_bucket(&mut self) {
        self.buckets.push(self.bucket);
    }

    /// A sample is complete, and is a histogram.
    pub(super) fn finish_histogram(&mut self) -> Result<(), Fault> {
        self.count_sample()?;
        let (Some(count), Some(sum)) = (self.count.take(), self.sum.take()) else {
            return Err(Fault::Expected("the `count` and the `sum` of a histogram"));
        };
        if self.histograms.last().is_some_and(|(last, _)| *last > self.timestamp) {
            return Err(times::DISORDER);
        }
        let histogram = Histogram::new(count, sum, self.buckets.drain(..));
        self.histograms.push((self.timestamp, Arc::new(histogram)));
        Ok(())
    }

    /// A series of a matrix is complete.
    pub(super) fn finish_series(&mut self) -> Series {
        let timestamps = self.times.finish();
        let values = column(&mut self.values);
        let histograms = self.histograms.drain(..).collect();
        Series::from_columns(self.labels.take().unwrap_or_default(), timestamps, values, histograms)
    }

    /// A series of a vector is complete; it has one sample.
    pub(super) fn finish_element(&mut self) -> Result<Element, Fault> {
        let labels = self.labels.take().unwrap_or_default();
        let float = self.times.pop().zip(self.values.pop().map(Value::Float));
        let histogram = self.histograms.pop().map(|(time, histogram)| (time, Value::Histogram(histogram)));
        match (float, histogram) {
            (Some((timestamp, value)), None) | (None, Some((timestamp, value))) => {
                Ok(Element::new(labels, timestamp, value))
            }
            _ => Err(Fault::Expected("either a `value` or a `histogram`")),
        }
    }
}

/// Takes a column out, and makes room for the next one, which mostly is as long.
fn column(values: &mut Vec<f64>) -> Box<[f64]> {
    // What follows a very long one may be short, and would be given memory for nothing.
    let room = Vec::with_capacity(values.len().min(1 << 14));
    std::mem::replace(values, room).into()
}
