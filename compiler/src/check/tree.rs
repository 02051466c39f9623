//! The syntax tree for checks: each expression has an index and a parent, and each selector its metric.

use std::borrow::Cow;
use std::fmt::Write as _;

use promql_presets_core::{PromDuration, regex};

use super::schema::{Metric, Metrics, Role};
use crate::Span;
use crate::file::{self, LabelType, Settings};
use crate::promql::{
    BinaryOp, Duration, Expr, ExprKind, Features, GroupingItem, GroupingKeyword, Interval, MatchOp, Matcher, NamePart,
    ResultType, Selector,
};
use crate::vec_ext::{IntoVec, VecExt};

/// The context of a query.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'e> {
    /// Whether it is a template.
    pub template: bool,
    /// Whether it is in a call of `preset!` rather than in a file.
    pub inline: bool,
    /// The value of `{metric_name}`.
    pub metric: Option<&'e str>,
    /// The labels that its file declares; `None` allows any.
    pub labels: Option<&'e file::Labels>,
    /// The default of `{window}`.
    pub window: Option<PromDuration>,
    /// The experimental features that are enabled.
    pub features: Features,
    /// The declarations of all files.
    pub metrics: &'e Metrics<'e>,
    /// The settings of the registry.
    pub settings: &'e Settings,
}

/// The index of an expression; parents come before their children, and children in the order of the text.
pub(super) type Id = usize;

/// A selector and its series.
pub(super) type Source<'q, 'e> = (Id, &'e Selector<'e>, &'q Series<'e>);

struct Node<'e> {
    expr: &'e Expr<'e>,
    parent: Option<Id>,
    children: Vec<Id>,
    /// The span of the expression and everything below it.
    size: usize,
    series: Option<Series<'e>>,
}

/// The series of a selector.
#[derive(Clone, Debug)]
pub(super) struct Series<'e> {
    /// The metric's name, where it is known.
    pub name: Option<Cow<'e, str>>,
    /// Their role; from the suffix of the name if there is no declaration.
    pub role: Role,
    /// The metric that a file declares.
    pub metric: Option<&'e Metric<'e>>,
    /// Whether the query's own file declares it.
    pub is_own: bool,
    /// The series of each name in a pattern that lists names: `{__name__=~"a|b"}`; of other patterns, each known series that
    /// matches, and one without a name if there may be more.
    pub listed: Vec<Series<'e>>,
    /// A pattern that does not list names.
    pub pattern: Option<&'e str>,
}

impl Series<'_> {
    /// The series of each name that the selector lists; for a single name, the series themselves.
    pub(super) fn each(&self) -> &[Self] {
        if self.listed.is_empty() { std::slice::from_ref(self) } else { &self.listed }
    }

    /// Whether the series have a label, according to the declaration or the name of the metric.
    pub(super) fn declares(&self, label: &str) -> bool {
        if !self.listed.is_empty() {
            return self.listed.iter().all(|it| it.declares(label));
        }
        self.metric.and_then(|metric| metric.labels.as_ref()?.get(label)).is_some()
            || (label == "le" && self.role == Role::Bucket)
    }

    /// The type of a label: the declared one, or one with the values that the snapshot lists.
    pub(super) fn label(&self, label: &str) -> Option<&LabelType> {
        let metric = self.metric?;
        let declared = metric.labels.as_ref().and_then(|labels| (*labels.get(label)?)?.kind.as_ref());
        let known = || metric.known?.values(label);
        declared.filter(|kind| **kind != LabelType::String).or_else(known).or(declared)
    }

    /// Where the type comes from.
    pub(super) fn source(&self) -> &'static str {
        match self.each()[0].metric {
            Some(metric) if metric.kind_is_known && metric.known.is_none() => "as the server writes it",
            Some(metric) if metric.kind_is_known => "as `metrics.toml` has it",
            _ => "as its file declares",
        }
    }

    /// Whether the snapshot contradicts the declared type.
    pub(super) fn is_contradicted(&self) -> bool {
        self.each().iter().any(|it| it.metric.is_some_and(Metric::is_contradicted))
    }

    /// The declared role.
    pub(super) fn declared(&self) -> Role {
        let is_declared = self.each().iter().all(|it| it.metric.is_some_and(|metric| metric.kind.is_some()));
        if is_declared { self.role } else { Role::Unknown }
    }
}

