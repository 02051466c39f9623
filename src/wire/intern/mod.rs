//! The labels of a response, in blocks. A block stores each name once, and a repeated value once if a cache of fixed size
//! still has it.
//!
//! Most series have the names of a previous one in the same order, and many of its values. Each name is first compared
//! with those that followed the same names before, each value with the last one of the same name, and bytes are compared
//! before they are decoded.

mod cache;

use std::collections::HashMap;
use std::sync::Arc;

use promql_presets_core::sort;

use super::error::{DecodeError, Fault};
use super::fields::{Entries, LabelSet};
use crate::value::{Block, Labels};
use cache::{Cache, hash};

/// Builds the labels of one series after another.
#[derive(Debug)]
pub(super) struct Interner {
    columns: Vec<Column>,
    by_name: HashMap<Arc<str>, usize>,
    /// Lists of names, after the empty list [`NO_NAMES`].
    lists: Vec<NameList>,
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
    last: LastValue,
    /// The number of values since the last one that was in the cache.
    new_values: u32,
}

/// The last value of a name.
#[derive(Debug, Clone, Copy, Default)]
struct LastValue {
    index: InBlock,
    /// Whether JSON contained it as it is, without escapes.
    is_plain: bool,
}

/// Names in the order in which a series has them.
#[derive(Debug, Default)]
struct NameList {
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
const NO_NAMES: usize = 0;

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
const LIST: u64 = 2 * (size_of::<NameList>() + size_of::<((usize, usize), usize)>()) as u64;

impl Default for Interner {
    fn default() -> Self {
        Self {
            columns: vec![Column::default()],
            by_name: HashMap::new(),
            lists: vec![NameList { is_sorted: true, ..NameList::default() }],
            continued: HashMap::new(),
            list: NO_NAMES,
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

/// Removes a text and a quote from the start of `json`.
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
            let ascends = start == NO_NAMES || columns[last.column].name < columns[column].name;
            let (length, is_sorted) = (last.length + 1, last.is_sorted && ascends);
            lists.push(NameList { start, column, length, is_sorted, ..NameList::default() });
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
        let LastValue { index, is_plain } = self.column().last;
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
        column.last = LastValue { index: InBlock { number, at }, is_plain };
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
        self.list = NO_NAMES;
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
        if self.list == NO_NAMES {
            return Ok(Labels::default());
        }
        if !self.lists[self.list].is_sorted {
            self.sort()?;
        }
        let names = self.names();
        let values = self.block.add_values(&self.values);
        self.list = NO_NAMES;
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
        if self.list == NO_NAMES && (self.is_full || self.lists.len() > MAX_LISTS) {
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
            let NameList { start, column, .. } = self.lists[self.list];
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

#[cfg(test)]
mod tests;
