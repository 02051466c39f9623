//! Runs the passes in order: from the texts of files to the registry, the generated code and the findings.

mod check_tests;
pub(crate) mod findings;
mod parameter_bounds;
mod proof;
mod registry_state;
#[cfg(feature = "tools")]
mod session;

use promql_presets_core::{ParameterKind, ParameterValue, PromDuration};

use crate::backend::query_facts::QueryFacts;
use crate::backend::registry::{Module, Parameter, Preset, Registry, Segment};
use crate::backend::{codegen, lower, modules, names, rows};
use crate::check::{self, Limit, Metrics, RowLabel, Scope, targets};
use crate::diagnostic::emit;
use crate::diagnostic::source::Spanned;
use crate::diagnostic::suggest::nearest;
use crate::file::{PresetFile, RawPreset, Settings, settings};
use crate::promql::{Argument, Expr, Features, ResultType, Syntax, parse_with};
use crate::sorted::SortedMap;
use crate::vec_ext::{IntoVec, VecExt};
use crate::{Code, Diagnostic, FileKind, Finding, Severity, SourceFile, Span, file, template};
use findings::{
    apply_allow, drop_unfiltered, long_window, merge_required_labels, missing_keys, missing_window, unit_mismatch,
    unused_window,
};
use proof::Proof;
use registry_state::{CheckedFile, RegistryState};

#[cfg(feature = "tools")]
pub use session::Session;

/// The result of compiling preset files.
#[derive(Clone, Debug)]
pub struct Output {
    /// Rust text for `include_presets!`. If there are errors, it contains a `compile_error!` that includes a file with
    /// their texts, and stubs of the right type, so that the rest of the crate still checks.
    pub code: String,
    /// The texts of the errors that are shown.
    pub errors: Vec<String>,
    /// All findings, in the order of files and lines.
    pub findings: Vec<Finding>,
    /// The modules and presets.
    pub registry: Registry,
    /// `url` of `[defaults]` in `promql.toml`, for the command line.
    pub url: Option<String>,
    /// `target_labels` of `[metrics]` in `promql.toml`: labels that scraping adds, besides `job` and `instance`.
    pub target_labels: Vec<String>,
    /// `open` of `[metrics]` in `promql.toml`: patterns of names that need not be in `metrics.toml`.
    pub open: Vec<String>,
    /// Whether all targets store `le` and `quantile` in one form, as Prometheus 3 does: `1.0` for `1`.
    pub normalizes_floats: bool,
}

impl Output {
    /// Whether a finding is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.diagnostic.severity == Severity::Error)
    }

    /// Whether a metric of this name need not be in `metrics.toml`.
    #[must_use]
    pub fn is_open(&self, metric: &str) -> bool {
        self.open.iter().any(|pattern| settings::matches_glob(pattern, metric))
    }
}

/// Compiles preset files, with the snapshot and the settings beside them. The result depends only on their names and
/// texts.
#[must_use]
pub fn compile(files: &[SourceFile]) -> Output {
    let (settings, diagnostics) = read_settings(files);
    let mut state = RegistryState::read(files);
    let findings = state.check(files, &settings, diagnostics, &|_| true);
    let registry = Registry { modules: state.into_modules() };
    let errors: Vec<&Finding> =
        findings.iter().filter(|finding| finding.diagnostic.severity == Severity::Error).into_vec();
    let errors = emit::first(files, &errors, |messages, error| messages.untitled(&error.diagnostic));
    let code = codegen::generate(&registry, files, !errors.is_empty());
    let url = settings.defaults.url.map(|url| url.value);
    let normalizes_floats = targets::normalizes_floats(&settings.targets) == targets::Normalized::All;
    let unspanned = |list: Vec<Spanned<String>>| list.into_iter().map(|text| text.value).into_vec();
    let (target_labels, open) = (unspanned(settings.metrics.target_labels), unspanned(settings.metrics.open));
    Output { code, errors, findings, registry, url, target_labels, open, normalizes_floats }
}

