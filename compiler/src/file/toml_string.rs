//! TOML strings: their content, and the place of each byte of it in the file.

use std::fmt::Write as _;

use crate::{Diagnostic, Span};

/// The content of a TOML string, which can be mapped back to the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Literal {
    /// The content.
    pub text: String,
    /// The whole string in the file, with its quotes.
    pub span: Span,
    /// Where offsets in the content and in the file stop advancing together, in order.
    jumps: Vec<Jump>,
    /// Whether the string is in double quotes, so that backslashes are escaped.
    is_basic: bool,
}

/// From `text` on, content byte `i` stands at `file + i - text`; the byte before ends at `before`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Jump {
    text: u32,
    before: u32,
    file: u32,
}

impl Literal {
    /// Reads the TOML string at `span` of `source`, which a TOML parser has accepted.
    #[must_use]
    pub fn read(source: &str, span: Span) -> Self {
        let raw = source.get(span.range()).unwrap_or_default();
        let quote = if raw.starts_with('\'') { "'" } else { "\"" };
        let multi_line = raw.len() >= 6 && raw.starts_with(&quote.repeat(3));
        let width = if multi_line { 3 } else { 1 };
        let mut at = width;
        if multi_line {
            // A line break right after the opening quotes is not part of the string.
            at += ["\r\n", "\n"].iter().find(|eol| raw[at..].starts_with(**eol)).map_or(0, |eol| eol.len());
        }
        let end = raw.len().saturating_sub(width).max(at);
        let mut literal = Self { text: String::new(), span, jumps: Vec::new(), is_basic: quote == "\"" };
        literal.jump(at, at);
        if quote == "'" {
            literal.text.push_str(raw.get(at..end).unwrap_or_default());
            return literal;
        }
        while let Some(plain) = raw.get(at..end).and_then(|rest| rest.find('\\')) {
            literal.text.push_str(&raw[at..at + plain]);
            let escape = at + plain;
            at = literal.escape(&raw[..end], escape);
        }
        literal.text.push_str(raw.get(at..end).unwrap_or_default());
        literal
    }

    /// Reads the escape at `raw[start]` and returns where it ends.
    fn escape(&mut self, raw: &str, start: usize) -> usize {
        let rest = &raw[start + 1..];
        let code = |digits: usize| {
            let hex = rest.get(1..=digits).and_then(|hex| u32::from_str_radix(hex, 16).ok());
            (hex.and_then(char::from_u32).unwrap_or('\u{FFFD}'), 2 + digits)
        };
        let (c, width) = match rest.chars().next() {
            Some('b') => ('\u{8}', 2),
            Some('t') => ('\t', 2),
            Some('n') => ('\n', 2),
            Some('f') => ('\u{C}', 2),
            Some('r') => ('\r', 2),
            Some('e') => ('\u{1B}', 2),
            Some('x') => code(2),
            Some('u') => code(4),
            Some('U') => code(8),
            Some(c @ ('"' | '\\')) => (c, 2),
            // A backslash at the end of a line removes the white space up to the next word.
            _ => {
                let end = raw.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
                self.jump(start, end);
                return end;
            }
        };
        let end = (start + width).min(raw.len());
        self.jump(start, start);
        self.text.push(c);
        self.jump(end, end);
        end
    }

    /// Records that the content continues at `raw[file]` and that the part before it ended at `raw[before]`.
    fn jump(&mut self, before: usize, file: usize) {
        let index = |at: usize| u32::try_from(at).unwrap_or(u32::MAX).saturating_add(self.span.start);
        let text = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        let before = match self.jumps.last() {
            Some(last) if last.text == text => last.before,
            _ => index(before),
        };
        self.jumps.push(Jump { text, before, file: index(file) });
    }

    /// Maps a diagnostic about the content to the file. Text to write is escaped as the string requires.
    pub(crate) fn place(&self, diagnostic: Diagnostic) -> Diagnostic {
        diagnostic.map_spans(|span| self.locate(span)).map_code(|text| self.escaped(text))
    }

    /// The offset in the content of a place in the string: that of the nearest character before it.
    #[must_use]
    pub fn offset(&self, file: u32) -> u32 {
        let next = self.jumps.partition_point(|jump| jump.file <= file);
        let Some(jump) = next.checked_sub(1).map(|last| self.jumps[last]) else { return 0 };
        let end =
            self.jumps.get(next).map_or_else(|| u32::try_from(self.text.len()).unwrap_or(u32::MAX), |jump| jump.text);
        (jump.text + (file - jump.file)).min(end)
    }

