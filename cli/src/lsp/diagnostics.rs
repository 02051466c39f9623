//! Findings as diagnostics of the protocol.

use std::cell::OnceCell;

use gen_lsp_types::{
    Code, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, DiagnosticTag, Location, Message, Position,
    Range, Uri,
};
use promql_presets_compiler::diagnostic::{Excerpt, Lines};
use promql_presets_compiler::{self as compiler, Finding, Severity, SourceFile, Span};

/// Files with their lines, which are computed on demand.
pub(super) struct Files<'f> {
    files: &'f [SourceFile],
    lines: Vec<OnceCell<Lines<'f>>>,
}

impl<'f> Files<'f> {
    pub(super) fn of(files: &'f [SourceFile]) -> Self {
        Self { files, lines: vec![OnceCell::new(); files.len()] }
    }

    fn lines(&self, file: usize) -> &Lines<'f> {
        self.lines[file].get_or_init(|| self.files[file].lines())
    }
}

/// A finding about a file. `uri` returns the address of a file.
pub(super) fn diagnostic(
    files: &Files<'_>,
    finding: &Finding,
    uri: &impl Fn(&SourceFile) -> Option<Uri>,
) -> Diagnostic {
    let (found, lines) = (&finding.diagnostic, files.lines(finding.file));
    let own = uri(&files.files[finding.file]);
    let secondary = found.secondary.iter().filter_map(|(span, label)| {
        let location = Location { uri: own.clone()?, range: range(lines, *span) };
        Some(DiagnosticRelatedInformation { location, message: label.clone() })
    });
    let elsewhere = found.elsewhere.iter().filter_map(|excerpt| {
        let file = files.files.iter().position(|file| file.path == excerpt.path)?;
        let lines = files.lines(file);
        let location = Location { uri: uri(&files.files[file])?, range: range(lines, place(lines, excerpt)) };
        Some(DiagnosticRelatedInformation { location, message: excerpt.label.clone() })
    });
    let related: Vec<_> = secondary.chain(elsewhere).collect();
    let is_unused = matches!(
        found.code,
        compiler::Code::UnusedAllow | compiler::Code::UnusedWindow | compiler::Code::UnusedParameter
    );
    Diagnostic {
        range: range(lines, found.span),
        severity: Some(match found.severity {
            Severity::Error => DiagnosticSeverity::Error,
            Severity::Warning => DiagnosticSeverity::Warning,
        }),
        code: Some(Code::String(found.code.as_str().to_owned())),
        source: Some("promql-presets".to_owned()),
        message: Message::String(message(found)),
        tags: is_unused.then(|| vec![DiagnosticTag::Unnecessary]),
        related_information: (!related.is_empty()).then_some(related),
        ..Diagnostic::default()
    }
}

/// The title, with everything that a terminal would show beside the source.
fn message(found: &compiler::Diagnostic) -> String {
    let label = Some(found.label.clone()).filter(|label| !label.is_empty());
    let help = found.help.as_ref().map(|help| format!("help: {help}"));
    let note = found.note.as_ref().map(|note| format!("note: {note}"));
    let parts = [Some(found.title.clone()), label, help, note];
    parts.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

/// The place of an excerpt in its file.
fn place(lines: &Lines<'_>, excerpt: &Excerpt) -> Span {
    let line = u32::try_from(excerpt.line.saturating_sub(1)).unwrap_or(u32::MAX);
    let start = lines.offset(line, 0);
    Span::new(start + excerpt.span.start, start + excerpt.span.end)
}

/// The range of a span.
pub(super) fn range(lines: &Lines<'_>, span: Span) -> Range {
    let position = |offset| {
        let (line, character) = lines.utf16(offset);
        Position { line, character }
    };
    Range { start: position(span.start), end: position(span.end) }
}
