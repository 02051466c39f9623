//! PromQL presets in TOML files, checked by `cargo build` and run as typed constants.
