//! Sends requests with reqwest: one server, one connection pool, shared by all clones of a client.

use std::any::Any;
use std::error::Error;
use std::future::poll_fn;
use std::io;
use std::iter::successors;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http_body::Body as _;
use reqwest::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, LOCATION,
    RETRY_AFTER,
};
use reqwest::{Body, Method, Url};
use tokio::sync::Semaphore;

use crate::error::{ClosedConnection, ConnectTimeout, ErrorKind};
use crate::http::credentials::Credentials;
use crate::http::observe::Reports;
use crate::http::options::Options;
use crate::http::proxy::{self, ThroughProxy};
use crate::http::request::Request;
use crate::http::retry::{Budget, retry_after};
use crate::http::scope::Scope;

/// The maximum number of redirects within the same server.
const MAX_REDIRECTS: u32 = 5;

/// The maximum length of a URL in the HTTP library.
const MAX_URL: usize = 65_534;

/// The HTTP method for endpoints that accept both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HttpMethod {
    /// `POST`, which allows long queries. If a proxy refuses it with 403, 405 or 501 but accepts `GET`, the client uses
    /// `GET` from then on. If the query is too long for `GET`, the call fails with the error of the `POST` request.
    #[default]
    Auto,
    /// Always `GET`. Long queries can fail with 414.
    Get,
    /// Always `POST`.
    Post,
}

/// A server within a scope, shared by all clones of a client.
#[derive(Clone, Debug)]
pub(crate) struct Transport {
    pub(crate) server: Arc<Server>,
    pub(crate) scope: Scope,
}

