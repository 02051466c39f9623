//! Literals as Prometheus' printer writes them. Those that it would make longer or harder to read stay as written.

use promql_presets_core::PromDuration;

/// A string in double quotes, unless that takes escapes: `'a'`, but not `'"'` or `` `\d` ``.
pub(super) fn string(text: &str) -> Option<String> {
    let inner = text.get(1..text.len().checked_sub(1)?)?;
    let inner = match text.as_bytes()[0] {
        b'\'' => inner.replace("\\'", "'"),
        b'`' if !inner.contains(['\\', '\n', '\r']) => inner.to_owned(),
        _ => return None,
    };
    (!inner.contains('"')).then(|| format!("\"{inner}\""))
}

/// A decimal without needless zeros: `.5`, `1.0`. Other notations stay: `1e9`, `0x1f`, `1_000`.
pub(super) fn number(text: &str) -> Option<String> {
    // A leading zero may mean octal.
    let is_octal = text.starts_with('0') && !text.starts_with("0.") && text.len() > 1;
    let is_decimal = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && text.len() <= 15;
    let value: f64 = text.parse().ok().filter(|_| is_decimal && !is_octal)?;
    Some(value.to_string())
}

/// A duration in the largest units: `1d` for `24h`. Old servers read only one unit, so `90m` stays.
pub(super) fn duration(text: &str, seconds: f64) -> Option<String> {
    let millis = (seconds * 1000.0).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive integer within the range")]
    let duration = (1.0..1e15).contains(&millis).then(|| PromDuration::from_millis(millis as u64))?;
    let printed = duration.to_string();
    let units = |text: &str| text.split(|c: char| c.is_ascii_digit()).filter(|unit| !unit.is_empty()).count();
    let is_exact = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    (is_exact && (units(text) != 1 || units(&printed) == 1)).then_some(printed)
}

#[cfg(test)]
mod tests {
    use super::{duration, number, string};

    #[test]
    fn strings_get_double_quotes() {
        for (text, written) in [
            ("'a'", Some("\"a\"")),
            ("`a`", Some("\"a\"")),
            (r"'\\d'", Some("\"\\\\d\"")),
            (r"'it\'s'", Some("\"it's\"")),
            ("'\"'", None),
            (r"`\d`", None),
            ("`\n`", None),
            ("\"a\"", None),
        ] {
            assert_eq!(string(text).as_deref(), written, "{text}");
        }
    }

    #[test]
    fn numbers_lose_needless_zeros() {
        for (text, written) in [
            (".5", Some("0.5")),
            ("5.", Some("5")),
            ("1.0", Some("1")),
            ("0.50", Some("0.5")),
            ("0", Some("0")),
            ("010", None),
            ("1e9", None),
            ("0x1f", None),
            ("1_000", None),
            ("0.1000000000000000055", None),
        ] {
            assert_eq!(number(text).as_deref(), written, "{text}");
        }
    }

    #[test]
    fn durations_are_in_the_largest_units() {
        for (text, seconds, written) in [
            ("60s", 60.0, Some("1m")),
            ("24h", 86_400.0, Some("1d")),
            ("300", 300.0, Some("5m")),
            ("330", 330.0, Some("5m30s")),
            ("1h90m", 9_000.0, Some("2h30m")),
            ("90m", 5_400.0, None),
            ("0s", 0.0, None),
            ("1e3", 1_000.0, None),
            ("1.5", 1.5, None),
        ] {
            assert_eq!(duration(text, seconds).as_deref().filter(|it| *it != text), written, "{text}");
        }
    }
}
