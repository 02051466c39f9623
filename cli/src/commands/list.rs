//! `promql-presets list`: lists presets.

use std::process::ExitCode;

use promql_presets_compiler::backend::registry::{Label, Module, Parameter, Preset, Segment};
use promql_presets_compiler::check::RowLabel;
use promql_presets_compiler::{SourceFile, compile};
use promql_presets_core::{LabelKind, ParameterValue};
use serde_json::{Value, json};

use crate::FOUND;
use crate::failure::Failure;
use crate::json::Object;
use crate::output::{Format, print, remark, table, terminal, width};
use crate::preset_folders::Paths;

/// Lists presets with their result type, unit, default window, labels and description
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0 on success, 1 if there are errors, so presets may be missing, 2 if files could not be read

Example:
  promql-presets list presets/http.toml --format json")]
pub(crate) struct Arguments {
    #[command(flatten)]
    paths: Paths,
    /// The format; `json` is one object per line and preset, with preset, file, line, title, category, description, type
    /// (scalar, vector, matrix or string), unit, window, `max_window`, metric, labels, `output_labels` (the known labels of
    /// its series: name, and whether every series has it), parameters, placeholders, template and tests (their names);
    /// what is not declared is null
    #[arg(long, default_value = "human")]
    format: Format,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut rows = vec![["PRESET", "TYPE", "UNIT", "WINDOW", "LABELS", "DESCRIPTION"].map(str::to_owned).to_vec()];
    let mut objects = String::new();
    let mut has_errors = false;
    for folder in arguments.paths.read()? {
        let output = compile(&folder.files);
        has_errors |= output.has_errors();
        for module in output.registry.modules.iter().filter(|module| folder.wanted[module.file]) {
            rows.extend(module.presets.iter().map(|preset| row(module, preset)));
            module.presets.iter().for_each(|preset| json(&mut objects, &folder.files[module.file], module, preset));
        }
    }
    match arguments.format {
        Format::Json => print(&objects)?,
        Format::Human if rows.len() == 1 => remark("no presets"),
        Format::Human => print(&fitting(&rows, terminal().map_or(usize::MAX, |(columns, _)| columns)))?,
    }
    if has_errors {
        remark("presets may be missing because of errors: run `promql-presets check`");
        return Ok(ExitCode::from(FOUND));
    }
    Ok(ExitCode::SUCCESS)
}

/// A table, or a paragraph for each preset if it is too wide.
fn fitting(rows: &[Vec<String>], columns: usize) -> String {
    let whole = table(rows);
    if whole.lines().all(|line| width(line) <= columns) {
        return whole;
    }
    let paragraph = |row: &Vec<String>| {
        let [preset, kind, unit, window, labels, description] = &row[..] else { return String::new() };
        let mut facts = vec![kind.clone()];
        facts.extend(Some(unit.clone()).filter(|unit| unit != "-"));
        facts.extend(Some(format!("window {window}")).filter(|_| window != "-"));
        facts.push(format!("labels: {labels}"));
        let texts = [Some(description.as_str()).filter(|text| *text != "-"), Some(&facts.join(", "))];
        texts.into_iter().flatten().fold(format!("{preset}\n"), |out, text| out + &wrapped(text, columns))
    };
    rows.iter().skip(1).map(paragraph).collect()
}

/// Words as indented lines that fit.
fn wrapped(text: &str, columns: usize) -> String {
    const INDENT: &str = "    ";
    let mut lines = vec![INDENT.to_owned()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().filter(|line| *line == INDENT || width(line) + 1 + width(word) <= columns);
        match line {
            Some(line) if line == INDENT => line.push_str(word),
            Some(line) => line.extend([" ", word]),
            None => lines.push(format!("{INDENT}{word}")),
        }
    }
    lines.join("\n") + "\n"
}

fn row(module: &Module, preset: &Preset) -> Vec<String> {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    vec![
        module.preset_name(preset),
        preset.result.as_str().to_owned(),
        or_none(preset.unit.clone()),
        or_none(preset.window.map(|window| window.to_string())),
        labels(module),
        or_none(preset.title.clone().or_else(|| first_line(preset.description.as_deref()?))),
    ]
}

