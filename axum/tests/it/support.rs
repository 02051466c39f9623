//! Requests to a router.

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Request, StatusCode};
use promql_presets::{PresetInfo, PrometheusClient, presets};
use promql_presets_axum::{Access, Refusal, router};
use serde_json::Value;
use tower::ServiceExt;

pub(crate) const PROJECT: &str = "00000000-0000-0000-0000-000000000001";
pub(crate) const RATE: &str = "/presets/container_utilization::rate/query_range";
pub(crate) const GAUGE: &str = "/presets/container_utilization::gauge/query";

/// What a test looks at in a response.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {:?}", self.body))
    }

    /// The status and the field of a problem.
    pub(crate) fn problem(&self) -> (u16, String) {
        assert_eq!(self.headers["content-type"], "application/problem+json", "{self:?}");
        let json = self.json();
        assert_eq!(json["status"], self.status.as_u16());
        assert!(json["detail"].as_str().is_some_and(|detail| !detail.is_empty()));
        (self.status.as_u16(), json["field"].as_str().unwrap_or_default().to_owned())
    }
}

pub(crate) async fn send(app: &Router, request: Request<Body>) -> Reply {
    let (head, body) = app.clone().oneshot(request).await.unwrap().into_parts();
    Reply { status: head.status, headers: head.headers, body: to_bytes(body, usize::MAX).await.unwrap() }
}

pub(crate) async fn get(app: &Router, path: &str) -> Reply {
    send(app, Request::get(path).header("x-project", PROJECT).body(Body::empty()).unwrap()).await
}

pub(crate) async fn post(app: &Router, path: &str, json: impl Into<Body>) -> Reply {
    let request = Request::post(path).header("content-type", "application/json").header("x-project", PROJECT);
    send(app, request.body(json.into()).unwrap()).await
}

/// Each caller sees the series of the project in a header.
pub(crate) fn by_project(caller: &Parts, preset: &'static PresetInfo) -> Result<Access, Refusal> {
    let project = caller.headers.get("x-project").and_then(|value| value.to_str().ok());
    let project = project.ok_or(Refusal::unauthorized("Bearer"))?;
    match preset.name {
        "container_utilization::gauge_min" => Err(Refusal::forbidden()),
        "container_utilization::gauge_max" => Err(Refusal::not_found()),
        _ => Ok(Access::only("project_id", project)),
    }
}

pub(crate) fn guarded(client: PrometheusClient) -> Router {
    router(client, presets::ALL).guard(by_project).build()
}

pub(crate) fn open(client: PrometheusClient) -> Router {
    router(client, presets::ALL).unguarded().build()
}
