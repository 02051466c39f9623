//! Matches values against the regular expressions of matchers.

use promql_presets_core::regex::validate;

/// Whether a pattern, anchored at both ends as in Prometheus, matches a text.
///
/// Returns `None` for long input, for patterns that take many steps, and for what patterns of values hardly have: flags,
/// Unicode classes, word boundaries, quoted text, and characters by number.
#[must_use]
pub fn matches(pattern: &str, text: &str) -> Option<bool> {
    if pattern.len() > MAX_PATTERN || text.len() > MAX_TEXT || validate(pattern).is_err() {
        return None;
    }
    let text: Vec<char> = text.chars().collect();
    let mut matcher = Matcher { rest: pattern, text: &text, steps: 0 };
    let ends = matcher.alternatives(1)?;
    Some(ends & matcher.end() != 0)
}

/// The alternatives of a pattern in which only `|` is special.
pub(super) fn alternatives(pattern: &str) -> Option<Vec<&str>> {
    let inner = pattern.strip_prefix('^').unwrap_or(pattern);
    let inner = inner.strip_suffix('$').unwrap_or(inner);
    let inner = inner.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(inner);
    let parts: Vec<&str> = inner.split('|').collect();
    parts.iter().all(|part| is_plain(part)).then_some(parts)
}

pub(super) fn is_plain(value: &str) -> bool {
    !value.contains(['.', '*', '+', '?', '(', ')', '[', ']', '{', '}', '|', '^', '$', '\\'])
}

const MAX_PATTERN: usize = 300;
/// [`Positions`] has a bit for each of its characters, and one for its end.
const MAX_TEXT: usize = 100;
const MAX_STEPS: u32 = 50_000;

/// A set of positions in the text: bit 0 is its start.
type Positions = u128;

/// Follows the pattern from all positions that it can have reached, at once.
struct Matcher<'a> {
    /// The pattern from here on.
    rest: &'a str,
    text: &'a [char],
    steps: u32,
}

/// The characters of a class: pairs of a first and a last one.
struct Class {
    pairs: String,
    is_negated: bool,
}

impl Class {
    /// The class of one character.
    fn of(c: char) -> Self {
        Self { pairs: String::from_iter([c, c]), is_negated: false }
    }

    /// `\d`, `\W` and the like.
    fn perl(letter: char) -> Option<Self> {
        let name = match letter.to_ascii_lowercase() {
            'd' => "digit",
            'w' => "word",
            's' => return Some(Self { pairs: "\t\n\x0C\r  ".to_owned(), is_negated: letter == 'S' }),
            _ => return None,
        };
        Some(Self { is_negated: letter.is_ascii_uppercase(), ..Self::posix(name)? })
    }

    /// What `[:name:]` contains.
    fn posix(name: &str) -> Option<Self> {
        let pairs = match name.trim_start_matches('^') {
            "alnum" => "09AZaz",
            "alpha" => "AZaz",
            "ascii" => "\0\x7F",
            "blank" => "\t\t  ",
            "cntrl" => "\0\x1F\x7F\x7F",
            "digit" => "09",
            "graph" => "!~",
            "lower" => "az",
            "print" => " ~",
            "punct" => "!/:@[`{~",
            "space" => "\t\r  ",
            "upper" => "AZ",
            "word" => "09AZ__az",
            "xdigit" => "09AFaf",
            _ => return None,
        };
        Some(Self { pairs: pairs.to_owned(), is_negated: name.starts_with('^') })
    }

    fn contains(&self, c: char) -> bool {
        let mut pairs = self.pairs.chars();
        while let (Some(first), Some(last)) = (pairs.next(), pairs.next()) {
            if first <= c && c <= last {
                return !self.is_negated;
            }
        }
        self.is_negated
    }
}

/// What one part of a pattern matches.
enum Part {
    /// A character of any of these classes, or of none.
    Char(Vec<Class>, bool),
    /// The empty string, at these positions.
    Empty(Positions),
}

