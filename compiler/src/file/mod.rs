//! Reads preset files, `metrics.toml` and `promql.toml`: every value with its span.
//!
//! Templates are not parsed here. One fault does not hide another: an invalid value is reported and left out, and the
//! rest is read.

mod allow;
mod declared_labels;
mod document;
mod duration_values;
pub(crate) mod known_metrics;
pub(crate) mod metric_type;
mod parameters;
pub(crate) mod preset_tests;
mod reader;
pub(crate) mod settings;
mod toml_error;
pub(crate) mod toml_string;

use std::ops::Range;

use promql_presets_core::{LabelKind, LabelUse, ParameterValue, PromDuration};

use crate::diagnostic::source::Spanned;
use crate::file::toml_string::toml_key;
use crate::{Code, FileKind, Span};

pub use metric_type::MetricType;
pub(crate) use parameters::bounds;
pub use preset_tests::{ExpectedSample, PresetTest, TestSeries};
pub(crate) use reader::read;
pub(crate) use settings::{Server, Settings, Target, Version};
pub use toml_string::Literal;

/// The content of a preset file.
#[derive(Clone, Debug, Default)]
pub(crate) struct PresetFile {
    /// `description`.
    pub description: Option<String>,
    /// `category`, for presets without one.
    pub category: Option<String>,
    /// `features`, as Prometheus names its flags.
    pub features: Vec<Spanned<String>>,
    /// `[metric]`.
    pub metric: Option<Metric>,
    /// `[labels]` in the order of the file; `None` allows any label.
    pub labels: Option<Labels>,
    /// `[presets]` in the order of the file.
    pub presets: Vec<RawPreset>,
    /// The ranges around faults of TOML, in order. Values in them may not be what the author meant.
    unreliable: Vec<Range<usize>>,
}

impl PresetFile {
    /// Whether the file is valid TOML, so that nothing in it was skipped.
    #[must_use]
    pub(crate) fn is_complete(&self) -> bool {
        self.unreliable.is_empty()
    }

    /// The declarations that other files depend on, without places.
    #[cfg(feature = "tools")]
    #[must_use]
    pub(crate) fn declaration(&self) -> Option<impl PartialEq + '_> {
        let metric = self.metric.as_ref()?;
        let values = |values: &Vec<Spanned<String>>| values.iter().map(|it| it.value.clone()).collect::<Vec<_>>();
        let label = move |label: &'_ Label| {
            let kind = label.kind.as_ref().map(|kind| kind.as_ref().map(values));
            (label.name.value.clone(), kind, label.required, label.usage)
        };
        let labels = self.labels.as_ref().map(|labels| labels.labels.iter().map(label).collect::<Vec<_>>());
        let kind = metric.kind.as_ref().map(|kind| kind.value);
        let interval = metric.scrape_interval.as_ref().map(|interval| interval.value);
        Some((&metric.name.value, kind, interval, labels))
    }

    /// Whether the file may read the series of a metric.
    #[cfg(feature = "tools")]
    #[must_use]
    pub(crate) fn may_read(&self, metric: &str) -> bool {
        let ends_in_name = |text: &str| text.ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':'));
        let joins = |text: &str| text.match_indices("{metric_name}").any(|(at, _)| ends_in_name(&text[..at]));
        // Escapes and patterns may stand for names that the text does not contain.
        let makes_names = |text: &str| text.contains('\\') || text.contains("__name__") || joins(text);
        let is_in = |text: &str| text.contains(metric) || makes_names(text);
        let mut templates = self.presets.iter().filter_map(|preset| preset.template.as_ref());
        self.metric.as_ref().is_some_and(|own| is_in(&own.name.value)) || templates.any(|it| is_in(&it.text))
    }

    /// Whether a place is near a reported fault of TOML, so that further findings about it are left out.
    #[must_use]
    pub(crate) fn is_unreliable(&self, span: Span) -> bool {
        toml_error::contains(&self.unreliable, span.start as usize)
    }
}

/// `[metric]`: the metric that the file declares.
#[derive(Clone, Debug)]
pub(crate) struct Metric {
    /// `name`.
    pub name: Spanned<String>,
    /// `type`.
    pub kind: Option<Spanned<MetricType>>,
    /// `unit`.
    pub unit: Option<Spanned<String>>,
    /// `scrape_interval`.
    pub scrape_interval: Option<Spanned<PromDuration>>,
}

/// Labels that `[labels]` cannot declare.
pub(crate) const RESERVED_LABELS: [&str; 3] = ["le", "quantile", "__name__"];

/// `[labels]`.
#[derive(Clone, Debug)]
pub(crate) struct Labels {
    /// The key `labels`.
    pub key: Span,
    /// The labels in the order of the file.
    pub labels: Vec<Label>,
}

impl Labels {
    /// The labels of a file; none if it declares none.
    pub(crate) fn all(labels: Option<&Self>) -> &[Label] {
        labels.map_or(&[], |labels| &labels.labels)
    }

    /// The change that lets callers filter on a label; `None` if they can.
    pub(crate) fn let_filter(&self, label: &str) -> Option<String> {
        match self.labels.iter().find(|it| it.name.value == label) {
            None if RESERVED_LABELS.contains(&label) => None,
            None => Some(format!("add `{} = \"string\"` to `[labels]`", toml_key(label))),
            Some(declared) if !declared.usage.is_filter() => Some(format!("add `\"filter\"` to `use` of `{label}`")),
            Some(_) => None,
        }
    }
}

