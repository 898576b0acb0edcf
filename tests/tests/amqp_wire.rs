//! What stands in the headers on the wire, read back with lapin alone.

use lapin::BasicProperties;
use lapin::options::*;
use lapin::types::{AMQPValue, DecimalValue, FieldTable};
use spanbridge::carrier::extract;
use spanbridge::{ContextExt, observe, w3c};
use spanbridge_amqp::{ChannelExt, DeliveryExt};
use spanbridge_tests::{Amqp, amqp, headers, recorder, spans, text};
use std::collections::BTreeMap;
use std::time::Duration;

/// Publishes as a user does, and gives the headers that came out at the other end.
async fn through(amqp: &Amqp, table: Option<FieldTable>) -> FieldTable {
    let properties = BasicProperties::default();
    let properties = table.into_iter().fold(properties, BasicProperties::with_headers);
    let (options, queue) = (BasicPublishOptions::default(), amqp.queue.clone());
    let observed = amqp.channel.observed();
    let sent = observed.basic_publish("".into(), queue, options, b"{}", properties).await.unwrap();
    assert!(sent.await.unwrap().is_ack());
    amqp.take().await.properties.headers().clone().unwrap_or_default()
}

fn read(table: &FieldTable, name: &str) -> String {
    match table.inner().get(name) {
        Some(AMQPValue::LongString(s)) => s.to_string(),
        other => panic!("{name} is no long string but {other:?}"),
    }
}

fn names(table: &FieldTable) -> Vec<&str> {
    table.inner().keys().map(|k| k.as_str()).collect()
}

/// A context as a peer would send it.
fn received(pairs: &[(&str, &str)]) -> spanbridge::Context {
    extract(&pairs.iter().copied().collect::<BTreeMap<_, _>>()).context
}

const THEIRS: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[tokio::test]
async fn a_context_travels_as_three_long_strings() {
    let Some(amqp) = amqp("wire-three").await else { return };
    let (orders, memory) = recorder("orders");
    let work = async {
        let from =
            received(&[("traceparent", THEIRS), ("tracestate", "vendor=x,other=y"), ("baggage", "tier=gold;p=1")]);
        // In the run of the trace no header of ours is needed; a child run travels in our member, leftmost.
        let own = through(&amqp, None).in_context(from.clone()).await;
        let child = observe::in_scope(&from, || observe::run("reprice").open());
        let table = through(&amqp, None).in_context(child.context().clone()).await;
        let run = child.id().unwrap();
        child.end();
        (own, table, run)
    };
    let (own, child, run) = orders.scope(work).await;
    orders.flush_blocking(Duration::from_secs(5));
    let spans = spans(&memory.records());
    let trace = &THEIRS[3..35];

    assert_eq!(names(&own), ["baggage", "traceparent", "tracestate"]);
    assert_eq!(read(&own, "traceparent"), format!("00-{trace}-{}-01", spans[0].id.unwrap()));
    assert_eq!(read(&own, "tracestate"), "vendor=x,other=y");
    assert_eq!(read(&own, "baggage"), "tier=gold;p=1");

    assert_eq!(names(&child), ["baggage", "traceparent", "tracestate"]);
    assert_eq!(read(&child, "traceparent"), format!("00-{trace}-{}-01", spans[1].id.unwrap()));
    assert_eq!(read(&child, "tracestate"), format!("sb=r:{run},vendor=x,other=y"));
    assert_eq!((run.to_string().len(), spans[1].run), (32, Some(run)));

    // A trace that begins here has neither state nor baggage, and writes neither.
    let fresh = orders.scope(through(&amqp, None)).await;
    assert_eq!(names(&fresh), ["traceparent"]);
}

#[tokio::test]
async fn headers_of_the_user_stay_as_they_are() {
    let Some(amqp) = amqp("wire-types").await else { return };
    let nested =
        headers([("deep", AMQPValue::FieldTable(headers([("deeper", text("x"))]))), ("void", AMQPValue::Void)]);
    let table = headers([
        ("array", AMQPValue::FieldArray(vec![text("a"), AMQPValue::LongInt(-1), AMQPValue::Void].into())),
        ("bool", AMQPValue::Boolean(true)),
        ("bytes", AMQPValue::ByteArray(vec![0, 255, 128].into())),
        ("decimal", AMQPValue::DecimalValue(DecimalValue { scale: 2, value: 995 })),
        ("double", AMQPValue::Double(0.5)),
        ("float", AMQPValue::Float(-2.25)),
        ("i8", AMQPValue::ShortShortInt(-8)),
        ("i16", AMQPValue::ShortInt(-16)),
        ("i32", AMQPValue::LongInt(-32)),
        ("i64", AMQPValue::LongLongInt(i64::MIN)),
        ("not utf-8", text([b'a', 0xff])),
        ("table", AMQPValue::FieldTable(nested)),
        ("time", AMQPValue::Timestamp(1_700_000_000)),
        ("u8", AMQPValue::ShortShortUInt(8)),
        ("u32", AMQPValue::LongUInt(32)),
        ("void", AMQPValue::Void),
        ("x-own", text("Grüße")),
    ]);
    let (orders, _) = recorder("orders");
    let mut arrived = orders.scope(through(&amqp, Some(table.clone()))).await.inner().clone();
    assert!(arrived.remove("traceparent").is_some());
    assert_eq!(FieldTable::from(arrived), table);
}

