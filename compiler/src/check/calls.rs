//! Checks of functions that are easily misunderstood.

use promql_presets_core::regex::{groups, validate_wrapped};

use super::analysis::{Analysis, Findings};
use super::constants::invalid_label_name;
use super::tree::Id;
use crate::promql::{
    Aggregator, Binary, BinaryOp, Call, Expr, ExprKind, GroupingKeyword, ResultType, StringLiteral, regex_fault,
};
use crate::vec_ext::{IntoVec, VecExt};
use crate::{Code, Diagnostic};

pub(super) fn check(query: &Analysis<'_>, findings: &mut Findings) {
    for id in query.ids() {
        let call = match &query.expr(id).kind {
            ExprKind::Call(call) => call,
            ExprKind::Binary(binary) => {
                constant_first(query, id, binary, findings);
                continue;
            }
            _ => continue,
        };
        match call.name {
            "label_replace" => {
                findings.add_all(string_arg(call.args.get(1)).and_then(|label| invalid_label_name(call.name, label)));
                invalid_pattern(query, call, findings);
            }
            "label_join" => {
                let labels = (1..call.args.len()).filter(|arg| *arg != 2);
                let labels = labels.filter_map(|arg| string_arg(call.args.get(arg)));
                findings.add_all(labels.filter_map(|label| invalid_label_name(call.name, label)));
            }
            "histogram_quantiles" => {
                findings.add_all(string_arg(call.args.get(1)).and_then(|label| invalid_label_name(call.name, label)));
            }
            "sort" | "sort_desc" | "sort_by_label" | "sort_by_label_desc" => sort(query, id, call, findings),
            "absent" | "absent_over_time" => absent(query, id, call, findings),
            _ => {}
        }
    }
}

fn string_arg<'e>(expr: Option<&'e Expr<'e>>) -> Option<&'e StringLiteral<'e>> {
    match &expr?.unparenthesized().kind {
        ExprKind::String(text) => Some(text),
        _ => None,
    }
}

/// The references to groups in a replacement: name, and whether it is in braces.
fn group_references(replacement: &str) -> Vec<(&str, bool)> {
    let mut found = Vec::new();
    let mut rest = replacement;
    while let Some(at) = rest.find('$') {
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            rest = after;
        } else {
            let braced = rest.strip_prefix('{');
            let text = braced.unwrap_or(rest);
            let (name, after) =
                text.split_at(text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len()));
            // Any other `$` is literal.
            if !name.is_empty() && (braced.is_none() || after.starts_with('}')) {
                found.push((name, braced.is_some()));
            }
            rest = after;
        }
    }
    found
}

/// An invalid pattern, which Prometheus rejects only when it runs the query.
fn invalid_pattern(query: &Analysis<'_>, call: &Call<'_>, findings: &mut Findings) {
    let Some(pattern) = string_arg(call.args.get(4)) else { return };
    // Prometheus wraps this pattern in a group.
    match regex_fault(query.text, query.scope.template, pattern.span, validate_wrapped(&pattern.value)) {
        Some(fault) => findings.push(fault),
        None => unknown_group(query, call, findings),
    }
}

fn unknown_group(query: &Analysis<'_>, call: &Call<'_>, findings: &mut Findings) {
    let (Some(text), Some(pattern)) = (string_arg(call.args.get(2)), string_arg(call.args.get(4))) else { return };
    let groups = groups(&pattern.value);
    let count = groups.len();
    let known = |name: &str| name.parse::<usize>().is_ok_and(|group| group <= count) || groups.contains(&Some(name));
    let Some((name, braced)) = group_references(&text.value).iter().find(|(name, _)| !known(name)).copied() else {
        return;
    };
    let (open, close) = if query.scope.template { ("{{", "}}") } else { ("{", "}") };
    let digits = name.find(|c: char| !c.is_ascii_digit()).unwrap_or(name.len());
    let (number, rest) = name.split_at(digits);
    let finding = Diagnostic::new(
        Code::UnknownGroupReference,
        text.span,
        format!(
            "`{}` names no group of the pattern",
            if braced { format!("${open}{name}{close}") } else { format!("${name}") }
        ),
    );
    if !braced && !rest.is_empty() && known(number) {
        findings.push(
            finding.label(format!("no group is named `{name}`")).help(format!("write `${open}{number}{close}{rest}`")),
        );
        return;
    }
    let has = match count {
        0 => "has no groups".to_owned(),
        1 => "has one group".to_owned(),
        _ => format!("has {count} groups"),
    };
    findings.push(finding.label("always empty").secondary(pattern.span, has));
}

