//! Errors of queries and their results.

use std::fmt::{self, Write};
use std::sync::Arc;
use std::time::Duration;

pub use self::kind::ErrorKind;
use self::kind::{AttemptBefore, Removed};
pub(crate) use self::kind::{ClosedConnection, ConnectTimeout};
pub use self::range::{RangeError, SplitError};
pub use self::row::RowError;
use crate::value::ValueError;
use crate::wire::DecodeError;

mod kind;
mod range;
mod row;

/// Why a call failed, or why its result is not the expected one.
///
/// It prints as one line for a log: the preset, the server if it is involved, and all causes. `{:#}` adds the query.
/// Neither contains credentials, and [`without_query`](Self::without_query) removes the query with its filters. Since
/// the line has all causes, [`source`](std::error::Error::source) returns `None`; [`kind`](Self::kind) has the causes.
///
/// ```text
/// preset api_requests::rate: query at http://prom:9090: server reported an error (bad_data, HTTP 400): 1:3: parse error
/// labels at http://prom:9090, after 3 retries: the server cannot be reached: ...: Connection refused
/// preset prometheus::up: the query returned no data
/// ```
///
/// A service can map the [`class`](Self::class) to the status of its own response, and return the
/// [`public_message`](Self::public_message):
///
/// ```
/// use promql_presets::{Error, ErrorClass};
///
/// fn response(error: &Error) -> (u16, String) {
///     let status = match error.class() {
///         ErrorClass::Caller => 400,
///         ErrorClass::NoData => 404,
///         ErrorClass::Server if error.is_timeout() => 504,
///         ErrorClass::Server => 502,
///         _ => 500,
///     };
///     (status, error.public_message())
/// }
/// ```
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    preset: Option<&'static str>,
    query: Option<String>,
    call: Option<Origin>,
    retries: u32,
    retry_after: Option<Duration>,
}

/// Where a call went.
#[derive(Clone, Debug)]
struct Origin {
    /// `None` after [`Error::without_server`].
    server: Option<String>,
    endpoint: &'static str,
}

/// The cause of an error of another crate. It is shared, so that errors can be cloned.
type Source = Arc<dyn std::error::Error + Send + Sync>;

/// The party that caused an error. A service can map it to the status of its own response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorClass {
    /// The caller's: an invalid filter, window or time range, a query that the server rejects, or a result that is too
    /// large. HTTP 400.
    Caller,
    /// There is no data: the query returned no series, or a value such as `NaN` that is not a number. HTTP 404.
    NoData,
    /// The server's, or the connection's: it is unreachable, late, overloaded, or returns errors, partial data or
    /// invalid responses. HTTP 502, or 504 if [`Error::is_timeout`].
    Server,
    /// The service's own: its configuration, or a type that does not fit the result. HTTP 500.
    Internal,
}

impl Error {
    /// The kind of the error, with its cause.
    #[must_use]
    pub fn kind(&self) -> &ErrorKind {
        &self.0.kind
    }

