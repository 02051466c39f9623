//! What callers learn about presets.

use axum::body::Body;
use axum::http::Request;
use promql_presets::presets;
use promql_presets_testing::MockPrometheus;
use serde_json::{Value, json};

use crate::support::{PROJECT, get, guarded, open, send};

fn names(catalogue: &Value) -> Vec<&str> {
    catalogue["presets"].as_array().unwrap().iter().map(|preset| preset["name"].as_str().unwrap()).collect()
}

fn find<'a>(catalogue: &'a Value, name: &str) -> &'a Value {
    let mut presets = catalogue["presets"].as_array().unwrap().iter();
    presets.find(|preset| preset["name"] == name).unwrap()
}

#[tokio::test]
async fn it_lists_every_preset() {
    let mock = MockPrometheus::start();
    let catalogue = get(&open(mock.client()), "/presets").await.json();
    let expected: Vec<&str> = presets::ALL.iter().map(|preset| preset.name).collect();
    assert_eq!(names(&catalogue), expected);

    let rate = find(&catalogue, "container_utilization::rate");
    assert_eq!(rate["type"], "vector");
    assert_eq!(rate["range"], true);
    assert_eq!(rate["window"], "5m");
    assert_eq!(rate["template"], "sum by ({group_by}) (rate({metric_name}{{{labels}}}[{window}]))");
    assert_eq!(rate["metric"], "backendai_container_utilization");
    assert_eq!(rate["needs_metric"], false);
    assert_eq!([&rate["filter"], &rate["group_by"]], [true, true]);
    let labels = rate["labels"].as_array().unwrap();
    assert_eq!(labels[0]["name"], "container_metric_name");
    assert_eq!(labels[0]["required"], true);
    let value_type = json!({
        "name": "value_type",
        "description": "The aspect of the measure.",
        "kind": "one_of",
        "values": ["current", "capacity", "pct"],
        "prefix": "",
        "required": false,
        "filter": true,
        "group_by": true,
    });
    assert_eq!(labels[1], value_type);
    assert_eq!(labels[2]["kind"], "uuid");
    assert_eq!(find(&catalogue, "container_utilization::gauge")["window"], Value::Null);
}

#[tokio::test]
async fn it_lists_presets_within_the_guard() {
    let mock = MockPrometheus::start();
    let catalogue = get(&guarded(mock.client()), "/presets").await.json();
    let names = names(&catalogue);
    assert!(names.contains(&"container_utilization::rate"), "{names:?}");
    for hidden in ["container_utilization::gauge_min", "container_utilization::gauge_max", "api_requests::rate"] {
        assert!(!names.contains(&hidden), "{hidden}");
    }

    let request = Request::get("/presets").body(Body::empty()).unwrap();
    let reply = send(&guarded(mock.client()), request).await;
    assert_eq!(reply.problem().0, 401);
    assert_eq!(reply.headers["www-authenticate"], "Bearer");
}

#[tokio::test]
async fn it_is_sent_once() {
    let mock = MockPrometheus::start();
    let app = guarded(mock.client());
    let first = get(&app, "/presets").await;
    assert_eq!(first.headers["content-type"], "application/json");
    assert_eq!(first.headers["cache-control"], "private, no-cache");
    let etag = first.headers["etag"].to_str().unwrap();

    let again = |tag: &str| Request::get("/presets").header("x-project", PROJECT).header("if-none-match", tag);
    let reply = send(&app, again(etag).body(Body::empty()).unwrap()).await;
    assert_eq!(reply.status, 304);
    assert!(reply.body.is_empty());
    assert_eq!(reply.headers["etag"], etag);

    let reply = send(&open(mock.client()), again(etag).body(Body::empty()).unwrap()).await;
    assert_eq!(reply.status, 200, "another catalogue has another tag");
}
