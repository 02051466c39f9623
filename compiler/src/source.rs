//! Source texts and byte ranges in them.

use std::ops::Range;

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

    /// The smallest span that holds both.
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
        let index = |at| u32::try_from(at).unwrap_or(u32::MAX);
        Self { start: index(range.start), end: index(range.end) }
    }
}

/// A value and the place where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Its place.
    pub span: Span,
}

/// One preset file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceFile {
    /// Path below the folder of presets, with forward slashes: `vllm/latency.toml`. It names the module.
    pub name: String,
    /// Path to show to a person, with forward slashes: `presets/vllm/latency.toml`.
    pub path: String,
    /// Its content.
    pub text: String,
}

impl SourceFile {
    /// The line of a byte offset, counted from 1.
    #[must_use]
    pub fn line(&self, offset: u32) -> usize {
        self.line_column(offset).0
    }

    /// The line and the column, in characters, of a byte offset; both counted from 1.
    #[must_use]
    pub fn line_column(&self, offset: u32) -> (usize, usize) {
        let before = &self.text.as_bytes()[..(offset as usize).min(self.text.len())];
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let is_char_start = |byte: &&u8| !(0x80..0xC0).contains(*byte);
        let line = before.split(|byte| *byte == b'\n').count();
        (line, before[line_start..].iter().filter(is_char_start).count() + 1)
    }
}
