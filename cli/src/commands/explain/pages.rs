//! The pages of the checks.

use promql_presets_compiler::{Code, Layer};

use crate::json::Object;
use crate::output::{Format, table};

/// The page of a check; without one, all checks.
pub(super) fn text(code: Option<Code>, format: Format) -> String {
    match (code, format) {
        (Some(code), Format::Human) => code.page().to_owned(),
        (None, Format::Human) => all(),
        (Some(code), Format::Json) => json(code),
        (None, Format::Json) => Code::ALL.iter().map(|code| json(*code)).collect(),
    }
}

fn json(code: Code) -> String {
    let mut out = String::new();
    Object::open(&mut out)
        .field("check", code.as_str())
        .field("severity", code.severity().as_str())
        .field("summary", code.summary())
        .field("page", code.page())
        .close();
    out + "\n"
}

/// Every code with its severity and summary.
fn all() -> String {
    let layers = [
        (Layer::File, "File: TOML, keys, names and values"),
        (Layer::Template, "Template: braces and placeholders"),
        (Layer::Query, "Query: syntax and types of PromQL"),
        (Layer::Meaning, "Meaning: valid PromQL with the wrong meaning; a preset can `allow` it with a reason"),
    ];
    let row = |code: &Code| {
        let indented = format!("  {}", code.as_str());
        vec![indented, code.severity().as_str().to_owned(), code.summary().to_owned()]
    };
    // One table, so that the columns of all layers are aligned.
    let lines = table(&Code::ALL.iter().map(row).collect::<Vec<_>>());
    let lines: Vec<(&Code, &str)> = Code::ALL.iter().zip(lines.lines()).collect();
    let section = |(layer, title): (Layer, &str)| {
        let own = lines.iter().filter(|(code, _)| code.layer() == layer).map(|(_, line)| *line);
        std::iter::once(title).chain(own).collect::<Vec<_>>().join("\n") + "\n"
    };
    layers.map(section).join("\n")
}
