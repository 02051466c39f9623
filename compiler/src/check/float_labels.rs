//! Values of `le` and `quantile`. Prometheus 3 stores them in one form: `le="1"` of a scraped page becomes `1.0`. Other
//! targets keep the form of the page, or of the scrape protocol: without a snapshot, either may be right.
//!
//! The form is that of `FormatOpenMetricsFloat` in Prometheus' `model/labels/float.go`.

use promql_presets_core::regex;

use super::analysis::{Analysis, Findings};
use super::schema::Role;
use super::targets::{self, Normalized};
use super::tree::Series;
use super::undeclared::lacks;
use crate::file::LabelType;
use crate::promql::{MatchOp, Matcher};
use crate::vec_ext::{IntoVec, VecExt};
use crate::{Code, Diagnostic};

pub(super) fn check(query: &Analysis<'_>, findings: &mut Findings) {
    let normalized = targets::normalizes_floats(&query.scope.settings.targets);
    for &(_, selector, series) in &query.selectors() {
        for matcher in &selector.matchers() {
            findings.add_all(wrong_form(query, series, matcher, normalized));
        }
    }
}

fn wrong_form(
    query: &Analysis<'_>,
    series: &Series<'_>,
    matcher: &Matcher<'_>,
    normalized: Normalized,
) -> Option<Diagnostic> {
    let label = &*matcher.label.name;
    let is_declared = match label {
        "le" => series.declared().is_bucket(),
        "quantile" => series.declared() == Role::Quantiles,
        _ => return None,
    };
    // The label itself is reported.
    if series.each().iter().any(|series| lacks(query, matcher, series)) {
        return None;
    }
    // Other targets have the form that the exporter writes, which only the snapshot knows.
    let known = || series.metric?.known?.values(label);
    let of_snapshot = |number: &str| listed(number, known()?);
    let lower = matcher.value.value.to_ascii_lowercase();
    let (flag, value) = match lower.strip_prefix("(?i)") {
        Some(lower) if matcher.op.is_regex() => ("(?i)", lower),
        _ => ("", &*matcher.value.value),
    };
    let stored = |number: &str| {
        let mut right = match normalized {
            Normalized::All => normal(number),
            Normalized::Some => normal(number).or_else(|| of_snapshot(number)),
            Normalized::None => of_snapshot(number),
        }?;
        if !flag.is_empty() {
            right.make_ascii_lowercase();
        }
        if right == number { None } else { Some(right) }
    };
    if label == "quantile"
        && known().is_none()
        && let Some(finding) = percentage(matcher, value, normalized)
    {
        return Some(finding);
    }
    let as_scraped = normalized == Normalized::None || (normalized == Normalized::Some && normal(value).is_none());
    let backslash = if query.slice(matcher.value.span).starts_with('`') { "\\" } else { "\\\\" };
    let (wrong, right, written) = if matcher.op.is_regex() {
        let integers = || if as_scraped || !flag.is_empty() { None } else { integers_only(value, backslash) };
        wrong_numbers(value, backslash, &stored).or_else(integers).or_else(|| wrong_texts(value, backslash, &stored))?
    } else {
        let right = stored(value)?;
        (value.to_owned(), right.clone(), right)
    };
    let quote = &query.slice(matcher.value.span)[..1];
    let pattern_op =
        if matches!(matcher.op, MatchOp::Equal | MatchOp::Regex) { MatchOp::Regex } else { MatchOp::NotRegex };
    let both = || format!("{label}{}{quote}{}{quote}", pattern_op.as_str(), either_form(value, &right, backslash));
    // Targets of both kinds need a pattern for both forms.
    let text = if normalized == Normalized::Some && !matcher.op.is_regex() {
        both()
    } else {
        format!("{label}{}{quote}{flag}{written}{quote}", matcher.op.as_str())
    };
    let title = if as_scraped {
        format!("`{label}=\"{wrong}\"` is `{right}` in `metrics.toml`")
    } else {
        format!("Prometheus stores `{label}=\"{wrong}\"` as `{}`", right.replace("inf", "Inf"))
    };
    let finding = Diagnostic::new(Code::FloatLabelFormat, matcher.value.span, title)
        .label(match matcher.op {
            MatchOp::Equal | MatchOp::Regex => "selects nothing",
            MatchOp::NotEqual | MatchOp::NotRegex => "excludes nothing",
        })
        .write(matcher.span(), text)
        .warning_unless(is_declared);
    if matcher.op.is_regex() {
        return Some(finding);
    }
    let both = both();
    let who = if as_scraped { "the targets in `promql.toml` keep" } else { "Prometheus 2 keeps" };
    Some(finding.note(format!("{who} the exporter's spelling; `{both}` is right for both spellings")))
}

