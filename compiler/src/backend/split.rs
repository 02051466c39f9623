//! Whether range queries of a template can be split into parts.

use crate::promql::{Aggregator, Duration, DurationKind, Expr, ExprKind, Modifier};

/// What in a query depends on the whole range, so that each part of the range would have other values.
///
/// `@ start()` and `@ end()` do not: they are rendered as the times of the whole range. `limitk` does because
/// `VictoriaMetrics` chooses its series once for all points.
#[must_use]
pub fn indivisible(expr: &Expr<'_>) -> Option<&'static str> {
    let mut found = None;
    expr.walk(&mut |expr| {
        let here = match &expr.kind {
            ExprKind::Call(call) => match call.name {
                "start" => Some("start()"),
                "end" => Some("end()"),
                "range" => Some("range()"),
                _ => None,
            },
            ExprKind::Aggregate(aggregate) if aggregate.op == Aggregator::Limitk => Some("limitk"),
            ExprKind::Selector(selector) => {
                durations(selector.range.iter().map(|range| &range.duration), &selector.modifiers)
            }
            ExprKind::Subquery(subquery) => {
                durations(std::iter::once(&subquery.range).chain(&subquery.step), &subquery.modifiers)
            }
            _ => None,
        };
        found = found.or(here);
    });
    found
}

fn durations<'d>(durations: impl Iterator<Item = &'d Duration>, modifiers: &'d [Modifier]) -> Option<&'static str> {
    let offsets = modifiers.iter().filter_map(|modifier| match modifier {
        Modifier::Offset { duration, .. } => Some(duration),
        _ => None,
    });
    durations.chain(offsets).any(has_range).then_some("range()")
}

fn has_range(duration: &Duration) -> bool {
    matches!(duration.kind, DurationKind::Range) || duration.children().any(has_range)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::{Features, Syntax, parse};

    #[test]
    fn what_depends_on_the_whole_range_is_named() {
        for (query, name) in [
            ("up * start()", Some("start()")),
            ("up * END ()", None),
            ("up * end()", Some("end()")),
            ("rate(x[range()])", Some("range()")),
            ("rate(x[5m] offset -(range() / 2))", Some("range()")),
            ("max_over_time(up[1h:max_of(range(), 5m)])", Some("range()")),
            ("sum(limitk by (job) (1, x))", Some("limitk")),
            ("x @ start() + x @ end()", None),
            ("topk(3, x) and limit_ratio(0.5, y)", None),
            ("step() + time() * predict_linear(x[1h], 60)", None),
            ("sum by (start, end, range) (range_avg{end=\"end()\"}) # end()", None),
        ] {
            let parsed = parse(query, Syntax { template: false, features: Features::all() });
            let Some(expr) = &parsed.expr else { continue };
            assert_eq!(indivisible(expr), name, "{query}: {:?}", parsed.diagnostics);
        }
    }
}
