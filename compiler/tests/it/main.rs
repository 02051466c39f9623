//! All integration tests, in one program, since linking is what takes the time.
//!
//! `cargo test -p promql-presets-compiler --test it pages` runs the tests of one module.
//!
//! `UPDATE_SNAPSHOTS=1` updates the expected output in `checks`, `tests/ui`, `tests/snapshots` and
//! `tests/false_positives.txt`.
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
mod declarations;
mod false_positives;
mod fixes;
mod generated;
mod large_files;
mod pages;
mod positions;
mod preset_tests;
mod session;
mod settings;
mod ui;
mod units;
mod wrong_files;

/// Whether to write snapshots anew instead of comparing with them.
fn update_snapshots() -> bool {
    let update = std::env::var_os("UPDATE_SNAPSHOTS").is_some();
    assert!(!(update && std::env::var_os("CI").is_some()), "snapshots are not updated on CI");
    update
}
