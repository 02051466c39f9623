//! Braces outside strings and comments: single, double, and those around placeholders.

use super::brackets::{Bracket, Edit, Open};
use super::placeholder::is_like_a_placeholder;
use super::text::{end_of_string, is_no_value};
use super::{Scanner, foreign, is_word_char, run_of, with_labels_once};
use crate::diagnostic::Fix;
use crate::vec_ext::IntoVec;
use crate::{Code, Diagnostic, Span};

/// Literal braces of Ansible and Helm.
const QUOTED: [[&str; 2]; 4] = [
    ["{{ '{' }}", "{{ '}' }}"],
    ["{{ '{{' }}", "{{ '}}' }}"],
    ["{{ \"{\" }}", "{{ \"}\" }}"],
    ["{{ \"{{\" }}", "{{ \"}}\" }}"],
];

impl Scanner<'_> {
    /// One or more `{`.
    pub(super) fn opening(&mut self) {
        let start = self.at;
        let rest = &self.text[start..];
        let run = run_of(rest, '{');
        if self.tag(start, run) {
            return;
        }
        let content = &rest[run..];
        let length = content.bytes().position(|byte| matches!(byte, b'{' | b'}')).unwrap_or(content.len());
        let content = &content[..length];
        let is_closed = rest[run + content.len()..].starts_with('}');
        if run == 1 && is_closed && self.is_name(content) {
            let end = start + content.len() + 2;
            self.at = end;
            if let Some(label) = self.label_before(start).filter(|_| is_no_value(content)) {
                self.placeholder_in_matcher(Span::of(label..end), start, end, "as the value of a label");
            }
            return;
        }
        if is_closed && run >= 2 && self.labels_before_matchers(start, run, content) {
            return;
        }
        if self.quoted_braces(start) || is_closed && run >= 2 && self.braced_name(start, run, content) {
            return;
        }
        if run == 1 && content.starts_with('#') && !rest.starts_with("{#{") {
            return self.statement(start, rest.find('}').map_or(rest.len(), |end| end + 1));
        }
        if run == 1 && is_closed && is_like_a_placeholder(content) {
            let end = start + 1 + content.len();
            self.at = end + 1;
            self.placeholder(start, end);
        } else if self.expression(start, run) || run <= 2 && self.unclosed_placeholder(start, run) {
        } else if run >= 2 {
            self.push(Bracket::Double, 2);
        } else {
            self.push(Bracket::Single, 1);
        }
    }

    /// A name in two or more braces. Returns whether there was a mistake.
    fn braced_name(&mut self, start: usize, run: usize, content: &str) -> bool {
        let Some((name, _)) = foreign::reference(content).or_else(|| foreign::number(content)) else { return false };
        let inside = start + run + content.len();
        let closing = run_of(&self.text[inside..], '}');
        let end = inside + closing;
        let (is_last, is_inside) = (closing >= run, self.open_selector().is_some());
        let meant = if is_last { self.meant(name, start, inside + run) } else { foreign::by_name(name) };
        if run > 2 && meant == Some("labels") && (run > 3 || closing > 3 || is_inside) {
            // The selector ends later, or with these braces.
            let is_open = closing > run || self.text[end..].trim_start().starts_with(['}', ',']);
            let end = if is_inside && closing > run { inside + run } else { end };
            let span = Span::of(start..end);
            let (label, text) = if is_inside {
                ("the braces of the selector are open already", if is_open { "{labels}" } else { "{labels}}}" })
            } else {
                ("the braces of the selector, `{{` and `}}`, are around those of `{labels}`", "{{{labels}}}")
            };
            let diagnostic = self.not_a_placeholder(start, end, label).write(span, text);
            self.at = end;
            if is_inside && is_open {
                self.record(Edit { span, text: text.to_owned(), diagnostic, with_braces: true });
            } else {
                if is_inside {
                    self.open.pop();
                }
                self.diagnostics.push(diagnostic);
            }
            return true;
        }
        // Directly after a name, the outer braces are those of a selector.
        let is_after_name = self.text[..start].ends_with(is_word_char);
        let known = meant.or_else(|| foreign::by_name(name)).or_else(|| foreign::by_alias(name));
        let is_placeholder =
            run == 2 || !is_after_name && known.map_or(self.takes_value(start, end), |name| name != "labels");
        is_last && is_placeholder && self.foreign_placeholder()
    }

    /// `[{window]`. Returns whether there was such a mistake.
    fn unclosed_placeholder(&mut self, start: usize, run: usize) -> bool {
        let rest = &self.text[start + run..];
        let Some(name) = foreign::word(rest).filter(|_| !self.text[..start].ends_with(is_word_char)) else {
            return false;
        };
        let (end, after) = (start + run + name.len(), rest[name.len()..].trim_start());
        let is_meant = || {
            let expected = self.expected_placeholder(start, end).filter(|it| *it != "labels");
            expected.is_some() || foreign::by_name(name).is_some()
        };
        let ends = after.is_empty() || after.starts_with([']', ')', ',', ':', '[', '{']);
        ends && is_meant() && self.construct(start, end, name)
    }

    /// `{window()}` and `{", ".join(labels)}` of Python, `up{@labels}`: neither a name nor matchers. Returns whether it is one.
    fn expression(&mut self, start: usize, run: usize) -> bool {
        let Some((end, is_matchers, has_signs)) = end_of_braces(&self.text[start..], run) else { return false };
        let end = start + end;
        let content = self.text[start + run..end - run].trim_start();
        // `{{{labels!r}}}` is a placeholder in the braces of a selector.
        let is_call = has_signs && foreign::read(content, 0).is_none() && !(run == 3 && is_like_a_placeholder(content));
        let is_list = self.open_selector().is_some();
        let is_expression = match self.expected_placeholder(start, end) {
            Some("window" | "group_by") => true,
            _ if self.literal_for(start, "").is_some() || self.label_before(start).is_some() => true,
            Some(_) => !is_matchers && (is_list || is_call),
            None => !is_matchers && is_call && self.takes_value(start, end),
        };
        is_expression && { self.construct(start, end, "") }
    }

    /// `{{ '{' }}job="a"{{ '}' }}` of Ansible and Helm. Returns whether there were such braces.
    fn quoted_braces(&mut self, start: usize) -> bool {
        let rest = &self.text[start..];
        let Some(quoted) = QUOTED.iter().find(|quoted| rest.starts_with(quoted[0])) else { return false };
        let Some(inside) = rest.find(quoted[1]) else { return false };
        let text = rest[quoted[0].len()..inside].replace("{{", "{").replace("}}", "}");
        self.at = start + inside + quoted[1].len();
        let diagnostic = self.not_a_placeholder(start, start + quoted[0].len(), "literal braces are doubled");
        let span = Span::of(start..self.at);
        self.diagnostics.push(Diagnostic { span, ..diagnostic.write(span, format!("{{{{{text}}}}}")) });
        true
    }

    /// `up{{labels},job="a"}`, `up{{{{labels}},job="a"}}`: other matchers follow `labels`. The braces after them are those of
    /// the selector, so the rest of the `run` belongs to the placeholder. Returns whether there was a mistake.
    fn labels_before_matchers(&mut self, start: usize, run: usize, content: &str) -> bool {
        let (name, after) = foreign::reference(content).unwrap_or_default();
        // With a format or a call, as in `{labels!r}` and `{labels()}`.
        let is_one = after.is_empty() || after.starts_with([':', '|', '!', '(', '[']) || name.is_empty();
        let is_name = content.starts_with('"') && !content.contains('(');
        if self.open_selector().is_some() || !is_one || is_name || content.contains(['=', '~']) {
            return false;
        }
        let end = start + run + content.len();
        let end = end + run_of(&self.text[end..], '}');
        let Some(closing) = closing_of_list(&self.text[end..]) else { return false };
        let width = closing.min(2);
        let is_one_brace = run - width == 1 && end == start + run + content.len() + 1;
        if is_one_brace && width == 2 || name != "labels" && self.is_name(name) {
            return false;
        }
        self.push(if width == 1 { Bracket::Single } else { Bracket::Double }, width);
        if !is_one_brace || content != "labels" {
            let label = "a selector has two braces on each side, a placeholder has one";
            let (span, diagnostic) = (Span::of(start + width..end), self.not_a_placeholder(start, end, label));
            self.record(Edit { span, text: "{labels}".to_owned(), diagnostic, with_braces: true });
            self.at = end;
        }
        true
    }

    /// A tag of Go, Handlebars or Jinja, such as `{{ if .x }}`, or the block that it starts. Returns whether there was one.
    fn tag(&mut self, start: usize, run: usize) -> bool {
        // Braces before those of the tag are those of a selector.
        let width = if self.text[start + run..].starts_with('%') { 1 } else { 2 };
        let Some(outer) = run.checked_sub(width) else { return false };
        let rest = &self.text[start + outer..];
        let tag = foreign::tag(rest);
        if tag.is_none() && !rest.starts_with("{%=") {
            return false;
        }
        if outer > 0 {
            self.push(if outer == 1 { Bracket::Single } else { Bracket::Double }, outer.min(2));
            return true;
        }
        let Some((_, length, _)) = tag else { return self.foreign_placeholder() };
        if let Some((block, is_placeholder)) = foreign::block(self.text, start)
            && (is_placeholder || self.expected_placeholder(start, block.end).is_some())
        {
            return self.construct(start, block.end, block.name);
        }
        self.statement(start, length);
        true
    }

    /// `{% if x %}` of Jinja.
    fn statement(&mut self, start: usize, length: usize) {
        let span = Span::of(start..start + length);
        let title = format!("`{}` is not part of a template", &self.text[span.range()]);
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
        let kind = self.open.last().map(|open| open.kind);
        let width = if is_double && kind != Some(Bracket::Single) { 2 } else { 1 };
        self.at += width;
        match kind {
            Some(Bracket::Single | Bracket::Double) if closing_of_list(&self.text[self.at..]).is_some() => {
                // `x{{job="a"},{labels}}`.
                let span = Span::of(start..self.at);
                let diagnostic = Diagnostic::new(Code::LoneBrace, span, "`}` before the last matcher")
                    .label("the braces of a selector are around all of its matchers");
                self.record(Edit { span, text: String::new(), diagnostic, with_braces: true });
            }
            Some(Bracket::Single | Bracket::Double) if let Some(length) = unclosed_labels(&self.text[self.at..]) => {
                self.at += length;
                let span = Span::of(start..self.at);
                let title = "`labels` outside a selector's braces";
                let diagnostic = Diagnostic::new(Code::MisplacedPlaceholder, span, title)
                    .label("the braces of a selector are around all of its matchers");
                let comma = if self.text[..start].trim_end().ends_with(',') { "" } else { "," };
                self.record(Edit { span, text: format!("{comma}{{labels}}"), diagnostic, with_braces: true });
                if let Some(open) = self.open.pop() {
                    self.close_selector(open, self.at, 0);
                }
            }
            Some(Bracket::Double) if !is_double && self.open.last().is_none_or(|open| open.edits.is_empty()) => {
                self.lone_brace(start, '}', false);
                self.pop(Bracket::Double, 0);
            }
            Some(Bracket::Single | Bracket::Double) => {
                if let Some(open) = self.open.pop() {
                    self.close_selector(open, start, width);
                }
            }
            _ if is_double => {}
            _ => self.lone_brace(start, '}', false),
        }
    }

    /// Reports the mistakes in a selector that ends at `end`, in one message.
    fn close_selector(&mut self, selector: Open, end: usize, closing: usize) {
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
        let span = Span::of(selector.at..end + closing);
        let mut diagnostic = first.diagnostic;
        diagnostic.span = span;
        self.diagnostics.push(diagnostic.write(span, format!("{{{{{}}}}}", with_labels_once(&text))));
    }

    /// A pair of single braces.
    pub(super) fn lone_braces(&mut self, start: usize, end: usize) {
        let inside = &self.text[start + 1..end];
        let (advice, text) = match self.open_selector() {
            Some(_) => ("remove both", inside.to_owned()),
            None => ("double both", format!("{{{{{inside}}}}}")),
        };
        self.diagnostics.push(
            Diagnostic::new(Code::LoneBrace, Span::of(start..start + 1), "single `{` in a template")
                .label("neither doubled nor part of a placeholder")
                .secondary(Span::of(end..end + 1), "and this one")
                .help(format!("{advice}: `{text}`"))
                .fix(Fix { span: Span::of(start..end + 1), text }),
        );
    }

    /// A single brace without its counterpart, in a string or outside of strings.
    pub(super) fn lone_brace(&mut self, at: usize, brace: char, in_string: bool) {
        let span = Span::of(at..at + 1);
        let diagnostic = Diagnostic::new(Code::LoneBrace, span, format!("single `{brace}` in a template"))
            .label("neither doubled nor part of a placeholder");
        let in_double = self.open.last().is_some_and(|open| open.kind == Bracket::Double);
        let word = match brace {
            '{' => at + 1..at + 1 + foreign::word(&self.text[at + 1..]).map_or(0, str::len),
            _ => self.text[..at].trim_end_matches(is_word_char).len()..at,
        };
        let diagnostic = match foreign::by_name(&self.text[word.clone()]) {
            Some(name) if !in_string => {
                let span = Span::of(word.start.min(at)..word.end.max(at + 1));
                diagnostic.write(span, format!("{{{name}}}"))
            }
            _ if !in_string && brace == '}' && in_double => {
                diagnostic.label("closes a `{{`, so it must be `}}`").write(span, "}}")
            }
            _ if !in_string && brace == '}' => {
                diagnostic.label("nothing is open here").help("remove it").fix(Fix { span, text: String::new() })
            }
            _ => {
                let text = brace.to_string().repeat(2);
                diagnostic.help(format!("write `{text}` for a literal brace")).fix(Fix { span, text })
            }
        };
        self.diagnostics.push(diagnostic);
    }
}

