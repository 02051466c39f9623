//! The labels of a response, in blocks. A block stores each name once, and a repeated value once if a cache of fixed size
//! still has it.
//!
//! Most series have the names of a previous one in the same order, and many of its values. Each name is first compared
//! with those that followed the same names before, each value with the last one of the same name, and bytes are compared
//! before they are decoded.

use std::collections::HashMap;
use std::sync::Arc;

use promql_presets_core::sort;

use super::error::{DecodeError, Fault};
use super::fields::{Entries, LabelSet};
use crate::value::{Block, Labels};

/// Builds the labels of one series after another.
#[derive(Debug)]
pub(super) struct Interner {
    columns: Vec<Column>,
    by_name: HashMap<Arc<str>, usize>,
    /// Lists of names, after the empty list [`START`].
    lists: Vec<List>,
    /// The list that continues a list with a column.
    continued: HashMap<(usize, usize), usize>,
    /// The names of the current series, and the indices of its values.
    list: usize,
    values: Vec<u32>,
    /// The current block, which becomes that of the labels once it is complete.
    block: Block,
    /// The number of blocks before it.
    number: u32,
    cache: Cache,
    /// The bytes allocated since [`take_memory`](Self::take_memory), for abandoned labels too.
    memory: u64,
    is_full: bool,
}

/// A name.
#[derive(Debug, Default)]
struct Column {
    name: Arc<str>,
    /// Whether JSON contains the name as it is, without escapes.
    is_plain: bool,
    index: InBlock,
    last: Last,
    /// The number of values since the last one that was in the cache.
    new_values: u32,
}

/// The last value of a name.
#[derive(Debug, Clone, Copy, Default)]
struct Last {
    index: InBlock,
    /// Whether JSON contained it as it is, without escapes.
    is_plain: bool,
}

/// Names in the order in which a series has them.
#[derive(Debug, Default)]
struct List {
    /// The list without the last name, and that name.
    start: usize,
    column: usize,
    length: usize,
    is_sorted: bool,
    row: InBlock,
    /// The lists that last continued this one.
    next: [usize; 2],
}

/// A place in the block with this number.
#[derive(Debug, Clone, Copy)]
struct InBlock {
    number: u32,
    at: u32,
}

/// The list without names.
const START: usize = 0;

/// The bytes after which a block is complete. Labels keep the whole of their block in memory.
const BLOCK: usize = 1 << 16;

/// The most lists that are expected to occur again.
const MAX_LISTS: usize = 1 << 16;

/// The number of new values of a name after which most are not looked up.
const MOSTLY_NEW: u32 = 64;

/// An index in a block.
const INDEX: u64 = size_of::<u32>() as u64;

/// A name, with its entries in the map and in the block.
const COLUMN: u64 = 2 * (size_of::<Column>() + size_of::<(Arc<str>, usize)>()) as u64;

/// A list, with its entries in the map and in blocks.
const LIST: u64 = 2 * (size_of::<List>() + size_of::<((usize, usize), usize)>()) as u64;

impl Default for Interner {
    fn default() -> Self {
        Self {
            columns: vec![Column::default()],
            by_name: HashMap::new(),
            lists: vec![List { is_sorted: true, ..List::default() }],
            continued: HashMap::new(),
            list: START,
            values: Vec::new(),
            block: Block::default(),
            number: 0,
            cache: Cache::default(),
            memory: 0,
            is_full: false,
        }
    }
}

impl Default for InBlock {
    fn default() -> Self {
        Self { number: u32::MAX, at: 0 }
    }
}

/// What follows a text and a quote at the start of `json`.
#[inline]
fn strip<'a>(text: &[u8], json: &'a [u8]) -> Option<&'a [u8]> {
    let (start, rest) = json.split_at_checked(text.len())?;
    let rest = rest.strip_prefix(b"\"")?;
    equal(start, text).then_some(rest)
}

/// Compares short slices of one length, without a call. Texts of one kind often differ at their end.
#[inline]
fn equal(a: &[u8], b: &[u8]) -> bool {
    fn ends<const N: usize>(a: &[u8], b: &[u8]) -> bool {
        a.last_chunk::<N>() == b.last_chunk() && a.first_chunk::<N>() == b.first_chunk()
    }
    match a.len() {
        16.. => ends::<16>(a, b) && a.as_chunks::<16>().0.iter().zip(b.as_chunks().0).skip(1).all(|(a, b)| a == b),
        8.. => ends::<8>(a, b),
        4.. => ends::<4>(a, b),
        _ => a.iter().zip(b).all(|(a, b)| a == b),
    }
}

