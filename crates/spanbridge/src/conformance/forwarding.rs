//! Chapters about outgoing messages that carry a context already.

use super::stage::{Stage, TRACE, number, numbered, ours, parent, values};
use super::{Message, Told, Transport};
use crate::{ContextExt, Primitive};

/// What an earlier hop of the same trace wrote is replaced.
///
/// # Panics
/// When that does not hold.
pub async fn stale_headers_are_replaced(transport: &impl Transport) -> Told {
    let stage = Stage::new();
    let stale =
        numbered(1).header("traceparent", parent("01")).header("tracestate", "of=yore").header("baggage", "of=yore");
    let send = transport.send(stale);
    let from = stage.peer(&[("traceparent", &parent("01")), ("baggage", "tier=gold")]);
    stage.sender(send.in_context(from)).await.expect("send");
    let arrived = transport.receive_raw().await.expect("receive");

    let told = stage.recorded().await;
    let publish = told.one(Primitive::MESSAGING_PUBLISH);
    told.same("traceparent", values(&arrived, "traceparent"), ours(TRACE, publish.id, "01"));
    told.same("tracestate", values(&arrived, "tracestate"), vec![]);
    told.same("baggage", values(&arrived, "baggage"), vec!["tier=gold".to_owned()]);
    told.check(publish.links.is_empty(), "nothing to link to: it is the same trace");
    Told::Whole
}

/// A message that is received and sent on, again and again, makes one chain and gathers no headers.
///
/// # Panics
/// When that does not hold.
pub async fn forwarding_does_not_stack(transport: &impl Transport) -> Told {
    let stage = Stage::new();
    let own = transport.abilities().own_headers;
    let from = stage.peer(&[("traceparent", &parent("01")), ("tracestate", "vendor=x"), ("baggage", "tier=gold")]);
    let first = if own { numbered(0).header("x-own", "1") } else { numbered(0) };
    stage.sender(transport.send(first).in_context(from)).await.expect("send");
    for _ in 0..4 {
        let relay = |message: Message| {
            let payload = numbered(number(&message) + 1).payload;
            transport.send(Message { payload, ..message })
        };
        stage.receiver(transport.receive(relay)).await.expect("receive");
    }
    let arrived = transport.receive_raw().await.expect("receive");

    let told = stage.recorded().await;
    told.same("the hops", number(&arrived), 4);
    told.same("the number of headers", arrived.headers.len(), 3 + usize::from(own));
    told.same("the header of the application", values(&arrived, "x-own"), vec!["1".to_owned(); own.into()]);
    told.same("tracestate", values(&arrived, "tracestate"), vec!["vendor=x".to_owned()]);
    told.same("baggage", values(&arrived, "baggage"), vec!["tier=gold".to_owned()]);
    let (sends, jobs) = (told.all(Primitive::MESSAGING_PUBLISH), told.all(Primitive::MESSAGING_PROCESS));
    told.same("sends and jobs", (sends.len(), jobs.len()), (5, 4));
    for hop in 0..4 {
        told.under(jobs[hop], sends[hop]);
        told.under(sends[hop + 1], jobs[hop]);
    }
    told.same("traceparent", values(&arrived, "traceparent"), ours(TRACE, sends[4].id, "01"));
    Told::Whole
}

/// A context of another trace on an outgoing message is meant: it stays as it is, and the publish span links to it.
///
/// # Panics
/// When that does not hold.
pub async fn another_traces_context_is_kept_and_linked(transport: &impl Transport) -> Told {
    let stage = Stage::new();
    let message = || numbered(1).header("traceparent", parent("01")).header("baggage", "its=own");
    for _ in 0..2 {
        stage.sender(transport.send(message())).await.expect("send");
    }
    let arrived = transport.receive_raw().await.expect("receive");
    stage.receiver(transport.receive(|_| async { Ok(()) })).await.expect("receive");

    let told = stage.recorded().await;
    told.same("traceparent", values(&arrived, "traceparent"), vec![parent("01")]);
    told.same("baggage", values(&arrived, "baggage"), vec!["its=own".to_owned()]);
    let sends = told.all(Primitive::MESSAGING_PUBLISH);
    told.same("publish spans", sends.len(), 2);
    for publish in sends {
        told.check(publish.trace.is_some_and(|t| t.to_string() != TRACE), "a publish span in a trace of its own");
        let links: Vec<_> = publish.links.iter().map(|(t, s)| format!("00-{t}-{s}-01")).collect();
        told.same("what the publish span links to", links, vec![parent("01")]);
    }
    let job = told.one(Primitive::MESSAGING_PROCESS);
    let above = job.trace.zip(job.parent).map(|(t, p)| format!("00-{t}-{p}-01"));
    told.same("what the process span hangs under", above, Some(parent("01")));
    Told::Whole
}
