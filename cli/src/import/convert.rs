//! From a query to a template: `{labels}` in each selector, `{group_by}` on request, and the usual layout.

use std::collections::{BTreeMap, BTreeSet};

use promql_presets_compiler::Span;
use promql_presets_compiler::promql::{
    Aggregator, Binary, BinaryOp, Expr, ExprKind, Features, Grouping, GroupingItem, GroupingKeyword, MatcherItem,
    Selector, Syntax, parse,
};

use promql_presets_core::{MatchOp, PromDuration};

use super::filters::{Filters, Matcher};
use super::variables::{self, Parameter, Refusal, Replaced};
use super::{Language, Options, Query, Uses, Variable};
use crate::fmt;

/// A query as a template.
#[derive(Debug, Default)]
pub(super) struct Converted {
    pub(super) text: String,
    /// The default of `{window}`, if the template has it.
    pub(super) window: Option<String>,
    /// The parameters that it takes.
    pub(super) parameters: BTreeMap<String, Parameter>,
    /// The labels that callers filtered on, or grouped by.
    pub(super) labels: BTreeMap<String, Uses>,
    /// Whether it needs experimental features.
    pub(super) is_experimental: bool,
    /// Notes about differences from the query.
    pub(super) notes: Vec<String>,
}

/// Converts a query. Variables that stand for a part of the language, or for a metric, become their values.
///
/// # Errors
/// Why it cannot be converted.
pub(super) fn convert(
    query: &Query,
    variables: &BTreeMap<String, Variable>,
    options: Options,
) -> Result<Converted, String> {
    if let Some(reason) = &query.refused {
        return Err(reason.clone());
    }
    let (mut variables, mut notes) = (variables.clone(), Vec::new());
    loop {
        match with_values(query, &variables, options) {
            Ok(mut converted) => {
                converted.notes.splice(..0, query.notes.iter().cloned().chain(notes));
                return Ok(converted);
            }
            Err(Refusal { reason, variable }) => {
                let written = variable.unwrap_or_default();
                let Some(note) = variables::fix(&written, &mut variables) else { return Err(reason) };
                notes.push(note);
            }
        }
    }
}

fn with_values(query: &Query, variables: &BTreeMap<String, Variable>, options: Options) -> Result<Converted, Refusal> {
    let replaced = match query.language {
        Language::Grafana => variables::replace(&query.expr, variables, options.fixed)?,
        Language::Promql => plain(query.expr.replace('{', "{{").replace('}', "}}")),
        Language::Braces => plain(query.expr.clone()),
        Language::DollarBraces => plain(dollar_braces(&query.expr)),
    };
    let parsed = parse(&replaced.text, Syntax::TEMPLATE);
    let is_experimental = !parsed.diagnostics.is_empty();
    let syntax = Syntax { template: true, features: if is_experimental { Features::all() } else { Features::none() } };
    let parsed = parse(&replaced.text, syntax);
    let expr = match (parsed.expr, parsed.diagnostics.first()) {
        (Some(expr), None) => expr,
        (_, first) => return Err(unparsed(&replaced, first.map_or("", |first| &first.title)).into()),
    };
    let converted = Converted { parameters: replaced.parameters.clone(), ..Converted::default() };
    let (found, filters) = Default::default();
    let mut edits = Edits { replaced: &replaced, variables, options, found, filters, converted };
    edits.expr(&expr, false)?;
    let Edits { mut found, filters, mut converted, .. } = edits;
    converted.notes.extend(filters.notes(|variable| variables::has_value(variable, variables))?);
    found.sort_by_key(|(span, _)| *span);
    converted.text.clone_from(&replaced.text);
    for (span, text) in found.iter().rev() {
        converted.text.replace_range(span.range(), text);
    }
    if Replaced::has_stand_in(&converted.text) {
        return Err(format!("the variable {} outside of a matcher", written(&replaced)).into());
    }
    converted.text = fmt::template(&converted.text).unwrap_or(converted.text);
    converted.is_experimental = is_experimental;
    if converted.text.contains("{window}") {
        let is_duration = |window: &String| window.parse::<PromDuration>().is_ok_and(|it| it != PromDuration::ZERO);
        let default = replaced.window.clone().unwrap_or_else(|| variables::WINDOW.to_owned());
        if let Some(wrong) = query.window.as_ref().filter(|window| !is_duration(window)) {
            converted.notes.push(format!("the window became `{default}`: `{wrong}` is not a duration"));
        } else if query.window.is_none() && replaced.window.is_none() {
            converted.notes.push(format!("the window became `{default}`: the preset has none"));
        }
        converted.window = Some(query.window.clone().filter(is_duration).unwrap_or(default));
    }
    converted.notes.splice(..0, replaced.notes);
    let mut seen = BTreeSet::new();
    converted.notes.retain(|note| seen.insert(note.clone()));
    Ok(converted)
}

