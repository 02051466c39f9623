//! `query` with real servers.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use promql_presets_test_support::{Dataset, extended, prometheus, victoria_metrics};
use promql_presets_testing::{MockPrometheus, MockResponse, series};
use serde_json::Value;

use crate::page::{Proxy, is_old};
use crate::{Folder, Run, run_in};

const PRESETS: &str = "\
[metric]
name = \"backendai_api_request_count_total\"
type = \"counter\"
[labels]
endpoint = \"string\"
domain = \"string\"
[presets.rate]
template = 'sum by ({group_by})(rate({metric_name}{{{labels}}}[{window}]))'
window = \"5m\"
unit = \"requests per second\"
";

fn end() -> i64 {
    Dataset::of_tests().end()
}

fn query(test: &str, url: &str, arguments: &[&str]) -> Run {
    let folder = Folder::new(&format!("query-{test}"), &[("presets/api.toml", PRESETS)]);
    run_in(&folder.0, &[&["query", "--url", url], arguments].concat(), b"")
}

#[test]
fn instants_are_tables() {
    let Some(server) = prometheus::shared() else { return };
    let at = end().to_string();
    let run = query("table", server.url(), &["api::rate", "--group-by", "endpoint", "--at", &at]);
    assert_eq!(run.status, 0, "{}", run.err);
    let lines: Vec<&str> = run.out.lines().collect();
    assert_eq!(lines[0], "requests per second");
    assert!(lines[1].starts_with("endpoint  ") && lines[1].ends_with("VALUE"), "{}", run.out);
    assert!(lines[2].starts_with("/auth  "), "{}", run.out);
    assert_eq!(lines.len(), 6, "{}", run.out);

    let scalar = query("scalar", server.url(), &["--raw", "scalar(vector(1536))", "--at", &at]);
    assert_eq!((scalar.status, scalar.out.as_str()), (0, "1.536k\n"));

    let at = (end() + 600).to_string();
    let native = query("native", server.url(), &["--raw", extended::NATIVE_HISTOGRAM, "--at", &at]);
    let mut lines = native.out.lines();
    assert_eq!(lines.next().unwrap(), extended::NATIVE_HISTOGRAM);
    let titles: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
    let sum = format!("sum({})", extended::NATIVE_HISTOGRAM);
    let chart = query("native-chart", server.url(), &["--raw", &sum, "--start", &end().to_string(), "--end", &at]);
    for line in ["\n   count of value  last ", "\n━a mean of value   last ", "\n━d p99 of value    last "] {
        assert!(chart.out.contains(line), "{}{}", chart.out, chart.err);
    }
    let range = |format: &str| {
        let range = ["--start", &end().to_string(), "--end", &at, "--step", "1m", "--format", format];
        query("native-range", server.url(), &[&["--raw", extended::NATIVE_HISTOGRAM][..], &range].concat()).out
    };
    let table = range("table");
    let rows: Vec<Vec<&str>> = table.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows[0], ["instance", "STATISTIC", "POINTS", "LAST", "MIN", "MAX"], "{table}");
    let statistics: Vec<&str> = rows[1..6].iter().map(|row| row[1]).collect();
    assert_eq!(statistics, ["count", "mean", "p50", "p90", "p99"], "{table}");
    assert!(!table.contains("NaN"), "{table}");
    let csv = range("csv");
    assert!(csv.starts_with("time,__name__,instance,value,count,sum,mean,p50,p90,p99\n"), "{csv}");
    let row: Vec<&str> = csv.lines().nth(1).unwrap().split(',').collect();
    assert!(row[3].is_empty() && row[4..].iter().all(|cell| cell.parse::<f64>().is_ok()), "{csv}");
    assert_eq!(titles, ["instance", "COUNT", "MEAN", "P50", "P90", "P99"], "{}{}", native.out, native.err);
}

