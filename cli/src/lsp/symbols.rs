//! Names in a file: where they occur, where they are declared, and how they are renamed.

use std::collections::HashMap;

use gen_lsp_types::{Location, PrepareRenamePlaceholder, PrepareRenameResult, TextEdit, WorkspaceEdit};
use promql_presets_compiler::promql::{
    Call, Expr, ExprKind, Features, Grouping, Label, MatcherItem, Selector, Syntax, parse, tokens,
};
use promql_presets_compiler::{FileKind, Layer, Literal, Severity, Span};
use promql_presets_core::name::is_classic_label;

use super::completion::PLACEHOLDERS;
use super::facts;
use super::toml::Outline;
use super::workspace::View;

/// The thing that a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Symbol {
    Label(String),
    Preset(String),
    /// A metric, by the name of one of its series.
    Metric(String),
    Parameter {
        preset: String,
        name: String,
    },
    /// The key with this path, for a placeholder other than a parameter.
    Key(Vec<String>),
}

/// A name and its place, without quotes.
#[derive(Debug)]
pub(super) struct Occurrence {
    pub(super) symbol: Symbol,
    pub(super) span: Span,
    /// The metric that a label is of, as a template names it.
    pub(super) metric: Option<String>,
}

/// All names in a file, as far as it is valid.
pub(super) fn occurrences(view: &View<'_>, outline: &Outline) -> Vec<Occurrence> {
    let text = &view.source.text;
    let mut found = Vec::new();
    let new = |symbol, span| Occurrence { symbol, span, metric: None };
    for key in &outline.keys {
        let path: Vec<&str> = key.path.iter().map(String::as_str).collect();
        let (name, span) = (path.last().copied().unwrap_or_default().to_owned(), unquoted(text, key.span));
        match (view.source.kind(), &path[..]) {
            (FileKind::Presets, ["labels", _] | ["presets", _, "tests", "labels", _]) => {
                found.push(new(Symbol::Label(name), span));
            }
            (FileKind::Presets, ["presets", _]) => found.push(new(Symbol::Preset(name), span)),
            (
                FileKind::Presets,
                ["presets", preset, "parameters", _] | ["presets", preset, "tests", "parameters", _],
            ) => {
                found.push(new(Symbol::Parameter { preset: (*preset).to_owned(), name }, span));
            }
            (FileKind::Presets, ["presets", _, "tests", "series" | "expect", _])
                if text[key.span.range()].starts_with(['\'', '"']) =>
            {
                let literal = Literal::read(text, key.span);
                query(view, &literal, "", false, &mut found);
            }
            (FileKind::Metrics, [_]) => found.push(new(Symbol::Metric(name), span)),
            _ => {}
        }
    }
    for value in &outline.values {
        let Some(literal) = value.literal(text) else { continue };
        let path: Vec<&str> = value.path.iter().map(String::as_str).collect();
        let span = unquoted(text, value.span);
        match (view.source.kind(), &path[..]) {
            (FileKind::Presets, ["metric", "name"] | ["presets", _, "tests", "metric_name"]) => {
                found.push(new(Symbol::Metric(literal.text), span));
            }
            (FileKind::Presets, ["presets", _, "tests", "group_by"]) => {
                found.push(new(Symbol::Label(literal.text), span));
            }
            (FileKind::Presets, ["presets", preset, "template"]) => query(view, &literal, preset, true, &mut found),
            _ => {}
        }
    }
    found
}

/// The place of a name without its quotes.
fn unquoted(text: &str, span: Span) -> Span {
    let quotes = u32::from(text[span.range()].starts_with(['\'', '"']) && span.end - span.start > 1);
    Span::new(span.start + quotes, span.end - quotes)
}

/// Adds the names in a template, or in a query.
fn query(view: &View<'_>, literal: &Literal, preset: &str, template: bool, found: &mut Vec<Occurrence>) {
    let syntax = Syntax { template, features: Features::all() };
    let parsed = parse(&literal.text, syntax);
    let Some(expr) = &parsed.expr else { return };
    let mut query = Query { view, literal, found };
    expr.walk(&mut |expr| query.expr(expr));
    for span in tokens(&literal.text, syntax).into_iter().filter(|_| template) {
        query.placeholders(span, preset);
    }
}

