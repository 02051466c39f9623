//! Instant and range queries.

mod each;
mod split;
mod stream;
pub(crate) mod time_range;

use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;
use std::sync::Arc;

use futures_util::stream::{self as streams, StreamExt};
use promql_presets_core::{
    AnyWindow, DurationError, Input, MetricQuerier, NoWindow, ParameterValues, Preset, PresetInfo, PromDuration,
    RenderError, ResultType, TakesWindow, Template, Window,
};

use crate::error::{Error, ErrorKind, RangeError, SplitError};
use crate::http::call::{BoxFuture, Call};
use crate::http::transport::Transport;
use crate::value::{Data, Matrix, QueryResult, Response, Scalar, Timestamp, Vector};

pub use each::{EachQuery, EachResult, ForEach};
pub use split::{Progress, SplitQuery};
pub use stream::{SeriesStream, StreamQuery};
pub use time_range::{MAX_STEPS, Step, TimeRange};

/// The result types of presets that can be used in a range query: [`Vector`] and [`Scalar`].
///
/// [`Data`] is for presets that are looked up at run time. If such a preset has another result type, the call fails
/// with [`RangeError::ResultType`](crate::RangeError::ResultType) before it is sent.
#[diagnostic::on_unimplemented(
    message = "a range query requires a preset whose result is an instant vector or a scalar",
    label = "the result of this preset is `{Self}`",
    note = "use `query` instead of `query_range`"
)]
pub trait RangeResult: QueryResult {}

impl RangeResult for Vector {}
impl RangeResult for Scalar {}
impl RangeResult for Data {}

/// A preset without its types, for structs, maps and the state of a service. It is made from any constant with
/// [`any`](Preset::any), or from [`presets::ALL`](crate::presets) with [`preset`](PresetInfo::preset).
///
/// What the types no longer guarantee is checked at run time: the labels of the querier, whether the preset has a
/// window, and whether its result can be that of a range query.
///
/// ```
/// use std::collections::HashMap;
///
/// use promql_presets::presets::{api_requests, prometheus};
/// use promql_presets::{AnyPreset, Data, Error, PrometheusClient, Querier};
///
/// struct Panels {
///     by_name: HashMap<&'static str, AnyPreset>,
/// }
///
/// impl Panels {
///     fn new() -> Self {
///         Self { by_name: [("up", prometheus::UP.any()), ("rate", api_requests::RATE.any())].into() }
///     }
///
///     async fn query(&self, client: &PrometheusClient, name: &str) -> Option<Result<Data, Error>> {
///         let preset = *self.by_name.get(name)?;
///         Some(client.query(preset, &Querier::default()).await)
///     }
/// }
/// # assert_eq!(Panels::new().by_name["up"], prometheus::UP.any());
/// ```
pub type AnyPreset = Preset<dyn MetricQuerier, Data, AnyWindow>;

/// The PromQL of a query: a preset to render, or unchecked text.
#[derive(Clone)]
pub(crate) enum Promql<'a> {
    Preset {
        preset: &'static PresetInfo,
        parameters: ParameterValues,
        input: Input<'a>,
        window: Option<Result<PromDuration, DurationError>>,
    },
    Raw(String),
}

impl<'a> Promql<'a> {
    pub(crate) fn of<Q: MetricQuerier + ?Sized, R, W>(preset: Preset<Q, R, W>, querier: &'a Q) -> Self {
        let parameters = preset.__template().values;
        Self::Preset { preset: preset.info(), parameters, input: Input::of(querier), window: None }
    }

    pub(crate) fn window<D: TryInto<Window, Error: Into<DurationError>>>(&mut self, duration: D) {
        if let Self::Preset { window, .. } = self {
            *window = Some(duration.try_into().map(Window::into).map_err(Into::into));
        }
    }

