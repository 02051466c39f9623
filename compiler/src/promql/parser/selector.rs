//! Parses selectors: a name, and matchers in braces.

use std::borrow::Cow;

use promql_presets_core::regex::validate;

use crate::Span;
use crate::hole::Hole;
use crate::promql::ast::{Braces, Expr, ExprKind, Label, MatchOp, Matcher, MatcherItem, Name, Selector, StringLiteral};
use crate::promql::functions::ResultType;
use crate::promql::parser::{Parser, Result};
use crate::promql::report;
use crate::promql::token::{Kind, Token};
use crate::vec_ext::VecExt;

impl<'a> Parser<'a> {
    /// A selector whose name, if any, has been read.
    pub(super) fn selector(&mut self, name: Option<Token>) -> Result<Expr<'a>> {
        let name = name.map(|token| self.name(token));
        let braces = if self.token.kind == Kind::LeftBrace { Some(self.braces()?) } else { None };
        let span = match (&name, &braces) {
            (Some(name), Some(braces)) => name.span.to(braces.close),
            (Some(name), None) => name.span,
            (None, Some(braces)) => braces.open.to(braces.close),
            (None, None) => self.token.span,
        };
        let selector = Selector { name, braces, range: None, modifiers: Vec::new(), span };
        Ok(Expr { kind: ExprKind::Selector(Box::new(selector)), span, ty: ResultType::InstantVector, height: 1 })
    }

    pub(super) fn name(&self, token: Token) -> Name<'a> {
        let text = self.slice(token.span);
        let mut holes = Vec::new();
        if token.kind == Kind::TemplateName {
            let placeholder = Hole::MetricName.placeholder();
            holes.add_all(text.match_indices(placeholder).map(|(at, _)| {
                // A name is part of the text, whose length fits.
                let start = token.span.start + u32::try_from(at).unwrap_or(0);
                Span::new(start, start + u32::try_from(placeholder.len()).unwrap_or(0))
            }));
        }
        Name { text, span: token.span, holes }
    }

    fn braces(&mut self) -> Result<Braces<'a>> {
        let open = self.bump().span;
        let mut items = Vec::new();
        loop {
            if let Some(close) = self.eat(Kind::RightBrace) {
                return Ok(Braces { open, close: close.span, items });
            }
            let item = self.matcher_item(open)?;
            items.push(item);
            if self.token.kind == Kind::Comma {
                self.bump();
            } else if self.token.kind != Kind::RightBrace {
                return self.unexpected_after_matcher(open, items.last());
            }
        }
    }

    fn matcher_item(&mut self, open: Span) -> Result<MatcherItem<'a>> {
        let token = self.token;
        let label = match token.kind {
            Kind::Ident => {
                self.bump();
                Label { name: Cow::Borrowed(self.slice(token.span)), span: token.span, quoted: false }
            }
            Kind::Str => {
                self.bump();
                let name = self.string(token, false)?;
                if match_op(self.token.kind).is_none() {
                    return Ok(MatcherItem::Name(name));
                }
                Label { name: name.value, span: token.span, quoted: true }
            }
            Kind::Hole(Hole::Labels) => {
                self.bump();
                return Ok(MatcherItem::Labels(token.span));
            }
            _ => return self.expected_matcher(open),
        };
        let Some(op) = match_op(self.token.kind) else { return self.expected_match_op(open, &label) };
        let op_span = self.bump().span;
        let token = self.token;
        if token.kind != Kind::Str {
            return self.expected_match_value(open, &label, op, op_span);
        }
        self.bump();
        let value = self.string(token, op.is_regex())?;
        if op.is_regex() {
            self.check_regex(&value);
        }
        Ok(MatcherItem::Matcher(Matcher { label, op, op_span, value }))
    }

    /// Reports a regular expression that Prometheus rejects, at the place inside the literal.
    fn check_regex(&mut self, pattern: &StringLiteral<'a>) {
        if pattern.broken_utf8 {
            self.report(report::invalid_regex("invalid UTF-8", pattern.span));
            return;
        }
        // Words and alternatives of words are valid.
        if pattern.value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'|' | b'/')) {
            return;
        }
        let fault = report::regex_fault(self.lexer.text, self.lexer.template, pattern.span, validate(&pattern.value));
        self.lexer.diagnostics.add_all(fault);
    }
}

pub(super) fn match_op(kind: Kind) -> Option<MatchOp> {
    Some(match kind {
        Kind::Eq => MatchOp::Equal,
        Kind::NotEq => MatchOp::NotEqual,
        Kind::EqRegex => MatchOp::Regex,
        Kind::NotEqRegex => MatchOp::NotRegex,
        _ => return None,
    })
}
