//! Axes with round numbers and local times.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::numbers::Scale;

/// The maximum number of steps of the value axis.
const MAX_STEPS: usize = 5;

/// The possible steps between the labels of an axis of times or durations, in seconds.
const SECONDS: [i64; 21] = [
    1,
    2,
    5,
    10,
    15,
    30,
    60,
    120,
    300,
    600,
    900,
    1800,
    3600,
    7200,
    10_800,
    21_600,
    43_200,
    DAY,
    2 * DAY,
    7 * DAY,
    14 * DAY,
];

const DAY: i64 = 86_400;

/// The possible steps between the labels of longer axes, in months.
const MONTHS: [i64; 8] = [1, 2, 3, 6, 12, 24, 60, 120];

/// A value axis.
#[derive(Debug)]
pub(super) struct Values {
    /// The values at the bottom and at the top.
    pub(super) low: f64,
    pub(super) high: f64,
    /// Round numbers from the bottom on, at least two.
    pub(super) ticks: Vec<f64>,
}

/// An axis around a range, for rows of four dots. Its numbers are round, and a whole number of rows apart.
///
/// Of all such axes, it is roughly the one on which the range fills the most rows.
pub(super) fn values(min: f64, max: f64, scale: Scale, rows: usize) -> Values {
    let (min, max) = apart(min, max);
    let factor = scale.prefix(min.abs().max(max.abs())).0;
    let (bottom, top) = (min / factor, max / factor);
    let last_row = rows.saturating_sub(1).max(2);
    #[expect(clippy::cast_precision_loss, reason = "of a screen")]
    let number = |rows: usize| rows as f64;
    // The rows from the dot at the bottom to that at the top.
    let whole = number(last_row) + 0.75;
    let axis = |rows_of_step: usize| {
        let rows_of_step = rows_of_step.max(1);
        let mut step = round((top - bottom) / whole * number(rows_of_step), scale, factor);
        loop {
            let (first, row) = ((bottom / step).floor(), step / number(rows_of_step));
            if !row.is_normal() || !first.is_finite() {
                return None;
            }
            let high = first * step + row * whole;
            if high >= top {
                return Some((row, first, step, high, last_row / rows_of_step));
            }
            step = round(step * 1.01, scale, factor);
        }
    };
    let candidates = (last_row.div_ceil(MAX_STEPS).max(2)..=last_row / 2).chain([last_row / 2]).filter_map(axis);
    // An axis with few numbers must be better by a quarter.
    let size = |(row, .., steps): &(f64, f64, f64, f64, usize)| if *steps < 3 { row * 1.25 } else { *row };
    let Some((_, first, step, high, steps)) = candidates.min_by(|a, b| size(a).total_cmp(&size(b))) else {
        return Values { low: min, high: max, ticks: vec![min, max] };
    };
    let value = |number: f64| (number * factor).clamp(f64::MIN, f64::MAX);
    let ticks: Vec<f64> = (0..=steps).map(|tick| value((first + number(tick)) * step)).collect();
    Values { low: ticks[0], high: value(high), ticks }
}

/// The smallest round number that is not below `least`, both in units of a factor.
fn round(least: f64, scale: Scale, factor: f64) -> f64 {
    if scale == Scale::Time {
        #[expect(clippy::cast_precision_loss, reason = "of days")]
        let seconds = SECONDS.into_iter().map(|seconds| seconds as f64);
        match least * factor {
            0.5..1_209_600.0 => return seconds.map(|it| it / factor).find(|it| *it >= least).unwrap_or(least),
            1_209_600.0.. => return decimal(least * factor / 86_400.0) * 86_400.0 / factor,
            _ => {}
        }
    }
    decimal(least)
}

fn decimal(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|round| round * power).find(|round| *round >= least).unwrap_or(least)
}

/// The range, widened if its ends are too close to each other for numbers in between.
fn apart(min: f64, max: f64) -> (f64, f64) {
    let size = min.abs().max(max.abs());
    match (max / 2.0 - min / 2.0 > size * 1e-12, min) {
        (true, _) => (min, max),
        (false, 0.0) => (0.0, 1.0),
        (false, _) => ((min - size / 2.0).max(f64::MIN), (max + size / 2.0).min(f64::MAX)),
    }
}

