//! Which metrics the series that presets read belong to, and their entries in `metrics.toml`.

use std::collections::{BTreeMap, BTreeSet};

use promql_presets_compiler::check::{is_of_server, matches_any_name};
use promql_presets_compiler::{MetricType, MetricsRead, SeriesRead, Snapshot, SnapshotMetric};

use super::backticks;
use super::known::{Known, Presence, Seen, suffixes};
use crate::exposition::Family;

/// A metric that presets read.
#[derive(Debug)]
pub(super) struct Wanted {
    /// Its name: that of its family if it is a histogram or a summary, else that of its series.
    pub(super) name: String,
    /// Its type in the metadata.
    kind: Kind,
    /// Whether a source has metadata of its series: then it exists, though it may have no series yet.
    is_declared: bool,
    /// The name of its family, if that lacks the suffix of its series: `x` of `x_total`.
    pub(super) family: Option<String>,
    help: Option<String>,
    unit: Option<String>,
    /// The series that it may consist of.
    pub(super) series: BTreeSet<String>,
    /// The series that presets read.
    pub(super) read: BTreeSet<String>,
    /// The labels whose values are written to the entry.
    pub(super) enumerated: BTreeSet<String>,
    pub(super) presets: BTreeSet<String>,
}

/// An entry of `metrics.toml`.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) metric: SnapshotMetric,
    pub(super) presets: BTreeSet<String>,
    /// Whether it is known from pages only, which show native histograms as classic ones.
    pub(super) is_text: bool,
}

/// What is not known of metrics, with the names of all of which it is true.
#[derive(Debug, Default)]
pub(super) struct Notes(BTreeMap<&'static str, BTreeSet<String>>);

impl Notes {
    fn add(&mut self, what: &'static str, metric: &str) {
        self.0.entry(what).or_default().insert(metric.to_owned());
    }

    /// One text for each kind.
    pub(super) fn texts(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|(what, metrics)| format!("{what}: {}", backticks(metrics)))
    }
}

/// A metric for a new preset file.
#[derive(Debug, Default)]
pub(in crate::commands) struct NewMetric {
    /// Its full name.
    pub(in crate::commands) name: String,
    /// Its entry. Of several types, it is that of the series that were meant.
    pub(in crate::commands) metric: SnapshotMetric,
    /// Whether its histograms are gauges.
    pub(in crate::commands) is_gauge: bool,
    /// Whether it is both a classic and a native histogram.
    pub(in crate::commands) is_both: bool,
}

/// The type of a metric in the metadata.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Classic, native, or both.
    Histogram,
    Summary,
    /// Any other, with one series.
    Single(MetricType),
    /// Sources disagree.
    Conflict,
}

/// Selectors without a name, whose metrics cannot be looked up.
pub(super) fn unnamed(read: &MetricsRead) -> Vec<String> {
    let mut presets: Vec<&String> = read.unnamed.iter().map(|(preset, _)| preset).collect();
    presets.dedup();
    if presets.is_empty() {
        return Vec::new();
    }
    vec![format!("metrics without a fixed name are left out, of {}", backticks(presets))]
}

/// The limit of metrics that one pattern adds.
const MAX_MATCHES: usize = 200;

/// Adds the series that match a pattern of names to those that presets read. Of too many, it returns the name of one for
/// which checks then allow any label and any type.
pub(super) fn expand(
    read: &mut MetricsRead,
    pattern: &str,
    by: &SeriesRead,
    names: BTreeSet<String>,
    remarks: &mut Vec<String>,
) -> Option<String> {
    let number = names.len();
    let found = match number {
        0 if matches_any_name(pattern) => "any metric; they are left out".to_owned(),
        0 => "no metric".to_owned(),
        // The first quantile shows that there are some.
        _ if number > MAX_MATCHES => format!("{number} metrics, of which only one is listed"),
        _ => String::new(),
    };
    if !found.is_empty() {
        remarks.push(format!("`{pattern}` matches {found} (read by {})", backticks(&by.presets)));
    }
    if number > MAX_MATCHES {
        // The entry of a histogram or a summary has the labels of its series.
        let family = |name: &str| {
            MetricType::Histogram.parts().iter().find_map(|part| Some(name.strip_suffix(part)?.to_owned()))
        };
        let families: BTreeSet<String> = read.series.keys().filter_map(|name| family(name)).collect();
        let is_free =
            |name: &String| !read.series.contains_key(name) && family(name).is_none_or(|it| !families.contains(&it));
        return names.into_iter().find(is_free);
    }
    for name in names {
        let series = read.series.entry(name).or_default();
        series.presets.extend(by.presets.iter().cloned());
        series.enumerated.extend(by.enumerated.iter().cloned());
    }
    None
}

