//! Errors in lists: labels of a grouping, matchers in braces.

use promql_presets_core::keyword;

use crate::hole::Hole;
use crate::promql::ast::{GroupingItem, GroupingKeyword, Label, MatchOp, MatcherItem};
use crate::promql::parser::{Parser, Result};
use crate::promql::token::Kind;
use crate::{Code, Diagnostic, Span};

impl<'a> Parser<'a> {
    #[cold]
    pub(in crate::promql::parser) fn expected_grouping<T>(
        &mut self,
        keyword: GroupingKeyword,
        span: Span,
    ) -> Result<T> {
        let word = keyword.as_str();
        let diagnostic = match self.token.kind {
            Kind::Hole(Hole::GroupBy) => {
                Diagnostic::new(Code::MisplacedPlaceholder, self.token.span, "`group_by` outside parentheses")
                    .label("labels to group by can only stand inside `(` and `)`")
                    .write(span.to(self.token.span), format!("{word} ({{group_by}})"))
            }
            Kind::Hole(hole) => return self.misplaced(hole),
            Kind::Ident => {
                let label = self.slice(self.token.span);
                self.syntax(format!("missing `(` after `{word}`"))
                    .label("expected `(` before this")
                    .secondary(span, "needs labels in parentheses")
                    .help(format!("write `{word} ({label})`"))
            }
            _ => self
                .syntax(format!("missing `(` after `{word}`"))
                .label(format!("expected `(`, found {}", self.found()))
                .secondary(span, "needs labels in parentheses"),
        };
        self.fail(diagnostic)
    }

    #[cold]
    pub(in crate::promql::parser) fn expected_label<T>(&mut self, open: Span) -> Result<T> {
        let diagnostic = match self.token.kind {
            Kind::Hole(Hole::Labels) => {
                Diagnostic::new(Code::MisplacedPlaceholder, self.token.span, "`labels` in a grouping")
                    .label("matchers can only stand inside `{{` and `}}`")
                    .write(self.token.span, "{group_by}")
            }
            Kind::Hole(hole) => return self.misplaced(hole),
            Kind::LeftParen | Kind::TemplateName if let Some(diagnostic) = self.expression_after_group(open) => {
                diagnostic
            }
            Kind::TemplateName => {
                Diagnostic::new(Code::MisplacedPlaceholder, self.token.span, "`metric_name` in a grouping")
                    .label("it can only stand in the name of a selector")
                    .write(self.token.span, "{group_by}")
            }
            Kind::Eof => self.never_closed(open, "("),
            Kind::Comma => self.syntax("missing label").label("no label before this `,`"),
            _ => self
                .syntax("invalid label name")
                .label(format!("expected a label, found {}", self.found()))
                .secondary(open, "labels are listed from here on"),
        };
        self.fail(diagnostic)
    }

    #[cold]
    pub(in crate::promql::parser) fn unexpected_in_grouping<T>(
        &mut self,
        open: Span,
        last: Option<&GroupingItem<'a>>,
    ) -> Result<T> {
        if let Some(diagnostic) = self.expression_after_group(open) {
            return self.fail(diagnostic);
        }
        let diagnostic = match self.token.kind {
            Kind::Eof => self.never_closed(open, "("),
            Kind::Hole(Hole::GroupBy) => self
                .syntax("missing `,` before `{group_by}`")
                .label("expected `,`")
                .write(self.token.span, ",{group_by}"),
            Kind::Hole(hole) => return self.misplaced(hole),
            kind if kind.is_grouping_label() || kind == Kind::Str => {
                let text = self.slice(self.token.span);
                // `by (job rate(...))`: a call is not a label.
                let rest = self.lexer.text[self.token.span.end as usize..].trim_start();
                let missing = if rest.starts_with(['(', '{', '[']) { ")" } else { "," };
                let diagnostic =
                    self.syntax(format!("missing `{missing}` before `{text}`")).label("expected `,` or `)`");
                diagnostic.write(self.token.span, format!("{missing}{text}"))
            }
            Kind::LeftParen => {
                self.syntax("unclosed `(`").label("expected `)` before this").secondary(open, "opened here")
            }
            Kind::Dot if let Some(GroupingItem::Label(label)) = last => self.dotted_label(label.span.start),
            _ => self.syntax(format!("unexpected {}", self.found())).label("expected `,` or `)`"),
        };
        self.fail(diagnostic)
    }

