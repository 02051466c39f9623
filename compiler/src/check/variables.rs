//! Reports dashboard variables in matchers and in arguments of functions, which Prometheus reads literally.

use super::analysis::{Analysis, Findings};
use super::label_set::NAME;
use super::tree::Id;
use crate::diagnostic::Fix;
use crate::file::RESERVED_LABELS;
use crate::promql::{ExprKind, Matcher, MatcherItem, Selector};
use crate::template::NO_OTHERS;
use crate::vec_ext::IntoVec;
use crate::{Code, Diagnostic, Span};

/// The help about a query that is not a template.
const OF_PROGRAM: &str = "write a value, or the parameter of the program that sends the query";

pub(super) fn check(query: &Analysis<'_>, findings: &mut Findings) {
    for (_, selector, _) in query.selectors() {
        let Some((matcher, variable)) = selector.matchers().iter().find_map(|it| Some((*it, variable_in(it)?))) else {
            continue;
        };
        let finding =
            Diagnostic::new(Code::DashboardVariable, matcher.span(), format!("variable `{variable}` in a matcher"))
                .label(if matcher.op.is_regex() { "read as a pattern" } else { "compared literally" });
        let label = &*matcher.label.name;
        if label != NAME && RESERVED_LABELS.contains(&label) && query.scope.labels.is_some() {
            findings.push(finding.help(format!("write a value: callers cannot filter on `{label}`")));
            continue;
        }
        let Some((span, text)) = with_labels(query, selector).filter(|_| query.scope.template) else {
            findings.push(finding.help(OF_PROGRAM));
            continue;
        };
        let help = match label {
            NAME if query.scope.metric.is_some() => format!("write `{text}` for the metric of the file"),
            NAME => format!("write `{text}`, so that callers name the metric"),
            label => match query.scope.labels.and_then(|labels| labels.let_filter(label)) {
                Some(add) => format!("write `{text}`, and {add}, so that callers can filter on `{label}`"),
                None => format!("write `{text}`, so that callers can filter on `{label}`"),
            },
        };
        let mut finding = finding.help(help).fix(Fix { span, text });
        finding.span = span;
        findings.push(finding);
    }
    for id in query.ids() {
        arguments(query, id, findings);
    }
}

/// Strings that are arguments of functions and aggregations.
fn arguments(query: &Analysis<'_>, id: Id, findings: &mut Findings) {
    let ExprKind::String(text) = &query.expr(id).kind else { return };
    let call = query.outer(id).and_then(|outer| match &query.expr(outer).kind {
        ExprKind::Call(call) => {
            Some((call.name, query.children(outer).iter().position(|child| query.below(*child).contains(&id))))
        }
        _ => None,
    });
    let is_pattern = match call {
        // In the replacement, `$name` is a group of the pattern.
        Some(("label_replace", Some(2))) => return,
        call => call == Some(("label_replace", Some(4))),
    };
    let Some(variable) = variable(&text.value, is_pattern) else { return };
    let help = if query.scope.template { NO_OTHERS } else { OF_PROGRAM };
    findings.push(
        Diagnostic::new(Code::DashboardVariable, text.span, format!("variable `{variable}` in an argument"))
            .label(if is_pattern { "read as a pattern" } else { "read literally" })
            .help(help),
    );
}

/// Whether a matcher of the selector contains a variable.
pub(super) fn has_variable(selector: &Selector<'_>) -> bool {
    selector.matchers().iter().any(|matcher| variable_in(matcher).is_some())
}

