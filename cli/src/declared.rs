//! The declarations of a metric in the preset files of a folder. A new file must not declare it differently.

use std::collections::BTreeMap;

use promql_presets_compiler::{FileKind, MetricType, SourceFile};
use toml_edit::{DocumentMut, InlineTable, Item, TableLike, Value};

/// The declarations of a metric, each of the first file that has it.
#[derive(Debug, Default)]
pub(crate) struct Declared {
    /// The type, and the file.
    pub(crate) kind: Option<(MetricType, String)>,
    pub(crate) unit: Option<String>,
    /// The types of labels, as TOML.
    labels: BTreeMap<String, String>,
}

impl Declared {
    pub(crate) fn of<'f>(metric: &str, files: impl IntoIterator<Item = &'f SourceFile>) -> Self {
        let mut declared = Self::default();
        for file in files.into_iter().filter(|file| file.kind() == FileKind::Presets) {
            // `check` reports invalid files.
            let Ok(document) = file.text.parse::<DocumentMut>() else { continue };
            let table = |key: &str| document.get(key).and_then(Item::as_table_like);
            let text = |key: &str| table("metric").and_then(|metric| metric.get(key)?.as_str());
            if text("name") != Some(metric) {
                continue;
            }
            let kind = text("type").and_then(MetricType::find);
            declared.kind = declared.kind.or_else(|| kind.map(|kind| (kind, file.path.clone())));
            declared.unit = declared.unit.or_else(|| text("unit").map(str::to_owned));
            for (name, item) in table("labels").into_iter().flat_map(TableLike::iter) {
                if let Some(kind) = kind_of(item) {
                    declared.labels.entry(name.to_owned()).or_insert(kind);
                }
            }
        }
        declared
    }

    pub(crate) fn label_names(&self) -> impl Iterator<Item = &String> {
        self.labels.keys()
    }

    /// The value of a label in `[labels]`, with `only` as its single use: `filter` or `group_by`.
    pub(crate) fn label(&self, name: &str, only: Option<&str>) -> String {
        match only {
            Some(only) => self.with_key(name, &format!("use = [\"{only}\"]")),
            None => self.kind(name).to_owned(),
        }
    }

    /// The value of a label in `[labels]` with another name in Rust.
    pub(crate) fn renamed(&self, name: &str, rust_name: &str) -> String {
        self.with_key(name, &format!("rust_name = \"{rust_name}\""))
    }

    fn kind(&self, name: &str) -> &str {
        self.labels.get(name).map_or("\"string\"", String::as_str)
    }

    fn with_key(&self, name: &str, key: &str) -> String {
        let kind = self.kind(name);
        let inner = match kind.as_bytes().first() {
            Some(b'{') => kind.trim_matches(['{', '}']).trim().to_owned(),
            Some(b'[') => format!("values = {kind}"),
            _ => format!("type = {kind}"),
        };
        format!("{{ {inner}, {key} }}")
    }
}

/// The type of a label, without the keys that matter to its own file only.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_keep_their_type_and_get_another_use() {
        let text = "[metric]\nname = 'x'\n[labels]\na = \"uuid\"\nb = ['c', 'd']\n\
                    e = { type = \"uuid\", prefix = \"GPU-\", required = true, use = [\"group_by\"] }\n";
        let file = SourceFile { name: "x.toml".to_owned(), path: "x.toml".to_owned(), text: text.to_owned() };
        let declared = Declared::of("x", [&file]);
        for (label, only, expected) in [
            ("a", None, "\"uuid\""),
            ("a", Some("filter"), "{ type = \"uuid\", use = [\"filter\"] }"),
            ("b", None, "['c', 'd']"),
            ("b", Some("filter"), "{ values = ['c', 'd'], use = [\"filter\"] }"),
            ("e", None, "{ type = \"uuid\", prefix = \"GPU-\" }"),
            ("e", Some("filter"), "{ type = \"uuid\", prefix = \"GPU-\", use = [\"filter\"] }"),
            ("f", None, "\"string\""),
        ] {
            assert_eq!(declared.label(label, only), expected);
        }
        assert!(Declared::of("y", [&file]).label_names().next().is_none());
    }
}
