//! Facts about a query that the runtime needs, since it does not parse PromQL.

use promql_presets_core::LookBack;

use super::look_back;
use crate::promql::{
    Aggregator, Duration, DurationKind, Expr, ExprKind, Grouping, GroupingKeyword, MatchOp, Matcher, Modifier,
};
use crate::vec_ext::{IntoVec, VecExt};

/// Facts about a query.
#[derive(Clone, Debug, Default)]
pub struct QueryFacts {
    /// The part of the query because of which a range cannot be split.
    pub indivisible: Option<&'static str>,
    /// The first part that reads series without `{labels}`.
    pub unfiltered: Option<String>,
    /// The part that makes the values of one group depend on the series of others.
    pub across_groups: Option<&'static str>,
    /// The selectors that do not depend on `{metric_name}`; empty if some of them names no series.
    pub(crate) selectors: Vec<KnownSelector>,
    /// How far back it reads.
    pub(crate) look_back: Vec<LookBack>,
}

/// The name of a metric, which may be empty, and the matchers of a selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KnownSelector {
    pub(crate) metric: String,
    /// Label, operator, value.
    pub(crate) matchers: Vec<(String, MatchOp, String)>,
}

impl QueryFacts {
    pub(crate) fn of(text: &str, expr: &Expr<'_>, parameters: &[&str]) -> Self {
        Self {
            indivisible: indivisible(expr),
            unfiltered: unfiltered(text, expr),
            across_groups: across_groups(expr),
            selectors: selectors(expr).unwrap_or_default(),
            look_back: look_back::of(text, expr, parameters),
        }
    }
}

/// The part of a query that depends on the whole range, so that its values would differ in a part of the range.
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

/// The first part of a query that reads series without `{labels}`, as written: no filter of a caller reaches them.
///
/// `info` reads metrics that are not written in the query.
fn unfiltered(text: &str, expr: &Expr<'_>) -> Option<String> {
    let mut found = None;
    expr.walk(&mut |expr| {
        let is_unfiltered = match &expr.kind {
            ExprKind::Selector(selector) => !selector.has_labels_hole(),
            ExprKind::Call(call) => call.name == "info",
            _ => false,
        };
        if is_unfiltered && found.is_none() {
            found = Some(text[expr.span.range()].to_owned());
        }
    });
    found
}

/// The distinct selectors without `{metric_name}`. `None` if one of them has neither the name of a metric nor a matcher
/// that a server would accept alone.
fn selectors(expr: &Expr<'_>) -> Option<Vec<KnownSelector>> {
    let mut all = Vec::new();
    for selector in &expr.selectors() {
        if selector.name.as_ref().is_some_and(|name| name.as_literal().is_none()) {
            continue;
        }
        let mut matchers = selector.matchers();
        matchers.keep(|matcher| matcher.label.name != "__name__");
        if selector.metric_name().is_none() && matchers.iter().all(|matcher| matcher.matches_empty()) {
            return None;
        }
        let owned =
            |matcher: &&Matcher<'_>| (matcher.label.name.to_string(), matcher.op, matcher.value.value.to_string());
        let metric = selector.metric_name().unwrap_or_default().to_owned();
        let known = KnownSelector { metric, matchers: matchers.iter().map(owned).into_vec() };
        if !all.contains(&known) {
            all.push(known);
        }
    }
    Some(all)
}

