//! Compile-time checked PromQL: queries live in TOML files, `cargo build` checks them and turns each into a typed
//! constant, and a client runs them against Prometheus or any server with its HTTP API.
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
//!         .user_id(not(uuid::Uuid::nil()))                 // !=, for a label that holds UUIDs
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
//! - [`include_presets!`] includes the presets of your service. [`presets`] is the built-in catalogue, and `preset!`, with
//!   the feature `macros`, defines a preset in Rust code.
//! - A [`Preset`] takes a [`MetricQuerier`]: the `Querier` of its preset file, the general [`Querier`], or your own
//!   struct, which can derive the trait with the feature `macros`.
//! - [`PrometheusClient`] returns a [`Vector`], a [`Matrix`], a [`Scalar`] or a [`Text`].
//!
//! The [guide](https://github.com/promql-presets/promql-presets/tree/main/docs) goes through all of it: preset files, the
//! client, testing, and the command line, which checks and runs presets without Rust.
//!
//! # Client
//!
//! Create one client per server. Settings of [`PrometheusClient::builder`] are defaults that each call can override:
//! credentials, timeout, retries, partial data. [`Thanos`], [`Mimir`] and [`VictoriaMetrics`] are settings for
//! [`with`](ClientBuilder::with).
//!
//! [`for_tenant`](PrometheusClient::for_tenant), [`with_filter`](PrometheusClient::with_filter) and
//! [`with_base_path`](PrometheusClient::with_base_path) return clients with a fixed scope, which you can pass to a
//! request handler: the tenant, filter or path applies to every call, and no call can override it.
//!
//! # Results
//!
//! - A single number: [`Vector::number`], [`Vector::number_or_zero`]
//! - Labels as a generated struct, or your own: [`Vector::rows`], [`Matrix::rows`]
//! - Long ranges: [`RangeQuery::split`]; results that do not fit into memory: [`RangeQuery::stream`]
//! - Values of many ids: [`InstantQuery::for_each_of`]
//! - Presets that are looked up by name at run time: [`PrometheusClient::query`], which returns [`Data`] for them
//! - Unchecked PromQL, such as that of a user: [`PrometheusClient::raw_query`]
//!
//! # JSON
//!
//! With the feature `json`, results, times, ranges, [`Labels`], and the rows and enums of preset files implement
//! `Serialize` and, except for rows, `Deserialize`: a handler can return a [`Matrix`] as it is. The shape is made for
//! front ends and is part of the API: fields are only added.
//!
#![cfg_attr(feature = "json", doc = "```")]
#![cfg_attr(not(feature = "json"), doc = "```ignore")]
//! use promql_presets::{Labels, Matrix, Series, Timestamp};
//!
//! let labels: Labels = [("job", "api")].into_iter().collect();
//! let samples = [(Timestamp::from_secs(60), 0.5), (Timestamp::from_secs(75), f64::NAN)];
//! let matrix: Matrix = [Series::new(labels, samples)].into_iter().collect();
//!
//! let expected = serde_json::json!({
//!     "type": "matrix",                                    // or "vector", "scalar", "string"
//!     "series": [{
//!         "labels": { "job": "api" },
//!         "timestamps": [60_000, 75_000],                  // milliseconds since 1970
//!         "values": [0.5, "NaN"],
//!     }],
//!     "warnings": [],
//!     "infos": [],
//!     "partial": false,
//! });
//! assert_eq!(serde_json::to_value(&matrix)?, expected);
//! # Ok::<(), serde_json::Error>(())
//! ```
//!
//! - JSON has neither `NaN` nor infinities: they are the strings `"NaN"`, `"Infinity"` and `"-Infinity"`, which
//!   JavaScript's `Number` converts back: `values.map(Number)`.
//! - A series with native histograms has the field `histograms` with its own `timestamps` and `values`. A histogram is
//!   `{"count": 3, "sum": 4.5, "buckets": [{"bounds": "(]", "lower": 0.5, "upper": 1, "count": 3}]}`.
//! - The series of a vector are `{"labels": {...}, "timestamp": 60000, "value": 0.5}`; a scalar and a string have
//!   `timestamp` and `value` instead of `series`. Statistics are in `stats`, if they were requested. The query and the
//!   name of the preset are never part of it.
//! - A [`Timestamp`] is read from milliseconds, or from a string in RFC 3339 or Unix seconds; a [`PromDuration`] from a
//!   string such as `"5m"`. A [`Step`] is `"15s"` or `{"auto": 250}`, and a [`TimeRange`] is
//!   `{"start": ..., "end": ..., "step": "15s", "aligned": false}`, where only `start` and `end` are required.
//! - An [`Error`] is written as its public part: `{"class": "no_data", "message": "the query returned no data", ...}`.
//! - `serde_json` reads some floats with an error in the last digit, unless its feature `float_roundtrip` is on.
//!
//! For front ends that read responses of Prometheus, such as Grafana, `prometheus_json()` returns a `PrometheusJson`.
//!
//! # Errors
//!
//! An [`Error`] prints as one line with the preset, the server and the cause; `{:#}` adds the query. [`Error::kind`] is
//! the cause, and [`Error::is_timeout`] and [`Error::is_retryable`] classify it. [`Error::class`] and
//! [`Error::public_message`] are for the response of a service to its own callers.
//!
//! [`PartialData`] decides whether a response with missing data is an error. By default it is returned, and
//! `is_partial()` is true.
//!
//! # Observability
//!
//! [`ClientBuilder::on_call`] reports the duration and the outcome of each call, for metrics. With the feature
//! `tracing`, each call has a span and each failure an event, which `ClientBuilder::trace_query` documents.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod client;
mod condition;
mod endpoints;
mod error;
mod extract;
mod http;
#[cfg(feature = "json")]
mod json;
mod query;
mod value;
#[doc(hidden)]
pub mod wire;

