//! Checks of the names, labels and values in selectors.

use promql_presets_core::LabelKind;

use super::analysis::{Analysis, Findings};
use super::conditions::{Condition, MAX_CONDITIONS, alternatives, contradiction, is_plain};
use super::schema::Role;
use super::tree::Series;
use crate::diagnostic::suggest::nearest;
use crate::file::{Label, LabelType, MetricType};
use crate::promql::{MatchOp, Matcher, MatcherItem, Name, Selector};
use crate::{Code, Diagnostic, Span};

pub(super) fn check(query: &Analysis<'_>, findings: &mut Findings) {
    for (_, selector, series) in query.selectors() {
        undeclared_metric(query, selector, series, findings);
        for matcher in selector.matchers() {
            if undeclared_label(matcher, series, findings) {
                continue;
            }
            suspicious_operator(matcher, findings);
        }
        contradictions(selector, series, findings);
        fixed_required_label(query, selector, findings);
    }
}

/// A series that a declared metric does not have.
fn undeclared_metric(query: &Analysis<'_>, selector: &Selector<'_>, series: &Series<'_>, findings: &mut Findings) {
    let Some(name) = series.name.as_deref() else { return };
    let span = selector.name.as_ref().map_or(selector.span, |name| name.span);
    if let Some(metric) = series.metric {
        if series.declared() == Role::Base {
            let written = query.slice(span);
            findings.push(
                Diagnostic::new(Code::UndeclaredMetric, span, format!("no series `{name}`"))
                    .label(format!("`{}` is a classic histogram", metric.name))
                    .help(format!("write `{written}_bucket`, `{written}_sum` or `{written}_count`"))
                    .note("declare `type = \"native_histogram\"` if its samples are histograms"),
            );
        }
        return;
    }
    if query.scope.template && selector.name.as_ref().and_then(Name::as_literal) == Some("metric_name") {
        findings.push(
            Diagnostic::new(Code::MalformedPlaceholder, span, "`metric_name` without braces")
                .label("a metric with exactly this name")
                .help("write `{metric_name}`"),
        );
        return;
    }
    if let Some(meant) = query.scope.metrics.similar(name) {
        findings.push(
            Diagnostic::new(Code::UndeclaredMetric, span, format!("no file declares `{name}`"))
                .label("one letter away from a declared metric")
                .help(format!("write `{meant}`"))
                .warning_unless(false),
        );
        return;
    }
    // Only `{metric_name}_suffix` certainly refers to the declared metric.
    let (Some(base), Some(written)) = (query.scope.metric, &selector.name) else { return };
    let (Some((metric, _)), false) = (query.scope.metrics.find(base), written.holes.is_empty()) else { return };
    let Some(kind) = metric.kind.filter(|kind| *kind != MetricType::Unknown) else { return };
    // Names with a colon are recording rules.
    let Some(suffix) = name.strip_prefix(base).filter(|suffix| !suffix.contains(':')) else { return };
    let finding = Diagnostic::new(Code::UndeclaredMetric, span, format!("no series `{name}`"))
        .label(format!("a {} has no series with this name", kind.as_str().replace('_', " ")));
    let hole = written.holes.first().map_or("", |hole| query.slice(*hole));
    let derived = metric.derived().iter().map(|(suffix, _)| *suffix);
    let meant = nearest(suffix, derived.clone()).or_else(|| Some("").filter(|_| derived.len() <= 2));
    findings.push(if let Some(meant) = meant {
        finding.help(format!("write `{hole}{meant}`"))
    } else {
        let series: Vec<String> = derived.map(|suffix| format!("`{hole}{suffix}`")).collect();
        let own =
            if kind == MetricType::Summary { format!("`{hole}` with the label `quantile`, ") } else { String::new() };
        finding.note(format!("its series are {own}{}", series.join(", ")))
    });
}

