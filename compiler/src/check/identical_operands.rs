//! Operators whose sides are the same series.

use promql_presets_core::{regex, sort};

use super::analysis::{Analysis, Findings};
use super::conditions::Condition;
use super::tree::Id;
use crate::promql::{
    Aggregate, Aggregator, Binary, BinaryOp, Duration, Expr, ExprKind, Grouping, GroupingKeyword, MatchOp, Matcher,
    Modifier, Selector, Sign,
};
use crate::vec_ext::{IntoVec, VecExt};
use crate::{Code, Diagnostic, Span};

pub(super) fn check(query: &Analysis<'_>, findings: &mut Findings) {
    for id in query.ids() {
        if let ExprKind::Binary(binary) = &query.expr(id).kind
            && binary.fill.is_empty()
        {
            findings.add_all(identical(query, id, binary));
        }
    }
}

fn identical(query: &Analysis<'_>, id: Id, binary: &Binary<'_>) -> Option<Diagnostic> {
    let (title, result) = match binary.op {
        BinaryOp::Div => ("ratio of a series to itself", "always 1"),
        BinaryOp::Sub => ("difference between a series and itself", "always 0"),
        BinaryOp::Mod => ("remainder of a series and itself", "always 0"),
        BinaryOp::Atan2 => ("`atan2` of a series and itself", "depends on the sign only"),
        BinaryOp::Unless => ("series without themselves", "always empty"),
        op if op.is_comparison() => ("comparison of a series with itself", "each value is compared with itself"),
        _ => return None,
    };
    let &[left, right] = query.children(id) else { return None };
    let (left, right) = (Side::of(query, left), Side::of(query, right));
    if !query.is_vector(left.series) || !query.is_vector(right.series) {
        return None;
    }
    let (is_scaled, is_compared) = (left.is_scaled || right.is_scaled, left.is_compared || right.is_compared);
    // A comparison removes series, so the rest of a side may match other series.
    let is_ratio = binary.op == BinaryOp::Div || binary.op.is_comparison();
    if is_scaled && !is_ratio || is_compared && binary.matching.is_some() {
        return None;
    }
    let mut filters = Filters { matches_all: binary.matching.is_none(), ..Filters::default() };
    if !reads_same(query, left.series, right.series, &mut filters) {
        return None;
    }
    if binary.op == BinaryOp::Unless {
        let finding = Diagnostic::new(Code::IdenticalOperands, binary.op_span, title).label(result);
        return (!filters.of_right && !is_compared).then_some(finding);
    }
    let mut filtered = std::mem::take(&mut filters.labels);
    sort::by(&mut filtered, Ord::cmp);
    filtered.dedup();
    let unmatched = is_unmatched(binary, &filtered);
    match binary.group.as_ref().map(|group| group.keyword) {
        // The "one" side has one series for each match: a total, by which others are divided.
        Some(GroupingKeyword::GroupLeft) if unmatched && filters.of_right => return None,
        Some(GroupingKeyword::GroupRight) if unmatched && filters.of_left => return None,
        // `x == x` removes NaN.
        _ if filtered.is_empty() && (is_scaled || matches!(binary.op, BinaryOp::Equal | BinaryOp::NotEqual)) => {
            return None;
        }
        _ => {}
    }
    let finding = Diagnostic::new(Code::IdenticalOperands, binary.op_span, title);
    let result = if is_scaled && binary.op == BinaryOp::Div { "each value is divided by itself" } else { result };
    let finding = match &binary.matching {
        // A series that the filter excludes and that matches as well is a second match.
        Some(matching) if unmatched || filtered.is_empty() => finding
            .label(format!("{result}, or an error where several series match"))
            .secondary(matching.span(), "the same series is on both sides of a match"),
        _ => finding.label(result),
    };
    let Some(label) = filtered.first() else { return Some(finding) };
    let finding = if unmatched {
        finding
    } else {
        finding.note(format!("both sides have the label `{label}`, so equal values match each other"))
    };
    if let ExprKind::Aggregate(aggregate) = &query.expr(left.series).kind {
        return Some(match regrouped(query, aggregate.grouping.as_ref(), &filtered) {
            Some(grouping) => finding.help(format!("write `{grouping}` on both sides")),
            None => finding,
        });
    }
    match rewritten(query, id, binary, [&left, &right], &filters, &filtered, unmatched) {
        Some((span, text)) => Some(finding.write(span, text)),
        None => Some(finding),
    }
}

