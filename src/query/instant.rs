//! Instant queries.

use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;
use std::sync::Arc;

use promql_presets_core::{DurationError, MetricQuerier, NoWindow, Preset, ResultType, TakesWindow};

use super::{Promql, query_setters};
use crate::error::{Error, RangeError};
use crate::http::call::{BoxFuture, Call};
use crate::http::transport::Transport;
use crate::value::{Data, QueryResult, Timestamp};

/// A query at one point in time, created with [`PrometheusClient::query`](crate::PrometheusClient::query). Awaiting it
/// returns a [`Vector`](crate::Vector), a [`Matrix`](crate::Matrix), a [`Scalar`](crate::Scalar) or a
/// [`Text`](crate::Text), depending on the preset.
#[must_use = "a query does nothing until it is awaited"]
pub struct InstantQuery<'a, R, W> {
    pub(super) promql: Promql<'a>,
    pub(super) call: Call,
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

impl RawQuery {
    /// Sets the type of the query's result, if known. VictoriaMetrics returns a scalar as a vector, which is empty for
    /// `NaN`; with [`ResultType::Scalar`], the result is a scalar on every server. Presets know their type.
    ///
    /// ```no_run
    /// # use promql_presets::{Data, Error, PrometheusClient, ResultType};
    /// # async fn run(client: &PrometheusClient) -> Result<(), Error> {
    /// let data = client.raw_query("scalar(sum(up))").result_type(ResultType::Scalar).await?;
    /// assert!(matches!(data, Data::Scalar(_)));
    /// # Ok(())
    /// # }
    /// ```
    pub fn result_type(mut self, result: ResultType) -> Self {
        self.is_scalar = result == ResultType::Scalar;
        self
    }
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

impl<R, W> fmt::Debug for InstantQuery<'_, R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstantQuery")
            .field("promql", &self.promql)
            .field("parameters", &self.call.parameters)
            .finish_non_exhaustive()
    }
}
