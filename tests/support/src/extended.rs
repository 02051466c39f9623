//! Data that text for `promtool` cannot carry: UTF-8 names and native histograms, sent by remote write.
//!
//! All samples come after the dataset's end, every [`SCRAPE_INTERVAL`] seconds for ten minutes.

use std::time::Duration;

use promql_presets_testing::{TestSeries, Timestamp, Values, write};

use crate::{Error, SCRAPE_INTERVAL};

/// The counter with UTF-8 names: its series have the labels `job`, `http.code`, `a/b`, `größe` and `U__job`.
pub const UTF8_COUNTER: &str = "http.requests";

/// The growth per second of [`UTF8_COUNTER`], by `http.code`.
pub const UTF8_RATES: [(&str, f64); 2] = [("200", 2.0), ("500", 0.5)];

/// The other labels of [`UTF8_COUNTER`].
pub const UTF8_LABELS: [(&str, &str); 4] = [("U__job", "escaped"), ("a/b", "c/d"), ("größe", "klein"), ("job", "web")];

/// The native histogram, with the label `instance`. In each scrape interval it grows by [`OBSERVATIONS`] for each
/// instance, a quarter of which are in (1, 2] and the others in (2, 4].
pub const NATIVE_HISTOGRAM: &str = "native_duration_seconds";

/// The instances of [`NATIVE_HISTOGRAM`].
pub const INSTANCES: [&str; 2] = ["a", "b"];

/// Observations in one scrape interval.
pub const OBSERVATIONS: u32 = 4;

/// Samples of each series.
const SAMPLES: u32 = 40;

/// Sends the data to a Prometheus. Releases before 3.0 reject UTF-8 names and keep the histograms.
pub(crate) fn push(server: &str, end: i64) -> Result<(), Error> {
    let start = Timestamp::from_secs(end + SCRAPE_INTERVAL);
    let interval = Duration::from_secs(SCRAPE_INTERVAL.unsigned_abs());
    write(server, &histograms(), start, interval)?;
    match write(server, &counters(), start, interval) {
        Err(error) if !error.to_string().contains("invalid") => Err(error),
        _ => Ok(()),
    }
}

/// The same counters as JSON lines, as VictoriaMetrics imports them.
pub(crate) fn counters_as_json(end: i64) -> String {
    let lines = UTF8_RATES.map(|(code, rate)| {
        let labels = counter_labels(code).map(|(name, value)| format!("{name:?}:{value:?}")).join(",");
        let values: Vec<_> = (1..=SAMPLES).map(|sample| counter(rate, sample).to_string()).collect();
        let times: Vec<_> = (1..=SAMPLES).map(|sample| millis(end, sample).to_string()).collect();
        format!("{{\"metric\":{{{labels}}},\"values\":[{}],\"timestamps\":[{}]}}\n", values.join(","), times.join(","))
    });
    lines.concat()
}

fn counter_labels(code: &'static str) -> [(&'static str, &'static str); 6] {
    let [escaped, slash, size, job] = UTF8_LABELS;
    [escaped, ("__name__", UTF8_COUNTER), slash, size, ("http.code", code), job]
}

fn counter(rate: f64, sample: u32) -> f64 {
    rate.mul_add(f64::from(sample) * 15.0, 1000.0)
}

fn millis(end: i64, sample: u32) -> i64 {
    (end + i64::from(sample) * SCRAPE_INTERVAL) * 1000
}

fn counters() -> Vec<TestSeries> {
    let series = UTF8_RATES.map(|(code, rate)| {
        let values: Values = (1..=SAMPLES).map(|sample| counter(rate, sample)).collect();
        let labels = counter_labels(code).into_iter();
        labels.fold(TestSeries::new(values), |series, (name, value)| series.label(name, value))
    });
    series.into()
}

fn histograms() -> Vec<TestSeries> {
    let quarter = OBSERVATIONS / 4;
    // With schema 0, bucket 1 is (1, 2].
    let each = format!(
        "{{{{schema:0 count:{OBSERVATIONS} sum:{} z_bucket_w:1e-9 offset:1 buckets:[{quarter} {}]}}}}",
        f64::from(OBSERVATIONS) * 2.5,
        quarter * 3
    );
    let series = INSTANCES.map(|instance| {
        let series = TestSeries::new(format!("{each}+{each}x{}", SAMPLES - 1));
        series.label("__name__", NATIVE_HISTOGRAM).label("instance", instance)
    });
    series.into()
}
