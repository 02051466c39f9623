//! Results as JSON, made for front ends: a column of times and one of values per series.
//!
//! The section "JSON" in the documentation of the crate has the shape.

mod column;
mod deserialize;
mod digits;
mod endpoints;
mod prometheus;
mod range;
mod rows;
mod serialize;

pub use prometheus::PrometheusJson;
pub use rows::write_row;

/// The integers that a float holds exactly, and JavaScript as well.
const MAX_SAFE: u64 = 1 << 53;

/// A float in JSON: a number, or one of the strings `NaN`, `Infinity` and `-Infinity`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Float(f64);

impl Float {
    /// The value as an integer, if it is one that prints the same.
    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::float_cmp, reason = "compared")]
    #[inline]
    fn as_integer(self) -> Option<i64> {
        // Added to it, small numbers lose their fractions, and integers are the lowest bits.
        const SHIFT: f64 = (3_u64 << 51) as f64;
        let integer = if self.0.abs() < (1_u64 << 51) as f64 {
            let shifted = self.0 + SHIFT;
            (shifted - SHIFT == self.0).then(|| shifted.to_bits().wrapping_sub(SHIFT.to_bits()).cast_signed())?
        } else {
            let integer = self.0 as i64;
            (integer as f64 == self.0 && integer.unsigned_abs() <= MAX_SAFE).then_some(integer)?
        };
        // `-0` has no integer.
        (integer != 0 || self.0.is_sign_positive()).then_some(integer)
    }
}
