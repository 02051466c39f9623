//! Columns of floats.
//!
//! `serde_json` takes numbers one by one. Half of its time for a column is not spent on digits, so longer columns become
//! text here, which it copies.

use std::any::type_name;
use std::sync::LazyLock;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::Float;
use super::serialize::Column;

/// A column of floats, as an array of [`Float`]s.
pub(super) struct Floats<'a>(pub(super) &'a [f64]);

/// The fewest floats that become text first.
const FEWEST: usize = 16;

impl Serialize for Floats<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.len() >= FEWEST && copies::<S>() {
            let text = String::from_utf8(text(self.0)).unwrap_or_default();
            return Json(&text).serialize(serializer);
        }
        Column(|| self.0.iter().map(|value| Float(*value))).serialize(serializer)
    }
}

/// Whether a serializer is that of `serde_json`, which copies [`Json`].
pub(super) fn copies<S>() -> bool {
    static COPIES: LazyLock<bool> =
        LazyLock::new(|| serde_json::to_string(&Json("[1]")).is_ok_and(|json| json == "[1]"));
    type_name::<S>().starts_with("&mut serde_json::ser::Serializer<") && *COPIES
}

/// JSON, to be copied: what [`RawValue`](serde_json::value::RawValue) is to `serde_json`, but made without parsing it.
struct Json<'a>(&'a str);

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const NAME: &str = "$serde_json::private::RawValue";
        let mut json = serializer.serialize_struct(NAME, 1)?;
        json.serialize_field(NAME, self.0)?;
        json.end()
    }
}

/// The longest number, with room for what is written behind it.
const ROOM: usize = 32;

/// The numbers that are written in one go.
const BATCH: usize = 32;

/// A number to write.
#[derive(Clone, Copy)]
enum Part<'a> {
    Integer(i64),
    Text(&'a str),
}

/// Floats as a JSON array.
fn text(values: &[f64]) -> Vec<u8> {
    let mut json = Vec::with_capacity(values.len() * 20);
    let mut batch = [0; ROOM * BATCH];
    let mut buffers = [(); BATCH].map(|()| zmij::Buffer::new());
    json.push(b'[');
    for values in values.chunks(BATCH) {
        // Text that was just written is slow to read, so all floats of a batch are written first.
        let mut parts = [Part::Integer(0); BATCH];
        for ((part, value), buffer) in parts.iter_mut().zip(values).zip(&mut buffers) {
            *part = match Float(*value).as_integer() {
                Some(integer) => Part::Integer(integer),
                None if value.is_finite() => Part::Text(buffer.format_finite(*value)),
                None if value.is_nan() => Part::Text(r#""NaN""#),
                None => Part::Text(if *value > 0.0 { r#""Infinity""# } else { r#""-Infinity""# }),
            };
        }
        let mut at = 0;
        for part in &parts[..values.len()] {
            let Some(place) = batch[at..].first_chunk_mut::<ROOM>() else { break };
            let length = match *part {
                Part::Integer(integer) => write_integer(place, integer),
                Part::Text(text) => write_text(place, text.as_bytes()),
            };
            place[length] = b',';
            at += length + 1;
        }
        json.extend_from_slice(&batch[..at]);
    }
    json.pop();
    json.push(b']');
    json
}

/// Writes a short text. Returns its length.
#[inline]
fn write_text(place: &mut [u8; ROOM], text: &[u8]) -> usize {
    // Ends that overlap take no loop.
    if let (Some(start), Some(end)) = (text.first_chunk::<16>(), text.last_chunk::<16>()) {
        place[..16].copy_from_slice(start);
        place[text.len() - 16..][..16].copy_from_slice(end);
    } else {
        place[..text.len()].copy_from_slice(text);
    }
    text.len()
}

/// Writes an integer of at most 16 digits. Returns the length.
#[inline]
fn write_integer(place: &mut [u8; ROOM], integer: i64) -> usize {
    const HALF: u64 = 100_000_000;
    const ZEROS: u128 = u128::from_ne_bytes([b'0'; 16]);
    let number = integer.unsigned_abs();
    let front = match number / HALF {
        // Most integers have at most ten digits.
        front @ 0..100 => ((front / 10) << 48) | ((front % 10) << 56),
        front => digits(front),
    };
    let digits = u128::from(front) | (u128::from(digits(number % HALF)) << 64);
    // The last digit stays, even if it is zero.
    let zeros = (digits | 1 << 120).trailing_zeros() / 8;
    let start = usize::from(integer < 0);
    place[0] = b'-';
    place[start..][..16].copy_from_slice(&((digits | ZEROS) >> (8 * zeros)).to_le_bytes());
    start + 16 - zeros as usize
}

/// The eight digits of a number, the first one in the lowest byte: halves, quarters, digits.
#[inline]
fn digits(number: u64) -> u64 {
    let halves = (number / 10_000) | ((number % 10_000) << 32);
    let hundreds = ((halves * 10_486) >> 20) & 0x0000_007F_0000_007F;
    let quarters = ((halves - 100 * hundreds) << 16) + hundreds;
    let tens = ((quarters * 103) >> 10) & 0x000F_000F_000F_000F;
    ((quarters - 10 * tens) << 8) + tens
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_what_serde_json_writes_number_by_number() {
        let mut values = vec![
            0.0,
            -0.0,
            1.0,
            -1.0,
            9.0,
            10.0,
            99_999_999.0,
            1e8,
            100_000_001.0,
            9_999_999_999.0,
            1e10,
            12_345_678_901.0,
            1e15,
            -1e15,
            1e16,
            1e17,
        ];
        values.extend([
            9_007_199_254_740_992.0,
            -9_007_199_254_740_992.0,
            9_007_199_254_740_994.0,
            1e300,
            -1e-300,
            5e-324,
        ]);
        values.extend([f64::MAX, f64::MIN, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.1, -2.5, 1.5e-7, 0.1 + 0.2]);
        let mut state = 0x2545_F491_4F6C_DD1D_u64;
        for _ in 0..20_000 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            #[expect(clippy::cast_precision_loss, reason = "any number")]
            values.extend([
                f64::from_bits(state),
                (state >> (state % 64)) as f64,
                -((state >> (11 + state % 53)) as f64),
            ]);
        }
        let expected: Vec<String> = values.iter().map(|value| serde_json::to_string(&Float(*value)).unwrap()).collect();
        for (value, expected) in values.iter().zip(&expected) {
            if value.is_finite() {
                assert_eq!(expected.parse::<f64>().map(f64::to_bits), Ok(value.to_bits()), "{expected}");
            }
            assert_eq!(String::from_utf8(text(&[*value])).unwrap(), format!("[{expected}]"));
        }
        for length in [1, 15, 16, 17, 31, 32, 33, 1000, values.len()] {
            let json = serde_json::to_string(&Floats(&values[..length])).unwrap();
            assert!(json == format!("[{}]", expected[..length].join(",")), "{length}");
        }
        assert_eq!(serde_json::to_string(&Floats(&[])).unwrap(), "[]");
    }

    #[test]
    fn only_serde_json_gets_text() {
        assert!(copies::<&mut serde_json::Serializer<Vec<u8>>>());
        assert!(!copies::<serde_json::value::Serializer>());
        let values: Vec<f64> = (0..100).map(f64::from).collect();
        assert_eq!(serde_json::to_value(Floats(&values)).unwrap().as_array().unwrap().len(), 100);
        let pretty = serde_json::to_string_pretty(&[Floats(&values)]).unwrap();
        assert_eq!(serde_json::from_str::<[Vec<f64>; 1]>(&pretty).unwrap(), [values]);
    }
}
