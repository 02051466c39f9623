//! Options of calls, with those of the client as defaults.

use std::borrow::Cow;
use std::time::Duration;

use reqwest::header::{
    CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HeaderMap, HeaderName, HeaderValue, TE,
    TRAILER, TRANSFER_ENCODING, UPGRADE,
};

use crate::error::ErrorKind;
use crate::http::retry::RetryPolicy;
use crate::wire::Limits;

/// What to do with a response from which data is missing, because a store failed or a limit truncated it.
///
/// [`Meta::partial_reason`](crate::Meta::partial_reason) describes which responses these are. With every policy,
/// results have their warnings and `is_partial()`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PartialData {
    /// Treat it like a complete response.
    Accept,
    /// Return it, and emit a warning with the feature `tracing`.
    ///
    /// Methods that return a single value fail with [`ErrorKind::PartialData`]: `one()`, `at_most_one()`, `number()`
    /// and `number_or_zero()`, unless [`accept_partial`](crate::Vector::accept_partial) is called first. Methods that
    /// return all series, such as `iter()` and `rows()`, do not: check `is_partial()`.
    #[default]
    Warn,
    /// Fail with [`ErrorKind::PartialData`], and request that Thanos and VictoriaMetrics fail, whatever their settings.
    /// A stream fails at its end, where servers send warnings.
    Refuse,
}

/// Parameters of Thanos and VictoriaMetrics with a single value. If they are repeated, servers use the first one.
const SINGLE: [&str; 6] =
    ["dedup", "deny_partial_response", "max_source_resolution", "nocache", "partial_response", "round_digits"];

/// Parameters that have setters of their own, with different values for each request.
const OF_CALLS: [&str; 2] = ["query", "timeout"];

/// Parameters that a call can set although its client sets them too.
const OVERRIDABLE: [&str; 4] = ["limit", "limit_per_metric", "lookback_delta", "stats"];

/// Parameters that make servers fail instead of returning partial data.
const REFUSALS: [(&str, &str); 2] = [("partial_response", "false"), ("deny_partial_response", "1")];

/// Filters that all apply, so that those of a call are added to the client's.
const CONDITIONS: [&str; 1] = ["extra_label"];

/// Filters of which one must match: those of a call can neither replace nor extend the client's.
const ALTERNATIVES: [&[&str]; 2] = [&["extra_filters[]", "extra_filters"], &["storeMatch[]"]];

/// Name and value of a parameter of the HTTP API.
pub(crate) type Parameter = (Cow<'static, str>, String);

/// Options of a call, or the defaults of a client.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) timeout: Option<Duration>,
    pub(crate) headers: HeaderMap,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) max_bytes: Option<u64>,
    pub(crate) max_samples: Option<u64>,
    pub(crate) retry: Option<RetryPolicy>,
    pub(crate) partial: Option<PartialData>,
    /// The first invalid input, kept until the call is made or the client is built.
    pub(crate) failure: Option<ErrorKind>,
}

impl Options {
    pub(crate) fn header(&mut self, name: &str, value: &str) {
        let Ok(parsed) = HeaderName::try_from(name) else {
            return self.fail(ErrorKind::Config(format!("invalid name of a header: `{}`", name.escape_debug())));
        };
        if !can_be_set(&parsed) {
            return self.fail(ErrorKind::Config(format!("the header `{}` cannot be set", name.escape_debug())));
        }
        let Ok(mut value) = HeaderValue::try_from(value) else {
            return self.fail(ErrorKind::Config(format!("invalid value of the header `{}`", name.escape_debug())));
        };
        // It may be a secret.
        value.set_sensitive(true);
        self.headers.insert(parsed, value);
    }

    pub(crate) fn parameter(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) {
        let name = name.into();
        if OF_CALLS.contains(&&*name) {
            self.fail(set_twice(&name));
        }
        if SINGLE.contains(&&*name) {
            self.parameters.retain(|(other, _)| *other != name);
        }
        self.parameters.push((name, value.into()));
    }