/// A grouping without some labels; `None` if there is no grouping.
fn regrouped(query: &Analysis<'_>, grouping: Option<&Grouping<'_>>, without: &[&str]) -> Option<String> {
    let items = grouping?.items.iter().map(|item| query.slice(item.span()));
    Some(match grouping?.keyword {
        GroupingKeyword::By => {
            let labels: Vec<&str> = items.filter(|label| !without.contains(label)).into_vec();
            format!("by ({})", labels.join(", "))
        }
        keyword => {
            let labels: Vec<&str> = items.chain(without.iter().copied()).into_vec();
            format!("{} ({})", keyword.as_str(), labels.join(", "))
        }
    })
}

/// Whether one side is filtered on a label that need not be equal on both sides.
fn is_unmatched(binary: &Binary<'_>, filtered: &[&str]) -> bool {
    let Some(matching) = &binary.matching else { return false };
    let is_matched = |label: &str| matching.lists(label) == (matching.keyword == GroupingKeyword::On);
    matching.has_hole() || filtered.iter().any(|label| !is_matched(label))
}

/// The operation with sums as operands, where the filter makes a difference.
fn rewritten(
    query: &Analysis<'_>,
    id: Id,
    binary: &Binary<'_>,
    [left, right]: [&Side; 2],
    filters: &Filters<'_>,
    filtered: &[&str],
    unmatched: bool,
) -> Option<(Span, String)> {
    let aggregated = |whole: &Expr<'_>, side: &Side, sum: &str| {
        let (series, written) = (query.expr(side.series).span, side.written);
        let around = |from: u32, to: u32| query.slice(Span::new(from, to));
        let (before, after) = (around(whole.span.start, written.start), around(written.end, whole.span.end));
        // Parentheses around the series alone would be doubled.
        let is_parenthesized = before.trim() == "(" && after.trim() == ")";
        let (before, after) = if is_parenthesized { ("", "") } else { (before, after) };
        format!("{before}{sum}({}){after}", query.slice(series))
    };
    let both = |sum: &str| {
        let (lhs, rhs) = (aggregated(&binary.lhs, left, sum), aggregated(&binary.rhs, right, sum));
        let bool = if binary.bool_span.is_some() { " bool" } else { "" };
        format!("{lhs} {}{bool} {rhs}", binary.op.as_str())
    };
    let text = match &binary.matching {
        Some(on) if unmatched && on.keyword == GroupingKeyword::On => {
            let labels: Vec<&str> = on.items.iter().map(|item| query.slice(item.span())).into_vec();
            both(&format!("sum by ({})", labels.join(", ")))
        }
        Some(_) if unmatched => {
            let sum = format!("sum without ({})", filtered.join(", "));
            let op = query.slice(Span::new(binary.lhs.span.end, binary.rhs.span.start));
            match (filters.of_left, filters.of_right) {
                (true, false) => {
                    format!("{}{op}{}", query.slice(binary.lhs.span), aggregated(&binary.rhs, right, &sum))
                }
                (false, true) => {
                    format!("{}{op}{}", aggregated(&binary.lhs, left, &sum), query.slice(binary.rhs.span))
                }
                _ => return None,
            }
        }
        _ => return summed(query, id, filtered, &both),
    };
    Some((query.expr(id).span, text))
}

