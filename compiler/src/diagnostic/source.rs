//! Source texts and byte ranges in them.

use std::borrow::Cow;
use std::ops::Range;

use crate::vec_ext::IntoVec;

/// A half-open byte range in one text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The range `start..end`.
    #[must_use]
    pub const fn new(start: u32, end: u32) -> Self {
        Self { start, end }
    }

    /// The smallest span that contains both.
    #[must_use]
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The span as a range of indices.
    #[must_use]
    pub const fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The span of a range of indices; texts beyond 4 GiB are not handled.
    #[must_use]
    pub fn of(range: Range<usize>) -> Self {
        Self { start: index(range.start), end: index(range.end) }
    }
}

/// An index of a text as part of a span.
fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// A value and its place in the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Its place.
    pub span: Span,
}

/// One file of a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Path below the folder of presets, with forward slashes: `vllm/latency.toml`. It names the module. Files beside
    /// the folder are [`METRICS`](Self::METRICS) and [`SETTINGS`](Self::SETTINGS).
    pub name: String,
    /// Path to show in messages, with forward slashes: `presets/vllm/latency.toml`.
    pub path: String,
    /// Its content, with U+FFFF for bytes that are not UTF-8.
    pub text: String,
}

/// The subject of a file of a registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// A metric, its labels, and presets.
    Presets,
    /// The metrics that exist: `metrics.toml`.
    Metrics,
    /// The settings of the registry: `promql.toml`.
    Settings,
}

impl SourceFile {
    /// Stands for bytes that are not UTF-8: a noncharacter, since a file can contain U+FFFD itself. Messages show U+FFFD.
    pub(crate) const INVALID: char = '\u{FFFF}';

    /// A text as messages show it, with the same length.
    pub(crate) fn shown(text: &str) -> Cow<'_, str> {
        if text.contains(Self::INVALID) { text.replace(Self::INVALID, "\u{FFFD}").into() } else { text.into() }
    }

    /// The name of the file that lists the metrics that exist.
    pub const METRICS: &str = "../metrics.toml";
    /// The name of the file with the settings of the registry.
    pub const SETTINGS: &str = "../promql.toml";

    /// The subject of the file, which depends on its name.
    #[must_use]
    pub fn kind(&self) -> FileKind {
        match self.name.as_str() {
            Self::METRICS => FileKind::Metrics,
            Self::SETTINGS => FileKind::Settings,
            _ => FileKind::Presets,
        }
    }

    /// Where the lines of its text start.
    #[must_use]
    pub fn lines(&self) -> Lines<'_> {
        Lines::of(&self.text)
    }
}

/// Lines of a file with a labelled range, for a finding about another file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excerpt {
    /// The path to show.
    pub path: String,
    /// The number of the first line, counted from 1.
    pub line: usize,
    /// The text of the lines.
    pub text: String,
    /// The range in that text.
    pub span: Span,
    /// The label of the range.
    pub label: String,
}