/// Whether callers cannot filter on a label or group by it.
fn is_reserved(label: &str) -> bool {
    matches!(label, "le" | "quantile")
}

fn plain(text: String) -> Replaced {
    Replaced { text, ..Replaced::default() }
}

/// A template whose placeholders are `${{labels}}`.
fn dollar_braces(text: &str) -> String {
    let mut out = String::new();
    for (at, part) in text.split("${{").enumerate() {
        let (name, rest) = part.split_once("}}").filter(|_| at > 0).unwrap_or(("", part));
        if at > 0 {
            out.extend(["{", name.trim(), "}"]);
        }
        out.push_str(&rest.replace('{', "{{").replace('}', "}}"));
    }
    out
}

/// Why a query with these variables is not PromQL.
fn unparsed(replaced: &Replaced, title: &str) -> String {
    let title = replaced.restore(title);
    if replaced.stand_ins.is_empty() {
        return format!("not PromQL: {title}");
    }
    format!("not PromQL with {} in it: {title}", written(replaced))
}

/// The variables of a query, in words.
fn written(replaced: &Replaced) -> String {
    let names: BTreeSet<String> = replaced.stand_ins.iter().map(|name| format!("`{name}`")).collect();
    names.into_iter().collect::<Vec<_>>().join(", ")
}

/// Series of one side of a match.
struct Side {
    /// The labels that they are grouped by, if these are all that they have.
    labels: Option<BTreeSet<String>>,
    /// Whether `{group_by}` would replace them.
    is_open: bool,
}

fn add_sides(expr: &Expr<'_>, sides: &mut Vec<Side>) {
    match &expr.kind {
        ExprKind::Number(_) | ExprKind::String(_) => {}
        ExprKind::Selector(_) => sides.push(Side { labels: None, is_open: false }),
        ExprKind::Subquery(subquery) => add_sides(&subquery.expr, sides),
        ExprKind::Unary(unary) => add_sides(&unary.expr, sides),
        ExprKind::Paren(inner) => add_sides(inner, sides),
        ExprKind::Call(call) => call.args.iter().for_each(|argument| add_sides(argument, sides)),
        ExprKind::Binary(binary) => {
            add_sides(&binary.lhs, sides);
            add_sides(&binary.rhs, sides);
        }
        ExprKind::Aggregate(aggregate) => sides.push(match &aggregate.grouping {
            Some(grouping) if grouping.keyword == GroupingKeyword::By => {
                Side { labels: Some(free_labels(grouping)), is_open: true }
            }
            Some(_) => Side { labels: None, is_open: false },
            None => Side { labels: Some(BTreeSet::new()), is_open: false },
        }),
    }
}

/// The labels of a list that callers may group by.
fn free_labels(grouping: &Grouping<'_>) -> BTreeSet<String> {
    grouping.labels().into_iter().map(|label| label.name.to_string()).filter(|name| !is_reserved(name)).collect()
}

struct Edits<'r> {
    replaced: &'r Replaced,
    variables: &'r BTreeMap<String, Variable>,
    options: Options,
    found: Vec<(Span, String)>,
    filters: Filters,
    converted: Converted,
}

