//! Parses the values of numbers, durations and strings as Go does.

use std::borrow::Cow;

/// The value of a number literal; `None` where Go's `strconv` rejects it (`0x`, `5_`, `1e999`).
pub(super) fn number(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    match bytes {
        // The common case.
        [digit @ b'0'..=b'9'] => return Some(f64::from(digit - b'0')),
        [b'0', b'x' | b'X', ..] => return integer(&bytes[2..], 16, true),
        // A leading zero means octal, unless that fails: `089` is eighty-nine.
        [b'0', rest @ ..] if rest.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'_')) => {
            if let Some(value) = integer(rest, 8, true) {
                return Some(value);
            }
        }
        _ => {}
    }
    if !bytes.contains(&b'_') {
        // The lexer only accepts `Inf` of Go's spellings of infinity.
        let value: f64 = text.parse().ok()?;
        let named = bytes.last().is_some_and(u8::is_ascii_alphabetic);
        return (value.is_finite() || named).then_some(value);
    }
    // Underscores must separate digits.
    let separates = |at: usize| {
        let digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
        digit(at.checked_sub(1)) && digit(Some(at + 1))
    };
    if (0..bytes.len()).any(|at| bytes[at] == b'_' && !separates(at)) {
        return None;
    }
    text.replace('_', "").parse().ok().filter(|value: &f64| value.is_finite())
}

/// An integer of 63 bits. An underscore must stand between digits; `prefixed`: or before the first.
fn integer(digits: &[u8], radix: u32, prefixed: bool) -> Option<f64> {
    let mut value: i64 = 0;
    let mut after_digit = prefixed;
    for &byte in digits {
        if byte == b'_' {
            if !std::mem::take(&mut after_digit) {
                return None;
            }
            continue;
        }
        let digit = char::from(byte).to_digit(radix)?;
        value = value.checked_mul(i64::from(radix))?.checked_add(i64::from(digit))?;
        after_digit = true;
    }
    #[expect(clippy::cast_precision_loss, reason = "Prometheus converts just so")]
    (after_digit && !digits.is_empty()).then_some(value as f64)
}

/// Why a duration literal is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DurationFault {
    /// `1h1y`, `5m5m`: units must go from large to small, each once.
    Order,
    /// `5hs`, `5.5m`: not pairs of an integer and a unit.
    Syntax,
    /// More than 292 years.
    Overflow,
}

/// Units from large to small, in milliseconds.
const UNITS: [(&[u8], u64); 7] = [
    (b"y", 365 * 24 * 3_600_000),
    (b"w", 7 * 24 * 3_600_000),
    (b"d", 24 * 3_600_000),
    (b"h", 3_600_000),
    (b"m", 60_000),
    (b"s", 1000),
    (b"ms", 1),
];

/// The milliseconds of a duration such as `1h30m`.
pub(super) fn duration_ms(text: &str) -> Result<u64, DurationFault> {
    /// Prometheus counts nanoseconds in 63 bits.
    const MAX_MS: u64 = i64::MAX as u64 / 1_000_000;

    let mut rest = text.as_bytes();
    let mut total: u64 = 0;
    let mut next_unit = 0;
    while !rest.is_empty() {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let letters = rest[digits..].iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        let unit = &rest[digits..digits + letters];
        let Some(index) = UNITS.iter().position(|(name, _)| *name == unit).filter(|_| digits > 0) else {
            return Err(DurationFault::Syntax);
        };
        if index < next_unit {
            return Err(DurationFault::Order);
        }
        next_unit = index + 1;
        let count =
            rest[..digits].iter().fold(0_u64, |n, byte| n.saturating_mul(10).saturating_add(u64::from(byte - b'0')));
        total = total.saturating_add(count.saturating_mul(UNITS[index].1));
        rest = &rest[digits + letters..];
    }
    if total > MAX_MS { Err(DurationFault::Overflow) } else { Ok(total) }
}

/// The fault of an escape, and its bytes in the literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EscapeFault {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) kind: EscapeFaultKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EscapeFaultKind {
    /// The escape does not exist.
    Unknown,
    /// `\x`, `\u`, `\U` or an octal escape has too few digits.
    Digits,
    /// The digits are not a code point.
    NoCharacter,
}

/// A decoded string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decoded<'a> {
    pub(super) value: Cow<'a, str>,
    /// Whether escapes such as `\xff` made bytes that are not UTF-8; `value` holds U+FFFD in their place.
    pub(super) broken_utf8: bool,
}

