//! Matchers on variables, which become filters of the caller in all selectors of the query.

use std::collections::{BTreeMap, BTreeSet};

use super::variables::Refusal;

/// The matchers of the selectors of a query, in order.
#[derive(Debug, Default)]
pub(super) struct Filters(Vec<Selector>);

#[derive(Debug)]
struct Selector {
    /// The selector in words.
    name: String,
    /// By label.
    labels: BTreeMap<String, Matchers>,
}

/// The matchers of a selector on a label.
#[derive(Debug, Default)]
struct Matchers {
    variable: Vec<Matcher>,
    /// Whether another matcher selects fixed values.
    is_fixed: bool,
}

/// A matcher on variables.
#[derive(Debug)]
pub(super) struct Matcher {
    /// As written.
    pub(super) written: String,
    /// Whether it is `!=` or `!~`.
    pub(super) excludes: bool,
    /// The variables in its value, as written but without formats.
    pub(super) variables: BTreeSet<String>,
}

impl Filters {
    /// Starts a selector.
    pub(super) fn start(&mut self, metric: Option<&str>) {
        let name = metric.map_or_else(|| "selectors without a name".to_owned(), |metric| format!("`{metric}`"));
        self.0.push(Selector { name, labels: BTreeMap::new() });
    }

    /// Adds a matcher to the last selector; `None` if it selects fixed values.
    pub(super) fn add(&mut self, label: &str, matcher: Option<Matcher>) {
        let Some(selector) = self.0.last_mut() else { return };
        let matchers = selector.labels.entry(label.to_owned()).or_default();
        matchers.is_fixed |= matcher.is_none();
        matchers.variable.extend(matcher);
    }

    /// Notes about filters of callers, which apply to all selectors.
    ///
    /// # Errors
    /// If filters cannot replace a matcher: it excludes series from some selectors only, or selectors have different variables
    /// for a label. Also if some selectors have fixed values for the label instead, and the variable `has_value`.
    pub(super) fn notes(&self, has_value: impl Fn(&str) -> bool) -> Result<Vec<String>, Refusal> {
        let mut notes = Vec::new();
        let labels: BTreeSet<&String> = self.0.iter().flat_map(|selector| selector.labels.keys()).collect();
        for label in labels {
            let of = |selector: &Selector| -> BTreeSet<(bool, BTreeSet<String>)> {
                let matchers = selector.labels.get(label).into_iter().flat_map(|it| &it.variable);
                matchers.map(|it| (it.excludes, it.variables.clone())).collect()
            };
            let (with, without): (Vec<&Selector>, Vec<&Selector>) =
                self.0.iter().partition(|selector| !of(selector).is_empty());
            let matchers = with.iter().filter_map(|selector| selector.labels.get(label));
            let matchers: Vec<&Matcher> = matchers.flat_map(|it| &it.variable).collect();
            let excluding = matchers.iter().find(|it| it.excludes);
            let Some(first) = excluding.or(matchers.first()) else { continue };
            let differ = with.windows(2).any(|pair| of(pair[0]) != of(pair[1]));
            let is_lost = differ || (excluding.is_some() && !without.is_empty());
            let is_fixed = |selector: &&Selector| selector.labels.get(label).is_some_and(|it| it.is_fixed);
            let variable = first.variables.iter().find(|variable| has_value(variable));
            if is_lost || (variable.is_some() && without.iter().any(is_fixed)) {
                let reason = format!(
                    "`{}` is not in all selectors, as filters of callers are, and its variable has no value in the file",
                    first.written
                );
                return Err(Refusal { reason, variable: variable.cloned() });
            }
            if let Some(selector) = without.first() {
                let other = &selector.name;
                notes.push(format!("`{}` became a filter of the caller, which also holds for {other}", first.written));
            }
            notes.extend(matchers.iter().filter(|it| it.excludes).map(|it| {
                let operator = if it.written.contains("!~") { "!~" } else { "!=" };
                format!("`{}` became a filter of the caller, who excludes series with `{operator}`", it.written)
            }));
        }
        Ok(notes)
    }
}
