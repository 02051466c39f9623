//! Completion: keys and values of the files, and everything that templates are made of.

use std::collections::BTreeMap;

use gen_lsp_types::{
    CompletionItem, CompletionItemKind, CompletionItemTextEdit, CompletionList, CompletionResponse, Documentation,
    MarkupContent, MarkupKind, Position, TextEdit,
};
use promql_presets_compiler::promql::{Aggregator, Function};
use promql_presets_compiler::{Code, FileKind, Literal, Span};
use promql_presets_core::keyword;

use super::cursor::{self, Spot};
use super::toml::{Outline, Place, Value};
use super::workspace::View;
use super::{facts, json_schema};
use crate::functions;

/// The placeholders, with what they stand for.
pub(super) const PLACEHOLDERS: [(&str, &str); 4] = [
    ("metric_name", "The name of the metric: that of `[metric]`, or the one that the caller passes."),
    ("labels", "The filters of the caller, between the braces of a selector. Without any, nothing."),
    ("group_by", "The labels that the caller groups by, in the parentheses of `by`, `on` and the like."),
    ("window", "The duration that the caller passes, by default that of the key `window`."),
];

/// Keywords between expressions, besides those before labels.
const OPERATORS: [&str; 6] =
    [keyword::AND, keyword::OR, keyword::UNLESS, keyword::BOOL, keyword::OFFSET, keyword::ATAN2];

/// Completions at a position.
pub(super) fn complete(view: &View<'_>, position: Position) -> CompletionResponse {
    let text = &view.source.text;
    let offset = view.offset(position);
    let outline = Outline::of(text);
    let list = match outline.place(text, offset) {
        Place::Key(table, word) => keys(view, &outline, &table, word),
        Place::Value(path, word) => values(view, &path, word, true),
        Place::String(value) => string(view, value, offset),
    };
    CompletionResponse::CompletionList(CompletionList {
        is_incomplete: false,
        items: list,
        ..CompletionList::default()
    })
}

/// Creates an item that replaces a span.
fn item(view: &View<'_>, label: &str, kind: CompletionItemKind, span: Span, text: String) -> CompletionItem {
    let edit = TextEdit { range: view.range(span), new_text: text };
    CompletionItem {
        label: label.to_owned(),
        kind: Some(kind),
        filter_text: Some(
            view.source
                .text
                .get(span.range())
                .filter(|it| it.starts_with('{'))
                .map_or_else(|| label.to_owned(), |_| format!("{{{label}}}")),
        ),
        text_edit: Some(CompletionItemTextEdit::TextEdit(edit)),
        ..CompletionItem::default()
    }
}

/// Adds what editors show beside an item.
fn described(item: CompletionItem, detail: Option<String>, documentation: Option<String>) -> CompletionItem {
    let markup = |value| Documentation::MarkupContent(MarkupContent { kind: MarkupKind::Markdown, value });
    CompletionItem { detail, documentation: documentation.map(markup), ..item }
}

/// The keys that a table does not have yet. In a header, those of its tables, written without `=`.
fn keys(view: &View<'_>, outline: &Outline, table: &[String], word: Span) -> Vec<CompletionItem> {
    let text = &view.source.text;
    let line = text[word.end as usize..].lines().next().unwrap_or_default();
    let before = text[..word.start as usize].rsplit('\n').next().unwrap_or_default();
    let header = before.trim_start();
    let ends = header.starts_with('[') || line.trim_start().starts_with(['=', '.', ']']);
    let kind = view.source.kind();
    let fits = |name: &str| {
        let schemas = json_schema::at(kind, &[table, &[name.to_owned()]].concat());
        let has = |kind: &str| schemas.iter().any(|schema| schema["type"] == kind);
        !header.starts_with('[') || (has("object") && (header.starts_with("[[") || !has("array")))
    };
    let taken: Vec<&str> = outline.keys_of(table).collect();
    let at_word = &text[word.range()];
    let known = json_schema::keys(kind, table).filter(|(name, _)| *name == at_word || !taken.contains(name));
    let known = known.filter(|(name, _)| fits(name)).map(|(name, schema)| {
        let written = if ends { name.to_owned() } else { format!("{name} = ") };
        let summary = Code::find(name).filter(|_| table == ["checks"]).map(Code::summary);
        let documentation = summary.or(schema["description"].as_str()).map(str::to_owned);
        let detail = schema["type"].as_str().map(str::to_owned);
        described(item(view, name, CompletionItemKind::Property, word, written), detail, documentation)
    });
    let mut items: Vec<CompletionItem> = known.collect();
    // Names of labels and metrics that are known from elsewhere.
    let metrics = facts::metrics(view);
    if kind == FileKind::Presets && (table == ["labels"] || table.last().is_some_and(|it| it == "labels")) {
        let own = facts::labels(view, &metrics, "{metric_name}");
        let labels = own.iter().filter(|(name, _)| !taken.contains(&name.as_str()));
        items.extend(labels.map(|(name, facts)| {
            let key =
                if promql_presets_core::name::is_classic_label(name) { name.clone() } else { format!("{name:?}") };
            let item = item(view, name, CompletionItemKind::Field, word, if ends { key } else { format!("{key} = ") });
            described(item, None, Some(facts.documentation(name)))
        }));
    }
    items
}

