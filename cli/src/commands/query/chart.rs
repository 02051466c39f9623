//! Series as lines of braille dots.

use std::fmt::Write;
use std::io::{IsTerminal, stdout};

use jiff::tz::TimeZone;
use promql_presets::{Matrix, Series};
use terminal_size::{Height, Width, terminal_size};

use super::axes;
use super::numbers::{Scale, human, quantile};
use super::table::Summary;
use crate::output;

/// The colors of lines, as numbers of the terminal's palette.
const COLORS: [u8; 6] = [36, 33, 35, 32, 34, 31];

/// The number of lines that are drawn.
const MAX_LINES: usize = 12;

/// The quantiles of native histograms that are drawn.
const QUANTILES: [(f64, &str); 2] = [(0.5, "p50"), (0.99, "p99")];

/// The columns of the value axis.
const GUTTER: usize = 12;

/// The columns between two labels of the time axis.
const BETWEEN_TIMES: usize = 14;

/// The size of the terminal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    columns: usize,
    rows: usize,
}

impl Size {
    pub(super) fn of_terminal() -> Self {
        let found = stdout().is_terminal().then(terminal_size).flatten();
        let (Width(columns), Height(rows)) = found.unwrap_or((Width(100), Height(30)));
        Self { columns: usize::from(columns).clamp(40, 300), rows: usize::from(rows).clamp(12, 100) }
    }

    /// The number of points side by side.
    pub(super) fn points(self) -> u64 {
        u64::try_from((self.columns - GUTTER) * 2).unwrap_or(100)
    }
}

/// A line of the chart.
struct Line {
    name: String,
    /// Times in milliseconds, and values.
    points: Vec<(i64, f64)>,
}

/// The lines of a series: itself, or quantiles of its native histograms.
fn lines(series: &Series) -> Vec<Line> {
    let name = series.labels().to_string();
    let times = series.timestamps().iter().map(|time| time.as_millis());
    let floats = Line { name: name.clone(), points: times.zip(series.values().iter().copied()).collect() };
    let of = |(at, word): &(f64, &str)| Line {
        name: format!("{word} of {name}"),
        points: series.histograms().iter().map(|(time, it)| (time.as_millis(), quantile(it, *at))).collect(),
    };
    let all = std::iter::once(floats).chain(QUANTILES.iter().map(of));
    all.filter(|line| !line.points.is_empty()).collect()
}

pub(super) fn chart(matrix: &Matrix, unit: Option<&str>, size: Size, colors: bool) -> String {
    let lines: Vec<Line> = matrix.iter().flat_map(lines).collect();
    let (shown, rest) = lines.split_at(lines.len().min(MAX_LINES));
    let finite = || shown.iter().flat_map(|line| &line.points).filter(|(_, value)| value.is_finite());
    let (Some(start), Some(end)) = (finite().map(|(time, _)| *time).min(), finite().map(|(time, _)| *time).max())
    else {
        return legend(shown, unit, colors);
    };
    let fold = |function: fn(f64, f64) -> f64| finite().map(|(_, value)| *value).fold(f64::NAN, function);
    let scale = Scale::of(unit);
    let ticks = axes::values(fold(f64::min), fold(f64::max), scale);
    let (low, high) = (ticks[0], ticks[ticks.len() - 1]);
    let (width, height) = (size.columns - GUTTER, size.rows.saturating_sub(shown.len() + 4).clamp(8, 20));

    let mut canvas = Canvas::new(width, height);
    #[expect(clippy::cast_precision_loss, reason = "of a screen")]
    let column = |time: i64| share((time - start) as f64, (end - start) as f64, width * 2 - 1);
    let row = |value: f64| (height * 4 - 1) - share(value - low, high - low, height * 4 - 1);
    for (color, line) in shown.iter().enumerate() {
        // A gap is longer than the usual step.
        let step = line.points.windows(2).map(|pair| pair[1].0 - pair[0].0).min().unwrap_or(0);
        let mut before: Option<(i64, (usize, usize))> = None;
        for (time, value) in line.points.iter().filter(|(_, value)| value.is_finite()) {
            let at = (column(*time), row(*value));
            match before {
                Some((last, from)) if *time - last <= step * 3 / 2 => canvas.line(from, at, color),
                _ => canvas.dot(at, color),
            }
            before = Some((*time, at));
        }
    }

    let mut out = String::new();
    let labels: Vec<(usize, String)> = ticks.iter().map(|tick| (row(*tick) / 4, tick_label(*tick, unit))).collect();
    for (index, cells) in canvas.cells.chunks(width).enumerate() {
        let label = labels.iter().find(|(row, _)| *row == index).map_or("", |(_, label)| label.as_str());
        let axis = if label.is_empty() { '│' } else { '┤' };
        // Writing to a `String` cannot fail.
        _ = write!(out, "{label:>width$} {axis}", width = GUTTER - 2);
        let text: String = cells.iter().map(|cell| cell.text(colors)).collect();
        out.push_str(text.trim_end_matches('\u{2800}'));
        out.push('\n');
    }
    out.push_str(&time_axis(start, end, width, &column));
    out.push_str(&legend(shown, unit, colors));
    if !rest.is_empty() {
        _ = writeln!(out, "... and {} more series, which `--format table` shows", rest.len());
    }
    out
}

/// A share of a number of steps.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "of a screen")]
fn share(part: f64, whole: f64, steps: usize) -> usize {
    if whole > 0.0 { (part / whole * steps as f64).round().clamp(0.0, steps as f64) as usize } else { 0 }
}