/// The expressions of a query with their parents and metrics.
pub(super) struct Tree<'e> {
    pub text: &'e str,
    pub scope: Scope<'e>,
    nodes: Vec<Node<'e>>,
}

impl<'e> Tree<'e> {
    pub(super) fn new(text: &'e str, expr: &'e Expr<'e>, scope: Scope<'e>) -> Self {
        let mut tree = Self { text, scope, nodes: Vec::new() };
        tree.add(expr, None);
        tree
    }

    fn add(&mut self, expr: &'e Expr<'e>, parent: Option<Id>) {
        let id = self.nodes.len();
        let series = match &expr.kind {
            ExprKind::Selector(selector) if self.is_of_info(expr, parent) => {
                let found = self.find_series(selector);
                let is_named = selector.matchers().iter().any(|matcher| matcher.label.name == "__name__");
                Some(if is_named || found.name.is_some() { found } else { self.named(Some("target_info".into()), "") })
            }
            ExprKind::Selector(selector) => Some(self.find_series(selector)),
            _ => None,
        };
        self.nodes.push(Node { expr, parent, children: Vec::new(), size: 1, series });
        for child in expr.children() {
            let next = self.nodes.len();
            self.nodes[id].children.push(next);
            self.add(child, Some(id));
        }
        self.nodes[id].size = self.nodes.len() - id;
    }

    /// Whether an expression is the second argument of `info`, which selects `target_info` by default.
    fn is_of_info(&self, expr: &Expr<'_>, parent: Option<Id>) -> bool {
        match parent.map(|parent| &self.expr(parent).kind) {
            Some(ExprKind::Call(call)) => {
                call.name == "info" && call.args.get(1).is_some_and(|arg| std::ptr::eq(arg, expr))
            }
            _ => false,
        }
    }

