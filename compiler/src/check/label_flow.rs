//! Infers the labels of each expression's series, from the selectors up to the root.
//!
//! Operators treat labels as in Prometheus' engine (`promql/engine.go`, `promql/functions.go`).

use promql_presets_core::regex::matches_empty;
use promql_presets_core::sort;

use super::label_set::{GROUP_BY, Labels, NAME};
use super::schema::Role;
use super::tree::{Id, Scope, Series, Tree, labels_of};
use crate::file;
use crate::promql::{
    Aggregate, Aggregator, Binary, Call, ExprKind, FillSide, Grouping, GroupingKeyword, MatchOp, Matcher, ResultType,
    Selector, Sign, StringLiteral,
};
use crate::vec_ext::{IntoVec, VecExt};

/// The assumptions about a query.
#[derive(Clone, Copy)]
pub(super) struct Assumptions {
    /// The caller groups by something.
    pub grouped: bool,
    /// Series have the labels that the query groups by, and those that every caller must filter on.
    pub present: bool,
}

/// The labels of the series of each selector, before any matchers, and no labels for other expressions.
pub(super) fn declared_labels<'e>(tree: &Tree<'e>) -> Vec<Labels<'e>> {
    let of = |id| match &tree.expr(id).kind {
        ExprKind::Selector(_) => {
            let series = tree.series(id).map_or(&[][..], Series::each);
            let labels = series.iter().map(|series| declared(tree.scope, series)).reduce(|all, labels| all.or(&labels));
            labels.unwrap_or_else(Labels::any)
        }
        _ => Labels::none(),
    };
    tree.ids().map(of).into_vec()
}

