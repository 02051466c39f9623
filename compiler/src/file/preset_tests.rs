//! `tests`: what presets return for series that are written beside them.

use promql_presets_core::{PromDuration, sort};

use super::TEST_KEYS;
use super::document::{Content, Key, Value};
use super::reader::Reader;
use crate::promql::{ExprKind, MatchOp, Syntax, parse};
use crate::{Code, Diagnostic, Span};

/// A test of a preset: `[[presets.NAME.tests]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct PresetTest {
    /// Its name.
    pub name: String,
    /// The place of its name.
    pub span: Span,
    /// The series and their values, in the notation of Prometheus.
    pub series: Vec<TestSeries>,
    /// The interval between values.
    pub interval: PromDuration,
    /// When the query runs, after the first values.
    pub at: PromDuration,
    /// The metric, for a preset whose file names none.
    pub metric_name: Option<String>,
    /// The values of labels to filter on, each with its place; several values are alternatives.
    pub labels: Vec<(String, Vec<String>, Span)>,
    /// The labels to group by, each with its place.
    pub group_by: Vec<(String, Span)>,
    /// The window instead of the default, and its place.
    pub window: Option<(PromDuration, Span)>,
    /// The values of parameters, and the place of each.
    pub parameters: Vec<(String, String, Span)>,
    /// The expected samples.
    pub expect: Vec<ExpectedSample>,
    /// The place of the expectation.
    pub expect_span: Span,
    /// The places of what is not valid in it, which has been reported.
    pub faults: Vec<Span>,
}

/// A series of a [`PresetTest`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestSeries {
    /// Its name and labels.
    pub series: String,
    /// Its values: `0+10x60 _ stale`.
    pub values: String,
    /// The place of the series.
    pub span: Span,
}

/// A sample that a [`PresetTest`] expects.
#[derive(Clone, Debug, PartialEq)]
pub struct ExpectedSample {
    /// The labels of the sample, sorted, with the metric's name as `__name__`.
    pub labels: Vec<(String, String)>,
    /// The labels as written.
    pub text: String,
    /// The value.
    pub value: f64,
    /// The place of labels and value.
    pub span: Span,
}

const DEFAULT_INTERVAL: PromDuration = PromDuration::from_secs(60);

/// How a test is written, for messages.
const EXAMPLE: &str = "write tables `[[presets.NAME.tests]]` with `name`, `series`, `at` and `expect`";

/// Reads the labels of a series, as Prometheus writes them: `{job="api"}` or `up{job="api"}`. The name of the metric is
/// the label `__name__`. Sorted by their names.
///
/// Returns `None` if the text is something else.
#[must_use]
pub fn series_labels(text: &str) -> Option<Vec<(String, String)>> {
    const NAME: &str = "__name__";
    // `{}` alone is not a selector, so a name is added.
    let named = format!("x{text}");
    let is_unnamed = text.trim_start().starts_with('{');
    let query = if is_unnamed { named.trim_start_matches(char::is_whitespace) } else { text };
    let parse_labels = |query: &str| {
        let parsed = parse(query, Syntax::PROMQL);
        let expr = parsed.expr.filter(|_| parsed.diagnostics.is_empty())?;
        let ExprKind::Selector(selector) = &expr.kind else { return None };
        let is_plain = selector.range.is_none() && selector.modifiers.is_empty();
        let is_equal = selector.matchers().iter().all(|matcher| matcher.op == MatchOp::Equal);
        if !is_plain || !is_equal {
            return None;
        }
        let label = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let matchers = selector.matchers().into_iter().map(|matcher| (&*matcher.label.name, &*matcher.value.value));
        let mut labels: Vec<_> = matchers.filter(|(_, value)| !value.is_empty()).map(label).collect();
        if let Some(name) = selector.metric_name() {
            labels.retain(|(label, _)| label != NAME);
            labels.push(label((NAME, name)));
        }
        sort::by(&mut labels, Ord::cmp);
        Some(labels)
    };
    if !is_unnamed {
        return parse_labels(query);
    }
    // The name may be in the braces.
    parse_labels(text).or_else(|| {
        let mut labels = parse_labels(query)?;
        labels.retain(|(label, _)| label != NAME);
        Some(labels)
    })
}

