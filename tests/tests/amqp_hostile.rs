//! Bad headers: the message is processed all the same, under no context or under the part that is valid, and a
//! diagnostic with the process span says what was wrong.

use lapin::message::Delivery;
use lapin::options::BasicAckOptions;
use lapin::types::{AMQPValue, DecimalValue, FieldTable, ShortString};
use lapin::{BasicProperties, Confirmation};
use spanbridge::Status;
use spanbridge_amqp::{ChannelExt, ConsumerExt, DeliveryExt, Job};
use spanbridge_tests::{Seen, amqp, headers, recorder, spans, text, within};
use std::time::Duration;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

/// What is sent, and what is expected of it.
struct Case {
    name: &'static str,
    headers: FieldTable,
    /// The sender's context is taken.
    continued: bool,
    /// What the diagnostics say, if anything.
    told: &'static [&'static str],
    /// RabbitMQ takes it from a client.
    sendable: bool,
}

fn case<const N: usize>(name: &'static str, pairs: [(&str, AMQPValue); N]) -> Case {
    Case { name, headers: headers(pairs), continued: false, told: &[], sendable: true }
}

impl Case {
    fn continued(self) -> Self {
        Case { continued: true, ..self }
    }

    fn told(self, told: &'static [&'static str]) -> Self {
        Case { told, ..self }
    }
}

fn parent(flags: &str) -> AMQPValue {
    text(format!("00-{TRACE}-{SPAN}-{flags}"))
}

/// A `traceparent` that must not be taken.
fn bad(name: &'static str, value: AMQPValue, told: &'static [&'static str]) -> Case {
    // The tracestate that comes with it is not looked at.
    case(name, [("traceparent", value), ("tracestate", text("a=1")), ("baggage", text("tier=gold"))]).told(told)
}

/// Something beside a good `traceparent`.
fn beside(name: &'static str, header: &'static str, value: AMQPValue, told: &'static [&'static str]) -> Case {
    case(name, [("traceparent", parent("01")), (header, value)]).continued().told(told)
}

