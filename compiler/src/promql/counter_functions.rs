//! Suggestions that move functions of counters inside expressions.

use super::ast::{BinaryOp, Expr, ExprKind};
use super::functions::Aggregator;

/// Whether a function treats a drop of the value as a restart of the process.
pub(crate) fn is_counter_function(name: &str) -> bool {
    matches!(name, "rate" | "irate" | "increase" | "resets")
}

/// The function of gauges that corresponds to one of counters.
pub(crate) fn gauge_counterpart(name: &str) -> Option<&'static str> {
    Some(match name {
        "rate" => "deriv",
        "increase" => "delta",
        "resets" => "changes",
        _ => return None,
    })
}

/// The text to write for `rate(expr[5m])`, where `expr` is not a selector: `expr` with `rate` of each selector in it,
/// or `expr` itself if it is a rate. `None` if `expr` does more than add, scale and choose values.
pub(crate) fn apply_to_selectors(text: &str, expr: &Expr<'_>, function: &str, range: &str) -> Option<String> {
    let mut pieces = Vec::new();
    if is_rate(expr) {
        return Some(text[expr.span.range()].to_owned());
    }
    if !collect(expr, &mut pieces) || pieces.is_empty() {
        return None;
    }
    let (mut out, mut at) = (String::new(), expr.span.start as usize);
    for piece in pieces {
        let (core, whole) = piece;
        out.push_str(&text[at..core.start as usize]);
        out.push_str(function);
        out.push('(');
        out.push_str(&text[core.range()]);
        out.push_str(range);
        at = whole.end as usize;
        out.push_str(&text[core.end as usize..at]);
        out.push(')');
    }
    out.push_str(&text[at..expr.span.end as usize]);
    Some(out)
}

/// Whether an expression is a rate, possibly summed or scaled.
pub(crate) fn is_rate(expr: &Expr<'_>) -> bool {
    match &expr.kind {
        ExprKind::Paren(inner) => is_rate(inner),
        ExprKind::Unary(unary) => is_rate(&unary.expr),
        ExprKind::Call(call) => matches!(call.name, "rate" | "irate" | "increase"),
        ExprKind::Aggregate(aggregate) if keeps_values(aggregate.op) => is_rate(&aggregate.expr),
        ExprKind::Binary(binary) if matches!(binary.op, BinaryOp::Mul | BinaryOp::Div) => {
            (is_rate(&binary.lhs) && binary.rhs.as_number().is_some())
                || (is_rate(&binary.rhs) && binary.lhs.as_number().is_some())
        }
        _ => false,
    }
}

/// Whether an aggregation adds or chooses values, so that it applies to rates as well as to counters.
pub(crate) fn keeps_values(op: Aggregator) -> bool {
    !matches!(
        op,
        Aggregator::Count | Aggregator::CountValues | Aggregator::Group | Aggregator::Stddev | Aggregator::Stdvar
    )
}

/// Collects the selectors that an expression computes its values from: their spans without and with modifiers.
fn collect(expr: &Expr<'_>, pieces: &mut Vec<(crate::Span, crate::Span)>) -> bool {
    match &expr.kind {
        ExprKind::Selector(selector) if selector.range.is_none() => {
            pieces.push((selector.span, expr.span));
            true
        }
        ExprKind::Number(_) => true,
        ExprKind::Paren(inner) => collect(inner, pieces),
        ExprKind::Unary(unary) => collect(&unary.expr, pieces),
        ExprKind::Aggregate(aggregate) if keeps_values(aggregate.op) => collect(&aggregate.expr, pieces),
        ExprKind::Binary(binary) => match binary.op {
            BinaryOp::Add | BinaryOp::Sub | BinaryOp::Div | BinaryOp::Or => {
                collect(&binary.lhs, pieces) && collect(&binary.rhs, pieces)
            }
            BinaryOp::Mul if binary.rhs.as_number().is_some() => collect(&binary.lhs, pieces),
            BinaryOp::Mul if binary.lhs.as_number().is_some() => collect(&binary.rhs, pieces),
            BinaryOp::And | BinaryOp::Unless => collect(&binary.lhs, pieces),
            _ => false,
        },
        _ => false,
    }
}
