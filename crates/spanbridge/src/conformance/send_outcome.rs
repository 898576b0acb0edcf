//! Chapters about what becomes of a message.

use super::stage::{Stage, numbered, parent, values};
use super::{BoxError, ChapterResult, Transport};
use crate::{ContextExt, Primitive, Status, semconv};

/// The publish span says what became of the message.
///
/// # Panics
/// When that does not hold.
pub async fn a_send_says_what_became_of_it(transport: &impl Transport) -> ChapterResult {
    let stage = Stage::new();
    stage.sender(|| transport.send(numbered(1))).await.expect("send");
    transport.receive_raw().await.expect("receive");

    let told = stage.recorded().await;
    let publish = told.one(Primitive::MESSAGING_PUBLISH);
    let expected = if transport.abilities().confirms { "confirmed" } else { "sent" };
    told.same("what became of it", (publish.handoff(), publish.status), (expected, Some(Status::Ok)));
    ChapterResult::Passed
}

/// A message whose headers leave no room for all of the context goes through without the rest of it, and a diagnostic says
/// so.
///
/// # Panics
/// When that does not hold.
pub async fn what_has_no_room_is_left_out(transport: &impl Transport) -> ChapterResult {
    let abilities = transport.abilities();
    let Some(limit) = abilities.header_limit.filter(|_| abilities.own_headers) else {
        return ChapterResult::NotApplicable("run out of room for headers");
    };
    let stage = Stage::new();
    let baggage = (0..60).map(|n| format!("k{n}={}", "v".repeat(100))).collect::<Vec<_>>().join(",");
    let from = stage.peer(&[("traceparent", &parent("01")), ("baggage", &baggage)]);
    let room = limit.saturating_sub(baggage.len() / 2);
    let message = numbered(1).header("x-large", "x".repeat(room));
    stage.sender(|| transport.send(message.clone()).in_context(from)).await.expect("send");
    let arrived = transport.receive_raw().await.expect("receive");

    let told = stage.recorded().await;
    told.same("the header of the application", arrived.values("x-large"), message.values("x-large"));
    told.same("traceparent", values(&arrived, "traceparent").len(), 1);
    told.same("baggage", values(&arrived, "baggage").len(), 0);
    let codes: Vec<_> = told.one(Primitive::MESSAGING_PUBLISH).diagnostics.iter().map(|(code, _)| &**code).collect();
    told.same("the diagnostics", codes, vec!["injection.dropped"]);
    ChapterResult::Passed
}

/// A message whose work failed comes again: a new process span under the same sender, which says which attempt it is
/// where the transport counts, and says nothing where it does not.
///
/// # Panics
/// When that does not hold.
pub async fn a_failed_message_is_tried_again(transport: &impl Transport) -> ChapterResult {
    let abilities = transport.abilities();
    if !abilities.redelivery {
        return ChapterResult::NotApplicable("deliver a message again");
    }
    let stage = Stage::new();
    stage.sender(|| transport.send(numbered(1))).await.expect("send");
    let fails = |_| async { Err(BoxError::from("no paper")) };
    stage.receiver(|| transport.receive(fails)).await.expect("receive");
    stage.receiver(|| transport.receive(|_| async { Ok(()) })).await.expect("receive again");

    let told = stage.recorded().await;
    let (publish, jobs) = (told.one(Primitive::MESSAGING_PUBLISH), told.all(Primitive::MESSAGING_PROCESS));
    told.same("process spans", jobs.len(), 2);
    for job in &jobs {
        told.under(job, publish);
    }
    told.same("the first", (jobs[0].status, &*jobs[0].error), (Some(Status::Error), "no paper"));
    told.same("the second", (jobs[1].status, &*jobs[1].error), (Some(Status::Ok), ""));
    let counted = if abilities.redelivery_count { "2" } else { "" };
    told.same("the attempt", jobs[1].get(semconv::DELIVERY_ATTEMPT), counted);
    ChapterResult::Passed
}