/// Infers the labels of every expression, given those that its selectors have before any matchers.
pub(super) fn infer_labels<'e>(tree: &Tree<'e>, declared: &[Labels<'e>], assumptions: Assumptions) -> Vec<Labels<'e>> {
    let Assumptions { grouped, present } = assumptions;
    let mut flow = Flow { tree, grouped, present, labels: declared.to_vec() };
    // Children come after their parents.
    for id in tree.ids().rev() {
        flow.labels[id] = flow.expr(id);
    }
    flow.labels
}

/// The labels of series, as far as declarations or the snapshot have them.
fn declared<'e>(scope: Scope<'e>, series: &Series<'e>) -> Labels<'e> {
    let Some(labels) = series.metric.and_then(|metric| metric.labels.as_ref()) else {
        let is_native = series.role == Role::NativeHistogram;
        return if is_native { Labels::any().without("le") } else { Labels::any() };
    };
    let own = match series.role {
        Role::Bucket => &["le"][..],
        Role::Quantiles => &["quantile"],
        // Series that do not exist are reported elsewhere.
        Role::Base => &["le", "quantile"],
        _ => &[],
    };
    let mut names: Vec<&str> = labels.keys().copied().into_vec();
    // Every scrape adds `job` and `instance`, and what the settings name.
    names.add_all([NAME, "job", "instance", GROUP_BY]);
    names.add_all(scope.settings.metrics.target_labels.iter().map(|label| label.value.as_str()));
    names.extend(own);
    Labels::only(names)
}

struct Flow<'q, 'e> {
    tree: &'q Tree<'e>,
    grouped: bool,
    present: bool,
    labels: Vec<Labels<'e>>,
}

impl<'e> Flow<'_, 'e> {
    fn expr(&self, id: Id) -> Labels<'e> {
        let inner = || self.labels[id + 1].clone();
        match &self.tree.expr(id).kind {
            ExprKind::Number(_) | ExprKind::String(_) => Labels::none(),
            ExprKind::Selector(selector) => self.selector(id, selector),
            ExprKind::Paren(_) | ExprKind::Subquery(_) => inner(),
            ExprKind::Unary(unary) if unary.op == Sign::Plus => inner(),
            ExprKind::Unary(_) => inner().without(NAME),
            ExprKind::Call(call) => self.call(id, call),
            ExprKind::Aggregate(aggregate) => self.aggregate(id, aggregate),
            ExprKind::Binary(binary) => self.binary(id, binary),
        }
    }

    fn selector(&self, id: Id, selector: &'e Selector<'e>) -> Labels<'e> {
        let mut labels = self.labels[id].clone();
        let matchers = selector.matchers();
        let name = |matcher: &&'e Matcher<'e>| &*matcher.label.name;
        let is_empty = |matcher: &&&Matcher<'_>| matcher.op == MatchOp::Equal && matcher.value.value.is_empty();
        labels = labels.without_all(matchers.iter().filter(is_empty).map(name));
        labels = labels.with_all_sure(matchers.iter().filter(|matcher| !matcher.matches_empty()).map(name));
        if self.present && selector.has_labels_hole() {
            let declared = file::Labels::all(self.tree.scope.labels).iter();
            labels = labels.with_all_sure(declared.filter(|label| label.required).map(|label| &*label.name.value));
        }
        if selector.name.is_some() || selector.metric_name().is_some() { labels.with_certain(NAME) } else { labels }
    }

    fn call(&self, id: Id, call: &'e Call<'e>) -> Labels<'e> {
        let Some(vector) =
            self.tree.vector(id).filter(|_| call.function.is_some_and(|it| it.returns == ResultType::InstantVector))
        else {
            return Labels::none();
        };
        let labels = self.labels[vector].clone();
        let text = |index: usize| string_arg(call, index).map(|text| &*text.value);
        match call.name {
            "absent" | "absent_over_time" => self.absent(vector),
            "last_over_time" | "first_over_time" | "sort" | "sort_desc" | "sort_by_label" | "sort_by_label_desc" => {
                labels
            }
            "label_replace" => match text(1) {
                None => Labels::any(),
                Some(label) if replacement(call, &labels).is_some() => labels.with_certain(label),
                Some(_) if replacement_is_noop(call, &labels) => labels,
                Some(label) => labels.make_uncertain(label),
            },
            "label_join" => {
                let Some(label) = text(1) else { return Labels::any() };
                let certain = (3..call.args.len()).filter_map(text).any(|source| labels.certainly_has(source));
                if certain { labels.with_certain(label) } else { labels.make_uncertain(label) }
            }
            "info" => Labels::any(),
            "histogram_quantile" | "histogram_fraction" => labels.without(NAME).without("le"),
            "histogram_quantiles" => {
                let labels = labels.without(NAME).without("le");
                text(1).map_or_else(Labels::any, |label| labels.with_certain(label))
            }
            _ => labels.without(NAME),
        }
    }

    /// `absent` creates labels from the `=` matchers of labels with a single matcher.
    fn absent(&self, vector: Id) -> Labels<'e> {
        let ExprKind::Selector(selector) = &self.tree.expr(self.tree.strip_parens(vector)).kind else {
            return Labels::none();
        };
        let matchers = selector.matchers();
        let mut names: Vec<&str> = matchers.iter().map(|matcher| &*matcher.label.name).into_vec();
        sort::by(&mut names, Ord::cmp);
        let once = |name: &str| names.partition_point(|it| *it <= name) - names.partition_point(|it| *it < name) == 1;
        let given = matchers.iter().filter(|matcher| {
            matcher.op == MatchOp::Equal && !matcher.value.value.is_empty() && matcher.label.name != NAME
        });
        let given = given.map(|matcher| &*matcher.label.name).filter(|name| once(name));
        // The filters of a caller become labels too, or add a second matcher for a label.
        if selector.has_labels_hole() { Labels::any().without(NAME) } else { Labels::none().with_all_sure(given) }
    }

    fn aggregate(&self, id: Id, aggregate: &'e Aggregate<'e>) -> Labels<'e> {
        let inner = &self.labels[self.tree.operand(id)];
        if aggregate.op.is_selection() {
            return inner.clone();
        }
        let labels = match &aggregate.grouping {
            None => Labels::none(),
            Some(grouping) if grouping.keyword == GroupingKeyword::Without => {
                self.drop_labels(inner.clone().without(NAME), grouping)
            }
            Some(grouping) => self.keep_labels(inner, grouping),
        };
        match aggregate.param.as_ref().map(|param| &param.unparenthesized().kind) {
            Some(ExprKind::String(label)) if aggregate.op == Aggregator::CountValues => {
                labels.with_certain(&label.value)
            }
            _ => labels,
        }
    }

    /// Only the labels of `by (...)` or `on (...)`.
    fn keep_labels(&self, labels: &Labels<'e>, grouping: &'e Grouping<'e>) -> Labels<'e> {
        let (literal, hole) = labels_of(&grouping.items);
        let kept = labels.keep(literal);
        let kept = if self.present { kept.all_sure() } else { kept };
        if hole && self.grouped { kept.with_certain(GROUP_BY) } else { kept }
    }

    /// All but the labels of `without (...)` or `ignoring (...)`.
    fn drop_labels(&self, labels: Labels<'e>, grouping: &'e Grouping<'e>) -> Labels<'e> {
        let (literal, hole) = labels_of(&grouping.items);
        let labels = labels.without_all(literal);
        // The caller may have grouped by any of them.
        if hole && self.grouped { labels.all_unsure().without(GROUP_BY) } else { labels }
    }

    fn binary(&self, id: Id, binary: &'e Binary<'e>) -> Labels<'e> {
        let &[left, right] = self.tree.children(id) else { return Labels::none() };
        let (lhs, rhs) = (&self.labels[left], &self.labels[right]);
        let keeps_name = binary.op.is_comparison() && binary.bool_span.is_none();
        let unnamed = |labels: Labels<'e>| if keeps_name { labels } else { labels.without(NAME) };
        match (self.is_vector(left), self.is_vector(right)) {
            (false, false) => return Labels::none(),
            (true, false) => return unnamed(lhs.clone()),
            (false, true) => return unnamed(rhs.clone()),
            (true, true) => {}
        }
        if binary.op.is_set() {
            return if binary.op == crate::promql::BinaryOp::Or { lhs.or(rhs) } else { lhs.clone() };
        }
        unnamed(match &binary.group {
            Some(group) if group.keyword == GroupingKeyword::GroupRight => self.many_to_one(rhs, lhs, group),
            Some(group) => self.many_to_one(lhs, rhs, group),
            None => self.one_to_one(binary, lhs, rhs, keeps_name),
        })
    }

    /// The labels of the "many" side, with those copied from the "one" side.
    fn many_to_one(&self, many: &Labels<'e>, one: &Labels<'e>, group: &'e Grouping<'e>) -> Labels<'e> {
        let (literal, hole) = labels_of(&group.items);
        let mut labels = many.clone();
        for label in literal {
            labels = match (one.certainly_has(label), one.may_have(label)) {
                (true, _) => labels.with_certain(label),
                (false, true) => labels.make_uncertain(label),
                (false, false) => labels.without(label),
            };
        }
        if hole && self.grouped {
            labels = labels.all_unsure().with_certain(GROUP_BY);
        }
        labels
    }

    fn one_to_one(&self, binary: &'e Binary<'e>, lhs: &Labels<'e>, rhs: &Labels<'e>, named: bool) -> Labels<'e> {
        // Matched labels are equal on both sides. The name is not matched.
        let filled = |side| binary.fill.iter().any(|fill| fill.side == FillSide::Both || fill.side == side);
        let matched = match (filled(FillSide::Left), filled(FillSide::Right)) {
            (false, false) => lhs.clone().without(NAME).and(&rhs.clone().without(NAME)),
            _ => lhs.clone().without(NAME).or(&rhs.clone().without(NAME)),
        };
        let matched = if named && lhs.may_have(NAME) { matched.with(NAME) } else { matched };
        match &binary.matching {
            Some(on) if on.keyword == GroupingKeyword::On => self.keep_labels(&matched, on),
            Some(ignoring) => {
                // Ignored labels may differ between the sides.
                let lhs = self.drop_labels(lhs.clone().without(NAME), ignoring);
                let rhs = self.drop_labels(rhs.clone().without(NAME), ignoring);
                if binary.fill.is_empty() { lhs.and(&rhs) } else { lhs.or(&rhs) }
            }
            None => matched,
        }
    }

    fn is_vector(&self, id: Id) -> bool {
        matches!(self.tree.expr(id).ty(), ResultType::InstantVector | ResultType::RangeVector)
    }
}

