//! Checks that labels exist before they are grouped by, dropped, or read.

use promql_presets_core::regex::matches_empty;

use super::analysis::{Analysis, Findings};
use super::histograms::explains_missing_le;
use super::label_flow::string_arg;
use super::label_set::GROUP_BY;
use super::matchers::matches_all;
use super::schema::Role;
use super::tree::{Id, Series};
use super::undeclared::{is_misspelt, undeclared};
use crate::promql::{Aggregate, Aggregator, Call, ExprKind, Grouping, GroupingItem, GroupingKeyword, Label};
use crate::vec_ext::VecExt;
use crate::{Code, Diagnostic, Span};

pub(super) fn check(query: &Analysis<'_>, findings: &mut Findings) {
    for id in query.ids() {
        match &query.expr(id).kind {
            ExprKind::Aggregate(aggregate) => {
                aggregate.grouping.iter().for_each(|grouping| group_by_without_braces(query, grouping, findings));
                check_by(query, id, aggregate, findings);
                check_without(query, id, aggregate, findings);
            }
            ExprKind::Binary(binary) => {
                let groupings = binary.matching.iter().chain(&binary.group);
                groupings.for_each(|grouping| group_by_without_braces(query, grouping, findings));
            }
            ExprKind::Call(call) => check_sources(query, id, call, findings),
            _ => {}
        }
    }
}

fn check_by(query: &Analysis<'_>, id: Id, aggregate: &Aggregate<'_>, findings: &mut Findings) {
    let Some(grouping) = aggregate.grouping.as_ref().filter(|grouping| grouping.keyword == GroupingKeyword::By) else {
        return;
    };
    let operand = query.operand(id);
    for item in &grouping.items {
        match item {
            GroupingItem::Label(label) => {
                let is_missing = !query.labels_without_group_by(operand).may_have(&label.name);
                if is_missing && !(label.name == "le" && explains_missing_le(query, id)) {
                    let title = format!("grouping by `{}`, which has been dropped", label.name);
                    let code = Code::GroupRemovedLabel;
                    let harmful = query.declares_label(operand, &label.name);
                    let finding = missing_label(query, operand, &label.name, label.span, code, title, harmful);
                    let help = (label.name == "le").then(|| inside_quantile(query, operand, aggregate)).flatten();
                    findings.add_all(finding.map(|finding| match help {
                        Some(right) => finding.help(format!("write `{right}`")),
                        None => finding,
                    }));
                }
            }
            GroupingItem::GroupBy(span) => {
                findings.add_all(missing_group_by(query, operand, *span, Code::GroupRemovedLabel));
            }
        }
    }
}

/// The text to write for `sum by (le) (histogram_quantile(0.9, x))`: `histogram_quantile(0.9, sum by (le) (x))`.
fn inside_quantile(query: &Analysis<'_>, operand: Id, aggregate: &Aggregate<'_>) -> Option<String> {
    let ExprKind::Call(call) = &query.expr(query.strip_parens(operand)).kind else { return None };
    let [quantile, buckets] = call.args.as_slice() else { return None };
    if call.name != "histogram_quantile"
        || aggregate.op != Aggregator::Sum
        || !matches!(buckets.kind, ExprKind::Call(_))
    {
        return None;
    }
    let (quantile, buckets) = (query.slice(quantile.span), query.slice(buckets.span));
    let grouping = query.slice(aggregate.grouping.as_ref()?.span());
    Some(format!("histogram_quantile({quantile}, sum {grouping} ({buckets}))"))
}

/// `by (group_by)` without braces. A label with this name can be quoted.
fn group_by_without_braces(query: &Analysis<'_>, grouping: &Grouping<'_>, findings: &mut Findings) {
    let named = |label: &&Label<'_>| query.scope.template && label.name == "group_by" && !label.quoted;
    findings.add_all(grouping.labels().iter().copied().find(named).map(|label| {
        Diagnostic::new(Code::MalformedPlaceholder, label.span, "`group_by` without braces")
            .label("a label with exactly this name")
            .help("write `{group_by}`")
    }));
}

/// Labels that `without` drops although no series can have them.
fn check_without(query: &Analysis<'_>, id: Id, aggregate: &Aggregate<'_>, findings: &mut Findings) {
    let grouping = aggregate.grouping.as_ref().filter(|grouping| grouping.keyword == GroupingKeyword::Without);
    let operand = query.operand(id);
    for label in Grouping::labels_of(grouping) {
        findings.add_all(undeclared_label(query, operand, &label.name, label.span));
    }
}

