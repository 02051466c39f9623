//! `promql-presets new`: a preset file for a metric.

mod presets;

use std::collections::BTreeSet;
use std::process::ExitCode;

use promql_presets_compiler::diagnostic::emit;
use promql_presets_compiler::discover;
use promql_presets_compiler::{FileKind, Finding, MetricType, Severity, Snapshot, SnapshotMetric, SourceFile, compile};

use super::schema::{self, NewMetric};
use crate::FOUND;
use crate::declared::Declared;
use crate::failure::Failure;
use crate::json::Object;
use crate::output::{Format, count, in_colors, message, print, remark};
use crate::preset_folders::{Dir, write};
use crate::server::Sources;

/// Writes a preset file for a metric
///
/// The file declares the labels of the metric, and has the presets that fit its type: rate and increase of a counter;
/// current value, minimum, maximum and mean of a gauge, or its age if it is a timestamp; rate, mean, percentiles and the
/// share below a bound of a histogram; rate and mean of a summary.
///
/// The metric is read from the sources of `--url` and `--from`; without them, from `metrics.toml`, or else from the
/// server in the variable `PROMETHEUS_URL` or in `promql.toml`. If another file of the folder declares the metric, the
/// new file uses its types.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0 on success, 1 if the file would not pass `check`, 2 if it exists or the metric is unknown

Example:
  promql-presets new http_request_duration_seconds --from http://localhost:8080/metrics")]
pub(crate) struct Arguments {
    /// The name of a metric, or of one of its series
    metric: String,
    #[command(flatten)]
    dir: Dir,
    /// The name of the file, without `.toml`; default: made from the metric
    #[arg(long)]
    file: Option<String>,
    /// Overwrite the file if it exists
    #[arg(long)]
    force: bool,
    /// The format of the report; `json` is one object with file, metric, type and presets
    #[arg(long, default_value = "human")]
    format: Format,
    #[command(flatten)]
    sources: Sources,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    if arguments.metric.trim().is_empty() {
        return Err(Failure::new("the name of the metric is empty").help("write one, such as `http_requests_total`"));
    }
    let dir = arguments.dir.path()?;
    let mut files = if dir.exists() { discover::discover(&dir, &dir.display().to_string())? } else { Vec::new() };
    let mut found = arguments.find(&files)?;
    let name = found.name.clone();
    let file = arguments.file.clone().unwrap_or_else(|| presets::file_name(&name));
    let file = file.strip_suffix(".toml").unwrap_or(&file);
    let path = dir.join(format!("{file}.toml"));
    if path.exists() && !arguments.force {
        let failure = Failure::new(format!("`{}` exists", path.display()));
        return Err(failure.help("choose another name with `--file`, or overwrite it with `--force`"));
    }
    let own = discover::slashes(path.strip_prefix(&dir).unwrap_or(&path));
    files.retain(|other| other.kind() != FileKind::Presets || other.name != own);
    let declared = Declared::of(&name, &files);
    let mut notes = Vec::new();
    if let Some((declared, by)) = &declared.kind
        && *declared != MetricType::Unknown
    {
        let found = &mut found.metric.kind;
        if !matches!(found, MetricType::Unknown) && found != declared {
            let (found, declared) = (kind(*found), kind(*declared));
            notes.push(format!("`{name}` is a {found} there, but declared as a {declared} in `{by}`, which holds"));
        }
        *found = *declared;
    }
    if found.is_both {
        let other = if found.metric.kind == MetricType::Histogram { &name } else { &format!("{name}_bucket") };
        notes.push(format!("it is both a classic and a native histogram: `new {other}` writes presets of the other"));
    }
    let written = presets::write(&found, &declared);
    let kind = if found.is_gauge { "gauge histogram".to_owned() } else { kind(found.metric.kind) };
    files.push(SourceFile { name: own, path: path.display().to_string(), text: written.text.clone() });
    if !check(&files) {
        let failure = Failure::new(format!("`{}` is not written, since it would not pass `check`", path.display()));
        remark(&format!("\n{}", failure.to_string().trim_end()));
        return Ok(ExitCode::from(FOUND));
    }
    write(&path, &written.text).map_err(|error| Failure::new(format!("cannot write `{}`: {error}", path.display())))?;
    match arguments.format {
        Format::Human => {
            let presets = count(written.presets.len(), "preset");
            print(&format!("{}: {presets} of the {kind} `{name}`\n", path.display()))?;
        }
        Format::Json => {
            let mut out = String::new();
            Object::open(&mut out)
                .field("file", path.display().to_string())
                .field("metric", name.as_str())
                .field("type", found.metric.kind.as_str())
                .field("presets", written.presets.clone())
                .close();
            print(&(out + "\n"))?;
        }
    }
    notes.iter().chain(&written.notes).for_each(|note| remark(&format!("note: {note}")));
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    fn find(&self, files: &[SourceFile]) -> Result<NewMetric, Failure> {
        let snapshot = files.iter().find(|file| file.kind() == FileKind::Metrics);
        // `check` reports what is wrong with the file.
        let snapshot = snapshot.and_then(|file| Snapshot::parse(&file.text).ok()).unwrap_or_default();
        let is_local = self.sources.is_empty();
        if is_local {
            let suffixes = [""].iter().chain(MetricType::Histogram.parts());
            let names = suffixes.filter_map(|suffix| self.metric.strip_suffix(suffix));
            let mut known = names.clone().filter_map(|name| Some((name, snapshot.metrics.get(name)?)));
            let is_of = |(name, metric): &(&str, &SnapshotMetric)| {
                *name == self.metric || matches!(metric.kind, MetricType::Histogram | MetricType::Summary)
            };
            if let Some(both) = names.into_iter().find_map(|name| both(&self.metric, name, &snapshot)) {
                return Ok(both);
            }
            if let Some((name, metric)) = known.find(is_of) {
                return Ok(NewMetric { name: name.to_owned(), metric: metric.clone(), ..NewMetric::default() });
            }
        }
        let output = compile(files);
        if is_local && !snapshot.metrics.is_empty() && self.sources.servers(output.url.as_deref()).is_err() {
            let unknown = Failure::unknown("metric", &self.metric, snapshot.metrics.keys().map(String::as_str));
            return Err(unknown.within("`metrics.toml`"));
        }
        schema::look_up(&self.metric, &self.sources, &output)
    }
}

