//! The page of a folder of presets: its files, the router of the presets, and what the page needs besides.

mod security;
pub(crate) mod watched_folder;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use promql_presets::{PrometheusClient, Step, TimeRange, Timestamp};
use promql_presets_axum::{Access, live_router};
use serde_json::Value;
use tower::ServiceExt;

use crate::empty_result;
use crate::serve::watched_folder::WatchedFolder;

/// The longest range, and the most points and series of a query: what a browser can still show.
const MAX_RANGE: Duration = Duration::from_hours(2 * 366 * 24);
const MAX_POINTS: u64 = 5000;
const MAX_SERIES: u64 = 1000;

/// The largest body, in bytes.
const MAX_BODY: usize = 64 * 1024;

/// The state that the requests of the page share.
#[derive(Clone)]
pub(crate) struct Page {
    /// The presets.
    pub(crate) folder: Arc<WatchedFolder>,
    /// The URL of the server, to show.
    pub(crate) server: String,
    /// The address of the listener.
    pub(crate) listens_on: IpAddr,
}

/// The files of the page: path, type, content.
macro_rules! assets {
    ($($path:literal: $kind:literal = $file:literal),* $(,)?) => {
        const ASSETS: &[(&str, &str, &str)] =
            &[$(($path, $kind, include_str!(concat!("../../assets/", $file)))),*];
    };
}

assets! {
    "/": "text/html" = "index.html",
    "/style.css": "text/css" = "style.css",
    "/icon.svg": "image/svg+xml" = "icon.svg",
    "/api.js": "text/javascript" = "api.js",
    "/chart.js": "text/javascript" = "chart.js",
    "/controls.js": "text/javascript" = "controls.js",
    "/dom.js": "text/javascript" = "dom.js",
    "/main.js": "text/javascript" = "main.js",
    "/result.js": "text/javascript" = "result.js",
    "/state.js": "text/javascript" = "state.js",
    "/units.js": "text/javascript" = "units.js",
    "/uplot.js": "text/javascript" = "uplot/uPlot.iife.min.js",
    "/uplot.css": "text/css" = "uplot/uPlot.min.css",
    "/uplot-license.txt": "text/plain" = "uplot/LICENSE",
}

/// The page and its API.
pub(crate) fn router(client: PrometheusClient, page: &Page) -> Router {
    let access = Access::all().max_range(MAX_RANGE).max_points(MAX_POINTS).max_series(MAX_SERIES);
    let presets = live_router(client.clone(), Arc::clone(&page.folder), access).verbose_errors().build();
    let causes = post(causes).with_state((presets.clone(), client));
    let api = presets
        .route("/presets/{preset}/causes", causes)
        .route("/folder", get(folder_state).with_state(page.clone()))
        .layer(from_fn_with_state(Arc::clone(&page.folder), refresh));
    let assets = ASSETS.iter().fold(Router::new(), |router, &(path, kind, text)| {
        router.route(path, get(move || async move { asset(kind, text) }))
    });
    let app = assets.nest("/api", api).fallback(|| async { StatusCode::NOT_FOUND });
    app.layer(from_fn_with_state(page.listens_on, security::check))
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    let mut response = text.into_response();
    let charset = format!("{kind}; charset=utf-8");
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_str(&charset).unwrap_or(HeaderValue::from_static("")));
    // The next version of the program has other files.
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// Reads the folder if it has changed, before a request for its presets.
async fn refresh(State(folder): State<Arc<WatchedFolder>>, request: Request, next: Next) -> Response {
    _ = tokio::task::spawn_blocking(move || folder.refresh()).await;
    next.run(request).await
}

/// The version of the presets, and the compiler's messages.
async fn folder_state(State(page): State<Page>) -> Response {
    json_response(page.folder.json(&page.server))
}

/// Why a query returns nothing, in words. The body is that of the query, which the router of the presets renders. For a
/// range query, `time` is the end of the range, and the body also has its start and number of points.
async fn causes(State((presets, client)): State<(Router, PrometheusClient)>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else { return StatusCode::PAYLOAD_TOO_LARGE.into_response() };
    let mut json: Value = serde_json::from_slice(&body).unwrap_or_default();
    let time = json["time"].as_i64().map(Timestamp::from_millis);
    let [start, points] = ["start", "points"].map(|name| json.as_object_mut().and_then(|json| json.remove(name)));
    let start = start.and_then(|start| start.as_i64()).map(Timestamp::from_millis);
    let range = start.zip(time).and_then(|(start, end)| TimeRange::new(start, end).ok());
    let step = Step::auto(points.and_then(|points| points.as_u64()).unwrap_or(MAX_POINTS));
    let range = range.and_then(|range| Some(range.step(step).ok()?.aligned()));
    let render = parts.uri.path().strip_suffix("/causes").map(|preset| format!("{preset}/render").parse());
    let Some(Ok(render)) = render else { return StatusCode::NOT_FOUND.into_response() };
    parts.uri = render;
    let Ok(rendered) = presets.oneshot(Request::from_parts(parts, Body::from(json.to_string()))).await;
    if !rendered.status().is_success() {
        return rendered;
    }
    let json = to_bytes(rendered.into_body(), usize::MAX).await.unwrap_or_default();
    let json: Value = serde_json::from_slice(&json).unwrap_or_default();
    let query = json["query"].as_str().unwrap_or_default();
    let causes = empty_result::causes(&client, query, time, range).await;
    json_response(causes.into_iter().map(|cause| Value::String(cause.message)).collect::<Value>().to_string())
}

fn json_response(json: String) -> Response {
    let mut response = json.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
