//! Digits of numbers, written into fixed places: faster than formatting one number after the other.

use std::hint::select_unpredictable;

use super::Float;

/// The place of a number, with room for what is written behind it.
pub(super) type Place = [u8; 48];

/// Writes an integer of JavaScript, or a decimal number. Returns the length, or `None` for floats that need an exponent,
/// more digits than there is room for, or no digits at all.
#[inline]
pub(super) fn write_float(place: &mut Place, value: f64) -> Option<usize> {
    match write_fixed(place, value) {
        None => Float(value).as_integer().map(|integer| write_integer(place, integer)),
        end => end,
    }
}

/// Writes an integer of at most 16 digits. Returns the length.
#[inline]
pub(super) fn write_integer(place: &mut Place, integer: i64) -> usize {
    write_natural(place, integer < 0, integer.unsigned_abs())
}

/// Writes a number of at most 16 digits, after its sign. Returns where it ends.
#[inline]
fn write_natural(place: &mut Place, is_negative: bool, number: u64) -> usize {
    if number < 1000 {
        return write_first(place, is_negative, ThreeDigits::of(number));
    }
    let (mut groups, mut power) = (1, 1_000_000);
    while number >= power && groups + 1 < THOUSANDS.len() {
        (groups, power) = (groups + 1, power * 1000);
    }
    let mut rest = THOUSANDS[groups].divide(number);
    let mut end = write_first(place, is_negative, rest.next_digits());
    for _ in 0..groups {
        place[end..][..4].copy_from_slice(&rest.next_digits().text());
        end += 3;
    }
    end
}

/// Writes a sign, and digits without zeros before them. Returns where they end.
#[inline]
fn write_first(place: &mut Place, is_negative: bool, digits: ThreeDigits) -> usize {
    place[0] = b'-';
    let start = usize::from(is_negative);
    place[start..][..4].copy_from_slice(&digits.text_without_zeros_before());
    start + 3 - digits.zeros_before()
}

/// Writes an integer below 2^53, or the shortest decimal number that is nearer to a float than to any other. Returns its
/// length; `None` for floats below 2^-11, and for powers of two that are no integers, which are not in the middle of
/// their neighbours.
///
/// A float here is `m / 2^s`. With `k` decimals, where `10^k` is the first power from `2^s` on, numbers are as close
/// together as floats, so that the one nearest to the float is one of those that are nearer to it than to other floats.
/// With `k - 1` decimals, at most one number is, and it has the fewest digits. `m * 10^(k - 1)` has less than 128 bits,
/// so that all of this is exact. See "The Schubfach way to render doubles" by Raffaello Giulietti.
#[inline]
fn write_fixed(place: &mut Place, value: f64) -> Option<usize> {
    const LOW: u64 = (1 << 52) - 1;
    let bits = value.to_bits();
    let shift = (1023 + 52_u64).wrapping_sub((bits >> 52) & 0x7FF);
    let Scale { reach, zeros, power } = SCALES.get(usize::try_from(shift).ok()?)?;
    let mantissa = (bits & LOW) | (LOW + 1);
    let part = mantissa & ((1 << shift) - 1);
    if bits & LOW == 0 && part != 0 {
        return None;
    }
    let point = write_natural(place, value.is_sign_negative(), mantissa >> shift);
    if part == 0 {
        return Some(point);
    }
    let (below, floor) = (part << 1).carrying_mul(*reach, 0);
    // What is in the middle between two floats belongs to the even one.
    let reach = reach + (!mantissa & 1);
    let (rest, last) = below.carrying_mul(10, 0);
    // Half rounds to even.
    let (_, is_up) = rest.overflowing_add((1 << 63) - 1 + (last & 1));
    let nearest = select_unpredictable(below.wrapping_neg() < reach, 10, last + u64::from(is_up));
    // Below one, since integers are floats themselves.
    let decimals = floor * 10 + select_unpredictable(below < reach, 0, nearest);

    place[point..][..4].copy_from_slice(b".00 ");
    let start = point + 1 + *zeros as usize;
    let place = place[start..].first_chunk_mut::<20>()?;
    let mut rest = power.divide(decimals);
    let digits = rest.next_digits();
    place[..4].copy_from_slice(&digits.text());
    if rest.0 < ERROR * 1000 {
        return Some(start + digits.length_without_zeros_behind());
    }
    // Few numbers end between these, and each look costs as much as three digits.
    for at in [3, 6, 9] {
        place[at..][..4].copy_from_slice(&rest.next_digits().text());
    }
    for (at, error) in [(12, ERROR * 1000_u64.pow(5)), (15, ERROR * 1000_u64.pow(6))] {
        let digits = rest.next_digits();
        place[at..][..4].copy_from_slice(&digits.text());
        if rest.0 < error {
            return match digits.length_without_zeros_behind() {
                0 => place[..at].iter().rposition(|digit| *digit != b'0').map(|last| start + last + 1),
                length => Some(start + at + length),
            };
        }
    }
    None
}

