//! The labels of an answer, with names and repeated values stored once as far as a cache of fixed size finds them.

use std::sync::Arc;

use super::error::{DecodeError, Fault};
use super::fields::{Entries, LabelSet};
use crate::value::Labels;

/// Builds the labels of one series after another.
#[derive(Debug, Default)]
pub(super) struct Interner {
    strings: Cache<str>,
    name_lists: Cache<[Arc<str>]>,
    /// The labels of the previous series, whose names and many of whose values the next one usually shares.
    last: Labels,
    /// The number of labels of the previous series that sort before the current one.
    passed: usize,
    names: Vec<Arc<str>>,
    values: Vec<Arc<str>>,
    /// The bytes allocated since [`take_memory`](Self::take_memory), for abandoned labels too.
    memory: u64,
}

/// A pointer to a string.
const POINTER: u64 = size_of::<Arc<str>>() as u64;

/// The overhead of an allocation: two counters, and what the allocator adds.
const ALLOCATION: u64 = 32;

impl Interner {
    pub(super) fn name(&mut self, name: &str) {
        let last = self.last.names();
        self.passed += last[self.passed..].iter().take_while(|passed| ***passed < *name).count();
        let name = match last.get(self.passed) {
            Some(same) if **same == *name => Arc::clone(same),
            _ => self.string(name),
        };
        self.names.push(name);
        self.memory += POINTER;
    }

    pub(super) fn value(&mut self, value: &str) {
        let value = match self.last.values().get(self.passed) {
            Some(same) if **same == *value => Arc::clone(same),
            _ => self.string(value),
        };
        self.values.push(value);
        self.memory += POINTER;
    }

    fn string(&mut self, text: &str) -> Arc<str> {
        let (string, is_new) = self.strings.get(text);
        if is_new {
            self.memory += ALLOCATION + text.len() as u64;
        }
        string
    }

    /// The bytes allocated since the last call of [`take_memory`](Self::take_memory).
    pub(super) fn memory(&self) -> u64 {
        self.memory
    }

    pub(super) fn take_memory(&mut self) -> u64 {
        std::mem::take(&mut self.memory)
    }

    /// Clears the caches, so that strings which no series uses any longer are freed.
    pub(super) fn forget(&mut self) {
        (self.strings, self.name_lists) = (Cache::default(), Cache::default());
    }

    /// Discards the labels since the last call of [`labels`](Self::labels), which will be read again. Their strings stay
    /// in the cache and count as memory.
    pub(super) fn abandon(&mut self) {
        self.memory -= POINTER * (self.names.len() + self.values.len()) as u64;
        self.names.clear();
        self.values.clear();
        self.passed = 0;
    }

    /// The labels since the last call.
    pub(super) fn labels(&mut self) -> Result<Labels, Fault> {
        self.passed = 0;
        if !self.names.is_sorted_by(|a, b| a < b) {
            let mut labels: Vec<_> = self.names.drain(..).zip(self.values.drain(..)).collect();
            labels.sort();
            if labels.windows(2).any(|pair| pair[0].0 == pair[1].0) {
                return Err(Fault::Expected("each label once"));
            }
            (self.names, self.values) = labels.into_iter().unzip();
        }
        let last = self.last.names();
        let (names, is_new) =
            if **last == *self.names { (Arc::clone(last), false) } else { self.name_lists.get(&self.names) };
        if !is_new {
            self.memory -= POINTER * self.names.len() as u64;
        }
        self.names.clear();
        self.last = Labels::from_sorted(names, self.values.drain(..).collect());
        Ok(self.last.clone())
    }
}

/// Labels of decoded series, with names and repeated values stored once.
pub(crate) fn share_labels(series: Vec<LabelSet>) -> Result<Vec<Labels>, DecodeError> {
    let mut interner = Interner::default();
    let labels = series.into_iter().map(|Entries(labels)| {
        for (name, value) in &labels {
            interner.name(name);
            interner.value(value);
        }
        interner.labels()
    });
    let labels: Result<_, Fault> = labels.collect();
    labels.map_err(|_| DecodeError::Data { reason: "a series has a label twice".to_owned() })
}

