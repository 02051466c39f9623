//! Retries, their delays, and their budget.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crate::error::Error;

/// When and how often failed calls are retried.
///
/// All calls of a client only read, so all can be retried. By default, calls are retried after the transient failures for
/// which [`Error::is_retryable`] is true: no connection or a broken one, a truncated or empty response, HTTP 408, 429,
/// 502, 503 and 504, and the Prometheus errors `internal` and `timeout` unless the status is 4xx.
///
/// The delay doubles with each retry and is random, so that clients do not retry at the same time. A `Retry-After` of
/// the server is respected, with up to a quarter added. A call is not retried if the delay would exceed its timeout.
/// The calls of a client share a retry budget, which grows by one retry per five calls and by ten retries per second;
/// when it is used up, calls fail without a retry. During the delay, a call does not count towards
/// [`max_concurrent`](crate::ClientBuilder::max_concurrent).
#[derive(Clone)]
pub struct RetryPolicy {
    retries: u32,
    first_wait: Duration,
    longest_wait: Duration,
    retry_if: Option<Condition>,
}

type Condition = Arc<dyn Fn(&Error) -> bool + Send + Sync>;

/// Three retries, after about 100, 200 and 400 milliseconds.
impl Default for RetryPolicy {
    fn default() -> Self {
        let (first_wait, longest_wait) = (Duration::from_millis(100), Duration::from_secs(5));
        Self { retries: 3, first_wait, longest_wait, retry_if: None }
    }
}

impl RetryPolicy {
    /// Disables retries. Only a request whose connection the server closes before it responds is still repeated once, since
    /// servers close idle connections. Until the first response of the server, no connection is idle, and no request is
    /// repeated.
    #[must_use]
    pub fn never() -> Self {
        Self::default().retries(0)
    }

    /// Sets the maximum number of retries.
    #[must_use]
    pub fn retries(self, retries: u32) -> Self {
        Self { retries, ..self }
    }

    /// Sets the delay before the first retry, and the maximum delay. Each delay is twice the previous one, minus a random
    /// part of up to a half.
    #[must_use]
    pub fn backoff(self, first: Duration, longest: Duration) -> Self {
        Self { first_wait: first, longest_wait: longest, ..self }
    }

    /// Also retries after failures that match a condition, such as those of Mimir's storage:
    ///
    /// ```
    /// # use promql_presets::{Error, RetryPolicy, ErrorKind};
    /// RetryPolicy::default().retry_if(|error: &Error| match error.kind() {
    ///     ErrorKind::Server { status: 422, error, .. } => error.message.contains("err-mimir-store"),
    ///     _ => false,
    /// });
    /// ```
    #[must_use]
    pub fn retry_if(self, condition: impl Fn(&Error) -> bool + Send + Sync + 'static) -> Self {
        Self { retry_if: Some(Arc::new(condition)), ..self }
    }

    /// The delay before the next retry after a failure; `None` if there is none.
    pub(crate) fn wait(&self, error: &Error, retries_made: u32) -> Option<Duration> {
        let again = error.is_retryable() || self.retry_if.as_ref().is_some_and(|condition| condition(error));
        if !again || retries_made >= self.retries {
            return None;
        }
        let longest = self.first_wait.saturating_mul(1 << retries_made.min(20)).min(self.longest_wait);
        let wait = longest.mul_f64(1.0 - random() / 2.0);
        // Clients with the same `Retry-After` should not retry at the same time.
        let requested = error.retry_after().unwrap_or_default();
        Some(wait.max(requested.saturating_add((requested / 4).mul_f64(random()))))
    }
}

impl fmt::Debug for RetryPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { retries, first_wait, longest_wait, .. } = self;
        f.debug_struct("RetryPolicy")
            .field("retries", retries)
            .field("first_wait", first_wait)
            .field("longest_wait", longest_wait)
            .finish_non_exhaustive()
    }
}

/// A random number from 0 to 1.
fn random() -> f64 {
    let bits = RandomState::new().hash_one(Instant::now());
    f64::from((bits >> 32) as u32) / f64::from(u32::MAX)
}

/// The retries that a client has left for all calls, so that retries do not multiply the load of a failing server.
#[derive(Debug)]
pub(crate) struct Budget(Mutex<Tokens>);

/// In thousandths of a retry.
#[derive(Debug)]
struct Tokens {
    left: u64,
    at: Instant,
}

impl Budget {
    const RETRY: u64 = 1_000;
    const PER_CALL: u64 = 200;
    const PER_MILLISECOND: u64 = 10;
    const AT_FIRST: u64 = 10_000;
    const MOST: u64 = 100_000;

