//! HTTP: one server, one pool of connections, and what its clones share. The only file that sends with reqwest.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::Body as _;
use reqwest::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION,
    RETRY_AFTER,
};
use reqwest::{Body, Method, Url};
use tokio::sync::Semaphore;

use crate::error::ErrorKind;
use crate::observe::Hook;
use crate::options::Options;
use crate::retry::{Budget, retry_after};
use crate::value::Timestamp;

/// How many redirects within the same server are followed.
const MAX_REDIRECTS: u32 = 5;

/// How questions are sent to endpoints that take both methods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HttpMethod {
    /// With `POST`, whose queries may be long; with `GET` for good once a proxy has answered `POST` with 403, 405 or 501,
    /// and `GET` got through.
    #[default]
    Auto,
    /// With `GET` always. Long queries may fail with 414.
    Get,
    /// With `POST` always.
    Post,
}

/// A server, how to talk to it, and what is known of it.
#[derive(Debug)]
pub(crate) struct Transport {
    pub(crate) http: reqwest::Client,
    /// Ends with a slash; has no credentials.
    pub(crate) base: Url,
    pub(crate) options: Options,
    pub(crate) method: HttpMethod,
    pub(crate) max_steps: u64,
    pub(crate) compressed: bool,
    pub(crate) hook: Option<Hook>,
    pub(crate) permits: Arc<Semaphore>,
    pub(crate) budget: Budget,
    pub(crate) refuses_post: AtomicBool,
}

/// Where a question goes.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Below the base; nothing in it needs escaping.
    pub(crate) path: std::borrow::Cow<'static, str>,
    /// Whether `POST` is not an option.
    pub(crate) get_only: bool,
}

impl Transport {
    /// Sends a question and returns the answer once its header is there.
    pub(crate) async fn send(&self, target: &Target, form: &str, headers: &HeaderMap) -> Result<Answer, ErrorKind> {
        let gets = match self.method {
            _ if target.get_only => true,
            HttpMethod::Auto => self.refuses_post.load(Ordering::Relaxed),
            HttpMethod::Get => true,
            HttpMethod::Post => false,
        };
        let method = if gets { Method::GET } else { Method::POST };
        let answer = self.send_as(&method, target, form, headers).await?;
        if gets || self.method == HttpMethod::Post || !refuses(answer.status) {
            return Ok(answer);
        }
        let second = self.send_as(&Method::GET, target, form, headers).await?;
        // Only Prometheus answers so: whatever stands before it let `GET` through.
        if matches!(second.status, 200..=299 | 400 | 422) {
            self.refuses_post.store(true, Ordering::Relaxed);
        }
        Ok(second)
    }

    /// Sends, and follows redirects that stay with the server.
    async fn send_as(
        &self,
        method: &Method,
        target: &Target,
        form: &str,
        headers: &HeaderMap,
    ) -> Result<Answer, ErrorKind> {
        let mut url = self.base.clone();
        url.set_path(&format!("{}{}", self.base.path(), target.path));
        let mut redirects = 0;
        loop {
            let response = self.request(method, url.clone(), form, headers).send().await.map_err(failure)?;
            let status = response.status().as_u16();
            let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
            let next = location.filter(|_| matches!(status, 301 | 302 | 307 | 308)).and_then(|to| url.join(to).ok());
            let Some(next) = next else { return Ok(Answer::new(response)) };
            if next.origin() != self.base.origin() || redirects == MAX_REDIRECTS {
                return Err(ErrorKind::Redirect { status, origin: next.origin().ascii_serialization() });
            }
            redirects += 1;
            url = next;
        }
    }

    fn request(&self, method: &Method, mut url: Url, form: &str, headers: &HeaderMap) -> reqwest::RequestBuilder {
        url.set_fragment(None);
        let posts = *method == Method::POST;
        url.set_query(Some(form).filter(|form| !posts && !form.is_empty()));
        let mut request = self.http.request(method.clone(), url);
        if posts {
            let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
            request = request.header(CONTENT_TYPE, form_type).body(form.to_owned());
        }
        if self.compressed {
            request = request.header(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        }
        request.headers(headers.clone())
    }
}

/// Whether a status may mean that a proxy does not let a method through.
fn refuses(status: u16) -> bool {
    matches!(status, 403 | 405 | 501)
}

/// The answer to one request: its header, and its body as it arrives.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) encoding: Option<String>,
    /// How long the server asks its callers to wait.
    pub(crate) retry_after: Option<Duration>,
    body: Body,
}

impl Answer {
    fn new(response: reqwest::Response) -> Self {
        let header = |name| response.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        Self {
            status: response.status().as_u16(),
            encoding: header(CONTENT_ENCODING).map(str::to_ascii_lowercase),
            retry_after: header(RETRY_AFTER).and_then(|value| retry_after(value, Timestamp::now())),
            body: response.into(),
        }
    }

    /// The next piece of the body.
    pub(crate) fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, ErrorKind>> {
        loop {
            return Poll::Ready(match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                None => Ok(None),
                Some(Err(error)) => Err(failure(error)),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => Ok(Some(data)),
                    // Trailers.
                    Err(_) => continue,
                },
            });
        }
    }

    /// The next piece of the body.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, ErrorKind> {
        poll_fn(|context| self.poll_chunk(context)).await
    }
}

fn failure(error: reqwest::Error) -> ErrorKind {
    // The URL may hold what a caller filtered on.
    let error = error.without_url();
    // A connection that cannot be made in time may be made the next time.
    let timeout = error.is_timeout() && !error.is_connect();
    if timeout { ErrorKind::Timeout(Some(Box::new(error))) } else { ErrorKind::Transport(Box::new(error)) }
}

/// `Authorization: scheme credentials`, marked so that it is never shown.
pub(crate) fn authorization(scheme: &str, credentials: &str) -> Result<(HeaderName, HeaderValue), ErrorKind> {
    let mut value = HeaderValue::try_from(format!("{scheme} {credentials}"))
        .map_err(|_| ErrorKind::Config("credentials with characters that HTTP does not allow".to_owned()))?;
    value.set_sensitive(true);
    Ok((AUTHORIZATION, value))
}
