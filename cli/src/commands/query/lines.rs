//! The lines of a chart: series of numbers, and statistics of native histograms.

use promql_presets::{Labels, Matrix, Series};

use super::numbers::STATISTICS;

/// A line of the chart or of its legend.
pub(super) struct Line<'m> {
    /// The statistic of native histograms that it shows.
    pub(super) statistic: Option<&'static str>,
    pub(super) labels: &'m Labels,
    /// Times in milliseconds, and values.
    pub(super) points: Vec<(i64, f64)>,
}

impl Line<'_> {
    /// Whether it is in the chart. The number of observations is not, since its unit differs.
    pub(super) fn is_drawn(&self) -> bool {
        self.statistic != Some("count")
    }

    /// The value by which lines are chosen if not all fit.
    pub(super) fn last(&self) -> f64 {
        self.points.last().map_or(f64::NAN, |(_, value)| *value)
    }
}

/// Sets of statistics of native histograms. The first with which all lines fit is shown.
const SETS: [&[&str]; 3] = [&["count", "mean", "p50", "p90", "p99"], &["p50", "p99"], &["p99"]];

/// All lines, with as many statistics of native histograms as fit into `most` lines.
pub(super) fn lines(matrix: &Matrix, most: usize) -> Vec<Line<'_>> {
    let with = |shown: &[&str]| matrix.iter().flat_map(|series| of_series(series, shown)).collect::<Vec<_>>();
    let fits = |lines: &Vec<Line<'_>>| lines.len() <= most;
    SETS.iter().map(|shown| with(shown)).find(fits).unwrap_or_else(|| with(SETS[2]))
}

fn of_series<'m>(series: &'m Series, shown: &[&str]) -> Vec<Line<'m>> {
    let labels = series.labels();
    let times = series.timestamps().iter().map(|time| time.as_millis());
    let floats = Line { statistic: None, labels, points: times.zip(series.values().iter().copied()).collect() };
    let shown = STATISTICS.iter().filter(|(name, _)| shown.contains(name));
    let statistics = shown.map(|(name, of)| Line {
        statistic: Some(name),
        labels,
        points: series.histograms().iter().map(|(time, it)| (time.as_millis(), of(it))).collect(),
    });
    std::iter::once(floats).chain(statistics).filter(|line| !line.points.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use promql_presets::{Bounds, Bucket, Histogram, Timestamp};

    use super::*;

    #[test]
    fn statistics_are_shown_as_far_as_they_fit() {
        let histogram = Histogram::new(4.0, 8.0, [Bucket::new(Bounds::OpenLeft, 1.0, 2.0, 4.0)]);
        let series = |job: &str| {
            let labels: Labels = [("job", job)].into_iter().collect();
            Series::new(labels, []).with_histograms([(Timestamp::from_secs(1), histogram.clone())])
        };
        let matrix: Matrix = [series("a"), series("b")].into_iter().collect();
        let names =
            |most| lines(&matrix, most).iter().map(|line| line.statistic.unwrap()).collect::<Vec<_>>().join(" ");
        let all = "count mean p50 p90 p99";
        assert_eq!(names(10), format!("{all} {all}"));
        assert_eq!(names(9), "p50 p99 p50 p99");
        assert_eq!(names(3), "p99 p99");
        assert_eq!(names(1), "p99 p99");
        let lines = lines(&matrix, 12);
        assert!(!lines[0].is_drawn() && lines[1].is_drawn());
        assert_eq!((lines[0].last(), lines[1].last()), (4.0, 2.0));
    }
}