/// `quantile="99"`.
fn percentage(matcher: &Matcher<'_>, value: &str, normalized: Normalized) -> Option<Diagnostic> {
    let percent: f64 = value.parse().ok().filter(|value| *value > 1.0 && *value <= 100.0 && !matcher.op.is_regex())?;
    let share = (percent * 1e6).round() / 1e8;
    let share = if normalized == Normalized::All { open_metrics_float(share) } else { share.to_string() };
    let finding = Diagnostic::new(Code::QuantileOutOfRange, matcher.value.span, "`quantile` above 1")
        .label("quantiles are from 0 to 1");
    Some(finding.write(matcher.span(), format!("quantile{}\"{share}\"", matcher.op.as_str())))
}

/// The form in which the snapshot lists a number, if it differs.
fn listed(number: &str, known: &LabelType) -> Option<String> {
    let LabelType::OneOf(values) = known else { return None };
    let parsed: f64 = number.parse().ok()?;
    let mut same = values.iter().map(|value| &value.value).filter(|value| value.parse() == Ok(parsed)).peekable();
    let first = same.peek().copied().cloned();
    first.filter(|_| same.all(|value| value != number))
}

/// A number in a pattern whose stored form differs and is not matched. `1` in `1(2|3)` is not a number of its own.
fn wrong_number(pattern: &str, part: &str, stored: &dyn Fn(&str) -> Option<String>) -> Option<(String, String)> {
    let number = part.replace("\\.", ".").replace("\\+", "+");
    let right = stored(&number)?;
    let is_match = |text: &str| regex::matches(pattern, text);
    (is_match(&number) == Some(true) && is_match(&right) == Some(false)).then_some((number, right))
}

/// The first number of a pattern whose stored form differs, that form, and the pattern with both forms of all such
/// numbers.
fn wrong_numbers(
    pattern: &str,
    backslash: &str,
    stored: &dyn Fn(&str) -> Option<String>,
) -> Option<(String, String, String)> {
    let mut first = None;
    let mut text = String::new();
    let mut rest = pattern;
    loop {
        let end = rest.find(['(', '|', ')', '^', '$']).unwrap_or(rest.len());
        let (part, after) = rest.split_at(end);
        match wrong_number(pattern, part, stored) {
            Some((number, right)) => {
                text += &either_form(part, &right, backslash);
                first = first.or(Some((number, right)));
            }
            None => text += &part.replace('\\', backslash),
        }
        let Some(sign) = after.chars().next() else { break };
        let group = if after.starts_with("(?:") { "(?:" } else { &after[..sign.len_utf8()] };
        text += group;
        rest = &after[group.len()..];
    }
    first.map(|(number, right)| (number, right, text))
}

/// Like [`wrong_numbers`], for a pattern such as `1{2}|5`, which becomes a list.
fn wrong_texts(
    pattern: &str,
    backslash: &str,
    stored: &dyn Fn(&str) -> Option<String>,
) -> Option<(String, String, String)> {
    const MAX_TEXTS: usize = 20;
    let texts = regex::texts(pattern).filter(|texts| texts.len() <= MAX_TEXTS)?;
    let is_match = |text: &str| texts.iter().any(|it| it == text);
    let (number, right) = texts.iter().find_map(|text| Some((text, stored(text).filter(|right| !is_match(right))?)))?;
    let either = |text: &String| match stored(text) {
        Some(right) => either_form(text, &right, backslash),
        None => text.replace('.', &format!("{backslash}.")),
    };
    let list: Vec<String> = texts.iter().map(either).into_vec();
    Some((number.clone(), right, list.join("|")))
}

