//! The envelope of the Prometheus HTTP API and the four types of results, built from the events of the lexer, or from
//! bytes where the [fast path](super::fast_path) reads them.
//!
//! Keys come in any order and unknown ones are skipped. Where `resultType` comes after `result`, or not at all, the
//! type follows from the keys of the items.

mod envelope;
mod items;
mod stats;
mod whole_items;

use std::borrow::Cow;
use std::collections::VecDeque;

use promql_presets_core::ResultType;

use super::error::{DecodeError, Fault};
use super::lexer::{Event, Raw};
use super::series_builder::SeriesBuilder;
use super::state::{Key, Place, Seen};
use crate::value::{Data, Element, Meta, Response, Scalar, Series, ServerError, Text, Timestamp};

/// The JSON form of a result; `scalar` and `string` share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Vector,
    Matrix,
    Pair,
}

impl From<ResultType> for Shape {
    fn from(result_type: ResultType) -> Self {
        match result_type {
            ResultType::InstantVector => Self::Vector,
            ResultType::RangeVector => Self::Matrix,
            ResultType::Scalar | ResultType::String => Self::Pair,
        }
    }
}

/// The nesting of most responses.
const USUAL_PLACES: usize = 8;

/// A scalar or a string.
#[derive(Debug)]
struct Pair {
    timestamp: Timestamp,
    text: String,
    number: Option<f64>,
}

#[derive(Debug)]
pub(super) struct Document {
    /// The open arrays and objects, the innermost last: it receives the next event.
    places: Vec<Place>,
    key: Key,
    /// The fields read so far in the envelope and in `data`.
    seen: Seen,
    success: bool,
    error: ServerError,
    meta: Meta,
    stat: String,
    step: Timestamp,
    result_type: Option<ResultType>,
    shape: Option<Shape>,

    series: VecDeque<Series>,
    elements: Vec<Element>,
    /// How many of the last series or elements have labels without a block. A result has only one of the two.
    incomplete: usize,
    pair: Option<Pair>,

    /// The fields read so far in the current series.
    item_seen: Seen,
    /// The fields read so far in the current histogram.
    histogram_seen: Seen,
    builder: SeriesBuilder,

    max_memory: u64,
    /// How much memory everything but samples may still take.
    memory_left: u64,
}

/// The memory in bytes of each item without its strings, with the overhead of the allocator.
mod size {
    pub(super) const SERIES: u64 = 128;
    pub(super) const ELEMENT: u64 = 64;
    pub(super) const HISTOGRAM: u64 = 96;
    pub(super) const BUCKET: u64 = 32;
    pub(super) const TEXT: u64 = 32;
    pub(super) const STAT: u64 = 128;
    pub(super) const STEP: u64 = 16;
}

impl Document {
    pub(super) fn new(max_samples: u64, max_memory: u64) -> Self {
        Self {
            places: Vec::with_capacity(USUAL_PLACES),
            key: Key::Unknown,
            seen: Seen::default(),
            success: false,
            error: ServerError::default(),
            meta: Meta::default(),
            stat: String::new(),
            step: Timestamp::default(),
            result_type: None,
            shape: None,
            series: VecDeque::new(),
            elements: Vec::new(),
            incomplete: 0,
            pair: None,
            item_seen: Seen::default(),
            histogram_seen: Seen::default(),
            builder: SeriesBuilder::new(max_samples),
            max_memory,
            memory_left: max_memory,
        }
    }

    /// The number of samples that are still allowed.
    pub(super) fn samples_left(&self) -> u64 {
        self.builder.samples_left
    }

    /// Counts memory before it is allocated.
    fn take_memory(&mut self, bytes: u64) -> Result<(), Fault> {
        self.memory_left = self.memory_left.checked_sub(bytes).ok_or(Fault::TooMuchMemory)?;
        Ok(())
    }

    /// Counts an element or a series.
    #[inline]
    fn end_item(&mut self) {
        self.incomplete += 1;
        if self.builder.interner.is_block_full() {
            self.complete_block();
        }
    }

    /// Completes the labels that have no block yet.
    fn complete_block(&mut self) {
        if self.incomplete == 0 {
            return;
        }
        let block = self.builder.complete_block();
        let elements = self.elements.iter_mut().rev().map(Element::labels_mut);
        let series = self.series.iter_mut().rev().map(Series::labels_mut);
        elements.chain(series).take(self.incomplete).for_each(|labels| labels.set_block(&block));
        self.incomplete = 0;
    }

    /// Removes the oldest complete series of a matrix. It no longer counts towards the limits, which bound memory.
    pub(super) fn next_series(&mut self) -> Option<Series> {
        if self.incomplete == self.series.len() {
            self.complete_block();
        }
        let series = self.series.pop_front()?;
        self.builder.samples_left += series.len() as u64;
        if self.series.is_empty() && self.memory_left < self.max_memory / 2 {
            self.builder.interner.forget();
            self.memory_left = self.max_memory;
        }
        Some(series)
    }