/// The settings among some files, and the findings about them.
pub(crate) fn global_settings(files: &[SourceFile]) -> (Settings, Vec<Finding>) {
    let (settings, diagnostics) = read_settings(files);
    let findings = Compiler::new(files, &settings, diagnostics).findings;
    (settings, findings)
}

/// The settings among some files; none if there are none.
fn read_settings(files: &[SourceFile]) -> (Settings, Vec<Diagnostic>) {
    let file = files.iter().find(|file| file.kind() == FileKind::Settings);
    file.map_or((Settings::NONE, Vec::new()), |file| settings::read(&file.text))
}

/// A compiled template.
pub(crate) struct Template {
    pub segments: Vec<Segment>,
    pub facts: QueryFacts,
    pub result: ResultType,
    pub has_window: bool,
    pub row: Vec<RowLabel>,
    /// The unit of the result, where it follows from the units of the metrics.
    unit: Option<String>,
    /// The metrics that it reads, if their labels are known.
    metrics: Option<Vec<String>>,
    reads_own: check::ReadsOwn,
    names_unknown: bool,
    /// Why the template is not valid. Spans are of the template.
    pub diagnostics: Vec<Diagnostic>,
    /// The findings of the checks about a valid template. Spans are of the template.
    pub findings: Vec<Diagnostic>,
}

/// Compiles a template with the defaults of its parameters, and checks it at their bounds.
/// Completes the help about a matcher that callers should pass as a filter, if they cannot filter on its label yet.
fn declare_filter(diagnostic: &mut Diagnostic, labels: Option<&file::Labels>) {
    let add = labels.zip(diagnostic.subject.as_deref()).and_then(|(labels, label)| labels.let_filter(label));
    if let (Some(help), Some(add)) = (&mut diagnostic.help, add) {
        *help = format!("{help}, and {add}");
    }
}

pub(crate) fn compile_template(text: &str, scope: Scope<'_>, parameters: &[file::Parameter]) -> Template {
    let names: Vec<&str> = parameters.iter().map(|parameter| parameter.name.value.as_str()).into_vec();
    let mut template = Template {
        segments: Vec::new(),
        facts: QueryFacts::default(),
        result: ResultType::InstantVector,
        has_window: text.contains(WINDOW),
        row: Vec::new(),
        unit: None,
        metrics: None,
        reads_own: check::ReadsOwn::No,
        names_unknown: false,
        diagnostics: template::check(text, &names),
        findings: Vec::new(),
    };
    if !template.diagnostics.is_empty() {
        template.diagnostics.iter_mut().for_each(|diagnostic| declare_filter(diagnostic, scope.labels));
        return template;
    }
    let features = targets::syntax(scope.features, &scope.settings.targets);
    let syntax = Syntax { template: true, features };
    let arguments = defaults(parameters);
    let parsed = parse_with(text, syntax, &arguments);
    template.diagnostics = parsed.diagnostics;
    if let Some(expr) = &parsed.expr {
        template.result = expr.ty();
        template.facts = QueryFacts::of(text, expr, &names);
        if template.diagnostics.is_empty() {
            (template.segments, template.diagnostics) = lower::lower(text, expr, scope.metric, &names);
        }
        if template.diagnostics.is_empty() {
            let checked = check::check(text, expr, scope);
            (template.findings, template.row) = (checked.findings, checked.row);
            (template.unit, template.metrics) = (checked.unit, checked.metrics);
            (template.reads_own, template.names_unknown) = (checked.reads_own, checked.names_unknown);
        }
    }
    check_values(&mut template, text, scope, syntax, parameters, parsed.expr.as_ref());
    template
}

