//! Building a client.

use std::any::Any;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use reqwest::Url;
use tokio::sync::Semaphore;

use crate::client::PrometheusClient;
use crate::error::{Causes, Error, ErrorKind};
use crate::http::credentials::{Attempt, Credentials};
use crate::http::observe::{AttemptHook, CallReport, Hook, Reports};
use crate::http::options::{Options, option_setters};
use crate::http::proxy;
use crate::http::retry::Budget;
use crate::http::scope::Scope;
use crate::http::transport::{HttpMethod, Server, Transport, authorization, query_urls};
use crate::query::time_range::MAX_STEPS;

/// Default timeout for opening a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Default limit of concurrent calls.
const MAX_CONCURRENT: usize = 64;

/// Builds a [`PrometheusClient`]. Invalid input is reported by [`build`](Self::build).
///
/// The settings are defaults that each call can override, and so are the parameters of the base URL, as in
/// `http://host/prometheus?dedup=true`.
#[must_use = "a builder does nothing until `build` is called"]
pub struct ClientBuilder {
    url: String,
    options: Options,
    method: HttpMethod,
    max_steps: u64,
    max_concurrent: usize,
    connect_timeout: Duration,
    compressed: bool,
    hook: Option<Hook>,
    attempt_hook: Option<AttemptHook>,
    #[cfg(feature = "tracing")]
    trace_query: bool,
    credentials: Option<Credentials>,
    http: reqwest::ClientBuilder,
    shared: Option<reqwest::Client>,
}

impl ClientBuilder {
    pub(crate) fn new(url: &str) -> Self {
        let http = reqwest::Client::builder().user_agent(concat!("promql-presets/", env!("CARGO_PKG_VERSION")));
        // reqwest repeats requests that HTTP/2 refuses, and copies each request for that. Without TLS there is no HTTP/2.
        let never = reqwest::retry::never().max_retries_per_request(0);
        let http = if url.starts_with("http:") { http.retry(never) } else { http };
        Self {
            url: url.to_owned(),
            options: Options::default(),
            method: HttpMethod::default(),
            max_steps: MAX_STEPS,
            max_concurrent: MAX_CONCURRENT,
            connect_timeout: CONNECT_TIMEOUT,
            compressed: cfg!(feature = "gzip"),
            hook: None,
            attempt_hook: None,
            #[cfg(feature = "tracing")]
            trace_query: true,
            credentials: None,
            http,
            shared: None,
        }
    }

    option_setters!();

    /// Sets a user and a password, for basic authentication.
    pub fn basic_auth(self, user: &str, password: &str) -> Self {
        let credentials = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
        self.authorization("Basic", &credentials)
    }

    /// Sets a bearer token.
    pub fn bearer_auth(self, token: &str) -> Self {
        self.authorization("Bearer", token)
    }

    /// Reads a bearer token from a file, and reads it again when the file changes, for example when Kubernetes rotates
    /// the token of a service account. White space around it is removed.
    ///
    /// If the file cannot be read, calls fail with [`ErrorKind::Credentials`].
    pub fn bearer_auth_file(mut self, path: impl AsRef<Path>) -> Self {
        self.credentials = Some(Credentials::file(path.as_ref()));
        self
    }

