//! Parameters of presets: numbers and durations that callers may set.

use std::fmt;

use crate::{PromDuration, RenderError};

/// A parameter that a preset declares.
#[derive(Clone, Copy, Debug)]
pub struct ParameterInfo<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its description; may be empty.
    pub description: &'a str,
    /// The value where the caller passes none. All values are of its kind.
    pub default: ParameterValue,
    /// The smallest value. If none is declared, it is that of the kind: -[`f64::MAX`],
    /// -[`MAX_INTEGER`](ParameterValue::MAX_INTEGER), or a millisecond.
    pub min: ParameterValue,
    /// The largest value. If none is declared, it is that of the kind: [`f64::MAX`],
    /// [`MAX_INTEGER`](ParameterValue::MAX_INTEGER), or [`PromDuration::MAX`].
    pub max: ParameterValue,
}

/// A value of a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ParameterValue {
    /// A finite number.
    Number(f64),
    /// A whole number.
    Integer(i64),
    /// A duration.
    Duration(PromDuration),
}

/// The kind of a parameter's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterKind {
    /// Finite numbers.
    Number,
    /// Whole numbers.
    Integer,
    /// Durations.
    Duration,
}

impl ParameterKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Number, Self::Integer, Self::Duration];

    /// The name in a preset file: `number`, `integer`, `duration`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::Integer => "integer",
            Self::Duration => "duration",
        }
    }

    /// The name in messages: `an integer`.
    #[must_use]
    pub const fn with_article(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Integer => "an integer",
            Self::Duration => "a duration",
        }
    }
}

impl ParameterValue {
    /// The largest integer without a declared bound: the numbers of PromQL hold all integers up to it.
    pub const MAX_INTEGER: i64 = 1 << 53;

    /// The kind of the value.
    #[must_use]
    pub const fn kind(self) -> ParameterKind {
        match self {
            Self::Number(_) => ParameterKind::Number,
            Self::Integer(_) => ParameterKind::Integer,
            Self::Duration(_) => ParameterKind::Duration,
        }
    }

    /// Whether this is the smallest or the largest value of its kind, which stands for a bound that is not declared.
    #[must_use]
    pub fn is_open_bound(self) -> bool {
        match self {
            Self::Number(number) => number.abs() >= f64::MAX,
            Self::Integer(number) => number.unsigned_abs() >= Self::MAX_INTEGER.unsigned_abs(),
            Self::Duration(duration) => duration == PromDuration::MAX,
        }
    }

    /// Parses a value of a kind. `None` if the text is not one.
    #[must_use]
    pub fn parse(kind: ParameterKind, text: &str) -> Option<Self> {
        match kind {
            ParameterKind::Number => text.parse().ok().filter(|number: &f64| number.is_finite()).map(Self::Number),
            ParameterKind::Integer => text.parse().ok().map(Self::Integer),
            ParameterKind::Duration => text.parse().ok().map(Self::Duration),
        }
    }

    /// Whether the value is at most `other`, which is of the same kind.
    #[must_use]
    pub fn is_at_most(self, other: Self) -> bool {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a <= b,
            (Self::Integer(a), Self::Integer(b)) => a <= b,
            (Self::Duration(a), Self::Duration(b)) => a <= b,
            _ => false,
        }
    }

    /// The value as a number; a duration in seconds.
    #[doc(hidden)]
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "PromQL computes in floating point")]
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Number(number) => number,
            Self::Integer(number) => number as f64,
            Self::Duration(duration) => duration.as_millis() as f64 / 1000.0,
        }
    }

    /// The value as this kind of parameter takes it: an integer is also a number.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "PromQL computes in floating point")]
    fn into_kind(self, kind: ParameterKind) -> Self {
        match self {
            Self::Integer(number) if kind == ParameterKind::Number => Self::Number(number as f64),
            other => other,
        }
    }
}

/// As in PromQL.
impl fmt::Display for ParameterValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Integer(number) => number.fmt(f),
            Self::Duration(duration) => duration.fmt(f),
        }
    }
}