/// The HTTP client, for [`ClientBuilder::configure_http`] and [`ClientBuilder::http_client`].
pub use reqwest;
#[doc(hidden)]
pub use serde_json;
/// UUIDs, as setters of `uuid` labels take them.
pub use uuid;

pub use client::{ClientBuilder, PrometheusClient};
pub use condition::{IntoMatch, LabelValue, Match, Pattern, none_of, not, not_regex, one_of, regex, starts_with};
pub use endpoints::{
    BuildInfo, BuildInfoQuery, Exemplar, ExemplarsQuery, Features, FeaturesQuery, FormatQuery, HealthQuery, LabelNames,
    LabelValues, Metadata, MetadataQuery, MetricMetadata, ParseQuery, SeriesExemplars, SeriesQuery,
};
pub use error::{Error, ErrorClass, ErrorKind, RangeError, RowError, SplitError};
pub use extract::{FromLabels, Row, SeriesRow};
pub use http::{
    Attempt, CallReport, Dialect, HttpMethod, Mimir, Outcome, PartialData, RetryPolicy, Thanos, VictoriaMetrics,
};
#[cfg(feature = "json")]
pub use json::PrometheusJson;
pub use promql_presets_core::{
    AnyWindow, Condition, DurationError, IntoCondition, IntoPreset, LabelInfo, LabelKind, LabelName, LabelUse, MatchOp,
    Matcher, MetricQuerier, NameError, NoWindow, ParameterInfo, ParameterKind, ParameterValue, Preset, PresetInfo,
    PresetMetadata, Presets, PromDuration, Querier, RenderError, ResultType, TakesWindow, UnknownText, Window,
    Windowed,
};
pub use query::{
    AnyPreset, EachQuery, EachResult, ForEach, InstantQuery, MAX_STEPS, Progress, RangeQuery, RangeResult, RawQuery,
    RawRangeQuery, SeriesStream, SplitQuery, Step, StreamQuery, TimeRange,
};
pub use value::{
    Bounds, Bucket, ByTime, Data, Element, Histogram, Labels, Listing, Matrix, Meta, Moment, ParseTimestampError,
    QueryResult, ResultTypeError, Sample, Samples, Scalar, Series, ServerError, Stats, Text, Timestamp, Value,
    ValueError, Vector,
};
pub use wire::DecodeError;

/// Tests the examples of the README and of the documentation.
#[cfg(all(doctest, feature = "macros"))]
mod pages {
    #[doc = include_str!("../README.md")]
    struct Readme;
    #[doc = include_str!("../docs/promql.md")]
    struct Promql;
    #[doc = include_str!("../docs/client.md")]
    struct Client;
    #[doc = include_str!("../docs/servers.md")]
    struct Servers;
}

/// Includes the presets that the build script compiled with `promql_presets_compiler::build("presets")`: a module per
/// preset file, and the list `ALL` of all presets.
///
/// ```ignore
/// mod presets {
///     promql_presets::include_presets!();
/// }
/// ```
///
/// `include_presets!("name")` includes the presets that the build script compiled with
/// `Build::new("folder").name("name")`.
#[macro_export]
macro_rules! include_presets {
    () => {
        #[allow(unused_imports)]
        use $crate::__private1 as __p;
        ::core::include!(::core::concat!(::core::env!("OUT_DIR"), "/promql_presets.rs"));
    };
    ($name:literal) => {
        #[allow(unused_imports)]
        use $crate::__private1 as __p;
        ::core::include!(::core::concat!(::core::env!("OUT_DIR"), "/promql_presets.", $name, ".rs"));
    };
}

