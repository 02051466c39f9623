//! `test`: the tests that stand beside presets.

use std::fs;
use std::process::{Command, Output};

use promql_presets_test_support::{Release, Tool, servers_required};
use serde_json::{Value, json};

use crate::{Folder, lines};

const TESTED: &str = r#"[metric]
name = "http_requests_total"
type = "counter"

[labels]
job  = "string"
code = "integer"

[presets.error_ratio]
template = '''
  sum by ({group_by})(rate({metric_name}{{code=~"5..",{labels}}}[{window}]))
/
  sum by ({group_by})(rate({metric_name}{{{labels}}}[{window}]))
'''
window   = "5m"

[[presets.error_ratio.tests]]
name     = "every second request fails"
series   = { 'http_requests_total{job="api",code="500"}' = "0+30x20", 'http_requests_total{job="api",code="200"}' = "0+30x20" }
labels   = { job = "api" }
group_by = ["job"]
at       = "10m"
expect   = { '{job="api"}' = 0.5 }

[[presets.error_ratio.tests]]
name   = "no requests"
series = { 'http_requests_total{job="api",code="500"}' = "0x20", 'http_requests_total{code="200"}' = "_ 1+0x9 stale" }
at     = "10m"
window = "3m"
expect = { '{}' = nan }

[presets.above]
template   = 'max by ({group_by})({metric_name}{{{labels}}}) > {limit}'
parameters = { limit = { type = "number", default = 100 } }
allow      = [{ check = "raw-counter", reason = "a test" }]

[[presets.above.tests]]
name       = "a third"
series     = { 'http_requests_total{job="a"}' = "0.333333x10", 'http_requests_total{job="b"}' = "0.2x10" }
parameters = { limit = 0.25 }
group_by   = ["job"]
interval   = "30s"
at         = "5m"
expect     = { '{job="a"}' = 0.3333331 }
"#;

/// Runs `promql-presets test` with a `promtool`; `None` if the machine has none.
fn test(folder: &Folder, arguments: &[&str], release: Option<Release>) -> Option<Output> {
    let found = release.map_or_else(|| Tool::Promtool.find(), |release| release.find(Tool::Promtool)).unwrap();
    assert!(found.is_some() || release.is_some() || !servers_required(), "`promtool` is missing");
    let mut command = Command::new(env!("CARGO_BIN_EXE_promql-presets"));
    command.arg("test").args(arguments).current_dir(&folder.0).env(Tool::Promtool.variable(), found?);
    Some(command.output().unwrap())
}