/// The label of a summary's quantiles.
const QUANTILE: &str = "quantile";

/// The metrics that the series belong to, according to `metrics.toml` where sources have no metadata.
pub(super) fn plan(read: &MetricsRead, known: &Known, snapshot: &Snapshot) -> Vec<Wanted> {
    let mut of_file = Known::default();
    for (name, metric) in &snapshot.metrics {
        let kind = if metric.kind == MetricType::NativeHistogram { "histogram" } else { metric.kind.as_str() };
        of_file.add(name, Family { kind: kind.to_owned(), ..Family::default() });
        // Its counters have the names of their series.
        of_file.series.insert(name.clone());
    }
    let mut wanted: BTreeMap<String, Wanted> = BTreeMap::new();
    for (series, by) in &read.series {
        let new =
            find(series, known).or_else(|| find(series, &of_file).map(|found| Wanted { is_declared: false, ..found }));
        let new = new.unwrap_or_else(|| Wanted::single(series, MetricType::Unknown));
        let metric = wanted.entry(new.name.clone()).or_insert(new);
        metric.read.insert(series.clone());
        metric.enumerated.extend(by.enumerated.iter().cloned());
        metric.presets.extend(by.presets.iter().cloned());
    }
    wanted.into_values().collect()
}

/// The metric for a new preset file, by its name or that of one of its series.
pub(super) fn for_new_file(name: &str, known: &Known) -> Wanted {
    let found = gauge_histogram(name, known).or_else(|| find(name, known));
    let mut wanted = found.unwrap_or_else(|| Wanted::single(name, MetricType::Unknown));
    wanted.read.insert(wanted.name.clone());
    wanted.enumerated.insert("le".to_owned());
    wanted
}

/// What a metric without metadata may be, and the label that shows it.
pub(super) fn without_metadata(metric: &str, known: &Known) -> Vec<(Wanted, &'static str)> {
    if gauge_histogram(metric, known).or_else(|| find(metric, known)).is_some() {
        return Vec::new();
    }
    let name = MetricType::Histogram.parts().iter().find_map(|part| metric.strip_suffix(part)).unwrap_or(metric);
    let as_family = |kind: MetricType| {
        let mut known = Known::default();
        known.add(name, Family { kind: kind.as_str().to_owned(), ..Family::default() });
        for_new_file(name, &known)
    };
    vec![(as_family(MetricType::Histogram), "le"), (as_family(MetricType::Summary), QUANTILE)]
}

/// The histogram of gauges that a series belongs to. Presets read its series as metrics of their own.
fn gauge_histogram(series: &str, known: &Known) -> Option<Wanted> {
    const KIND: &str = "gaugehistogram";
    let names =
        std::iter::once(series).chain(suffixes(KIND).into_iter().filter_map(|suffix| series.strip_suffix(suffix)));
    let is_one = |name: &&str| known.families.get(*name).is_some_and(|it| it.iter().any(|it| it.kind == KIND));
    let name = names.into_iter().find(is_one)?;
    let mut wanted = Wanted { is_declared: true, ..Wanted::single(name, MetricType::Unknown) };
    wanted.series.extend(suffixes(KIND).iter().map(|suffix| format!("{name}{suffix}")));
    wanted.help = known.families.get(name)?.iter().map(|family| &family.help).find(|help| !help.is_empty()).cloned();
    wanted.unit = known.families.get(name)?.iter().map(|family| &family.unit).find(|unit| !unit.is_empty()).cloned();
    Some(wanted)
}

