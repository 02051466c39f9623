//! Series as lines of braille dots; without colors, with letters in the lines.

use std::fmt::Write;

use jiff::tz::TimeZone;
use promql_presets::{Labels, Matrix, Series, TimeRange};

use super::braille::{Canvas, MAX_LINES, letter, painted};
use super::lines::{Line, lines};
use super::numbers::{self, Scale, short_statistic};
use super::screen::{Size, cut};
use super::table::{Summary, largest, left_out};
use super::{axes, labels};
use crate::output;

/// The minimum width of the value axis, in columns.
const GUTTER: usize = 12;

/// The columns between two labels of the time axis.
const BETWEEN_TIMES: usize = 14;

/// The minimum width of a name in the legend, in columns, if values can be left out to make room for it.
const MIN_NAME: usize = 24;

/// The minimum and the maximum number of rows for values.
const HEIGHT: (usize, usize) = (5, 20);

/// The rows around them: the heading, the time axis and its labels.
const AROUND: usize = 3;

/// The number of points that fit side by side.
pub(super) fn points(size: Size) -> u64 {
    u64::try_from((size.columns - GUTTER) * 2).unwrap_or(100)
}

/// A chart of a range, with a heading and a legend, that fits into a size. Series without labels of their own have a name.
pub(super) fn chart(
    matrix: &Matrix,
    range: &TimeRange,
    unit: Option<&str>,
    name: &str,
    size: Size,
    colors: bool,
) -> String {
    let room = size.rows.saturating_sub(HEIGHT.0 + AROUND).clamp(1, MAX_LINES);
    let all = lines(matrix, room);
    if all.is_empty() {
        return String::new();
    }
    let most = if all.len() <= room { room } else { room.saturating_sub(1).max(1) };
    let lasts: Vec<f64> = all.iter().map(Line::last).collect();
    let places = largest(&lasts, most);
    let shown: Vec<&Line<'_>> = places.iter().map(|at| &all[*at]).collect();
    let shared = labels::shared(&matrix.iter().map(Series::labels).collect::<Vec<_>>());
    let height = size.rows.saturating_sub(AROUND + room.min(all.len())).clamp(HEIGHT.0, HEIGHT.1);

    let mut out = labels::heading(&shared, unit, size.columns);
    out.push_str(&plot(&shown, range, unit, (size.columns, height), colors));
    out.push_str(&legend(&shown, &shared, (name, unit), size.columns, colors));
    out + &left_out(&lasts, &places, unit, size.columns)
}

