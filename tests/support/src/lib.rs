//! Real servers with known data, for tests, the demo, benches and examples. Never published.
//!
//! ```no_run
//! use promql_presets_test_support::{Dataset, prometheus};
//!
//! // Skips the test, and prints so; where servers are required, `shared` fails instead.
//! let Some(server) = prometheus::shared() else { return };
//! let data = Dataset::of_tests();
//!
//! let rates = server.query("sum by (endpoint) (rate(backendai_api_request_count_total[5m]))", data.end()).unwrap();
//! let requests = data.select("backendai_api_request_count_total", &[]);
//! let expected = Dataset::sum_by(&requests, &["endpoint"], |series| series.rate(data.end(), 300));
//! assert_eq!(rates.len(), expected.len());
//! ```
//!
//! [`Dataset`] computes the expected results of queries from the formula of each series. Each [`Server`] listens on a
//! free loopback port and works in its own temporary folder. It is stopped, and its folder removed, when its owner drops
//! it, panics, exits or is killed. Unix only.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::float_cmp))]
#![expect(clippy::missing_errors_doc, reason = "errors are messages for the person who runs the tests")]

pub mod browser;
mod data;
pub mod docs;
pub mod extended;
mod http;
mod neovim;
pub mod prometheus;
mod server;
mod standard;
mod tool;
pub mod victoria_metrics;
pub mod vmauth;

pub use data::{Dataset, Family, Kind, Labels, SCRAPE_INTERVAL, Series, Shape, histogram_quantile};
pub use neovim::{NEOVIM, neovim, neovim_folder};
pub use server::{REQUIRE_SERVERS, ResultSeries, Server, servers_required};
pub use tool::{Release, Tool};

/// Why a server could not be found, started or queried.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
