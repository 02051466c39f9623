//! Results as tables.

use std::collections::BTreeSet;

use promql_presets::{Data, Element, Histogram, Labels, Matrix, Value, Vector};

use super::labels::{self, MIN_VALUE};
use super::numbers::{STATISTICS, human, short, short_statistic};
use super::screen::{Size, cut};
use crate::output;

/// The room that labels get before all numbers are shown.
const MIN_LABELS: usize = 24;

/// The columns that are left out where labels need the room.
const LESS_IMPORTANT: [&str; 6] = ["P90", "P50", "POINTS", "MEAN", "MIN", "COUNT"];

/// A table that fits into a size.
pub(super) fn table(data: &Data, unit: Option<&str>, size: Size) -> String {
    match data {
        Data::Vector(vector) => of_vector(vector, unit).text(unit, size),
        Data::Matrix(matrix) => of_matrix(matrix, unit).text(unit, size),
        Data::Scalar(scalar) => human(scalar.value(), unit) + "\n",
        Data::Text(text) => text.value().to_owned() + "\n",
        // A type that Prometheus does not have yet.
        other => other.to_string(),
    }
}

/// The cells of numbers, with a row for each series.
struct Table<'d> {
    labels: Vec<&'d Labels>,
    titles: Vec<String>,
    cells: Vec<Vec<String>>,
    /// The last values.
    lasts: Vec<f64>,
}

fn of_vector<'d>(vector: &'d Vector, unit: Option<&str>) -> Table<'d> {
    let has = |is_it: fn(&Value) -> bool| vector.iter().any(|element| is_it(element.value()));
    let (has_floats, has_histograms) =
        (has(|value| value.float().is_ok()), has(|value| value.as_histogram().is_some()));
    let mut titles: Vec<String> = Vec::new();
    titles.extend(has_floats.then(|| "VALUE".to_owned()));
    if has_histograms {
        titles.extend(STATISTICS.map(|(name, _)| name.to_ascii_uppercase()));
    }
    let cells = vector.iter().map(|element| {
        let mut cells = Vec::new();
        cells.extend(has_floats.then(|| element.value().float().map(|float| short(float, unit)).unwrap_or_default()));
        if has_histograms {
            cells.extend(
                element
                    .value()
                    .as_histogram()
                    .map_or_else(|| vec![String::new(); STATISTICS.len()], |histogram| of_histogram(histogram, unit)),
            );
        }
        cells
    });
    Table {
        labels: vector.iter().map(Element::labels).collect(),
        titles,
        cells: cells.collect(),
        lasts: vector.iter().map(|element| element.value().float().unwrap_or(f64::NAN)).collect(),
    }
}

fn of_histogram(histogram: &Histogram, unit: Option<&str>) -> Vec<String> {
    STATISTICS.iter().map(|(name, of)| short_statistic(name, of(histogram), unit)).collect()
}

/// A row for each series of numbers, and for each statistic of native histograms.
fn of_matrix<'d>(matrix: &'d Matrix, unit: Option<&str>) -> Table<'d> {
    let has_histograms = matrix.iter().any(|series| !series.histograms().is_empty());
    let titles = [has_histograms.then_some("STATISTIC"), Some("POINTS"), Some("LAST"), Some("MIN"), Some("MAX")];
    let titles = titles.into_iter().flatten().map(str::to_owned).collect();
    let mut table = Table { labels: Vec::new(), titles, cells: Vec::new(), lasts: Vec::new() };
    for series in matrix {
        let floats = Some(("value", series.values().to_vec())).filter(|(_, values)| !values.is_empty());
        let histograms = series.histograms();
        let statistics = STATISTICS.iter().filter(|_| !histograms.is_empty());
        let statistics = statistics.map(|(name, of)| (*name, histograms.iter().map(|(_, it)| of(it)).collect()));
        let all: Vec<(&str, Vec<f64>)> = floats.into_iter().chain(statistics).collect();
        // The rows of a series belong together.
        let last = all.last().and_then(|(_, values)| values.last().copied()).unwrap_or(f64::NAN);
        for (name, values) in all {
            let Summary { last, min, max } = Summary::of(&values);
            let mut cells = vec![name.to_owned(), values.len().to_string()];
            cells.extend([last, min, max].map(|number| short_statistic(name, number, unit)));
            cells.drain(..usize::from(!has_histograms));
            table.cells.push(cells);
        }
        table.labels.resize(table.cells.len(), series.labels());
        table.lasts.resize(table.cells.len(), last);
    }
    table
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

