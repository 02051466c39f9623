//! `PromQL` presets in TOML files, checked by `cargo build` and run as typed constants.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod value;
pub mod wire;

pub use value::{
    Bounds, Bucket, ByTime, Element, Histogram, Labels, Matrix, Meta, ParseTimestampError, Row, RowError, Sample,
    Samples, Scalar, Series, SeriesRow, Stats, Step, Text, Timestamp, Value, ValueError, Vector,
};