impl Interner {
    /// Adds the name that is expected next if `json` starts with it and a quote. Returns what follows.
    #[inline]
    pub(super) fn expected_name<'a>(&mut self, json: &'a [u8]) -> Option<&'a [u8]> {
        let next = self.lists[self.list].next;
        let found = |list: usize| {
            let column = &self.columns[self.lists[list].column];
            Some((list, strip(column.name.as_bytes(), json).filter(|_| column.is_plain)?))
        };
        let (list, rest) = found(next[0]).or_else(|| found(next[1]))?;
        self.list = list;
        Some(rest)
    }

    /// Adds a name, which `is_plain` if it is written without escapes.
    pub(super) fn name(&mut self, name: &str, is_plain: bool) {
        let column = match self.by_name.get(name) {
            Some(&column) => column,
            None => self.add_column(name, is_plain),
        };
        let list = self.continued(self.list, column);
        let next = &mut self.lists[self.list].next;
        if next[0] != list {
            *next = [list, next[0]];
        }
        self.list = list;
    }

    fn add_column(&mut self, name: &str, is_plain: bool) -> usize {
        let (column, name) = (self.columns.len(), Arc::<str>::from(name));
        self.memory += COLUMN + 2 * name.len() as u64;
        self.by_name.insert(Arc::clone(&name), column);
        self.columns.push(Column { name, is_plain, ..Column::default() });
        column
    }

    /// The list that continues another one with a column.
    fn continued(&mut self, start: usize, column: usize) -> usize {
        let (lists, columns) = (&mut self.lists, &self.columns);
        *self.continued.entry((start, column)).or_insert_with(|| {
            let last = &lists[start];
            let ascends = start == START || columns[last.column].name < columns[column].name;
            let (length, is_sorted) = (last.length + 1, last.is_sorted && ascends);
            lists.push(List { start, column, length, is_sorted, ..List::default() });
            self.memory += LIST;
            lists.len() - 1
        })
    }

    /// The column of the last name.
    #[inline]
    fn column(&mut self) -> &mut Column {
        &mut self.columns[self.lists[self.list].column]
    }

    #[inline]
    fn push_value(&mut self, index: u32) {
        self.values.push(index);
        self.memory += INDEX;
    }

    /// Adds the last value of the same name if `json` starts with it and a quote. Returns what follows.
    #[inline]
    pub(super) fn expected_value<'a>(&mut self, json: &'a [u8]) -> Option<&'a [u8]> {
        let Last { index, is_plain } = self.column().last;
        let index = index.within(self.number).filter(|_| is_plain)?;
        let rest = strip(self.block.get(index).as_bytes(), json)?;
        self.push_value(index);
        Some(rest)
    }

    /// Adds a value, which `is_plain` if it is written without escapes. `None` if it is not UTF-8.
    pub(super) fn value(&mut self, value: &[u8], is_plain: bool) -> Option<()> {
        match self.column().last.index.within(self.number) {
            Some(index) if self.block.get(index).as_bytes() == value => self.push_value(index),
            _ => self.other_value(value, is_plain)?,
        }
        Some(())
    }

    /// Adds a value that is not expected.
    pub(super) fn other_value(&mut self, value: &[u8], is_plain: bool) -> Option<()> {
        let number = self.number;
        let hash = hash(value);
        let new_values = self.column().new_values;
        // Of values that are mostly new, a few are enough to notice that they occur again.
        let is_listed = new_values < MOSTLY_NEW || hash >> 29 == 0;
        let found = if is_listed { self.cache.find(hash, value, &self.block) } else { None };
        let at = match found {
            Some(index) => index,
            None => self.add(std::str::from_utf8(value).ok()?, is_listed.then_some(hash)),
        };
        let column = self.column();
        column.new_values = if found.is_some() { 0 } else { new_values.saturating_add(1) };
        column.last = Last { index: InBlock { number, at }, is_plain };
        self.push_value(at);
        Some(())
    }

    /// Adds a text to the block, to be found if it has a hash. Returns its index.
    fn add(&mut self, text: &str, hash: Option<u32>) -> u32 {
        let index = self.block.add(text);
        self.memory += INDEX + text.len() as u64;
        if let Some(hash) = hash {
            self.cache.insert(hash, index);
        }
        index
    }

    /// The bytes allocated since the last call of [`take_memory`](Self::take_memory).
    pub(super) fn memory(&self) -> u64 {
        // Indices have 32 bits.
        if self.block.size() > 1 << 31 { u64::MAX } else { self.memory }
    }

    pub(super) fn take_memory(&mut self) -> u64 {
        std::mem::take(&mut self.memory)
    }

    /// Clears what is expected with the next block that ends between series.
    pub(super) fn forget(&mut self) {
        self.is_full = true;
    }

    /// Discards the labels since the last call of [`labels`](Self::labels), which will be read again. Their strings stay
    /// in the block and count as memory.
    pub(super) fn abandon(&mut self) {
        self.memory -= INDEX * self.values.len() as u64;
        self.list = START;
        self.values.clear();
    }

    /// Discards the last name if it has no value, and will be read again.
    pub(super) fn abandon_name(&mut self) {
        if self.lists[self.list].length > self.values.len() {
            self.list = self.lists[self.list].start;
        }
    }

    /// The labels since the last call, which are to get the block once it is complete.
    pub(super) fn labels(&mut self) -> Result<Labels, Fault> {
        if self.list == START {
            return Ok(Labels::default());
        }
        if !self.lists[self.list].is_sorted {
            self.sort()?;
        }
        let names = self.names();
        let values = self.block.add_values(&self.values);
        self.list = START;
        self.values.clear();
        Ok(Labels::in_block(names, values))
    }

    /// Whether the block should be completed.
    #[inline]
    pub(super) fn is_block_full(&self) -> bool {
        self.block.size() > BLOCK || self.lists.len() > MAX_LISTS || self.is_full
    }

    /// Completes the block for the labels since the last call.
    pub(super) fn complete_block(&mut self) -> Arc<Block> {
        let block = self.block.clone();
        if self.list == START && (self.is_full || self.lists.len() > MAX_LISTS) {
            *self = Self { memory: self.memory, ..Self::default() };
            return block.into();
        }
        self.block.clear();
        self.cache.clear();
        self.number += 1;
        // The values of the current series move to the next block.
        for value in &mut self.values {
            *value = self.block.add(block.get(*value));
        }
        block.into()
    }

    /// The names of the current series in the block.
    fn names(&mut self) -> u32 {
        if let Some(row) = self.lists[self.list].row.within(self.number) {
            return row;
        }
        let mut names = vec![0; self.lists[self.list].length];
        let mut list = self.list;
        for slot in names.iter_mut().rev() {
            *slot = self.name_index(self.lists[list].column);
            list = self.lists[list].start;
        }
        self.memory += INDEX * (names.len() + 1) as u64;
        let at = self.block.add_names(&names);
        self.lists[self.list].row = InBlock { number: self.number, at };
        at
    }

    /// The index of a name in the block.
    fn name_index(&mut self, column: usize) -> u32 {
        let column = &mut self.columns[column];
        column.index.within(self.number).unwrap_or_else(|| {
            let at = self.block.add(&column.name);
            self.memory += INDEX + column.name.len() as u64;
            column.index = InBlock { number: self.number, at };
            at
        })
    }

    /// Sorts the current labels by name.
    fn sort(&mut self) -> Result<(), Fault> {
        let mut labels = Vec::with_capacity(self.values.len());
        for value in self.values.drain(..).rev() {
            let List { start, column, .. } = self.lists[self.list];
            labels.push((column, value));
            self.list = start;
        }
        sort::by(&mut labels, |(a, _), (b, _)| self.columns[*a].name.cmp(&self.columns[*b].name));
        if labels.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(Fault::Expected("each label once"));
        }
        for (column, value) in labels {
            self.list = self.continued(self.list, column);
            self.values.push(value);
        }
        Ok(())
    }
}

