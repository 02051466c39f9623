//! A Pratt parser with one token of lookahead.
//!
//! A syntax error ends the parse ([`Stop`]), unless the parser can recover from it. All errors are reported.

mod errors;
mod grouping;
mod modifiers;
mod selector;

use super::ast::{
    Aggregate, Binary, BinaryOp, Call, Duration, Expr, ExprKind, GroupingKeyword, MAX_HEIGHT, Number, Sign,
    StringLiteral, Unary,
};
use super::counter_functions::is_counter_function;
use super::functions::{Aggregator, Function, HOLT_WINTERS, ResultType};
use super::lexer::Lexer;
use super::literal::{self, Decoded};
use super::token::{Kind, Token};
use super::{Argument, Features, Syntax, report};
use crate::{Code, Diagnostic, Span};

/// The maximum nesting of parentheses, calls and signs, far above that of real queries.
const MAX_NESTING: u16 = 150;

/// An error that ends the parse, which has been reported.
#[derive(Debug)]
struct Stop;

type Result<T> = std::result::Result<T, Stop>;

struct Parser<'a> {
    lexer: Lexer<'a>,
    /// The current token.
    token: Token,
    /// The end of the token before it.
    previous_end: u32,
    nesting: u16,
    features: Features,
    arguments: &'a [Argument<'a>],
}

pub(super) fn parse<'a>(
    text: &'a str,
    syntax: Syntax,
    arguments: &'a [Argument<'a>],
) -> (Option<Expr<'a>>, Vec<Diagnostic>) {
    let mut lexer = Lexer::new(text, syntax.template);
    let token = lexer.next();
    let mut parser = Parser { lexer, token, previous_end: 0, nesting: 0, features: syntax.features, arguments };
    let expr = parser.query().ok();
    (expr, parser.lexer.diagnostics)
}

