//! Parses lists of labels, `by (...)`, `on (...)`, `group_left (...)`, and `fill(...)`.

use std::borrow::Cow;

use crate::hole::Hole;
use crate::promql::ast::{Fill, FillSide, Grouping, GroupingItem, GroupingKeyword, Label};
use crate::promql::parser::{Parser, Result};
use crate::promql::report;
use crate::promql::token::Kind;
use crate::{Code, Diagnostic, Span};

impl<'a> Parser<'a> {
    /// `by (...)` or `without (...)`, if there is one.
    pub(super) fn aggregate_modifier(&mut self) -> Result<Option<Grouping<'a>>> {
        Ok(match self.token.kind {
            Kind::By => Some(self.grouping(GroupingKeyword::By)?),
            Kind::Without => Some(self.grouping(GroupingKeyword::Without)?),
            _ => None,
        })
    }

    /// `group_left`, with or without labels.
    pub(super) fn group_modifier(&mut self, keyword: GroupingKeyword) -> Result<Grouping<'a>> {
        let keyword_span = self.bump().span;
        if self.token.kind == Kind::LeftParen {
            return self.grouping_list(keyword, keyword_span);
        }
        Ok(Grouping { keyword, keyword_span, parens: None, items: Vec::new() })
    }

    /// A keyword and its labels.
    pub(super) fn grouping(&mut self, keyword: GroupingKeyword) -> Result<Grouping<'a>> {
        let keyword_span = self.bump().span;
        self.grouping_list(keyword, keyword_span)
    }

    fn grouping_list(&mut self, keyword: GroupingKeyword, keyword_span: Span) -> Result<Grouping<'a>> {
        let Some(open) = self.eat(Kind::LeftParen) else { return self.expected_grouping(keyword, keyword_span) };
        let mut items = Vec::new();
        loop {
            if let Some(close) = self.eat(Kind::RightParen) {
                return Ok(Grouping { keyword, keyword_span, parens: Some(open.span.to(close.span)), items });
            }
            items.push(self.grouping_item(open.span)?);
            if self.token.kind == Kind::Comma {
                self.bump();
            } else if self.token.kind != Kind::RightParen {
                return self.unexpected_in_grouping(open.span, items.last());
            }
        }
    }

    fn grouping_item(&mut self, open: Span) -> Result<GroupingItem<'a>> {
        let token = self.token;
        match token.kind {
            Kind::Hole(Hole::GroupBy) => {
                self.bump();
                Ok(GroupingItem::GroupBy(token.span))
            }
            Kind::Str => {
                self.bump();
                let decoded = self.string(token, false)?;
                if decoded.value.is_empty() || decoded.broken_utf8 {
                    self.report(
                        Diagnostic::new(Code::Syntax, token.span, "invalid label name")
                            .label("a label name must be UTF-8 and not empty"),
                    );
                }
                Ok(GroupingItem::Label(Label { name: decoded.value, span: token.span, quoted: true }))
            }
            kind if kind.is_grouping_label() => {
                self.bump();
                let name = Cow::Borrowed(self.slice(token.span));
                Ok(GroupingItem::Label(Label { name, span: token.span, quoted: false }))
            }
            _ => self.expected_label(open),
        }
    }

    /// `fill(...)`, or `fill_left(...)` and `fill_right(...)` in any order.
    pub(super) fn fill_modifiers(&mut self) -> Result<Vec<Fill>> {
        let mut fills: Vec<Fill> = Vec::new();
        loop {
            let side = match self.token.kind {
                Kind::Fill => FillSide::Both,
                Kind::FillLeft => FillSide::Left,
                Kind::FillRight => FillSide::Right,
                _ => break,
            };
            if let Some(first) = fills.iter().find(|fill| fill.side == side || fill.side == FillSide::Both) {
                return self.second_fill(first.span);
            }
            if side == FillSide::Both && !fills.is_empty() {
                return self.second_fill(fills[0].span);
            }
            let keyword = self.bump();
            // The lexer returns the keyword only before a parenthesis.
            let open = self.bump().span;
            let minus = self.token.kind == Kind::Sub;
            if matches!(self.token.kind, Kind::Sub | Kind::Add) {
                self.bump();
            }
            if !matches!(self.token.kind, Kind::Number | Kind::Duration) {
                return self.expected_fill_value(open);
            }
            let token = self.bump();
            let value = self.number_value(token);
            let Some(close) = self.eat(Kind::RightParen) else { return self.expected_fill_value(open) };
            let span = keyword.span.to(close.span);
            fills.push(Fill { side, value: if minus { -value } else { value }, span });
        }
        if let (Some(first), false) = (fills.first(), self.features.binop_fill_modifiers) {
            let keyword = match first.side {
                FillSide::Both => "`fill`",
                FillSide::Left => "`fill_left`",
                FillSide::Right => "`fill_right`",
            };
            let diagnostic = report::experimental(keyword, first.span, "promql-binop-fill-modifiers");
            self.report(diagnostic);
        }
        Ok(fills)
    }
}
