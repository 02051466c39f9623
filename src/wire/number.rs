//! Decimal numbers to floats and milliseconds: exact, and fast for the numbers that Prometheus sends.
//!
//! Go writes the shortest digits that read back as the same float, so up to 17 of them, and an exponent only for the
//! very small and the very large. [`sample`] reads `[1700000000.123,"0.5"]` in one go. Whatever looks different, it
//! leaves to the slow path: tokens, and [`float`] and [`millis`] for what is in them.

/// A float in the notation of Go or JSON, rounded to nearest as `str::parse` does.
pub(super) fn float(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Seconds as milliseconds: digits beyond the third decimal are rounded, exponents are understood.
pub(crate) fn millis(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        _ => (false, text),
    };
    let point = digits.iter().position(|&byte| byte == b'.').unwrap_or(digits.len());
    let (seconds, fraction) = (&digits[..point], digits.get(point + 1..).unwrap_or_default());
    if !digits.iter().all(|byte| byte.is_ascii_digit() || *byte == b'.') {
        return millis_of_float(float(text)?);
    }
    if seconds.is_empty() || (fraction.is_empty() && point < digits.len()) || fraction.contains(&b'.') {
        return None;
    }
    let digit = |at: usize| fraction.get(at).map_or(0, |byte| i64::from(byte - b'0'));
    // Counted down from zero, for there is one more negative number.
    let whole =
        seconds.iter().try_fold(0_i64, |number, byte| number.checked_mul(10)?.checked_sub(i64::from(byte - b'0')));
    let fraction = digit(0) * 100 + digit(1) * 10 + digit(2) + i64::from(digit(3) >= 5);
    let millis = whole?.checked_mul(1000)?.checked_sub(fraction)?;
    if negative { Some(millis) } else { millis.checked_neg() }
}

#[expect(clippy::cast_possible_truncation, reason = "checked to be in range, and whole after rounding")]
fn millis_of_float(seconds: f64) -> Option<i64> {
    let millis = (seconds * 1000.0).round();
    // 2^63, which is the first float out of range.
    (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&millis).then_some(millis as i64)
}

/// One float sample, `[seconds,"value"]` without blanks, from the start of `bytes`: its milliseconds, its value and its
/// length. `None` where it is incomplete or anything but plain.
#[inline]
#[must_use]
pub fn sample(bytes: &[u8]) -> Option<(i64, f64, usize)> {
    // Ten digits of seconds are any time from 2001 to 2286. To look at fixed places lets the processor go on to the
    // value before it has read the time.
    let head: &[u8; 17] = bytes.first_chunk()?;
    let &[b'[', d0, d1, d2, d3, d4, d5, d6, d7, d8, d9, ref fraction @ ..] = head else { return None };
    let first_eight = eight_digits(u64::from_le_bytes([d0, d1, d2, d3, d4, d5, d6, d7]))?;
    let seconds = first_eight * 100 + digit(d8)? * 10 + digit(d9)?;
    let (millis, start) = match *fraction {
        [b',', b'"', ..] => (0, 13),
        [b'.', tenth, hundredth, last, b',', b'"'] => (digit(tenth)? * 100 + digit(hundredth)? * 10 + digit(last)?, 17),
        _ => return None,
    };
    let (value, end) = plain_float(bytes, start)?;
    if d0 == b'0' || bytes.get(end..end + 2)? != b"\"]" {
        return None;
    }
    Some(((seconds * 1000 + millis).cast_signed(), value, end + 2))
}

#[inline]
fn digit(byte: u8) -> Option<u64> {
    byte.is_ascii_digit().then(|| u64::from(byte - b'0'))
}

/// Digits, a point and digits, with a sign or without: the float and where it ends. `None` for any other notation.
#[inline]
pub(super) fn plain_float(bytes: &[u8], start: usize) -> Option<(f64, usize)> {
    let negative = *bytes.get(start)? == b'-';
    let start = start + usize::from(negative);
    let (mut number, integer) = digits(bytes, start, 0)?;
    if integer == 0 {
        return None;
    }
    let (mut at, mut decimals) = (start + integer, 0);
    if *bytes.get(at)? == b'.' {
        (number, decimals) = digits(bytes, at + 1, number)?;
        at += 1 + decimals;
        if decimals == 0 {
            return None;
        }
    }
    let value = divide_by_power_of_ten(number, decimals)?;
    Some((if negative { -value } else { value }, at))
}

/// Appends the digits at `start` to a number: the number and how many they were. `None` where the number would have more
/// than 19 digits, or close to the end of `bytes`.
#[inline]
fn digits(bytes: &[u8], start: usize, mut number: u64) -> Option<(u64, usize)> {
    let mut total = 0;
    loop {
        let word = u64::from_le_bytes(*bytes.get(start + total..)?.first_chunk()?);
        // Eight digits are a case of their own so that the processor can guess where the next ones are.
        let (group, count) = match eight_digits(word) {
            Some(group) => (group, 8),
            None => leading_digits(word),
        };
        if number >= POWERS_OF_TEN[19 - count] {
            return None;
        }
        number = number * POWERS_OF_TEN[count] + group;
        total += count;
        if count < 8 {
            return Some((number, total));
        }
    }
}

