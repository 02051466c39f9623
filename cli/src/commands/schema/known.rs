//! The metadata and series of sources, from which the entries of `metrics.toml` are made.

use std::collections::{BTreeMap, BTreeSet};

use promql_presets_compiler::MetricType;
use promql_presets_compiler::check::matches_any_name;
use promql_presets_core::regex::matches;

use crate::exposition::{Exposition, Family};

/// The metadata of all sources.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// By the names of families: several for a name if sources or targets disagree.
    pub(super) families: BTreeMap<String, BTreeSet<Family>>,
    /// The names of series on pages.
    pub(super) series: BTreeSet<String>,
}

impl Known {
    pub(super) fn add_page(&mut self, page: &Exposition) {
        for (name, family) in &page.families {
            self.add(name, family.clone());
        }
        self.series.extend(page.series.keys().cloned());
    }

    pub(super) fn add(&mut self, name: &str, family: Family) {
        self.families.entry(name.to_owned()).or_default().insert(family);
    }

    /// The series of pages whose names match a pattern.
    pub(super) fn matching(&self, pattern: &str) -> BTreeSet<String> {
        if matches_any_name(pattern) {
            return BTreeSet::new();
        }
        self.series.iter().filter(|name| matches(pattern, name) == Some(true)).cloned().collect()
    }

    /// The names of series that sources have, or that follow from metadata.
    pub(super) fn names(&self) -> BTreeSet<String> {
        let of_families = self.families.iter().flat_map(|(name, families)| {
            let suffixes = families.iter().flat_map(|family| suffixes(&family.kind));
            // The text format names a counter as its series, and not all clients write when it was created.
            let is_new = |suffix: &&str| {
                *suffix != "_created" && !(matches!(*suffix, "_total" | "_info") && name.ends_with(suffix))
            };
            suffixes.filter(is_new).map(move |suffix| format!("{name}{suffix}"))
        });
        of_families.chain(self.series.iter().cloned()).collect()
    }
}

/// The suffixes of the series of a family of some type.
pub(super) fn suffixes(kind: &str) -> Vec<&'static str> {
    if kind == "gaugehistogram" {
        return vec!["_bucket", "_gcount", "_gsum", "_created"];
    }
    let kind = MetricType::find(kind).unwrap_or(MetricType::Unknown);
    let mut suffixes = vec![""];
    suffixes.extend(kind.parts());
    // Only in OpenMetrics. The text format has the whole name.
    suffixes.extend(Some(kind.family_suffix()).filter(|suffix| !suffix.is_empty()));
    if matches!(kind, MetricType::Counter | MetricType::Histogram | MetricType::Summary) {
        suffixes.push("_created");
    }
    suffixes
}

/// The series of a metric.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) presence: Presence,
    /// Their labels, `le` and `quantile` included.
    pub(super) labels: BTreeSet<String>,
    /// Labels that are empty on a page; some may have values in other series.
    pub(super) empty: BTreeSet<String>,
    /// All values of the labels that presets declare as enumerations.
    pub(super) values: BTreeMap<String, BTreeSet<String>>,
    /// Whether some are native histograms.
    pub(super) is_native: bool,
    /// Whether there are series with the name of the family, such as `x` for `x_total`: then its metadata is about them.
    pub(super) is_of_family: bool,
    /// Whether a server has some. Pages have no native histograms, even if Prometheus scrapes them as such.
    pub(super) is_stored: bool,
}

/// Whether there are series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Presence {
    #[default]
    None,
    /// Only old ones, on a server.
    Ended,
    Current,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_series_by_the_types_of_families() {
        let mut known = Known::default();
        for (name, kind) in [("a_total", "counter"), ("b", "counter"), ("c_info", "info"), ("d", "gaugehistogram")] {
            known.add(name, Family { kind: kind.to_owned(), ..Family::default() });
        }
        let names: Vec<String> = known.names().into_iter().collect();
        assert_eq!(names, ["a_total", "b", "b_total", "c_info", "d_bucket", "d_gcount", "d_gsum"]);
    }
}