    /// `group_left (rate(x[5m]))`: the parenthesis probably starts an expression.
    fn expression_after_group(&self, open: Span) -> Option<Diagnostic> {
        let before = self.text_before(open.start).trim_end();
        let keyword = [keyword::GROUP_LEFT, keyword::GROUP_RIGHT].into_iter().find(|keyword| {
            let word = before.get(before.len().saturating_sub(keyword.len())..);
            word.is_some_and(|word| word.eq_ignore_ascii_case(keyword))
        })?;
        let kind = self.token.kind;
        let is_list =
            matches!(kind, Kind::Eof | Kind::Comma | Kind::RightParen | Kind::Str | Kind::Hole(_) | Kind::Dot);
        (!is_list && !kind.is_grouping_label()).then(|| {
            self.syntax(format!("expression in the labels of `{keyword}`"))
                .label("not a label")
                .secondary(open, "opens the labels")
                .help(format!("write `{keyword} () (`"))
        })
    }

    #[cold]
    pub(in crate::promql::parser) fn second_fill<T>(&mut self, first: Span) -> Result<T> {
        let word = self.slice(self.token.span).to_ascii_lowercase();
        let diagnostic = self
            .syntax(format!("unexpected `{word}`"))
            .label("a side can be filled once")
            .secondary(first, "filled here");
        self.fail(diagnostic)
    }

    #[cold]
    pub(in crate::promql::parser) fn expected_fill_value<T>(&mut self, open: Span) -> Result<T> {
        let diagnostic = match self.token.kind {
            Kind::Eof => self.never_closed(open, "("),
            Kind::Hole(hole) => return self.misplaced(hole),
            _ => self
                .syntax(format!("unexpected {}", self.found()))
                .label("a fill value is one number")
                .secondary(open, "opened here"),
        };
        self.fail(diagnostic)
    }

    fn unclosed_brace(&self, open: Span) -> Diagnostic {
        let brace = self.brace(Kind::LeftBrace);
        match self.token.kind {
            Kind::Eof => self.never_closed(open, brace),
            _ => self
                .syntax(format!("unclosed `{brace}`"))
                .label(format!("expected `{}` before this", self.brace(Kind::RightBrace)))
                .secondary(open, "opened here"),
        }
    }

    #[cold]
    pub(in crate::promql::parser) fn expected_matcher<T>(&mut self, open: Span) -> Result<T> {
        let diagnostic = match self.token.kind {
            Kind::Eof | Kind::RightParen | Kind::RightBracket | Kind::LeftParen | Kind::LeftBracket => {
                let diagnostic = self.unclosed_brace(open);
                let span = Span::new(open.start, self.previous_end);
                match self.slice(span).strip_suffix(',') {
                    Some(items) => diagnostic.write(span, format!("{items}{}", self.brace(Kind::RightBrace))),
                    None => diagnostic,
                }
            }
            Kind::Hole(Hole::MetricName) => {
                Diagnostic::new(Code::MisplacedPlaceholder, self.token.span, "`metric_name` inside a selector's braces")
                    .label("it can only stand before the braces")
                    .help("write `{metric_name}{{{labels}}}`")
            }
            Kind::Hole(Hole::GroupBy) => {
                Diagnostic::new(Code::MisplacedPlaceholder, self.token.span, "`group_by` inside a selector's braces")
                    .label("labels to group by belong in `by (...)` or a similar list")
                    .write(self.token.span, "{labels}")
            }
            Kind::Hole(hole) => return self.misplaced(hole),
            Kind::LeftBrace => self
                .syntax(format!("unexpected {}", self.found()))
                .label("the braces are open already")
                .secondary(open, "opened here"),
            Kind::Comma => self.syntax("missing matcher").label("no matcher before this `,`"),
            Kind::Eq | Kind::NotEq | Kind::EqRegex | Kind::NotEqRegex => {
                self.syntax("missing label").label(format!("no label before this {}", self.found()))
            }
            _ => self
                .syntax(format!("unexpected {}", self.found()))
                .label(format!("expected a label or `{}`", self.brace(Kind::RightBrace))),
        };
        self.fail(diagnostic)
    }

