//! Placeholders, and those of other template languages in their place.

use promql_presets_core::keyword;

use super::brackets::{Bracket, Edit};
use super::{Scanner, ends_with_one, ends_with_word, foreign, is_word, is_word_char};
use crate::diagnostic::Fix;
use crate::diagnostic::suggest::nearest;
use crate::hole::Hole;
use crate::{Code, Diagnostic, Span};

const KNOWN: &str = "placeholders are `metric_name`, `labels`, `group_by`, `window`, and the parameters of the preset";

pub(crate) const NO_OTHERS: &str = "write what it stands for: templates have no other variables";

pub(crate) const SECONDS: &str = "write the number of seconds, or declare it in the `parameters` of a preset file";

pub(super) const DECLARE: &str = "write its value, or declare it in the `parameters` of a preset file";

/// The words after which an operand or a duration starts.
pub(super) const BEFORE_OPERANDS: [&str; 6] =
    [keyword::AND, keyword::OR, keyword::UNLESS, keyword::ATAN2, keyword::BOOL, keyword::OFFSET];

impl<'a> Scanner<'a> {
    /// Reads a placeholder of another template language outside strings, and returns whether there was one.
    pub(super) fn foreign_placeholder(&mut self) -> bool {
        let start = self.at;
        let Some(construct) = foreign::read(self.text, start) else { return false };
        self.construct(start, construct.end, construct.name)
    }

    /// A construct of another template language at `start..end`, which has this name, if any.
    pub(super) fn construct(&mut self, mut start: usize, mut end: usize, written: &str) -> bool {
        if let Some(matcher) = self.matcher_around(start, end) {
            let edit = self.variable_in_matcher(matcher, start, end);
            self.record(edit);
            return true;
        }
        if self.text[start..].starts_with("{{")
            && self.text[end..].starts_with('}')
            && !self.text[end..].starts_with("}}")
            && self.open.last().is_none_or(|open| open.kind != Bracket::Single)
        {
            // `{{labels}}}`: a brace is missing at the start.
            end += 1;
        }
        let name = self.meant(written, start, end);
        let grouping = self.grouping(start, end, self.by_name(written, start, end) == Some("group_by"));
        let literal = self.literal_for(start, written);
        if name == Some("window") {
            (start, end) = self.whole_duration(start, end);
        }
        let whole = &self.text[start..end];
        let label = match whole.as_bytes() {
            [b'"' | b'\'' | b'`', ..] => "placeholders take no quotes",
            [b'$', ..] => "placeholders take no `$`",
            [b'[' | b'%' | b'<' | b'@' | b'#' | b'0'..=b'9', ..] => "placeholders are written in braces",
            [b'{', b'{', ..] => "doubled braces are literal",
            _ => "a placeholder is a name in braces",
        };
        let (span, mut diagnostic) = (Span::of(start..end), self.not_a_placeholder(start, end, label));
        if whole.starts_with("${") && !whole.starts_with("${{") && self.is_name(written) {
            diagnostic.title = format!("`$` before the placeholder `{written}`");
        } else if whole.starts_with('{') && !whole.contains('}') {
            diagnostic.code = Code::LoneBrace;
            diagnostic.title = "`{` without `}`".into();
        } else if whole.starts_with(['"', '\'', '`']) && self.is_name(written) {
            diagnostic.code = Code::MisplacedPlaceholder;
            diagnostic.title = format!("`{written}` in quotes");
        }
        if let Some((span, text)) = grouping {
            return self.report_grouping(diagnostic, span, &text);
        }
        let edit = if let Some(literal) = literal.filter(|_| !name.is_some_and(|name| self.parameters.contains(&name)))
        {
            let diagnostic = write_literal(diagnostic, span, literal);
            Edit { span, text: literal.to_owned(), diagnostic, with_braces: false }
        } else if let Some(name) = name {
            let text = self.placeholder_text(name);
            Edit { span, diagnostic: diagnostic.write(span, &*text), text, with_braces: false }
        } else {
            let diagnostic = diagnostic.help(self.no_other(written, start, end)).note(KNOWN);
            Edit { span, text: whole.to_owned(), diagnostic, with_braces: false }
        };
        self.at = end;
        self.record(edit);
        true
    }

    /// A mistake in or beside a list of labels to group by, and what replaces the list.
    fn report_grouping(&mut self, diagnostic: Diagnostic, span: Span, text: &str) -> bool {
        let diagnostic = Diagnostic { span, ..write_literal(diagnostic, span, text) };
        self.diagnostics.push(if text.ends_with("by})") {
            diagnostic
        } else {
            diagnostic.note("to copy labels to the result, write their names: `group_left (team)`")
        });
        self.at = self.at.max(span.end as usize);
        true
    }

