//! What reaches Prometheus, and what comes back.

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use promql_presets::__private1::Segment;
use promql_presets::presets::container_utilization as container;
use promql_presets::presets::prometheus;
use promql_presets::{
    ParameterInfo, ParameterValue, PresetInfo, Presets, TimeRange, Timestamp, not, one_of, starts_with,
};
use promql_presets_axum::router;
use promql_presets_testing::{MockPrometheus, series};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{GAUGE, RATE, get, guarded, open, post, send};

const PROJECT: Uuid = Uuid::from_u128(1);

#[tokio::test]
async fn a_query_names_a_preset_and_values() {
    let mock = MockPrometheus::start();
    mock.on(container::GAUGE)
        .label("container_metric_name", "mem")
        .label("value_type", one_of(["current", "pct"]))
        .label("agent_id", starts_with("i-"))
        .label("agent_id", not("i-2"))
        .group_by(["agent_id"])
        .at("1700000000")
        .returns(series![{ agent_id = "i-1" } => "7"]);
    let body = r#"{
        "labels": {
            "container_metric_name": "mem",
            "value_type": {"one_of": ["current", "pct"]},
            "agent_id": {"starts_with": "i-", "not": "i-2"}
        },
        "group_by": ["agent_id"],
        "time": 1700000000000
    }"#;
    let reply = post(&open(mock.client()), GAUGE, body).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.headers["content-type"], "application/json");
    let expected = json!({
        "type": "vector",
        "series": [{ "labels": { "agent_id": "i-1" }, "timestamp": 1_700_000_000_000_i64, "value": 7 }],
        "warnings": [],
        "infos": [],
        "partial": false,
    });
    assert_eq!(reply.json(), expected);
}

#[tokio::test]
async fn a_range_has_the_shape_of_the_library_or_that_of_prometheus() {
    let mock = MockPrometheus::start();
    let range = TimeRange::parse("1700000000", "1700000120", "1m").unwrap();
    mock.on_range(container::RATE)
        .label("container_metric_name", "net_rx")
        .label("project_id", PROJECT)
        .window("10m")
        .over(range)
        .returns(series![{ session_id = "a" } => "0+10x2", { session_id = "b" } => "1 _ NaN"])
        .any_times();
    let app = guarded(mock.client());
    let body = |format: &str| {
        format!(
            r#"{{"labels": {{"container_metric_name": "net_rx"}}, "window": "10m", "step": "1m",
            "start": "1700000000", "end": "2023-11-14T22:15:20Z", "format": "{format}"}}"#
        )
    };
    let columns = post(&app, RATE, body("columns")).await.json();
    let direct = mock.client();
    let querier = container::Querier::new("net_rx").project_id(PROJECT);
    let matrix = direct.query_range(container::RATE, &querier, range).window("10m").await.unwrap();
    assert_eq!(columns, serde_json::to_value(&matrix).unwrap());
    assert_eq!(columns["series"][1]["values"], json!([1, "NaN"]));

    let prometheus = post(&app, RATE, body("prometheus")).await.json();
    assert_eq!(prometheus, serde_json::to_value(matrix.prometheus_json()).unwrap());
    assert_eq!(post(&app, RATE, body("csv")).await.problem(), (400, "format".to_owned()));
}

#[tokio::test]
async fn an_empty_range_is_a_matrix_too() {
    let mock = MockPrometheus::start();
    mock.on_range(container::RATE).any_labels().any_parameters().returns(series![]).any_times();
    let app = guarded(mock.client());
    for (format, expected) in [
        ("columns", json!({"type": "matrix", "series": [], "warnings": [], "infos": [], "partial": false})),
        ("prometheus", json!({"status": "success", "data": {"resultType": "matrix", "result": []}})),
    ] {
        let body = format!(
            r#"{{"labels": {{"container_metric_name": "mem"}}, "start": 0, "end": 3600000, "format": "{format}"}}"#
        );
        assert_eq!(post(&app, RATE, body).await.json(), expected);
    }
}

