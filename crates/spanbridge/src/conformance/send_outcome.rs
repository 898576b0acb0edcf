//! Chapters about what becomes of a message.

use super::answers::Answers;
use super::stage::{Stage, number, numbered, parent, values};
use super::{BoxError, ChapterResult, Transport};
use crate::adapter::{Recorded, Reply};
use crate::{ContextExt, Memory, Primitive, Recorder, Status, semconv};

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

/// In a replay, a send asks the stand-in before its message leaves. What that refuses fails, what it has a record of succeeds, and
/// neither arrives.
///
/// # Panics
/// When that does not hold.
pub async fn a_send_asks_the_stand_in(transport: &impl Transport) -> ChapterResult {
    let answers = Answers::new(|call| match call.body() {
        Some(body) if body == numbered(1).payload => Reply::refused("a replay refused the call"),
        _ => Recorded::new().with_attribute(semconv::HANDOFF_STATUS, "confirmed").into(),
    });
    let recorder = Recorder::builder("replay").sink(Memory::new()).stand_in(answers.clone()).build();
    let replay = recorder.expect("a recorder");
    let refused = replay.scope(|| transport.send(numbered(1))).await;
    let recorded = replay.scope(|| transport.send(numbered(2))).await;
    let stage = Stage::new();
    stage.sender(|| transport.send(numbered(3))).await.expect("send");
    let arrived = transport.receive_raw().await.expect("receive");

    let told = stage.recorded().await;
    told.same("what is refused fails", refused.is_err(), true);
    told.same("what was recorded succeeds", recorded.map_err(|error| error.to_string()), Ok(()));
    let asked: Vec<_> = answers.asked().iter().map(|asked| (asked.operation.name(), asked.body.clone())).collect();
    let each = |n| (Primitive::MESSAGING_PUBLISH.name(), Some(numbered(n).payload));
    told.same("what was asked about", asked, vec![each(1), each(2)]);
    told.same("the message that arrives first", number(&arrived), 3);
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
