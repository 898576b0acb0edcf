//! Chapters about outgoing messages that carry a context already.

use super::stage::{Stage, TRACE, number, numbered, ours, parent, values};
use super::transport::{Abilities, RawHeader};
use super::{ChapterResult, TestMessage, Transport};
use crate::{ContextExt, Primitive, w3c};

/// What an earlier hop of the same trace wrote is replaced, and so is what is no context: nobody can mean that.
///
/// # Panics
/// When that does not hold.
pub async fn stale_headers_are_replaced(transport: &impl Transport) -> ChapterResult {
    let stage = Stage::new();
    let stale =
        numbered(1).header("traceparent", parent("01")).header("tracestate", "of=yore").header("baggage", "of=yore");
    let send = transport.send(stale);
    let from = stage.peer(&[("traceparent", &parent("01")), ("baggage", "tier=gold")]);
    stage.sender(|| send.in_context(from)).await.expect("send");
    let arrived = transport.receive_raw().await.expect("receive");
    let malformed = numbered(2).header("traceparent", "00-1-2-1");
    stage.sender(|| transport.send(malformed)).await.expect("send");
    let repaired = transport.receive_raw().await.expect("receive");

    let told = stage.recorded().await;
    let sends = told.all(Primitive::MESSAGING_PUBLISH);
    told.same("publish spans", sends.len(), 2);
    told.same("traceparent", values(&arrived, "traceparent"), ours(TRACE, sends[0].id, "01"));
    told.same("tracestate", values(&arrived, "tracestate"), vec![]);
    told.same("baggage", values(&arrived, "baggage"), vec!["tier=gold".to_owned()]);
    told.check(sends[0].links.is_empty(), "nothing to link to: it is the same trace");
    let trace = sends[1].trace.map(|t| t.to_string()).unwrap_or_default();
    told.same("in place of a malformed one", values(&repaired, "traceparent"), ours(&trace, sends[1].id, "01"));
    ChapterResult::Passed
}

/// Headers of an application, as odd as the transport allows.
fn odd(abilities: &Abilities) -> Vec<RawHeader> {
    let header = |name: &[u8], value: &[u8]| (name.to_vec(), Some(value.to_vec()));
    let mut all = vec![];
    if abilities.own_headers {
        all.extend([header(b"x-own", b"1"), header(b"x-empty", b""), header(b"x-text", "Grüße".as_bytes())]);
        all.extend(abilities.binary_values.then(|| header(b"x-bytes", b"\0\xff")));
        all.extend(abilities.null_values.then(|| (b"x-null".to_vec(), None)));
        all.extend(abilities.binary_names.then(|| header(b"k\xff", b"2")));
        all.extend(abilities.duplicate_headers.then(|| header(b"x-own", b"3")));
    }
    all
}

/// The headers that are the application's. Whether they keep their order is up to the transport; those of one name do.
fn theirs(headers: &[RawHeader]) -> Vec<RawHeader> {
    let ours = |name: &[u8]| w3c::HEADERS.iter().any(|o| o.as_bytes() == name);
    let mut theirs: Vec<_> = headers.iter().filter(|(name, _)| !ours(name)).cloned().collect();
    theirs.sort_by(|a, b| a.0.cmp(&b.0));
    theirs
}

/// A message that is received and sent on, again and again, makes one chain and gathers no headers; those of the
/// application stay as they are, byte for byte.
///
/// # Panics
/// When that does not hold.
pub async fn forwarding_does_not_stack(transport: &impl Transport) -> ChapterResult {
    let stage = Stage::new();
    let own = odd(&transport.abilities());
    let from = stage.peer(&[("traceparent", &parent("01")), ("tracestate", "vendor=x"), ("baggage", "tier=gold")]);
    let first = TestMessage { headers: own.clone(), ..numbered(0) };
    stage.sender(|| transport.send(first).in_context(from)).await.expect("send");
    for _ in 0..4 {
        let relay = |message: TestMessage| {
            let payload = numbered(number(&message) + 1).payload;
            transport.send(TestMessage { payload, ..message })
        };
        stage.receiver(|| transport.receive(relay)).await.expect("receive");
    }
    let arrived = transport.receive_raw().await.expect("receive");

    let told = stage.recorded().await;
    told.same("the hops", number(&arrived), 4);
    told.same("the headers of the application", theirs(&arrived.headers), theirs(&own));
    told.same("the number of headers", arrived.headers.len(), 3 + own.len());
    told.same("tracestate", values(&arrived, "tracestate"), vec!["vendor=x".to_owned()]);
    told.same("baggage", values(&arrived, "baggage"), vec!["tier=gold".to_owned()]);
    let (sends, jobs) = (told.all(Primitive::MESSAGING_PUBLISH), told.all(Primitive::MESSAGING_PROCESS));
    told.same("sends and jobs", (sends.len(), jobs.len()), (5, 4));
    for hop in 0..4 {
        told.under(jobs[hop], sends[hop]);
        told.under(sends[hop + 1], jobs[hop]);
    }
    told.same("traceparent", values(&arrived, "traceparent"), ours(TRACE, sends[4].id, "01"));
    ChapterResult::Passed
}

/// Headers that somebody has written in other case (`Traceparent`) are taken, with a diagnostic that says it; a message
/// that is sent on with them has ours in their place, and only ours.
///
/// # Panics
/// When that does not hold.
pub async fn names_in_other_case_are_replaced(transport: &impl Transport) -> ChapterResult {
    if !transport.abilities().own_headers {
        return ChapterResult::NotApplicable("hold a header of another name than ours");
    }
    let stage = Stage::new();
    let own = [("Traceparent", &*parent("01")), ("BAGGAGE", "tier=gold"), ("x-Own", "1")];
    let message = own.iter().fold(numbered(0), |message, (name, value)| message.header(*name, *value));
    transport.send_raw(message).await.expect("send");
    let relay = |message: TestMessage| transport.send(TestMessage { payload: numbered(1).payload, ..message });
    stage.receiver(|| transport.receive(relay)).await.expect("receive");
    let arrived = transport.receive_raw().await.expect("receive");

    let told = stage.recorded().await;
    let (job, send) = (told.one(Primitive::MESSAGING_PROCESS), told.one(Primitive::MESSAGING_PUBLISH));
    told.same("the parent", job.parent.map(|p| p.to_string()), Some(super::stage::SPAN.into()));
    told.under(send, job);
    let diagnostics: Vec<_> = job.diagnostics.iter().map(|(_, message)| message.as_str()).collect();
    let expected =
        vec![r#"traceparent: its name is written "Traceparent""#, r#"baggage: its name is written "BAGGAGE""#];
    told.same("what is told", diagnostics, expected);
    told.same("traceparent", values(&arrived, "traceparent"), ours(TRACE, send.id, "01"));
    told.same("baggage", values(&arrived, "baggage"), vec!["tier=gold".to_owned()]);
    told.same("the number of headers", arrived.headers.len(), 3);
    ChapterResult::Passed
}

/// A context of another trace on an outgoing message is meant: it stays as it is, and the publish span links to it.
///
/// # Panics
/// When that does not hold.
pub async fn another_traces_context_is_kept_and_linked(transport: &impl Transport) -> ChapterResult {
    let stage = Stage::new();
    let message = || numbered(1).header("traceparent", parent("01")).header("baggage", "its=own");
    for _ in 0..2 {
        stage.sender(|| transport.send(message())).await.expect("send");
    }
    let arrived = transport.receive_raw().await.expect("receive");
    stage.receiver(|| transport.receive(|_| async { Ok(()) })).await.expect("receive");

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
    ChapterResult::Passed
}