impl InBlock {
    /// The place, if it is in the block with this number.
    #[inline]
    fn within(self, number: u32) -> Option<u32> {
        (self.number == number).then_some(self.at)
    }
}

/// Labels of decoded series, with names and repeated values stored once.
#[inline]
pub(crate) fn share_labels(series: Vec<LabelSet>) -> Result<Vec<Labels>, DecodeError> {
    let (mut interner, mut all, mut complete) = (Interner::default(), Vec::with_capacity(series.len()), 0);
    for Entries(labels) in series {
        for (name, value) in &labels {
            interner.name(name, false);
            interner.value(value.as_bytes(), false);
        }
        let duplicate = |_| DecodeError::Data { reason: "a series has a label twice".to_owned() };
        all.push(interner.labels().map_err(duplicate)?);
        if interner.is_block_full() {
            set_block(&mut all[complete..], &interner.complete_block());
            complete = all.len();
        }
    }
    set_block(&mut all[complete..], &interner.complete_block());
    Ok(all)
}

fn set_block(labels: &mut [Labels], block: &Arc<Block>) {
    for labels in labels {
        labels.set_block(block);
    }
}

/// Finds equal texts of a block in constant time. Of two texts with the same slot, only the later one is found, so no
/// input makes it slow.
#[derive(Debug, Default)]
struct Cache {
    /// Hashes of texts, and their indices. Empty at first, then a power of two in length.
    slots: Vec<(u32, u32)>,
    used: usize,
}

