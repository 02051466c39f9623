//! Which findings are reported: that depends on the settings, on `allow`, and on other findings about the same mistake.

use promql_presets_core::{PromDuration, sort};

use super::WINDOW;
use crate::check::{policy, units};
use crate::diagnostic::source::Spanned;
use crate::file::settings::Level;
use crate::file::{Labels, RawPreset, Settings};
use crate::vec_ext::{IntoVec, VecExt};
use crate::{Code, Diagnostic, Finding, Layer, Span};

/// Removes findings about a file or a preset that a finding in one of its templates supersedes.
pub(super) fn drop_superseded_by_templates(findings: &mut Vec<Finding>) {
    let mut explained: Vec<(usize, Option<String>, Code)> = Vec::new();
    for finding in findings.iter() {
        for code in finding.diagnostic.code.supersedes() {
            explained.push((finding.file, finding.preset.clone(), *code));
            explained.push((finding.file, None, *code));
        }
    }
    sort::by(&mut explained, Ord::cmp);
    findings.keep(|finding| {
        let code = finding.diagnostic.code;
        let is_explained = || explained.binary_search(&(finding.file, finding.preset.clone(), code)).is_ok();
        code.layer() != Layer::File || !is_explained()
    });
}

/// The findings that the preset does not allow, and one for each `allow` without effect.
pub(super) fn apply_allow(settings: &Settings, findings: Vec<Diagnostic>, raw: &RawPreset) -> Vec<Diagnostic> {
    let mut used = vec![false; raw.allow.len()];
    let mut rest = Vec::new();
    for finding in findings {
        match raw.allow.iter().position(|allow| allow.check.value == finding.code) {
            Some(entry) => used[entry] = true,
            None => rest.push(finding),
        }
    }
    // The findings of a check that is off are unknown.
    let is_off = |code: Code| settings.level(code) == Some(Level::Off);
    let unused = raw.allow.iter().zip(used);
    let unused = unused.filter(|(allow, used)| !used && !allow.is_faulty && !is_off(allow.check.value));
    rest.add_all(unused.map(|(allow, _)| {
        let title = format!("`allow` of `{}` silences nothing", allow.check.value.as_str());
        Diagnostic::new(Code::UnusedAllow, allow.check.span, title)
            .label("no such finding in this preset")
            .help("remove the entry")
    }));
    rest
}

/// Removes `missing-required-label` of selectors for which `unfiltered-selector` is an error.
pub(crate) fn drop_unfiltered(settings: &Settings, findings: &mut Vec<Diagnostic>) {
    if !matches!(settings.level(Code::UnfilteredSelector), None | Some(Level::Error)) {
        return;
    }
    let unfiltered = |finding: &&Diagnostic| finding.code == Code::UnfilteredSelector;
    let mut reported: Vec<Span> = findings.iter().filter(unfiltered).map(|finding| finding.span).into_vec();
    sort::by(&mut reported, Ord::cmp);
    findings
        .keep(|finding| finding.code != Code::MissingRequiredLabel || reported.binary_search(&finding.span).is_err());
}

/// The finding about a unit that contradicts the one that follows from the metrics.
pub(super) fn unit_mismatch(written: Option<&Spanned<String>>, derived: Option<&str>) -> Option<Diagnostic> {
    let (written, derived) = (written?, derived?);
    units::contradicts(&written.value, derived).then(|| {
        let title = format!("the unit of the result is `{derived}`, not `{}`", written.value);
        Diagnostic::new(Code::UnitMismatch, written.span, title)
            .label("not the unit that follows from those of the metrics")
            .help(format!("write `unit = \"{derived}\"`, or convert the result in the template"))
    })
}

/// The keys that the policy requires and the preset does not have.
pub(super) fn missing_keys(settings: &Settings, raw: &RawPreset) -> impl Iterator<Item = Diagnostic> {
    settings.policy.require.iter().filter_map(|key| {
        let unit = raw.unit.as_ref().map(|unit| &unit.value);
        let value = if key.value == "unit" { unit } else { raw.description.as_ref() };
        let is_missing = value.is_none_or(|value| value.trim().is_empty());
        is_missing.then(|| {
            let title = format!("missing `{}` in preset `{}`", key.value, raw.name.value);
            Diagnostic::new(Code::MissingKey, raw.name.span, title)
                .label("required by `[policy]` in `promql.toml`")
                .help(format!("add `{} = \"...\"`", key.value))
        })
    })
}

/// The finding about a `{window}` without a default. `place` is where the default belongs.
pub(crate) fn missing_window(text: &str, place: &str) -> Diagnostic {
    let at = text.find(WINDOW).unwrap_or_default();
    Diagnostic::new(Code::MissingWindow, Span::of(at..at + WINDOW.len()), "no default for `{window}`")
        .label("needs a value where the caller passes none")
        .help(format!("add `window = \"5m\"` {place}"))
}

/// The finding about a default without a `{window}`.
pub(crate) fn unused_window(span: Span) -> Diagnostic {
    Diagnostic::new(Code::UnusedWindow, span, "`window` without `{window}` in the template")
}

/// The finding about a window that is longer than the policy permits.
pub(crate) fn long_window(settings: &Settings, window: PromDuration, span: Span) -> Option<Diagnostic> {
    let limit = settings.policy.max_window.as_ref()?.value;
    (window > limit).then(|| policy::exceeds_limit(span, "window", window, limit, "max_window"))
}

/// Keeps one finding per file and required label, instead of one per selector. `earlier` are the findings of the file's
/// other presets.
pub(super) fn merge_required_labels<'f>(
    labels: Option<&Labels>,
    earlier: impl Iterator<Item = &'f Finding>,
    findings: &mut Vec<Diagnostic>,
) {
    let Some(labels) = labels else { return };
    let subject = |finding: &Diagnostic| finding.subject.clone().filter(|_| finding.code == Code::MissingRequiredLabel);
    if !findings.iter().any(|finding| subject(finding).is_some()) {
        return;
    }
    let mut seen: Vec<String> = earlier.filter_map(|it| subject(&it.diagnostic)).into_vec();
    findings.retain_mut(|finding| {
        let Some(label) = subject(finding) else { return true };
        finding.secondary.push(match labels.labels.iter().find(|it| it.name.value == label) {
            Some(label) => (label.name.span, "only to group by".to_owned()),
            None => (labels.key, "does not declare it".to_owned()),
        });
        let is_new = !seen.contains(&label);
        seen.push(label);
        is_new
    });
}
