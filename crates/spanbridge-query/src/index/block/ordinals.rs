//! The spans of a run, numbered in the order in which they begin in a block.

use spanbridge_graph::hash::join;

/// The spans that began so far in the open run, with their starts. Writer and reader keep the same, so a reference to a span is
/// a small number.
#[derive(Debug, Default)]
pub(super) struct Ordinals {
    spans: Vec<(u64, u64)>,
    /// Open addressing: the epoch in which it was filled, and the place in `spans`. Filled in another epoch, it is free.
    slots: Vec<(u32, u32)>,
    epoch: u32,
}

impl Ordinals {
    /// Forgets all spans: another run begins.
    pub(super) fn clear(&mut self) {
        self.spans.clear();
        self.epoch = self.epoch.wrapping_add(1);
        if self.epoch == 0 {
            self.slots.clear();
            self.epoch = 1;
        }
    }

    /// Adds a span. Its start follows.
    #[inline]
    pub(super) fn push(&mut self, id: u64) {
        self.append(id);
        if self.slots.len() < 2 * self.spans.len() {
            return self.grow();
        }
        self.place(id, self.spans.len() as u32 - 1);
    }

    /// The same for who only looks spans up by their numbers.
    #[inline]
    pub(super) fn append(&mut self, id: u64) {
        self.spans.push((id, 0));
    }

    /// When the span that was added last began.
    #[inline]
    pub(super) fn started(&mut self, at: u64) {
        if let Some(last) = self.spans.last_mut() {
            last.1 = at;
        }
    }

    /// How many spans back this one is, from 1; and when it began.
    #[inline]
    pub(super) fn find(&self, id: u64) -> Option<(u64, u64)> {
        if self.slots.is_empty() {
            return None;
        }
        let mask = self.slots.len() - 1;
        let mut slot = join(id, 0) as usize & mask;
        loop {
            let (epoch, place) = self.slots[slot];
            if epoch != self.epoch {
                return None;
            }
            let (other, started_at) = self.spans[place as usize];
            if other == id {
                return Some((self.spans.len() as u64 - u64::from(place), started_at));
            }
            slot = (slot + 1) & mask;
        }
    }

    /// The span this many back, from 1, and when it began.
    #[inline]
    pub(super) fn back(&self, places: u64) -> Option<(u64, u64)> {
        let place = self.spans.len().checked_sub(usize::try_from(places).ok()?)?;
        self.spans.get(place).copied()
    }

    #[cold]
    fn grow(&mut self) {
        let len = (2 * self.slots.len()).max(64);
        self.slots.clear();
        self.slots.resize(len, (0, 0));
        self.epoch = self.epoch.max(1);
        for place in 0..self.spans.len() {
            self.place(self.spans[place].0, place as u32);
        }
    }

    /// A span that is there keeps its first place.
    #[inline]
    fn place(&mut self, id: u64, place: u32) {
        let mask = self.slots.len() - 1;
        let mut slot = join(id, 0) as usize & mask;
        while self.slots[slot].0 == self.epoch {
            if self.spans[self.slots[slot].1 as usize].0 == id {
                return;
            }
            slot = (slot + 1) & mask;
        }
        self.slots[slot] = (self.epoch, place);
    }
}
