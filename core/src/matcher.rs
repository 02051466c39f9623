//! Label matchers.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use crate::UnknownText;

use crate::regex as patterns;

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
    label: Cow<'a, str>,
    op: MatchOp,
    /// `None` is a list without values, which nothing can match; rendering refuses it.
    value: Option<Cow<'a, str>>,
    /// Whether the value is a pattern made of a list of values.
    is_list: bool,
}

impl<'a> Matcher<'a> {
    /// A matcher for a label; a plain value means `=`.
    ///
    /// ```
    /// use promql_presets_core::{Matcher, one_of};
    /// assert_eq!(Matcher::new("job", "api").to_string(), r#"job="api""#);
    /// assert_eq!(Matcher::new("code", one_of(["500", "503"])).to_string(), r#"code=~"500|503""#);
    /// ```
    pub fn new(label: impl Into<Cow<'a, str>>, condition: impl IntoMatch<String>) -> Self {
        condition.into_match().on(label)
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

    /// The value, unescaped; `None` for [`one_of`] or [`none_of`] without values.
    #[must_use]
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }

    /// Whether it also selects series without the label, which PromQL treats as an empty value.
    ///
    /// ```
    /// use promql_presets_core::{Matcher, not, starts_with};
    /// assert!(Matcher::new("team", "").matches_empty() && Matcher::new("team", not("a")).matches_empty());
    /// assert!(Matcher::new("team", starts_with("")).matches_empty() && !Matcher::new("team", "a").matches_empty());
    /// ```
    #[must_use]
    pub fn matches_empty(&self) -> bool {
        let is_empty = self.value().is_some_and(|value| match self.op {
            MatchOp::Equal | MatchOp::NotEqual => value.is_empty(),
            MatchOp::Regex | MatchOp::NotRegex => patterns::matches_empty(value),
        });
        self.value.is_some() && is_empty == matches!(self.op, MatchOp::Equal | MatchOp::Regex)
    }
}

/// Writes PromQL, without quoting the label.
impl fmt::Display for Matcher<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = self.value().map_or_else(|| "<no values>".to_owned(), crate::quote);
        write!(f, "{}{}{value}", self.label, self.op.as_str())
    }
}

/// A condition on the values of a label of kind `K`: [`String`], `uuid::Uuid`, [`i64`], or an enum made from a preset
/// file.
///
/// A value itself is the condition `=`; the others come from [`not`], [`one_of`], [`none_of`], and from a [`Pattern`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match<K: ?Sized> {
    op: MatchOp,
    value: Option<String>,
    is_list: bool,
    kind: PhantomData<fn() -> Box<K>>,
}

impl<K: ?Sized> Match<K> {
    const fn some(op: MatchOp, value: String) -> Self {
        Self { op, value: Some(value), is_list: false, kind: PhantomData }
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

    /// The label has exactly this value.
    pub fn equal(value: impl LabelValue<Kind = K>) -> Self {
        Self::some(MatchOp::Equal, value.to_string())
    }
}

/// The argument of a setter for a label of kind `K`: a value of this type, or a [`Match`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a value of a label whose values are of type `{K}`",
    label = "expected `{K}`, or a condition such as `one_of`",
    note = "parse text first: `text.parse::<{K}>()?`"
)]
pub trait IntoMatch<K: ?Sized> {
    /// The condition; a value means `=`.
    fn into_match(self) -> Match<K>;
}

impl<K: ?Sized> IntoMatch<K> for Match<K> {
    fn into_match(self) -> Self {
        self
    }
}

/// A regular expression that the values of a label of any kind must or must not match, from [`regex`] or [`not_regex`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(MatchOp, String);

impl<K: ?Sized> From<Pattern> for Match<K> {
    fn from(Pattern(op, pattern): Pattern) -> Self {
        Self::some(op, pattern)
    }
}

impl<K: ?Sized> IntoMatch<K> for Pattern {
    fn into_match(self) -> Match<K> {
        self.into()
    }
}

/// The argument of methods that do not know the type of a label's values: a value of any type, or a condition on values of
/// any type. `K` is a marker.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a condition on a label")]
pub trait IntoCondition<K> {
    /// The condition; a value means `=`.
    fn into_condition(self) -> Match<String>;
}

