//! Compares verdicts on plain PromQL with those of the crate `promql-parser`, and panics on differences that are not known;
//! see `promql_presets_fuzz::differential`.
//!
//! ```sh
//! cargo +nightly fuzz run differential fuzz/corpus/differential fuzz/seeds/promql -- -dict=fuzz/seeds/promql.dict
//! ```

#![no_main]

use libfuzzer_sys::fuzz_target;
use promql_presets_fuzz::differential;

fuzz_target!(|input: &[u8]| {
    if let Ok(text) = std::str::from_utf8(input)
        && let Some(difference) = differential::difference(text)
    {
        panic!("{difference}");
    }
});
