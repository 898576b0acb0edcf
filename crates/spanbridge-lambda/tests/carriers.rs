//! A context that was packed on the way to a function is read back when it runs.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use spanbridge::carrier::extract;
use spanbridge::w3c::{Baggage, SAMPLED, TraceParent, TraceState};
use spanbridge::{Context, RunId, SpanId, TraceId};
use spanbridge_lambda::{ClientContext, Event, InvocationMetadata, XRay};
use std::collections::{BTreeMap, HashMap};
use std::str::FromStr;

const TRACE: &str = "5759e988bd862e3fe1be46a994272793";

fn xray(trace_id: TraceId, parent: Option<SpanId>, sampled: Option<bool>) -> XRay {
    let mut xray = XRay::new(trace_id);
    (xray.parent, xray.sampled) = (parent, sampled);
    xray
}

#[test]
fn x_ray_as_services_write_it() {
    let full = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";
    for (header, parent, sampled) in [
        (full, Some("53995c3f42cd8ad8"), Some(true)),
        ("Root=1-5759e988-bd862e3fe1be46a994272793", None, None),
        ("Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=?", None, None),
        (
            "Sampled=0; Root=1-5759e988-bd862e3fe1be46a994272793 ;Parent=53995c3f42cd8ad8",
            Some("53995c3f42cd8ad8"),
            Some(false),
        ),
        (
            "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a87bd80c:1|68fd508a:5",
            Some("53995c3f42cd8ad8"),
            Some(true),
        ),
        (
            "Self=1-67891234-12456789abcdef012345678;Root=1-5759e988-bd862e3fe1be46a994272793;CalledFrom=app;;=",
            None,
            None,
        ),
    ] {
        let xray = XRay::parse(header.as_bytes()).unwrap();
        assert_eq!(xray.trace_id.to_string(), TRACE, "{header}");
        assert_eq!((xray.parent.map(|p| p.to_string()).as_deref(), xray.sampled), (parent, sampled), "{header}");
    }
    assert_eq!(XRay::parse(full.as_bytes()).unwrap().to_string(), full);
}

#[test]
fn hostile_x_ray_is_told() {
    for header in [
        "",
        ";;;",
        "Parent=53995c3f42cd8ad8;Sampled=1",
        "Root=",
        "Root=1-5759e988-bd862e3fe1be46a99427279",
        "Root=1-5759e988-bd862e3fe1be46a9942727933",
        "Root=1-5759e98-8bd862e3fe1be46a994272793",
        "Root=2-5759e988-bd862e3fe1be46a994272793",
        "Root=1-5759E988-bd862e3fe1be46a994272793",
        "Root=1-00000000-000000000000000000000000",
        "Root=5759e988bd862e3fe1be46a994272793",
        "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=1",
        "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=0000000000000000",
        "Root=1-5759e988-bd862e3fe1be46a99427279\u{e9}",
    ] {
        let problem = XRay::parse(header.as_bytes()).expect_err(header);
        assert_eq!(problem.header, XRay::HEADER);
    }
}

#[test]
fn an_unsampled_parent_is_left_out() {
    let of = |parent, sampled| xray(TRACE.parse().unwrap(), parent, sampled);
    for (sampled, parent) in [(Some(true), SpanId::new(7)), (None, SpanId::new(7)), (Some(false), None)] {
        let context = of(SpanId::new(7), sampled).context();
        assert_eq!(context.trace_id().unwrap().to_string(), TRACE);
        // The next hop may record it: X-Ray's decision is its own.
        assert_eq!((context.span_id(), context.flags()), (parent, SAMPLED), "{sampled:?}");
        let onward = of(parent, sampled.or(Some(true)));
        assert_eq!(XRay::of(&context), Some(onward), "a decision goes on as it came");
    }
    assert_eq!(XRay::of(&Context::EMPTY), None);
}

