//! Expectations under construction, and those that wait for requests.

use std::fmt::Display;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;

use promql_presets::{
    DurationError, IntoCondition, Matcher, MetricQuerier, Preset, PromDuration, RangeError, RenderError, TimeRange,
    Timestamp, Window,
};
use promql_presets_core::{Input, Template};

use crate::call::{Call, Endpoint};
use crate::expected::{Count, Expected, Part, Query, Reply};
use crate::placeholders::{Placeholders, matcher as matcher_of};
use crate::response::MockResponse;
use crate::state::Shared;

/// A request to expect, created with [`MockPrometheus::on`](crate::MockPrometheus::on) and the like.
///
/// It is strict: by default, a request must have exactly the expected matchers and operators, the expected labels to
/// group by in this order, the default window of the preset, no tenant, and no other parameters that change the result.
/// Methods that begin with `any` relax this. Times are only compared if they are set.
#[must_use = "nothing is expected until `returns` or `responds_with` is called"]
#[derive(Debug)]
pub struct On<'m, Q: ?Sized = dyn MetricQuerier> {
    shared: &'m Arc<Shared>,
    expected: Box<Expected>,
    failure: Option<String>,
    types: PhantomData<fn(&Q)>,
}

impl<'m, Q: MetricQuerier + ?Sized> On<'m, Q> {
    #[track_caller]
    pub(crate) fn new(shared: &'m Arc<Shared>, query: Query, endpoint: Endpoint) -> Self {
        let expected = Box::new(Expected::new(query, endpoint, Location::caller()));
        Self { shared, expected, failure: None, types: PhantomData }
    }

    /// An expectation of a preset, with the values of its parameters.
    #[track_caller]
    pub(crate) fn of<R, W>(shared: &'m Arc<Shared>, preset: Preset<Q, R, W>, endpoint: Endpoint) -> Self {
        let info = preset.info();
        let values = preset.__template().values.checked(info.parameters).map_err(|error| error.to_string());
        let on = Self::new(shared, Query::Preset(info), endpoint);
        on.try_set(values, |expected, values| expected.placeholders.parameters = values)
    }

    fn set(mut self, change: impl FnOnce(&mut Expected)) -> Self {
        change(&mut self.expected);
        self
    }

    fn try_set<T, E: Display>(mut self, value: Result<T, E>, change: impl FnOnce(&mut Expected, T)) -> Self {
        match value {
            Ok(value) => change(&mut self.expected, value),
            Err(error) => _ = self.failure.get_or_insert(error.to_string()),
        }
        self
    }

    /// Expects the metric, the matchers and the grouping of a querier, in addition to what was set before.
    pub fn querier(mut self, querier: &Q) -> Self {
        if !querier.name().is_empty() {
            self = self.metric(querier.name());
        }
        for matcher in &*querier.labels() {
            let (label, op) = (matcher.label().to_owned(), matcher.op());
            match matcher.value() {
                Some(value) => self.expected.placeholders.matchers.push(matcher_of(label, op, value.to_owned())),
                None => _ = self.failure.get_or_insert(RenderError::NoAlternatives { label }.to_string()),
            }
        }
        self.group_by(querier.group_by_labels().iter().map(|label| label.clone().into_owned()))
    }

    /// Expects the name of a metric in `{metric_name}`.
    pub fn metric(mut self, name: impl Into<String>) -> Self {
        self.expected.placeholders.metric = Some(name.into());
        self
    }

    /// Expects a matcher: a value of any type means `=`, and other operators are [`not`](promql_presets::not),
    /// [`one_of`](promql_presets::one_of) and so on.
    ///
    /// Without matchers, a query with matchers is not expected.
    pub fn label<K>(self, label: impl AsRef<str>, condition: impl IntoCondition<K>) -> Self {
        let matcher = condition.into_condition().on(label.as_ref().to_owned());
        self.matcher(matcher)
    }

    /// Expects a matcher.
    pub fn matcher(mut self, matcher: Matcher<'static>) -> Self {
        self.expected.placeholders.matchers.push(matcher);
        self
    }

    /// Accepts further matchers.
    pub fn any_labels(self) -> Self {
        self.set(|expected| expected.more_labels = true)
    }

    /// Expects labels to group by, in this order. Without them, a query that groups is not expected.
    pub fn group_by<L: AsRef<str>>(mut self, labels: impl IntoIterator<Item = L>) -> Self {
        self.expected.placeholders.group_by.extend(labels.into_iter().map(|label| label.as_ref().to_owned()));
        self
    }

    /// Accepts any grouping.
    pub fn any_grouping(self) -> Self {
        self.set(|expected| expected.any_grouping = true)
    }

