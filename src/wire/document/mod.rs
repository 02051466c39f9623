//! The envelope of the Prometheus HTTP API and the four types of results, built from the events of the lexer, or from
//! bytes where the [fast path](super::fast_path) reads them.
//!
//! Keys come in any order and unknown ones are skipped. Where `resultType` comes after `result`, or not at all, the
//! type follows from the keys of the items.

mod stats;

use std::borrow::Cow;
use std::collections::VecDeque;

use promql_presets_core::ResultType;

use super::error::{DecodeError, Fault};
use super::fast_path;
use super::lexer::{Event, Raw};
use super::number;
use super::series_builder::SeriesBuilder;
use super::state::{Key, Place, Seen};
use crate::value::{Bounds, Data, Element, Meta, Response, Scalar, Series, ServerError, Text, Timestamp, Value};

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

    /// Enters the state at the start of the result; the fast path has read everything before it.
    pub(super) fn start_result(&mut self, result_type: ResultType) {
        self.places.extend([Place::Envelope, Place::Data, Place::Result { parts: 0 }]);
        self.seen = Seen::of(&[Key::Status, Key::Data, Key::Result]);
        self.success = true;
        self.result_type = Some(result_type);
        self.shape = Some(result_type.into());
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

    /// Reads the labels of a series of a matrix on the fast path, up to its first sample. Returns the number of bytes
    /// read, or `None` where the fast path does not apply.
    pub(super) fn start_series(&mut self, bytes: &[u8]) -> Result<Option<usize>, Fault> {
        if self.place() != (Place::Result { parts: 0 }) || self.shape != Some(Shape::Matrix) {
            return Ok(None);
        }
        let length = fast_path::series_start(bytes, &mut self.builder.interner);
        // The slow path reports invalid labels with their place.
        let Some(length) = length.and_then(|length| self.builder.finish_labels().ok().map(|()| length)) else {
            self.builder.interner.abandon();
            return Ok(None);
        };
        let memory = self.builder.interner.take_memory();
        self.take_memory(memory)?;
        self.item_seen = Seen::of(&[Key::Metric, Key::Values]);
        self.places.extend([Place::Item, Place::Samples { histograms: false }]);
        Ok(Some(length))
    }

    /// Reads consecutive labels from the start of `bytes` on the fast path, where the rest of a series does not allow it.
    /// Returns the number of bytes read, and whether the last of them is a comma.
    pub(super) fn labels(&mut self, bytes: &[u8]) -> Result<(usize, bool), Fault> {
        let interner = &mut self.builder.interner;
        let mut rest = bytes;
        loop {
            let Some(after) = fast_path::label(rest, interner) else {
                interner.abandon_name();
                return Ok((bytes.len() - rest.len(), true));
            };
            if interner.memory() > self.memory_left {
                return Err(Fault::TooMuchMemory);
            }
            rest = match after.strip_prefix(b",") {
                Some(rest) => rest,
                None => return Ok((bytes.len() - after.len(), false)),
            }
        }
    }

    /// Whether the innermost object is the labels of a series.
    pub(super) fn is_in_labels(&self) -> bool {
        self.place() == Place::Metric
    }

    /// Whether the innermost array is the float samples of a matrix.
    pub(super) fn is_in_samples(&self) -> bool {
        self.place() == Place::Samples { histograms: false }
    }

    /// Ends the document if the result is the innermost array. Returns whether it was.
    pub(super) fn end_result(&mut self) -> bool {
        let is_end = self.places == [Place::Envelope, Place::Data, Place::Result { parts: 0 }];
        if is_end {
            self.places.clear();
        }
        is_end
    }

    /// Reads an element, a sample or consecutive samples from the start of `bytes` on the fast path. Returns the number
    /// of bytes read, zero where it does not apply, and whether the last of them is a comma.
    #[inline]
    pub(super) fn values(&mut self, bytes: &[u8]) -> Result<(usize, bool), Fault> {
        match (self.place(), self.key) {
            (Place::Samples { histograms: false }, _) => self.builder.plain_samples(bytes),
            (Place::Item, Key::Value) => Ok((self.builder.plain_sample(bytes)?, false)),
            (Place::Result { parts: 0 }, _) if self.shape == Some(Shape::Vector) => {
                Ok((self.fast_element(bytes)?, false))
            }
            _ => Ok((0, false)),
        }
    }

    fn fast_element(&mut self, bytes: &[u8]) -> Result<usize, Fault> {
        let interner = &mut self.builder.interner;
        let element = fast_path::element(bytes, interner);
        // The slow path reports invalid labels with their place.
        let Some(((length, timestamp, value), labels)) =
            element.and_then(|element| Some((element, interner.labels().ok()?)))
        else {
            interner.abandon();
            return Ok(0);
        };
        let memory = interner.take_memory();
        self.builder.count_sample()?;
        self.take_memory(size::ELEMENT + memory)?;
        self.elements.push(Element::new(labels, timestamp, Value::Float(value)));
        self.end_item();
        Ok(length)
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

    fn envelope_field(&mut self, event: Event<'_>) -> Result<(), Fault> {
        match (self.key, event) {
            (Key::Status, Event::Text(raw)) => {
                self.success = match &*raw.text()? {
                    "success" => true,
                    "error" => false,
                    _ => return Err(Fault::Expected("`success` or `error`")),
                };
            }
            (Key::Status, _) => return Err(Fault::Expected("`success` or `error`")),
            (Key::Data | Key::ErrorType | Key::Error | Key::IsPartial, Event::Null) => {}
            // `data` of an error may have any type; an object may contain warnings.
            (Key::Data, _) if self.seen.has(Key::Status) && !self.success && event != Event::OpenObject => {
                return self.skip(event);
            }
            (Key::Data, _) => return self.enter_object(event, Place::Data, "the object `data` of a query"),
            (Key::ErrorType, _) => self.error.kind = text(event)?,
            (Key::Error, _) => self.error.message = text(event)?,
            (Key::IsPartial, Event::True | Event::False) => self.meta.is_partial = event == Event::True,
            (Key::IsPartial, _) => return Err(Fault::Expected("`true` or `false`")),
            _ => return self.common_field(event),
        }
        Ok(())
    }

    fn data_field(&mut self, event: Event<'_>) -> Result<(), Fault> {
        match (self.key, event) {
            (Key::ResultType, Event::Text(raw)) => {
                let result_type = result_type(&raw.text()?)
                    .ok_or(Fault::Expected("the result type `vector`, `matrix`, `scalar` or `string`"))?;
                if self.result_type.is_some_and(|known| known != result_type) {
                    return Err(Fault::Expected("one result type"));
                }
                self.result_type = Some(result_type);
                self.set_shape(result_type.into())?;
                self.check_scalar()
            }
            (Key::ResultType, _) => Err(Fault::Expected("the result type, a string")),
            (Key::Result, Event::Null) => Ok(()),
            (Key::Result, _) => self.enter_array(event, Place::Result { parts: 0 }, "the array `result`"),
            _ => self.common_field(event),
        }
    }

    /// Handles fields that occur in the envelope and in `data`.
    fn common_field(&mut self, event: Event<'_>) -> Result<(), Fault> {
        match (self.key, event) {
            (Key::Warnings | Key::Infos, Event::Null) => Ok(()),
            (Key::Warnings, _) => self.enter_array(event, Place::Warnings, "an array of warnings"),
            (Key::Infos, _) => self.enter_array(event, Place::Infos, "an array of infos"),
            (Key::Stats, Event::OpenObject) => {
                self.enter(Place::Stats);
                Ok(())
            }
            _ => self.skip(event),
        }
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

    fn result_part(&mut self, event: Event<'_>, parts: u8) -> Result<(), Fault> {
        match (parts, event) {
            (0, Event::OpenObject) => {
                if self.shape == Some(Shape::Pair) {
                    self.set_shape(Shape::Vector)?;
                }
                self.item_seen = Seen::default();
                self.enter(Place::Item);
                return Ok(());
            }
            (0, Event::Number(digits)) if self.series.is_empty() && self.elements.is_empty() => {
                self.set_shape(Shape::Pair)?;
                self.pair = Some(Pair { timestamp: timestamp(digits)?, text: String::new(), number: None });
            }
            (1, _) => {
                let text = text(event)?;
                if let Some(pair) = &mut self.pair {
                    pair.number = number::float(text.as_bytes());
                    pair.text = text;
                }
                self.check_scalar()?;
            }
            _ => return Err(Fault::Expected("a series, or `[time, value]`")),
        }
        self.set_place(Place::Result { parts: parts + 1 });
        Ok(())
    }

    /// Requires a number, once the result type is known to be a scalar.
    fn check_scalar(&self) -> Result<(), Fault> {
        match &self.pair {
            Some(pair) if self.result_type == Some(ResultType::Scalar) && pair.number.is_none() => {
                Err(Fault::Expected("a scalar, whose value is a number in quotes"))
            }
            _ => Ok(()),
        }
    }

    fn item_field(&mut self, event: Event<'_>) -> Result<(), Fault> {
        const SAMPLE: &str = "a sample `[time, value]`";
        const SAMPLES: &str = "an array of samples";
        match self.key {
            Key::Metric | Key::Values | Key::Histograms if event == Event::Null => Ok(()),
            Key::Metric => self.enter_object(event, Place::Metric, "the object `metric`"),
            Key::Value => self.enter_array(event, Place::Sample { histogram: false, parts: 0 }, SAMPLE),
            Key::Histogram => self.enter_array(event, Place::Sample { histogram: true, parts: 0 }, SAMPLE),
            Key::Values => self.enter_array(event, Place::Samples { histograms: false }, SAMPLES),
            Key::Histograms => self.enter_array(event, Place::Samples { histograms: true }, SAMPLES),
            _ => self.skip(event),
        }
    }

    fn sample_part(&mut self, event: Event<'_>, histogram: bool, parts: u8) -> Result<(), Fault> {
        match (parts, event) {
            (0, Event::Number(digits)) => self.builder.timestamp = timestamp(digits)?,
            (0, _) => return Err(Fault::Expected("a time, in seconds")),
            (1, Event::OpenObject) if histogram => {
                self.set_place(Place::Sample { histogram, parts: 2 });
                self.histogram_seen = Seen::default();
                self.enter(Place::Histogram);
                return Ok(());
            }
            (1, _) if histogram => return Err(Fault::Expected("a histogram, an object")),
            (1, _) => self.builder.float(float(event)?)?,
            _ => return Err(Fault::Expected("`]` after a time and a value")),
        }
        self.set_place(Place::Sample { histogram, parts: parts + 1 });
        Ok(())
    }

    fn histogram_field(&mut self, event: Event<'_>) -> Result<(), Fault> {
        match (self.key, event) {
            (Key::Count, _) => self.builder.count = Some(float(event)?),
            (Key::Sum, _) => self.builder.sum = Some(float(event)?),
            (Key::Buckets, Event::OpenArray) => self.enter(Place::Buckets),
            (Key::Buckets, Event::Null) => {}
            (Key::Buckets, _) => return Err(Fault::Expected("an array of buckets")),
            _ => return self.skip(event),
        }
        Ok(())
    }

    fn bucket_part(&mut self, event: Event<'_>, parts: u8) -> Result<(), Fault> {
        let bucket = &mut self.builder.bucket;
        match (parts, event) {
            (0, Event::Number(b"0")) => bucket.bounds = Bounds::OpenLeft,
            (0, Event::Number(b"1")) => bucket.bounds = Bounds::OpenRight,
            (0, Event::Number(b"2")) => bucket.bounds = Bounds::Open,
            (0, Event::Number(b"3")) => bucket.bounds = Bounds::Closed,
            (0, _) => return Err(Fault::Expected("the boundary rule of a bucket, 0 to 3")),
            (1, _) => bucket.lower = float(event)?,
            (2, _) => bucket.upper = float(event)?,
            (3, _) => bucket.count = float(event)?,
            _ => return Err(Fault::Expected("`]` after the four parts of a bucket")),
        }
        self.set_place(Place::Bucket { parts: parts + 1 });
        Ok(())
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

fn timestamp(digits: &[u8]) -> Result<Timestamp, Fault> {
    number::millis(digits).map(Timestamp::from_millis).ok_or(Fault::Expected("a time, in seconds"))
}

/// A float, with or without quotes.
fn float(event: Event<'_>) -> Result<f64, Fault> {
    let text = match event {
        Event::Text(raw) => raw.text()?,
        Event::Number(digits) => String::from_utf8_lossy(digits),
        _ => return Err(Fault::Expected("a number in quotes")),
    };
    number::float(text.as_bytes()).ok_or_else(|| match text.parse::<f64>() {
        Ok(number) if number.is_infinite() && text.ends_with(|last: char| last.is_ascii_digit()) => {
            Fault::Expected("a number that a 64-bit float can hold")
        }
        _ => Fault::Expected("a number in quotes"),
    })
}

fn text(event: Event<'_>) -> Result<String, Fault> {
    match event {
        Event::Text(raw) => raw.text().map(Cow::into_owned),
        Event::Number(digits) => Ok(String::from_utf8_lossy(digits).into_owned()),
        _ => Err(Fault::Expected("a string")),
    }
}

/// The result type with this name in `resultType`.
fn result_type(name: &str) -> Option<ResultType> {
    match name {
        "vector" => Some(ResultType::InstantVector),
        "matrix" => Some(ResultType::RangeVector),
        "scalar" => Some(ResultType::Scalar),
        "string" => Some(ResultType::String),
        _ => None,
    }
}
