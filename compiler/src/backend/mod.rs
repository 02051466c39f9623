//! Turns checked presets into Rust: names, segments, what the runtime needs to know of a query, and the text of the generated module.

pub(crate) mod codegen;
pub(crate) mod facts;
pub(crate) mod lower;
pub(crate) mod modules;
pub(crate) mod names;
pub mod registry;
pub(crate) mod rows;

pub use facts::indivisible;
