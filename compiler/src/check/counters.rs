//! Functions for counters and functions for gauges, each applied to the right type of metric.

use super::analysis::{Analysis, Findings};
use super::schema::Role;
use super::tree::Id;
use crate::promql::{
    Aggregator, BinaryOp, Call, ExprKind, Subquery, apply_to_selectors, gauge_counterpart, is_counter_function,
    keeps_values,
};
use crate::{Code, Diagnostic, Span};

fn is_gauge_function(name: &str) -> bool {
    matches!(name, "delta" | "idelta" | "deriv" | "predict_linear" | "double_exponential_smoothing" | "holt_winters")
}

pub(super) fn check(query: &Analysis<'_>, findings: &mut Findings) {
    for id in query.ids() {
        match &query.expr(id).kind {
            ExprKind::Call(call) if is_counter_function(call.name) => counter_function(query, id, call, findings),
            ExprKind::Call(call) if is_gauge_function(call.name) => gauge_function(query, id, call, findings),
            ExprKind::Selector(_) => raw_counter(query, id, findings),
            _ => {}
        }
    }
}

/// The kind of values of an expression.
#[derive(Clone, Copy)]
enum Values<'e> {
    /// Values that only grow.
    Counter,
    /// Unknown.
    Unknown,
    /// Values of a gauge: its role, its place, and the reason why it is one.
    Gauge(Role, Span, &'static str),
    /// Values of an aggregation that counts.
    Counted(&'static str, Span),
    /// A rate.
    Rate(&'e str, Span),
}

/// The operation that combines several series: its name and its place.
type Combined = Option<(&'static str, Span)>;

fn values<'e>(query: &Analysis<'e>, id: Id, combined: &mut Combined) -> Option<Values<'e>> {
    let id = query.strip_parens(id);
    match &query.expr(id).kind {
        ExprKind::Selector(selector) => {
            let series = query.series(id)?;
            Some(match series.declared() {
                _ if series.is_contradicted() => Values::Unknown,
                role if role.is_counter() => Values::Counter,
                role @ (Role::Gauge | Role::GaugeBucket | Role::Info | Role::Stateset | Role::Quantiles) => {
                    Values::Gauge(role, selector.span, series.source())
                }
                _ => Values::Unknown,
            })
        }
        ExprKind::Aggregate(aggregate) if keeps_values(aggregate.op) => {
            if !aggregate.op.is_selection() {
                combined.get_or_insert((aggregate.op.as_str(), aggregate.op_span));
            }
            values(query, query.operand(id), combined)
        }
        ExprKind::Aggregate(aggregate) => Some(Values::Counted(aggregate.op.as_str(), aggregate.op_span)),
        ExprKind::Binary(binary) => {
            let &[left, right] = query.children(id) else { return None };
            let both = query.is_vector(left) && query.is_vector(right);
            match binary.op {
                BinaryOp::Add | BinaryOp::Or if both => {
                    if binary.op == BinaryOp::Add {
                        combined.get_or_insert(("+", binary.op_span));
                    }
                    let (a, b) = (values(query, left, combined)?, values(query, right, combined)?);
                    match (a, b) {
                        (Values::Counter | Values::Unknown, other) => Some(other),
                        (other, Values::Counter | Values::Unknown) if binary.op == BinaryOp::Add => Some(other),
                        (Values::Gauge(..) | Values::Counted(..), Values::Gauge(..) | Values::Counted(..))
                        | (Values::Rate(..), Values::Rate(..)) => Some(a),
                        _ => None,
                    }
                }
                BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div if binary.rhs.as_number().is_some() => {
                    values(query, left, combined)
                }
                BinaryOp::Add | BinaryOp::Mul if binary.lhs.as_number().is_some() => values(query, right, combined),
                _ => None,
            }
        }
        ExprKind::Call(call) => match call.name {
            "rate" | "irate" | "increase" => Some(Values::Rate(call.name, call.name_span)),
            "label_replace" | "label_join" => values(query, query.arg(id, 0)?, combined),
            _ => None,
        },
        _ => None,
    }
}

fn counter_function(query: &Analysis<'_>, id: Id, call: &Call<'_>, findings: &mut Findings) {
    let Some(arg) = query.arg(id, 0).map(|arg| query.strip_parens(arg)) else { return };
    let mut combined = None;
    let (subquery, inner) = match &query.expr(arg).kind {
        ExprKind::Selector(_) => (None, arg),
        ExprKind::Subquery(subquery) => (Some(&**subquery), arg + 1),
        _ => return,
    };
    let Some(values) = values(query, inner, &mut combined) else { return };
    let gauge = |title: String| {
        let finding =
            Diagnostic::new(Code::RateOnGauge, call.name_span, title).label("treats every drop as a restart from zero");
        match gauge_counterpart(call.name) {
            Some(instead) => {
                finding.write(call.name_span.to(call.parens), format!("{instead}{}", query.slice(call.parens)))
            }
            None => finding,
        }
    };
    let finding = match (values, combined) {
        (Values::Gauge(role, span, source), _) => {
            let finding = gauge(format!("`{}` of {}", call.name, role.with_article()))
                .secondary(span, format!("{}, {source}", role.with_article()));
            match role {
                Role::Gauge | Role::GaugeBucket => finding,
                Role::Quantiles => Diagnostic { help: None, fix: None, ..finding }
                    .note("only the series of a summary that end with `_sum` and `_count` are counters"),
                _ => Diagnostic { help: None, fix: None, ..finding },
            }
        }
        (Values::Counted(name, span), _) => {
            gauge(format!("`{}` of `{name}`", call.name)).secondary(span, "goes up and down")
        }
        (Values::Rate(name, span), _) => {
            Diagnostic::new(Code::NestedRate, call.name_span, format!("`{}` of `{name}`", call.name))
                .label("treats every drop of the rate as a restart")
                .secondary(span, "goes up and down")
        }
        (Values::Counter, Some((name, span))) | (Values::Unknown, Some((name @ ("sum" | "avg" | "+"), span))) => {
            let what = if name == "+" { "a sum".to_owned() } else { format!("`{name}`") };
            let finding =
                Diagnostic::new(Code::RateAfterAggregation, call.name_span, format!("`{}` of {what}", call.name))
                    .label("sees a restart only as a small drop of the total")
                    .secondary(span, "hides the restarts of single counters");
            match subquery.and_then(|subquery| rewrite_subquery(query, subquery, call.name)) {
                Some(right) => finding.write(call.name_span.to(call.parens), right),
                None => finding,
            }
        }
        _ => return,
    };
    findings.push(finding);
}

/// The text to write for a function of a subquery: the function of each selector in it.
fn rewrite_subquery(query: &Analysis<'_>, subquery: &Subquery<'_>, function: &str) -> Option<String> {
    let range = format!("[{}]", query.slice(subquery.range.span));
    let plain = subquery.modifiers.is_empty();
    plain.then(|| apply_to_selectors(query.text, subquery.expr.unparenthesized(), function, &range)).flatten()
}

fn gauge_function(query: &Analysis<'_>, id: Id, call: &Call<'_>, findings: &mut Findings) {
    let Some(arg) = query.arg(id, 0).map(|arg| query.strip_parens(arg)) else { return };
    let (subquery, inner) = match &query.expr(arg).kind {
        ExprKind::Selector(_) => (None, arg),
        ExprKind::Subquery(subquery) => (Some(&**subquery), arg + 1),
        _ => return,
    };
    let Some(Values::Counter) = values(query, inner, &mut None) else { return };
    let sources = query.sources(arg);
    let Some((_, selector, series)) = sources.first() else { return };
    let what = series.role.with_article();
    let finding = Diagnostic::new(Code::GaugeFunctionOnCounter, call.name_span, format!("`{}` of {what}", call.name))
        .label("treats a restart as a drop")
        .secondary(selector.span, format!("{what}, {}", series.source()));
    let instead = match call.name {
        "delta" => "increase",
        "deriv" => "rate",
        "idelta" => "irate",
        _ => {
            findings.push(finding);
            return;
        }
    };
    let right = match subquery {
        Some(subquery) => rewrite_subquery(query, subquery, instead),
        None => Some(format!("{instead}{}", query.slice(call.parens))),
    };
    findings.push(match right {
        Some(right) => finding.write(call.name_span.to(call.parens), right),
        None => finding,
    });
}

/// Reports the raw value of a counter, which depends mainly on when the process started.
fn raw_counter(query: &Analysis<'_>, id: Id, findings: &mut Findings) {
    let (ExprKind::Selector(selector), Some(series)) = (&query.expr(id).kind, query.series(id)) else { return };
    if series.is_contradicted() || !matches!(series.declared(), Role::Counter | Role::Sum | Role::Count) {
        return;
    }
    let range = if query.scope.template { "[{window}]" } else { "[5m]" };
    let mut whole = None;
    if let Some(outer) = query.outer(id)
        && let Some((sum, count)) = lifetime_average(query, outer)
    {
        if query.expr(id).span == count {
            return;
        }
        whole = apply_to_selectors(query.text, query.expr(outer), "rate", range).map(|right| (sum, count, right));
    }
    let mut below = id;
    for outer in query.ancestors(id) {
        let used = match &query.expr(outer).kind {
            ExprKind::Call(call) => {
                is_counter_function(call.name)
                    || is_gauge_function(call.name)
                    || call.name.starts_with("absent")
                    || matches!(call.name, "changes" | "present_over_time" | "count_over_time" | "timestamp")
            }
            ExprKind::Aggregate(aggregate) => matches!(aggregate.op, Aggregator::Count | Aggregator::Group),
            // Operators that do not return the raw value.
            ExprKind::Binary(binary) => {
                let constant = binary.rhs.as_number().or_else(|| binary.lhs.as_number());
                // Presence and zero are meaningful; the amount depends on the last restart.
                (binary.op.is_comparison() && constant.is_none_or(|value| value == 0.0))
                    || (binary.op.is_set() && binary.op != BinaryOp::Or && below != outer + 1)
                    || (binary.op == BinaryOp::Sub && constant.is_none())
            }
            _ => false,
        };
        if used {
            return;
        }
        below = outer;
    }
    let mut finding = Diagnostic::new(Code::RawCounter, selector.span, "raw value of a counter")
        .label("grows from zero since each process started");
    if let Some((_, count, right)) = whole {
        finding = finding.secondary(count, "so does this").help(format!("write `{right}`"));
    } else if selector.range.is_none() {
        finding = finding.help(format!("write `rate({}{range})`", query.slice(selector.span)));
    }
    findings.push(finding);
}

/// The places of `x_sum` and `x_count` in `x_sum / x_count`.
fn lifetime_average(query: &Analysis<'_>, id: Id) -> Option<(Span, Span)> {
    let ExprKind::Binary(binary) = &query.expr(id).kind else { return None };
    let &[left, right] = query.children(id) else { return None };
    let (left, right) = (query.strip_parens(left), query.strip_parens(right));
    let is = |id: Id, role: Role| query.series(id).is_some_and(|series| series.declared() == role);
    (binary.op == BinaryOp::Div && is(left, Role::Sum) && is(right, Role::Count))
        .then(|| (query.expr(left).span, query.expr(right).span))
}
