//! How far senders are believed, what baggage is taken, how much room a context is given, and what is recorded of payloads
//! and headers: through a real broker.

use lapin::options::*;
use lapin::types::AMQPValue;
use lapin::{BasicProperties, Confirmation};
use spanbridge::record::{Body, Diagnostic, Record};
use spanbridge::{Recorder, observe, w3c::Baggage};
use spanbridge_amqp::{CaptureMode, CapturePolicy, ChannelExt, ConsumerExt, ReceiveOptions, Relation, Trust};
use spanbridge_graph::{Checkup, Graph, LinkDirection};
use spanbridge_query::{RunFilter, Store};
use spanbridge_store::StoreSink;
use spanbridge_tests::{amqp, headers, recorder, spans, text, within};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const SENDER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const ACK: BasicAckOptions = BasicAckOptions { multiple: false };

#[tokio::test]
async fn as_far_as_the_sender_is_trusted() {
    let Some(amqp) = amqp("trust").await else { return };
    let (shipping, memory) = recorder("shipping");
    let sender = || headers([("traceparent", text(SENDER)), ("baggage", text("tenant=acme,card=4111"))]);
    let work = async {
        let baggage = || observe::current_context().baggage().as_str().to_owned();
        let mut seen = vec![];
        for trust in [Trust::Full, Trust::IdsOnly, Trust::Ignore] {
            amqp.send(sender(), b"{}").await;
            let mut jobs =
                amqp.consume().await.observed().with(ReceiveOptions::new().trust(trust).allow_baggage(["tenant"]));
            let job = within("a message", jobs.next()).await.unwrap().unwrap();
            seen.push(job.run_value(async || baggage()).await);
            assert!(job.ack(ACK).await.unwrap());
            let tag = jobs.consumer().tag();
            amqp.channel.basic_cancel(tag, BasicCancelOptions::default()).await.unwrap();
        }
        // One at a time, without a consumer.
        amqp.send(sender(), b"{}").await;
        let got = amqp.channel.observed().basic_get(amqp.queue.clone(), BasicGetOptions { no_ack: true }).await;
        let receiving = ReceiveOptions::new().trust(Trust::Ignore).relation(Relation::NewRun);
        let job = got.unwrap().expect("a message").job.with(receiving);
        seen.push(job.run_value(async || baggage()).await);
        assert_eq!(seen, ["tenant=acme", "", "", ""]);
    };
    shipping.scope(|| work).await;
    shipping.flush_blocking(Duration::from_secs(60));
    let spans = spans(&memory.records());
    let mut told = vec![];
    for span in spans.iter().filter(|s| s.name.starts_with("process")) {
        let continued = span.trace.unwrap().to_string() == SENDER[3..35];
        let linked = span.links.iter().any(|(trace, span)| {
            (trace.to_string().as_str(), span.to_string().as_str()) == (&SENDER[3..35], &SENDER[36..52])
        });
        let codes: Vec<_> = span.diagnostics.iter().map(|(code, _)| code.as_str()).collect();
        told.push(format!("continued {continued}, linked {linked}: {}", codes.join(" ")))
    }
    assert_eq!(
        told,
        [
            "continued true, linked false: baggage.filtered",
            "continued true, linked false: baggage.filtered",
            "continued false, linked true: context.ignored",
            "continued false, linked true: context.ignored",
        ]
    );
}