/// Checks a template for the values that its parameters can have.
fn check_values(
    template: &mut Template,
    text: &str,
    scope: Scope<'_>,
    syntax: Syntax,
    parameters: &[file::Parameter],
    expr: Option<&Expr<'_>>,
) {
    let mut variations = parameter_bounds::variations(parameters);
    let mut unproven = Vec::new();
    if let Some(expr) = expr.filter(|_| template.diagnostics.is_empty() && !parameters.is_empty()) {
        for limit in check::limits(text, expr, scope) {
            match proof::prove(&limit, text, parameters) {
                Proof::Holds => {}
                Proof::Fails(values) => variations.push(parameter_bounds::variation(parameters, values)),
                Proof::Unknown => unproven.push(not_proven(text, &limit)),
            }
        }
    }
    for parameter_bounds::Variation { values, help, note } in variations {
        let mut arguments = defaults(parameters);
        for (index, value) in values {
            arguments[index] = argument(&parameters[index], value);
        }
        let parsed = parse_with(text, syntax, &arguments);
        let is_new = |known: &[Diagnostic], found: &Diagnostic| {
            !known.iter().any(|known| (known.code, known.span) == (found.code, found.span))
        };
        let checked =
            parsed.expr.filter(|_| parsed.diagnostics.is_empty()).map(|expr| check::check(text, &expr, scope));
        for found in parsed.diagnostics.into_iter().filter(|_| template.findings.is_empty()) {
            if is_new(&template.diagnostics, &found) {
                template.diagnostics.push(at_bound(found, help.clone(), note.clone()));
            }
        }
        for found in checked.into_iter().flat_map(|checked| checked.findings) {
            if template.diagnostics.is_empty() && is_new(&template.findings, &found) {
                template.findings.push(at_bound(found, help.clone(), note.clone()));
            }
        }
    }
    let is_known = |span: Span| template.findings.iter().chain(&template.diagnostics).any(|it| it.span == span);
    unproven.keep(|finding| !is_known(finding.span));
    template.findings.append(&mut unproven);
}

/// The parameters with their default values.
fn defaults(parameters: &[file::Parameter]) -> Vec<Argument<'_>> {
    parameters.iter().map(|it| argument(it, it.default)).into_vec()
}

fn not_proven(text: &str, limit: &Limit<'_>) -> Diagnostic {
    let title = format!("`{}` is not proven to be {}", &text[limit.span.range()], limit.shown);
    Diagnostic::new(limit.code, limit.span, title)
        .label("for all values of its parameters")
        .help("use each parameter once in the expression, or change their bounds")
}

/// A finding that depends on a bound of a parameter, which is to be changed rather than the query.
fn at_bound(found: Diagnostic, help: String, note: String) -> Diagnostic {
    Diagnostic { help: Some(help), fix: None, ..found.note(note) }
}

/// A parameter with one of its values.
fn argument(parameter: &file::Parameter, value: ParameterValue) -> Argument<'_> {
    let is_duration = value.kind() == ParameterKind::Duration;
    Argument { name: &parameter.name.value, value: value.as_f64(), is_duration }
}

fn parameter(raw: &file::Parameter) -> Parameter {
    Parameter {
        name: raw.name.value.clone(),
        description: raw.description.clone(),
        default: raw.default,
        min: raw.min,
        max: raw.max,
    }
}

fn invalid_name(name: &Spanned<String>) -> Diagnostic {
    let title = format!("invalid preset name `{}`", name.value);
    let diagnostic = Diagnostic::new(Code::InvalidName, name.span, title).label(names::RULE);
    match names::sanitize(&name.value) {
        Some(valid) => diagnostic.help(format!("write `{valid}`")),
        None => diagnostic,
    }
}

fn duplicate_constant(name: &Spanned<String>, first: &Spanned<String>, constant: &str) -> Diagnostic {
    let title = format!("`{}` and `{}` become the same constant `{constant}`", name.value, first.value);
    Diagnostic::new(Code::DuplicateConstant, name.span, title)
        .label(format!("also becomes `{constant}`"))
        .secondary(first.span, "already taken here")
}

/// The parameters that the template does not have.
fn unused_parameters<'a>(raw: &'a RawPreset, template: &'a str) -> impl Iterator<Item = Diagnostic> {
    let names = raw.parameters.iter().filter(|parameter| !parameter.is_faulty).map(|parameter| &parameter.name);
    names.filter(|name| !template.contains(&format!("{{{}}}", name.value))).map(|name| {
        let title = format!("parameter `{0}` without `{{{0}}}` in the template", name.value);
        Diagnostic::new(Code::UnusedParameter, name.span, title)
            .label("nothing takes this value")
            .help(format!("write `{{{}}}` in the template, or remove the parameter", name.value))
    })
}

