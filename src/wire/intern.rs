//! The labels of a response, with names stored once, and repeated values as far as a cache of fixed size finds them.
//!
//! Most series have the names of the previous one in the same order, and many of its values. Each name is first compared
//! with those that followed the same name before, each value with the last one of the same name, and bytes are compared
//! before they are decoded.

use std::collections::HashMap;
use std::sync::Arc;

use super::error::{DecodeError, Fault};
use super::fields::{Entries, LabelSet};
use crate::value::Labels;

/// Builds the labels of one series after another.
#[derive(Debug)]
pub(super) struct Interner {
    /// The names so far, after [`START`].
    columns: Vec<Column>,
    by_name: HashMap<Arc<str>, usize>,
    strings: Cache,
    name_lists: NameLists,
    last_row: Vec<usize>,
    last_names: Names,
    /// The columns of the current series, and its values.
    row: Vec<usize>,
    values: Vec<Arc<str>>,
    is_sorted: bool,
    /// The bytes allocated since [`take_memory`](Self::take_memory), for abandoned labels too.
    memory: u64,
    is_full: bool,
}

/// A name, with what is expected where it occurs again.
#[derive(Debug, Default)]
struct Column {
    name: Stored,
    /// The index of the last value.
    value: u32,
    /// The number of values since the last one that was in the cache.
    new_values: u32,
    /// Whether the values are likely to follow each other as they did before.
    repeats: bool,
    /// The names that last followed this one.
    next: [Next; 2],
}

/// A name that follows another one, and whether it is greater.
#[derive(Debug, Clone, Copy, Default)]
struct Next {
    column: usize,
    ascends: bool,
}

#[derive(Debug, Default)]
struct Stored {
    text: Arc<str>,
    /// Whether JSON contains the text as it is, without escapes.
    is_plain: bool,
    /// The index of the value that last followed this one in another series.
    next: u32,
}

/// The column before the first name of a series.
const START: usize = 0;

/// A pointer to a string.
const POINTER: u64 = size_of::<Arc<str>>() as u64;

/// The overhead of an allocation: two counters, and what the allocator adds.
const ALLOCATION: u64 = 32;

/// A column, with its entry in the map.
const COLUMN: u64 = 2 * (size_of::<Column>() + size_of::<(Arc<str>, usize)>()) as u64;

impl Default for Interner {
    fn default() -> Self {
        Self {
            columns: vec![Column::default()],
            by_name: HashMap::new(),
            strings: Cache::default(),
            name_lists: NameLists::default(),
            last_row: Vec::new(),
            last_names: Arc::default(),
            row: Vec::new(),
            values: Vec::new(),
            is_sorted: true,
            memory: 0,
            is_full: false,
        }
    }
}

