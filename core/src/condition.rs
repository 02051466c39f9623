//! Conditions on labels, with values as text.

use std::borrow::Cow;

use crate::regex::escape;
use crate::{MatchOp, Matcher};

/// A condition on a label, with its values as text: what typed conditions and plain values become.
///
/// A type of your own is a condition on any label if it implements `Into<Condition>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Condition {
    pub(crate) op: MatchOp,
    /// `None` is a list without values, which nothing can match; rendering refuses it.
    pub(crate) value: Option<String>,
    /// Whether the value is a pattern made of a list of values.
    pub(crate) is_list: bool,
}

impl Condition {
    /// The condition of a matcher: an operator, and a value or a pattern.
    #[must_use]
    pub const fn new(op: MatchOp, value: String) -> Self {
        Self { op, value: Some(value), is_list: false }
    }

    /// The label has one of these values, or none of them. The values are escaped.
    #[must_use]
    pub fn list(mut values: Vec<String>, is_negated: bool) -> Self {
        let (single, several) =
            if is_negated { (MatchOp::NotEqual, MatchOp::NotRegex) } else { (MatchOp::Equal, MatchOp::Regex) };
        match values.len() {
            0 => Self { op: several, value: None, is_list: true },
            1 => Self::new(single, values.swap_remove(0)),
            _ => Self { op: several, value: Some(list_pattern(&values)), is_list: true },
        }
    }

    /// The value starts with a text, which is escaped.
    #[must_use]
    pub fn starts_with(prefix: &str) -> Self {
        let mut pattern = String::new();
        // Writing to a `String` cannot fail.
        _ = escape(prefix, &mut pattern);
        // Before Prometheus 3, a dot does not match a line feed.
        pattern.push_str("(?s:.*)");
        Self::new(MatchOp::Regex, pattern)
    }

    /// The condition with the prefix before each value. A pattern is not changed, since it matches the whole value.
    #[doc(hidden)]
    #[must_use]
    pub fn __prefixed(self, prefix: &str) -> Self {
        let value = match (self.op.is_regex(), self.is_list, self.value) {
            (false, _, Some(value)) => Some(format!("{prefix}{value}")),
            (true, true, Some(pattern)) => {
                let values: Vec<String> =
                    list_values(&pattern).iter().map(|value| format!("{prefix}{value}")).collect();
                Some(list_pattern(&values))
            }
            (_, _, value) => value,
        };
        Self { value, ..self }
    }

    /// Applies the condition to a label.
    pub fn on<'a>(self, label: impl Into<Cow<'a, str>>) -> Matcher<'a> {
        Matcher { label: label.into(), op: self.op, value: self.value.map(Cow::Owned), is_list: self.is_list }
    }

    /// Applies the condition to a label, without copying either.
    #[doc(hidden)]
    #[must_use]
    pub fn __on_borrowed<'a>(&'a self, label: &'a str) -> Matcher<'a> {
        let value = self.value.as_deref().map(Cow::Borrowed);
        Matcher { label: Cow::Borrowed(label), op: self.op, value, is_list: self.is_list }
    }
}

/// The pattern that matches each of these values and nothing else.
pub(crate) fn list_pattern(values: &[String]) -> String {
    let mut pattern = String::new();
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            pattern.push('|');
        }
        // Writing to a `String` cannot fail.
        _ = escape(value, &mut pattern);
    }
    pattern
}

/// The values of a [`list_pattern`].
pub(crate) fn list_values(pattern: &str) -> Vec<String> {
    let (mut values, mut chars) = (vec![String::new()], pattern.chars());
    while let Some(c) = chars.next() {
        match (c, values.last_mut()) {
            ('|', _) => values.push(String::new()),
            ('\\', Some(value)) => value.extend(chars.next()),
            (c, Some(value)) => value.push(c),
            (_, None) => {}
        }
    }
    values
}

/// The argument of methods that do not know the type of a label's values: a value of any type, or a condition on values of
/// any type. `K` is a marker.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a condition on a label",
    label = "expected a value, or a condition such as `one_of`",
    note = "values are strings, integers, UUIDs, enums of preset files, and types that implement `Into<Condition>`"
)]
pub trait IntoCondition<K> {
    /// The condition; a value means `=`.
    fn into_condition(self) -> Condition;
}

/// [`IntoCondition`] of values and conditions.
#[derive(Debug)]
pub struct Owned;

/// [`IntoCondition`] of borrowed values and conditions.
#[derive(Debug)]
pub struct Borrowed;

#[diagnostic::do_not_recommend]
impl<T: Into<Condition>> IntoCondition<Owned> for T {
    fn into_condition(self) -> Condition {
        self.into()
    }
}

#[diagnostic::do_not_recommend]
impl<T: Clone + Into<Condition>> IntoCondition<Borrowed> for &T {
    fn into_condition(self) -> Condition {
        self.clone().into()
    }
}

/// A value means `=`.
macro_rules! from_values {
    ($($value:ty)*) => {$(
        impl From<$value> for Condition {
            fn from(value: $value) -> Self {
                Self::new(MatchOp::Equal, value.to_string())
            }
        }
    )*};
}

from_values! { &str String Cow<'_, str> i8 i16 i32 i64 u8 u16 u32 u64 usize }

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn not(value: &str) -> Condition {
        Condition::new(MatchOp::NotEqual, value.to_owned())
    }

    pub(crate) fn regex(pattern: &str) -> Condition {
        Condition::new(MatchOp::Regex, pattern.to_owned())
    }

    pub(crate) fn one_of(values: &[&str]) -> Condition {
        Condition::list(values.iter().map(|value| (*value).to_owned()).collect(), false)
    }

    pub(crate) fn none_of(values: &[&str]) -> Condition {
        Condition::list(values.iter().map(|value| (*value).to_owned()).collect(), true)
    }

    #[test]
    fn values_of_lists_are_read_back() {
        #[expect(clippy::unnecessary_wraps, reason = "as `replace_values` takes it")]
        fn upper(value: &str) -> Option<Cow<'_, str>> {
            Some(value.to_uppercase().into())
        }
        for values in [vec!["a", ""], vec!["a|b", "\\", "x.y*(z)"], vec!["größe", "|"]] {
            let values: Vec<String> = values.into_iter().map(str::to_owned).collect();
            assert_eq!(list_values(&list_pattern(&values)), values);
        }
        let replaced = |condition: Condition| condition.on("l").replace_values(upper).unwrap().map(|m| m.to_string());
        assert_eq!(replaced(one_of(&["a.b", "C"])).as_deref(), Some(r#"l=~"A\\.B|C""#));
        assert_eq!(replaced(not("a")).as_deref(), Some(r#"l!="A""#));
        assert_eq!(replaced(regex("a|b")), None);
        assert_eq!(replaced(one_of(&["A", "B"])), None);
    }

    #[test]
    fn prefixes_stand_before_values_but_not_before_patterns() {
        let shown = |condition: Condition| condition.__prefixed("GPU-").on("l").to_string();
        assert_eq!(shown("a".into()), r#"l="GPU-a""#);
        assert_eq!(shown(not("a")), r#"l!="GPU-a""#);
        assert_eq!(shown(one_of(&["a", "b|c"])), r#"l=~"GPU-a|GPU-b\\|c""#);
        assert_eq!(shown(regex("GPU-.*|x")), r#"l=~"GPU-.*|x""#);
    }
}
