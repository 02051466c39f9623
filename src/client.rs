//! The client: one server, one connection pool.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use promql_presets_core::{MetricQuerier, Preset};
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use crate::error::{Error, ErrorKind};
use crate::metadata::{LabelValues, SeriesQuery};
use crate::query::{InstantQuery, RangeQuery, RangeResult};
use crate::range::TimeRange;
use crate::transport::{self, Transport};
use crate::wire::QueryResult;

/// How long a call may take if nobody says.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// Asks one Prometheus, or anything that speaks its HTTP API. Cheap to clone; clones share one connection pool.
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
    pub(crate) transport: Transport,
}

impl PrometheusClient {
    /// A client for the server at a base URL, which may have a path prefix: `http://host:9090/prometheus`.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] where the URL is none, or is `https` and no TLS feature is on.
    pub fn new(url: impl AsRef<str>) -> Result<Self, Error> {
        Self::builder(url).build()
    }

    /// A client with timeouts, headers or credentials.
    pub fn builder(url: impl AsRef<str>) -> ClientBuilder {
        ClientBuilder {
            url: url.as_ref().to_owned(),
            timeout: DEFAULT_TIMEOUT,
            headers: HeaderMap::new(),
            http: None,
            failure: None,
        }
    }

    /// The value of a preset at one point in time: now, unless [`at`](InstantQuery::at) says otherwise.
    pub fn query<'a, Q, R, W>(&'a self, preset: Preset<Q, R, W>, querier: &'a Q) -> InstantQuery<'a, Q, R, W>
    where
        Q: MetricQuerier + ?Sized,
        R: QueryResult,
    {
        InstantQuery::new(self, preset, querier)
    }

    /// The values of a preset over a range of time.
    pub fn query_range<'a, Q, R, W>(
        &'a self,
        preset: Preset<Q, R, W>,
        querier: &'a Q,
        range: TimeRange,
    ) -> RangeQuery<'a, Q, R, W>
    where
        Q: MetricQuerier + ?Sized,
        R: RangeResult,
    {
        RangeQuery::new(self, preset, querier, range)
    }

    /// The values that a label has, on all series or on those that are asked for.
    pub fn label_values<'a>(&'a self, label: &'a str) -> LabelValues<'a> {
        LabelValues::new(self, label)
    }

    /// The label sets of the series that a querier asks for.
    pub fn series<'a>(&'a self, querier: &'a dyn MetricQuerier) -> SeriesQuery<'a> {
        SeriesQuery::new(self, querier)
    }
}

impl fmt::Debug for PrometheusClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Transport { base, timeout, .. } = &self.transport;
        f.debug_struct("PrometheusClient")
            .field("url", &base.as_str())
            .field("timeout", timeout)
            .finish_non_exhaustive()
    }
}

/// Builds a [`PrometheusClient`]. A bad input is kept until [`build`](Self::build).
#[must_use = "a builder does nothing until `build` is called"]
pub struct ClientBuilder {
    url: String,
    timeout: Duration,
    headers: HeaderMap,
    http: Option<reqwest::Client>,
    failure: Option<ErrorKind>,
}

impl ClientBuilder {
    /// How long a call may take: 30 seconds unless set. The server is told the same.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// A header for every call.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            (Ok(name), Ok(mut value)) => {
                // Whether it is a secret cannot be known here.
                value.set_sensitive(true);
                self.headers.insert(name, value);
                self
            }
            _ => self.fail(ErrorKind::Config(format!("header {name:?} that HTTP does not allow"))),
        }
    }

    /// A user and a password for every call.
    pub fn basic_auth(self, user: &str, password: &str) -> Self {
        let credentials = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        self.authorization("Basic", &credentials)
    }

    /// A token for every call.
    pub fn bearer_auth(self, token: &str) -> Self {
        self.authorization("Bearer", token)
    }

    /// A client that was built elsewhere, for its proxies, certificates and pool.
    pub fn http_client(mut self, client: reqwest::Client) -> Self {
        self.http = Some(client);
        self
    }

    /// The client.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] for the first input that was bad.
    pub fn build(mut self) -> Result<PrometheusClient, Error> {
        let mut base = Url::parse(&self.url).map_err(|error| ErrorKind::Config(format!("the URL is none: {error}")))?;
        if !matches!(base.scheme(), "http" | "https") || base.host().is_none() {
            return Err(ErrorKind::Config("the URL must start with `http://` or `https://`".to_owned()).into());
        }
        if base.scheme() == "https" && self.http.is_none() && !cfg!(any(feature = "rustls", feature = "native-tls")) {
            let message = "`https` needs the feature `rustls` or `native-tls` of promql-presets";
            return Err(ErrorKind::Config(message.to_owned()).into());
        }
        if !base.username().is_empty() || base.password().is_some() {
            let decode = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
            let (user, password) = (decode(base.username()), decode(base.password().unwrap_or_default()));
            self = self.basic_auth(&user, &password);
            // Both fail only for URLs without a host.
            let _ = (base.set_username(""), base.set_password(None));
        }
        if let Some(failure) = self.failure {
            return Err(failure.into());
        }
        base.set_query(None);
        base.set_fragment(None);
        let http = match self.http {
            Some(http) => http,
            None => reqwest::Client::builder()
                .user_agent(concat!("promql-presets/", env!("CARGO_PKG_VERSION")))
                .build()
                .map_err(|error| ErrorKind::Config(error.to_string()))?,
        };
        Ok(PrometheusClient { transport: Transport { http, base, headers: self.headers, timeout: self.timeout } })
    }

    fn authorization(mut self, scheme: &str, credentials: &str) -> Self {
        match transport::authorization(scheme, credentials) {
            Ok((name, value)) => {
                self.headers.insert(name, value);
                self
            }
            Err(failure) => self.fail(failure),
        }
    }

    fn fail(mut self, failure: ErrorKind) -> Self {
        self.failure.get_or_insert(failure);
        self
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}
