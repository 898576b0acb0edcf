//! One sink with its queue and its thread, so that it does not hold up any other.

use super::batch::{RecordBatch, TakesBack};
use super::report::{Tally, Ticket, Tickets, lock};
use super::sink::{Again, Receipt, Sink, SinkError};
use crate::Context;
use crate::context::intake::Intake;
use crate::current::Swapped;
use crate::{panics, text};
use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::Ordering::*;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The first pause after a failure. It doubles up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// The longest pause that a sink may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(300);

enum Work {
    Batch(RecordBatch),
    /// All flushes since the batch before; the sink flushes once for all of them.
    Flush(Tickets),
}

#[derive(Default)]
struct Queue {
    work: VecDeque<Work>,
    bytes: usize,
    /// No more work comes. What is left is done by this deadline.
    closed: Option<Instant>,
    /// The sink is dropped, and its thread is about to end.
    ended: bool,
    /// The delivering thread waits for room.
    wanted: bool,
}

impl Queue {
    fn has_room(&self, bytes: usize, limit: usize) -> bool {
        self.bytes == 0 || self.bytes + bytes <= limit
    }
}

/// The delivering thread's side of a sink.
pub(super) struct Outlet {
    shared: Arc<Shared>,
    /// Maximum bytes of batches that wait for all sinks or are held by them.
    limit: usize,
    /// How many sinks share them.
    sinks: usize,
    pub(super) tally: Arc<Tally>,
    /// It missed a batch since the last flush.
    pub(super) missed: bool,
    /// Records that it missed, and that no diagnostic mentions yet.
    pub(super) untold: u64,
    thread: Option<std::thread::JoinHandle<()>>,
}

struct Shared {
    queue: Mutex<Queue>,
    news: Condvar,
    intake: Arc<Intake>,
}

impl TakesBack for Shared {
    fn take_back(&self, bytes: usize) {
        let mut queue = lock(&self.queue);
        queue.bytes -= bytes;
        if std::mem::take(&mut queue.wanted) {
            self.intake.unpark()
        }
    }
}

impl Outlet {
    /// Starts the sink's thread. `limit`: maximum bytes of batches that wait for one of so many sinks or are held by it.
    pub(super) fn start(
        sink: Box<dyn Sink>,
        limit: usize,
        sinks: usize,
        intake: Arc<Intake>,
    ) -> std::io::Result<Outlet> {
        let shared = Arc::new(Shared { queue: Mutex::default(), news: Condvar::new(), intake });
        let tally = Arc::new(Tally { name: sink.name().to_owned(), ..Tally::default() });
        let worker = Worker { sink, shared: shared.clone(), tally: tally.clone() };
        // The name of a thread cannot contain a NUL.
        let thread = std::thread::Builder::new().name(format!("spanbridge-{}", tally.name.replace('\0', "")));
        let ends = Ends(shared.clone());
        let work = move || {
            let _ends = ends;
            worker.work()
        };
        let thread = thread.spawn(work)?;
        Ok(Outlet { shared, limit, sinks, tally, missed: false, untold: 0, thread: Some(thread) })
    }

    /// Maximum bytes of batches for this sink: its share of what large texts leave that are not in a batch yet.
    fn share(&self) -> usize {
        self.limit.saturating_sub(self.shared.intake.large.bytes()) / self.sinks.max(1)
    }

    /// Whether there is room for a batch of this size. If not, the delivering thread is unparked when that may have
    /// changed.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        let mut queue = lock(&self.shared.queue);
        let room = queue.has_room(bytes, self.share());
        queue.wanted = !room;
        room
    }

    /// Whether there is room for a batch with nothing but notes.
    pub(super) fn takes_notes(&self) -> bool {
        lock(&self.shared.queue).has_room(RecordBatch::SMALLEST, self.share())
    }

    /// Queues a batch. If there is no room, the sink misses it.
    pub(super) fn offer(&mut self, batch: &RecordBatch) {
        let mut queue = lock(&self.shared.queue);
        let fits = queue.has_room(batch.bytes(), self.share());
        let counter = if fits { &self.tally.left } else { &self.tally.dropped };
        counter.fetch_add(batch.len() as u64, AcqRel);
        if fits {
            queue.bytes += batch.bytes();
            queue.work.push_back(Work::Batch(batch.clone()));
            drop(queue);
            self.shared.news.notify_one()
        } else {
            drop(queue);
            self.missed = true;
            self.untold += batch.len() as u64;
            self.tally.missed_spans.fetch_add(batch.ended_spans(), AcqRel);
        }
    }

    pub(super) fn flush(&self, ticket: Arc<Ticket>) {
        let mut queue = lock(&self.shared.queue);
        match queue.work.back_mut() {
            Some(Work::Flush(tickets)) => tickets.push(ticket),
            _ => queue.work.push_back(Work::Flush(Tickets::from(ticket))),
        }
        drop(queue);
        self.shared.news.notify_all();
    }

    /// No more work comes. What is left is done by `deadline`; then the thread ends as soon as the sink returns.
    pub(super) fn close(&self, deadline: Instant) {
        lock(&self.shared.queue).closed.get_or_insert(deadline);
        self.shared.news.notify_all()
    }

    /// Waits for the thread to end, until `deadline`. Then the thread is left to itself, because the sink holds it up. What the
    /// sink was not offered until then it will not be offered.
    pub(super) fn join(&mut self, deadline: Instant) {
        let mut queue = lock(&self.shared.queue);
        while !queue.ended {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            queue = self.shared.news.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let (ended, rest) = (queue.ended, std::mem::take(&mut queue.work));
        drop(queue);
        let missed = rest.iter().map(|work| match work {
            Work::Batch(batch) => batch.ended_spans(),
            Work::Flush(_) => 0,
        });
        self.tally.missed_spans.fetch_add(missed.sum(), AcqRel);
        if !ended {
            return;
        }
        self.thread.take().into_iter().filter_map(|t| t.join().err()).for_each(panics::discard)
    }
}

