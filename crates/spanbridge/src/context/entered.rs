//! Contexts that are entered by one call and left by another, in any order: what the guards of another library do.
//!
//! All other scopes of a thread are calls, which return in order. Each of them keeps what was current before, without a reference
//! of its own, and restores it. So nothing here may take away what such a call keeps, nor leave behind what it does not
//! know. Two rules see to that:
//!
//! - What was entered inside of a call ends with the call at the latest: the call finds as current what it has made current.
//! - What was entered outside of a call stays until the call has returned, even if it is left inside.
//!
//! Calls that exchange only the span are not counted as the others are. Such a call is known by its span: what was entered in it
//! has that span outside.
//!
//! Most contexts that are entered have the shared part of the current one. Then only the span is exchanged, and nothing is
//! counted.

use super::ambient::{Ambient, NO_CALLS, SAME, ambient};
use super::{Context, Shared};
use crate::panics::Watch;
use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::ptr::null;

/// Who entered, and under which number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) owner: u32,
    pub(crate) id: u64,
}

/// A context that was entered. One cache line.
#[derive(Clone, Copy)]
struct Entry {
    id: u64,
    owner: u32,
    /// How many calls were around when it was entered that exchange the shared part.
    depth: u32,
    /// What was told to the calls around before.
    told_before: u32,
    kind: Kind,
    is_left: bool,
    was_panicking: bool,
    watch: Watch,
    span: u64,
    outer_span: u64,
    /// What it has made current, if it is [`Kind::Replaced`]: the entry owns a reference.
    shared: *const Shared,
    /// What was current before. Kept alive by whoever has made it current, who is still there.
    outer_shared: *const Shared,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// Only the span was exchanged.
    Span,
    /// The shared part, too.
    Replaced,
    /// Nothing was: it only answers for being left.
    Nothing,
}

impl Entry {
    #[inline(always)]
    fn key(&self) -> Key {
        Key { owner: self.owner, id: self.id }
    }
}

/// Entries that need no allocation.
const INLINE: usize = 16;

/// What was entered on this thread, in that order. Depths never decrease towards the end.
struct Entries {
    len: Cell<usize>,
    /// How many of them have been left, but are still there.
    left: Cell<usize>,
    first: [Cell<Entry>; INLINE],
}

const FREE: Entry = Entry {
    id: 0,
    owner: 0,
    depth: 0,
    told_before: 0,
    kind: Kind::Nothing,
    is_left: false,
    was_panicking: false,
    watch: Watch::NEVER,
    span: 0,
    outer_span: 0,
    shared: null(),
    outer_shared: null(),
};

thread_local! {
    // Without Drop, like the ambient slot.
    static ENTRIES: Entries =
        const { Entries { len: Cell::new(0), left: Cell::new(0), first: [const { Cell::new(FREE) }; INLINE] } };
    /// The entries that found no room there.
    static MORE: RefCell<Vec<Entry>> = const { RefCell::new(Vec::new()) };
}

#[inline(always)]
fn entries<'a>() -> &'a Entries {
    // SAFETY: ENTRIES has no destructor, so it lives as long as the thread, and the reference is never stored or sent.
    unsafe { &*ENTRIES.with(|e| e as *const Entries) }
}

#[cold]
#[inline(never)]
fn get_more(at: usize) -> Entry {
    MORE.try_with(|more| more.borrow().get(at).copied()).ok().flatten().unwrap_or(FREE)
}

#[cold]
#[inline(never)]
fn push_more(entry: Entry) -> bool {
    MORE.try_with(|more| more.borrow_mut().push(entry)).is_ok()
}

#[cold]
#[inline(never)]
fn pop_more() {
    let _ = MORE.try_with(|more| more.borrow_mut().pop());
}

impl Entries {
    #[inline(always)]
    fn get(&self, at: usize) -> Entry {
        match self.first.get(at) {
            Some(entry) => entry.get(),
            None => get_more(at - INLINE),
        }
    }

    fn set(&self, at: usize, entry: Entry) {
        match self.first.get(at) {
            Some(place) => place.set(entry),
            None => {
                let _ = MORE.try_with(|more| {
                    if let Some(place) = more.borrow_mut().get_mut(at - INLINE) {
                        *place = entry
                    }
                });
            }
        }
    }

    /// False, if the thread is nearly gone and has no room any more. (The entry is made where it is kept.)
    #[inline(always)]
    fn push(&self, entry: impl FnOnce() -> Entry) -> bool {
        let len = self.len.get();
        match self.first.get(len) {
            // SAFETY: what `Cell::set` does: nobody has a reference to what is in the cell.
            Some(place) => unsafe { place.as_ptr().write(entry()) },
            None if push_more(entry()) => {}
            None => return false,
        }
        self.len.set(len + 1);
        true
    }