fn table() -> Vec<Case> {
    let id = |version: &str, trace: &str, span: &str, rest: &str| text(format!("{version}-{trace}-{span}-{rest}"));
    let members = |n: usize, f: fn(usize) -> String| text((0..n).map(f).collect::<Vec<_>>().join(","));
    let short = |s: &str| AMQPValue::ShortString(ShortString::try_new(s).unwrap());
    let mut all = vec![
        // Values that are merely absent
        case("nothing", []),
        case("no traceparent", [("tracestate", text("a=1")), ("baggage", text("tier=gold"))]),
        case("another case", [("Traceparent", parent("01"))])
            .continued()
            .told(&["its name is written \"Traceparent\""]),
        // traceparent
        bad("empty", text(""), &["traceparent: shorter than 55 characters"]),
        bad("not utf-8", text([0xff; 55]), &["traceparent: "]),
        bad(
            "not utf-8 among digits",
            text([b"00-4bf92f3577b34da6a3ce929d0e0e473\xff".as_slice(), b"-00f067aa0ba902b7-01"].concat()),
            &["trace id is not 32"],
        ),
        bad("null", AMQPValue::Void, &["traceparent: is null"]),
        bad("64 KiB", text("0".repeat(64 << 10)), &["longer than 55"]),
        bad("a table", AMQPValue::FieldTable(headers([("traceparent", parent("01"))])), &["is a table"]),
        bad("an array", AMQPValue::FieldArray(vec![parent("01")].into()), &["is an array"]),
        bad("an integer", AMQPValue::LongLongInt(-1), &["is a number"]),
        bad("a double", AMQPValue::Double(0.5), &["is a number"]),
        bad("a decimal", AMQPValue::DecimalValue(DecimalValue { scale: 255, value: u32::MAX }), &["is a number"]),
        bad("a boolean", AMQPValue::Boolean(true), &["is a boolean"]),
        bad("a timestamp", AMQPValue::Timestamp(u64::MAX >> 1), &["is a timestamp"]),
        bad("version ff", id("ff", TRACE, SPAN, "01"), &["version ff"]),
        bad("version with more, no dash", id("01", TRACE, SPAN, "01x"), &["no dash"]),
        bad("zero trace", id("00", &"0".repeat(32), SPAN, "01"), &["trace id is zero"]),
        bad("zero span", id("00", TRACE, &"0".repeat(16), "01"), &["parent id is zero"]),
        bad("uppercase", id("00", &TRACE.to_uppercase(), SPAN, "01"), &["32 lower-case digits"]),
        bad("too short", id("00", TRACE, "00f067aa0ba902b", "01"), &["shorter than 55"]),
        bad("too long", id("00", TRACE, SPAN, "01-what"), &["longer than 55"]),
        bad("digits that are none", id("00", TRACE, "+0f067aa0ba902b7", "01"), &["16 lower-case digits"]),
        bad("twice in one", text(format!("00-{TRACE}-{SPAN}-01,00-{TRACE}-{SPAN}-01")), &["longer than 55"]),
        case("a higher version", [("traceparent", id("cc", TRACE, SPAN, "01-what.the-future"))]).continued(),
        case("white space", [("traceparent", id(" 00", TRACE, SPAN, "03\t"))]).continued(),
        case("bytes", [("traceparent", AMQPValue::ByteArray(format!("00-{TRACE}-{SPAN}-01").into_bytes().into()))])
            .continued(),
        // tracestate
        beside("state not utf-8", "tracestate", text([b'a', b'=', 0xff]), &["tracestate: not ASCII"]),
        beside("state null", "tracestate", AMQPValue::Void, &["tracestate: is null"]),
        beside("state a table", "tracestate", AMQPValue::FieldTable(headers([])), &["tracestate: is a table"]),
        beside("33 members", "tracestate", members(33, |n| format!("k{n}=v")), &["more than 32 members"]),
        beside("a long key", "tracestate", text(format!("{}=v", "k".repeat(257))), &["a key that is not one"]),
        beside("state 64 KiB", "tracestate", text(format!("a={}", "v".repeat(64 << 10))), &["a value that is not one"]),
        beside("the same key", "tracestate", text("a=1,a=2,,b=3"), &[]),
        beside("a run that is none", "tracestate", text("sb=r:xyz,b=3"), &["the value of sb"]),
        beside("a zero run", "tracestate", text(format!("sb=r:{}", "0".repeat(32))), &["the value of sb"]),
        // baggage
        beside("baggage not utf-8", "baggage", text(b"a=1,b=\xff,c=3".as_slice()), &["1 malformed members"]),
        beside("baggage null", "baggage", AMQPValue::Void, &["baggage: is null"]),
        beside("baggage an array", "baggage", AMQPValue::FieldArray(vec![].into()), &["baggage: is an array"]),
        beside("200 members", "baggage", members(200, |n| format!("k{n}=v")), &["136 over the limits"]),
        beside("baggage 64 KiB", "baggage", text(format!("a={},b=1", "v".repeat(64 << 10))), &["1 over the limits"]),
        beside("the same members", "baggage", members(60, |_| "tier=gold".into()), &[]),
        beside("no members", "baggage", text(",,;=,="), &["malformed members"]),
        // all of it
        case(
            "everything",
            [("traceparent", parent("zz")), ("tracestate", AMQPValue::Void), ("baggage", AMQPValue::Boolean(false))],
        )
        .told(&["the flags are not two", "tracestate: is null", "baggage: is a boolean"]),
        // what the adapter itself reads
        beside(
            "deaths",
            "x-death",
            AMQPValue::FieldArray(
                vec![
                    AMQPValue::Void,
                    AMQPValue::FieldTable(headers([("queue", AMQPValue::Void), ("count", text("many"))])),
                ]
                .into(),
            ),
            &[],
        ),
        beside("a count that is none", "x-delivery-count", text("many"), &[]),
        // near the limit of a frame, which holds all properties
        beside("a large table", "x-large", text("x".repeat(126 << 10)), &[]),
    ];
    // RabbitMQ has no number for it.
    all.push(Case { sendable: false, ..bad("not a number", AMQPValue::Double(f64::NAN), &["is a number"]) });
    // The client library would write this as a value that RabbitMQ ends the connection for.
    for (name, value) in [("short text", "not a context".to_owned()), ("long short text", "0".repeat(255))] {
        let told: &[&str] = if value.len() < 55 { &["shorter than 55"] } else { &["longer than 55"] };
        all.push(Case { sendable: false, ..bad(name, short(&value), told) })
    }
    all
}

