//! The service without a Prometheus: what its endpoints query, and what callers receive.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use axum_service::presets::{latency, requests};
use promql_presets::RetryPolicy;
use promql_presets_testing::{MockPrometheus, MockResponse, series};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tower::ServiceExt;
use uuid::Uuid;

const PROJECT: Uuid = Uuid::from_u128(1);

fn app(mock: &MockPrometheus) -> Router {
    axum_service::app(mock.client_builder().retry(RetryPolicy::never())).unwrap()
}

async fn send(app: &Router, request: Request<Body>) -> (StatusCode, String) {
    let response = app.clone().oneshot(request).await.unwrap();
    let (status, body) = (response.status(), to_bytes(response.into_body(), usize::MAX).await.unwrap());
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn get(app: &Router, path: &str) -> (StatusCode, String) {
    send(app, Request::get(path).header("x-project", PROJECT.to_string()).body(Body::empty()).unwrap()).await
}

fn parse(json: &str) -> Value {
    serde_json::from_str(json).unwrap()
}

#[tokio::test]
async fn errors_of_the_callers_project() {
    let mock = MockPrometheus::start();
    mock.on_range(requests::ERROR_RATIO)
        .label("project", PROJECT)
        .group_by(["service"])
        .returns(series![{ service = "cart" } => "0.5 0 0.25"]);
    let (status, body) = get(&app(&mock), "/errors?hours=2").await;
    assert_eq!(status, 200, "{body}");
    let rows = parse(&body);
    assert_eq!(rows[0]["labels"]["service"], "cart");
    assert_eq!(rows[0]["values"], json!([0.5, 0, 0.25]));
    let range = mock.calls()[0].range().unwrap();
    assert_eq!(range.end().duration_since(range.start()), Some(Duration::from_hours(2)));
}

#[tokio::test]
async fn the_slowest_service_is_the_first() {
    let mock = MockPrometheus::start();
    mock.on(latency::QUANTILE.quantile(0.99))
        .label("project", PROJECT)
        .group_by(["service"])
        .window("1h")
        .returns(series![{ service = "cart" } => 0.2, { service = "search" } => 1.5]);
    let (status, body) = get(&app(&mock), "/slowest").await;
    assert_eq!(status, 200, "{body}");
    let rows = parse(&body);
    let services: Vec<_> = rows.as_array().unwrap().iter().map(|row| &row["labels"]["service"]).collect();
    assert_eq!(services, ["search", "cart"]);
}

#[tokio::test]
async fn callers_without_a_project_are_refused() {
    let mock = MockPrometheus::start();
    let app = app(&mock);
    for path in ["/errors", "/slowest", "/api/presets"] {
        for project in ["", "x", "*"] {
            let request = Request::get(path).header("x-project", project).body(Body::empty()).unwrap();
            assert_eq!(send(&app, request).await.0, 401, "{path} {project:?}");
        }
    }
    assert!(mock.calls().is_empty());
}

#[tokio::test]
async fn presets_are_limited_to_the_project() {
    let mock = MockPrometheus::start();
    mock.on(latency::QUANTILE.quantile(0.5))
        .label("service", "cart")
        .label("project", PROJECT)
        .returns(series![{} => 0.1]);
    let app = app(&mock);
    let post = |body: &str| {
        let request = Request::post("/api/presets/latency::quantile/query").header("x-project", PROJECT.to_string());
        request.header("content-type", "application/json").body(Body::from(body.to_owned())).unwrap()
    };
    let (status, body) = send(&app, post(r#"{"labels": {"service": "cart"}, "parameters": {"quantile": 0.5}}"#)).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(parse(&body)["series"][0]["value"], 0.1);

    let (status, body) = send(&app, post(r#"{"parameters": {"quantile": 2}}"#)).await;
    assert_eq!((status.as_u16(), &parse(&body)["field"]), (400, &json!("parameters.quantile")));
    // The label is for filters only.
    let (status, body) = send(&app, post(r#"{"group_by": ["project"]}"#)).await;
    assert_eq!((status.as_u16(), &parse(&body)["field"]), (400, &json!("group_by")));

    let (_, catalogue) = get(&app, "/api/presets").await;
    let names: Vec<_> = parse(&catalogue)["presets"].as_array().unwrap().iter().map(|it| it["title"].clone()).collect();
    assert_eq!(names, ["Latency", "Errors", "Requests"]);
}

#[tokio::test]
async fn failures_are_described_to_callers_and_counted() {
    let mock = MockPrometheus::start();
    mock.on_any().returns(MockResponse::error("timeout", "secret")).any_times();
    let app = app(&mock);
    let (status, body) = get(&app, "/slowest").await;
    assert_eq!(status, 504);
    assert_eq!(parse(&body)["message"], "the metrics server did not respond in time");
    assert_eq!(get(&app, "/errors?hours=0").await.0, 504);
    assert_eq!(get(&app, "/errors?hours=x").await.0, 400);

    let (_, metrics) = get(&app, "/metrics").await;
    let line = r#"promql_call_duration_seconds_count{preset="latency::quantile",endpoint="query",outcome="timeout"} 1"#;
    assert!(metrics.contains(line), "{metrics}");
}

#[tokio::test]
async fn requests_that_have_begun_are_finished_at_shutdown() {
    let mock = MockPrometheus::start();
    mock.on(latency::QUANTILE.quantile(0.99))
        .any_labels()
        .any_grouping()
        .any_window()
        .returns(MockResponse::from(series![{ service = "cart" } => 0.2]).delay(Duration::from_millis(300)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel();
    let service = tokio::spawn(axum_service::serve(listener, app(&mock), async { _ = stopped.await }));

    let mut connection = TcpStream::connect(address).await.unwrap();
    let request = format!("GET /slowest HTTP/1.1\r\nhost: x\r\nx-project: {PROJECT}\r\n\r\n");
    connection.write_all(request.as_bytes()).await.unwrap();
    while mock.calls().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stop.send(()).unwrap();
    let mut response = String::new();
    connection.read_to_string(&mut response).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 200 OK"), "{response}");
    assert!(response.contains("cart"), "{response}");
    service.await.unwrap().unwrap();
}
