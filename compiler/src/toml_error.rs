//! What is wrong with a text that is not TOML, in words for somebody who writes queries.
//!
//! The parser's own words are kept where they say enough. The slips that PromQL brings into TOML files (quotes within
//! quotes, backslashes of regular expressions, values without quotes) say what to type instead.

use crate::source::Lines;
use crate::{Code, Diagnostic, Span};

/// One diagnostic for each line with errors, given the parser's messages and where they point.
pub(crate) fn diagnostics<'m>(
    lines: &Lines<'_>,
    text: &str,
    errors: impl IntoIterator<Item = (&'m str, Span)>,
) -> Vec<Diagnostic> {
    let mut errors: Vec<_> = errors.into_iter().collect();
    errors.sort_by_key(|(_, span)| *span);
    let mut diagnostics: Vec<Diagnostic> = Vec::new();
    let mut last_line = 0;
    // Where the table ends whose header is a duplicate: up to there keys are duplicates for that reason.
    let mut duplicate_table = 0;
    for (message, span) in errors {
        let line = lines.line(span.start);
        // One slip often upsets the parser several times in a line.
        if line == last_line {
            continue;
        }
        if message == DUPLICATE {
            let start = span.start as usize;
            if start < duplicate_table {
                continue;
            }
            if text[lines.around(span.range())].trim_start().starts_with('[') {
                duplicate_table = text[start..].find("\n[").map_or(text.len(), |at| start + at);
            }
        }
        last_line = line;
        diagnostics.push(Error { text, line: lines.around(span.range()), span }.diagnostic(message));
    }
    diagnostics
}

const DUPLICATE: &str = "duplicate key";

struct Error<'a> {
    text: &'a str,
    line: std::ops::Range<usize>,
    span: Span,
}

impl<'a> Error<'a> {
    fn diagnostic(&self, message: &str) -> Diagnostic {
        let (what, expected) = message.split_once(", expected ").unwrap_or((message, ""));
        let is_string = what.ends_with("basic string") || what.ends_with("literal string");
        match what {
            DUPLICATE => self.at(self.span, format!("duplicate key `{}`", self.marked())).label("already set above"),
            "string values must be quoted" => self.unquoted(),
            "unexpected key or value" => self.after_value(),
            "missing escaped value" if self.before().ends_with('\\') => self.escape(),
            "invalid unquoted key" => self.key(),
            "key with no value" => self.at(self.span, "key without a value").label("expected `=` and a value"),
            _ if is_string && expected.starts_with('`') => self.unterminated(what.contains("multi-line")),
            _ if is_string && expected.contains("visible") => self.at(self.span, "control character in a string"),
            _ => {
                let diagnostic = self.at(self.span, what.replace('\n', " "));
                if expected.is_empty() { diagnostic } else { diagnostic.label(format!("expected {expected}")) }
            }
        }
    }

    fn at(&self, span: Span, title: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Code::InvalidToml, span, title)
    }

    fn marked(&self) -> &'a str {
        &self.text[self.span.range()]
    }

    /// The line up to the fault.
    fn before(&self) -> &'a str {
        &self.text[self.line.start..self.span.start as usize]
    }

    /// The line from the fault on.
    fn rest(&self) -> &'a str {
        self.text[self.span.start as usize..self.line.end].trim_end()
    }

    /// `template = sum(up)`
    fn unquoted(&self) -> Diagnostic {
        let whole = self.before().trim_end().ends_with('=');
        let value = if whole { self.rest() } else { self.marked() };
        if value.is_empty() {
            return self.at(self.span, "key without a value").label("expected a value");
        }
        let start = self.span.start as usize;
        let diagnostic =
            self.at(Span::of(start..start + value.len()), "text without quotes").label("not a value of TOML");
        let inner = value.trim_matches(['“', '”', '„', '‘', '’', '`', '"']);
        if inner.contains('\'') { diagnostic } else { diagnostic.help(format!("write `'{inner}'`")) }
    }

    /// `template = "up{{job="api"}}"`
    fn after_value(&self) -> Diagnostic {
        let start = self.span.start as usize;
        let title = "unexpected text after a value";
        let diagnostic = self.at(Span::of(start..start + self.rest().len()), title);
        let glued = !self.rest().starts_with([' ', '\t', ',', ';']);
        match self.before().chars().next_back() {
            Some('"') if glued => diagnostic
                .label("the string ends before this")
                .help("put the string in single quotes, in which `\"` needs no escape"),
            Some('\'') if glued => diagnostic
                .label("the string ends before this")
                .help("put the string in three single quotes, in which `'` needs no escape"),
            _ => diagnostic.label("expected the end of the line"),
        }
    }

    /// `"\d+"`, at the character behind the backslash.
    fn escape(&self) -> Diagnostic {
        let end = self.rest().chars().next().map_or(0, char::len_utf8);
        let at = self.span.start as usize;
        let span = Span::of(at - 1..at + end);
        self.at(span, format!("invalid escape `{}`", &self.text[span.range()]))
            .label("TOML has no such escape")
            .help("put the string in single quotes, in which `\\` needs no escape")
    }

    /// `template: ...`, `größe = ...`, `// comment`
    fn key(&self) -> Diagnostic {
        let found = self.marked();
        let diagnostic = self.at(self.span, format!("unexpected `{found}`"));
        match found {
            ":" => diagnostic.label("a key and its value have `=` between them").help("write `=`"),
            "//" => diagnostic.label("not a comment").help("write `#` before a comment"),
            _ => diagnostic.label("a key without quotes has letters, digits, `_` and `-` only"),
        }
    }

    /// A string that no quote closes; the fault is where it would have had to end.
    fn unterminated(&self, multi_line: bool) -> Diagnostic {
        let end = self.span.start as usize;
        let open = if multi_line {
            ["'''", "\"\"\""].iter().filter_map(|quotes| self.text[..end].rfind(quotes)).max().map(|at| at..at + 3)
        } else {
            let at = self.before().find(['\'', '"']).map(|at| self.line.start + at);
            at.map(|at| at..at + 1)
        };
        let span = open.map_or(self.span, Span::of);
        let diagnostic =
            self.at(span, "unterminated string").label(format!("no `{}` closes it", &self.text[span.range()]));
        if multi_line { diagnostic } else { diagnostic.note("only a string in three quotes can have several lines") }
    }
}

