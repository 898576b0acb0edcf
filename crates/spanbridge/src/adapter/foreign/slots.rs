//! Slots for open spans. Each is one cache line, and has one word that says whose it is and how it is used.
//!
//! A slot is taken by a compare-and-swap of that word, and belongs to who has done that until the word is stored again. Readers do
//! not write: they read the fields, and then whether the word is still the same (a sequence lock). So what they have read belongs
//! together, but may be gone already; to make use of a reference, the slot has to be taken.
//!
//! A thread keeps the slot that it has used last for its next span, which nearly always finds it where it looks first.
//!
//! A slot that is used again has another number in its word: nobody takes it for what it was.

use super::kept::{Kept, More};
use crate::Context;
use crate::context::Shared;
use crate::context::entered::Key;
use crate::fork::{self, AtFork, Held};
use std::hint::spin_loop;
use std::mem::ManuallyDrop;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering::*, fence};
use std::thread::{sleep, yield_now};
use std::time::Duration;

#[repr(align(64))]
struct Slot {
    /// State in bits 0..2, how often it was used in 2..32, owner in 32..64.
    word: AtomicU64,
    id: AtomicU64,
    // A `Kept`, if the slot is used.
    shared: AtomicPtr<Shared>,
    span: AtomicU64,
    token: AtomicU64,
    more: AtomicPtr<More>,
}

const STATE: u64 = 3;
const FREE: u64 = 0;
/// Somebody changes it, for a moment.
const TAKEN: u64 = 1;
const USED: u64 = 2;
/// A thread has used it, and keeps it for its next span.
const RESERVED: u64 = 3;
const USES: u64 = 0xffff_fffc;
const ONE_USE: u64 = 4;

/// 256 KiB, of which only what is used is in memory.
const SLOTS: usize = if cfg!(miri) { 64 } else { 4096 };

/// How many slots a span may be in.
const WINDOW: usize = 4;

static TABLE: [Slot; SLOTS] = [const {
    Slot {
        word: AtomicU64::new(FREE),
        id: AtomicU64::new(0),
        shared: AtomicPtr::new(null_mut()),
        span: AtomicU64::new(0),
        token: AtomicU64::new(0),
        more: AtomicPtr::new(null_mut()),
    }
}; SLOTS];

/// Whether any slot was ever used. Where nothing is recorded, there is nothing to look for.
static IS_USED: AtomicBool = AtomicBool::new(false);

/// Who asks for a span was told its number after it was put here.
#[inline(always)]
pub(super) fn is_used() -> bool {
    IS_USED.load(Relaxed)
}

#[cold]
fn use_table() {
    static IS_WATCHED: AtomicBool = AtomicBool::new(false);
    fork::watch(&Table, &IS_WATCHED);
    IS_USED.store(true, Relaxed)
}

/// In a forked child, nobody waits for a slot that was being changed: the thread that did does not exist there. Its span is lost there.
struct Table;

impl AtFork for Table {
    fn hold(&'static self) -> Box<dyn Held> {
        Box::new(Table)
    }
}

impl Held for Table {
    fn in_child(&mut self) {
        for slot in &TABLE {
            let word = slot.word.load(Relaxed);
            if word & STATE == TAKEN {
                slot.word.store(word & USES | FREE, Relaxed)
            }
        }
    }
}

/// Waiting for a slot that is changed. It is changed within nanoseconds, unless its thread has to wait for a processor.
struct Wait(u32);

impl Wait {
    /// False after about two seconds: an application must not hang, whatever has become of the thread.
    fn goes_on(&mut self) -> bool {
        self.0 += 1;
        match self.0 {
            ..100 => spin_loop(),
            100..200 => yield_now(),
            200..2200 => sleep(Duration::from_millis(1)),
            _ => return false,
        }
        true
    }
}

/// The first of the slots that a span may be in, which is nearly always the one. Numbers of `tracing-subscriber` have the place in the
/// memory of a thread in the low bits, which is used again and again, and the thread in the middle: so threads use slots of their own,
/// and each of them few.
#[inline(always)]
fn first(key: Key) -> usize {
    let thread = (key.id >> 38) & 0x1fff;
    (key.id ^ thread.wrapping_mul(0x9e5) ^ u64::from(key.owner).wrapping_mul(0x1a5)) as usize
}

#[inline(always)]
fn slot(at: usize) -> &'static Slot {
    &TABLE[at % SLOTS]
}

/// The slots that a span may be in.
fn window(key: Key) -> impl Iterator<Item = &'static Slot> {
    (0..WINDOW).map(move |step| slot(first(key).wrapping_add(step)))
}

