//! Durations as PromQL writes them.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Unit, its length in milliseconds, and whether [`PromDuration`]'s `Display` uses it only when nothing remains.
const UNITS: [(&str, u64, bool); 7] = [
    ("y", 365 * DAY, true),
    ("w", 7 * DAY, true),
    ("d", DAY, false),
    ("h", 3_600_000, false),
    ("m", 60_000, false),
    ("s", 1_000, false),
    ("ms", 1, false),
];
const DAY: u64 = 86_400_000;

/// Prometheus keeps durations as signed nanoseconds; this is the largest one in milliseconds.
const MAX_MILLIS: u64 = i64::MAX as u64 / 1_000_000;

/// A length of time in whole milliseconds, written as Prometheus writes it: `5m`, `1h30m`, `1d`, `250ms`.
///
/// Parsing and printing follow `model.ParseDuration` and `model.Duration.String` of
/// [prometheus/common](https://github.com/prometheus/common/blob/main/model/time.go): units from `y` to `ms`, largest
/// first, each at most once; a day has 24 hours and a year 365 days.
///
/// ```
/// # use promql_presets_core::PromDuration;
/// let window: PromDuration = "90m".parse()?;
/// assert_eq!(window.to_string(), "1h30m");
/// assert_eq!(window.as_millis(), 5_400_000);
/// # Ok::<(), promql_presets_core::DurationError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PromDuration {
    millis: u64,
}

impl PromDuration {
    /// Zero: `0s`.
    pub const ZERO: Self = Self { millis: 0 };

    /// The longest duration, about 292 years.
    pub const MAX: Self = Self { millis: MAX_MILLIS };

    /// A duration in milliseconds, at most [`MAX`](Self::MAX).
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self { millis: if millis > MAX_MILLIS { MAX_MILLIS } else { millis } }
    }

    /// A duration in seconds, at most [`MAX`](Self::MAX).
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self::from_millis(secs.saturating_mul(1_000))
    }

    /// The length in milliseconds.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.millis
    }

    /// Whether the duration is zero.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.millis == 0
    }

    /// Writes it as `Display` does, without a formatter, since every query with a window calls it.
    pub(crate) fn write_to(self, out: &mut impl fmt::Write) -> fmt::Result {
        if self.millis == 0 {
            return out.write_str("0s");
        }
        let mut rest = self.millis;
        for (unit, millis, only_exact) in UNITS {
            if rest >= millis && (!only_exact || rest.is_multiple_of(millis)) {
                let count = rest / millis;
                write_decimal(out, count)?;
                out.write_str(unit)?;
                rest -= count * millis;
            }
        }
        Ok(())
    }
}

fn write_decimal(out: &mut impl fmt::Write, number: u64) -> fmt::Result {
    let mut power = 1;
    while number / power >= 10 {
        power *= 10;
    }
    while power > 0 {
        out.write_char(char::from(b'0' + (number / power % 10) as u8))?;
        power /= 10;
    }
    Ok(())
}

impl fmt::Display for PromDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_to(f)
    }
}

impl FromStr for PromDuration {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        match text {
            "" => return Err(DurationError::Empty),
            "0" => return Ok(Self::ZERO),
            _ => {}
        }
        let mut rest = text;
        let mut units = UNITS.as_slice();
        let mut total: u64 = 0;
        while !rest.is_empty() {
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, after) = rest.split_at(digits);
            let letters = after.len() - after.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
            let (unit, after) = after.split_at(letters);
            if number.is_empty() || (letters == 0 && !after.is_empty()) {
                return Err(DurationError::Invalid { text: text.to_owned() });
            }
            if unit.is_empty() {
                return Err(DurationError::MissingUnit { text: text.to_owned() });
            }
            let Some(at) = units.iter().position(|(name, ..)| *name == unit) else {
                let known = UNITS.iter().any(|(name, ..)| *name == unit);
                return Err(if known {
                    DurationError::UnitOrder { text: text.to_owned() }
                } else {
                    DurationError::UnknownUnit { unit: unit.to_owned() }
                });
            };
            total = number
                .parse::<u64>()
                .ok()
                .and_then(|count| count.checked_mul(units[at].1))
                .and_then(|millis| total.checked_add(millis))
                .filter(|millis| *millis <= MAX_MILLIS)
                .ok_or_else(|| DurationError::TooLong { text: text.to_owned() })?;
            units = &units[at + 1..];
            rest = after;
        }
        Ok(Self { millis: total })
    }
}

impl TryFrom<&str> for PromDuration {
    type Error = DurationError;

