//! The client: one server, one connection pool.

mod builder;

use std::fmt;
use std::sync::Arc;

use promql_presets_core::{MetricQuerier, Preset};

use crate::endpoints::{
    BuildInfoQuery, ExemplarsQuery, FeaturesQuery, FormatQuery, HealthQuery, LabelNames, LabelValues, MetadataQuery,
    ParseQuery, SeriesQuery,
};
use crate::error::Error;
use crate::http::transport::Transport;
use crate::query::time_range::TimeRange;
use crate::query::{InstantQuery, RangeQuery, RangeResult, RawQuery, RawRangeQuery};
use crate::wire::QueryResult;

pub use builder::ClientBuilder;

/// Asks one Prometheus, or anything that speaks its HTTP API. Cheap to clone; clones share one connection pool, one
/// limit of concurrent calls and one budget of retries. Calls are awaited in a tokio runtime with time and I/O enabled,
/// as that of `#[tokio::main]` is.
///
/// Use a client in a single runtime. Its pooled connections belong to the runtime in which they were opened, and calls in
/// another runtime that reuse them time out while the first one does not run.
///
/// ```no_run
/// use promql_presets::presets::prometheus;
/// use promql_presets::{PrometheusClient, Querier};
///
/// # async fn ask() -> Result<(), Box<dyn std::error::Error>> {
/// let client = PrometheusClient::new("http://localhost:9090")?;
/// for element in &client.query(prometheus::UP, &prometheus::Querier::new()).await? {
///     println!("{} {}", element.labels(), element.value());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct PrometheusClient {
    pub(crate) transport: Arc<Transport>,
}

impl PrometheusClient {
    /// A client for the server at a base URL, which may have a path prefix: `http://host:9090/prometheus`. An `/api/v1` at
    /// its end is left out, since every call adds its own. A user and a password in it are sent as
    /// [`basic_auth`](ClientBuilder::basic_auth), and a query such as `?api_key=` is in the URL of every call, `POST`
    /// or not; a [`parameter`](ClientBuilder::parameter) of a call takes the place of those by its name.
    ///
    /// # Errors
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) where the URL is not one, or is `https` and no TLS feature is
    /// on.
    pub fn new(url: impl AsRef<str>) -> Result<Self, Error> {
        Self::builder(url).build()
    }

    /// A client with timeouts, headers, credentials and more.
    pub fn builder(url: impl AsRef<str>) -> ClientBuilder {
        ClientBuilder::new(url.as_ref())
    }

    /// The value of a preset at one point in time: now, unless [`at`](InstantQuery::at) says otherwise.
    ///
    /// A preset that was found by name at run time has a result of any type:
    ///
    /// ```no_run
    /// # use promql_presets::{Data, PrometheusClient, Querier, presets};
    /// # async fn ask(client: PrometheusClient, name: &str) -> Result<(), Box<dyn std::error::Error>> {
    /// let info = presets::ALL.find(name).ok_or("no such preset")?;
    /// match client.query(info.preset::<Data>(), &Querier::new("http_requests_total")).await? {
    ///     Data::Vector(vector) => println!("{} series", vector.len()),
    ///     other => println!("a {}", other.result_type()),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn query<'a, Q, R, W>(&'a self, preset: Preset<Q, R, W>, querier: &'a Q) -> InstantQuery<'a, R, W>
    where
        Q: MetricQuerier + ?Sized,
        R: QueryResult,
    {
        InstantQuery::new(&self.transport, preset, querier)
    }

    /// The values of a preset over a range of time.
    pub fn query_range<'a, Q, R, W>(
        &'a self,
        preset: Preset<Q, R, W>,
        querier: &'a Q,
        range: TimeRange,
    ) -> RangeQuery<'a, R, W>
    where
        Q: MetricQuerier + ?Sized,
        R: RangeResult,
    {
        RangeQuery::new(&self.transport, preset, querier, range)
    }

    /// The value of PromQL that nobody has checked. Presets are the way to ask; this is for what cannot be one, such as
    /// what a user types in.
    pub fn raw_query(&self, promql: impl Into<String>) -> RawQuery<'_> {
        RawQuery::raw(&self.transport, promql.into())
    }

    /// The values over a range of time of PromQL that nobody has checked.
    pub fn raw_query_range(&self, promql: impl Into<String>, range: TimeRange) -> RawRangeQuery<'_> {
        RawRangeQuery::raw(&self.transport, promql.into(), range)
    }

    /// The label sets of the series that a querier asks for.
    pub fn series<'a>(&'a self, querier: &dyn MetricQuerier) -> SeriesQuery<'a> {
        SeriesQuery::new(&self.transport, querier)
    }

    /// The names of labels, on all series or on those that are asked for.
    pub fn labels(&self) -> LabelNames<'_> {
        LabelNames::new(&self.transport)
    }

    /// The values of a label, of all series or of those that queriers select.
    ///
    /// Any name is valid. A name that contains `/`, that is `.` or `..`, or that begins with `U__` is sent in
    /// [escaped form](https://prometheus.io/docs/prometheus/latest/querying/api/#querying-label-values), under which
    /// VictoriaMetrics before 1.113 finds no values.
    pub fn label_values<'a>(&'a self, label: &'a str) -> LabelValues<'a> {
        LabelValues::new(&self.transport, label)
    }

    /// Type, help and unit of metrics, as their targets tell.
    pub fn metadata(&self) -> MetadataQuery<'_> {
        MetadataQuery::new(&self.transport)
    }

    /// The exemplars of the series that a preset reads.
    pub fn exemplars<'a, Q, R, W>(&'a self, preset: Preset<Q, R, W>, querier: &'a Q) -> ExemplarsQuery<'a, R, W>
    where
        Q: MetricQuerier + ?Sized,
    {
        ExemplarsQuery::new(&self.transport, preset, querier)
    }

    /// The server's own formatting of PromQL: a parser's verdict without an evaluation.
    pub fn format_query<'a>(&'a self, promql: &'a str) -> FormatQuery<'a> {
        FormatQuery::new(&self.transport, promql)
    }

    /// The syntax tree of PromQL, as JSON in the form of Prometheus 3.
    pub fn parse_query<'a>(&'a self, promql: &'a str) -> ParseQuery<'a> {
        ParseQuery::new(&self.transport, promql)
    }

    /// Which version of what the server is.
    pub fn build_info(&self) -> BuildInfoQuery<'_> {
        BuildInfoQuery::new(&self.transport)
    }

    /// What the server can do; Prometheus tells since 3.9.
    pub fn features(&self) -> FeaturesQuery<'_> {
        FeaturesQuery::new(&self.transport)
    }

    /// Whether the server runs.
    pub fn healthy(&self) -> HealthQuery<'_> {
        HealthQuery::new(&self.transport, "-/healthy")
    }

    /// Whether the server answers queries: not while it starts or stops.
    pub fn ready(&self) -> HealthQuery<'_> {
        HealthQuery::new(&self.transport, "-/ready")
    }
}

impl fmt::Debug for PrometheusClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Transport { base, options, method, .. } = &*self.transport;
        f.debug_struct("PrometheusClient")
            .field("url", &base.as_str())
            .field("timeout", &options.timeout)
            .field("method", method)
            .finish_non_exhaustive()
    }
}
