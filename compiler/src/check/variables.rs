//! Reports dashboard variables in matchers and in arguments of functions, which Prometheus reads literally.

use super::analysis::{Analysis, Findings};
use super::label_set::NAME;
use super::tree::Id;
use crate::diagnostic::Fix;
use crate::file::RESERVED_LABELS;
use crate::promql::{ExprKind, Matcher, MatcherItem, Selector};
use crate::template::{NO_OTHERS, verb};
use crate::vec_ext::IntoVec;
use crate::{Code, Diagnostic, Span};

/// The help about a query that is not a template.
const OF_PROGRAM: &str = "write a value, or insert it in the program that sends the query";

pub(super) fn check(query: &Analysis<'_>, findings: &mut Findings) {
    for (_, selector, _) in &query.selectors() {
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
    let Some(variable) = variable(&text.value, "", is_pattern) else { return };
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
    variable(&matcher.value.value, &matcher.label.name, matcher.op.is_regex())
}

/// What encloses the name of a variable. The braces of `{{ .job }}` are single in the value of a template.
const FORMS: [(&str, &str); 10] = [
    ("${{", "}}"),
    ("${", "}"),
    ("$(", ")"),
    ("[[", "]]"),
    ("{{", "}}"),
    ("{", "}"),
    ("%(", ")s"),
    ("%{", "}"),
    ("#{", "}"),
    ("<%=", "%>"),
];

/// The variable in a text: `$job`, in one of the forms, or `%s`. The text is the value of a label, or an argument.
fn variable<'v>(value: &'v str, label: &str, is_pattern: bool) -> Option<&'v str> {
    // `image="<none>"` and `mode="%usr%"` are real values.
    let is_word = |name: &&str| name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ' '));
    let is_variable = |sign: &str, end: &str| {
        let name = value.strip_prefix(sign).and_then(|rest| rest.strip_suffix(end)).filter(is_word);
        name.is_some_and(|name| is_of_label(name, label))
    };
    if [("<", ">"), ("%", "%"), ("@", "@"), ("$$", "")].iter().any(|(sign, end)| is_variable(sign, end)) {
        return Some(value);
    }
    value.match_indices(['$', '[', '{', '%', '#', '<']).find_map(|(at, sign)| {
        let (before, rest) = (&value[..at], &value[at..]);
        if before.ends_with('\\') {
            return None;
        }
        let end = FORMS.iter().find_map(|(open, close)| enclosed(rest, open, close, rest.len() == value.len()));
        let end = end.or_else(|| verb(rest).filter(|_| !value.contains(' '))).or_else(|| {
            let name = &rest[1..][..word(&rest[1..]).filter(|_| sign == "$")?];
            (is_pattern || !is_name_with_dollar(before, name, &rest[1 + name.len()..], label)).then_some(1 + name.len())
        });
        Some(&rest[..end?])
    })
}

/// Whether a variable has the name of a label, or almost.
fn is_of_label(name: &str, label: &str) -> bool {
    let name = name.to_ascii_lowercase();
    !name.is_empty() && (name.contains(label) || label.contains(&*name))
}

/// Whether a `$` belongs to a real value: `MSSQL$dev` of a Windows service, `C:\$RECYCLE.BIN`, `Outer$Inner` and
/// `Foo$$Lambda` of Java, `/$metadata` of `OData`, and topics such as `$SYS/x`.
fn is_name_with_dollar(before: &str, name: &str, after: &str, label: &str) -> bool {
    const NAMES: [&str; 12] = [
        "RECYCLE",
        "Recycle",
        "WINREAGENT",
        "SYSRESET",
        "Default",
        "SYS",
        "JS",
        "KV",
        "G",
        "external",
        "edgeHub",
        "edgeAgent",
    ];
    const OF_TOPICS: [&str; 5] = ["share", "queue", "aws", "iothub", "dps"];
    let word = before.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    before.ends_with('$')
        || word.starts_with(char::is_uppercase)
        || word.ends_with("lambda")
        || !word.is_empty() && name.starts_with(char::is_uppercase)
        || !is_of_label(name, label)
            && (NAMES.contains(&name)
                || name.starts_with("Proxy")
                || before.ends_with('/') && !before.ends_with("//")
                || after.starts_with('/') && OF_TOPICS.contains(&name)
                || after.starts_with(".~"))
}

/// The length of the name that a text starts with.
fn word(text: &str) -> Option<usize> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
    (end > 0 && !text.starts_with(|c: char| c.is_ascii_digit())).then_some(end)
}

/// Where `close` ends, if `open` and `close` enclose the name of a variable, with or without a format or filter.
fn enclosed(text: &str, open: &str, close: &str, is_start: bool) -> Option<usize> {
    let inside = text.strip_prefix(open)?;
    let end = inside.find(close)?;
    let name = inside[..end].trim_start_matches([' ', '-', '~', '.', '$', '@']);
    let after = name[word(name)?..].trim_end_matches('-').trim();
    let length = open.len() + end + close.len();
    let has_format = match open {
        // Paths such as `/users/{id}`, and sets such as `{a,b}`, are real values.
        "{" => {
            after.starts_with('|')
                || (name.len() < end || is_start && length == text.len())
                    && (after.is_empty() || after.starts_with(['.', '[', '(', '"', '\'', '$']))
        }
        "%(" => after.is_empty(),
        _ => after.is_empty() || after.starts_with([':', '.', '|', '[']),
    };
    has_format.then_some(length)
}
