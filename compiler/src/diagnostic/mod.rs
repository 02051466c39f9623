//! Findings of the compiler.

mod canvas;
mod codes;
mod columns;
pub mod emit;
mod snippet;
pub(crate) mod source;
pub mod suggest;

pub use codes::{Code, Layer, Severity};
pub use columns::width;
pub use source::{Excerpt, FileKind, Lines, SourceFile, Span};

/// A finding: what is wrong, where, and what to do about it.
///
/// All spans are byte ranges of the text that was given to the function which returned it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Which check found it.
    pub code: Code,
    /// Whether it fails the build.
    pub severity: Severity,
    /// What is wrong: one clause, lower case, no full stop.
    pub title: String,
    /// The smallest range that shows the fault.
    pub span: Span,
    /// The label that it is about, where that distinguishes findings of one code.
    pub(crate) subject: Option<String>,
    /// What is wrong at that range; may be empty.
    pub label: String,
    /// Other places that belong to the fault.
    pub secondary: Vec<(Span, String)>,
    /// A place in another file that belongs to the fault.
    pub elsewhere: Option<Excerpt>,
    /// What to type. Code is between backticks.
    pub help: Option<String>,
    /// Facts.
    pub note: Option<String>,
    /// The edit that the help describes, if it is a single one.
    pub fix: Option<Fix>,
}

/// An edit that removes the cause of a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What to replace.
    pub span: Span,
    /// What to replace it with.
    pub text: String,
}

impl Diagnostic {
    /// Creates a finding with the default severity of the check.
    #[must_use]
    pub fn new(code: Code, span: Span, title: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity(),
            title: title.into(),
            span,
            subject: None,
            label: String::new(),
            secondary: Vec::new(),
            elsewhere: None,
            help: None,
            note: None,
            fix: None,
        }
    }

    /// Sets the label of the primary range.
    #[must_use]
    pub fn label(mut self, text: impl Into<String>) -> Self {
        self.label = text.into();
        self
    }

    /// Adds another place that belongs to the fault.
    #[must_use]
    pub fn secondary(mut self, span: Span, text: impl Into<String>) -> Self {
        self.secondary.push((span, text.into()));
        self
    }

    /// Adds a place in another file.
    #[must_use]
    pub fn elsewhere(mut self, excerpt: Excerpt) -> Self {
        self.elsewhere = Some(excerpt);
        self
    }

    /// Sets the help: what to type.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }

    /// Sets the note: a fact.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.note = Some(text.into());
        self
    }

    /// Sets a help and an edit that replace a range with a text.
    #[must_use]
    pub fn write(self, span: Span, text: impl Into<String>) -> Self {
        let text = text.into();
        self.help(format!("write `{text}`")).fix(Fix { span, text })
    }

    /// Adds the edit that the help describes.
    #[must_use]
    pub fn fix(mut self, fix: Fix) -> Self {
        self.fix = Some(fix);
        self
    }

    /// Makes the finding a warning unless it is certain: names and groupings are hints, declarations are proof.
    #[must_use]
    pub(crate) fn warning_unless(mut self, certain: bool) -> Self {
        if !certain {
            self.severity = Severity::Warning;
        }
        self
    }

    /// Maps every span.
    #[must_use]
    pub(crate) fn map_spans(mut self, place: impl Fn(Span) -> Span) -> Self {
        self.span = place(self.span);
        for (span, _) in &mut self.secondary {
            *span = place(*span);
        }
        if let Some(fix) = &mut self.fix {
            fix.span = place(fix.span);
        }
        self
    }

    /// The pieces of code in the help.
    pub fn code_in_help(&self) -> impl Iterator<Item = &str> {
        self.help.iter().flat_map(|help| help.split('`').skip(1).step_by(2))
    }

    /// Maps the code in the help, and the text of the fix.
    #[must_use]
    pub(crate) fn map_code(mut self, map: impl Fn(&str) -> String) -> Self {
        if let Some(help) = &mut self.help {
            let pieces = help.split('`').enumerate();
            let pieces = pieces.map(|(at, piece)| if at % 2 == 1 { map(piece) } else { piece.to_owned() });
            *help = pieces.collect::<Vec<_>>().join("`");
        }
        if let Some(fix) = &mut self.fix {
            fix.text = map(&fix.text);
        }
        self
    }

    /// The primary span and the secondary ones.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let mut spans = vec![self.span];
        spans.extend(self.secondary.iter().map(|(span, _)| *span));
        spans
    }
}

/// A diagnostic and the file that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The index of the file.
    pub file: usize,
    /// The name of the preset, if the finding is about one.
    pub preset: Option<String>,
    /// The diagnostic; its spans are of the file's text.
    pub diagnostic: Diagnostic,
}