impl Deref for Transport {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

/// A server: its connections, the defaults of its calls, and their limits.
#[derive(Clone, Debug)]
pub(crate) struct Server {
    pub(crate) http: reqwest::Client,
    /// The proxy of the client for this server, without credentials.
    pub(crate) proxy: Option<String>,
    /// Ends with a slash, and has no credentials.
    pub(crate) base: Url,
    pub(crate) queries: [(&'static str, Url); 2],
    pub(crate) options: Arc<Options>,
    /// The names of the parameters in the client's URL. They stay in the URL of each request.
    pub(crate) in_url: Vec<String>,
    pub(crate) method: HttpMethod,
    pub(crate) max_steps: u64,
    pub(crate) compressed: bool,
    pub(crate) reports: Arc<Reports>,
    pub(crate) permits: Arc<Semaphore>,
    /// The number of permits.
    pub(crate) max_concurrent: usize,
    pub(crate) budget: Arc<Budget>,
    /// Whether a proxy in front of the server refuses `POST`.
    pub(crate) refuses_post: Arc<AtomicBool>,
    /// Whether the server has ever responded. Before that, no connection can be idle.
    pub(crate) has_responded: Arc<AtomicBool>,
    /// Supplies headers for each request.
    pub(crate) credentials: Option<Credentials>,
}

impl Transport {
    /// Sends a request and returns the response once its headers have arrived.
    pub(crate) async fn send(&self, request: &Request) -> Result<HttpResponse, ErrorKind> {
        let gets = match self.method {
            _ if request.get_only => true,
            HttpMethod::Auto => self.refuses_post.load(Ordering::Relaxed),
            HttpMethod::Get => true,
            HttpMethod::Post => false,
        };
        let method = if gets { Method::GET } else { Method::POST };
        let response = self.send_as(method, request).await?;
        if gets || self.method == HttpMethod::Post || !refuses(response.status) {
            return Ok(response);
        }
        // Boxed, since this is rare and would make every future larger.
        match Box::pin(self.send_as(Method::GET, request)).await {
            // `GET` cannot be sent, so return the response to `POST`.
            Err(ErrorKind::Config(_)) => Ok(response),
            second => Ok(HttpResponse { refuses_post: Some(Arc::clone(&self.refuses_post)), ..second? }),
        }
    }

    /// Sends a request and follows redirects within the server, with the same method, or with `GET` after HTTP 303. The
    /// query string stays unless the redirect has another.
    async fn send_as(&self, mut method: Method, request: &Request) -> Result<HttpResponse, ErrorKind> {
        let mut url = self.url(&request.path);
        let mut redirects = 0;
        loop {
            if url.query().is_none_or(str::is_empty) {
                url.set_query(request.query(&method).as_deref());
            }
            if url.as_str().len() > MAX_URL {
                let length = url.as_str().len();
                return Err(ErrorKind::Config(format!(
                    "the query is too long for `{method}`: a URL of {length} bytes"
                )));
            }
            let mut built = self.build(&method, url.clone(), request);
            if let Some((credentials, secrets)) = self.credentials.as_ref().zip(request.secrets.as_ref()) {
                credentials.add_to(&mut built, secrets).await?;
                self.scope.check_tenant(built.headers())?;
            }
            let hook = self.reports.attempt_hook.as_ref();
            let guard = hook.map(|hook| hook(request.preset, built.headers_mut()));
            let response = self.http.execute(built).await.map_err(|error| failure(error, self.proxy.as_deref()))?;
            self.has_responded.store(true, Ordering::Relaxed);
            let status = response.status().as_u16();
            if status == 407
                && let Some(proxy) = &self.proxy
            {
                return Err(unusable(status, format!("the proxy {proxy} requires credentials")));
            }
            let is_redirect = matches!(status, 301 | 302 | 303 | 307 | 308);
            let Some(location) = is_redirect.then(|| response.headers().get(LOCATION)).flatten() else {
                let moved = redirects > 0 && !url.path().ends_with(&*request.path);
                return Ok(HttpResponse { moved, _guard: guard, ..HttpResponse::new(response) });
            };
            let next = std::str::from_utf8(location.as_bytes()).ok().and_then(|to| url.join(to).ok());
            let Some(mut next) = next else {
                return Err(unusable(status, "the redirect's `Location` header is not a valid URL"));
            };
            next.set_fragment(None);
            if next.origin() != self.base.origin() || redirects == MAX_REDIRECTS {
                return Err(ErrorKind::Redirect {
                    status,
                    // Other schemes, such as `file:`, have no origin.
                    origin: if next.origin().is_tuple() {
                        next.origin().ascii_serialization()
                    } else {
                        next.scheme().to_owned() + ":"
                    },
                    in_circles: next.origin() == self.base.origin(),
                });
            }
            if status == 303 {
                method = Method::GET;
            }
            redirects += 1;
            url = next;
        }
    }

    fn url(&self, path: &str) -> Url {
        let known = self.queries.iter().find(|(known, _)| *known == path);
        known.map_or_else(|| below(&self.base, path), |(_, url)| url.clone())
    }

    fn build(&self, method: &Method, url: Url, request: &Request) -> reqwest::Request {
        let mut built = reqwest::Request::new(method.clone(), url);
        if !request.options.headers.is_empty() {
            built.headers_mut().clone_from(&request.options.headers);
        }
        if *method == Method::POST {
            let form_type = HeaderValue::from_static("application/x-www-form-urlencoded");
            built.headers_mut().insert(CONTENT_TYPE, form_type);
            *built.body_mut() = Some(request.form().into());
        }
        if self.compressed {
            built.headers_mut().entry(ACCEPT_ENCODING).or_insert(HeaderValue::from_static("gzip"));
        }
        built
    }
}

/// The URLs of queries, which are built once, since most calls are queries.
pub(crate) fn query_urls(base: &Url) -> [(&'static str, Url); 2] {
    ["api/v1/query", "api/v1/query_range"].map(|path| (path, below(base, path)))
}

fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path()));
    url
}

/// The encodings of a body, in order.
fn encoding(headers: &HeaderMap) -> Option<String> {
    let names = headers.get_all(CONTENT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    names.map(str::to_ascii_lowercase).reduce(|all, name| format!("{all}, {name}"))
}

/// Whether a status means success.
pub(crate) fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

/// Whether a status can mean that a proxy refuses the method.
fn refuses(status: u16) -> bool {
    matches!(status, 403 | 405 | 501)
}

/// A response whose headers have arrived: what they say, and the body in chunks.
pub(crate) struct HttpResponse {
    pub(crate) status: u16,
    pub(crate) encoding: Option<String>,
    /// The delay in `Retry-After`.
    pub(crate) retry_after: Option<Duration>,
    /// Whether a redirect led to another path, such as a login page.
    pub(crate) moved: bool,
    /// Set for later calls once this response, to `GET` after `POST` was refused, turns out to be from Prometheus.
    refuses_post: Option<Arc<AtomicBool>>,
    /// Number of bytes of the body that have arrived.
    length: u64,
    body: Body,
    /// The value that the hook of the attempt returned, dropped with the response.
    _guard: Option<Box<dyn Any + Send>>,
}

impl HttpResponse {
    fn new(response: reqwest::Response) -> Self {
        let header = |name| response.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        Self {
            status: response.status().as_u16(),
            encoding: encoding(response.headers()),
            retry_after: header(RETRY_AFTER).and_then(|value| {
                // A date is by the server's clock.
                let now = header(DATE).and_then(|date| httpdate::parse_http_date(date).ok());
                retry_after(value, now.unwrap_or_else(SystemTime::now))
            }),
            moved: false,
            refuses_post: None,
            length: 0,
            body: response.into(),
            _guard: None,
        }
    }

    pub(crate) fn is_success(&self) -> bool {
        is_success(self.status)
    }

    /// Confirms that the response is from Prometheus, not from a proxy.
    pub(crate) fn confirm(&self) {
        if let Some(refuses_post) = self.refuses_post.as_ref().filter(|_| !refuses(self.status)) {
            refuses_post.store(true, Ordering::Relaxed);
        }
    }

    /// Returns the next chunk of the body.
    pub(crate) fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, ErrorKind>> {
        loop {
            return Poll::Ready(match ready!(Pin::new(&mut self.body).poll_frame(context)) {
                None => Ok(None),
                Some(Err(error)) => Err(match failure(error, None) {
                    ErrorKind::Transport(source) | ErrorKind::Protocol(source) => {
                        ErrorKind::Truncated { bytes: self.length, source }
                    }
                    other => other,
                }),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => {
                        self.length += data.len() as u64;
                        Ok(Some(data))
                    }
                    // Trailers.
                    Err(_) => continue,
                },
            });
        }
    }

    /// Returns the next chunk of the body.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, ErrorKind> {
        poll_fn(|context| self.poll_chunk(context)).await
    }
}