const MIN_SLOTS: usize = 1 << 8;
const MAX_SLOTS: usize = 1 << 12;
const FREE: (u32, u32) = (0, u32::MAX);

impl Cache {
    /// The index of the text that is equal to `text`.
    fn find(&self, hash: u32, text: &[u8], block: &Block) -> Option<u32> {
        let (known, index) = *self.slots.get(hash as usize & self.slots.len().wrapping_sub(1))?;
        (known == hash && index != FREE.1 && block.get(index).as_bytes() == text).then_some(index)
    }

    fn insert(&mut self, hash: u32, index: u32) {
        if self.used >= self.slots.len() / 2 && self.slots.len() < MAX_SLOTS {
            self.grow();
        }
        self.used += 1;
        let slot = hash as usize & (self.slots.len() - 1);
        self.slots[slot] = (hash, index);
    }

    fn grow(&mut self) {
        let length = (self.slots.len() * 4).max(MIN_SLOTS);
        let mut slots = vec![FREE; length];
        for (hash, index) in self.slots.drain(..).filter(|slot| *slot != FREE) {
            slots[hash as usize & (length - 1)] = (hash, index);
        }
        self.slots = slots;
    }

    fn clear(&mut self) {
        self.slots.fill(FREE);
        self.used = 0;
    }
}

