//! Hovering: keys, checks, presets with an example, labels, metrics, functions, and the type of each expression.

use std::fmt::Write as _;

use gen_lsp_types::{Contents, Hover, MarkupContent, MarkupKind, Position};
use promql_presets_compiler::backend::registry::{Label, Module, Preset};
use promql_presets_compiler::promql::{Expr, ExprKind, Features, Function, ResultType, Syntax, parse, tokens};
use promql_presets_compiler::{Code, FileKind, Literal, Span};
use promql_presets_core::{Input, LabelKind, Matcher, ParameterValues, Querier};

use super::completion::PLACEHOLDERS;
use super::symbols::{self, Symbol};
use super::toml::Outline;
use super::workspace::View;
use super::{facts, json_schema};
use crate::functions;

pub(super) fn hover(view: &View<'_>, position: Position) -> Option<Hover> {
    let (text, span) = content(view, view.offset(position))?;
    let contents = Contents::MarkupContent(MarkupContent { kind: MarkupKind::Markdown, value: text });
    Some(Hover { contents, range: Some(view.range(span)) })
}

fn content(view: &View<'_>, offset: u32) -> Option<(String, Span)> {
    let text = &view.source.text;
    let outline = Outline::of(text);
    let found = symbols::at(view, &outline, offset);
    let kind = view.source.kind();
    if let Some(value) = outline.string_at(offset) {
        let literal = value.literal(text)?;
        let path: Vec<&str> = value.path.iter().map(String::as_str).collect();
        return match (kind, &path[..]) {
            (FileKind::Presets, ["presets", _, "template"]) => template(view, &literal, offset),
            (FileKind::Presets, ["presets", _, "allow", "check"]) => Some((check(&literal.text)?, value.span)),
            _ => found.and_then(|it| Some((symbol(view, &it.symbol, it.metric.as_deref())?, it.span))),
        };
    }
    let key = outline.key_at(offset)?;
    let named = found.and_then(|it| symbol(view, &it.symbol, it.metric.as_deref()));
    let of_check = || if kind == FileKind::Settings { check(key.path.get(1)?) } else { None };
    let described = || json_schema::description(kind, &key.path).map(str::to_owned);
    Some((named.or_else(of_check).or_else(described)?, key.span))
}

/// The page of a check.
fn check(code: &str) -> Option<String> {
    Code::find(code).map(|code| code.page().to_owned())
}

fn symbol(view: &View<'_>, symbol: &Symbol, metric: Option<&str>) -> Option<String> {
    let metrics = facts::metrics(view);
    match symbol {
        Symbol::Label(name) => {
            let labels = facts::labels(view, &metrics, metric.unwrap_or("{metric_name}"));
            Some(labels.get(name)?.documentation(name))
        }
        Symbol::Metric(series) => Some(facts::find(&metrics, series)?.documentation()),
        Symbol::Preset(name) => {
            let module = view.module()?;
            Some(preset(module, module.presets.iter().find(|preset| preset.name == *name)?))
        }
        Symbol::Parameter { preset, name } => {
            let preset = view.module()?.presets.iter().find(|it| it.name == *preset)?;
            let parameter = preset.parameters.iter().find(|it| it.name == *name)?;
            let kind = parameter.default.kind().as_str();
            let mut out = format!("`{{{name}}}`: {kind} from {} to {}, ", parameter.min, parameter.max);
            _ = write!(out, "by default {}", parameter.default);
            if let Some(description) = &parameter.description {
                _ = write!(out, "\n\n{description}");
            }
            Some(out)
        }
        Symbol::Key(path) => {
            let name = path.last().map(String::as_str).unwrap_or_default();
            let name = if name == "name" { "metric_name" } else { name };
            placeholder(name)
        }
    }
}

fn placeholder(name: &str) -> Option<String> {
    let (name, about) = PLACEHOLDERS.iter().find(|(known, _)| *known == name)?;
    Some(format!("`{{{name}}}`\n\n{about}"))
}

/// A preset with its type, its labels and a rendered example.
fn preset(module: &Module, preset: &Preset) -> String {
    let mut out = format!("`{}`: {}", module.preset_name(preset), type_name(preset.result));
    if let Some(unit) = &preset.unit {
        _ = write!(out, ", {unit}");
    }
    for text in [&preset.title, &preset.description].into_iter().flatten() {
        _ = write!(out, "\n\n{}", text.trim());
    }
    let labels = preset.row.iter().map(|label| format!("`{}`{}", label.name, if label.is_sure { "" } else { "?" }));
    let labels: Vec<String> = labels.collect();
    if !labels.is_empty() {
        _ = write!(out, "\n\nLabels: {}", labels.join(", "));
    }
    if let Some(example) = example(module, preset) {
        _ = write!(out, "\n\nFor example:\n\n```promql\n{}\n```", example.trim());
    }
    out
}