    /// The edit for a variable at `start..end` that stands for labels, if `{group_by}` alone is not right there: it lacks its
    /// parentheses, or the keyword before them, or stands for the labels that `group_left` copies.
    fn grouping(&mut self, start: usize, end: usize, is_group_by: bool) -> Option<(Span, String)> {
        let (before, after) = (self.text[..start].trim_end(), self.text[end..].trim_start());
        let is_copied =
            |text: &str| [keyword::GROUP_LEFT, keyword::GROUP_RIGHT].iter().any(|it| ends_with_word(text, it));
        let labels = |text: &str| if is_copied(text) { "()" } else { "({group_by})" };
        if ends_with_one(before, &keyword::GROUPINGS) {
            return Some((Span::of(start..end), labels(before).to_owned()));
        }
        let open = self.open.last().filter(|open| open.kind == Bracket::Paren)?.at;
        let head = self.text[..open].trim_end();
        if is_copied(head) && !is_group_by {
            // With the comma on one side.
            let span = match (before.strip_suffix(','), after.strip_prefix(',')) {
                (Some(before), _) => before.len()..end,
                (None, Some(after)) => start..self.text.len() - after.trim_start().len(),
                (None, None) => start..end,
            };
            return Some((Span::of(span), String::new()));
        }
        // `sum($group)(x)`.
        let arguments = arguments(after)?;
        let name = head.trim_end_matches(is_word_char).len();
        if name == head.len()
            || head[..name].ends_with('$')
            || before.len() != open + 1
            || ends_with_one(head, &keyword::GROUPINGS)
        {
            return None;
        }
        self.open.pop();
        let span = Span::of(name..self.text.len() - arguments.len());
        Some((span, format!("{} by ({{group_by}})", &head[name..])))
    }

    /// A variable for a duration, with the digits before it, and the unit or another variable behind it: `5${unit}`,
    /// `${__range_s}s`, `{n} {unit}`.
    fn whole_duration(&self, start: usize, mut end: usize) -> (usize, usize) {
        let in_brackets = self.open.last().is_some_and(|open| open.kind == Bracket::Square);
        let is_unit = |c: char| c.is_ascii_lowercase() || in_brackets && c == ' ';
        loop {
            let rest = self.text[end..].trim_start_matches(is_unit);
            let unit = self.text[..self.text.len() - rest.len()].trim_end().len();
            let rest = rest.trim_start_matches(|c: char| c == ' ' || in_brackets && "+-*/".contains(c));
            let at = self.text.len() - rest.len();
            let own = rest.strip_prefix('{').and_then(|it| it.split_once('}')).map(|(content, _)| content);
            let next = match own.filter(|content| is_like_a_placeholder(content)) {
                Some(content) => Some(at + content.len() + 2),
                None => foreign::read(self.text, at).map(|construct| construct.end),
            };
            let Some(next) = next else {
                end = unit.max(end);
                break;
            };
            end = next;
        }
        (self.text[..start].trim_end_matches(|c: char| c.is_ascii_digit()).len(), end)
    }

    pub(super) fn not_a_placeholder(&self, start: usize, end: usize, label: &str) -> Diagnostic {
        let title = format!("`{}` is not a placeholder", &self.text[start..end]);
        Diagnostic::new(Code::MalformedPlaceholder, Span::of(start..end), title).label(label)
    }

    /// A placeholder with its braces; `labels` with those of a selector if none is open.
    pub(super) fn placeholder_text(&self, name: &str) -> String {
        if name == "labels" && self.open_selector().is_none() {
            "{{{labels}}}".to_owned()
        } else {
            format!("{{{name}}}")
        }
    }

