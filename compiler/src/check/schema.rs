//! The metrics that preset files declare and that `metrics.toml` lists.

use std::collections::HashMap;
use std::sync::OnceLock;

use promql_presets_core::sort;
use promql_presets_core::{LabelInfo, LabelUse, PromDuration};

use crate::file::known_metrics::KnownMetric;
use crate::file::metric_type::SUFFIXES;
use crate::file::{self, Label, LabelType, Labels, MetricType, PresetFile, Settings};
use crate::sorted::SortedMap;
use crate::vec_ext::{IntoVec, VecExt};
use crate::{Code, Diagnostic, SourceFile};

/// The metrics that preset files declare, and those that exist.
#[derive(Clone, Debug, Default)]
pub(crate) struct Metrics<'s> {
    pub(super) all: Vec<Metric<'s>>,
    /// The metric of each name, without the suffixes of further series.
    names: SortedMap<&'s str, usize>,
    /// Whether all metrics are known, so that others do not exist.
    is_complete: bool,
    /// Series that do not exist, each with the name of a similar one that does, of which nothing else is known.
    pub(super) similar: SortedMap<&'s str, &'s str>,
    /// Names of metrics that exist, of which nothing else is known.
    only_named: SortedMap<&'s str, ()>,
    /// Hashes of the metrics' names and of each name without one of its letters. Computed on first use.
    pub(super) misspelt: OnceLock<HashMap<u64, usize>>,
}

