//! Tokens and keywords.

use promql_presets_core::keyword;

use super::ast::{BinaryOp, FillSide, GroupingKeyword};
use super::functions::Aggregator;
use crate::Span;
use crate::hole::Hole;

/// The kind of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Eof,
    /// An invalid token, which the lexer has reported.
    Error,
    /// An identifier without a colon that is not a keyword in this context.
    Ident,
    /// An identifier with a colon: the name of a metric.
    MetricIdent,
    /// A metric name with `{metric_name}` in it.
    TemplateName,
    Number,
    Duration,
    Str,
    Hole(Hole),
    /// `{name}` of a template, where the name is that of a parameter.
    Parameter,

    LeftParen,
    RightParen,
    LeftBrace,
    RightBrace,
    LeftBracket,
    RightBracket,
    Comma,
    Colon,
    /// Not part of PromQL. A token only for diagnostics of names with dots.
    Dot,
    Eq,
    EqRegex,
    NotEqRegex,
    At,

    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    EqEq,
    NotEq,
    Less,
    LessEq,
    Greater,
    GreaterEq,
    TrimUpper,
    TrimLower,
    And,
    Or,
    Unless,
    Atan2,

    Aggregator(Aggregator),
    Bool,
    By,
    Without,
    On,
    Ignoring,
    GroupLeft,
    GroupRight,
    Offset,
    Anchored,
    Smoothed,
    Fill,
    FillLeft,
    FillRight,
    Start,
    End,
    Step,
    Range,
    MinOf,
    MaxOf,
}

impl Kind {
    /// Whether the token can be the name of a metric where an expression starts.
    pub(super) fn is_metric_name(self) -> bool {
        use Kind::{
            Aggregator, Anchored, And, By, End, Ident, MaxOf, MetricIdent, MinOf, Offset, Or, Range, Smoothed, Start,
            Step, TemplateName, Unless, Without,
        };
        matches!(
            self,
            Ident
                | MetricIdent
                | TemplateName
                | Aggregator(_)
                | And
                | Or
                | Unless
                | By
                | Without
                | Offset
                | Start
                | End
                | Step
                | Range
                | MinOf
                | MaxOf
                | Anchored
                | Smoothed
        )
    }

    /// Whether the token can be a label in a grouping. Prometheus accepts every keyword except `without` there, and metric
    /// names with colons.
    pub(super) fn is_grouping_label(self) -> bool {
        use Kind::{Atan2, Bool, GroupLeft, GroupRight, Ignoring, On, TemplateName, Without};
        match self {
            Bool | On | Ignoring | GroupLeft | GroupRight | Atan2 => true,
            Without | TemplateName => false,
            other => other.is_metric_name(),
        }
    }

    /// Whether the token is a keyword that can follow an operand.
    fn is_operator_word(self) -> bool {
        use Kind::{
            Anchored, And, Atan2, Bool, By, GroupLeft, GroupRight, Ignoring, Offset, On, Or, Smoothed, Unless, Without,
        };
        matches!(
            self,
            And | Or
                | Unless
                | Atan2
                | Offset
                | By
                | Without
                | On
                | Ignoring
                | Bool
                | GroupLeft
                | GroupRight
                | Anchored
                | Smoothed
        )
    }

    /// Whether the token is a word.
    pub(super) fn is_word(self) -> bool {
        use Kind::{Fill, FillLeft, FillRight};
        self == Self::Without || self.is_grouping_label() || matches!(self, Fill | FillLeft | FillRight)
    }
}

/// One token: 12 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) span: Span,
}