    /// Renders the query of a call; for parts of a range with the `start()` and `end()` of the whole after `@`. If that
    /// fails, the call fails when it is made.
    pub(crate) fn render(self, call: &mut Call, ends: Option<[&str; 2]>) {
        match self {
            Self::Preset { preset, parameters, mut input, window } => {
                let template = Template { values: parameters, ..preset.__template() };
                let filtered = call.transport.scope.filter_preset(preset, &mut input);
                let window = window.transpose().map_err(RenderError::InvalidWindow);
                let query = filtered.and_then(|()| Ok(input.render(template, window?, ends)?));
                call.preset = Some(preset.name);
                call.query = query.map_err(|failure| call.options.fail(failure)).ok();
            }
            Self::Raw(promql) => {
                call.query = Some(promql);
                if let Some(refusal) = call.transport.scope.refusal_of("unchecked PromQL: use a preset") {
                    call.options.fail(refusal);
                }
            }
        }
    }

    /// The same query, independent of the querier.
    fn into_owned(self) -> Promql<'static> {
        match self {
            Self::Preset { preset, parameters, input, window } => {
                Promql::Preset { preset, parameters, input: input.into_owned(), window }
            }
            Self::Raw(promql) => Promql::Raw(promql),
        }
    }
}

macro_rules! query_setters {
    ($($field:ident).*) => {
        /// Sets the `{window}` of the preset, which has a default in the preset file. Accepts `"5m"`, a
        /// [`Duration`](std::time::Duration), a [`PromDuration`](crate::PromDuration), or a number of seconds: `300`,
        /// `0.5`, `"300"`.
        pub fn window<D: TryInto<promql_presets_core::Window, Error: Into<DurationError>>>(mut self, window: D) -> Self
        where
            W: TakesWindow,
        {
            self.$($field.)*promql.window(window);
            self
        }

        /// Limits the number of series; unlimited by default. If there are more, the response has a warning, but is not
        /// [partial](crate::Meta::partial_reason). Prometheus before 3.2 and VictoriaMetrics ignore the limit.
        pub fn limit(mut self, series: u64) -> Self {
            self.$($field.)*call.parameter("limit", series.to_string());
            self
        }

        /// Sets how old the last sample of a series can be; 5 minutes by default, unless the server is configured
        /// otherwise.
        pub fn lookback_delta<D: TryInto<promql_presets_core::Window, Error: Into<DurationError>>>(mut self, duration: D) -> Self {
            match duration.try_into() {
                Ok(duration) => {
                    self.$($field.)*call.parameter("lookback_delta", crate::query::seconds(duration.into()));
                }
                Err(error) => {
                    let error = crate::error::RangeError::InvalidLookback(error.into());
                    self.$($field.)*call.options.fail(error.into());
                }
            }
            self
        }

        /// Requests statistics of the query: [`Meta::stats`](crate::Meta::stats).
        pub fn stats(mut self) -> Self {
            self.$($field.)*call.parameter("stats", "true".to_owned());
            self
        }

        /// Requests statistics of the query in total and, if the server counts them, per step.
        pub fn stats_per_step(mut self) -> Self {
            self.$($field.)*call.parameter("stats", "all".to_owned());
            self
        }

        crate::http::options::option_setters!($($field.)*call);
    };
}
pub(crate) use query_setters;

/// A query at one point in time, created with [`PrometheusClient::query`](crate::PrometheusClient::query). Awaiting it
/// returns a [`Vector`], a [`Matrix`], a [`Scalar`] or a [`Text`](crate::Text), depending on the preset.
#[must_use = "a query does nothing until it is awaited"]
pub struct InstantQuery<'a, R, W> {
    promql: Promql<'a>,
    call: Call,
    types: PhantomData<fn() -> (R, W)>,
    /// Whether the result is a scalar, which some servers return as a vector.
    is_scalar: bool,
}

/// An instant query of unchecked PromQL, created with
/// [`PrometheusClient::raw_query`](crate::PrometheusClient::raw_query).
pub type RawQuery = InstantQuery<'static, Data, NoWindow>;