/// The string that an argument is.
pub(super) fn string_arg<'e>(call: &'e Call<'e>, index: usize) -> Option<&'e StringLiteral<'e>> {
    match &call.args.get(index)?.unparenthesized().kind {
        ExprKind::String(text) => Some(text),
        _ => None,
    }
}

/// The labels that a function sets.
pub(super) fn written_labels<'e>(call: &'e Call<'e>) -> impl Iterator<Item = &'e str> {
    let sets = matches!(call.name, "label_replace" | "label_join" | "histogram_quantiles");
    string_arg(call, 1).filter(|_| sets).map(|label| &*label.value).into_iter()
}

/// The value that `label_replace` sets on series with these labels, if it is the same for all of them.
pub(super) fn replacement<'e>(call: &'e Call<'e>, labels: &Labels<'e>) -> Option<&'e StringLiteral<'e>> {
    let pattern = &*string_arg(call, 4)?.value;
    let always = matches!(pattern, ".*" | "(.*)") || (matches_empty(pattern) && lacks_source(call, labels));
    string_arg(call, 2)
        .filter(|value| call.name == "label_replace" && always && !value.value.is_empty() && !value.value.contains('$'))
}

/// Whether `label_replace` has no effect, because the source label is missing and the pattern does not match that.
pub(super) fn replacement_is_noop<'e>(call: &'e Call<'e>, labels: &Labels<'e>) -> bool {
    call.name == "label_replace"
        && lacks_source(call, labels)
        && string_arg(call, 4).is_some_and(|pattern| !matches_empty(&pattern.value))
}

