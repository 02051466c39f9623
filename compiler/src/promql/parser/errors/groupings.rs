//! Errors about groupings without an aggregation.

use super::is_bare_name;
use crate::promql::ast::{Expr, ExprKind};
use crate::promql::functions::Aggregator;
use crate::promql::parser::Parser;
use crate::promql::report;
use crate::vec_ext::VecExt;
use crate::{Diagnostic, Span};

impl<'a> Parser<'a> {
    /// `open`: the parenthesis around the expression before the grouping.
    pub(super) fn grouping_without_aggregation(&self, before: &Expr<'a>, open: Option<Span>) -> Diagnostic {
        let word = self.slice(self.token.span).to_ascii_lowercase();
        let diagnostic = self.syntax(format!("`{word}` without an aggregation"));
        // The labels, if they are what follows.
        let rest = &self.lexer.text[self.token.span.end as usize..];
        let labels = match rest.trim_start().strip_prefix('(') {
            Some(rest) => rest.split_once(')').map(|(labels, _)| labels),
            // `by job`.
            None => rest.trim_start().split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next(),
        };
        let labels = labels.filter(|labels| !labels.contains(['(', '#', '"', '\'', '`']));
        if let ExprKind::Selector(selector) = &before.kind
            && let Some(name) =
                selector.name.as_ref().filter(|_| selector.braces.is_none() && selector.span == before.span)
            && let Some((op, param)) = report::aggregation(name.text)
        {
            return self.other_aggregation(diagnostic, before.span, op, &param);
        }
        let function = match &before.kind {
            ExprKind::Call(call) => Some(call),
            _ => None,
        };
        if let Some(call) = function.filter(|call| call.function.is_none()) {
            return report::unknown_function(call.name, call.name_span, true);
        }
        let diagnostic = match function {
            Some(call) => diagnostic
                .label("only aggregations group")
                .secondary(call.name_span, format!("`{}` is a function", call.name)),
            None => {
                diagnostic.label("only an aggregation such as `sum` groups").secondary(before.span, "no aggregation")
            }
        };
        let Some(labels) = labels else { return diagnostic };
        // `sum(rate(x[5m]) by (job))`: the aggregation is around the grouping.
        let around = open.map(|open| (open, self.text_before(open.start).trim_end()));
        if let Some((open, text)) = around {
            let name = text.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
            if Aggregator::ALL.iter().any(|op| op.as_str().eq_ignore_ascii_case(name)) {
                let args = self.slice(Span::new(open.end, before.span.end));
                return diagnostic.help(format!("write `{name} {word} ({labels}) ({args})`"));
            }
        }
        let is_grouped = around.is_some_and(|(_, text)| text.ends_with(')'));
        let Some(call) = function.filter(|_| !is_grouped) else { return diagnostic };
        let buckets = match call.name {
            "histogram_quantile" => call.args.get(1),
            "histogram_fraction" => call.args.get(2),
            _ => None,
        };
        let Some(buckets) = buckets else {
            return diagnostic.help(format!("write `sum {word} ({labels}) ({})`", self.slice(before.span)));
        };
        // Quantiles are computed last, so the grouping belongs to the buckets.
        let grouped = self.grouped_buckets(buckets, &word, labels);
        let start = self.slice(Span::new(before.span.start, buckets.span.start));
        let end = self.slice(Span::new(buckets.span.end, before.span.end));
        diagnostic.help(format!("write `{start}{grouped}{end}`"))
    }

    /// Reports too many or too few arguments; `labels` are those of `sum(x, job)`.
    #[cold]
    pub(in crate::promql::parser) fn labels_as_arguments(
        &mut self,
        diagnostic: Diagnostic,
        op: Aggregator,
        whole: Span,
        args: &[Expr<'a>],
        labels: &[Expr<'a>],
    ) {
        let text = |list: &[Expr<'a>]| match list {
            [first, .., last] | [first @ last] => self.slice(first.span.to(last.span)),
            [] => "",
        };
        let is_known = !args.is_empty() && !labels.is_empty() && labels.iter().all(is_bare_name);
        self.report(if is_known {
            diagnostic.write(whole, format!("{} by ({}) ({})", op.as_str(), text(labels), text(args)))
        } else {
            diagnostic
        });
    }

    /// `median by (job) (x)`: the aggregation of PromQL for the one at `name`.
    fn other_aggregation(&self, diagnostic: Diagnostic, name: Span, op: &str, param: &str) -> Diagnostic {
        let diagnostic = diagnostic.label("only aggregations group").secondary(name, "not an aggregation of PromQL");
        if param.is_empty() {
            return diagnostic.write(name, op);
        }
        // The labels, then the arguments.
        let rest = &self.lexer.text[self.token.span.end as usize..];
        let whole = closing(rest).and_then(|labels| Some((labels, labels + closing(&rest[labels..])?)));
        let Some((labels, end)) = whole else { return diagnostic.help(format!("write `{op}`")) };
        let (word, labels, args) = (self.slice(self.token.span), rest[..labels].trim(), rest[labels..end].trim());
        let span = Span::of(name.range().start..self.token.span.end as usize + end);
        diagnostic.write(span, format!("{op} {word} {labels} ({param}, {}", args[1..].trim_start()))
    }

    /// A sum of buckets with a grouping that keeps `le`.
    fn grouped_buckets(&self, buckets: &Expr<'a>, word: &str, labels: &str) -> String {
        let source = self.slice(buckets.span);
        let aggregate = match &buckets.unparenthesized().kind {
            ExprKind::Aggregate(aggregate) => Some(aggregate),
            _ => None,
        };
        let grouping = aggregate.and_then(|aggregate| aggregate.grouping.as_ref());
        let mut items: Vec<&str> = Vec::new();
        if let Some(grouping) = grouping.filter(|grouping| grouping.keyword.as_str() == word) {
            items.add_all(grouping.items.iter().map(|item| self.slice(item.span())));
        } else if word == "by" && source.contains("_bucket") {
            items.push("le");
        }
        for label in labels.split(',').map(str::trim).filter(|label| !label.is_empty()) {
            if !items.contains(&label) {
                items.push(label);
            }
        }
        let (op, args) = match aggregate {
            Some(aggregate) => (self.slice(aggregate.op_span), self.slice(aggregate.parens)),
            None => ("sum", ""),
        };
        let items = items.join(", ");
        if args.is_empty() {
            format!("{op} {word} ({items}) ({source})")
        } else {
            format!("{op} {word} ({items}) {args}")
        }
    }
}

/// One past the parenthesis that closes the one that a text starts with.
fn closing(text: &str) -> Option<usize> {
    let (mut depth, mut quote) = (0_usize, None);
    for (at, c) in text.char_indices() {
        match c {
            _ if quote.is_some() => quote = quote.filter(|quote| *quote != c),
            '"' | '\'' | '`' => quote = Some(c),
            '(' => depth += 1,
            ')' if depth == 1 => return Some(at + 1),
            ')' => depth = depth.checked_sub(1)?,
            _ if depth == 0 && !c.is_whitespace() => return None,
            _ => {}
        }
    }
    None
}
