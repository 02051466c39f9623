//! Rust names of constants, modules, setters and variants.

use crate::vec_ext::IntoVec;

/// Keywords that cannot be raw identifiers.
const NEVER_RAW: [&str; 5] = ["self", "Self", "super", "crate", "_"];

/// Keywords that must be written as raw identifiers: those of the 2024 edition and the reserved ones.
const KEYWORDS: [&str; 48] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else", "enum",
    "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move",
    "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

/// Methods of a generated querier that are not setters.
const METHODS: [&str; 7] = ["new", "group_by", "when_some", "set", "default", "clone", "into"];

/// The rule for names of presets, files and folders.
pub(crate) const RULE: &str = "a name is a letter, then letters, digits, `_` and `-`";

/// A valid name similar to an invalid one: `rate_5m` for `rate 5m`.
pub(crate) fn sanitize(name: &str) -> Option<String> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let words: Vec<&str> = name.split(|c| !word(c)).filter(|word| !word.is_empty()).collect();
    Some(words.join("_")).filter(|sanitized| name.is_ascii() && is_name(sanitized))
}

/// The constant of a preset: `p95-latency` is `P95_LATENCY`.
pub(crate) fn constant(name: &str) -> Option<String> {
    is_name(name).then(|| name.replace('-', "_").to_ascii_uppercase())
}

/// The module of a file or folder: `container-metrics` is `container_metrics`.
pub(crate) fn module(name: &str) -> Option<String> {
    (is_name(name) && !is_reserved(name)).then(|| raw(name.replace('-', "_").to_ascii_lowercase()))
}

/// Whether Rust reserves this name, so that no module can have it.
pub(crate) fn is_reserved(name: &str) -> bool {
    NEVER_RAW.contains(&name.to_ascii_lowercase().as_str())
}

/// A letter, then letters, digits, `_` and `-`.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// The setter of a label: `kernelId` is `kernel_id`, `http.code` is `http_code`.
pub(crate) fn setter(label: &str) -> Option<String> {
    let mut setter = String::with_capacity(label.len());
    let mut after_lower = false;
    for c in label.chars() {
        if !c.is_ascii_alphanumeric() {
            if !setter.ends_with('_') {
                setter.push('_');
            }
        } else if c.is_ascii_uppercase() {
            if after_lower {
                setter.push('_');
            }
            setter.push(c.to_ascii_lowercase());
        } else {
            setter.push(c);
        }
        after_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
    }
    let trimmed = setter.trim_matches('_');
    match trimmed {
        "" => None,
        _ if trimmed.starts_with(|c: char| c.is_ascii_digit()) => Some(format!("label_{trimmed}")),
        _ if METHODS.contains(&trimmed) || NEVER_RAW.contains(&trimmed) => Some(format!("{trimmed}_label")),
        _ => Some(raw(trimmed.to_owned())),
    }
}

/// The variant of a label or of one of its values: `kernel_id` is `KernelId`, `5xx` is `V5xx`, the empty text `Empty`.
pub(crate) fn variant(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some("Empty".to_owned());
    }
    let mut variant = String::with_capacity(text.len());
    for word in text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        let (first, rest) = word.split_at(1);
        variant.push_str(&first.to_ascii_uppercase());
        let shouted = !word.contains(|c: char| c.is_ascii_lowercase());
        variant.push_str(&if shouted { rest.to_ascii_lowercase() } else { rest.to_owned() });
    }
    match variant.chars().next() {
        None => None,
        Some(c) if c.is_ascii_digit() => Some(format!("V{variant}")),
        Some(_) if variant == "Self" => Some("SelfValue".to_owned()),
        Some(_) => Some(variant),
    }
}

/// A name such as `pod_2` that none of these labels has in Rust.
pub(crate) fn free<'l>(name: &str, labels: impl Iterator<Item = &'l str>) -> String {
    let names = |label: &str| (setter(label), variant(label));
    let taken = labels.map(names).into_vec();
    let is_free = |(setter, variant)| taken.iter().all(|it| it.0 != setter && it.1 != variant);
    let mut numbered = (2..).map(|number| format!("{name}_{number}"));
    numbered.find(|name| is_free(names(name))).unwrap_or_default()
}

fn raw(name: String) -> String {
    if KEYWORDS.contains(&name.as_str()) { format!("r#{name}") } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_and_modules() {
        assert_eq!(constant("p95-latency").as_deref(), Some("P95_LATENCY"));
        assert_eq!(module("Container-Metrics").as_deref(), Some("container_metrics"));
        assert_eq!(module("type").as_deref(), Some("r#type"));
        assert_eq!(module("yield").as_deref(), Some("r#yield"));
        for name in ["", "9x", "a b", "größe", "a.b", "_x"] {
            assert_eq!((constant(name), module(name)), (None, None), "{name}");
        }
        assert_eq!(module("self"), None);
        assert_eq!(sanitize("rate 5m (all)").as_deref(), Some("rate_5m_all"));
        assert_eq!((sanitize("5m"), sanitize("größe")), (None, None));
    }

    #[test]
    fn setters() {
        for (label, name) in [
            ("kernel_id", "kernel_id"),
            ("kernelId", "kernel_id"),
            ("http.code", "http_code"),
            ("HTTPCode", "httpcode"),
            ("type", "r#type"),
            ("__tenant__", "tenant"),
            ("2xx", "label_2xx"),
            ("new", "new_label"),
            ("self", "self_label"),
        ] {
            assert_eq!(setter(label).as_deref(), Some(name));
        }
        assert_eq!(setter("_"), None);
    }

    #[test]
    fn variants() {
        for (text, name) in [
            ("kernel_id", "KernelId"),
            ("current", "Current"),
            ("GET", "Get"),
            ("5xx", "V5xx"),
            ("", "Empty"),
            ("self", "SelfValue"),
            ("vLLM-engine", "VLLMEngine"),
        ] {
            assert_eq!(variant(text).as_deref(), Some(name));
        }
        assert_eq!(variant("*"), None);
    }
}
