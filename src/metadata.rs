//! Which series, labels and metrics there are.

use std::collections::BTreeMap;
use std::fmt;
use std::future::IntoFuture;
use std::ops::Deref;

use promql_presets_core::{MetricQuerier, RenderError, selector};
use serde::de::DeserializeOwned;

use crate::body::Whole;
use crate::call::{BoxFuture, Call};
use crate::client::PrometheusClient;
use crate::error::{Error, ErrorKind};
use crate::options::option_setters;
use crate::range::RangeError;
use crate::request::Request;
use crate::value::{Labels, Meta, Timestamp, meta_getters};
use crate::wire::{Fields, share_labels, text_fields};

/// How long a list may be if nobody says. It is decoded as a whole, and takes up to twenty times as much memory.
pub(crate) const LIST_BYTES: u64 = 64 << 20;

/// What there is: names, values, or label sets, and the warnings that came with them, as when a limit cut the list.
#[derive(Clone, Debug, PartialEq)]
pub struct Listing<T> {
    items: Vec<T>,
    meta: Meta,
}

impl<T> Listing<T> {
    pub(crate) fn new(items: Vec<T>, meta: Meta) -> Self {
        Self { items, meta }
    }

    /// The items alone.
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        self.items
    }

    meta_getters!();
}

impl<T> Deref for Listing<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items
    }
}

impl<T> IntoIterator for Listing<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Listing<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}

fn matching(request: &mut Request<'_>, querier: &dyn MetricQuerier) {
    match selector(querier) {
        Ok(selector) => request.parameters.push(("match[]".into(), selector)),
        Err(error) => request.options.fail(error.into()),
    }
}

/// Reads a list of anything.
async fn list<T: DeserializeOwned>(call: Call) -> Result<Listing<T>, Error> {
    call.read::<Whole<Option<Vec<T>>>, _>(|(items, meta)| Ok(Listing::new(items.unwrap_or_default(), meta))).await
}

macro_rules! scope_setters {
    () => {
        /// Only series with samples at or after this time; how far back it goes by default is the server's choice.
        pub fn start<T: TryInto<Timestamp, Error: Into<RangeError>>>(mut self, start: T) -> Self {
            self.request.time("start", start);
            self
        }

        /// Only series with samples at or before this time.
        pub fn end<T: TryInto<Timestamp, Error: Into<RangeError>>>(mut self, end: T) -> Self {
            self.request.time("end", end);
            self
        }

        /// At most this many. The server says so in a warning if there were more, which then is no
        /// [missing data](Meta::partial_reason). Servers that do not know it answer with all.
        pub fn limit(mut self, limit: u64) -> Self {
            self.request.parameter("limit", limit.to_string());
            self
        }

        option_setters!(request.options);
    };
}

/// Label sets of series: what [`PrometheusClient::series`] returns.
#[must_use = "a query does nothing until it is awaited"]
pub struct SeriesQuery<'a> {
    request: Request<'a>,
}

impl<'a> SeriesQuery<'a> {
    pub(crate) fn new(client: &'a PrometheusClient, querier: &dyn MetricQuerier) -> Self {
        Self { request: Request::new(client) }.or(querier)
    }

    /// Also the series that another querier asks for.
    pub fn or(mut self, querier: &dyn MetricQuerier) -> Self {
        matching(&mut self.request, querier);
        self
    }

    scope_setters!();
}

impl<'a> IntoFuture for SeriesQuery<'a> {
    type Output = Result<Listing<Labels>, Error>;
    type IntoFuture = BoxFuture<'a, Listing<Labels>>;

    fn into_future(self) -> Self::IntoFuture {
        let call = self.request.call("series", "api/v1/series").at_most(LIST_BYTES);
        let read =
            |(items, meta): (Option<Vec<_>>, _)| Ok(Listing::new(share_labels(items.unwrap_or_default())?, meta));
        Box::pin(call.read::<Whole<_>, _>(read))
    }
}

/// The names of labels: what [`PrometheusClient::labels`] returns.
#[must_use = "a query does nothing until it is awaited"]
pub struct LabelNames<'a> {
    request: Request<'a>,
}

impl<'a> LabelNames<'a> {
    pub(crate) fn new(client: &'a PrometheusClient) -> Self {
        Self { request: Request::new(client) }
    }

    /// Only the names on series that a querier asks for. Several calls ask for the series of all of them.
    pub fn matching(mut self, querier: &dyn MetricQuerier) -> Self {
        matching(&mut self.request, querier);
        self
    }

    scope_setters!();
}

impl<'a> IntoFuture for LabelNames<'a> {
    type Output = Result<Listing<String>, Error>;
    type IntoFuture = BoxFuture<'a, Listing<String>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(list(self.request.call("labels", "api/v1/labels").at_most(LIST_BYTES)))
    }
}

/// The values of a label: what [`PrometheusClient::label_values`] returns.
#[must_use = "a query does nothing until it is awaited"]
pub struct LabelValues<'a> {
    request: Request<'a>,
    label: &'a str,
}

