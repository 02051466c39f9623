//! The known labels of an expression's series.

use std::fmt::{self, Display, Formatter};

use promql_presets_core::sort;

use crate::vec_ext::{IntoVec, VecExt};

/// Represents the labels that a caller groups by.
pub(super) const GROUP_BY: &str = "{group_by}";

/// The label that holds a metric's name.
pub(super) const NAME: &str = "__name__";

/// The labels that all series of an expression have, and those that some may have.
///
/// Displayed as `job, instance?` for the label `job`, possibly `instance`, and no others, and as `le, ... but not pod`
/// for `le` and possibly any others except `pod`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels<'e> {
    /// Sorted; each of them is also in `may`.
    certain: Vec<&'e str>,
    may: May<'e>,
}

/// The labels that a series may have. Lists are sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
enum May<'e> {
    Only(Vec<&'e str>),
    AllBut(Vec<&'e str>),
}

impl Default for May<'_> {
    fn default() -> Self {
        Self::Only(Vec::new())
    }
}

impl<'e> Labels<'e> {
    /// No labels at all.
    #[must_use]
    pub(super) fn none() -> Self {
        Self::default()
    }

    /// Unknown labels.
    #[must_use]
    pub(super) fn any() -> Self {
        Self { certain: Vec::new(), may: May::AllBut(Vec::new()) }
    }

    /// Possibly these, and no others.
    pub(super) fn only(labels: impl IntoIterator<Item = &'e str>) -> Self {
        Self { certain: Vec::new(), may: May::Only(sorted(labels)) }
    }

    /// Adds labels that every series has.
    #[must_use]
    pub(super) fn with_all_sure(self, labels: impl IntoIterator<Item = &'e str>) -> Self {
        let new = sorted(labels);
        if new.is_empty() {
            return self;
        }
        let may = match self.may {
            May::Only(labels) => May::Only(union(&labels, &new)),
            May::AllBut(labels) => May::AllBut(difference(&labels, &new)),
        };
        Self { certain: union(&self.certain, &new), may }
    }

    /// Removes labels.
    #[must_use]
    pub(super) fn without_all(self, labels: impl IntoIterator<Item = &'e str>) -> Self {
        let gone = sorted(labels);
        if gone.is_empty() {
            return self;
        }
        let may = match self.may {
            May::Only(labels) => May::Only(difference(&labels, &gone)),
            May::AllBut(labels) => May::AllBut(union(&labels, &gone)),
        };
        Self { certain: difference(&self.certain, &gone), may }
    }

    /// The same labels, none of which is certain.
    #[must_use]
    pub(super) fn all_unsure(mut self) -> Self {
        self.certain.clear();
        self
    }

    /// The same labels, all of which every series has. Has no effect if any label is possible.
    #[must_use]
    pub(super) fn all_sure(mut self) -> Self {
        if let May::Only(labels) = &self.may {
            self.certain.clone_from(labels);
        }
        self
    }

    /// Whether every series has the label.
    #[must_use]
    pub(super) fn certainly_has(&self, label: &str) -> bool {
        holds(&self.certain, label)
    }

    /// Whether a series may have the label.
    #[must_use]
    pub(super) fn may_have(&self, label: &str) -> bool {
        match &self.may {
            May::Only(labels) => holds(labels, label),
            May::AllBut(labels) => !holds(labels, label),
        }
    }

    /// The labels that every series has, sorted.
    #[must_use]
    pub(super) fn certain(&self) -> &[&'e str] {
        &self.certain
    }

    /// Every label that a series may have, sorted; `None` if any label is possible.
    #[must_use]
    pub(super) fn all(&self) -> Option<&[&'e str]> {
        match &self.may {
            May::Only(labels) => Some(labels),
            May::AllBut(_) => None,
        }
    }

    /// Adds a label that every series has.
    #[must_use]
    pub(super) fn with_certain(mut self, label: &'e str) -> Self {
        insert(&mut self.certain, label);
        self.with(label)
    }

    /// Adds a label that a series may have.
    #[must_use]
    pub(super) fn with(mut self, label: &'e str) -> Self {
        match &mut self.may {
            May::Only(labels) => insert(labels, label),
            May::AllBut(labels) => remove(labels, label),
        }
        self
    }

    /// Removes a label.
    #[must_use]
    pub(super) fn without(mut self, label: &'e str) -> Self {
        match &mut self.may {
            May::Only(labels) => remove(labels, label),
            May::AllBut(labels) => insert(labels, label),
        }
        remove(&mut self.certain, label);
        self
    }

