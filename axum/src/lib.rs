//! Presets of [`promql_presets`] as JSON endpoints, for front ends: a catalogue, and queries by name. Callers send names
//! and values, never PromQL, and see no more than a [`Guard`] allows.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use axum::Router;
//! use axum::http::request::Parts;
//! use promql_presets::{PresetInfo, PrometheusClient, presets};
//! use promql_presets_axum::{Access, Refusal};
//!
//! /// Each caller sees the series of its own project, at most 31 days of them at once.
//! fn guard(caller: &Parts, _: &'static PresetInfo) -> Result<Access, Refusal> {
//!     // Set by the authentication in front of the service.
//!     let project = caller.headers.get("x-project").and_then(|value| value.to_str().ok());
//!     let project = project.ok_or(Refusal::unauthorized("Bearer"))?;
//!     Ok(Access::only("project_id", project).max_range(Duration::from_hours(31 * 24)))
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let client = PrometheusClient::new("http://localhost:9090")?;
//!     let metrics = promql_presets_axum::router(client, presets::ALL).guard(guard).build();
//!     let app = Router::new().nest("/metrics", metrics);
//!     axum::serve(tokio::net::TcpListener::bind("127.0.0.1:8080").await?, app).await?;
//!     Ok(())
//! }
//! ```
//!
//! # Endpoints
//!
//! | | |
//! |---|---|
//! | `GET /presets` | the presets that the caller may query, with an `ETag` |
//! | `POST /presets/{name}/query` | the result at one point in time |
//! | `POST /presets/{name}/query_range` | the result over a range |
//! | `GET /presets/{name}/labels` | the labels of a preset whose file declares none; same parameters as below |
//! | `GET /presets/{name}/labels/{label}/values` | the values of a label; parameters: `metric`, `start`, `end`, `limit` |
//!
//! A query is an object whose fields are all optional, but for `start` and `end` of a range:
//!
//! ```json
//! {
//!     "metric": "http_requests_total",
//!     "labels": {
//!         "job": "api",
//!         "status_code": { "one_of": [500, 503] },
//!         "endpoint": { "starts_with": "/v1/", "not": "/v1/health" }
//!     },
//!     "group_by": ["endpoint"],
//!     "window": "5m",
//!     "parameters": { "quantile": 0.99 },
//!     "start": "2026-04-16T00:00:00Z",
//!     "end": 1776384000000,
//!     "step": "auto",
//!     "aligned": true,
//!     "format": "columns"
//! }
//! ```
//!
//! - `metric` is only for presets whose file names none. Operators are `is`, `not`, `one_of`, `none_of`, `starts_with`,
//!   `regex` and `not_regex`; all must hold.
//! - Times are milliseconds since 1970, or strings in RFC 3339 or Unix seconds. An instant query has `time`, by default
//!   now.
//! - `step` is a duration, `"auto"`, which is the default, or `{"auto": 500}`, for at most that many points.
//! - `format` is `columns`, the shape of [`promql_presets`' results](promql_presets#json), or `prometheus`, that of
//!   Prometheus' own API.
//!
//! Unknown and duplicate fields and parameters are refused, as are bodies without the content type `application/json`.
//!
//! # Errors
//!
//! Errors are `application/problem+json`: `{"title": "Bad Request", "status": 400, "detail": "...", "field": "labels.job"}`.
//!
//! | status | |
//! |---|---|
//! | 400 | the request is invalid; `field` names the invalid part, if there is one |
//! | 401, 403 | the guard refused the request, or its filters do not fit the preset |
//! | 404 | there is no such endpoint, preset or label |
//! | 413, 415 | the body is too large, or not JSON |
//! | 502, 503, 504 | the metrics server failed, is overloaded, or was too slow |
//! | 500 | the configuration of the service is wrong |
//!
//! They contain neither the query nor text of the metrics server, unless [`verbose_errors`](RouterBuilder::verbose_errors)
//! is set. [`ClientBuilder::on_call`](promql_presets::ClientBuilder::on_call) reports failures to the service itself.
//!
//! The result of a range query is streamed: the response starts with the first series. If the metrics server fails
//! after that, the response is aborted, so that it cannot be mistaken for a complete one. The result of an instant query
//! is read as a whole and then written in parts. Short responses have a `Content-Length`. If the caller cancels the
//! request, the query is cancelled as well.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod catalogue;
mod guard;
mod handlers;
mod json;
mod presets;
mod problem;
mod request;
mod response;

use std::fmt;

use promql_presets::{Presets, PrometheusClient};

use presets::Source;

pub use guard::{Access, Guard, Refusal};
pub use presets::LivePresets;