pub(crate) const WINDOW: &str = "{window}";

/// The window of a preset whose window is missing, which is reported.
pub(crate) const STUB_WINDOW: PromDuration = PromDuration::from_secs(300);

#[derive(Clone)]
struct Compiler<'a> {
    files: &'a [SourceFile],
    settings: &'a Settings,
    /// The features that the settings enable.
    features: Features,
    /// The metrics that the presets of the current file read, if their labels are known.
    metrics: Option<Vec<String>>,
    /// Whether they read the metric that the file declares.
    reads_own: check::ReadsOwn,
    /// Whether one of them names a metric that is not known.
    names_unknown: bool,
    findings: Vec<Finding>,
}

impl<'a> Compiler<'a> {
    /// Reports what is wrong with the settings, and enables their features.
    fn new(files: &'a [SourceFile], settings: &'a Settings, diagnostics: Vec<Diagnostic>) -> Self {
        let (features, findings) = (Features::none(), Vec::new());
        let reads_own = check::ReadsOwn::No;
        let mut compiler = Self { files, settings, features, metrics: None, reads_own, names_unknown: false, findings };
        let Some(file) = files.iter().position(|file| file.kind() == FileKind::Settings) else { return compiler };
        compiler.report(file, None, diagnostics);
        let window = settings.defaults.window.as_ref();
        let long = window.and_then(|window| long_window(settings, window.value, window.span));
        compiler.report(file, None, long.into_iter().into_vec());
        compiler.features = compiler.enable(Features::none(), file, &settings.features);
        compiler
    }

    fn report(&mut self, file: usize, preset: Option<&str>, diagnostics: Vec<Diagnostic>) {
        self.findings.add_all(diagnostics.into_iter().map(|diagnostic| Finding {
            file,
            preset: preset.map(str::to_owned),
            diagnostic,
        }));
    }

    /// Checks one preset file, given the metrics of all. Takes the findings so far for those about the file.
    fn file(
        &mut self,
        file: usize,
        raw: &PresetFile,
        metrics: &Metrics<'_>,
        known: Option<&check::Snapshot>,
    ) -> CheckedFile {
        let contradictions = known.map(|known| check::contradictions(raw, metrics, known, self.settings));
        self.report(file, None, contradictions.unwrap_or_default());
        let mut diagnostics = Vec::new();
        let path = modules::module_path(&self.files[file], &mut diagnostics);
        self.report(file, None, diagnostics);
        self.names_unknown = known.is_some() && raw.metric.as_ref().is_some_and(|it| !metrics.is_known(&it.name.value));
        let module = self.module(file, path.unwrap_or_default(), raw, metrics, known);
        self.check_tests(file, &module);
        let (names_unknown, findings) = (self.names_unknown, std::mem::take(&mut self.findings));
        CheckedFile { is_current: true, module, names_unknown, is_named: false, findings }
    }

