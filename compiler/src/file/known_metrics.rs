//! Reads `metrics.toml`, the metrics that exist, with the place of each value.

use super::document::{Content, Key, Table, Value};
use super::reader::{Reader, read_toml, with_article};
use super::toml_string::toml_key;
use super::{LabelType, MetricType};
use crate::diagnostic::source::Spanned;
use crate::diagnostic::suggest::nearest;
use crate::sorted::SortedMap;
use crate::vec_ext::IntoVec;
use crate::{Code, Diagnostic, Span};

/// A metric of `metrics.toml` with the places of its values.
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
    /// `labels`; `None` allows any.
    pub labels: Option<Vec<Spanned<String>>>,
    /// `empty`: labels without a value.
    pub empty: Vec<Spanned<String>>,
    /// `values`: all values of some labels.
    pub values: Vec<(Spanned<String>, LabelType)>,
    /// `similar`: the metric does not exist, but this one with a similar name does.
    pub similar: Option<Spanned<String>>,
}

impl KnownMetric {
    /// Its type, unless it is unknown.
    pub(crate) fn kind(&self) -> Option<MetricType> {
        self.kind.as_ref().map(|kind| kind.value).filter(|kind| *kind != MetricType::Unknown)
    }

    /// Its values, without places.
    #[cfg(feature = "tools")]
    pub(crate) fn facts(&self) -> impl PartialEq + '_ {
        let texts = |list: &'_ Vec<Spanned<String>>| list.iter().map(|it| it.value.clone()).into_vec();
        let values = self.values.iter().map(|(label, values)| (&label.value, values.as_ref().map(texts)));
        let [unit, similar] = [&self.unit, &self.similar].map(|text| text.as_ref().map(|text| &text.value));
        (similar, self.kind(), unit, self.labels.as_ref().map(texts), texts(&self.empty), values.into_vec())
    }

    /// All values of a label, if they are listed.
    pub(crate) fn values(&self, label: &str) -> Option<&LabelType> {
        self.values.iter().find(|(name, _)| name.value == label).map(|(_, values)| values)
    }
}

pub(super) const KEYS: [&str; 7] = ["type", "help", "unit", "labels", "empty", "values", "similar"];

/// Reads a `metrics.toml`.
pub(crate) fn read(text: &str) -> (Vec<KnownMetric>, Vec<Diagnostic>) {
    let mut metrics = Vec::new();
    let (_, diagnostics) = read_toml(text, &mut |reader, table, _| metrics = reader.known_metrics(table));
    (metrics, diagnostics)
}

impl Reader<'_> {
    fn known_metrics(&mut self, table: &Table<'_>) -> Vec<KnownMetric> {
        let metrics: Vec<_> = table.iter().filter_map(|(key, value)| self.known_metric(key, value)).into_vec();
        let mut histograms: SortedMap<&str, Span> = SortedMap::default();
        for metric in metrics.iter().filter(|metric| metric.kind() == Some(MetricType::Histogram)) {
            histograms.insert_new(&metric.name.value, metric.name.span);
        }
        for metric in &metrics {
            self.labels_of_known(metric);
            let stem = MetricType::Histogram.parts().iter().find_map(|suffix| metric.name.value.strip_suffix(suffix));
            let counts = matches!(metric.kind(), None | Some(MetricType::Counter));
            if let Some(histogram) = stem.filter(|_| counts).and_then(|stem| histograms.get(stem)) {
                let title = format!("`{}` has a table, and so has its histogram", metric.name.value);
                self.report(
                    Diagnostic::new(Code::DuplicateValue, metric.name.span, title)
                        .label("one of its series")
                        .secondary(*histogram, "this table already covers it")
                        .help("remove the table"),
                );
            }
        }
        metrics
    }

    /// Reports labels that a metric cannot have, and values of labels that it does not have.
    fn labels_of_known(&mut self, metric: &KnownMetric) {
        let own = match metric.kind() {
            Some(MetricType::Histogram) => "le",
            Some(MetricType::Summary) => "quantile",
            _ => "",
        };
        let labels = metric.labels.as_deref();
        for label in labels.unwrap_or_default().iter().chain(&metric.empty) {
            let (title, text) = match label.value.as_str() {
                "" => ("a label without a name".to_owned(), "empty"),
                "__name__" => ("`__name__` among the labels".to_owned(), "the name of the table"),
                name if name == own => (format!("`{own}` among the labels"), "implied by the type"),
                _ => continue,
            };
            self.report(Diagnostic::new(Code::InvalidValue, label.span, title).label(text).help("remove it"));
        }
        let bounds = metric.values.iter().filter(|(label, _)| own == "le" && label.value == "le");
        for (_, bounds) in bounds {
            let LabelType::OneOf(bounds) = bounds else { continue };
            for bound in bounds.iter().filter(|bound| bound.value.parse::<f64>().is_err()) {
                let title = format!("`{}` is not a bound of a bucket", bound.value);
                self.report(Diagnostic::new(Code::InvalidValue, bound.span, title).label("not a number"));
            }
        }
        let Some(labels) = labels else { return };
        let find = |name: &str| labels.iter().find(|label| label.value == name);
        for label in &metric.empty {
            if let Some(other) = find(&label.value) {
                let title = format!("`{}` is listed in `labels` and in `empty`", label.value);
                let finding = Diagnostic::new(Code::DuplicateValue, label.span, title).label("without values here");
                self.report(finding.secondary(other.span, "with values here"));
            }
        }
        for (label, _) in metric.values.iter().filter(|(label, _)| label.value != own && find(&label.value).is_none()) {
            let title = format!("values of `{}`, which is not a label of `{}`", label.value, metric.name.value);
            let finding = Diagnostic::new(Code::InvalidValue, label.span, title).label("not in `labels`");
            let meant = nearest(&label.value, labels.iter().map(|label| label.value.as_str()));
            self.report(match meant {
                Some(meant) => finding.write(label.span, toml_key(meant)),
                None => finding,
            });
        }
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
        let (kind, help, unit, labels, empty, values, similar) = Default::default();
        let mut metric = KnownMetric { name, kind, help, unit, labels, empty, values, similar };
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
                "similar" => metric.similar = self.spanned_string("similar", value),
                _ => {}
            }
        }
        if let Some(similar) = metric.similar.as_ref().filter(|_| table.iter().count() > 1) {
            let title = format!("`similar` beside other keys of `{}`", metric.name.value);
            self.report(
                Diagnostic::new(Code::InvalidValue, similar.span, title)
                    .label("only for metrics that do not exist")
                    .help("remove it, or the other keys"),
            );
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
        values.into_vec()
    }
}
