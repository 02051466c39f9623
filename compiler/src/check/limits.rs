//! The limits of numbers and durations, which the values of parameters must not exceed.

use super::constants::MAX_COUNT;
use super::ranges;
use super::tree::{Scope, Tree, in_seconds};
use crate::promql::{
    Aggregator, BinaryOp, Duration, DurationOp, Expr, ExprKind, Interval, ResultType, needs_two_samples,
};
use crate::vec_ext::VecExt;
use crate::{Code, Span};

/// A number or a duration, and the values that it may have.
pub(crate) struct Limit<'e> {
    /// The check that reports values beyond the limit.
    pub code: Code,
    pub span: Span,
    /// The permitted values, as messages name them.
    pub shown: &'static str,
    value: Value<'e>,
    least: f64,
    most: f64,
    without_zero: bool,
}

enum Value<'e> {
    Number(&'e Expr<'e>),
    /// The second number minus the first one.
    Difference(&'e Expr<'e>, &'e Expr<'e>),
    /// In seconds.
    Duration(&'e Duration),
}

impl Limit<'_> {
    /// Whether the limit holds, given the possible values of literals. `true` if the value is unknown.
    pub(crate) fn holds(&self, values: &dyn Fn(Span) -> Option<Interval>) -> bool {
        let value = match self.value {
            Value::Number(expr) => expr.interval(values),
            Value::Difference(first, second) => {
                let both = first.interval(values).zip(second.interval(values));
                both.map(|(first, second)| Interval::combine(DurationOp::Sub, second, first))
            }
            Value::Duration(duration) => ranges::values(duration, values),
        };
        value.is_none_or(|value| {
            value.low >= self.least && value.high <= self.most && !(self.without_zero && value.includes(0.0))
        })
    }
}

/// The limits of the numbers and durations of a query.
pub(crate) fn limits<'e>(text: &'e str, expr: &'e Expr<'e>, scope: Scope<'e>) -> Vec<Limit<'e>> {
    let query = Tree::new(text, expr, scope);
    let mut limits = Vec::new();
    for id in query.ids() {
        let expr = query.expr(id);
        let number = |expr: &'e Expr<'e>, code, least, most, shown| {
            let (span, value) = (expr.span, Value::Number(expr));
            Limit { code, span, shown, value, least, most, without_zero: false }
        };
        let quantile = |expr| number(expr, Code::QuantileOutOfRange, 0.0, 1.0, "from 0 to 1");
        let constant = |expr, least, most, shown| number(expr, Code::ConstantOutOfRange, least, most, shown);
        let without_zero = |expr, code| Limit {
            without_zero: true,
            ..number(expr, code, f64::NEG_INFINITY, f64::INFINITY, "other than 0")
        };
        let duration = |duration: &'e Duration, code, least, shown| {
            let (span, value) = (duration.span, Value::Duration(duration));
            Limit { code, span, shown, value, least, most: f64::MAX, without_zero: false }
        };
        let positive = |it| duration(it, Code::InvalidDuration, 0.001, "at least 1ms");
        match &expr.kind {
            ExprKind::Aggregate(aggregate) => limits.add_all(aggregate.param.as_ref().and_then(|param| {
                Some(match aggregate.op {
                    Aggregator::Quantile => quantile(param),
                    Aggregator::Topk | Aggregator::Bottomk | Aggregator::Limitk => {
                        constant(param, 1.0, MAX_COUNT.next_down(), "at least 1")
                    }
                    Aggregator::LimitRatio => constant(param, -1.0, 1.0, "from -1 to 1"),
                    _ => return None,
                })
            })),
            ExprKind::Call(call) => match (call.name, &*call.args) {
                ("histogram_quantile" | "quantile_over_time", [param, ..]) => limits.push(quantile(param)),
                ("histogram_quantiles", [_, _, params @ ..]) => limits.add_all(params.iter().map(quantile)),
                ("double_exponential_smoothing" | "holt_winters", [_, factors @ ..]) => {
                    let one = 1.0_f64.next_down();
                    limits.add_all(factors.iter().map(|it| constant(it, f64::MIN_POSITIVE, one, "between 0 and 1")));
                }
                ("clamp", [_, least, most]) => limits.push(Limit {
                    value: Value::Difference(least, most),
                    span: least.span.to(most.span),
                    ..constant(least, 0.0, f64::INFINITY, "in order")
                }),
                ("round", [_, to]) => limits.push(without_zero(to, Code::ConstantOutOfRange)),
                _ => {}
            },
            ExprKind::Binary(binary)
                if matches!(binary.op, BinaryOp::Div | BinaryOp::Mod) && expr.ty() == ResultType::InstantVector =>
            {
                limits.push(without_zero(&binary.rhs, Code::DivisionByZero));
            }
            ExprKind::Selector(selector) => {
                let Some(range) = selector.range.as_ref().map(|range| &range.duration) else { continue };
                limits.push(positive(range));
                let outer = query.outer(id).map(|outer| &query.expr(outer).kind);
                let interval = query.series(id).and_then(|series| query.scrape_interval(series)).map(in_seconds);
                if let (Some(ExprKind::Call(call)), Some(scrape), true) = (outer, interval, range.holes().is_empty())
                    && needs_two_samples(call.name)
                {
                    limits.push(duration(range, Code::RangeTooShort, 2.0 * scrape, "at least two scrapes long"));
                }
            }
            ExprKind::Subquery(subquery) => {
                limits.push(positive(&subquery.range));
                limits.add_all(subquery.step.as_ref().map(positive));
            }
            _ => {}
        }
    }
    limits
}
