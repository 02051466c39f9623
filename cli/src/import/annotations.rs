//! The annotations and labels of rules and alerts, as descriptions of presets.

use serde_json::{Map, Value};

use super::fields::{listed, object, others, text};
use super::preset_file;

/// The keys of rules that are read, or that only say where a rule is and how it fares.
const KNOWN: [&str; 40] = [
    "alert",
    "record",
    "expr",
    "for",
    "keep_firing_for",
    "labels",
    "annotations",
    "name",
    "query",
    "duration",
    "keepFiringFor",
    "type",
    "state",
    "health",
    "lastError",
    "evaluationTime",
    "lastEvaluation",
    "alerts",
    "totals",
    "totalsFiltered",
    "activeAt",
    "grafana_alert",
    "title",
    "condition",
    "data",
    "id",
    "uid",
    "guid",
    "orgId",
    "orgID",
    "folderUID",
    "ruleGroup",
    "rule_group",
    "namespace_uid",
    "updated",
    "updated_by",
    "version",
    "provenance",
    "intervalSeconds",
    "metadata",
];

/// Summary, description, delays, labels and all other fields as a paragraph.
pub(super) fn description(rule: &Map<String, Value>) -> Option<String> {
    let annotation = |key| object(rule, &["annotations"]).and_then(|annotations| text(annotations, key));
    // Servers report seconds.
    let delay = |key, reported| {
        let seconds = || text(rule, reported).filter(|seconds| seconds != "0").map(|seconds| format!("{seconds}s"));
        text(rule, key).or_else(seconds)
    };
    let described = if annotation("description").is_some() { "description" } else { "message" };
    let further = object(rule, &["annotations"]).map(|it| others(it, &["summary", "runbook_url", described]));
    let settings = [Some(rule), object(rule, &["grafana_alert"])];
    let settings: Vec<String> = settings.into_iter().flatten().flat_map(|it| others(it, &KNOWN)).collect();
    let sentences = [
        annotation("summary"),
        annotation(described),
        annotation("runbook_url").map(|url| format!("Runbook: <{url}>.")),
        delay("for", "duration").map(|time| format!("The alert fires after {time}.")),
        delay("keep_firing_for", "keepFiringFor").map(|time| format!("It keeps firing for {time}.")),
        labels(rule),
        listed("Annotations", &further.unwrap_or_default()),
        listed("Other settings", &settings),
    ];
    preset_file::paragraphs(sentences)
}

/// The labels that a rule adds.
fn labels(rule: &Map<String, Value>) -> Option<String> {
    let labels = object(rule, &["labels"])?;
    let labels = labels.keys().filter_map(|name| Some(format!("`{name}={:?}`", text(labels, name)?)));
    Some(labels.collect::<Vec<_>>().join(", ")).filter(|labels| !labels.is_empty()).map(|all| format!("Labels: {all}."))
}