/// The metric that a series belongs to, according to metadata.
fn find(series: &str, known: &Known) -> Option<Wanted> {
    if is_of_server(series) {
        return Some(Wanted::single(series, MetricType::Gauge));
    }
    let suffixed = ["_bucket", "_count", "_sum", "_gcount", "_gsum", "_total", "_info", "_created"];
    let names = std::iter::once((series, ""))
        .chain(suffixed.iter().filter_map(|suffix| series.strip_suffix(suffix).map(|name| (name, *suffix))));
    for (name, suffix) in names {
        let Some(families) = known.families.get(name) else { continue };
        // In the text format, `x` may itself be a counter, which has nothing to do with `x_total`.
        if matches!(suffix, "_total" | "_info") && known.series.contains(name) && !known.series.contains(series) {
            continue;
        }
        let families: Vec<&Family> =
            families.iter().filter(|family| suffix.is_empty() || suffixes(&family.kind).contains(&suffix)).collect();
        if families.is_empty() {
            continue;
        }
        let text =
            |text: fn(&Family) -> &String| families.iter().map(|it| text(it)).find(|text| !text.is_empty()).cloned();
        let kinds: BTreeSet<&str> = families.iter().map(|family| family.kind.as_str()).collect();
        let kinds: Vec<&str> = kinds.into_iter().filter(|kind| !matches!(*kind, "" | "unknown" | "untyped")).collect();
        // `x` may be the family of `x_total` in OpenMetrics, so that it has no series.
        let (kind, is_declared) = match kinds[..] {
            // Not all formats and clients have this series.
            _ if suffix == "_created" => (Kind::Single(MetricType::Gauge), false),
            ["histogram"] => (Kind::Histogram, true),
            ["summary"] => (Kind::Summary, true),
            // Its own name has no series.
            ["gaugehistogram"] => (Kind::Single(MetricType::Gauge), !suffix.is_empty()),
            ["counter"] => (Kind::Single(MetricType::Counter), series.ends_with("_total")),
            ["info"] => (Kind::Single(MetricType::Info), series.ends_with("_info")),
            ["gauge"] => (Kind::Single(MetricType::Gauge), true),
            ["stateset"] => (Kind::Single(MetricType::Stateset), true),
            [] | [_] => (Kind::Single(MetricType::Unknown), suffix.is_empty()),
            _ => (Kind::Conflict, false),
        };
        let is_family = matches!(kind, Kind::Histogram | Kind::Summary);
        let all = if is_family { suffixes(kinds[0]) } else { Vec::new() };
        let mut wanted = Wanted::single(if is_family { name } else { series }, MetricType::Unknown);
        wanted.series.extend(all.iter().map(|suffix| format!("{name}{suffix}")));
        if kind == Kind::Summary {
            wanted.enumerated.insert(QUANTILE.to_owned());
        }
        let family = matches!(suffix, "_total" | "_info").then(|| name.to_owned());
        let unit = match suffix {
            "_created" => Some("seconds".to_owned()),
            "_gcount" | "_bucket" if !is_family => None,
            _ => text(|it| &it.unit),
        };
        return Some(Wanted { kind, is_declared, family, help: text(|it| &it.help), unit, ..wanted });
    }
    None
}

impl Wanted {
    fn single(name: &str, kind: MetricType) -> Self {
        Self {
            name: name.to_owned(),
            kind: Kind::Single(kind),
            is_declared: false,
            family: None,
            help: None,
            unit: None,
            series: BTreeSet::from([name.to_owned()]),
            read: BTreeSet::new(),
            enumerated: BTreeSet::new(),
            presets: BTreeSet::new(),
        }
    }

    /// Whether sources disagree on its type.
    pub(super) fn has_several_types(&self) -> bool {
        self.kind == Kind::Conflict
    }

    /// Whether it may be a native histogram.
    pub(super) fn is_histogram(&self) -> bool {
        self.kind == Kind::Histogram
    }

    /// Adds the entries of the metric. Returns whether it exists.
    pub(super) fn entries(&self, seen: &Seen, entries: &mut BTreeMap<String, Entry>, notes: &mut Notes) -> bool {
        let is_present = seen.presence == Presence::Current;
        match seen.presence {
            Presence::Current => {}
            Presence::Ended => {
                notes.add("no current samples", &self.name);
                return false;
            }
            Presence::None if self.is_declared && !seen.is_of_family => {
                notes.add("labels are unknown, since there are no series yet", &self.name);
            }
            Presence::None => return false,
        }
        let is_classic = seen.labels.contains("le");
        let kind = match self.kind {
            Kind::Histogram if seen.is_native && is_classic => {
                self.both(seen, entries);
                return true;
            }
            // Without series, what presets read is the only hint.
            Kind::Histogram if seen.is_native || (!is_present && self.read.contains(&self.name)) => {
                MetricType::NativeHistogram
            }
            Kind::Histogram => MetricType::Histogram,
            Kind::Summary => MetricType::Summary,
            Kind::Single(kind) => kind,
            Kind::Conflict => {
                notes.add("types are unknown, since the metadata has several", &self.name);
                MetricType::Unknown
            }
        };
        let own = match kind {
            MetricType::Histogram => "le",
            MetricType::Summary => QUANTILE,
            _ => "",
        };
        let mut entry = self.entry(kind, seen, own);
        if is_present && kind == MetricType::Summary {
            // Many clients write summaries without quantiles.
            entry.metric.values.entry(QUANTILE.to_owned()).or_default();
        }
        entries.insert(self.name.clone(), entry);
        true
    }