/// The lines between their axes; nothing without finite numbers.
fn plot(shown: &[&Line<'_>], range: &TimeRange, unit: Option<&str>, size: (usize, usize), colors: bool) -> String {
    let shown: Vec<&&Line<'_>> = shown.iter().filter(|line| line.is_drawn()).collect();
    let finite = || shown.iter().flat_map(|line| &line.points).map(|(_, value)| *value).filter(|it| it.is_finite());
    let (min, max) = (finite().fold(f64::NAN, f64::min), finite().fold(f64::NAN, f64::max));
    if min.is_nan() {
        return String::new();
    }
    let axes::Values { low, high, ticks } = axes::values(min, max, Scale::of(unit), size.1);
    let tick_labels = numbers::labels(&ticks, unit);
    let gutter = tick_labels.iter().map(|label| output::width(label) + 2).max().unwrap_or_default().max(GUTTER);
    let (width, height) = (size.0.saturating_sub(gutter).max(1), size.1);
    let (start, end) = (range.start().as_millis(), range.end().as_millis());

    let mut canvas = Canvas::new(width, height);
    #[expect(clippy::cast_precision_loss, reason = "of a screen")]
    let column = |time: i64| share((time - start) as f64, 0.0, (end - start) as f64, width * 2 - 1);
    let row = |value: f64| (height * 4 - 1) - share(value, low, high, height * 4 - 1);
    // A gap is longer than a step.
    let gap = i64::try_from(range.step_duration().as_millis()).unwrap_or(i64::MAX).saturating_mul(3) / 2;
    for (color, line) in shown.iter().enumerate() {
        let mut before: Option<(i64, (usize, usize))> = None;
        for (time, value) in line.points.iter().filter(|(_, value)| value.is_finite()) {
            let at = (column(*time), row(*value));
            match before {
                Some((last, from)) if *time - last <= gap => canvas.line(from, at, color),
                _ => canvas.dot(at, color),
            }
            before = Some((*time, at));
        }
    }

    if !colors && shown.len() > 1 {
        canvas.letters(shown.len());
    }

    let mut out = String::new();
    let rows: Vec<usize> = ticks.iter().map(|tick| row(*tick) / 4).collect();
    for (index, text) in canvas.rows(colors).enumerate() {
        let label = rows.iter().position(|row| *row == index).map_or("", |at| tick_labels[at].as_str());
        let axis = if label.is_empty() { '│' } else { '┤' };
        // Writing to a `String` cannot fail.
        _ = writeln!(out, "{label:>width$} {axis}{text}", width = gutter - 2);
    }
    out + &time_axis(start, end, (gutter, width), &column)
}

/// How far a value is on the way from one number to another, in steps.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "of a screen")]
fn share(value: f64, low: f64, high: f64, steps: usize) -> usize {
    // Halves, since the distance between huge numbers may be infinite.
    let (part, whole) = (value / 2.0 - low / 2.0, high / 2.0 - low / 2.0);
    if whole > 0.0 { (part / whole * steps as f64).round().clamp(0.0, steps as f64) as usize } else { 0 }
}

/// The axis, and local times below it.
fn time_axis(start: i64, end: i64, (gutter, width): (usize, usize), column: &impl Fn(i64) -> usize) -> String {
    let zone = TimeZone::system();
    let times = axes::times(start, end, width / BETWEEN_TIMES, &zone);
    let mut axis: Vec<char> = vec!['─'; width];
    let mut labels = format!("{:>width$}", axes::zone_name(end, &zone), width = gutter - 2);
    for (time, label) in &times {
        let at = (column(*time) / 2).min(width - 1);
        axis[at] = '┬';
        // Labels begin under their ticks, and end within the chart.
        let at = (gutter + at).min(gutter + width - label.len().min(width));
        if labels.len() < at {
            labels.push_str(&" ".repeat(at - labels.len()));
            labels.push_str(label);
        }
    }
    let axis: String = axis.into_iter().collect();
    format!("{:>width$}└{axis}\n{labels}\n", "", width = gutter - 1)
}

/// A line for each series: its color or letter, labels, and last, least and greatest value; the last only, if labels need the room.
fn legend(
    lines: &[&Line<'_>],
    shared: &Labels,
    (unlabeled, unit): (&str, Option<&str>),
    columns: usize,
    colors: bool,
) -> String {
    let numbers = |most: usize| {
        let row = |line: &&Line<'_>| {
            let values: Vec<f64> = line.points.iter().map(|(_, value)| *value).collect();
            let Summary { last, min, max } = Summary::of(&values);
            let all = [("last", last), ("min", min), ("max", max)];
            let short = |number: f64| short_statistic(line.statistic.unwrap_or_default(), number, unit);
            all.iter().take(most).map(|(word, number)| format!("{word} {}", short(*number))).collect()
        };
        output::table(&lines.iter().map(row).collect::<Vec<Vec<String>>>())
    };
    let room = |numbers: &str| {
        let width = numbers.lines().map(output::width).max().unwrap_or_default();
        columns.saturating_sub(width + output::width("━━   "))
    };
    let before = |line: &Line<'_>| line.statistic.map(|word| format!("{word} of ")).unwrap_or_default();
    let own: Vec<Labels> = lines.iter().map(|line| labels::own(line.labels, shared)).collect();
    let names = |width: usize| {
        let width = width.saturating_sub(lines.iter().map(|line| before(line).len()).max().unwrap_or_default());
        let named = |(line, selector): (&&Line<'_>, String)| {
            before(line) + &if selector.is_empty() { cut(unlabeled, width) } else { selector }
        };
        lines.iter().zip(labels::selectors(&own, width)).map(named).collect::<Vec<String>>()
    };
    let widest = names(usize::MAX).iter().map(|name| output::width(name)).max().unwrap_or_default();
    let all = numbers(3);
    let numbers = if room(&all) < widest.min(MIN_NAME) { numbers(1) } else { all };
    let room = room(&numbers);
    let row = |(name, numbers): (String, &str)| vec![name, numbers.to_owned()];
    let rows: Vec<Vec<String>> = names(room).into_iter().zip(numbers.lines()).map(row).collect();
    let mut out = String::new();
    let has_letters = !colors && lines.iter().filter(|line| line.is_drawn()).count() > 1;
    let mut color = 0;
    for (line, text) in lines.iter().zip(output::table(&rows).lines()) {
        let mark = match line.is_drawn() {
            false => "  ".to_owned(),
            true if has_letters => format!("━{}", letter(color)),
            true => painted("━━", color, colors),
        };
        color += usize::from(line.is_drawn());
        _ = writeln!(out, "{mark} {text}");
    }
    out
}

#[cfg(test)]
mod tests {
    use promql_presets::{Bounds, Bucket, Histogram, Labels, Timestamp};

    use super::*;

    const START: i64 = 1_748_779_200;

    fn series(labels: &[(&str, &str)], points: &[(i64, f64)]) -> Series {
        let labels: Labels = labels.iter().copied().collect();
        Series::new(labels, points.iter().map(|(time, value)| (Timestamp::from_secs(START + time), *value)))
    }

    fn minutes(from: i32, to: i32) -> Vec<(i64, f64)> {
        (from..=to).map(|at| (i64::from(at) * 60, f64::from(at))).collect()
    }

    /// A chart of an hour.
    fn drawn(all: impl IntoIterator<Item = Series>, unit: Option<&str>, size: (usize, usize), colors: bool) -> String {
        let (start, end) = (Timestamp::from_secs(START), Timestamp::from_secs(START + 3600));
        let range = TimeRange::new(start, end).unwrap().step("1m").unwrap();
        chart(&all.into_iter().collect(), &range, unit, "value", Size { columns: size.0, rows: size.1 }, colors)
    }

    #[test]
    fn lines_go_from_left_to_right() {
        let text = drawn([series(&[("__name__", "up")], &minutes(0, 60))], Some("seconds"), (60, 13), false);
        let mut rows: Vec<&str> = text.lines().collect();
        assert_eq!((rows.len(), rows.remove(0)), (1 + 9 + 3, "up"), "{text}");
        assert!(rows[0].starts_with("     1 min ┤\u{2800}") && rows[0].ends_with("\u{2800}⣀"), "{text}");
        assert!(rows[8].starts_with("       0 s ┤⡠⠤"), "{text}");
        assert!(rows[9].contains('┬'), "{text}");
        assert_eq!(rows[11], "━━ value  last 1 min  min 0 s  max 1 min");
    }

    #[test]
    fn numbers_are_evenly_spaced() {
        for rows in 9..40 {
            for most in [7, 10, 13, 29, 60] {
                let text = drawn([series(&[], &minutes(0, most))], None, (60, rows), false);
                let ticks: Vec<usize> =
                    text.lines().enumerate().filter(|(_, it)| it.contains('┤')).map(|(at, _)| at).collect();
                assert!(
                    ticks.len() >= 2 && ticks.windows(3).all(|three| three[1] - three[0] == three[2] - three[1]),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn the_axis_spans_the_range() {
        let text = drawn([series(&[], &minutes(30, 60))], Some("ratio"), (60, 13), false);
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(rows[0], "ratio", "{text}");
        assert!(rows[3].starts_with("        60 ┤\u{2800}\u{2800}") && rows[3].ends_with('⣀'), "{text}");
        // A series of one point that ends early.
        let text = drawn([series(&[], &[(0, 1.0)])], None, (60, 13), false);
        assert_eq!(text.lines().nth(4).unwrap(), "         1 ┤⡀", "{text}");
    }

    #[test]
    fn what_is_no_number_is_not_drawn() {
        let all = || {
            [
                series(&[("x", "a")], &[(0, f64::NAN)]),
                series(&[("x", "b")], &[(0, 1.0), (60, f64::INFINITY), (120, 1.0)]),
            ]
        };
        let text = drawn(all(), None, (40, 12), true);
        assert!(text.contains("\u{1b}[33m━━\u{1b}[0m {x=\"b\"}  last 1    min 1    max +Inf"), "{text}");
        assert!(text.contains("{x=\"a\"}  last NaN  min NaN  max NaN"), "{text}");
        assert_eq!(drawn([], None, (40, 12), false), "");
        assert_eq!(
            drawn([series(&[], &[(0, f64::NAN)])], Some("x"), (40, 12), false),
            "x\n━━ value  last NaN  min NaN  max NaN\n"
        );
    }

    #[test]
    fn charts_fit_the_terminal() {
        let name = |at: i32| format!("/api/v1/namespaces/{at:03}/a/rather/long/path/of/a/handler/{at}");
        let all = || {
            (0..50).map(|at| {
                series(&[("job", "api"), ("handler", &name(at)), ("method", "get")], &[(0, f64::from(at) * 1e305)])
            })
        };
        for size in [(24, 11), (32, 20), (40, 11), (80, 23), (120, 40), (300, 99)] {
            let text = drawn(all(), Some("requests per second"), size, false);
            let rows: Vec<&str> = text.lines().collect();
            assert!(rows.len() <= size.1 && rows.iter().all(|row| output::width(row) <= size.0), "{size:?}\n{text}");
            if size.0 < 40 {
                continue;
            }
            assert!(rows[0].starts_with("{job=\"api") && rows[0].ends_with("requests per second"), "{text}");
            let legend: Vec<&&str> = rows.iter().filter(|row| row.starts_with('━')).collect();
            assert!(legend.last().unwrap().contains("/49\"}  last 4.9e306"), "{text}");
            let more = format!("and {} more", 50 - legend.len());
            assert!(rows[rows.len() - 1].starts_with(&more), "{text}");
        }
    }

    #[test]
    fn letters_name_lines_without_colors() {
        // Two that run into each other, and two in the same place.
        let down: Vec<(i64, f64)> = minutes(0, 60).into_iter().map(|(time, value)| (time, 60.0 - value)).collect();
        let flat: Vec<(i64, f64)> = minutes(0, 60).into_iter().map(|(time, _)| (time, 30.0)).collect();
        let jobs =
            [("up", &minutes(0, 60)), ("down", &down), ("flat", &flat), ("same", &flat), ("dot", &vec![(600, 50.0)])];
        let all = || jobs.map(|(job, points)| series(&[("job", job)], points));
        let text = drawn(all(), None, (80, 25), false);
        let (plot, legend) = text.split_once("└").unwrap();
        for (letter, job) in ['a', 'b', 'c', 'd', 'e'].into_iter().zip(jobs.map(|(job, _)| job)) {
            assert!(legend.contains(&format!("\n━{letter} {{job=\"{job}\"}} ")), "{text}");
            let places = plot.chars().filter(|c| *c == letter).count();
            assert_eq!(places >= 3, letter != 'e', "{letter}\n{text}");
            assert!(places >= 1, "{letter}\n{text}");
        }
        let row = |c: char| plot.lines().filter(|line| line.contains(c)).collect::<Vec<_>>();
        assert!(row('c') == row('d') && row('c').len() == 1, "{text}");
        let (first, last) = (row('a')[0], *row('a').last().unwrap());
        assert!(first.find('a') > last.find('a'), "{text}");
        let plot = |text: &str| text.split_once('└').unwrap().0.to_owned();
        let colored = drawn(all(), None, (80, 25), true);
        assert!(!plot(&colored).contains(['a', 'b']) && colored.contains("━━\u{1b}[0m {job=\"up\"}"), "{colored}");
        let single = drawn(all().into_iter().take(1), None, (80, 25), false);
        assert!(!plot(&single).lines().skip(1).any(|line| line.contains('a')) && single.contains("\n━━ "), "{single}");
    }

    #[test]
    fn histograms_are_lines_of_statistics() {
        let histogram =
            |count: f64| Histogram::new(count, count * 2.0, [Bucket::new(Bounds::OpenLeft, 1.0, 2.0, count)]);
        let points = (0..60).map(|at| (Timestamp::from_secs(START + at * 60), histogram(1000.0)));
        let text = drawn([series(&[], &[]).with_histograms(points)], Some("seconds"), (80, 25), false);
        let legend: Vec<&str> = text.lines().skip_while(|line| !line.contains(" of ")).collect();
        assert_eq!(legend.len(), 5, "{text}");
        assert_eq!(legend[0], "   count of value  last 1k       min 1k       max 1k", "{text}");
        assert!(legend[1].starts_with("━a mean of value   last 2 s      min 2 s"), "{text}");
        assert!(legend[2].starts_with("━b p50 of value ") && legend[4].starts_with("━d p99 of value "), "{text}");
        // The count does not enlarge the axis.
        assert!(!text.contains(" min ┤") && text.contains(" s ┤"), "{text}");
    }
}
