//! Compiles `PromQL` preset files to Rust: a pure function from `(path, text)` pairs to generated code and diagnostics.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod diagnostic;
pub mod promql;
pub mod source;

pub use diagnostic::{Code, Diagnostic, Severity};
pub use source::Span;
