//! The delivering thread: reads every lane and queues batches for the sinks.

use super::assemble::Assembler;
use super::batch::HANDED_OVER_AT;
use super::outlet::Outlet;
use super::report::{Ticket, Tickets, Totals, lock};
use crate::buffer::atomic::{AtomicU64, Ordering::*};
use crate::buffer::{Chunk, LaneReader, State, recycle};
use crate::context::intake::{self, Intake};
use crate::encoder::clock::{Anchor, Clock};
use crate::record::packed::Source;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Maximum number of chunks that a lane gives in one pass, so that one busy thread does not starve the others.
const CHUNKS: usize = 64;
/// Minimum time between two passes: lifecycle records wake the thread at once, but not more often than this.
const REST: Duration = Duration::from_millis(5);

/// What the recorder's handle asks of the delivering thread.
#[derive(Default)]
pub(super) struct Requests {
    pub(super) flushes: Tickets,
    pub(super) stop: Option<Arc<Ticket>>,
    /// The delivering thread is gone; nothing is fulfilled any more.
    pub(super) over: bool,
}

pub(super) struct Delivery {
    pub(super) intake: Arc<Intake>,
    pub(super) requests: Arc<Mutex<Requests>>,
    pub(super) totals: Arc<Totals>,
    pub(super) interval: Option<Duration>,
    outlets: Vec<Outlet>,
    lanes: Vec<LaneReader>,
    done: Vec<*const Chunk>,
    assembler: Assembler,
    clock: Clock,
    /// How often the process had been restored from a snapshot at the last pass.
    restores: u64,
    /// When the last pass began that has read everything that was there.
    complete_until: u64,
    orphans: u64,
    /// If no flush asked for this pass: until when it may wait while all sinks are behind. `None`: for ever.
    patience: Option<Instant>,
    /// The latest deadline among the flushes that this pass serves.
    asked: Option<Instant>,
    /// The deadline of the shutdown that this pass serves.
    stop: Option<Instant>,
    /// Flushes that are being served, here or in the sinks' queues.
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
            assembler: Assembler::new(source, intake.large.clone()),
            intake,
            requests: Arc::default(),
            totals,
            interval,
            outlets,
            lanes: vec![],
            done: vec![],
            clock: Clock::new(Anchor::now()),
            restores: intake::restores(),
            complete_until: 0,
            orphans: 0,
            patience: None,
            asked: None,
            stop: None,
            pending: vec![],
        }
    }

    pub(super) fn run(mut self) {
        let mut last = Instant::now();
        loop {
            self.sleep(last);
            last = Instant::now();
            self.intake.clear_woken();
            let requests = std::mem::take(&mut *lock(&self.requests));
            self.patience = self.interval.map_or(Some(last), |i| last.checked_add(i));
            self.asked = requests.flushes.all().map(|t| t.deadline).max();
            self.stop = requests.stop.as_ref().map(|t| t.deadline);
            self.pending.extend(requests.flushes.all().chain(&requests.stop).filter(|t| t.is_wanted()).cloned());
            // Writers may go on adding. What was there when the pass began lies in the first `cap` chunks of its lane.
            let mut passes = 0..=self.intake.pool.cap() / CHUNKS;
            while self.pass() && passes.next().is_some() {}
            if self.stop.is_some() {
                let taken = self.outlets.iter().any(Outlet::takes_notes);
                self.tell(taken);
                self.hand_over()
            }
            self.fail_incomplete_flushes(&requests);
            requests.flushes.all().for_each(|t| self.send(t));
            if let Some(ticket) = requests.stop {
                let deadline = ticket.deadline;
                self.send(&ticket);
                self.outlets.iter().for_each(|o| o.close(deadline));
                while !ticket.is_done() {
                    let next = self.expire(Instant::now());
                    ticket.wait_until(next.unwrap_or(deadline));
                }
                self.outlets.iter_mut().for_each(|o| o.join(deadline));
                return;
            }
        }
    }

    /// Sleeps until the interval is over, something is asked for, or a flush has run out of time.
    fn sleep(&mut self, last: Instant) {
        loop {
            let now = Instant::now();
            let next = self.expire(now);
            {
                let requests = lock(&self.requests);
                if requests.stop.is_some() || requests.flushes.all().next().is_some() {
                    return;
                }
            }
            let woken = self.intake.is_woken();
            let due = match (woken, self.interval) {
                // Without an interval, only flushes deliver. Tests want that.
                (_, None) => None,
                (true, Some(i)) => Some(last + REST.min(i)),
                (false, Some(i)) => last.checked_add(i),
            };
            if due.is_some_and(|d| d <= now || woken && self.intake.is_pressed()) {
                return;
            }
            match due.into_iter().chain(next).min() {
                Some(until) => std::thread::park_timeout(until.saturating_duration_since(now)),
                None => std::thread::park(),
            }
        }
    }

    /// Finishes flushes that have run out of time, and returns when the next one does.
    fn expire(&mut self, now: Instant) -> Option<Instant> {
        self.pending.retain(|t| t.is_wanted());
        let new: Vec<_> = lock(&self.requests).flushes.all().filter(|t| t.is_wanted()).cloned().collect(); // not finished under the lock: that runs wakers
        let (late, rest): (Vec<_>, Vec<_>) = self.pending.iter().chain(&new).partition(|t| t.deadline <= now);
        late.into_iter().for_each(|t| t.finish(false));
        rest.into_iter().map(|t| t.deadline).min()
    }

    /// A flush is incomplete if a sink missed records since the flush before.
    fn fail_incomplete_flushes(&mut self, requests: &Requests) {
        let mut tickets = requests.flushes.all().chain(&requests.stop).peekable();
        if tickets.peek().is_none() {
            return;
        }
        let missed = self.outlets.iter_mut().filter_map(|o| std::mem::take(&mut o.missed).then_some(())).count();
        if missed > 0 {
            tickets.for_each(|t| t.fail())
        }
    }

    fn send(&self, ticket: &Arc<Ticket>) {
        self.outlets.iter().for_each(|o| o.flush(ticket.clone()));
        ticket.passed()
    }

    /// Reads what is new. True: there is more to read.
    fn pass(&mut self) -> bool {
        self.lanes.extend(self.intake.new_lanes().into_iter().map(LaneReader::new));
        let began = self.look_at_the_clock();
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
                // The words were copied, so chunks go back at once.
                recycle(&self.intake.pool, &mut self.done);
                if self.assembler.bytes() >= HANDED_OVER_AT {
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
        self.intake.set_attached(self.lanes.len());
        self.count(dropped, cut);
        if !more {
            self.complete_until = began
        }
        self.hand_over();
        more
    }

    /// If the process was restored from a snapshot, both clocks have jumped. The snapshot may have been restored many
    /// times, so what comes next is recorded by a new instance; otherwise segments would clash. Returns what time it is now.
    fn look_at_the_clock(&mut self) -> u64 {
        let restores = intake::restores();
        let is_restored = std::mem::replace(&mut self.restores, restores) != restores;
        if is_restored {
            self.hand_over();
            self.assembler.begin_anew()
        }
        let now = Anchor::now();
        match is_restored {
            true => self.clock.restart(now),
            false => {
                self.clock.advance(now);
                self.clock.publish_rate()
            }
        }
        self.clock.ns(now.ticks)
    }

    fn count(&mut self, dropped: u64, cut: u64) {
        if dropped > 0 {
            self.totals.dropped.fetch_add(dropped, AcqRel);
            let message = "records found no room in the recorder's memory and were dropped";
            self.assembler.note("dropped.memory", message.to_owned(), dropped)
        }
        // Which spans they belong to is recorded in diagnostics of those spans.
        self.totals.cut.fetch_add(cut, AcqRel);
    }

    /// If all sinks are behind, records wait in the buffers for a while.
    fn wait_for_room(&mut self, bytes: usize) {
        // Every outlet is asked: each that has no room has to wake this thread later.
        while !self.outlets.is_empty() && self.outlets.iter().filter(|o| o.has_room(bytes)).count() == 0 {
            let (stop, asked) = {
                let requests = lock(&self.requests);
                let asked = requests.flushes.all().map(|t| t.deadline).max();
                (requests.stop.as_ref().map(|t| t.deadline).or(self.stop), asked.max(self.asked))
            };
            // A shutdown sets the time. A flush can only extend it.
            let until = stop.or_else(|| self.patience.map(|p| asked.map_or(p, |a| a.max(p))));
            let now = Instant::now();
            let next = self.expire(now);
            if until.is_some_and(|u| u <= now) {
                return;
            }
            match until.into_iter().chain(next).min() {
                Some(then) => std::thread::park_timeout(then.saturating_duration_since(now)),
                None => std::thread::park(),
            }
        }
    }

    /// Adds diagnostics about records that sinks missed: together with other records, or when the sink has room again. Alone
    /// in a batch, the diagnostic would be missed as well, and cause the next one.
    fn tell(&mut self, now: bool) {
        let now = now || !self.assembler.is_empty();
        for outlet in self.outlets.iter_mut().filter(|o| o.untold > 0) {
            if now || outlet.takes_notes() {
                let message = format!("the sink `{}` was too far behind and did not get records", outlet.tally.name);
                self.assembler.note("dropped.sink", message, std::mem::take(&mut outlet.untold))
            }
        }
    }

    fn hand_over(&mut self) {
        self.tell(false);
        let Some(batch) = self.assembler.finish(&self.clock, self.complete_until, &self.totals) else { return };
        self.wait_for_room(batch.bytes());
        for outlet in &mut self.outlets {
            outlet.offer(&batch)
        }
    }
}

/// However the thread ends, nobody waits for it any more.
impl Drop for Delivery {
    fn drop(&mut self) {
        self.intake.turn_off();
        let (flushes, stop) = {
            let mut requests = lock(&self.requests);
            requests.over = true;
            (std::mem::take(&mut requests.flushes), requests.stop.take())
        };
        flushes.all().chain(&stop).chain(&self.pending).for_each(|t| t.finish(false))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::Sampler;

    /// The same happens when the delivering thread panics.
    #[test]
    fn who_waits_hears_of_the_end() {
        let intake = Arc::new(Intake::new(0, Sampler::default()));
        let delivery = Delivery::new(intake.clone(), Arc::default(), Arc::default(), vec![], None);
        let ticket = || Ticket::new(Instant::now() + Duration::from_secs(3600), 1);
        let (asked, stop, requests) = (ticket(), ticket(), delivery.requests.clone());
        lock(&requests).flushes.push(asked.clone());
        lock(&requests).stop = Some(stop.clone());
        drop(delivery);
        assert!(asked.is_done() && stop.is_done() && lock(&requests).over && !intake.is_on());
    }
}
