//! The placeholders of a template.

/// The placeholders of a template, as typed holes of the grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Hole {
    /// `{metric_name}`: the name of a selector or a part of it.
    MetricName,
    /// `{labels}`: matchers inside a selector's braces.
    Labels,
    /// `{group_by}`: label names inside a grouping's parentheses.
    GroupBy,
    /// `{window}`: a duration.
    Window,
}

impl Hole {
    /// Every placeholder.
    pub(crate) const ALL: [Self; 4] = [Self::MetricName, Self::Labels, Self::GroupBy, Self::Window];

    /// The names of all placeholders, without braces.
    pub(crate) const NAMES: [&'static str; 4] =
        [Self::MetricName.name(), Self::Labels.name(), Self::GroupBy.name(), Self::Window.name()];

    /// The name, without braces.
    #[must_use]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::MetricName => "metric_name",
            Self::Labels => "labels",
            Self::GroupBy => "group_by",
            Self::Window => "window",
        }
    }

    /// The placeholder with braces.
    #[must_use]
    pub(crate) const fn placeholder(self) -> &'static str {
        match self {
            Self::MetricName => "{metric_name}",
            Self::Labels => "{labels}",
            Self::GroupBy => "{group_by}",
            Self::Window => "{window}",
        }
    }

    /// The length of `{name}` at the start of a text, if it is not one of these: a parameter of the preset.
    pub(crate) fn parameter_at_start(bytes: &[u8]) -> Option<usize> {
        let name = bytes.strip_prefix(b"{")?;
        let len = name.iter().position(|byte| !byte.is_ascii_lowercase() && !byte.is_ascii_digit() && *byte != b'_')?;
        let is_name = name[len] == b'}' && name[0].is_ascii_lowercase();
        (is_name && Self::at_start(bytes).is_none()).then_some(len + 2)
    }

    /// The placeholder that `bytes` starts with.
    pub(crate) fn at_start(bytes: &[u8]) -> Option<Self> {
        Self::ALL.iter().find(|hole| bytes.starts_with(hole.placeholder().as_bytes())).copied()
    }
}
