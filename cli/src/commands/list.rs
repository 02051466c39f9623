//! `promql-presets list`: lists presets.

use std::process::ExitCode;

use promql_presets_compiler::backend::registry::{Module, Preset};
use promql_presets_compiler::{SourceFile, compile};

use crate::FOUND;
use crate::failure::Failure;
use crate::folders::Paths;
use crate::json::Object;
use crate::output::{Format, print, remark, table};

/// Lists presets with their result type, unit and default window
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0, 1 if there are errors, so that presets may be missing, or 2 if files could not be read

Example:
  promql-presets list presets/http.toml --format json")]
pub(crate) struct Arguments {
    #[command(flatten)]
    paths: Paths,
    /// The format; `json` is one object per line and preset, with preset, file, line, description, type, unit, window,
    /// metric and template; type is scalar, vector, matrix or string, and what is not declared is null
    #[arg(long, default_value = "human")]
    format: Format,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut rows = vec![["PRESET", "TYPE", "UNIT", "WINDOW"].map(str::to_owned).to_vec()];
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
        Format::Human => print(&table(&rows))?,
    }
    if has_errors {
        remark("presets may be missing because of errors: run `promql-presets check`");
        return Ok(ExitCode::from(FOUND));
    }
    Ok(ExitCode::SUCCESS)
}

fn row(module: &Module, preset: &Preset) -> Vec<String> {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    vec![
        module.preset_name(preset),
        preset.result.as_str().to_owned(),
        or_none(preset.unit.clone()),
        or_none(preset.window.map(|window| window.to_string())),
    ]
}

fn json(out: &mut String, file: &SourceFile, module: &Module, preset: &Preset) {
    Object::open(out)
        .field("preset", module.preset_name(preset))
        .field("file", file.path.as_str())
        .field("line", preset.line)
        .field("description", preset.description.as_deref())
        .field("type", preset.result.as_str())
        .field("unit", preset.unit.as_deref())
        .field("window", preset.window.map(|window| window.to_string()))
        .field("metric", module.metric.as_deref())
        .field("template", preset.template.as_str())
        .close();
    out.push('\n');
}
