//! Dashboards of Grafana: the classic JSON, and the resource of Grafana 13 (`dashboard.grafana.app/v2`).

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::fields::{object, objects, others, text};
use super::{Collection, Language, Query, Variable, names, preset_file, units};

type Object = Map<String, Value>;

/// A panel of either model.
struct Panel<'v> {
    title: String,
    /// The name for its presets if the title has no letters.
    id: String,
    description: Option<String>,
    unit: Option<String>,
    /// The reason why a panel that should have queries has none.
    refused: Option<String>,
    targets: Vec<Target<'v>>,
}

/// A query of a panel or of an alert.
pub(super) struct Target<'v> {
    pub(super) name: String,
    /// The type of its data source, if the file has it.
    pub(super) source: Option<String>,
    pub(super) query: &'v Object,
}

/// A dashboard in the classic model: panels in a list, in rows or in collapsed rows.
pub(super) fn classic(dashboard: &Object) -> Collection {
    let variables = object(dashboard, &["templating"]).into_iter().flat_map(|it| objects(it, "list"));
    let variables = variables.map(|variable| (text(variable, "type").unwrap_or_default(), variable)).collect();
    let mut reader = Reader::new(dashboard, variables);
    for row in objects(dashboard, "rows") {
        reader.row = text(row, "title");
        objects(row, "panels").for_each(|panel| reader.classic_panel(panel));
    }
    reader.row = None;
    objects(dashboard, "panels").for_each(|panel| reader.classic_panel(panel));
    for annotation in object(dashboard, &["annotations"]).into_iter().flat_map(|it| objects(it, "list")) {
        if is_built_in(annotation) {
            continue;
        }
        let source = reader.source(annotation.get("datasource"));
        reader.annotation(text(annotation, "name"), source, annotation);
    }
    reader.collection
}

/// The `spec` of a dashboard resource: panels by name in `elements`.
pub(super) fn resource(spec: &Object) -> Collection {
    let kind =
        |variable: &Object| text(variable, "kind").unwrap_or_default().to_ascii_lowercase().replace("variable", "");
    let variables = objects(spec, "variables");
    let variables = variables.filter_map(|variable| Some((kind(variable), object(variable, &["spec"])?))).collect();
    let mut reader = Reader::new(spec, variables);
    let mut elements: Vec<(&String, &Object)> = object(spec, &["elements"])
        .into_iter()
        .flatten()
        .filter_map(|(name, element)| Some((name, object(element.as_object()?, &["spec"])?)))
        .collect();
    elements.sort_by_key(|(_, element)| element.get("id").and_then(Value::as_u64));
    let mut rows = BTreeMap::new();
    spec.get("layout").into_iter().for_each(|layout| add_rows(layout, None, &mut rows));
    for (name, element) in elements {
        reader.row = rows.get(name.as_str()).map(|title| (*title).to_owned());
        reader.element(name, element);
    }
    reader.row = None;
    for annotation in objects(spec, "annotations").filter_map(|annotation| object(annotation, &["spec"])) {
        if let Some(query) = object(annotation, &["query"]).filter(|_| !is_built_in(annotation)) {
            let source = reader.source_of_query(query, annotation);
            reader.annotation(text(annotation, "name"), source, object(query, &["spec"]).unwrap_or(query));
        }
    }
    reader.collection
}

/// The titles of the rows and tabs that hold each element.
fn add_rows<'v>(layout: &'v Value, row: Option<&'v str>, rows: &mut BTreeMap<&'v str, &'v str>) {
    match layout {
        Value::Array(items) => items.iter().for_each(|item| add_rows(item, row, rows)),
        Value::Object(item) => {
            let row = item.get("title").and_then(Value::as_str).filter(|title| !title.is_empty()).or(row);
            let element = object(item, &["element"]).and_then(|element| element.get("name")?.as_str());
            if let (Some(element), Some(row)) = (element, row) {
                rows.insert(element, row);
            }
            item.values().for_each(|value| add_rows(value, row, rows));
        }
        _ => {}
    }
}

struct Reader<'v> {
    dashboard: &'v Object,
    /// The title of the row that the panels are in.
    row: Option<String>,
    /// The types of data sources that variables stand for.
    sources: BTreeMap<String, String>,
    collection: Collection,
}

