//! Reads the bodies of responses.

use std::ops::Range;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::error::ErrorKind;
use crate::http::options::PartialData;
use crate::http::transport::{is_success, unusable};
use crate::value::{Meta, Response, ServerError};
use crate::wire::{DecodeError, Decoder, Envelope, Limits, Pool, decode_envelope, decode_part};

/// The length of the excerpt in errors about responses that are not from Prometheus.
const EXCERPT_BYTES: usize = 512;

/// The start of a Prometheus response.
const OWN_START: &[u8] = b"{\"status\":";

/// How many bytes of JSON are read before other tasks can run: about a millisecond.
const YIELD_BYTES: usize = 1 << 20;

/// The maximum length of a body of a failed request that is read as a Prometheus response.
const FAILURE_BYTES: usize = 1 << 20;

/// Decodes the JSON of a response, which arrives in chunks.
pub(crate) trait Decode: Sized {
    type Output;

    fn new(limits: Limits) -> Self;

    /// Applies the limit of samples to several responses together.
    fn share(&mut self, _: Arc<Pool>) {}

    fn push(&mut self, bytes: &[u8]) -> Result<(), DecodeError>;

    /// Returns the result, or the error that the server reported.
    fn finish(self) -> Result<Result<Self::Output, ServerError>, DecodeError>;

    fn meta(output: &mut Self::Output) -> &mut Meta;
}

/// Responses to queries.
impl Decode for Decoder {
    type Output = Response;

    fn new(limits: Limits) -> Self {
        Self::new(limits)
    }

    fn share(&mut self, pool: Arc<Pool>) {
        self.share(pool);
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        self.push(bytes)
    }

    fn finish(self) -> Result<Result<Response, ServerError>, DecodeError> {
        let mut response = self.finish()?;
        Ok(response.error.take().map_or(Ok(response), Err))
    }

    fn meta(response: &mut Response) -> &mut Meta {
        &mut response.meta
    }
}

/// Short responses, which are buffered and decoded when they are complete.
pub(crate) struct BufferedJson {
    body: Vec<u8>,
    limits: Limits,
    /// Estimated memory for the content of the body so far.
    memory: u64,
}

/// A body with its `data`.
pub(crate) struct Json {
    body: Vec<u8>,
    data: Range<usize>,
    pub(crate) meta: Meta,
}

impl Json {
    /// Decodes the data.
    pub(crate) fn data<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        decode_part(&self.body, self.data.clone())
    }
}

impl Decode for BufferedJson {
    type Output = Json;

    fn new(limits: Limits) -> Self {
        Self { body: Vec::new(), limits, memory: 0 }
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        let Limits { max_bytes, .. } = self.limits;
        if (self.body.len() + bytes.len()) as u64 > max_bytes {
            return Err(DecodeError::TooManyBytes { limit: max_bytes });
        }
        // A string has two quotes. Both are more than most values need, and less than a list of empty ones.
        let memory = |byte: &u8| match byte {
            b'{' | b'[' => 96,
            b'"' => 16,
            _ => 0,
        };
        self.memory += bytes.iter().map(memory).sum::<u64>();
        if self.memory > self.limits.max_memory() {
            return Err(DecodeError::TooMuchMemory { limit: self.limits.max_memory() });
        }
        self.body.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(self) -> Result<Result<Json, ServerError>, DecodeError> {
        let (Envelope { data, error, meta }, body) = (decode_envelope(&self.body)?, self.body);
        match (error, data) {
            (Some(error), _) => Ok(Err(error)),
            (None, Some(data)) => Ok(Ok(Json { body, data, meta })),
            (None, None) => Err(DecodeError::MissingField { field: "data" }),
        }
    }

    fn meta(json: &mut Json) -> &mut Meta {
        &mut json.meta
    }
}

/// Reads the body of a response: decompresses it, and decodes it if it is from Prometheus. Everything else becomes an
/// error.
pub(crate) struct BodyReader<D> {
    status: u16,
    /// What to do with partial data.
    pub(crate) partial: PartialData,
    /// Whether the call limits the number of series.
    pub(crate) is_limited: bool,
    /// The start of a body that may not be from Prometheus, without leading white space; the whole body of a failed
    /// request.
    kept: Vec<u8>,
    /// The maximum length to keep.
    most_kept: usize,
    /// Whether the body is JSON to decode, if that is known.
    is_json: Option<bool>,
    pub(crate) decoder: D,
    #[cfg(feature = "gzip")]
    gzip: Option<Gzip>,
    /// Number of bytes since other tasks could run.
    since_yield: usize,
}

impl<D: Decode> BodyReader<D> {
    /// The body of a response with this status and `Content-Encoding`.
    pub(crate) fn new(status: u16, encoding: Option<&str>, limits: Limits) -> Result<Self, ErrorKind> {
        let encoding = encoding.map(str::trim).filter(|encoding| !matches!(*encoding, "" | "identity"));
        let is_gzip = cfg!(feature = "gzip") && matches!(encoding, Some("gzip" | "x-gzip"));
        if let Some(other) = encoding.filter(|_| !is_gzip) {
            let reason = format!("a body in the encoding `{}`, which was not requested", other.escape_debug());
            return Err(unusable(status, reason));
        }
        let (is_json, most_kept) =
            if is_success(status) { (None, EXCERPT_BYTES) } else { (Some(false), FAILURE_BYTES) };
        Ok(Self {
            status,
            partial: PartialData::default(),
            is_limited: false,
            kept: Vec::new(),
            most_kept,
            is_json,
            decoder: D::new(limits),
            #[cfg(feature = "gzip")]
            gzip: is_gzip.then(Gzip::default),
            since_yield: 0,
        })
    }

