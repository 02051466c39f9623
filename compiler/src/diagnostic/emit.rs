//! Diagnostics as text: with source lines and carets, or on one line.

use promql_presets_core::sort;

use super::canvas::{Canvas, Style};
use super::columns::shown;
use super::snippet::{Mark, Snippet};
use super::source::Lines;
use super::{Diagnostic, Excerpt, Finding, Severity, SourceFile, Span};
use crate::vec_ext::VecExt;

/// Formats findings, which must be grouped by file.
pub fn each<T>(files: &[SourceFile], findings: &[&Finding], text: impl Fn(&Messages<'_>, &Finding) -> T) -> Vec<T> {
    let of_one_file = findings.chunk_by(|a, b| a.file == b.file);
    let mut texts = Vec::with_capacity(findings.len());
    for findings in of_one_file {
        let messages = Messages::of(&files[findings[0].file]);
        texts.add_all(findings.iter().map(|finding| text(&messages, finding)));
    }
    texts
}

/// The number of findings that [`first`] shows for each file.
const MAX_SHOWN: usize = 100;

/// Like [`each`], but limited to the first findings of each file, errors before warnings. The last text of a file
/// has the number of those that are left out.
pub fn first(
    files: &[SourceFile],
    findings: &[&Finding],
    text: impl Fn(&Messages<'_>, &Finding) -> String,
) -> Vec<String> {
    let mut texts = Vec::with_capacity(findings.len());
    for findings in findings.chunk_by(|a, b| a.file == b.file) {
        let mut shown = findings.to_vec();
        // A stable sort keeps the order of the file.
        sort::by_key(&mut shown, |finding| finding.diagnostic.severity != Severity::Error);
        shown.truncate(MAX_SHOWN);
        sort::by_key(&mut shown, |finding| finding.diagnostic.span);
        texts.add_all(each(files, &shown, &text));
        if let (more @ 1.., Some(last)) = (findings.len() - shown.len(), texts.last_mut()) {
            let end = last.trim_end().len();
            let (what, are) = if more == 1 { ("finding", "is") } else { ("findings", "are") };
            let path = &files[findings[0].file].path;
            let line = format!("\n\n{more} more {what} in `{path}` {are} not shown");
            last.insert_str(end, &line);
        }
    }
    texts
}

/// A message with an excerpt of a file that is not of a check: the result of a test, or what a server reports.
#[derive(Clone, Copy, Debug, Default)]
pub struct Message<'a> {
    /// The first word: `error`, `warning` or `info`.
    pub severity: &'a str,
    /// The text in brackets after it; may be empty.
    pub code: &'a str,
    /// What is wrong.
    pub title: &'a str,
    /// Where it is.
    pub span: Span,
    /// What is wrong at that range; may be empty.
    pub label: &'a str,
    /// Other places that belong to it.
    pub secondary: &'a [(Span, String)],
    /// A place in another file that belongs to it.
    pub elsewhere: Option<&'a Excerpt>,
    /// What to type.
    pub help: Option<&'a str>,
    /// Facts.
    pub note: Option<&'a str>,
}

impl<'a> From<&'a Diagnostic> for Message<'a> {
    fn from(diagnostic: &'a Diagnostic) -> Self {
        Self {
            severity: diagnostic.severity.as_str(),
            code: diagnostic.code.as_str(),
            title: &diagnostic.title,
            span: diagnostic.span,
            label: &diagnostic.label,
            secondary: &diagnostic.secondary,
            elsewhere: diagnostic.elsewhere.as_ref(),
            help: diagnostic.help.as_deref(),
            note: diagnostic.note.as_deref(),
        }
    }
}

/// Formats diagnostics of one file.
#[derive(Clone, Debug)]
pub struct Messages<'a> {
    file: &'a SourceFile,
    lines: Lines<'a>,
}

impl<'a> Messages<'a> {
    /// Creates a formatter for diagnostics whose spans are of this file.
    #[must_use]
    pub fn of(file: &'a SourceFile) -> Self {
        Self { file, lines: file.lines() }
    }

    /// The whole message, with the source line and carets, without colours.
    #[must_use]
    pub fn full(&self, diagnostic: &Diagnostic) -> String {
        self.message(&diagnostic.into(), false)
    }

    /// The whole message, in colours for a terminal.
    #[must_use]
    pub fn colored(&self, diagnostic: &Diagnostic) -> String {
        self.message(&diagnostic.into(), true)
    }

