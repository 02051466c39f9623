//! Character classes.

use super::tree::{Ranges, complement};
use super::{Parser, RegexErrorKind, Result, unicode};

impl Parser<'_> {
    /// `\d`, `\pL`, `\p{Greek}`: its characters, if there was one.
    pub(super) fn class_escape(&mut self) -> Result<Option<Ranges>> {
        let start = self.at;
        match self.peek(1) {
            Some(letter @ (b'd' | b'D' | b's' | b'S' | b'w' | b'W')) => {
                self.at += 2;
                let pairs: &[u8] = match letter.to_ascii_lowercase() {
                    b'd' => b"09",
                    b's' => b"\t\n\x0C\r  ",
                    _ => b"09AZ__az",
                };
                Ok(Some(self.ranges(pairs, letter.is_ascii_uppercase())))
            }
            Some(b'p' | b'P') => {
                self.at += 2;
                let name = match self.char() {
                    Some('{') => {
                        let rest = &self.pattern[self.at..];
                        let Some(end) = rest.find('}') else {
                            return Self::error(start, self.pattern.len(), RegexErrorKind::UnknownClass);
                        };
                        self.at += end + 1;
                        let name = &rest[..end];
                        name.strip_prefix('^').unwrap_or(name)
                    }
                    Some(char) => &self.pattern[self.at - char.len_utf8()..self.at],
                    None => "",
                };
                if unicode::is_class(name) {
                    self.is_matchable = false;
                    Ok(Some(Ranges::new()))
                } else {
                    Self::error(start, self.at, RegexErrorKind::UnknownClass)
                }
            }
            _ => Ok(None),
        }
    }

    /// The ranges of an ASCII class, for the tree.
    fn ranges(&self, pairs: &[u8], is_negated: bool) -> Ranges {
        if !self.is_matchable {
            return Ranges::new();
        }
        let ranges = pairs.chunks_exact(2).map(|pair| (u32::from(pair[0]), u32::from(pair[1]))).collect();
        if is_negated { complement(ranges) } else { ranges }
    }

    /// `[...]`.
    pub(super) fn class(&mut self) -> Result<Ranges> {
        let open = self.at;
        self.at += 1;
        let is_negated = self.peek(0) == Some(b'^');
        self.at += usize::from(is_negated);
        let mut ranges = Ranges::new();
        let mut first = true;
        loop {
            match self.peek(0) {
                None => return Self::error(open, open + 1, RegexErrorKind::MissingBracket),
                Some(b']') if !first => {
                    self.at += 1;
                    return Ok(if is_negated && self.is_matchable { complement(ranges) } else { ranges });
                }
                Some(b'[') if self.peek(1) == Some(b':') && !self.no_posix_class => {
                    if let Some(length) = self.pattern[self.at + 2..].find(":]") {
                        let start = self.at;
                        let name = &self.pattern[start + 2..start + 2 + length];
                        self.at += length + 4;
                        let Some(pairs) = unicode::posix_class(name.strip_prefix('^').unwrap_or(name)) else {
                            return Self::error(start, self.at, RegexErrorKind::UnknownClass);
                        };
                        ranges.extend(self.ranges(pairs, name.starts_with('^')));
                    } else {
                        self.no_posix_class = true;
                        self.class_range(open, &mut ranges)?;
                    }
                }
                Some(b'\\') => match self.class_escape()? {
                    Some(class) => ranges.extend(class),
                    None => self.class_range(open, &mut ranges)?,
                },
                Some(_) => self.class_range(open, &mut ranges)?,
            }
            first = false;
        }
    }

    /// One character of a class, or a range of them.
    fn class_range(&mut self, open: usize, ranges: &mut Ranges) -> Result<()> {
        let start = self.at;
        let low = self.class_char(open)?;
        let mut high = low;
        if self.peek(0) == Some(b'-') && self.peek(1).is_some_and(|byte| byte != b']') {
            self.at += 1;
            high = self.class_char(open)?;
            if high < low {
                return Self::error(start, self.at, RegexErrorKind::InvalidRange);
            }
        }
        if self.is_matchable {
            ranges.push((low.into(), high.into()));
        }
        Ok(())
    }

    fn class_char(&mut self, open: usize) -> Result<char> {
        if self.peek(0) == Some(b'\\') {
            return self.escape();
        }
        match self.char() {
            Some(char) => Ok(char),
            None => Self::error(open, open + 1, RegexErrorKind::MissingBracket),
        }
    }
}
