//! Diagnostics over unsaved text, and quick fixes.

use std::fs;

use serde_json::{Value, json};

use super::{Client, edited, position};
use crate::{Folder, GOOD};

/// A wrong query after characters of two and of four bytes.
const WRONG: &str = "[presets.up]\ntemplate = 'sum by ({group_by})({{\"ü😀\",{labels}}}[{windw}])'\nwindow = \"5m\"\n";

/// The quick fixes of a range.
fn fixes(client: &mut Client, file: &str, range: &Value, diagnostics: &Value) -> Value {
    let document = json!({ "uri": client.uri(file) });
    let context = json!({ "diagnostics": diagnostics });
    client.request("textDocument/codeAction", json!({ "textDocument": document, "range": range, "context": context }))
}

#[test]
fn unsaved_text_is_checked_and_fixed() {
    let folder = Folder::new("lsp-unsaved", &[("presets/up.toml", GOOD)]);
    let mut client = Client::start(&folder.0);
    client.open("presets/up.toml", WRONG);
    let diagnostics = client.diagnostics("presets/up.toml");
    let first = &diagnostics[0];
    assert_eq!(first["code"], "unknown-placeholder");
    assert_eq!(first["range"]["start"], position(&WRONG.replace("windw", "|windw")));
    assert_eq!(first["range"]["end"], position(&WRONG.replace("windw", "windw|")));
    assert_eq!((&first["severity"], &first["source"]), (&json!(1), &json!("promql-presets")));
    let message = first["message"].as_str().unwrap();
    assert!(message.starts_with("unknown placeholder `windw`\n"), "{message}");

    let actions = fixes(&mut client, "presets/up.toml", &first["range"], &diagnostics);
    assert_eq!(actions[0]["kind"], "quickfix");
    assert_eq!(actions[0]["diagnostics"][0], *first);
    let fixed = edited(WRONG, &actions[0]["edit"]["changes"][client.uri("presets/up.toml")]);
    assert!(fixed.contains("[{window}]"), "{fixed}");
    client.write("presets/up.toml", &fixed);
    // The next mistake was hidden behind the first one.
    let diagnostics = client.diagnostics("presets/up.toml");
    assert_eq!(diagnostics[0]["code"], "type-mismatch");
    client.write("presets/up.toml", &fixed.replace("[{window}]", "").replace("window = \"5m\"\n", ""));
    assert_eq!(client.diagnostics("presets/up.toml"), json!([]));
    client.assert_silent();
    assert_eq!(client.stop(), 0);
}

#[test]
fn changes_of_ranges_are_applied_in_order() {
    let folder = Folder::new("lsp-ranges", &[("presets/a.toml", "")]);
    let mut client = Client::start(&folder.0);
    let text = "[presets.a]\n# 😀\ntemplate = 'up{{{labels}}}'\n";
    client.open("presets/a.toml", text);
    let insert = |before: &str, text: &str| {
        let at = position(before);
        json!({ "range": { "start": at, "end": at }, "text": text })
    };
    let first = insert("[presets.a]\n# 😀|", "ü");
    let second = insert("[presets.a]\n# 😀ü\ntemplate = '|", "nope(");
    client.change("presets/a.toml", json!([first, second]));
    let diagnostics = client.diagnostics("presets/a.toml");
    assert_eq!(diagnostics[0]["code"], "syntax");
    // Beyond the end of a line and of the text.
    let all = json!({ "start": { "line": 1, "character": 99 }, "end": { "line": 99, "character": 0 } });
    client.change("presets/a.toml", json!([{ "range": all, "text": "\ntemplate = 'up{{{labels}}}'" }]));
    assert_eq!(client.diagnostics("presets/a.toml"), json!([]));
}

