//! Braces and placeholders of a template.
//!
//! `{name}` is a placeholder; `{{` and `}}` are literal braces, as in Python's `str.format`. Braces are read from left
//! to right, so `{{{labels}}}` is a brace, a placeholder and a brace. The grammar of PromQL decides where a placeholder
//! is allowed; here, the text around a mistake only serves to suggest what to type.

mod braces;
mod foreign;
mod placeholder;

use promql_presets_core::sort;

use crate::diagnostic::suggest::nearest;
use crate::hole::Hole;
use crate::{Code, Diagnostic, Span};

/// Why a placeholder cannot be in a string or a comment.
pub(crate) const IN_TEXT: &str = "placeholders are only filled in outside of strings and comments";

/// The operators of matchers, none of which ends another one that comes later.
const OPERATORS: [&str; 4] = ["=~", "!~", "!=", "="];

/// Reports all invalid braces and placeholders of a template with these parameters.
#[must_use]
pub(crate) fn check(template: &str, parameters: &[&str]) -> Vec<Diagnostic> {
    let mut scanner = Scanner { text: template, parameters, at: 0, open: Vec::new(), diagnostics: Vec::new() };
    scanner.scan();
    sort::by_key(&mut scanner.diagnostics, |diagnostic| diagnostic.span);
    scanner.diagnostics
}

struct Scanner<'a> {
    text: &'a str,
    /// The names of parameters, which are placeholders as well.
    parameters: &'a [&'a str],
    at: usize,
    /// The brackets that are open, from the outermost in.
    open: Vec<Open>,
    diagnostics: Vec<Diagnostic>,
}

/// An open bracket.
struct Open {
    at: usize,
    kind: Bracket,
    /// The mistakes inside it so far.
    edits: Vec<Edit>,
}

#[derive(Clone, Copy, PartialEq)]
enum Bracket {
    Paren,
    Square,
    /// `{{`.
    Double,
    /// `{`, which should have been doubled.
    Single,
}

/// A mistake inside a selector, and the text that replaces it.
struct Edit {
    span: Span,
    text: String,
    diagnostic: Diagnostic,
}

