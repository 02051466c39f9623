//! `metrics.toml` as a value: the metrics that exist.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display, Formatter, Write};

use crate::diagnostic::source::Spanned;
use crate::file::LabelType;
use crate::file::known_metrics::{self, KnownMetric};
use crate::file::toml_string::{basic_string, toml_key};
use crate::vec_ext::IntoVec;
use crate::{Diagnostic, MetricType, Session};

/// The metrics that exist, as `metrics.toml` lists them. Parsing and displaying are inverse to each other.
///
/// The text depends only on the content: tables and lists are sorted, and there are no dates. Comments are not kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The metrics by name. A classic histogram or a summary has one entry, without the suffixes of its series; every other
    /// metric has the name of its series: `http_requests_total`, `build_info`, `job:errors:rate5m`. A metric that is both
    /// a native and a classic histogram has entries for the series of the latter too: `x`, `x_bucket`, `x_count`, `x_sum`.
    pub metrics: BTreeMap<String, SnapshotMetric>,
    /// Series that presets read although they do not exist, each with the name of a similar one that does.
    pub similar: BTreeMap<String, String>,
}

/// A metric of a [`Snapshot`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotMetric {
    /// Its type. [`MetricType::Unknown`] proves nothing and forbids nothing.
    pub kind: MetricType,
    /// Its help text.
    pub help: Option<String>,
    /// Its unit.
    pub unit: Option<String>,
    /// The labels of its series, without `le` of histograms and `quantile` of summaries; `None` if they are unknown.
    pub labels: Option<BTreeSet<String>>,
    /// Labels that its exporter writes without a value, which servers do not store. Queries may name them.
    pub empty: BTreeSet<String>,
    /// All values of some of its labels, `le` and `quantile` included.
    pub values: BTreeMap<String, BTreeSet<String>>,
}

impl Default for SnapshotMetric {
    fn default() -> Self {
        let (help, unit, labels, empty, values) = Default::default();
        Self { kind: MetricType::Unknown, help, unit, labels, empty, values }
    }
}

impl Snapshot {
    /// Reads the text of a `metrics.toml`.
    ///
    /// # Errors
    /// Everything that is wrong with it; spans are of `text`.
    pub fn parse(text: &str) -> Result<Self, Vec<Diagnostic>> {
        let (metrics, diagnostics) = known_metrics::read(text);
        if diagnostics.is_empty() { Ok(Self::of(&metrics)) } else { Err(diagnostics) }
    }

    /// The content of a snapshot without faults.
    fn of(metrics: &[KnownMetric]) -> Self {
        let strings = |list: &'_ Vec<Spanned<String>>| {
            let mut strings = BTreeSet::new();
            strings.extend(list.iter().map(|value| value.value.clone()));
            strings
        };
        let mut snapshot = Self::default();
        for metric in metrics {
            if let Some(similar) = &metric.similar {
                snapshot.similar.insert(metric.name.value.clone(), similar.value.clone());
                continue;
            }
            let mut values = BTreeMap::new();
            for (label, known) in &metric.values {
                let known = if let LabelType::OneOf(known) = known { strings(known) } else { BTreeSet::new() };
                values.insert(label.value.clone(), known);
            }
            let content = SnapshotMetric {
                kind: metric.kind.as_ref().map_or(MetricType::Unknown, |kind| kind.value),
                help: metric.help.clone(),
                unit: metric.unit.as_ref().map(|unit| unit.value.clone()),
                labels: metric.labels.as_ref().map(strings),
                empty: strings(&metric.empty),
                values,
            };
            snapshot.metrics.insert(metric.name.value.clone(), content);
        }
        snapshot
    }
}

impl Session {
    /// The metrics that exist; `None` if there is no `metrics.toml`, or it has faults.
    #[must_use]
    pub fn snapshot(&self) -> Option<Snapshot> {
        self.known_metrics().map(Snapshot::of)
    }
}

const HEADER: &str = "# Written by `promql-presets schema pull`: the metrics that the presets read. Commit this file.";

impl Display for Snapshot {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}")?;
        let mut tables: BTreeMap<&String, Option<&SnapshotMetric>> = BTreeMap::new();
        tables.extend(self.similar.keys().map(|name| (name, None)));
        tables.extend(self.metrics.iter().map(|(name, metric)| (name, Some(metric))));
        for (name, metric) in tables {
            write!(f, "\n[{}]\n", toml_key(name))?;
            let Some(metric) = metric else {
                writeln!(
                    f,
                    "# does not exist, although presets read it\nsimilar = {}",
                    toml_string(&self.similar[name])
                )?;
                continue;
            };
            writeln!(f, "type   = {}", toml_string(metric.kind.as_str()))?;
            for (key, text) in [("help", &metric.help), ("unit", &metric.unit)] {
                if let Some(text) = text {
                    writeln!(f, "{key}   = {}", toml_string(text))?;
                }
            }
            if let Some(labels) = &metric.labels {
                f.write_str(&list("labels", labels))?;
            }
            if !metric.empty.is_empty() {
                f.write_str(&list("empty ", &metric.empty))?;
            }
            f.write_str(&values(&metric.values))?;
        }
        Ok(())
    }
}

