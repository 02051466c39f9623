//! Reads TOML to tables and values with their places. Recovers from errors, and reports all of them.

use std::borrow::Cow;
use std::ops::Range;

use toml_parser::decoder::ScalarKind;
use toml_parser::parser::{Event, EventKind, RecursionGuard, ValidateWhitespace};
use toml_parser::{ErrorSink, Expected, ParseError, Source};

use crate::Span;
use crate::vec_ext::{IntoVec, VecExt};

/// How deep values and keys nest at most.
const MAX_DEPTH: u32 = 80;

/// An error of the parser.
#[derive(Debug)]
pub(super) struct Fault {
    /// The message: a title and, after `, expected `, what the parser expected.
    pub message: String,
    pub span: Option<Range<usize>>,
}

/// A table, with its entries in the order of the text.
#[derive(Debug, Default)]
pub(super) struct Table<'t> {
    entries: Vec<(Key<'t>, Value<'t>)>,
    /// The indices of the entries, sorted by their keys.
    sorted: Vec<usize>,
    /// Whether it exists only because a key or a header names a table in it: `a` after `[a.b]`, or after `a.b = 1`.
    is_implicit: bool,
    /// Whether a key with dots names a table in it.
    is_dotted: bool,
    /// `{...}`, to which nothing can be added.
    is_inline: bool,
}

/// The name of an entry.
#[derive(Clone, Debug)]
pub(super) struct Key<'t> {
    pub name: Cow<'t, str>,
    pub span: Span,
}

/// A value and its place; that of a table is its header.
#[derive(Debug)]
pub(super) struct Value<'t> {
    pub content: Content<'t>,
    pub span: Span,
}

#[derive(Debug)]
pub(super) enum Content<'t> {
    String(Cow<'t, str>),
    /// `None` if it does not fit.
    Integer(Option<i64>),
    Float(Cow<'t, str>),
    Boolean(bool),
    Datetime,
    Array(Vec<Value<'t>>),
    Table(Table<'t>),
}

impl<'t> Table<'t> {
    /// The entries in the order of the text.
    pub(super) fn iter(&self) -> std::slice::Iter<'_, (Key<'t>, Value<'t>)> {
        self.entries.iter()
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value<'t>> {
        self.find(name).ok().map(|at| &self.entries[self.sorted[at]].1)
    }

    pub(super) fn contains_key(&self, name: &str) -> bool {
        self.find(name).is_ok()
    }

    /// The place of a name among the sorted entries, or where to insert it.
    fn find(&self, name: &str) -> Result<usize, usize> {
        self.sorted.binary_search_by(|at| (*self.entries[*at].0.name).cmp(name))
    }

    fn insert(&mut self, place: usize, key: Key<'t>, value: Value<'t>) {
        self.sorted.insert(place, self.entries.len());
        self.entries.push((key, value));
    }

    fn remove(&mut self, place: usize) -> Value<'t> {
        let removed = self.sorted.remove(place);
        for at in &mut self.sorted {
            *at -= usize::from(*at > removed);
        }
        self.entries.remove(removed).1
    }
}

impl Value<'_> {
    /// Its type as messages name it.
    pub(super) fn kind(&self) -> &'static str {
        match self.content {
            Content::String(_) => "string",
            Content::Integer(_) => "integer",
            Content::Float(_) => "float",
            Content::Boolean(_) => "boolean",
            Content::Datetime => "datetime",
            Content::Array(_) => "array",
            Content::Table(_) => "table",
        }
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        if let Content::String(text) = &self.content { Some(text) } else { None }
    }

    pub(super) fn as_bool(&self) -> Option<bool> {
        if let Content::Boolean(value) = &self.content { Some(*value) } else { None }
    }

    pub(super) fn is_str(&self) -> bool {
        matches!(self.content, Content::String(_))
    }

    pub(super) fn is_table(&self) -> bool {
        matches!(self.content, Content::Table(_))
    }

    pub(super) fn is_array(&self) -> bool {
        matches!(self.content, Content::Array(_))
    }
}

