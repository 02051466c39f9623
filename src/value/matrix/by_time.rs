//! The samples of all series at one time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{Samples, Series};
use crate::value::{Timestamp, Value};

/// An iterator over the timestamps of a [`Matrix`](crate::Matrix) with their samples, in order of time: see
/// [`Matrix::by_time`](crate::Matrix::by_time).
#[derive(Debug, Clone)]
pub struct ByTime<'a> {
    series: &'a [Series],
    cursors: Vec<std::iter::Peekable<Samples<'a>>>,
    /// The timestamp of the next sample of each series that has one.
    next: BinaryHeap<Reverse<(Timestamp, usize)>>,
}

/// The samples of a [`Matrix`](crate::Matrix) at one point in time.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Moment<'a> {
    /// The time of all samples.
    pub timestamp: Timestamp,
    /// The samples and their series, in the order of the matrix.
    pub samples: Vec<(&'a Series, Value)>,
}

impl<'a> ByTime<'a> {
    #[inline]
    pub(super) fn new(series: &'a [Series]) -> Self {
        let mut cursors: Vec<_> = series.iter().map(|series| series.iter().peekable()).collect();
        let next = cursors
            .iter_mut()
            .enumerate()
            .filter_map(|(at, cursor)| cursor.peek().map(|sample| Reverse((sample.timestamp, at))))
            .collect();
        Self { series, cursors, next }
    }
}

impl<'a> Iterator for ByTime<'a> {
    type Item = Moment<'a>;

    #[inline]
    fn next(&mut self) -> Option<Moment<'a>> {
        let &Reverse((timestamp, _)) = self.next.peek()?;
        let mut samples = Vec::with_capacity(self.next.len());
        while let Some(mut top) = self.next.peek_mut()
            && top.0.0 == timestamp
        {
            let at = top.0.1;
            let (Some(series), Some(cursor)) = (self.series.get(at), self.cursors.get_mut(at)) else { break };
            samples.extend(cursor.next().map(|sample| (series, sample.value)));
            match cursor.peek() {
                Some(sample) => *top = Reverse((sample.timestamp, at)),
                None => drop(std::collections::binary_heap::PeekMut::pop(top)),
            }
        }
        Some(Moment { timestamp, samples })
    }
}
