//! Characters as terminals show them.

/// A source line with something visible for each character, and four spaces for a tab.
pub(super) fn shown(source: &str) -> String {
    let mut text = String::with_capacity(source.len());
    for c in source.chars() {
        match c {
            '\n' => text.push(c),
            '\t' => text.push_str("    "),
            '\0'..'\x20' => text.push(char::from_u32(0x2400 + u32::from(c)).unwrap_or(c)),
            '\x7f' => text.push('\u{2421}'),
            // Joins characters; terminals disagree about the width of the result.
            '\u{200d}' => {}
            // Would change the direction of the text.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => text.push('\u{fffd}'),
            c => text.push(c),
        }
    }
    text
}

/// The number of columns that a text takes on a terminal.
#[must_use]
pub fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// The number of columns that terminals use for a character, by the blocks of Unicode.
pub(super) fn char_width(c: char) -> usize {
    match u32::from(c) {
        0x09 => 4,
        // Combining marks, joiners and variation selectors.
        0x300..=0x36f
        | 0x483..=0x489
        | 0x591..=0x5bd
        | 0x610..=0x61a
        | 0x64b..=0x65f
        | 0xe31
        | 0xe34..=0xe3a
        | 0x1ab0..=0x1aff
        | 0x1dc0..=0x1dff
        | 0x200b..=0x200f
        | 0x20d0..=0x20ff
        | 0x2060..=0x2064
        | 0x3099..=0x309a
        | 0xfe00..=0xfe0f
        | 0xfe20..=0xfe2f
        | 0xfeff
        | 0xe0100..=0xe01ef => 0,
        // Ideographs, kana, hangul, fullwidth forms, emoji.
        0x1100..=0x115f
        | 0x231a..=0x231b
        | 0x23e9..=0x23ec
        | 0x2e80..=0x303e
        | 0x3041..=0x4dbf
        | 0x4e00..=0xa4cf
        | 0xa960..=0xa97c
        | 0xac00..=0xd7a3
        | 0xf900..=0xfaff
        | 0xfe30..=0xfe6f
        | 0xff01..=0xff60
        | 0xffe0..=0xffe6
        | 0x1f300..=0x1f64f
        | 0x1f680..=0x1f6ff
        | 0x1f900..=0x1faff
        | 0x20000..=0x3fffd => 2,
        _ => 1,
    }
}
