//! Series whose samples and query results are known from formulas.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::iter::successors;

/// Seconds between two samples of a series.
pub const SCRAPE_INTERVAL: i64 = 15;

/// Prometheus' default lookback delta, in seconds.
const LOOKBACK: i64 = 300;

/// Labels of a series, by name.
pub type Labels = BTreeMap<String, String>;

/// The type of a metric family, as in OpenMetrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A counter. The names of its series end in `_total`; the family's name does not.
    Counter,
    /// A gauge.
    Gauge,
    /// A classic histogram: `_bucket`, `_sum` and `_count`.
    Histogram,
    /// A summary: quantiles, `_sum` and `_count`.
    Summary,
}

/// The value of a series as a function of `t`, the seconds since the dataset's start.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// A constant, which can be NaN.
    Flat(f64),
    /// `from + per_second * t`.
    Line {
        /// Value at the start.
        from: f64,
        /// Slope, which is the result of `deriv`.
        per_second: f64,
    },
    /// A triangle wave that starts at `low`.
    Wave {
        /// Minimum.
        low: f64,
        /// Maximum.
        high: f64,
        /// Period in seconds.
        period: i64,
    },
    /// A periodic sequence of values, each of which lasts `each` seconds.
    Steps {
        /// The values in order.
        values: Vec<f64>,
        /// Seconds that a value lasts.
        each: i64,
    },
    /// A counter with a periodic sequence of rates, each of which lasts `each` seconds. After a restart at `reset`, the
    /// counter continues as if it had been zero at the scrape before, so `rate` does not change.
    Counter {
        /// Value at the start.
        from: f64,
        /// Growth per second, which is the result of `rate`.
        rates: Vec<f64>,
        /// Seconds that a rate lasts.
        each: i64,
        /// Seconds after the dataset's start at which the first sample after the restart is taken.
        reset: Option<i64>,
    },
}

impl Shape {
    /// A counter that has had the same rate for a day.
    #[must_use]
    pub fn steady(per_second: f64) -> Self {
        Self::paced(vec![per_second], 86_400)
    }

    /// A counter with a periodic sequence of rates that has existed for a day.
    ///
    /// If it started at zero, `rate` would extrapolate less.
    #[must_use]
    pub fn paced(rates: Vec<f64>, each: i64) -> Self {
        Self::Counter { from: rates[0] * 86_400.0, rates, each, reset: None }
    }

    fn value(&self, t: i64) -> f64 {
        match self {
            Self::Flat(value) => *value,
            Self::Line { from, per_second } => from + per_second * seconds(t),
            Self::Wave { low, high, period } => {
                let phase = t % period;
                low + (high - low) * seconds(phase.min(period - phase)) / (seconds(*period) / 2.0)
            }
            Self::Steps { values, each } => values[piece(t, *each, values.len())],
            Self::Counter { from, rates, each, reset } => match reset {
                Some(reset) if t >= *reset => grown(rates, *each, t) - grown(rates, *each, reset - SCRAPE_INTERVAL),
                _ => from + grown(rates, *each, t),
            },
        }
    }
}

/// The index, below `count`, of the piece of `each` seconds that contains `t`.
fn piece(t: i64, each: i64, count: usize) -> usize {
    usize::try_from(t / each).unwrap_or(0) % count
}

/// The growth of a counter in its first `t` seconds.
fn grown(rates: &[f64], each: i64, t: i64) -> f64 {
    let whole: f64 = (0..t / each).map(|turn| rates[piece(turn * each, each, rates.len())]).sum();
    whole * seconds(each) + rates[piece(t, each, rates.len())] * seconds(t % each)
}

/// Converts a time or a duration in seconds to a float.
#[expect(clippy::cast_precision_loss, reason = "no dataset lasts 2^52 seconds")]
const fn seconds(t: i64) -> f64 {
    t as f64
}

/// One time series.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// The metric's name, with its suffix.
    pub name: String,
    /// Labels without the name.
    pub labels: Labels,
    /// The formula of its values.
    pub shape: Shape,
    start: i64,
    end: i64,
}