impl Reader<'_> {
    pub(super) fn tests(&mut self, value: &Value<'_>, complete: bool) -> Vec<PresetTest> {
        let Content::Array(tests) = &value.content else {
            self.wrong_type("tests", "an array of tables", value, EXAMPLE);
            return Vec::new();
        };
        tests.iter().filter_map(|value| self.test(value, complete)).collect()
    }

    fn test(&mut self, value: &Value<'_>, complete: bool) -> Option<PresetTest> {
        let Content::Table(table) = &value.content else {
            self.wrong_type("a test", "a table", value, EXAMPLE);
            return None;
        };
        let faults = self.diagnostics.len();
        let span = value.span;
        let mut test = PresetTest {
            name: String::new(),
            span,
            series: Vec::new(),
            interval: DEFAULT_INTERVAL,
            at: DEFAULT_INTERVAL,
            metric_name: None,
            labels: Vec::new(),
            group_by: Vec::new(),
            window: None,
            parameters: Vec::new(),
            expect: Vec::new(),
            expect_span: span,
            faults: Vec::new(),
        };
        for (key, value) in table.iter() {
            let name = self.known_key(table, key, "a test", &TEST_KEYS);
            self.test_key(&mut test, name, key.span, value);
        }
        for (key, help) in [("name", "\"...\""), ("at", "\"10m\""), ("expect", "{ '{job=\"api\"}' = 1 }")] {
            // The key may be the one that is misspelt.
            let is_misspelt = || self.diagnostics.iter().skip(faults).any(|fault| fault.code == Code::UnknownKey);
            if complete && !table.contains_key(key) && !is_misspelt() {
                let title = format!("missing `{key}` in a test");
                let found = Diagnostic::new(Code::MissingKey, test.span, title);
                self.report(found.help(format!("add `{key} = {help}`")));
            }
        }
        test.faults = self.diagnostics.iter().skip(faults).map(|fault| fault.span).collect();
        Some(test)
    }

    /// Reads the value of a key of a test. `span` is that of the key.
    fn test_key(&mut self, test: &mut PresetTest, name: &str, span: Span, value: &Value<'_>) {
        match name {
            "name" => {
                if let Some(name) = self.name("name", value) {
                    (test.name, test.span) = (name.value, name.span);
                }
            }
            "series" => self.entries("series", value, |reader, key, value| {
                let (name, span) = (key.name.to_string(), key.span);
                let Some(values) = reader.string("values of a series", value) else { return };
                reader.series_faults(&name, span, &values, value.span);
                test.series.push(TestSeries { series: name, values, span });
            }),
            "interval" => {
                test.interval = self.positive_duration("interval", value).map_or(test.interval, |it| it.value);
            }
            "at" => test.at = self.positive_duration("at", value).map_or(test.at, |it| it.value),
            "metric_name" => test.metric_name = self.name("metric_name", value).map(|name| name.value),
            "labels" => self.entries("labels", value, |reader, key, value| {
                let values = if value.is_array() {
                    reader.strings("a label", value).into_iter().map(|value| value.value).collect()
                } else {
                    reader.string("a label", value).into_iter().collect()
                };
                let span = key.span.to(value.span);
                test.labels.push((key.name.to_string(), values, span));
            }),
            "group_by" => {
                test.group_by =
                    self.strings("group_by", value).into_iter().map(|label| (label.value, label.span)).collect();
            }
            "window" => test.window = self.positive_duration("window", value).map(|it| (it.value, it.span)),
            "parameters" => self.entries("parameters", value, |reader, key, value| {
                let number = reader.number(value).map(|number| number.to_string());
                let Some(argument) = number.or_else(|| reader.string("a parameter", value)) else { return };
                let span = key.span.to(value.span);
                test.parameters.push((key.name.to_string(), argument, span));
            }),
            "expect" => {
                test.expect_span = span;
                self.entries("expect", value, |reader, key, value| {
                    test.expect.extend(reader.expected(key, value));
                });
            }
            _ => {}
        }
    }

    /// Reads the entries of a table.
    fn entries(&mut self, what: &str, value: &Value<'_>, mut read: impl FnMut(&mut Self, &Key<'_>, &Value<'_>)) {
        let Content::Table(table) = &value.content else {
            let help = match what {
                "series" => "write `series = { 'up{job=\"api\"}' = \"1x10\" }`",
                "expect" => "write `expect = { '{job=\"api\"}' = 1 }`, or `{}` if no sample is expected",
                "labels" => "write `labels = { job = \"api\" }`",
                _ => "write `parameters = { quantile = 0.99 }`",
            };
            return self.wrong_type(what, "a table", value, help);
        };
        for (key, value) in table.iter() {
            read(self, key, value);
        }
    }

    fn number(&self, value: &Value<'_>) -> Option<f64> {
        match &value.content {
            Content::Integer(_) | Content::Float(_) => {
                self.text.get(value.span.range())?.replace('_', "").trim_start_matches('+').parse().ok()
            }
            _ => None,
        }
    }

    fn expected(&mut self, key: &Key<'_>, value: &Value<'_>) -> Option<ExpectedSample> {
        let text = key.name.to_string();
        let span = key.span;
        let Some(labels) = series_labels(&text) else {
            self.report(
                Diagnostic::new(Code::InvalidTest, span, format!("invalid labels of a sample: `{text}`"))
                    .help("write them as Prometheus does: `'{job=\"api\"}'`, or `'{}'` without labels"),
            );
            return None;
        };
        let Some(number) = self.number(value) else {
            self.wrong_type("an expected value", "a number", value, "write `0.5`, `nan` or `inf`");
            return None;
        };
        Some(ExpectedSample { labels, text, value: number, span: span.to(value.span) })
    }

    /// Reports a series whose labels or values Prometheus would reject.
    fn series_faults(&mut self, series: &str, span: Span, values: &str, values_span: Span) {
        if series_labels(series).is_none_or(|labels| !labels.iter().any(|(label, _)| label == "__name__")) {
            self.report(
                Diagnostic::new(Code::InvalidTest, span, format!("invalid series `{series}`"))
                    .help("write a name and labels: `'http_requests_total{job=\"api\"}'`"),
            );
        }
        if let Some(wrong) = values_fault(values) {
            self.report(
                Diagnostic::new(Code::InvalidTest, values_span, format!("invalid values of a series: `{wrong}`"))
                    .label("not in the notation of Prometheus")
                    .help("write numbers, `0+10x60` for 0, 10, 20 and so on, `5x60` for the same number, `_` or `_x60` for no sample, or `stale`"),
            );
        }
    }
}