/// Whether a pattern such as `[15]` or `\d+` matches integers, but no number in its stored form.
fn integers_only(pattern: &str, backslash: &str) -> Option<(String, String, String)> {
    const BOUNDS: [&str; 12] = ["1", "2", "5", "10", "15", "20", "25", "30", "50", "60", "100", "300"];
    const FRACTIONS: [&str; 8] = ["0.005", "0.05", "0.1", "0.25", "0.5", "0.9", "0.99", "2.5"];
    let is_match = |number: &str| regex::matches(pattern, number);
    let number = BOUNDS.iter().copied().find(|number| is_match(number) == Some(true))?;
    let is_stored = |number: &str| is_match(&format!("{number}.0")) != Some(false);
    if BOUNDS.iter().any(|it| is_stored(it)) || FRACTIONS.iter().any(|number| is_match(number) != Some(false)) {
        return None;
    }
    let is_one = !pattern.contains('|') && !pattern.starts_with('^') && !pattern.ends_with('$');
    let inner = pattern.replace('\\', backslash);
    let text = if is_one { format!("{inner}({backslash}.0)?") } else { format!("({inner})({backslash}.0)?") };
    Some((number.to_owned(), normal(number)?, text)).filter(|_| is_one || !pattern.contains(['^', '$']))
}

/// A pattern that matches both the written and the stored form of a number.
fn either_form(written: &str, stored: &str, backslash: &str) -> String {
    let escape = |text: &str| {
        text.replace("\\.", ".")
            .replace("\\+", "+")
            .replace('.', &format!("{backslash}."))
            .replace('+', &format!("{backslash}+"))
    };
    match stored.strip_suffix(".0") {
        Some(integer) if integer == written => format!("{}({backslash}.0)?", escape(written)),
        _ => format!("{}|{}", escape(written), escape(stored)),
    }
}

/// The form in which Prometheus 3 stores a number, if it differs.
fn normal(value: &str) -> Option<String> {
    let is_number = value.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'))
        || value.to_ascii_lowercase().starts_with("inf");
    let number: f64 = value.parse().ok().filter(|_| is_number)?;
    Some(open_metrics_float(number)).filter(|normal| normal != value)
}

/// The form in which Prometheus stores a bound of a bucket: `1.0`.
#[must_use]
pub fn open_metrics_float(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    // Go's format `g`: the shortest digits, with an exponent if it is below -4, or 6 and more.
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        let plain = number.to_string();
        return if plain.contains('.') { plain } else { plain + ".0" };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::{integers_only, normal, open_metrics_float, wrong_numbers, wrong_texts};

    #[test]
    fn numbers_are_written_as_prometheus_does() {
        for (number, text) in [
            (1.0, "1.0"),
            (0.0, "0.0"),
            (0.005, "0.005"),
            (10.0, "10.0"),
            (100_000.0, "100000.0"),
            (1_000_000.0, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (0.0001, "0.0001"),
            (0.000_01, "1e-05"),
            (-1.0, "-1.0"),
            (f64::INFINITY, "+Inf"),
        ] {
            assert_eq!(open_metrics_float(number), text);
        }
        for right in ["0.5", "5.0", "+Inf", "1e+06", "x", "", "nanny", "info"] {
            assert_eq!(normal(right), None, "{right}");
        }
    }

    #[test]
    fn numbers_in_patterns() {
        for (pattern, expected) in [
            ("1|5", Some("1(\\.0)?|5(\\.0)?")),
            ("(1|5|10)", Some("(1(\\.0)?|5(\\.0)?|10(\\.0)?)")),
            ("^(?:1|0\\.5)$", Some("^(?:1(\\.0)?|0\\.5)$")),
            ("(1|5)(\\.0)?", None),
            ("1(2|3)", None),
            ("1.*", None),
        ] {
            let found = wrong_numbers(pattern, "\\", &normal).map(|(.., text)| text);
            assert_eq!(found.as_deref(), expected, "{pattern}");
        }
        for (pattern, expected) in [
            ("[15]", Some("[15](\\.0)?")),
            ("\\d+", Some("\\d+(\\.0)?")),
            ("(1|5)0", Some("((1|5)0)(\\.0)?")),
            (".+", None),
            ("[0-9.]+", None),
            ("[^+].*", None),
        ] {
            let found = integers_only(pattern, "\\").map(|(.., text)| text);
            assert_eq!(found.as_deref(), expected, "{pattern}");
        }
        for (pattern, expected) in [("1{2}|0\\.5", Some("11(\\.0)?|0\\.5")), ("7(\\.0)?", None), ("1(?:1|1\\.0)", None)]
        {
            let found = wrong_texts(pattern, "\\", &normal).map(|(.., text)| text);
            assert_eq!(found.as_deref(), expected, "{pattern}");
        }
    }
}
