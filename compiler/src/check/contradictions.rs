//! Declarations that `metrics.toml` contradicts: one finding for each, which shows both places.

use super::analysis::Analysis;
use super::schema::{Metric, Metrics};
use super::undeclared::{PULL, ReadsOwn, listed};
use super::units::base_unit;
use crate::diagnostic::source::{Lines, Spanned};
use crate::diagnostic::suggest::nearest;
use crate::file::known_metrics::KnownMetric;
use crate::file::{self, Label, LabelType, MetricType, PresetFile, Settings};
use crate::vec_ext::{IntoVec, VecExt};
use crate::{Code, Diagnostic, SourceFile, Span};
use promql_presets_core::sort;
use std::sync::OnceLock;

/// Compares the declarations of a preset file with the snapshot, whose file is given.
pub(crate) fn check(
    raw: &PresetFile,
    metrics: &Metrics<'_>,
    snapshot: &Snapshot<'_>,
    settings: &Settings,
) -> Vec<Diagnostic> {
    let Some((declared, (metric, known))) = raw.metric.as_ref().and_then(|it| Some((it, own(it, metrics)?))) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    found.add_all(
        declared
            .kind
            .as_ref()
            .filter(|_| !settings.metrics.is_open(metric.name))
            .and_then(|kind| wrong_type(kind, metrics, known, snapshot)),
    );
    found.add_all(declared.unit.as_ref().and_then(|unit| wrong_unit(unit, known, snapshot)));
    for label in file::Labels::all(raw.labels.as_ref()) {
        found.add_all(wrong_label(label, metric, known, snapshot));
    }
    found
}

/// The text of the snapshot.
pub(crate) struct Snapshot<'s> {
    file: &'s SourceFile,
    lines: OnceLock<Lines<'s>>,
}

impl<'s> Snapshot<'s> {
    pub(crate) fn of(file: &'s SourceFile) -> Self {
        Self { file, lines: OnceLock::new() }
    }

    fn add(&self, finding: Diagnostic, span: Span, label: impl Into<String>) -> Diagnostic {
        let lines = self.lines.get_or_init(|| self.file.lines());
        finding.elsewhere(lines.excerpt(&self.file.path, span, label))
    }
}

/// The metric that a file declares, if the snapshot has it.
fn own<'m, 's>(declared: &file::Metric, metrics: &'m Metrics<'s>) -> Option<(&'m Metric<'s>, &'s KnownMetric)> {
    let (metric, _) = metrics.find(&declared.name.value)?;
    Some((metric, metric.known?))
}

/// Reports a declared metric that does not exist, if presets of its file read it. Recording rules are on no page of an
/// exporter, so one is reported only if another with a similar name exists.
pub(crate) fn missing_metric(
    name: &Spanned<String>,
    metrics: &Metrics<'_>,
    settings: &Settings,
    reads: ReadsOwn,
) -> Option<Diagnostic> {
    if reads == ReadsOwn::No || settings.metrics.is_open(&name.value) {
        return None;
    }
    let is_certain = reads == ReadsOwn::Yes && !name.value.contains(':');
    let finding = Diagnostic::new(Code::UnknownMetric, name.span, format!("`{}` is not in `metrics.toml`", name.value))
        .label("declared here")
        .warning_unless(is_certain);
    match metrics.known_as(&name.value) {
        Some(meant) => Some(
            finding
                .help(format!("a metric with a similar name exists: `{meant}`"))
                .note(format!("{PULL} if the metric is new")),
        ),
        None => is_certain.then(|| finding.help(format!("{PULL} if the metric is new"))),
    }
}

fn wrong_type(
    declared: &Spanned<MetricType>,
    metrics: &Metrics<'_>,
    known: &KnownMetric,
    snapshot: &Snapshot<'_>,
) -> Option<Diagnostic> {
    let (kind, at) = (known.kind()?, known.kind.as_ref()?.span);
    let name = &known.name.value;
    let article = |kind: MetricType| match kind {
        MetricType::Info => "an info metric".to_owned(),
        kind => format!("a {}", kind.as_str().replace('_', " ")),
    };
    let title = format!("`{name}` is {}, not {}", article(kind), article(declared.value));
    let finding = Diagnostic::new(Code::ConflictingMetric, declared.span, title)
        .label("declared here")
        .help(format!("write `type = \"{}\"`", kind.as_str()));
    let is_wrong = metrics.contradicts(declared.value, known);
    is_wrong.then(|| snapshot.add(finding, at, format!("{} here", article(kind))))
}

fn wrong_unit(declared: &Spanned<String>, known: &KnownMetric, snapshot: &Snapshot<'_>) -> Option<Diagnostic> {
    let unit = known.unit.as_ref().filter(|unit| !unit.value.is_empty() && !declared.value.is_empty())?;
    let name = &known.name.value;
    let title = format!("the unit of `{name}` is `{}`, not `{}`", unit.value, declared.value);
    let finding = Diagnostic::new(Code::ConflictingMetric, declared.span, title)
        .label("declared here")
        .help(format!("write `unit = \"{}\"`", unit.value));
    (!base_unit(&unit.value).eq_ignore_ascii_case(base_unit(&declared.value)))
        .then(|| snapshot.add(finding, unit.span, "another one here"))
}

/// Whether a label is added by scraping, or has a meaning of its own, so that a metric need not list it.
fn is_of_every_metric(label: &str) -> bool {
    matches!(label, "job" | "instance" | "le" | "quantile" | "__name__")
}

