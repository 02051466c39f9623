//! Bodies, from the bytes of the network to what they mean.

use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::{DeserializeOwned, IgnoredAny};

use crate::error::ErrorKind;
use crate::options::PartialData;
use crate::value::Meta;
use crate::wire::{DecodeError, Decoder, Envelope, Limits, Pool, Response, ServerError, decode_data};

/// How much of a foreign answer an error shows.
const EXCERPT_BYTES: usize = 512;

/// How long the answer to a failed request may be; what is longer is no answer of Prometheus.
const FAILURE_BYTES: usize = 1 << 20;

/// What reads the JSON of an answer piece by piece.
pub(crate) trait Sink: Sized {
    type Output;

    fn new(limits: Limits) -> Self;

    /// Lets the limit of samples hold for several answers together.
    fn share(&mut self, _: Arc<Pool>) {}

    fn push(&mut self, bytes: &[u8]) -> Result<(), ErrorKind>;

    /// The meaning of the whole, and what the server says went wrong.
    fn finish(self) -> Result<(Self::Output, Option<ServerError>), ErrorKind>;

    fn meta(output: &mut Self::Output) -> &mut Meta;
}

/// Answers to queries.
impl Sink for Decoder {
    type Output = Response;

    fn new(limits: Limits) -> Self {
        Self::new(limits)
    }

    fn share(&mut self, pool: Arc<Pool>) {
        self.share(pool);
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), ErrorKind> {
        Ok(self.push(bytes)?)
    }

    fn finish(self) -> Result<(Response, Option<ServerError>), ErrorKind> {
        let mut response = self.finish()?;
        let error = response.error.take();
        Ok((response, error))
    }

    fn meta(response: &mut Response) -> &mut Meta {
        &mut response.meta
    }
}

/// Short answers, which are kept until they are whole.
pub(crate) struct Whole<T> {
    body: Vec<u8>,
    limit: u64,
    data: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Sink for Whole<T> {
    type Output = (T, Meta);

    fn new(limits: Limits) -> Self {
        Self { body: Vec::new(), limit: limits.max_bytes, data: PhantomData }
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), ErrorKind> {
        if (self.body.len() + bytes.len()) as u64 > self.limit {
            return Err(DecodeError::TooManyBytes { limit: self.limit }.into());
        }
        self.body.extend_from_slice(bytes);
        Ok(())
    }

    fn finish(self) -> Result<((T, Meta), Option<ServerError>), ErrorKind> {
        let Envelope { data, error, meta } = decode_data::<Option<T>>(&self.body)?;
        match (data.flatten(), error) {
            (Some(data), error) => Ok(((data, meta), error)),
            (None, Some(error)) => Err(ErrorKind::Server { status: 200, error }),
            (None, None) => Err(DecodeError::MissingField { field: "data" }.into()),
        }
    }

    fn meta((_, meta): &mut Self::Output) -> &mut Meta {
        meta
    }
}

/// The body of an answer: JSON for the sink, or something else that becomes an error.
pub(crate) struct Content<S> {
    status: u16,
    /// The beginning of a body that is not for the sink; the whole body if the request failed.
    kept: Vec<u8>,
    for_sink: Option<bool>,
    sink: S,
}

impl<S: Sink> Content<S> {
    pub(crate) fn new(status: u16, limits: Limits) -> Self {
        let for_sink = if (200..300).contains(&status) { None } else { Some(false) };
        Self { status, kept: Vec::new(), for_sink, sink: S::new(limits) }
    }

    pub(crate) fn sink(&mut self) -> &mut S {
        &mut self.sink
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), ErrorKind> {
        if self.for_sink.is_none() {
            // Not by `Content-Type`: there are proxies that call JSON a text, and pages to log in that are called JSON.
            self.for_sink = bytes.iter().find(|byte| !byte.is_ascii_whitespace()).map(|first| *first == b'{');
        }
        if self.for_sink == Some(true) {
            return self.sink.push(bytes);
        }
        let success = (200..300).contains(&self.status);
        let most = if success { EXCERPT_BYTES } else { FAILURE_BYTES };
        self.kept.extend_from_slice(&bytes[..bytes.len().min(most - self.kept.len())]);
        if self.kept.len() == most { Err(self.foreign()) } else { Ok(()) }
    }

