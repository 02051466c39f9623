//! Splits a query into tokens, without copying.
//!
//! Tokens depend on the context, as in Prometheus (`promql/parser/lex.go`): inside braces there are no keywords, and
//! after `[` only durations. In a template, `{{` and `}}` are single braces and `{name}` is a hole.

mod number;

use super::report;
use super::token::{Kind, Token, keyword};
use crate::hole::Hole;
use crate::{Code, Diagnostic, Span};

/// The context of the lexer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Anything.
    Expression,
    /// Between `{` and `}`.
    Braces,
    /// After `[`, before the first number.
    Duration,
    /// After the first number in brackets.
    Brackets,
}

pub(super) struct Lexer<'a> {
    pub(super) text: &'a str,
    bytes: &'a [u8],
    at: usize,
    pub(super) template: bool,
    mode: Mode,
    /// Whether a number has followed any `[` so far. As in Prometheus, a `:` is a token only after that.
    got_duration: bool,
    pub(super) diagnostics: Vec<Diagnostic>,
}

const ALPHA: u8 = 1;
const DIGIT: u8 = 2;
const SPACE: u8 = 4;
const COLON: u8 = 8;
/// Nothing special inside a string.
const TEXT: u8 = 16;

/// The classes of each byte.
static CLASS: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "the loop ends at 255")]
        let char = byte as u8;
        let text = match char {
            b'"' | b'\'' | b'`' | b'\\' | b'\n' | b'{' | 0xEF => 0,
            _ => TEXT,
        };
        table[byte] = text
            | match char {
                b'a'..=b'z' | b'A'..=b'Z' | b'_' => ALPHA,
                b'0'..=b'9' => DIGIT,
                b' ' | b'\t' | b'\n' | b'\r' => SPACE,
                b':' => COLON,
                _ => 0,
            };
        byte += 1;
    }
    table
};

