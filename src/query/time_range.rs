//! Time ranges of range queries.

use std::str::FromStr;
use std::time::Duration;

use promql_presets_core::{PromDuration, Window};

use crate::error::RangeError;
use crate::value::Timestamp;

/// The maximum number of steps in a range query of Prometheus: 11,000, hence 11,001 [points](TimeRange::points).
pub const MAX_STEPS: u64 = 11_000;

/// The default maximum number of points in a range.
pub(crate) const DEFAULT_POINTS: u64 = 250;

/// The distance between the points of a range: a duration, or [`auto`](Self::auto).
///
/// A [`Duration`], a [`PromDuration`], a string in the format of Prometheus such as `15s` or `1h30m`, and a number of
/// seconds convert to a step: `15`, `0.5`, or `"0.5"`.
///
/// ```
/// use promql_presets::{Step, TimeRange};
///
/// let day = TimeRange::last_hours(24).step(Step::auto(100))?;
/// assert_eq!(day.step_duration().to_string(), "15m");
/// # Ok::<(), promql_presets::RangeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Step(pub(crate) Spacing);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Spacing {
    Every(PromDuration),
    AtMost(u64),
}

impl Step {
    /// The shortest round duration that results in at most `points` points, whether the range is aligned or not. A
    /// single point is the end of the range.
    #[must_use]
    pub const fn auto(points: u64) -> Self {
        Self(Spacing::AtMost(points))
    }
}

impl From<PromDuration> for Step {
    fn from(duration: PromDuration) -> Self {
        Self(Spacing::Every(duration))
    }
}

impl FromStr for Step {
    type Err = RangeError;

    fn from_str(text: &str) -> Result<Self, RangeError> {
        text.try_into()
    }
}

macro_rules! like_windows {
    ($($source:ty),*) => {$(
        impl TryFrom<$source> for Step {
            type Error = RangeError;

            fn try_from(source: $source) -> Result<Self, RangeError> {
                Window::try_from(source).map(|step| PromDuration::from(step).into()).map_err(RangeError::InvalidStep)
            }
        }
    )*};
}

like_windows!(Duration, &str, String, &String, i32, i64, u32, u64, f64);

/// Start, end and step of a range query. Start and end are inclusive.
///
/// ```
/// use promql_presets::{TimeRange, Timestamp};
///
/// let last_hour = TimeRange::last_hours(1).step("15s")?;
/// let day = TimeRange::parse("2026-04-16T00:00:00Z", "2026-04-17T00:00:00Z", "5m")?;
/// assert_eq!(day.points(), 289);
/// # Ok::<(), promql_presets::RangeError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimeRange {
    /// As requested; [`Self::start`] and [`Self::end`] are sent.
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    pub(crate) step: Step,
    pub(crate) aligned: bool,
}

impl TimeRange {
    /// Creates a range from `start` to `end`, with a step of [`Step::auto(250)`](Step::auto).
    ///
    /// # Errors
    ///
    /// [`RangeError::InvalidTime`] and [`RangeError::EndBeforeStart`].
    pub fn new<S, E>(start: S, end: E) -> Result<Self, RangeError>
    where
        S: TryInto<Timestamp, Error: Into<RangeError>>,
        E: TryInto<Timestamp, Error: Into<RangeError>>,
    {
        let (start, end) = (start.try_into().map_err(Into::into)?, end.try_into().map_err(Into::into)?);
        RangeError::check_unit(start)?;
        RangeError::check_unit(end)?;
        if start > end { Err(RangeError::EndBeforeStart { start, end }) } else { Ok(Self::between(start, end)) }
    }

    /// Creates a range that ends now, with a step of [`Step::auto(250)`](Step::auto).
    #[must_use]
    pub fn last(length: Duration) -> Self {
        let end = Timestamp::now();
        Self::between(end.checked_sub(length).unwrap_or(Timestamp::from_millis(0)), end)
    }