/// Labels that `label_replace`, `label_join` or `sort_by_label` reads although no series can have them.
fn check_sources(query: &Analysis<'_>, id: Id, call: &Call<'_>, findings: &mut Findings) {
    let pattern = string_arg(call, 4).map_or("", |pattern| &*pattern.value);
    // The text for all series, with any label for the pattern.
    let is_for_all = call.name == "label_replace"
        && string_arg(call, 2).is_none_or(|text| !text.value.contains('$'))
        && (pattern.is_empty() || matches_all(pattern));
    let (first, last, optional) = match call.name {
        // Whether the pattern matches series without the label.
        "label_replace" => (3, 3, matches_empty(pattern)),
        "label_join" => (3, call.args.len().saturating_sub(1), false),
        "sort_by_label" | "sort_by_label_desc" => (1, call.args.len().saturating_sub(1), true),
        _ => return,
    };
    let Some(vector) = query.arg(id, 0) else { return };
    let is_wrong = |label: &str| {
        let series = query.series(query.find_drop(vector, label).0);
        let metric = series.and_then(|series| series.each()[0].metric);
        metric.is_some_and(|metric| metric.known.is_some() && (!is_for_all || is_misspelt(metric, label)))
    };
    for label in (first..=last).filter_map(|index| string_arg(call, index)).filter(|label| !label.value.is_empty()) {
        let finding = undeclared_label(query, vector, &label.value, label.span);
        findings.add_all(finding.filter(|_| !optional || is_wrong(&label.value)));
    }
}

/// The finding for a label that an expression lacks because the declaration of its series does not list it.
pub(super) fn undeclared_label(query: &Analysis<'_>, operand: Id, label: &str, span: Span) -> Option<Diagnostic> {
    if query.labels_without_group_by(operand).may_have(label) {
        return None;
    }
    undeclared_in(query, query.series(query.find_drop(operand, label).0)?, label, span)
}

fn undeclared_in(query: &Analysis<'_>, series: &Series<'_>, label: &str, span: Span) -> Option<Diagnostic> {
    if label == "le" && series.declared() == Role::NativeHistogram {
        return Some(
            Diagnostic::new(Code::UndeclaredLabel, span, "native histograms have no label `le`")
                .label("each sample holds all the buckets")
                .help("leave `le` out")
                .warning_unless(false),
        );
    }
    undeclared(query, series, label, span)
}

/// The finding for a label that an expression lacks: a warning unless that is certainly harmful. `None` if the query
/// selects series without it.
pub(super) fn missing_label(
    query: &Analysis<'_>,
    operand: Id,
    label: &str,
    span: Span,
    code: Code,
    title: String,
    harmful: bool,
) -> Option<Diagnostic> {
    let (dropping, place, text) = query.find_drop(operand, label);
    if let Some(series) = query.series(dropping) {
        return undeclared_in(query, series, label, span);
    }
    let is_callers = match &query.expr(dropping).kind {
        ExprKind::Aggregate(aggregate) => aggregate.grouping.as_ref().is_some_and(Grouping::has_hole),
        _ => false,
    };
    let empty = if is_callers { "empty unless callers group by it" } else { "always empty here" };
    Some(Diagnostic::new(code, span, title).label(empty).secondary(place, text).warning_unless(harmful))
}

/// The finding for `{group_by}` where callers may group by labels that an expression lacks.
pub(super) fn missing_group_by(query: &Analysis<'_>, operand: Id, span: Span, code: Code) -> Option<Diagnostic> {
    let labels = query.labels(operand);
    if labels.certainly_has(GROUP_BY) {
        return None;
    }
    let lost = |label: &&str| {
        // A caller has no reason to group by the label of a metric that is only in another query.
        let dropping = || query.series(query.find_drop(operand, label).0);
        !labels.may_have(label) && dropping().is_none_or(|series| query.is_shared(series.metric, label))
    };
    let (example, all_but) = match query.groupable() {
        Some(mut declared) => (declared.find(lost)?, String::new()),
        None if labels.may_have(GROUP_BY) => return None,
        None => (
            GROUP_BY,
            match labels.all() {
                Some([]) => "no label is left".to_owned(),
                Some([left]) => format!("only `{left}` is left"),
                Some(left) => format!("only `{}` are left", left.join("`, `")),
                None => String::new(),
            },
        ),
    };
    let (dropping, place, text) = query.find_drop(operand, example);
    if let ExprKind::Selector(selector) = &query.expr(dropping).kind
        && let Some(matcher) = selector.fixing(example)
    {
        return Some(
            Diagnostic::new(code, span, format!("a caller may group by `{example}`, which no series here has"))
                .label("the group would be empty")
                .secondary(matcher.span(), "selects series without the label"),
        );
    }
    if let Some(series) = query.series(dropping) {
        // The labels to group by and the metric are declared in different files.
        let metric = series.metric.filter(|_| example != GROUP_BY)?;
        let place_of = if metric.is_declared { "those that are declared" } else { "its labels in `metrics.toml`" };
        let title = format!("a caller may group by `{example}`, which `{}` does not have", metric.name);
        return Some(
            Diagnostic::new(Code::UndeclaredLabel, span, title)
                .label("the group would be empty")
                .secondary(place, format!("no label `{example}` among {place_of}")),
        );
    }
    let what = if example == GROUP_BY {
        "labels that have been dropped".to_owned()
    } else {
        format!("`{example}`, which has been dropped")
    };
    let text = if example == GROUP_BY { all_but } else { text };
    Some(
        Diagnostic::new(code, span, format!("a caller may group by {what}"))
            .label("the group would be empty")
            .secondary(place, text),
    )
}