/// The indices of the largest values, in ascending order. NaN counts as the smallest.
pub(super) fn largest(values: &[f64], most: usize) -> Vec<usize> {
    let rank = |at: &usize| if values[*at].is_nan() { f64::NEG_INFINITY } else { values[*at] };
    let mut places: Vec<usize> = (0..values.len()).collect();
    places.sort_by(|a, b| rank(b).total_cmp(&rank(a)));
    places.truncate(most);
    places.sort_unstable();
    places
}

/// A line about the series that are not shown: how many there are, and their largest last value. Empty if all are shown.
pub(super) fn left_out(lasts: &[f64], shown: &[usize], unit: Option<&str>, columns: usize) -> String {
    let others = || lasts.iter().enumerate().filter(|(at, _)| !shown.contains(at)).map(|(_, last)| *last);
    let most = others().fold(f64::NAN, f64::max);
    let values = if most.is_nan() { String::new() } else { format!(", with last values up to {}", short(most, unit)) };
    match others().count() {
        0 => String::new(),
        more => cut(&format!("and {more} more{values}"), columns) + "\n",
    }
}

impl Table<'_> {
    /// The labels that differ, then the numbers.
    fn text(self, unit: Option<&str>, size: Size) -> String {
        if self.labels.is_empty() {
            return String::new();
        }
        let shared = labels::shared(&self.labels);
        let heading = labels::heading(&shared, unit, size.columns);
        let room = size.rows.saturating_sub(usize::from(!heading.is_empty()) + 1).max(1);
        let most = if self.labels.len() <= room { room } else { room.saturating_sub(1).max(1) };
        let places = largest(&self.lasts, most);
        let own: Vec<Labels> = places.iter().map(|at| labels::own(self.labels[*at], &shared)).collect();
        let mut numbers = vec![self.titles];
        numbers.extend(places.iter().map(|at| self.cells[*at].clone()));
        let room = |numbers: &[Vec<String>]| {
            let width = output::table(numbers).lines().map(output::width).max().unwrap_or_default();
            size.columns.saturating_sub(width + 2)
        };
        let widest = labels::selectors(&own, usize::MAX).iter().map(|text| output::width(text)).max();
        // Labels need room more than all numbers do.
        for title in LESS_IMPORTANT {
            if room(&numbers) >= widest.unwrap_or_default().min(MIN_LABELS) {
                break;
            }
            if let Some(at) = numbers[0].iter().position(|other| other == title) {
                for row in &mut numbers {
                    row.remove(at);
                }
            }
        }
        let mut rows = names(&own, room(&numbers));
        rows.iter_mut().zip(numbers).for_each(|(row, numbers)| row.extend(numbers));
        heading + &output::table(&rows) + &left_out(&self.lasts, &places, unit, size.columns)
    }
}

/// A title and a row for each set of labels: a column for each label, or where those do not fit, the labels as a selector.
fn names(all: &[Labels], width: usize) -> Vec<Vec<String>> {
    let names: BTreeSet<&str> = all.iter().flat_map(|labels| labels.iter().map(|(name, _)| name)).collect();
    let title = |name: &&str| if *name == "__name__" { "METRIC".to_owned() } else { output::printable(name) };
    let mut rows: Vec<Vec<String>> = vec![names.iter().map(title).collect()];
    rows.extend(all.iter().map(|labels| {
        names.iter().map(|name| output::printable(labels.get(name).unwrap_or_default())).collect::<Vec<_>>()
    }));
    let widths: Vec<usize> = (0..names.len())
        .map(|column| rows.iter().map(|row| output::width(&row[column])).max().unwrap_or_default())
        .collect();
    let total = |most: usize| widths.iter().map(|width| (*width).min(most) + 2).sum::<usize>().saturating_sub(2);
    let longest = widths.iter().max().copied().unwrap_or_default();
    if total(longest) <= width {
        return rows;
    }
    if let Some(most) = (MIN_VALUE..longest.min(width)).rev().find(|most| total(*most) <= width) {
        let short: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| cut(cell, most)).collect()).collect();
        let distinct = |rows: &[Vec<String>]| rows.iter().collect::<BTreeSet<_>>().len();
        if distinct(&short) == distinct(&rows) {
            return short;
        }
    }
    let selectors = labels::selectors(all, width).into_iter().map(|text| vec![text]);
    std::iter::once(vec!["LABELS".to_owned()]).chain(selectors).collect()
}

