//! Grouping by labels that are there to group by.

use super::labels::GROUP_BY;
use super::matchers::undeclared;
use super::query::{Findings, Id, Query};
use crate::promql::{Aggregate, ExprKind, GroupingItem, GroupingKeyword};
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
                    let code = Code::GroupRemovedLabel;
                    let harmful = query.had(operand, &label.name);
                    findings.extend(missing(query, operand, &label.name, label.span, code, title, harmful));
                }
            }
            GroupingItem::GroupBy(span) => {
                findings.extend(missing_group_by(query, operand, *span, Code::GroupRemovedLabel));
            }
        }
    }
}

/// The finding of a label that an expression does not have, a warning unless that is surely harmful. `None` where the query
/// asks for series without it.
pub(super) fn missing(
    query: &Query<'_>,
    operand: Id,
    label: &str,
    span: Span,
    code: Code,
    title: String,
    harmful: bool,
) -> Option<Diagnostic> {
    let (loser, place, text) = query.loss(operand, label);
    if let Some(series) = query.series(loser) {
        let metric = series.metric?;
        return Some(undeclared(metric.name, label, span, metric.labels.as_ref()?.keys().copied()));
    }
    Some(Diagnostic::new(code, span, title).label("always empty here").secondary(place, text).warning_unless(harmful))
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
                Some(left) => format!("only `{}` is left", left.join("`, `")),
                None => String::new(),
            },
        ),
    };
    let (loser, place, text) = query.loss(operand, example);
    if query.series(loser).is_some() {
        return None;
    }
    let what = if example == GROUP_BY { "labels".to_owned() } else { format!("`{example}`") };
    let text = if example == GROUP_BY { all_but } else { text };
    Some(
        Diagnostic::new(code, span, format!("a caller may group by {what}, which is gone"))
            .label("the group would be empty")
            .secondary(place, text),
    )
}
