//! Chapters about the context that is carried.

use super::stage::{SPAN, Stage, TRACE, numbered, ours, parent, values};
use super::{ChapterResult, TestMessage, Transport};
use crate::{ContextExt, Primitive, Status, observe};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

/// The process span hangs under the span that sent the message: same trace, same run, with the sender's baggage and the
/// `tracestate` of others.
///
/// # Panics
/// When that does not hold.
pub async fn a_job_hangs_under_the_span_that_sent_it(transport: &impl Transport) -> ChapterResult {
    let stage = Stage::new();
    let from =
        stage.peer(&[("traceparent", &parent("01")), ("tracestate", "vendor=x,other=y"), ("baggage", "tier=gold;p=1")]);
    let place = async { observe::span("place order").run(|| transport.send(numbered(42))).await };
    stage.sender(|| place.in_context(from)).await.expect("send");
    let inside = stage.pack(transport).await;

    let told = stage.recorded().await;
    let Some((payload, context)) = inside else { told.fail("the work did not run") };
    let (publish, process) = (told.one(Primitive::MESSAGING_PUBLISH), told.one(Primitive::MESSAGING_PROCESS));
    let order = told.named("place order");
    told.same("the sender's parent", order.parent.map(|p| p.to_string()), Some(SPAN.into()));
    told.under(publish, order);
    told.under(process, publish);
    told.under(told.named("pack"), process);
    told.same("the trace", process.trace.map(|t| t.to_string()), Some(TRACE.into()));
    told.check(told.spans.iter().all(|s| s.status == Some(Status::Ok)), "every span has ended well");
    told.same("the context of the work", context.span_id(), process.id);
    told.same("the baggage", context.baggage().as_str(), "tier=gold;p=1");
    told.same("the tracestate of others", context.trace_state().as_str(), "vendor=x,other=y");
    told.same("the payload", payload, numbered(42).payload);
    ChapterResult::Passed
}

/// What is on the wire: the three standard headers, once each, and nothing else that the application did not write.
///
/// # Panics
/// When that does not hold.
pub async fn the_headers_are_exact(transport: &impl Transport) -> ChapterResult {
    let stage = Stage::new();
    let own = transport.abilities().own_headers;
    let message = if own { numbered(1).header("x-own", "1") } else { numbered(1) };
    let from = [("traceparent", &*parent("01")), ("tracestate", "vendor=x,other=y"), ("baggage", "tier=gold;p=1")];
    stage.sender(|| transport.send(message.clone()).in_context(stage.peer(&from))).await.expect("send");
    let full = transport.receive_raw().await.expect("receive");
    // A trace that begins here has neither state nor baggage, and writes neither. Its flags are
    // those that every peer knows: some drop a header that also says that the id is random.
    stage.sender(|| transport.send(message.clone())).await.expect("send");
    let fresh = transport.receive_raw().await.expect("receive");

    let told = stage.recorded().await;
    let sends = told.all(Primitive::MESSAGING_PUBLISH);
    told.same("publish spans", sends.len(), 2);
    told.same("traceparent", values(&full, "traceparent"), ours(TRACE, sends[0].id, "01"));
    told.same("tracestate", values(&full, "tracestate"), vec!["vendor=x,other=y".to_owned()]);
    told.same("baggage", values(&full, "baggage"), vec!["tier=gold;p=1".to_owned()]);
    let trace = sends[1].trace.map(|t| t.to_string()).unwrap_or_default();
    told.same("traceparent of a fresh trace", values(&fresh, "traceparent"), ours(&trace, sends[1].id, "01"));
    for (message, count) in [(&full, 3), (&fresh, 1)] {
        told.same("the number of headers", message.headers.len(), count + usize::from(own));
        told.same("the header of the application", values(message, "x-own"), vec!["1".to_owned(); own.into()]);
        told.same("the payload", &message.payload, &numbered(1).payload);
    }
    ChapterResult::Passed
}

/// The first poll of the work sees the sender's context, and so does every later one; outside of the work's polls it is
/// not there.
///
/// # Panics
/// When that does not hold.
pub async fn the_context_is_there_for_the_work(transport: &impl Transport) -> ChapterResult {
    let stage = Stage::new();
    stage.sender(|| transport.send(numbered(1))).await.expect("send");
    let mut polls = vec![];
    let consume = async {
        let outside = observe::current_context();
        let polls = &mut polls;
        let receiving = transport.receive(|_: TestMessage| {
            poll_fn(move |cx| {
                polls.push(observe::current_context());
                if polls.len() == 3 {
                    return Poll::Ready(Ok(()));
                }
                cx.waker().wake_by_ref();
                Poll::Pending
            })
        });
        let mut receiving = pin!(receiving);
        let mut gone = true;
        let received = poll_fn(|cx| {
            let polled = receiving.as_mut().poll(cx);
            gone &= observe::current_context() == outside;
            polled
        });
        received.await.expect("receive");
        gone
    };
    let gone = stage.receiver(|| consume).await;

    let told = stage.recorded().await;
    let (publish, process) = (told.one(Primitive::MESSAGING_PUBLISH), told.one(Primitive::MESSAGING_PROCESS));
    told.under(process, publish);
    told.same("polls of the work", polls.len(), 3);
    for (poll, context) in polls.iter().enumerate() {
        let found = (context.trace_id(), context.span_id());
        told.same(&format!("the context in poll {poll}"), found, (publish.trace, process.id));
    }
    told.check(gone, "the context of the work is current outside of it");
    ChapterResult::Passed
}

/// A message without a context begins a run of its own, and does not hang under what is current in the receiver.
///
/// # Panics
/// When that does not hold.
pub async fn a_message_without_a_context_begins_a_run(transport: &impl Transport) -> ChapterResult {
    let stage = Stage::new();
    for n in 0..2 {
        transport.send_raw(numbered(n)).await.expect("send");
    }
    let consume = async || {
        for _ in 0..2 {
            let work = |_| async {
                observe::span("pack").in_scope(|| ());
                Ok(())
            };
            transport.receive(work).await.expect("receive");
        }
    };
    stage.receiver(|| observe::span("consumer loop").run(consume)).await;

    let told = stage.recorded().await;
    let (around, jobs) = (told.named("consumer loop"), told.all(Primitive::MESSAGING_PROCESS));
    told.same("process spans", jobs.len(), 2);
    for job in &jobs {
        told.same("the parent of a message without a context", job.parent, None);
        told.check(job.run.is_some() && job.run != around.run, "a run of its own, not the receiver's");
        told.check(job.trace.is_some() && job.trace != around.trace, "a trace of its own, not the receiver's");
        let steps = told.spans.iter().filter(|s| s.name == "pack" && s.parent == job.id);
        told.same("what the work did is under it", steps.count(), 1);
    }
    told.check(jobs[0].run != jobs[1].run, "two messages share a run");
    ChapterResult::Passed
}
