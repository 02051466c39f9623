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
pub(super) fn sample(bytes: &[u8]) -> Option<(i64, f64, usize)> {
    if *bytes.first()? != b'[' {
        return None;
    }
    let (seconds, mut at) = digits(bytes, 1)?;
    // More digits would be out of range, or have a leading zero, which JSON does not allow.
    if at == 1 || at > 13 || (bytes[1] == b'0' && at > 2) {
        return None;
    }
    let mut fraction = 0;
    if *bytes.get(at)? == b'.' {
        let (number, end) = digits(bytes, at + 1)?;
        fraction = match end - at {
            2 => number * 100,
            3 => number * 10,
            4 => number,
            _ => return None,
        };
        at = end;
    }
    if bytes.get(at..at + 2)? != b",\"" {
        return None;
    }
    let (value, at) = plain_float(bytes, at + 2)?;
    if bytes.get(at..at + 2)? != b"\"]" {
        return None;
    }
    let millis = i64::try_from(seconds * 1000 + fraction).ok()?;
    Some((millis, value, at + 2))
}

/// Digits, a point and digits, with a sign or without: the float and where it ends. `None` for any other notation.
#[inline]
pub(super) fn plain_float(bytes: &[u8], start: usize) -> Option<(f64, usize)> {
    let negative = *bytes.get(start)? == b'-';
    let start = start + usize::from(negative);
    let (mut digits_so_far, mut at) = digits(bytes, start)?;
    if at == start {
        return None;
    }
    let mut decimals = 0;
    if *bytes.get(at)? == b'.' {
        (digits_so_far, decimals) = more_digits(bytes, at + 1, digits_so_far)?;
        at += 1 + decimals;
        if decimals == 0 {
            return None;
        }
    }
    let value = divide_by_power_of_ten(digits_so_far, decimals)?;
    Some((if negative { -value } else { value }, at))
}

/// The number at `start`, and where its digits end. `None` past 19 digits, or close to the end of `bytes`.
#[inline]
fn digits(bytes: &[u8], start: usize) -> Option<(u64, usize)> {
    let (number, count) = more_digits(bytes, start, 0)?;
    Some((number, start + count))
}

/// Appends the digits at `start` to a number: the number and how many they were. `None` where the number would have more
/// than 19 digits, or close to the end of `bytes`.
#[inline]
fn more_digits(bytes: &[u8], start: usize, mut number: u64) -> Option<(u64, usize)> {
    let mut total = 0;
    loop {
        let word = u64::from_le_bytes(*bytes.get(start + total..)?.first_chunk()?);
        let (group, count) = leading_digits(word);
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

/// The number that the first digits of eight characters make, and how many they are.
#[inline]
fn leading_digits(word: u64) -> (u64, usize) {
    const EACH: u64 = 0x0101_0101_0101_0101;
    // Digits become 0 to 9, anything else becomes more. Adding 0x76 sets the top bit from 10 on; carries only reach
    // characters after the first that is no digit.
    let values = word ^ (EACH * 0x30);
    let others = (values.wrapping_add(EACH * 0x76) | values) & (EACH * 0x80);
    let count = others.trailing_zeros() / 8;
    if count == 0 {
        return (0, 0);
    }
    // Zeros in front instead of whatever is behind, then neighbours are added up: digits, pairs, fours.
    let values = values << (64 - 8 * count);
    let pairs = (values & (EACH * 0x0F)).wrapping_mul(10 * 256 + 1) >> 8;
    let fours = (pairs & 0x00FF_00FF_00FF_00FF).wrapping_mul(100 * 65_536 + 1) >> 16;
    let eight = (fours & 0x0000_FFFF_0000_FFFF).wrapping_mul(10_000 * 4_294_967_296 + 1) >> 32;
    (eight, count as usize)
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
        assert_eq!(read(r#"[0,"-3"]"#), Some((0, -3.0, 8)));
        assert_eq!(read(r#"[7.1,"1"]"#).map(|(time, ..)| time), Some(7100));
        assert_eq!(read(r#"[7.12,"1"]"#).map(|(time, ..)| time), Some(7120));
        for other in
            [r#"[1.2345,"1"]"#, r#"[-1,"1"]"#, r#"[01,"1"]"#, r#"[1.,"1"]"#, r#"[1, "1"]"#, r#"[1,"1" ]"#, r#"[1,1]"#]
        {
            assert_eq!(read(other), None, "{other}");
        }
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