/// The values that a key can have.
fn values(view: &View<'_>, path: &[String], word: Span, needs_quotes: bool) -> Vec<CompletionItem> {
    let kind = view.source.kind();
    let written = |value: &str| if needs_quotes { format!("\"{value}\"") } else { value.to_owned() };
    let listed = json_schema::values(kind, path).map(|value| {
        let documentation = Code::find(value).map(|code| code.summary().to_owned());
        described(item(view, value, CompletionItemKind::EnumMember, word, written(value)), None, documentation)
    });
    let is_boolean = json_schema::at(kind, path).iter().any(|node| node["type"] == "boolean");
    let booleans = ["true", "false"].into_iter().filter(|_| is_boolean && needs_quotes);
    let booleans = booleans.map(|value| item(view, value, CompletionItemKind::Keyword, word, value.to_owned()));
    let mut items: Vec<CompletionItem> = listed.chain(booleans).collect();
    let metrics = facts::metrics(view);
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match (kind, &path[..]) {
        (FileKind::Presets, ["metric", "name"] | ["presets", _, "tests", "metric_name"]) => {
            items.extend(metrics.values().map(|metric| {
                let item = item(view, metric.name, CompletionItemKind::Variable, word, written(metric.name));
                described(item, Some(metric.kind.as_str().to_owned()), Some(metric.documentation()))
            }));
        }
        (FileKind::Presets, ["presets", _, "tests", "group_by"])
        | (FileKind::Settings, ["policy", "require_labels"]) => {
            items.extend(facts::labels(view, &metrics, "{metric_name}").iter().map(|(name, facts)| {
                let item = item(view, name, CompletionItemKind::Field, word, written(name));
                described(item, None, Some(facts.documentation(name)))
            }));
        }
        (FileKind::Presets, ["presets", _, "tests", "labels", label]) => {
            let labels = facts::labels(view, &metrics, "{metric_name}");
            let values = labels.get(*label).map_or(&[][..], |facts| &facts.values);
            items.extend(values.iter().map(|it| item(view, it, CompletionItemKind::Value, word, written(it))));
        }
        _ => {}
    }
    items
}

fn string(view: &View<'_>, value: &Value, offset: u32) -> Vec<CompletionItem> {
    let Some(literal) = value.literal(&view.source.text) else { return Vec::new() };
    if view.source.kind() == FileKind::Presets
        && let ["presets", preset, "template"] = &value.path.iter().map(String::as_str).collect::<Vec<_>>()[..]
    {
        return template(view, preset, &literal, offset);
    }
    let content = literal.locate(Span::of(0..literal.text.len()));
    values(view, &value.path, Span::new(content.start, content.end.max(offset)), false)
}

/// The items for an offset of the file in a template.
fn template(view: &View<'_>, preset: &str, literal: &Literal, offset: u32) -> Vec<CompletionItem> {
    let before = &literal.text[..literal.text.floor_char_boundary(literal.offset(offset) as usize)];
    let (spot, start) = cursor::at(before);
    let word = Span::new(literal.locate(Span::of(start..start)).start.min(offset), offset);
    let template = Template { view, literal, word, metrics: facts::metrics(view) };
    match spot {
        Spot::Text => Vec::new(),
        Spot::Placeholder => template.placeholders(preset),
        Spot::Matchers { metric } => [template.labels(metric, "=\""), template.placeholder("labels")].concat(),
        Spot::Value { metric, label } => template.values(metric, label),
        Spot::Grouping => [template.labels("{metric_name}", ""), template.placeholder("group_by")].concat(),
        Spot::Range => {
            let durations = ["1m", "5m", "1h", "1d"].map(|text| template.item(text, CompletionItemKind::Value, text));
            [durations.into(), template.placeholder("window")].concat()
        }
        Spot::Expression => template.expressions(),
    }
}