fn is(byte: u8, class: u8) -> bool {
    CLASS[byte as usize] & class != 0
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str, template: bool) -> Self {
        Self {
            text,
            bytes: text.as_bytes(),
            at: 0,
            template,
            mode: Mode::Expression,
            got_duration: false,
            diagnostics: Vec::new(),
        }
    }

    /// The byte `ahead` of the cursor; 0 past the end.
    #[inline]
    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    fn span(&self, start: usize) -> Span {
        span(start, self.at)
    }

    /// Consumes a token of this length.
    #[inline]
    fn token(&mut self, kind: Kind, length: usize) -> Kind {
        self.at += length;
        kind
    }

    /// Reports an invalid token.
    #[cold]
    fn error(&mut self, diagnostic: Diagnostic) -> Kind {
        self.at = diagnostic.span.end as usize;
        self.diagnostics.push(diagnostic);
        Kind::Error
    }

    /// The next token.
    #[inline]
    pub(super) fn next(&mut self) -> Token {
        loop {
            self.skip(SPACE);
            let Some(&byte) = self.bytes.get(self.at) else {
                return Token { kind: Kind::Eof, span: self.span(self.at) };
            };
            if byte == b'#' && self.mode != Mode::Duration {
                self.comment();
                continue;
            }
            // The scanners return only the kind, which fits a register. The cursor gives the span.
            let start = self.at;
            let kind = match self.mode {
                Mode::Expression | Mode::Brackets => self.statement(byte),
                Mode::Braces => self.in_braces(byte),
                Mode::Duration => self.duration(byte),
            };
            return Token { kind, span: self.span(start) };
        }
    }

    /// Consumes bytes of some classes.
    #[inline]
    fn skip(&mut self, class: u8) {
        // A copy, so that the cursor stays in a register.
        let mut at = self.at;
        while self.bytes.get(at).is_some_and(|&byte| is(byte, class)) {
            at += 1;
        }
        self.at = at;
    }

    fn comment(&mut self) {
        while self.at < self.bytes.len() && !matches!(self.bytes[self.at], b'\n' | b'\r') {
            if self.template && self.bytes[self.at] == b'{' {
                self.brace_in_text("a comment");
            } else {
                self.at += 1;
            }
        }
    }

    /// Consumes a brace of a template inside a string or a comment, and reports a placeholder.
    fn brace_in_text(&mut self, place: &str) {
        let start = self.at;
        if self.peek(1) == b'{' {
            self.at += 2;
        } else if let Some(hole) = Hole::at_start(&self.bytes[start..]) {
            self.at += hole.placeholder().len();
            let mut diagnostic = report::hole_in_text(hole, self.span(start), place);
            if hole == Hole::MetricName && self.mode == Mode::Braces {
                diagnostic.help =
                    Some("write `{metric_name}` before the braces; names are quoted where they need it".to_owned());
            }
            self.diagnostics.push(diagnostic);
        } else {
            self.at += 1;
        }
    }

    fn statement(&mut self, byte: u8) -> Kind {
        let next = self.peek(1);
        match byte {
            _ if is(byte, ALPHA) || byte == b':' => self.word(byte),
            _ if is(byte, DIGIT) => self.number(),
            b'.' if is(next, DIGIT) => self.number(),
            b'"' | b'\'' | b'`' => self.string(byte),
            b',' => self.token(Kind::Comma, 1),
            b'.' => self.token(Kind::Dot, 1),
            b'(' => self.token(Kind::LeftParen, 1),
            b')' => self.token(Kind::RightParen, 1),
            b'{' | b'}' => self.brace(byte),
            b'[' => {
                self.mode = Mode::Duration;
                self.token(Kind::LeftBracket, 1)
            }
            b']' => {
                self.mode = Mode::Expression;
                self.token(Kind::RightBracket, 1)
            }
            b'+' => self.token(Kind::Add, 1),
            b'-' => self.token(Kind::Sub, 1),
            b'*' => self.token(Kind::Mul, 1),
            b'/' => self.token(Kind::Div, 1),
            b'%' => self.token(Kind::Mod, 1),
            b'^' => self.token(Kind::Pow, 1),
            b'@' => self.token(Kind::At, 1),
            b'=' => match next {
                b'=' => self.token(Kind::EqEq, 2),
                b'~' => self.token(Kind::EqRegex, 2),
                _ => self.token(Kind::Eq, 1),
            },
            b'!' => match next {
                b'=' => self.token(Kind::NotEq, 2),
                b'~' => self.token(Kind::NotEqRegex, 2),
                _ => self.bad_character(),
            },
            b'<' => match next {
                b'=' => self.token(Kind::LessEq, 2),
                b'/' => self.token(Kind::TrimUpper, 2),
                _ => self.token(Kind::Less, 1),
            },
            b'>' => match next {
                b'=' => self.token(Kind::GreaterEq, 2),
                b'/' => self.token(Kind::TrimLower, 2),
                _ => self.token(Kind::Greater, 1),
            },
            _ => self.bad_character(),
        }
    }

    fn in_braces(&mut self, byte: u8) -> Kind {
        match byte {
            _ if is(byte, ALPHA) => {
                self.skip(ALPHA | DIGIT);
                Kind::Ident
            }
            b',' => self.token(Kind::Comma, 1),
            b'"' | b'\'' | b'`' => self.string(byte),
            b'=' if self.peek(1) == b'~' => self.token(Kind::EqRegex, 2),
            b'=' => self.token(Kind::Eq, 1),
            b'!' => match self.peek(1) {
                b'~' => self.token(Kind::NotEqRegex, 2),
                b'=' => self.token(Kind::NotEq, 2),
                _ => self.bad_character(),
            },
            b'{' | b'}' => self.brace(byte),
            b'.' | b'0'..=b'9' => {
                let length = self.bytes[self.at..].iter().take_while(|&&b| is(b, ALPHA | DIGIT) || b == b'.').count();
                self.token(Kind::Number, length)
            }
            // None of these is part of a matcher. They are tokens only for better diagnostics.
            b'(' => self.token(Kind::LeftParen, 1),
            b')' => self.token(Kind::RightParen, 1),
            b'[' => self.token(Kind::LeftBracket, 1),
            b']' => self.token(Kind::RightBracket, 1),
            b'<' => self.token(Kind::Less, 1),
            b'>' => self.token(Kind::Greater, 1),
            b'/' => self.token(Kind::Div, 1),
            b'-' => self.token(Kind::Sub, 1),
            _ => self.bad_character(),
        }
    }

    /// A token between `[` and the first number, where Prometheus accepts only durations.
    fn duration(&mut self, byte: u8) -> Kind {
        match byte {
            b'0'..=b'9' => {
                self.got_duration = true;
                self.mode = Mode::Brackets;
                self.number()
            }
            b'.' if is(self.peek(1), DIGIT) => {
                self.got_duration = true;
                self.mode = Mode::Brackets;
                self.number()
            }
            b'(' => self.token(Kind::LeftParen, 1),
            b')' => self.token(Kind::RightParen, 1),
            b'+' => self.token(Kind::Add, 1),
            b'-' => self.token(Kind::Sub, 1),
            b'*' => self.token(Kind::Mul, 1),
            b'/' => self.token(Kind::Div, 1),
            b'%' => self.token(Kind::Mod, 1),
            b'^' => self.token(Kind::Pow, 1),
            b',' => self.token(Kind::Comma, 1),
            b':' if self.got_duration => self.token(Kind::Colon, 1),
            b':' => {
                let mut diagnostic = report::colon_without_number(span(self.at, self.at + 1));
                diagnostic.code = Code::Syntax;
                self.error(diagnostic)
            }
            b']' => {
                self.mode = Mode::Expression;
                self.token(Kind::RightBracket, 1)
            }
            b'{' if self.template => match self.brace(byte) {
                kind @ (Kind::Hole(Hole::Window) | Kind::Parameter) => {
                    self.got_duration = true;
                    self.mode = Mode::Brackets;
                    kind
                }
                kind => kind,
            },
            b'{' => self.token(Kind::LeftBrace, 1),
            _ if is(byte, ALPHA) => self.word(byte),
            b'"' | b'\'' | b'`' => self.string(byte),
            _ => self.bad_character(),
        }
    }

    /// A brace, or in a template a hole.
    fn brace(&mut self, byte: u8) -> Kind {
        let (kind, mode) =
            if byte == b'{' { (Kind::LeftBrace, Mode::Braces) } else { (Kind::RightBrace, Mode::Expression) };
        if !self.template {
            self.mode = mode;
            return self.token(kind, 1);
        }
        if self.peek(1) == byte {
            self.mode = mode;
            return self.token(kind, 2);
        }
        let rest = &self.bytes[self.at..];
        match Hole::at_start(rest) {
            Some(Hole::MetricName) if matches!(self.mode, Mode::Expression) => self.word(byte),
            Some(hole) => self.token(Kind::Hole(hole), hole.placeholder().len()),
            None => {
                if let Some(len) = Hole::parameter_at_start(rest) {
                    return self.token(Kind::Parameter, len);
                }
                let span = span(self.at, self.at + 1);
                let (one, two) = if byte == b'{' { ("{", "{{") } else { ("}", "}}") };
                self.error(
                    Diagnostic::new(Code::LoneBrace, span, format!("lone `{one}`"))
                        .label("neither doubled nor part of a placeholder")
                        .help(format!("write `{two}`")),
                )
            }
        }
    }

    /// A name, a keyword, or a name with holes.
    fn word(&mut self, first: u8) -> Kind {
        let start = self.at;
        let in_brackets = matches!(self.mode, Mode::Duration | Mode::Brackets);
        if in_brackets && first == b':' {
            return self.token(Kind::Colon, 1);
        }
        let mut holes = false;
        let mut colon = false;
        loop {
            self.skip(ALPHA | DIGIT);
            if !in_brackets && self.peek(0) == b':' {
                colon = true;
                self.skip(ALPHA | DIGIT | COLON);
            }
            let glued = self.template && !in_brackets && self.peek(0) == b'{';
            if !glued || Hole::at_start(&self.bytes[self.at..]) != Some(Hole::MetricName) {
                break;
            }
            holes = true;
            self.at += Hole::MetricName.placeholder().len();
        }
        let mut kind = if holes {
            Kind::TemplateName
        } else if colon {
            Kind::MetricIdent
        } else if let Some(keyword) = keyword(&self.bytes[start..self.at]) {
            keyword
        } else {
            Kind::Ident
        };
        match kind {
            Kind::Fill | Kind::FillLeft | Kind::FillRight if !self.paren_follows() => kind = Kind::Ident,
            // Prometheus has no `Inf` and `NaN` in brackets.
            Kind::Number if in_brackets => kind = Kind::Ident,
            _ => {}
        }
        kind
    }

    fn paren_follows(&self) -> bool {
        self.bytes[self.at..].iter().find(|&&byte| !is(byte, SPACE)) == Some(&b'(')
    }

    /// A string literal. The parser checks its escapes.
    fn string(&mut self, quote: u8) -> Kind {
        let start = self.at;
        let found = self.diagnostics.len();
        self.at += 1;
        loop {
            let mut at = self.at;
            while self.bytes.get(at).is_some_and(|&byte| is(byte, TEXT)) {
                at += 1;
            }
            self.at = at;
            let Some(&byte) = self.bytes.get(at) else { break };
            match byte {
                _ if byte == quote => {
                    self.at += 1;
                    return Kind::Str;
                }
                b'\\' if quote != b'`' => self.at = (self.at + 2).min(self.bytes.len()),
                b'\n' if quote != b'`' => break,
                b'{' if self.template => self.brace_in_text("a string"),
                // Go's decoder returns U+FFFD for invalid UTF-8.
                0xEF if self.bytes[self.at..].starts_with("\u{FFFD}".as_bytes()) => {
                    let span = span(self.at, self.at + 3);
                    return self.error(
                        Diagnostic::new(Code::Syntax, span, "replacement character in a string")
                            .label("Prometheus reads U+FFFD as invalid UTF-8"),
                    );
                }
                _ => self.at += 1,
            }
        }
        // A placeholder that seemed to be inside the string may come after it.
        self.diagnostics.truncate(found);
        self.error(report::unterminated_string(span(start, self.at), quote))
    }

    fn bad_character(&mut self) -> Kind {
        let rest = &self.text[self.at..];
        let char = rest.chars().next().unwrap_or_default();
        let more = match char {
            // Report `&&`, `||`, `??` and `?:` as one token.
            '&' | '|' | '?' => usize::from(self.peek(1) == self.peek(0) || (char == '?' && self.peek(1) == b':')),
            '$' => self.bytes[self.at + 1..].iter().take_while(|&&byte| is(byte, ALPHA | DIGIT)).count(),
            _ => 0,
        };
        let span = span(self.at, self.at + char.len_utf8() + more);
        let operand =
            self.text[..self.at].trim_end().ends_with(|c: char| c.is_alphanumeric() || "_)}]\"'`".contains(c));
        let mut diagnostic = report::bad_character(rest, char, span, self.mode == Mode::Braces, operand);
        if char == '$' && self.template && matches!(self.mode, Mode::Duration | Mode::Brackets) {
            diagnostic = diagnostic.help("write `{window}`");
        }
        if char == '!' && self.mode == Mode::Braces && self.text[..self.at].ends_with('=') {
            diagnostic = diagnostic.write(Span::of(self.at - 1..self.at + 1), "!=");
        }
        self.error(diagnostic)
    }

    /// Moves to the end of the text, so that every further token is the end.
    pub(super) fn finish(&mut self) {
        self.at = self.bytes.len();
    }
}

