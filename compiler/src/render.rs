//! Diagnostics as text: for people, on one line, and as data.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use crate::{Diagnostic, Severity, SourceFile};

/// How wide a rendered diagnostic may be; longer source lines are cut around the fault.
const WIDTH: usize = 140;

/// The whole message, with the source line and carets, without colours.
#[must_use]
pub fn full(file: &SourceFile, diagnostic: &Diagnostic) -> String {
    with(&Renderer::plain(), file, diagnostic, false)
}

/// The whole message, in colours for a terminal.
#[must_use]
pub fn colored(file: &SourceFile, diagnostic: &Diagnostic) -> String {
    with(&Renderer::styled(), file, diagnostic, false)
}

/// The whole message without the word `error` before it, for compilers that put it there themselves.
#[must_use]
pub fn untitled(file: &SourceFile, diagnostic: &Diagnostic) -> String {
    with(&Renderer::plain(), file, diagnostic, true)
}

/// `path:line:column: error: title [code]`.
#[must_use]
pub fn short(file: &SourceFile, diagnostic: &Diagnostic) -> String {
    let (line, column) = file.line_column(diagnostic.span.start);
    let severity = severity(diagnostic);
    format!("{}:{line}:{column}: {severity}: {} [{}]", file.path, diagnostic.title, diagnostic.code.as_str())
}

/// The word for the severity.
pub(crate) const fn severity(diagnostic: &Diagnostic) -> &'static str {
    match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn with(renderer: &Renderer, file: &SourceFile, diagnostic: &Diagnostic, untitled: bool) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = if untitled {
        level.no_name().primary_title(format!("{} [{}]", diagnostic.title, diagnostic.code.as_str()))
    } else {
        level.primary_title(diagnostic.title.as_str()).id(diagnostic.code.as_str())
    };
    let primary = AnnotationKind::Primary.span(clamp(file, diagnostic.span.range()));
    let primary = if diagnostic.label.is_empty() { primary } else { primary.label(diagnostic.label.as_str()) };
    let mut snippet = Snippet::source(file.text.as_str()).path(file.path.as_str()).annotation(primary);
    for (span, label) in &diagnostic.secondary {
        snippet = snippet.annotation(AnnotationKind::Context.span(clamp(file, span.range())).label(label.as_str()));
    }
    let mut group = title.element(snippet);
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    if let Some(note) = &diagnostic.note {
        group = group.element(Level::NOTE.message(note.as_str()));
    }
    renderer.clone().decor_style(DecorStyle::Ascii).term_width(WIDTH).render(&[group])
}

/// A range within the text, on character boundaries.
fn clamp(file: &SourceFile, range: std::ops::Range<usize>) -> std::ops::Range<usize> {
    let floor = |mut at: usize| {
        at = at.min(file.text.len());
        while !file.text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = floor(range.start);
    start..floor(range.end).max(start)
}
