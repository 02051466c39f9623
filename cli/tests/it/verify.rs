//! `verify` with real servers.

use std::fs;

use promql_presets_core::Querier;
use promql_presets_test_support::{Dataset, prometheus, victoria_metrics};
use promql_presets_testing::{MockPrometheus, MockResponse, series};
use serde_json::Value;

use crate::page::{Page, scrape, wait};
use crate::{Folder, Run, run_in};

fn verify(folder: &Folder, url: &str, arguments: &str) -> Run {
    let arguments = format!("verify --url {url} {arguments}");
    run_in(&folder.0, &arguments.split_whitespace().collect::<Vec<_>>(), b"")
}

/// The reports on one line each, without times.
fn reports(folder: &Folder, url: &str, arguments: &str) -> Vec<String> {
    let run = verify(folder, url, &format!("{arguments} --format json"));
    let line = |line: &str| {
        let report: Value = serde_json::from_str(line).unwrap();
        let text = |field: &str| report[field].as_str().unwrap_or_default().to_owned();
        let help = report["help"].as_str().map(|help| format!("; {help}")).unwrap_or_default();
        let (file, place) = (text("file"), format!("{}:{}", report["line"], report["column"]));
        let message = text("message").split(" series in ").next().unwrap().to_owned();
        format!("{file}:{place}: {}: {}: {message}{help}", text("severity"), text("preset"))
    };
    run.out.lines().map(line).collect()
}

