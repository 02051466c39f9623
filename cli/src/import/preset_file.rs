//! Writes a preset file, and checks it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use promql_presets_compiler::promql::Features;
use promql_presets_compiler::{Code, Diagnostic, Finding, Severity, SourceFile, compile};
use promql_presets_core::ParameterValue;
use toml_edit::Key;

use super::convert::{Converted, convert};
use super::variables::Parameter;
use super::{Collection, Options, Query, Taken, Uses, names};
use crate::declared::Declared;
use crate::fmt::toml_string;

/// A preset file.
#[derive(Debug)]
pub(crate) struct Imported {
    /// Its name, without `.toml`.
    pub(crate) name: String,
    /// Its text; `None` if nothing could be converted.
    pub(crate) text: Option<String>,
    /// The outcome of each query.
    pub(crate) outcomes: Vec<Outcome>,
    /// A note about what the file lacks.
    pub(crate) note: Option<String>,
}

/// The outcome of a query.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// Its place in the source, in words.
    pub(crate) place: String,
    /// The query as written.
    pub(crate) query: String,
    /// The name of its preset, or why there is none.
    pub(crate) result: Result<String, String>,
    /// Notes about differences from the query, and the messages of checks.
    pub(crate) notes: Vec<String>,
}

/// How often a file is checked and changed before it is given up.
const MAX_ROUNDS: usize = 8;

/// A query that has become a preset.
struct Preset<'q> {
    query: &'q Query,
    name: String,
    converted: Converted,
    /// The checks that it must allow, with their messages.
    allow: BTreeMap<Code, String>,
    /// Whether its title is also its description, because the policy of the folder requires one.
    is_described_by_title: bool,
    /// Whether the policy of the folder requires a unit that the source does not have.
    lacks_unit: bool,
}

/// Converts a collection to the text of a preset file, which passes all checks beside the `others` of its folder.
pub(crate) fn write(
    collection: &Collection,
    source: &str,
    options: Options,
    files: &mut Taken,
    others: &[SourceFile],
) -> Imported {
    let name = names::name_or(&collection.title, "imported");
    let reserved = matches!(name.as_str(), "self" | "super" | "crate");
    let name = files.name(&if reserved { format!("{name}_presets") } else { name });
    let mut taken = Taken::default();
    let results = collection.queries.iter().map(|query| {
        let converted = convert(query, &collection.variables, Options::default())?;
        let name = taken.name(&names::name_or(&query.name, "query"));
        Ok(Preset { query, name, converted, allow: BTreeMap::new(), is_described_by_title: false, lacks_unit: false })
    });
    let path = format!("{name}.toml");
    let others: Vec<&SourceFile> = others.iter().filter(|other| other.name != path).collect();
    let metric = collection.metric.as_ref();
    let declared = metric.map(|metric| Declared::of(metric, others.iter().copied())).unwrap_or_default();
    let results = results.collect();
    let mut file = File { path, others, collection, source, declared, undeclared: None, results };
    file.fix_values();
    file.resolve();
    if options.group_by {
        file.open_groupings();
    }
    let text = file.presets().any(|_| true).then(|| file.text());
    let outcomes = file.collection.queries.iter().zip(file.results).map(|(query, result)| {
        let (place, text) = (query.place.clone(), query.expr.clone());
        match result {
            Ok(preset) => {
                let allowed = preset.allow.iter().map(|(code, title)| format!("allowed `{}`: {title}", code.as_str()));
                let notes = preset.notes().map(str::to_owned).chain(allowed).collect();
                Outcome { place, query: text, result: Ok(preset.name), notes }
            }
            Err(reason) => Outcome { place, query: text, result: Err(reason), notes: Vec::new() },
        }
    });
    Imported { name, text, note: file.undeclared, outcomes: outcomes.collect() }
}

