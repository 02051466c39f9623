//! Reports dashboard variables in matchers, which Prometheus reads literally.

use super::analysis::{Analysis, Findings};
use crate::diagnostic::Fix;
use crate::promql::{MatchOp, Matcher, MatcherItem, Selector};
use crate::{Code, Diagnostic};

pub(super) fn check(query: &Analysis<'_>, findings: &mut Findings) {
    for (_, selector, _) in query.selectors() {
        let Some((matcher, variable)) = selector.matchers().find_map(|it| Some((it, variable(it)?))) else { continue };
        let finding =
            Diagnostic::new(Code::DashboardVariable, matcher.span(), format!("variable `{variable}` in a matcher"))
                .label(if matcher.op.is_regex() { "read as a pattern" } else { "compared literally" });
        findings.push(match selector.braces.as_ref().filter(|_| query.scope.template) {
            Some(braces) => {
                let text = with_labels(query, selector);
                finding
                    .help(format!("write `{text}`, so that callers can filter on `{}`", matcher.label.name))
                    .fix(Fix { span: braces.open.to(braces.close), text })
            }
            None => finding.help("write a value, or the parameter of the program that sends the query"),
        });
    }
}

/// Whether a matcher of the selector contains a variable.
pub(super) fn has_variable(selector: &Selector<'_>) -> bool {
    selector.matchers().any(|matcher| variable(matcher).is_some())
}

/// The braces with `{labels}` instead of the matchers with variables.
fn with_labels(query: &Analysis<'_>, selector: &Selector<'_>) -> String {
    let mut has_labels = selector.has_labels_hole();
    let kept = selector.items().iter().filter_map(|item| match item {
        MatcherItem::Matcher(matcher) if variable(matcher).is_some() => {
            (!std::mem::replace(&mut has_labels, true)).then_some("{labels}")
        }
        item => Some(query.slice(item.span())),
    });
    format!("{{{{{}}}}}", kept.collect::<Vec<_>>().join(","))
}

/// The variable in the value of a matcher: `$job`, `${job:regex}`, `${{job}}`, `[[job]]`, `{{job}}`.
fn variable<'m>(matcher: &'m Matcher<'_>) -> Option<&'m str> {
    let value = &*matcher.value.value;
    let word = |text: &str| {
        let end = text.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(text.len());
        (end > 0 && !text.starts_with(|c: char| c.is_ascii_digit())).then_some(end)
    };
    let enclosed = |at: usize, open: &str, close: &str| {
        let inside = value[at..].strip_prefix(open)?;
        word(inside.trim_start())?;
        let end = inside.find(close)?;
        (!inside[..end].contains([' ', '|', '('])).then(|| &value[at..at + open.len() + end + close.len()])
    };
    // The whole value, since paths such as `/users/{id}` are real values.
    let whole = ["{{", "{"].iter().find_map(|open| enclosed(0, open, &open.replace('{', "}")));
    if let Some(whole) = whole.filter(|whole| whole.len() == value.len()) {
        return Some(whole);
    }
    value.match_indices(['$', '[']).find_map(|(at, sign)| {
        if sign == "[" {
            return enclosed(at, "[[", "]]").filter(|it| word(&it[2..]) == Some(it.len() - 4));
        }
        let before = value[..at].chars().next_back();
        let is_escaped = before == Some('\\');
        // `MSSQL$PROD` is the name of a service.
        let is_in_name =
            before.is_some_and(char::is_alphanumeric) && !matches!(matcher.op, MatchOp::Regex | MatchOp::NotRegex);
        if is_escaped || is_in_name {
            return None;
        }
        let braced = enclosed(at, "${{", "}}").or_else(|| enclosed(at, "${", "}"));
        braced.or_else(|| Some(&value[at..=at + word(&value[at + 1..])?]))
    })
}
