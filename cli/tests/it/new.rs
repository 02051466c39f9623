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
bare_seconds_bucket{le=\"0.1\"} 1
bare_seconds_bucket{le=\"+Inf\"} 1
bare_seconds_sum 1
bare_seconds_count 1
bare_gc_seconds{quantile=\"0.5\"} 1
bare_gc_seconds_sum 1
bare_gc_seconds_count 1
# TYPE odd gauge
odd{quantile=\"0.5\",nodeName=\"a\",node_name=\"b\"} 1
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
        ("bare_seconds", "bare_seconds", &["rate", "mean", "p50", "p90", "p99", "share_below"]),
        ("bare_seconds_count", "bare_seconds", &["rate", "mean", "p50", "p90", "p99", "share_below"]),
        ("bare_gc_seconds", "bare_gc_seconds", &["rate", "mean"]),
        ("odd", "odd", &gauge),
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
fn labels_get_names_in_rust_that_differ() {
    let folder = Folder::new("new-names", &[("page", "")]);
    let page = "x{\"a.b\"=\"1\",aB=\"1\",a_b=\"1\",a_b_2=\"1\",Type=\"1\",type=\"1\",\"日\"=\"1\"} 1\n";
    let run = run_in(&folder.0, &["new", "x", "--from", "-"], page.as_bytes());
    assert_eq!(run.status, 0, "{}", run.err);
    let text = fs::read_to_string(folder.0.join("presets/x.toml")).unwrap();
    let renamed = lines(&text).into_iter().filter_map(|line| {
        let (label, kind) = line.split_once(" = ")?;
        Some((label.trim(), kind.strip_prefix("{ type = \"string\", rust_name = ")?))
    });
    let renamed: Vec<_> = renamed.collect();
    let expected =
        [("aB", "\"a_b_3\" }"), ("a_b", "\"a_b_4\" }"), ("type", "\"type_2\" }"), ("\"日\"", "\"label_2\" }")];
    assert_eq!(renamed, expected);
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

#[test]
fn what_the_folder_declares_holds() {
    let folder = Folder::new("new-declared", &[("metrics.txt", PAGE)]);
    assert_eq!(folder.run("init").status, 0);
    let run = folder.run("new http_requests_total --from metrics.txt");
    assert_eq!(
        (run.status, run.out.as_str(), run.err.as_str()),
        (0, "presets/http_requests.toml: 2 presets of the counter `http_requests_total`\n", "")
    );
    let text = folder.read("presets/http_requests.toml");
    let labels = r#"
code     = "integer"
instance = "string"
job      = "string"
method   = ["GET", "POST", "PUT", "DELETE"]
"#;
    assert!(text.contains(labels), "{text}");
    let check = folder.run("check --deny-warnings");
    assert_eq!(check.status, 0, "{}", check.out);

    // A source without metadata, and one that differs.
    let declared = r#"[metric]
name = "load"
type = "counter"
unit = "bytes"

[labels]
pod     = { type = "uuid", required = true, use = ["filter"] }
disk    = { type = "uuid",prefix="dev-", description = "The disk." }
"k8s.x" = { values = ['a'] }

[presets.load]
template = 'sum(rate(load{{{labels}}}[5m]))'
"#;
    folder.write("presets/a_load.toml", declared);
    folder.write("untyped.txt", "load{pod=\"a\",disk=\"b\",\"k8s.x\"=\"a\",other=\"c\"} 1\n");
    folder.write("gauge.txt", "# TYPE load gauge\nload{pod=\"a\"} 1\n");
    for (source, note) in [
        ("untyped.txt", ""),
        (
            "gauge.txt",
            "note: `load` is a gauge there, but declared as a counter in `presets/a_load.toml`, which holds\n",
        ),
    ] {
        let run = folder.run(&format!("new load --force --from {source}"));
        let report = "presets/load.toml: 2 presets of the counter `load`\n";
        assert_eq!((run.status, run.out.as_str(), run.err.as_str()), (0, report, note));
        let check = folder.run("check --deny-warnings");
        assert_eq!(check.status, 0, "{}", check.out);
    }
    let run = folder.run("new load --force --from untyped.txt");
    assert_eq!(run.status, 0, "{}", run.err);
    let expected = r#"[metric]
name = "load"
type = "counter"
unit = "bytes"

[labels]
disk     = { type = "uuid", prefix = "dev-" }
instance = "string"
job      = "string"
"k8s.x"  = { values = ['a'] }
other    = "string"
pod      = "uuid"
"#;
    assert!(folder.read("presets/load.toml").starts_with(expected), "{}", folder.read("presets/load.toml"));

    folder.write("presets/a_load.toml", &declared.replace("\"counter\"", "\"unknown\""));
    let run = folder.run("new load --force --from gauge.txt");
    assert_eq!(run.out, "presets/load.toml: 4 presets of the gauge `load`\n", "{}", run.err);
    assert!(folder.read("presets/load.toml").contains("type = \"unknown\"\n"));
    assert_eq!(folder.run("check").status, 0);
}

#[test]
fn a_file_that_would_not_pass_is_not_written() {
    let folder = Folder::new("new-refused", &[("deep/metrics.txt", PAGE)]);
    let deep = folder.0.join("deep");
    let files = |folder: &std::path::Path| fs::read_dir(folder).unwrap().count();
    let absolute = folder.0.join("absolute");
    for name in ["../out", "../../out", "a/../b", absolute.to_str().unwrap(), "self", "a b", "1", "", "a/", "."] {
        let run = run_in(&deep, &["new", "queue_bytes", "--from", "metrics.txt", "--file", name], b"");
        assert_eq!((run.status, run.out.as_str()), (1, ""), "{name}: {}", run.err);
        assert!(run.err.contains("invalid name of a preset file"), "{name}: {}", run.err);
        assert!(run.err.ends_with("is not written, since it would not pass `check`\n"), "{name}: {}", run.err);
        assert_eq!((files(&folder.0), files(&deep)), (1, 1), "{name}");
    }
    // One module for two files, and an error in another file.
    folder.write("deep/up.toml", "[presets.up]\ntemplate = 'sum by (zone) (queue_bytes{{{labels}}})'\n");
    for arguments in ["--file Up", "--file queue"] {
        let words: Vec<&str> = arguments.split(' ').collect();
        let run =
            run_in(&deep, &[&["new", "queue_bytes", "--from", "metrics.txt", "--dir", "."], &words[..]].concat(), b"");
        assert_eq!(run.status, 1, "{arguments}: {}{}", run.out, run.err);
        assert_eq!(files(&deep), 2, "{arguments}");
    }
    let run = run_in(&deep, &["new", "gc_seconds", "--from", "metrics.txt", "--file", "gc.toml", "--dir", "."], b"");
    assert_eq!(
        (run.status, run.out.as_str()),
        (0, "./gc.toml: 2 presets of the summary `gc_seconds`\n"),
        "{}",
        run.err
    );
    assert_eq!(files(&deep), 3);
}

#[test]
fn histograms_of_gauges_have_no_rates() {
    let page = "\
# TYPE queue_age_seconds gaugehistogram
# UNIT queue_age_seconds seconds
# HELP queue_age_seconds Age of what waits.
queue_age_seconds_bucket{queue=\"a\",le=\"1\"} 2
queue_age_seconds_bucket{queue=\"a\",le=\"+Inf\"} 3
queue_age_seconds_gcount{queue=\"a\"} 3
queue_age_seconds_gsum{queue=\"a\"} 4
# EOF
";
    let folder = Folder::new("new-gauge-histogram", &[("page.txt", page)]);
    for metric in ["queue_age_seconds", "queue_age_seconds_bucket", "queue_age_seconds_gcount"] {
        let run = folder.run(&format!("new {metric} --from page.txt --force"));
        let report = "presets/queue_age_seconds.toml: 6 presets of the gauge histogram `queue_age_seconds`\n";
        assert_eq!((run.status, run.out.as_str(), run.err.as_str()), (0, report, ""), "{metric}");
    }
    let text = folder.read("presets/queue_age_seconds.toml");
    assert_eq!(presets(&text), ["count", "mean", "p50", "p90", "p99", "share_below"]);
    let labels = "\n[labels]\ninstance = \"string\"\njob      = \"string\"\nqueue    = \"string\"\n\n";
    assert!(text.contains("type = \"unknown\"\nunit = \"seconds\"\n") && text.contains(labels), "{text}");
    for part in [
        "_gcount{{{labels}}}",
        "_gsum{{{labels}}}",
        "(0.9, sum by (le, {group_by}) ({metric_name}_bucket{{{labels}}}))",
    ] {
        assert!(text.contains(part) && !text.contains("rate("), "{part}\n{text}");
    }
    let check = folder.run("check --deny-warnings");
    assert_eq!(check.status, 0, "{}", check.out);
}

#[test]
fn the_series_decide_which_of_both_histograms() {
    let snapshot = "\
[latency_seconds]
type = \"native_histogram\"
labels = [\"job\"]

[latency_seconds_bucket]
type = \"counter\"
labels = [\"job\", \"le\"]
values = { le = [\"+Inf\", \"0.5\"] }

[latency_seconds_count]
type = \"counter\"
labels = [\"job\"]

[latency_seconds_sum]
type = \"counter\"
labels = [\"job\"]
";
    let folder = Folder::new("new-both", &[("metrics.toml", snapshot), ("presets/readme", "")]);
    for (metric, file, quantile, other) in [
        (
            "latency_seconds",
            "native",
            "histogram_quantile(0.9, sum by ({group_by}) (rate({metric_name}{{",
            "latency_seconds_bucket",
        ),
        (
            "latency_seconds_bucket",
            "classic",
            "rate({metric_name}_bucket{{le=\"0.5\",{labels}}}[{window}])",
            "latency_seconds",
        ),
        ("latency_seconds_sum", "sum", "rate({metric_name}_sum{{{labels}}}[{window}])", "latency_seconds"),
    ] {
        let run = folder.run(&format!("new {metric} --file {file}"));
        let note =
            format!("note: it is both a classic and a native histogram: `new {other}` writes presets of the other\n");
        assert_eq!((run.status, run.err.as_str()), (0, note.as_str()), "{metric}: {}", run.out);
        let text = folder.read(&format!("presets/{file}.toml"));
        assert!(text.contains("name = \"latency_seconds\"") && text.contains(quantile), "{text}");
    }
    let check = folder.run("check --deny-warnings");
    assert_eq!(check.status, 0, "{}", check.out);
}
