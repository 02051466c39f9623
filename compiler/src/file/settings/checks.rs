//! `[checks]`: the severity of checks in the whole registry.

use crate::diagnostic::source::Spanned;
use crate::diagnostic::suggest::nearest;
use crate::file::Settings;
use crate::file::allow::says_nothing;
use crate::file::document::{Content, Key, Table, Value};
use crate::file::reader::Reader;
use crate::vec_ext::IntoVec;
use crate::{Code, Diagnostic, Severity, Span};

/// `raw-counter = "error"`.
#[derive(Clone, Debug)]
pub(crate) struct CheckSetting {
    /// The check.
    pub code: Spanned<Code>,
    /// The severity of all of its findings.
    pub level: Level,
}

/// The severity of a check in a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Error,
    Warning,
    Off,
}

impl Level {
    const ALL: [(&'static str, Self); 3] = [("error", Self::Error), ("warning", Self::Warning), ("off", Self::Off)];
}

impl Settings {
    /// The severity that is set for a check.
    #[must_use]
    pub(crate) fn level(&self, code: Code) -> Option<Level> {
        self.checks.iter().find(|setting| setting.code.value == code).map(|setting| setting.level)
    }

    /// Sets the severity of a finding. Returns `false` if its check is off.
    pub(crate) fn apply(&self, finding: &mut Diagnostic) -> bool {
        match self.level(finding.code) {
            Some(Level::Off) => return false,
            Some(Level::Warning) => finding.severity = Severity::Warning,
            Some(Level::Error) => finding.severity = Severity::Error,
            None => {}
        }
        true
    }
}

pub(in crate::file) const CHECK_KEYS: [&str; 2] = ["severity", "reason"];

impl Reader<'_> {
    pub(super) fn checks(&mut self, value: &Value<'_>) -> Vec<CheckSetting> {
        let Content::Table(table) = &value.content else {
            self.wrong_type(
                "checks",
                "a table",
                value,
                "write a table `[checks]` with lines such as `raw-counter = \"error\"`",
            );
            return Vec::new();
        };
        table.iter().filter_map(|(key, value)| self.check_setting(table, key, value)).into_vec()
    }

    fn check_setting(&mut self, all: &Table<'_>, key: &Key<'_>, value: &Value<'_>) -> Option<CheckSetting> {
        let code = self.settable_check(all, key);
        let (level, reason) = match &value.content {
            Content::Table(table) => self.severity_table(table, value)?,
            Content::String(_) => (self.level(value)?, Reason::Missing(value.span)),
            Content::Boolean(_) => {
                let help = format!("write `{} = \"off\"`, `\"warning\"` or `\"error\"`", key.name);
                self.wrong_type(&key.name, "a severity in quotes", value, &help);
                return None;
            }
            _ => {
                self.wrong_type(
                    &key.name,
                    "a severity in quotes",
                    value,
                    "write `\"error\"`, `\"warning\"` or `\"off\"`",
                );
                return None;
            }
        };
        let needs_reason = level != Level::Error && code.as_ref().is_some_and(|code| code.value.protects());
        if let (Reason::Empty(span), false) = (&reason, needs_reason) {
            self.report(
                Diagnostic::new(Code::MissingKey, *span, format!("empty `reason` of `{}`", key.name))
                    .help("write why, or remove the key"),
            );
        }
        let code = code?;
        if let (true, Reason::Missing(span) | Reason::Empty(span)) = (needs_reason, reason) {
            let name = code.value.as_str();
            let word = Level::ALL.iter().find(|(_, it)| *it == level).map_or("off", |(word, _)| word);
            self.report(
                Diagnostic::new(Code::MissingKey, span, format!("`{name}` lowered without a reason"))
                    .label("this check protects every caller of the presets")
                    .help(format!("write `{name} = {{ severity = \"{word}\", reason = \"...\" }}`")),
            );
        }
        Some(CheckSetting { code, level })
    }

    fn level(&mut self, value: &Value<'_>) -> Option<Level> {
        let text = self.spanned_string("severity", value)?;
        let level = Level::ALL.iter().find(|(word, _)| *word == text.value).map(|(_, level)| *level);
        if level.is_none() {
            self.unknown_value("severity", &text, &Level::ALL.map(|(word, _)| word));
        }
        level
    }

    /// `{ severity = "off", reason = "..." }`. A faulty reason has been reported.
    fn severity_table(&mut self, table: &Table<'_>, value: &Value<'_>) -> Option<(Level, Reason)> {
        let (mut level, mut reason) = (None, Reason::Missing(value.span));
        let before = self.diagnostics.len();
        for (key, value) in table.iter() {
            match self.known_key(table, key, "a check's settings", &CHECK_KEYS) {
                "severity" => level = self.level(value),
                "reason" => {
                    reason = match self.spanned_string("reason", value) {
                        Some(text) if says_nothing(&text.value) => Reason::Empty(text.span),
                        _ => Reason::Given,
                    }
                }
                _ => {}
            }
        }
        if level.is_none() && self.diagnostics.len() == before {
            self.report(
                Diagnostic::new(Code::MissingKey, value.span, "missing `severity`")
                    .help("add `severity = \"error\"`, `\"warning\"` or `\"off\"`"),
            );
        }
        level.map(|level| (level, reason))
    }

    /// The check that a key names. A misspelt name is reported, and read as the check that it resembles.
    fn settable_check(&mut self, all: &Table<'_>, key: &Key<'_>) -> Option<Spanned<Code>> {
        let name = &*key.name;
        let span = key.span;
        let settable = || Code::ALL.iter().copied().filter(|code| code.is_settable());
        match Code::find(name) {
            Some(code) if code.is_settable() => return Some(Spanned { value: code, span }),
            Some(_) => {
                self.report(
                    Diagnostic::new(Code::UnknownCheck, span, format!("the severity of `{name}` cannot be set"))
                        .label("such queries cannot run"),
                );
                return None;
            }
            None => {}
        }
        let mut diagnostic = Diagnostic::new(Code::UnknownCheck, span, format!("unknown check `{name}`"))
            .label("no check has this code");
        let meant = nearest(name, settable().map(Code::as_str));
        if let Some(meant) = meant {
            diagnostic = diagnostic.help(format!("a check with a similar name exists: `{meant}`"));
        }
        self.report(diagnostic);
        let code = meant.filter(|meant| !all.contains_key(meant)).and_then(Code::find)?;
        Some(Spanned { value: code, span })
    }
}

/// The `reason` for a lowered severity.
enum Reason {
    /// Missing from the entry at this place.
    Missing(Span),
    /// Empty, at this place.
    Empty(Span),
    Given,
}
