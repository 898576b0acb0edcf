//! Runs of about 12 spans, spread over four processes and 50 ms to 10 s, as the records that each process delivers.
//! Everything depends only on the number of the run, so it is the same each time.

use spanbridge::record::{AttributeValue, RunEnd, RunStart, Segment, SpanEnd};
use spanbridge::record::{Attributes, Body, End, Record, SpanData, Via};
use spanbridge::{Kind, RunId, SegmentId, SpanId, Status, TraceId};
use std::borrow::Cow;
use std::collections::VecDeque;

pub(crate) const WRITERS: usize = 4;
const TICK: u64 = 200_000_000;
pub(crate) const T0: u64 = 1_790_000_000_000_000_000;
const SERVICES: [&str; WRITERS] = ["gateway", "orders", "payments", "mailer"];
const NAMES: [&str; 8] = [
    "POST /orders",
    "orders publish",
    "orders process",
    "events send",
    "events process",
    "SELECT orders",
    "payments.charge",
    "email.send",
];
const PRIMITIVES: [&str; 8] = [
    "http.server",
    "messaging.publish",
    "messaging.process",
    "messaging.publish",
    "messaging.process",
    "db.query",
    "http.client",
    "custom.email",
];

fn mix(n: u64) -> u64 {
    let n = (n ^ n >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ n >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ n >> 31
}

/// One run in 20,000 has another name, and another service.
fn is_rare(run: u64) -> bool {
    run % 20_000 == 77
}

/// A sequence that looks random.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        (mix(self.0) >> 16) % below
    }

    /// Between `low` and `high`, as often below as above their geometric mean.
    fn spread(&mut self, low: f64, high: f64) -> f64 {
        low * (high / low).powf(self.roll(1 << 20) as f64 / (1u64 << 20) as f64)
    }
}

pub(crate) fn run_id(run: u64) -> RunId {
    let id = u128::from(mix(run + 1)) << 64 | u128::from(mix(run ^ 0xabcd_ef00_0000));
    RunId::new(id).unwrap_or(RunId::of_trace(TraceId::new(1).expect("one is not zero")))
}

pub(crate) fn span_id(run: u64, span: u64) -> SpanId {
    SpanId::new(mix((run << 20) | (span + 1)) | 1).expect("an odd number is not zero")
}