/// Defines a preset in Rust code, with the feature `macros`. It is a constant expression, checked like a preset file, and
/// takes any querier.
///
/// The template can be followed by these arguments, in any order:
///
/// - `name = "..."`: the name in errors and reports, by default the module and the line
/// - `window = "5m"`: the default of `{window}`, required if the template has it and `promql.toml` has no default
/// - `features = ["promql-experimental-functions"]`: experimental PromQL to enable
/// - `allow("unfiltered-selector", reason = "...")`: a check to silence
///
/// `promql.toml` and `metrics.toml` in the root of the package apply as they do to preset files. With a `metrics.toml`, the
/// metrics that files below `presets` declare are known as well. The compiler notices changes of the two files, but not
/// that one has been created.
///
/// ```
/// use promql_presets::{MetricQuerier, Preset, Querier, Vector, Windowed, preset};
///
/// const RATE: Preset<dyn MetricQuerier, Vector, Windowed> =
///     preset!("sum by ({group_by}) (rate({metric_name}{{{labels}}}[{window}]))", window = "5m");
///
/// let querier = Querier::new("http_requests_total").label("job", "api").group_by(["code"]);
/// assert_eq!(RATE.render(&querier, None)?, r#"sum by (code) (rate(http_requests_total{job="api"}[5m]))"#);
/// # Ok::<(), promql_presets::RenderError>(())
/// ```
#[cfg(feature = "macros")]
#[macro_export]
macro_rules! preset {
    ($($input:tt)*) => {
        $crate::__private1::preset!($crate; $($input)*)
    };
}

/// Derives [`MetricQuerier`] for a struct, with the feature `macros`: each field is a matcher of the label with its name.
///
/// A field is a string, an integer, a UUID, an enum of a preset file, a [`Match`] for operators other than `=`, or an
/// `Option` of these, where `None` is no matcher.
///
/// - `#[querier(name = "...")]` on the struct, or `#[querier(name)]` on a string field: the name of the metric
/// - `#[querier(label = "...")]` on a field: the name of the label, if it differs from the field's
/// - `#[querier(group_by("...", ...))]` on the struct, or `#[querier(group_by)]` on a field with a list of strings: the
///   labels to group by
/// - `#[querier(skip)]` on a field: not a label
/// - `#[querier(crate = path)]` on the struct: the path of this crate, `::promql_presets` by default
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
/// let preset = preset!("sum by ({group_by}) ({metric_name}{{{labels}}})");
/// assert_eq!(
///     preset.render(&requests, None)?,
///     r#"sum by (instance) (http_requests_total{job="api",status_code="503"})"#
/// );
/// # Ok::<(), promql_presets::RenderError>(())
/// ```
#[cfg(feature = "macros")]
pub use promql_presets_macros::MetricQuerier;

/// The built-in catalogue.
pub mod presets {
    use crate::__private1 as __p;
    // Generated from the folder `presets` by a test of the compiler, so that services need not compile it from there.
    include!("catalogue.rs");
}

/// Items for generated code. The digit is the version of its format.
#[doc(hidden)]
pub mod __private1 {
    pub use std::borrow::Cow;
    pub use std::option::Option::Some;
    pub use std::string::String;
    pub use std::vec::Vec;

    pub use promql_presets_core::{
        __parameterized as parameterized, __serde_enum as serde_enum, AnyWindow, Condition, IntoCondition, LabelInfo,
        LabelKind, LabelUse, LookBack, MatchOp, Matcher, MetricQuerier, NoWindow, ParameterInfo, ParameterValue,
        Preset, PresetInfo, Presets, PromDuration, Querier, RenderError, ResultType, Segment, SelectorInfo,
        UnknownText, Windowed,
    };
    #[cfg(feature = "macros")]
    pub use promql_presets_macros::preset;
    #[cfg(feature = "json")]
    pub use serde::{Serialize, Serializer};
    pub use uuid::Uuid;

    pub use crate::__serialize_row as serialize_row;
    pub use crate::condition::{
        IntoMatch, LabelValue, Match, MatcherField, ValueEnum, when_some, with_group_by, with_label,
    };
    pub use crate::error::RowError;
    pub use crate::extract::{FromLabels, RowValue, read_field};
    #[cfg(feature = "json")]
    pub use crate::json::write_row;
    pub use crate::value::{Labels, Matrix, Scalar, Text, Vector};
}
