//! The label sets of series.

use std::future::IntoFuture;
use std::sync::Arc;

use promql_presets_core::MetricQuerier;

use super::{LIST_BYTES, add_match, debug, scope_setters};
use crate::error::Error;
use crate::http::body::BufferedJson;
use crate::http::call::{BoxFuture, Call};
use crate::http::transport::Transport;
use crate::value::{Labels, Listing};
use crate::wire::share_labels;

/// A request for the label sets of series, created with [`PrometheusClient::series`](crate::PrometheusClient::series).
#[must_use = "a query does nothing until it is awaited"]
pub struct SeriesQuery<'a> {
    call: Call<'a>,
}

impl<'a> SeriesQuery<'a> {
    pub(crate) fn new(transport: &'a Arc<Transport>, querier: &dyn MetricQuerier) -> Self {
        Self { call: Call::new(transport, "series", "api/v1/series").at_most(LIST_BYTES) }.or(querier)
    }

    /// Adds the series that another querier selects.
    pub fn or(mut self, querier: &dyn MetricQuerier) -> Self {
        add_match(&mut self.call, querier);
        self
    }

    scope_setters!();
}

impl<'a> IntoFuture for SeriesQuery<'a> {
    type Output = Result<Listing<Labels>, Error>;
    type IntoFuture = BoxFuture<'a, Listing<Labels>>;

    fn into_future(self) -> Self::IntoFuture {
        let read =
            |(items, meta): (Option<Vec<_>>, _)| Ok(Listing::new(share_labels(items.unwrap_or_default())?, meta));
        Box::pin(self.call.read::<BufferedJson<_>, _>(read))
    }
}

debug!(SeriesQuery);