/// An operation with sums as operands, with the expression around it, so that its other operands are summed as well.
fn summed(query: &Analysis<'_>, id: Id, filtered: &[&str], both: &dyn Fn(&str) -> String) -> Option<(Span, String)> {
    let mut sum = if query.scope.template { "sum by ({group_by})" } else { "sum" }.to_owned();
    let ancestors = query.ancestors(id);
    let is_aggregate = |id: &&Id| matches!(query.expr(**id).kind, ExprKind::Aggregate(_));
    if let Some(&outer) = ancestors.iter().find(is_aggregate)
        && let ExprKind::Aggregate(aggregate) = &query.expr(outer).kind
        && let (op, Some(grouping)) = (aggregate.op, &aggregate.grouping)
        && grouping.keyword == GroupingKeyword::By
        && !op.is_selection()
    {
        if filtered.iter().any(|label| grouping.lists(label)) {
            return None;
        }
        sum = format!("sum {}", query.slice(grouping.span()));
        if query.outer(id) == Some(outer) && matches!(op, Aggregator::Sum | Aggregator::Avg) {
            return Some((query.expr(outer).span, both(&sum)));
        }
    }
    let (mut inner, mut span, mut text) = (id, query.expr(id).span, both(&sum));
    for outer in ancestors {
        match &query.expr(outer).kind {
            ExprKind::Paren(_) | ExprKind::Unary(_) => {}
            ExprKind::Binary(binary) => {
                let &[left, right] = query.children(outer) else { break };
                let other = if left == inner { right } else { left };
                if !query.selectors_below(other).is_empty() {
                    let slice = |start: u32, end: u32| query.slice(Span::new(start, end));
                    let (from, to, side) = (query.expr(inner).span, query.expr(other).span, Side::of(query, other));
                    let (start, end) = (slice(to.start, side.written.start), slice(side.written.end, to.end));
                    let operand = match &query.expr(side.series).kind {
                        ExprKind::Aggregate(_) => query.slice(to).to_owned(),
                        ExprKind::Selector(_) | ExprKind::Call(_) if binary.matching.is_none() => {
                            format!("{start}{sum}({}){end}", query.slice(side.written))
                        }
                        _ => return None,
                    };
                    let (before, after) = (slice(from.start, span.start), slice(span.end, from.end));
                    text = if other == right {
                        format!("{before}{text}{after}{}{operand}", slice(from.end, to.start))
                    } else {
                        format!("{operand}{}{before}{text}{after}", slice(to.end, from.start))
                    };
                    span = query.expr(outer).span;
                }
            }
            _ => break,
        }
        inner = outer;
    }
    Some((span, text))
}

/// The filters that only one of two expressions has.
#[derive(Default)]
struct Filters<'e> {
    /// Their labels.
    labels: Vec<&'e str>,
    /// Whether the left expression has a filter that the right one lacks.
    of_left: bool,
    /// The reverse.
    of_right: bool,
    /// Whether series match only if all their labels are equal.
    matches_all: bool,
}

/// The series that an operand is computed from, and what is done to their values.
struct Side {
    series: Id,
    /// The series themselves, perhaps in `sum without ()`, which changes nothing.
    written: Span,
    /// Whether they are multiplied by, divided by or clamped to a number.
    is_scaled: bool,
    /// Whether it is compared with a number other than to exclude zeros.
    is_compared: bool,
}

