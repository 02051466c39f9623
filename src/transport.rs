//! HTTP. The only file that names reqwest, besides the builder that takes a caller's client.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Response, StatusCode, Url};

use crate::error::ErrorKind;

/// How much later than the server the client gives up, so that the server's own word on a timeout arrives.
const GRACE: Duration = Duration::from_secs(1);

/// How much of a foreign answer an error shows.
const EXCERPT_BYTES: usize = 512;

/// A server, and how to talk to it.
#[derive(Clone)]
pub(crate) struct Transport {
    pub(crate) http: reqwest::Client,
    /// Ends with a slash; has no credentials.
    pub(crate) base: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) timeout: Duration,
}

/// One call of the API.
pub(crate) struct Request<'a> {
    /// Below the base: `api/v1/query`.
    pub(crate) path: &'a [&'a str],
    pub(crate) method: Method,
    pub(crate) parameters: Vec<(&'static str, String)>,
    /// How long the whole call may take; the client's own timeout if `None`.
    pub(crate) timeout: Option<Duration>,
}

impl Transport {
    /// Sends a request and returns the answer once its header is there.
    pub(crate) async fn send(&self, request: Request<'_>) -> Result<Response, ErrorKind> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(request.path);
        }
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&request.parameters).finish();
        let timeout = request.timeout.unwrap_or(self.timeout);
        let mut builder = if request.method == Method::POST {
            let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
            self.http.post(url).header(CONTENT_TYPE, form_type).body(form)
        } else {
            url.set_query(Some(&form).filter(|form| !form.is_empty()).map(String::as_str));
            self.http.request(request.method, url)
        };
        builder = builder.headers(self.headers.clone()).timeout(timeout.saturating_add(GRACE));
        builder.send().await.map_err(failure)
    }
}

/// The next piece of a body.
pub(crate) async fn chunk(response: &mut Response) -> Result<Option<bytes::Bytes>, ErrorKind> {
    response.chunk().await.map_err(failure)
}

/// Whether the body is likely to be of Prometheus, judged by the header.
pub(crate) fn is_json(response: &Response) -> bool {
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_none_or(|value| value.to_ascii_lowercase().contains("json"))
}

/// The beginning of a body that is not of Prometheus.
pub(crate) async fn foreign(mut response: Response) -> ErrorKind {
    let status = response.status().as_u16();
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk[..chunk.len().min(EXCERPT_BYTES - body.len())]);
        if body.len() == EXCERPT_BYTES {
            break;
        }
    }
    let text = String::from_utf8_lossy(&body);
    let body = text.split_whitespace().collect::<Vec<_>>().join(" ");
    ErrorKind::Http { status, body }
}

pub(crate) fn status(response: &Response) -> StatusCode {
    response.status()
}

fn failure(error: reqwest::Error) -> ErrorKind {
    // The URL may hold what a caller filtered on.
    let error = error.without_url();
    if error.is_timeout() { ErrorKind::Timeout(Some(Box::new(error))) } else { ErrorKind::Transport(Box::new(error)) }
}

/// `Authorization: scheme credentials`, marked so that it is never shown.
pub(crate) fn authorization(
    scheme: &str,
    credentials: &str,
) -> Result<(reqwest::header::HeaderName, HeaderValue), ErrorKind> {
    let mut value = HeaderValue::try_from(format!("{scheme} {credentials}"))
        .map_err(|_| ErrorKind::Config("credentials with characters that HTTP does not allow".to_owned()))?;
    value.set_sensitive(true);
    Ok((AUTHORIZATION, value))
}
