//! Type, help and unit of metrics.

use std::collections::BTreeMap;
use std::future::IntoFuture;
use std::ops::Deref;
use std::sync::Arc;

use super::{LIST_BYTES, debug};
use crate::error::Error;
use crate::http::call::{BoxFuture, Call};
use crate::http::options::option_setters;
use crate::http::transport::Transport;
use crate::value::{Meta, meta_getters};
use crate::wire::{Entries, Fields, text_fields};

/// The metadata of a metric, as reported by a target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MetricMetadata {
    /// `counter`, `gauge`, `histogram`, `summary`, `info`, `stateset` or `unknown`.
    pub kind: String,
    /// Description.
    pub help: String,
    /// Unit; often empty.
    pub unit: String,
}

text_fields!(MetricMetadata { kind: "type", help: "help", unit: "unit" });

/// The metadata of metrics by name, with warnings: the result of a [`MetadataQuery`].
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata {
    metrics: BTreeMap<String, Vec<MetricMetadata>>,
    meta: Meta,
}

impl Metadata {
    /// Returns the metrics without warnings.
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

/// A request for the metadata of metrics, created with [`PrometheusClient::metadata`](crate::PrometheusClient::metadata).
///
/// A metric has several entries if its targets disagree.
#[must_use = "a query does nothing until it is awaited"]
pub struct MetadataQuery {
    call: Call,
}

impl MetadataQuery {
    pub(crate) fn new(transport: &Arc<Transport>) -> Self {
        let mut call = Call::new(transport, "metadata", "api/v1/metadata").with_max_bytes(LIST_BYTES).get_only();
        if let Some(error) = transport.scope.error_of_unfiltered("metadata, which servers list for all series") {
            call.options.fail(error);
        }
        Self { call }
    }

    /// Limits the result to one metric.
    pub fn metric(mut self, name: impl Into<String>) -> Self {
        self.call.parameter("metric", name);
        self
    }

    /// Limits the number of metrics.
    pub fn limit(mut self, metrics: u64) -> Self {
        self.call.parameter("limit", metrics.to_string());
        self
    }

    /// Limits the number of entries per metric.
    pub fn limit_per_metric(mut self, entries: u64) -> Self {
        self.call.parameter("limit_per_metric", entries.to_string());
        self
    }

    option_setters!(call);
}

impl IntoFuture for MetadataQuery {
    type Output = Result<Metadata, Error>;
    type IntoFuture = BoxFuture<'static, Metadata>;

    #[inline]
    fn into_future(self) -> Self::IntoFuture {
        // Boxed slices, since a vector with one entry allocates space for four.
        Box::pin(self.call.json(|metrics: Option<Entries<Option<Box<[Fields<_>]>>>>, meta| {
            let entries =
                |entries: Option<Box<[_]>>| entries.into_iter().flatten().map(|Fields(entry)| entry).collect();
            let mut known = BTreeMap::new();
            if let Some(Entries(metrics)) = metrics {
                known.extend(metrics.into_iter().map(|(name, metadata)| (name, entries(metadata))));
            }
            Ok(Metadata { metrics: known, meta })
        }))
    }
}

debug!(MetadataQuery);
