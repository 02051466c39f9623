//! Statistics of queries.

use std::collections::BTreeMap;

use super::Timestamp;

/// Statistics of a query, by the names that the server uses.
///
/// Prometheus sends `evalTotalTime`, `resultSortTime`, `queryPreparationTime`, `innerEvalTime`, `execQueueTime` and
/// `execTotalTime` in seconds, and `totalQueryableSamples`, `samplesRead` and `peakSamples`; VictoriaMetrics sends
/// `seriesFetched` and `executionTimeMsec`. Any of them can be missing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stats(pub(crate) BTreeMap<String, Stat>);

/// A statistic: its number, and one for each step.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Stat {
    pub(crate) number: Option<f64>,
    pub(crate) steps: Vec<(Timestamp, f64)>,
}

impl Stats {
    /// The statistic with this name, if the server sent it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.get(name)?.number
    }

    /// Iterates over all statistics, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().filter_map(|(name, stat)| Some((name.as_str(), stat.number?)))
    }

    /// The statistic with this name for each step of the query, if it was requested with
    /// [`stats_per_step`](crate::InstantQuery::stats_per_step). Prometheus sends `totalQueryableSamplesPerStep` if its
    /// feature flag `promql-per-step-stats` is set.
    #[must_use]
    pub fn per_step(&self, name: &str) -> &[(Timestamp, f64)] {
        self.0.get(name).map_or(&[], |stat| &stat.steps)
    }

    /// Number of samples that the query loaded, summed over all steps.
    #[must_use]
    pub fn total_queryable_samples(&self) -> Option<f64> {
        self.get("totalQueryableSamples")
    }

    /// Largest number of samples in memory at once.
    #[must_use]
    pub fn peak_samples(&self) -> Option<f64> {
        self.get("peakSamples")
    }

    /// Seconds from queueing the query to its result.
    #[must_use]
    pub fn exec_total_seconds(&self) -> Option<f64> {
        self.get("execTotalTime").or_else(|| self.get("executionTimeMsec").map(|ms| ms / 1000.0))
    }

    /// Adds the statistics of another query: the largest of each peak, and the sum of the others.
    #[inline]
    pub(super) fn merge(&mut self, other: Self) {
        for (name, more) in other.0 {
            let is_peak = name.starts_with("peak");
            let stat = self.0.entry(name).or_default();
            if let Some(number) = more.number {
                let total = stat.number.unwrap_or(0.0);
                stat.number = Some(if is_peak { total.max(number) } else { total + number });
            }
            stat.steps.extend(more.steps);
        }
    }
}
