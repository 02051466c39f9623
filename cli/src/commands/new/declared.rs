//! What the preset files of the folder declare about the metric: two files cannot declare it differently.

use std::collections::BTreeMap;

use promql_presets_compiler::{FileKind, MetricType, SourceFile};
use toml_edit::{DocumentMut, InlineTable, Item, TableLike, Value};

/// The declarations of a metric, of the first file that has each.
#[derive(Debug, Default)]
pub(super) struct Declared {
    /// The type, and the file.
    pub(super) kind: Option<(MetricType, String)>,
    pub(super) unit: Option<String>,
    /// The types of labels, as TOML.
    pub(super) labels: BTreeMap<String, String>,
}

impl Declared {
    pub(super) fn of(metric: &str, files: &[SourceFile]) -> Self {
        let mut declared = Self::default();
        for file in files.iter().filter(|file| file.kind() == FileKind::Presets) {
            // What is not valid is for `check` to report.
            let Ok(document) = file.text.parse::<DocumentMut>() else { continue };
            let table = |key: &str| document.get(key).and_then(Item::as_table_like);
            let text = |key: &str| table("metric").and_then(|metric| metric.get(key)?.as_str());
            if text("name") != Some(metric) {
                continue;
            }
            let kind = text("type").and_then(|kind| MetricType::ALL.iter().find(|(name, _)| *name == kind));
            declared.kind = declared.kind.or_else(|| kind.map(|(_, kind)| (*kind, file.path.clone())));
            declared.unit = declared.unit.or_else(|| text("unit").map(str::to_owned));
            for (name, item) in table("labels").into_iter().flat_map(TableLike::iter) {
                if let Some(kind) = kind_of(item) {
                    declared.labels.entry(name.to_owned()).or_insert(kind);
                }
            }
        }
        declared
    }
}

/// The type of a label, without what only its own file says.
fn kind_of(item: &Item) -> Option<String> {
    let Some(table) = item.as_table_like() else { return Some(shown(item.as_value()?)) };
    let mut kind = InlineTable::new();
    for key in ["type", "values", "prefix"] {
        if let Some(value) = table.get(key).and_then(Item::as_value) {
            kind.insert(key, value.clone());
        }
    }
    kind.fmt();
    match (kind.get("type"), kind.len()) {
        (Some(only), 1) => Some(shown(only)),
        (_, 0) => None,
        _ => Some(kind.to_string()),
    }
}

fn shown(value: &Value) -> String {
    value.clone().decorated("", "").to_string()
}
