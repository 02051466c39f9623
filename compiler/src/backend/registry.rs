//! What the compiler understood of all files: the input of code generation, and of everything that lists presets.

use promql_presets_core::PromDuration;

use crate::promql::ValueType;

/// The presets of all files.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    /// One module a file, in the order of their paths.
    pub modules: Vec<Module>,
}

/// What a preset file becomes.
#[derive(Clone, Debug)]
pub struct Module {
    /// The index of its file.
    pub file: usize,
    /// The Rust names of the modules from the outermost in: `["vllm", "latency"]`.
    pub path: Vec<String>,
    /// The path as text, without `r#`: `vllm::latency`.
    pub name: String,
    /// What the file says about itself.
    pub description: Option<String>,
    /// The metric that the file is about.
    pub metric: Option<String>,
    /// The querier that the file's `[labels]` make.
    pub querier: Option<Querier>,
    /// The presets in the order of the file.
    pub presets: Vec<Preset>,
}

impl Module {
    /// The name by which a preset is found at run time: `vllm::latency::p95`.
    #[must_use]
    pub fn preset_name(&self, preset: &Preset) -> String {
        format!("{}::{}", self.name, preset.constant.to_ascii_lowercase())
    }
}

/// What `[labels]` become.
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

/// What a declared label becomes.
#[derive(Clone, Debug)]
pub struct Label {
    /// Its name in Prometheus.
    pub name: String,
    /// The setter's name.
    pub setter: String,
    /// The variant of the enum `Label`.
    pub variant: String,
    /// What its values are.
    pub kind: LabelKind,
    /// Whether the constructor takes it.
    pub required: bool,
    /// What it means.
    pub description: Option<String>,
    /// Whether its kind could not be understood, so that its setter must take anything.
    pub is_stub: bool,
}

/// What the values of a label are in Rust.
#[derive(Clone, Debug)]
pub enum LabelKind {
    /// Text.
    String,
    /// `uuid::Uuid`.
    Uuid,
    /// Integers.
    Integer,
    /// An enum of this name with these variants, each with its text.
    Enum(String, Vec<(String, String)>),
}

/// What a preset becomes.
#[derive(Clone, Debug)]
pub struct Preset {
    /// Its name in the file.
    pub name: String,
    /// The constant's name.
    pub constant: String,
    /// The line of the file on which it starts, counted from 1.
    pub line: usize,
    /// What the file says about it.
    pub description: Option<String>,
    /// Unit of the result.
    pub unit: Option<String>,
    /// The template as the file has it.
    pub template: String,
    /// The default window; without one there is no `{window}`.
    pub window: Option<PromDuration>,
    /// Type of an instant query's result.
    pub result: ValueType,
    /// The template, taken apart; empty where it has errors.
    pub segments: Vec<Segment>,
    /// Whether its template has errors, so that nothing is known of its window.
    pub is_stub: bool,
}

/// A piece of a template: the owned form of `promql_presets_core::Segment`, which says what each means.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "documented in the runtime")]
pub enum Segment {
    Text(String),
    Item(String),
    MetricName(String, String),
    MetricNameOpen(String, String),
    Labels,
    GroupBy,
    Window,
}
