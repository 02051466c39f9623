//! `schema` with real servers.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use promql_presets_compiler::{Snapshot, discover};
use promql_presets_test_support::{Dataset, prometheus, victoria_metrics};

use crate::Folder;
use crate::page::{Page, Proxy, scrape, wait};

const RULES: &str = "groups: [{name: a, rules: [{record: 'job:up:sum', expr: 'sum by (job) (up)'}]}]\n";

const OF_PAGE: &str = "\
[presets.a]
template = 'rate(http_requests_total{{{labels}}}[5m])'
[presets.b]
template = 'histogram_quantile(0.9, rate(latency_seconds_bucket{{{labels}}}[5m])) + latency_seconds_sum{{{labels}}}'
[presets.c]
template = '{{\"http.größe\",{labels}}}'
[presets.d]
template = 'gc_seconds{{{labels}}}'
[presets.e]
template = 'up{{{labels}}}'
[presets.f]
template = 'rate(pause_seconds_sum{{{labels}}}[5m]) / rate(pause_seconds_count{{{labels}}}[5m])'
[presets.g]
template = 'histogram_quantile(0.9, sum by (le) (queue_wait_bucket{{{labels}}})) * sum(queue_wait_gcount{{{labels}}})'
[presets.h]
template = 'time() - jobs_created{{{labels}}}'
";

