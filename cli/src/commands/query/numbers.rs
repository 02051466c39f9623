//! Numbers for people: with a unit, and few digits.

use promql_presets::Histogram;

/// The significant digits of numbers. Those of an axis have as many as distinguish them.
const DIGITS: i32 = 4;
const MAX_DIGITS: i32 = 15;

/// How the numbers of a unit are scaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// `Ki`, `Mi`, `Gi`.
    Binary,
    /// `ms`, `min`, `h`.
    Time,
    /// `k`, `M`, `G`; small numbers as they are, since `m` is also short for million.
    Decimal,
}

const DECIMAL: [(f64, &str); 7] =
    [(1e18, "E"), (1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, "")];
const BINARY: [(f64, &str); 7] = [
    (1_152_921_504_606_846_976.0, "Ei"),
    (1_125_899_906_842_624.0, "Pi"),
    (1_099_511_627_776.0, "Ti"),
    (1_073_741_824.0, "Gi"),
    (1_048_576.0, "Mi"),
    (1024.0, "Ki"),
    (1.0, ""),
];
const TIME: [(f64, &str); 7] =
    [(86_400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")];

impl Scale {
    pub(super) fn of(unit: Option<&str>) -> Self {
        match unit.unwrap_or_default() {
            unit if unit.starts_with("byte") => Self::Binary,
            "seconds" | "second" | "s" => Self::Time,
            _ => Self::Decimal,
        }
    }

    const fn prefixes(self) -> &'static [(f64, &'static str)] {
        match self {
            Self::Binary => &BINARY,
            Self::Time => &TIME,
            Self::Decimal => &DECIMAL,
        }
    }

    /// The factor and the prefix of numbers without one.
    fn none(self) -> (f64, &'static str) {
        self.prefixes().iter().find(|(factor, _)| *factor <= 1.0).copied().unwrap_or((1.0, ""))
    }

    /// The factor and the prefix with which a number has one to three digits before the point, if there is such a prefix.
    pub(super) fn prefix(self, number: f64) -> (f64, &'static str) {
        let fits = |(factor, _): &&(f64, &str)| number.abs() >= *factor;
        // Zero, and what is smaller than any prefix, have none.
        let found = self.prefixes().iter().find(fits).filter(|_| number != 0.0);
        found.copied().unwrap_or_else(|| self.none())
    }
}

/// A number with its unit: `1.5 GiB`, `250 ms`, `12.3k requests`.
pub(super) fn human(number: f64, unit: Option<&str>) -> String {
    let text = short(number, unit);
    let rest = match Scale::of(unit) {
        _ if !number.is_finite() => "",
        Scale::Time => "",
        Scale::Binary => unit.map_or("", |unit| unit.trim_start_matches("byte").trim_start_matches('s')),
        Scale::Decimal => return unit.map(|unit| format!("{text} {unit}")).unwrap_or(text),
    };
    text + rest
}

/// A number without the words of its unit, which are shown elsewhere.
pub(super) fn short(number: f64, unit: Option<&str>) -> String {
    scaled(number, Scale::of(unit), DIGITS)
}

/// The numbers of an axis, as short as possible without two being equal.
pub(super) fn labels(ticks: &[f64], unit: Option<&str>) -> Vec<String> {
    let with = |digits| ticks.iter().map(|tick| scaled(*tick, Scale::of(unit), digits)).collect::<Vec<_>>();
    let differ = |labels: &Vec<String>| labels.windows(2).all(|pair| pair[0] != pair[1]);
    (DIGITS..MAX_DIGITS).map(with).find(differ).unwrap_or_else(|| with(MAX_DIGITS))
}

fn scaled(number: f64, scale: Scale, significant: i32) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let (factor, prefix) = scale.prefix(number);
    // Beyond the largest prefix, numbers are shown with an exponent.
    let (number, prefix) =
        if (number / factor).abs() < 1e5 { (number / factor, prefix) } else { (number, scale.none().1) };
    let digits = digits(number, significant);
    match scale {
        Scale::Decimal => digits + prefix,
        Scale::Binary => format!("{digits} {prefix}B"),
        Scale::Time => format!("{digits} {prefix}"),
    }
}

/// Significant digits, without zeros at the end; very small and very large numbers as `1.5e-7`.
pub(super) fn digits(number: f64, significant: i32) -> String {
    let places = |count: i32| usize::try_from(count).unwrap_or(0);
    #[expect(clippy::cast_possible_truncation, reason = "at most 308")]
    let exponent = if number == 0.0 { 0 } else { number.abs().log10().floor() as i32 };
    let trimmed = |text: &str| {
        let end = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
        end.to_owned()
    };
    if (-3..6).contains(&exponent) {
        return trimmed(&format!("{number:.*}", places(significant - 1 - exponent)));
    }
    let text = format!("{number:.*e}", places(significant - 1));
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    format!("{}e{exponent}", trimmed(digits))
}

