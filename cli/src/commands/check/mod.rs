//! `promql-presets check`: checks preset files without a build.

mod github;
mod sarif;

use std::io::{IsTerminal, Read, stdin, stdout};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use promql_presets_compiler::diagnostic::emit;
use promql_presets_compiler::diagnostic::emit::Messages;
use promql_presets_compiler::{Code, Diagnostic, FileKind, Finding, Session, Severity, SourceFile, discover};

use crate::FOUND;
use crate::failure::Failure;
use crate::json::Object;
use crate::output::{count, in_colors, message, print, remark};
use crate::preset_folders::{Folder, Paths};

/// Checks preset files as `cargo build` would
///
/// `check -` reads a preset file from standard input. `--path` names the file that it replaces, so that an editor can
/// check text that is not saved.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0 without errors, 1 with errors or if a folder has no preset files, 2 if files could not be read

Example:
  promql-presets check presets/http.toml --deny-warnings")]
pub(crate) struct Arguments {
    #[command(flatten)]
    paths: Paths,
    /// With `check -`: the path of the file that the text belongs to; it need not exist
    #[arg(long, value_name = "FILE")]
    path: Option<PathBuf>,
    /// The format of findings
    #[arg(long, default_value = "human")]
    format: Format,
    /// Exit with status 1 if there are warnings
    #[arg(long)]
    deny_warnings: bool,
    /// Check again whenever a file changes, until Ctrl-C
    #[arg(long)]
    watch: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The line and carets
    Human,
    /// `path:line:column: severity: message [check]`
    Short,
    /// One object per line, with file, preset, check, severity, message, line, column, `end_line`, `end_column` and
    /// help; lines and columns start at 1, columns count characters
    Json,
    /// Annotations of GitHub Actions
    Github,
    /// A log in SARIF 2.1.0, with fixes, for code scanning
    Sarif,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let is_text = arguments.paths.is_standard_input();
    if arguments.path.is_some() && !is_text {
        return Err(Failure::new("`--path` names a text from standard input").help("write `check - --path FILE`"));
    }
    if arguments.watch {
        if is_text {
            return Err(Failure::new("standard input cannot be watched"));
        }
        return watch(arguments);
    }
    let folders = if is_text {
        let mut bytes = Vec::new();
        let read = stdin().read_to_end(&mut bytes);
        read.map_err(|error| Failure::new(format!("cannot read standard input: {error}")))?;
        vec![arguments.paths.with_text(arguments.path.as_deref(), discover::text(&bytes))?]
    } else {
        arguments.paths.read()?
    };
    let report = Report::of(folders, arguments.format);
    print(&report.text())?;
    report.remark();
    let bad = report.errors > 0 || !report.empty.is_empty() || (arguments.deny_warnings && report.warnings > 0);
    // The process ends here. Freeing all files would take a tenth of its time.
    std::mem::forget(report);
    Ok(if bad { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}

/// The shortest time between two reads of the files.
const INTERVAL: Duration = Duration::from_millis(250);

/// How long files must stay unchanged before they are checked: one may still be being written.
const SETTLED: Duration = Duration::from_millis(50);

/// Checks again whenever a file changes. Ends only if the files cannot be read at the start, or the output is closed.
fn watch(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut known: Result<Vec<Folder>, String> = Ok(arguments.paths.read()?);
    loop {
        match &known {
            Ok(folders) => {
                let report = Report::of(folders.clone(), arguments.format);
                if stdout().is_terminal() {
                    print("\u{1b}[H\u{1b}[2J\u{1b}[3J")?;
                }
                print(&report.text())?;
                report.remark();
            }
            Err(failure) => remark(failure.trim_end()),
        }
        known = changed(&arguments.paths, &known);
    }
}

/// Waits until the files change, or until the reason changes why they cannot be read.
fn changed(paths: &Paths, known: &Result<Vec<Folder>, String>) -> Result<Vec<Folder>, String> {
    let look = || paths.read().map_err(|failure| failure.to_string());
    let mut wait = INTERVAL;
    loop {
        thread::sleep(wait);
        let start = Instant::now();
        let mut found = look();
        // So that reading takes at most a twentieth of one processor, also for large folders.
        wait = INTERVAL.max(start.elapsed() * 20);
        while found != *known {
            thread::sleep(SETTLED);
            let before = std::mem::replace(&mut found, look());
            if found == before {
                return found;
            }
        }
    }
}

/// The findings, and their number.
struct Report {
    format: Format,
    /// Each finding as text, or as a result in JSON.
    findings: Vec<String>,
    /// The checks that found them.
    codes: Vec<Code>,
    files: usize,
    presets: usize,
    errors: usize,
    warnings: usize,
    /// The folders without preset files.
    empty: Vec<String>,
    /// The folders that were compiled.
    sessions: Vec<Session>,
}

impl Report {
    fn of(folders: Vec<Folder>, format: Format) -> Self {
        let (findings, codes, files, presets, errors, warnings, empty, sessions) = Default::default();
        let mut report = Self { format, findings, codes, files, presets, errors, warnings, empty, sessions };
        for folder in folders {
            report.add(folder);
        }
        report
    }

    fn add(&mut self, folder: Folder) {
        let wanted = |file: usize| folder.wanted[file];
        let mut session = Session::new(folder.files);
        let found = session.findings();
        let findings: Vec<&Finding> = found.iter().filter(|finding| wanted(finding.file)).collect();
        let files = session.files();
        let errors = findings.iter().filter(|finding| finding.diagnostic.severity == Severity::Error).count();
        self.codes.extend(findings.iter().map(|finding| finding.diagnostic.code));
        self.errors += errors;
        self.warnings += findings.len() - errors;
        self.files += folder.wanted.iter().filter(|wanted| **wanted).count();
        let own = (0..files.len()).filter(|file| wanted(*file) && files[*file].kind() == FileKind::Presets);
        if own.clone().count() == 0 {
            self.empty.extend(folder.folders);
        }
        self.presets += own.filter_map(|file| session.module(file)).map(|module| module.presets.len()).sum::<usize>();
        let (format, colors) = (self.format, in_colors());
        self.findings.extend(match format {
            Format::Human => emit::first(files, &findings, |messages, finding| {
                format!("{}\n\n", message(messages, &finding.diagnostic, colors))
            }),
            Format::Short => {
                emit::each(files, &findings, |messages, finding| format!("{}\n", messages.short(&finding.diagnostic)))
            }
            Format::Json => {
                emit::each(files, &findings, |messages, finding| json(&files[finding.file], messages, finding))
            }
            Format::Github => emit::each(files, &findings, |messages, finding| {
                github::command(&files[finding.file].path, messages, &finding.diagnostic)
            }),
            Format::Sarif => sarif::results(&session, &found, &findings),
        });
        self.sessions.push(session);
    }

    fn text(&self) -> String {
        if self.format == Format::Sarif { sarif::log(&self.findings, &self.codes) } else { self.findings.concat() }
    }

    /// Writes to standard error what is not a finding.
    fn remark(&self) {
        for folder in &self.empty {
            let failure = Failure::new(format!("no preset files in `{folder}`"));
            let help = "write one with `promql-presets new METRIC`, or name another folder";
            remark(failure.help(help).to_string().trim_end());
        }
        if matches!(self.format, Format::Human | Format::Github) && (self.files > 0 || self.empty.is_empty()) {
            remark(&self.summary());
        }
    }

    fn summary(&self) -> String {
        let found = match (self.errors, self.warnings) {
            (0, 0) => "no findings".to_owned(),
            (0, warnings) => count(warnings, "warning"),
            (errors, 0) => count(errors, "error"),
            (errors, warnings) => format!("{}, {}", count(errors, "error"), count(warnings, "warning")),
        };
        format!("{}, {}: {found}", count(self.files, "file"), count(self.presets, "preset"))
    }
}

/// A finding in words, without its lines.
fn words(diagnostic: &Diagnostic) -> String {
    let mut text = diagnostic.title.clone();
    if !diagnostic.label.is_empty() {
        text.extend([": ", &diagnostic.label]);
    }
    for (kind, part) in [("help", &diagnostic.help), ("note", &diagnostic.note)] {
        if let Some(part) = part {
            text.extend(["\n", kind, ": ", part]);
        }
    }
    text
}

fn json(file: &SourceFile, messages: &Messages<'_>, finding: &Finding) -> String {
    let diagnostic = &finding.diagnostic;
    let mut out = String::new();
    Object::open(&mut out)
        .field("file", file.path.as_str())
        .field("preset", finding.preset.as_deref())
        .field("check", diagnostic.code.as_str())
        .field("severity", diagnostic.severity.as_str())
        .field("message", diagnostic.title.as_str())
        .place(messages.place(diagnostic.span))
        .field("help", diagnostic.help.as_deref())
        .close();
    out.push('\n');
    out
}
