//! Reports about presets, and how they are written.

use promql_presets_compiler::diagnostic::emit::{Message, Messages};
use promql_presets_compiler::{SourceFile, Span};

use crate::json::Object;
use crate::output::{Format, count, in_colors, query_note};

/// The severity of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Severity {
    Ok,
    Info,
    Warning,
    Error,
}

impl Severity {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A report about a preset.
#[derive(Clone, Debug)]
pub(super) struct Report<'a> {
    pub(super) preset: String,
    pub(super) file: &'a SourceFile,
    pub(super) span: Span,
    pub(super) severity: Severity,
    pub(super) kind: &'static str,
    pub(super) message: String,
    /// The label at the place; may be empty.
    pub(super) cause: String,
    pub(super) help: Option<String>,
    pub(super) query: Option<String>,
    pub(super) series: Option<usize>,
    pub(super) milliseconds: Option<u64>,
}

impl Report<'_> {
    /// Whether one line is enough to show it.
    fn is_short(&self) -> bool {
        matches!(self.kind, "ok" | "skipped")
    }

    fn line(&self, colors: bool) -> String {
        let help = self.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
        let severity = match self.severity {
            Severity::Ok if colors => "\u{1b}[32mok\u{1b}[0m",
            severity => severity.as_str(),
        };
        format!("{severity}: {}: {}{help}\n", self.preset, self.message)
    }

    fn human(&self, colors: bool) -> String {
        // The title must be one line; messages of servers may have several.
        let title = format!("{}: {}", self.preset, self.message.replace('\n', " "));
        // Only those messages that are about the text of the query.
        let query = self.query.as_deref().filter(|_| matches!(self.kind, "rejected" | "failed" | "server"));
        let note = query.map(query_note);
        let message = Message {
            severity: self.severity.as_str(),
            title: &title,
            span: self.span,
            label: &self.cause,
            help: self.help.as_deref(),
            note: note.as_deref(),
            ..Message::default()
        };
        Messages::of(self.file).message(&message, colors) + "\n"
    }

    fn json(&self) -> String {
        let separator = if self.cause.is_empty() { "" } else { ": " };
        let mut out = String::new();
        Object::open(&mut out)
            .field("preset", self.preset.as_str())
            .field("file", self.file.path.as_str())
            .place(Messages::of(self.file).place(self.span))
            .field("severity", self.severity.as_str())
            .field("kind", self.kind)
            .field("message", [&self.message, separator, &self.cause].concat())
            .field("help", self.help.as_deref())
            .field("query", self.query.as_deref())
            .field("series", self.series)
            .field("milliseconds", self.milliseconds)
            .close();
        out + "\n"
    }
}

/// All reports, in the order of the presets.
pub(super) struct Reports<'a>(Vec<Report<'a>>);

impl<'a> Reports<'a> {
    pub(super) fn new(reports: Vec<Report<'a>>) -> Self {
        Self(reports)
    }

    pub(super) fn are_bad(&self) -> bool {
        self.0.iter().any(|report| report.severity >= Severity::Warning)
    }

    pub(super) fn text(&self, format: Format) -> String {
        if format == Format::Json {
            return self.0.iter().map(Report::json).collect();
        }
        let colors = in_colors();
        // Messages have an empty line around them, lines have none between them.
        let blocks = self.0.chunk_by(|a, b| a.is_short() && b.is_short()).map(|block| match block {
            [message] if !message.is_short() => message.human(colors),
            lines => lines.iter().map(|line| line.line(colors)).collect(),
        });
        blocks.collect::<Vec<String>>().join("\n")
    }

    pub(super) fn summary(&self) -> String {
        let of = |severity| self.0.iter().filter(|report| report.severity == severity).count();
        let parts = [(of(Severity::Error), "error"), (of(Severity::Warning), "warning")];
        let parts: Vec<String> =
            parts.iter().filter(|(number, _)| *number > 0).map(|(number, what)| count(*number, what)).collect();
        if parts.is_empty() { "no errors".to_owned() } else { parts.join(", ") }
    }
}
