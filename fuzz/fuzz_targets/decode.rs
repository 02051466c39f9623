//! Decodes a body whole and in chunks, and compares both with each other and with `serde_json`:
//!
//! ```sh
//! cargo +nightly fuzz run decode fuzz/corpus/decode fuzz/seeds/decode -- -dict=fuzz/seeds/decode.dict
//! ```
//!
//! The first two bytes select the chunks: the length of the first one, and the maximum length of the others.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use promql_presets::wire::{Data, DecodeError, Decoder, Limits, Response, decode_data};
use promql_presets::{Labels, Matrix, Timestamp};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

fuzz_target!(|input: &[u8]| {
    let Some((&[first, most], body)) = input.split_first_chunk() else { return };
    let whole = decode(std::iter::once(body));
    let parts = decode(pieces(body, first, most));
    assert_eq!(text(&whole), text(&parts));
    drop(decode_data::<Vec<BTreeMap<String, String>>>(body));

    let Ok(response) = whole else {
        let plain = is_plain::<Vec<Series>>(body)
            || is_plain::<Vec<Element>>(body)
            || is_plain::<Number>(body)
            || is_plain::<Text>(body);
        assert!(!plain, "refused: {whole:?}");
        return;
    };
    assert!(serde_json::from_slice::<IgnoredAny>(body).is_ok(), "accepted: {response:?}");
    let Some(data) = response.data else { return };
    drop(data.to_string());
    if let Data::Matrix(matrix) = &data {
        read(matrix);
    }
    match &data {
        Data::Matrix(_) => compare::<Vec<Series>>(&data, body),
        Data::Vector(_) => compare::<Vec<Element>>(&data, body),
        Data::Scalar(_) => compare::<Number>(&data, body),
        _ => compare::<Text>(&data, body),
    }
});

/// The first chunk, then others of any length up to `most`, or 1.
fn pieces(body: &[u8], first: u8, most: u8) -> impl Iterator<Item = &[u8]> {
    let mut state = u32::from_be_bytes([first, most, most, first]) | 1;
    let (head, mut rest) = body.split_at(usize::from(first).min(body.len()));
    let others = std::iter::from_fn(move || {
        // Xorshift.
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        let length = 1 + state as usize % usize::from(most).max(1);
        let (piece, more) = rest.split_at(length.min(rest.len()));
        rest = more;
        (!piece.is_empty()).then_some(piece)
    });
    std::iter::once(head).chain(others)
}

fn decode<'a>(parts: impl Iterator<Item = &'a [u8]>) -> Result<Response, DecodeError> {
    let mut decoder = Decoder::new(Limits::default());
    for part in parts {
        decoder.push(part)?;
    }
    decoder.finish()
}

/// Equality does not hold for `NaN`, and excerpts depend on the cuts.
fn text(result: &Result<Response, DecodeError>) -> String {
    match result {
        Err(DecodeError::Unexpected { expected, offset, .. }) => format!("{expected} at {offset}"),
        other => format!("{other:?}"),
    }
}

/// Reads a result in every way; nothing may panic.
fn read(matrix: &Matrix) {
    let steps: usize = matrix.by_time().map(|step| step.samples.len()).sum();
    assert_eq!(steps, matrix.sample_count());
    drop(matrix.to_string());
    drop(matrix.clone().into_rows::<BTreeMap<String, String>>());
    if let Ok(joined) = Matrix::join([matrix.clone(), matrix.clone()]) {
        assert_eq!(joined.len(), matrix.len());
    }
}

/// A response, with its unknown fields.
#[derive(Deserialize)]
struct Envelope<T> {
    status: String,
    data: Typed<T>,
    #[serde(flatten)]
    rest: Rest,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Typed<T> {
    result_type: String,
    result: T,
    #[serde(flatten)]
    rest: Rest,
}

type Rest = BTreeMap<String, IgnoredAny>;

/// A type that the result of a query can have.
trait Expected: DeserializeOwned {
    const TYPE: &'static str;

    /// Whether the decoder must accept this.
    fn is_plain(&self) -> bool;

