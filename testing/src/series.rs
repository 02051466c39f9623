//! Series and their values, in the notation of `promtool test rules`.

use std::fmt;
use std::str::FromStr;

use promql_presets::Histogram;

use crate::native_histogram::NativeHistogram;

/// Series, for responses of [`MockPrometheus`](crate::MockPrometheus) and data of
/// [`TestPrometheus`](crate::TestPrometheus).
///
/// A series is its labels in braces, with the name of the metric before them if it has one, and its values: a number,
/// [`Values`], a [`Histogram`], or text in the
/// [notation](https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/#series) of Prometheus.
/// Values of labels are of any type that can be displayed. Names that are not identifiers are written as strings.
///
/// ```
/// use promql_presets_testing::series;
///
/// let code = 503;
/// let series = series![
///     { job = "api", code = code } => "0+10x60",       // 0, 10, 20, ..., 600
///     { job = "web", "http.code" = "200" } => "1 _ 3", // without a second value
///     up { job = "api" } => 1,
///     "job:up:sum" { job = "api" } => 1,
/// ];
/// assert_eq!(series[0].values().len(), 61);
/// assert_eq!(series[2].labels()[0], ("__name__".to_owned(), "up".to_owned()));
/// assert_eq!(series[3].labels()[0], ("__name__".to_owned(), "job:up:sum".to_owned()));
/// ```
#[macro_export]
macro_rules! series {
    ($($($name:ident)? $($text:literal)? { $($label:tt = $value:expr),* $(,)? } => $values:expr),* $(,)?) => {
        <[_]>::into_vec(::std::boxed::Box::new([$(
            $crate::TestSeries::new($values)
                $(.label("__name__", ::core::stringify!($name)))?
                $(.label("__name__", $text))?
                $(.label($crate::__label!($label), $value))*
        ),*]) as ::std::boxed::Box<[$crate::TestSeries]>)
    };
}

/// The name of a label: an identifier or a string.
#[doc(hidden)]
#[macro_export]
macro_rules! __label {
    ($name:ident) => {
        ::core::stringify!($name)
    };
    ($name:literal) => {
        $name
    };
}

/// A series: labels and values. [`series!`] writes a list of them.
#[derive(Clone, Debug, PartialEq)]
pub struct TestSeries {
    labels: Vec<(String, String)>,
    values: Values,
}

impl TestSeries {
    /// A series without labels.
    ///
    /// # Panics
    /// If the values are text that is not in the notation of Prometheus.
    #[must_use]
    #[track_caller]
    pub fn new(values: impl IntoValues) -> Self {
        Self { labels: Vec::new(), values: values.into_values() }
    }

    /// Sets a label, `__name__` for the name of the metric. An empty value removes it, as in Prometheus.
    #[must_use]
    pub fn label(mut self, name: impl Into<String>, value: impl fmt::Display) -> Self {
        let (name, value) = (name.into(), value.to_string());
        self.labels.retain(|(other, _)| *other != name);
        if !value.is_empty() {
            self.labels.push((name, value));
        }
        self
    }

    /// The labels, in the order in which they were set.
    #[must_use]
    pub fn labels(&self) -> &[(String, String)] {
        &self.labels
    }

    /// The values.
    #[must_use]
    pub fn values(&self) -> &Values {
        &self.values
    }
}

/// The values of a series, one for each step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values(pub(crate) Vec<Point>);

/// The sample of a series at a step.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Point {
    /// No sample.
    Gap,
    /// The marker with which Prometheus ends a series.
    Stale,
    Float(f64),
    /// In the form of a response, which only has the bounds of buckets.
    Histogram(Histogram),
    /// In the form in which it is stored.
    Native(NativeHistogram),
}

impl Point {
    pub(crate) fn is_sample(&self) -> bool {
        !matches!(self, Self::Gap | Self::Stale)
    }
}

