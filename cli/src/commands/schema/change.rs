//! The changes from one `metrics.toml` to the next.

use std::collections::{BTreeMap, BTreeSet};

use promql_presets_compiler::{MetricType, Snapshot, SnapshotMetric};

use super::wanted::Entry;
use super::{Found, backticks};
use crate::json::Object;
use crate::output::{Format, in_colors};

/// A difference between `metrics.toml` and what exists.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Change {
    metric: String,
    what: ChangeKind,
    /// The presets that read the metric.
    presets: BTreeSet<String>,
}

/// The kind of a change, with the old and the new value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ChangeKind {
    Added(SnapshotMetric),
    /// The sources lack the metric. With the name of a similar one that they have.
    Gone(Option<String>),
    /// No preset reads it, and it is removed.
    Unread,
    /// A key, and what it was.
    Text(&'static str, Option<String>, Option<String>),
    LabelAdded(String),
    LabelGone(String),
    /// A page has it without a value.
    LabelEmpty(String),
    ValueAdded(String, String),
    ValueGone(String, String),
}

impl Change {
    pub(super) fn of(metric: &str, presets: BTreeSet<String>, what: ChangeKind) -> Self {
        Self { metric: metric.to_owned(), what, presets }
    }

    pub(super) fn metric(&self) -> &str {
        &self.metric
    }

    /// Whether the sources lack something.
    pub(super) const fn is_gone(&self) -> bool {
        matches!(self.what, ChangeKind::Gone(_) | ChangeKind::LabelGone(_) | ChangeKind::ValueGone(..))
    }

    /// Whether it can affect a preset, unlike a help text, a label that series do not have, and a suggested metric.
    pub(super) fn is_drift(&self) -> bool {
        !matches!(self.what, ChangeKind::Text("help", ..) | ChangeKind::LabelEmpty(_)) && !self.presets.is_empty()
    }

    /// The sign of its line, and the color.
    const fn sign(&self) -> (char, u8) {
        match self.what {
            ChangeKind::Added(_) => ('+', 32),
            ChangeKind::Gone(_) | ChangeKind::Unread => ('-', 31),
            _ => ('~', 33),
        }
    }

    fn line(&self, colors: bool) -> String {
        let what = match &self.what {
            ChangeKind::Added(metric) => {
                let labels = metric.labels.as_ref().filter(|labels| !labels.is_empty());
                let labels = labels.map(|labels| format!(" with the labels {}", backticks(labels))).unwrap_or_default();
                format!("{}{labels}", described(metric.kind))
            }
            ChangeKind::Gone(None) => "does not exist".to_owned(),
            ChangeKind::Gone(Some(similar)) => {
                format!("does not exist; a metric with a similar name does: `{similar}`")
            }
            ChangeKind::Unread => "no preset reads it".to_owned(),
            ChangeKind::Text("help", ..) => "has another help text".to_owned(),
            ChangeKind::Text(key, old, new) => {
                let shown = |text: &Option<String>| text.as_ref().map_or("none".to_owned(), |text| format!("`{text}`"));
                format!("its {key} is {}, not {}", shown(new), shown(old))
            }
            ChangeKind::LabelAdded(label) => format!("has a new label `{label}`"),
            ChangeKind::LabelGone(label) => format!("has no label `{label}`"),
            ChangeKind::LabelEmpty(label) => format!("has a label `{label}` without a value"),
            ChangeKind::ValueAdded(label, value) => format!("its label `{label}` has a new value `{value}`"),
            ChangeKind::ValueGone(label, value) => format!("its label `{label}` has no value `{value}`"),
        };
        let by =
            if self.presets.is_empty() { String::new() } else { format!(" (read by {})", backticks(&self.presets)) };
        let (sign, color) = self.sign();
        let [start, end] =
            if colors { [format!("\u{1b}[{color}m"), "\u{1b}[0m".to_owned()] } else { Default::default() };
        format!("{start}{sign} {}{end}: {what}{by}\n", self.metric)
    }

