//! Decimal numbers to floats and milliseconds: exact, and fast for the numbers that Prometheus sends.
//!
//! Go writes the shortest digits that parse to the same float, at most 17, and an exponent only for very small and very
//! large numbers. [`sample`] reads `[1700000000.123,"0.5"]` without the lexer; for any other notation, the lexer finds
//! tokens, and [`float`] and [`millis`] parse them.
#![expect(clippy::inline_always, reason = "a third of the time of decoding went into calls between these")]

pub(crate) use crate::value::decimal::{float, millis};

/// The bytes in which a plain sample is read, more than its longest form.
pub(super) type Window = [u8; 64];

/// The bytes in which its value is read, after a time of one of two lengths.
type ValueWindow = [u8; 47];

/// The start of `bytes`, copied to `padded` and filled with zeros if it is too short.
#[inline(always)]
pub(super) fn window<'a>(bytes: &'a [u8], padded: &'a mut Option<Window>) -> &'a Window {
    bytes.first_chunk().unwrap_or_else(|| padded.insert(pad(bytes)))
}

#[cold]
fn pad<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut window = [0; N];
    let length = bytes.len().min(N);
    window[..length].copy_from_slice(&bytes[..length]);
    window
}

/// One float sample, `[seconds,"value"]` without blanks, from the start of `bytes`: its milliseconds, its value and its
/// length. `None` where it is incomplete or anything but plain.
#[inline(always)]
#[must_use]
pub fn sample(bytes: &[u8]) -> Option<(i64, f64, usize)> {
    let mut padded = None;
    let window = window(bytes, &mut padded);
    let (_, length) = time_text(window)?;
    let (value, end) = value(window, length)?;
    Some((time(window, length)?, value, end))
}

/// The text before the value of a plain sample, `[1700000000,"` or `[1700000000.123,"`: its first 16 characters, the
/// first one in the lowest byte, and its length.
pub(super) type TimeText = (u128, usize);

/// The value of a plain sample with this [`time_text`] that is followed by a comma, and the start of the next sample.
#[inline(always)]
pub(super) fn sample_at(window: &Window, (text, length): TimeText) -> Option<(f64, usize)> {
    if first_characters(window, length) != text || window[length - 1] != b'"' {
        return None;
    }
    let (value, end) = quoted_float(window[length..].first_chunk()?)?;
    let end = length + end;
    (window.get(end..end + 3)? == b"\"],").then_some((value, end + 3))
}

/// The first characters of the time of a sample whose value starts behind so many characters, the first one lowest.
#[inline(always)]
fn first_characters(window: &Window, length: usize) -> u128 {
    let mask = if length == 13 { (1 << (13 * 8)) - 1 } else { u128::MAX };
    window.first_chunk().map_or(0, |text| u128::from_le_bytes(*text)) & mask
}

/// The text before the value of a plain sample. [`time`] checks that the rest of it is digits.
#[inline(always)]
pub(super) fn time_text(window: &Window) -> Option<TimeText> {
    let length = match window[11..17] {
        [b',', b'"', ..] => 13,
        [b'.', .., b',', b'"'] => 17,
        _ => return None,
    };
    Some((first_characters(window, length), length))
}

/// The milliseconds of a plain sample whose value starts behind so many characters.
#[inline(always)]
pub(super) fn time(window: &Window, length: usize) -> Option<i64> {
    // Ten digits of seconds are any time from 2001 to 2286.
    let [b'[', d0 @ b'1'..=b'9', d1, ..] = *window else { return None };
    let low = values(window, 3)?;
    if non_digits(low) != 0 {
        return None;
    }
    let seconds = (digit(d0)? * 10 + digit(d1)?) * 100_000_000 + add_up(low);
    let millis = if length == 13 { 0 } else { digit(window[12])? * 100 + digit(window[13])? * 10 + digit(window[14])? };
    Some((seconds * 1000 + millis).cast_signed())
}

/// The value of a plain sample, and where the sample ends.
#[inline(always)]
pub(super) fn value(window: &Window, start: usize) -> Option<(f64, usize)> {
    let (value, end) = quoted_float(window.get(start..)?.first_chunk()?)?;
    let end = start + end;
    (window.get(end..end + 2)? == b"\"]").then_some((value, end + 2))
}

#[inline]
fn digit(byte: u8) -> Option<u64> {
    byte.is_ascii_digit().then(|| u64::from(byte - b'0'))
}

