//! Checks types, and everything else that Prometheus checks after parsing (`checkAST` in `promql/parser/parse.go`).
//!
//! All errors are reported. If an error makes the type of an expression unknown, no further errors follow from it.

use super::ast::{Aggregate, Binary, Call, Expr, ExprKind, MatcherItem, Number, Selector, Subquery, Unary};
use super::counter_functions::{apply_to_selectors, gauge_counterpart, is_counter_function};
use super::functions::{Function, ResultType};
use super::{Syntax, report};
use crate::sorted::SortedMap;
use crate::vec_ext::IntoVec;
use crate::{Code, Diagnostic, Span};

/// The type of an expression; `None` if an error inside it, which has been reported, makes it unknown.
type Type = Option<ResultType>;

struct Checker<'t, 'd> {
    text: &'t str,
    syntax: Syntax,
    diagnostics: &'d mut Vec<Diagnostic>,
    /// The invalid regular expressions that the parser has found, in order.
    broken_regexes: Vec<u32>,
}

pub(super) fn check(text: &str, syntax: Syntax, expr: &Expr<'_>, diagnostics: &mut Vec<Diagnostic>) {
    let broken_regexes = diagnostics.iter().map(|diagnostic| diagnostic.span.start).into_vec();
    Checker { text, syntax, diagnostics, broken_regexes }.expr(expr);
}