/// The query for the required labels, or for one label that has no matcher yet if none is required, grouped by another.
fn example(module: &Module, preset: &Preset) -> Option<String> {
    if preset.is_stub {
        return None;
    }
    let declared = module.querier.as_ref().map_or(&[][..], |querier| &querier.labels);
    let has = |text: &str| preset.template.contains(text);
    let is_required = declared.iter().any(|label| label.required);
    let parsed = parse(&preset.template, Syntax { template: true, features: Features::all() });
    let selectors = parsed.expr.as_ref().map(Expr::selectors).unwrap_or_default();
    let has_matcher = |name: &str| {
        selectors.iter().any(|selector| selector.matchers().iter().any(|matcher| matcher.label.name == name))
    };
    let is_wanted = |label: &&Label| if is_required { label.required } else { !has_matcher(&label.name) };
    let filters = declared.iter().filter(|label| label.usage.is_filter()).filter(is_wanted);
    let filters = filters.take(if is_required { usize::MAX } else { 1 }).filter(|_| has("{labels}"));
    let group = declared.iter().rfind(|label| label.usage.is_group_by() && has("{group_by}"));
    let querier = Querier::new(if module.metric.is_none() && has("{metric_name}") { "metric_name" } else { "" });
    let querier = filters.fold(querier, |querier, label| {
        let value = match &label.kind {
            LabelKind::OneOf(values) => values.variants.first().map(|(_, text)| text.clone()).unwrap_or_default(),
            LabelKind::Uuid => {
                let prefix = label.prefix.as_deref().unwrap_or_default();
                format!("{prefix}00000000-0000-0000-0000-000000000000")
            }
            LabelKind::Integer => "1".to_owned(),
            _ => "a".to_owned(),
        };
        querier.matcher(Matcher::equal(label.name.clone(), value))
    });
    let querier = querier.group_by(group.map(|label| label.name.clone()));
    preset.render(module, &Input::of(&querier), None, ParameterValues::DEFAULTS).ok()
}

/// The text for an offset in a template: about a name, a function, or an expression.
fn template(view: &View<'_>, literal: &Literal, offset: u32) -> Option<(String, Span)> {
    let outline = Outline::of(&view.source.text);
    let name = symbols::at(view, &outline, offset);
    let text = &literal.text;
    let at = literal.offset(offset);
    let syntax = Syntax { template: true, features: Features::all() };
    let parsed = parse(text, syntax);
    let here = |span: Span| span.start <= at && at < span.end;
    let tokens = tokens(text, syntax);
    if let Some(token) = tokens.into_iter().find(|token| here(*token) && &text[token.range()] == "{group_by}") {
        return Some((placeholder("group_by")?, literal.locate(token)));
    }
    let mut innermost: Option<&Expr<'_>> = None;
    parsed.expr.as_ref()?.walk(&mut |expr| {
        if here(expr.span) {
            innermost = Some(expr);
        }
    });
    let expr = innermost?;
    let described = name.and_then(|it| Some((symbol(view, &it.symbol, it.metric.as_deref())?, it.span)));
    let function = match &expr.kind {
        ExprKind::Call(call) if here(call.name_span) => {
            let signature = Function::find(call.name).map(functions::signature);
            signature.map(|signature| (signature, functions::documentation(call.name), call.name_span))
        }
        ExprKind::Aggregate(aggregate) if here(aggregate.op_span) => {
            let signature = functions::aggregator_signature(aggregate.op);
            Some((signature, functions::documentation(aggregate.op.as_str()), aggregate.op_span))
        }
        _ => None,
    };
    let (mut out, span) = match (function, described) {
        (Some((signature, about, span)), _) => {
            (format!("```promql\n{signature}\n```\n{}", about.unwrap_or_default()), literal.locate(span))
        }
        (None, Some(described)) => described,
        (None, None) => (String::new(), literal.locate(expr.span)),
    };
    if parsed.diagnostics.is_empty() {
        if !out.is_empty() {
            out.push_str("\n\n");
        }
        out.push_str(&of_expression(view, text, expr));
    }
    (!out.is_empty()).then_some((out, span))
}

/// The type and the labels of an expression.
fn of_expression(view: &View<'_>, text: &str, expr: &Expr<'_>) -> String {
    let mut out = format!("Type: {}", type_name(expr.ty()));
    if matches!(expr.ty(), ResultType::InstantVector | ResultType::RangeVector) {
        _ = write!(out, "  \nLabels: `{}`", view.output_labels(text, expr));
    }
    out
}

fn type_name(kind: ResultType) -> &'static str {
    match kind {
        ResultType::InstantVector => "instant vector",
        ResultType::RangeVector => "range vector",
        other => other.as_str(),
    }
}
