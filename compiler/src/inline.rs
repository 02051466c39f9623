//! Presets in Rust code: one template, checked against the declarations of a registry.

use promql_presets_core::PromDuration;

use crate::backend::codegen;
use crate::backend::registry::Preset;
use crate::check::{Metrics, Scope};
use crate::compile::findings::{drop_unfiltered, long_window, missing_window, unused_window};
use crate::compile::{STUB_WINDOW, Template, WINDOW, compile_template, global_settings};
use crate::file::known_metrics::{self, KnownMetric};
use crate::file::{self, PresetFile, Settings};
use crate::promql::Features;
use crate::vec_ext::VecExt;
use crate::{Code, Diagnostic, FileKind, Finding, Severity, SourceFile, Span};

/// The declarations of a registry that apply to presets in Rust code: the settings, and with a snapshot the metrics.
#[derive(Clone, Debug)]
pub struct Declarations {
    files: Vec<SourceFile>,
    raw: Vec<PresetFile>,
    /// The index of the snapshot and its metrics, if it has no faults.
    known: Option<(usize, Vec<KnownMetric>)>,
    settings: Settings,
    findings: Vec<Finding>,
}

impl Declarations {
    /// Reads files: those [beside](crate::discover::beside) the presets, and the presets if there is a snapshot.
    #[must_use]
    #[inline]
    pub fn read(files: Vec<SourceFile>) -> Self {
        let (settings, mut findings) = global_settings(&files);
        let mut known = None;
        let mut raw = Vec::with_capacity(files.len());
        for (file, source) in files.iter().enumerate() {
            // Faults of preset files are reported where they are compiled.
            let is_preset_file = source.kind() == FileKind::Presets;
            raw.push(if is_preset_file { file::read(&source.text).0 } else { PresetFile::default() });
            if source.kind() == FileKind::Metrics {
                let (metrics, diagnostics) = known_metrics::read(&source.text);
                known = Some((file, metrics)).filter(|_| diagnostics.is_empty());
                findings.add_all(diagnostics.into_iter().map(|diagnostic| Finding { file, preset: None, diagnostic }));
            }
        }
        Self { files, raw, known, settings, findings }
    }

    /// The files.
    #[must_use]
    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// The findings about the snapshot and the settings.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Without a snapshot, presets in Rust code are checked on their own.
    fn metrics(&self) -> Metrics<'_> {
        let Some((file, known)) = &self.known else { return Metrics::default() };
        let mut metrics = Metrics::new(&self.files, &self.raw).0;
        metrics.add_snapshot(&self.files[*file].path, known, &self.settings);
        metrics
    }
}

/// A template that `preset!` compiles on its own.
#[derive(Clone, Debug)]
pub struct InlinePreset {
    /// The content of a Rust block of the type `__p::Preset<dyn __p::MetricQuerier, _, _>`.
    pub code: String,
    /// All findings; spans are of the template.
    pub diagnostics: Vec<Diagnostic>,
}

/// Options of an [`InlinePreset`].
#[derive(Clone, Debug, Default)]
pub struct InlineOptions {
    /// The name of the preset; by default, its module and line.
    pub name: Option<String>,
    /// The default of `{window}`.
    pub window: Option<String>,
    /// The experimental features that the template may use.
    pub features: Features,
    /// The checks whose findings are silenced.
    pub allow: Vec<Code>,
}

