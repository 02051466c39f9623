//! Who calls, and what they may see.

use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use promql_presets::{PresetInfo, PrometheusClient};
use promql_presets_axum::{Access, Refusal};
use uuid::Uuid;

use crate::AppState;

/// The header with the project of the caller. The gateway in front of the service sets it, and removes what callers send.
const PROJECT: &str = "x-project";

/// The project of a caller.
fn project(request: &Parts) -> Option<Uuid> {
    request.headers.get(PROJECT)?.to_str().ok()?.parse().ok()
}

/// The guard of the presets: callers see their own project, at most 31 days at once.
pub(crate) fn guard(request: &Parts, _: &'static PresetInfo) -> Result<Access, Refusal> {
    let project = project(request).ok_or(Refusal::unauthorized("Project"))?;
    Ok(Access::only("project", project)
        .max_range(Duration::from_hours(31 * 24))
        .max_window(Duration::from_hours(24))
        .max_points(1000))
}

/// The caller of a handler: a client that sees the caller's project only, so that no handler can forget it.
pub struct Caller {
    pub prometheus: PrometheusClient,
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = StatusCode;

    async fn from_request_parts(request: &mut Parts, state: &AppState) -> Result<Self, StatusCode> {
        let project = project(request).ok_or(StatusCode::UNAUTHORIZED)?;
        Ok(Self { prometheus: state.prometheus.with_filter("project", project) })
    }
}
