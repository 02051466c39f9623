//! `promql-presets explain`: the pages of the checks.

use std::process::ExitCode;

use promql_presets_compiler::{Code, Layer};

use crate::failure::Failure;
use crate::json::Object;
use crate::output::{Format, print, table};

/// Explains a check: why, a preset that fails, and how to fix it
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0, or 2 if the check does not exist

Example:
  promql-presets explain unknown-placeholder")]
pub(crate) struct Arguments {
    /// Its code, as in `error[unknown-placeholder]`; without one, all checks are listed
    check: Option<String>,
    /// The format; `json` is one object per line and check, with check, severity, summary and page
    #[arg(long, default_value = "human")]
    format: Format,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let found = match &arguments.check {
        None => None,
        Some(name) => {
            let unknown = || Failure::unknown("check", name, Code::ALL.iter().map(|code| code.as_str()));
            Some(Code::find(name).ok_or_else(unknown)?)
        }
    };
    print(&match (found, arguments.format) {
        (Some(code), Format::Human) => code.page().to_owned(),
        (None, Format::Human) => all(),
        (Some(code), Format::Json) => json(code),
        (None, Format::Json) => Code::ALL.iter().map(|code| json(*code)).collect(),
    })?;
    Ok(ExitCode::SUCCESS)
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
