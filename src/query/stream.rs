//! Streaming the series of a range query.

use std::fmt;
use std::future::{Future, IntoFuture, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use promql_presets_core::{DurationError, TakesWindow};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::error::{Error, ErrorKind};
use crate::http::body::BodyReader;
use crate::http::call::{Attempts, BoxFuture, Call};
use crate::http::observe::{Observer, Outcome};
use crate::http::transport::HttpResponse;
use crate::query::{RangeQuery, matrix_of_range, query_setters};
use crate::value::{Matrix, Meta, Series};
use crate::wire::Decoder;

/// A range query whose series are returned one by one, created with [`RangeQuery::stream`]. Awaiting it returns a
/// [`SeriesStream`] as soon as the response has started.
///
/// `timeout` limits the time that the stream waits for the server. `max_response_bytes` and `max_samples` limit what is
/// in memory: the series that is arriving, and those that have arrived but were not taken. The query counts towards
/// [`max_concurrent`](crate::ClientBuilder::max_concurrent) until the response starts, and a failed call is retried
/// only until then.
#[must_use = "a query does nothing until it is awaited"]
pub struct StreamQuery<'a, R, W> {
    query: RangeQuery<'a, R, W>,
}

impl<'a, R, W> StreamQuery<'a, R, W> {
    query_setters!(query);

    pub(crate) fn new(query: RangeQuery<'a, R, W>) -> Self {
        Self { query }
    }
}

impl<'a, R: 'a, W: 'a> IntoFuture for StreamQuery<'a, R, W> {
    type Output = Result<SeriesStream, Error>;
    type IntoFuture = BoxFuture<'a, SeriesStream>;

    fn into_future(self) -> Self::IntoFuture {
        SeriesStream::open(self.query.into_call())
    }
}

impl<R, W> fmt::Debug for StreamQuery<'_, R, W> {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamQuery").field("query", &self.query).finish()
    }
}

/// The series of a range query, in the order in which they arrive: the result of a [`StreamQuery`].
///
/// A stream only means that the response has started. It can still turn out to be invalid, or the server can fail: the
/// series are complete once [`try_next`](Self::try_next) has returned `None`. Dropping the stream cancels the query.
///
/// The timeout of the query limits the time spent waiting for the server: the clock stops while the caller processes a
/// series.
///
/// It implements [`Stream`], for the adapters of `futures::StreamExt` and `TryStreamExt`.
pub struct SeriesStream {
    /// `None` after the end.
    arriving: Option<Arriving>,
    /// The series that were decoded at the end of a compressed body.
    rest: std::vec::IntoIter<Series>,
    observer: Observer,
    meta: Meta,
}

/// A response of which a part has not arrived.
struct Arriving {
    response: HttpResponse,
    /// Bytes that have arrived but are not decoded yet.
    chunk: Bytes,
    body: BodyReader<Decoder>,
    deadline: Pin<Box<Sleep>>,
    /// When the last series was returned to the caller.
    away_since: Option<Instant>,
}

impl SeriesStream {
    #[inline]
    fn open(call: Call) -> BoxFuture<'static, Self> {
        Box::pin(async {
            let (Attempts { deadline, observer, .. }, response, body) = call.open().await?;
            let deadline = Box::pin(sleep_until(deadline.client));
            let arriving = Arriving { response, chunk: Bytes::new(), body, deadline, away_since: None };
            Ok(Self { arriving: Some(arriving), rest: Vec::new().into_iter(), observer, meta: Meta::default() })
        })
    }

    /// Returns the next series, or `None` after the last one.
    ///
    /// # Errors
    ///
    /// [`Truncated`](ErrorKind::Truncated), [`Timeout`](ErrorKind::Timeout), [`Decode`](ErrorKind::Decode),
    /// [`Server`](ErrorKind::Server), [`ResultType`](ErrorKind::ResultType), [`PartialData`](ErrorKind::PartialData)
    /// and [`Http`](ErrorKind::Http). After an error, the stream is at its end.
    #[inline]
    pub async fn try_next(&mut self) -> Result<Option<Series>, Error> {
        poll_fn(|context| self.poll(context)).await.transpose()
    }

    /// Warnings and statistics, which arrive last: empty until `try_next` has returned `None`.
    #[must_use]
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    #[inline]
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Series, Error>>> {
        let Some(arriving) = &mut self.arriving else { return Poll::Ready(self.rest.next().map(Ok)) };
        arriving.resume_clock();
        match ready!(arriving.poll(context, &mut self.observer.bytes)) {
            Ok(Some(series)) => {
                arriving.away_since = Some(Instant::now());
                return Poll::Ready(Some(Ok(series)));
            }
            Ok(None) => {}
            Err(failure) => return Poll::Ready(Some(Err(self.fail(failure)))),
        }
        let end = self.arriving.take().map(Arriving::finish);
        Poll::Ready(match end {
            Some(Ok(matrix)) => {
                self.meta = matrix.meta().clone();
                self.observer.attach_context(&mut self.meta);
                self.rest = matrix.into_iter();
                self.observer.end(Outcome::Success);
                self.rest.next().map(Ok)
            }
            Some(Err(failure)) => Some(Err(self.fail(failure))),
            None => None,
        })
    }

    #[inline]
    fn fail(&mut self, failure: ErrorKind) -> Error {
        self.arriving = None;
        let error = self.observer.error(failure);
        self.observer.end(Outcome::Failure(&error));
        error
    }
}

impl Arriving {
    /// Extends the deadline by the time that the caller took for the last series.
    #[inline]
    fn resume_clock(&mut self) {
        if let Some(since) = self.away_since.take() {
            let deadline = self.deadline.deadline() + since.elapsed();
            self.deadline.as_mut().reset(deadline);
        }
    }

    #[inline]
    fn poll(&mut self, context: &mut Context<'_>, bytes: &mut u64) -> Poll<Result<Option<Series>, ErrorKind>> {
        loop {
            if let Some(series) = self.body.decoder.next_series() {
                series.check_times()?;
                return Poll::Ready(Ok(Some(series)));
            }
            if !self.chunk.is_empty() {
                let piece = self.chunk.split_to(self.body.piece().min(self.chunk.len()));
                self.body.push(&piece)?;
                if self.deadline.deadline() < Instant::now() {
                    return Poll::Ready(Err(ErrorKind::Timeout(None)));
                }
                if self.body.should_yield() && pin!(tokio::task::yield_now()).poll(context).is_pending() {
                    return Poll::Pending;
                }
                continue;
            }
            match self.response.poll_chunk(context) {
                Poll::Ready(Ok(Some(chunk))) => {
                    *bytes += chunk.len() as u64;
                    self.chunk = chunk;
                }
                Poll::Ready(Ok(None)) => return Poll::Ready(Ok(None)),
                Poll::Ready(Err(failure)) => return Poll::Ready(Err(failure)),
                Poll::Pending => {
                    ready!(self.deadline.as_mut().poll(context));
                    return Poll::Ready(Err(ErrorKind::Timeout(None)));
                }
            }
        }
    }

    /// Returns the metadata, and the series that were decoded at the end.
    #[inline]
    fn finish(self) -> Result<Matrix, ErrorKind> {
        let result = self.body.finish()?;
        self.response.confirm();
        matrix_of_range(result)
    }
}

impl Stream for SeriesStream {
    type Item = Result<Series, Error>;

    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll(context)
    }
}

impl fmt::Debug for SeriesStream {
    #[inline]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeriesStream")
            .field("is_over", &self.arriving.is_none())
            .field("bytes", &self.observer.bytes)
            .field("meta", &self.meta)
            .finish_non_exhaustive()
    }
}
