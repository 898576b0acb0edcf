//! The spans that began last in a part: parents and ends mostly refer to one of them.

/// A ring of span ids. Writer and reader keep the same one, so a reference is a small number.
#[derive(Clone, Debug, Default)]
pub(super) struct Recent {
    ids: [u64; Recent::LEN],
    next: usize,
}

impl Recent {
    const LEN: usize = 32;

    pub(super) fn clear(&mut self) {
        self.next = 0;
    }

    #[inline]
    pub(super) fn push(&mut self, id: u64) {
        self.ids[self.next % Self::LEN] = id;
        self.next += 1;
    }

    /// The id this many places back, from 1.
    #[inline]
    pub(super) fn back(&self, places: u64) -> Option<u64> {
        let places = usize::try_from(places).ok().filter(|p| (1..=self.next.min(Self::LEN)).contains(p))?;
        Some(self.ids[(self.next - places) % Self::LEN])
    }

    /// How many places back this id is.
    #[inline]
    pub(super) fn find(&self, id: u64) -> Option<u64> {
        // Nearly always one of the last; then from the other end of the ring.
        let (newer, older) = self.ids.split_at(self.next % Self::LEN);
        let older = if self.next < Self::LEN { &[] } else { older };
        let back = |ids: &[u64]| ids.iter().rev().position(|other| *other == id).map(|place| place as u64 + 1);
        back(newer).or_else(|| back(older).map(|place| place + newer.len() as u64))
    }
}
