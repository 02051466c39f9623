//! Columns of numbers.
//!
//! `serde_json` takes numbers one by one, and half of its time for a column is spent on that. Here, many numbers are
//! written into one text, which it copies.

use std::any::type_name;
use std::iter::once;

use serde::de::value::{BorrowedStrDeserializer, Error, MapDeserializer};
use serde::de::{Deserialize, Deserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde::ser::{Error as _, Serialize, SerializeSeq, Serializer};
use serde_json::value::RawValue;

use super::Float;
use super::digits::{Place, write_float, write_integer};
use super::prometheus::As;
use crate::value::Timestamp;

/// A column of floats, as an array of [`Float`]s.
pub(super) struct Floats<'a>(pub(super) &'a [f64]);

/// A column of times, as an array of milliseconds.
pub(super) struct Times<'a>(pub(super) &'a [Timestamp]);

/// Times and values, as an array of pairs as Prometheus writes them.
pub(super) struct Samples<'a>(pub(super) &'a [Timestamp], pub(super) &'a [f64]);

impl Serialize for Floats<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        array(
            serializer,
            self.0.iter(),
            |value| Float(*value),
            |place, value| write_float(place.first_chunk_mut()?, *value),
        )
    }
}

impl Serialize for Times<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        array(
            serializer,
            self.0.iter(),
            |time| time,
            |place, time| {
                let millis = Some(time.as_millis()).filter(|millis| millis.unsigned_abs() < 10_u64.pow(16))?;
                Some(write_integer(place.first_chunk_mut()?, millis))
            },
        )
    }
}

impl Serialize for Samples<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let samples = self.0.iter().zip(self.1);
        array(
            serializer,
            samples,
            |(time, value)| (As(*time), As(*value)),
            |place, (time, value)| {
                place[0] = b'[';
                let mut end = 1 + write_float(place[1..].first_chunk_mut()?, time.as_secs_f64())?;
                place[end..][..2].copy_from_slice(b",\"");
                end += 2 + write_float(place[end + 2..].first_chunk_mut()?, *value)?;
                place[end..][..2].copy_from_slice(b"\"]");
                Some(end + 2)
            },
        )
    }
}

/// Whether a serializer is that of `serde_json`, which copies a [`RawValue`].
pub(super) fn copies_text<S>() -> bool {
    let name = type_name::<S>();
    name.starts_with("&mut serde_json::ser::Serializer<") && !name.contains("PrettyFormatter")
}

/// The room for an item: a time, a number, and what is around them.
type Room = [u8; 2 * size_of::<Place>() + 16];

/// The room for items that are passed on together. It fits into the processor's first cache.
const TEXT: usize = 2048;

/// Writes an array. `write` returns the length of an item in JSON, or `None` if `slow` has to write it.
fn array<S: Serializer, T: Copy, V: Serialize>(
    serializer: S,
    items: impl ExactSizeIterator<Item = T>,
    slow: impl Fn(T) -> V,
    write: impl Fn(&mut Room, T) -> Option<usize>,
) -> Result<S::Ok, S::Error> {
    if !copies_text::<S>() {
        return serializer.collect_seq(items.map(slow));
    }
    let mut list = serializer.serialize_seq(Some(items.len()))?;
    let (mut text, mut end) = ([0; TEXT], 0);
    for item in items {
        if let Some(length) = text[end..].first_chunk_mut().and_then(|place| write(place, item)) {
            end += length;
            text[end] = b',';
            end += 1;
        } else {
            flush(&mut list, &text[..end])?;
            end = 0;
            list.serialize_element(&slow(item))?;
        }
        if end >= TEXT - size_of::<Room>() {
            flush(&mut list, &text[..end])?;
            end = 0;
        }
    }
    flush(&mut list, &text[..end])?;
    list.end()
}

/// Passes on items that have commas behind them.
fn flush<S: SerializeSeq>(list: &mut S, text: &[u8]) -> Result<(), S::Error> {
    match text.split_last().and_then(|(_, items)| str::from_utf8(items).ok()) {
        Some(items) => list.serialize_element(<&RawValue>::deserialize(Unparsed(items)).map_err(S::Error::custom)?),
        None => Ok(()),
    }
}

/// JSON that becomes a [`RawValue`] as from the deserializer of `serde_json`, but without being parsed.
struct Unparsed<'a>(&'a str);

impl<'de> Deserializer<'de> for Unparsed<'de> {
    type Error = Error;

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(MapDeserializer::new(once((name, BorrowedStrDeserializer::new(self.0)))))
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_borrowed_str(self.0)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct seq
        tuple tuple_struct map struct enum identifier ignored_any
    }
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
                (state >> (state % 61)) as f64 / 10_f64.powi((state >> 32) as i32 & 15),
                f64::from_bits((1011 + state % 66) << 52 | (state >> 12 >> (state % 52)) << (state % 52)),
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
        assert!(copies_text::<&mut serde_json::Serializer<Vec<u8>>>());
        assert!(!copies_text::<serde_json::value::Serializer>());
        let values: Vec<f64> = (0..100).map(f64::from).collect();
        assert_eq!(serde_json::to_value(Floats(&values)).unwrap().as_array().unwrap().len(), 100);
        let pretty = serde_json::to_string_pretty(&[Floats(&values)]).unwrap();
        assert_eq!(pretty.lines().count(), 104);
        assert_eq!(serde_json::from_str::<[Vec<f64>; 1]>(&pretty).unwrap(), [values]);
    }
}
