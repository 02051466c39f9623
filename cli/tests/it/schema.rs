//! `schema` with exposition pages: files, URLs and standard input.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use promql_presets_compiler::Snapshot;
use serde_json::{Value, json};

use crate::page::Page;
use crate::{Folder, run_in};

const PRESETS: &str = "\
[metric]
name = \"http_requests_total\"
[labels]
method = [\"get\", \"post\"]
code = \"string\"
[presets.rate]
template = 'sum by ({group_by})(rate({metric_name}{{{labels}}}[5m]))'
[presets.errors]
template = 'sum by ({group_by})(rate({metric_name}{{code=\"500\",{labels}}}[5m]))'
";

const OTHERS: &str = "\
[presets.slow]
template = 'sum(rate(http_duration_seconds_bucket{{le=\"1\",{labels}}}[5m])) / sum(rate(http_duration_seconds_count{{{labels}}}[5m]))'
[presets.gc]
template = 'gc_seconds{{quantile=\"0.5\",{labels}}}'
[presets.up]
template = 'up{{{labels}}} + on (job) target_scrapes_total{{{labels}}} + on (job) build_info{{{labels}}}'
[presets.utf8]
template = '{{\"http.size\",{labels}}}'
[presets.any]
template = '{metric_name}{{{labels}}}'
";

const PAGE: &str = "\
# HELP http_requests_total All \\\"requests\\\".
# TYPE http_requests_total counter
http_requests_total{method=\"post\",code=\"200\"} 3
http_requests_total{method=\"get\",code=\"200\",instance=\"own\"} 3
# TYPE http_duration_seconds histogram
http_duration_seconds_bucket{le=\"1\"} 1
http_duration_seconds_bucket{le=\"+Inf\"} 2
http_duration_seconds_sum 2
http_duration_seconds_count 2
# HELP gc_seconds Pauses.
# TYPE gc_seconds summary
gc_seconds{quantile=\"0.5\"} 1
gc_seconds_sum 2
gc_seconds_count 2
# TYPE target_scrapes_total counter
target_scrapes_total 1
# TYPE build_info gauge
build_info{version=\"1\"} 1
# TYPE \"http.size\" gauge
{\"http.size\",\"a.b\"=\"c\"} 1
# TYPE of_no_preset gauge
of_no_preset 1
";

const SNAPSHOT: &str = "\
# Written by `promql-presets schema pull`: the metrics that the presets read. Commit this file.

[build_info]
type   = \"gauge\"
labels = [\"instance\", \"job\", \"version\"]

[gc_seconds]
type   = \"summary\"
help   = \"Pauses.\"
labels = [\"instance\", \"job\"]
values = { quantile = [\"0.5\"] }

[http_duration_seconds]
type   = \"histogram\"
labels = [\"instance\", \"job\"]
values = { le = [\"+Inf\", \"1.0\"] }

[\"http.size\"]
type   = \"gauge\"
labels = [\"a.b\", \"instance\", \"job\"]

[http_requests_total]
type   = \"counter\"
help   = 'All \"requests\".'
labels = [\"code\", \"exported_instance\", \"instance\", \"job\", \"method\"]
values = { method = [\"get\", \"post\"] }

[target_scrapes_total]
type   = \"counter\"
labels = [\"instance\", \"job\"]

[up]
type   = \"gauge\"
labels = [\"instance\", \"job\"]
";

/// A folder with presets and a page, in which commands run.
fn registry(test: &str) -> Folder {
    let files = [("presets/http.toml", PRESETS), ("presets/others.toml", OTHERS), ("page", PAGE)];
    Folder::new(&format!("schema-{test}"), &files)
}

#[test]
fn a_page_becomes_a_snapshot() {
    let registry = registry("page");
    let pulled = registry.run("schema pull --from page");
    assert_eq!(pulled.status, 0, "{}", pulled.err);
    let names = registry.read("metrics.toml");
    // Tables are sorted by their names.
    let mut expected: Vec<&str> = SNAPSHOT.split("\n\n").map(str::trim).collect();
    let mut found: Vec<&str> = names.split("\n\n").map(str::trim).collect();
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected);
    assert!(
        pulled.out.contains(
            "+ http_duration_seconds: a histogram with the labels `instance`, `job` (read by `others::slow`)\n"
        )
    );
    assert!(
        pulled.err.contains("note: metrics without a fixed name are left out, of `others::any`\n"),
        "{}",
        pulled.err
    );
    assert!(pulled.err.ends_with("metrics.toml: 7 metrics; 7 added\n"), "{}", pulled.err);

    let again = registry.run("schema pull --from page");
    assert_eq!((again.status, again.out.as_str(), registry.read("metrics.toml")), (0, "", names.clone()));
    assert!(again.err.ends_with("metrics.toml: 7 metrics; no differences, unchanged\n"), "{}", again.err);
    assert_eq!(registry.run("schema diff --from page").status, 0);

    // From a URL and from standard input.
    fs::remove_file(registry.0.join("metrics.toml")).unwrap();
    let page = Page::serve(PAGE);
    assert_eq!(registry.run(&format!("schema pull --from {}", page.url())).status, 0);
    assert_eq!(registry.read("metrics.toml"), names);
    let piped = run_in(&registry.0, &["schema", "diff", "--from", "-", "--dir", "presets"], PAGE.as_bytes());
    assert_eq!((piped.status, piped.out.as_str()), (0, ""));
}

#[test]
fn metrics_that_match_a_pattern() {
    let page =
        "# TYPE node_memory_MemFree_bytes gauge\nnode_memory_MemFree_bytes 1\n# TYPE node_load1 gauge\nnode_load1 1\n";
    let right = "presets.a.template = '{{__name__=~\"node_memory_.+\",{labels}}}'\n";
    let folder = Folder::new("schema-pattern", &[("presets/a.toml", right), ("page", page)]);
    let pulled = folder.run("schema pull --from page");
    assert!(pulled.out.starts_with("+ node_memory_MemFree_bytes: a gauge with"), "{}{}", pulled.out, pulled.err);
    assert_eq!(Snapshot::parse(&folder.read("metrics.toml")).unwrap().metrics.len(), 1);
    assert_eq!(folder.run("check").out, "");
    folder.write("presets/a.toml", &right.replace("memory", "memry"));
    assert!(folder.run("check").out.contains("no metric matches `node_memry_.+`"));
    let pulled = folder.run("schema pull --from page");
    assert!(pulled.err.contains("note: `node_memry_.+` matches no metric (read by `a::a`)\n"), "{}", pulled.err);
    folder.write("presets/a.toml", &right.replace("node_memory_.+", ".*").replace(",{", ",job=\"x\",{"));
    let pulled = folder.run("schema pull --from page");
    let note = "note: `.*` matches any metric; they are left out (read by `a::a`)\n";
    assert!(pulled.err.contains(note), "{}", pulled.err);
}

/// The text of native histograms has one classic bucket.
#[test]
fn native_histograms_of_pages() {
    let page =
        "# TYPE rpc_seconds histogram\nrpc_seconds_bucket{le=\"+Inf\"} 3\nrpc_seconds_sum 1\nrpc_seconds_count 3\n";
    let right = "presets.a.template = 'histogram_quantile(0.9, sum(rate(rpc_seconds{{{labels}}}[5m])))'\n\
        presets.b.template = 'sum(rate(rpc_seconds_count{{{labels}}}[5m]))'\n";
    let folder = Folder::new("schema-native", &[("presets/a.toml", right), ("page", page)]);
    folder.run("schema pull --from page");
    assert!(folder.read("metrics.toml").contains("[rpc_seconds]\ntype   = \"native_histogram\"\n"));
    let checked = folder.run("check");
    assert_eq!((checked.status, checked.out.as_str()), (0, ""));
    assert_eq!(folder.run("schema diff --from page").status, 0);

    fs::remove_file(folder.0.join("metrics.toml")).unwrap();
    folder
        .write("presets/a.toml", &right.replace("rpc_seconds{", "rpc_seconds_bucket{").replace("sum(", "sum by (le)("));
    folder.run("schema pull --from page");
    assert!(
        folder
            .read("metrics.toml")
            .contains("type   = \"histogram\"\nlabels = [\"instance\", \"job\"]\nvalues = { le = [\"+Inf\"] }\n")
    );
    assert!(folder.run("check").out.contains("`histogram_quantile` of a single bucket"));
    // It may be native before the next pull.
    folder.write("presets/a.toml", right);
    assert_eq!(folder.run("check").out, "");
}

#[test]
fn open_metrics_knows_the_same() {
    let registry = registry("open-metrics");
    registry.run("schema pull --from page");
    let names = registry.read("metrics.toml");
    let page = PAGE
        .replace("HELP http_requests_total", "HELP http_requests")
        .replace("TYPE http_requests_total", "TYPE http_requests")
        .replace("TYPE target_scrapes_total", "TYPE target_scrapes")
        .replace("le=\"1\"", "le=\"1.0\"")
        .replace("code=\"200\"} 3", "code=\"200\"} 3 # {trace_id=\"a\"} 1")
        + "# EOF\n";
    registry.write("page", &page);
    let diff = registry.run("schema diff --from page");
    assert_eq!((diff.status, diff.out.as_str()), (0, ""), "{}", diff.err);
    fs::remove_file(registry.0.join("metrics.toml")).unwrap();
    registry.run("schema pull --from page");
    assert_eq!(registry.read("metrics.toml"), names);
}

#[test]
fn drift_names_metrics_labels_and_presets() {
    let registry = registry("drift");
    assert_eq!(registry.run("schema diff --from page").status, 1, "nothing is known yet");
    registry.run("schema pull --from page");
    let before = registry.read("metrics.toml");
    let page = PAGE
        .replace("http_requests_total", "http_request_total")
        .replace("{version=\"1\"}", "{revision=\"1\"}")
        .replace("TYPE target_scrapes_total counter", "TYPE target_scrapes_total gauge")
        .replace("Pauses.", "Breaks.")
        .replace("quantile=\"0.5\"", "quantile=\"0.50\"")
        .replace("le=\"1\"", "le=\"2\"");
    registry.write("page", &page);
    let diff = registry.run("schema diff --from page");
    assert_eq!(diff.status, 1);
    assert_eq!(
        diff.out,
        "\
~ build_info: has a new label `revision` (read by `others::up`)
~ build_info: has no label `version` (read by `others::up`)
~ http_duration_seconds: its label `le` has a new value `2.0` (read by `others::slow`)
~ http_duration_seconds: its label `le` has no value `1.0` (read by `others::slow`)
- http_requests_total: does not exist; a metric with a similar name does: `http_request_total` (read by `http::errors`, `http::rate`)
~ target_scrapes_total: its type is `gauge`, not `counter` (read by `others::up`)
"
    );
    assert!(diff.err.ends_with("; 3 changed, 1 gone; `promql-presets schema pull` updates the file\n"), "{}", diff.err);
    assert_eq!(registry.read("metrics.toml"), before, "nothing is written");

    let lines = registry.run("schema diff --from page --format json").out;
    let objects: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        objects[4],
        json!({
            "change": "gone", "metric": "http_requests_total", "field": "metric", "label": null, "old": null, "new": null,
            "similar": "http_request_total", "presets": ["http::errors", "http::rate"],
        })
    );
    assert_eq!(
        objects[1],
        json!({
            "change": "gone", "metric": "build_info", "field": "label", "label": "version", "old": null, "new": null,
            "similar": null, "presets": ["others::up"],
        })
    );
    assert_eq!((&objects[5]["old"], &objects[5]["new"]), (&json!("counter"), &json!("gauge")));

    // Entries are kept if the source lacks them.
    let pulled = registry.run("schema pull --from page");
    assert!(pulled.err.contains("what is gone is kept: `--prune` removes it"), "{}", pulled.err);
    assert!(pulled.out.contains("~ gc_seconds: has another help text (read by `others::gc`)\n"), "{}", pulled.out);
    let kept = registry.read("metrics.toml");
    assert!(kept.contains("[http_requests_total]") && !kept.contains("http_request_total"), "{kept}");
    assert!(kept.contains("labels = [\"instance\", \"job\", \"revision\", \"version\"]"), "{kept}");
    assert!(kept.contains("values = { le = [\"+Inf\", \"1.0\", \"2.0\"] }") && kept.contains("Breaks."), "{kept}");

    let pruned = registry.run("schema pull --from page --prune");
    assert_eq!(pruned.status, 0);
    let pruned = registry.read("metrics.toml");
    // The build suggests it.
    assert!(
        pruned.contains(
            "[http_requests_total]\n# does not exist, although presets read it\nsimilar = \"http_request_total\"\n"
        ),
        "{pruned}"
    );
    assert!(pruned.contains("labels = [\"instance\", \"job\", \"revision\"]"), "{pruned}");
    let diff = registry.run("schema diff --from page").out;
    assert_eq!(diff.lines().count(), 1, "{diff}");
}

#[test]
fn a_file_without_metrics_says_that_they_do_not_exist() {
    let of_page = |name: &str, page: &str| {
        let presets = format!("[presets.a]\ntemplate = 'sum by ({{group_by}})(rate({name}{{{{{{labels}}}}}}[5m]))'\n");
        let presets = presets.as_str();
        let folder = Folder::new("schema-empty", &[("presets/a.toml", presets), ("page", page)]);
        let pulled = run_in(&folder.0, &["schema", "pull", "--from", "page"], b"");
        assert_eq!(pulled.status, 0, "{}", pulled.err);
        let checked = run_in(&folder.0, &["check"], b"");
        let title = format!("`{name}`");
        assert!(checked.status == 1 && checked.out.contains(&title), "{}{}", checked.out, checked.err);
        (pulled, checked.out)
    };
    let (pulled, _) = of_page("node_cpu", "up 1\n");
    assert_eq!(pulled.out, "- node_cpu: does not exist (read by `a::a`)\n");
    assert_eq!(pulled.err, "metrics.toml: 0 metrics; 1 gone\n");
    // Some words of the old name differ.
    let page = "# TYPE node_cpu_seconds_total counter\nnode_cpu_seconds_total{cpu=\"0\"} 1\n";
    let (pulled, checked) = of_page("node_cpu", page);
    assert!(pulled.out.contains("`node_cpu_seconds_total` (read by"), "{}", pulled.out);
    assert!(checked.contains("a metric with a similar name exists: `node_cpu_seconds_total`"), "{checked}");
    // A counter of the text format whose name does not end in `_total`.
    let (pulled, _) = of_page("pg_commits_total", "# TYPE pg_commits counter\npg_commits 1\n");
    assert!(pulled.out.contains("does not exist; a metric with a similar name does: `pg_commits`"), "{}", pulled.out);
}

#[test]
fn unread_metrics_are_kept_until_they_are_pruned() {
    let registry = registry("unread");
    registry.run("schema pull --from page");
    let without = |text: &str| text.replace("[presets.gc]\ntemplate = 'gc_seconds{{quantile=\"0.5\",{labels}}}'\n", "");
    registry.write("presets/others.toml", &without(OTHERS));
    let pulled = registry.run("schema pull --from page");
    assert!(pulled.err.contains("note: metrics that no preset reads are kept: `gc_seconds`\n"), "{}", pulled.err);
    assert!(registry.read("metrics.toml").contains("[gc_seconds]"));
    assert_eq!(registry.run("schema diff --from page").status, 0);
    let pruned = registry.run("schema pull --from page --prune");
    assert_eq!(pruned.out, "- gc_seconds: no preset reads it\n");
    assert!(!registry.read("metrics.toml").contains("[gc_seconds]"));
}

#[test]
fn a_counter_may_have_no_series_yet() {
    let registry = registry("declared");
    let at = PAGE.find("http_requests_total{").unwrap();
    let end = PAGE.find("# TYPE http_duration").unwrap();
    registry.write("page", &format!("{}{}", &PAGE[..at], &PAGE[end..]));
    let pulled = registry.run("schema pull --from page");
    assert!(pulled.err.contains("note: labels are unknown, since there are no series yet: `http_requests_total`\n"));
    let snapshot = registry.read("metrics.toml");
    assert!(
        snapshot.contains("[http_requests_total]\ntype   = \"counter\"\nhelp   = 'All \"requests\".'\n\n"),
        "{snapshot}"
    );
    // Labels that are known stay.
    registry.write("page", PAGE);
    registry.run("schema pull --from page");
    let full = registry.read("metrics.toml");
    registry.write("page", &format!("{}{}", &PAGE[..at], &PAGE[end..]));
    assert_eq!(registry.run("schema diff --from page").status, 0);
    registry.run("schema pull --from page --prune");
    assert_eq!(registry.read("metrics.toml"), full);
}

#[test]
fn several_pages_are_one_source() {
    let registry = registry("several");
    registry.write(
        "one",
        "# TYPE up gauge\n# TYPE build_info gauge\nbuild_info{a=\"1\"} 1\n# TYPE target_scrapes_total gauge\n",
    );
    registry.write("two", "# TYPE build_info counter\nbuild_info{b=\"1\"} 1\ntarget_scrapes_total{c=\"\"} 1\n");
    let pulled = registry.run("schema pull --from one --from two");
    assert!(pulled.err.contains("note: types are unknown, since the metadata has several: `build_info`\n"));
    assert!(!pulled.err.contains("no type in the metadata"), "{}", pulled.err);
    let snapshot = registry.read("metrics.toml");
    let expected = "[build_info]\ntype   = \"unknown\"\nlabels = [\"a\", \"b\", \"instance\", \"job\"]\n";
    assert!(snapshot.contains(expected), "{snapshot}");
    assert!(
        snapshot.contains("[target_scrapes_total]\ntype   = \"gauge\"\nlabels = [\"instance\", \"job\"]\n"),
        "{snapshot}"
    );
}

#[test]
fn settings_name_the_server_and_the_labels_of_targets() {
    let registry = registry("settings");
    let settings = "[metrics]\ntarget_labels = [\"cluster\", \"version\"]\n[defaults]\nurl = \"http://127.0.0.1:1\"\n";
    registry.write("promql.toml", settings);
    registry.run("schema pull --from page");
    let snapshot = registry.read("metrics.toml");
    assert!(
        snapshot.contains("[up]\ntype   = \"gauge\"\nlabels = [\"cluster\", \"instance\", \"job\", \"version\"]\n")
    );
    let expected = "labels = [\"cluster\", \"exported_version\", \"instance\", \"job\", \"version\"]\n";
    assert!(snapshot.contains(expected), "{snapshot}");
    let default = registry.run("schema pull").err;
    assert!(default.starts_with("error: metadata at http://127.0.0.1:1,"), "{default}");
    // The environment comes first.
    let mut command = Command::new(env!("CARGO_BIN_EXE_promql-presets"));
    command.args(["schema", "pull"]).current_dir(&registry.0).env("PROMETHEUS_URL", "http://127.0.0.1:2");
    let of_environment = String::from_utf8(command.output().unwrap().stderr).unwrap();
    assert!(of_environment.starts_with("error: metadata at http://127.0.0.1:2,"), "{of_environment}");
}

#[test]
fn metrics_that_are_open_are_no_drift() {
    let registry = registry("open");
    let extra = "[presets.a]\ntemplate = 'node_load1{{{labels}}} + node_load5{{{labels}}}'\n";
    registry.write("presets/http.toml", extra);
    registry.write("page", &format!("{PAGE}# TYPE node_load1 gauge\nnode_load1 1\n"));
    registry.write("presets/others.toml", "[presets.up]\ntemplate = 'up{{{labels}}}'\n");
    let diff = || registry.run("schema diff --from page");
    assert_eq!(diff().out.lines().count(), 3, "{}", diff().out);
    for open in ["[\"node_*\"]", "true"] {
        registry.write("promql.toml", &format!("[metrics]\nopen = {open}\n"));
        let diff = diff();
        let others = if open == "true" {
            ""
        } else {
            "+ up: a gauge with the labels `instance`, `job` (read by `others::up`)\n"
        };
        assert_eq!((diff.status, diff.out.as_str()), (i32::from(open != "true"), others), "{}", diff.err);
        assert!(!diff.err.contains("node_load5"), "{}", diff.err);
    }
    // A pull still writes metrics that exist, and a diff compares the entries of the file.
    let pulled = registry.run("schema pull --from page");
    assert!(pulled.status == 0 && !pulled.out.contains("node_load5"), "{}", pulled.out);
    registry.write("page", PAGE);
    assert_eq!(diff().out, "- node_load1: does not exist (read by `http::a`)\n");
}

#[test]
fn labels_without_a_value_can_be_named() {
    let registry = registry("without-value");
    registry
        .write("presets/http.toml", "[presets.a]\ntemplate = 'sum without (device_error) (size_bytes{{{labels}}})'\n");
    registry.write("presets/others.toml", "[presets.b]\ntemplate = 'size_bytes{{{labels}}} / ignoring (device_error) size_bytes{{{labels}}}'\nallow = [{ check = \"identical-operands\", reason = \"short\" }]\n");
    registry.write("page", "# TYPE size_bytes gauge\nsize_bytes{device=\"a\",device_error=\"\"} 1\n");
    let pulled = registry.run("schema pull --from page");
    let expected =
        "[size_bytes]\ntype   = \"gauge\"\nlabels = [\"device\", \"instance\", \"job\"]\nempty  = [\"device_error\"]\n";
    assert!(registry.read("metrics.toml").ends_with(expected), "{}{}", pulled.err, registry.read("metrics.toml"));
    assert_eq!((registry.run("check").status, registry.run("schema diff --from page").status), (0, 0));

    // A page without the label is no difference. With a value, it is a label like any other.
    registry.write("page", "# TYPE size_bytes gauge\nsize_bytes{device=\"a\"} 1\n");
    assert_eq!(registry.run("schema diff --from page").status, 0);
    assert_eq!(registry.run("schema pull --from page").out, "");
    assert!(registry.read("metrics.toml").ends_with(expected), "{}", registry.read("metrics.toml"));
    registry.write("page", "# TYPE size_bytes gauge\nsize_bytes{device=\"a\",device_error=\"EIO\"} 1\n");
    assert_eq!(registry.run("schema diff --from page").status, 1);
    registry.run("schema pull --from page");
    assert!(
        registry.read("metrics.toml").ends_with("labels = [\"device\", \"device_error\", \"instance\", \"job\"]\n")
    );
    registry.write("page", "# TYPE size_bytes gauge\nsize_bytes{device=\"a\"} 1\n");
    registry.run("schema pull --from page --prune");
    assert!(registry.run("check").out.contains("error[undeclared-label]"));
}

#[test]
fn bounds_are_those_that_the_targets_store() {
    let registry = registry("bounds");
    fs::remove_file(registry.0.join("presets/http.toml")).unwrap();
    let mixed = "3.5\"\nvictoriametrics = \"1.102";
    let cases = [("2.45", "1", "=\"1\"", "1.0"), ("3.5", "1.0", "=\"1.0\"", "1"), (mixed, "1", "=~\"1|1[.]0\"", "1.0")];
    for (target, stored, right, wrong) in cases {
        registry.write("promql.toml", &format!("[target]\nprometheus = \"{target}\"\n"));
        registry.write(
            "presets/others.toml",
            &OTHERS.replace("le=\"1\"", &format!("le{right}")).replace("{{\"http.size\",", "other{{"),
        );
        let pulled = registry.run("schema pull --prune --from page");
        assert_eq!(pulled.status, 0, "{}", pulled.err);
        assert!(
            registry.read("metrics.toml").contains(&format!("le = [\"+Inf\", \"{stored}\"]")),
            "{}",
            registry.read("metrics.toml")
        );
        let right = registry.run("check").out;
        assert!(!right.contains("float-label-format"), "{right}");
        registry.write("presets/others.toml", &OTHERS.replace("le=\"1\"", &format!("le=\"{wrong}\"")));
        let found = registry.run("check").out;
        assert!(found.contains("error[float-label-format]"), "{found}");
    }
}

#[test]
fn nothing_is_written_where_something_is_wrong() {
    let registry = registry("wrong");
    registry.write("page", "ok 1\na{b=\"c} 1\n# TYPE x y\n");
    let broken = registry.run("schema pull --from page");
    assert_eq!(broken.status, 2);
    assert_eq!(
        broken.err,
        "error: not an exposition page\n --> page:2:5: unclosed `\"`\n --> page:3:10: unknown type `y` of `x`\n  |\n  \
         = help: one such line fails the whole scrape in Prometheus too: fix what writes the page\n"
    );
    for source in ["--from nowhere", "--from http://127.0.0.1:1/metrics", "--url http://127.0.0.1:1", "--url nonsense"]
    {
        for command in ["pull", "diff"] {
            let run = registry.run(&format!("schema {command} {source}"));
            assert_eq!((run.status, run.out.as_str()), (2, ""), "{source}: {}", run.err);
            assert!(run.err.starts_with("error: "), "{}", run.err);
        }
    }
    let none = registry.run("schema pull");
    assert!(
        none.status == 2 && none.err.starts_with("error: no server given\n  |\n  = help: write `--url "),
        "{}",
        none.err
    );
    assert!(!registry.0.join("metrics.toml").exists());

    registry.write("page", PAGE);
    registry.write("metrics.toml", "[up]\ntyp = \"gauge\"\n");
    let faulty = registry.run("schema pull --from page");
    assert_eq!(faulty.status, 1);
    assert!(
        faulty.out.starts_with("error[unknown-key]: ") && faulty.out.contains("--> metrics.toml:2:1\n"),
        "{}",
        faulty.out
    );
    fs::remove_file(registry.0.join("metrics.toml")).unwrap();

    registry.write("presets/http.toml", &PRESETS.replace("rate({", "rat({"));
    let pruned = registry.run("schema pull --from page --prune");
    assert!(pruned.status == 1 && pruned.err.starts_with("error: presets have errors"), "{}", pruned.err);
    let pulled = registry.run("schema pull --from page");
    assert!(
        pulled.status == 0 && pulled.err.starts_with("presets that cannot be read are left out: "),
        "{}",
        pulled.err
    );
    assert!(!registry.read("metrics.toml").contains("http_requests_total"));
}

#[test]
fn secrets_are_never_arguments() {
    let registry = registry("secrets");
    let run = |options: &str| registry.run(&format!("schema diff --url http://127.0.0.1:1 {options}"));
    let missing = run("--bearer-token s3cret");
    assert_eq!(missing.status, 2);
    assert!(
        missing.err.starts_with("error: cannot read the value for `--bearer-token` from its file: "),
        "{}",
        missing.err
    );
    assert!(!missing.err.contains("s3cret"), "{}", missing.err);
    assert!(run("--header X-Key=env:NOT_SET_ANYWHERE").err.contains("variable `NOT_SET_ANYWHERE`: "));
    assert!(run("--header X-Key").err.contains("expected a name and a source"));
    registry.write("user", "me\n");
    assert!(run("--basic-auth user").err.contains("does not hold `user:password`"));
    assert!(run("--basic-auth user --bearer-token user").err.contains("cannot be used with"));
}

/// A crate outside of this workspace, like that of a user.
fn service(name: &str, presets: &str) -> Folder {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n\
         [dependencies]\npromql-presets = {{ path = '{root}' }}\n\
         [build-dependencies]\npromql-presets-compiler = {{ path = '{root}/compiler' }}\n"
    );
    let folder = Folder::new(
        name,
        &[
            ("Cargo.toml", &manifest),
            ("build.rs", "fn main() {\n    promql_presets_compiler::build(\"presets\");\n}\n"),
            ("src/lib.rs", "pub mod presets {\n    promql_presets::include_presets!();\n}\n"),
            ("presets/http.toml", presets),
        ],
    );
    // The versions of this workspace's own lock file, which need no network.
    fs::copy(format!("{root}/Cargo.lock"), folder.0.join("Cargo.lock")).unwrap();
    folder
}

/// The errors of a build; `None` if it passes.
pub(crate) fn build(folder: &Folder) -> Option<String> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // The folder of the library's own tests, so that dependencies are built once.
    cargo.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("services"));
    cargo.env_remove("RUSTFLAGS").env("CARGO_TERM_COLOR", "never");
    let output = cargo.args(["check", "--offline"]).current_dir(&folder.0).output().unwrap();
    (!output.status.success()).then(|| String::from_utf8(output.stderr).unwrap())
}

#[test]
fn a_renamed_metric_fails_the_build_with_its_new_name() {
    let presets = "[presets.rate]\ntemplate = 'sum by ({group_by})(rate(http_requests_total{{{labels}}}[5m]))'\n";
    let folder = service("schema-renamed", presets);
    let run = |arguments: &str| run_in(&folder.0, &arguments.split(' ').collect::<Vec<_>>(), b"");
    let page = Page::serve("# TYPE http_requests_total counter\nhttp_requests_total{code=\"200\"} 1\n");
    assert_eq!(run(&format!("schema pull --from {}", page.url())).status, 0);
    assert_eq!(build(&folder), None);

    page.set("# TYPE http_request_total counter\nhttp_request_total{code=\"200\"} 1\n");
    let diff = run(&format!("schema diff --from {}", page.url()));
    assert_eq!(diff.status, 1);
    assert!(
        diff.out.starts_with("- http_requests_total: ") && diff.out.ends_with(" (read by `http::rate`)\n"),
        "{}",
        diff.out
    );
    assert_eq!(build(&folder), None, "a build is offline");

    assert_eq!(run(&format!("schema pull --prune --from {}", page.url())).status, 0);
    let errors = build(&folder).unwrap();
    let expected = "\
       2 | template = 'sum by ({group_by})(rate(http_requests_total{{{labels}}}[5m]))'
         |                                      ^^^^^^^^^^^^^^^^^^^ ";
    assert!(errors.contains(expected), "{errors}");
    assert!(errors.contains("= help: a metric with a similar name exists: `http_request_total`"), "{errors}");

    fs::write(folder.0.join("presets/http.toml"), presets.replace("http_requests_total", "http_request_total"))
        .unwrap();
    assert_eq!(build(&folder), None);
    run(&format!("schema pull --from {}", page.url()));
    assert_eq!(build(&folder), None);
    assert_eq!(run(&format!("schema diff --from {}", page.url())).status, 0);
}
