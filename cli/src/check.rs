//! `promql-presets check`: checks preset files without a build.

use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::Arg::{Long, Short, Value};
use promql_presets_compiler::diagnostic::emit;
use promql_presets_compiler::diagnostic::emit::Messages;
use promql_presets_compiler::{Finding, Severity, SourceFile, compile};

use crate::failure::Failure;
use crate::json::Object;
use crate::output::{count, help, in_colors, message, print, remark};
use crate::{FOUND, folders};

pub(crate) const HELP: &str = "\
Checks preset files as `cargo build` would

usage: promql-presets check [PATH]... [--format FORMAT] [--deny-warnings]

  PATH               a folder of preset files, or a file or folder in it, which is checked against the
                     schema of the whole folder; default: `presets`
  --format FORMAT    human: the line and carets (the default)
                     short: path:line:column: severity: message [check]
                     json:  one object per line, with file, preset, check, severity, message, line, column,
                            end_line, end_column and help; lines and columns start at 1, columns count
                            characters
  --deny-warnings    exit with 1 if there are warnings
  -h, --help         show this text

exit status: 0 without errors, 1 with errors, 2 if files could not be read
";

#[derive(Clone, Copy, Debug, Default)]
enum Format {
    #[default]
    Human,
    Short,
    Json,
}

pub(crate) fn run(mut arguments: lexopt::Parser) -> Result<ExitCode, Failure> {
    let mut paths: Vec<PathBuf> = Vec::new();
    let (mut format, mut deny_warnings) = (Format::default(), false);
    let failed = |error| Failure::arguments(error, HELP);
    while let Some(argument) = arguments.next().map_err(failed)? {
        match argument {
            Value(path) => paths.push(path.into()),
            Long("format") => {
                format = match arguments.value().map_err(failed)?.to_string_lossy().as_ref() {
                    "human" => Format::Human,
                    "short" => Format::Short,
                    "json" => Format::Json,
                    other => {
                        let unknown = format!("unknown format `{other}`, expected `human`, `short` or `json`");
                        return Err(Failure::usage(unknown, HELP));
                    }
                }
            }
            Long("deny-warnings") => deny_warnings = true,
            Short('h') | Long("help") => return help(HELP),
            other => return Err(failed(other.unexpected())),
        }
    }

    let mut report = Report::new(format);
    for folder in folders::read(&paths)? {
        let output = compile(&folder.files);
        let wanted = |file: usize| folder.wanted[file];
        let findings: Vec<&Finding> = output.findings.iter().filter(|finding| wanted(finding.file)).collect();
        report.add(&folder.files, &findings);
        report.files += folder.wanted.iter().filter(|wanted| **wanted).count();
        let modules = output.registry.modules.iter().filter(|module| wanted(module.file));
        report.presets += modules.map(|module| module.presets.len()).sum::<usize>();
    }
    print(&report.text)?;
    if matches!(format, Format::Human) {
        remark(&report.summary());
    }
    let bad = report.errors > 0 || (deny_warnings && report.warnings > 0);
    Ok(if bad { ExitCode::from(FOUND) } else { ExitCode::SUCCESS })
}

/// The findings, and their number.
struct Report {
    format: Format,
    colors: bool,
    text: String,
    files: usize,
    presets: usize,
    errors: usize,
    warnings: usize,
}

impl Report {
    fn new(format: Format) -> Self {
        Self { format, colors: in_colors(), text: String::new(), files: 0, presets: 0, errors: 0, warnings: 0 }
    }

    fn add(&mut self, files: &[SourceFile], findings: &[&Finding]) {
        let errors = findings.iter().filter(|finding| finding.diagnostic.severity == Severity::Error).count();
        self.errors += errors;
        self.warnings += findings.len() - errors;
        let (format, colors) = (self.format, self.colors);
        self.text.extend(match format {
            Format::Human => emit::first(files, findings, |messages, finding| {
                format!("{}\n\n", message(messages, &finding.diagnostic, colors))
            }),
            Format::Short => {
                emit::each(files, findings, |messages, finding| format!("{}\n", messages.short(&finding.diagnostic)))
            }
            Format::Json => {
                emit::each(files, findings, |messages, finding| json(&files[finding.file], messages, finding))
            }
        });
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

fn json(file: &SourceFile, messages: &Messages<'_>, finding: &Finding) -> String {
    let diagnostic = &finding.diagnostic;
    let [(line, column), (end_line, end_column)] = messages.place(diagnostic.span);
    let mut out = String::new();
    Object::open(&mut out)
        .field("file", file.path.as_str())
        .field("preset", finding.preset.as_deref())
        .field("check", diagnostic.code.as_str())
        .field("severity", diagnostic.severity.as_str())
        .field("message", diagnostic.title.as_str())
        .field("line", line)
        .field("column", column)
        .field("end_line", end_line)
        .field("end_column", end_column)
        .field("help", diagnostic.help.as_deref())
        .close();
    out.push('\n');
    out
}
