//! `promql-presets check`: checks preset files without a build.

use std::process::ExitCode;

use clap::ValueEnum;
use promql_presets_compiler::diagnostic::emit;
use promql_presets_compiler::diagnostic::emit::Messages;
use promql_presets_compiler::{Finding, Severity, SourceFile, compile};

use crate::FOUND;
use crate::failure::Failure;
use crate::folders::Paths;
use crate::json::Object;
use crate::output::{count, in_colors, message, print, remark};

/// Checks preset files as `cargo build` would
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Exit status: 0 without errors, 1 with errors, 2 if files could not be read

Example:
  promql-presets check presets/http.toml --deny-warnings")]
pub(crate) struct Arguments {
    #[command(flatten)]
    paths: Paths,
    /// The format of findings
    #[arg(long, default_value = "human")]
    format: Format,
    /// Exit with 1 if there are warnings
    #[arg(long)]
    deny_warnings: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// The line and carets
    Human,
    /// `path:line:column: severity: message [check]`
    Short,
    /// One object per line, with file, preset, check, severity, message, line, column, `end_line`, `end_column` and help;
    /// lines and columns start at 1, columns count characters
    Json,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let format = arguments.format;
    let mut report = Report::new(format);
    for folder in arguments.paths.read()? {
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
    let bad = report.errors > 0 || (arguments.deny_warnings && report.warnings > 0);
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