    /// The parameters to send. [`PartialData::Refuse`] takes precedence over parameters.
    pub(crate) fn sent(&self) -> impl Iterator<Item = (&str, &str)> {
        let refusals = if self.partial == Some(PartialData::Refuse) { &REFUSALS[..] } else { &[] };
        let all = self.parameters.iter().map(|(name, value)| (&**name, &**value));
        let others = all.filter(move |(name, _)| !refusals.iter().any(|(refusal, _)| refusal == name));
        others.chain(refusals.iter().copied())
    }

    /// Whether no option is set.
    pub(crate) fn is_empty(&self) -> bool {
        let Self {
            timeout: None,
            headers,
            parameters,
            max_bytes: None,
            max_samples: None,
            retry: None,
            partial: None,
            failure: None,
        } = self
        else {
            return false;
        };
        headers.is_empty() && parameters.is_empty()
    }

    pub(crate) fn fail(&mut self, failure: ErrorKind) {
        self.failure.get_or_insert(failure);
    }

    /// Adds the options of the client as defaults. A header or a parameter of the call replaces the client's with the
    /// same name, unless that would lose a filter. Parameters that the call has set itself can only replace some of the
    /// client's.
    pub(crate) fn or(mut self, client: &Self, set: &[Parameter]) -> Self {
        let is_set = |name: &str| set.iter().any(|(other, _)| other == name);
        if let Some((name, _)) = self.parameters.iter().find(|(name, _)| is_set(name)) {
            self.failure.get_or_insert(set_twice(name));
        }
        for (name, value) in &client.headers {
            if !self.headers.contains_key(name) {
                self.headers.insert(name, value.clone());
            }
        }
        for names in ALTERNATIVES {
            let [own, clients] = [&self, client].map(|options| {
                options.parameters.iter().filter(|(name, _)| names.contains(&&**name)).collect::<Vec<_>>()
            });
            if !own.is_empty() && !clients.is_empty() && own != clients {
                let name = names[0];
                self.fail(ErrorKind::Config(format!(
                    "`{name}` of the client and of the call: a series would have to pass only one of them"
                )));
            }
        }
        let own = self.parameters.len();
        for parameter in &client.parameters {
            let (name, _) = parameter;
            let is_condition = CONDITIONS.contains(&&**name);
            let replaces = |own: &Parameter| if is_condition { own == parameter } else { own.0 == *name };
            if is_set(name) {
                // If a parameter is sent twice, some methods use the first value and others the last.
                if !OVERRIDABLE.contains(&&**name) {
                    self.fail(set_twice(name));
                }
            } else if !self.parameters[..own].iter().any(replaces) {
                self.parameters.push(parameter.clone());
            }
        }
        Self {
            timeout: self.timeout.or(client.timeout),
            max_bytes: self.max_bytes.or(client.max_bytes),
            max_samples: self.max_samples.or(client.max_samples),
            retry: self.retry.or_else(|| client.retry.clone()),
            partial: self.partial.or(client.partial),
            ..self
        }
    }

    /// The limits of a response, with this default for its size.
    pub(crate) fn limits(&self, max_bytes: u64) -> Limits {
        let max_samples = self.max_samples.unwrap_or(Limits::default().max_samples);
        Limits { max_bytes: self.max_bytes.unwrap_or(max_bytes), max_samples }
    }
}

/// Whether callers may set a header: the client and the HTTP library set those that describe the connection or the
/// body.
pub(crate) fn can_be_set(name: &HeaderName) -> bool {
    const OWN: [HeaderName; 9] =
        [CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];
    !OWN.contains(name)
}

fn set_twice(name: &str) -> ErrorKind {
    let setter = match name {
        "query" => "the preset",
        "timeout" => "`timeout`",
        "time" => "`at`",
        "start" | "end" | "step" => "the time range",
        "match[]" => "the querier",
        _ => "a setter",
    };
    ErrorKind::Config(format!("the parameter `{name}` is set by {setter}; it cannot also be set as a raw parameter"))
}

