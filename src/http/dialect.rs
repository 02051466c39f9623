//! Settings of Thanos, VictoriaMetrics and Mimir.

use promql_presets_core::{MetricQuerier, selector};

use crate::error::ErrorKind;
use crate::http::options::{Options, Parameter};

/// Settings of a certain kind of server, created from [`Thanos`], [`VictoriaMetrics`] or [`Mimir`].
///
/// Other servers ignore them. For further settings, use `parameter` and `header`.
///
/// ```no_run
/// # use promql_presets::{PrometheusClient, Thanos, VictoriaMetrics, Querier, presets::prometheus};
/// # async fn run() -> Result<(), promql_presets::Error> {
/// let client = PrometheusClient::builder("http://thanos:9090").with(Thanos::new().dedup(true)).build()?;
/// let querier = prometheus::Querier::new();
/// client.query(prometheus::UP, &querier).with(Thanos::new().max_source_resolution("5m")).await?;
/// client.query(prometheus::UP, &querier).with(VictoriaMetrics::new().nocache()).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Dialect {
    parameters: Vec<Parameter>,
    headers: Vec<(&'static str, String)>,
    failure: Option<ErrorKind>,
}

impl Dialect {
    pub(crate) fn apply(self, options: &mut Options) {
        self.parameters.into_iter().for_each(|(name, value)| options.parameter(name, value));
        self.headers.iter().for_each(|(name, value)| options.header(name, value));
        if let Some(failure) = self.failure {
            options.fail(failure);
        }
    }

    fn parameter(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.parameters.push((name.into(), value.into()));
        self
    }

    fn fail(mut self, failure: ErrorKind) -> Self {
        self.failure.get_or_insert(failure);
        self
    }
}

macro_rules! dialects {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default)]
        #[must_use = "settings do nothing until they are passed to `with`"]
        pub struct $name(Dialect);

        impl $name {
            /// Creates empty settings.
            pub fn new() -> Self {
                Self::default()
            }
        }

        impl From<$name> for Dialect {
            fn from(settings: $name) -> Self {
                settings.0
            }
        }
    )*};
}

dialects! {
    /// Settings of a Thanos querier, see <https://thanos.io/tip/components/query.md/>.
    Thanos;
    /// Settings of VictoriaMetrics, see <https://docs.victoriametrics.com/#prometheus-querying-api-enhancements>.
    VictoriaMetrics;
    /// Settings of Mimir and Cortex, see <https://grafana.com/docs/mimir/latest/references/http-api/>.
    Mimir;
}

impl Thanos {
    /// Sets whether series that differ only in their replica labels are merged.
    pub fn dedup(self, dedup: bool) -> Self {
        Self(self.0.parameter("dedup", dedup.to_string()))
    }

    /// Adds a replica label. They replace those of the Thanos Querier's configuration, and the client's.
    pub fn replica_label(self, label: impl Into<String>) -> Self {
        Self(self.0.parameter("replicaLabels[]", label))
    }

    /// Sets whether to return partial data if a store fails. [`PartialData::Refuse`](crate::PartialData::Refuse) takes
    /// precedence.
    pub fn partial_response(self, partial: bool) -> Self {
        Self(self.0.parameter("partial_response", partial.to_string()))
    }

    /// Sets the coarsest downsampled data to use: `auto`, `0s`, `5m` or `1h`.
    pub fn max_source_resolution(self, resolution: impl Into<String>) -> Self {
        Self(self.0.parameter("max_source_resolution", resolution))
    }

    /// Limits the query to stores that a querier selects. Several queriers are combined with "or". Setting it for both
    /// a client and its call is an [`ErrorKind::Config`](crate::ErrorKind::Config).
    pub fn store_match(self, querier: &dyn MetricQuerier) -> Self {
        Self(self.0.selector("storeMatch[]", querier))
    }
}

impl VictoriaMetrics {
    /// Disables the cache of range queries, and the alignment of start and end.
    pub fn nocache(self) -> Self {
        Self(self.0.parameter("nocache", "1"))
    }

    /// Adds a filter `label="value"` to every selector of the query. All filters of the client and the call apply.
    pub fn extra_label(self, label: &str, value: &str) -> Self {
        Self(self.0.parameter("extra_label", format!("{label}={value}")))
    }

    /// Adds the matchers of a querier to every selector of the query. Several queriers are combined with "or". Setting
    /// it for both a client and its call is an [`ErrorKind::Config`](crate::ErrorKind::Config).
    pub fn extra_filters(self, querier: &dyn MetricQuerier) -> Self {
        Self(self.0.selector("extra_filters[]", querier))
    }

    /// Rounds values to this number of decimal places.
    pub fn round_digits(self, digits: u8) -> Self {
        Self(self.0.parameter("round_digits", digits.to_string()))
    }

    /// Fails if a storage node is unavailable.
    pub fn deny_partial_response(self) -> Self {
        Self(self.0.parameter("deny_partial_response", "1"))
    }
}