/// The declared labels; any label is possible where none are declared.
fn labels(module: &Module) -> String {
    let Some(querier) = &module.querier else { return "any".to_owned() };
    let name = |label: &Label| format!("{}{}", label.name, if label.required { " (required)" } else { "" });
    querier.labels.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn first_line(text: &str) -> Option<String> {
    text.trim().lines().next().map(str::to_owned)
}

fn json(out: &mut String, file: &SourceFile, module: &Module, preset: &Preset) {
    Object::open(out)
        .field("preset", module.preset_name(preset))
        .field("file", file.path.as_str())
        .field("line", preset.line)
        .field("title", preset.title.as_deref())
        .field("category", preset.category.as_deref())
        .field("description", preset.description.as_deref())
        .field("type", preset.result.as_str())
        .field("unit", preset.unit.as_deref())
        .field("window", preset.window.map(|window| window.to_string()))
        .field("max_window", preset.max_window.map(|window| window.to_string()))
        .field("metric", module.metric.as_deref())
        .field("labels", module.querier.as_ref().map(|querier| querier.labels.iter().map(label).collect::<Value>()))
        .field("output_labels", preset.row.iter().map(output_label).collect::<Value>())
        .field("parameters", preset.parameters.iter().map(parameter).collect::<Value>())
        .field("placeholders", placeholders(preset))
        .field("template", preset.template.as_str())
        .field("tests", preset.tests.iter().map(|test| test.name.as_str()).collect::<Value>())
        .close();
    out.push('\n');
}

/// The same as in the catalogue of the HTTP API.
fn label(label: &Label) -> Value {
    let (kind, values) = match &label.kind {
        LabelKind::Uuid => ("uuid", None),
        LabelKind::Integer => ("integer", None),
        LabelKind::OneOf(values) => {
            ("one_of", Some(values.variants.iter().map(|(_, text)| text.as_str()).collect::<Value>()))
        }
        _ => ("string", None),
    };
    json!({
        "name": label.name, "description": label.description, "kind": kind, "values": values, "prefix": label.prefix,
        "required": label.required, "filter": label.usage.is_filter(), "group_by": label.usage.is_group_by(),
    })
}

fn output_label(label: &RowLabel) -> Value {
    json!({ "name": label.name, "required": label.is_sure })
}

fn parameter(parameter: &Parameter) -> Value {
    let value = |value: ParameterValue| match value {
        ParameterValue::Number(number) => json!(number),
        ParameterValue::Integer(number) => json!(number),
        ParameterValue::Duration(duration) => json!(duration.to_string()),
    };
    let bound = |bound: ParameterValue| if bound.is_open_bound() { Value::Null } else { value(bound) };
    json!({
        "name": parameter.name, "kind": parameter.default.kind().as_str(), "default": value(parameter.default),
        "min": bound(parameter.min), "max": bound(parameter.max), "description": parameter.description,
    })
}

/// The placeholders that a caller fills.
fn placeholders(preset: &Preset) -> Value {
    let has = |is: fn(&Segment) -> bool| preset.segments.iter().any(is);
    let all = [
        ("metric_name", has(|it| matches!(it, Segment::MetricName(..) | Segment::MetricNameOpen(..)))),
        ("labels", has(|it| *it == Segment::Labels)),
        ("group_by", has(|it| *it == Segment::GroupBy)),
        ("window", has(|it| *it == Segment::Window)),
    ];
    all.into_iter().filter(|(_, is_there)| *is_there).map(|(name, _)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_terminals_get_paragraphs() {
        let row = |cells: [&str; 6]| cells.map(str::to_owned).to_vec();
        let rows = [
            row(["PRESET", "TYPE", "UNIT", "WINDOW", "LABELS", "DESCRIPTION"]),
            row(["http::rate", "vector", "requests per second", "5m", "job, code", "Requests per second."]),
            row(["up", "vector", "-", "-", "any", "-"]),
        ];
        let table = fitting(&rows, 100);
        assert!(table.starts_with("PRESET      TYPE") && table.lines().count() == 3, "{table}");
        let expected = "http::rate
    Requests per second.
    vector, requests per
    second, window 5m,
    labels: job, code
up
    vector, labels: any
";
        assert_eq!(fitting(&rows, 26), expected);
    }
}
