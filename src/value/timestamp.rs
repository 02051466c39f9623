//! Points in time with millisecond precision, as in Prometheus.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::decimal::millis;

const DAY: i64 = 86_400_000;

/// A point in time: milliseconds since 1970-01-01T00:00:00Z.
///
/// It parses RFC 3339 and Unix seconds, and prints RFC 3339 in UTC:
///
/// ```
/// # use promql_presets::Timestamp;
/// let time: Timestamp = "2024-02-29T12:00:00.250+01:00".parse()?;
/// assert_eq!(time.to_string(), "2024-02-29T11:00:00.250Z");
/// assert_eq!(time, "1709204400.25".parse()?);
/// # Ok::<(), promql_presets::ParseTimestampError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The earliest timestamp.
    pub const MIN: Self = Self(i64::MIN);
    /// The latest timestamp.
    pub const MAX: Self = Self(i64::MAX);

    /// Creates a timestamp from milliseconds since 1970.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Creates a timestamp from seconds since 1970, clamped to [`Timestamp::MIN`] and [`Timestamp::MAX`].
    #[must_use]
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// Seconds since 1970, exact to the millisecond up to the year 287,000 or so.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "documented")]
    pub const fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// The current time of the system clock.
    #[must_use]
    pub fn now() -> Self {
        Self::try_from(SystemTime::now()).unwrap_or(Self::MAX)
    }

    /// Adds a duration, truncated to milliseconds. Returns `None` past [`Timestamp::MAX`].
    #[must_use]
    pub fn checked_add(self, duration: Duration) -> Option<Self> {
        let millis = i64::try_from(duration.as_millis()).ok()?;
        self.0.checked_add(millis).map(Self)
    }

    /// Subtracts a duration, truncated to milliseconds. Returns `None` before [`Timestamp::MIN`].
    #[must_use]
    pub fn checked_sub(self, duration: Duration) -> Option<Self> {
        let millis = i64::try_from(duration.as_millis()).ok()?;
        self.0.checked_sub(millis).map(Self)
    }

    /// The time elapsed since `earlier`, or `None` if `earlier` is later.
    #[must_use]
    pub fn duration_since(self, earlier: Self) -> Option<Duration> {
        let millis = i128::from(self.0) - i128::from(earlier.0);
        u64::try_from(millis).ok().map(Duration::from_millis)
    }

    /// Unix seconds with up to three decimals, the format of the HTTP API: `1709204400.25`.
    #[must_use]
    pub fn to_unix_seconds(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (seconds, millis) = (self.0.unsigned_abs() / 1000, self.0.unsigned_abs() % 1000);
        match millis {
            0 => format!("{sign}{seconds}"),
            _ => format!("{sign}{seconds}.{millis:03}"),
        }
    }
}

/// Fails if the time does not fit into 64 bits of milliseconds. Times are rounded down to milliseconds.
impl TryFrom<SystemTime> for Timestamp {
    type Error = ParseTimestampError;

    fn try_from(time: SystemTime) -> Result<Self, Self::Error> {
        let epoch = Self::default();
        match time.duration_since(UNIX_EPOCH) {
            Ok(after) => epoch.checked_add(after),
            // Rounded down, to preserve the order.
            Err(before) => epoch.checked_sub(before.duration() + Duration::from_nanos(999_999)),
        }
        .ok_or_else(|| ParseTimestampError { text: format!("{time:?}") })
    }
}

/// Fails if the time is outside of the range of the system's clock.
impl TryFrom<Timestamp> for SystemTime {
    type Error = ParseTimestampError;

    fn try_from(time: Timestamp) -> Result<Self, Self::Error> {
        let distance = Duration::from_millis(time.0.unsigned_abs());
        let system = if time.0 < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) };
        system.ok_or_else(|| ParseTimestampError { text: time.to_string() })
    }
}

/// Writes RFC 3339 in UTC, with milliseconds unless they are zero; Unix seconds outside of the years 0 to 9999, which
/// RFC 3339 does not cover. Honours width and alignment.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.0.div_euclid(DAY));
        if !(0..=9999).contains(&year) {
            return f.pad(&self.to_unix_seconds());
        }
        let millis = self.0.rem_euclid(DAY);
        let (seconds, millis) = (millis / 1000, millis % 1000);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        let fraction = if millis == 0 { String::new() } else { format!(".{millis:03}") };
        f.pad(&format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z"))
    }
}

/// A text that is neither RFC 3339 nor Unix seconds, or a time that is out of range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseTimestampError {
    text: String,
}

impl fmt::Display for ParseTimestampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { text } = self;
        write!(f, "expected a time such as `2024-02-29T12:00:00Z` or Unix seconds, found `{}`", text.escape_debug())
    }
}

impl std::error::Error for ParseTimestampError {}

/// Parses RFC 3339 with any offset, or Unix seconds. Fractions are rounded to milliseconds.
impl FromStr for Timestamp {
    type Err = ParseTimestampError;

    #[inline]
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_rfc3339(text.as_bytes())
            .or_else(|| millis(text.as_bytes()))
            .map(Self)
            .ok_or_else(|| ParseTimestampError { text: text.to_owned() })
    }
}