#[cfg(test)]
mod tests {
    use promql_presets::{Bounds, Bucket, Timestamp};

    use super::*;

    fn element(labels: &[(&str, &str)], value: f64) -> Element {
        Element::new(labels.iter().copied().collect(), Timestamp::from_secs(0), Value::Float(value))
    }

    fn shown(all: impl IntoIterator<Item = Element>, unit: Option<&str>, columns: usize, rows: usize) -> String {
        table(&Data::Vector(all.into_iter().collect()), unit, Size { columns, rows })
    }

    #[test]
    fn labels_that_differ_are_columns() {
        let all = || {
            [("api", 1.0), ("web", 2048.0)]
                .map(|(job, value)| element(&[("__name__", "x"), ("zone", "a"), ("job", job)], value))
        };
        assert_eq!(shown(all(), Some("bytes"), 80, 20), "x{zone=\"a\"}\njob  VALUE\napi  1 B\nweb  2 KiB\n");
        assert_eq!(
            shown(all(), Some("requests"), 80, 20),
            "x{zone=\"a\"}, requests\njob  VALUE\napi  1\nweb  2.048k\n"
        );
        assert_eq!(shown([element(&[("job", "a")], 1.0)], None, 80, 20), "{job=\"a\"}\nVALUE\n1\n");
        assert_eq!(shown([element(&[], 1.0)], None, 80, 20), "VALUE\n1\n");
    }

    #[test]
    fn tables_fit_the_terminal() {
        let long = |at: u8| format!("{}-{}", char::from(b'a' + at).to_string().repeat(40), at);
        let all = |labels: usize| {
            (0..20u8).map(move |at| {
                let labels: Labels = (0..labels).map(|label| (format!("label_{label}"), long(at))).collect();
                Element::new(labels, Timestamp::from_secs(0), Value::Float(f64::from(at)))
            })
        };
        for (labels, title) in [(1, "label_0"), (3, "label_0"), (12, "LABELS")] {
            let text = shown(all(labels), None, 80, 10);
            let lines: Vec<&str> = text.lines().collect();
            assert!(lines[0].starts_with(title) && lines[0].ends_with("VALUE"), "{text}");
            assert!(lines.len() == 10 && lines.iter().all(|line| output::width(line) <= 80), "{text}");
            assert!(lines[8].ends_with(" 19") && lines[9] == "and 12 more, with last values up to 11", "{text}");
        }
        assert_eq!(shown(all(1), None, usize::MAX, usize::MAX).lines().count(), 21);
    }

    #[test]
    fn the_largest_values_stay_in_order() {
        assert_eq!(largest(&[1.0, f64::NAN, 3.0, 2.0, f64::INFINITY], 3), [2, 3, 4]);
        assert_eq!(largest(&[f64::NAN, 0.0], 5), [0, 1]);
    }
    #[test]
    fn rows_of_a_narrow_terminal_differ() {
        let row = |at: i64| {
            let buckets = [Bucket::new(Bounds::OpenLeft, 1.0, 2.0, 4.0)];
            let value = Value::Histogram(Histogram::new(4.0, 8.0, buckets).into());
            let labels = [("handler", format!("/api/v1/path_{at}")), ("instance", format!("prometheus-{at}:9090"))];
            Element::new(labels.into_iter().collect(), Timestamp::from_secs(0), value)
        };
        let text = shown((0..9).map(row), Some("seconds"), 40, 20);
        let lines: Vec<&str> = text.lines().skip(1).collect();
        assert!(lines.len() == 9 && text.lines().all(|line| output::width(line) <= 40), "{text}");
        assert!(!text.contains("P90") && text.contains("P99"), "{text}");
        assert_eq!(lines.iter().map(|line| line.split("  ").next()).collect::<BTreeSet<_>>().len(), 9, "{text}");
    }
}
