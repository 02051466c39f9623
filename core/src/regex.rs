//! Regular expressions as Prometheus reads them: RE2 syntax by Go's `regexp/syntax` with Perl flags.
//!
//! Nothing here matches text: [`validate`] checks whether Prometheus accepts a pattern, [`groups`] lists its capturing
//! groups, [`matches_empty`] checks whether it matches the empty string, and [`escape`] turns text into a pattern.

mod unicode;

use std::fmt::{self, Display, Formatter, Write};

/// Why Prometheus rejects a pattern, and which bytes of it are at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegexError {
    /// First byte of the fault.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// What is wrong.
    pub kind: RegexErrorKind,
}

/// What is wrong with a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RegexErrorKind {
    /// `(` without `)`.
    MissingParen,
    /// `)` without `(`.
    UnexpectedParen,
    /// `[` without `]`.
    MissingBracket,
    /// `[z-a]`, or a bound that is no character.
    InvalidRange,
    /// `\p{Foo}`, `[[:foo:]]`.
    UnknownClass,
    /// `\C`, `\Z`, `\é`.
    InvalidEscape,
    /// `\1`.
    Backreference,
    /// `\Q` without `\E`, in a pattern that Prometheus wraps in a group; see [`validate_wrapped`].
    UnclosedQuote,
    /// `\` at the end.
    TrailingBackslash,
    /// `*` with nothing before it.
    MissingRepeatArgument,
    /// `a**`.
    NestedRepeat,
    /// `a{1001}`, `a{2,1}`, `(a{100}){100}`.
    RepeatSize,
    /// `(?=...)`, `(?!...)`, `(?<=...)`, `(?<!...)`.
    Lookaround,
    /// `(?#...)`, `(?>...)`.
    UnknownGroup,
    /// `(?P<1 2>...)`.
    InvalidGroupName,
    /// More than 1000 levels.
    NestingDepth,
    /// More than Go is willing to compile.
    TooLarge,
}

impl Display for RegexError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            RegexErrorKind::MissingParen => "missing closing `)`",
            RegexErrorKind::UnexpectedParen => "unexpected `)`",
            RegexErrorKind::MissingBracket => "missing closing `]`",
            RegexErrorKind::InvalidRange => "invalid range of characters",
            RegexErrorKind::UnknownClass => "unknown class of characters",
            RegexErrorKind::InvalidEscape => "invalid escape",
            RegexErrorKind::Backreference => "backreferences are not supported",
            RegexErrorKind::UnclosedQuote => r"`\Q` without `\E`",
            RegexErrorKind::TrailingBackslash => "backslash at the end",
            RegexErrorKind::MissingRepeatArgument => "nothing to repeat",
            RegexErrorKind::NestedRepeat => "repetition of a repetition",
            RegexErrorKind::RepeatSize => "invalid number of repetitions; at most 1000, also when nested",
            RegexErrorKind::Lookaround => "lookaround is not supported",
            RegexErrorKind::UnknownGroup => "unknown kind of group",
            RegexErrorKind::InvalidGroupName => "invalid name of a group",
            RegexErrorKind::NestingDepth => "nested too deeply",
            RegexErrorKind::TooLarge => "expression too large",
        })
    }
}

impl std::error::Error for RegexError {}

/// Whether Prometheus accepts a pattern. Linear in its length.
///
/// ```
/// use promql_presets_core::regex::validate;
///
/// assert!(validate("5..|429").is_ok());
/// assert_eq!(validate("a(b").unwrap_err().to_string(), "missing closing `)`");
/// assert_eq!(validate(r"(\w)\1").unwrap_err().start, 4);
/// ```
///
/// # Errors
///
/// Returns the first fault.
pub fn validate(pattern: &str) -> Result<(), RegexError> {
    Parser::new(pattern).parse().map(drop)
}

/// Checks a pattern that Prometheus wraps in a group before parsing it, as it does for `label_replace`. There, a `\Q`
/// without `\E` would quote the end of the group. In a matcher, Prometheus parses the pattern by itself.
///
/// # Errors
///
/// Returns the first fault.
pub fn validate_wrapped(pattern: &str) -> Result<(), RegexError> {
    let mut parser = Parser::new(pattern);
    parser.parse()?;
    match parser.unclosed_quote {
        Some(start) => Parser::error(start, start + 2, RegexErrorKind::UnclosedQuote),
        None => Ok(()),
    }
}

