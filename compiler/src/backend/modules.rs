//! Rust names for a preset file: its module, and the querier that its labels become.

use promql_presets_core::LabelKind;

use crate::backend::names;
use crate::backend::registry::{Label, Preset, Querier, ValueEnum};
use crate::diagnostic::source::Spanned;
use crate::file::toml_string::{basic_string, toml_key};
use crate::file::{Label as DeclaredLabel, Labels, PresetFile};
use crate::hole::Hole;
use crate::sorted::SortedMap;
use crate::vec_ext::{IntoVec, VecExt};
use crate::{Code, Diagnostic, SourceFile, Span};

/// The module path of a file: `vllm/latency.toml` is `["vllm", "latency"]`.
pub(crate) fn module_path(file: &SourceFile, diagnostics: &mut Vec<Diagnostic>) -> Option<Vec<String>> {
    let name = file.name.strip_suffix(".toml").unwrap_or(&file.name);
    let mut path: Option<Vec<String>> = name.split('/').map(names::module).collect();
    // A module `promql_presets` would shadow the crate in `promql_presets::include_presets!()`.
    if let Some(first) = path.as_mut().and_then(|path| path.first_mut()).filter(|first| *first == "promql_presets") {
        first.push('_');
    }
    if path.is_none() {
        let title = format!("invalid name of a preset file: `{}`", file.path);
        let mut diagnostic = Diagnostic::new(Code::InvalidName, Span::default(), title)
            .note("the names of the file and of its folders become modules of Rust");
        diagnostic = match name.split('/').find(|part| names::is_reserved(part)) {
            Some(part) => diagnostic.label(format!("`{part}` is a keyword of Rust")),
            None => diagnostic.label(names::RULE),
        };
        let sanitized: Option<Vec<String>> = name.split('/').map(names::sanitize).collect();
        if let Some(sanitized) = sanitized.filter(|parts| !parts.iter().any(|part| names::is_reserved(part))) {
            diagnostic = diagnostic.help(format!("rename it to `{}.toml`", sanitized.join("/")));
        }
        diagnostics.push(diagnostic);
    }
    path
}

/// The querier of a file with `[labels]`: what its templates take.
pub(crate) fn querier(file: &PresetFile, presets: &[Preset], diagnostics: &mut Vec<Diagnostic>) -> Option<Querier> {
    let declared = file.labels.as_ref()?;
    let texts = || file.presets.iter().filter_map(|preset| preset.template.as_ref());
    let uses = |hole: Hole| texts().any(|template| template.text.contains(hole.placeholder()));
    let (uses_labels, uses_group_by) = (uses(Hole::Labels), uses(Hole::GroupBy));
    if texts().count() > 0 && !uses_labels && !uses_group_by {
        diagnostics.push(
            Diagnostic::new(Code::UnusedLabels, declared.key, "`[labels]` that no template can use")
                .label("no template has `{labels}` or `{group_by}`")
                .help("write `{{{labels}}}` after a metric name, or remove the table"),
        );
    }
    // An error may hide a placeholder.
    if (uses_labels || uses_group_by) && !presets.iter().any(|preset| preset.is_stub) {
        let is_used = |label: &&DeclaredLabel| {
            (uses_labels && label.usage.is_filter()) || (uses_group_by && label.usage.is_group_by())
        };
        diagnostics.add_all(declared.labels.iter().filter(|label| !is_used(label)).map(useless_label));
    }
    // Then all setters exist, so that calls to them compile.
    let may_use_all = presets.iter().any(|preset| preset.is_stub) || !(uses_labels || uses_group_by);
    Some(Querier {
        takes_name: file.metric.is_none() && uses(Hole::MetricName),
        takes_labels: may_use_all || uses_labels,
        takes_group_by: may_use_all || uses_group_by,
        labels: labels(declared, diagnostics),
    })
}

/// Reports a label that no template lets callers use as its `use` allows.
fn useless_label(label: &DeclaredLabel) -> Diagnostic {
    let name = &label.name.value;
    let (only, hole, other) =
        if label.usage.is_filter() { ("filter on", "labels", "group_by") } else { ("group by", "group_by", "filter") };
    Diagnostic::new(Code::UnusedLabels, label.name.span, format!("label `{name}` that callers can never use"))
        .label(format!("only to {only}, and no template has `{{{hole}}}`"))
        .help(format!("add `\"{other}\"` to its `use`, write `{{{hole}}}` in a template, or remove the label"))
}

