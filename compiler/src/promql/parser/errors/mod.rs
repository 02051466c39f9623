//! Diagnostics for unexpected tokens. Nothing here runs for a valid query.

mod durations;
mod groupings;
mod lists;

use crate::diagnostic::suggest::nearest;
use crate::hole::Hole;
use crate::promql::ast::{BinaryOp, Braces, Expr, ExprKind, Grouping};
use crate::promql::counter_functions::apply_to_selectors;
use crate::promql::functions::{Aggregator, Function};
use crate::promql::parser::{Parser, Result, Stop};
use crate::promql::token::{Kind, Token, operator_words};
use crate::promql::{literal, report};
use crate::template::{SECONDS, with_labels_once};
use crate::vec_ext::VecExt;
use crate::{Code, Diagnostic, Span};

/// Words of other languages: a label, and a help.
const FOREIGN_WORDS: [(&str, &str, &str); 8] = [
    ("ago", "`offset` goes back in time by itself", "remove it"),
    ("for", "alerting rules have it, beside the query", "remove it"),
    ("where", "not a keyword of PromQL", "write matchers in the braces of the selector"),
    ("not", "not an operator of PromQL", "write `unless`"),
    ("as", "results have no other names", "remove it"),
    ("group", "an aggregation, not an operator", "write `sum by (...) (...)`"),
    ("mod", "not an operator of PromQL", "write `%`"),
    ("order", "not a keyword of PromQL", "write `sort(...)` or `sort_desc(...)`"),
];

impl<'a> Parser<'a> {
    /// The token in words: `` `foo` ``, `end of the query`.
    fn found(&self) -> String {
        match self.token.kind {
            Kind::Eof => "the end of the query".to_owned(),
            _ => format!("`{}`", self.slice(self.token.span)),
        }
    }

