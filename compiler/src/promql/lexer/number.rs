//! Numbers and durations.

use super::{ALPHA, DIGIT, Lexer, Mode, is, span};
use crate::hole::Hole;
use crate::promql::report;
use crate::promql::token::Kind;

impl Lexer<'_> {
    /// A number or a duration. As in Prometheus, the scanner accepts some texts that are neither and rejects some valid
    /// ones. The parser checks the values.
    pub(super) fn number(&mut self) -> Kind {
        let start = self.at;
        // The common case: an integer, alone or with one unit.
        self.skip(DIGIT);
        let next = self.peek(0);
        let kind = if !is(next, ALPHA) && next != b'.' {
            Kind::Number
        } else if matches!(next, b's' | b'm' | b'h' | b'd' | b'w' | b'y') && !is(self.peek(1), ALPHA | DIGIT) {
            self.at += 1;
            Kind::Duration
        } else {
            self.at = start;
            self.uncommon_number()
        };
        if self.template && self.peek(0) == b'{' {
            let rest = &self.bytes[self.at..];
            let hole = Hole::at_start(rest);
            let len = hole.map(|hole| hole.placeholder().len()).or_else(|| Hole::parameter_at_start(rest));
            if let Some(len) = len {
                let at = span(self.at, self.at + len);
                let name = &self.text[self.at + 1..self.at + len - 1];
                return self.error(report::hole_in_number(name, at, &self.text[start..self.at]));
            }
        }
        kind
    }

    pub(super) fn uncommon_number(&mut self) -> Kind {
        let start = self.at;
        if self.scan_number() {
            return Kind::Number;
        }
        if self.scan_duration() {
            return Kind::Duration;
        }
        let rest = self.bytes[self.at..].iter().take_while(|&&b| is(b, ALPHA | DIGIT) || b == b'.').count();
        let span = span(start, self.at + rest);
        let in_brackets = matches!(self.mode, Mode::Duration | Mode::Brackets);
        self.error(report::bad_number(&self.text[span.range()], span, in_brackets))
    }

    pub(super) fn accept(&mut self, set: &[u8]) -> bool {
        let found = self.at < self.bytes.len() && set.contains(&self.bytes[self.at]);
        self.at += usize::from(found);
        found
    }

    pub(super) fn scan_number(&mut self) -> bool {
        let start = self.at;
        let mut digits: &[u8] = b"0123456789";
        if self.accept(b"0") && self.accept(b"xX") {
            self.accept(b"_");
            digits = b"0123456789abcdefABCDEF";
        }
        let hex = digits.len() > 10;
        self.accept(b".");
        self.accept(digits);
        let mut dot = false;
        let mut exponent = false;
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b'.' => {
                    self.at += 1;
                    if dot || self.accept(b"_.") || hex {
                        return false;
                    }
                    dot = true;
                }
                b'e' | b'E' => {
                    self.at += 1;
                    if exponent {
                        return false;
                    }
                    exponent = true;
                    self.accept(b"+-");
                    if self.accept(b"._eE") || self.at == self.bytes.len() {
                        return false;
                    }
                }
                b'_' => {
                    self.at += 1;
                    if self.accept(b"._eE") || self.at == self.bytes.len() {
                        return false;
                    }
                }
                _ if digits.contains(&byte) => {
                    while self.at < self.bytes.len() && digits.contains(&self.bytes[self.at]) {
                        self.at += 1;
                    }
                }
                _ => break,
            }
        }
        self.at > start && !is(self.peek(0), ALPHA | DIGIT)
    }

    /// The rest of a duration, after its first number.
    pub(super) fn scan_duration(&mut self) -> bool {
        if !self.accept(b"smhdwy") {
            return false;
        }
        self.accept(b"s");
        while is(self.peek(0), DIGIT) {
            while is(self.peek(0), DIGIT) {
                self.at += 1;
            }
            if !self.accept(b"smhdw") {
                return false;
            }
            self.accept(b"s");
        }
        !is(self.peek(0), ALPHA | DIGIT)
    }
}