    /// The name of the preset, such as `container_utilization::rate`.
    #[must_use]
    pub fn preset(&self) -> Option<&'static str> {
        self.0.preset
    }

    /// The rendered PromQL, if it was rendered.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.0.query.as_deref()
    }

    /// Scheme, host and port of the server, such as `http://prometheus:9090`; `None` for errors before or after the
    /// call, such as a value that is not a number.
    #[must_use]
    pub fn server(&self) -> Option<&str> {
        self.0.call.as_ref()?.server.as_deref()
    }

    /// The endpoint that was called, such as `query_range` or `label_values`.
    #[must_use]
    pub fn endpoint(&self) -> Option<&'static str> {
        self.0.call.as_ref().map(|call| call.endpoint)
    }

    /// The HTTP status of the response that caused the error.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self.kind() {
            ErrorKind::Http { status, .. } | ErrorKind::Server { status, .. } | ErrorKind::Redirect { status, .. } => {
                Some(*status)
            }
            ErrorKind::Unusable { status, .. } => *status,
            _ => None,
        }
    }

    /// Whether this is a timeout: of the client, including connection timeouts, of the server's query evaluation, or of
    /// a proxy (HTTP 408 and 504).
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        match self.kind() {
            ErrorKind::Timeout(_) => true,
            ErrorKind::Transport(source) => {
                source.is::<ConnectTimeout>()
                    || source.downcast_ref().is_some_and(|removed: &Removed| removed.is_timeout)
            }
            ErrorKind::Http { status, .. } | ErrorKind::Unusable { status: Some(status), .. } => {
                matches!(status, 408 | 504)
            }
            // VictoriaMetrics has no error type for timeouts.
            ErrorKind::Server { status, error } => {
                matches!(status, 408 | 504)
                    || error.kind == "timeout"
                    || error.kind == "422" && error.message.contains("timeout exceeded")
            }
            _ => false,
        }
    }

    /// Whether the failure is transient, so that a retry can succeed: true for failures of connections, of proxies, and
    /// by overload, and false for errors in the query. It follows
    /// <https://prometheus.io/docs/prometheus/latest/querying/api/#format-overview>.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self.kind() {
            // If a connection behind a proxy breaks, the response can end early.
            ErrorKind::Transport(_)
            | ErrorKind::Truncated { .. }
            | ErrorKind::Timeout(_)
            | ErrorKind::Decode(DecodeError::Truncated { .. }) => true,
            // Prometheus uses the statuses 500 and 503 for these types; proxies can change them.
            ErrorKind::Server { status, error } => {
                matches!(status, 408 | 429 | 502..=504)
                    || !(400..500).contains(status) && matches!(&*error.kind, "internal" | "timeout")
            }
            // Responses of Prometheus are never empty, so this one did not arrive.
            ErrorKind::Http { status: 200, body } => body.is_empty(),
            ErrorKind::Http { status, .. } | ErrorKind::Unusable { status: Some(status), .. } => {
                matches!(status, 408 | 429 | 502..=504)
            }
            _ => false,
        }
    }

    /// Number of retries before the call failed.
    #[must_use]
    pub fn retries(&self) -> u32 {
        self.0.retries
    }

    /// The delay that the server requested with `Retry-After`.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Removes the query, whose filters can be confidential.
    #[must_use]
    pub fn without_query(mut self) -> Self {
        self.0.query = None;
        self
    }

    /// Removes the server's address: [`server`](Self::server) and the causes of failed connections. Where the server's
    /// own text contains the address, it becomes `***`.
    #[must_use]
    pub fn without_server(mut self) -> Self {
        /// Shorter names of hosts may be parts of words.
        const SHORTEST_HOST: usize = 6;
        let is_timeout = self.is_timeout();
        let removed = || Arc::new(Removed { is_timeout });
        match &mut self.0.kind {
            ErrorKind::Transport(source) => *source = removed(),
            ErrorKind::Truncated { source, .. } | ErrorKind::Tls(source) | ErrorKind::Protocol(source) => {
                *source = removed();
            }
            ErrorKind::Timeout(source) => *source = None,
            ErrorKind::Redirect { origin, in_circles, .. } => {
                if *in_circles { "the server" } else { "another server" }.clone_into(origin);
            }
            _ => {}
        }
        if let Some(server) = self.0.call.as_mut().and_then(|call| call.server.take()) {
            let authority = server.split_once("://").map_or(&*server, |(_, authority)| authority);
            let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
            for text in self.0.kind.texts_of_server() {
                for part in [authority, host].into_iter().filter(|part| part.len() >= SHORTEST_HOST) {
                    *text = text.replace(part, "***");
                }
            }
        }
        self
    }

    /// Whose fault the error is.
    ///
    /// | kind | class |
    /// |---|---|
    /// | [`Render`](ErrorKind::Render), [`Range`](ErrorKind::Range) | [`Caller`](ErrorClass::Caller) |
    /// | [`Server`](ErrorKind::Server) with HTTP 400, 413, 414 or 422, [`Http`](ErrorKind::Http) with 413 or 414 | `Caller`, unless it is a timeout |
    /// | [`Decode`](ErrorKind::Decode) where the response exceeds a limit | `Caller` |
    /// | [`ValueError::NoData`], [`ValueError::NotFinite`] | [`NoData`](ErrorClass::NoData) |
    /// | [`Split`](ErrorKind::Split), [`Config`](ErrorKind::Config), [`Credentials`](ErrorKind::Credentials), [`ResultType`](ErrorKind::ResultType), `Row`, other `Value` | [`Internal`](ErrorClass::Internal) |
    /// | all others | [`Server`](ErrorClass::Server) |
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self.kind() {
            ErrorKind::Server { .. } if self.is_timeout() => ErrorClass::Server,
            ErrorKind::Render(_)
            | ErrorKind::Range(_)
            | ErrorKind::Server { status: 400 | 413 | 414 | 422, .. }
            | ErrorKind::Http { status: 413 | 414, .. } => ErrorClass::Caller,
            ErrorKind::Decode(error) if error.is_of_limit() => ErrorClass::Caller,
            ErrorKind::Value(ValueError::NoData | ValueError::NotFinite { .. }) => ErrorClass::NoData,
            ErrorKind::Split(_)
            | ErrorKind::Config(_)
            | ErrorKind::Credentials(_)
            | ErrorKind::ResultType(_)
            | ErrorKind::Row(_)
            | ErrorKind::Value(_) => ErrorClass::Internal,
            _ => ErrorClass::Server,
        }
    }

    /// A message for people outside of the service: it names neither preset, query nor server, and repeats no text of
    /// the server. Only what is wrong with the caller's own input is described.
    ///
    /// ```text
    /// invalid time range: the range ends at 2026-04-16T00:00:00Z, before its start at 2026-04-17T00:00:00Z
    /// the query returned no data
    /// the metrics server is unavailable
    /// ```
    #[must_use]
    pub fn public_message(&self) -> String {
        let message = match (self.class(), self.kind()) {
            (ErrorClass::Internal, _) => "internal error",
            (_, kind @ (ErrorKind::Render(_) | ErrorKind::Range(_) | ErrorKind::Value(_))) => {
                return Causes(kind).to_string();
            }
            (_, ErrorKind::Server { status: 413 | 414, .. } | ErrorKind::Http { status: 413 | 414, .. }) => {
                "the query is too long"
            }
            (ErrorClass::Caller, ErrorKind::Decode(_)) => "the result is too large",
            (ErrorClass::Caller, _) => "the metrics server rejected the query",
            _ if self.is_timeout() => "the metrics server did not respond in time",
            (_, ErrorKind::PartialData { .. }) => "the metrics server could not read all data",
            (_, ErrorKind::Decode(_)) => "the metrics server returned an invalid response",
            _ => "the metrics server is unavailable",
        };
        message.to_owned()
    }

    pub(crate) fn new(kind: ErrorKind, preset: Option<&'static str>, query: Option<String>, retries: u32) -> Self {
        Self(Box::new(Inner { kind, preset, query, call: None, retries, retry_after: None }))
    }

    /// Sets the server and the endpoint.
    pub(crate) fn at(mut self, server: String, endpoint: &'static str) -> Self {
        self.0.call = Some(Origin { server: Some(server), endpoint });
        self
    }

    /// Adds the failure of the previous attempt to a timeout.
    pub(crate) fn after(mut self, before: Self) -> Self {
        if let ErrorKind::Timeout(source) = &mut self.0.kind {
            *source = Some(Arc::new(AttemptBefore { last: source.take(), before: before.0.kind }));
        }
        self
    }

    pub(crate) fn with_retry_after(mut self, retry_after: Option<Duration>) -> Self {
        self.0.retry_after = retry_after;
        self
    }
}

