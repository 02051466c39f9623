//! Checks that callers can filter every selector.

use super::analysis::{Analysis, Findings};
use super::schema::Metric;
use super::tree::Id;
use super::variables::has_variable;
use crate::file::{Label, Labels};
use crate::promql::{BinaryOp, ExprKind, Selector};
use crate::{Code, Diagnostic, Span};

pub(super) fn check(query: &Analysis<'_>, findings: &mut Findings) {
    if !query.scope.template {
        return;
    }
    // In `preset!`, the author sees that the query has no selector.
    if query.selectors().is_empty() && !query.scope.inline {
        findings.push(
            Diagnostic::new(Code::UnfilteredSelector, query.expr(0).span, "preset without a selector")
                .label("reads no series, so that no filter has an effect")
                // A warning only: a filter on the label would not have excluded any series.
                .warning_unless(false),
        );
    }
    filters_without_label(query, findings);
    // A variable in a matcher is reported with `{labels}` as its replacement.
    let unfiltered = |selector: &Selector<'_>| !selector.has_labels_hole() && !has_variable(selector);
    for &(id, selector, _) in &query.selectors() {
        if !unfiltered(selector) {
            continue;
        }
        let finding = Diagnostic::new(Code::UnfilteredSelector, selector.span, "selector without `{labels}`")
            .label("a caller's filter does not reach these series");
        findings.push(match name_with_dash(query, id, selector) {
            Some(name) => finding
                .note("`-` is a minus; a name with a dash is quoted inside the braces")
                .help(format!("write `{{{{\"{name}\",{{labels}}}}}}` if `{name}` is a name")),
            None => match query.slice(selector.span) {
                "true" => finding.help("write `1`"),
                "false" => finding.help("write `0`"),
                _ => comment(query, selector, finding),
            },
        });
    }
}

/// Reports a label that callers filter on, but that a metric does not have. Presets of one file use some of its labels, so
/// one that callers need not filter on is reported only where [other series](Analysis::is_shared) have it.
fn filters_without_label(query: &Analysis<'_>, findings: &mut Findings) {
    let Some(declared) = query.scope.labels else { return };
    let mut seen: Vec<&str> = Vec::new();
    for &(_, selector, series) in &query.selectors() {
        let Some(hole) = selector.labels_hole() else { continue };
        let find = |metric| filter_without_label(query, declared, selector, metric);
        let is_only = series.pattern.is_none();
        let found = series.each().iter().filter_map(|series| series.metric).find_map(find);
        let Some((metric, label)) = found else { continue };
        let (name, metric_name) = (&label.name.value, metric.name);
        let callers = if label.required { "callers must filter" } else { "callers can filter" };
        let title = format!("{callers} on `{name}`, but `{metric_name}` has no such label");
        let path = if metric.is_declared { metric.path } else { "metrics.toml" };
        let lists = if metric.is_declared { "declares" } else { "lists" };
        let effect =
            if is_only { "the filter would select nothing here" } else { "the filter would leave out its series" };
        let finding = Diagnostic::new(Code::UndeclaredLabel, hole, title)
            .label(effect)
            .note(format!("`{path}` {lists} the labels of `{metric_name}`"))
            .warning_unless(is_only || label.required);
        // One finding for each metric.
        if !seen.contains(&metric_name) {
            seen.push(metric_name);
            findings.push(finding);
        }
    }
}

/// A label that callers may filter on, but that a metric does not have.
fn filter_without_label<'e, 'l>(
    query: &Analysis<'e>,
    declared: &'l Labels,
    selector: &Selector<'_>,
    metric: &'e Metric<'e>,
) -> Option<(&'e Metric<'e>, &'l Label)> {
    let labels = metric.labels.as_ref().filter(|_| query.scope.metric != Some(metric.name))?;
    let lacks = |label: &&Label| {
        let name = label.name.value.as_str();
        label.usage.is_filter()
            && !labels.contains_key(name)
            && !query.is_target_label(name)
            // Another finding is about the matcher.
            && !selector.matchers().iter().any(|matcher| matcher.label.name == name)
            && (label.required || query.is_shared(Some(metric), name))
    };
    Some((metric, declared.labels.iter().find(lacks)?))
}

/// The help about a selector, which may also be the word of a comment as other languages have it.
fn comment(query: &Analysis<'_>, selector: &Selector<'_>, finding: Diagnostic) -> Diagnostic {
    let before = query.text[..selector.span.range().start].trim_end();
    let after = &query.text[selector.span.range().end..];
    let is_last = selector.braces.is_none() && after.lines().next().is_none_or(|line| line.trim().is_empty());
    if is_last && before.ends_with("--") {
        let span = Span::of(before.len() - 2..before.len());
        return finding.note("`--` subtracts a negated value; comments start with `#`").write(span, "#");
    }
    let finding = finding.write(selector.span, query.with_item(selector, "{labels}"));
    if is_last && before.ends_with('%') {
        finding.note("`%` is the remainder of a division; comments start with `#`")
    } else {
        finding
    }
}

/// The metric name that a subtraction such as `node-load1` may stand for.
fn name_with_dash(query: &Analysis<'_>, id: Id, selector: &Selector<'_>) -> Option<String> {
    let parent = query.parent(id).filter(|_| selector.braces.is_none() && selector.range.is_none())?;
    let ExprKind::Binary(binary) = &query.expr(parent).kind else { return None };
    let right = query.arg(parent, 1)?;
    let ExprKind::Selector(next) = &query.expr(right).kind else { return None };
    let touches = binary.op == BinaryOp::Sub
        && right != id
        && binary.op_span.start == selector.span.end
        && binary.op_span.end == next.span.start;
    let (first, second) = (selector.name.as_ref()?.as_literal()?, next.name.as_ref()?.as_literal()?);
    touches.then(|| format!("{first}-{second}"))
}