/// Gives the span back, if there is no slot for it.
#[inline(always)]
pub(super) fn put(key: Key, kept: Kept) -> Result<(), Kept> {
    if !IS_USED.load(Relaxed) {
        use_table()
    }
    let at = first(key) % SLOTS;
    let slot = slot(at);
    let word =
        if reserved::take(at) { Some(next_word(key, slot.word.load(Relaxed)) | USED) } else { slot.take_free(key) };
    match word {
        Some(word) => {
            slot.fill(key, kept, word);
            Ok(())
        }
        None => put_elsewhere(key, kept),
    }
}

#[inline(never)]
fn put_elsewhere(key: Key, kept: Kept) -> Result<(), Kept> {
    for slot in window(key) {
        if let Some(word) = slot.take_free(key) {
            slot.fill(key, kept, word);
            return Ok(());
        }
    }
    Err(kept)
}

/// What is in the slot of a span.
#[inline(always)]
pub(super) fn look(key: Key) -> Option<(*const Shared, u64)> {
    let slot = slot(first(key));
    let word = slot.word.load(Acquire);
    match slot.has(key, word).then(|| slot.look(word)) {
        Some(Some(seen)) => Some(seen),
        _ => look_elsewhere(key),
    }
}

#[inline(never)]
fn look_elsewhere(key: Key) -> Option<(*const Shared, u64)> {
    let mut wait = Wait(0);
    while wait.goes_on() {
        let (slot, word) = find(key, &mut wait)?;
        if let Some(seen) = slot.look(word) {
            return Some(seen);
        }
    }
    None
}

/// Calls `f` with the span, if it is in a slot.
pub(super) fn with<R>(key: Key, f: impl FnOnce(&mut Kept) -> R) -> Option<R> {
    let (slot, word) = take_slot(key)?;
    // SAFETY: the slot is ours, and was used. What `f` leaves behind is written back.
    let mut kept = ManuallyDrop::new(unsafe { slot.read() });
    let result = f(&mut kept);
    slot.write(ManuallyDrop::into_inner(kept));
    slot.word.store(word, Release);
    Some(result)
}

/// Takes the span out of its slot.
#[inline(always)]
pub(super) fn take(key: Key) -> Option<Kept> {
    let at = first(key) % SLOTS;
    let slot = slot(at);
    let word = slot.word.load(Acquire); // or the number beside it may be that of an earlier use
    if slot.has(key, word) && slot.take_used(word) {
        // SAFETY: the slot is ours, and was used. Nobody will read it again before something else is written.
        let kept = unsafe { slot.read() };
        let state = if reserved::keep(at) { RESERVED } else { FREE };
        slot.word.store(word & USES | state, Release);
        return Some(kept);
    }
    take_from_elsewhere(key)
}

#[inline(never)]
fn take_from_elsewhere(key: Key) -> Option<Kept> {
    let (slot, word) = take_slot(key)?;
    // SAFETY: as in `take`.
    let kept = unsafe { slot.read() };
    slot.word.store(word & USES | FREE, Release);
    Some(kept)
}

/// The slot of a span, and its word, in which it is not taken.
fn find(key: Key, wait: &mut Wait) -> Option<(&'static Slot, u64)> {
    window(key).find_map(|slot| slot.wait_for(key, wait).map(|word| (slot, word)))
}

/// Takes the slot of a span. Its word before is to be stored again, or a free one.
fn take_slot(key: Key) -> Option<(&'static Slot, u64)> {
    let mut wait = Wait(0);
    while wait.goes_on() {
        let (slot, word) = find(key, &mut wait)?;
        if slot.take_used(word) {
            return Some((slot, word));
        }
    }
    None
}

/// The word for the next use of a slot, but for the state.
#[inline(always)]
fn next_word(key: Key, word: u64) -> u64 {
    u64::from(key.owner) << 32 | word.wrapping_add(ONE_USE) & USES
}

/// Whether a slot has a span of this owner.
pub(super) fn any(owner: u32) -> bool {
    let has = |word: u64| matches!(word & STATE, TAKEN | USED) && (word >> 32) as u32 == owner;
    TABLE.iter().any(|slot| has(slot.word.load(Acquire)))
}

impl Slot {
    /// Whether the slot, whose word this is, has the span, and is not taken.
    #[inline(always)]
    fn has(&self, key: Key, word: u64) -> bool {
        word & STATE == USED && (word >> 32) as u32 == key.owner && self.id.load(Relaxed) == key.id
    }