    #[cold]
    pub(in crate::promql::parser) fn expected_match_op<T>(&mut self, open: Span, label: &Label<'a>) -> Result<T> {
        let (name, name_end) = (self.slice(label.span), label.span.end);
        let text = self.slice(self.token.span);
        let diagnostic = match self.token.kind {
            Kind::Eof | Kind::RightParen | Kind::LeftParen | Kind::RightBracket | Kind::LeftBracket => {
                self.unclosed_brace(open)
            }
            Kind::Hole(hole) => return self.misplaced(hole),
            Kind::Less if self.lexer.text[self.token.span.end as usize..].starts_with('>') => self
                .syntax("`<>` in a matcher")
                .label("matchers compare text: `=`, `!=`, `=~`, `!~`")
                .write(Span::new(self.token.span.start, self.token.span.end + 1), "!="),
            Kind::Less | Kind::Greater => self
                .syntax(format!("{} in a matcher", self.found()))
                .label("matchers compare text: `=`, `!=`, `=~`, `!~`")
                .secondary(label.span, "this label"),
            Kind::Ident if ["in", "like"].iter().any(|word| text.eq_ignore_ascii_case(word)) => {
                let diagnostic = self
                    .syntax(format!("`{text}` is not an operator of matchers"))
                    .label("matchers compare text: `=`, `!=`, `=~`, `!~`");
                match self.sql_condition(label.span) {
                    Some((span, text)) => diagnostic.write(span, text),
                    None => diagnostic,
                }
            }
            Kind::Str => {
                let value = self.slice(self.token.span);
                self.syntax(format!("missing operator after `{name}`"))
                    .label("expected `=`, `!=`, `=~` or `!~` before this")
                    .help(format!("write `{name}={value}`"))
            }
            Kind::Comma | Kind::RightBrace => {
                let diagnostic = Diagnostic::new(Code::Syntax, label.span, format!("`{name}` without a value"))
                    .label("a matcher is a label, an operator and a value");
                match name {
                    "labels" if self.lexer.template => diagnostic.write(label.span, "{labels}"),
                    _ => diagnostic.write(label.span, format!("{name}!=\"\"")),
                }
            }
            Kind::Number if name_end == self.token.span.start && text.starts_with('.') => {
                self.dotted_label(label.span.start)
            }
            _ => self
                .syntax(format!("unexpected {}", self.found()))
                .label("expected `=`, `!=`, `=~` or `!~`")
                .secondary(label.span, "after this label"),
        };
        self.fail(diagnostic)
    }

    /// The matcher for a condition of SQL at `in` or `like`, whose label is at `label`, and the place of the condition.
    fn sql_condition(&self, label: Span) -> Option<(Span, String)> {
        let after = &self.lexer.text[self.token.span.end as usize..];
        let value = after.trim_start();
        let is_plain = |value: &str| value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-/ %".contains(&byte));
        let plain = |text: &str| {
            let text = text.trim();
            let inside = [b'"', b'\''].into_iter().find_map(|quote| {
                text.strip_prefix(char::from(quote)).and_then(|text| text.split_once(char::from(quote)))
            });
            inside.filter(|(value, _)| is_plain(value)).map(|(value, rest)| (value.to_owned(), rest.len()))
        };
        let (matcher, length) = if let Some(list) = value.strip_prefix('(') {
            let list = list.split_once(')')?.0;
            let values: Option<Vec<String>> = list.split(',').map(|text| Some(plain(text)?.0)).collect();
            let values = values?;
            let op = if values.len() > 1 { "=~" } else { "=" };
            (format!("{op}\"{}\"", values.join("|")), list.len() + 2)
        } else {
            let (pattern, rest) = plain(value)?;
            let pattern = if pattern.contains('%') { pattern.replace('%', ".*") } else { pattern + ".*" };
            (format!("=~\"{pattern}\""), value.trim_end().len() - rest)
        };
        let end = self.token.span.end as usize + (after.len() - value.len()) + length;
        Some((Span::of(label.range().start..end), format!("{}{matcher}", self.slice(label))))
    }

