//! `fmt`.

use std::fs;
use std::process::Command;

use promql_presets_test_support::{Tool, servers_required};
use serde_json::{Value, json};

use crate::{BAD, Folder, run_in};

const LOOSE: &str = "\
# a comment
[presets.up]
template=' up{{ {labels} }}'   # as it was
[presets.ratio]
template = 'a{{{labels}}} / on(job)
b{{{labels}}}'
";

#[test]
fn files_are_formatted_in_place_once() {
    let text = "[presets.up]\r\ntemplate   = \"sum( up{{{labels}}} ) by({group_by})\"\r\n";
    let formatted = "\u{FEFF}[presets.up]\r\ntemplate   = \"sum by ({group_by}) (up{{{labels}}})\"\r\n";
    let up = format!("\u{FEFF}{text}");
    let folder = Folder::new("fmt", &[("presets/a/up.toml", &up), ("presets/bad.toml", BAD), ("metrics.toml", "a")]);
    let run = run_in(&folder.0, &["fmt", "presets/a"], b"");
    assert_eq!((run.status, run.out.as_str()), (0, "presets/a/up.toml\n"), "{}", run.err);
    assert_eq!(run.err, "1 file: 1 formatted\n");
    assert_eq!(fs::read_to_string(folder.0.join("presets/a/up.toml")).unwrap(), formatted);
    let run = run_in(&folder.0, &["fmt", "presets/a/up.toml"], b"");
    assert_eq!((run.status, run.out.as_str(), run.err.as_str()), (0, "", "1 file: 0 formatted\n"));
}

#[test]
fn files_with_errors_are_left_alone() {
    let not_toml = "[presets.up]\ntemplate = 'up";
    // Checks do not matter to the layout.
    let unfiltered = "[presets.up]\ntemplate = 'up  + 1'\n";
    let files = [("presets/a.toml", BAD), ("presets/b.toml", not_toml), ("presets/c.toml", unfiltered)];
    let folder = Folder::new("fmt-bad", &files);
    let run = run_in(&folder.0, &["fmt"], b"");
    assert_eq!((run.status, run.err.as_str()), (1, "3 files: 1 formatted, 2 with errors\n"));
    assert!(run.out.starts_with("error[unknown-placeholder]: unknown placeholder `windw`"), "{}", run.out);
    assert!(run.out.contains("--> presets/b.toml:2:12"), "{}", run.out);
    assert!(run.out.ends_with("presets/c.toml\n"), "{}", run.out);
    for (name, text) in &files[..2] {
        assert_eq!(fs::read_to_string(folder.0.join(name)).unwrap(), *text);
    }
    let run = run_in(&folder.0, &["fmt", "--format", "json"], b"");
    let lines: Vec<Value> = run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[2], json!({ "file": "presets/c.toml", "changed": [], "errors": [] }));
    let error = &lines[0]["errors"][0];
    assert_eq!((&error["preset"], &error["line"], &error["column"]), (&json!("up"), &json!(2), &json!(48)));
    assert_eq!(run.status, 1);
}

#[test]
fn check_shows_what_would_change() {
    let long = "l".repeat(100);
    let text =
        LOOSE.replace("= 'a{{{labels}}} / on(job)\nb{{{labels}}}'", &format!("= 'rate({long}{{{{{{labels}}}}}}[5m])'"));
    let folder = Folder::new("fmt-check", &[("presets/a.toml", &text)]);
    let run = run_in(&folder.0, &["fmt", "--check"], b"");
    let diff = format!(
        "--- presets/a.toml\n+++ presets/a.toml\n@@ -3 +3 @@ up\n-template=' up{{{{ {{labels}} }}}}'   # as it was\n\
         +template='up{{{{{{labels}}}}}}'   # as it was\n@@ -5 +5,5 @@ ratio\n-template = \
         'rate({long}{{{{{{labels}}}}}}[5m])'\n+template = '''\n+rate(\n+  {long}{{{{{{labels}}}}}}[5m]\n+)\n+'''\n"
    );
    assert_eq!((run.status, run.out, run.err.as_str()), (1, diff, "1 file: 1 to format\n"));
    assert_eq!(fs::read_to_string(folder.0.join("presets/a.toml")).unwrap(), text);
    let run = run_in(&folder.0, &["fmt", "--check", "--format", "json"], b"");
    assert_eq!(run.out, "{\"file\":\"presets/a.toml\",\"changed\":[\"up\",\"ratio\"],\"errors\":[]}\n");
    run_in(&folder.0, &["fmt"], b"");
    let run = run_in(&folder.0, &["fmt", "--check"], b"");
    assert_eq!((run.status, run.out.as_str()), (0, ""));
}

