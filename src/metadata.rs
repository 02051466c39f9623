//! Which series and label values there are.

use std::collections::BTreeMap;
use std::fmt;
use std::future::IntoFuture;
use std::time::Duration;

use promql_presets_core::{MetricQuerier, RenderError, selector};
use reqwest::Method;
use serde::de::DeserializeOwned;

use crate::client::PrometheusClient;
use crate::error::{Error, ErrorKind};
use crate::query::BoxFuture;
use crate::range::RangeError;
use crate::transport::{self, Request};
use crate::value::Timestamp;
use crate::wire::{Envelope, decode_data};

/// The parameters that all of these calls have.
#[derive(Clone, Debug, Default)]
struct Scope {
    matches: Vec<Result<String, RenderError>>,
    start: Option<Result<Timestamp, RangeError>>,
    end: Option<Result<Timestamp, RangeError>>,
    limit: Option<u64>,
    timeout: Option<Duration>,
}

impl Scope {
    fn parameters(self) -> Result<Vec<(&'static str, String)>, Error> {
        let mut parameters = Vec::new();
        for selector in self.matches {
            parameters.push(("match[]", selector.map_err(ErrorKind::from)?));
        }
        for (name, time) in [("start", self.start), ("end", self.end)] {
            if let Some(time) = time {
                parameters.push((name, time.map_err(ErrorKind::from)?.to_unix_seconds()));
            }
        }
        parameters.extend(self.limit.map(|limit| ("limit", limit.to_string())));
        Ok(parameters)
    }
}

macro_rules! scope_setters {
    () => {
        /// Only series with samples at or after this time; how far back it goes by default is the server's choice.
        pub fn start<T: TryInto<Timestamp, Error: Into<RangeError>>>(mut self, start: T) -> Self {
            self.scope.start = Some(start.try_into().map_err(Into::into));
            self
        }

        /// Only series with samples at or before this time.
        pub fn end<T: TryInto<Timestamp, Error: Into<RangeError>>>(mut self, end: T) -> Self {
            self.scope.end = Some(end.try_into().map_err(Into::into));
            self
        }

        /// At most this many. The server says so in a warning if there were more.
        pub fn limit(mut self, limit: u64) -> Self {
            self.scope.limit = Some(limit);
            self
        }

        /// How long the call may take; the client's own timeout unless set.
        pub fn timeout(mut self, timeout: Duration) -> Self {
            self.scope.timeout = Some(timeout);
            self
        }
    };
}

/// The values of a label: what [`PrometheusClient::label_values`] returns.
#[must_use = "a query does nothing until it is awaited"]
pub struct LabelValues<'a> {
    client: &'a PrometheusClient,
    label: &'a str,
    scope: Scope,
}

impl<'a> LabelValues<'a> {
    pub(crate) fn new(client: &'a PrometheusClient, label: &'a str) -> Self {
        Self { client, label, scope: Scope::default() }
    }

    /// Only the values on series that a querier asks for. Several calls ask for the series of all of them.
    pub fn matching(mut self, querier: &dyn MetricQuerier) -> Self {
        self.scope.matches.push(selector(querier));
        self
    }

    scope_setters!();
}

impl<'a> IntoFuture for LabelValues<'a> {
    type Output = Result<Vec<String>, Error>;
    type IntoFuture = BoxFuture<'a, Vec<String>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let Self { client, label, scope } = self;
            // The name goes into a path, where slashes and dots would change it.
            let label = escape_label(label)?;
            get(client, &["api", "v1", "label", &label, "values"], Method::GET, scope).await
        })
    }
}

/// Label sets of series: what [`PrometheusClient::series`] returns.
#[must_use = "a query does nothing until it is awaited"]
pub struct SeriesQuery<'a> {
    client: &'a PrometheusClient,
    scope: Scope,
}

impl<'a> SeriesQuery<'a> {
    pub(crate) fn new(client: &'a PrometheusClient, querier: &dyn MetricQuerier) -> Self {
        Self { client, scope: Scope { matches: vec![selector(querier)], ..Scope::default() } }
    }

    /// Also the series that another querier asks for.
    pub fn or(mut self, querier: &dyn MetricQuerier) -> Self {
        self.scope.matches.push(selector(querier));
        self
    }

    scope_setters!();
}

impl<'a> IntoFuture for SeriesQuery<'a> {
    type Output = Result<Vec<BTreeMap<String, String>>, Error>;
    type IntoFuture = BoxFuture<'a, Vec<BTreeMap<String, String>>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { get(self.client, &["api", "v1", "series"], Method::POST, self.scope).await })
    }
}

async fn get<T: DeserializeOwned>(
    client: &PrometheusClient,
    path: &[&str],
    method: Method,
    scope: Scope,
) -> Result<T, Error> {
    let timeout = scope.timeout;
    let request = Request { path, method, parameters: scope.parameters()?, timeout };
    let mut response = client.transport.send(request).await?;
    let status = transport::status(&response).as_u16();
    if !transport::is_json(&response) {
        return Err(transport::foreign(response).await.into());
    }
    let mut body = Vec::new();
    while let Some(chunk) = transport::chunk(&mut response).await? {
        body.extend_from_slice(&chunk);
    }
    let Envelope { data, error, .. } = decode_data::<T>(&body).map_err(ErrorKind::from)?;
    match (data, error) {
        (_, Some(error)) => Err(ErrorKind::Server { status, error }.into()),
        (Some(data), None) => Ok(data),
        (None, None) => Err(ErrorKind::Http { status, body: String::new() }.into()),
    }
}

/// A label name in a path: as it is where it is a classic one, else in the `U__` form of
/// <https://prometheus.io/docs/prometheus/latest/querying/api/#querying-label-values>.
fn escape_label(label: &str) -> Result<String, Error> {
    use std::fmt::Write;
    if label.is_empty() {
        let error = RenderError::InvalidLabelName { label: String::new() };
        return Err(ErrorKind::from(error).into());
    }
    if promql_presets_core::name::is_classic_label(label) {
        return Ok(label.to_owned());
    }
    let mut escaped = String::from("U__");
    for c in label.chars() {
        match c {
            '_' => escaped.push_str("__"),
            c if c.is_ascii_alphanumeric() => escaped.push(c),
            // Writing to a `String` cannot fail.
            c => _ = write!(escaped, "_{:x}_", u32::from(c)),
        }
    }
    Ok(escaped)
}

impl fmt::Debug for LabelValues<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LabelValues").field("label", &self.label).field("scope", &self.scope).finish_non_exhaustive()
    }
}

impl fmt::Debug for SeriesQuery<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeriesQuery").field("scope", &self.scope).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_names_fit_into_a_path() {
        assert_eq!(escape_label("kernel_id").unwrap(), "kernel_id");
        assert_eq!(escape_label("http.code/x").unwrap(), "U__http_2e_code_2f_x");
        assert_eq!(escape_label("a_b.").unwrap(), "U__a__b_2e_");
        assert!(escape_label("").is_err());
    }
}