fn out(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn err(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

#[test]
fn tests_pass_on_all_versions() {
    let folder = Folder::new("test-pass", &[("presets/http.toml", TESTED)]);
    for release in [None, Some(Release::Oldest), Some(Release::Newest)] {
        let Some(output) = test(&folder, &[], release) else { continue };
        assert_eq!((out(&output), err(&output)), ("", "3 tests: 3 passed, 0 failed\n"), "{release:?}");
        assert_eq!(output.status.code(), Some(0));
    }
}

#[test]
fn the_built_in_catalogue_passes() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../presets");
    let folder = Folder::new("test-catalogue", &[("readme", "")]);
    let Some(output) = test(&folder, &["--format", "json", root], None) else { return };
    assert_eq!(output.status.code(), Some(0), "{}{}", out(&output), err(&output));
    let tested: Vec<Value> = lines(out(&output)).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let tested: Vec<&str> = tested.iter().map(|test| test["preset"].as_str().unwrap()).collect();
    let list = crate::run(&["list", "--format", "json", root]).out;
    for preset in lines(&list) {
        let preset: Value = serde_json::from_str(preset).unwrap();
        let template = preset["template"].as_str().unwrap();
        let computes = ["rate(", "increase(", "quantile(", "/"].iter().any(|part| template.contains(part));
        let name = preset["preset"].as_str().unwrap();
        assert!(!computes || tested.contains(&name), "`{name}` has no test");
    }
}

#[test]
fn failures_point_to_what_was_expected() {
    let wrong = TESTED
        .replace("= 0.5 }", "= 0.25, '{job=\"b\"}' = 1 }")
        .replace("{ '{}' = nan }", "{}")
        .replace("\"0x20\"", "\"0+60x20\"");
    let folder = Folder::new("test-fail", &[("presets/http.toml", &wrong)]);
    let Some(output) = test(&folder, &["--junit", "report.xml"], None) else { return };
    assert_eq!(output.status.code(), Some(1));
    let expected = r#"error: test of http::error_ratio failed: every second request fails
  --> presets/http.toml:23:14
   |
23 | expect   = { '{job="api"}' = 0.25, '{job="b"}' = 1 }
   |              ^^^^^^^^^^^^^^^^^^^^  --------------- received no sample
   |              |
   |              received 0.5
   |
   = note: query:
               sum by (job)(rate(http_requests_total{code=~"5..",job="api"}[5m]))
             /
               sum by (job)(rate(http_requests_total{job="api"}[5m]))

error: test of http::error_ratio failed: no requests
  --> presets/http.toml:30:1
   |
30 | expect = {}
   | ^^^^^^ also received {} 1
"#;
    assert!(out(&output).starts_with(expected), "{}", out(&output));
    assert_eq!(err(&output), "3 tests: 1 passed, 2 failed\n");

    let report = fs::read_to_string(folder.0.join("report.xml")).unwrap();
    for part in [
        "<testsuite name=\"promql-presets\" tests=\"3\" failures=\"2\" errors=\"0\">",
        "<testcase classname=\"http::above\" name=\"a third\" file=\"presets/http.toml\"/>",
        "<failure message=\"presets/http.toml:23:14: {job=&quot;api&quot;} expected 0.25, received 0.5\">",
    ] {
        assert!(report.contains(part), "{part}\n{report}");
    }

    let output = test(&folder, &["--format", "json"], None).unwrap();
    let tests: Vec<Value> = lines(out(&output)).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        tests[1],
        json!({
            "preset": "http::error_ratio", "test": "no requests", "file": "presets/http.toml", "line": 26, "column": 10,
            "end_line": 26, "end_column": 23, "passed": false, "error": null,
            "differences": [{"labels": "{}", "expected": null, "received": "1", "line": 30, "column": 1, "end_line": 30,
                "end_column": 7}],
        })
    );
}

#[test]
fn presets_are_chosen_by_name() {
    let bad = "[presets.bad]\ntemplate = 'up{'\n";
    let folder = Folder::new("test-names", &[("presets/a/http.toml", TESTED), ("presets/b.toml", bad)]);
    for (arguments, expected) in [
        (&["a::http::above"][..], "1 test: 1 passed, 0 failed\n"),
        (&["a::http::above", "a::http::error_ratio"], "3 tests: 3 passed, 0 failed\n"),
        (&["a"], "3 tests: 3 passed, 0 failed\n"),
        (&["a::http::above", "presets/a/http.toml"], "1 test: 1 passed, 0 failed\n"),
    ] {
        let Some(output) = test(&folder, arguments, None) else { return };
        assert_eq!((output.status.code(), err(&output)), (Some(0), expected), "{arguments:?}");
    }
    let bad = test(&folder, &["b::bad"], None).unwrap();
    assert!(bad.status.code() == Some(1) && err(&bad).starts_with("error[lone-brace]"), "{}", err(&bad));
    for (argument, message) in [
        (
            "a::http::abov",
            "error: no preset `a::http::abov`\n  |\n  = help: a preset with a similar name exists: `a::http::above`\n",
        ),
        ("a::htt", "error: no preset `a::htt`\n"),
        ("presets/c.toml", "error: cannot read `presets/c.toml`: "),
    ] {
        let output = test(&folder, &[argument], None).unwrap();
        assert!(output.status.code() == Some(2) && err(&output).starts_with(message), "{}", err(&output));
    }
}