    /// `{content}` at `start..=end`, which is not a name.
    pub(super) fn placeholder(&mut self, start: usize, end: usize) {
        let content = &self.text[start + 1..end];
        let whole = Span::of(start..end + 1);
        if let Some(matcher) = self.matcher_around(start, end + 1) {
            let edit = self.variable_in_matcher(matcher, start, end + 1);
            return self.record(edit);
        }
        let malformed = |title: String| Diagnostic::new(Code::MalformedPlaceholder, whole, title);
        let fitting = self.expected_placeholder(start, end + 1);
        let duration = if fitting == Some("window") { self.whole_duration(start, end + 1) } else { (start, end + 1) };
        let trimmed = content.trim();
        let name = trimmed.split(['!', ':', '|']).next().unwrap_or_default();
        let is_group_by = self.by_name(name.trim(), start, end + 1) == Some("group_by");
        let grouping = self.grouping(start, end + 1, is_group_by);
        let (diagnostic, meant) = if trimmed.is_empty() {
            (malformed("empty placeholder".to_owned()).label("a placeholder has a name"), fitting)
        } else if trimmed.bytes().all(|byte| byte.is_ascii_digit()) {
            let title = format!("placeholder with a number: `{trimmed}`");
            (malformed(title).label("placeholders have names"), fitting)
        } else if name.len() < trimmed.len() {
            let what = match trimmed.as_bytes()[name.len()] {
                b'!' => "conversion",
                b'|' => "filter",
                _ => "format",
            };
            let known = self.by_name(name.trim(), start, end + 1);
            let title = format!("placeholder `{}` with a {what}", known.unwrap_or(name.trim()));
            let meant = self.meant(name.trim(), start, end + 1);
            (malformed(title).label("placeholders are rendered in one way only"), meant)
        } else if self.is_name(trimmed) {
            let meant = self.meant(trimmed, start, end + 1);
            (malformed(format!("white space around the placeholder `{trimmed}`")), meant)
        } else {
            let at = start + 1 + (content.len() - content.trim_start().len());
            let span = Span::of(at..at + trimmed.len());
            let title = format!("unknown placeholder `{trimmed}`");
            let unknown = Diagnostic::new(Code::UnknownPlaceholder, span, title).label("not a placeholder");
            let names = Hole::NAMES.into_iter().chain(self.parameters.iter().copied());
            let meant = self.meant(trimmed, start, end + 1);
            // Without a selector, `labels` needs its braces.
            let is_name_only = grouping.is_none()
                && duration == (start, end + 1)
                && (meant != Some("labels") || self.open_selector().is_some());
            if let Some(similar) = nearest(trimmed, names).filter(|it| is_name_only && meant == Some(*it)) {
                let help = format!("a placeholder with a similar name exists: `{similar}`");
                self.diagnostics.push(unknown.help(help).fix(Fix { span, text: similar.to_owned() }));
                return;
            }
            (unknown.note(KNOWN), meant)
        };
        if let Some((span, text)) = grouping {
            self.report_grouping(diagnostic, span, &text);
            return;
        }
        if let Some(literal) = self.literal_for(start, trimmed) {
            self.diagnostics.push(write_literal(diagnostic, whole, literal));
            return;
        }
        self.diagnostics.push(match meant {
            Some("window") if duration != (start, end + 1) => {
                let span = Span::of(duration.0..duration.1);
                self.at = duration.1;
                Diagnostic { span, ..diagnostic.write(span, "{window}") }
            }
            Some(meant) => diagnostic.write(whole, self.placeholder_text(meant)),
            None if trimmed.is_empty() && !self.takes_value(start, end + 1) => {
                diagnostic.help("write `{{{labels}}}` after the name of a metric")
            }
            None => diagnostic.help(self.no_other(name.trim(), start, end + 1)).note(KNOWN),
        });
    }

    pub(super) fn is_name(&self, name: &str) -> bool {
        Hole::NAMES.contains(&name) || self.parameters.contains(&name)
    }

