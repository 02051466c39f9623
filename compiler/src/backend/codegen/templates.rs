//! The implementations of generated types.
//!
//! They are compiled again in every build of a service, once for each preset file. Therefore, they are few and call into
//! the core. They are text rather than macros, which take longer to expand, and are written out where a derived one
//! brings hidden others, such as `StructuralPartialEq`.

/// The method of a querier that groups.
pub(crate) const GROUP_BY: &str = "\
/// Adds labels to group by.
pub fn group_by(self, labels: impl ::core::iter::IntoIterator<Item = Label>) -> Self {
    Self(__p::with_group_by(self.0, labels, Label::as_str))
}";

/// The method of each querier for optional values.
pub(crate) const WHEN_SOME: &str = "\
/// Applies a setter if there is a value: `.when_some(id, Querier::id)`.
pub fn when_some<T>(self, value: ::core::option::Option<T>, set: impl ::core::ops::FnOnce(Self, T) -> Self) -> Self {
    __p::when_some(self, value, set)
}";

/// The method of a querier that takes the name of a label.
pub(crate) const SET: &str = "\
/// Adds a condition on a label whose name is known at run time only; a plain value means `=`.
///
/// # Errors
///
/// An undeclared label, or a value that the label cannot have.
pub fn set<K>(self, label: impl ::core::convert::Into<__p::Cow<'static, str>>, condition: impl __p::IntoCondition<K>) -> ::core::result::Result<Self, __p::RenderError> {
    ::core::result::Result::map(self.0.__set(__LABELS, label, condition), Self)
}";

/// The traits of a querier, for a newtype around that of the core.
pub(crate) const QUERIER: &str = "\
impl ::core::cmp::PartialEq for Querier {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl ::core::cmp::Eq for Querier {}

impl __p::MetricQuerier for Querier {
    #[inline]
    fn name(&self) -> &str {
        self.0.name()
    }

    #[inline]
    fn labels(&self) -> __p::Cow<'_, [__p::Matcher<'_>]> {
        self.0.labels()
    }

    #[inline]
    fn group_by_labels(&self) -> __p::Cow<'_, [__p::Cow<'_, str>]> {
        self.0.group_by_labels()
    }
}";

/// For a querier whose constructor takes nothing.
pub(crate) const DEFAULT_QUERIER: &str = "\
impl ::core::default::Default for Querier {
    #[inline]
    fn default() -> Self {
        Self::new()
    }
}";

/// An enum of texts.
pub(crate) const TEXT_ENUM: &str = "\
impl ::core::clone::Clone for $Name {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl ::core::marker::Copy for $Name {}

impl ::core::cmp::PartialEq for $Name {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        ::core::mem::discriminant(self) == ::core::mem::discriminant(other)
    }
}

impl ::core::cmp::Eq for $Name {}

impl ::core::hash::Hash for $Name {
    #[inline]
    fn hash<H: ::core::hash::Hasher>(&self, state: &mut H) {
        ::core::hash::Hash::hash(&::core::mem::discriminant(self), state)
    }
}

impl ::core::fmt::Display for $Name {
    #[inline]
    fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl ::core::str::FromStr for $Name {
    type Err = __p::UnknownText;

    #[inline]
    fn from_str(text: &str) -> ::core::result::Result<Self, __p::UnknownText> {
        __p::UnknownText::__find(text, Self::ALL, Self::as_str)
    }
}

__p::serde_enum!($Name);";

/// An enum of labels.
pub(crate) const LABEL_ENUM: &str = "\
impl ::core::convert::AsRef<str> for $Name {
    #[inline]
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}";

/// An enum of the values of a label.
pub(crate) const VALUE_ENUM: &str = "\
impl __p::LabelValue for $Name {
    type Kind = Self;
}

impl __p::ValueEnum for $Name {}

impl ::core::convert::From<$Name> for __p::Condition {
    #[inline]
    fn from(value: $Name) -> Self {
        ::core::convert::From::from(value.as_str())
    }
}";
