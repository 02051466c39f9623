//! `promql-presets import`: preset files from dashboards, rules and stored presets.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use promql_presets_compiler::{SourceFile, discover};

use crate::FOUND;
use crate::failure::Failure;
use crate::import::{self, Collection, Imported, NotRead, Options, Taken};
use crate::json::Object;
use crate::output::{Format, count, print, remark};
use crate::preset_folders::{self, Dir};

/// Turns dashboards, rules and stored presets of other tools into preset files
///
/// Reads dashboards of Grafana (the classic JSON and the v2 resource) and the alerts that it manages, rule files and
/// `PrometheusRule` objects of Prometheus, and the presets that Backend.AI stores. Each dashboard, group of rules or
/// metric becomes a file, which passes `check`.
///
/// Matchers on variables become `{labels}`, durations `{window}`, groupings by a variable `{group_by}`. Variables that are
/// numbers, and further durations, become parameters with their current value as the default. Variables that are functions
/// or metrics become their current value. Queries that cannot be converted are reported, and stand in the file as comments.
/// If a check reports a preset, the preset gets an `allow` with the message of the check as the reason.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0 if all queries are imported, 1 if some are not, 2 if files could not be read or written

Example:
  promql-presets import dashboards/node.json rules.yaml --dir presets")]
pub(crate) struct Arguments {
    /// A file of JSON or YAML, or `-` for standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    dir: Dir,
    /// Replace `by (...)` with `by ({group_by})`, so that callers choose the grouping
    #[arg(long)]
    group_by: bool,
    /// Overwrite files that exist
    #[arg(long)]
    force: bool,
    /// The format of the report; `json` is one object per line and query, with source, place, query, file, preset (null
    /// if it is not imported), reason (null if it is) and notes
    #[arg(long, default_value = "human")]
    format: Format,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let dir = arguments.dir.path()?;
    let mut sources: Vec<(String, String, Collection)> = Vec::new();
    for path in &arguments.files {
        let is_input = path.as_os_str() == "-";
        let source = if is_input { "<stdin>".to_owned() } else { path.display().to_string() };
        let failed = |cause: &str| Failure::new(format!("cannot read `{source}`: {cause}"));
        let bytes = if is_input {
            let mut bytes = Vec::new();
            io::stdin().read_to_end(&mut bytes).map(|_| bytes)
        } else {
            fs::read(path)
        };
        let bytes = bytes.map_err(|error| failed(&error.to_string()))?;
        let text = String::from_utf8(bytes).map_err(|_| failed("not UTF-8"))?;
        let collections = import::read(&text).map_err(|error| match error {
            NotRead::Syntax(message) => failed(&message).maybe_help(
                is_helm_template(&text)
                    .then(|| "it looks like a template of Helm: import the output of `helm template`".to_owned()),
            ),
            NotRead::Unknown => Failure::new(format!("nothing to import in `{source}`"))
                .help("a file holds a dashboard or alerts of Grafana, Prometheus rules, or presets of Backend.AI"),
        })?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let name = if is_input { "standard input".to_owned() } else { name };
        sources.extend(collections.into_iter().map(|collection| (source.clone(), name.clone(), collection)));
    }
    // The declaration of a metric applies to all files of the folder.
    sources.sort_by_key(|(.., collection)| !collection.declares_metric());
    let discover = if dir.exists() { discover::discover } else { discover::beside };
    let mut files = discover(&dir, &dir.display().to_string())?;
    let (mut taken, options) = (Taken::default(), Options { group_by: arguments.group_by, fixed: false });
    let mut imported: Vec<(String, Imported)> = Vec::new();
    for (source, name, collection) in sources {
        let file = import::write(&collection, &name, options, &mut taken, &files);
        if let Some(text) = &file.text {
            let name = format!("{}.toml", file.name);
            files.retain(|other| other.name != name);
            files.push(SourceFile { path: name.clone(), name, text: text.clone() });
        }
        imported.push((source, file));
    }
    write(&imported, &dir, arguments.force)?;
    let outcomes = || imported.iter().flat_map(|(_, file)| &file.outcomes);
    let (all, good) = (outcomes().count(), outcomes().filter(|outcome| outcome.result.is_ok()).count());
    match arguments.format {
        Format::Json => {
            print(&imported.iter().map(|(source, file)| json(source, file, &dir)).collect::<String>())?;
        }
        Format::Human => {
            print(&imported.iter().map(|(_, file)| human(file, &dir)).collect::<String>())?;
            let files = imported.iter().filter(|(_, file)| file.text.is_some()).count();
            remark(&format!("{good} of {all} queries imported into {}", count(files, "file")));
        }
    }
    Ok(if good == all { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
}

fn target(file: &Imported, dir: &Path) -> PathBuf {
    dir.join(format!("{}.toml", file.name))
}

/// Writes the files, or none of them if one exists.
fn write(imported: &[(String, Imported)], dir: &Path, force: bool) -> Result<(), Failure> {
    let texts: Vec<(PathBuf, &String)> =
        imported.iter().filter_map(|(_, file)| Some((target(file, dir), file.text.as_ref()?))).collect();
    if let Some((path, _)) = texts.iter().find(|(path, _)| !force && path.exists()) {
        let failure = Failure::new(format!("`{}` exists", path.display()));
        return Err(failure.help("use another folder with `--dir`, or overwrite files with `--force`"));
    }
    texts.iter().try_for_each(|(path, text)| {
        preset_folders::write(path, text)
            .map_err(|error| Failure::new(format!("cannot write `{}`: {error}", path.display())))
    })
}

/// The file, and the queries that are not imported or differ from the original.
fn human(file: &Imported, dir: &Path) -> String {
    let good = file.outcomes.iter().filter(|outcome| outcome.result.is_ok()).count();
    let path = target(file, dir);
    let mut out = format!("{}: {}\n", path.display(), count(good, "preset"));
    if file.text.is_none() {
        out = format!("{}: not written, since there are no presets\n", path.display());
    }
    if let Some(note) = file.note.as_ref().filter(|_| file.text.is_some()) {
        _ = writeln!(out, "  {note}");
    }
    for outcome in &file.outcomes {
        match &outcome.result {
            Err(reason) => _ = writeln!(out, "  not imported: {}: {reason}", outcome.place),
            Ok(name) => {
                for note in &outcome.notes {
                    _ = writeln!(out, "  {name}: {note}");
                }
            }
        }
    }
    out
}

fn json(source: &str, file: &Imported, dir: &Path) -> String {
    let mut out = String::new();
    let path = file.text.as_ref().map(|_| target(file, dir).display().to_string());
    for outcome in &file.outcomes {
        let note = file.note.iter().filter(|_| outcome.result.is_ok());
        Object::open(&mut out)
            .field("source", source)
            .field("place", outcome.place.as_str())
            .field("query", outcome.query.as_str())
            .field("file", path.as_deref().filter(|_| outcome.result.is_ok()))
            .field("preset", outcome.result.as_deref().ok())
            .field("reason", outcome.result.as_ref().err().map(String::as_str))
            .field("notes", outcome.notes.iter().chain(note).cloned().collect::<Vec<_>>())
            .close();
        out.push('\n');
    }
    out
}

/// Whether a text has actions of Helm, rather than the `{{ $labels.x }}` of alerts.
fn is_helm_template(text: &str) -> bool {
    ["{{-", "{{ .Values", "{{ include", "{{ if", "{{if"].iter().any(|action| text.contains(action))
}
