//! Many runs, over many slots and days, of records that look random: each filter, page and limit chooses as a list of all records does.

use super::list::List;
use spanbridge::record::{
    AttributeValue, Attributes, Body, Diagnostic, End, Event, Link, Mutation, MutationOp, Record, RunEnd, RunResume,
    RunStart, RunSuspend, SpanAttributes, SpanData, SpanEnd,
};
use spanbridge::{RunId, SegmentId, SpanId, Status, TraceId, semconv};
use spanbridge_graph::RunStatus;
use spanbridge_query::{RunFilter, RunQuery, RunRow, Store};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const SECOND: u64 = 1_000_000_000;
const SERVICES: [&str; 4] = ["gateway", "orders", "payments", "mailer"];

/// A sequence that looks random.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.roll(n) == 0
    }
}

struct Making {
    dice: Dice,
    now: u64,
    seq: u64,
    records: Vec<Record<'static>>,
}

impl Making {
    fn put(&mut self, run: RunId, body: impl Into<Body<'static>>) {
        self.seq += 1;
        let service = match self.dice.one_in(300) {
            true => "reports",
            false => SERVICES[self.dice.roll(4) as usize],
        };
        let record = Record::new(SegmentId::new(self.seq % 5 + 1).unwrap(), self.seq, service, body);
        self.records.push(record.of_run(Some(run), None));
    }

    /// Many in the last minutes, some in the last hours, a few over days.
    fn time(&mut self) -> u64 {
        let seconds = match self.dice.roll(10) {
            0..5 => self.dice.roll(300),
            5..8 => self.dice.roll(3 * 3600),
            _ => self.dice.roll(9 * 86_400),
        };
        self.now - seconds * SECOND - self.dice.roll(SECOND)
    }

    fn status(&mut self) -> Status {
        match self.dice.roll(12) {
            0 => Status::Error,
            1 => Status::Panicked,
            2 => Status::Cancelled,
            _ => Status::Ok,
        }
    }

