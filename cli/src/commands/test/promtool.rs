//! Runs queries on series with `promtool test rules`.
//!
//! Each test is a file of its own, which expects a sample that no query returns. So `promtool` reports each test as
//! failed, with the samples that the query returned. These are compared here: in no version does `promtool` compare NaN
//! and rounded numbers as tests need it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};

use promql_presets::Value;
use promql_presets_compiler::{PresetTest, series_labels};
use serde_json::json;

use crate::failure::Failure;

/// The variable with the path of the program.
const VARIABLE: &str = "PROMQL_PRESETS_PROMTOOL";

/// The labels of the sample that no query returns.
const IMPOSSIBLE: &str = "{promql_presets=\"returned samples\"}";

/// The maximum number of tests in one process.
const BATCH: usize = 200;

/// A query and its series.
pub(super) struct Input<'t> {
    pub(super) test: &'t PresetTest,
    pub(super) query: &'t str,
}

/// The result of a query.
#[derive(Debug, PartialEq)]
pub(super) enum Outcome {
    Samples(Vec<Sample>),
    /// The message of Prometheus.
    Error(String),
}

/// A sample.
#[derive(Debug, PartialEq)]
pub(super) struct Sample {
    pub(super) labels: Vec<(String, String)>,
    /// The labels as Prometheus writes them.
    pub(super) text: String,
    /// A number, or a native histogram.
    value: String,
}

impl Sample {
    pub(super) fn number(&self) -> Option<f64> {
        self.value.parse().ok()
    }

    /// The value for people.
    pub(super) fn shown(&self) -> String {
        self.number().map_or_else(|| self.value.clone(), |number| Value::Float(number).to_string())
    }
}