/// One declared label.
#[derive(Clone, Debug)]
pub(crate) struct Label {
    /// Its name.
    pub name: Spanned<String>,
    /// The kind of its values; `None` if that is not valid, which has been reported.
    pub kind: Option<LabelType>,
    /// Whether every query must filter on it.
    pub required: bool,
    /// `prefix`: what every value starts with, before a UUID.
    pub prefix: Option<Spanned<String>>,
    /// `use`: what callers may do with it.
    pub usage: LabelUse,
    /// `rust_name`: what its setter and its variant are named after, instead of the label.
    pub rust_name: Option<Spanned<String>>,
    /// Its description.
    pub description: Option<String>,
}

impl Label {
    fn new(name: Spanned<String>) -> Self {
        let kind = Some(LabelType::String);
        Self { name, kind, required: false, prefix: None, usage: LabelUse::Both, rust_name: None, description: None }
    }

    /// The name from which its setter and its variant are made.
    pub(crate) fn rust_name(&self) -> &str {
        self.rust_name.as_ref().map_or(&self.name.value, |name| &name.value)
    }
}

/// The kind of the values of a label, with the places of listed values.
pub(crate) type LabelType = LabelKind<Vec<Spanned<String>>>;

const FILE_KEYS: [&str; 6] = ["description", "category", "features", "metric", "labels", "presets"];
const METRIC_KEYS: [&str; 4] = ["name", "type", "unit", "scrape_interval"];
const LABEL_KEYS: [&str; 7] = ["type", "values", "required", "prefix", "use", "rust_name", "description"];
const PRESET_KEYS: [&str; 9] =
    ["template", "title", "category", "description", "unit", "window", "parameters", "allow", "tests"];
const TEST_KEYS: [&str; 10] =
    ["name", "series", "interval", "at", "metric_name", "labels", "group_by", "window", "parameters", "expect"];
const PARAMETER_KEYS: [&str; 5] = ["type", "default", "min", "max", "description"];

const ALLOW_KEYS: [&str; 2] = ["check", "reason"];

/// The keys that each table of a file of a registry may have, for tools that know the files by their shape. `*` in a path
/// stands for any name, and an array has the path of its key. Tables of names, such as `presets`, are left out.
pub const KEYS: [(FileKind, &str, &[&str]); 14] = [
    (FileKind::Presets, "", &FILE_KEYS),
    (FileKind::Presets, "metric", &METRIC_KEYS),
    (FileKind::Presets, "labels.*", &LABEL_KEYS),
    (FileKind::Presets, "presets.*", &PRESET_KEYS),
    (FileKind::Presets, "presets.*.parameters.*", &PARAMETER_KEYS),
    (FileKind::Presets, "presets.*.allow", &ALLOW_KEYS),
    (FileKind::Presets, "presets.*.tests", &TEST_KEYS),
    (FileKind::Settings, "", &settings::SECTIONS),
    (FileKind::Settings, "target", &settings::TARGET_KEYS),
    (FileKind::Settings, "defaults", &settings::DEFAULTS_KEYS),
    (FileKind::Settings, "policy", &settings::POLICY_KEYS),
    (FileKind::Settings, "metrics", &settings::METRICS_KEYS),
    (FileKind::Settings, "checks.*", &settings::CHECK_KEYS),
    (FileKind::Metrics, "*", &known_metrics::KEYS),
];

const LABEL_TYPES: [&str; 3] = ["string", "uuid", "integer"];
const LABEL_USES: [&str; 2] = ["filter", "group_by"];

/// `[presets.NAME]`.
#[derive(Clone, Debug)]
pub(crate) struct RawPreset {
    /// Its name.
    pub name: Spanned<String>,
    /// The line of its name, counted from 1.
    pub line: usize,
    /// `title`: what people call it.
    pub title: Option<String>,
    /// `category`.
    pub category: Option<String>,
    /// `description`.
    pub description: Option<String>,
    /// `template`; `None` if it is missing or not a string, which has been reported.
    pub template: Option<Literal>,
    /// `unit`.
    pub unit: Option<Spanned<String>>,
    /// `window`.
    pub window: Option<Window>,
    /// `parameters` in the order of the file.
    pub parameters: Vec<Parameter>,
    /// `allow`.
    pub allow: Vec<Allow>,
    /// `tests`.
    pub tests: Vec<PresetTest>,
}

/// An entry of `parameters`.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    /// Its name.
    pub name: Spanned<String>,
    /// `description`.
    pub description: Option<String>,
    /// `default`.
    pub default: ParameterValue,
    /// `min`, or the smallest value of its kind.
    pub min: ParameterValue,
    /// `max`, or the largest value of its kind.
    pub max: ParameterValue,
    /// Whether something in it is not valid, which has been reported.
    pub is_faulty: bool,
}

impl Parameter {
    fn new(name: Spanned<String>) -> Self {
        let one = ParameterValue::Number(1.0);
        Self { name, description: None, default: one, min: one, max: one, is_faulty: true }
    }
}

/// `window = "5m"`.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    /// The key `window`.
    pub key: Span,
    /// The duration; `None` if it is not valid, which has been reported.
    pub duration: Option<Spanned<PromDuration>>,
}

/// `{ check = "...", reason = "..." }`.
#[derive(Clone, Debug)]
pub(crate) struct Allow {
    /// The check that is silenced.
    pub check: Spanned<Code>,
    /// Whether something is wrong with the entry, which has been reported.
    pub is_faulty: bool,
}

/// The templates of a preset file in order, each with the name of its preset, for tools that rewrite them.
///
/// Returns `None` if the file is not valid TOML, which [`compile`](crate::compile) reports.
#[cfg(feature = "tools")]
#[must_use]
pub fn templates(text: &str) -> Option<Vec<(String, Literal)>> {
    let (file, _) = read(text);
    let template = |preset: RawPreset| Some((preset.name.value, preset.template?));
    file.is_complete().then(|| file.presets.into_iter().filter_map(template).collect())
}
