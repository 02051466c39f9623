//! Instant and range queries.

mod each;
mod instant;
mod range;
mod split;
mod stream;
pub(crate) mod time_range;

use std::fmt;

use futures_util::stream::{self as streams, StreamExt};
use promql_presets_core::{
    AnyWindow, DurationError, Input, MetricQuerier, ParameterValues, Preset, PresetInfo, PromDuration, RenderError,
    Template, Window,
};

use crate::http::call::{BoxFuture, Call};
use crate::value::{Data, QueryResult, Scalar, Vector};

pub use each::{EachQuery, EachResult, ForEach};
pub use instant::{InstantQuery, RawQuery};
pub(crate) use range::matrix_of_range;
pub use range::{RangeQuery, RawRangeQuery};
pub use split::{Progress, SplitQuery};
pub use stream::{SeriesStream, StreamQuery};
pub use time_range::{MAX_STEPS, Step, TimeRange};

/// The result types of presets that can be used in a range query: [`Vector`] and [`Scalar`].
///
/// [`Data`] is for presets that are looked up at run time. If such a preset has another result type, the call fails
/// with [`RangeError::ResultType`](crate::RangeError::ResultType) before it is sent.
#[diagnostic::on_unimplemented(
    message = "a range query requires a preset whose result is an instant vector or a scalar",
    label = "the result of this preset is `{Self}`",
    note = "use `query` instead of `query_range`"
)]
pub trait RangeResult: QueryResult {}

impl RangeResult for Vector {}
impl RangeResult for Scalar {}
impl RangeResult for Data {}

/// A preset without its types, for structs, maps and the state of a service. It is made from any constant with
/// [`any`](Preset::any), or from [`presets::ALL`](crate::presets) with [`preset`](PresetInfo::preset).
///
/// Checks at run time replace those by types: the labels of the querier, whether the preset has a window, and whether its
/// result can be that of a range query.
///
/// ```
/// use std::collections::HashMap;
///
/// use promql_presets::presets::{api_requests, prometheus};
/// use promql_presets::{AnyPreset, Data, Error, PrometheusClient, Querier};
///
/// struct Panels {
///     by_name: HashMap<&'static str, AnyPreset>,
/// }
///
/// impl Panels {
///     fn new() -> Self {
///         Self { by_name: [("up", prometheus::UP.any()), ("rate", api_requests::RATE.any())].into() }
///     }
///
///     async fn query(&self, client: &PrometheusClient, name: &str) -> Option<Result<Data, Error>> {
///         let preset = *self.by_name.get(name)?;
///         Some(client.query(preset, &Querier::default()).await)
///     }
/// }
/// # assert_eq!(Panels::new().by_name["up"], prometheus::UP.any());
/// ```
pub type AnyPreset = Preset<dyn MetricQuerier, Data, AnyWindow>;

/// The PromQL of a query: a preset to render, or unchecked text.
#[derive(Clone)]
pub(crate) enum Promql<'a> {
    Preset {
        preset: &'static PresetInfo,
        parameters: ParameterValues,
        input: Input<'a>,
        window: Option<Result<PromDuration, DurationError>>,
    },
    Raw(String),
}

impl<'a> Promql<'a> {
    pub(crate) fn of<Q: MetricQuerier + ?Sized, R, W>(preset: Preset<Q, R, W>, querier: &'a Q) -> Self {
        let parameters = preset.__template().values;
        Self::Preset { preset: preset.info(), parameters, input: Input::of(querier), window: None }
    }

    pub(crate) fn window<D: TryInto<Window, Error: Into<DurationError>>>(&mut self, duration: D) {
        if let Self::Preset { window, .. } = self {
            *window = Some(duration.try_into().map(Window::into).map_err(Into::into));
        }
    }

