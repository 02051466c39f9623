//! The router as its callers see it, with a Prometheus inside the test.
#![allow(clippy::unwrap_used, clippy::panic)]

mod attacks;
mod catalogue;
mod failures;
mod live;
mod live_presets;
mod queries;
mod streaming;
mod support;
