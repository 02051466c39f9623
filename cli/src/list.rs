//! `promql-presets list`: lists presets.

use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::Arg::{Long, Short, Value};
use promql_presets_compiler::compile;

use crate::failure::Failure;
use crate::output::{help, print, remark, table};
use crate::{FOUND, folders};

pub(crate) const HELP: &str = "\
Lists presets with their result type, unit and default window

usage: promql-presets list [PATH]...

  PATH          a folder of preset files, or a file or folder in it; default: `presets`
  -h, --help    show this text

exit status: 0, or 1 if there are errors, so that presets may be missing
";

pub(crate) fn run(mut arguments: lexopt::Parser) -> Result<ExitCode, Failure> {
    let mut paths: Vec<PathBuf> = Vec::new();
    let failed = |error| Failure::arguments(error, HELP);
    while let Some(argument) = arguments.next().map_err(failed)? {
        match argument {
            Value(path) => paths.push(path.into()),
            Short('h') | Long("help") => return help(HELP),
            other => return Err(failed(other.unexpected())),
        }
    }
    let mut rows = Vec::new();
    let mut has_errors = false;
    for folder in folders::read(&paths)? {
        let output = compile(&folder.files);
        has_errors |= output.has_errors();
        for module in output.registry.modules.iter().filter(|module| folder.wanted[module.file]) {
            rows.extend(module.presets.iter().map(|preset| {
                let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
                vec![
                    module.preset_name(preset),
                    preset.result.as_str().to_owned(),
                    or_none(preset.unit.clone()),
                    or_none(preset.window.map(|window| window.to_string())),
                ]
            }));
        }
    }
    if rows.is_empty() {
        remark("no presets");
    } else {
        let titles = ["PRESET", "TYPE", "UNIT", "WINDOW"];
        rows.insert(0, titles.map(str::to_owned).to_vec());
        print(&table(&rows))?;
    }
    if has_errors {
        remark("presets may be missing because of errors: run `promql-presets check`");
        return Ok(ExitCode::from(FOUND));
    }
    Ok(ExitCode::SUCCESS)
}