impl<'a, R: QueryResult, W> InstantQuery<'a, R, W> {
    pub(crate) fn new<Q>(transport: &Arc<Transport>, preset: Preset<Q, R, W>, querier: &'a Q) -> Self
    where
        Q: MetricQuerier + ?Sized,
    {
        let is_scalar = preset.info().result == ResultType::Scalar;
        Self { is_scalar, ..Self::of(transport, Promql::of(preset, querier)) }
    }

    pub(crate) fn raw(transport: &Arc<Transport>, promql: String) -> Self {
        Self::of(transport, Promql::Raw(promql))
    }

    fn of(transport: &Arc<Transport>, promql: Promql<'a>) -> Self {
        Self { promql, call: Call::new(transport, "query", "api/v1/query"), types: PhantomData, is_scalar: false }
    }

    /// Copies what the query borrows from its querier, so that a function can return it.
    ///
    /// ```
    /// use promql_presets::presets::prometheus;
    /// use promql_presets::{InstantQuery, NoWindow, PrometheusClient, Vector};
    ///
    /// fn up(client: &PrometheusClient, job: &str) -> InstantQuery<'static, Vector, NoWindow> {
    ///     client.query(prometheus::UP, &prometheus::Querier::new().job(job)).into_owned()
    /// }
    /// ```
    pub fn into_owned(self) -> InstantQuery<'static, R, W> {
        let Self { promql, call, types, is_scalar } = self;
        InstantQuery { promql: promql.into_owned(), call, types, is_scalar }
    }

    /// Sets the evaluation time; the current time of the server by default. Accepts a [`Timestamp`], a
    /// [`SystemTime`](std::time::SystemTime), RFC 3339, or Unix seconds as a string.
    pub fn at<T: TryInto<Timestamp, Error: Into<RangeError>>>(mut self, at: T) -> Self {
        self.call.time("time", at);
        self
    }

    query_setters!();
}

impl<'a, R: QueryResult + 'a, W: 'a> IntoFuture for InstantQuery<'a, R, W> {
    type Output = Result<R, Error>;
    type IntoFuture = BoxFuture<'a, R>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { promql, mut call, is_scalar, .. } = self;
        promql.render(&mut call, None);
        let time = call.parameters.iter().find(|(name, _)| name == "time").and_then(|(_, time)| time.parse().ok());
        Box::pin(call.query(move |response| {
            let response = if is_scalar { response.into_scalar(time) } else { response };
            Ok(R::from_response(response)?)
        }))
    }
}

/// A query over a range of time, created with [`PrometheusClient::query_range`](crate::PrometheusClient::query_range).
/// Awaiting it returns a [`Matrix`].
#[must_use = "a query does nothing until it is awaited"]
pub struct RangeQuery<'a, R, W> {
    promql: Promql<'a>,
    call: Call,
    types: PhantomData<fn() -> (R, W)>,
    range: TimeRange,
}

/// A range query of unchecked PromQL, created with
/// [`PrometheusClient::raw_query_range`](crate::PrometheusClient::raw_query_range).
pub type RawRangeQuery = RangeQuery<'static, Data, NoWindow>;

// `R` is a `RangeResult`, but only the client requires it: otherwise one mistake would result in two errors.
impl<'a, R, W> RangeQuery<'a, R, W> {
    pub(crate) fn new<Q: MetricQuerier + ?Sized>(
        transport: &Arc<Transport>,
        preset: Preset<Q, R, W>,
        querier: &'a Q,
        range: TimeRange,
    ) -> Self {
        let mut query = Self::of(transport, Promql::of(preset, querier), range);
        let result = preset.info().result;
        // The types say so, unless the preset was looked up by name.
        if matches!(result, ResultType::RangeVector | ResultType::String) {
            query.call.options.fail(RangeError::ResultType { result }.into());
        }
        query
    }

    pub(crate) fn raw(transport: &Arc<Transport>, promql: String, range: TimeRange) -> Self {
        Self::of(transport, Promql::Raw(promql), range)
    }

    fn of(transport: &Arc<Transport>, promql: Promql<'a>, range: TimeRange) -> Self {
        Self { promql, call: Call::new(transport, "query_range", "api/v1/query_range"), types: PhantomData, range }
    }