    /// How many bytes to push at once. Compressed data can become a thousand times as long.
    #[cfg_attr(
        not(feature = "gzip"),
        expect(clippy::unused_self, reason = "without the feature nothing is compressed")
    )]
    pub(crate) fn piece(&self) -> usize {
        #[cfg(feature = "gzip")]
        if self.gzip.is_some() {
            return 1 << 12;
        }
        usize::MAX
    }

    /// Whether other tasks, and the timeout, should run now. Resets the count.
    pub(crate) fn should_yield(&mut self) -> bool {
        let should_yield = self.since_yield >= YIELD_BYTES;
        if should_yield {
            self.since_yield = 0;
        }
        should_yield
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), ErrorKind> {
        #[cfg(feature = "gzip")]
        if let Some(mut gzip) = self.gzip.take() {
            let pushed = gzip.push(bytes, self);
            self.gzip = Some(gzip);
            return pushed;
        }
        self.push_plain(bytes)
    }

    fn push_plain(&mut self, mut bytes: &[u8]) -> Result<(), ErrorKind> {
        self.since_yield += bytes.len();
        if self.is_json.is_none() {
            let start = bytes.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
            let (blanks, rest) = bytes.split_at(start.unwrap_or(bytes.len()));
            // Some proxies keep connections alive with white space. It counts like all bytes.
            self.decoder.push(blanks)?;
            // `Content-Type` is not reliable: some proxies send JSON as text, and login pages as JSON.
            self.is_json = rest.first().map(|first| *first == b'{');
            bytes = rest;
            if bytes.starts_with(OWN_START) {
                self.most_kept = 0;
            }
        }
        self.kept.extend_from_slice(&bytes[..bytes.len().min(self.most_kept - self.kept.len())]);
        match self.is_json {
            Some(true) => Ok(self.decoder.push(bytes)?),
            _ if self.kept.len() == self.most_kept => Err(self.foreign()),
            _ => Ok(()),
        }
    }

    pub(crate) fn finish(
        #[cfg_attr(not(feature = "gzip"), expect(unused_mut))] mut self,
    ) -> Result<D::Output, ErrorKind> {
        #[cfg(feature = "gzip")]
        if let Some(gzip) = self.gzip.take() {
            gzip.finish(&mut self)?;
        }
        let Self { status, partial, is_limited, .. } = self;
        if self.is_json != Some(true) {
            // An empty body may be one that did not arrive.
            return Err(match decode_envelope(&self.kept) {
                Ok(Envelope { error: Some(error), .. }) => ErrorKind::Server { status, error },
                _ => self.foreign(),
            });
        }
        let Self { decoder, kept, .. } = self;
        let mut output = match decoder.finish() {
            Ok(output) => output.map_err(|error| ErrorKind::Server { status, error })?,
            // JSON that is not from Prometheus.
            Err(DecodeError::MissingField { field: "status" }) => return Err(foreign(status, &kept)),
            Err(error) => return Err(error.into()),
        };
        let meta = D::meta(&mut output);
        meta.partial_accepted |= partial == PartialData::Accept;
        meta.is_limited = is_limited;
        match meta.partial_reason() {
            Some(reason) if partial == PartialData::Refuse => Err(ErrorKind::PartialData { reason: reason.to_owned() }),
            _ => Ok(output),
        }
    }

    fn foreign(&self) -> ErrorKind {
        foreign(self.status, &self.kept)
    }
}

