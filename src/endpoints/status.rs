//! The server itself: version, features, health, and its parser.

use std::collections::BTreeMap;
use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;

use crate::error::Error;
use crate::http::call::{BoxFuture, Call};
use crate::http::options::option_setters;
use crate::http::transport::Transport;
use crate::wire::{Entries, Fields, Loose, text_fields};

/// Default limit on the size of these responses, in bytes.
const STATUS_BYTES: u64 = 4 << 20;

/// The version of the server. Fields that it does not report are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BuildInfo {
    /// Version, such as `2.42.0`. Other servers report the version of Prometheus that they are compatible with.
    pub version: String,
    /// Commit.
    pub revision: String,
    /// Branch.
    pub branch: String,
    /// User and host of the build.
    pub build_user: String,
    /// Date of the build.
    pub build_date: String,
    /// Version of Go.
    pub go_version: String,
}

/// The features of the server by category and name, such as `promql_functions` and `limitk`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Features(pub(crate) BTreeMap<String, BTreeMap<String, bool>>);

impl Features {
    /// Whether a feature is enabled. Unknown features are not.
    #[must_use]
    #[inline]
    pub fn has(&self, category: &str, name: &str) -> bool {
        self.0.get(category).and_then(|features| features.get(name)) == Some(&true)
    }

    /// Iterates over category, name, and whether the feature is enabled.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, bool)> {
        self.0
            .iter()
            .flat_map(|(category, features)| features.iter().map(move |(name, on)| (&**category, &**name, *on)))
    }
}

macro_rules! calls {
    ($($(#[$doc:meta])* $name:ident -> $output:ty;)*) => {$(
        $(#[$doc])*
        #[must_use = "a query does nothing until it is awaited"]
        pub struct $name {
            call: Call,
        }

        impl $name {
            option_setters!(call);
        }

        impl IntoFuture for $name {
            type Output = Result<$output, Error>;
            type IntoFuture = BoxFuture<'static, $output>;

            #[inline]
            fn into_future(self) -> Self::IntoFuture {
                Box::pin(self.send())
            }
        }

        impl fmt::Debug for $name {
            #[inline]
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field("query", &self.call.query).finish_non_exhaustive()
            }
        }
    )*};
}

calls! {
    /// A request for the version of the server, created with
    /// [`PrometheusClient::build_info`](crate::PrometheusClient::build_info).
    BuildInfoQuery -> BuildInfo;
    /// A request for the features of the server, created with
    /// [`PrometheusClient::features`](crate::PrometheusClient::features). Prometheus before 3.9 returns an error.
    FeaturesQuery -> Features;
    /// A request to format PromQL, created with
    /// [`PrometheusClient::format_query`](crate::PrometheusClient::format_query). The server rejects invalid PromQL.
    FormatQuery -> String;
    /// A request for the syntax tree of PromQL, created with
    /// [`PrometheusClient::parse_query`](crate::PrometheusClient::parse_query). The server rejects invalid PromQL.
    #[doc(hidden)]
    ParseQuery -> serde_json::Value;
    /// A health check, created with [`PrometheusClient::healthy`](crate::PrometheusClient::healthy) and
    /// [`PrometheusClient::ready`](crate::PrometheusClient::ready).
    ///
    /// HTTP 503 is `false`, and every other failure is an error. Prometheus (`Prometheus Server is Healthy.`),
    /// VictoriaMetrics (`VictoriaMetrics is Healthy.`) and Thanos (`OK`) respond with a line of text, so HTML and JSON,
    /// such as those of a login page, are errors, as is any page of another path to which a redirect led. Any other
    /// text counts as success. Mimir does not have these endpoints. There are no retries unless [`retry`](Self::retry)
    /// is set.
    HealthQuery -> bool;
}

impl BuildInfoQuery {
    pub(crate) fn new(transport: &Arc<Transport>) -> Self {
        Self {
            call: Call::new(transport, "buildinfo", "api/v1/status/buildinfo").get_only().with_max_bytes(STATUS_BYTES),
        }
    }

    #[inline]
    async fn send(self) -> Result<BuildInfo, Error> {
        self.call.json(|Fields(info), _| Ok(info)).await
    }
}

text_fields!(BuildInfo {
    version: "version",
    revision: "revision",
    branch: "branch",
    build_user: "buildUser",
    build_date: "buildDate",
    go_version: "goVersion",
});

/// The features of one category.
type LooseFeatures = Loose<Entries<Loose<bool>>>;

impl FeaturesQuery {
    pub(crate) fn new(transport: &Arc<Transport>) -> Self {
        Self { call: Call::new(transport, "features", "api/v1/features").get_only().with_max_bytes(STATUS_BYTES) }
    }

    #[inline]
    async fn send(self) -> Result<Features, Error> {
        let read = |features: Option<Entries<LooseFeatures>>, _| {
            let mut known = Features::default();
            for (category, Loose(features)) in features.into_iter().flat_map(|Entries(features)| features) {
                let known = known.0.entry(category).or_default();
                let features = features.into_iter().flat_map(|Entries(features)| features);
                known.extend(features.filter_map(|(name, Loose(on))| Some((name, on?))));
            }
            Ok(known)
        };
        self.call.json(read).await
    }
}

impl FormatQuery {
    pub(crate) fn new(transport: &Arc<Transport>, promql: &str) -> Self {
        let mut call = Call::new(transport, "format_query", "api/v1/format_query").with_max_bytes(STATUS_BYTES);
        call.query = Some(promql.to_owned());
        Self { call }
    }

    #[inline]
    async fn send(self) -> Result<String, Error> {
        self.call.json(|text, _| Ok(text)).await
    }
}

impl ParseQuery {
    pub(crate) fn new(transport: &Arc<Transport>, promql: &str) -> Self {
        let mut call = Call::new(transport, "parse_query", "api/v1/parse_query").with_max_bytes(STATUS_BYTES);
        call.query = Some(promql.to_owned());
        Self { call }
    }

    #[inline]
    async fn send(self) -> Result<serde_json::Value, Error> {
        self.call.json(|tree, _| Ok(tree)).await
    }
}

impl HealthQuery {
    /// A check at `-/healthy` or `-/ready`.
    pub(crate) fn new(transport: &Arc<Transport>, path: &'static str) -> Self {
        Self { call: Call::new(transport, path.trim_start_matches("-/"), path).get_only().with_max_bytes(STATUS_BYTES) }
    }

    #[inline]
    async fn send(mut self) -> Result<bool, Error> {
        self.call.options.retry.get_or_insert_with(crate::RetryPolicy::never);
        match self.call.text().await {
            Ok(()) => Ok(true),
            Err(error) if error.status() == Some(503) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
