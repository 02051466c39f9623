//! Matches values against the regular expressions of matchers.

use promql_presets_core::regex::validate;
use regex_lite::RegexBuilder;

/// Whether a pattern, anchored at both ends as in Prometheus, matches a text.
///
/// Returns `None` for syntax that `regex-lite` reads differently from RE2 or does not support, and for long input.
pub(super) fn matches(pattern: &str, text: &str) -> Option<bool> {
    let is_long = pattern.len() > MAX_PATTERN || text.len() > MAX_TEXT;
    if is_long || READ_OTHERWISE.iter().any(|part| pattern.contains(part)) || validate(pattern).is_err() {
        return None;
    }
    // Prometheus' `.` also matches a line break.
    let regex = RegexBuilder::new(&format!("^(?s:{pattern})$")).size_limit(MAX_SIZE).build().ok()?;
    Some(regex.is_match(text))
}

const MAX_PATTERN: usize = 300;
const MAX_TEXT: usize = 100;
const MAX_SIZE: usize = 1 << 16;

/// Counts without a minimum, Unicode classes, and `\s`, which includes the vertical tab in `regex-lite`.
const READ_OTHERWISE: [&str; 7] = ["{,", "(?i", r"\p", r"\P", r"\s", r"\S", r"\Q"];

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn anchored_matches() {
        for (pattern, text, expected) in [
            ("web-.*", "web-1", true),
            ("web-.*", "api-1", false),
            ("a.*", "ba", false),
            ("[2-4]", "5", false),
            ("[^2-4]", "5", true),
            ("[]a]+", "]a", true),
            ("[a-]", "-", true),
            ("5..|429", "503", true),
            ("5..|429", "429", true),
            ("5..|429", "5030", false),
            (".+", "", false),
            (".", "\n", true),
            ("^(a|b)$", "b", true),
            ("(?:a|b)c?", "bc", true),
            ("(?P<x>a){2,3}", "aaaa", false),
            ("(?P<x>a){2,3}", "aaa", true),
            ("a{2,}", "aaaaa", true),
            ("a{2}", "aaa", false),
            (r"\d+\.\d+", "10.5", true),
            (r"[\d.]+", "10.5", true),
            (r"\d", "\u{664}", false),
            ("(a*)*b", "aaab", true),
            ("((a?)+|b)*", "abab", true),
            ("a*?b", "aab", true),
            ("|a", "", true),
            ("[[:alpha:]]", "a", true),
        ] {
            assert_eq!(matches(pattern, text), Some(expected), "{pattern} {text}");
        }
        for unknown in ["(?i)a", r"\pL", r"\Qa\E", "a{,5}", "[", "[[a]"] {
            assert_eq!(matches(unknown, "a"), None, "{unknown}");
        }
    }

    #[test]
    fn nested_repetitions_take_little_time() {
        let start = std::time::Instant::now();
        for pattern in ["(x+x+)+y", "((((a{9}){9}){9}){9}){9}"] {
            let _ = matches(pattern, &"x".repeat(100));
        }
        let nested = format!("{}a{}b", "(".repeat(40), "*)*".repeat(40));
        let _ = matches(&nested, &"a".repeat(90));
        assert!(start.elapsed().as_secs() < 5);
    }
}
