//! The syntax tree of a query. Every node has the byte range that it was read from.
//!
//! The tree borrows from the text. Its height is limited to 1000 nodes, so that recursion over it is safe.

mod duration;
mod selector;

use std::borrow::Cow;

use promql_presets_core::keyword;

pub use duration::{Duration, DurationKind, DurationOp};
pub use promql_presets_core::MatchOp;
pub use selector::{At, Braces, Label, Matcher, MatcherItem, Modifier, Name, NamePart, Range, Selector};

use super::functions::{Aggregator, Function, ResultType};
use crate::Span;

/// The maximum number of nodes on a path from the root to a leaf.
pub(super) const MAX_HEIGHT: u16 = 1000;

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr<'a> {
    /// What it is.
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

    /// The value of a number, with signs, parentheses and arithmetic: `5`, `-(1)`, `5m`, `60 * 60`, `vector(0)`.
    #[must_use]
    pub(crate) fn as_number(&self) -> Option<f64> {
        match &self.unparenthesized().kind {
            ExprKind::Number(number) => Some(number.value),
            ExprKind::Unary(unary) => unary.expr.as_number().map(|value| unary.op.apply(value)),
            ExprKind::Binary(binary) => {
                // The right side is less often a number.
                let rhs = binary.rhs.as_number()?;
                let lhs = binary.lhs.as_number()?;
                Some(match binary.op {
                    BinaryOp::Add => lhs + rhs,
                    BinaryOp::Sub => lhs - rhs,
                    BinaryOp::Mul => lhs * rhs,
                    BinaryOp::Div => lhs / rhs,
                    BinaryOp::Mod => lhs % rhs,
                    BinaryOp::Pow => lhs.powf(rhs),
                    _ => return None,
                })
            }
            ExprKind::Call(call) if matches!(call.name, "vector" | "scalar") => call.args.first()?.as_number(),
            _ => None,
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

/// What an expression is.
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

/// A sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sign {
    /// `+`, which does nothing.
    Plus,
    /// `-`.
    Minus,
}

impl Sign {
    /// The operator as text.
    #[must_use]
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Plus => "+",
            Self::Minus => "-",
        }
    }

    pub(super) fn apply(self, value: f64) -> f64 {
        match self {
            Self::Plus => value,
            Self::Minus => -value,
        }
    }
}

/// `expr[1h:5m]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Subquery<'a> {
    /// What is evaluated.
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
    /// What is aggregated.
    pub expr: Expr<'a>,
}

/// A keyword and label names.
#[derive(Clone, Debug, PartialEq)]
pub struct Grouping<'a> {
    /// The keyword.
    pub keyword: GroupingKeyword,
    /// The place of the keyword.
    pub keyword_span: Span,
    /// The parentheses, which `group_left` and `group_right` may omit.
    pub parens: Option<Span>,
    /// The items in order.
    pub items: Vec<GroupingItem<'a>>,
}

impl<'a> Grouping<'a> {
    /// The literal labels, in the order of the text.
    pub fn labels(&self) -> impl Iterator<Item = &Label<'a>> {
        labels(&self.items)
    }

    /// The items of a grouping that may be missing.
    pub(crate) fn items_of<'g>(grouping: Option<&'g Self>) -> &'g [GroupingItem<'a>] {
        grouping.map_or(&[], |grouping| &grouping.items)
    }

    /// The literal labels of a grouping that may be missing.
    pub(crate) fn labels_of<'g>(grouping: Option<&'g Self>) -> impl Iterator<Item = &'g Label<'a>> {
        labels(Self::items_of(grouping))
    }

    /// Whether `{group_by}` is among the items.
    #[must_use]
    pub(crate) fn has_hole(&self) -> bool {
        self.items.iter().any(|item| matches!(item, GroupingItem::GroupBy(_)))
    }

    /// Keyword and parentheses.
    #[must_use]
    pub(crate) fn span(&self) -> Span {
        self.parens.map_or(self.keyword_span, |parens| self.keyword_span.to(parens))
    }
}

fn labels<'g, 'a>(items: &'g [GroupingItem<'a>]) -> impl Iterator<Item = &'g Label<'a>> {
    items.iter().filter_map(|item| match item {
        GroupingItem::Label(label) => Some(label),
        GroupingItem::GroupBy(_) => None,
    })
}

/// The keyword of a grouping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum GroupingKeyword {
    By,
    Without,
    On,
    Ignoring,
    GroupLeft,
    GroupRight,
}

impl GroupingKeyword {
    /// The keyword as text.
    #[must_use]
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::By => keyword::BY,
            Self::Without => keyword::WITHOUT,
            Self::On => keyword::ON,
            Self::Ignoring => keyword::IGNORING,
            Self::GroupLeft => keyword::GROUP_LEFT,
            Self::GroupRight => keyword::GROUP_RIGHT,
        }
    }
}

/// One item of a grouping.
#[derive(Clone, Debug, PartialEq)]
pub enum GroupingItem<'a> {
    /// A label name.
    Label(Label<'a>),
    /// `{group_by}`.
    GroupBy(Span),
}

impl GroupingItem<'_> {
    /// Where it stands.
    #[must_use]
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Label(label) => label.span,
            Self::GroupBy(span) => *span,
        }
    }
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

/// `fill(0)`: the value of samples that one side lacks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fill {
    /// Which side it fills.
    pub side: FillSide,
    /// The value.
    pub value: f64,
    /// All of it.
    pub span: Span,
}

/// Which side a fill modifier fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FillSide {
    /// `fill`.
    Both,
    /// `fill_left`.
    Left,
    /// `fill_right`.
    Right,
}

impl FillSide {
    /// The keyword as text.
    #[must_use]
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Both => keyword::FILL,
            Self::Left => keyword::FILL_LEFT,
            Self::Right => keyword::FILL_RIGHT,
        }
    }
}

/// A binary operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    Atan2,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    /// `</`: removes the part of a histogram above a value.
    TrimUpper,
    /// `>/`: removes the part of a histogram below a value.
    TrimLower,
    And,
    Or,
    Unless,
}

impl BinaryOp {
    /// The operator as text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Mod => "%",
            Self::Pow => "^",
            Self::Atan2 => keyword::ATAN2,
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::TrimUpper => "</",
            Self::TrimLower => ">/",
            Self::And => keyword::AND,
            Self::Or => keyword::OR,
            Self::Unless => keyword::UNLESS,
        }
    }

    /// The precedence: from 1 (`or`) to 6 (`^`).
    #[must_use]
    pub(crate) const fn precedence(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And | Self::Unless => 2,
            Self::Equal
            | Self::NotEqual
            | Self::Less
            | Self::LessEqual
            | Self::Greater
            | Self::GreaterEqual
            | Self::TrimUpper
            | Self::TrimLower => 3,
            Self::Add | Self::Sub => 4,
            Self::Mul | Self::Div | Self::Mod | Self::Atan2 => 5,
            Self::Pow => 6,
        }
    }

    /// `and`, `or`, `unless`.
    #[must_use]
    pub(crate) const fn is_set(self) -> bool {
        matches!(self, Self::And | Self::Or | Self::Unless)
    }

    /// `==`, `!=`, `<`, `<=`, `>`, `>=`.
    #[must_use]
    pub const fn is_comparison(self) -> bool {
        matches!(self, Self::Equal | Self::NotEqual | Self::Less | Self::LessEqual | Self::Greater | Self::GreaterEqual)
    }
}
