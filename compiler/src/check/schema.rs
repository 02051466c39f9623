//! The metrics that all preset files declare.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::OnceLock;

use promql_presets_core::{LabelInfo, LabelUse, PromDuration};

use crate::diagnostic::suggest::is_one_edit;
use crate::file::{Label, LabelType, Labels, MetricType, PresetFile};
use crate::{Code, Diagnostic};

/// The metrics that preset files declare.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metrics<'s> {
    declared: Vec<Metric<'s>>,
    /// The metric and role of each name of series.
    names: HashMap<String, (usize, Role)>,
    /// Hashes of the metrics' names and of each name without one of its letters. Computed on first use.
    misspelt: OnceLock<HashMap<u64, usize>>,
}

/// A declared metric.
#[derive(Clone, Debug)]
pub(crate) struct Metric<'s> {
    /// Its name.
    pub name: &'s str,
    /// Its type, if that is declared.
    pub kind: Option<MetricType>,
    /// How often it is scraped.
    pub scrape_interval: Option<PromDuration>,
    /// Its labels with their types; `None` admits any.
    pub labels: Option<BTreeMap<&'s str, &'s Label>>,
    /// The path of the file that declares it first.
    pub path: String,
}

/// The kind of series that a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Only grows.
    Counter,
    /// Goes up and down.
    Gauge,
    /// `x_bucket` of a classic histogram.
    Bucket,
    /// `x_sum` of a histogram or summary.
    Sum,
    /// `x_count` of a histogram or summary.
    Count,
    /// `x` of a classic histogram, which has no series.
    Base,
    /// Each sample is a histogram.
    NativeHistogram,
    /// `x` of a summary, with the label `quantile`.
    Quantiles,
    /// Always 1.
    Info,
    /// 0 or 1.
    Stateset,
    /// Unknown.
    Unknown,
}

impl Role {
    /// Whether the series only grow.
    pub(super) const fn is_counter(self) -> bool {
        matches!(self, Self::Counter | Self::Bucket | Self::Sum | Self::Count)
    }

    /// The role that the suffix of an undeclared name suggests.
    pub(super) fn of_suffix(name: &str) -> Self {
        // Names with colons are recording rules, whose suffix is that of an operation.
        if name.contains(':') {
            return Self::Unknown;
        }
        match name.rsplit('_').next().filter(|suffix| suffix.len() < name.len()) {
            Some("total") => Self::Counter,
            Some("bucket") => Self::Bucket,
            Some("sum") => Self::Sum,
            Some("count") => Self::Count,
            _ => Self::Unknown,
        }
    }

    /// With an article, for messages.
    pub(super) const fn with_article(self) -> &'static str {
        match self {
            Self::Counter => "a counter",
            Self::Gauge => "a gauge",
            Self::Bucket => "a bucket counter",
            Self::Sum => "a sum that only grows",
            Self::Count => "a count that only grows",
            Self::Base => "a classic histogram",
            Self::NativeHistogram => "a native histogram",
            Self::Quantiles => "a summary",
            Self::Info => "an info metric",
            Self::Stateset => "a state set",
            Self::Unknown => "of unknown type",
        }
    }
}