#[test]
fn standard_input_is_plain_promql() {
    let folder = Folder::new("fmt-input", &[]);
    let fmt = |arguments: &[&str], input: &str| {
        let run = run_in(&std::env::temp_dir(), arguments, input.as_bytes());
        (run.status, run.out)
    };
    assert_eq!(fmt(&["fmt", "-"], "sum(a) by(b) # c\n"), (0, "sum by (b) (a) # c\n".to_owned()));
    assert_eq!(fmt(&["fmt", "-", "--check"], "a + b\n"), (0, String::new()));
    assert_eq!(
        fmt(&["fmt", "-", "--check"], "a+b"),
        (1, "--- query\n+++ query\n@@ -1 +1 @@ \n-a+b\n+a + b\n".to_owned())
    );
    let json = |query: &str| fmt(&["fmt", "-", "--format", "json"], query);
    let changed = r#"{"query":"sum by (b) (a) # c","is_changed":true,"errors":[]}"#;
    assert_eq!(json("sum(a) by(b) # c\n"), (0, format!("{changed}\n")));
    assert_eq!(json("a + b\n"), (0, "{\"query\":\"a + b\",\"is_changed\":false,\"errors\":[]}\n".to_owned()));
    assert_eq!(fmt(&["fmt", "-", "--format", "json", "--check"], "a+b").0, 1);
    let error =
        r#"{"query":null,"is_changed":false,"errors":[{"preset":null,"message":"unclosed `(`","line":1,"column":5}]}"#;
    assert_eq!(json("rate(a[5m]"), (1, format!("{error}\n")));
    let (status, out) = fmt(&["fmt", "-"], "rate(a[5m]");
    assert!(status == 1 && out.starts_with("error[syntax]: unclosed `(`"), "{out}");
    drop(folder);
}

/// Queries without comments, and without literals that Prometheus writes in another way.
const QUERIES: [&str; 12] = [
    "sum(rate(http_requests_total{code=~\"5..\",job=\"api\"}[5m])) by (job, instance)",
    "a*on(x)group_left b",
    "a - ignoring() b",
    "sum by () (foo{})",
    "-(a + b) ^ 2",
    "a > bool 1.5 or b @ start() offset 1h",
    "count_values without (a) (\"x\", b)",
    "max_over_time(rate(foo[5m])[1h:30s] offset 5m)",
    "histogram_quantile(0.99, sum by (le, handler) (rate(prometheus_http_request_duration_seconds_bucket{job=\"a\"}[5m])))",
    "topk(5, sum without (instance, some_other_label) (rate(a_metric_with_a_long_name_total{job=\"a_job_with_a_long_name\"}[5m])))",
    "(sum(rate(http_requests_total{code=~\"5..\",job=\"api\"}[5m])) / sum(rate(http_requests_total{job=\"api\"}[5m]))) / on () \
     group_left () vector(1 - 0.999) > 14.4 and on () vector(1) > 0",
    "label_replace(kube_pod_container_resource_requests{resource=\"cpu\"}, \"workload\", \"$1\", \"pod\", \"(.*)-[a-z0-9]+-[a-z0-9]{5}\")",
];

#[test]
#[expect(clippy::print_stderr, reason = "a test that can be skipped")]
fn queries_are_laid_out_as_by_promtool() {
    let Some(promtool) = Tool::Promtool.find().unwrap() else {
        assert!(!servers_required(), "no promtool");
        eprintln!("skipped: no promtool");
        return;
    };
    for query in QUERIES {
        let theirs =
            Command::new(&promtool).args(["--experimental", "promql", "format", "--", query]).output().unwrap();
        assert!(theirs.status.success(), "{query}: {}", String::from_utf8_lossy(&theirs.stderr));
        let ours = run_in(&std::env::temp_dir(), &["fmt", "-"], query.as_bytes());
        assert_eq!(ours.out, String::from_utf8(theirs.stdout).unwrap());
    }
}

#[test]
fn the_catalogue_is_formatted() {
    let catalogue = concat!(env!("CARGO_MANIFEST_DIR"), "/../presets");
    let run = run_in(&std::env::temp_dir(), &["fmt", "--check", catalogue], b"");
    assert_eq!((run.status, run.out.as_str()), (0, ""), "{}", run.err);
}