const PAGE: &str = "\
# HELP http_requests All requests.
# TYPE http_requests counter
http_requests_total{code=\"200\",job=\"own\"} 3.0
# TYPE latency_seconds histogram
# UNIT latency_seconds seconds
latency_seconds_bucket{le=\"1.0\"} 1.0
latency_seconds_bucket{le=\"+Inf\"} 2.0
latency_seconds_sum 2.0
latency_seconds_count 2.0
# TYPE \"http.größe\" gauge
{\"http.größe\",\"a.b\"=\"c\"} 1.0
# HELP gc_seconds Pauses\\nof all.
# TYPE gc_seconds summary
gc_seconds{quantile=\"0.5\"} 1.0
gc_seconds_sum 2.0
gc_seconds_count 2.0
# TYPE jobs counter
jobs_total 1.0
jobs_created 1.7e9
# TYPE pause_seconds summary
pause_seconds_sum 2.0
pause_seconds_count 2.0
# TYPE queue_wait gaugehistogram
queue_wait_bucket{le=\"1.0\"} 1.0
queue_wait_bucket{le=\"+Inf\"} 2.0
queue_wait_gsum 2.0
queue_wait_gcount 2.0
# EOF
";

#[test]
fn a_page_and_the_server_that_scrapes_it_know_the_same() {
    let page = Page::serve(PAGE);
    let Some(server) = scrape(&[("page", &page.address)], RULES) else { return };
    let metrics = ["http_requests_total", "{\"http.größe\"}", "latency_seconds_sum", "gc_seconds_sum", "up"];
    wait(&server, &metrics);
    let folder = Folder::new("schema-both", &[("presets/a.toml", OF_PAGE)]);
    let pulled = folder.run(&format!("schema pull --from {}", page.url()));
    assert_eq!(pulled.status, 0, "{}", pulled.err);
    let of_page = folder.read("metrics.toml");
    assert!(of_page.contains("unit   = \"seconds\"") && of_page.contains("exported_job"), "{of_page}");
    fs::remove_file(folder.0.join("metrics.toml")).unwrap();
    for _ in 0..2 {
        let pulled = folder.run(&format!("schema pull --url {}", server.url()));
        assert_eq!(pulled.status, 0, "{}", pulled.err);
        assert_eq!(folder.read("metrics.toml"), of_page);
    }

    // Renamed: the server still has the old series, but no samples of them.
    page.set(&PAGE.replace("http_requests", "http_request"));
    wait(&server, &["http_request_total", "absent(http_requests_total)"]);
    let diff = folder.run(&format!("schema diff --url {}", server.url()));
    assert_eq!(diff.status, 1, "{}", diff.err);
    let expected = "- http_requests_total: does not exist; a metric with a similar name does: `http_request_total` (read by `a::a`)\n";
    assert_eq!(diff.out, expected);
    assert_eq!(folder.run(&format!("schema diff --from {}", page.url())).out, expected);
    let only = &OF_PAGE[..OF_PAGE.find("[presets.b]").unwrap()];
    fs::write(folder.0.join("presets/a.toml"), only).unwrap();
    assert_eq!(folder.run(&format!("schema diff --url {}", server.url())).out, expected);
}

#[test]
fn families_of_counters_with_and_without_their_suffix() {
    // As many exporters write it, the text format names a counter as its series; others name it as OpenMetrics does.
    let page = Page::serve(
        "# TYPE plain counter\nplain{x=\"1\",empty=\"\"} 1\n# TYPE family counter\nfamily_total 1\n# TYPE next counter\n",
    );
    let Some(server) = scrape(&[("page", &page.address)], RULES) else { return };
    wait(&server, &["plain", "family_total"]);
    let presets = |names: &[&str]| {
        names.iter().fold(String::new(), |mut all, name| {
            _ = writeln!(all, "[presets.{name}]\ntemplate = 'rate({name}{{{{{{labels}}}}}}[5m])'");
            all
        })
    };
    let folder =
        Folder::new("schema-families", &[("presets/a.toml", &presets(&["plain_total", "family", "next_total"]))]);
    for source in [format!("--url {}", server.url()), format!("--from {}", page.url())] {
        let pulled = folder.run(&format!("schema pull --prune {source}"));
        for expected in [
            "- plain_total: does not exist; a metric with a similar name does: `plain` (read by",
            "- family: does not exist; a metric with a similar name does: `family_total` (read by",
            "+ next_total: a counter (read by",
        ] {
            assert!(pulled.out.contains(expected), "{source}: {}{}", pulled.out, pulled.err);
        }
        let found = Snapshot::parse(&folder.read("metrics.toml")).unwrap();
        assert_eq!(found.metrics.keys().collect::<Vec<_>>(), ["family_total", "next_total", "plain"], "{source}");
        assert_eq!(found.similar["family"], "family_total", "{source}");
        assert_eq!(found.similar["plain_total"], "plain", "{source}");
        // Metrics of the file do not change what is similar.
        let compared = folder.run(&format!("schema diff {source}"));
        assert!(compared.out.contains("similar name does: `plain` (read by"), "{source}: {}", compared.out);
        fs::remove_file(folder.0.join("metrics.toml")).unwrap();
    }
    fs::write(folder.0.join("presets/a.toml"), presets(&["plain", "family_total"])).unwrap();
    folder.run(&format!("schema pull --from {}", page.url()));
    let of_page = folder.read("metrics.toml");
    assert!(of_page.contains("empty  = [\"empty\"]"), "{of_page}");
    // Servers do not store labels that are empty on a page.
    for arguments in ["schema diff", "schema pull", "schema pull --prune"] {
        let run = folder.run(&format!("{arguments} --url {}", server.url()));
        assert_eq!(
            (run.status, run.out.as_str(), folder.read("metrics.toml")),
            (0, "", of_page.clone()),
            "{}",
            run.err
        );
    }
}

const OF_SERVERS: &str = "\
[presets.native]
template = 'histogram_quantile(0.9, rate(prometheus_http_request_duration_seconds{{{labels}}}[5m]))'
[presets.recorded]
template = '{{\"job:up:sum\",{labels}}}'
[presets.counter]
template = 'rate(prometheus_http_requests_total{{{labels}}}[5m])'
[presets.pattern]
template = '{{__name__=~\"prometheus_tsdb_head_ser.+\",{labels}}}'
[presets.victoria]
template = 'rate(vm_http_requests_total{{{labels}}}[5m])'
[presets.memory]
template = 'process_resident_memory_bytes{{{labels}}}'
";

#[test]
fn real_exporters_native_histograms_and_recording_rules() {
    let Some(victoria) = victoria_metrics::shared() else { return };
    let Some(server) = scrape(&[("victoria", victoria.url().strip_prefix("http://").unwrap())], RULES) else { return };
    wait(&server, &["prometheus_http_requests_total", "vm_http_requests_total", "{\"job:up:sum\"}"]);
    // Prometheus' page has histograms once it has served requests.
    wait(&server, &["histogram_count(prometheus_http_request_duration_seconds)"]);
    let folder = Folder::new("schema-exporters", &[("presets/a.toml", OF_SERVERS)]);
    let pulled = folder.run(&format!("schema pull --url {}", server.url()));
    assert_eq!(pulled.status, 0, "{}", pulled.err);
    let found = folder.read("metrics.toml");
    for expected in [
        "[prometheus_http_request_duration_seconds]\ntype   = \"native_histogram\"\nhelp   = \"Histogram of latencies for HTTP requests.\"\nlabels = [\"handler\", \"instance\", \"job\"]\n",
        "[\"job:up:sum\"]\ntype   = \"unknown\"\nlabels = [\"job\"]\n",
        "[prometheus_http_requests_total]\ntype   = \"counter\"\nhelp   = \"Counter of HTTP requests.\"\n",
        "[vm_http_requests_total]\n",
        "[prometheus_tsdb_head_series]\ntype   = \"gauge\"\n",
    ] {
        assert!(found.contains(expected), "{expected}\n{found}");
    }
    let diff = folder.run(&format!("schema diff --url {}", server.url()));
    assert_eq!((diff.status, diff.out.as_str()), (0, ""));
    // A page shows the native histogram as a classic one, and has no recording rules.
    let diff = folder.run(&format!("schema diff --from {0}/metrics --from {1}/metrics", server.url(), victoria.url()));
    assert_eq!(diff.out, "- job:up:sum: does not exist (read by `a::recorded`)\n");
}

#[test]
fn servers_with_old_data_and_without_metadata() {
    let presets = "[labels]\nendpoint = [\"x\"]\nmethod = [\"x\"]\ndomain = [\"x\"]\nstatus_code = [\"x\"]\n\
        [presets.a]\ntemplate = 'sum by ({group_by})(rate(backendai_api_request_count_total{{{labels}}}[5m]))'\n\
        [presets.utf8]\ntemplate = '{{\"no.such\",{labels}}}'\n";
    let end = Dataset::of_tests().end();
    for server in prometheus::shared().into_iter().chain(victoria_metrics::shared()) {
        let folder = Folder::new("schema-old", &[("presets/a.toml", presets)]);
        let pulled = folder.run(&format!("schema pull --url {} --at {end}", server.url()));
        assert_eq!(pulled.status, 0, "{}", pulled.err);
        // Also on servers that cannot parse the name.
        assert!(pulled.out.contains("- no.such: does not exist (read by"), "{}", pulled.out);
        fs::write(folder.0.join("presets/a.toml"), presets.split("[presets.utf8]").next().unwrap()).unwrap();
        let found = folder.read("metrics.toml");
        // VictoriaMetrics has kept the type that came with the data, Prometheus has not.
        let has_type = found.contains("[backendai_api_request_count_total]\ntype   = \"counter\"\n");
        let note = "note: there is no type in the metadata of `backendai_api_request_count_total`\n";
        assert!(has_type != pulled.err.contains(note), "{}{found}", pulled.err);
        assert!(has_type || found.contains("[backendai_api_request_count_total]\ntype   = \"unknown\"\n"), "{found}");
        assert!(found.contains("values.endpoint = [\"/auth\", \"/events\", \"/folders\", \"/session\"]"), "{found}");
        assert_eq!(folder.run(&format!("schema diff --url {} --at {end}", server.url())).status, 0);
        // The type of the file is not lost.
        fs::write(folder.0.join("metrics.toml"), found.replace("\"unknown\"", "\"counter\"")).unwrap();
        assert_eq!(folder.run(&format!("schema pull --url {} --at {end}", server.url())).out, "");
    }
}

#[test]
fn the_catalogue_has_no_findings_with_a_snapshot() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let files = discover::discover(&root.join("presets"), "presets").unwrap();
    let files: Vec<_> = files.iter().map(|file| (file.path.as_str(), file.text.as_str())).collect();
    let end = Dataset::of_tests().end();
    for server in prometheus::shared().into_iter().chain(victoria_metrics::shared()) {
        let folder = Folder::new("schema-catalogue", &files);
        let pulled = folder.run(&format!("schema pull --url {} --at {end}", server.url()));
        assert_eq!(pulled.status, 0, "{}", pulled.err);
        assert!(!pulled.err.contains("does not exist"), "{}", pulled.err);
        assert!(
            Snapshot::parse(&folder.read("metrics.toml")).unwrap().metrics.len() > 15,
            "{}",
            folder.read("metrics.toml")
        );
        let checked = folder.run("check");
        assert_eq!((checked.status, checked.out.as_str()), (0, ""), "{}", checked.err);
        let diff = folder.run(&format!("schema diff --url {} --at {end}", server.url()));
        assert_eq!((diff.status, diff.out.as_str()), (0, ""), "{}", diff.err);
    }
}

#[test]
fn three_hundred_metrics_take_seconds_and_few_requests() {
    let (mut text, mut presets) = (String::new(), "[labels]\ncode = [\"200\", \"500\"]\nx = [\"1\"]\n".to_owned());
    for number in 0..300 {
        let (kind, suffix, label) =
            if number % 3 == 0 { ("histogram", "_bucket", ",le=\"+Inf\"") } else { ("gauge", "", "") };
        writeln!(text, "# TYPE metric_{number} {kind}\nmetric_{number}{suffix}{{code=\"200\",x=\"1\"{label}}} 1")
            .unwrap();
        writeln!(presets, "[presets.p{number}]\ntemplate = 'sum(metric_{number}{suffix}{{{{{{labels}}}}}})'").unwrap();
    }
    let page = Page::serve(&text);
    let Some(server) = scrape(&[("page", &page.address)], RULES) else { return };
    wait(&server, &["metric_299"]);
    let folder = Folder::new("schema-many", &[("presets/a.toml", &presets)]);
    let proxy = Proxy::to(server.url());
    let start = Instant::now();
    let pulled = folder.run(&format!("schema pull --url {}", proxy.url));
    let (elapsed, (requests, at_once)) = (start.elapsed(), proxy.counts());
    assert_eq!(pulled.status, 0, "{}", pulled.err);
    assert!(pulled.err.ends_with("metrics.toml: 300 metrics; 300 added\n"), "{}", pulled.err);
    assert!(requests <= 3 * 300 + 10 && at_once <= 30, "{requests} requests, {at_once} at once");
    assert!(elapsed < Duration::from_secs(20), "{elapsed:?}");
}
