//! The three standard headers, by the text of their specifications and as other languages write them.

use proptest::prelude::*;
use spanbridge::w3c::{Baggage, TraceParent, TraceState};
use spanbridge::{RunId, SpanId, TraceId};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const RUN: &str = "0af7651916cd43dd8448eb211c80319c";

#[track_caller]
fn refused(header: &str, reason: &str) {
    let error = TraceParent::parse(header.as_bytes()).expect_err(header);
    assert!(error.reason().contains(reason), "{header}: {error}");
    assert!(error.to_string().starts_with("read traceparent: "), "{error}");
}

/// Contexts cross threads with what they carry.
const _: () = {
    const fn crosses_threads<T: Send + Sync + Clone + 'static>() {}
    crosses_threads::<TraceParent>();
    crosses_threads::<TraceState>();
    crosses_threads::<Baggage>();
};

#[test]
fn traceparent_of_other_languages() {
    // OpenTelemetry for Python sets the random flag beside sampled, others sampled alone, X-Ray's 00 not at all.
    for (flags, expected) in [("03", 3), ("01", 1), ("00", 0), ("02", 2)] {
        let text = format!("{}{flags}", &PARENT[..53]);
        let parent = TraceParent::parse(text.as_bytes()).unwrap();
        assert_eq!(parent.trace_id.to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(parent.span_id.to_string(), "00f067aa0ba902b7");
        assert_eq!(parent.flags, expected);
        assert_eq!(parent.to_string(), text);
    }
}

/// Unknown flags are accepted.
#[test]
fn traceparent_writes_the_flags_it_knows() {
    let parent = TraceParent::parse(format!("{}ff", &PARENT[..53]).as_bytes()).unwrap();
    assert_eq!(parent.flags, 0xff);
    assert_eq!(parent.to_text().as_str(), format!("{}03", &PARENT[..53]));
}

#[test]
fn traceparent_by_fixed_width() {
    assert!(TraceParent::parse(format!(" \t{PARENT}\t ").as_bytes()).is_ok());
    for (bad, reason) in [
        ("", "shorter"),
        ("00-1-2-1", "shorter"),
        (&PARENT[..54], "shorter"),
        (&format!("{PARENT}-"), "longer"),
        (&format!("{PARENT}-x"), "longer"),
        (&format!("{PARENT},{PARENT}"), "longer"),
        ("ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "ff"),
        ("FF-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "version"),
        ("0A-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "version"),
        ("00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "dash"),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01", "dash"),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7_01", "dash"),
        ("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", "trace id"),
        ("00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "trace id"),
        ("00-00000000000000000000000000000000-00f067aa0ba902b7-01", "trace id is zero"),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", "parent id is zero"),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902bG-01", "parent id"),
        ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0.", "flags"),
    ] {
        refused(bad, reason);
    }
    assert!(TraceParent::parse(&[0xff; 55]).is_err());
}

/// The cases of the W3C's own suite for versions to come.
#[test]
fn traceparent_of_higher_versions() {
    let later = format!("cc{}", &PARENT[2..]);
    for good in [later.clone(), format!("{later}-"), format!("{later}-what-the-future-will-be-like")] {
        let parent = TraceParent::parse(good.as_bytes()).unwrap();
        assert_eq!(parent.to_string(), PARENT);
    }
    refused(&format!("{later}.what-the-future-will-be-like"), "higher version");
    refused(&later[..54], "shorter");
}

#[track_caller]
fn foreign(header: &str) -> String {
    let (run, state, problem) = TraceState::parse(header.as_bytes());
    assert_eq!((run, problem), (None, None), "{header}");
    state.as_str().to_owned()
}

#[track_caller]
fn discarded(header: impl AsRef<[u8]>) -> &'static str {
    let (run, state, problem) = TraceState::parse(header.as_ref());
    assert_eq!((run, state.is_empty()), (None, true));
    problem.expect("a reason").reason()
}

#[test]
fn tracestate_of_other_vendors_passes_through() {
    for header in [
        "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7",
        "dd=s:2;o:rum;t.dm:-4;t.tid:640cfd8d00000000",
        "a1b2c3d4-5e6f7a8b@dt=fw4;3;34e5;1e0;0;0;2;5f1a;2h01;3hf91b;4h00;5h01",
        "33@nr=0-0-33-2827902-7d3efb1b173fecfa-e8b91a159289ff74-1-1.23456-1518469636035",
        "es=s:0.5,ot=th:8;rv:0123456789abcd,az=x",
        "xray=Root/1-5759e988-bd862e3fe1be46a994272793",
        "foo@=1,bar=2",
        "0a*/_-@b= leading spaces belong to the value",
        "a=x y~!",
    ] {
        assert_eq!(foreign(header), header);
    }
}

/// White space, empty members, duplicates.
#[test]
fn tracestate_in_unusual_forms() {
    assert_eq!(foreign(""), "");
    assert_eq!(foreign(" \t"), "");
    assert_eq!(foreign(",, ,\t,"), "");
    assert_eq!(foreign(" foo=1 \t , \t bar=2, \t baz=3 ,"), "foo=1,bar=2,baz=3");
    assert_eq!(foreign("foo=1,foo=2,bar=3,foo=1"), "foo=1,bar=3");
    assert_eq!(foreign("fo=1,foo=2,f=3"), "fo=1,foo=2,f=3");
}

#[test]
fn tracestate_malformed_is_discarded_whole() {
    for bad in [
        "foo",
        "foo=",
        "=1",
        "foo =1",
        "FOO=1",
        "foo.bar=1",
        "@foo=1",
        "foo=bar=baz",
        "foo=1,bar",
        "foo=a\tb",
        "f\u{e9}=1",
    ] {
        discarded(bad);
        discarded(format!("good=1,{bad}"));
        discarded(format!("{bad},sb=r:{RUN}"));
    }
    discarded(b"foo=\xff\xfe");
    discarded(b"foo=\0");
    assert!(discarded("-a=1").contains("key"));
}

#[test]
fn tracestate_limits() {
    let list = |n: usize| (0..n).map(|i| format!("k{i}=v")).collect::<Vec<_>>().join(",");
    assert_eq!(foreign(&list(32)), list(32));
    assert_eq!(foreign(&format!("{},,,", list(32))), list(32));
    assert!(discarded(list(33)).contains("32"));
    let key = "z".repeat(256);
    let long = format!("{key}={key}");
    assert_eq!(foreign(&long), long);
    discarded(format!("{key}z=1"));
    discarded(format!("a={key}z"));
    // More than 512 characters go through.
    let wide = (0..32).map(|i| format!("k{i}={}", "v".repeat(100))).collect::<Vec<_>>().join(",");
    assert_eq!(foreign(&wide), wide);
}

#[test]
fn tracestate_carries_our_run() {
    let run: RunId = RUN.parse().unwrap();
    let ours = format!("sb=r:{RUN}");
    for (header, others) in [
        (ours.clone(), ""),
        (format!(" {ours} "), ""),
        (format!("{ours},"), ""),
        (format!("a=1,{ours},b=2"), "a=1,b=2"),
        (format!("{ours},a=1,sb=r:{}", RUN.replace('0', "1")), "a=1"),
        (format!("sb=q:x;r:{RUN};s:1"), ""),
    ] {
        let (found, state, problem) = TraceState::parse(header.as_bytes());
        assert_eq!((found, state.as_str(), problem), (Some(run), others, None), "{header}");
        let mut out = String::new();
        state.write(found, &mut out);
        assert_eq!(out.matches("sb=").count(), 1);
        assert!(out.starts_with(&ours) && out.ends_with(others), "{out}");
    }
    for bad in
        ["sb=x", "sb=r:", "sb=r:0", "sb=r:00000000000000000000000000000000", "sb=r:0AF7651916CD43DD8448EB211C80319C"]
    {
        let (found, state, problem) = TraceState::parse(format!("{bad},a=1").as_bytes());
        assert_eq!((found, state.as_str()), (None, "a=1"), "{bad}");
        assert!(problem.is_some());
    }
}

/// It is written in full where there is room.
#[test]
fn tracestate_within_a_budget() {
    let run: RunId = RUN.parse().unwrap();
    let full = (0..32).map(|i| format!("k{i}=v")).collect::<Vec<_>>().join(",");
    let (_, state, _) = TraceState::parse(full.as_bytes());
    let mut out = String::new();
    state.write(Some(run), &mut out);
    assert!(out.starts_with("sb=r:") && out.ends_with(",k30=v"), "{out}");
    out.clear();
    state.write(None, &mut out);
    assert_eq!(out, full);

    let within = |header: &str, run: Option<RunId>, max: usize| {
        let (_, state, _) = TraceState::parse(header.as_bytes());
        let mut out = String::new();
        let dropped = state.write_within(run, max, &mut out);
        (out, dropped)
    };
    let long = format!("l={},a=1,b=2", "v".repeat(127));
    assert_eq!(within(&long, None, 1000), (long.clone(), 0));
    assert_eq!(within(&long, None, 100), ("a=1,b=2".into(), 1));
    assert_eq!(within(&long, None, 6), ("a=1".into(), 2));
    assert_eq!(within(&long, Some(run), 41), (format!("sb=r:{RUN},a=1"), 2));
    assert_eq!(within(&long, Some(run), 40), (format!("sb=r:{RUN}"), 3));
    assert_eq!(within(&long, Some(run), 36), (String::new(), 4));
    assert_eq!(within("", None, 0), (String::new(), 0));
}

#[test]
fn baggage_of_other_languages() {
    // Python writes a space as a plus, JavaScript as %20; both come out as they went in.
    let (baggage, dropped) = Baggage::parse(b"user=Ada+L,plan=pro%20plus,k=a%2Bb");
    assert_eq!(dropped, None);
    assert_eq!(baggage.get("user").as_deref(), Some("Ada+L"));
    assert_eq!(baggage.get("plan").as_deref(), Some("pro plus"));
    assert_eq!(baggage.get("k").as_deref(), Some("a+b"));
    assert_eq!(baggage.as_str(), "user=Ada+L,plan=pro%20plus,k=a%2Bb");

    // Several headers joined: the last value is read, all are passed on.
    let (joined, _) = Baggage::parse(b"a=1,b=2,a=3");
    assert_eq!(joined.get("a").as_deref(), Some("3"));
    assert_eq!(joined.as_str(), "a=1,b=2,a=3");
    assert_eq!(joined.with("a", "4").unwrap().as_str(), "b=2,a=4");
    assert_eq!(joined.without("a").as_str(), "b=2");
}

#[test]
fn baggage_examples_of_the_specification() {
    let (baggage, dropped) =
        Baggage::parse(b"key1=value1;property1;property2, key2 = value2, key3=value3; propertyKey=property%56alue");
    assert_eq!(dropped, None);
    let members: Vec<_> = baggage.iter().map(|m| (m.key(), m.value().into_owned(), m.raw_properties())).collect();
    assert_eq!(
        members,
        [
            ("key1", "value1".into(), "property1;property2"),
            ("key2", "value2".into(), ""),
            ("key3", "value3".into(), "propertyKey=property%56alue"),
        ]
    );
    let properties: Vec<_> = baggage.iter().flat_map(|m| m.properties().collect::<Vec<_>>()).collect();
    assert_eq!(properties, [("property1", None), ("property2", None), ("propertyKey", Some("propertyValue".into()))]);
    let (baggage, _) =
        Baggage::parse(b"userId=Am%C3%A9lie,serverNode=DF%2028,isProduction=false,bad=%C3%28%,eq==a=b,none=");
    assert_eq!(baggage.get("userId").as_deref(), Some("Am\u{e9}lie"));
    assert_eq!(baggage.get("bad").as_deref(), Some("\u{fffd}(%"));
    assert_eq!(baggage.get("eq").as_deref(), Some("=a=b"));
    assert_eq!(baggage.get("none").as_deref(), Some(""));
    assert_eq!(baggage.get("absent"), None);
}

#[test]
fn baggage_drops_only_what_is_malformed() {
    let (baggage, dropped) =
        Baggage::parse(b"good=1, ,novalue,=x,k y=1,v=a b,q=\"x\",p=1;,u=\xff\xfe,\xc3\xa9=1,s=a\\b,last=2");
    assert_eq!(baggage.as_str(), "good=1,last=2");
    let dropped = dropped.unwrap();
    assert_eq!((dropped.malformed, dropped.over_limit), (9, 0));
    assert!(dropped.to_string().contains("9 malformed"));
    assert_eq!(Baggage::parse(b""), (Baggage::new(), None));
    assert_eq!(Baggage::parse(b" ,, "), (Baggage::new(), None));
}

#[test]
fn baggage_limits_never_cut_a_member() {
    let list = |n: usize| (0..n).map(|i| format!("k{i}=v")).collect::<Vec<_>>().join(",");
    assert_eq!(Baggage::parse(list(64).as_bytes()).0.as_str(), list(64));
    let (baggage, dropped) = Baggage::parse(list(66).as_bytes());
    assert_eq!(baggage.as_str(), list(64));
    assert_eq!(dropped.map(|d| d.over_limit), Some(2));
    assert!(baggage.with("more", "1").is_err());
    assert!(baggage.with("k0", "1").is_ok());

    let exact = format!("k={}", "v".repeat(8190));
    assert_eq!(Baggage::parse(exact.as_bytes()), (Baggage::parse(exact.as_bytes()).0, None));
    let (baggage, dropped) = Baggage::parse(format!("a=1,{exact},b=2").as_bytes());
    assert_eq!(baggage.as_str(), "a=1,b=2");
    assert_eq!(dropped.map(|d| d.over_limit), Some(1));
    assert!(Baggage::new().with("k", &"v".repeat(8191)).is_err());
    assert!(Baggage::new().with("no token", "v").is_err());
    assert!(Baggage::new().with("", "v").is_err());
}

/// Text that is nearly a header, which finds more than random bytes do.
fn header_like() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any::<Vec<u8>>(),
        "[a-z0-9=,; \t%@sbr:+-]{0,120}".prop_map(String::into_bytes),
        proptest::collection::vec("[ \t]{0,2}[a-z]{0,4}[ \t]{0,2}=?[ \t]{0,2}[ -~]{0,8}", 0..70)
            .prop_map(|m| m.join(",").into_bytes()),
    ]
}

proptest! {
    #[test]
    fn traceparent_round_trip(trace in 1..=u128::MAX, span in 1..=u64::MAX, flags in 0..4u8) {
        let parent = TraceParent { trace_id: TraceId::new(trace).unwrap(), span_id: SpanId::new(span).unwrap(), flags };
        prop_assert_eq!(TraceParent::parse(&parent.to_bytes()), Ok(parent));
        prop_assert_eq!(parent.to_string(), format!("00-{trace:032x}-{span:016x}-{flags:02x}"));
    }

    #[test]
    fn traceparent_takes_only_its_own_spelling(place in 0..55usize, byte: u8) {
        let mut text = PARENT.as_bytes().to_vec();
        text[place] = byte;
        if let Ok(parent) = TraceParent::parse(&text) {
            prop_assert_eq!(&parent.to_bytes()[3..53], &text[3..53]);
        }
    }

    #[test]
    fn tracestate_reads_back(header in header_like(), run: Option<u128>, max in 0..200usize) {
        let run = run.and_then(RunId::new);
        let (_, state, problem) = TraceState::parse(&header);
        prop_assert!(problem.is_none() || state.is_empty() || problem.is_some_and(|p| p.reason().contains("sb")));
        let mut out = String::new();
        state.write(run, &mut out);
        let (again, foreign, problem) = TraceState::parse(out.as_bytes());
        prop_assert_eq!(problem, None);
        prop_assert_eq!(again, run);
        prop_assert!(state.as_str().starts_with(foreign.as_str()));
        out.clear();
        let dropped = state.write_within(run, max, &mut out);
        prop_assert!(out.len() <= max);
        let written = out.split(',').filter(|m| !m.is_empty()).count();
        prop_assert!(written + dropped >= state.iter().count());
        prop_assert_eq!(TraceState::parse(out.as_bytes()).2, None);
    }

    #[test]
    fn baggage_reads_back(header in header_like()) {
        let (baggage, _) = Baggage::parse(&header);
        prop_assert!(baggage.as_str().len() <= 8192 && baggage.iter().count() <= 64);
        prop_assert_eq!(Baggage::parse(baggage.as_str().as_bytes()), (baggage.clone(), None));
        for member in baggage.iter() {
            prop_assert!(!member.key().is_empty());
            let _ = (member.value(), member.properties().count());
        }
    }

    #[test]
    fn baggage_keeps_any_value(header in header_like(), key in "[!#$%&'*+.^_`|~0-9A-Za-z-]{1,20}", value: String) {
        let (baggage, _) = Baggage::parse(&header);
        if let Ok(with) = baggage.with(&key, &value) {
            prop_assert_eq!(Baggage::parse(with.as_str().as_bytes()), (with.clone(), None));
            prop_assert_eq!(with.get(&key), Some(value.into()));
            prop_assert_eq!(with.without(&key), baggage.without(&key));
            prop_assert_eq!(with.iter().filter(|m| m.key() == key).count(), 1);
        }
    }
}
