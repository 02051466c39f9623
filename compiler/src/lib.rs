//! Compiles PromQL preset files to Rust: a pure function from `(path, text)` pairs to generated code and diagnostics.
//!
//! A service needs one function, in its build script:
//!
//! ```no_run
//! promql_presets_compiler::build("presets");
//! ```
//!
//! Data flows one way: `file` reads TOML, `template` checks placeholders, [`promql`] parses the query, [`check`] looks
//! for mistakes in its meaning, and [`backend`] turns the result into Rust. [`compile`] calls them in this order, except
//! that the segments of a query are written before its meaning is checked.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod backend;
mod build;
pub mod check;
mod compile;
pub mod diagnostic;
pub mod discover;
mod file;
mod hole;
mod inline;
#[cfg(feature = "tools")]
mod metrics_read;
mod parallel;
pub mod promql;
#[cfg(feature = "tools")]
mod snapshot;
mod sorted;
mod template;
mod vec_ext;

pub use build::{Build, build};
#[cfg(feature = "tools")]
pub use compile::Session;
pub use compile::{Output, compile};
pub use diagnostic::{Code, Diagnostic, FileKind, Finding, Layer, Severity, SourceFile, Span};
#[cfg(feature = "tools")]
pub use file::metric_type::without_suffix;
pub use file::preset_tests::series_labels;
#[cfg(feature = "tools")]
pub use file::templates;
pub use file::{ExpectedSample, KEYS, Literal, MetricType, PresetTest, TestSeries};
pub use inline::{Declarations, InlineOptions, InlinePreset};
#[cfg(feature = "tools")]
pub use metrics_read::{MetricsRead, SeriesRead};
#[cfg(feature = "tools")]
pub use snapshot::{Snapshot, SnapshotMetric};
