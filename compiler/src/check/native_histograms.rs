//! Native histograms where Prometheus accepts only numbers: it drops them, so that the result is empty.
//!
//! Follows `docs/querying/functions.md` and `docs/querying/operators.md` of Prometheus.

use super::analysis::{Analysis, Findings};
use super::schema::Role;
use super::tree::{Id, Series};
use crate::promql::{Aggregator, Binary, BinaryOp, Call, ExprKind};
use crate::{Code, Diagnostic, Span};

/// The kind of all samples of an expression, where it is certain.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Samples {
    Numbers,
    Histograms,
}

pub(super) fn check(query: &Analysis<'_>, findings: &mut Findings) {
    if !query.selectors().iter().any(|(_, _, series)| of_series(series) == Some(Samples::Histograms)) {
        return;
    }
    let all = samples(query);
    let is_histogram = |id: Id| all[id] == Some(Samples::Histograms);
    for id in query.ids() {
        match &query.expr(id).kind {
            ExprKind::Call(call) if !keeps_histograms(call.name) && !takes_histograms(call.name) => {
                if let Some(arg) = query.children(id).iter().copied().find(|arg| is_histogram(*arg)) {
                    let help = help_for_call(query, id, arg, call);
                    findings.push(finding(query, arg, call.name_span, call.name, ONE).help(help));
                }
            }
            ExprKind::Aggregate(aggregate) if !takes(aggregate.op) && is_histogram(query.operand(id)) => {
                let operand = query.operand(id);
                let help = match &aggregate.param {
                    _ if is_in_quantile(query, id) => "write `sum`".to_owned(),
                    Some(param) if aggregate.op == Aggregator::Quantile => {
                        let by = aggregate.grouping.as_ref().map(|by| format!(" {} ", query.slice(by.span())));
                        let (param, operand) = (query.slice(param.span), query.slice(query.expr(operand).span));
                        format!("write `histogram_quantile({param}, sum{}({operand}))`", by.unwrap_or_default())
                    }
                    _ => TAKE_NUMBERS.to_owned(),
                };
                findings.push(finding(query, operand, aggregate.op_span, aggregate.op.as_str(), ONE).help(help));
            }
            ExprKind::Binary(binary) if binary.fill.is_empty() => {
                let &[left, right] = query.children(id) else { continue };
                let Some(both) = incompatible(binary, [all[left], all[right]]) else { continue };
                let side = if is_histogram(left) { left } else { right };
                let what = if both { "two native histograms" } else { "a native histogram and a number" };
                findings.push(finding(query, side, binary.op_span, binary.op.as_str(), what).help(TAKE_NUMBERS));
            }
            _ => {}
        }
    }
}

const ONE: &str = "a native histogram";

const TAKE_NUMBERS: &str =
    "take `histogram_avg`, `histogram_count`, `histogram_sum` or `histogram_quantile` of it first";

fn finding(query: &Analysis<'_>, arg: Id, span: Span, name: &str, what: &str) -> Diagnostic {
    let finding =
        Diagnostic::new(Code::HistogramAsNumber, span, format!("`{name}` of {what}")).label("leaves histograms out");
    let sources = query.sources(arg);
    match sources.iter().find(|(_, _, series)| of_series(series) == Some(Samples::Histograms)) {
        Some((_, selector, _)) => finding.secondary(selector.span, "each sample is a histogram, not a number"),
        None => finding,
    }
}

fn help_for_call(query: &Analysis<'_>, id: Id, arg: Id, call: &Call<'_>) -> String {
    let ExprKind::Selector(_) = &query.expr(query.strip_parens(arg)).kind else { return TAKE_NUMBERS.to_owned() };
    let range = query.slice(query.expr(arg).span);
    match call.name {
        "quantile_over_time" => {
            let quantile = query.arg(id, 0).map_or("", |quantile| query.slice(query.expr(quantile).span));
            format!("write `histogram_quantile({quantile}, rate({range}))`")
        }
        "stddev_over_time" | "stdvar_over_time" => {
            let function = call.name.trim_end_matches("_over_time");
            format!("write `histogram_{function}(rate({range}))`")
        }
        "deriv" => format!("write `rate({range})`"),
        "max_over_time" | "min_over_time" if is_in_quantile(query, id) => format!("write `rate({range})`"),
        _ => TAKE_NUMBERS.to_owned(),
    }
}

/// Whether an expression is inside a function that takes histograms.
fn is_in_quantile(query: &Analysis<'_>, id: Id) -> bool {
    query.ancestors(id).iter().any(|outer| match &query.expr(*outer).kind {
        ExprKind::Call(call) => call.name.starts_with("histogram_"),
        _ => false,
    })
}

