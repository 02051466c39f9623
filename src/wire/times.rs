//! The timestamps of one series after another, stored once where they are the same.

use std::sync::Arc;

use super::error::Fault;
use super::number::TimeText;
use crate::value::Timestamp;

/// Servers send samples from the oldest to the newest, and callers rely on it.
pub(super) const DISORDER: Fault = Fault::Expected("a time that is not before the last one");

/// The most timestamps that are recognized by their text: more than a range query returns.
const MAX_TEXTS: usize = 1 << 14;

/// Collects the timestamps of a series. The series of a range query usually share theirs, which are then stored once,
/// and recognized by their text.
#[derive(Debug, Default)]
pub(super) struct Times {
    /// The timestamps of the previous series.
    last: Arc<[Timestamp]>,
    /// The number of leading timestamps that this series shares with the previous one.
    same: usize,
    /// All timestamps of this series, once one differs from the previous series; empty before.
    own: Vec<Timestamp>,
    /// The texts of the first timestamps of `own` or, while that is empty, of `last`; all have one length.
    texts: Vec<u128>,
    text_length: usize,
}

impl Times {
    /// Reserves capacity.
    pub(super) fn reserve(&mut self, points: usize) {
        self.own.reserve(points);
        self.texts.reserve(points);
    }

    /// The texts of the next timestamps, if this series continues to share those of the previous one.
    pub(super) fn expected(&self) -> impl ExactSizeIterator<Item = TimeText> {
        let texts = if self.own.is_empty() { self.texts.get(self.same..) } else { None };
        texts.unwrap_or_default().iter().map(|text| (*text, self.text_length))
    }

    /// Adds the first `count` of the expected timestamps.
    pub(super) fn repeat(&mut self, count: usize) {
        self.same += count;
    }

    /// Adds a timestamp, with its text if that identifies it.
    #[inline]
    pub(super) fn push(&mut self, time: Timestamp, text: Option<TimeText>) -> Result<(), Fault> {
        if self.own.is_empty() {
            if self.last.get(self.same) == Some(&time) {
                self.learn(self.same, text);
                self.same += 1;
                return Ok(());
            }
            self.own.extend_from_slice(&self.last[..self.same]);
            self.texts.truncate(self.same);
        }
        if self.own.last().is_some_and(|last| *last > time) {
            return Err(DISORDER);
        }
        self.learn(self.own.len(), text);
        self.own.push(time);
        Ok(())
    }

    /// Stores the text of a timestamp, if the texts of all before it are stored.
    #[inline]
    fn learn(&mut self, position: usize, text: Option<TimeText>) {
        if let Some((text, length)) = text
            && self.texts.len() == position
            && position < MAX_TEXTS
            && (position == 0 || length == self.text_length)
        {
            self.text_length = length;
            self.texts.push(text);
        }
    }

    /// The only timestamp of a series that has one.
    pub(super) fn pop(&mut self) -> Option<Timestamp> {
        self.texts.clear();
        self.own.pop()
    }

    /// The timestamps of the series, which is complete.
    pub(super) fn finish(&mut self) -> Arc<[Timestamp]> {
        if !self.own.is_empty() {
            self.last = self.own.as_slice().into();
            self.own.clear();
        } else if self.same < self.last.len() {
            self.last = self.last[..self.same].into();
            self.texts.truncate(self.same);
        }
        self.same = 0;
        Arc::clone(&self.last)
    }
}
