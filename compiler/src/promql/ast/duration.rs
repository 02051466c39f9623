//! Durations, including expressions of durations.

use super::Sign;
use crate::Span;
use crate::vec_ext::{IntoVec, VecExt};

/// A duration: of a range, a resolution or an offset.
#[derive(Clone, Debug, PartialEq)]
pub struct Duration {
    /// Its kind.
    pub kind: DurationKind,
    /// Where it stands.
    pub span: Span,
    pub(in crate::promql) height: u16,
}

impl Duration {
    /// The value in seconds of a literal, with signs and parentheses.
    #[must_use]
    pub fn seconds(&self) -> Option<f64> {
        match &self.kind {
            DurationKind::Literal(seconds) => Some(*seconds),
            DurationKind::Paren(inner) => inner.seconds(),
            DurationKind::Unary(sign, inner) => inner.seconds().map(|seconds| sign.apply(seconds)),
            _ => None,
        }
    }

    /// Whether this is `{window}` and nothing else.
    #[must_use]
    pub(crate) const fn is_hole(&self) -> bool {
        matches!(self.kind, DurationKind::Hole)
    }

    /// The operands.
    pub(crate) fn children(&self) -> impl Iterator<Item = &Duration> {
        let (first, second) = match &self.kind {
            DurationKind::Literal(_) | DurationKind::Hole | DurationKind::Step | DurationKind::Range => (None, None),
            DurationKind::Unary(_, inner) | DurationKind::Paren(inner) => (Some(&**inner), None),
            DurationKind::Binary(_, operands) | DurationKind::Min(operands) | DurationKind::Max(operands) => {
                (Some(&operands.0), Some(&operands.1))
            }
        };
        first.into_iter().chain(second)
    }

    /// The places of `{window}`, in the order of the text.
    #[must_use]
    pub(crate) fn holes(&self) -> Vec<Span> {
        let mut leaves = self.leaves();
        leaves.keep(|leaf| leaf.is_hole());
        leaves.iter().map(|leaf| leaf.span).into_vec()
    }

    /// `{window}`, parameters and literals, in the order of the text.
    #[must_use]
    pub(crate) fn leaves(&self) -> Vec<&Self> {
        let mut found = Vec::new();
        self.collect_leaves(&mut found);
        found
    }

    fn collect_leaves<'d>(&'d self, found: &mut Vec<&'d Self>) {
        if matches!(self.kind, DurationKind::Hole | DurationKind::Literal(_)) {
            found.push(self);
        }
        self.children().for_each(|child| child.collect_leaves(found));
    }
}

/// The kind of a duration, with its value or its operands.
#[derive(Clone, Debug, PartialEq)]
pub enum DurationKind {
    /// `5m`, `300`: seconds.
    Literal(f64),
    /// `{window}`.
    Hole,
    /// `step()`: the step of the query.
    Step,
    /// `range()`: the range of the query.
    Range,
    /// `-5m`.
    Unary(Sign, Box<Duration>),
    /// `5m * 2`.
    Binary(DurationOp, Box<(Duration, Duration)>),
    /// `min_of(a, b)`.
    Min(Box<(Duration, Duration)>),
    /// `max_of(a, b)`.
    Max(Box<(Duration, Duration)>),
    /// `(5m)`.
    Paren(Box<Duration>),
}

/// An operator between durations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum DurationOp {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
}

impl DurationOp {
    /// The operator as text.
    #[must_use]
    #[cfg(feature = "tools")]
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Mod => "%",
            Self::Pow => "^",
        }
    }
}
