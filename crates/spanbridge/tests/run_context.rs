//! The stored form of a run: every release reads what this one wrote, and nothing that is stored can do harm.
#![cfg(feature = "json")]

use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use spanbridge::w3c::{Baggage, TraceParent, TraceState};
use spanbridge::{Context, RunContext, RunId, observe};

/// What release 0.1 wrote. These files are never changed: a later version adds files of its own.
const V1: [(&str, &str); 6] = [
    ("suspended", include_str!("run_context/v1-suspended.json")),
    ("left-child", include_str!("run_context/v1-left-child.json")),
    ("context", include_str!("run_context/v1-context.json")),
    ("empty", include_str!("run_context/v1-empty.json")),
    ("later-fields", include_str!("run_context/v1-later-fields.json")),
    ("left-again", include_str!("run_context/v1-left-again.json")),
];

fn v1(name: &str) -> RunContext {
    V1.iter().find(|(n, _)| *n == name).unwrap().1.parse().unwrap()
}

/// What was stored is read, and written as it was.
#[test]
fn stored_contexts_are_read_for_ever() {
    for (name, text) in V1 {
        assert_eq!(v1(name).to_string(), text.trim_end(), "{name}");
    }
    let said = |name| (v1(name).run_id().map(RunId::get), v1(name).is_suspended(), v1(name).is_empty());
    let own = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;
    assert_eq!(said("suspended"), (Some(own), true, false));
    assert_eq!(said("left-child"), (Some(0xaa), false, false));
    assert_eq!(said("context"), (Some(0xaa), false, false));
    assert_eq!(said("empty"), (None, false, true));
    assert_eq!(said("later-fields"), (Some(own), true, false));
    assert_eq!(said("left-again"), (Some(own), false, false));

    let context = Context::from(v1("suspended"));
    assert_eq!(context.run_id().map(RunId::get), Some(own));
    assert_eq!((context.flags(), context.is_sampled()), (1, true), "release 0.1 sent 03, which some peers drop");
    assert_eq!(context.trace_state().get("congo"), Some("t61rcWkgMzE"));
    assert_eq!(context.baggage().as_str(), "tenant=acme,plan=gold");
}

/// The same, by postcard and by CBOR, as release 0.1 wrote them.
#[test]
fn formats_that_do_not_describe_themselves() {
    for (name, text) in V1 {
        let saved = v1(name);
        let bytes = postcard::to_stdvec(&saved).unwrap();
        let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        let known = concat!(
            include_str!("run_context/v1-postcard.txt"),
            include_str!("run_context/v1-left-again-postcard.txt")
        )
        .lines()
        .find_map(|l| l.strip_prefix(name)?.strip_prefix(' '));
        assert_eq!(Some(&*hex), known, "{name}");
        assert_eq!(postcard::from_bytes::<RunContext>(&bytes).unwrap(), saved, "{name}");

        let mut bytes = vec![];
        ciborium::into_writer(&saved, &mut bytes).unwrap();
        let again: RunContext = ciborium::from_reader(&*bytes).unwrap();
        assert_eq!(again.to_string(), text.trim_end(), "{name}");
    }
}

#[test]
fn in_the_state_of_a_workflow() {
    #[derive(Deserialize, Serialize, PartialEq, Debug)]
    struct State {
        step: u32,
        run: Option<RunContext>,
    }
    let state = State { step: 2, run: Some(v1("later-fields")) };
    let json = serde_json::to_string(&state).unwrap();
    assert_eq!(serde_json::from_str::<State>(&json).unwrap(), state);
    let value = serde_json::to_value(&state).unwrap();
    let again: State = serde_json::from_value(value.clone()).unwrap();
    assert_eq!(serde_json::to_value(&again).unwrap(), value);
}