    pub(crate) fn new(now: Instant) -> Self {
        Self(Mutex::new(Tokens { left: Self::AT_FIRST, at: now }))
    }

    /// Counts a call.
    pub(crate) fn earn(&self) {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.left = (tokens.left + Self::PER_CALL).min(Self::MOST);
    }

    /// Takes a retry from the budget, if one is left.
    pub(crate) fn spend(&self, now: Instant) -> bool {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = now.saturating_duration_since(tokens.at).as_millis();
        let earned = u64::try_from(elapsed).unwrap_or(u64::MAX).saturating_mul(Self::PER_MILLISECOND);
        let left = tokens.left.saturating_add(earned).min(Self::MOST);
        let rest = left.checked_sub(Self::RETRY);
        *tokens = Tokens { left: rest.unwrap_or(left), at: now };
        rest.is_some()
    }
}

/// Parses `Retry-After`: seconds, or a date in any of the formats of HTTP.
pub(crate) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // Too many digits for a number mean forever.
        return Some(value.parse().map_or(Duration::MAX, Duration::from_secs));
    }
    Some(httpdate::parse_http_date(value).ok()?.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn http(status: u16) -> Error {
        ErrorKind::Http { status, body: String::new() }.into()
    }

    #[test]
    fn waits_double_and_are_random() {
        let policy = RetryPolicy::default().retries(10).backoff(Duration::from_millis(100), Duration::from_millis(300));
        let waits = |made| (0..50).map(|_| policy.wait(&http(503), made).unwrap()).collect::<Vec<_>>();
        for (made, low, high) in [(0, 50, 100), (1, 100, 200), (2, 150, 300), (9, 150, 300)] {
            let waits = waits(made);
            assert!(waits.iter().all(|wait| (low..=high).contains(&wait.as_millis())), "{made}: {waits:?}");
            assert!(waits.iter().any(|wait| *wait != waits[0]), "not random");
        }
        assert_eq!(policy.wait(&http(503), 10), None);
    }

    #[test]
    fn retry_after_lengthens_the_wait() {
        let policy = RetryPolicy::default();
        let wait = |requested| policy.wait(&http(429).with_retry_after(Some(requested)), 0).unwrap();
        let waits: Vec<_> = (0..50).map(|_| wait(Duration::from_mins(1)).as_millis()).collect();
        assert!(waits.iter().all(|wait| (60_000..=75_000).contains(wait)), "{waits:?}");
        assert!(waits.iter().any(|wait| *wait != waits[0]), "not random");
        assert!(wait(Duration::ZERO) >= Duration::from_millis(50));
        assert_eq!(wait(Duration::MAX), Duration::MAX);
    }

    #[test]
    fn only_transient_failures_are_retried() {
        let policy = RetryPolicy::default();
        for status in [400, 401, 403, 404, 413, 414, 422, 499, 500, 501] {
            assert_eq!(policy.wait(&http(status), 0), None, "{status}");
        }
        for status in [408, 429, 502, 503, 504] {
            assert!(policy.wait(&http(status), 0).is_some(), "{status}");
            assert_eq!(RetryPolicy::never().wait(&http(status), 0), None);
        }
        assert!(policy.retry_if(|error| error.status() == Some(422)).wait(&http(422), 0).is_some());
    }

    #[test]
    fn a_budget_is_spent_and_earned() {
        let start = Instant::now();
        let budget = Budget::new(start);
        let spend = |at| (0..1000).take_while(|_| budget.spend(at)).count();
        assert_eq!(spend(start), 10);
        (0..10).for_each(|_| budget.earn());
        assert_eq!(spend(start), 2);
        assert_eq!(spend(start + Duration::from_millis(250)), 2);
        assert_eq!(spend(start + Duration::from_hours(1)), 100);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:30 GMT").unwrap();
        for (text, seconds) in [
            ("0", Some(0)),
            (" 120 ", Some(120)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(7)),
            ("Sun, 06 Nov 1994 08:49:07 GMT", Some(0)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("", None),
            ("-1", None),
            ("soon", None),
            ("Sun, 06 Nov 1994 08:49:37 CET", None),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(7)),
            ("Sun Nov  6 08:49:37 1994", Some(7)),
            ("Sun, 99 Nov 1994 08:49:37 GMT", None),
        ] {
            assert_eq!(retry_after(text, now).map(|wait| wait.as_secs()), seconds, "{text}");
        }
    }
}