impl Values {
    /// The number of steps, those without a sample included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no step.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Types that can be converted into the values of a series.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the values of a series",
    note = "write a number, a list of `f64`, a `Histogram`, or text in the notation of Prometheus such as `\"0+10x60\"`"
)]
pub trait IntoValues {
    /// The values.
    ///
    /// # Panics
    /// If text is not in the notation of Prometheus.
    #[track_caller]
    fn into_values(self) -> Values;
}

impl IntoValues for Values {
    fn into_values(self) -> Values {
        self
    }
}

impl IntoValues for Histogram {
    fn into_values(self) -> Values {
        Values(vec![Point::Histogram(self)])
    }
}

impl IntoValues for &str {
    #[track_caller]
    #[expect(clippy::panic, reason = "a mistake in a test")]
    fn into_values(self) -> Values {
        match self.parse() {
            Ok(values) => values,
            Err(error) => panic!("{error}"),
        }
    }
}

impl IntoValues for String {
    #[track_caller]
    fn into_values(self) -> Values {
        self.as_str().into_values()
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl IntoValues for $number {
            fn into_values(self) -> Values {
                Values(vec![Point::Float(self.into())])
            }
        }
    )*};
}

numbers!(f64, f32, i32, u32);

impl IntoValues for Vec<f64> {
    fn into_values(self) -> Values {
        self.into_iter().collect()
    }
}

impl<const N: usize> IntoValues for [f64; N] {
    fn into_values(self) -> Values {
        self.into_iter().collect()
    }
}

impl FromIterator<f64> for Values {
    fn from_iter<I: IntoIterator<Item = f64>>(values: I) -> Self {
        Self(values.into_iter().map(Point::Float).collect())
    }
}

/// Text that is not in the notation of series values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotationError {
    text: String,
    item: String,
    reason: &'static str,
}

impl fmt::Display for NotationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "invalid values {:?}: `{}` {}; write values as in `1 _ 3.5 stale 0+10x60`",
            self.text, self.item, self.reason
        )
    }
}

impl std::error::Error for NotationError {}

/// The maximum number of values of one series, so that a typo does not fill the memory.
const MAX_VALUES: usize = 10_000_000;

impl FromStr for Values {
    type Err = NotationError;

    fn from_str(text: &str) -> Result<Self, NotationError> {
        let mut values = Self::default();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let end = item_len(rest);
            let (item, after) = rest.split_at(end);
            let result = values.push(item).and_then(|()| {
                if values.len() > MAX_VALUES { Err("makes more than ten million values") } else { Ok(()) }
            });
            result.map_err(|reason| NotationError { text: text.to_owned(), item: item.to_owned(), reason })?;
            rest = after.trim_start();
        }
        Ok(values)
    }
}

/// The length of the first item: spaces within the braces of a histogram do not end it.
fn item_len(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            c if c.is_whitespace() && depth == 0 => return at,
            _ => {}
        }
    }
    text.len()
}

impl Values {
    fn push(&mut self, item: &str) -> Result<(), &'static str> {
        if item == "stale" {
            self.0.push(Point::Stale);
            return Ok(());
        }
        if item.starts_with("{{") {
            return self.push_histograms(item);
        }
        let (first, rest) = match item.strip_prefix('_') {
            Some(rest) => (None, rest),
            None => number(item).map(|(number, rest)| (Some(number), rest)).ok_or("is not a number")?,
        };
        let Some(first) = first else {
            let count = if rest.is_empty() { 1 } else { count(rest)? };
            self.0.extend(std::iter::repeat_n(Point::Gap, count));
            return Ok(());
        };
        if rest.is_empty() {
            self.0.push(Point::Float(first));
            return Ok(());
        }
        let (delta, rest) = match rest.strip_prefix('+').unwrap_or(rest) {
            rest if rest.starts_with('x') => (0.0, rest),
            rest => number(rest).ok_or("has no number after the sign")?,
        };
        let mut value = first;
        self.0.push(Point::Float(value));
        for _ in 0..count(rest)? {
            value += delta;
            self.0.push(Point::Float(value));
        }
        Ok(())
    }

    fn push_histograms(&mut self, item: &str) -> Result<(), &'static str> {
        let (first, rest) = NativeHistogram::parse(item)?;
        if rest.is_empty() {
            self.0.push(Point::Native(first));
            return Ok(());
        }
        let sign = if rest.starts_with('-') { -1.0 } else { 1.0 };
        let (delta, rest) = match rest.strip_prefix(['+', '-']) {
            Some(rest) => NativeHistogram::parse(rest).map(|(delta, rest)| (Some(delta), rest))?,
            None => (None, rest),
        };
        let mut value = first;
        self.0.push(Point::Native(value.clone()));
        for _ in 0..count(rest)? {
            if let Some(delta) = &delta {
                value = value.plus(delta, sign).ok_or("adds a histogram of another schema or offset")?;
            }
            self.0.push(Point::Native(value.clone()));
        }
        Ok(())
    }
}

