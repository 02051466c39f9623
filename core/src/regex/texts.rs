//! The texts and alternatives that a pattern lists.

use super::tree;
use super::tree::{Alternative, Ranges, Tree};

/// The alternatives of a pattern as written: `a.*` and `b` of `^(a.*|b)$`. The whole pattern is the only alternative if it
/// is not a list, is invalid, or has flags for all alternatives.
///
/// ```
/// use promql_presets_core::regex::alternatives;
///
/// assert_eq!(alternatives("^(a.*|b)$"), ["a.*", "b"]);
/// assert_eq!(alternatives("a(b|c)"), ["a(b|c)"]);
/// ```
#[must_use]
pub fn alternatives(pattern: &str) -> Vec<&str> {
    match tree(pattern).map(|tree| without_anchors(tree, true, true)) {
        Some(Some(Tree::Alternatives(parts))) => parts.iter().map(|part| &pattern[part.span.clone()]).collect(),
        _ => vec![pattern],
    }
}

/// The texts that a pattern lists: `1.0` and `b` of `1\.0|b`. `None` if an alternative does not match exactly one text.
#[must_use]
pub fn listed_texts(pattern: &str) -> Option<Vec<String>> {
    let mut listed = Vec::new();
    for part in alternatives(pattern) {
        let [text] = texts(part)?.try_into().ok()?;
        listed.push(text);
    }
    Some(listed)
}

/// All texts that a pattern matches: `50`, `51` and `x` of `5[01]|x`. `None` for patterns that are invalid, match very many
/// texts, or are not supported by [`matches`](super::matches()).
#[must_use]
pub fn texts(pattern: &str) -> Option<Vec<String>> {
    texts_of(tree(pattern)?, true, true)
}

const MAX_TEXTS: usize = 10_000;

/// The tree without anchors at the start and end of the pattern, where they have no effect. `None` if an anchor is
/// elsewhere in a sequence.
fn without_anchors(tree: Tree, at_start: bool, at_end: bool) -> Option<Tree> {
    match tree {
        Tree::Start => at_start.then_some(Tree::Empty),
        Tree::End => at_end.then_some(Tree::Empty),
        Tree::Sequence(mut parts) => {
            let starts = parts.iter().take_while(|part| at_start && matches!(part, Tree::Start)).count();
            parts.drain(..starts);
            while at_end && matches!(parts.last(), Some(Tree::End)) {
                parts.pop();
            }
            let is_anchor = |part: &Tree| matches!(part, Tree::Start | Tree::End);
            match parts.len() {
                _ if parts.iter().any(is_anchor) => None,
                0 => Some(Tree::Empty),
                1 => parts.pop(),
                _ => Some(Tree::Sequence(parts)),
            }
        }
        tree => Some(tree),
    }
}

fn texts_of(tree: Tree, at_start: bool, at_end: bool) -> Option<Vec<String>> {
    match without_anchors(tree, at_start, at_end)? {
        Tree::Empty => Some(vec![String::new()]),
        Tree::Start | Tree::End => None,
        Tree::Char(ranges) => characters(&ranges),
        Tree::Alternatives(parts) => {
            let mut texts = Vec::new();
            for Alternative { tree, .. } in parts {
                texts.extend(texts_of(tree, at_start, at_end)?);
                if texts.len() > MAX_TEXTS {
                    return None;
                }
            }
            Some(texts)
        }
        Tree::Sequence(parts) => {
            let last = parts.len() - 1;
            let mut texts = vec![String::new()];
            for (at, part) in parts.into_iter().enumerate() {
                texts = joined(&texts, &texts_of(part, at_start && at == 0, at_end && at == last)?)?;
            }
            Some(texts)
        }
        Tree::Repeat(part, min, max) => {
            let part = texts_of(*part, false, false)?;
            let (mut texts, mut repeated) = (Vec::new(), vec![String::new()]);
            for times in 0..=max? {
                if times >= min {
                    texts.extend(repeated.iter().cloned());
                }
                if times < max? {
                    repeated = joined(&repeated, &part)?;
                }
            }
            (texts.len() <= MAX_TEXTS).then_some(texts)
        }
    }
}

fn characters(ranges: &Ranges) -> Option<Vec<String>> {
    let count: u64 = ranges.iter().map(|(first, last)| u64::from(last.saturating_sub(*first)) + 1).sum();
    let characters = ranges.iter().flat_map(|(first, last)| *first..=*last).filter_map(char::from_u32);
    (count <= 100).then(|| characters.map(String::from).collect())
}

fn joined(starts: &[String], ends: &[String]) -> Option<Vec<String>> {
    let all = starts.iter().flat_map(|start| ends.iter().map(move |end| format!("{start}{end}")));
    (starts.len().saturating_mul(ends.len()) <= MAX_TEXTS).then(|| all.collect())
}
