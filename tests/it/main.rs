//! All integration tests, in one program, since linking takes most of the time.
//!
//! `cargo test -p promql-presets --test it retries` runs the tests of one module.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::float_cmp, reason = "tests")]

mod api;
mod bodies;
#[cfg(feature = "gzip")]
mod compressed;
mod connections;
mod credentials;
mod each;
mod endpoints;
#[cfg(feature = "tracing")]
mod events;
mod faulty_server;
mod generated;
mod health;
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
mod methods;
mod proxy;
mod ranges;
mod redirects;
mod reports;
mod requests;
mod retries;
mod scoped;
mod secrets;
mod service;
mod spawned;
mod timeouts;
mod values;
