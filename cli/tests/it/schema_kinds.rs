//! `schema` with kinds of metrics that have other series than their name suggests, or that exist without any.

use std::fs;

use promql_presets_compiler::Snapshot;

use crate::Folder;

/// A file with one preset for each template, `p0` and so on.
fn presets(templates: &[&str]) -> String {
    let preset = |(number, template): (usize, &&str)| format!("[presets.p{number}]\ntemplate = '{template}'\n");
    templates.iter().enumerate().map(preset).collect()
}

fn folder(test: &str, templates: &[&str], page: &str) -> Folder {
    Folder::new(&format!("schema-{test}"), &[("presets/a.toml", &presets(templates)), ("page", page)])
}

/// Pulls twice, and compares: nothing differs then.
fn pull(folder: &Folder) -> String {
    let pulled = folder.run("schema pull --prune --from page");
    assert_eq!(pulled.status, 0, "{}", pulled.err);
    let text = folder.read("metrics.toml");
    let diff = folder.run("schema diff --from page");
    assert_eq!((diff.status, diff.out.as_str()), (0, ""), "{}", diff.err);
    assert_eq!(folder.run("schema pull --from page").out, "");
    assert_eq!(folder.read("metrics.toml"), text);
    text
}

const GAUGE_HISTOGRAM: &str = "\
# TYPE queue_wait gaugehistogram
# UNIT queue_wait seconds
queue_wait_bucket{le=\"1.0\"} 1
queue_wait_bucket{le=\"+Inf\"} 2
queue_wait_gsum 2
queue_wait_gcount 2
queue_wait_created 1.7e9
# EOF
";

#[test]
fn gauge_histograms() {
    let right = [
        "histogram_quantile(0.9, sum by (le) (queue_wait_bucket{{{labels}}}))",
        "sum(queue_wait_gsum{{{labels}}}) / sum(queue_wait_gcount{{{labels}}})",
        "time() - max(queue_wait_created{{{labels}}})",
    ];
    let folder = folder("gaugehistogram", &right, GAUGE_HISTOGRAM);
    let text = pull(&folder);
    for table in [
        "[queue_wait_bucket]\ntype   = \"gauge\"\nlabels = [\"instance\", \"job\", \"le\"]\n",
        "[queue_wait_created]\ntype   = \"gauge\"\nunit   = \"seconds\"\nlabels = [\"instance\", \"job\"]\n",
        "[queue_wait_gcount]\ntype   = \"gauge\"\nlabels = [\"instance\", \"job\"]\n",
        "[queue_wait_gsum]\ntype   = \"gauge\"\nunit   = \"seconds\"\nlabels = [\"instance\", \"job\"]\n",
    ] {
        assert!(text.contains(table), "{text}");
    }
    let checked = folder.run("check");
    assert_eq!((checked.status, checked.out.as_str()), (0, ""));
    for series in ["gcount", "gsum", "created", "bucket"] {
        let wrong = format!("sum by (le) (rate(queue_wait_{series}{{{{{{labels}}}}}}[5m]))")
            .replace("sum by (le)", if series == "bucket" { "sum by (le)" } else { "sum" });
        folder.write("presets/a.toml", &presets(&[&wrong]));
        let found = folder.run("check").out;
        assert!(found.starts_with("error[rate-on-gauge]") && found.matches("error[").count() == 1, "{found}");
    }
    // The family itself has no series.
    folder.write("presets/a.toml", &presets(&["queue_wait{{{labels}}}"]));
    assert!(folder.run("schema pull --prune --from page").out.starts_with("- queue_wait: does not exist"));
}

#[test]
fn times_of_creation() {
    let page = "# TYPE http_requests counter\n# UNIT http_requests requests\nhttp_requests_total 1\nhttp_requests_created 1\n\
        # TYPE rpc_bytes histogram\nrpc_bytes_bucket{le=\"+Inf\"} 1\nrpc_bytes_sum 1\nrpc_bytes_count 1\nrpc_bytes_created 1\n# EOF\n";
    let created = ["time() - max(http_requests_created{{{labels}}})", "max(rpc_bytes_created{{{labels}}})"];
    let folder = folder("created", &created, page);
    let text = pull(&folder);
    assert!(text.contains("[http_requests_created]\ntype   = \"gauge\"\nunit   = \"seconds\"\n"), "{text}");
    assert!(text.contains("[rpc_bytes_created]\ntype   = \"gauge\"\nunit   = \"seconds\"\n"), "{text}");
    assert_eq!(folder.run("check").out, "");
    folder.write("presets/a.toml", &presets(&["rate(rpc_bytes_created{{{labels}}}[5m])"]));
    assert!(folder.run("check").out.contains("error[rate-on-gauge]"));
    // The name of the family is more similar.
    folder.write("presets/a.toml", &presets(&["rate(http_requests{{{labels}}}[5m])"]));
    let pulled = folder.run("schema pull --prune --from page");
    assert!(pulled.out.contains("a metric with a similar name does: `http_requests_total`"), "{}", pulled.out);
    let found = folder.run("check").out;
    assert!(found.contains("a metric with a similar name exists: `http_requests_total`"), "{found}");
    // Not all clients write it.
    folder.write("page", &page.replace("rpc_bytes_created 1\n", ""));
    folder.write("presets/a.toml", &presets(&["max(rpc_bytes_created{{{labels}}}) - max(rpc_bytes_sum{{{labels}}})"]));
    let pulled = folder.run("schema pull --prune --from page");
    assert!(pulled.out.contains("- rpc_bytes_created: does not exist"), "{}", pulled.out);
    assert!(folder.run("check").out.contains("error[unknown-metric]: no metric `rpc_bytes_created`"));
}

#[test]
fn summaries_without_quantiles() {
    let page = "# TYPE gc_seconds summary\ngc_seconds_sum 1\ngc_seconds_count 1\n";
    let right = "rate(gc_seconds_sum{{{labels}}}[5m]) / rate(gc_seconds_count{{{labels}}}[5m])";
    let folder = folder("no-quantiles", &[right], page);
    let text = pull(&folder);
    assert!(text.contains("values = { quantile = [] }\n"), "{text}");
    assert_eq!(folder.run("check").out, "");
    for wrong in [
        "gc_seconds{{quantile=\"0.9\",{labels}}}",
        "gc_seconds{{{labels}}}",
        "max by (quantile) (gc_seconds{{{labels}}})",
    ] {
        folder.write("presets/a.toml", &presets(&[wrong]));
        let found = folder.run("check").out;
        assert!(found.starts_with("error[undeclared-metric]") && found.matches("error[").count() == 1, "{found}");
        assert!(found.contains("write `gc_seconds_sum` or `gc_seconds_count`"), "{found}");
    }
    // Once it has some, the next pull finds them.
    folder.write("page", &format!("{page}gc_seconds{{quantile=\"0.9\"}} 1\n"));
    let diff = folder.run("schema diff --from page");
    assert_eq!(diff.out, "~ gc_seconds: its label `quantile` has a new value `0.9` (read by `a::p0`)\n");
    folder.run("schema pull --from page");
    assert_eq!(folder.run("check").out, "");
}

#[test]
fn buckets_that_a_page_has_later() {
    let of = |bounds: &[&str]| {
        let buckets = bounds.iter().map(|le| format!("rpc_seconds_bucket{{le=\"{le}\"}} 1\n"));
        format!("# TYPE rpc_seconds histogram\nrpc_seconds_sum 1\nrpc_seconds_count 1\n{}", buckets.collect::<String>())
    };
    let quantile = "histogram_quantile(0.9, sum by (le) (rate(rpc_seconds_bucket{{{labels}}}[5m])))";
    let folder = folder("later", &[quantile], &of(&["+Inf"]));
    pull(&folder);
    assert!(folder.run("check").out.contains("of a single bucket"));
    folder.write("page", &of(&["1", "+Inf"]));
    folder.run("schema pull --from page");
    assert_eq!(folder.run("check").out, "", "{}", folder.read("metrics.toml"));
}

#[test]
fn series_of_servers_exist() {
    let of_server = [
        "ALERTS{{{labels}}}",
        "ALERTS_FOR_STATE{{{labels}}}",
        "up{{{labels}}}",
        "scrape_timeout_seconds{{{labels}}}",
        "scrape_series_current{{{labels}}}",
        "scrape_samples_scraped{{{labels}}}",
        "max(ALERTS{{severity=\"page\",{labels}}})",
    ];
    let folder = folder("of-server", &of_server, "ok 1\n");
    let text = pull(&folder);
    assert!(!text.contains("ALERTS") && text.contains("[up]\ntype   = \"gauge\"\n"), "{text}");
    assert_eq!(folder.run("check").out, "");
}

#[test]
fn one_side_of_or_need_not_exist() {
    let page = "# TYPE node_memory_free_bytes gauge\nnode_memory_free_bytes 1\n# TYPE node_load1 gauge\nnode_load1 1\n";
    let both = "max(node_memory_free_bytes{{{labels}}} or memory_free{{{labels}}})";
    let folder = folder("or", &[both], page);
    let text = pull(&folder);
    assert_eq!(Snapshot::parse(&text).unwrap().metrics.len(), 1, "{text}");
    assert_eq!(folder.run("check").out, "");
    // Where it must exist, and where it is misspelt: the similar name may be that of another metric that presets read.
    for (template, name) in [
        (
            "max(node_load1{{{labels}}}) + max(node_memory_free_bytes{{{labels}}} or node_loads1{{{labels}}})",
            "node_loads1",
        ),
        ("max(memory_free{{{labels}}})", "memory_free"),
        (
            "max(node_memory_free_bytes{{{labels}}} or node_load_1{{{labels}}} or node_loads1{{{labels}}})",
            "node_loads1",
        ),
    ] {
        folder.write("presets/a.toml", &presets(&[both, template]));
        let pulled = folder.run("schema pull --prune --from page");
        assert!(pulled.out.contains(&format!("- {name}: does not exist")), "{}", pulled.out);
        let found = folder.run("check").out;
        assert!(found.contains(&format!("no metric `{name}`")), "{found}");
        assert_eq!(folder.run("schema diff --from page").status, 1);
    }
}

/// A metric that no preset reads has no table, but its name is there for the build to suggest it.
#[test]
fn similar_names() {
    let page = "# TYPE nginx_http_requests_total counter\nnginx_http_requests_total{host=\"a\"} 1\n\
        # TYPE rpc_duration_seconds histogram\nrpc_duration_seconds_bucket{le=\"+Inf\"} 1\nrpc_duration_seconds_bucket{le=\"1\"} 1\n";
    let wrong = [
        "rate(nginx_http_request_total{{{labels}}}[5m])",
        "sum by (le) (rate(rpc_durations_seconds_bucket{{{labels}}}[5m]))",
    ];
    let folder = folder("similar", &wrong, page);
    folder.run("schema pull --from page");
    let text = folder.read("metrics.toml");
    let snapshot = Snapshot::parse(&text).unwrap();
    assert_eq!(snapshot.similar.len(), 2, "{text}");
    // With what is known of the metrics that are probably meant.
    let suggested: Vec<&String> = snapshot.metrics.keys().collect();
    assert_eq!(suggested, ["nginx_http_requests_total", "rpc_duration_seconds"], "{text}");
    assert!(text.contains("[nginx_http_request_total]\n# does not exist, although presets read it\nsimilar = \"nginx_http_requests_total\"\n"), "{text}");
    let found = folder.run("check").out;
    for name in ["nginx_http_requests_total", "rpc_duration_seconds_bucket"] {
        assert!(found.contains(&format!("a metric with a similar name exists: `{name}`")), "{found}");
    }
    assert_eq!(folder.run("schema diff --from page").status, 1);
    // A declaration of the metric gets the same suggestion.
    let declared = "[metric]\nname = \"rpc_durations_seconds\"\ntype = \"histogram\"\n[presets.a]\n\
        template = 'sum by (le) (rate({metric_name}_bucket{{{labels}}}[5m]))'\n";
    folder.write("presets/a.toml", declared);
    assert!(folder.run("check").out.contains("exists: `rpc_duration_seconds`"));
    // The suggested metric exists already, before the next pull.
    let right = wrong.map(|template| template.replace("request_", "requests_").replace("durations", "duration"));
    folder.write("presets/a.toml", &presets(&right.each_ref().map(String::as_str)));
    assert_eq!(folder.run("check").out, "");
    folder.write("presets/a.toml", &presets(&["sum by (hots) (rate(nginx_http_requests_total{{{labels}}}[5m]))"]));
    let found = folder.run("check").out;
    assert!(found.contains("a label with a similar name exists: `host`"), "{found}");
    folder.write("presets/a.toml", &presets(&right.each_ref().map(String::as_str)));
    let text = pull(&folder);
    assert_eq!(Snapshot::parse(&text).unwrap().metrics.len(), 2, "{text}");
    assert!(!text.contains("similar"), "{text}");

    // Of several pages, the second one may have it.
    fs::remove_file(folder.0.join("metrics.toml")).unwrap();
    folder.write("presets/a.toml", &presets(&wrong));
    folder.run("schema pull --from page");
    folder.write("page", "up 1\n");
    folder.run("schema pull --from page");
    assert_eq!(Snapshot::parse(&folder.read("metrics.toml")).unwrap().similar.len(), 2);
    folder.run("schema pull --from page --prune");
    assert!(!folder.read("metrics.toml").contains("similar"));
}

#[test]
fn patterns_of_many_metrics() {
    let page: Vec<String> = (0..250).map(|number| format!("# TYPE many_{number} gauge\nmany_{number} 1\n")).collect();
    let folder = folder("many-matches", &["count({{__name__=~\"many_.+\",{labels}}})"], &page.concat());
    let pulled = folder.run("schema pull --from page");
    let note = "note: `many_.+` matches 250 metrics, of which only one is listed (read by `a::p0`)\n";
    assert!(pulled.err.contains(note), "{}", pulled.err);
    assert!(!pulled.err.contains("no type"), "{}", pulled.err);
    // The others may have any label and type.
    let any = [
        "max by (a) ({{__name__=~\"many_.+\",b=\"c\",{labels}}})",
        "max(rate({{__name__=~\"many_.+\",{labels}}}[5m]))",
    ];
    folder.write("presets/a.toml", &presets(&any));
    assert_eq!(folder.run("check").out, "");
    // A pattern that matches nothing leaves a file without metrics.
    folder.write("presets/a.toml", &presets(&["count({{__name__=~\"some_.+\",{labels}}})"]));
    fs::remove_file(folder.0.join("metrics.toml")).unwrap();
    folder.run("schema pull --from page");
    assert!(folder.run("check").out.contains("error[unknown-metric]: no metric matches `some_.+`"));
}

#[test]
fn long_lists_of_names_are_cut() {
    let page: Vec<String> = (0..40).map(|number| format!("untyped_{number} 1\n")).collect();
    let templates: Vec<String> = (0..40).map(|number| format!("max(untyped_{number}{{{{{{labels}}}}}})")).collect();
    let templates: Vec<&str> = templates.iter().map(String::as_str).collect();
    let pulled = folder("long-list", &templates, &page.concat()).run("schema pull --from page");
    let note = pulled.err.lines().find(|line| line.contains("no type in the metadata")).unwrap();
    assert!(note.ends_with(" and 28 more") && note.len() < 300, "{note}");
}