fn labels(declared: &Labels, diagnostics: &mut Vec<Diagnostic>) -> Vec<Label> {
    let (mut labels, mut suggested): (Vec<Label>, Vec<String>) = (Vec::new(), Vec::new());
    // Setters and variants by name. The two kinds never collide, since the case of the first letter differs.
    let mut taken: SortedMap<String, &Spanned<String>> = SortedMap::default();
    for label in &declared.labels {
        let name = &label.name;
        let (Some(setter), Some(variant)) = (names::setter(label.rust_name()), names::variant(label.rust_name()))
        else {
            let help = format!("name it in Rust: `{}`", with_rust_name(label, "..."));
            diagnostics.push(no_rust_name("label", name).help(help));
            continue;
        };
        if let Some(first) = taken.get(&setter).or(taken.get(&variant)) {
            let all = declared.labels.iter().map(DeclaredLabel::rust_name).chain(suggested.iter().map(String::as_str));
            let free = names::free(setter.trim_start_matches("r#"), all);
            let help = format!("name one of them in Rust: `{}`", with_rust_name(label, &free));
            suggested.push(free);
            diagnostics.push(duplicate(name, first, &setter).help(help));
            continue;
        }
        let kind = label.kind.as_ref().unwrap_or(&LabelKind::String).as_ref();
        let kind = kind.map(|values| value_enum(enum_name(&variant, declared), values, diagnostics));
        taken.insert_new(setter.clone(), name);
        taken.insert_new(variant.clone(), name);
        labels.push(Label {
            name: name.value.clone(),
            span: name.span,
            setter,
            variant,
            kind,
            required: label.required,
            prefix: label.prefix.as_ref().map(|prefix| prefix.value.clone()),
            usage: label.usage,
            description: label.description.clone(),
            is_stub: label.kind.is_none(),
        });
    }
    labels
}

/// The declaration of a label, with a name in Rust.
fn with_rust_name(label: &DeclaredLabel, rust_name: &str) -> String {
    let list = |values: &[Spanned<String>]| values.iter().map(|value| basic_string(&value.value)).into_vec().join(", ");
    let mut keys = match &label.kind {
        Some(LabelKind::OneOf(values)) => format!("values = [{}]", list(values)),
        Some(LabelKind::Uuid) => "type = \"uuid\"".to_owned(),
        Some(LabelKind::Integer) => "type = \"integer\"".to_owned(),
        _ => "type = \"string\"".to_owned(),
    };
    if label.required {
        keys += ", required = true";
    }
    for (key, value) in
        [("prefix", label.prefix.as_ref().map(|it| &it.value)), ("description", label.description.as_ref())]
    {
        keys.extend(value.map(|value| format!(", {key} = {}", basic_string(value))));
    }
    keys += match (label.usage.is_filter(), label.usage.is_group_by()) {
        (true, false) => ", use = [\"filter\"]",
        (false, true) => ", use = [\"group_by\"]",
        _ => "",
    };
    format!("{} = {{ {keys}, rust_name = {} }}", toml_key(&label.name.value), basic_string(rust_name))
}

fn value_enum(name: String, values: &[Spanned<String>], diagnostics: &mut Vec<Diagnostic>) -> ValueEnum {
    let mut variants: Vec<(String, String)> = Vec::new();
    let mut taken: SortedMap<String, &Spanned<String>> = SortedMap::default();
    for value in values {
        let Some(variant) = names::variant(&value.value) else {
            diagnostics.push(no_rust_name("value", value).help("declare the label as `\"string\"`"));
            continue;
        };
        if let Some(first) = taken.get(&variant) {
            diagnostics.push(duplicate(value, first, &variant).help("declare the label as `\"string\"`"));
            continue;
        }
        taken.insert_new(variant.clone(), value);
        variants.push((variant, value.value.clone()));
    }
    ValueEnum { name, variants }
}

fn no_rust_name(what: &str, name: &Spanned<String>) -> Diagnostic {
    let title = format!("invalid name of a {what}: `{}`", name.value);
    Diagnostic::new(Code::InvalidName, name.span, title).label("no letter or digit to make a Rust name from")
}

fn duplicate(name: &Spanned<String>, first: &Spanned<String>, rust: &str) -> Diagnostic {
    let title = format!("`{}` and `{}` become the same name `{rust}`", name.value, first.value);
    Diagnostic::new(Code::DuplicateLabel, name.span, title)
        .label(format!("also becomes `{rust}`"))
        .secondary(first.span, "already taken here")
}

/// The enum of a label's values, named after the label; with a suffix where the module has that name already.
fn enum_name(variant: &str, declared: &Labels) -> String {
    let mut name = variant.to_owned();
    if matches!(variant, "Querier" | "Label") {
        let is_taken = |name: &str| {
            declared.labels.iter().any(|label| names::variant(label.rust_name()).is_some_and(|n| n == name))
        };
        while name == variant || is_taken(&name) {
            name.push_str("Value");
        }
    }
    name
}