/// Round local times within a range, in milliseconds, each with its label; at most about `most` of them.
///
/// Where the range has several days, the first label of each day has the date.
pub(super) fn times(start: i64, end: i64, most: usize, zone: &TimeZone) -> Vec<(i64, String)> {
    let local = |millis| Some(jiff::Timestamp::from_millisecond(millis).ok()?.to_zoned(zone.clone()).datetime());
    let (Some(first), Some(last)) = (local(start), local(end)) else { return Vec::new() };
    let step = Step::within(end.saturating_sub(start) / 1000, i64::try_from(most.max(1)).unwrap_or(i64::MAX));
    let millis = |time: DateTime| Some(time.to_zoned(zone.clone()).ok()?.timestamp().as_millisecond());
    let mut found: Vec<(i64, String)> = Vec::new();
    let mut before: Option<DateTime> = None;
    for number in step.number(first).. {
        let Some((time, at)) = step.time(number).and_then(|time| Some((time, millis(time)?))) else { break };
        if at > end {
            break;
        }
        // A local time that does not exist is that after it, when clocks are set forward.
        if at >= start && found.last().is_none_or(|(last, _)| *last < at) {
            let is_new = |unit: fn(DateTime) -> Date| {
                unit(first) != unit(last) && before.is_none_or(|before| unit(before) != unit(time))
            };
            let format = step.format(is_new(DateTime::date), is_new(|time| time.date().first_of_year()));
            found.push((at, time.strftime(format).to_string()));
            before = Some(time);
        }
    }
    found
}

/// The abbreviation of a time zone: `CET`.
pub(super) fn zone_name(millis: i64, zone: &TimeZone) -> String {
    let time = jiff::Timestamp::from_millisecond(millis).ok().map(|time| time.to_zoned(zone.clone()));
    time.map(|time| time.strftime("%Z").to_string()).unwrap_or_default()
}

/// The time between two labels.
#[derive(Clone, Copy, Debug)]
enum Step {
    Seconds(i64),
    Months(i64),
}

impl Step {
    /// The shortest one that divides a number of seconds into a number of parts.
    fn within(seconds: i64, most: i64) -> Self {
        let short = SECONDS.into_iter().find(|step| seconds / step <= most).map(Self::Seconds);
        let long = || MONTHS.into_iter().find(|step| seconds / (step * 30 * DAY) <= most).unwrap_or(1200);
        short.unwrap_or_else(|| Self::Months(long()))
    }

    /// The number of whole steps before a local time.
    fn number(self, time: DateTime) -> i64 {
        match self {
            Self::Seconds(step) => {
                let zoned = time.to_zoned(TimeZone::UTC);
                zoned.map_or(0, |zoned| zoned.timestamp().as_second()).div_euclid(step)
            }
            Self::Months(step) => (i64::from(time.year()) * 12 + i64::from(time.month()) - 1).div_euclid(step),
        }
    }

    /// The local time after a number of steps.
    fn time(self, number: i64) -> Option<DateTime> {
        match self {
            Self::Seconds(step) => {
                let timestamp = jiff::Timestamp::from_second(number.checked_mul(step)?).ok()?;
                Some(timestamp.to_zoned(TimeZone::UTC).datetime())
            }
            Self::Months(step) => {
                let month = number.checked_mul(step)?;
                let (year, month) =
                    (i16::try_from(month.div_euclid(12)).ok()?, i8::try_from(month.rem_euclid(12)).ok()?);
                Some(Date::new(year, month + 1, 1).ok()?.to_datetime(jiff::civil::Time::midnight()))
            }
        }
    }

