//! What has to be known of a pattern and its parts.

/// The properties of a part of a pattern.
#[derive(Clone, Copy)]
pub(super) struct Node {
    /// Whether it matches the empty string.
    pub(super) empty: bool,
    /// The largest product of nested repetition counts.
    pub(super) repeats: u32,
    pub(super) height: usize,
    pub(super) size: u64,
}

impl Node {
    pub(super) const EMPTY: Self = Self { empty: true, repeats: 1, height: 1, size: 1 };
    pub(super) const CHAR: Self = Self { empty: false, ..Self::EMPTY };

    /// Both, in sequence or as alternatives.
    pub(super) fn with(self, other: Self, empty: bool) -> Self {
        Self {
            empty,
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
    /// The alternatives that are complete.
    pub(super) alternatives: Option<Node>,
    /// The alternative being read, without its last part.
    pub(super) sequence: Option<Node>,
    /// Its last part, which a repetition would repeat.
    pub(super) last: Option<Node>,
}

impl Group {
    pub(super) fn new(open: usize, capture: bool) -> Self {
        Self { open, capture, alternatives: None, sequence: None, last: None }
    }

    pub(super) fn push(&mut self, node: Node) {
        self.join();
        self.last = Some(node);
    }

    pub(super) fn join(&mut self) {
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

    pub(super) fn end_alternative(&mut self) {
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

    pub(super) fn finish(mut self) -> Node {
        self.end_alternative();
        let node = self.alternatives.unwrap_or(Node::EMPTY);
        if self.capture { Node { height: node.height + 1, size: node.size.saturating_add(2), ..node } } else { node }
    }
}