#[test]
fn ranges_are_charts_or_data() {
    let Some(server) = prometheus::shared() else { return };
    let (start, end) = ((end() - 3600).to_string(), end().to_string());
    let range = |more: &[&str]| {
        let own = ["api::rate", "--group-by", "endpoint", "--start", &start, "--end", &end];
        query("range", server.url(), &[&own[..], more].concat())
    };
    let chart = range(&[]);
    assert_eq!(chart.status, 0, "{}", chart.err);
    assert!(chart.out.contains(" ┤") && chart.out.contains('┬') && !chart.out.contains('\u{1b}'), "{}", chart.out);
    assert_eq!(chart.out.lines().filter(|line| line.contains(" {endpoint=\"/")).count(), 4, "{}", chart.out);
    let single = query("single", server.url(), &["api::rate", "--start", &start, "--end", &end]);
    assert!(single.out.contains("\n━━ api::rate  last "), "{}", single.out);
    assert!(range(&["--color", "always"]).out.contains("\u{1b}[36m"));

    let lines = range(&["--step", "1m", "--format", "json"]).out;
    let series: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((series.len(), series[0]["values"].as_array().unwrap().len()), (4, 61));
    assert_eq!(series[0]["labels"]["endpoint"], "/auth");
    assert_eq!(series[0]["values"][0][0], start.parse::<i64>().unwrap());

    let csv = range(&["--step", "1m", "--format", "csv"]).out;
    assert_eq!(csv.lines().next().unwrap(), "time,endpoint,value");
    assert!(csv.lines().nth(1).unwrap().starts_with("2025-06-01T11:00:00Z,/auth,"), "{csv}");
    assert_eq!(csv.lines().count(), 1 + 4 * 61);

    let table = range(&["--format", "table"]).out;
    assert!(table.lines().nth(1).unwrap().contains("POINTS  LAST"), "{table}");
    let instant = query("no-range", server.url(), &["api::rate", "--format", "chart"]);
    assert!(instant.status == 2 && instant.err.contains("= help: add `--range 1h`"), "{}", instant.err);
}

#[test]
fn long_ranges_are_split() {
    let Some(server) = prometheus::shared() else { return };
    let proxy = Proxy::to(server.url());
    let (start, end) = ((end() - 21_000).to_string(), end().to_string());
    let range = |query: &str| {
        let arguments = ["--raw", query, "--start", &start, "--end", &end, "--step", "1s", "--format", "json"];
        self::query("split", &proxy.url, &arguments)
    };
    let run = range("vector(time())");
    assert_eq!(run.status, 0, "{}", run.err);
    let series: Value = serde_json::from_str(&run.out).unwrap();
    let values = series["values"].as_array().unwrap();
    assert_eq!(values.len(), 21_001);
    assert!(values.iter().all(|pair| pair[0].as_f64() == pair[1].as_f64()));
    assert_eq!(proxy.counts().0, 3);
    for (query, what) in [("limitk(1, up)", "limitk"), ("up + up @ end()", "@ end()")] {
        let indivisible = range(query);
        assert_eq!(indivisible.status, 2);
        assert!(indivisible.err.contains(&format!("`{what}` makes the query indivisible")), "{}", indivisible.err);
    }
}

