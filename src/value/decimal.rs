//! Decimal numbers, as servers and callers write them.

/// A float in the notation of Go or JSON, rounded to nearest as by `str::parse`. `None` out of range, as in Go.
pub(crate) fn float(text: &[u8]) -> Option<f64> {
    let float: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    // Digits that parse to infinity are out of range.
    (float.is_finite() || !text.iter().any(u8::is_ascii_digit)).then_some(float)
}

/// Seconds as milliseconds, rounded to the third decimal; exponents are allowed.
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
