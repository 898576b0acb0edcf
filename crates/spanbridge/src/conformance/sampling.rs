//! Chapters about contexts that travel without being recorded, and runs that are not their trace's own.

use super::stage::{Stage, TRACE, numbered, ours, parent, values};
use super::{ChapterResult, Transport};
use crate::{Context, ContextExt, Primitive, Sampler, observe};

/// A context that is not sampled travels, with its flags 00, and nothing is recorded on either side.
///
/// # Panics
/// When that does not hold.
pub async fn unsampled_contexts_travel(transport: &impl Transport) -> ChapterResult {
    let stage = Stage::sampled(Sampler::parent_based(1.0));
    let headers = [("traceparent", &*parent("00")), ("baggage", "tier=gold")];
    for _ in 0..2 {
        let from = stage.peer(&headers);
        stage.sender(|| transport.send(numbered(1)).in_context(from)).await.expect("send");
    }
    let arrived = transport.receive_raw().await.expect("receive");
    let inside = stage.pack(transport).await;

    let told = stage.recorded().await;
    let Some((_, inside)) = inside else { told.fail("the work did not run") };
    let travelled = values(&arrived, "traceparent");
    let exact = travelled.len() == 1 && travelled[0].starts_with(&parent("")[..36]) && travelled[0].ends_with("-00");
    told.check(exact, format_args!("traceparent: {travelled:?}"));
    told.same("the trace inside", inside.trace_id().map(|t| t.to_string()), Some(TRACE.into()));
    told.same("the baggage inside", inside.baggage().as_str(), "tier=gold");
    told.check(!inside.is_sampled() && !inside.is_recorded(), "the context became sampled on the way");
    told.same("spans", told.spans.len(), 0);
    ChapterResult::Passed
}

/// What was sampled out upstream is recorded where that is wanted, and goes on as sampled out.
///
/// # Panics
/// When that does not hold.
pub async fn what_was_sampled_out_stays_so(transport: &impl Transport) -> ChapterResult {
    let stage = Stage::new();
    let from = stage.peer(&[("traceparent", &parent("00"))]);
    stage.sender(|| transport.send(numbered(1)).in_context(from)).await.expect("send");
    stage.receiver(|| transport.receive(|message| transport.send(message))).await.expect("receive");
    let arrived = transport.receive_raw().await.expect("receive");

    let told = stage.recorded().await;
    let sends = told.all(Primitive::MESSAGING_PUBLISH);
    told.same("publish spans", sends.len(), 2);
    told.under(sends[1], told.one(Primitive::MESSAGING_PROCESS));
    told.same("traceparent", values(&arrived, "traceparent"), ours(TRACE, sends[1].id, "00"));
    ChapterResult::Passed
}

/// Baggage comes and goes without a trace, and beside one that is unusable; with a recorder and without one.
///
/// # Panics
/// When that does not hold.
pub async fn baggage_needs_no_trace(transport: &impl Transport) -> ChapterResult {
    let stage = Stage::new();
    for (n, junk) in [None, Some("00-1-2-3")].into_iter().enumerate() {
        let message = numbered(n).header("baggage", "tier=gold");
        let message = if let Some(junk) = junk { message.header("traceparent", junk) } else { message };
        transport.send_raw(message.clone()).await.expect("send");
        transport.send_raw(message).await.expect("send");
    }
    let relay = || transport.receive(|_| transport.send(numbered(9)));
    let (mut recorded, mut silent) = (vec![], vec![]);
    for _ in 0..2 {
        stage.receiver(relay).await.expect("receive");
        observe::with_context(Context::EMPTY, relay).await.expect("receive");
    }
    for _ in 0..2 {
        recorded.push(transport.receive_raw().await.expect("receive"));
        silent.push(transport.receive_raw().await.expect("receive"));
    }

    let told = stage.recorded().await;
    let (jobs, sends) = (told.all(Primitive::MESSAGING_PROCESS), told.all(Primitive::MESSAGING_PUBLISH));
    told.same("process spans", jobs.len(), 2);
    for (n, message) in recorded.iter().enumerate() {
        told.same("the parent", jobs[n].parent, None);
        told.under(sends[n], jobs[n]);
        let trace = sends[n].trace.map(|t| t.to_string()).unwrap_or_default();
        told.same("traceparent", values(message, "traceparent"), ours(&trace, sends[n].id, "01"));
    }
    for message in recorded.iter().chain(&silent) {
        told.same("baggage", values(message, "baggage"), vec!["tier=gold".to_owned()]);
    }
    for message in &silent {
        told.same("without a recorder", message.headers.len(), 1);
    }
    ChapterResult::Passed
}

/// A run that is not its trace's own travels in our member of `tracestate`, leftmost.
///
/// # Panics
/// When that does not hold.
pub async fn a_child_run_travels(transport: &impl Transport) -> ChapterResult {
    let stage = Stage::new();
    let from = stage.peer(&[("traceparent", &parent("01")), ("tracestate", "vendor=x,other=y")]);
    let run = observe::in_scope(&from, || observe::run("reprice").open());
    let id = run.id().map(|id| id.to_string()).unwrap_or_default();
    for _ in 0..2 {
        stage.sender(|| run.with_context(|| transport.send(numbered(1)))).await.expect("send");
    }
    run.end();
    let arrived = transport.receive_raw().await.expect("receive");
    stage.receiver(|| transport.receive(|_| async { Ok(()) })).await.expect("receive");

    let told = stage.recorded().await;
    told.same("tracestate", values(&arrived, "tracestate"), vec![format!("sb=r:{id},vendor=x,other=y")]);
    let job = told.one(Primitive::MESSAGING_PROCESS);
    told.same("the run", job.run.map(|r| r.to_string()), Some(id));
    told.same("the trace", job.trace.map(|t| t.to_string()), Some(TRACE.into()));
    ChapterResult::Passed
}

/// With no recorder and no current context nothing is written; a context that is current travels on as it is.
///
/// # Panics
/// When that does not hold.
pub async fn without_a_recorder_nothing_is_written(transport: &impl Transport) -> ChapterResult {
    let stage = Stage::new();
    observe::with_context(Context::EMPTY, || transport.send(numbered(1))).await.expect("send");
    let silent = transport.receive_raw().await.expect("receive");
    let headers = [("traceparent".to_owned(), parent("01"))].into_iter().collect::<std::collections::HashMap<_, _>>();
    let from = observe::in_scope(&Context::EMPTY, || crate::carrier::extract(&headers).context);
    transport.send(numbered(2)).in_context(from).await.expect("send");
    let passed = transport.receive_raw().await.expect("receive");

    let told = stage.recorded().await;
    told.same("headers", silent.headers.len(), 0);
    told.same("traceparent", values(&passed, "traceparent"), vec![parent("01")]);
    ChapterResult::Passed
}
