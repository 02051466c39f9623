//! Labels of one answer, with each name and each repeated value stored once.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::Arc;

use super::error::Fault;
use crate::value::Labels;

/// Beyond this many distinct strings the memory of them is dropped, so that a stream of any length stays small.
const MAX_STRINGS: usize = 1 << 18;

/// Builds the labels of one series after another.
#[derive(Debug, Default)]
pub(super) struct Interner {
    strings: HashSet<Arc<str>>,
    /// Lists of names by the addresses of the names; one that is lost to a collision is only stored twice.
    name_lists: HashMap<u64, Arc<[Arc<str>]>>,
    /// The labels of the last series: the next one is likely to have the same names, and many of the same values.
    last: Labels,
    /// How many labels of the last series come before the one that is being read, by name.
    passed: usize,
    names: Vec<Arc<str>>,
    values: Vec<Arc<str>>,
}

impl Interner {
    pub(super) fn name(&mut self, name: &str) {
        let last = self.last.names();
        self.passed += last[self.passed..].iter().take_while(|passed| ***passed < *name).count();
        let name = reuse(&mut self.strings, last.get(self.passed), name);
        self.names.push(name);
    }

    pub(super) fn value(&mut self, value: &str) {
        let value = reuse(&mut self.strings, self.last.values().get(self.passed), value);
        self.values.push(value);
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
        let names = self.name_list();
        self.names.clear();
        self.last = Labels::from_sorted(names, self.values.drain(..).collect());
        Ok(self.last.clone())
    }

    fn name_list(&mut self) -> Arc<[Arc<str>]> {
        let names = self.names.as_slice();
        let is_same = |known: &Arc<[Arc<str>]>| {
            known.len() == names.len() && known.iter().zip(names).all(|(known, name)| Arc::ptr_eq(known, name))
        };
        if is_same(self.last.names()) {
            return Arc::clone(self.last.names());
        }
        let mut key = DefaultHasher::new();
        for name in names {
            key.write_usize(Arc::as_ptr(name).addr());
        }
        let key = key.finish();
        if let Some(known) = self.name_lists.get(&key).filter(|known| is_same(known)) {
            return Arc::clone(known);
        }
        let new: Arc<[Arc<str>]> = names.into();
        if self.name_lists.len() == MAX_STRINGS {
            self.name_lists.clear();
        }
        self.name_lists.insert(key, Arc::clone(&new));
        new
    }
}

/// The same string as it is stored already: the likely one, or any; else it is stored now.
fn reuse(known: &mut HashSet<Arc<str>>, likely: Option<&Arc<str>>, text: &str) -> Arc<str> {
    if let Some(same) = likely.filter(|likely| ***likely == *text) {
        return Arc::clone(same);
    }
    if let Some(same) = known.get(text) {
        return Arc::clone(same);
    }
    let new: Arc<str> = text.into();
    if known.len() == MAX_STRINGS {
        known.clear();
    }
    known.insert(Arc::clone(&new));
    new
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
        let mut interner = Interner::default();
        let first = labels(&mut interner, &[("job", "api"), ("pod", "a")]).unwrap();
        let other = labels(&mut interner, &[("le", "1")]).unwrap();
        let third = labels(&mut interner, &[("pod", "b"), ("job", "api")]).unwrap();
        assert_eq!(third.to_string(), r#"{job="api", pod="b"}"#);
        assert!(Arc::ptr_eq(first.names(), third.names()));
        assert!(Arc::ptr_eq(&first.values()[0], &third.values()[0]));
        assert_eq!(other.len(), 1);
    }

    #[test]
    fn a_label_that_comes_twice_is_a_fault() {
        assert!(labels(&mut Interner::default(), &[("a", "1"), ("b", "1"), ("a", "2")]).is_err());
    }
}