impl<'v> Reader<'v> {
    fn new(dashboard: &'v Object, variables: Vec<(String, &Object)>) -> Self {
        let title = text(dashboard, "title").unwrap_or_else(|| "dashboard".to_owned());
        let description = preset_file::paragraphs([Some(title.clone()), text(dashboard, "description")]);
        let (mut known, mut sources, mut queries) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
        for (kind, variable) in variables {
            let Some(name) = text(variable, "name") else { continue };
            if kind == "datasource" {
                let plugin = text(variable, "pluginId").or_else(|| text(variable, "query"));
                sources.extend(plugin.map(|plugin| (name.clone(), plugin)));
            }
            queries.extend(promql(variable).map(|expr| Query {
                place: format!("variable `{name}`"),
                expr,
                refused: Some("a query for the values of a variable".to_owned()),
                ..Query::default()
            }));
            // Users cannot change a hidden variable with a single value either.
            let is_hidden = variable.get("hide").is_some_and(|hide| *hide == 2 || *hide == "hideVariable");
            let is_constant =
                kind == "constant" || (kind == "custom" && is_hidden && objects(variable, "options").count() == 1);
            known.insert(name, self::variable(variable, is_constant, kind == "query"));
        }
        let collection = Collection { title, description, variables: known, queries, ..Collection::default() };
        Self { dashboard, row: None, sources, collection }
    }

    fn classic_panel(&mut self, panel: &'v Object) {
        // A row holds its panels if it is collapsed; otherwise, they follow it.
        if text(panel, "type").is_some_and(|kind| kind == "row") {
            self.row = text(panel, "title");
        }
        for inner in objects(panel, "panels") {
            self.classic_panel(inner);
        }
        if objects(panel, "panels").next().is_some() {
            self.row = None;
        }
        let mut model = panel;
        let mut refused = None;
        if let Some(library) = object(panel, &["libraryPanel"])
            && objects(panel, "targets").next().is_none()
        {
            let uid = text(library, "uid").unwrap_or_default();
            match object(library, &["model"]).or_else(|| object(self.dashboard, &["__elements", &uid, "model"])) {
                Some(found) => model = found,
                None => refused = Some(LIBRARY_PANEL.to_owned()),
            }
        }
        let defaults = object(model, &["fieldConfig", "defaults"]);
        let axis = objects(model, "yaxes").next();
        let unit = defaults.and_then(|defaults| text(defaults, "unit"));
        let unit = unit.or_else(|| text(axis?, "format")).or_else(|| text(model, "format"));
        let own = self.source(model.get("datasource"));
        let target = |query: &'v Object| Target {
            name: text(query, "refId").unwrap_or_default(),
            source: self.source(query.get("datasource")).or_else(|| own.clone()),
            query,
        };
        let id = text(panel, "id").map_or_else(|| "panel".to_owned(), |id| format!("panel {id}"));
        self.panel(Panel {
            title: text(panel, "title").or_else(|| text(model, "title")).unwrap_or_else(|| id.clone()),
            id,
            description: text(model, "description"),
            unit,
            refused,
            targets: objects(model, "targets").map(target).collect(),
        });
    }

    fn element(&mut self, name: &str, spec: &'v Object) {
        let group = object(spec, &["data", "spec"]);
        let defaults = object(spec, &["vizConfig", "spec", "fieldConfig", "defaults"]);
        let target = |outer: &'v Object| {
            let query = object(outer, &["query"])?;
            Some(Target {
                name: text(outer, "refId").unwrap_or_default(),
                source: self.source_of_query(query, outer),
                query: object(query, &["spec"]).unwrap_or(query),
            })
        };
        let queries = group.into_iter().flat_map(|group| objects(group, "queries"));
        let targets = queries.filter_map(|query| target(object(query, &["spec"])?)).collect();
        self.panel(Panel {
            title: text(spec, "title").unwrap_or_else(|| name.to_owned()),
            id: name.to_owned(),
            description: text(spec, "description"),
            unit: defaults.and_then(|defaults| text(defaults, "unit")),
            refused: spec.contains_key("libraryPanel").then(|| LIBRARY_PANEL.to_owned()),
            targets,
        });
    }

    fn panel(&mut self, panel: Panel<'_>) {
        let unit = panel.unit.as_deref().and_then(units::unit);
        let words = without_variables(&panel.title);
        let title = if words.contains(char::is_alphanumeric) { words } else { panel.title.clone() };
        let has_name = !names::name(&title).is_empty();
        let category = self.row.as_deref().map(without_variables).filter(|row| !row.is_empty());
        let mut notes = Vec::new();
        if has_variable(&panel.title) && title != panel.title {
            notes.push(format!("the title was `{}`", panel.title));
        }
        notes.extend(self.row.iter().filter(|row| has_variable(row)).map(|row| format!("the category was `{row}`")));
        // Queries of some data sources have no text.
        let is_query = |target: &&Target<'_>| {
            expr(target.query).is_some() || (target.source.is_some() && refusal(target).is_some())
        };
        let queries: Vec<&Target<'_>> = panel.targets.iter().filter(is_query).collect();
        let is_only = queries.len() < 2;
        for (number, target) in queries.into_iter().enumerate() {
            let legend = text(target.query, "legendFormat").filter(|legend| legend != "__auto");
            // A name for each query of a panel.
            let words = legend.as_deref().map(without_variables).filter(|words| words.contains(char::is_alphanumeric));
            let number = (number + 1).to_string();
            let id = if target.name.is_empty() { &number } else { &target.name };
            let own = words.unwrap_or_else(|| id.clone());
            let repeats = own.to_lowercase().starts_with(&title.to_lowercase());
            let title = match (is_only, repeats) {
                (true, _) => title.clone(),
                (_, true) => own,
                _ => format!("{title}: {own}"),
            };
            let legend = legend.filter(|legend| !title.contains(legend.as_str()));
            let place = if is_only { String::new() } else { format!(", query {id}") };
            self.collection.queries.push(Query {
                place: format!("panel `{}`{place}", panel.title),
                name: if has_name { title.clone() } else { format!("{} {title}", panel.id) },
                title: Some(title),
                category: category.clone(),
                description: preset_file::paragraphs([
                    panel.description.clone(),
                    legend.map(|legend| format!("Legend: `{legend}`.")),
                ]),
                unit: unit.clone(),
                expr: written(target).unwrap_or_default(),
                language: Language::Grafana,
                notes: notes.clone(),
                refused: refusal(target),
                ..Query::default()
            });
        }
        if panel.refused.is_some() {
            self.collection.queries.push(Query {
                place: format!("panel `{}`", panel.title),
                name: panel.title,
                refused: panel.refused,
                ..Query::default()
            });
        }
    }

    fn annotation(&mut self, name: Option<String>, source: Option<String>, query: &'v Object) {
        // Newer versions write the query into a target.
        let query = object(query, &["target"]).filter(|_| !query.contains_key("expr")).unwrap_or(query);
        let Some(name) = name else { return };
        let found = expr(query);
        let refused = refusal(&Target { name: String::new(), source, query });
        let refused = refused.or_else(|| found.is_none().then(|| "no query".to_owned()));
        self.collection.queries.push(Query {
            place: format!("annotation `{name}`"),
            title: Some(name.clone()),
            name,
            expr: found.unwrap_or_default(),
            language: Language::Grafana,
            refused,
            ..Query::default()
        });
    }

    /// The type of a data source, if it is known.
    fn source(&self, value: Option<&Value>) -> Option<String> {
        let by_name = |name: &str| {
            let variable = name.strip_prefix('$')?.trim_matches(['{', '}']);
            self.sources.get(variable).cloned()
        };
        match value? {
            Value::String(name) => by_name(name),
            // A mixed panel, whose queries have sources of their own, or the result of another panel.
            Value::Object(source) if text(source, "uid").is_some_and(|uid| uid.starts_with("-- ")) => None,
            Value::Object(source) => text(source, "type")
                .filter(|kind| !kind.starts_with('$'))
                .or_else(|| by_name(&text(source, "uid").or_else(|| text(source, "name"))?)),
            _ => None,
        }
    }

    /// The type of the data source of a query of a resource, whose object `outer` older versions of the model use.
    fn source_of_query(&self, query: &Object, outer: &Object) -> Option<String> {
        let group = text(query, "group").or_else(|| text(query, "kind").filter(|kind| kind != "DataQuery"));
        group.or_else(|| self.source(outer.get("datasource"))).or_else(|| self.source(query.get("datasource")))
    }
}

