//! The timestamps of one series after another.

use std::sync::Arc;

use super::error::Fault;
use super::number::TimeText;
use crate::value::Timestamp;

/// Servers send samples from the oldest to the newest, and who reads them relies on it.
pub(super) const DISORDER: Fault = Fault::Expected("a time that is not before the last one");

/// How many timestamps are recognised by their text: more than a range query has.
const MAX_TEXTS: usize = 1 << 14;

/// Collects the timestamps of a series. All series of a range query mostly have the same ones, which are then stored
/// once, and recognised by their text.
#[derive(Debug, Default)]
pub(super) struct Times {
    /// Of the series before.
    last: Arc<[Timestamp]>,
    /// How many timestamps of this series are those of the series before.
    same: usize,
    /// All timestamps of this series, from the first one on that is another.
    own: Vec<Timestamp>,
    /// The texts of the first of its own or else of the last timestamps, all of one length.
    texts: Vec<u128>,
    text_length: usize,
}

impl Times {
    /// Makes room for so many timestamps.
    pub(super) fn reserve(&mut self, points: usize) {
        self.own.reserve(points);
        self.texts.reserve(points);
    }

    /// The texts of the timestamps that come next, if they are those of the series before.
    pub(super) fn expected(&self) -> impl ExactSizeIterator<Item = TimeText> {
        let texts = if self.own.is_empty() { self.texts.get(self.same..) } else { None };
        texts.unwrap_or_default().iter().map(|text| (*text, self.text_length))
    }

    /// Adds the first `count` of the expected timestamps.
    pub(super) fn repeat(&mut self, count: usize) {
        self.same += count;
    }

    /// Adds a timestamp, with its text if that tells it from all others.
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

    /// Remembers the text of a timestamp, if those of all before it are.
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
