//! Source lines with marks below them, drawn as rustc draws them.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::ops::Range;

use promql_presets_core::sort;

use super::canvas::{Canvas, Style};
use super::columns::{char_width, shown, width};
use crate::vec_ext::IntoVec;

/// The width of a message; longer source lines are cut around the marks.
const WIDTH: usize = 140;

/// Columns that stay visible beside a mark where a line is cut.
const PADDING: usize = 6;

/// Indentation beyond this many columns is cut.
const INDENTATION: usize = 20;

/// The text in place of a part of a line that is cut.
const CUT: &str = "...";

/// Lines of a file, of which those with marks are drawn.
#[derive(Debug)]
pub(super) struct Snippet<'a> {
    /// The arrow before the path.
    pub(super) arrow: &'static str,
    pub(super) path: &'a str,
    /// The line and the column to show after the path.
    pub(super) place: (usize, usize),
    /// The number of the first line.
    pub(super) line: usize,
    pub(super) text: Cow<'a, str>,
    /// The marks; at least one.
    pub(super) marks: Vec<Mark<'a>>,
}

/// A marked range of a text.
#[derive(Clone, Debug)]
pub(super) struct Mark<'a> {
    /// The bytes.
    pub(super) range: Range<usize>,
    /// The label; may be empty.
    pub(super) label: &'a str,
    /// `^` or `-`.
    pub(super) underline: char,
    /// The style of the underline and the label.
    pub(super) style: Style,
}

/// A line and what is marked on it.
#[derive(Debug)]
struct Line<'a> {
    /// The first byte.
    start: usize,
    source: &'a str,
    pieces: Vec<Piece<'a>>,
}

/// The part of a mark that is on one line.
#[derive(Clone, Copy, Debug)]
struct Piece<'a> {
    shape: Shape,
    /// Columns, as shown.
    start: usize,
    end: usize,
    label: &'a str,
    underline: char,
    style: Style,
}

/// A mark of several lines has a vertical line on the left, which is at its depth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Single,
    First(usize),
    Middle,
    Last(usize),
}

/// A mark of several lines.
#[derive(Debug)]
struct Long<'a> {
    start: Place,
    end: Place,
    depth: usize,
    /// Whether another mark has the same range. Then only its end is shown.
    is_repeated: bool,
    piece: Piece<'a>,
}

/// The index of a line, and a column.
type Place = (usize, usize);

impl Piece<'_> {
    /// The depth of the vertical line that begins or ends here.
    fn turn(&self) -> Option<usize> {
        match self.shape {
            Shape::First(depth) | Shape::Last(depth) => Some(depth),
            Shape::Single | Shape::Middle => None,
        }
    }

    fn has_label(&self) -> bool {
        !self.label.is_empty()
    }

    /// Whether both have a column in common, if this one is longer by some columns.
    fn overlaps(&self, other: &Self, longer: usize) -> bool {
        (other.start..other.end).contains(&self.start) || (self.start..self.end + longer).contains(&other.start)
    }
}

impl Snippet<'_> {
    /// The number of the last line that is shown.
    pub(super) fn last_line(&self) -> usize {
        let lines = self.lines();
        self.line + lines.iter().rposition(|line| !line.pieces.is_empty()).unwrap_or_default()
    }

    /// Draws the path and the lines below what is on the canvas, with numbers of so many digits, and a frame around.
    pub(super) fn draw(&self, canvas: &mut Canvas, digits: usize) {
        let lines = self.lines();
        let row = canvas.height();
        let (line, column) = self.place;
        canvas.write(row, digits, self.arrow, Style::Frame);
        canvas.append(row, &format!("{}:{line}:{column}", self.path), Style::Plain);
        canvas.put(row + 1, digits + 1, '|', Style::Frame);
        let shown: Vec<usize> = (0..lines.len()).filter(|at| !lines[*at].pieces.is_empty()).into_vec();
        let mut drawing = Drawing::new(canvas, self.line, digits, &lines);
        // The vertical lines on the left that go on below.
        let mut open: Vec<(usize, Style)> = Vec::new();
        for (at, &index) in shown.iter().enumerate() {
            let top = drawing.canvas.height();
            let turns = drawing.line(index, &lines[index]);
            let mut begun = Vec::new();
            for &(depth, style) in &turns {
                match open.iter().position(|(other, _)| *other == depth) {
                    Some(ended) => _ = open.swap_remove(ended),
                    None => begun.push((depth, style)),
                }
            }
            drawing.verticals(&open, top);
            open.extend_from_slice(&begun);
            let Some(next) = shown.get(at + 1) else { continue };
            let row = drawing.canvas.height();
            match next - index {
                1 => continue,
                2 => _ = drawing.source(index + 1, lines[index + 1].source),
                _ => drawing.canvas.write(row, 0, CUT, Style::Frame),
            }
            drawing.verticals(&open, row);
        }
    }

    /// The lines with the pieces of all marks.
    fn lines(&self) -> Vec<Line<'_>> {
        let mut lines: Vec<Line<'_>> = Vec::new();
        let mut start = 0;
        for line in self.text.split_inclusive('\n') {
            lines.push(Line { start, source: line.lines().next().unwrap_or_default(), pieces: Vec::new() });
            start += line.len();
        }
        if lines.is_empty() {
            lines.push(Line { start, source: "", pieces: Vec::new() });
        }
        let mut long: Vec<Long<'_>> = Vec::new();
        for mark in &self.marks {
            let (start, end) = (place(&lines, mark.range.start), place(&lines, mark.range.end));
            let Mark { label, underline, style, .. } = *mark;
            let piece = Piece { shape: Shape::Single, start: start.1, end: end.1, label, underline, style };
            if start.0 == end.0 {
                lines[start.0].pieces.push(Piece { end: end.1.max(start.1 + 1), ..piece });
            } else {
                long.push(Long { start, end, depth: 1, is_repeated: false, piece });
            }
        }
        set_depths(&mut long);
        for long in long {
            long.add_to(&mut lines);
        }
        lines
    }
}

