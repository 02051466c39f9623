//! Parses ranges, subqueries, `offset` and `@` after an operand, and expressions of durations.

use crate::hole::Hole;
use crate::promql::ast::{
    At, BinaryOp, Duration, DurationKind, DurationOp, Expr, ExprKind, Modifier, Range, Sign, Subquery,
};
use crate::promql::functions::ResultType;
use crate::promql::parser::{MAX_NESTING, Parser, Result, max_height};
use crate::promql::report;
use crate::promql::token::{Kind, Token};
use crate::{Code, Diagnostic, Span};

/// The largest duration, in seconds: Prometheus counts nanoseconds in 63 bits.
#[expect(clippy::cast_precision_loss, reason = "the limit of Prometheus is rounded as well")]
const MAX_SECONDS: f64 = i64::MAX as f64 / 1e9;

/// The limit of an `@` timestamp, as Prometheus compares it.
#[expect(clippy::cast_precision_loss, reason = "the limit of Prometheus is rounded as well")]
const MAX_TIMESTAMP: f64 = i64::MAX as f64;

impl<'a> Parser<'a> {
    pub(super) fn postfix(&mut self, mut expr: Expr<'a>) -> Result<Expr<'a>> {
        loop {
            expr = match self.token.kind {
                Kind::LeftBracket => self.brackets(expr)?,
                Kind::Offset => self.offset(expr)?,
                Kind::At => self.at(expr)?,
                Kind::Anchored | Kind::Smoothed => self.extended(expr),
                _ => return Ok(expr),
            }
        }
    }

    /// `[5m]` or `[1h:5m]`.
    fn brackets(&mut self, expr: Expr<'a>) -> Result<Expr<'a>> {
        let open = self.bump().span;
        if self.token.kind == Kind::RightBracket {
            return self.empty_brackets(open);
        }
        let range = self.positive_duration()?;
        if self.token.kind == Kind::Colon {
            return self.subquery(expr, range, open);
        }
        let Some(close) = self.eat(Kind::RightBracket) else { return self.unexpected_in_brackets(open, false) };
        Ok(self.ranged(expr, range, open.to(close.span)))
    }

    fn ranged(&mut self, mut expr: Expr<'a>, duration: Duration, brackets: Span) -> Expr<'a> {
        if let ExprKind::Selector(selector) = &mut expr.kind {
            if let Some(range) = &selector.range {
                let diagnostic = Diagnostic::new(Code::Syntax, brackets, "second range of a selector")
                    .label("already a range vector")
                    .secondary(range.span, "first range");
                self.report(diagnostic);
                return expr;
            }
            // Prometheus 3.14.0 still accepts some modifiers here, such as `@ start()`; later versions accept none.
            let is_early = |modifier: &&Modifier| matches!(modifier, Modifier::Offset { .. } | Modifier::At { .. });
            let early = selector.modifiers.iter().find(is_early);
            // The check that older versions make does not see `@ start()` and `@ end()`.
            let is_function = |early: &Modifier| matches!(early, Modifier::At { at: At::Start(_) | At::End(_), .. });
            let is_valid = |early: &&Modifier| self.features.past.at_before_range && is_function(early);
            if let Some(early) = early.filter(|early| !is_valid(early)) {
                let text = self.lexer.text;
                let (core, range) = (&text[selector.span.range()], &text[brackets.range()]);
                let early_text = text[selector.span.end as usize..brackets.start as usize].trim();
                let title = match early {
                    Modifier::Offset { .. } => "`offset` before the range",
                    _ => "`@` before the range",
                };
                let diagnostic = Diagnostic::new(Code::Syntax, brackets, title)
                    .label("the range must follow the selector itself")
                    .secondary(early.span(), "this comes after it")
                    .write(selector.span.to(brackets), format!("{core}{range} {early_text}"));
                self.report(diagnostic);
                return expr;
            }
            selector.range = Some(Range { duration, span: brackets });
            expr.span = expr.span.to(brackets);
            expr.ty = ResultType::RangeVector;
            return expr;
        }
        let diagnostic = report::range_of_expression(self.lexer.text, &expr, brackets);
        self.report(diagnostic);
        expr
    }

    fn subquery(&mut self, expr: Expr<'a>, range: Duration, open: Span) -> Result<Expr<'a>> {
        self.bump();
        let step = if self.token.kind == Kind::RightBracket { None } else { Some(self.positive_duration()?) };
        let Some(close) = self.eat(Kind::RightBracket) else { return self.unexpected_in_brackets(open, true) };
        let brackets = open.to(close.span);
        let (span, below) = (expr.span.to(brackets), expr.height);
        let subquery = Subquery { expr, range, step, brackets, modifiers: Vec::new() };
        let height = self.height(below, span)?;
        Ok(Expr { kind: ExprKind::Subquery(Box::new(subquery)), span, ty: ResultType::RangeVector, height })
    }

    fn offset(&mut self, mut expr: Expr<'a>) -> Result<Expr<'a>> {
        let keyword = self.bump().span;
        let duration = self.offset_duration(keyword)?;
        let end = self.previous_end;
        let Some(modifiers) = modifiers(&mut expr) else {
            let span = Span::new(keyword.start, end);
            self.misplaced_modifier("offset", span, &expr);
            return Ok(expr);
        };
        let earlier = modifiers.iter().find_map(|modifier| match modifier {
            Modifier::Offset { duration, .. } if duration.seconds() != Some(0.0) => Some(modifier.span()),
            _ => None,
        });
        modifiers.push(Modifier::Offset { keyword, duration });
        expr.span.end = end;
        if let Some(earlier) = earlier {
            self.report(report::modifier_twice("offset", Span::new(keyword.start, end), earlier));
        }
        Ok(expr)
    }

    /// A modifier of an expression that cannot have any. After a range that it cannot have, it is part of that finding.
    #[cold]
    fn misplaced_modifier(&mut self, word: &str, span: Span, expr: &Expr<'a>) {
        let text = self.lexer.text;
        if let Some(last) = self.lexer.diagnostics.last_mut()
            && last.title == report::RANGE_OF_EXPRESSION
            && text[last.span.end as usize..span.start as usize].trim().is_empty()
        {
            last.span = last.span.to(span);
            let insert = |suggestion: &mut String| {
                if let Some(at) = suggestion.rfind(']') {
                    suggestion.insert_str(at + 1, &text[span.start as usize - 1..span.end as usize]);
                }
            };
            if let Some(fix) = &mut last.fix {
                fix.span = fix.span.to(span);
                insert(&mut fix.text);
            }
            if let Some(help) = &mut last.help {
                insert(help);
            }
            return;
        }
        self.report(report::modifier_of_expression(text, word, span, expr));
    }

    fn at(&mut self, mut expr: Expr<'a>) -> Result<Expr<'a>> {
        let keyword = self.bump().span;
        let at = match self.token.kind {
            Kind::Start => At::Start(self.at_function()?),
            Kind::End => At::End(self.at_function()?),
            _ => {
                let sign = self.sign();
                if !matches!(self.token.kind, Kind::Number | Kind::Duration) {
                    return self.expected_timestamp(keyword);
                }
                let token = self.bump();
                let value = self.number_value(token);
                At::Timestamp(sign.map_or(value, |(sign, _)| sign.apply(value)))
            }
        };
        let span = Span::new(keyword.start, self.previous_end);
        if let At::Timestamp(value) = at
            && (value.is_nan() || value.abs() >= MAX_TIMESTAMP)
        {
            self.report(
                Diagnostic::new(Code::Syntax, span, "timestamp out of bounds")
                    .label("must be a number of seconds since 1970"),
            );
        }
        let Some(modifiers) = modifiers(&mut expr) else {
            self.misplaced_modifier("@", span, &expr);
            return Ok(expr);
        };
        let earlier = modifiers.iter().find(|modifier| matches!(modifier, Modifier::At { .. })).map(Modifier::span);
        modifiers.push(Modifier::At { at, span });
        expr.span.end = span.end;
        if let Some(earlier) = earlier {
            self.report(report::modifier_twice("@", span, earlier));
        }
        Ok(expr)
    }

    /// `start()` or `end()` after `@`.
    fn at_function(&mut self) -> Result<Span> {
        let name = self.bump();
        self.empty_parens(name)
    }

    /// `()` after a name.
    fn empty_parens(&mut self, name: Token) -> Result<Span> {
        let Some(open) = self.eat(Kind::LeftParen) else { return self.expected_empty_parens(name, None) };
        let Some(close) = self.eat(Kind::RightParen) else {
            return self.expected_empty_parens(name, Some(open.span));
        };
        Ok(name.span.to(close.span))
    }

    /// `anchored` or `smoothed`.
    fn extended(&mut self, mut expr: Expr<'a>) -> Expr<'a> {
        let token = self.bump();
        let anchored = token.kind == Kind::Anchored;
        let word = if anchored { "anchored" } else { "smoothed" };
        if !self.features.extended_range_selectors {
            let subject = format!("`{word}`");
            let diagnostic = report::experimental(&subject, token.span, "promql-extended-range-selectors");
            self.report(diagnostic);
            return expr;
        }
        let ExprKind::Selector(selector) = &mut expr.kind else {
            self.report(report::modifier_of_expression(self.lexer.text, word, token.span, &expr));
            return expr;
        };
        let other = selector.modifiers.iter().find_map(|modifier| match modifier {
            Modifier::Anchored(span) if !anchored => Some(*span),
            Modifier::Smoothed(span) if anchored => Some(*span),
            _ => None,
        });
        selector.modifiers.push(if anchored { Modifier::Anchored(token.span) } else { Modifier::Smoothed(token.span) });
        expr.span.end = token.span.end;
        if let Some(other) = other {
            self.report(
                Diagnostic::new(Code::Syntax, token.span, "`anchored` together with `smoothed`")
                    .label("a selector can have one of them")
                    .secondary(other, "and has this one"),
            );
        }
        expr
    }

    fn sign(&mut self) -> Option<(Sign, Span)> {
        let sign = match self.token.kind {
            Kind::Add => Sign::Plus,
            Kind::Sub => Sign::Minus,
            _ => return None,
        };
        Some((sign, self.bump().span))
    }

    /// A duration in brackets.
    fn positive_duration(&mut self) -> Result<Duration> {
        let duration = self.duration(0)?;
        if duration.seconds().is_some_and(|seconds| seconds <= 0.0) {
            self.report(
                Diagnostic::new(Code::Syntax, duration.span, "duration of zero or less")
                    .label("must be greater than zero"),
            );
        }
        Ok(duration)
    }

    /// An expression of durations whose operators have at least the precedence `min`.
    fn duration(&mut self, min: u8) -> Result<Duration> {
        if self.nesting >= MAX_NESTING {
            return self.too_deep(self.token.span);
        }
        self.nesting += 1;
        let first = match self.sign() {
            Some((sign, span)) => {
                let inner = self.duration(BinaryOp::Pow.precedence())?;
                self.signed(sign, span, inner)?
            }
            None => self.duration_operand()?,
        };
        let duration = self.duration_operators(first, min)?;
        self.nesting -= 1;
        Ok(duration)
    }

    fn duration_operators(&mut self, mut lhs: Duration, min: u8) -> Result<Duration> {
        while let Some((op, precedence)) = duration_op(self.token.kind) {
            if precedence < min {
                break;
            }
            let op_span = self.bump().span;
            let rhs = self.duration(precedence + u8::from(op != DurationOp::Pow))?;
            if matches!(op, DurationOp::Div | DurationOp::Mod)
                && rhs.interval(&|_| None).is_some_and(|it| it.low == 0.0)
            {
                self.report(
                    Diagnostic::new(Code::Syntax, rhs.span, "division by zero")
                        .label("this is zero")
                        .secondary(op_span, "divides by it"),
                );
            }
            let (span, height) = (lhs.span.to(rhs.span), max_height(&lhs, &rhs));
            lhs = self.duration_node(DurationKind::Binary(op, Box::new((lhs, rhs))), span, height)?;
        }
        Ok(lhs)
    }

    fn duration_node(&mut self, kind: DurationKind, span: Span, below: u16) -> Result<Duration> {
        if below >= MAX_NESTING {
            return self.too_deep(span);
        }
        Ok(Duration { kind, span, height: below + 1 })
    }

    fn signed(&mut self, sign: Sign, span: Span, inner: Duration) -> Result<Duration> {
        let (span, height) = (span.to(inner.span), inner.height);
        self.duration_node(DurationKind::Unary(sign, Box::new(inner)), span, height)
    }

    /// A duration without signs and operators.
    fn duration_operand(&mut self) -> Result<Duration> {
        match self.token.kind {
            Kind::Number | Kind::Duration => Ok(self.duration_literal()),
            Kind::Parameter => {
                let duration = self.duration_literal();
                if self.glued_to(duration.span) { self.glued_hole(duration.span, "a duration") } else { Ok(duration) }
            }
            Kind::Hole(Hole::Window) => {
                let span = self.bump().span;
                if self.glued_to(span) {
                    return self.glued_hole(span, "a duration");
                }
                Ok(Duration { kind: DurationKind::Hole, span, height: 1 })
            }
            Kind::Step | Kind::Range => {
                let name = self.bump();
                let span = self.empty_parens(name)?;
                let kind = if name.kind == Kind::Step { DurationKind::Step } else { DurationKind::Range };
                Ok(Duration { kind, span, height: 1 })
            }
            Kind::MinOf | Kind::MaxOf => self.min_or_max(),
            Kind::LeftParen => {
                let open = self.bump().span;
                let inner = self.duration(0)?;
                let Some(close) = self.eat(Kind::RightParen) else { return self.unclosed_duration(open, ")") };
                let (span, height) = (open.to(close.span), inner.height);
                self.duration_node(DurationKind::Paren(Box::new(inner)), span, height)
            }
            _ => self.expected_duration(),
        }
    }

    fn duration_literal(&mut self) -> Duration {
        let token = self.bump();
        let mut seconds = self.number_value(token);
        if seconds.abs() > MAX_SECONDS {
            self.report(
                Diagnostic::new(Code::Syntax, token.span, "duration out of range").label("more than 292 years"),
            );
            seconds = 1.0;
        }
        Duration { kind: DurationKind::Literal(seconds), span: token.span, height: 1 }
    }

    fn min_or_max(&mut self) -> Result<Duration> {
        let name = self.bump();
        let Some(open) = self.eat(Kind::LeftParen) else { return self.expected_empty_parens(name, None) };
        let first = self.duration(0)?;
        if self.eat(Kind::Comma).is_none() {
            return self.unclosed_duration(open.span, ",");
        }
        let second = self.duration(0)?;
        let Some(close) = self.eat(Kind::RightParen) else { return self.unclosed_duration(open.span, ")") };
        let (span, height) = (name.span.to(close.span), max_height(&first, &second));
        let operands = Box::new((first, second));
        let kind = if name.kind == Kind::MinOf { DurationKind::Min(operands) } else { DurationKind::Max(operands) };
        self.duration_node(kind, span, height)
    }

    /// The duration after `offset`, which ends earlier than one in brackets: `foo offset 5m * 2` is
    /// `(foo offset 5m) * 2`. As in Prometheus' grammar, arithmetic continues only after a parenthesis without a sign, or
    /// after several signs.
    fn offset_duration(&mut self, keyword: Span) -> Result<Duration> {
        if self.nesting >= MAX_NESTING {
            return self.too_deep(self.token.span);
        }
        self.nesting += 1;
        let signed = self.sign();
        if let (Some((sign, span)), Kind::Add | Kind::Sub) = (signed, self.token.kind) {
            // With a second sign it is an expression as in brackets.
            let inner = self.duration(BinaryOp::Pow.precedence())?;
            let first = self.signed(sign, span, inner)?;
            let duration = self.duration_operators(first, 0)?;
            self.nesting -= 1;
            return Ok(duration);
        }
        let parenthesis = self.token.kind == Kind::LeftParen;
        if !matches!(
            self.token.kind,
            Kind::Number
                | Kind::Duration
                | Kind::Hole(Hole::Window)
                | Kind::Parameter
                | Kind::Step
                | Kind::Range
                | Kind::MinOf
                | Kind::MaxOf
                | Kind::LeftParen
        ) {
            return self.expected_offset(keyword);
        }
        let operand = self.duration_operand()?;
        let duration = match signed {
            Some((sign, span)) => self.signed(sign, span, operand)?,
            None if parenthesis => self.duration_operators(operand, 0)?,
            None => operand,
        };
        self.nesting -= 1;
        Ok(duration)
    }
}

/// The modifiers of an expression, if it can have any.
fn modifiers<'e>(expr: &'e mut Expr<'_>) -> Option<&'e mut Vec<Modifier>> {
    match &mut expr.kind {
        ExprKind::Selector(selector) => Some(&mut selector.modifiers),
        ExprKind::Subquery(subquery) => Some(&mut subquery.modifiers),
        _ => None,
    }
}

fn duration_op(kind: Kind) -> Option<(DurationOp, u8)> {
    Some(match kind {
        Kind::Add => (DurationOp::Add, 4),
        Kind::Sub => (DurationOp::Sub, 4),
        Kind::Mul => (DurationOp::Mul, 5),
        Kind::Div => (DurationOp::Div, 5),
        Kind::Mod => (DurationOp::Mod, 5),
        Kind::Pow => (DurationOp::Pow, 6),
        _ => return None,
    })
}