/// What every job must come to: processed, under its sender or under nobody.
async fn work(job: &Job) {
    let worked = job.run(async || Ok::<_, String>(job.data.len())).await;
    assert_eq!(worked, Ok(2));
}

fn check(case: &Case, span: &Seen) {
    let name = case.name;
    assert_eq!(span.status, Some(Status::Ok), "{name}");
    let (trace, above) = (span.trace.unwrap().to_string(), span.parent.map(|p| p.to_string()));
    if case.continued {
        assert_eq!((trace.as_str(), above.as_deref()), (TRACE, Some(SPAN)), "{name}");
    } else {
        assert_eq!((trace == TRACE, above), (false, None), "{name}: a run of its own");
    }
    let told: Vec<_> = span.diagnostics.iter().map(|(code, message)| format!("{code}: {message}")).collect();
    assert_eq!(told.len(), case.told.len(), "{name}: {told:?}");
    for (told, expected) in told.iter().zip(case.told) {
        assert!(told.starts_with("header.malformed: ") && told.contains(expected), "{name}: {told}");
    }
}

fn mock(headers: FieldTable) -> Delivery {
    let mut delivery = Delivery::mock(1, "".into(), "orders".into(), false, b"{}".into());
    delivery.properties = BasicProperties::default().with_headers(headers);
    delivery
}

#[tokio::test]
async fn of_hostile_headers_the_valid_part_is_taken() {
    for case in table() {
        let (shipping, memory) = recorder("shipping");
        shipping.scope(async || work(&mock(case.headers.clone()).observed()).await).await;
        shipping.flush_blocking(Duration::from_secs(60));
        let spans = spans(&memory.records());
        assert_eq!(spans.len(), 1, "{}", case.name);
        check(&case, &spans[0]);
    }
}

#[tokio::test]
async fn of_baggage_what_is_well_formed_is_kept() {
    let baggage = |value: AMQPValue| {
        let job = mock(headers([("traceparent", parent("01")), ("baggage", value)])).observed();
        let members = job.context().baggage().iter().map(|m| format!("{}={}", m.key(), m.value()));
        members.collect::<Vec<_>>()
    };
    assert_eq!(baggage(text(b"a=1,b=\xff,c=%C3%A9".as_slice())), ["a=1", "c=é"]);
    assert_eq!(baggage(text("a=1,a=2")), ["a=1", "a=2"]);
    let many = (0..200).map(|n| format!("k{n}=v")).collect::<Vec<_>>();
    assert_eq!(baggage(text(many.join(","))), many[..64]);
    assert_eq!(baggage(text(format!("a={},b=1", "v".repeat(9000)))), ["b=1"], "a member is never cut");
}