#[test]
fn files_that_are_not_open_are_checked_too() {
    let metrics = "[http_requests_total]\ntype = \"counter\"\nlabels = [\"job\"]\n";
    let files = [
        ("metrics.toml", metrics),
        ("presets/a.toml", "[presets.a]\ntemplate = 'sum by (job) (rate(http_requests_total{{{labels}}}[5m]))'\n"),
        ("presets/b/b.toml", "[presets.b]\ntemplate = 'sum by (team) (rate(http_requests_total{{{labels}}}[5m]))'\n"),
        ("Cargo.toml", "[package]\nname = 1\n"),
    ];
    let folder = Folder::new("lsp-closed", &files);
    let mut client = Client::start(&folder.0);
    client.open("presets/a.toml", files[1].1);
    let found = client.diagnostics("presets/b/b.toml");
    assert_eq!(found[0]["code"], "undeclared-label");
    let related = &found[0]["relatedInformation"];
    assert!(related.as_array().is_none_or(|related| related.iter().all(|it| it["location"]["uri"].is_string())));
    // Other TOML files are none of its business.
    client.open("Cargo.toml", files[3].1);
    client.open("metrics.toml", metrics);
    client.assert_silent();
    client.write("metrics.toml", &metrics.replace("\"job\"", "\"job\", \"team\""));
    assert_eq!(client.diagnostics("presets/b/b.toml"), json!([]));
    client.write("metrics.toml", &metrics.replace("\"counter\"", "\"meter\""));
    assert_eq!(client.codes("metrics.toml"), ["invalid-value"]);
    // Without the editor's text, that on the disk counts.
    client.close("metrics.toml");
    assert_eq!(client.codes("metrics.toml"), [""; 0]);
    assert_eq!(client.codes("presets/b/b.toml"), ["undeclared-label"]);

    fs::write(folder.0.join("presets/b/b.toml"), files[1].1).unwrap();
    fs::write(folder.0.join("presets/c.toml"), "[presets.c]\n").unwrap();
    fs::write(folder.0.join("promql.toml"), "[target]\nprometheus = \"9.1\"\n").unwrap();
    let changes: Vec<Value> = ["presets/b/b.toml", "presets/c.toml", "promql.toml"]
        .iter()
        .map(|file| json!({ "uri": client.uri(file), "type": 2 }))
        .collect();
    client.notify("workspace/didChangeWatchedFiles", json!({ "changes": changes }));
    assert_eq!(client.codes("presets/b/b.toml"), [""; 0]);
    assert_eq!(client.codes("presets/c.toml"), ["missing-key"]);
    assert_eq!(client.codes("promql.toml"), ["invalid-value"]);
    fs::remove_file(folder.0.join("presets/c.toml")).unwrap();
    let change = json!({ "uri": client.uri("presets/c.toml"), "type": 3 });
    client.notify("workspace/didChangeWatchedFiles", json!({ "changes": [change] }));
    assert_eq!(client.codes("presets/c.toml"), [""; 0]);
    // With the last document, the registry is closed.
    client.close("presets/a.toml");
    assert_eq!(client.codes("promql.toml"), [""; 0]);
    client.open("presets/a.toml", "");
    assert_eq!(client.codes("presets/a.toml"), ["missing-key"]);
}

#[test]
fn a_file_outside_of_a_folder_of_presets_is_checked_if_it_looks_like_one() {
    let folder = Folder::new("lsp-alone", &[("other.toml", "[presets.a]\n")]);
    let mut client = Client::start(&folder.0);
    client.open("one.toml", "");
    client.assert_silent();
    client.write("one.toml", "[presets.a]\ntemplate = 'up('\n");
    assert_eq!(client.codes("one.toml"), ["syntax"]);
    client.close("one.toml");
    assert_eq!(client.codes("one.toml"), [""; 0]);
}

#[test]
fn what_the_server_does_not_know_is_an_error_or_null() {
    let folder = Folder::new("lsp-unknown", &[]);
    let mut client = Client::start(&folder.0);
    assert_eq!(client.call("textDocument/dance", json!({}))["error"]["code"], -32601);
    assert_eq!(client.call("textDocument/codeAction", json!({ "textDocument": 1 }))["error"]["code"], -32602);
    let range = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 0, "character": 0 } });
    assert_eq!(fixes(&mut client, "not/open.toml", &range, &json!([])), Value::Null);
    client.notify("textDocument/didOpen", json!({ "textDocument": 1 }));
    client.notify("$/unknown", json!({}));
    client.open("presets/missing/x.toml", "[presets.a]\ntemplate = 'up('\n");
    assert_eq!(client.codes("presets/missing/x.toml"), ["syntax"]);
    assert_eq!(client.stop(), 0);
}

#[test]
fn templates_are_formatted() {
    let text = "[presets.a]\n# 😀\ntemplate = 'sum( up{{{labels}}} ) by ({group_by})'\n";
    let folder = Folder::new("lsp-format", &[("metrics.toml", "")]);
    fs::create_dir(folder.0.join("presets")).unwrap();
    let mut client = Client::start(&folder.0);
    let mut format = |file: &str, text: &str| {
        client.open(file, text);
        let document = json!({ "uri": client.uri(file) });
        let options = json!({ "tabSize": 8, "insertSpaces": false });
        client.request("textDocument/formatting", json!({ "textDocument": document, "options": options }))
    };
    let edits = format("presets/a.toml", text);
    let formatted = "[presets.a]\n# 😀\ntemplate = 'sum by ({group_by}) (up{{{labels}}})'\n";
    assert_eq!(edited(text, &edits), formatted);
    assert_eq!(format("presets/b.toml", formatted), json!([]));
    assert_eq!(format("presets/c.toml", "[presets.a]\ntemplate = 'sum( up'\n"), Value::Null);
    assert_eq!(format("metrics.toml", ""), Value::Null);
}

