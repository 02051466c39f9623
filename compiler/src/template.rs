//! The second layer: braces and placeholders of a template.
//!
//! `{name}` is a placeholder; `{{` and `}}` are literal braces, as in Python's `str.format`. Braces are read greedily
//! from the left, so `{{{labels}}}` is a brace, a placeholder and a brace. Where a placeholder may stand is not decided
//! here but by the grammar of PromQL.

use crate::diagnostic::limit;
use crate::diagnostic::suggest::nearest;
use crate::{Code, Diagnostic, Span};

/// The placeholders, without braces.
pub(crate) const PLACEHOLDERS: [&str; 4] = ["metric_name", "labels", "group_by", "window"];

/// Finds everything that is wrong with the braces and placeholders of a template.
#[must_use]
pub(crate) fn check(template: &str) -> Vec<Diagnostic> {
    let mut scanner = Scanner { text: template, at: 0, open: Vec::new(), doubled: 0, diagnostics: Vec::new() };
    scanner.scan();
    scanner.diagnostics.sort_by_key(|diagnostic| diagnostic.span);
    limit(&mut scanner.diagnostics, |diagnostic| diagnostic);
    scanner.diagnostics
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    /// Where single `{` stand that no single `}` has closed yet.
    open: Vec<usize>,
    /// How many more `{{` than `}}` there were.
    doubled: i32,
    diagnostics: Vec<Diagnostic>,
}