/// The error for a body that is not from Prometheus and starts like this.
fn foreign(status: u16, start: &[u8]) -> ErrorKind {
    let text = String::from_utf8_lossy(&start[..start.len().min(EXCERPT_BYTES)]);
    let body = text.split_whitespace().collect::<Vec<_>>().join(" ");
    ErrorKind::Http { status, body }
}

/// Decompresses gzip data.
#[cfg(feature = "gzip")]
#[derive(Default)]
struct Gzip {
    decoder: Option<flate2::write::MultiGzDecoder<Vec<u8>>>,
    length: u64,
}

#[cfg(feature = "gzip")]
impl Gzip {
    fn push<D: Decode>(&mut self, bytes: &[u8], body: &mut BodyReader<D>) -> Result<(), ErrorKind> {
        use std::io::Write;

        let decoder = self.decoder.get_or_insert_with(|| flate2::write::MultiGzDecoder::new(Vec::new()));
        self.length += bytes.len() as u64;
        let written = decoder.write_all(bytes);
        body.push_plain(decoder.get_ref())?;
        decoder.get_mut().clear();
        match written {
            Err(_) if is_success(body.status) => Err(DecodeError::Gzip { length: self.length }.into()),
            // The status is more informative.
            Err(_) => Err(body.foreign()),
            Ok(()) => Ok(()),
        }
    }