impl Edits<'_> {
    fn text(&self, span: Span) -> &str {
        &self.replaced.text[span.range()]
    }

    fn has_stand_in(&self, span: Span) -> bool {
        Replaced::has_stand_in(self.text(span))
    }

    /// `is_inner`: whether the expression is inside an aggregation.
    fn expr(&mut self, expr: &Expr<'_>, is_inner: bool) -> Result<(), Refusal> {
        match &expr.kind {
            ExprKind::Number(_) | ExprKind::String(_) => Ok(()),
            ExprKind::Selector(selector) => self.selector(selector),
            ExprKind::Subquery(subquery) => self.expr(&subquery.expr, is_inner),
            ExprKind::Unary(unary) => self.expr(&unary.expr, is_inner),
            ExprKind::Paren(inner) => self.expr(inner, is_inner),
            ExprKind::Call(call) => {
                if matches!(call.name, "histogram_quantile" | "quantile_over_time") {
                    self.limit(call.args.first(), Parameter::limit_to_quantiles);
                }
                call.args.iter().try_for_each(|argument| self.expr(argument, is_inner))
            }
            ExprKind::Binary(binary) => {
                binary.matching.iter().chain(&binary.group).try_for_each(|grouping| self.matching(grouping))?;
                if self.options.group_by && !is_inner {
                    self.open_matching(binary)?;
                }
                if matches!(binary.op, BinaryOp::Div | BinaryOp::Mod) {
                    self.limit(Some(&binary.rhs), Parameter::limit_to_divisors);
                }
                self.expr(&binary.lhs, is_inner)?;
                self.expr(&binary.rhs, is_inner)
            }
            ExprKind::Aggregate(aggregate) => {
                if let Some(grouping) = &aggregate.grouping {
                    let is_open = self.options.group_by && !is_inner && grouping.keyword == GroupingKeyword::By;
                    self.grouping(grouping, is_open);
                }
                let limit = match aggregate.op {
                    Aggregator::Quantile => Parameter::limit_to_quantiles,
                    _ => Parameter::limit_to_counts,
                };
                self.limit(aggregate.param.as_ref(), limit);
                aggregate.param.iter().chain([&aggregate.expr]).try_for_each(|operand| self.expr(operand, true))
            }
        }
    }

    /// The reason that the file has no value for the variable in a part of the query.
    fn unknown(&self, text: &str, what: &str) -> Refusal {
        let written = self.replaced.restore(text);
        let reason = format!("`{written}` stands for {what}, and its variable has no value in the file");
        Refusal { reason, variable: self.replaced.variable(text) }
    }

    /// Limits the values of a parameter, if an operand is one.
    fn limit(&mut self, operand: Option<&Expr<'_>>, limit: fn(&mut Parameter)) {
        let text = operand.map_or("", |operand| &self.replaced.text[operand.span.range()]);
        let name = text.trim_matches(['{', '}']);
        self.converted.parameters.get_mut(name).into_iter().for_each(limit);
    }

    /// Replaces matchers on variables by `{labels}`, which each selector gets.
    fn selector(&mut self, selector: &Selector<'_>) -> Result<(), Refusal> {
        if let Some(name) = selector.name.as_ref().filter(|name| self.has_stand_in(name.span)) {
            let written = self.replaced.restore(name.text);
            let is_whole = self.replaced.stand_ins.contains(&written);
            let is_metric = selector.braces.is_some() || selector.range.is_some() || !is_whole;
            let what = if is_metric { "a metric" } else { "a number or a metric" };
            return Err(self.unknown(name.text, what));
        }
        self.filters.start(selector.name.as_ref().map(|name| name.text));
        let Some(braces) = &selector.braces else {
            self.found.push((Span::new(selector.span.end, selector.span.end), "{{{labels}}}".to_owned()));
            return Ok(());
        };
        let mut kept = Vec::new();
        for item in &braces.items {
            match item {
                MatcherItem::Labels(_) => {}
                MatcherItem::Name(name) => kept.push(self.text(name.span).to_owned()),
                MatcherItem::Matcher(matcher) => {
                    let span = matcher.label.span.to(matcher.value.span);
                    let name = &*matcher.label.name;
                    let excludes = matches!(matcher.op, MatchOp::NotEqual | MatchOp::NotRegex);
                    if !self.has_stand_in(span) {
                        kept.push(self.text(span).to_owned());
                        if !excludes {
                            self.filters.add(name, None);
                        }
                        continue;
                    }
                    let written = self.replaced.restore(self.text(span));
                    if name == "__name__" {
                        return Err(self.unknown(&matcher.value.value, "a metric"));
                    }
                    let value = self.replaced.restore(&matcher.value.value);
                    let is_whole = self.replaced.stand_ins.contains(&value);
                    if is_reserved(name) {
                        self.converted
                            .notes
                            .push(format!("`{written}` is left out: callers cannot filter on `{name}`"));
                    } else if Replaced::has_stand_in(name) {
                        self.converted.notes.push(format!("`{written}` became filters of the caller"));
                    } else {
                        self.converted.labels.entry(name.to_owned()).or_default().filter = true;
                        if !is_whole && !excludes {
                            self.converted.notes.push(format!("`{written}` became a filter of the caller"));
                        }
                        let variables = self.replaced.variables(&matcher.value.value);
                        self.filters.add(name, Some(Matcher { written, excludes, variables }));
                    }
                }
            }
        }
        kept.push("{labels}".to_owned());
        self.found.push((braces.open.to(braces.close), format!("{{{{{}}}}}", kept.join(","))));
        Ok(())
    }

    /// Refuses variables in `on (...)` and the like: their labels decide which series belong together.
    fn matching(&self, grouping: &Grouping<'_>) -> Result<(), Refusal> {
        let text = grouping.parens.map_or("", |parens| self.text(parens));
        let Some(written) = self.replaced.variable(text) else { return Ok(()) };
        let reason =
            format!("the variable `{written}` stands for labels that series are matched by, or that are copied");
        // `${name:csv}` may be several values, of which only the first is known.
        let is_known = !written.contains(':') && variables::names_labels(&written, self.variables);
        Err(Refusal { reason, variable: Some(written).filter(|_| is_known) })
    }

    /// Matches series by the labels of the caller, if both sides are grouped by those of `on (...)`.
    ///
    /// # Errors
    /// The labels that series are matched by cannot follow the grouping of the caller.
    fn open_matching(&mut self, binary: &Binary<'_>) -> Result<(), Refusal> {
        let Some(matching) = &binary.matching else { return Ok(()) };
        let (mut left, mut right) = (Vec::new(), Vec::new());
        add_sides(&binary.lhs, &mut left);
        add_sides(&binary.rhs, &mut right);
        let opens = |sides: &[Side]| sides.iter().any(|side| side.is_open);
        let is_on = matching.keyword == GroupingKeyword::On;
        let copies = binary.group.as_ref().is_some_and(|group| !group.items.is_empty());
        let labels = Some(free_labels(matching));
        match (opens(&left), opens(&right)) {
            (false, false) => Ok(()),
            (true, true) if is_on && !copies && left.iter().chain(&right).all(|side| side.labels == labels) => {
                self.grouping(matching, true);
                Ok(())
            }
            (true, false) | (false, true) if is_on && !copies && matching.items.is_empty() => Ok(()),
            _ => {
                let span = matching.parens.map_or(matching.keyword_span, |parens| matching.keyword_span.to(parens));
                Err(format!("series are matched `{}`", self.text(span)).into())
            }
        }
    }

    /// `is_open`: whether `{group_by}` replaces the labels, except those of buckets and quantiles.
    fn grouping(&mut self, grouping: &Grouping<'_>, is_open: bool) {
        let is_variable = |item: &GroupingItem<'_>| match item {
            GroupingItem::Label(label) => self.has_stand_in(label.span),
            GroupingItem::GroupBy(_) => false,
        };
        let Some(parens) = grouping.parens.filter(|_| is_open || grouping.items.iter().any(is_variable)) else {
            return;
        };
        let mut kept = Vec::new();
        for item in &grouping.items {
            let GroupingItem::Label(label) = item else { continue };
            if self.has_stand_in(label.span) {
                let written = self.replaced.restore(self.text(label.span));
                match variables::labels(&written, self.variables) {
                    Some(labels) => {
                        for label in labels.iter().filter(|label| !is_reserved(label)) {
                            self.converted.labels.entry(label.clone()).or_default().group_by = true;
                        }
                    }
                    None => self.converted.notes.push(format!(
                        "`{written}` became `{{group_by}}`: its labels are not in the file; add them to `[labels]`"
                    )),
                }
                continue;
            }
            if is_open && !is_reserved(&label.name) {
                self.converted.labels.entry(label.name.to_string()).or_default().group_by = true;
            } else {
                kept.push(self.text(label.span).to_owned());
            }
        }
        kept.push("{group_by}".to_owned());
        self.found.push((parens, format!("({})", kept.join(", "))));
    }
}