    query_setters!();

    /// Copies what the query borrows from its querier, so that a function can return it, as
    /// [`InstantQuery::into_owned`] shows.
    pub fn into_owned(self) -> RangeQuery<'static, R, W> {
        let Self { promql, call, types, range } = self;
        RangeQuery { promql: promql.into_owned(), call, types, range }
    }

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

    /// The call for the whole range.
    fn into_call(self) -> Call {
        let Self { promql, mut call, range, .. } = self;
        if let Err(error) = range.check(call.transport.max_steps) {
            call.options.fail(error.into());
        }
        promql.render(&mut call, None);
        call.over(range)
    }

    /// The call for parts of a range, which are still to be set.
    fn into_call_of_parts(self, whole: TimeRange) -> Call {
        let Self { promql, mut call, .. } = self;
        let indivisible = match &promql {
            Promql::Preset { preset, .. } => preset.indivisible.map(|name| SplitError::WholeRange { name }),
            Promql::Raw(_) => Some(SplitError::Unchecked),
        };
        let ends = [whole.start(), whole.end()].map(Timestamp::to_unix_seconds);
        promql.render(&mut call, Some(ends.each_ref().map(String::as_str)));
        call.merge_options();
        let limit = call.is_limited().then_some(SplitError::Limit);
        if let Some(error) = indivisible.or(limit) {
            call.options.fail(error.into());
        }
        call
    }

    fn max_points(&self) -> u64 {
        self.call.transport.max_steps.saturating_add(1)
    }
}

impl Call {
    /// Sets start, end and step.
    fn over(mut self, range: TimeRange) -> Self {
        self.parameter("start", range.start().to_unix_seconds());
        self.parameter("end", range.end().to_unix_seconds());
        self.parameter("step", seconds(range.step_duration()));
        self
    }

    fn read_range(self) -> impl Future<Output = Result<Matrix, Error>> {
        self.query(matrix_of_range)
    }
}

impl<'a, R: 'a, W: 'a> IntoFuture for RangeQuery<'a, R, W> {
    type Output = Result<Matrix, Error>;
    type IntoFuture = BoxFuture<'a, Matrix>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.into_call().read_range())
    }
}

/// Awaits results in order, several at a time. One function for all of them, since it takes long to compile.
#[inline]
fn buffered<'a>(results: impl Iterator<Item = Pending> + Send + 'a, concurrency: usize) -> Buffered<'a> {
    let results: Box<dyn Iterator<Item = Pending> + Send> = Box::new(results);
    streams::iter(results).buffered(concurrency)
}

type Pending = BoxFuture<'static, Data>;
type Buffered<'a> = streams::Buffered<streams::Iter<Box<dyn Iterator<Item = Pending> + Send + 'a>>>;

/// The result of a range query.
pub(crate) fn matrix_of_range(response: Response) -> Result<Matrix, ErrorKind> {
    Ok(Matrix::from_response(response)?.check_times()?)
}

/// A duration in seconds, the format that the HTTP API accepts for all parameters.
fn seconds(duration: PromDuration) -> String {
    let millis = duration.as_millis();
    format!("{}.{:03}", millis / 1_000, millis % 1_000)
}

impl fmt::Debug for Promql<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Preset { preset, window, .. } => {
                f.debug_struct("Preset").field("name", &preset.name).field("window", window).finish_non_exhaustive()
            }
            Self::Raw(promql) => promql.fmt(f),
        }
    }
}

impl<R, W> fmt::Debug for InstantQuery<'_, R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstantQuery")
            .field("promql", &self.promql)
            .field("parameters", &self.call.parameters)
            .finish_non_exhaustive()
    }
}

impl<R, W> fmt::Debug for RangeQuery<'_, R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RangeQuery")
            .field("promql", &self.promql)
            .field("range", &self.range)
            .field("parameters", &self.call.parameters)
            .finish_non_exhaustive()
    }
}