    /// The word, if the slot has the span: waits while it is taken.
    fn wait_for(&self, key: Key, wait: &mut Wait) -> Option<u64> {
        loop {
            let word = self.word.load(Acquire);
            if self.has(key, word) {
                return Some(word);
            }
            // One that is taken to be filled with the span is not asked for yet.
            if word & STATE != TAKEN || (word >> 32) as u32 != key.owner || self.id.load(Relaxed) != key.id {
                return None;
            }
            if !wait.goes_on() {
                return None;
            }
        }
    }

    /// Takes a slot that is free, for this span. The word to be stored.
    #[inline(always)]
    fn take_free(&self, key: Key) -> Option<u64> {
        let word = self.word.load(Relaxed);
        let next = next_word(key, word);
        let is_taken = word & STATE == FREE && self.word.compare_exchange(word, next | TAKEN, Acquire, Relaxed).is_ok();
        is_taken.then_some(next | USED)
    }

    /// Takes a slot that is used, if its word is still this one.
    #[inline(always)]
    fn take_used(&self, word: u64) -> bool {
        self.word.compare_exchange(word, word ^ USED ^ TAKEN, Acquire, Relaxed).is_ok()
    }

    /// The shared part and the span, if the word is still this one, which was loaded by `Acquire`.
    #[inline(always)]
    fn look(&self, word: u64) -> Option<(*const Shared, u64)> {
        let seen = (self.shared.load(Relaxed).cast_const(), self.span.load(Relaxed));
        fence(Acquire);
        (self.word.load(Relaxed) == word).then_some(seen)
    }

    /// Fills a slot that was taken when it was free.
    #[inline(always)]
    fn fill(&self, key: Key, kept: Kept, word: u64) {
        // A reader that sees one of the stores below also sees that the slot is taken.
        fence(Release);
        self.id.store(key.id, Relaxed);
        self.write(kept);
        self.word.store(word, Release)
    }

    /// Only for who has taken the slot.
    #[inline(always)]
    fn write(&self, kept: Kept) {
        let Kept { context, token, more } = kept;
        let context = ManuallyDrop::new(context);
        self.shared.store(context.shared.cast_mut(), Relaxed);
        self.span.store(context.span, Relaxed);
        self.token.store(token, Relaxed);
        self.more.store(more.map_or(null_mut(), Box::into_raw), Relaxed)
    }

    /// # Safety
    /// The caller has taken the slot, it was used, and what it has is read once for each time that it is written.
    #[inline(always)]
    unsafe fn read(&self) -> Kept {
        let context = Context { shared: self.shared.load(Relaxed).cast_const(), span: self.span.load(Relaxed) };
        let more = self.more.load(Relaxed);
        // SAFETY: the pointer came from a box, which nobody else reads.
        let more = (!more.is_null()).then(|| unsafe { Box::from_raw(more) });
        Kept { context, token: self.token.load(Relaxed), more }
    }
}

/// The slot that this thread keeps for its next span.
mod reserved {
    use super::{FREE, USES, slot};
    use std::cell::Cell;
    use std::sync::atomic::Ordering::{Relaxed, Release};

    /// It keeps none.
    const NONE: usize = usize::MAX;
    /// It has not kept any so far.
    const NEW: usize = usize::MAX - 1;
    /// It has ended.
    const GONE: usize = usize::MAX - 2;

    thread_local! {
        // Without Drop, so that access is a plain load.
        static KEPT: Cell<usize> = const { Cell::new(NEW) };
        static AT_END: AtEnd = const { AtEnd };
    }

    struct AtEnd;

    impl Drop for AtEnd {
        fn drop(&mut self) {
            let kept = KEPT.replace(GONE);
            if kept < GONE {
                let word = &slot(kept).word;
                word.store(word.load(Relaxed) & USES | FREE, Release)
            }
        }
    }

    /// Whether this slot is the one. It is no longer.
    #[inline(always)]
    pub(super) fn take(at: usize) -> bool {
        let is_it = KEPT.get() == at;
        if is_it {
            KEPT.set(NONE)
        }
        is_it
    }

    /// Whether this slot, which is ours, is kept from now on.
    #[inline(always)]
    pub(super) fn keep(at: usize) -> bool {
        match KEPT.get() {
            NONE => {
                KEPT.set(at);
                true
            }
            NEW => keep_first(at),
            _ => false,
        }
    }

    #[cold]
    #[inline(never)]
    fn keep_first(at: usize) -> bool {
        let will_be_freed = AT_END.try_with(|_| ()).is_ok();
        KEPT.set(if will_be_freed { at } else { GONE });
        will_be_freed
    }
}
