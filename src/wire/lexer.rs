//! Reads JSON from chunks as events.
//!
//! It implements the grammar of JSON alone. Only a token at the end of a chunk is copied, until it is complete. Nesting
//! is a stack of bits, so its depth is bounded and needs no recursion.

use std::borrow::Cow;

use super::error::Fault;
use super::fast_path::plain_length;

/// The deepest nesting of arrays and objects.
const MAX_DEPTH: u32 = 127;

/// The most bytes of a string or a number. No label is longer, and a string without an end must not fill the memory.
const MAX_TOKEN: usize = 1 << 20;

/// A token of JSON that has a meaning of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event<'a> {
    OpenObject,
    OpenArray,
    /// The end of the innermost object or array.
    Close,
    Key(Raw<'a>),
    Text(Raw<'a>),
    Number(&'a [u8]),
    True,
    False,
    Null,
}

/// The text between the quotes of a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Raw<'a> {
    bytes: &'a [u8],
    has_escapes: bool,
}

impl<'a> Raw<'a> {
    /// Whether the text is written without escapes.
    pub(super) fn is_plain(self) -> bool {
        !self.has_escapes
    }

    pub(super) fn text(self) -> Result<Cow<'a, str>, Fault> {
        let text = std::str::from_utf8(self.bytes).map_err(|_| Fault::Expected("a string in UTF-8"))?;
        if self.has_escapes { unescape(text).map(Cow::Owned) } else { Ok(Cow::Borrowed(text)) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// A value, or the end of an empty array.
    ValueOrEnd,
    Value,
    /// A key, or the end of an empty object.
    KeyOrEnd,
    Key,
    Colon,
    CommaOrEnd,
    End,
}

/// The kind of the token at the end of the last chunk, if it is incomplete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cut {
    None,
    Text { has_escapes: bool, after_backslash: bool },
    Number,
    Word,
}

#[derive(Debug)]
pub(super) struct Lexer {
    next: Next,
    /// One bit for each open array (0) or object (1), the innermost lowest.
    nesting: u128,
    depth: u32,
    cut: Cut,
    /// The bytes of the incomplete token.
    kept: Vec<u8>,
    /// The offset of the chunk in the body.
    chunk_start: u64,
    /// The offset of the last token in the body.
    token_start: u64,
}

impl Lexer {
    pub(super) fn new() -> Self {
        Self {
            next: Next::Value,
            nesting: 0,
            depth: 0,
            cut: Cut::None,
            kept: Vec::new(),
            chunk_start: 0,
            token_start: 0,
        }
    }

    /// Sets the offset in the body of the next chunk.
    pub(super) fn start_chunk(&mut self, start: u64) {
        self.chunk_start = start;
    }

    /// The next event of the chunk from `at` on; `None` at its end.
    pub(super) fn next<'a>(&'a mut self, chunk: &'a [u8], at: &mut usize) -> Result<Option<Event<'a>>, Fault> {
        match self.cut {
            Cut::None => self.kept.clear(),
            Cut::Text { has_escapes, after_backslash } => {
                return self.text(chunk, at, *at, has_escapes, after_backslash);
            }
            Cut::Number => return self.number(chunk, at, *at),
            Cut::Word => return self.word(chunk, at),
        }
        while let Some(&byte) = chunk.get(*at) {
            self.token_start = self.chunk_start + *at as u64;
            match (byte, self.next) {
                (b' ' | b'\n' | b'\r' | b'\t', _) => *at += 1,
                (b',', Next::CommaOrEnd) => {
                    *at += 1;
                    self.next = if self.in_object() { Next::Key } else { Next::Value };
                }
                (b':', Next::Colon) => {
                    *at += 1;
                    self.next = Next::Value;
                }
                (b'"', Next::Key | Next::KeyOrEnd | Next::Value | Next::ValueOrEnd) => {
                    *at += 1;
                    return self.text(chunk, at, *at, false, false);
                }
                (b'{' | b'[', Next::Value | Next::ValueOrEnd) => {
                    *at += 1;
                    return self.open(byte == b'{').map(Some);
                }
                (b'}', Next::KeyOrEnd | Next::CommaOrEnd) if self.in_object() => {
                    *at += 1;
                    return Ok(Some(self.close()));
                }
                (b']', Next::ValueOrEnd | Next::CommaOrEnd) if !self.in_object() && self.depth > 0 => {
                    *at += 1;
                    return Ok(Some(self.close()));
                }
                (b'-' | b'0'..=b'9', Next::Value | Next::ValueOrEnd) => return self.number(chunk, at, *at),
                (b't' | b'f' | b'n', Next::Value | Next::ValueOrEnd) => return self.word(chunk, at),
                _ => return Err(Fault::Expected(self.expectation())),
            }
        }
        Ok(None)
    }

    /// Whether the document is complete.
    pub(super) fn is_done(&self) -> bool {
        self.next == Next::End
    }

    /// Whether a value may begin at `at`, after a colon or a comma, which is skipped.
    #[inline]
    pub(super) fn is_at_value(&mut self, chunk: &[u8], at: &mut usize) -> bool {
        if self.cut != Cut::None {
            return false;
        }
        match (self.next, chunk.get(*at)) {
            (Next::Value | Next::ValueOrEnd, _) => return true,
            (Next::Colon, Some(b':')) => {}
            (Next::CommaOrEnd, Some(b',')) if !self.in_object() => {}
            _ => return false,
        }
        *at += 1;
        self.next = Next::Value;
        true
    }

    /// Whether a key may begin at `at`, after a comma, which is skipped.
    pub(super) fn is_at_key(&mut self, chunk: &[u8], at: &mut usize) -> bool {
        if self.cut != Cut::None {
            return false;
        }
        match (self.next, chunk.get(*at)) {
            (Next::Key | Next::KeyOrEnd, _) => return true,
            (Next::CommaOrEnd, Some(b',')) if self.in_object() => {}
            _ => return false,
        }
        *at += 1;
        self.next = Next::Key;
        true
    }

    /// Continues after a field that the caller has read, with the comma behind it if there was one.
    pub(super) fn skipped_field(&mut self, with_comma: bool) {
        self.next = if with_comma { Next::Key } else { Next::CommaOrEnd };
    }

    /// Continues after a value that the caller has read, with the comma behind it if there was one.
    pub(super) fn skipped_value(&mut self, with_comma: bool) {
        self.next = if with_comma { Next::Value } else { Next::CommaOrEnd };
    }

    /// Continues at a token that the caller has read.
    pub(super) fn skipped_token(&mut self, at: usize) {
        self.token_start = self.chunk_start + at as u64;
    }

    /// The offset of the last token in the body, and the rest of the chunk from there.
    pub(super) fn last_token<'a>(&'a self, chunk: &'a [u8]) -> (u64, &'a [u8]) {
        let in_chunk = self.token_start.checked_sub(self.chunk_start).and_then(|at| usize::try_from(at).ok());
        (self.token_start, in_chunk.and_then(|at| chunk.get(at..)).unwrap_or(&self.kept))
    }

    /// The tokens that may follow, for messages.
    pub(super) fn expectation(&self) -> &'static str {
        match (self.cut, self.next) {
            (Cut::Text { .. }, _) => "the end of a string",
            (Cut::Number | Cut::Word, _) => "the rest of the value",
            (Cut::None, Next::Value | Next::ValueOrEnd) if self.depth == 0 => "a JSON object",
            (Cut::None, Next::Value) => "a value",
            (Cut::None, Next::ValueOrEnd) => "a value or `]`",
            (Cut::None, Next::Key) => "a key",
            (Cut::None, Next::KeyOrEnd) => "a key or `}`",
            (Cut::None, Next::Colon) => "`:`",
            (Cut::None, Next::CommaOrEnd) if self.in_object() => "`,` or `}`",
            (Cut::None, Next::CommaOrEnd) => "`,` or `]`",
            (Cut::None, Next::End) => "the end of the body",
        }
    }

    fn in_object(&self) -> bool {
        self.depth > 0 && self.nesting & 1 == 1
    }

    /// Enters an object or an array, whether the lexer or the caller has read its start.
    pub(super) fn open(&mut self, object: bool) -> Result<Event<'static>, Fault> {
        if self.depth == MAX_DEPTH {
            return Err(Fault::Expected("less than 128 levels of nesting"));
        }
        self.depth += 1;
        self.nesting = self.nesting << 1 | u128::from(object);
        self.next = if object { Next::KeyOrEnd } else { Next::ValueOrEnd };
        Ok(if object { Event::OpenObject } else { Event::OpenArray })
    }

    /// Leaves an object or an array, whether the lexer or the caller has read its end.
    pub(super) fn close(&mut self) -> Event<'static> {
        self.depth -= 1;
        self.nesting >>= 1;
        self.after_value();
        Event::Close
    }

    fn after_value(&mut self) {
        self.next = if self.depth == 0 { Next::End } else { Next::CommaOrEnd };
    }

    /// Continues a string, up to and including its closing quote.
    fn text<'a>(
        &'a mut self,
        chunk: &'a [u8],
        at: &mut usize,
        start: usize,
        mut has_escapes: bool,
        mut after_backslash: bool,
    ) -> Result<Option<Event<'a>>, Fault> {
        loop {
            if !after_backslash {
                *at += plain_length(&chunk[*at..]);
            }
            let Some(&byte) = chunk.get(*at) else { break };
            match byte {
                0..0x20 => {
                    return Err(Fault::Expected("an escape instead of a control character"));
                }
                _ if after_backslash => after_backslash = false,
                b'"' => {
                    let rest = &chunk[start..*at];
                    self.check_length(rest)?;
                    *at += 1;
                    self.cut = Cut::None;
                    let is_key = matches!(self.next, Next::Key | Next::KeyOrEnd);
                    if is_key {
                        self.next = Next::Colon;
                    } else {
                        self.after_value();
                    }
                    let raw = Raw { bytes: whole(&mut self.kept, rest), has_escapes };
                    return Ok(Some(if is_key { Event::Key(raw) } else { Event::Text(raw) }));
                }
                b'\\' => (has_escapes, after_backslash) = (true, true),
                _ => {}
            }
            *at += 1;
        }
        self.check_length(&chunk[start..])?;
        self.kept.extend_from_slice(&chunk[start..]);
        self.cut = Cut::Text { has_escapes, after_backslash };
        Ok(None)
    }

    /// Continues a number, up to the first byte that cannot be part of one.
    fn number<'a>(&'a mut self, chunk: &'a [u8], at: &mut usize, start: usize) -> Result<Option<Event<'a>>, Fault> {
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E');
        *at += chunk[start..].iter().take_while(|byte| is_part(byte)).count();
        self.check_length(&chunk[start..*at])?;
        if *at == chunk.len() {
            self.kept.extend_from_slice(&chunk[start..]);
            self.cut = Cut::Number;
            return Ok(None);
        }
        self.cut = Cut::None;
        self.after_value();
        let number = whole(&mut self.kept, &chunk[start..*at]);
        if is_json_number(number) { Ok(Some(Event::Number(number))) } else { Err(Fault::Expected("a number")) }
    }

    fn check_length(&self, rest: &[u8]) -> Result<(), Fault> {
        if self.kept.len() + rest.len() > MAX_TOKEN {
            return Err(Fault::Expected("a string or a number of at most 1 MiB"));
        }
        Ok(())
    }

    /// Continues `true`, `false` or `null`.
    fn word<'a>(&'a mut self, chunk: &'a [u8], at: &mut usize) -> Result<Option<Event<'a>>, Fault> {
        while let Some(&byte) = chunk.get(*at) {
            *at += 1;
            self.kept.push(byte);
            let event = match self.kept.as_slice() {
                b"true" => Event::True,
                b"false" => Event::False,
                b"null" => Event::Null,
                kept if [&b"true"[..], b"false", b"null"].iter().any(|word| word.starts_with(kept)) => continue,
                _ => return Err(Fault::Expected("a value")),
            };
            self.cut = Cut::None;
            self.after_value();
            return Ok(Some(event));
        }
        self.cut = Cut::Word;
        Ok(None)
    }
}

