//! Exemplars: traces behind the numbers.

use std::fmt;
use std::future::IntoFuture;

use promql_presets_core::{DurationError, MetricQuerier, Preset, PromDuration, TakesWindow};
use serde_json::Value;

use crate::body::Whole;
use crate::call::BoxFuture;
use crate::client::PrometheusClient;
use crate::error::Error;
use crate::options::option_setters;
use crate::query::{Common, Source};
use crate::range::RangeError;
use crate::value::{Labels, Meta, Timestamp};
use crate::wire::DecodeError;

/// One exemplar: a sample that refers to something outside, such as a trace.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Exemplar {
    /// What it refers to: `trace_id` and the like.
    pub labels: Labels,
    /// The value.
    pub value: f64,
    /// When it was taken.
    pub timestamp: Timestamp,
}

/// The exemplars of one series.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SeriesExemplars {
    /// The labels of the series.
    pub labels: Labels,
    /// Its exemplars, oldest first.
    pub exemplars: Vec<Exemplar>,
}

impl SeriesExemplars {
    fn read(json: &Value) -> Option<Self> {
        let labels = read_labels(&json["seriesLabels"])?;
        let exemplars = json["exemplars"].as_array()?.iter().map(Exemplar::read).collect::<Option<_>>()?;
        Some(Self { labels, exemplars })
    }
}

impl Exemplar {
    fn read(json: &Value) -> Option<Self> {
        let labels = read_labels(&json["labels"])?;
        let value = json["value"].as_str()?.parse().ok()?;
        // Seconds; a number of 64 bits tells the milliseconds of any time that matters.
        let timestamp = json["timestamp"].as_f64()?.to_string().parse().ok()?;
        Some(Self { labels, value, timestamp })
    }
}

fn read_labels(json: &Value) -> Option<Labels> {
    json.as_object()?.iter().map(|(name, value)| Some((name, value.as_str()?))).collect()
}

/// The exemplars of the series that a preset reads: what [`PrometheusClient::exemplars`] returns.
#[must_use = "a query does nothing until it is awaited"]
pub struct ExemplarsQuery<'a, Q: ?Sized, R, W> {
    common: Common<'a, Q, R, W>,
}

impl<'a, Q: MetricQuerier + ?Sized, R, W> ExemplarsQuery<'a, Q, R, W> {
    pub(crate) fn new(client: &'a PrometheusClient, preset: Preset<Q, R, W>, querier: &'a Q) -> Self {
        Self { common: Common::new(client, Source::new(preset, querier)) }
    }

    /// Only those at or after this time; as far back as the server keeps them unless set.
    pub fn start<T: TryInto<Timestamp, Error: Into<RangeError>>>(mut self, start: T) -> Self {
        self.common.request.time("start", start);
        self
    }

    /// Only those at or before this time.
    pub fn end<T: TryInto<Timestamp, Error: Into<RangeError>>>(mut self, end: T) -> Self {
        self.common.request.time("end", end);
        self
    }

    /// Replaces the default of the preset's `{window}`, which makes no difference to the series.
    pub fn window<D: TryInto<PromDuration, Error: Into<DurationError>>>(mut self, window: D) -> Self
    where
        W: TakesWindow,
    {
        self.common.window(window);
        self
    }

    option_setters!(common.request.options);
}

impl<'a, Q: MetricQuerier + ?Sized, R: 'a, W: 'a> IntoFuture for ExemplarsQuery<'a, Q, R, W> {
    type Output = Result<Vec<SeriesExemplars>, Error>;
    type IntoFuture = BoxFuture<'a, Vec<SeriesExemplars>>;

    fn into_future(self) -> Self::IntoFuture {
        let call = self.common.call("query_exemplars", "api/v1/query_exemplars");
        let read = |(series, _): (Vec<Value>, Meta)| {
            let series: Option<_> = series.iter().map(SeriesExemplars::read).collect();
            let reason = || "exemplars have labels, a value and a timestamp".to_owned();
            series.ok_or_else(|| DecodeError::Data { reason: reason() }.into())
        };
        Box::pin(call.read::<Whole<_>, _>(read))
    }
}

impl<Q: ?Sized, R, W> fmt::Debug for ExemplarsQuery<'_, Q, R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ExemplarsQuery").field(&self.common).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_prometheus_documents() {
        let json = r#"{"seriesLabels":{"__name__":"m","job":"a"},"exemplars":[
            {"labels":{"trace_id":"x"},"value":"6","timestamp":1600096945.479},{"labels":{},"value":"+Inf","timestamp":7}]}"#;
        let series = SeriesExemplars::read(&serde_json::from_str(json).unwrap()).unwrap();
        assert_eq!(series.labels.to_string(), r#"m{job="a"}"#);
        assert_eq!(series.exemplars[0].timestamp, Timestamp::from_millis(1_600_096_945_479));
        assert_eq!(series.exemplars[0].labels.get("trace_id"), Some("x"));
        assert!(series.exemplars[1].value.is_infinite());
    }
}
