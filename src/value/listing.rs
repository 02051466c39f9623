//! Lists of names, values, or label sets.

use std::ops::Deref;

use super::{Meta, meta_getters};

/// A list of names, values, label sets or exemplars, with the warnings of the response.
///
/// It dereferences to a slice.
#[derive(Clone, Debug, PartialEq)]
pub struct Listing<T> {
    items: Vec<T>,
    meta: Meta,
}

impl<T> Listing<T> {
    pub(crate) fn new(items: Vec<T>, meta: Meta) -> Self {
        Self { items, meta }
    }

    /// Returns the items.
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        self.items
    }

    meta_getters!();
}

impl<T> Deref for Listing<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.items
    }
}

impl<T> IntoIterator for Listing<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Listing<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.iter()
    }
}
