//! The annotations and labels of rules and alerts, as descriptions of presets.

use serde_json::{Map, Value};

use super::fields::{object, text};
use super::preset_file;

/// Summary, description, delays and labels as a paragraph.
pub(super) fn description(rule: &Map<String, Value>) -> Option<String> {
    let annotation = |key| object(rule, &["annotations"]).and_then(|annotations| text(annotations, key));
    let sentences = [
        annotation("summary"),
        annotation("description").or_else(|| annotation("message")),
        annotation("runbook_url").map(|url| format!("Runbook: <{url}>.")),
        text(rule, "for").map(|time| format!("The alert fires after {time}.")),
        text(rule, "keep_firing_for").map(|time| format!("It keeps firing for {time}.")),
        labels(rule),
    ];
    preset_file::paragraphs(sentences)
}

/// The labels that a rule adds.
fn labels(rule: &Map<String, Value>) -> Option<String> {
    let labels = object(rule, &["labels"])?;
    let labels = labels.keys().filter_map(|name| Some(format!("`{name}={:?}`", text(labels, name)?)));
    Some(labels.collect::<Vec<_>>().join(", ")).filter(|labels| !labels.is_empty()).map(|all| format!("Labels: {all}."))
}