fn sort(query: &Analysis<'_>, id: Id, call: &Call<'_>, findings: &mut Findings) {
    let by = query.ancestors(id).iter().find_map(|outer| match &query.expr(*outer).kind {
        ExprKind::Aggregate(aggregate) => {
            Some((aggregate.op_span, aggregate.op.as_str(), "ignores the order of series"))
        }
        ExprKind::Subquery(subquery) => Some((subquery.brackets, "a subquery", "keeps no order")),
        ExprKind::Binary(binary) if query.children(*outer).iter().all(|id| query.is_vector(*id)) => {
            // The result has the order of the "many" side.
            let right = binary.group.as_ref().is_some_and(|group| group.keyword == GroupingKeyword::GroupRight);
            let leads = query.below(outer + 1).contains(&id) != right;
            let order = "keeps the order of its other side";
            (!leads && binary.op != BinaryOp::Or).then_some((binary.op_span, binary.op.as_str(), order))
        }
        _ => None,
    });
    if let Some((span, name, order)) = by {
        let within = if name.contains(' ') { name.to_owned() } else { format!("`{name}`") };
        findings.push(
            Diagnostic::new(Code::SortWithoutEffect, call.name_span, format!("`{}` within {within}", call.name))
                .label("the order is lost")
                .secondary(span, order)
                .help(format!("leave `{}` out, or put it around everything", call.name)),
        );
    }
}

/// `vector(0) or x`: the constant hides the right side.
fn constant_first(query: &Analysis<'_>, id: Id, binary: &Binary<'_>, findings: &mut Findings) {
    let (BinaryOp::Or, &[left, right]) = (binary.op, query.children(id)) else { return };
    let ExprKind::Call(call) = &query.expr(query.strip_parens(left)).kind else { return };
    if call.name != "vector" {
        return;
    }
    let (first, second) = (query.slice(query.expr(left).span), query.slice(query.expr(right).span));
    let single = query.labels(right).all().is_some_and(<[_]>::is_empty);
    let op = if single { "or" } else { "or on ()" };
    findings.push(
        Diagnostic::new(Code::FallbackAlwaysThere, call.name_span, "fallback on the left side of `or`")
            .label("always there")
            .secondary(binary.op_span, "returns the left side first")
            .help(format!("write `{second} {op} {first}`")),
    );
}

fn absent(query: &Analysis<'_>, id: Id, call: &Call<'_>, findings: &mut Findings) {
    let Some(arg) = query.arg(id, 0).map(|arg| query.strip_parens(arg)) else { return };
    let (subquery, arg) = match &query.expr(arg).kind {
        ExprKind::Subquery(subquery) => (Some(subquery), query.strip_parens(arg + 1)),
        _ => (None, arg),
    };
    let (span, what) = match &query.expr(arg).kind {
        ExprKind::Aggregate(aggregate)
            if !matches!(aggregate.op, Aggregator::Topk | Aggregator::Bottomk | Aggregator::Count) =>
        {
            (aggregate.op_span, aggregate.op.as_str())
        }
        ExprKind::Call(inner)
            if query.arg(arg, 0).is_some_and(|arg| query.expr(arg).ty() == ResultType::RangeVector) =>
        {
            (inner.name_span, inner.name)
        }
        // A comparison selects series by value, as in `absent(up == 1)`.
        ExprKind::Binary(binary) if !binary.op.is_comparison() && !binary.op.is_set() => {
            (binary.op_span, binary.op.as_str())
        }
        _ => return,
    };
    let selectors = query.selectors_below(arg);
    let finding = Diagnostic::new(Code::AbsentOfAggregation, span, format!("`{}` of `{what}`", call.name))
        .label("loses the labels that the result would take from the selector")
        .secondary(call.name_span, "makes its labels from the matchers of a selector");
    let sides: Vec<&Expr<'_>> = query.expr(arg).children().into_vec();
    if let ([a, b], ExprKind::Binary(_), "absent") = (sides.as_slice(), &query.expr(arg).kind, call.name)
        && [a, b].iter().all(|side| matches!(&side.kind, ExprKind::Selector(_)))
    {
        let (a, b) = (query.slice(a.span), query.slice(b.span));
        findings.push(finding.help(format!("write `absent({a}) or absent({b})`")));
        return;
    }
    let has_subquery = query.below(arg).any(|id| matches!(query.expr(id).kind, ExprKind::Subquery(_)));
    findings.push(match selectors[..] {
        [(id, selector, _)] if !has_subquery && subquery.is_none_or(|it| it.modifiers.is_empty()) => {
            let (expr, over) = (query.expr(id).span, selector.range.as_ref());
            let (core, whole) = (query.slice(selector.span), query.slice(expr));
            let over_time = query.outer(id).is_some_and(|outer| match &query.expr(outer).kind {
                ExprKind::Call(call) => call.name.ends_with("_over_time"),
                _ => false,
            });
            let modifiers = &query.text[over.map_or(selector.span, |range| range.span).end as usize..expr.end as usize];
            finding.help(match subquery {
                Some(subquery) => {
                    format!("write `absent_over_time({core}[{}]{modifiers})`", query.slice(subquery.range.span))
                }
                None if over_time => format!("write `absent_over_time({whole})`"),
                None => format!("write `absent({core}{modifiers})`"),
            })
        }
        _ => finding,
    });
}
