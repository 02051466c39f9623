//! Writes string literals of PromQL.

use std::fmt::Write;

/// Appends a PromQL string literal in double quotes whose value is exactly `value`.
///
/// PromQL strings follow Go's: `\`, `"` and a newline must be escaped. So are U+FFFD, which Prometheus' lexer
/// rejects as invalid UTF-8, and control characters, which are unreadable in logs.
pub(crate) fn escape_into(out: &mut String, value: &str) {
    out.push('"');
    if is_plain(value) {
        out.push_str(value);
    } else {
        escape_contents(out, value);
    }
    out.push('"');
}

/// Whether a value is of printable ASCII without `"` and `\`, so that it needs no escapes.
pub(crate) fn is_plain(value: &str) -> bool {
    // The last bytes may overlap those before them.
    match value.as_bytes() {
        bytes if let Some(last) = bytes.last_chunk::<8>() => {
            are_plain(*last) && bytes.as_chunks::<8>().0.iter().all(|chunk| are_plain(*chunk))
        }
        bytes if let (Some([a, b, c, d]), Some([e, f, g, h])) = (bytes.first_chunk(), bytes.last_chunk()) => {
            are_plain([*a, *b, *c, *d, *e, *f, *g, *h])
        }
        [a, .., b, c] => are_plain([*a, *b, *c, b' ', b' ', b' ', b' ', b' ']),
        [a, .., b] => are_plain([*a, *b, b' ', b' ', b' ', b' ', b' ', b' ']),
        [a] => are_plain([*a, b' ', b' ', b' ', b' ', b' ', b' ', b' ']),
        [] => true,
    }
}

/// The same for eight bytes at once. The highest bit of each byte of `found` is the result; it may be wrong for the bytes
/// above one that is found, which does not matter.
fn are_plain(bytes: [u8; 8]) -> bool {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    let word = u64::from_le_bytes(bytes);
    let zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    let above = word | word.wrapping_add(ONES);
    let found = control | above | zero(word ^ (ONES * u64::from(b'"'))) | zero(word ^ (ONES * u64::from(b'\\')));
    found & (ONES * 0x80) == 0
}

fn escape_contents(out: &mut String, value: &str) {
    let mut copied = 0;
    for (at, byte) in value.bytes().enumerate() {
        // 0xEF starts U+FFFD (EF BF BD) and others of its block.
        let replacement = byte == 0xEF && value[at..].starts_with('\u{FFFD}');
        if byte >= 0x20 && byte != b'"' && byte != b'\\' && byte != 0x7F && !replacement {
            continue;
        }
        out.push_str(&value[copied..at]);
        copied = at + if replacement { 3 } else { 1 };
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            _ if replacement => out.push_str("\\ufffd"),
            // Writing to a `String` cannot fail.
            control => _ = write!(out, "\\x{control:02x}"),
        }
    }
    out.push_str(&value[copied..]);
}

/// A PromQL string literal in double quotes whose value is exactly `value`.
///
/// ```
/// assert_eq!(promql_presets_core::quote(r#"say "hi""#), r#""say \"hi\"""#);
/// ```
#[must_use]
pub fn quote(value: &str) -> String {
    let mut out = String::with_capacity(quoted_len(value));
    escape_into(&mut out, value);
    out
}

/// How many bytes [`escape_into`] writes, or a few more.
pub(crate) fn quoted_len(value: &str) -> usize {
    if is_plain(value) {
        return value.len() + 2;
    }
    let extra: usize = value
        .bytes()
        .map(|byte| match byte {
            b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 1,
            0..0x20 | 0x7F | 0xEF => 3,
            _ => 0,
        })
        .sum();
    value.len() + extra + 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_needs_no_escapes() {
        for c in '\0'..='\u{FF}' {
            let plain = matches!(c, ' '..='~') && c != '"' && c != '\\';
            for length in 0..20 {
                assert!(is_plain(&"x".repeat(length)));
                for at in 0..length {
                    let value: String = (0..length).map(|other| if other == at { c } else { 'x' }).collect();
                    assert_eq!(is_plain(&value), plain, "{value:?}");
                }
            }
        }
    }

    #[test]
    fn escapes_characters_that_end_or_break_strings() {
        for (value, literal) in [
            ("", r#""""#),
            ("plain", r#""plain""#),
            (r#"a"b\c"#, r#""a\"b\\c""#),
            ("a\nb\r\tc", r#""a\nb\r\tc""#),
            ("\0\u{1b}\u{7f}", r#""\x00\x1b\x7f""#),
            ("a\u{FFFD}b", r#""a\ufffdb""#),
            ("größe \u{FEFF}\u{FFFC}✓", "\"größe \u{FEFF}\u{FFFC}✓\""),
            ("{{x}}#'`", "\"{{x}}#'`\""),
        ] {
            assert_eq!(quote(value), literal);
            assert!(quoted_len(value) >= literal.len(), "{literal}");
        }
    }
}
