//! A pattern and its parts as a tree.

use std::ops::Range;

/// Ranges of code points: the first and the last of each.
pub(super) type Ranges = Vec<(u32, u32)>;

/// All characters that are in none of these ranges.
pub(super) fn complement(mut ranges: Ranges) -> Ranges {
    ranges.sort_unstable();
    let mut next = 0;
    let mut others = Ranges::new();
    for (first, last) in ranges {
        if first > next {
            others.push((next, first - 1));
        }
        next = next.max(last + 1);
    }
    others.push((next, u32::from(char::MAX)));
    others
}

/// A part of a pattern. If only its validity matters, every part is [`Tree::Empty`].
pub(super) enum Tree {
    /// The empty string.
    Empty,
    /// The empty string, at the start or the end of the text.
    Start,
    End,
    /// One character in any of these ranges.
    Char(Ranges),
    Sequence(Vec<Tree>),
    Alternatives(Vec<Alternative>),
    /// A part that is repeated, at least the first and at most the second number of times.
    Repeat(Box<Tree>, u32, Option<u32>),
}

/// One of several alternatives, and its place in the pattern.
pub(super) struct Alternative {
    pub(super) tree: Tree,
    pub(super) span: Range<usize>,
}

impl Tree {
    fn then(self, next: Self) -> Self {
        match (self, next) {
            (Self::Empty, tree) | (tree, Self::Empty) => tree,
            (Self::Sequence(mut parts), next) => {
                parts.push(next);
                Self::Sequence(parts)
            }
            (first, next) => Self::Sequence(vec![first, next]),
        }
    }

    fn of_alternatives(mut parts: Vec<Alternative>) -> Self {
        match parts.len() {
            0 | 1 => parts.pop().map_or(Self::Empty, |part| part.tree),
            _ => Self::Alternatives(parts),
        }
    }

    pub(super) fn repeat(self, min: u32, max: Option<u32>) -> Self {
        match self {
            Self::Empty => Self::Empty,
            tree => Self::Repeat(Box::new(tree), min, max),
        }
    }
}

/// The properties of a part of a pattern.
pub(super) struct Node {
    /// Whether it matches the empty string.
    pub(super) empty: bool,
    /// The largest product of nested repetition counts.
    pub(super) repeats: u32,
    pub(super) height: usize,
    pub(super) size: u64,
    pub(super) tree: Tree,
}

impl Node {
    pub(super) const EMPTY: Self = Self { empty: true, repeats: 1, height: 1, size: 1, tree: Tree::Empty };

    pub(super) fn char(tree: Tree) -> Self {
        Self { empty: false, tree, ..Self::EMPTY }
    }

    /// Both, in sequence or as alternatives.
    fn with(self, other: Self, empty: bool) -> Self {
        Self {
            empty,
            tree: self.tree.then(other.tree),
            repeats: self.repeats.max(other.repeats),
            height: self.height.max(other.height),
            size: self.size.saturating_add(other.size),
        }
    }
}

/// A group that is being read. The pattern itself is one without a parenthesis.
pub(super) struct Group {
    pub(super) open: usize,
    pub(super) capture: bool,
    /// Where the alternative being read starts.
    pub(super) start: usize,
    /// The alternatives that are complete, without their trees.
    pub(super) alternatives: Option<Node>,
    trees: Vec<Alternative>,
    /// The alternative being read, without its last part.
    pub(super) sequence: Option<Node>,
    /// Its last part, which a repetition would repeat.
    pub(super) last: Option<Node>,
}

impl Group {
    pub(super) fn new(open: usize, capture: bool) -> Self {
        Self { open, capture, start: open, alternatives: None, trees: Vec::new(), sequence: None, last: None }
    }

    pub(super) fn push(&mut self, node: Node) {
        self.join();
        self.last = Some(node);
    }

    pub(super) fn join(&mut self) {
        if let Some(last) = self.last.take() {
            self.sequence = Some(match self.sequence.take() {
                Some(sequence) => {
                    // A sequence is one level above its parts.
                    let (empty, height) = (sequence.empty && last.empty, sequence.height.max(last.height + 1));
                    Node { height, ..sequence.with(last, empty) }
                }
                None => last,
            });
        }
    }

    /// Ends the alternative before an offset.
    pub(super) fn end_alternative(&mut self, end: usize, has_tree: bool) {
        self.join();
        let mut sequence = self.sequence.take().unwrap_or(Node::EMPTY);
        match std::mem::replace(&mut sequence.tree, Tree::Empty) {
            Tree::Alternatives(parts) => self.trees.extend(parts),
            tree if has_tree => self.trees.push(Alternative { tree, span: self.start..end }),
            _ => {}
        }
        self.start = end + 1;
        self.alternatives = Some(match self.alternatives.take() {
            Some(others) => {
                let (empty, height) = (others.empty || sequence.empty, others.height.max(sequence.height + 1));
                let joined = others.with(sequence, empty);
                Node { height, size: joined.size.saturating_add(1), ..joined }
            }
            None => sequence,
        });
    }

    pub(super) fn finish(mut self, end: usize, has_tree: bool) -> Node {
        self.end_alternative(end, has_tree);
        let tree = Tree::of_alternatives(self.trees);
        let node = Node { tree, ..self.alternatives.unwrap_or(Node::EMPTY) };
        if self.capture { Node { height: node.height + 1, size: node.size.saturating_add(2), ..node } } else { node }
    }
}