impl Series {
    /// The result of an instant query at `time`: the last sample, unless it is older than the lookback delta.
    #[must_use]
    pub fn at(&self, time: i64) -> Option<f64> {
        let last = self.start + (time.min(self.end) - self.start).div_euclid(SCRAPE_INTERVAL) * SCRAPE_INTERVAL;
        // Prometheus 2 includes a sample that is exactly five minutes old, and Prometheus 3 does not.
        (last >= self.start && last > time - LOOKBACK).then(|| self.shape.value(last - self.start))
    }

    /// The result of `rate` over the `window` seconds before `time`.
    ///
    /// `None` if the result depends on the server's version: if the rate changes in the window or in the scrape interval
    /// before it, or the series does not span both.
    #[must_use]
    pub fn rate(&self, time: i64, window: i64) -> Option<f64> {
        let Shape::Counter { rates, each, .. } = &self.shape else { return None };
        let first = time - window - SCRAPE_INTERVAL;
        if first < self.start || time > self.end {
            return None;
        }
        // The last relevant piece contains the instant just before `time`.
        let mut pieces = (first - self.start) / each..=(time - self.start - 1) / each;
        let rate = |turn: i64| rates[piece(turn * each, *each, rates.len())];
        let constant = rates[piece(first - self.start, *each, rates.len())];
        pieces.all(|turn| rate(turn).to_bits() == constant.to_bits()).then_some(constant)
    }

    /// Unix time of the last sample.
    #[must_use]
    pub const fn end(&self) -> i64 {
        self.end
    }

    /// All samples, as Unix times and values.
    pub fn samples(&self) -> impl Iterator<Item = (i64, f64)> {
        successors(Some(self.start), |time| Some(time + SCRAPE_INTERVAL))
            .take_while(|time| *time <= self.end)
            .map(|time| (time, self.shape.value(time - self.start)))
    }

    fn matches(&self, labels: &[(&str, &str)]) -> bool {
        labels.iter().all(|(name, value)| self.labels.get(*name).is_some_and(|own| own == value))
    }
}

/// Series that share a name and a type.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// The name without the suffixes of its series.
    pub name: &'static str,
    /// The type.
    pub kind: Kind,
    /// The series.
    pub series: Vec<Series>,
}

/// Several hours of several hundred series, which depend only on their end.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    start: i64,
    end: i64,
    families: Vec<Family>,
}

impl Dataset {
    /// Hours from the first sample to the last.
    pub const HOURS: i64 = 6;

    /// The dataset whose last samples are at `end`, in Unix seconds rounded down to the scrape interval.
    #[must_use]
    pub fn ending_at(end: i64) -> Self {
        let end = end - end.rem_euclid(SCRAPE_INTERVAL);
        let start = end - Self::HOURS * 3600;
        Self { start, end, families: crate::standard::families(start, end) }
    }

    /// The dataset of the shared servers: it ends at 2025-06-01T12:00:00Z.
    #[must_use]
    pub fn of_tests() -> Self {
        Self::ending_at(1_748_779_200)
    }

    /// The dataset of benches, whose values need most of the digits of a float. It ends when
    /// [`of_tests`](Self::of_tests) does.
    #[must_use]
    pub fn large(series: u16, samples: u16) -> Self {
        let end = Self::of_tests().end;
        let start = end - i64::from(samples.saturating_sub(1)) * SCRAPE_INTERVAL;
        let mut to = Builder { start, end, families: Vec::new() };
        to.family("container_cpu_usage_seconds", Kind::Gauge);
        for number in 0..series {
            let pod = format!("service-{number}");
            let low = f64::from(number) / 7.0;
            let shape = Shape::Wave { low, high: low + 100.0 / 3.0, period: 3600 + i64::from(number) };
            to.series("", &[("namespace", "production"), ("pod", &pod)], shape);
        }
        Self { start, end, families: to.families }
    }

    /// Unix time of the first samples.
    #[must_use]
    pub const fn start(&self) -> i64 {
        self.start
    }

    /// Unix time of the last samples.
    #[must_use]
    pub const fn end(&self) -> i64 {
        self.end
    }

    /// All families.
    #[must_use]
    pub fn families(&self) -> &[Family] {
        &self.families
    }

    /// All series.
    pub fn series(&self) -> impl Iterator<Item = &Series> {
        self.families.iter().flat_map(|family| &family.series)
    }

    /// The series with this name, including its suffix, and all of these labels.
    #[must_use]
    pub fn select(&self, name: &str, labels: &[(&str, &str)]) -> Vec<&Series> {
        self.series().filter(|series| series.name == name && series.matches(labels)).collect()
    }