/// Reads a document.
pub(super) fn parse(text: &str) -> (Table<'_>, Vec<Fault>) {
    let source = Source::new(text);
    let tokens = source.lex().into_vec();
    let (mut events, mut faults) = (Vec::with_capacity(tokens.len()), Faults::default());
    let mut whitespace = ValidateWhitespace::new(&mut events, source);
    toml_parser::parser::parse_document(&tokens, &mut RecursionGuard::new(&mut whitespace, MAX_DEPTH), &mut faults);
    let mut parser = Parser { source, events: events.iter(), faults };
    let table = parser.document();
    (table, parser.faults.0)
}

#[derive(Default)]
struct Faults(Vec<Fault>);

impl ErrorSink for Faults {
    fn report_error(&mut self, error: ParseError) {
        let mut message = error.description().to_owned();
        let expected = error.expected().map(|expected| match expected {
            [] => vec!["nothing".to_owned()],
            expected => expected.iter().map(described).into_vec(),
        });
        if let Some(expected) = expected {
            message.push_str(", expected ");
            message.push_str(&expected.join(", "));
        }
        self.0.push(Fault { message, span: error.unexpected().map(|span| span.start()..span.end()) });
    }
}

impl Faults {
    fn report(&mut self, message: impl Into<String>, key: &Key<'_>) {
        self.0.push(Fault { message: message.into(), span: Some(key.span.range()) });
    }
}

fn described(expected: &Expected) -> String {
    match expected {
        Expected::Literal("\n") => "newline".to_owned(),
        Expected::Literal("`") => "'`'".to_owned(),
        Expected::Literal(literal) if literal.contains(|c: char| c.is_ascii_control()) => {
            format!("`{}`", literal.escape_debug())
        }
        Expected::Literal(literal) => format!("`{literal}`"),
        Expected::Description(description) => (*description).to_owned(),
        _ => "etc".to_owned(),
    }
}

/// `a.b.c`: the tables `a` and `b`, and the key `c` in them.
type Path<'t> = (Vec<Key<'t>>, Option<Key<'t>>);

struct Parser<'p, 't> {
    source: Source<'t>,
    events: std::slice::Iter<'p, Event>,
    faults: Faults,
}

/// A table that is being read.
#[derive(Default)]
struct Open<'t> {
    /// Its header; the first table has none.
    header: Option<Header<'t>>,
    table: Table<'t>,
}

/// `[a.b]` or `[[a.b]]`.
struct Header<'t> {
    path: Path<'t>,
    span: Span,
    is_array: bool,
}

