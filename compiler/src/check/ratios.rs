//! Ratios, and what becomes of them when they are aggregated.

use super::query::{Findings, Id, Query};
use crate::promql::{Aggregate, Aggregator, BinaryOp, ExprKind};
use crate::{Code, Diagnostic};

pub(super) fn check(query: &Query<'_>, findings: &mut Findings) {
    for id in query.ids() {
        if let ExprKind::Aggregate(aggregate) = &query.expr(id).kind {
            aggregated(query, id, aggregate, findings);
        }
    }
}

fn aggregated(query: &Query<'_>, id: Id, aggregate: &Aggregate<'_>, findings: &mut Findings) {
    if !matches!(aggregate.op, Aggregator::Sum | Aggregator::Avg | Aggregator::Stddev | Aggregator::Stdvar) {
        return;
    }
    let mut operand = query.bare_id(query.operand(id));
    // `a / b * 100` is the same ratio in percent.
    while let ExprKind::Binary(binary) = &query.expr(operand).kind
        && binary.op == BinaryOp::Mul
        && let Some((scaled, _)) =
            query.children(operand).zip([&binary.rhs, &binary.lhs]).find(|(_, other)| other.as_number().is_some())
    {
        operand = query.bare_id(scaled);
    }
    let ExprKind::Binary(binary) = &query.expr(operand).kind else { return };
    let mut sides = query.children(operand);
    let (BinaryOp::Div, Some(left), Some(right)) = (binary.op, sides.next(), sides.next()) else { return };
    let name = aggregate.op.as_str();
    if let (Some(_), Some(_)) = (rate(query, left), rate(query, right))
        && matches!(aggregate.op, Aggregator::Sum | Aggregator::Avg)
    {
        let what = if aggregate.op == Aggregator::Sum { "sum" } else { "average" };
        findings.push(
            Diagnostic::new(Code::AggregatedRatio, aggregate.op_span, format!("{what} of ratios"))
                .label("busy and idle series count the same")
                .secondary(binary.op_span, "divided before that")
                .help("write `sum(...) / sum(...)`, with the same grouping on both sides"),
        );
        return;
    }
    if let Some((function, span)) = idle(query, right) {
        findings.push(
            Diagnostic::new(Code::NanInAggregation, aggregate.op_span, format!("`{name}` of a ratio that may be NaN"))
                .label("one NaN makes all of it NaN")
                .secondary(span, format!("`{function}` is 0 where nothing happens, and 0 / 0 is NaN"))
                .help(format!("write `({} > 0)` for the divisor", query.slice(query.expr(query.bare_id(right)).span))),
        );
    }
}

/// A call of `rate` or its like on a selector.
fn rate<'e>(query: &Query<'e>, id: Id) -> Option<&'e str> {
    match &query.expr(query.bare_id(id)).kind {
        ExprKind::Call(call) if matches!(call.name, "rate" | "irate" | "increase") => Some(call.name),
        _ => None,
    }
}

/// The `rate` or its like in a divisor that is 0 where nothing happens, unless the divisor keeps zeros out.
fn idle<'e>(query: &Query<'e>, divisor: Id) -> Option<(&'e str, crate::Span)> {
    let mut id = query.bare_id(divisor);
    loop {
        match &query.expr(id).kind {
            ExprKind::Call(call) if matches!(call.name, "rate" | "irate" | "increase") => {
                return Some((call.name, call.name_span));
            }
            ExprKind::Aggregate(aggregate)
                if matches!(aggregate.op, Aggregator::Sum | Aggregator::Avg | Aggregator::Max | Aggregator::Min) =>
            {
                id = query.bare_id(query.operand(id));
            }
            _ => return None,
        }
    }
}