impl Side {
    fn of(query: &Analysis<'_>, id: Id) -> Self {
        let series = query.strip_parens(id);
        let mut side = Self { series, written: query.expr(series).span, is_scaled: false, is_compared: false };
        loop {
            let inner = match &query.expr(side.series).kind {
                ExprKind::Binary(binary) if binary.op.is_comparison() && binary.bool_span.is_none() => {
                    let excludes_zero = matches!(binary.op, BinaryOp::Greater | BinaryOp::NotEqual);
                    side.is_compared |= binary.rhs.as_number().is_some_and(|value| value != 0.0 || !excludes_zero);
                    query.arg(side.series, 0).filter(|_| binary.rhs.as_number().is_some())
                }
                ExprKind::Binary(binary) if matches!(binary.op, BinaryOp::Mul | BinaryOp::Div) => {
                    let is_right = binary.op == BinaryOp::Mul && binary.lhs.as_number().is_some();
                    let inner = if is_right {
                        query.arg(side.series, 1)
                    } else {
                        query.arg(side.series, 0).filter(|_| binary.rhs.as_number().is_some())
                    };
                    side.is_scaled |= inner.is_some();
                    inner
                }
                ExprKind::Unary(unary) => {
                    side.is_scaled |= unary.op == Sign::Minus;
                    query.arg(side.series, 0)
                }
                ExprKind::Call(call) if matches!(call.name, "clamp_min" | "clamp_max") => {
                    side.is_scaled = true;
                    query.arg(side.series, 0)
                }
                _ => None,
            };
            match inner {
                Some(inner) => side.series = query.strip_parens(inner),
                None => break,
            }
        }
        side.written = query.expr(side.series).span;
        side.series = without_nothing(query, side.series);
        side
    }
}

/// The operand of `sum without ()`, which returns it unchanged.
fn without_nothing(query: &Analysis<'_>, id: Id) -> Id {
    match &query.expr(id).kind {
        ExprKind::Aggregate(aggregate)
            if matches!(aggregate.op, Aggregator::Sum | Aggregator::Avg | Aggregator::Max | Aggregator::Min)
                && aggregate.grouping.as_ref().is_some_and(|grouping| {
                    grouping.keyword == GroupingKeyword::Without && grouping.items.is_empty()
                }) =>
        {
            without_nothing(query, query.strip_parens(query.operand(id)))
        }
        _ => id,
    }
}

/// Whether two expressions are the same except for filters that only one of them has, which are added to `filters`.
fn reads_same<'e>(query: &Analysis<'e>, a: Id, b: Id, filters: &mut Filters<'e>) -> bool {
    let (a, b) = (without_nothing(query, query.strip_parens(a)), without_nothing(query, query.strip_parens(b)));
    match (&query.expr(a).kind, &query.expr(b).kind) {
        (ExprKind::Selector(x), ExprKind::Selector(y)) => same_series(query, x, y, filters),
        (ExprKind::Call(x), ExprKind::Call(y)) => {
            // These functions create labels from other labels.
            let relabels = matches!(x.name, "absent" | "absent_over_time" | "info");
            x.name == y.name && !relabels && x.args.len() == y.args.len() && same_children(query, a, b, filters)
        }
        (ExprKind::Subquery(x), ExprKind::Subquery(y)) => {
            let tail = |expr: &Expr<'e>, inner: &Expr<'e>| query.slice(Span::new(inner.span.end, expr.span.end));
            tail(query.expr(a), &x.expr) == tail(query.expr(b), &y.expr) && same_children(query, a, b, filters)
        }
        (ExprKind::Aggregate(x), ExprKind::Aggregate(y)) => {
            let grouping = |it: &Aggregate<'e>| {
                let items = Grouping::items_of(it.grouping.as_ref());
                let mut labels: Vec<&str> = items.iter().map(|item| query.slice(item.span())).into_vec();
                sort::by(&mut labels, Ord::cmp);
                (it.grouping.as_ref().map(|grouping| grouping.keyword), labels)
            };
            let (keyword, labels) = grouping(x);
            let before = filters.labels.len();
            if x.op != y.op
                || (keyword, &labels) != (grouping(y).0, &grouping(y).1)
                || !same_children(query, a, b, filters)
            {
                return false;
            }
            filters.labels[before..].iter().all(|label| match keyword {
                _ if x.op.is_selection() => true,
                Some(GroupingKeyword::By) => labels.contains(label),
                Some(_) => !labels.contains(label),
                None => false,
            })
        }
        (ExprKind::Number(x), ExprKind::Number(y)) => x.value.to_bits() == y.value.to_bits(),
        (ExprKind::String(x), ExprKind::String(y)) => x.value == y.value,
        _ => false,
    }
}

