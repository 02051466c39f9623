//! Reads parts of a response without the lexer where they are written as Prometheus and VictoriaMetrics write them:
//! without blanks and escapes, with keys in one order. Everything else is read event by event.

use promql_presets_core::ResultType;

use super::intern::Interner;
use super::number;
use crate::value::Timestamp;

/// The start of a response, up to its first series.
const STARTS: [(&[u8], ResultType); 2] = [
    (br#"{"status":"success","data":{"resultType":"vector","result":["#, ResultType::InstantVector),
    (br#"{"status":"success","data":{"resultType":"matrix","result":["#, ResultType::RangeVector),
];

/// The most bytes of labels that are read at once; longer ones are read by events, which count memory as they go.
const MOST_LABELS: usize = 1 << 16;

/// The length of the start of a response, and the type of its result.
pub(super) fn start(bytes: &[u8]) -> Option<(usize, ResultType)> {
    STARTS.iter().find(|(start, _)| bytes.starts_with(start)).map(|(start, result_type)| (start.len(), *result_type))
}

/// Whether the rest of a chunk is the end of a response, after its last series.
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
        rest = match label(rest, interner)?.split_first()? {
            (b',', rest) => rest,
            (b'}', rest) => return Some(rest),
            _ => return None,
        };
        if bytes.len() - rest.len() > MOST_LABELS {
            return None;
        }
    }
}

/// Reads a label from the start of `bytes` into the interner. Returns what follows it.
#[inline]
pub(super) fn label<'a>(bytes: &'a [u8], interner: &mut Interner) -> Option<&'a [u8]> {
    let name = bytes.strip_prefix(b"\"")?;
    let rest = interner.expected_name(name).or_else(|| {
        let (name, rest) = text(name)?;
        interner.name(std::str::from_utf8(name).ok()?, true);
        Some(rest)
    })?;
    let value = rest.strip_prefix(b":\"")?;
    interner.expected_value(value).or_else(|| {
        let (value, rest) = text(value)?;
        interner.other_value(value, true)?;
        Some(rest)
    })
}

/// The text up to the quote at its end, and what follows that.
fn text(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = plain_length(&bytes[..bytes.len().min(MOST_LABELS)]);
    let rest = bytes[length..].strip_prefix(b"\"")?;
    Some((&bytes[..length], rest))
}

/// The number of bytes before the first quote, backslash or control character.
pub(super) fn plain_length(bytes: &[u8]) -> usize {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let (words, rest) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let (quote, backslash) = (word ^ (EACH * 0x22), word ^ (EACH * 0x5C));
        // The lowest top bit that is set belongs to the first such byte; borrows reach only bytes behind it.
        let found = (quote.wrapping_sub(EACH) & !quote)
            | (backslash.wrapping_sub(EACH) & !backslash)
            | (word.wrapping_sub(EACH * 0x20) & !word);
        let found = found & (EACH * 0x80);
        if found != 0 {
            return at * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    words.len() * 8 + rest.iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20)).count()
}
