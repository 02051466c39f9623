//! Compares the compiler's verdict on plain PromQL with that of the crate `promql-parser`.
//!
//! The lists below name known differences. In all of them, Prometheus' own parser agrees with the compiler, as the
//! compiler's test `verdicts_agree` shows.

use std::panic;

use promql_presets_compiler::Code;
use promql_presets_compiler::promql::{Syntax, parse};

/// Describes the difference between the two verdicts, unless it is a known one.
pub fn difference(text: &str) -> Option<String> {
    let ours = parse(text, Syntax::PROMQL);
    // It panics on `offset NaN`. The hook of libFuzzer would end the process.
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let theirs = panic::catch_unwind(|| promql_parser::parser::parse(text));
    panic::set_hook(hook);
    let theirs = theirs.ok()?;
    match (ours.diagnostics.first(), theirs) {
        (None, Err(error)) if !they_know_less(text, &error) => Some(format!("only they reject {text:?}: {error}")),
        (Some(found), Ok(_)) if !they_check_less(found.code, &found.title) => {
            Some(format!("only we reject {text:?}: {}", found.title))
        }
        _ => None,
    }
}

/// Whether Prometheus 3.14 accepts this, but `promql-parser` does not.
fn they_know_less(text: &str, error: &str) -> bool {
    // New keywords, which `promql-parser` reads as names, and new operators.
    const WORDS: [&str; 10] = ["anchored", "smoothed", "fill", "range", "step", "start", "end", "_of", "</", ">/"];
    let errors = [
        // `0s` is valid as a number.
        "duration must be greater than 0",
        "unexpected character inside brackets",
        "bad number or duration syntax",
        // `00e0`
        "ParseFloatError",
        "unknown escape sequence",
        "is not valid label in grouping opts",
        "illegal regex",
    ];
    let text = text.to_ascii_lowercase();
    errors.iter().any(|known| error.contains(known)) || WORDS.iter().any(|word| text.contains(word))
}

/// Whether `promql-parser` accepts this, but Prometheus 3.14 does not.
fn they_check_less(code: Code, title: &str) -> bool {
    const TITLES: [&str; 10] = [
        // `a)b(c`, which they put in a group first.
        "invalid regular expression",
        // A sign.
        "before a string",
        // Longer than 292 years.
        "invalid duration",
        // White space outside of ASCII.
        "unexpected `\\u{",
        "`or` between matchers",
        "invalid number",
        "replacement character",
        "timestamp out of bounds",
        "duration out of range",
        "duration of zero or less",
    ];
    code == Code::ExperimentalFeature || TITLES.iter().any(|known| title.contains(known))
}