    fn module(
        &mut self,
        file: usize,
        path: Vec<String>,
        raw: &PresetFile,
        metrics: &Metrics<'_>,
        known: Option<&check::Snapshot>,
    ) -> Module {
        let name = path.iter().map(|part| part.trim_start_matches("r#")).into_vec().join("::");
        let features = self.enable(self.features, file, &raw.features);
        let metric = raw.metric.as_ref().map(|metric| metric.name.value.as_str());
        let labels = raw.labels.as_ref();
        let settings = self.settings;
        let scope = Scope { template: true, inline: false, metric, labels, window: None, features, metrics, settings };
        let mut constants: SortedMap<String, &Spanned<String>> = SortedMap::default();
        let mut presets = Vec::new();
        self.metrics = (!raw.presets.is_empty()).then(Vec::new);
        for preset in &raw.presets {
            let Some(constant) = names::constant(&preset.name.value) else {
                self.report(file, Some(&preset.name.value), vec![invalid_name(&preset.name)]);
                self.preset(file, String::new(), preset, scope);
                continue;
            };
            let mut compiled = self.preset(file, constant.clone(), preset, scope);
            compiled.category = compiled.category.or_else(|| raw.category.clone());
            if let Some(first) = constants.get(&constant) {
                self.report(file, Some(&preset.name.value), vec![duplicate_constant(&preset.name, first, &constant)]);
                continue;
            }
            constants.insert_new(constant, &preset.name);
            self.check_required(file, raw, preset, &compiled);
            presets.push(compiled);
        }
        let read = self.metrics.take();
        let compared = read.zip(known).map(|(read, known)| check::labels_of_metrics(raw, metrics, &read, known));
        let mut diagnostics = compared.unwrap_or_default();
        // Labels that the file's own metric lacks are reported already.
        diagnostics.keep(|new| !self.findings.iter().any(|it| it.file == file && it.diagnostic.span == new.span));
        let own = raw.metric.as_ref().map(|metric| &metric.name);
        diagnostics.add_all(own.and_then(|own| check::missing_metric(own, metrics, settings, self.reads_own)));
        let querier = modules::querier(raw, &presets, &mut diagnostics);
        self.report(file, None, diagnostics);
        rows::name_parameterized(querier.as_ref(), &mut presets);
        let rows = rows::rows(querier.as_ref(), &presets);
        Module {
            file,
            path,
            name,
            description: raw.description.clone(),
            metric: metric.map(str::to_owned),
            querier,
            presets,
            rows,
        }
    }

    /// Reports a preset that no querier can render: a label is required, but the template has no `{labels}`.
    fn check_required(&mut self, file: usize, raw: &PresetFile, preset: &RawPreset, compiled: &Preset) {
        let required = file::Labels::all(raw.labels.as_ref()).iter().find(|label| label.required);
        let is_filtered = compiled.is_stub || compiled.segments.contains(&Segment::Labels);
        let (Some(label), false) = (required, is_filtered) else { return };
        let title = format!("`{}` has no place for the required label `{}`", preset.name.value, label.name.value);
        let diagnostic = Diagnostic::new(Code::UnusedLabels, preset.name.span, title)
            .label("its template has no `{labels}`")
            .secondary(label.name.span, "required in every query")
            .help("write `{{{labels}}}` after a metric name, or move the preset to a file of its own");
        self.report(file, Some(&preset.name.value), vec![diagnostic]);
    }

    /// Reports tests that cannot be run.
    fn check_tests(&mut self, file: usize, module: &Module) {
        for preset in module.presets.iter().filter(|preset| !preset.is_stub) {
            for test in &preset.tests {
                self.report(file, Some(&preset.name), check_tests::check(module, preset, test));
            }
        }
    }

    fn enable(&mut self, mut features: Features, file: usize, flags: &[Spanned<String>]) -> Features {
        for flag in flags {
            if !features.enable(&flag.value) {
                let title = format!("unknown feature `{}`", flag.value);
                let diagnostic = Diagnostic::new(Code::InvalidValue, flag.span, title).label("not a feature");
                let all = Features::NAMES.into_iter().chain(Features::FORMER).chain(Features::OTHERS);
                let diagnostic = match nearest(&flag.value, all) {
                    Some(meant) => {
                        features.enable(meant);
                        diagnostic.help(format!("write `\"{meant}\"`"))
                    }
                    None => diagnostic,
                };
                let note = format!("features are `{}`", Features::NAMES.join("`, `"));
                self.report(file, None, vec![diagnostic.note(note)]);
            }
        }
        features
    }

