//! Spans that wait until it is known whether their run is chosen.

use super::choice::Wanted;
use spanbridge::RunId;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// Bytes of spans that wait at most.
const LIMIT: usize = 16 << 20;
/// What a run takes up beside its spans, about.
const RUN: usize = 256;
/// A run with nothing open may go on: a span of it may be read from another thread, or a message of it may come. After so long
/// it is over, as far as this process is concerned.
const QUIET: Duration = Duration::from_secs(5);

/// Runs that are going on in this process, and their spans as long as these wait.
pub(super) struct Hold<P> {
    wanted: Wanted,
    runs: HashMap<RunId, Held<P>>,
    limit: usize,
}

struct Held<P> {
    /// Spans that wait. Of a chosen run none do.
    packed: P,
    spans: u64,
    size: usize,
    /// Spans of it that are open.
    open: u64,
    /// It has begun or gone on here, and not ended.
    is_running: bool,
    began: u64,
    is_chosen: bool,
    touched: Instant,
}

/// What was decided.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Decided {
    pub(super) not_chosen: u64,
    /// Spans that were lost because too many waited.
    pub(super) lost: u64,
}

impl<P: Default> Hold<P> {
    pub(super) fn new(wanted: Wanted) -> Self {
        Hold { wanted, runs: HashMap::new(), limit: LIMIT }
    }

    fn run(&mut self, run: RunId, began: u64, now: Instant) -> &mut Held<P> {
        let held = self.runs.entry(run).or_insert_with(|| Held {
            packed: P::default(),
            spans: 0,
            size: 0,
            open: 0,
            is_running: false,
            began,
            is_chosen: false,
            touched: now,
        });
        held.began = held.began.min(began);
        held.touched = now;
        held
    }

    /// A span began, and has not ended yet.
    pub(super) fn span_begins(&mut self, run: RunId, began: u64, now: Instant) {
        self.run(run, began, now).open += 1
    }

    /// A span ended that had begun in an earlier batch.
    pub(super) fn span_ends(&mut self, run: RunId, ended: u64, now: Instant) {
        let held = self.run(run, ended, now);
        held.open = held.open.saturating_sub(1)
    }

    /// The run began here, or goes on here.
    pub(super) fn run_begins(&mut self, run: RunId, began: u64, now: Instant) {
        self.run(run, began, now).is_running = true
    }

    /// The run ended, or was suspended.
    pub(super) fn run_ends(&mut self, run: RunId, failed: bool, ended: u64, now: Instant) {
        let wanted = self.wanted;
        let held = self.run(run, ended, now);
        held.is_running = false;
        held.is_chosen |= wanted.takes(failed, ended.saturating_sub(held.began));
    }

    /// Adds a span that has ended, by packing it: into what is sent where its run is chosen, else into what waits. `pack` says how
    /// many bytes it takes up.
    pub(super) fn add(
        &mut self,
        run: RunId,
        (began, ended, failed): (u64, u64, bool),
        now: Instant,
        chosen: &mut P,
        pack: impl FnOnce(&mut P) -> usize,
    ) {
        let wanted = self.wanted;
        let held = self.run(run, began, now);
        held.is_chosen |= wanted.takes(failed, ended.saturating_sub(began));
        if held.is_chosen {
            pack(chosen);
            return;
        }
        held.size += pack(&mut held.packed);
        held.spans += 1;
    }

    /// Gives the spans of runs that are chosen by now to `send`, and forgets those of runs that are over.
    pub(super) fn settle(&mut self, clock: u64, now: Instant, mut send: impl FnMut(P)) -> Decided {
        let (wanted, mut decided) = (self.wanted, Decided::default());
        self.runs.retain(|_, held| {
            let is_open = held.open > 0 || held.is_running;
            held.is_chosen |= is_open && wanted.takes(false, clock.saturating_sub(held.began));
            if held.is_chosen && held.spans > 0 {
                (held.spans, held.size) = (0, 0);
                send(std::mem::take(&mut held.packed));
            }
            let is_over = !is_open && now.saturating_duration_since(held.touched) >= QUIET;
            if is_over {
                decided.not_chosen += held.spans
            }
            !is_over
        });
        decided.lost = self.make_room();
        decided
    }

    /// Forgets the runs that were quiet longest, until there is room.
    fn make_room(&mut self) -> u64 {
        let size = |held: &Held<P>| RUN + held.size;
        let mut bytes = self.runs.values().map(size).sum::<usize>();
        if bytes <= self.limit {
            return 0;
        }
        let mut oldest_first: Vec<_> = self.runs.iter().map(|(run, held)| (held.touched, *run)).collect();
        oldest_first.sort_unstable();
        let mut lost = 0;
        for (_, run) in oldest_first {
            if bytes <= self.limit {
                break;
            }
            if let Some(held) = self.runs.remove(&run) {
                bytes -= size(&held);
                lost += held.spans;
            }
        }
        lost
    }

