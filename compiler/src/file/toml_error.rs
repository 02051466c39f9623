//! Turns errors of the `toml_parser` crate into diagnostics, and finds the parts of the file that they make unreliable.

use std::ops::Range;

use promql_presets_core::sort;

use super::document::{Content, Fault, Table, Value};
use crate::hole::Hole;
use crate::vec_ext::IntoVec;
use crate::{Code, Diagnostic, Span};

/// The message for invalid UTF-8, which the parser never sees, since it takes a `str`.
pub(crate) const NOT_UTF8: &str = "invalid UTF-8";

/// Reports each error once. Also returns the ranges whose values are unreliable: further findings about them would
/// follow from the error.
pub(crate) fn explain(text: &str, table: &Table<'_>, faults: &[Fault]) -> (Vec<Diagnostic>, Vec<Range<usize>>) {
    let mut values = Vec::new();
    leaf_spans(table, &mut values);
    sort::by_key(&mut values, |value| value.start);
    let mut faults: Vec<(Range<usize>, &str)> = faults
        .iter()
        .map(|fault| (fault.span.clone().unwrap_or(text.len()..text.len()), fault.message.as_str()))
        .into_vec();
    sort::by_key(&mut faults, |(at, _)| at.start);

    let (mut diagnostics, mut unreliable) = (Vec::new(), Vec::<Range<usize>>::new());
    for (at, message) in &faults {
        if contains(&unreliable, at.start) {
            continue;
        }
        let value = last_before(&values, at.start).filter(|value| at.start <= value.end);
        diagnostics.push(translate(text, message, at.clone(), value));
        let mut range = line_around(text, at.start);
        if text[range.start..].trim_start().starts_with('[') && value.is_none() {
            // A header. It is unknown which table the keys below it belong to.
            range.end = next_header(text, range.end);
        }
        if Kind::of(message) == Kind::NoQuotes {
            // The parser reads a missing value as an empty string on the next line.
            range.end += 1;
        }
        if let Some(value) = value {
            range = range.start.min(line_around(text, value.start).start)..range.end.max(value.end);
        }
        match unreliable.last_mut().filter(|last| range.start < last.end) {
            Some(last) => *last = last.start.min(range.start)..last.end.max(range.end),
            None => unreliable.push(range),
        }
    }
    (diagnostics, unreliable)
}

/// Whether one of several ranges, which are sorted and do not overlap, contains an offset.
pub(crate) fn contains(ranges: &[Range<usize>], at: usize) -> bool {
    last_before(ranges, at).is_some_and(|range| range.contains(&at))
}

/// The last of several sorted ranges that starts at an offset or before it.
fn last_before(ranges: &[Range<usize>], at: usize) -> Option<&Range<usize>> {
    ranges.partition_point(|range| range.start <= at).checked_sub(1).map(|last| &ranges[last])
}

/// The meaning of a message of the `toml_parser` crate. Only [`Kind::of`] and [`split`] depend on the wording, which a test
/// pins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// The file is not UTF-8.
    NotUtf8,
    /// A string ends with its line or with the file.
    UnclosedString {
        quotes: usize,
    },
    /// A string with a character that must be escaped.
    InvalidString,
    /// `"\q"`.
    UnknownEscape,
    /// `"\uD800"`.
    EscapeOfInvalidCharacter,
    /// `"\u12"`.
    IncompleteEscape,
    /// A duplicate key in a table.
    DuplicateKey,
    /// A missing value, or one that is not valid TOML.
    NoQuotes,
    /// A key with a character that must be quoted.
    InvalidKey,
    /// A key without `=`.
    NoEquals,
    /// More text on the line of a value or of a table's name.
    UnexpectedText,
    /// A carriage return within a line.
    CarriageReturn,
    /// Text where a key with a value must stand.
    NoPair,
    Other,
}

impl Kind {
    fn of(message: &str) -> Self {
        let (title, expected) = split(message);
        match title {
            NOT_UTF8 => Self::NotUtf8,
            "missing escaped value" => Self::UnknownEscape,
            "invalid value" if expected.starts_with("unicode") => Self::EscapeOfInvalidCharacter,
            "too few unicode value digits" => Self::IncompleteEscape,
            "invalid key-value pair" => Self::NoPair,
            "duplicate key" => Self::DuplicateKey,
            "string values must be quoted" => Self::NoQuotes,
            "invalid unquoted key" => Self::InvalidKey,
            "key with no value" => Self::NoEquals,
            "unexpected key or value" => Self::UnexpectedText,
            "carriage return must be followed by newline" => Self::CarriageReturn,
            _ if !title.ends_with(" string") => Self::Other,
            _ if ["`'`", "`\"`"].contains(&expected) => {
                Self::UnclosedString { quotes: if title.contains("multi-line") { 3 } else { 1 } }
            }
            _ => Self::InvalidString,
        }
    }
}

