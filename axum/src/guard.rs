//! The presets, labels and times that a caller may query.

use std::borrow::Cow;
use std::time::Duration;

use axum::http::StatusCode;
use axum::http::request::Parts;
use promql_presets::{
    IntoCondition, Matcher, PresetInfo, PresetMetadata, PromDuration, PrometheusClient, TimeRange, Timestamp,
};

use crate::problem::Problem;

/// Decides what a caller may query. A closure with this signature is a guard.
///
/// It is called for each request, and for each preset of the catalogue. A guard is not async. Do lookups that need to
/// wait in a middleware, and store the result in the extensions of the request.
///
/// ```
/// use axum::http::request::Parts;
/// use promql_presets::PresetInfo;
/// use promql_presets_axum::{Access, Guard, Refusal};
///
/// /// What the service's authentication leaves in the request.
/// #[derive(Clone)]
/// struct User {
///     project: String,
///     is_admin: bool,
/// }
///
/// struct ByProject;
///
/// impl Guard for ByProject {
///     fn access(&self, caller: &Parts, preset: &'static PresetInfo) -> Result<Access, Refusal> {
///         let user: &User = caller.extensions.get().ok_or(Refusal::unauthorized("Bearer"))?;
///         match preset.category {
///             _ if user.is_admin => Ok(Access::all()),
///             Some("internal") => Err(Refusal::not_found()),
///             _ => Ok(Access::only("project_id", &user.project)),
///         }
///     }
/// }
/// ```
pub trait Guard: Send + Sync + 'static {
    /// What the caller may see of a preset. `caller` is the request without its body.
    ///
    /// # Errors
    /// [`Refusal`] where the caller may not query the preset. Then it is not in the caller's catalogue either.
    fn access(&self, caller: &Parts, preset: &'static PresetInfo) -> Result<Access, Refusal>;
}