    fn try_from(text: &str) -> Result<Self, DurationError> {
        text.parse()
    }
}

impl TryFrom<String> for PromDuration {
    type Error = DurationError;

    fn try_from(text: String) -> Result<Self, DurationError> {
        text.parse()
    }
}

impl TryFrom<&String> for PromDuration {
    type Error = DurationError;

    fn try_from(text: &String) -> Result<Self, DurationError> {
        text.parse()
    }
}

/// Fails for fractions of a millisecond, and above [`PromDuration::MAX`].
impl TryFrom<Duration> for PromDuration {
    type Error = DurationError;

    fn try_from(duration: Duration) -> Result<Self, DurationError> {
        if !duration.subsec_nanos().is_multiple_of(1_000_000) {
            return Err(DurationError::SubMillisecond { duration });
        }
        u64::try_from(duration.as_millis())
            .ok()
            .filter(|millis| *millis <= MAX_MILLIS)
            .map(|millis| Self { millis })
            .ok_or_else(|| DurationError::TooLong { text: format!("{duration:?}") })
    }
}

impl From<PromDuration> for Duration {
    fn from(duration: PromDuration) -> Self {
        Self::from_millis(duration.millis)
    }
}

/// A window as callers pass it: a [`PromDuration`], a [`Duration`], a text such as `5m`, or a number of seconds: `300`,
/// `0.5`, `"300"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window(PromDuration);

impl From<PromDuration> for Window {
    fn from(duration: PromDuration) -> Self {
        Self(duration)
    }
}

impl From<Window> for PromDuration {
    fn from(window: Window) -> Self {
        window.0
    }
}

impl TryFrom<Duration> for Window {
    type Error = DurationError;

    fn try_from(duration: Duration) -> Result<Self, DurationError> {
        duration.try_into().map(Self)
    }
}

impl FromStr for Window {
    type Err = DurationError;

    fn from_str(text: &str) -> Result<Self, DurationError> {
        match text.parse::<f64>() {
            Ok(seconds) if seconds.is_finite() && seconds.is_sign_positive() => seconds.try_into(),
            _ => text.parse().map(Self),
        }
    }
}

impl TryFrom<f64> for Window {
    type Error = DurationError;

    fn try_from(seconds: f64) -> Result<Self, DurationError> {
        if !seconds.is_finite() || seconds < 0.0 {
            return Err(DurationError::Invalid { text: seconds.to_string() });
        }
        let too_long = || DurationError::TooLong { text: seconds.to_string() };
        let exact = Duration::try_from_secs_f64(seconds).map_err(|_| too_long())?;
        // The binary number nearest to `0.001` is a little more than a millisecond.
        let millis = exact.saturating_add(Duration::from_micros(500)).as_millis();
        let millis = u64::try_from(millis).ok().filter(|millis| *millis <= MAX_MILLIS).ok_or_else(too_long)?;
        let rounded = Duration::from_millis(millis);
        if rounded.as_secs_f64().to_bits() == seconds.to_bits() { rounded.try_into() } else { exact.try_into() }
    }
}

macro_rules! windows_of_integers {
    ($($number:ty),*) => {$(
        impl TryFrom<$number> for Window {
            type Error = DurationError;

            fn try_from(seconds: $number) -> Result<Self, DurationError> {
                let text = || seconds.to_string();
                let whole = u64::try_from(seconds).map_err(|_| DurationError::Invalid { text: text() })?;
                let millis = whole.checked_mul(1_000).filter(|millis| *millis <= MAX_MILLIS);
                millis.map(|millis| Self(PromDuration { millis })).ok_or_else(|| DurationError::TooLong { text: text() })
            }
        }
    )*};
}

windows_of_integers!(i32, i64, u32, u64);

macro_rules! windows_of_texts {
    ($($text:ty),*) => {$(
        impl TryFrom<$text> for Window {
            type Error = DurationError;

            fn try_from(text: $text) -> Result<Self, DurationError> {
                text.parse()
            }
        }
    )*};
}

windows_of_texts!(&str, String, &String);

/// Why a text or a [`Duration`] is not a [`PromDuration`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DurationError {
    /// The text is empty.
    Empty,
    /// Not a number followed by a unit.
    Invalid {
        /// The input.
        text: String,
    },
    /// A number without a unit.
    MissingUnit {
        /// The input.
        text: String,
    },
    /// A unit that Prometheus does not know.
    UnknownUnit {
        /// The unit.
        unit: String,
    },
    /// A duplicate unit, or one after a smaller unit.
    UnitOrder {
        /// The input.
        text: String,
    },
    /// Longer than [`PromDuration::MAX`].
    TooLong {
        /// The input.
        text: String,
    },
    /// Not a whole number of milliseconds.
    SubMillisecond {
        /// The input.
        duration: Duration,
    },
}

