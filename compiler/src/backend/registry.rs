//! The modules and presets of all files: the input of code generation and of commands that list presets.

use promql_presets_core::{
    self as core, Condition, Input, LabelInfo, LabelKind, LabelUse, ParameterInfo, ParameterValue, ParameterValues,
    PresetMetadata, PromDuration, RenderError, SelectorInfo, Template,
};

use super::query_facts::QueryFacts;
use crate::Span;
use crate::check::RowLabel;
use crate::file::PresetTest;
use crate::promql::ResultType;
use crate::vec_ext::IntoVec;

/// The presets of all files.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    /// One module a file, in the order of their paths.
    pub modules: Vec<Module>,
}

/// The module of a preset file.
#[derive(Clone, Debug)]
pub struct Module {
    /// The index of its file.
    pub file: usize,
    /// The Rust names of the modules, from the outermost: `["vllm", "latency"]`.
    pub path: Vec<String>,
    /// The path as text, without `r#`: `vllm::latency`.
    pub name: String,
    /// The description of the file.
    pub description: Option<String>,
    /// The metric that the file is about.
    pub metric: Option<String>,
    /// The querier that the file's `[labels]` declare.
    pub querier: Option<Querier>,
    /// The presets in the order of the file.
    pub presets: Vec<Preset>,
    /// The types of their rows.
    pub rows: Vec<Row>,
}

impl Module {
    /// The name for looking up a preset at run time: `vllm::latency::p95`.
    #[must_use]
    pub fn preset_name(&self, preset: &Preset) -> String {
        format!("{}::{}", self.name, preset.constant.to_ascii_lowercase())
    }
}

/// The querier of a module.
#[derive(Clone, Debug)]
pub struct Querier {
    /// Whether its constructor takes the metric's name.
    pub takes_name: bool,
    /// Whether it has setters of matchers: some template has `{labels}`.
    pub takes_labels: bool,
    /// Whether it has a setter of labels to group by: some template has `{group_by}`.
    pub takes_group_by: bool,
    /// The labels in the order of the file.
    pub labels: Vec<Label>,
}

/// A declared label.
#[derive(Clone, Debug)]
pub struct Label {
    /// Its name in Prometheus.
    pub name: String,
    /// The place of its name in the file.
    pub span: Span,
    /// The setter's name.
    pub setter: String,
    /// The variant of the enum `Label`.
    pub variant: String,
    /// The kind of its values.
    pub kind: LabelKind<ValueEnum>,
    /// Whether the constructor takes it.
    pub required: bool,
    /// The text before the UUID of every value.
    pub prefix: Option<String>,
    /// The permitted uses by callers.
    pub usage: LabelUse,
    /// Its description.
    pub description: Option<String>,
    /// Whether its kind is invalid, so that its setter accepts anything.
    pub is_stub: bool,
}

/// The enum for a list of values.
#[derive(Clone, Debug)]
pub struct ValueEnum {
    /// The name of the enum.
    pub name: String,
    /// Its variants, each with its text.
    pub variants: Vec<(String, String)>,
}

/// A struct for the labels of series: that of all presets of a file, or of one whose series have other labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its name in Rust.
    pub name: String,
    /// The constant of the preset; `None` for all presets of the file.
    pub preset: Option<String>,
    /// The fields.
    pub fields: Vec<RowField>,
}

/// A field of a [`Row`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowField {
    /// Its name in Rust.
    pub name: String,
    /// The name of the label.
    pub label: String,
    /// Its index in the labels that the file declares.
    pub declared: Option<usize>,
    /// Whether a series may lack the label.
    pub is_optional: bool,
}

/// A preset.
#[derive(Clone, Debug)]
pub struct Preset {
    /// Its name in the file.
    pub name: String,
    /// The constant's name.
    pub constant: String,
    /// The line of the file on which it starts, counted from 1.
    pub line: usize,
    /// The place of its name in the file.
    pub span: Span,
    /// Its title for people.
    pub title: Option<String>,
    /// The heading in catalogues.
    pub category: Option<String>,
    /// Its description.
    pub description: Option<String>,
    /// Unit of the result.
    pub unit: Option<String>,
    /// The template as written in the file.
    pub template: String,
    /// The default window, if the template has `{window}`.
    pub window: Option<PromDuration>,
    /// The longest window that callers may pass.
    pub max_window: Option<PromDuration>,
    /// Type of an instant query's result.
    pub result: ResultType,
    /// The parameters that callers may set.
    pub parameters: Vec<Parameter>,
    /// The name in Rust of a type with a setter for each parameter, if there are parameters.
    pub parameterized: Option<String>,
    /// The segments of the template; empty if it has errors.
    pub segments: Vec<Segment>,
    /// The facts about the query for the runtime.
    pub facts: QueryFacts,
    /// The labels of its series.
    pub row: Vec<RowLabel>,
    /// The tests that are written beside it.
    pub tests: Vec<PresetTest>,
    /// Whether its template has errors, so that its window is unknown.
    pub is_stub: bool,
}

