//! Errors as `application/problem+json`, see <https://www.rfc-editor.org/rfc/rfc9457>.

use std::time::Duration;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use promql_presets::{Error, ErrorClass, ErrorKind, RangeError, RenderError};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// Why a request failed.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    detail: String,
    /// What the caller got wrong, such as `labels.code`.
    field: Option<String>,
    query: Option<String>,
    retry_after: Option<Duration>,
    challenge: Option<&'static str>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), field: None, query: None, retry_after: None, challenge: None }
    }

    /// HTTP 400, for a part of the request.
    pub(crate) fn field(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..Self::new(StatusCode::BAD_REQUEST, detail) }
    }

    /// Sets the header `WWW-Authenticate`.
    pub(crate) fn challenge(self, challenge: Option<&'static str>) -> Self {
        Self { challenge, ..self }
    }

    /// A query that cannot be rendered.
    pub(crate) fn of_render(error: RenderError, is_filter: impl Fn(&str) -> bool) -> Self {
        let (detail, kind) = (error.to_string(), ErrorKind::Render(error));
        Self { field: field_of(&kind, is_filter), ..Self::new(StatusCode::BAD_REQUEST, detail) }
    }

    /// A failed call. `is_filter` is whether the caller's request has a condition on a label, and `is_verbose` whether the
    /// response may contain the query and the text of the server.
    pub(crate) fn of_call(error: Error, is_filter: impl Fn(&str) -> bool, is_verbose: bool) -> Self {
        let status = match (error.class(), error.status()) {
            (ErrorClass::Caller, _) => StatusCode::BAD_REQUEST,
            (ErrorClass::NoData, _) => StatusCode::NOT_FOUND,
            (ErrorClass::Server, _) if error.is_timeout() => StatusCode::GATEWAY_TIMEOUT,
            (ErrorClass::Server, Some(429 | 503)) => StatusCode::SERVICE_UNAVAILABLE,
            (ErrorClass::Server, _) => StatusCode::BAD_GATEWAY,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let (field, retry_after) = (field_of(error.kind(), is_filter), error.retry_after());
        let query = error.query().filter(|_| is_verbose).map(str::to_owned);
        let detail = if is_verbose { error.without_server().to_string() } else { error.public_message() };
        Self { field, query, retry_after, ..Self::new(status, detail) }
    }
}

/// The field of the request that a call failed for.
fn field_of(kind: &ErrorKind, is_filter: impl Fn(&str) -> bool) -> Option<String> {
    let label = |label: &str| Some(format!("labels.{label}"));
    let field = match kind {
        ErrorKind::Render(error) => match error {
            RenderError::MissingMetricName
            | RenderError::OtherMetric { .. }
            | RenderError::UnexpectedMetricName { .. } => "metric",
            RenderError::ZeroWindow | RenderError::UnexpectedWindow | RenderError::InvalidWindow(_) => "window",
            RenderError::NotAGroupBy { .. } | RenderError::UnexpectedGroupBy { .. } => "group_by",
            RenderError::InvalidLabelName { label: name } | RenderError::UndeclaredLabel { label: name, .. } => {
                return if is_filter(name) { label(name) } else { Some("group_by".to_owned()) };
            }
            RenderError::NotAFilter { label: name }
            | RenderError::InvalidLabelValue { label: name, .. }
            | RenderError::MissingRequiredLabel { label: name }
            | RenderError::NoAlternatives { label: name }
            | RenderError::InvalidRegex { label: name, .. }
            | RenderError::UnexpectedMatcher { label: name } => return label(name),
            _ => return None,
        },
        ErrorKind::Range(error) => range_field(error)?,
        _ => return None,
    };
    Some(field.to_owned())
}

/// The field of a range or a time that is invalid.
pub(crate) fn range_field(error: &RangeError) -> Option<&'static str> {
    match error {
        RangeError::InvalidStep(_) | RangeError::ZeroStep | RangeError::NoPoints | RangeError::TooManyPoints { .. } => {
            Some("step")
        }
        RangeError::EndBeforeStart { .. } => Some("end"),
        _ => None,
    }
}

impl Serialize for Problem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("title", self.status.canonical_reason().unwrap_or_default())?;
        map.serialize_entry("status", &self.status.as_u16())?;
        map.serialize_entry("detail", &self.detail)?;
        for (name, value) in [("field", &self.field), ("query", &self.query)] {
            if let Some(value) = value {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        // Strings and numbers are always JSON.
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(challenge) = self.challenge.and_then(|text| HeaderValue::from_str(text).ok()) {
            headers.insert(WWW_AUTHENTICATE, challenge);
        }
        if let Some(delay) = self.retry_after {
            let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