    fn json(&self, out: &mut String) {
        let some = |text: &str| Some(text.to_owned());
        let (change, field, label, old, new) = match &self.what {
            ChangeKind::Added(metric) => ("added", "metric", None, None, some(metric.kind.as_str())),
            ChangeKind::Gone(_) | ChangeKind::Unread => ("gone", "metric", None, None, None),
            ChangeKind::Text(key, old, new) => ("changed", *key, None, old.clone(), new.clone()),
            ChangeKind::LabelAdded(label) => ("added", "label", Some(label), None, None),
            ChangeKind::LabelGone(label) => ("gone", "label", Some(label), None, None),
            ChangeKind::LabelEmpty(label) => ("added", "empty", Some(label), None, None),
            ChangeKind::ValueAdded(label, value) => ("added", "value", Some(label), None, some(value)),
            ChangeKind::ValueGone(label, value) => ("gone", "value", Some(label), some(value), None),
        };
        let similar = if let ChangeKind::Gone(Some(similar)) = &self.what { Some(similar.as_str()) } else { None };
        let presets: Vec<&str> = self.presets.iter().map(String::as_str).collect();
        Object::open(out)
            .field("change", change)
            .field("metric", self.metric.as_str())
            .field("field", field)
            .field("label", label.map(String::as_str))
            .field("old", old)
            .field("new", new)
            .field("similar", similar)
            .field("presets", presets)
            .close();
        out.push('\n');
    }
}

fn described(kind: MetricType) -> String {
    match kind {
        MetricType::Unknown => "a metric of unknown type".to_owned(),
        MetricType::Info => "an info metric".to_owned(),
        MetricType::Stateset => "a state set".to_owned(),
        kind => format!("a {}", kind.as_str().replace('_', " ")),
    }
}

/// All differences, in the order of the metrics.
pub(super) fn changes(snapshot: &Snapshot, found: &Found) -> Vec<Change> {
    let mut changes = Vec::new();
    for (name, entry) in &found.entries {
        let mut add = |what| changes.push(Change::of(name, entry.presets.clone(), what));
        match snapshot.metrics.get(name) {
            None => add(ChangeKind::Added(entry.metric.clone())),
            Some(old) => compare(old, entry).into_iter().for_each(add),
        }
    }
    for (name, missing) in &found.missing {
        changes.push(Change::of(name, missing.presets.clone(), ChangeKind::Gone(missing.similar().cloned())));
    }
    changes.sort_by(|a, b| a.metric.cmp(&b.metric));
    changes
}

fn compare(old: &SnapshotMetric, new: &Entry) -> Vec<ChangeKind> {
    let mut found = Vec::new();
    let kind = kind(old, new);
    let new = &new.metric;
    if kind != old.kind {
        let [old, new] = [old.kind, kind].map(|kind| Some(kind.as_str().to_owned()));
        found.push(ChangeKind::Text("type", old, new));
    }
    for (key, old, new) in [("unit", &old.unit, &new.unit), ("help", &old.help, &new.help)] {
        if new.is_some() && new != old {
            found.push(ChangeKind::Text(key, old.clone(), new.clone()));
        }
    }
    if let Some(labels) = &new.labels {
        let known = old.labels.clone().unwrap_or_default();
        found.extend(labels.difference(&known).cloned().map(ChangeKind::LabelAdded));
        found.extend(known.difference(labels).cloned().map(ChangeKind::LabelGone));
    }
    found.extend(new.empty.difference(&old.empty).cloned().map(ChangeKind::LabelEmpty));
    for (label, values) in &new.values {
        let known = old.values.get(label).cloned().unwrap_or_default();
        found.extend(values.difference(&known).map(|value| ChangeKind::ValueAdded(label.clone(), value.clone())));
        found.extend(known.difference(values).map(|value| ChangeKind::ValueGone(label.clone(), value.clone())));
    }
    found
}

