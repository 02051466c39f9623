//! Why a query returns nothing: which of its selectors are empty, or which operation has no result.

use promql_presets::{Data, InstantQuery, PrometheusClient, Timestamp};
use promql_presets_compiler::Span;
use promql_presets_compiler::promql::{BinaryOp, Expr, ExprKind, Features, ResultType, Selector, Syntax, parse};
use promql_presets_core::quote;

/// Why an expression is empty.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    /// The smallest expression of the query that is empty although its operands are not.
    pub(crate) span: Span,
    pub(crate) message: String,
    /// Whether that can be right, as for a comparison that nothing passes.
    pub(crate) is_expected: bool,
}

/// Finds the causes, with a few small queries for each expression in the query.
pub(crate) async fn causes(client: &PrometheusClient, query: &str, at: Option<Timestamp>) -> Vec<Cause> {
    let parsed = parse(query, Syntax { template: false, features: Features::all() });
    let probe = Probe { client, query, at };
    let mut causes = Vec::new();
    let mut empty: Vec<&Expr<'_>> = parsed.expr.iter().collect();
    while let Some(expr) = empty.pop() {
        let operands: Vec<&Expr<'_>> = operands(expr);
        let mut has_empty = false;
        for operand in operands {
            if probe.is_empty(operand).await {
                has_empty = true;
                empty.push(operand);
            }
        }
        if !has_empty {
            causes.push(probe.cause(expr).await);
        }
    }
    causes.sort_by_key(|cause| cause.span);
    causes
}

/// The operands of which one is the cause if it is empty.
fn operands<'e, 'a>(expr: &'e Expr<'a>) -> Vec<&'e Expr<'a>> {
    match &expr.kind {
        ExprKind::Binary(binary) if binary.op == BinaryOp::Unless => vec![&binary.lhs],
        ExprKind::Call(call) if call.name.starts_with("absent") => Vec::new(),
        _ => expr.children().collect(),
    }
}

struct Probe<'a> {
    client: &'a PrometheusClient,
    query: &'a str,
    at: Option<Timestamp>,
}

impl Probe<'_> {
    /// Whether an expression has no result. What cannot be found out is not empty.
    async fn is_empty(&self, expr: &Expr<'_>) -> bool {
        let text = &self.query[expr.span.range()];
        match expr.ty() {
            ResultType::InstantVector => !self.has_series(text).await,
            ResultType::RangeVector => !self.has_series(&format!("last_over_time({text})")).await,
            ResultType::Scalar | ResultType::String => false,
        }
    }

    async fn has_series(&self, query: &str) -> bool {
        let query = self.client.raw_query(format!("count({query})"));
        match query.when_some(self.at, InstantQuery::at).await {
            Ok(Data::Vector(vector)) => !vector.is_empty(),
            _ => true,
        }
    }

    async fn cause(&self, expr: &Expr<'_>) -> Cause {
        let (message, is_expected) = match &expr.kind {
            ExprKind::Selector(selector) => (self.selector(selector).await, false),
            ExprKind::Binary(binary) if binary.op.is_comparison() => {
                (format!("nothing passes the comparison `{}`", binary.op.as_str()), true)
            }
            ExprKind::Binary(binary) => match binary.op {
                BinaryOp::And => ("no series is on both sides of `and`".to_owned(), true),
                BinaryOp::Unless => ("every series is on the right side of `unless` too".to_owned(), true),
                op => (format!("no series of the two sides of `{}` have the same labels", op.as_str()), false),
            },
            ExprKind::Call(call) if call.name.starts_with("absent") => (format!("`{}` finds series", call.name), true),
            ExprKind::Call(call) => {
                let takes_range = call.args.iter().any(|argument| argument.ty() == ResultType::RangeVector);
                let why = if takes_range { ": are there two samples in the window?" } else { "" };
                (format!("`{}` returns nothing for its series{why}", call.name), false)
            }
            ExprKind::Aggregate(aggregate) => {
                (format!("`{}` returns nothing for its series", aggregate.op.as_str()), false)
            }
            _ => ("no result".to_owned(), false),
        };
        Cause { span: expr.span, message, is_expected }
    }

    /// Which part of a selector excludes all series.
    async fn selector(&self, selector: &Selector<'_>) -> String {
        let text = &self.query[selector.span.range()];
        if self.has_series(text).await {
            return format!("`{text}` has samples now, but none at that time");
        }
        let Some(name) = selector.metric_name() else { return format!("no series is selected by `{text}`") };
        let named = format!("__name__={}", quote(name));
        if !self.has_series(&format!("{{{named}}}")).await {
            return format!("no series of `{name}`: it has no current samples");
        }
        let mut excluding = Vec::new();
        for matcher in selector.matchers().filter(|matcher| matcher.label.name != "__name__") {
            let matcher = &self.query[matcher.label.span.to(matcher.value.span).range()];
            if !self.has_series(&format!("{{{named},{matcher}}}")).await {
                excluding.push(format!("`{matcher}`"));
            }
        }
        match excluding.len() {
            0 => format!("no series of `{name}` matches all of `{text}`"),
            _ => format!("no series of `{name}` has {}", excluding.join(" or ")),
        }
    }
}