/// The two parts of a message: what is wrong, and what the parser expected.
fn split(message: &str) -> (&str, &str) {
    message.split_once(", expected ").unwrap_or((message, ""))
}

fn translate(text: &str, message: &str, at: Range<usize>, value: Option<&Range<usize>>) -> Diagnostic {
    let (title, expected) = split(message);
    let new = |span: Range<usize>, title: String| Diagnostic::new(Code::InvalidToml, Span::of(span), title);
    let next = text.get(at.start..).and_then(|rest| rest.chars().next());
    let bare = value.filter(|value| text[value.start..].starts_with(|c: char| c.is_ascii_alphabetic()));
    if let Some(start) = placeholder_before(text, at.start) {
        return without_quotes(text, start..text[start..].find('}').map_or(at.end, |end| start + end + 1));
    }
    match (Kind::of(message), value) {
        (Kind::NotUtf8, _) => new(at, title.to_owned()).label("not a character").help("save the file as UTF-8"),
        _ if bare.is_some() => without_quotes(text, at),
        (Kind::UnclosedString { quotes }, Some(value)) => {
            new(value.start..value.start + quotes, "unclosed string".to_owned()).label("opened here, never closed")
        }
        (Kind::InvalidString, Some(_)) => match next {
            Some(c) => new(at.start..at.start + c.len_utf8(), format!("control character U+{:04X}", u32::from(c)))
                .label("TOML strings cannot hold it")
                .help(format!("write `\\u{:04x}` in a string with double quotes", u32::from(c))),
            None => new(at, title.to_owned()),
        },
        (Kind::UnknownEscape, _) => {
            let c = next.unwrap_or_default();
            let escape = at.start.saturating_sub(1)..at.start + next.map_or(0, char::len_utf8);
            let before = value.map_or("", |value| &text[value.start..at.start]);
            // In a string of PromQL, a backslash is escaped as well.
            let in_string = before.matches("\\\"").count() % 2 == 1
                || before.rsplit_once('~').is_some_and(|(_, it)| it.starts_with('\''));
            let help = if in_string {
                format!("write `\\\\\\\\{}`", c.escape_debug())
            } else {
                format!("write `\\\\{}`, or put the string in single quotes", c.escape_debug())
            };
            new(escape, format!("unknown escape `\\{}`", c.escape_debug())).help(help)
        }
        (Kind::EscapeOfInvalidCharacter, _) => new(at, "escape of an invalid character".to_owned()),
        (Kind::IncompleteEscape, _) => {
            new(at, "incomplete escape".to_owned()).label("`\\u` needs four hexadecimal digits, `\\U` eight")
        }
        (Kind::NoPair, _) => new(at, "not a key with a value".to_owned()),
        (Kind::DuplicateKey, _) => {
            let key = text.get(at.clone()).unwrap_or_default();
            new(at, format!("duplicate key `{key}`")).label("already in this table")
        }
        (Kind::NoQuotes, _) if at.is_empty() => new(at, "missing value".to_owned()),
        (Kind::NoQuotes, _) => without_quotes(text, at),
        (Kind::InvalidKey | Kind::UnexpectedText, _) if text[at.start..].starts_with("//") => {
            new(at.start..at.start + 2, "unexpected `//`".to_owned())
                .label("not a comment")
                .help("write `#` before a comment")
        }
        (Kind::UnexpectedText, _) if text[line_around(text, at.start).start..].trim_start().starts_with('[') => {
            new(at, "unexpected text after a table's name".to_owned()).label("expected the end of the line")
        }
        (Kind::UnexpectedText, Some(value)) if at.start == value.end && next.is_some_and(char::is_alphanumeric) => {
            let rest = text[at.start..line_around(text, at.start).end - 1].trim_end();
            let fault = new(at.start..at.start + rest.len(), "unexpected text after a value".to_owned())
                .label("the string ends before this");
            match text.as_bytes()[value.start] {
                b'"' => fault.help("put the string in single quotes, in which `\"` needs no escape"),
                b'\'' => fault.help("put the string in three single quotes, in which `'` needs no escape"),
                _ => fault,
            }
        }
        (Kind::UnexpectedText, _) => {
            new(at, "unexpected text after a value".to_owned()).label("expected the end of the line")
        }
        (Kind::NoEquals | Kind::InvalidKey, _) if next == Some(':') || text[..at.start].trim_end().ends_with(':') => {
            new(at, "key without a value".to_owned()).label("expected `=`").help("write `key = value`")
        }
        (Kind::NoEquals, _) => new(at, "key without a value".to_owned()).label("expected `=`"),
        (Kind::CarriageReturn, _) => new(at, title.to_owned()),
        _ if expected.is_empty() => new(at, title.to_owned()),
        _ => new(at, title.to_owned()).label(format!("expected {expected}")),
    }
}

