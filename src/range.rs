//! The time range of a range query.

use std::time::Duration;

use promql_presets_core::{DurationError, PromDuration};

use crate::value::{ParseTimestampError, Timestamp};

/// Prometheus refuses a range with more steps than this, whatever the query.
pub const MAX_STEPS: u64 = 11_000;

/// How many points a range has if nobody says how far apart they are.
const DEFAULT_POINTS: u64 = 250;

/// From when to when, and how far apart the points are: what `/api/v1/query_range` takes.
///
/// ```
/// use promql_presets::{TimeRange, Timestamp};
///
/// let last_hour = TimeRange::last_hours(1).step("15s")?;
/// let day: TimeRange = TimeRange::parse("2026-04-16T00:00:00Z", "2026-04-17T00:00:00Z", "5m")?;
/// assert_eq!(day.points(), 289);
/// # Ok::<(), promql_presets::RangeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimeRange {
    start: Timestamp,
    end: Timestamp,
    step: PromDuration,
}

impl TimeRange {
    /// From `start` to `end`, both included, with a step that gives about 250 points.
    ///
    /// # Errors
    /// [`RangeError`] where the end is before the start, or either is no point in time.
    pub fn new<S, E>(start: S, end: E) -> Result<Self, RangeError>
    where
        S: TryInto<Timestamp, Error: Into<RangeError>>,
        E: TryInto<Timestamp, Error: Into<RangeError>>,
    {
        let (start, end) = (start.try_into().map_err(Into::into)?, end.try_into().map_err(Into::into)?);
        let length = end.duration_since(start).ok_or(RangeError::EndBeforeStart { start, end })?;
        Ok(Self { start, end, step: automatic_step(length) })
    }

    /// The last `length` of time up to now, with a step that gives about 250 points.
    #[must_use]
    pub fn last(length: Duration) -> Self {
        let end = Timestamp::now();
        let start = end.checked_sub(length).unwrap_or(Timestamp::from_millis(0));
        Self { start, end, step: automatic_step(end.duration_since(start).unwrap_or_default()) }
    }

    /// The last `hours` hours up to now, with a step that gives about 250 points.
    #[must_use]
    pub fn last_hours(hours: u32) -> Self {
        Self::last(Duration::from_secs(u64::from(hours) * 3600))
    }

    /// The strings that a web API receives: times in RFC 3339 or Unix seconds, the step as a duration or in seconds.
    ///
    /// # Errors
    /// [`RangeError`] where one of them cannot be read, the end is before the start, or the step is zero.
    pub fn parse(start: &str, end: &str, step: &str) -> Result<Self, RangeError> {
        Self::new(start, end)?.step(parse_step(step)?)
    }

    /// Sets how far apart the points are.
    ///
    /// # Errors
    /// [`RangeError`] where the step is no duration, or zero.
    pub fn step<D>(self, step: D) -> Result<Self, RangeError>
    where
        D: TryInto<PromDuration, Error: Into<DurationError>>,
    {
        let step = step.try_into().map_err(|error| RangeError::InvalidStep(error.into()))?;
        if step.is_zero() { Err(RangeError::ZeroStep) } else { Ok(Self { step, ..self }) }
    }

    /// The same range with start and end moved back to multiples of the step, so that the points of a graph stay where
    /// they are when the graph moves on, and caches are hit.
    #[must_use]
    pub fn aligned(self) -> Self {
        let step = i64::try_from(self.step.as_millis()).unwrap_or(i64::MAX).max(1);
        let align = |time: Timestamp| Timestamp::from_millis(time.as_millis() - time.as_millis().rem_euclid(step));
        Self { start: align(self.start), end: align(self.end), ..self }
    }

    /// The first point.
    #[must_use]
    pub const fn start(&self) -> Timestamp {
        self.start
    }

    /// No point is later.
    #[must_use]
    pub const fn end(&self) -> Timestamp {
        self.end
    }

    /// How far apart the points are.
    #[must_use]
    pub const fn step_duration(&self) -> PromDuration {
        self.step
    }

    /// How many points a series without gaps has.
    #[must_use]
    pub fn points(&self) -> u64 {
        self.steps() + 1
    }

    fn steps(&self) -> u64 {
        self.millis() / self.step.as_millis().max(1)
    }

    fn millis(&self) -> u64 {
        let length = self.end.duration_since(self.start).unwrap_or_default();
        u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
    }

