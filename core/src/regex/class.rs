//! Character classes.

use super::{Parser, RegexErrorKind, Result, unicode};

impl Parser<'_> {
    /// `\d`, `\pL`, `\p{Greek}`: whether there was one.
    pub(super) fn class_escape(&mut self) -> Result<bool> {
        let start = self.at;
        match self.peek(1) {
            Some(b'd' | b'D' | b's' | b'S' | b'w' | b'W') => {
                self.at += 2;
                Ok(true)
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
                    Ok(true)
                } else {
                    Self::error(start, self.at, RegexErrorKind::UnknownClass)
                }
            }
            _ => Ok(false),
        }
    }

    /// `[...]`.
    pub(super) fn class(&mut self) -> Result<()> {
        let open = self.at;
        self.at += 1;
        if self.peek(0) == Some(b'^') {
            self.at += 1;
        }
        let mut first = true;
        loop {
            match self.peek(0) {
                None => return Self::error(open, open + 1, RegexErrorKind::MissingBracket),
                Some(b']') if !first => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'[') if self.peek(1) == Some(b':') && !self.no_posix_class => {
                    if let Some(length) = self.pattern[self.at + 2..].find(":]") {
                        let start = self.at;
                        let name = &self.pattern[start + 2..start + 2 + length];
                        self.at += length + 4;
                        if !unicode::is_posix_class(name.strip_prefix('^').unwrap_or(name)) {
                            return Self::error(start, self.at, RegexErrorKind::UnknownClass);
                        }
                    } else {
                        self.no_posix_class = true;
                        self.class_range(open)?;
                    }
                }
                Some(b'\\') => {
                    if !self.class_escape()? {
                        self.class_range(open)?;
                    }
                }
                Some(_) => self.class_range(open)?,
            }
            first = false;
        }
    }

    /// One character of a class, or a range of them.
    fn class_range(&mut self, open: usize) -> Result<()> {
        let start = self.at;
        let low = self.class_char(open)?;
        if self.peek(0) == Some(b'-') && self.peek(1).is_some_and(|byte| byte != b']') {
            self.at += 1;
            let high = self.class_char(open)?;
            if high < low {
                return Self::error(start, self.at, RegexErrorKind::InvalidRange);
            }
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
