//! The constants of presets, and the types of those with parameters.

use std::fmt::Write;

use promql_presets_core::{LookBack, MatchOp, ParameterKind, ParameterValue, PromDuration};

use super::rustdoc::{fence, prose};
use super::{Out, literal};
use crate::backend::names;
use crate::backend::query_facts::KnownSelector;
use crate::backend::registry::{Module, Parameter, Preset, Segment};
use crate::promql::ResultType;
use crate::vec_ext::IntoVec;

/// The end of a `__p::PresetInfo`.
const DEFAULT: &str = "..__p::PresetInfo::__DEFAULT";

impl Out<'_> {
    pub(super) fn preset(&mut self, module: &Module, preset: &Preset, path: &str) {
        let source = format!("{path}:{}", preset.line);
        self.line("");
        let summary = preset.description.as_ref().or(preset.title.as_ref());
        self.doc(&summary.map_or_else(|| format!("The preset `{}`.", preset.name), |text| prose(text)));
        self.line("///");
        let mut facts = format!("The result is {}.", preset.result.with_article());
        if let Some(unit) = &preset.unit {
            _ = write!(facts, " Unit: {unit}.");
        }
        if let Some(window) = preset.window {
            _ = write!(facts, " Window: `{window}` unless the caller passes another.");
        }
        self.doc(&facts);
        self.line("///");
        let fence = fence(&preset.template);
        self.doc(&format!("{fence}promql\n{}\n{fence}", preset.template.trim_start_matches(['\r', '\n']).trim_end()));
        self.line("///");
        self.doc(&format!("`{source}`"));
        let querier = if module.querier.is_some() { "Querier" } else { "dyn __p::MetricQuerier" };
        let own = preset.parameterized.as_deref();
        let ty = own.map_or_else(|| preset_type(preset, querier), str::to_owned);
        let open = own.map(|name| format!("{name}(")).unwrap_or_default();
        self.line(&format!("pub const {}: {ty} = {open}__p::Preset::__new(&__p::PresetInfo {{", preset.constant));
        self.indent += 1;
        let labels = module.querier.is_some();
        for (field, value) in
            info(preset, &literal(&module.preset_name(preset)), &literal(&source), module.metric.as_deref(), labels)
        {
            self.line(&format!("{field}: {value},"));
        }
        self.line(DEFAULT);
        self.close(if own.is_some() { "}));" } else { "});" });
        if let Some(name) = own {
            self.parameterized(name, preset, querier);
        }
    }

    /// The type of a constant with parameters.
    fn parameterized(&mut self, name: &str, preset: &Preset, querier: &str) {
        self.line("");
        self.open("__p::parameterized!");
        self.doc(&format!("The preset [`{}`] with the values of its parameters.", preset.constant));
        self.line(&format!("pub struct {name}({});", type_arguments(preset, querier)));
        for (index, parameter) in preset.parameters.iter().enumerate() {
            let Parameter { name, description, default, min, max } = parameter;
            if let Some(description) = description {
                self.doc(&format!("{}\n\n", prose(description)));
                self.line("///");
            }
            let bounds = match (min.is_open_bound(), max.is_open_bound()) {
                (true, true) => String::new(),
                (true, false) => format!(": at most `{max}`"),
                (false, true) => format!(": at least `{min}`"),
                (false, false) => format!(": from `{min}` to `{max}`"),
            };
            self.doc(&format!("Sets `{{{name}}}`, which is `{default}` by default{bounds}."));
            let (ty, variant) = match default.kind() {
                ParameterKind::Number => ("f64", "Number"),
                ParameterKind::Integer => ("i64", "Integer"),
                ParameterKind::Duration => ("__p::PromDuration", "Duration"),
            };
            let setter = names::setter(name).unwrap_or_default();
            self.line(&format!("{setter}: {ty} = {index}, {variant};"));
        }
        self.close("}");
    }
}

/// The content of a Rust block whose value is a single preset, for any querier.
#[inline]
pub(crate) fn inline(preset: &Preset) -> String {
    let source = "::core::concat!(::core::file!(), \":\", ::core::line!())";
    let name = match &*preset.name {
        "" => "::core::concat!(::core::module_path!(), \":\", ::core::line!())".to_owned(),
        name => literal(name),
    };
    let fields: Vec<String> =
        info(preset, &name, source, None, false).iter().map(|(field, value)| format!("{field}: {value}")).into_vec();
    let ty = preset_type(preset, "dyn __p::MetricQuerier");
    format!("const PRESET: {ty} = __p::Preset::__new(&__p::PresetInfo {{ {}, {DEFAULT} }}); PRESET", fields.join(", "))
}