/// A metric that is declared, that exists, or both.
#[derive(Clone, Debug)]
pub(crate) struct Metric<'s> {
    /// Its name.
    pub name: &'s str,
    /// Its type, if that is known.
    pub kind: Option<MetricType>,
    /// Whether the type comes from the snapshot.
    pub kind_is_known: bool,
    /// A declared type that the snapshot contradicts. Only the declaration is reported, not series that the type implies.
    contradicted: Option<MetricType>,
    /// Its unit, if that is known.
    pub unit: Option<&'s str>,
    /// How often it is scraped.
    pub scrape_interval: Option<PromDuration>,
    /// Its labels, each with its declaration unless only the snapshot lists it. `None` allows any label.
    pub labels: Option<SortedMap<&'s str, Option<&'s Label>>>,
    /// The path of the file that declares it first, or of the snapshot.
    pub path: &'s str,
    /// Whether a preset file declares it.
    pub is_declared: bool,
    /// Its entry in the snapshot.
    pub known: Option<&'s KnownMetric>,
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
    /// `x_bucket` of OpenMetrics' gauge histogram, whose counts go up and down.
    GaugeBucket,
    /// `x` of a classic histogram, or of a summary without quantiles, which has no series.
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

    /// Whether the series are buckets with the label `le`.
    pub(super) const fn is_bucket(self) -> bool {
        matches!(self, Self::Bucket | Self::GaugeBucket)
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

    /// The role of a series whose declared metric has another name.
    fn of_derived(suffix: &str) -> Self {
        match suffix {
            "_created" => Self::Gauge,
            "_info" => Self::Info,
            suffix => Self::of_suffix(suffix),
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
            Self::GaugeBucket => "a bucket of a gauge histogram",
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
    pub(crate) fn new(files: &'s [SourceFile], raw: &'s [PresetFile]) -> (Self, Vec<(usize, Diagnostic)>) {
        let mut schema = Self::default();
        let mut diagnostics = Vec::new();
        for (file, raw) in raw.iter().enumerate() {
            diagnostics.add_all(reserved(raw).map(|diagnostic| (file, diagnostic)));
            let Some(metric) = &raw.metric else { continue };
            let labels = raw.labels.as_ref().map(|labels| {
                let mut declared = SortedMap::default();
                for label in &labels.labels {
                    declared.insert_new(label.name.value.as_str(), Some(label));
                }
                declared
            });
            let declared = Metric {
                name: &metric.name.value,
                kind: metric.kind.as_ref().map(|kind| kind.value),
                kind_is_known: false,
                contradicted: None,
                unit: metric.unit.as_ref().map(|unit| unit.value.as_str()),
                scrape_interval: metric.scrape_interval.as_ref().map(|interval| interval.value),
                labels,
                path: &files[file].path,
                is_declared: true,
                known: None,
            };
            let Some(first) = schema.names.get(declared.name).copied() else {
                schema.add(declared);
                continue;
            };
            let first = &mut schema.all[first];
            if let (Some(kind), Some(other)) = (&metric.kind, first.kind)
                && kind.value != other
            {
                let title = format!("`{}` declared with two types", declared.name);
                let label = format!("`{}` in `{}`", other.as_str(), first.path);
                diagnostics.push((file, Diagnostic::new(Code::ConflictingMetric, kind.span, title).label(label)));
            }
            let conflicts = raw.labels.iter().flat_map(|labels| conflicting_labels(labels, first));
            diagnostics.add_all(conflicts.map(|diagnostic| (file, diagnostic)));
            first.merge(declared);
        }
        (schema, diagnostics)
    }

    fn add(&mut self, metric: Metric<'s>) {
        self.names.insert_new(metric.name, self.all.len());
        self.all.push(metric);
    }

    /// Adds the snapshot. From then on, metrics that are neither declared, nor in it, nor made by the server do not exist.
    pub(crate) fn add_snapshot(&mut self, path: &'s str, known: &'s [KnownMetric], settings: &Settings) {
        self.is_complete = true;
        for known in known {
            let name = known.name.value.as_str();
            if let Some(similar) = &known.similar {
                self.similar.insert_new(name, &similar.value);
                self.only_named.insert_new(&similar.value, ());
                continue;
            }
            let index = self.names.get(name).copied().or_else(|| self.declared_base(name));
            match index {
                Some(index) => self.all[index].learn(known),
                None => self.add(Metric::known(known, path)),
            }
        }
        for index in 0..self.all.len() {
            let metric = &self.all[index];
            // The series of `http_requests_total` stay those of `http_requests`.
            let is_fixed = metric.is_declared && !settings.metrics.is_open(metric.name);
            let same = metric.known.filter(|known| is_fixed && known.name.value == metric.name);
            let wrong = metric.kind.zip(same).filter(|(declared, known)| self.contradicts(*declared, known));
            if let Some((declared, known)) = wrong {
                let metric = &mut self.all[index];
                (metric.kind, metric.kind_is_known, metric.contradicted) = (known.kind(), true, Some(declared));
            }
        }
        for name in self.only_named.keys().copied().into_vec() {
            if self.find(name).is_none() {
                self.add(Metric { kind_is_known: false, ..Metric::named(name, path) });
            }
        }
        for (name, _) in SERVER_SERIES {
            if !self.names.contains_key(name) {
                self.add(Metric { kind: Some(MetricType::Gauge), ..Metric::named(name, path) });
            }
        }
    }

    /// The snapshot cannot be read: it may have further metrics and labels.
    pub(crate) fn lack_snapshot(&mut self) {
        self.all.iter_mut().for_each(|metric| metric.labels = None);
        self.misspelt = OnceLock::from(HashMap::new());
    }

    /// Whether a metric cannot be of the type that is declared.
    pub(super) fn contradicts(&self, declared: MetricType, known: &KnownMetric) -> bool {
        known.kind().is_some_and(|kind| match declared {
            MetricType::Unknown => false,
            // The text format of Prometheus has no such types.
            MetricType::Info | MetricType::Stateset => kind != MetricType::Gauge && kind != declared,
            // Servers may keep the classic buckets of a native histogram.
            MetricType::Histogram => kind != declared && !self.has_entry(&format!("{}_bucket", known.name.value)),
            other => other != kind,
        })
    }

    /// The declared metric to which a series of the snapshot belongs: `http_requests` for `http_requests_total`.
    fn declared_base(&self, name: &str) -> Option<usize> {
        let kinds = [MetricType::Counter, MetricType::Info];
        let base = kinds.iter().find_map(|kind| name.strip_suffix(kind.family_suffix()));
        let index = *self.names.get(base?)?;
        let has = |suffix: &str| base.is_some_and(|base| &name[base.len()..] == suffix);
        (self.all[index].is_declared && self.all[index].derived().any(has)).then_some(index)
    }

    /// The metric that the series of this name belong to, and their role.
    pub(super) fn find(&self, name: &str) -> Option<(&Metric<'s>, Role)> {
        if let Some(index) = self.names.get(name) {
            let metric = &self.all[*index];
            return Some((metric, metric.role()));
        }
        SUFFIXES.iter().find_map(|suffix| {
            let metric = &self.all[*self.names.get(name.strip_suffix(suffix)?)?];
            let kinds = [metric.kind, metric.contradicted];
            let mut derived = kinds.into_iter().flat_map(|kind| metric.derived_of(kind));
            derived.any(|it| it == *suffix).then_some((metric, Role::of_derived(suffix)))
        })
    }

    /// Whether metrics that are neither declared nor in the snapshot do not exist.
    pub(super) const fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Whether the snapshot has the metric that the series of this name belong to.
    pub(crate) fn is_known(&self, name: &str) -> bool {
        self.find(name).is_some_and(|(metric, _)| metric.known.is_some())
    }

    /// Whether a declared metric, or a series of its name, exists: the snapshot has the metric, one of its further series, or
    /// the metric that it is a series of.
    pub(super) fn exists(&self, name: &str) -> bool {
        let known = |name: &str| self.names.get(name).map(|index| &self.all[*index]).filter(|it| it.known.is_some());
        let is_part = |suffix: &str| {
            let metric = name.strip_suffix(suffix).and_then(known);
            metric.is_some_and(|metric| metric.derived().any(|derived| derived == suffix))
        };
        let has_part = || match self.names.get(name).and_then(|index| self.all[*index].kind) {
            None | Some(MetricType::Histogram | MetricType::NativeHistogram | MetricType::Summary) => {
                PARTS.iter().any(|suffix| known(&format!("{name}{suffix}")).is_some())
            }
            _ => false,
        };
        let is_named = self.only_named.contains_key(name);
        is_named
            || self.is_known(name)
            || is_of_server(name)
            || SUFFIXES.iter().any(|suffix| is_part(suffix))
            || has_part()
    }

    /// Whether the snapshot has an entry of this name, or a file declares it.
    pub(super) fn has_entry(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// The names of all series that exist, each with its suffix.
    pub(super) fn series(&self) -> impl Iterator<Item = (&'s str, &'s str)> {
        let exists = |metric: &&Metric<'_>| {
            !(self.is_complete && metric.is_declared) || metric.name.contains(':') || self.exists(metric.name)
        };
        self.all.iter().filter(exists).flat_map(|metric| {
            // `http_requests` may be declared for `http_requests_total`.
            let name = metric.known.map_or(metric.name, |known| known.name.value.as_str());
            let own = (metric.role() != Role::Base).then_some((name, ""));
            let parts = metric.kind.map_or(&[][..], MetricType::parts);
            own.into_iter().chain(parts.iter().map(|suffix| (metric.name, *suffix)))
        })
    }
}

/// Whether servers write a metric themselves. It exists without an entry in the snapshot.
#[must_use]
pub fn is_of_server(name: &str) -> bool {
    SERVER_SERIES.iter().any(|(of_server, _)| *of_server == name)
}

/// Whether a metric is about alerts. Its labels are those of the alerts that fire at the time.
#[cfg(feature = "tools")]
#[must_use]
pub fn is_of_alerts(name: &str) -> bool {
    matches!(name, "ALERTS" | "ALERTS_FOR_STATE")
}

/// Series that servers write themselves, and whether every scrape adds them.
const SERVER_SERIES: [(&str, bool); 15] = [
    ("ALERTS", false),
    ("ALERTS_FOR_STATE", false),
    ("scrape_body_size_bytes", false),
    ("scrape_duration_seconds", true),
    ("scrape_response_size_bytes", false),
    ("scrape_sample_limit", false),
    ("scrape_samples_limit", false),
    ("scrape_samples_post_metric_relabeling", true),
    ("scrape_samples_scraped", true),
    ("scrape_series_added", true),
    ("scrape_series_current", false),
    ("scrape_series_limit", false),
    ("scrape_timeout_seconds", false),
    ("scrape_labels_limit", false),
    ("up", true),
];

/// The suffixes of series that the snapshot may list without their histogram or summary, since presets read only these.
const PARTS: [&str; 5] = ["_bucket", "_sum", "_count", "_gcount", "_gsum"];

/// Whether a server itself writes a series at each scrape.
#[cfg(feature = "tools")]
#[must_use]
pub fn is_of_every_scrape(series: &str) -> bool {
    SERVER_SERIES.contains(&(series, true))
}

/// The labels of a file that another file declares with another type for the same metric.
fn conflicting_labels(labels: &Labels, first: &Metric<'_>) -> Vec<Diagnostic> {
    let shown = |label: &Label| {
        let kind = label.kind.as_ref().unwrap_or(&LabelType::String);
        let list = kind.as_ref().map(|values| {
            let mut texts: Vec<&str> = values.iter().map(|value| value.value.as_str()).into_vec();
            sort::by(&mut texts, Ord::cmp);
            texts
        });
        let list = list.as_ref().map(Vec::as_slice);
        let prefix = label.prefix.as_ref().map_or("", |prefix| prefix.value.as_str());
        let usage = LabelUse::Both;
        LabelInfo { name: "", required: false, prefix, kind: list, usage, description: "" }.shown_values()
    };
    let conflict = |label: &Label| {
        let other = (*first.labels.as_ref()?.get(label.name.value.as_str())?)?;
        // Invalid declarations are reported elsewhere.
        label.kind.as_ref().and(other.kind.as_ref())?;
        let (ours, theirs) = (shown(label), shown(other));
        let title = format!("label `{}` of `{}` declared with two types", label.name.value, first.name);
        (ours != theirs).then(|| {
            Diagnostic::new(Code::ConflictingMetric, label.name.span, title)
                .label(format!("{ours} here, {theirs} in `{}`", first.path))
        })
    };
    labels.labels.iter().filter_map(conflict).into_vec()
}

/// Reports declared labels that Prometheus reserves.
fn reserved(raw: &PresetFile) -> impl Iterator<Item = Diagnostic> {
    file::Labels::all(raw.labels.as_ref()).iter().filter_map(|label| {
        let meaning = match label.name.value.as_str() {
            "le" => "the upper bound of a bucket: a filter on it takes buckets away from their histogram",
            "quantile" => "identifies a quantile of a summary, so it cannot be a filter",
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

impl<'s> Metric<'s> {
    /// A metric of the snapshot.
    fn known(known: &'s KnownMetric, path: &'s str) -> Self {
        let mut metric = Self::named(&known.name.value, path);
        metric.learn(known);
        metric
    }

    /// A metric that no file declares.
    fn named(name: &'s str, path: &'s str) -> Self {
        let (kind, contradicted, unit, scrape_interval, labels, known) = Default::default();
        let (kind_is_known, is_declared) = (true, false);
        Self { name, kind, kind_is_known, contradicted, unit, scrape_interval, labels, path, is_declared, known }
    }

    /// Adds the facts of the snapshot. A declared type stays, unless it is `unknown`, which does not mean that the
    /// further series of a histogram or a summary do not exist.
    fn learn(&mut self, known: &'s KnownMetric) {
        let has_parts = || matches!(known.kind(), Some(MetricType::Histogram | MetricType::Summary));
        if (self.kind.is_none() || self.kind == Some(MetricType::Unknown) && has_parts())
            && let Some(kind) = known.kind()
        {
            (self.kind, self.kind_is_known) = (Some(kind), true);
        }
        self.known = Some(known);
        self.unit = self.unit.or(known.unit.as_ref().map(|unit| unit.value.as_str()));
        if let Some(names) = &known.labels {
            let labels = self.labels.get_or_insert_default();
            for name in names.iter().chain(&known.empty) {
                labels.insert_new(&name.value, None);
            }
        }
    }

    fn merge(&mut self, other: Self) {
        self.kind = self.kind.or(other.kind);
        self.unit = self.unit.or(other.unit);
        self.scrape_interval = self.scrape_interval.or(other.scrape_interval);
        self.labels = match (self.labels.take(), other.labels) {
            (Some(mut labels), Some(others)) => {
                for (label, kind) in others.into_entries() {
                    labels.insert_new(label, kind);
                }
                Some(labels)
            }
            // A file without labels does not restrict those that another one declares.
            (labels, others) => labels.or(others),
        };
    }

    /// Whether the snapshot contradicts its declared type. Then only the declaration is reported.
    pub(super) const fn is_contradicted(&self) -> bool {
        self.contradicted.is_some()
    }

    /// Whether the snapshot has a summary without quantiles.
    fn has_no_quantiles(&self) -> bool {
        let quantiles = self.known.and_then(|known| known.values("quantile"));
        matches!(quantiles, Some(LabelType::OneOf(quantiles)) if quantiles.is_empty())
    }

    /// Whether the snapshot has a gauge with the buckets of a gauge histogram.
    fn is_gauge_bucket(&self) -> bool {
        let has_le = |known: &KnownMetric| known.labels.iter().flatten().any(|label| label.value == "le");
        self.name.ends_with("_bucket") && self.known.is_some_and(has_le)
    }

    /// Whether the snapshot has only the infinite bucket, which pages also have for native histograms.
    pub(super) fn has_no_bounds(&self) -> bool {
        match self.known.and_then(|known| known.values("le")) {
            Some(LabelType::OneOf(bounds)) => bounds.iter().all(|bound| bound.value == "+Inf"),
            _ => false,
        }
    }

    /// The role of series with the metric's own name.
    fn role(&self) -> Role {
        match self.role_of(self.kind) {
            Role::Base => self.contradicted.map_or(Role::Base, |declared| self.role_of(Some(declared))),
            role => role,
        }
    }

    fn role_of(&self, kind: Option<MetricType>) -> Role {
        match kind {
            // A native histogram that is a classic one, too, has entries for the series of the latter.
            Some(MetricType::Counter) if !self.is_declared && Role::of_suffix(self.name).is_counter() => {
                Role::of_suffix(self.name)
            }
            Some(MetricType::Counter) => Role::Counter,
            Some(MetricType::Gauge) if self.is_gauge_bucket() => Role::GaugeBucket,
            Some(MetricType::Gauge) => Role::Gauge,
            Some(MetricType::Histogram) => match Role::of_suffix(self.name) {
                role @ (Role::Bucket | Role::Sum | Role::Count) => role,
                _ => Role::Base,
            },
            Some(MetricType::NativeHistogram) => Role::NativeHistogram,
            Some(MetricType::Summary) if self.has_no_quantiles() => Role::Base,
            Some(MetricType::Summary) => Role::Quantiles,
            Some(MetricType::Info) => Role::Info,
            Some(MetricType::Stateset) => Role::Stateset,
            Some(MetricType::Unknown) | None => Role::Unknown,
        }
    }

    /// The suffixes of further series of the metric.
    pub(super) fn derived(&self) -> impl Iterator<Item = &'static str> + Clone {
        self.derived_of(self.kind)
    }

    fn derived_of(&self, kind: Option<MetricType>) -> impl Iterator<Item = &'static str> + Clone {
        // `metrics.toml` has the names of the series of counters and infos.
        let is_series = !self.is_declared || self.known.is_some_and(|known| known.name.value == self.name);
        let kind = kind.filter(|kind| !is_series || kind.family_suffix().is_empty()).unwrap_or(MetricType::Unknown);
        // Not all exporters have it, so that `metrics.toml` lists it as a metric of its own.
        let is_created =
            self.known.is_none() && matches!(kind, MetricType::Counter | MetricType::Histogram | MetricType::Summary);
        let family = Some(kind.family_suffix()).filter(|suffix| !suffix.is_empty());
        family.into_iter().chain(kind.parts().iter().copied()).chain(is_created.then_some("_created"))
    }
}