/// The number after `x`.
fn count(text: &str) -> Result<usize, &'static str> {
    let digits = text.strip_prefix('x').ok_or("has no count such as `x60` at its end")?;
    let count: usize = digits.parse().map_err(|_| "has no whole number after `x`")?;
    if count > MAX_VALUES { Err("makes more than ten million values") } else { Ok(count) }
}

/// The number that a text starts with, and what follows it.
fn number(text: &str) -> Option<(f64, &str)> {
    let unsigned = text.trim_start_matches(['+', '-']);
    let sign = text.len() - unsigned.len();
    let word = ["NaN", "Inf", "inf"].into_iter().find(|word| unsigned.starts_with(word));
    let mut end = sign + word.map_or(0, str::len);
    if word.is_none() {
        let bytes = text.as_bytes();
        let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        end += digits(end);
        if bytes.get(end) == Some(&b'.') {
            end += 1 + digits(end + 1);
        }
        if matches!(bytes.get(end), Some(b'e' | b'E')) {
            let signed = end + 1 + usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            if digits(signed) > 0 {
                end = signed + digits(signed);
            }
        }
    }
    let (number, rest) = text.split_at(end);
    Some((number.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let values: Values = text.parse().unwrap();
        let shown = values.0.iter().map(|point| match point {
            Point::Gap => "_".to_owned(),
            Point::Stale => "stale".to_owned(),
            Point::Float(value) => value.to_string(),
            other => format!("{other:?}"),
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_notation_is_that_of_prometheus() {
        for (text, expected) in [
            ("", ""),
            ("1", "1"),
            (" 1  2.5 -3 ", "1 2.5 -3"),
            ("0+10x3", "0 10 20 30"),
            ("10-2.5x2", "10 7.5 5"),
            ("1x2", "1 1 1"),
            ("1+-1x2", "1 0 -1"),
            ("_ 1 _x3 2", "_ 1 _ _ _ 2"),
            ("1 stale", "1 stale"),
            ("NaN Inf -Inf +Inf", "NaN inf -inf inf"),
            ("1e3 1e-1 .5 5.", "1000 0.1 0.5 5"),
            ("1e2+1e1x1", "100 110"),
            ("0x2", "0 0 0"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn mistakes_are_reported() {
        for (text, expected) in [
            ("a", "`a` is not a number"),
            ("1+1", "`1+1` has no count such as `x60` at its end"),
            ("1+x", "`1+x` has no whole number after `x`"),
            ("1+ax2", "`1+ax2` has no number after the sign"),
            ("1 1x-2", "`1x-2` has no whole number after `x`"),
            ("_3", "`_3` has no count such as `x60` at its end"),
            ("1x99999999999", "`1x99999999999` makes more than ten million values"),
            ("ö", "`ö` is not a number"),
            ("{{schema:9}}", "`{{schema:9}}` has a schema outside of -4 to 8"),
            ("1 {{sum 3}}", "`{{sum 3}}` has a field that is not `name:value`"),
        ] {
            let error = text.parse::<Values>().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