#[tokio::test]
async fn through_the_broker_they_are_processed_too() {
    let Some(amqp) = amqp("hostile").await else { return };
    let cases: Vec<_> = table().into_iter().filter(|c| c.sendable).collect();
    for case in &cases {
        amqp.send(case.headers.clone(), b"{}").await;
    }
    let (shipping, memory) = recorder("shipping");
    let consume = async {
        let mut jobs = amqp.consume().await.observed();
        for case in &cases {
            let job = within(case.name, jobs.next()).await.unwrap().unwrap();
            work(&job).await;
            assert!(job.ack(BasicAckOptions::default()).await.unwrap(), "{}", case.name);
        }
    };
    shipping.scope(|| consume).await;
    shipping.flush_blocking(Duration::from_secs(60));
    let processed: Vec<_> = spans(&memory.records()).into_iter().filter(|s| s.name.starts_with("process")).collect();
    assert_eq!(processed.len(), cases.len());
    for (case, span) in cases.iter().zip(&processed) {
        check(case, span)
    }
}

/// The properties of a message are one frame, and RabbitMQ ends the connection for one that is too large.
#[tokio::test]
async fn a_send_never_fails_because_of_us() {
    let Some(amqp) = amqp("hostile-budget").await else { return };
    let (orders, memory) = recorder("orders");
    let state = (0..32).map(|n| format!("k{n}={}", "v".repeat(200))).collect::<Vec<_>>().join(",");
    let baggage = (0..60).map(|n| format!("k{n}={}", "v".repeat(100))).collect::<Vec<_>>().join(",");
    let sender = headers([("traceparent", parent("01")), ("tracestate", text(state)), ("baggage", text(baggage))]);
    let job = orders.in_scope(|| mock(sender).observed());
    let sizes = [0, 110 << 10, 118 << 10, 124 << 10, 130_960];
    let forward = async {
        for size in sizes {
            let properties = BasicProperties::default().with_headers(headers([("x-large", text("x".repeat(size)))]));
            let (queue, options) = (amqp.queue.clone(), Default::default());
            let sent =
                amqp.channel.observed().basic_publish("".into(), queue, options, b"{}", properties).await.unwrap();
            assert_eq!(sent.await.unwrap(), Confirmation::Ack(None), "beside {size} bytes");
        }
    };
    orders.scope(|| job.run_value(|| forward)).await;
    orders.flush_blocking(Duration::from_secs(60));
    let mut carried = vec![];
    for size in sizes {
        let table = amqp.take().await.properties.headers().clone().unwrap();
        let names: Vec<_> = table.inner().keys().map(|k| k.as_str()).filter(|k| *k != "x-large").collect();
        carried.push(format!("{} KiB: {}", size >> 10, names.join(" ")));
    }
    let told = spans(&memory.records()).into_iter().flat_map(|s| s.diagnostics);
    carried.extend(told.map(|(code, message)| format!("{code}: {message}")));
    assert_eq!(
        carried.join("\n"),
        "0 KiB: baggage traceparent tracestate\n\
         110 KiB: baggage traceparent tracestate\n\
         118 KiB: traceparent tracestate\n\
         124 KiB: traceparent\n\
         127 KiB: \n\
         injection.dropped: no room for the baggage (6289 bytes)\n\
         injection.dropped: no room for the baggage (6289 bytes) and 32 members of tracestate\n\
         injection.dropped: no room for the context"
    );
}

/// It must not panic.
#[test]
fn a_long_short_string_is_an_error() {
    assert!(ShortString::try_new("x".repeat(256)).is_err());
    let longest = ShortString::try_new("x".repeat(255)).unwrap();
    // As the queue, as the routing key and in the properties.
    let mut delivery = Delivery::mock(1, longest.clone(), longest.clone(), true, vec![]);
    let properties = BasicProperties::default().with_message_id(longest.clone()).with_correlation_id(longest.clone());
    delivery.properties = properties;
    let (shipping, memory) = recorder("shipping");
    shipping.in_scope(|| drop(delivery.observed_from(longest).run(async || {})));
    shipping.flush_blocking(Duration::from_secs(60));
    assert_eq!(spans(&memory.records())[0].get("messaging.message.id").len(), 255);
}
