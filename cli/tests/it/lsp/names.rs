//! Declarations, and renaming.
#![expect(clippy::panic, reason = "a test")]

use serde_json::{Value, json};

use super::{Client, HTTP, METRICS, edited, folder, position};

/// The text with the cursor at a place that is marked in a part of it.
fn marked(text: &str, place: &str) -> String {
    let plain = place.replacen('|', "", 1);
    assert!(text.contains(&plain), "{plain}");
    text.replacen(&plain, place, 1)
}

#[test]
fn declarations_in_this_and_in_other_files() {
    let folder = folder("lsp-declarations");
    let mut client = Client::start(&folder.0);
    let other = "[presets.b]\ntemplate = 'rate({{\"http_request_duration_seconds_sum\",job=\"a\",{labels}}}[5m]) / on (version) build_info{{{labels}}}'\n";
    let metrics = "metrics.toml";
    let http = "presets/http.toml";
    for (file, text, place, declared) in [
        (http, HTTP, "me|thod!=", &[(http, HTTP, "[labels]\n|method")][..]),
        (http, HTTP, "le, me|thod", &[(http, HTTP, "[labels]\n|method")]),
        (http, HTTP, "\"me|thod\", \"(", &[(http, HTTP, "[labels]\n|method")]),
        (http, HTTP, "{labe|ls}", &[(http, HTTP, "[|labels]")]),
        (http, HTTP, "{win|dow}", &[(http, HTTP, "|window     =")]),
        (http, HTTP, "{quan|tile}", &[(http, HTTP, "{ |quantile = {")]),
        (http, HTTP, "{metric|_name}_bucket", &[(http, HTTP, "|name = \"http")]),
        (http, HTTP, "group_by = [\"me|thod", &[(http, HTTP, "[labels]\n|method")]),
        (
            "presets/b.toml",
            other,
            "duration|_seconds_sum",
            &[(metrics, METRICS, "[|http_request"), (http, HTTP, "name = |\"http")],
        ),
        ("presets/b.toml", other, "jo|b=", &[(metrics, METRICS, "\"code\", |\"job\"")]),
        ("presets/b.toml", other, "build|_info", &[(metrics, METRICS, "[|build_info")]),
        ("presets/b.toml", other, "(ver|sion)", &[(metrics, METRICS, "|\"version\"")]),
    ] {
        let found = client.at("textDocument/definition", file, &marked(text, place));
        let starts: Vec<Value> = found
            .as_array()
            .unwrap_or_else(|| panic!("{place}: {found}"))
            .iter()
            .map(|it| json!([it["uri"], it["range"]["start"]]))
            .collect();
        let expected: Vec<Value> = declared
            .iter()
            .map(|(file, text, place)| json!([client.uri(file), position(&marked(text, place))]))
            .collect();
        assert_eq!(starts, expected, "{place}");
    }
    assert_eq!(client.at("textDocument/definition", http, &marked(HTTP, "{group|_by}")), Value::Null);
}

#[test]
fn references_in_this_and_in_other_files() {
    let folder = folder("lsp-references");
    let other = "[presets.c]\ntemplate = 'sum by (method) (http_request_duration_seconds_sum{{{labels}}})'\n";
    std::fs::write(folder.0.join("presets/c.toml"), other).unwrap();
    let mut client = Client::start(&folder.0);
    let http = "presets/http.toml";
    let mut references = |file: &str, text: &str, place: &str, declaration: bool| -> Vec<String> {
        let text = marked(text, place);
        let context = json!({ "context": { "includeDeclaration": declaration } });
        let found = client.at_with("textDocument/references", file, &text, context);
        let line = |it: &Value| {
            let (_, name) = it["uri"].as_str().unwrap().rsplit_once('/').unwrap();
            format!("{name}:{}", it["range"]["start"]["line"].as_u64().unwrap() + 1)
        };
        let mut lines: Vec<String> = found.as_array().unwrap().iter().map(line).collect();
        lines.sort();
        lines
    };
    let used =
        ["c.toml:2", "http.toml:13", "http.toml:13", "http.toml:20", "http.toml:21", "http.toml:22", "http.toml:27"];
    assert_eq!(references(http, HTTP, "me|thod!=", false), used);
    assert!(references(http, HTTP, "me|thod!=", true).contains(&"http.toml:8".to_owned()));
    // Each series of a histogram is one of its metric.
    let series = references("presets/c.toml", other, "duration|_seconds_sum", true);
    assert_eq!(series, ["c.toml:2", "http.toml:22", "http.toml:27", "http.toml:4", "metrics.toml:5"]);
    assert_eq!(references(http, HTTP, "presets.lat|ency]", true), ["http.toml:11", "http.toml:18"]);
}

/// Renames what stands at a place of `HTTP`.
fn rename(client: &mut Client, place: &str, new: &str) -> Result<String, String> {
    let text = marked(HTTP, place);
    client.open("presets/http.toml", HTTP);
    let params = json!({
        "textDocument": { "uri": client.uri("presets/http.toml") }, "position": position(&text), "newName": new,
    });
    let response = client.call("textDocument/rename", params);
    if let Some(message) = response["error"]["message"].as_str() {
        return Err(message.to_owned());
    }
    Ok(edited(HTTP, &response["result"]["changes"][client.uri("presets/http.toml")]))
}

#[test]
fn labels_presets_and_parameters_are_renamed_everywhere() {
    let folder = folder("lsp-rename");
    let mut client = Client::start(&folder.0);
    let renamed = rename(&mut client, "me|thod!=", "verb").unwrap();
    assert_eq!(renamed, HTTP.replace("method", "verb").replace("The HTTP verb", "The HTTP method"));
    let renamed = rename(&mut client, "[presets.la|tency]\ntitle", "slowness").unwrap();
    assert_eq!(renamed, HTTP.replace("latency", "slowness"));
    let renamed = rename(&mut client, "{quan|tile}", "q").unwrap();
    assert_eq!(renamed, HTTP.replace("{quantile}", "{q}").replace("{ quantile =", "{ q ="));

    for (place, new, why) in [
        ("me|thod!=", "code", "`code` exists already"),
        ("me|thod!=", "a b", "not a valid name"),
        ("{quan|tile}", "labels", "not a valid name"),
        ("(l|e, method", "x", "`le` is not declared in `[labels]`"),
        ("{metric|_name}", "x", "only labels, presets and parameters"),
    ] {
        let refused = rename(&mut client, place, new).unwrap_err();
        assert!(refused.contains(why), "{place}: {refused}");
    }
    let prepared = client.at("textDocument/prepareRename", "presets/http.toml", &marked(HTTP, "me|thod!="));
    assert_eq!(prepared["placeholder"], "method");
    assert_eq!(prepared["range"]["start"], position(&marked(HTTP, "|method!=")));
    assert_eq!(
        client.at("textDocument/prepareRename", "presets/http.toml", &marked(HTTP, "(l|e, method")),
        Value::Null
    );
    // In a file with errors, some places would be missed.
    let broken = HTTP.replace("sum(label", "sum((label");
    client.at("textDocument/hover", "presets/http.toml", &format!("|{broken}"));
    let at = position(&marked(&broken, "me|thod!="));
    let document = json!({ "uri": client.uri("presets/http.toml") });
    let response =
        client.call("textDocument/rename", json!({ "textDocument": document, "position": at, "newName": "x" }));
    assert!(response["error"]["message"].as_str().unwrap().contains("errors"), "{response}");
}