impl Scanner<'_> {
    fn scan(&mut self) {
        while let Some(found) = self.text[self.at..].find(['{', '}']) {
            self.at += found;
            let rest = &self.text[self.at..];
            if rest.starts_with("{{") {
                self.double();
            } else if rest.starts_with('{') {
                self.single();
            } else if rest.starts_with("}}") {
                self.doubled -= 1;
                self.at += 2;
            } else {
                self.close();
            }
        }
        for open in std::mem::take(&mut self.open) {
            self.lone(open, '{', None);
        }
    }

    /// `{{`, which is fine unless what stands in it is a placeholder as Jinja or a shell would write it.
    fn double(&mut self) {
        let start = self.at;
        self.at += 2;
        self.doubled += 1;
        let Some(end) = self.text[self.at..].find(['{', '}']).map(|found| self.at + found) else { return };
        let content = &self.text[self.at..end];
        let name = content.trim();
        if !PLACEHOLDERS.contains(&name) || !self.text[end..].starts_with("}}") {
            return;
        }
        let dollar = self.text[..start].ends_with('$');
        // `{{labels}}}` lacks one brace at its start, and has one too many for what it says.
        let is_one_short = self.text[end..].starts_with("}}}") && !self.text[end..].starts_with("}}}}");
        let closing = if is_one_short { 3 } else { 2 };
        let span = Span::of(start - usize::from(dollar)..end + closing);
        let title = format!("`{}` is no placeholder", &self.text[span.range()]);
        // Matchers stand in the selector's own braces.
        let right = if name == "labels" { "{{{labels}}}".to_owned() } else { format!("{{{name}}}") };
        self.diagnostics.push(
            Diagnostic::new(Code::MalformedPlaceholder, span, title)
                .label("doubled braces stand for themselves")
                .help(format!("write `{right}`")),
        );
        self.doubled -= 1;
        self.at = end + closing;
    }

    /// `{`: a placeholder, or a brace that should have been doubled.
    fn single(&mut self) {
        let start = self.at;
        let end = self.text[start + 1..].find(['{', '}']).map(|found| start + 1 + found);
        match end.filter(|end| self.text.as_bytes()[*end] == b'}') {
            Some(end) if is_like_a_placeholder(&self.text[start + 1..end]) => {
                self.placeholder(start, end);
                self.at = end + 1;
            }
            _ => {
                self.open.push(start);
                self.at += 1;
            }
        }
    }

    /// `}` that closes no placeholder.
    fn close(&mut self) {
        match self.open.pop() {
            Some(open) => self.lone(open, '{', Some(self.at)),
            None => self.lone(self.at, '}', None),
        }
        self.at += 1;
    }

    /// A brace that should have been doubled, and the one that closes it.
    fn lone(&mut self, at: usize, brace: char, partner: Option<usize>) {
        let mut diagnostic =
            Diagnostic::new(Code::LoneBrace, Span::of(at..at + 1), format!("single `{brace}` in a template"))
                .label("neither doubled nor part of a placeholder");
        diagnostic = match partner {
            Some(end) => diagnostic
                .secondary(Span::of(end..end + 1), "and this one")
                .help(format!("double both: `{{{{{}}}}}`", &self.text[at + 1..end])),
            None if brace == '{' => {
                let rest = &self.text[at + 1..];
                let word = &rest[..rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len())];
                match similar_placeholder(word) {
                    Some(meant) => diagnostic.help(format!("write `{{{meant}}}`")),
                    None => diagnostic.help("write `{{` for a literal brace"),
                }
            }
            None if self.doubled <= 0 && self.text[..at].ends_with('}') => {
                diagnostic.label("one brace too many").help("remove it")
            }
            None if self.doubled > 0 => diagnostic.label("half of a `}}` that closes a `{{`").help("write `}}`"),
            None => diagnostic.help("write `}}` for a literal brace"),
        };
        self.diagnostics.push(diagnostic);
    }

    /// `{content}` at `start..=end`.
    fn placeholder(&mut self, start: usize, end: usize) {
        let content = &self.text[start + 1..end];
        let whole = Span::of(start..end + 1);
        let malformed = |title: String| Diagnostic::new(Code::MalformedPlaceholder, whole, title);
        let known = PLACEHOLDERS.contains(&content);
        let diagnostic = if known && self.text[..start].ends_with('$') {
            let with_dollar = Span::of(start - 1..end + 1);
            Diagnostic::new(Code::MalformedPlaceholder, with_dollar, format!("`$` before the placeholder `{content}`"))
                .label("placeholders take no `$`")
                .help(format!("write `{{{content}}}`"))
        } else if known {
            return;
        } else if content.trim().is_empty() {
            malformed("empty placeholder".to_owned()).label("a placeholder has a name").help(
                match self.fitting(start) {
                    Some(fitting) => format!("write `{fitting}`"),
                    None => "write `{{{labels}}}` after the name of a metric".to_owned(),
                },
            )
        } else if content.bytes().all(|byte| byte.is_ascii_digit()) {
            let number = malformed(format!("placeholder with a number: `{content}`")).label("placeholders have names");
            match self.fitting(start) {
                Some(fitting) => number.help(format!("write `{fitting}`")),
                None => number.note(KNOWN),
            }
        } else if let Some((name, _)) = content.split_once(['!', ':']).filter(|(name, _)| is_word(name.trim())) {
            let what = if content[name.len()..].starts_with('!') { "conversion" } else { "format" };
            let name = similar_placeholder(name.trim()).unwrap_or(name.trim());
            malformed(format!("placeholder `{name}` with a {what}"))
                .label("placeholders are rendered in one way only")
                .help(format!("write `{{{name}}}`"))
        } else if PLACEHOLDERS.contains(&content.trim()) {
            malformed(format!("white space around the placeholder `{}`", content.trim()))
                .help(format!("write `{{{}}}`", content.trim()))
        } else {
            let name = content.trim();
            let at = start + 1 + (content.len() - content.trim_start().len());
            let title = format!("unknown placeholder `{name}`");
            let unknown = Diagnostic::new(Code::UnknownPlaceholder, Span::of(at..at + name.len()), title)
                .label("not a placeholder");
            match (similar_placeholder(name), self.fitting(start)) {
                (Some(meant), _) => unknown.help(format!("a placeholder with a similar name exists: `{meant}`")),
                (None, Some(fitting)) => unknown.help(format!("write `{fitting}`")).note(KNOWN),
                (None, None) => unknown.note(KNOWN),
            }
        };
        self.diagnostics.push(diagnostic);
    }

    /// The placeholder that can stand where the brace at `start` is.
    fn fitting(&self, start: usize) -> Option<&'static str> {
        let before = self.text[..start].trim_end();
        if before.ends_with(['[', ':']) || before.ends_with("offset") {
            return Some("{window}");
        }
        if self.doubled > 0 {
            return before.ends_with(['{', ',']).then_some("{labels}");
        }
        let (head, list) = before.rsplit_once('(')?;
        let head = head.trim_end();
        let keyword = head.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()?;
        let groups = ["by", "without", "on", "ignoring", "group_left", "group_right"].contains(&keyword);
        (groups && !list.contains(')')).then_some("{group_by}")
    }
}

const KNOWN: &str = "placeholders are `metric_name`, `labels`, `group_by` and `window`";

fn similar_placeholder(name: &str) -> Option<&'static str> {
    nearest(name, PLACEHOLDERS)
}

/// Whether somebody who wrote `{content}` wanted a placeholder rather than matchers in braces.
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
        assert_eq!(one("{query} + 1").2, "");
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
        assert_eq!(one("{ labels }").2, "write `{labels}`");
    }

    #[test]
    fn other_template_languages() {
        assert_eq!(one("up{{${labels}}}").1, "${labels}");
        assert_eq!(
            one("up${{labels}}"),
            ("`${{labels}}` is no placeholder".into(), "${{labels}}", "write `{{{labels}}}`".into())
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
        assert_eq!(one("sum(up{{{labels}}}})").2, "remove it");
        assert_eq!(one("sum(up{{{labels}})").2, "write `}}`");
        assert_eq!(found("{a=\"1\"} + }").len(), 2);
    }
}
