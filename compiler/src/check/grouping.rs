//! Grouping by labels that are there to group by.

use super::labels::GROUP_BY;
use super::matchers::undeclared;
use super::query::{Findings, Id, Query};
use crate::promql::{Aggregate, Aggregator, ExprKind, GroupingItem, GroupingKeyword};
use crate::{Code, Diagnostic, Span};

pub(super) fn check(query: &Query<'_>, findings: &mut Findings) {
    for id in query.ids() {
        if let ExprKind::Aggregate(aggregate) = &query.expr(id).kind {
            by(query, id, aggregate, findings);
        }
    }
}

fn by(query: &Query<'_>, id: Id, aggregate: &Aggregate<'_>, findings: &mut Findings) {
    let Some(grouping) = aggregate.grouping.as_ref().filter(|grouping| grouping.keyword == GroupingKeyword::By) else {
        return;
    };
    let operand = query.operand(id);
    for item in &grouping.items {
        match item {
            GroupingItem::Label(label) => {
                if !query.bare_labels(operand).may_have(&label.name) {
                    let title = format!("grouping by `{}`, which is gone", label.name);
                    let finding = missing(query, operand, &label.name, label.span, Code::GroupRemovedLabel, title);
                    let help = (label.name == "le").then(|| inside_quantile(query, operand, aggregate)).flatten();
                    findings.extend(finding.map(|finding| match help {
                        Some(right) => finding.help(format!("write `{right}`")),
                        None => finding,
                    }));
                }
            }
            GroupingItem::GroupBy(span) => {
                findings.extend(missing_group_by(query, operand, *span, Code::GroupRemovedLabel));
            }
        }
    }
}

/// `histogram_quantile(0.9, sum by (le) (x))` for `sum by (le) (histogram_quantile(0.9, x))`.
fn inside_quantile(query: &Query<'_>, operand: Id, aggregate: &Aggregate<'_>) -> Option<String> {
    let ExprKind::Call(call) = &query.expr(query.bare_id(operand)).kind else { return None };
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

/// The finding of a label that an expression does not have. `None` where the query asks for series without it.
pub(super) fn missing(
    query: &Query<'_>,
    operand: Id,
    label: &str,
    span: Span,
    code: Code,
    title: String,
) -> Option<Diagnostic> {
    let (loser, place, text) = query.loss(operand, label);
    if let Some(series) = query.series(loser) {
        let metric = series.metric?;
        return Some(undeclared(metric.name, label, span, metric.labels.as_ref()?.keys().copied()));
    }
    Some(Diagnostic::new(code, span, title).label("always empty here").secondary(place, text))
}

/// The finding of `{group_by}` where a caller may group by labels that an expression does not have.
pub(super) fn missing_group_by(query: &Query<'_>, operand: Id, span: Span, code: Code) -> Option<Diagnostic> {
    let labels = query.labels(operand);
    if labels.surely_has(GROUP_BY) {
        return None;
    }
    let lost = |label: &&str| !labels.may_have(label);
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
    let (loser, place, text) = query.loss(operand, example);
    if query.series(loser).is_some() {
        return None;
    }
    let title = if example == GROUP_BY {
        "a caller may group by labels that are gone".to_owned()
    } else {
        format!("a caller may group by `{example}`, which is gone")
    };
    let text = if example == GROUP_BY { all_but } else { text };
    Some(Diagnostic::new(code, span, title).label("the group would be empty").secondary(place, text))
}