    pub(super) fn event(&mut self, event: Event<'_>) -> Result<(), Fault> {
        match event {
            Event::Key(raw) => self.key(raw),
            Event::Close => self.close(),
            _ => self.value(event),
        }
    }

    fn place(&self) -> Place {
        self.places.last().copied().unwrap_or(Place::Root)
    }

    fn set_place(&mut self, place: Place) {
        if let Some(last) = self.places.last_mut() {
            *last = place;
        }
    }

    fn enter(&mut self, place: Place) {
        self.places.push(place);
        self.key = Key::Unknown;
    }

    fn key(&mut self, raw: Raw<'_>) -> Result<(), Fault> {
        let name = raw.text()?;
        self.key = match (self.place(), &*name) {
            (Place::Skip, _) => return Ok(()),
            (Place::Metric, _) => {
                self.builder.interner.name(&name, raw.is_plain());
                return Ok(());
            }
            (Place::Stats, _) => {
                self.stat.clear();
                self.stat.push_str(&name);
                return Ok(());
            }
            (Place::Envelope, "status") => self.seen.once(Key::Status)?,
            (Place::Envelope, "data") => self.seen.once(Key::Data)?,
            (Place::Envelope, "errorType") => self.seen.once(Key::ErrorType)?,
            (Place::Envelope, "error") => self.seen.once(Key::Error)?,
            (Place::Envelope, "isPartial") => self.seen.once(Key::IsPartial)?,
            (Place::Envelope | Place::Data, "warnings") => Key::Warnings,
            (Place::Envelope | Place::Data, "infos") => Key::Infos,
            (Place::Envelope | Place::Data, "stats") => Key::Stats,
            (Place::Data, "resultType") => Key::ResultType,
            (Place::Data, "result") => self.seen.once(Key::Result)?,
            (Place::Item, "metric") => self.item_seen.once(Key::Metric)?,
            (Place::Item, "value") => self.samples_key(Key::Value, Shape::Vector)?,
            (Place::Item, "values") => self.samples_key(Key::Values, Shape::Matrix)?,
            (Place::Item, "histogram") => self.samples_key(Key::Histogram, Shape::Vector)?,
            (Place::Item, "histograms") => self.samples_key(Key::Histograms, Shape::Matrix)?,
            (Place::Histogram, "count") => self.histogram_seen.once(Key::Count)?,
            (Place::Histogram, "sum") => self.histogram_seen.once(Key::Sum)?,
            (Place::Histogram, "buckets") => self.histogram_seen.once(Key::Buckets)?,
            _ => Key::Unknown,
        };
        Ok(())
    }

    /// Handles a key of samples, which determines the shape of the result.
    fn samples_key(&mut self, key: Key, shape: Shape) -> Result<Key, Fault> {
        self.set_shape(shape)?;
        self.item_seen.once(key)
    }

    /// Handles any event but a key or the end of an array or object.
    fn value(&mut self, event: Event<'_>) -> Result<(), Fault> {
        match self.place() {
            Place::Skip => self.skip(event),
            Place::Root => self.enter_object(event, Place::Envelope, "a JSON object"),
            Place::Envelope => self.envelope_field(event),
            Place::Data => self.data_field(event),
            Place::Warnings | Place::Infos => {
                let text = text(event)?;
                self.take_memory(size::TEXT + text.len() as u64)?;
                let list = if self.place() == Place::Warnings { &mut self.meta.warnings } else { &mut self.meta.infos };
                list.push(text);
                Ok(())
            }
            Place::Stats => self.stat(event),
            Place::Steps => {
                self.skip(event)?;
                if event == Event::OpenArray {
                    self.set_place(Place::Step { parts: 0 });
                }
                Ok(())
            }
            Place::Step { parts } => self.step_part(event, parts),
            Place::Result { parts } => self.result_part(event, parts),
            Place::Item => self.item_field(event),
            Place::Metric => match event {
                Event::Text(raw) => {
                    self.builder.interner.value(raw.text()?.as_bytes(), raw.is_plain());
                    if self.builder.interner.memory() > self.memory_left {
                        return Err(Fault::TooMuchMemory);
                    }
                    Ok(())
                }
                _ => Err(Fault::Expected("the value of a label, a string")),
            },
            Place::Samples { histograms } => {
                self.enter_array(event, Place::Sample { histogram: histograms, parts: 0 }, "a sample `[time, value]`")
            }
            Place::Sample { histogram, parts } => self.sample_part(event, histogram, parts),
            Place::Histogram => self.histogram_field(event),
            Place::Buckets => self.enter_array(event, Place::Bucket { parts: 0 }, "a bucket `[rule, from, to, count]`"),
            Place::Bucket { parts } => self.bucket_part(event, parts),
        }
    }