/// A token from its bytes of earlier chunks and the rest of it.
fn whole<'a>(kept: &'a mut Vec<u8>, rest: &'a [u8]) -> &'a [u8] {
    if kept.is_empty() {
        return rest;
    }
    kept.extend_from_slice(rest);
    kept
}

fn is_json_number(text: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let text = text.strip_prefix(b"-").unwrap_or(text);
    let integer = digits(text);
    if integer == 0 || (integer > 1 && text[0] == b'0') {
        return false;
    }
    let mut text = &text[integer..];
    if let Some(fraction) = text.strip_prefix(b".") {
        let decimals = digits(fraction);
        if decimals == 0 {
            return false;
        }
        text = &fraction[decimals..];
    }
    match text {
        [] => true,
        [b'e' | b'E', b'+' | b'-', exponent @ ..] | [b'e' | b'E', exponent @ ..] => {
            !exponent.is_empty() && digits(exponent) == exponent.len()
        }
        _ => false,
    }
}

fn unescape(text: &str) -> Result<String, Fault> {
    const FAULT: Fault = Fault::Expected("a valid escape in a string");
    let mut plain = String::with_capacity(text.len());
    let mut parts = text.split('\\');
    plain.push_str(parts.next().unwrap_or_default());
    while let Some(part) = parts.next() {
        let Some(letter) = part.chars().next() else {
            // Two backslashes in a row: the text after the second one is as it is.
            plain.push('\\');
            plain.push_str(parts.next().ok_or(FAULT)?);
            continue;
        };
        let mut rest = &part[letter.len_utf8()..];
        plain.push(match letter {
            '"' => '"',
            '/' => '/',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => {
                let (unit, after) = hex_unit(rest).ok_or(FAULT)?;
                rest = after;
                if (0xD800..0xDC00).contains(&unit) {
                    // A pair of surrogates, the second of which is the next part.
                    let second = parts.next().filter(|_| rest.is_empty()).and_then(|part| part.strip_prefix('u'));
                    let (low, after) = second.and_then(hex_unit).ok_or(FAULT)?;
                    rest = after;
                    if !(0xDC00..0xE000).contains(&low) {
                        return Err(FAULT);
                    }
                    char::from_u32(0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00)).ok_or(FAULT)?
                } else {
                    char::from_u32(unit).ok_or(FAULT)?
                }
            }
            _ => return Err(FAULT),
        });
        plain.push_str(rest);
    }
    Ok(plain)
}

