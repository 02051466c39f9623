//! The timestamps of one series after another.

use std::sync::Arc;

use super::error::Fault;
use crate::value::Timestamp;

/// Servers send samples from the oldest to the newest, and who reads them relies on it.
pub(super) const DISORDER: Fault = Fault::Expected("a time that is not before the last one");

/// Collects the timestamps of a series. All series of a range query mostly have the same ones, which are then stored
/// once, and from the third series on recognised by their text.
#[derive(Debug, Default)]
pub(super) struct Times {
    /// Of the series before.
    last: Arc<[Timestamp]>,
    /// The texts of the first of these, where another series had the same.
    texts: Vec<u128>,
    /// How many timestamps of this series are those of the series before.
    same: usize,
    /// All timestamps of this series, from the first one on that is another.
    own: Vec<Timestamp>,
}

impl Times {
    /// Adds the timestamp with this text, if the series before had it in the same place.
    #[inline]
    pub(super) fn repeat(&mut self, text: u128) -> bool {
        if !self.own.is_empty() || self.texts.get(self.same) != Some(&text) {
            return false;
        }
        self.same += 1;
        true
    }

    /// Adds a timestamp, with its text if that tells it from all others.
    #[inline]
    pub(super) fn push(&mut self, time: Timestamp, text: Option<u128>) -> Result<(), Fault> {
        if self.own.is_empty() && self.last.get(self.same) == Some(&time) {
            if let Some(text) = text.filter(|_| self.texts.len() == self.same) {
                self.texts.push(text);
            }
            self.same += 1;
            return Ok(());
        }
        if self.own.is_empty() {
            self.own.extend_from_slice(&self.last[..self.same]);
        }
        if self.own.last().is_some_and(|last| *last > time) {
            return Err(DISORDER);
        }
        self.own.push(time);
        Ok(())
    }

    /// The only timestamp of a series that has one.
    pub(super) fn pop(&mut self) -> Option<Timestamp> {
        self.own.pop()
    }

    /// The timestamps of the series, which is complete.
    pub(super) fn finish(&mut self) -> Arc<[Timestamp]> {
        if !self.own.is_empty() || self.same < self.last.len() {
            let all = if self.own.is_empty() { &self.last[..self.same] } else { &self.own };
            self.last = all.into();
            self.own.clear();
            self.texts.clear();
        }
        self.same = 0;
        Arc::clone(&self.last)
    }
}
