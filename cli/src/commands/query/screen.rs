//! The size of the terminal, and texts that fit into it.

use std::io::{IsTerminal, stdout};

use crate::output::{self, printable, width};

/// The room for a result, in characters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) columns: usize,
    pub(super) rows: usize,
}

impl Size {
    /// The size of the terminal without the line of the cursor; a common size if standard output is not a terminal.
    pub(super) fn of_terminal() -> Self {
        let (columns, rows) = output::terminal().unwrap_or((100, 30));
        Self { columns: columns.clamp(24, 300), rows: rows.clamp(12, 100) - 1 }
    }

    /// The room for a table: as wide as the terminal, and of any height unless it is redrawn in place.
    pub(super) fn of_table(self, is_redrawn: bool) -> Self {
        let columns = if stdout().is_terminal() { self.columns } else { usize::MAX };
        Self { columns, rows: if is_redrawn { self.rows } else { usize::MAX } }
    }

    /// The room without some lines of text.
    pub(super) fn without(self, lines: &[String]) -> Self {
        let rows: usize = lines.iter().map(|line| width(line) / self.columns + 1).sum();
        Self { rows: self.rows.saturating_sub(rows), ..self }
    }
}

/// A text without its middle if it is too wide: the ends of names say more.
pub(super) fn cut(text: &str, most: usize) -> String {
    let text = printable(text);
    if width(&text) <= most {
        return text;
    }
    let room = most.saturating_sub(1);
    let start = ends(text.chars(), room.div_ceil(2));
    let end = ends(text.chars().rev(), room / 2);
    start.chars().chain(['…'].into_iter().take(most)).chain(end.chars().rev()).collect()
}

/// As many characters as fit.
fn ends(chars: impl Iterator<Item = char>, most: usize) -> String {
    let mut out = String::new();
    for c in chars {
        out.push(c);
        if width(&out) > most {
            out.pop();
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_in_the_middle() {
        for (text, width, expected) in [
            ("abcdefg", 7, "abcdefg"),
            ("abcdefg", 6, "abc…fg"),
            ("abcdefg", 2, "a…"),
            ("abcdefg", 1, "…"),
            ("abcdefg", 0, ""),
            ("日本語日本語", 8, "日本…語"),
            ("a\u{1b}[2Jb", 20, "a\\u{1b}[2Jb"),
        ] {
            assert_eq!(cut(text, width), expected, "{text}");
        }
    }

    #[test]
    fn messages_take_lines() {
        let size = Size { columns: 10, rows: 20 };
        let lines = ["short", "as long as two lines"].map(str::to_owned);
        assert_eq!(size.without(&lines).rows, 20 - 1 - 3);
        assert_eq!(size.without(&[]).rows, 20);
    }
}
