//! Single functions that are easily taken for something else.

use super::query::{Findings, Id, Query};
use crate::promql::{Aggregator, Call, Expr, ExprKind, StringLiteral};
use crate::{Code, Diagnostic};

pub(super) fn check(query: &Query<'_>, findings: &mut Findings) {
    for id in query.ids() {
        let ExprKind::Call(call) = &query.expr(id).kind else { continue };
        match call.name {
            "label_replace" => replacement(query, call, findings),
            "sort" | "sort_desc" | "sort_by_label" | "sort_by_label_desc" => sort(query, id, call, findings),
            "absent" => absent(query, id, call, findings),
            _ => {}
        }
    }
}

fn string<'e>(expr: Option<&'e Expr<'e>>) -> Option<&'e StringLiteral<'e>> {
    match &expr?.unparenthesized().kind {
        ExprKind::String(text) => Some(text),
        _ => None,
    }
}

/// A reference to a group in a replacement: its name, and whether it stands in braces.
fn references(replacement: &str) -> Vec<(&str, bool)> {
    let mut found = Vec::new();
    let mut rest = replacement;
    while let Some(at) = rest.find('$') {
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            rest = after;
        } else if let Some((name, after)) = rest.strip_prefix('{').and_then(|braced| braced.split_once('}')) {
            found.push((name, true));
            rest = after;
        } else {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            if end > 0 {
                found.push((&rest[..end], false));
            }
            rest = &rest[end..];
        }
    }
    found
}

/// How many groups a pattern has, and the names of those that have one.
fn groups(pattern: &str) -> (usize, Vec<&str>) {
    let (mut count, mut names) = (0, Vec::new());
    let (mut escaped, mut class) = (false, false);
    for (at, c) in pattern.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '[' => class = true,
            ']' => class = false,
            '(' if !class => {
                let rest = &pattern[at + 1..];
                let opened = rest.strip_prefix("?P<").or_else(|| rest.strip_prefix("?<"));
                let name = opened.and_then(|rest| rest.split_once('>')).map(|(name, _)| name);
                if name.is_some() || !rest.starts_with('?') {
                    count += 1;
                }
                names.extend(name);
            }
            _ => {}
        }
    }
    (count, names)
}

fn replacement(query: &Query<'_>, call: &Call<'_>, findings: &mut Findings) {
    let (Some(text), Some(pattern)) = (string(call.args.get(2)), string(call.args.get(4))) else { return };
    let (count, names) = groups(&pattern.value);
    let known = |name: &str| name.parse::<usize>().is_ok_and(|group| group <= count) || names.contains(&name);
    let Some((name, braced)) = references(&text.value).into_iter().find(|(name, _)| !known(name)) else { return };
    let digits = name.find(|c: char| !c.is_ascii_digit()).unwrap_or(name.len());
    let (number, rest) = name.split_at(digits);
    let finding = Diagnostic::new(
        Code::UnknownGroupReference,
        text.span,
        format!("`{}` names no group of the pattern", if braced { format!("${{{name}}}") } else { format!("${name}") }),
    );
    if !braced && !rest.is_empty() && known(number) {
        let (open, close) = if query.scope.template { ("{{", "}}") } else { ("{", "}") };
        findings.push(
            finding
                .label(format!("the group named `{name}`, which is empty"))
                .help(format!("write `${open}{number}{close}{rest}`")),
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

fn sort(query: &Query<'_>, id: Id, call: &Call<'_>, findings: &mut Findings) {
    let by = query.ancestors(id).find_map(|outer| match &query.expr(outer).kind {
        ExprKind::Aggregate(aggregate) => Some((aggregate.op_span, aggregate.op.as_str())),
        ExprKind::Binary(binary)
            if query.is_vector(outer + 1) && query.children(outer).all(|id| query.is_vector(id)) =>
        {
            Some((binary.op_span, binary.op.as_str()))
        }
        _ => None,
    });
    if let Some((span, name)) = by {
        findings.push(
            Diagnostic::new(Code::SortWithoutEffect, call.name_span, format!("`{}` within `{name}`", call.name))
                .label("the order is lost")
                .secondary(span, "takes its series in no order")
                .help(format!("leave `{}` out, or put it around everything", call.name)),
        );
    }
}

fn absent(query: &Query<'_>, id: Id, call: &Call<'_>, findings: &mut Findings) {
    let Some(arg) = query.arg(id, 0).map(|arg| query.bare_id(arg)) else { return };
    let (span, what) = match &query.expr(arg).kind {
        ExprKind::Aggregate(aggregate)
            if !matches!(aggregate.op, Aggregator::Topk | Aggregator::Bottomk | Aggregator::Count) =>
        {
            (aggregate.op_span, aggregate.op.as_str())
        }
        _ => return,
    };
    let mut selectors = query.selectors_below(arg);
    let finding = Diagnostic::new(Code::AbsentOfAggregation, span, format!("`absent` of `{what}`"))
        .label("loses the labels that the result would take from the selector")
        .secondary(call.name_span, "makes its labels from the matchers of a selector");
    findings.push(match (selectors.next(), selectors.next()) {
        (Some((_, selector, _)), None) if selector.range.is_none() => {
            finding.help(format!("write `absent({})`", query.slice(selector.span)))
        }
        _ => finding,
    });
}