/// The next type. A type that sources do not know, or cannot know, stays as it is.
fn kind(old: &SnapshotMetric, new: &Entry) -> MetricType {
    match (old.kind, new.metric.kind) {
        (old, MetricType::Unknown) => old,
        (MetricType::NativeHistogram, MetricType::Histogram) if new.is_text => MetricType::NativeHistogram,
        (_, new) => new,
    }
}

/// The next `metrics.toml`. Only `prune` removes what the sources lack.
pub(super) fn merge(snapshot: &Snapshot, found: &Found, prune: bool) -> Snapshot {
    let mut metrics = if prune { BTreeMap::new() } else { snapshot.metrics.clone() };
    metrics.retain(|name, _| !found.obsolete.contains(name));
    for (name, entry) in &found.entries {
        let old = snapshot.metrics.get(name).cloned().unwrap_or_default();
        let (kind, new) = (kind(&old, entry), entry.metric.clone());
        // Servers do not report them.
        let mut empty = new.empty;
        if !prune || !entry.is_text {
            empty.extend(old.empty);
        }
        let (labels, values) = match (new.labels, prune) {
            (None, _) => (old.labels, old.values),
            (Some(labels), true) => (Some(labels), new.values),
            (Some(labels), false) => {
                let mut values = old.values;
                // Its value means that there are no buckets, or no quantiles.
                values.retain(|label, old| new.values.contains_key(label) || !says_nothing(label, old));
                for (label, new) in new.values {
                    values.entry(label).or_default().extend(new);
                }
                (Some(labels.into_iter().chain(old.labels.into_iter().flatten()).collect()), values)
            }
        };
        empty.retain(|label| !labels.as_ref().is_some_and(|labels: &BTreeSet<String>| labels.contains(label)));
        let (help, unit) = (new.help.or(old.help), new.unit.or(old.unit));
        let metric = SnapshotMetric { kind, help, unit, labels, empty, values };
        metrics.insert(name.clone(), metric);
    }
    let mut similar = BTreeMap::new();
    // Entries that are kept exist.
    for (_, missing) in found.missing.iter().filter(|(name, _)| !metrics.contains_key(*name)) {
        for (series, new) in &missing.series {
            // Another page may have had a value.
            let old = snapshot.similar.get(series).filter(|_| !prune);
            similar.extend(new.as_ref().or(old).map(|similar| (series.clone(), similar.clone())));
        }
    }
    Snapshot { metrics, similar }
}

/// Whether the values of a label are those of metrics without buckets.
fn says_nothing(label: &str, values: &BTreeSet<String>) -> bool {
    label == "le" && values.iter().all(|bound| bound == "+Inf")
}

/// The metrics of the file that no preset reads.
pub(super) fn unread(snapshot: &Snapshot, found: &Found) -> Vec<String> {
    let is_read = |name: &String| {
        found.entries.contains_key(name) || found.missing.contains_key(name) || found.obsolete.contains(name)
    };
    snapshot.metrics.keys().filter(|name| !is_read(name)).cloned().collect()
}

/// All changes, one a line.
pub(super) fn text(changes: &[Change], format: Format) -> String {
    let colors = in_colors();
    changes.iter().fold(String::new(), |mut out, change| {
        match format {
            Format::Human => out.push_str(&change.line(colors)),
            Format::Json => change.json(&mut out),
        }
        out
    })
}

/// The numbers of metrics that were added, changed, and are gone.
pub(super) fn summary(changes: &[Change]) -> String {
    let of = |sign: char| {
        let metrics: BTreeSet<&str> =
            changes.iter().filter(|change| change.sign().0 == sign).map(|change| change.metric.as_str()).collect();
        metrics.len()
    };
    if changes.is_empty() {
        return "no differences".to_owned();
    }
    let parts = [(of('+'), "added"), (of('~'), "changed"), (of('-'), "gone")];
    let parts = parts.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}"));
    parts.collect::<Vec<_>>().join(", ")
}
