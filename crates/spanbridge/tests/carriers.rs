//! Every carrier that the core brings: what is written is read, and hostile headers are only that.

use proptest::prelude::*;
use spanbridge::carrier::{Extract, Header, Inject, Outgoing, extract, inject, outgoing};
use spanbridge::w3c::{Baggage, TraceParent, TraceState};
use spanbridge::{Context, RunId, SpanId, TraceId};
use std::collections::{BTreeMap, HashMap};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[track_caller]
fn round_trip<C: Inject + Extract + Default>(context: &Context) {
    let mut carrier = C::default();
    // What an earlier hop wrote is replaced, also by nothing.
    for (name, value) in [("traceparent", "old"), ("tracestate", "old=1"), ("baggage", "old=1")] {
        carrier.set(name, value)
    }
    inject(context, &mut carrier);
    let got = extract(&carrier);
    assert_eq!(got.problems, []);
    assert_eq!(got.context, *context);
    assert_eq!(got.context.is_empty(), context.is_empty());
}

fn contexts() -> impl Strategy<Value = Context> {
    let key = "[a-rt-z][a-z0-9]{0,8}"; // not `sb`, which is ours
    let members = |value: &'static str| prop::collection::btree_map(key, value, 0..5);
    let state = members("[!-+.-<>-~]{1,20}");
    let baggage = members("[ -~é✓]{0,20}");
    (1u128.., 1u64.., 0u8..4, prop::option::of(1u128..), state, baggage).prop_map(
        |(trace, span, flags, run, state, baggage)| {
            let (trace_id, span_id) = (TraceId::new(trace).unwrap(), SpanId::new(span).unwrap());
            let state: Vec<_> = state.iter().map(|(k, v)| format!("{k}={v}")).collect();
            let (_, state, problem) = TraceState::parse(state.join(",").as_bytes());
            assert_eq!(problem, None);
            let baggage = baggage.iter().fold(Baggage::new(), |b, (k, v)| b.with(k, v).unwrap());
            Context::remote(TraceParent { trace_id, span_id, flags }, run.and_then(RunId::new), state, baggage)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 256 }))]

    #[test]
    fn what_is_written_is_read(context in contexts()) {
        round_trip::<HashMap<String, String>>(&context);
        round_trip::<HashMap<String, Vec<u8>>>(&context);
        round_trip::<BTreeMap<String, String>>(&context);
        #[cfg(feature = "http")]
        round_trip::<http::HeaderMap>(&context);
        #[cfg(feature = "json")]
        round_trip::<serde_json::Map<String, serde_json::Value>>(&context);
    }

    #[test]
    fn nothing_that_comes_in_panics(
        parent in prop::collection::vec(any::<u8>(), 0..80),
        state in prop::collection::vec(any::<u8>(), 0..600),
        baggage in prop::collection::vec(any::<u8>(), 0..600),
    ) {
        for parent in [parent, PARENT.as_bytes().to_vec()] {
            let carrier = BTreeMap::from([("traceparent", parent), ("tracestate", state.clone()), ("baggage", baggage.clone())]);
            let got = extract(&carrier);
            let mut out = HashMap::<String, String>::new();
            inject(&got.context, &mut out);
            prop_assert_eq!(extract(&out).context, got.context);
        }
    }
}

