//! Typed conditions on labels.

mod label_value;

use std::borrow::Cow;
use std::marker::PhantomData;

use promql_presets_core::{Condition, IntoCondition, MatchOp, Matcher, Querier};
use uuid::Uuid;

pub use label_value::{LabelValue, MatcherField, ValueEnum};

/// A condition on the values of a label of kind `K`: [`String`], [`Uuid`], [`i64`], or an enum made from a preset file.
///
/// A value itself is the condition `=`; the others come from [`not`], [`one_of`], [`none_of`], and from a [`Pattern`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match<K: ?Sized>(Condition, PhantomData<fn() -> Box<K>>);

impl<K: ?Sized> Match<K> {
    const fn of(condition: Condition) -> Self {
        Self(condition, PhantomData)
    }

    /// The label has exactly this value.
    pub fn equal(value: impl LabelValue<Kind = K>) -> Self {
        Self::of(Condition::new(MatchOp::Equal, value.to_string()))
    }

    /// The condition with the prefix before each value. A pattern is not changed, since it matches the whole value.
    #[doc(hidden)]
    #[must_use]
    pub fn __prefixed(self, prefix: &str) -> Self {
        Self::of(self.0.__prefixed(prefix))
    }

    /// Applies the condition to a label.
    pub fn on<'a>(self, label: impl Into<Cow<'a, str>>) -> Matcher<'a> {
        self.0.on(label)
    }
}

impl<K: ?Sized> From<Match<K>> for Condition {
    fn from(condition: Match<K>) -> Self {
        condition.0
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
pub struct Pattern(Condition);

impl From<Pattern> for Condition {
    fn from(pattern: Pattern) -> Self {
        pattern.0
    }
}

impl<K: ?Sized> From<Pattern> for Match<K> {
    fn from(pattern: Pattern) -> Self {
        Self::of(pattern.0)
    }
}

impl<K: ?Sized> IntoMatch<K> for Pattern {
    fn into_match(self) -> Match<K> {
        self.into()
    }
}

/// [`IntoCondition`] of UUIDs.
#[derive(Debug)]
pub struct OfUuid;

#[diagnostic::do_not_recommend]
impl IntoCondition<OfUuid> for Uuid {
    fn into_condition(self) -> Condition {
        Match::equal(self).into()
    }
}

#[diagnostic::do_not_recommend]
impl IntoCondition<OfUuid> for &Uuid {
    fn into_condition(self) -> Condition {
        Match::equal(self).into()
    }
}

/// Adds a condition on a label whose values are of type `K`, for generated setters.
#[doc(hidden)]
pub fn with_label<K: ?Sized>(querier: Querier, label: &'static str, condition: impl IntoMatch<K>) -> Querier {
    querier.matcher(condition.into_match().on(label))
}

/// Adds labels to group by, for generated queriers.
#[doc(hidden)]
pub fn with_group_by<L>(
    querier: Querier,
    labels: impl IntoIterator<Item = L>,
    name: impl Fn(L) -> &'static str,
) -> Querier {
    querier.group_by(labels.into_iter().map(name))
}

/// Applies a setter if there is a value, for generated queriers.
#[doc(hidden)]
pub fn when_some<Q, T>(querier: Q, value: Option<T>, set: impl FnOnce(Q, T) -> Q) -> Q {
    match value {
        Some(value) => set(querier, value),
        None => querier,
    }
}

/// The label has any other value. Series without the label match too.
pub fn not<V: LabelValue>(value: V) -> Match<V::Kind> {
    Match::of(Condition::new(MatchOp::NotEqual, value.to_string()))
}

/// The label has one of these values, which are escaped. An empty list is an error when the query is rendered.
pub fn one_of<I>(values: I) -> Match<<I::Item as LabelValue>::Kind>
where
    I: IntoIterator<Item: LabelValue>,
{
    Match::of(Condition::list(values.into_iter().map(|value| value.to_string()).collect(), false))
}

/// The label has none of these values, which are escaped. An empty list is an error when the query is rendered.
pub fn none_of<I>(values: I) -> Match<<I::Item as LabelValue>::Kind>
where
    I: IntoIterator<Item: LabelValue>,
{
    Match::of(Condition::list(values.into_iter().map(|value| value.to_string()).collect(), true))
}

/// The whole value matches a regular expression in [RE2 syntax](https://github.com/google/re2/wiki/Syntax).
///
/// [`one_of`] matches a list of values, [`starts_with`] a prefix; both escape their arguments.
pub fn regex(pattern: impl Into<String>) -> Pattern {
    Pattern(Condition::new(MatchOp::Regex, pattern.into()))
}

/// The whole value does not match a regular expression in [RE2 syntax](https://github.com/google/re2/wiki/Syntax).
pub fn not_regex(pattern: impl Into<String>) -> Pattern {
    Pattern(Condition::new(MatchOp::NotRegex, pattern.into()))
}

/// The value starts with a text, which is escaped.
///
/// ```
/// # use promql_presets::{Matcher, starts_with};
/// assert_eq!(Matcher::new("path", starts_with("/v1.")).to_string(), r#"path=~"/v1\\.(?s:.*)""#);
/// ```
pub fn starts_with(prefix: impl AsRef<str>) -> Match<String> {
    Match::of(Condition::starts_with(prefix.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(condition: impl IntoMatch<String>) -> String {
        condition.into_match().on("l").to_string()
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
