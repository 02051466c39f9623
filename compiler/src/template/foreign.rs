//! Placeholders of other template languages: Grafana, Jinja, Go, Python, Ruby and shells.

use super::{run_of, similar_placeholder, start_of};
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
            let digits = rest[1..].len() - rest[1..].trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (name, after) = if digits > 0 { ("", &rest[1 + digits..]) } else { dotted(&rest[1..])? };
            return Some(Construct { end: at + rest.len() - after.len(), name });
        }
        [b'[', b'[', ..] => ("[[", "]]"),
        [b'{', b'{', ..] => {
            let run = run_of(rest, '{');
            (&rest[..run], "}}}}}}".get(..run)?)
        }
        [b'#', b'{', ..] => ("#{", "}"),
        [b'%', b'(', ..] => ("%(", ")s"),
        [b'<', b'%', b'=', ..] => ("<%=", "%>"),
        [b'{', b'%', b'=', ..] => ("{%=", "%}"),
        [b'<', ..] => ("<", ">"),
        [b'@', ..] => ("@", "@"),
        [b'%', ..] => ("%", "%"),
        _ => return None,
    };
    let inside = &rest[opening.len()..];
    let length = inside.find(closing)?;
    let content = &inside[..length];
    let (name, after) = reference(content).or_else(|| number(content))?;
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

/// A tag of Go, Handlebars or Jinja that starts, divides or ends a block.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Tag {
    Start,
    Within,
    End,
}

/// The tag that a text starts with, its length, and its last word: `labels` of `{{#if labels}}`.
pub(super) fn tag(text: &str) -> Option<(Tag, usize, &str)> {
    let (inside, closing) = match text.strip_prefix("{%") {
        Some(inside) => (inside, "%}"),
        None => (text.strip_prefix("{{")?, "}}"),
    };
    let marks = ['-', '~', '+', ' '];
    if !inside.trim_start_matches(marks).starts_with(|c: char| c.is_alphabetic() || "#^/".contains(c)) {
        return None;
    }
    let content = &inside[..start_of(inside).find(closing)?];
    let words = content.trim_matches(marks);
    let first = words.split(' ').next().unwrap_or_default();
    let tag = match first {
        "if" | "with" | "range" | "for" | "block" | "define" | "filter" | "macro" => Tag::Start,
        "else" | "elif" => Tag::Within,
        "end" => Tag::End,
        _ if first.starts_with(['#', '^']) && word(&first[1..]).is_some() => Tag::Start,
        _ if first.starts_with('/') || closing == "%}" && first.starts_with("end") => Tag::End,
        _ if closing == "%}" && content.starts_with([' ', '-', '+']) => Tag::Within,
        _ => return None,
    };
    let last = words.rsplit([' ', '.', '$', '#']).next().unwrap_or_default();
    // Matchers, as in `{{if="x"}}`.
    let is_tag = closing == "%}" || !content.replace(":=", "").contains(['=', '{']);
    is_tag.then_some((tag, 2 + content.len() + 2, last))
}

/// The block that starts at `at`, whether there is no text in it but placeholders, and its name.
pub(super) fn block(text: &str, at: usize) -> Option<(Construct<'_>, bool)> {
    let (Tag::Start, length, name) = tag(&text[at..])? else { return None };
    let (mut end, mut depth, mut is_placeholder) = (at + length, 1, true);
    let text = &text[..at + start_of(&text[at..]).len()];
    while depth > 0 {
        let rest = text.get(end..)?;
        if let Some((tag, length, _)) = tag(rest) {
            depth = match tag {
                Tag::Start if depth == 10 => return None,
                Tag::Start => depth + 1,
                Tag::Within => depth,
                Tag::End => depth - 1,
            };
            end += length;
        } else if rest.starts_with("{{")
            && let Some(length) = rest.find("}}")
        {
            end += length + 2;
        } else {
            let next = rest.chars().next()?;
            is_placeholder &= matches!(next, ' ' | ',');
            end += next.len_utf8();
        }
    }
    Some((Construct { end, name: word(name).unwrap_or_default() }, is_placeholder))
}

/// The name that a placeholder's content refers to, and what follows it: `job` of ` $job | join`, `labels` of
/// `.Values.labels`.
pub(super) fn reference(content: &str) -> Option<(&str, &str)> {
    // Trim marks of Go and Jinja, as in `{{- job -}}`.
    let content = content.trim().trim_matches(['-', '~', '&']).trim();
    let (name, after) = dotted(content.trim_start_matches(['.', '$', '@']))?;
    Some((name, after.trim_start()))
}

/// The last of several dotted names, or an earlier one that names a placeholder, and the text after all of them: `labels`
/// of `var.labels`.
fn dotted(text: &str) -> Option<(&str, &str)> {
    let mut name = word(text)?;
    let mut after = &text[name.len()..];
    while let Some(field) = after.strip_prefix('.').and_then(word) {
        let rest = &after[1 + field.len()..];
        // A method, as in `labels.join(`.
        if rest.starts_with('(') {
            break;
        }
        after = rest;
        if !Hole::NAMES.contains(&name) {
            name = field;
        }
    }
    Some((name, after))
}

/// The number of an argument, as in `{{ 0 }}` and `${1}`.
pub(super) fn number(content: &str) -> Option<(&str, &str)> {
    let content = content.trim();
    let after = content.trim_start_matches(|c: char| c.is_ascii_digit());
    (after.len() < content.len()).then_some(("", after))
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