/// Also needed if a recorder could not be set up because another thread was refused, or if delivery panicked.
impl Drop for Outlet {
    fn drop(&mut self) {
        self.close(Instant::now())
    }
}

/// Announces the end of a sink's thread, however it ends.
struct Ends(Arc<Shared>);

impl Drop for Ends {
    fn drop(&mut self) {
        lock(&self.0.queue).ended = true;
        self.0.news.notify_all()
    }
}

/// The text of an error and its causes. Showing and dropping it runs code of the sink, which must not end our thread.
fn shown(error: SinkError) -> String {
    let shown = text::chain(&error);
    let _ = panics::caught(|| drop(error));
    shown
}

/// The text for a panic. The sink goes on working.
fn panicked(said: String) -> String {
    format!("the sink panicked: {said}")
}

/// Why a pause has ended.
enum Pause {
    Over,
    /// A shutdown has begun. The pause may have been longer than there is time, and the sink may be well again.
    Closing,
    /// The deadline of the shutdown has passed.
    Closed,
}

struct Worker {
    sink: Box<dyn Sink>,
    shared: Arc<Shared>,
    tally: Arc<Tally>,
}

impl Worker {
    fn work(self) {
        // The sink may use observed clients itself. That is not recorded.
        let mut silence = Context::from_shared(Context::blank(0, 0, 0), 0, false);
        let _silence = Swapped::new(&mut silence);
        // Dropped before that, so that what the sink does at its end is not recorded either.
        let mut this = self;
        while let Some(work) = this.next() {
            match work {
                // Its bytes count until the sink has dropped it and every clone of it.
                Work::Batch(batch) => {
                    if !this.deliver(batch.in_the_share(this.shared.clone())) {
                        return;
                    }
                }
                Work::Flush(tickets) => {
                    let failed = match panics::caught(|| this.sink.flush()) {
                        Ok(result) => result.err().map(shown),
                        Err(said) => Some(panicked(said)),
                    };
                    let ok = failed.is_none();
                    if !ok {
                        *lock(&this.tally.last_error) = failed;
                    }
                    tickets.all().for_each(|ticket| ticket.served(ok))
                }
            }
        }
    }