    fn check(&self, data: &Data);
}

#[derive(Deserialize)]
struct Series {
    metric: Pairs,
    #[serde(default)]
    values: Vec<Number>,
    #[serde(flatten)]
    rest: Rest,
}

#[derive(Deserialize)]
struct Element {
    metric: Pairs,
    value: Option<Number>,
    #[serde(flatten)]
    rest: Rest,
}

#[derive(Deserialize)]
struct Number(f64, String);

#[derive(Deserialize)]
struct Text(f64, String);

/// An object that keeps duplicate keys.
struct Pairs(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Pairs;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

impl Pairs {
    fn labels(&self) -> Labels {
        self.0.iter().cloned().collect()
    }

    fn are_plain(&self) -> bool {
        self.labels().len() == self.0.len()
    }
}

impl Number {
    /// Digits that parse to infinity are out of range, for Go as well.
    fn is_plain(&self) -> bool {
        let Self(time, text) = self;
        let in_range = |value: f64| value.is_finite() || !text.contains(|c: char| c.is_ascii_digit());
        is_plain_time(*time) && text.parse::<f64>().is_ok_and(in_range)
    }

    fn check(&self, time: Timestamp, value: f64) {
        let Self(expected, text) = self;
        assert_eq!(value.to_bits(), text.parse::<f64>().unwrap().to_bits());
        check_time(*expected, time);
    }
}

fn is_plain_time(time: f64) -> bool {
    time.abs() < 9e15
}

/// Seconds as a float are exact to the millisecond only up to a certain time.
fn check_time(expected: f64, time: Timestamp) {
    if expected.abs() < 4e12 {
        let millis = (expected * 1000.0).round() as i64;
        assert!((time.as_millis() - millis).abs() <= 1, "{expected}");
    }
}

impl Expected for Vec<Series> {
    const TYPE: &'static str = "matrix";

    fn is_plain(&self) -> bool {
        self.iter().all(|Series { metric, values, rest }| {
            metric.are_plain()
                && rest.is_empty()
                && values.is_sorted_by(|Number(a, _), Number(b, _)| a + 0.01 < *b)
                && values.iter().all(Number::is_plain)
        })
    }

    fn check(&self, data: &Data) {
        let Data::Matrix(matrix) = data else { panic!("{data:?}") };
        assert_eq!(matrix.len(), self.len());
        for (series, Series { metric, values, .. }) in matrix.iter().zip(self) {
            assert_eq!(series.labels(), &metric.labels());
            assert_eq!(series.values().len(), values.len());
            for ((time, value), expected) in series.timestamps().iter().zip(series.values()).zip(values) {
                expected.check(*time, *value);
            }
        }
    }
}

impl Expected for Vec<Element> {
    const TYPE: &'static str = "vector";

    fn is_plain(&self) -> bool {
        self.iter().all(|Element { metric, value, rest }| {
            metric.are_plain() && rest.is_empty() && value.as_ref().is_some_and(Number::is_plain)
        })
    }

    fn check(&self, data: &Data) {
        let Data::Vector(vector) = data else { panic!("{data:?}") };
        assert_eq!(vector.len(), self.len());
        for (element, Element { metric, value, .. }) in vector.iter().zip(self) {
            assert_eq!(element.labels(), &metric.labels());
            assert_eq!(element.value().float().is_ok(), value.is_some());
            if let (Ok(float), Some(expected)) = (element.value().float(), value) {
                expected.check(element.timestamp(), float);
            }
        }
    }
}

impl Expected for Number {
    const TYPE: &'static str = "scalar";

    fn is_plain(&self) -> bool {
        self.is_plain()
    }

    fn check(&self, data: &Data) {
        let Data::Scalar(scalar) = data else { panic!("{data:?}") };
        self.check(scalar.timestamp(), scalar.value());
    }
}

impl Expected for Text {
    const TYPE: &'static str = "string";

    fn is_plain(&self) -> bool {
        is_plain_time(self.0)
    }

    fn check(&self, data: &Data) {
        let Data::Text(text) = data else { panic!("{data:?}") };
        assert_eq!(text.value(), self.1);
        check_time(self.0, text.timestamp());
    }
}

/// Whether a response has only known fields, and values that the decoder must accept.
fn is_plain<T: Expected>(body: &[u8]) -> bool {
    let Ok(Envelope { status, data, rest }) = serde_json::from_slice::<Envelope<T>>(body) else { return false };
    matches!(status.as_str(), "success" | "error")
        && data.result_type == T::TYPE
        && rest.is_empty()
        && data.rest.is_empty()
        && data.result.is_plain()
}

fn compare<T: Expected>(data: &Data, body: &[u8]) {
    if let Ok(envelope) = serde_json::from_slice::<Envelope<T>>(body) {
        envelope.data.result.check(data);
    }
}