impl<F> Guard for F
where
    F: Fn(&Parts, &'static PresetInfo) -> Result<Access, Refusal> + Send + Sync + 'static,
{
    fn access(&self, caller: &Parts, preset: &'static PresetInfo) -> Result<Access, Refusal> {
        self(caller, preset)
    }
}

/// What a caller may see of a preset.
#[derive(Clone, Debug)]
#[must_use]
pub struct Access {
    filters: Vec<Matcher<'static>>,
    tenant: Option<String>,
    max_range: Option<Duration>,
    max_window: Option<Duration>,
    max_look_back: Option<Duration>,
    max_points: u64,
    max_series: Option<u64>,
}

impl Access {
    /// All series.
    pub const fn all() -> Self {
        Self {
            filters: Vec::new(),
            tenant: None,
            max_range: None,
            max_window: None,
            max_look_back: None,
            max_points: u64::MAX,
            max_series: None,
        }
    }

    /// The series that match a condition on a label, as [`filter`](Self::filter).
    pub fn only<K>(label: impl Into<Cow<'static, str>>, condition: impl IntoCondition<K>) -> Self {
        Self::all().filter(label, condition)
    }

    /// Limits the caller to the series that match a condition on a label; a plain value means `=`. Whatever the caller
    /// sends, each selector of the query has this matcher as well, see
    /// [`PrometheusClient::with_filter`](PrometheusClient::with_filter).
    ///
    /// Presets that it cannot be applied to are refused: those with a selector without `{labels}`, and those whose file
    /// declares labels but not this one. A condition with `=` or `=~` that also selects series without the label is
    /// refused as well, such as an empty value or `starts_with("")`: it usually comes from a missing header or field.
    pub fn filter<K>(mut self, label: impl Into<Cow<'static, str>>, condition: impl IntoCondition<K>) -> Self {
        self.filters.push(condition.into_condition().on(label));
        self
    }

    /// Limits the caller to a tenant of Mimir or Cortex, see [`PrometheusClient::for_tenant`].
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenant = Some(tenant.into());
        self
    }

    /// The longest time between start and end of a range query, and of a list of labels or values. Lists without a
    /// start cover this time before their end. A query also reads what its windows and offsets reach before the start.
    pub fn max_range(mut self, longest: Duration) -> Self {
        self.max_range = Some(longest);
        self
    }

    /// The longest window that the caller may set, also as a parameter that is a duration. The defaults of presets are
    /// not affected.
    ///
    /// The durations that the caller sets are limited together, by how much further the query reads with them:
    /// `max_over_time(rate(x[{window}])[{long}:{step}])` reads the sum of `window` and `long` before each point, and
    /// `[{window} * {factor}]` the product. Durations that the template fixes, such as `offset 1w`, do not count, and
    /// selectors that read less far than a fixed one add nothing; [`max_look_back`](Self::max_look_back) limits the total.
    ///
    /// The step of a subquery is not limited: a `step` of 1 ms evaluates the inner query a thousand times per second of
    /// `long`. Declare a `min` for it; the compiler warns about steps without one.
    pub fn max_window(mut self, longest: Duration) -> Self {
        self.max_window = Some(longest);
        self
    }

    /// How far a query may read back in total: the range of a range query, plus the longest sum of a selector's range and
    /// offset and those of the subqueries around it. Unlike for [`max_window`](Self::max_window), durations that the
    /// template fixes count as well, such as `offset 1w`. The look-back delta of the server for selectors without a range,
    /// and times after `@`, do not count.
    pub fn max_look_back(mut self, longest: Duration) -> Self {
        self.max_look_back = Some(longest);
        self
    }

    /// The maximum points per series of a range query; otherwise the client's
    /// [`max_steps`](promql_presets::ClientBuilder::max_steps) decides. A step of `auto` is chosen so that the result
    /// stays within the limit.
    pub fn max_points(mut self, points: u64) -> Self {
        self.max_points = points;
        self
    }

    /// The maximum number of series. If there are more, the response has a warning. Prometheus before 3.2 and
    /// VictoriaMetrics ignore the limit.
    pub fn max_series(mut self, series: u64) -> Self {
        self.max_series = Some(series);
        self
    }

    /// The most series of a query.
    pub(crate) fn series(&self) -> Option<u64> {
        self.max_series
    }

    /// The most points of a range, with the requested number.
    pub(crate) fn fitting_points(&self, points: u64) -> u64 {
        points.min(self.max_points)
    }

    /// Gives the filters the values of the preset's labels, also for lists of labels and values.
    pub(crate) fn normalize(&mut self, preset: &PresetMetadata<'_>) {
        self.filters.iter_mut().for_each(|filter| preset.__normalize(filter));
    }

    /// The client within the limits of the caller, which gets the filters.
    pub(crate) fn limit(&mut self, client: &PrometheusClient) -> PrometheusClient {
        let client = self.tenant.iter().fold(client.clone(), |client, tenant| client.for_tenant(tenant));
        self.filters.drain(..).fold(client, |client, filter| client.with_matcher(filter))
    }

    /// Whether the caller's requests always have a filter on a label.
    pub(crate) fn filters_on(&self, label: &str) -> bool {
        self.filters.iter().any(|filter| filter.label() == label)
    }

    /// Refuses presets that the filters do not limit.
    pub(crate) fn check_preset(&self, preset: &PresetMetadata<'_>) -> Result<(), Problem> {
        let refuse = |detail| Err(Problem::new(StatusCode::FORBIDDEN, detail));
        let takes = |label: &str| {
            let is_declared = |labels: &[promql_presets::LabelInfo<'_>]| {
                labels.iter().any(|info| info.name == label && info.usage.is_filter())
            };
            preset.labels.is_none_or(is_declared)
        };
        if self.filters.iter().any(Matcher::__admits_missing) {
            return refuse("the request needs a filter on a label that the guard requires".to_owned());
        }
        if self.filters.is_empty() || preset.unfiltered.is_none() && !preset.takes_labels() {
            return Ok(());
        }
        if preset.unfiltered.is_some() || !self.filters.iter().all(|filter| takes(filter.label())) {
            return refuse("the preset cannot be limited to the data that the caller may see".to_owned());
        }
        Ok(())
    }

    pub(crate) fn check_window(&self, field: &str, window: Duration) -> Result<(), Problem> {
        check_length(field, window, self.max_window)
    }

    pub(crate) fn limits_look_back(&self) -> bool {
        self.max_window.is_some() || self.max_look_back.is_some()
    }

    /// Checks how far a query reads back, and how far without the durations that the caller sets, in seconds.
    /// `field` is one of those that the caller sets.
    pub(crate) fn check_look_back(
        &self,
        field: &str,
        [whole, without]: [f64; 2],
        range: Option<&TimeRange>,
    ) -> Result<(), Problem> {
        let length = |seconds: f64| Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX);
        let added = if without.is_finite() { whole - without } else { whole };
        check_length(field, length(added), self.max_window)?;
        let range = range.and_then(|range| range.end().duration_since(range.start())).unwrap_or_default();
        check_length(field, length(whole).saturating_add(range), self.max_look_back)
    }

    /// The start of a list with the requested start and end.
    pub(crate) fn start(&self, start: Option<Timestamp>, end: Option<Timestamp>) -> Result<Option<Timestamp>, Problem> {
        let Some(longest) = self.max_range else { return Ok(start) };
        let end = end.unwrap_or_else(Timestamp::now);
        let Some(start) = start else { return Ok(end.checked_sub(longest)) };
        check_length("start", end.duration_since(start).unwrap_or_default(), self.max_range)?;
        Ok(Some(start))
    }

    pub(crate) fn check_range(&self, range: &TimeRange) -> Result<(), Problem> {
        let length = range.end().duration_since(range.start()).unwrap_or_default();
        check_length("start", length, self.max_range)?;
        match range.points() {
            points if points > self.max_points => {
                let detail = format!("the range has {points} points; at most {} are allowed", self.max_points);
                Err(Problem::field("step", detail))
            }
            _ => Ok(()),
        }
    }
}

