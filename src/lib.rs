//! PromQL presets in TOML files, checked by `cargo build` and run as typed constants.
//!
//! ```no_run
//! use promql_presets::presets::container_utilization::{self as container, Label, ValueType};
//! use promql_presets::{PrometheusClient, TimeRange, not, one_of};
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let prometheus = PrometheusClient::new("http://localhost:9090")?;
//!
//!     let querier = container::Querier::new("net_rx")      // required labels come first
//!         .value_type(ValueType::Current)                  // an enum made from the file
//!         .agent_id(one_of(["i-gpu-01", "i-gpu-02"]))      // =~, with the values escaped
//!         .user_id(not(uuid::Uuid::nil()))                 // !=, and a label of UUIDs takes nothing else
//!         .group_by([Label::KernelId]);
//!
//!     let usage = prometheus
//!         .query_range(container::RATE, &querier, TimeRange::last_hours(1).step("15s")?)
//!         .window("1m")
//!         .await?;
//!
//!     for series in &usage {
//!         println!("{} {:?}", series.labels(), series.last());
//!     }
//!     Ok(())
//! }
//! ```
//!
//! - [`include_presets!`] brings in the presets of your own service; [`presets`] is the catalogue that comes with the
//!   library, and [`preset!`] a preset between Rust code.
//! - A [`Preset`] is rendered for a [`MetricQuerier`]: one that was made from a preset file, the general [`Querier`],
//!   or a struct of your own with `#[derive(MetricQuerier)]`.
//! - [`PrometheusClient`] asks, and answers with a [`Vector`], a [`Matrix`], a [`Scalar`] or a [`Text`].
//!
//! # The client
//!
//! One client for each server, made once and cloned. What its builder sets holds for every call, and a call may set it
//! too:
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use promql_presets::presets::{api_requests, prometheus};
//! use promql_presets::{Error, PartialData, PrometheusClient, RetryPolicy, Step, TimeRange};
//!
//! #[derive(serde::Deserialize)]
//! struct Endpoint {
//!     endpoint: String,
//!     status_code: Option<u16>,                            // `None` where a series has no such label
//! }
//!
//! fn client() -> Result<PrometheusClient, Error> {
//!     PrometheusClient::builder("http://mimir:8080/prometheus")
//!         .bearer_auth("token")
//!         .tenant("team-a")                                // X-Scope-OrgID
//!         .timeout(Duration::from_secs(10))                // for the server as well, and retries included
//!         .retry(RetryPolicy::default().retries(2))        // of what may pass: 429, 503, broken connections, ...
//!         .partial_data(PartialData::Refuse)               // an error where stores did not answer
//!         .build()
//! }
//!
//! async fn ask(client: &PrometheusClient) -> Result<(), Error> {
//!     // One number: no data, several series, NaN and partial data are errors, which name the preset.
//!     let up = client.query(prometheus::UP_RATIO, &prometheus::Querier::new()).await?.number()?;
//!     println!("{up}");
//!
//!     // Labels as fields, points as columns; never more than 250 points, at the same times in every call.
//!     let querier = api_requests::Querier::new().group_by([api_requests::Label::Endpoint]);
//!     let day = TimeRange::last_hours(24).step(Step::auto(250))?.aligned();
//!     let rates = client.query_range(api_requests::RATE, &querier, day).await?;
//!     for row in rates.into_rows::<Endpoint>()? {
//!         println!("{} {:?} {:?}", row.labels.endpoint, row.series.timestamps(), row.series.values());
//!     }
//!
//!     // More points than the server gives at once: several parts at the same time, joined, and one timeout for all.
//!     let year = TimeRange::last_hours(24 * 365).step("1m")?;
//!     let rates = client.query_range(api_requests::RATE, &querier, year).timeout(Duration::from_mins(5)).split().await?;
//!     println!("{} samples", rates.sample_count());
//!
//!     // More series than fit into memory: one after the other, while they arrive.
//!     let mut series = client.query_range(api_requests::RATE, &querier, day).stream().await?;
//!     while let Some(series) = series.try_next().await? {
//!         println!("{} {:?}", series.labels(), series.last());
//!     }
//!     Ok(())
//! }
//! ```
//!
//! - An [`Error`] is one line for a log: preset, server, what failed, and the server's own words; `{:#}` adds the
//!   query. [`Error::kind`] tells what it is, [`Error::is_timeout`] and [`Error::is_retryable`] what to do about it.
//! - [`PartialData`] says what becomes of an answer that misses data. Unless set, it is returned and `is_partial()`
//!   tells.
//! - [`Thanos`], [`Mimir`] and [`VictoriaMetrics`] have settings of their own, for [`with`](ClientBuilder::with).
//! - [`ClientBuilder::on_call`] counts calls and times them; the feature `tracing` has a span for each.
//! - [`ClientBuilder::configure_http`] is for certificates and proxies, [`PrometheusClient::raw_query`] for what a user
//!   types.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod client;
mod endpoints;
mod error;
mod http;
mod query;
mod value;
pub mod wire;

/// The HTTP client, for [`ClientBuilder::http_client`].
pub use reqwest;
/// JSON, for what [`PrometheusClient::parse_query`] returns.
pub use serde_json;

