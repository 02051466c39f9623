//! Instant and range queries.

mod split;
mod stream;
pub(crate) mod time_range;

use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;
use std::sync::Arc;

use promql_presets_core::{
    DurationError, Input, MetricQuerier, NoWindow, Preset, PresetInfo, PromDuration, RenderError, ResultType,
    TakesWindow, Window,
};

use crate::error::{Error, ErrorKind};
use crate::http::call::{BoxFuture, Call};
use crate::http::request::Request;
use crate::http::transport::Transport;
use crate::value::{Data, Matrix, QueryResult, RangeError, Response, Scalar, SplitError, Timestamp, Vector};
use crate::wire::Decoder;

pub use split::{Progress, SplitQuery};
pub use stream::{SeriesStream, StreamQuery};
pub use time_range::{MAX_STEPS, Step, TimeRange};

/// The result types of presets that can be used in a range query: [`Vector`] and [`Scalar`].
///
/// [`Data`] is for presets that are looked up at run time. The server rejects those with another result type.
#[diagnostic::on_unimplemented(
    message = "a range query requires a preset whose result is an instant vector or a scalar",
    label = "the result of this preset is `{Self}`",
    note = "use `query` instead of `query_range`"
)]
pub trait RangeResult: QueryResult {}

impl RangeResult for Vector {}
impl RangeResult for Scalar {}
impl RangeResult for Data {}

/// A preset to render, or unchecked PromQL.
#[derive(Debug)]
pub(crate) enum Source<'a> {
    Preset { preset: &'static PresetInfo, input: Input<'a>, window: Option<Result<PromDuration, DurationError>> },
    Raw(String),
}

impl<'a> Source<'a> {
    pub(crate) fn new<Q: MetricQuerier + ?Sized, R, W>(preset: Preset<Q, R, W>, querier: &'a Q) -> Self {
        Self::Preset { preset: preset.info(), input: Input::of(querier), window: None }
    }

    /// The query; for parts of a range with the `start()` and `end()` of the whole after `@`.
    fn render(self, ends: Option<[&str; 2]>) -> Result<String, RenderError> {
        match self {
            Self::Preset { preset, input, window } => {
                input.render(preset.__template(), window.transpose().map_err(RenderError::InvalidWindow)?, ends)
            }
            Self::Raw(promql) => Ok(promql),
        }
    }

    fn name(&self) -> Option<&'static str> {
        match self {
            Self::Preset { preset, .. } => Some(preset.name),
            Self::Raw(_) => None,
        }
    }
}

/// The common part of instant, range and exemplar queries.
pub(crate) struct Common<'a, R, W> {
    source: Source<'a>,
    pub(crate) request: Request<'a>,
    types: PhantomData<fn() -> (R, W)>,
}

impl<'a, R, W> Common<'a, R, W> {
    pub(crate) fn new(transport: &'a Arc<Transport>, source: Source<'a>) -> Self {
        Self { source, request: Request::new(transport), types: PhantomData }
    }

    pub(crate) fn window<D: TryInto<Window, Error: Into<DurationError>>>(&mut self, duration: D) {
        if let Source::Preset { window, .. } = &mut self.source {
            *window = Some(duration.try_into().map(Window::into).map_err(Into::into));
        }
    }

    /// The result type of the preset.
    fn result(&self) -> Option<ResultType> {
        match &self.source {
            Source::Preset { preset, .. } => Some(preset.result),
            Source::Raw(_) => None,
        }
    }

    /// Renders the query. If that fails, the call fails when it is made.
    pub(crate) fn call(self, endpoint: &'static str, path: &'static str) -> Call {
        self.call_between(None, endpoint, path)
    }

    fn call_between(self, ends: Option<[&str; 2]>, endpoint: &'static str, path: &'static str) -> Call {
        let Self { source, mut request, .. } = self;
        let preset = source.name();
        let query = source.render(ends).map_err(|error| request.options.fail(error.into())).ok();
        Call { preset, query, ..request.call(endpoint, path) }
    }
}

