//! Groupings: `by (...)`, `on (...)`, `group_left (...)`.

use promql_presets_core::keyword;

use super::Label;
use crate::Span;
use crate::vec_ext::IntoVec;

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
    #[must_use]
    pub fn labels(&self) -> Vec<&Label<'a>> {
        labels(&self.items)
    }

    /// Whether a label is among the literal ones.
    pub(crate) fn lists(&self, label: &str) -> bool {
        self.labels().iter().any(|it| it.name == label)
    }

    /// The items of a grouping that may be missing.
    pub(crate) fn items_of<'g>(grouping: Option<&'g Self>) -> &'g [GroupingItem<'a>] {
        grouping.map_or(&[], |grouping| &grouping.items)
    }

    /// The literal labels of a grouping that may be missing.
    pub(crate) fn labels_of<'g>(grouping: Option<&'g Self>) -> Vec<&'g Label<'a>> {
        labels(Self::items_of(grouping))
    }

    /// The names of the literal labels of a grouping that may be missing.
    pub(crate) fn names_of(grouping: Option<&Self>) -> Vec<&str> {
        Self::labels_of(grouping).iter().map(|label| &*label.name).into_vec()
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

fn labels<'g, 'a>(items: &'g [GroupingItem<'a>]) -> Vec<&'g Label<'a>> {
    let labels = items.iter().filter_map(|item| match item {
        GroupingItem::Label(label) => Some(label),
        GroupingItem::GroupBy(_) => None,
    });
    labels.into_vec()
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