impl fmt::Display for DurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("empty duration, expected one such as `5m`"),
            Self::Invalid { text } => write!(f, "invalid duration `{text}`, expected one such as `5m` or `1h30m`"),
            Self::MissingUnit { text } => write!(f, "duration `{text}` ends without a unit (ms, s, m, h, d, w or y)"),
            Self::UnknownUnit { unit } => {
                write!(f, "unknown unit `{unit}` in a duration, expected ms, s, m, h, d, w or y")
            }
            Self::UnitOrder { text } => {
                write!(f, "units of the duration `{text}` must go from large to small, each once")
            }
            Self::TooLong { text } => write!(f, "duration `{text}` is longer than 292 years"),
            Self::SubMillisecond { duration } => {
                write!(f, "duration `{duration:?}` is not a whole number of milliseconds")
            }
        }
    }
}

impl std::error::Error for DurationError {}

impl From<Infallible> for DurationError {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_prometheus_does() {
        for (text, printed) in [
            ("0", "0s"),
            ("0s", "0s"),
            ("324ms", "324ms"),
            ("3s", "3s"),
            ("5m", "5m"),
            ("1h", "1h"),
            ("60m", "1h"),
            ("90s", "1m30s"),
            ("4d", "4d"),
            ("4d1h", "4d1h"),
            ("14d", "2w"),
            ("3w", "3w"),
            ("3w2d1h", "23d1h"),
            ("8w5d", "61d"),
            ("365d", "1y"),
            ("10y", "10y"),
            ("1m1ms", "1m1ms"),
        ] {
            let duration: PromDuration = text.parse().unwrap();
            assert_eq!(duration.to_string(), printed, "{text}");
            assert_eq!(printed.parse::<PromDuration>().unwrap(), duration);
        }
    }

    #[test]
    fn rejects_what_prometheus_rejects() {
        for text in
            ["", "1", "-1d", "1s1m", "1m1m", "1.5h", "5 m", "m", "5min", "5mm", "300y", "1µs", "99999999999999999999s"]
        {
            assert!(text.parse::<PromDuration>().is_err(), "{text}");
        }
    }

    #[test]
    fn windows_are_also_numbers_of_seconds() {
        let window = |text: &str| text.parse::<Window>().map(|window| PromDuration::from(window).to_string());
        for (text, printed) in [
            ("5m", "5m"),
            ("300", "5m"),
            ("0.5", "500ms"),
            ("1.001", "1s1ms"),
            ("123456789.123", "1428d21h33m9s123ms"),
            ("1e3", "16m40s"),
            ("0", "0s"),
        ] {
            assert_eq!(window(text).as_deref(), Ok(printed), "{text}");
        }
        for (text, micros) in [("0.0015", 1500), ("0.0005", 500), ("1e-6", 1)] {
            assert_eq!(window(text), Err(DurationError::SubMillisecond { duration: Duration::from_micros(micros) }));
        }
        for text in ["-1", "-0.0", "inf", "NaN", "1e300", "", "5 m"] {
            assert!(window(text).is_err(), "{text}");
        }
        let minutes = Ok(Window(PromDuration::from_secs(300)));
        assert_eq!(
            [Window::try_from(300), Window::try_from(300_u64), Window::try_from(300.0)],
            [(); 3].map(|()| minutes.clone())
        );
        assert_eq!(
            Window::try_from(0.0015),
            Err(DurationError::SubMillisecond { duration: Duration::from_micros(1500) })
        );
        assert_eq!(Window::try_from(-1), Err(DurationError::Invalid { text: "-1".to_owned() }));
        assert_eq!(Window::try_from(u64::MAX), Err(DurationError::TooLong { text: u64::MAX.to_string() }));
        assert!([-0.5, f64::NAN, f64::INFINITY, 1e300].iter().all(|seconds| Window::try_from(*seconds).is_err()));
    }

    #[test]
    fn converts_without_loss() {
        assert_eq!(PromDuration::try_from(Duration::from_secs(90)).unwrap().to_string(), "1m30s");
        assert!(PromDuration::try_from(Duration::from_micros(1)).is_err());
        assert!(PromDuration::try_from(Duration::MAX).is_err());
        assert_eq!(Duration::from(PromDuration::from_secs(3)), Duration::from_secs(3));
    }
}
