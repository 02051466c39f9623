//! Short responses, such as those of `/labels` and `/metadata`, into types of `serde`.

use std::fmt;
use std::ops::Range;

use serde::de::{DeserializeOwned, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{DecodeError, excerpt};
use crate::value::{Meta, ServerError};

/// A decoded response of an endpoint other than `/query` and `/query_range`.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Envelope<T> {
    /// The data; absent where the request failed.
    pub data: Option<T>,
    /// The error that the server reports.
    pub error: Option<ServerError>,
    /// Warnings and infos.
    pub meta: Meta,
}

/// Decodes a whole body whose `data` is a `T`.
///
/// ```
/// let labels = promql_presets::wire::decode_data::<Vec<String>>(br#"{"status":"success","data":["job","pod"]}"#)?;
/// assert_eq!(labels.data, Some(vec!["job".to_owned(), "pod".to_owned()]));
/// # Ok::<(), promql_presets::wire::DecodeError>(())
/// ```
///
/// # Errors
///
/// The body is not JSON, lacks `status`, or its `data` is not a `T`.
pub fn decode_data<T: DeserializeOwned>(body: &[u8]) -> Result<Envelope<T>, DecodeError> {
    let Envelope { data, error, meta } = decode_envelope(body)?;
    let data = data.map(|data| decode_part::<Option<T>>(body, data)).transpose()?.flatten();
    Ok(Envelope { data, error, meta })
}

/// Decodes a whole body, and returns where its `data` is.
pub(crate) fn decode_envelope(body: &[u8]) -> Result<Envelope<Range<usize>>, DecodeError> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let result = (&mut json).deserialize_map(EnvelopeVisitor).and_then(|envelope| json.end().map(|()| envelope));
    let envelope = result.map_err(|error| locate(&error, body, &(0..body.len())))?;
    let Envelope { data, error, meta } = envelope.ok_or(DecodeError::MissingField { field: "status" })?;
    let data = data.map(|data| {
        let start = data.get().as_ptr().addr() - body.as_ptr().addr();
        start..start + data.get().len()
    });
    Ok(Envelope { data, error, meta })
}

/// Decodes the data of a body. Go writes `null` for lists and maps that are nil.
pub(crate) fn decode_part<T: DeserializeOwned>(body: &[u8], part: Range<usize>) -> Result<T, DecodeError> {
    serde_json::from_slice(&body[part.clone()]).map_err(|error| match &body[part.clone()] {
        b"null" => DecodeError::MissingField { field: "data" },
        _ => locate(&error, body, &part),
    })
}

/// An error in a part of a body.
fn locate(error: &serde_json::Error, body: &[u8], part: &Range<usize>) -> DecodeError {
    match error.classify() {
        serde_json::error::Category::Eof => {
            DecodeError::Truncated { expected: "the rest of a JSON object", length: body.len() as u64 }
        }
        serde_json::error::Category::Syntax => {
            // Lines and columns count from one; the column is in bytes.
            let lines = body[part.clone()].split_inclusive(|&byte| byte == b'\n').take(error.line() - 1);
            let line = part.start + lines.map(<[u8]>::len).sum::<usize>();
            let offset = (line + error.column().saturating_sub(1)).min(body.len());
            DecodeError::Unexpected { expected: "JSON", offset: offset as u64, found: excerpt(&body[offset..]) }
        }
        _ => DecodeError::Data { reason: error.to_string() },
    }
}

/// The fields that may occur only once.
const FIELDS: [&str; 7] = ["status", "data", "errorType", "error", "warnings", "infos", "isPartial"];

struct EnvelopeVisitor;

/// `None` where there is no `status`.
impl<'de> Visitor<'de> for EnvelopeVisitor {
    type Value = Option<Envelope<&'de RawValue>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a response of the Prometheus HTTP API, a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Fields::default();
        let mut data = None;
        while fields.read_until_data(&mut map)? {
            data = Some(map.next_value()?);
        }
        let Fields { success, error, meta, .. } = fields;
        let error = error.of_response(success != Some(false));
        Ok(success.is_some().then_some(Envelope { data, error, meta }))
    }
}