/// Sorts marks of several lines and gives those that overlap different depths.
fn set_depths(long: &mut [Long<'_>]) {
    sort::by_key(long, |long| (long.start.0, Reverse(long.end.0)));
    for outer in 0..long.len() {
        let (start, end) = (long[outer].start, long[outer].end);
        for (inner, other) in long[..=outer].iter_mut().enumerate() {
            if (other.start, other.end) == (start, end) {
                other.is_repeated = inner != outer;
            } else if other.start.0 <= end.0 && start.0 <= other.end.0 {
                other.depth += 1;
            } else {
                break;
            }
        }
    }
    let deepest = long.iter().map(|long| long.depth).max().unwrap_or_default();
    for long in long {
        long.depth = deepest + 1 - long.depth;
    }
}

impl<'a> Long<'a> {
    /// Adds a piece to each line that is shown: the first four and the last two, without those that say little.
    fn add_to(self, lines: &mut [Line<'a>]) {
        let (first, last) = (self.start.0, self.end.0);
        let end = Piece { start: self.end.1.saturating_sub(1), end: self.end.1, ..self.piece };
        if self.is_repeated {
            lines[last].pieces.push(end);
            return;
        }
        let start = Piece { end: self.start.1 + 1, label: "", ..self.piece };
        lines[first].pieces.push(Piece { shape: Shape::First(self.depth), ..start });
        let says_much = |line: &Line<'_>| {
            let source = line.source.trim();
            !["", "{", "}", "(", ")", "[", "]"].contains(&source) && !source.starts_with('#')
        };
        let middle = Piece { shape: Shape::Middle, start: 0, end: 0, ..start };
        let fourth = last.min(first + 4);
        let until = (first + 1..fourth).rev().find(|at| says_much(&lines[*at])).unwrap_or(first);
        for line in &mut lines[first + 1..=until] {
            line.pieces.push(middle);
        }
        if fourth < last - 1 && says_much(&lines[last - 1]) {
            lines[last - 1].pieces.push(middle);
        }
        lines[last].pieces.push(Piece { shape: Shape::Last(self.depth), ..end });
    }
}

/// Where the lines of a snippet are drawn.
struct Drawing<'c> {
    canvas: &'c mut Canvas,
    /// The number of the first line.
    number: usize,
    /// The width of line numbers.
    digits: usize,
    /// The column at which source lines begin.
    code: usize,
    /// The columns that are visible of source lines that are too long.
    visible: Range<usize>,
}

