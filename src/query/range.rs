//! Range queries.

use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;
use std::sync::Arc;

use promql_presets_core::{DurationError, MetricQuerier, NoWindow, Preset, ResultType, TakesWindow};

use super::{Promql, SplitQuery, StreamQuery, TimeRange, query_setters, seconds};
use crate::error::{Error, ErrorKind, RangeError, SplitError};
use crate::http::call::{BoxFuture, Call};
use crate::http::transport::Transport;
use crate::value::{Data, Matrix, QueryResult, Response, Timestamp};

/// A query over a range of time, created with [`PrometheusClient::query_range`](crate::PrometheusClient::query_range).
/// Awaiting it returns a [`Matrix`].
#[must_use = "a query does nothing until it is awaited"]
pub struct RangeQuery<'a, R, W> {
    pub(super) promql: Promql<'a>,
    pub(super) call: Call,
    pub(super) types: PhantomData<fn() -> (R, W)>,
    pub(super) range: TimeRange,
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
    /// [`InstantQuery::into_owned`](crate::InstantQuery::into_owned) shows.
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
    pub(super) fn into_call(self) -> Call {
        let Self { promql, mut call, range, .. } = self;
        if let Err(error) = range.check(call.transport.max_steps) {
            call.options.fail(error.into());
        }
        promql.render(&mut call, None);
        call.over(range)
    }

    /// The call for parts of a range, which are still to be set.
    pub(super) fn into_call_of_parts(self, whole: TimeRange) -> Call {
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

    pub(super) fn max_points(&self) -> u64 {
        self.call.transport.max_steps.saturating_add(1)
    }
}

impl Call {
    /// Sets start, end and step.
    pub(super) fn over(mut self, range: TimeRange) -> Self {
        self.parameter("start", range.start().to_unix_seconds());
        self.parameter("end", range.end().to_unix_seconds());
        self.parameter("step", seconds(range.step_duration()));
        self
    }

    pub(super) fn read_range(self) -> impl Future<Output = Result<Matrix, Error>> {
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

/// The result of a range query.
pub(crate) fn matrix_of_range(response: Response) -> Result<Matrix, ErrorKind> {
    Ok(Matrix::from_response(response)?.check_times()?)
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
