//! Byte strings that get numbers: the first time they are seen, the next one.

use spanbridge_graph::hash::quick;

/// Which names were looked up last, by their addresses: most names stand in the source of an application, and come with the
/// same address each time.
///
/// All of them are borrowed for `'a`, so two that are there at the same address are the same.
#[derive(Debug)]
pub struct KnownNames<'a> {
    /// A name, its number, and the block that has it under that number.
    places: Box<[(&'a str, u32, u32)]>,
}

impl<'a> KnownNames<'a> {
    const LEN: usize = 128;

    /// Not the number of a block.
    pub(super) const NO_BLOCK: u32 = u32::MAX;

    /// The number of a name in this block: known, or looked up in the table.
    #[inline]
    pub(super) fn number(&mut self, name: &'a str, block: u32, table: &mut Interner) -> u32 {
        let address = name.as_ptr() as usize;
        let place = &mut self.places[(address ^ address >> 7) % Self::LEN];
        if std::ptr::eq(place.0, name) && place.2 == block {
            return place.1;
        }
        *place = (name, table.intern(name.as_bytes()).0, block);
        place.1
    }
}

impl Default for KnownNames<'_> {
    fn default() -> Self {
        Self { places: vec![("", 0, Self::NO_BLOCK); Self::LEN].into_boxed_slice() }
    }
}

/// A table of distinct byte strings, kept one behind the other.
#[derive(Debug, Default)]
pub struct Interner {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    /// Open addressing; 0 is free, else the number of the entry plus one. At most half full.
    slots: Vec<u32>,
}

#[derive(Debug)]
struct Entry {
    hash: u64,
    start: usize,
    end: usize,
}

impl Interner {
    /// The number of this byte string, and whether it is new.
    #[inline]
    pub fn intern(&mut self, key: &[u8]) -> (u32, bool) {
        if self.slots.len() < 2 * (self.entries.len() + 1) {
            self.grow();
        }
        let hash = quick(key);
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        while let Some(found) = self.slots[slot].checked_sub(1) {
            if self.entries[found as usize].hash == hash && self.get(found as usize) == key {
                return (found, false);
            }
            slot = (slot + 1) & mask;
        }
        (self.add(hash, slot, key), true)
    }

    #[cold]
    fn add(&mut self, hash: u64, slot: usize, key: &[u8]) -> u32 {
        let number = self.entries.len() as u32;
        let start = self.bytes.len();
        self.bytes.extend_from_slice(key);
        self.entries.push(Entry { hash, start, end: self.bytes.len() });
        self.slots[slot] = number + 1;
        number
    }

    pub fn get(&self, number: usize) -> &[u8] {
        let entry = &self.entries[number];
        &self.bytes[entry.start..entry.end]
    }

    fn grow(&mut self) {
        let len = (2 * self.slots.len()).max(256);
        self.slots.clear();
        self.slots.resize(len, 0);
        for (number, entry) in self.entries.iter().enumerate() {
            let mut slot = entry.hash as usize & (len - 1);
            while self.slots[slot] != 0 {
                slot = (slot + 1) & (len - 1);
            }
            self.slots[slot] = number as u32 + 1;
        }
    }

    pub fn count(&self) -> usize {
        self.entries.len()
    }

    /// All of them, one behind the other.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The length of each.
    pub fn lengths(&self) -> impl Iterator<Item = usize> {
        self.entries.iter().map(|e| e.end - e.start)
    }

    pub fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
        self.slots.fill(0);
    }
}