/// The template at the cursor.
struct Template<'v> {
    view: &'v View<'v>,
    literal: &'v Literal,
    /// The word that an item replaces.
    word: Span,
    metrics: BTreeMap<&'v str, facts::Metric<'v>>,
}

impl Template<'_> {
    fn item(&self, label: &str, kind: CompletionItemKind, text: &str) -> CompletionItem {
        item(self.view, label, kind, self.word, self.literal.escaped(text))
    }

    /// The labels of the metric of a series, each with what follows it.
    fn labels(&self, series: &str, end: &str) -> Vec<CompletionItem> {
        let label = |(name, facts): (&String, &facts::LabelFacts)| {
            let item = self.item(name, CompletionItemKind::Field, &format!("{name}{end}"));
            described(item, None, Some(facts.documentation(name)))
        };
        facts::labels(self.view, &self.metrics, series).iter().map(label).collect()
    }

    fn values(&self, metric: &str, label: &str) -> Vec<CompletionItem> {
        let facts = facts::labels(self.view, &self.metrics, metric).remove(label).unwrap_or_default();
        facts.values.iter().map(|value| self.item(value, CompletionItemKind::Value, value)).collect()
    }

    /// One of the placeholders that every template can have.
    fn placeholder(&self, wanted: &str) -> Vec<CompletionItem> {
        let found = PLACEHOLDERS.iter().filter(|(name, _)| *name == wanted);
        found.map(|(name, about)| self.placeholder_item(name, about, "}")).collect()
    }

    /// The placeholders of a preset, after an opening brace.
    fn placeholders(&self, preset: &str) -> Vec<CompletionItem> {
        let is_closed = self.view.source.text[self.word.end as usize..].starts_with('}');
        let close = if is_closed { "" } else { "}" };
        let own = self.view.module().and_then(|module| module.presets.iter().find(|it| it.name == preset));
        let parameters = own.map_or(&[][..], |preset| &preset.parameters).iter();
        let parameters =
            parameters.map(|it| (it.name.as_str(), it.description.as_deref().unwrap_or("A parameter of the preset.")));
        let all = PLACEHOLDERS.into_iter().chain(parameters);
        all.map(|(name, about)| self.placeholder_item(name, about, close)).collect()
    }

    fn placeholder_item(&self, name: &str, about: &str, close: &str) -> CompletionItem {
        let item = self.item(name, CompletionItemKind::Constant, &format!("{{{name}{close}"));
        described(item, Some(format!("{{{name}}}")), Some(about.to_owned()))
    }

    fn expressions(&self) -> Vec<CompletionItem> {
        let function = |function: &Function| {
            let about = functions::documentation(function.name).unwrap_or_default();
            let flag =
                if function.experimental { "\n\nNeeds the feature `promql-experimental-functions`." } else { "" };
            let item = self.item(function.name, CompletionItemKind::Function, function.name);
            described(item, Some(functions::signature(function)), Some(format!("{about}{flag}")))
        };
        let aggregator = |aggregator: Aggregator| {
            let name = aggregator.as_str();
            let about = functions::documentation(name).map(str::to_owned);
            let item = self.item(name, CompletionItemKind::Function, name);
            described(item, Some(functions::aggregator_signature(aggregator)), about)
        };
        let series = self.metrics.values().flat_map(|metric| {
            let item = |name: String| {
                let item = self.item(&name, CompletionItemKind::Variable, &name);
                described(item, Some(metric.kind.as_str().to_owned()), Some(metric.documentation()))
            };
            metric.series().into_iter().map(item)
        });
        let keywords = keyword::GROUPINGS.into_iter().chain(OPERATORS);
        let keywords = keywords.map(|word| self.item(word, CompletionItemKind::Keyword, word));
        let functions = Function::all().iter().map(function).chain(Aggregator::ALL.into_iter().map(aggregator));
        functions.chain(series).chain(keywords).chain(self.placeholder("metric_name")).collect()
    }
}
