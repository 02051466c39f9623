//! Reads dashboards, rules and stored presets of other tools, and turns them into preset files.

mod annotations;
mod backendai;
mod convert;
mod fields;
mod filters;
mod find;
mod grafana;
mod grafana_alerts;
mod names;
mod preset_file;
mod rules;
mod units;
mod variables;

use std::collections::{BTreeMap, BTreeSet};

pub(crate) use find::{NotRead, read};
pub(crate) use preset_file::{Imported, write};

/// The content of a future preset file: a dashboard, a group of rules, or the presets of a metric.
#[derive(Debug, Default)]
pub(crate) struct Collection {
    /// Its title, which the file is named after.
    title: String,
    description: Option<String>,
    /// The metric that `{metric_name}` stands for.
    metric: Option<String>,
    /// The labels that callers may filter on and group by, as the source declares them.
    labels: BTreeMap<String, Uses>,
    /// The variables of a dashboard.
    variables: BTreeMap<String, Variable>,
    queries: Vec<Query>,
}

impl Collection {
    /// Whether the file of the collection will declare a metric.
    pub(crate) fn declares_metric(&self) -> bool {
        self.metric.is_some()
    }
}

/// The uses that a label is declared for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Uses {
    filter: bool,
    group_by: bool,
}

/// A query of a collection, valid or not.
#[derive(Debug, Default)]
struct Query {
    /// Its place in words: panel `CPU`, query A.
    place: String,
    /// The text that the preset is named after.
    name: String,
    title: Option<String>,
    category: Option<String>,
    description: Option<String>,
    unit: Option<String>,
    /// The default of `{window}`.
    window: Option<String>,
    /// The text as it was; empty if there is none.
    expr: String,
    language: Language,
    /// Remarks about its description.
    notes: Vec<String>,
    /// Why it cannot be converted, if that is known.
    refused: Option<String>,
}

/// The language of a query.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Language {
    /// PromQL with the variables of Grafana.
    Grafana,
    #[default]
    Promql,
    /// A template with `{labels}`, as preset files have them.
    Braces,
    /// A template with `${{labels}}`.
    DollarBraces,
}

/// A variable of a dashboard.
#[derive(Clone, Debug, Default)]
struct Variable {
    /// Its value when the dashboard was saved.
    value: Option<String>,
    /// Whether it had further values then.
    has_more: bool,
    /// Whether it has this value only.
    is_constant: bool,
    /// Its values that may be names of labels, for variables in groupings.
    labels: BTreeSet<String>,
}

/// The options of a conversion.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    /// Whether `by (...)` becomes `by ({group_by})`.
    pub(crate) group_by: bool,
    /// Whether variables that are numbers or durations become their values rather than parameters.
    pub(crate) fixed: bool,
}

/// The names that have been given to presets or files.
#[derive(Debug, Default)]
pub(crate) struct Taken(BTreeSet<String>);

impl Taken {
    /// The name, or one with a number if it is taken.
    fn name(&mut self, name: &str) -> String {
        let numbered = (2..).map(|number| format!("{name}_{number}"));
        let free = std::iter::once(name.to_owned()).chain(numbered).find(|name| self.0.insert(name.clone()));
        free.unwrap_or_default()
    }
}
