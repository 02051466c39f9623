//! Whether a regular expression matches a text, for expressions as they stand in queries.

/// Whether an expression, anchored at both ends as Prometheus does it, matches a text. `None` where it has parts that
/// are rare in queries (flags, Unicode classes, word boundaries), and where it takes too long to say.
pub(super) fn matches(pattern: &str, text: &str) -> Option<bool> {
    if pattern.len() > MAX_PATTERN || text.len() > MAX_TEXT {
        return None;
    }
    let mut parser = Parser { rest: pattern, depth: 0 };
    let node = parser.alternatives()?;
    if !parser.rest.is_empty() {
        return None;
    }
    let text: Vec<char> = text.chars().collect();
    let mut starts = vec![false; text.len() + 1];
    starts[0] = true;
    let mut matcher = Matcher { text: &text, steps: 0 };
    Some(matcher.ends(&node, starts)?[text.len()])
}

const MAX_PATTERN: usize = 300;
const MAX_TEXT: usize = 100;
const MAX_DEPTH: usize = 50;
const MAX_STEPS: usize = 2_000;

enum Node {
    /// One character of these ranges, or one of no other.
    Class(Vec<(char, char)>, bool),
    Start,
    End,
    Sequence(Vec<Node>),
    Alternatives(Vec<Node>),
    Repeat(Box<Node>, u32, Option<u32>),
}

const DIGITS: &[(char, char)] = &[('0', '9')];
const WORD: &[(char, char)] = &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];
const SPACE: &[(char, char)] = &[('\t', '\n'), ('\x0C', '\r'), (' ', ' ')];

struct Parser<'p> {
    rest: &'p str,
    depth: usize,
}

impl Parser<'_> {
    fn eat(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn char(&mut self) -> Option<char> {
        let char = self.rest.chars().next()?;
        self.rest = &self.rest[char.len_utf8()..];
        Some(char)
    }

    fn alternatives(&mut self) -> Option<Node> {
        let mut found = Vec::new();
        loop {
            let mut sequence = Vec::new();
            while !self.rest.is_empty() && !self.rest.starts_with(['|', ')']) {
                let node = self.atom()?;
                sequence.push(self.repeated(node)?);
            }
            found.push(Node::Sequence(sequence));
            if !self.eat("|") {
                return Some(Node::Alternatives(found));
            }
        }
    }

    fn repeated(&mut self, node: Node) -> Option<Node> {
        let (min, max) = match self.rest.as_bytes().first() {
            Some(b'*') => (0, None),
            Some(b'+') => (1, None),
            Some(b'?') => (0, Some(1)),
            Some(b'{') => return self.counted(node),
            _ => return Some(node),
        };
        self.char();
        // How much it would rather match says nothing about whether it does.
        self.eat("?");
        Some(Node::Repeat(Box::new(node), min, max))
    }

    fn counted(&mut self, node: Node) -> Option<Node> {
        let (bounds, rest) = self.rest[1..].split_once('}')?;
        // `a{05}` is what it is, and no repetition.
        let count = |text: &str| text.parse().ok().filter(|_| text == "0" || !text.starts_with(['0', '+']));
        let (min, max) = match bounds.split_once(',') {
            None => (count(bounds)?, Some(count(bounds)?)),
            Some((min, "")) => (count(min)?, None),
            Some((min, max)) => (count(min)?, Some(count(max)?)),
        };
        self.rest = rest;
        self.eat("?");
        Some(Node::Repeat(Box::new(node), min, max))
    }

    fn atom(&mut self) -> Option<Node> {
        match self.char()? {
            '.' => Some(Node::Class(Vec::new(), true)),
            '^' => Some(Node::Start),
            '$' => Some(Node::End),
            '[' => self.class(),
            '(' => self.group(),
            '\\' => self.escape().map(|(class, negated)| Node::Class(class, negated)),
            '*' | '+' | '?' => None,
            char => Some(Node::Class(vec![(char, char)], false)),
        }
    }

    fn group(&mut self) -> Option<Node> {
        if self.eat("?") && !self.eat(":") {
            if !self.eat("P<") && !self.eat("<") {
                return None;
            }
            self.rest = self.rest.split_once('>')?.1;
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        let node = self.alternatives()?;
        self.depth -= 1;
        self.eat(")").then_some(node)
    }

    fn class(&mut self) -> Option<Node> {
        let negated = self.eat("^");
        let mut ranges = Vec::new();
        let mut first = true;
        while first || !self.eat("]") {
            first = false;
            if self.rest.starts_with("[:") {
                return None;
            }
            let low = match self.char()? {
                '\\' => match self.escape()? {
                    (class, false) if class.len() == 1 && class[0].0 == class[0].1 => class[0].0,
                    (class, false) => {
                        ranges.extend(class);
                        continue;
                    }
                    (_, true) => return None,
                },
                char => char,
            };
            let mut high = low;
            if self.rest.starts_with('-') && !self.rest.starts_with("-]") {
                self.char();
                high = self.char().filter(|char| *char != '\\')?;
            }
            ranges.push((low, high));
        }
        Some(Node::Class(ranges, negated))
    }

    /// What follows a backslash.
    fn escape(&mut self) -> Option<(Vec<(char, char)>, bool)> {
        let char = self.char()?;
        Some(match char {
            'd' | 'D' => (DIGITS.to_vec(), char == 'D'),
            'w' | 'W' => (WORD.to_vec(), char == 'W'),
            's' | 'S' => (SPACE.to_vec(), char == 'S'),
            _ if char.is_ascii_punctuation() => (vec![(char, char)], false),
            _ => return None,
        })
    }
}

struct Matcher<'t> {
    text: &'t [char],
    steps: usize,
}