impl Stored {
    /// What follows this text and a quote at the start of `json`.
    #[inline]
    fn strip<'a>(&self, json: &'a [u8]) -> Option<&'a [u8]> {
        let text = self.text.as_bytes();
        let (start, rest) = json.split_at_checked(text.len())?;
        let rest = rest.strip_prefix(b"\"")?;
        (self.is_plain && equal(start, text)).then_some(rest)
    }
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
        let next = self.columns[self.column()].next;
        let found = |next: Next| Some((next, self.columns[next.column].name.strip(json)?));
        let (next, rest) = found(next[0]).or_else(|| found(next[1]))?;
        self.enter(next);
        Some(rest)
    }

    /// Adds a name, which `is_plain` if it is written without escapes.
    pub(super) fn name(&mut self, name: &str, is_plain: bool) {
        let column = match self.by_name.get(name) {
            Some(&column) => column,
            None => self.add_column(name, is_plain),
        };
        let at = self.column();
        let next = Next { column, ascends: at == START || *self.columns[at].name.text < *name };
        let known = &mut self.columns[at].next;
        if known[0].column != column {
            *known = [next, known[0]];
        }
        self.enter(next);
    }

    fn add_column(&mut self, name: &str, is_plain: bool) -> usize {
        let (column, text) = (self.columns.len(), Arc::<str>::from(name));
        self.memory += COLUMN + ALLOCATION + name.len() as u64;
        self.by_name.insert(Arc::clone(&text), column);
        self.columns.push(Column { name: Stored { text, is_plain, next: 0 }, ..Column::default() });
        column
    }

    /// The column of the last name.
    #[inline]
    fn column(&self) -> usize {
        self.row.last().copied().unwrap_or(START)
    }

    #[inline]
    fn enter(&mut self, next: Next) {
        self.is_sorted &= next.ascends;
        self.row.push(next.column);
        self.memory += POINTER;
    }

    /// Adds the value that is expected next if `json` starts with it and a quote. Returns what follows.
    #[inline]
    pub(super) fn expected_value<'a>(&mut self, json: &'a [u8]) -> Option<&'a [u8]> {
        self.expect_value(|value| value.strip(json))
    }

    /// Adds the last value of the same name if it is accepted, or else the one that followed that before.
    #[inline]
    fn expect_value<T>(&mut self, accept: impl Fn(&Stored) -> Option<T>) -> Option<T> {
        let at = self.column();
        let column = &mut self.columns[at];
        let mut value = self.strings.stored(column.value)?;
        let accepted = match accept(value) {
            Some(accepted) => accepted,
            None if column.repeats => {
                let next = value.next;
                value = self.strings.stored(next)?;
                let accepted = accept(value)?;
                column.value = next;
                accepted
            }
            None => return None,
        };
        self.values.push(Arc::clone(&value.text));
        self.memory += POINTER;
        Some(accepted)
    }

    /// Adds a value, which `is_plain` if it is written without escapes. `None` if it is not UTF-8.
    pub(super) fn value(&mut self, value: &[u8], is_plain: bool) -> Option<()> {
        self.expect_value(|text| (text.text.as_bytes() == value).then_some(()))
            .or_else(|| self.other_value(value, is_plain))
    }

    /// Adds a value that is not expected.
    pub(super) fn other_value(&mut self, value: &[u8], is_plain: bool) -> Option<()> {
        let at = self.column();
        let column = &mut self.columns[at];
        let hash = hash(value);
        // Of values that are mostly new, a few are enough to notice that they occur again, in the same order as before.
        let is_listed = column.new_values < MOSTLY_NEW || hash >> 29 == 0;
        let found = if is_listed { self.strings.find(hash, value) } else { None };
        let last = column.value;
        if let Some(index) = found {
            let is_next = self.strings.stored(last).is_some_and(|last| last.next == index);
            column.repeats = column.new_values >= MOSTLY_NEW || is_next;
            column.new_values = 0;
            column.value = index;
        } else {
            let value = std::str::from_utf8(value).ok()?;
            self.memory += ALLOCATION + value.len() as u64;
            column.repeats = false;
            column.new_values = column.new_values.saturating_add(1);
            let text = Stored { text: value.into(), is_plain, next: 0 };
            column.value = self.strings.insert(text, is_listed.then_some(hash));
        }
        if let Some(last) = self.strings.stored.get_mut(last as usize) {
            last.next = column.value;
        }
        self.values.push(Arc::clone(&self.strings.stored[column.value as usize].text));
        self.memory += POINTER;
        Some(())
    }

    /// The bytes allocated since the last call of [`take_memory`](Self::take_memory).
    pub(super) fn memory(&self) -> u64 {
        self.memory
    }

    pub(super) fn take_memory(&mut self) -> u64 {
        std::mem::take(&mut self.memory)
    }

    /// Clears the caches once the current labels are complete, so that strings which no series uses any longer are freed.
    pub(super) fn forget(&mut self) {
        self.is_full = true;
    }

    /// Discards the labels since the last call of [`labels`](Self::labels), which will be read again. Their strings stay
    /// in the caches and count as memory.
    pub(super) fn abandon(&mut self) {
        self.memory -= POINTER * (self.row.len() + self.values.len()) as u64;
        self.row.clear();
        self.values.clear();
        self.is_sorted = true;
    }

    /// Discards the last name if it has no value, and will be read again.
    pub(super) fn abandon_name(&mut self) {
        if self.row.len() > self.values.len() {
            self.row.pop();
            self.memory -= POINTER;
        }
    }

    /// The labels since the last call.
    pub(super) fn labels(&mut self) -> Result<Labels, Fault> {
        if !self.is_sorted {
            self.sort()?;
        }
        let mut is_new = false;
        if self.row != self.last_row {
            (self.last_names, is_new) = self.name_lists.get(&self.row, &self.columns);
            std::mem::swap(&mut self.row, &mut self.last_row);
        }
        if is_new {
            self.memory += 2 * ALLOCATION + size_of_val(&*self.last_row) as u64;
        } else {
            self.memory -= POINTER * self.last_row.len() as u64;
        }
        self.row.clear();
        let labels = Labels::from_sorted(Arc::clone(&self.last_names), self.values.drain(..).collect());
        if self.is_full || self.strings.stored.len() > MAX_STORED {
            *self = Self { memory: self.memory, ..Self::default() };
        }
        Ok(labels)
    }

    /// Sorts the current labels by name.
    fn sort(&mut self) -> Result<(), Fault> {
        let mut labels: Vec<_> = self.row.drain(..).zip(self.values.drain(..)).collect();
        labels.sort_by(|(a, _), (b, _)| self.columns[*a].name.text.cmp(&self.columns[*b].name.text));
        self.is_sorted = true;
        if labels.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(Fault::Expected("each label once"));
        }
        (self.row, self.values) = labels.into_iter().unzip();
        Ok(())
    }
}