/// The length of a text in as many braces, whether it has operators of matchers outside of strings, and signs that
/// matchers do not have.
fn end_of_braces(text: &str, run: usize) -> Option<(usize, bool, bool)> {
    let (mut at, mut is_matchers, mut has_signs) = (run, false, false);
    loop {
        let rest = &text[at..];
        at += match rest.chars().next()? {
            '"' | '\'' | '`' => end_of_string(rest)?,
            '}' if run_of(rest, '}') >= run => return Some((at + run, is_matchers, has_signs)),
            '{' | '}' => return None,
            other => {
                is_matchers |= matches!(other, '=' | '~');
                has_signs |= matches!(other, '(' | '[' | '*' | '%' | ':' | '@' | '?' | '&' | '!' | '.' | '$');
                other.len_utf8()
            }
        };
    }
}

/// The length of `,{labels}` or `{labels}` after the closing brace of a selector, if no brace follows.
fn unclosed_labels(text: &str) -> Option<usize> {
    let item = text.trim_start();
    let (item, most) = item.strip_prefix(',').map_or((item, 2), |item| (item.trim_start(), 6));
    let run = run_of(item, '{');
    let content = &item[run..item.find('}')?];
    let name = foreign::reference(content)?.0;
    let after = item[run + content.len()..].trim_start_matches('}');
    let is_labels = foreign::by_name(name).or_else(|| foreign::by_alias(name)) == Some("labels");
    (is_labels && (1..=most).contains(&run)).then_some(text.len() - after.len())
}

/// The number of `}` at the end of a list of matchers that continues with a `,`.
fn closing_of_list(text: &str) -> Option<usize> {
    let mut at = text.len() - text.trim_start().strip_prefix(',')?.len();
    // The limit keeps long templates linear.
    while at < 5_000 {
        let rest = &text[at..];
        at += match rest.chars().next()? {
            '"' | '\'' | '`' => end_of_string(rest)?,
            '}' => return Some(run_of(rest, '}')),
            // Another placeholder.
            '{' if text[..at].trim_end().ends_with(['=', '~', ',', '$']) => {
                let (run, end) = (run_of(rest, '{'), rest.find('}')?);
                foreign::reference(&rest[run..end]).filter(|(_, after)| !after.contains(['=', '!', ',', '{']))?;
                end + run_of(&rest[end..], '}').min(run)
            }
            '{' | '(' | ')' | '[' | ']' | '#' => return None,
            other => other.len_utf8(),
        };
    }
    None
}