struct File<'q> {
    /// Its name.
    path: String,
    /// The other files of its folder.
    others: Vec<&'q SourceFile>,
    collection: &'q Collection,
    source: &'q str,
    /// The declarations of its metric in the other files.
    declared: Declared,
    /// The reason why it has no table `[labels]`, if it could have one.
    undeclared: Option<String>,
    /// In the order of the queries.
    results: Vec<Result<Preset<'q>, String>>,
}

impl<'q> File<'q> {
    fn presets(&self) -> impl Iterator<Item = &Preset<'q>> {
        self.results.iter().flatten()
    }

    /// The errors of the file, by preset. Errors that it causes in other files belong to no preset.
    fn errors(&self) -> BTreeMap<Option<String>, Vec<Diagnostic>> {
        self.findings(|_| false)
    }

    /// The errors of the file, and the warnings that a preset may allow.
    fn errors_and_warnings(&self) -> BTreeMap<Option<String>, Vec<Diagnostic>> {
        self.findings(|finding| finding.preset.is_some() && finding.diagnostic.code.is_allowable())
    }

    /// The errors of the file and the wanted warnings.
    fn findings(&self, is_wanted: fn(&Finding) -> bool) -> BTreeMap<Option<String>, Vec<Diagnostic>> {
        let own = SourceFile { name: self.path.clone(), path: self.path.clone(), text: self.text() };
        let mut files: Vec<SourceFile> = self.others.iter().map(|other| (*other).clone()).collect();
        let mut errors: BTreeMap<_, Vec<Diagnostic>> = BTreeMap::new();
        let found = |files: &[SourceFile]| {
            let is_error = |it: &Finding| it.diagnostic.severity == Severity::Error;
            compile(files).findings.into_iter().filter(move |it| is_error(it) || is_wanted(it))
        };
        let key = |finding: &Finding| (finding.file, finding.preset.clone(), finding.diagnostic.title.clone());
        // Only the declarations of a file affect others.
        let declares = self.undeclared.is_none() && self.collection.metric.is_some();
        let before: BTreeSet<_> = if declares { found(&files).map(|it| key(&it)).collect() } else { BTreeSet::new() };
        files.push(own);
        for finding in found(&files) {
            if finding.file == files.len() - 1 {
                errors.entry(finding.preset).or_default().push(finding.diagnostic);
            } else if declares && !before.contains(&key(&finding)) {
                errors.entry(None).or_default().push(finding.diagnostic);
            }
        }
        errors
    }

    /// Leaves presets out that have errors, or lets them allow what a check finds, until nothing is found.
    fn resolve(&mut self) {
        // Each round may uncover errors that others have hidden.
        for _ in 0..MAX_ROUNDS {
            let is_empty = !self.presets().any(|_| true);
            let mut errors = if is_empty { BTreeMap::new() } else { self.errors_and_warnings() };
            if errors.is_empty() {
                return;
            }
            // An error in `[labels]` removes the whole table.
            if let Some(error) = errors.remove(&None).filter(|_| self.undeclared.is_none()) {
                let title = error.first().map_or("", |error| &error.title);
                self.undeclared = Some(format!("the labels are not declared, so that callers can use any: {title}"));
                self.results.iter_mut().flatten().for_each(|preset| preset.allow.clear());
                continue;
            }
            for result in &mut self.results {
                let Ok(preset) = result else { continue };
                let Some(found) = errors.remove(&Some(preset.name.clone())) else { continue };
                let lacks = |key| found.iter().any(|it| it.code == Code::MissingKey && it.title.contains(key));
                let before = (preset.is_described_by_title, preset.lacks_unit);
                preset.is_described_by_title |= lacks("`description`") && preset.query.title.is_some();
                preset.lacks_unit |= lacks("`unit`");
                if before != (preset.is_described_by_title, preset.lacks_unit) {
                    continue;
                }
                match found.iter().find(|error| !error.code.is_allowable()) {
                    Some(error) => *result = Err(error.title.clone()),
                    None => preset.allow.extend(found.into_iter().map(|error| (error.code, error.title))),
                }
            }
        }
        // A file with errors would break the folder.
        if let Some(error) = self.errors().into_values().flatten().next() {
            self.results.iter_mut().filter(|result| result.is_ok()).for_each(|it| *it = Err(error.title.clone()));
        }
    }

    /// Replaces the parameters of a preset with their values if that changes the findings about it.
    fn fix_values(&mut self) {
        let codes = |errors: &BTreeMap<Option<String>, Vec<Diagnostic>>, name: &str| {
            let found = errors.get(&Some(name.to_owned())).into_iter().flatten();
            found.map(|error| error.code).collect::<Vec<_>>()
        };
        if self.presets().all(|preset| preset.converted.parameters.is_empty()) {
            return;
        }
        let before = self.errors();
        let mut open = BTreeMap::new();
        for preset in self.results.iter_mut().flatten() {
            if preset.converted.parameters.is_empty() || codes(&before, &preset.name).is_empty() {
                continue;
            }
            let fixed = convert(preset.query, &self.collection.variables, Options { group_by: false, fixed: true });
            if let Ok(fixed) = fixed {
                open.insert(preset.name.clone(), std::mem::replace(&mut preset.converted, fixed));
            }
        }
        if open.is_empty() {
            return;
        }
        let after = self.errors();
        for preset in self.results.iter_mut().flatten() {
            if let Some(converted) = open.remove(&preset.name)
                && codes(&before, &preset.name) == codes(&after, &preset.name)
            {
                preset.converted = converted;
            }
        }
    }

    /// Lets callers choose the grouping, where the query allows it.
    fn open_groupings(&mut self) {
        let mut closed = BTreeMap::new();
        for preset in self.results.iter_mut().flatten() {
            let fixed = preset.converted.parameters.is_empty();
            match convert(preset.query, &self.collection.variables, Options { group_by: true, fixed }) {
                Ok(opened) => {
                    closed.insert(preset.name.clone(), std::mem::replace(&mut preset.converted, opened));
                }
                Err(reason) => preset.converted.notes.push(format!("`by (...)` stays: {reason}")),
            }
        }
        let errors = self.errors_and_warnings();
        for preset in self.results.iter_mut().flatten() {
            // Other findings may remain.
            preset.allow.clear();
            let found = errors.get(&Some(preset.name.clone())).and_then(|errors| errors.first());
            if let (Some(error), Some(mut converted)) = (found, closed.remove(&preset.name)) {
                converted.notes.push(format!("`by (...)` stays: with `{{group_by}}`, {}", error.title));
                preset.converted = converted;
            }
        }
        self.resolve();
    }

    fn text(&self) -> String {
        let collection = self.collection;
        let mut out = format!("# Imported from {}.\n", one_line(self.source));
        if let Some(description) = &collection.description {
            _ = writeln!(out, "description = {}", string(description));
        }
        if self.presets().any(|preset| preset.converted.is_experimental) {
            _ = writeln!(out, "features = {:?}", Features::NAMES);
        }
        if let Some(metric) = &collection.metric {
            _ = write!(out, "\n[metric]\nname = {}\n", string(metric));
        }
        self.labels(&mut out);
        for preset in self.presets() {
            preset.write(&mut out);
        }
        self.refused(&mut out);
        out
    }

    fn labels(&self, out: &mut String) {
        let found = self.presets().flat_map(|preset| preset.converted.labels.keys());
        let names: BTreeSet<&String> = found.chain(self.collection.labels.keys()).collect();
        if names.is_empty() {
            return;
        }
        if let Some(note) = &self.undeclared {
            _ = writeln!(out, "\n# {}", one_line(note));
            return;
        }
        out.push_str("\n[labels]\n");
        let keys: Vec<String> = names.iter().map(|name| Key::new(name.as_str()).to_string()).collect();
        let width = keys.iter().map(String::len).max().unwrap_or_default();
        for (name, key) in names.into_iter().zip(keys) {
            let only = match self.collection.labels.get(name) {
                Some(Uses { filter: true, group_by: false }) => Some("filter"),
                Some(Uses { filter: false, group_by: true }) => Some("group_by"),
                _ => None,
            };
            _ = writeln!(out, "{key:width$} = {}", self.declared.label(name, only));
        }
    }

    /// The queries that could not be converted, as comments.
    fn refused(&self, out: &mut String) {
        for (query, result) in self.collection.queries.iter().zip(&self.results) {
            let Err(reason) = result else { continue };
            _ = write!(out, "\n# Not imported: {}: {}\n", one_line(&query.place), one_line(reason));
            for line in query.expr.lines() {
                let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
                _ = writeln!(out, "#   {}", line.trim_end());
            }
        }
    }
}

