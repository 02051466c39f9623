//! Diagnostics as text: with source lines and carets, or on one line.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use promql_presets_core::sort;

use super::source::Lines;
use super::{Diagnostic, Finding, Severity, SourceFile, Span};

/// The width of a rendered diagnostic; longer source lines are cut around the fault.
const WIDTH: usize = 140;

/// Formats findings, which must be grouped by file.
pub fn each<T>(files: &[SourceFile], findings: &[&Finding], text: impl Fn(&Messages<'_>, &Finding) -> T) -> Vec<T> {
    let of_one_file = findings.chunk_by(|a, b| a.file == b.file);
    let mut texts = Vec::with_capacity(findings.len());
    for findings in of_one_file {
        let messages = Messages::of(&files[findings[0].file]);
        texts.extend(findings.iter().map(|finding| text(&messages, finding)));
    }
    texts
}

/// The number of findings that [`first`] shows for each file.
const MAX_SHOWN: usize = 100;

/// Like [`each`], but limited to the first findings of each file, errors before warnings, and how many are left out.
pub fn first(
    files: &[SourceFile],
    findings: &[&Finding],
    text: impl Fn(&Messages<'_>, &Finding) -> String,
) -> Vec<String> {
    let mut texts = Vec::with_capacity(findings.len());
    for findings in findings.chunk_by(|a, b| a.file == b.file) {
        let mut shown = findings.to_vec();
        // Stable, so that findings stay in the order of the file.
        sort::by_key(&mut shown, |finding| finding.diagnostic.severity != Severity::Error);
        shown.truncate(MAX_SHOWN);
        sort::by_key(&mut shown, |finding| finding.diagnostic.span);
        texts.extend(each(files, &shown, &text));
        if let (more @ 1.., Some(last)) = (findings.len() - shown.len(), texts.last_mut()) {
            let end = last.trim_end().len();
            let line = format!("\n\n{more} more findings in `{}` are not shown", files[findings[0].file].path);
            last.insert_str(end, &line);
        }
    }
    texts
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
        self.render(&Renderer::plain(), diagnostic, false)
    }

    /// The whole message, in colours for a terminal.
    #[must_use]
    pub fn colored(&self, diagnostic: &Diagnostic) -> String {
        self.render(&Renderer::styled(), diagnostic, false)
    }

    /// The whole message without the leading word `error`, for `compile_error!`, which adds it.
    #[must_use]
    pub fn untitled(&self, diagnostic: &Diagnostic) -> String {
        self.render(&Renderer::plain(), diagnostic, true)
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

    fn render(&self, renderer: &Renderer, diagnostic: &Diagnostic, untitled: bool) -> String {
        let level = match diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = if untitled {
            level.no_name().primary_title(format!("{} [{}]", diagnostic.title, diagnostic.code.as_str()))
        } else {
            level.primary_title(diagnostic.title.as_str()).id(diagnostic.code.as_str())
        };
        let all = diagnostic.secondary.iter().fold(diagnostic.span, |all, (span, _)| all.to(*span));
        // The renderer scans the whole source, so it is given only the lines that it shows.
        let shown = self.lines.around(self.clamp(all));
        let place = |span: Span| {
            let range = self.clamp(span);
            range.start - shown.start..range.end - shown.start
        };
        let primary = AnnotationKind::Primary.span(place(diagnostic.span));
        let primary = if diagnostic.label.is_empty() { primary } else { primary.label(diagnostic.label.as_str()) };
        let mut snippet = Snippet::source(SourceFile::shown(&self.file.text[shown.clone()]))
            .line_start(self.lines.line(Span::of(shown.clone()).start))
            .path(self.file.path.as_str())
            .annotation(primary);
        for (span, label) in &diagnostic.secondary {
            snippet = snippet.annotation(AnnotationKind::Context.span(place(*span)).label(label.as_str()));
        }
        let mut group = title.element(snippet);
        if let Some(excerpt) = &diagnostic.elsewhere {
            let place = AnnotationKind::Context.span(excerpt.span.range()).label(excerpt.label.as_str());
            let other =
                Snippet::source(SourceFile::shown(&excerpt.text)).line_start(excerpt.line).path(excerpt.path.as_str());
            group = group.element(other.annotation(place));
        }
        if let Some(help) = &diagnostic.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        if let Some(note) = &diagnostic.note {
            group = group.element(Level::NOTE.message(note.as_str()));
        }
        renderer.clone().decor_style(DecorStyle::Ascii).term_width(WIDTH).render(&[group])
    }

    /// A range within the text, on character boundaries.
    fn clamp(&self, span: Span) -> std::ops::Range<usize> {
        let text = &self.file.text;
        let floor = |at: u32| text.floor_char_boundary(at as usize);
        floor(span.start)..floor(span.end).max(floor(span.start))
    }
}
