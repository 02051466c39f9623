//! Columns of numbers.
//!
//! `serde_json` takes numbers one by one. Half of its time for a column is not spent on digits, so longer columns become
//! text here, which it copies.

use std::any::type_name;
use std::fmt::Display;
use std::io::{Cursor, Write};
use std::sync::LazyLock;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::Float;
use super::digits::{Place, write_float, write_integer};
use super::prometheus::As;
use super::serialize::Column;
use crate::value::{Timestamp, Value};

/// A column of floats, as an array of [`Float`]s.
pub(super) struct Floats<'a>(pub(super) &'a [f64]);

/// A column of times, as an array of milliseconds.
pub(super) struct Times<'a>(pub(super) &'a [Timestamp]);

/// Times and values, as an array of pairs as Prometheus writes them.
pub(super) struct Samples<'a>(pub(super) &'a [Timestamp], pub(super) &'a [f64]);

/// The fewest items that become text first.
const FEWEST: usize = 16;

impl Serialize for Floats<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.len() < FEWEST || !copies::<S>() {
            return Column(|| self.0.iter().map(|value| Float(*value))).serialize(serializer);
        }
        let write = |place: &mut Room, value: &f64| {
            write_float(place.first_chunk_mut()?, *value).or_else(|| match *value {
                value if value.is_finite() => display(place, zmij::Buffer::new().format_finite(value)),
                value if value.is_nan() => display(place, r#""NaN""#),
                value => display(place, if value > 0.0 { r#""Infinity""# } else { r#""-Infinity""# }),
            })
        };
        Json(&array(self.0.iter(), write)).serialize(serializer)
    }
}

impl Serialize for Times<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.len() < FEWEST || !copies::<S>() {
            return self.0.serialize(serializer);
        }
        Json(&self.to_json()).serialize(serializer)
    }
}

impl Times<'_> {
    pub(super) fn to_json(&self) -> String {
        array(self.0.iter(), |place, time| match time.as_millis() {
            millis if millis.unsigned_abs() < 10_u64.pow(16) => Some(write_integer(place.first_chunk_mut()?, millis)),
            millis => display(place, millis),
        })
    }
}

impl Serialize for Samples<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let samples = self.0.iter().zip(self.1);
        if samples.len() < FEWEST || !copies::<S>() {
            return Column(|| samples.clone().map(|(time, value)| (As(*time), As(*value)))).serialize(serializer);
        }
        let write = |place: &mut Room, (time, value): (&Timestamp, &f64)| {
            place[0] = b'[';
            let mut end = 1 + number(&mut place[1..], time.as_secs_f64())?;
            place[end..][..2].copy_from_slice(b",\"");
            end += 2 + number(&mut place[end + 2..], *value)?;
            place[end..][..2].copy_from_slice(b"\"]");
            Some(end + 2)
        };
        Json(&array(samples, write)).serialize(serializer)
    }
}

/// Writes a float as Prometheus does. Returns the length.
fn number(place: &mut [u8], value: f64) -> Option<usize> {
    write_float(place.first_chunk_mut()?, value).or_else(|| display(place, Value::Float(value)))
}

/// Writes a short text. Returns its length.
#[cold]
fn display(place: &mut [u8], text: impl Display) -> Option<usize> {
    let mut place = Cursor::new(place);
    write!(place, "{text}").ok()?;
    place.position().try_into().ok()
}

/// Whether a serializer is that of `serde_json`, which copies [`Json`].
pub(super) fn copies<S>() -> bool {
    static COPIES: LazyLock<bool> =
        LazyLock::new(|| serde_json::to_string(&Json("[1]")).is_ok_and(|json| json == "[1]"));
    type_name::<S>().starts_with("&mut serde_json::ser::Serializer<") && *COPIES
}

/// JSON, to be copied: what [`RawValue`](serde_json::value::RawValue) is to `serde_json`, but made without parsing it.
pub(super) struct Json<'a>(pub(super) &'a str);

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const NAME: &str = "$serde_json::private::RawValue";
        let mut json = serializer.serialize_struct(NAME, 1)?;
        json.serialize_field(NAME, self.0)?;
        json.end()
    }
}

/// The items that are written in one go.
const BATCH: usize = 32;

/// The room for one: a time, a number, and what is around them.
type Room = [u8; 2 * size_of::<Place>() + 16];
const ROOM: usize = size_of::<Room>();

/// Items as a JSON array. `write` returns the length of one.
fn array<T>(items: impl ExactSizeIterator<Item = T>, write: impl Fn(&mut Room, T) -> Option<usize>) -> String {
    let mut json = Vec::with_capacity(items.len() * 20 + 2);
    let (mut batch, mut end) = ([0; ROOM * BATCH], 0);
    json.push(b'[');
    for item in items {
        if end > ROOM * (BATCH - 1) {
            json.extend_from_slice(&batch[..end]);
            end = 0;
        }
        let length = batch[end..].first_chunk_mut().and_then(|place| write(place, item)).unwrap_or_default();
        batch[end + length] = b',';
        end += length + 1;
    }
    json.extend_from_slice(&batch[..end.saturating_sub(1)]);
    json.push(b']');
    // Digits are UTF-8.
    String::from_utf8(json).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_what_serde_json_writes_number_by_number() {
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
                f64::from_bits((1011 + state % 66) << 52 | state >> 12),
                (state >> 40) as f64 / 1000.0,
                (state >> (state % 64)) as f64,
                -((state >> (11 + state % 53)) as f64),
            ]);
        }
        let expected: Vec<String> = values.iter().map(|value| serde_json::to_string(&Float(*value)).unwrap()).collect();
        for (value, expected) in values.iter().zip(&expected).filter(|(value, _)| value.is_finite()) {
            assert_eq!(expected.parse::<f64>().map(f64::to_bits), Ok(value.to_bits()), "{expected}");
        }
        let mut times = vec![Timestamp::MIN, Timestamp::MAX];
        times.extend(values[2..].iter().map(|value| Timestamp::from_millis(value.to_bits().cast_signed() >> 20)));
        for length in [1, 15, 16, 17, 31, 32, 33, 1000, values.len()] {
            let (times, values) = (&times[..length], &values[..length]);
            assert_eq!(serde_json::to_string(&Floats(values)).unwrap(), format!("[{}]", expected[..length].join(",")));
            assert_eq!(serde_json::to_string(&Times(times)).unwrap(), serde_json::to_string(times).unwrap());
            // Whole seconds above 2^53 are written with a fraction by one of them.
            let samples = times.iter().zip(values).map(|(time, value)| (As(*time), As(*value)));
            let [written, expected] =
                [serde_json::to_string(&Samples(times, values)), serde_json::to_string(&samples.collect::<Vec<_>>())]
                    .map(|json| json.unwrap().replace(".0,", ","));
            assert_eq!(written, expected);
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