/// The fields other than `data`, whose reader does not depend on the type of the data.
#[derive(Default)]
struct Fields {
    seen: [bool; FIELDS.len()],
    success: Option<bool>,
    error: ServerError,
    meta: Meta,
}

impl Fields {
    /// Reads fields. Returns whether `data` is next; that of an error, which may have any type, is skipped.
    fn read_until_data<'de, A: MapAccess<'de>>(&mut self, map: &mut A) -> Result<bool, A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            if let Some(at) = FIELDS.iter().position(|field| key == *field)
                && std::mem::replace(&mut self.seen[at], true)
            {
                return Err(A::Error::duplicate_field(FIELDS[at]));
            }
            match key.as_str() {
                "status" => {
                    self.success = Some(match map.next_value::<String>()?.as_str() {
                        "success" => true,
                        "error" => false,
                        other => return Err(A::Error::custom(format!("the status is `{other}`"))),
                    });
                }
                "data" if self.success != Some(false) => return Ok(true),
                "errorType" => self.error.kind = map.next_value::<Option<String>>()?.unwrap_or_default(),
                "error" => self.error.message = map.next_value::<Option<String>>()?.unwrap_or_default(),
                "warnings" => self.meta.warnings = map.next_value::<Option<Vec<_>>>()?.unwrap_or_default(),
                "infos" => self.meta.infos = map.next_value::<Option<Vec<_>>>()?.unwrap_or_default(),
                "isPartial" => self.meta.is_partial = map.next_value::<Option<bool>>()?.unwrap_or_default(),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn data_of_any_type_comes_with_warnings() {
        let body = br#"{"status":"success","new":[{}],"warnings":["w"],"infos":null,"data":[{"a":"b"}]}"#;
        let series = decode_data::<Vec<BTreeMap<String, String>>>(body).unwrap();
        assert_eq!(series.data.unwrap()[0]["a"], "b");
        assert_eq!(series.meta.warnings, ["w"]);
        assert_eq!(series.error, None);
    }

    #[test]
    fn errors_of_the_server_are_decoded() {
        let body = br#"{"status":"error","errorType":"bad_data","error":"no","data":null}"#;
        let error = decode_data::<Vec<String>>(body).unwrap().error.unwrap();
        assert_eq!((error.kind.as_str(), error.message.as_str()), ("bad_data", "no"));
        let both = decode_data::<Vec<String>>(br#"{"status":"success","error":"no","data":[]}"#).unwrap();
        assert_eq!(both.error.unwrap().message, "no");
        let typed = decode_data::<Vec<String>>(br#"{"status":"success","errorType":"timeout","data":[]}"#).unwrap();
        assert_eq!(typed.error.unwrap().kind, "timeout");
    }

    #[test]
    fn other_bodies_are_errors_with_a_place() {
        let message = |body: &str| decode_data::<Vec<String>>(body.as_bytes()).unwrap_err().to_string();
        assert_eq!(message("<html>\n</html>"), "expected JSON at byte 0 of the body, found `<html> </html>`");
        assert_eq!(message("{\n\"status\" 1}"), "expected JSON at byte 11 of the body, found `1}`");
        assert_eq!(message(""), "the body ends after 0 bytes, expected the rest of a JSON object");
        assert_eq!(message("{}"), "the body has no `status`");
        assert!(message(r#"{"status":"success","data":[1]}"#).starts_with("the data is not what was expected: "));
        for twice in [r#"{"status":"success","data":[],"data":[]}"#, r#"{"status":"error","status":"success"}"#] {
            assert!(message(twice).contains("duplicate field"), "{twice}");
        }
        assert!(message(r#"{"status":"ok"}"#).contains("the status is `ok`"));
        assert!(message(r#"{"status":"success"} x"#).contains("found `x`"));
        assert!(message(r#""text""#).contains("a JSON object"));
    }
}