/// Labels of decoded series, with names and repeated values stored once.
pub(crate) fn share_labels(series: Vec<LabelSet>) -> Result<Vec<Labels>, DecodeError> {
    let mut interner = Interner::default();
    let labels = series.into_iter().map(|Entries(labels)| {
        for (name, value) in &labels {
            interner.name(name, false);
            interner.value(value.as_bytes(), false);
        }
        interner.labels()
    });
    let labels: Result<_, Fault> = labels.collect();
    labels.map_err(|_| DecodeError::Data { reason: "a series has a label twice".to_owned() })
}

/// Finds the names of series that have the same ones. Of two lists with the same slot, the later one replaces the other.
#[derive(Debug, Default)]
struct NameLists(Vec<(Box<[usize]>, Names)>);

type Names = Arc<[Arc<str>]>;

impl NameLists {
    const SLOTS: usize = 1 << 6;

    /// The names of some columns, and whether the list is new.
    fn get(&mut self, row: &[usize], columns: &[Column]) -> (Names, bool) {
        self.0.resize_with(Self::SLOTS, Default::default);
        let hash = row.iter().fold(0, |hash, &column| mix(hash, column as u64));
        let slot = &mut self.0[(hash >> 32) as usize % Self::SLOTS];
        let is_new = *slot.0 != *row;
        if is_new {
            *slot = (row.into(), row.iter().map(|&column| Arc::clone(&columns[column].name.text)).collect());
        }
        (Arc::clone(&slot.1), is_new)
    }
}

/// Finds equal strings in constant time. Of two strings with the same slot, only the later one is found, so no input makes
/// it slow, and it stays small in a stream of any length.
#[derive(Debug, Default)]
struct Cache {
    stored: Vec<Stored>,
    /// Hashes of strings, and their indices. Empty at first, then a power of two in length.
    slots: Vec<(u32, u32)>,
    used: usize,
}

const MIN_SLOTS: usize = 1 << 8;
const MAX_SLOTS: usize = 1 << 18;
const MAX_STORED: usize = 1 << 18;

/// The number of new values of a label after which most are not looked up.
const MOSTLY_NEW: u32 = 64;

impl Cache {
    #[inline]
    fn stored(&self, index: u32) -> Option<&Stored> {
        self.stored.get(index as usize)
    }

    /// The index of the string that is equal to `text`.
    fn find(&self, hash: u32, text: &[u8]) -> Option<u32> {
        let (known, index) = *self.slots.get(hash as usize & self.slots.len().wrapping_sub(1))?;
        (known == hash && self.stored(index)?.text.as_bytes() == text).then_some(index)
    }

    /// Stores a string, to be found if it has a hash. Returns its index.
    #[expect(clippy::cast_possible_truncation, reason = "so many strings do not fit into memory")]
    fn insert(&mut self, text: Stored, hash: Option<u32>) -> u32 {
        let index = self.stored.len() as u32;
        if let Some(hash) = hash {
            if self.used >= self.slots.len() / 2 && self.slots.len() < MAX_SLOTS {
                self.grow();
            }
            self.used += 1;
            let slot = hash as usize & (self.slots.len() - 1);
            self.slots[slot] = (hash, index);
        }
        self.stored.push(text);
        index
    }

