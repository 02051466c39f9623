//! Constants for which a function or operator returns no or meaningless values.

use super::analysis::{Analysis, Findings};
use super::tree::Id;
use crate::promql::{Aggregator, BinaryOp, Call, Duration, ExprKind, StringLiteral};
use crate::vec_ext::VecExt;
use crate::{Code, Diagnostic, Span};

pub(super) fn check(query: &Analysis<'_>, findings: &mut Findings) {
    for id in query.ids() {
        match &query.expr(id).kind {
            ExprKind::Call(call) => function(query, call, findings),
            ExprKind::Aggregate(aggregate) => {
                if let Some(ExprKind::String(label)) =
                    aggregate.param.as_ref().map(|param| &param.unparenthesized().kind)
                    && aggregate.op == Aggregator::CountValues
                {
                    findings.add_all(invalid_label_name(aggregate.op.as_str(), label));
                }
                let Some((value, span)) = number(aggregate.param.as_ref()) else { continue };
                aggregation(query, aggregate.op, value, span, findings);
            }
            ExprKind::Selector(selector) => {
                findings.add_all(selector.range.as_ref().and_then(|range| short_range(&range.duration)));
            }
            ExprKind::Subquery(subquery) => {
                findings.add_all(short_range(&subquery.range));
                // A step is rounded down to milliseconds.
                let step = subquery.step.as_ref().filter(|step| is_below_millisecond(step));
                findings.add_all(step.map(|step| {
                    let title = "subquery with a step below a millisecond".to_owned();
                    out_of_range(step.span, title, "the query fails")
                }));
            }
            ExprKind::Binary(binary) if matches!(binary.op, BinaryOp::Div | BinaryOp::Mod) => {
                if let Some((value, span)) = number(Some(&binary.rhs))
                    && value == 0.0
                    && query.is_vector(id)
                {
                    findings.push(
                        Diagnostic::new(Code::DivisionByZero, span, "division by zero")
                            .label(if binary.op == BinaryOp::Mod { "gives NaN" } else { "gives infinity or NaN" }),
                    );
                }
            }
            _ => {}
        }
    }
    comparisons(query, findings);
}

fn is_below_millisecond(duration: &Duration) -> bool {
    duration.interval(&|_| None).is_some_and(|it| it.low > 0.0 && it.low < 0.001)
}

/// A range that is rounded down to nothing.
fn short_range(range: &Duration) -> Option<Diagnostic> {
    is_below_millisecond(range)
        .then(|| out_of_range(range.span, "range below a millisecond".to_owned(), "holds no samples"))
}

/// The limit below which Prometheus converts a number of series to an integer.
#[expect(clippy::cast_precision_loss, reason = "Prometheus compares floats as well")]
pub(super) const MAX_COUNT: f64 = i64::MAX as f64;

fn number(expr: Option<&crate::promql::Expr<'_>>) -> Option<(f64, Span)> {
    expr.and_then(|expr| Some((expr.as_number()?, expr.span)))
}

fn out_of_range(span: Span, title: String, label: &str) -> Diagnostic {
    Diagnostic::new(Code::ConstantOutOfRange, span, title).label(label)
}

/// Reports a label name that makes the query fail. Any other UTF-8 text is valid.
pub(super) fn invalid_label_name(function: &str, label: &StringLiteral<'_>) -> Option<Diagnostic> {
    let name = match &*label.value {
        "" => "an empty label name",
        _ if label.broken_utf8 => "a label name that is not UTF-8",
        _ => return None,
    };
    Some(out_of_range(label.span, format!("`{function}` with {name}"), "the query fails"))
}

fn quantile(name: &str, value: f64, span: Span, findings: &mut Findings) {
    if (0.0..=1.0).contains(&value) {
        return;
    }
    let label = if value.is_nan() {
        "gives NaN"
    } else if value > 1.0 {
        "gives infinity"
    } else {
        "gives negative infinity"
    };
    let finding =
        Diagnostic::new(Code::QuantileOutOfRange, span, format!("`{name}` takes a quantile from 0 to 1")).label(label);
    let share = (value * 1e6).round() / 1e8;
    findings.push(if value > 1.0 && share <= 1.0 { finding.help(format!("write `{share}`")) } else { finding });
}

fn aggregation(query: &Analysis<'_>, op: Aggregator, value: f64, span: Span, findings: &mut Findings) {
    let name = op.as_str();
    match op {
        Aggregator::Quantile => quantile(name, value, span, findings),
        Aggregator::Topk | Aggregator::Bottomk | Aggregator::Limitk if value < 1.0 => {
            let title = format!("`{name}` of `{}` series", query.slice(span));
            findings.push(out_of_range(span, title, "returns nothing"));
        }
        Aggregator::Topk | Aggregator::Bottomk | Aggregator::Limitk if value.is_nan() => {
            findings.push(out_of_range(span, format!("`{name}` of `NaN` series"), "the query fails"));
        }
        // As in Prometheus, whose limit is 2^63.
        Aggregator::Topk | Aggregator::Bottomk | Aggregator::Limitk if value >= MAX_COUNT => {
            let title = format!("`{name}` of `{}` series", query.slice(span));
            findings.push(out_of_range(span, title, "more than 64 bits hold: the query fails"));
        }
        Aggregator::LimitRatio if !(-1.0..=1.0).contains(&value) => {
            findings.push(out_of_range(span, format!("`{name}` takes a ratio from -1 to 1"), "out of that range"));
        }
        _ => {}
    }
}

