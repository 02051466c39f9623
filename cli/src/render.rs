//! `promql-presets render`: renders a preset as the runtime does.

use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::Arg::{Long, Short, Value};
use lexopt::ValueExt;
use promql_presets_compiler::backend::registry::Module;
use promql_presets_compiler::diagnostic::emit;
use promql_presets_compiler::{Finding, Severity, compile};
use promql_presets_core::{Input, Match, PromDuration, Querier, Window, not, not_regex, regex};

use crate::failure::Failure;
use crate::output::{help, in_colors, message, print, remark};
use crate::{FOUND, folders};

pub(crate) const HELP: &str = "\
Renders a preset as PromQL, to paste into Prometheus

usage: promql-presets render PRESET [--dir DIR] [--name NAME] [--label MATCHER]... [--group-by LABELS]
                             [--window WINDOW]

  PRESET              the name of a preset, see `promql-presets list`, such as `container_utilization::rate`
  --dir DIR           the folder of preset files (default: `presets`)
  --name NAME         the metric name, if the preset's file has none
  --label MATCHER     a filter: `job=api`, `job!=api`, `job=~api.*` or `job!~api.*`; values are not quoted;
                      can be repeated, also for the same label
  --group-by LABELS   comma-separated labels to group by
  --window WINDOW     a window instead of the preset's default, such as `1h30m`, or `90` seconds
  -h, --help          show this text

exit status: 0, 1 if the preset has errors or does not take the arguments, 2 if it does not exist
";

/// The arguments.
struct Request {
    preset: String,
    dir: PathBuf,
    querier: Querier,
    window: Option<PromDuration>,
}

pub(crate) fn run(arguments: lexopt::Parser) -> Result<ExitCode, Failure> {
    let Some(Request { preset: name, dir, querier, window }) = read(arguments)? else { return help(HELP) };
    for folder in folders::read(&[dir])? {
        let output = compile(&folder.files);
        let names = |module: &Module| -> Vec<String> {
            module.presets.iter().map(|preset| module.preset_name(preset)).collect()
        };
        let found = output.registry.modules.iter().find_map(|module| {
            let at = names(module).iter().position(|known| *known == name)?;
            Some((module, &module.presets[at]))
        });
        let Some((module, preset)) = found else {
            let known: Vec<String> = output.registry.modules.iter().flat_map(names).collect();
            return Err(Failure::unknown("preset", &name, known.iter().map(String::as_str)));
        };
        let is_about = |finding: &&Finding| {
            finding.file == module.file
                && finding.diagnostic.severity == Severity::Error
                && finding.preset.as_ref().is_none_or(|name| *name == preset.name)
        };
        let errors: Vec<&Finding> = output.findings.iter().filter(is_about).collect();
        if !errors.is_empty() {
            let colors = in_colors();
            let texts =
                emit::each(&folder.files, &errors, |messages, error| message(messages, &error.diagnostic, colors));
            print(&format!("{}\n", texts.join("\n\n")))?;
            return Ok(ExitCode::from(FOUND));
        }
        match preset.render(module, &Input::of(&querier), window) {
            Ok(query) => print(&format!("{query}\n"))?,
            Err(error) => {
                remark(&format!("error: {error}"));
                return Ok(ExitCode::from(FOUND));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Reads the arguments; `None` for `--help`.
fn read(mut arguments: lexopt::Parser) -> Result<Option<Request>, Failure> {
    let failed = |error| Failure::arguments(error, HELP);
    let (mut preset, mut dir, mut window) = (None, PathBuf::from(folders::DEFAULT), None);
    let (mut name, mut matchers, mut group_by) = (String::new(), Vec::new(), Vec::new());
    while let Some(argument) = arguments.next().map_err(failed)? {
        let text = |arguments: &mut lexopt::Parser| arguments.value().and_then(ValueExt::string).map_err(failed);
        match argument {
            Value(name) if preset.is_none() => preset = Some(name.string().map_err(failed)?),
            Long("dir") => dir = arguments.value().map_err(failed)?.into(),
            Long("name") => name = text(&mut arguments)?,
            Long("label") => {
                let matcher = text(&mut arguments)?;
                let Some((label, condition)) = split_matcher(&matcher) else {
                    let no_matcher = format!("invalid matcher `{matcher}`, expected one such as `job=api`");
                    return Err(Failure::usage(no_matcher, HELP));
                };
                matchers.push(condition.on(label.to_owned()));
            }
            Long("group-by") => {
                let labels = text(&mut arguments)?;
                group_by.extend(labels.split(',').map(str::trim).filter(|label| !label.is_empty()).map(str::to_owned));
            }
            Long("window") => {
                let given = text(&mut arguments)?;
                let parsed: Result<Window, _> = given.parse();
                let parsed = parsed.map_err(|error| Failure::usage(format!("invalid window: {error}"), HELP))?;
                window = Some(parsed.into());
            }
            Short('h') | Long("help") => return Ok(None),
            other => return Err(failed(other.unexpected())),
        }
    }
    let Some(preset) = preset else { return Err(Failure::usage("no preset given", HELP)) };
    let querier = matchers.into_iter().fold(Querier::new(name).group_by(group_by), Querier::matcher);
    Ok(Some(Request { preset, dir, querier, window }))
}

/// A label and the condition on it: `job=api`, `job!=api`, `job=~api.*`, `job!~api.*`.
fn split_matcher(text: &str) -> Option<(&str, Match<String>)> {
    let at = text.find(['=', '!'])?;
    let (label, rest) = text.split_at(at);
    let value = |operator| rest.strip_prefix(operator);
    let condition = if let Some(pattern) = value("=~") {
        regex(pattern)
    } else if let Some(pattern) = value("!~") {
        not_regex(pattern)
    } else if let Some(other) = value("!=") {
        not(other)
    } else {
        Match::equal(value("=")?)
    };
    (!label.is_empty()).then(|| (label.trim(), condition))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matchers() {
        let split = |text| split_matcher(text).map(|(label, condition)| condition.on(label).to_string());
        assert_eq!(split("job=api").as_deref(), Some(r#"job="api""#));
        assert_eq!(split("job!=a=b").as_deref(), Some(r#"job!="a=b""#));
        assert_eq!(split("job=~a.*").as_deref(), Some(r#"job=~"a.*""#));
        assert_eq!(split("job!~a!").as_deref(), Some(r#"job!~"a!""#));
        assert_eq!(split("job=").as_deref(), Some(r#"job="""#));
        for text in ["job", "", "=api", "job!api"] {
            assert_eq!(split(text), None, "{text}");
        }
    }
}
