//! Findings as a log in SARIF 2.1.0, the Static Analysis Results Interchange Format
//! (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>).

use std::fmt::Write as _;

use promql_presets_compiler::diagnostic::Lines;
use promql_presets_compiler::{Code, Diagnostic, Finding, SourceFile, Span};
use serde_json::{Value, json};

use super::words;

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

/// The result for each finding. Findings are grouped by file.
pub(super) fn results(files: &[SourceFile], findings: &[&Finding]) -> Vec<String> {
    let of_file = |findings: &[&Finding]| {
        let file = &files[findings[0].file];
        let lines = file.lines();
        findings.iter().map(|finding| result(&file.path, &lines, &finding.diagnostic).to_string()).collect::<Vec<_>>()
    };
    findings.chunk_by(|a, b| a.file == b.file).flat_map(of_file).collect()
}

fn result(path: &str, lines: &Lines<'_>, diagnostic: &Diagnostic) -> Value {
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
    if let Some(fix) = &diagnostic.fix {
        result["fixes"] = json!([{
            "description": { "text": diagnostic.help },
            "artifactChanges": [{
                "artifactLocation": { "uri": uri(path) },
                "replacements": [{
                    "deletedRegion": region(lines, 1, fix.span),
                    "insertedContent": { "text": fix.text },
                }],
            }],
        }]);
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