#[test]
fn queries_that_cannot_run_are_failures() {
    let text = "[presets.join]\ntemplate = 'a{{{labels}}} + on () b{{{labels}}}'\n\
                [[presets.join.tests]]\nname = \"twice\"\nat = \"1m\"\nexpect = {}\n\
                series = { 'a{x=\"1\"}' = \"1x5\", 'b{x=\"1\"}' = \"1x5\", 'b{x=\"2\"}' = \"1x5\" }\n";
    let folder = Folder::new("test-error", &[("presets/join.toml", text)]);
    let Some(output) = test(&folder, &[], None) else { return };
    assert_eq!(output.status.code(), Some(1), "{}{}", out(&output), err(&output));
    assert!(
        out(&output).contains(
            "4 | name = \"twice\"\n  |        ^^^^^^^ the query fails\n  |\n  = note: found duplicate series for the match group"
        ),
        "{}",
        out(&output)
    );
}

#[test]
fn what_is_missing_is_named() {
    let folder = Folder::new("test-missing", &[("presets/http.toml", TESTED), ("none/http.toml", crate::GOOD)]);
    let run = |arguments: &[&str], variable: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_promql-presets"));
        command.arg("test").args(arguments).current_dir(&folder.0);
        command.env("PATH", "/nowhere").env(Tool::Promtool.variable(), variable).output().unwrap()
    };
    let missing = run(&[], "");
    let message = "error: cannot find `promtool`, the tool of Prometheus that runs the tests\n  |\n  = help: install the \
                   package `promtool` of Debian";
    assert!(missing.status.code() == Some(2) && err(&missing).starts_with(message), "{}", err(&missing));
    assert!(err(&run(&[], "/nowhere/promtool")).contains("`PROMQL_PRESETS_PROMTOOL` names `/nowhere/promtool`"));
    let none = run(&["none"], "");
    assert_eq!(
        (none.status.code(), err(&none)),
        (Some(0), "no tests; write them as `[[presets.NAME.tests]]` below a preset\n")
    );
}

#[test]
fn errors_of_presets_are_in_all_reports() {
    let bad = "[presets.good]\ntemplate = 'up{{{labels}}}'\n[[presets.good.tests]]\nname = \"up\"\nat = \"1m\"\n\
               series = { up = \"1x5\" }\nexpect = { 'up' = 1 }\n[presets.bad]\ntemplate = 'rate(up{{{labels}}})'\n";
    let folder = Folder::new("test-errors", &[("presets/a/up.toml", bad), ("presets/b.toml", "[presets\n")]);
    let Some(output) = test(&folder, &["--junit", "report.xml"], None) else { return };
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).starts_with("error[type-mismatch]: "), "{}", err(&output));
    assert!(err(&output).ends_with("\n1 test: 1 passed, 0 failed\n"), "{}", err(&output));
    let report = folder.read("report.xml");
    for part in [
        "<testsuite name=\"promql-presets\" tests=\"3\" failures=\"0\" errors=\"2\">",
        "<testcase classname=\"a::up::good\" name=\"up\" file=\"presets/a/up.toml\"/>",
        "<testcase classname=\"a::up::bad\" name=\"type-mismatch\" file=\"presets/a/up.toml\">\n      <error message=\"presets/a/up.toml:9:18: error: `rate` takes a range vector",
        "<testcase classname=\"presets/b.toml\" name=\"invalid-toml\" file=\"presets/b.toml\">",
    ] {
        assert!(report.contains(part), "{part}\n{report}");
    }
    let output = test(&folder, &["--format", "json"], None).unwrap();
    let tests: Vec<Value> = lines(out(&output)).iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(tests.len(), 3);
    assert_eq!(
        tests[1],
        json!({
            "preset": "a::up::bad", "test": null, "file": "presets/a/up.toml", "line": 9, "column": 18, "end_line": 9,
            "end_column": 32, "passed": false, "error": "`rate` takes a range vector", "differences": [],
        })
    );
    assert_eq!((&tests[2]["preset"], &tests[2]["file"]), (&Value::Null, &json!("presets/b.toml")));
}
