//! Failures of the server behind.

use std::time::Duration;

use axum::Router;
use axum::http::request::Parts;
use promql_presets::{PresetInfo, RetryPolicy, presets};
use promql_presets_axum::{Access, router};
use promql_presets_testing::{MockPrometheus, MockResponse, series};

use crate::support::{GAUGE, PROJECT, RATE, by_project, get, guarded, open, post};

const BODY: &str = r#"{"labels": {"container_metric_name": "mem"}}"#;
const RANGE: &str = r#"{"labels": {"container_metric_name": "mem"}, "start": 0, "end": 3600000}"#;

#[tokio::test]
async fn each_has_its_status_and_no_details() {
    for (response, status) in [
        (MockResponse::error("bad_data", "secret"), 400),
        (MockResponse::error("execution", "secret"), 400),
        (MockResponse::error("timeout", "secret"), 504),
        (MockResponse::error("internal", "secret"), 502),
        (MockResponse::error("unavailable", "secret").status(503), 503),
        (MockResponse::too_many_requests("7"), 503),
        (MockResponse::html(502), 502),
        (MockResponse::reset(), 502),
        (MockResponse::data("5"), 502),
        (MockResponse::never(), 504),
        (MockResponse::from(series![]).truncate_after(20), 502),
    ] {
        for (path, body) in [(GAUGE, BODY), (RATE, RANGE)] {
            let mock = MockPrometheus::start();
            mock.on_any().returns(response.clone()).any_times();
            let client = mock.client_builder().retry(RetryPolicy::never()).timeout(Duration::from_millis(300));
            let reply = post(&guarded(client.build().unwrap()), path, body).await;
            assert_eq!(reply.problem().0, status, "{response:?}: {reply:?}");
            let text = String::from_utf8(reply.body.to_vec()).unwrap();
            for hidden in ["secret", PROJECT, "sum by", "127.0.0.1"] {
                assert!(!text.contains(hidden), "{text}");
            }
            if status == 503 && reply.headers.contains_key("retry-after") {
                assert_eq!(reply.headers["retry-after"], "7");
            }
        }
    }
}

#[tokio::test]
async fn details_are_shown_where_the_service_allows_it() {
    let mock = MockPrometheus::start();
    mock.on_any().returns(MockResponse::error("execution", "too many samples")).any_times();
    let app = router(mock.client(), presets::ALL).verbose_errors().guard(by_project).build();
    let reply = post(&app, GAUGE, BODY).await;
    let json = reply.json();
    assert!(json["detail"].as_str().unwrap().contains("too many samples"), "{json}");
    assert!(json["query"].as_str().unwrap().contains(PROJECT), "{json}");
    assert!(!json.to_string().contains("127.0.0.1"), "{json}");
}

#[tokio::test]
async fn a_value_of_the_guard_that_the_preset_cannot_have_fails_closed() {
    let mock = MockPrometheus::start();
    let guard = |_: &Parts, _: &'static PresetInfo| Ok(Access::only("project_id", "not-a-uuid"));
    let app = router(mock.client(), presets::ALL).guard(guard).build();
    let reply = post(&app, GAUGE, BODY).await;
    assert_eq!(reply.problem().0, 500);
    let text = String::from_utf8(reply.body.to_vec()).unwrap();
    assert!(!text.contains("not-a-uuid") && !text.contains("project_id"), "{text}");
    assert!(mock.calls().is_empty());
}

#[tokio::test]
async fn wrong_paths_and_methods_are_problems() {
    let mock = MockPrometheus::start();
    let app = open(mock.client());
    assert_eq!(post(&app, "/presets/%ff/query", BODY).await.problem().0, 400);
    assert_eq!(get(&app, "/presets/any::up/labels/%ff/values").await.problem().0, 400);
    let reply = get(&app, GAUGE).await;
    assert_eq!(reply.problem().0, 405);
    assert_eq!(reply.headers["allow"], "POST");
    let nested = Router::new().nest("/metrics", guarded(mock.client()));
    for path in ["/presets/", "/presets/x", "/presets/x/", "/presets/x/y", &format!("{GAUGE}/")] {
        for (app, path) in [(&app, path.to_owned()), (&nested, format!("/metrics{path}"))] {
            assert_eq!(get(app, &path).await.problem().0, 404, "{path}");
            assert_eq!(post(app, &path, BODY).await.problem().0, 404, "{path}");
        }
    }
    // Other paths are those of the service.
    let merged = Router::new().fallback(async || "the service").merge(guarded(mock.client()));
    assert_eq!(get(&merged, "/x").await.body, "the service");
}