/// The part of a query that makes the values of one group depend on the series of others, so that a query for some of
/// the groups has other values than one for all.
fn across_groups(expr: &Expr<'_>) -> Option<&'static str> {
    let mut found = None;
    expr.walk(&mut |expr| {
        let here = match &expr.kind {
            ExprKind::Aggregate(aggregate) => {
                let is_by_group =
                    |grouping: &Grouping<'_>| grouping.keyword == GroupingKeyword::By && grouping.has_hole();
                (!aggregate.grouping.as_ref().is_some_and(is_by_group))
                    .then_some("an aggregation without `by ({group_by})`")
            }
            ExprKind::Call(call) => match call.name {
                "absent" | "absent_over_time" => Some("`absent`"),
                "scalar" => Some("`scalar`"),
                _ => None,
            },
            ExprKind::Binary(binary) => {
                let is_on = |grouping: &&Grouping<'_>| grouping.keyword == GroupingKeyword::On && !grouping.has_hole();
                binary.matching.as_ref().filter(is_on).map(|_| "a join without `{group_by}` in `on`")
            }
            _ => None,
        };
        found = found.or(here);
    });
    found
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

    /// The result of a function for a template.
    fn found<T>(text: &str, find: impl Fn(&Expr<'_>) -> T) -> T {
        let parsed = parse(text, Syntax { template: true, features: Features::all() });
        assert_eq!(parsed.diagnostics.len(), 0, "{text}: {:?}", parsed.diagnostics);
        find(parsed.expr.as_ref().unwrap())
    }

    #[test]
    fn series_that_no_filter_reaches_are_named() {
        for (text, expected) in [
            ("{metric_name}{{{labels}}}", None),
            ("time() + 1", None),
            ("sum(a{{x=\"1\",{labels}}}) / sum(b{{{labels}}})", None),
            ("sum(a{{{labels}}}) / sum(b{{x=\"{{labels}}\"}})", Some("b{{x=\"{{labels}}\"}}")),
            ("a{{{labels}}} and on() max_over_time({metric_name}[1h:5m] offset 5m)", Some("{metric_name}")),
            ("absent(up)", Some("up")),
            ("info(a{{{labels}}})", Some("info(a{{{labels}}})")),
            ("info(a{{{labels}}}, {{{labels}}})", Some("info(a{{{labels}}}, {{{labels}}})")),
        ] {
            assert_eq!(found(text, |expr| unfiltered(text, expr)).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn selectors_without_placeholders_are_known() {
        for (text, expected) in [
            ("rate({metric_name}{{a=\"b\", {labels}}}[5m])", Some("")),
            ("up{{{labels}}} + up{{{labels}}} offset 5m", Some("up")),
            ("a{{x=~\"y|z\", {labels}}} / on () count(b)", Some("a x=~y|z, b")),
            ("{{\"a.b\", {labels}}} + {metric_name}_sum{{{labels}}}", Some("a.b")),
            ("{{__name__=~\"http_.*\", job!=\"\", {labels}}}", Some(" job!=")),
            ("{{__name__=~\"http_.*\", {labels}}} + up", None),
        ] {
            let shown = |known: &KnownSelector| {
                let matchers =
                    known.matchers.iter().map(|(label, op, value)| format!(" {label}{}{value}", op.as_str()));
                known.metric.clone() + &matchers.collect::<String>()
            };
            let all = found(text, selectors);
            let all = all.map(|all| all.iter().map(shown).collect::<Vec<_>>().join(", "));
            assert_eq!(all.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn what_mixes_groups_is_named() {
        for (text, expected) in [
            ("sum by ({group_by})(a{{{labels}}})", None),
            ("sum by (le, {group_by})(a{{{labels}}}) / sum by (le, {group_by})(b{{{labels}}})", None),
            ("topk by ({group_by})(5, a{{{labels}}})", None),
            ("sum by ({group_by})(a{{{labels}}}) * on ({group_by}) max by ({group_by})(b{{{labels}}})", None),
            ("topk(5, sum by ({group_by})(a{{{labels}}}))", Some("an aggregation without `by ({group_by})`")),
            ("sum without ({group_by})(a{{{labels}}})", Some("an aggregation without `by ({group_by})`")),
            (
                "sum by ({group_by})(a{{{labels}}}) / on() group_left() sum by ({group_by})(b{{{labels}}})",
                Some("a join without `{group_by}` in `on`"),
            ),
            ("sum by ({group_by})(a{{{labels}}}) / scalar(b{{{labels}}})", Some("`scalar`")),
        ] {
            assert_eq!(found(text, across_groups), expected, "{text}");
        }
    }
}