/// Whether an annotation is the one that every dashboard has, of the events that people enter.
fn is_built_in(annotation: &Object) -> bool {
    let is_grafana = |source: &Value| matches!(source.as_str(), Some("grafana" | "-- Grafana --"));
    let source = annotation.get("datasource");
    annotation.get("builtIn").is_some_and(|value| value.as_bool().unwrap_or(value.as_u64() != Some(0)))
        || source.is_some_and(|source| is_grafana(source) || source.get("uid").is_some_and(is_grafana))
}

/// The PromQL in the query of a variable, such as `query_result(up)`.
fn promql(variable: &Object) -> Option<String> {
    let inner = || object(variable, &["query", "spec"]).or_else(|| object(variable, &["query"]));
    let found = text(variable, "query").or_else(|| text(inner()?, "query")).or_else(|| text(variable, "definition"))?;
    Some(found.strip_prefix("query_result(")?.strip_suffix(')')?.trim().to_owned())
}

const LIBRARY_PANEL: &str =
    "a library panel, whose queries are not in the file; export the dashboard for sharing externally";

/// The text of a query in any language.
pub(super) fn expr(query: &Object) -> Option<String> {
    ["expr", "rawSql", "query", "target", "expression"].iter().find_map(|key| text(query, key))
}

/// The query as written, or all its fields if it is not one in a language.
pub(super) fn written(target: &Target<'_>) -> Option<String> {
    let fields =
        || others(target.query, &["refId", "datasource", "editorMode", "intervalMs", "maxDataPoints"]).join(", ");
    let is_expression = target.source.as_deref() == Some("__expr__");
    let found = expr(target.query).filter(|_| !is_expression);
    found.or_else(|| refusal(target).map(|_| fields()))
}