    /// Expects a window. Without it, the preset's default is expected.
    pub fn window<D: TryInto<Window, Error: Into<DurationError>>>(self, window: D) -> Self {
        let window = window.try_into().map_err(Into::into);
        self.try_set(window, |expected, window| expected.window = Part::Is(Some(window.into())))
    }

    /// Accepts any window.
    pub fn any_window(self) -> Self {
        self.set(|expected| expected.window = Part::Any)
    }

    /// Expects the time of an instant query. Without it, any time is accepted.
    pub fn at<T: TryInto<Timestamp, Error: Into<RangeError>>>(self, time: T) -> Self {
        let time = time.try_into().map_err(Into::into);
        let time = match self.expected.endpoint {
            Endpoint::Query => time.map_err(|error| error.to_string()),
            _ => Err("only instant queries have a time".to_owned()),
        };
        self.try_set(time, |expected, time| expected.time = Part::Is(time))
    }

    /// Expects a range query with this start, end and step. Without it, any range is accepted.
    pub fn over(self, range: TimeRange) -> Self {
        self.set(|expected| {
            expected.range = Part::Is(range);
            expected.in_parts = false;
            expected.endpoint = Endpoint::QueryRange;
        })
    }

    /// Expects range queries of parts of this range, as [`split`](promql_presets::RangeQuery::split) makes them. Together,
    /// they must have all of its points, unless [`any_times`](Expectation::any_times) is set. Values of the response belong
    /// to the points of the whole range.
    pub fn over_parts_of(self, range: TimeRange) -> Self {
        self.over(range.aligned()).set(|expected| expected.in_parts = true)
    }

    /// Expects the start of the time in which to look for labels, series or exemplars.
    pub fn start<T: TryInto<Timestamp, Error: Into<RangeError>>>(self, start: T) -> Self {
        self.try_set(start.try_into().map_err(Into::into), |expected, time| expected.start = Part::Is(time))
    }

    /// Expects the end of the time in which to look for labels, series or exemplars.
    pub fn end<T: TryInto<Timestamp, Error: Into<RangeError>>>(self, end: T) -> Self {
        self.try_set(end.try_into().map_err(Into::into), |expected, time| expected.end = Part::Is(time))
    }

    /// Expects the selector of a querier, for labels and their values. Without it, a request with selectors is not
    /// expected.
    pub fn matching(self, querier: &dyn MetricQuerier) -> Self {
        let selector = promql_presets_core::selector(querier).map_err(|error| error.to_string());
        let selector = selector.and_then(|text| Placeholders::of_selector(&text).ok_or(text));
        self.try_set(selector, |expected, selector| match &mut expected.selectors {
            Part::Is(selectors) => selectors.push(selector),
            Part::Any => {}
        })
    }

    /// Accepts any selectors.
    pub fn any_selectors(self) -> Self {
        self.set(|expected| expected.selectors = Part::Any)
    }

    /// Expects a limit of series or of names.
    pub fn limit(self, limit: u64) -> Self {
        self.parameter("limit", limit.to_string())
    }

    /// Expects a lookback delta.
    pub fn lookback_delta<D: TryInto<Window, Error: Into<DurationError>>>(mut self, duration: D) -> Self {
        match duration.try_into().map_err(Into::into) {
            Ok(duration) => {
                let millis = PromDuration::from(duration).as_millis();
                self.parameter("lookback_delta", format!("{}.{:03}", millis / 1000, millis % 1000))
            }
            Err(error) => {
                self.failure.get_or_insert(error.to_string());
                self
            }
        }
    }

    /// Expects a parameter of the HTTP API. Without it, no parameters are expected except those of the query itself,
    /// `timeout` and `stats`.
    pub fn parameter(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let parameter = (name.into(), value.into());
        self.set(|expected| expected.parameters.push(parameter))
    }

    /// Accepts further parameters.
    pub fn any_parameters(self) -> Self {
        self.set(|expected| expected.any_parameters = true)
    }

    /// Expects a header. Others are not compared, except for that of the [`tenant`](Self::tenant).
    pub fn header(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let header = (name.into(), value.into());
        self.set(|expected| expected.headers.push(header))
    }

    /// Expects the tenant in `X-Scope-OrgID`. Without it, a request for a tenant is not expected.
    pub fn tenant(self, tenant: impl Into<String>) -> Self {
        let tenant = tenant.into();
        self.set(|expected| expected.tenant = Part::Is(Some(tenant)))
    }

    /// Accepts any tenant, and none.
    pub fn any_tenant(self) -> Self {
        self.set(|expected| expected.tenant = Part::Any)
    }

    /// Expects a path before `/api/v1`, such as `/select/42/prometheus`. Without it, none is expected.
    pub fn base_path(self, path: impl Into<String>) -> Self {
        let path = path.into();
        self.set(|expected| expected.base_path = path)
    }

