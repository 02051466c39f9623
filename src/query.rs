//! Queries: what is awaited.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::time::Duration;

use promql_presets_core::{DurationError, MetricQuerier, Preset, PromDuration, RenderError, TakesWindow};
use reqwest::Method;

use crate::client::PrometheusClient;
use crate::error::{Error, ErrorKind};
use crate::range::{RangeError, TimeRange};
use crate::transport::{self, Request};
use crate::value::{Matrix, Scalar, Timestamp, Vector};
use crate::wire::{Decoder, Limits, QueryResult, Response};

/// A future that can be sent between threads.
pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// The types of presets that can be asked for over a range of time.
#[diagnostic::on_unimplemented(
    message = "a range query needs a preset whose type is an instant vector or a scalar",
    label = "the type of this preset is `{Self}`",
    note = "ask for it with `query`"
)]
pub trait RangeResult: QueryResult {}

impl RangeResult for Vector {}
impl RangeResult for Scalar {}

/// What instant and range queries have in common.
struct Call<'a, Q: ?Sized, R, W> {
    client: &'a PrometheusClient,
    preset: Preset<Q, R, W>,
    querier: &'a Q,
    window: Option<Result<PromDuration, DurationError>>,
    timeout: Option<Duration>,
}

impl<'a, Q: MetricQuerier + ?Sized, R, W> Call<'a, Q, R, W> {
    fn new(client: &'a PrometheusClient, preset: Preset<Q, R, W>, querier: &'a Q) -> Self {
        Self { client, preset, querier, window: None, timeout: None }
    }

    fn window<D: TryInto<PromDuration, Error: Into<DurationError>>>(&mut self, window: D) {
        self.window = Some(window.try_into().map_err(Into::into));
    }

    fn render(&self) -> Result<String, Error> {
        let window = self.window.clone().transpose().map_err(RenderError::InvalidWindow);
        window.and_then(|window| self.preset.render(self.querier, window)).map_err(|error| self.named(error.into()))
    }

    fn named(&self, error: Error) -> Error {
        error.of_preset(self.preset.info().name)
    }

    /// Sends what was rendered; it borrows nothing but the client, so that a querier need not be `Sync`.
    fn send(
        self,
        path: &'static [&'static str],
        rendered: Result<(String, Vec<(&'static str, String)>), Error>,
    ) -> impl Future<Output = Result<Response, Error>> + Send + 'a {
        let Self { client, timeout, .. } = self;
        let preset = self.preset.info().name;
        async move {
            let (query, mut parameters) = rendered?;
            let time = timeout.unwrap_or(client.transport.timeout);
            parameters.push(("timeout", format!("{}ms", time.as_millis().max(1))));
            parameters.push(("query", query.clone()));
            let request = Request { path, method: Method::POST, parameters, timeout: Some(time) };
            ask(client, request).await.map_err(|error| Error::from(error).of_preset(preset).of_query(&query))
        }
    }
}

/// Asks, and decodes the answer while it arrives.
async fn ask(client: &PrometheusClient, request: Request<'_>) -> Result<Response, ErrorKind> {
    let mut response = client.transport.send(request).await?;
    let status = transport::status(&response);
    if !transport::is_json(&response) {
        return Err(transport::foreign(response).await);
    }
    let mut decoder = Decoder::new(Limits::default());
    while let Some(chunk) = transport::chunk(&mut response).await? {
        decoder.push(&chunk)?;
    }
    let decoded = decoder.finish()?;
    match decoded.error {
        Some(error) => Err(ErrorKind::Server { status: status.as_u16(), error }),
        None if !status.is_success() => Err(ErrorKind::Http { status: status.as_u16(), body: String::new() }),
        None => Ok(decoded),
    }
}

/// A query for one point in time.
#[must_use = "a query does nothing until it is awaited"]
pub struct InstantQuery<'a, Q: ?Sized, R, W> {
    call: Call<'a, Q, R, W>,
    at: Option<Result<Timestamp, RangeError>>,
}

impl<'a, Q: MetricQuerier + ?Sized, R: QueryResult, W> InstantQuery<'a, Q, R, W> {
    pub(crate) fn new(client: &'a PrometheusClient, preset: Preset<Q, R, W>, querier: &'a Q) -> Self {
        Self { call: Call::new(client, preset, querier), at: None }
    }

