//! Messages that leave with a database transaction: what is recorded of them, and under what they are sent.
#![cfg(feature = "record")]

mod support;

use spanbridge::{Kind, RunContext, observe, outbox, semconv};
use std::panic::catch_unwind;
use support::*;

/// After the commit, the message is sent under the span that enqueued it.
#[test]
fn sent_under_the_span_that_enqueued_it() {
    let mut column = String::new();
    let service = record(|| {
        observe::run("order").in_scope(|| {
            observe::span("place order").in_scope(|| {
                let enqueued = outbox::enqueue("orders");
                enqueued.attribute(semconv::MESSAGING_MESSAGE_ID, "m1");
                column = enqueued.context().to_string();
                enqueued.commit();
            })
        })
    });
    let relay = record(|| {
        observe::run("relay").in_scope(|| {
            let context: RunContext = column.parse().unwrap();
            observe::in_scope(&context.into(), || observe::span("publish orders").in_scope(|| ()));
        })
    });
    let (service, sent) = (spans(&service), spans(&relay));
    let enqueue = by_name(&service, "enqueue orders");
    assert_eq!((enqueue.primitive.as_str(), enqueue.kind), ("handoff.prepare", Kind::Producer));
    let said = |key: &str| enqueue.attributes.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str());
    assert_eq!((said(semconv::HANDOFF_STATUS), said(semconv::MESSAGING_MESSAGE_ID)), (Some("committed"), Some("m1")));
    let publish = by_name(&sent, "publish orders");
    assert_eq!((publish.parent, publish.trace, publish.run), (Some(enqueue.id), enqueue.trace, enqueue.run));
    assert_eq!(lifecycle(&relay), ["start relay", "end ok"], "a column has no power over the run");
}

#[test]
fn what_became_of_it_is_told() {
    let records = record(|| {
        observe::span("work").in_scope(|| {
            drop(outbox::enqueue("dropped"));
            let _ = catch_unwind(|| {
                let _enqueued = outbox::enqueue("panicked");
                panic!("on purpose")
            });
            outbox::enqueue("lost").unknown("the connection was lost while committing");
        })
    });
    let expected = "\n\
        work [ok]\n\
        \x20 enqueue dropped [cancelled] messaging.operation.name=enqueue messaging.operation.type=create \
        messaging.destination.name=dropped spanbridge.handoff.status=rolled_back\n\
        \x20 enqueue panicked [cancelled] messaging.operation.name=enqueue messaging.operation.type=create \
        messaging.destination.name=panicked spanbridge.handoff.status=rolled_back\n\
        \x20 enqueue lost [error] \"the connection was lost while committing\" messaging.operation.name=enqueue \
        messaging.operation.type=create messaging.destination.name=lost spanbridge.handoff.status=unknown error.type=_OTHER";
    assert_eq!(tree(&records), expected);
}

/// The column then carries the current context.
#[test]
fn a_column_without_a_recorder() {
    let (_, saved) = {
        let mut saved = None;
        let records = record(|| saved = Some(observe::span("s").in_scope_value(observe::current_context)));
        (records, saved.unwrap())
    };
    let column = observe::in_scope(&saved, || {
        let enqueued = outbox::enqueue("orders");
        let column = enqueued.context();
        enqueued.commit();
        column
    });
    assert_eq!(column.trace_id(), saved.trace_id());
    let enqueued = outbox::enqueue("orders");
    assert_eq!(enqueued.context().to_string(), r#"{"version":1}"#);
}
