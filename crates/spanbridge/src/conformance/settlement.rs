//! Chapters about what the consumer tells the broker, and about batches.

use super::stage::{Stage, numbered};
use super::{BoxError, ChapterResult, TestMessage, Transport};
use crate::{Primitive, SpanId, Status, observe, semconv};
use std::collections::BTreeSet;

/// What the broker was told is a span under the message's process span.
///
/// # Panics
/// When that does not hold.
pub async fn a_settlement_is_recorded(transport: &impl Transport) -> ChapterResult {
    if !transport.abilities().settlement {
        return ChapterResult::NotApplicable("record settlements");
    }
    let stage = Stage::new();
    stage.sender(|| transport.send(numbered(1))).await.expect("send");
    stage.receiver(|| transport.receive(|_| async { Ok(()) })).await.expect("receive");

    let told = stage.recorded().await;
    let (process, settle) = (told.one(Primitive::MESSAGING_PROCESS), told.all(Primitive::MESSAGING_SETTLE));
    told.check(!settle.is_empty(), "the settlement is not recorded");
    for settle in settle {
        told.under(settle, process);
        told.same("how it went", settle.status, Some(Status::Ok));
    }
    ChapterResult::Passed
}

/// The span of a batch is linked to every sender and hangs under none; each message has its process span all the same.
///
/// # Panics
/// When that does not hold.
pub async fn a_batch_is_linked_to_every_sender(transport: &impl Transport) -> ChapterResult {
    if !transport.abilities().batches {
        return ChapterResult::NotApplicable("work on batches");
    }
    let stage = Stage::new();
    for n in 0..5 {
        stage.sender(|| transport.send(numbered(n))).await.expect("send");
    }
    let work = |messages: Vec<TestMessage>| async move {
        observe::span("insert all").in_scope(|| ());
        if messages.len() == 5 { Ok(()) } else { Err(BoxError::from("not all of them")) }
    };
    stage.receiver(|| transport.receive_batch(5, work)).await.expect("receive");

    let told = stage.recorded().await;
    let (sends, jobs) = (told.all(Primitive::MESSAGING_PUBLISH), told.all(Primitive::MESSAGING_PROCESS));
    let Some(batch) = jobs.iter().find(|s| s.get(semconv::MESSAGING_BATCH_COUNT) == "5") else {
        told.fail("there is no span of the batch")
    };
    told.same("the parent of the batch", batch.parent, None);
    told.same("how the batch went", batch.status, Some(Status::Ok));
    let links: BTreeSet<Option<SpanId>> = batch.links.iter().map(|(_, span)| Some(*span)).collect();
    told.same("what the batch links to", links, sends.iter().map(|s| s.id).collect());
    told.under(told.named("insert all"), batch);
    for send in sends {
        let Some(job) = jobs.iter().find(|j| j.parent == send.id) else { told.fail("a message has no process span") };
        told.under(job, send);
        let to_batch = batch.trace.zip(batch.id).is_some_and(|batch| job.links.contains(&batch));
        told.check(to_batch, "a process span does not link to the batch");
    }
    told.same("process spans", jobs.len(), 6);
    ChapterResult::Passed
}
