//! The client and its builder.

mod builder;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use promql_presets_core::{IntoCondition, IntoPreset, Matcher, MetricQuerier};

use crate::endpoints::{
    BuildInfoQuery, ExemplarsQuery, FeaturesQuery, FormatQuery, HealthQuery, LabelNames, LabelValues, MetadataQuery,
    ParseQuery, SeriesQuery,
};
use crate::error::Error;
use crate::http::transport::{Server, Transport};
use crate::query::time_range::TimeRange;
use crate::query::{InstantQuery, RangeQuery, RangeResult, RawQuery, RawRangeQuery};
use crate::value::QueryResult;

pub use builder::ClientBuilder;

/// A client for Prometheus, or any server with the same HTTP API.
///
/// Create one client per server and clone it: clones share the connection pool, the limit of concurrent calls and the
/// retry budget. Calls need a tokio runtime with time and I/O enabled, such as that of `#[tokio::main]`.
///
/// Use a client in a single runtime. Its pooled connections belong to the runtime in which they were opened, and calls in
/// another runtime that reuse them time out while the first one does not run.
///
/// ```no_run
/// use promql_presets::presets::prometheus;
/// use promql_presets::{PrometheusClient, Querier};
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
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
    /// Creates a client for the server at a base URL, which can have a path: `http://host:9090/prometheus`.
    ///
    /// A trailing `/api/v1` is ignored. A user and a password in the URL are sent as
    /// [`basic_auth`](ClientBuilder::basic_auth). Query parameters such as `?api_key=` are part of the URL of each call,
    /// also with `POST`; a [`parameter`](ClientBuilder::parameter) of a call replaces the one with the same name.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) if the URL is invalid, or if it is `https` and no TLS feature is
    /// enabled.
    pub fn new(url: impl AsRef<str>) -> Result<Self, Error> {
        Self::builder(url).build()
    }

    /// Creates a builder, for timeouts, headers, credentials and more.
    pub fn builder(url: impl AsRef<str>) -> ClientBuilder {
        ClientBuilder::new(url.as_ref())
    }

    /// Returns a client for one tenant of Mimir or Cortex, which you can pass to a request handler. Every call has the
    /// header `X-Scope-OrgID`. A call that sets another tenant fails. So does every call of a client from a further
    /// `for_tenant` with another tenant.
    ///
    /// It shares connections, limits and the retry budget with this client. Invalid names, such as those with a `|`,
    /// fail with [`ErrorKind::Config`](crate::ErrorKind::Config) when a call is made.
    ///
    /// ```no_run
    /// # use promql_presets::{Error, PrometheusClient, presets::prometheus};
    /// # async fn up(client: &PrometheusClient) -> Result<(), Error> {
    /// let client = client.for_tenant("team-a").with_filter("project", "p-42");
    /// // {__name__="up", project="p-42"} of the tenant `team-a`
    /// let up = client.query(prometheus::UP, &prometheus::Querier::new()).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn for_tenant(&self, tenant: impl AsRef<str>) -> Self {
        Self { transport: self.transport.for_tenant(tenant.as_ref()) }
    }

    /// A client that sees only the series that match a condition on a label; a plain value means `=`. Every selector of
    /// every query gets the matcher in addition to those of the querier, so that no call can see more. Several filters
    /// must all match.
    ///
    /// Calls fail with [`ErrorKind::Config`](crate::ErrorKind::Config) if the filter cannot be applied: presets with a
    /// selector without `{labels}` ([`PresetInfo::unfiltered`](crate::PresetInfo::unfiltered)); presets whose file
    /// declares labels, but not this one; unchecked PromQL; metadata, which cannot be filtered; raw parameters that
    /// select series. [`labels`](Self::labels), [`label_values`](Self::label_values), [`series`](Self::series) and
    /// [`exemplars`](Self::exemplars) return what belongs to matching series, from servers that support `match[]`
    /// (Prometheus since 2.24). For these, values are compared as they are: a UUID needs the `prefix` of its label.
    ///
    /// A condition with `=` or `=~` that also selects series without the label, such as an empty value or
    /// `starts_with("")`, fails every call: it usually comes from a missing header or field.
    ///
    /// It shares connections, limits and the retry budget with this client.
    #[must_use]
    pub fn with_filter<K>(&self, label: impl Into<Cow<'static, str>>, condition: impl IntoCondition<K>) -> Self {
        self.with_matcher(condition.into_condition().on(label))
    }

    /// Like [`with_filter`](Self::with_filter), for a matcher whose label and operator are chosen at run time.
    #[must_use]
    pub fn with_matcher(&self, matcher: Matcher<'static>) -> Self {
        Self { transport: self.transport.with_filter(matcher) }
    }

    /// A client for another path of the same server, such as a tenant of a VictoriaMetrics cluster:
    /// `/select/42/prometheus`. The path replaces that of the base URL, and can be set once.
    ///
    /// It shares connections, limits and the retry budget with this client. Paths with `..` or a query string fail with
    /// [`ErrorKind::Config`](crate::ErrorKind::Config) when a call is made.
    #[must_use]
    pub fn with_base_path(&self, path: impl AsRef<str>) -> Self {
        Self { transport: self.transport.with_base_path(path.as_ref()) }
    }

    /// Queries a preset at one point in time: now, or the one set with [`at`](InstantQuery::at).
    ///
    /// Use `Data` for presets that are looked up by name at run time:
    ///
    /// ```no_run
    /// # use promql_presets::{Data, PrometheusClient, Querier, presets};
    /// # async fn run(client: PrometheusClient, name: &str) -> Result<(), Box<dyn std::error::Error>> {
    /// let info = presets::ALL.find(name).ok_or("no such preset")?;
    /// match client.query(info.preset::<Data>(), &Querier::new("http_requests_total")).await? {
    ///     Data::Vector(vector) => println!("{} series", vector.len()),
    ///     other => println!("a {}", other.result_type()),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn query<'a, P>(&self, preset: P, querier: &'a P::Querier) -> InstantQuery<'a, P::Result, P::Window>
    where
        P: IntoPreset<Querier: MetricQuerier, Result: QueryResult>,
    {
        InstantQuery::new(&self.transport, preset.into_preset(), querier)
    }

    /// Queries a preset over a time range.
    pub fn query_range<'a, P>(
        &self,
        preset: P,
        querier: &'a P::Querier,
        range: TimeRange,
    ) -> RangeQuery<'a, P::Result, P::Window>
    where
        P: IntoPreset<Querier: MetricQuerier, Result: RangeResult>,
    {
        RangeQuery::new(&self.transport, preset.into_preset(), querier, range)
    }

    /// Queries unchecked PromQL at one point in time. Prefer presets; this is for queries that cannot be one, such as
    /// those that a user types.
    pub fn raw_query(&self, promql: impl Into<String>) -> RawQuery {
        RawQuery::raw(&self.transport, promql.into())
    }

    /// Queries unchecked PromQL over a time range.
    pub fn raw_query_range(&self, promql: impl Into<String>, range: TimeRange) -> RawRangeQuery {
        RawRangeQuery::raw(&self.transport, promql.into(), range)
    }

    /// Returns the label sets of the series that a querier selects.
    pub fn series(&self, querier: &dyn MetricQuerier) -> SeriesQuery {
        SeriesQuery::new(&self.transport, querier)
    }

    /// Returns the names of labels, of all series or of those that queriers select.
    pub fn labels(&self) -> LabelNames {
        LabelNames::new(&self.transport)
    }

    /// Returns the values of a label, of all series or of those that queriers select.
    ///
    /// Any name is valid. A name that contains `/`, that is `.` or `..`, or that begins with `U__` is sent in
    /// [escaped form](https://prometheus.io/docs/prometheus/latest/querying/api/#querying-label-values), under which
    /// VictoriaMetrics before 1.113 finds no values.
    pub fn label_values(&self, label: &str) -> LabelValues {
        LabelValues::new(&self.transport, label)
    }

    /// Returns type, help and unit of metrics, as reported by their targets.
    pub fn metadata(&self) -> MetadataQuery {
        MetadataQuery::new(&self.transport)
    }

    /// Returns the exemplars of the series that a preset reads.
    pub fn exemplars<'a, P>(&self, preset: P, querier: &'a P::Querier) -> ExemplarsQuery<'a, P::Result, P::Window>
    where
        P: IntoPreset<Querier: MetricQuerier>,
    {
        ExemplarsQuery::new(&self.transport, preset.into_preset(), querier)
    }

    /// Formats PromQL on the server, which also checks its syntax.
    pub fn format_query(&self, promql: &str) -> FormatQuery {
        FormatQuery::new(&self.transport, promql)
    }

    /// Returns the syntax tree of PromQL as JSON, in the form of Prometheus 3.
    #[doc(hidden)]
    pub fn parse_query(&self, promql: &str) -> ParseQuery {
        ParseQuery::new(&self.transport, promql)
    }

    /// Returns the version of the server.
    pub fn build_info(&self) -> BuildInfoQuery {
        BuildInfoQuery::new(&self.transport)
    }

    /// Returns the features of the server. Prometheus supports this since 3.9.
    pub fn features(&self) -> FeaturesQuery {
        FeaturesQuery::new(&self.transport)
    }

    /// Returns whether the server is running.
    pub fn healthy(&self) -> HealthQuery {
        HealthQuery::new(&self.transport, "-/healthy")
    }

    /// Returns whether the server accepts queries, which it does not while it starts or stops.
    pub fn ready(&self) -> HealthQuery {
        HealthQuery::new(&self.transport, "-/ready")
    }
}

impl fmt::Debug for PrometheusClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Server { base, options, method, .. } = &**self.transport;
        f.debug_struct("PrometheusClient")
            .field("url", &base.as_str())
            .field("timeout", &options.timeout)
            .field("method", method)
            .finish_non_exhaustive()
    }
}
