//! The encoder.

use super::cuts::Cuts;
use super::held;
use super::items::{self, Item, Key};
use super::layout::*;
use super::thread::ThreadRecorder;
use crate::buffer::*;
use crate::context::Shared;
use crate::cut::MAX_TEXT;
use crate::encoder::clock::{ticks, ticks_before};
use crate::{Kind, Primitive, Status, Value};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Where the id of a span stands inside its record.
const ID: usize = 2;

/// Where the time stands at which it began.
const BEGAN: usize = 5;

/// A span that was begun on this thread, or nothing (token 0). Two words, so that it travels in registers.
#[derive(Clone, Copy)]
pub(crate) struct Started {
    pub(crate) token: u64,
    pub(crate) id: u64,
}

impl Started {
    pub(crate) const NONE: Self = Started { token: 0, id: 0 };

    /// The token of a span that is held back: of no epoch, so it names no record.
    const HELD: u64 = 1;

    /// Of the words that it consists of: see [`Started::token`].
    pub(crate) fn of(token: u64, id: u64) -> Self {
        Started { token, id }
    }

    pub(crate) fn token(&self) -> u64 {
        self.token
    }

    pub(super) fn held(id: u64) -> Self {
        Started { token: Self::HELD, id }
    }

    #[inline(always)]
    fn is_held(&self) -> bool {
        self.token == Self::HELD
    }

    #[inline(always)]
    pub(crate) fn is_none(&self) -> bool {
        self.token == 0
    }
}

impl ThreadRecorder {
    /// Begins a span. `shared` is recorded, and kept alive by the caller.
    #[inline(always)]
    pub(crate) fn begin(&self, shared: &Shared, parent: u64, name: &'static str) -> Started {
        self.begin_named(shared, parent, name.as_ptr().expose_provenance() as u64, name.len().min(0xffff), SPAN_WORDS)
    }

    /// The same, with a name that is copied.
    #[cold]
    #[inline(never)]
    pub(crate) fn begin_owned(&self, shared: &Shared, parent: u64, name: &str) -> Started {
        let name = Value::Str(name);
        // Room for the name, too: a span that has none left is dropped whole.
        let need = SPAN_WORDS + items::words(&items::cut(name));
        let started = self.begin_named(shared, parent, 0, 0, need);
        if started.is_none() {
            return started;
        }
        self.add(started, || Some(shared), Key::Field(Field::Name), name)
    }

    #[inline(always)]
    fn begin_named(&self, shared: &Shared, parent: u64, address: u64, length: usize, need: usize) -> Started {
        let w = &self.writer;
        if (w.context.get() != shared.serial || !w.room(need)) && !self.make_room(shared, need, false) {
            return Started::NONE;
        }
        let (id, at) = (self.id(), w.pos.get());
        // The default primitive has code 0, the default kind too.
        let head = header(SPAN, SPAN_WORDS) | (length as u64) << NAME_AT;
        // SAFETY: room for at least SPAN_WORDS was made sure.
        unsafe {
            w.publish(); // a builder's unfinished record: its header is always complete
            let p = w.ptr(at);
            let put = |i: usize, v| (*p.add(i)).store(v, Relaxed);
            put(0, head);
            put(END, 0);
            put(ID, id);
            put(3, parent);
            put(4, address);
            put(BEGAN, ticks());
        }
        w.pos.set(at + SPAN_WORDS);
        Started { token: w.token(at), id }
    }

    /// Begins a span as a copy of a record that has not begun.
    #[inline]
    pub(super) fn begin_copy(&self, shared: &Shared, parent: u64, record: &[u64]) -> Option<Started> {
        let w = &self.writer;
        let need = record.len();
        if (w.context.get() != shared.serial || !w.room(need)) && !self.make_room(shared, need, false) {
            return None;
        }
        let (id, at) = (self.id(), w.pos.get());
        // SAFETY: room for the record was made sure. It is a span's, so it has all the words of one.
        unsafe {
            w.publish(); // a builder's unfinished record: its header is always complete
            let p = w.ptr(at);
            record.iter().enumerate().for_each(|(i, word)| (*p.add(i)).store(*word, Relaxed));
            let put = |i: usize, v| (*p.add(i)).store(v, Relaxed);
            put(ID, id);
            put(3, parent);
            put(5, ticks());
        }
        w.pos.set(at + need);
        Some(Started { token: w.token(at), id })
    }