    /// Sets the response to every such request, unless [`then`](Expectation::then) or [`times`](Expectation::times) is
    /// called.
    ///
    /// If the response has several values for a series, the expectation is of a range query instead of an instant
    /// query.
    ///
    /// # Panics
    /// If no query can meet the expectation, or the response does not fit.
    #[track_caller]
    pub fn returns(mut self, response: impl Into<MockResponse>) -> Expectation<'m> {
        let response = response.into();
        let is_preset = matches!(self.expected.query, Query::Preset(_));
        if self.expected.endpoint == Endpoint::Query
            && is_preset
            && response.has_steps()
            && self.expected.time == Part::Any
        {
            self.expected.endpoint = Endpoint::QueryRange;
        }
        check_fit(&self.expected, &response);
        self.add(Reply::Response(Box::new(response)))
    }

    /// Computes the response to each request.
    ///
    /// # Panics
    /// If no query can match it.
    #[track_caller]
    pub fn responds_with(self, response: impl Fn(&Call) -> MockResponse + Send + Sync + 'static) -> Expectation<'m> {
        self.add(Reply::Function(Arc::new(response)))
    }

    #[track_caller]
    #[expect(clippy::panic, reason = "a mistake in a test")]
    fn add(mut self, reply: Reply) -> Expectation<'m> {
        if let Some(failure) = self.failure.take().or_else(|| self.resolve().err()) {
            panic!("no query can be as expected: {failure}");
        }
        let Self { shared, mut expected, .. } = self;
        expected.replies.push(reply);
        let mut state = shared.lock();
        state.expected.push(*expected);
        Expectation { shared, at: state.expected.len() - 1 }
    }

    /// The matchers as the preset renders them, such as UUIDs in lower case.
    fn resolve(&mut self) -> Result<(), String> {
        let expected = &mut *self.expected;
        let placeholders = &mut expected.placeholders;
        let Query::Preset(info) = expected.query else {
            let unused =
                placeholders.metric.is_some() || !placeholders.matchers.is_empty() || !placeholders.group_by.is_empty();
            return if unused {
                Err("only queries of presets have matchers and a grouping".to_owned())
            } else {
                Ok(())
            };
        };
        let window = match expected.window {
            Part::Is(window) => window.filter(|window| Some(*window) != info.window),
            Part::Any => None,
        };
        let querier = placeholders.querier();
        let template = Template { values: placeholders.parameters, ..info.__template() };
        match Input::of(&querier).render(template, window, None) {
            Ok(query) => {
                *placeholders =
                    Placeholders::of(info, &query).ok_or_else(|| format!("`{query}` cannot be recognized"))?;
            }
            // Another matcher may be on it.
            Err(RenderError::MissingRequiredLabel { .. }) if expected.more_labels => {}
            Err(error) => return Err(format!("{}: {error}", info.name)),
        }
        Ok(())
    }
}

#[track_caller]
#[expect(clippy::panic, reason = "a mistake in a test")]
fn check_fit(expected: &Expected, response: &MockResponse) {
    if let Some(misfit) = response.misfit(expected.shape()) {
        panic!("not a response to {expected}: {misfit}");
    }
}

/// An expectation that waits for requests.
///
/// Where several expectations accept a request, the first one that is not used up responds to it.
#[derive(Clone, Copy, Debug)]
pub struct Expectation<'m> {
    shared: &'m Arc<Shared>,
    at: usize,
}

impl Expectation<'_> {
    /// Adds a response to the next request. A sequence of responses expects as many requests.
    ///
    /// # Panics
    /// If it does not fit the query.
    #[track_caller]
    #[expect(clippy::return_self_not_must_use, reason = "the expectation is already there")]
    pub fn then(self, response: impl Into<MockResponse>) -> Self {
        let response = response.into();
        check_fit(&self.shared.lock().expected[self.at].clone(), &response);
        self.shared.lock().expected[self.at].replies.push(Reply::Response(Box::new(response)));
        self
    }

    /// Expects exactly `count` requests. The last response is repeated.
    #[expect(clippy::return_self_not_must_use, clippy::must_use_candidate, reason = "the expectation is already there")]
    pub fn times(self, count: usize) -> Self {
        self.shared.lock().expected[self.at].count = Count::Exactly(count);
        self
    }

    /// Accepts any number of requests, also none. The last response is repeated.
    #[expect(clippy::return_self_not_must_use, clippy::must_use_candidate, reason = "the expectation is already there")]
    pub fn any_times(self) -> Self {
        self.shared.lock().expected[self.at].count = Count::Any;
        self
    }

    /// The number of requests that it has responded to.
    #[must_use]
    pub fn count(&self) -> usize {
        self.shared.lock().expected[self.at].used
    }
}
