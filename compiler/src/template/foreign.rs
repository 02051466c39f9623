//! Placeholders of other template languages: Grafana, Jinja, Go, Python, Ruby and shells.

use super::{run_of, similar_placeholder};
use crate::hole::Hole;

/// A placeholder of another template language.
pub(super) struct Construct<'a> {
    /// One past its last byte.
    pub end: usize,
    /// Its name, without punctuation, formats and white space.
    pub name: &'a str,
}

/// Reads the construct that starts at `at`.
pub(super) fn read(text: &str, at: usize) -> Option<Construct<'_>> {
    let rest = &text[at..];
    if let Some(length) = verb(rest) {
        return Some(Construct { end: at + length, name: "" });
    }
    let (opening, closing) = match rest.as_bytes() {
        [b'$', b'{', b'{', ..] => ("${{", "}}"),
        [b'$', b'{', ..] => ("${", "}"),
        [b'$', b'(', ..] => ("$(", ")"),
        [b'$', ..] => {
            let name = word(&rest[1..])?;
            return Some(Construct { end: at + 1 + name.len(), name });
        }
        [b'[', b'[', ..] => ("[[", "]]"),
        [b'{', b'{', ..] => {
            let run = run_of(rest, '{');
            (&rest[..run], "}}}}".get(..run)?)
        }
        [b'#', b'{', ..] => ("#{", "}"),
        [b'%', b'(', ..] => ("%(", ")s"),
        [b'<', b'%', b'=', ..] => ("<%=", "%>"),
        [b'<', ..] => ("<", ">"),
        [b'@', ..] => ("@", "@"),
        [b'%', ..] => ("%", "%"),
        _ => return None,
    };
    let inside = &rest[opening.len()..];
    let length = inside.find(closing)?;
    let content = &inside[..length];
    let (name, after) = reference(content)?;
    // A format as in `${job:csv}`, or a filter as in `{{ job | join }}`.
    let is_construct =
        !content.contains(['{', '}', '=', '\n']) && (after.is_empty() || after.starts_with([':', '|', '.']));
    is_construct.then_some(Construct { end: at + opening.len() + length + closing.len(), name })
}

/// The length of the verb of `printf` that a text starts with: `%s`, `%[2]v`, `%1$s`.
pub(crate) fn verb(text: &str) -> Option<usize> {
    let rest = text.strip_prefix('%')?;
    let end = rest.find(|c: char| !c.is_ascii_digit() && !matches!(c, '[' | ']' | '$'))?;
    let is_verb = match rest.as_bytes()[end..] {
        [b's' | b'v' | b'd' | b'q'] => true,
        [b's' | b'v' | b'd' | b'q', after, ..] => !after.is_ascii_alphanumeric() && after != b'_',
        _ => false,
    };
    (is_verb && (end == 0 || !rest.as_bytes()[end - 1].is_ascii_digit())).then_some(end + 2)
}

/// The name that a placeholder's content refers to, and what follows it: `job` of ` $job | join`, `labels` of
/// `.Values.labels`.
pub(super) fn reference(content: &str) -> Option<(&str, &str)> {
    // Trim marks of Go and Jinja, as in `{{- job -}}`.
    let content = content.trim().trim_matches(['-', '~', '&']).trim();
    let start = content.trim_start_matches(['.', '$']);
    let mut name = word(start)?;
    let mut after = &start[name.len()..];
    while content.starts_with('.')
        && let Some(field) = after.strip_prefix('.').and_then(word)
    {
        name = field;
        after = &after[1 + field.len()..];
    }
    Some((name, after.trim_start()))
}

/// The name at the start of a text, which does not start with a digit.
pub(super) fn word(text: &str) -> Option<&str> {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '-').unwrap_or(text.len());
    let name = text[..end].trim_end_matches('-');
    (!name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit())).then_some(name)
}

/// The placeholder with this name, or a similar one.
pub(super) fn by_name(name: &str) -> Option<&'static str> {
    Hole::NAMES.iter().copied().find(|placeholder| *placeholder == name).or_else(|| similar_placeholder(name))
}

/// The placeholder that corresponds to a name in other tools.
pub(super) fn by_alias(name: &str) -> Option<&'static str> {
    Some(match name.trim_start_matches('_').to_ascii_lowercase().as_str() {
        "metric" | "name" | "metrics" => "metric_name",
        "filter" | "filters" | "label" | "matcher" | "matchers" | "selector" | "selectors" | "where" => "labels",
        "by" | "group" | "groupby" | "grouping" | "dimension" | "dimensions" => "group_by",
        "rate_interval" | "interval" | "range" | "duration" | "period" | "lookback" | "resolution" => "window",
        _ => return None,
    })
}