    #[inline(always)]
    fn pop(&self) {
        let len = self.len.get() - 1;
        self.len.set(len);
        if len >= INLINE {
            pop_more()
        }
    }

    #[inline(always)]
    fn last(&self) -> Option<Entry> {
        let len = self.len.get();
        (len > 0).then(|| self.get(len - 1))
    }

    fn remove(&self, at: usize) {
        (at + 1..self.len.get()).for_each(|i| self.set(i - 1, self.get(i)));
        self.pop()
    }

    /// Says to the calls around what there is to do when they return.
    #[inline(always)]
    fn tell(&self, a: &Ambient) {
        a.entered.set(match self.last() {
            _ if self.left.get() > 0 => u32::MAX,
            Some(last) => last.depth + 1,
            None => 0,
        });
        a.only_span.set(if self.len.get() == 0 { SAME } else { NO_CALLS })
    }
}

/// Makes a span current whose shared part is `shared`, if that is current. Then it need not be alive.
#[inline(always)]
pub(crate) fn enter_span(key: Key, shared: *const Shared, span: u64) -> bool {
    let (all, a) = (entries(), ambient());
    if a.shared.get() != shared {
        return false;
    }
    let (depth, told_before) = (a.depth.get(), a.entered.get());
    let was_panicking = std::thread::panicking();
    let entry = || Entry {
        id: key.id,
        owner: key.owner,
        depth,
        told_before,
        kind: Kind::Span,
        is_left: false,
        was_panicking,
        watch: Watch::new(),
        span,
        outer_span: a.span.get(),
        shared: null(),
        outer_shared: null(),
    };
    if all.push(entry) {
        a.span.set(span);
        // Not less than was told before, which is more if something has been left.
        a.entered.set(told_before.max(depth + 1));
        a.only_span.set(NO_CALLS)
    }
    true
}

/// Makes a context current, unless this thread is nearly gone.
pub(crate) fn enter(key: Key, context: Context) {
    let (all, a) = (entries(), ambient());
    let is_silent = is_silent(a);
    let context = ManuallyDrop::new(context);
    let entry = Entry {
        id: key.id,
        owner: key.owner,
        depth: a.depth.get(),
        told_before: a.entered.get(),
        kind: if is_silent { Kind::Nothing } else { Kind::Replaced },
        was_panicking: std::thread::panicking(),
        watch: Watch::new(),
        span: context.span,
        outer_span: a.span.get(),
        shared: context.shared,
        outer_shared: a.shared.get(),
        ..FREE
    };
    let pushed = all.push(|| entry);
    if pushed {
        all.tell(a)
    }
    if pushed && !is_silent {
        a.shared.set(context.shared);
        a.span.set(context.span);
    } else {
        drop(ManuallyDrop::into_inner(context))
    }
}

/// What this thread does is not recorded: it delivers records. That holds for whatever is entered meanwhile, or a sink would
/// record what it delivers.
#[cfg(feature = "record")]
fn is_silent(a: &Ambient) -> bool {
    // SAFETY: what is current is kept alive by whoever made it current.
    let current = unsafe { super::untag(a.shared.get()).as_ref() };
    current.is_some_and(|s| s.trace == 0 && s.intake.is_none() && s.baggage.is_empty())
}

#[cfg(not(feature = "record"))]
fn is_silent(_: &Ambient) -> bool {
    false
}

/// What was left.
pub(crate) struct Left {
    /// A panic that has begun inside is going out of it.
    pub(crate) unwound: Option<Watch>,
}

/// Leaves what was entered last under this key. The context before is current again, unless something else is current now,
/// which then restores the context before. `None`, if nothing was entered under this key on this thread.
#[inline(always)]
pub(crate) fn leave(key: Key) -> Option<Left> {
    let (all, a) = (entries(), ambient());
    let last = all.len.get().wrapping_sub(1);
    // SAFETY: what `Cell::get` does, without the copy: the reference is gone before anything is written.
    let Some(entry) = all.first.get(last).map(|place| unsafe { &*place.as_ptr() }) else {
        return leave_other(all, a, key);
    };
    if entry.key() != key || entry.kind != Kind::Span || !is_current(entry, a) || all.left.get() > 0 {
        return leave_other(all, a, key);
    }
    let left = left(entry);
    a.span.set(entry.outer_span);
    // It may be more than there is to do by now, which does no harm.
    a.entered.set(entry.told_before);
    all.len.set(last);
    if last == 0 {
        a.only_span.set(SAME)
    }
    Some(left)
}

#[inline(always)]
fn left(entry: &Entry) -> Left {
    let unwound = std::thread::panicking() && !entry.was_panicking;
    Left { unwound: unwound.then_some(entry.watch) }
}

