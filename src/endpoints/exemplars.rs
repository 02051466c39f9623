//! Exemplars of series.

use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;
use std::sync::Arc;

use promql_presets_core::{DurationError, MetricQuerier, Preset, TakesWindow, Window};
use serde::de::MapAccess;

use super::LIST_BYTES;
use crate::error::{Error, RangeError};
use crate::http::call::{BoxFuture, Call};
use crate::http::options::option_setters;
use crate::http::transport::Transport;
use crate::query::Promql;
use crate::value::{Labels, Listing, Timestamp, decimal};
use crate::wire::{DecodeError, Fields, FromFields, LabelSet};

/// A sample that refers to something outside of the metrics, such as a trace.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Exemplar {
    /// Labels of the exemplar, such as `trace_id`.
    pub labels: Labels,
    /// Value.
    pub value: f64,
    /// Time of the sample.
    pub timestamp: Timestamp,
}

/// The exemplars of one series.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SeriesExemplars {
    /// Labels of the series.
    pub labels: Labels,
    /// Exemplars, oldest first.
    pub exemplars: Vec<Exemplar>,
}

impl SeriesExemplars {
    #[inline]
    fn new(raw: RawSeries) -> Option<Self> {
        let exemplars = raw.exemplars?.into_iter().map(|Fields(raw)| Exemplar::new(raw)).collect::<Option<_>>()?;
        Some(Self { labels: raw.labels?, exemplars })
    }
}

impl Exemplar {
    #[inline]
    fn new(raw: RawExemplar) -> Option<Self> {
        let value = decimal::float(raw.value?.as_bytes())?;
        // Seconds. A 64-bit float is exact to the millisecond for all relevant times.
        let timestamp = raw.timestamp?.to_string().parse().ok()?;
        Some(Self { labels: raw.labels?, value, timestamp })
    }
}

#[derive(Default)]
struct RawSeries {
    labels: Option<Labels>,
    exemplars: Option<Vec<Fields<RawExemplar>>>,
}

impl FromFields for RawSeries {
    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        match name {
            "seriesLabels" => self.labels = Some(map.next_value::<LabelSet>()?.into()),
            "exemplars" => self.exemplars = Some(map.next_value()?),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

#[derive(Default)]
struct RawExemplar {
    labels: Option<Labels>,
    value: Option<String>,
    timestamp: Option<f64>,
}

impl FromFields for RawExemplar {
    fn field<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<bool, A::Error> {
        match name {
            "labels" => self.labels = Some(map.next_value::<LabelSet>()?.into()),
            "value" => self.value = Some(map.next_value()?),
            "timestamp" => self.timestamp = Some(map.next_value()?),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// A request for the exemplars of the series that a preset reads, created with
/// [`PrometheusClient::exemplars`](crate::PrometheusClient::exemplars).
#[must_use = "a query does nothing until it is awaited"]
pub struct ExemplarsQuery<'a, R, W> {
    promql: Promql<'a>,
    call: Call,
    types: PhantomData<fn() -> (R, W)>,
}

impl<'a, R, W> ExemplarsQuery<'a, R, W> {
    pub(crate) fn new<Q>(transport: &Arc<Transport>, preset: Preset<Q, R, W>, querier: &'a Q) -> Self
    where
        Q: MetricQuerier + ?Sized,
    {
        let call = Call::new(transport, "query_exemplars", "api/v1/query_exemplars").with_max_bytes(LIST_BYTES);
        Self { promql: Promql::of(preset, querier), call, types: PhantomData }
    }

    /// Limits the result to exemplars at or after this time; by default, all that the server stores.
    pub fn start<T: TryInto<Timestamp, Error: Into<RangeError>>>(mut self, start: T) -> Self {
        self.call.time("start", start);
        self
    }

    /// Limits the result to exemplars at or before this time.
    pub fn end<T: TryInto<Timestamp, Error: Into<RangeError>>>(mut self, end: T) -> Self {
        self.call.time("end", end);
        self
    }

    /// Sets the `{window}` of the preset, which does not change the series.
    pub fn window<D: TryInto<Window, Error: Into<DurationError>>>(mut self, window: D) -> Self
    where
        W: TakesWindow,
    {
        self.promql.window(window);
        self
    }

    option_setters!(call);
}

impl<'a, R: 'a, W: 'a> IntoFuture for ExemplarsQuery<'a, R, W> {
    type Output = Result<Listing<SeriesExemplars>, Error>;
    type IntoFuture = BoxFuture<'a, Listing<SeriesExemplars>>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { promql, mut call, .. } = self;
        promql.render(&mut call, None);
        read(call)
    }
}

#[inline]
fn read(call: Call) -> BoxFuture<'static, Listing<SeriesExemplars>> {
    Box::pin(call.json(|series: Option<Vec<Fields<RawSeries>>>, meta| {
        let series: Option<_> = series.into_iter().flatten().map(|Fields(raw)| SeriesExemplars::new(raw)).collect();
        let reason = || "exemplars have labels, a value and a timestamp".to_owned();
        Ok(Listing::new(series.ok_or_else(|| DecodeError::Data { reason: reason() })?, meta))
    }))
}

impl<R, W> fmt::Debug for ExemplarsQuery<'_, R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExemplarsQuery")
            .field("promql", &self.promql)
            .field("parameters", &self.call.parameters)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_documented_example() {
        let json = r#"{"seriesLabels":{"__name__":"m","job":"a"},"exemplars":[
            {"labels":{"trace_id":"x"},"value":"6","timestamp":1600096945.479},
            {"labels":{},"value":"+Inf","timestamp":7,"new":[null]}]}"#;
        let read = |json: &str| SeriesExemplars::new(serde_json::from_str::<Fields<_>>(json).unwrap().0);
        let series = read(json).unwrap();
        assert_eq!(read(&json.replace("+Inf", "1e999")), None);
        assert_eq!(series.labels.to_string(), r#"m{job="a"}"#);
        assert_eq!(series.exemplars[0].timestamp, Timestamp::from_millis(1_600_096_945_479));
        assert_eq!(series.exemplars[0].labels.get("trace_id"), Some("x"));
        assert!(series.exemplars[1].value.is_infinite());
    }
}
