//! The layout of a query, as Prometheus' own formatter has it (`promql/parser/prettier.go`), with comments.
//!
//! The first step ([`Canonical`]) writes the query on one line: one way to put spaces and to write [literals](literal), and
//! groupings before the operand. Matchers keep their order. The second ([`Layout`]) breaks each expression that is longer than
//! [`MAX_WIDTH`], or that has a comment inside, into several lines. Comments belong to tokens, so that they move
//! together with them.

mod canonical;
mod literal;
#[cfg(test)]
mod tests;

use std::iter::repeat_n;

use promql_presets_compiler::Span;
use promql_presets_compiler::promql::{Expr, ExprKind, Grouping, GroupingItem, MatcherItem, Syntax, parse};

use canonical::{Canonical, Token};

/// The longest expression on one line, without its indent.
const MAX_WIDTH: usize = 100;

/// Formats a query or a template, with `eol` between its lines and none after the last. `None` if it is not valid.
pub(crate) fn format(text: &str, syntax: Syntax, eol: &str) -> Option<String> {
    let parsed = parse(text, syntax);
    let expr = parsed.expr.filter(|_| parsed.diagnostics.is_empty())?;
    let canonical = Canonical::of(text, syntax, &expr);
    // Prometheus reads some numbers, such as `0xee`, only with white space after them.
    let Some(expr) = parse(&canonical.text, syntax).expr else { return Some(text.trim().to_owned()) };
    let mut layout = Layout::of(&canonical);
    layout.expr(&expr, 0);
    Some(layout.write(eol))
}

/// Where lines start.
struct Layout<'a> {
    canonical: &'a Canonical,
    /// The indent of the line that a token starts.
    lines: Vec<Option<usize>>,
    /// How many comments stand before each token.
    comments: Vec<usize>,
}

impl<'a> Layout<'a> {
    fn of(canonical: &'a Canonical) -> Self {
        let mut count = 0;
        let before = |token: &Token| {
            let before = count + token.leading.len();
            count = before + usize::from(token.trailing.is_some());
            before
        };
        let comments = canonical.tokens.iter().map(before).collect();
        Self { canonical, lines: vec![None; canonical.tokens.len()], comments }
    }

    /// The token at an offset of the canonical text.
    fn token(&self, offset: u32) -> usize {
        self.canonical.tokens.partition_point(|token| token.start <= offset as usize).saturating_sub(1)
    }

    /// Whether a comment stands inside a span, not before or after it.
    fn has_comment(&self, span: Span) -> bool {
        self.comments[self.token(span.start)] < self.comments[self.token(span.end - 1)]
    }

    /// Starts a line with the token at an offset.
    fn line(&mut self, offset: u32, indent: usize) {
        let token = self.token(offset);
        self.lines[token] = Some(indent);
    }

    /// Breaks an expression that starts a line with this indent, if it must be broken.
    fn expr(&mut self, expr: &Expr<'_>, indent: usize) {
        let width = self.canonical.text[expr.span.range()].chars().count();
        if width <= MAX_WIDTH && !self.has_comment(expr.span) {
            return;
        }
        match &expr.kind {
            ExprKind::Number(_) | ExprKind::String(_) => {}
            ExprKind::Selector(selector) => {
                if let Some(braces) = &selector.braces {
                    let items = braces.items.iter().map(item_start);
                    self.list(braces.open.to(braces.close), braces.close, items, indent);
                }
            }
            ExprKind::Subquery(subquery) => self.expr(&subquery.expr, indent),
            ExprKind::Unary(unary) => {
                self.expr(&unary.expr, indent);
                let operand = self.token(unary.expr.span.start);
                self.lines[operand] = None;
            }
            ExprKind::Binary(binary) => {
                self.operand(&binary.lhs, indent + 1);
                self.line(binary.op_span.start, indent);
                for grouping in binary.matching.iter().chain(&binary.group) {
                    self.grouping(grouping, indent);
                }
                self.operand(&binary.rhs, indent + 1);
            }
            ExprKind::Paren(inner) => self.arguments([&**inner], expr.span.end, indent),
            ExprKind::Call(call) => self.arguments(&call.args, call.parens.end, indent),
            ExprKind::Aggregate(aggregate) => {
                if let Some(grouping) = &aggregate.grouping {
                    self.grouping(grouping, indent);
                }
                let arguments = aggregate.param.iter().chain([&aggregate.expr]);
                self.arguments(arguments, aggregate.parens.end, indent);
            }
        }
    }

    /// An expression on lines of its own.
    fn operand(&mut self, expr: &Expr<'_>, indent: usize) {
        self.line(expr.span.start, indent);
        self.expr(expr, indent);
    }

    /// Expressions on lines of their own, up to a parenthesis that ends at `end`.
    fn arguments<'e>(&mut self, arguments: impl IntoIterator<Item = &'e Expr<'e>>, end: u32, indent: usize) {
        let mut is_empty = true;
        for argument in arguments {
            self.operand(argument, indent + 1);
            is_empty = false;
        }
        if !is_empty {
            self.line(end - 1, indent);
        }
    }

    fn grouping(&mut self, grouping: &Grouping<'_>, indent: usize) {
        if let Some(parens) = grouping.parens {
            let close = Span::new(parens.end - 1, parens.end);
            self.list(parens, close, grouping.items.iter().map(label_start), indent);
        }
    }

    /// Matchers or labels, which are on lines of their own only if there are comments between them.
    fn list(&mut self, whole: Span, close: Span, items: impl Iterator<Item = u32>, indent: usize) {
        if self.has_comment(whole) {
            items.for_each(|item| self.line(item, indent + 1));
            self.line(close.start, indent);
        }
    }

    fn write(&self, eol: &str) -> String {
        let mut out = String::new();
        let newline = |out: &mut String, indent: usize| {
            if !out.is_empty() {
                out.push_str(eol);
            }
            out.extend(repeat_n("  ", indent));
        };
        // The indent of the current line, and whether a comment ends it.
        let (mut current, mut is_ended) = (0, false);
        for (token, line) in self.canonical.tokens.iter().zip(&self.lines) {
            let forced = (is_ended || !token.leading.is_empty()).then_some(current + usize::from(!out.is_empty()));
            if let Some(indent) = line.or(forced) {
                let is_closing = matches!(&*token.text, ")" | "]" | "}" | "}}");
                for comment in &token.leading {
                    let margin = comment.at_margin && token.start == 0;
                    newline(&mut out, if margin { 0 } else { indent + usize::from(is_closing) });
                    out.push_str(&comment.text);
                }
                newline(&mut out, indent);
                current = indent;
            } else if token.is_spaced {
                out.push(' ');
            }
            out.push_str(&token.text);
            is_ended = token.trailing.is_some();
            if let Some(comment) = &token.trailing {
                out.push(' ');
                out.push_str(comment);
            }
        }
        for comment in &self.canonical.last {
            newline(&mut out, 0);
            out.push_str(&comment.text);
        }
        out
    }
}

fn item_start(item: &MatcherItem<'_>) -> u32 {
    match item {
        MatcherItem::Matcher(matcher) => matcher.label.span.start,
        MatcherItem::Name(name) => name.span.start,
        MatcherItem::Labels(span) => span.start,
    }
}

fn label_start(item: &GroupingItem<'_>) -> u32 {
    match item {
        GroupingItem::Label(label) => label.span.start,
        GroupingItem::GroupBy(span) => span.start,
    }
}
