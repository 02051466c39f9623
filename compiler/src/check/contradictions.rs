//! Declarations that `metrics.toml` contradicts: one finding for each, which shows both places.

use super::analysis::Analysis;
use super::schema::{Metric, Metrics};
use super::undeclared::{PULL, listed};
use super::units::base_unit;
use crate::diagnostic::source::{Lines, Spanned};
use crate::diagnostic::suggest::nearest;
use crate::file::known_metrics::KnownMetric;
use crate::file::{self, Label, LabelType, MetricType, PresetFile, Settings};
use crate::{Code, Diagnostic, SourceFile, Span};
use promql_presets_core::sort;
use std::sync::OnceLock;

/// Compares the declarations of a preset file with the snapshot, whose file is given.
pub(crate) fn check(
    raw: &PresetFile,
    metrics: &Metrics<'_>,
    settings: &Settings,
    snapshot: &Snapshot<'_>,
) -> Vec<Diagnostic> {
    let Some(declared) = &raw.metric else { return Vec::new() };
    let Some((metric, _)) = metrics.find(&declared.name.value) else { return Vec::new() };
    let Some(known) = metric.known else {
        let is_open = settings.metrics.is_open(&declared.name.value);
        return renamed(&declared.name, metrics).filter(|_| !is_open).into_iter().collect();
    };
    let mut found = Vec::new();
    found.extend(declared.kind.as_ref().and_then(|kind| wrong_type(kind, metrics, known, snapshot)));
    found.extend(declared.unit.as_ref().and_then(|unit| wrong_unit(unit, known, snapshot)));
    for label in file::Labels::all(raw.labels.as_ref()) {
        found.extend(wrong_label(label, metric, known, snapshot));
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

/// Reports a declared metric that `metrics.toml` lacks, if it has a similar one that no file declares.
fn renamed(name: &Spanned<String>, metrics: &Metrics<'_>) -> Option<Diagnostic> {
    let meant = metrics.known_as(&name.value)?;
    Some(
        Diagnostic::new(Code::UnknownMetric, name.span, format!("`{}` is not in `metrics.toml`", name.value))
            .label("declared here")
            .help(format!("a metric with a similar name exists: `{meant}`"))
            .note(format!("{PULL} if the metric is new"))
            .warning_unless(false),
    )
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

fn wrong_label(label: &Label, metric: &Metric<'_>, known: &KnownMetric, snapshot: &Snapshot<'_>) -> Option<Diagnostic> {
    let name = label.name.value.as_str();
    // Reserved labels are reported as such.
    if matches!(name, "job" | "instance" | "le" | "quantile" | "__name__") {
        return None;
    }
    let labels = known.labels.as_ref()?;
    if labels.iter().chain(&known.empty).any(|it| it.value == name) {
        return wrong_values(label, known, snapshot);
    }
    let title = format!("`{}` has no label `{name}`", metric.name);
    let finding = Diagnostic::new(Code::ConflictingMetric, label.name.span, title).label("declared here");
    let names: Vec<&str> = labels.iter().map(|label| label.value.as_str()).collect();
    let finding = similar_label(finding, name, &names);
    Some(snapshot.add(finding, known.name.span, format!("its labels are {}", listed(&names))))
}

fn similar_label(finding: Diagnostic, name: &str, labels: &[&str]) -> Diagnostic {
    match nearest(name, labels.iter().copied()) {
        Some(meant) => finding.help(format!("a label with a similar name exists: `{meant}`")),
        None => finding.help(format!("{PULL} if the label is new")),
    }
}

/// Reports values that exist but are not declared, with declared ones that do not exist.
fn wrong_values(label: &Label, known: &KnownMetric, snapshot: &Snapshot<'_>) -> Option<Diagnostic> {
    let (at, known) = known.values.iter().find(|(name, _)| name.value == label.name.value)?;
    let (Some(LabelType::OneOf(declared)), LabelType::OneOf(known)) = (&label.kind, known) else { return None };
    let lacks = |list: &[Spanned<String>], value: &&Spanned<String>| !list.iter().any(|it| it.value == value.value);
    let mut wrong = declared.iter().filter(|value| lacks(known, value));
    let missing: Vec<&str> =
        known.iter().filter(|value| lacks(declared, value)).map(|value| value.value.as_str()).collect();
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
    Some(snapshot.add(finding, at.span, "its values here"))
}

/// All labels of the series that a query selects; `None` if they are unknown.
pub(super) fn labels_read<'e>(query: &Analysis<'e>) -> Option<Vec<&'e str>> {
    let mut all = Vec::new();
    for (_, _, series) in query.selectors() {
        for series in series.each() {
            all.extend(series.metric?.labels.as_ref()?.keys());
        }
    }
    Some(all)
}

/// Reports declared labels that none of the metrics has that the file's presets read.
pub(crate) fn labels_of_no_metric(labels: &file::Labels, read: &[String]) -> Vec<Diagnostic> {
    let is_missing = |label: &&Label| {
        let name = label.name.value.as_str();
        !read.iter().any(|it| it == name) && !matches!(name, "job" | "instance" | "le" | "quantile" | "__name__")
    };
    let finding = |label: &Label| {
        let name = &label.name.value;
        let title = format!("no metric that the presets of this file read has the label `{name}`");
        let finding = Diagnostic::new(Code::ConflictingMetric, label.name.span, title)
            .label("not among the labels of these metrics in `metrics.toml`");
        let mut known: Vec<&str> = read.iter().map(String::as_str).collect();
        sort::by(&mut known, Ord::cmp);
        known.dedup();
        similar_label(finding, name, &known)
    };
    labels.labels.iter().filter(is_missing).map(finding).collect()
}