fn check_length(field: &str, length: Duration, longest: Option<Duration>) -> Result<(), Problem> {
    match longest {
        Some(longest) if length > longest => {
            // Durations in milliseconds, as all of a request are.
            let [length, longest] = [length, longest].map(|it| PromDuration::try_from(it).unwrap_or(PromDuration::MAX));
            Err(Problem::field(field, format!("{length} is too long; at most {longest} is allowed")))
        }
        _ => Ok(()),
    }
}

/// Why a caller may not query a preset: the response that it gets.
#[derive(Clone, Debug)]
#[must_use]
pub struct Refusal {
    status: StatusCode,
    detail: Cow<'static, str>,
    challenge: Option<&'static str>,
}

impl Refusal {
    /// HTTP 403: the caller may not query this preset.
    pub const fn forbidden() -> Self {
        let detail = Cow::Borrowed("the caller may not query this preset");
        Self { status: StatusCode::FORBIDDEN, detail, challenge: None }
    }

    /// HTTP 401: the service does not know who calls. `challenge` is the header `WWW-Authenticate`, such as `Bearer`. The
    /// whole catalogue is refused.
    pub const fn unauthorized(challenge: &'static str) -> Self {
        let detail = Cow::Borrowed("the request has no valid credentials");
        Self { status: StatusCode::UNAUTHORIZED, detail, challenge: Some(challenge) }
    }

    /// HTTP 404: as if there were no such preset.
    pub const fn not_found() -> Self {
        Self { status: StatusCode::NOT_FOUND, detail: Cow::Borrowed(NO_PRESET), challenge: None }
    }

    /// Replaces the text for the caller.
    pub fn detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = detail.into();
        self
    }

    /// Whether no request of the caller can succeed.
    pub(crate) fn is_final(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED
    }
}

/// The detail of problems with unknown presets.
pub(crate) const NO_PRESET: &str = "there is no preset of this name";

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Self::new(refusal.status, refusal.detail).challenge(refusal.challenge)
    }
}
