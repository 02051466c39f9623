//! Real servers with known data, for tests, the demo, benches and examples. Never published.
//!
//! ```no_run
//! use promql_presets_test_support::{Dataset, prometheus};
//!
//! // In a test: `return` skips it, loudly; where servers are required, `shared` fails instead.
//! let Some(server) = prometheus::shared() else { return };
//! let data = Dataset::of_tests();
//!
//! let answers = server.query("sum by (endpoint)(rate(backendai_api_request_count_total[5m]))", data.end()).unwrap();
//! let requests = data.select("backendai_api_request_count_total", &[]);
//! let expected = Dataset::sum_by(&requests, &["endpoint"], |series| series.rate(data.end(), 300));
//! assert_eq!(answers.len(), expected.len());
//! ```
//!
//! [`Dataset`] computes what a query must answer from the formula of each series, so a test compares a server
//! with arithmetic and not with itself. Every [`Server`] that this crate starts listens on a free loopback port, works
//! in a folder of its own, and is gone, with its folder, when its owner drops it, panics, exits or is killed. Unix
//! only.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::float_cmp))]
#![expect(clippy::missing_errors_doc, reason = "every error here is a sentence for the person who runs the tests")]

mod data;
pub mod extended;
mod guard;
mod http;
pub mod prometheus;
mod server;
mod standard;
mod tool;
pub mod victoria_metrics;
pub mod vmauth;

pub use data::{Dataset, Family, Kind, Labels, SCRAPE_INTERVAL, Series, Shape, histogram_quantile};
pub use server::{Answer, REQUIRE_SERVERS, Server, servers_required};
pub use tool::{Release, Tool};

/// Why a server could not be found, started or asked.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
