//! Prints results with headings, aligned columns, bars, sparklines and units.

use std::env;
use std::io::{IsTerminal, stdout};
use std::ops::RangeInclusive;

/// Width of bars and sparklines, in columns.
const WIDTH: usize = 40;

/// Cells filled by one eighth to eight eighths.
const LEVELS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The unit of a number.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unit {
    /// Percent, of 100.
    Percent,
    /// Bytes.
    Bytes,
    /// Events per second.
    PerSecond,
    /// Seconds.
    Seconds,
}

/// A named number.
#[derive(Debug)]
pub(crate) struct Share {
    /// The name.
    pub(crate) name: String,
    /// The number.
    pub(crate) value: f64,
}

/// A named series.
#[derive(Debug)]
pub(crate) struct Trend {
    /// The name.
    pub(crate) name: String,
    /// Unix times in seconds and numbers, oldest first.
    pub(crate) points: Vec<(f64, f64)>,
}

/// Prints results.
#[derive(Debug)]
pub(crate) struct Show {
    colour: bool,
}

impl Show {
    /// Prints to standard output: with colour on a terminal, unless `NO_COLOR` is set.
    pub(crate) fn stdout() -> Self {
        let unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || env::var_os("TERM").is_some_and(|value| value == "dumb");
        Self { colour: stdout().is_terminal() && !unwanted }
    }

    /// A title and the PromQL of the result that follows.
    pub(crate) fn heading(&self, title: &str, query: &str) {
        let query = query.trim().lines().collect::<Vec<_>>().join("\n  ");
        println!("\n{}\n  {}\n", self.styled("1", title), self.styled("2", &query));
    }

    /// Numbers with bars in descending order. A full bar is 100 % or the greatest number.
    pub(crate) fn shares(&self, what: &str, unit: Unit, shares: &[Share]) {
        let mut shares: Vec<_> = shares.iter().collect();
        shares.sort_by(|one, other| other.value.total_cmp(&one.value).then_with(|| one.name.cmp(&other.name)));
        let full = match unit {
            Unit::Percent => 100.0,
            _ => shares.iter().map(|share| share.value).fold(0.0, f64::max),
        };
        let rows = shares.iter().map(|share| [share.name.clone(), bar(share.value / full), unit.format(share.value)]);
        self.table([what, "", "now"], &rows.collect::<Vec<_>>());
    }

    /// A sparkline per trend over the whole range, in which missing data is a gap, with minimum, maximum and last number.
    pub(crate) fn trends(&self, what: &str, range: RangeInclusive<i64>, unit: Unit, trends: &[Trend]) {
        let mut trends: Vec<_> = trends.iter().collect();
        trends.sort_by(|one, other| one.name.cmp(&other.name));
        let rows = trends.iter().map(|trend| {
            let line = sparkline(&range, &trend.points);
            let numbers = || trend.points.iter().map(|(_, value)| *value).filter(|value| !value.is_nan());
            let [min, max] = [numbers().reduce(f64::min), numbers().reduce(f64::max)];
            // The last number of a trend that ended early is not current.
            let end = seconds(*range.end());
            let last = trend.points.last().filter(|(time, _)| *time >= end).map(|(_, value)| *value);
            let [min, max, last] =
                [min, max, last].map(|value| value.map_or("-".to_owned(), |value| unit.format(value)));
            [trend.name.clone(), line, min, max, last]
        });
        self.table([what, "", "min", "max", "last"], &rows.collect::<Vec<_>>());
    }

    /// Columns with headings; the first two are left-aligned, numbers are right-aligned.
    fn table<const N: usize>(&self, headings: [&str; N], rows: &[[String; N]]) {
        if rows.is_empty() {
            println!("  no data");
            return;
        }
        let widths: [usize; N] = std::array::from_fn(|column| {
            let cells = rows.iter().map(|row| row[column].chars().count());
            cells.chain([headings[column].chars().count()]).max().unwrap_or(0)
        });
        println!("{}", self.styled("2", &line(headings, widths)));
        for row in rows {
            // Escape sequences take no columns, so padding comes first.
            let row: [String; N] = std::array::from_fn(|column| pad(column, &row[column], widths[column]));
            let row: [String; N] = std::array::from_fn(|column| match column {
                1 => self.styled("36", &row[column]),
                _ => row[column].clone(),
            });
            println!("  {}", row.join("  ").trim_end());
        }
    }

