//! Compiles PromQL preset files to Rust: a pure function from `(path, text)` pairs to generated code and diagnostics.

pub mod diagnostic;
pub mod source;

pub use diagnostic::{Code, Diagnostic, Severity};
pub use source::Span;