    fn preset(&mut self, file: usize, constant: String, raw: &RawPreset, scope: Scope<'_>) -> Preset {
        let mut preset = stub(constant, raw);
        let Some(template) = &raw.template else { return preset };
        let settings = self.settings;
        let own = raw.window.as_ref().and_then(|window| window.duration.as_ref());
        let by_default =
            settings.defaults.window.as_ref().filter(|_| raw.window.is_none() && template.text.contains(WINDOW));
        let declared = own.or(by_default).map(|window| window.value);
        let compiled = compile_template(&template.text, Scope { window: declared, ..scope }, &raw.parameters);
        preset.template.clone_from(&template.text);
        preset.result = compiled.result;
        preset.segments = compiled.segments;
        preset.facts = compiled.facts;
        preset.row = compiled.row;
        let mismatch = unit_mismatch(raw.unit.as_ref(), compiled.unit.as_deref());
        preset.unit = preset.unit.or(compiled.unit);
        self.metrics = self.metrics.take().zip(compiled.metrics).map(|(mut all, metrics)| {
            all.add_all(metrics);
            all
        });
        self.reads_own = self.reads_own.max(compiled.reads_own);
        self.names_unknown |= compiled.names_unknown;
        preset.is_stub = compiled.diagnostics.iter().any(|found| found.severity == Severity::Error);
        // With a missing `window` or `{window}`, a stub that takes a window causes the fewest further errors.
        if compiled.has_window || declared.is_some() {
            preset.window = Some(declared.unwrap_or(STUB_WINDOW));
            let limit = settings.policy.max_window.as_ref().map(|limit| limit.value);
            // A longer default has been reported, or is allowed.
            preset.max_window = limit.max(limit.and(preset.window));
        }
        let mut diagnostics: Vec<Diagnostic> =
            compiled.diagnostics.into_iter().map(|diagnostic| template.place(diagnostic)).into_vec();
        if diagnostics.is_empty() {
            diagnostics.add_all(match (&raw.window, compiled.has_window) {
                (None, true) if by_default.is_none() => {
                    Some(missing_window(&template.text, "to the preset").map_spans(|span| template.locate(span)))
                }
                // A misspelt key has been reported, and was read as the one that was meant.
                (Some(window), false) if self.is_written(file, window.key, "window") => {
                    let found = unused_window(window.key).label("the template does not use it");
                    Some(found.help("write `[{window}]` in the template, or remove the line"))
                }
                _ => None,
            });
            let findings = compiled.findings.into_iter().map(|finding| template.place(finding));
            let findings = findings.chain(own.and_then(|window| long_window(settings, window.value, window.span)));
            let findings = findings.chain(mismatch);
            let mut findings = apply_allow(settings, findings.into_vec(), raw);
            drop_unfiltered(settings, &mut findings);
            let earlier = self.findings.iter().filter(|it| it.file == file);
            merge_required_labels(scope.labels, earlier, &mut findings);
            diagnostics.add_all(findings);
        }
        diagnostics.add_all(missing_keys(settings, raw));
        // An invalid placeholder may be a misspelt parameter.
        let is_faulty = |it: &Diagnostic| matches!(it.code, Code::UnknownPlaceholder | Code::MalformedPlaceholder);
        if !diagnostics.iter().any(is_faulty) {
            diagnostics.add_all(unused_parameters(raw, &template.text));
        }
        self.report(file, Some(&raw.name.value), diagnostics);
        preset
    }

    /// Whether a key is written as this name.
    fn is_written(&self, file: usize, key: Span, name: &str) -> bool {
        self.files[file].text[key.range()].trim_matches(['"', '\'']) == name
    }
}

/// A preset before its template is compiled.
fn stub(constant: String, raw: &RawPreset) -> Preset {
    Preset {
        name: raw.name.value.clone(),
        constant,
        line: raw.line,
        span: raw.name.span,
        title: raw.title.clone(),
        category: raw.category.clone(),
        description: raw.description.clone(),
        unit: raw.unit.as_ref().map(|unit| unit.value.clone()),
        template: String::new(),
        window: None,
        max_window: None,
        result: ResultType::InstantVector,
        segments: Vec::new(),
        facts: QueryFacts::default(),
        parameters: raw.parameters.iter().map(parameter).into_vec(),
        parameterized: None,
        row: Vec::new(),
        tests: raw.tests.clone(),
        is_stub: true,
    }
}
