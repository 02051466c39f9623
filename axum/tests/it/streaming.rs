//! Large results.

use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::Request;
use promql_presets::presets::container_utilization as container;
use promql_presets::{Data, Matrix, TimeRange};
use promql_presets_testing::{MockPrometheus, MockResponse, TestSeries};
use tower::ServiceExt;

use crate::support::{GAUGE, RATE, Reply, open, post};

const BODY: &str =
    r#"{"labels": {"container_metric_name": "mem"}, "start": "1700000000", "end": "1700003600", "step": "1m"}"#;

fn large() -> MockResponse {
    let series = |at: usize| TestSeries::new("0+1.5x60").label("session_id", at);
    MockResponse::from((0..2000).map(series).collect::<Vec<_>>())
}

fn request() -> Request<Body> {
    Request::post(RATE).header("content-type", "application/json").body(Body::from(BODY)).unwrap()
}

#[tokio::test]
async fn all_series_arrive() {
    let mock = MockPrometheus::start();
    mock.on_range(container::RATE)
        .label("container_metric_name", "mem")
        .over(TimeRange::parse("1700000000", "1700003600", "1m").unwrap())
        .returns(large().warning("a store is slow"));
    let reply = post(&open(mock.client()), RATE, BODY).await;
    assert_eq!(reply.status, 200);
    let matrix: Matrix = serde_json::from_slice(&reply.body).unwrap();
    assert_eq!((matrix.len(), matrix.sample_count()), (2000, 2000 * 61));
    assert_eq!(matrix.meta().warnings, ["a store is slow"]);
}

/// A vector is read whole, so that failures have their status, and written in parts.
#[tokio::test]
async fn long_vectors_are_written_in_parts() {
    let mock = MockPrometheus::start();
    let vector = |count: usize| {
        let series = |at: usize| TestSeries::new(format!("{at}.5")).label("session_id", at);
        MockResponse::from((0..count).map(series).collect::<Vec<_>>()).warning("a store is slow")
    };
    let query = || mock.on(container::GAUGE).label("container_metric_name", "mem");
    for count in [0, 1, 3000] {
        query().returns(vector(count)).times(3);
        let parsed = |reply: &Reply| serde_json::from_slice::<Data>(&reply.body).unwrap();
        let body = r#"{"labels": {"container_metric_name": "mem"}, "time": "1700000000"}"#;
        let columns = post(&open(mock.client()), GAUGE, body).await;
        assert_eq!(columns.headers.contains_key("content-length"), count < 3000);
        let Data::Vector(columns) = parsed(&columns) else { panic!("{columns:?}") };
        assert_eq!((columns.len(), columns.warnings()), (count, &["a store is slow".to_owned()][..]));

        let body = r#"{"labels": {"container_metric_name": "mem"}, "time": "1700000000", "format": "prometheus"}"#;
        let prometheus = post(&open(mock.client()), GAUGE, body).await;
        let querier = container::Querier::new("mem");
        let whole = mock.client().query(container::GAUGE, &querier).at("1700000000").await.unwrap();
        assert_eq!(whole.elements(), columns.elements());
        assert_eq!(prometheus.json(), serde_json::to_value(whole.prometheus_json()).unwrap());
    }
}

#[tokio::test]
async fn interrupted_responses_are_errors() {
    let mock = MockPrometheus::start();
    mock.on_range(container::RATE).any_labels().any_parameters().returns(large().truncate_after(500_000));
    let response = open(mock.client()).oneshot(request()).await.unwrap();
    assert_eq!(response.status(), 200);
    to_bytes(response.into_body(), usize::MAX).await.unwrap_err();
}

#[tokio::test]
async fn a_cancelled_request_cancels_the_query() {
    for stall_after in [0, 100, 500_000] {
        let mock = MockPrometheus::start();
        mock.on_range(container::RATE).any_labels().any_parameters().returns(large().stall_after(stall_after));
        let app = open(mock.client());
        let request = async {
            let body = app.oneshot(request()).await.unwrap().into_body();
            _ = to_bytes(body, usize::MAX).await;
        };
        let request = tokio::spawn(request);
        while mock.calls().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(!request.is_finished());
        request.abort();
        for _ in 0..100 {
            if mock.abandoned() == 1 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(mock.abandoned(), 1, "{stall_after}");
    }
}