impl Matcher<'_> {
    /// Where matches end that start at any of these places.
    fn ends(&mut self, node: &Node, starts: Vec<bool>) -> Option<Vec<bool>> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return None;
        }
        Some(match node {
            Node::Class(ranges, negated) => {
                let mut ends = vec![false; starts.len()];
                for (at, char) in self.text.iter().enumerate().filter(|(at, _)| starts[*at]) {
                    ends[at + 1] = ranges.iter().any(|(low, high)| (low..=high).contains(&char)) != *negated;
                }
                ends
            }
            Node::Start => starts.iter().enumerate().map(|(at, start)| *start && at == 0).collect(),
            Node::End => starts.iter().enumerate().map(|(at, start)| *start && at == self.text.len()).collect(),
            Node::Sequence(nodes) => nodes.iter().try_fold(starts, |starts, node| self.ends(node, starts))?,
            Node::Alternatives(nodes) => {
                let mut ends = vec![false; starts.len()];
                for node in nodes {
                    add(&mut ends, &self.ends(node, starts.clone())?);
                }
                ends
            }
            Node::Repeat(node, min, max) => {
                let mut last = starts;
                for _ in 0..*min {
                    last = self.ends(node, last)?;
                }
                let mut ends = last.clone();
                let mut times = *min;
                while max.is_none_or(|max| times < max) {
                    last = self.ends(node, last)?;
                    if !add(&mut ends, &last) {
                        break;
                    }
                    times += 1;
                }
                ends
            }
        })
    }
}

/// Adds places, and says whether one of them is new.
fn add(places: &mut [bool], others: &[bool]) -> bool {
    let mut new = false;
    for (place, other) in places.iter_mut().zip(others) {
        new |= *other && !*place;
        *place |= other;
    }
    new
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
            ("^(a|b)$", "b", true),
            ("(?:a|b)c?", "bc", true),
            ("(?P<x>a){2,3}", "aaaa", false),
            ("(?P<x>a){2,3}", "aaa", true),
            ("a{2,}", "aaaaa", true),
            ("a{2}", "aaa", false),
            (r"\d+\.\d+", "10.5", true),
            (r"[\d.]+", "10.5", true),
            (r"\S*", "a b", false),
            ("(a*)*b", "aaab", true),
            ("((a?)+|b)*", "abab", true),
            ("a*?b", "aab", true),
            ("|a", "", true),
        ] {
            assert_eq!(matches(pattern, text), Some(expected), "{pattern} {text}");
        }
        for unknown in ["(?i)a", r"\pL", r"a\b", "[[:alpha:]]", r"\Qa\E", r"\x41"] {
            assert_eq!(matches(unknown, "a"), None, "{unknown}");
        }
        // Whatever nests is given up on rather than followed.
        assert_eq!(matches(&format!("{}a{}b", "(".repeat(40), "*)*".repeat(40)), &"a".repeat(90)), None);
    }
}