    /// The whole message of something else than a check, in colours or without.
    #[must_use]
    pub fn message(&self, message: &Message<'_>, colors: bool) -> String {
        self.render(message, false).finish(colors)
    }

    /// The whole message without the leading word `error`, for `compile_error!`, which adds it.
    #[must_use]
    pub fn untitled(&self, diagnostic: &Diagnostic) -> String {
        self.render(&diagnostic.into(), true).finish(false)
    }

    /// `path:line:column: error: title [code]`.
    #[must_use]
    pub fn short(&self, diagnostic: &Diagnostic) -> String {
        let (line, column) = self.lines.line_column(diagnostic.span.start);
        let (path, severity, code) = (&self.file.path, diagnostic.severity.as_str(), diagnostic.code.as_str());
        format!("{path}:{line}:{column}: {severity}: {} [{code}]", diagnostic.title)
    }

    /// The lines and columns, both from 1, at which a span starts and ends.
    #[must_use]
    pub fn place(&self, span: Span) -> [(usize, usize); 2] {
        [self.lines.line_column(span.start), self.lines.line_column(span.end)]
    }

    fn render(&self, message: &Message<'_>, untitled: bool) -> Canvas {
        let mut canvas = Canvas::default();
        let Message { severity, code, .. } = *message;
        let title = shown(message.title);
        let style = match severity {
            "error" => Style::Error,
            "warning" => Style::Warning,
            _ => Style::Frame,
        };
        if untitled {
            canvas.append(0, &format!("{title} [{code}]"), Style::Bold);
        } else {
            let code = if code.is_empty() { String::new() } else { format!("[{code}]") };
            canvas.append(0, &format!("{severity}{code}"), style);
            canvas.append(0, ": ", Style::Bold);
            canvas.append(0, &title, Style::Bold);
        }
        let all = message.secondary.iter().fold(message.span, |all, (span, _)| all.to(*span));
        // The lines around the marks, so that the others need not be scanned.
        let around = self.lines.around(self.clamp(all));
        let text = SourceFile::shown(&self.file.text[around.clone()]);
        let mark = |span: Span, label, underline, style| {
            let range = self.clamp(span);
            Mark { range: range.start - around.start..range.end - around.start, label, underline, style }
        };
        let mut marks = vec![mark(message.span, message.label, '^', style)];
        for (span, label) in message.secondary {
            marks.push(mark(*span, label, '-', Style::Frame));
        }
        let line = self.lines.line(Span::of(around.clone()).start);
        let place = self.lines.line_column(message.span.start);
        let mut snippets = vec![Snippet { arrow: "--> ", path: &self.file.path, place, line, text, marks }];
        if let Some(Excerpt { path, line, text, span, label }) = message.elsewhere {
            let marks = vec![Mark { range: span.range(), label, underline: '-', style: Style::Frame }];
            let (below, column) = Lines::of(text).line_column(span.start);
            let (place, text) = ((line + below - 1, column), SourceFile::shown(text));
            snippets.push(Snippet { arrow: "::: ", path, place, line: *line, text, marks });
        }
        let digits = snippets.iter().map(Snippet::last_line).max().unwrap_or_default().to_string().len();
        let frame = |canvas: &mut Canvas| canvas.put(canvas.height(), digits + 1, '|', Style::Frame);
        for (at, snippet) in snippets.iter().enumerate() {
            if at > 0 {
                frame(&mut canvas);
            }
            snippet.draw(&mut canvas, digits);
        }
        if message.help.is_some() || message.note.is_some() {
            frame(&mut canvas);
        }
        for (name, text) in [("help", message.help), ("note", message.note)] {
            let Some(text) = text else { continue };
            let row = canvas.height();
            canvas.write(row, digits + 1, "= ", Style::Frame);
            canvas.append(row, name, Style::Bold);
            canvas.append(row, ": ", Style::Plain);
            canvas.append(row, text, Style::Plain);
        }
        canvas
    }