impl TryFrom<&str> for Timestamp {
    type Error = ParseTimestampError;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl TryFrom<String> for Timestamp {
    type Error = ParseTimestampError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl TryFrom<&String> for Timestamp {
    type Error = ParseTimestampError;

    fn try_from(text: &String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

#[inline]
fn parse_rfc3339(text: &[u8]) -> Option<i64> {
    let (date, rest) = text.split_at_checked(19)?;
    let field = |range: std::ops::Range<usize>| {
        let digits = &date[range];
        digits.iter().try_fold(0, |number, byte| byte.is_ascii_digit().then(|| number * 10 + i64::from(byte - b'0')))
    };
    let separators = [4, 7, 10, 13, 16].map(|at| date[at]);
    if !matches!(separators, [b'-', b'-', b'T' | b't' | b' ', b':', b':']) {
        return None;
    }
    let (year, month, day) = (field(0..4)?, field(5..7)?, field(8..10)?);
    let (hour, minute, second) = (field(11..13)?, field(14..16)?, field(17..19)?);
    // A leap second becomes the first second of the next minute.
    let valid = (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !valid {
        return None;
    }
    let (millis, offset) = match rest {
        [b'.', rest @ ..] => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let fraction = &rest[..digits];
            let digit = |at: usize| fraction.get(at).map_or(0, |byte| i64::from(byte - b'0'));
            let millis = digit(0) * 100 + digit(1) * 10 + digit(2) + i64::from(digit(3) >= 5);
            (digits > 0).then_some((millis, &rest[digits..]))?
        }
        _ => (0, rest),
    };
    let offset_minutes = match offset {
        b"Z" | b"z" => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] if [h1, h2, m1, m2].iter().all(|byte| byte.is_ascii_digit()) => {
            let number = |tens: &u8, ones: &u8| i64::from(tens - b'0') * 10 + i64::from(ones - b'0');
            let (hours, minutes) = (number(h1, h2), number(m1, m2));
            let offset = (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)?;
            if *sign == b'-' { -offset } else { offset }
        }
        _ => return None,
    };
    let seconds = (hour * 60 + minute - offset_minutes) * 60 + second;
    Some(days_from_civil(year, month, day) * DAY + seconds * 1000 + millis)
}

#[inline]
fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Converts a date of the proleptic Gregorian calendar to days since 1970-01-01. Years start in March internally, so
/// that the leap day is the last day.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Converts days since 1970-01-01 to a date: the inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let (day, month) = (day_of_year - (153 * shifted_month + 2) / 5 + 1, (shifted_month + 2) % 12 + 1);
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_times_are_written_as_rfc_3339() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00Z"),
            (1_435_781_430_781, "2015-07-01T20:10:30.781Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (253_402_300_800_000, "253402300800"),
            (-62_167_219_200_000, "0000-01-01T00:00:00Z"),
            (-62_167_219_200_001, "-62167219200.001"),
        ] {
            assert_eq!(Timestamp::from_millis(millis).to_string(), text);
            assert_eq!(text.parse(), Ok(Timestamp::from_millis(millis)));
        }
    }

    #[test]
    fn dates_round_trip() {
        for days in -150_000..150_000 {
            let (year, month, day) = civil_from_days(days);
            assert_eq!(days_from_civil(year, month, day), days);
            assert!((1..=days_in_month(year, month)).contains(&day));
        }
    }

    #[test]
    fn extremes_round_trip() {
        for time in [Timestamp::MIN, Timestamp::MAX] {
            assert_eq!(time.to_string().parse(), Ok(time));
        }
    }

    #[test]
    fn offsets_fractions_and_seconds_are_parsed() {
        for (text, millis) in [
            ("1970-01-01T01:00:00+01:00", 0),
            ("1970-01-01t00:00:00.0005z", 1),
            ("1970-01-01 00:00:01-00:01", 61_000),
            ("1.2345", 1235),
            ("-0.001", -1),
            ("1.7e9", 1_700_000_000_000),
        ] {
            assert_eq!(text.parse(), Ok(Timestamp::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn other_texts_are_rejected() {
        for text in [
            "",
            "now",
            "2024-02-30T00:00:00Z",
            "2024-01-01T00:00:00",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:00:00.Z",
            "2024-01-01T00:00:00+1:00",
            "2024-01-01",
            "NaN",
            "inf",
            "1e300",
            "99999999999999999999",
            "2024-01-01T00:00:00é",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(ParseTimestampError { text: text.to_owned() }));
        }
    }

    #[test]
    fn strings_of_any_type_are_parsed() {
        let text = "1.5".to_owned();
        assert_eq!(Timestamp::try_from(&text), Ok(Timestamp::from_millis(1500)));
        assert_eq!(Timestamp::try_from(text.as_str()), Ok(Timestamp::from_millis(1500)));
        assert_eq!(Timestamp::try_from(text), Ok(Timestamp::from_millis(1500)));
    }

    #[test]
    fn system_times_convert_both_ways() {
        for millis in [0, 1_435_781_430_781, -5] {
            let time = Timestamp::from_millis(millis);
            assert_eq!(SystemTime::try_from(time).and_then(Timestamp::try_from), Ok(time));
        }
        let before = UNIX_EPOCH - Duration::from_nanos(1);
        assert_eq!(Timestamp::try_from(before), Ok(Timestamp::from_millis(-1)));
    }

    #[test]
    fn arithmetic_stops_at_the_ends() {
        let second = Duration::from_secs(1);
        assert_eq!(Timestamp::from_secs(1).checked_sub(second), Some(Timestamp::default()));
        assert_eq!(Timestamp::MAX.checked_add(second), None);
        assert_eq!(Timestamp::MIN.checked_sub(second), None);
        assert_eq!(Timestamp::from_secs(3).duration_since(Timestamp::from_secs(1)), Some(second * 2));
        assert_eq!(Timestamp::from_secs(1).duration_since(Timestamp::from_secs(3)), None);
        assert_eq!(Timestamp::from_secs(i64::MAX), Timestamp::MAX);
    }
}
