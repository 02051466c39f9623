//! Turns checked presets into Rust: names, segments, facts for the runtime, and the text of the generated module.

pub(crate) mod codegen;
pub(crate) mod facts;
pub(crate) mod lower;
pub(crate) mod modules;
pub(crate) mod names;
pub mod registry;
pub(crate) mod rows;

pub use facts::indivisible;