    /// The point in time; now, unless set.
    pub fn at<T: TryInto<Timestamp, Error: Into<RangeError>>>(mut self, at: T) -> Self {
        self.at = Some(at.try_into().map_err(Into::into));
        self
    }

    /// Replaces the default of the preset's `{window}`.
    pub fn window<D: TryInto<PromDuration, Error: Into<DurationError>>>(mut self, window: D) -> Self
    where
        W: TakesWindow,
    {
        self.call.window(window);
        self
    }

    /// How long the call may take; the client's own timeout unless set. The server is told the same.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.call.timeout = Some(timeout);
        self
    }

    fn rendered(&self) -> Result<(String, Vec<(&'static str, String)>), Error> {
        let query = self.call.render()?;
        let time = match &self.at {
            Some(Ok(at)) => vec![("time", at.to_unix_seconds())],
            Some(Err(error)) => return Err(self.call.named(error.clone().into())),
            None => Vec::new(),
        };
        Ok((query, time))
    }
}

impl<'a, Q: MetricQuerier + ?Sized, R: QueryResult + 'a, W: 'a> IntoFuture for InstantQuery<'a, Q, R, W> {
    type Output = Result<R, Error>;
    type IntoFuture = BoxFuture<'a, R>;

    fn into_future(self) -> Self::IntoFuture {
        let preset = self.call.preset.info().name;
        let rendered = self.rendered();
        let answer = self.call.send(&["api", "v1", "query"], rendered);
        Box::pin(async move { R::from_response(answer.await?).map_err(|error| Error::from(error).of_preset(preset)) })
    }
}

/// A query over a range of time.
#[must_use = "a query does nothing until it is awaited"]
pub struct RangeQuery<'a, Q: ?Sized, R, W> {
    call: Call<'a, Q, R, W>,
    range: TimeRange,
}

// Only the client needs to know that `R` is a `RangeResult`: otherwise one mistake would give two errors.
impl<'a, Q: MetricQuerier + ?Sized, R, W> RangeQuery<'a, Q, R, W> {
    pub(crate) fn new(client: &'a PrometheusClient, preset: Preset<Q, R, W>, querier: &'a Q, range: TimeRange) -> Self {
        Self { call: Call::new(client, preset, querier), range }
    }

    /// Replaces the default of the preset's `{window}`.
    pub fn window<D: TryInto<PromDuration, Error: Into<DurationError>>>(mut self, window: D) -> Self
    where
        W: TakesWindow,
    {
        self.call.window(window);
        self
    }

    /// How long the call may take; the client's own timeout unless set. The server is told the same.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.call.timeout = Some(timeout);
        self
    }

    fn rendered(&self) -> Result<(String, Vec<(&'static str, String)>), Error> {
        let query = self.call.render()?;
        self.range.check().map_err(|error| self.call.named(error.into()).of_query(&query))?;
        let step = self.range.step_duration().as_millis();
        let step = format!("{}.{:03}", step / 1_000, step % 1_000);
        let parameters = vec![
            ("start", self.range.start().to_unix_seconds()),
            ("end", self.range.end().to_unix_seconds()),
            ("step", step),
        ];
        Ok((query, parameters))
    }
}

impl<'a, Q: MetricQuerier + ?Sized, R: 'a, W: 'a> IntoFuture for RangeQuery<'a, Q, R, W> {
    type Output = Result<Matrix, Error>;
    type IntoFuture = BoxFuture<'a, Matrix>;

    fn into_future(self) -> Self::IntoFuture {
        let preset = self.call.preset.info().name;
        let rendered = self.rendered();
        let answer = self.call.send(&["api", "v1", "query_range"], rendered);
        Box::pin(
            async move { Matrix::from_response(answer.await?).map_err(|error| Error::from(error).of_preset(preset)) },
        )
    }
}

impl<Q: ?Sized, R, W> fmt::Debug for InstantQuery<'_, Q, R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstantQuery").field("preset", &self.call.preset).field("at", &self.at).finish_non_exhaustive()
    }
}

impl<Q: ?Sized, R, W> fmt::Debug for RangeQuery<'_, Q, R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { call, range } = self;
        f.debug_struct("RangeQuery").field("preset", &call.preset).field("range", range).finish_non_exhaustive()
    }
}
