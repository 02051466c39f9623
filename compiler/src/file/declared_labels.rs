//! `[labels]`: the labels that callers may filter on and group by.

use promql_presets_core::LabelUse;

use super::document::{Content, Key, Value};
use super::reader::Reader;
use super::{LABEL_KEYS, LABEL_TYPES, LABEL_USES, Label, LabelType, Labels};
use crate::diagnostic::source::Spanned;
use crate::diagnostic::suggest::nearest;
use crate::sorted::SortedMap;
use crate::{Code, Diagnostic, Span};

impl Reader<'_> {
    pub(super) fn labels(&mut self, key: &Key<'_>, value: &Value<'_>) -> Option<Labels> {
        let table = self.table("labels", value)?;
        let mut labels = Vec::new();
        for (key, value) in table.iter() {
            if let Some(name) = self.dotted(key, value) {
                labels.push(Label { kind: None, ..Label::new(name) });
                continue;
            }
            let name = Spanned { value: key.name.to_string(), span: key.span };
            if let Err(error) = promql_presets_core::LabelName::new(name.value.as_str()) {
                self.report(
                    Diagnostic::new(Code::InvalidName, name.span, format!("invalid label name `{}`", name.value))
                        .label(error.to_string()),
                );
                continue;
            }
            labels.push(self.label(name, value));
        }
        Some(Labels { key: key.span, labels })
    }

    /// Reports an unquoted label with dots, such as `k8s.pod`, which TOML reads as a table `k8s`.
    fn dotted(&mut self, key: &Key<'_>, value: &Value<'_>) -> Option<Spanned<String>> {
        let Content::Table(table) = &value.content else { return None };
        let rest = &self.text[key.span.range().start..];
        let name = rest.split(['=', ']', '\n']).next()?.trim_end();
        let is_plain = |name: &str| name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
        let is_known = |key: &Key<'_>| nearest(&key.name, LABEL_KEYS).is_some();
        if !name.contains('.') || !is_plain(name) || table.iter().all(|(key, _)| is_known(key)) {
            return None;
        }
        let span = Span::of(key.span.range().start..key.span.range().start + name.len());
        let (first, rest) = name.split_once('.')?;
        self.report(
            Diagnostic::new(Code::UnknownKey, span, format!("unknown key `{rest}` in a label"))
                .label(format!("the dot makes `{rest}` a key of the table `{first}`"))
                .help(format!("write `\"{name}\"` for a label of that name")),
        );
        Some(Spanned { value: name.to_owned(), span })
    }

    fn label(&mut self, name: Spanned<String>, value: &Value<'_>) -> Label {
        let (mut label, mut kind, mut usage) = (Label::new(name), None, None);
        match &value.content {
            Content::Table(table) => {
                for (key, value) in table.iter() {
                    match self.known_key(table, key, "a label", &LABEL_KEYS) {
                        "type" | "values" if kind.is_some() => self.report(
                            Diagnostic::new(Code::InvalidValue, key.span, "both `type` and `values` of a label")
                                .label("repeats what the values are")
                                .help("remove one of the two"),
                        ),
                        "type" => kind = Some(self.label_type(value)),
                        "values" => kind = Some(self.label_values(value)),
                        "required" => label.required = self.boolean("required", value).unwrap_or_default(),
                        "prefix" => label.prefix = self.name("prefix", value),
                        "use" => {
                            label.usage = self.usage(value);
                            usage = Some(key.span);
                        }
                        "rust_name" => label.rust_name = self.rust_name(value),
                        "description" => label.description = self.string("description", value),
                        _ => {}
                    }
                }
            }
            Content::Array(_) => kind = Some(self.label_values(value)),
            _ => kind = Some(self.label_type(value)),
        }
        if let Some(span) = usage.filter(|_| label.required && !label.usage.is_filter()) {
            self.report(
                Diagnostic::new(Code::InvalidValue, span, "required label that callers cannot filter on")
                    .help("add `\"filter\"`, or remove `required`"),
            );
        }
        label.kind = kind.unwrap_or(Some(LabelType::String));
        if let Some(prefix) =
            label.prefix.as_ref().filter(|_| label.kind.as_ref().is_some_and(|kind| *kind != LabelType::Uuid))
        {
            self.report(
                Diagnostic::new(Code::InvalidValue, prefix.span, "`prefix` of a label that is not a UUID")
                    .help("remove it, or write `type = \"uuid\"`"),
            );
        }
        label
    }

    fn usage(&mut self, value: &Value<'_>) -> LabelUse {
        let uses = self.distinct_strings("use", "use", value);
        for name in &uses {
            if !LABEL_USES.contains(&&*name.value) {
                self.unknown_value("use of a label", name, &LABEL_USES);
                return LabelUse::Both;
            }
        }
        let has = |name: &str| uses.iter().any(|used| used.value == name);
        match (has(LABEL_USES[0]), has(LABEL_USES[1])) {
            (true, false) => LabelUse::Filter,
            (false, true) => LabelUse::GroupBy,
            (true, true) => LabelUse::Both,
            (false, false) => {
                if matches!(&value.content, Content::Array(uses) if uses.is_empty()) {
                    self.report(
                        Diagnostic::new(Code::InvalidValue, value.span, "a label without a use")
                            .help("write `[\"filter\"]`, or remove the label"),
                    );
                }
                LabelUse::Both
            }
        }
    }

    /// A name in Rust for a label whose own name is not one, or is that of another.
    fn rust_name(&mut self, value: &Value<'_>) -> Option<Spanned<String>> {
        let name = self.name("rust_name", value)?;
        if promql_presets_core::name::is_classic_label(&name.value) {
            return Some(name);
        }
        self.report(
            Diagnostic::new(Code::InvalidName, name.span, format!("invalid `rust_name`: `{}`", name.value))
                .label("a name in Rust is a letter or `_`, then letters, digits and `_`"),
        );
        None
    }

    fn label_type(&mut self, value: &Value<'_>) -> Option<LabelType> {
        if value.is_array() {
            return self.label_values(value);
        }
        if !value.is_str() {
            self.wrong_type(
                "a label's type",
                "a string",
                value,
                "write `\"string\"`, `\"uuid\"`, `\"integer\"`, or a list of values",
            );
            return None;
        }
        let name = self.spanned_string("a label's type", value)?;
        match name.value.as_str() {
            "string" => Some(LabelType::String),
            "uuid" => Some(LabelType::Uuid),
            "integer" => Some(LabelType::Integer),
            other => {
                self.unknown_value("label type", &name, &LABEL_TYPES);
                let known = match other {
                    "str" | "text" => "write `\"string\"`",
                    "int" | "number" | "i64" | "u64" => "write `\"integer\"`",
                    "guid" => "write `\"uuid\"`",
                    "bool" | "boolean" => "write `[\"true\", \"false\"]`",
                    "enum" => "list the values: `[\"...\", \"...\"]`",
                    _ => return None,
                };
                if let Some(last) = self.diagnostics.last_mut() {
                    last.help = Some(known.to_owned());
                }
                None
            }
        }
    }

    fn label_values(&mut self, value: &Value<'_>) -> Option<LabelType> {
        let before = self.diagnostics.len();
        let values = self.distinct_strings("values", "value", value);
        if values.is_empty() && self.diagnostics.len() == before {
            self.report(
                Diagnostic::new(Code::InvalidValue, value.span, "a label without values")
                    .label("no value is listed")
                    .help("list the values, or write `\"string\"` if any will do"),
            );
        }
        (!values.is_empty()).then_some(LabelType::OneOf(values))
    }

    /// A list of strings, each of which is a `what`. Duplicates are reported and left out.
    pub(super) fn distinct_strings(&mut self, key: &str, what: &str, value: &Value<'_>) -> Vec<Spanned<String>> {
        let mut values = self.strings(key, value);
        let mut seen: SortedMap<&str, usize> = SortedMap::default();
        let mut duplicates = Vec::new();
        for (at, value) in values.iter().enumerate() {
            if let Some(first) = seen.get(value.value.as_str()) {
                let title = format!("duplicate {what} `{}`", value.value);
                let finding = Diagnostic::new(Code::DuplicateValue, value.span, title);
                self.diagnostics.push(finding.label("listed twice").secondary(values[*first].span, "already here"));
                duplicates.push(at);
            } else {
                seen.insert_new(value.value.as_str(), at);
            }
        }
        for &at in duplicates.iter().rev() {
            values.remove(at);
        }
        values
    }
}
