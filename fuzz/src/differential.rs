//! Our verdict on plain PromQL, compared with that of the crate `promql-parser`.
//!
//! Where they differ, Prometheus' own parser agrees with us in all cases that are listed here; the test `verdicts_agree`
//! of the compiler holds us to that.

use promql_presets_compiler::Code;
use promql_presets_compiler::promql::{Syntax, parse};

/// Says what differs, unless it is known why.
pub fn difference(text: &str) -> Option<String> {
    let ours = parse(text, Syntax::PROMQL);
    let theirs = std::panic::catch_unwind(|| promql_parser::parser::parse(text)).ok()?;
    match (ours.diagnostics.first(), theirs) {
        (None, Err(error)) if !they_know_less(text, &error) => Some(format!("only they reject {text:?}: {error}")),
        (Some(found), Ok(_)) if !they_check_less(found.code, &found.title) => {
            Some(format!("only we reject {text:?}: {}", found.title))
        }
        _ => None,
    }
}

/// What Prometheus 3.14 accepts and they do not.
fn they_know_less(text: &str, error: &str) -> bool {
    // Words that were added to the language and are names elsewhere, and new operators.
    const WORDS: [&str; 10] = ["anchored", "smoothed", "fill", "range", "step", "start", "end", "_of", "</", ">/"];
    let errors = [
        // `0s` is a number like any other.
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

/// What they accept and Prometheus 3.14 does not.
fn they_check_less(code: Code, title: &str) -> bool {
    const TITLES: [&str; 9] = [
        // A sign.
        "before a string",
        // Beyond 292 years.
        "invalid duration",
        // White space beyond that of ASCII.
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