    fn syntax(&self, title: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Code::Syntax, self.token.span, title)
    }

    fn text_before(&self, at: u32) -> &'a str {
        &self.lexer.text[..at as usize]
    }

    /// An unexpected token after a complete expression. `open`: the parenthesis around it.
    #[cold]
    pub(in crate::promql::parser) fn unexpected_after(
        &mut self,
        before: &Expr<'a>,
        open: Option<Span>,
    ) -> Result<Expr<'a>> {
        let text = self.slice(self.token.span);
        let next = self.lexer.text[self.token.span.end as usize..].chars().next();
        let glued = before.span.end == self.token.span.start;
        let unclosed = |parser: &Self, open: Span| {
            parser.syntax("unclosed `(`").label("expected `)` before this").secondary(open, "opened here")
        };
        let diagnostic = match (self.token.kind, open) {
            (Kind::Eof, Some(open)) => self.never_closed(open, "("),
            (Kind::RightBracket | Kind::RightBrace, Some(open)) => unclosed(self, open),
            (Kind::RightParen | Kind::RightBracket | Kind::RightBrace, None) => {
                let opening = match self.token.kind {
                    Kind::RightParen => "(",
                    Kind::RightBracket => "[",
                    _ => self.brace(Kind::LeftBrace),
                };
                self.syntax(format!("unmatched `{text}`")).label(format!("no `{opening}` is open here"))
            }
            (Kind::Comma, None) => {
                let diagnostic = self.syntax("unexpected `,`").label("only arguments, labels and matchers are listed");
                let group: String = self.lexer.text[self.token.span.end as usize..].chars().take(3).collect();
                match &before.kind {
                    ExprKind::Binary(binary) if is_thousand(self.slice(binary.rhs.span), &group) => {
                        diagnostic.help(format!("write `{}{group}`", self.slice(binary.rhs.span)))
                    }
                    _ => diagnostic,
                }
            }
            (Kind::Dot, _) if glued && is_bare_name(before) => self.dotted_metric(before.span.start),
            (Kind::Eq, _) if let Some(sign @ ('>' | '<' | '!')) = next => {
                let span = Span::new(self.token.span.start, self.token.span.end + 1);
                self.syntax("`=` is not an operator").label("not part of an operator").write(span, format!("{sign}="))
            }
            (Kind::Eq, _) => {
                self.syntax("`=` is not an operator").label("only matchers in braces use `=`").help("write `==`")
            }
            (Kind::EqRegex | Kind::NotEqRegex, _) => self
                .syntax(format!("`{text}` outside a selector's braces"))
                .label("only matchers use regular expressions"),
            (Kind::Hole(hole), _) => return self.misplaced_after(hole, before),
            (Kind::LeftBrace, _) if let Some(braces) = braces_of(before) => self.second_braces(before, braces),
            (Kind::LeftBrace, _) if let Some(name) = name_without_braces(before) => self.late_braces(before, name),
            (Kind::By | Kind::Without, _) => self.grouping_without_aggregation(before, open),
            (Kind::LeftParen, _) if let Some(range) = self.range_in_parens(before) => self
                .syntax("range in parentheses")
                .label("a range stands in brackets")
                .help(format!("write `{}[{range}]`", self.slice(before.span))),
            (Kind::On | Kind::Ignoring | Kind::GroupLeft | Kind::GroupRight | Kind::Bool, _) => {
                let word = text.to_ascii_lowercase();
                let help = match self.token.kind {
                    Kind::GroupLeft | Kind::GroupRight => "`on (...)` or `ignoring (...)`",
                    _ => "a binary operator",
                };
                self.syntax(format!("`{word}` without an operator")).label(format!("must follow {help}"))
            }
            _ => return self.missing_operator(before),
        };
        self.fail(diagnostic)
    }

    /// `x[5m]{job="a"}` and `rate(x[5m]){job="a"}`, where the name ends at `name`.
    fn late_braces(&mut self, before: &Expr<'a>, name: u32) -> Diagnostic {
        let diagnostic = self
            .syntax("matchers after the selector")
            .label("matchers directly follow the name")
            .secondary(Span::new(name, before.span.end), "this comes after them");
        let (open, found) = (self.token, self.lexer.diagnostics.len());
        while !matches!(self.token.kind, Kind::RightBrace | Kind::Eof) {
            self.bump();
        }
        let whole = before.span.to(self.token.span);
        let braces = self.slice(open.span.to(self.token.span));
        self.token = open;
        self.lexer.diagnostics.truncate(found);
        let (start, end) = (Span::new(before.span.start, name), Span::new(name, before.span.end));
        diagnostic.write(whole, format!("{}{braces}{}", self.slice(start), self.slice(end)))
    }

    /// `x{{job="a"}}{{code="b"}}`, in one pair of braces.
    fn second_braces(&mut self, before: &Expr<'a>, braces: &Braces<'a>) -> Diagnostic {
        let diagnostic = self
            .syntax("second braces of a selector")
            .label("the matchers of a selector stand in one pair of braces")
            .secondary(before.span, "has braces already");
        let (open, found) = (self.token, self.lexer.diagnostics.len());
        self.bump();
        while !matches!(self.token.kind, Kind::LeftBrace | Kind::RightBrace | Kind::Eof) {
            self.bump();
        }
        let close = self.token;
        self.token = open;
        self.lexer.diagnostics.truncate(found);
        if close.kind != Kind::RightBrace {
            return diagnostic;
        }
        let between = |from: Span, to: Span| self.slice(Span::new(from.end, to.start)).trim().trim_end_matches(',');
        let (first, second) = (between(braces.open, braces.close), between(open.span, close.span));
        let comma = if first.is_empty() || second.is_empty() { "" } else { "," };
        let items = with_labels_once(&format!("{first}{comma}{second}"));
        let after = self.slice(Span::new(braces.close.end, open.span.start)).trim_end();
        let text = format!("{}{items}{}{after}", self.slice(braces.open), self.slice(braces.close));
        diagnostic.write(braces.open.to(close.span), text)
    }

    /// The query ends before a bracket is closed, possibly because the rest is in a comment.
    pub(in crate::promql::parser) fn never_closed(&self, open: Span, bracket: &str) -> Diagnostic {
        let diagnostic =
            Diagnostic::new(Code::Syntax, open, format!("unclosed `{bracket}`")).label("opened here, never closed");
        let rest = &self.lexer.text[self.previous_end as usize..];
        match rest.find('#') {
            Some(at) => {
                let start = self.previous_end + u32::try_from(at).unwrap_or(0);
                let end = start + u32::try_from(rest[at..].trim_end().len()).unwrap_or(0);
                diagnostic.secondary(Span::new(start, end), "a comment, up to the end of the line")
            }
            None => diagnostic,
        }
    }

    /// The duration of `x(5m)`.
    fn range_in_parens(&self, before: &Expr<'a>) -> Option<&'a str> {
        let is_selector = matches!(&before.kind, ExprKind::Selector(s) if s.range.is_none() && s.modifiers.is_empty());
        let (inner, _) = self.lexer.text[self.token.span.end as usize..].split_once(')')?;
        let inner = inner.trim();
        let is_duration = inner == Hole::Window.placeholder() || literal::duration_ms(inner).is_ok_and(|ms| ms > 0);
        (is_selector && is_duration).then_some(inner)
    }

    /// Completes the finding about `rate(sum(x)[5m])` once the function is known.
    #[cold]
    pub(in crate::promql::parser) fn range_in_call(&mut self, function: &str, arg: &Expr<'a>) {
        let text = self.lexer.text;
        let Some(last) = self.lexer.diagnostics.last_mut() else { return };
        let brackets = &text[last.span.range()];
        if last.span.start < arg.span.end || !brackets.starts_with('[') {
            return;
        }
        if let Some(right) = apply_to_selectors(text, arg, function, brackets) {
            last.help = Some(format!("write `{right}`"));
            last.fix = None;
        }
    }

    /// A name with dots, which must be quoted.
    fn dotted_name(&self, start: u32) -> &'a str {
        let rest = &self.lexer.text[start as usize..];
        let length =
            rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '.' | ':')).unwrap_or(rest.len());
        rest[..length].trim_end_matches('.')
    }

    fn dotted_label(&self, start: u32) -> Diagnostic {
        self.unexpected_dot().help(format!("write `\"{}\"`", self.dotted_name(start)))
    }

    /// The name of a selector moves into its braces.
    fn dotted_metric(&mut self, start: u32) -> Diagnostic {
        let diagnostic = self.unexpected_dot();
        let name = self.dotted_name(start);
        if name.is_empty() {
            return diagnostic.note("`{metric_name}` can be such a name, not part of one");
        }
        let end = start as usize + name.len();
        let (dot, found) = (self.token, self.lexer.diagnostics.len());
        while self.token.kind != Kind::Eof && (self.token.span.start as usize) < end {
            self.bump();
        }
        let mut matchers = "";
        if self.token.kind == Kind::LeftBrace {
            let first = self.token.span.end;
            while !matches!(self.token.kind, Kind::RightBrace | Kind::Eof) {
                self.bump();
            }
            matchers = self.slice(Span::new(first, self.token.span.start)).trim();
        }
        // Report only the dot.
        self.token = dot;
        self.lexer.diagnostics.truncate(found);
        let comma = if matchers.is_empty() { "" } else { ", " };
        let (open, close) = (self.brace(Kind::LeftBrace), self.brace(Kind::RightBrace));
        diagnostic.help(format!("write `{open}\"{name}\"{comma}{matchers}{close}`"))
    }

    fn unexpected_dot(&self) -> Diagnostic {
        self.syntax("unexpected `.`").label("a name with dots must be quoted")
    }

    /// Two operands, or an operand and an unknown word, side by side.
    fn missing_operator(&mut self, before: &Expr<'a>) -> Result<Expr<'a>> {
        let text = self.slice(self.token.span);
        let word = if self.token.kind.is_word() { self.unexpected_word(text, before) } else { None };
        let diagnostic =
            self.comment_of_words().or(word).or_else(|| self.function_without_parens(before)).unwrap_or_else(|| {
                self.syntax(format!("missing operator before `{text}`"))
                    .label("expected an operator")
                    .secondary(before.span, "the operand before it")
            });
        self.fail(diagnostic)
    }

    /// A word of another language, or a misspelt one, after an operand.
    fn unexpected_word(&self, text: &str, before: &Expr<'a>) -> Option<Diagnostic> {
        let lower = text.to_ascii_lowercase();
        let unexpected = || self.syntax(format!("unexpected `{text}`"));
        // `offset 5 m`.
        let count = self.text_before(self.token.span.start).trim_end();
        let count = count.rsplit(|c: char| !c.is_ascii_digit()).next().unwrap_or_default();
        if !count.is_empty() && literal::duration_ms(&format!("{count}{text}")).is_ok() {
            let label = "the unit of a duration has no space before it";
            return Some(unexpected().label(label).help(format!("write `{count}{text}`")));
        }
        // `and not x`.
        let not = before.last_operand().span;
        if self.slice(not).eq_ignore_ascii_case("not") {
            return Some(match &before.kind {
                ExprKind::Binary(binary) if binary.op == BinaryOp::And && binary.matching.is_none() => {
                    Diagnostic::new(Code::Syntax, binary.op_span.to(not), "unexpected `and not`")
                        .label("not an operator of PromQL")
                        .help("write `unless`")
                }
                _ => report::negation(Diagnostic::new(Code::Syntax, not, "unexpected `not`")),
            });
        }
        if let Some(note) = report::metricsql(&lower) {
            let diagnostic = self.syntax(format!("`{text}` is not part of PromQL"));
            return Some(diagnostic.label("only VictoriaMetrics' MetricsQL has it").note(note));
        }
        if let Some((_, label, help)) = FOREIGN_WORDS.iter().find(|(word, ..)| *word == lower) {
            return Some(unexpected().label(*label).help(*help));
        }
        let word = nearest(&lower, operator_words())?;
        let help = format!("a keyword with a similar name exists: `{word}`");
        Some(unexpected().label("expected an operator").help(help))
    }

    /// `x -- a comment`, where this token is not the first word.
    fn comment_of_words(&self) -> Option<Diagnostic> {
        let text = self.lexer.text;
        let before = self.text_before(self.token.span.start);
        let sign = before.rfind("-- ")?;
        let line = text[sign + 2..].lines().next().unwrap_or_default();
        let is_word = |c: char| c.is_alphabetic() || " _,.'".contains(c);
        let is_comment = sign + 2 + line.len() >= before.trim_end().len() && line.chars().all(is_word);
        is_comment.then(|| not_a_comment(Span::of(sign..sign + 2), "--"))
    }

    /// `rate x`.
    fn function_without_parens(&self, before: &Expr<'a>) -> Option<Diagnostic> {
        let ExprKind::Selector(selector) = &before.kind else { return None };
        let name = selector.name.as_ref().filter(|_| is_bare_name(before))?.text;
        let is_function = Function::find(name).is_some() || Aggregator::ALL.iter().any(|op| op.as_str() == name);
        is_function.then(|| {
            self.syntax(format!("`{name}` without parentheses"))
                .label("expected `(` before this")
                .secondary(before.span, "a function")
                .help(format!("write `{name}(...)`"))
        })
    }

    /// The last character outside comments.
    fn last_character(&self) -> Span {
        let length = self.text_before(self.previous_end).chars().next_back().map_or(0, char::len_utf8);
        Span::new(self.previous_end - u32::try_from(length).unwrap_or_default(), self.previous_end)
    }

    /// A missing operand.
    #[cold]
    pub(in crate::promql::parser) fn expected_expression(&mut self) -> Result<Expr<'a>> {
        let before = self.text_before(self.token.span.start).trim_end();
        let diagnostic = match self.token.kind {
            Kind::Hole(Hole::GroupBy) if let Some(diagnostic) = self.group_by_as_argument(before) => diagnostic,
            Kind::Hole(Hole::Window) => report::misplaced(Hole::Window, self.token.span).help(SECONDS),
            Kind::Hole(hole) => return self.misplaced(hole),
            Kind::Eof => {
                let last = self.last_character();
                if self.slice(last) == "(" {
                    Diagnostic::new(Code::Syntax, last, "unclosed `(`").label("opened here, never closed")
                } else {
                    Diagnostic::new(Code::Syntax, last, "unexpected end of the query")
                        .label("an expression must follow")
                }
            }
            Kind::RightParen if before.ends_with('(') => {
                self.syntax("empty parentheses").label("no expression in them")
            }
            Kind::RightParen => self.unexpected_start("an operand is missing"),
            Kind::EqRegex | Kind::NotEqRegex => self
                .syntax(format!("{} outside a selector's braces", self.found()))
                .label("only matchers use regular expressions"),
            Kind::Eq if matches!(before.chars().next_back(), Some('>' | '<' | '=' | '!')) => {
                let operator = match before.chars().next_back() {
                    Some('>') => ">=",
                    Some('<') => "<=",
                    Some('!') => "!=",
                    _ => "==",
                };
                self.unexpected_start("not part of an operator").help(format!("write `{operator}`"))
            }
            Kind::Greater if self.text_before(self.token.span.start).ends_with('<') => self.doubled("!="),
            Kind::Mul if self.text_before(self.token.span.start).ends_with('*') => self.doubled("^"),
            Kind::Greater if before.ends_with('<') => {
                self.unexpected_start("not part of an operator").help("write `!=`")
            }
            Kind::LeftBracket if before.ends_with(',') => {
                self.unexpected_start("a range directly follows its selector").help("remove the `,` before it")
            }
            Kind::Div if self.text_before(self.token.span.start).ends_with('/') => {
                not_a_comment(Span::new(self.token.span.start - 1, self.token.span.end), "//")
            }
            Kind::Div if self.lexer.text[self.token.span.end as usize..].starts_with('/') => {
                not_a_comment(Span::new(self.token.span.start, self.token.span.end + 1), "//")
            }
            Kind::Div if self.lexer.text[self.token.span.end as usize..].starts_with('*') => {
                block_comment(Span::new(self.token.span.start, self.token.span.end + 1))
            }
            Kind::Mul if before.ends_with('/') && self.text_before(self.token.span.start).ends_with('/') => {
                block_comment(Span::new(self.token.span.start - 1, self.token.span.end))
            }
            Kind::Comma if before.ends_with([',', '(']) => {
                self.syntax("missing argument").label("nothing before this `,`")
            }
            Kind::On | Kind::Ignoring | Kind::GroupLeft | Kind::GroupRight | Kind::Bool => {
                let word = self.slice(self.token.span).to_ascii_lowercase();
                let place = match self.token.kind {
                    Kind::GroupLeft | Kind::GroupRight => "must follow `on (...)` or `ignoring (...)`",
                    Kind::Bool => "must follow a comparison operator, before `on` and `ignoring`",
                    _ => "must follow a binary operator",
                };
                self.syntax(format!("misplaced `{word}`")).label(place)
            }
            Kind::Fill | Kind::FillLeft | Kind::FillRight => {
                let word = self.slice(self.token.span).to_ascii_lowercase();
                self.syntax(format!("misplaced `{word}`")).label("must follow a binary operator and its matching")
            }
            _ => self.unexpected_start("expected an expression"),
        };
        self.fail(diagnostic)
    }

    /// `sum({group_by})(x)`.
    fn group_by_as_argument(&self, before: &str) -> Option<Diagnostic> {
        let head = before.strip_suffix('(')?.trim_end();
        let op = Aggregator::ALL.iter().find(|op| head.ends_with(op.as_str()))?.as_str();
        let after = &self.lexer.text[self.token.span.end as usize..];
        let rest = after.trim_start().strip_prefix(')').filter(|rest| rest.trim_start().starts_with('('))?;
        let span = Span::of(head.len() - op.len()..self.lexer.text.len() - rest.len());
        let diagnostic = report::misplaced(Hole::GroupBy, self.token.span);
        Some(diagnostic.write(span, format!("{op} by ({{group_by}})")))
    }

    /// The last character and this one, which other languages have as the operator `meant`.
    fn doubled(&self, meant: &str) -> Diagnostic {
        let span = Span::new(self.token.span.start - 1, self.token.span.end);
        Diagnostic::new(Code::Syntax, span, format!("unexpected `{}`", self.slice(span)))
            .label("not an operator of PromQL")
            .write(span, meant)
    }

    fn unexpected_start(&self, label: &str) -> Diagnostic {
        self.syntax(format!("unexpected {}", self.found())).label(label)
    }

    #[cold]
    pub(in crate::promql::parser) fn missing_operand<T>(&mut self, op: &str, op_span: Span) -> Result<T> {
        let diagnostic = Diagnostic::new(Code::Syntax, op_span, format!("missing operand after `{op}`"))
            .label("the query ends after it");
        self.fail(if op == "%" { diagnostic.note("`%` is the remainder of a division") } else { diagnostic })
    }

    #[cold]
    pub(in crate::promql::parser) fn not_callable<T>(&mut self, name: Token) -> Result<T> {
        let text = self.slice(name.span);
        let diagnostic = Diagnostic::new(Code::Syntax, name.span, format!("`{text}` is not a function"));
        let diagnostic = match name.kind {
            Kind::TemplateName => {
                let span = self.name(name).holes.first().copied().unwrap_or(name.span);
                Diagnostic::new(Code::MisplacedPlaceholder, span, "`metric_name` in the name of a function")
                    .label("it can only stand in the name of a selector")
            }
            Kind::By | Kind::Without => diagnostic.label("must follow an aggregation such as `sum`"),
            Kind::And | Kind::Or | Kind::Unless => diagnostic.label("no operand before this operator"),
            Kind::MetricIdent => diagnostic.label("the name of a metric cannot be called"),
            _ => diagnostic.label("a keyword cannot be called"),
        };
        self.fail(diagnostic)
    }

    #[cold]
    pub(in crate::promql::parser) fn expected_aggregate_body<T>(
        &mut self,
        op: Aggregator,
        grouping: Option<&Grouping<'a>>,
    ) -> Result<T> {
        if let Kind::Hole(hole @ (Hole::Labels | Hole::GroupBy | Hole::Window)) = self.token.kind {
            return self.misplaced(hole);
        }
        let name = op.as_str();
        let after = grouping.map_or(name, |grouping| grouping.keyword.as_str());
        let diagnostic = self
            .syntax(format!("`{name}` without an argument"))
            .label(format!("expected `(` and what to aggregate, found {}", self.found()));
        let diagnostic = match grouping {
            Some(grouping) => diagnostic.secondary(grouping.span(), format!("the labels of `{after}`")),
            None => diagnostic,
        };
        if self.token.kind == Kind::Eof {
            return self.fail(diagnostic);
        }
        let found = self.lexer.diagnostics.len();
        let operand = self.prefix().ok().map(|operand| operand.span);
        let is_valid = self.lexer.diagnostics.len() == found;
        self.lexer.diagnostics.truncate(found);
        self.report(match operand.filter(|_| is_valid) {
            Some(span) => diagnostic.write(span, format!("({})", self.slice(span))),
            None => diagnostic,
        });
        self.lexer.finish();
        Err(Stop)
    }

    /// `sum (job) (x)`.
    #[cold]
    pub(in crate::promql::parser) fn missing_by<T>(&mut self, op: Aggregator, parens: Span) -> Result<T> {
        let (word, labels) = (op.as_str(), self.slice(parens));
        self.fail(
            Diagnostic::new(Code::Syntax, parens, format!("second arguments of `{word}`"))
                .label("if these are labels to group by, a keyword is missing")
                .secondary(self.token.span, "the arguments start here")
                .help(format!("write `{word} by {labels}`")),
        )
    }

    #[cold]
    pub(in crate::promql::parser) fn second_grouping<T>(&mut self, first: Span) -> Result<T> {
        let word = self.slice(self.token.span).to_ascii_lowercase();
        let diagnostic = self
            .syntax(format!("second grouping `{word}`"))
            .label("an aggregation takes one grouping")
            .secondary(first, "grouped here");
        self.fail(diagnostic)
    }

    #[cold]
    pub(in crate::promql::parser) fn glued_hole<T>(&mut self, span: Span, whole: &str) -> Result<T> {
        let glued = self.token.span;
        let (hole, with) = (self.slice(span), self.slice(glued));
        let name = hole.trim_matches(['{', '}']);
        // An error of the lexer directly after it comes from the same mistake.
        self.lexer.diagnostics.keep(|diagnostic| diagnostic.span.start < span.end);
        self.token.kind = Kind::Eof;
        self.fail(
            Diagnostic::new(Code::MisplacedPlaceholder, span, format!("`{name}` as a part of {whole}"))
                .label(format!("stands for {}, but `{with}` is glued to it", whole.replacen("a ", "a whole ", 1)))
                .write(span.to(glued), hole),
        )
    }

    /// A hole where its kind is not allowed.
    #[cold]
    pub(in crate::promql::parser) fn misplaced<T>(&mut self, hole: Hole) -> Result<T> {
        let diagnostic = report::misplaced(hole, self.token.span);
        self.fail(diagnostic)
    }

    /// A hole right after an expression.
    fn misplaced_after(&mut self, hole: Hole, before: &Expr<'a>) -> Result<Expr<'a>> {
        let diagnostic = report::misplaced(hole, self.token.span);
        let ExprKind::Selector(selector) = &before.kind else { return self.fail(diagnostic) };
        if selector.range.is_some() || !selector.modifiers.is_empty() {
            return self.fail(diagnostic);
        }
        let text = self.slice(before.span);
        let up_to = |end: u32| &text[..(end - before.span.start) as usize];
        let written = match (hole, &selector.braces) {
            (Hole::Labels, None) => format!("{text}{{{{{{labels}}}}}}"),
            (Hole::Labels, Some(braces)) if braces.items.is_empty() => {
                format!("{}{{{{{{labels}}}}}}", up_to(braces.open.start))
            }
            (Hole::Labels, Some(braces)) => {
                format!("{},{{labels}}}}}}", up_to(braces.close.start).trim_end().trim_end_matches(','))
            }
            (Hole::Window, _) => format!("{text}[{{window}}]"),
            _ => return self.fail(diagnostic),
        };
        let diagnostic = diagnostic.write(before.span.to(self.token.span), written);
        self.fail(diagnostic)
    }
}