/// The default of [`RouterBuilder::max_body_bytes`].
const MAX_BODY: usize = 64 * 1024;

/// Starts a router for presets, such as [`promql_presets::presets::ALL`]. It can be built once it has a
/// [`guard`](RouterBuilder::guard), or is [`unguarded`](RouterBuilder::unguarded).
///
/// ```compile_fail,E0277
/// # let client = promql_presets::PrometheusClient::new("http://localhost:9090").unwrap();
/// let app: axum::Router = promql_presets_axum::router(client, promql_presets::presets::ALL).build();
/// ```
///
/// ```
/// # let client = promql_presets::PrometheusClient::new("http://localhost:9090").unwrap();
/// let app: axum::Router = promql_presets_axum::router(client, promql_presets::presets::ALL).unguarded().build();
/// ```
pub fn router(client: PrometheusClient, presets: Presets) -> RouterBuilder<NoGuard> {
    RouterBuilder { client, guard: NoGuard(presets), max_body: MAX_BODY, is_verbose: false }
}

/// Starts a router for presets that can change while it serves them. Every caller has the same `access`. Filters are
/// not supported: with one, every query fails.
///
/// Besides the endpoints of [`router`], it has `POST /presets/{name}/render`, which takes the body of a query and
/// returns `{"query": "..."}`. For a preset that takes the name of a metric,
/// `GET /presets/{name}/labels/__name__/values` lists the names of all metrics.
pub fn live_router(client: PrometheusClient, presets: impl LivePresets, access: Access) -> RouterBuilder<Chosen> {
    let guard = Chosen(Source::Live(Box::new(presets), access));
    RouterBuilder { client, guard, max_body: MAX_BODY, is_verbose: false }
}

/// A router to build, created with [`router`]. `G` is its guard.
#[must_use = "a router does nothing until it is built"]
pub struct RouterBuilder<G> {
    client: PrometheusClient,
    guard: G,
    max_body: usize,
    is_verbose: bool,
}

/// The guard of a [`RouterBuilder`] that has none yet.
#[derive(Clone, Copy, Debug)]
pub struct NoGuard(Presets);

/// The guard of a [`RouterBuilder`] that was chosen.
pub struct Chosen(Source);

/// Implemented for routers that have a guard or are explicitly unguarded.
#[diagnostic::on_unimplemented(
    message = "this router has no guard",
    label = "it is not decided what callers may query",
    note = "write `.guard(...)` before it, or `.unguarded()` if every caller may query everything"
)]
pub trait Decided: sealed::IntoSource {}

impl Decided for Chosen {}

mod sealed {
    pub trait IntoSource {
        #[expect(private_interfaces, reason = "no one outside can call it")]
        fn into_source(self) -> crate::presets::Source;
    }

    impl IntoSource for super::Chosen {
        #[expect(private_interfaces, reason = "no one outside can call it")]
        fn into_source(self) -> crate::presets::Source {
            self.0
        }
    }
}

impl RouterBuilder<NoGuard> {
    /// Sets the guard, which decides what each caller may query.
    pub fn guard(self, guard: impl Guard) -> RouterBuilder<Chosen> {
        let Self { client, guard: NoGuard(presets), max_body, is_verbose } = self;
        let guard = Chosen(Source::Constants(presets, Box::new(guard)));
        RouterBuilder { client, guard, max_body, is_verbose }
    }

    /// Allows every caller to query every preset over all series.
    pub fn unguarded(self) -> RouterBuilder<Chosen> {
        self.guard(|_: &axum::http::request::Parts, _: &'static promql_presets::PresetInfo| Ok(Access::all()))
    }
}

impl<G> RouterBuilder<G> {
    /// The largest body that is read, in bytes; 64 KiB by default.
    pub fn max_body_bytes(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Puts the rendered query and the text of the metrics server into errors, for callers that may know the filters of
    /// the guard.
    pub fn verbose_errors(mut self) -> Self {
        self.is_verbose = true;
        self
    }

    /// Builds the router, to serve, nest or merge.
    pub fn build<S>(self) -> axum::Router<S>
    where
        S: Clone + Send + Sync + 'static,
        G: Decided,
    {
        let Self { client, guard, max_body, is_verbose } = self;
        handlers::routes(handlers::Service { client, source: guard.into_source(), is_verbose, max_body })
    }
}

impl<G> fmt::Debug for RouterBuilder<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouterBuilder")
            .field("client", &self.client)
            .field("max_body", &self.max_body)
            .field("is_verbose", &self.is_verbose)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chosen").finish_non_exhaustive()
    }
}
