//! Checks of aggregated ratios.

use super::analysis::{Analysis, Findings};
use super::tree::Id;
use crate::promql::{Aggregate, Aggregator, BinaryOp, ExprKind};
use crate::{Code, Diagnostic};

pub(super) fn check(query: &Analysis<'_>, findings: &mut Findings) {
    for id in query.ids() {
        if let ExprKind::Aggregate(aggregate) = &query.expr(id).kind {
            aggregated(query, id, aggregate, findings);
        }
    }
}

fn aggregated(query: &Analysis<'_>, id: Id, aggregate: &Aggregate<'_>, findings: &mut Findings) {
    if !matches!(aggregate.op, Aggregator::Sum | Aggregator::Avg | Aggregator::Stddev | Aggregator::Stdvar) {
        return;
    }
    // `a / b * 100` is the same ratio in percent, `1 - a / b` its complement.
    let operand = unscaled(query, query.operand(id));
    let ExprKind::Binary(binary) = &query.expr(operand).kind else { return };
    let (BinaryOp::Div | BinaryOp::Mod, &[left, right]) = (binary.op, query.children(operand)) else {
        return;
    };
    let name = aggregate.op.as_str();
    if let (Some(_), Some(_)) = (idle(query, unscaled(query, left)), idle(query, unscaled(query, right)))
        && matches!(aggregate.op, Aggregator::Sum | Aggregator::Avg)
        && binary.op == BinaryOp::Div
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
                .secondary(
                    span,
                    format!("`{function}` is 0 where nothing happens, and 0 {} 0 is NaN", binary.op.as_str()),
                )
                .help(format!(
                    "write `({} > 0)` for the divisor",
                    query.slice(query.expr(query.strip_parens(right)).span)
                )),
        );
    }
}

/// The expression without parentheses, signs, and arithmetic with numbers around it.
pub(super) fn unscaled(query: &Analysis<'_>, mut id: Id) -> Id {
    loop {
        id = query.strip_parens(id);
        let inner = match &query.expr(id).kind {
            ExprKind::Unary(_) => query.arg(id, 0),
            ExprKind::Binary(binary) => {
                let (left, right) = (query.arg(id, 0), query.arg(id, 1));
                match binary.op {
                    BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div
                        if binary.rhs.as_number().is_some() =>
                    {
                        left
                    }
                    BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul if binary.lhs.as_number().is_some() => right,
                    _ => None,
                }
            }
            _ => None,
        };
        match inner {
            Some(inner) => id = inner,
            None => return id,
        }
    }
}

/// The `rate` or similar function that makes a divisor 0 without events, unless the divisor excludes zeros.
fn idle<'e>(query: &Analysis<'e>, divisor: Id) -> Option<(&'e str, crate::Span)> {
    let mut id = query.strip_parens(divisor);
    loop {
        match &query.expr(id).kind {
            ExprKind::Call(call) if matches!(call.name, "rate" | "irate" | "increase") => {
                return Some((call.name, call.name_span));
            }
            ExprKind::Aggregate(aggregate)
                if matches!(aggregate.op, Aggregator::Sum | Aggregator::Avg | Aggregator::Max | Aggregator::Min) =>
            {
                id = query.strip_parens(query.operand(id));
            }
            _ => return None,
        }
    }
}
