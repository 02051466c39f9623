//! The JSON Schemas of the files: what each key means, and which values it can have.

use std::sync::LazyLock;

use promql_presets_compiler::FileKind;
use serde_json::Value;

/// The schema of each kind of file.
static SCHEMAS: LazyLock<[Value; 3]> = LazyLock::new(|| {
    [
        include_str!("../../schemas/preset.json"),
        include_str!("../../schemas/metrics.json"),
        include_str!("../../schemas/promql.json"),
    ]
    .map(|text| serde_json::from_str(text).unwrap_or_default())
});

/// The schemas of the value at a path: all alternatives, and for an array also those of its elements.
pub(super) fn at(kind: FileKind, path: &[String]) -> Vec<&'static Value> {
    let root = &SCHEMAS[match kind {
        FileKind::Presets => 0,
        FileKind::Metrics => 1,
        FileKind::Settings => 2,
    }];
    let mut found = Vec::new();
    alternatives(root, root, &mut found);
    for name in path {
        let mut next = Vec::new();
        let children = found.iter().filter_map(|node| {
            let other = || Some(&node["additionalProperties"]).filter(|schema| schema.is_object());
            node["properties"].get(name).or_else(other)
        });
        children.for_each(|child| alternatives(root, child, &mut next));
        found = next;
    }
    found
}

fn alternatives(root: &'static Value, node: &'static Value, found: &mut Vec<&'static Value>) {
    if let Some(pointer) = node["$ref"].as_str() {
        let target = root.pointer(pointer.trim_start_matches('#'));
        return target.into_iter().for_each(|target| alternatives(root, target, found));
    }
    if let Some(all) = node["anyOf"].as_array() {
        for node in all {
            alternatives(root, node, found);
        }
    }
    found.push(node);
    if node["items"].is_object() {
        alternatives(root, &node["items"], found);
    }
}

/// The keys of a table, each with its schema.
pub(super) fn keys(kind: FileKind, path: &[String]) -> impl Iterator<Item = (&'static str, &'static Value)> {
    let tables = at(kind, path).into_iter().filter_map(|node| node["properties"].as_object());
    tables.flatten().map(|(name, schema)| (name.as_str(), schema))
}

/// The values that a key can have, if they can be listed.
pub(super) fn values(kind: FileKind, path: &[String]) -> impl Iterator<Item = &'static str> {
    at(kind, path).into_iter().filter_map(|node| node["enum"].as_array()).flatten().filter_map(Value::as_str)
}

/// The description of a key.
pub(super) fn description(kind: FileKind, path: &[String]) -> Option<&'static str> {
    at(kind, path).into_iter().find_map(|node| node["description"].as_str())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use promql_presets_compiler::promql::Features;
    use promql_presets_compiler::{Code, KEYS, MetricType, discover};

    use super::super::toml::Outline;
    use super::*;

    fn path(text: &str) -> Vec<String> {
        text.split('.').filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    #[test]
    fn keys_are_those_of_the_compiler() {
        for (kind, table, known) in KEYS {
            // Checks are listed.
            let table = table.replace("checks.*", "checks.raw-counter");
            let own: BTreeSet<&str> = keys(kind, &path(&table)).map(|(name, _)| name).collect();
            assert_eq!(own, known.iter().copied().collect(), "{kind:?} {table}");
            for key in known {
                let path = [path(&table), vec![(*key).to_owned()]].concat();
                assert!(description(kind, &path).is_some(), "{kind:?} {table}.{key} has no description");
            }
        }
    }

    #[test]
    fn listed_values_are_those_of_the_compiler() {
        let values = |kind, at: &str| values(kind, &path(at)).collect::<Vec<_>>();
        let types = MetricType::ALL.map(|(name, _)| name);
        assert_eq!(values(FileKind::Presets, "metric.type"), types);
        assert_eq!(values(FileKind::Metrics, "x.type"), types);
        let features = [&Features::NAMES[..], &Features::FORMER].concat();
        let others = format!("^({})$", Features::OTHERS.join("|"));
        for (kind, at) in [(FileKind::Presets, "features"), (FileKind::Settings, "target.features")] {
            assert_eq!(values(kind, at), features);
            assert!(super::at(kind, &path(at)).iter().any(|node| node["pattern"].as_str() == Some(&others)));
        }
        let codes: Vec<&str> = Code::allowable().map(Code::as_str).collect();
        assert_eq!(values(FileKind::Presets, "presets.x.allow.check"), codes);
        let settable: BTreeSet<&str> =
            Code::ALL.iter().filter(|code| code.is_settable()).map(|code| code.as_str()).collect();
        assert_eq!(keys(FileKind::Settings, &path("checks")).map(|(name, _)| name).collect::<BTreeSet<_>>(), settable);
        for word in ["error", "warning", "off"] {
            assert!(values(FileKind::Settings, "checks.raw-counter").contains(&word), "{word}");
        }
    }

    #[test]
    fn the_catalogue_follows_them() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../presets");
        let files = discover::discover(&folder, "presets").unwrap();
        assert!(files.len() > 3);
        for file in files {
            for value in Outline::of(&file.text).values {
                let found = at(file.kind(), &value.path);
                assert!(!found.is_empty(), "{}: {}", file.path, value.path.join("."));
                let listed: Vec<&str> = values(file.kind(), &value.path).collect();
                let text = value.literal(&file.text).map(|literal| literal.text).unwrap_or_default();
                let is_free = found.iter().any(|node| node["type"] == "string" && node["enum"].is_null());
                assert!(listed.is_empty() || is_free || listed.contains(&&*text), "{}: {text}", file.path);
            }
        }
    }
}
