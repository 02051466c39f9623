//! The querier, from the options of commands that render presets.

use promql_presets_compiler::backend::registry::{Module, Preset};
use promql_presets_compiler::diagnostic::emit;
use promql_presets_compiler::{Code, Finding, Output, Severity};
use promql_presets_core::{Condition, Input, MatchOp, ParameterValues, PromDuration, Querier, RenderError, Window};

use crate::failure::Failure;
use crate::output::{in_colors_on_stderr, message, remark};
use crate::preset_folders::Folder;

/// The options that fill the placeholders of a preset.
#[derive(Debug, clap::Args)]
pub(crate) struct QuerierOptions {
    /// The name of the metric, for a preset whose file has no `[metric]`
    #[arg(long, default_value = "", hide_default_value = true)]
    name: String,
    /// A filter: `job=api`, `job!=api`, `job=~api.*` or `job!~api.*`; values are not quoted; can be repeated, also for
    /// the same label
    #[arg(long = "label", value_name = "MATCHER", value_parser = parse_matcher)]
    labels: Vec<(String, Condition)>,
    /// Comma-separated labels to group by
    #[arg(long, value_name = "LABELS", value_delimiter = ',')]
    group_by: Vec<String>,
    /// A window instead of the preset's default, such as `1h30m`, or `90` seconds
    #[arg(long)]
    window: Option<Window>,
    /// A value of a parameter that the preset declares: `quantile=0.99`; can be repeated
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parse_parameter)]
    parameters: Vec<(String, String)>,
}

impl QuerierOptions {
    /// Whether no option is given.
    pub(crate) fn is_empty(&self) -> bool {
        self.name.is_empty()
            && self.labels.is_empty()
            && self.group_by.is_empty()
            && self.window.is_none()
            && self.parameters.is_empty()
    }

    /// Renders a preset.
    pub(crate) fn render(&self, module: &Module, preset: &Preset) -> Result<String, RenderError> {
        let values = preset.parameter_values(&self.parameters)?;
        preset.render(module, &Input::of(&self.querier(true)), self.window(), values)
    }

    /// The values of the parameters that a preset declares.
    pub(crate) fn own_parameters(&self, preset: &Preset) -> Result<ParameterValues, RenderError> {
        let is_own = |(name, _): &&(String, String)| preset.parameters.iter().any(|parameter| parameter.name == *name);
        preset.parameter_values(&self.parameters.iter().filter(is_own).cloned().collect::<Vec<_>>())
    }

    /// The querier; without the name for presets that take none.
    pub(crate) fn querier(&self, takes_name: bool) -> Querier {
        let labels = self.group_by.iter().map(|label| label.trim()).filter(|label| !label.is_empty());
        let name = if takes_name { self.name.clone() } else { String::new() };
        let querier = Querier::new(name).group_by(labels.map(str::to_owned));
        let matchers = self.labels.iter().map(|(label, condition)| condition.clone().on(label.clone()));
        matchers.fold(querier, Querier::matcher)
    }

    /// The name of the metric; empty if there is none.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The query of a preset. `None` if the preset has errors, which are printed.
    pub(crate) fn query(&self, folder: &Folder, output: &Output, module: &Module, preset: &Preset) -> Option<String> {
        let errors = errors_in(output, module, preset);
        if !errors.is_empty() {
            let colors = in_colors_on_stderr();
            let texts =
                emit::each(&folder.files, &errors, |messages, error| message(messages, &error.diagnostic, colors));
            remark(&texts.join("\n\n"));
            return None;
        }
        self.render(module, preset).map_err(|error| remark(&format!("error: {error}"))).ok()
    }

    /// The window instead of the default.
    pub(crate) fn window(&self) -> Option<PromDuration> {
        self.window.map(PromDuration::from)
    }
}

/// A selector of the series with one of some names, in a form that all servers accept.
pub(crate) fn named<'n>(names: impl IntoIterator<Item = &'n String>) -> String {
    format!("{{{}}}", Condition::list(names.into_iter().cloned().collect(), false).on("__name__"))
}

/// Finds a preset by its name.
pub(crate) fn find<'o>(output: &'o Output, name: &str) -> Result<(&'o Module, &'o Preset), Failure> {
    presets(output)
        .find(|(module, preset)| module.preset_name(preset) == name)
        .ok_or_else(|| unknown(name, &names(output)))
}

/// The failure for a preset that does not exist, with a similar name.
pub(crate) fn unknown(name: &str, known: &[String]) -> Failure {
    let of_other_module = known.iter().find(|known| known.rsplit("::").next() == name.rsplit("::").next());
    let help = of_other_module.map(|full| format!("write its module: `{full}`"));
    let help = help.unwrap_or_else(|| "`promql-presets list` shows them".to_owned());
    Failure::unknown("preset", name, known.iter().map(String::as_str)).or_help(&help)
}

/// The names of all presets.
pub(crate) fn names(output: &Output) -> Vec<String> {
    presets(output).map(|(module, preset)| module.preset_name(preset)).collect()
}

/// All presets, each with its module.
pub(crate) fn presets(output: &Output) -> impl Iterator<Item = (&Module, &Preset)> {
    output.registry.modules.iter().flat_map(|module| module.presets.iter().map(move |preset| (module, preset)))
}

/// The errors in a preset, or in its file outside of presets. Without any, it can be rendered: errors in tests are left
/// out.
pub(crate) fn errors_in<'o>(output: &'o Output, module: &Module, preset: &Preset) -> Vec<&'o Finding> {
    let is_about = |finding: &&Finding| {
        finding.file == module.file
            && finding.diagnostic.severity == Severity::Error
            && finding.preset.as_ref().is_none_or(|name| *name == preset.name)
    };
    let is_of_test = |finding: &&Finding| {
        let place = finding.diagnostic.span;
        let mut tests = module.presets.iter().flat_map(|preset| &preset.tests);
        finding.diagnostic.code == Code::InvalidTest || tests.any(|test| test.faults.contains(&place))
    };
    output.findings.iter().filter(is_about).filter(|finding| !is_of_test(finding)).collect()
}

fn parse_parameter(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("expected a parameter such as `quantile=0.99`")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

fn parse_matcher(text: &str) -> Result<(String, Condition), String> {
    let (label, condition) = split_matcher(text).ok_or("expected a matcher such as `job=api`")?;
    if let Some((before, quoted)) = text.split_once('"')
        && let Some(value) = quoted.strip_suffix('"')
        && before.ends_with(['=', '~'])
    {
        return Err(format!("values are not quoted: write `{before}{value}`"));
    }
    Ok((label.to_owned(), condition))
}

/// A label and the condition on it: `job=api`, `job!=api`, `job=~api.*`, `job!~api.*`.
fn split_matcher(text: &str) -> Option<(&str, Condition)> {
    let at = text.find(['=', '!'])?;
    let (label, rest) = text.split_at(at);
    // `=` last, since `=~` starts with it.
    let ops = [MatchOp::Regex, MatchOp::NotRegex, MatchOp::NotEqual, MatchOp::Equal];
    let (op, value) = ops.iter().find_map(|op| Some((*op, rest.strip_prefix(op.as_str())?)))?;
    (!label.is_empty()).then(|| (label.trim(), Condition::new(op, value.to_owned())))
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
        assert_eq!(parse_matcher("job=~\"a.*\"").unwrap_err(), "values are not quoted: write `job=~a.*`");
        assert!(["job=a\"b\"", "job=\"", "job=a"].iter().all(|text| parse_matcher(text).is_ok()));
    }
}
