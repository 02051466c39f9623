//! Turns checked presets into Rust: names, segments, and the text of the generated module.

pub(crate) mod codegen;
pub(crate) mod lower;
pub(crate) mod modules;
pub(crate) mod names;
pub(crate) mod reach;
pub mod registry;
pub(crate) mod rows;
pub(crate) mod split;

pub use split::indivisible;