impl<'c> Drawing<'c> {
    fn new(canvas: &'c mut Canvas, number: usize, digits: usize, lines: &[Line<'_>]) -> Self {
        let (mut depths, mut indentation, mut longest) = (0, usize::MAX, 0);
        let (mut left, mut right, mut labels) = (usize::MAX, 0, 0);
        for line in lines.iter().filter(|line| !line.pieces.is_empty()) {
            let code = line.source.trim_start();
            if !code.is_empty() {
                indentation = indentation.min(width(&line.source[..line.source.len() - code.len()]));
            }
            longest = longest.max(width(line.source));
            for piece in line.pieces.iter().filter(|piece| piece.shape != Shape::Middle) {
                depths = depths.max(piece.turn().map_or(0, |depth| depth + 1));
                left = left.min(piece.start);
                right = right.max(piece.end);
                labels = labels.max(piece.end + if piece.has_label() { width(piece.label) + 1 } else { 0 });
            }
        }
        let code = digits + 3 + depths;
        let indentation = if indentation == usize::MAX { 0 } else { indentation.min(left).saturating_sub(PADDING) };
        let marks = left.saturating_sub(PADDING)..right + PADDING;
        let visible = visible(indentation, marks, labels + PADDING, longest, WIDTH.saturating_sub(code));
        Self { canvas, number, digits, code, visible }
    }

    /// The column below a column of a source line of which the first ones are hidden.
    fn column(&self, column: usize, hidden: usize) -> usize {
        (self.code + column).saturating_sub(hidden)
    }

    /// The column of the vertical line of a mark of several lines.
    fn vertical(&self, depth: usize) -> usize {
        self.digits + 2 + depth
    }

    /// Draws vertical lines from a row to the last one.
    fn verticals(&mut self, open: &[(usize, Style)], top: usize) {
        for (depth, style) in open {
            for row in top..self.canvas.height() {
                self.canvas.put(row, self.vertical(*depth), '|', *style);
            }
        }
    }

    /// Draws a source line and its number. Returns how many of its columns are hidden on the left.
    fn source(&mut self, index: usize, source: &str) -> usize {
        let row = self.canvas.height();
        let chars: Vec<char> = shown(source).chars().into_vec();
        let (length, start) = (width(source), self.visible.start);
        let left = start.min(length);
        let fits = self.code + length.saturating_sub(start) <= WIDTH;
        let right = if fits { length } else { length.min(self.visible.end) };
        let (mut from, mut hidden) = (0, 0);
        while hidden < left {
            hidden += char_width(chars[from]);
            from += 1;
        }
        let (mut to, mut room) = (from, right - left);
        while to < chars.len() && char_width(chars[to]) <= room {
            room -= char_width(chars[to]);
            to += 1;
        }
        let mut column = self.code;
        if start > 0 {
            self.canvas.write(row, column, CUT, Style::Frame);
            let replaced = column + CUT.len();
            while from < to && column < replaced {
                column += char_width(chars[from]);
                from += 1;
            }
        }
        for c in &chars[from..to] {
            self.canvas.put(row, column, *c, Style::Plain);
            column += 1;
        }
        if length > right {
            let mut replaced = 0;
            while from < to && replaced < CUT.len() {
                to -= 1;
                replaced += char_width(chars[to]);
                column -= 1;
            }
            self.canvas.write(row, column, CUT, Style::Frame);
        }
        let digits = self.digits;
        self.canvas.write(row, 0, &format!("{:>digits$}", self.number + index), Style::Frame);
        self.canvas.put(row, digits + 1, '|', Style::Frame);
        hidden
    }

    /// Draws a line and its marks. Returns the vertical lines that begin or end there.
    fn line(&mut self, index: usize, line: &Line<'_>) -> Vec<(usize, Style)> {
        let row = self.canvas.height();
        let hidden = self.source(index, line.source);
        let turns: Vec<_> = line.pieces.iter().filter_map(|piece| Some((piece.turn()?, piece.style))).into_vec();
        // Marks that begin at the first word of a line need no line below it.
        let before = |piece: &Piece<'_>| shown(line.source).chars().take(piece.start).all(char::is_whitespace);
        if line.pieces.iter().all(|piece| match piece.shape {
            Shape::First(_) => before(piece),
            shape => shape == Shape::Middle,
        }) {
            for (depth, style) in &turns {
                self.canvas.put(row, self.vertical(*depth), '/', *style);
            }
            return turns;
        }
        let (pieces, below) = arrange(&line.pieces);
        for row in row + 1..=row + 1 + below {
            self.canvas.put(row, self.digits + 1, '|', Style::Frame);
        }
        for (piece, level) in &pieces {
            if let Some(depth) = piece.turn() {
                for column in self.vertical(depth) + 1..self.column(piece.start, hidden) {
                    self.canvas.put(row + 1 + level, column, '_', piece.style);
                }
            }
        }
        for (piece, level) in &pieces {
            let level = row + 1 + level;
            if level > row + 1 && (piece.has_label() || piece.turn().is_some()) {
                for row in row + 1..=level {
                    self.canvas.put(row, self.column(piece.start, hidden), '|', piece.style);
                }
            }
            let (depth, rows) = match piece.shape {
                Shape::First(depth) => (depth, level + 1..row + below + 2),
                Shape::Last(depth) => (depth, row..level + 1),
                Shape::Single | Shape::Middle => continue,
            };
            for row in rows {
                self.canvas.put(row, self.vertical(depth), '|', piece.style);
            }
        }
        for (piece, level) in &pieces {
            let (row, column) = match level {
                0 => (row + 1, piece.end + if piece.end == 0 { 2 } else { 1 }),
                _ => (row + 2 + level, piece.start),
            };
            self.canvas.write(row, self.code + column.saturating_sub(hidden), piece.label, piece.style);
        }
        self.underlines(pieces, row, hidden);
        turns
    }

    /// Draws what is directly below a line, short marks over long ones.
    fn underlines(&mut self, mut pieces: Vec<(Piece<'_>, usize)>, row: usize, hidden: usize) {
        sort::by_key(&mut pieces, |(piece, _)| (Reverse(piece.end.abs_diff(piece.start)), piece.style != Style::Frame));
        for (piece, _) in &pieces {
            let end = piece.end.max(piece.start + usize::from(piece.turn().is_some()));
            for column in piece.start..end {
                self.canvas.put(row + 1, self.column(column, hidden), piece.underline, piece.style);
            }
        }
        // The middle of one very long mark is cut.
        let width = WIDTH.saturating_sub(self.code);
        if let [(Piece { shape: Shape::Single, start, end, .. }, _)] = pieces[..]
            && end - start > (2 * width).max(13)
        {
            let kept = (width / 3).max(5);
            for row in [row, row + 1] {
                self.canvas.elide(row, self.column(start + kept, hidden), self.column(end - kept, hidden));
            }
        }
    }
}

