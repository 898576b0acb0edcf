//! The list of runs comes from totals that merge in any order, the graph from records. Whatever was lost, and however records
//! were spread over deliveries, they must say the same.

mod common;

use common::*;
use proptest::collection::vec;
use proptest::prelude::*;
use spanbridge::record::*;
use spanbridge::{Status, semconv};
use spanbridge_graph::{Graph, RunStatus, SpanStatus, Unsettled};
use spanbridge_query::keeping::FoldBudget;
use spanbridge_query::{RunFilter, Store};
use spanbridge_store::StoreSink;

/// A span, which of its records were lost, and in which deliveries they came.
#[derive(Clone, Debug)]
struct Planned {
    /// 0: none. 999: one that is not recorded.
    parent: u64,
    from: u64,
    took: u64,
    status: Status,
    shape: Shape,
    role: Role,
    deliveries: (usize, usize),
}

/// What a span does with a message, if it is about one.
#[derive(Clone, Copy, Debug)]
enum Role {
    Other,
    /// The work on a message, with what is to be done about it.
    Work(Option<&'static str>, i64),
    /// A settlement: which, and whether it covers earlier messages.
    Settle(&'static str, bool, i64),
}

impl Role {
    fn apply(self, span: &mut SpanData<'static>) {
        let said: Vec<_> = match self {
            Role::Other => return,
            Role::Work(expected, tag) => {
                span.primitive = "messaging.process".into();
                let expected = expected.map(|what| (semconv::SETTLE_EXPECTED, text(what)));
                expected.into_iter().chain([(semconv::RABBITMQ_DELIVERY_TAG, AttributeValue::I64(tag))]).collect()
            }
            Role::Settle(operation, is_multiple, tag) => {
                span.primitive = "messaging.settle".into();
                vec![
                    (semconv::MESSAGING_OPERATION_NAME, text(operation)),
                    (semconv::SETTLE_MULTIPLE, AttributeValue::Bool(is_multiple)),
                    (semconv::SETTLE_REQUEUE, AttributeValue::Bool(tag == 0)),
                    (semconv::RABBITMQ_DELIVERY_TAG, AttributeValue::I64(tag)),
                ]
            }
        };
        span.attributes = attributes(&[vec![(semconv::MESSAGING_SYSTEM, text("rabbitmq"))], said].concat());
    }
}

fn role() -> impl Strategy<Value = Role> {
    let expected = prop_oneof![3 => Just(Some("ack")), 1 => Just(Some("store_offset")), 1 => Just(Some("commit")), 1 => Just(None)];
    let operation = prop_oneof![4 => Just("ack"), 1 => Just("nack"), 1 => Just("commit")];
    prop_oneof![
        2 => Just(Role::Other),
        3 => (expected, 0..4i64).prop_map(|(expected, tag)| Role::Work(expected, tag)),
        3 => (operation, proptest::bool::weighted(0.1), 0..4i64)
            .prop_map(|(operation, is_multiple, tag)| Role::Settle(operation, is_multiple, tag)),
    ]
}

#[derive(Clone, Copy, Debug)]
enum Shape {
    Whole,
    /// The clock went back while it ran.
    Backwards,
    Apart,
    StartLost,
    EndLost,
    OnlyEvent,
}

fn planned() -> impl Strategy<Value = Planned> {
    let parent = prop_oneof![1 => Just(0), 4 => 1..12u64, 1 => Just(999)];
    let status = prop_oneof![8 => Just(Status::Ok), 1 => Just(Status::Error), 1 => Just(Status::Panicked), 1 => Just(Status::Cancelled)];
    let shape = prop_oneof![
        4 => Just(Shape::Whole),
        1 => Just(Shape::Backwards),
        4 => Just(Shape::Apart),
        1 => Just(Shape::StartLost),
        1 => Just(Shape::EndLost),
        1 => Just(Shape::OnlyEvent),
    ];
    (parent, 0..9u64, 0..9u64, status, shape, role(), (0..4usize, 0..4usize)).prop_map(
        |(parent, from, took, status, shape, role, deliveries)| Planned {
            parent,
            from,
            took,
            status,
            shape,
            role,
            deliveries,
        },
    )
}

/// Records about the run, with their segment and delivery: by one owner, by several conflicting ones, or by none. Any record
/// may be lost, any clock may be wrong.
#[derive(Clone, Debug)]
struct Said {
    body: Body<'static>,
    segment: usize,
    delivery: usize,
}

fn lifecycle() -> impl Strategy<Value = Vec<Said>> {
    let at = || (0..9u64, prop_oneof![3 => Just(MS), 1 => Just(400 * MS)]).prop_map(|(n, unit)| T0 + n * unit);
    let id = || prop_oneof![Just("a"), Just("b")];
    let ended = |status| move |ended_at| Body::RunEnd(RunEnd::new(ended_at, status));
    let started = |started_at| match run_start("owned", 0, None) {
        Body::RunStart(RunStart { name, root_primitive, parent_run_id, triggered_by_span_id, attributes, .. }) => {
            Body::RunStart(
                RunStart::new(name, started_at)
                    .with_root_primitive(root_primitive)
                    .with_parent_run_id(parent_run_id)
                    .with_triggered_by_span_id(triggered_by_span_id)
                    .with_attributes(attributes),
            )
        }
        other => other,
    };
    let body = prop_oneof![
        2 => at().prop_map(started),
        2 => (id(), at()).prop_map(|(id, at)| Body::RunSuspend(RunSuspend::new(id, at))),
        3 => (id(), at()).prop_map(|(id, resumed_at)| Body::RunResume(RunResume::new(id, resumed_at))),
        2 => at().prop_map(ended(Status::Ok)),
        1 => at().prop_map(ended(Status::Error)),
        2 => (id(), 0..9i64).prop_map(|(key, value)| {
            Body::RunAttributes(RunAttributes::new(attributes(&[(key, AttributeValue::I64(value))])))
        }),
    ];
    let said = (body, 0..3usize, 0..4usize).prop_map(|(body, segment, delivery)| Said { body, segment, delivery });
    let several = vec(said, 0..7).prop_map(|mut all| {
        // The id of a suspension is never used twice.
        let mut taken = std::collections::BTreeSet::new();
        all.retain(|said| match &said.body {
            Body::RunSuspend(RunSuspend { suspension_id, .. }) => taken.insert(suspension_id.to_string()),
            _ => true,
        });
        all
    });
    prop_oneof![1 => Just(Vec::new()), 4 => several]
}

/// How segments begin, if that record is not lost.
fn openings() -> impl Strategy<Value = [Option<(Body<'static>, usize)>; 3]> {
    let via = prop_oneof![
        2 => Just((Via::Start, None)),
        1 => Just((Via::Receive, None)),
        1 => Just((Via::Resume, None)),
        2 => Just((Via::Resume, Some("a"))),
    ];
    let resumption = || proptest::option::of(prop_oneof![Just("x"), Just("y")]);
    let host = proptest::option::of(prop_oneof![Just("h1"), Just("h2")]);
    let opening = || {
        let parts = (via.clone(), host.clone(), 0..9u64, 0..4usize, (resumption(), resumption()));
        let opening = parts.prop_map(|((via, suspension), host, at, delivery, resumptions)| {
            let resource = host.map(|h| ("host.name".into(), AttributeValue::Str(h.into()))).into_iter().collect();
            let [suspension_id, resumption_id, previous_resumption_id] =
                [suspension, resumptions.0, resumptions.1].map(|id| id.map(Into::into));
            let started_at = T0 + at * MS;
            (
                Body::Segment(
                    Segment::new(started_at, resource, via)
                        .with_suspension_id(suspension_id)
                        .with_resumption_id(resumption_id)
                        .with_previous_resumption_id(previous_resumption_id),
                ),
                delivery,
            )
        });
        proptest::option::weighted(0.8, opening)
    };
    [opening(), opening(), opening()]
}

/// A clock that goes back while a span runs must not make the run begin at the end of the span.
#[test]
fn a_span_may_end_before_it_began() {
    let (_dir, path) = place();
    let mut sink = StoreSink::open(&path).unwrap();
    let span = |id, from, to| Body::Span(start(id, 0, "work", from).with_end(Some(end(to, Status::Ok))));
    let mut recording = Recording::of(run(1), 1, "s");
    deliver(&mut sink, 1, 1, &[recording.record(span(1, 5, 2))]);
    let store = Store::open(&path).unwrap();
    for is_folded in [false, true] {
        if is_folded {
            store.fold(FoldBudget::everything(), |_| true).unwrap();
        }
        let row = &store.runs(&RunFilter::default(), 9).unwrap()[0];
        assert_eq!((row.started_at, row.ended_at), (T0 + 5 * MS, Some(T0 + 2 * MS)), "folded: {is_folded}");
        let run = store.graph(run(1)).unwrap().unwrap().run;
        assert_eq!((row.started_at, row.ended_at), (run.started_at, run.ended_at), "folded: {is_folded}");
    }
}

proptest! {
    // Each case creates a file.
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn the_list_says_the_same_as_the_graph(spans in vec(planned(), 0..12), lifecycle in lifecycle(), openings in openings()) {
        let mut segments = [1, 2, 3].map(|segment| Recording::of(run(1), segment, "s"));
        let mut deliveries: [Vec<Record<'static>>; 4] = Default::default();
        for (r, opening) in segments.iter_mut().zip(openings) {
            if let Some((body, delivery)) = opening {
                deliveries[delivery].push(r.record(body));
            }
        }
        for (n, span) in spans.iter().enumerate() {
            let r = &mut segments[n % 3];
            let id = n as u64 + 1;
            let (from, to) = match span.shape {
                Shape::Backwards => (span.from + span.took, span.from),
                _ => (span.from, span.from + span.took),
            };
            let mut start = start(id, span.parent, ["x", "y", "z"][n % 3], from);
            span.role.apply(&mut start);
            let end = end(to, span.status);
            let (first, second) = span.deliveries;
            let apart = Body::SpanEnd(SpanEnd::new(span_id(id), end.clone()));
            match span.shape {
                Shape::Whole | Shape::Backwards => deliveries[first].push(r.record(Body::Span(start.with_end(Some(end))))),
                Shape::Apart => {
                    deliveries[first].push(r.record(Body::Span(start)));
                    deliveries[second].push(r.record(apart));
                }
                Shape::StartLost => deliveries[second].push(r.record(apart)),
                Shape::EndLost => deliveries[first].push(r.record(Body::Span(start))),
                Shape::OnlyEvent => deliveries[first].push(r.record(Body::Event(Event::new(
                    span_id(id),
                    format!("e{id}"),
                    "retry",
                    T0 + span.from * MS,
                )))),
            }
        }
        for said in lifecycle {
            deliveries[said.delivery].push(segments[said.segment].record(said.body));
        }

        let (_dir, path) = place();
        let mut sink = StoreSink::open(&path).unwrap();
        for (number, records) in (1..).zip(&deliveries) {
            deliver(&mut sink, 1, number, records);
        }
        let store = Store::open(&path).unwrap();
        let Some(graph) = store.graph(run(1)).unwrap() else {
            prop_assert!(deliveries.iter().all(Vec::is_empty));
            return Ok(());
        };
        let run = &graph.run;
        // All times are long past, and this is the only run that could settle messages of others.
        let unsettled = Unsettled::of(&graph);
        let never_settled = unsettled.count(u64::MAX, |receiver| unsettled.settle_others.contains(&receiver));
        prop_assert_eq!(run.failed_work.never_settled, never_settled);
        for is_folded in [false, true] {
            if is_folded {
                store.fold(FoldBudget::everything(), |_| true).unwrap();
            }
            let rows = store.runs(&RunFilter::default(), 9).unwrap();
            prop_assert_eq!(rows.len(), 1);
            let row = &rows[0];
            // Among names of spans that began at the same time, an index has an order of its own.
            prop_assert!(is_folded || row.name == run.name);
            prop_assert_eq!(
                (row.status, row.started_at, row.ended_at, row.failed_work),
                (run.status, run.started_at, run.ended_at, run.failed_work)
            );
            let failed = |s: &&spanbridge_graph::Span| matches!(s.status, SpanStatus::Error | SpanStatus::Panicked);
            prop_assert_eq!(row.errors, graph.spans.iter().filter(failed).count() as u64);
            // A run with failed work is shown among the errors.
            let has_failed_work = run.status == RunStatus::Ok && run.failed_work.total() > 0;
            let filter = RunFilter::default().status(if has_failed_work { RunStatus::Error } else { run.status });
            prop_assert_eq!(&store.runs(&filter, 9).unwrap(), &rows);
        }
        // The order of the records makes no difference either.
        let mut records: Vec<Record<'_>> = deliveries.concat();
        records.reverse();
        let reversed = Graph::build(run.run_id, &records);
        prop_assert_eq!(reversed.to_json(), Graph::build(run.run_id, &deliveries.concat()).to_json());
    }
}