/// A response that cannot be used, whatever its body.
pub(crate) fn unusable(status: impl Into<Option<u16>>, reason: impl Into<String>) -> ErrorKind {
    ErrorKind::Unusable { status: status.into(), reason: reason.into() }
}

/// The failure of a request, through this proxy if there is one.
fn failure(error: reqwest::Error, proxy: Option<&str>) -> ErrorKind {
    // The URL can contain the caller's filters.
    let error = error.without_url();
    // A timeout of the connection is handled below: the next attempt may succeed.
    if error.is_timeout() && !error.is_connect() {
        return ErrorKind::Timeout(Some(Arc::new(error)));
    }
    if error.is_builder() {
        return ErrorKind::Config(error.source().map_or_else(|| error.to_string(), ToString::to_string));
    }
    let causes = || successors(error.source(), |cause: &&(dyn Error + 'static)| (*cause).source());
    let is_closed = |cause: &(dyn Error + 'static)| {
        let hyper = cause.downcast_ref::<hyper::Error>();
        hyper.is_some_and(|error| error.is_incomplete_message() || error.is_canceled() || error.is_closed())
            || cause
                .downcast_ref::<io::Error>()
                .is_some_and(|error| matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe))
    };
    // With TLS 1.3, the server rejects a client certificate only after the client has sent its request.
    let is_tls =
        (error.is_connect() || error.is_request()) && causes().any(|it| it.downcast_ref().is_some_and(is_invalid));
    let of_parser = causes().find_map(|cause| cause.downcast_ref().filter(|error: &&hyper::Error| error.is_parse()));
    // hyper's own method needs its server.
    if of_parser.is_some_and(|error| error.to_string().contains("message head is too large")) {
        return unusable(None, "the headers of the response are too many or too large");
    }
    if let Some(message) = proxy.and_then(|proxy| proxy::unsupported(proxy, causes())) {
        return ErrorKind::Config(message);
    }
    let is_protocol = of_parser.is_some();
    let is_timeout = error.is_timeout();
    let is_closed = error.is_request() && !error.is_connect() && causes().any(is_closed);
    let source: Box<dyn Error + Send + Sync> = match proxy {
        Some(proxy) => Box::new(ThroughProxy { proxy: proxy.to_owned(), source: error.into() }),
        None => error.into(),
    };
    if is_tls {
        ErrorKind::Tls(source.into())
    } else if is_protocol {
        ErrorKind::Protocol(source.into())
    } else if is_timeout {
        ErrorKind::Transport(Arc::new(ConnectTimeout(source)))
    } else if is_closed {
        ErrorKind::Transport(Arc::new(ClosedConnection(source)))
    } else {
        ErrorKind::Transport(source.into())
    }
}

/// Whether rustls reports an invalid certificate, or a server without TLS.
fn is_invalid(error: &io::Error) -> bool {
    // Not `source`, which skips the inner error.
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    error.kind() == io::ErrorKind::InvalidData || inner.is_some_and(is_invalid)
}

/// `Authorization: scheme credentials`, marked as sensitive.
pub(crate) fn authorization(scheme: &str, credentials: &str) -> Result<(HeaderName, HeaderValue), ErrorKind> {
    let mut value = HeaderValue::try_from(format!("{scheme} {credentials}"))
        .map_err(|_| ErrorKind::Config("credentials with characters that HTTP does not allow".to_owned()))?;
    value.set_sensitive(true);
    Ok((AUTHORIZATION, value))
}
