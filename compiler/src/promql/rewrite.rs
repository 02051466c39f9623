//! What to write where a function of counters stands around what it should stand inside of.

use super::ast::{BinaryOp, Expr, ExprKind};
use super::functions::Aggregator;

/// Whether a function takes drops of the value for restarts of the process.
pub(crate) fn is_counter_function(name: &str) -> bool {
    matches!(name, "rate" | "irate" | "increase" | "resets")
}

/// The function of gauges in place of one of counters.
pub(crate) fn gauge_counterpart(name: &str) -> Option<&'static str> {
    Some(match name {
        "rate" => "deriv",
        "increase" => "delta",
        "resets" => "changes",
        _ => return None,
    })
}

/// What to write for `rate(expr[5m])`, where `expr` is no selector: each selector in it with its own `rate`, or what is
/// a rate already. `None` where it is made in other ways than by adding, scaling and choosing.
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

/// Whether an expression is a rate already, possibly added up or scaled.
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

/// Whether an aggregation adds or chooses values, so that it works on rates as on what they are made of.
pub(crate) fn keeps_values(op: Aggregator) -> bool {
    !matches!(
        op,
        Aggregator::Count | Aggregator::CountValues | Aggregator::Group | Aggregator::Stddev | Aggregator::Stdvar
    )
}

/// The selectors whose values make the expression: without modifiers, and with them.
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