/// A template, or a query, whose names are collected.
struct Query<'v> {
    view: &'v View<'v>,
    literal: &'v Literal,
    found: &'v mut Vec<Occurrence>,
}

impl Query<'_> {
    fn add(&mut self, symbol: Symbol, span: Span, metric: Option<&str>) {
        self.found.push(Occurrence { symbol, span: self.literal.locate(span), metric: metric.map(str::to_owned) });
    }

    /// Adds a name that may be in quotes.
    fn add_quoted(&mut self, symbol: Symbol, span: Span, metric: Option<&str>) {
        self.add(symbol, unquoted(&self.literal.text, span), metric);
    }

    fn label(&mut self, label: &Label<'_>, metric: Option<&str>) {
        self.add_quoted(Symbol::Label(label.name.to_string()), label.span, metric);
    }

    /// Adds the names of a node, without those of its operands.
    fn expr(&mut self, expr: &Expr<'_>) {
        match &expr.kind {
            ExprKind::Selector(selector) => self.selector(selector),
            ExprKind::Aggregate(aggregate) => aggregate.grouping.iter().for_each(|it| self.grouping(it)),
            ExprKind::Binary(binary) => {
                binary.matching.iter().chain(&binary.group).for_each(|it| self.grouping(it));
            }
            ExprKind::Call(call) => self.call(call),
            _ => {}
        }
    }

    fn selector(&mut self, selector: &Selector<'_>) {
        let metric = metric(self.view, &self.literal.text, selector);
        if let (Some(name), Some(metric)) = (&selector.name, &metric)
            && name.holes.is_empty()
        {
            self.add(Symbol::Metric(metric.clone()), name.span, None);
        }
        for item in selector.braces.iter().flat_map(|braces| &braces.items) {
            match item {
                MatcherItem::Matcher(matcher) => self.label(&matcher.label, metric.as_deref()),
                MatcherItem::Name(name) => {
                    self.add_quoted(Symbol::Metric(name.value.to_string()), name.span, None);
                }
                MatcherItem::Labels(_) => {}
            }
        }
    }

    fn grouping(&mut self, grouping: &Grouping<'_>) {
        grouping.labels().into_iter().for_each(|label| self.label(label, None));
    }

    /// Adds the labels among the arguments of a call.
    fn call(&mut self, call: &Call<'_>) {
        let is_label = |at: usize| match call.name {
            "label_replace" => at == 1 || at == 3,
            "label_join" => at == 1 || at > 2,
            "sort_by_label" | "sort_by_label_desc" => at > 0,
            _ => false,
        };
        for (_, argument) in call.args.iter().enumerate().filter(|(at, _)| is_label(*at)) {
            if let ExprKind::String(string) = &argument.kind {
                self.add_quoted(Symbol::Label(string.value.to_string()), string.span, None);
            }
        }
    }

    /// Adds the placeholders in a token: a name of a metric may have several.
    fn placeholders(&mut self, token: Span, preset: &str) {
        let text = &self.literal.text;
        for (at, _) in text[token.range()].match_indices('{') {
            let start = token.start as usize + at;
            let Some(name) = text[start + 1..token.end as usize].split('}').next() else { continue };
            if !text[start..].starts_with(&format!("{{{name}}}")) || name.is_empty() {
                continue;
            }
            let symbol = match name {
                "metric_name" => Symbol::Key(vec!["metric".to_owned(), "name".to_owned()]),
                "labels" => Symbol::Key(vec!["labels".to_owned()]),
                "window" => Symbol::Key(["presets", preset, "window"].map(str::to_owned).into()),
                "group_by" => continue,
                _ => Symbol::Parameter { preset: preset.to_owned(), name: name.to_owned() },
            };
            self.add(symbol, Span::of(start + 1..start + 1 + name.len()), None);
        }
    }
}

/// The name of the metric of a selector.
pub(super) fn metric(view: &View<'_>, text: &str, selector: &Selector<'_>) -> Option<String> {
    let written = match &selector.name {
        Some(name) => text[name.span.range()].to_owned(),
        None => selector.metric_name()?.to_owned(),
    };
    Some(facts::resolved(view, &written)).filter(|name| !name.is_empty())
}