    fn grow(&mut self) {
        let length = (self.slots.len() * 4).max(MIN_SLOTS);
        let mut slots = vec![(0, u32::MAX); length];
        for (hash, index) in self.slots.drain(..).filter(|(_, index)| *index != u32::MAX) {
            slots[hash as usize & (length - 1)] = (hash, index);
        }
        self.slots = slots;
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

    #[test]
    fn names_and_repeated_values_are_stored_once() {
        let is_shared = (0..20).any(|_| {
            let mut interner = Interner::default();
            let first = labels(&mut interner, &[("job", "api"), ("pod", "a")]).unwrap();
            let other = labels(&mut interner, &[("le", "1")]).unwrap();
            let third = labels(&mut interner, &[("pod", "b"), ("job", "api")]).unwrap();
            assert_eq!(third.to_string(), r#"{job="api", pod="b"}"#);
            assert_eq!(other.len(), 1);
            Arc::ptr_eq(first.names(), third.names()) && Arc::ptr_eq(&first.values()[0], &third.values()[0])
        });
        assert!(is_shared);
    }

    #[test]
    fn label_sets_of_a_list_share_their_text() {
        let pairs = |pod: &str| [("job", "api"), ("pod", pod)].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let series = share_labels([pairs("a"), pairs("b")].map(|pairs| Entries(pairs.into())).into()).unwrap();
        assert_eq!(series[1].to_string(), r#"{job="api", pod="b"}"#);
        assert!(Arc::ptr_eq(series[0].names(), series[1].names()));
        assert!(Arc::ptr_eq(&series[0].values()[0], &series[1].values()[0]));
    }

    #[test]
    fn a_label_that_comes_twice_is_a_fault() {
        assert!(labels(&mut Interner::default(), &[("a", "1"), ("b", "1"), ("a", "2")]).is_err());
    }

    #[test]
    fn new_values_that_occur_again_in_the_same_order_are_stored_once() {
        let mut interner = Interner::default();
        let mut pass = || -> Vec<Labels> {
            let read = |number| {
                let json = format!(r#""job":"api","pod":"pod-{number}"}}"#);
                let rest = label(json.as_bytes(), &mut interner).unwrap();
                assert_eq!(label(&rest[1..], &mut interner), Some(&b"}"[..]));
                interner.labels().unwrap()
            };
            (0..10_000).map(read).collect()
        };
        let (first, second) = (pass(), pass());
        assert_eq!(first, second);
        let shared = first.iter().zip(&second).filter(|(a, b)| Arc::ptr_eq(&a.values()[1], &b.values()[1])).count();
        assert!(shared > 9_900, "{shared}");
        assert!(interner.strings.used < 2_000, "{}", interner.strings.used);
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
        assert_eq!(interner.labels().unwrap().to_string(), r#"{a="1"}"#);
    }

    #[test]
    fn values_are_forgotten_between_series_only() {
        let mut interner = Interner::default();
        let first = labels(&mut interner, &[("a", "1"), ("b", "2")]).unwrap();
        interner.name("a", true);
        interner.forget();
        interner.value(b"1", true).unwrap();
        let second = interner.labels().unwrap();
        assert!(Arc::ptr_eq(&first.values()[0], &second.values()[0]));
        let third = labels(&mut interner, &[("a", "1"), ("b", "2")]).unwrap();
        assert!(first == third && !Arc::ptr_eq(&first.values()[0], &third.values()[0]));
        for number in 0..=MAX_STORED {
            labels(&mut interner, &[("a", &number.to_string())]).unwrap();
        }
        assert!(interner.strings.stored.len() < 10, "{}", interner.strings.stored.len());
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
    fn a_cache_finds_what_has_not_been_driven_out() {
        let mut cache = Cache::default();
        let get = |cache: &mut Cache, text: &str| {
            let hash = hash(text.as_bytes());
            let text = Stored { text: text.into(), is_plain: true, next: 0 };
            cache.find(hash, text.text.as_bytes()).unwrap_or_else(|| cache.insert(text, Some(hash)))
        };
        let texts: Vec<String> = (0..100).map(|number| format!("some-service-{number}")).collect();
        let stored: Vec<_> = texts.iter().map(|text| get(&mut cache, text)).collect();
        let found = stored.iter().zip(&texts).filter(|(stored, text)| **stored == get(&mut cache, text)).count();
        assert!(found > 70, "{found}");
        for number in 0..MAX_SLOTS * 2 {
            let index = get(&mut cache, &number.to_string());
            assert_eq!(*cache.stored[index as usize].text, number.to_string());
        }
        assert_eq!(cache.slots.len(), MAX_SLOTS);
    }
}