    fn styled(&self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

fn line<const N: usize>(cells: [&str; N], widths: [usize; N]) -> String {
    let cells: [String; N] = std::array::from_fn(|column| pad(column, cells[column], widths[column]));
    format!("  {}", cells.join("  ")).trim_end().to_owned()
}

fn pad(column: usize, text: &str, width: usize) -> String {
    if column < 2 { format!("{text:width$}") } else { format!("{text:>width$}") }
}

impl Unit {
    /// A number of about three digits with its unit.
    fn format(self, value: f64) -> String {
        match self {
            Self::Percent => format!("{value:.1} %"),
            Self::PerSecond => format!("{value:.2}/s"),
            Self::Seconds if value.abs() < 1.0 => format!("{:.0} ms", value * 1e3),
            Self::Seconds => format!("{value:.2} s"),
            Self::Bytes => {
                let units = ["B", "KiB", "MiB", "GiB", "TiB"];
                let scaled = units.iter().scan(value, |value, unit| {
                    let this = *value;
                    *value /= 1024.0;
                    Some((this, unit))
                });
                let fitting = scaled.take_while(|(value, unit)| value.abs() >= 1.0 || **unit == "B").last();
                fitting.map_or_else(String::new, |(value, unit)| format!("{value:.1} {unit}"))
            }
        }
    }
}

/// A bar for a fraction between 0 and 1.
fn bar(part: f64) -> String {
    let eighths = index(part * 8.0 * count(WIDTH), WIDTH * 8 + 1);
    let full = "█".repeat(eighths / 8);
    match eighths % 8 {
        0 => full,
        // The left eighths of a cell, from one to seven.
        rest => full + ["▏", "▎", "▍", "▌", "▋", "▊", "▉"][rest - 1],
    }
}

/// The mean of the points in each of [`WIDTH`] equal parts of the range, scaled between the least and the greatest mean. A
/// part without points is blank.
fn sparkline(range: &RangeInclusive<i64>, points: &[(f64, f64)]) -> String {
    let (start, end) = (seconds(*range.start()), seconds(*range.end()));
    let mut parts = [(0.0, 0.0); WIDTH];
    for (time, value) in points.iter().filter(|(time, value)| !value.is_nan() && (start..=end).contains(time)) {
        let (sum, points) = &mut parts[index((time - start) / (end - start) * count(WIDTH), WIDTH)];
        *sum += value;
        *points += 1.0;
    }
    let means = parts.map(|(sum, points)| (points > 0.0).then(|| sum / points));
    let least = means.into_iter().flatten().fold(f64::INFINITY, f64::min);
    let greatest = means.into_iter().flatten().fold(f64::NEG_INFINITY, f64::max);
    let level = |mean: f64| {
        if greatest > least { LEVELS[index((mean - least) / (greatest - least) * 8.0, 8)] } else { LEVELS[3] }
    };
    means.iter().map(|mean| mean.map_or(' ', level)).collect()
}

/// A position clamped to an index below `len`; NaN is 0.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of a float saturates")]
fn index(position: f64, len: usize) -> usize {
    (position as usize).min(len - 1)
}

#[expect(clippy::cast_precision_loss, reason = "columns of a terminal")]
const fn count(columns: usize) -> f64 {
    columns as f64
}

#[expect(clippy::cast_precision_loss, reason = "Unix times are far below 2^52")]
const fn seconds(time: i64) -> f64 {
    time as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_readable() {
        let bytes = [0.0, 1023.0, 1024.0, 8.0 * 1024.0 * 1024.0 * 1024.0].map(|value| Unit::Bytes.format(value));
        assert_eq!(bytes, ["0.0 B", "1023.0 B", "1.0 KiB", "8.0 GiB"]);
        assert_eq!(Unit::Seconds.format(0.0125), "12 ms");
        assert_eq!(Unit::Seconds.format(2.5), "2.50 s");
        assert_eq!(Unit::PerSecond.format(0.125), "0.12/s");
        assert_eq!(Unit::Percent.format(85.0), "85.0 %");
    }

    #[test]
    fn bars_are_clamped() {
        assert_eq!(bar(0.5), "█".repeat(WIDTH / 2));
        assert_eq!(bar(0.5 + 1.0 / 8.0 / count(WIDTH)), "█".repeat(WIDTH / 2) + "▏");
        assert_eq!((bar(-1.0), bar(f64::NAN)), (String::new(), String::new()));
        assert_eq!(bar(7.0), "█".repeat(WIDTH));
    }

    #[test]
    fn sparklines_have_levels_and_gaps() {
        let points = |values: [f64; 4]| -> Vec<_> {
            values.into_iter().enumerate().map(|(part, value)| (100.0 + 10.0 * count(part), value)).collect()
        };
        let shown = |values| -> String { sparkline(&(100..=140), &points(values)).replace(' ', "") };
        assert_eq!(shown([0.0, 1.0, 2.0, 8.0]), "▁▂▃█");
        assert_eq!(shown([5.0; 4]), "▄▄▄▄");
        assert_eq!(shown([1.0, f64::NAN, 2.0, 3.0]), "▁▅█");
        assert_eq!(sparkline(&(100..=140), &points([0.0; 4])).chars().count(), WIDTH);
        assert!(sparkline(&(0..=40), &[]).trim().is_empty());
    }
}