    /// A body without any bytes is empty.
    fn finish<D: Decode>(self, body: &mut BodyReader<D>) -> Result<(), ErrorKind> {
        let Some(mut decoder) = self.decoder else { return Ok(()) };
        let finished = decoder.try_finish();
        body.push_plain(decoder.get_ref())?;
        match finished {
            Err(source) if is_success(body.status) => {
                Err(ErrorKind::Truncated { bytes: self.length, source: Arc::new(source) })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { max_bytes: 1000, max_samples: 10 };

    fn read(status: u16, chunks: &[&str], partial: PartialData) -> Result<Vec<String>, ErrorKind> {
        let mut body = BodyReader::<BufferedJson>::new(status, None, LIMITS)?;
        body.partial = partial;
        for chunk in chunks {
            body.push(chunk.as_bytes())?;
        }
        Ok(body.finish()?.data()?)
    }

    fn failed(status: u16, body: &str) -> String {
        format!("{:?}", read(status, &[body], PartialData::Warn).unwrap_err())
    }

    #[test]
    fn json_is_recognized_by_its_start() {
        let ok = read(200, &["\n", " ", "{\"status\":\"success\",", "\"data\":[\"a\"]}"], PartialData::Warn);
        assert_eq!(ok.unwrap(), ["a"]);
        assert_eq!(failed(200, "<html>\n  <b>hi"), r#"Http { status: 200, body: "<html> <b>hi" }"#);
        assert_eq!(failed(200, ""), r#"Http { status: 200, body: "" }"#);
        assert_eq!(failed(503, " "), r#"Http { status: 503, body: "" }"#);
    }

    #[test]
    fn failures_show_the_body() {
        assert_eq!(
            failed(401, r#"{"message":"no API key"}"#),
            r#"Http { status: 401, body: "{\"message\":\"no API key\"}" }"#
        );
        let server = failed(422, r#"{"status":"error","errorType":"new_kind","error":"m"}"#);
        assert_eq!(server, r#"Server { status: 422, error: ServerError { kind: "new_kind", message: "m" } }"#);
        let success = failed(200, r#"{"status":"error","errorType":"execution","error":"m","data":null}"#);
        assert!(success.starts_with("Server { status: 200, error: ServerError { kind: \"execution\""), "{success}");
        assert!(failed(500, r#"{"status":"success","data":[]}"#).starts_with("Http { status: 500"));
    }

    #[test]
    fn unfinished_bodies_are_truncated() {
        let long = "x".repeat(2000);
        let ErrorKind::Http { body, .. } = read(200, &[&long], PartialData::Warn).unwrap_err() else { panic!() };
        assert_eq!(body.len(), EXCERPT_BYTES);
        let spaces = " ".repeat(EXCERPT_BYTES);
        let error = read(200, &[&spaces, &spaces], PartialData::Warn).unwrap_err();
        assert!(matches!(error, ErrorKind::Decode(DecodeError::TooManyBytes { limit: 1000 })));
        let json = format!("{{\"a\":\"{long}\"}}");
        let error = read(200, &[&json], PartialData::Warn).unwrap_err();
        assert!(matches!(error, ErrorKind::Decode(DecodeError::TooManyBytes { limit: 1000 })));
        let huge = "{".repeat(FAILURE_BYTES + 5);
        assert!(matches!(read(500, &[&huge], PartialData::Warn), Err(ErrorKind::Http { status: 500, .. })));
    }

    #[test]
    fn partial_data_is_refused_on_request_only() {
        let body = r#"{"status":"success","data":[],"warnings":["store x did not respond"]}"#;
        assert!(read(200, &[body], PartialData::Accept).is_ok());
        assert!(read(200, &[body], PartialData::Warn).is_ok());
        let refused = read(200, &[body], PartialData::Refuse).unwrap_err();
        assert_eq!(refused.to_string(), "the response is partial: store x did not respond");
    }

    #[test]
    fn reading_yields_after_a_fixed_number_of_bytes() {
        let limits = Limits { max_bytes: u64::MAX, ..LIMITS };
        let mut body = BodyReader::<Decoder>::new(200, None, limits).unwrap();
        body.push(b"{\"a\":[1").unwrap();
        let piece = ",1".repeat(1 << 14);
        let yields = (0..64).filter(|_| {
            body.push(piece.as_bytes()).unwrap();
            body.should_yield()
        });
        assert_eq!(yields.count(), 2);
    }

    #[test]
    fn unknown_encodings_are_refused() {
        for encoding in ["br", "gzip, gzip", "zstd"] {
            let refused = BodyReader::<Decoder>::new(502, Some(encoding), LIMITS);
            let Err(ErrorKind::Unusable { status: Some(502), reason }) = refused else { panic!("{encoding}") };
            assert!(reason.contains(encoding), "{reason}");
        }
    }

    #[cfg(feature = "gzip")]
    fn zip(parts: &[&[u8]]) -> Vec<u8> {
        use std::io::Write;

        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(&parts.concat()).unwrap();
        encoder.finish().unwrap()
    }

    #[cfg(feature = "gzip")]
    fn unzip(status: u16, zipped: &[u8], size: usize) -> Result<Vec<String>, ErrorKind> {
        let mut body = BodyReader::<BufferedJson>::new(status, Some("gzip"), LIMITS).unwrap();
        zipped.chunks(size).try_for_each(|chunk| body.push(chunk))?;
        Ok(body.finish()?.data()?)
    }

    #[cfg(feature = "gzip")]
    #[test]
    fn gzip_is_read_in_any_pieces_unless_it_is_truncated() {
        let zipped = zip(&[br#"{"status":"success","data":["a","b"]}"#]);
        for size in [1, 7, 1000] {
            assert_eq!(unzip(200, &zipped, size).unwrap(), ["a", "b"]);
        }
        for length in 1..zipped.len() {
            let error = unzip(200, &zipped[..length], 7).unwrap_err();
            let ErrorKind::Truncated { bytes, .. } = error else { panic!("{length}: {error:?}") };
            assert_eq!(bytes, length as u64);
        }
        let bomb = zip(&[&[&b"{\""[..]], &[&[b'a'; 10_000][..]; 100][..]].concat());
        let error = unzip(200, &bomb, 1 << 20).unwrap_err();
        assert!(matches!(error, ErrorKind::Decode(DecodeError::TooManyBytes { .. })), "{error:?}");
    }

    #[cfg(feature = "gzip")]
    #[test]
    fn invalid_gzip_is_an_error_that_keeps_the_status() {
        let shown = |status, body: &[u8]| format!("{:?}", unzip(status, body, 1000).unwrap_err());
        let zipped = zip(&[br#"{"status":"success","data":[]}"#]);
        for bad in [&b"{\"status\":\"success\"}"[..], b"\x1f\x8b\x08\xff\xff", &[&zipped[..], b"more"].concat()] {
            let length = bad.len();
            let error = unzip(200, bad, 1000).unwrap_err();
            assert!(
                matches!(error, ErrorKind::Decode(DecodeError::Gzip { .. }) | ErrorKind::Truncated { .. }),
                "{error:?}"
            );
            assert!(format!("{error:?}").contains(&format!(": {length}")), "{error:?}");
            assert!(shown(503, bad).starts_with("Http { status: 503"), "{}", shown(503, bad));
        }
        for status in [200, 502] {
            assert_eq!(shown(status, b""), format!(r#"Http {{ status: {status}, body: "" }}"#));
        }
        let cut = zip(&[b"<html>", &[b'-'; 3000]]);
        let ErrorKind::Http { status: 502, .. } = unzip(502, &cut[..cut.len() - 5], 7).unwrap_err() else { panic!() };
    }
}