#[cfg(test)]
mod tests {
    use crate::{Code, schema};

    /// Title, marked text and help of what is wrong with a text.
    fn found(text: &str) -> Vec<(String, &str, String)> {
        let diagnostics = schema::read(text).1;
        assert!(diagnostics.iter().any(|found| found.code == Code::InvalidToml), "{text}: {diagnostics:?}");
        diagnostics
            .into_iter()
            .map(|found| (found.title, &text[found.span.range()], found.help.unwrap_or_default()))
            .collect()
    }

    fn one(text: &str) -> (String, &str, String) {
        let mut all = found(text);
        assert_eq!(all.len(), 1, "{text}: {all:?}");
        all.remove(0)
    }

    #[test]
    fn quotes() {
        let (title, marked, help) = one("[presets.a]\ntemplate = \"up{{job=\"x\",{labels}}}\"\n");
        assert_eq!((title.as_str(), marked), ("unexpected text after a value", "x\",{labels}}}\""));
        assert_eq!(help, "put the string in single quotes, in which `\"` needs no escape");
        assert_eq!(one("[presets.a]\ntemplate = 'up'; window = '5m'\n").2, "");
        let (title, marked, help) = one("[presets.a]\ntemplate = sum(up{{{labels}}}) by (x)\n");
        assert_eq!((title.as_str(), marked), ("text without quotes", "sum(up{{{labels}}}) by (x)"));
        assert_eq!(help, "write `'sum(up{{{labels}}}) by (x)'`");
        assert_eq!(one("[labels]\na = [GET, 'POST']\n").2, "write `'GET'`");
        assert_eq!(one("[presets.a]\ntemplate = “up”\n").2, "write `'up'`");
        assert_eq!(one("[presets.a]\ntemplate =\n").0, "key without a value");
    }

    #[test]
    fn ends_of_strings() {
        assert_eq!(one("[presets.a]\ntemplate = 'up{{{labels}}}\nwindow = '5m'\n").1, "'");
        assert_eq!(one("[presets.a]\ntemplate = '''\nup{{{labels}}}\n").1, "'''");
        let (title, marked, _) = one("[presets.a]\ntemplate = \"up{{a=~'\\d',{labels}}}\"\n");
        assert_eq!((title.as_str(), marked), ("invalid escape `\\d`", "\\d"));
    }

    #[test]
    fn keys() {
        assert_eq!(one("[presets.a]\ntemplate: 'up'\n").2, "write `=`");
        assert_eq!(one("// comment\n").2, "write `#` before a comment");
        assert_eq!(one("[presets.a\ntemplate = 'up'\n").0, "unclosed table");
        assert_eq!(one("[presets.a]\ntemplate = 'x'\n[presets.a]\ntemplate = 'y'\n").0, "duplicate key `a`");
        assert_eq!(found("[presets.a]\nunit = 'x'\nunit = 'y'\n[presets.a]\nunit = 'x'\n").len(), 2);
    }
}