    /// Creates a range of the last `hours` hours, with a step of [`Step::auto(250)`](Step::auto).
    #[must_use]
    pub fn last_hours(hours: u32) -> Self {
        Self::last(Duration::from_secs(u64::from(hours) * 3600))
    }

    fn between(from: Timestamp, to: Timestamp) -> Self {
        Self { from, to, step: Step::auto(DEFAULT_POINTS), aligned: false }
    }

    /// Creates a range from strings, such as the parameters of a web API: times in RFC 3339 or Unix seconds, and a step
    /// in any format that [`Step`] accepts.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new) and [`step`](Self::step).
    pub fn parse<S>(start: &str, end: &str, step: S) -> Result<Self, RangeError>
    where
        S: TryInto<Step, Error: Into<RangeError>>,
    {
        Self::new(start, end)?.step(step)
    }

    /// Sets the distance between points.
    ///
    /// # Errors
    ///
    /// [`RangeError::InvalidStep`], [`RangeError::ZeroStep`], and [`RangeError::NoPoints`] for `Step::auto(0)`.
    pub fn step<S>(self, step: S) -> Result<Self, RangeError>
    where
        S: TryInto<Step, Error: Into<RangeError>>,
    {
        let step = step.try_into().map_err(Into::into)?;
        match step.0 {
            Spacing::Every(duration) if duration.is_zero() => Err(RangeError::ZeroStep),
            Spacing::AtMost(0) => Err(RangeError::NoPoints),
            _ => Ok(Self { step, ..self }),
        }
    }

    /// Rounds start and end down to multiples of the step, also if the step is set later. Repeated queries then return
    /// the same points, and caches can be used.
    ///
    /// ```
    /// # use promql_presets::TimeRange;
    /// let range = TimeRange::parse("2026-04-16T12:00:07Z", "2026-04-16T13:01:59Z", "5m")?.aligned();
    /// assert_eq!(range.start().to_string(), "2026-04-16T12:00:00Z");
    /// assert_eq!(range.end().to_string(), "2026-04-16T13:00:00Z");
    /// # Ok::<(), promql_presets::RangeError>(())
    /// ```
    #[must_use]
    pub fn aligned(self) -> Self {
        Self { aligned: true, ..self }
    }

    /// The first point, after alignment.
    #[must_use]
    pub fn start(&self) -> Timestamp {
        if self.step.0 == Spacing::AtMost(1) { self.end() } else { self.on_grid(self.from) }
    }