/// The name at an offset.
pub(super) fn at(view: &View<'_>, outline: &Outline, offset: u32) -> Option<Occurrence> {
    let all = occurrences(view, outline).into_iter();
    let here = all.filter(|it| it.span.start <= offset && offset <= it.span.end);
    here.min_by_key(|it| it.span.end - it.span.start)
}

/// Where the name at an offset is declared: in the file, in other files, and in `metrics.toml`.
pub(super) fn declarations(view: &View<'_>, offset: u32) -> Vec<Location> {
    let outline = Outline::of(&view.source.text);
    let Some(found) = at(view, &outline, offset) else { return Vec::new() };
    let own = |path: &[&str]| {
        let keys = outline.keys.iter().filter(|key| key.path == path).map(|key| key.span);
        let values = outline.value(path).map(|value| value.span);
        keys.chain(values).map(|span| view.location(span)).next().into_iter().collect::<Vec<_>>()
    };
    match &found.symbol {
        Symbol::Preset(name) => own(&["presets", name]),
        Symbol::Parameter { preset, name } => own(&["presets", preset, "parameters", name]),
        Symbol::Key(path) => own(&path.iter().map(String::as_str).collect::<Vec<_>>()),
        Symbol::Metric(series) => declarations_of_metric(view, series),
        Symbol::Label(name) => {
            let declared = own(&["labels", name]);
            if !declared.is_empty() {
                return declared;
            }
            let metrics = facts::metrics(view);
            let metric = found.metric.as_deref().and_then(|series| facts::find(&metrics, series)).map(|it| it.name);
            let mut locations = Vec::new();
            for file in view.all() {
                let outline = Outline::of(&file.source.text);
                let is_of = |owner: &str| metric.is_none_or(|metric| metric == owner);
                match file.source.kind() {
                    FileKind::Presets
                        if metric.is_some() && file.module().is_some_and(|it| it.metric.as_deref() == metric) =>
                    {
                        let keys = outline.keys.iter().filter(|key| key.path == ["labels", name]);
                        locations.extend(keys.map(|key| file.location(key.span)));
                    }
                    FileKind::Metrics => {
                        let in_list = |path: &[String]| path.len() == 2 && path[1] == "labels" && is_of(&path[0]);
                        let values = outline.values.iter().filter(|value| in_list(&value.path));
                        let named =
                            values.filter(|it| it.literal(&file.source.text).is_some_and(|it| it.text == *name));
                        locations.extend(named.map(|value| file.location(value.span)));
                    }
                    _ => {}
                }
            }
            locations
        }
    }
}

fn declarations_of_metric(view: &View<'_>, series: &str) -> Vec<Location> {
    let metrics = facts::metrics(view);
    let Some(metric) = facts::find(&metrics, series).map(|metric| metric.name) else { return Vec::new() };
    let mut locations = Vec::new();
    for file in view.all() {
        let is_here = match file.source.kind() {
            FileKind::Presets => file.module().is_some_and(|module| module.metric.as_deref() == Some(metric)),
            kind => kind == FileKind::Metrics,
        };
        if !is_here {
            continue;
        }
        let outline = Outline::of(&file.source.text);
        let key = outline.keys.iter().find(|key| key.path == [metric] && file.source.kind() == FileKind::Metrics);
        let value = outline.value(&["metric", "name"]).filter(|_| file.source.kind() == FileKind::Presets);
        let span = key.map(|key| key.span).or(value.map(|value| value.span));
        locations.extend(span.map(|span| file.location(span)));
    }
    locations
}

