//! Operators whose sides are the same series.

use std::collections::BTreeSet;

use super::analysis::{Analysis, Findings};
use super::tree::Id;
use crate::promql::{Binary, BinaryOp, ExprKind, GroupingKeyword, Selector};
use crate::{Code, Diagnostic};

pub(super) fn check(query: &Analysis<'_>, findings: &mut Findings) {
    for id in query.ids() {
        if let ExprKind::Binary(binary) = &query.expr(id).kind
            && binary.matching.is_none()
            && binary.fill.is_empty()
        {
            findings.extend(identical(query, id, binary));
        }
    }
}

fn identical(query: &Analysis<'_>, id: Id, binary: &Binary<'_>) -> Option<Diagnostic> {
    let (what, result) = match binary.op {
        BinaryOp::Div => ("ratio", "always 1"),
        BinaryOp::Sub => ("difference", "always 0"),
        BinaryOp::Mod => ("remainder", "always 0"),
        _ => return None,
    };
    let mut sides = query.children(id);
    let (left, right) = (unguarded(query, sides.next()?), unguarded(query, sides.next()?));
    if !query.is_vector(left) || !query.is_vector(right) {
        return None;
    }
    // Labels that only one side filters on. The series that pass the filter are the same on both sides.
    let mut filtered = BTreeSet::new();
    if !reads_same(query, left, right, &mut filtered) {
        return None;
    }
    let finding = Diagnostic::new(Code::IdenticalOperands, binary.op_span, format!("{what} of series and themselves"))
        .label(result);
    let finding = match filtered.first() {
        Some(label) => finding.note(format!("both sides have the label `{label}`, so equal values match each other")),
        None => return Some(finding),
    };
    if matches!(query.expr(left).kind, ExprKind::Aggregate(_)) {
        let labels = filtered.into_iter().collect::<Vec<_>>().join("`, `");
        return Some(finding.help(format!("leave `{labels}` out of the grouping")));
    }
    let grouping = if query.scope.template { "sum by ({group_by})" } else { "sum" };
    let side = |id: Id| {
        let summed = format!("{grouping}({})", query.slice(query.expr(unguarded(query, id)).span));
        match guard(query, id) {
            Some(guard) => format!("({summed}{guard})"),
            None => summed,
        }
    };
    let mut sides = query.children(id);
    let text = format!("{} {} {}", side(sides.next()?), binary.op.as_str(), side(sides.next()?));
    Some(finding.write(query.expr(id).span, text))
}

/// The expression without parentheses and without a comparison with a number, which does not change values.
fn unguarded(query: &Analysis<'_>, id: Id) -> Id {
    let id = query.strip_parens(id);
    match &query.expr(id).kind {
        ExprKind::Binary(binary)
            if binary.op.is_comparison() && binary.bool_span.is_none() && binary.rhs.as_number().is_some() =>
        {
            unguarded(query, id + 1)
        }
        _ => id,
    }
}

/// The comparison that [`unguarded`] removes.
fn guard<'e>(query: &Analysis<'e>, id: Id) -> Option<&'e str> {
    let id = query.strip_parens(id);
    match &query.expr(id).kind {
        ExprKind::Binary(binary) if unguarded(query, id) != id => {
            Some(query.slice(crate::Span::new(binary.lhs.span.end, query.expr(id).span.end)))
        }
        _ => None,
    }
}

/// Whether two expressions are the same except for filters that only one of them has. Adds the labels of these filters
/// to `filtered`.
fn reads_same<'e>(query: &Analysis<'e>, a: Id, b: Id, filtered: &mut BTreeSet<&'e str>) -> bool {
    let (a, b) = (query.strip_parens(a), query.strip_parens(b));
    match (&query.expr(a).kind, &query.expr(b).kind) {
        (ExprKind::Selector(x), ExprKind::Selector(y)) => same_series(query, x, y, filtered),
        (ExprKind::Call(x), ExprKind::Call(y)) => {
            // These functions create labels from other labels.
            let relabels = matches!(x.name, "label_replace" | "label_join" | "absent" | "absent_over_time" | "info");
            x.name == y.name && !relabels && x.args.len() == y.args.len() && same_children(query, a, b, filtered)
        }
        (ExprKind::Subquery(x), ExprKind::Subquery(y)) => {
            let tail = |expr: &crate::promql::Expr<'e>, inner: &crate::promql::Expr<'e>| {
                query.slice(crate::Span::new(inner.span.end, expr.span.end))
            };
            tail(query.expr(a), &x.expr) == tail(query.expr(b), &y.expr) && same_children(query, a, b, filtered)
        }
        (ExprKind::Aggregate(x), ExprKind::Aggregate(y)) => {
            let grouping = |it: &crate::promql::Aggregate<'e>| {
                let labels = it.grouping.iter().flat_map(|grouping| grouping.items.iter());
                let mut labels: Vec<&str> = labels.map(|item| query.slice(item.span())).collect();
                labels.sort_unstable();
                (it.grouping.as_ref().map(|grouping| grouping.keyword), labels)
            };
            let (keyword, labels) = grouping(x);
            let mut inner = BTreeSet::new();
            if x.op != y.op
                || (keyword, &labels) != (grouping(y).0, &grouping(y).1)
                || !same_children(query, a, b, &mut inner)
            {
                return false;
            }
            let is_kept = |label: &&str| match keyword {
                Some(GroupingKeyword::By) => labels.contains(label),
                Some(_) => !labels.contains(label),
                None => false,
            };
            let all_kept = inner.iter().all(is_kept);
            filtered.extend(inner);
            all_kept
        }
        (ExprKind::Number(x), ExprKind::Number(y)) => x.value.to_bits() == y.value.to_bits(),
        (ExprKind::String(x), ExprKind::String(y)) => x.value == y.value,
        _ => false,
    }
}

fn same_children<'e>(query: &Analysis<'e>, a: Id, b: Id, filtered: &mut BTreeSet<&'e str>) -> bool {
    query.children(a).zip(query.children(b)).all(|(a, b)| reads_same(query, a, b, filtered))
}

/// Whether two selectors are the same except for filters that only one of them has.
fn same_series<'e>(
    query: &Analysis<'e>,
    a: &'e Selector<'e>,
    b: &'e Selector<'e>,
    filtered: &mut BTreeSet<&'e str>,
) -> bool {
    let name = |it: &'e Selector<'e>| it.name.as_ref().map(|name| name.text).or_else(|| it.metric_name());
    let range = |it: &Selector<'_>| it.range.as_ref().map(|range| query.slice(range.span).to_owned());
    let modifiers =
        |it: &Selector<'_>| it.modifiers.iter().map(|it| query.slice(it.span()).to_owned()).collect::<Vec<_>>();
    let matchers = |it: &'e Selector<'e>| {
        let all = it.matchers().map(|matcher| (&*matcher.label.name, matcher.op.as_str(), &*matcher.value.value));
        all.collect::<BTreeSet<_>>()
    };
    if name(a).is_none()
        || name(a) != name(b)
        || range(a) != range(b)
        || modifiers(a) != modifiers(b)
        || a.has_labels_hole() != b.has_labels_hole()
    {
        return false;
    }
    let (of_a, of_b) = (matchers(a), matchers(b));
    // With filters on both sides, the selectors may select different series.
    let is_wider = of_a.is_subset(&of_b) || of_b.is_subset(&of_a);
    filtered.extend(of_a.symmetric_difference(&of_b).map(|(label, ..)| *label));
    is_wider
}