    fn span(&mut self, run: RunId, at: u64) {
        let id = SpanId::new(self.dice.roll(u64::MAX - 1) + 1).unwrap();
        // Some clocks are behind, so a span may begin before its run does, and end before it began.
        let at = if self.dice.one_in(9) { at - self.dice.roll(90) * SECOND } else { at + self.dice.roll(40) * SECOND };
        let took = self.dice.roll(30) * SECOND;
        let end = if self.dice.one_in(20) { at - 20 * SECOND } else { at + took };
        let name = ["POST /orders", "orders process", "Month End", "Größe"][self.dice.roll(4) as usize];
        let mut span = SpanData::new(id, name, at);
        span.parent_span_id = if self.dice.one_in(3) { None } else { SpanId::new(self.dice.roll(9) + 1) };
        let text = |value: &'static str| AttributeValue::Str(value.into());
        // So many that few of the receivers settle messages of several runs.
        let system = AttributeValue::Str(format!("system {}", self.dice.roll(30)).into());
        let mut attributes: Vec<(&'static str, AttributeValue<'static>)> = vec![(semconv::MESSAGING_SYSTEM, system)];
        let mut settlement = None;
        match self.dice.roll(4) {
            0 => {
                span.primitive = "messaging.process".into();
                if self.dice.one_in(2) {
                    let expected = ["ack", "store_offset", "commit"][self.dice.roll(3) as usize];
                    attributes.push((semconv::SETTLE_EXPECTED, text(expected)));
                    settlement = Some(id).filter(|_| !self.dice.one_in(5));
                }
                if self.dice.one_in(30) {
                    attributes.push((semconv::DEAD_LETTER_QUEUE, text("dead")));
                }
                if self.dice.one_in(20) {
                    attributes.push((semconv::FAAS_TRIGGER, text("pubsub")));
                }
            }
            1 if self.dice.one_in(6) => {
                span.primitive = "messaging.settle".into();
                let operation = ["ack", "nack", "reject", "commit"][self.dice.roll(4) as usize];
                attributes.push((semconv::MESSAGING_OPERATION_NAME, text(operation)));
                attributes.push((semconv::SETTLE_REQUEUE, AttributeValue::Bool(self.dice.one_in(2))));
                if self.dice.one_in(8) {
                    attributes.push((semconv::SETTLE_MULTIPLE, AttributeValue::Bool(true)));
                }
                if let Some(trace) = TraceId::new(run.get() ^ 7).filter(|_| self.dice.one_in(8)) {
                    span.links = vec![Link::new(trace, id, Attributes::default())];
                }
            }
            _ => {}
        }
        span.attributes = attributes.into_iter().map(|(key, value)| (key.into(), value)).collect();
        let status = self.status();
        let end_of = End::new(end, status);
        match self.dice.roll(4) {
            0 => {
                self.put(run, span);
                if !self.dice.one_in(4) {
                    self.put(run, SpanEnd::new(id, end_of));
                }
            }
            1 if self.dice.one_in(8) => self.put(run, SpanEnd::new(id, end_of)),
            _ => self.put(run, span.with_end(Some(end_of))),
        }
        match settlement {
            Some(work) if self.dice.one_in(3) => {
                let stored = [(semconv::SETTLE_STORED.into(), AttributeValue::Bool(true))];
                self.put(run, SpanAttributes::new(work, stored.into_iter().collect::<Attributes<'static>>()));
            }
            Some(work) => {
                let mut ack = SpanData::new(SpanId::new(work.get() ^ 0xff).unwrap_or(work), "ack", end);
                ack.parent_span_id = Some(work);
                ack.primitive = "messaging.settle".into();
                let name = [(semconv::MESSAGING_OPERATION_NAME.into(), AttributeValue::Str("ack".into()))];
                ack.attributes = name.into_iter().collect();
                self.put(run, ack.with_end(Some(End::new(end + 1, Status::Ok))));
            }
            None => {}
        }
    }

    /// A message that was worked on without a failure; often nothing settles it.
    fn message(&mut self, run: RunId, at: u64) {
        let work = SpanId::new(self.dice.roll(u64::MAX - 1) + 1).unwrap();
        let text = |value: &str| AttributeValue::Str(value.to_owned().into());
        let system = (semconv::MESSAGING_SYSTEM.into(), text(&format!("system {}", self.dice.roll(30))));
        let settlement = SpanId::new(work.get() ^ 0xff).filter(|_| self.dice.one_in(3));
        let mut span = SpanData::new(work, "orders process", at);
        span.primitive = "messaging.process".into();
        span.attributes = [system.clone(), (semconv::SETTLE_EXPECTED.into(), text("ack"))].into_iter().collect();
        let end = at + self.dice.roll(90) * SECOND;
        self.put(run, span.with_end(Some(End::new(end, Status::Ok))));
        if let Some(id) = settlement {
            let mut ack = SpanData::new(id, "ack", at);
            ack.primitive = "messaging.settle".into();
            ack.parent_span_id = Some(work);
            let more = (semconv::SETTLE_MULTIPLE.into(), AttributeValue::Bool(self.dice.one_in(3)));
            ack.attributes =
                [system, (semconv::MESSAGING_OPERATION_NAME.into(), text("ack")), more].into_iter().collect();
            self.put(run, ack.with_end(Some(End::new(at + 1, Status::Ok))));
        }
    }

    fn run(&mut self, run: RunId, earlier: &[RunId]) {
        let at = self.time();
        if !self.dice.one_in(3) {
            let parent = (!earlier.is_empty() && self.dice.one_in(3)).then(|| {
                // Also one that is not stored, or comes later.
                if self.dice.one_in(9) {
                    id(self.dice.roll(700))
                } else {
                    earlier[self.dice.roll(earlier.len() as u64) as usize]
                }
            });
            let name = ["Checkout", "month end", "orders process"][self.dice.roll(3) as usize];
            self.put(run, RunStart::new(name, at).with_parent_run_id(parent));
            if self.dice.one_in(12) {
                // It contradicts itself, in the same segment: the first one counts.
                self.seq += 4;
                let other = earlier.last().copied().filter(|_| self.dice.one_in(2));
                self.put(run, RunStart::new("Another", at).with_parent_run_id(other));
            }
            match self.dice.roll(9) {
                0 => {}
                1 => self.put(run, RunSuspend::new("s", at + 5 * SECOND)),
                2 => {
                    self.put(run, RunSuspend::new("s", at + 5 * SECOND));
                    // After days.
                    let resumed = (at + self.dice.roll(5 * 86_400) * SECOND).min(self.now);
                    self.put(run, RunResume::new("s", resumed));
                    self.span(run, resumed);
                }
                _ => {
                    let (took, status) = (self.dice.roll(600) * SECOND, self.status());
                    self.put(run, RunEnd::new(at + took, status));
                }
            }
        }
        match self.dice.roll(20) {
            0 => self.put(run, Event::new(SpanId::new(7).unwrap(), format!("e{}", self.seq), "tick", at)),
            1 => self.put(run, Diagnostic::new("code", "a run without a time")),
            2 => {
                self.put(run, Mutation::new(format!("m{}", self.seq), "db", "carts", "{\"id\":7}", MutationOp::Delete))
            }
            spans => (0..spans % 3).for_each(|_| self.span(run, at)),
        }
        if self.dice.one_in(4) {
            self.message(run, at);
        }
        if self.dice.one_in(5) {
            let (key, number) = (format!("{{\"id\":{}}}", self.dice.roll(6)), self.seq);
            let op = if self.dice.one_in(9) { MutationOp::Truncate } else { MutationOp::Update };
            self.put(run, Mutation::new(format!("m{number}"), "db", "orders", key, op).with_committed_at(Some(at)));
        }
    }
}

fn id(n: u64) -> RunId {
    RunId::new((u128::from(n) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)).unwrap()
}

pub(crate) fn records(seed: u64, runs: u64) -> Vec<Record<'static>> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() * SECOND;
    let mut making = Making { dice: Dice(seed), now, seq: 0, records: Vec::new() };
    let mut earlier = Vec::new();
    for n in 0..runs {
        making.run(id(n), &earlier);
        earlier.push(id(n));
    }
    making.records
}

fn filters(now: u64, seed: u64) -> Vec<RunFilter> {
    let all = RunFilter::default;
    let mut dice = Dice(seed);
    let mut filters =
        vec![all(), all().service("reports"), all().service("orders"), all().name("MONTH"), all().name("größe")];
    filters.extend(RunStatus::ALL.map(|status| all().status(status)));
    filters.push(all().min_duration(Duration::from_secs(120)));
    filters.push(all().service("mailer").name("check").status(RunStatus::Error));
    filters.extend([60, 3600, 86_400].map(|ago| all().since(now - ago * SECOND)));
    let later = filters.clone();
    filters.extend(later.into_iter().map(|filter| match dice.roll(3) {
        0 => filter.since(now - dice.roll(4000) * SECOND),
        _ => filter.before(now - dice.roll(8000) * SECOND, id(dice.roll(700))),
    }));
    filters
}

/// Says only what differs.
fn same(found: &[RunRow], expected: &[RunRow], what: &str) {
    let only = |some: &[RunRow], others: &[RunRow]| -> Vec<RunRow> {
        some.iter().filter(|row| !others.contains(row)).take(3).cloned().collect()
    };
    assert!(found == expected, "{what}: found {:#?}, expected {:#?}", only(found, expected), only(expected, found));
}

/// All operations that match, page by page.
fn paged(store: &Store, mut filter: RunFilter) -> Vec<RunRow> {
    let mut all = Vec::new();
    loop {
        let page = store.list(&RunQuery::new(filter.clone()), 60).unwrap();
        let Some(last) = page.last() else { return all };
        filter = filter.before(last.started_at, last.run_id);
        all.extend(page);
    }
}

/// The store, which asks for the [time](super::due::clock), answers as the list, whatever is asked.
pub(crate) fn choose_as(store: &Store, all: &[Record<'static>], seed: u64) {
    super::due::stop_the_clock();
    let list = Store::with_engine("list", List(all.to_vec()));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() * SECOND;
    let rows = list.runs(&RunFilter::default(), usize::MAX).unwrap();
    let operations = list.list(&RunQuery::default(), usize::MAX).unwrap();
    assert!(operations.len() + 80 < rows.len() && rows.len() > 520, "{} {}", operations.len(), rows.len());
    let has_messages = |row: &&RunRow| !row.unsettled().messages.is_empty();
    let (unsettled, never) =
        (rows.iter().filter(has_messages).count(), rows.iter().filter(|row| row.failed_work.never_settled > 0).count());
    assert!(never >= 20 && unsettled >= never + 10, "{never} of {unsettled}");
    for (n, filter) in filters(now, seed).into_iter().enumerate() {
        let expected: Vec<_> = rows.iter().filter(|row| filter.matches(row)).cloned().collect();
        for limit in [3, 2000] {
            let found = store.runs(&filter, limit).unwrap();
            same(&found, &expected[..expected.len().min(limit)], &format!("{filter:?}, {limit}"));
        }
        let query = RunQuery::new(filter.clone());
        let expected = list.list(&query, 1000).unwrap();
        for limit in [3, 30] {
            let found = store.list(&query, limit).unwrap();
            same(&found, &expected[..expected.len().min(limit)], &format!("operations, {filter:?}, {limit}"));
        }
        if n % 8 == 0 {
            let pages = paged(store, filter.clone());
            same(&pages, &expected, &format!("pages, {filter:?}"));
        }
    }
    for since in [None, Some(now - 3600 * SECOND)] {
        assert_eq!(store.runs_since(since).unwrap(), list.runs_since(since).unwrap());
    }
}