#[inline(never)]
fn leave_other(all: &Entries, a: &Ambient, key: Key) -> Option<Left> {
    let len = all.len.get();
    let at = (0..len).rev().find(|at| {
        let entry = all.get(*at);
        entry.key() == key && !entry.is_left
    })?;
    let mut entry = all.get(at);
    let above = (at + 1..len).find(|above| all.get(*above).kind != Kind::Nothing);
    let mut no_longer_needed = None;
    match above.map(|above| (above, all.get(above))) {
        _ if entry.kind == Kind::Nothing => all.remove(at),
        None if is_current(&entry, a) => no_longer_needed = pop_to(all, a, at),
        // The one above takes its place: it restores what this would have.
        Some((at_above, mut above)) if above.depth == entry.depth && above.outer_span == entry.span => {
            above.outer_span = entry.outer_span;
            if entry.kind == Kind::Replaced {
                if above.kind == Kind::Replaced {
                    // Nobody has it any more: what is above has exchanged it, and no call is between them.
                    no_longer_needed = owned(&entry)
                } else {
                    (above.kind, above.shared) = (Kind::Replaced, entry.shared)
                }
                above.outer_shared = entry.outer_shared
            }
            all.set(at_above, above);
            all.remove(at)
        }
        // A call is in between, and restores it.
        _ => {
            entry.is_left = true;
            all.left.set(all.left.get() + 1);
            all.set(at, entry)
        }
    }
    let left = left(&entry);
    tidy(all, a, &mut Vec::new());
    drop(no_longer_needed);
    Some(left)
}

/// Whether an entry is what is current. At its depth, only entries exchange the shared part.
#[inline(always)]
fn is_current(entry: &Entry, a: &Ambient) -> bool {
    entry.depth == a.depth.get() && entry.span == a.span.get()
}

/// The reference that an entry owns. To be dropped when everything is in order: that may call the application's code.
fn owned(entry: &Entry) -> Option<Context> {
    (entry.kind == Kind::Replaced).then_some(Context { shared: entry.shared, span: 0 })
}

/// Takes the last entry off, with those above that are [`Kind::Nothing`], and restores what was current before.
fn pop_to(all: &Entries, a: &Ambient, at: usize) -> Option<Context> {
    let entry = all.get(at);
    while all.len.get() > at {
        all.pop()
    }
    if entry.is_left {
        all.left.set(all.left.get() - 1)
    }
    if entry.kind != Kind::Nothing && a.span.get() == entry.span {
        a.span.set(entry.outer_span)
    }
    if entry.kind == Kind::Replaced {
        a.shared.set(entry.outer_shared)
    }
    owned(&entry)
}

/// Takes off what was left and is current again.
fn tidy(all: &Entries, a: &Ambient, no_longer_needed: &mut Vec<Context>) {
    while let Some(last) = all.last() {
        if !last.is_left || !is_current(&last, a) {
            break;
        }
        no_longer_needed.extend(pop_to(all, a, all.len.get() - 1))
    }
    all.tell(a)
}

/// A call returns that has `outer` to restore, and there is something to tidy up: what was entered inside, or what was left.
#[cold]
#[inline(never)]
pub(super) fn return_from_call(outer: &mut Context) {
    let (all, a) = (entries(), ambient());
    let depth = a.depth.get();
    let mut no_longer_needed = Vec::new();
    while all.last().is_some_and(|last| last.depth >= depth) {
        no_longer_needed.extend(pop_to(all, a, all.len.get() - 1))
    }
    a.depth.set(depth - 1);
    outer.exchange();
    tidy(all, a, &mut no_longer_needed)
}

/// A call is about to return that has made this span current, and only the span. What was entered inside ends. To be dropped when
/// everything is in order.
#[cold]
#[inline(never)]
pub(crate) fn end_inside(span: u64) -> Vec<Context> {
    let (all, a) = (entries(), ambient());
    let mut no_longer_needed = Vec::new();
    if span != 0 && a.span.get() != span {
        let is_of_call = |at: &usize| all.get(*at).depth == a.depth.get();
        let inside = (0..all.len.get()).rev().take_while(is_of_call).filter(|at| all.get(*at).outer_span == span);
        if let Some(first) = inside.last() {
            while all.len.get() > first {
                no_longer_needed.extend(pop_to(all, a, all.len.get() - 1))
            }
            all.tell(a)
        }
    }
    no_longer_needed
}

/// The call returns. `outer` is the span that it has to restore.
#[cold]
#[inline(never)]
pub(crate) fn return_to_span(outer: u64) {
    let (all, a) = (entries(), ambient());
    a.span.set(outer);
    tidy(all, a, &mut Vec::new())
}

/// The key under which the current span was entered, if it was entered by this owner.
pub(crate) fn current(owner: u32) -> Option<u64> {
    let last = entries().last()?;
    let yes = last.owner == owner && !last.is_left && last.kind != Kind::Nothing && is_current(&last, ambient());
    yes.then_some(last.id)
}