impl<'s> Metrics<'s> {
    /// Collects the declarations of all files. Conflicts between them are returned with the index of the file.
    pub(crate) fn new(files: &'s [PresetFile], path: impl Fn(usize) -> String) -> (Self, Vec<(usize, Diagnostic)>) {
        let mut schema = Self::default();
        let mut diagnostics = Vec::new();
        let mut known: HashMap<&str, usize> = HashMap::new();
        for (file, raw) in files.iter().enumerate() {
            diagnostics.extend(reserved(raw).map(|diagnostic| (file, diagnostic)));
            let Some(metric) = &raw.metric else { continue };
            let labels = raw
                .labels
                .as_ref()
                .map(|labels| labels.labels.iter().map(|label| (label.name.value.as_str(), label)).collect());
            let declared = Metric {
                name: &metric.name.value,
                kind: metric.kind.as_ref().map(|kind| kind.value),
                scrape_interval: metric.scrape_interval.as_ref().map(|interval| interval.value),
                labels,
                path: path(file),
            };
            let Some(first) = known.get(declared.name).copied() else {
                known.insert(declared.name, schema.declared.len());
                schema.declared.push(declared);
                continue;
            };
            let first = &mut schema.declared[first];
            if let (Some(kind), Some(other)) = (&metric.kind, first.kind)
                && kind.value != other
            {
                let title = format!("`{}` declared with two types", declared.name);
                let label = format!("`{}` in `{}`", other.as_str(), first.path);
                diagnostics.push((file, Diagnostic::new(Code::ConflictingMetric, kind.span, title).label(label)));
            }
            let conflicts = raw.labels.iter().flat_map(|labels| conflicting_labels(labels, first));
            diagnostics.extend(conflicts.map(|diagnostic| (file, diagnostic)));
            first.merge(declared);
        }
        schema.index();
        (schema, diagnostics)
    }

    /// The metric that the series of this name belong to, and their role.
    pub(super) fn find(&self, name: &str) -> Option<(&Metric<'s>, Role)> {
        self.names.get(name).map(|(index, role)| (&self.declared[*index], *role))
    }

    /// The declared metric that a name without series is probably a misspelling of: one letter is different, missing,
    /// added, or swapped with its neighbour. Digits must be equal, since `node_load5` and `node_load15` are two metrics.
    pub(super) fn similar(&self, name: &str) -> Option<String> {
        let suffixes = ["_bucket", "_sum", "_count", "_total", ""];
        suffixes.into_iter().find_map(|suffix| {
            let base = name.strip_suffix(suffix).filter(|base| SIMILAR.contains(&base.len()))?;
            let misspelt = self.misspelt.get_or_init(|| self.misspellings());
            let digits = |name: &str| name.bytes().filter(u8::is_ascii_digit).collect::<Vec<_>>();
            let found = shortened(base).find_map(|hash| {
                let found = self.declared[*misspelt.get(&hash)?].name;
                (is_one_edit(base, found) && digits(base) == digits(found)).then_some(found)
            });
            Some(format!("{}{suffix}", found?)).filter(|meant| self.find(meant).is_some())
        })
    }

    fn misspellings(&self) -> HashMap<u64, usize> {
        let names = self.declared.iter().enumerate().filter(|(_, metric)| SIMILAR.contains(&metric.name.len()));
        names.flat_map(|(index, metric)| shortened(metric.name).map(move |hash| (hash, index))).collect()
    }

    fn index(&mut self) {
        self.names.reserve(self.declared.len() * 2);
        for (index, metric) in self.declared.iter().enumerate() {
            self.names.insert(metric.name.to_owned(), (index, metric.role()));
        }
        for (index, metric) in self.declared.iter().enumerate() {
            for (suffix, role) in metric.derived() {
                self.names.entry(format!("{}{suffix}", metric.name)).or_insert((index, *role));
            }
        }
    }
}

/// The lengths of names that are compared.
const SIMILAR: std::ops::Range<usize> = 8..80;

/// The hashes of a name and of the name without each of its letters.
fn shortened(name: &str) -> impl Iterator<Item = u64> {
    let bytes = name.as_bytes();
    (0..=bytes.len()).map(|skipped| {
        let mut hasher = DefaultHasher::new();
        bytes[..skipped]
            .iter()
            .chain(bytes.get(skipped + 1..).unwrap_or_default())
            .for_each(|byte| byte.hash(&mut hasher));
        hasher.finish()
    })
}

