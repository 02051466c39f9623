//! The router against a real Prometheus with known data, over a socket.

use axum::http::request::Parts;
use promql_presets::{Matrix, PresetInfo, PrometheusClient, presets};
use promql_presets_axum::{Access, router};
use promql_presets_test_support::{Dataset, prometheus};

use crate::support::{get, post};

#[tokio::test]
async fn callers_see_the_series_of_their_agent() {
    let Some(server) = prometheus::shared() else { return };
    let data = Dataset::of_tests();
    let guard = |_: &Parts, _: &'static PresetInfo| Ok(Access::only("agent_id", "i-gpu-01"));
    let app = router(PrometheusClient::new(server.url()).unwrap(), presets::ALL).guard(guard).build();

    let body = |filter: &str| {
        format!(
            r#"{{"labels": {{"container_metric_name": "mem", "value_type": "current"{filter}}},
            "group_by": ["agent_id"], "step": "5m", "start": "{}", "end": "{}"}}"#,
            data.end() - 3600,
            data.end()
        )
    };
    let path = "/presets/container_utilization::gauge/query_range";
    for (filter, expected) in [
        ("", 1),
        (r#", "agent_id": {"regex": ".+"}"#, 1),
        (r#", "agent_id": {"not": "i-gpu-01"}"#, 0),
        (r#", "agent_id": "i-gpu-02""#, 0),
    ] {
        let reply = post(&app, path, body(filter)).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let matrix: Matrix = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!(matrix.len(), expected, "{filter}");
        assert!(matrix.iter().all(|series| series.labels().get("agent_id") == Some("i-gpu-01") && series.len() == 13));
    }

    let path = "/presets/container_utilization::gauge/labels/agent_id/values";
    assert_eq!(get(&app, path).await.json()["items"], serde_json::json!(["i-gpu-01"]));
}