impl<'a> LabelValues<'a> {
    pub(crate) fn new(client: &'a PrometheusClient, label: &'a str) -> Self {
        Self { request: Request::new(client), label }
    }

    /// Only the values on series that a querier asks for. Several calls ask for the series of all of them.
    pub fn matching(mut self, querier: &dyn MetricQuerier) -> Self {
        matching(&mut self.request, querier);
        self
    }

    scope_setters!();
}

impl<'a> IntoFuture for LabelValues<'a> {
    type Output = Result<Listing<String>, Error>;
    type IntoFuture = BoxFuture<'a, Listing<String>>;

    fn into_future(mut self) -> Self::IntoFuture {
        if self.label.is_empty() {
            self.request.options.fail(ErrorKind::Render(RenderError::InvalidLabelName { label: String::new() }));
        }
        // The name goes into a path, where slashes and dots would change it.
        let path = format!("api/v1/label/{}/values", escape_label(self.label));
        let mut call = self.request.call("label_values", path).at_most(LIST_BYTES);
        call.target.get_only = true;
        Box::pin(list(call))
    }
}

/// What a target says about a metric.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetricMetadata {
    /// `counter`, `gauge`, `histogram`, `summary`, `info`, `stateset` or `unknown`.
    pub kind: String,
    /// The description.
    pub help: String,
    /// The unit; often empty.
    pub unit: String,
}

text_fields!(MetricMetadata { kind: "type", help: "help", unit: "unit" });

/// What targets say about metrics, by name, and the warnings that came with it: what [`MetadataQuery`] is answered
/// with.
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata {
    metrics: BTreeMap<String, Vec<MetricMetadata>>,
    meta: Meta,
}

impl Metadata {
    /// The metrics alone.
    #[must_use]
    pub fn into_map(self) -> BTreeMap<String, Vec<MetricMetadata>> {
        self.metrics
    }

    meta_getters!();
}

impl Deref for Metadata {
    type Target = BTreeMap<String, Vec<MetricMetadata>>;

    fn deref(&self) -> &Self::Target {
        &self.metrics
    }
}

/// Type, help and unit of metrics: what [`PrometheusClient::metadata`] returns.
///
/// Targets that do not agree about a metric give it several entries.
#[must_use = "a query does nothing until it is awaited"]
pub struct MetadataQuery<'a> {
    request: Request<'a>,
}

impl<'a> MetadataQuery<'a> {
    pub(crate) fn new(client: &'a PrometheusClient) -> Self {
        Self { request: Request::new(client) }
    }

    /// Of one metric only.
    pub fn metric(mut self, name: impl Into<String>) -> Self {
        self.request.parameter("metric", name);
        self
    }

    /// Of at most this many metrics.
    pub fn limit(mut self, metrics: u64) -> Self {
        self.request.parameter("limit", metrics.to_string());
        self
    }

    /// At most this many entries for each metric.
    pub fn limit_per_metric(mut self, entries: u64) -> Self {
        self.request.parameter("limit_per_metric", entries.to_string());
        self
    }

    option_setters!(request.options);
}

impl<'a> IntoFuture for MetadataQuery<'a> {
    type Output = Result<Metadata, Error>;
    type IntoFuture = BoxFuture<'a, Metadata>;

    fn into_future(self) -> Self::IntoFuture {
        let call = self.request.call("metadata", "api/v1/metadata").at_most(LIST_BYTES).get_only();
        // Boxed slices, for a vector has room for four entries where there is one.
        Box::pin(call.read::<Whole<Option<BTreeMap<String, Option<Box<[Fields<_>]>>>>>, _>(|(metrics, meta)| {
            let entries =
                |entries: Option<Box<[_]>>| entries.into_iter().flatten().map(|Fields(entry)| entry).collect();
            let metrics = metrics.into_iter().flatten().map(|(name, metadata)| (name, entries(metadata))).collect();
            Ok(Metadata { metrics, meta })
        }))
    }
}

/// A label name in a path: as it is where it is a classic one, else in the `U__` form of
/// <https://prometheus.io/docs/prometheus/latest/querying/api/#querying-label-values>.
fn escape_label(label: &str) -> String {
    use std::fmt::Write;
    if promql_presets_core::name::is_classic_label(label) {
        return label.to_owned();
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
    escaped
}

macro_rules! debug {
    ($($name:ident $(, $field:ident)?;)*) => {$(
        impl fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name))
                    $(.field(stringify!($field), &self.$field))?
                    .field("parameters", &self.request.parameters)
                    .finish_non_exhaustive()
            }
        }
    )*};
}

debug! {
    SeriesQuery;
    LabelNames;
    LabelValues, label;
    MetadataQuery;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_names_fit_into_a_path() {
        assert_eq!(escape_label("kernel_id"), "kernel_id");
        assert_eq!(escape_label("http.code/x"), "U__http_2e_code_2f_x");
        assert_eq!(escape_label("a_b."), "U__a__b_2e_");
        assert_eq!(escape_label("größe"), "U__gr_f6__df_e");
    }
}