/// Reports a string without quotes that starts at `at`. The rest of the line may belong to it.
fn without_quotes(text: &str, at: Range<usize>) -> Diagnostic {
    let line = text[at.start..].lines().next().unwrap_or_default().trim_end();
    let line = line.trim_matches(['“', '”', '„', '‘', '’', '`', '"']);
    let quoted = if line.contains(['\'', '#']) { "..." } else { line };
    Diagnostic::new(Code::InvalidToml, Span::of(at), "string without quotes")
        .help(format!("put it in quotes: `'{quoted}'`"))
}

/// The start of a value that begins with a placeholder, which TOML reads as an inline table, on the line of `at`.
fn placeholder_before(text: &str, at: usize) -> Option<usize> {
    let line = &text[line_around(text, at).start..];
    let (_, value) = line.lines().next()?.split_once('=')?;
    let content = value.trim_start().strip_prefix('{')?;
    let is_placeholder = content.split_once('}').is_some_and(|(name, _)| Hole::NAMES.contains(&name.trim()));
    is_placeholder.then(|| text.len() - line.len() + line.find('{').unwrap_or_default())
}

/// Collects the spans of all values other than tables and arrays. The parser limits the nesting depth.
fn leaf_spans(table: &Table<'_>, out: &mut Vec<Range<usize>>) {
    table.iter().for_each(|(_, value)| add_leaf_spans(value, out));
}

fn add_leaf_spans(value: &Value<'_>, out: &mut Vec<Range<usize>>) {
    match &value.content {
        Content::Table(table) => leaf_spans(table, out),
        Content::Array(values) => values.iter().for_each(|inner| add_leaf_spans(inner, out)),
        _ => out.push(value.span.range()),
    }
}

/// The line around an offset, including the line break; the end of the text counts as one.
fn line_around(text: &str, at: usize) -> Range<usize> {
    let at = at.min(text.len());
    let start = text.as_bytes()[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |found| found + 1);
    let end = text.as_bytes()[at..].iter().position(|byte| *byte == b'\n').map_or(text.len(), |found| at + found);
    start..end + 1
}

/// The start of the next table header at or after the line that starts at `line`.
fn next_header(text: &str, line: usize) -> usize {
    let mut at = line;
    for line in text.get(at..).unwrap_or_default().split_inclusive('\n') {
        if line.trim_start().starts_with('[') {
            return at;
        }
        at += line.len();
    }
    text.len() + 1
}

#[cfg(test)]
mod tests {
    use super::super::document;
    use super::*;

    /// One input for each message. If this fails after an update of the `toml_parser` crate, adapt [`Kind::of`].
    #[test]
    fn messages_of_the_parser() {
        let unclosed = |quotes| Kind::UnclosedString { quotes };
        for (text, kind) in [
            ("a = \"x", unclosed(1)),
            ("a = 'x\nb = 1", unclosed(1)),
            ("a = \"\"\"x", unclosed(3)),
            ("a = \'\'\'x\n", unclosed(3)),
            ("a = \"x\u{1}\"", Kind::InvalidString),
            ("a = 'x\u{1}'", Kind::InvalidString),
            ("a = \"\"\"\u{1}\"\"\"", Kind::InvalidString),
            ("a = \'\'\'\u{1}\'\'\'", Kind::InvalidString),
            (r#"a = "\q""#, Kind::UnknownEscape),
            (r#"a = """\q""""#, Kind::UnknownEscape),
            (r#"a = "\uD800""#, Kind::EscapeOfInvalidCharacter),
            (r#"a = "\u12""#, Kind::IncompleteEscape),
            ("a = 1\na = 2", Kind::DuplicateKey),
            ("a = {b = 1, b = 2}", Kind::DuplicateKey),
            ("[a]\n[a]", Kind::DuplicateKey),
            ("a = 5m", Kind::NoQuotes),
            ("a = sum(x)", Kind::NoQuotes),
            ("a = 1 // x", Kind::NoQuotes),
            ("a =\nb = 1", Kind::NoQuotes),
            ("// = 1", Kind::InvalidKey),
            ("“a” = 1", Kind::InvalidKey),
            ("a", Kind::NoEquals),
            ("a: 1", Kind::NoEquals),
            ("a = 'b'c'", Kind::UnexpectedText),
            ("a = \"b\" // x", Kind::UnexpectedText),
            ("[a] b = 1", Kind::UnexpectedText),
            ("a = 1\rb = 2", Kind::CarriageReturn),
            ("a = [1", Kind::Other),
        ] {
            let (_, faults) = document::parse(text);
            let fault = faults.first().unwrap_or_else(|| panic!("{text:?} is valid"));
            assert_eq!(Kind::of(&fault.message), kind, "{text:?}: {}", fault.message);
            assert!(fault.span.is_some(), "{text:?}");
        }
    }
}
