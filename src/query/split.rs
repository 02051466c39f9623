//! Range queries with more points than the server accepts, split into parts.

use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;

use futures_util::stream::TryStreamExt;
use promql_presets_core::{DurationError, TakesWindow};
use tokio::time::Instant;

use crate::error::Error;
use crate::http::call::{BoxFuture, Call, Deadline};
use crate::query::time_range::TimeRange;
use crate::query::{Pending, RangeQuery, buffered, matrix_of_range, query_setters};
use crate::value::{Data, Matrix};

/// The default number of concurrent parts.
const CONCURRENCY: usize = 4;

/// The progress of a [`SplitQuery`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Number of parts that have arrived, in order of time.
    pub done: u64,
    /// Number of all parts.
    pub parts: u64,
    /// Number of samples in the parts that have arrived.
    pub samples: u64,
}

/// A range query that is split into parts, created with [`RangeQuery::split`]. Awaiting it returns the joined
/// [`Matrix`].
///
/// The range is [`aligned`](crate::TimeRange::aligned) and split into parts that the server accepts. Timeout and
/// `max_samples` apply to all parts together, `max_response_bytes` to each part.
///
/// The result is that of the whole range: `@ start()` and `@ end()` are replaced by its start and end, as
/// [`Meta::query`](crate::Meta::query) shows. Whether a preset can be split is known when it is compiled, see
/// [`PresetInfo::indivisible`](crate::PresetInfo::indivisible). Other queries fail with a
/// [`SplitError`](crate::SplitError) before anything is sent. VictoriaMetrics evaluates `a or b` per series, so the
/// series of `b` can differ if a series of `a` has points in some parts only.
///
/// A part with points of another part, or with a duplicate series, fails with
/// [`DecodeError::Series`](crate::DecodeError::Series).
#[must_use = "a query does nothing until it is awaited"]
pub struct SplitQuery<'a, R, W> {
    query: RangeQuery<'a, R, W>,
    max_points: u64,
    concurrency: usize,
    on_progress: Option<OnProgress<'a>>,
}

type OnProgress<'a> = Box<dyn FnMut(Progress) + Send + 'a>;

impl<'a, R, W> SplitQuery<'a, R, W> {
    query_setters!(query);

    pub(crate) fn new(query: RangeQuery<'a, R, W>) -> Self {
        let max_points = query.max_points();
        Self { query, max_points, concurrency: CONCURRENCY, on_progress: None }
    }

    /// Sets the maximum number of points per series in one part; by default, as many as the server accepts.
    pub fn max_points(mut self, points: u64) -> Self {
        self.max_points = points.clamp(1, self.query.max_points());
        self
    }

    /// Sets the number of parts that are fetched concurrently: 4 by default, and at most the client's
    /// [`max_concurrent`](crate::ClientBuilder::max_concurrent).
    pub fn concurrency(mut self, parts: usize) -> Self {
        self.concurrency = parts.clamp(1, self.query.call.transport.max_concurrent);
        self
    }

    /// Sets a callback for each part that has arrived.
    pub fn on_progress(mut self, callback: impl FnMut(Progress) + Send + 'a) -> Self {
        self.on_progress = Some(Box::new(callback));
        self
    }
}

impl<'a, R: 'a, W: 'a> IntoFuture for SplitQuery<'a, R, W> {
    type Output = Result<Matrix, Error>;
    type IntoFuture = BoxFuture<'a, Matrix>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { query, max_points, concurrency, on_progress } = self;
        let range = query.range;
        query.into_call_of_parts(range.aligned()).read_parts(range, max_points, concurrency, on_progress)
    }
}

impl Call {
    #[inline]
    fn read_parts(
        mut self,
        range: TimeRange,
        max_points: u64,
        concurrency: usize,
        mut on_progress: Option<OnProgress<'_>>,
    ) -> BoxFuture<'_, Matrix> {
        Box::pin(async move {
            if self.options.failure.is_some() {
                return self.read_range().await;
            }
            self.deadline = Some(Deadline::after(self.options.timeout, Instant::now()));
            self.pool = Some(Arc::default());
            let mut progress = Progress { done: 0, parts: range.part_count(max_points), samples: 0 };
            let part_of = self.clone();
            let parts = range.parts(max_points).map(move |part| part_of.clone().read_part(part));
            let mut parts = buffered(parts, concurrency);
            let mut matrices = Vec::new();
            while let Some(Data::Matrix(matrix)) = parts.try_next().await? {
                progress.done += 1;
                progress.samples += matrix.sample_count() as u64;
                if let Some(on_progress) = &mut on_progress {
                    on_progress(progress);
                }
                matrices.push(matrix);
            }
            drop(parts);
            match Matrix::join(matrices) {
                Ok(matrix) => Ok(matrix),
                // Fails like a call, with an event and a report.
                Err(error) => {
                    self.options.fail(error.into());
                    self.read_range().await
                }
            }
        })
    }

    #[inline]
    fn read_part(self, part: TimeRange) -> Pending {
        Box::pin(self.over(part).query(move |response| {
            Ok(Data::Matrix(matrix_of_range(response)?.check_within(part.start(), part.end())?))
        }))
    }
}

impl<R, W> fmt::Debug for SplitQuery<'_, R, W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { query, max_points, concurrency, .. } = self;
        f.debug_struct("SplitQuery")
            .field("query", query)
            .field("max_points", max_points)
            .field("concurrency", concurrency)
            .finish_non_exhaustive()
    }
}