/// The labels of a file that another file declares with another type for the same metric.
fn conflicting_labels(labels: &Labels, first: &Metric<'_>) -> Vec<Diagnostic> {
    let shown = |label: &Label| {
        let kind = label.kind.as_ref().unwrap_or(&LabelType::String);
        let list = kind.as_ref().map(|values| {
            let mut texts: Vec<&str> = values.iter().map(|value| value.value.as_str()).collect();
            texts.sort_unstable();
            texts
        });
        let list = list.as_ref().map(Vec::as_slice);
        let prefix = label.prefix.as_ref().map_or("", |prefix| prefix.value.as_str());
        let usage = LabelUse::Both;
        LabelInfo { name: "", required: false, prefix, kind: list, usage, description: "" }.shown_values()
    };
    let conflict = |label: &Label| {
        let other = *first.labels.as_ref()?.get(label.name.value.as_str())?;
        // What is not valid has been reported.
        label.kind.as_ref().and(other.kind.as_ref())?;
        let (ours, theirs) = (shown(label), shown(other));
        let title = format!("label `{}` of `{}` declared with two types", label.name.value, first.name);
        (ours != theirs).then(|| {
            Diagnostic::new(Code::ConflictingMetric, label.name.span, title)
                .label(format!("{ours} here, {theirs} in `{}`", first.path))
        })
    };
    labels.labels.iter().filter_map(conflict).collect()
}

/// Reports declared labels that Prometheus reserves.
fn reserved(raw: &PresetFile) -> impl Iterator<Item = Diagnostic> {
    raw.labels.iter().flat_map(|labels| &labels.labels).filter_map(|label| {
        let meaning = match label.name.value.as_str() {
            "le" => "the upper bound of a bucket: a filter on it takes buckets away from their histogram",
            "quantile" => "the quantile of a summary, not a property of what is measured",
            "__name__" => "the name of the metric, which the template sets",
            _ => return None,
        };
        let title = format!("`{}` declared as a label to filter on", label.name.value);
        Some(
            Diagnostic::new(Code::ReservedLabel, label.name.span, title)
                .label(meaning)
                .help("remove the line; templates may still use the label"),
        )
    })
}

impl Metric<'_> {
    fn merge(&mut self, other: Self) {
        self.kind = self.kind.or(other.kind);
        self.scrape_interval = self.scrape_interval.or(other.scrape_interval);
        self.labels = match (self.labels.take(), other.labels) {
            (Some(mut labels), Some(others)) => {
                for (label, kind) in others {
                    labels.entry(label).or_insert(kind);
                }
                Some(labels)
            }
            // A file without labels does not restrict those that another one declares.
            (labels, others) => labels.or(others),
        };
    }

    /// The role of series with the metric's own name.
    fn role(&self) -> Role {
        match self.kind {
            Some(MetricType::Counter) => Role::Counter,
            Some(MetricType::Gauge) => Role::Gauge,
            Some(MetricType::Histogram) => match Role::of_suffix(self.name) {
                role @ (Role::Bucket | Role::Sum | Role::Count) => role,
                _ => Role::Base,
            },
            Some(MetricType::NativeHistogram) => Role::NativeHistogram,
            Some(MetricType::Summary) => Role::Quantiles,
            Some(MetricType::Info) => Role::Info,
            Some(MetricType::Stateset) => Role::Stateset,
            Some(MetricType::Unknown) | None => Role::Unknown,
        }
    }

    /// The suffixes of further series of the metric, with their roles.
    pub(super) const fn derived(&self) -> &'static [(&'static str, Role)] {
        match self.kind {
            Some(MetricType::Counter) => &[("_total", Role::Counter), ("_created", Role::Gauge)],
            Some(MetricType::Histogram) => {
                &[("_bucket", Role::Bucket), ("_sum", Role::Sum), ("_count", Role::Count), ("_created", Role::Gauge)]
            }
            Some(MetricType::Summary) => &[("_sum", Role::Sum), ("_count", Role::Count), ("_created", Role::Gauge)],
            Some(MetricType::Info) => &[("_info", Role::Info)],
            _ => &[],
        }
    }
}
