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
        Ok(Self { start, end, step: round_step(length, DEFAULT_POINTS) })
    }

    /// The last `length` of time up to now, with a step that gives about 250 points.
    #[must_use]
    pub fn last(length: Duration) -> Self {
        let end = Timestamp::now();
        let start = end.checked_sub(length).unwrap_or(Timestamp::from_millis(0));
        Self { start, end, step: round_step(end.duration_since(start).unwrap_or_default(), DEFAULT_POINTS) }
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

    /// Sets a round step with which a series has at most so many points, or as few as its ends if that is not many.
    ///
    /// ```
    /// # use promql_presets::TimeRange;
    /// let day = TimeRange::last_hours(24).max_points(100);
    /// assert_eq!(day.step_duration().to_string(), "15m");
    /// ```
    #[must_use]
    pub fn max_points(self, points: u64) -> Self {
        Self { step: round_step(self.length(), points.saturating_sub(1).max(1)), ..self }
    }

    /// The same range with start and end moved back to multiples of the step, so that the points of a graph stay where
    /// they are when the graph moves on, and caches are hit.
    #[must_use]
    pub fn aligned(self) -> Self {
        let step = i64::try_from(self.step.as_millis()).unwrap_or(i64::MAX).max(1);
        let align = |time: Timestamp| {
            let millis = time.as_millis();
            Timestamp::from_millis(millis.saturating_sub(millis.rem_euclid(step)))
        };
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
        self.steps().saturating_add(1)
    }

    fn steps(&self) -> u64 {
        self.millis() / self.step.as_millis().max(1)
    }

    fn length(&self) -> Duration {
        self.end.duration_since(self.start).unwrap_or_default()
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.length().as_millis()).unwrap_or(u64::MAX)
    }

    /// Whether a server would take it that takes so many steps.
    pub(crate) fn check(&self, most: u64) -> Result<(), RangeError> {
        if self.steps() <= most {
            return Ok(());
        }
        let fitting = PromDuration::from_millis(self.millis().div_ceil(most.max(1)).next_multiple_of(1_000));
        Err(RangeError::TooManyPoints { points: self.points(), most: most.saturating_add(1), fitting })
    }

    /// How many [`parts`](Self::parts) there are, or the most that fit.
    pub(crate) fn part_count(&self, points: u64) -> u64 {
        let step = i128::from(self.step.as_millis().max(1));
        let span = step * i128::from(points.max(1));
        let start = i128::from(self.start.as_millis());
        let last = start + (i128::from(self.end.as_millis()) - start) / step * step;
        u64::try_from(last.div_euclid(span) - start.div_euclid(span) + 1).unwrap_or(u64::MAX)
    }

    /// Parts of at most so many points which together have the points of this range, each once.
    ///
    /// Where parts meet does not depend on the range, so that caches know the inner parts again when the range moves on.
    pub(crate) fn parts(self, points: u64) -> impl Iterator<Item = Self> {
        let step = i128::from(self.step.as_millis().max(1));
        let span = step * i128::from(points.max(1));
        let (mut next, end) = (i128::from(self.start.as_millis()), i128::from(self.end.as_millis()));
        let time = |millis: i128| Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX));
        std::iter::from_fn(move || {
            let start = (next <= end).then_some(next)?;
            let meeting = start - start.rem_euclid(span) + span;
            // The last point before the meeting, on the grid that starts where the range does.
            let last = start + (meeting - 1 - start) / step * step;
            next = last + step;
            Some(Self { start: time(start), end: time(last.min(end)), ..self })
        })
    }
}

/// The least round step with which `length` has at most so many steps.
fn round_step(length: Duration, steps: u64) -> PromDuration {
    const ROUND: [u64; 14] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
    let exact = length.as_secs().saturating_add(u64::from(length.subsec_nanos() > 0)).div_ceil(steps);
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
    /// A lookback delta that is no duration.
    #[error("invalid lookback delta")]
    InvalidLookback(#[source] DurationError),
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
    #[error("{points} points for each series, and the server gives at most {most}; a step of {fitting} would fit")]
    TooManyPoints {
        /// How many there would be.
        points: u64,
        /// How many there may be.
        most: u64,
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
        assert_eq!(range("0", "11000", "1").check(MAX_STEPS), Ok(()));
        assert_eq!(range("0", "11000.999", "1").check(MAX_STEPS), Ok(()));
        let error = range("0", "11001", "1").check(MAX_STEPS).unwrap_err();
        let fitting = PromDuration::from_secs(2);
        assert_eq!(error, RangeError::TooManyPoints { points: 11_002, most: 11_001, fitting });
        assert_eq!(range("0", "11001", "2").check(MAX_STEPS), Ok(()));
        assert_eq!(range("0", "11001", "1").check(30_000), Ok(()));
    }

    #[test]
    fn parts_have_every_point_once() {
        for (start, end, step, points) in [
            ("0", "99", "1", 10),
            ("7.5", "100", "3", 4),
            ("-7", "1", "2", 3),
            ("5", "5", "1", 1),
            ("0", "10", "20", 9),
        ] {
            let whole = range(start, end, step);
            let grid = |part: &TimeRange| {
                let step = i64::try_from(part.step.as_millis()).unwrap();
                let (first, points) = (part.start.as_millis(), i64::try_from(part.points()).unwrap());
                (0..points).map(|at| first + at * step).collect::<Vec<_>>()
            };
            let parts: Vec<TimeRange> = whole.parts(points).collect();
            assert_eq!(parts.iter().flat_map(grid).collect::<Vec<_>>(), grid(&whole));
            assert!(parts.iter().all(|part| part.points() <= points));
            assert_eq!(parts.len() as u64, whole.part_count(points));
            assert_eq!(parts.last().unwrap().end.as_millis().max(whole.end.as_millis()), whole.end.as_millis());
            // The inner ends stay where they are when the range moves on.
            let moved = TimeRange { start: Timestamp::from_millis(whole.start.as_millis() + 3_000), ..whole };
            if step != "2" && moved.points() > 2 * points {
                let ends = |range: TimeRange| range.parts(points).map(|part| part.end).collect::<Vec<_>>();
                assert_eq!(ends(moved).last(), ends(whole).last());
                assert_eq!(ends(moved)[1..3], ends(whole)[ends(whole).len() - ends(moved).len() + 1..][..2]);
            }
        }
    }

    #[test]
    fn ends_of_time_do_no_harm() {
        let all = TimeRange::new(Timestamp::MIN, Timestamp::MAX).unwrap();
        assert!(all.check(MAX_STEPS).is_err());
        let dense = all.step("1ms").unwrap();
        assert!(dense.check(MAX_STEPS).is_err());
        assert_eq!(dense.points(), u64::MAX);
        assert_eq!(dense.parts(10).nth(1).unwrap().points(), 10);
        assert_eq!(all.aligned().points(), all.points());
        assert_eq!(all.max_points(u64::MAX).step_duration(), PromDuration::from_secs(1));
    }

    #[test]
    fn a_step_for_so_many_points_fits() {
        for points in [1, 2, 3, 100, 11_001] {
            for length in ["1", "59.5", "3600", "86400", "99999999"] {
                let fitted = range("0", length, "1ms").max_points(points);
                assert!(fitted.points() <= points.max(2), "{points} {length}: {}", fitted.points());
            }
        }
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
