//! Completion.
#![expect(clippy::panic, reason = "a test")]

use serde_json::Value;

use super::{Client, HTTP, edited, folder};

/// The items at the first `|` of a file.
fn complete(client: &mut Client, file: &str, text: &str) -> Vec<Value> {
    let list = client.at("textDocument/completion", file, text);
    list["items"].as_array().unwrap().clone()
}

fn labels(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["label"].as_str().unwrap()).collect()
}

/// A file whose template is `template`.
fn of(template: &str) -> String {
    let before = HTTP.split("[presets.").next().unwrap();
    format!("{before}[presets.p]\ntemplate = '{template}\nwindow = \"5m\"\n")
}

#[test]
fn keys_that_are_missing_with_their_meaning() {
    let folder = folder("lsp-keys");
    let mut client = Client::start(&folder.0);
    let keys = complete(&mut client, "presets/a.toml", "[presets.a]\ntemplate = 'up'\n|\n");
    assert!(labels(&keys).contains(&"window") && !labels(&keys).contains(&"template"), "{keys:?}");
    let window = keys.iter().find(|key| key["label"] == "window").unwrap();
    assert_eq!(window["textEdit"]["newText"], "window = ");
    assert!(window["documentation"]["value"].as_str().unwrap().contains("default of `{window}`"));
    for (text, expected) in [
        ("|", "presets"),
        ("[met|", "metric"),
        ("[metric]\nty|", "type"),
        ("[labels]\na = { re|", "required"),
        ("[labels]\na = { required = t|", "true"),
        ("[metric]\ntype = |", "native_histogram"),
        ("[metric]\ntype = \"c|\"", "counter"),
        ("[metric]\nname = \"|\"", "http_request_duration_seconds"),
        ("[presets.a]\nallow = [{ check = \"raw|", "raw-counter"),
        ("[presets.a]\nparameters = { x = { |", "default"),
        ("[[presets.a.tests]]\n|", "expect"),
        ("features = [\"|\"]", "promql-experimental-functions"),
    ] {
        let items = complete(&mut client, "presets/a.toml", text);
        assert!(labels(&items).contains(&expected), "{text}: {:?}", labels(&items));
    }
    // Only tables have a header of their own.
    for (header, expected) in [
        ("[|", &["labels", "metric", "presets"][..]),
        ("[presets.a.|", &["parameters"]),
        ("[[presets.a.|", &["allow", "parameters", "tests"]),
    ] {
        let items = complete(&mut client, "presets/a.toml", header);
        let mut shown = labels(&items);
        shown.sort_unstable();
        assert_eq!(shown, expected, "{header}");
    }
    for (file, text, expected) in [
        ("promql.toml", "[checks]\nraw|", "raw-counter"),
        ("promql.toml", "[checks]\nraw-counter = \"|\"", "off"),
        ("promql.toml", "[policy]\nrequire = [\"|\"]", "description"),
        ("metrics.toml", "[up]\n|", "help"),
        ("metrics.toml", "[up]\ntype = |", "gauge"),
    ] {
        let items = complete(&mut client, file, text);
        assert!(labels(&items).contains(&expected), "{text}: {:?}", labels(&items));
    }
}

#[test]
fn everything_of_templates() {
    let folder = folder("lsp-templates");
    let mut client = Client::start(&folder.0);
    for (template, expected, not) in [
        (
            "ra|",
            &["rate", "sum", "http_request_duration_seconds_bucket", "build_info", "unless", "metric_name"][..],
            "job",
        ),
        ("sum(rate({|", &["metric_name", "labels", "group_by", "window"], "rate"),
        ("{metric_name}_bucket{{|", &["job", "code", "method", "le", "labels"], "version"),
        ("{metric_name}_bucket{{|}}'", &["job", "method"], "version"),
        ("build_info{{|", &["version", "instance"], "job"),
        ("{metric_name}_bucket{{code=\"|", &["200", "500"], "get"),
        ("{metric_name}_bucket{{{labels},method=~\"|\"}}'", &["get", "post"], "200"),
        ("sum by (|", &["job", "method", "group_by"], "rate"),
        ("rate(x[|", &["5m", "window"], "rate"),
    ] {
        let items = complete(&mut client, "presets/http.toml", &of(template));
        for wanted in expected {
            assert!(labels(&items).contains(wanted), "{template}: no {wanted} in {:?}", labels(&items));
        }
        assert!(!labels(&items).contains(&not), "{template}: {not}");
    }
    let none = complete(&mut client, "presets/http.toml", &of("label_replace(up, \"|"));
    assert_eq!(none, [] as [Value; 0]);

    let items = complete(&mut client, "presets/http.toml", &of("ra|"));
    let rate = items.iter().find(|item| item["label"] == "rate").unwrap();
    assert_eq!((rate["detail"].as_str(), rate["kind"].as_u64()), (Some("rate(matrix) : vector"), Some(3)));
    let metric = items.iter().find(|item| item["label"] == "http_request_duration_seconds_sum").unwrap();
    assert!(metric["documentation"]["value"].as_str().unwrap().contains("Time to a response."));
}

#[test]
fn items_replace_what_was_typed() {
    let folder = folder("lsp-replace");
    let mut client = Client::start(&folder.0);
    let mut chosen = |text: &str, label: &str| {
        let items = complete(&mut client, "presets/http.toml", text);
        let item = items.iter().find(|item| item["label"] == label).unwrap_or_else(|| panic!("no {label}"));
        edited(&text.replacen('|', "", 1), &serde_json::json!([item["textEdit"]]))
    };
    let template = |text: &str| text.lines().find(|line| line.starts_with("template")).unwrap().to_owned();
    assert_eq!(template(&chosen(&of("sum(ra|"), "rate")), "template = 'sum(rate");
    assert_eq!(template(&chosen(&of("x[{wi|"), "window")), "template = 'x[{window}");
    assert_eq!(template(&chosen(&of("x[{wi|}]'"), "window")), "template = 'x[{window}]'");
    assert_eq!(template(&chosen(&of("\u{1F600}x{{me|}}'"), "method")), "template = '\u{1F600}x{{method=\"}}'");
    assert!(chosen("[metric]\ntype = \"c|\"", "counter").ends_with("type = \"counter\""));
    assert!(chosen("[metric]\ntype = c|\n", "counter").ends_with("type = \"counter\"\n"));
    assert!(chosen("[presets.a]\nwi| = \"5m\"", "window").ends_with("window = \"5m\""));
    // In a string with double quotes, those of PromQL are escaped.
    let text = "[presets.a]\ntemplate = \"x{{me|}}\"\n[labels]\nmethod = 'string'\n";
    assert_eq!(template(&chosen(text, "method")), "template = \"x{{method=\\\"}}\"");
    assert_eq!(client.at("textDocument/completion", "unknown.toml", "|"), Value::Null);
}