    const fn format(self, is_new_day: bool, is_new_year: bool) -> &'static str {
        match self {
            Self::Seconds(..60) if is_new_day => "%m-%d %H:%M:%S",
            Self::Seconds(..60) => "%H:%M:%S",
            Self::Seconds(..DAY) if is_new_day => "%m-%d %H:%M",
            Self::Seconds(..DAY) => "%H:%M",
            Self::Seconds(_) if is_new_year => "%Y-%m-%d",
            Self::Seconds(_) => "%m-%d",
            Self::Months(_) => "%Y-%m",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::numbers::digits;
    use super::*;

    #[test]
    fn numbers_are_round() {
        let shown = |min, max, scale, rows| {
            let ticks = values(min, max, scale, rows).ticks;
            ticks.iter().map(|tick| digits(*tick, 4)).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(shown(0.3, 9.7, Scale::Decimal, 13), "0 2.5 5 7.5 10");
        assert_eq!(shown(0.0, 4.0, Scale::Decimal, 9), "0 1 2 3 4");
        assert_eq!(shown(-1.0, 1.0, Scale::Decimal, 9), "-1 -0.5 0 0.5 1");
        assert_eq!(shown(5.0, 5.0, Scale::Decimal, 9), "2.5 5 7.5");
        assert_eq!(shown(-5.0, -5.0, Scale::Decimal, 9), "-7.5 -5 -2.5");
        assert_eq!(shown(0.0, 0.0, Scale::Decimal, 5), "0 0.5 1");
        assert_eq!(shown(0.0, 60.0, Scale::Time, 9), "0 15 30 45 60");
        assert_eq!(shown(0.0, 7200.0, Scale::Time, 9), "0 1800 3600 5400 7200");
        assert_eq!(values(0.0, 2048.0, Scale::Binary, 9).ticks, [0.0, 512.0, 1024.0, 1536.0, 2048.0]);
        for (min, max) in [
            (1e15, 1e15 + 0.125),
            (f64::MIN, f64::MAX),
            (-1e308, 1e308),
            (f64::MAX, f64::MAX),
            (f64::MIN, f64::MIN),
            (5e-324, 5e-324),
            (0.0, 5e-324),
            (-0.3, 0.123_456),
            (86_400.0 * 3.0, 86_400.0 * 4000.0),
        ] {
            for (scale, rows) in [Scale::Decimal, Scale::Binary, Scale::Time]
                .into_iter()
                .flat_map(|scale| (0..25).map(move |it| (scale, it)))
            {
                let Values { low, high, ticks } = values(min, max, scale, rows);
                assert!(ticks.len() >= 2 && ticks.len() <= 7, "{min} {max} {rows} {ticks:?}");
                assert!(ticks.iter().all(|tick| tick.is_finite()), "{min} {max} {rows} {ticks:?}");
                assert!(low <= min && high >= max, "{min} {max} {rows} {low} {high}");
            }
        }
    }

    #[test]
    fn times_are_round_and_local() {
        let labels_in = |zone: &TimeZone, start: i64, length: i64, most| {
            let found = times(start * 1000, (start + length) * 1000, most, zone);
            found.into_iter().map(|(_, label)| label).collect::<Vec<_>>().join(" ")
        };
        // 2025-06-01 13:01.
        let start = 1_748_779_260;
        let labels = |length, most| labels_in(&TimeZone::fixed(jiff::tz::offset(1)), start, length, most);
        assert_eq!(labels(3540, 5), "13:10 13:20 13:30 13:40 13:50 14:00");
        assert_eq!(labels(15, 4), "13:01:00 13:01:05 13:01:10 13:01:15");
        assert_eq!(labels(0, 3), "13:01:00");
        assert_eq!(labels(DAY / 2, 5), "06-01 15:00 18:00 21:00 06-02 00:00");
        assert_eq!(labels(DAY * 3, 4), "06-02 06-03 06-04");
        assert_eq!(labels(DAY * 365, 6), "2025-07 2025-09 2025-11 2026-01 2026-03 2026-05");
        assert_eq!(labels(DAY * 365 * 20, 6), "2030-01 2035-01 2040-01 2045-01");
        assert_eq!(labels_in(&TimeZone::UTC, 1_767_052_800, DAY * 4, 5), "2025-12-30 12-31 2026-01-01 01-02 01-03");
    }

    #[test]
    fn days_begin_at_midnight_when_clocks_change() {
        // The end of summer time on 2025-10-26.
        let rules = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let start = 1_761_343_200;
        let found = times(start * 1000, (start + 4 * DAY) * 1000, 5, &rules);
        let hours = found.iter().map(|(at, _)| (at / 1000 - start) / 3600).collect::<Vec<_>>();
        assert_eq!(hours, [0, 24, 49, 73]);
    }
}