impl<'a> Parser<'a> {
    fn query(&mut self) -> Result<Expr<'a>> {
        if self.token.kind == Kind::Eof {
            let span = Span::new(0, self.token.span.end);
            return self.fail(Diagnostic::new(Code::Syntax, span, "empty query").label("no expression here"));
        }
        let expr = self.expr(0)?;
        if self.token.kind == Kind::Eof { Ok(expr) } else { self.unexpected_after(&expr, None) }
    }

    /// Whether the current token touches the one before it, as in `{window}5m`.
    fn glued_to(&self, span: Span) -> bool {
        self.token.span.start == span.end
            && (self.token.kind.is_word()
                || matches!(
                    self.token.kind,
                    Kind::Number | Kind::Duration | Kind::Error | Kind::Hole(_) | Kind::Parameter
                ))
    }

    /// The source text of a span.
    fn slice(&self, span: Span) -> &'a str {
        &self.lexer.text[span.range()]
    }

    fn bump(&mut self) -> Token {
        let next = self.lexer.next();
        let token = std::mem::replace(&mut self.token, next);
        self.previous_end = token.span.end;
        token
    }

    /// The value of a parameter.
    fn argument(&self, token: Token) -> Option<&'a Argument<'a>> {
        let name = self.slice(token.span).trim_matches(['{', '}']);
        self.arguments.iter().find(|argument| argument.name == name)
    }

    fn eat(&mut self, kind: Kind) -> Option<Token> {
        (self.token.kind == kind).then(|| self.bump())
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.lexer.diagnostics.push(diagnostic);
    }

    #[cold]
    fn fail<T>(&mut self, diagnostic: Diagnostic) -> Result<T> {
        // The lexer has already reported invalid tokens, and placeholders in strings.
        let reported = self.lexer.diagnostics.last().map_or(0, |last| last.span.start);
        let is_reported = self.token.kind == Kind::Str && reported > self.token.span.start;
        if self.token.kind != Kind::Error && !is_reported {
            self.report(diagnostic);
        }
        self.lexer.finish();
        Err(Stop)
    }

    /// An opening or closing brace, doubled in templates.
    fn brace(&self, kind: Kind) -> &'static str {
        match (kind, self.lexer.template) {
            (Kind::LeftBrace, true) => "{{",
            (Kind::LeftBrace, false) => "{",
            (_, true) => "}}",
            (_, false) => "}",
        }
    }

    /// The height of a node above one of height `below`, within the limit.
    #[inline]
    fn height(&mut self, below: u16, span: Span) -> Result<u16> {
        if below < MAX_HEIGHT { Ok(below + 1) } else { self.too_deep(span) }
    }

    #[cold]
    fn too_deep<T>(&mut self, span: Span) -> Result<T> {
        self.fail(
            Diagnostic::new(Code::TooDeep, span, "query nested too deeply")
                .label("too many expressions inside each other")
                .note(format!("at most {MAX_NESTING} parentheses or signs, and {MAX_HEIGHT} operators in a row")),
        )
    }

    /// An expression whose operators have at least the precedence `min`.
    fn expr(&mut self, min: u8) -> Result<Expr<'a>> {
        if self.nesting >= MAX_NESTING {
            return self.too_deep(self.token.span);
        }
        self.nesting += 1;
        let mut lhs = self.prefix()?;
        while let Some(op) = binary_op(self.token.kind) {
            let precedence = op.precedence();
            if precedence < min {
                break;
            }
            lhs = self.binary(lhs, op)?;
        }
        self.nesting -= 1;
        Ok(lhs)
    }

    fn binary(&mut self, lhs: Expr<'a>, op: BinaryOp) -> Result<Expr<'a>> {
        let op_span = self.bump().span;
        let bool_span = self.eat(Kind::Bool).map(|token| token.span);
        let mut matching = None;
        let mut group = None;
        let mut fill = Vec::new();
        // Most operators have no modifiers.
        if matches!(
            self.token.kind,
            Kind::On
                | Kind::Ignoring
                | Kind::GroupLeft
                | Kind::GroupRight
                | Kind::Fill
                | Kind::FillLeft
                | Kind::FillRight
        ) {
            matching = match self.token.kind {
                Kind::On => Some(self.grouping(GroupingKeyword::On)?),
                Kind::Ignoring => Some(self.grouping(GroupingKeyword::Ignoring)?),
                _ => None,
            };
            group = match self.token.kind {
                Kind::GroupLeft if matching.is_some() => Some(self.group_modifier(GroupingKeyword::GroupLeft)?),
                Kind::GroupRight if matching.is_some() => Some(self.group_modifier(GroupingKeyword::GroupRight)?),
                _ => None,
            };
            fill = self.fill_modifiers()?;
        }
        if self.token.kind == Kind::Eof {
            return self.missing_operand(op.as_str(), op_span);
        }
        let rhs = self.expr(op.precedence() + u8::from(op != BinaryOp::Pow))?;
        let both_scalar = lhs.ty == ResultType::Scalar && rhs.ty == ResultType::Scalar;
        let ty = if both_scalar { ResultType::Scalar } else { ResultType::InstantVector };
        let span = lhs.span.to(rhs.span);
        let below = lhs.height.max(rhs.height);
        let binary = Binary { op, op_span, bool_span, matching, group, fill, lhs, rhs };
        let height = self.height(below, span)?;
        Ok(Expr { kind: ExprKind::Binary(Box::new(binary)), span, ty, height })
    }

    /// An operand with its sign and its modifiers.
    fn prefix(&mut self) -> Result<Expr<'a>> {
        let expr = match self.token.kind {
            Kind::Add => return self.unary(Sign::Plus),
            Kind::Sub => return self.unary(Sign::Minus),
            Kind::Number | Kind::Duration => {
                let token = self.bump();
                let duration = token.kind == Kind::Duration;
                let value = self.number_value(token);
                let kind = ExprKind::Number(Number { value, duration });
                Expr { kind, span: token.span, ty: ResultType::Scalar, height: 1 }
            }
            Kind::Parameter => {
                let token = self.bump();
                if self.glued_to(token.span) {
                    return self.glued_hole(token.span, "a number");
                }
                let argument = self.argument(token);
                let duration = argument.is_some_and(|argument| argument.is_duration);
                let kind = ExprKind::Number(Number { value: self.number_value(token), duration });
                Expr { kind, span: token.span, ty: ResultType::Scalar, height: 1 }
            }
            Kind::Str => {
                let token = self.bump();
                let kind = ExprKind::String(Box::new(self.string(token, true)?));
                Expr { kind, span: token.span, ty: ResultType::String, height: 1 }
            }
            Kind::LeftParen => self.paren()?,
            Kind::LeftBrace => self.selector(None)?,
            Kind::Aggregator(op) => {
                let token = self.bump();
                match self.token.kind {
                    Kind::LeftParen | Kind::By | Kind::Without => self.aggregate(op, token)?,
                    _ => self.selector(Some(token))?,
                }
            }
            kind if kind.is_metric_name() => {
                let token = self.bump();
                if self.token.kind == Kind::LeftParen { self.call(token)? } else { self.selector(Some(token))? }
            }
            _ => return self.expected_expression(),
        };
        match self.token.kind {
            Kind::LeftBracket | Kind::Offset | Kind::At | Kind::Anchored | Kind::Smoothed => self.postfix(expr),
            _ => Ok(expr),
        }
    }

    fn unary(&mut self, op: Sign) -> Result<Expr<'a>> {
        let op_span = self.bump().span;
        if self.token.kind == Kind::Eof {
            return self.missing_operand(op.as_str(), op_span);
        }
        let expr = self.expr(BinaryOp::Pow.precedence())?;
        let (span, ty, below) = (op_span.to(expr.span), expr.ty, expr.height);
        let height = self.height(below, span)?;
        Ok(Expr { kind: ExprKind::Unary(Box::new(Unary { op, op_span, expr })), span, ty, height })
    }

    fn paren(&mut self) -> Result<Expr<'a>> {
        let open = self.bump().span;
        let inner = self.expr(0)?;
        let Some(close) = self.eat(Kind::RightParen) else { return self.unexpected_after(&inner, Some(open)) };
        let (ty, below) = (inner.ty, inner.height);
        let span = open.to(close.span);
        let height = self.height(below, span)?;
        Ok(Expr { kind: ExprKind::Paren(Box::new(inner)), span, ty, height })
    }

    fn call(&mut self, name: Token) -> Result<Expr<'a>> {
        let callable = matches!(
            name.kind,
            Kind::Ident | Kind::Start | Kind::End | Kind::Step | Kind::Range | Kind::MinOf | Kind::MaxOf
        );
        if !callable {
            return self.not_callable(name);
        }
        let text = self.slice(name.span);
        if text.eq_ignore_ascii_case("with") {
            return self.fail(report::unknown_function("with", name.span, false));
        }
        let (args, parens) = self.arguments()?;
        if let ([arg], true) = (args.as_slice(), !self.lexer.diagnostics.is_empty() && is_counter_function(text)) {
            self.range_in_call(text, arg);
        }
        let is_past = self.features.past.holt_winters && text == HOLT_WINTERS.name;
        let function = if is_past { Some(&HOLT_WINTERS) } else { Function::find(text) };
        let ty = function.map_or(ResultType::InstantVector, |function| function.returns);
        let below = args.iter().map(|arg| arg.height).max().unwrap_or(0);
        let call = Call { function, name: text, name_span: name.span, parens, args };
        let span = name.span.to(parens);
        let height = self.height(below, span)?;
        Ok(Expr { kind: ExprKind::Call(Box::new(call)), span, ty, height })
    }

    /// The arguments of a call, and the parentheses around them.
    fn arguments(&mut self) -> Result<(Vec<Expr<'a>>, Span)> {
        let open = self.bump().span;
        if let Some(close) = self.eat(Kind::RightParen) {
            return Ok((Vec::new(), open.to(close.span)));
        }
        let first = self.expr(0)?;
        if let Some(close) = self.eat(Kind::RightParen) {
            return Ok((vec![first], open.to(close.span)));
        }
        let mut args = Vec::with_capacity(2);
        args.push(first);
        loop {
            if let Some(close) = self.eat(Kind::RightParen) {
                return Ok((args, open.to(close.span)));
            }
            let Some(comma) = self.eat(Kind::Comma) else {
                return match args.pop() {
                    Some(last) => self.unexpected_after(&last, Some(open)).and(Err(Stop)),
                    None => Err(Stop),
                };
            };
            if self.token.kind == Kind::RightParen {
                self.report(
                    Diagnostic::new(Code::Syntax, comma.span, "trailing `,` in a call")
                        .label("no argument follows")
                        .help("remove the `,`"),
                );
                continue;
            }
            args.push(self.expr(0)?);
        }
    }

    fn aggregate(&mut self, op: Aggregator, name: Token) -> Result<Expr<'a>> {
        let mut grouping = self.aggregate_modifier()?;
        if self.token.kind != Kind::LeftParen {
            return self.expected_aggregate_body(op, grouping.as_ref());
        }
        let (mut args, parens) = self.arguments()?;
        if grouping.is_none() {
            grouping = self.aggregate_modifier()?;
            if grouping.is_none() && self.token.kind == Kind::LeftParen {
                return self.missing_by(op, parens);
            }
        }
        if let (Some(first), Kind::By | Kind::Without) = (&grouping, self.token.kind) {
            return self.second_grouping(first.span());
        }
        let span = Span::new(name.span.start, self.previous_end);
        let wanted = if op.param_type().is_some() { 2 } else { 1 };
        if args.len() != wanted {
            let diagnostic = report::aggregate_arguments(op, name.span, parens, &args);
            let labels = if grouping.is_none() { args.get(wanted..).unwrap_or_default() } else { &[] };
            self.labels_as_arguments(diagnostic, op, span, &args[..args.len() - labels.len()], labels);
        }
        let Some(expr) = args.pop() else { return Err(Stop) };
        let param = if args.is_empty() { None } else { Some(args.swap_remove(0)) };
        let below = param.as_ref().map_or(0, |param| param.height).max(expr.height);
        let aggregate = Aggregate { op, op_span: name.span, grouping, parens, param, expr };
        let height = self.height(below, span)?;
        Ok(Expr { kind: ExprKind::Aggregate(Box::new(aggregate)), span, ty: ResultType::InstantVector, height })
    }

    /// The value of a number, or of a duration in seconds. An invalid literal is reported and read as 1, which is valid
    /// everywhere.
    fn number_value(&mut self, token: Token) -> f64 {
        let text = self.slice(token.span);
        if token.kind == Kind::Parameter {
            return self.argument(token).map_or(1.0, |argument| argument.value);
        }
        if token.kind == Kind::Number {
            if let Some(value) = literal::number(text) {
                return value;
            }
            self.report(report::bad_number(text, token.span, false));
            return 1.0;
        }
        match literal::duration_ms(text) {
            #[expect(clippy::cast_precision_loss, reason = "Prometheus computes in floating point, too")]
            Ok(ms) => ms as f64 / 1000.0,
            Err(fault) => {
                self.report(report::bad_duration(text, token.span, fault));
                1.0
            }
        }
    }

    /// `pattern`: whether it may be a regular expression.
    fn string(&mut self, token: Token, pattern: bool) -> Result<StringLiteral<'a>> {
        let text = self.slice(token.span);
        match literal::decode(text, self.lexer.template) {
            Ok(Decoded { value, broken_utf8 }) => Ok(StringLiteral { value, span: token.span, broken_utf8 }),
            Err(fault) => self.fail(report::bad_escape(text, token.span, fault, pattern)),
        }
    }
}

