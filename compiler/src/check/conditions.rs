//! Conditions on the values of labels that follow from matchers, for selectors and the expressions around them.

use promql_presets_core::{regex, sort};

use super::analysis::Analysis;
use super::label_flow::{replacement, written_labels};
use super::label_set::NAME;
use super::tree::Id;
use crate::Span;
use crate::promql::{Aggregator, BinaryOp, ExprKind, Grouping, GroupingKeyword, MatchOp, Matcher};
use crate::vec_ext::VecExt;

/// The maximum number of conditions on one label that are compared with each other.
pub(super) const MAX_CONDITIONS: usize = 20;

/// A condition on the value of a label.
#[derive(Clone, Copy, Debug)]
pub(super) struct Condition<'e> {
    pub op: MatchOp,
    pub value: &'e str,
    /// The place of the matcher.
    pub span: Span,
}

impl<'e> Condition<'e> {
    pub(super) fn of(matcher: &'e Matcher<'_>) -> Self {
        Self { op: matcher.op, value: &matcher.value.value, span: matcher.span() }
    }

    /// Whether a value matches; `None` if that is unknown.
    pub(super) fn matches(&self, value: &str) -> Option<bool> {
        match self.op {
            MatchOp::Equal => Some(self.value == value),
            MatchOp::NotEqual => Some(self.value != value),
            MatchOp::Regex => regex::matches(self.value, value),
            MatchOp::NotRegex => regex::matches(self.value, value).map(|matches| !matches),
        }
    }

    /// The values that it lists, and whether it requires one of them or excludes them.
    fn listed_values(&self) -> Option<(Vec<String>, bool)> {
        Some(match self.op {
            MatchOp::Equal => (vec![self.value.to_owned()], true),
            MatchOp::NotEqual => (vec![self.value.to_owned()], false),
            MatchOp::Regex => (regex::texts(self.value)?, true),
            MatchOp::NotRegex if self.value == ".+" => (vec![String::new()], true),
            MatchOp::NotRegex => (regex::texts(self.value)?, false),
        })
    }
}

/// Two conditions that no value can match together, in the order of the list.
pub(super) fn contradiction<'c, 'e>(conditions: &'c [Condition<'e>]) -> Option<(&'c Condition<'e>, &'c Condition<'e>)> {
    if conditions.len() < 2 {
        return None;
    }
    let listed = conditions.iter().enumerate().find_map(|(at, condition)| match condition.listed_values() {
        Some((values, true)) => Some((at, values)),
        _ => None,
    });
    let Some((at, mut left)) = listed else { return negated_pattern(conditions) };
    for (other, condition) in conditions.iter().enumerate().filter(|(other, _)| *other != at) {
        match condition.listed_values() {
            Some((mut values, wanted)) => {
                sort::by(&mut values, Ord::cmp);
                left.keep(|value| values.binary_search(value).is_ok() == wanted);
            }
            None if other < MAX_CONDITIONS && left.len() < MAX_CONDITIONS => {
                left.keep(|value| condition.matches(value) != Some(false));
            }
            None => {}
        }
        if left.is_empty() {
            return Some((&conditions[at.min(other)], &conditions[at.max(other)]));
        }
    }
    None
}

/// A pattern that is both required and excluded.
fn negated_pattern<'c, 'e>(conditions: &'c [Condition<'e>]) -> Option<(&'c Condition<'e>, &'c Condition<'e>)> {
    let conditions = &conditions[..conditions.len().min(MAX_CONDITIONS)];
    conditions.iter().enumerate().find_map(|(at, first)| {
        let contradicts = |second: &&Condition<'_>| {
            first.value == second.value
                && matches!(
                    (first.op, second.op),
                    (MatchOp::Regex, MatchOp::NotRegex) | (MatchOp::NotRegex, MatchOp::Regex)
                )
        };
        conditions[at..].iter().find(contradicts).map(|second| (first, second))
    })
}

/// The conditions on the labels of an expression's series: those of the selector that the labels come from, without
/// labels that have since been dropped or overwritten.
pub(super) fn conditions<'e>(query: &Analysis<'e>, id: Id) -> Vec<(&'e str, Condition<'e>)> {
    let top = id;
    let mut id = id;
    let mut found: Vec<(&'e str, Condition<'e>)> = Vec::new();
    let mut changed: Vec<&'e str> = vec![NAME];
    loop {
        let next =
            match &query.expr(id).kind {
                ExprKind::Selector(selector) => {
                    for matcher in selector.matchers().iter().take(MAX_CONDITIONS) {
                        let label = &*matcher.label.name;
                        if !changed.contains(&label) {
                            found.push((label, Condition::of(matcher)));
                        }
                    }
                    None
                }
                ExprKind::Call(call) if call.name.starts_with("absent") || call.name == "info" => None,
                ExprKind::Call(call) => {
                    if let Some(value) = query.arg(id, 0).and_then(|arg| replacement(call, query.labels(arg))) {
                        found.add_all(written_labels(call).filter(|label| !changed.contains(label)).map(|label| {
                            (label, Condition { op: MatchOp::Equal, value: &value.value, span: value.span })
                        }));
                    }
                    changed.add_all(written_labels(call));
                    query.vector(id)
                }
                ExprKind::Aggregate(aggregate) => {
                    match aggregate.param.as_ref().map(|param| &param.unparenthesized().kind) {
                        Some(ExprKind::String(label)) if aggregate.op == Aggregator::CountValues => {
                            changed.push(&label.value);
                        }
                        _ => {}
                    }
                    Some(query.operand(id))
                }
                ExprKind::Binary(binary) if binary.op == BinaryOp::Or || !binary.fill.is_empty() => None,
                ExprKind::Binary(binary) => match &binary.group {
                    Some(group) if group.has_hole() => None,
                    Some(group) => {
                        changed.add_all(Grouping::names_of(Some(group)));
                        let right = group.keyword == GroupingKeyword::GroupRight;
                        if right { query.arg(id, 1) } else { query.vector(id) }
                    }
                    None => query.vector(id),
                },
                _ => query.vector(id),
            };
        match next {
            Some(next) => id = next,
            None => break,
        }
    }
    let labels = query.labels(top);
    found.keep(|(label, _)| labels.may_have(label));
    found.truncate(MAX_CONDITIONS);
    found
}