/// Returns the capturing groups of a valid pattern in order, each with its name if it has one.
///
/// ```
/// use promql_presets_core::regex::groups;
///
/// assert_eq!(groups("(a)(?:b)(?P<host>c)"), [None, Some("host")]);
/// ```
#[must_use]
pub fn groups(pattern: &str) -> Vec<Option<&str>> {
    let mut parser = Parser::new(pattern);
    let _ = parser.parse();
    parser.groups
}

/// Whether a pattern, anchored at both ends as Prometheus does it, matches the empty string. A pattern with a fault
/// matches nothing.
///
/// ```
/// use promql_presets_core::regex::matches_empty;
///
/// assert!(matches_empty(".*") && matches_empty("|a") && matches_empty("^$"));
/// assert!(!matches_empty(".+") && !matches_empty("a|b"));
/// ```
#[must_use]
pub fn matches_empty(pattern: &str) -> bool {
    Parser::new(pattern).parse().is_ok_and(|node| node.empty)
}

/// Writes the pattern that matches `text` and nothing else, as RE2's `QuoteMeta`.
///
/// # Errors
///
/// Fails when the writer fails; a `String` never does.
pub fn escape(text: &str, out: &mut impl Write) -> fmt::Result {
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        if matches!(
            byte,
            b'\\' | b'.' | b'+' | b'*' | b'?' | b'(' | b')' | b'|' | b'[' | b']' | b'{' | b'}' | b'^' | b'$'
        ) {
            out.write_str(&text[plain..at])?;
            out.write_char('\\')?;
            plain = at;
        }
    }
    out.write_str(&text[plain..])
}

/// Go's limits: the levels of a pattern, and the instructions it compiles to.
const MAX_HEIGHT: usize = 1000;
const MAX_SIZE: u64 = (128 << 20) / 40;
const MAX_REPEAT: u32 = 1000;

/// What has to be known of a part of a pattern.
#[derive(Clone, Copy)]
struct Node {
    /// Whether it matches the empty string.
    empty: bool,
    /// The largest product of nested repetition counts.
    repeats: u32,
    height: usize,
    size: u64,
}

impl Node {
    const EMPTY: Self = Self { empty: true, repeats: 1, height: 1, size: 1 };
    const CHAR: Self = Self { empty: false, ..Self::EMPTY };

    /// Both, in sequence or as alternatives.
    fn with(self, other: Self, empty: bool) -> Self {
        Self {
            empty,
            repeats: self.repeats.max(other.repeats),
            height: self.height.max(other.height),
            size: self.size.saturating_add(other.size),
        }
    }
}

/// A group that is being read. The pattern itself is one without a parenthesis.
struct Group {
    open: usize,
    capture: bool,
    /// The alternatives that are complete.
    alternatives: Option<Node>,
    /// The alternative being read, without its last part.
    sequence: Option<Node>,
    /// Its last part, which a repetition would repeat.
    last: Option<Node>,
}

impl Group {
    fn new(open: usize, capture: bool) -> Self {
        Self { open, capture, alternatives: None, sequence: None, last: None }
    }

    fn push(&mut self, node: Node) {
        self.join();
        self.last = Some(node);
    }

    fn join(&mut self) {
        if let Some(last) = self.last.take() {
            self.sequence = Some(match self.sequence {
                Some(sequence) => {
                    let joined = sequence.with(last, sequence.empty && last.empty);
                    // A sequence is one level above its parts.
                    Node { height: joined.height.max(last.height + 1), ..joined }
                }
                None => last,
            });
        }
    }

    fn end_alternative(&mut self) {
        self.join();
        let sequence = self.sequence.take().unwrap_or(Node::EMPTY);
        self.alternatives = Some(match self.alternatives {
            Some(others) => {
                let joined = others.with(sequence, others.empty || sequence.empty);
                Node { height: joined.height.max(sequence.height + 1), size: joined.size.saturating_add(1), ..joined }
            }
            None => sequence,
        });
    }

    fn finish(mut self) -> Node {
        self.end_alternative();
        let node = self.alternatives.unwrap_or(Node::EMPTY);
        if self.capture { Node { height: node.height + 1, size: node.size.saturating_add(2), ..node } } else { node }
    }
}