/// Each header by itself, and what is left of the context.
#[test]
fn hostile_headers() {
    let long = "x".repeat(64 << 10);
    let many = (0..10_000).map(|i| format!("k{i}=v")).collect::<Vec<_>>().join(",");
    let not_utf8 = b"00-\xff\xfe".as_slice();
    for parent in [
        b"".as_slice(),
        b"00",
        not_utf8,
        long.as_bytes(),
        b"00-00000000000000000000000000000000-00f067aa0ba902b7-01",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
        b"00-4BF92F3577B34DA6A3CE929D0E0E4736-00F067AA0BA902B7-01",
        b"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-+1",
        b"00-4bf92f3577b34da6a3ce929d0e0e473\xc3-00f067aa0ba902b7-01",
        b"\0\0\0\0",
    ] {
        let got = extract(&HashMap::from([("traceparent", parent), ("baggage", b"k=v")]));
        assert!(got.context.is_empty(), "{:?}", String::from_utf8_lossy(parent));
        assert_eq!(got.problems.len(), 1);
        assert_eq!(got.problems[0].header, "traceparent");
    }
    for (state, baggage) in [
        (not_utf8, not_utf8),
        (long.as_bytes(), long.as_bytes()),
        (b"=", b"="),
        (b"a=1,,,=,b", b"%ff%fe=%zz"),
        (many.as_bytes(), many.as_bytes()),
        (b"a\0=1", b"a\0=1"),
        (b"\r\nx: y", b"k=v\r\nx: y"),
    ] {
        let got =
            extract(&HashMap::from([("traceparent", PARENT.as_bytes()), ("tracestate", state), ("baggage", baggage)]));
        assert!(!got.context.is_empty());
        assert!(got.problems.iter().all(|p| p.header != "traceparent") && got.problems.len() <= 2);
        let mut out = HashMap::<String, String>::new();
        inject(&got.context, &mut out);
        assert!(out.values().all(|v| v.len() <= 16 << 10 && !v.contains(['\r', '\n', '\0'])), "{out:?}");
        assert_eq!(out["traceparent"], PARENT);
    }
}

/// It writes nothing, and it removes nothing.
#[test]
fn an_empty_context_changes_no_header() {
    let mut carrier = HashMap::from([("traceparent".to_owned(), "user's own".to_owned())]);
    inject(&Context::EMPTY, &mut carrier);
    assert_eq!(carrier["traceparent"], "user's own");
}

/// What the user wrote is kept if it is of another trace.
#[test]
fn headers_of_another_trace_are_kept() {
    let headers = |parent: &str| HashMap::from([("traceparent".to_owned(), parent.to_owned())]);
    let ours = extract(&headers(PARENT)).context;
    let other = PARENT.replace("4bf9", "4bf8");
    assert!(matches!(outgoing(&ours, &HashMap::<String, String>::new()), Outgoing::Write));
    assert!(matches!(outgoing(&ours, &headers(PARENT)), Outgoing::Write));
    assert!(matches!(outgoing(&ours, &headers("broken")), Outgoing::Write));
    match outgoing(&ours, &headers(&other)) {
        Outgoing::Keep(theirs) => assert_eq!(theirs.trace_parent().unwrap().to_string(), other),
        Outgoing::Write => panic!("theirs would be lost"),
    }
}

/// A carrier whose headers have types, as AMQP's.
#[test]
fn only_the_header_that_is_not_text_is_lost() {
    struct Typed(&'static str);
    impl Extract for Typed {
        fn get(&self, name: &str) -> Header<'_> {
            if name == self.0 {
                Header::Unusable("is a table")
            } else {
                Header::from((name == "traceparent").then_some(PARENT))
            }
        }
    }
    for (header, empty) in [("traceparent", true), ("tracestate", false), ("baggage", false)] {
        let got = extract(&Typed(header));
        assert_eq!(got.context.is_empty(), empty);
        assert_eq!(got.problems.iter().map(ToString::to_string).collect::<Vec<_>>(), [format!("{header}: is a table")]);
    }
}

/// Whatever the case of their names.
#[cfg(feature = "json")]
#[test]
fn headers_in_json_are_replaced_in_any_case() {
    let mut headers = serde_json::Map::new();
    for (name, value) in
        [("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), ("BAGGAGE", "a=b")]
    {
        headers.insert(name.to_owned(), value.into());
    }
    let context = extract(&headers).context.with_baggage(Default::default());
    inject(&context, &mut headers);
    assert_eq!(headers.keys().collect::<Vec<_>>(), ["traceparent"]);
}
