//! The mock: a server inside the test.

use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use promql_presets::reqwest::header::HeaderValue;
use promql_presets::{ClientBuilder, IntoPreset, MetricQuerier, PrometheusClient, RetryPolicy};

use crate::call::{ATTEMPT_HEADER, Call, Endpoint, PRESET_HEADER};
use crate::clock::Clock;
use crate::expectation::On;
use crate::expected::Query;
use crate::record::{Recorder, Recording};
use crate::response::HttpResponse;
use crate::server::{Handler, Server};
use crate::state::{Shared, Source};

/// A Prometheus inside the test, which sends the responses that the test sets and fails it on unexpected requests.
///
/// It listens on a free loopback port, in a thread of its own. See the [crate](crate) for an example.
///
/// Dropping it, or [`verify`](Self::verify), panics if a request was not expected, or if an expectation was not used.
#[derive(Debug)]
pub struct MockPrometheus {
    server: Server,
    url: String,
    shared: Arc<Shared>,
    is_verified: bool,
}

impl MockPrometheus {
    /// Starts a mock that expects nothing.
    ///
    /// # Panics
    /// If no port can be opened.
    #[must_use]
    pub fn start() -> Self {
        Self::with(Source::Expectations)
    }

    /// Starts a mock that forwards all requests to a real server, and writes the responses to a file when it is dropped.
    /// [`replay`](Self::replay) responds from it.
    ///
    /// The file is JSON, made to be read. Headers of requests, such as credentials, are sent on and not written.
    ///
    /// # Panics
    /// If no port can be opened, and later if the file cannot be written.
    #[must_use]
    #[expect(clippy::panic, reason = "this is how a test fails")]
    pub fn record(url: &str, file: impl AsRef<Path>) -> Self {
        match Recorder::new(url, file.as_ref()) {
            Ok(recorder) => Self::with(Source::Server(recorder)),
            Err(problem) => panic!("{problem}"),
        }
    }

    /// Starts a mock that responds from a file of [`record`](Self::record). If `PROMQL_PRESETS_RECORD` is the URL of a
    /// server, it records the file again instead.
    ///
    /// Requests must be of the same presets and have the same parameters as the recorded ones, except for their times:
    /// an instant query can have another time, and a range query another range of the same length. The times in the
    /// response are shifted accordingly. Equal requests get their responses in the order in which they were recorded, the
    /// last one repeatedly. A request that was not recorded fails the test.
    ///
    /// # Panics
    /// If the file cannot be read.
    #[must_use]
    #[expect(clippy::panic, reason = "this is how a test fails")]
    pub fn replay(file: impl AsRef<Path>) -> Self {
        if let Ok(url) = std::env::var("PROMQL_PRESETS_RECORD")
            && !url.is_empty()
        {
            return Self::record(&url, file);
        }
        match Recording::read(file.as_ref()) {
            Ok(recording) => Self::with(Source::File(recording)),
            Err(problem) => panic!("{problem}"),
        }
    }

    #[expect(clippy::panic, reason = "this is how a test fails")]
    fn with(source: Source) -> Self {
        let shared = Arc::new(Shared::new(source));
        match Server::start(Arc::clone(&shared)) {
            Ok(server) => Self { url: server.url(), server, shared, is_verified: false },
            Err(error) => panic!("cannot start a server: {error}"),
        }
    }

    /// The URL of the server: `http://127.0.0.1:port`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A client for this server with the default settings, except that it retries without long pauses.
    ///
    /// # Panics
    /// If the HTTP library cannot be set up.
    #[must_use]
    pub fn client(&self) -> PrometheusClient {
        build(self.client_builder())
    }

    /// A builder for a client of this server, for settings such as a timeout.
    ///
    /// A client that is built otherwise works as well. The mock then only sees the text of a query, so it cannot tell a
    /// preset from another preset, or from unchecked PromQL, with the same text.
    pub fn client_builder(&self) -> ClientBuilder {
        self.client_builder_at("")
    }

    /// The same with a path after the URL: `/select/42/prometheus`.
    pub fn client_builder_at(&self, path: &str) -> ClientBuilder {
        let pause = Duration::from_millis(1);
        let clock = Arc::clone(&self.shared.clock);
        PrometheusClient::builder(format!("{}{path}", self.url))
            .retry(RetryPolicy::default().backoff(pause, pause))
            .configure_http(promql_presets::reqwest::ClientBuilder::no_proxy)
            .__on_attempt(move |preset, headers| {
                let attempt = clock.start();
                headers.insert(ATTEMPT_HEADER, attempt.number.into());
                if let Ok(name) = HeaderValue::from_bytes(preset.unwrap_or_default().as_bytes()) {
                    headers.insert(PRESET_HEADER, name);
                }
                Box::new(attempt)
            })
    }