/// The float up to a quote, and where that is.
#[inline(always)]
fn quoted_float(window: &ValueWindow) -> Option<(f64, usize)> {
    plain_float(window).or_else(|| any_float(window))
}

/// [`quoted_float`] for exponents, infinities, NaN, and numbers that need exact rounding.
#[inline(never)]
fn any_float(window: &ValueWindow) -> Option<(f64, usize)> {
    let end = window.iter().position(|byte| *byte == b'"')?;
    let signed = signed_float(window).filter(|(_, length)| *length == end);
    signed.or_else(|| Some((float(&window[..end])?, end)))
}

/// Digits, which may have a point among the first eight characters: the float and where it ends. `None` for any other
/// notation, and for the few that take a closer look.
#[inline(always)]
#[expect(clippy::cast_precision_loss, reason = "the one rounding, to nearest")]
fn plain_float(window: &ValueWindow) -> Option<(f64, usize)> {
    let word = values(window, 0)?;
    let others = non_digits(word);
    let first = others & others.wrapping_neg();
    let integer = first_marked(first);
    match window[integer] {
        b'.' if others == first && !integer.is_multiple_of(8) => {
            // The digits on both sides of the point are one number.
            let below = (first >> 7) - 1;
            let joined = (word & below) | ((word >> 8) & !below);
            let (number, more) = digits(window, 8, add_up(joined << 8))?;
            let value = divide_by_power_of_ten(number, 7 - integer + more)?;
            (*window.get(8 + more)? == b'"').then_some((value, 8 + more))
        }
        b'"' if !integer.is_multiple_of(8) => Some((first_digits(word, integer) as f64, integer)),
        _ if integer == 8 => {
            let (number, more) = digits(window, 8, add_up(word))?;
            (*window.get(8 + more)? == b'"').then_some((number as f64, 8 + more))
        }
        _ => None,
    }
}

/// [`plain_float`] with a sign or a point anywhere.
fn signed_float(window: &ValueWindow) -> Option<(f64, usize)> {
    let start = usize::from(window[0] == b'-');
    let (mut number, integer) = digits(window, start, 0)?;
    if integer == 0 {
        return None;
    }
    let (mut end, mut decimals) = (start + integer, 0);
    if *window.get(end)? == b'.' {
        (number, decimals) = digits(window, end + 1, number)?;
        end += 1 + decimals;
        if decimals == 0 {
            return None;
        }
    }
    let value = divide_by_power_of_ten(number, decimals)?;
    Some((if start == 1 { -value } else { value }, end))
}

/// Appends the digits at `start` to a number: the number and how many they were. `None` where the number would have
/// more than 19 digits, or close to the end of the window.
#[inline(always)]
fn digits(window: &ValueWindow, start: usize, mut number: u64) -> Option<(u64, usize)> {
    let mut total = 0;
    loop {
        let word = values(window, start + total)?;
        let others = non_digits(word);
        // Eight digits are a case of their own so that the processor can guess where the next ones are.
        if others == 0 {
            if number >= POWERS_OF_TEN[11] {
                return None;
            }
            number = number * POWERS_OF_TEN[8] + add_up(word);
            total += 8;
        } else {
            let count = first_marked(others);
            if number >= POWERS_OF_TEN[19 - count] {
                return None;
            }
            number = number * POWERS_OF_TEN[count] + first_digits(word, count);
            return Some((number, total + count));
        }
    }
}

const EACH: u64 = 0x0101_0101_0101_0101;

/// The values of eight characters as if they were digits: 0 to 9 if they are, more if not.
#[inline(always)]
fn values(window: &[u8], start: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*window.get(start..)?.first_chunk()?) ^ (EACH * 0x30))
}

/// The top bit of each of eight bytes that is not a digit. After the first byte that is not ASCII, nines may be
/// marked too.
#[inline(always)]
fn non_digits(values: u64) -> u64 {
    // Adding 0x76 sets the top bit from 10 on. It carries from 0x8A on, where the top bit was set before.
    (values.wrapping_add(EACH * 0x76) | values) & (EACH * 0x80)
}

/// How many lanes come before the first of these top bits; eight if there are none.
#[inline(always)]
fn first_marked(top_bits: u64) -> usize {
    top_bits.trailing_zeros() as usize / 8
}

