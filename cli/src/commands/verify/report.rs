//! What was found out about presets, and how it is written.

use crate::json::Object;
use crate::output::{Format, count, in_colors};

/// How bad it is.
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

    /// The color of a terminal.
    const fn color(self) -> u8 {
        match self {
            Self::Ok => 32,
            Self::Info => 36,
            Self::Warning => 33,
            Self::Error => 31,
        }
    }
}

/// A line about a preset.
#[derive(Clone, Debug)]
pub(super) struct Report {
    pub(super) preset: String,
    pub(super) file: String,
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) severity: Severity,
    pub(super) kind: &'static str,
    pub(super) message: String,
    pub(super) help: Option<String>,
    pub(super) query: Option<String>,
    pub(super) series: Option<usize>,
    pub(super) milliseconds: Option<u64>,
}

impl Report {
    fn human(&self, colors: bool) -> String {
        let Self { preset, file, line, column, severity, message, .. } = self;
        let help = self.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
        let severity = severity.as_str();
        let severity =
            if colors { format!("\u{1b}[{}m{severity}\u{1b}[0m", self.severity.color()) } else { severity.to_owned() };
        // One line, whatever the server says.
        format!("{file}:{line}:{column}: {severity}: {preset}: {}{help}", message.replace('\n', " ")) + "\n"
    }

    fn json(&self, out: &mut String) {
        Object::open(out)
            .field("preset", self.preset.as_str())
            .field("file", self.file.as_str())
            .field("line", self.line)
            .field("column", self.column)
            .field("severity", self.severity.as_str())
            .field("kind", self.kind)
            .field("message", self.message.as_str())
            .field("help", self.help.as_deref())
            .field("query", self.query.as_deref())
            .field("series", self.series)
            .field("milliseconds", self.milliseconds)
            .close();
        out.push('\n');
    }
}

/// All reports, in the order of the presets.
pub(super) struct Reports(Vec<Report>);

impl Reports {
    pub(super) fn new(reports: Vec<Report>) -> Self {
        Self(reports)
    }

    pub(super) fn are_bad(&self) -> bool {
        self.0.iter().any(|report| report.severity >= Severity::Warning)
    }

    pub(super) fn text(&self, format: Format) -> String {
        let colors = in_colors();
        self.0.iter().fold(String::new(), |mut out, report| {
            match format {
                Format::Human => out.push_str(&report.human(colors)),
                Format::Json => report.json(&mut out),
            }
            out
        })
    }

    pub(super) fn summary(&self) -> String {
        let of = |severity| self.0.iter().filter(|report| report.severity == severity).count();
        let parts = [(of(Severity::Error), "error"), (of(Severity::Warning), "warning")];
        let parts: Vec<String> =
            parts.iter().filter(|(number, _)| *number > 0).map(|(number, what)| count(*number, what)).collect();
        if parts.is_empty() { "no errors".to_owned() } else { parts.join(", ") }
    }
}