    /// `value` of each series by its labels; series without a value are omitted.
    pub fn each(series: &[&Series], value: impl Fn(&Series) -> Option<f64>) -> BTreeMap<Labels, f64> {
        series.iter().filter_map(|series| Some((series.labels.clone(), value(series)?))).collect()
    }

    /// The result of `sum by (...)`: the sum of `value` over each group; series without a value are omitted.
    pub fn sum_by(series: &[&Series], by: &[&str], value: impl Fn(&Series) -> Option<f64>) -> BTreeMap<Labels, f64> {
        let mut sums = BTreeMap::new();
        for (mut labels, value) in Self::each(series, value) {
            labels.retain(|name, _| by.contains(&name.as_str()));
            *sums.entry(labels).or_insert(0.0) += value;
        }
        sums
    }

    /// Writes everything as OpenMetrics text, with times in seconds, as `promtool` reads it.
    ///
    /// # Errors
    ///
    /// When the writer fails.
    pub fn write_openmetrics(&self, mut out: impl Write) -> io::Result<()> {
        self.write(&mut out, "")?;
        writeln!(out, "# EOF")?;
        out.flush()
    }

    /// Writes everything in Prometheus' older text format, with times in milliseconds, as VictoriaMetrics reads it.
    ///
    /// # Errors
    ///
    /// When the writer fails.
    pub fn write_exposition(&self, mut out: impl Write) -> io::Result<()> {
        self.write(&mut out, "000")?;
        out.flush()
    }

    fn write(&self, out: &mut impl Write, zeros: &str) -> io::Result<()> {
        for family in &self.families {
            let kind = match family.kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram => "histogram",
                Kind::Summary => "summary",
            };
            writeln!(out, "# TYPE {} {kind}", family.name)?;
            for series in &family.series {
                let labels: Vec<_> = series.labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
                let head = format!("{}{{{}}}", series.name, labels.join(","));
                for (time, value) in series.samples() {
                    writeln!(out, "{head} {value} {time}{zeros}")?;
                }
            }
        }
        Ok(())
    }
}

/// Collects the families of a dataset.
pub(crate) struct Builder {
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) families: Vec<Family>,
}

impl Builder {
    /// Starts a family; the series that follow belong to it.
    pub(crate) fn family(&mut self, name: &'static str, kind: Kind) {
        self.families.push(Family { name, kind, series: Vec::new() });
    }

    /// Adds a series to the last family. Its name is the family's name and `suffix`.
    pub(crate) fn series(&mut self, suffix: &str, labels: &[(&str, &str)], shape: Shape) {
        self.series_until(suffix, labels, shape, self.end);
    }

    /// Adds a series whose last sample is at or before `end`.
    pub(crate) fn series_until(&mut self, suffix: &str, labels: &[(&str, &str)], shape: Shape, end: i64) {
        if let Some(family) = self.families.last_mut() {
            let labels = labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let name = format!("{}{suffix}", family.name);
            family.series.push(Series { name, labels, shape, start: self.start, end });
        }
    }

    /// Adds a classic histogram. `buckets` are upper bounds, the last of which is `+Inf`, and the rates of observations
    /// below them, each of which lasts `each` seconds. `mean` is the mean observation.
    pub(crate) fn histogram(&mut self, labels: &[(&str, &str)], buckets: &[(&str, &[f64])], each: i64, mean: f64) {
        for (le, rates) in buckets {
            let labels: Vec<_> = labels.iter().copied().chain([("le", *le)]).collect();
            self.series("_bucket", &labels, Shape::paced(rates.to_vec(), each));
        }
        if let Some((_, rates)) = buckets.last() {
            self.series("_sum", labels, Shape::paced(rates.iter().map(|rate| rate * mean).collect(), each));
            self.series("_count", labels, Shape::paced(rates.to_vec(), each));
        }
    }
}

