//! Results as tables.

use std::collections::BTreeSet;

use promql_presets::{Data, Histogram, Labels, Matrix, Value, Vector};

use super::numbers::{human, mean, quantile};
use crate::output;

/// The quantiles of native histograms that are shown.
const QUANTILES: [(f64, &str); 3] = [(0.5, "P50"), (0.9, "P90"), (0.99, "P99")];

pub(super) fn table(data: &Data, unit: Option<&str>) -> String {
    match data {
        Data::Vector(vector) => of_vector(vector, unit),
        Data::Matrix(matrix) => of_matrix(matrix, unit),
        Data::Scalar(scalar) => human(scalar.value(), unit) + "\n",
        Data::Text(text) => text.value().to_owned() + "\n",
        // A type that Prometheus does not have yet.
        other => other.to_string(),
    }
}

fn of_vector(vector: &Vector, unit: Option<&str>) -> String {
    let has = |is_it: fn(&Value) -> bool| vector.iter().any(|element| is_it(element.value()));
    let (has_floats, has_histograms) =
        (has(|value| value.float().is_ok()), has(|value| value.as_histogram().is_some()));
    let mut titles: Vec<String> = Vec::new();
    titles.extend(has_floats.then(|| "VALUE".to_owned()));
    if has_histograms {
        titles.extend(["COUNT", "MEAN"].map(str::to_owned));
        titles.extend(QUANTILES.map(|(_, title)| title.to_owned()));
    }
    let cells = vector.iter().map(|element| {
        let mut cells = Vec::new();
        cells.extend(has_floats.then(|| element.value().float().map(|float| human(float, unit)).unwrap_or_default()));
        if has_histograms {
            cells.extend(
                element.value().as_histogram().map_or_else(
                    || vec![String::new(); 2 + QUANTILES.len()],
                    |histogram| of_histogram(histogram, unit),
                ),
            );
        }
        cells
    });
    with_labels(&vector.iter().map(promql_presets::Element::labels).collect::<Vec<_>>(), titles, cells.collect())
}

fn of_histogram(histogram: &Histogram, unit: Option<&str>) -> Vec<String> {
    let quantiles = QUANTILES.iter().map(|(at, _)| human(quantile(histogram, *at), unit));
    [human(histogram.count, None), human(mean(histogram), unit)].into_iter().chain(quantiles).collect()
}

fn of_matrix(matrix: &Matrix, unit: Option<&str>) -> String {
    let titles = ["POINTS", "LAST", "MIN", "MAX"].map(str::to_owned).to_vec();
    let cells = matrix.iter().map(|series| {
        let Summary { last, min, max } = Summary::of(series.values());
        vec![series.len().to_string(), human(last, unit), human(min, unit), human(max, unit)]
    });
    with_labels(&matrix.iter().map(promql_presets::Series::labels).collect::<Vec<_>>(), titles, cells.collect())
}

/// The last, the least and the greatest number; NaN without numbers.
pub(super) struct Summary {
    pub(super) last: f64,
    pub(super) min: f64,
    pub(super) max: f64,
}

impl Summary {
    pub(super) fn of(values: &[f64]) -> Self {
        // Both functions ignore NaN.
        let fold = |function: fn(f64, f64) -> f64| values.iter().copied().fold(f64::NAN, function);
        Self { last: values.last().copied().unwrap_or(f64::NAN), min: fold(f64::min), max: fold(f64::max) }
    }
}

/// A column for each label, then the others.
fn with_labels(all: &[&Labels], titles: Vec<String>, cells: Vec<Vec<String>>) -> String {
    if all.is_empty() {
        return String::new();
    }
    let names: BTreeSet<&str> = all.iter().flat_map(|labels| labels.iter().map(|(name, _)| name)).collect();
    let title = |name: &&str| if *name == "__name__" { "METRIC".to_owned() } else { (*name).to_owned() };
    let mut rows = vec![names.iter().map(title).chain(titles).collect()];
    for (labels, cells) in all.iter().zip(cells) {
        let values = names.iter().map(|name| labels.get(name).unwrap_or_default().to_owned());
        rows.push(values.chain(cells).collect());
    }
    output::table(&rows)
}
