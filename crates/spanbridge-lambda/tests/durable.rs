//! A durable execution is one run with one span per operation, however often its handler runs.

use spanbridge::record::Record;
use spanbridge::{Context, Memory, Recorder, observe};
use spanbridge_graph::Graph;
use spanbridge_lambda::Durable;
use std::collections::BTreeSet;
use std::time::Duration;

const ARN: &str = "arn:aws:lambda:eu-west-1:123456789012:function:orders:1/durable-execution/order-42/b7a1";

/// The handler of an order: it reserves, waits, and charges at the second attempt. `done` has the checkpoints.
fn handler(done: &mut BTreeSet<&'static str>) {
    let durable = Durable::new(ARN);
    observe::in_scope(durable.context(), || {
        observe::span("invocation").in_scope(|| {
            if done.insert("reserve") {
                durable.span("reserve", "1", 1).in_scope(|| {
                    durable.span("write", "1-1", 1).in_scope(|| ());
                })
            }
            if done.insert("wait") {
                return;
            }
            if done.insert("charge") {
                durable.span("charge", "2", 1).in_scope(|| Err::<(), _>("no answer")).unwrap_err();
                durable.span("charge", "2", 2).in_scope(|| ());
            }
            // Later work may still hang under a replayed operation.
            observe::in_scope(&durable.replayed("1", 1), || observe::span("look at it").in_scope(|| ()));
        })
    })
}

fn recorded_by_a_process(work: impl FnOnce()) -> Vec<Record<'static>> {
    let memory = Memory::new();
    let recorder = Recorder::builder("orders").sink(memory.clone()).on_flush_only().build().unwrap();
    recorder.in_scope(work);
    assert!(recorder.flush_blocking(Duration::from_secs(60)).complete);
    memory.take()
}

fn drawn(graph: &Graph) -> String {
    let spans =
        graph.spans.iter().map(|span| format!("{}{} {:?}\n", " ".repeat(2 * span.depth), span.name, span.status));
    let diagnostics = graph.diagnostics.iter().map(|d| format!("{}: {}\n", d.code, d.message));
    spans.chain(diagnostics).collect()
}

#[test]
fn a_replay_records_nothing_twice() {
    let mut done = BTreeSet::new();
    let records: Vec<_> = (0..3).flat_map(|_| recorded_by_a_process(|| handler(&mut done))).collect();
    let run = Durable::new(ARN).context().run_id().unwrap();
    assert_eq!(
        drawn(&Graph::build(run, &records)),
        "\
invocation Ok
  reserve Ok
    write Ok
    look at it Ok
    look at it Ok
invocation Ok
  charge Error
  charge Ok
invocation Ok
"
    );
}

#[test]
fn a_repeated_operation_is_a_conflict() {
    let once = || recorded_by_a_process(|| handler(&mut BTreeSet::new())); // the checkpoints were lost
    let records: Vec<_> = [once(), once()].concat();
    let graph = Graph::build(Durable::new(ARN).context().run_id().unwrap(), &records);
    assert_eq!(graph.spans.iter().filter(|span| span.name == "reserve").count(), 1);
    assert!(graph.diagnostics.iter().any(|d| d.code == "conflict"), "{:?}", graph.diagnostics);
}

#[test]
fn without_a_recorder_the_context_is_carried() {
    let durable = Durable::new(ARN);
    observe::in_scope(durable.context(), || {
        assert_eq!(observe::current_context(), *durable.context());
        durable.span("reserve", "1", 1).in_scope(|| ());
    });
    assert_ne!(durable.replayed("1", 1), Context::EMPTY);
}