    /// Sets a hook that supplies headers for each request, such as tokens that change or signatures. They replace
    /// headers of the same name that are set on the call or the client.
    ///
    /// It is called for each attempt of a call, so tokens should be cached. Its time counts towards the timeout of the
    /// call. If it fails, so does the call, with [`ErrorKind::Credentials`] and without a retry. The values of its
    /// headers are removed from errors, as all credentials are.
    ///
    /// ```no_run
    /// use std::sync::Arc;
    ///
    /// use promql_presets::{Error, PrometheusClient};
    /// use tokio::sync::Mutex;
    ///
    /// #[derive(Default)]
    /// struct Tokens {
    ///     cached: Mutex<Option<String>>,
    /// }
    ///
    /// impl Tokens {
    ///     async fn get(&self) -> Result<String, std::io::Error> {
    ///         let mut cached = self.cached.lock().await;
    ///         if cached.is_none() {
    ///             *cached = Some("from an OAuth server, until it expires".to_owned());
    ///         }
    ///         cached.clone().ok_or_else(|| std::io::Error::other("no token"))
    ///     }
    /// }
    ///
    /// fn client() -> Result<PrometheusClient, Error> {
    ///     let tokens = Arc::new(Tokens::default());
    ///     PrometheusClient::builder("https://mimir/prometheus")
    ///         .credentials(move |_attempt| {
    ///             let tokens = Arc::clone(&tokens);
    ///             async move { Ok::<_, std::io::Error>([("authorization", format!("Bearer {}", tokens.get().await?))]) }
    ///         })
    ///         .build()
    /// }
    /// ```
    ///
    /// For signatures such as AWS `SigV4`, [`Attempt`](crate::Attempt) has the method, the URL and the body.
    pub fn credentials<F, Fut, H, N, V, E>(mut self, hook: F) -> Self
    where
        F: Fn(Attempt) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<H, E>> + Send + 'static,
        H: IntoIterator<Item = (N, V)>,
        N: Into<String>,
        V: Into<String>,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.credentials = Some(Credentials::hook(hook));
        self
    }

    /// Sets the HTTP method of queries: [`HttpMethod::Auto`] by default.
    pub fn method(mut self, method: HttpMethod) -> Self {
        self.method = method;
        self
    }

    /// Sets the maximum number of steps in a range query, which returns one point more: [`MAX_STEPS`] by default.
    /// VictoriaMetrics accepts 30,000 points (`-search.maxPointsPerTimeseries`), so 29,999 steps.
    pub fn max_steps(mut self, steps: u64) -> Self {
        self.max_steps = steps;
        self
    }

    /// Limits the number of concurrent calls of this client and its clones; 64 by default. Further calls wait, which counts
    /// towards their timeouts. A stream of series only counts until its response begins.
    pub fn max_concurrent(mut self, calls: usize) -> Self {
        self.max_concurrent = calls;
        self
    }

    /// Sets the timeout for opening a connection, including DNS and TLS: 5 seconds by default. The call is then retried
    /// within its own timeout. A [`http_client`](Self::http_client) has its own setting.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Whether to request compressed responses: true by default.
    #[cfg(feature = "gzip")]
    pub fn compressed(mut self, compressed: bool) -> Self {
        self.compressed = compressed;
        self
    }

    /// Sets a callback for the end of each call, for metrics. It must not block.
    pub fn on_call(mut self, hook: impl Fn(&CallReport<'_>) + Send + Sync + 'static) -> Self {
        self.hook = Some(Box::new(hook));
        self
    }

    /// Sets a callback for the start of each attempt, with the name of the preset and the headers. What it returns is
    /// dropped at the end of the attempt. For `promql-presets-testing`.
    #[doc(hidden)]
    pub fn __on_attempt(
        mut self,
        hook: impl Fn(Option<&'static str>, &mut reqwest::header::HeaderMap) -> Box<dyn Any + Send> + Send + Sync + 'static,
    ) -> Self {
        self.attempt_hook = Some(Box::new(hook));
        self
    }

    /// Whether the spans of calls have the field `query`: true by default. Disable it if filters are confidential.
    ///
    /// Each call has a span `promql` with the target `promql_presets` and the level `INFO`:
    ///
    /// | field | value |
    /// |---|---|
    /// | `endpoint` | `query`, `query_range`, `label_values`, ... |
    /// | `preset` | name of the preset, if the call has one |
    /// | `query` | rendered PromQL, if the call has one |
    /// | `duration_ms` | milliseconds until the end of the response, retries included |
    /// | `bytes` | length of all response bodies, as received |
    /// | `retries` | number of retries |
    /// | `outcome` | `success`, `failure`, or `dropped` if the future or stream was dropped |
    ///
    /// The last four are recorded when the call ends. Events of the same target are `call failed` (`WARN`, with the
    /// field `error`), `the response is partial` (`WARN`, with `preset` and `reason`), and `retrying` (`DEBUG`, with
    /// `error` and `wait_ms`).
    #[cfg(feature = "tracing")]
    pub fn trace_query(mut self, trace_query: bool) -> Self {
        self.trace_query = trace_query;
        self
    }

    /// Configures the HTTP client, for example certificates and proxies.
    ///
    /// Redirects, compression and [`connect_timeout`](Self::connect_timeout) cannot be changed. On Linux,
    /// [`connect_timeout`](Self::connect_timeout) is also the TCP user timeout: a connection is closed if the server
    /// does not acknowledge data for this long. By default, the proxies are those of the environment variables
    /// `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, also in lower case; `http.no_proxy()` disables them.
    /// Errors name the proxy of a request, and one in the environment that is not supported is an error. SOCKS proxies
    /// need the feature `socks` of reqwest.
    ///
    /// ```no_run
    /// use promql_presets::{PrometheusClient, reqwest};
    ///
    /// # fn client() -> Result<PrometheusClient, Box<dyn std::error::Error>> {
    /// let proxy = reqwest::Proxy::all("http://proxy:3128")?;
    /// let client = PrometheusClient::builder("http://prometheus:9090").configure_http(|http| http.proxy(proxy)).build()?;
    /// # Ok(client)
    /// # }
    /// ```
    ///
    /// With a TLS feature, add a certificate authority with `http.tls_certs_merge([Certificate::from_pem(&pem)?])`, or
    /// trust no other with `tls_certs_only`. Set a client certificate with `http.identity(Identity::from_pem(&pem)?)`.
    pub fn configure_http(mut self, configure: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder) -> Self {
        self.http = configure(self.http);
        self
    }

    /// Uses an existing HTTP client, to share its connections. [`configure_http`](Self::configure_http) and
    /// [`connect_timeout`](Self::connect_timeout) have no effect then.
    ///
    /// Build it with [`redirect::Policy::none`](reqwest::redirect::Policy::none). Otherwise it follows redirects itself,
    /// and sends headers such as the tenant to other servers.
    pub fn http_client(mut self, client: reqwest::Client) -> Self {
        self.shared = Some(client);
        self
    }

    /// Builds the client.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Config`] for the first invalid input.
    pub fn build(mut self) -> Result<PrometheusClient, Error> {
        let mut base = Url::parse(&self.url).map_err(|error| {
            let message = format!("not a URL: {error}; expected one such as `http://localhost:9090`");
            ErrorKind::Config(message)
        })?;
        if !matches!(base.scheme(), "http" | "https") || base.host().is_none() {
            return Err(ErrorKind::Config("the URL must start with `http://` or `https://`".to_owned()).into());
        }
        if base.scheme() == "https" && self.shared.is_none() && !cfg!(any(feature = "rustls", feature = "native-tls")) {
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
        let (mut of_url, mut in_url) = (Options::default(), Vec::new());
        for (name, value) in base.query_pairs() {
            in_url.push(name.clone().into_owned());
            of_url.parameter(name.into_owned(), value);
        }
        if let Some(failure) = of_url.failure {
            return Err(failure.into());
        }
        self.options = self.options.or(&of_url, &[]);
        if let Some(failure) = self.options.failure {
            return Err(failure.into());
        }
        base.set_query(None);
        base.set_fragment(None);
        let path = base.path().trim_end_matches('/');
        let path = format!("{}/", path.strip_suffix("/api/v1").unwrap_or(path));
        base.set_path(&path);
        let http = match self.shared {
            Some(http) => http,
            None => http_client(self.http, self.connect_timeout)?,
        };
        if let Some(message) = proxy::ignored(&http, &base) {
            return Err(ErrorKind::Config(message).into());
        }
        let max_concurrent = self.max_concurrent.clamp(1, Semaphore::MAX_PERMITS);
        let reports = Arc::new(Reports {
            origin: base.origin().ascii_serialization(),
            hook: self.hook,
            attempt_hook: self.attempt_hook,
            #[cfg(feature = "tracing")]
            trace_query: self.trace_query,
        });
        let server = Server {
            proxy: proxy::of(&http, &base),
            http,
            queries: query_urls(&base),
            base,
            options: Arc::new(self.options),
            in_url,
            method: self.method,
            max_steps: self.max_steps,
            compressed: self.compressed,
            reports,
            permits: Arc::new(Semaphore::new(max_concurrent)),
            max_concurrent,
            budget: Arc::new(Budget::new(Instant::now())),
            refuses_post: Arc::default(),
            has_responded: Arc::default(),
            credentials: self.credentials,
        };
        Ok(PrometheusClient { transport: Arc::new(Transport { server: server.into(), scope: Scope::default() }) })
    }

    fn authorization(mut self, scheme: &str, credentials: &str) -> Self {
        match authorization(scheme, credentials) {
            Ok((name, value)) => _ = self.options.headers.insert(name, value),
            Err(failure) => self.options.fail(failure),
        }
        self
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The URL may hold credentials.
        let Self { options, method, max_steps, max_concurrent, connect_timeout, .. } = self;
        f.debug_struct("ClientBuilder")
            .field("timeout", &options.timeout)
            .field("method", method)
            .field("max_steps", max_steps)
            .field("max_concurrent", max_concurrent)
            .field("connect_timeout", connect_timeout)
            .finish_non_exhaustive()
    }
}

/// The HTTP client of this crate, whatever [`ClientBuilder::configure_http`] set.
fn http_client(http: reqwest::ClientBuilder, connect_timeout: Duration) -> Result<reqwest::Client, ErrorKind> {
    // Another crate may enable reqwest's own decompression, which would hide the encoding from this crate.
    let http = http.no_gzip().no_brotli().no_zstd().no_deflate();
    // A pooled connection whose other end is gone acknowledges nothing, and should not use up a whole call.
    #[cfg(target_os = "linux")]
    let http = http.tcp_user_timeout(connect_timeout);
    let http = http.redirect(reqwest::redirect::Policy::none()).connect_timeout(connect_timeout);
    http.build().map_err(|error| ErrorKind::Config(Causes(&error).to_string()))
}
