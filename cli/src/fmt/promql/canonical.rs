//! A query on one line, with its comments kept beside its tokens.

use promql_presets_compiler::Span;
use promql_presets_compiler::promql::{
    Aggregate, At, Binary, Duration, DurationKind, Expr, ExprKind, Grouping, GroupingItem, GroupingKeyword, Label,
    Modifier, Selector, Subquery, Syntax, tokens,
};
use promql_presets_core::name::is_classic_label;

use super::literal;

/// A query on one line.
pub(super) struct Canonical {
    /// The text without comments.
    pub(super) text: String,
    /// Its tokens in order.
    pub(super) tokens: Vec<Token>,
    /// Comments after the last token, on lines of their own.
    pub(super) last: Vec<Comment>,
}

/// A token with the comments that belong to it.
#[derive(Clone, Default)]
pub(super) struct Token {
    pub(super) text: String,
    /// Where it starts in the text of the query.
    pub(super) start: usize,
    /// Whether a space comes before it.
    pub(super) is_spaced: bool,
    /// Comments on the lines before it.
    pub(super) leading: Vec<Comment>,
    /// A comment behind it on its line.
    pub(super) trailing: Option<String>,
}

impl Token {
    fn has_comments(&self) -> bool {
        self.trailing.is_some() || !self.leading.is_empty()
    }
}

#[derive(Clone)]
pub(super) struct Comment {
    pub(super) text: String,
    /// Whether it starts its line.
    pub(super) at_margin: bool,
}

impl Canonical {
    /// Puts a valid query on one line.
    pub(super) fn of(text: &str, syntax: Syntax, expr: &Expr<'_>) -> Self {
        let (source, last) = read(text, syntax);
        let mut rewrite = Rewrite::of(source);
        expr.walk(&mut |expr| rewrite.expr(expr));
        let mut canonical = Self { text: String::new(), tokens: rewrite.finish(), last };
        for token in &mut canonical.tokens {
            if token.is_spaced {
                canonical.text.push(' ');
            }
            token.start = canonical.text.len();
            canonical.text.push_str(&token.text);
        }
        canonical
    }
}

/// The tokens of a query with the comments around them, and the comments after the last one.
fn read(text: &str, syntax: Syntax) -> (Vec<Token>, Vec<Comment>) {
    let mut found: Vec<Token> = Vec::new();
    let mut leading = Vec::new();
    let mut at = 0;
    let end = Span::of(text.len()..text.len());
    for span in tokens(text, syntax).into_iter().chain([end]) {
        for (offset, comment) in comments(&text[at..span.start as usize]) {
            let start = at + offset;
            match found.last_mut() {
                Some(token) if leading.is_empty() && !text[at..start].contains(['\n', '\r']) => {
                    token.trailing = Some(comment.to_owned());
                }
                _ => {
                    let at_margin = start == 0 || text[..start].ends_with(['\n', '\r']);
                    leading.push(Comment { text: comment.to_owned(), at_margin });
                }
            }
        }
        at = span.end as usize;
        if span != end {
            let text = text[span.range()].to_owned();
            let leading = std::mem::take(&mut leading);
            found.push(Token { text, start: span.start as usize, is_spaced: true, leading, trailing: None });
        }
    }
    (found, leading)
}

/// The comments between two tokens, with their offsets.
fn comments(gap: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + gap[at..].find('#')?;
        at = gap[start..].find(['\n', '\r']).map_or(gap.len(), |length| start + length);
        Some((start, gap[start..at].trim_end()))
    })
}

/// The changes to the tokens of a query.
struct Rewrite {
    tokens: Vec<Token>,
    /// For each token that is moved, the token that it follows.
    moved: Vec<Option<usize>>,
    dropped: Vec<bool>,
    /// Tokens that are added after others.
    added: Vec<(usize, Token)>,
}

impl Rewrite {
    fn of(tokens: Vec<Token>) -> Self {
        let (moved, dropped) = (vec![None; tokens.len()], vec![false; tokens.len()]);
        let mut rewrite = Self { tokens, moved, dropped, added: Vec::new() };
        move_comments(&mut rewrite.tokens);
        rewrite.punctuation();
        rewrite
    }

    /// Spaces around punctuation, and quotes of strings.
    fn punctuation(&mut self) {
        self.glue(0);
        for at in 0..self.tokens.len() {
            self.rewrite(at, literal::string);
            match self.tokens[at].text.as_str() {
                "(" | "{" | "{{" => self.glue(at + 1),
                "," | ")" | "}" | "}}" | "]" => self.glue(at),
                "[" => [at, at + 1].into_iter().for_each(|token| self.glue(token)),
                _ => {}
            }
        }
    }