/// Who trusts nobody begins a run of its own. From either side the other one is found, and nobody misses the message.
#[tokio::test]
async fn untrusted_work_is_found_both_ways() {
    let Some(amqp) = amqp("trust-links").await else { return };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("records.db");
    let recorder = |service| Recorder::builder(service).sink(StoreSink::open(&path).unwrap()).build().unwrap();
    let (shop, shipping) = (recorder("shop"), recorder("shipping"));
    let send = || async {
        let (queue, options) = (amqp.queue.clone(), BasicPublishOptions::default());
        let channel = amqp.channel.observed();
        let sent = channel.basic_publish("".into(), queue, options, b"{}", BasicProperties::default()).await.unwrap();
        sent.await.unwrap();
    };
    for relation in [Relation::Parent, Relation::NewRun] {
        shop.scope(send).await;
        let work = async {
            let mut jobs =
                amqp.consume().await.observed().with(ReceiveOptions::new().trust(Trust::Ignore).relation(relation));
            let job = within("a message", jobs.next()).await.unwrap().unwrap();
            job.run(async || {}).await;
            assert!(job.ack(ACK).await.unwrap());
            amqp.channel.basic_cancel(jobs.consumer().tag(), BasicCancelOptions::default()).await.unwrap();
        };
        shipping.scope(|| work).await;
    }
    for recorder in [&shop, &shipping] {
        assert!(recorder.flush_blocking(Duration::from_secs(60)).complete);
    }

    let store = Store::open(&path).unwrap();
    let graphs = store.runs(&RunFilter::default(), 9).unwrap();
    let graphs: Vec<_> = graphs.iter().map(|row| store.graph(row.run_id).unwrap().unwrap()).collect();
    let of = |service| graphs.iter().filter(move |g| g.spans.iter().all(|s| s.service == service));
    assert_eq!((of("shop").count(), of("shipping").count()), (2, 2));
    let first = |graph: &Graph, primitive: &str| graph.spans.iter().find(|s| s.primitive == primitive).unwrap().clone();
    for sender in of("shop") {
        let publish = first(sender, "messaging.publish");
        let [work] = &sender.linked_runs[..] else { panic!("{:?}", sender.linked_runs) };
        assert_eq!((work.direction, &*work.linked_span_ids), (LinkDirection::From, &[publish.span_id][..]));
        let work = of("shipping").find(|g| g.run.run_id == work.run.run_id).expect("the work");
        let [claimed] = &work.linked_runs[..] else { panic!("{:?}", work.linked_runs) };
        assert_eq!((claimed.direction, claimed.run.run_id), (LinkDirection::To, sender.run.run_id));
        assert_eq!(first(work, "messaging.process").links[0].span_id, publish.span_id);
    }
    let later = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_secs(3600);
    for graph in &graphs {
        assert_eq!(store.gaps(&[graph.run.run_id], Checkup::new(later.as_nanos() as u64)).unwrap(), []);
    }
}

