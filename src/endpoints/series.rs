//! The label sets of series.

use std::future::IntoFuture;
use std::sync::Arc;

use promql_presets_core::{Input, MetricQuerier};

use super::{LIST_BYTES, debug, scope_setters};
use crate::error::Error;
use crate::http::call::{BoxFuture, Call};
use crate::http::transport::Transport;
use crate::value::{Labels, Listing};
use crate::wire::share_labels;

/// A request for the label sets of series, created with [`PrometheusClient::series`](crate::PrometheusClient::series).
#[must_use = "a query does nothing until it is awaited"]
pub struct SeriesQuery {
    call: Call,
}

impl SeriesQuery {
    pub(crate) fn new(transport: &Arc<Transport>, querier: &dyn MetricQuerier) -> Self {
        Self { call: Call::new(transport, "series", "api/v1/series").with_max_bytes(LIST_BYTES) }.or(querier)
    }

    /// Adds the series that another querier selects.
    pub fn or(mut self, querier: &dyn MetricQuerier) -> Self {
        self.call.add_match(Input::of(querier));
        self
    }

    scope_setters!();
}

impl IntoFuture for SeriesQuery {
    type Output = Result<Listing<Labels>, Error>;
    type IntoFuture = BoxFuture<'static, Listing<Labels>>;

    #[inline]
    fn into_future(self) -> Self::IntoFuture {
        let read = |items: Option<Vec<_>>, meta| Ok(Listing::new(share_labels(items.unwrap_or_default())?, meta));
        Box::pin(self.call.json(read))
    }
}

debug!(SeriesQuery);