    /// Expects an instant query of a preset. The methods of [`On`] set what fills its placeholders.
    #[track_caller]
    pub fn on<P: IntoPreset<Querier: MetricQuerier>>(&self, preset: P) -> On<'_, P::Querier> {
        On::of(&self.shared, preset.into_preset(), Endpoint::Query)
    }

    /// Expects a range query of a preset.
    #[track_caller]
    pub fn on_range<P: IntoPreset<Querier: MetricQuerier>>(&self, preset: P) -> On<'_, P::Querier> {
        On::of(&self.shared, preset.into_preset(), Endpoint::QueryRange)
    }

    /// Expects an instant query of unchecked PromQL, with exactly this text.
    #[track_caller]
    pub fn on_raw(&self, promql: impl Into<String>) -> On<'_> {
        On::new(&self.shared, Query::Raw(promql.into()), Endpoint::Query)
    }

    /// Expects a range query of unchecked PromQL, with exactly this text.
    #[track_caller]
    pub fn on_raw_range(&self, promql: impl Into<String>) -> On<'_> {
        On::new(&self.shared, Query::Raw(promql.into()), Endpoint::QueryRange)
    }

    /// Expects a request for the exemplars of a preset, whose response is made with
    /// [`MockResponse::data`](crate::MockResponse::data).
    #[track_caller]
    pub fn on_exemplars<P: IntoPreset<Querier: MetricQuerier>>(&self, preset: P) -> On<'_, P::Querier> {
        On::of(&self.shared, preset.into_preset(), Endpoint::Exemplars)
    }

    /// Expects a request for the names of labels.
    #[track_caller]
    pub fn on_labels(&self) -> On<'_> {
        On::new(&self.shared, Query::None, Endpoint::Labels)
    }

    /// Expects a request for the values of a label.
    #[track_caller]
    pub fn on_label_values(&self, label: impl AsRef<str>) -> On<'_> {
        On::new(&self.shared, Query::None, Endpoint::LabelValues(label.as_ref().to_owned()))
    }

    /// Expects a request for the series that a querier selects. Its response is series, whose values do not matter.
    #[track_caller]
    pub fn on_series(&self, querier: &dyn MetricQuerier) -> On<'_> {
        On::new(&self.shared, Query::None, Endpoint::Series).matching(querier)
    }

    /// Expects a request for the metadata of metrics, whose response is made with
    /// [`MockResponse::data`](crate::MockResponse::data).
    #[track_caller]
    pub fn on_metadata(&self) -> On<'_> {
        On::new(&self.shared, Query::None, Endpoint::Metadata)
    }

    /// Expects a request for another path, such as `/api/v1/status/buildinfo` or `/-/ready`.
    #[track_caller]
    pub fn on_path(&self, path: impl Into<String>) -> On<'_> {
        On::new(&self.shared, Query::None, Endpoint::Other(path.into()))
    }

    /// Expects any request at all, for tests that are not about queries: how a service copes with a broken server.
    #[track_caller]
    pub fn on_any(&self) -> On<'_> {
        On::new(&self.shared, Query::Any, Endpoint::Query)
    }

    /// All requests so far, in the order in which they came.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.shared.lock().calls.clone()
    }

    /// The number of connections that clients have opened.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.server.connections()
    }

    /// The number of connections whose client went away before it had a whole response, as at a timeout.
    #[must_use]
    pub fn abandoned(&self) -> usize {
        self.server.gone()
    }

    /// Closes all connections and refuses new ones, until the returned value is dropped.
    ///
    /// # Panics
    /// If another process takes the port at this moment.
    #[expect(clippy::panic, reason = "this is how a test fails")]
    pub fn refuse_connections(&self) -> Refusing<'_> {
        match self.server.refuse(true) {
            Ok(()) => Refusing { server: &self.server },
            Err(error) => panic!("cannot refuse connections: {error}"),
        }
    }

    /// The problems so far: unexpected requests, and expectations that were not used.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        self.shared.lock().problems()
    }

    /// Fails the test if anything is not as expected. Dropping the mock does so too.
    ///
    /// # Panics
    /// If a request was not expected, or if an expectation was not used.
    #[track_caller]
    pub fn verify(mut self) {
        self.check();
    }

    #[track_caller]
    fn check(&mut self) {
        self.is_verified = true;
        let mut problems = self.problems();
        if let Source::Server(recorder) = &self.shared.source {
            problems.extend(recorder.write().err());
        }
        assert!(problems.is_empty(), "{}", problems.join("\n"));
    }
}

impl Drop for MockPrometheus {
    fn drop(&mut self) {
        if !self.is_verified && !thread::panicking() {
            self.check();
        }
    }
}

/// Builds a client of a test.
#[expect(clippy::panic, reason = "this is how a test fails")]
pub(crate) fn build(client: ClientBuilder) -> PrometheusClient {
    match client.build() {
        Ok(client) => client,
        Err(error) => panic!("cannot build a client: {error}"),
    }
}

/// A mock that refuses connections, until this is dropped.
#[derive(Debug)]
#[must_use = "connections are accepted again when this is dropped"]
pub struct Refusing<'m> {
    server: &'m Server,
}

impl Drop for Refusing<'_> {
    fn drop(&mut self) {
        // It fails if the server has stopped, after which all connections are refused.
        let _ = self.server.refuse(false);
    }
}

impl Handler for Shared {
    async fn respond(&self, call: Call) -> HttpResponse {
        self.response(call).await
    }

    fn clock(&self) -> &Arc<Clock> {
        &self.clock
    }
}