fn mix(hash: u64, word: u64) -> u64 {
    (hash.rotate_left(23) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

fn hash(text: &[u8]) -> u32 {
    let (words, rest) = text.as_chunks::<8>();
    let whole = words.iter().fold(text.len() as u64, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    (mix(whole, rest.iter().fold(0, |all, &byte| all << 8 | u64::from(byte))) >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::super::fast_path::label;
    use super::*;

    fn labels(interner: &mut Interner, pairs: &[(&str, &str)]) -> Result<Labels, Fault> {
        for (name, value) in pairs {
            interner.name(name, true);
            interner.value(value.as_bytes(), true);
        }
        interner.labels()
    }

    /// Whether two texts are one in memory.
    fn is_one(a: Option<&str>, b: Option<&str>) -> bool {
        a.zip(b).is_some_and(|(a, b)| std::ptr::eq(a, b))
    }

    #[test]
    fn names_and_repeated_values_are_stored_once() {
        let mut interner = Interner::default();
        let series = [&[("job", "api"), ("pod", "a")][..], &[("le", "1")], &[("pod", "b"), ("job", "api")]];
        let mut series = series.map(|pairs| labels(&mut interner, pairs).unwrap());
        set_block(&mut series, &interner.complete_block());
        let [first, other, third] = series;
        assert_eq!(third.to_string(), r#"{job="api", pod="b"}"#);
        assert_eq!(other.len(), 1);
        assert!(is_one(first.iter().map(|(name, _)| name).next(), third.iter().map(|(name, _)| name).next()));
        assert!(is_one(first.get("job"), third.get("job")));
    }

    #[test]
    fn label_sets_of_a_list_share_their_text() {
        let pairs = |pod: &str| [("job", "api"), ("pod", pod)].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let series = share_labels([pairs("a"), pairs("b")].map(|pairs| Entries(pairs.into())).into()).unwrap();
        assert_eq!(series[1].to_string(), r#"{job="api", pod="b"}"#);
        assert!(is_one(series[0].get("job"), series[1].get("job")));
    }

    #[test]
    fn duplicate_labels_are_faults() {
        assert!(labels(&mut Interner::default(), &[("a", "1"), ("b", "1"), ("a", "2")]).is_err());
        assert!(labels(&mut Interner::default(), &[("a", "1"), ("a", "1")]).is_err());
    }

    #[test]
    fn mostly_new_values_are_not_looked_up() {
        let mut interner = Interner::default();
        let mut used = 0;
        for number in 0..10_000 {
            let json = format!(r#""job":"api","pod":"pod-{number}"}}"#);
            let rest = label(json.as_bytes(), &mut interner).unwrap();
            assert_eq!(label(&rest[1..], &mut interner), Some(&b"}"[..]));
            used = used.max(interner.cache.used);
            interner.labels().unwrap();
        }
        assert!(used < 2_000, "{used}");
    }

    #[test]
    fn a_value_with_escapes_is_not_expected_in_json() {
        let mut interner = Interner::default();
        interner.name("a", true);
        interner.value(b"1\"", false).unwrap();
        interner.labels().unwrap();
        assert_eq!(interner.expected_name(b"a\":"), Some(&b":"[..]));
        assert_eq!(interner.expected_value(b"1\"\"}"), None);
        interner.value(b"1", true).unwrap();
        interner.labels().unwrap();
        assert_eq!(interner.expected_name(b"a\":"), Some(&b":"[..]));
        assert_eq!(interner.expected_value(b"1\"}"), Some(&b"}"[..]));
        let mut labels = interner.labels().unwrap();
        labels.set_block(&interner.complete_block());
        assert_eq!(labels.to_string(), r#"{a="1"}"#);
    }

    #[test]
    fn a_block_can_end_within_a_series() {
        let mut interner = Interner::default();
        let mut first = labels(&mut interner, &[("a", "1"), ("b", "2")]).unwrap();
        interner.name("a", true);
        interner.value(b"1", true).unwrap();
        interner.name("c", true);
        interner.forget();
        first.set_block(&interner.complete_block());
        assert_eq!(first.to_string(), r#"{a="1", b="2"}"#);
        interner.value(b"3", true).unwrap();
        let mut second = interner.labels().unwrap();
        assert!(interner.is_block_full());
        second.set_block(&interner.complete_block());
        assert_eq!(second.to_string(), r#"{a="1", c="3"}"#);
        assert!(interner.columns.len() == 1 && !interner.is_block_full());
    }

    #[test]
    fn blocks_and_expected_names_are_bounded() {
        let mut interner = Interner::default();
        let (mut blocks, mut lists) = (0, 0);
        for number in 0..=MAX_LISTS {
            let (name, value) = (format!("b{number}"), number.to_string());
            let mut labels = labels(&mut interner, &[("a", "1"), (&name, &value)]).unwrap();
            lists = lists.max(interner.lists.len());
            if interner.is_block_full() {
                blocks += 1;
                assert!(interner.block.size() < BLOCK + 100);
                labels.set_block(&interner.complete_block());
                assert_eq!(labels.to_string(), format!("{{a=\"1\", {name}=\"{value}\"}}"));
            }
        }
        assert!(lists > MAX_LISTS && interner.lists.len() < 100, "{lists}, {}", interner.lists.len());
        assert!(blocks > 10, "{blocks}");
    }

    #[test]
    fn equality_is_that_of_slices() {
        for length in 0..70 {
            let text = vec![b'a'; length];
            assert!(equal(&text, &text));
            for at in 0..length {
                let mut other = text.clone();
                other[at] = b'b';
                assert!(!equal(&text, &other), "{at} of {length}");
            }
        }
    }

    #[test]
    fn a_cache_finds_texts_that_were_not_replaced() {
        let mut interner = Interner::default();
        let mut get = |text: &str| {
            let hash = hash(text.as_bytes());
            let found = interner.cache.find(hash, text.as_bytes(), &interner.block);
            let index = found.unwrap_or_else(|| interner.add(text, Some(hash)));
            assert_eq!(interner.block.get(index), text);
            index
        };
        let texts: Vec<String> = (0..100).map(|number| format!("some-service-{number}")).collect();
        let stored: Vec<_> = texts.iter().map(|text| get(text)).collect();
        let found = stored.iter().zip(&texts).filter(|(stored, text)| **stored == get(text)).count();
        assert!(found > 70, "{found}");
        for number in 0..MAX_SLOTS * 2 {
            get(&number.to_string());
        }
        assert_eq!(interner.cache.slots.len(), MAX_SLOTS);
    }
}
