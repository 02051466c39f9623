//! A real Prometheus with a few series.

use std::env;
use std::process::Command;
use std::time::Duration;

use promql_presets::presets::api_requests::{self, Label};
use promql_presets::{Data, Timestamp};
use promql_presets_test_support::{Tool, servers_required};
use promql_presets_testing::{TestPrometheus, TestSeries, series};

use crate::message;

/// A server with these series, if the machine has the program.
fn start(series: Vec<TestSeries>) -> Option<TestPrometheus> {
    match Tool::Prometheus.find().unwrap() {
        Some(program) => TestPrometheus::builder().program(program).start(series),
        None if servers_required() => panic!("`prometheus` is missing"),
        None => TestPrometheus::start(series),
    }
}

#[tokio::test]
async fn series_arrive_as_they_are_written() {
    let Some(prometheus) = start(series![
        backendai_api_request_count_total { endpoint = "/auth", status_code = 200 } => "0+60x120",
        backendai_api_request_count_total { endpoint = "/auth", status_code = 500 } => "0+6x120",
        gauge { job = "a" } => "1 _ 3 stale",
        gauge { job = "b" } => "NaN 1 2 3 4 -Inf",
        native { job = "a" } => "{{schema:0 count:3 sum:5 z_bucket:0.5 buckets:[1 1.5] offset:1}}x3",
    ]) else {
        return;
    };
    let client = prometheus.client();
    let querier = api_requests::Querier::new().group_by([Label::StatusCode]);
    let rates = client.query(api_requests::RATE, &querier).at(prometheus.end()).await.unwrap();
    let mut values: Vec<f64> = rates.iter().map(|element| element.value().float().unwrap()).collect();
    values.sort_by(f64::total_cmp);
    assert_eq!(values, [0.1, 1.0]);
    assert_eq!(client.query_range(api_requests::RATE, &querier, prometheus.range()).await.unwrap().len(), 2);

    let shown = async |query: &str, time: Timestamp| match client.raw_query(query).at(time).await.unwrap() {
        Data::Vector(vector) => vector.iter().map(|it| format!("{} {}", it.labels(), it.value())).collect::<Vec<_>>(),
        Data::Matrix(matrix) => matrix.iter().map(|it| format!("{:?}", it.values())).collect(),
        other => panic!("{other:?}"),
    };
    assert_eq!(shown(r#"gauge{job="a"}[1h]"#, prometheus.time(5)).await, ["[1.0, 3.0]"]);
    assert_eq!(shown("gauge", prometheus.time(5)).await, [r#"gauge{job="b"} -Inf"#]);
    assert_eq!(
        shown("native", prometheus.time(1)).await,
        [r#"native{job="a"} {count:3, sum:5, [-0.001,0.001]:0.5, (1,2]:1, (2,4]:1.5}"#]
    );
}

#[test]
fn other_times_without_a_runtime() {
    let Some(program) = Tool::Prometheus.find().unwrap() else { return };
    let start = Timestamp::from_secs(1_600_000_000);
    let builder = TestPrometheus::builder().program(program).start_time(start).interval(Duration::from_secs(15));
    let prometheus = builder.start(series![up { job = "a" } => "0 1 1"]).unwrap();
    assert_eq!((prometheus.time(0), prometheus.end()), (start, Timestamp::from_secs(1_600_000_030)));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let client = prometheus.client();
    let querier = promql_presets::presets::prometheus::Querier::new();
    let up = client.query_range(promql_presets::presets::prometheus::UP, &querier, prometheus.range());
    assert_eq!(runtime.block_on(up.into_future()).unwrap().one().unwrap().values(), [0.0, 1.0, 1.0]);
}

#[test]
fn series_that_cannot_be_stored() {
    let Some(_) = Tool::Prometheus.find().unwrap() else { return };
    let histogram = promql_presets::Histogram::new(1.0, 1.0, []);
    let text = message(|| start(series![h {} => histogram]));
    assert!(text.contains("cannot be stored: write `{{schema:0"), "{text}");
    let text = message(|| start(series![m {} => 1, m {} => 2]));
    assert!(text.contains("two series have the same labels"), "{text}");
    let text = message(|| TestPrometheus::builder().program("/missing").start(series![]));
    assert!(text.contains("cannot run `/missing`"), "{text}");
}

/// Runs this test again in a process that finds no program.
#[test]
fn without_the_program_a_test_is_skipped_or_fails() {
    const CHILD: &str = "PROMQL_PRESETS_CHILD_OF_TEST";
    if env::var_os(CHILD).is_some() {
        assert!(TestPrometheus::start(series![]).is_none());
        return;
    }
    let run = |required: &str| {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["test_prometheus::without_the_program_a_test_is_skipped_or_fails", "--exact", "--nocapture"]);
        command.env(CHILD, "1").env("PATH", "").env_remove("PROMQL_PRESETS_PROMETHEUS");
        let output = command.env("PROMQL_PRESETS_REQUIRE_SERVERS", required).output().unwrap();
        (output.status.success(), String::from_utf8(output.stderr).unwrap())
    };
    let missing = "`prometheus` is missing: put it on PATH, or set PROMQL_PRESETS_PROMETHEUS to its path";
    let (is_success, text) = run("");
    assert!(is_success && text.contains("SKIPPED") && text.contains(missing), "{text}");
    let (is_success, text) = run("1");
    assert!(!is_success && text.contains(missing), "{text}");
}