impl<'t> Checker<'t, '_> {
    fn expr(&mut self, expr: &Expr<'_>) -> Type {
        match &expr.kind {
            ExprKind::Number(_) | ExprKind::String(_) => Some(expr.ty()),
            ExprKind::Selector(selector) => {
                self.selector(selector, true);
                Some(expr.ty())
            }
            ExprKind::Paren(inner) => self.expr(inner),
            ExprKind::Unary(unary) => self.unary(unary, expr.span),
            ExprKind::Subquery(subquery) => {
                self.subquery(subquery);
                Some(ResultType::RangeVector)
            }
            ExprKind::Call(call) => self.call(call, expr.span),
            ExprKind::Aggregate(aggregate) => {
                self.aggregate(aggregate);
                Some(ResultType::InstantVector)
            }
            ExprKind::Binary(binary) => self.binary(binary),
        }
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    fn slice(&self, span: Span) -> &'t str {
        &self.text[span.range()]
    }

    // ---- selectors ------------------------------------------------------------------------------------------------

    fn selector(&mut self, selector: &Selector<'_>, must_select: bool) {
        let is_name = |item: &&MatcherItem<'_>| match item {
            MatcherItem::Matcher(matcher) => matcher.label.name == "__name__",
            MatcherItem::Name(_) => true,
            MatcherItem::Labels(_) => false,
        };
        if let Some(name) = &selector.name {
            if let Some(second) = selector.items().iter().find(is_name) {
                self.report(
                    Diagnostic::new(Code::Syntax, second.span(), "metric name set twice")
                        .label("a second name")
                        .secondary(name.span, "named here"),
                );
            }
            return;
        }
        let selects = |item: &MatcherItem<'_>| match item {
            MatcherItem::Matcher(matcher) => !matcher.matches_empty(),
            MatcherItem::Name(name) => !name.value.is_empty(),
            MatcherItem::Labels(_) => false,
        };
        // It is unknown what an invalid regular expression, which has been reported, would match.
        let next = self.broken_regexes.partition_point(|start| *start < selector.span.start);
        let broken = self.broken_regexes.get(next).is_some_and(|start| *start < selector.span.end);
        if !must_select || broken || selector.items().iter().any(selects) {
            return;
        }
        let diagnostic = Diagnostic::new(Code::EmptySelector, selector.span, "selector that selects every series");
        let diagnostic = if selector.has_labels_hole() {
            diagnostic
                .label("without filters from the caller nothing narrows this down")
                .write(selector.span, format!("{{metric_name}}{}", self.slice(selector.span)))
        } else if selector.items().is_empty() {
            diagnostic.label("neither a name nor a matcher")
        } else {
            diagnostic.label("every matcher also matches series without the label")
        };
        self.report(
            diagnostic.note("a selector needs a metric name or a matcher that does not match the empty string"),
        );
    }

    // ---- types ----------------------------------------------------------------------------------------------------

    fn unary(&mut self, unary: &Unary<'_>, span: Span) -> Type {
        let ty = self.expr(&unary.expr)?;
        if matches!(ty, ResultType::Scalar | ResultType::InstantVector) {
            return Some(ty);
        }
        let sign = unary.op.as_str();
        self.report(
            Diagnostic::new(Code::TypeMismatch, unary.expr.span, format!("`{sign}` before {}", ty.with_article()))
                .label(format!("this is {}", ty.with_article()))
                .secondary(Span::new(span.start, unary.op_span.end), "takes a scalar or an instant vector"),
        );
        None
    }

    fn subquery(&mut self, subquery: &Subquery<'_>) {
        let ty = self.expr(&subquery.expr);
        if let Some(ty) = ty.filter(|ty| *ty != ResultType::InstantVector) {
            let diagnostic =
                Diagnostic::new(Code::TypeMismatch, subquery.expr.span, "a subquery takes an instant vector")
                    .label(format!("this is {}", ty.with_article()))
                    .secondary(subquery.brackets, "required by this subquery");
            self.report(self.with_conversion(diagnostic, &subquery.expr, ty, ResultType::InstantVector));
        }
    }

    fn call(&mut self, call: &Call<'_>, span: Span) -> Type {
        let Some(function) = call.function else {
            let unknown = report::unknown_function(call.name, call.name_span, false);
            // `a(5m)`.
            self.report(match call.args.as_slice() {
                [arg] if matches!(&arg.kind, ExprKind::Number(number) if number.duration) => {
                    unknown.help(format!("write `{}[{}]` for a range", call.name, self.slice(arg.span)))
                }
                [arg] => match report::equivalent_of(call.name, arg, self.slice(arg.span)) {
                    // The note has the same with `x`, and says what `1h` stands for.
                    Some(text) if !text.contains("[1h:]") => Diagnostic { note: None, ..unknown.write(span, text) },
                    Some(text) => unknown.write(span, text),
                    None => unknown,
                },
                _ => unknown,
            });
            for arg in &call.args {
                self.expr(arg);
            }
            return None;
        };
        if function.experimental && !self.syntax.features.experimental_functions {
            let subject = format!("`{}`", call.name);
            self.report(report::experimental(&subject, call.name_span, "promql-experimental-functions"));
        }
        let count = call.args.len();
        let count_is_wrong =
            count < function.min_args as usize || (function.max_args != u8::MAX && count > function.max_args as usize);
        if count_is_wrong {
            let diagnostic = argument_count(call, function);
            self.report(Diagnostic { help: self.joined_arguments(call, function), ..diagnostic });
        }
        // The types of the first two arguments, for arguments in the wrong order.
        let mut types = [None; 2];
        let found = self.diagnostics.len();
        for (index, arg) in call.args.iter().enumerate() {
            let ty = if index == 1 && function.name == "info" { self.info_selector(arg) } else { self.expr(arg) };
            if let Some(place) = types.get_mut(index) {
                *place = ty;
            }
            let (Some(ty), Some(wanted)) = (ty, function.arg_type(index)) else { continue };
            if ty != wanted && !count_is_wrong {
                self.argument(call.name, call.name_span, "call", arg, ty, wanted);
            }
        }
        if self.diagnostics.len() == found + 2 {
            self.swapped_arguments(call, function, types, found);
        }
        // The call itself may be the mistake: `rate(vector(x[5m]))`.
        let faulty = count_is_wrong || self.diagnostics.len() > found;
        (!faulty).then_some(function.returns)
    }

    /// The text to write for `rate(x, 5m)` or `quantile(0,9, x)`.
    #[cold]
    fn joined_arguments(&self, call: &Call<'_>, function: &Function) -> Option<String> {
        let (name, is_number) = (call.name, |arg: &Expr<'_>| matches!(&arg.kind, ExprKind::Number(it) if !it.duration));
        match call.args.as_slice() {
            [arg, range] if function.args == [ResultType::RangeVector] && arg.ty() == ResultType::InstantVector => {
                let ExprKind::Number(Number { duration: true, .. }) = &range.kind else { return None };
                let range = format!("[{}]", self.slice(range.span));
                match &arg.kind {
                    ExprKind::Selector(_) => Some(format!("write `{name}({}{range})`", self.slice(arg.span))),
                    _ if is_counter_function(name) => {
                        apply_to_selectors(self.text, arg, name, &range).map(|right| format!("write `{right}`"))
                    }
                    _ => Some(format!("write `{name}({}{}:])`", self.slice(arg.span), range.trim_end_matches(']'))),
                }
            }
            [whole, part, rest @ ..]
                if is_number(whole)
                    && is_number(part)
                    && rest.len() + 1 == function.max_args as usize
                    && function.args.first() == Some(&ResultType::Scalar)
                    && part.span.start == whole.span.end + 1 =>
            {
                let rest = self.slice(Span::new(part.span.end, call.parens.end));
                Some(format!("write `{name}({}.{}{rest}`", self.slice(whole.span), self.slice(part.span)))
            }
            _ => None,
        }
    }

    /// The second argument of `info`: matchers alone.
    fn info_selector(&mut self, arg: &Expr<'_>) -> Type {
        let ExprKind::Selector(selector) = &arg.kind else {
            let ty = self.expr(arg)?;
            if ty == ResultType::InstantVector {
                self.report(
                    Diagnostic::new(Code::TypeMismatch, arg.span, "`info` takes matchers as its second argument")
                        .label("this is an expression"),
                );
                return None;
            }
            return Some(ty);
        };
        self.selector(selector, false);
        if let Some(name) = &selector.name {
            self.report(
                Diagnostic::new(Code::TypeMismatch, name.span, "`info` takes matchers as its second argument")
                    .label("a metric name cannot stand here"),
            );
            return None;
        }
        Some(arg.ty())
    }

    fn aggregate(&mut self, aggregate: &Aggregate<'_>) {
        let op = aggregate.op;
        if op.is_experimental() && !self.syntax.features.experimental_functions {
            let subject = format!("`{}`", op.as_str());
            self.report(report::experimental(&subject, aggregate.op_span, "promql-experimental-functions"));
        }
        let param = aggregate.param.as_ref().map(|param| (param, self.expr(param)));
        let ty = self.expr(&aggregate.expr);
        let name = self.slice(aggregate.op_span);
        if let (Some((param, Some(param_ty))), Some(wanted)) = (param, op.param_type()) {
            if param_ty == ResultType::InstantVector && ty == Some(wanted) {
                let source = (self.slice(aggregate.expr.span), self.slice(param.span), "");
                self.report(wrong_order(
                    name,
                    param.span.to(aggregate.expr.span),
                    aggregate.op_span,
                    "aggregation",
                    source,
                ));
                return;
            }
            if param_ty != wanted {
                self.argument(name, aggregate.op_span, "aggregation", param, param_ty, wanted);
            }
        }
        if let Some(ty) = ty.filter(|ty| *ty != ResultType::InstantVector) {
            self.argument(name, aggregate.op_span, "aggregation", &aggregate.expr, ty, ResultType::InstantVector);
        }
    }

    /// Reports an argument of the wrong type.
    #[cold]
    fn argument(
        &mut self,
        name: &str,
        name_span: Span,
        what: &str,
        arg: &Expr<'_>,
        ty: ResultType,
        wanted: ResultType,
    ) {
        let diagnostic =
            Diagnostic::new(Code::TypeMismatch, arg.span, format!("`{name}` takes {}", wanted.with_article()))
                .label(format!("this is {}", ty.with_article()))
                .secondary(name_span, format!("required by this {what}"));
        let window = if self.syntax.template { "[{window}]" } else { "[5m]" };
        let rewritten = (is_counter_function(name) && ty == ResultType::InstantVector && !is_selector(arg))
            .then(|| apply_to_selectors(self.text, arg, name, window).or_else(|| self.of_count(name, arg)))
            .flatten();
        self.report(match rewritten {
            Some(right) => diagnostic.help(format!("write `{right}`")),
            None => self.with_conversion(diagnostic, arg, ty, wanted),
        });
    }

    /// The text to write for `rate(count(x))`, since a count goes up and down.
    fn of_count(&self, name: &str, arg: &Expr<'_>) -> Option<String> {
        let ExprKind::Aggregate(_) = &arg.kind else { return None };
        let window = if self.syntax.template { "{window}" } else { "5m" };
        Some(format!("{}({}[{window}:])", gauge_counterpart(name)?, self.slice(arg.span)))
    }

    /// Replaces the last two findings by one if the first two arguments have each other's type.
    fn swapped_arguments(&mut self, call: &Call<'_>, function: &Function, types: [Type; 2], found: usize) {
        let [first, second, ..] = call.args.as_slice() else { return };
        let wanted = [function.arg_type(1), function.arg_type(0)];
        if types == wanted && types[0] != types[1] {
            self.diagnostics.truncate(found);
            let rest = self.slice(Span::new(second.span.end, call.parens.end - 1));
            let right = (self.slice(second.span), self.slice(first.span), rest);
            self.report(wrong_order(call.name, first.span.to(second.span), call.name_span, "call", right));
        }
    }

    /// Adds a help that converts one type to another.
    fn with_conversion(
        &self,
        diagnostic: Diagnostic,
        expr: &Expr<'_>,
        ty: ResultType,
        wanted: ResultType,
    ) -> Diagnostic {
        let source = self.slice(expr.span);
        let window = if self.syntax.template { "{window}" } else { "5m" };
        match (ty, wanted) {
            (ResultType::InstantVector, ResultType::RangeVector) => match &expr.kind {
                ExprKind::Selector(selector) => {
                    let core = self.slice(selector.span);
                    let modifiers = &self.text[selector.span.end as usize..expr.span.end as usize];
                    diagnostic.help(format!("select a range: `{core}[{window}]{modifiers}`"))
                }
                ExprKind::Binary(_) | ExprKind::Unary(_) => {
                    diagnostic.help(format!("write a subquery: `({source})[{window}:]`"))
                }
                _ => diagnostic.help(format!("write a subquery: `{source}[{window}:]`")),
            },
            (ResultType::RangeVector, ResultType::InstantVector) => match &expr.kind {
                ExprKind::Selector(selector) => {
                    let core = self.slice(selector.span);
                    diagnostic.help(format!(
                        "write `{core}` for its current value, or apply a function such as `rate({source})`"
                    ))
                }
                _ => diagnostic.help(format!("apply a function such as `max_over_time({source})`")),
            },
            (ResultType::InstantVector, ResultType::Scalar) => diagnostic.help(format!("write `scalar({source})`")),
            (ResultType::Scalar, ResultType::InstantVector) => diagnostic.help(format!("write `vector({source})`")),
            (ResultType::String, ResultType::Scalar) => match &expr.kind {
                ExprKind::String(text) if text.value.parse::<f64>().is_ok() => {
                    diagnostic.help(format!("write `{}`", text.value))
                }
                _ => diagnostic,
            },
            (ResultType::InstantVector, ResultType::String) => match &expr.kind {
                ExprKind::Selector(selector) if selector.braces.is_none() && selector.modifiers.is_empty() => {
                    diagnostic.help(format!("write `\"{source}\"`"))
                }
                _ => diagnostic,
            },
            _ => diagnostic,
        }
    }

    // ---- binary operators -----------------------------------------------------------------------------------------

    fn binary(&mut self, binary: &Binary<'_>) -> Type {
        let (lhs, rhs) = (self.expr(&binary.lhs), self.expr(&binary.rhs));
        if let (Some(lhs), Some(rhs)) = (lhs, rhs) {
            let vectors = lhs == ResultType::InstantVector && rhs == ResultType::InstantVector;
            let plain = binary.bool_span.is_none() && binary.group.is_none() && binary.fill.is_empty();
            if vectors && plain {
                return Some(ResultType::InstantVector);
            }
        }
        self.operands_with_modifiers(binary, lhs, rhs)
    }

    /// Operators other than those between two instant vectors without modifiers.
    fn operands_with_modifiers(&mut self, binary: &Binary<'_>, lhs: Type, rhs: Type) -> Type {
        let op = binary.op;
        let word = op.as_str();
        if let Some(span) = binary.bool_span.filter(|_| !op.is_comparison()) {
            self.report(
                Diagnostic::new(Code::Syntax, span, format!("`bool` after `{word}`"))
                    .label("only comparisons such as `>` can return 0 or 1")
                    .secondary(binary.op_span, "no comparison"),
            );
        }
        self.label_in_both(binary);
        let mut valid = true;
        for (operand, ty) in [(&binary.lhs, lhs), (&binary.rhs, rhs)] {
            let Some(ty @ (ResultType::RangeVector | ResultType::String)) = ty else { continue };
            let diagnostic = Diagnostic::new(
                Code::TypeMismatch,
                operand.span,
                format!("`{word}` takes scalars and instant vectors"),
            )
            .label(format!("this is {}", ty.with_article()))
            .secondary(binary.op_span, "required by this operator");
            self.report(self.with_conversion(diagnostic, operand, ty, ResultType::InstantVector));
            valid = false;
        }
        let (Some(lhs), Some(rhs), true) = (lhs, rhs, valid) else { return None };
        let both_vectors = lhs == ResultType::InstantVector && rhs == ResultType::InstantVector;
        if op.is_set() {
            self.set_operator(binary, lhs, rhs);
        } else if !both_vectors {
            self.scalar_operands(binary, lhs, rhs);
        }
        let both_scalars = lhs == ResultType::Scalar && rhs == ResultType::Scalar;
        Some(if both_scalars { ResultType::Scalar } else { ResultType::InstantVector })
    }

    fn label_in_both(&mut self, binary: &Binary<'_>) {
        let (Some(matching), Some(group)) = (&binary.matching, &binary.group) else { return };
        if matching.keyword != super::ast::GroupingKeyword::On {
            return;
        }
        let mut matched = SortedMap::default();
        for label in &matching.labels() {
            matched.insert_new(&*label.name, label.span);
        }
        for label in &group.labels() {
            if let Some(first) = matched.get(&*label.name) {
                self.report(
                    Diagnostic::new(
                        Code::Syntax,
                        label.span,
                        format!("label `{}` both in `on` and in `{}`", label.name, group.keyword.as_str()),
                    )
                    .label("equal on both sides, so there is nothing to copy")
                    .secondary(*first, "matched on here"),
                );
            }
        }
    }

    fn set_operator(&mut self, binary: &Binary<'_>, lhs: ResultType, rhs: ResultType) {
        let word = binary.op.as_str();
        let mut scalars =
            [(&binary.lhs, lhs), (&binary.rhs, rhs)].into_iter().filter(|(_, ty)| *ty != ResultType::InstantVector);
        if let Some((operand, ty)) = scalars.next() {
            let source = self.slice(operand.span);
            let diagnostic =
                Diagnostic::new(Code::TypeMismatch, operand.span, format!("`{word}` takes instant vectors"))
                    .label(format!("this is {}", ty.with_article()))
                    .secondary(binary.op_span, "required by this operator");
            self.report(match scalars.next() {
                Some((operand, ty)) => {
                    diagnostic.secondary(operand.span, format!("this is {}, too", ty.with_article()))
                }
                None => diagnostic.help(format!("write `vector({source})`")),
            });
        }
        if let Some(group) = &binary.group {
            let keyword = group.keyword.as_str();
            self.report(
                Diagnostic::new(Code::Syntax, group.keyword_span, format!("`{keyword}` after `{word}`"))
                    .label("only arithmetic and comparisons match many to one")
                    .secondary(binary.op_span, "matches many to many already"),
            );
        }
        if let Some(fill) = binary.fill.first() {
            self.report(
                Diagnostic::new(Code::Syntax, fill.span, format!("fill modifier after `{word}`"))
                    .label("set operators compute nothing to fill in"),
            );
        }
    }

    /// Errors in arithmetic and comparisons with a scalar on one side.
    fn scalar_operands(&mut self, binary: &Binary<'_>, lhs: ResultType, rhs: ResultType) {
        let op = binary.op;
        if op.is_comparison() && binary.bool_span.is_none() && lhs == rhs {
            let word = op.as_str();
            self.report(
                Diagnostic::new(Code::TypeMismatch, binary.op_span, "comparison of scalars without `bool`")
                    .label("scalars cannot be filtered")
                    .help(format!("write `{word} bool`")),
            );
        }
        let scalar = if lhs == ResultType::Scalar { &binary.lhs } else { &binary.rhs };
        let matching = binary.matching.as_ref().filter(|matching| !matching.items.is_empty());
        let modifier =
            matching.map(|matching| (matching.span(), format!("`{}` with a scalar", matching.keyword.as_str())));
        let fill = binary.fill.first().map(|fill| (fill.span, "fill modifier with a scalar".to_owned()));
        for (span, title) in modifier.into_iter().chain(fill) {
            self.report(
                Diagnostic::new(Code::TypeMismatch, span, title)
                    .label("only instant vectors are matched")
                    .secondary(scalar.span, "this is a scalar"),
            );
        }
    }
}