/// Every keyword, in lower case. `inf` and `nan` are numbers.
const KEYWORDS: [(&str, Kind); 39] = [
    (Aggregator::Sum.as_str(), Kind::Aggregator(Aggregator::Sum)),
    (Aggregator::Avg.as_str(), Kind::Aggregator(Aggregator::Avg)),
    (Aggregator::Count.as_str(), Kind::Aggregator(Aggregator::Count)),
    (Aggregator::Min.as_str(), Kind::Aggregator(Aggregator::Min)),
    (Aggregator::Max.as_str(), Kind::Aggregator(Aggregator::Max)),
    (Aggregator::Group.as_str(), Kind::Aggregator(Aggregator::Group)),
    (Aggregator::Stddev.as_str(), Kind::Aggregator(Aggregator::Stddev)),
    (Aggregator::Stdvar.as_str(), Kind::Aggregator(Aggregator::Stdvar)),
    (Aggregator::Topk.as_str(), Kind::Aggregator(Aggregator::Topk)),
    (Aggregator::Bottomk.as_str(), Kind::Aggregator(Aggregator::Bottomk)),
    (Aggregator::CountValues.as_str(), Kind::Aggregator(Aggregator::CountValues)),
    (Aggregator::Quantile.as_str(), Kind::Aggregator(Aggregator::Quantile)),
    (Aggregator::Limitk.as_str(), Kind::Aggregator(Aggregator::Limitk)),
    (Aggregator::LimitRatio.as_str(), Kind::Aggregator(Aggregator::LimitRatio)),
    (BinaryOp::And.as_str(), Kind::And),
    (BinaryOp::Or.as_str(), Kind::Or),
    (BinaryOp::Unless.as_str(), Kind::Unless),
    (BinaryOp::Atan2.as_str(), Kind::Atan2),
    (GroupingKeyword::By.as_str(), Kind::By),
    (GroupingKeyword::Without.as_str(), Kind::Without),
    (GroupingKeyword::On.as_str(), Kind::On),
    (GroupingKeyword::Ignoring.as_str(), Kind::Ignoring),
    (GroupingKeyword::GroupLeft.as_str(), Kind::GroupLeft),
    (GroupingKeyword::GroupRight.as_str(), Kind::GroupRight),
    (FillSide::Both.as_str(), Kind::Fill),
    (FillSide::Left.as_str(), Kind::FillLeft),
    (FillSide::Right.as_str(), Kind::FillRight),
    (keyword::OFFSET, Kind::Offset),
    (keyword::ANCHORED, Kind::Anchored),
    (keyword::SMOOTHED, Kind::Smoothed),
    (keyword::BOOL, Kind::Bool),
    (keyword::START, Kind::Start),
    (keyword::END, Kind::End),
    (keyword::STEP, Kind::Step),
    (keyword::RANGE, Kind::Range),
    (keyword::MIN_OF, Kind::MinOf),
    (keyword::MAX_OF, Kind::MaxOf),
    (keyword::INF, Kind::Number),
    (keyword::NAN, Kind::Number),
];

/// The keywords that can follow an operand.
pub(super) fn operator_words() -> impl Iterator<Item = &'static str> {
    KEYWORDS.iter().filter(|(_, kind)| kind.is_operator_word()).map(|(keyword, _)| *keyword)
}

/// A bit for a first letter, in either case.
const fn letter(first: u8) -> u32 {
    1 << (first & 31)
}

/// The first letters of the keywords, by length.
static FIRST_LETTERS: [u32; 13] = {
    let mut table = [0; 13];
    let mut index = 0;
    while index < KEYWORDS.len() {
        let keyword = KEYWORDS[index].0.as_bytes();
        table[keyword.len()] |= letter(keyword[0]);
        index += 1;
    }
    table
};

/// The keyword that a word is, in any case.
#[inline]
pub(super) fn keyword(word: &[u8]) -> Option<Kind> {
    // Few words have the length and the first letter of a keyword.
    if FIRST_LETTERS.get(word.len())? & letter(*word.first()?) == 0 {
        return None;
    }
    KEYWORDS.iter().find(|(keyword, _)| keyword.as_bytes().eq_ignore_ascii_case(word)).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_ignore_case() {
        assert_eq!(keyword(b"Group_Left"), Some(Kind::GroupLeft));
        assert_eq!(keyword(b"COUNT_VALUES"), Some(Kind::Aggregator(Aggregator::CountValues)));
        for aggregator in Aggregator::ALL {
            assert_eq!(keyword(aggregator.as_str().as_bytes()), Some(Kind::Aggregator(aggregator)));
        }
        assert_eq!(keyword(b"count_valuesx"), None);
        assert_eq!(keyword(b"a"), None);
        assert_eq!(keyword(b"NaN"), Some(Kind::Number));
    }

    #[test]
    fn every_keyword_has_a_token() {
        let mut names = KEYWORDS.map(|(name, _)| name);
        names.sort_unstable();
        assert_eq!(names, keyword::ALL);
    }

    #[test]
    fn without_is_no_grouping_label() {
        assert!(!Kind::Without.is_grouping_label());
        assert!(Kind::By.is_grouping_label());
        assert!(Kind::Bool.is_grouping_label());
        assert!(!Kind::Bool.is_metric_name());
    }
}
