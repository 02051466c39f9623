//! The fields of the envelope and of `data`.

use promql_presets_core::ResultType;

use super::{Document, text};
use crate::wire::error::Fault;
use crate::wire::lexer::Event;
use crate::wire::state::{Key, Place};

impl Document {
    pub(super) fn envelope_field(&mut self, event: Event<'_>) -> Result<(), Fault> {
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

    pub(super) fn data_field(&mut self, event: Event<'_>) -> Result<(), Fault> {
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