/// [`IntoCondition`] of values.
#[derive(Debug)]
pub struct OfValue;

/// [`IntoCondition`] of conditions on values of type `K`.
#[derive(Debug)]
pub struct OfMatch<K: ?Sized>(PhantomData<K>);

/// [`IntoCondition`] of patterns.
#[derive(Debug)]
pub struct OfPattern;

impl<V: LabelValue> IntoCondition<OfValue> for V {
    fn into_condition(self) -> Match<String> {
        Match::some(MatchOp::Equal, self.to_string())
    }
}

impl<K: ?Sized> IntoCondition<OfMatch<K>> for Match<K> {
    fn into_condition(self) -> Match<String> {
        Match { op: self.op, value: self.value, is_list: self.is_list, kind: PhantomData }
    }
}

impl IntoCondition<OfPattern> for Pattern {
    fn into_condition(self) -> Match<String> {
        self.into()
    }
}

/// A value of a label, displayed as Prometheus stores it.
#[diagnostic::on_unimplemented(message = "`{Self}` is not a value of a label")]
pub trait LabelValue: fmt::Display {
    /// The kind of the labels that have such values.
    type Kind: ?Sized;

    /// The value as text, borrowed if it is one.
    #[doc(hidden)]
    fn __text(&self) -> Cow<'_, str> {
        Cow::Owned(self.to_string())
    }
}

/// An enum of the values of a label, in generated code.
#[doc(hidden)]
pub trait ValueEnum: LabelValue<Kind = Self> + FromStr<Err = UnknownText> {}

impl<T: ValueEnum> From<T> for Match<T> {
    fn from(value: T) -> Self {
        Self::equal(value)
    }
}

impl<T: ValueEnum> IntoMatch<T> for T {
    fn into_match(self) -> Match<T> {
        Match::equal(self)
    }
}

/// Borrowed values, as in `one_of(&values)`.
impl<V: LabelValue> LabelValue for &V {
    type Kind = V::Kind;

    fn __text(&self) -> Cow<'_, str> {
        (**self).__text()
    }
}

/// The label has any other value. Series without the label match too.
pub fn not<V: LabelValue>(value: V) -> Match<V::Kind> {
    Match::some(MatchOp::NotEqual, value.to_string())
}

/// The label has one of these values, which are escaped. An empty list is an error when the query is rendered.
pub fn one_of<I>(values: I) -> Match<<I::Item as LabelValue>::Kind>
where
    I: IntoIterator<Item: LabelValue>,
{
    alternatives(values, MatchOp::Equal, MatchOp::Regex)
}

/// The label has none of these values, which are escaped. An empty list is an error when the query is rendered.
pub fn none_of<I>(values: I) -> Match<<I::Item as LabelValue>::Kind>
where
    I: IntoIterator<Item: LabelValue>,
{
    alternatives(values, MatchOp::NotEqual, MatchOp::NotRegex)
}

/// The whole value matches a regular expression in [RE2 syntax](https://github.com/google/re2/wiki/Syntax).
///
/// [`one_of`] matches a list of values, [`starts_with`] a prefix; both escape their arguments.
pub fn regex(pattern: impl Into<String>) -> Pattern {
    Pattern(MatchOp::Regex, pattern.into())
}

/// The value starts with a text, which is escaped.
///
/// ```
/// # use promql_presets_core::{Matcher, starts_with};
/// assert_eq!(Matcher::new("path", starts_with("/v1.")).to_string(), r#"path=~"/v1\\.(?s:.*)""#);
/// ```
pub fn starts_with(prefix: impl AsRef<str>) -> Match<String> {
    let mut pattern = String::new();
    // Writing to a `String` cannot fail.
    _ = crate::regex::escape(prefix.as_ref(), &mut pattern);
    // Before Prometheus 3, a dot does not match a line feed.
    pattern.push_str("(?s:.*)");
    Match::some(MatchOp::Regex, pattern)
}