    fn enter_object(&mut self, event: Event<'_>, place: Place, expected: &'static str) -> Result<(), Fault> {
        if event != Event::OpenObject {
            return Err(Fault::Expected(expected));
        }
        self.enter(place);
        Ok(())
    }

    fn enter_array(&mut self, event: Event<'_>, place: Place, expected: &'static str) -> Result<(), Fault> {
        if event != Event::OpenArray {
            return Err(Fault::Expected(expected));
        }
        self.enter(place);
        Ok(())
    }

    /// Skips an unknown value, which still has to be well-formed.
    fn skip(&mut self, event: Event<'_>) -> Result<(), Fault> {
        match event {
            Event::Text(raw) => drop(raw.text()?),
            Event::OpenArray | Event::OpenObject => self.enter(Place::Skip),
            _ => {}
        }
        Ok(())
    }

    fn set_shape(&mut self, shape: Shape) -> Result<(), Fault> {
        match self.shape {
            Some(known) if known != shape => Err(Fault::Expected(match known {
                Shape::Vector => "a series of a vector, with `value` or `histogram`",
                Shape::Matrix => "a series of a matrix, with `values` or `histograms`",
                Shape::Pair => "a scalar or a string, `[time, value]`",
            })),
            _ => {
                self.shape = Some(shape);
                Ok(())
            }
        }
    }

    /// Handles the end of the innermost array or object.
    fn close(&mut self) -> Result<(), Fault> {
        match self.places.pop().unwrap_or(Place::Root) {
            Place::Result { parts: 1 } => return Err(Fault::Expected("a value after the time")),
            Place::Sample { parts: 0 | 1, .. } => return Err(Fault::Expected("a time and a value")),
            Place::Bucket { parts: 0..4 } => return Err(Fault::Expected("the four parts of a bucket")),
            Place::Bucket { .. } => {
                self.take_memory(size::BUCKET)?;
                self.builder.finish_bucket();
            }
            Place::Histogram => {
                self.take_memory(size::HISTOGRAM)?;
                self.builder.finish_histogram()?;
            }
            Place::Metric => {
                self.builder.finish_labels()?;
                let labels = self.builder.interner.take_memory();
                self.take_memory(labels)?;
            }
            Place::Item if !self.item_seen.has(Key::Metric) => return Err(Fault::Expected("a series with a `metric`")),
            Place::Item if self.item_seen.has(Key::Value) || self.item_seen.has(Key::Histogram) => {
                self.take_memory(size::ELEMENT)?;
                self.elements.push(self.builder.finish_element()?);
                self.end_item();
            }
            Place::Item => {
                // Only a matrix can have a series without samples.
                self.set_shape(Shape::Matrix)?;
                self.take_memory(size::SERIES)?;
                self.series.push_back(self.builder.finish_series());
                self.end_item();
            }
            _ => {}
        }
        Ok(())
    }

    /// The response, once the document is complete.
    pub(super) fn finish(mut self) -> Result<Response, DecodeError> {
        self.complete_block();
        if !self.seen.has(Key::Status) {
            return Err(DecodeError::MissingField { field: "status" });
        }
        let error = self.error.of_response(self.success);
        let by_shape = match self.shape {
            Some(Shape::Vector) => Some(ResultType::InstantVector),
            Some(Shape::Matrix) => Some(ResultType::RangeVector),
            Some(Shape::Pair) | None => None,
        };
        let data = match (self.result_type.or(by_shape), self.pair) {
            _ if !self.seen.has(Key::Result) => None,
            (None, _) if error.is_none() => return Err(DecodeError::MissingField { field: "resultType" }),
            (Some(ResultType::InstantVector), _) => Some(Data::Vector(self.elements.into_iter().collect())),
            (Some(ResultType::RangeVector), _) => Some(Data::Matrix(Vec::from(self.series).into_iter().collect())),
            (Some(ResultType::Scalar), Some(Pair { timestamp, number: Some(number), .. })) => {
                Some(Data::Scalar(Scalar::new(timestamp, number)))
            }
            (Some(ResultType::String), Some(Pair { timestamp, text, .. })) => {
                Some(Data::Text(Text::new(timestamp, text)))
            }
            _ => None,
        };
        Ok(Response { data, error, meta: self.meta })
    }
}

fn text(event: Event<'_>) -> Result<String, Fault> {
    match event {
        Event::Text(raw) => raw.text().map(Cow::into_owned),
        Event::Number(digits) => Ok(String::from_utf8_lossy(digits).into_owned()),
        _ => Err(Fault::Expected("a string")),
    }
}
