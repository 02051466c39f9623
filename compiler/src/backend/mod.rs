//! Turns checked presets into Rust: names, segments, facts for the runtime, and the text of the generated module.

pub(crate) mod codegen;
mod look_back;
pub(crate) mod lower;
pub(crate) mod modules;
pub(crate) mod names;
pub(crate) mod query_facts;
pub mod registry;
pub(crate) mod rows;

pub use query_facts::indivisible;

/// The setter of a label in a generated `Querier`: `kernelId` is `kernel_id`.
#[cfg(feature = "tools")]
#[must_use]
pub fn setter(label: &str) -> Option<String> {
    names::setter(label)
}