    /// The placeholder with this name or a similar one that can stand at `start..end`.
    fn by_name(&self, name: &str, start: usize, end: usize) -> Option<&'a str> {
        if let Some(parameter) = self.parameters.iter().find(|it| **it == name && self.takes_value(start, end)) {
            return Some(parameter);
        }
        let similar = || nearest(name, self.parameters.iter().copied()).filter(|_| self.takes_value(start, end));
        foreign::by_name(name).or_else(similar)
    }

    /// The placeholder that a name in other tools stands for at `start..end`, if it can stand there.
    pub(super) fn meant(&self, name: &str, start: usize, end: usize) -> Option<&'a str> {
        let named = self.by_name(name, start, end);
        if named.is_some_and(|it| self.parameters.contains(&it)) {
            return named;
        }
        let expected = self.expected_placeholder(start, end);
        let meant = expected.or(named).or_else(|| foreign::by_alias(name));
        // Elsewhere, a duration is a number, and a grouping is not part of an operand.
        meant.filter(|it| match *it {
            "window" | "group_by" => expected == Some(*it) || self.literal_for(start, name).is_some(),
            _ => !self.takes_scalar(start),
        })
    }

    /// Whether the argument at `start` is a number.
    fn takes_scalar(&self, start: usize) -> bool {
        const FIRST: [&str; 7] =
            ["topk", "bottomk", "quantile", "limitk", "limit_ratio", "histogram_quantile", "quantile_over_time"];
        const OTHERS: [&str; 6] =
            ["clamp", "clamp_max", "clamp_min", "round", "predict_linear", "double_exponential_smoothing"];
        let Some(open) = self.open.last().filter(|open| open.kind == Bracket::Paren) else { return false };
        let is_first = self.text[open.at + 1..start].trim().is_empty();
        ends_with_one(self.text[..open.at].trim_end(), if is_first { &FIRST } else { &OTHERS })
    }

    /// The help where no placeholder fits.
    fn no_other(&self, name: &str, start: usize, end: usize) -> &'static str {
        match self.takes_value(start, end) {
            true if foreign::by_name(name).or_else(|| foreign::by_alias(name)) == Some("window") => SECONDS,
            true => DECLARE,
            false => NO_OTHERS,
        }
    }

    /// Whether a parameter can stand at `start..end`.
    pub(super) fn takes_value(&self, start: usize, end: usize) -> bool {
        let before = self.text[..start].trim_end();
        let starts_operand = !before.ends_with(|c: char| c.is_alphanumeric() || "_:)]}\"'`@".contains(c))
            || before.ends_with(':') && self.open.last().is_some_and(|open| open.kind == Bracket::Square)
            || ends_with_one(before, &BEFORE_OPERANDS);
        starts_operand
            && self.open_selector().is_none()
            && !self.text[end..].starts_with(|c: char| c.is_alphanumeric() || "_:{[".contains(c))
            // An operator such as `sum`.
            && ![keyword::BY, keyword::WITHOUT, "("].iter().any(|next| self.text[end..].trim_start().starts_with(next))
            && self.expected_placeholder(start, end).is_none_or(|it| it == "window")
    }

    /// The text for a variable where no placeholder can stand: `start()` or `end()` after `@`, and nothing for the step of a
    /// subquery, which has a default.
    pub(super) fn literal_for(&self, start: usize, name: &str) -> Option<&'static str> {
        let before = self.text[..start].trim_end();
        if before.ends_with('@') {
            return Some(if name.ends_with("from") || name.ends_with("start") { "start()" } else { "end()" });
        }
        let is_step = before.ends_with(':') && self.open.last().is_some_and(|open| open.kind == Bracket::Square);
        is_step.then_some("")
    }

    /// The only placeholder that is valid at `start..end`.
    pub(super) fn expected_placeholder(&self, start: usize, end: usize) -> Option<&'static str> {
        let before = self.text[..start].trim_end();
        let open = self.open.last();
        if open.is_some_and(|open| open.kind == Bracket::Square) || ends_with_word(before, keyword::OFFSET) {
            return Some("window");
        }
        if ends_with_one(before, &keyword::GROUPINGS) {
            return Some("group_by");
        }
        match open {
            Some(open) if matches!(open.kind, Bracket::Double | Bracket::Single) => {
                return before.ends_with(['{', ',']).then_some("labels");
            }
            Some(open) if open.kind == Bracket::Paren => {
                let head = self.text[..open.at].trim_end();
                // `sum($group)(x)`.
                let is_first = before.len() == open.at + 1 && head.ends_with(is_word_char);
                // `group_left (x{{{labels}}} * 2)`: the parser reports that it is not a label.
                let is_selector = self.text[..start].ends_with(is_word_char) && self.text[start..].starts_with("{{");
                let is_item = ends_with_one(head, &keyword::GROUPINGS) && !is_selector;
                if is_item || is_first && arguments(&self.text[end..]).is_some() {
                    return Some("group_by");
                }
            }
            _ => {}
        }
        let after = self.text[end..].trim_start();
        let starts_operand = before.is_empty() || before.ends_with(|c: char| "(,+-*/%^_".contains(c));
        // With the end of the name, as in `$metric_total{`.
        if starts_operand && self.text[end..].trim_start_matches(is_word_char).trim_start().starts_with(['{', '[']) {
            return Some("metric_name");
        }
        // Directly after a name, braces are a selector.
        let is_name = self.text[..start].ends_with(is_word_char);
        (is_name && !after.starts_with(is_word_char) && !after.starts_with('{')).then_some("labels")
    }
}

/// The arguments after a list of labels that ends here.
fn arguments(text: &str) -> Option<&str> {
    text.trim_start().strip_prefix(')').filter(|after| after.trim_start().starts_with('('))
}

pub(super) fn write_literal(diagnostic: Diagnostic, span: Span, literal: &str) -> Diagnostic {
    if literal.is_empty() {
        return diagnostic.help("remove it").fix(Fix { span, text: String::new() });
    }
    diagnostic.write(span, literal)
}

/// Whether `{content}` is a mistyped placeholder rather than matchers in braces.
pub(super) fn is_like_a_placeholder(content: &str) -> bool {
    let name = content.split(['!', ':', '|']).next().unwrap_or_default();
    // The filter of Jinja may have arguments.
    let is_filter = content[name.len()..].starts_with('|');
    (is_filter || !content.contains(['=', '"', '\'', '`', ','])) && (content.trim().is_empty() || is_word(name.trim()))
}
