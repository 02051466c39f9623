//! `new`: preset files for metrics.

use std::fs;

use serde_json::{Value, json};

use crate::page::{Page, scrape, wait};
use crate::{Folder, lines, run_in};

const PAGE: &str = "\
# HELP http_requests_total Requests, by \"code\".
# TYPE http_requests_total counter
http_requests_total{code=\"200\",method=\"GET\"} 1
# TYPE queue_bytes gauge
queue_bytes{queue=\"a\"} 1
# TYPE latency_seconds histogram
latency_seconds_bucket{code=\"200\",le=\"0.1\"} 1
latency_seconds_bucket{code=\"200\",le=\"1\"} 1
latency_seconds_bucket{code=\"200\",le=\"+Inf\"} 1
latency_seconds_sum{code=\"200\"} 1
latency_seconds_count{code=\"200\"} 1
# TYPE gc_seconds summary
gc_seconds{quantile=\"0.5\"} 1
gc_seconds_sum 1
gc_seconds_count 1
# TYPE build_info gauge
build_info{version=\"1\"} 1
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1.7e9
backup_timestamp_seconds{disk=\"a\"} 1.7e9
certificate_expiration_timestamp_seconds 1.8e9
untyped_thing 1
";

const SNAPSHOT: &str = "\
[request_size_bytes]
type = \"native_histogram\"
labels = [\"job\", \"k8s.pod\"]

[target_info]
type = \"info\"
labels = [\"job\"]

[latency_seconds]
type = \"histogram\"
";

/// The names of the presets of a file.
fn presets(text: &str) -> Vec<&str> {
    lines(text).into_iter().filter_map(|line| line.strip_prefix("[presets.")?.strip_suffix(']')).collect()
}

#[test]
fn every_type_gets_presets_that_pass_all_checks() {
    let folder = Folder::new("new-types", &[("metrics.txt", PAGE)]);
    let gauge = ["current", "min", "max", "mean"];
    for (metric, file, expected) in [
        ("http_requests_total", "http_requests", &["rate", "increase"][..]),
        ("http_requests", "http_requests", &["rate", "increase"]),
        ("queue_bytes", "queue_bytes", &gauge),
        ("latency_seconds", "latency_seconds", &["rate", "mean", "p50", "p90", "p99", "share_below"]),
        ("latency_seconds_bucket", "latency_seconds", &["rate", "mean", "p50", "p90", "p99", "share_below"]),
        ("gc_seconds", "gc_seconds", &["rate", "mean"]),
        ("build_info", "build", &["current"]),
        ("process_start_time_seconds", "process_start_time_seconds", &["age"]),
        ("backup_timestamp_seconds", "backup_timestamp_seconds", &["age"]),
        ("certificate_expiration_timestamp_seconds", "certificate_expiration_timestamp_seconds", &["remaining"]),
        ("untyped_thing", "untyped_thing", &gauge),
    ] {
        let run = run_in(&folder.0, &["new", metric, "--from", "metrics.txt", "--force"], b"");
        assert_eq!(run.status, 0, "{metric}: {}{}", run.out, run.err);
        let text = fs::read_to_string(folder.0.join(format!("presets/{file}.toml"))).unwrap();
        assert_eq!(presets(&text), expected, "{metric}");
        for arguments in [&["check", "--deny-warnings"][..], &["fmt", "--check"]] {
            let check = run_in(&folder.0, arguments, b"");
            assert_eq!(check.status, 0, "{metric}: {}\n{text}", check.out);
        }
    }
}

#[test]
fn the_text_says_all_that_is_known() {
    let folder = Folder::new("new-text", &[("metrics.txt", PAGE)]);
    let run = run_in(&folder.0, &["new", "http_requests_total", "--from", "metrics.txt"], b"");
    assert_eq!(run.out, "presets/http_requests.toml: 2 presets of the counter `http_requests_total`\n");
    let text = fs::read_to_string(folder.0.join("presets/http_requests.toml")).unwrap();
    let expected = r#"description = 'Requests, by "code".'

[metric]
name = "http_requests_total"
type = "counter"

[labels]
code     = "string"
instance = "string"
job      = "string"
method   = "string"

[presets.rate]
description = "Increase per second."
unit        = "per second"
template    = 'sum by ({group_by}) (rate({metric_name}{{{labels}}}[{window}]))'
window      = "5m"

[presets.increase]
description = "Increase within the window, extrapolated from its samples."
template    = 'sum by ({group_by}) (increase({metric_name}{{{labels}}}[{window}]))'
window      = "1h"
"#;
    assert_eq!(text, expected);

    let run = run_in(&folder.0, &["new", "http_requests_total", "--from", "metrics.txt"], b"");
    assert_eq!(run.status, 2);
    assert!(run.err.starts_with("error: `presets/http_requests.toml` exists\n"), "{}", run.err);
    let unknown = run_in(&folder.0, &["new", "foo", "--from", "-", "--from", "metrics.txt"], PAGE.as_bytes());
    assert_eq!(unknown.err, "error: no metric `foo` in standard input, `metrics.txt`\n");
    let other = ["new", "gc_seconds", "--from", "-", "--file", "a/b", "--format", "json"];
    let run = run_in(&folder.0, &other, PAGE.as_bytes());
    let report: Value = serde_json::from_str(&run.out).unwrap();
    let expected =
        json!({"file": "presets/a/b.toml", "metric": "gc_seconds", "type": "summary", "presets": ["rate", "mean"]});
    assert_eq!(report, expected);
}

#[test]
fn metrics_toml_is_a_source() {
    let folder = Folder::new("new-snapshot", &[("metrics.toml", SNAPSHOT), ("presets/readme", "")]);
    let run = |arguments: &[&str]| run_in(&folder.0, arguments, b"");
    let native = run(&["new", "request_size_bytes"]);
    assert_eq!((native.status, native.err.as_str()), (0, ""));
    let text = fs::read_to_string(folder.0.join("presets/request_size_bytes.toml")).unwrap();
    assert_eq!(presets(&text), ["rate", "mean", "p50", "p90", "p99", "share_below"]);
    assert!(text.contains("\n\"k8s.pod\" = \"string\"\n") && text.contains("unit        = \"bytes\"\n"), "{text}");
    assert_eq!(run(&["new", "target_info"]).status, 0);
    let classic = run(&["new", "latency_seconds_count"]);
    assert!(classic.status == 0 && classic.err.contains("no preset `share_below`"), "{}", classic.err);
    assert_eq!(run(&["check", "--deny-warnings"]).out, "");
    let unknown = run(&["new", "request_size_byte"]);
    let message = "error: no metric `request_size_byte` in `metrics.toml`\n  |\n  = help: a metric with a similar name exists: `request_size_bytes`\n";
    assert_eq!((unknown.status, unknown.err.as_str()), (2, message));
}

#[test]
fn servers_are_a_source() {
    let page = Page::serve(PAGE);
    let Some(server) = scrape(&[("api", &page.address)], "") else { return };
    wait(&server, &["latency_seconds_count"]);
    let folder = Folder::new("new-server", &[("readme", "")]);
    let run = run_in(&folder.0, &["new", "latency_seconds", "--url", server.url()], b"");
    assert_eq!(run.status, 0, "{}", run.err);
    let text = fs::read_to_string(folder.0.join("presets/latency_seconds.toml")).unwrap();
    assert!(text.contains("type = \"histogram\"") && text.contains("{{le=\"1.0\",{labels}}}"), "{text}");
    assert_eq!(run_in(&folder.0, &["check", "--deny-warnings"], b"").status, 0);
}
