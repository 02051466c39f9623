//! The JSON of the Prometheus HTTP API.
//!
//! [`Decoder`] decodes the responses of queries from chunks, while they arrive, into columns; it never holds the body.
//! [`decode_data`] decodes the short responses of the other endpoints into any type of `serde`.
//!
//! ```
//! use promql_presets::wire::{Decoder, Limits, QueryResult};
//! use promql_presets::Vector;
//!
//! let mut decoder = Decoder::new(Limits::default());
//! for chunk in [&br#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{"job":"a"},"va"#[..],
//!     br#"lue":[1700000000.5,"0.25"]}]}}"#]
//! {
//!     decoder.push(chunk)?;
//! }
//! let vector = Vector::from_response(decoder.finish()?)?;
//! assert_eq!(vector.number()?, 0.25);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod document;
mod error;
mod fast_path;
mod fields;
mod intern;
mod lexer;
mod limits;
mod number;
mod series_builder;
mod short_response;
mod state;
mod times;

pub use crate::value::{Data, QueryResult, Response};
pub use error::DecodeError;
pub(crate) use fields::{Entries, Fields, FromFields, LabelSet, Loose, text_fields};
pub(crate) use intern::share_labels;
pub use limits::Limits;
#[doc(hidden)]
pub use number::sample as plain_sample;
pub use short_response::{Envelope, decode_data};
pub(crate) use short_response::{decode_envelope, decode_part};

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::value::Series;
use document::Document;
use error::Fault;
use lexer::Lexer;

/// Decodes the response of a query from chunks of its body.
///
/// Memory grows with the result, not with the body, and is bounded by the limits.
#[derive(Debug)]
pub struct Decoder(
    /// Boxed, since futures that hold a decoder are moved.
    Box<State>,
);

#[derive(Debug)]
struct State {
    lexer: Lexer,
    document: Document,
    limits: Limits,
    /// The bytes of all chunks so far.
    length: u64,
    /// The value of `length` when the last series was taken out.
    length_taken: u64,
    share: Option<Share>,
    failure: Option<DecodeError>,
}

/// The number of samples of several responses that share a limit.
#[derive(Debug, Default)]
pub(crate) struct Pool(AtomicU64);

/// The samples of one response in a pool. They are returned to it if the response is not finished.
#[derive(Debug)]
struct Share {
    pool: Arc<Pool>,
    samples: u64,
}

impl Share {
    fn raise(&mut self, samples: u64, limit: u64) -> Result<(), Fault> {
        let more = samples - self.samples;
        self.samples = samples;
        let before = self.pool.0.fetch_add(more, Ordering::Relaxed);
        if before + more > limit { Err(Fault::TooManySamples) } else { Ok(()) }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.pool.0.fetch_sub(self.samples, Ordering::Relaxed);
    }
}

impl Decoder {
    /// A decoder for one body.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let document = Document::new(limits.max_samples, limits.max_memory());
        let lexer = Lexer::new();
        Self(Box::new(State { lexer, document, limits, length: 0, length_taken: 0, share: None, failure: None }))
    }

    /// Applies the limit of samples to all decoders with this pool together.
    pub(crate) fn share(&mut self, pool: Arc<Pool>) {
        self.0.share = Some(Share { pool, samples: 0 });
    }

    /// Decodes the next chunk of the body, which may end anywhere.
    ///
    /// # Errors
    ///
    /// The body is not a response of the API, or exceeds a limit. Later calls return the same error.
    pub fn push(&mut self, chunk: &[u8]) -> Result<(), DecodeError> {
        self.0.push(chunk)
    }

    /// Takes out the oldest complete series of a matrix, so that a long response can be processed while it arrives. It is
    /// not part of what [`Decoder::finish`] returns, and does not count towards the limits.
    ///
    /// The server may still fail: only the end of the body shows whether the query succeeded.
    pub fn next_series(&mut self) -> Option<Series> {
        self.0.document.next_series().inspect(|_| self.0.length_taken = self.0.length)
    }

    /// The response, once the last chunk has been pushed.
    ///
    /// # Errors
    ///
    /// [`DecodeError::Truncated`] and [`DecodeError::MissingField`], or the error of an earlier chunk.
    pub fn finish(self) -> Result<Response, DecodeError> {
        let State { lexer, document, length, mut share, failure, .. } = *self.0;
        match failure {
            Some(failure) => Err(failure),
            None if lexer.is_done() => {
                if let Some(share) = &mut share {
                    share.samples = 0;
                }
                document.finish()
            }
            None => Err(DecodeError::Truncated { expected: lexer.expectation(), length }),
        }
    }
}