#[test]
fn mistakes_are_reported() {
    // Nothing is sent.
    let wrong = query("wrong", "http://127.0.0.1:1", &["--raw", "rate(up)"]);
    assert_eq!(wrong.status, 1);
    assert!(
        wrong.out.is_empty()
            && wrong.err.starts_with("error[type-mismatch]: `rate` takes a range vector\n --> query:1:6\n"),
        "{}",
        wrong.err
    );
    for (arguments, message) in [
        (&["--raw", "up", "--watch", "1ms"][..], "`--watch 1ms` is shorter than 100 ms"),
        (&["--raw", "up", "--range", "0s"], "`--range 0s` is empty"),
        (&["--raw", "up[1m]", "--range", "1h"], "a range vector has no value at each point of a range"),
        (&["--raw", "\"a\"", "--start", "1", "--end", "2"], "a string has no value at each point of a range"),
    ] {
        let run = query("refused", "http://127.0.0.1:1", arguments);
        assert!(run.status == 2 && run.err.starts_with(&format!("error: {message}\n  |\n  = help: ")), "{}", run.err);
    }
    assert_eq!(query("unreachable", "http://127.0.0.1:1", &["--raw", "up"]).status, 2);
    assert_eq!(query("none", "http://127.0.0.1:1", &[]).status, 2);
    let Some(server) = prometheus::shared() else { return };
    let at = end().to_string();
    let empty = query("empty", server.url(), &["api::rate", "--label", "domain=nowhere", "--at", &at]);
    assert_eq!((empty.status, empty.out.as_str()), (0, ""));
    let expected = "no data: no series of `backendai_api_request_count_total` has `domain=\"nowhere\"`; `domain` is `default` \
                    or `research`\n";
    assert_eq!(empty.err, expected);
    let later = (end() + 3 * 3600).to_string();
    for (raw, at, message) in [
        (
            "sum(rate(backendai_api_request_count_total[9s]))",
            &at,
            "`rate` finds fewer than two samples in the window of `9s`; `backendai_api_request_count_total` has one every ",
        ),
        (
            "backendai_api_requests_count_total",
            &at,
            "the server has no series of `backendai_api_requests_count_total` at that time; a metric with a similar name exists: `backendai_api_request_count_total`",
        ),
        (
            "backendai_api_request_count_total{domain=\"research\"}",
            &later,
            "`backendai_api_request_count_total{domain=\"research\"}` has no current samples: the last one is `3h` old",
        ),
        (
            "backendai_api_request_count_total{zone=\"a\"}",
            &at,
            "no series of `backendai_api_request_count_total` has `zone=\"a\"`; it does not have the label `zone`",
        ),
        (
            "backendai_api_request_count_total offset 1y",
            &at,
            "`backendai_api_request_count_total` has samples, but none with `offset 1y`",
        ),
    ] {
        let run = query("empty-raw", server.url(), &["--raw", raw, "--at", at]);
        assert!(run.err.starts_with(&format!("no data: {message}")), "{raw}: {}", run.err);
    }
    let early = query("early", server.url(), &["--raw", "backendai_api_request_count_total", "--at", "1000000000"]);
    assert_eq!(early.err, "no data: the server has no series of `backendai_api_request_count_total` at that time\n");
    let info = query("info", server.url(), &["--raw", "rate(backendai_container_utilization[5m])", "--at", &at]);
    assert!(is_old(server) || info.err.contains("info: metric might not be a counter"), "{}", info.err);
    let refused =
        query("refused", server.url(), &["--raw", "up * on (job) group_left () {__name__=~\".+\"}", "--at", &at]);
    assert!(refused.status == 1 && refused.err.contains("error: query at "), "{}", refused.err);
}

