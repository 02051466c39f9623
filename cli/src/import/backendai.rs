//! The presets that Backend.AI stores: rows, and responses of its API.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::fields::{object, objects, others, text};
use super::{Collection, Language, Query, Uses};

/// The keys of presets that are read, or that only say which row it is.
const KNOWN: [&str; 24] = [
    "id",
    "name",
    "description",
    "unit",
    "labels",
    "options",
    "category",
    "category_name",
    "categoryName",
    "metric_name",
    "metricName",
    "query_template",
    "queryTemplate",
    "time_window",
    "timeWindow",
    "filter_labels",
    "filterLabels",
    "group_labels",
    "groupLabels",
    "created_at",
    "createdAt",
    "updated_at",
    "updatedAt",
    "__typename",
];

/// A field that is named in snake case in rows and in camel case in responses.
fn field(preset: &Map<String, Value>, snake: &str, camel: &str) -> Option<String> {
    text(preset, snake).or_else(|| text(preset, camel))
}

/// Whether an object is a preset.
pub(super) fn is_preset(object: &Map<String, Value>) -> bool {
    field(object, "query_template", "queryTemplate").is_some()
}

/// A collection for the presets of each metric.
pub(super) fn collections(presets: &[&Map<String, Value>]) -> Vec<Collection> {
    let mut metrics: BTreeMap<String, Vec<&Map<String, Value>>> = BTreeMap::new();
    for preset in presets {
        let metric = field(preset, "metric_name", "metricName").unwrap_or_else(|| "presets".to_owned());
        metrics.entry(metric).or_default().push(preset);
    }
    metrics.into_iter().map(|(metric, presets)| collection(metric, &presets)).collect()
}

fn collection(metric: String, presets: &[&Map<String, Value>]) -> Collection {
    let queries: Vec<Query> = presets.iter().map(|preset| query(preset)).collect();
    let named = queries.iter().any(|query| query.expr.contains("{metric_name}"));
    let description = Some(format!("Presets of Backend.AI for `{metric}`."));
    let named = named.then(|| metric.clone());
    let mut collection = Collection { metric: named, title: metric, description, queries, ..Collection::default() };
    for preset in presets {
        let list = |snake: &str, camel: &str| {
            let options = object(preset, &["options"]).unwrap_or(preset);
            let list = options.get(snake).or_else(|| options.get(camel)).and_then(Value::as_array);
            list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>()
        };
        let mut declare = |name: String, uses: Uses| {
            let label = collection.labels.entry(name).or_default();
            *label = Uses { filter: label.filter || uses.filter, group_by: label.group_by || uses.group_by };
        };
        for name in list("filter_labels", "filterLabels") {
            declare(name, Uses { filter: true, group_by: false });
        }
        for name in list("group_labels", "groupLabels") {
            declare(name, Uses { filter: false, group_by: true });
        }
        for label in objects(preset, "labels") {
            let is = |key: &str, default| label.get(key).and_then(Value::as_bool).unwrap_or(default);
            if let Some(name) = field(label, "label_name", "labelName") {
                declare(name, Uses { filter: is("filterable", true), group_by: is("groupable", false) });
            }
        }
    }
    collection
}

fn query(preset: &Map<String, Value>) -> Query {
    let name = text(preset, "name").unwrap_or_else(|| "preset".to_owned());
    let expr = field(preset, "query_template", "queryTemplate").unwrap_or_default();
    let language = if expr.contains("${{") { Language::DollarBraces } else { Language::Braces };
    let category = || object(preset, &["category"]).and_then(|category| text(category, "name"));
    Query {
        place: format!("preset `{name}`"),
        title: Some(name.clone()),
        name,
        category: field(preset, "category_name", "categoryName").or_else(category),
        notes: others(preset, &KNOWN).into_iter().map(|field| format!("without `{field}`")).collect(),
        description: text(preset, "description"),
        unit: text(preset, "unit"),
        window: field(preset, "time_window", "timeWindow"),
        expr,
        language,
        ..Query::default()
    }
}
