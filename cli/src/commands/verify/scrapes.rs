//! How often metrics are really scraped.

use std::cell::RefCell;
use std::collections::HashMap;

use promql_presets::{Data, InstantQuery, PrometheusClient, Timestamp};
use promql_presets_core::quote;

/// The time whose samples are counted: enough for intervals of up to some minutes.
const LOOKBACK: [&str; 2] = ["10m", "2h"];

/// The scrape intervals of metrics, which are found out once.
pub(super) struct Scrapes<'a> {
    client: &'a PrometheusClient,
    at: Option<Timestamp>,
    known: RefCell<HashMap<String, Option<f64>>>,
}

impl<'a> Scrapes<'a> {
    pub(super) fn new(client: &'a PrometheusClient, at: Option<Timestamp>) -> Self {
        Self { client, at, known: RefCell::default() }
    }

    /// The usual time between two samples of a metric, in seconds, if it has enough of them.
    pub(super) async fn interval(&self, metric: &str) -> Option<f64> {
        if let Some(known) = self.known.borrow().get(metric) {
            return *known;
        }
        let mut interval = None;
        for lookback in LOOKBACK {
            interval = self.measure(metric, lookback).await;
            if interval.is_some() {
                break;
            }
        }
        self.known.borrow_mut().insert(metric.to_owned(), interval);
        interval
    }

    /// The median over the samples of one series.
    async fn measure(&self, metric: &str, lookback: &str) -> Option<f64> {
        let name = format!("__name__={}", quote(metric));
        let Data::Vector(found) = self.query(format!("topk(1, count_over_time({{{name}}}[{lookback}]))")).await? else {
            return None;
        };
        let labels = found.elements().first()?.labels();
        let others = labels.iter().filter(|(label, _)| *label != "__name__");
        let matchers = others.map(|(label, value)| {
            let is_plain = label.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
            format!(",{}={}", if is_plain { label.to_owned() } else { quote(label) }, quote(value))
        });
        let one = format!("{{{name}{}}}[{lookback}]", matchers.collect::<String>());
        let Data::Matrix(samples) = self.query(one).await? else { return None };
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

    async fn query(&self, query: String) -> Option<Data> {
        self.client.raw_query(query).when_some(self.at, InstantQuery::at).await.ok()
    }
}