fn wrong_label(label: &Label, metric: &Metric<'_>, known: &KnownMetric, snapshot: &Snapshot<'_>) -> Option<Diagnostic> {
    let name = label.name.value.as_str();
    // Reserved labels are reported as such.
    if is_of_every_metric(name) {
        return None;
    }
    let labels = known.labels.as_ref()?;
    if labels.iter().chain(&known.empty).any(|it| it.value == name) {
        return wrong_values(label, &[known], snapshot);
    }
    let title = format!("`{}` has no label `{name}`", metric.name);
    let finding = Diagnostic::new(Code::ConflictingMetric, label.name.span, title).label("declared here");
    let names: Vec<&str> = labels.iter().map(|label| label.value.as_str()).into_vec();
    let finding = similar_label(finding, name, &names);
    Some(snapshot.add(finding, known.name.span, format!("its labels are {}", listed(&names))))
}

fn similar_label(finding: Diagnostic, name: &str, labels: &[&str]) -> Diagnostic {
    match nearest(name, labels.iter().copied()) {
        Some(meant) => finding.help(format!("a label with a similar name exists: `{meant}`")),
        None => finding.help(format!("{PULL} if the label is new")),
    }
}

/// Reports values that a label of some metrics has but its declaration lacks, with declared ones that do not exist.
fn wrong_values(label: &Label, metrics: &[&KnownMetric], snapshot: &Snapshot<'_>) -> Option<Diagnostic> {
    let Some(LabelType::OneOf(declared)) = &label.kind else { return None };
    let (mut at, mut known) = (None, Vec::new());
    for metric in metrics {
        let (name, values) = metric.values.iter().find(|(name, _)| name.value == label.name.value)?;
        at = at.or(Some(name.span));
        known.add_all(if let LabelType::OneOf(values) = values { values.as_slice() } else { &[] });
    }
    let mut wrong = declared.iter().filter(|value| !known.iter().any(|it| it.value == value.value));
    let mut missing: Vec<&str> = known.iter().map(|value| value.value.as_str()).into_vec();
    missing.keep(|value| !declared.iter().any(|it| it.value == *value));
    sort::by(&mut missing, Ord::cmp);
    missing.dedup();
    let name = &label.name.value;
    let finding = match (wrong.next(), missing.as_slice()) {
        // A value that is declared may not have been seen yet.
        (_, []) => return None,
        (Some(first), _) => {
            let title = format!("`{}` is not a value of the label `{name}`", first.value);
            let finding = Diagnostic::new(Code::ConflictingMetric, first.span, title).label("declared here");
            let finding = wrong.fold(finding, |finding, value| finding.secondary(value.span, "nor is this"));
            match nearest(&first.value, missing.iter().copied()) {
                Some(meant) => finding.help(format!("a value with a similar name exists: `{meant}`")),
                None => finding.help(format!("{PULL} if the value is new")),
            }
        }
        (None, missing) => {
            let title = format!("values of the label `{name}` that are not declared");
            Diagnostic::new(Code::ConflictingMetric, label.name.span, title)
                .label(format!("without {}", listed(missing)))
                .help("add them, or declare the label as `\"string\"`")
                .warning_unless(false)
        }
    };
    Some(snapshot.add(finding, at?, "its values here"))
}

/// The metrics that a query selects; `None` if the labels of some are unknown.
pub(super) fn metrics_read<'e>(query: &Analysis<'e>) -> Option<Vec<&'e str>> {
    let mut all = Vec::new();
    for (_, _, series) in query.selectors() {
        for series in series.each() {
            all.push(series.metric.filter(|metric| metric.labels.is_some())?.name);
        }
    }
    Some(all)
}

/// Compares the labels that a file declares with the metrics that its presets read: reports labels that none of them has, and
/// values that they do not have.
pub(crate) fn labels_of_metrics(
    raw: &PresetFile,
    metrics: &Metrics<'_>,
    read: &[String],
    snapshot: &Snapshot<'_>,
) -> Vec<Diagnostic> {
    let mut read: Vec<&str> = read.iter().map(String::as_str).into_vec();
    sort::by(&mut read, Ord::cmp);
    read.dedup();
    let read: Vec<&Metric<'_>> = read.into_iter().filter_map(|name| Some(metrics.find(name)?.0)).into_vec();
    let own = raw.metric.as_ref().and_then(|declared| own(declared, metrics));
    let mut found = Vec::new();
    for label in file::Labels::all(raw.labels.as_ref()) {
        let name = label.name.value.as_str();
        if is_of_every_metric(name) {
            continue;
        }
        let has_label = |metric: &Metric<'_>| metric.labels.as_ref().is_some_and(|labels| labels.contains_key(name));
        let having: Vec<&Metric<'_>> = read.iter().copied().filter(|metric| has_label(metric)).into_vec();
        let known: Option<Vec<_>> = having.iter().map(|metric| metric.known).collect();
        let is_compared = own.is_some_and(|(metric, _)| has_label(metric));
        match known {
            _ if having.is_empty() => found.push(label_of_no_metric(label, &read)),
            Some(known) if !is_compared => found.add_all(wrong_values(label, &known, snapshot)),
            _ => {}
        }
    }
    found
}

fn label_of_no_metric(label: &Label, read: &[&Metric<'_>]) -> Diagnostic {
    let name = &label.name.value;
    let title = format!("no metric that the presets of this file read has the label `{name}`");
    let finding = Diagnostic::new(Code::ConflictingMetric, label.name.span, title)
        .label("not among the labels of these metrics in `metrics.toml`");
    let mut known: Vec<&str> =
        read.iter().filter_map(|it| it.labels.as_ref()).flat_map(|it| it.keys().copied()).into_vec();
    sort::by(&mut known, Ord::cmp);
    known.dedup();
    similar_label(finding, name, &known)
}