/// The setters of all calls and of the client's builder, for a type with a field `options`, or one that has such a
/// field: `option_setters!(call)`.
macro_rules! option_setters {
    ($($field:ident).*) => {
        /// Applies a setter if there is a value: `.when_some(timeout, |query, timeout| query.timeout(timeout))`.
        pub fn when_some<T>(self, value: Option<T>, set: impl FnOnce(Self, T) -> Self) -> Self {
            match value {
                Some(value) => set(self, value),
                None => self,
            }
        }

        /// Sets the timeout of the call, including retries: 30 seconds by default. It is also sent to the server. The
        /// client waits up to a second longer, so that the server can report the timeout.
        #[inline]
        pub fn timeout(mut self, timeout: std::time::Duration) -> Self {
            self.$($field.)*options.timeout = Some(timeout);
            self
        }

        /// Sets a header, which replaces the client's with this name. It is never sent to another server. Headers that
        /// describe the connection or the body, such as `content-type`, are configuration errors.
        #[inline]
        pub fn header(mut self, name: &str, value: &str) -> Self {
            self.$($field.)*options.header(name, value);
            self
        }

        /// Sets the tenant of Mimir or Cortex, with the header `X-Scope-OrgID`. A `|` separates several tenants. For
        /// names from untrusted sources, use [`Mimir::tenants`](crate::Mimir::tenants), which rejects names with a `|`.
        #[inline]
        pub fn tenant(self, tenant: &str) -> Self {
            self.header("x-scope-orgid", tenant)
        }

        /// Sends a parameter that has no setter, instead of the client's parameters with this name. Repeated calls send
        /// it repeatedly, except for parameters that [`Thanos`](crate::Thanos) and
        /// [`VictoriaMetrics`](crate::VictoriaMetrics) take once.
        ///
        /// Filters of the client are never replaced: `extra_label` is sent in addition, and a call whose
        /// `extra_filters[]` or `storeMatch[]` differ from the client's fails with
        /// [`ErrorKind::Config`](crate::ErrorKind::Config). So does a parameter that the call sets itself, such as
        /// `query`, `timeout`, `time` after `at`, or `limit` after `limit`.
        pub fn parameter(
            mut self,
            name: impl Into<std::borrow::Cow<'static, str>>,
            value: impl Into<String>,
        ) -> Self {
            self.$($field.)*options.parameter(name, value);
            self
        }

        /// Applies settings of a certain kind of server: [`Thanos`](crate::Thanos),
        /// [`VictoriaMetrics`](crate::VictoriaMetrics) or [`Mimir`](crate::Mimir).
        pub fn with(mut self, dialect: impl Into<crate::Dialect>) -> Self {
            dialect.into().apply(&mut self.$($field.)*options);
            self
        }

        /// Sets what to do with partial responses: [`PartialData::Warn`](crate::PartialData::Warn) by default.
        #[inline]
        pub fn partial_data(mut self, policy: crate::PartialData) -> Self {
            self.$($field.)*options.partial = Some(policy);
            self
        }

        /// Limits the size of an uncompressed response in bytes. The default is 1 GiB for queries, 64 MiB for
        /// lists, metadata and exemplars, and 4 MiB for server status.
        ///
        /// It also limits the memory of everything in a result except samples, which take 16 bytes each: to four times
        /// this limit, from 1 MiB to 256 MiB, or to the limit itself if that is more. Responses to calls other than
        /// queries are also buffered.
        #[inline]
        pub fn max_response_bytes(mut self, bytes: u64) -> Self {
            self.$($field.)*options.max_bytes = Some(bytes);
            self
        }

        /// Limits the number of samples, which take 16 bytes each in memory: 50 million by default.
        #[inline]
        pub fn max_samples(mut self, samples: u64) -> Self {
            self.$($field.)*options.max_samples = Some(samples);
            self
        }

        /// Sets the retry policy.
        #[inline]
        pub fn retry(mut self, policy: crate::RetryPolicy) -> Self {
            self.$($field.)*options.retry = Some(policy);
            self
        }
    };
}
pub(crate) use option_setters;

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(options: &Options) -> Vec<String> {
        options.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect()
    }

    #[test]
    fn a_call_overrides_its_client() {
        let (mut client, mut call) = (Options::default(), Options::default());
        client.header("a", "1");
        client.header("b", "2");
        client.parameter("x", "1");
        client.parameter("y", "1");
        client.timeout = Some(Duration::from_secs(1));
        client.max_samples = Some(7);
        call.header("B", "3");
        call.parameter("y", "2");
        call.parameter("y", "3");
        call.max_samples = Some(8);
        let both = call.or(&client, &[]);
        assert_eq!((&both.headers["a"], &both.headers["b"]), (&client.headers["a"], &HeaderValue::from_static("3")));
        assert_eq!(shown(&both), ["y=2", "y=3", "x=1"]);
        assert_eq!(
            (both.timeout, both.limits(9)),
            (Some(Duration::from_secs(1)), Limits { max_bytes: 9, max_samples: 8 })
        );
    }

    fn options(parameters: &[(&'static str, &str)]) -> Options {
        let mut options = Options::default();
        for (name, value) in parameters {
            options.parameter(*name, *value);
        }
        options
    }

    #[test]
    fn a_filter_of_the_client_is_never_lost_or_widened() {
        let client =
            options(&[("extra_label", "tenant=a"), ("extra_filters[]", "{x=\"1\"}"), ("extra_filters[]", "{x=\"2\"}")]);
        let both = options(&[("extra_label", "env=prod"), ("replicaLabels[]", "r")]).or(&client, &[]);
        let expected = [
            "extra_label=env=prod",
            "replicaLabels[]=r",
            "extra_label=tenant=a",
            "extra_filters[]={x=\"1\"}",
            "extra_filters[]={x=\"2\"}",
        ];
        assert_eq!(shown(&both), expected);
        assert!(both.failure.is_none());
        for (name, other) in [("extra_filters[]", "extra_filters"), ("storeMatch[]", "storeMatch[]")] {
            let both = options(&[(other, "{y=\"1\"}")]).or(&options(&[(name, "{x=\"1\"}")]), &[]);
            let Some(ErrorKind::Config(message)) = both.failure else { panic!("{other}") };
            assert!(message.contains(name), "{message}");
            assert!(options(&[(other, "{y=\"1\"}")]).or(&Options::default(), &[]).failure.is_none());
        }
    }

    #[test]
    fn the_last_of_equivalent_settings_wins() {
        let mut options = options(&[("dedup", "true"), ("x", "1"), ("dedup", "false"), ("x", "2")]);
        assert_eq!(shown(&options), ["x=1", "dedup=false", "x=2"]);
        options.parameter("partial_response", "true");
        assert!(options.sent().any(|pair| pair == ("partial_response", "true")));
        options.partial = Some(PartialData::Refuse);
        let sent: Vec<_> = options.sent().filter(|(name, _)| name.contains("partial")).collect();
        assert_eq!(sent, REFUSALS);
    }

    #[test]
    fn parameters_with_setters_are_refused() {
        let setters = [("limit".into(), "1".to_owned()), ("time".into(), "1".to_owned())];
        let message = |failure: Option<ErrorKind>| failure.map(|kind| kind.to_string()).unwrap_or_default();
        for name in ["query", "timeout"] {
            assert!(message(options(&[(name, "x")]).failure).contains(&format!("`{name}` is set by")), "{name}");
        }
        for (name, of_call, of_client) in [("limit", true, false), ("time", true, true), ("x", false, false)] {
            let [own, none] = [options(&[(name, "2")]), Options::default()];
            assert_eq!(none.or(&own, &setters).failure.is_some(), of_client, "{name}");
            assert_eq!(own.or(&Options::default(), &setters).failure.is_some(), of_call, "{name}");
        }
        let client = options(&[("limit", "2"), ("x", "2")]);
        assert_eq!(shown(&Options::default().or(&client, &setters)), ["x=2"]);
    }

    #[test]
    fn values_of_headers_are_not_shown() {
        let mut options = Options::default();
        options.header("x-api-key", "hunter2");
        options.header("x-bad", "hunter2\n");
        let shown = format!("{options:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
