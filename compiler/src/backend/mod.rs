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

/// For each label that has no name in Rust, or that of a label before it, a name that is free.
#[cfg(feature = "tools")]
#[must_use]
pub fn rust_names(labels: &[&str]) -> Vec<Option<String>> {
    let mut renamed: Vec<String> = Vec::new();
    let name = |(at, label): (usize, &&str)| {
        let (setter, variant) = (names::setter(label), names::variant(label));
        let is_other = |other: &&str| names::setter(other) != setter && names::variant(other) != variant;
        if setter.is_some() && labels[..at].iter().all(is_other) {
            return None;
        }
        let taken = labels.iter().copied().chain(renamed.iter().map(String::as_str));
        let free = names::free(setter.as_deref().unwrap_or("label").trim_start_matches("r#"), taken);
        renamed.push(free.clone());
        Some(free)
    };
    labels.iter().enumerate().map(name).collect()
}
