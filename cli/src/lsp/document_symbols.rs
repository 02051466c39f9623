//! The symbols of a document: metric, labels and presets of a preset file, metrics of `metrics.toml`, tables of `promql.toml`.

use gen_lsp_types::{DocumentSymbol, DocumentSymbolResponse, SymbolKind};
use promql_presets_compiler::{FileKind, Span};

use super::toml::{Key, Outline};
use super::workspace::View;

pub(super) fn symbols(view: &View<'_>) -> DocumentSymbolResponse {
    let outline = Outline::of(&view.source.text);
    let all = match view.source.kind() {
        FileKind::Presets => {
            let metric = outline.value(&["metric", "name"]).and_then(|value| {
                let key = outline.keys.iter().find(|key| key.path == ["metric"])?;
                let name = value.literal(&view.source.text)?.text;
                Some(new(view, &outline, key, name, SymbolKind::Variable, Vec::new()))
            });
            let labels = below(view, &outline, &["labels"], SymbolKind::Field);
            let labels = outline
                .keys
                .iter()
                .find(|key| key.path == ["labels"])
                .map(|key| new(view, &outline, key, "labels".to_owned(), SymbolKind::Namespace, labels));
            let mut presets = below(view, &outline, &["presets"], SymbolKind::Function);
            for preset in &mut presets {
                preset.detail = view.module().and_then(|module| {
                    let found = module.presets.iter().find(|it| it.name == preset.name)?;
                    let description = found.title.as_ref().or(found.description.as_ref())?;
                    description.trim().lines().next().map(str::to_owned)
                });
                let parameters = below(view, &outline, &["presets", &preset.name, "parameters"], SymbolKind::Variable);
                preset.children = Some(parameters).filter(|parameters| !parameters.is_empty());
            }
            metric.into_iter().chain(labels).chain(presets).collect()
        }
        FileKind::Metrics => below(view, &outline, &[], SymbolKind::Variable),
        FileKind::Settings => below(view, &outline, &[], SymbolKind::Namespace),
    };
    DocumentSymbolResponse::DocumentSymbolList(all)
}

/// The keys of a table, each once.
fn below(view: &View<'_>, outline: &Outline, path: &[&str], kind: SymbolKind) -> Vec<DocumentSymbol> {
    let is_below = |key: &&Key| key.path.len() == path.len() + 1 && key.path.iter().zip(path).all(|(a, b)| a == b);
    let mut found: Vec<DocumentSymbol> = Vec::new();
    for key in outline.keys.iter().filter(is_below) {
        let name = key.path.last().cloned().unwrap_or_default();
        // The protocol has no symbols without a name.
        if !name.is_empty() && !found.iter().any(|symbol| symbol.name == name) {
            found.push(new(view, outline, key, name, kind, Vec::new()));
        }
    }
    found
}

fn new(
    view: &View<'_>,
    outline: &Outline,
    key: &Key,
    name: String,
    kind: SymbolKind,
    children: Vec<DocumentSymbol>,
) -> DocumentSymbol {
    // From the key, or the header that it is in, to the end of what is below it.
    let table = outline.table(key.span.start);
    let start = if table.path.starts_with(&key.path) { table.span.start } else { key.span.start };
    let parts = outline.values.iter().filter(|value| value.path.starts_with(&key.path)).map(|value| value.span.end);
    let end = parts.max().unwrap_or(key.span.end).max(key.span.end);
    #[expect(deprecated, reason = "a struct without a constructor for the rest")]
    DocumentSymbol {
        name,
        detail: None,
        kind,
        tags: None,
        deprecated: None,
        range: view.range(Span::new(start, end)),
        selection_range: view.range(key.span),
        children: Some(children).filter(|children| !children.is_empty()),
    }
}