/// Where the name at an offset occurs: metrics and labels in all files, other names in their own.
pub(super) fn references(view: &View<'_>, offset: u32, with_declarations: bool) -> Vec<Location> {
    let outline = Outline::of(&view.source.text);
    let Some(found) = at(view, &outline, offset) else { return Vec::new() };
    let metrics = facts::metrics(view);
    let metric = |series: &str| facts::find(&metrics, series).map(|metric| metric.name);
    let is_same = |symbol: &Symbol| match (symbol, &found.symbol) {
        (Symbol::Metric(a), Symbol::Metric(b)) => a == b || (metric(a).is_some() && metric(a) == metric(b)),
        (a, b) => a == b,
    };
    let is_shared = matches!(found.symbol, Symbol::Label(_) | Symbol::Metric(_));
    // The place includes quotes, the name does not.
    let declared = declarations(view, offset);
    let is_in = |inner: &Location, outer: &Location| {
        let column = |location: &Location| location.range.start.character..=location.range.end.character;
        let (columns, within) = (column(inner), column(outer));
        (&inner.uri, inner.range.start.line) == (&outer.uri, outer.range.start.line)
            && within.contains(columns.start())
            && within.contains(columns.end())
    };
    let mut locations = Vec::new();
    for file in view.all().filter(|file| is_shared || file.file() == view.file()) {
        let outline = Outline::of(&file.source.text);
        let all = occurrences(&file, &outline).into_iter().filter(|it| is_same(&it.symbol));
        locations.extend(all.map(|it| file.location(it.span)));
    }
    locations.retain(|it| !declared.iter().any(|declared| is_in(it, declared)));
    locations.extend(declared.into_iter().filter(|_| with_declarations));
    locations
}

/// The name at an offset, if it can be renamed.
pub(super) fn prepare(view: &View<'_>, offset: u32) -> Option<PrepareRenameResult> {
    let outline = Outline::of(&view.source.text);
    let found = at(view, &outline, offset)?;
    let placeholder = match &found.symbol {
        Symbol::Label(name) if is_declared(&outline, name) => name.clone(),
        Symbol::Preset(name) | Symbol::Parameter { name, .. } => name.clone(),
        _ => return None,
    };
    let range = view.range(found.span);
    Some(PrepareRenameResult::PrepareRenamePlaceholder(PrepareRenamePlaceholder { range, placeholder }))
}

fn is_declared(outline: &Outline, label: &str) -> bool {
    outline.keys.iter().any(|key| key.path == ["labels", label])
}

/// Renames the name at an offset wherever it occurs in the file.
///
/// # Errors
/// Why it cannot be renamed.
pub(super) fn rename(view: &View<'_>, offset: u32, new: &str) -> Result<Option<WorkspaceEdit>, String> {
    let outline = Outline::of(&view.source.text);
    let Some(found) = at(view, &outline, offset) else { return Ok(None) };
    // Names in a query with errors would keep the old name.
    let is_unread = |layer: Layer| matches!(layer, Layer::Template | Layer::Query);
    let errors = view.findings().filter(|it| it.diagnostic.severity == Severity::Error);
    let is_toml = promql_presets_compiler::templates(&view.source.text).is_some();
    if !is_toml || errors.into_iter().any(|it| is_unread(it.diagnostic.code.layer())) {
        return Err("the file has errors; correct them first".to_owned());
    }
    let parent: Vec<String> = match &found.symbol {
        Symbol::Label(name) if is_declared(&outline, name) => vec!["labels".to_owned()],
        Symbol::Label(name) => return Err(format!("`{name}` is not declared in `[labels]`")),
        Symbol::Preset(_) => vec!["presets".to_owned()],
        Symbol::Parameter { preset, .. } => ["presets", preset, "parameters"].map(str::to_owned).into(),
        Symbol::Metric(_) | Symbol::Key(_) => {
            return Err("only labels, presets and parameters can be renamed".to_owned());
        }
    };
    let is_parameter = matches!(found.symbol, Symbol::Parameter { .. });
    if !is_classic_label(new) || (is_parameter && PLACEHOLDERS.iter().any(|(name, _)| *name == new)) {
        return Err(format!("`{new}` is not a valid name: it must be a letter, then letters, digits and `_`"));
    }
    if outline.keys_of(&parent).any(|name| name == new) {
        return Err(format!("`{new}` exists already"));
    }
    let all = occurrences(view, &outline).into_iter().filter(|it| it.symbol == found.symbol);
    let edits = all.map(|it| TextEdit { range: view.range(it.span), new_text: new.to_owned() }).collect();
    Ok(Some(WorkspaceEdit { changes: Some(HashMap::from([(view.uri.clone(), edits)])), ..WorkspaceEdit::default() }))
}
