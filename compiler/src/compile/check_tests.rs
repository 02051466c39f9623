//! Tests of presets: whether they can be run.

use std::borrow::Cow;

use promql_presets_core::RenderError;

use crate::backend::registry::{Label, Module, Preset};
use crate::check::selected_series;
use crate::diagnostic::suggest::nearest;
use crate::file::PresetTest;
use crate::file::preset_tests::series_labels;
use crate::promql::{Features, ResultType, Syntax, parse};
use crate::{Code, Diagnostic, Span};
use promql_presets_core::sort;

/// Reports mistakes because of which a test of a preset cannot run, and series that the preset does not read.
pub(super) fn check(module: &Module, preset: &Preset, test: &PresetTest) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if preset.result == ResultType::RangeVector {
        let title = format!("test of `{}`, whose result is a range vector", preset.name);
        found.push(Diagnostic::new(Code::InvalidTest, test.span, title).label("`promtool` compares instant vectors"));
    }
    // Rendering stops at the first mistake. It is removed, so that the next one is found.
    let mut rest = Cow::Borrowed(test);
    while let Err(error) = preset.render_test(module, &rest) {
        found.extend(rendering(&error, module, preset, test, &rest));
        if !remove(&error, rest.to_mut()) {
            break;
        }
    }
    found.extend(unread(module, preset, test));
    let has_fault = |span: Span| test.faults.iter().any(|fault| fault.start < span.end && span.start < fault.end);
    found.retain(|found| !has_fault(found.span));
    found
}

/// The place of the first filter or grouping that an error is about.
fn place_of(error: &RenderError, test: &PresetTest) -> Option<Span> {
    let filter = |label: &str| test.labels.iter().find(|(name, ..)| name == label).map(|(.., span)| *span);
    let grouping = |label: &str| test.group_by.iter().find(|(name, _)| name == label).map(|(_, span)| *span);
    let parameter = |name: &str| test.parameters.iter().find(|(known, ..)| known == name).map(|(.., span)| *span);
    match error {
        RenderError::UndeclaredLabel { label, .. } => filter(label).or_else(|| grouping(label)),
        // The error does not name labels to group by.
        RenderError::InvalidLabelName { label } => {
            filter(label).or_else(|| test.group_by.iter().find(|(name, _)| name.is_empty()).map(|(_, span)| *span))
        }
        RenderError::NotAFilter { label }
        | RenderError::InvalidLabelValue { label, .. }
        | RenderError::NoAlternatives { label }
        | RenderError::UnexpectedMatcher { label } => filter(label),
        RenderError::NotAGroupBy { label } | RenderError::UnexpectedGroupBy { label } => grouping(label),
        RenderError::UndeclaredParameter { name, .. } | RenderError::InvalidParameter { name, .. } => parameter(name),
        RenderError::UnexpectedWindow | RenderError::ZeroWindow | RenderError::WindowTooLong { .. } => {
            test.window.map(|(_, span)| span)
        }
        _ => None,
    }
}

/// Removes the cause of an error. Returns whether that is possible.
fn remove(error: &RenderError, test: &mut PresetTest) -> bool {
    if let RenderError::MissingMetricName = error {
        test.metric_name = Some("metric".to_owned());
        return true;
    }
    if let RenderError::OtherMetric { .. } | RenderError::UnexpectedMetricName { .. } = error {
        return test.metric_name.take().is_some();
    }
    let Some(place) = place_of(error, test) else { return false };
    test.labels.retain(|(.., span)| *span != place);
    test.group_by.retain(|(_, span)| *span != place);
    test.parameters.retain(|(.., span)| *span != place);
    test.window = test.window.filter(|(_, span)| *span != place);
    true
}

/// The finding about an error of rendering `rest`: the test without its reported mistakes.
fn rendering(
    error: &RenderError,
    module: &Module,
    preset: &Preset,
    test: &PresetTest,
    rest: &PresetTest,
) -> Vec<Diagnostic> {
    let similar = |name: &str, known: &[String]| {
        nearest(name, known.iter().map(String::as_str)).map(|name| format!("write `{name}`"))
    };
    let missing = |title: String, help: String| Diagnostic::new(Code::InvalidTest, test.span, title).help(help);
    let (title, help) = match error {
        RenderError::UndeclaredLabel { label, declared } => {
            (format!("undeclared label `{label}` in a test"), similar(label, declared))
        }
        // A value that could not be read may have it.
        RenderError::MissingRequiredLabel { .. } | RenderError::MissingMetricName if !test.faults.is_empty() => {
            return Vec::new();
        }
        RenderError::MissingRequiredLabel { .. } => {
            let declared = module.querier.iter().flat_map(|querier| &querier.labels).filter(|label| label.required);
            let has = |label: &str| test.labels.iter().any(|(name, ..)| name == label);
            let of = |label: &Label| {
                let title = format!("missing label `{}` in a test of `{}`", label.name, preset.name);
                missing(title, format!("add `labels = {{ {} = \"...\" }}`", label.name))
            };
            return declared.filter(|label| !has(&label.name)).map(of).collect();
        }
        RenderError::UndeclaredParameter { name, declared } => {
            (format!("undeclared parameter `{name}` in a test"), similar(name, declared))
        }
        RenderError::UnexpectedMatcher { label } => {
            (format!("label `{label}` in a test of a template without `{{labels}}`"), None)
        }
        RenderError::UnexpectedGroupBy { label } => {
            (format!("label `{label}` in a test of a template without `{{group_by}}`"), None)
        }
        RenderError::UnexpectedWindow => ("`window` in a test of a template without `{window}`".to_owned(), None),
        RenderError::MissingMetricName => {
            let title = format!("missing `metric_name` in a test of `{}`", preset.name);
            return vec![missing(title, "add `metric_name = \"...\"`".to_owned())];
        }
        _ => (error.to_string(), None),
    };
    let span = place_of(error, rest).unwrap_or(test.span);
    vec![Diagnostic { help, ..Diagnostic::new(Code::InvalidTest, span, title) }]
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
