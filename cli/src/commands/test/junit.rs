//! Reports in XML, as `JUnit` writes it and CI systems read it.

use std::fmt::Write as _;

use super::TestResult;

pub(super) fn report(results: &[TestResult]) -> String {
    let errors = results.iter().filter(|result| result.error.is_some()).count();
    let failures = results.iter().filter(|result| !result.has_passed()).count() - errors;
    let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n".to_owned();
    let counts = format!("tests=\"{}\" failures=\"{failures}\" errors=\"{errors}\"", results.len());
    _ = writeln!(out, "  <testsuite name=\"promql-presets\" {counts}>");
    for result in results {
        let (preset, test) = (escape(&result.case.preset), escape(&result.case.test.name));
        let file = escape(&result.case.file.path);
        _ = write!(out, "    <testcase classname=\"{preset}\" name=\"{test}\" file=\"{file}\"");
        if result.has_passed() {
            out.push_str("/>\n");
            continue;
        }
        let faults = result.faults();
        let kind = if result.error.is_some() { "error" } else { "failure" };
        let first = escape(faults.first().map_or("", String::as_str));
        let all = escape(&faults.join("\n"));
        _ = writeln!(out, ">\n      <{kind} message=\"{first}\">{all}</{kind}>\n    </testcase>");
    }
    out + "  </testsuite>\n</testsuites>\n"
}

/// Text for elements and attributes of XML, without characters that XML does not have.
fn escape(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}