/// The starts of the lines of a text, for lookups of lines and columns.
#[derive(Clone, Debug)]
pub struct Lines<'a> {
    text: &'a str,
    /// The first byte of each line; the first line starts at 0.
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    /// Finds the lines of a text.
    #[must_use]
    pub fn of(text: &'a str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).into_vec();
        Self { text, starts }
    }

    /// The line of a byte offset, counted from 1.
    #[must_use]
    pub fn line(&self, offset: u32) -> usize {
        self.starts.partition_point(|start| *start <= offset as usize)
    }

    /// The line and the column, in characters, of a byte offset; both counted from 1.
    #[must_use]
    pub fn line_column(&self, offset: u32) -> (usize, usize) {
        let line = self.line(offset);
        let before = &self.text.as_bytes()[self.starts[line - 1]..(offset as usize).min(self.text.len())];
        let is_char_start = |byte: &&u8| !(0x80..0xC0).contains(*byte);
        (line, before.iter().filter(is_char_start).count() + 1)
    }

    /// The line and the column of a byte offset as the Language Server Protocol counts them: both from 0, columns in
    /// UTF-16 code units.
    #[must_use]
    pub fn utf16(&self, offset: u32) -> (u32, u32) {
        let line = self.line(offset) - 1;
        let offset = self.text.floor_char_boundary(offset as usize);
        let before = self.text.get(self.starts[line]..offset).unwrap_or_default();
        (index(line), index(before.encode_utf16().count()))
    }

    /// The byte offset of a line and a column, as [`utf16`](Self::utf16) returns them. Columns after the end of a line
    /// are that end, and lines after the last one the end of the text.
    #[must_use]
    pub fn offset(&self, line: u32, column: u32) -> u32 {
        let Some(start) = self.starts.get(line as usize) else { return index(self.text.len()) };
        let content = self.text[*start..].split('\n').next().unwrap_or_default();
        let mut left = column as usize;
        let is_before = |c: &char| {
            let before = left >= c.len_utf16();
            left = left.saturating_sub(c.len_utf16());
            before
        };
        let content = content.strip_suffix('\r').unwrap_or(content);
        index(start + content.chars().take_while(is_before).map(char::len_utf8).sum::<usize>())
    }

    /// The lines around a range of a file that messages name `path`.
    #[must_use]
    pub fn excerpt(&self, path: &str, span: Span, label: impl Into<String>) -> Excerpt {
        let lines = self.around(span.range());
        Excerpt {
            path: path.to_owned(),
            line: self.line(span.start),
            span: Span::of(span.start as usize - lines.start..span.end as usize - lines.start),
            text: self.text[lines].to_owned(),
            label: label.into(),
        }
    }

    /// The whole lines around a range, without the last line break.
    #[must_use]
    pub fn around(&self, range: Range<usize>) -> Range<usize> {
        let start = self.starts[self.starts.partition_point(|start| *start <= range.start) - 1];
        // The line break belongs to the line that it ends.
        let next = self.starts.partition_point(|start| *start < range.end.max(range.start + 1));
        let end = self.starts.get(next).map_or(self.text.len(), |next| next - 1);
        start..end.max(range.end.min(self.text.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one() {
        let lines = Lines::of("aé\tb\r\n\nc");
        for (offset, expected) in
            [(0, (1, 1)), (1, (1, 2)), (3, (1, 3)), (4, (1, 4)), (6, (1, 6)), (7, (2, 1)), (8, (3, 1)), (99, (3, 2))]
        {
            assert_eq!(lines.line_column(offset), expected, "{offset}");
        }
        assert_eq!(Lines::of("").line_column(0), (1, 1));
        assert_eq!(Lines::of("a\n").line_column(2), (2, 1));
    }

    #[test]
    fn lines_and_columns_of_editors_count_utf16_from_zero() {
        let text = "aé😀b\r\n\nc";
        let lines = Lines::of(text);
        for (offset, expected) in
            [(0, (0, 0)), (1, (0, 1)), (3, (0, 2)), (7, (0, 4)), (8, (0, 5)), (10, (1, 0)), (11, (2, 0)), (12, (2, 1))]
        {
            assert_eq!(lines.utf16(offset), expected, "{offset}");
            assert_eq!(lines.offset(expected.0, expected.1), offset, "{expected:?}");
        }
        // Within a character, after a line, after the text.
        assert_eq!([lines.offset(0, 3), lines.offset(0, 99), lines.offset(9, 9)], [3, 8, 12]);
        assert_eq!([lines.utf16(2), lines.utf16(5), lines.utf16(99)], [(0, 1), (0, 2), (2, 1)]);
    }

    #[test]
    fn whole_lines() {
        let text = "ab\ncd\n\nef\n";
        let around = |range: Range<usize>| &text[Lines::of(text).around(range)];
        assert_eq!(around(0..0), "ab");
        assert_eq!(around(1..2), "ab");
        assert_eq!(around(1..3), "ab\n");
        assert_eq!(around(1..4), "ab\ncd");
        assert_eq!(around(3..3), "cd");
        assert_eq!(around(6..6), "");
        assert_eq!(around(4..8), "cd\n\nef");
        assert_eq!(around(10..10), "");
    }
}
