//! Matches text against patterns.

use super::tree;
use super::tree::Tree;

/// Whether a pattern, anchored at both ends as Prometheus does it, matches a text.
///
/// Returns `None` for invalid patterns, for long patterns and texts, for patterns that take many steps, and for syntax that
/// is rare in patterns of values: the flags `i` and `m`, Unicode classes, and word boundaries.
///
/// ```
/// use promql_presets_core::regex::matches;
///
/// assert_eq!(matches("5..|429", "503"), Some(true));
/// assert_eq!(matches("5..", "5030"), Some(false));
/// ```
#[must_use]
pub fn matches(pattern: &str, text: &str) -> Option<bool> {
    matcher(pattern)(text)
}

/// [`matches()`] for several texts: the pattern is parsed once.
pub fn matcher(pattern: &str) -> impl Fn(&str) -> Option<bool> {
    let tree = if pattern.len() > MAX_PATTERN { None } else { tree(pattern) };
    move |text| {
        let tree = tree.as_ref().filter(|_| text.len() <= MAX_TEXT)?;
        let text: Vec<u32> = text.chars().map(u32::from).collect();
        let end = 1 << text.len();
        let ends = Matcher { text: &text, end, steps: 0 }.ends(tree, 1)?;
        Some(ends & end != 0)
    }
}

const MAX_PATTERN: usize = 300;
/// [`Positions`] has a bit for each of its characters, and one for its end.
const MAX_TEXT: usize = 100;
const MAX_STEPS: u32 = 50_000;

/// A set of positions in the text: bit 0 is its start.
type Positions = u128;

/// Follows the pattern from all positions that it can have reached at the same time.
struct Matcher<'t> {
    text: &'t [u32],
    /// The position at the end of the text.
    end: Positions,
    steps: u32,
}

impl Matcher<'_> {
    /// The positions at which a part of the pattern can end if it starts at these.
    fn ends(&mut self, tree: &Tree, starts: Positions) -> Option<Positions> {
        self.steps += 1;
        if self.steps > MAX_STEPS {
            return None;
        }
        Some(match tree {
            Tree::Empty => starts,
            Tree::Start => starts & 1,
            Tree::End => starts & self.end,
            Tree::Char(ranges) => {
                let is_match = |char: u32| ranges.iter().any(|&(first, last)| first <= char && char <= last);
                let at = |(at, char): (usize, &u32)| if starts >> at & 1 != 0 && is_match(*char) { 2 << at } else { 0 };
                self.text.iter().enumerate().map(at).fold(0, |ends, end| ends | end)
            }
            Tree::Sequence(parts) => {
                let mut reached = starts;
                for part in parts {
                    if reached == 0 {
                        break;
                    }
                    reached = self.ends(part, reached)?;
                }
                reached
            }
            Tree::Alternatives(parts) => {
                parts.iter().try_fold(0, |ends, part| Some(ends | self.ends(&part.tree, starts)?))?
            }
            Tree::Repeat(part, min, max) => {
                let (mut ends, mut last, mut times) = (if *min == 0 { starts } else { 0 }, starts, 0);
                while last != 0 && max.is_none_or(|max| times < max) {
                    let next = self.ends(part, last)?;
                    times += 1;
                    // Repetitions from positions that are in the set already add nothing.
                    (ends, last) = if times < *min { (0, next) } else { (ends | next, next & !ends) };
                }
                ends
            }
        })
    }
}