    fn find_series(&self, selector: &'e Selector<'e>) -> Series<'e> {
        let scope = self.scope;
        let (name, suffix) = match &selector.name {
            Some(name) if !name.holes.is_empty() => {
                let mut whole = String::new();
                for part in name.parts() {
                    match part {
                        NamePart::Text(text, _) => whole.push_str(text),
                        NamePart::Hole(_) => whole.push_str(scope.metric.unwrap_or_default()),
                    }
                }
                let end = name.holes.last().map_or(0, |hole| (hole.end - name.span.start) as usize);
                (scope.metric.map(|_| Cow::Owned(whole)), name.text.get(end..).unwrap_or_default())
            }
            _ => (selector.metric_name().map(Cow::Borrowed), ""),
        };
        if name.is_some() || selector.name.is_some() {
            return self.named(name, suffix);
        }
        let (names, pattern) = match pattern_of_names(selector).map(|matcher| &*matcher.value.value) {
            Some(pattern) => match listed_names(pattern) {
                Some(names) => (names.into_iter().map(Some).into_vec(), None),
                None => (self.names_matching(pattern), Some(pattern)),
            },
            None => (Vec::new(), None),
        };
        let listed = names.into_iter().map(|name| self.named(name.map(Cow::Owned), "")).into_vec();
        let role = listed.first().map_or(Role::Unknown, |first| first.role);
        let role = if listed.iter().all(|it| it.declared() == role) { role } else { Role::Unknown };
        Series { name: None, role, metric: None, is_own: false, listed, pattern }
    }

    /// The names of all series that match a pattern, and `None` if there may be more.
    fn names_matching(&self, pattern: &str) -> Vec<Option<String>> {
        if matches_any_name(pattern) {
            return vec![None];
        }
        let (parts, matches) = (regex::alternatives(pattern), regex::matcher(pattern));
        let mut names = Vec::new();
        for (name, suffix) in self.scope.metrics.series() {
            if parts.iter().any(|part| may_overlap(part, name)) {
                let name = format!("{name}{suffix}");
                if matches(&name) != Some(false) {
                    names.push(Some(name));
                }
            }
        }
        if !self.scope.metrics.is_complete() || parts.iter().any(|part| self.may_be_open(part)) {
            names.push(None);
        }
        names
    }

    /// Whether the settings leave names open that a pattern matches.
    pub(super) fn may_be_open(&self, pattern: &str) -> bool {
        self.scope.settings.metrics.open.iter().any(|open| may_overlap(pattern, &open.value))
    }

    /// The series of a name, of which at least the suffix is known.
    fn named(&self, name: Option<Cow<'e, str>>, suffix: &str) -> Series<'e> {
        let found = name.as_deref().and_then(|name| self.scope.metrics.find(name));
        let role = match (found, &name) {
            (Some((metric, role)), _) if metric.kind.is_some() => role,
            (_, Some(name)) => Role::of_suffix(name),
            // A placeholder stands before the suffix.
            (_, None) => Role::of_suffix(suffix),
        };
        let metric = found.map(|(metric, _)| metric);
        let is_own = metric.is_some_and(|metric| self.scope.metric == Some(metric.name));
        Series { name, role, metric, is_own, listed: Vec::new(), pattern: None }
    }

    /// How often the series are scraped, if that is declared. Recording rules, whose names have colons, are not scraped.
    pub(super) fn scrape_interval(&self, series: &Series<'_>) -> Option<PromDuration> {
        let declared = series.metric.and_then(|metric| metric.scrape_interval);
        let by_default = || self.scope.settings.defaults.scrape_interval.as_ref().map(|interval| interval.value);
        let is_scraped = series.name.as_deref().is_some_and(|name| !name.contains(':'));
        declared.or_else(|| by_default().filter(|_| is_scraped))
    }

    /// Whether scraping adds a label to every series.
    pub(super) fn is_target_label(&self, label: &str) -> bool {
        let added = &self.scope.settings.metrics.target_labels;
        matches!(label, "job" | "instance") || added.iter().any(|it| it.value == label)
    }

    /// Every expression, parents first.
    pub(super) fn ids(&self) -> std::ops::Range<Id> {
        0..self.nodes.len()
    }

    pub(super) fn expr(&self, id: Id) -> &'e Expr<'e> {
        self.nodes[id].expr
    }

    pub(super) fn parent(&self, id: Id) -> Option<Id> {
        self.nodes[id].parent
    }

    /// The parent, its parent, and so on up to the root.
    pub(super) fn ancestors(&self, id: Id) -> Vec<Id> {
        std::iter::successors(self.parent(id), |id| self.parent(*id)).into_vec()
    }

    /// The ancestors from the parent to `top`.
    pub(super) fn ancestors_up_to(&self, id: Id, top: Id) -> Vec<Id> {
        let mut ancestors = self.ancestors(id);
        ancestors.keep(|outer| *outer >= top);
        ancestors
    }

    /// The nearest ancestor that is not a parenthesis.
    pub(super) fn outer(&self, id: Id) -> Option<Id> {
        let mut outer = self.parent(id)?;
        while matches!(self.expr(outer).kind, ExprKind::Paren(_)) {
            outer = self.parent(outer)?;
        }
        Some(outer)
    }

    pub(super) fn children(&self, id: Id) -> &[Id] {
        &self.nodes[id].children
    }

    /// The first child that is a vector.
    pub(super) fn vector(&self, id: Id) -> Option<Id> {
        self.children(id).iter().copied().find(|child| self.is_vector(*child))
    }

    /// The expression and everything below it.
    pub(super) fn below(&self, id: Id) -> std::ops::Range<Id> {
        id..id + self.nodes[id].size
    }

    /// The last child: what an aggregation aggregates.
    pub(super) fn operand(&self, id: Id) -> Id {
        self.children(id).last().map_or(id, |last| *last)
    }

    /// The argument of a call.
    pub(super) fn arg(&self, id: Id, index: usize) -> Option<Id> {
        self.children(id).get(index).copied()
    }

    /// The expression without parentheses around it.
    pub(super) fn strip_parens(&self, mut id: Id) -> Id {
        while matches!(self.expr(id).kind, ExprKind::Paren(_)) {
            id += 1;
        }
        id
    }

    /// Every selector, in the order of the text.
    pub(super) fn selectors(&self) -> Vec<Source<'_, 'e>> {
        self.selectors_below(0)
    }

    /// The selectors in an expression, in the order of the text.
    pub(super) fn selectors_below(&self, id: Id) -> Vec<Source<'_, 'e>> {
        let mut found = Vec::new();
        for id in self.below(id) {
            if let (ExprKind::Selector(selector), Some(series)) = (&self.expr(id).kind, &self.nodes[id].series) {
                found.push((id, &**selector, series));
            }
        }
        found
    }

    /// The series of a selector.
    pub(super) fn series(&self, id: Id) -> Option<&Series<'e>> {
        self.nodes[id].series.as_ref()
    }

    /// The series that `or` combines with those of a selector, as in `new or old` for two versions of an exporter. `absent(x)`
    /// is no older name of `x`.
    pub(super) fn others(&self, id: Id) -> Vec<&Series<'e>> {
        let is_absent =
            |id: &Id| matches!(&self.expr(*id).kind, ExprKind::Call(call) if call.name.starts_with("absent"));
        let is_in_absent = |id: Id| self.ancestors(id).iter().any(is_absent);
        let mut found = Vec::new();
        if is_in_absent(id) {
            return found;
        }
        let mut inner = id;
        for outer in self.ancestors(id) {
            if matches!(&self.expr(outer).kind, ExprKind::Binary(binary) if binary.op == BinaryOp::Or) {
                for &side in self.children(outer).iter().filter(|side| **side != inner) {
                    for (other, _, series) in self.selectors_below(side) {
                        if !is_in_absent(other) {
                            found.push(series);
                        }
                    }
                }
            }
            inner = outer;
        }
        found
    }

    /// The selectors whose values become the values of an expression, possibly aggregated. Selectors that only filter or
    /// scale values are left out.
    pub(super) fn sources(&self, id: Id) -> Vec<Source<'_, 'e>> {
        let mut found = Vec::new();
        let mut todo = vec![id];
        while let Some(id) = todo.pop() {
            match &self.expr(id).kind {
                ExprKind::Selector(selector) => {
                    found.add_all(self.series(id).map(|series| (id, &**selector, series)));
                }
                ExprKind::Binary(binary) if !binary.op.is_set() => {
                    match (self.children(id), &binary.group) {
                        // The "one" side only scales the "many" side.
                        (&[left, right], Some(group)) if self.is_vector(left) && self.is_vector(right) => {
                            let many = if group.keyword == GroupingKeyword::GroupRight { right } else { left };
                            todo.push(many);
                        }
                        (&[left, right], _) if self.is_vector(left) != self.is_vector(right) => {
                            todo.add_all(self.vector(id));
                        }
                        _ => {}
                    }
                }
                ExprKind::Binary(binary) if binary.op != BinaryOp::Or => todo.add_all(self.arg(id, 0)),
                ExprKind::Call(call) if call.name.starts_with("absent") => {}
                _ => {
                    for &child in self.children(id).iter().rev() {
                        if self.is_vector(child) {
                            todo.push(child);
                        }
                    }
                }
            }
        }
        found
    }

    /// Whether an expression is made of instant or range vectors.
    pub(super) fn is_vector(&self, id: Id) -> bool {
        matches!(self.expr(id).ty(), ResultType::InstantVector | ResultType::RangeVector)
    }

    pub(super) fn slice(&self, span: Span) -> &'e str {
        self.text.get(span.range()).unwrap_or_default()
    }

    /// The value of a duration in seconds; `{window}` has its default.
    pub(super) fn seconds(&self, duration: &Duration) -> Option<f64> {
        let window = self.scope.window.map(in_seconds).map(Interval::of);
        duration.interval(&|leaf| window.filter(|_| leaf.is_hole())).map(|it| it.low)
    }

    /// The text of a selector with an item added to its braces.
    pub(super) fn with_item(&self, selector: &Selector<'_>, item: &str) -> String {
        let name = selector.name.as_ref().map_or("", |name| name.text);
        let (open, close) = if self.scope.template { ("{{", "}}") } else { ("{", "}") };
        let mut text = format!("{name}{open}");
        for matcher in selector.items() {
            let _ = write!(text, "{},", self.slice(matcher.span()));
        }
        let _ = write!(text, "{item}{close}");
        text
    }

    /// The labels that a caller may group by; `None` for any.
    pub(super) fn groupable(&self) -> Option<impl Iterator<Item = &'e str>> {
        let is_group_by = |label: &&'e file::Label| label.usage.is_group_by();
        self.scope.labels.map(|labels| labels.labels.iter().filter(is_group_by).map(|label| label.name.value.as_str()))
    }
}