/// Six minutes after the last samples: none is current, but ranges hold some.
#[test]
fn samples_of_the_own_range_count() {
    let Some(server) = prometheus::shared() else { return };
    let name = "backendai_api_request_count_total";
    let at = |seconds: i64| (end() + seconds).to_string();
    let why = |raw: &str, times: &[&str]| {
        let run = query("own-range", server.url(), &[&["--raw", raw], times].concat());
        assert_eq!((run.status, run.out.as_str()), (0, ""), "{raw}: {}", run.err);
        run.err.trim_start_matches("no data: ").trim_end().to_owned()
    };
    let (late, start, hour) = (at(360), at(360 - 7200), at(360 + 7200));
    let excluded = format!("no series of `{name}` has `domain=\"nowhere\"`; `domain` is `default` or `research`");
    for (raw, times) in [
        (format!("sum(increase({name}{{domain=\"nowhere\"}}[1h]))"), vec!["--at", &late]),
        (format!("sum(increase({name}{{domain=\"nowhere\"}}[30m] offset 10m))"), vec!["--at", &late]),
        (format!("{name}{{domain=\"nowhere\"}} offset 10m"), vec!["--at", &late]),
        (format!("max_over_time(rate({name}{{domain=\"nowhere\"}}[5m])[1h:1m])"), vec!["--at", &late]),
        (format!("{name}{{domain=\"nowhere\"}}"), vec!["--start", &start, "--end", &late]),
        (format!("rate({name}{{domain=\"nowhere\"}}[5m])"), vec!["--start", &start, "--end", &late, "--step", "500ms"]),
        (format!("rate({name}{{domain=\"nowhere\"}}[5m])"), vec!["--start", &start, "--end", &late, "--step", "1s"]),
    ] {
        assert_eq!(why(&raw, &times), excluded, "{raw} {times:?}");
    }
    let both = format!("{name}{{domain=\"nowhere\"}} and {name}{{endpoint=\"nowhere\"}}");
    let both = why(&both, &["--start", &start, "--end", &late]);
    assert!(both.contains("`domain=\"nowhere\"`") && both.contains("`endpoint=\"nowhere\"`"), "{both}");
    for (raw, times, expected) in [
        (name.to_owned(), vec!["--at", &late], format!("`{name}` has no current samples: the last one is `6m` old")),
        (
            format!("{name}{{domain=\"nowhere\"}}"),
            vec!["--at", &late],
            format!("`{name}` has no current samples: the last one is `6m` old"),
        ),
        (
            format!("rate({name}[3m])"),
            vec!["--at", &late],
            format!("`{name}` has no sample in the window of `3m`: the last one is `6m` old"),
        ),
        (
            format!("rate({name}[3m])"),
            vec!["--at", &at(240)],
            format!("`{name}` has no sample in the window of `3m`: the last one is `4m` old"),
        ),
        (
            format!("rate({name}[30m] offset 1d)"),
            vec!["--at", &late],
            format!("`{name}` has samples, but none with `[30m] offset 1d`"),
        ),
        (
            name.to_owned(),
            vec!["--start", &late, "--end", &hour],
            format!("`{name}` has no samples in the range: the last one is `2h` old"),
        ),
        (
            "backendai_api_requests_count_total".to_owned(),
            vec!["--start", &start, "--end", &late],
            format!(
                "the server has no series of `backendai_api_requests_count_total` in the range; a metric with a similar name exists: `{name}`"
            ),
        ),
        (
            format!("{name} < 0"),
            vec!["--start", &start, "--end", &late],
            "nothing passes the comparison `<`".to_owned(),
        ),
    ] {
        assert_eq!(why(&raw, &times), expected, "{raw} {times:?}");
    }
}

#[test]
fn ranges_can_miss_all_data() {
    let Some(server) = prometheus::shared() else { return };
    let (start, end) = ((end() - 3600).to_string(), end().to_string());
    let at_the_end = format!("vector(time()) == {end}");
    // At 2100, while there is a result now.
    let now = "vector(time()) < 4000000000";
    for (raw, start, end, step, message) in [
        (at_the_end.as_str(), start.as_str(), end.as_str(), "7m", "none of the 9 points of the range has data"),
        (now, "4102444800", "4102446300", "1h", "the only point of the range has no data"),
    ] {
        let run = query("missed", server.url(), &["--raw", raw, "--start", start, "--end", end, "--step", step]);
        assert_eq!(run.err, format!("no data: {message}; use a shorter `--range` or `--step`\n"));
    }
    let later = query("later", server.url(), &["--raw", now, "--at", "4102444800"]);
    assert_eq!(later.err, "no data: the time of `--at` is later than now\n");
    // Until now.
    let until =
        query("until", server.url(), &["--raw", "vector(1)", "--start", &start, "--step", "30d", "--format", "csv"]);
    assert!(until.status == 0 && until.out.lines().count() > 1, "{}", until.err);
    let human = |more: &[&str]| query("human", server.url(), &[&["--raw", "vector(1)"], more].concat()).out;
    assert_eq!(human(&["--format", "human"]), human(&[]));
}

