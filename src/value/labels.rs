//! The labels of a series.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use promql_presets_core::name::{METRIC_NAME_LABEL, is_bare_label, is_bare_metric};
use promql_presets_core::quote;

/// The labels of a series, sorted by name; the name of the metric is the label `__name__`.
///
/// Cheap to clone: names and most repeated values are shared within one response.
///
/// ```
/// # use promql_presets::Labels;
/// let labels: Labels = [("__name__", "up"), ("job", "api")].into_iter().collect();
/// assert_eq!(labels.get("job"), Some("api"));
/// assert_eq!(labels.to_string(), r#"up{job="api"}"#);
/// ```
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Labels {
    /// Sorted and unique. Series with the same names share them.
    names: Arc<[Arc<str>]>,
    /// In the order of `names`.
    values: Arc<[Arc<str>]>,
}

impl Labels {
    /// Creates labels from sorted, unique names and their values.
    pub(crate) fn from_sorted(names: Arc<[Arc<str>]>, values: Arc<[Arc<str>]>) -> Self {
        debug_assert!(names.is_sorted_by(|a, b| a < b) && names.len() == values.len());
        Self { names, values }
    }

    /// The names, in order, as they are stored.
    #[cfg(test)]
    pub(crate) fn names(&self) -> &Arc<[Arc<str>]> {
        &self.names
    }

    /// The values, in the order of the names, as they are stored.
    #[cfg(test)]
    pub(crate) fn values(&self) -> &[Arc<str>] {
        &self.values
    }

    /// The value of a label, or `None` if the series does not have it. To PromQL, a missing label equals an empty one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let at = self.names.binary_search_by(|probe| (**probe).cmp(name)).ok()?;
        self.values.get(at).map(|value| &**value)
    }

    /// The name of the metric, unless the query removed it.
    #[must_use]
    pub fn metric_name(&self) -> Option<&str> {
        self.get(METRIC_NAME_LABEL)
    }

    /// Iterates over names and values, sorted by name.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + DoubleEndedIterator + Clone {
        self.names.iter().zip(&*self.values).map(|(name, value)| (&**name, &**value))
    }

    /// The number of labels.
    #[must_use]
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are no labels, as after an aggregation without `by`.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

/// Sorts labels by name. If a name is repeated, the last value wins.
impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Labels {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(labels: I) -> Self {
        let sorted: BTreeMap<Arc<str>, Arc<str>> =
            labels.into_iter().map(|(name, value)| (Arc::from(name.as_ref()), Arc::from(value.as_ref()))).collect();
        Self { names: sorted.keys().cloned().collect(), values: sorted.into_values().collect() }
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Writes the labels as a selector: `up{job="api"}`, or `{"my.metric", "a.b"="c"}` where names need quotes.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let metric = self.metric_name();
        let bare = metric.filter(|name| is_bare_metric(name));
        let quoted = metric.filter(|_| bare.is_none()).map(quote);
        let labels = self.iter().filter(|(name, _)| *name != METRIC_NAME_LABEL).map(|(name, value)| {
            let name = if is_bare_label(name) { name.into() } else { Cow::Owned(quote(name)) };
            format!("{name}={}", quote(value))
        });
        let items: Vec<_> = quoted.into_iter().chain(labels).collect();
        f.write_str(bare.unwrap_or_default())?;
        if bare.is_some() && items.is_empty() { Ok(()) } else { write!(f, "{{{}}}", items.join(", ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().copied().collect()
    }

    #[test]
    fn order_and_storage_do_not_matter_for_equality() {
        let one = labels(&[("b", "2"), ("a", "1")]);
        let other = labels(&[("a", "0"), ("a", "1"), ("b", "2")]);
        assert_eq!(one, other);
        assert_eq!(one.iter().collect::<Vec<_>>(), [("a", "1"), ("b", "2")]);
        assert_eq!(one.get("b"), Some("2"));
        assert_eq!(one.get("c"), None);
    }

    #[test]
    fn labels_display_as_a_selector() {
        for (pairs, text) in [
            (&[][..], "{}"),
            (&[("__name__", "up")], "up"),
            (&[("a", "b")], r#"{a="b"}"#),
            (&[("__name__", "a:b"), ("x", "1"), ("y", "2")], r#"a:b{x="1", y="2"}"#),
            (&[("__name__", "my.metric")], r#"{"my.metric"}"#),
            (&[("__name__", "my.metric"), ("a.b", "c")], r#"{"my.metric", "a.b"="c"}"#),
            (&[("a:b", "c"), ("1", "d")], r#"{"1"="d", "a:b"="c"}"#),
            // Keywords and numbers of PromQL.
            (&[("__name__", "sum"), ("inf", "1"), ("by", "2")], r#"{"sum", by="2", "inf"="1"}"#),
            (&[("a", "\r\u{1b}\u{fffd}")], r#"{a="\r\x1b\ufffd"}"#),
            (&[("a", "quote\" slash\\ line\n é")], r#"{a="quote\" slash\\ line\n é"}"#),
        ] {
            assert_eq!(labels(pairs).to_string(), text);
        }
    }
}
