//! All integration tests, in one program, since linking is what takes the time.
//!
//! `cargo test -p promql-presets-compiler --test it pages` runs the tests of one module.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::too_many_lines,
    clippy::format_push_string,
    reason = "tests"
)]

mod architecture;
mod catalogue;
mod corpus;
mod false_positives;
mod fixes;
mod generated;
mod helps;
mod pages;
mod positions;
mod seeded;
mod suggestions;
mod wrong_files;
