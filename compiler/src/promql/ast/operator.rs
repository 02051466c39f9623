//! Operators, and `fill` after them.

use promql_presets_core::keyword;

use crate::Span;

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

    pub(in crate::promql) fn apply(self, value: f64) -> f64 {
        match self {
            Self::Plus => value,
            Self::Minus => -value,
        }
    }
}
