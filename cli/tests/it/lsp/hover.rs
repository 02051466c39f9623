//! Hovering, and symbols.
#![expect(clippy::panic, reason = "a test")]

use serde_json::{Value, json};

use super::{Client, HTTP, METRICS, folder};

#[test]
fn what_hovering_shows() {
    let folder = folder("lsp-hover");
    let mut client = Client::start(&folder.0);
    for (place, texts) in [
        (
            "[presets.la|tency]\ntitle",
            &[
                "`http::latency`: instant vector, seconds",
                "Slowest requests",
                "Labels: ",
                "`method`",
                "histogram_quantile(0.9, sum by (le,method,code)(rate(http_request_duration_seconds_bucket{method!=\"get\",code=\"a\"}[5m])))",
            ][..],
        ),
        (
            "histogram_qu|antile",
            &[
                "histogram_quantile(scalar, vector) : vector",
                "The quantile",
                "Type: instant vector",
                "Labels: `{group_by}, method?`",
            ],
        ),
        ("su|m by (le", &["sum by (labels) (vector) : vector", "Labels: `{group_by}, le"]),
        ("ra|te({metric_name}", &["rate(matrix) : vector", "The growth per second"]),
        ("{me|tric_name}_bucket", &["`{metric_name}`", "Type: range vector"]),
        ("{qua|ntile}", &["`{quantile}`: number from 0 to 1, by default 0.9"]),
        ("{group|_by}", &["`{group_by}`"]),
        ("{win|dow}", &["`{window}`"]),
        ("me|thod!=", &["`method`: label, one of some values", "The HTTP method 😀.", "Values: `get`, `post`"]),
        ("le, me|thod", &["`method`: label"]),
        (
            "rate(http_request|_duration_seconds_count",
            &["`http_request_duration_seconds`: histogram, in seconds", "Time to a response.", "Labels: `code`"],
        ),
        ("me|thod = { values", &["`method`: label"]),
        ("wind|ow     = \"5m\"", &["The default of `{window}`"]),
        ("[met|ric]", &["The metric of the presets."]),
        ("name = \"http_|request", &["`http_request_duration_seconds`: histogram", "Declared in `presets/http.toml`"]),
    ] {
        let plain = place.replacen('|', "", 1);
        assert!(HTTP.contains(&plain), "{plain}");
        let hover = client.at("textDocument/hover", "presets/http.toml", &HTTP.replacen(&plain, place, 1));
        let shown = hover["contents"]["value"].as_str().unwrap_or_else(|| panic!("{place}: {hover}"));
        for text in texts {
            assert!(shown.contains(text), "{place}: {shown}");
        }
        assert!(hover["range"]["start"].is_object());
    }
    // An example does not repeat what the template filters on, and `{group_by}` is no label that may be there.
    let file = "[metric]\nname = \"x\"\n[labels]\na = \"string\"\nb = \"string\"\n[presets.y]\n\
        template = 'sum by ({group_by})({metric_name}{{a=\"1\",{labels}}}) or count by ({group_by})({metric_name}{{{labels}}})'\n";
    for (place, expected) in [
        ("[presets.|y]", "sum by (b)(x{a=\"1\",b=\"a\"}) or count by (b)(x{b=\"a\"})"),
        (") o|r count", "Labels: `{group_by}`"),
    ] {
        let text = file.replacen(&place.replacen('|', "", 1), place, 1);
        let hover = client.at("textDocument/hover", "presets/y.toml", &text);
        let shown = hover["contents"]["value"].as_str().unwrap();
        assert!(shown.contains(expected) && !shown.contains("}?"), "{shown}");
    }
    let hover = client.at("textDocument/hover", "promql.toml", "[checks]\nraw-cou|nter = \"off\"\n");
    assert!(hover["contents"]["value"].as_str().unwrap().starts_with("# "), "{hover}");
    let hover = client.at("textDocument/hover", "metrics.toml", &METRICS.replace("[build_info]", "[buil|d_info]"));
    assert!(hover["contents"]["value"].as_str().unwrap().starts_with("`build_info`: info"), "{hover}");
    // Nothing, and nothing in a broken file.
    assert_eq!(client.at("textDocument/hover", "presets/a.toml", "# a| comment"), Value::Null);
    assert_eq!(client.at("textDocument/hover", "presets/a.toml", "[presets.a]\ntemplate = 'sum(|'"), Value::Null);
}

#[test]
fn symbols_of_documents() {
    let folder = folder("lsp-symbols");
    let mut client = Client::start(&folder.0);
    let mut symbols = |file: &str, text: &str| {
        client.open(file, text);
        let document = json!({ "uri": client.uri(file) });
        let symbols = client.request("textDocument/documentSymbol", json!({ "textDocument": document }));
        symbols.as_array().unwrap().clone()
    };
    let names =
        |symbols: &[Value]| symbols.iter().map(|it| it["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let http = symbols("presets/http.toml", HTTP);
    assert_eq!(names(&http), ["http_request_duration_seconds", "labels", "latency", "rate"]);
    assert_eq!(names(http[1]["children"].as_array().unwrap()), ["method", "code"]);
    assert_eq!(names(http[2]["children"].as_array().unwrap()), ["quantile"]);
    assert_eq!(http[2]["detail"], "Slowest requests");
    let line = |at: &Value| at["line"].as_u64().unwrap();
    for symbol in &http {
        let (range, name) = (&symbol["range"], &symbol["selectionRange"]);
        assert!(line(&range["start"]) <= line(&name["start"]) && line(&name["end"]) <= line(&range["end"]), "{symbol}");
    }
    assert_eq!(names(&symbols("metrics.toml", METRICS)), ["build_info", "http_request_duration_seconds"]);
    assert_eq!(names(&symbols("promql.toml", "[target]\n[checks]\nraw-counter = \"off\"\n")), ["target", "checks"]);
    assert_eq!(names(&symbols("presets/a.toml", "[presets.]\n[presets.a")), ["a"]);
}