const PAGE: &str = "\
# TYPE http_requests_total counter
http_requests_total{method=\"get\",code=\"200\",tenant=\"a\",id=\"1\"} 3
http_requests_total{method=\"put\",code=\"200\",tenant=\"a\",id=\"x\"} 3
# TYPE queue gauge
queue{name=\"a\"} 3
";

const HTTP: &str = "\
[metric]
name = \"http_requests_total\"
[labels]
tenant = { type = \"string\", required = true }
method = [\"get\", \"post\"]
id     = \"integer\"
region = \"string\"
code   = \"string\"

[presets.rate]
template = '''
sum by ({group_by}) (
  rate({metric_name}{{{labels}}}[{window}])
)'''
window = \"5m\"

[presets.hasty]
template = 'sum by ({group_by})(rate({metric_name}{{{labels}}}[{window}]))'
window = \"3s\"

[presets.errors]
template = \"sum by ({group_by})(rate({metric_name}{{code=\\\"500\\\",{labels}}}[5m])) / on ({group_by}) sum by ({group_by})(rate({metric_name}{{{labels}}}[5m]))\"
";

const QUEUE: &str = "\
[presets.growth]
template = 'deriv(queue{{{labels}}}[5m]) + rate(queue{{{labels}}}[5m])'
allow = [{ check = \"rate-on-gauge\", reason = \"a test\" }]
[presets.gone]
template = 'sum(queue{{{labels}}}) / sum(no_queue{{{labels}}})'
[presets.joined]
template = 'queue{{{labels}}} / on (name, job) up{{{labels}}}'
[presets.full]
template = 'queue{{{labels}}} > 5'
[presets.any]
template = 'max({metric_name}{{{labels}}})'
[presets.broken]
template = 'max({metric_name}{{{labels}}}'
";

#[test]
fn a_server_knows_what_a_build_cannot() {
    let page = Page::serve(PAGE);
    let Some(server) = scrape(&[("page", &page.address)], "groups: []\n") else { return };
    // Four samples show the interval.
    wait(&server, &["count_over_time(queue[1m]) > 4", "up{job=\"page\"}"]);
    let folder = Folder::new("verify", &[("presets/http.toml", HTTP), ("presets/sub/queue.toml", QUEUE)]);
    let all = verify(&folder, server.url(), "");
    assert_eq!(all.status, 1, "{}", all.err);
    assert_eq!(
        reports(&folder, server.url(), ""),
        [
            "presets/http.toml:5:1: error: http::rate: the label `method` has values that are not one of `get`, `post`: `put`",
            "presets/http.toml:5:1: info: http::rate: no series has these values of the label `method`: `post`",
            "presets/http.toml:6:1: error: http::rate: the label `id` has values that are not an integer: `x`",
            "presets/http.toml:7:1: error: http::rate: no series of `http_requests_total` has the label `region`",
            "presets/http.toml:18:38: error: http::hasty: the window of `3s` is shorter than four scrapes: `http_requests_total` has a sample every `1s`; use at least `4s`",
            "presets/http.toml:22:38: error: http::errors: returns nothing: no series of `http_requests_total` has `code=\"500\"`; `code` is `200`",
            "presets/sub/queue.toml:2:49: info: sub::queue::growth: PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \"queue\"",
            "presets/sub/queue.toml:1:10: ok: sub::queue::growth: 1",
            "presets/sub/queue.toml:5:42: error: sub::queue::gone: returns nothing: the server has no series of `no_queue`",
            "presets/sub/queue.toml:7:13: error: sub::queue::joined: returns nothing: no series of the two sides of `/` have the same labels",
            "presets/sub/queue.toml:9:13: info: sub::queue::full: returns nothing: nothing passes the comparison `>`",
            "presets/sub/queue.toml:8:10: ok: sub::queue::full: 0",
            "presets/sub/queue.toml:10:10: info: sub::queue::any: takes the name of a metric; name one with `--name`",
            "presets/sub/queue.toml:12:10: error: sub::queue::broken: has errors; run `promql-presets check`",
        ]
    );
    assert!(all.err.starts_with("the server is compatible with Prometheus "), "{}", all.err);
    assert!(all.err.ends_with("9 presets: 8 errors\n"), "{}", all.err);

    let named = verify(&folder, server.url(), "sub::queue::any --name queue --max-series 1 --max-time 1m");
    assert_eq!((named.status, named.out.split(" in ").next().unwrap()), (0, "ok: sub::queue::any: 1 series"));
    let many = verify(&folder, server.url(), "http::rate --max-series 0 --max-time 0s --format json");
    let objects: Vec<Value> = many.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<&str> = objects.iter().map(|object| object["kind"].as_str().unwrap()).collect();
    assert!(kinds.contains(&"series") && kinds.contains(&"label"), "{kinds:?}");
    let series = objects.iter().find(|object| object["kind"] == "series").unwrap();
    assert_eq!((&series["message"], &series["series"]), (&"1 series, more than 0".into(), &1.into()));
    // A required label has a value that exists.
    let query = "\nsum by () (\n  rate(http_requests_total{tenant=\"a\"}[5m])\n)";
    assert_eq!(format!("\n{}", series["query"].as_str().unwrap()), query);
    let gone = "error: sub::queue::gone: returns nothing
 --> presets/sub/queue.toml:5:42
  |
5 | template = 'sum(queue{{{labels}}}) / sum(no_queue{{{labels}}})'
  |                                          ^^^^^^^^^^^^^^^^^^^^ the server has no series of `no_queue`
";
    assert_eq!(verify(&folder, server.url(), "sub::queue::gone").out, gone);
    let early = verify(&folder, server.url(), "sub::queue::gone --at 1000000000").out;
    assert!(early.contains(" the server has no series of `queue` at that time\n"), "{early}");
    assert_eq!(reports(&folder, server.url(), "sub::queue").len(), 8);
    // The first chosen preset of a file reports on its labels, even if the server has no data for it.
    for (names, preset) in [("http::hasty", "hasty"), ("http::errors http::hasty", "hasty"), ("http::errors", "errors")]
    {
        let all = reports(&folder, server.url(), names);
        let labels: Vec<&String> = all.iter().filter(|line| line.contains(" label `")).collect();
        assert_eq!(labels.len(), 4, "{all:?}");
        assert!(labels.iter().all(|line| line.contains(&format!(" http::{preset}: "))), "{all:?}");
    }
}

#[test]
fn labels_are_checked_if_the_first_preset_of_a_file_does_not_run() {
    let file = "[labels]\ncode = [\"200\"]\n\
        [presets.broken]\ntemplate = 'max({metric_name}{{{labels}}}'\n\
        [presets.any]\ntemplate = 'max({metric_name}{{{labels}}})'\n\
        [presets.rejected]\ntemplate = 'max(a{{{labels}}})'\n\
        [presets.good]\ntemplate = 'max(b{{{labels}}})'\n";
    let folder = Folder::new("verify-first", &[("presets/mixed.toml", file)]);
    let mock = MockPrometheus::start();
    mock.on_path("/api/v1/status/buildinfo").returns(MockResponse::http(404, "text/plain", "")).any_times();
    mock.on_path("/api/v1/features").returns(MockResponse::http(404, "text/plain", "")).any_times();
    mock.on_raw("max(a{})").returns(MockResponse::error("bad_data", "too bad").status(400));
    mock.on_raw("max(b{})").returns(series![{} => "7"]).any_times();
    let (a, b) = (Querier::new("a"), Querier::new("b"));
    let labels = || MockResponse::data(r#"["code"]"#);
    let values = || MockResponse::data(r#"["200", "500"]"#);
    mock.on_labels().matching(&a).matching(&b).returns(labels());
    mock.on_label_values("code").matching(&a).matching(&b).returns(values());
    let wrong = "the label `code` has values that are not one of `200`: `500`";
    assert_eq!(
        reports(&folder, mock.url(), ""),
        [
            "presets/mixed.toml:3:10: error: mixed::broken: has errors; run `promql-presets check`",
            "presets/mixed.toml:5:10: info: mixed::any: takes the name of a metric; name one with `--name`",
            "presets/mixed.toml:7:10: error: mixed::rejected: the server rejects the query: too bad",
            &format!("presets/mixed.toml:2:1: error: mixed::rejected: {wrong}"),
            "presets/mixed.toml:9:10: ok: mixed::good: 1",
        ]
    );
    mock.on_labels().matching(&b).returns(labels());
    mock.on_label_values("code").matching(&b).returns(values());
    assert_eq!(
        reports(&folder, mock.url(), "mixed::good"),
        [format!("presets/mixed.toml:2:1: error: mixed::good: {wrong}")]
    );
}

#[test]
fn a_server_that_cannot_be_reached_is_no_finding() {
    let folder = Folder::new("verify-unreachable", &[("presets/queue.toml", QUEUE)]);
    for url in ["http://127.0.0.1:1", "nonsense"] {
        let run = verify(&folder, url, "");
        assert_eq!((run.status, run.out.as_str()), (2, ""), "{}", run.err);
        assert!(run.err.starts_with("error: "), "{}", run.err);
    }
    let run = verify(&folder, "http://127.0.0.1:1", "queue::gon");
    assert_eq!(
        run.err,
        "error: no preset `queue::gon`\n  |\n  = help: a preset with a similar name exists: `queue::gone`\n"
    );
    // A server other than Prometheus.
    let page = Page::serve("<html>hello</html>");
    assert_eq!(verify(&folder, &format!("http://{}", page.address), "").status, 2);
}

#[test]
fn functions_are_looked_up_in_the_features_of_the_server() {
    let features = r#"{"version":"3.9.0","promql_functions":{"rate":true,"deriv":false}}"#;
    let mock = MockPrometheus::start();
    mock.on_path("/api/v1/status/buildinfo").returns(MockResponse::data(r#"{"version":"3.9.0"}"#));
    mock.on_path("/api/v1/features").returns(MockResponse::data(features));
    // The server has what `metrics.toml` lacks.
    let known = ("metrics.toml", "[other]\ntype = \"gauge\"\n");
    let folder = Folder::new("verify-features", &[("presets/queue.toml", QUEUE), known]);
    let run = verify(&folder, mock.url(), "queue::growth");
    let expected = "error: queue::growth: the server does not have the function `deriv`
 --> presets/queue.toml:2:13
  |
2 | template = 'deriv(queue{{{labels}}}[5m]) + rate(queue{{{labels}}}[5m])'
  |             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  |
  = note: query: deriv(queue{}[5m]) + rate(queue{}[5m])
";
    assert_eq!((run.status, run.out.as_str()), (1, expected), "{}", run.err);
}

#[test]
fn functions_that_victoria_metrics_lacks_are_shown() {
    let file = "features = [\"promql-experimental-functions\"]\n[presets.a]\n\
        template = 'max(a{{{labels}}}) + double_exponential_smoothing(b{{{labels}}}[5m], 0.5, 0.5)'\n";
    let folder = Folder::new("verify-victoria-metrics", &[("presets/sizes.toml", file)]);
    let mock = MockPrometheus::start();
    mock.on_path("/api/v1/status/buildinfo").returns(MockResponse::data(r#"{"version":"2.24.0"}"#));
    mock.on_path("/api/v1/features").returns(MockResponse::http(400, "text/plain", "unsupported path"));
    let query = "max(a{}) + double_exponential_smoothing(b{}[5m], 0.5, 0.5)";
    let message = format!(
        "error when executing query=\"{query}\" for (time=1795864550548, step=300000): unsupported function \"double_exponential_smoothing\""
    );
    mock.on_raw(query).returns(MockResponse::error("422", message).status(422));
    let run = verify(&folder, mock.url(), "--format json");
    let report: Value = serde_json::from_str(&run.out).unwrap();
    let found = (&report["kind"], &report["line"], &report["column"]);
    assert_eq!(found, (&"rejected".into(), &3.into(), &34.into()), "{report}");
}

#[test]
fn the_catalogue_holds_on_servers_with_old_data() {
    let presets = concat!(env!("CARGO_MANIFEST_DIR"), "/../presets");
    let end = Dataset::of_tests().end();
    for server in prometheus::shared().into_iter().chain(victoria_metrics::shared()) {
        let folder = Folder::new("verify-catalogue", &[("x", "")]);
        let run =
            verify(&folder, server.url(), &format!("--dir {presets} --at {end} api_requests container_utilization"));
        assert!(run.out.lines().any(|line| line.starts_with("ok: api_requests::")), "{}{}", run.out, run.err);
        let wrong: Vec<&str> = run.out.lines().filter(|line| line.starts_with("error: ")).collect();
        assert_eq!(wrong, [""; 0], "{}", run.err);
        fs::remove_file(folder.0.join("x")).unwrap();
    }
}

#[test]
fn the_window_of_a_preset_may_have_old_samples() {
    let file = "[metric]\nname = \"backendai_api_request_count_total\"\n[labels]\ndomain = \"string\"\n[presets.increase]\n\
                template = 'sum(increase({metric_name}{{{labels}}}[{window}]))'\nwindow = \"1h\"\n";
    let at = Dataset::of_tests().end() + 360;
    for server in prometheus::shared().into_iter().chain(victoria_metrics::shared()) {
        let folder = Folder::new("verify-window", &[("presets/api.toml", file)]);
        let arguments = format!("--at {at} --label domain=nowhere");
        let reports = reports(&folder, server.url(), &arguments);
        let expected = "api::increase: returns nothing: no series of `backendai_api_request_count_total` has `domain=\"nowhere\"`; \
                        `domain` is `default` or `research`";
        assert!(reports.iter().any(|report| report.ends_with(expected)), "{reports:?}");
    }
}

#[test]
fn results_that_are_not_a_number() {
    let file = "[presets.ratio]\ntemplate = 'sum(rate(backendai_api_request_count_total{{{labels}}}[5m]) * 0) \
                / (sum(rate(backendai_api_request_count_total{{{labels}}}[5m])) * 0)'\n\
                [presets.idle]\ntemplate = 'histogram_quantile(0.9, sum by (le) \
                (rate(prometheus_http_request_duration_seconds_bucket{{{labels}}}[5m]) * 0))'\n\
                [presets.other]\ntemplate = 'sum by (domain) (backendai_api_request_count_total{{{labels}}}) \
                / sum by (method) (backendai_api_request_count_total{{{labels}}})'\n\
                allow = [{ check = \"impossible-match\", reason = \"the test\" }]\n";
    let Some(server) = victoria_metrics::shared() else { return };
    let folder = Folder::new("verify-nan", &[("presets/api.toml", file)]);
    let reports = reports(&folder, server.url(), &format!("--at {}", Dataset::of_tests().end()));
    for expected in [
        "info: api::ratio: returns nothing: `/` is not a number for its series, which the server leaves out",
        "info: api::idle: returns nothing: `histogram_quantile` has no quantile without observations",
        "error: api::other: returns nothing: no series of the two sides of `/` have the same labels",
    ] {
        assert!(reports.iter().any(|report| report.ends_with(expected)), "{reports:?}");
    }
}