#[test]
fn helps_are_titles_of_fixes() {
    let text = "[metric]\nname = \"temperature\"\ntype = \"gauge\"\n[presets.p]\n\
                template = 'sum by ({group_by})(rate({metric_name}{{{labels}}}[5m]))'\n";
    let folder = Folder::new("lsp-helps", &[("presets/t.toml", "")]);
    let mut client = Client::start(&folder.0);
    client.open("presets/t.toml", text);
    let diagnostics = client.diagnostics("presets/t.toml");
    assert_eq!(diagnostics[0]["code"], "rate-on-gauge");
    let actions = fixes(&mut client, "presets/t.toml", &diagnostics[0]["range"], &diagnostics);
    assert_eq!(actions[0]["title"], "write `deriv({metric_name}{{{labels}}}[5m])`");
    let fixed = edited(text, &actions[0]["edit"]["changes"][client.uri("presets/t.toml")]);
    client.write("presets/t.toml", &fixed);
    assert_eq!(client.diagnostics("presets/t.toml"), json!([]));
    // Nothing is wrong elsewhere in the file, and other kinds of actions are not offered.
    let start = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 0, "character": 0 } });
    assert_eq!(fixes(&mut client, "presets/t.toml", &start, &json!([])), json!([]));
}

#[test]
fn helps_of_all_kinds_become_fixes() {
    let metric = "[metric]\nname = \"x_total\"\ntype = \"counter\"\n[labels]\nmethod = \"string\"\n[presets.p]\n";
    let folder = Folder::new("lsp-kinds", &[("presets/a.toml", "")]);
    let mut client = Client::start(&folder.0);
    let template = |query: &str| format!("{metric}template = '{query}'\n");
    let rate = template("rate({metric_name}{{{labels}}}[{window}])") + "window = \"5m\"\n";
    for (text, code, fixed) in [
        (template("{metric_name}{{{labels}}}"), "raw-counter", rate.clone()),
        (template("rate({metric_name}{{{labels}}})"), "type-mismatch", rate.clone()),
        (template("rate({metric_name}{{{labels}}}[{window}])"), "missing-window", rate),
        (
            template("rtae({metric_name}{{{labels}}}[5m])"),
            "unknown-function",
            template("rate({metric_name}{{{labels}}}[5m])"),
        ),
        (
            template("sum by (methd)(rate({metric_name}{{{labels}}}[5m]))"),
            "undeclared-label",
            template("sum by (method)(rate({metric_name}{{{labels}}}[5m]))"),
        ),
        (
            template("rate({metric_name}{{method=\"a.*\",{labels}}}[5m])"),
            "equality-looks-like-regex",
            template("rate({metric_name}{{method=~\"a.*\",{labels}}}[5m])"),
        ),
        (
            metric.replace("counter", "countr") + "template = 'rate({metric_name}{{{labels}}}[5m])'\n",
            "invalid-value",
            template("rate({metric_name}{{{labels}}}[5m])"),
        ),
        (
            template("rate({metric_name}{{{labels}}}[5m])").replace("template", "templte"),
            "unknown-key",
            template("rate({metric_name}{{{labels}}}[5m])"),
        ),
        (
            template("rate({metric_name}{{{labels}}}[5m])") + "allow = [{ check = \"raw-counter\", reason = \"x\" }]\n",
            "unused-allow",
            template("rate({metric_name}{{{labels}}}[5m])"),
        ),
        (
            template("mad_over_time({metric_name}{{{labels}}}[5m])"),
            "experimental-feature",
            format!(
                "features = [\"promql-experimental-functions\"]\n{}",
                template("mad_over_time({metric_name}{{{labels}}}[5m])")
            ),
        ),
    ] {
        client.open("presets/a.toml", &text);
        let diagnostics = client.diagnostics("presets/a.toml");
        assert_eq!(diagnostics[0]["code"], code, "{diagnostics}");
        let actions = fixes(&mut client, "presets/a.toml", &diagnostics[0]["range"], &diagnostics);
        let applied = edited(&text, &actions[0]["edit"]["changes"][client.uri("presets/a.toml")]);
        assert_eq!(applied, fixed, "{actions}");
        client.close("presets/a.toml");
        client.diagnostics("presets/a.toml");
    }
}

#[test]
fn findings_can_be_allowed() {
    let text = "[presets.p]\ntemplate = 'up{{{labels}}} / up{{{labels}}}'\nunit = 'x'\n";
    let folder = Folder::new("lsp-allow", &[("presets/a.toml", "")]);
    let mut client = Client::start(&folder.0);
    client.open("presets/a.toml", text);
    let diagnostics = client.diagnostics("presets/a.toml");
    assert_eq!(diagnostics[0]["code"], "identical-operands");
    let actions = fixes(&mut client, "presets/a.toml", &diagnostics[0]["range"], &diagnostics);
    let allow =
        actions.as_array().unwrap().iter().find(|it| it["title"] == "allow `identical-operands` in `p`").unwrap();
    let allowed = edited(text, &allow["edit"]["changes"][client.uri("presets/a.toml")]);
    let line = "allow = [{ check = \"identical-operands\", reason = \"...\" }]\n";
    assert_eq!(allowed, text.replace("unit", &format!("{line}unit")));
    client.write("presets/a.toml", &allowed);
    // What is left is to write the reason.
    let left = client.diagnostics("presets/a.toml");
    assert!(left.as_array().unwrap().len() == 1 && left[0]["code"] == "missing-key", "{left}");
    client.write("presets/a.toml", &allowed.replace("...", "always 1 on purpose"));
    assert_eq!(client.diagnostics("presets/a.toml"), json!([]));
}