    fn next(&self) -> Option<Work> {
        let mut queue = lock(&self.shared.queue);
        loop {
            if let Some(work) = queue.work.pop_front() {
                return Some(work);
            }
            if queue.closed.is_some() {
                return None;
            }
            queue = self.shared.news.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Offers a batch until every record of it is taken or rejected, with longer and longer pauses. False: the deadline to
    /// close has passed.
    fn deliver(&mut self, mut batch: RecordBatch) -> bool {
        let mut wait = FIRST_WAIT;
        loop {
            let error = match panics::caught(|| self.sink.deliver(&batch)) {
                Ok(Ok(receipt)) => {
                    let Some((rest, error)) = self.settle(&batch, receipt) else { return true };
                    if rest.len() < batch.len() {
                        wait = FIRST_WAIT
                    }
                    batch = rest;
                    error
                }
                Ok(Err(error)) => error,
                // It would panic again.
                Err(said) => {
                    self.reject(batch.len(), panicked(said));
                    return true;
                }
            };
            let asked = match error.again {
                Again::Never => {
                    self.reject(batch.len(), shown(error));
                    return true;
                }
                Again::Soon => Duration::ZERO,
                Again::After(pause) => pause.min(LONGEST_ASKED),
            };
            match self.pause(error, wait, asked) {
                Pause::Over => wait = (wait * 2).min(LONGEST_WAIT),
                Pause::Closing => wait = FIRST_WAIT,
                Pause::Closed => return false,
            }
        }
    }

    /// Counts what the sink took and rejected. Returns the records to be offered again, and why.
    fn settle(&self, batch: &RecordBatch, receipt: Receipt) -> Option<(RecordBatch, SinkError)> {
        let in_order = |mut places: Vec<usize>| {
            places.retain(|place| *place < batch.len());
            places.sort_unstable();
            places.dedup();
            places
        };
        let Receipt { rejected, retry, warning } = receipt;
        if warning.is_some() {
            *lock(&self.tally.last_error) = warning
        }
        let why = rejected.first().map(|(_, why)| why.clone());
        let rejected = in_order(rejected.into_iter().map(|(place, _)| place).collect());
        let (mut again, error) = retry.map_or((vec![], None), |(places, error)| (in_order(places), Some(error)));
        again.retain(|place| rejected.binary_search(place).is_err());
        let delivered = (batch.len() - rejected.len() - again.len()) as u64;
        self.tally.delivered.fetch_add(delivered, AcqRel);
        self.tally.left.fetch_sub(delivered, AcqRel);
        if let Some(why) = why {
            self.reject(rejected.len(), why)
        }
        let error = error?;
        if again.is_empty() {
            let _ = panics::caught(|| drop(error)); // code of the sink
            return None;
        }
        Some((batch.only(&again), error))
    }

    /// Counts records that the sink will never take.
    fn reject(&self, records: usize, why: String) {
        *lock(&self.tally.last_error) = Some(why);
        self.tally.rejected.fetch_add(records as u64, AcqRel);
        self.tally.left.fetch_sub(records as u64, AcqRel);
    }

    /// Waits between half and all of `wait`, so that many processes do not retry at the same time, and at least for `asked`.
    fn pause(&self, error: SinkError, wait: Duration, asked: Duration) -> Pause {
        let error = shown(error);
        *lock(&self.tally.last_error) = Some(error);
        let share = RandomState::new().hash_one(0u8) % 512;
        let jitter = wait / 1024 * share as u32;
        let until = Instant::now() + (wait / 2).max(asked) + jitter;
        let mut queue = lock(&self.shared.queue);
        let was_closing = queue.closed.is_some();
        loop {
            let now = Instant::now();
            let until = queue.closed.map_or(until, |c| until.min(c));
            if queue.closed.is_some_and(|c| now >= c) {
                return Pause::Closed;
            }
            if now >= until {
                return Pause::Over;
            }
            if queue.closed.is_some() && !was_closing && asked.is_zero() {
                return Pause::Closing;
            }
            queue = self.shared.news.wait_timeout(queue, until - now).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::super::assemble::Assembler;
    use super::super::sink::Receipt;
    use super::*;
    use crate::Sampler;
    use crate::buffer::LargeTexts;
    use crate::encoder::clock::{Anchor, Clock};
    use std::sync::mpsc;

    fn batch() -> RecordBatch {
        let mut assembler = Assembler::new(Arc::default(), Arc::new(LargeTexts::new(0)));
        assembler.note("test", String::new(), 1);
        assembler.finish(&Clock::new(Anchor::now()), 0, &Arc::default()).unwrap()
    }

    /// Flushes that nobody waits for any more leave the queue of a sink that is down, except for one.
    #[test]
    fn flushes_do_not_pile_up() {
        let (begun, has_begun) = mpsc::channel();
        let (open, gate) = mpsc::channel::<()>();
        let stuck = move |_: &RecordBatch| {
            begun.send(()).unwrap();
            let _ = gate.recv();
            Ok(Receipt::default())
        };
        let intake = Arc::new(Intake::new(0, Sampler::default()));
        let mut outlet = Outlet::start(Box::new(stuck), 1 << 20, 1, intake).unwrap();
        let ticket = || Ticket::new(Instant::now() + Duration::from_secs(3600), 1);
        outlet.offer(&batch());
        has_begun.recv().unwrap();
        let waits = ticket();
        outlet.flush(waits.clone());
        for i in 0..10_000 {
            let over = ticket();
            if i % 2 == 0 {
                over.finish(false)
            } else {
                over.abandon()
            }
            outlet.flush(over);
            let queue = lock(&outlet.shared.queue);
            let [Work::Flush(tickets)] = queue.work.as_slices().0 else { panic!("{} in the queue", queue.work.len()) };
            assert!(tickets.all().count() <= 2 * Tickets::FEW + 4, "{}", tickets.all().count());
        }
        drop(open);
        assert!(waits.wait());
        outlet.close(Instant::now());
        outlet.join(waits.deadline);
    }
}