/// The records to deliver.
pub(crate) struct Workload {
    runs_per_tick: f64,
    due: f64,
    tick: u64,
    next_run: u64,
    /// By tick from now, by writer: when it happens, and the record.
    pending: VecDeque<[Vec<(u64, Record<'static>)>; WRITERS]>,
    sizes: Vec<u32>,
    large: Vec<RunId>,
    pub(crate) spans: u64,
    pub(crate) records: u64,
}

impl Workload {
    pub(crate) fn new(spans_per_second: u64) -> Self {
        Self {
            runs_per_tick: spans_per_second as f64 / 5.0 / 12.0,
            due: 0.0,
            tick: 0,
            next_run: 0,
            pending: VecDeque::new(),
            sizes: Vec::new(),
            large: Vec::new(),
            spans: 0,
            records: 0,
        }
    }

    /// The number of runs so far.
    pub(crate) fn runs(&self) -> u64 {
        self.next_run
    }

    /// Some runs, from the first to one that began a while ago.
    pub(crate) fn some_runs(&self, count: u64) -> impl Iterator<Item = u64> {
        let step = (self.next_run / 2 / count).max(1);
        (0..count).map(move |n| n * step)
    }

    /// The same, of those with about this many spans.
    pub(crate) fn runs_of_size(&self, count: u64, spans: u64) -> Vec<RunId> {
        let fits = |run: &u64| self.sizes[*run as usize].abs_diff(u32::try_from(spans).unwrap_or(0)) <= 1;
        self.some_runs(count).filter_map(|run| (run..run + 100).find(fits)).map(run_id).collect()
    }

    /// The same, of those with 1,000 spans.
    pub(crate) fn large_runs(&self, count: usize) -> Vec<RunId> {
        let early = &self.large[..self.large.len() / 2 + 1];
        early.iter().copied().step_by(early.len().div_ceil(count)).collect()
    }

    /// A time in the middle.
    pub(crate) fn middle(&self) -> u64 {
        T0 + self.tick / 2 * TICK
    }

    /// What each process delivers now.
    pub(crate) fn tick(&mut self) -> [Vec<Record<'static>>; WRITERS] {
        self.due += self.runs_per_tick;
        while self.due >= 1.0 {
            self.due -= 1.0;
            let run = self.next_run;
            self.next_run += 1;
            self.start_run(run, T0 + self.tick * TICK + mix(run) % TICK);
        }
        self.tick += 1;
        let now = self.pending.pop_front().unwrap_or_default();
        now.map(|mut records| {
            // A recorder delivers the records of a run together, in order.
            records.sort_by_key(|(at, record)| (record.run_id, *at));
            let records: Vec<_> = records.into_iter().map(|(_, record)| record).collect();
            self.records += records.len() as u64;
            let begins = |r: &&Record<'_>| matches!(r.body, Body::Span(_));
            self.spans += records.iter().filter(begins).count() as u64;
            records
        })
    }

    fn start_run(&mut self, run: u64, start: u64) {
        let mut dice = Dice(mix(run));
        let large = run % 4000 == 500;
        let spans = if large { 1000 } else { (dice.spread(4.0, 36.0)) as u64 };
        self.sizes.push(spans as u32);
        if large {
            self.large.push(run_id(run));
        }
        let duration = dice.spread(50e6, 10e9) as u64;
        let first = dice.roll(WRITERS as u64);
        let failed = dice.roll(33) == 0;
        let name = if is_rare(run) { "month end" } else { NAMES[(run % 5) as usize] };
        let mut recording = Recording { run, seqs: [0; WRITERS], workload: self };
        recording.put(first, start, Body::RunStart(RunStart::new(name, start)));
        for n in 0..spans {
            let at = start + if n == 0 { 0 } else { duration * n / spans + dice.roll(duration / spans / 2 + 1) };
            let took = if n == 0 { duration } else { (dice.spread(5e5, 1.2e8) as u64).min(duration) };
            let writer = if n == 0 { first } else { (first + n * WRITERS as u64 / spans) % WRITERS as u64 };
            let failed = failed && n == spans - 1 || dice.roll(200) == 0;
            recording.span(&mut dice, writer, n, at, at + took, failed);
        }
        let status = if failed { Status::Error } else { Status::Ok };
        recording.put(first, start + duration, Body::RunEnd(RunEnd::new(start + duration, status)));
    }
}

/// Numbers the records of one run.
struct Recording<'w> {
    run: u64,
    seqs: [u64; WRITERS],
    workload: &'w mut Workload,
}

impl Recording<'_> {
    fn put(&mut self, writer: u64, at: u64, body: Body<'static>) {
        if self.seqs[writer as usize] == 0 {
            self.add(writer, at, segment(writer, at));
        }
        self.add(writer, at, body);
    }

    fn add(&mut self, writer: u64, at: u64, body: Body<'static>) {
        self.seqs[writer as usize] += 1;
        let record = record(self.run, writer, self.seqs[writer as usize], body);
        let tick = (at.saturating_sub(T0) / TICK).saturating_sub(self.workload.tick) as usize;
        let pending = &mut self.workload.pending;
        while pending.len() <= tick {
            pending.push_back(Default::default());
        }
        pending[tick][writer as usize].push((at, record));
    }

    fn span(&mut self, dice: &mut Dice, writer: u64, n: u64, from: u64, to: u64, failed: bool) {
        let parent = (n > 0).then(|| span_id(self.run, n - 1 - dice.roll(n.min(6))));
        let kind = if n == 0 { 0 } else { 1 + dice.roll(7) as usize };
        let mut start = SpanData::new(span_id(self.run, n), NAMES[kind], from);
        start.parent_span_id = parent;
        start.primitive = PRIMITIVES[kind].into();
        start.kind = [Kind::Server, Kind::Producer, Kind::Consumer, Kind::Client][kind % 4];
        start.attributes = attributes(kind, dice);
        let status = if failed { Status::Error } else { Status::Ok };
        let end = End::new(to, status).with_error(failed.then(|| "deadline exceeded".into()));
        if (from - T0) / TICK == (to - T0) / TICK {
            self.put(writer, from, Body::Span(start.with_end(Some(end))));
        } else {
            let span_id = start.span_id;
            self.put(writer, from, Body::Span(start));
            self.put(writer, to, Body::SpanEnd(SpanEnd::new(span_id, end)));
        }
    }
}