pub use client::{ClientBuilder, Dialect, Mimir, PrometheusClient, Thanos, VictoriaMetrics};
pub use endpoints::{
    BuildInfo, BuildInfoQuery, Exemplar, ExemplarsQuery, Features, FeaturesQuery, FormatQuery, HealthQuery, LabelNames,
    LabelValues, Metadata, MetadataQuery, MetricMetadata, ParseQuery, SeriesExemplars, SeriesQuery,
};
pub use error::{Error, ErrorClass, ErrorKind};
pub use http::{CallReport, HttpMethod, Outcome, PartialData, RetryPolicy};
pub use promql_presets_core::{
    AnyWindow, DurationError, LabelInfo, LabelKind, LabelName, LabelValue, Match, MatchOp, Matcher, MetricName,
    MetricQuerier, NameError, NoWindow, Preset, PresetInfo, Presets, PromDuration, Querier, RenderError, ResultType,
    TakesWindow, UnknownText, Windowed, none_of, not, not_regex, one_of, regex, starts_with,
};
pub use query::{
    InstantQuery, MAX_STEPS, Progress, RangeError, RangeQuery, RangeResult, RawQuery, RawRangeQuery, SeriesStream,
    SplitQuery, Step, StreamQuery, TimeRange,
};
pub use value::{
    Bounds, Bucket, ByTime, Element, Histogram, Labels, Listing, Matrix, Meta, Moment, ParseTimestampError, Row,
    RowError, Sample, Samples, Scalar, Series, SeriesRow, Stats, Text, Timestamp, Value, ValueError, Vector,
};
pub use wire::Data;

/// The README's examples, which are tests.
#[cfg(all(doctest, feature = "macros"))]
#[doc = include_str!("../README.md")]
struct Readme;

/// Brings in the presets that the package's build script compiled: a module for each file, and `ALL`.
///
/// ```ignore
/// mod presets {
///     promql_presets::include_presets!();
/// }
/// ```
///
/// The build script is one line, `promql_presets_compiler::build("presets")`.
#[macro_export]
macro_rules! include_presets {
    () => {
        #[allow(unused_imports)]
        use $crate::__private1 as __p;
        ::core::include!(::core::concat!(::core::env!("OUT_DIR"), "/promql_presets.rs"));
    };
}

/// A preset between Rust code: a template, and what a preset file would have beside it.
///
/// It takes any querier, and is checked by the compiler of preset files. It is a constant expression. After the
/// template may come, in any order:
///
/// - `window = "5m"`: the default of its `{window}`, if it has one
/// - `features = ["promql-experimental-functions"]`: experimental PromQL that it may use
/// - `allow("unfiltered-selector", reason = "...")`: a check whose findings are silenced
///
/// ```
/// use promql_presets::{MetricQuerier, Preset, Querier, Vector, Windowed, preset};
///
/// const RATE: Preset<dyn MetricQuerier, Vector, Windowed> =
///     preset!("sum by ({group_by})(rate({metric_name}{{{labels}}}[{window}]))", window = "5m");
///
/// let querier = Querier::new("http_requests_total").label("job", "api").group_by(["code"]);
/// assert_eq!(RATE.render(&querier, None)?, r#"sum by (code)(rate(http_requests_total{job="api"}[5m]))"#);
/// # Ok::<(), promql_presets::RenderError>(())
/// ```
#[cfg(feature = "macros")]
#[macro_export]
macro_rules! preset {
    ($($input:tt)*) => {
        $crate::__private1::preset!($crate; $($input)*)
    };
}

/// Makes a struct a [`MetricQuerier`]: each field is a condition on the label of its name.
///
/// A field is a string, an integer, a UUID, an enum that was made from a preset file, a [`Match`] for the other
/// operators, or an `Option` of one of these, where `None` is no condition.
///
/// - `#[querier(name = "...")]` on the struct, or `#[querier(name)]` on a field of text: the metric's name
/// - `#[querier(label = "...")]` on a field: a label whose name is not the field's
/// - `#[querier(group_by("...", ...))]` on the struct, or `#[querier(group_by)]` on a field that is a list of
///   texts: the labels to group by
/// - `#[querier(skip)]` on a field: no label
/// - `#[querier(crate = path)]` on the struct: where this crate is, if not at `::promql_presets`
///
/// ```
/// use promql_presets::{MetricQuerier, preset};
///
/// #[derive(MetricQuerier)]
/// #[querier(name = "http_requests_total", group_by("instance"))]
/// struct Requests {
///     job: String,
///     #[querier(label = "status_code")]
///     status: Option<u16>,
/// }
///
/// let requests = Requests { job: "api".to_owned(), status: Some(503) };
/// let preset = preset!("sum by ({group_by})({metric_name}{{{labels}}})");
/// assert_eq!(
///     preset.render(&requests, None)?,
///     r#"sum by (instance)(http_requests_total{job="api",status_code="503"})"#
/// );
/// # Ok::<(), promql_presets::RenderError>(())
/// ```
#[cfg(feature = "macros")]
pub use promql_presets_macros::MetricQuerier;

/// The built-in catalogue.
pub mod presets {
    include_presets!();
}

/// What generated code names. The digit is the version of its format.
#[doc(hidden)]
pub mod __private1 {
    pub use std::borrow::Cow;
    pub use std::string::String;
    pub use std::vec::Vec;

    pub use promql_presets_core::{
        __label_enum as label_enum, __querier as querier, __value_enum as value_enum, AnyWindow, LabelInfo, LabelKind,
        Match, MatcherField, MetricQuerier, NoWindow, Preset, PresetInfo, Presets, PromDuration, Querier, ResultType,
        Segment, Windowed,
    };
    #[cfg(feature = "macros")]
    pub use promql_presets_macros::preset;
    pub use uuid::Uuid;

    pub use crate::value::{Matrix, Scalar, Text, Vector};
}