    #[cold]
    pub(in crate::promql::parser) fn expected_match_value<T>(
        &mut self,
        open: Span,
        label: &Label<'a>,
        op: MatchOp,
        op_span: Span,
    ) -> Result<T> {
        let (name, op) = (self.slice(label.span), op.as_str());
        let text = self.slice(self.token.span);
        let diagnostic = match self.token.kind {
            Kind::Eof | Kind::RightBracket | Kind::RightParen => self.unclosed_brace(open),
            // The template scanner reports the others.
            Kind::Hole(hole) => {
                let title = format!("`{}` as the value of a label", hole.name());
                Diagnostic::new(Code::MisplacedPlaceholder, self.token.span, title)
                    .label("it can only stand before the braces")
                    .help("write `{metric_name}{{{labels}}}`")
            }
            Kind::Ident | Kind::Number => self
                .syntax("value without quotes")
                .label("the value of a matcher is a string")
                .help(format!("write `{name}{op}\"{text}\"`")),
            Kind::Eq => {
                let diagnostic = self.syntax(format!("`{op}{text}` in a matcher")).label("one `=` too many");
                self.bump();
                let value = if self.token.kind == Kind::Str { self.slice(self.token.span) } else { "\"...\"" };
                diagnostic.help(format!("write `{name}{op}{value}`"))
            }
            Kind::Comma | Kind::RightBrace => {
                Diagnostic::new(Code::Syntax, op_span, format!("missing value of `{name}`"))
                    .label("no string follows")
                    .help(format!("write `{name}{op}\"\"`"))
            }
            _ => self
                .syntax(format!("unexpected {}", self.found()))
                .label("the value of a matcher is a string")
                .secondary(label.span, "of this label"),
        };
        self.fail(diagnostic)
    }

    #[cold]
    pub(in crate::promql::parser) fn unexpected_after_matcher<T>(
        &mut self,
        open: Span,
        last: Option<&MatcherItem<'a>>,
    ) -> Result<T> {
        let close = self.brace(Kind::RightBrace);
        let diagnostic = match self.token.kind {
            Kind::Eof | Kind::RightParen | Kind::LeftParen | Kind::RightBracket | Kind::LeftBracket => {
                let diagnostic = self.unclosed_brace(open);
                match last {
                    Some(item) => {
                        let span = open.to(item.span());
                        diagnostic.write(span, format!("{}{close}", self.slice(span)))
                    }
                    None => diagnostic,
                }
            }
            Kind::Hole(Hole::Labels) => self
                .syntax("missing `,` before `{labels}`")
                .label(format!("expected `,` or `{close}`"))
                .write(self.token.span, ",{labels}"),
            Kind::Hole(hole) => return self.misplaced(hole),
            Kind::Ident if self.slice(self.token.span).eq_ignore_ascii_case("and") => self
                .syntax("`and` between matchers")
                .label("matchers are separated by commas")
                .write(self.token.span, ","),
            Kind::Ident if self.slice(self.token.span).eq_ignore_ascii_case("or") => self
                .syntax("`or` between matchers")
                .label("only VictoriaMetrics' MetricsQL has it")
                .note("Prometheus joins two selectors with `or`, or matches one label with `=~\"a|b\"`"),
            Kind::Ident | Kind::Str => {
                let text = self.slice(self.token.span);
                let diagnostic =
                    self.syntax(format!("missing `,` before `{text}`")).label(format!("expected `,` or `{close}`"));
                let after = self.lexer.text[self.token.span.end as usize..].trim_start();
                if after.starts_with(['=', '!']) {
                    diagnostic.write(self.token.span, format!(",{text}"))
                } else {
                    diagnostic
                }
            }
            _ => self.syntax(format!("unexpected {}", self.found())).label(format!("expected `,` or `{close}`")),
        };
        let diagnostic = match last {
            Some(item) if diagnostic.secondary.is_empty() && diagnostic.span.start >= item.span().end => {
                diagnostic.secondary(item.span(), "after this matcher")
            }
            _ => diagnostic,
        };
        self.fail(diagnostic)
    }
}
