//! How often metrics are really scraped.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use promql_presets::{Data, InstantQuery, Labels, PrometheusClient, Timestamp};
use promql_presets_core::PromDuration;

/// The time whose samples are counted: enough for intervals of up to some minutes.
const LOOKBACK: [&str; 2] = ["10m", "2h"];

/// The factor between a window and the scrape interval, so that one missed scrape does no harm.
pub(crate) const SAMPLES: f64 = 4.0;

/// The scrape intervals of selectors, each measured once.
pub(crate) struct Scrapes<'a> {
    pub(super) client: &'a PrometheusClient,
    pub(super) at: Option<Timestamp>,
    known: Mutex<HashMap<String, Option<f64>>>,
}

impl<'a> Scrapes<'a> {
    pub(crate) fn new(client: &'a PrometheusClient, at: Option<Timestamp>) -> Self {
        Self { client, at, known: Mutex::default() }
    }

    /// The usual time between two samples of the series of a metric that a selector without a range selects, in seconds,
    /// if one of them has enough samples.
    pub(crate) async fn interval(&self, metric: &str, selector: &str) -> Option<f64> {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let before = known().get(selector).copied();
        if let Some(interval) = before {
            return interval;
        }
        let mut interval = None;
        for lookback in LOOKBACK {
            interval = self.measure(metric, selector, lookback).await;
            if interval.is_some() {
                break;
            }
        }
        known().insert(selector.to_owned(), interval);
        interval
    }

    /// The median over the samples of one series.
    async fn measure(&self, metric: &str, selector: &str, lookback: &str) -> Option<f64> {
        let most = format!("topk(1, count_over_time({selector}[{lookback}]))");
        let Data::Vector(found) = self.query(most).await? else { return None };
        let labels = found.elements().first()?.labels().iter().filter(|(label, _)| *label != "__name__");
        // The result of `count` has no name to find it by.
        let series: Labels = std::iter::once(("__name__", metric)).chain(labels).collect();
        let Data::Matrix(samples) = self.query(format!("{series}[{lookback}]")).await? else { return None };
        let series = samples.series().first()?;
        let mut times: Vec<i64> = series.timestamps().iter().map(|time| time.as_millis()).collect();
        times.extend(series.histograms().iter().map(|(time, _)| time.as_millis()));
        times.sort_unstable();
        let mut steps: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        steps.sort_unstable();
        let middle = *steps.get(steps.len() / 2)?;
        #[expect(clippy::cast_precision_loss, reason = "intervals are short")]
        Some(middle as f64 / 1000.0)
    }

    /// The result of a query, if the server has one.
    pub(super) async fn query(&self, query: String) -> Option<Data> {
        self.client.raw_query(query).when_some(self.at, InstantQuery::at).await.ok()
    }
}

/// A duration as text, rounded, since scrapes are a little early or late.
pub(crate) fn duration(seconds: f64) -> PromDuration {
    Duration::try_from_secs_f64(rounded(seconds)).ok().and_then(|exact| exact.try_into().ok()).unwrap_or_default()
}

fn rounded(seconds: f64) -> f64 {
    if seconds > 2.0 { seconds.round() } else { (seconds * 10.0).round() / 10.0 }
}

/// The shortest window that is safe for samples of an interval.
pub(crate) fn safe_window(interval: f64) -> PromDuration {
    duration((SAMPLES * rounded(interval)).ceil())
}
