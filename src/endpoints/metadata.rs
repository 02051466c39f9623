//! Type, help and unit of metrics.

use std::collections::BTreeMap;
use std::future::IntoFuture;
use std::ops::Deref;
use std::sync::Arc;

use super::{LIST_BYTES, debug};
use crate::error::Error;
use crate::http::body::Whole;
use crate::http::call::BoxFuture;
use crate::http::options::option_setters;
use crate::http::request::Request;
use crate::http::transport::Transport;
use crate::value::{Meta, meta_getters};
use crate::wire::{Fields, text_fields};

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

/// Type, help and unit of metrics: what [`PrometheusClient::metadata`](crate::PrometheusClient::metadata) returns.
///
/// Targets that do not agree about a metric give it several entries.
#[must_use = "a query does nothing until it is awaited"]
pub struct MetadataQuery<'a> {
    request: Request<'a>,
}

impl<'a> MetadataQuery<'a> {
    pub(crate) fn new(transport: &'a Arc<Transport>) -> Self {
        Self { request: Request::new(transport) }
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

debug!(MetadataQuery);
