//! `allow`: the checks that a preset silences.

use super::document::{Content, Value};
use super::reader::{Reader, with_article};
use super::{ALLOW_KEYS, Allow};
use crate::diagnostic::source::Spanned;
use crate::diagnostic::suggest::nearest;
use crate::vec_ext::IntoVec;
use crate::{Code, Diagnostic, Span};

const REASON: &str = "add `reason = \"...\"`, to explain it to readers";

/// Whether a reason is empty, or still the `...` of a message or of an editor.
pub(super) fn says_nothing(reason: &str) -> bool {
    reason.chars().all(|c| c.is_whitespace() || matches!(c, '.' | '…'))
}

impl Reader<'_> {
    pub(super) fn allow(&mut self, value: &Value<'_>) -> Vec<Allow> {
        if let Content::Array(entries) = &value.content {
            return entries.iter().filter_map(|entry| self.allow_entry(entry)).into_vec();
        }
        let title = format!("`allow` must be an array, not {}", with_article(value));
        let entry = match &value.content {
            Content::Table(_) => {
                self.text.get(value.span.range()).filter(|text| text.starts_with('{')).map(str::to_owned)
            }
            Content::String(check) => Some(format!("{{ check = \"{check}\", reason = \"...\" }}")),
            _ => None,
        };
        let entry = entry.as_deref().unwrap_or("{ check = \"...\", reason = \"...\" }");
        self.report(Diagnostic::new(Code::WrongType, value.span, title).help(format!("write `allow = [{entry}]`")));
        let check = if let Content::Table(table) = &value.content { table.get("check") } else { None };
        let checks = [value.as_str(), check.and_then(Value::as_str)];
        Self::intended_check(checks.into_iter().flatten().next(), value.span).into_iter().into_vec()
    }

    /// The check that an invalid entry, which has been reported, probably names. The entry still silences it, so that
    /// one mistake gives one message.
    fn intended_check(check: Option<&str>, span: Span) -> Option<Allow> {
        let check = check?;
        let code =
            Code::find(check).or_else(|| nearest(check, Code::allowable().map(Code::as_str)).and_then(Code::find));
        code.map(|value| Allow { check: Spanned { value, span }, is_faulty: true })
    }

    fn allow_entry(&mut self, value: &Value<'_>) -> Option<Allow> {
        let Content::Table(table) = &value.content else {
            let title = format!("an entry of `allow` must be a table, not {}", with_article(value));
            let check = value.as_str();
            let span = value.span;
            self.report(
                Diagnostic::new(Code::WrongType, span, title)
                    .help(format!("write `{{ check = \"{}\", reason = \"...\" }}`", check.unwrap_or("..."))),
            );
            return Self::intended_check(check, span);
        };
        let (mut check, mut reason) = (None, None);
        let before = self.diagnostics.len();
        for (key, value) in table.iter() {
            match self.known_key(table, key, "an entry of `allow`", &ALLOW_KEYS) {
                "check" => check = self.spanned_string("check", value),
                "reason" => reason = self.spanned_string("reason", value),
                _ => {}
            }
        }
        let missing =
            |what: &str, span: Span| Diagnostic::new(Code::MissingKey, span, format!("`allow` without a {what}"));
        let whole = value.span;
        match (&check, &reason) {
            // A missing key may be a misspelt one, or one of the wrong type.
            (None, _) | (_, None) if self.diagnostics.len() > before => {}
            (None, _) => {
                let help = "write `{ check = \"...\", reason = \"...\" }` with the code of the finding";
                self.report(missing("check", whole).help(help));
            }
            (Some(_), None) => self.report(missing("reason", whole).help(REASON)),
            (Some(_), Some(reason)) if says_nothing(&reason.value) => {
                self.report(missing("reason", reason.span).help("write why the finding does not matter here"));
            }
            _ => {}
        }
        let check = check?;
        match self.allowed_check(&check) {
            Some(code) => Some(Allow { check: code, is_faulty: self.diagnostics.len() > before }),
            None => Self::intended_check(Some(&check.value), check.span),
        }
    }

    fn allowed_check(&mut self, check: &Spanned<String>) -> Option<Spanned<Code>> {
        let Some(code) = Code::find(&check.value) else {
            let codes: Vec<&str> = Code::allowable().map(Code::as_str).into_vec();
            let title = format!("unknown check `{}`", check.value);
            let mut diagnostic = Diagnostic::new(Code::UnknownCheck, check.span, title).label("no check has this code");
            if let Some(meant) = nearest(&check.value, codes) {
                diagnostic = diagnostic.help(format!("a check with a similar name exists: `{meant}`"));
            }
            self.report(diagnostic);
            return None;
        };
        if !code.is_allowable() {
            self.report(
                Diagnostic::new(Code::UnknownCheck, check.span, format!("`{}` cannot be allowed", check.value))
                    .label("such a query cannot run"),
            );
            return None;
        }
        Some(Spanned { value: code, span: check.span })
    }
}