/// A statistic of a native histogram, with its name.
pub(super) type Statistic = (&'static str, fn(&Histogram) -> f64);

/// The statistics of native histograms that are shown.
pub(super) const STATISTICS: [Statistic; 5] = [
    ("count", |histogram| histogram.count),
    ("mean", mean),
    ("p50", |histogram| quantile(histogram, 0.5)),
    ("p90", |histogram| quantile(histogram, 0.9)),
    ("p99", |histogram| quantile(histogram, 0.99)),
];

/// A statistic without the words of its unit. The number of observations has none.
pub(super) fn short_statistic(name: &str, number: f64, unit: Option<&str>) -> String {
    short(number, unit.filter(|_| name != "count"))
}

/// The mean of a histogram.
fn mean(histogram: &Histogram) -> f64 {
    histogram.sum / histogram.count
}

/// The quantile of a histogram. Within a bucket, observations are taken to be spread as Prometheus does: exponentially, or
/// evenly around zero.
fn quantile(histogram: &Histogram, quantile: f64) -> f64 {
    let rank = quantile * histogram.count;
    let mut below = 0.0;
    for bucket in &histogram.buckets {
        if below + bucket.count >= rank && bucket.count > 0.0 {
            let share = ((rank - below) / bucket.count).clamp(0.0, 1.0);
            let (lower, upper) = (bucket.lower, bucket.upper);
            return if !lower.is_finite() || !upper.is_finite() {
                if lower.is_finite() { lower } else { upper }
            } else if lower > 0.0 || upper < 0.0 {
                lower * (upper / lower).powf(share)
            } else {
                lower + (upper - lower) * share
            };
        }
        below += bucket.count;
    }
    histogram.buckets.last().map_or(f64::NAN, |bucket| bucket.upper)
}

#[cfg(test)]
mod tests {
    use promql_presets::{Bounds, Bucket};

    use super::*;

    #[test]
    fn numbers_are_short() {
        for (number, unit, expected) in [
            (0.0, None, "0"),
            (1234.0, None, "1.234k"),
            (-0.25, None, "-0.25"),
            (0.012_345, Some("ratio"), "0.01235 ratio"),
            (1.5e-7, None, "1.5e-7"),
            (12.5, Some("requests per second"), "12.5 requests per second"),
            (1536.0, Some("bytes"), "1.5 KiB"),
            (3.0e9, Some("bytes per second"), "2.794 GiB per second"),
            (0.25, Some("seconds"), "250 ms"),
            (5400.0, Some("seconds"), "1.5 h"),
            (0.0, Some("seconds"), "0 s"),
            (1e-12, Some("seconds"), "1e-12 s"),
            (1e20, Some("seconds"), "1e20 s"),
            (-1e300, None, "-1e300"),
            (2.5e15, None, "2.5P"),
            (1e18, None, "1E"),
            (1e24, None, "1e24"),
            (2.5e18, Some("bytes"), "2.168 EiB"),
            (0.0, Some("bytes"), "0 B"),
            (f64::NAN, Some("bytes"), "NaN"),
            (f64::NEG_INFINITY, None, "-Inf"),
        ] {
            assert_eq!(human(number, unit), expected);
        }
    }

    #[test]
    fn numbers_of_an_axis_differ() {
        assert_eq!(labels(&[0.0, 30.0, 60.0], Some("seconds")), ["0 s", "30 s", "1 min"]);
        assert_eq!(labels(&[1e6, 1_000_000.5, 1_000_001.0], None), ["1M", "1.0000005M", "1.000001M"]);
        assert_eq!(labels(&[0.0, 5e9], Some("bytes per second")), ["0 B", "4.657 GiB"]);
    }

    #[test]
    fn quantiles_of_histograms() {
        let bucket = |lower, upper, count| Bucket::new(Bounds::OpenLeft, lower, upper, count);
        let histogram = Histogram::new(4.0, 10.0, [bucket(1.0, 2.0, 1.0), bucket(2.0, 4.0, 3.0)]);
        assert!((mean(&histogram) - 2.5).abs() < 1e-9);
        assert!((quantile(&histogram, 0.25) - 2.0).abs() < 1e-9);
        assert!((quantile(&histogram, 0.625) - 2.0 * 2f64.sqrt()).abs() < 1e-9);
        assert!((quantile(&histogram, 1.0) - 4.0).abs() < 1e-9);
        assert!(quantile(&Histogram::new(0.0, 0.0, []), 0.5).is_nan());
    }
}