    /// Gives a span that has just begun another id.
    pub(crate) fn set_id(&self, mut s: Started, id: u64) -> Started {
        if s.is_held() {
            held::rename(s.id, id);
            s.id = id
        } else if let Some(at) = self.writer.tail(s.token) {
            // SAFETY: the record at the tail is there.
            unsafe { self.writer.put(at + ID, id) }
            s.id = id
        }
        s
    }

    /// Gives a span that has just begun the id and the time that it had while it was held back.
    #[cold]
    pub(super) fn set_beginning(&self, s: Started, id: u64, began: u64) -> Started {
        self.set_began(&s, began);
        self.set_id(s, id)
    }

    /// Has a span that has just begun begin so long ago.
    #[cold]
    pub(crate) fn begin_before(&self, s: &Started, ago: Duration) {
        self.set_began(s, ticks_before(ago))
    }

    fn set_began(&self, s: &Started, began: u64) {
        if s.is_held() {
            held::set_began(s.id, began)
        } else if let Some(at) = self.writer.tail(s.token) {
            // SAFETY: the record at the tail is there.
            unsafe { self.writer.put(at + BEGAN, began) }
        }
    }

    /// Appends to the unpublished record at the tail, moves it to a new chunk when it does not fit, or writes a record
    /// of its own when others came in between. `shared` is only asked for then.
    #[inline(always)]
    pub(crate) fn add<'s>(
        &self,
        s: Started,
        shared: impl FnOnce() -> Option<&'s Shared>,
        key: Key,
        value: Value<'_>,
    ) -> Started {
        let n = items::words(&value);
        match self.writer.tail(s.token) {
            Some(at) if self.writer.room(n) && n <= 2 + MAX_TEXT / 8 => {
                // SAFETY: there is room for the item, and `at` is the record at the tail.
                unsafe { self.append(at, key, value, n) }
                s
            }
            _ => self.add_slowly(s, shared(), &[(key, value)]),
        }
    }

    /// Several items that belong together: all of them or none.
    pub(crate) fn add_all(&self, s: Started, shared: Option<&Shared>, items: &[Item<'_>]) -> Started {
        self.add_slowly(s, shared, items)
    }

    /// # Safety
    /// `room(n)`, and `at` is the record at the tail.
    #[inline(always)]
    unsafe fn append(&self, at: usize, key: Key, value: Value<'_>, n: usize) {
        let (w, pos) = (&self.writer, self.writer.pos.get());
        let fields = matches!(key, Key::Field(_)) as u64;
        // SAFETY: the caller's promise.
        unsafe {
            items::put(w.ptr(pos), key, value);
            w.put(at, (w.get(at) + ((n as u64) << 8)) | fields << FIELDS_AT);
        }
        w.pos.set(pos + n)
    }

    #[cold]
    #[inline(never)]
    fn add_slowly(&self, mut s: Started, shared: Option<&Shared>, items: &[Item<'_>]) -> Started {
        if s.is_held() {
            held::add(s.id, items);
            return s;
        }
        let n = items.iter().map(|(_, v)| items::words(&items::cut(*v))).sum();
        let w = &self.writer;
        let at = match (w.tail(s.token), shared) {
            (Some(at), _) if w.room(n) => at,
            (Some(at), Some(shared))
                if context_words(shared) + w.pos.get() - at + n <= WORDS && self.refill(shared, false, Some(at)) =>
            {
                s.token = w.token(context_words(shared));
                context_words(shared)
            }
            // Others came in between, or the record is as large as one can be: what is left goes into records of its own,
            // which are joined to it at delivery.
            (_, Some(shared)) => {
                self.more(shared, s.id, items);
                return s;
            }
            // There is no telling whose it is, so its span is dropped as well.
            (_, None) => return s,
        };
        let mut cuts = Cuts::default();
        for (key, value) in items {
            let value = cuts.cut(*key, *value);
            // SAFETY: there is room for all items; where the record moved, it stands behind the context record of a
            // fresh chunk, and it was checked to fit.
            unsafe { self.append(at, *key, value, items::words(&value)) }
        }
        match shared.filter(|_| cuts.count > 0) {
            Some(shared) => self.tell_before(s, shared, &cuts),
            None => s,
        }
    }

    /// Tells what was cut of the unpublished record at the tail, in a record that is put before it: so more may be said
    /// of the span. Where there is no room, what was cut is counted and not told.
    fn tell_before(&self, mut s: Started, shared: &Shared, cuts: &Cuts) -> Started {
        self.count_cut(cuts.count);
        let (message, w) = (cuts.message(), &self.writer);
        let items = cuts.items(&message);
        let need = FACT_WORDS + items.iter().map(|(_, v)| items::words(v)).sum::<usize>();
        let Some(mut at) = w.tail(s.token) else { return s };
        let tail = w.pos.get() - at;
        if !w.room(need) {
            let fits = context_words(shared) + need + tail <= WORDS;
            if !fits || !self.refill(shared, false, Some(at)) {
                return s;
            }
            at = context_words(shared)
        }
        // SAFETY: there is room for both records, and nobody has seen the one that is moved.
        unsafe {
            (0..tail).rev().for_each(|i| w.put(at + need + i, w.get(at + i)));
            w.pos.set(at);
            let head = header(FACT, FACT_WORDS) | (Fact::Diagnostic as u64) << FACT_AT;
            self.put_record(at, head, &[s.id, 0, ticks()], &items);
            w.publish()
        }
        w.pos.set(at + need + tail);
        s.token = w.token(at + need);
        s
    }

    /// Sets primitive and kind in the header, or in items where that is too late or not enough.
    #[inline(always)]
    pub(crate) fn set_kind<'s>(
        &self,
        s: Started,
        shared: impl FnOnce() -> Option<&'s Shared>,
        p: Option<Primitive>,
        kind: Option<Kind>,
    ) -> Started {
        let code = p.map(|p| p.code().map_or(CUSTOM, u64::from));
        if let Some(at) = self.writer.tail(s.token) {
            // SAFETY: the record at the tail is there.
            unsafe {
                let mut header = self.writer.get(at);
                if let Some(code) = code {
                    header = header & !(0xff << PRIMITIVE_AT) | code << PRIMITIVE_AT;
                }
                if let Some(kind) = kind {
                    header = header & !(7 << KIND_AT) | (kind as u64) << KIND_AT;
                }
                self.writer.put(at, header)
            }
            if code != Some(CUSTOM) {
                return s;
            }
        }
        match (p, kind) {
            (Some(p), _) => self.add_slowly(s, shared(), &[(Key::Field(Field::Primitive), Value::Static(p.name()))]),
            (_, Some(kind)) => self.add_slowly(s, shared(), &[(Key::Field(Field::Kind), Value::I64(kind as i64))]),
            _ => s,
        }
    }

    /// Takes a builder's record back that nobody has seen.
    pub(crate) fn retract(&self, s: &Started) -> bool {
        if s.is_held() { held::take(s.id).is_some() } else { self.writer.retract(s.token) }
    }

    /// Publishes the record: the builder is finished.
    #[inline(always)]
    pub(crate) fn publish(&self, s: &Started) {
        if self.writer.is_mine(s.token) {
            // SAFETY: the record lies in the current chunk.
            unsafe { self.writer.publish() }
        }
    }

    /// Ends a span that began anywhere: patched in place while its chunk is ours, else a record of its own.
    #[inline(always)]
    pub(crate) fn end<'s>(&self, s: Started, shared: impl FnOnce() -> Option<&'s Shared>, status: Status) {
        let end = end_word(status);
        if !self.writer.patch(s.token, end) {
            if let Some(shared) = shared() {
                self.end_elsewhere(shared, s.id, end, &[])
            }
        }
    }

    /// A span that will not be recorded after all is counted.
    pub(crate) fn count_dropped(&self) {
        if let Some(lane) = self.lane() {
            Lane::count(&lane.dropped, 1)
        }
    }

    /// Ends a span with more to say about it: one record, so that a reader sees all of it or nothing.
    pub(crate) fn end_with(&self, s: Started, shared: &Shared, status: Status, items: &[Item<'_>]) {
        self.end_elsewhere(shared, s.id, end_word(status), items)
    }

    /// Ends a span whose work was over at an earlier time, by [`ThreadRecorder::now`].
    pub(crate) fn end_at(&self, s: Started, shared: &Shared, status: Status, at: u64, items: &[Item<'_>]) {
        self.end_elsewhere(shared, s.id, at << 3 | status as u64, items)
    }

    /// A time for [`ThreadRecorder::end_at`].
    pub(crate) fn now(&self) -> u64 {
        ticks()
    }

    #[cold]
    #[inline(never)]
    fn end_elsewhere(&self, shared: &Shared, id: u64, end: u64, items: &[Item<'_>]) {
        self.write(shared, header(LATE_END, LATE_END_WORDS), &[end, id], items, true);
    }

    /// Items that belong to a span whose record is published: in as many records as it takes.
    pub(crate) fn more(&self, shared: &Shared, span: u64, items: &[Item<'_>]) {
        let mut rest = items;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(fitting(MORE_WORDS, rest).max(1));
            self.write(shared, header(MORE, MORE_WORDS), &[span], now, false);
            rest = later
        }
    }

    /// Attributes of the run of `shared`: in as many records as it takes.
    pub(crate) fn run_attributes(&self, shared: &Shared, items: &[Item<'_>]) {
        let mut rest = items;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(fitting(FACT_WORDS, rest).max(1));
            self.fact(shared, Fact::RunAttributes, 0, 0, now);
            rest = later
        }
    }

    /// A fact about the run of `shared`, or about one of its spans.
    /// False: there was no room for it, and it is counted.
    pub(crate) fn fact(&self, shared: &Shared, fact: Fact, span: u64, id: u64, items: &[Item<'_>]) -> bool {
        let head = header(FACT, FACT_WORDS) | (fact as u64) << FACT_AT;
        let for_end = matches!(fact, Fact::RunEnd | Fact::RunSuspend);
        let is_written = self.write(shared, head, &[span, id, ticks()], items, for_end);
        let lifecycle = matches!(fact, Fact::RunStart | Fact::RunEnd | Fact::RunSuspend | Fact::RunResume);
        if let Some(intake) = shared.intake.as_ref().filter(|_| lifecycle) {
            intake.wake()
        }
        is_written
    }

    /// Whether a fact with these items is one record.
    pub(crate) fn fits(&self, items: &[Item<'_>]) -> bool {
        fitting(FACT_WORDS, items) == items.len()
    }

    /// Writes a whole record and publishes it. `head` counts the words of `body` and itself. False: there was no room.
    fn write(&self, shared: &Shared, head: u64, body: &[u64], items: &[Item<'_>], for_end: bool) -> bool {
        let mut cuts = Cuts::default();
        let fixed = 1 + body.len();
        let fit = fitting(fixed, items);
        items[fit..].iter().for_each(|(key, _)| cuts.left_out(*key));
        // The usual has nothing to cut: without an allocation.
        let cut: Vec<Item<'_>>;
        let mut items = &items[..fit];
        if items.iter().any(|(_, v)| items::is_too_long(v)) {
            cut = items.iter().map(|(key, value)| (*key, cuts.cut(*key, *value))).collect();
            items = &cut
        }
        let need = fixed + items.iter().map(|(_, v)| items::words(v)).sum::<usize>();
        if !self.make_room(shared, need, for_end) {
            return false;
        }
        let w = &self.writer;
        // SAFETY: room for `need` words was made sure, and that is what is written.
        unsafe {
            w.publish();
            self.put_record(w.pos.get(), head, body, items);
            w.publish();
        }
        if cuts.count > 0 {
            // Of what has several ids in its body, the span's is the first; an end stands before it.
            let span = body[usize::from(kind(head) == LATE_END)];
            self.tell_after(shared, span, &cuts)
        }
        true
    }

    /// Tells what was cut of a record that is published.
    #[cold]
    #[inline(never)]
    fn tell_after(&self, shared: &Shared, span: u64, cuts: &Cuts) {
        self.count_cut(cuts.count);
        let message = cuts.message();
        self.fact(shared, Fact::Diagnostic, span, 0, &cuts.items(&message));
    }

    /// Puts a record at `at`, which is where the next word goes.
    ///
    /// # Safety
    /// There is room for it.
    #[inline(always)]
    unsafe fn put_record(&self, at: usize, head: u64, body: &[u64], items: &[Item<'_>]) {
        let w = &self.writer;
        // SAFETY: the caller's promise.
        unsafe {
            w.put(at, head);
            body.iter().enumerate().for_each(|(i, word)| w.put(at + 1 + i, *word));
            w.pos.set(at + 1 + body.len());
            items.iter().for_each(|(key, value)| self.append(at, *key, *value, items::words(value)));
        }
    }

    fn count_cut(&self, many: u64) {
        if let Some(lane) = self.lane() {
            Lane::count(&lane.cut, many)
        }
    }

    /// Writes the context record that is due and gets a chunk with room. False: over the cap, and counted.
    #[cold]
    #[inline(never)]
    fn make_room(&self, shared: &Shared, need: usize, for_end: bool) -> bool {
        let Some(intake) = &shared.intake else { return false };
        if !self.attach(intake, for_end) {
            intake.orphans.fetch_add(1, Relaxed);
            return false;
        }
        let w = &self.writer;
        let words = context_words(shared);
        if w.context.get() != shared.serial && w.room(words + need) {
            let at = w.pos.get();
            // SAFETY: room was checked.
            unsafe {
                w.publish();
                context_record(shared)[..words].iter().enumerate().for_each(|(i, word)| w.put(at + i, *word));
                w.pos.set(at + words);
                w.publish();
            }
            w.context.set(shared.serial);
        }
        if w.context.get() == shared.serial && w.room(need) || self.refill(shared, for_end, None) {
            return true;
        }
        if let Some(lane) = self.lane() {
            Lane::count(&lane.dropped, 1)
        }
        false
    }

    fn refill(&self, shared: &Shared, for_end: bool, keep: Option<usize>) -> bool {
        let (Some(intake), Some(lane)) = (&shared.intake, self.lane()) else { return false };
        if !intake.is_on() {
            return false; // nobody would read it, and nobody would give it back
        }
        let ok =
            self.writer.refill(&intake.pool, lane, for_end, &context_record(shared)[..context_words(shared)], keep);
        if ok {
            self.writer.context.set(shared.serial)
        }
        intake.pressure();
        ok
    }
}

/// How many of these items fit into one record beside so many words of its own. A text is never too long, for it is cut.
fn fitting(fixed: usize, items: &[Item<'_>]) -> usize {
    let mut need = CONTEXT_WORDS_MOST + fixed;
    let too_much = |(_, value): &Item<'_>| {
        need += items::words(&items::cut(*value));
        need > WORDS
    };
    items.iter().position(too_much).unwrap_or(items.len())
}

/// The reader restores the three bits that the shift loses from the start.
#[inline(always)]
fn end_word(status: Status) -> u64 {
    ticks() << 3 | status as u64
}

/// Only a context with a segment of its own has more than the usual.
fn context_words(shared: &Shared) -> usize {
    if shared.segment.ordinal == 0 { CONTEXT_WORDS } else { CONTEXT_WORDS_MOST }
}

fn context_record(shared: &Shared) -> [u64; CONTEXT_WORDS_MOST] {
    let (trace, run, segment) = (shared.trace, shared.run, shared.segment);
    let marks = (shared.remote as u64) << REMOTE_AT | (segment.resumed as u64) << RESUMED_AT;
    let head = header(CONTEXT, context_words(shared)) | marks;
    let [trace, run] = [trace, run].map(|id| [id as u64, (id >> 64) as u64]);
    [
        head,
        trace[0],
        trace[1],
        run[0],
        run[1],
        segment.ordinal,
        segment.suspension,
        segment.made,
        segment.previous_resumption,
    ]
}