impl State {
    fn push(&mut self, chunk: &[u8]) -> Result<(), DecodeError> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone());
        }
        let start = self.length;
        self.length = start.saturating_add(chunk.len() as u64);
        let result = if self.length - self.length_taken > self.limits.max_bytes {
            Err(DecodeError::TooManyBytes { limit: self.limits.max_bytes })
        } else {
            self.lexer.start_chunk(start);
            self.decode(chunk).and_then(|()| self.count()).map_err(|fault| self.locate(fault, chunk))
        };
        self.failure = result.as_ref().err().cloned();
        result
    }

    fn decode(&mut self, chunk: &[u8]) -> Result<(), Fault> {
        let mut at = 0;
        if self.length == chunk.len() as u64
            && let Some((length, result_type)) = fast_path::start(chunk)
        {
            at = length;
            self.document.start_result(result_type);
            for is_object in [true, true, false] {
                self.lexer.open(is_object)?;
            }
        }
        loop {
            if self.lexer.is_at_value(chunk, &mut at) {
                at = self.fast_path(chunk, at)?;
            } else if self.document.is_in_labels() && self.lexer.is_at_key(chunk, &mut at) {
                let (length, with_comma) = self.document.labels(&chunk[at..])?;
                at += length;
                if length > 0 {
                    self.lexer.skipped_field(with_comma);
                }
            }
            match self.lexer.next(chunk, &mut at)? {
                Some(event) => self.document.event(event)?,
                None => return Ok(()),
            }
        }
    }

    /// Reads on the fast path from the start of a value as far as it applies. Returns where that ends.
    fn fast_path(&mut self, chunk: &[u8], mut at: usize) -> Result<usize, Fault> {
        loop {
            if let Some(length) = self.document.start_series(&chunk[at..])? {
                at += length;
                self.lexer.open(true)?;
                self.lexer.open(false)?;
            }
            let (length, with_comma) = self.document.values(&chunk[at..])?;
            if length > 0 {
                at += length;
                self.lexer.skipped_value(with_comma);
            }
            if length == 0 || with_comma {
                return Ok(at);
            }
            if chunk[at..].starts_with(b"]}") && self.document.is_in_samples() {
                for _ in 0..2 {
                    self.lexer.skipped_token(at);
                    let end = self.lexer.close();
                    self.document.event(end)?;
                    at += 1;
                }
            }
            if fast_path::is_end(&chunk[at..]) && self.document.end_result() {
                for _ in 0..3 {
                    self.lexer.close();
                }
                return Ok(chunk.len());
            }
            if !self.lexer.is_at_value(chunk, &mut at) {
                return Ok(at);
            }
        }
    }

    fn count(&mut self) -> Result<(), Fault> {
        let limit = self.limits.max_samples;
        let samples = limit - self.document.samples_left();
        self.share.as_mut().map_or(Ok(()), |share| share.raise(samples, limit))
    }

    fn locate(&self, fault: Fault, chunk: &[u8]) -> DecodeError {
        match fault {
            Fault::Expected(expected) => {
                let (offset, token) = self.lexer.last_token(chunk);
                DecodeError::Unexpected { expected, offset, found: excerpt(token) }
            }
            Fault::TooManySamples => DecodeError::TooManySamples { limit: self.limits.max_samples },
            Fault::TooMuchMemory => DecodeError::TooMuchMemory { limit: self.limits.max_memory() },
        }
    }
}

/// The start of `bytes`, on one line.
fn excerpt(bytes: &[u8]) -> String {
    const LENGTH: usize = 40;
    let text = String::from_utf8_lossy(bytes.get(..LENGTH).unwrap_or(bytes));
    let line: String = text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
    if bytes.len() > LENGTH { line + "…" } else { line }
}

#[cfg(test)]
mod tests;
