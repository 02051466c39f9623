//! A cache of texts.

use crate::value::Block;

/// Finds equal texts of a block in constant time. Of two texts with the same slot, only the later one is found, so no
/// input makes it slow.
#[derive(Debug, Default)]
pub(super) struct Cache {
    /// Hashes of texts, and their indices. Empty at first, then a power of two in length.
    pub(super) slots: Vec<(u32, u32)>,
    pub(super) used: usize,
}

const MIN_SLOTS: usize = 1 << 8;
pub(super) const MAX_SLOTS: usize = 1 << 12;
const FREE: (u32, u32) = (0, u32::MAX);

impl Cache {
    /// The index of the text that is equal to `text`.
    pub(super) fn find(&self, hash: u32, text: &[u8], block: &Block) -> Option<u32> {
        let (known, index) = *self.slots.get(hash as usize & self.slots.len().wrapping_sub(1))?;
        (known == hash && index != FREE.1 && block.get(index).as_bytes() == text).then_some(index)
    }

    pub(super) fn insert(&mut self, hash: u32, index: u32) {
        if self.used >= self.slots.len() / 2 && self.slots.len() < MAX_SLOTS {
            self.grow();
        }
        self.used += 1;
        let slot = hash as usize & (self.slots.len() - 1);
        self.slots[slot] = (hash, index);
    }

    fn grow(&mut self) {
        let length = (self.slots.len() * 4).max(MIN_SLOTS);
        let mut slots = vec![FREE; length];
        for (hash, index) in self.slots.drain(..).filter(|slot| *slot != FREE) {
            slots[hash as usize & (length - 1)] = (hash, index);
        }
        self.slots = slots;
    }

    pub(super) fn clear(&mut self) {
        self.slots.fill(FREE);
        self.used = 0;
    }
}

fn mix(hash: u64, word: u64) -> u64 {
    (hash.rotate_left(23) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

pub(super) fn hash(text: &[u8]) -> u32 {
    let (words, rest) = text.as_chunks::<8>();
    let whole = words.iter().fold(text.len() as u64, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    (mix(whole, rest.iter().fold(0, |all, &byte| all << 8 | u64::from(byte))) >> 32) as u32
}
