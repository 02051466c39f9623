//! Alerts that Grafana manages, as its files and its API have them: in groups, or in a list.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::fields::{object, objects, text};
use super::grafana::{self, Target};
use super::{Collection, Language, Query, annotations};

type Object = Map<String, Value>;

/// Whether an object is an alert.
pub(super) fn is_rule(rule: &Object) -> bool {
    objects(alert(rule), "data").any(|query| query.contains_key("model"))
}

/// The part with the queries. The ruler API has it apart from labels and annotations.
fn alert(rule: &Object) -> &Object {
    object(rule, &["grafana_alert"]).unwrap_or(rule)
}

/// Alerts that are in no group, by the groups that they name.
pub(super) fn collections(alerts: &[&Object]) -> Vec<Collection> {
    let mut groups: BTreeMap<String, Vec<Query>> = BTreeMap::new();
    for alert in alerts {
        let group = text(alert, "ruleGroup").unwrap_or_else(|| "alerts".to_owned());
        groups.entry(group.clone()).or_default().extend(queries(alert, &group));
    }
    let collection = |(title, queries)| {
        let description = Some(format!("Rules of the group `{title}`."));
        Collection { title, description, queries, ..Collection::default() }
    };
    groups.into_iter().map(collection).collect()
}

/// The queries of an alert, and the expressions that Grafana computes from them.
pub(super) fn queries(rule: &Object, group: &str) -> Vec<Query> {
    let alert = alert(rule);
    let title = text(alert, "title").unwrap_or_else(|| "alert".to_owned());
    let source = |query: &Object, model: &Object| match text(query, "datasourceUid") {
        // Thresholds, reductions and arithmetic; older versions write `-100`.
        Some(uid) if uid == "__expr__" || uid == "-100" => Some("__expr__".to_owned()),
        _ => object(model, &["datasource"]).and_then(|source| text(source, "type")),
    };
    let targets = objects(alert, "data").filter_map(|query| {
        let model = object(query, &["model"])?;
        let name = text(query, "refId").or_else(|| text(model, "refId")).unwrap_or_default();
        Some(Target { name, source: source(query, model), query: model })
    });
    let targets: Vec<Target<'_>> = targets.collect();
    let is_only = targets.iter().filter(|target| grafana::refusal(target).is_none()).count() < 2;
    // Thresholds, for example.
    let is_expression = |target: &&Target<'_>| target.source.as_deref() == Some("__expr__");
    let expressions = targets.iter().filter(is_expression).filter_map(|target| {
        Some(format!("without the expression {} of the alert: `{}`", target.name, grafana::written(target)?))
    });
    let shifts = objects(alert, "data").filter_map(|query| {
        let to = text(object(query, &["relativeTimeRange"])?, "to").filter(|to| to != "0")?;
        let name = text(query, "refId").unwrap_or_default();
        Some(format!("without `relativeTimeRange`: the range of query {name} ends {to} seconds before the evaluation"))
    });
    let notes: Vec<String> = expressions.chain(shifts).collect();
    let query = |target: &Target<'_>| {
        let name = if is_only { title.clone() } else { format!("{title}: {}", target.name) };
        Query {
            place: format!("alert `{title}` of the group `{group}`, query {}", target.name),
            title: Some(name.clone()),
            name,
            description: annotations::description(rule),
            refused: grafana::refusal(target),
            expr: grafana::written(target).unwrap_or_default(),
            notes: notes.clone(),
            language: Language::Grafana,
            ..Query::default()
        }
    };
    targets.iter().map(query).collect()
}