/// The names of metrics that a pattern lists: `a1` and `a2` of `a(1|2)`. A pattern with classes or repetitions is no list.
fn listed_names(pattern: &str) -> Option<Vec<String>> {
    let plain = pattern.replace("(?:", "(");
    let is_list = !plain.contains(['[', '?', '*', '+', '{', '.', '\\'])
        && !["(|", "||", "|)"].iter().any(|empty| plain.contains(empty));
    let texts = if is_list { regex::texts(pattern) } else { None };
    let mut names = texts.filter(|texts| texts.len() < 100).or_else(|| regex::listed_texts(pattern))?;
    names.keep(|name| !name.is_empty());
    if names.is_empty() { None } else { Some(names) }
}

/// Whether a pattern matches arbitrary names.
#[must_use]
pub fn matches_any_name(pattern: &str) -> bool {
    ["", "a", "zz_9"].iter().any(|name| regex::matches(pattern, name) != Some(false))
}

/// Whether a pattern may match names that begin with a text, or that an entry of `open` matches: they do not begin with
/// different letters.
pub(super) fn may_overlap(pattern: &str, open: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ':');
    let plain = |text: &'_ str| text.find(|c| !is_plain(c)).unwrap_or(text.len());
    let (start, after) = pattern.split_at(plain(pattern));
    // The last letter may be optional.
    let pattern = if after.starts_with(['?', '*', '{']) { &start[..start.len().saturating_sub(1)] } else { start };
    let open = &open[..plain(open)];
    pattern.starts_with(open) || open.starts_with(pattern)
}

