//! All integration tests, in one program, since linking takes most of the time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::float_cmp, reason = "tests")]

mod expectations;
mod near_misses;
mod paused;
mod recordings;
mod responses;
mod runtimes;
mod strict;
mod test_prometheus;

use std::panic::{AssertUnwindSafe, catch_unwind};

use promql_presets_testing::MockPrometheus;

/// The message of a mock that is dropped.
fn failure(mock: MockPrometheus) -> String {
    message(|| drop(mock))
}

/// The message of a panic.
fn message<T>(work: impl FnOnce() -> T) -> String {
    let panic = catch_unwind(AssertUnwindSafe(work)).err().expect("no panic");
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => (*panic.downcast::<&str>().unwrap()).to_owned(),
    }
}
