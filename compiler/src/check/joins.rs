//! Checks of operators between two vectors: whether their series can match, and whether they match one to one.

use promql_presets_core::{keyword, sort};

use super::analysis::{Analysis, Findings};
use super::conditions::{Condition, conditions, contradiction};
use super::grouping::{missing_group_by, missing_label, undeclared_label};
use super::label_set::{GROUP_BY, NAME};
use super::ratios::unscaled;
use super::schema::Role;
use super::tree::Id;
use crate::file::{self, LabelType};
use crate::promql::{Aggregator, Binary, BinaryOp, Expr, ExprKind, Grouping, GroupingItem, GroupingKeyword, MatchOp};
use crate::vec_ext::{IntoVec, VecExt};
use crate::{Code, Diagnostic, Span};

/// Labels that series of several instances share.
const COARSE_LABELS: [&str; 10] =
    ["app", "cluster", "datacenter", "dc", "env", "environment", "job", "namespace", "region", "service"];

/// Whether a function computes one value for each series, with its labels.
fn keeps_labels(function: &str) -> bool {
    let is_over_time = function.ends_with("_over_time") && function != "absent_over_time";
    let names = "abs ceil clamp clamp_max clamp_min floor histogram_quantile increase irate rate round sort";
    is_over_time || is_among(names, function)
}

/// Labels of parts, of which a machine or a server has several.
const PARTS: &str =
    "core cpu database datname db device disk gpu interface mountpoint nic partition queue relname table topic volume";

/// Labels of things that have parts themselves, as databases have tables.
const WHOLES: &str = "database datname db instance node pod schema topic";

/// Labels whose values differ between the events or states of one thing.
const VARYING: &str = "action area cause code command condition direction error event method mode op operation outcome \
    phase rcode reason resource response_code result state status status_code";

fn is_among(words: &str, label: &str) -> bool {
    words.split_whitespace().any(|word| word == label)
}

fn is_among_coarse(matching: &Grouping<'_>) -> bool {
    matching.labels().iter().all(|label| COARSE_LABELS.contains(&&*label.name))
}

/// The suffixes of metrics that describe things rather than measure them. Their labels depend on each other.
const DESCRIPTIONS: [&str; 4] = ["_info", "_labels", "_metadata", "_owner"];

pub(super) fn check(query: &Analysis<'_>, findings: &mut Findings) {
    for id in query.ids() {
        let ExprKind::Binary(binary) = &query.expr(id).kind else { continue };
        let &[left, right] = query.children(id) else { continue };
        if !query.is_vector(left) || !query.is_vector(right) {
            continue;
        }
        let join = Join { query, binary, left, right };
        let before = findings.len();
        join.label_clash(findings);
        join.missing_labels(findings);
        if before == findings.len() && binary.fill.is_empty() {
            join.impossible_match(findings);
        }
        if before == findings.len() && binary.fill.is_empty() {
            join.disjoint_values(findings);
        }
        if before == findings.len() && binary.fill.is_empty() {
            join.unaggregated_side(findings);
        }
        if before == findings.len() {
            join.many_to_many(findings);
            join.unconditional_fallback(findings);
        }
    }
}

struct Join<'q, 'e> {
    query: &'q Analysis<'e>,
    binary: &'e Binary<'e>,
    left: Id,
    right: Id,
}