impl Scanner<'_> {
    fn scan(&mut self) {
        while let Some(byte) = self.text.as_bytes().get(self.at).copied() {
            match byte {
                b'"' | b'\'' | b'`' => self.string(byte),
                b'#' => self.comment(),
                b'(' => self.push(Bracket::Paren, 1),
                b')' => self.pop(Bracket::Paren, 1),
                b']' => self.pop(Bracket::Square, 1),
                b'[' if self.text[self.at..].starts_with("[[") && self.foreign_placeholder() => {}
                b'[' => self.push(Bracket::Square, 1),
                b'$' if self.foreign_placeholder() => {}
                // Elsewhere, `%` is an operator.
                b'%' if self.starts_operand(self.at) && self.foreign_placeholder() => {}
                b'{' => self.opening(),
                b'}' => self.closing(),
                _ => self.at += 1,
            }
        }
        while let Some(open) = self.open.pop() {
            self.diagnostics.extend(open.edits.into_iter().map(|edit| edit.diagnostic));
            if open.kind == Bracket::Single {
                self.lone_brace(open.at, '{');
            }
        }
    }

    fn push(&mut self, kind: Bracket, width: usize) {
        self.open.push(Open { at: self.at, kind, edits: Vec::new() });
        self.at += width;
    }

    /// Closes the innermost bracket if it is of this kind. The grammar reports brackets that do not match.
    fn pop(&mut self, kind: Bracket, width: usize) {
        if self.open.last().is_some_and(|open| open.kind == kind) {
            let edits = self.open.pop().map(|open| open.edits).unwrap_or_default();
            self.diagnostics.extend(edits.into_iter().map(|edit| edit.diagnostic));
        }
        self.at += width;
    }

    /// A string, in which braces are doubled as well.
    fn string(&mut self, quote: u8) {
        let start = self.at;
        self.at += 1;
        while let Some(byte) = self.text.as_bytes().get(self.at).copied() {
            match byte {
                b'\\' if quote != b'`' => {
                    self.at += 1 + self.text[self.at + 1..].chars().next().map_or(0, char::len_utf8);
                }
                b'{' | b'}' => {
                    self.brace_in_text(Some(start));
                    if self.text[..self.at].ends_with(char::from(quote)) {
                        return;
                    }
                }
                _ => self.at += 1,
            }
            if byte == quote {
                return;
            }
        }
    }

    fn comment(&mut self) {
        while let Some(byte) = self.text.as_bytes().get(self.at).copied().filter(|byte| *byte != b'\n') {
            if matches!(byte, b'{' | b'}') { self.brace_in_text(None) } else { self.at += 1 }
        }
    }

    /// A brace in a string that starts at `string`, or in a comment.
    fn brace_in_text(&mut self, string: Option<usize>) {
        let rest = &self.text[self.at..];
        if rest.starts_with("{{") || rest.starts_with("}}") {
            self.at += 2;
            return;
        }
        let start = self.at;
        let end = rest[1..].find(['{', '}', '\n']).map(|found| start + 1 + found);
        let end = end.filter(|end| rest.starts_with('{') && self.text.as_bytes()[*end] == b'}');
        let Some(end) = end else {
            self.lone_brace(start, char::from(rest.as_bytes()[0]));
            self.at += 1;
            return;
        };
        let content = &self.text[start + 1..end];
        self.at = end + 1;
        if Hole::NAMES.contains(&content) && !self.text[..start].ends_with('$') {
            // The parser reports it, with a better explanation.
            return;
        }
        if self.parameters.contains(&content) {
            let (span, place) = (Span::of(start..end + 1), if string.is_some() { "a string" } else { "a comment" });
            let title = format!("`{content}` inside {place}");
            self.diagnostics.push(Diagnostic::new(Code::MisplacedPlaceholder, span, title).label(IN_TEXT));
            return;
        }
        match string.and_then(|string| self.matcher(string)) {
            // The values of labels such as `path` have braces of their own: `/users/{id}`. So have classes of characters.
            Some(matcher)
                if foreign::reference(content).is_some()
                    && !["\\p", "\\P", "\\x"].iter().any(|class| self.text[..start].ends_with(class))
                    && (self.text[..start].ends_with(['$', '#']) || !self.text[matcher.range()].contains('/')) =>
            {
                let edit = self.variable_in_matcher(matcher, start, end + 1);
                self.record(edit);
            }
            _ => {
                let start = start - usize::from(self.text[..start].ends_with('$'));
                let whole = &self.text[start..=end];
                let text = whole.replace('{', "{{").replace('}', "}}");
                let title = format!("single braces in {}", if string.is_some() { "a string" } else { "a comment" });
                let diagnostic = Diagnostic::new(Code::LoneBrace, Span::of(start..end + 1), title)
                    .label("neither doubled nor a placeholder");
                self.diagnostics.push(diagnostic.write(Span::of(start..end + 1), text));
            }
        }
    }

    /// The span of the matcher whose value is the string that starts at `string`.
    fn matcher(&self, string: usize) -> Option<Span> {
        Some(Span::of(self.label_before(string)?..string + end_of_string(&self.text[string..])?))
    }

    /// The span of the matcher whose label or value is the construct at `start..end`: `job=$job`, `$label="x"`.
    fn matcher_around(&self, start: usize, end: usize) -> Option<Span> {
        if let Some(label) = self.label_before(start) {
            return Some(Span::of(label..end));
        }
        self.open_selector()?;
        let rest = self.text[end..].trim_start();
        let value = OPERATORS.iter().find_map(|op| rest.strip_prefix(op))?.trim_start();
        let at = self.text.len() - value.len();
        let end = match end_of_string(value).filter(|_| value.starts_with(['"', '\'', '`'])) {
            Some(length) => at + length,
            None => foreign::read(self.text, at)?.end,
        };
        Some(Span::of(start..end))
    }

    /// Where the label starts whose value is at `value`.
    fn label_before(&self, value: usize) -> Option<usize> {
        let selector = self.open_selector()?;
        let before = self.text[selector.at..value].trim_end();
        let op = OPERATORS.iter().find(|op| before.ends_with(**op))?;
        let name = before[..before.len() - op.len()].trim_end();
        let start = match name.strip_suffix('"') {
            Some(quoted) => quoted.rfind('"')?,
            None => name.rfind(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').map_or(0, |at| at + 1),
        };
        (start < name.len()).then_some(selector.at + start)
    }

    /// The selector whose braces are the innermost open bracket.
    fn open_selector(&self) -> Option<&Open> {
        self.open.last().filter(|open| matches!(open.kind, Bracket::Double | Bracket::Single))
    }

    /// Reports a matcher on a variable such as `job="${job}"`. Callers pass it as a filter.
    fn variable_in_matcher(&mut self, matcher: Span, start: usize, end: usize) -> Edit {
        let start = start - usize::from(self.text[..start].ends_with('$'));
        let title = format!("`{}` is not a placeholder", &self.text[start..end]);
        let diagnostic = Diagnostic::new(Code::MalformedPlaceholder, matcher, title)
            .label("a caller's filter replaces this matcher");
        self.at = matcher.end as usize;
        Edit { span: matcher, text: "{labels}".to_owned(), diagnostic }
    }

    /// Records a mistake. If a selector is open, it is reported with the selector.
    fn record(&mut self, edit: Edit) {
        match self.open.iter_mut().rev().find(|open| matches!(open.kind, Bracket::Double | Bracket::Single)) {
            Some(selector) => selector.edits.push(edit),
            None => self.diagnostics.push(edit.diagnostic),
        }
    }

    /// Whether an operand can start here, so that an operator cannot.
    fn starts_operand(&self, at: usize) -> bool {
        let before = self.text[..at].trim_end();
        before.is_empty() || before.ends_with(|c: char| "({[,+-*/%^".contains(c))
    }
}

/// Whether a text ends with a word.
fn ends_with_word(text: &str, word: &str) -> bool {
    text.strip_suffix(word).is_some_and(|head| !head.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
}

/// The matchers of a selector, with `{labels}` once.
fn with_labels_once(matchers: &str) -> String {
    const LABELS: &str = "{labels}";
    let Some(first) = matchers.find(LABELS) else { return matchers.to_owned() };
    let (head, mut rest) = matchers.split_at(first + LABELS.len());
    let mut text = head.to_owned();
    while let Some(at) = rest.find(LABELS) {
        let before = rest[..at].trim_end();
        text += before.strip_suffix(',').unwrap_or(before);
        rest = &rest[at + LABELS.len()..];
    }
    text + rest
}

/// The length of the string that a text starts with.
fn end_of_string(text: &str) -> Option<usize> {
    let quote = text.chars().next()?;
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == quote && !escaped;
        escaped = *c == '\\' && !escaped && quote != '`';
        ends
    });
    end.map(|(at, _)| at + 1)
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

fn similar_placeholder(name: &str) -> Option<&'static str> {
    nearest(name, Hole::NAMES)
}

#[cfg(test)]
mod tests;
