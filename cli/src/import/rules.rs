//! Rules of Prometheus: rule files, `PrometheusRule` objects, and the rules that a server reports. Groups may hold alerts of
//! Grafana as well.

use serde_json::{Map, Value};

use super::fields::{listed, objects, others, text};
use super::{Collection, Query, annotations, grafana_alerts};

/// Whether an object is a group of rules.
pub(super) fn is_group(object: &Map<String, Value>) -> bool {
    let is_rule = |rule: &Map<String, Value>| ["alert", "record", "query"].iter().any(|key| rule.contains_key(*key));
    objects(object, "rules").any(|rule| is_rule(rule) || grafana_alerts::is_rule(rule))
}

/// The keys of groups that are read, or that only say where a group is and how it fares.
const KNOWN: [&str; 11] = [
    "name",
    "rules",
    "interval",
    "file",
    "lastEvaluation",
    "evaluationTime",
    "totals",
    "orgId",
    "folder",
    "folderUid",
    "query_offset",
];

/// A group of rules.
pub(super) fn group(group: &Map<String, Value>) -> Collection {
    let title = text(group, "name").unwrap_or_else(|| "rules".to_owned());
    let description = super::preset_file::paragraphs([
        Some(format!("Rules of the group `{title}`.")),
        text(group, "interval").map(|time| format!("They are evaluated every {time}.")),
        listed("Other settings", &others(group, &KNOWN)),
    ]);
    let offset = text(group, "query_offset").map(|time| format!("without `query_offset: {time}` of the group"));
    let queries = objects(group, "rules").flat_map(|rule| {
        if grafana_alerts::is_rule(rule) {
            grafana_alerts::queries(rule, &title)
        } else {
            vec![self::rule(rule, &title)]
        }
    });
    let noted = |query: Query| Query { notes: query.notes.iter().chain(&offset).cloned().collect(), ..query };
    let queries = queries.map(noted).collect();
    Collection { title, description, queries, ..Collection::default() }
}

fn rule(rule: &Map<String, Value>, group: &str) -> Query {
    let (kind, name) = match (text(rule, "record"), text(rule, "alert")) {
        (Some(name), _) => ("recording rule", name),
        (None, Some(name)) => ("alert", name),
        (None, None) => ("rule", text(rule, "name").unwrap_or_else(|| "rule".to_owned())),
    };
    let expr = text(rule, "expr").or_else(|| text(rule, "query"));
    Query {
        place: format!("{kind} `{name}` of the group `{group}`"),
        title: Some(name.clone()),
        name,
        description: annotations::description(rule),
        refused: expr.is_none().then(|| "a rule without `expr`".to_owned()),
        expr: expr.unwrap_or_default(),
        ..Query::default()
    }
}