    pub(crate) fn finish(self, partial: PartialData) -> Result<S::Output, ErrorKind> {
        let Self { status, .. } = self;
        if self.for_sink != Some(true) {
            // An empty body may be one that did not arrive.
            return Err(match decode_data::<IgnoredAny>(&self.kept) {
                Ok(Envelope { error: Some(error), .. }) => ErrorKind::Server { status, error },
                _ => self.foreign(),
            });
        }
        let (mut output, error) = self.sink.finish().map_err(|error| match error {
            ErrorKind::Server { error, .. } => ErrorKind::Server { status, error },
            other => other,
        })?;
        if let Some(error) = error {
            return Err(ErrorKind::Server { status, error });
        }
        let meta = S::meta(&mut output);
        meta.partial_accepted |= partial == PartialData::Accept;
        match meta.partial_reason() {
            Some(reason) if partial == PartialData::Refuse => Err(ErrorKind::PartialData { reason: reason.to_owned() }),
            _ => Ok(output),
        }
    }

    /// The error for a body that is not of Prometheus.
    fn foreign(&self) -> ErrorKind {
        let start = &self.kept[..self.kept.len().min(EXCERPT_BYTES)];
        let text = String::from_utf8_lossy(start);
        let body = text.split_whitespace().collect::<Vec<_>>().join(" ");
        ErrorKind::Http { status: self.status, body }
    }
}

/// Takes the compression off a body while it arrives.
pub(crate) enum Body<S: Sink> {
    Plain(Content<S>),
    #[cfg(feature = "gzip")]
    Gzip(Box<flate2::write::MultiGzDecoder<Inflated<S>>>),
}

impl<S: Sink> Body<S> {
    /// A body with this `Content-Encoding`.
    pub(crate) fn new(content: Content<S>, encoding: Option<&str>) -> Result<Self, ErrorKind> {
        match encoding.map(str::trim) {
            None | Some("" | "identity") => Ok(Self::Plain(content)),
            #[cfg(feature = "gzip")]
            Some("gzip" | "x-gzip") => {
                let inflated = Inflated { content, failure: None };
                Ok(Self::Gzip(Box::new(flate2::write::MultiGzDecoder::new(inflated))))
            }
            Some(other) => {
                let body = format!("a body in the encoding {other:?}, which was not asked for");
                Err(ErrorKind::Http { status: content.status, body })
            }
        }
    }

    pub(crate) fn sink(&mut self) -> &mut S {
        match self {
            Self::Plain(content) => content.sink(),
            #[cfg(feature = "gzip")]
            Self::Gzip(decoder) => decoder.get_mut().content.sink(),
        }
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), ErrorKind> {
        match self {
            Self::Plain(content) => content.push(bytes),
            #[cfg(feature = "gzip")]
            Self::Gzip(decoder) => {
                use std::io::Write;
                decoder.write_all(bytes).map_err(|error| decoder.get_mut().failure(error))
            }
        }
    }