fn record(run: u64, writer: u64, seq: u64, body: Body<'static>) -> Record<'static> {
    let id = run_id(run);
    let segment = SegmentId::new(mix(run * 8 + writer) | 1).expect("an odd number is not zero");
    let service = if is_rare(run) && writer == 3 { "reports" } else { SERVICES[writer as usize] };
    Record::new(segment, seq, service, body).of_run(Some(id), TraceId::new(id.get()))
}

fn segment(writer: u64, started_at: u64) -> Body<'static> {
    let text = |s: &'static str| AttributeValue::Str(s.into());
    let resource = [
        ("service.name", text(SERVICES[writer as usize])),
        ("service.version", text("1.4.2")),
        ("host.name", text("ip-10-0-3-17")),
        ("process.pid", AttributeValue::I64(4711 + writer as i64)),
    ];
    let via = if writer == 0 { Via::Start } else { Via::Receive };
    Body::Segment(Segment::new(started_at, collect(resource), via))
}

fn collect(items: impl IntoIterator<Item = (&'static str, AttributeValue<'static>)>) -> Attributes<'static> {
    items.into_iter().map(|(k, v)| (Cow::Borrowed(k), v)).collect()
}

/// About 150 bytes.
fn attributes(kind: usize, dice: &mut Dice) -> Attributes<'static> {
    let text = |s: &'static str| AttributeValue::Str(s.into());
    let owned = |s: String| AttributeValue::Str(s.into());
    let number = |n: u64| AttributeValue::I64(n as i64);
    match kind {
        0 => collect([
            ("http.request.method", text("POST")),
            ("http.route", text("/orders")),
            ("client.address", owned(format!("10.{}.{}.{}", dice.roll(256), dice.roll(256), dice.roll(256)))),
            (
                "user_agent.original",
                owned(format!("shop-app/{}.{} (iOS {})", dice.roll(9), dice.roll(16), dice.roll(8))),
            ),
            ("http.response.status_code", number(201)),
        ]),
        1..=4 => collect([
            ("messaging.system", text(if kind < 3 { "rabbitmq" } else { "kafka" })),
            ("messaging.destination.name", owned(format!("orders.{}", dice.roll(40)))),
            ("messaging.message.id", owned(format!("{:016x}-{:016x}", mix(dice.0), mix(!dice.0)))),
            ("messaging.message.body.size", number(dice.roll(4000))),
        ]),
        5 => collect([
            ("db.system.name", text("postgresql")),
            ("db.query.text", text("select id, total from orders where customer_id = $1 and state = $2")),
            ("db.response.returned_rows", number(dice.roll(100))),
        ]),
        _ => collect([
            ("server.address", owned(format!("pay{}.example.com", dice.roll(5)))),
            ("server.port", number(443)),
            ("url.full", owned(format!("https://pay.example.com/v1/charges/{:012x}", mix(dice.0)))),
            ("retry", AttributeValue::Bool(dice.roll(9) == 0)),
        ]),
    }
}

/// One span of a run of its own.
pub(crate) fn lone_run(run: u64) -> Vec<Record<'static>> {
    let (_, mut records) = spans(run, 1);
    records.truncate(1);
    records
}

/// A run with this many spans, in the order in which they began.
pub(crate) fn one_run(count: u64) -> (RunId, Vec<Record<'static>>) {
    spans(1, count)
}

fn spans(run: u64, count: u64) -> (RunId, Vec<Record<'static>>) {
    let mut dice = Dice(run);
    let span = |n: u64| {
        let parent = (n > 0).then(|| span_id(run, n - 1 - dice.roll(n.min(20))));
        let mut start = SpanData::new(span_id(run, n), NAMES[n as usize % 8], T0 + n * 1000);
        start.parent_span_id = parent;
        start.primitive = PRIMITIVES[n as usize % 8].into();
        let end = End::new(T0 + n * 1000 + 500, Status::Ok);
        record(run, 0, n + 1, Body::Span(start.with_end(Some(end))))
    };
    (run_id(run), (0..count).map(span).collect())
}