/// Texts longer than 4 GiB have been rejected before.
#[expect(clippy::cast_possible_truncation, reason = "`parse` rejects texts of 4 GiB")]
fn span(start: usize, end: usize) -> Span {
    Span::new(start as u32, end as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str, template: bool) -> Vec<(Kind, &str)> {
        let mut lexer = Lexer::new(text, template);
        let mut out = Vec::new();
        loop {
            let token = lexer.next();
            if token.kind == Kind::Eof {
                return out;
            }
            out.push((token.kind, &text[token.span.range()]));
            if token.kind == Kind::Error {
                return out;
            }
        }
    }

    #[test]
    fn keywords_are_labels_inside_braces() {
        use crate::promql::Aggregator as A;
        use Kind::{Aggregator, Eq, Ident, LeftBrace, RightBrace, Str};
        let tokens = kinds(r#"sum{by="x"}"#, false);
        assert_eq!(
            tokens,
            [
                (Aggregator(A::Sum), "sum"),
                (LeftBrace, "{"),
                (Ident, "by"),
                (Eq, "="),
                (Str, "\"x\""),
                (RightBrace, "}")
            ]
        );
    }

    #[test]
    fn braces_are_doubled_in_templates() {
        use Kind::{Hole as H, LeftBrace, RightBrace, TemplateName};
        assert_eq!(
            kinds("{metric_name}_x{{{labels}}}", true),
            [(TemplateName, "{metric_name}_x"), (LeftBrace, "{{"), (H(Hole::Labels), "{labels}"), (RightBrace, "}}")]
        );
        assert_eq!(kinds("a:{metric_name}:2b", true), [(TemplateName, "a:{metric_name}:2b")]);
        assert_eq!(kinds("{", true), [(Kind::Error, "{")]);
    }

    #[test]
    fn numbers_are_scanned_as_in_prometheus() {
        for (text, kind) in [
            ("0x_1f", Kind::Number),
            ("1_000", Kind::Number),
            ("1e+5", Kind::Number),
            ("0xee ", Kind::Number),
            ("5m30s", Kind::Duration),
            ("5.5m", Kind::Duration),
            ("1__0", Kind::Error),
            ("1e", Kind::Error),
            ("1h1y", Kind::Error),
            ("0xee", Kind::Error),
            ("2.5.", Kind::Error),
        ] {
            assert_eq!(kinds(text, false)[0].0, kind, "{text}");
        }
    }

    #[test]
    fn fill_is_a_keyword_before_a_parenthesis_only() {
        assert_eq!(kinds("fill (", false)[0].0, Kind::Fill);
        assert_eq!(kinds("fill_left + 1", false)[0].0, Kind::Ident);
    }

    #[test]
    fn a_comment_cannot_stand_right_after_a_bracket() {
        assert_eq!(kinds("[ # c", false)[1].0, Kind::Error);
        assert_eq!(kinds("[5m # c", false).len(), 2);
    }
}