/// The first part of a series that is not in the notation of Prometheus. Native histograms, in `{{` and `}}`, are left to
/// Prometheus.
fn values_fault(values: &str) -> Option<&str> {
    let is_number = |text: &str| text.parse::<f64>().is_ok() && !text.contains("infinity");
    let is_count = |text: &str| !text.is_empty() && text.len() < 10 && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_sum = |text: &str| {
        let signs = text.char_indices().skip(1).filter(|(_, c)| matches!(c, '+' | '-'));
        is_number(text) || signs.into_iter().any(|(at, _)| is_number(&text[..at]) && is_number(&text[at..]))
    };
    let is_valid = |part: &str| match part.rsplit_once('x') {
        _ if is_number(part) || matches!(part, "_" | "stale") => true,
        Some((start, count)) => is_count(count) && (start == "_" || is_sum(start)),
        None => false,
    };
    if values.contains("{{") {
        return None;
    }
    if values.trim().is_empty() {
        return Some(values);
    }
    values.split_whitespace().find(|part| !is_valid(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notation_of_values() {
        for text in
            ["0", "1 2.5 -3", "0+10x60", "10-2x3", "-1-2x3", "5x2", "_ _x3 stale", "1e3+1e-3x2", "Inf NaN", "{{a}}"]
        {
            assert_eq!(values_fault(text), None, "{text}");
        }
        for (text, wrong) in [("0+10y60", "0+10y60"), ("1 2,3", "2,3"), ("0+x3", "0+x3"), ("1x", "1x"), ("", "")] {
            assert_eq!(values_fault(text), Some(wrong), "{text}");
        }
    }

    #[test]
    fn labels_of_series() {
        let labels = |text| {
            let labels = series_labels(text)?;
            Some(labels.iter().map(|(label, value)| format!("{label}={value}")).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(labels("{}").as_deref(), Some(""));
        assert_eq!(labels("{job=\"a\\\"b\", x=\"\"}").as_deref(), Some("job=a\"b"));
        assert_eq!(labels("up{job=\"a\"}").as_deref(), Some("__name__=up job=a"));
        assert_eq!(labels("{\"a.b\", \"k8s.pod\"=\"c\"}").as_deref(), Some("__name__=a.b k8s.pod=c"));
        for text in ["", "job=\"a\"", "up[5m]", "up{job=~\"a\"}", "sum(up)", "up offset 5m", "{"] {
            assert_eq!(labels(text), None, "{text}");
        }
    }
}