const EACH: u64 = 0x0101_0101_0101_0101;

/// The top bit of each of eight characters that is no digit, up to the first; those after it may be wrong.
#[inline]
fn others(word: u64) -> u64 {
    // Digits become 0 to 9, anything else becomes more. Adding 0x76 sets the top bit from 10 on, and carries from 0x8A
    // on, which is to the characters after it alone.
    let values = word ^ (EACH * 0x30);
    (values.wrapping_add(EACH * 0x76) | values) & (EACH * 0x80)
}

/// The number that eight digits make.
#[inline]
fn eight_digits(word: u64) -> Option<u64> {
    (others(word) == 0).then(|| add_up(word ^ (EACH * 0x30)))
}

/// The number that the first digits, fewer than eight, make, and how many they are.
#[inline]
fn leading_digits(word: u64) -> (u64, usize) {
    let count = others(word).trailing_zeros() / 8;
    // Zeros in front instead of whatever is behind; in two steps, as a shift by all 64 bits is none.
    (add_up((word ^ (EACH * 0x30)) << 8 << (56 - 8 * count)), count as usize)
}

/// Adds up eight digits: to pairs, to fours, to the number.
#[inline]
fn add_up(digits: u64) -> u64 {
    let pairs = digits.wrapping_mul(10 * 256 + 1) >> 8;
    let fours = (pairs & 0x00FF_00FF_00FF_00FF).wrapping_mul(100 * 65_536 + 1) >> 16;
    (fours & 0x0000_FFFF_0000_FFFF).wrapping_mul(10_000 * 4_294_967_296 + 1) >> 32
}

/// `number / 10^decimals`, rounded to the nearest float, to the even one of two. `None` past 27 decimals.
#[inline]
#[expect(clippy::cast_precision_loss, reason = "the one rounding, to nearest")]
fn divide_by_power_of_ten(number: u64, decimals: usize) -> Option<f64> {
    if decimals == 0 {
        return Some(number as f64);
    }
    let divisor = DIVISORS.get(decimals)?;
    if number == 0 {
        return Some(0.0);
    }
    // number / 10^n = number / 5^n / 2^n. Both sides of the division are scaled so that their top bit is set, which
    // gives 62 or 63 bits of quotient; a remainder counts as one more bit. Rounding these to the 53 of a float is
    // exact, and so is the power of two, as no result is near the ends of the range.
    let scale = number.leading_zeros();
    let scaled = number << scale;
    let (quotient, has_rest) = divisor.divide(scaled >> 2, scaled << 62);
    let rounded = (quotient | u64::from(has_rest)).cast_signed() as f64;
    let exponent = u64::from(1023 - 62 + divisor.scale) - u64::from(scale) - decimals as u64;
    Some(rounded * f64::from_bits(exponent << 52))
}

/// A power of five, scaled so that its top bit is set, with its reciprocal.
struct Divisor {
    value: u64,
    /// `(2^128 - 1) / value - 2^64`.
    reciprocal: u64,
    /// How far the power of five was shifted.
    scale: u32,
}

impl Divisor {
    const fn power_of_five(exponent: u32) -> Self {
        let power = 5_u64.pow(exponent);
        let scale = power.leading_zeros();
        let value = power << scale;
        // The top bit of the quotient is 2^64, and is not kept.
        #[expect(clippy::cast_possible_truncation, reason = "drops that top bit alone")]
        let reciprocal = (u128::MAX / value as u128) as u64;
        Self { value, reciprocal, scale }
    }

    /// The quotient of `high * 2^64 + low`, where `high` is less than the divisor, and whether there is a remainder.
    ///
    /// Möller and Granlund, "Improved division by invariant integers", algorithm 4.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "takes the halves of a product apart")]
    fn divide(&self, high: u64, low: u64) -> (u64, bool) {
        let product = u128::from(self.reciprocal) * u128::from(high) + ((u128::from(high) << 64) | u128::from(low));
        let mut quotient = ((product >> 64) as u64).wrapping_add(1);
        let mut rest = low.wrapping_sub(quotient.wrapping_mul(self.value));
        if rest > product as u64 {
            quotient = quotient.wrapping_sub(1);
            rest = rest.wrapping_add(self.value);
        }
        if rest >= self.value {
            quotient = quotient.wrapping_add(1);
            rest -= self.value;
        }
        (quotient, rest != 0)
    }
}

/// Of 5^0 to 5^27, which is the last one below 2^64.
static DIVISORS: [Divisor; 28] = {
    let mut divisors = [const { Divisor::power_of_five(0) }; 28];
    let mut exponent = 0;
    while exponent < 28 {
        divisors[exponent as usize] = Divisor::power_of_five(exponent);
        exponent += 1;
    }
    divisors
};