impl Matcher<'_> {
    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        next
    }

    fn take(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// The position at the end of the text.
    fn end(&self) -> Positions {
        1 << self.text.len()
    }

    /// Where the rest of a group, or of the pattern, ends if it starts at these positions.
    fn alternatives(&mut self, starts: Positions) -> Option<Positions> {
        let (mut ends, mut reached) = (0, starts);
        while !self.rest.is_empty() && !self.rest.starts_with(')') {
            if self.take("|") {
                ends |= reached;
                reached = starts;
            } else {
                reached = self.repeated(reached)?;
            }
        }
        Some(ends | reached)
    }

    /// Where the next part and its repetitions end.
    fn repeated(&mut self, starts: Positions) -> Option<Positions> {
        let part = self.rest;
        let mut reached = self.part(starts)?;
        let Some((min, max)) = self.repetition() else { return Some(reached) };
        let rest = self.rest;
        let mut times = 1;
        if min == 0 {
            (reached, times) = (starts, 0);
        }
        let (mut ends, mut last) = (reached, reached);
        while last != 0 && times < max {
            self.rest = part;
            let next = self.part(last)?;
            times += 1;
            // Further repetitions of what is in the set already add nothing to it.
            (ends, last) = if times <= min { (next, next) } else { (ends | next, next & !ends) };
        }
        self.rest = rest;
        Some(ends)
    }

    /// `*`, `+`, `?` or `{2,5}`, which can be lazy.
    fn repetition(&mut self) -> Option<(u32, u32)> {
        let bounds = if self.take("*") {
            (0, u32::MAX)
        } else if self.take("+") {
            (1, u32::MAX)
        } else if self.take("?") {
            (0, 1)
        } else {
            let (bounds, rest) = self.rest.strip_prefix('{')?.split_once('}')?;
            let (min, max) = bounds.split_once(',').unwrap_or((bounds, bounds));
            let bounds = (min.parse().ok()?, if max.is_empty() { u32::MAX } else { max.parse().ok()? });
            self.rest = rest;
            bounds
        };
        self.take("?");
        Some(bounds)
    }

    /// Where the next part ends.
    fn part(&mut self, starts: Positions) -> Option<Positions> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return None;
        }
        if self.take("(") {
            if self.take("?P<") || self.take("?<") {
                while self.next()? != '>' {}
            } else if self.rest.starts_with('?') && !self.take("?:") && !self.take("?s:") {
                return None;
            }
            let ends = self.alternatives(starts)?;
            self.take(")");
            return Some(ends);
        }
        let (classes, is_negated) = match self.single()? {
            Part::Empty(positions) => return Some(starts & positions),
            Part::Char(classes, is_negated) => (classes, is_negated),
        };
        let mut ends = 0;
        for (at, c) in self.text.iter().enumerate() {
            if starts & (1 << at) != 0 && classes.iter().any(|class| class.contains(*c)) != is_negated {
                ends |= 2 << at;
            }
        }
        Some(ends)
    }

    /// A part that is no group.
    fn single(&mut self) -> Option<Part> {
        let class = match self.next()? {
            '^' => return Some(Part::Empty(1)),
            '$' => return Some(Part::Empty(self.end())),
            '[' => return self.class(),
            // Prometheus' `.` also matches a line break.
            '.' => Class { pairs: String::new(), is_negated: true },
            '\\' if self.take("A") => return Some(Part::Empty(1)),
            '\\' if self.take("z") => return Some(Part::Empty(self.end())),
            '\\' => self.escape()?,
            c => Class::of(c),
        };
        Some(Part::Char(vec![class], false))
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Option<Class> {
        let c = self.next()?;
        Class::perl(c).or_else(|| {
            Some(Class::of(match c {
                'a' => '\x07',
                'f' => '\x0C',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'v' => '\x0B',
                _ if c.is_ascii_punctuation() => c,
                _ => return None,
            }))
        })
    }

    /// What follows a bracket.
    fn class(&mut self) -> Option<Part> {
        let is_negated = self.take("^");
        let mut classes = Vec::new();
        while classes.is_empty() || !self.take("]") {
            if let Some((name, rest)) = self.rest.strip_prefix("[:").and_then(|rest| rest.split_once(":]")) {
                classes.push(Class::posix(name)?);
                self.rest = rest;
                continue;
            }
            let mut class = self.class_char()?;
            let is_char = class.pairs.chars().next() == class.pairs.chars().next_back();
            if is_char && self.rest.starts_with('-') && !self.rest.starts_with("-]") {
                self.next();
                class.pairs.pop();
                class.pairs.extend(self.class_char()?.pairs.pop());
            }
            classes.push(class);
        }
        Some(Part::Char(classes, is_negated))
    }

    fn class_char(&mut self) -> Option<Class> {
        match self.next()? {
            '\\' => self.escape(),
            c => Some(Class::of(c)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn anchored_matches() {
        for (pattern, text, expected) in [
            ("web-.*", "web-1", true),
            ("web-.*", "api-1", false),
            ("a.*", "ba", false),
            ("[2-4]", "5", false),
            ("[^2-4]", "5", true),
            ("[]a]+", "]a", true),
            ("[a-]", "-", true),
            ("5..|429", "503", true),
            ("5..|429", "429", true),
            ("5..|429", "5030", false),
            (".+", "", false),
            (".", "\n", true),
            ("^(a|b)$", "b", true),
            ("(?:a|b)c?", "bc", true),
            ("(?P<x>a){2,3}", "aaaa", false),
            ("(?P<x>a){2,3}", "aaa", true),
            ("a{2,}", "aaaaa", true),
            ("a{2}", "aaa", false),
            (r"\d+\.\d+", "10.5", true),
            (r"[\d.]+", "10.5", true),
            (r"\d", "\u{664}", false),
            ("(a*)*b", "aaab", true),
            ("((a?)+|b)*", "abab", true),
            ("a*?b", "aab", true),
            ("|a", "", true),
            ("[[:alpha:]]", "a", true),
            ("[^[:^digit:]a]", "1", true),
            (r"[^\D5]", "4", true),
            ("[[a]", "[", true),
            (r"[\d-z]", "a", false),
            ("[a-c-]", "b", true),
            ("a{,5}", "a{,5}", true),
            ("a{0}b", "b", true),
            ("(ab){2,3}(?:c|)", "abababc", true),
            ("(?s:.)x{2,}?", "éxxx", true),
            (r"\Aa\S\z", "ab", true),
            (r"[\]\-]+", "-]", true),
        ] {
            assert_eq!(matches(pattern, text), Some(expected), "{pattern} {text}");
        }
        for unknown in ["(?i)a", r"\pL", r"\Qa\E", r"\x61", r"a\b", "["] {
            assert_eq!(matches(unknown, "a"), None, "{unknown}");
        }
    }

    #[test]
    fn nested_repetitions_take_little_time() {
        let start = std::time::Instant::now();
        for pattern in ["(x+x+)+y", "((((a{9}){9}){9}){9}){9}"] {
            let _ = matches(pattern, &"x".repeat(100));
        }
        let nested = format!("{}a{}b", "(".repeat(40), "*)*".repeat(40));
        let _ = matches(&nested, &"a".repeat(90));
        assert!(start.elapsed().as_secs() < 5);
    }
}
