//! The list of runs comes from sums that merge in any order, the graph from the records themselves. Whatever was lost, and
//! however it was spread over deliveries, they must say the same.

mod common;

use common::*;
use proptest::collection::vec;
use proptest::prelude::*;
use spanbridge::Status;
use spanbridge::record::*;
use spanbridge_store::graph::{Graph, SpanStatus};
use spanbridge_store::{RunFilter, Store, StoreSink};

/// A span, what became of its records, and in which deliveries they came.
#[derive(Clone, Debug)]
struct Planned {
    /// 0 for none, 999 for one that is not there.
    parent: u64,
    from: u64,
    took: u64,
    status: Status,
    shape: Shape,
    deliveries: (usize, usize),
}

#[derive(Clone, Copy, Debug)]
enum Shape {
    Whole,
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
        4 => Just(Shape::Apart),
        1 => Just(Shape::StartLost),
        1 => Just(Shape::EndLost),
        1 => Just(Shape::OnlyEvent),
    ];
    (parent, 0..9u64, 0..9u64, status, shape, (0..4usize, 0..4usize)).prop_map(
        |(parent, from, took, status, shape, deliveries)| Planned { parent, from, took, status, shape, deliveries },
    )
}

/// What the owner says, if there is one: a start, a suspension, its end, an end; each lost or not.
fn lifecycle() -> impl Strategy<Value = Vec<(Body<'static>, usize)>> {
    let bodies = vec![
        run_start("owned", 3, None),
        Body::RunSuspend { suspension_id: "a".into(), suspended_at: T0 + 4 * MS, reason: None },
        Body::RunResume { suspension_id: "a".into(), resumed_at: T0 + 5 * MS },
        Body::RunEnd { ended_at: T0 + 6 * MS, status: Status::Error, error: None },
        Body::RunEnd { ended_at: T0 + 6 * MS, status: Status::Ok, error: None },
    ];
    let each = prop::sample::subsequence(bodies, 0..=3);
    prop_oneof![Just(Vec::new()), each].prop_flat_map(|bodies| {
        let count = bodies.len();
        vec(0..4usize, count).prop_map(move |deliveries| bodies.clone().into_iter().zip(deliveries).collect())
    })
}

proptest! {
    // Each case makes a file.
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn list_and_graph(spans in vec(planned(), 0..12), lifecycle in lifecycle()) {
        let mut r = Recording::of(run(1), 1, "s");
        let mut deliveries: [Vec<Record<'static>>; 4] = Default::default();
        for (n, span) in spans.iter().enumerate() {
            let id = n as u64 + 1;
            let start = start(id, span.parent, ["x", "y", "z"][n % 3], span.from);
            let end = end(span.from + span.took, span.status);
            let (first, second) = span.deliveries;
            let apart = Body::SpanEnd { span_id: span_id(id), end: end.clone(), attributes: Attributes::new() };
            match span.shape {
                Shape::Whole => deliveries[first].push(r.record(Body::Span(start, end))),
                Shape::Apart => {
                    deliveries[first].push(r.record(Body::SpanStart(start)));
                    deliveries[second].push(r.record(apart));
                }
                Shape::StartLost => deliveries[second].push(r.record(apart)),
                Shape::EndLost => deliveries[first].push(r.record(Body::SpanStart(start))),
                Shape::OnlyEvent => deliveries[first].push(r.record(Body::Event {
                    span_id: span_id(id),
                    event_id: format!("e{id}").into(),
                    name: "retry".into(),
                    timestamp: T0 + span.from * MS,
                    attributes: Attributes::new(),
                })),
            }
        }
        for (body, delivery) in lifecycle {
            deliveries[delivery].push(r.record(body));
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
        let rows = store.runs(&RunFilter::default(), 9).unwrap();
        prop_assert_eq!(rows.len(), 1);
        let (row, run) = (&rows[0], &graph.run);
        prop_assert_eq!(
            (&row.name, row.status, row.started_at, row.ended_at),
            (&run.name, run.status, run.started_at, run.ended_at)
        );
        let failed = |s: &&spanbridge_store::graph::Span| matches!(s.status, SpanStatus::Error | SpanStatus::Panicked);
        prop_assert_eq!(row.errors, graph.spans.iter().filter(failed).count() as u64);
        for filter in [Some(run.status), None] {
            prop_assert_eq!(&store.runs(&RunFilter { status: filter, ..Default::default() }, 9).unwrap(), &rows);
        }
        // And the order in which the records come does not count either.
        let mut records: Vec<Record<'_>> = deliveries.concat();
        records.reverse();
        let reversed = Graph::build(run.run_id, &records);
        prop_assert_eq!(reversed.to_json()["spans"].clone(), graph.to_json()["spans"].clone());
    }
}
