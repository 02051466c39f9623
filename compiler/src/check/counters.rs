//! Functions for counters and functions for gauges, each applied to the right type of metric.

use super::metrics::Role;
use super::query::{Findings, Id, Query};
use crate::promql::{Aggregator, BinaryOp, Call, ExprKind};
use crate::{Code, Diagnostic};

/// Whether a function takes drops of the value for restarts of the process.
pub(super) fn is_counter_function(name: &str) -> bool {
    matches!(name, "rate" | "irate" | "increase" | "resets")
}

fn is_gauge_function(name: &str) -> bool {
    matches!(name, "delta" | "idelta" | "deriv" | "predict_linear" | "double_exponential_smoothing")
}

pub(super) fn check(query: &Query<'_>, findings: &mut Findings) {
    for id in query.ids() {
        match &query.expr(id).kind {
            ExprKind::Call(call) if is_counter_function(call.name) => counter_function(query, id, call, findings),
            ExprKind::Call(call) if is_gauge_function(call.name) => gauge_function(query, id, call, findings),
            ExprKind::Selector(_) => raw_counter(query, id, findings),
            _ => {}
        }
    }
}

fn counter_function(query: &Query<'_>, id: Id, call: &Call<'_>, findings: &mut Findings) {
    let Some(arg) = query.arg(id, 0).map(|arg| query.bare_id(arg)) else { return };
    match &query.expr(arg).kind {
        ExprKind::Selector(selector) => {
            let Some(role) = query.series(arg).map(super::query::Series::declared) else { return };
            if !matches!(role, Role::Gauge | Role::Info | Role::Stateset | Role::Quantiles) {
                return;
            }
            let title = format!("`{}` of {}", call.name, role.with_article());
            let mut finding = Diagnostic::new(Code::RateOnGauge, call.name_span, title)
                .label("takes every drop for a restart that begins at zero")
                .secondary(selector.span, format!("{}, as its file says", role.with_article()));
            let instead = match call.name {
                _ if role != Role::Gauge => None,
                "rate" => Some("deriv"),
                "irate" => None,
                "increase" => Some("delta"),
                _ => Some("changes"),
            };
            if let Some(instead) = instead {
                finding = finding.help(format!("write `{instead}{}`", query.slice(call.parens)));
            }
            findings.push(finding);
        }
        ExprKind::Subquery(subquery) => {
            let inner = query.bare_id(arg + 1);
            match &query.expr(inner).kind {
                ExprKind::Call(rate) if is_counter_function(rate.name) && rate.name != "resets" => findings.push(
                    Diagnostic::new(Code::NestedRate, call.name_span, format!("`{}` of `{}`", call.name, rate.name))
                        .label("takes every drop of the rate for a restart")
                        .secondary(rate.name_span, "goes up and down"),
                ),
                ExprKind::Aggregate(aggregate)
                    if matches!(aggregate.op, Aggregator::Sum | Aggregator::Avg) && is_raw(query, inner) =>
                {
                    let name = aggregate.op.as_str();
                    let help = match &query.expr(query.bare_id(query.operand(inner))).kind {
                        ExprKind::Selector(selector) if selector.modifiers.is_empty() => {
                            let grouping =
                                aggregate.grouping.as_ref().map(|it| format!(" {} ", query.slice(it.span())));
                            let (by, what) = (grouping.unwrap_or_default(), query.slice(selector.span));
                            format!("write `{name}{by}({}({what}[{}]))`", call.name, query.slice(subquery.range.span))
                        }
                        _ => format!("write `{name}({}(...))`, the other way round", call.name),
                    };
                    findings.push(
                        Diagnostic::new(
                            Code::RateAfterAggregation,
                            call.name_span,
                            format!("`{}` of `{name}`", call.name),
                        )
                        .label("sees a restart only as a smaller drop of the whole")
                        .secondary(aggregate.op_span, "hides the restarts of single counters")
                        .help(help),
                    );
                }
                ExprKind::Binary(binary) if binary.op == BinaryOp::Add && is_raw(query, inner) => findings.push(
                    Diagnostic::new(Code::RateAfterAggregation, call.name_span, format!("`{}` of a sum", call.name))
                        .label("sees a restart only as a smaller drop of the whole")
                        .secondary(binary.op_span, "hides the restarts of single counters")
                        .help(format!("write `{0}(...) + {0}(...)`", call.name)),
                ),
                _ => {}
            }
        }
        _ => {}
    }
}

/// Whether there are selectors in it, and all of them stand for their values as they are.
fn is_raw(query: &Query<'_>, id: Id) -> bool {
    let mut selectors = query.selectors_below(id).peekable();
    selectors.peek().is_some()
        && selectors.all(|(_, selector, series)| selector.range.is_none() && series.declared() != Role::Gauge)
        && query.below(id).all(|id| {
            !matches!(&query.expr(id).kind,
                ExprKind::Aggregate(aggregate) if matches!(aggregate.op, Aggregator::Count | Aggregator::Group))
        })
}

fn gauge_function(query: &Query<'_>, id: Id, call: &Call<'_>, findings: &mut Findings) {
    let Some(arg) = query.arg(id, 0).map(|arg| query.bare_id(arg)) else { return };
    let (ExprKind::Selector(selector), Some(series)) = (&query.expr(arg).kind, query.series(arg)) else { return };
    if !series.declared().is_counter() {
        return;
    }
    let what = series.role.with_article();
    let finding = Diagnostic::new(Code::GaugeFunctionOnCounter, call.name_span, format!("`{}` of {what}", call.name))
        .label("takes a restart for a drop")
        .secondary(selector.span, format!("{what}, as its file says"));
    let instead = match call.name {
        "delta" => "increase",
        "deriv" => "rate",
        "idelta" => "irate",
        _ => {
            findings.push(finding);
            return;
        }
    };
    findings.push(finding.help(format!("write `{instead}{}`", query.slice(call.parens))));
}

/// A counter whose value is used as it is, although it says only how long ago the process started.
fn raw_counter(query: &Query<'_>, id: Id, findings: &mut Findings) {
    let (ExprKind::Selector(selector), Some(series)) = (&query.expr(id).kind, query.series(id)) else { return };
    if series.declared() != Role::Counter {
        return;
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
            // What a side only filters by, or is compared with, or has lost earlier.
            ExprKind::Binary(binary) => {
                binary.op.is_comparison()
                    || (binary.op.is_set() && binary.op != BinaryOp::Or && below != outer + 1)
                    || binary.op == BinaryOp::Sub
            }
            _ => false,
        };
        if used {
            return;
        }
        below = outer;
    }
    let mut finding = Diagnostic::new(Code::RawCounter, selector.span, "value of a counter as it is")
        .label("grows from zero since each process started");
    if selector.range.is_none() {
        let range = if query.scope.template { "{window}" } else { "5m" };
        finding = finding.help(format!("write `rate({}[{range}])`", query.slice(selector.span)));
    }
    findings.push(finding);
}
