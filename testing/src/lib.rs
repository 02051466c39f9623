//! Tests of services that use [`promql_presets`]: a Prometheus inside the test, for the code around queries, and a real
//! one with a few series, for the queries themselves.
//!
//! ```toml
//! [dev-dependencies]
//! promql-presets-testing = "0.1"
//! ```
//!
//! [`MockPrometheus`] is a server that the real client talks to, so that retries, deadlines and decoding are those of
//! production. Expectations are about presets and labels, never about the text of a query:
//!
//! ```
//! use promql_presets::presets::container_utilization::{self as container, Label, ValueType};
//! use promql_presets::{Error, PrometheusClient, TimeRange};
//! use promql_presets_testing::{MockResponse, MockPrometheus, series};
//! use uuid::Uuid;
//!
//! /// The service.
//! struct Network {
//!     prometheus: PrometheusClient,
//! }
//!
//! impl Network {
//!     /// The highest rate of each session of a user, in bytes per second.
//!     async fn peaks(&self, user: Uuid, range: TimeRange) -> Result<Vec<f64>, Error> {
//!         let querier = container::Querier::new("net_rx").user_id(user).group_by([Label::SessionId]);
//!         let rates = self.prometheus.query_range(container::RATE, &querier, range).await?;
//!         Ok(rates.iter().map(|series| series.values().iter().copied().fold(0.0, f64::max)).collect())
//!     }
//! }
//!
//! #[tokio::main(flavor = "current_thread")] // #[tokio::test]
//! async fn main() {
//!     let mock = MockPrometheus::start();
//!     let user = Uuid::from_u128(1);
//!     mock.on_range(container::RATE)
//!         .label("container_metric_name", "net_rx")
//!         .label("user_id", user)
//!         .group_by(["session_id"])
//!         .returns(MockResponse::error("unavailable", "starting up").status(503)) // which the client retries
//!         .then(series![
//!             { session_id = Uuid::from_u128(2) } => "0+10x60",             // 0, 10, 20, ..., 600
//!             { session_id = Uuid::from_u128(3) } => "5 _ 7 stale",
//!         ]);
//!
//!     let service = Network { prometheus: mock.client() };
//!     let range = TimeRange::parse("1700000000", "1700003600", "1m").unwrap();
//!     assert_eq!(service.peaks(user, range).await.unwrap(), [600.0, 7.0]);
//!
//!     assert_eq!(mock.calls().len(), 2);
//!     assert_eq!(mock.calls()[0].label("user_id"), Some(&*user.to_string()));
//!     mock.verify(); // or drop it
//! }
//! ```
//!
//! # Expectations
//!
//! - An expectation is strict. Without [`label`](On::label), the query has no matchers; without [`group_by`](On::group_by),
//!   no grouping; without [`window`](On::window), the default window of the preset. Matchers can be in any order, as can
//!   the values of [`one_of`](promql_presets::one_of); labels to group by are in the order that is expected.
//!   [`any_labels`](On::any_labels), [`any_grouping`](On::any_grouping), [`any_window`](On::any_window),
//!   [`any_parameters`](On::any_parameters) and [`any_tenant`](On::any_tenant) accept more.
//! - Times are compared if they are set: with [`at`](On::at) for an instant query, and [`over`](On::over) for a range query.
//! - An unexpected request gets an error response, which describes how the request differs from the most similar
//!   expectation. When the mock is dropped, the test fails as well, even if the service ignored that error.
//! - An expectation that no request meets fails the test. A single response is sent for any number of requests, at
//!   least one. A sequence of responses ([`then`](Expectation::then)) expects exactly as many requests.
//!   [`times`](Expectation::times) and [`any_times`](Expectation::any_times) change that.
//! - Where several expectations accept a request, the first that is not used up responds to it.
//!
//! # Time
//!
//! In the response to a range query, the first value is at the start of the range, the next one a step later, and so
//! on, up to the end of the range. In the response to an instant query, the value is at the time of the query.
//!
//! # Real servers
//!
//! [`TestPrometheus`] starts a real Prometheus with a few series, in the same notation. [`MockPrometheus::record`]
//! writes the responses of a real server to a file, and [`MockPrometheus::replay`] replays them.
//!
//! # Paused time
//!
//! With `#[tokio::test(start_paused = true)]`, the clock stands still while a request of
//! [`client`](MockPrometheus::client) is in flight. (tokio alone does not know about sockets, and would advance the
//! clock until the call times out.) The clock advances as usual while the service or the client waits, for example
//! between polls or retries. A response's [`delay`](MockResponse::delay) is by the same clock, so a test of a timeout
//! of 30 seconds takes no time:
//!
//! ```
//! use std::time::Duration;
//! use promql_presets::presets::prometheus::{self, UP_RATIO};
//! use promql_presets::RetryPolicy;
//! use promql_presets_testing::{MockResponse, MockPrometheus};
//!
//! #[tokio::main(flavor = "current_thread", start_paused = true)] // #[tokio::test(start_paused = true)]
//! async fn main() {
//!     let mock = MockPrometheus::start();
//!     mock.on(UP_RATIO).returns(MockResponse::from(1.0).delay(Duration::from_secs(40))).then(0.5);
//!     let client = mock.client_builder().timeout(Duration::from_secs(30)).retry(RetryPolicy::never()).build().unwrap();
//!
//!     let error = client.query(UP_RATIO, &prometheus::Querier::new()).await.unwrap_err();
//!     assert!(error.is_timeout());
//!     tokio::time::sleep(Duration::from_secs(3600)).await;
//!     assert_eq!(client.query(UP_RATIO, &prometheus::Querier::new()).await.unwrap().number().unwrap(), 0.5);
//! }
//! ```
//!
//! That holds for clients of [`client`](MockPrometheus::client) and [`client_builder`](MockPrometheus::client_builder), in
//! one runtime at a time. Other clients need `tokio::time::resume` before a call. Timestamps are those of the system:
//! `TimeRange::last_hours` does not follow the paused clock.
//!
//! Each mock has a port and a thread of its own, so tests can run in parallel and need no runtime for it.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod call;
mod clock;
mod expectation;
mod expected;
#[doc(hidden)]
pub mod guard;
mod mock_prometheus;
mod native_histogram;
mod placeholders;
mod record;
mod remote_write;
mod response;
mod series;
mod server;
mod state;
mod test_prometheus;

pub use call::{Call, Endpoint};
pub use expectation::{Expectation, On};
pub use mock_prometheus::{MockPrometheus, Refusing};
#[doc(hidden)]
pub use promql_presets::Timestamp;
#[doc(hidden)]
pub use remote_write::write;
pub use response::MockResponse;
pub use series::{IntoValues, NotationError, TestSeries, Values};
pub use test_prometheus::{TestPrometheus, TestPrometheusBuilder};

/// Tests the examples of the documentation.
#[cfg(doctest)]
#[doc = include_str!("../../docs/testing.md")]
struct Documentation;