impl Preset<'_> {
    fn notes(&self) -> impl Iterator<Item = &str> {
        let unit = self.lacks_unit.then_some("the unit is not in the file: replace `unknown`");
        self.converted.notes.iter().map(String::as_str).chain(unit)
    }

    fn write(&self, out: &mut String) {
        let (query, text) = (self.query, &self.converted.text);
        _ = write!(out, "\n[presets.{}]\n", self.name);
        for note in self.notes() {
            _ = writeln!(out, "# {}", one_line(note));
        }
        let mut line = |key: &str, value: &str| _ = writeln!(out, "{key:<11} = {value}");
        let title = query.title.as_ref().filter(|_| self.is_described_by_title);
        let unknown = "unknown".to_owned();
        let texts = [
            ("title", query.title.as_ref()),
            ("category", query.category.as_ref()),
            ("description", query.description.as_ref().or(title)),
            ("unit", query.unit.as_ref().or(self.lacks_unit.then_some(&unknown))),
        ];
        for (key, text) in texts {
            if let Some(text) = text {
                line(key, &string(text));
            }
        }
        let quotes = if text.contains(['\'', '\n']) { "'''" } else { "'" };
        line("template", &toml_string(quotes, text, "\n"));
        if let Some(window) = &self.converted.window {
            line("window", &string(window));
        }
        if !self.converted.parameters.is_empty() {
            let entry = |(name, parameter): (&String, &Parameter)| {
                let (default, bounds) = (&parameter.default, parameter.bounds);
                let kind = default.kind();
                let default = match default {
                    ParameterValue::Number(number) if number.abs() >= 1e15 => format!("{number:e}"),
                    ParameterValue::Duration(_) => format!("\"{default}\""),
                    _ => default.to_string(),
                };
                format!("{name} = {{ type = \"{}\", default = {default}{bounds} }}", kind.as_str())
            };
            let parameters: Vec<String> = self.converted.parameters.iter().map(entry).collect();
            line("parameters", &format!("{{ {} }}", parameters.join(", ")));
        }
        if !self.allow.is_empty() {
            let entry = |(code, title): (&Code, &String)| {
                let reason = string(&format!("imported: {}", one_line(title)));
                format!("{{ check = \"{}\", reason = {reason} }}", code.as_str())
            };
            line("allow", &format!("[{}]", self.allow.iter().map(entry).collect::<Vec<_>>().join(", ")));
        }
    }
}

/// A basic TOML string; of several lines if the text is.
fn string(text: &str) -> String {
    toml_string("\"", text, "\n")
}

fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Texts as sentences after each other, or as paragraphs if one has several lines.
pub(super) fn paragraphs(texts: impl IntoIterator<Item = Option<String>>) -> Option<String> {
    let texts: Vec<String> = texts.into_iter().flatten().filter(|text| !text.is_empty()).collect();
    let separator = if texts.iter().any(|text| text.contains('\n')) { "\n\n" } else { " " };
    let end = texts.len().saturating_sub(1);
    let sentence = |(at, text): (usize, &String)| {
        // Also behind `{{ $labels.pod }}` or a quotation.
        let is_open = at < end && !text.ends_with(['.', '!', '?', ':', ';', ',', '…', '。']) && !text.ends_with("```");
        if is_open { format!("{text}.") } else { text.clone() }
    };
    let sentences: Vec<String> = texts.iter().enumerate().map(sentence).collect();
    Some(sentences.join(separator)).filter(|text| !text.is_empty())
}
