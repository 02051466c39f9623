//! The JSON Schemas of the files: they accept what the compiler accepts, and reject common mistakes.

use std::fs;
use std::path::{Path, PathBuf};

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::{Map, Value};
use toml_edit::{DocumentMut, Item, TableLike, Value as Toml};

use crate::snippets::{blocks, root};

/// The schema of a kind of files.
struct Schema {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Schema {
    fn of(name: &str) -> Self {
        let text = fs::read_to_string(root().join("cli/schemas").join(name)).unwrap();
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource(name, serde_json::from_str(&text).unwrap()).unwrap();
        let index = compiler.compile(name, &mut schemas).unwrap();
        Self { schemas, index }
    }

    /// The message about a file; empty if it is valid.
    fn faults(&self, text: &str) -> String {
        let document: DocumentMut = text.parse().unwrap();
        let value = object(document.as_table());
        self.schemas.validate(&value, self.index).err().map(|error| error.to_string()).unwrap_or_default()
    }
}

fn object(table: &dyn TableLike) -> Value {
    Value::Object(table.iter().map(|(key, item)| (key.to_owned(), of_item(item))).collect::<Map<_, _>>())
}

fn of_item(item: &Item) -> Value {
    match item {
        Item::None => Value::Null,
        Item::Value(value) => of_value(value),
        Item::Table(table) => object(table),
        Item::ArrayOfTables(tables) => tables.iter().map(|table| object(table)).collect(),
    }
}

fn of_value(value: &Toml) -> Value {
    match value {
        Toml::String(text) => text.value().as_str().into(),
        Toml::Integer(number) => (*number.value()).into(),
        // JSON has no NaN, which a test of a preset may expect.
        Toml::Float(number) => Some(*number.value()).filter(|number| number.is_finite()).unwrap_or_default().into(),
        Toml::Boolean(value) => (*value.value()).into(),
        Toml::Datetime(time) => time.to_string().into(),
        Toml::Array(values) => values.iter().map(of_value).collect(),
        Toml::InlineTable(table) => object(table),
    }
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn valid_files_are_accepted() {
    let [preset, metrics, settings] = ["preset.json", "metrics.json", "promql.json"].map(Schema::of);
    let (mut count, mut faults) = ([0; 3], String::new());
    let mut check = |kind: usize, name: &str, text: &str| {
        let fault = [&preset, &metrics, &settings][kind].faults(text);
        count[kind] += 1;
        if !fault.is_empty() {
            faults.extend([name, ": ", &fault, "\n"]);
        }
    };
    for path in files(&root().join("presets")) {
        check(0, &path.display().to_string(), &fs::read_to_string(&path).unwrap());
    }
    // Cases without a mistake, with the files beside the folder of presets.
    let cases = files(&root().join("compiler/tests/ui"));
    for path in cases.iter().filter(|path| path.to_string_lossy().ends_with(".fixed.toml")) {
        check(0, &path.display().to_string(), &fs::read_to_string(path).unwrap());
        for (kind, file) in [(1, "metrics.toml"), (2, "promql.toml")] {
            let name = path.to_string_lossy();
            let own = name.replace("fixed.toml", &format!("fixed.{file}"));
            let shared = name.replace("fixed.toml", file);
            if let Ok(text) = fs::read_to_string(&own).or_else(|_| fs::read_to_string(&shared)) {
                check(kind, &shared, &text);
            }
        }
    }
    for (page, text) in blocks("toml") {
        let first = text.lines().next().unwrap_or_default();
        let kind = match first.trim_start_matches("# ") {
            path if path.starts_with("presets/") => 0,
            "metrics.toml" => 1,
            "promql.toml" => 2,
            _ => continue,
        };
        check(kind, &page, &text);
    }
    assert!(count[0] > 300 && count[1] > 50 && count[2] > 20, "{count:?}");
    assert!(faults.is_empty(), "{faults}");
}

#[test]
fn mistakes_are_rejected() {
    for (schema, text) in [
        ("preset.json", "[presets.a]\ntemplat = 'up'\n"),
        ("preset.json", "[presets.a]\ntemplate = 1\n"),
        ("preset.json", "[presets.a]\nwindow = '5m'\n"),
        ("preset.json", "[preset.a]\ntemplate = 'up'\n"),
        ("preset.json", "[presets.a]\ntemplate = 'up'\nwindow = 'soon'\n"),
        ("preset.json", "[metric]\nname = 'up'\ntype = 'guage'\n"),
        ("preset.json", "[labels]\njob = 'text'\n"),
        ("preset.json", "[labels]\njob = { type = 'string', need = true }\n"),
        ("preset.json", "[presets.a]\ntemplate = 'up'\nallow = [{ check = 'raw-counter' }]\n"),
        ("preset.json", "[presets.a]\ntemplate = 'up'\n[[presets.a.tests]]\nname = 'x'\nat = '1m'\n"),
        ("preset.json", "[presets.a]\ntemplate = 'up > {n}'\nparameters = { n = { type = 'text' } }\n"),
        ("metrics.json", "[up]\ntype = 'gage'\n"),
        ("metrics.json", "[up]\nlabels = 'job'\n"),
        ("metrics.json", "[up]\nkind = 'gauge'\n"),
        ("promql.json", "[checks]\nraw-counter = 'deny'\n"),
        ("promql.json", "[check]\nraw-counter = 'off'\n"),
        ("promql.json", "[defaults]\nurl = 1\n"),
    ] {
        assert!(!Schema::of(schema).faults(text).is_empty(), "{schema} accepts:\n{text}");
    }
}
