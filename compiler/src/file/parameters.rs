//! `parameters`: the numbers and durations that callers of a preset may set.

use promql_presets_core::{MAX_PARAMETERS, ParameterKind, ParameterValue, PromDuration};

use super::document::{Content, Value};
use super::reader::Reader;
use super::{PARAMETER_KEYS, Parameter};
use crate::diagnostic::source::Spanned;
use crate::hole::Hole;
use crate::{Code, Diagnostic};

/// A value with the place where it is written.
type Bound = Option<Spanned<ParameterValue>>;

impl Reader<'_> {
    pub(super) fn parameters(&mut self, value: &Value<'_>) -> Vec<Parameter> {
        let Content::Table(table) = &value.content else {
            let help = "write `parameters = { quantile = { type = \"number\", default = 0.95, min = 0, max = 1 } }`";
            self.wrong_type("parameters", "a table", value, help);
            return Vec::new();
        };
        let mut parameters = Vec::new();
        for (key, value) in table.iter() {
            let name = Spanned { value: key.name.to_string(), span: key.span };
            let fault = name_fault(&name.value);
            if let Some(fault) = fault {
                let title = format!("invalid name of a parameter: `{}`", name.value);
                self.report(Diagnostic::new(Code::InvalidName, name.span, title).label(fault));
            }
            let mut parameter = self.parameter(name, value);
            parameter.is_faulty |= fault.is_some();
            parameters.push(parameter);
        }
        if let Some(extra) = parameters.get(MAX_PARAMETERS) {
            let title = format!("more than {MAX_PARAMETERS} parameters");
            self.report(Diagnostic::new(Code::InvalidValue, extra.name.span, title).help("write two presets"));
        }
        parameters
    }

    /// Reads a parameter. Where something is not valid, its values are those of the kind.
    fn parameter(&mut self, name: Spanned<String>, value: &Value<'_>) -> Parameter {
        let mut parameter = Parameter::new(name);
        let Content::Table(table) = &value.content else {
            let help = format!("write `{} = {{ type = \"number\", default = 1 }}`", parameter.name.value);
            self.wrong_type("a parameter", "a table", value, &help);
            return parameter;
        };
        let faults = self.diagnostics.len();
        let (mut kind, mut values) = (None, Vec::new());
        for (key, value) in table.iter() {
            match self.known_key(table, key, "a parameter", &PARAMETER_KEYS) {
                "type" => kind = self.parameter_kind(value),
                "description" => parameter.description = self.string("description", value),
                name @ ("default" | "min" | "max") => values.push((name, value)),
                _ => {}
            }
        }
        let missing = |key: &str| !table.contains_key(key);
        for (key, help) in [("type", "type = \"number\""), ("default", "default = ...")] {
            if missing(key) && self.diagnostics.len() == faults {
                let title = format!("missing `{key}` of the parameter `{}`", parameter.name.value);
                self.report(
                    Diagnostic::new(Code::MissingKey, parameter.name.span, title).help(format!("add `{help}`")),
                );
            }
        }
        let Some(kind) = kind else { return parameter };
        let read = |reader: &mut Self, wanted: &str| -> Bound {
            let (key, value) = values.iter().find(|(key, _)| *key == wanted)?;
            reader.parameter_value(kind, key, value)
        };
        let (default, min, max) = (read(self, "default"), read(self, "min"), read(self, "max"));
        let (least, most) = bounds(kind);
        parameter.min = min.as_ref().map_or(least, |bound| bound.value);
        parameter.max = max.as_ref().map_or(most, |bound| bound.value);
        parameter.default = default.as_ref().map_or(parameter.min, |bound| bound.value);
        for (lower, upper, what) in [
            (&min, &max, "`max` below `min`"),
            (&min, &default, "`default` below `min`"),
            (&default, &max, "`default` above `max`"),
        ] {
            if let (Some(lower), Some(upper)) = (lower, upper)
                && !lower.value.is_at_most(upper.value)
            {
                let (here, there) = if what.starts_with("`default` above") { (lower, upper) } else { (upper, lower) };
                self.report(
                    Diagnostic::new(Code::InvalidValue, here.span, what)
                        .label(format!("`{}`", here.value))
                        .secondary(there.span, format!("`{}`", there.value)),
                );
                parameter.is_faulty = true;
                return parameter;
            }
        }
        parameter.is_faulty = self.diagnostics.len() > faults;
        parameter
    }

    fn parameter_kind(&mut self, value: &Value<'_>) -> Option<ParameterKind> {
        let name = self.spanned_string("type", value)?;
        let found = ParameterKind::ALL.iter().find(|kind| kind.as_str() == name.value).copied();
        if found.is_none() {
            self.unknown_value("type of a parameter", &name, &ParameterKind::ALL.map(ParameterKind::as_str));
        }
        found
    }

    fn parameter_value(&mut self, kind: ParameterKind, key: &str, value: &Value<'_>) -> Bound {
        if kind == ParameterKind::Duration {
            let duration = self.positive_duration(key, value)?;
            return Some(Spanned { value: ParameterValue::Duration(duration.value), span: duration.span });
        }
        let text = match &value.content {
            Content::Integer(number) => number.map(|number| number.to_string()),
            Content::Float(number) => Some(number.to_string()),
            _ => None,
        };
        let parsed = text.and_then(|text| ParameterValue::parse(kind, &text));
        if parsed.is_none() {
            self.wrong_type(key, kind.with_article(), value, &format!("write `{key} = 1`"));
        }
        parsed.map(|parsed| Spanned { value: parsed, span: value.span })
    }
}

/// The smallest and the largest value of a kind.
pub(crate) const fn bounds(kind: ParameterKind) -> (ParameterValue, ParameterValue) {
    match kind {
        ParameterKind::Number => (ParameterValue::Number(f64::MIN), ParameterValue::Number(f64::MAX)),
        ParameterKind::Integer => {
            let max = ParameterValue::MAX_INTEGER;
            (ParameterValue::Integer(-max), ParameterValue::Integer(max))
        }
        ParameterKind::Duration => {
            (ParameterValue::Duration(PromDuration::from_millis(1)), ParameterValue::Duration(PromDuration::MAX))
        }
    }
}

/// Why a name is not that of a parameter.
fn name_fault(name: &str) -> Option<&'static str> {
    let is_name = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !name.contains("__")
        && !name.ends_with('_');
    if Hole::NAMES.contains(&name) {
        return Some("the name of another placeholder");
    }
    (!is_name).then_some("a name is a lower-case letter, then lower-case letters, digits and single `_`")
}