struct Parser<'p> {
    pattern: &'p str,
    bytes: &'p [u8],
    at: usize,
    /// There is no further `:]`, so `[:` does not start a class.
    no_posix_class: bool,
    /// The capturing groups so far.
    groups: Vec<Option<&'p str>>,
    /// Where a `\Q` without `\E` starts.
    unclosed_quote: Option<usize>,
}

type Result<T, E = RegexError> = std::result::Result<T, E>;

impl<'p> Parser<'p> {
    fn new(pattern: &'p str) -> Self {
        let bytes = pattern.as_bytes();
        Self { pattern, bytes, at: 0, no_posix_class: false, groups: Vec::new(), unclosed_quote: None }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.at + ahead).copied()
    }

    fn error<T>(start: usize, end: usize, kind: RegexErrorKind) -> Result<T> {
        Err(RegexError { start, end, kind })
    }

    /// The character at the cursor, passed over.
    fn char(&mut self) -> Option<char> {
        let char = self.pattern[self.at..].chars().next()?;
        self.at += char.len_utf8();
        Some(char)
    }

    fn parse(&mut self) -> Result<Node> {
        let mut groups: Vec<Group> = Vec::new();
        let mut group = Group::new(0, false);
        let mut last_repeat: Option<usize> = None;
        while let Some(byte) = self.peek(0) {
            let start = self.at;
            let mut repeat = None;
            match byte {
                b'(' => {
                    if self.peek(1) == Some(b'?') {
                        if let Some(capture) = self.perl_group()? {
                            groups.push(std::mem::replace(&mut group, Group::new(start, capture)));
                        }
                    } else {
                        self.at += 1;
                        self.groups.push(None);
                        groups.push(std::mem::replace(&mut group, Group::new(start, true)));
                    }
                }
                b')' => {
                    let Some(outer) = groups.pop() else {
                        return Self::error(start, start + 1, RegexErrorKind::UnexpectedParen);
                    };
                    self.at += 1;
                    let open = group.open;
                    let node = std::mem::replace(&mut group, outer).finish();
                    Self::check_size(node, open, self.at)?;
                    group.push(node);
                }
                b'|' => {
                    self.at += 1;
                    group.end_alternative();
                }
                b'*' | b'+' | b'?' => {
                    self.at += 1;
                    let (min, max) = match byte {
                        b'*' => (0, None),
                        b'+' => (1, None),
                        _ => (0, Some(1)),
                    };
                    self.repeat(&mut group, start, last_repeat, min, max, false)?;
                    repeat = Some(last_repeat.unwrap_or(start));
                }
                b'{' => {
                    if let Some((min, max)) = self.repeat_bounds()? {
                        self.repeat(&mut group, start, last_repeat, min, max, true)?;
                        repeat = Some(last_repeat.unwrap_or(start));
                    } else {
                        self.at += 1;
                        group.push(Node::CHAR);
                    }
                }
                b'[' => {
                    self.class()?;
                    group.push(Node::CHAR);
                }
                b'^' | b'$' => {
                    self.at += 1;
                    group.push(Node::EMPTY);
                }
                b'\\' => self.backslash(&mut group)?,
                _ => {
                    self.char();
                    group.push(Node::CHAR);
                }
            }
            last_repeat = repeat;
        }
        if !groups.is_empty() {
            return Self::error(group.open, group.open + 1, RegexErrorKind::MissingParen);
        }
        let node = group.finish();
        Self::check_size(node, 0, self.at)?;
        Ok(node)
    }

    fn check_size(node: Node, start: usize, end: usize) -> Result<()> {
        if node.height > MAX_HEIGHT {
            return Self::error(start, end, RegexErrorKind::NestingDepth);
        }
        if node.size > MAX_SIZE {
            return Self::error(start, end, RegexErrorKind::TooLarge);
        }
        Ok(())
    }

    /// Applies a repetition, whose operator has been read, to the last part of the sequence.
    fn repeat(
        &mut self,
        group: &mut Group,
        start: usize,
        last_repeat: Option<usize>,
        min: u32,
        max: Option<u32>,
        counted: bool,
    ) -> Result<()> {
        // `*?` and its like are lazy.
        if self.peek(0) == Some(b'?') {
            self.at += 1;
        }
        if let Some(first) = last_repeat {
            return Self::error(first, self.at, RegexErrorKind::NestedRepeat);
        }
        let Some(node) = group.last else {
            return Self::error(start, self.at, RegexErrorKind::MissingRepeatArgument);
        };
        let mut repeats = node.repeats;
        let mut size = node.size.saturating_add(2);
        if counted {
            let times = max.unwrap_or(min);
            repeats = if max == Some(0) { 1 } else { repeats.saturating_mul(times.max(1)) };
            if times >= 2 && repeats > MAX_REPEAT {
                return Self::error(start, self.at, RegexErrorKind::RepeatSize);
            }
            size = node.size.saturating_mul(u64::from(times.max(1))).saturating_add(u64::from(times));
        }
        let node = Node { empty: node.empty || min == 0, repeats, height: node.height + 1, size };
        Self::check_size(node, start, self.at)?;
        group.last = Some(node);
        Ok(())
    }

    /// `{2}`, `{2,}` or `{2,5}`; `None`, with nothing passed over, where the brace means itself.
    fn repeat_bounds(&mut self) -> Result<Option<(u32, Option<u32>)>> {
        let start = self.at;
        let mut at = start + 1;
        let Some(min) = self.count(&mut at) else { return Ok(None) };
        let mut max = Some(min);
        if self.bytes.get(at) == Some(&b',') {
            at += 1;
            if self.bytes.get(at) == Some(&b'}') {
                max = None;
            } else {
                let Some(count) = self.count(&mut at) else { return Ok(None) };
                max = Some(count);
            }
        }
        if self.bytes.get(at) != Some(&b'}') {
            return Ok(None);
        }
        self.at = at + 1;
        if min > MAX_REPEAT || max.is_some_and(|max| max > MAX_REPEAT || max < min) {
            return Self::error(start, self.at, RegexErrorKind::RepeatSize);
        }
        Ok(Some((min, max)))
    }

    /// A number without leading zeros.
    fn count(&self, at: &mut usize) -> Option<u32> {
        let digits = self.bytes[*at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let text = &self.bytes[*at..*at + digits];
        if digits == 0 || (digits > 1 && text[0] == b'0') {
            return None;
        }
        *at += digits;
        Some(text.iter().fold(0_u32, |n, byte| n.saturating_mul(10).saturating_add(u32::from(byte - b'0'))))
    }

    /// What starts with `(?`: whether it captures, or `None` for flags alone.
    fn perl_group(&mut self) -> Result<Option<bool>> {
        let start = self.at;
        let rest = &self.pattern[start..];
        let name_at = if rest.starts_with("(?P<") {
            Some(4)
        } else if rest.starts_with("(?<") && !rest.starts_with("(?<=") && !rest.starts_with("(?<!") {
            Some(3)
        } else {
            None
        };
        if let Some(name_at) = name_at {
            let end = rest.find('>').unwrap_or(rest.len());
            let name = rest.get(name_at..end).unwrap_or("");
            let valid = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if end == rest.len() || !valid {
                return Self::error(start, start + (end + 1).min(rest.len()), RegexErrorKind::InvalidGroupName);
            }
            self.at = start + end + 1;
            self.groups.push(Some(name));
            return Ok(Some(true));
        }
        self.at += 2;
        let mut negative = false;
        let mut flag = false;
        while let Some(char) = self.char() {
            match char {
                'i' | 'm' | 's' | 'U' => flag = true,
                '-' if !negative => {
                    negative = true;
                    flag = false;
                }
                ':' | ')' if !negative || flag => return Ok((char == ':').then_some(false)),
                _ => break,
            }
        }
        let kind = match self.bytes.get(start + 2) {
            Some(b'=' | b'!' | b'<') => RegexErrorKind::Lookaround,
            None => RegexErrorKind::MissingParen,
            _ => RegexErrorKind::UnknownGroup,
        };
        let end = if rest.starts_with("(?<") { (start + 4).min(self.bytes.len()) } else { self.at };
        Self::error(start, end, kind)
    }

    /// A backslash outside a class.
    fn backslash(&mut self, group: &mut Group) -> Result<()> {
        let start = self.at;
        match self.peek(1) {
            Some(b'A' | b'z' | b'B') => {
                self.at += 2;
                group.push(Node::EMPTY);
            }
            Some(b'b') => {
                self.at += 2;
                group.push(Node::CHAR);
            }
            Some(b'Q') => {
                let literal = &self.pattern[start + 2..];
                let end = literal.find(r"\E");
                if end.is_none() {
                    self.unclosed_quote = Some(start);
                }
                let (literal, length) = end.map_or((literal, literal.len()), |end| (&literal[..end], end + 2));
                literal.chars().for_each(|_| group.push(Node::CHAR));
                self.at = start + 2 + length;
            }
            _ => {
                if !self.class_escape()? {
                    self.escape()?;
                }
                group.push(Node::CHAR);
            }
        }
        Ok(())
    }

    /// `\d`, `\pL`, `\p{Greek}`: whether there was one.
    fn class_escape(&mut self) -> Result<bool> {
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

    /// An escape that means one character.
    fn escape(&mut self) -> Result<char> {
        let start = self.at;
        self.at += 1;
        let Some(char) = self.char() else {
            return Self::error(start, self.at, RegexErrorKind::TrailingBackslash);
        };
        let octal = |byte: Option<u8>| byte.filter(|byte| matches!(byte, b'0'..=b'7'));
        let value = match char {
            '1'..='9' if octal(self.peek(0)).is_none() || char > '7' => {
                return Self::error(start, self.at, RegexErrorKind::Backreference);
            }
            '0'..='7' => {
                let mut value = char as u32 - '0' as u32;
                for _ in 1..3 {
                    let Some(digit) = octal(self.peek(0)) else { break };
                    value = value * 8 + u32::from(digit - b'0');
                    self.at += 1;
                }
                char::from_u32(value)
            }
            'x' => self.hex(),
            'a' => Some('\x07'),
            'f' => Some('\x0C'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'v' => Some('\x0B'),
            _ if char.is_ascii() && !char.is_ascii_alphanumeric() => Some(char),
            _ => None,
        };
        match value {
            Some(value) => Ok(value),
            None => Self::error(start, self.at, RegexErrorKind::InvalidEscape),
        }
    }

    /// The digits after `\x`.
    fn hex(&mut self) -> Option<char> {
        let first = self.char()?;
        if first != '{' {
            let high = first.to_digit(16)?;
            let low = self.char()?.to_digit(16)?;
            return char::from_u32(high * 16 + low);
        }
        let mut value = 0;
        let mut digits = false;
        loop {
            match self.char()? {
                '}' if digits => break,
                digit => value = value * 16 + digit.to_digit(16)?,
            }
            digits = true;
            if value > 0x10_FFFF {
                return None;
            }
        }
        // Go takes surrogates, which no text contains.
        Some(char::from_u32(value).unwrap_or('\u{FFFD}'))
    }

    /// `[...]`.
    fn class(&mut self) -> Result<()> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use RegexErrorKind as K;

    fn fault(pattern: &str) -> (&str, RegexErrorKind) {
        let error = validate(pattern).unwrap_err();
        (&pattern[error.start..error.end], error.kind)
    }

    #[test]
    fn valid() {
        for pattern in [
            "",
            "a|b|",
            "^$",
            "(?i)a",
            "a(?i)*",
            "(?i-s:a)",
            "(?)",
            "(?P<n>a)(?P<n>b)",
            "(?<n>a)",
            "a{,5}",
            "a{05}",
            "a{2",
            "{",
            "x{1000}",
            "x{2}y{1000}",
            "(x{10}){100}",
            "(a*)*",
            "^*",
            "[]a]",
            "[^]a]",
            "[a-]",
            "[-a]",
            "[a-b-c]",
            "[[:alpha:]]",
            "[[:^alpha:]]",
            "[[:a]",
            r"[\d\-\]]",
            r"\pN\p{Greek}\P{^Lu}\p{Any}",
            r"\Qa*(\E+",
            r"a\Qb[(",
            r"\x41\x{10FFFF}\012\0",
            r"\_\-\/\.",
            r"\A\z\b\B",
            "a*?b+?c??d{2}?",
            "]",
            "}",
        ] {
            assert_eq!(validate(pattern), Ok(()), "{pattern}");
        }
    }

    #[test]
    fn invalid() {
        for (pattern, at, kind) in [
            ("a(b", "(", K::MissingParen),
            ("a)b", ")", K::UnexpectedParen),
            ("a[b", "[", K::MissingBracket),
            ("[]", "[", K::MissingBracket),
            ("[z-a]", "z-a", K::InvalidRange),
            (r"[a-\d]", r"\d", K::InvalidEscape),
            ("[[:foo:]]", "[:foo:]", K::UnknownClass),
            (r"\p{Foo}", r"\p{Foo}", K::UnknownClass),
            (r"\pX", r"\pX", K::UnknownClass),
            (r"a\C", r"\C", K::InvalidEscape),
            (r"\Z", r"\Z", K::InvalidEscape),
            (r"\é", r"\é", K::InvalidEscape),
            (r"\xz", r"\xz", K::InvalidEscape),
            (r"(a)\1", r"\1", K::Backreference),
            (r"\p{greek}", r"\p{greek}", K::UnknownClass),
            (r"[\p{Letter}]", r"\p{Letter}", K::UnknownClass),
            (r"a\", r"\", K::TrailingBackslash),
            ("*a", "*", K::MissingRepeatArgument),
            ("a|*", "*", K::MissingRepeatArgument),
            (r"\Q\E*", "*", K::MissingRepeatArgument),
            ("a**", "**", K::NestedRepeat),
            ("a{2}{3}", "{2}{3}", K::NestedRepeat),
            ("a*+", "*+", K::NestedRepeat),
            ("a{1001}", "{1001}", K::RepeatSize),
            ("a{2,1}", "{2,1}", K::RepeatSize),
            ("(a{100}){100}", "{100}", K::RepeatSize),
            ("(?=a)", "(?=", K::Lookaround),
            ("(?<!a)", "(?<!", K::Lookaround),
            ("(?#a)", "(?#", K::UnknownGroup),
            ("(?i-)", "(?i-)", K::UnknownGroup),
            ("(?P<a b>c)", "(?P<a b>", K::InvalidGroupName),
            ("(?P<a", "(?P<a", K::InvalidGroupName),
        ] {
            assert_eq!(fault(pattern), (at, kind), "{pattern}");
        }
        let deep = format!("{}{}", "(".repeat(2000), ")".repeat(2000));
        assert_eq!(validate(&deep).unwrap_err().kind, K::NestingDepth);
        let large = format!("({}){{1000}}", "ab".repeat(5000));
        assert_eq!(validate(&large).unwrap_err().kind, K::TooLarge);
    }

    #[test]
    fn quotes_are_closed_where_the_pattern_is_wrapped() {
        assert_eq!(validate_wrapped(r"a\Qb\E"), Ok(()));
        let error = validate_wrapped(r"a\Qb").unwrap_err();
        assert_eq!((error.start, error.end, error.kind), (1, 3, K::UnclosedQuote));
    }

    #[test]
    fn groups_are_counted_and_named() {
        let pattern = r"(a)(?:b)(?<c>d(?P<e>f))\((?i:g)[(](?i)\Q(\E";
        assert_eq!(groups(pattern), [None, Some("c"), Some("e")]);
        assert_eq!(groups(r"\Q(a)"), [None; 0]);
    }

    #[test]
    fn empty_matches() {
        for pattern in ["", ".*", "a*", "a?", "a{0,3}", "(a|)", "a|", "^$", "()", r"\B", "(a*)(b?)", r"\Q\E"] {
            assert!(matches_empty(pattern), "{pattern}");
        }
        for pattern in [".", ".+", "a", "a*b", "(a|b)", r"\b", "a{1,}", "^a$", "[a]", "a(b*)", "("] {
            assert!(!matches_empty(pattern), "{pattern}");
        }
    }

    #[test]
    fn escaped_text_means_itself() {
        let mut out = String::new();
        escape("10.0.0.1:90 [a](b){c}^$|?*+\\é-", &mut out).unwrap();
        assert_eq!(out, r"10\.0\.0\.1:90 \[a\]\(b\)\{c\}\^\$\|\?\*\+\\é-");
        assert_eq!(validate(&out), Ok(()));
    }
}
