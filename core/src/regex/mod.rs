//! Regular expressions as Prometheus reads them: RE2 syntax by Go's `regexp/syntax` with Perl flags.
//!
//! [`validate`] checks whether Prometheus accepts a pattern. [`matches()`], [`matcher`] and [`matches_empty`] match texts,
//! [`texts`] and [`listed_texts`] return the texts that a pattern matches, [`groups`] and [`alternatives`] its parts.
//! [`escape`] turns text into a pattern.

mod class;
mod matching;
mod texts;
mod tree;
mod unicode;

use std::fmt::{self, Display, Formatter, Write};

pub use self::matching::{matcher, matches};
pub use self::texts::{alternatives, listed_texts, texts};
use self::tree::{Group, Node, Tree};

/// Why Prometheus rejects a pattern, and which bytes of it are at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegexError {
    /// First byte of the fault.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// The fault.
    pub kind: RegexErrorKind,
}

/// The fault of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RegexErrorKind {
    /// `(` without `)`.
    MissingParen,
    /// `)` without `(`.
    UnexpectedParen,
    /// `[` without `]`.
    MissingBracket,
    /// `[z-a]`, or a bound that is not a character.
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

/// Whether a text is a pattern that matches itself and nothing else.
#[must_use]
pub fn is_literal(text: &str) -> bool {
    !text.bytes().any(|byte| SPECIAL.contains(&byte))
}

/// The characters with a special meaning.
const SPECIAL: &[u8] = br"\.+*?()|[]{}^$";

/// Writes the pattern that matches `text` and nothing else, as RE2's `QuoteMeta`.
///
/// # Errors
///
/// Fails when the writer fails; a `String` never does.
pub fn escape(text: &str, out: &mut impl Write) -> fmt::Result {
    let mut plain = 0;
    for (at, byte) in text.bytes().enumerate() {
        if SPECIAL.contains(&byte) {
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

/// The tree of a pattern; `None` if the pattern is invalid, or has a part whose matches are not known.
fn tree(pattern: &str) -> Option<Tree> {
    let mut parser = Parser { is_matchable: true, ..Parser::new(pattern) };
    let tree = parser.parse().ok()?.tree;
    parser.is_matchable.then_some(tree)
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
    /// Whether a [`Tree`] is built: for [`matches()`], and as long as it supports all parts.
    is_matchable: bool,
}

type Result<T, E = RegexError> = std::result::Result<T, E>;

impl<'p> Parser<'p> {
    fn new(pattern: &'p str) -> Self {
        let bytes = pattern.as_bytes();
        let (groups, unclosed_quote) = (Vec::new(), None);
        Self { pattern, bytes, at: 0, no_posix_class: false, groups, unclosed_quote, is_matchable: false }
    }

    /// A part that is a character of some ranges.
    fn ranged(&self, ranges: tree::Ranges) -> Node {
        Node::char(if self.is_matchable { Tree::Char(ranges) } else { Tree::Empty })
    }

    /// A part that is this character.
    fn literal(&self, char: char) -> Node {
        self.ranged(if self.is_matchable { vec![(char.into(), char.into())] } else { Vec::new() })
    }

    /// A part that matches the empty string at some positions.
    fn anchor(&self, tree: Tree) -> Node {
        Node { tree: if self.is_matchable { tree } else { Tree::Empty }, ..Node::EMPTY }
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
                            group.start = self.at;
                        }
                    } else {
                        self.at += 1;
                        self.groups.push(None);
                        groups.push(std::mem::replace(&mut group, Group::new(start, true)));
                        group.start = self.at;
                    }
                }
                b')' => {
                    let Some(outer) = groups.pop() else {
                        return Self::error(start, start + 1, RegexErrorKind::UnexpectedParen);
                    };
                    self.at += 1;
                    let open = group.open;
                    let node = std::mem::replace(&mut group, outer).finish(start, self.is_matchable);
                    Self::check_size(&node, open, self.at)?;
                    group.push(node);
                }
                b'|' => {
                    self.at += 1;
                    group.end_alternative(start, self.is_matchable);
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
                        group.push(self.literal('{'));
                    }
                }
                _ => self.atom(byte, &mut group)?,
            }
            last_repeat = repeat;
        }
        if !groups.is_empty() {
            return Self::error(group.open, group.open + 1, RegexErrorKind::MissingParen);
        }
        let node = group.finish(self.at, self.is_matchable);
        Self::check_size(&node, 0, self.at)?;
        Ok(node)
    }

    /// A character, a class or an anchor.
    fn atom(&mut self, byte: u8, group: &mut Group) -> Result<()> {
        match byte {
            b'[' => {
                let ranges = self.class()?;
                group.push(self.ranged(ranges));
            }
            b'^' | b'$' => {
                self.at += 1;
                group.push(self.anchor(if byte == b'^' { Tree::Start } else { Tree::End }));
            }
            b'\\' => self.backslash(group)?,
            b'.' => {
                self.at += 1;
                // Prometheus' `.` also matches a line break.
                group.push(self.ranged(tree::complement(Vec::new())));
            }
            _ => {
                if let Some(char) = self.char() {
                    group.push(self.literal(char));
                }
            }
        }
        Ok(())
    }

    fn check_size(node: &Node, start: usize, end: usize) -> Result<()> {
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
        let Some(node) = group.last.take() else {
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
        let (empty, height, tree) = (node.empty || min == 0, node.height + 1, node.tree.repeat(min, max));
        let node = Node { empty, repeats, height, size, tree };
        Self::check_size(&node, start, self.at)?;
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

    /// Parses a group that starts with `(?`. Returns whether it captures, or `None` for flags alone.
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
                'i' | 'm' | 's' | 'U' => {
                    flag = true;
                    // The flag is set already, or has no effect on a pattern that matches whole texts.
                    self.is_matchable &= matches!(char, 's' | 'U') && !negative;
                }
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
            Some(byte @ (b'A' | b'z')) => {
                self.at += 2;
                group.push(self.anchor(if byte == b'A' { Tree::Start } else { Tree::End }));
            }
            Some(byte @ (b'b' | b'B')) => {
                self.at += 2;
                self.is_matchable = false;
                group.push(if byte == b'b' { Node::char(Tree::Empty) } else { Node::EMPTY });
            }
            Some(b'Q') => {
                let literal = &self.pattern[start + 2..];
                let end = literal.find(r"\E");
                if end.is_none() {
                    self.unclosed_quote = Some(start);
                }
                let (literal, length) = end.map_or((literal, literal.len()), |end| (&literal[..end], end + 2));
                literal.chars().for_each(|char| group.push(self.literal(char)));
                self.at = start + 2 + length;
            }
            _ => {
                let node = match self.class_escape()? {
                    Some(ranges) => self.ranged(ranges),
                    None => self.escape().map(|char| self.literal(char))?,
                };
                group.push(node);
            }
        }
        Ok(())
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
}

#[cfg(test)]
mod tests;
