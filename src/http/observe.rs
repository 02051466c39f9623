//! What can be seen of a call from outside.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::error::{Error, ErrorKind};
use crate::http::options::Options;
use crate::http::redaction::redact;
use crate::http::transport::Transport;
use crate::value::Meta;

/// What became of one call, for metrics: what [`ClientBuilder::on_call`](crate::ClientBuilder::on_call) is given.
#[derive(Debug)]
#[non_exhaustive]
pub struct CallReport<'a> {
    /// The last parts of the path, without what the caller passed: `query_range`, `label_values`.
    pub endpoint: &'static str,
    /// The name of the preset.
    pub preset: Option<&'static str>,
    /// The rendered query.
    pub query: Option<&'a str>,
    /// From the start to the end, retries and waiting for a connection included, by tokio's clock.
    pub duration: Duration,
    /// How many bytes of answers came, as they came: compressed or not.
    pub bytes: u64,
    /// How many times it was tried again.
    pub retries: u32,
    /// How it ended.
    pub outcome: Outcome<'a>,
}

/// How a call ended.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Outcome<'a> {
    /// With an answer.
    Success,
    /// With an error.
    Failure(&'a Error),
    /// Nobody waited for its end.
    Dropped,
}

/// What is called with each report.
#[derive(Clone)]
pub(crate) struct Hook(pub(crate) Arc<dyn Fn(&CallReport<'_>) + Send + Sync>);

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hook")
    }
}

/// Watches one call from its start, and reports its end, however it comes.
#[derive(Debug)]
pub(crate) struct Watch {
    transport: Arc<Transport>,
    endpoint: &'static str,
    preset: Option<&'static str>,
    query: Option<String>,
    start: Instant,
    pub(crate) bytes: u64,
    pub(crate) retries: u32,
    /// How long the last answer asked to wait.
    pub(crate) retry_after: Option<Duration>,
    /// What was sent, of which errors should not repeat what is secret.
    options: Arc<Options>,
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

/// Does what a call does inside of its span.
#[cfg(feature = "tracing")]
pub(crate) fn within<F: Future>(span: Span, work: F) -> tracing::instrument::Instrumented<F> {
    tracing::Instrument::instrument(work, span)
}
#[cfg(not(feature = "tracing"))]
pub(crate) fn within<F: Future>(_: Span, work: F) -> F {
    work
}

impl Watch {
    pub(crate) fn start(
        transport: &Arc<Transport>,
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
            query = query.as_deref().filter(|_| transport.trace_query),
            duration_ms = tracing::field::Empty,
            bytes = tracing::field::Empty,
            retries = tracing::field::Empty,
            outcome = tracing::field::Empty,
        );
        Self {
            transport: Arc::clone(transport),
            endpoint,
            preset,
            query,
            start,
            bytes: 0,
            retries: 0,
            retry_after: None,
            options: Arc::clone(options),
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

    /// Tells an answer what was asked, and warns if it misses data.
    pub(crate) fn introduce(&self, meta: &mut Meta) {
        meta.preset = self.preset;
        meta.query.clone_from(&self.query);
        #[cfg(feature = "tracing")]
        if let Some(reason) = meta.objection() {
            tracing::warn!(target: TARGET, parent: &self.span, preset = self.preset, reason, "the response is partial");
        }
    }

    /// The error of a failure, which names preset, query and server, and no secrets.
    pub(crate) fn error(&self, mut kind: ErrorKind) -> Error {
        redact(&mut kind, &self.options);
        Error::new(kind, self.preset, self.query.clone(), self.retries)
            .at(self.transport.origin(), self.endpoint)
            .with_retry_after(self.retry_after)
    }

    /// Reports the end, once.
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
        if let Some(Hook(hook)) = &self.transport.hook {
            let Self { endpoint, preset, bytes, retries, .. } = *self;
            let (query, duration) = (self.query.as_deref(), self.start.elapsed());
            hook(&CallReport { endpoint, preset, query, duration, bytes, retries, outcome });
        }
    }

    /// Reports the end that a result is.
    pub(crate) fn end_with<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        self.end(result.as_ref().map_or_else(Outcome::Failure, |_| Outcome::Success));
        result
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.end(Outcome::Dropped);
    }
}

#[cfg(feature = "tracing")]
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
