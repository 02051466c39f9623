//! Reports of calls: hooks, spans and events.

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::HeaderMap;
use tokio::time::Instant;

use crate::error::{Error, ErrorKind};
use crate::http::credentials::Secrets;
use crate::http::options::Options;
use crate::http::redaction::redact;
use crate::value::Meta;

/// A report of one call, for [`ClientBuilder::on_call`](crate::ClientBuilder::on_call).
#[derive(Debug)]
#[non_exhaustive]
pub struct CallReport<'a> {
    /// The endpoint, such as `query_range` or `label_values`.
    pub endpoint: &'static str,
    /// The name of the preset, if the call has one.
    pub preset: Option<&'static str>,
    /// The rendered query, if the call has one.
    pub query: Option<&'a str>,
    /// Duration of the call by tokio's clock, including retries and the time spent waiting for a connection.
    pub duration: Duration,
    /// Length of all response bodies in bytes, before decompression.
    pub bytes: u64,
    /// Number of retries.
    pub retries: u32,
    /// How the call ended.
    pub outcome: Outcome<'a>,
}

/// How a call ended.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Outcome<'a> {
    /// With a result.
    Success,
    /// With an error.
    Failure(&'a Error),
    /// The future or the stream was dropped.
    Dropped,
}

/// Where reports of the calls of a client go, and what they name.
pub(crate) struct Reports {
    /// Scheme, host and port of the server.
    pub(crate) origin: String,
    pub(crate) hook: Option<Hook>,
    pub(crate) attempt_hook: Option<AttemptHook>,
    /// Whether spans have the field `query`.
    #[cfg(feature = "tracing")]
    pub(crate) trace_query: bool,
}

/// The callback of [`ClientBuilder::on_call`](crate::ClientBuilder::on_call).
pub(crate) type Hook = Box<dyn Fn(&CallReport<'_>) + Send + Sync>;

/// The callback of `ClientBuilder::__on_attempt`, which gets the name of the preset and the headers of a request. What it
/// returns is dropped with the response.
pub(crate) type AttemptHook = Box<dyn Fn(Option<&'static str>, &mut HeaderMap) -> Box<dyn Any + Send> + Send + Sync>;

impl fmt::Debug for Reports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reports").field("origin", &self.origin).finish_non_exhaustive()
    }
}

/// Observes one call: adds its context to results and errors, and reports how it ends.
#[derive(Debug)]
pub(crate) struct Observer {
    reports: Arc<Reports>,
    endpoint: &'static str,
    preset: Option<&'static str>,
    query: Option<String>,
    start: Instant,
    pub(crate) bytes: u64,
    pub(crate) retries: u32,
    /// `Retry-After` of the last response.
    pub(crate) retry_after: Option<Duration>,
    /// The options of the call, whose secrets are redacted in errors.
    options: Arc<Options>,
    /// Headers that were supplied for the requests: secrets as well.
    pub(crate) secrets: Option<Secrets>,
    is_over: bool,
    #[cfg(feature = "tracing")]
    span: tracing::Span,
}

/// The target of all spans and events.
#[cfg(feature = "tracing")]
const TARGET: &str = "promql_presets";

/// The span of a call; nothing without the feature `tracing`.
#[cfg(feature = "tracing")]
pub(crate) type Span = tracing::Span;
#[cfg(not(feature = "tracing"))]
pub(crate) struct Span;

/// Runs a call inside its span.
#[cfg(feature = "tracing")]
pub(crate) fn within<F: Future>(span: Span, work: F) -> tracing::instrument::Instrumented<F> {
    tracing::Instrument::instrument(work, span)
}
#[cfg(not(feature = "tracing"))]
pub(crate) fn within<F: Future>(_: Span, work: F) -> F {
    work
}

impl Observer {
    pub(crate) fn start(
        reports: &Arc<Reports>,
        options: &Arc<Options>,
        endpoint: &'static str,
        preset: Option<&'static str>,
        query: Option<String>,
        start: Instant,
    ) -> Self {
        #[cfg(feature = "tracing")]
        let span = tracing::info_span!(
            target: TARGET,
            "promql",
            endpoint,
            preset,
            query = query.as_deref().filter(|_| reports.trace_query),
            duration_ms = tracing::field::Empty,
            bytes = tracing::field::Empty,
            retries = tracing::field::Empty,
            outcome = tracing::field::Empty,
        );
        Self {
            reports: Arc::clone(reports),
            endpoint,
            preset,
            query,
            start,
            bytes: 0,
            retries: 0,
            retry_after: None,
            options: Arc::clone(options),
            secrets: None,
            is_over: false,
            #[cfg(feature = "tracing")]
            span,
        }
    }

    pub(crate) fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    #[cfg(feature = "tracing")]
    pub(crate) fn span(&self) -> Span {
        self.span.clone()
    }
    #[cfg(not(feature = "tracing"))]
    #[expect(clippy::unused_self, reason = "as with the feature `tracing`")]
    pub(crate) fn span(&self) -> Span {
        Span
    }

    /// Counts a retry.
    pub(crate) fn retry(&mut self, error: &Error, wait: Duration) {
        self.retries += 1;
        #[cfg(feature = "tracing")]
        tracing::debug!(target: TARGET, parent: &self.span, %error, wait_ms = millis(wait), "retrying");
        #[cfg(not(feature = "tracing"))]
        let _ = (error, wait);
    }

    /// Adds preset and query to the metadata of a response, and warns if data is missing.
    pub(crate) fn attach_context(&self, meta: &mut Meta) {
        meta.preset = self.preset;
        meta.query.clone_from(&self.query);
        #[cfg(feature = "tracing")]
        if let Some(reason) = meta.objection() {
            tracing::warn!(target: TARGET, parent: &self.span, preset = self.preset, reason, "the response is partial");
        }
    }

    /// Creates an error with preset, query and server, but without secrets.
    pub(crate) fn error(&self, mut kind: ErrorKind) -> Error {
        redact(&mut kind, &self.options, self.secrets.as_ref());
        Error::new(kind, self.preset, self.query.clone(), self.retries)
            .at(self.reports.origin.clone(), self.endpoint)
            .with_retry_after(self.retry_after)
    }

    /// Reports the end of the call, once.
    pub(crate) fn end(&mut self, outcome: Outcome<'_>) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        #[cfg(feature = "tracing")]
        {
            self.span.record("duration_ms", millis(self.start.elapsed()));
            self.span.record("bytes", self.bytes);
            self.span.record("retries", self.retries);
            match outcome {
                Outcome::Success => self.span.record("outcome", "success"),
                Outcome::Failure(error) => {
                    tracing::warn!(target: TARGET, parent: &self.span, %error, "call failed");
                    self.span.record("outcome", "failure")
                }
                Outcome::Dropped => self.span.record("outcome", "dropped"),
            };
        }
        if let Some(hook) = &self.reports.hook {
            let Self { endpoint, preset, bytes, retries, .. } = *self;
            let (query, duration) = (self.query.as_deref(), self.start.elapsed());
            hook(&CallReport { endpoint, preset, query, duration, bytes, retries, outcome });
        }
    }

    /// Reports the end of the call with this result.
    pub(crate) fn end_with<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        self.end(result.as_ref().map_or_else(Outcome::Failure, |_| Outcome::Success));
        result
    }
}

impl Drop for Observer {
    fn drop(&mut self) {
        self.end(Outcome::Dropped);
    }
}

#[cfg(feature = "tracing")]
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