/// Reports a label or a value that the metric's file does not declare. Returns whether there was one.
fn undeclared_label(matcher: &Matcher<'_>, series: &Series<'_>, findings: &mut Findings) -> bool {
    let Some(labels) = series.metric.and_then(|metric| metric.labels.as_ref()) else {
        return false;
    };
    let label = &*matcher.label.name;
    let Some(declared) = labels.get(label) else {
        let known = label.starts_with("__")
            || matches!(label, "job" | "instance")
            || (label == "le" && matches!(series.role, Role::Bucket | Role::Unknown))
            || (label == "quantile" && matches!(series.role, Role::Quantiles | Role::Unknown));
        if !known {
            findings.push(undeclared(series, label, matcher.label.span, labels.keys().copied()));
        }
        return !known;
    };
    undeclared_value(matcher, declared, findings)
}

/// A UUID in upper case, or an integer with leading zeros: filters of callers have another form.
fn unusual_form(matcher: &Matcher<'_>, kind: &LabelType, typed: &str) -> Option<Diagnostic> {
    let kind = kind.as_ref().map(|_| &[][..]);
    let (LabelKind::Uuid | LabelKind::Integer) = kind else { return None };
    let usual = kind.normalize(typed).filter(|usual| usual != typed)?;
    let (value, all) = (&*matcher.value.value, matcher.value.span);
    // With an escape in it, the value has another length in the template.
    let at = value.find(typed).filter(|_| all.range().len() == value.len() + 2)?;
    let start = all.start + 1 + u32::try_from(at).ok()?;
    let span = Span::new(start, start + u32::try_from(typed.len()).ok()?);
    let title = format!("`{typed}` is not in the form of the label's filters");
    Some(
        Diagnostic::new(Code::UndeclaredLabelValue, span, title)
            .label(format!("a caller's filter on `{}` is written `{usual}`", matcher.label.name))
            .write(span, usual)
            .warning_unless(false),
    )
}

/// Reports a value that the label cannot have. Returns whether there was one.
fn undeclared_value(matcher: &Matcher<'_>, declared: &Label, findings: &mut Findings) -> bool {
    let Some(kind) = &declared.kind else { return false };
    let prefix = declared.prefix.as_ref().map_or("", |prefix| prefix.value.as_str());
    let (label, value) = (&*matcher.label.name, &*matcher.value.value);
    let typed = match matcher.op {
        MatchOp::Equal | MatchOp::NotEqual => Some(vec![value]),
        MatchOp::Regex | MatchOp::NotRegex => alternatives(value),
    };
    let known = |typed: &str| {
        typed.is_empty()
            || match kind {
                LabelType::OneOf(values) => values.iter().any(|value| value.value == typed),
                other => other.as_ref().map(|_| &[][..]).normalize_after(prefix, typed).is_some(),
            }
    };
    let finding = |title| Diagnostic::new(Code::UndeclaredLabelValue, matcher.value.span, title);
    let finding = match (typed, kind) {
        (Some(typed), _) => {
            let Some(wrong) = typed.iter().find(|typed| !known(typed)) else {
                findings.extend(typed.into_iter().find_map(|typed| unusual_form(matcher, kind, typed)));
                return false;
            };
            let finding = finding(format!("`{wrong}` is not a value of the label `{label}`"));
            match kind {
                LabelType::Integer => finding.label("declared as an integer"),
                LabelType::Uuid if prefix.is_empty() => finding.label("declared as a UUID"),
                LabelType::Uuid => finding.label(format!("declared as a UUID after `{prefix}`")),
                _ => {
                    let finding = finding.label("not among the declared values");
                    match nearest(wrong, values_of(kind)) {
                        Some(meant) => finding.help(format!("a value with a similar name exists: `{meant}`")),
                        None => finding.note(declared_values(kind)),
                    }
                }
            }
        }
        (None, LabelType::OneOf(values)) if matcher.op == MatchOp::Regex && !matcher.matches_empty() => {
            let condition = Condition::of(matcher);
            if !values.iter().all(|value| condition.matches(&value.value) == Some(false)) {
                return false;
            }
            finding(format!("pattern that no value of the label `{label}` matches"))
                .label("matches none of the declared values")
                .note(declared_values(kind))
        }
        _ => return false,
    };
    findings.push(finding);
    true
}

fn values_of(kind: &LabelType) -> impl Iterator<Item = &str> {
    let values = if let LabelType::OneOf(values) = kind { &values[..] } else { &[] };
    values.iter().map(|value| value.value.as_str())
}