/// How far below the line the label of each piece is, from right to left, and how many rows all labels need.
fn arrange<'a>(pieces: &[Piece<'a>]) -> (Vec<(Piece<'a>, usize)>, usize) {
    let mut pieces = pieces.to_vec();
    sort::by_key(&mut pieces, |piece| Reverse(piece.start));
    let mut arranged = Vec::with_capacity(pieces.len());
    let (mut level, mut below) = (0_usize, 0_usize);
    for (at, piece) in pieces.iter().enumerate() {
        let left = &pieces[at + 1..];
        // A label stands beside its mark only if that covers no other, or one that is the same and has no label.
        let hides = |other: &Piece<'_>| {
            let same = (other.start, other.end) == (piece.start, piece.end);
            other.overlaps(piece, 0) && (!same || other.has_label())
        };
        if level == 0 && piece.has_label() && left.iter().any(hides) {
            level = 1;
        }
        arranged.push((*piece, level));
        let needs_row = |other: &Piece<'_>| {
            let longer = if other.has_label() { other.label.len() + 2 } else { 0 };
            let touches = other.overlaps(piece, longer) && (piece.has_label() || level == 0 && other.end <= piece.end);
            let turns = (piece.turn().is_some(), other.turn().is_some());
            other.has_label() && (touches || turns.0) || turns.1 && (piece.has_label() || turns.0)
        };
        if left.iter().any(needs_row) {
            level += 1;
        }
        below = below.max(level);
    }
    if below > 0 {
        below += 1;
    }
    // Without labels, those on the right turn first, so that no two lines cross.
    if arranged.iter().all(|(piece, _)| matches!(piece.shape, Shape::First(_))) {
        let lowest = arranged.iter().map(|(_, level)| *level).max().unwrap_or_default();
        for (_, level) in &mut arranged {
            *level = lowest - *level;
        }
        below = below.saturating_sub(1);
    }
    (arranged, below)
}

/// The columns that are visible of source lines, if some are longer than a width.
fn visible(indentation: usize, marks: Range<usize>, labels: usize, longest: usize, width: usize) -> Range<usize> {
    let start = if indentation > INDENTATION { indentation + 4 - INDENTATION } else { 0 };
    let end = longest.max(start);
    if end - start <= width {
        return start..end;
    }
    let start = if labels >= indentation && labels - indentation <= width {
        indentation
    } else if labels - marks.start <= width {
        marks.start.saturating_sub((width + marks.start - labels) / 2)
    } else if marks.len() <= width {
        marks.start.saturating_sub((width - marks.len()) / 5 * 2)
    } else {
        return marks;
    };
    start..start + width
}

/// The line of a byte and its column, as shown.
fn place(lines: &[Line<'_>], byte: usize) -> Place {
    let index = lines.partition_point(|line| line.start <= byte) - 1;
    let Line { start, source, .. } = &lines[index];
    (index, width(&source[..(byte - start).min(source.len())]))
}