/// A sign that starts a comment in another language.
fn not_a_comment(span: Span, sign: &str) -> Diagnostic {
    Diagnostic::new(Code::Syntax, span, format!("unexpected `{sign}`")).label("not a comment").write(span, "#")
}

/// `/* ... */`, whose start is given.
fn block_comment(span: Span) -> Diagnostic {
    Diagnostic::new(Code::Syntax, span, "unexpected `/*`")
        .label("not a comment")
        .help("write `#`, which starts a comment that ends with the line")
}

/// `1,000`.
fn is_thousand(before: &str, after: &str) -> bool {
    (1..=3).contains(&before.len())
        && after.len() == 3
        && [before, after].iter().all(|it| it.bytes().all(|b| b.is_ascii_digit()))
}

fn is_bare_name(expr: &Expr<'_>) -> bool {
    matches!(&expr.kind, ExprKind::Selector(selector) if selector.braces.is_none() && selector.span == expr.span)
}

/// The end of the name of the only selector in an expression, which has no braces.
fn name_without_braces(expr: &Expr<'_>) -> Option<u32> {
    match &expr.kind {
        ExprKind::Selector(selector) if selector.braces.is_none() => Some(selector.span.end),
        ExprKind::Call(call) if let [arg] = &*call.args => name_without_braces(arg),
        ExprKind::Aggregate(aggregate) => name_without_braces(&aggregate.expr),
        _ => None,
    }
}

fn braces_of<'e, 'a>(expr: &'e Expr<'a>) -> Option<&'e Braces<'a>> {
    if let ExprKind::Selector(selector) = &expr.kind { selector.braces.as_ref() } else { None }
}
