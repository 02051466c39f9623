//! The labels of a series.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use promql_presets_core::name::{METRIC_NAME_LABEL, is_bare_label, is_bare_metric};
use promql_presets_core::{quote, sort};

/// The labels of a series, sorted by name; the name of the metric is the label `__name__`.
///
/// Cheap to clone. The labels of a response are stored in blocks of about 64 KiB, in which names and repeated values are
/// shared; labels keep their block in memory.
///
/// ```
/// # use promql_presets::Labels;
/// let labels: Labels = [("__name__", "up"), ("job", "api")].into_iter().collect();
/// assert_eq!(labels.get("job"), Some("api"));
/// assert_eq!(labels.to_string(), r#"up{job="api"}"#);
/// ```
#[derive(Clone, Default)]
pub struct Labels {
    /// `None` without labels, and while the decoder has not completed the block, before which it hands out no labels.
    block: Option<Arc<Block>>,
    /// Where the names stand in the block: how many there are, and the indices of their texts. They are sorted and
    /// unique.
    names: u32,
    /// Where the values stand in the block: the indices of their texts, in the order of the names.
    values: u32,
}

/// The labels of several series, which store each text once, in few allocations.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    text: String,
    /// Where the texts begin, and where the last one ends.
    bounds: Vec<u32>,
    /// Lists of indices of texts, and the lengths of those of names. The first one is empty, for labels without names.
    rows: Vec<u32>,
}

static EMPTY: Block = Block { text: String::new(), bounds: Vec::new(), rows: Vec::new() };

impl Default for Block {
    fn default() -> Self {
        Self { text: String::new(), bounds: vec![0], rows: vec![0] }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the decoder keeps blocks small")]
impl Block {
    /// Adds a text. Returns its index.
    pub(crate) fn add(&mut self, text: &str) -> u32 {
        let index = self.bounds.len() as u32 - 1;
        self.text.push_str(text);
        self.bounds.push(self.text.len() as u32);
        index
    }

    /// Adds names by the indices of their texts, sorted and unique. Returns where they stand.
    pub(crate) fn add_names(&mut self, names: &[u32]) -> u32 {
        let at = self.add_values(&[names.len() as u32]);
        self.add_values(names);
        at
    }

    /// Adds values by the indices of their texts, in the order of their names. Returns where they stand.
    pub(crate) fn add_values(&mut self, values: &[u32]) -> u32 {
        let at = self.rows.len() as u32;
        self.rows.extend_from_slice(values);
        at
    }

    /// The text with an index.
    #[inline]
    pub(crate) fn get(&self, index: u32) -> &str {
        match self.bounds.get(index as usize..) {
            Some([start, end, ..]) => self.text.get(*start as usize..*end as usize).unwrap_or_default(),
            _ => "",
        }
    }

    /// The memory of the block, in bytes.
    pub(crate) fn size(&self) -> usize {
        self.text.len() + 4 * (self.bounds.len() + self.rows.len())
    }

    /// Removes everything, and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.text.clear();
        self.bounds.truncate(1);
        self.rows.truncate(1);
    }

    fn row(&self, at: u32, len: usize) -> &[u32] {
        self.rows.get(at as usize..).and_then(|rows| rows.get(..len)).unwrap_or_default()
    }
}

impl Labels {
    /// Labels whose names and values stand in a block, which is to be [set](Self::set_block).
    pub(crate) fn in_block(names: u32, values: u32) -> Self {
        Self { block: None, names, values }
    }

    /// Sets the block of labels that have none.
    pub(crate) fn set_block(&mut self, block: &Arc<Block>) {
        if self.names != 0 {
            self.block.get_or_insert_with(|| Arc::clone(block));
        }
    }

    fn block(&self) -> &Block {
        self.block.as_deref().unwrap_or(&EMPTY)
    }

    fn names(&self) -> impl ExactSizeIterator<Item = &str> + DoubleEndedIterator + Clone {
        let block = self.block();
        block.row(self.names + 1, self.len()).iter().map(|name| block.get(*name))
    }

    fn values(&self) -> impl ExactSizeIterator<Item = &str> + DoubleEndedIterator + Clone {
        let block = self.block();
        block.row(self.values, self.len()).iter().map(|value| block.get(*value))
    }

