//! Tokens and keywords.

use super::ast::Aggregator;
use crate::Span;

/// The placeholders of a template, as typed holes of the grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hole {
    /// `{metric_name}`: the name of a selector or a part of it.
    MetricName,
    /// `{labels}`: matchers inside a selector's braces.
    Labels,
    /// `{group_by}`: label names inside a grouping's parentheses.
    GroupBy,
    /// `{window}`: a duration.
    Window,
}

impl Hole {
    /// Every hole.
    pub const ALL: [Self; 4] = [Self::MetricName, Self::Labels, Self::GroupBy, Self::Window];

    /// The name, without braces.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::MetricName => "metric_name",
            Self::Labels => "labels",
            Self::GroupBy => "group_by",
            Self::Window => "window",
        }
    }

    /// The placeholder as a template spells it.
    #[must_use]
    pub const fn placeholder(self) -> &'static str {
        match self {
            Self::MetricName => "{metric_name}",
            Self::Labels => "{labels}",
            Self::GroupBy => "{group_by}",
            Self::Window => "{window}",
        }
    }

    /// The placeholder that `bytes` starts with.
    pub(super) fn at_start(bytes: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|hole| bytes.starts_with(hole.placeholder().as_bytes()))
    }
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Eof,
    /// The text is no token; the lexer has said why.
    Error,
    /// An identifier without a colon, which is no keyword here.
    Ident,
    /// An identifier with a colon: the name of a metric.
    MetricIdent,
    /// A metric name with `{metric_name}` in it.
    TemplateName,
    Number,
    Duration,
    Str,
    Hole(Hole),

    LeftParen,
    RightParen,
    LeftBrace,
    RightBrace,
    LeftBracket,
    RightBracket,
    Comma,
    Colon,
    /// Part of no query; read so that the parser can say what a dot in a name needs.
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

    /// Whether the token can be a label inside a grouping's parentheses. Prometheus accepts every keyword there but
    /// `without`, and a metric name with colons.
    pub(super) fn is_grouping_label(self) -> bool {
        use Kind::{Atan2, Bool, GroupLeft, GroupRight, Ignoring, On, TemplateName, Without};
        match self {
            Bool | On | Ignoring | GroupLeft | GroupRight | Atan2 => true,
            Without | TemplateName => false,
            other => other.is_metric_name(),
        }
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

/// The length of the longest keyword.
const LONGEST: usize = 12;

/// For every length of a word a bit for each letter that a keyword of that length starts with.
static STARTS: [u32; LONGEST + 1] = {
    let words: [&[u8]; 39] = [
        b"and",
        b"or",
        b"unless",
        b"atan2",
        b"sum",
        b"avg",
        b"count",
        b"min",
        b"max",
        b"group",
        b"stddev",
        b"stdvar",
        b"topk",
        b"bottomk",
        b"count_values",
        b"quantile",
        b"limitk",
        b"limit_ratio",
        b"offset",
        b"anchored",
        b"smoothed",
        b"by",
        b"without",
        b"on",
        b"ignoring",
        b"group_left",
        b"group_right",
        b"bool",
        b"fill",
        b"fill_left",
        b"fill_right",
        b"start",
        b"end",
        b"step",
        b"range",
        b"min_of",
        b"max_of",
        b"inf",
        b"nan",
    ];
    let mut table = [0; LONGEST + 1];
    let mut index = 0;
    while index < words.len() {
        table[words[index].len()] |= 1 << (words[index][0] & 31);
        index += 1;
    }
    table
};

/// The keyword that a word is, in any case. `inf` and `nan` are numbers.
#[inline]
pub(super) fn keyword(word: &[u8]) -> Option<Kind> {
    // Few words have the length and the first letter of a keyword.
    let starts = STARTS.get(word.len()).copied().unwrap_or(0);
    if starts & (1 << (word.first().copied().unwrap_or(0) & 31)) == 0 {
        return None;
    }
    let mut buffer = [0; LONGEST];
    let lower = &mut buffer[..word.len()];
    lower.copy_from_slice(word);
    lower.make_ascii_lowercase();
    Some(match &*lower {
        b"and" => Kind::And,
        b"or" => Kind::Or,
        b"unless" => Kind::Unless,
        b"atan2" => Kind::Atan2,
        b"sum" => Kind::Aggregator(Aggregator::Sum),
        b"avg" => Kind::Aggregator(Aggregator::Avg),
        b"count" => Kind::Aggregator(Aggregator::Count),
        b"min" => Kind::Aggregator(Aggregator::Min),
        b"max" => Kind::Aggregator(Aggregator::Max),
        b"group" => Kind::Aggregator(Aggregator::Group),
        b"stddev" => Kind::Aggregator(Aggregator::Stddev),
        b"stdvar" => Kind::Aggregator(Aggregator::Stdvar),
        b"topk" => Kind::Aggregator(Aggregator::Topk),
        b"bottomk" => Kind::Aggregator(Aggregator::Bottomk),
        b"count_values" => Kind::Aggregator(Aggregator::CountValues),
        b"quantile" => Kind::Aggregator(Aggregator::Quantile),
        b"limitk" => Kind::Aggregator(Aggregator::Limitk),
        b"limit_ratio" => Kind::Aggregator(Aggregator::LimitRatio),
        b"offset" => Kind::Offset,
        b"anchored" => Kind::Anchored,
        b"smoothed" => Kind::Smoothed,
        b"by" => Kind::By,
        b"without" => Kind::Without,
        b"on" => Kind::On,
        b"ignoring" => Kind::Ignoring,
        b"group_left" => Kind::GroupLeft,
        b"group_right" => Kind::GroupRight,
        b"bool" => Kind::Bool,
        b"fill" => Kind::Fill,
        b"fill_left" => Kind::FillLeft,
        b"fill_right" => Kind::FillRight,
        b"start" => Kind::Start,
        b"end" => Kind::End,
        b"step" => Kind::Step,
        b"range" => Kind::Range,
        b"min_of" => Kind::MinOf,
        b"max_of" => Kind::MaxOf,
        b"inf" | b"nan" => Kind::Number,
        _ => return None,
    })
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
    fn without_is_no_grouping_label() {
        assert!(!Kind::Without.is_grouping_label());
        assert!(Kind::By.is_grouping_label());
        assert!(Kind::Bool.is_grouping_label());
        assert!(!Kind::Bool.is_metric_name());
    }
}