/// The binary operator that a token is.
#[inline]
fn binary_op(kind: Kind) -> Option<BinaryOp> {
    Some(match kind {
        Kind::Add => BinaryOp::Add,
        Kind::Sub => BinaryOp::Sub,
        Kind::Mul => BinaryOp::Mul,
        Kind::Div => BinaryOp::Div,
        Kind::Mod => BinaryOp::Mod,
        Kind::Pow => BinaryOp::Pow,
        Kind::Atan2 => BinaryOp::Atan2,
        Kind::EqEq => BinaryOp::Equal,
        Kind::NotEq => BinaryOp::NotEqual,
        Kind::Less => BinaryOp::Less,
        Kind::LessEq => BinaryOp::LessEqual,
        Kind::Greater => BinaryOp::Greater,
        Kind::GreaterEq => BinaryOp::GreaterEqual,
        Kind::TrimUpper => BinaryOp::TrimUpper,
        Kind::TrimLower => BinaryOp::TrimLower,
        Kind::And => BinaryOp::And,
        Kind::Or => BinaryOp::Or,
        Kind::Unless => BinaryOp::Unless,
        _ => return None,
    })
}

/// The larger height of two durations.
fn max_height(a: &Duration, b: &Duration) -> u16 {
    a.height.max(b.height)
}
