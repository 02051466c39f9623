//! `promql-presets test`: runs the tests that stand beside presets.

mod junit;
mod promtool;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use promql_presets_compiler::backend::registry::{Module, Preset};
use promql_presets_compiler::diagnostic::emit::{self, Message, Messages};
use promql_presets_compiler::{Diagnostic, Finding, Output, PresetTest, Severity, SourceFile, Span, compile};
use serde_json::Value;

use self::promtool::{Outcome, Sample};
use crate::FOUND;
use crate::failure::Failure;
use crate::json::Object;
use crate::output::{Format, count, in_colors, message, print, query_note, remark};
use crate::preset_folders::{Dir, Folder, Paths};
use crate::querier;
use crate::source_map::{SourceMap, position};

/// The number of differences that are shown for a test, besides the first one.
const MAX_MARKS: usize = 9;

/// Runs the tests in preset files with `promtool`
///
/// A test is a table `[[presets.NAME.tests]]` of a preset file. It has series in the notation of Prometheus, what callers
/// pass (`labels`, `group_by`, `window`, `parameters`), the time `at` which the query runs, and the samples to `expect`.
/// Numbers may differ by a millionth of their value.
///
/// `promtool` of Prometheus runs the queries: that of the variable `PROMQL_PRESETS_PROMTOOL`, or else on `PATH`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0 on success, 1 if a test fails or presets have errors, 2 if the tests could not be run

Example:
  promql-presets test http::error_ratio --junit report.xml")]
