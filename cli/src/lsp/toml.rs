//! The keys and values of a TOML text with their places, as far as it is valid: users are often in the middle of a change.

use promql_presets_compiler::{FileKind, Literal, Span};
use toml_parser::decoder::Encoding;
use toml_parser::parser::{Event, EventKind, parse_document};
use toml_parser::{Raw, Source};

/// The keys and values of a TOML text, in its order.
#[derive(Debug, Default)]
pub(super) struct Outline {
    /// Each name in a key or in the header of a table.
    pub(super) keys: Vec<Key>,
    /// Each value that is not a table or an array.
    pub(super) values: Vec<Value>,
    /// The tables, inline tables included. The whole text is the first.
    tables: Vec<Key>,
    /// Where values begin, after `=`.
    starts: Vec<Key>,
}

/// A place with its path: the names of the keys that lead to it. Arrays add nothing to a path.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) path: Vec<String>,
    pub(super) span: Span,
}

/// A value.
#[derive(Debug)]
pub(super) struct Value {
    pub(super) path: Vec<String>,
    pub(super) span: Span,
    /// Whether it is a string. An unclosed one ends with the line, or with the text.
    is_string: bool,
    is_closed: bool,
}

impl Value {
    /// Whether it is the template of a preset, in a file of this kind.
    pub(super) fn is_template(&self, kind: FileKind) -> bool {
        let is_key = |at: usize, name: &str| self.path.get(at).is_some_and(|key| key == name);
        kind == FileKind::Presets && self.path.len() == 3 && is_key(0, "presets") && is_key(2, "template")
    }

    /// The content of a string.
    pub(super) fn literal(&self, text: &str) -> Option<Literal> {
        let raw = text.get(self.span.range()).filter(|_| self.is_string)?;
        if self.is_closed {
            return Some(Literal::read(text, self.span));
        }
        let quote = &raw[..1];
        let quotes = if raw.starts_with(&quote.repeat(3)) { quote.repeat(3) } else { quote.to_owned() };
        let end = self.span.end + u32::try_from(quotes.len()).unwrap_or(1);
        let closed = format!("{}{quotes}", &text[..self.span.end as usize]);
        Some(Literal::read(&closed, Span::new(self.span.start, end)))
    }
}

/// Where the cursor is.
#[derive(Debug)]
pub(super) enum Place<'o> {
    /// In a key of the table with this path, or where a key can begin. With the span of the name so far.
    Key(Vec<String>, Span),
    /// In the string that is the value of a key.
    String(&'o Value),
    /// In another value of the key with this path, or where a value can begin.
    Value(Vec<String>, Span),
}

impl Outline {
    pub(super) fn of(text: &str) -> Self {
        let source = Source::new(text);
        let tokens = source.lex().into_vec();
        let mut outline = Builder::default();
        outline.out.tables.push(Key { path: Vec::new(), span: Span::of(0..text.len()) });
        parse_document(&tokens, &mut |event: Event| outline.event(source, &event), &mut ());
        outline.out
    }

    /// The value of a key, if it is neither a table nor an array.
    pub(super) fn value(&self, path: &[&str]) -> Option<&Value> {
        self.values.iter().find(|value| value.path == path)
    }

    /// Where the value of a key begins, after `=`.
    pub(super) fn start(&self, path: &[&str]) -> Option<u32> {
        self.starts.iter().find(|start| start.path == path).map(|start| start.span.end)
    }

    /// The key at an offset.
    pub(super) fn key_at(&self, offset: u32) -> Option<&Key> {
        self.keys.iter().find(|key| key.span.start <= offset && offset <= key.span.end)
    }

    /// The string at an offset, between its quotes.
    pub(super) fn string_at(&self, offset: u32) -> Option<&Value> {
        let is_in = |value: &&Value| {
            let end = if value.is_closed { value.span.end } else { value.span.end + 1 };
            value.is_string && value.span.start < offset && offset < end
        };
        self.values.iter().find(is_in)
    }