    /// Text as the string must have it, so that it can stand in the content.
    #[must_use]
    pub fn escaped(&self, text: &str) -> String {
        if self.is_basic { text.replace('\\', "\\\\").replace('"', "\\\"") } else { text.to_owned() }
    }

    /// The place in the file of a range of the content.
    #[must_use]
    pub fn locate(&self, span: Span) -> Span {
        let jump = |offset: u32| {
            let next = self.jumps.partition_point(|jump| jump.text <= offset);
            (next > 0).then(|| self.jumps[next - 1])
        };
        let file = |offset: u32| jump(offset).map_or(self.span.start, |jump| jump.file + (offset - jump.text));
        let start = file(span.start);
        if span.end <= span.start {
            return Span::new(start, start);
        }
        // The end is that of the byte before it, not the start of the next one.
        let end = match jump(span.end) {
            Some(jump) if jump.text == span.end => jump.before,
            _ => file(span.end),
        };
        Span::new(start, end.max(start))
    }
}

/// A name as a key of TOML.
pub(crate) fn toml_key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if !name.is_empty() && name.chars().all(is_bare) { name.to_owned() } else { basic_string(name) }
}

/// A text as a string of TOML in double quotes.
pub(crate) fn basic_string(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => _ = write!(out, "\\u{:04X}", u32::from(c)),
            c => out.push(c),
        }
    }
    out + "\""
}

#[cfg(test)]
mod tests {
    use super::super::document;
    use super::*;

    /// Each character of the content, with the part of the source that it comes from.
    fn read(source: &str) -> (String, Vec<&str>) {
        let literal = Literal::read(source, Span::of(0..source.len()));
        let parts = literal.text.char_indices().map(|(at, c)| {
            let span = literal.locate(Span::of(at..at + c.len_utf8()));
            &source[span.range()]
        });
        let parts = parts.collect();
        (literal.text, parts)
    }

    #[test]
    fn every_kind_of_string() {
        assert_eq!(read("'a\\b'"), ("a\\b".into(), vec!["a", "\\", "b"]));
        assert_eq!(read(r#""aé\"b""#), ("aé\"b".into(), vec!["a", "é", r#"\""#, "b"]));
        assert_eq!(read("'''\nx'y'''"), ("x'y".into(), vec!["x", "'", "y"]));
        assert_eq!(read("\"\"\"\r\n\\u00e9\\n\\x41\"\"\""), ("é\nA".into(), vec!["\\u00e9", "\\n", "\\x41"]));
        assert_eq!(read("\"\"\"a\\\n   \t\n b\"\"\""), ("ab".into(), vec!["a", "b"]));
        assert_eq!(read("\"\"\"a\"\"\"\"\""), ("a\"\"".into(), vec!["a", "\"", "\""]));
        assert_eq!(read("''"), (String::new(), vec![]));
        assert_eq!(read("''''''"), (String::new(), vec![]));
    }

    #[test]
    fn offsets_are_the_inverse_of_places() {
        for source in ["'a\\b'", r#""aé\"b""#, "\"\"\"\r\n\\u00e9\\n\\x41\"\"\"", "\"\"\"a\\\n   \t\n b\"\"\""] {
            let literal = Literal::read(source, Span::of(0..source.len()));
            for (at, c) in literal.text.char_indices() {
                let span = literal.locate(Span::of(at..at + c.len_utf8()));
                assert_eq!(literal.offset(span.start) as usize, at, "{source} {at}");
            }
            assert_eq!(literal.offset(0), 0);
            assert_eq!(literal.offset(99) as usize, literal.text.len());
        }
    }

    #[test]
    fn agrees_with_the_toml_parser() {
        for source in [
            r#""a\t\\\"\b\f\r\e\U0001F600z""#,
            "\"\"\"\n\n  a \\  \n\n  \"b\" \\\r\n c\"\"\"",
            "'''\r\na\r\nb'''",
            "'\\u0041'",
            "\"\"\"\"a\" \"\"\"",
        ] {
            let document = format!("k = {source}");
            let (table, _) = document::parse(&document);
            let value = table.get("k").unwrap();
            let literal = Literal::read(&document, value.span);
            assert_eq!(literal.text, value.as_str().unwrap(), "{source}");
        }
    }
}
