//! Label matchers.

use std::borrow::Cow;
use std::fmt;

use crate::condition::{IntoCondition, list_pattern, list_values};
use crate::regex;

/// The operator of a matcher, see <https://prometheus.io/docs/prometheus/latest/querying/basics/#instant-vector-selectors>.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MatchOp {
    /// `=`: the label has this value.
    Equal,
    /// `!=`: the label has another value.
    NotEqual,
    /// `=~`: the whole value matches a regular expression in RE2 syntax.
    Regex,
    /// `!~`: the whole value does not match a regular expression in RE2 syntax.
    NotRegex,
}

impl MatchOp {
    /// The operator in PromQL.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Regex => "=~",
            Self::NotRegex => "!~",
        }
    }

    /// Whether the value is a regular expression.
    #[must_use]
    pub const fn is_regex(self) -> bool {
        matches!(self, Self::Regex | Self::NotRegex)
    }
}

/// A condition on a label: `kernel_id="4c0e…"`.
///
/// Pass values as they are: they are escaped when the query is rendered.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Matcher<'a> {
    pub(crate) label: Cow<'a, str>,
    pub(crate) op: MatchOp,
    /// `None` is a list without values, which nothing can match; rendering refuses it.
    pub(crate) value: Option<Cow<'a, str>>,
    /// Whether the value is a pattern made of a list of values.
    pub(crate) is_list: bool,
}

impl<'a> Matcher<'a> {
    /// A matcher for a label; a plain value means `=`.
    ///
    /// ```
    /// use promql_presets_core::Matcher;
    /// assert_eq!(Matcher::new("job", "api").to_string(), r#"job="api""#);
    /// assert_eq!(Matcher::new("code", 500).to_string(), r#"code="500""#);
    /// ```
    pub fn new<K>(label: impl Into<Cow<'a, str>>, condition: impl IntoCondition<K>) -> Self {
        condition.into_condition().on(label)
    }

    /// The matcher `label="value"`, without copying either.
    pub fn equal(label: impl Into<Cow<'a, str>>, value: impl Into<Cow<'a, str>>) -> Self {
        Self { label: label.into(), op: MatchOp::Equal, value: Some(value.into()), is_list: false }
    }

    /// The same matcher, which borrows its texts from this one.
    pub(crate) fn borrowed(&'a self) -> Self {
        Self { label: Cow::Borrowed(&self.label), value: self.value.as_deref().map(Cow::Borrowed), ..*self }
    }

    /// The same matcher, independent of what it borrows.
    #[must_use]
    pub fn into_owned(self) -> Matcher<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        Matcher { label: owned(self.label), value: self.value.map(owned), ..self }
    }

    /// The label.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The operator.
    #[must_use]
    pub const fn op(&self) -> MatchOp {
        self.op
    }

    /// The matcher with each of its values replaced: that of a comparison, or those of a list, but no pattern.
    ///
    /// `None` if nothing changes.
    ///
    /// # Errors
    /// The first value for which there is no other.
    pub(crate) fn replace_values(
        &self,
        replace: impl Fn(&str) -> Option<Cow<'_, str>>,
    ) -> Result<Option<Self>, Cow<'_, str>> {
        let Some(value) = self.value() else { return Ok(None) };
        let value = match (self.op, self.is_list) {
            (MatchOp::Equal | MatchOp::NotEqual, _) => match replace(value) {
                Some(Cow::Borrowed(_)) => return Ok(None),
                Some(Cow::Owned(value)) => value,
                None => return Err(value.into()),
            },
            (_, true) => {
                let mut values = Vec::new();
                for value in list_values(value) {
                    match replace(&value).map(Cow::into_owned) {
                        Some(value) => values.push(value),
                        None => return Err(value.into()),
                    }
                }
                list_pattern(&values)
            }
            (_, false) => return Ok(None),
        };
        Ok((Some(&*value) != self.value()).then(|| Self { value: Some(value.into()), ..self.clone() }))
    }

    /// The value, unescaped; `None` for a list without values.
    #[must_use]
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }

    /// Whether it also selects series without the label, which PromQL treats as an empty value.
    ///
    /// ```
    /// use promql_presets_core::Matcher;
    /// assert!(Matcher::new("team", "").matches_empty() && !Matcher::new("team", "a").matches_empty());
    /// ```
    #[must_use]
    pub fn matches_empty(&self) -> bool {
        let is_empty = self.value().is_some_and(|value| match self.op {
            MatchOp::Equal | MatchOp::NotEqual => value.is_empty(),
            MatchOp::Regex | MatchOp::NotRegex => regex::matches_empty(value),
        });
        self.value.is_some() && is_empty == matches!(self.op, MatchOp::Equal | MatchOp::Regex)
    }

    /// Whether it asks for values, but also selects series without the label, mostly because a header or a field was
    /// missing. As a permission, it would permit too much.
    #[doc(hidden)]
    #[must_use]
    pub fn __admits_missing(&self) -> bool {
        matches!(self.op, MatchOp::Equal | MatchOp::Regex) && self.matches_empty()
    }
}

/// Writes PromQL, without quoting the label.
impl fmt::Display for Matcher<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.value().map_or_else(|| "<no values>".to_owned(), crate::quote);
        write!(f, "{}{}{value}", self.label, self.op.as_str())
    }
}