    /// The place of an offset.
    pub(super) fn place(&self, text: &str, offset: u32) -> Place<'_> {
        if let Some(value) = self.string_at(offset) {
            return Place::String(value);
        }
        let before = &text[..text.floor_char_boundary(offset as usize)];
        let is_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
        let word = Span::of(before.trim_end_matches(is_word).len()..before.len());
        if let Some(key) = self.key_at(offset) {
            let (_, parent) = key.path.split_last().unwrap_or((&String::new(), &[]));
            return Place::Key(parent.to_vec(), Span::new(key.span.start, offset));
        }
        // After `=` on this line, unless something has ended the value.
        if let Some(start) = self.starts.iter().rev().find(|start| start.span.end <= offset) {
            let between = &text[start.span.end as usize..before.len()];
            if !between.contains(['\n', '}']) && self.table(offset).span.start <= start.span.start {
                let is_listed = between.trim_start().starts_with('[');
                if is_listed || !between.contains(',') {
                    return Place::Value(start.path.clone(), word);
                }
            }
        }
        Place::Key(self.table(offset).path.clone(), word)
    }

    /// The innermost table at an offset.
    pub(super) fn table(&self, offset: u32) -> &Key {
        let is_in = |table: &&Key| table.span.start <= offset && offset <= table.span.end;
        let innermost = self.tables.iter().filter(is_in).max_by_key(|table| table.span.start);
        innermost.unwrap_or(&self.tables[0])
    }

    /// The keys of a table.
    pub(super) fn keys_of(&self, path: &[String]) -> impl Iterator<Item = &str> {
        let below = move |key: &&Key| key.path.len() == path.len() + 1 && key.path.starts_with(path);
        self.keys.iter().filter(below).filter_map(|key| key.path.last().map(String::as_str))
    }
}

/// Follows the events of the parser.
#[derive(Default)]
struct Builder {
    out: Outline,
    /// The table that keys are in.
    base: Vec<String>,
    /// The key so far, below the table.
    key: Vec<String>,
    in_header: bool,
    /// For each open array and inline table: the table and the key to return to, whether it is an array, and the index of
    /// its table.
    open: Vec<(Vec<String>, Vec<String>, bool, usize)>,
}

impl Builder {
    fn path(&self) -> Vec<String> {
        if self.in_header { self.key.clone() } else { [&self.base[..], &self.key].concat() }
    }

    fn event(&mut self, source: Source<'_>, event: &Event) {
        let span = Span::of(event.span().start()..event.span().end());
        match event.kind() {
            EventKind::StdTableOpen | EventKind::ArrayTableOpen => self.open_header(source, span),
            EventKind::StdTableClose | EventKind::ArrayTableClose => {
                self.base = std::mem::take(&mut self.key);
                self.in_header = false;
                if let Some(table) = self.out.tables.last_mut() {
                    table.path.clone_from(&self.base);
                }
            }
            EventKind::SimpleKey => {
                let mut name = String::new();
                if let Some(raw) = source.get(event) {
                    Raw::decode_key(&raw, &mut name, &mut ());
                }
                self.key.push(name);
                self.out.keys.push(Key { path: self.path(), span });
            }
            EventKind::KeyValSep => self.out.starts.push(Key { path: self.path(), span }),
            EventKind::Scalar => {
                let raw = source.input().get(span.range()).unwrap_or_default();
                let (is_string, is_closed) = (event.encoding().is_some(), is_closed(raw, event.encoding()));
                self.out.values.push(Value { path: self.path(), span, is_string, is_closed });
            }
            EventKind::InlineTableOpen => self.open_value(source, span, false),
            EventKind::ArrayOpen => self.open_value(source, span, true),
            EventKind::InlineTableClose | EventKind::ArrayClose => self.close_value(source, span),
            EventKind::ValueSep if !self.open.last().is_some_and(|open| open.2) => self.key.clear(),
            EventKind::Newline if self.open.is_empty() => self.key.clear(),
            _ => {}
        }
    }

    /// The start of a header, which ends the tables before it.
    fn open_header(&mut self, source: Source<'_>, span: Span) {
        // Arrays and inline tables that are still open end here.
        self.open.clear();
        self.key.clear();
        self.in_header = true;
        for table in self.out.tables.iter_mut().filter(|table| table.span.end > span.start) {
            table.span.end = span.start;
        }
        self.out.tables.push(Key { path: Vec::new(), span: Span::new(span.start, end_of(source)) });
    }

    /// The start of an array or an inline table.
    fn open_value(&mut self, source: Source<'_>, span: Span, is_array: bool) {
        let table = self.out.tables.len();
        self.open.push((self.base.clone(), self.key.clone(), is_array, table));
        if !is_array {
            let path = self.path();
            self.out.tables.push(Key { path: path.clone(), span: Span::new(span.end, end_of(source)) });
            self.base = path;
            self.key.clear();
        }
    }

