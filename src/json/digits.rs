//! Digits of numbers, written into fixed places: faster than formatting one number after the other.

use std::hint::select_unpredictable;

use super::Float;

/// The place of a number, with room for what is written behind it.
pub(super) type Place = [u8; 48];

/// Writes an integer of JavaScript, or a decimal number. Returns the length, or `None` for floats that need an exponent,
/// more digits than there is room for, or no digits at all.
#[inline]
pub(super) fn write_float(place: &mut Place, value: f64) -> Option<usize> {
    match write_decimal(place, value) {
        None => Float(value).as_integer().map(|integer| write_integer(place, integer)),
        end => end,
    }
}

/// Writes an integer of at most 16 digits. Returns the length.
#[inline]
pub(super) fn write_integer(place: &mut Place, integer: i64) -> usize {
    place[0] = b'-';
    write_natural(place, usize::from(integer < 0), integer.unsigned_abs())
}

/// Writes a number of at most 16 digits. Returns where it ends.
#[inline]
fn write_natural(place: &mut Place, start: usize, number: u64) -> usize {
    let front = match number / HALF {
        // Most integers have at most ten digits.
        front @ 0..100 => ((front / 10) << 48) | ((front % 10) << 56),
        front => eight_digits(front),
    };
    let digits = u128::from(front) | (u128::from(eight_digits(number % HALF)) << 64);
    // The last digit stays, even if it is zero.
    let zeros = (digits | 1 << 120).trailing_zeros() / 8;
    place[start..][..16].copy_from_slice(&((digits | ZEROS) >> (8 * zeros)).to_le_bytes());
    start + 16 - zeros as usize
}

const HALF: u64 = 100_000_000;

const ZEROS: u128 = u128::from_ne_bytes([b'0'; 16]);

/// The eight digits of a number, the first one in the lowest byte: halves, quarters, digits.
#[inline]
fn eight_digits(number: u64) -> u64 {
    let halves = (number / 10_000) | ((number % 10_000) << 32);
    let hundreds = ((halves * 10_486) >> 20) & 0x0000_007F_0000_007F;
    let quarters = ((halves - 100 * hundreds) << 16) + hundreds;
    let tens = ((quarters * 103) >> 10) & 0x000F_000F_000F_000F;
    ((quarters - 10 * tens) << 8) + tens
}

/// Writes the shortest decimal number that is nearer to a float than to any other. Returns its length; `None` for
/// floats below 2^-11 or above 2^52, for powers of two, which are not in the middle of their neighbours, and for
/// integers.
///
/// A float here is `m / 2^s`. With `k` decimals, where `10^k` is the first power from `2^s` on, numbers are as close
/// together as floats, so that the one nearest to the float is one of those that are nearer to it than to other floats.
/// With `k - 1` decimals, at most one number is, and it has the fewest digits. `m * 10^k` has less than 128 bits, so
/// that all of this is exact. See "The Schubfach way to render doubles" by Raffaello Giulietti.
#[inline]
fn write_decimal(place: &mut Place, value: f64) -> Option<usize> {
    const LOW: u64 = (1 << 52) - 1;
    let bits = value.to_bits();
    let shift = (1023 + 52_u64).wrapping_sub((bits >> 52) & 0x7FF);
    let Scale { factor, missing } = *SCALES.get(usize::try_from(shift).ok()?)?;
    let mantissa = (bits & LOW) | (LOW + 1);
    if bits & LOW == 0 || mantissa & ((1 << shift) - 1) == 0 {
        return None;
    }
    let scaled = u128::from(mantissa << 11) * u128::from(factor);
    #[expect(clippy::cast_possible_truncation, reason = "the integer, below 10^17, and the fraction")]
    let (integer, fraction) = ((scaled >> 64) as u64, scaled as u64);
    // In units of 2^-60: the distances to the multiples of ten below and above, and half of that between floats, which
    // belongs to the even one.
    let last = integer % 10;
    let (below, ten) = ((last << 60) | (fraction >> 4), 10 << 60);
    let reach = (factor << 6) + (!mantissa & 1);
    // Half rounds to even.
    let (_, is_up) = fraction.overflowing_add((1 << 63) - 1 + (integer & 1));
    let nearest = last + u64::from(is_up);
    let nearest = select_unpredictable(ten - below < reach, 10, nearest);
    let digits = integer - last + select_unpredictable(below < reach, 0, nearest);

    let whole = mantissa >> shift;
    place[0] = b'-';
    let start = usize::from(value.is_sign_negative());
    let point = match THOUSAND.get(usize::try_from(whole).ok()?) {
        Some(Digits { text, zeros_before, .. }) => {
            let text = u32::from_le_bytes(*text) >> (8 * zeros_before);
            place[start..][..4].copy_from_slice(&text.to_le_bytes());
            start + 3 - *zeros_before as usize
        }
        None => write_natural(place, start, whole),
    };
    // All of 19 decimals, with zeros at the end.
    let decimals = digits.wrapping_mul(missing).wrapping_sub(whole.wrapping_mul(10_u64.pow(19)));
    let (first, rest) = (decimals / 10_u64.pow(16), decimals % 10_u64.pow(16));
    let Digits { text, length, .. } = THOUSAND.get(usize::try_from(first).ok()?)?;
    place[point] = b'.';
    place[point + 1..][..4].copy_from_slice(text);
    if rest == 0 {
        return Some(point + 1 + *length as usize);
    }
    let text = u128::from(eight_digits(rest / HALF)) | (u128::from(eight_digits(rest % HALF)) << 64);
    place[point + 4..][..16].copy_from_slice(&(text | ZEROS).to_le_bytes());
    Some(point + 20 - text.leading_zeros() as usize / 8)
}

/// How floats of one exponent become integers, with as many decimals as they need.
#[derive(Clone, Copy)]
struct Scale {
    /// The power of ten, divided by that of two, times 2^53.
    factor: u64,
    /// The power of ten for the rest of 19 decimals.
    missing: u64,
}

/// By the power of two that floats are divided by.
static SCALES: [Scale; 64] = {
    let mut scales = [Scale { factor: 0, missing: 0 }; 64];
    let (mut shift, mut decimals) = (1, 1);
    while shift < 64 {
        if 10_u64.pow(decimals) < 1 << shift {
            decimals += 1;
        }
        let power = 10_u64.pow(decimals);
        let factor = if shift <= 53 { power << (53 - shift) } else { power >> (shift - 53) };
        scales[shift] = Scale { factor, missing: 10_u64.pow(19 - decimals) };
        shift += 1;
    }
    scales
};

/// The digits of a number below a thousand.
#[derive(Clone, Copy)]
struct Digits {
    text: [u8; 4],
    zeros_before: u8,
    /// Without zeros at the end, but at least one digit.
    length: u8,
}

static THOUSAND: [Digits; 1000] = {
    let mut numbers = [Digits { text: [0; 4], zeros_before: 0, length: 0 }; 1000];
    let mut number = 0;
    while number < 1000 {
        let Digits { text, zeros_before, length } = &mut numbers[number];
        #[expect(clippy::cast_possible_truncation, reason = "digits")]
        let [first, second, third] = [(number / 100) as u8, (number / 10 % 10) as u8, (number % 10) as u8];
        *text = [b'0' + first, b'0' + second, b'0' + third, 0];
        *length = if third != 0 { 3 } else { 1 + (second != 0) as u8 };
        *zeros_before = (number < 10) as u8 + (number < 100) as u8;
        number += 1;
    }
    numbers
};
