//! Compiles a preset file: it must not panic, spans must lie within the file, and generated code must be Rust.
//!
//! ```sh
//! cargo +nightly fuzz run toml fuzz/corpus/toml fuzz/seeds/toml -- -dict=fuzz/seeds/toml.dict
//! ```

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    if let Ok(text) = std::str::from_utf8(input) {
        promql_presets_fuzz::is_rust(&promql_presets_fuzz::compiled(text).1);
    }
});