    /// Makes a label possible but not certain.
    #[must_use]
    pub(super) fn make_uncertain(mut self, label: &'e str) -> Self {
        remove(&mut self.certain, label);
        self.with(label)
    }

    /// Keeps only some labels.
    #[must_use]
    pub(super) fn keep(&self, labels: impl IntoIterator<Item = &'e str>) -> Self {
        let may: Vec<&'e str> = sorted(labels.into_iter().filter(|label| self.may_have(label)));
        Self { certain: may.iter().copied().filter(|label| self.certainly_has(label)).into_vec(), may: May::Only(may) }
    }

    /// The labels of series of either.
    #[must_use]
    pub(super) fn or(&self, other: &Self) -> Self {
        Self { certain: intersection(&self.certain, &other.certain), may: self.may.union(&other.may) }
    }

    /// The labels of series that match both.
    #[must_use]
    pub(super) fn and(&self, other: &Self) -> Self {
        let may = self.may.intersection(&other.may);
        let mut labels = Self { certain: union(&self.certain, &other.certain), may };
        // A label that one side certainly has and the other cannot have: no series match, which is reported elsewhere.
        let certain = std::mem::take(&mut labels.certain);
        labels.certain = certain.into_iter().filter(|label| labels.may_have(label)).into_vec();
        labels
    }
}

impl May<'_> {
    fn union(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Only(a), Self::Only(b)) => Self::Only(union(a, b)),
            (Self::Only(only), Self::AllBut(but)) | (Self::AllBut(but), Self::Only(only)) => {
                Self::AllBut(difference(but, only))
            }
            (Self::AllBut(a), Self::AllBut(b)) => Self::AllBut(intersection(a, b)),
        }
    }

    fn intersection(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Only(a), Self::Only(b)) => Self::Only(intersection(a, b)),
            (Self::Only(only), Self::AllBut(but)) | (Self::AllBut(but), Self::Only(only)) => {
                Self::Only(difference(only, but))
            }
            (Self::AllBut(a), Self::AllBut(b)) => Self::AllBut(union(a, b)),
        }
    }
}

impl Display for Labels<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut items: Vec<String> = self.certain.iter().map(|label| (*label).to_owned()).into_vec();
        match &self.may {
            May::Only(labels) => {
                // `{group_by}` stands for any labels, also none.
                let possible =
                    |label: &&str| if *label == GROUP_BY { GROUP_BY.to_owned() } else { format!("{label}?") };
                items.add_all(labels.iter().filter(|label| !self.certainly_has(label)).map(possible));
                if items.is_empty() {
                    items.push("none".to_owned());
                }
                f.write_str(&items.join(", "))
            }
            May::AllBut(labels) => {
                items.push("...".to_owned());
                f.write_str(&items.join(", "))?;
                if labels.is_empty() { Ok(()) } else { write!(f, " but not {}", labels.join(", ")) }
            }
        }
    }
}

fn sorted<'e>(labels: impl IntoIterator<Item = &'e str>) -> Vec<&'e str> {
    let mut labels: Vec<&str> = labels.into_iter().into_vec();
    if labels.len() > 1 {
        sort::by(&mut labels, Ord::cmp);
        labels.dedup();
    }
    labels
}

fn holds(sorted: &[&str], label: &str) -> bool {
    sorted.binary_search(&label).is_ok()
}

fn insert<'e>(sorted: &mut Vec<&'e str>, label: &'e str) {
    if let Err(at) = sorted.binary_search(&label) {
        sorted.insert(at, label);
    }
}

fn remove(sorted: &mut Vec<&str>, label: &str) {
    if let Ok(at) = sorted.binary_search(&label) {
        sorted.remove(at);
    }
}

fn intersection<'e>(a: &[&'e str], b: &[&'e str]) -> Vec<&'e str> {
    a.iter().copied().filter(|label| holds(b, label)).into_vec()
}

fn union<'e>(a: &[&'e str], b: &[&'e str]) -> Vec<&'e str> {
    let mut all = a.to_vec();
    for label in b {
        insert(&mut all, label);
    }
    all
}

fn difference<'e>(a: &[&'e str], b: &[&str]) -> Vec<&'e str> {
    a.iter().copied().filter(|label| !holds(b, label)).into_vec()
}
