//! Writes TOML strings.

use std::fmt::Write as _;

/// A string with this content, of the kind of another one, `like`, unless its content or its lines require a different
/// kind, or it had no escapes and would get them.
pub(crate) fn write(like: &str, content: &str, eol: &str) -> String {
    let is_multi_line = ["'''", "\"\"\""].iter().any(|quotes| like.starts_with(quotes)) || content.contains('\n');
    let gets_escapes = like.starts_with('"') && !like.contains('\\') && content.contains(['"', '\\']);
    let is_literal =
        like.starts_with('\'') || (gets_escapes && !is_multi_line) || (is_multi_line && !like.starts_with("\"\"\""));
    if is_literal && is_multi_line && !content.contains("'''") && !has_controls(content) {
        return format!("'''{eol}{content}{eol}'''");
    }
    if is_literal && !content.contains('\'') && !has_controls(content) {
        return format!("'{content}'");
    }
    let escaped = escape(content, is_multi_line);
    if is_multi_line { format!("\"\"\"{eol}{escaped}{eol}\"\"\"") } else { format!("\"{escaped}\"") }
}

/// Whether there are characters that can only be written as escapes.
fn has_controls(content: &str) -> bool {
    content.replace("\r\n", "\n").contains(|c: char| c.is_control() && !matches!(c, '\t' | '\n'))
}

fn escape(content: &str, is_multi_line: bool) -> String {
    let mut out = String::new();
    let mut chars = content.chars().peekable();
    while let Some(c) = chars.next() {
        let is_break = c == '\n' || (c == '\r' && chars.peek() == Some(&'\n'));
        match c {
            '\\' => out.push_str("\\\\"),
            '"' if !is_multi_line || out.ends_with("\"\"") => out.push_str("\\\""),
            '\t' => out.push(c),
            _ if is_break && is_multi_line => out.push(c),
            _ if c.is_control() => _ = write!(out, "\\u{:04x}", u32::from(c)),
            _ => out.push(c),
        }
    }
    out
}