/// The matcher for the name of a selector that is a pattern.
pub(super) fn pattern_of_names<'e>(selector: &'e Selector<'e>) -> Option<&'e Matcher<'e>> {
    selector.matchers().iter().find(|it| it.op == MatchOp::Regex && it.label.name == "__name__").copied()
}

/// A duration in seconds.
pub(super) fn in_seconds(duration: PromDuration) -> f64 {
    std::time::Duration::from_millis(duration.as_millis()).as_secs_f64()
}

/// A duration of this number of seconds.
pub(super) fn duration(seconds: f64) -> PromDuration {
    let rounded = (seconds * 1e3).round() / 1e3;
    let ms = std::time::Duration::try_from_secs_f64(rounded).map_or(u128::MAX, |duration| duration.as_millis());
    PromDuration::from_millis(u64::try_from(ms).unwrap_or(u64::MAX))
}

/// The literal labels of a grouping, and whether `{group_by}` is among its items.
pub(super) fn labels_of<'e>(items: &'e [GroupingItem<'e>]) -> (impl Iterator<Item = &'e str> + Clone, bool) {
    let labels = items.iter().filter_map(|item| match item {
        GroupingItem::Label(label) => Some(&*label.name),
        GroupingItem::GroupBy(_) => None,
    });
    (labels, items.iter().any(|item| matches!(item, GroupingItem::GroupBy(_))))
}
