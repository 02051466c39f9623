//! Prose of preset files as the documentation of generated items.

use super::Out;
use crate::vec_ext::IntoVec;

impl Out<'_> {
    pub(super) fn doc(&mut self, text: &str) {
        // Rust allows neither carriage returns nor characters that change the direction of text in doc comments.
        let is_refused = |c: char| matches!(c, '\r' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
        for line in text.trim().lines() {
            let line = line.trim_end();
            self.indentation();
            self.text.push_str(if line.is_empty() { "///" } else { "/// " });
            // Build scripts run without optimization, and hardly any line has such a character.
            if line.is_ascii() && !line.contains('\r') {
                self.text.push_str(line);
            } else {
                self.text.extend(line.split(is_refused));
            }
            self.text.push('\n');
        }
    }
}

/// A fence longer than any in the text.
pub(super) fn fence(text: &str) -> String {
    if !text.contains('`') {
        return "```".to_owned();
    }
    let mut longest = 2;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    "`".repeat(longest + 1)
}

/// Prose of a preset file for rustdoc, which must not test any of it as Rust.
///
/// Fences become `text`, and indentation that would start a code block is removed. See
/// <https://spec.commonmark.org/0.31.2/#fenced-code-blocks>.
pub(super) fn prose(text: &str) -> String {
    let text = text.trim();
    // Most texts are one line without fences, and build scripts run without optimization.
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'_' | b'a'..=b'}'));
    if is_plain && !text.contains("  ") {
        return format!("{text}\n");
    }
    let mut out = String::with_capacity(text.len());
    let mut open: Option<&str> = None;
    for line in text.lines() {
        // The markers of lists and quotes before a block.
        let block = line.trim_start_matches(|c: char| c.is_ascii_digit() || " \t>-*+.)".contains(c));
        let rest = block.trim_start_matches(block.chars().next().filter(|c| matches!(c, '`' | '~')).unwrap_or('\0'));
        let fence = &block[..block.len() - rest.len()];
        match open {
            Some(opening) if fence.starts_with(opening) && rest.trim().is_empty() => {
                open = None;
                out.push_str(line.trim());
            }
            Some(_) => out.push_str(line),
            None if fence.len() >= 3 && !(fence.starts_with('`') && rest.contains('`')) => {
                open = Some(fence);
                out.push_str(&single_spaced(&line[..line.len() - rest.len()]));
                out.push_str("text");
            }
            None => out.push_str(&single_spaced(line)),
        }
        out.push('\n');
    }
    if let Some(opening) = open {
        out.push_str(opening);
    }
    out
}

fn single_spaced(line: &str) -> String {
    line.split_whitespace().into_vec().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_holds_no_rust() {
        for (text, shown) in [
            ("a  b\n\n    c", "a b\n\nc\n"),
            ("```\na  b\n```\nc", "```text\na  b\n```\nc\n"),
            ("```rust,no_run\n~~~\n````\nc", "```text\n~~~\n````\nc\n"),
            ("~~~\n```", "~~~text\n```\n~~~"),
            ("> 1. ```\n> a", "> 1. ```text\n> a\n```"),
            ("-     a", "- a\n"),
            ("```a` b", "```a` b\n"),
        ] {
            assert_eq!(prose(text), shown, "{text}");
        }
    }

    #[test]
    fn fences_are_longer_than_what_they_hold() {
        assert_eq!([fence("up"), fence("`"), fence("a ```` b")], ["```", "```", "`````"]);
    }
}
