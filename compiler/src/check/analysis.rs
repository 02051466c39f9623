//! A query as the checks see it: its tree, and the labels of each expression.

use std::ops::Deref;

use super::label_flow::{self, Assumptions, infer_labels};
use super::label_set::{GROUP_BY, Labels};
use super::row::{self, RowLabel};
use super::schema::Metric;
use super::tree::{Id, Scope, Series, Source, Tree};
use crate::promql::{Expr, ExprKind, Grouping, ResultType};
use crate::{Diagnostic, Span};

/// A query and the labels of its expressions.
pub(super) struct Analysis<'e> {
    tree: Tree<'e>,
    /// The labels of each selector before any matchers.
    declared: Vec<Labels<'e>>,
    /// The labels of each expression if the caller groups by something.
    with_group_by: Vec<Labels<'e>>,
    /// The labels of each expression if the caller does not group; empty if that makes no difference.
    without_group_by: Vec<Labels<'e>>,
}

impl<'e> Deref for Analysis<'e> {
    type Target = Tree<'e>;

    fn deref(&self) -> &Tree<'e> {
        &self.tree
    }
}

impl<'e> Analysis<'e> {
    pub(super) fn new(text: &'e str, expr: &'e Expr<'e>, scope: Scope<'e>) -> Self {
        let tree = Tree::new(text, expr, scope);
        let declared = label_flow::declared_labels(&tree);
        let infer = |grouped| infer_labels(&tree, &declared, Assumptions { grouped, present: false });
        let with_group_by = infer(true);
        let has_group_by = scope.template && text.contains(GROUP_BY);
        let without_group_by = if has_group_by { infer(false) } else { Vec::new() };
        Self { tree, declared, with_group_by, without_group_by }
    }

    /// The labels that a row of the result has.
    pub(super) fn row(&self) -> Vec<RowLabel> {
        let labels = infer_labels(&self.tree, &self.declared, Assumptions { grouped: true, present: true });
        row::labels(&labels[0], self.scope.labels)
    }

    /// The labels of an expression if the caller groups by something.
    pub(super) fn labels(&self, id: Id) -> &Labels<'e> {
        &self.with_group_by[id]
    }

    /// The labels of an expression if the caller does not group.
    pub(super) fn labels_without_group_by(&self, id: Id) -> &Labels<'e> {
        if self.without_group_by.is_empty() { &self.with_group_by[id] } else { &self.without_group_by[id] }
    }

    /// The subexpression that drops a label, its span, and a text that describes it.
    pub(super) fn find_drop(&self, mut id: Id, label: &str) -> (Id, Span, String) {
        let lacks =
            |id: &Id| self.expr(*id).ty() != ResultType::Scalar && !self.labels_without_group_by(*id).may_have(label);
        while let Some(child) = self.children(id).iter().copied().find(lacks)
            && !self.replacement_is_noop(id, label)
        {
            id = child;
        }
        let expr = self.expr(id);
        let (span, text) = match &expr.kind {
            ExprKind::Aggregate(aggregate) => match &aggregate.grouping {
                Some(grouping) => {
                    let span = grouping.span();
                    // `sum by (a) (x)`, not `sum(x) by (a)`.
                    let before = span.start < aggregate.parens.start;
                    let span = if before { aggregate.op_span.to(span) } else { span };
                    (span, format!("this grouping drops `{label}`"))
                }
                None => (aggregate.op_span, "this drops every label".to_owned()),
            },
            ExprKind::Call(call) if self.replacement_is_noop(id, label) => {
                let source = label_flow::string_arg(call, 3);
                let name = source.map_or("", |source| &*source.value);
                (
                    source.map_or(call.name_span, |source| source.span),
                    format!("`{name}` has been dropped, so nothing is set"),
                )
            }
            ExprKind::Call(call) => (call.name_span, format!("this drops `{label}`")),
            ExprKind::Binary(binary) => {
                (binary.matching.as_ref().map_or(binary.op_span, Grouping::span), format!("this drops `{label}`"))
            }
            ExprKind::Selector(selector) => (selector.span, format!("no label `{label}` here")),
            _ => (expr.span, format!("no label `{label}` here")),
        };
        (id, span, text)
    }

    /// Whether an expression is a `label_replace` that sets the label, but has no effect since its source is missing.
    fn replacement_is_noop(&self, id: Id, label: &str) -> bool {
        match &self.expr(id).kind {
            ExprKind::Call(call) => {
                let sets = label_flow::written_labels(call).any(|it| it == label);
                sets && self
                    .arg(id, 0)
                    .is_some_and(|arg| label_flow::replacement_is_noop(call, self.labels_without_group_by(arg)))
            }
            _ => false,
        }
    }

    /// Whether matchers or declarations prove that the series of an expression have a label.
    pub(super) fn has_label(&self, id: Id, label: &str) -> bool {
        let labels = self.labels(id);
        let selectors = self.first_selectors_below(id);
        labels.certainly_has(label)
            || (labels.may_have(label)
                && !selectors.is_empty()
                && selectors.iter().all(|(_, _, series)| series.declares(label)))
    }

    /// Whether series of a selector in an expression are declared to have a label.
    pub(super) fn declares_label(&self, id: Id, label: &str) -> bool {
        self.first_selectors_below(id).iter().any(|(_, _, series)| series.declares(label))
    }

    /// Whether callers may expect these series to have a declared label: their metric is declared, or another selector
    /// of the query has the label. A query need not have all labels of its file.
    pub(super) fn is_shared(&self, metric: Option<&Metric<'_>>, label: &str) -> bool {
        let has_label = |other: &Series<'_>| other.each().iter().any(|it| it.declares(label));
        metric.is_some_and(|metric| metric.is_declared)
            || self.first_selectors_below(0).iter().any(|(_, _, other)| has_label(other))
    }

    /// The first selectors in an expression. The limit keeps queries that drop many labels of many series linear.
    fn first_selectors_below(&self, id: Id) -> Vec<Source<'_, 'e>> {
        let mut selectors = self.selectors_below(id);
        selectors.truncate(50);
        selectors
    }
}

/// The findings of all checks so far.
pub(super) type Findings = Vec<Diagnostic>;
