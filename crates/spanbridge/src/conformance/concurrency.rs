//! Chapters about many messages at once.

use super::stage::{Recorded, Stage, all, lose, number, numbered, rest};
use super::{BoxError, ChapterResult, Seen, Transport};
use crate::{Primitive, Status, observe};
use std::sync::Mutex;

const MANY: usize = 64;

/// Sixty-four messages at once, with spans inside spans that rest, race and are given up: every one has exactly its
/// parent.
///
/// # Panics
/// When that does not hold.
pub async fn many_at_once_keep_their_parents(transport: &impl Transport) -> ChapterResult {
    let stage = Stage::new();
    let place =
        |n: usize| async move { observe::span("order").attribute("n", n).run(|| transport.send(numbered(n))).await };
    let sent = stage.sender(|| all((0..MANY).map(place))).await;
    sent.into_iter().collect::<Result<Vec<_>, _>>().expect("send");
    let receive = (0..MANY).map(|_| transport.receive(|message| work(number(&message))));
    let received = stage.receiver(|| all(receive)).await;
    received.into_iter().collect::<Result<Vec<_>, _>>().expect("receive");

    let told = stage.recorded().await;
    told.same("process spans", told.all(Primitive::MESSAGING_PROCESS).len(), MANY);
    for n in 0..MANY {
        let order = find(&told, "order", n);
        let above = |span: &Seen| told.spans.iter().find(|s| s.id.is_some() && s.id == span.parent);
        let outer = find(&told, "outer", n);
        let Some(process) = above(outer) else { told.fail(format_args!("the work on {n} has no parent")) };
        told.same("what the work hangs under", &*process.primitive, Primitive::MESSAGING_PROCESS.name());
        let Some(publish) = above(process) else { told.fail(format_args!("message {n} has no sender")) };
        told.under(outer, process);
        told.under(process, publish);
        told.under(publish, order);
        for (name, status) in [("winner", Status::Ok), ("loser", Status::Cancelled), ("inner", Status::Ok)] {
            let span = find(&told, name, n);
            told.under(span, outer);
            told.same(name, span.status, Some(status));
        }
    }
    ChapterResult::Passed
}

#[track_caller]
fn find<'a>(told: &'a Recorded, name: &str, n: usize) -> &'a Seen {
    let n = n.to_string();
    let found = told.spans.iter().find(|s| s.name == name && s.get("n") == n);
    found.unwrap_or_else(|| told.fail(format_args!("there is no span \"{name}\" of message {n}")))
}

async fn work(n: usize) -> Result<(), BoxError> {
    let steps = async || {
        rest(n % 3).await;
        let loser = observe::span("loser").attribute("n", n).run(|| rest(usize::MAX));
        let winner = observe::span("winner").attribute("n", n).run(|| rest(2));
        lose(loser, winner).await;
        observe::span("inner").attribute("n", n).in_scope(|| ());
        rest(1).await
    };
    observe::span("outer").attribute("n", n).run(steps).await;
    Ok(())
}

/// Messages arrive in the order in which they were sent.
///
/// # Panics
/// When that does not hold.
pub async fn messages_keep_their_order(transport: &impl Transport) -> ChapterResult {
    if !transport.abilities().ordering {
        return ChapterResult::NotApplicable("keep messages in order");
    }
    let stage = Stage::new();
    let arrived = Mutex::new(vec![]);
    for n in 0..16 {
        stage.sender(|| transport.send(numbered(n))).await.expect("send");
    }
    for _ in 0..16 {
        let work = |message| {
            arrived.lock().expect("a lock").push(number(&message));
            std::future::ready(Ok(()))
        };
        stage.receiver(|| transport.receive(work)).await.expect("receive");
    }
    let told = stage.recorded().await;
    told.same("the order", arrived.into_inner().expect("a lock"), (0..16).collect());
    ChapterResult::Passed
}