macro_rules! query_setters {
    ($($common:ident).+) => {
        /// Sets the `{window}` of the preset, which has a default in the preset file. Accepts `"5m"`, a
        /// [`Duration`](std::time::Duration) or a [`PromDuration`](crate::PromDuration).
        pub fn window<D: TryInto<promql_presets_core::Window, Error: Into<DurationError>>>(mut self, window: D) -> Self
        where
            W: TakesWindow,
        {
            self.$($common).+.window(window);
            self
        }

        /// Limits the number of series; unlimited by default. If there are more, the response has a warning, but is not
        /// [partial](crate::Meta::partial_reason). Prometheus before 3.2 and VictoriaMetrics ignore the limit.
        pub fn limit(mut self, series: u64) -> Self {
            self.$($common).+.request.parameter("limit", series.to_string());
            self
        }

        /// Sets how old the last sample of a series can be; 5 minutes by default, unless the server is configured
        /// otherwise.
        pub fn lookback_delta<D: TryInto<promql_presets_core::Window, Error: Into<DurationError>>>(mut self, duration: D) -> Self {
            match duration.try_into() {
                Ok(duration) => {
                    self.$($common).+.request.parameter("lookback_delta", crate::query::seconds(duration.into()));
                }
                Err(error) => {
                    let error = crate::value::RangeError::InvalidLookback(error.into());
                    self.$($common).+.request.options.fail(error.into());
                }
            }
            self
        }

        /// Requests statistics of the query: [`Meta::stats`](crate::Meta::stats).
        pub fn stats(mut self) -> Self {
            self.$($common).+.request.parameter("stats", "true".to_owned());
            self
        }

        /// Requests statistics of the query in total and, if the server counts them, per step.
        pub fn stats_per_step(mut self) -> Self {
            self.$($common).+.request.parameter("stats", "all".to_owned());
            self
        }

        crate::http::options::option_setters!($($common).+.request.options);
    };
}
pub(crate) use query_setters;

/// A query at one point in time, created with [`PrometheusClient::query`](crate::PrometheusClient::query). Awaiting it
/// returns a [`Vector`], a [`Matrix`], a [`Scalar`] or a [`Text`](crate::Text), depending on the preset.
#[must_use = "a query does nothing until it is awaited"]
pub struct InstantQuery<'a, R, W> {
    common: Common<'a, R, W>,
}

/// An instant query of unchecked PromQL, created with
/// [`PrometheusClient::raw_query`](crate::PrometheusClient::raw_query).
pub type RawQuery<'a> = InstantQuery<'a, Data, NoWindow>;

impl<'a, R: QueryResult, W> InstantQuery<'a, R, W> {
    pub(crate) fn new<Q>(transport: &'a Arc<Transport>, preset: Preset<Q, R, W>, querier: &'a Q) -> Self
    where
        Q: MetricQuerier + ?Sized,
    {
        Self { common: Common::new(transport, Source::new(preset, querier)) }
    }

    pub(crate) fn raw(transport: &'a Arc<Transport>, promql: String) -> Self {
        Self { common: Common::new(transport, Source::Raw(promql)) }
    }

    /// Sets the evaluation time; the current time of the server by default. Accepts a [`Timestamp`], a
    /// [`SystemTime`](std::time::SystemTime), RFC 3339, or Unix seconds as a string.
    pub fn at<T: TryInto<Timestamp, Error: Into<RangeError>>>(mut self, at: T) -> Self {
        self.common.request.time("time", at);
        self
    }

    query_setters!(common);
}

impl<'a, R: QueryResult + 'a, W: 'a> IntoFuture for InstantQuery<'a, R, W> {
    type Output = Result<R, Error>;
    type IntoFuture = BoxFuture<'a, R>;

    fn into_future(self) -> Self::IntoFuture {
        let is_scalar = self.common.result() == Some(ResultType::Scalar);
        let call = self.common.call("query", "api/v1/query");
        let time = call.parameters.iter().find(|(name, _)| name == "time").and_then(|(_, time)| time.parse().ok());
        Box::pin(call.read::<Decoder, R>(move |response| {
            let response = if is_scalar { response.into_scalar(time) } else { response };
            Ok(R::from_response(response)?)
        }))
    }
}

/// A query over a range of time, created with [`PrometheusClient::query_range`](crate::PrometheusClient::query_range).
/// Awaiting it returns a [`Matrix`].
#[must_use = "a query does nothing until it is awaited"]
pub struct RangeQuery<'a, R, W> {
    common: Common<'a, R, W>,
    range: TimeRange,
}

/// A range query of unchecked PromQL, created with
/// [`PrometheusClient::raw_query_range`](crate::PrometheusClient::raw_query_range).
pub type RawRangeQuery<'a> = RangeQuery<'a, Data, NoWindow>;

// `R` is a `RangeResult`, but only the client requires it: otherwise one mistake would result in two errors.
impl<'a, R, W> RangeQuery<'a, R, W> {
    pub(crate) fn new<Q: MetricQuerier + ?Sized>(
        transport: &'a Arc<Transport>,
        preset: Preset<Q, R, W>,
        querier: &'a Q,
        range: TimeRange,
    ) -> Self {
        Self { common: Common::new(transport, Source::new(preset, querier)), range }
    }

    pub(crate) fn raw(transport: &'a Arc<Transport>, promql: String, range: TimeRange) -> Self {
        Self { common: Common::new(transport, Source::Raw(promql)), range }
    }

    query_setters!(common);