    /// How many spans wait.
    pub(super) fn spans(&self) -> u64 {
        self.runs.values().map(|held| held.spans).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    const SECOND: u64 = 1_000_000_000;
    const NONE: [u32; 0] = [];

    /// A hold of texts, told what happens in words.
    struct Told {
        hold: Hold<Vec<u32>>,
        sent: Vec<u32>,
        now: Instant,
        clock: u64,
        decided: BTreeMap<&'static str, u64>,
    }

    impl Told {
        fn new(failed: bool, slow: Option<u64>) -> Self {
            let hold = Hold::new(Wanted { failed, slow: slow.map(|seconds| seconds * SECOND) });
            Told { hold, sent: vec![], now: Instant::now(), clock: 1000 * SECOND, decided: BTreeMap::new() }
        }

        fn later(&mut self, seconds: u64) -> &mut Self {
            self.now += Duration::from_secs(seconds);
            self.clock += seconds * SECOND;
            self
        }

        fn span(&mut self, run: u128, name: u32, seconds: u64, failed: bool) -> &mut Self {
            let times = (self.clock - seconds * SECOND, self.clock, failed);
            let pack = |to: &mut Vec<u32>| {
                to.push(name);
                size_of::<u32>()
            };
            self.hold.add(id(run), times, self.now, &mut self.sent, pack);
            self
        }

        fn settle(&mut self) -> Vec<u32> {
            let mut sent = std::mem::take(&mut self.sent);
            let decided = self.hold.settle(self.clock, self.now, |more| sent.extend(more));
            *self.decided.entry("not chosen").or_default() += decided.not_chosen;
            *self.decided.entry("lost").or_default() += decided.lost;
            sent.sort_unstable();
            sent
        }
    }

    fn id(run: u128) -> RunId {
        RunId::new(run).unwrap()
    }

    #[test]
    fn a_failure_brings_the_whole_run() {
        let mut told = Told::new(true, None);
        assert_eq!(told.span(1, 1, 0, false).span(2, 2, 9, false).settle(), NONE);
        assert_eq!(told.later(1).span(1, 3, 0, true).settle(), [1, 3]);
        assert_eq!(told.span(1, 4, 0, false).settle(), [4]);
        assert_eq!(told.later(60).settle(), NONE);
        assert_eq!((told.hold.spans(), told.decided["not chosen"], told.decided["lost"]), (0, 1, 0));
        assert!(told.hold.runs.is_empty());
    }

    #[test]
    fn a_run_may_end_as_failed() {
        let mut told = Told::new(true, None);
        told.hold.run_begins(id(1), told.clock, told.now);
        assert_eq!(told.span(1, 1, 0, false).later(600).settle(), NONE);
        told.hold.run_ends(id(1), true, told.clock, told.now);
        assert_eq!(told.settle(), [1]);
    }

    /// By one span, from its start to its end, and while it is open.
    #[test]
    fn a_slow_run_is_chosen_in_three_ways() {
        let mut told = Told::new(false, Some(3));
        assert_eq!(told.span(1, 1, 2, true).span(2, 2, 3, false).settle(), [2]);
        told.hold.run_begins(id(3), told.clock, told.now);
        told.span(3, 3, 0, false).later(2);
        told.hold.run_ends(id(3), false, told.clock + SECOND, told.now);
        assert_eq!(told.settle(), [3]);
        told.hold.span_begins(id(4), told.clock, told.now);
        assert_eq!(told.span(4, 4, 0, false).later(2).settle(), NONE);
        assert_eq!(told.later(1).settle(), [4]);
    }

    #[test]
    fn nothing_is_decided_while_a_span_is_open() {
        let mut told = Told::new(true, None);
        told.hold.span_begins(id(1), told.clock, told.now);
        told.hold.span_begins(id(1), told.clock, told.now);
        told.span(1, 1, 0, false);
        told.hold.span_ends(id(1), told.clock, told.now);
        assert_eq!(told.later(600).settle(), NONE);
        assert_eq!(told.hold.spans(), 1);
        told.hold.span_ends(id(1), told.clock, told.now);
        told.span(1, 2, 600, false).settle();
        assert_eq!((told.hold.spans(), told.decided["not chosen"]), (2, 0));
        told.later(5).settle();
        assert_eq!((told.hold.spans(), told.decided["not chosen"]), (0, 2));
    }

    #[test]
    fn what_waits_is_bounded_and_the_quietest_go() {
        let mut told = Told::new(true, None);
        told.hold.limit = 3 * (RUN + 40);
        for run in 1..=5 {
            told.later(1);
            for i in 0..10 {
                told.span(run, i, 0, false);
            }
        }
        assert_eq!(told.settle(), NONE);
        assert_eq!((told.hold.spans(), told.decided["lost"], told.decided["not chosen"]), (30, 20, 0));
        assert!(!told.hold.runs.contains_key(&id(2)) && told.hold.runs.contains_key(&id(3)));
        // Runs without spans count as well.
        (10..20).for_each(|run| told.hold.span_begins(id(run), 0, told.now));
        told.settle();
        assert!(told.hold.runs.len() <= 4, "{}", told.hold.runs.len());
    }
}