    /// Whether both stand in one block, and have the same names there.
    fn shares_names(&self, other: &Self) -> bool {
        let blocks = self.block.as_ref().zip(other.block.as_ref());
        self.names == other.names && blocks.is_some_and(|(one, other)| Arc::ptr_eq(one, other))
    }

    /// The value of a label, or `None` if the series does not have it. To PromQL, a missing label equals an empty one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let block = self.block();
        let names = block.row(self.names + 1, self.len());
        let at = names.binary_search_by(|probe| block.get(*probe).cmp(name)).ok()?;
        block.row(self.values, names.len()).get(at).map(|value| block.get(*value))
    }

    /// The name of the metric, unless the query removed it.
    #[must_use]
    pub fn metric_name(&self) -> Option<&str> {
        self.get(METRIC_NAME_LABEL)
    }

    /// Iterates over names and values, sorted by name.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> + DoubleEndedIterator + Clone {
        self.names().zip(self.values())
    }

    /// The number of labels.
    #[must_use]
    pub fn len(&self) -> usize {
        self.block().row(self.names, 1).first().map_or(0, |len| *len as usize)
    }

    /// Whether there are no labels, as after an aggregation without `by`.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Sorts labels by name. If a name is repeated, the last value wins.
impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Labels {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(labels: I) -> Self {
        let mut block = Block::default();
        let texts = |(name, value): (N, V)| (block.add(name.as_ref()), block.add(value.as_ref()));
        let mut pairs: Vec<(u32, u32)> = labels.into_iter().map(texts).collect();
        if pairs.is_empty() {
            return Self::default();
        }
        // Stable, so that the last of equal names stays the last.
        sort::by(&mut pairs, |a, b| block.get(a.0).cmp(block.get(b.0)));
        pairs.dedup_by(|later, first| {
            let is_same = block.get(later.0) == block.get(first.0);
            if is_same {
                first.1 = later.1;
            }
            is_same
        });
        let (names, values): (Vec<u32>, Vec<u32>) = pairs.into_iter().unzip();
        let (names, values) = (block.add_names(&names), block.add_values(&values));
        Self { block: Some(block.into()), names, values }
    }
}

impl PartialEq for Labels {
    fn eq(&self, other: &Self) -> bool {
        let is_same = self.shares_names(other);
        is_same && self.values == other.values
            || (is_same || self.names().eq(other.names())) && self.values().eq(other.values())
    }
}

impl Eq for Labels {}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// By the names, then by the values.
impl Ord for Labels {
    fn cmp(&self, other: &Self) -> Ordering {
        self.names().cmp(other.names()).then_with(|| self.values().cmp(other.values()))
    }
}

impl Hash for Labels {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.len().hash(state);
        self.iter().for_each(|label| label.hash(state));
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
    use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

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
        assert_eq!((Labels::default(), 0), (labels(&[]), labels(&[]).iter().len()));
    }

    #[test]
    fn labels_of_one_block_are_compared_like_others() {
        let mut block = Block::default();
        let [a, b, one, two] = ["a", "b", "1", "2"].map(|text| block.add(text));
        let mut rows = Vec::new();
        for names in [vec![a], vec![b], vec![a, b]] {
            let at = block.add_names(&names);
            for values in [[one, one], [one, two], [two, one]] {
                rows.push(Labels::in_block(at, block.add_values(&values[..names.len()])));
            }
        }
        let block = Arc::new(block);
        for row in &mut rows {
            row.set_block(&block);
        }
        let copies: Vec<Labels> = rows.iter().map(|row| row.iter().collect()).collect();
        let texts = |labels: &Labels| -> (Vec<String>, Vec<String>) {
            labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).unzip()
        };
        let hash = |labels: &Labels| BuildHasherDefault::<DefaultHasher>::default().hash_one(labels);
        for (row, copy) in rows.iter().zip(&copies) {
            for (other, other_copy) in rows.iter().zip(&copies) {
                let expected = texts(row).cmp(&texts(other));
                for order in [row.cmp(other), row.cmp(other_copy), copy.cmp(other)] {
                    assert_eq!(order, expected, "{row} {other}");
                }
                assert_eq!(row == other, expected.is_eq());
                assert_eq!(hash(row) == hash(other_copy), expected.is_eq());
            }
        }
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