/// Whether series with these labels lack the source label of `label_replace`.
fn lacks_source<'e>(call: &'e Call<'e>, labels: &Labels<'e>) -> bool {
    // A caller may group by it.
    let lacks = |label: &str| !labels.may_have(label) && !labels.may_have(GROUP_BY);
    string_arg(call, 3).is_some_and(|source| source.value.is_empty() || lacks(&source.value))
}

#[cfg(test)]
mod tests {
    use crate::check::output_labels;
    use crate::promql::{Features, Syntax, parse};

    fn labels(query: &str) -> String {
        let parsed = parse(query, Syntax { template: false, features: Features::all() });
        assert_eq!(parsed.diagnostics, [], "{query}");
        output_labels(query, &parsed.expr.unwrap()).to_string()
    }

    #[test]
    fn selectors() {
        assert_eq!(labels("up"), "__name__, ...");
        assert_eq!(labels("{job=\"a\",x=~\"b+\",y=~\"c*\",z=\"\"}"), "job, x, ... but not z");
        assert_eq!(labels("up[5m:1m]"), "__name__, ...");
    }

    #[test]
    fn functions() {
        assert_eq!(labels("rate(up{a=\"b\"}[5m])"), "a, ... but not __name__");
        assert_eq!(labels("sort(last_over_time(up[5m]))"), "__name__, ...");
        assert_eq!(labels("-up"), "... but not __name__");
        assert_eq!(labels("histogram_quantile(0.9, sum by (le, job) (x))"), "job?");
        assert_eq!(labels("vector(1) + time()"), "none");
        assert_eq!(labels("absent(up{a=\"b\",c=~\"d\",e=\"f\",e=\"f\"})"), "a");
        assert_eq!(labels("absent(sum by (a) (up))"), "none");
        assert_eq!(labels("label_replace(sum(up), \"a\", \"$1\", \"b\", \"(.*)\")"), "a?");
        assert_eq!(labels("label_join(sum by (b) (up{b=\"c\"}), \"a\", \"-\", \"b\")"), "a, b");
    }

    #[test]
    fn aggregations() {
        assert_eq!(labels("sum(up)"), "none");
        assert_eq!(labels("sum by (job, a) (up{job=\"x\"})"), "job, a?");
        assert_eq!(labels("sum by (a) (sum by (b) (up))"), "none");
        assert_eq!(labels("sum without (a) (up{a=\"b\",c=\"d\"})"), "c, ... but not __name__, a");
        assert_eq!(labels("topk(3, up)"), "__name__, ...");
        assert_eq!(labels("count_values by (a) (\"v\", up)"), "v, a?");
    }

    #[test]
    fn operators() {
        assert_eq!(labels("up{a=\"b\"} > 0"), "__name__, a, ...");
        assert_eq!(labels("0 < bool up{a=\"b\"}"), "a, ... but not __name__");
        assert_eq!(labels("sum by (a, b) (x) / on (a) sum by (a, c) (y)"), "a?");
        assert_eq!(labels("sum by (a, b) (x) / ignoring (b) sum by (a) (y{a=\"c\"})"), "a");
        assert_eq!(labels("sum by (a) (x) * on (a) group_left (b, c) sum by (a, b) (y{b=\"c\"})"), "b, a?");
        assert_eq!(labels("sum by (a) (x) * on (a) group_right (b) y{c=\"d\"}"), "c, ... but not __name__, b");
        assert_eq!(labels("sum by (a) (x) or sum by (b) (y)"), "a?, b?");
        assert_eq!(labels("sum by (a) (x) and on () vector(1)"), "a?");
    }
}