impl InlinePreset {
    /// Compiles a template.
    #[must_use]
    #[inline]
    pub fn compile(text: &str, options: &InlineOptions, declarations: &Declarations) -> Self {
        let settings = &declarations.settings;
        let metrics = declarations.metrics();
        let window = options.window.as_deref();
        let duration = window.map(str::parse::<PromDuration>);
        let by_default = settings.defaults.window.as_ref().filter(|_| text.contains(WINDOW));
        let window_value = match &duration {
            Some(duration) => duration.as_ref().ok().copied(),
            None => by_default.map(|window| window.value),
        };
        let mut features = options.features;
        for flag in &settings.features {
            features.enable(&flag.value);
        }
        let scope = Scope {
            template: true,
            inline: true,
            metric: None,
            labels: None,
            window: window_value,
            features,
            metrics: &metrics,
            settings,
        };
        let Template { segments, facts, result, has_window, row, mut diagnostics, mut findings, .. } =
            compile_template(text, scope, &[]);
        let whole = Span::of(0..text.len());
        match duration.clone() {
            Some(Err(error)) => diagnostics.push(Diagnostic::new(Code::InvalidDuration, whole, error.to_string())),
            Some(Ok(PromDuration::ZERO)) => {
                diagnostics.push(Diagnostic::new(Code::InvalidDuration, whole, "`window` is zero"));
            }
            _ if diagnostics.is_empty() => diagnostics.add_all(match (window, has_window) {
                (Some(_), false) => Some(unused_window(whole).help("write `[{window}]` in the template")),
                (None, true) if window_value.is_none() => Some(missing_window(text, "after the template")),
                _ => None,
            }),
            _ => {}
        }
        findings.add_all(window.and(window_value).and_then(|window| long_window(settings, window, whole)));
        findings.keep(|finding| !options.allow.contains(&finding.code));
        drop_unfiltered(settings, &mut findings);
        findings.retain_mut(|finding| settings.apply(finding));
        diagnostics.add_all(findings);
        let has_errors = diagnostics.iter().any(|found| found.severity == Severity::Error);
        let preset = Preset {
            name: options.name.clone().unwrap_or_default(),
            constant: String::new(),
            line: 0,
            span: Span::default(),
            title: None,
            category: None,
            description: None,
            unit: None,
            template: text.to_owned(),
            max_window: settings.policy.max_window.as_ref().map(|limit| limit.value),
            window: window_value.or(has_window.then_some(STUB_WINDOW)),
            // The type of the constant names the window. A stub takes any window only if the template tries to have one.
            is_stub: has_errors && text.contains("[{"),
            result,
            segments,
            facts,
            parameters: Vec::new(),
            parameterized: None,
            tests: Vec::new(),
            row,
        };
        Self { code: codegen::inline(&preset), diagnostics }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_snapshot_closes_the_schema() {
        let file = |name: &str, text: &str| SourceFile { name: name.into(), path: name.into(), text: text.into() };
        let presets = file("a.toml", "metric = { name = \"declared\", type = \"gauge\" }");
        let snapshot = "[known_total]\ntype = \"counter\"\nlabels = [\"code\"]";
        let codes = |files: &[SourceFile], template: &str| -> Vec<&str> {
            let declarations = Declarations::read(files.to_vec());
            assert_eq!(declarations.findings(), []);
            let found = InlinePreset::compile(template, &InlineOptions::default(), &declarations).diagnostics;
            found.iter().map(|finding| finding.code.as_str()).collect()
        };
        for (template, expected) in [
            ("rate(known_total{{{labels}}}[5m])", ""),
            ("sum by (cod)(rate(known_total{{{labels}}}[5m]))", "undeclared-label"),
            ("delta(known_total{{{labels}}}[5m])", "gauge-function-on-counter"),
            ("declared{{{labels}}} + up{{{labels}}}", ""),
            ("declare{{{labels}}}", "unknown-metric"),
        ] {
            let files = [file(SourceFile::METRICS, snapshot), presets.clone()];
            assert_eq!(codes(&files, template).join(" "), expected, "{template}");
            assert_eq!(codes(&[], template), [""; 0], "{template}");
        }
        let faulty = Declarations::read(vec![file(SourceFile::METRICS, "[known_total")]);
        assert_eq!(faulty.findings().len(), 1);
        let preset = InlinePreset::compile("unknown{{{labels}}}", &InlineOptions::default(), &faulty);
        assert_eq!(preset.diagnostics, []);
    }
}