    /// Whether Prometheus would take it.
    pub(crate) fn check(&self) -> Result<(), RangeError> {
        let points = self.points();
        if self.steps() <= MAX_STEPS {
            return Ok(());
        }
        let fitting = PromDuration::from_millis(self.millis().div_ceil(MAX_STEPS).next_multiple_of(1_000));
        Err(RangeError::TooManyPoints { points, fitting })
    }
}

/// The round step that gives about [`DEFAULT_POINTS`] points.
fn automatic_step(length: Duration) -> PromDuration {
    const ROUND: [u64; 14] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
    let exact = length.as_secs().div_ceil(DEFAULT_POINTS);
    let round = ROUND.into_iter().find(|secs| *secs >= exact);
    PromDuration::from_secs(round.unwrap_or_else(|| exact.next_multiple_of(86_400 / 4)))
}

/// A duration as Prometheus takes it for `step`: with a unit, or in seconds.
fn parse_step(text: &str) -> Result<PromDuration, RangeError> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
    match seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
        Some(duration) => {
            let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
            Ok(PromDuration::from_millis(millis))
        }
        None => text.parse().map_err(RangeError::InvalidStep),
    }
}

/// Why there is no such range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RangeError {
    /// A text that is no point in time.
    #[error("invalid time")]
    InvalidTime(#[source] ParseTimestampError),
    /// A step that is no duration.
    #[error("invalid step")]
    InvalidStep(#[source] DurationError),
    /// A step of no length.
    #[error("a step must be longer than zero")]
    ZeroStep,
    /// A range that ends before it starts.
    #[error("the range ends at {end}, before its start at {start}")]
    EndBeforeStart {
        /// The start.
        start: Timestamp,
        /// The end.
        end: Timestamp,
    },
    /// More points than Prometheus gives for a series.
    #[error("{points} points for each series, and Prometheus gives at most 11,001; a step of {fitting} would fit")]
    TooManyPoints {
        /// How many there would be.
        points: u64,
        /// The smallest step in whole seconds that is allowed.
        fitting: PromDuration,
    },
}

impl From<ParseTimestampError> for RangeError {
    fn from(error: ParseTimestampError) -> Self {
        Self::InvalidTime(error)
    }
}

impl From<std::convert::Infallible> for RangeError {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: &str, end: &str, step: &str) -> TimeRange {
        TimeRange::parse(start, end, step).unwrap()
    }

    #[test]
    fn reads_what_web_apis_receive() {
        let range = range("1700000000", "2023-11-14T22:14:20.500Z", "0.5");
        assert_eq!(range.start().as_millis(), 1_700_000_000_000);
        assert_eq!(range.end().as_millis(), 1_700_000_060_500);
        assert_eq!(range.step_duration(), PromDuration::from_millis(500));
        assert_eq!(range.points(), 122);
    }

    #[test]
    fn refuses_what_is_no_range() {
        let failed = |start, end, step| TimeRange::parse(start, end, step).unwrap_err();
        assert!(matches!(failed("x", "1", "1s"), RangeError::InvalidTime(_)));
        assert!(matches!(failed("2026-04-16T23:00:00", "1", "1s"), RangeError::InvalidTime(_)));
        assert!(matches!(failed("2", "1", "1s"), RangeError::EndBeforeStart { .. }));
        assert!(matches!(failed("1", "2", "1x"), RangeError::InvalidStep(_)));
        assert!(matches!(failed("1", "2", "-1"), RangeError::InvalidStep(_)));
        assert_eq!(failed("1", "2", "0"), RangeError::ZeroStep);
    }

    #[test]
    fn counts_points_as_prometheus_does() {
        assert_eq!(range("0", "11000", "1").check(), Ok(()));
        assert_eq!(range("0", "11000.999", "1").check(), Ok(()));
        let error = range("0", "11001", "1").check().unwrap_err();
        assert_eq!(error, RangeError::TooManyPoints { points: 11_002, fitting: PromDuration::from_secs(2) });
        assert_eq!(range("0", "11001", "2").check(), Ok(()));
    }

    #[test]
    fn aligns_to_the_step() {
        let aligned = range("7", "29", "10").aligned();
        assert_eq!((aligned.start().as_millis(), aligned.end().as_millis()), (0, 20_000));
    }

    #[test]
    fn picks_a_round_step() {
        let step = |hours| TimeRange::last_hours(hours).step_duration().to_string();
        assert_eq!([step(0), step(1), step(6), step(24), step(24 * 30)], ["1s", "15s", "2m", "10m", "6h"]);
    }
}
