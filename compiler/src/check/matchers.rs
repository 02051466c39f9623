//! Checks of the names, labels and values in selectors.

use promql_presets_core::{regex, sort};

use super::analysis::{Analysis, Findings};
use super::conditions::{Condition, MAX_CONDITIONS, contradiction};
use super::tree::Series;
use super::undeclared;
use crate::file::{self, LabelType};
use crate::promql::{MatchOp, Matcher, MatcherItem, Selector};
use crate::vec_ext::{IntoVec, VecExt};
use crate::{Code, Diagnostic};

pub(super) fn check(query: &Analysis<'_>, findings: &mut Findings) {
    for &(id, selector, series) in &query.selectors() {
        let named = if series.pattern.is_some() { std::slice::from_ref(series) } else { series.each() };
        findings.add_all(named.iter().find_map(|series| undeclared::metric(query, id, selector, series)));
        for matcher in &selector.matchers() {
            if undeclared::matcher(query, matcher, series, findings) {
                continue;
            }
            suspicious_operator(matcher, findings);
        }
        contradictions(selector, series, findings);
        fixed_required_label(query, selector, findings);
    }
}

/// Values that suggest that another operator was intended.
fn suspicious_operator(matcher: &Matcher<'_>, findings: &mut Findings) {
    let value = &*matcher.value.value;
    let finding = |code, title: String| Diagnostic::new(code, matcher.value.span, title);
    let op = matcher.op.as_str();
    match matcher.op {
        MatchOp::Equal | MatchOp::NotEqual if looks_like_regex(value) => {
            let right = if matcher.op == MatchOp::Equal { "=~" } else { "!~" };
            findings.push(
                finding(Code::EqualityLooksLikeRegex, format!("pattern after `{op}`"))
                    .label("compared letter by letter")
                    .help(format!("write `{right}`")),
            );
        }
        MatchOp::Regex | MatchOp::NotRegex if !value.is_empty() && regex::is_literal(value) => {
            let right = if matcher.op == MatchOp::Regex { "=" } else { "!=" };
            findings.push(
                finding(Code::RegexWithoutPattern, format!("plain text after `{op}`"))
                    .label("matches this text only")
                    .help(format!("write `{right}`")),
            );
        }
        MatchOp::Regex if seems_to_require_label(matcher) => {
            findings.push(
                finding(
                    Code::RegexMatchesEmpty,
                    format!("pattern that also matches series without the label `{}`", matcher.label.name),
                )
                .label("matches the empty string"),
            );
        }
        _ => {}
    }
}

/// Whether a pattern matches the empty string, probably by mistake.
fn seems_to_require_label(matcher: &Matcher<'_>) -> bool {
    let value = &*matcher.value.value;
    matcher.matches_empty() && !value.is_empty() && !matches_all(value) && !lists_empty(value) && !value.ends_with(".*")
}

/// Whether every text matches a pattern.
pub(super) fn matches_all(value: &str) -> bool {
    matches!(value.trim_start_matches('^').trim_end_matches('$'), ".*" | "(.*)" | ".*?" | "(.*?)" | ".*.*" | "(?:.*)")
        || value.split('|').any(|part| part == ".*")
}

/// Whether a pattern has an empty alternative, as in `=~"a|"`, to include series without the label.
fn lists_empty(value: &str) -> bool {
    value.starts_with('|')
        || value.ends_with('|')
        || value.contains("||")
        || value.contains("(|")
        || value.contains("|)")
}

fn looks_like_regex(value: &str) -> bool {
    let word =
        |part: &str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
    let class = |text: &str| text.contains("[0-9]") || text.contains("[a-z]") || text.contains("[^");
    let status = value.len() == 3 && value.ends_with("..") && value.starts_with(|c: char| c.is_ascii_digit());
    // `C:\data` is a path.
    let digits = value.split_once(r"\d").is_some_and(|(_, rest)| !rest.starts_with(char::is_alphanumeric));
    let inner = value.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(value);
    value.contains(".*")
        || value.contains(".+")
        || class(value)
        || status
        || digits
        || (inner.contains('|') && inner.split('|').all(word))
        || (value.len() > 2 && value.starts_with('^') && value.ends_with('$'))
}

/// Reports matchers of one label that no value can match together.
fn contradictions(selector: &Selector<'_>, series: &Series<'_>, findings: &mut Findings) {
    for matcher in &selector.matchers() {
        if matcher.op == MatchOp::NotRegex && matches_all(&matcher.value.value) {
            findings.push(
                Diagnostic::new(Code::MatchNothing, matcher.span(), "matcher that no value satisfies")
                    .label("every value matches this pattern"),
            );
            return;
        }
    }
    let mut all: Vec<(&str, Condition<'_>)> = Vec::new();
    for item in selector.items() {
        match item {
            MatcherItem::Matcher(matcher) => all.push((&matcher.label.name, Condition::of(matcher))),
            MatcherItem::Name(name) => {
                all.push(("__name__", Condition { op: MatchOp::Equal, value: &name.value, span: name.span }));
            }
            MatcherItem::Labels(_) => {}
        }
    }
    // A stable sort, which keeps the order of the text within a label.
    sort::by(&mut all, |a, b| a.0.cmp(b.0));
    for of_label in all.chunk_by(|a, b| a.0 == b.0) {
        let label = of_label[0].0;
        let conditions: Vec<Condition<'_>> = of_label.iter().map(|(_, condition)| *condition).into_vec();
        if let Some((first, second)) = contradiction(&conditions) {
            findings.push(
                Diagnostic::new(
                    Code::MatchNothing,
                    second.span,
                    format!("no value of `{label}` satisfies both matchers"),
                )
                .label("contradicts the other one")
                .secondary(first.span, "this one"),
            );
        } else if let (Some(LabelType::OneOf(values)), Some(last)) = (series.label(label), conditions.last())
            && conditions.iter().all(|condition| matches!(condition.op, MatchOp::NotEqual | MatchOp::NotRegex))
            && conditions.len() <= MAX_CONDITIONS
            && values
                .iter()
                .all(|value| conditions.iter().any(|condition| condition.matches(&value.value) == Some(false)))
        {
            let known = series.metric.is_some_and(|metric| metric.known.is_some_and(|it| it.values(label).is_some()));
            let kind = if known { "known" } else { "declared" };
            findings.push(
                Diagnostic::new(Code::MatchNothing, last.span, format!("no {kind} value of `{label}` is left"))
                    .label("excludes the last of them"),
            );
        }
    }
}

/// Reports a matcher of a required label, which each caller filters on.
fn fixed_required_label(query: &Analysis<'_>, selector: &Selector<'_>, findings: &mut Findings) {
    let Some(hole) = selector.labels_hole() else { return };
    for label in file::Labels::all(query.scope.labels).iter().filter(|label| label.required) {
        let name = label.name.value.as_str();
        if let Some(matcher) = selector.fixing(name) {
            findings.push(
                Diagnostic::new(
                    Code::FixedRequiredLabel,
                    matcher.span(),
                    format!("the required label `{name}` is fixed"),
                )
                .label("any other value that a caller passes selects nothing")
                .secondary(hole, format!("every caller filters on `{name}` here")),
            );
        }
    }
}