impl<K: Into<ErrorKind>> From<K> for Error {
    fn from(kind: K) -> Self {
        Self::new(kind.into(), None, None, 0)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(preset) = self.0.preset {
            write!(f, "preset {preset}: ")?;
        }
        if let Some(Origin { server, endpoint }) = self.0.call.as_ref().filter(|_| self.0.kind.is_of_server()) {
            f.write_str(endpoint)?;
            if let Some(server) = server {
                write!(f, " at {server}")?;
            }
            match self.0.retries {
                0 => {}
                1 => f.write_str(", after 1 retry")?,
                retries => write!(f, ", after {retries} retries")?,
            }
            f.write_str(": ")?;
        }
        Causes(&self.0.kind).fmt(f)?;
        match &self.0.query {
            Some(query) if f.alternate() => {
                f.write_str("; the query is ")?;
                write_line(f, query)
            }
            _ => Ok(()),
        }
    }
}

/// An error and its causes, on one line.
pub(crate) struct Causes<'a>(pub(crate) &'a dyn std::error::Error);

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_line(f, &self.0.to_string())?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !text.is_empty() {
                f.write_str(": ")?;
                write_line(f, &text)?;
            }
            cause = error.source();
        }
        Ok(())
    }
}

/// Messages of servers and queries may have several lines, and be too long for a log.
fn write_line(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    const LONGEST: usize = 4096;
    let shown = &text[..text.floor_char_boundary(LONGEST)];
    // Separators of lines and paragraphs, and what turns the direction of text around.
    let breaks = |char| matches!(char, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    shown.chars().try_for_each(|char| f.write_char(if char.is_control() || breaks(char) { ' ' } else { char }))?;
    if shown.len() < text.len() { f.write_char('…') } else { Ok(()) }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { kind, preset, query, call, retries, retry_after } = &*self.0;
        f.debug_struct("Error")
            .field("kind", kind)
            .field("preset", preset)
            .field("query", query)
            .field("call", call)
            .field("retries", retries)
            .field("retry_after", retry_after)
            .finish()
    }
}

impl std::error::Error for Error {}