    /// A range within the text, on character boundaries.
    fn clamp(&self, span: Span) -> std::ops::Range<usize> {
        let text = &self.file.text;
        let floor = |at: u32| text.floor_char_boundary(at as usize);
        floor(span.start)..floor(span.end).max(floor(span.start))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Code;
    use super::*;

    /// How a message with marks at the first occurrences of texts looks; the first one is primary.
    fn shown(text: &str, marks: &[(&str, &str)]) -> String {
        let file = SourceFile { name: "a.toml".into(), path: "a.toml".into(), text: text.into() };
        let mut spans = marks.iter().map(|(part, label)| {
            let start = text.find(part).unwrap();
            (Span::of(start..start + part.len()), *label)
        });
        let (span, label) = spans.next().unwrap();
        let diagnostic = Diagnostic::new(Code::Syntax, span, "title").label(label);
        let diagnostic = spans.fold(diagnostic, |diagnostic, (span, label)| diagnostic.secondary(span, label));
        let message = Messages::of(&file).full(&diagnostic);
        message.lines().skip(2).map(|line| line.to_owned() + "\n").collect()
    }

    #[test]
    fn labels_stand_beside_marks_or_below_them() {
        assert_eq!(
            shown("a + bb * ccc\n", &[("ccc", "last"), ("a", "first"), ("bb", "second")]),
            "  |\n\
             1 | a + bb * ccc\n  \
               | -   --   ^^^ last\n  \
               | |   |\n  \
               | |   second\n  \
               | first\n"
        );
        assert_eq!(
            shown("rate(up)", &[("up", "inner"), ("rate(up)", "call")]),
            "  |\n\
             1 | rate(up)\n  \
               | -----^^-\n  \
               | |    |\n  \
               | |    inner\n  \
               | call\n"
        );
    }

    #[test]
    fn lines_between_marks() {
        assert_eq!(
            shown("a\nb\nc\nd\n\ne\n", &[("a", ""), ("c", "near"), ("e", "far")]),
            "  |\n1 | a\n  | ^\n2 | b\n3 | c\n  | - near\n...\n6 | e\n  | - far\n"
        );
    }

    #[test]
    fn marks_of_several_lines() {
        assert_eq!(
            shown("sum(\n  up\n)\n", &[("sum(\n  up\n)", "this")]),
            "  |\n1 | / sum(\n2 | |   up\n3 | | )\n  | |_^ this\n"
        );
        assert_eq!(
            shown("1 + sum(\n  up\n) + rate(\n  x\n)\n", &[("rate(\n  x\n)", "right"), ("sum(\n  up\n)", "left")]),
            "  |\n\
             1 |    1 + sum(\n  \
               |  ______-\n\
             2 | |    up\n\
             3 | |  ) + rate(\n  \
               | | _-___^\n  \
               | ||_|\n  \
               |  | left\n\
             4 |  |   x\n\
             5 |  | )\n  \
               |  |_^ right\n"
        );
        let long = "f(\n1\n2\n3\n4\n5\n6\n7\n8)\n";
        assert_eq!(
            shown(long, &[(long.trim_end(), "all")]),
            "  |\n1 | / f(\n2 | | 1\n3 | | 2\n4 | | 3\n... |\n8 | | 7\n9 | | 8)\n  | |__^ all\n"
        );
    }

    #[test]
    fn long_lines_are_cut() {
        let text = format!("{}here{}", "a ".repeat(200), " b".repeat(200));
        let message = shown(&text, &[("here", "this")]);
        assert!(message.lines().all(|line| line.len() <= 140), "{message}");
        assert!(message.contains(" a here b ") && message.contains("| ...") && message.contains("b...\n"), "{message}");
    }

    #[test]
    fn widths_of_characters() {
        assert_eq!(shown("世e\u{301}\tx", &[("x", "")]), "  |\n1 | 世e\u{301}    x\n  |        ^\n");
        assert_eq!(shown("\u{1}\u{202e}x", &[("x", "")]), "  |\n1 | \u{2401}\u{fffd}x\n  |   ^\n");
    }

    #[test]
    fn colors() {
        let file = SourceFile { name: "a.toml".into(), path: "a.toml".into(), text: "a b".into() };
        let diagnostic =
            Diagnostic::new(Code::Syntax, Span::new(0, 1), "title").secondary(Span::new(2, 3), "x").help("y");
        assert_eq!(
            Messages::of(&file).colored(&diagnostic).replace("\x1b[1m\x1b[94m", "B").replace("\x1b[0m", "/"),
            "\x1b[1m\x1b[91merror[syntax]/\x1b[1m: title/\n B--> /a.toml:1:1\n  B|/\nB1/ B|/ a b\n  \
             B|/ \x1b[1m\x1b[91m^/ B-/ Bx/\n  B|/\n  B= /\x1b[1mhelp/: y"
        );
    }
}