impl From<f64> for ParameterValue {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<i64> for ParameterValue {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<i32> for ParameterValue {
    fn from(number: i32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<u32> for ParameterValue {
    fn from(number: u32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<PromDuration> for ParameterValue {
    fn from(duration: PromDuration) -> Self {
        Self::Duration(duration)
    }
}

impl ParameterInfo<'_> {
    /// The kind of its values.
    #[must_use]
    pub const fn kind(&self) -> ParameterKind {
        self.default.kind()
    }

    /// Parses a value.
    ///
    /// # Errors
    /// [`RenderError::InvalidParameter`] if the text is not a value of this parameter.
    pub fn parse(&self, text: &str) -> Result<ParameterValue, RenderError> {
        let value = ParameterValue::parse(self.kind(), text).ok_or_else(|| self.invalid(text))?;
        self.check(value)
    }

    /// Checks the kind and the bounds of a value.
    pub(crate) fn check(&self, value: ParameterValue) -> Result<ParameterValue, RenderError> {
        let value = value.into_kind(self.kind());
        let is_valid = self.min.is_at_most(value) && value.is_at_most(self.max);
        if is_valid { Ok(value) } else { Err(self.invalid(&value.to_string())) }
    }

    /// The index of a parameter.
    ///
    /// # Errors
    /// [`RenderError::UndeclaredParameter`].
    #[doc(hidden)]
    pub fn find(declared: &[ParameterInfo<'_>], name: &str) -> Result<usize, RenderError> {
        declared.iter().position(|info| info.name == name).ok_or_else(|| RenderError::UndeclaredParameter {
            name: name.to_owned(),
            declared: declared.iter().map(|info| info.name.to_owned()).collect(),
        })
    }

    fn invalid(&self, value: &str) -> RenderError {
        RenderError::InvalidParameter {
            name: self.name.to_owned(),
            value: value.to_owned(),
            expected: format!("{}{}", self.kind().with_article(), self.bounds()),
        }
    }

    /// The declared bounds, as part of a sentence.
    fn bounds(&self) -> String {
        let Self { min, max, .. } = self;
        match (min.is_open_bound(), max.is_open_bound()) {
            (false, false) => format!(" from {min} to {max}"),
            (false, true) => format!(" of at least {min}"),
            (true, false) => format!(" of at most {max}"),
            (true, true) => String::new(),
        }
    }
}

/// The largest number of parameters of a preset.
#[doc(hidden)]
pub const MAX_PARAMETERS: usize = 4;

/// The values that a caller has set, in the order of the declarations.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ParameterValues([Option<ParameterValue>; MAX_PARAMETERS]);

impl ParameterValues {
    /// No values: the defaults.
    pub const DEFAULTS: Self = Self([None; MAX_PARAMETERS]);

    /// A value that was set.
    #[must_use]
    pub fn get(self, index: usize) -> Option<ParameterValue> {
        self.0.get(index).copied().flatten()
    }

    /// The values in a form that is equal to itself, also for `NaN`.
    pub(crate) fn bits(self) -> [Option<u64>; MAX_PARAMETERS] {
        self.0.map(|value| value.map(|value| value.as_f64().to_bits()))
    }

    /// Sets a value.
    #[must_use]
    pub const fn with(mut self, index: usize, value: ParameterValue) -> Self {
        if index < MAX_PARAMETERS {
            self.0[index] = Some(value);
        }
        self
    }

    /// The values to render.
    ///
    /// # Errors
    /// [`RenderError::InvalidParameter`] for a value of another kind or out of bounds.
    pub fn checked(self, declared: &[ParameterInfo<'_>]) -> Result<Self, RenderError> {
        let mut values = Self::DEFAULTS;
        for (index, info) in declared.iter().enumerate().take(MAX_PARAMETERS) {
            let value = self.0[index].map_or(Ok(info.default), |value| info.check(value))?;
            values = values.with(index, value);
        }
        Ok(values)
    }

    pub(crate) fn write_to(self, index: usize, out: &mut String) {
        use std::fmt::Write as _;
        // Writing to a `String` cannot fail.
        _ = match self.get(index) {
            // Without parentheses, `{x} ^ 2` would be minus the square.
            Some(value) if value.as_f64().is_sign_negative() => write!(out, "({value})"),
            Some(value) => write!(out, "{value}"),
            None => Ok(()),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUANTILE: ParameterInfo<'_> = ParameterInfo {
        name: "quantile",
        description: "",
        default: ParameterValue::Number(0.95),
        min: ParameterValue::Number(0.0),
        max: ParameterValue::Number(1.0),
    };

    #[test]
    fn values_are_checked() {
        assert_eq!(QUANTILE.parse("0.5"), Ok(ParameterValue::Number(0.5)));
        assert_eq!(QUANTILE.check(ParameterValue::Integer(1)), Ok(ParameterValue::Number(1.0)));
        for text in ["1.5", "NaN", "-inf", "5m", "", "x"] {
            let error = QUANTILE.parse(text).unwrap_err().to_string();
            assert!(error.ends_with("of parameter `quantile`, which is a number from 0 to 1"), "{error}");
        }
        let below = |max| ParameterInfo { min: ParameterValue::Number(f64::MIN), max, ..QUANTILE };
        let error = |info: ParameterInfo<'_>| info.parse("x").unwrap_err().to_string();
        assert!(error(below(ParameterValue::Number(5.0))).ends_with("which is a number of at most 5"));
        assert!(error(below(ParameterValue::Number(f64::MAX))).ends_with("which is a number"));
        assert!(QUANTILE.check(f64::NAN.into()).is_err());
        assert!(QUANTILE.check(PromDuration::from_secs(1).into()).is_err());
    }

    #[test]
    fn negative_numbers_have_parentheses() {
        let shown = |value: ParameterValue| {
            let mut out = String::new();
            ParameterValues::DEFAULTS.with(0, value).write_to(0, &mut out);
            out
        };
        assert_eq!(shown((-2).into()), "(-2)");
        assert_eq!(shown(1e21.into()), "1000000000000000000000");
        assert_eq!(shown(PromDuration::from_secs(3600).into()), "1h");
    }
}