/// A value without the words of its unit, which the legend has.
fn tick_label(tick: f64, unit: Option<&str>) -> String {
    match Scale::of(unit) {
        Scale::Decimal => human(tick, None),
        Scale::Binary => human(tick, Some("bytes")),
        Scale::Time => human(tick, unit),
    }
}

fn time_axis(start: i64, end: i64, width: usize, column: &impl Fn(i64) -> usize) -> String {
    let zone = TimeZone::system();
    let times = axes::times(start, end, width / BETWEEN_TIMES, &zone);
    let mut axis: Vec<char> = vec!['─'; width];
    let mut labels = String::new();
    for (time, label) in &times {
        let at = (column(*time) / 2).min(width - 1);
        axis[at] = '┬';
        // Labels begin under their ticks, and end within the chart.
        let at = (GUTTER + at).min(GUTTER + width - label.chars().count().min(width));
        let used = labels.chars().count();
        if used == 0 || used < at {
            labels.push_str(&" ".repeat(at - used));
            labels.push_str(label);
        }
    }
    let axis: String = axis.into_iter().collect();
    format!("{:>width$}└{axis}\n{labels}\n", "", width = GUTTER - 1)
}

/// A line for each series: its color, labels, and last, least and greatest value.
fn legend(lines: &[Line], unit: Option<&str>, colors: bool) -> String {
    let row = |line: &Line| {
        let values: Vec<f64> = line.points.iter().map(|(_, value)| *value).collect();
        let Summary { last, min, max } = Summary::of(&values);
        let numbers = [("last", last), ("min", min), ("max", max)];
        let numbers = numbers.map(|(word, number)| format!("{word} {}", human(number, unit)));
        std::iter::once(line.name.clone()).chain(numbers).collect()
    };
    let table = output::table(&lines.iter().map(row).collect::<Vec<Vec<String>>>());
    let marked = table.lines().enumerate().map(|(at, line)| format!("{} {line}\n", painted("━━", at, colors)));
    marked.collect()
}

fn painted(text: &str, color: usize, colors: bool) -> String {
    if colors { format!("\u{1b}[{}m{text}\u{1b}[0m", COLORS[color % COLORS.len()]) } else { text.to_owned() }
}

/// Dots, 2 by 4 in each character.
struct Canvas {
    width: usize,
    cells: Vec<Cell>,
}

#[derive(Clone, Copy, Default)]
struct Cell {
    dots: u8,
    color: usize,
}

impl Cell {
    fn text(self, colors: bool) -> String {
        let c = char::from_u32(0x2800 + u32::from(self.dots)).unwrap_or(' ');
        if self.dots == 0 { c.to_string() } else { painted(&c.to_string(), self.color, colors) }
    }
}

impl Canvas {
    fn new(width: usize, height: usize) -> Self {
        Self { width, cells: vec![Cell::default(); width * height] }
    }

    fn dot(&mut self, (x, y): (usize, usize), color: usize) {
        // The bits of the dots, from top to bottom, in both columns.
        const BITS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
        if let Some(cell) = self.cells.get_mut(y / 4 * self.width + x / 2) {
            cell.dots |= BITS[x % 2][y % 4];
            cell.color = color;
        }
    }

    /// A straight line between two dots, by their longer side.
    fn line(&mut self, from: (usize, usize), to: (usize, usize), color: usize) {
        let steps = from.0.abs_diff(to.0).max(from.1.abs_diff(to.1));
        let between = |a: usize, b: usize, step: usize| {
            let way = (a.abs_diff(b) * step + steps / 2) / steps.max(1);
            if b >= a { a + way } else { a - way }
        };
        for step in 0..=steps {
            self.dot((between(from.0, to.0, step), between(from.1, to.1, step)), color);
        }
    }
}

#[cfg(test)]
mod tests {
    use promql_presets::{Labels, Timestamp};

    use super::*;

    fn series(name: &str, points: &[(i64, f64)]) -> Series {
        let labels: Labels = [("__name__".to_owned(), name.to_owned())].into_iter().collect();
        Series::new(labels, points.iter().map(|(time, value)| (Timestamp::from_secs(*time), *value)))
    }

    #[test]
    fn lines_go_from_left_to_right() {
        let points: Vec<(i64, f64)> =
            (0..=60i32).map(|at| (1_748_779_200 + i64::from(at) * 60, f64::from(at))).collect();
        let matrix: Matrix = [series("up", &points)].into_iter().collect();
        let text = chart(&matrix, Some("seconds"), Size { columns: 60, rows: 14 }, false);
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(rows.len(), 9 + 3, "{text}");
        assert!(rows[0].starts_with("     1 min ┤\u{2800}") && rows[0].ends_with("⢀⣀⠤⠔⠒⠉"), "{text}");
        assert!(rows[8].starts_with("       0 s ┤⡠⠤⠒⠊⠁"), "{text}");
        assert!(rows[9].contains('┬'), "{text}");
        assert_eq!(rows[11], "━━ up  last 1 min  min 0 s  max 1 min");
    }

    #[test]
    fn what_is_no_number_is_not_drawn() {
        let matrix: Matrix = [series("a", &[(0, f64::NAN)]), series("b", &[(0, 1.0), (60, f64::INFINITY), (120, 1.0)])]
            .into_iter()
            .collect();
        let size = Size { columns: 40, rows: 12 };
        let text = chart(&matrix, None, size, true);
        assert!(text.contains("\u{1b}[33m━━\u{1b}[0m b  last 1    min 1    max +Inf"), "{text}");
        assert!(text.contains("a  last NaN  min NaN  max NaN"), "{text}");
        assert_eq!(chart(&Matrix::default(), None, size, false), "");
    }
}
