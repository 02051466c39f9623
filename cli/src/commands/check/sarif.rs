//! Findings as a log in SARIF 2.1.0, the Static Analysis Results Interchange Format
//! (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>).

use std::fmt::Write as _;

use promql_presets_compiler::diagnostic::{Fix, Lines};
use promql_presets_compiler::{Code, Diagnostic, Finding, Session, Span};
use serde_json::{Value, json};

use super::words;
use crate::lsp::fixes::{self, Checked, QuickFix};

/// For how many findings fixes are tried, which takes time for each; the others have the edit that came with them.
const MOST_TRIED: usize = 100;

/// A log with these results, and the checks that found them.
pub(super) fn log(results: &[String], found: &[Code]) -> String {
    let rules: Vec<Value> = Code::ALL.iter().filter(|code| found.contains(code)).map(|code| rule(*code)).collect();
    let driver = json!({ "name": "promql-presets", "version": env!("CARGO_PKG_VERSION"), "rules": rules });
    format!(
        "{{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\"version\":\"2.1.0\",\"runs\":[{{\
         \"tool\":{{\"driver\":{driver}}},\"columnKind\":\"utf16CodeUnits\",\"results\":[{}]}}]}}\n",
        results.join(","),
    )
}

fn rule(code: Code) -> Value {
    json!({
        "id": code.as_str(),
        "shortDescription": { "text": code.summary() },
        // Viewers show the text only where they cannot show the page.
        "help": { "text": format!("`promql-presets explain {}`", code.as_str()), "markdown": code.page() },
        "defaultConfiguration": { "level": code.severity().as_str() },
    })
}

/// The result for each wanted finding. Findings are grouped by file.
pub(super) fn results(session: &Session, all: &[Finding], wanted: &[&Finding]) -> Vec<String> {
    let mut out = Vec::new();
    for findings in wanted.chunk_by(|a, b| a.file == b.file) {
        let checked = Checked { session, findings: all, file: findings[0].file };
        let file = &session.files()[checked.file];
        let lines = file.lines();
        for finding in findings {
            let fixes = if out.len() < MOST_TRIED {
                fixes::of_help(checked, finding)
            } else {
                QuickFix::untried(finding).into_iter().collect()
            };
            out.push(result(&file.path, &lines, &finding.diagnostic, &fixes).to_string());
        }
    }
    out
}

fn result(path: &str, lines: &Lines<'_>, diagnostic: &Diagnostic, fixes: &[QuickFix]) -> Value {
    let code = diagnostic.code;
    let mut result = json!({
        "ruleId": code.as_str(),
        "level": diagnostic.severity.as_str(),
        "message": { "text": words(diagnostic) },
        "locations": [{ "physicalLocation": location(path, &region(lines, 1, diagnostic.span)) }],
    });
    let mut related: Vec<Value> =
        diagnostic.secondary.iter().map(|(span, label)| related(path, &region(lines, 1, *span), label)).collect();
    if let Some(excerpt) = &diagnostic.elsewhere {
        let region = region(&Lines::of(&excerpt.text), excerpt.line, excerpt.span);
        related.push(self::related(&excerpt.path, &region, &excerpt.label));
    }
    if !related.is_empty() {
        result["relatedLocations"] = related.into();
    }
    let replacement =
        |edit: &Fix| json!({ "deletedRegion": region(lines, 1, edit.span), "insertedContent": { "text": edit.text } });
    let fix = |fix: &QuickFix| {
        let replacements: Vec<Value> = fix.edits.iter().map(replacement).collect();
        json!({
            "description": { "text": fix.title },
            "artifactChanges": [{ "artifactLocation": { "uri": uri(path) }, "replacements": replacements }],
        })
    };
    if !fixes.is_empty() {
        result["fixes"] = fixes.iter().map(fix).collect();
    }
    result
}

fn related(path: &str, region: &Value, label: &str) -> Value {
    let mut location = json!({ "physicalLocation": location(path, region) });
    if !label.is_empty() {
        location["message"] = json!({ "text": label });
    }
    location
}

fn location(path: &str, region: &Value) -> Value {
    json!({ "artifactLocation": { "uri": uri(path) }, "region": region })
}

/// A span of a text whose first line has this number. Lines and columns count from 1, columns in UTF-16 code units.
fn region(lines: &Lines<'_>, first: usize, span: Span) -> Value {
    let place = |offset| {
        let (line, column) = lines.utf16(offset);
        (line as usize + first, column + 1)
    };
    let ((line, column), (end_line, end_column)) = (place(span.start), place(span.end));
    json!({ "startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column })
}

/// A path as a reference, relative where the path is.
fn uri(path: &str) -> String {
    let mut out = String::new();
    if path.starts_with('/') {
        out.push_str("file://");
    }
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn paths_are_references() {
        assert_eq!(uri("presets/ü b.toml"), "presets/%C3%BC%20b.toml");
        assert_eq!(uri("/a/b.toml"), "file:///a/b.toml");
        assert_eq!(uri("../a#b"), "../a%23b");
    }
}