    /// Removes the space before a token.
    fn glue(&mut self, token: usize) {
        if let Some(token) = self.tokens.get_mut(token) {
            token.is_spaced = false;
        }
    }

    /// The token at an offset of the source.
    fn at(&self, offset: u32) -> usize {
        self.tokens.partition_point(|token| token.start <= offset as usize).saturating_sub(1)
    }

    /// The tokens of a span.
    fn within(&self, span: Span) -> std::ops::Range<usize> {
        self.at(span.start)..self.at(span.end - 1) + 1
    }

    /// Drops the tokens of a span, unless there are comments between them.
    fn drop(&mut self, span: Span) {
        let range = self.within(span);
        if !self.tokens[range.clone()].iter().any(Token::has_comments) {
            self.dropped[range].fill(true);
        }
    }

    /// Replaces a token, unless `write` returns nothing.
    fn rewrite(&mut self, token: usize, write: impl Fn(&str) -> Option<String>) {
        let text = &mut self.tokens[token].text;
        if let Some(written) = write(text) {
            *text = written;
        }
    }

    /// Writes a keyword in lower case.
    fn keyword(&mut self, span: Span) {
        let at = self.at(span.start);
        self.tokens[at].text.make_ascii_lowercase();
    }

    fn expr(&mut self, expr: &Expr<'_>) {
        match &expr.kind {
            ExprKind::String(_) | ExprKind::Paren(_) => {}
            ExprKind::Number(number) => {
                let write = |text: &str| {
                    if number.duration { literal::duration(text, number.value) } else { literal::number(text) }
                };
                self.rewrite(self.at(expr.span.start), write);
            }
            ExprKind::Selector(selector) => self.selector(selector),
            ExprKind::Subquery(subquery) => self.subquery(subquery),
            ExprKind::Call(call) => self.glue(self.at(call.parens.start)),
            ExprKind::Unary(unary) => self.glue(self.at(unary.op_span.start) + 1),
            ExprKind::Binary(binary) => self.binary(binary),
            ExprKind::Aggregate(aggregate) => self.aggregate(aggregate),
        }
    }

    fn selector(&mut self, selector: &Selector<'_>) {
        if let Some(braces) = &selector.braces {
            let whole = braces.open.to(braces.close);
            let inside = self.within(whole);
            inside.skip(usize::from(selector.name.is_none())).for_each(|token| self.glue(token));
            if braces.items.is_empty() {
                self.drop(whole);
            }
        }
        selector.matchers().into_iter().for_each(|matcher| self.label(&matcher.label));
        if let Some(range) = &selector.range {
            self.duration(&range.duration);
        }
        self.modifiers(&selector.modifiers);
    }

    fn subquery(&mut self, subquery: &Subquery<'_>) {
        self.duration(&subquery.range);
        let colon = self.at(subquery.range.span.end - 1) + 1;
        // The end of a range in parentheses is within the range.
        self.glue(colon);
        self.glue(colon + 1);
        if let Some(step) = &subquery.step {
            self.duration(step);
        }
        self.modifiers(&subquery.modifiers);
    }

    fn binary(&mut self, binary: &Binary<'_>) {
        self.keyword(binary.op_span);
        binary.bool_span.into_iter().for_each(|span| self.keyword(span));
        for grouping in binary.matching.iter().chain(&binary.group) {
            self.grouping(grouping, binary.group.is_none());
        }
        for fill in &binary.fill {
            self.keyword(fill.span);
            let name = self.at(fill.span.start);
            // The token may be a sign or a number.
            if name + 5 == self.within(fill.span).end {
                self.glue(name + 3);
            }
        }
    }

    fn aggregate(&mut self, aggregate: &Aggregate<'_>) {
        self.keyword(aggregate.op_span);
        let op = self.at(aggregate.op_span.start);
        if aggregate.grouping.as_ref().is_none_or(|grouping| self.grouping(grouping, true)) {
            self.glue(self.at(aggregate.parens.start));
        }
        if let Some(grouping) = &aggregate.grouping {
            let moved = self.within(span_of(grouping));
            let (last, end) = (moved.end - 1, self.at(aggregate.parens.end - 1));
            // A comment behind the whole expression stays there.
            if last > end && self.tokens[end].trailing.is_none() {
                self.tokens[end].trailing = self.tokens[last].trailing.take();
            }
            moved.for_each(|token| self.moved[token] = Some(op));
        }
    }

    /// Removes quotes that a label does not need.
    fn label(&mut self, label: &Label<'_>) {
        if label.quoted && is_classic_label(&label.name) {
            self.rewrite(self.at(label.span.start), |_| Some(label.name.to_string()));
        }
    }

