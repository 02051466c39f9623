//! Selectors: names, matchers, ranges and modifiers.

use std::borrow::Cow;

use super::{Duration, MatchOp, StringLiteral};
use crate::Span;
use crate::vec_ext::IntoVec;

/// A selector of series, instant or with a range.
#[derive(Clone, Debug, PartialEq)]
pub struct Selector<'a> {
    /// The name before the braces.
    pub name: Option<Name<'a>>,
    /// The matchers in braces.
    pub braces: Option<Braces<'a>>,
    /// `[5m]`; with it the type is a range vector.
    pub range: Option<Range>,
    /// `offset`, `@`, `anchored`, `smoothed`, in the order of the text.
    pub modifiers: Vec<Modifier>,
    /// Name and braces, without range and modifiers.
    pub span: Span,
}

impl<'a> Selector<'a> {
    /// The items in the braces, in the order of the text.
    #[must_use]
    pub(crate) fn items(&self) -> &[MatcherItem<'a>] {
        self.braces.as_ref().map_or(&[], |braces| &braces.items)
    }

    /// The literal matchers in the braces, in the order of the text.
    #[must_use]
    pub fn matchers(&self) -> Vec<&Matcher<'a>> {
        let matchers = self.items().iter().filter_map(|item| match item {
            MatcherItem::Matcher(matcher) => Some(matcher),
            MatcherItem::Name(_) | MatcherItem::Labels(_) => None,
        });
        matchers.into_vec()
    }

    /// The first matcher that fixes a label: `label="..."`.
    pub(crate) fn fixing(&self, label: &str) -> Option<&Matcher<'a>> {
        self.matchers().iter().find(|it| it.op == MatchOp::Equal && it.label.name == label).copied()
    }

    /// `{labels}` among the matchers.
    pub(crate) fn labels_hole(&self) -> Option<Span> {
        self.items().iter().find_map(|item| match item {
            MatcherItem::Labels(span) => Some(*span),
            MatcherItem::Matcher(_) | MatcherItem::Name(_) => None,
        })
    }

    /// Whether `{labels}` is among the matchers.
    pub(crate) fn has_labels_hole(&self) -> bool {
        self.labels_hole().is_some()
    }

    /// The metric name, if it does not depend on holes: `foo`, `{"foo"}`, `{__name__="foo"}`.
    #[must_use]
    pub fn metric_name(&self) -> Option<&str> {
        if let Some(name) = &self.name {
            return name.as_literal();
        }
        self.items().iter().find_map(|item| match item {
            MatcherItem::Name(name) => Some(&*name.value),
            MatcherItem::Matcher(matcher) if matcher.op == MatchOp::Equal && matcher.label.name == "__name__" => {
                Some(&*matcher.value.value)
            }
            _ => None,
        })
    }
}

/// The name of a metric, which may contain `{metric_name}`.
#[derive(Clone, Debug, PartialEq)]
pub struct Name<'a> {
    /// The name as written.
    pub text: &'a str,
    /// Where it stands.
    pub span: Span,
    /// The places of `{metric_name}` in it.
    pub holes: Vec<Span>,
}

/// A piece of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamePart<'a> {
    /// Text.
    Text(&'a str, Span),
    /// `{metric_name}`.
    Hole(Span),
}

impl<'a> Name<'a> {
    /// The name, if it has no holes.
    #[must_use]
    pub(crate) fn as_literal(&self) -> Option<&'a str> {
        self.holes.is_empty().then_some(self.text)
    }

    /// The pieces in order; no piece is empty.
    pub(crate) fn parts(&self) -> impl Iterator<Item = NamePart<'a>> {
        let text = move |start: u32, end: u32| {
            let piece = &self.text[(start - self.span.start) as usize..(end - self.span.start) as usize];
            (start < end).then_some(NamePart::Text(piece, Span::new(start, end)))
        };
        let ends = std::iter::once(self.span.start).chain(self.holes.iter().map(|hole| hole.end));
        let starts = self.holes.iter().map(|hole| Some(*hole)).chain(std::iter::once(None));
        ends.zip(starts).flat_map(move |(start, hole)| {
            let end = hole.map_or(self.span.end, |hole| hole.start);
            text(start, end).into_iter().chain(hole.map(NamePart::Hole))
        })
    }
}

/// The braces of a selector.
#[derive(Clone, Debug, PartialEq)]
pub struct Braces<'a> {
    /// `{`, or `{{` in a template.
    pub open: Span,
    /// `}`, or `}}` in a template.
    pub close: Span,
    /// The items between them, in order.
    pub items: Vec<MatcherItem<'a>>,
}

/// One item between the braces of a selector.
#[derive(Clone, Debug, PartialEq)]
pub enum MatcherItem<'a> {
    /// `label="value"`.
    Matcher(Matcher<'a>),
    /// `"metric.name"`.
    Name(StringLiteral<'a>),
    /// `{labels}`.
    Labels(Span),
}

impl MatcherItem<'_> {
    /// Where it stands.
    #[must_use]
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Matcher(matcher) => matcher.span(),
            Self::Name(name) => name.span,
            Self::Labels(span) => *span,
        }
    }
}

/// `label="value"`.
#[derive(Clone, Debug, PartialEq)]
pub struct Matcher<'a> {
    /// The label.
    pub label: Label<'a>,
    /// The operator.
    pub op: MatchOp,
    /// The place of the operator.
    pub op_span: Span,
    /// The value.
    pub value: StringLiteral<'a>,
}

impl Matcher<'_> {
    /// Where it stands.
    #[must_use]
    pub(crate) fn span(&self) -> Span {
        self.label.span.to(self.value.span)
    }

    /// Whether a series without the label matches.
    #[must_use]
    pub(crate) fn matches_empty(&self) -> bool {
        let value = &*self.value.value;
        match self.op {
            MatchOp::Equal => value.is_empty(),
            MatchOp::NotEqual => !value.is_empty(),
            MatchOp::Regex => promql_presets_core::regex::matches_empty(value),
            MatchOp::NotRegex => !promql_presets_core::regex::matches_empty(value),
        }
    }
}

/// The name of a label.
#[derive(Clone, Debug, PartialEq)]
pub struct Label<'a> {
    /// The name, escapes resolved.
    pub name: Cow<'a, str>,
    /// Where it stands, with quotes.
    pub span: Span,
    /// Whether it is quoted.
    pub quoted: bool,
}

/// `[5m]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    /// How far back.
    pub duration: Duration,
    /// The brackets.
    pub span: Span,
}

/// A modifier of a selector or a subquery.
#[derive(Clone, Debug, PartialEq)]
pub enum Modifier {
    /// `offset 5m`.
    Offset {
        /// The place of the keyword.
        keyword: Span,
        /// How far back; negative values look ahead.
        duration: Duration,
    },
    /// `@ 1609746000`, `@ start()`.
    At {
        /// The point in time.
        at: At,
        /// All of it.
        span: Span,
    },
    /// `anchored`.
    Anchored(Span),
    /// `smoothed`.
    Smoothed(Span),
}

impl Modifier {
    /// Where it stands.
    #[must_use]
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Offset { keyword, duration } => keyword.to(duration.span),
            Self::At { span, .. } | Self::Anchored(span) | Self::Smoothed(span) => *span,
        }
    }
}

/// The point in time of an `@` modifier.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum At {
    /// Seconds since 1970.
    Timestamp(f64),
    /// `start()`, at this place: the start of the query's range.
    Start(Span),
    /// `end()`, at this place: the end of the query's range.
    End(Span),
}