/// The text from the first matcher with a variable to the last, with `{labels}` instead of them. If nothing else selects
/// series, it is the whole selector, with `{metric_name}`.
fn with_labels(query: &Analysis<'_>, selector: &Selector<'_>) -> Option<(Span, String)> {
    let is_replaced = |item: &MatcherItem<'_>| match item {
        MatcherItem::Matcher(matcher) => variable_in(matcher).is_some(),
        MatcherItem::Labels(_) => true,
        MatcherItem::Name(_) => false,
    };
    let items = selector.items();
    let (first, last) = (items.iter().position(is_replaced)?, items.iter().rposition(is_replaced)?);
    let join = |items: &[MatcherItem<'_>]| {
        let kept = items.iter().filter(|item| !is_replaced(item)).map(|item| query.slice(item.span()));
        std::iter::once("{labels}").chain(kept).into_vec().join(",")
    };
    let names_metric = |matcher: &&Matcher<'_>| matcher.label.name == NAME && variable_in(matcher).is_some();
    let selects_nothing_else = items.iter().all(is_replaced) || selector.matchers().iter().any(names_metric);
    if selector.name.is_none() && selects_nothing_else {
        let braces = selector.braces.as_ref()?;
        return Some((braces.open.to(braces.close), format!("{{metric_name}}{{{{{}}}}}", join(items))));
    }
    Some((items[first].span().to(items[last].span()), join(&items[first..=last])))
}

fn variable_in<'m>(matcher: &'m Matcher<'_>) -> Option<&'m str> {
    let (value, label) = (&*matcher.value.value, &*matcher.label.name);
    // `image="<none>"` is a real value.
    let is_word = |name: &&str| name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ' '));
    let inside = value.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).filter(is_word);
    let named = inside.filter(|name| !name.is_empty() && (name.contains(label) || label.contains(name))).map(|_| value);
    named.or_else(|| variable(value, matcher.op.is_regex()))
}

/// The variable in a text: `$job`, `${job:regex}`, `${{ job }}`, `[[job]]`, `{{ .job }}`, `%(job)s`, `%job%`, `$(job)`.
fn variable(value: &str, is_pattern: bool) -> Option<&str> {
    // The whole value, since paths such as `/users/{id}` are real values.
    let is_whole = |open, close| enclosed(value, open, close).is_some_and(|whole| whole.len() == value.len());
    if value == "%s" || is_whole("{", "}") || is_whole("%", "%") {
        return Some(value);
    }
    value.match_indices(['$', '[', '{', '%']).find_map(|(at, sign)| {
        let (before, rest) = (&value[..at], &value[at..]);
        match sign {
            _ if before.ends_with('\\') => None,
            "[" => enclosed(rest, "[[", "]]"),
            "{" => enclosed(rest, "{{", "}}"),
            "%" => enclosed(rest, "%(", ")s"),
            _ => [("${{", "}}"), ("${", "}"), ("$(", ")")]
                .iter()
                .find_map(|(open, close)| enclosed(rest, open, close))
                .or_else(|| {
                    let end = word(&rest[1..]).filter(|_| is_pattern || !is_name_with_dollar(before, &rest[1..]))?;
                    Some(&rest[..=end])
                }),
        }
    })
}

/// Whether a `$` belongs to a real name: `MSSQL$dev` of a Windows service, `C:\$RECYCLE.BIN`, `Outer$Inner` of Java.
fn is_name_with_dollar(before: &str, after: &str) -> bool {
    let starts_with = |folder: &&str| after.get(..folder.len()).is_some_and(|start| start.eq_ignore_ascii_case(folder));
    let word = before.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    ["RECYCLE.BIN", "WINDOWS.~", "WINREAGENT", "SYSRESET"].iter().any(starts_with)
        || !word.is_empty()
            && (word.contains("SQL") || word.ends_with("lambda") || after.starts_with(char::is_uppercase))
}

/// The length of the name that a text starts with.
fn word(text: &str) -> Option<usize> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    (end > 0 && !text.starts_with(|c: char| c.is_ascii_digit())).then_some(end)
}

/// The start of a text up to `close`, if `open` and `close` enclose the name of a variable, with or without a format or
/// filter.
fn enclosed<'t>(text: &'t str, open: &str, close: &str) -> Option<&'t str> {
    let inside = text.strip_prefix(open)?;
    let end = inside.find(close)?;
    let name = inside[..end].trim().trim_start_matches(['.', '$']);
    let after = name[word(name)?..].trim_start();
    let has_format = after.is_empty() || !matches!(open, "{" | "%") && after.starts_with([':', '.', '|', '[']);
    has_format.then(|| &text[..open.len() + end + close.len()])
}
