//! Presets that change while they are served.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use promql_presets::__private1::{Segment, SelectorInfo};
use promql_presets::presets::{api_requests, prometheus};
use promql_presets::{MatchOp, PresetInfo, PresetMetadata, Querier, ResultType, not};
use promql_presets_axum::{Access, LivePresets, live_router};
use promql_presets_testing::{MockPrometheus, series};
use serde_json::json;

use crate::support::{get, post};

/// Presets that a test replaces.
#[derive(Default)]
struct Shelf(Mutex<Vec<&'static PresetInfo>>);

impl LivePresets for Shelf {
    fn each(&self, visit: &mut dyn FnMut(&PresetMetadata<'_>)) {
        for preset in self.0.lock().unwrap().iter() {
            // What is passed lives only as long as the call.
            let name = format!("shelf::{}", preset.name);
            visit(&PresetMetadata { name: &name, ..**preset });
        }
    }
}

impl Shelf {
    fn of(presets: &[&'static PresetInfo]) -> Arc<Self> {
        Arc::new(Self(Mutex::new(presets.to_vec())))
    }

    fn router(self: &Arc<Self>, mock: &MockPrometheus) -> Router {
        let access = Access::all().max_range(Duration::from_hours(24)).max_points(100).max_series(7);
        live_router(mock.client(), Arc::clone(self), access).verbose_errors().build()
    }
}

/// VictoriaMetrics returns scalars as vectors.
#[tokio::test]
async fn scalars_are_scalars_on_every_server() {
    static TOTAL: PresetInfo = PresetInfo {
        name: "total",
        template: "scalar(sum(up))",
        source: "shelf.toml:1",
        result: ResultType::Scalar,
        segments: &[Segment::Text("scalar(sum(up))")],
        ..PresetInfo::__DEFAULT
    };
    let mock = MockPrometheus::start();
    let app = Shelf::of(&[&TOTAL]).router(&mock);
    mock.on_raw("scalar(sum(up))").parameter("limit", "7").returns(series![{} => "7"]);
    let reply = post(&app, "/presets/shelf::total/query", "{}").await.json();
    assert_eq!((&reply["type"], &reply["value"]), (&json!("scalar"), &json!(7)), "{reply}");
}

const RATE: &str = "/presets/shelf::api_requests::rate";

#[tokio::test]
async fn presets_come_and_go() {
    let (mock, shelf) = (MockPrometheus::start(), Shelf::of(&[]));
    let app = shelf.router(&mock);
    assert_eq!(get(&app, "/presets").await.json(), json!({ "presets": [] }));
    assert_eq!(post(&app, &format!("{RATE}/query"), "{}").await.status, 404);
    shelf.0.lock().unwrap().push(api_requests::RATE.info());
    assert_eq!(get(&app, "/presets").await.json()["presets"][0]["name"], "shelf::api_requests::rate");

    let query = r#"sum by () (rate(backendai_api_request_count_total{endpoint="/a"}[1m]))"#;
    mock.on_raw(query).parameter("limit", "7").returns(series![{ endpoint = "/a" } => "7"]);
    let body = r#"{"labels": {"endpoint": "/a"}, "window": "1m", "time": 1700000000000}"#;
    let reply = post(&app, &format!("{RATE}/query"), body).await;
    assert_eq!(reply.json()["series"][0]["value"], 7, "{reply:?}");
    let reply = post(&app, &format!("{RATE}/render"), body).await.json();
    assert_eq!(reply, json!({ "query": query }));
}

#[tokio::test]
async fn ranges_are_capped_and_faults_have_their_field() {
    let (mock, shelf) = (MockPrometheus::start(), Shelf::of(&[api_requests::RATE.info()]));
    let app = shelf.router(&mock);
    mock.on_any().returns(series![{ endpoint = "/a" } => "7"]);
    let range = |more: &str| format!(r#"{{"start": 1700000000000, "end": 1700003600000{more}}}"#);
    let path = format!("{RATE}/query_range");
    assert_eq!(post(&app, &path, range("")).await.json()["type"], "matrix");
    assert_eq!(mock.calls()[0].range().unwrap().points(), 61, "a round step, for at most 100 points");
    for (body, field) in [
        (range(r#", "step": "1s""#), "step"),
        (range(r#", "window": "x""#), "window"),
        (range(r#", "window": "0s""#), "window"),
        (range(r#", "group_by": ["nothing"]"#), "group_by"),
        (range(r#", "labels": {"nothing": "x"}"#), "labels.nothing"),
        (range(r#", "parameters": {"x": 1}"#), "parameters.x"),
        (r#"{"start": 1600000000000, "end": 1700003600000}"#.to_owned(), "start"),
    ] {
        assert_eq!(post(&app, &path, body.clone()).await.problem(), (400, field.to_owned()), "{body}");
    }
    assert_eq!(mock.calls().len(), 1);
}

/// Declares no labels, and reads two metrics of one name.
static ANY: PresetInfo = PresetInfo {
    name: "mean",
    template: "{metric_name}_sum{{{labels}}} / {metric_name}_count{{{labels}}}",
    metric: None,
    labels: None,
    selectors: &[],
    segments: &[
        Segment::MetricNameOpen("", "_sum"),
        Segment::Labels,
        Segment::Text("} / "),
        Segment::MetricNameOpen("", "_count"),
        Segment::Labels,
        Segment::Text("}"),
    ],
    ..*prometheus::UP.info()
};

/// Reads another metric besides.
static BUSY: PresetInfo = PresetInfo {
    name: "busy",
    selectors: &[SelectorInfo { metric: "jobs", matchers: &[("queue", MatchOp::NotEqual, "test")] }],
    ..ANY
};

/// Names its only metric in full.
static OWN: PresetInfo = PresetInfo { name: "own", segments: &[Segment::Text("jobs{queue!=\"test\"}")], ..BUSY };

#[tokio::test]
async fn labels_are_those_of_the_metrics_that_are_read() {
    let (mock, shelf) = (MockPrometheus::start(), Shelf::of(&[&ANY, &BUSY, &OWN, api_requests::RATE.info()]));
    let app = shelf.router(&mock);
    let [sum, count] = ["latency_sum", "latency_count"].map(Querier::new);
    mock.on_labels().matching(&sum).matching(&count).returns(vec!["__name__", "job"]);
    let reply = get(&app, "/presets/shelf::mean/labels?metric=latency").await;
    assert_eq!(reply.json()["items"], json!(["__name__", "job"]), "{reply:?}");
    mock.on_label_values("job").matching(&sum).matching(&count).limit(5).returns(vec!["api"]);
    let reply = get(&app, "/presets/shelf::mean/labels/job/values?metric=latency&limit=5").await;
    assert_eq!(reply.json()["items"], json!(["api"]), "{reply:?}");
    mock.on_label_values("__name__").returns(vec!["latency_sum"]);
    let reply = get(&app, "/presets/shelf::mean/labels/__name__/values").await;
    assert_eq!(reply.json()["items"], json!(["latency_sum"]), "{reply:?}");

    let own = Querier::new("jobs").label("queue", not("test"));
    mock.on_labels().matching(&sum).matching(&count).matching(&own).returns(vec!["job"]);
    let reply = get(&app, "/presets/shelf::busy/labels?metric=latency").await;
    assert_eq!(reply.json()["items"], json!(["job"]), "{reply:?}");
    mock.on_label_values("job").matching(&own).returns(vec!["web"]);
    let reply = get(&app, "/presets/shelf::own/labels/job/values").await;
    assert_eq!(reply.json()["items"], json!(["web"]), "{reply:?}");

    assert_eq!(get(&app, "/presets/shelf::mean/labels").await.problem(), (400, "metric".to_owned()));
    assert_eq!(get(&app, &format!("{RATE}/labels")).await.status, 404, "they are in the catalogue");
    assert_eq!(get(&app, &format!("{RATE}/labels/__name__/values")).await.status, 404);
}
