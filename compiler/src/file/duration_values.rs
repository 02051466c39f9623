//! Values that are durations.

use promql_presets_core::{DurationError, PromDuration};

use super::document::{Content, Value};
use super::reader::Reader;
use crate::diagnostic::source::Spanned;
use crate::diagnostic::suggest::literals::suggest_duration;
use crate::{Code, Diagnostic, Span};

impl Reader<'_> {
    pub(super) fn positive_duration(&mut self, what: &str, value: &Value<'_>) -> Option<Spanned<PromDuration>> {
        let duration = self.duration(what, value)?;
        if duration.value.is_zero() {
            self.report(
                Diagnostic::new(Code::InvalidDuration, duration.span, format!("`{what}` is zero"))
                    .label("must be longer than zero"),
            );
            return None;
        }
        Some(duration)
    }

    fn duration(&mut self, what: &str, value: &Value<'_>) -> Option<Spanned<PromDuration>> {
        if let Content::Integer(Some(number)) = &value.content {
            let help = format!("write `{what} = \"{number}s\"` for seconds");
            self.wrong_type(what, "a duration in quotes", value, &help);
            return None;
        }
        if !value.is_str() {
            self.wrong_type(what, "a duration in quotes", value, &format!("write `{what} = \"5m\"`"));
            return None;
        }
        let literal = self.literal(what, value)?;
        match literal.text.parse() {
            Ok(duration) => Some(Spanned { value: duration, span: literal.span }),
            Err(error) => {
                let title = match literal.text.as_str() {
                    "" => "empty duration".to_owned(),
                    text => format!("invalid duration `{text}`"),
                };
                let reason = match error {
                    _ if literal.text.contains('.') => "whole numbers only, as in `1h30m`".to_owned(),
                    DurationError::MissingUnit { .. } => "a unit is missing: ms, s, m, h, d, w or y".to_owned(),
                    DurationError::UnknownUnit { unit } => {
                        format!("unknown unit `{unit}`, expected ms, s, m, h, d, w or y")
                    }
                    DurationError::UnitOrder { .. } => "units go from large to small, each once".to_owned(),
                    DurationError::TooLong { .. } => "longer than 292 years".to_owned(),
                    _ => "expected a number and a unit, as in `5m` or `1h30m`".to_owned(),
                };
                let inside = literal.locate(Span::of(0..literal.text.len()));
                let span = if inside.start == inside.end { literal.span } else { inside };
                let mut diagnostic = Diagnostic::new(Code::InvalidDuration, span, title).label(reason);
                diagnostic.help = suggest_duration(&literal.text);
                self.report(diagnostic);
                None
            }
        }
    }
}
