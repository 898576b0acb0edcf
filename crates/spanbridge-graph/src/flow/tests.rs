//! What holds for any records, and the paths of small stories.

use crate::arbitrary::record;
use crate::{CriticalPath, Graph, SpanTimes, StretchKind};
use proptest::prelude::*;
use spanbridge::record::*;
use spanbridge::{Kind, RunId, SegmentId, SpanId, Status, TraceId};
use std::collections::BTreeSet;

const T0: u64 = 1_790_000_000_000_000_000;
const MS: u64 = 1_000_000;

/// A run whose id does not look like one of the spans: a run stands above its roots by its id.
fn run(n: u128) -> RunId {
    RunId::new(n << 64 | 0xffff_ffff_0000_0000).unwrap()
}

fn trace() -> TraceId {
    TraceId::new(run(1).get()).unwrap()
}

fn id(n: u64) -> SpanId {
    SpanId::new(n).unwrap()
}

/// Records of one run: spans of a segment each.
#[derive(Default)]
struct Story(Vec<Record<'static>>);

impl Story {
    fn put(&mut self, run_id: u128, segment: u64, body: impl Into<Body<'static>>) {
        let seq = self.0.len() as u64 + 1;
        let record = Record::new(SegmentId::new(segment).unwrap(), seq, "s", body.into());
        self.0.push(record.of_run(Some(run(run_id)), Some(trace())))
    }

    /// A span: `(id, parent)`, the segment, the primitive, and from when to when in milliseconds.
    fn span(&mut self, (n, parent): (u64, u64), segment: u64, primitive: &'static str, (from, to): (u64, u64)) {
        self.span_of(1, (n, parent), segment, primitive, (from, to), &[])
    }

    fn span_of(
        &mut self,
        run_id: u128,
        (n, parent): (u64, u64),
        segment: u64,
        primitive: &'static str,
        (from, to): (u64, u64),
        said: &[(&'static str, i64)],
    ) {
        let mut span = SpanData::new(id(n), format!("{n}"), T0 + from * MS);
        span.parent_span_id = SpanId::new(parent);
        span.primitive = primitive.into();
        span.kind = match primitive {
            "messaging.publish" => Kind::Producer,
            "messaging.process" => Kind::Consumer,
            "http.client" => Kind::Client,
            "http.server" => Kind::Server,
            _ => Kind::Internal,
        };
        span.attributes = said.iter().map(|(k, v)| ((*k).into(), AttributeValue::I64(*v))).collect();
        let end = (to > 0).then(|| End::new(T0 + to * MS, Status::Ok));
        self.put(run_id, segment, Body::Span(span.with_end(end)))
    }

    fn graph(&self, run_id: u128) -> Graph {
        let own: Vec<_> = self.0.iter().filter(|r| r.run_id == Some(run(run_id))).cloned().collect();
        Graph::build(run(run_id), &own)
    }

    /// The path of the first run through the others, as `kind span from-to`.
    fn path(&self) -> Vec<String> {
        drawn(&CriticalPath::with_children(&self.graph(1), &[self.graph(2)]))
    }
}

fn drawn(path: &CriticalPath) -> Vec<String> {
    let ms = |at: u64| at.wrapping_sub(T0) / MS;
    let line = |s: &crate::Stretch| {
        let span = s.span_id.map_or("-".into(), |id| id.get().to_string());
        format!("{} {span} {}-{}", s.kind.as_str(), ms(s.from), ms(s.to))
    };
    path.stretches.iter().map(line).collect()
}

/// The stretches are in order, and cover the whole time once.
fn check(path: &CriticalPath) -> Result<(), TestCaseError> {
    let mut at = path.started_at;
    for stretch in &path.stretches {
        prop_assert_eq!(stretch.from, at);
        prop_assert!(stretch.from < stretch.to, "{:?}", stretch);
        at = stretch.to;
    }
    prop_assert_eq!(at, path.ended_at.max(path.started_at));
    Ok(())
}

/// A request, whose message is worked on twice: the path goes through both attempts and both times in the queue.
#[test]
fn a_path_through_a_queue() {
    let mut s = Story::default();
    s.span((1, 0), 1, "http.server", (0, 50));
    s.span((2, 1), 1, "db.query", (5, 20));
    s.span((3, 1), 1, "db.query", (10, 30));
    s.span((4, 1), 1, "messaging.publish", (35, 40));
    s.span_of(1, (5, 4), 2, "messaging.process", (100, 150), &[("spanbridge.delivery.attempt", 1)]);
    s.span_of(1, (6, 4), 2, "messaging.process", (200, 300), &[("spanbridge.delivery.attempt", 2)]);
    s.span((7, 6), 2, "db.query", (210, 290));
    let expected = [
        "work 1 0-10",
        "work 3 10-30",
        "work 1 30-35",
        "work 4 35-40",
        "queue 5 40-100",
        "work 5 100-150",
        "queue 6 150-200",
        "work 6 200-210",
        "work 7 210-290",
        "work 6 290-300",
    ];
    assert_eq!(s.path(), expected);
    let times = SpanTimes::of(&s.graph(1));
    let shown: Vec<_> = times.iter().map(|t| (t.self_time.map(|t| t / MS), t.queued.map(|t| t / MS))).collect();
    let expected = [
        (Some(20), None),
        (Some(15), None),
        (Some(20), None),
        (Some(5), None),
        (Some(50), Some(60)),
        (Some(20), Some(50)),
        (Some(80), None),
    ];
    assert_eq!(shown, expected);
}

/// The owner ended the run before the queued work began; a child run in another process is part of the path.
#[test]
fn a_path_through_a_child_run() {
    let mut s = Story::default();
    s.put(1, 1, Body::RunStart(RunStart::new("order", T0)));
    s.span((4, 0), 1, "messaging.publish", (5, 10));
    s.put(1, 1, Body::RunEnd(RunEnd::new(T0 + 20 * MS, Status::Ok)));
    let started = RunStart::new("ship", T0 + 60 * MS);
    s.put(2, 2, Body::RunStart(started.with_parent_run_id(Some(run(1))).with_triggered_by_span_id(Some(id(4)))));
    s.span_of(2, (5, 4), 2, "messaging.process", (60, 90), &[]);
    s.put(2, 2, Body::RunEnd(RunEnd::new(T0 + 95 * MS, Status::Ok)));
    assert_eq!(s.path(), ["work - 0-5", "work 4 5-10", "queue - 10-60", "work 5 60-90", "work - 90-95"]);
    assert_eq!(drawn(&CriticalPath::of(&s.graph(1))), ["work - 0-5", "work 4 5-10", "work - 10-20"]);
}

/// A run that another one started by itself waits in no queue: between the two, nothing is known to work.
#[test]
fn a_run_that_was_started_waits_in_no_queue() {
    let mut s = Story::default();
    s.put(1, 1, Body::RunStart(RunStart::new("order", T0)));
    s.span((4, 0), 1, "flow.step", (5, 10));
    s.put(1, 1, Body::RunEnd(RunEnd::new(T0 + 20 * MS, Status::Ok)));
    let started = RunStart::new("report", T0 + 60 * MS);
    s.put(2, 2, Body::RunStart(started.with_parent_run_id(Some(run(1))).with_triggered_by_span_id(Some(id(4)))));
    s.span_of(2, (5, 4), 2, "flow.step", (60, 90), &[]);
    s.put(2, 2, Body::RunEnd(RunEnd::new(T0 + 90 * MS, Status::Ok)));
    assert_eq!(s.path(), ["work - 0-5", "work 4 5-10", "idle - 10-60", "work 5 60-90"]);
    assert!(SpanTimes::of(&s.graph(2)).iter().all(|times| times.queued.is_none()));
    // Nor does a step that goes on elsewhere when the one that started it is over.
    let mut s = Story::default();
    s.span((4, 0), 1, "flow.step", (5, 10));
    s.span((5, 4), 2, "flow.step", (60, 90));
    assert!(SpanTimes::of(&s.graph(1)).iter().all(|times| times.queued.is_none()));
}

#[test]
fn a_suspension_is_no_work() {
    let mut s = Story::default();
    s.put(1, 1, Body::RunStart(RunStart::new("approval", T0)));
    s.span((4, 0), 1, "flow.step", (5, 10));
    s.span((6, 0), 1, "flow.run", (0, 100));
    s.put(1, 1, Body::RunSuspend(RunSuspend::new("s", T0 + 20 * MS)));
    s.put(
        1,
        2,
        Body::Segment(
            Segment::new(T0 + 80 * MS, Attributes::default(), Via::Resume).with_suspension_id(Some("s".into())),
        ),
    );
    s.put(1, 2, Body::RunResume(RunResume::new("s", T0 + 80 * MS)));
    s.span((5, 6), 2, "flow.step", (85, 90));
    s.put(1, 2, Body::RunEnd(RunEnd::new(T0 + 100 * MS, Status::Ok)));
    let expected = ["work 6 0-20", "suspended - 20-80", "work 6 80-85", "work 5 85-90", "work 6 90-100"];
    assert_eq!(s.path(), expected);
    let graph = s.graph(1);
    let at = graph.spans.iter().position(|span| span.span_id == id(6)).unwrap();
    let times = SpanTimes::of(&graph)[at];
    assert_eq!((times.self_time, times.suspended), (Some(35 * MS), 60 * MS));
}

/// The answer of a server took until the caller gave up; the server still works on it.
#[test]
fn a_caller_waits_for_a_callee_that_is_open() {
    let mut s = Story::default();
    s.span((1, 0), 1, "http.client", (0, 50));
    s.span((2, 1), 2, "http.server", (5, 0));
    s.span((3, 2), 2, "db.query", (10, 40));
    assert_eq!(s.path()[..3], ["work 1 0-5", "work 2 5-10", "work 3 10-40"]);
    let times = SpanTimes::of(&s.graph(1));
    assert_eq!(times.iter().map(|t| t.self_time.map(|t| t / MS)).collect::<Vec<_>>(), [Some(5), None, Some(30)]);
}

/// A consumer and a callee whose clocks are wrong by a minute, each way: nothing negative, and the path says so.
#[test]
fn clocks_that_contradict_are_told_apart() {
    const MINUTE: u64 = 60_000;
    let mut s = Story::default();
    s.span((1, 0), 1, "http.server", (MINUTE, MINUTE + 100));
    s.span((2, 1), 1, "http.client", (MINUTE + 10, MINUTE + 60));
    s.span((3, 2), 2, "http.server", (2 * MINUTE + 20, 2 * MINUTE + 50));
    s.span((4, 1), 1, "messaging.publish", (MINUTE + 70, MINUTE + 80));
    s.span((5, 4), 3, "messaging.process", (90, 190));
    s.span((6, 5), 3, "db.query", (100, 150));
    let graph = s.graph(1);
    let path = CriticalPath::of(&graph);
    let kinds: Vec<_> = path.stretches.iter().map(|s| (s.kind, s.duration() / MS)).collect();
    use StretchKind::{Idle, NotComputed, Work};
    // Without an owner, the run begins with its first span, whatever its clock says.
    assert_eq!(kinds, [(Idle, 59_910), (Work, 10), (NotComputed, 50), (Work, 10), (Work, 10), (Work, 20)]);
    assert_eq!(path.skewed, [id(3), id(5)]);
    let times = SpanTimes::of(&graph);
    let of = |n| times[graph.spans.iter().position(|s| s.span_id == id(n)).unwrap()];
    assert_eq!((of(2).self_time, of(3).clock_skew, of(3).self_time), (None, true, Some(30 * MS)));
    assert_eq!((of(5).queued, of(5).clock_skew, of(5).self_time), (None, true, Some(50 * MS)));
}

/// A batch waits for its last message, wherever that came from.
#[test]
fn a_batch_begins_with_its_last_message() {
    let mut s = Story::default();
    s.span((1, 0), 1, "messaging.publish", (0, 10));
    s.span((2, 0), 1, "messaging.publish", (20, 30));
    s.span((3, 0), 1, "messaging.publish", (55, 56));
    s.span_of(1, (4, 0), 2, "messaging.process", (50, 90), &[("messaging.batch.message_count", 2)]);
    let Some(Record { body: Body::Span(batch), .. }) = s.0.last_mut() else { unreachable!() };
    batch.links = [1, 2, 3].map(|n| Link::new(trace(), id(n), Attributes::default())).into();
    assert_eq!(s.path(), ["work 1 0-10", "idle - 10-20", "work 2 20-30", "queue 4 30-50", "work 4 50-90"]);
    let graph = s.graph(1);
    let senders = graph.spans.iter().filter(|span| span.span_id != id(4));
    assert!(
        senders.clone().count() == 3 && senders.clone().all(|span| span.linked_from.iter().any(|l| l.span_id == id(4)))
    );
}

/// Whoever asks over a queue waits for the reply.
#[test]
fn a_reply_is_waited_for() {
    let mut s = Story::default();
    s.span((1, 0), 1, "flow.step", (0, 100));
    s.span((2, 1), 1, "messaging.publish", (5, 10));
    s.span((3, 2), 2, "messaging.process", (30, 60));
    s.span((4, 3), 2, "messaging.publish", (55, 58));
    s.span((5, 4), 1, "messaging.process", (80, 90));
    let end = |n| Endpoint::Span { trace_id: trace(), span_id: id(n) };
    s.put(1, 1, Body::Edge(Edge::new("replied.to", end(5), end(2))));
    let expected = [
        "work 1 0-5",
        "work 2 5-10",
        "queue 3 10-30",
        "work 3 30-55",
        "work 4 55-58",
        "queue 5 58-80",
        "work 5 80-90",
        "work 1 90-100",
    ];
    assert_eq!(s.path(), expected);
}

/// A tree of steps that run one after the other, in one program: id, parent, from, to.
fn tree(cuts: &[(u8, u8)]) -> Vec<(u64, u64, u64, u64)> {
    let mut all = vec![(1u64, 0u64, 0u64, 1 << 20)];
    // Each takes a part of the free end of one that is there.
    let mut free = vec![(0u64, 1u64 << 20)];
    for (n, (which, part)) in cuts.iter().enumerate() {
        let parent = *which as usize % all.len();
        let (from, to) = free[parent];
        let middle = from + (to - from) * u64::from(*part) / 256;
        let id = n as u64 + 2;
        all.push((id, parent as u64 + 1, from, middle));
        free[parent].0 = middle;
        free.push((from, middle));
    }
    all
}

proptest! {
    /// In one program, one step after the other: the self times sum up to the duration, and the path is all of it.
    #[test]
    fn self_times_sum_up(cuts in proptest::collection::vec(any::<(u8, u8)>(), 0..40)) {
        let mut s = Story::default();
        let steps = tree(&cuts);
        for &(n, parent, from, to) in &steps {
            let mut span = SpanData::new(id(n), "step", T0 + from);
            span.parent_span_id = SpanId::new(parent);
            s.put(1, 1, Body::Span(span.with_end(Some(End::new(T0 + to, Status::Ok)))));
        }
        let graph = s.graph(1);
        let times = SpanTimes::of(&graph);
        prop_assert_eq!(times.iter().map(|t| t.self_time.unwrap()).sum::<u64>(), 1 << 20);
        let path = CriticalPath::of(&graph);
        check(&path)?;
        prop_assert_eq!(path.total(StretchKind::Work), 1 << 20);
        // Each span is on the path for as long as it worked itself.
        for (span, times) in graph.spans.iter().zip(&times) {
            let on_path = path.stretches.iter().filter(|s| s.span_id == Some(span.span_id)).map(|s| s.duration()).sum();
            prop_assert_eq!(times.self_time, Some(on_path));
        }
    }

    /// Any records, in any order: the path covers the time once, and no time is negative or longer than its span.
    #[test]
    fn any_records_have_a_path(
        records in proptest::collection::vec(record(), 0..40),
        seed in any::<u64>(),
    ) {
        let runs: BTreeSet<RunId> = records.iter().filter_map(|r| r.run_id).collect();
        let graphs = |records: &[Record<'static>]| -> Vec<Graph> {
            let own = |run: &RunId| records.iter().filter(|r| r.run_id == Some(*run)).cloned().collect::<Vec<_>>();
            runs.iter().map(|run| Graph::build(*run, &own(run))).collect()
        };
        let all = graphs(&records);
        for graph in &all {
            let path = CriticalPath::with_children(graph, &all);
            check(&path)?;
            check(&CriticalPath::of(graph))?;
            for (times, span) in SpanTimes::of(graph).iter().zip(&graph.spans) {
                let took = span.ended_at.map(|end| end.saturating_sub(span.started_at));
                prop_assert!(times.self_time.is_none_or(|own| Some(own + times.suspended) <= took));
                prop_assert!(times.queued.is_none_or(|queued| queued <= span.started_at));
            }
            prop_assert!(graph.to_json().is_object());
        }
        // The order in which equal ids meet decides which of two contradictory records is shown, so only sound records count.
        if all.iter().any(|g| g.diagnostics.iter().any(|d| d.code == "conflict")) {
            return Ok(());
        }
        let mut shuffled = records.clone();
        let len = shuffled.len();
        (0..len).for_each(|i| shuffled.swap(i, (seed.rotate_left(i as u32) % len as u64) as usize));
        for (graph, again) in all.iter().zip(&graphs(&shuffled)) {
            prop_assert_eq!(CriticalPath::of(graph), CriticalPath::of(again));
            prop_assert_eq!(SpanTimes::of(graph), SpanTimes::of(again));
        }
    }
}

/// The stack and the time that a path takes do not depend on the shape of the run.
#[test]
fn large_runs_take_linear_time_and_no_stack() {
    const MANY: u64 = 50_000;
    for shape in ["chain", "siblings", "orphans", "queues"] {
        let mut s = Story::default();
        for n in 1..=MANY {
            match shape {
                "chain" => s.span((n, n - 1), 1, "flow.step", (n, 2 * MANY - n)),
                "siblings" if n == 1 => s.span((n, 0), 1, "flow.step", (0, 2 * MANY)),
                "siblings" => s.span((n, 1), 1, "flow.step", (n, n + 1)),
                "orphans" => s.span((n, n + MANY), 1, "flow.step", (n, n + 1)),
                _ if n % 2 == 1 => s.span((n, n - 1), 1, "messaging.publish", (n, n + 1)),
                _ => s.span((n, n - 1), n, "messaging.process", (n, n + 1)),
            }
        }
        let path = CriticalPath::of(&s.graph(1));
        check(&path).unwrap();
        assert!(path.stretches.len() > 10, "{shape}");
    }
}

/// To find the parents of connected runs, each run is looked at once, however many there are.
#[test]
fn parents_of_many_runs_take_linear_steps() {
    const MANY: u128 = 2_000;
    let child = |n: u128| {
        let mut graph = Graph::new(crate::Run::new(run(n), "child", crate::RunStatus::Ok, T0));
        graph.run.parent_run_id = (n > 1).then(|| run(n - 1));
        graph
    };
    let all: Vec<Graph> = (1..=MANY).map(child).collect();
    let (graphs, firsts): (Vec<&Graph>, Vec<u32>) = (all.iter().collect(), (0..=MANY as u32).collect());
    let causes = super::causes::Causes::new(&graphs, &firsts);
    let mut list = Vec::new();
    (0..graphs.len()).for_each(|graph| causes.add(graph, &mut list));
    assert!(list[1..].iter().zip(0..).all(|(node, above)| node.cause == above));
    assert!(causes.runs.steps.get() <= 2 * MANY as usize, "{} steps", causes.runs.steps.get());
}
