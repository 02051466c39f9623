//! The syntax tree of a query. Every node has the byte range that it was read from.
//!
//! The tree borrows from the text. Its height is limited to 1000 nodes, so that recursion over it is safe.

mod duration;
mod grouping;
mod interval;
mod operator;
mod selector;

use std::borrow::Cow;

pub use duration::{Duration, DurationKind, DurationOp};
pub use grouping::{Grouping, GroupingItem, GroupingKeyword};
pub(crate) use interval::Interval;
pub use operator::{BinaryOp, Fill, FillSide, Sign};
pub use promql_presets_core::MatchOp;
pub use selector::{At, Braces, Label, Matcher, MatcherItem, Modifier, Name, NamePart, Range, Selector};

use super::functions::{Aggregator, Function, ResultType};
use crate::Span;

/// The maximum number of nodes on a path from the root to a leaf.
pub(super) const MAX_HEIGHT: u16 = 1000;

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr<'a> {
    /// Its kind.
    pub kind: ExprKind<'a>,
    /// The whole expression, with modifiers.
    pub span: Span,
    pub(super) ty: ResultType,
    pub(super) height: u16,
}

impl<'a> Expr<'a> {
    /// The type, assuming that the operands have the right types.
    #[must_use]
    pub const fn ty(&self) -> ResultType {
        self.ty
    }

    /// The expression without parentheses around it.
    #[must_use]
    pub fn unparenthesized(&self) -> &Self {
        let mut expr = self;
        while let ExprKind::Paren(inner) = &expr.kind {
            expr = inner;
        }
        expr
    }

    /// The operand that the text ends with: `b` of `a + b`.
    pub(super) fn last_operand(&self) -> &Self {
        let mut expr = self;
        loop {
            expr = match &expr.kind {
                ExprKind::Binary(binary) => &binary.rhs,
                ExprKind::Unary(unary) => &unary.expr,
                _ => return expr,
            }
        }
    }

    /// The direct subexpressions, in the order of the text.
    pub fn children(&self) -> impl Iterator<Item = &Expr<'a>> {
        let (first, second, rest): (Option<&Self>, Option<&Self>, &[Self]) = match &self.kind {
            ExprKind::Number(_) | ExprKind::String(_) | ExprKind::Selector(_) => (None, None, &[]),
            ExprKind::Paren(inner) => (Some(inner), None, &[]),
            ExprKind::Unary(unary) => (Some(&unary.expr), None, &[]),
            ExprKind::Subquery(subquery) => (Some(&subquery.expr), None, &[]),
            ExprKind::Binary(binary) => (Some(&binary.lhs), Some(&binary.rhs), &[]),
            ExprKind::Aggregate(aggregate) => (aggregate.param.as_ref(), Some(&aggregate.expr), &[]),
            ExprKind::Call(call) => (None, None, &call.args),
        };
        first.into_iter().chain(second).chain(rest)
    }

    /// Calls `visit` for this expression and every one below it, parents first.
    pub fn walk<'e>(&'e self, visit: &mut impl FnMut(&'e Expr<'a>)) {
        visit(self);
        for child in self.children() {
            child.walk(visit);
        }
    }

    /// Every selector, in the order of the text.
    #[must_use]
    pub fn selectors(&self) -> Vec<&Selector<'a>> {
        let mut found = Vec::new();
        self.walk(&mut |expr| {
            if let ExprKind::Selector(selector) = &expr.kind {
                found.push(&**selector);
            }
        });
        found
    }
}

/// The kind of an expression, with its operands.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind<'a> {
    /// `1.5`, `0x1f`, `Inf`, `5m`.
    Number(Number),
    /// `"text"`.
    String(Box<StringLiteral<'a>>),
    /// `name{label="value"}[5m] offset 1m`.
    Selector(Box<Selector<'a>>),
    /// `expr[1h:5m] offset 1m`.
    Subquery(Box<Subquery<'a>>),
    /// `rate(...)`.
    Call(Box<Call<'a>>),
    /// `sum by (job) (...)`.
    Aggregate(Box<Aggregate<'a>>),
    /// `a + b`.
    Binary(Box<Binary<'a>>),
    /// `-a`.
    Unary(Box<Unary<'a>>),
    /// `(a)`.
    Paren(Box<Expr<'a>>),
}

/// A number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Number {
    /// The value; in seconds if it is a duration.
    pub value: f64,
    /// Whether it was written with units, as `5m`.
    pub duration: bool,
}

/// A string literal.
#[derive(Clone, Debug, PartialEq)]
pub struct StringLiteral<'a> {
    /// The value, with escapes and doubled braces resolved. Invalid UTF-8 is replaced with U+FFFD.
    pub value: Cow<'a, str>,
    /// Whether an escape makes the value invalid UTF-8.
    pub broken_utf8: bool,
    /// The literal with its quotes.
    pub span: Span,
}

/// `-a` or `+a`.
#[derive(Clone, Debug, PartialEq)]
pub struct Unary<'a> {
    /// The sign.
    pub op: Sign,
    /// The place of the sign.
    pub op_span: Span,
    /// The operand.
    pub expr: Expr<'a>,
}

/// `expr[1h:5m]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Subquery<'a> {
    /// The expression that is evaluated.
    pub expr: Expr<'a>,
    /// How far back.
    pub range: Duration,
    /// The step; by default the server's evaluation interval.
    pub step: Option<Duration>,
    /// The brackets.
    pub brackets: Span,
    /// `offset` and `@`, in the order of the text.
    pub modifiers: Vec<Modifier>,
}

/// `rate(...)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Call<'a> {
    /// The function; `None` if there is no function with this name.
    pub function: Option<&'static Function>,
    /// The name as written.
    pub name: &'a str,
    /// The place of the name.
    pub name_span: Span,
    /// The parentheses and the arguments.
    pub parens: Span,
    /// The arguments.
    pub args: Vec<Expr<'a>>,
}

/// `sum by (job) (...)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Aggregate<'a> {
    /// The aggregator.
    pub op: Aggregator,
    /// The place of its name.
    pub op_span: Span,
    /// `by (...)` or `without (...)`, before or after the arguments.
    pub grouping: Option<Grouping<'a>>,
    /// The parentheses around the arguments.
    pub parens: Span,
    /// The parameter: `k` in `topk(k, ...)`.
    pub param: Option<Expr<'a>>,
    /// The expression that is aggregated.
    pub expr: Expr<'a>,
}

/// `a + b`.
#[derive(Clone, Debug, PartialEq)]
pub struct Binary<'a> {
    /// The operator.
    pub op: BinaryOp,
    /// The place of the operator.
    pub op_span: Span,
    /// `bool`.
    pub bool_span: Option<Span>,
    /// `on (...)` or `ignoring (...)`.
    pub matching: Option<Grouping<'a>>,
    /// `group_left` or `group_right`.
    pub group: Option<Grouping<'a>>,
    /// `fill(...)`, `fill_left(...)`, `fill_right(...)`, in the order of the text.
    pub fill: Vec<Fill>,
    /// The left operand.
    pub lhs: Expr<'a>,
    /// The right operand.
    pub rhs: Expr<'a>,
}
