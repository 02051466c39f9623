//! Labels of one answer, with each name and each repeated value stored once.

use std::collections::HashSet;
use std::sync::Arc;

use super::error::Fault;
use crate::value::Labels;

/// Beyond this many distinct strings the memory of them is dropped, so that a stream of any length stays small.
const MAX_STRINGS: usize = 1 << 18;

/// Builds the labels of one series after another.
#[derive(Debug, Default)]
pub(super) struct Interner {
    strings: HashSet<Arc<str>>,
    name_lists: HashSet<Arc<[Arc<str>]>>,
    /// The labels of the last series: the next one is likely to have the same names, and many of the same values.
    last: Labels,
    names: Vec<Arc<str>>,
    values: Vec<Arc<str>>,
}

impl Interner {
    pub(super) fn name(&mut self, name: &str) {
        let likely = self.last.names().get(self.names.len());
        let name = reuse(&mut self.strings, likely, name);
        self.names.push(name);
    }

    pub(super) fn value(&mut self, value: &str) {
        let likely = self.last.values().get(self.values.len());
        let value = reuse(&mut self.strings, likely, value);
        self.values.push(value);
    }

    /// The labels since the last call.
    pub(super) fn labels(&mut self) -> Result<Labels, Fault> {
        if !self.names.is_sorted() {
            let mut labels: Vec<_> = self.names.drain(..).zip(self.values.drain(..)).collect();
            labels.sort();
            (self.names, self.values) = labels.into_iter().unzip();
        }
        if self.names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Fault::Expected("each label once"));
        }
        let last_names = self.last.names();
        let names = if **last_names == *self.names {
            Arc::clone(last_names)
        } else if let Some(known) = self.name_lists.get(&*self.names) {
            Arc::clone(known)
        } else {
            let new: Arc<[Arc<str>]> = self.names.as_slice().into();
            remember(&mut self.name_lists, &new);
            new
        };
        self.last = Labels::from_sorted(names, self.values.as_slice().into());
        self.names.clear();
        self.values.clear();
        Ok(self.last.clone())
    }
}

fn reuse(known: &mut HashSet<Arc<str>>, likely: Option<&Arc<str>>, text: &str) -> Arc<str> {
    if let Some(same) = likely.filter(|likely| ***likely == *text) {
        return Arc::clone(same);
    }
    if let Some(same) = known.get(text) {
        return Arc::clone(same);
    }
    let new = Arc::from(text);
    remember(known, &new);
    new
}

fn remember<T: ?Sized + Eq + std::hash::Hash>(known: &mut HashSet<Arc<T>>, new: &Arc<T>) {
    if known.len() == MAX_STRINGS {
        known.clear();
    }
    known.insert(Arc::clone(new));
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