/// Decodes a literal with its quotes. In a template, two braces are one.
#[inline]
pub(super) fn decode(literal: &str, template: bool) -> Result<Decoded<'_>, EscapeFault> {
    let inner = &literal[1..literal.len() - 1];
    let raw = literal.as_bytes()[0] == b'`';
    let plain = |byte: u8| (byte != b'\\' || raw) && (!template || !matches!(byte, b'{' | b'}'));
    if inner.bytes().all(plain) {
        return Ok(Decoded { value: Cow::Borrowed(inner), broken_utf8: false });
    }
    let mut bytes = Vec::with_capacity(inner.len());
    unescape(literal, template, |_, decoded| bytes.extend_from_slice(decoded))?;
    Ok(match String::from_utf8(bytes) {
        Ok(value) => Decoded { value: Cow::Owned(value), broken_utf8: false },
        Err(error) => {
            Decoded { value: Cow::Owned(String::from_utf8_lossy(error.as_bytes()).into_owned()), broken_utf8: true }
        }
    })
}

/// Maps the range `start..end` of a decoded literal to the literal.
pub(super) fn source_range(literal: &str, template: bool, start: usize, end: usize) -> (usize, usize) {
    let mut decoded = 0;
    let mut range = (literal.len() - 1, literal.len() - 1);
    let mut found = false;
    // The literal has been decoded before, so it is valid.
    let _ = unescape(literal, template, |at, bytes| {
        if !found && decoded + bytes.len() > start {
            range.0 = at;
            found = true;
        }
        if decoded < end {
            range.1 = at;
        }
        decoded += bytes.len();
        if decoded <= end {
            // The piece ends where the next one starts; a brace of a template and an escape are longer than one byte.
            range.1 = piece_end(literal, template, at);
        }
    });
    (range.0, range.1.max(range.0))
}

fn piece_end(literal: &str, template: bool, at: usize) -> usize {
    let bytes = literal.as_bytes();
    let raw = bytes[0] == b'`';
    let length = match (bytes[at], bytes.get(at + 1)) {
        (brace @ (b'{' | b'}'), Some(&next)) if template && brace == next => 2,
        (b'\\', Some(kind)) if !raw => match kind {
            b'0'..=b'7' | b'x' => 4,
            b'u' => 6,
            b'U' => 10,
            _ => 2,
        },
        _ => literal[at..].chars().next().map_or(1, char::len_utf8),
    };
    (at + length).min(literal.len() - 1)
}

/// Passes each piece of a literal to `emit`: its offset in the literal, and the bytes that it stands for.
fn unescape(literal: &str, template: bool, mut emit: impl FnMut(usize, &[u8])) -> Result<(), EscapeFault> {
    let bytes = literal.as_bytes();
    let quote = bytes[0];
    let last = bytes.len() - 1;
    let mut at = 1;
    while at < last {
        match bytes[at] {
            b'\\' if quote != b'`' => {
                let (decoded, length, end) = escape(bytes, at, quote)?;
                emit(at, &decoded[..length]);
                at = end;
            }
            brace @ (b'{' | b'}') if template && bytes[at + 1] == brace => {
                emit(at, &[brace]);
                at += 2;
            }
            _ => {
                let length = literal[at..].chars().next().map_or(1, char::len_utf8);
                emit(at, &bytes[at..at + length]);
                at += length;
            }
        }
    }
    Ok(())
}