/// Finds equal values in constant time. Of two values with the same slot, the later one replaces the other, so no input
/// makes it slow, and it stays small in a stream of any length.
#[derive(Debug)]
struct Cache<T: ?Sized> {
    /// Empty at first, then a power of two in length.
    slots: Vec<Option<Arc<T>>>,
    used: usize,
}

/// A value that a [`Cache`] can store.
trait Fingerprint {
    /// A hash, whose upper bits select the slot.
    fn fingerprint(&self) -> u64;
}

const MIN_SLOTS: usize = 1 << 8;
const MAX_SLOTS: usize = 1 << 18;

impl<T: ?Sized> Default for Cache<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), used: 0 }
    }
}

impl<T: ?Sized + Fingerprint + PartialEq> Cache<T> {
    /// The stored value that is equal to `value`, and whether it is new.
    fn get(&mut self, value: &T) -> (Arc<T>, bool)
    where
        for<'a> Arc<T>: From<&'a T>,
    {
        if self.used >= self.slots.len() / 2 && self.slots.len() < MAX_SLOTS {
            self.grow();
        }
        let at = slot(value.fingerprint(), self.slots.len());
        let slot = &mut self.slots[at];
        match slot {
            Some(same) if **same == *value => return (Arc::clone(same), false),
            Some(_) => {}
            None => self.used += 1,
        }
        (Arc::clone(slot.insert(value.into())), true)
    }

    fn grow(&mut self) {
        let length = (self.slots.len() * 4).max(MIN_SLOTS);
        let mut slots = vec![None; length];
        for value in self.slots.drain(..).flatten() {
            let at = slot(value.fingerprint(), length);
            slots[at] = Some(value);
        }
        self.used = slots.iter().flatten().count();
        self.slots = slots;
    }
}

/// The index of a slot, for a `length` that is a power of two.
fn slot(fingerprint: u64, length: usize) -> usize {
    (fingerprint >> 32) as usize & (length - 1)
}

fn mix(fingerprint: u64, word: u64) -> u64 {
    (fingerprint.rotate_left(23) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

impl Fingerprint for str {
    fn fingerprint(&self) -> u64 {
        let (words, rest) = self.as_bytes().as_chunks::<8>();
        let whole = words.iter().fold(self.len() as u64, |all, word| mix(all, u64::from_le_bytes(*word)));
        mix(whole, rest.iter().fold(0, |all, &byte| all << 8 | u64::from(byte)))
    }
}

/// Hashes the addresses of the names, most of which are stored once.
impl Fingerprint for [Arc<str>] {
    fn fingerprint(&self) -> u64 {
        self.iter().fold(0, |all, name| mix(all, Arc::as_ptr(name).addr() as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(interner: &mut Interner, pairs: &[(&str, &str)]) -> Result<Labels, Fault> {
        for (name, value) in pairs {
            interner.name(name);
            interner.value(value);
        }
        interner.labels()
    }

    #[test]
    fn names_and_repeated_values_are_stored_once() {
        // Slots depend on addresses, so that two entries may share one now and then.
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
    fn a_cache_finds_what_has_not_been_driven_out() {
        let mut cache = Cache::<str>::default();
        let texts: Vec<String> = (0..100).map(|number| format!("some-service-{number}")).collect();
        let stored: Vec<_> = texts.iter().map(|text| cache.get(text).0).collect();
        let found = stored.iter().zip(&texts).filter(|(stored, text)| Arc::ptr_eq(stored, &cache.get(text).0)).count();
        assert!(found > 70, "{found}");
        for number in 0..MAX_SLOTS * 2 {
            assert_eq!(*cache.get(&number.to_string()).0, number.to_string());
        }
        assert_eq!(cache.slots.len(), MAX_SLOTS);
        assert!(cache.used > MAX_SLOTS / 2, "{}", cache.used);
    }
}
