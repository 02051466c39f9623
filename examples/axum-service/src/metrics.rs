//! Metrics of the service's own calls to Prometheus.

use std::sync::Arc;

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use promql_presets::{CallReport, ErrorClass, Outcome};

/// Preset, endpoint and outcome.
type Labels = [(&'static str, &'static str); 3];

/// The metrics and their registry.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    calls: Family<Labels, Histogram, fn() -> Histogram>,
}

impl Default for Metrics {
    fn default() -> Self {
        let calls = Family::new_with_constructor((|| Histogram::new(exponential_buckets(0.005, 2.0, 12))) as fn() -> _);
        let mut registry = Registry::default();
        let help = "Duration of calls to Prometheus, including retries";
        registry.register_with_unit("promql_call_duration", help, Unit::Seconds, calls.clone());
        Self { registry: Arc::new(registry), calls }
    }
}

impl Metrics {
    /// Counts a call; a hook of the client.
    pub fn observe(&self, report: &CallReport<'_>) {
        let outcome = match report.outcome {
            Outcome::Success => "success",
            Outcome::Failure(error) => match error.class() {
                ErrorClass::Caller => "caller_error",
                ErrorClass::Server if error.is_timeout() => "timeout",
                ErrorClass::Server => "server_error",
                _ => "error",
            },
            _ => "cancelled",
        };
        let labels =
            [("preset", report.preset.unwrap_or_default()), ("endpoint", report.endpoint), ("outcome", outcome)];
        self.calls.get_or_create(&labels).observe(report.duration.as_secs_f64());
    }

    /// All metrics in the format of `OpenMetrics`.
    pub fn to_text(&self) -> Response {
        let mut text = String::new();
        // Writing to a `String` cannot fail.
        _ = encode(&mut text, &self.registry);
        ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response()
    }
}
