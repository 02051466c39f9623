//! `promql-presets fmt`: lays out templates.

use std::fs;
use std::process::ExitCode;

use promql_presets_compiler::diagnostic::emit::Messages;
use promql_presets_compiler::promql::{Features, Syntax, parse};
use promql_presets_compiler::{Diagnostic, FileKind, Layer, Severity, SourceFile, Span, compile};

use crate::FOUND;
use crate::failure::Failure;
use crate::fmt::{self, Edit};
use crate::json::Object;
use crate::output::{Format, count, in_colors, message, print, query_file, query_messages, remark};
use crate::preset_folders::Paths;

/// Formats the templates of preset files in place, as Prometheus formats queries
///
/// Nothing else in the files changes. Comments in templates are kept. Files with errors are reported and left alone.
/// `fmt -` formats plain PromQL from standard input.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0 on success, 1 if there are errors or, with `--check`, templates to format, 2 if files
could not be read or written

Example:
  promql-presets fmt --check presets")]
pub(crate) struct Arguments {
    #[command(flatten)]
    paths: Paths,
    /// Write no files; show what would change, and exit with status 1 if anything would change
    #[arg(long)]
    check: bool,
    /// The format of the report; `json` is one object per line and file, with file, changed (a list of presets) and
    /// errors: preset, message, line and column; for `-`, it is one object with query (null if it has errors),
    /// `is_changed` and errors
    #[arg(long, default_value = "human")]
    format: Format,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    if arguments.paths.is_standard_input() {
        return query(arguments);
    }
    let mut report = Report { arguments, text: String::new(), files: 0, changed: 0, refused: 0 };
    for folder in arguments.paths.read()? {
        let wanted = folder.files.iter().zip(&folder.wanted).filter(|(_, wanted)| **wanted).map(|(file, _)| file);
        for file in wanted.filter(|file| file.kind() == FileKind::Presets) {
            report.file(file)?;
        }
    }
    print(&report.text)?;
    if arguments.format == Format::Human {
        remark(&report.summary());
    }
    let is_found = report.refused > 0 || (arguments.check && report.changed > 0);
    Ok(if is_found { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}

struct Report<'a> {
    arguments: &'a Arguments,
    text: String,
    files: usize,
    changed: usize,
    refused: usize,
}

impl Report<'_> {
    /// Formats a file, or shows what would change.
    fn file(&mut self, file: &SourceFile) -> Result<(), Failure> {
        self.files += 1;
        let errors = errors(file);
        let edits = if errors.is_empty() { fmt::file(&file.text).unwrap_or_default() } else { Vec::new() };
        self.refused += usize::from(!errors.is_empty());
        self.changed += usize::from(!edits.is_empty());
        if !edits.is_empty() && !self.arguments.check {
            write(file, &edits)?;
        }
        let text = match self.arguments.format {
            Format::Json => json(file, &edits, &errors),
            Format::Human if edits.is_empty() => {
                let (messages, colors) = (Messages::of(file), in_colors());
                errors.iter().map(|(_, error)| message(&messages, error, colors) + "\n\n").collect()
            }
            Format::Human if self.arguments.check => fmt::diff(file, &edits, in_colors()),
            Format::Human => format!("{}\n", file.path),
        };
        self.text.push_str(&text);
        Ok(())
    }

    fn summary(&self) -> String {
        let what = if self.arguments.check { "to format" } else { "formatted" };
        let refused = if self.refused > 0 { format!(", {} with errors", self.refused) } else { String::new() };
        format!("{}: {} {what}{refused}", count(self.files, "file"), self.changed)
    }
}

/// Why the templates of a file cannot be formatted, each with its preset.
fn errors(file: &SourceFile) -> Vec<(Option<String>, Diagnostic)> {
    let found = compile(std::slice::from_ref(file)).findings;
    let in_template = |code: Layer| matches!(code, Layer::Template | Layer::Query);
    let is_toml = promql_presets_compiler::templates(&file.text).is_some();
    let errors = found.into_iter().filter(|finding| {
        let diagnostic = &finding.diagnostic;
        diagnostic.severity == Severity::Error && (in_template(diagnostic.code.layer()) || !is_toml)
    });
    errors.map(|finding| (finding.preset, finding.diagnostic)).collect()
}

/// Writes a file after its edits. What is read has no byte order mark, which is kept.
fn write(file: &SourceFile, edits: &[Edit]) -> Result<(), Failure> {
    let failed = |what: &str, error| Failure::new(format!("cannot {what} `{}`: {error}", file.path));
    let old = fs::read(&file.path).map_err(|error| failed("read", error))?;
    let mark: &[u8] = if old.starts_with("\u{FEFF}".as_bytes()) { "\u{FEFF}".as_bytes() } else { b"" };
    if old[mark.len()..] != *file.text.as_bytes() {
        return Err(Failure::new(format!("`{}` is not UTF-8, or has changed while it was formatted", file.path)));
    }
    let new = [mark, fmt::apply(&file.text, edits).as_bytes()].concat();
    fs::write(&file.path, new).map_err(|error| failed("write", error))
}

fn json(file: &SourceFile, edits: &[Edit], errors: &[(Option<String>, Diagnostic)]) -> String {
    let mut out = String::new();
    let object = Object::open(&mut out)
        .field("file", file.path.as_str())
        .field("changed", edits.iter().map(|edit| edit.preset.as_str()).collect::<Vec<_>>());
    list_errors(object, file, errors).close();
    out + "\n"
}

/// The result for a query that is in no file: its text, or `None` if it has errors.
fn query_json(file: &SourceFile, formatted: Option<&str>, errors: &[(Option<String>, Diagnostic)]) -> String {
    let mut out = String::new();
    let is_changed = formatted.is_some_and(|formatted| formatted != file.text);
    let object = Object::open(&mut out).field("query", formatted).field("is_changed", is_changed);
    list_errors(object, file, errors).close();
    out + "\n"
}

fn list_errors<'o>(object: Object<'o>, file: &SourceFile, errors: &[(Option<String>, Diagnostic)]) -> Object<'o> {
    let messages = Messages::of(file);
    object.list("errors", errors, |out, (preset, error)| {
        let [(line, column), _] = messages.place(error.span);
        Object::open(out)
            .field("preset", preset.as_deref())
            .field("message", error.title.as_str())
            .field("line", line)
            .field("column", column)
            .close();
    })
}

/// Formats plain PromQL from standard input.
fn query(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let text = super::parse::standard_input()?;
    let file = query_file(&text);
    let formatted = fmt::query(&file.text);
    let edit = formatted.clone().filter(|formatted| *formatted != file.text).map(|text| Edit {
        preset: String::new(),
        span: Span::of(0..file.text.len()),
        text,
    });
    let errors = match &formatted {
        Some(_) => Vec::new(),
        None => parse(&file.text, Syntax { template: false, features: Features::all() }).diagnostics,
    };
    let is_found = formatted.is_none() || (arguments.check && edit.is_some());
    match (arguments.format, formatted) {
        (Format::Json, formatted) => {
            let errors: Vec<_> = errors.into_iter().map(|error| (None, error)).collect();
            print(&query_json(&file, formatted.as_deref(), &errors))?;
        }
        (_, None) => {
            print(&(query_messages(&file.text, &errors, in_colors()).join("\n\n") + "\n"))?;
        }
        (_, Some(_)) if arguments.check => {
            print(&edit.map_or_else(String::new, |edit| fmt::diff(&file, &[edit], in_colors())))?;
        }
        (_, Some(formatted)) => print(&(formatted + "\n"))?,
    }
    Ok(if is_found { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}
