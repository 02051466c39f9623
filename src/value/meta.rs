//! Metadata of responses: warnings, infos, statistics, and whether data is missing.

use std::collections::HashSet;
use std::fmt;

use super::Stats;

/// Metadata of a response: warnings, statistics, and the query.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Meta {
    /// Warnings of the server about the result. Some end with a position in the query, such as `(1:5)`.
    pub warnings: Vec<String>,
    /// Hints of the server about the query.
    pub infos: Vec<String>,
    /// `isPartial` of VictoriaMetrics: some storage nodes did not respond.
    pub is_partial: bool,
    /// Statistics of the query, if the server sent them.
    pub stats: Option<Stats>,
    /// The name of the preset.
    pub preset: Option<&'static str>,
    /// The PromQL that was sent.
    pub query: Option<String>,
    pub(crate) partial_accepted: bool,
    /// Whether the call itself set a limit, so that truncation by a limit was requested.
    pub(crate) is_limited: bool,
}

/// The warning of Prometheus, Thanos and Mimir if the `limit` of a call truncates its result.
const TRUNCATED: &str = "results truncated due to limit";

/// Parts of warnings about data that could not be read, in lower case: errors of Go's network and RPC libraries, and
/// the words of Prometheus' remote read, Thanos, Mimir and Cortex for stores that fail and results that are incomplete.
const MISSING_DATA: [&str; 34] = [
    "broken",
    "cancel",
    "cannot",
    "closed",
    "connect",
    "corrupt",
    "could not",
    "deadline",
    "dial ",
    "drop",
    "eof",
    "err-",
    "error",
    "exceed",
    "exhausted",
    "fail",
    "incomplete",
    "limit",
    "lost",
    "missing",
    "no such host",
    "not all ",
    "partial",
    "refused",
    "reset",
    "skip",
    "status",
    "storage",
    "store",
    "timed out",
    "timeout",
    "truncated",
    "unavailable",
    "unreachable",
];

/// Parts of warnings about the request, in lower case. They can mention a future error.
const ABOUT_THE_REQUEST: [&str; 2] = ["deprecat", "experimental"];

impl Meta {
    /// Why data is missing: the first warning about it, or `isPartial` of VictoriaMetrics; `None` if the response is
    /// complete.
    ///
    /// Servers send no code with a warning, so its text decides: a warning is about missing data if it mentions a
    /// failure, a store, or a limit. Warnings about the query, such as `PromQL warning: ...` (Prometheus'
    /// [`util/annotations`](https://github.com/prometheus/prometheus/blob/main/util/annotations/annotations.go)) or the
    /// use of a deprecated parameter, are not, and neither is truncation by the call's own `limit`.
    ///
    /// ```
    /// # use promql_presets::Meta;
    /// let mut meta = Meta::default();
    /// meta.warnings.push("the parameter `stats=1` is deprecated".to_owned());
    /// assert_eq!(meta.partial_reason(), None);
    /// meta.warnings.push("store 10.0.0.7: rpc error: code = Unavailable".to_owned());
    /// assert_eq!(meta.partial_reason(), Some("store 10.0.0.7: rpc error: code = Unavailable"));
    /// ```
    #[must_use]
    pub fn partial_reason(&self) -> Option<&str> {
        let is_requested = |warning: &str| self.is_limited && warning == TRUNCATED;
        let mut warnings = self.warnings.iter().map(String::as_str);
        let warning = warnings.find(|warning| is_about_missing_data(warning) && !is_requested(warning));
        warning.or(self.is_partial.then_some("the server did not reach all of its storage"))
    }

    /// Adds the metadata of another part of the same result.
    #[inline]
    pub(crate) fn merge(&mut self, other: Self) {
        add_new(&mut self.warnings, other.warnings);
        add_new(&mut self.infos, other.infos);
        self.is_partial |= other.is_partial;
        self.partial_accepted &= other.partial_accepted;
        self.is_limited &= other.is_limited;
        if let Some(stats) = other.stats {
            self.stats.get_or_insert_default().merge(stats);
        }
    }