#[test]
fn new_series_have_few_samples() {
    let nothing = || MockResponse::data(r#"{"resultType":"vector","result":[]}"#);
    let mock = MockPrometheus::start();
    for query in [
        "rate(a[1m])",
        "count(rate(a[1m]))",
        "topk(1, count_over_time(a[10m]))",
        "topk(1, count_over_time(a[2h]))",
        "b",
    ] {
        mock.on_raw(query).returns(nothing());
    }
    mock.on_raw("count(last_over_time(a[1m]))").returns(series![{} => "1"]);
    mock.on_raw("count(b)").returns(nothing()).then(series![{} => "1"]);
    let run = |raw: &str| query("new-series", mock.url(), &["--raw", raw]).err;
    let expected = "no data: `rate` finds fewer than two samples in the window of `1m`; wait for the next scrape\n";
    assert!(run("rate(a[1m])").ends_with(expected));
    assert_eq!(run("b"), "no data: `b` has samples only now\n");
}

/// VictoriaMetrics returns scalars as vectors, without a sample for `NaN`.
#[test]
fn scalars_are_scalars_on_every_server() {
    let file = "[presets.scalar]\ntemplate = 'scalar(sum({metric_name}{{{labels}}})) * 0 + 1e-7'\n";
    let folder = Folder::new("query-scalar", &[("presets/any.toml", file)]);
    let (at, name) = (end().to_string(), "backendai_api_request_count_total");
    let same = ["--dir", "presets", "--at", &at];
    for server in prometheus::shared().into_iter().chain(victoria_metrics::shared()) {
        let run = |arguments: &[&str]| {
            run_in(&folder.0, &[&["query", "--url", server.url()], arguments, &same].concat(), b"")
        };
        let of = |name: &str, format: &str| run(&["any::scalar", "--name", name, "--format", format]);
        assert_eq!(of(name, "json").out, format!("{{\"labels\":null,\"values\":[[{at},1e-7]]}}\n"));
        assert_eq!(of(name, "csv").out, "time,value\n2025-06-01T12:00:00Z,1e-07\n");
        assert_eq!(of(name, "human").out, "1e-7\n");
        let missing = of("no_such_metric", "csv");
        assert_eq!(missing.out, "time,value\n2025-06-01T12:00:00Z,NaN\n");
        assert!(missing.err.starts_with("no data: the server has no series of `no_such_metric`"), "{}", missing.err);
        let undefined = run_in(&folder.0, &["query", "--url", server.url(), "--raw", "0 / 0", "--at", &at], b"");
        assert_eq!((undefined.out.as_str(), undefined.err.as_str()), ("NaN\n", ""));
        let verified = run_in(
            &folder.0,
            &[&["verify", "--url", server.url(), "--name", "no_such_metric"], &same[..]].concat(),
            b"",
        );
        assert!(verified.out.contains("^ the server has no series of `no_such_metric`"), "{}", verified.out);
    }
}

#[test]
fn numbers_of_csv_are_those_of_the_server() {
    let mock = MockPrometheus::start();
    mock.on_raw("a").returns(series![{ i = "1" } => "1e-07", { i = "2" } => "1e+21", { i = "3" } => "+Inf"]);
    let csv = query("numbers", mock.url(), &["--raw", "a", "--format", "csv"]).out;
    let values: Vec<&str> = csv.lines().skip(1).filter_map(|line| line.rsplit(',').next()).collect();
    assert_eq!(values, ["1e-07", "1e+21", "+Inf"], "{csv}");
}

#[test]
fn watching_queries_again() {
    let Some(server) = prometheus::shared() else { return };
    let arguments = ["query", "--url", server.url(), "--raw", "vector(1)", "--watch", "200ms", "--format", "csv"];
    let mut child =
        Command::new(env!("CARGO_BIN_EXE_promql-presets")).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let lines: Vec<String> = lines.take(3).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(lines[0], "time,value");
    assert!(lines[1..].iter().all(|row| row.ends_with(",1")) && lines[1] != lines[2], "{lines:?}");
}
