//! Compiles PromQL preset files to Rust: a pure function from `(path, text)` pairs to generated code and diagnostics.
//!
//! A service needs one function, in its build script:
//!
//! ```no_run
//! promql_presets_compiler::build("presets");
//! ```
//!
//! Data flows one way: [`schema`] reads TOML, [`template`] checks placeholders, [`promql`] understands the
//! query, [`check`] what it says, and [`compile`] puts it all into a [`registry`] and writes Rust.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod build;
pub mod check;
mod codegen;
mod compile;
pub mod diagnostic;
pub mod discover;
mod literal;
mod lower;
mod names;
pub mod promql;
pub mod registry;
pub mod render;
pub mod schema;
pub mod source;
pub mod suggest;
pub mod template;
mod toml_error;

pub use build::build;
pub use compile::{Finding, InlineOptions, InlinePreset, Output, compile};
pub use diagnostic::{Code, Diagnostic, Layer, Severity};
pub use literal::Literal;
pub use source::{SourceFile, Span};
