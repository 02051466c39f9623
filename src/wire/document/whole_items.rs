//! The [fast path](fast_path) for the labels of a series, and for whole elements and samples.

use promql_presets_core::ResultType;

use super::{Document, Shape, size};
use crate::value::{Element, Value};
use crate::wire::error::Fault;
use crate::wire::fast_path;
use crate::wire::state::{Key, Place, Seen};

impl Document {
    /// Enters the state at the start of the result; the fast path has read everything before it.
    pub(crate) fn start_result(&mut self, result_type: ResultType) {
        self.places.extend([Place::Envelope, Place::Data, Place::Result { parts: 0 }]);
        self.seen = Seen::of(&[Key::Status, Key::Data, Key::Result]);
        self.success = true;
        self.result_type = Some(result_type);
        self.shape = Some(result_type.into());
    }

    /// Reads the labels of a series of a matrix on the fast path, up to its first sample. Returns the number of bytes
    /// read, or `None` where the fast path does not apply.
    pub(crate) fn start_series(&mut self, bytes: &[u8]) -> Result<Option<usize>, Fault> {
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
    pub(crate) fn labels(&mut self, bytes: &[u8]) -> Result<(usize, bool), Fault> {
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
    pub(crate) fn is_in_labels(&self) -> bool {
        self.place() == Place::Metric
    }

    /// Whether the innermost array is the float samples of a matrix.
    pub(crate) fn is_in_samples(&self) -> bool {
        self.place() == Place::Samples { histograms: false }
    }

    /// Ends the document if the result is the innermost array. Returns whether it was.
    pub(crate) fn end_result(&mut self) -> bool {
        let is_end = self.places == [Place::Envelope, Place::Data, Place::Result { parts: 0 }];
        if is_end {
            self.places.clear();
        }
        is_end
    }

    /// Reads an element, a sample or consecutive samples from the start of `bytes` on the fast path. Returns the number
    /// of bytes read, zero where it does not apply, and whether the last of them is a comma.
    #[inline]
    pub(crate) fn values(&mut self, bytes: &[u8]) -> Result<(usize, bool), Fault> {
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
}