    /// Why data is missing, unless that has been accepted.
    pub(crate) fn objection(&self) -> Option<&str> {
        self.partial_reason().filter(|_| !self.partial_accepted)
    }
}

#[inline]
fn add_new(all: &mut Vec<String>, more: Vec<String>) {
    let known: HashSet<String> = all.iter().cloned().collect();
    all.extend(more.into_iter().filter(|text| !known.contains(text)));
}

fn is_about_missing_data(warning: &str) -> bool {
    let warning = warning.to_lowercase();
    let mentions = |texts: &[&str]| texts.iter().any(|text| warning.contains(text));
    mentions(&MISSING_DATA) && !mentions(&ABOUT_THE_REQUEST) && !warning.starts_with("promql ")
}

/// Writes a line per warning and info.
impl fmt::Display for Meta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_partial {
            writeln!(f, "partial: the server did not reach all of its storage")?;
        }
        self.warnings.iter().try_for_each(|warning| writeln!(f, "warning: {warning}"))?;
        self.infos.iter().try_for_each(|info| writeln!(f, "info: {info}"))
    }
}

/// The getters of every response with a field `meta`.
macro_rules! meta_getters {
    () => {
        /// Warnings of the server. Not all of them mean that data is missing, see [`is_partial`](Self::is_partial).
        #[must_use]
        pub fn warnings(&self) -> &[String] {
            &self.meta.warnings
        }

        /// Whether data is missing, see [`Meta::partial_reason`].
        #[must_use]
        pub fn is_partial(&self) -> bool {
            self.meta.partial_reason().is_some()
        }

        /// Warnings, statistics, and the query.
        #[must_use]
        pub fn meta(&self) -> &Meta {
            &self.meta
        }
    };
}
pub(crate) use meta_getters;

/// The accessors of every query result with a field `meta`.
macro_rules! meta_accessors {
    () => {
        crate::value::meta_getters!();

        /// Hints of the server about the query.
        #[must_use]
        pub fn infos(&self) -> &[String] {
            &self.meta.infos
        }

        /// Lets methods that return a single value, such as `one()`, succeed although data is missing.
        #[must_use]
        pub fn accept_partial(mut self) -> Self {
            self.meta.partial_accepted = true;
            self
        }

        /// Statistics of the query, if the server sent them.
        #[must_use]
        pub fn stats(&self) -> Option<&crate::value::Stats> {
            self.meta.stats.as_ref()
        }

        /// Replaces the metadata, for tests and mocks.
        #[must_use]
        pub fn with_meta(mut self, meta: Meta) -> Self {
            self.meta = meta;
            self
        }
    };
}
pub(super) use meta_accessors;

#[cfg(test)]
mod tests {
    use super::*;

    fn is_partial(warning: &str) -> bool {
        Meta { warnings: vec![warning.to_owned()], ..Meta::default() }.partial_reason().is_some()
    }

    #[test]
    fn warnings_about_the_query_do_not_make_a_response_partial() {
        for warning in [
            "PromQL warning: bucket label \"le\" is missing or has a malformed value of \"\" (1:5)",
            "3 more warning annotations omitted",
            "stats=1 is deprecated and will be an error in a future version",
            "this function is experimental and may fail",
            "rounded to the resolution of 5m",
            "",
        ] {
            assert!(!is_partial(warning), "{warning}");
        }
    }

    #[test]
    fn warnings_about_missing_data_do() {
        for warning in [
            "results truncated due to limit",
            "No StoreAPIs matched for this query",
            "store gone",
            "receive series from Addr: 10.0.0.7:10901: rpc error: code = Unavailable desc = transport is closing",
            "fetch series for {cluster=\"a\"}: context deadline exceeded",
            "remote_read: remote server http://a/read returned http status 500 Internal Server Error: x",
            "error sending request: Post \"http://a/read\": dial tcp: lookup a: no such host",
            "Post \"http://a/read\": EOF",
            "remote PromQL engine 10.0.0.7 is unavailable",
            "the query results may be incomplete",
            "the response may contain partial data",
            "err-mimir-store-consistency-check-failed",
        ] {
            assert!(is_partial(warning), "{warning}");
        }
    }
}
