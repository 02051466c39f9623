//! Requests that the client made.

use std::fmt;

use percent_encoding::percent_decode_str;
use promql_presets::{Matcher, PromDuration, Step, TimeRange, Timestamp};

use crate::placeholders::Placeholders;

/// The header in which the client of a test names the preset of a query; empty for unchecked PromQL.
pub(crate) const PRESET_HEADER: &str = "x-promql-preset";

/// The header with the number of a request.
pub(crate) const ATTEMPT_HEADER: &str = "x-promql-attempt";

/// An endpoint of the HTTP API.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Endpoint {
    /// `query`: an instant query.
    Query,
    /// `query_range`: a range query.
    QueryRange,
    /// `query_exemplars`.
    Exemplars,
    /// `labels`: the names of labels.
    Labels,
    /// `label/…/values`: the values of the label with this name.
    LabelValues(String),
    /// `series`: the labels of series.
    Series,
    /// `metadata`: types and help texts of metrics.
    Metadata,
    /// Another one, by its path: `/api/v1/status/buildinfo`.
    Other(String),
}

impl Endpoint {
    /// The endpoint of a path, and what comes before `/api/v1`.
    fn of(path: &str) -> (Self, String) {
        let Some((base, name)) = path.split_once("/api/v1/") else {
            return (Self::Other(path.to_owned()), String::new());
        };
        let endpoint = match name {
            "query" => Self::Query,
            "query_range" => Self::QueryRange,
            "query_exemplars" => Self::Exemplars,
            "labels" => Self::Labels,
            "series" => Self::Series,
            "metadata" => Self::Metadata,
            _ => match name.strip_prefix("label/").and_then(|rest| rest.strip_suffix("/values")) {
                Some(label) => Self::LabelValues(unescaped(label)),
                None => Self::Other(format!("/api/v1/{name}")),
            },
        };
        (endpoint, base.to_owned())
    }

    /// Whether it takes a query.
    pub(crate) fn is_query(&self) -> bool {
        matches!(self, Self::Query | Self::QueryRange | Self::Exemplars)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Query => f.write_str("instant query"),
            Self::QueryRange => f.write_str("range query"),
            Self::Exemplars => f.write_str("exemplars"),
            Self::Labels => f.write_str("names of labels"),
            Self::LabelValues(label) => write!(f, "values of the label `{label}`"),
            Self::Series => f.write_str("series"),
            Self::Metadata => f.write_str("metadata"),
            Self::Other(path) => f.write_str(path),
        }
    }
}

/// The name of a label in a path, see
/// <https://prometheus.io/docs/prometheus/latest/querying/api/#querying-label-values>.
fn unescaped(segment: &str) -> String {
    let text = percent_decode_str(segment).decode_utf8_lossy().into_owned();
    let Some(mut rest) = text.strip_prefix("U__") else { return text };
    let mut name = String::new();
    while let Some(at) = rest.find('_') {
        name.push_str(&rest[..at]);
        let Some((code, after)) = rest[at + 1..].split_once('_') else { return text };
        match code {
            "" => name.push('_'),
            code => match u32::from_str_radix(code, 16).ok().and_then(char::from_u32) {
                Some(c) => name.push(c),
                None => return text,
            },
        }
        rest = after;
    }
    name + rest
}

/// A request of the client. Each attempt of a call that is retried is a request of its own.
#[derive(Clone, Debug)]
pub struct Call {
    pub(crate) method: String,
    pub(crate) endpoint: Endpoint,
    pub(crate) path: String,
    pub(crate) query_string: String,
    pub(crate) base_path: String,
    pub(crate) number: usize,
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) connection: usize,
    /// The number that the client of a test gives the request.
    pub(crate) attempt: Option<u64>,
    /// The name of the preset, as the client has it. `None` if the client does not name presets.
    pub(crate) named: Option<String>,
    pub(crate) preset: Option<&'static str>,
    pub(crate) placeholders: Placeholders,
    pub(crate) problem: Option<String>,
}