/// Decodes the escape at `at`. Returns its bytes, their number, and the end of the escape.
fn escape(bytes: &[u8], at: usize, quote: u8) -> Result<([u8; 4], usize, usize), EscapeFault> {
    let fault = |end: usize, kind| EscapeFault { start: at, end: end.min(bytes.len() - 1), kind };
    let one = |byte| Ok(([byte, 0, 0, 0], 1, at + 2));
    let (first, digits, radix) = match bytes[at + 1] {
        b'a' => return one(0x07),
        b'b' => return one(0x08),
        b'f' => return one(0x0C),
        b'n' => return one(b'\n'),
        b'r' => return one(b'\r'),
        b't' => return one(b'\t'),
        b'v' => return one(0x0B),
        b'\\' => return one(b'\\'),
        byte if byte == quote && at + 2 < bytes.len() => return one(quote),
        b'0'..=b'7' => (at + 1, 3, 8),
        b'x' => (at + 2, 2, 16),
        b'u' => (at + 2, 4, 16),
        b'U' => (at + 2, 8, 16),
        lead => {
            let width = match lead {
                0xC0..0xE0 => 2,
                0xE0..0xF0 => 3,
                0xF0.. => 4,
                _ => 1,
            };
            return Err(fault(at + 1 + width, EscapeFaultKind::Unknown));
        }
    };
    let end = first + digits;
    let mut value: u32 = 0;
    for index in first..end {
        let digit = bytes.get(index).and_then(|&byte| char::from(byte).to_digit(radix));
        let Some(digit) = digit else { return Err(fault(index, EscapeFaultKind::Digits)) };
        value = value.wrapping_mul(radix).wrapping_add(digit);
    }
    if digits < 4 {
        let byte = u8::try_from(value).map_err(|_| fault(end, EscapeFaultKind::NoCharacter))?;
        return Ok(([byte, 0, 0, 0], 1, end));
    }
    let char = char::from_u32(value).ok_or_else(|| fault(end, EscapeFaultKind::NoCharacter))?;
    let mut buffer = [0; 4];
    let length = char.encode_utf8(&mut buffer).len();
    Ok((buffer, length, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (text, value) in [
            ("7", 7.0),
            ("0755", 493.0),
            ("089", 89.0),
            ("0x1f", 31.0),
            ("0x_1f", 31.0),
            ("1_000.5", 1000.5),
            ("1e3", 1000.0),
            (".5", 0.5),
            ("0", 0.0),
            ("00", 0.0),
            ("9223372036854775808", 9_223_372_036_854_775_808.0),
        ] {
            assert_eq!(number(text), Some(value), "{text}");
        }
        assert_eq!(number("Inf"), Some(f64::INFINITY));
        assert!(number("nan").is_some_and(f64::is_nan));
        for text in ["0x", "5_", "1e999", "0x1e+5", "0xffffffffffffffff", "0e"] {
            assert_eq!(number(text), None, "{text}");
        }
    }

    #[test]
    fn durations() {
        assert_eq!(duration_ms("1h30m"), Ok(5_400_000));
        assert_eq!(duration_ms("1y2w3d4h5m6s7ms"), Ok(33_019_506_007));
        assert_eq!(duration_ms("5m5m"), Err(DurationFault::Order));
        assert_eq!(duration_ms("1s1h"), Err(DurationFault::Order));
        assert_eq!(duration_ms("5.5m"), Err(DurationFault::Syntax));
        assert_eq!(duration_ms("5hs"), Err(DurationFault::Syntax));
        assert_eq!(duration_ms("293y"), Err(DurationFault::Overflow));
        assert_eq!(duration_ms("99999999999999999999999s"), Err(DurationFault::Overflow));
    }

    #[test]
    fn strings() {
        let value = |literal| decode(literal, false).unwrap().value.into_owned();
        assert_eq!(value(r#""a\n\x41\101\u00e4\U0001F600""#), "a\nAAä😀");
        assert_eq!(value(r"`\d{2}`"), r"\d{2}");
        assert_eq!(value(r"'it\'s'"), "it's");
        assert!(decode(r#""\xff""#, false).unwrap().broken_utf8);
        assert_eq!(decode(r#""\d""#, false).unwrap_err().kind, EscapeFaultKind::Unknown);
        assert_eq!(decode(r#""\'""#, false).unwrap_err().kind, EscapeFaultKind::Unknown);
        assert_eq!(decode(r#""\x4""#, false).unwrap_err().kind, EscapeFaultKind::Digits);
        assert_eq!(decode(r#""\ud800""#, false).unwrap_err().kind, EscapeFaultKind::NoCharacter);
        assert_eq!(decode(r#""\400""#, false).unwrap_err().kind, EscapeFaultKind::NoCharacter);
        assert_eq!(decode("\"a{{2}}\"", true).unwrap().value, "a{2}");
    }

    #[test]
    fn decoded_offsets_lead_back_to_the_literal() {
        let literal = r#""a\\d(b""#;
        assert_eq!(decode(literal, false).unwrap().value, r"a\d(b");
        assert_eq!(source_range(literal, false, 3, 4), (5, 6));
        assert_eq!(source_range(literal, false, 1, 3), (2, 5));
        assert_eq!(source_range(literal, false, 5, 5), (7, 7));
        assert_eq!(source_range("\"a{{2}}\"", true, 1, 4), (2, 7));
    }
}
