//! The runtime half of promql-presets that does no I/O: presets, queriers, escaping and rendering.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod regex;