/// The quantile of a classic histogram with cumulative buckets, the last of which is `+Inf`, as `histogram_quantile`
/// interpolates it.
///
/// The first bucket starts at zero. NaN without observations.
#[must_use]
pub fn histogram_quantile(quantile: f64, buckets: &[(f64, f64)]) -> f64 {
    let rank = quantile * buckets.last().map_or(0.0, |(_, count)| *count);
    let mut below = (0.0, 0.0);
    for &(bound, count) in buckets {
        if count > 0.0 && count >= rank {
            let share = (rank - below.1) / (count - below.1);
            return if bound.is_infinite() { below.0 } else { below.0 + (bound - below.0) * share };
        }
        below = (bound, count);
    }
    f64::NAN
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(shape: Shape) -> Series {
        Series { name: "m_total".to_owned(), labels: Labels::new(), shape, start: 1000 * 15, end: 1080 * 15 }
    }

    #[test]
    fn shapes_have_the_documented_values() {
        let wave = Shape::Wave { low: 10.0, high: 20.0, period: 100 };
        assert_eq!([0, 25, 50, 75, 100].map(|t| wave.value(t)), [10.0, 15.0, 20.0, 15.0, 10.0]);
        let steps = Shape::Steps { values: vec![1.0, 2.0], each: 30 };
        assert_eq!([0, 29, 30, 60].map(|t| steps.value(t)), [1.0, 1.0, 2.0, 1.0]);
        assert_eq!(Shape::Line { from: 8.0, per_second: -0.5 }.value(4), 6.0);
        let counter = Shape::Counter { from: 7.0, rates: vec![1.0, 2.0], each: 60, reset: Some(150) };
        assert_eq!([0, 60, 90, 135].map(|t| counter.value(t)), [7.0, 67.0, 127.0, 202.0]);
        assert_eq!([150, 165].map(|t| counter.value(t)), [15.0, 30.0], "15 s at 1/s since the restart, then 30");
    }

    #[test]
    fn an_instant_sees_the_last_sample_for_five_minutes() {
        let series = series(Shape::Line { from: 0.0, per_second: 1.0 });
        assert_eq!(series.at(14_999), None);
        assert_eq!(series.at(15_014), Some(0.0));
        assert_eq!(series.at(15_015), Some(15.0));
        assert_eq!(series.at(16_200 + 299), Some(1200.0));
        assert_eq!(series.at(16_200 + 301), None);
        assert_eq!(series.samples().count(), 81);
    }

    #[test]
    fn a_rate_is_known_where_it_is_constant() {
        let series = series(Shape::paced(vec![1.0, 2.0], 600));
        assert_eq!(series.rate(15_000 + 600, 300), Some(1.0), "ends where the rate changes");
        assert_eq!(series.rate(15_000 + 615, 300), None, "reaches into the next rate");
        assert_eq!(series.rate(15_000 + 915, 300), Some(2.0), "starts a scrape after the change");
        assert_eq!(series.rate(15_000 + 900, 300), None, "a server may look at the scrape before the window");
        assert_eq!(series.rate(15_000 + 300, 300), None, "starts before the series");
        assert_eq!(series.rate(16_215, 300), None, "ends after the series");
    }

    #[test]
    fn quantiles_interpolate() {
        let buckets = [(1.0, 10.0), (2.0, 30.0), (f64::INFINITY, 40.0)];
        assert_eq!(histogram_quantile(0.25, &buckets), 1.0);
        assert_eq!(histogram_quantile(0.5, &buckets), 1.5);
        assert_eq!(histogram_quantile(0.9, &buckets), 2.0);
        assert!(histogram_quantile(0.5, &[(f64::INFINITY, 0.0)]).is_nan());
    }

    #[test]
    fn both_formats_hold_every_sample() {
        let data = Dataset::ending_at(1_748_779_207);
        let (mut openmetrics, mut exposition) = (Vec::new(), Vec::new());
        data.write_openmetrics(&mut openmetrics).unwrap();
        data.write_exposition(&mut exposition).unwrap();
        let [openmetrics, exposition] = [openmetrics, exposition].map(|text| String::from_utf8(text).unwrap());
        let samples: usize = data.series().map(|series| series.samples().count()).sum();
        for text in [&openmetrics, &exposition] {
            assert_eq!(text.lines().filter(|line| !line.starts_with('#')).count(), samples);
        }
        assert!(openmetrics.ends_with(" 1748779200\n# EOF\n"));
        assert!(exposition.ends_with(" 1748779200000\n"));
        assert!(openmetrics.contains("# TYPE backendai_api_request_count counter\nbackendai_api_request_count_total{"));
    }
}
