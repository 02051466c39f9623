//! Facts about metrics and labels, from preset files and from `metrics.toml`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use promql_presets_compiler::backend::registry::Label;
use promql_presets_compiler::{MetricType, SnapshotMetric, without_suffix};
use promql_presets_core::LabelKind;

use super::workspace::View;

/// A metric.
#[derive(Debug)]
pub(super) struct Metric<'v> {
    pub(super) name: &'v str,
    pub(super) kind: MetricType,
    /// The entry of `metrics.toml`.
    pub(super) known: Option<&'v SnapshotMetric>,
    /// The declared labels, if a preset file declares the metric.
    declared: &'v [Label],
    /// The path of that file.
    path: Option<&'v str>,
}

/// A label of series.
#[derive(Debug, Default)]
pub(super) struct LabelFacts {
    /// Its values, if they are listed.
    pub(super) values: Vec<String>,
    pub(super) description: Option<String>,
    /// The kind of its values, if a preset file declares it.
    pub(super) kind: Option<&'static str>,
}

/// All metrics, sorted by name.
pub(super) fn metrics<'v>(view: &'v View<'_>) -> BTreeMap<&'v str, Metric<'v>> {
    let known = view.snapshot().metrics.iter().map(|(name, known)| {
        (name.as_str(), Metric { name, kind: known.kind, known: Some(known), declared: &[], path: None })
    });
    let mut metrics: BTreeMap<&str, Metric<'_>> = known.collect();
    for (module, kind) in view.modules() {
        let Some(name) = module.metric.as_deref() else { continue };
        let new = Metric { name, kind: MetricType::Unknown, known: None, declared: &[], path: None };
        let metric = metrics.entry(name).or_insert(new);
        metric.kind = kind.unwrap_or(metric.kind);
        metric.declared = module.querier.as_ref().map_or(&[], |querier| &querier.labels);
        metric.path = view.path(module.file);
    }
    metrics
}

/// The metric that the series of a name belong to.
pub(super) fn find<'v>(metrics: &'v BTreeMap<&'v str, Metric<'v>>, series: &str) -> Option<&'v Metric<'v>> {
    metrics.get(series).or_else(|| metrics.get(without_suffix(series)))
}

/// The name of a metric as written in a template, with that of the file in the place of `{metric_name}`.
pub(super) fn resolved(view: &View<'_>, written: &str) -> String {
    let own = view.module().and_then(|module| module.metric.as_deref()).unwrap_or_default();
    written.replace("{metric_name}", own)
}

impl Metric<'_> {
    /// The names of its series.
    pub(super) fn series(&self) -> Vec<String> {
        let own = Some(&"").filter(|_| self.kind != MetricType::Histogram);
        own.into_iter().chain(self.kind.parts()).map(|suffix| format!("{}{suffix}", self.name)).collect()
    }

    /// Markdown about the metric.
    pub(super) fn documentation(&self) -> String {
        let mut out = format!("`{}`: {}", self.name, self.kind.as_str().replace('_', " "));
        if let Some(unit) = self.known.and_then(|known| known.unit.as_deref()) {
            _ = write!(out, ", in {unit}");
        }
        if let Some(help) = self.known.and_then(|known| known.help.as_deref()) {
            _ = write!(out, "\n\n{help}");
        }
        let labels: Vec<String> = self.labels().into_keys().map(|label| format!("`{label}`")).collect();
        if !labels.is_empty() {
            _ = write!(out, "\n\nLabels: {}", labels.join(", "));
        }
        if let Some(path) = self.path {
            _ = write!(out, "\n\nDeclared in `{path}`");
        }
        out
    }

    /// Its labels.
    pub(super) fn labels(&self) -> BTreeMap<String, LabelFacts> {
        let mut labels: BTreeMap<String, LabelFacts> = BTreeMap::new();
        if let Some(known) = self.known {
            labels.extend(known.labels.iter().flatten().map(|label| (label.clone(), LabelFacts::default())));
            for (label, values) in &known.values {
                labels.entry(label.clone()).or_default().values = values.iter().cloned().collect();
            }
        }
        match self.kind {
            MetricType::Histogram => _ = labels.entry("le".to_owned()).or_default(),
            MetricType::Summary => _ = labels.entry("quantile".to_owned()).or_default(),
            _ => {}
        }
        declare(&mut labels, self.declared);
        labels
    }
}

/// The labels of a metric, and those that the file declares. Without a known metric, those of all metrics.
pub(super) fn labels(
    view: &View<'_>,
    metrics: &BTreeMap<&str, Metric<'_>>,
    series: &str,
) -> BTreeMap<String, LabelFacts> {
    let mut labels = match find(metrics, &resolved(view, series)) {
        Some(metric) => metric.labels(),
        None => metrics.values().filter(|metric| metric.known.is_some()).flat_map(Metric::labels).collect(),
    };
    let own = view.module().and_then(|module| module.querier.as_ref());
    declare(&mut labels, own.map_or(&[], |querier| &querier.labels));
    labels
}

/// Adds what a file declares.
fn declare(labels: &mut BTreeMap<String, LabelFacts>, declared: &[Label]) {
    for label in declared {
        let facts = labels.entry(label.name.clone()).or_default();
        facts.description.clone_from(&label.description);
        facts.kind = Some(match &label.kind {
            LabelKind::Uuid => "uuid",
            LabelKind::Integer => "integer",
            LabelKind::OneOf(_) => "one of some values",
            _ => "string",
        });
        if let LabelKind::OneOf(values) = &label.kind {
            facts.values = values.variants.iter().map(|(_, text)| text.clone()).collect();
        }
    }
}

impl LabelFacts {
    /// Markdown about a label.
    pub(super) fn documentation(&self, name: &str) -> String {
        let mut out = format!("`{name}`: label");
        if let Some(kind) = self.kind {
            _ = write!(out, ", {kind}");
        }
        if let Some(description) = &self.description {
            _ = write!(out, "\n\n{description}");
        }
        let values: Vec<String> = self.values.iter().take(20).map(|value| format!("`{value}`")).collect();
        if !values.is_empty() {
            let more = if self.values.len() > values.len() { ", ..." } else { "" };
            _ = write!(out, "\n\nValues: {}{more}", values.join(", "));
        }
        out
    }
}
