//! Axes with round numbers and local times.

use jiff::tz::TimeZone;

use super::numbers::Scale;

/// The number of steps of the value axis, about.
const STEPS: f64 = 4.0;

/// Between the labels of the time axis, in seconds.
const TIMES: [i64; 20] =
    [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800];

/// Round numbers that enclose a range: at least two.
pub(super) fn values(min: f64, max: f64, scale: Scale) -> Vec<f64> {
    let (min, max) = if max > min { (min, max) } else { (min - half(min), max + half(max)) };
    let factor = scale.prefix(min.abs().max(max.abs())).0;
    let rough = (max - min) / factor / STEPS;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|nice| nice * power).find(|step| *step >= rough).unwrap_or(rough);
    let (first, last) = ((min / factor / step).floor(), (max / factor / step).ceil());
    let mut ticks = Vec::new();
    let mut tick = first;
    while tick <= last && ticks.len() < 100 {
        ticks.push(tick * step * factor);
        tick += 1.0;
    }
    ticks
}

/// Half of a value, for the range around a line of one value.
fn half(value: f64) -> f64 {
    if value == 0.0 { 1.0 } else { value.abs() / 2.0 }
}

/// Round local times within a range, in milliseconds, each with its label; at most a number of them.
pub(super) fn times(start: i64, end: i64, most: usize, zone: &TimeZone) -> Vec<(i64, String)> {
    let offset = zoned(start, zone).map_or(0, |time| i64::from(time.offset().seconds()) * 1000);
    let most = i64::try_from(most.max(1)).unwrap_or(i64::MAX);
    let fits = |step: &i64| (end - start) / (step * 1000) < most;
    let step = TIMES.into_iter().find(fits).unwrap_or((end - start) / 1000 / most + 1);
    let format = match step {
        ..60 => "%H:%M:%S",
        60..86_400 if end - start < 86_400_000 => "%H:%M",
        60..86_400 => "%m-%d %H:%M",
        _ => "%m-%d",
    };
    let step = step * 1000;
    let first = (start + offset).div_euclid(step) * step - offset;
    let all = std::iter::successors(Some(first), |time| time.checked_add(step)).take_while(|time| *time <= end);
    let label = |time| zoned(time, zone).map(|local| local.strftime(format).to_string()).unwrap_or_default();
    all.filter(|time| *time >= start).map(|time| (time, label(time))).collect()
}

fn zoned(millis: i64, zone: &TimeZone) -> Option<jiff::Zoned> {
    Some(jiff::Timestamp::from_millisecond(millis).ok()?.to_zoned(zone.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_round() {
        let shown = |min, max, scale| {
            let ticks = values(min, max, scale);
            ticks.iter().map(|tick| super::super::numbers::digits(*tick)).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(shown(0.3, 9.7, Scale::Decimal), "0 5 10");
        assert_eq!(shown(0.0, 4.0, Scale::Decimal), "0 1 2 3 4");
        assert_eq!(shown(-1.0, 1.0, Scale::Decimal), "-1 -0.5 0 0.5 1");
        assert_eq!(shown(5.0, 5.0, Scale::Decimal), "2 4 6 8");
        assert_eq!(shown(0.0, 0.0, Scale::Decimal), "-1 -0.5 0 0.5 1");
        assert_eq!(values(0.0, 2048.0, Scale::Binary), [0.0, 512.0, 1024.0, 1536.0, 2048.0]);
    }

    #[test]
    fn times_are_round_and_local() {
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        let start = 1_748_779_200_000;
        let labels = |length: i64, most| {
            let found = times(start + 60_000, start + length * 1000, most, &zone);
            found.into_iter().map(|(_, label)| label).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(labels(3600, 5), "13:15 13:30 13:45 14:00");
        assert_eq!(labels(75, 4), "13:01:00 13:01:05 13:01:10 13:01:15");
        assert_eq!(labels(86_400 * 3, 4), "06-02 06-03 06-04");
        assert_eq!(labels(60, 3), "13:01:00");
    }
}
