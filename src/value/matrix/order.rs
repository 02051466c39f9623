//! The orders of series.

use std::cmp::Ordering;

use promql_presets_core::name::METRIC_NAME_LABEL;

use crate::value::Labels;

/// How servers sort the series of a range unless the query does: Prometheus and compatible servers, and
/// VictoriaMetrics.
pub(super) const ORDERS: [fn(&Labels, &Labels) -> Ordering; 2] = [label_by_label, metric_name_first];

fn label_by_label(one: &Labels, other: &Labels) -> Ordering {
    one.iter().cmp(other.iter())
}

fn metric_name_first(one: &Labels, other: &Labels) -> Ordering {
    let is_rest = |(name, _): &(&str, &str)| *name != METRIC_NAME_LABEL;
    let names = one.metric_name().cmp(&other.metric_name());
    names.then_with(|| one.iter().filter(is_rest).cmp(other.iter().filter(is_rest)))
}
