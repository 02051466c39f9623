//! A service on axum: two endpoints of its own, which return rows of presets, and all presets for the front end.

mod caller;
mod metrics;

use std::time::Duration;

use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use promql_presets::{ClientBuilder, Error, ErrorClass, PrometheusClient, Row, SeriesRow, Step, TimeRange};
use serde::Deserialize;
use tokio::net::TcpListener;
use tracing::Instrument;

pub use caller::Caller;
pub use metrics::Metrics;

/// The queries: a module for each file in `presets/`.
pub mod presets {
    promql_presets::include_presets!();
}

use presets::{latency, requests};

/// What handlers share.
#[derive(Clone)]
pub struct AppState {
    prometheus: PrometheusClient,
    metrics: Metrics,
}

/// The whole service, with the settings of a client to which its metrics are added.
pub fn app(prometheus: ClientBuilder) -> Result<Router, Error> {
    let metrics = Metrics::default();
    let prometheus = prometheus.on_call({
        let metrics = metrics.clone();
        move |report| metrics.observe(report)
    });
    let state = AppState { prometheus: prometheus.build()?, metrics };
    let presets = promql_presets_axum::router(state.prometheus.clone(), presets::ALL).guard(caller::guard).build();
    let app = Router::new()
        .route("/errors", get(errors))
        .route("/slowest", get(slowest))
        .nest("/api", presets)
        .layer(from_fn(traced))
        // Not traced: it is read every few seconds.
        .route("/metrics", get(async |State(state): State<AppState>| state.metrics.to_text()))
        .with_state(state);
    Ok(app)
}

/// Serves until `shutdown`, then finishes the requests that have begun.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, app).with_graceful_shutdown(shutdown).await
}

/// The spans of the client's calls are inside that of the request.
async fn traced(request: Request, next: Next) -> Response {
    let span = tracing::info_span!("request", method = %request.method(), path = request.uri().path());
    next.run(request).instrument(span).await
}

#[derive(Deserialize)]
struct Hours {
    #[serde(default = "Hours::default_hours")]
    hours: u32,
}

impl Hours {
    const fn default_hours() -> u32 {
        24
    }
}

/// `GET /errors?hours=24`: the ratio of failed requests of each service over time.
async fn errors(caller: Caller, Query(Hours { hours }): Query<Hours>) -> Result<Json<Vec<Errors>>, Failure> {
    let range = TimeRange::last(Duration::from_hours(hours.into())).step(Step::auto(250))?;
    let querier = requests::Querier::new().group_by([requests::Label::Service]);
    let ratios = caller.prometheus.query_range(requests::ERROR_RATIO, &querier, range.aligned()).await?;
    Ok(Json(ratios.into_rows()?))
}

type Errors = SeriesRow<requests::Row>;

/// `GET /slowest`: the 99th percentile of the latency of each service, the slowest first.
async fn slowest(caller: Caller) -> Result<Json<Vec<Row<latency::Row>>>, Failure> {
    let querier = latency::Querier::new().group_by([latency::Label::Service]);
    let latencies = caller.prometheus.query(latency::QUANTILE.quantile(0.99), &querier).window("1h").await?;
    let mut rows = latencies.rows()?;
    rows.sort_by(|a: &Row<latency::Row>, b| b.value.total_cmp(&a.value));
    Ok(Json(rows))
}

/// A failed query, as the response to the caller: its status, and the public part of the error.
struct Failure(Error);

/// Also of invalid ranges.
impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = match self.0.class() {
            ErrorClass::Caller => StatusCode::BAD_REQUEST,
            ErrorClass::NoData => StatusCode::NOT_FOUND,
            ErrorClass::Server if self.0.is_timeout() => StatusCode::GATEWAY_TIMEOUT,
            ErrorClass::Server => StatusCode::BAD_GATEWAY,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        // For the operators; the caller gets the public message.
        tracing::warn!(error = %self.0, "a query failed");
        (status, Json(self.0)).into_response()
    }
}