    /// The end of the range, after alignment. The last point is at most one step earlier.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        self.on_grid(self.to)
    }

    /// The distance between points.
    #[must_use]
    pub fn step_duration(&self) -> PromDuration {
        match self.step.0 {
            Spacing::Every(duration) => duration,
            // This many steps are enough after alignment as well.
            Spacing::AtMost(points) => round_step(length(self.from, self.to), points.saturating_sub(1).max(1)),
        }
    }

    /// The number of points of a series without gaps: the number of steps plus one.
    #[must_use]
    pub fn points(&self) -> u64 {
        self.steps().saturating_add(1)
    }

    fn on_grid(&self, time: Timestamp) -> Timestamp {
        if !self.aligned {
            return time;
        }
        let step = i64::try_from(self.step_millis()).unwrap_or(i64::MAX);
        let millis = time.as_millis();
        Timestamp::from_millis(millis.saturating_sub(millis.rem_euclid(step)))
    }

    fn step_millis(&self) -> u64 {
        self.step_duration().as_millis().max(1)
    }

    fn steps(&self) -> u64 {
        millis(length(self.start(), self.end())) / self.step_millis()
    }

    /// Fails if the range has more steps than the server accepts.
    pub(crate) fn check(&self, most: u64) -> Result<(), RangeError> {
        // The longest duration of Prometheus is 292 years.
        const LONGEST: u64 = i64::MAX.unsigned_abs() / 1_000_000;
        if self.steps() <= most {
            return Ok(());
        }
        let length = millis(length(self.from, self.to));
        let fitting = length.div_ceil(most.max(1)).checked_next_multiple_of(1_000).filter(|step| *step <= LONGEST);
        let fitting = fitting.map(PromDuration::from_millis);
        Err(RangeError::TooManyPoints { points: self.points(), most: most.saturating_add(1), fitting })
    }

    /// The number of [`parts`](Self::parts), saturating.
    pub(crate) fn part_count(&self, points: u64) -> u64 {
        let span = i128::from(self.step_millis()) * i128::from(points.max(1));
        let part = |time: Timestamp| i128::from(time.as_millis()).div_euclid(span);
        u64::try_from(part(self.aligned().end()) - part(self.aligned().start()) + 1).unwrap_or(u64::MAX)
    }

    /// Splits the aligned range into parts of at most `points` points. Each point is in exactly one part.
    ///
    /// The boundaries of parts do not depend on the range, so that caches can be used when the range moves. Each part
    /// is aligned, since VictoriaMetrics aligns long ranges by itself.
    pub(crate) fn parts(self, points: u64) -> impl Iterator<Item = Self> {
        let whole = self.aligned();
        let step = whole.step_duration();
        let millis = i128::from(whole.step_millis());
        let span = millis * i128::from(points.max(1));
        let (mut next, end) = (i128::from(whole.start().as_millis()), i128::from(whole.end().as_millis()));
        let time = |millis: i128| Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX));
        std::iter::from_fn(move || {
            let start = (next <= end).then_some(next)?;
            next = start - start.rem_euclid(span) + span;
            let last = (next - millis).clamp(start, end);
            Some(Self { from: time(start), to: time(last), step: step.into(), aligned: true })
        })
    }
}

fn length(start: Timestamp, end: Timestamp) -> Duration {
    end.duration_since(start).unwrap_or_default()
}

fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}

/// The shortest round step that divides `length` into at most `steps` steps.
fn round_step(length: Duration, steps: u64) -> PromDuration {
    const ROUND: [u64; 14] = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
    let exact = length.as_secs().saturating_add(u64::from(length.subsec_nanos() > 0)).div_ceil(steps);
    let round = ROUND.into_iter().find(|secs| *secs >= exact);
    PromDuration::from_secs(round.unwrap_or_else(|| exact.next_multiple_of(86_400 / 4)))
}

#[cfg(test)]
mod tests {
    use promql_presets_core::DurationError;

    use super::*;

    fn range(start: &str, end: &str, step: &str) -> TimeRange {
        TimeRange::parse(start, end, step).unwrap()
    }

    #[test]
    fn strings_of_web_apis_are_parsed() {
        let range = range("1700000000", "2023-11-14T22:14:20.500Z", "0.5");
        assert_eq!(range.start().as_millis(), 1_700_000_000_000);
        assert_eq!(range.end().as_millis(), 1_700_000_060_500);
        assert_eq!(range.step_duration(), PromDuration::from_millis(500));
        assert_eq!(range.points(), 122);
    }

    #[test]
    fn suggested_steps_fit() {
        let range = |start: i64, end: i64| {
            TimeRange::new(Timestamp::from_millis(start), Timestamp::from_millis(end)).unwrap().step("1ms").unwrap()
        };
        let fitting = |range: TimeRange, most| match range.check(most) {
            Err(RangeError::TooManyPoints { fitting, .. }) => fitting,
            other => panic!("{other:?}"),
        };
        for (start, end, most) in [(0, 10_001, 1), (-5, 3_600_000, 7), (0, 1_000_000, 999)] {
            let step = fitting(range(start, end), most).unwrap();
            assert_eq!(range(start, end).step(step).unwrap().check(most), Ok(()));
        }
        assert_eq!(fitting(range(i64::MIN, i64::MAX), 1), None);
    }

