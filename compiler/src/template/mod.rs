//! Braces and placeholders of a template.
//!
//! `{name}` is a placeholder; `{{` and `}}` are literal braces, as in Python's `str.format`. Braces are read from left
//! to right, so `{{{labels}}}` is a brace, a placeholder and a brace. The grammar of PromQL decides where a placeholder
//! is allowed; here, the text around a mistake only serves to suggest what to type.

mod foreign;

use crate::diagnostic::Fix;
use crate::diagnostic::suggest::nearest;
use crate::hole::Hole;
use crate::{Code, Diagnostic, Span};

const KNOWN: &str = "placeholders are `metric_name`, `labels`, `group_by` and `window`";

const NO_OTHERS: &str = "write what it stands for: templates have no other variables";

/// The operators of matchers, none of which ends another one that comes later.
const OPERATORS: [&str; 4] = ["=~", "!~", "!=", "="];

/// Reports all invalid braces and placeholders of a template.
#[must_use]
pub(crate) fn check(template: &str) -> Vec<Diagnostic> {
    let mut scanner = Scanner { text: template, at: 0, open: Vec::new(), diagnostics: Vec::new() };
    scanner.scan();
    scanner.diagnostics.sort_by_key(|diagnostic| diagnostic.span);
    scanner.diagnostics
}

