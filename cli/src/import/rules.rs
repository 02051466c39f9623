//! Rules of Prometheus: rule files, and `PrometheusRule` objects.

use serde_json::{Map, Value};

use super::document::{object, objects, text};
use super::{Collection, Query};

/// The groups of rules, if the object holds some.
pub(super) fn groups(object: &Map<String, Value>) -> Option<&[Value]> {
    let groups = object.get("groups")?.as_array()?;
    groups.iter().any(|group| group.get("rules").is_some()).then_some(groups)
}

/// A group of rules.
pub(super) fn group(group: &Value) -> Collection {
    let empty = Map::new();
    let group = group.as_object().unwrap_or(&empty);
    let title = text(group, "name").unwrap_or_else(|| "rules".to_owned());
    let description = Some(format!("Rules of the group `{title}`."));
    let queries = objects(group, "rules").map(|rule| self::rule(rule, &title)).collect();
    Collection { title, description, queries, ..Collection::default() }
}

fn rule(rule: &Map<String, Value>, group: &str) -> Query {
    let (kind, name) = match (text(rule, "record"), text(rule, "alert")) {
        (Some(name), _) => ("recording rule", name),
        (None, Some(name)) => ("alert", name),
        (None, None) => ("rule", "rule".to_owned()),
    };
    let annotation = |key| object(rule, &["annotations"]).and_then(|annotations| text(annotations, key));
    let sentences = [
        annotation("summary"),
        annotation("description").or_else(|| annotation("message")),
        text(rule, "for").map(|time| format!("The alert fires after {time}.")),
        object(rule, &["labels"])
            .and_then(|labels| text(labels, "severity"))
            .map(|severity| format!("Severity: {severity}.")),
    ];
    Query {
        place: format!("{kind} `{name}` of the group `{group}`"),
        title: Some(name.clone()),
        name,
        description: super::file::paragraphs(sentences),
        expr: text(rule, "expr").unwrap_or_default(),
        ..Query::default()
    }
}