/// The whole value does not match a regular expression in [RE2 syntax](https://github.com/google/re2/wiki/Syntax).
pub fn not_regex(pattern: impl Into<String>) -> Pattern {
    Pattern(MatchOp::NotRegex, pattern.into())
}

fn alternatives<I>(values: I, single: MatchOp, several: MatchOp) -> Match<<I::Item as LabelValue>::Kind>
where
    I: IntoIterator<Item: LabelValue>,
{
    let mut values: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    match values.len() {
        0 => Match { op: several, value: None, is_list: true, kind: PhantomData },
        1 => Match::some(single, values.swap_remove(0)),
        _ => Match { op: several, value: Some(list_pattern(&values)), is_list: true, kind: PhantomData },
    }
}

/// The pattern that matches each of these values and nothing else.
fn list_pattern(values: &[String]) -> String {
    let mut pattern = String::new();
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            pattern.push('|');
        }
        // Writing to a `String` cannot fail.
        _ = crate::regex::escape(value, &mut pattern);
    }
    pattern
}

/// The values of a [`list_pattern`].
fn list_values(pattern: &str) -> Vec<String> {
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

/// The type of a field in a struct that derives [`MetricQuerier`](crate::MetricQuerier).
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a condition on a label",
    note = "fields are strings, integers, UUIDs, enums of preset files, a `Match`, or an `Option` of one of these",
    note = "write `#[querier(skip)]` before a field that is not a label"
)]
#[doc(hidden)]
pub trait MatcherField {
    /// The matcher for `label`; `None` for `Option::None`.
    fn matcher<'a>(&'a self, label: &'static str) -> Option<Matcher<'a>>;
}

impl<T: MatcherField> MatcherField for Option<T> {
    fn matcher<'a>(&'a self, label: &'static str) -> Option<Matcher<'a>> {
        self.as_ref()?.matcher(label)
    }
}

#[diagnostic::do_not_recommend]
impl<T: LabelValue> MatcherField for T {
    fn matcher<'a>(&'a self, label: &'static str) -> Option<Matcher<'a>> {
        Some(Matcher::equal(label, self.__text()))
    }
}

impl<K: ?Sized> MatcherField for &Match<K> {
    fn matcher<'a>(&'a self, label: &'static str) -> Option<Matcher<'a>> {
        (**self).matcher(label)
    }
}

impl<K: ?Sized> MatcherField for Match<K> {
    fn matcher<'a>(&'a self, label: &'static str) -> Option<Matcher<'a>> {
        let value = self.value.as_deref().map(Cow::Borrowed);
        Some(Matcher { label: Cow::Borrowed(label), op: self.op, value, is_list: self.is_list })
    }
}