/// 10^0 to 10^19.
static POWERS_OF_TEN: [u64; 20] = {
    let mut powers = [1; 20];
    let mut at = 1;
    while at < 20 {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Option<f64> {
        let (value, end) = plain_float(format!("{text}\"       ").as_bytes(), 0)?;
        (end == text.len()).then_some(value)
    }

    #[test]
    fn plain_floats_are_exact() {
        // The last ones are halfway between two floats, or a digit away from it.
        for text in [
            "0",
            "-0",
            "1",
            "-1.5",
            "0.1",
            "0.30000000000000004",
            "123456789.12345678",
            "9007199254740993",
            "0.000001",
            "9999999999999999999",
            "1.7976931348623157",
            "12345678",
            "123456789012345678",
            "0.000000000000000000000000001",
            "9007199254740993.0",
            "9007199254740993.001",
            "4503599627370496.5",
            "4503599627370497.5",
            "4503599627370497.499",
            "00001.5",
            "5.0000000000000000000000000",
        ] {
            let expected: f64 = text.parse().unwrap();
            if let Some(value) = plain(text) {
                assert_eq!(value.to_bits(), expected.to_bits(), "{text}");
            } else {
                assert!(text.len() > 19, "{text} is plain");
            }
        }
    }

    #[test]
    fn random_floats_are_exact() {
        let mut random = 0x9E37_79B9_7F4A_7C15_u64;
        let mut next = || {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            random
        };
        for _ in 0..200_000 {
            let digits = next() >> (next() % 64);
            let decimals = usize::try_from(next() % 28).unwrap();
            let text = format!("{digits:0width$}", width = decimals + 1);
            let text = format!("{}.{}", &text[..text.len() - decimals], &text[text.len() - decimals..]);
            let expected: f64 = text.parse().unwrap();
            if let Some(value) = divide_by_power_of_ten(digits, decimals) {
                assert_eq!(value.to_bits(), expected.to_bits(), "{text}");
            }
            if let Some(value) = plain(&text) {
                assert_eq!(value.to_bits(), expected.to_bits(), "{text}");
            }
        }
    }

    #[test]
    fn other_notations_are_left_to_the_slow_path() {
        for text in ["", "-", ".5", "1.", "+1", "1e5", "NaN", "+Inf", "1 ", "12345678901234567890", "--1", "1.2.3"] {
            assert_eq!(plain(text), None, "{text}");
        }
        assert_eq!(float(b"1e-7"), Some(1e-7));
        assert_eq!(float(b"-Inf"), Some(f64::NEG_INFINITY));
        assert!(float(b"NaN").is_some_and(f64::is_nan));
        assert_eq!(float(b"0x1p3"), None);
        assert_eq!(float(b""), None);
    }

    #[test]
    fn samples_are_read_in_one_go() {
        let read = |text: &str| sample(format!("{text},[1700000000,").as_bytes());
        assert_eq!(read(r#"[1700000000.123,"0.5"]"#), Some((1_700_000_000_123, 0.5, 22)));
        assert_eq!(read(r#"[9999999999,"-3"]"#), Some((9_999_999_999_000, -3.0, 17)));
        for other in [
            r#"[170000000,"1"]"#,
            r#"[17000000000,"1"]"#,
            r#"[1700000000.12,"1"]"#,
            r#"[1700000000.1234,"1"]"#,
            r#"[-170000000,"1"]"#,
            r#"[0700000000,"1"]"#,
            r#"[1700000000., "1"]"#,
            r#"[1700000000, "1"]"#,
            r#"[1700000000,"1" ]"#,
            "[1700000000,1]",
            "{1700000000,1]",
        ] {
            assert_eq!(read(other), None, "{other}");
        }
    }

    #[test]
    fn every_length_of_digits_is_told_from_every_byte_behind_it() {
        for length in 0..=7 {
            for behind in (0..=255_u8).filter(|byte| !byte.is_ascii_digit()) {
                let mut text = *b"98765432";
                text[length] = behind;
                let expected = text[..length].iter().fold(0, |number, byte| number * 10 + u64::from(byte - b'0'));
                assert_eq!(leading_digits(u64::from_le_bytes(text)), (expected, length));
                assert_eq!(eight_digits(u64::from_le_bytes(text)), None);
            }
        }
        assert_eq!(eight_digits(u64::from_le_bytes(*b"98765432")), Some(98_765_432));
    }

    #[test]
    fn seconds_become_milliseconds() {
        for (text, expected) in [
            ("1700000000", Some(1_700_000_000_000)),
            ("1700000000.1", Some(1_700_000_000_100)),
            ("1700000000.123", Some(1_700_000_000_123)),
            ("1700000000.1234", Some(1_700_000_000_123)),
            ("1700000000.1239999", Some(1_700_000_000_123 + 1)),
            ("0.9996", Some(1000)),
            ("-0.001", Some(-1)),
            ("1.7e9", Some(1_700_000_000_000)),
            ("-9223372036854775.808", Some(i64::MIN)),
            ("9223372036854775.807", Some(i64::MAX)),
            ("9223372036854775.808", None),
            ("1e300", None),
            ("NaN", None),
            ("", None),
            (".5", None),
            ("1.", None),
            ("1.2.3", None),
        ] {
            assert_eq!(millis(text.as_bytes()), expected, "{text}");
        }
    }
}