    /// Returns whether nothing is left of it: `by ()` and, where it may be left out, `ignoring ()`.
    fn grouping(&mut self, grouping: &Grouping<'_>, may_be_bare: bool) -> bool {
        self.keyword(grouping.keyword_span);
        let at = self.at(grouping.keyword_span.start);
        for item in &grouping.items {
            if let GroupingItem::Label(label) = item {
                self.label(label);
            }
        }
        if grouping.parens.is_none() {
            let open = Token { text: "(".to_owned(), is_spaced: true, ..Token::default() };
            let trailing = self.tokens[at].trailing.take();
            let close = Token { text: ")".to_owned(), trailing, ..Token::default() };
            self.added.extend([(at, open), (at, close)]);
        }
        let is_optional = matches!(grouping.keyword, GroupingKeyword::By | GroupingKeyword::Ignoring) && may_be_bare;
        if grouping.items.is_empty() && is_optional {
            self.drop(span_of(grouping));
        }
        self.dropped[at]
    }

    fn modifiers(&mut self, modifiers: &[Modifier]) {
        for modifier in modifiers {
            match modifier {
                Modifier::Offset { keyword, duration } => {
                    self.keyword(*keyword);
                    self.duration(duration);
                }
                Modifier::At { at: At::Start(span) | At::End(span), .. } => self.empty_call(*span),
                Modifier::At { span, .. } => {
                    let range = self.within(*span);
                    range.skip(2).for_each(|token| self.glue(token));
                }
                Modifier::Anchored(span) | Modifier::Smoothed(span) => self.keyword(*span),
            }
        }
    }

    /// `start()`, `step()`.
    fn empty_call(&mut self, span: Span) {
        self.keyword(span);
        self.glue(self.at(span.start) + 1);
    }

    fn duration(&mut self, duration: &Duration) {
        self.duration_part(duration, true);
    }

    fn duration_part(&mut self, duration: &Duration, is_whole: bool) {
        match &duration.kind {
            DurationKind::Hole => {}
            DurationKind::Literal(seconds) => {
                // In `5m * 2`, the 2 is a number.
                let write = |text: &str| literal::duration(text, *seconds).filter(|_| is_whole || !is_number(text));
                self.rewrite(self.at(duration.span.start), write);
            }
            DurationKind::Step | DurationKind::Range => self.empty_call(duration.span),
            DurationKind::Unary(_, inner) => {
                self.glue(self.at(inner.span.start));
                self.duration_part(inner, false);
            }
            DurationKind::Paren(inner) => self.duration_part(inner, false),
            DurationKind::Binary(_, operands) => {
                self.duration_part(&operands.0, false);
                self.duration_part(&operands.1, false);
            }
            DurationKind::Min(operands) | DurationKind::Max(operands) => {
                self.empty_call(duration.span);
                self.duration_part(&operands.0, false);
                self.duration_part(&operands.1, false);
            }
        }
    }

    /// The tokens in their new order.
    fn finish(self) -> Vec<Token> {
        let Self { tokens, moved, dropped, added } = self;
        let place = |(at, token): (usize, Token)| ((moved[at].unwrap_or(at), moved[at].map_or(0, |_| at)), at, token);
        let kept = tokens.into_iter().enumerate().filter(|(at, _)| !dropped[*at]).map(place);
        let mut all: Vec<_> = kept.chain(added.into_iter().map(place)).collect();
        // The sort is stable, so that added tokens come after the one that they are added to.
        all.sort_by_key(|(place, at, _)| (*place, *at));
        let mut tokens: Vec<Token> = all.into_iter().map(|(.., token)| token).collect();
        // The moves may have put other tokens beside commas.
        move_comments(&mut tokens);
        let ends_list = |next: &Token| matches!(&*next.text, ")" | "}" | "}}");
        let mut next = tokens.iter().skip(1).map(ends_list).collect::<Vec<_>>().into_iter();
        tokens.retain(|token| !(next.next() == Some(true) && token.text == "," && token.trailing.is_none()));
        tokens
    }
}

/// Moves comments before a comma behind it, or to the lines after it.
fn move_comments(tokens: &mut [Token]) {
    for at in 1..tokens.len() {
        if let [before, comma, after, ..] = &mut tokens[at - 1..]
            && comma.text == ","
        {
            after.leading.splice(..0, comma.leading.drain(..));
            if comma.trailing.is_none() {
                comma.trailing = before.trailing.take();
            }
        }
    }
}

fn is_number(text: &str) -> bool {
    !text.ends_with(|c: char| c.is_ascii_alphabetic())
}

fn span_of(grouping: &Grouping<'_>) -> Span {
    grouping.parens.map_or(grouping.keyword_span, |parens| grouping.keyword_span.to(parens))
}