/// The client context comes before the payload, and W3C's headers before X-Ray's.
#[test]
fn the_order_of_places() {
    let parent = |span: u64| format!("00-4bf92f3577b34da6a3ce929d0e0e4736-{span:016x}-01");
    let client = |value: &str| HashMap::from([("traceparent".to_owned(), value.to_owned())]);
    let payload =
        format!(r#"{{"__spanbridge":{{"traceparent":"{}"}},"headers":{{"traceparent":"{}"}}}}"#, parent(2), parent(3));
    let no_hidden = payload.replace("__spanbridge", "spanbridge");
    let xray = "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=0000000000000004;Sampled=1";
    let in_header = format!(r#"{{"headers":{{"X-Amzn-Trace-Id":"{}"}}}}"#, xray.replace("04;", "05;"));
    let xray = Some(xray);
    for (custom, payload, xray, found, problems) in [
        (Some(client(&parent(1))), &*payload, xray, Some(1), 0),
        (None, &payload, xray, Some(2), 0),
        (Some(client("bad")), &payload, xray, Some(2), 1),
        (None, &no_hidden, xray, Some(3), 0),
        (Some(HashMap::new()), "{}", xray, Some(4), 0),
        (Some(client("bad")), "{}", xray, Some(4), 1),
        (Some(client("bad")), "{}", Some("bad"), None, 2),
        (None, "not JSON", xray, Some(4), 0),
        (None, &in_header, xray, Some(4), 0), // the last hop's
        (None, &in_header, Some("bad"), Some(5), 1),
        (None, &in_header, None, Some(5), 0),
        (None, "", None, None, 0),
    ] {
        let (event, _) =
            Event::read(payload.as_bytes(), InvocationMetadata::new().client_context(custom.as_ref()).xray(xray));
        let carried = event.carried();
        assert_eq!(carried.context.span_id().map(|span| span.get()), found, "{custom:?} {payload} {xray:?}");
        assert_eq!(carried.problems.len(), problems, "{:?}", carried.problems);
    }
}

/// What the application has put into the client context is unchanged.
#[test]
fn a_users_client_context_stays() {
    let users = r#"{"client":{"installation_id":"é","n":1.50},"custom":{"tenant":"7","n":12345678901234567890123,"traceparent":"old"},"env":{"a":null}}"#;
    let mut context = ClientContext::from_str(&encode(users)).unwrap();
    assert_eq!(context.inject(&some_context("k=v")), None);
    let sent = decode(&context.encode().unwrap());
    let ours = r#""traceparent":"00-5759e988bd862e3fe1be46a994272793-0000000000000007-01","baggage":"k=v""#;
    assert_eq!(
        sent,
        format!(
            r#"{{"client":{{"installation_id":"é","n":1.50}},"env":{{"a":null}},"custom":{{"tenant":"7","n":12345678901234567890123,{ours}}}}}"#
        )
    );

    let theirs = r#"{"custom":{"traceparent":"of another trace"}}"#; // nothing is current, so it is left alone
    for (users, sent) in
        [("{}", "{}"), (r#"{"custom":null}"#, "{}"), (r#"{"custom":{}}"#, r#"{"custom":{}}"#), (theirs, theirs)]
    {
        let mut context = ClientContext::from_str(&encode(users)).unwrap();
        assert_eq!(context.inject(&Context::EMPTY), None);
        assert_eq!(decode(&context.encode().unwrap()), sent);
    }
    let mut nothing = ClientContext::default();
    nothing.inject(&Context::EMPTY);
    assert_eq!(nothing.encode(), None);
    for bad in
        ["", "%", &encode(""), &encode("7"), &encode("[]"), &encode(r#"{"custom":7}"#), &encode("{"), &encode("{} x")]
    {
        assert!(ClientContext::from_str(bad).is_err(), "{bad}");
    }
}

#[test]
fn the_client_context_has_room_for_so_much() {
    let baggage = format!("k={}", "v".repeat(3_000));
    let mut context = ClientContext::default();
    assert_eq!(context.inject(&some_context(&baggage)).as_deref(), Some("no room for the baggage (3002 bytes)"));
    assert_eq!(extract(&context).context.span_id(), SpanId::new(7));

    let users = format!(r#"{{"custom":{{"tenant":"{}"}}}}"#, "7".repeat(2_640));
    let mut context = ClientContext::from_str(&encode(&users)).unwrap();
    assert_eq!(context.inject(&some_context("")).as_deref(), Some("no room for the context"));
    assert_eq!(decode(&context.encode().unwrap()), users);
    assert!(context.encode().unwrap().len() <= ClientContext::MAX_LEN);
}

fn some_context(baggage: &str) -> Context {
    let parent = TraceParent { trace_id: TRACE.parse().unwrap(), span_id: SpanId::new(7).unwrap(), flags: SAMPLED };
    Context::remote(parent, None, TraceState::new(), Baggage::parse(baggage.as_bytes()).0)
}

fn encode(json: &str) -> String {
    use base64::prelude::*;
    BASE64_STANDARD.encode(json)
}

fn decode(base64: &str) -> String {
    use base64::prelude::*;
    String::from_utf8(BASE64_STANDARD.decode(base64).unwrap()).unwrap()
}

/// As the Runtime API passes it to a function.
#[cfg(feature = "runtime")]
fn in_lambda_runtime(json: &str) -> HashMap<String, String> {
    let mut headers = http::HeaderMap::new();
    headers.insert("lambda-runtime-deadline-ms", http::HeaderValue::from_static("1"));
    headers.insert("lambda-runtime-client-context", json.parse().unwrap());
    lambda_runtime::Context::new("id", Default::default(), &headers).unwrap().client_context.unwrap().custom
}

prop_compose! {
    fn contexts()(
        trace in 1..u128::MAX,
        span in 1..u64::MAX,
        run in proptest::option::of(1..u128::MAX),
        sampled in any::<bool>(),
        state in vec(r#"[a-z]{1,9}=[!-+\--<>-~]{1,80}"#, 0..6),
        baggage in vec("[a-z]{1,9}=[a-z%A-Z0-9]{0,600}", 0..6),
    ) -> Context {
        let (trace_id, span_id) = (TraceId::new(trace).unwrap(), SpanId::new(span).unwrap());
        let parent = TraceParent { trace_id, span_id, flags: u8::from(sampled) };
        let (_, state, _) = TraceState::parse(state.join(",").as_bytes());
        let baggage = Baggage::parse(baggage.join(",").as_bytes()).0;
        Context::remote(parent, run.and_then(RunId::new), state, baggage)
    }
}

proptest! {
    #[test]
    fn x_ray_there_and_back(trace in 1..u128::MAX, parent in proptest::option::of(1..u64::MAX), sampled: Option<bool>) {
        let xray = xray(TraceId::new(trace).unwrap(), parent.and_then(SpanId::new), sampled);
        prop_assert_eq!(XRay::parse(xray.to_string().as_bytes()), Ok(xray));
    }

    #[test]
    fn x_ray_from_context_to_context(context in contexts()) {
        let written = XRay::of(&context).unwrap();
        prop_assert_eq!(written.sampled, Some(context.is_sampled()), "where X-Ray has decided nothing");
        let found = written.context();
        prop_assert_eq!(found.trace_id(), context.trace_id());
        if context.is_sampled() {
            prop_assert_eq!((found.span_id(), found.flags()), (context.span_id(), SAMPLED));
        }
    }

    #[test]
    fn any_bytes_are_no_x_ray_header_or_one(header in vec(any::<u8>(), 0..100)) {
        if let Ok(xray) = XRay::parse(&header) {
            prop_assert_eq!(XRay::parse(xray.to_string().as_bytes()), Ok(xray));
        }
    }

    #[test]
    fn the_client_context_there_and_back(context in contexts(), users in btree_map("[a-z]{1,8}", ".{0,60}", 0..6)) {
        let users: BTreeMap<String, String> = users;
        let json = serde_json::json!({ "custom": users, "env": {} });
        let mut sent = ClientContext::from_str(&encode(&json.to_string())).unwrap();
        let left_out = sent.inject(&context);
        let encoded = sent.encode().unwrap();
        prop_assert!(encoded.len() <= ClientContext::MAX_LEN);

        let mut read = ClientContext::from_str(&encoded).unwrap();
        let found = extract(&read);
        prop_assert_eq!(&found.problems, &[]);
        prop_assert_eq!(found.context.trace_parent(), context.trace_parent());
        if left_out.is_none() {
            prop_assert_eq!(&found.context, &context);
        }
        // When it is forwarded, headers do not pile up, and the application's members are unchanged.
        prop_assert_eq!(read.inject(&context), left_out);
        prop_assert_eq!(read.encode(), Some(encoded.clone()));
        let mut received: serde_json::Value = serde_json::from_str(&decode(&encoded)).unwrap();
        for name in ["traceparent", "tracestate", "baggage"] {
            received["custom"].as_object_mut().unwrap().remove(name);
        }
        prop_assert_eq!(received, json);
    }

    #[cfg(feature = "runtime")]
    #[test]
    fn lambda_runtime_reads_our_client_context(context in contexts()) {
        let mut sent = ClientContext::default();
        let left_out = sent.inject(&context);
        let custom = in_lambda_runtime(&decode(&sent.encode().unwrap()));
        let (event, _) = Event::read(b"{}", InvocationMetadata::new().client_context(&custom));
        prop_assert_eq!(event.carried().context.trace_parent(), context.trace_parent());
        prop_assert!(left_out.is_some() || event.carried().context == context);
    }
}