    pub(crate) fn finish(self, partial: PartialData) -> Result<S::Output, ErrorKind> {
        match self {
            Self::Plain(content) => content.finish(partial),
            #[cfg(feature = "gzip")]
            Self::Gzip(mut decoder) => {
                decoder.try_finish().map_err(|error| decoder.get_mut().failure(error))?;
                // The same again, which has nothing left to do.
                let inflated = decoder.finish().map_err(|error| ErrorKind::Transport(Box::new(error)))?;
                inflated.content.finish(partial)
            }
        }
    }
}

/// Where uncompressed bytes go, a few at a time.
#[cfg(feature = "gzip")]
pub(crate) struct Inflated<S> {
    content: Content<S>,
    failure: Option<ErrorKind>,
}

#[cfg(feature = "gzip")]
impl<S> Inflated<S> {
    /// What went wrong: with the content, or with the compression.
    fn failure(&mut self, error: std::io::Error) -> ErrorKind {
        self.failure.take().unwrap_or_else(|| ErrorKind::Transport(Box::new(error)))
    }
}

#[cfg(feature = "gzip")]
impl<S: Sink> std::io::Write for Inflated<S> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self.content.push(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(failure) => {
                self.failure = Some(failure);
                Err(std::io::ErrorKind::InvalidData.into())
            }
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { max_bytes: 1000, max_samples: 10 };

    fn read(status: u16, chunks: &[&str], partial: PartialData) -> Result<Vec<String>, ErrorKind> {
        let mut body = Body::<Whole<Vec<String>>>::new(Content::new(status, LIMITS), None)?;
        for chunk in chunks {
            body.push(chunk.as_bytes())?;
        }
        body.finish(partial).map(|(data, _)| data)
    }

    fn failed(status: u16, body: &str) -> String {
        format!("{:?}", read(status, &[body], PartialData::Warn).unwrap_err())
    }

    #[test]
    fn json_is_told_from_other_things_by_its_start() {
        let ok = read(200, &["\n", " ", "{\"status\":\"success\",", "\"data\":[\"a\"]}"], PartialData::Warn);
        assert_eq!(ok.unwrap(), ["a"]);
        assert_eq!(failed(200, "<html>\n  <b>hi"), r#"Http { status: 200, body: "<html> <b>hi" }"#);
        assert_eq!(failed(200, ""), r#"Http { status: 200, body: "" }"#);
        assert_eq!(failed(503, " "), r#"Http { status: 503, body: "" }"#);
    }

    #[test]
    fn failures_tell_what_is_there() {
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
    fn bodies_that_do_not_end_are_cut_off() {
        let long = "x".repeat(2000);
        let ErrorKind::Http { body, .. } = read(200, &[&long], PartialData::Warn).unwrap_err() else { panic!() };
        assert_eq!(body.len(), EXCERPT_BYTES);
        let spaces = " ".repeat(EXCERPT_BYTES);
        assert!(matches!(read(200, &[&spaces, &spaces], PartialData::Warn), Err(ErrorKind::Http { .. })));
        let json = format!("{{\"a\":\"{long}\"}}");
        let error = read(200, &[&json], PartialData::Warn).unwrap_err();
        assert!(matches!(error, ErrorKind::Decode(DecodeError::TooManyBytes { limit: 1000 })));
        let huge = "{".repeat(FAILURE_BYTES + 5);
        assert!(matches!(read(500, &[&huge], PartialData::Warn), Err(ErrorKind::Http { status: 500, .. })));
    }

    #[test]
    fn partial_data_is_refused_on_request_only() {
        let body = r#"{"status":"success","data":[],"warnings":["store x did not answer"]}"#;
        assert!(read(200, &[body], PartialData::Accept).is_ok());
        assert!(read(200, &[body], PartialData::Warn).is_ok());
        let refused = read(200, &[body], PartialData::Refuse).unwrap_err();
        assert_eq!(refused.to_string(), "the answer is partial: store x did not answer");
    }

    #[test]
    fn unknown_encodings_are_refused() {
        let content = Content::<Decoder>::new(200, LIMITS);
        assert!(Body::new(content, Some("br")).is_err());
    }

    #[cfg(feature = "gzip")]
    #[test]
    fn gzip_is_read_in_any_pieces_and_not_if_it_is_cut() {
        use std::io::Write;

        let text = br#"{"status":"success","data":["a","b"]}"#;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text).unwrap();
        let zipped = encoder.finish().unwrap();
        let read = |zipped: &[u8], size: usize| {
            let mut body = Body::<Whole<Vec<String>>>::new(Content::new(200, LIMITS), Some("gzip")).unwrap();
            zipped.chunks(size).try_for_each(|chunk| body.push(chunk))?;
            body.finish(PartialData::Warn).map(|(data, _)| data)
        };
        for size in [1, 7, 1000] {
            assert_eq!(read(&zipped, size).unwrap(), ["a", "b"]);
        }
        for length in 0..zipped.len() {
            assert!(read(&zipped[..length], 7).is_err(), "{length}");
        }
        let bomb = {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(b"{\"").unwrap();
            (0..100).for_each(|_| encoder.write_all(&[b'a'; 10_000]).unwrap());
            encoder.finish().unwrap()
        };
        let error = read(&bomb, 1 << 20).unwrap_err();
        assert!(matches!(error, ErrorKind::Decode(DecodeError::TooManyBytes { .. })), "{error:?}");
    }
}
