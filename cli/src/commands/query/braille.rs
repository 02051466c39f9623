//! Dots of braille, 2 by 4 in each character.

use std::ops::Range;

/// The colors of lines, as numbers of the terminal's palette.
const COLORS: [u8; 12] = [36, 33, 35, 32, 34, 31, 96, 93, 95, 92, 94, 91];

/// The number of lines that can be distinguished.
pub(super) const MAX_LINES: usize = COLORS.len();

pub(super) fn painted(text: &str, color: usize, colors: bool) -> String {
    if colors { format!("\u{1b}[{}m{text}\u{1b}[0m", COLORS[color % COLORS.len()]) } else { text.to_owned() }
}

/// The minimum number of columns between two letters of a line.
const MIN_SPACING: usize = 16;

/// The letter of a line, for charts without colors.
pub(super) fn letter(line: usize) -> char {
    char::from(b"abcdefghijkl"[line % MAX_LINES])
}

pub(super) struct Canvas {
    width: usize,
    cells: Vec<Cell>,
}

#[derive(Clone, Copy, Default)]
struct Cell {
    dots: u8,
    /// The last line in the cell.
    color: usize,
    /// All lines in the cell, as bits.
    lines: u16,
    /// A letter instead of the dots.
    letter: Option<char>,
}

impl Cell {
    fn text(self, colors: bool) -> String {
        let c = self.letter.or_else(|| char::from_u32(0x2800 + u32::from(self.dots))).unwrap_or(' ');
        if self.dots == 0 { c.to_string() } else { painted(&c.to_string(), self.color, colors) }
    }
}

impl Canvas {
    /// In characters.
    pub(super) fn new(width: usize, height: usize) -> Self {
        Self { width, cells: vec![Cell::default(); width * height] }
    }

    /// A dot, counted from the left and the top.
    pub(super) fn dot(&mut self, (x, y): (usize, usize), color: usize) {
        // The bits of the dots, from top to bottom, in both columns.
        const BITS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
        if let Some(cell) = self.cells.get_mut(y / 4 * self.width + x / 2) {
            cell.dots |= BITS[x % 2][y % 4];
            cell.color = color;
            cell.lines |= 1 << (color % MAX_LINES);
        }
    }

    /// Writes the letter of each line into the line repeatedly, if possible where no other line is.
    pub(super) fn letters(&mut self, lines: usize) {
        let spacing = (lines * 3).max(MIN_SPACING);
        for line in 0..lines {
            let own = 1 << line;
            let first = line * spacing / lines;
            // At the start of the line, and then in turn with the other lines.
            for start in std::iter::once(0).chain((first..self.width).step_by(spacing).skip(1)) {
                let end = if start == 0 { first + spacing } else { start + spacing }.min(self.width);
                let alone = self.first(start..end, |cell| cell.lines == own);
                let place = alone.or_else(|| self.first(start..end, |cell| cell.lines & own != 0));
                if let Some(at) = place {
                    self.cells[at].letter = Some(letter(line));
                }
            }
        }
    }

    /// The leftmost cell in some columns that fulfils a condition, and has no letter.
    fn first(&self, columns: Range<usize>, is_it: impl Fn(&Cell) -> bool) -> Option<usize> {
        let (width, height) = (self.width, self.cells.len() / self.width);
        let mut all = columns.flat_map(|x| (0..height).map(move |y| y * width + x));
        all.find(|at| self.cells[*at].letter.is_none() && is_it(&self.cells[*at]))
    }

    /// A straight line between two dots, by their longer side.
    pub(super) fn line(&mut self, from: (usize, usize), to: (usize, usize), color: usize) {
        let steps = from.0.abs_diff(to.0).max(from.1.abs_diff(to.1));
        let between = |a: usize, b: usize, step: usize| {
            let way = (a.abs_diff(b) * step + steps / 2) / steps.max(1);
            if b >= a { a + way } else { a - way }
        };
        for step in 0..=steps {
            self.dot((between(from.0, to.0, step), between(from.1, to.1, step)), color);
        }
    }

    /// The rows as text, without what is empty at their ends.
    pub(super) fn rows(&self, colors: bool) -> impl Iterator<Item = String> {
        self.cells.chunks(self.width).map(move |cells| {
            let text: String = cells.iter().map(|cell| cell.text(colors)).collect();
            text.trim_end_matches('\u{2800}').to_owned()
        })
    }
}
