//! The labels that a preset file declares, and their values.

use std::borrow::Cow;
use std::fmt;

/// A label that a preset file declares.
#[derive(Clone, Copy, Debug)]
pub struct LabelInfo<'a> {
    /// Its name.
    pub name: &'a str,
    /// Whether every query must filter on it.
    pub required: bool,
    /// The start of all values, such as the `GPU-` before the UUIDs of NVIDIA's exporter; mostly empty.
    pub prefix: &'a str,
    /// The type of its values, after the prefix.
    pub kind: LabelKind<&'a [&'a str]>,
    /// The permitted uses by callers.
    pub usage: LabelUse,
    /// Its description; may be empty.
    pub description: &'a str,
}

/// The uses of a label that callers are permitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelUse {
    /// Filter on it and group by it.
    Both,
    /// Filter on it.
    Filter,
    /// Group by it.
    GroupBy,
}

impl LabelUse {
    /// Whether callers may filter on the label.
    #[must_use]
    pub const fn is_filter(self) -> bool {
        matches!(self, Self::Both | Self::Filter)
    }

    /// Whether callers may group by the label.
    #[must_use]
    pub const fn is_group_by(self) -> bool {
        matches!(self, Self::Both | Self::GroupBy)
    }
}

impl LabelInfo<'_> {
    /// A value as typed setters write it. A UUID can lack the prefix. `None` if the label cannot have the value.
    #[doc(hidden)]
    #[must_use]
    pub fn normalize<'v>(&self, value: &'v str) -> Option<Cow<'v, str>> {
        self.kind.normalize_after(self.prefix, value).or_else(|| {
            let uuid = LabelKind::<&[&str]>::Uuid.normalize(value).filter(|_| self.kind == LabelKind::Uuid)?;
            Some([self.prefix, &uuid].concat().into())
        })
    }

    /// The values in words: a UUID after `GPU-`.
    #[doc(hidden)]
    #[must_use]
    pub fn shown_values(&self) -> String {
        if self.prefix.is_empty() { self.kind.to_string() } else { format!("{} after `{}`", self.kind, self.prefix) }
    }
}

/// The type of a label's values. `V` is the type of a list of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LabelKind<V = &'static [&'static str]> {
    /// Any text.
    String,
    /// UUIDs.
    Uuid,
    /// Whole numbers.
    Integer,
    /// One of these.
    OneOf(V),
}

impl<V> LabelKind<V> {
    /// The kind with a reference to the list of values.
    #[must_use]
    pub const fn as_ref(&self) -> LabelKind<&V> {
        match self {
            Self::String => LabelKind::String,
            Self::Uuid => LabelKind::Uuid,
            Self::Integer => LabelKind::Integer,
            Self::OneOf(values) => LabelKind::OneOf(values),
        }
    }

    /// The kind with another type of list.
    pub fn map<W>(self, list: impl FnOnce(V) -> W) -> LabelKind<W> {
        match self {
            Self::String => LabelKind::String,
            Self::Uuid => LabelKind::Uuid,
            Self::Integer => LabelKind::Integer,
            Self::OneOf(values) => LabelKind::OneOf(list(values)),
        }
    }
}

impl LabelKind<&[&str]> {
    /// Whether the label can have this value.
    #[must_use]
    pub fn admits(self, value: &str) -> bool {
        self.normalize(value).is_some()
    }

    /// The value as typed setters write it: a UUID in lower case, an integer without leading zeros. `None` if the label
    /// cannot have it.
    ///
    /// ```
    /// use promql_presets_core::LabelKind;
    ///
    /// let integer: LabelKind = LabelKind::Integer;
    /// assert_eq!(integer.normalize("0200").as_deref(), Some("200"));
    /// assert_eq!(integer.normalize("2xx"), None);
    /// ```
    #[must_use]
    pub fn normalize(self, value: &str) -> Option<Cow<'_, str>> {
        match self {
            Self::String => Some(value.into()),
            Self::OneOf(values) => values.contains(&value).then(|| value.into()),
            Self::Integer => {
                let number: i128 = value.parse().ok()?;
                // The smallest and the largest that a setter takes.
                let is_possible = (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(&number);
                let is_shortest = !value.trim_start_matches('-').starts_with(['0', '+']) || value == "0";
                is_possible.then(|| if is_shortest { value.into() } else { number.to_string().into() })
            }
            Self::Uuid => {
                let bytes: &[u8; 36] = value.as_bytes().try_into().ok()?;
                let digits: u8 = bytes.iter().map(|byte| u8::from(byte.is_ascii_hexdigit())).sum();
                let is_uuid = [8, 13, 18, 23].iter().all(|at| bytes[*at] == b'-') && digits == 32;
                let is_lower = || !bytes.iter().any(u8::is_ascii_uppercase);
                is_uuid.then(|| if is_lower() { value.into() } else { value.to_ascii_lowercase().into() })
            }
        }
    }
}

impl LabelKind<&[&str]> {
    /// As [`normalize`](Self::normalize), for values with a prefix.
    #[doc(hidden)]
    #[must_use]
    pub fn normalize_after<'v>(self, prefix: &str, value: &'v str) -> Option<Cow<'v, str>> {
        match self.normalize(value.strip_prefix(prefix)?)? {
            Cow::Owned(rest) => Some([prefix, &rest].concat().into()),
            Cow::Borrowed(_) => Some(value.into()),
        }
    }
}

impl fmt::Display for LabelKind<&[&str]> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String => f.write_str("a string"),
            Self::Uuid => f.write_str("a UUID"),
            Self::Integer => f.write_str("an integer"),
            Self::OneOf(values) => write!(f, "one of `{}`", values.join("`, `")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_admit_their_values_only() {
        let uuid = "6a9f3c0e-8d1b-4e5f-9A2C-7b6d5e4f3a21";
        assert!(LabelKind::Uuid.admits(uuid));
        for at in 0..uuid.len() {
            let mut other = uuid.to_owned();
            other.replace_range(at..=at, if uuid.as_bytes()[at] == b'-' { "0" } else { "-" });
            assert!(!LabelKind::Uuid.admits(&other), "{other}");
            assert!(!LabelKind::Uuid.admits(&uuid[..at]));
        }
        assert!(!LabelKind::Uuid.admits("6a9f3c0e-8d1b-4e5f-9a2c-7b6d5e4f3a2g"));
        assert!(LabelKind::Integer.admits("-5") && !LabelKind::Integer.admits("5.0"));
        let one_of: LabelKind = LabelKind::OneOf(&["a"]);
        assert!(one_of.admits("a") && !one_of.admits("b"));
        assert!(
            !LabelKind::Integer.admits("18446744073709551616") && !LabelKind::Integer.admits("-9223372036854775809")
        );
    }

    #[test]
    fn values_are_written_as_by_typed_setters() {
        let normalized = |kind: LabelKind, value| kind.normalize(value).map(Cow::into_owned);
        for (value, expected) in [
            ("0", "0"),
            ("-0", "0"),
            ("+5", "5"),
            ("0200", "200"),
            ("-007", "-7"),
            ("18446744073709551615", "18446744073709551615"),
        ] {
            assert_eq!(normalized(LabelKind::Integer, value).as_deref(), Some(expected));
        }
        let (upper, lower) = ("6A9F3C0E-8D1B-4E5F-9A2C-7B6D5E4F3A21", "6a9f3c0e-8d1b-4e5f-9a2c-7b6d5e4f3a21");
        assert_eq!(normalized(LabelKind::Uuid, upper).as_deref(), Some(lower));
        assert_eq!(normalized(LabelKind::Uuid, lower).as_deref(), Some(lower));
    }
}