    #[test]
    fn invalid_ranges_are_rejected() {
        let failed = |start, end, step| TimeRange::parse(start, end, step).unwrap_err();
        assert!(matches!(failed("x", "1", "1s"), RangeError::InvalidTime(_)));
        assert!(matches!(failed("2026-04-16T23:00:00", "1", "1s"), RangeError::InvalidTime(_)));
        assert!(failed("x", "1", "1s").to_string().contains("found `x`"));
        for (start, end) in [("1763900000000", "1763900060000"), ("1763900000", "1763900060000")] {
            let error = failed(start, end, "1s");
            assert!(matches!(error, RangeError::Milliseconds { .. }), "{error}");
            assert!(error.to_string().ends_with("divide by 1000"), "{error}");
        }
        let micros = failed("1763900000", "1763900060000000", "1s");
        assert!(micros.to_string().ends_with("for microseconds, divide by 1000000"), "{micros}");
        assert!(matches!(failed("1", "2", "0.0015"), RangeError::InvalidStep(DurationError::SubMillisecond { .. })));
        assert_eq!("123456789.123".parse::<Step>(), Ok(PromDuration::from_millis(123_456_789_123).into()));
        assert!(matches!(failed("2", "1", "1s"), RangeError::EndBeforeStart { .. }));
        assert!(matches!(failed("1", "2", "1x"), RangeError::InvalidStep(_)));
        assert!(matches!(failed("1", "2", "-1"), RangeError::InvalidStep(_)));
        assert!(failed("1", "2", "1x").to_string().starts_with("invalid step: unknown unit `x`"));
        assert_eq!(failed("1", "2", "0"), RangeError::ZeroStep);
        let step = |range: Result<TimeRange, RangeError>| range.map(|range| range.step_duration().to_string());
        let hour = TimeRange::last_hours(1);
        assert_eq!(
            [step(hour.step(15)), step(hour.step(15.0)), step(hour.step("15"))],
            [(); 3].map(|()| Ok("15s".to_owned()))
        );
        assert!(matches!(hour.step(-15), Err(RangeError::InvalidStep(_))));
        assert_eq!(hour.step(0), Err(RangeError::ZeroStep));
    }

    #[test]
    fn points_are_counted_like_in_prometheus() {
        assert_eq!(range("0", "11000", "1").check(MAX_STEPS), Ok(()));
        assert_eq!(range("0", "11000.999", "1").check(MAX_STEPS), Ok(()));
        let error = range("0", "11001", "1").check(MAX_STEPS).unwrap_err();
        let fitting = PromDuration::from_secs(2);
        assert_eq!(error, RangeError::TooManyPoints { points: 11_002, most: 11_001, fitting: Some(fitting) });
        assert_eq!(range("0", "11001", "2").check(MAX_STEPS), Ok(()));
        // The limit of VictoriaMetrics, whose error names 30,000 points.
        assert_eq!(range("0", "29999", "1").check(29_999), Ok(()));
        let error = range("0", "30000", "1").check(29_999).unwrap_err().to_string();
        assert!(error.starts_with("30001 points per series exceed the server's limit of 30000;"), "{error}");
    }

    fn grid(range: &TimeRange) -> Vec<i64> {
        let step = i64::try_from(range.step_millis()).unwrap();
        let first = range.start().as_millis();
        (0..i64::try_from(range.points()).unwrap()).map(|at| first + at * step).collect()
    }