/// A native histogram that is also a classic one. `metrics.toml` lists the series of the latter as metrics.
fn both(meant: &str, name: &str, snapshot: &Snapshot) -> Option<NewMetric> {
    let native = snapshot.metrics.get(name).filter(|metric| metric.kind == MetricType::NativeHistogram)?;
    let buckets = snapshot.metrics.get(&format!("{name}_bucket"))?;
    let mut metric = if meant == name { native.clone() } else { buckets.clone() };
    if meant != name {
        metric.kind = MetricType::Histogram;
        metric.labels.iter_mut().for_each(|labels| _ = labels.remove("le"));
    }
    Some(NewMetric { name: name.to_owned(), metric, is_both: true, ..NewMetric::default() })
}

/// A type as part of a sentence.
fn kind(kind: MetricType) -> String {
    match kind {
        MetricType::Unknown => "metric".to_owned(),
        kind => kind.as_str().replace('_', " "),
    }
}

/// Prints the findings about the last file, and the errors that it causes in others. Returns whether it passes.
fn check(files: &[SourceFile]) -> bool {
    let last = files.len() - 1;
    let is_error = |finding: &&Finding| finding.diagnostic.severity == Severity::Error;
    let key = |finding: &Finding| (finding.file, finding.preset.clone(), finding.diagnostic.title.clone());
    let before = compile(&files[..last]).findings;
    let before: BTreeSet<_> = before.iter().filter(is_error).map(key).collect();
    let findings = compile(files).findings;
    let is_new = |finding: &&Finding| finding.file == last || (is_error(finding) && !before.contains(&key(finding)));
    let new: Vec<&Finding> = findings.iter().filter(is_new).collect();
    let colors = in_colors();
    let texts = emit::each(files, &new, |messages, finding| message(messages, &finding.diagnostic, colors));
    if !texts.is_empty() {
        remark(&texts.join("\n\n"));
    }
    !new.iter().any(is_error)
}
