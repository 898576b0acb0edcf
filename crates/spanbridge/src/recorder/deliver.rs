//! The delivering thread: reads every lane, hands batches to the sinks' queues.

use super::assemble::Assembler;
use super::batch::Source;
use super::outlet::Outlet;
use super::report::{Ticket, Totals, lock};
use crate::buffer::atomic::{AtomicU64, Ordering::*};
use crate::buffer::{Chunk, LaneReader, State, recycle};
use crate::clock::{Anchor, Clock};
use crate::intake::Intake;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Bytes after which a batch is handed over.
const BATCH: usize = 256 << 10;
/// Chunks a lane may give in a pass: one busy thread does not starve the others.
const CHUNKS: usize = 64;
/// Lifecycle records wake delivery at once, but not more often than this.
const REST: Duration = Duration::from_millis(5);

/// What the handle tells the delivering thread.
#[derive(Default)]
pub(super) struct Wishes {
    pub(super) flushes: Vec<Arc<Ticket>>,
    pub(super) stop: Option<Arc<Ticket>>,
}

pub(super) struct Delivery {
    pub(super) intake: Arc<Intake>,
    pub(super) wishes: Arc<Mutex<Wishes>>,
    pub(super) totals: Arc<Totals>,
    pub(super) interval: Option<Duration>,
    outlets: Vec<Outlet>,
    lanes: Vec<LaneReader>,
    done: Vec<*const Chunk>,
    assembler: Assembler,
    clock: Clock,
    orphans: u64,
    /// Until when a pass may wait for sinks that are all behind.
    patience: Option<Instant>,
    /// Flushes that are on their way through the sinks' queues.
    pending: Vec<Arc<Ticket>>,
}

// SAFETY: raw pointers to chunks of the intake's pool, which lives as long as we do; only the delivering thread uses
// them.
unsafe impl Send for Delivery {}

impl Delivery {
    pub(super) fn new(
        intake: Arc<Intake>,
        source: Arc<Source>,
        totals: Arc<Totals>,
        outlets: Vec<Outlet>,
        interval: Option<Duration>,
    ) -> Self {
        Delivery {
            intake,
            wishes: Arc::default(),
            totals,
            interval,
            outlets,
            lanes: vec![],
            done: vec![],
            assembler: Assembler::new(source),
            clock: Clock::new(Anchor::now()),
            orphans: 0,
            patience: None,
            pending: vec![],
        }
    }

    pub(super) fn run(mut self) {
        let mut last = Instant::now();
        loop {
            self.sleep(last);
            last = Instant::now();
            self.intake.clear_woken();
            let wishes = std::mem::take(&mut *lock(&self.wishes));
            let deadlines = wishes.flushes.iter().chain(&wishes.stop).chain(&self.pending).map(|t| t.deadline);
            self.patience = deadlines.chain(self.interval.map(|i| last + i)).min();
            // Whatever writers add meanwhile: what was there before this lies in the first `cap` chunks of its lane.
            let mut passes = 0..=self.intake.pool.cap() / CHUNKS;
            while self.pass() && passes.next().is_some() {}
            for ticket in wishes.flushes {
                self.send(ticket)
            }
            if let Some(ticket) = wishes.stop {
                let deadline = ticket.deadline;
                self.send(ticket.clone());
                let threads: Vec<_> = self.outlets.iter_mut().filter_map(|o| o.close(deadline)).collect();
                if ticket.wait() {
                    // They have nothing left to do, so this does not take long.
                    threads.into_iter().for_each(|t| drop(t.join()))
                }
                ticket.finish(false);
                self.pending.iter().for_each(|t| t.finish(false));
                return;
            }
        }
    }