/// How floats of one exponent become decimal numbers.
#[derive(Clone, Copy)]
struct Scale {
    /// Half of the distance between floats, in units of the last decimal but one, times 2^64.
    reach: u64,
    /// The zeros that all of them have behind the point, if there are more than 17 decimals.
    zeros: u8,
    /// Of the other decimals.
    power: Power,
}

/// By the power of two that floats are divided by.
static SCALES: [Scale; 64] = {
    let mut scales = [Scale { reach: 0, zeros: 0, power: Power::of_ten(0) }; 64];
    let (mut shift, mut decimals) = (1, 1);
    while shift < 64 {
        if 10_u64.pow(decimals) < 1 << shift {
            decimals += 1;
        }
        let zeros = decimals.saturating_sub(17);
        let (reach, power) = (10_u64.pow(decimals - 1) << (63 - shift), Power::of_ten(decimals - zeros));
        #[expect(clippy::cast_possible_truncation, reason = "at most two")]
        let scale = Scale { reach, zeros: zeros as u8, power };
        scales[shift] = scale;
        shift += 1;
    }
    scales
};

/// The powers of a thousand from the first on.
static THOUSANDS: [Power; 6] =
    [Power::of_ten(3), Power::of_ten(6), Power::of_ten(9), Power::of_ten(12), Power::of_ten(15), Power::of_ten(18)];

/// A power of ten, to divide by.
#[derive(Clone, Copy)]
struct Power {
    /// `2^(64 + shift)` divided by the power, rounded up.
    inverse: u64,
    shift: u8,
}

impl Power {
    #[expect(clippy::cast_possible_truncation, reason = "`2^shift` is at most the power")]
    const fn of_ten(exponent: u32) -> Self {
        let power = 10_u64.pow(exponent);
        let shift = power.ilog2();
        Self { inverse: ((1 << (64 + shift)) / power as u128) as u64 + 1, shift: shift as u8 }
    }

    /// A smaller number, divided by the power.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the quotient is below one")]
    fn divide(self, number: u64) -> Fraction {
        Fraction(((u128::from(number) * u128::from(self.inverse)) >> (self.shift & 63)) as u64 + 1)
    }
}

/// A number below one, times 2^64, and less than [`ERROR`] above it, so that its first 18 decimals are right.
struct Fraction(u64);

/// A [`Fraction`] below this has no more digits. Each decimal makes the bound ten times as large.
const ERROR: u64 = 4;

impl Fraction {
    /// The next three decimals.
    #[inline]
    fn next_digits(&mut self) -> ThreeDigits {
        let (rest, number) = self.0.carrying_mul(1000, 0);
        self.0 = rest;
        ThreeDigits::of(number)
    }
}

/// The digits of a number below a thousand, the first one in the lowest byte. Two bits each of the highest byte have how
/// many there are without zeros at the end, and how many of them are zeros before the number.
#[derive(Clone, Copy)]
struct ThreeDigits(u32);

impl ThreeDigits {
    #[inline]
    fn of(number: u64) -> Self {
        BELOW_THOUSAND[(number & 1023) as usize]
    }

    /// Three digits, and a byte for something else.
    #[inline]
    fn text(self) -> [u8; 4] {
        self.0.to_le_bytes()
    }

    #[inline]
    fn text_without_zeros_before(self) -> [u8; 4] {
        (self.0 >> (8 * self.zeros_before())).to_le_bytes()
    }

    #[inline]
    fn zeros_before(self) -> usize {
        (self.0 >> 28) as usize
    }

    #[inline]
    fn length_without_zeros_behind(self) -> usize {
        (self.0 >> 24 & 3) as usize
    }
}

static BELOW_THOUSAND: [ThreeDigits; 1024] = {
    let mut numbers = [ThreeDigits(0); 1024];
    let mut number = 0;
    while number < 1000 {
        let [first, second, third] = [number / 100, number / 10 % 10, number % 10];
        let length = if third != 0 {
            3
        } else if second != 0 {
            2
        } else {
            (first != 0) as u32
        };
        let zeros_before = (number < 10) as u32 + (number < 100) as u32;
        let text = u32::from_le_bytes(*b"000\0") + first + (second << 8) + (third << 16);
        numbers[number as usize] = ThreeDigits(text | (length << 24) | (zeros_before << 28));
        number += 1;
    }
    numbers
};
