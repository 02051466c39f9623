//! Reports in XML, as `JUnit` writes it and CI systems read it.

use std::fmt::Write as _;

use promql_presets_compiler::diagnostic::emit::Messages;

use super::{PresetError, TestResult};

pub(super) fn report(results: &[TestResult], presets: &[PresetError]) -> String {
    let not_run = results.iter().filter(|result| result.error.is_some()).count();
    let failures = results.iter().filter(|result| !result.has_passed()).count() - not_run;
    let (tests, errors) = (results.len() + presets.len(), not_run + presets.len());
    let mut out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n".to_owned();
    let counts = format!("tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\"");
    _ = writeln!(out, "  <testsuite name=\"promql-presets\" {counts}>");
    for result in results {
        let kind = if result.error.is_some() { "error" } else { "failure" };
        let test = &result.case.test.name;
        case(&mut out, [&result.case.preset, test, &result.case.file.path], kind, &result.faults());
    }
    for error in presets {
        let path = &error.file.path;
        let fault = Messages::of(&error.file).short(&error.diagnostic);
        case(
            &mut out,
            [error.preset.as_ref().unwrap_or(path), error.diagnostic.code.as_str(), path],
            "error",
            &[fault],
        );
    }
    out + "  </testsuite>\n</testsuites>\n"
}

/// A test with its failures. Its names are those of the preset, the test and the file.
fn case(out: &mut String, names: [&str; 3], kind: &str, faults: &[String]) {
    let [class, name, file] = names.map(escape);
    _ = write!(out, "    <testcase classname=\"{class}\" name=\"{name}\" file=\"{file}\"");
    let Some(first) = faults.first() else {
        out.push_str("/>\n");
        return;
    };
    let (first, all) = (escape(first), escape(&faults.join("\n")));
    _ = writeln!(out, ">\n      <{kind} message=\"{first}\">{all}</{kind}>\n    </testcase>");
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
