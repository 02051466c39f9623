//! Parses plain PromQL and templates: the parser must not panic, spans must lie within the text, and there must be an
//! expression or a diagnostic.
//!
//! ```sh
//! cargo +nightly fuzz run promql fuzz/corpus/promql fuzz/seeds/promql -- -dict=fuzz/seeds/promql.dict
//! ```

#![no_main]

use libfuzzer_sys::fuzz_target;
use promql_presets_compiler::promql::{Features, Syntax, Tree, parse};
use promql_presets_fuzz::well_formed;

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let mut accepted = Vec::new();
    for template in [false, true] {
        for features in [Features::none(), Features::all()] {
            let parsed = parse(text, Syntax { template, features });
            parsed.diagnostics.iter().for_each(|diagnostic| well_formed(text, diagnostic));
            assert!(parsed.expr.is_some() || !parsed.diagnostics.is_empty(), "neither an expression nor a diagnostic");
            if let Some(expr) = &parsed.expr {
                expr.walk(&mut |expr| assert!(text.get(expr.span.range()).is_some(), "{:?}", expr.span));
                assert!(!Tree(expr).to_string().is_empty());
            }
            accepted.push(parsed.diagnostics.is_empty());
        }
    }
    // Experimental features must not reject what is accepted without them.
    assert!(accepted[0] <= accepted[1] && accepted[2] <= accepted[3]);
});
