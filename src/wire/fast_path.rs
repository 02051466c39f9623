//! Reads parts of an answer without the lexer where they are written as Prometheus and VictoriaMetrics write them:
//! without blanks and escapes, with keys in one order. Everything else is read event by event.

use promql_presets_core::ResultType;

use super::intern::Interner;
use super::number;
use crate::value::Timestamp;

/// The start of an answer, up to its first series.
const STARTS: [(&[u8], ResultType); 2] = [
    (br#"{"status":"success","data":{"resultType":"vector","result":["#, ResultType::InstantVector),
    (br#"{"status":"success","data":{"resultType":"matrix","result":["#, ResultType::RangeVector),
];

/// The most bytes of labels that are read at once; longer ones are read by events, which count memory as they go.
const MOST_LABELS: usize = 1 << 16;

/// The length of the start of an answer, and the type of its result.
pub(super) fn start(bytes: &[u8]) -> Option<(usize, ResultType)> {
    STARTS.iter().find(|(start, _)| bytes.starts_with(start)).map(|(start, result_type)| (start.len(), *result_type))
}

/// Whether the rest of a chunk is the end of an answer, after its last series.
pub(super) fn is_end(bytes: &[u8]) -> bool {
    matches!(bytes, b"]}}" | b"]}}\n")
}

/// Reads an element of a vector from the start of `bytes`; its labels go to the interner. Returns its length, time and
/// value.
pub(super) fn element(bytes: &[u8], interner: &mut Interner) -> Option<(usize, Timestamp, f64)> {
    let rest = labels(bytes, interner)?.strip_prefix(br#","value":"#)?;
    let (millis, value, length) = number::sample(rest)?;
    let rest = rest[length..].strip_prefix(b"}")?;
    Some((bytes.len() - rest.len(), Timestamp::from_millis(millis), value))
}

/// Reads the labels of a series of a matrix from the start of `bytes` into the interner. Returns the length up to the
/// first sample.
pub(super) fn series_start(bytes: &[u8], interner: &mut Interner) -> Option<usize> {
    let rest = labels(bytes, interner)?.strip_prefix(br#","values":["#)?;
    Some(bytes.len() - rest.len())
}

/// Reads the labels of an element or a series. Returns what follows them.
fn labels<'a>(bytes: &'a [u8], interner: &mut Interner) -> Option<&'a [u8]> {
    let mut rest = bytes.strip_prefix(br#"{"metric":{"#)?;
    if let Some(rest) = rest.strip_prefix(b"}") {
        return Some(rest);
    }
    loop {
        let (name, after) = text(rest)?;
        let (value, after) = text(after.strip_prefix(b":")?)?;
        interner.name(name);
        interner.value(value);
        rest = match after.split_first()? {
            (b',', after) => after,
            (b'}', after) => return Some(after),
            _ => return None,
        };
        if bytes.len() - rest.len() > MOST_LABELS {
            return None;
        }
    }
}

/// A string at the start of `bytes`, and what follows it.
fn text(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let bytes = bytes.strip_prefix(b"\"")?;
    let length = bytes.iter().take(MOST_LABELS).position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
    let rest = bytes[length..].strip_prefix(b"\"")?;
    Some((std::str::from_utf8(&bytes[..length]).ok()?, rest))
}