impl Mimir {
    /// Queries several tenants together. An empty list and
    /// [invalid names](https://grafana.com/docs/mimir/latest/configure/about-tenant-ids/), such as those with a `|`,
    /// are an [`ErrorKind::Config`](crate::ErrorKind::Config).
    pub fn tenants<T: AsRef<str>>(mut self, tenants: impl IntoIterator<Item = T>) -> Self {
        let tenants: Vec<T> = tenants.into_iter().collect();
        let tenants: Vec<&str> = tenants.iter().map(AsRef::as_ref).collect();
        if let Some(bad) = tenants.iter().find(|tenant| !is_tenant(tenant)) {
            return Self(
                self.0.fail(ErrorKind::Config(format!("a tenant `{}` that Mimir does not allow", bad.escape_debug()))),
            );
        }
        if tenants.is_empty() {
            return Self(self.0.fail(ErrorKind::Config("a call as no tenant at all".to_owned())));
        }
        self.0.headers.push(("x-scope-orgid", tenants.join("|")));
        self
    }

    /// Disables the cache of results.
    pub fn no_cache(mut self) -> Self {
        self.0.headers.push(("cache-control", "no-store".to_owned()));
        self
    }
}

/// <https://grafana.com/docs/mimir/latest/configure/about-tenant-ids/>
pub(crate) fn is_tenant(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!-_.*'()".contains(&byte);
    (1..=150).contains(&name.len()) && name.bytes().all(allowed) && !matches!(name, "." | ".." | "__mimir_cluster")
}

impl Dialect {
    fn selector(self, name: &'static str, querier: &dyn MetricQuerier) -> Self {
        match selector(querier) {
            Ok(selector) => self.parameter(name, selector),
            Err(error) => self.fail(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use promql_presets_core::{Querier, RenderError};

    use super::*;

    fn parameters(dialect: impl Into<Dialect>) -> Vec<String> {
        dialect.into().parameters.iter().map(|(name, value)| format!("{name}={value}")).collect()
    }

    #[test]
    fn settings_become_parameters() {
        let thanos = Thanos::new().dedup(false).replica_label("r").partial_response(false).max_source_resolution("5m");
        assert_eq!(
            parameters(thanos.store_match(&Querier::new("").label("region", "eu"))),
            ["dedup=false", "replicaLabels[]=r", "partial_response=false", "max_source_resolution=5m"]
                .into_iter()
                .chain([r#"storeMatch[]={region="eu"}"#])
                .collect::<Vec<_>>()
        );
        let victoria = VictoriaMetrics::new().nocache().extra_label("a", "b").round_digits(2).deny_partial_response();
        assert_eq!(
            parameters(victoria.extra_filters(&Querier::new("").label("team", "x"))),
            [
                "nocache=1",
                "extra_label=a=b",
                "round_digits=2",
                "deny_partial_response=1",
                r#"extra_filters[]={team="x"}"#
            ]
        );
    }

    #[test]
    fn settings_become_headers() {
        let mut options = Options::default();
        Dialect::from(Mimir::new().tenants(["a", "b"]).no_cache()).apply(&mut options);
        assert_eq!(options.headers["x-scope-orgid"], "a|b");
        assert_eq!(options.headers["cache-control"], "no-store");
    }

    #[test]
    fn invalid_tenants_are_refused() {
        let failure =
            |tenants: &[&str]| Dialect::from(Mimir::new().tenants(tenants)).failure.map(|kind| kind.to_string());
        assert_eq!(failure(&["a", "team-1_(x)!*'.b", &"x".repeat(150)]), None);
        assert!(failure(&[]).unwrap().contains("no tenant"));
        for bad in ["a|b", "", ".", "..", "a b", "a/b", "é", "__mimir_cluster", &"x".repeat(151)] {
            assert!(failure(&["a", bad]).unwrap().contains(&format!("`{bad}`")), "{bad}");
        }
    }

    #[test]
    fn the_last_setting_wins() {
        let mut options = Options::default();
        Dialect::from(Thanos::new().dedup(true).replica_label("a").replica_label("b")).apply(&mut options);
        Dialect::from(Thanos::new().max_source_resolution("5m").dedup(false)).apply(&mut options);
        let sent: Vec<_> = options.sent().collect();
        let labels = [("replicaLabels[]", "a"), ("replicaLabels[]", "b")];
        assert_eq!(sent, [&labels[..], &[("max_source_resolution", "5m"), ("dedup", "false")]].concat());
    }

    #[test]
    fn an_invalid_filter_is_reported_by_the_call() {
        let mut options = Options::default();
        Dialect::from(VictoriaMetrics::new().extra_filters(&Querier::new(""))).apply(&mut options);
        assert!(matches!(options.failure, Some(ErrorKind::Render(RenderError::EmptySelector))));
    }
}