/// The values of labels as one inline table, or one key for each label where that is too long.
fn values(values: &BTreeMap<String, BTreeSet<String>>) -> String {
    let short: Vec<String> =
        values.iter().map(|(label, values)| format!("{} = {}", toml_key(label), array(values))).into_vec();
    let line = format!("values = {{ {} }}\n", short.join(", "));
    match short.as_slice() {
        [] => String::new(),
        _ if fits(&line) => line,
        _ => values.iter().map(|(label, values)| list(&format!("values.{}", toml_key(label)), values)).collect(),
    }
}

/// A key with a list on one line, or with one value a line where that is too long.
fn list(key: &str, values: &BTreeSet<String>) -> String {
    let line = format!("{key} = {}\n", array(values));
    if fits(&line) {
        return line;
    }
    let lines = values.iter().fold(format!("{key} = [\n"), |mut lines, value| {
        let _ = writeln!(lines, "    {},", toml_string(value));
        lines
    });
    lines + "]\n"
}

fn fits(line: &str) -> bool {
    line.trim_end().chars().count() <= 100
}

fn array(values: &BTreeSet<String>) -> String {
    format!("[{}]", values.iter().map(|value| toml_string(value)).into_vec().join(", "))
}

/// A text as a string of TOML, without escapes if possible.
fn toml_string(text: &str) -> String {
    let has_escapes = text.contains(['"', '\\']);
    if has_escapes && !text.contains(|c: char| c == '\'' || c.is_control()) {
        format!("'{text}'")
    } else {
        basic_string(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"# Written by `promql-presets schema pull`: the metrics that the presets read. Commit this file.

["http.server.requests"]
type   = "histogram"
help   = 'The "size" of C:\x.'
unit   = "bytes"
labels = ["code", "k8s.pod"]
empty  = ["error"]
values = { code = ["200", "404"], "k8s.pod" = ["a\nb"] }

["job:requests:rate5m"]
type   = "unknown"

[old_total]
# does not exist, although presets read it
similar = "x_total"

[x_total]
type   = "counter"
help   = "It's \"x\"."
labels = [
    "a_label_with_quite_a_long_name_number_0",
    "a_label_with_quite_a_long_name_number_1",
    "a_label_with_quite_a_long_name_number_2",
]
values.a_label_with_quite_a_long_name_number_0 = ["1"]
values.a_label_with_quite_a_long_name_number_1 = [
    "a_value_that_is_long_as_well_and_fills_lines_0",
    "a_value_that_is_long_as_well_and_fills_lines_1",
]
"#;

    #[test]
    fn texts_are_read_and_written_alike() {
        let snapshot = Snapshot::parse(TEXT).unwrap();
        assert_eq!(snapshot.to_string(), TEXT);
        let requests = &snapshot.metrics["http.server.requests"];
        assert_eq!(requests.kind, MetricType::Histogram);
        assert_eq!(requests.values["k8s.pod"].iter().collect::<Vec<_>>(), ["a\nb"]);
        assert_eq!(snapshot.metrics["job:requests:rate5m"], SnapshotMetric::default());
        assert_eq!(Snapshot::default().to_string(), format!("{HEADER}\n"));
    }

    #[test]
    fn every_text_survives() {
        for text in ["", "'", "\"", "'\"\\\u{1}\u{7f}\t\r\n", "\\d", "é\u{2028}", "a.b", "-"] {
            let labels = Some(BTreeSet::from([format!("a{text}")]));
            let values = BTreeMap::from([(format!("a{text}"), BTreeSet::from([text.to_owned()]))]);
            let help = Some(text.to_owned());
            let empty = BTreeSet::from([format!("b{text}")]);
            let metric = SnapshotMetric { kind: MetricType::Gauge, unit: help.clone(), help, labels, empty, values };
            let metrics = BTreeMap::from([(format!("x{text}"), metric)]);
            let snapshot = Snapshot { metrics, similar: BTreeMap::from([(format!("y{text}"), text.to_owned())]) };
            assert_eq!(Snapshot::parse(&snapshot.to_string()), Ok(snapshot), "{text:?}");
        }
    }

    #[test]
    fn all_faults_are_reported() {
        let text = "[a]\ntyp = \"counter\"\nlabels = [\"x\", \"x\"]\n[b]\ntype = \"guage\"\nvalues = [\"x\"]\n\
            [c.d]\ntype = \"gauge\"\n[e]\nlabels = 1\nhosts = 2\n[f]\n[f]\n";
        let found = Snapshot::parse(text).unwrap_err();
        let found: Vec<_> =
            found.iter().map(|found| format!("{}: {}", &text[found.span.range()], found.title)).collect();
        assert_eq!(
            found,
            [
                "f: duplicate key `f`",
                "typ: unknown key `typ` in a metric",
                "\"x\": duplicate label `x`",
                "\"guage\": unknown metric type `guage`",
                "[\"x\"]: `values` must be a table, not an array",
                "d: unknown key `d` in a metric",
                "1: `labels` must be an array of strings, not an integer",
                "hosts: unknown key `hosts` in a metric",
            ]
        );
    }
}
