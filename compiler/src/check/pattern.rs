//! The values that the regular expressions of matchers list.

/// The alternatives of a pattern in which only `|` is special.
pub(super) fn alternatives(pattern: &str) -> Option<Vec<&str>> {
    let inner = pattern.strip_prefix('^').unwrap_or(pattern);
    let inner = inner.strip_suffix('$').unwrap_or(inner);
    let inner = inner.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).unwrap_or(inner);
    let parts: Vec<&str> = inner.split('|').collect();
    parts.iter().all(|part| is_plain(part)).then_some(parts)
}

pub(super) fn is_plain(value: &str) -> bool {
    !value.contains(['.', '*', '+', '?', '(', ')', '[', ']', '{', '}', '|', '^', '$', '\\'])
}
