//! Errors in durations, ranges and timestamps.

use crate::diagnostic::suggest::literals::suggest_duration;
use crate::hole::Hole;
use crate::promql::literal;
use crate::promql::parser::{Parser, Result};
use crate::promql::token::{Kind, Token};
use crate::{Code, Diagnostic, Span};

impl Parser<'_> {
    #[cold]
    pub(in crate::promql::parser) fn empty_brackets<T>(&mut self, open: Span) -> Result<T> {
        let brackets = open.to(self.token.span);
        let window = if self.lexer.template { "[{window}]" } else { "[5m]" };
        self.fail(
            Diagnostic::new(Code::Syntax, brackets, "range without a duration")
                .label("how far back?")
                .help(format!("write `{window}`")),
        )
    }

    #[cold]
    pub(in crate::promql::parser) fn unexpected_in_brackets<T>(&mut self, open: Span, subquery: bool) -> Result<T> {
        let expected = if subquery { "expected `]`" } else { "expected `]` or `:`" };
        let diagnostic = match self.token.kind {
            Kind::Eof => self.never_closed(open, "["),
            Kind::Hole(hole) if hole != Hole::Window => return self.misplaced(hole),
            Kind::RightParen => {
                let span = Span::new(open.start, self.previous_end);
                self.syntax("unclosed `[`")
                    .label("expected `]` before this")
                    .secondary(open, "opened here")
                    .write(span, format!("{}]", self.slice(span)))
            }
            // `[5m offset 1h]`.
            Kind::Offset | Kind::At if let Some((modifier, rest)) = self.rest().split_once(']') => {
                let end = self.lexer.text.len() - rest.len();
                let range = self.slice(Span::new(open.start, self.previous_end));
                self.syntax(format!("{} in the brackets of a range", self.found()))
                    .label("follows the brackets")
                    .write(Span::of(open.range().start..end), format!("{range}] {}", modifier.trim_end()))
            }
            _ => {
                let diagnostic =
                    self.syntax(format!("unexpected {}", self.found())).label(expected).secondary(open, "opened here");
                // `[5 m]`.
                let rest = &self.lexer.text[open.end as usize..];
                Diagnostic { help: suggest_duration(rest.split(']').next().unwrap_or_default()), ..diagnostic }
            }
        };
        self.fail(diagnostic)
    }

    #[cold]
    pub(in crate::promql::parser) fn unclosed_duration<T>(&mut self, open: Span, expected: &str) -> Result<T> {
        let diagnostic = match self.token.kind {
            Kind::Eof => self.never_closed(open, "("),
            Kind::Hole(hole) if hole != Hole::Window => return self.misplaced(hole),
            _ => self
                .syntax(format!("unexpected {}", self.found()))
                .label(format!("expected `{expected}`"))
                .secondary(open, "opened here"),
        };
        self.fail(diagnostic)
    }

    #[cold]
    pub(in crate::promql::parser) fn expected_duration<T>(&mut self) -> Result<T> {
        if let Kind::Hole(hole) = self.token.kind {
            return self.misplaced(hole);
        }
        let diagnostic = match self.token.kind {
            Kind::Eof => Diagnostic::new(Code::Syntax, self.last_character(), "unexpected end of the query")
                .label("a duration must follow"),
            Kind::LeftBracket => self.syntax("unexpected `[`").label("a bracket is open already"),
            Kind::Str => {
                let inner = self.slice(self.token.span).trim_matches(['"', '\'', '`']);
                let diagnostic = self.syntax("duration in quotes").label("durations are written without quotes");
                if literal::duration_ms(inner).is_ok_and(|ms| ms > 0) {
                    diagnostic.write(self.token.span, inner)
                } else {
                    diagnostic
                }
            }
            _ if let Some(diagnostic) = self.aggregation_as_duration() => diagnostic,
            Kind::Ident if let Some(matchers) = self.matchers_in_brackets() => {
                let (open, close) = (self.brace(Kind::LeftBrace), self.brace(Kind::RightBrace));
                self.syntax("matchers in brackets")
                    .label("expected a duration, such as `5m`")
                    .help(format!("write `{open}{matchers}{close}`"))
            }
            Kind::Ident if self.lexer.template => self
                .syntax(format!("unexpected {}", self.found()))
                .label("expected a duration, such as `5m`")
                .help("write `{window}`"),
            _ => self.syntax(format!("unexpected {}", self.found())).label("expected a duration, such as `5m`"),
        };
        self.fail(diagnostic)
    }

    /// The text from this token on.
    fn rest(&self) -> &str {
        &self.lexer.text[self.token.span.start as usize..]
    }

    /// `min(1m, 2m)` for the shorter duration.
    fn aggregation_as_duration(&self) -> Option<Diagnostic> {
        let name = self.slice(self.token.span).to_ascii_lowercase();
        let diagnostic = matches!(name.as_str(), "min" | "max").then(|| {
            self.syntax(format!("unexpected {}", self.found())).label("aggregates vectors").note(
                "of two durations, `min_of` and `max_of` return the shorter and the longer one, since Prometheus 3.13",
            )
        })?;
        let exists = !self.features.past.no_min_of;
        Some(if exists {
            diagnostic.write(self.token.span, format!("{name}_of"))
        } else {
            diagnostic.help("write one of the two")
        })
    }

    /// The text in brackets, if it starts with a label and an operator.
    fn matchers_in_brackets(&self) -> Option<&str> {
        let after = self.lexer.text[self.token.span.end as usize..].trim_start();
        (after.starts_with('=') || after.starts_with('!')).then(|| self.rest().split(']').next()).flatten()
    }

    #[cold]
    pub(in crate::promql::parser) fn expected_offset<T>(&mut self, keyword: Span) -> Result<T> {
        if let Some(diagnostic) = self.aggregation_as_duration() {
            return self.fail(diagnostic);
        }
        self.incomplete_modifier("`offset` without a duration", "a duration, such as `5m`", "a duration", keyword)
    }

    #[cold]
    pub(in crate::promql::parser) fn expected_timestamp<T>(&mut self, keyword: Span) -> Result<T> {
        let expected = "seconds since 1970, `start()` or `end()`";
        self.incomplete_modifier("`@` without a timestamp", expected, "a timestamp", keyword)
    }

    fn incomplete_modifier<T>(&mut self, title: &str, expected: &str, needed: &str, keyword: Span) -> Result<T> {
        let diagnostic = match self.token.kind {
            Kind::Hole(hole) => return self.misplaced(hole),
            Kind::Eof => Diagnostic::new(Code::Syntax, keyword, title).label("the query ends after it"),
            _ => {
                let diagnostic = self
                    .syntax(title)
                    .label(format!("expected {expected}, found {}", self.found()))
                    .secondary(keyword, format!("needs {needed}"));
                match self.slice(self.token.span) {
                    "now" | "time" => diagnostic.help("remove the `@`, which is only for other times"),
                    _ => diagnostic,
                }
            }
        };
        self.fail(diagnostic)
    }

    #[cold]
    pub(in crate::promql::parser) fn expected_empty_parens<T>(&mut self, name: Token, open: Option<Span>) -> Result<T> {
        let text = self.slice(name.span);
        let diagnostic = match (self.token.kind, open) {
            (Kind::Eof, Some(open)) => {
                Diagnostic::new(Code::Syntax, open, "unclosed `(`").label("opened here, never closed")
            }
            (_, Some(open)) => {
                self.syntax(format!("argument of `{text}`")).label("it takes none here").secondary(open, "opened here")
            }
            (_, None) => {
                let call = if matches!(name.kind, Kind::MinOf | Kind::MaxOf) { "(a, b)" } else { "()" };
                Diagnostic::new(Code::Syntax, name.span, format!("`{text}` without parentheses"))
                    .label("a function here")
                    .help(format!("write `{}{call}`", text.to_ascii_lowercase()))
            }
        };
        self.fail(diagnostic)
    }
}