    #[test]
    fn each_point_is_in_one_part() {
        for (start, end, step, points) in [
            ("0", "99", "1", 10),
            ("7.5", "100", "3", 4),
            ("-7", "1", "2", 3),
            ("5", "5", "1", 1),
            ("0", "10", "20", 9),
            ("1.001", "99.999", "0.007", 1000),
        ] {
            let whole = range(start, end, step);
            let parts: Vec<TimeRange> = whole.parts(points).collect();
            assert_eq!(parts.iter().flat_map(grid).collect::<Vec<_>>(), grid(&whole.aligned()));
            assert!(parts.iter().all(|part| part.points() <= points && part.aligned() == *part));
            assert_eq!(parts.len() as u64, whole.part_count(points));
            // Inner boundaries do not depend on the range.
            let ends = |range: TimeRange| range.parts(points).map(|part| part.end()).collect::<Vec<_>>();
            let moved = ends(TimeRange { from: Timestamp::from_millis(whole.from.as_millis() + 3_000), ..whole });
            if whole.points() > 2 * points {
                assert!(ends(whole).ends_with(&moved), "{moved:?}");
            }
        }
    }

    #[test]
    fn extreme_timestamps_do_not_overflow() {
        let all = TimeRange::new(Timestamp::MIN, Timestamp::MAX).unwrap();
        assert!(all.check(MAX_STEPS).is_err());
        let dense = all.step("1ms").unwrap();
        assert!(dense.check(MAX_STEPS).is_err());
        assert_eq!(dense.points(), u64::MAX);
        assert_eq!(dense.parts(10).nth(1).unwrap().points(), 10);
        assert_eq!(all.aligned().points(), all.points());
        assert_eq!(all.step(Step::auto(u64::MAX)).unwrap().step_duration(), PromDuration::from_secs(1));
    }

    #[test]
    fn an_automatic_step_never_exceeds_its_points() {
        for points in [1, 2, 3, 99, 250, 11_001] {
            for start in ["0", "-3599.001", "1700000000", "1700000000.999"] {
                for length in [0, 1, 999, 1_000, 59_500, 3_600_000, 11_000_000, 11_000_001, 86_399_999, 99_999_999_999]
                {
                    let start = start.parse::<Timestamp>().unwrap();
                    let end = start.checked_add(Duration::from_millis(length)).unwrap();
                    let fitted = TimeRange::new(start, end).unwrap().step(Step::auto(points)).unwrap();
                    for fitted in [fitted, fitted.aligned()] {
                        assert!(fitted.points() <= points, "{points} {length}: {}", fitted.points());
                        assert_eq!(fitted.check(MAX_STEPS), Ok(()));
                        assert!(fitted.start() <= fitted.end());
                    }
                }
            }
        }
        assert_eq!(range("0", "1", "1").step(Step::auto(0)), Err(RangeError::NoPoints));
        let last = range("0", "7", "1").step(Step::auto(1)).unwrap();
        assert_eq!((last.start(), last.end()), (Timestamp::from_secs(7), Timestamp::from_secs(7)));
    }

    #[test]
    fn step_and_alignment_are_set_in_any_order() {
        let plain = range("7", "29", "10");
        let aligned = plain.aligned();
        assert_eq!((aligned.start().as_millis(), aligned.end().as_millis()), (0, 20_000));
        for step in [Step::auto(3), "7s".parse().unwrap()] {
            assert_eq!(plain.aligned().step(step), plain.step(step).map(TimeRange::aligned));
        }
        let sevens = plain.aligned().step("7s").unwrap();
        assert_eq!((sevens.start().as_millis(), sevens.end().as_millis()), (7_000, 28_000));
    }

    #[test]
    fn a_suggested_step_fits_after_alignment() {
        let long = range("0.5", "11001", "1").aligned();
        let Err(RangeError::TooManyPoints { points: 11_002, fitting, .. }) = long.check(MAX_STEPS) else { panic!() };
        assert_eq!(long.step(fitting.unwrap()).unwrap().check(MAX_STEPS), Ok(()));
    }

    #[test]
    fn automatic_steps_are_round() {
        let step = |hours| TimeRange::last_hours(hours).step_duration().to_string();
        assert_eq!([step(0), step(1), step(6), step(24), step(24 * 30)], ["1s", "15s", "2m", "10m", "6h"]);
    }
}