pub(crate) struct Arguments {
    /// A preset or a module by its name, such as `http::rate` or `http`, or a path; default: all presets
    ///
    /// A path is one that exists, has a slash, or ends in `.toml`. With names and paths, the presets with these names in
    /// these files are tested.
    #[arg(value_name = "PRESET|PATH")]
    what: Vec<String>,
    #[command(flatten)]
    dir: Dir,
    /// Also write a report in JUnit XML, for CI systems
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// The format; `json` is one object per line and test, with preset, test (null for an error of the preset), file, its place (line, column, `end_line`,
    /// `end_column`), passed, error (null if the query ran), and differences: labels, expected and received (null if there
    /// is no sample) and their place
    #[arg(long, default_value = "human")]
    format: Format,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let is_path = |it: &&String| {
        it.contains(['/', '\\']) || Path::new(it).extension() == Some(OsStr::new("toml")) || Path::new(it).exists()
    };
    let (paths, names): (Vec<&String>, Vec<&String>) = arguments.what.iter().partition(is_path);
    let paths = Paths::of(paths.into_iter().map(PathBuf::from).collect(), &arguments.dir);
    let outputs: Vec<(Folder, Output)> = paths
        .read()?
        .into_iter()
        .map(|folder| {
            let output = compile(&folder.files);
            (folder, output)
        })
        .collect();
    let known: Vec<String> = outputs
        .iter()
        .flat_map(|(folder, output)| wanted(folder, output))
        .map(|(module, preset)| module.preset_name(preset))
        .collect();
    if let Some(name) = names.iter().find(|name| !known.iter().any(|known| is_named(known, name))) {
        return Err(querier::unknown(name, &known));
    }
    let (mut cases, mut errors) = (Vec::new(), Vec::new());
    for (folder, output) in &outputs {
        errors.extend(add_cases(folder, output, &names, &mut cases));
    }
    let inputs: Vec<promtool::Input<'_>> =
        cases.iter().map(|case| promtool::Input { test: &case.test, query: &case.query }).collect();
    let outcomes = promtool::run(&inputs)?;
    let results: Vec<TestResult> =
        cases.into_iter().zip(outcomes).map(|(case, outcome)| TestResult::of(case, outcome)).collect();
    match arguments.format {
        Format::Json => {
            let results = results.iter().map(TestResult::json);
            print(&results.chain(errors.iter().map(PresetError::json)).collect::<String>())?;
        }
        Format::Human => print(&results.iter().map(TestResult::human).collect::<String>())?,
    }
    if let Some(path) = &arguments.junit {
        let written = fs::write(path, junit::report(&results, &errors));
        written.map_err(|error| Failure::new(format!("cannot write `{}`: {error}", path.display())))?;
    }
    if !errors.is_empty() {
        remark(&errors.iter().map(|error| error.text.as_str()).collect::<Vec<_>>().join("\n\n"));
    }
    let failed = results.iter().filter(|result| !result.has_passed()).count();
    if arguments.format == Format::Human {
        let summary = if results.is_empty() {
            "no tests; write them as `[[presets.NAME.tests]]` below a preset".to_owned()
        } else {
            format!("{}: {} passed, {failed} failed", count(results.len(), "test"), results.len() - failed)
        };
        remark(&summary);
    }
    Ok(if failed > 0 || !errors.is_empty() { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}

/// A test of a preset, ready to be run.
struct Case {
    /// The full name of the preset.
    preset: String,
    /// Its name in the file.
    name: String,
    file: SourceFile,
    test: PresetTest,
    query: String,
}

/// Whether a preset has a name, or is in the module of that name.
fn is_named(preset: &str, name: &str) -> bool {
    preset.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The presets of the files that are arguments.
fn wanted<'o>(folder: &'o Folder, output: &'o Output) -> impl Iterator<Item = (&'o Module, &'o Preset)> {
    let modules = output.registry.modules.iter().filter(|module| folder.wanted[module.file]);
    modules.flat_map(|module| module.presets.iter().map(move |preset| (module, preset)))
}

/// An error of a preset or a file, because of which tests cannot be run.
struct PresetError {
    /// The full name of the preset, if the error is about one.
    preset: Option<String>,
    file: SourceFile,
    diagnostic: Diagnostic,
    /// The message.
    text: String,
}

impl PresetError {
    fn json(&self) -> String {
        let mut out = String::new();
        Object::open(&mut out)
            .field("preset", self.preset.as_deref())
            .field("test", Value::Null)
            .field("file", self.file.path.as_str())
            .place(Messages::of(&self.file).place(self.diagnostic.span))
            .field("passed", false)
            .field("error", self.diagnostic.title.as_str())
            .field("differences", Vec::<Value>::new())
            .close();
        out + "\n"
    }
}

/// Adds the tests of a folder; with names, those of presets with one of them. Returns the errors, whose presets are left
/// out.
fn add_cases(folder: &Folder, output: &Output, names: &[&String], cases: &mut Vec<Case>) -> Vec<PresetError> {
    let is_meant = |module: &Module, preset: &Preset| {
        let full = module.preset_name(preset);
        names.is_empty() || names.iter().any(|name| is_named(&full, name))
    };
    // Without names, errors outside of presets count as well.
    let is_about = |finding: &Finding| {
        let is_own = |preset: &Preset| finding.preset.as_ref().is_none_or(|name| *name == preset.name);
        names.is_empty()
            || wanted(folder, output)
                .any(|(module, preset)| module.file == finding.file && is_own(preset) && is_meant(module, preset))
    };
    let is_error = |finding: &&Finding| {
        finding.diagnostic.severity == Severity::Error
            && folder.wanted.get(finding.file).is_some_and(|wanted| *wanted)
            && is_about(finding)
    };
    let errors: Vec<&Finding> = output.findings.iter().filter(is_error).collect();
    for (module, preset) in wanted(folder, output).filter(|(module, preset)| is_meant(module, preset)) {
        for test in preset.tests.iter().filter(|test| test.faults.is_empty() && !preset.is_stub) {
            let Ok(query) = preset.render_test(module, test) else { continue };
            let file = folder.files[module.file].clone();
            let (name, test) = (preset.name.clone(), test.clone());
            cases.push(Case { preset: module.preset_name(preset), name, file, test, query });
        }
    }
    let texts = emit::each(&folder.files, &errors, |messages, error| message(messages, &error.diagnostic, in_colors()));
    let of = |(finding, text): (&Finding, String)| {
        let name = finding.preset.as_ref();
        let own = name.and_then(|name| {
            wanted(folder, output).find(|(module, preset)| module.file == finding.file && preset.name == *name)
        });
        let preset = own.map(|(module, preset)| module.preset_name(preset)).or_else(|| name.cloned());
        PresetError { preset, file: folder.files[finding.file].clone(), diagnostic: finding.diagnostic.clone(), text }
    };
    errors.into_iter().zip(texts).map(of).collect()
}

/// The outcome of a test.
struct TestResult {
    case: Case,
    /// Why the query could not run.
    error: Option<String>,
    /// The place of the error; without one, that of the test.
    span: Span,
    differences: Vec<Difference>,
}

/// A sample that is not as expected.
struct Difference {
    labels: String,
    expected: Option<String>,
    received: Option<String>,
    /// The place of the expectation.
    span: Span,
}

impl TestResult {
    fn of(case: Case, outcome: Outcome) -> Self {
        let span = case.test.span;
        match outcome {
            Outcome::Error(error) => {
                let (place, error) = position(&error, &case.query);
                let places = place.zip(SourceMap::of(&case.query, &case.file, &case.name));
                let span = places.map_or(span, |(place, places)| places.locate(place));
                Self { case, error: Some(error), span, differences: Vec::new() }
            }
            Outcome::Samples(samples) => {
                let differences = differences(&case.test, &samples);
                Self { case, error: None, span, differences }
            }
        }
    }

    fn has_passed(&self) -> bool {
        self.error.is_none() && self.differences.is_empty()
    }

    /// A line for each fault of a test that has failed, with its place.
    fn faults(&self) -> Vec<String> {
        let messages = Messages::of(&self.case.file);
        let line = |(span, text): (Span, String)| {
            let [(line, column), _] = messages.place(span);
            format!("{}:{line}:{column}: {text}", self.case.file.path)
        };
        let error = self.error.iter().map(|error| (self.span, error.clone()));
        let or_none = |sample: &Option<String>| sample.clone().unwrap_or_else(|| "no sample".to_owned());
        let differences = self.differences.iter().map(|difference| {
            let Difference { labels, expected, received, span } = difference;
            (*span, format!("{labels} expected {}, received {}", or_none(expected), or_none(received)))
        });
        error.chain(differences).map(line).collect()
    }

    fn human(&self) -> String {
        if self.has_passed() {
            return String::new();
        }
        let title = format!("test of {} failed: {}", self.case.preset, self.case.test.name);
        let mut marks = self.marks();
        let (span, label) = marks.remove(0);
        let error = self.error.as_ref().map(|error| format!("{error}\n")).unwrap_or_default();
        let mut note = error + &query_note(&self.case.query);
        if let more @ 1.. = marks.len().saturating_sub(MAX_MARKS) {
            marks.truncate(MAX_MARKS);
            _ = write!(note, "\n{} more", count(more, "difference"));
        }
        let message =
            Message { severity: "error", title: &title, span, label: &label, secondary: &marks, ..Message::default() };
        let message = Message { note: Some(&note), ..message };
        Messages::of(&self.case.file).message(&message, in_colors()) + "\n\n"
    }

    /// The places to mark, each with its label; at least one.
    fn marks(&self) -> Vec<(Span, String)> {
        if self.error.is_some() {
            return vec![(self.span, "the query fails".to_owned())];
        }
        let mut marks: Vec<(Span, String)> = Vec::new();
        for Difference { labels, expected, received, span } in &self.differences {
            let received = received.as_deref().unwrap_or("no sample");
            if expected.is_some() {
                marks.push((*span, format!("received {received}")));
            } else if let Some((_, label)) = marks.iter_mut().find(|(other, _)| other == span) {
                _ = write!(label, ", {labels} {received}");
            } else {
                marks.push((*span, format!("also received {labels} {received}")));
            }
        }
        marks
    }

    fn json(&self) -> String {
        let messages = Messages::of(&self.case.file);
        let mut out = String::new();
        Object::open(&mut out)
            .field("preset", self.case.preset.as_str())
            .field("test", self.case.test.name.as_str())
            .field("file", self.case.file.path.as_str())
            .place(messages.place(self.span))
            .field("passed", self.has_passed())
            .field("error", self.error.as_deref())
            .list("differences", &self.differences, |out, difference| {
                Object::open(out)
                    .field("labels", difference.labels.as_str())
                    .field("expected", difference.expected.as_deref())
                    .field("received", difference.received.as_deref())
                    .place(messages.place(difference.span))
                    .close();
            })
            .close();
        out + "\n"
    }
}

fn differences(test: &PresetTest, samples: &[Sample]) -> Vec<Difference> {
    let mut received: BTreeMap<_, &Sample> = samples.iter().map(|sample| (&sample.labels, sample)).collect();
    let mut found = Vec::new();
    for expected in &test.expect {
        let sample = received.remove(&expected.labels);
        if sample.is_some_and(|sample| sample.number().is_some_and(|number| are_equal(number, expected.value))) {
            continue;
        }
        found.push(Difference {
            labels: expected.text.clone(),
            expected: Some(promql_presets::Value::Float(expected.value).to_string()),
            received: sample.map(Sample::shown),
            span: expected.span,
        });
    }
    found.extend(received.into_values().map(|sample| {
        let (labels, received) = (sample.text.clone(), Some(sample.shown()));
        Difference { labels, expected: None, received, span: test.expect_span }
    }));
    found
}

/// Whether numbers are the same, up to the error of their calculation.
fn are_equal(a: f64, b: f64) -> bool {
    let is_near = (a - b).abs() <= 1e-6 * a.abs().max(b.abs());
    a.total_cmp(&b).is_eq() || (a.is_nan() && b.is_nan()) || (a.is_finite() && b.is_finite() && is_near)
}