    fn close_value(&mut self, source: Source<'_>, span: Span) {
        let Some((base, key, is_array, table)) = self.open.pop() else { return };
        (self.base, self.key) = (base, key);
        if !is_array {
            // Without a closing brace, the rest of the line is in the table.
            let rest = source.input()[span.start as usize..].lines().next().filter(|_| span.start == span.end);
            let rest = rest.map_or(0, |rest| u32::try_from(rest.len()).unwrap_or(0));
            self.out.tables[table].span.end = span.start + rest;
        }
    }
}

fn end_of(source: Source<'_>) -> u32 {
    u32::try_from(source.input().len()).unwrap_or(u32::MAX)
}

/// Whether a scalar has its closing quotes.
fn is_closed(raw: &str, encoding: Option<Encoding>) -> bool {
    match encoding {
        Some(Encoding::LiteralString) => raw.len() > 1 && raw.ends_with('\''),
        Some(Encoding::BasicString) => raw.len() > 1 && raw.ends_with('"') && !raw.ends_with("\\\""),
        Some(Encoding::MlLiteralString) => raw.len() > 5 && raw.ends_with("'''"),
        Some(Encoding::MlBasicString) => raw.len() > 5 && raw.ends_with("\"\"\""),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> String {
        let offset = text.find('|').unwrap();
        let text = text.replacen('|', "", 1);
        let outline = Outline::of(&text);
        match outline.place(&text, u32::try_from(offset).unwrap()) {
            Place::Key(path, span) => format!("key of {} after {}", path.join("."), &text[span.range()]),
            Place::String(value) => format!("string {}", value.path.join(".")),
            Place::Value(path, span) => format!("value of {} after {}", path.join("."), &text[span.range()]),
        }
    }

    #[test]
    fn places_in_sound_and_in_broken_files() {
        for (text, expected) in [
            ("|", "key of  after "),
            ("des|", "key of  after des"),
            ("a = 1\n|\n[b]\n", "key of  after "),
            ("a = 1\n[b.c]\nx = 1\nte|\n[d]\n", "key of b.c after te"),
            ("[b.c]\nx = 1\n\n|\n", "key of b.c after "),
            ("[[b.c]]\n|", "key of b.c after "),
            ("[b]\nc.d|\n", "key of b.c after d"),
            ("[pre|]\n", "key of  after pre"),
            ("[b]\nc = { |", "key of b.c after "),
            ("[b]\nc = { d = 1, e| }\nf = 1", "key of b.c after e"),
            ("[b]\nc = [{ d = 1 }, { e|", "key of b.c after e"),
            ("[b]\nc = |\nd = 1", "value of b.c after "),
            ("[b]\nc = tr|", "value of b.c after tr"),
            ("[b]\nc = \"x|y\"\n", "string b.c"),
            ("[b]\nc = \"x|\nd = 1\n", "string b.c"),
            ("[b]\nc = 'sum(|", "string b.c"),
            ("[b]\nc = '''\nsum(|\n[d]\n", "string b.c"),
            ("[b]\nc = [\"x|\", \"y\"]", "string b.c"),
            ("[b]\nc = [\"x\", \"|\"]", "string b.c"),
            ("[b]\nc = [|]", "value of b.c after "),
            ("[b]\nc = { d = |", "value of b.c.d after "),
            ("[b]\nc = { d = '|' }", "string b.c.d"),
            ("[b]\nc = { d = 1 }\n|", "key of b after "),
            ("[b]\nc = 1\n[|", "key of  after "),
        ] {
            assert_eq!(place(text), expected, "{text:?}");
        }
    }

    #[test]
    fn contents_of_strings_without_an_end() {
        for (text, content) in [("a = 'x", "x"), ("a = '''\nx\n", "x\n"), ("a = \"x\\\"", "x\""), ("a = \"", "")] {
            let outline = Outline::of(text);
            let literal = outline.values[0].literal(text).unwrap();
            assert_eq!(literal.text, content, "{text}");
        }
    }

    #[test]
    fn keys_with_their_paths() {
        let text = "x.\"y z\" = 1\n[presets.a]\nallow = [{ check = 'b' }]\n[[presets.a.tests]]\nname = 'c'\n";
        let outline = Outline::of(text);
        let keys: Vec<String> = outline.keys.iter().map(|key| key.path.join("/")).collect();
        assert_eq!(keys[..3], ["x", "x/y z", "presets"]);
        assert!(
            keys.contains(&"presets/a/allow/check".to_owned()) && keys.contains(&"presets/a/tests/name".to_owned())
        );
        assert_eq!(outline.value(&["presets", "a", "tests", "name"]).unwrap().literal(text).unwrap().text, "c");
    }
}