/// The fields of a `__p::PresetInfo` that are not as in `__DEFAULT`; `name` and `source` are expressions.
fn info(
    preset: &Preset,
    name: &str,
    source: &str,
    metric: Option<&str>,
    has_labels: bool,
) -> Vec<(&'static str, String)> {
    let duration = |duration: PromDuration| format!("__p::PromDuration::from_millis({})", duration.as_millis());
    let description = preset.description.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let parameters = (!preset.parameters.is_empty()).then(|| parameters(&preset.parameters));
    // Each field costs time in every build of the service.
    let fields = [
        ("name", Some(name.to_owned())),
        ("title", some(preset.title.as_deref().map(literal))),
        ("category", some(preset.category.as_deref().map(literal))),
        ("description", description.map(literal)),
        ("unit", some(preset.unit.as_deref().map(literal))),
        ("template", Some(literal(&preset.template))),
        ("source", Some(source.to_owned())),
        (
            "result",
            (preset.result != ResultType::InstantVector).then(|| format!("__p::ResultType::{:?}", preset.result)),
        ),
        ("window", some(preset.window.map(duration))),
        ("max_window", some(preset.max_window.map(duration))),
        ("metric", some(metric.map(literal))),
        ("labels", some(has_labels.then(|| "__LABELS".to_owned()))),
        ("parameters", parameters),
        ("indivisible", some(preset.facts.indivisible.map(literal))),
        ("unfiltered", some(preset.facts.unfiltered.as_deref().map(literal))),
        ("across_groups", some(preset.facts.across_groups.map(literal))),
        ("selectors", selectors(&preset.facts.selectors)),
        ("look_back", look_back(&preset.facts.look_back)),
        ("segments", Some(segments(&preset.segments))),
    ];
    fields.into_iter().filter_map(|(field, value)| Some((field, value?))).into_vec()
}

fn preset_type(preset: &Preset, querier: &str) -> String {
    format!("__p::Preset<{}>", type_arguments(preset, querier))
}

/// The types of the querier, the result and the window.
fn type_arguments(preset: &Preset, querier: &str) -> String {
    let result = match preset.result {
        ResultType::Scalar => "__p::Scalar",
        ResultType::InstantVector => "__p::Vector",
        ResultType::RangeVector => "__p::Matrix",
        ResultType::String => "__p::Text",
    };
    let window = match preset.window {
        Some(_) => "__p::Windowed",
        None if preset.is_stub => "__p::AnyWindow",
        None => "__p::NoWindow",
    };
    format!("{querier}, {result}, {window}")
}

fn segments(segments: &[Segment]) -> String {
    let mut out = String::from("&[");
    for segment in segments {
        let separator = if out.len() > 2 { ", " } else { "" };
        _ = write!(out, "{separator}__p::Segment::");
        // Writing to a `String` cannot fail.
        _ = match segment {
            Segment::Text(text) => write!(out, "Text({text:?})"),
            Segment::Item(text) => write!(out, "Item({text:?})"),
            Segment::MetricName(before, after) => write!(out, "MetricName({before:?}, {after:?})"),
            Segment::MetricNameOpen(before, after) => write!(out, "MetricNameOpen({before:?}, {after:?})"),
            Segment::Labels => out.write_str("Labels"),
            Segment::GroupBy => out.write_str("GroupBy"),
            Segment::Window => out.write_str("Window"),
            Segment::Parameter(index) => write!(out, "Parameter({index})"),
            Segment::Start => out.write_str("Start"),
            Segment::End => out.write_str("End"),
        };
    }
    out.push(']');
    out
}

/// The selectors that the template names in full, if there are any.
fn selectors(known: &[KnownSelector]) -> Option<String> {
    let one = |known: &KnownSelector| {
        let matcher =
            |(label, op, value): &(String, MatchOp, String)| format!("({label:?}, __p::MatchOp::{op:?}, {value:?})");
        let matchers: Vec<String> = known.matchers.iter().map(matcher).into_vec();
        format!("__p::SelectorInfo {{ metric: {:?}, matchers: &[{}] }}", known.metric, matchers.join(", "))
    };
    (!known.is_empty()).then(|| format!("&[{}]", known.iter().map(one).into_vec().join(", ")))
}

/// The steps of the calculation, if there are any.
fn look_back(steps: &[LookBack]) -> Option<String> {
    let steps: Vec<String> = steps.iter().map(|step| format!("__p::LookBack::{step:?}")).into_vec();
    (!steps.is_empty()).then(|| format!("&[{}]", steps.join(", ")))
}

/// The parameters of a preset, as their type in the runtime prints them.
fn parameters(parameters: &[Parameter]) -> String {
    let one = |parameter: &Parameter| {
        let Parameter { name, default, min, max, .. } = parameter;
        let description = parameter.description.as_deref().unwrap_or_default().trim();
        let (default, min, max) = (parameter_value(*default), parameter_value(*min), parameter_value(*max));
        format!(
            "__p::ParameterInfo {{ name: {name:?}, description: {description:?}, default: {default}, min: {min}, \
             max: {max} }}"
        )
    };
    format!("&[{}]", parameters.iter().map(one).into_vec().join(", "))
}

fn parameter_value(value: ParameterValue) -> String {
    match value {
        ParameterValue::Number(number) => format!("__p::ParameterValue::Number({number:?})"),
        ParameterValue::Integer(number) => format!("__p::ParameterValue::Integer({number})"),
        ParameterValue::Duration(duration) => {
            format!("__p::ParameterValue::Duration(__p::PromDuration::from_millis({}))", duration.as_millis())
        }
    }
}

fn some(value: Option<String>) -> Option<String> {
    value.map(|value| format!("__p::Some({value})"))
}
