//! `promql-presets explain`: the pages of the checks.

use std::process::ExitCode;

use lexopt::Arg::{Long, Short, Value};
use promql_presets_compiler::{Code, Layer};

use crate::failure::Failure;
use crate::output::{help, table};

pub(crate) const HELP: &str = "\
Explains a check: why, a preset that fails, and how to fix it

usage: promql-presets explain [CHECK]

  CHECK         its code, as in `error[unknown-placeholder]`; without one, all checks are listed
  -h, --help    show this text
";

pub(crate) fn run(mut arguments: lexopt::Parser) -> Result<ExitCode, Failure> {
    let failed = |error| Failure::arguments(error, HELP);
    let mut asked = None;
    while let Some(argument) = arguments.next().map_err(failed)? {
        match argument {
            Value(code) if asked.is_none() => asked = Some(code.to_string_lossy().into_owned()),
            Short('h') | Long("help") => return help(HELP),
            other => return Err(failed(other.unexpected())),
        }
    }
    let Some(name) = asked else { return help(&all()) };
    if let Some(code) = Code::find(&name) {
        return help(code.page());
    }
    Err(Failure::unknown("check", &name, Code::ALL.iter().map(|code| code.as_str())))
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