/// Why a query is not one of Prometheus.
pub(super) fn refusal(target: &Target<'_>) -> Option<String> {
    let is_prometheus = |kind: &str| ["prometheus", "victoriametrics", "mimir"].iter().any(|it| kind.contains(it));
    match target.source.as_deref() {
        Some("__expr__") => Some("an expression of Grafana, computed from other queries".to_owned()),
        Some(kind) if !is_prometheus(&kind.to_ascii_lowercase()) => {
            Some(format!("a query of the data source `{kind}`, which is not Prometheus"))
        }
        None if !target.query.contains_key("expr") => Some("not a query of Prometheus".to_owned()),
        _ => None,
    }
}

/// A variable, with its value when the dashboard was saved, or else the first one that it can have.
/// That of a query is not a list of values.
fn variable(variable: &Object, is_constant: bool, is_query: bool) -> Variable {
    let value = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let is_value = |text: &String| !text.is_empty() && !text.starts_with('$');
    let current = object(variable, &["current"]).and_then(|current| match current.get("value")? {
        Value::Array(values) => value(values.first()?),
        other => value(other),
    });
    let first = || {
        let option = objects(variable, "options").find_map(|option| text(option, "value").filter(is_value));
        let listed = || Some(text(variable, "query")?.split(',').next()?.trim().to_owned()).filter(|_| !is_query);
        option.or_else(listed)
    };
    let value = if is_constant { text(variable, "query").or(current) } else { current.filter(is_value).or_else(first) };
    let options = objects(variable, "options").filter_map(|option| text(option, "value"));
    let current = object(variable, &["current"]).and_then(|current| current.get("value"));
    let current = current.into_iter().flat_map(|it| it.as_array().map_or(std::slice::from_ref(it), Vec::as_slice));
    let listed = text(variable, "query").unwrap_or_default();
    // `text : value` in the list of a custom variable.
    let listed = listed.split(',').map(|item| item.rsplit(" : ").next().unwrap_or(item).trim().to_owned());
    let texts = options.chain(current.clone().filter_map(Value::as_str).map(str::to_owned)).chain(listed);
    let texts = texts.flat_map(|text| text.split(',').map(|item| item.trim().to_owned()).collect::<Vec<_>>());
    let labels = texts.filter(|text| promql_presets_core::name::is_classic_label(text)).collect();
    let has_more = current.clone().nth(1).is_some();
    Variable { value: value.filter(is_value), has_more, is_constant, labels }
}

/// Words that mean nothing without the variable after them: `of` in `Rate of $job`.
const LINKS: [&str; 18] = [
    "of", "in", "for", "by", "per", "on", "at", "from", "to", "with", "and", "or", "the", "over", "vs", "vs.", "&", "=",
];

fn is_variable(word: &str) -> bool {
    word.contains('$') || word.contains("[[")
}

fn has_variable(title: &str) -> bool {
    title.split_whitespace().any(is_variable)
}

/// The words of a title or a legend.
fn without_variables(legend: &str) -> String {
    let parts = legend.split("{{").map(|part| part.split_once("}}").map_or(part, |(_, after)| after));
    // `$` stands for a label between braces.
    let text = parts.collect::<Vec<_>>().join(" $ ");
    let mut words: Vec<&str> = Vec::new();
    for word in text.split_whitespace() {
        if !is_variable(word) {
            words.push(word);
            continue;
        }
        // `(job: $job)` is removed as a whole.
        let opened = words.iter().rposition(|word| word.starts_with('(') && !word.ends_with(')'));
        words.truncate(opened.filter(|_| word.ends_with(')') && !word.starts_with('(')).unwrap_or(words.len()));
        while words.last().is_some_and(|word| LINKS.contains(&word.to_ascii_lowercase().as_str())) {
            words.pop();
        }
    }
    let words = words.join(" ");
    words.trim_matches(|c: char| c.is_whitespace() || matches!(c, '-' | ':' | '|' | '/' | ',')).to_owned()
}

#[cfg(test)]
mod tests {
    use super::without_variables;

    #[test]
    fn titles_stay_readable_without_variables() {
        for (title, expected) in [
            ("Rate of $ns", "Rate"),
            ("Rate of the ${ns:csv} by pod", "Rate by pod"),
            ("Errors by $a and [[b]]", "Errors"),
            ("Top $k pods", "Top pods"),
            ("CPU (node: $node)", "CPU"),
            ("CPU ($node)", "CPU"),
            ("{{method}} of {{pod}}", ""),
            ("p99 - {{pod}}", "p99"),
            ("Time in queue", "Time in queue"),
            ("Logged in", "Logged in"),
        ] {
            assert_eq!(without_variables(title), expected, "{title}");
        }
    }
}