#[test]
fn what_cannot_be_read_is_said_clearly() {
    let error = |text: &str| text.parse::<RunContext>().unwrap_err().to_string();
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let cases = [
        ("", "read a run context: EOF while parsing a value at line 1 column 0".to_owned()),
        (
            "[]",
            "read a run context: invalid type: sequence, expected a run context: an object with `version` and \
             `traceparent` at line 1 column 0"
                .to_owned(),
        ),
        (
            r#"{"version":2,"traceparent":7}"#,
            "read a run context: it was written by a newer spanbridge (version 2, this one reads 1) at line 1 column 12"
                .to_owned(),
        ),
        (r#"{"version":1,"runId":"aa"}"#, "read a run context: runId: expected 32 hexadecimal digits at line 1 column 26".to_owned()),
        (
            r#"{"suspensionId":"00f067aa0ba902b7"}"#,
            "read a run context: missing field `traceparent` at line 1 column 35".to_owned(),
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(error(text), expected);
    }
    for other in ["{}", r#"{"order":5}"#] {
        assert!(error(other).starts_with("read a run context: missing field `version` at line 1"), "{}", error(other));
    }
    for text in [
        r#"{"version":0}"#.to_owned(),
        r#"{"version":"1"}"#.to_owned(),
        r#"{"traceparent":"00-1-2-1"}"#.to_owned(),
        format!(r#"{{"traceparent":"{parent}","suspensionId":"0000000000000000"}}"#),
        format!(r#"{{"traceparent":"{parent}","legId":"0000000000000000"}}"#),
        format!(r#"{{"traceparent":"{parent}","legId":7}}"#),
        r#"{"version":1,"legId":"00f067aa0ba902b7"}"#.to_owned(),
        format!(r#"{{"traceparent":"{parent}","runId":"00000000000000000000000000000000"}}"#),
        format!(r#"{{"traceparent":"{parent}""#),
        format!(r#"{{"x":{}1{}}}"#, "[".repeat(40), "]".repeat(40)),
        format!(r#"{{"x":{}1{}}}"#, r#"{"a":"#.repeat(40), "}".repeat(40)),
    ] {
        assert!(text.parse::<RunContext>().is_err(), "{text}");
    }
    // What is wrong with the rest is left out, as on a message.
    let text = format!(r#"{{"traceparent":"{parent}","tracestate":"=","baggage":"a=1,=,b=2","runId":null}}"#);
    let saved: RunContext = text.parse().unwrap();
    let context = Context::from(saved);
    assert_eq!((context.trace_state().iter().count(), context.baggage().as_str()), (0, "a=1,b=2"));
}

#[test]
fn hostile_nesting_in_binary_is_an_error() {
    // One field, which is a list of a list of a list …
    let mut bytes = vec![1, 1, b'x'];
    bytes.extend([6, 1].repeat(1 << 20));
    assert!(postcard::from_bytes::<RunContext>(&bytes).is_err());
}

#[test]
fn fields_of_later_releases_are_bounded() {
    let fields: Vec<_> = (0..1_000).map(|n| format!(r#""f{n}":{n}"#)).collect();
    let saved: RunContext = format!(r#"{{"version":1,{}}}"#, fields.join(",")).parse().unwrap();
    let again = serde_json::to_value(&saved).unwrap();
    assert_eq!(again.as_object().unwrap().len(), 65);
    // To the last bit of a number.
    let number = r#"{"version":1,"x":1.8446747070359458e+19}"#;
    assert_eq!(number.parse::<RunContext>().unwrap().to_string(), number);
    let twice: RunContext = r#"{"x":1,"version":1,"x":[2]}"#.parse().unwrap();
    assert_eq!(twice.to_string(), r#"{"version":1,"x":[2]}"#);
}

/// A library is built without the feature `record`; what it saves is carried all the same.
#[test]
fn a_context_alone_goes_there_and_back() {
    let parent = TraceParent::parse(b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
    let (_, state, _) = TraceState::parse(b"a=1,b=2");
    let (baggage, _) = Baggage::parse(b"k=v");
    for run in [None, RunId::new(7)] {
        let context = Context::remote(parent, run, state.clone(), baggage.clone());
        let saved = RunContext::from(&context);
        assert_eq!(Context::from(saved.to_string().parse::<RunContext>().unwrap()), context);
        // Resumed it is the same context, of a run that is not ours to end.
        let run = observe::resume_run(saved.to_string().parse().unwrap());
        assert_eq!(*run.context(), context);
        assert_eq!(run.suspend("again"), saved);
    }
    assert_eq!(RunContext::from(Context::EMPTY), RunContext::default());
    let nobody = observe::resume_run(RunContext::default());
    assert!(nobody.id().is_none() && nobody.leave().is_empty());
}

/// Any state at all, as far as it can be stored.
fn saved() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|v| v.to_string()),
        any::<i64>().prop_map(|v| v.to_string()),
        any::<u64>().prop_map(|v| v.to_string()),
        (-1e9..1e9f64).prop_map(|v| serde_json::to_string(&v).unwrap()),
        any::<String>().prop_map(|v| serde_json::to_string(&v).unwrap()),
    ];
    let value = leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|v| format!("[{}]", v.join(","))),
            prop::collection::btree_map("[a-z]{0,3}", inner, 0..4).prop_map(|m| {
                let fields: Vec<_> = m.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect();
                format!("{{{}}}", fields.join(","))
            }),
        ]
    });
    let ids = (1..u128::MAX, 1..u64::MAX, 0..4u8);
    let unknown = prop::collection::btree_map("z[a-z]{0,6}", value, 0..4);
    let owner =
        proptest::option::of((1..u128::MAX, [proptest::option::of(1..u64::MAX), proptest::option::of(1..u64::MAX)]));
    (proptest::option::of((ids, owner)), unknown).prop_map(|(known, unknown)| {
        let mut fields = vec![r#""version":1"#.to_owned()];
        if let Some(((trace, span, flags), owner)) = known {
            fields.push(format!(r#""traceparent":"00-{trace:032x}-{span:016x}-{flags:02x}""#));
            if let Some((run, [suspension, leg])) = owner {
                fields.push(format!(r#""runId":"{run:032x}""#));
                fields.extend(suspension.map(|id| format!(r#""suspensionId":"{id:016x}""#)));
                fields.extend(leg.map(|id| format!(r#""legId":"{id:016x}""#)));
            }
        }
        fields.extend(unknown.iter().map(|(k, v)| format!("\"{k}\":{v}")));
        format!("{{{}}}", fields.join(","))
    })
}

proptest! {
    #[test]
    fn comes_back_as_it_was(text in saved()) {
        let saved: RunContext = text.parse().unwrap();
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        prop_assert_eq!(value(&saved.to_string()), value(&text));
        let bytes = postcard::to_stdvec(&saved).unwrap();
        prop_assert_eq!(&postcard::from_bytes::<RunContext>(&bytes).unwrap(), &saved);
    }

    #[test]
    fn whatever_is_stored_never_panics(text in any::<String>(), bytes in any::<Vec<u8>>(), known in saved(), cut: prop::sample::Index, byte: u8) {
        let _ = text.parse::<RunContext>();
        let _ = postcard::from_bytes::<RunContext>(&bytes);
        let _ = ciborium::from_reader::<RunContext, _>(&*bytes);
        let mut damaged = known.into_bytes();
        let at = cut.index(damaged.len());
        damaged[at] = byte;
        if let Ok(saved) = serde_json::from_slice::<RunContext>(&damaged) {
            // Flags that are not known are not written again, as on the wire.
            let again = saved.to_string();
            prop_assert_eq!(again.parse::<RunContext>().unwrap().to_string(), again);
        }
    }
}