impl Call {
    pub(crate) fn new(
        method: &str,
        target: &str,
        mut headers: Vec<(String, String)>,
        body: &[u8],
        connection: usize,
    ) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (endpoint, base_path) = Endpoint::of(path);
        let mut parameters: Vec<_> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let is_form = |(name, value): &(String, String)| name == "content-type" && value.contains("urlencoded");
        if headers.iter().any(is_form) {
            parameters.extend(form_urlencoded::parse(body).into_owned());
        }
        let mut take =
            |header: &str| headers.iter().position(|(name, _)| name == header).map(|at| headers.remove(at).1);
        let (named, attempt) = (take(PRESET_HEADER), take(ATTEMPT_HEADER).and_then(|number| number.parse().ok()));
        Self {
            method: method.to_owned(),
            endpoint,
            path: path.to_owned(),
            query_string: query.to_owned(),
            base_path,
            number: 0,
            parameters,
            headers,
            connection,
            attempt,
            named,
            preset: None,
            placeholders: Placeholders::default(),
            problem: None,
        }
    }

    /// The endpoint.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The name of the preset: that of the expectation, else as the client named it. `None` for unchecked PromQL, and for
    /// requests that are not queries.
    #[must_use]
    pub fn preset(&self) -> Option<&str> {
        self.preset.or(self.named.as_deref().filter(|name| !name.is_empty()))
    }

    /// The PromQL of a query.
    #[must_use]
    pub fn query(&self) -> Option<&str> {
        self.parameter("query")
    }

    /// The value of `{metric_name}`.
    #[must_use]
    pub fn metric(&self) -> Option<&str> {
        self.placeholders.metric.as_deref()
    }

    /// The value of `{labels}`.
    #[must_use]
    pub fn matchers(&self) -> &[Matcher<'static>] {
        &self.placeholders.matchers
    }

    /// The value of the first matcher on a label, whatever its operator.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<&str> {
        self.placeholders.matchers.iter().find(|matcher| matcher.label() == name)?.value()
    }

    /// The value of `{group_by}`.
    #[must_use]
    pub fn group_by(&self) -> &[String] {
        &self.placeholders.group_by
    }

    /// The value of `{window}`.
    #[must_use]
    pub fn window(&self) -> Option<PromDuration> {
        self.placeholders.window
    }

    /// The time of an instant query, if the caller set it.
    #[must_use]
    pub fn time(&self) -> Option<Timestamp> {
        self.timestamp("time")
    }

    /// Start, end and step of a range query.
    #[must_use]
    pub fn range(&self) -> Option<TimeRange> {
        let step: Step = self.parameter("step")?.parse().ok()?;
        TimeRange::parse(self.parameter("start")?, self.parameter("end")?, step).ok()
    }

    /// The first value of a parameter of the HTTP API.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// All parameters, in the order in which they were sent.
    #[must_use]
    pub fn parameters(&self) -> &[(String, String)] {
        &self.parameters
    }

    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        headers.find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// `GET` or `POST`.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// The path, percent-encoded as it was sent.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query string of the URL, percent-encoded as it was sent.
    #[must_use]
    pub fn query_string(&self) -> &str {
        &self.query_string
    }

    /// All headers, with names in lower case.
    #[must_use]
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// The number of requests before it.
    #[must_use]
    pub fn number(&self) -> usize {
        self.number
    }

    /// The number of connections that were opened before that of this request.
    #[must_use]
    pub fn connection(&self) -> usize {
        self.connection
    }

    /// Whether an expectation accepted it.
    #[must_use]
    pub fn is_expected(&self) -> bool {
        self.problem.is_none()
    }

    pub(crate) fn timestamp(&self, name: &str) -> Option<Timestamp> {
        self.parameter(name)?.parse().ok()
    }
}

/// One line: `range query of container_utilization::rate: sum by (...)`.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.endpoint)?;
        if let Some(preset) = self.preset() {
            write!(f, " of {preset}")?;
        }
        if let Some(query) = self.query() {
            write!(f, ": {query}")?;
        }
        self.parameters.iter().filter(|(name, _)| name == "match[]").try_for_each(|(_, value)| write!(f, " {value}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_found_below_a_path() {
        for (path, endpoint, base) in [
            ("/api/v1/query", Endpoint::Query, ""),
            ("/select/42/prometheus/api/v1/query_range", Endpoint::QueryRange, "/select/42/prometheus"),
            ("/api/v1/label/gr%C3%B6%C3%9Fe/values", Endpoint::LabelValues("größe".to_owned()), ""),
            ("/api/v1/label/U__a__b_2f__df_/values", Endpoint::LabelValues("a_b/ß".to_owned()), ""),
            ("/api/v1/status/buildinfo", Endpoint::Other("/api/v1/status/buildinfo".to_owned()), ""),
            ("/-/ready", Endpoint::Other("/-/ready".to_owned()), ""),
        ] {
            assert_eq!(Endpoint::of(path), (endpoint, base.to_owned()));
        }
    }
}
