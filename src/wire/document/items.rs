//! The items of a result: series and elements with their samples and histograms, scalars and strings.

use promql_presets_core::ResultType;

use super::{Document, Pair, Shape, text};
use crate::value::{Bounds, Timestamp};
use crate::wire::error::Fault;
use crate::wire::lexer::Event;
use crate::wire::number;
use crate::wire::state::{Key, Place, Seen};

impl Document {
    pub(super) fn result_part(&mut self, event: Event<'_>, parts: u8) -> Result<(), Fault> {
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
    pub(super) fn check_scalar(&self) -> Result<(), Fault> {
        match &self.pair {
            Some(pair) if self.result_type == Some(ResultType::Scalar) && pair.number.is_none() => {
                Err(Fault::Expected("a scalar, whose value is a number in quotes"))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn item_field(&mut self, event: Event<'_>) -> Result<(), Fault> {
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

    pub(super) fn sample_part(&mut self, event: Event<'_>, histogram: bool, parts: u8) -> Result<(), Fault> {
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

    pub(super) fn histogram_field(&mut self, event: Event<'_>) -> Result<(), Fault> {
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

    pub(super) fn bucket_part(&mut self, event: Event<'_>, parts: u8) -> Result<(), Fault> {
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
