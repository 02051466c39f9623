//! Tests of presets: whether they can be run.

use promql_presets_core::RenderError;

use crate::backend::registry::{Module, Preset};
use crate::check::selected_series;
use crate::diagnostic::suggest::nearest;
use crate::file::PresetTest;
use crate::file::preset_tests::series_labels;
use crate::promql::{Features, Syntax, parse};
use crate::{Code, Diagnostic, Span};
use promql_presets_core::sort;

/// What prevents a test of a preset from being run, and series that the preset does not read.
pub(super) fn check(module: &Module, preset: &Preset, test: &PresetTest) -> Vec<Diagnostic> {
    match preset.render_test(module, test) {
        Err(error) => vec![rendering(&error, preset, test)],
        Ok(_) => unread(module, preset, test),
    }
}

fn rendering(error: &RenderError, preset: &Preset, test: &PresetTest) -> Diagnostic {
    let of_label = |label: &str| {
        let filters = test.labels.iter().map(|(name, _, span)| (name, *span));
        let mut all = filters.chain(test.group_by.iter().map(|(name, span)| (name, *span)));
        all.find(|(name, _)| *name == label).map_or(test.span, |(_, span)| span)
    };
    let of_parameter = |parameter: &str| {
        test.parameters.iter().find(|(name, ..)| name == parameter).map_or(test.span, |(.., span)| *span)
    };
    let similar = |name: &str, known: &[String]| {
        nearest(name, known.iter().map(String::as_str)).map(|name| format!("write `{name}`"))
    };
    let (title, span, help): (String, Span, Option<String>) = match error {
        RenderError::UndeclaredLabel { label, declared } => {
            (format!("undeclared label `{label}` in a test"), of_label(label), similar(label, declared))
        }
        RenderError::MissingRequiredLabel { label } => {
            let help = format!("add `labels = {{ {label} = \"...\" }}`");
            (format!("missing label `{label}` in a test of `{}`", preset.name), test.span, Some(help))
        }
        RenderError::UndeclaredParameter { name, declared } => {
            (format!("undeclared parameter `{name}` in a test"), of_parameter(name), similar(name, declared))
        }
        RenderError::InvalidParameter { name, .. } => (error.to_string(), of_parameter(name), None),
        RenderError::NotAFilter { label }
        | RenderError::NotAGroupBy { label }
        | RenderError::InvalidLabelValue { label, .. }
        | RenderError::InvalidLabelName { label }
        | RenderError::NoAlternatives { label } => (error.to_string(), of_label(label), None),
        RenderError::UnexpectedMatcher { label } => {
            (format!("label `{label}` in a test of a template without `{{labels}}`"), of_label(label), None)
        }
        RenderError::UnexpectedGroupBy { label } => {
            (format!("label `{label}` in a test of a template without `{{group_by}}`"), of_label(label), None)
        }
        RenderError::UnexpectedWindow => {
            let span = test.window.map_or(test.span, |(_, span)| span);
            ("`window` in a test of a template without `{window}`".to_owned(), span, None)
        }
        RenderError::MissingMetricName => {
            let help = "add `metric_name = \"...\"`".to_owned();
            (format!("missing `metric_name` in a test of `{}`", preset.name), test.span, Some(help))
        }
        _ => (error.to_string(), test.span, None),
    };
    Diagnostic { help, ..Diagnostic::new(Code::InvalidTest, span, title) }
}

/// Series of a test that the preset does not read, if the names of all that it reads are known.
fn unread(module: &Module, preset: &Preset, test: &PresetTest) -> Vec<Diagnostic> {
    let parsed = parse(&preset.template, Syntax { template: true, features: Features::all() });
    let Some(expr) = &parsed.expr else { return Vec::new() };
    let metric = test.metric_name.as_deref().or(module.metric.as_deref());
    let selected = selected_series(&preset.template, expr, metric);
    let names: Option<Vec<String>> = selected.into_iter().map(|series| series.name).collect();
    let Some(mut names) = names else { return Vec::new() };
    sort::by(&mut names, Ord::cmp);
    names.dedup();
    let unread = test.series.iter().filter_map(|series| {
        let name = series_labels(&series.series)?.into_iter().find(|(label, _)| label == "__name__")?.1;
        if names.contains(&name) {
            return None;
        }
        let title = format!("series `{name}` that `{}` does not read", preset.name);
        let found = Diagnostic::new(Code::InvalidTest, series.span, title);
        Some(match nearest(&name, names.iter().map(String::as_str)) {
            Some(meant) => found.help(format!("write `{meant}`")),
            None => found.note(format!("it reads `{}`", names.join("`, `"))),
        })
    });
    unread.collect()
}
