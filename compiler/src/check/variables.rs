//! Reports dashboard variables in matchers, which Prometheus reads literally.

use super::analysis::{Analysis, Findings};
use super::label_set::NAME;
use crate::diagnostic::Fix;
use crate::promql::{Matcher, MatcherItem, Selector};
use crate::{Code, Diagnostic, Span};

pub(super) fn check(query: &Analysis<'_>, findings: &mut Findings) {
    for (_, selector, _) in query.selectors() {
        let Some((matcher, variable)) = selector.matchers().find_map(|it| Some((it, variable(it)?))) else { continue };
        let finding =
            Diagnostic::new(Code::DashboardVariable, matcher.span(), format!("variable `{variable}` in a matcher"))
                .label(if matcher.op.is_regex() { "read as a pattern" } else { "compared literally" });
        let Some((span, text)) = with_labels(query, selector).filter(|_| query.scope.template) else {
            findings.push(finding.help("write a value, or the parameter of the program that sends the query"));
            continue;
        };
        let purpose = match &*matcher.label.name {
            NAME => "callers name the metric".to_owned(),
            label => format!("callers can filter on `{label}`"),
        };
        let mut finding = finding.help(format!("write `{text}`, so that {purpose}")).fix(Fix { span, text });
        finding.span = span;
        findings.push(finding);
    }
}

/// Whether a matcher of the selector contains a variable.
pub(super) fn has_variable(selector: &Selector<'_>) -> bool {
    selector.matchers().any(|matcher| variable(matcher).is_some())
}

/// The text from the first matcher with a variable to the last, with `{labels}` instead of them. If nothing else selects
/// series, it is the whole selector, with `{metric_name}`.
fn with_labels(query: &Analysis<'_>, selector: &Selector<'_>) -> Option<(Span, String)> {
    let is_replaced = |item: &MatcherItem<'_>| match item {
        MatcherItem::Matcher(matcher) => variable(matcher).is_some(),
        MatcherItem::Labels(_) => true,
        MatcherItem::Name(_) => false,
    };
    let items = selector.items();
    let (first, last) = (items.iter().position(is_replaced)?, items.iter().rposition(is_replaced)?);
    let join = |items: &[MatcherItem<'_>]| {
        let kept = items.iter().filter(|item| !is_replaced(item)).map(|item| query.slice(item.span()));
        std::iter::once("{labels}").chain(kept).collect::<Vec<_>>().join(",")
    };
    let names_metric = |matcher: &Matcher<'_>| matcher.label.name == NAME && variable(matcher).is_some();
    let selects_nothing_else = items.iter().all(is_replaced) || selector.matchers().any(names_metric);
    if selector.name.is_none() && selects_nothing_else {
        let braces = selector.braces.as_ref()?;
        return Some((braces.open.to(braces.close), format!("{{metric_name}}{{{{{}}}}}", join(items))));
    }
    Some((items[first].span().to(items[last].span()), join(&items[first..=last])))
}

/// The variable in the value of a matcher: `$job`, `${job:regex}`, `${{ job }}`, `[[job]]`, `{{ .job }}`, `%(job)s`,
/// `$(job)`.
fn variable<'m>(matcher: &'m Matcher<'_>) -> Option<&'m str> {
    let value = &*matcher.value.value;
    // The whole value, since paths such as `/users/{id}` are real values.
    if value == "%s" || enclosed(value, "{", "}").is_some_and(|whole| whole.len() == value.len()) {
        return Some(value);
    }
    value.match_indices(['$', '[', '{', '%']).find_map(|(at, sign)| {
        let (before, rest) = (value[..at].chars().next_back(), &value[at..]);
        match sign {
            _ if before == Some('\\') => None,
            "[" => enclosed(rest, "[[", "]]"),
            "{" => enclosed(rest, "{{", "}}"),
            "%" => enclosed(rest, "%(", ")s"),
            _ => [("${{", "}}"), ("${", "}"), ("$(", ")")]
                .iter()
                .find_map(|(open, close)| enclosed(rest, open, close))
                .or_else(|| {
                    // `MSSQL$PROD` is a real name of a Windows service.
                    let is_in_name = before.is_some_and(char::is_alphanumeric) && !matcher.op.is_regex();
                    word(&rest[1..]).filter(|_| !is_in_name).map(|end| &rest[..=end])
                }),
        }
    })
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
    let has_format = after.is_empty() || open != "{" && after.starts_with([':', '.', '|']);
    has_format.then(|| &text[..open.len() + end + close.len()])
}