#[tokio::test]
async fn steps_are_chosen() {
    for (step, expected) in
        [("null", "15s"), (r#""auto""#, "15s"), (r#"{"auto": 60}"#, "2m"), (r#""90s""#, "1m30s"), ("30", "30s")]
    {
        let mock = MockPrometheus::start();
        mock.on_range(container::RATE).any_labels().returns(series![]);
        let body =
            format!(r#"{{"labels": {{"container_metric_name": "mem"}}, "start": 0, "end": 3600000, "step": {step}}}"#);
        let reply = post(&open(mock.client()), RATE, body).await;
        assert_eq!(reply.status, 200, "{step}: {reply:?}");
        let range = mock.calls()[0].range().unwrap();
        assert_eq!(range.step_duration().to_string(), expected, "{step}");
        assert_eq!(range.end(), Timestamp::from_secs(3600));
    }
}

#[tokio::test]
async fn a_preset_without_placeholders_requires_nothing() {
    let mock = MockPrometheus::start();
    mock.on(prometheus::UP_RATIO).returns(0.5).any_times();
    let app = Router::new().nest("/tenants/{tenant}", open(mock.client()));
    let reply = post(&app, "/tenants/7/presets/prometheus::up_ratio/query", "{}").await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.json()["series"][0]["value"], 0.5);
}

#[tokio::test]
async fn values_of_a_label_are_those_of_the_metric_within_the_guard() {
    let mock = MockPrometheus::start();
    let querier =
        promql_presets::Querier::new("backendai_container_utilization").label("project_id", PROJECT.to_string());
    mock.on_label_values("agent_id").matching(&querier).start("1700000000").limit(10).returns(vec!["i-1", "i-2"]);
    let app = guarded(mock.client());
    let path = "/presets/container_utilization::rate/labels/agent_id/values";
    let reply = get(&app, &format!("{path}?start=1700000000&limit=10")).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.json()["items"], json!(["i-1", "i-2"]));

    assert_eq!(get(&app, &format!("{path}?limit=x")).await.problem(), (400, "limit".to_owned()));
    assert_eq!(get(&app, &format!("{path}?match[]=up")).await.problem(), (400, "match[]".to_owned()));
    assert_eq!(get(&app, &format!("{path}?metric=up")).await.problem(), (400, "metric".to_owned()));
    for other in ["__name__", "password", "%2e%2e"] {
        let path = format!("/presets/container_utilization::rate/labels/{other}/values");
        assert_eq!(get(&app, &path).await.problem().0, 404, "{other}");
    }
}

#[tokio::test]
async fn other_methods_and_types_are_refused() {
    let mock = MockPrometheus::start();
    let app = open(mock.client());
    assert_eq!(get(&app, GAUGE).await.status, 405);
    let form = Request::post(GAUGE).header("content-type", "text/plain").body(Body::from("{}")).unwrap();
    assert_eq!(send(&app, form).await.problem().0, 415);
    let charset = Request::post("/presets/none/query").header("content-type", "application/json; charset=utf-8");
    assert_eq!(send(&app, charset.body(Body::from("{}")).unwrap()).await.problem().0, 404);
}

/// Takes a parameter.
static QUANTILE: PresetInfo = PresetInfo {
    name: "quantile",
    template: "quantile({q}, up)",
    parameters: &[ParameterInfo {
        name: "q",
        description: "",
        default: ParameterValue::Number(0.95),
        min: ParameterValue::Number(0.0),
        max: ParameterValue::Number(1.0),
    }],
    segments: &[Segment::Text("quantile("), Segment::Parameter(0), Segment::Text(", up)")],
    ..*prometheus::UP.info()
};
/// Takes a parameter without bounds.
static SCALED: PresetInfo = PresetInfo {
    name: "scaled",
    parameters: &[ParameterInfo {
        name: "factor",
        description: "",
        default: ParameterValue::Number(2.0),
        min: ParameterValue::Number(f64::MIN),
        max: ParameterValue::Number(f64::MAX),
    }],
    ..QUANTILE
};
static PRESETS: [&PresetInfo; 2] = [&QUANTILE, &SCALED];

#[tokio::test]
async fn parameters_are_values_within_their_bounds() {
    let mock = MockPrometheus::start();
    mock.on_any().returns(series![]).any_times();
    let app = router(mock.client(), Presets::__new(&PRESETS)).unguarded().build();
    let path = "/presets/quantile/query";
    let catalogue = get(&app, "/presets").await.json();
    let expected =
        json!([{ "name": "q", "description": "", "kind": "number", "default": 0.95, "min": 0.0, "max": 1.0 }]);
    assert_eq!(catalogue["presets"][0]["parameters"], expected);
    let factor = &catalogue["presets"][1]["parameters"][0];
    assert_eq!((&factor["min"], &factor["max"]), (&Value::Null, &Value::Null));

    for body in [r#"{"parameters": {"q": 0.5}}"#, "{}"] {
        assert_eq!(post(&app, path, body).await.status, 200);
    }
    let queries: Vec<_> = mock.calls().iter().map(|call| call.query().unwrap().to_owned()).collect();
    assert_eq!(queries, ["quantile(0.5, up)", "quantile(0.95, up)"]);
    for (parameters, field) in [
        (r#"{"q": 1.5}"#, "parameters.q"),
        (r#"{"q": "0) or secret or quantile(0"}"#, "parameters.q"),
        (r#"{"q": "NaN"}"#, "parameters.q"),
        (r#"{"q": [0.5]}"#, "parameters.q"),
        (r#"{"p": 0.5}"#, "parameters.p"),
        (r#"{"q": 0.5, "q": 0.6}"#, "parameters"),
        ("[]", "parameters"),
    ] {
        let body = format!(r#"{{"parameters": {parameters}}}"#);
        assert_eq!(post(&app, path, body).await.problem(), (400, field.to_owned()), "{parameters}");
    }
}