    /// The metric for a new preset file, if it exists; `meant` is its name, or that of one of its series.
    pub(super) fn new_metric(&self, meant: &str, seen: &Seen, notes: &mut Notes) -> Option<NewMetric> {
        let mut entries = BTreeMap::new();
        self.entries(seen, &mut entries, notes);
        let (_, Entry { mut metric, .. }) = entries.pop_first()?;
        let is_gauge = self.series.contains(&format!("{}_gcount", self.name));
        // A page has one classic bucket for a native histogram.
        let has_bounds = seen.values.get("le").is_some_and(|bounds| bounds.iter().any(|bound| bound != "+Inf"));
        let is_both = !is_gauge && self.is_histogram() && seen.is_native && has_bounds;
        if is_gauge || is_both {
            let is_native = seen.is_native && (is_gauge || meant == self.name);
            let kind = if is_native { MetricType::NativeHistogram } else { MetricType::Histogram };
            metric = self.entry(kind, seen, "le").metric;
        }
        Some(NewMetric { name: self.name.clone(), metric, is_gauge, is_both })
    }

    /// Both a native and a classic histogram: an entry for each series that presets read.
    fn both(&self, seen: &Seen, entries: &mut BTreeMap<String, Entry>) {
        for series in &self.read {
            let kind = if *series == self.name { MetricType::NativeHistogram } else { MetricType::Counter };
            let own = if series.ends_with("_bucket") { "" } else { "le" };
            let mut entry = self.entry(kind, seen, own);
            if !own.is_empty() {
                entry.metric.values.remove(own);
            }
            entries.insert(series.clone(), entry);
        }
    }

    /// `own` is the label that the type implies.
    fn entry(&self, kind: MetricType, seen: &Seen, own: &str) -> Entry {
        let labels = seen.labels.iter().filter(|label| *label != own).cloned().collect();
        let metric = SnapshotMetric {
            kind,
            help: self.help.clone(),
            unit: self.unit.clone(),
            labels: (seen.presence == Presence::Current).then_some(labels),
            empty: seen.empty.difference(&seen.labels).cloned().collect(),
            values: seen.values.clone(),
        };
        Entry { metric, presets: self.presets.clone(), is_text: !seen.is_stored }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_means_the_classic_or_the_native_histogram() {
        let mut known = Known::default();
        known.add("x", Family { kind: "histogram".to_owned(), ..Family::default() });
        let seen = |is_native, bounds: &[&str]| Seen {
            presence: Presence::Current,
            labels: ["job", "le"].map(str::to_owned).into(),
            values: [("le".to_owned(), bounds.iter().map(|bound| (*bound).to_owned()).collect())].into(),
            is_native,
            ..Seen::default()
        };
        for (name, is_native, bounds, kind, is_both) in [
            ("x", true, &["+Inf", "0.5"][..], MetricType::NativeHistogram, true),
            ("x_bucket", true, &["+Inf", "0.5"], MetricType::Histogram, true),
            ("x_bucket", true, &["+Inf"], MetricType::NativeHistogram, false),
            ("x_count", false, &["+Inf", "0.5"], MetricType::Histogram, false),
        ] {
            let found =
                for_new_file(name, &known).new_metric(name, &seen(is_native, bounds), &mut Notes::default()).unwrap();
            assert_eq!((found.name.as_str(), found.metric.kind, found.is_both), ("x", kind, is_both), "{name}");
            assert_eq!(found.metric.labels, Some(BTreeSet::from(["job".to_owned()])), "{name}");
            let has_bounds = found.metric.values.get("le").is_some_and(|known| known.len() == bounds.len());
            assert!(has_bounds || kind == MetricType::NativeHistogram, "{name}");
        }
    }
}