fn hex_unit(text: &str) -> Option<(u32, &str)> {
    let (hex, rest) = text.split_at_checked(4)?;
    let unit = hex.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u32::from_str_radix(hex, 16).ok())??;
    Some((unit, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_json(text: &[u8]) -> bool {
        let (mut lexer, mut at) = (Lexer::new(), 0);
        loop {
            match lexer.next(text, &mut at) {
                Ok(Some(Event::Key(raw) | Event::Text(raw))) if raw.text().is_err() => return false,
                Ok(Some(_)) => {}
                Ok(None) => return lexer.is_done(),
                Err(_) => return false,
            }
        }
    }

    #[test]
    fn the_grammar_is_that_of_serde_json() {
        for text in [
            r"{}",
            r#" { "a" : [ 1 , 2.5e-3 , -0 , true , false , null , { } , [ ] ] } "#,
            r#"{"a":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"}"#,
            r#"{"a\u0062":1}"#,
            r#"{"a":"\\\\"}"#,
            r#"{"a":"\\"}"#,
            r"{,}",
            r#"{"a"}"#,
            r#"{"a":}"#,
            r#"{"a":1,}"#,
            r#"{"a" 1}"#,
            r#"{"a":1 "b":2}"#,
            r"[1,]",
            r"[,1]",
            r"[1 2]",
            r"[1}",
            r#"{"a":1]"#,
            r#"{"a":1}}"#,
            r"[]]",
            r"[01]",
            r"[-]",
            r"[1.]",
            r"[1e]",
            r"[1e+]",
            r"[1-2]",
            r"[+1]",
            r"[.5]",
            r"[truE]",
            r"[tru]",
            r"[truee]",
            r"[nullnull]",
            r#"["\x"]"#,
            r#"["\u12"]"#,
            r#"["\u+123"]"#,
            r#"["\ud800"]"#,
            r#"["\ud800\u0041"]"#,
            r#"["\ud800x\udc00"]"#,
            r#"["\udc00"]"#,
            r#"["\"]"#,
            "[\"a\nb\"]",
            "[\"a\\\nb\"]",
            "\u{feff}{}",
            "{}x",
            "[\u{a0}]",
            "",
        ] {
            let expected = serde_json::from_str::<serde_json::Value>(text).is_ok();
            assert_eq!(is_json(text.as_bytes()), expected, "{text}");
        }
        assert!(!is_json(b"[\"\xff\"]"));
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
        assert!(is_json(&nested(127)));
        assert!(!is_json(&nested(128)));
        assert!(!is_json(&vec![b'['; 1_000_000]));
    }

    #[test]
    fn escapes_become_characters() {
        let text = |bytes| Raw { bytes, has_escapes: true }.text().map(Cow::into_owned);
        assert_eq!(text(br#"a\"b\\c\\\\d\u0041\ud83d\ude00\n\/"#).as_deref(), Ok("a\"b\\c\\\\dA😀\n/"));
        assert_eq!(text(br"\\u0041").as_deref(), Ok("\\u0041"));
        assert!(text(br"\uD83D\n").is_err());
    }
}