fn is_selector(expr: &Expr<'_>) -> bool {
    matches!(expr.kind, ExprKind::Selector(_))
}

fn argument_count(call: &Call<'_>, function: &Function) -> Diagnostic {
    let (min, max, given) = (function.min_args, function.max_args, call.args.len());
    let plural = |count: u8| if count == 1 { "argument" } else { "arguments" };
    let wanted = match (min, max) {
        (0, 0) => "no arguments".to_owned(),
        (_, u8::MAX) => format!("at least {min} {}", plural(min)),
        _ if min == max => format!("{min} {}", plural(min)),
        _ if given > max as usize => format!("at most {max} {}", plural(max)),
        _ => format!("at least {min} {}", plural(min)),
    };
    let types: Vec<_> = function
        .args
        .iter()
        .enumerate()
        .map(|(index, ty)| {
            let name = match ty {
                ResultType::Scalar => "scalar",
                ResultType::InstantVector => "instant vector",
                ResultType::RangeVector => "range vector",
                ResultType::String => "string",
            };
            if index >= min as usize { format!("[{name}]") } else { name.to_owned() }
        })
        .into_vec();
    let more = if max == u8::MAX || max as usize > function.args.len() { ", ..." } else { "" };
    Diagnostic::new(Code::ArgumentCount, call.parens, format!("`{}` takes {wanted}, not {given}", function.name))
        .label(match given {
            0 => "no arguments".to_owned(),
            1 => "1 argument".to_owned(),
            _ => format!("{given} arguments"),
        })
        .secondary(call.name_span, "required by this call")
        .note(format!("`{}({}{more})`", function.name, types.join(", ")))
}

fn wrong_order(name: &str, span: Span, name_span: Span, what: &str, source: (&str, &str, &str)) -> Diagnostic {
    Diagnostic::new(Code::TypeMismatch, span, format!("arguments of `{name}` in the wrong order"))
        .label("these fit the other way round")
        .secondary(name_span, format!("required by this {what}"))
        .help(format!("write `{name}({}, {}{})`", source.0, source.1, source.2))
}