struct Scanner<'a> {
    text: &'a str,
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
        match string.and_then(|string| self.matcher(string)) {
            // The values of labels such as `path` have braces of their own: `/users/{id}`.
            Some(matcher)
                if foreign::reference(content).is_some()
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

    /// Reads a placeholder of another template language outside strings, and returns whether there was one.
    fn foreign_placeholder(&mut self) -> bool {
        let start = self.at;
        let Some(construct) = foreign::read(self.text, start) else { return false };
        let mut end = construct.end;
        let mut name = foreign::by_name(construct.name);
        if let Some(matcher) = self.matcher_around(start, end) {
            let edit = self.variable_in_matcher(matcher, start, end);
            self.record(edit);
            return true;
        }
        if self.text[start..].starts_with("{{")
            && self.text[end..].starts_with('}')
            && !self.text[end..].starts_with("}}")
        {
            // `{{labels}}}`: a brace is missing at the start.
            end += 1;
        }
        let literal = self.literal_for(start, construct.name);
        name = name.or_else(|| self.expected_placeholder(start, end)).or_else(|| foreign::by_alias(construct.name));
        if name == Some("window") {
            // The unit behind a number of seconds, as in `${__range_s}s`.
            end = self.text.len() - self.text[end..].trim_start_matches(|c: char| c.is_ascii_lowercase()).len();
        }
        let whole = &self.text[start..end];
        let is_dollar = whole.starts_with("${") && !whole.starts_with("${{") && Hole::NAMES.contains(&construct.name);
        let title = if is_dollar {
            format!("`$` before the placeholder `{}`", construct.name)
        } else {
            format!("`{whole}` is not a placeholder")
        };
        let label = match whole.as_bytes() {
            [b'$', ..] => "placeholders take no `$`",
            [b'[' | b'%', ..] => "placeholders are written in braces",
            _ => "doubled braces are literal",
        };
        let span = Span::of(start..end);
        let diagnostic = Diagnostic::new(Code::MalformedPlaceholder, span, title).label(label);
        let edit = if let Some(literal) = literal {
            Edit { span, text: literal.to_owned(), diagnostic: write_literal(diagnostic, span, literal) }
        } else if let Some(name) = name {
            let text = self.placeholder_text(name);
            Edit { span, diagnostic: diagnostic.write(span, &*text), text }
        } else {
            let diagnostic = diagnostic.help(NO_OTHERS).note(KNOWN);
            Edit { span, text: whole.to_owned(), diagnostic }
        };
        self.at = end;
        self.record(edit);
        true
    }

    /// A placeholder with its braces; `labels` with those of a selector if none is open.
    fn placeholder_text(&self, name: &str) -> String {
        if name == "labels" && self.open_selector().is_none() {
            "{{{labels}}}".to_owned()
        } else {
            format!("{{{name}}}")
        }
    }

    /// One or more `{`.
    fn opening(&mut self) {
        let start = self.at;
        let rest = &self.text[start..];
        let run = rest.len() - rest.trim_start_matches('{').len();
        let content = &rest[run..];
        let content = &content[..content.find(['{', '}']).unwrap_or(content.len())];
        let is_closed = rest[run + content.len()..].starts_with('}');
        let reference = foreign::reference(content).filter(|_| is_closed && run >= 2);
        if let Some((name, _)) = reference {
            let after = &rest[run + content.len()..];
            let closing = after.len() - after.trim_start_matches('}').len();
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
                    ("three braces on each side: two of the selector, one of the placeholder", "{{{labels}}}")
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
    fn closing(&mut self) {
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
        let edits: Vec<Edit> = edits.collect();
        let labels_in = |span: Span| self.text[span.range()].matches("{labels}").count();
        let has_labels = labels_in(inside) > labels_in(first.span);
        if !is_single && edits.is_empty() && (first.text != "{labels}" || !has_labels) {
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
    fn lone_braces(&mut self, start: usize, end: usize) {
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
    fn lone_brace(&mut self, at: usize, brace: char) {
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
            _ if in_double => diagnostic.label("half of a `}}` that closes a `{{`").write(span, "}}"),
            _ if self.text[..at].ends_with('}') => {
                diagnostic.label("one brace too many").help("remove it").fix(Fix { span, text: String::new() })
            }
            _ => diagnostic.help("write `}}` for a literal brace").fix(Fix { span, text: "}}".into() }),
        };
        self.diagnostics.push(diagnostic);
    }

    /// `{content}` at `start..=end`.
    fn placeholder(&mut self, start: usize, end: usize) {
        let content = &self.text[start + 1..end];
        if Hole::NAMES.contains(&content) {
            return;
        }
        let whole = Span::of(start..end + 1);
        if let Some(matcher) = self.matcher_around(start, end + 1) {
            let edit = self.variable_in_matcher(matcher, start, end + 1);
            return self.record(edit);
        }
        let malformed = |title: String| Diagnostic::new(Code::MalformedPlaceholder, whole, title);
        let fitting = self.expected_placeholder(start, end + 1);
        let trimmed = content.trim();
        let name = trimmed.split(['!', ':']).next().unwrap_or_default();
        let (diagnostic, meant) = if trimmed.is_empty() {
            (malformed("empty placeholder".to_owned()).label("a placeholder has a name"), fitting)
        } else if trimmed.bytes().all(|byte| byte.is_ascii_digit()) {
            let title = format!("placeholder with a number: `{trimmed}`");
            (malformed(title).label("placeholders have names"), fitting)
        } else if name.len() < trimmed.len() {
            let what = if trimmed[name.len()..].starts_with('!') { "conversion" } else { "format" };
            let known = foreign::by_name(name.trim());
            let title = format!("placeholder `{}` with a {what}", known.unwrap_or(name.trim()));
            let meant = known.or(fitting).or_else(|| foreign::by_alias(name.trim()));
            (malformed(title).label("placeholders are rendered in one way only"), meant)
        } else if Hole::NAMES.contains(&trimmed) {
            (malformed(format!("white space around the placeholder `{trimmed}`")), foreign::by_name(trimmed))
        } else {
            let at = start + 1 + (content.len() - content.trim_start().len());
            let span = Span::of(at..at + trimmed.len());
            let title = format!("unknown placeholder `{trimmed}`");
            let unknown = Diagnostic::new(Code::UnknownPlaceholder, span, title).label("not a placeholder");
            if let Some(similar) = similar_placeholder(trimmed) {
                let help = format!("a placeholder with a similar name exists: `{similar}`");
                self.diagnostics.push(unknown.help(help).fix(Fix { span, text: similar.to_owned() }));
                return;
            }
            (unknown.note(KNOWN), fitting.or_else(|| foreign::by_alias(trimmed)))
        };
        if let Some(literal) = self.literal_for(start, trimmed) {
            self.diagnostics.push(write_literal(diagnostic, whole, literal));
            return;
        }
        self.diagnostics.push(match meant {
            Some(meant) => diagnostic.write(whole, self.placeholder_text(meant)),
            None if trimmed.is_empty() => diagnostic.help("write `{{{labels}}}` after the name of a metric"),
            None => diagnostic.help(NO_OTHERS).note(KNOWN),
        });
    }

    /// What replaces a variable where no placeholder can stand: nothing for the step of a subquery, which has a default,
    /// and the ends of the range that is queried after `@`.
    fn literal_for(&self, start: usize, name: &str) -> Option<&'static str> {
        let before = self.text[..start].trim_end();
        if before.ends_with('@') {
            return Some(if name.ends_with("from") || name.ends_with("start") { "start()" } else { "end()" });
        }
        let is_step = before.ends_with(':') && self.open.last().is_some_and(|open| open.kind == Bracket::Square);
        is_step.then_some("")
    }

    /// Whether an operand can start here, so that an operator cannot.
    fn starts_operand(&self, at: usize) -> bool {
        let before = self.text[..at].trim_end();
        before.is_empty() || before.ends_with(|c: char| "({[,+-*/%^".contains(c))
    }

    /// The only placeholder that is valid at `start..end`.
    fn expected_placeholder(&self, start: usize, end: usize) -> Option<&'static str> {
        let before = self.text[..start].trim_end();
        let open = self.open.last();
        if open.is_some_and(|open| open.kind == Bracket::Square) || ends_with_word(before, "offset") {
            return Some("window");
        }
        match open {
            Some(open) if matches!(open.kind, Bracket::Double | Bracket::Single) => {
                return before.ends_with(['{', ',']).then_some("labels");
            }
            Some(open) if open.kind == Bracket::Paren => {
                let head = self.text[..open.at].trim_end();
                if ["by", "without", "on", "ignoring", "group_left", "group_right"]
                    .iter()
                    .any(|it| ends_with_word(head, it))
                {
                    return Some("group_by");
                }
            }
            _ => {}
        }
        let after = self.text[end..].trim_start();
        let starts_operand = before.is_empty() || before.ends_with(|c: char| "(,+-*/%^_".contains(c));
        if starts_operand && after.starts_with(['{', '[']) {
            return Some("metric_name");
        }
        // Directly after a name, braces are a selector.
        let is_name = self.text[..start].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        (is_name && !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '{')).then_some("labels")
    }
}

fn write_literal(diagnostic: Diagnostic, span: Span, literal: &str) -> Diagnostic {
    if literal.is_empty() {
        return diagnostic.help("remove it").fix(Fix { span, text: String::new() });
    }
    diagnostic.write(span, literal)
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

fn similar_placeholder(name: &str) -> Option<&'static str> {
    nearest(name, Hole::NAMES)
}

/// Whether `{content}` is a mistyped placeholder rather than matchers in braces.
fn is_like_a_placeholder(content: &str) -> bool {
    let name = content.split(['!', ':']).next().unwrap_or_default();
    !content.contains(['=', '"', '\'', '`', ',']) && (content.trim().is_empty() || is_word(name.trim()))
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Title, marked text and help of each finding.
    fn found(template: &str) -> Vec<(String, &str, String)> {
        let parts = |d: Diagnostic| (d.title, &template[d.span.range()], d.help.unwrap_or_default());
        check(template).into_iter().map(parts).collect()
    }

    fn one(template: &str) -> (String, &str, String) {
        let mut all = found(template);
        assert_eq!(all.len(), 1, "{template}: {all:?}");
        all.remove(0)
    }

    #[test]
    fn accepts_templates() {
        for template in [
            "sum by ({group_by})(rate({metric_name}{{{labels}}}[{window}]))",
            "{metric_name}{{{labels}}}",
            "up{{job=\"x\",{labels}}} {{}}",
            "label_replace(up, \"a\", \"${{1}}\", \"b\", \"(.*)\")",
            "up{{a=~\"x{{2}}$\"}}",
            "größe",
            "",
        ] {
            assert_eq!(found(template), [], "{template}");
        }
    }

    #[test]
    fn unknown_names_get_a_suggestion() {
        let (title, marked, help) = one("rate(x[{windw}])");
        assert_eq!((title.as_str(), marked), ("unknown placeholder `windw`", "windw"));
        assert_eq!(help, "a placeholder with a similar name exists: `window`");
        assert_eq!(one("{metric-name}").2, "a placeholder with a similar name exists: `metric_name`");
        assert_eq!(one("x[{step}]").2, "write `{window}`");
        assert_eq!(one("x{{a=\"b\",{filter}}}").2, "write `{labels}`");
        assert_eq!(one("sum by (a, {group_by.first})(x)").2, "write `{group_by}`");
        assert_eq!(one("{query} + 1").2, NO_OTHERS);
    }

    #[test]
    fn formats_conversions_numbers_and_blanks() {
        assert_eq!(one("{labels!r}").0, "placeholder `labels` with a conversion");
        assert_eq!(
            one("{window:>5}"),
            ("placeholder `window` with a format".into(), "{window:>5}", "write `{window}`".into())
        );
        assert_eq!(one("{windw:5}").2, "write `{window}`");
        assert_eq!(one("{}").0, "empty placeholder");
        assert_eq!(one("{ }").0, "empty placeholder");
        assert_eq!(one("{0}").0, "placeholder with a number: `0`");
        assert_eq!(one("up{{{0}}}").2, "write `{labels}`");
        assert_eq!(one("{ labels }").2, "write `{{{labels}}}`");
        assert_eq!(one("x{{{ labels }}}").2, "write `{labels}`");
    }

    #[test]
    fn other_template_languages() {
        assert_eq!(one("up{{${labels}}}").1, "${labels}");
        assert_eq!(
            one("up${{labels}}"),
            ("`${{labels}}` is not a placeholder".into(), "${{labels}}", "write `{{{labels}}}`".into())
        );
        assert_eq!(one("rate(up[{{ window }}])").2, "write `{window}`");
        assert_eq!(one("up{{labels}}").2, "write `{{{labels}}}`");
        assert_eq!(one("up{{labels}}}").1, "{{labels}}}");
    }

    #[test]
    fn lone_braces() {
        assert_eq!(one("up{job=\"x\"}").2, "double both: `{{job=\"x\"}}`");
        assert_eq!(one("up{job=\"x\",{labels}}").2, "double both: `{{job=\"x\",{labels}}}`");
        assert_eq!(one("up{{job=\"x\"}").1, "}");
        assert_eq!(one("up{job=\"x\"").2, "write `{{` for a literal brace");
        assert_eq!(one("up{{{labels}}}[{window)").2, "write `{window}`");
        assert_eq!(one("sum(up{{{labels}}}})").2, "write `{{{labels}}}`");
        assert_eq!(one("sum(up{{a=\"b\"}}})").2, "remove it");
        assert_eq!(one("sum(up{{{labels}})").2, "write `}}`");
        assert_eq!(found("{a=\"1\"} + }").len(), 2);
    }

    #[test]
    fn no_text_panics_and_fixes_are_in_the_text() {
        const PARTS: [&str; 24] = [
            "{", "}", "{{", "}}", "$", "[", "]", "[[", "(", ")", "\"", "'", "`", "\\", "#", "\n", "=", "=~", ",", "%",
            "ß", "labels", "by ", "{window}",
        ];
        let mut state = 1_u32;
        for _ in 0..20_000 {
            let mut text = String::new();
            for _ in 0..12 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                text += PARTS[(state >> 16) as usize % PARTS.len()];
            }
            for diagnostic in check(&text) {
                assert!(text.get(diagnostic.span.range()).is_some(), "{text:?}");
                assert!(diagnostic.fix.is_none_or(|fix| text.get(fix.span.range()).is_some()), "{text:?}");
            }
        }
    }
}