fn function(query: &Analysis<'_>, call: &Call<'_>, findings: &mut Findings) {
    let arg = |index: usize| number(call.args.get(index));
    match call.name {
        "histogram_quantile" | "quantile_over_time" => {
            if let Some((value, span)) = arg(0) {
                quantile(call.name, value, span, findings);
            }
        }
        "histogram_quantiles" => {
            for (value, span) in (2..call.args.len()).filter_map(arg) {
                quantile(call.name, value, span, findings);
            }
        }
        "clamp" => {
            if let (Some((min, first)), Some((max, second))) = (arg(1), arg(2))
                && min > max
            {
                let (low, high) = (query.slice(second), query.slice(first));
                findings.push(
                    out_of_range(first, "`clamp` with a minimum above the maximum".to_owned(), "returns nothing")
                        .secondary(second, "smaller than the minimum")
                        .help(format!("write `{low}, {high}`")),
                );
            }
        }
        "round" => {
            if let Some((value, span)) = arg(1).filter(|(value, _)| *value == 0.0 || value.is_nan()) {
                findings.push(out_of_range(span, format!("`round` to multiples of `{value}`"), "gives NaN"));
            }
        }
        "double_exponential_smoothing" | "holt_winters" => {
            for (_, span) in (1..3).filter_map(arg).filter(|(value, _)| !(*value > 0.0 && *value < 1.0)) {
                let title = format!("`{}` takes factors between 0 and 1", call.name);
                findings.push(out_of_range(span, title, "out of that range: the query fails"));
            }
        }
        _ => {}
    }
}

fn count_of_bool(name: &str, span: Span, bool_span: Span, instead: &str) -> Diagnostic {
    Diagnostic::new(Code::CountOfBool, span, format!("`{name}` of a comparison with `bool`"))
        .label("counts the zeros, too")
        .secondary(bool_span, "returns 0 where the comparison is false")
        .help(format!("write `{instead}`, or leave `bool` out"))
}

fn comparisons(query: &Analysis<'_>, findings: &mut Findings) {
    let with_bool = |id: Id| match &query.expr(query.strip_parens(id)).kind {
        ExprKind::Binary(binary) if binary.op.is_comparison() => binary.bool_span,
        _ => None,
    };
    for id in query.ids() {
        match &query.expr(id).kind {
            ExprKind::Aggregate(aggregate) if aggregate.op == Aggregator::Count => {
                let Some(bool_span) = with_bool(query.operand(id)) else { continue };
                findings.push(count_of_bool("count", aggregate.op_span, bool_span, "sum"));
            }
            ExprKind::Call(call) if call.name == "count_over_time" => {
                let Some(arg) = query.arg(id, 0).map(|arg| query.strip_parens(arg)) else { continue };
                let ExprKind::Subquery(_) = &query.expr(arg).kind else { continue };
                let Some(bool_span) = with_bool(arg + 1) else { continue };
                findings.push(count_of_bool(call.name, call.name_span, bool_span, "sum_over_time"));
            }
            ExprKind::Binary(binary) if binary.op.is_comparison() => {
                let sides = [&binary.lhs, &binary.rhs];
                if let Some(nan) = sides.iter().find(|side| side.as_number().is_some_and(f64::is_nan)) {
                    findings.push(
                        Diagnostic::new(Code::NanComparison, nan.span, "comparison with NaN")
                            .label(match binary.op {
                                BinaryOp::NotEqual => "everything differs from NaN, even NaN",
                                _ => "never true, not even for NaN itself",
                            })
                            .help("a series `x` is NaN where `x != x`"),
                    );
                }
                let &[left, right] = query.children(id) else { continue };
                for (side, other) in [(left, right), (right, left)] {
                    let value = query.expr(other).as_number();
                    // `(x > bool 5) >= 0.5` and `0.5 <= (x > bool 5)` distinguish 0 and 1.
                    let meant = |value: f64| match (binary.op, side == left) {
                        (BinaryOp::Equal | BinaryOp::NotEqual, _) => [0.0, 1.0].contains(&value),
                        (BinaryOp::Greater | BinaryOp::LessEqual, true)
                        | (BinaryOp::Less | BinaryOp::GreaterEqual, false) => (0.0..1.0).contains(&value),
                        _ => value > 0.0 && value <= 1.0,
                    };
                    if let (Some(bool_span), Some(value)) = (with_bool(side), value)
                        && !meant(value)
                    {
                        findings.push(
                            Diagnostic::new(
                                Code::ComparisonOfBool,
                                binary.op_span,
                                "comparison of the result of a comparison",
                            )
                            .label(format!("0 or 1 is compared with {}", query.slice(query.expr(other).span)))
                            .secondary(bool_span, "returns 0 or 1")
                            .help("leave the first `bool` out, so that the second comparison compares the value"),
                        );
                    }
                }
            }
            _ => {}
        }
    }
}
