//! Reads `metrics.toml`, the metrics that exist, with the place of each value.

use super::document::{Content, Key, Table, Value};
use super::reader::{Reader, read_toml, with_article};
use super::toml_string::toml_key;
use super::{LabelType, MetricType};
use crate::diagnostic::source::Spanned;
use crate::{Code, Diagnostic};

/// A metric of `metrics.toml` with the places of what it says.
#[derive(Clone, Debug)]
pub(crate) struct KnownMetric {
    /// The name of its table.
    pub name: Spanned<String>,
    /// `type`.
    pub kind: Option<Spanned<MetricType>>,
    /// `help`.
    pub help: Option<String>,
    /// `unit`.
    pub unit: Option<Spanned<String>>,
    /// `labels`; `None` admits any.
    pub labels: Option<Vec<Spanned<String>>>,
    /// `empty`: labels without a value.
    pub empty: Vec<Spanned<String>>,
    /// `values`: all values of some labels.
    pub values: Vec<(Spanned<String>, LabelType)>,
}

impl KnownMetric {
    /// Its type, unless it is unknown.
    pub(crate) fn kind(&self) -> Option<MetricType> {
        self.kind.as_ref().map(|kind| kind.value).filter(|kind| *kind != MetricType::Unknown)
    }

    /// What it says, without places.
    #[cfg(feature = "tools")]
    pub(crate) fn facts(&self) -> impl PartialEq + '_ {
        let texts = |list: &'_ Vec<Spanned<String>>| list.iter().map(|it| it.value.clone()).collect::<Vec<_>>();
        let values = self.values.iter().map(|(label, values)| (&label.value, values.as_ref().map(texts)));
        let unit = self.unit.as_ref().map(|unit| &unit.value);
        (self.kind(), unit, self.labels.as_ref().map(texts), texts(&self.empty), values.collect::<Vec<_>>())
    }

    /// All values of a label, if they are listed.
    pub(crate) fn values(&self, label: &str) -> Option<&LabelType> {
        self.values.iter().find(|(name, _)| name.value == label).map(|(_, values)| values)
    }
}

pub(super) const KEYS: [&str; 6] = ["type", "help", "unit", "labels", "empty", "values"];

/// Reads a `metrics.toml`.
pub(crate) fn read(text: &str) -> (Vec<KnownMetric>, Vec<Diagnostic>) {
    let mut metrics = Vec::new();
    let (_, diagnostics) = read_toml(text, &mut |reader, table, _| metrics = reader.known_metrics(table));
    (metrics, diagnostics)
}

impl Reader<'_> {
    fn known_metrics(&mut self, table: &Table<'_>) -> Vec<KnownMetric> {
        table.iter().filter_map(|(key, value)| self.known_metric(key, value)).collect()
    }

    fn known_metric(&mut self, key: &Key<'_>, value: &Value<'_>) -> Option<KnownMetric> {
        let name = Spanned { value: key.name.to_string(), span: key.span };
        let Content::Table(table) = &value.content else {
            let title = format!("metric `{}` must be a table, not {}", name.value, with_article(value));
            let help = format!("write a table `[{}]` with a `type` and `labels`", toml_key(&name.value));
            self.report(Diagnostic::new(Code::WrongType, value.span, title).help(help));
            return None;
        };
        if name.value.is_empty() {
            self.report(Diagnostic::new(Code::InvalidName, name.span, "a metric without a name"));
        }
        let (kind, help, unit, labels, empty, values) = Default::default();
        let mut metric = KnownMetric { name, kind, help, unit, labels, empty, values };
        for (key, value) in table.iter() {
            if self.is_dotted_metric(&metric.name.value, key, value) {
                continue;
            }
            match self.known_key(table, key, "a metric", &KEYS) {
                "type" => metric.kind = self.metric_type(value),
                "help" => metric.help = self.string("help", value),
                "unit" => metric.unit = self.spanned_string("unit", value),
                "labels" => metric.labels = Some(self.distinct_strings("labels", "label", value)),
                "empty" => metric.empty = self.distinct_strings("empty", "label", value),
                "values" => metric.values = self.known_values(value),
                _ => {}
            }
        }
        Some(metric)
    }

    /// Reports an unquoted metric with dots, such as `[http.requests]`, which TOML reads as a table in a table.
    fn is_dotted_metric(&mut self, first: &str, key: &Key<'_>, value: &Value<'_>) -> bool {
        let rest = &*key.name;
        if KEYS.contains(&rest) || !value.is_table() {
            return false;
        }
        self.report(
            Diagnostic::new(Code::UnknownKey, key.span, format!("unknown key `{rest}` in a metric"))
                .label(format!("the dot makes `{rest}` a key of the table `{first}`"))
                .help(format!("write `[\"{first}.{rest}\"]` for a metric of that name")),
        );
        true
    }

    fn known_values(&mut self, value: &Value<'_>) -> Vec<(Spanned<String>, LabelType)> {
        let Content::Table(table) = &value.content else {
            self.wrong_type("values", "a table", value, "write `values = { label = [\"...\"] }`");
            return Vec::new();
        };
        let values = table.iter().map(|(key, value)| {
            let label = Spanned { value: key.name.to_string(), span: key.span };
            (label, LabelType::OneOf(self.distinct_strings(&key.name, "value", value)))
        });
        values.collect()
    }
}