fn declared_values(kind: &LabelType) -> String {
    format!("declared are `{}`", values_of(kind).collect::<Vec<_>>().join("`, `"))
}

/// The finding for a label that the file of a metric does not declare.
pub(super) fn undeclared<'l>(
    series: &Series<'_>,
    label: &str,
    span: crate::Span,
    labels: impl Iterator<Item = &'l str>,
) -> Diagnostic {
    let (metric, path) = series.metric.map_or(("", ""), |metric| (metric.name, metric.path.as_str()));
    let file = if series.is_own { "its file".to_owned() } else { format!("`{path}`") };
    let finding = Diagnostic::new(Code::UndeclaredLabel, span, format!("`{metric}` has no label `{label}`"))
        .label(format!("not among the labels that {file} declares"));
    let le = (series.role == Role::Bucket).then_some("le");
    match nearest(label, labels.chain(le)) {
        Some(meant) => finding.help(format!("a label with a similar name exists: `{meant}`")),
        // Labels that files do not declare.
        None if label.eq_ignore_ascii_case("le") => finding.note("only the buckets of a classic histogram have `le`"),
        None if label == "quantile" => finding.note("only the quantiles of a summary have `quantile`"),
        None => {
            // As a key of TOML.
            let is_bare = label.chars().all(|char| char.is_ascii_alphanumeric() || matches!(char, '_' | '-'));
            let key = if is_bare { label.to_owned() } else { format!("{label:?}") };
            let place = if series.is_own { String::new() } else { format!(" of `{path}`") };
            finding.help(format!("declare it: `{key} = \"string\"` below `[labels]`{place}"))
        }
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
        MatchOp::Regex | MatchOp::NotRegex if !value.is_empty() && is_plain(value) => {
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
                    format!("pattern that series without the label `{}` match, too", matcher.label.name),
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

fn matches_all(value: &str) -> bool {
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

/// Matchers of one label that no value can match.
fn contradictions(selector: &Selector<'_>, series: &Series<'_>, findings: &mut Findings) {
    for matcher in selector.matchers() {
        if matcher.op == MatchOp::NotRegex && matches_all(&matcher.value.value) {
            findings.push(
                Diagnostic::new(Code::MatchNothing, matcher.span(), "matcher that nothing meets")
                    .label("every value matches this pattern"),
            );
            return;
        }
    }
    let mut matchers: Vec<&Matcher<'_>> = selector.matchers().collect();
    // A stable sort, which keeps the order of the text within a label.
    matchers.sort_by(|a, b| a.label.name.cmp(&b.label.name));
    for of_label in matchers.chunk_by(|a, b| a.label.name == b.label.name) {
        let label = &of_label[0].label.name;
        let conditions: Vec<Condition<'_>> = of_label.iter().map(|matcher| Condition::of(matcher)).collect();
        if let Some((first, second)) = contradiction(&conditions) {
            findings.push(
                Diagnostic::new(Code::MatchNothing, second.span, format!("no value of `{label}` meets both matchers"))
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
            findings.push(
                Diagnostic::new(Code::MatchNothing, last.span, format!("no declared value of `{label}` is left"))
                    .label("excludes the last of them"),
            );
        }
    }
}

/// A matcher of a required label, which each caller must filter on.
fn fixed_required_label(query: &Analysis<'_>, selector: &Selector<'_>, findings: &mut Findings) {
    let Some(hole) = selector.items().iter().find(|item| matches!(item, MatcherItem::Labels(_))) else { return };
    for label in query.scope.labels.iter().flat_map(|labels| &labels.labels).filter(|label| label.required) {
        let name = label.name.value.as_str();
        let fixed = selector.matchers().find(|matcher| matcher.op == MatchOp::Equal && matcher.label.name == name);
        if let Some(matcher) = fixed {
            findings.push(
                Diagnostic::new(
                    Code::FixedRequiredLabel,
                    matcher.span(),
                    format!("the required label `{name}` is fixed"),
                )
                .label("any other value that a caller passes selects nothing")
                .secondary(hole.span(), format!("every caller filters on `{name}` here")),
            );
        }
    }
}
