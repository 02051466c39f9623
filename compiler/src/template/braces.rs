//! Braces outside strings and comments: single, double, and those around placeholders.

use super::brackets::{Bracket, Edit, Open};
use super::placeholder::is_like_a_placeholder;
use super::text::end_of_string;
use super::{Scanner, foreign, similar_placeholder, with_labels_once};
use crate::diagnostic::Fix;
use crate::vec_ext::IntoVec;
use crate::{Code, Diagnostic, Span};

impl Scanner<'_> {
    /// One or more `{`.
    pub(super) fn opening(&mut self) {
        let start = self.at;
        let rest = &self.text[start..];
        let run = braces(rest, '{');
        let content = &rest[run..];
        let content = &content[..content.find(['{', '}']).unwrap_or(content.len())];
        let is_closed = rest[run + content.len()..].starts_with('}');
        if is_closed && run >= 2 && self.labels_before_matchers(start, run, content) {
            return;
        }
        let reference = foreign::reference(content).filter(|_| is_closed && run >= 2);
        if let Some((name, _)) = reference {
            let after = &rest[run + content.len()..];
            let closing = braces(after, '}');
            let name = foreign::by_name(name);
            // `{{{{labels}}}}`, or `{{{labels}}}` beside other matchers.
            let is_inside = self.open.last().is_some_and(|open| open.kind == Bracket::Double);
            if name == Some("labels") && run > 2 && (run > 3 || closing > 3 || is_inside) {
                let end = start + run + content.len() + closing;
                let span = Span::of(start..end);
                let title = format!("`{}` is not a placeholder", &self.text[start..end]);
                let (label, text) = if is_inside {
                    self.open.pop();
                    ("the braces of the selector are open already", "{labels}}}")
                } else {
                    ("the braces of the selector, `{{` and `}}`, are around those of `{labels}`", "{{{labels}}}")
                };
                let diagnostic = Diagnostic::new(Code::MalformedPlaceholder, span, title).label(label);
                self.diagnostics.push(diagnostic.write(span, text));
                self.at = end;
                return;
            }
            let is_after_name = self.text[..start].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            if let Some(name) = name.filter(|name| *name != "labels" && run > 2 && closing >= run && !is_after_name) {
                let end = start + run + content.len() + run;
                let span = Span::of(start..end);
                let title = format!("`{}` is not a placeholder", &self.text[start..end]);
                let diagnostic = Diagnostic::new(Code::MalformedPlaceholder, span, title)
                    .label("a placeholder has one brace on each side");
                self.diagnostics.push(diagnostic.write(span, format!("{{{name}}}")));
                self.at = end;
                return;
            }
            if run == 2 && (closing >= 2) && self.foreign_placeholder() {
                return;
            }
        }
        let is_statement = |content: &str| content.strip_prefix('%').is_some_and(|it| it.starts_with(['-', '+', ' ']));
        if run == 2 && is_closed && is_statement(content.trim_start())
            || run == 1 && (is_statement(content) || content.starts_with('#'))
        {
            return self.statement(start);
        }
        if run >= 2 {
            self.push(Bracket::Double, 2);
        } else if is_closed && is_like_a_placeholder(content) {
            let end = start + 1 + content.len();
            self.at = end + 1;
            self.placeholder(start, end);
        } else {
            self.push(Bracket::Single, 1);
        }
    }

    /// `up{{labels},job="a"}`, `up{{{{labels}},job="a"}}`: other matchers follow `labels`. The braces after them are those of
    /// the selector, so the rest of the `run` belongs to the placeholder. Returns whether there was a mistake.
    fn labels_before_matchers(&mut self, start: usize, run: usize, content: &str) -> bool {
        let Some((name, after)) = foreign::reference(content).filter(|_| self.open_selector().is_none()) else {
            return false;
        };
        // A format as in `{labels!r}`.
        if !after.is_empty() && (!after.starts_with([':', '|', '!']) || after.contains(['=', '"'])) {
            return false;
        }
        let end = start + run + content.len();
        let end = end + braces(&self.text[end..], '}');
        let Some(closing) = closing_of_list(&self.text[end..]) else { return false };
        let width = closing.min(2);
        let is_one_brace = run - width == 1 && end == start + run + content.len() + 1;
        if is_one_brace && width == 2 || name != "labels" && self.is_name(name) {
            return false;
        }
        self.push(if width == 1 { Bracket::Single } else { Bracket::Double }, width);
        if !is_one_brace || content != "labels" {
            let title = format!("`{}` is not a placeholder", &self.text[start..end]);
            let span = Span::of(start + width..end);
            let diagnostic = Diagnostic::new(Code::MalformedPlaceholder, span, title)
                .label("a selector has two braces on each side, a placeholder has one");
            self.record(Edit { span, text: "{labels}".to_owned(), diagnostic, with_braces: true });
            self.at = end;
        }
        true
    }

    /// `{% if x %}` of Jinja.
    fn statement(&mut self, start: usize) {
        let rest = &self.text[start..];
        let length = rest.find('}').map_or(rest.len(), |end| end + 1);
        let span = Span::of(start..start + length);
        let title = format!("`{}` is not part of a template", &rest[..length]);
        self.diagnostics.push(
            Diagnostic::new(Code::MalformedPlaceholder, span, title)
                .label("templates have no statements")
                .help("remove it")
                .fix(Fix { span, text: String::new() }),
        );
        self.at = start + length;
    }

    /// One or more `}`.
    pub(super) fn closing(&mut self) {
        let start = self.at;
        let is_double = self.text[start..].starts_with("}}");
        match self.open.last().map(|open| open.kind) {
            Some(Bracket::Single) => {
                self.at += 1;
                if let Some(open) = self.open.pop() {
                    self.close_selector(open, start);
                }
            }
            Some(Bracket::Double) if is_double => {
                self.at += 2;
                if let Some(open) = self.open.pop() {
                    self.close_selector(open, start);
                }
            }
            _ if is_double => self.at += 2,
            kind => {
                self.lone_brace(start, '}');
                self.at += 1;
                if kind == Some(Bracket::Double) {
                    self.pop(Bracket::Double, 0);
                }
            }
        }
    }

    /// Reports the mistakes in a selector that ends at `end`, in one message.
    fn close_selector(&mut self, selector: Open, end: usize) {
        let is_single = selector.kind == Bracket::Single;
        let inside = Span::of(selector.at + if is_single { 1 } else { 2 }..end);
        let mut edits = selector.edits.into_iter();
        let Some(first) = edits.next() else {
            if is_single {
                self.lone_braces(selector.at, end);
            }
            return;
        };
        let edits: Vec<Edit> = edits.into_vec();
        let labels_in = |span: Span| self.text[span.range()].matches("{labels}").count();
        let has_labels = labels_in(inside) > labels_in(first.span);
        if !is_single && edits.is_empty() && !first.with_braces && (first.text != "{labels}" || !has_labels) {
            let diagnostic = first.diagnostic;
            let has_help = diagnostic.help.is_some();
            self.diagnostics.push(if has_help { diagnostic } else { diagnostic.write(first.span, first.text) });
            return;
        }
        let mut text = String::new();
        let mut at = inside.start;
        let original = |from: u32, to: u32| &self.text[Span::new(from, to).range()];
        for edit in std::iter::once(&first).chain(&edits) {
            text += original(at, edit.span.start);
            text += &edit.text;
            at = edit.span.end;
        }
        text += original(at, inside.end);
        let width = if is_single { 1 } else { 2 };
        let span = Span::new(inside.start - width, inside.end + width);
        let mut diagnostic = first.diagnostic;
        diagnostic.span = span;
        self.diagnostics.push(diagnostic.write(span, format!("{{{{{}}}}}", with_labels_once(&text))));
    }

    /// A pair of single braces.
    pub(super) fn lone_braces(&mut self, start: usize, end: usize) {
        let text = format!("{{{{{}}}}}", &self.text[start + 1..end]);
        self.diagnostics.push(
            Diagnostic::new(Code::LoneBrace, Span::of(start..start + 1), "single `{` in a template")
                .label("neither doubled nor part of a placeholder")
                .secondary(Span::of(end..end + 1), "and this one")
                .help(format!("double both: `{text}`"))
                .fix(Fix { span: Span::of(start..end + 1), text }),
        );
    }

    /// A single brace without its counterpart.
    pub(super) fn lone_brace(&mut self, at: usize, brace: char) {
        let span = Span::of(at..at + 1);
        let diagnostic = Diagnostic::new(Code::LoneBrace, span, format!("single `{brace}` in a template"))
            .label("neither doubled nor part of a placeholder");
        let in_double = self.open.last().is_some_and(|open| open.kind == Bracket::Double);
        let word = foreign::word(&self.text[at + 1..]).unwrap_or_default();
        let diagnostic = match similar_placeholder(word) {
            Some(name) if brace == '{' => {
                let span = Span::of(at..at + 1 + word.len());
                diagnostic.write(span, format!("{{{name}}}"))
            }
            _ if brace == '{' => diagnostic.help("write `{{` for a literal brace").fix(Fix { span, text: "{{".into() }),
            _ if in_double => diagnostic.label("closes a `{{`, so it must be `}}`").write(span, "}}"),
            _ if self.text[..at].ends_with('}') => {
                diagnostic.label("one brace too many").help("remove it").fix(Fix { span, text: String::new() })
            }
            _ => diagnostic.help("write `}}` for a literal brace").fix(Fix { span, text: "}}".into() }),
        };
        self.diagnostics.push(diagnostic);
    }
}

/// How often a text starts with a brace.
fn braces(text: &str, brace: char) -> usize {
    text.len() - text.trim_start_matches(brace).len()
}

/// The number of `}` at the end of a list of matchers that continues with a `,`.
fn closing_of_list(text: &str) -> Option<usize> {
    let mut at = text.len() - text.trim_start().strip_prefix(',')?.len();
    // The limit keeps long templates linear.
    while at < 5_000 {
        let rest = &text[at..];
        at += match rest.chars().next()? {
            '"' | '\'' | '`' => end_of_string(rest)?,
            '}' => return Some(braces(rest, '}')),
            // Another placeholder.
            '{' if text[..at].trim_end().ends_with(['=', '~', ',', '$']) => {
                let (run, end) = (braces(rest, '{'), rest.find('}')?);
                foreign::reference(&rest[run..end]).filter(|(_, after)| !after.contains(['=', '!', ',', '{']))?;
                end + braces(&rest[end..], '}').min(run)
            }
            '{' | '(' | ')' | '[' | ']' | '#' => return None,
            other => other.len_utf8(),
        };
    }
    None
}
