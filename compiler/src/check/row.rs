//! The labels that a preset's series have, for the type of its rows.

use super::label_set::{GROUP_BY, Labels, NAME};
use crate::file;

/// A label of a preset's series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowLabel {
    /// Its name.
    pub name: String,
    /// Whether every series has it. Other labels are there if the caller groups by them, or if the metric has them.
    pub is_sure: bool,
}

/// The labels of a query's series: those that the file declares, in its order, then the others that are known.
pub(super) fn labels(labels: &Labels<'_>, declared: Option<&file::Labels>) -> Vec<RowLabel> {
    let declared = file::Labels::all(declared);
    // If any label is possible, so are the declared ones.
    let may_group = labels.all().is_some() && labels.may_have(GROUP_BY);
    let row = |name: &str| RowLabel { name: name.to_owned(), is_sure: labels.certainly_has(name) };
    let mut rows = Vec::new();
    for label in declared {
        let name = label.name.value.as_str();
        if labels.may_have(name) || (may_group && label.usage.is_group_by()) {
            rows.push(row(name));
        }
    }
    for name in labels.all().unwrap_or(labels.certain()) {
        if ![NAME, GROUP_BY].contains(name) && !declared.iter().any(|label| label.name.value == *name) {
            rows.push(row(name));
        }
    }
    rows
}