    /// Until the interval is over, someone wishes for something, or a flush has run out of time.
    fn sleep(&mut self, last: Instant) {
        loop {
            self.pending.retain(|t| !t.is_done());
            let now = Instant::now();
            self.pending.iter().filter(|t| t.deadline <= now).for_each(|t| t.finish(false));
            {
                let wishes = lock(&self.wishes);
                if wishes.stop.is_some() || !wishes.flushes.is_empty() {
                    return;
                }
            }
            let woken = self.intake.is_woken();
            let due = match (woken, self.interval) {
                // Without an interval only flushes deliver, for tests.
                (_, None) => None,
                (true, Some(i)) => Some(last + REST.min(i)),
                (false, Some(i)) => Some(last + i),
            };
            if due.is_some_and(|d| d <= now || woken && self.intake.is_pressed()) {
                return;
            }
            match due.into_iter().chain(self.pending.iter().map(|t| t.deadline)).min() {
                Some(until) => std::thread::park_timeout(until.saturating_duration_since(now)),
                None => std::thread::park(),
            }
        }
    }

    fn send(&mut self, ticket: Arc<Ticket>) {
        self.outlets.iter().for_each(|o| o.flush(ticket.clone()));
        ticket.passed();
        self.pending.push(ticket)
    }

    /// Reads what is new; true when there is more to read.
    fn pass(&mut self) -> bool {
        self.lanes.extend(self.intake.new_lanes().into_iter().map(LaneReader::new));
        self.clock.advance(Anchor::now());
        let (mut dropped, mut cut, mut more) = (0, 0, false);
        let orphans = self.intake.orphans.load(Relaxed);
        dropped += orphans - std::mem::replace(&mut self.orphans, orphans);
        let mut lanes = std::mem::take(&mut self.lanes);
        lanes.retain_mut(|lane| {
            let mut state = State::More;
            for _ in 0..CHUNKS {
                let mut last: *const AtomicU64 = std::ptr::null();
                let assembler = &mut self.assembler;
                state = lane.read(&mut self.done, |f| assembler.found(&f, &mut last));
                // What was found is copied, so chunks go back at once.
                recycle(&self.intake.pool, &mut self.done);
                if self.assembler.bytes() >= BATCH {
                    self.hand_over()
                }
                if state != State::More {
                    break;
                }
            }
            more |= state == State::More;
            let new = |now: &AtomicU64, seen: &mut u64| {
                let now = now.load(Relaxed);
                now - std::mem::replace(seen, now)
            };
            dropped += new(&lane.lane.dropped, &mut lane.seen_dropped);
            cut += new(&lane.lane.cut, &mut lane.seen_cut);
            state != State::Gone
        });
        self.lanes = lanes;
        self.count(dropped, cut);
        self.hand_over();
        more
    }

    fn count(&mut self, dropped: u64, cut: u64) {
        if dropped > 0 {
            self.totals.dropped.fetch_add(dropped, AcqRel);
            let message = "records found no room in the recorder's memory and were dropped";
            self.assembler.note("dropped.memory", message.to_owned(), dropped)
        }
        if cut > 0 {
            self.totals.cut.fetch_add(cut, AcqRel);
            let message = "attributes or texts were cut, or had no room in their record";
            self.assembler.note("cut.attributes", message.to_owned(), cut)
        }
    }

    /// When all sinks are behind, records may as well wait where they are; there is a limit to that, too.
    fn wait_for_room(&mut self, bytes: usize) {
        // No shortcuts: each of them is to wake us.
        while !self.outlets.is_empty() && self.outlets.iter().filter(|o| o.has_room(bytes)).count() == 0 {
            let asked = lock(&self.wishes).flushes.iter().map(|t| t.deadline).min();
            let left =
                self.patience.into_iter().chain(asked).min().map(|p| p.saturating_duration_since(Instant::now()));
            match left {
                Some(left) if !left.is_zero() => std::thread::park_timeout(left),
                _ => return,
            }
        }
    }

    fn hand_over(&mut self) {
        let Some(batch) = self.assembler.finish(&self.clock) else { return };
        let batch = Arc::new(batch);
        self.wait_for_room(batch.bytes());
        for outlet in &self.outlets {
            if !outlet.offer(&batch) {
                let message = format!("the sink `{}` was too far behind and did not get records", outlet.tally.name);
                self.assembler.note("dropped.sink", message, batch.len() as u64)
            }
        }
    }
}
