//! `promql-presets render`: renders a preset as the runtime does.

use std::process::ExitCode;

use promql_presets_compiler::compile;

use crate::FOUND;
use crate::failure::Failure;
use crate::json::Object;
use crate::output::{Format, print};
use crate::preset_folders::Dir;
use crate::querier::{QuerierOptions, find};

/// Renders a preset as PromQL, to paste into Prometheus
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0 on success, 1 if the preset has errors or does not take the arguments, 2 if it does not exist

Example:
  promql-presets render http::rate --label job=api --group-by code --window 1m")]
pub(crate) struct Arguments {
    /// The name of a preset, see `promql-presets list`, such as `container_utilization::rate`
    preset: String,
    #[command(flatten)]
    dir: Dir,
    #[command(flatten)]
    querier: QuerierOptions,
    /// The format; `json` is one object with preset and query
    #[arg(long, default_value = "human")]
    format: Format,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let Arguments { preset: name, dir, querier, format } = arguments;
    let folder = dir.read()?;
    let output = compile(&folder.files);
    let (module, preset) = find(&output, name)?;
    let Some(query) = querier.query(&folder, &output, module, preset) else { return Ok(ExitCode::from(FOUND)) };
    match format {
        Format::Human => print(&format!("{query}\n"))?,
        Format::Json => {
            let mut out = String::new();
            Object::open(&mut out).field("preset", name.as_str()).field("query", query).close();
            print(&(out + "\n"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