/// The number that the first of eight values make, of which there are fewer than eight.
#[inline(always)]
fn first_digits(values: u64, count: usize) -> u64 {
    // Zeros in front instead of whatever is behind; in two steps, as a shift by all 64 bits is none.
    add_up(values << 8 << (56 - 8 * count))
}

/// The number that eight digits make: pairs, fours, all.
#[inline]
fn add_up(digits: u64) -> u64 {
    let pairs = digits.wrapping_mul(10 * 256 + 1) >> 8;
    let fours = (pairs & 0x00FF_00FF_00FF_00FF).wrapping_mul(100 * 65_536 + 1) >> 16;
    (fours & 0x0000_FFFF_0000_FFFF).wrapping_mul(10_000 * 4_294_967_296 + 1) >> 32
}

/// `number / 10^decimals`, rounded to the nearest float. `None` past 27 decimals, and where that takes a closer look.
#[inline]
#[expect(clippy::cast_precision_loss, reason = "the one rounding, to nearest")]
fn divide_by_power_of_ten(number: u64, decimals: usize) -> Option<f64> {
    if decimals == 0 {
        return Some(number as f64);
    }
    // number / 10^n = number / 5^n / 2^n. Both factors have their top bit set, so the product has 127 or 128 bits. It
    // is too large by less than 2^64, as the reciprocal is by less than 1. So the true quotient is more than
    // `quotient` - 1 and less than `quotient` + 1, and rounds to the same float unless something halfway between two
    // floats, which ends in at least eight zeros, is as close.
    let Reciprocal { value, exponent } = RECIPROCALS.get(decimals)?;
    let scale = number.leading_zeros();
    let product = u128::from(number.wrapping_shl(scale)) * u128::from(*value);
    let quotient = (product >> 65) as u64;
    if (quotient + 1) & 0xFE != 0 {
        // A power of two, exactly: no result is near the ends of the range.
        let power = f64::from_bits((exponent - u64::from(scale)) << 52);
        return Some(quotient.cast_signed() as f64 * power);
    }
    // Short numbers often are floats themselves. Both sides are, so the division rounds once.
    (number < 1 << 53 && decimals <= 22).then(|| number as f64 / POWERS_OF_TEN_AS_FLOATS[decimals])
}

/// One divided by a power of five, scaled.
struct Reciprocal {
    /// Top bit set, rounded up.
    value: u64,
    /// Of the power of two by which the upper bits of a product are to be multiplied, as floats hold it.
    exponent: u64,
}

impl Reciprocal {
    const fn of_power_of_five(decimals: u32) -> Self {
        let power = 5_u64.pow(decimals);
        let bits = u64::BITS - power.leading_zeros();
        #[expect(clippy::cast_possible_truncation, reason = "below 2^64 for all but 5^0, which is never a divisor")]
        let value = (1_u128 << (63 + bits)).div_ceil(power as u128) as u64;
        Self { value, exponent: (1023 + 2 - bits - decimals) as u64 }
    }
}