impl<'e> Join<'_, 'e> {
    fn on(&self) -> Option<&'e Grouping<'e>> {
        self.binary.matching.as_ref().filter(|matching| matching.keyword == GroupingKeyword::On)
    }

    /// Prometheus rejects a label that is both matched on and copied.
    fn label_clash(&self, findings: &mut Findings) {
        let (Some(on), Some(group)) = (self.on(), &self.binary.group) else { return };
        let hole = |grouping: &Grouping<'_>| {
            grouping.items.iter().find_map(|item| match item {
                GroupingItem::GroupBy(span) => Some(*span),
                GroupingItem::Label(_) => None,
            })
        };
        let groupable =
            |label: &str| self.query.groupable().is_none_or(|mut labels| labels.any(|groupable| groupable == label));
        let groupable_label =
            |grouping: &'e Grouping<'e>| grouping.labels().iter().find(|label| groupable(&label.name)).copied();
        let keyword = group.keyword.as_str();
        let clash = match (hole(on), hole(group)) {
            (Some(first), Some(second)) => Some((second, first, "labels".to_owned())),
            (None, Some(second)) => groupable_label(on).map(|label| (second, label.span, format!("`{}`", label.name))),
            (Some(first), None) => groupable_label(group).map(|label| (first, label.span, format!("`{}`", label.name))),
            (None, None) => None,
        };
        if let Some((span, other, what)) = clash {
            let title = format!("a caller may put {what} into both `on` and `{keyword}`");
            findings.push(
                Diagnostic::new(Code::JoinLabelClash, span, title)
                    .label("grouping by it makes the query invalid")
                    .help(if hole(group).is_some() {
                        "write the labels to copy; those of `on` are in the result anyway"
                    } else {
                        "write the labels to match on"
                    })
                    .secondary(other, "also here"),
            );
        }
    }

    /// Labels that are matched on or copied, but that a side does not have.
    fn missing_labels(&self, findings: &mut Findings) {
        // A constant fallback has no labels.
        let sides = [self.left, self.right]
            .into_iter()
            .filter(|side| self.constant_fallback().is_none_or(|(id, _)| id != *side));
        let mut first_missing: Option<Diagnostic> = None;
        for item in self.on().map_or(&[][..], |on| &on.items) {
            let found = sides.clone().find_map(|side| match item {
                GroupingItem::Label(label) if !self.query.labels_without_group_by(side).may_have(&label.name) => {
                    let title = format!("one side of the match has no label `{}`", label.name);
                    let harmful = self.nothing_matches_without(side, &label.name);
                    missing_label(self.query, side, &label.name, label.span, Code::MatchLabelMissing, title, harmful)
                }
                GroupingItem::Label(_) => None,
                GroupingItem::GroupBy(span) => missing_group_by(self.query, side, *span, Code::MatchLabelMissing),
            });
            merge(found, Code::MatchLabelMissing, &mut first_missing, findings);
        }
        findings.add_all(first_missing);
        let ignoring = self.binary.matching.as_ref().filter(|matching| matching.keyword == GroupingKeyword::Ignoring);
        for label in Grouping::labels_of(ignoring) {
            // An ignored label is normally missing on one side.
            let undeclared = |side| undeclared_label(self.query, side, &label.name, label.span);
            if let (Some(found), Some(_)) = (undeclared(self.left), undeclared(self.right)) {
                findings.push(found);
            }
        }
        let Some(group) = &self.binary.group else { return };
        let left = group.keyword == GroupingKeyword::GroupLeft;
        let (many, one) = if left { (self.left, self.right) } else { (self.right, self.left) };
        let mut first_missing: Option<Diagnostic> = None;
        for item in &group.items {
            let found = match item {
                GroupingItem::Label(label) if !self.query.labels_without_group_by(one).may_have(&label.name) => {
                    let title = format!(
                        "`{}` copies `{}`, which the other side does not have",
                        group.keyword.as_str(),
                        label.name
                    );
                    // Without it, the label of the "many" side is removed.
                    let harmful =
                        self.query.has_label(many, &label.name) || self.query.declares_label(one, &label.name);
                    missing_label(self.query, one, &label.name, label.span, Code::GroupLabelMissing, title, harmful)
                }
                GroupingItem::Label(_) => None,
                GroupingItem::GroupBy(span) => missing_group_by(self.query, one, *span, Code::GroupLabelMissing),
            };
            merge(found, Code::GroupLabelMissing, &mut first_missing, findings);
        }
        findings.add_all(first_missing);
    }

    /// The modifier that lets a side have several series per match.
    fn many_side(&self, side: Id) -> &'static str {
        if side == self.left { keyword::GROUP_LEFT } else { keyword::GROUP_RIGHT }
    }

    /// Whether nothing matches because one side lacks a label and the other certainly has it. A side whose grouping names
    /// the label is assumed to have it.
    fn nothing_matches_without(&self, side: Id, label: &str) -> bool {
        let other = if side == self.left { self.right } else { self.left };
        let has = self.query.has_label(other, label) || self.expected_labels(other).contains(&label);
        self.binary.op != BinaryOp::Or && self.binary.fill.is_empty() && has
    }

    /// A label that one side certainly has and the other cannot have.
    fn impossible_match(&self, findings: &mut Findings) {
        if self.binary.op == BinaryOp::Or || self.on().is_some() {
            return;
        }
        let mut ignored: Vec<&str> = match &self.binary.matching {
            Some(ignoring) if ignoring.has_hole() => return,
            Some(ignoring) => Grouping::names_of(Some(ignoring)),
            None => Vec::new(),
        };
        sort::by(&mut ignored, Ord::cmp);
        for (side, other) in [(self.left, self.right), (self.right, self.left)] {
            for label in self.likely_labels(side) {
                // Callers may group the other side by the labels of targets.
                let is_grouped = self.query.is_target_label(label) && self.query.labels(other).may_have(GROUP_BY);
                let is_matched = label != NAME && ignored.binary_search(&label).is_err() && !is_grouped;
                if !is_matched || self.query.labels(other).may_have(label) && !self.is_bound_of_others(label, other) {
                    continue;
                }
                let (_, place, text) = self.query.find_drop(other, label);
                let series = self.query.expr(self.query.strip_parens(side)).span;
                let shown =
                    if label == GROUP_BY { "labels that a caller groups by".to_owned() } else { format!("`{label}`") };
                let text = if label == GROUP_BY { "this side does not have them".to_owned() } else { text };
                let finding = Diagnostic::new(
                    Code::ImpossibleMatch,
                    self.binary.op_span,
                    format!("the sides of `{}` never have the same labels", self.binary.op.as_str()),
                )
                .label("finds nothing to match")
                .secondary(series, format!("this side has {shown}"))
                .secondary(place, text)
                // Series need not have a label that is only named in `by`, or that the snapshot lists.
                .warning_unless(self.query.has_label(side, label) && self.expected_labels(side).contains(&label));
                findings.push(match self.suggest_fix(side, other) {
                    Some(help) => finding.help(help),
                    None => finding,
                });
                return;
            }
        }
    }

    /// Whether this is the bound of buckets, and the side is their count or sum.
    fn is_bound_of_others(&self, label: &str, side: Id) -> bool {
        let names = self.query.sources(side);
        let ends = |name: &str| name.ends_with("_count") || name.ends_with("_sum");
        label == "le"
            && !names.is_empty()
            && names.iter().all(|(_, _, series)| series.name.as_deref().is_some_and(ends))
    }

    /// Scraped series beside an aggregation that drops some of their labels: `sum(x) / up`.
    fn unaggregated_side(&self, findings: &mut Findings) {
        if self.binary.op == BinaryOp::Or || self.binary.matching.is_some() {
            return;
        }
        for (side, other) in [(self.left, self.right), (self.right, self.left)] {
            let own = self.query.labels_without_group_by(other);
            let by_caller = self.query.labels(other).may_have(GROUP_BY);
            let known = self.query.labels(side).all().unwrap_or(&["instance"]);
            let Some(label) = known.iter().find(|label| **label != NAME && !own.may_have(label)) else { continue };
            let is_part = self.is_aggregated_in(side, other);
            if !is_part && !self.is_measured(side) || by_caller && own.all().is_none_or(|labels| !labels.is_empty()) {
                continue;
            }
            let op = self.binary.op.as_str();
            let series = self.query.expr(side).span;
            let finding = |title: &str, label: &str, has: String| {
                Diagnostic::new(Code::ImpossibleMatch, self.binary.op_span, format!("the sides of `{op}` {title}"))
                    .label(label)
                    .secondary(series, has)
                    .warning_unless(false)
            };
            let many = if self.binary.op.is_set() { String::new() } else { format!(" {} ()", self.many_side(side)) };
            let finding = if by_caller {
                let title = "have the same labels only if a caller groups by all of them";
                let finding =
                    finding(title, "finds nothing otherwise", "this side has all labels of its series".into());
                match &self.query.expr(self.query.strip_parens(other)).kind {
                    _ if is_part => finding.help(format!("write `{op} on ({{group_by}}){many}`")),
                    ExprKind::Aggregate(it) if it.param.is_none() => {
                        let text = self.query.slice(series);
                        finding.write(series, format!("{} by ({{group_by}})({text})", it.op.as_str()))
                    }
                    _ => finding,
                }
            } else {
                let (_, place, text) = self.query.find_drop(other, label);
                let finding =
                    finding("never have the same labels", "finds nothing to match", format!("this side has `{label}`"));
                let finding = finding.secondary(place, text);
                let many =
                    if self.binary.op.is_set() { String::new() } else { format!(" {} ()", self.many_side(side)) };
                match own.all() {
                    Some(labels) => finding.help(format!("write `{op} on ({}){many}`", labels.join(", "))),
                    None => finding,
                }
            };
            findings.push(finding);
            return;
        }
    }

    /// Whether one side aggregates the series of the other, which then has several: `x > avg(x)`.
    fn is_aggregated_in(&self, side: Id, other: Id) -> bool {
        let name = |side: Id| match &self.query.sources(side)[..] {
            [(_, _, series)] => series.name.as_deref(),
            _ => None,
        };
        let is_aggregate =
            |side: Id| self.query.below(side).any(|id| matches!(self.query.expr(id).kind, ExprKind::Aggregate(_)));
        name(side).is_some() && name(side) == name(other) && is_aggregate(other) && !is_aggregate(side)
    }

    /// A matched label whose values on the two sides cannot be equal.
    fn disjoint_values(&self, findings: &mut Findings) {
        if self.binary.op == BinaryOp::Or {
            return;
        }
        let matched = |label: &str| match &self.binary.matching {
            None => true,
            Some(matching) => {
                let listed = matching.lists(label);
                listed == (matching.keyword == GroupingKeyword::On) && (listed || !matching.has_hole())
            }
        };
        let right = conditions(self.query, self.right);
        for (label, condition) in conditions(self.query, self.left) {
            if !matched(label) {
                continue;
            }
            let contradicts = |other: &Condition<'_>| contradiction(&[condition, *other]).is_some();
            let Some((_, other)) = right.iter().find(|(it, other)| *it == label && contradicts(other)) else {
                continue;
            };
            let op = self.binary.op.as_str();
            let finding = Diagnostic::new(
                Code::ImpossibleMatch,
                self.binary.op_span,
                format!("the sides of `{op}` never have the same `{label}`"),
            )
            .label("finds nothing to match")
            .secondary(condition.span, "values of this side")
            .secondary(other.span, "values of the other side");
            let single = condition.op == MatchOp::Equal && other.op == MatchOp::Equal;
            findings.push(if single && self.binary.matching.is_none() {
                finding.help(format!("write `{op} ignoring ({label})`"))
            } else {
                finding
            });
            return;
        }
    }

    /// The labels that a side has, including those that it is grouped by.
    fn expected_labels(&self, side: Id) -> Vec<&'e str> {
        let mut labels = self.query.labels(side).certain().to_vec();
        if let ExprKind::Aggregate(aggregate) = &self.query.expr(self.query.strip_parens(side)).kind
            && let Some(grouping) = &aggregate.grouping
            && grouping.keyword == GroupingKeyword::By
        {
            let mut kept = Grouping::names_of(Some(grouping));
            kept.keep(|label| self.query.labels(side).may_have(label));
            labels.add_all(kept);
        }
        labels
    }

    /// The labels that a side has, including those that `metrics.toml` has for the metric whose series it returns.
    fn likely_labels(&self, side: Id) -> Vec<&'e str> {
        let mut labels = self.expected_labels(side);
        if let [(_, _, series)] = self.query.sources(side)[..] {
            let known = series.metric.and_then(|metric| metric.known?.labels.as_ref());
            let known = known.into_iter().flatten().map(|label| label.value.as_str());
            labels.add_all(known.filter(|label| self.query.labels(side).may_have(label)));
        }
        labels
    }

    fn suggest_fix(&self, side: Id, other: Id) -> Option<String> {
        let op = self.binary.op.as_str();
        let single = self.query.labels(other).all().is_some_and(<[_]>::is_empty);
        if self.binary.op.is_set() {
            return single.then(|| format!("write `{op} on ()`"));
        }
        let keyword = self.many_side(side);
        if single {
            return Some(format!("write `{op} on () {keyword} ()`"));
        }
        // If each side has a label that the other lacks, neither is the "many" side.
        let extra = |side: Id, other: Id| {
            let mut labels = self.likely_labels(side);
            labels.keep(|label| {
                *label != NAME && (!self.query.labels(other).may_have(label) || self.is_bound_of_others(label, other))
            });
            sort::by(&mut labels, Ord::cmp);
            labels.dedup();
            labels
        };
        let ignored = extra(side, other);
        let mends = self.binary.matching.is_none() && extra(other, side).is_empty() && !ignored.contains(&GROUP_BY);
        mends.then(|| format!("write `{op} ignoring ({}) {keyword} ()`", ignored.join(", ")))
    }

    /// Reports `on ({group_by})`: if the caller does not group, all series match each other.
    fn empty_on(&self, findings: &mut Findings) -> bool {
        let Some(on) = self.on().filter(|on| on.has_hole() && on.labels().is_empty()) else {
            return false;
        };
        let single = |side: Id| self.query.labels_without_group_by(side).all().is_some_and(<[_]>::is_empty);
        let ones = match self.binary.group.as_ref().map(|group| group.keyword) {
            Some(GroupingKeyword::GroupLeft) => [self.right, self.right],
            Some(_) => [self.left, self.left],
            None => [self.left, self.right],
        };
        let Some(many) = ones.iter().copied().find(|side| !single(*side)) else { return false };
        let span = self.query.expr(self.query.strip_parens(many)).span;
        findings.push(
            Diagnostic::new(
                Code::ManyToMany,
                on.span(),
                format!("several series per match at `{}`", self.binary.op.as_str()),
            )
            .label("matches everything where a caller groups by nothing")
            .secondary(span, "still several series per match"),
        );
        true
    }

    /// Reports a match with several series on a side that must have one.
    fn many_to_many(&self, findings: &mut Findings) {
        if self.binary.op.is_set() || !self.binary.fill.is_empty() || self.empty_on(findings) {
            return;
        }
        let Some(matching) = &self.binary.matching else { return };
        if let Some(group) = &self.binary.group {
            let one = if group.keyword == GroupingKeyword::GroupLeft { self.right } else { self.left };
            let Some(label) = self.varying_label(one, matching).filter(|_| !group.has_hole()) else { return };
            let keyword = group.keyword.as_str();
            let place = format!("has one series per `{label}`; `{keyword}` needs exactly one per match on this side");
            let finding = self.several(label, matching, one, place);
            let side = self.query.expr(one).span;
            let is_rate =
                matches!(&self.query.expr(self.query.strip_parens(one)).kind, ExprKind::Call(it) if it.name == "rate");
            let is_plain = self.on().is_some() && group.items.is_empty();
            let sum = || format!("sum by ({})({})", sorted_labels(Some(matching)).join(", "), self.query.slice(side));
            let many = if one == self.right { self.left } else { self.right };
            let is_single =
                |side: Id| self.query.labels(side).all().is_some_and(|all| all.iter().all(|it| matching.lists(it)));
            findings.push(if is_plain && !matching.has_hole() && is_single(many) {
                finding.write(group.span(), format!("{} ()", self.many_side(one)))
            } else if is_rate && is_plain {
                finding.write(side, sum())
            } else {
                self.matched_as_well(finding, label, matching, many)
            });
            return;
        }
        for (side, other) in [(self.left, self.right), (self.right, self.left)] {
            let Some(label) = self.varying_label(side, matching) else { continue };
            let finding = self.several(label, matching, side, format!("has one series per `{label}`"));
            let help = || format!("write `{} {} ()`", self.query.slice(matching.span()), self.many_side(side));
            let is_unique = self.varying_label(other, matching).is_none();
            findings.push(if is_unique {
                finding.help(help())
            } else {
                self.matched_as_well(finding, label, matching, other)
            });
            return;
        }
    }

    /// Adds a help to match a label as well that the other side also has.
    fn matched_as_well(&self, finding: Diagnostic, label: &str, matching: &Grouping<'_>, other: Id) -> Diagnostic {
        if self.varying_label(other, matching) != Some(label) {
            return finding;
        }
        let on = matching.keyword == GroupingKeyword::On;
        let shown = if label == GROUP_BY { "{group_by}" } else { label };
        let items = matching.items.iter().map(|item| self.query.slice(item.span())).filter(|it| on || *it != shown);
        let items: Vec<&str> = items.chain(on.then_some(shown)).into_vec();
        finding.write(matching.span(), format!("{} ({})", matching.keyword.as_str(), items.join(", ")))
    }

    /// The finding for a label that has several values on a side for each match.
    fn several(&self, label: &str, matching: &Grouping<'_>, side: Id, place: String) -> Diagnostic {
        let title = format!("several series per match at `{}`", self.binary.op.as_str());
        Diagnostic::new(Code::ManyToMany, matching.span(), title)
            .label(format!("`{label}` is not matched"))
            .secondary(self.query.expr(self.query.strip_parens(side)).span, place)
    }

    /// A label that has several values on a side for each match.
    fn varying_label(&self, side: Id, matching: &Grouping<'_>) -> Option<&'e str> {
        let on = matching.keyword == GroupingKeyword::On;
        let (matched, copied) = (sorted_labels(Some(matching)), sorted_labels(self.binary.group.as_ref()));
        let is_listed =
            |label: &str| matched.binary_search(&label).is_ok() || (label == GROUP_BY && matching.has_hole());
        let side = self.selected_from(side, |label| is_listed(label) == on)?;
        let labels = self.query.labels(side);
        // A copied label has one value per match.
        let varies = |label: &str| !self.is_fixed(side, label) && copied.binary_search(&label).is_err();
        // A label that was created from another one may depend on it.
        let (is_aggregate, is_grouped) = match &self.query.expr(self.query.strip_parens(side)).kind {
            ExprKind::Aggregate(aggregate) => (true, aggregate.grouping.as_ref().is_some_and(Grouping::has_hole)),
            _ => (false, false),
        };
        if !is_aggregate && !self.is_measured(side) {
            let mut extra = labels.all()?.iter().filter(|label| is_listed(label) != on);
            return extra.find(|label| self.differs(side, label, matching) && varies(label)).copied();
        }
        // A job has several instances, a pod that one exporter reports does not.
        let is_coarse = on && is_among_coarse(matching) && !matching.has_hole();
        // Without a declaration, the labels are those of scraped series.
        let Some(all) = labels.all() else {
            let other = if side == self.left { self.right } else { self.left };
            let is_ignored =
                !on && is_listed("instance") && !self.query.labels_without_group_by(other).may_have("instance");
            return Some("instance").filter(|label| (is_coarse || is_ignored) && varies(label));
        };
        let is_own = |label: &str| match label {
            GROUP_BY => is_grouped,
            "job" => is_aggregate,
            "instance" => is_aggregate || is_coarse,
            _ => true,
        };
        let mut extra = all.iter().filter(|label| is_listed(label) != on && **label != NAME && is_own(label));
        extra.find(|label| varies(label)).copied()
    }

    /// The series from which `topk` and the like select some. `None` if they select one for each match, as
    /// `topk by (pod) (1, x)` does if `pod` is matched.
    fn selected_from(&self, side: Id, is_matched: impl Fn(&str) -> bool) -> Option<Id> {
        let mut id = self.query.strip_parens(side);
        while let ExprKind::Aggregate(aggregate) = &self.query.expr(id).kind
            && aggregate.op.is_selection()
        {
            let is_one = aggregate.op != Aggregator::LimitRatio
                && aggregate.param.as_ref().and_then(Expr::as_number) == Some(1.0);
            let is_per_match = aggregate.grouping.as_ref().is_none_or(|by| {
                by.keyword == GroupingKeyword::By && !by.has_hole() && by.labels().iter().all(|it| is_matched(&it.name))
            });
            if is_one && is_per_match {
                return None;
            }
            id = self.query.strip_parens(self.query.operand(id));
        }
        Some(id)
    }

    /// Whether a label has one value: because of a matcher, because callers must filter on it, or as `metrics.toml` has it.
    fn is_fixed(&self, side: Id, label: &str) -> bool {
        self.query.selectors_below(side).iter().any(|(_, selector, series)| {
            let mut declared = file::Labels::all(self.query.scope.labels).iter();
            selector.fixing(label).is_some()
                || matches!(series.label(label), Some(LabelType::OneOf(values)) if values.len() == 1)
                || (selector.has_labels_hole() && declared.any(|it| it.required && it.name.value == label))
        })
    }

    /// Whether a label of a plain selector certainly has several values for each match: the label of its buckets, quantiles,
    /// states, parts or events, or one that the metric is named after, as `kube_pod_info` has a series for each `pod`. Other
    /// labels may depend on those that are matched, as `node` does on `pod`.
    fn differs(&self, side: Id, label: &str, matching: &Grouping<'_>) -> bool {
        let Some(series) = self.query.series(unscaled(self.query, side)) else { return false };
        let name = series.name.as_deref().unwrap_or_default();
        match series.role {
            role if role.is_bucket() && label == "le" => return true,
            Role::Quantiles if label == "quantile" => return true,
            Role::Stateset if label == name => return true,
            _ => {}
        }
        let is_word = |label: &str| name.split('_').any(|word| word == label);
        // Any other label may be an id, which is unique.
        let is_wider = |label: &str| COARSE_LABELS.contains(&label) || is_among(WHOLES, label) || is_word(label);
        let is_version = label == "version" && name.ends_with("_info");
        let describes = DESCRIPTIONS.iter().any(|end| name.ends_with(end));
        if is_among(VARYING, label) && !describes && !matching.has_hole() && !self.query.is_target_label(label) {
            return true;
        }
        matching.keyword == GroupingKeyword::On
            && !matching.has_hole()
            && matching.labels().iter().all(|label| is_wider(&label.name))
            && if self.query.is_target_label(label) {
                // A job has several instances, all of which have the metric.
                let is_known =
                    || series.metric.is_some_and(|metric| metric.known.is_some_and(|it| it.labels.is_some()));
                let is_of_jobs = || matching.lists("job") && is_among_coarse(matching);
                label == "instance" && (name == "up" || (is_known() && is_of_jobs()))
            } else {
                is_among(PARTS, label) || is_word(label) && !is_version
            }
    }

    /// Whether an expression has the labels of a metric with measurements rather than of an info metric: a declared
    /// metric, or a rate.
    fn is_measured(&self, side: Id) -> bool {
        let mut id = self.query.strip_parens(side);
        let (mut has_rate, mut is_compared) = (false, false);
        loop {
            match &self.query.expr(id).kind {
                ExprKind::Call(call) if keeps_labels(call.name) => {
                    has_rate |= matches!(call.name, "rate" | "irate" | "increase");
                }
                ExprKind::Subquery(_) | ExprKind::Unary(_) => {}
                ExprKind::Binary(binary) if binary.lhs.as_number().is_some() || binary.rhs.as_number().is_some() => {
                    is_compared |= binary.op.is_comparison();
                }
                _ => break,
            }
            let mut vectors = self.query.children(id).iter().filter(|arg| self.query.expr(**arg).as_number().is_none());
            match vectors.next() {
                Some(inner) => id = self.query.strip_parens(*inner),
                None => return false,
            }
        }
        match self.query.series(id) {
            // `x == 1` may select the one state that something is in.
            Some(_) if is_compared && !has_rate => false,
            // Labels of the snapshot may depend on each other, as those of `kube_pod_info` do, which is a gauge.
            Some(series) if series.metric.is_some_and(|it| it.labels.is_some() && (it.is_declared || has_rate)) => {
                !matches!(series.role, Role::Info | Role::Stateset)
            }
            // Without a range it may be a recording rule, unless it is a raw counter or `up`.
            Some(series) => {
                let name = series.name.as_deref().unwrap_or_default();
                let is_raw = || !name.contains(':') && (name == "up" || name.ends_with("_total"));
                has_rate && self.is_scraped(side) || is_raw() && self.query.series(side).is_some()
            }
            None => false,
        }
    }

    /// The right side of `or vector(0)`, and its place.
    fn constant_fallback(&self) -> Option<(Id, Span)> {
        let call = self.query.expr(self.query.strip_parens(self.right));
        let constant = matches!(&call.kind, ExprKind::Call(call) if call.name == "vector");
        (self.binary.op == BinaryOp::Or && constant).then_some((self.right, call.span))
    }

    /// Whether the series have the labels of scraped series, including `instance`: `rate(x[5m])`.
    fn is_scraped(&self, side: Id) -> bool {
        let sources = self.query.sources(side);
        let is_scraped = |name: Option<&str>| name.is_some_and(|name| !name.contains(':'));
        self.query.labels_without_group_by(side).may_have("instance")
            && !sources.is_empty()
            && sources.iter().all(|(_, it, series)| it.range.is_some() && is_scraped(series.name.as_deref()))
    }

    /// `sum by (job) (x) or vector(0)`: the fallback is always in the result, since it has no labels.
    fn unconditional_fallback(&self, findings: &mut Findings) {
        let Some((_, fallback)) = self.constant_fallback() else { return };
        if self
            .binary
            .matching
            .as_ref()
            .is_some_and(|matching| matching.keyword == GroupingKeyword::On && matching.items.is_empty())
            || (self.expected_labels(self.left).iter().all(|label| *label == NAME) && !self.is_scraped(self.left))
        {
            return;
        }
        // One more series of a constant value is harmless in an aggregation or comparison.
        let outer = self.query.ancestors(self.left).iter().skip(1).any(|outer| match &self.query.expr(*outer).kind {
            ExprKind::Aggregate(_) => true,
            ExprKind::Binary(binary) => binary.op.is_comparison(),
            _ => false,
        });
        if outer {
            return;
        }
        findings.push(
            Diagnostic::new(
                Code::FallbackAlwaysThere,
                self.binary.op_span,
                "`or` adds its right side even if the left side has data",
            )
            .label("adds its series beside those of the left side")
            .secondary(fallback, "has no labels, so it matches none of them")
            .help(format!("write `or on () {}`", self.query.slice(fallback))),
        );
    }
}

/// Adds a finding. Several with this code are one.
fn merge(found: Option<Diagnostic>, code: Code, first: &mut Option<Diagnostic>, findings: &mut Findings) {
    match (found, &mut *first) {
        (Some(found), Some(first)) if found.code == code => {
            first.severity = first.severity.max(found.severity);
            first.secondary.push((found.span, "and here".to_owned()));
        }
        (Some(found), None) if found.code == code => *first = Some(found),
        (found, _) => findings.add_all(found),
    }
}

/// The labels of a grouping, sorted, since the list may be long.
fn sorted_labels<'g>(grouping: Option<&'g Grouping<'_>>) -> Vec<&'g str> {
    let mut names = Grouping::names_of(grouping);
    sort::by(&mut names, Ord::cmp);
    names
}
