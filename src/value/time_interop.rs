//! Conversions from the time types of `chrono`, `jiff` and `time` to [`Timestamp`](crate::Timestamp).

#[cfg(feature = "chrono")]
impl<Tz: chrono::TimeZone> From<chrono::DateTime<Tz>> for crate::Timestamp {
    fn from(time: chrono::DateTime<Tz>) -> Self {
        Self::from_millis(time.timestamp_millis())
    }
}

#[cfg(feature = "jiff")]
impl From<jiff::Timestamp> for crate::Timestamp {
    fn from(time: jiff::Timestamp) -> Self {
        // Rounded down, to preserve the order.
        Self::from_millis(time.as_millisecond() - i64::from(time.subsec_nanosecond() % 1_000_000 < 0))
    }
}

#[cfg(feature = "jiff")]
impl From<&jiff::Zoned> for crate::Timestamp {
    fn from(time: &jiff::Zoned) -> Self {
        time.timestamp().into()
    }
}

#[cfg(feature = "jiff")]
impl From<jiff::Zoned> for crate::Timestamp {
    fn from(time: jiff::Zoned) -> Self {
        time.timestamp().into()
    }
}

#[cfg(feature = "time")]
impl From<time::OffsetDateTime> for crate::Timestamp {
    fn from(time: time::OffsetDateTime) -> Self {
        let millis = time.unix_timestamp_nanos().div_euclid(1_000_000);
        // The type has years up to 999,999.
        i64::try_from(millis).map_or(if millis < 0 { Self::MIN } else { Self::MAX }, Self::from_millis)
    }
}

#[cfg(test)]
mod tests {
    #[cfg(any(feature = "chrono", feature = "jiff", feature = "time"))]
    const CASES: [(i128, i64); 4] =
        [(0, 0), (1_435_781_430_781_999_999, 1_435_781_430_781), (-1, -1), (-1_000_000, -1)];

    #[cfg(feature = "chrono")]
    #[test]
    fn chrono() {
        for (nanos, millis) in CASES {
            let time = chrono::DateTime::from_timestamp_nanos(i64::try_from(nanos).unwrap());
            assert_eq!(crate::Timestamp::from(time).as_millis(), millis);
        }
    }

    #[cfg(feature = "jiff")]
    #[test]
    fn jiff() {
        for (nanos, millis) in CASES {
            let time = jiff::Timestamp::from_nanosecond(nanos).unwrap();
            assert_eq!(crate::Timestamp::from(time).as_millis(), millis);
            assert_eq!(crate::Timestamp::from(&time.to_zoned(jiff::tz::TimeZone::UTC)).as_millis(), millis);
        }
    }

    #[cfg(feature = "time")]
    #[test]
    fn time() {
        for (nanos, millis) in CASES {
            let time = time::OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap();
            assert_eq!(crate::Timestamp::from(time).as_millis(), millis);
        }
    }
}