impl Preset {
    /// The values of parameters, from names and texts.
    ///
    /// # Errors
    /// [`RenderError::UndeclaredParameter`] and [`RenderError::InvalidParameter`], also for a second value of a parameter.
    pub fn parameter_values(&self, texts: &[(String, String)]) -> Result<ParameterValues, RenderError> {
        let infos: Vec<_> = self.parameters.iter().map(Parameter::info).into_vec();
        texts.iter().try_fold(ParameterValues::DEFAULTS, |values, (name, text)| {
            let index = ParameterInfo::find(&infos, name)?;
            if values.get(index).is_some() {
                let (name, value) = (name.clone(), text.clone());
                return Err(RenderError::InvalidParameter { name, value, expected: "set already".to_owned() });
            }
            Ok(values.with(index, infos[index].parse(text)?))
        })
    }

    /// The PromQL of a test of the preset.
    ///
    /// # Errors
    /// If the test has something for which the template has no place, or that the file does not declare.
    pub fn render_test(&self, module: &Module, test: &PresetTest) -> Result<String, RenderError> {
        let name = test.metric_name.clone().unwrap_or_default();
        let querier = core::Querier::new(name).group_by(test.group_by.iter().map(|(label, _)| label.clone()));
        let matchers =
            test.labels.iter().map(|(label, values, _)| Condition::list(values.clone(), false).on(label.clone()));
        let querier = matchers.fold(querier, core::Querier::matcher);
        let parameters: Vec<_> = test.parameters.iter().map(|(name, text, _)| (name.clone(), text.clone())).into_vec();
        let values = self.parameter_values(&parameters)?;
        self.render(module, &Input::of(&querier), test.window.map(|(window, _)| window), values)
    }

    /// The PromQL for a querier, as the runtime renders it.
    ///
    /// # Errors
    /// If the template has no place for something that the querier or the caller passes.
    pub fn render(
        &self,
        module: &Module,
        querier: &Input<'_>,
        window: Option<PromDuration>,
        values: ParameterValues,
    ) -> Result<String, RenderError> {
        self.with_metadata(module, "", |preset| {
            querier.render(Template { values, ..preset.__template() }, window, None)
        })
    }

    /// Passes the metadata that the runtime has of the preset to a function. `path` is that of the file.
    pub fn with_metadata<T>(&self, module: &Module, path: &str, read: impl FnOnce(&PresetMetadata<'_>) -> T) -> T {
        fn texts(values: &ValueEnum) -> Vec<&str> {
            values.variants.iter().map(|(_, text)| text.as_str()).into_vec()
        }
        let declared = module.querier.as_ref().map_or(&[][..], |querier| &querier.labels);
        let kinds: Vec<LabelKind<Vec<&str>>> = declared.iter().map(|label| label.kind.as_ref().map(texts)).into_vec();
        let labels: Vec<LabelInfo<'_>> = declared
            .iter()
            .zip(&kinds)
            .map(|(label, kind)| LabelInfo {
                name: &label.name,
                required: label.required,
                prefix: label.prefix.as_deref().unwrap_or_default(),
                kind: kind.as_ref().map(Vec::as_slice),
                usage: label.usage,
                description: label.description.as_deref().unwrap_or_default(),
            })
            .into_vec();
        let segments: Vec<_> = self.segments.iter().map(Segment::borrowed).into_vec();
        let parameters: Vec<_> = self.parameters.iter().map(Parameter::info).into_vec();
        let matchers: Vec<Vec<_>> = self
            .facts
            .selectors
            .iter()
            .map(|known| known.matchers.iter().map(|(label, op, value)| (&**label, *op, &**value)).into_vec())
            .into_vec();
        let selectors = self.facts.selectors.iter().zip(&matchers);
        let selectors: Vec<_> =
            selectors.map(|(known, matchers)| SelectorInfo { metric: &known.metric, matchers }).into_vec();
        read(&PresetMetadata {
            name: &module.preset_name(self),
            title: self.title.as_deref(),
            category: self.category.as_deref(),
            description: self.description.as_deref().unwrap_or_default(),
            unit: self.unit.as_deref(),
            template: &self.template,
            source: &format!("{path}:{}", self.line),
            result: self.result,
            window: self.window,
            max_window: self.max_window,
            metric: module.metric.as_deref(),
            labels: module.querier.is_some().then_some(&labels),
            parameters: &parameters,
            indivisible: self.facts.indivisible,
            unfiltered: self.facts.unfiltered.as_deref(),
            across_groups: self.facts.across_groups,
            selectors: &selectors,
            look_back: &self.facts.look_back,
            segments: &segments,
        })
    }
}

/// A parameter of a preset.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its description.
    pub description: Option<String>,
    /// The value where the caller passes none.
    pub default: ParameterValue,
    /// The smallest value.
    pub min: ParameterValue,
    /// The largest value.
    pub max: ParameterValue,
}

impl Parameter {
    /// The parameter as the runtime knows it.
    #[must_use]
    pub fn info(&self) -> ParameterInfo<'_> {
        ParameterInfo {
            name: &self.name,
            description: self.description.as_deref().unwrap_or_default(),
            default: self.default,
            min: self.min,
            max: self.max,
        }
    }
}

/// A piece of a template with its text.
pub type Segment = promql_presets_core::Segment<String>;