    /// Renders the query of a call; for parts of a range with the `start()` and `end()` of the whole after `@`. If that
    /// fails, the call fails when it is made.
    pub(crate) fn render(self, call: &mut Call, ends: Option<[&str; 2]>) {
        match self {
            Self::Preset { preset, parameters, mut input, window } => {
                let template = Template { values: parameters, ..preset.__template() };
                let filtered = call.transport.scope.filter_preset(preset, &mut input);
                let window = window.transpose().map_err(RenderError::InvalidWindow);
                let query = filtered.and_then(|()| Ok(input.render(template, window?, ends)?));
                call.preset = Some(preset.name);
                call.query = query.map_err(|failure| call.options.fail(failure)).ok();
            }
            Self::Raw(promql) => {
                call.query = Some(promql);
                if let Some(error) = call.transport.scope.error_of_unfiltered("unchecked PromQL: use a preset") {
                    call.options.fail(error);
                }
            }
        }
    }

    /// The same query, independent of the querier.
    fn into_owned(self) -> Promql<'static> {
        match self {
            Self::Preset { preset, parameters, input, window } => {
                Promql::Preset { preset, parameters, input: input.into_owned(), window }
            }
            Self::Raw(promql) => Promql::Raw(promql),
        }
    }
}

macro_rules! query_setters {
    ($($field:ident).*) => {
        /// Sets the `{window}` of the preset, which has a default in the preset file. Accepts `"5m"`, a
        /// [`Duration`](std::time::Duration), a [`PromDuration`](crate::PromDuration), or a number of seconds: `300`,
        /// `0.5`, `"300"`.
        pub fn window<D: TryInto<promql_presets_core::Window, Error: Into<DurationError>>>(mut self, window: D) -> Self
        where
            W: TakesWindow,
        {
            self.$($field.)*promql.window(window);
            self
        }

        /// Limits the number of series; unlimited by default. If there are more, the response has a warning, but is not
        /// [partial](crate::Meta::partial_reason). Prometheus before 3.2 and VictoriaMetrics ignore the limit.
        pub fn limit(mut self, series: u64) -> Self {
            self.$($field.)*call.parameter("limit", series.to_string());
            self
        }

        /// Sets how old the last sample of a series can be; 5 minutes by default, unless the server is configured
        /// otherwise.
        pub fn lookback_delta<D: TryInto<promql_presets_core::Window, Error: Into<DurationError>>>(mut self, duration: D) -> Self {
            match duration.try_into() {
                Ok(duration) => {
                    self.$($field.)*call.parameter("lookback_delta", crate::query::seconds(duration.into()));
                }
                Err(error) => {
                    let error = crate::error::RangeError::InvalidLookback(error.into());
                    self.$($field.)*call.options.fail(error.into());
                }
            }
            self
        }

        /// Requests statistics of the query: [`Meta::stats`](crate::Meta::stats).
        pub fn stats(mut self) -> Self {
            self.$($field.)*call.parameter("stats", "true".to_owned());
            self
        }

        /// Requests statistics of the query in total and, if the server counts them, per step.
        pub fn stats_per_step(mut self) -> Self {
            self.$($field.)*call.parameter("stats", "all".to_owned());
            self
        }

        crate::http::options::option_setters!($($field.)*call);
    };
}
pub(crate) use query_setters;

/// Awaits results in order, several at a time. One function for all of them, since it takes long to compile.
#[inline]
fn buffered<'a>(results: impl Iterator<Item = Pending> + Send + 'a, concurrency: usize) -> Buffered<'a> {
    let results: Box<dyn Iterator<Item = Pending> + Send> = Box::new(results);
    streams::iter(results).buffered(concurrency)
}

type Pending = BoxFuture<'static, Data>;
type Buffered<'a> = streams::Buffered<streams::Iter<Box<dyn Iterator<Item = Pending> + Send + 'a>>>;

/// A duration in seconds, the format that the HTTP API accepts for all parameters.
fn seconds(duration: PromDuration) -> String {
    let millis = duration.as_millis();
    format!("{}.{:03}", millis / 1_000, millis % 1_000)
}

impl fmt::Debug for Promql<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Preset { preset, window, .. } => {
                f.debug_struct("Preset").field("name", &preset.name).field("window", window).finish_non_exhaustive()
            }
            Self::Raw(promql) => promql.fmt(f),
        }
    }
}