/// Runs queries, and returns the outcome of each.
pub(super) fn run(inputs: &[Input<'_>]) -> Result<Vec<Outcome>, Failure> {
    if inputs.is_empty() {
        return Ok(Vec::new());
    }
    let program = find()?;
    let folder = Folder::new()?;
    let mut outcomes = Vec::new();
    for inputs in inputs.chunks(BATCH) {
        outcomes.extend(run_batch(&program, &folder.0, inputs)?);
    }
    Ok(outcomes)
}

fn run_batch(program: &Path, folder: &Path, inputs: &[Input<'_>]) -> Result<Vec<Outcome>, Failure> {
    let mut command = Command::new(program);
    command.args(["--enable-feature=promql-experimental-functions", "test", "rules"]);
    for (at, input) in inputs.iter().enumerate() {
        let name = format!("{at}.json");
        fs::write(folder.join(&name), file(input)).map_err(|error| cannot_write(folder, &error))?;
        command.arg(name);
    }
    let output = command.current_dir(folder).stdin(Stdio::null()).output();
    let output = output.map_err(|error| Failure::new(format!("cannot run `{}`: {error}", program.display())))?;
    let text = String::from_utf8_lossy(&output.stderr);
    let outcomes: Vec<Outcome> = text.split("  FAILED:\n").skip(1).map(outcome).collect();
    if outcomes.len() == inputs.len() {
        return Ok(outcomes);
    }
    let lines: Vec<&str> = text.lines().take(5).collect();
    let message = format!("`{}` does not run the tests: {}", program.display(), lines.join("\n"));
    Err(Failure::new(message.trim_end()).help("use `promtool` of Prometheus 2.42 or newer"))
}

/// The file of a test. JSON is YAML.
fn file(input: &Input<'_>) -> String {
    let test = input.test;
    let series = test.series.iter().map(|series| json!({ "series": series.series, "values": series.values }));
    json!({
        "evaluation_interval": test.interval.to_string(),
        "tests": [{
            "interval": test.interval.to_string(),
            "input_series": series.collect::<Vec<_>>(),
            "promql_expr_test": [{
                "expr": input.query,
                "eval_time": test.at.to_string(),
                "exp_samples": [{ "labels": IMPOSSIBLE, "value": 0 }],
            }],
        }],
    })
    .to_string()
}

/// Reads what follows `FAILED:`.
fn outcome(block: &str) -> Outcome {
    let error = |text: &str| Outcome::Error(text.trim().to_owned());
    if let Some((_, received)) = block.split_once("\n        got: ") {
        return samples(received.trim_end()).map_or_else(|| error(block), Outcome::Samples);
    }
    let after_query = block.split_once("\", time: ").map_or(block, |(_, rest)| rest);
    error(after_query.split_once(", err: ").map_or(block, |(_, message)| message))
}

/// Reads samples: `{job="a"} 5E-01, {job="b"} NaN`.
fn samples(text: &str) -> Option<Vec<Sample>> {
    if text == "nil" {
        return Some(Vec::new());
    }
    let (mut samples, mut rest) = (Vec::new(), text);
    loop {
        let end = end_of_labels(rest)?;
        let (labels, value) = (&rest[..end], rest[end..].trim_start());
        let end = value.find(", {").filter(|_| !value.starts_with('{')).unwrap_or_else(|| {
            // A histogram, which has commas and braces.
            value.find("}}").map_or(value.len(), |at| at + 2)
        });
        samples.push(Sample {
            labels: series_labels(labels)?,
            text: labels.to_owned(),
            value: value[..end].trim().to_owned(),
        });
        rest = value[end..].trim_start_matches(", ");
        if rest.is_empty() {
            return Some(samples);
        }
    }
}

/// The end of labels in braces, whose values may contain braces.
fn end_of_labels(text: &str) -> Option<usize> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            '}' if !is_quoted => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// The program: from its variable, else on `PATH`.
fn find() -> Result<PathBuf, Failure> {
    if let Some(path) = env::var_os(VARIABLE).filter(|path| !path.is_empty()) {
        let path = PathBuf::from(path);
        return std::path::absolute(&path)
            .ok()
            .filter(|path| path.is_file())
            .ok_or_else(|| Failure::new(format!("`{VARIABLE}` names `{}`, which is not a file", path.display())));
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let name = format!("promtool{}", env::consts::EXE_SUFFIX);
    let found = env::split_paths(&path).map(|folder| folder.join(&name)).find(|file| file.is_file());
    found.ok_or_else(|| {
        Failure::new("cannot find `promtool`, the tool of Prometheus that runs the tests").help(format!(
            "install the package `promtool` of Debian, which older releases have in `prometheus`, or unpack a release of \
             https://prometheus.io/download; put `promtool` on PATH, or set `{VARIABLE}` to its file"
        ))
    })
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(format!("cannot write to `{}`: {error}", path.display()))
}

/// A temporary folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, Failure> {
        let path = env::temp_dir().join(format!("promql-presets-test-{}", process::id()));
        fs::create_dir_all(&path).map_err(|error| cannot_write(&path, &error))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // If this fails, the system removes the folder, since it is a temporary one.
        _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_all_kinds() {
        let text = r#"{__name__="h", a="}, {\""} {{schema:0 count:2 buckets:[1 1]}}, {} NaN, {a="b"} -5E-01"#;
        let found = samples(text).unwrap();
        let values: Vec<_> = found.iter().map(|sample| (sample.text.as_str(), sample.shown())).collect();
        assert_eq!(
            values,
            [
                (r#"{__name__="h", a="}, {\""}"#, "{{schema:0 count:2 buckets:[1 1]}}".to_owned()),
                ("{}", "NaN".to_owned()),
                (r#"{a="b"}"#, "-0.5".to_owned())
            ]
        );
        assert_eq!(samples("nil"), Some(Vec::new()));
        assert_eq!(samples("something else"), None);
    }

    #[test]
    fn errors_of_queries_and_of_files() {
        let of_query = "    expr: \"up + on() up\", time: 10m, err: found duplicate series\n";
        assert_eq!(outcome(of_query), Outcome::Error("found duplicate series".to_owned()));
        assert_eq!(outcome("2:50: parse error: bad\n"), Outcome::Error("2:50: parse error: bad".to_owned()));
    }
}
