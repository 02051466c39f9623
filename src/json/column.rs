//! Columns of numbers.
//!
//! `serde_json` takes numbers one by one. Half of its time for a column is not spent on digits, so longer columns become
//! text here, which it copies.

use std::any::type_name;
use std::fmt::Display;
use std::io::{Cursor, Write};
use std::iter::once;

use serde::de::value::{Error, MapDeserializer};
use serde::de::{Deserialize, Deserializer, Visitor};
use serde::forward_to_deserialize_any;
use serde::ser::{Serialize, Serializer};
use serde_json::value::RawValue;

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
        let json = array::<S, _>(self.0.iter(), |place, value| {
            write_float(place.first_chunk_mut()?, *value).or_else(|| match *value {
                value if value.is_finite() => display(place, zmij::Buffer::new().format_finite(value)),
                value if value.is_nan() => display(place, r#""NaN""#),
                value => display(place, if value > 0.0 { r#""Infinity""# } else { r#""-Infinity""# }),
            })
        });
        match json {
            Some(json) => json.serialize(serializer),
            None => Column(|| self.0.iter().map(|value| Float(*value))).serialize(serializer),
        }
    }
}

impl Serialize for Times<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.to_json::<S>() {
            Some(json) => json.serialize(serializer),
            None => self.0.serialize(serializer),
        }
    }
}

impl Times<'_> {
    /// As text, if it is long, and if the serializer copies it.
    pub(super) fn to_json<S>(&self) -> Option<Box<RawValue>> {
        array::<S, _>(self.0.iter(), |place, time| match time.as_millis() {
            millis if millis.unsigned_abs() < 10_u64.pow(16) => Some(write_integer(place.first_chunk_mut()?, millis)),
            millis => display(place, millis),
        })
    }
}

impl Serialize for Samples<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let samples = self.0.iter().zip(self.1);
        let json = array::<S, _>(samples.clone(), |place, (time, value)| {
            place[0] = b'[';
            let mut end = 1 + number(&mut place[1..], time.as_secs_f64())?;
            place[end..][..2].copy_from_slice(b",\"");
            end += 2 + number(&mut place[end + 2..], *value)?;
            place[end..][..2].copy_from_slice(b"\"]");
            Some(end + 2)
        });
        match json {
            Some(json) => json.serialize(serializer),
            None => Column(|| samples.clone().map(|(time, value)| (As(*time), As(*value)))).serialize(serializer),
        }
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

/// The room for an item: a time, a number, and what is around them.
type Room = [u8; 2 * size_of::<Place>() + 16];

/// Many items as a JSON array, if the serializer is that of `serde_json`, which copies it. `write` returns the length of
/// an item.
fn array<S, T>(
    items: impl ExactSizeIterator<Item = T>,
    write: impl Fn(&mut Room, T) -> Option<usize>,
) -> Option<Box<RawValue>> {
    if items.len() < FEWEST || !type_name::<S>().starts_with("&mut serde_json::ser::Serializer<") {
        return None;
    }
    let (mut json, mut end) = (vec![0; items.len() * 20], 0);
    for item in items {
        json[end] = b',';
        end += 1;
        if json.len() <= end + size_of::<Room>() {
            json.resize(2 * json.len(), 0);
        }
        end += write(json[end..].first_chunk_mut()?, item)?;
    }
    json[0] = b'[';
    json[end] = b']';
    json.truncate(end + 1);
    Box::deserialize(Unparsed(String::from_utf8(json).ok()?)).ok()
}

/// JSON that becomes a [`RawValue`] as from the deserializer of `serde_json`, but without being parsed.
struct Unparsed(String);

impl<'de> Deserializer<'de> for Unparsed {
    type Error = Error;

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_map(MapDeserializer::new(once((name, self.0))))
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.0)
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
        let times: Vec<Timestamp> = (0..100).map(Timestamp::from_secs).collect();
        assert!(Times(&times).to_json::<&mut serde_json::Serializer<Vec<u8>>>().is_some());
        assert!(Times(&times).to_json::<serde_json::value::Serializer>().is_none());
        let values: Vec<f64> = (0..100).map(f64::from).collect();
        assert_eq!(serde_json::to_value(Floats(&values)).unwrap().as_array().unwrap().len(), 100);
        let pretty = serde_json::to_string_pretty(&[Floats(&values)]).unwrap();
        assert_eq!(serde_json::from_str::<[Vec<f64>; 1]>(&pretty).unwrap(), [values]);
    }
}