macro_rules! label_values {
    ($($(#[$attribute:meta])* $value:ty => $kind:ty;)*) => {$(
        $(#[$attribute])*
        impl LabelValue for $value {
            type Kind = $kind;
        }

        matches_of! { $(#[$attribute])* $value => $kind; }
    )*};
}

/// A blanket implementation would name its own bounds in errors, instead of what a setter takes.
macro_rules! matches_of {
    ($($(#[$attribute:meta])* $value:ty => $kind:ty;)*) => {$(
        $(#[$attribute])*
        impl From<$value> for Match<$kind> {
            fn from(value: $value) -> Self {
                Self::equal(value)
            }
        }

        $(#[$attribute])*
        impl IntoMatch<$kind> for $value {
            fn into_match(self) -> Match<$kind> {
                Match::equal(self)
            }
        }
    )*};
}

matches_of! {
    &String => String;
    #[cfg(feature = "uuid")]
    &uuid::Uuid => uuid::Uuid;
}

macro_rules! texts {
    ($($value:ty,)*) => {$(
        impl LabelValue for $value {
            type Kind = String;

            fn __text(&self) -> Cow<'_, str> {
                Cow::Borrowed(self)
            }
        }

        matches_of! { $value => String; }
    )*};
}

texts!(&str, String, Cow<'_, str>,);

label_values! {
    i8 => i64;
    i16 => i64;
    i32 => i64;
    i64 => i64;
    u8 => i64;
    u16 => i64;
    u32 => i64;
    u64 => i64;
    usize => i64;
    #[cfg(feature = "uuid")]
    uuid::Uuid => uuid::Uuid;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(condition: impl IntoMatch<String>) -> String {
        Matcher::new("l", condition).to_string()
    }

    #[test]
    fn conditions_on_values_of_any_type_are_of_one_type() {
        fn shown<K>(condition: impl IntoCondition<K>) -> String {
            condition.into_condition().on("l").to_string()
        }
        assert_eq!(shown(5), r#"l="5""#);
        assert_eq!(shown(one_of([500, 503])), r#"l=~"500|503""#);
        assert_eq!(shown(not("a")), r#"l!="a""#);
        assert_eq!(shown(regex("a.*")), r#"l=~"a.*""#);
        assert_eq!(shown(not_regex("a.*")), r#"l!~"a.*""#);
    }

    #[test]
    fn every_operator() {
        assert_eq!(shown("a"), r#"l="a""#);
        assert_eq!(shown(not("a")), r#"l!="a""#);
        assert_eq!(shown(regex("a.*")), r#"l=~"a.*""#);
        assert_eq!(shown(not_regex("a.*")), r#"l!~"a.*""#);
        assert_eq!(shown(one_of(["a.b", "c|d"])), r#"l=~"a\\.b|c\\|d""#);
        assert_eq!(shown(starts_with("a.b|")), r#"l=~"a\\.b\\|(?s:.*)""#);
        assert_eq!(shown(none_of(vec!["a".to_owned(), String::new()])), r#"l!~"a|""#);
    }

    #[test]
    fn one_alternative_is_a_comparison() {
        assert_eq!(shown(one_of(["a.b"])), r#"l="a.b""#);
        assert_eq!(shown(none_of(["a.b"])), r#"l!="a.b""#);
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
        let replaced =
            |condition: Match<String>| condition.on("l").replace_values(upper).unwrap().map(|m| m.to_string());
        assert_eq!(replaced(one_of(["a.b", "C"])).as_deref(), Some(r#"l=~"A\\.B|C""#));
        assert_eq!(replaced(not("a")).as_deref(), Some(r#"l!="A""#));
        assert_eq!(replaced(regex("a|b").into()), None);
        assert_eq!(replaced(one_of(["A", "B"])), None);
    }

    #[test]
    fn prefixes_stand_before_values_but_not_before_patterns() {
        let shown = |condition: Match<String>| condition.__prefixed("GPU-").on("l").to_string();
        assert_eq!(shown("a".into()), r#"l="GPU-a""#);
        assert_eq!(shown(not("a")), r#"l!="GPU-a""#);
        assert_eq!(shown(one_of(["a", "b|c"])), r#"l=~"GPU-a|GPU-b\\|c""#);
        assert_eq!(shown(regex("GPU-.*|x").into()), r#"l=~"GPU-.*|x""#);
    }

    #[test]
    fn empty_lists_have_no_value() {
        assert_eq!(Matcher::new("l", one_of([""; 0])).value(), None);
        assert_eq!(Matcher::new("l", none_of([""; 0])).value(), None);
    }

    #[test]
    fn integers_are_their_digits() {
        let matcher = Match::<i64>::from(-5).on("code");
        assert_eq!(matcher.to_string(), r#"code="-5""#);
        assert_eq!(one_of([1_u8, 2]).on("code").to_string(), r#"code=~"1|2""#);
    }

    #[test]
    fn lists_of_values_can_be_borrowed() {
        let texts = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(shown(one_of(&texts)), r#"l=~"a|b""#);
        assert_eq!(shown(none_of(&["a", "b"])), r#"l!~"a|b""#);
        assert_eq!(shown(one_of(&std::collections::BTreeSet::from(["a", "b"]))), r#"l=~"a|b""#);
        assert_eq!(shown(one_of(texts.iter().map(String::as_str))), r#"l=~"a|b""#);
        assert_eq!(shown(not(&texts[0])), r#"l!="a""#);
        assert_eq!(one_of(&[1_u8, 2]).on("code").to_string(), r#"code=~"1|2""#);
    }
}