/// 8 KiB of baggage onto a message with room for 200 bytes.
#[tokio::test]
async fn what_has_no_room_is_left_out_and_said() {
    let Some(amqp) = amqp("budget").await else { return };
    let (orders, memory) = recorder("orders");
    let baggage = (0..64).map(|n| format!("k{n:02}={}", "v".repeat(123))).collect::<Vec<_>>().join(",");
    let (baggage, none) = Baggage::parse(baggage.as_bytes());
    assert!(none.is_none() && baggage.as_str().len() > 8100, "{}", baggage.as_str().len());
    let size = baggage.as_str().len();
    let run = orders.scope(async || {
        // A child run: its id has to travel beside the trace's.
        let (outer, properties) = (observe::run("outer").open(), BasicProperties::default());
        let run = outer.in_scope(|| observe::run("inner").open());
        let context = run.context().with_baggage(baggage);
        let queue = amqp.queue.clone();
        let channel = amqp.channel.observed().budget(200);
        let sent = channel.basic_publish("".into(), queue, BasicPublishOptions::default(), b"{}", properties);
        let sent = observe::with_context(context, || sent).await.unwrap();
        assert_eq!(sent.await.unwrap(), Confirmation::Ack(None), "it is sent");
        let id = run.id().unwrap();
        run.end();
        outer.end();
        id
    });
    let run = run.await;
    orders.flush_blocking(Duration::from_secs(60));
    let spans = spans(&memory.records());
    let publish = spans.iter().find(|s| s.name.starts_with("publish")).unwrap();
    assert_eq!(
        publish.diagnostics,
        [("injection.dropped".to_owned(), format!("no room for the baggage ({size} bytes)"))]
    );
    assert_eq!(publish.handoff(), "confirmed");
    let wire = amqp.take().await.properties.headers().clone().unwrap();
    let names: Vec<_> = wire.inner().keys().map(|k| k.as_str()).collect();
    assert_eq!(names, ["traceparent", "tracestate"]);
    let value = |name: &str| match &wire.inner()[name] {
        AMQPValue::LongString(s) => s.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(value("tracestate"), format!("sb=r:{run}"), "the run is intact");
    assert_eq!(value("traceparent")[36..52], publish.id.unwrap().to_string(), "and so is the parent");
    let bytes: usize = names.iter().map(|n| 6 + n.len() + value(n).len()).sum();
    assert!(bytes <= 200, "{bytes}");
}

/// All properties travel in one frame, and one that is too large ends the connection: nobody has to say how large it is.
#[tokio::test]
async fn small_frames_do_not_end_the_connection() {
    let Some(amqp) = amqp("frames").await else { return };
    let (orders, memory) = recorder("orders");
    let baggage = format!("k={}", "v".repeat(8000));
    let mut carried = vec![];
    for frames in ["?frame_max=4096", ""] {
        let connection =
            lapin::Connection::connect(&format!("{}{frames}", amqp.url), Default::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        let send = async {
            let context = observe::span("s").open();
            let context = context.context().with_baggage(Baggage::parse(baggage.as_bytes()).0);
            let (queue, options) = (amqp.queue.clone(), BasicPublishOptions::default());
            let sent = channel.observed().basic_publish("".into(), queue, options, b"{}", BasicProperties::default());
            let sent = observe::with_context(context, || sent).await.unwrap();
            assert_eq!(sent.await.unwrap(), Confirmation::Ack(None));
        };
        orders.scope(|| send).await;
        let wire = amqp.take().await.properties.headers().clone().unwrap();
        carried.push(wire.inner().keys().map(|k| k.to_string()).collect::<Vec<_>>().join(" "));
    }
    assert_eq!(carried, ["traceparent", "baggage traceparent"], "what fits");
    orders.flush_blocking(Duration::from_secs(60));
    let told = spans(&memory.records()).into_iter().flat_map(|s| s.diagnostics).map(|(code, _)| code);
    assert_eq!(told.collect::<Vec<_>>(), ["injection.dropped"]);
}

fn artifacts(records: &[Record<'_>]) -> Vec<String> {
    let shown = records.iter().filter_map(|r| match &r.body {
        Body::Artifact(a) => {
            let hash = a.hash.as_ref().map_or("", |h| h.split(':').next().unwrap_or_default());
            Some(format!(
                "{} {} {} {hash} {}",
                a.kind,
                a.content_type,
                a.size_bytes,
                a.preview.as_deref().unwrap_or("-")
            ))
        }
        Body::Diagnostic(Diagnostic { code, .. }) => Some(code.to_string()),
        _ => None,
    });
    shown.collect()
}

/// Only where it was asked for.
#[tokio::test]
async fn payloads_and_headers_are_captured() {
    let Some(amqp) = amqp("capture").await else { return };
    let (orders, memory) = recorder("orders");
    let body = br#"{"card":"visa","items":3}"#;
    let redact = || {
        CapturePolicy::from(CaptureMode::Inline { max: 99 }).headers(CaptureMode::Inline { max: 99 }).redact(|part| {
            match part.header() {
                Some("authorization") => part.replace("***"),
                Some(_) => {}
                None => part.replace(String::from_utf8_lossy(part.bytes()).replace("visa", "****")),
            }
            Ok::<_, std::fmt::Error>(())
        })
    };
    let work = async {
        let send = redact();
        let properties = BasicProperties::default()
            .with_content_type("application/json".into())
            .with_headers(headers([("authorization", text("Bearer 123")), ("x-tries", AMQPValue::LongInt(3))]));
        let channel = amqp.channel.observed().capture(&send);
        let fails =
            redact().redact(|part| if part.header().is_none() { Err("no") } else { Ok(()) }).headers(CaptureMode::Off);
        let captures = [redact(), CapturePolicy::default().hashed(), fails, CaptureMode::Off.into()];
        for capture in captures {
            let (queue, options) = (amqp.queue.clone(), BasicPublishOptions::default());
            let sent = channel.basic_publish("".into(), queue, options, body, properties.clone()).await.unwrap();
            sent.await.unwrap();
            let mut jobs = amqp.consume().await.observed().with(ReceiveOptions::new().capture(capture));
            let job = within("a message", jobs.next()).await.unwrap().unwrap();
            job.run(async || {}).await;
            assert!(job.ack(ACK).await.unwrap());
            amqp.channel.basic_cancel(jobs.consumer().tag(), BasicCancelOptions::default()).await.unwrap();
        }
    };
    orders.scope(|| work).await;
    orders.flush_blocking(Duration::from_secs(60));
    let records = memory.records();
    let card = r#"25  {"card":"****","items":3}"#;
    let shown = artifacts(&records);
    let (sent, received): (Vec<_>, Vec<_>) = shown.iter().partition(|s| s.starts_with("output"));
    assert_eq!(sent.len(), 8);
    assert_eq!(*sent[0], format!("output application/json {card}"));
    let headers = r#"{"authorization":"***","x-tries":"LongInt(3)"}"#;
    assert_eq!(*sent[1], format!("output.headers application/json {}  {headers}", headers.len()));
    assert_eq!(
        received,
        [
            &format!("input application/json {card}"),
            &format!("input.headers application/json {}  {headers}", headers.len()),
            "input application/json 25 xxh3 -",
            "redaction.failed", // of the routing key
            "redaction.failed",
        ]
    );
    let sizes: Vec<_> = spans(&records)
        .into_iter()
        .filter(|s| s.name.starts_with("process"))
        .map(|s| s.get("messaging.message.body.size").to_owned())
        .collect();
    assert_eq!(sizes, ["25", "25", "25", ""], "off: not even the size");
    assert!(!format!("{records:?}").contains("visa"), "what the hook took out is nowhere");
}
