//! Builds series: labels and columns of samples.

use std::sync::Arc;

use super::error::Fault;
use super::intern::Interner;
use super::number;
use super::times::{self, Times};
use crate::value::{Block, Bounds, Bucket, Element, Histogram, Labels, Series, Timestamp, Value};

/// The samples of a series in most graphs.
const USUAL_POINTS: usize = 256;

/// Builds one series after another.
#[derive(Debug)]
pub(super) struct SeriesBuilder {
    pub(super) interner: Interner,
    /// The number of samples that are still allowed.
    pub(super) samples_left: u64,
    labels: Option<Labels>,
    times: Times,
    values: Vec<f64>,
    histograms: Vec<(Timestamp, Arc<Histogram>)>,
    /// The time of the current sample.
    pub(super) timestamp: Timestamp,
    /// The fields of the current histogram, and its current bucket.
    pub(super) count: Option<f64>,
    pub(super) sum: Option<f64>,
    buckets: Vec<Bucket>,
    pub(super) bucket: Bucket,
}

impl SeriesBuilder {
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

    /// Takes the labels from the interner.
    pub(super) fn finish_labels(&mut self) -> Result<(), Fault> {
        self.labels = Some(self.interner.labels()?);
        Ok(())
    }

    /// Completes the block of the labels so far.
    pub(super) fn complete_block(&mut self) -> Arc<Block> {
        let block = self.interner.complete_block();
        if let Some(labels) = &mut self.labels {
            labels.set_block(&block);
        }
        block
    }

    /// Reads consecutive plain samples from the start of `bytes`. Returns the number of bytes read, and whether the last
    /// of them is a comma.
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

    /// Reads plain samples with the times of the previous series, as most samples of a response are.
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

    /// Reads one plain sample from the start of `bytes`. Returns the number of bytes read, zero if it is not plain.
    #[inline]
    pub(super) fn plain_sample(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        let mut padded = None;
        let window = number::window(bytes, &mut padded);
        let Some(text) = number::time_text(window) else { return Ok(0) };
        let Some((value, length)) = number::value(window, text.1) else { return Ok(0) };
        let Some(millis) = number::time(window, text.1) else { return Ok(0) };
        // The slow path reports times out of order with their place.
        if self.times.push(Timestamp::from_millis(millis), Some(text)).is_err() {
            return Ok(0);
        }
        self.count_sample()?;
        self.values.push(value);
        Ok(length)
    }

    /// Adds a float sample.
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

    /// Adds the current bucket.
    pub(super) fn finish_bucket(&mut self) {
        self.buckets.push(self.bucket);
    }

    /// Adds the current histogram as a sample.
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

    /// Builds a series of a matrix.
    pub(super) fn finish_series(&mut self) -> Series {
        let timestamps = self.times.finish();
        let values = column(&mut self.values);
        let histograms = self.histograms.drain(..).collect();
        Series::from_columns(self.labels.take().unwrap_or_default(), timestamps, values, histograms)
    }

    /// Builds an element of a vector, which has one sample.
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

/// Takes a column, and reserves capacity for the next one, which usually has the same length.
fn column(values: &mut Vec<f64>) -> Box<[f64]> {
    // After a very long series, the next one may be short.
    let room = Vec::with_capacity(values.len().min(1 << 14));
    std::mem::replace(values, room).into()
}