/// Of 5^0 to 5^27, which is the last one below 2^64.
static RECIPROCALS: [Reciprocal; 28] = {
    let mut reciprocals = [const { Reciprocal::of_power_of_five(0) }; 28];
    let mut at = 0;
    while at < 28 {
        reciprocals[at as usize] = Reciprocal::of_power_of_five(at);
        at += 1;
    }
    reciprocals
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

/// 10^0 to 10^22, which is the last one that is a float.
static POWERS_OF_TEN_AS_FLOATS: [f64; 23] = {
    let mut powers = [1.0; 23];
    let mut at = 1;
    while at < 23 {
        powers[at] = powers[at - 1] * 10.0;
        at += 1;
    }
    powers
};

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Option<f64> {
        let window = pad(format!("{text}\"").as_bytes());
        let (value, end) = plain_float(&window).or_else(|| signed_float(&window))?;
        (end == text.len()).then_some(value)
    }

    /// Whether the text is plain; if so, its value is what the standard library reads.
    fn is_exact(text: &str) -> bool {
        let (value, expected) = (plain(text), text.parse::<f64>().unwrap());
        assert_eq!(value.unwrap_or(expected).to_bits(), expected.to_bits(), "{text}");
        value.is_some()
    }

    #[test]
    fn plain_floats_are_exact() {
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
            "12345678.5",
            "123456789012345678",
            "00001.5",
        ] {
            assert!(is_exact(text), "{text} is plain");
        }
        // Too many digits, or halfway between two floats, or a digit away from it.
        for text in [
            "0.000000000000000000000000001",
            "9007199254740993.0",
            "9007199254740993.001",
            "4503599627370496.5",
            "4503599627370497.5",
            "4503599627370497.499",
            "5.0000000000000000000000000",
        ] {
            is_exact(text);
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
        let mut shortest = 0;
        for _ in 0..200_000 {
            let digits = next() >> (next() % 64);
            let decimals = usize::try_from(next() % 28).unwrap();
            let text = format!("{digits:0width$}", width = decimals + 1);
            let text = format!("{}.{}", &text[..text.len() - decimals], &text[text.len() - decimals..]);
            is_exact(&text);
            if let Some(value) = divide_by_power_of_ten(digits, decimals) {
                assert_eq!(value.to_bits(), text.parse::<f64>().unwrap().to_bits(), "{text}");
            }
            // As Go writes them: all floats from a millionth to a million times a million.
            let float = f64::from_bits((1003 + next() % 60) << 52 | next() >> 12);
            shortest += usize::from(is_exact(&float.to_string()));
            // Just above and below halfway to the next float.
            let halfway = format!("{:.60}", float.midpoint(float.next_up()));
            for length in 15..22 {
                is_exact(&halfway[..length]);
            }
        }
        assert!(shortest > 190_000, "{shortest} of 200,000 are plain");
    }

    #[test]
    fn other_notations_are_not_plain() {
        for text in ["", "-", ".5", "1.", "+1", "1e5", "NaN", "+Inf", "1 ", "12345678901234567890", "--1", "1.2.3"] {
            assert_eq!(plain(text), None, "{text}");
        }
        assert_eq!(float(b"1e-7"), Some(1e-7));
        assert_eq!(float(b"-Inf"), Some(f64::NEG_INFINITY));
        assert!(float(b"NaN").is_some_and(f64::is_nan));
        assert_eq!(float(b"0x1p3"), None);
        assert_eq!(float(b""), None);
        assert_eq!((float(b"1e999"), float(b"-1e999"), float(b"1e-999")), (None, None, Some(0.0)));
    }

    #[test]
    fn samples_are_read_in_one_go() {
        let read = |text: &str| sample(format!("{text},[1700000000,").as_bytes());
        assert_eq!(read(r#"[1700000000.123,"0.5"]"#), Some((1_700_000_000_123, 0.5, 22)));
        assert_eq!(read(r#"[9999999999,"-3"]"#), Some((9_999_999_999_000, -3.0, 17)));
        assert_eq!(read(r#"[1700000000,"1e-07"]"#), Some((1_700_000_000_000, 1e-7, 20)));
        let small = r#"[1700000000,"1.234567890123e-07"]"#;
        assert_eq!(read(small), Some((1_700_000_000_000, 1.234_567_890_123e-7, small.len())));
        assert_eq!(read(r#"[1700000000,"+Inf"]"#), Some((1_700_000_000_000, f64::INFINITY, 19)));
        assert_eq!(
            read(r#"[1700000000,"9007199254740993.001"]"#),
            Some((1_700_000_000_000, 9_007_199_254_740_994.0, 35))
        );
        for other in [
            r#"[170000000,"1"]"#,
            r#"[17000000000,"1"]"#,
            r#"[1700000000.12,"1"]"#,
            r#"[1700000000.1234,"1"]"#,
            r#"[-170000000,"1"]"#,
            r#"[0700000000,"1"]"#,
            r#"[1700000000,"1e999"]"#,
            r#"[1700000000,"one"]"#,
            r#"[1700000000,""]"#,
            r#"[1700000000,"\u0031"]"#,
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
    fn digits_are_distinguished_from_other_bytes() {
        for length in 0..8 {
            for behind in (0..=255_u8).filter(|byte| !byte.is_ascii_digit()) {
                let mut window = pad(b"98765432");
                window[length] = behind;
                let expected = window[..length].iter().fold(0, |number, byte| number * 10 + u64::from(byte - b'0'));
                assert_eq!(digits(&window, 0, 0), Some((expected, length)), "{behind}");
                assert_eq!(non_digits(values(&window, 0).unwrap()), 0x80 << (8 * length), "{behind}");
            }
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
