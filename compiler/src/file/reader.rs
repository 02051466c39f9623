//! Reads the tables of TOML that all kinds of files have, and preset files themselves.

use std::ops::Range;

use super::document::{self, Content, Fault, Key, Table, Value};
use super::{
    FILE_KEYS, Literal, METRIC_KEYS, Metric, MetricType, PRESET_KEYS, PresetFile, RawPreset, Window, toml_error,
};
use crate::diagnostic::source::{Lines, Spanned};
use crate::diagnostic::suggest::nearest;
use crate::vec_ext::{IntoVec, VecExt};
use crate::{Code, Diagnostic, SourceFile, Span};

/// Reads a preset file.
#[must_use]
pub(crate) fn read(text: &str) -> (PresetFile, Vec<Diagnostic>) {
    let mut file = PresetFile::default();
    let (unreliable, diagnostics) = read_toml(text, &mut |reader, table, complete| file = reader.file(table, complete));
    file.unreliable = unreliable;
    (file, diagnostics)
}

/// Parses a file and passes its table to `content`, with whether it is valid TOML. Returns the ranges around faults of
/// TOML, and all diagnostics.
pub(super) fn read_toml(
    text: &str,
    content: &mut dyn FnMut(&mut Reader<'_>, &Table<'_>, bool),
) -> (Vec<Range<usize>>, Vec<Diagnostic>) {
    let mut reader = Reader { text, lines: Lines::of(text), diagnostics: Vec::new() };
    let mut not_utf8 = text.find(SourceFile::INVALID);
    // Zero bytes beside invalid UTF-8 are UTF-16, which cannot be read.
    let readable = if not_utf8.is_some() && text.contains('\0') { "" } else { text };
    let (table, mut faults) = document::parse(readable);
    if not_utf8.is_some() && faults.is_empty() && !readable.is_empty() {
        let mut all = text.match_indices(SourceFile::INVALID).map(|(at, _)| at);
        not_utf8 = all.find(|at| !is_in_comment(text, &table, *at));
    }
    if let Some(at) = not_utf8 {
        let span = at..at + SourceFile::INVALID.len_utf8();
        faults.insert(0, Fault { message: toml_error::NOT_UTF8.to_owned(), span: Some(span) });
    }
    let (mut diagnostics, unreliable) = toml_error::explain(text, &table, &faults);
    // After a fault of TOML, keys may be missing from the table, so missing keys are not reported.
    content(&mut reader, &table, faults.is_empty());
    let is_unreliable = |diagnostic: &Diagnostic| toml_error::contains(&unreliable, diagnostic.span.start as usize);
    diagnostics.add_all(reader.diagnostics.into_iter().filter(|diagnostic| !is_unreliable(diagnostic)));
    (unreliable, diagnostics)
}

/// Whether a place is in a TOML comment, or in a comment of a query.
fn is_in_comment(text: &str, table: &Table<'_>, at: usize) -> bool {
    let value = table.iter().find_map(|(key, value)| {
        if key.span.range().contains(&at) {
            return Some(false);
        }
        match &value.content {
            Content::Table(table) => (!is_in_comment(text, table, at)).then_some(false),
            _ if value.span.range().contains(&at) => {
                let line = text[value.span.range().start..at].rsplit('\n').next().unwrap_or_default();
                let before = line.split_once('#').map(|(before, _)| before);
                Some(key.name == "template" && before.is_some_and(|before| before.matches('"').count() % 2 == 0))
            }
            _ => None,
        }
    });
    value.unwrap_or(true)
}

pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) lines: Lines<'a>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl Reader<'_> {
    pub(super) fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    pub(super) fn file(&mut self, table: &Table<'_>, complete: bool) -> PresetFile {
        let mut file = PresetFile::default();
        for (key, value) in table.iter() {
            match self.file_key(table, key, value) {
                "description" => file.description = self.string("description", value),
                "category" => file.category = self.name("category", value).map(|name| name.value),
                "features" => file.features = self.strings("features", value),
                "metric" => file.metric = self.metric(key, value, complete),
                "labels" => file.labels = self.labels(key, value),
                "presets" => file.presets = self.presets(value, complete),
                _ => {}
            }
        }
        if complete && file.presets.is_empty() && file.metric.is_none() && self.diagnostics.is_empty() {
            self.report(
                Diagnostic::new(Code::MissingKey, Span::default(), "no presets in this file")
                    .help("write a table `[presets.NAME]` with a `template`, or a table `[metric]` with a `name`"),
            );
        }
        file
    }

    pub(super) fn metric(&mut self, key: &Key<'_>, value: &Value<'_>, complete: bool) -> Option<Metric> {
        let table = self.table("metric", value)?;
        let (mut name, mut kind, mut unit, mut scrape_interval) = (None, None, None, None);
        for (key, value) in table.iter() {
            match self.known_key(table, key, "`[metric]`", &METRIC_KEYS) {
                "name" => name = self.name("name", value),
                "type" => kind = self.metric_type(value),
                "unit" => unit = self.spanned_string("unit", value),
                "scrape_interval" => scrape_interval = self.positive_duration("scrape_interval", value),
                _ => {}
            }
        }
        let is_name = |key: &Key<'_>| nearest(&key.name, METRIC_KEYS) == Some("name");
        if name.is_none() && complete && !table.iter().any(|(key, _)| is_name(key)) {
            self.report(
                Diagnostic::new(Code::MissingKey, key.span, "missing `name` in `[metric]`")
                    .label("names no metric")
                    .help("add `name = \"...\"`, or leave `[metric]` out if the templates name their metrics"),
            );
        }
        name.map(|name| Metric { name, kind, unit, scrape_interval })
    }

    pub(super) fn metric_type(&mut self, value: &Value<'_>) -> Option<Spanned<MetricType>> {
        let name = self.spanned_string("type", value)?;
        let found = MetricType::find(&name.value);
        if found.is_none() {
            let names = MetricType::ALL.map(|(known, _)| known);
            self.unknown_value("metric type", &name, &names);
        }
        found.map(|value| Spanned { value, span: name.span })
    }

    pub(super) fn presets(&mut self, value: &Value<'_>, complete: bool) -> Vec<RawPreset> {
        let Content::Table(table) = &value.content else {
            self.wrong_type("presets", "a table", value, "write a table `[presets.NAME]` for each preset");
            return Vec::new();
        };
        let is_key = |(key, value): &&(Key<'_>, Value<'_>)| PRESET_KEYS.contains(&&*key.name) && !value.is_table();
        let (keys, presets): (Vec<_>, Vec<_>) = table.iter().partition(is_key);
        if let Some((key, _)) = keys.first() {
            let title = format!("`{}` outside a preset", key.name);
            self.report(
                Diagnostic::new(Code::WrongType, key.span, title)
                    .label("directly in `[presets]`, which holds only named presets")
                    .help("give the preset a name: `[presets.NAME]`"),
            );
        }
        presets.into_iter().filter_map(|(key, value)| self.preset(key, value, complete)).into_vec()
    }

    pub(super) fn preset(&mut self, key: &Key<'_>, value: &Value<'_>, complete: bool) -> Option<RawPreset> {
        let name = Spanned { value: key.name.to_string(), span: key.span };
        let Content::Table(table) = &value.content else {
            let title = format!("preset `{}` must be a table, not {}", name.value, with_article(value));
            self.report(
                Diagnostic::new(Code::WrongType, value.span, title)
                    .help(format!("write a table `[presets.{}]` with a `template`", name.value)),
            );
            return None;
        };
        let is_foreign = |key: &Key<'_>| !PRESET_KEYS.contains(&&*key.name);
        if ["labels", "metric"].contains(&name.value.as_str())
            && !table.contains_key("template")
            && table.iter().any(|(key, _)| is_foreign(key))
        {
            let title = format!("`[presets.{}]` without a template", name.value);
            self.report(
                Diagnostic::new(Code::UnknownKey, name.span, title)
                    .label("would be a preset of that name")
                    .help(format!("write `[{}]`", name.value)),
            );
            return None;
        }
        let line = self.lines.line(name.span.start);
        let mut preset = RawPreset {
            name,
            line,
            title: None,
            category: None,
            description: None,
            template: None,
            unit: None,
            window: None,
            parameters: Vec::new(),
            allow: Vec::new(),
            tests: Vec::new(),
        };
        let mut unknown = Vec::new();
        for (key, value) in table.iter() {
            match self.preset_key(table, &preset.name.value, key, value) {
                "template" => preset.template = self.literal("template", value),
                "title" => preset.title = self.name("title", value).map(|name| name.value),
                "category" => preset.category = self.name("category", value).map(|name| name.value),
                "description" => preset.description = self.string("description", value),
                "unit" => preset.unit = self.spanned_string("unit", value),
                "window" => {
                    let duration = self.positive_duration("window", value);
                    preset.window = Some(Window { key: key.span, duration });
                }
                "parameters" => preset.parameters = self.parameters(value),
                "allow" => preset.allow = self.allow(value),
                "tests" => preset.tests = self.tests(value, complete),
                _ => unknown.push(value),
            }
        }
        let is_template = |key: &Key<'_>| nearest(&key.name, PRESET_KEYS) == Some("template");
        let has_template = table.contains_key("template") || table.iter().any(|(key, _)| is_template(key));
        let may_be_template = |value: &Value<'_>| value.is_str() || value.is_table();
        if complete && !has_template && !unknown.iter().any(|value| may_be_template(value)) {
            let title = format!("missing `template` in preset `{}`", preset.name.value);
            self.report(
                Diagnostic::new(Code::MissingKey, preset.name.span, title)
                    .label("a preset needs a query")
                    .help("add `template = '...'` with the PromQL"),
            );
        }
        Some(preset)
    }

    /// [`known_key`](Self::known_key) of a file. Also recognizes presets outside `[presets]`.
    pub(super) fn file_key(&mut self, table: &Table<'_>, key: &Key<'_>, value: &Value<'_>) -> &'static str {
        let name = &*key.name;
        let help = match &value.content {
            _ if FILE_KEYS.contains(&name) || nearest(name, FILE_KEYS).is_some() => None,
            Content::Table(table) if table.contains_key("template") => Some(format!("write `[presets.{name}]`")),
            _ if PRESET_KEYS.contains(&name) => Some(format!("write `{name}` below a table `[presets.NAME]`")),
            _ => None,
        };
        let Some(help) = help else { return self.known_key(table, key, "a preset file", &FILE_KEYS) };
        let title = format!("unknown key `{name}` in a preset file");
        self.report(Diagnostic::new(Code::UnknownKey, key.span, title).help(help));
        ""
    }

    /// [`known_key`](Self::known_key) of a preset. Also recognizes common names of other keys.
    pub(super) fn preset_key(
        &mut self,
        table: &Table<'_>,
        preset: &str,
        key: &Key<'_>,
        value: &Value<'_>,
    ) -> &'static str {
        let name = &*key.name;
        let help = match &value.content {
            _ if PRESET_KEYS.contains(&name) || nearest(name, PRESET_KEYS).is_some() => None,
            Content::Table(_) => Some(format!("presets do not nest; write `[presets.{preset}_{name}]`")),
            _ if FILE_KEYS.contains(&name) => Some(format!("write `{name}` above the first table of the file")),
            Content::String(_) if !table.contains_key("template") => {
                Some("write the query as `template = '...'`".to_owned())
            }
            _ => None,
        };
        let Some(help) = help else { return self.known_key(table, key, "a preset", &PRESET_KEYS) };
        let title = format!("unknown key `{name}` in a preset");
        self.report(Diagnostic::new(Code::UnknownKey, key.span, title).help(help));
        ""
    }

    pub(super) fn table<'v, 'i>(&mut self, what: &str, value: &'v Value<'i>) -> Option<&'v Table<'i>> {
        if let Content::Table(table) = &value.content {
            return Some(table);
        }
        let line = if what == "labels" { " with lines such as `job = \"string\"`" } else { "" };
        self.wrong_type(what, "a table", value, &format!("write a table `[{what}]`{line}"));
        None
    }

    pub(super) fn boolean(&mut self, what: &str, value: &Value<'_>) -> Option<bool> {
        let found = value.as_bool();
        if found.is_none() {
            self.wrong_type(what, "a boolean", value, &format!("write `{what} = true` or `{what} = false`"));
        }
        found
    }

    pub(super) fn literal(&mut self, what: &str, value: &Value<'_>) -> Option<Literal> {
        if value.is_str() {
            return Some(Literal::read(self.text, value.span));
        }
        let quoted = self.text.get(value.span.range()).filter(|text| !text.contains(['\n', '\''])).unwrap_or("...");
        let help = match &value.content {
            Content::Table(_) | Content::Array(_) => "write a string in quotes: `'...'`".to_owned(),
            _ => format!("put it in quotes: `'{quoted}'`"),
        };
        self.wrong_type(what, "a string", value, &help);
        None
    }

    pub(super) fn spanned_string(&mut self, what: &str, value: &Value<'_>) -> Option<Spanned<String>> {
        Some(Spanned { value: self.string(what, value)?, span: value.span })
    }

    pub(super) fn string(&mut self, what: &str, value: &Value<'_>) -> Option<String> {
        // Faster than a literal, whose places are not needed.
        let text = value.as_str().map(str::to_owned);
        text.or_else(|| self.literal(what, value).map(|literal| literal.text))
    }

    /// A string that is not empty.
    pub(super) fn name(&mut self, what: &str, value: &Value<'_>) -> Option<Spanned<String>> {
        let name = self.spanned_string(what, value)?;
        if name.value.is_empty() {
            self.report(Diagnostic::new(Code::InvalidValue, name.span, format!("empty `{what}`")));
            return None;
        }
        Some(name)
    }

    pub(super) fn strings(&mut self, what: &str, value: &Value<'_>) -> Vec<Spanned<String>> {
        if let Content::Array(values) = &value.content {
            let entry = format!("an entry of `{what}`");
            let wrong: Vec<&Value<'_>> = values.iter().filter(|value| !value.is_str()).into_vec();
            let text = |value: &Value<'_>| self.text.get(value.span.range()).unwrap_or_default().to_owned();
            if let [first, .., last] = wrong.as_slice()
                && wrong.len() == values.len()
                && !wrong.iter().any(|value| value.is_table() || value.is_array())
            {
                let quoted: Vec<String> = wrong.iter().map(|value| format!("\"{}\"", text(value))).into_vec();
                let span = first.span.to(last.span);
                let title = format!("entries of `{what}` must be strings, not {}s", first.kind());
                let help = format!("put them in quotes: `[{}]`", quoted.join(", "));
                self.report(Diagnostic::new(Code::WrongType, span, title).help(help));
                return Vec::new();
            }
            return values.iter().filter_map(|value| self.spanned_string(&entry, value)).into_vec();
        }
        let only = value.as_str().unwrap_or("...");
        self.wrong_type(what, "an array of strings", value, &format!("write `{what} = [\"{only}\"]`"));
        Vec::new()
    }

    pub(super) fn wrong_type(&mut self, what: &str, expected: &str, value: &Value<'_>, help: &str) {
        let what = if what.contains(' ') { what.to_owned() } else { format!("`{what}`") };
        let title = format!("{what} must be {expected}, not {}", with_article(value));
        self.report(Diagnostic::new(Code::WrongType, value.span, title).help(help));
    }

    /// Returns a known key. A misspelt key is reported and read as the known key that it resembles, so that one mistake
    /// gives one message. The result is empty if no key is similar.
    pub(super) fn known_key(
        &mut self,
        table: &Table<'_>,
        key: &Key<'_>,
        place: &str,
        known: &[&'static str],
    ) -> &'static str {
        let name = &*key.name;
        if let Some(known) = known.iter().find(|known| **known == name) {
            return known;
        }
        let title = format!("unknown key `{name}` in {place}");
        let diagnostic = Diagnostic::new(Code::UnknownKey, key.span, title);
        let meant = nearest(name, known.iter().copied());
        self.report(match meant {
            Some(meant) => diagnostic.help(format!("a key with a similar name exists: `{meant}`")),
            None => diagnostic.note(format!("known keys are `{}`", known.join("`, `"))),
        });
        meant.filter(|meant| !table.contains_key(meant)).unwrap_or_default()
    }

    pub(super) fn unknown_value(&mut self, what: &str, found: &Spanned<String>, known: &[&str]) {
        let diagnostic = Diagnostic::new(Code::InvalidValue, found.span, format!("unknown {what} `{}`", found.value));
        let diagnostic = match nearest(&found.value, known.iter().copied()) {
            Some(meant) => diagnostic.help(format!("write `\"{meant}\"`")),
            None => diagnostic,
        };
        self.report(diagnostic.note(format!("values are `{}`", known.join("`, `"))));
    }
}

pub(super) fn with_article(value: &Value<'_>) -> String {
    match value.kind() {
        kind @ ("array" | "integer") => format!("an {kind}"),
        kind => format!("a {kind}"),
    }
}
