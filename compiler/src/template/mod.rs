//! Braces and placeholders of a template.
//!
//! `{name}` is a placeholder; `{{` and `}}` are literal braces, as in Python's `str.format`. Braces are read from left
//! to right, so `{{{labels}}}` is a brace, a placeholder and a brace. The grammar of PromQL decides where a placeholder
//! is allowed; here, the text around a mistake only serves to suggest what to type.

mod braces;
mod brackets;
mod foreign;
mod placeholder;
mod text;

use promql_presets_core::{keyword, sort};

use crate::Diagnostic;
use crate::diagnostic::suggest::nearest;
use crate::hole::Hole;
use crate::vec_ext::VecExt;

use brackets::{Bracket, Open};
pub(crate) use foreign::verb;
pub(crate) use placeholder::{NO_OTHERS, SECONDS};
pub(crate) use text::IN_TEXT;

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

impl Scanner<'_> {
    fn scan(&mut self) {
        while let Some(byte) = self.text.as_bytes().get(self.at).copied() {
            match byte {
                b'"' | b'\'' | b'`' => self.string(byte),
                b'#' if self.is_ruby() && self.foreign_placeholder() => {}
                b'#' => self.comment(),
                b'(' => self.push(Bracket::Paren, 1),
                b')' => self.pop(Bracket::Paren, 1),
                b']' => self.pop(Bracket::Square, 1),
                b'[' if self.text[self.at..].starts_with("[[") && self.foreign_placeholder() => {}
                b'[' => self.push(Bracket::Square, 1),
                b'$' if self.foreign_placeholder() => {}
                // Elsewhere, these are operators.
                b'%' | b'<' | b'@' if self.starts_foreign(self.at) && self.foreign_placeholder() => {}
                b'{' => self.opening(),
                b'}' => self.closing(),
                _ => self.at += 1,
            }
        }
        while let Some(open) = self.open.pop() {
            self.diagnostics.add_all(open.edits.into_iter().map(|edit| edit.diagnostic));
            if open.kind == Bracket::Single {
                self.lone_brace(open.at, '{', false);
            }
        }
    }

    /// Whether this is `#{window}` of Ruby rather than a comment.
    fn is_ruby(&self) -> bool {
        let rest = &self.text[self.at..];
        let after = rest.find('}').map_or("", |end| rest[end + 1..].trim_start_matches(' '));
        rest.starts_with("#{")
            && (self.starts_operand(self.at) || self.text[..self.at].ends_with(is_word_char))
            && match after.bytes().next() {
                Some(byte) => b"])}({[,:".contains(&byte),
                None => true,
            }
    }

    /// Whether a sign starts a variable or a value rather than being an operator.
    fn starts_foreign(&self, at: usize) -> bool {
        let rest = &self.text[at..];
        let is_format = || {
            let after = rest.strip_prefix("%(").and_then(|it| it.split_once(")s"));
            after.is_some_and(|(name, after)| is_word(name.trim()) && !after.starts_with(is_word_char))
        };
        self.starts_operand(at) || rest.starts_with("<%=") || is_format()
    }

    /// Whether an operand can start here, so that an operator cannot.
    fn starts_operand(&self, at: usize) -> bool {
        let before = self.text[..at].trim_end();
        before.is_empty()
            || before.ends_with(|c: char| "({[,+-*/%^=~:@<>".contains(c))
            || ends_with_one(before, &placeholder::BEFORE_OPERANDS)
            || ends_with_one(before, &keyword::GROUPINGS)
    }
}

/// Whether a text ends with a word.
fn ends_with_word(text: &str, word: &str) -> bool {
    text.strip_suffix(word).is_some_and(|head| !head.ends_with(is_word_char))
}

/// One function for all searches, each of which is compiled for its own type.
fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn ends_with_one(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| ends_with_word(text, word))
}

/// The matchers of a selector, with `{labels}` once.
pub(crate) fn with_labels_once(matchers: &str) -> String {
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

/// The start of a text. The ends of constructs are searched here, which keeps long templates linear.
fn start_of(text: &str) -> &str {
    &text[..text.floor_char_boundary(1_000)]
}

/// How often a text starts with a brace.
fn run_of(text: &str, brace: char) -> usize {
    text.len() - text.trim_start_matches(brace).len()
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

fn similar_placeholder(name: &str) -> Option<&'static str> {
    nearest(name, Hole::NAMES)
}

#[cfg(test)]
mod tests;
