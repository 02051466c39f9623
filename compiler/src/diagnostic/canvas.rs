//! Characters with colours, which can be written in any order.

/// The style of a part of a message on a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Source lines, paths, texts of helps and notes.
    Plain,
    /// Titles, and the words `help` and `note`.
    Bold,
    /// The word `error`, and what marks the place of an error.
    Error,
    /// The same for warnings.
    Warning,
    /// Line numbers, frames, and what marks other places.
    Frame,
}

impl Style {
    /// The ANSI sequence that selects it.
    const fn sequence(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Bold => "\x1b[1m",
            Self::Error => "\x1b[1m\x1b[91m",
            Self::Warning => "\x1b[1m\x1b[33m",
            Self::Frame => "\x1b[1m\x1b[94m",
        }
    }

    /// The ANSI sequence that ends it.
    const fn end(self) -> &'static str {
        if matches!(self, Self::Plain) { "" } else { "\x1b[0m" }
    }
}

/// Rows of characters. Places without a character are spaces.
#[derive(Debug, Default)]
pub(super) struct Canvas {
    rows: Vec<Vec<(char, Style)>>,
}

impl Canvas {
    /// The number of rows: the index of the next one.
    pub(super) fn height(&self) -> usize {
        self.rows.len()
    }

    /// Writes a character.
    pub(super) fn put(&mut self, row: usize, column: usize, c: char, style: Style) {
        while self.rows.len() <= row {
            self.rows.push(Vec::new());
        }
        let row = &mut self.rows[row];
        while row.len() <= column {
            row.push((' ', Style::Plain));
        }
        row[column] = (c, style);
    }

    /// Writes a text, which is one line, from a column on.
    pub(super) fn write(&mut self, row: usize, column: usize, text: &str, style: Style) {
        for (at, c) in text.chars().enumerate() {
            self.put(row, column + at, c, style);
        }
    }

    /// Writes a text at the end of a row; its other lines begin below its first one.
    pub(super) fn append(&mut self, row: usize, text: &str, style: Style) {
        let column = self.rows.get(row).map_or(0, Vec::len);
        for (at, line) in text.split('\n').enumerate() {
            self.write(row + at, column, line, style);
        }
    }

    /// Replaces columns of a row by `...`.
    pub(super) fn elide(&mut self, row: usize, from: usize, to: usize) {
        let row = &mut self.rows[row];
        if to <= row.len() {
            let mut rest = row.split_off(to);
            row.truncate(from);
            row.extend([('.', Style::Frame); 3]);
            row.append(&mut rest);
        }
    }

    /// The rows as text, in colours or without.
    pub(super) fn finish(&self, colors: bool) -> String {
        let mut text = String::new();
        for (at, row) in self.rows.iter().enumerate() {
            if at > 0 {
                text.push('\n');
            }
            let mut current = Style::Plain;
            for (c, style) in row {
                if colors && *style != current {
                    text.push_str(current.end());
                    text.push_str(style.sequence());
                    current = *style;
                }
                text.push(*c);
            }
            text.push_str(current.end());
        }
        text
    }
}