impl<'t> Parser<'_, 't> {
    fn document(&mut self) -> Table<'t> {
        let (mut root, mut open) = (Table::default(), Open::default());
        while let Some(event) = self.events.next() {
            match event.kind() {
                EventKind::StdTableOpen | EventKind::ArrayTableOpen => {
                    self.close(&mut root, open);
                    let header = self.header(event);
                    open = self.open(&mut root, header);
                }
                EventKind::SimpleKey => {
                    let (path, Some(key)) = self.key(event) else { break };
                    self.skip_whitespace();
                    if self.events.next().is_none_or(|event| event.kind() != EventKind::KeyValSep) {
                        break;
                    }
                    self.skip_whitespace();
                    let value = match self.events.next() {
                        Some(event) => self.value(event),
                        None => None,
                    };
                    self.add(&mut open.table, &path, key, value.unwrap_or_else(missing), false);
                }
                _ => {}
            }
        }
        self.close(&mut root, open);
        root
    }

    fn skip_whitespace(&mut self) {
        if self.peek(0) == Some(EventKind::Whitespace) {
            self.events.next();
        }
    }

    fn peek(&self, ahead: usize) -> Option<EventKind> {
        self.events.as_slice().get(ahead).map(Event::kind)
    }

    fn header(&mut self, first: &Event) -> Header<'t> {
        let mut header =
            Header { path: (Vec::new(), None), span: span(first), is_array: first.kind() == EventKind::ArrayTableOpen };
        while let Some(event) = self.events.next() {
            match event.kind() {
                EventKind::ArrayTableClose | EventKind::StdTableClose => {
                    header.span = header.span.to(span(event));
                    break;
                }
                EventKind::SimpleKey => header.path = self.key(event),
                _ => {}
            }
        }
        header
    }

    /// A key with dots, from its first part on.
    fn key(&mut self, first: &Event) -> Path<'t> {
        let mut parts = vec![self.part(first)];
        let goes_on = |parser: &Self| match parser.peek(0) {
            Some(EventKind::Whitespace) => parser.peek(1) == Some(EventKind::KeySep),
            next => next == Some(EventKind::KeySep),
        };
        while goes_on(self) {
            let Some(event) = self.events.find(|event| event.kind() == EventKind::SimpleKey) else { break };
            parts.push(self.part(event));
        }
        if parts.len() > MAX_DEPTH as usize {
            self.faults.0.push(Fault { message: "recursion limit".to_owned(), span: None });
            return (Vec::new(), None);
        }
        let last = parts.pop();
        (parts, last)
    }

    fn part(&mut self, event: &Event) -> Key<'t> {
        let mut name = Cow::Borrowed("");
        if let Some(raw) = self.source.get(event) {
            raw.decode_key(&mut name, &mut self.faults);
        }
        Key { name, span: span(event) }
    }

    /// The value that begins with an event, if a value does.
    fn value(&mut self, event: &Event) -> Option<Value<'t>> {
        match event.kind() {
            EventKind::InlineTableOpen => Some(self.inline_table(event)),
            EventKind::ArrayOpen => Some(self.array(event)),
            EventKind::Scalar => Some(self.scalar(event)),
            _ => None,
        }
    }

    fn scalar(&mut self, event: &Event) -> Value<'t> {
        let Some(raw) = self.source.get(event) else { return missing() };
        let mut text = Cow::Borrowed("");
        let content = match raw.decode_scalar(&mut text, &mut self.faults) {
            ScalarKind::String => Content::String(text),
            ScalarKind::Boolean(value) => Content::Boolean(value),
            ScalarKind::DateTime => Content::Datetime,
            ScalarKind::Float => Content::Float(text),
            ScalarKind::Integer(radix) => Content::Integer(i64::from_str_radix(&text, radix.value()).ok()),
        };
        Value { content, span: span(event) }
    }

    fn array(&mut self, first: &Event) -> Value<'t> {
        let (mut values, mut current, mut last) = (Vec::new(), None, first);
        while let Some(event) = self.events.next() {
            last = event;
            match event.kind() {
                EventKind::InlineTableOpen | EventKind::ArrayOpen | EventKind::Scalar => current = self.value(event),
                EventKind::ValueSep => values.add_all(current.take()),
                EventKind::ArrayClose => {
                    values.add_all(current.take());
                    break;
                }
                EventKind::Whitespace | EventKind::Comment | EventKind::Newline | EventKind::Error => {}
                _ => break,
            }
        }
        Value { content: Content::Array(values), span: span(first).to(span(last)) }
    }

    fn inline_table(&mut self, first: &Event) -> Value<'t> {
        let mut table = Table { is_inline: true, ..Table::default() };
        let (mut path, mut value, mut last) = ((Vec::new(), None), None, first);
        while let Some(event) = self.events.next() {
            last = event;
            match event.kind() {
                EventKind::SimpleKey => path = self.key(event),
                EventKind::InlineTableOpen | EventKind::ArrayOpen | EventKind::Scalar => value = self.value(event),
                EventKind::ValueSep | EventKind::InlineTableClose => {
                    if let (Some(key), Some(value)) = (path.1.take(), value.take()) {
                        self.add(&mut table, &path.0, key, value, true);
                    }
                    if event.kind() == EventKind::InlineTableClose {
                        break;
                    }
                }
                EventKind::Whitespace
                | EventKind::Comment
                | EventKind::Newline
                | EventKind::Error
                | EventKind::KeyValSep => {}
                _ => break,
            }
        }
        Value { content: Content::Table(table), span: span(first).to(span(last)) }
    }

    /// Adds an entry to a table, or to a table in it.
    fn add(&mut self, table: &mut Table<'t>, path: &[Key<'t>], key: Key<'t>, value: Value<'t>, is_inline: bool) {
        let Some(table) = self.descend(table, path, true, is_inline) else { return };
        match table.find(&key.name) {
            Ok(_) => self.faults.report("duplicate key", &key),
            Err(place) => table.insert(place, key, value),
        }
    }

    /// The table in a table that a path leads to, with those that are missing.
    fn descend<'a>(
        &mut self,
        mut table: &'a mut Table<'t>,
        path: &[Key<'t>],
        is_dotted: bool,
        is_inline: bool,
    ) -> Option<&'a mut Table<'t>> {
        for key in path {
            let place = table.find(&key.name).unwrap_or_else(|place| {
                let new = Table { is_implicit: true, is_dotted, is_inline, ..Table::default() };
                table.insert(place, key.clone(), Value { content: Content::Table(new), span: key.span });
                place
            });
            let value = &mut table.entries[table.sorted[place]].1;
            let kind = match &value.content {
                Content::Table(inner) if inner.is_inline && !is_inline => "inline table",
                _ => value.kind(),
            };
            table = match &mut value.content {
                Content::Table(inner) if kind == "table" => {
                    if is_dotted && !inner.is_implicit {
                        self.faults.report("duplicate key", key);
                        return None;
                    }
                    inner.is_dotted |= is_dotted;
                    inner
                }
                // The last table of `[[a]]`.
                Content::Array(values) if !is_inline && is_array_of_tables(values) => match values.last_mut() {
                    Some(Value { content: Content::Table(last), .. }) => last,
                    _ => return None,
                },
                _ => {
                    let article = if kind.starts_with(['a', 'i']) { "an" } else { "a" };
                    self.faults.report(format!("`{}` is {article} {kind}, so it cannot have more keys", key.name), key);
                    return None;
                }
            };
        }
        Some(table)
    }

    /// Begins a table after its header, with what headers before it added to it.
    fn open(&mut self, root: &mut Table<'t>, header: Header<'t>) -> Open<'t> {
        let mut table = Table::default();
        if !header.is_array
            && let Some(parent) = self.descend(root, &header.path.0, false, false)
            && let Some(key) = &header.path.1
            && let Ok(place) = parent.find(&key.name)
        {
            let old = parent.remove(place).content;
            if !matches!(&old, Content::Table(old) if old.is_implicit && !old.is_dotted) {
                self.faults.report("duplicate key", key);
            }
            if let Content::Table(old) = old {
                table = Table { is_implicit: false, is_dotted: false, ..old };
            }
        }
        Open { header: Some(header), table }
    }

    /// Adds a table to the document.
    fn close(&mut self, root: &mut Table<'t>, open: Open<'t>) {
        let Some(header) = open.header else {
            *root = open.table;
            return;
        };
        let (path, Some(key)) = header.path else { return };
        let Some(parent) = self.descend(root, &path, false, false) else { return };
        let value = Value { content: Content::Table(open.table), span: header.span };
        let place = parent.find(&key.name);
        if !header.is_array {
            match place {
                Ok(place) => parent.entries[parent.sorted[place]].1 = value,
                Err(place) => parent.insert(place, key, value),
            }
            return;
        }
        match place {
            Err(place) => {
                let array = Value { content: Content::Array(vec![value]), span: header.span };
                parent.insert(place, key, array);
            }
            Ok(place) => match &mut parent.entries[parent.sorted[place]].1.content {
                Content::Array(values) if is_array_of_tables(values) => values.push(value),
                _ => self.faults.report("duplicate key", &key),
            },
        }
    }
}

/// Whether an array consists of tables with headers.
fn is_array_of_tables(values: &[Value<'_>]) -> bool {
    matches!(values.last(), Some(Value { content: Content::Table(last), .. }) if !last.is_inline)
}

/// Stands for a value that is not valid TOML, which is reported elsewhere.
fn missing<'t>() -> Value<'t> {
    Value { content: Content::Integer(None), span: Span::default() }
}

fn span(event: &Event) -> Span {
    Span::of(event.span().start()..event.span().end())
}
