//! Decodes a body whole and in chunks, and compares both with each other and with `serde_json`:
//!
//! ```sh
//! cargo +nightly fuzz run decode fuzz/corpus/decode fuzz/seeds/decode -- -dict=fuzz/seeds/decode.dict
//! ```
//!
//! The first two bytes say how to cut the rest.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use promql_presets::wire::{DecodeError, Decoder, Limits, QueryResult, Response, decode_data};
use promql_presets::{Labels, Matrix, Timestamp};
use serde::Deserialize;
use serde::de::IgnoredAny;

fuzz_target!(|input: &[u8]| {
    let Some((&[first, step], body)) = input.split_first_chunk() else { return };
    let whole = decode(std::iter::once(body));
    let (head, tail) = body.split_at(usize::from(first).min(body.len()));
    let parts = decode(std::iter::once(head).chain(tail.chunks(usize::from(step).max(1))));
    assert_eq!(text(&whole), text(&parts));
    drop(decode_data::<Vec<BTreeMap<String, String>>>(body));

    let Ok(response) = whole else {
        let strict = serde_json::from_slice::<Envelope>(body).ok().filter(Envelope::is_plain);
        assert!(strict.is_none(), "refused: {whole:?}");
        return;
    };
    assert!(serde_json::from_slice::<IgnoredAny>(body).is_ok(), "accepted: {response:?}");
    if let Ok(matrix) = Matrix::from_response(response) {
        read(&matrix);
        if let Ok(envelope) = serde_json::from_slice::<Envelope>(body) {
            compare(&matrix, &envelope);
        }
    }
});

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

/// Nothing that reads a result may panic.
fn read(matrix: &Matrix) {
    let steps: usize = matrix.by_time().map(|step| step.samples.len()).sum();
    assert_eq!(steps, matrix.sample_count());
    drop(matrix.to_string());
    drop(matrix.rows::<BTreeMap<String, String>>());
    if let Ok(joined) = Matrix::join([matrix.clone(), matrix.clone()]) {
        assert_eq!(joined.len(), matrix.len());
    }
}

/// A matrix with nothing but what a matrix must have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Envelope {
    status: String,
    data: Data,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Data {
    result_type: String,
    result: Vec<Series>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Series {
    metric: Pairs,
    values: Vec<(f64, String)>,
}

/// An object, its keys as often as they come.
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

impl Envelope {
    /// Whether the decoder has no reason to refuse this.
    fn is_plain(&self) -> bool {
        matches!(self.status.as_str(), "success" | "error")
            && self.data.result_type == "matrix"
            && self.data.result.iter().all(|series| {
                let labels: Labels = series.metric.0.iter().cloned().collect();
                labels.len() == series.metric.0.len()
                    && series.values.is_sorted_by(|(a, _), (b, _)| a + 0.01 < *b)
                    && series.values.iter().all(|(time, value)| time.abs() < 9e15 && is_float(value))
            })
    }
}

/// Infinity in digits is out of range, which Go refuses as well.
fn is_float(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(|value| value.is_finite() || !text.contains(|c: char| c.is_ascii_digit()))
}

fn compare(matrix: &Matrix, expected: &Envelope) {
    assert_eq!(matrix.len(), expected.data.result.len());
    for (series, expected) in matrix.iter().zip(&expected.data.result) {
        assert_eq!(series.labels(), &expected.metric.0.iter().cloned().collect::<Labels>());
        assert_eq!(series.len(), expected.values.len());
        for (sample, (time, value)) in series.iter().zip(&expected.values) {
            assert_eq!(sample.float().map(f64::to_bits), Ok(value.parse::<f64>().unwrap().to_bits()));
            // A float of seconds is exact to the millisecond only up to here.
            if time.abs() < 4e12 {
                let millis = Timestamp::from_millis((time * 1000.0).round() as i64).as_millis();
                assert!((sample.timestamp.as_millis() - millis).abs() <= 1, "{time}");
            }
        }
    }
}