fn same_children<'e>(query: &Analysis<'e>, a: Id, b: Id, filters: &mut Filters<'e>) -> bool {
    query.children(a).iter().zip(query.children(b)).all(|(a, b)| reads_same(query, *a, *b, filters))
}

/// Whether two selectors are the same except for filters that only one of them has.
fn same_series<'e>(query: &Analysis<'e>, a: &'e Selector<'e>, b: &'e Selector<'e>, filters: &mut Filters<'e>) -> bool {
    let name = |it: &'e Selector<'e>| it.name.as_ref().map(|name| name.text).or_else(|| it.metric_name());
    let time = |duration: &Duration| match duration.seconds() {
        Some(seconds) => seconds.to_string(),
        None => query.slice(duration.span).to_owned(),
    };
    let range = |it: &Selector<'_>| it.range.as_ref().map(|range| time(&range.duration));
    let modifiers = |it: &Selector<'_>| {
        let texts = it.modifiers.iter().map(|it| match it {
            Modifier::Offset { duration, .. } => time(duration),
            other => query.slice(other.span()).to_owned(),
        });
        texts.filter(|text| text != "0").into_vec()
    };
    if name(a).is_none()
        || name(a) != name(b)
        || range(a) != range(b)
        || modifiers(a) != modifiers(b)
        || a.has_labels_hole() != b.has_labels_hole()
    {
        return false;
    }
    // The name of the metric is the same, wherever it stands.
    let conditions = |it: &'e Selector<'e>| {
        it.matchers().into_iter().filter(|matcher| matcher.label.name != "__name__" || matcher.op != MatchOp::Equal)
    };
    let is_wider = |wide: &'e Selector<'e>, narrow: &'e Selector<'e>| {
        conditions(wide).all(|matcher| conditions(narrow).any(|other| implies(other, matcher)))
    };
    let text = |matcher: &'e Matcher<'e>| (&*matcher.label.name, matcher.op.as_str(), &*matcher.value.value);
    let (of_a, of_b): (Vec<_>, Vec<_>) = (conditions(a).map(text).into_vec(), conditions(b).map(text).into_vec());
    for (these, others) in [(&of_a, &of_b), (&of_b, &of_a)] {
        filters.labels.add_all(these.iter().filter(|it| !others.contains(it)).map(|(label, ..)| *label));
    }
    let (a_is_wider, b_is_wider) = (is_wider(a, b), is_wider(b, a));
    filters.of_left |= b_is_wider && !a_is_wider;
    filters.of_right |= a_is_wider && !b_is_wider;
    // If both sides have filters of their own, only series that agree in all labels are certainly the same.
    a_is_wider || b_is_wider || filters.matches_all
}

/// Whether each value that meets `narrow` is known to meet `wide`.
fn implies(narrow: &Matcher<'_>, wide: &Matcher<'_>) -> bool {
    if narrow.label.name != wide.label.name {
        return false;
    }
    let (value, wide_value) = (&*narrow.value.value, &*wide.value.value);
    if narrow.op == wide.op && value == wide_value {
        return true;
    }
    let meets = |value: &str| Condition::of(wide).matches(value) == Some(true);
    match (narrow.op, wide.op) {
        (_, MatchOp::NotEqual) if wide_value.is_empty() => !narrow.matches_empty(),
        (_, MatchOp::Regex) if wide_value == ".+" => !narrow.matches_empty(),
        (MatchOp::Equal, _) => meets(value),
        (MatchOp::Regex, _) if regex::texts(value).is_some_and(|values| values.iter().all(|it| meets(it))) => true,
        (MatchOp::Regex, MatchOp::Regex) => {
            let wide = regex::alternatives(wide_value);
            regex::alternatives(value).iter().all(|part| wide.contains(part))
        }
        _ => false,
    }
}
