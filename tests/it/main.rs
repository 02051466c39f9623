//! All integration tests, in one program, since linking takes most of the time.
//!
//! `cargo test -p promql-presets --test it faults` runs the tests of one module.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::float_cmp, reason = "tests")]

mod api;
mod bodies;
#[cfg(feature = "gzip")]
mod compressed;
mod credentials;
mod each;
mod faults;
mod faulty_server;
mod generated;
mod hostile_values;
#[cfg(feature = "json")]
mod json;
mod live;
mod live_client;
mod live_servers;
mod live_targets;
#[cfg(any(feature = "rustls", feature = "native-tls"))]
mod live_tls;
mod macros;
mod proxy;
mod ranges;
mod requests;
mod scoped;
mod service;
mod values;