    /// Splits the range into parts that the server accepts, fetches them concurrently, and joins the results. The
    /// points are those of the [`aligned`](TimeRange::aligned) range.
    ///
    /// ```no_run
    /// # use promql_presets::{PrometheusClient, Querier, TimeRange, presets::prometheus};
    /// # async fn print(client: PrometheusClient) -> Result<(), Box<dyn std::error::Error>> {
    /// let year = TimeRange::last_hours(24 * 365).step("1m")?;
    /// let up = client
    ///     .query_range(prometheus::UP, &prometheus::Querier::new(), year)
    ///     .timeout(std::time::Duration::from_mins(5))
    ///     .split()
    ///     .on_progress(|progress| println!("{} of {}", progress.done, progress.parts))
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn split(self) -> SplitQuery<'a, R, W> {
        SplitQuery::new(self)
    }

    /// Streams the series one by one as they arrive, for results that do not fit into memory.
    ///
    /// ```no_run
    /// # use promql_presets::{PrometheusClient, Querier, TimeRange, presets::prometheus};
    /// # async fn print(client: PrometheusClient, day: TimeRange) -> Result<(), promql_presets::Error> {
    /// let querier = prometheus::Querier::new();
    /// let mut up = client.query_range(prometheus::UP, &querier, day).stream().await?;
    /// while let Some(series) = up.try_next().await? {
    ///     println!("{} {} samples", series.labels(), series.len());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn stream(self) -> StreamQuery<'a, R, W> {
        StreamQuery::new(self)
    }

    pub(crate) fn call(mut self) -> Call {
        let Request { transport, options, .. } = &mut self.common.request;
        if let Err(error) = self.range.check(transport.max_steps) {
            options.fail(error.into());
        }
        let range = self.range;
        self.common.call(ENDPOINT, PATH).over(range)
    }

    /// The call for parts of a range, which are still to be set.
    fn call_of_parts(self, whole: TimeRange) -> Call {
        let indivisible = match &self.common.source {
            Source::Preset { preset, .. } => preset.indivisible.map(|name| SplitError::WholeRange { name }),
            Source::Raw(_) => Some(SplitError::Unchecked),
        };
        let ends = [whole.start(), whole.end()].map(Timestamp::to_unix_seconds);
        let mut call = self.common.call_between(Some(ends.each_ref().map(String::as_str)), ENDPOINT, PATH);
        let limit = call.is_limited().then_some(SplitError::Limit);
        if let Some(error) = indivisible.or(limit) {
            call.failure.get_or_insert_with(|| Box::new(error.into()));
        }
        call
    }

    pub(crate) fn range(&self) -> TimeRange {
        self.range
    }

    pub(crate) fn max_concurrent(&self) -> usize {
        self.common.request.transport.max_concurrent
    }

    pub(crate) fn max_points(&self) -> u64 {
        self.common.request.transport.max_steps.saturating_add(1)
    }
}

const ENDPOINT: &str = "query_range";
const PATH: &str = "api/v1/query_range";

impl Call {
    /// Sets start, end and step.
    pub(crate) fn over(mut self, range: TimeRange) -> Self {
        self.parameters.push(("start".into(), range.start().to_unix_seconds()));
        self.parameters.push(("end".into(), range.end().to_unix_seconds()));
        self.parameters.push(("step".into(), seconds(range.step_duration())));
        self
    }

    pub(crate) fn read_range(self) -> impl Future<Output = Result<Matrix, Error>> {
        self.read::<Decoder, Matrix>(matrix_of_range)
    }
}

impl<'a, R: 'a, W: 'a> IntoFuture for RangeQuery<'a, R, W> {
    type Output = Result<Matrix, Error>;
    type IntoFuture = BoxFuture<'a, Matrix>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.call().read_range())
    }
}

/// The result of a range query.
pub(crate) fn matrix_of_range(response: Response) -> Result<Matrix, ErrorKind> {
    Ok(Matrix::from_response(response)?.check_times()?)
}

/// A duration in seconds, the format that the HTTP API accepts for all parameters.
fn seconds(duration: PromDuration) -> String {
    let millis = duration.as_millis();
    format!("{}.{:03}", millis / 1_000, millis % 1_000)
}

impl<R, W> fmt::Debug for Common<'_, R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Query");
        match &self.source {
            Source::Preset { preset, window, .. } => shown.field("preset", &preset.name).field("window", window),
            Source::Raw(promql) => shown.field("promql", promql),
        };
        shown.field("parameters", &self.request.parameters).finish_non_exhaustive()
    }
}

impl<R, W> fmt::Debug for InstantQuery<'_, R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("InstantQuery").field(&self.common).finish()
    }
}

impl<R, W> fmt::Debug for RangeQuery<'_, R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RangeQuery").field("query", &self.common).field("range", &self.range).finish()
    }
}