/// The samples of each expression.
fn samples(query: &Analysis<'_>) -> Vec<Option<Samples>> {
    let mut all = vec![None; query.ids().len()];
    // Children come after their parents.
    for id in query.ids().rev() {
        let first = query.vector(id).and_then(|child| all[child]);
        all[id] = match &query.expr(id).kind {
            ExprKind::String(_) => None,
            ExprKind::Selector(_) => query.series(id).and_then(of_series),
            ExprKind::Subquery(_) | ExprKind::Unary(_) | ExprKind::Paren(_) => all[id + 1],
            ExprKind::Call(call) if keeps_histograms(call.name) => first,
            ExprKind::Aggregate(aggregate) if keeps(aggregate.op) => all[query.operand(id)],
            ExprKind::Number(_) | ExprKind::Call(_) | ExprKind::Aggregate(_) => Some(Samples::Numbers),
            ExprKind::Binary(binary) => {
                let &[left, right] = query.children(id) else { continue };
                of_operator(binary, [all[left], all[right]])
            }
        };
    }
    all
}

fn of_series(series: &Series<'_>) -> Option<Samples> {
    let of = |series: &Series<'_>| match series.declared() {
        Role::NativeHistogram => Some(Samples::Histograms),
        Role::Unknown | Role::Base => None,
        _ => Some(Samples::Numbers),
    };
    let first = of(&series.each()[0]);
    first.filter(|_| series.each().iter().all(|series| of(series) == first))
}

fn of_operator(binary: &Binary<'_>, sides: [Option<Samples>; 2]) -> Option<Samples> {
    use Samples::{Histograms, Numbers};
    match (binary.op, sides) {
        (BinaryOp::And | BinaryOp::Unless, [left, _]) => left,
        _ if binary.bool_span.is_some() => Some(Numbers),
        _ if !binary.fill.is_empty() => None,
        (BinaryOp::TrimUpper | BinaryOp::TrimLower, _)
        | (BinaryOp::Mul, [Some(Numbers), Some(Histograms)])
        | (BinaryOp::Mul | BinaryOp::Div, [Some(Histograms), Some(Numbers)]) => Some(Histograms),
        (_, [left, right]) => left.filter(|_| left == right),
    }
}

/// Whether an operator is not defined for histograms on both sides (`true`), or on one (`false`).
fn incompatible(binary: &Binary<'_>, sides: [Option<Samples>; 2]) -> Option<bool> {
    use BinaryOp::{Add, And, Div, Equal, Mul, NotEqual, Or, Sub, TrimLower, TrimUpper, Unless};
    let both = sides.iter().all(|side| *side == Some(Samples::Histograms));
    let has_number = sides.contains(&Some(Samples::Numbers));
    let is_wrong = match binary.op {
        And | Or | Unless | TrimUpper | TrimLower => false,
        Add | Sub | Equal | NotEqual => has_number,
        Mul => both,
        Div => sides[1] == Some(Samples::Histograms),
        _ => true,
    };
    (is_wrong && sides.contains(&Some(Samples::Histograms))).then_some(both)
}

/// Whether a function returns histograms for histograms.
fn keeps_histograms(function: &str) -> bool {
    matches!(
        function,
        "avg_over_time"
            | "delta"
            | "first_over_time"
            | "idelta"
            | "increase"
            | "info"
            | "irate"
            | "label_join"
            | "label_replace"
            | "last_over_time"
            | "rate"
            | "sort_by_label"
            | "sort_by_label_desc"
            | "sum_over_time"
    )
}

/// Whether a function returns numbers for histograms.
fn takes_histograms(function: &str) -> bool {
    function.starts_with("histogram_")
        || matches!(
            function,
            "absent"
                | "absent_over_time"
                | "changes"
                | "count_over_time"
                | "present_over_time"
                | "resets"
                | "start_timestamp"
                | "timestamp"
                | "ts_of_first_over_time"
                | "ts_of_last_over_time"
        )
}

/// Whether an aggregator returns histograms for histograms.
const fn keeps(op: Aggregator) -> bool {
    matches!(op, Aggregator::Sum | Aggregator::Avg | Aggregator::Limitk | Aggregator::LimitRatio)
}

/// Whether an aggregator returns something for histograms.
const fn takes(op: Aggregator) -> bool {
    keeps(op) || matches!(op, Aggregator::Count | Aggregator::CountValues | Aggregator::Group)
}
