//! Braces and variables in strings and comments, and the matchers whose values strings are.

use super::brackets::{Bracket, Edit};
use super::placeholder::{NO_OTHERS, is_like_a_placeholder};
use super::{Scanner, ends_with_word, foreign, is_word_char, start_of};
use crate::hole::Hole;
use crate::{Code, Diagnostic, Span};

/// Why a placeholder cannot be in a string or a comment.
pub(crate) const IN_TEXT: &str = "placeholders are only filled in outside of strings and comments";

/// The operators of matchers, longer ones first, since `!=` ends in `=`.
const OPERATORS: [&str; 4] = ["=~", "!~", "!=", "="];

impl Scanner<'_> {
    /// A string, in which braces are doubled as well.
    pub(super) fn string(&mut self, quote: u8) {
        let start = self.at;
        let string = Span::of(start..start + end_of_string(&self.text[start..]).unwrap_or(self.text.len() - start));
        if self.quoted_placeholder(string) {
            return;
        }
        self.at += 1;
        while let Some(byte) = self.text.as_bytes().get(self.at).copied() {
            match byte {
                b'\\' if quote != b'`' => {
                    self.at += 1 + self.text[self.at + 1..].chars().next().map_or(0, char::len_utf8);
                }
                b'{' | b'}' => {
                    self.brace_in_text(Some(string));
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

    /// A string that is a placeholder, where no string can stand, as in `["{{ window }}"]` of YAML.
    fn quoted_placeholder(&mut self, string: Span) -> bool {
        let (start, end) = (string.start as usize, string.end as usize);
        let Some(inside) = self.text.get(start + 1..end - 1) else { return false };
        let name = match inside.strip_prefix('{').and_then(|it| it.strip_suffix('}')) {
            Some(content) if is_like_a_placeholder(content) => content,
            _ => match foreign::read(inside, 0) {
                Some(construct) if construct.end == inside.len() => construct.name,
                _ => return false,
            },
        };
        let before = self.text[..start].trim_end();
        let is_placeholder = self.expected_placeholder(start, end).is_some()
            || before.ends_with(['@', '+', '-', '*', '/', '%', '^', '<', '>']);
        let is_value = self.label_before(start).is_some() || name == "metric_name" && self.open_selector().is_some();
        is_placeholder && !is_value && self.construct(start, end, name)
    }

    pub(super) fn comment(&mut self) {
        while let Some(byte) = self.text.as_bytes().get(self.at).copied().filter(|byte| *byte != b'\n') {
            if matches!(byte, b'{' | b'}') { self.brace_in_text(None) } else { self.at += 1 }
        }
    }

    /// Two braces in a string or in a comment, which are one. They are part of a variable in `"{{ index .Values "job" }}"` of
    /// Go, and in `"{{ job }}"` if the braces of the selector are single as well.
    fn doubled_in_text(&mut self, string: Option<Span>) {
        let start = self.at;
        self.at += 2;
        let Some(span) = string.filter(|_| self.text[start..].starts_with('{')) else { return };
        let Some(inside) = self.text.get(start + 2..span.end as usize) else { return };
        let Some((content, _)) = start_of(inside).split_once("}}") else { return };
        let is_single = self.open.last().is_some_and(|open| open.kind == Bracket::Single);
        let has_quotes = content.contains(&self.text[span.range()][..1]) && !content.contains('\\');
        if has_quotes || is_single && foreign::read(self.text, start).is_some() && self.matcher(span).is_some() {
            self.variable_in_text(string, start, start + content.len() + 4);
        }
    }

    /// A brace in a string or in a comment.
    fn brace_in_text(&mut self, string: Option<Span>) {
        let rest = &self.text[self.at..];
        let start = self.at;
        if rest.starts_with("{{") || rest.starts_with("}}") {
            return self.doubled_in_text(string);
        }
        let end = rest[1..].find(['{', '}', '\n']).map(|found| start + 1 + found);
        let end = end.filter(|end| rest.starts_with('{') && self.text.as_bytes()[*end] == b'}');
        let Some(end) = end else {
            self.lone_brace(start, char::from(rest.as_bytes()[0]), true);
            self.at += 1;
            return;
        };
        let content = &self.text[start + 1..end];
        self.at = end + 1;
        if Hole::NAMES.contains(&content) && !self.text[..start].ends_with('$') {
            // The parser reports the others, with a better explanation.
            if let Some(matcher) = string.and_then(|string| self.matcher(string)).filter(|_| is_no_value(content)) {
                self.placeholder_in_matcher(matcher, start, end + 1, "inside a string");
            }
            return;
        }
        if self.parameters.contains(&content) {
            let (span, place) = (Span::of(start..end + 1), if string.is_some() { "a string" } else { "a comment" });
            let title = format!("`{content}` inside {place}");
            self.diagnostics.push(Diagnostic::new(Code::MisplacedPlaceholder, span, title).label(IN_TEXT));
            return;
        }
        let before = &self.text[..start];
        let matcher = string.and_then(|string| self.matcher(string));
        let has = |sign: char| matcher.or(string).is_none_or(|span| self.text[span.range()].contains(sign));
        // The values of labels such as `path` have braces of their own: `/users/{id}`.
        let is_path = has('/') && !matches!(before.bytes().next_back(), Some(b'$' | b'#' | b'%'));
        let is_variable = !is_path && is_variable(before, content, matcher.is_none() || has('~'));
        let has_dollar = before.ends_with('$');
        let is_replacement = string.is_some_and(|string| self.is_replacement(string));
        let is_number = is_replacement && is_number(content);
        if is_variable && !(is_replacement && has_dollar || is_number) {
            return self.variable_in_text(string, start, end + 1);
        }
        let start = start - usize::from(has_dollar);
        let (span, whole) = (Span::of(start..end + 1), &self.text[start..=end]);
        // `$1a` would be a group with this name.
        let is_alone = !self.text[end + 1..].starts_with(is_word_char);
        let dollar = if is_number && !has_dollar { "$" } else { "" };
        let text = match dollar {
            "$" if is_alone => format!("${content}"),
            _ => format!("{dollar}{}", whole.replace('{', "{{").replace('}', "}}")),
        };
        let title = format!("single braces in {}", if string.is_some() { "a string" } else { "a comment" });
        let diagnostic = Diagnostic::new(Code::LoneBrace, span, title).label("neither doubled nor a placeholder");
        self.diagnostics.push(diagnostic.write(span, text));
    }

    /// A variable at `start..end` in a string or in a comment.
    fn variable_in_text(&mut self, string: Option<Span>, start: usize, end: usize) {
        if let Some(matcher) = string.and_then(|string| self.matcher(string)) {
            let edit = self.variable_in_matcher(matcher, start, end);
            return self.record(edit);
        }
        self.at = end;
        let start = start - usize::from(self.text[..start].ends_with('$'));
        let diagnostic = self.not_a_placeholder(start, end, IN_TEXT).help(NO_OTHERS);
        self.diagnostics.push(diagnostic);
    }

    /// A placeholder at `start..end` that is, or is part of, the value of a matcher.
    pub(super) fn placeholder_in_matcher(&mut self, matcher: Span, start: usize, end: usize, place: &str) {
        let title = format!("`{}` {place}", &self.text[start + 1..end - 1]);
        let edit = self.variable_in_matcher(matcher, start, end);
        let diagnostic = Diagnostic { code: Code::MisplacedPlaceholder, title, ..edit.diagnostic };
        self.record(Edit { diagnostic: diagnostic.label("`{labels}` stands for whole matchers"), ..edit });
    }

    /// Whether a string is the replacement of `label_replace`, in which `${name}` is a group of the pattern.
    fn is_replacement(&self, string: Span) -> bool {
        let is_call = self.open.last().is_some_and(|open| {
            open.kind == Bracket::Paren && ends_with_word(self.text[..open.at].trim_end(), "label_replace")
        });
        // It is followed by the label and the pattern.
        let (mut rest, mut strings) = (&self.text[string.end as usize..], 0);
        while is_call && strings < 3 {
            rest = rest.trim_start().trim_start_matches(',').trim_start();
            let Some(end) = end_of_string(rest).filter(|_| rest.starts_with(['"', '\'', '`'])) else { break };
            strings += 1;
            rest = &rest[end..];
        }
        strings == 2
    }

    /// The span of the matcher with this value.
    fn matcher(&self, value: Span) -> Option<Span> {
        let label = self.label_before(value.start as usize)?;
        end_of_string(&self.text[value.range()]).map(|_| Span::of(label..value.end as usize))
    }

    /// The span of the matcher whose label or value is the construct at `start..end`: `job=$job`, `$label="x"`.
    pub(super) fn matcher_around(&self, start: usize, end: usize) -> Option<Span> {
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
    pub(super) fn label_before(&self, value: usize) -> Option<usize> {
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

    /// Reports a matcher on a variable such as `job="${job}"`. Callers pass it as a filter.
    pub(super) fn variable_in_matcher(&mut self, matcher: Span, start: usize, end: usize) -> Edit {
        let start = start - usize::from(self.text[..start].ends_with('$'));
        let diagnostic = self.not_a_placeholder(start, end, "callers pass this as a filter");
        let text = &self.text[matcher.range()];
        let label = text.split(['=', '!']).next().unwrap_or_default().trim().trim_matches(['"', '\'', '`']);
        // A label may be a variable as well.
        let subject = Some(label.to_owned()).filter(|label| !label.contains(['$', '{', '[', '%', '<', '@']));
        let diagnostic = Diagnostic { subject, span: matcher, ..diagnostic };
        self.at = matcher.end as usize;
        Edit { span: matcher, text: "{labels}".to_owned(), diagnostic, with_braces: false }
    }
}

/// Whether a matcher with this placeholder as its value stands for `{labels}`. The parser reports parameters and names.
pub(super) fn is_no_value(name: &str) -> bool {
    Hole::NAMES.contains(&name) && name != "metric_name"
}

/// Whether `{content}` in a string stands for a value, as in Python and Rust: `{job}`, `{}`, `{0}`.
fn is_variable(before: &str, content: &str, is_pattern: bool) -> bool {
    let number = &content[..content.find([':', '!']).unwrap_or(content.len())];
    if number.is_empty() || is_number(number) {
        // In patterns, `a{2}` is a repetition.
        let is_first = matches!(before.bytes().next_back(), Some(b'"' | b'\'' | b'`' | b'|' | b'(' | b'^' | b'$'));
        return number.is_empty() || !is_pattern || is_first;
    }
    let is_class = ["\\p", "\\P", "\\x"].iter().any(|class| before.ends_with(class));
    (foreign::reference(content).is_some() || content.starts_with("% ") || content.contains(".join(")) && !is_class
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The length of the string that a text starts with. It continues after the quotes in `"{cfg["job"]}"`.
pub(super) fn end_of_string(text: &str) -> Option<usize> {
    let quote = text.chars().next()?;
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(at, c)| {
        let ends = *c == quote && !escaped && !is_in_expression(&text[1..*at], &text[*at..], quote);
        escaped = *c == '\\' && !escaped && quote != '`';
        ends
    });
    end.map(|(at, _)| at + 1)
}

/// Whether the quote between two texts is part of an expression in braces, as in `"{cfg["job"]}"`, `"{",".join(jobs)}"`
/// and `"{{ .job | default "x" }}"`.
fn is_in_expression(before: &str, after: &str, quote: char) -> bool {
    let Some((_, inside)) = before.rsplit_once('{') else { return false };
    let after = start_of(after.lines().next().unwrap_or_default());
    let Some((rest, _)) = after.split_once('}') else { return false };
    let first = inside.split(quote).next().unwrap_or_default();
    !inside.contains('}')
        && match foreign::reference(first) {
            Some((_, after)) => first.ends_with([' ', '(', '[', ',']) && !after.contains('='),
            None => first.is_empty() && (inside.contains(".join(") || rest.contains(".join(")),
        }
}