#[tokio::test]
async fn with_no_recorder_and_no_context_nothing_is_written() {
    let Some(amqp) = amqp("wire-nothing").await else { return };
    assert_eq!(names(&through(&amqp, None).await), [""; 0]);
    let table = headers([("x-own", text("1"))]);
    assert_eq!(through(&amqp, Some(table.clone())).await, table);
    // Without a recorder a context that is current travels on as it is.
    let from = received(&[("traceparent", THEIRS), ("baggage", "tier=gold")]);
    let table = through(&amqp, None).in_context(from).await;
    assert_eq!((read(&table, "traceparent"), read(&table, "baggage")), (THEIRS.into(), "tier=gold".into()));
}

#[tokio::test]
async fn a_forwarded_message_is_ours_and_another_traces_is_linked_to() {
    let Some(amqp) = amqp("wire-forward").await else { return };
    let (relay, memory) = recorder("relay");
    let trace = &THEIRS[3..35];
    let work = async {
        let from = received(&[("traceparent", THEIRS), ("baggage", "tier=gold")]);
        let stale = [("traceparent", text(THEIRS)), ("tracestate", text("of=yore")), ("baggage", text("of=yore"))];
        let forwarded = through(&amqp, Some(headers(stale))).in_context(from).await;
        let kept = through(&amqp, Some(headers([("traceparent", text(THEIRS)), ("baggage", text("its=own"))]))).await;
        let malformed = through(&amqp, Some(headers([("traceparent", text("00-1-2-1"))]))).await;
        (forwarded, kept, malformed)
    };
    let (forwarded, kept, malformed) = relay.scope(work).await;
    relay.flush_blocking(Duration::from_secs(5));
    let spans = spans(&memory.records());

    assert_eq!(read(&forwarded, "traceparent"), format!("00-{trace}-{}-01", spans[0].id.unwrap()));
    assert_eq!(names(&forwarded), ["baggage", "traceparent"], "what an earlier hop wrote is gone with it");
    assert_eq!((read(&forwarded, "baggage").as_str(), spans[0].links.len()), ("tier=gold", 0));

    assert_eq!((read(&kept, "traceparent").as_str(), read(&kept, "baggage").as_str()), (THEIRS, "its=own"));
    let theirs = w3c::TraceParent::parse(THEIRS.as_bytes()).unwrap();
    assert_ne!(spans[1].trace, Some(theirs.trace_id));
    assert_eq!(spans[1].links, [(theirs.trace_id, theirs.span_id)]);

    assert!(read(&malformed, "traceparent").contains(&spans[2].id.unwrap().to_string()), "nobody can mean that");
}

#[tokio::test]
async fn a_message_that_goes_round_does_not_gather_headers() {
    let Some(amqp) = amqp("wire-round").await else { return };
    let (relay, memory) = recorder("relay");
    let rounds = async {
        let from = received(&[("traceparent", THEIRS), ("tracestate", "vendor=x"), ("baggage", "tier=gold")]);
        let mut table = through(&amqp, Some(headers([("x-own", text("1"))]))).in_context(from).await;
        for round in 0..5 {
            amqp.send(table.clone(), b"{}").await;
            let job = amqp.take().await.observed_from(amqp.queue.clone());
            let properties = job.properties.headers().clone();
            table = job.run_value(through(&amqp, properties)).await;
            assert_eq!(names(&table), ["baggage", "traceparent", "tracestate", "x-own"], "round {round}");
        }
        table
    };
    let table = relay.scope(rounds).await;
    assert_eq!((read(&table, "tracestate").as_str(), read(&table, "baggage").as_str()), ("vendor=x", "tier=gold"));
    relay.flush_blocking(Duration::from_secs(5));
    let spans = spans(&memory.records());
    assert_eq!(spans.len(), 11);
    for pair in spans.windows(2) {
        assert_eq!(pair[1].parent, pair[0].id, "one chain: {} under {}", pair[1].name, pair[0].name);
    }
}
