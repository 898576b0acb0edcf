//! Lines of JSON: members of the object itself, once each, whatever the event has.
#![cfg(feature = "fmt")]

mod lines;

use lines::{Lines, RUN, SPAN, TRACE, in_trace, sent};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use spanbridge::observe;
use spanbridge_tracing::fmt::{IdsWriter, WithIds};
use std::io::Write;
use tracing::subscriber::with_default;
use tracing::{info, info_span, warn};
use tracing_subscriber::fmt::MakeWriter;

const OURS: [&str; 4] = ["trace_id", "span_id", "trace_flags", "run_id"];

/// The members of an object, in order, also those of one name.
struct Members(Vec<(String, Value)>);

impl<'de> serde::Deserialize<'de> for Members {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> serde::de::Visitor<'de> for V {
            type Value = Members;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = vec![];
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(V)
    }
}

/// A line's object. No name stands there twice.
#[track_caller]
fn object(line: &str) -> Map<String, Value> {
    let members: Members = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    let mut object = Map::new();
    for (name, value) in members.0 {
        assert!(object.insert(name.clone(), value).is_none(), "two members {name}: {line}");
    }
    object
}

/// The one line that was written since the last time.
#[track_caller]
fn one(lines: &Lines) -> String {
    let mut lines = lines.take();
    assert_eq!(lines.len(), 1, "{lines:?}");
    lines.pop().unwrap()
}

fn ids() -> Value {
    json!({"trace_id": TRACE, "span_id": SPAN, "trace_flags": "01", "run_id": TRACE})
}

/// The object that a formatter writes, as it is for one way of `flatten_event`.
#[track_caller]
fn formatted(flatten: bool, work: impl Fn()) -> Map<String, Value> {
    let lines = Lines::default();
    let json = tracing_subscriber::fmt().json().flatten_event(flatten).with_current_span(false).with_span_list(false);
    with_default(json.with_writer(lines.clone()).with_ids().finish(), work);
    object(&one(&lines))
}

#[test]
fn members_of_the_object() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().json().without_time().with_writer(lines.clone()).with_ids().finish();
    with_default(subscriber, || in_trace(|| info_span!("place", order = 7).in_scope(|| warn!(stock = 0, "sold out"))));
    let expected = format!(
        "{{\"level\":\"WARN\",\"fields\":{{\"message\":\"sold out\",\"stock\":0}},\"target\":\"fmt_json\",\
         \"span\":{{\"order\":7,\"name\":\"place\"}},\"spans\":[{{\"order\":7,\"name\":\"place\"}}],\
         \"trace_id\":\"{TRACE}\",\"span_id\":\"{SPAN}\",\"trace_flags\":\"01\",\"run_id\":\"{TRACE}\"}}\n"
    );
    assert_eq!(one(&lines), expected);
}

#[test]
fn flattened_and_without_spans() {
    let mut object = formatted(true, || in_trace(|| info!(order = 7, "placed")));
    assert!(object.remove("timestamp").is_some_and(|time| time.is_string()));
    let mut expected = json!({"level": "INFO", "message": "placed", "order": 7, "target": "fmt_json"});
    expected.as_object_mut().unwrap().extend(ids().as_object().unwrap().clone());
    assert_eq!(Value::Object(object), expected);
}

/// Where the event has fields of our names: flattened they win, under `fields` both are kept.
#[test]
fn names_that_are_taken() {
    let work = || observe::in_scope(&sent(0, Some(RUN)), || info!(trace_id = "mine", run_id = 3));
    let flat = formatted(true, work);
    assert_eq!(OURS.map(|name| flat[name].clone()), [json!("mine"), json!(SPAN), json!("00"), json!(3)]);
    let nested = formatted(false, work);
    assert_eq!(OURS.map(|name| nested[name].clone()), [json!(TRACE), json!(SPAN), json!("00"), json!(RUN)]);
    assert_eq!(nested["fields"], json!({"trace_id": "mine", "run_id": 3}));
    let all = formatted(true, || in_trace(|| info!(trace_id = 1, span_id = 2, trace_flags = 3, run_id = 4)));
    assert_eq!(OURS.map(|name| all[name].clone()), [1, 2, 3, 4].map(Value::from));
}

#[test]
fn nothing_outside_of_a_trace() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().json().without_time().with_writer(lines.clone()).with_ids().finish();
    with_default(subscriber, || info!("x"));
    assert_eq!(one(&lines), "{\"level\":\"INFO\",\"fields\":{\"message\":\"x\"},\"target\":\"fmt_json\"}\n");
}

/// What a layer of another crate writes in one call gets ids. What is written in pieces does not.
#[test]
fn a_writer_alone() {
    let lines = Lines::default();
    let writer = IdsWriter::new(lines.clone());
    let write = |pieces: &[&str]| {
        let mut line = in_trace(|| writer.make_writer());
        pieces.iter().for_each(|piece| line.write_all(piece.as_bytes()).unwrap());
        line.flush().unwrap();
        lines.take().concat()
    };
    assert_eq!(Value::Object(object(&write(&["{ }\n"]))), ids());
    assert_eq!(write(&["<13>1 x\n"]), format!("<13>1 x trace_id={TRACE} span_id={SPAN}\n"));
    assert_eq!(write(&["{\"a\":1", ",\"b\":2}\n"]), "{\"a\":1,\"b\":2}\n");
    assert_eq!(write(&["a", "\n"]), "a\n");
    let mut outside = writer.make_writer();
    assert_eq!(outside.write(b"{}\n").unwrap(), 3);
    assert_eq!(one(&lines), "{}\n");
    let mut inside = in_trace(|| writer.make_writer());
    assert_eq!(inside.write(b"{}\n").unwrap(), 3, "what was asked for, not what was written");
}

/// The inner writer's error, unchanged.
#[test]
fn a_writer_that_fails() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("no space left"))
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Err(std::io::Error::other("not flushed"))
        }
    }
    let writer = IdsWriter::new(|| Full);
    let mut line = in_trace(|| writer.make_writer());
    assert_eq!(line.write_all(b"a\n").unwrap_err().to_string(), "no space left");
    assert_eq!(line.flush().unwrap_err().to_string(), "not flushed");
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        hostile().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name(), inner), 0..4).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof![prop::sample::select(OURS.to_vec()).prop_map(str::to_owned), hostile()]
}

/// Text full of what JSON is made of.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        "[\\\\\"{}\\[\\]:, \n\u{0}a]{0,12}",
        any::<String>(),
        Just("\"trace_id\":\"1\"}".to_owned()),
        Just("\\".to_owned()),
    ]
}

proptest! {
    /// Any object stays one. Without our members it is what it was.
    #[test]
    fn any_object(members in prop::collection::vec((name(), value()), 0..6), pretty: bool, end in "[ \r]{0,2}") {
        let before: Map<String, Value> = members.into_iter().collect();
        let text = if pretty { serde_json::to_string_pretty(&before) } else { serde_json::to_string(&before) };
        let lines = Lines::default();
        in_trace(|| IdsWriter::new(lines.clone()).make_writer()).write_all(format!("{}{end}\n", text.unwrap()).as_bytes()).unwrap();
        let mut after = object(&one(&lines));
        for name in OURS {
            let ours = if before.contains_key(name) { None } else { after.remove(name) };
            prop_assert_eq!(ours.is_some(), !before.contains_key(name));
        }
        prop_assert_eq!(after, before);
    }

    /// Any text, also if it begins like JSON: the ids can be taken out again, and nothing else has changed.
    #[test]
    fn any_text(text in prop_oneof![any::<String>(), "\\{[\\\\\"{}\\[\\]:,. a1]{0,20}\\}"]) {
        let lines = Lines::default();
        let text = format!("{text}\n");
        in_trace(|| IdsWriter::new(lines.clone()).make_writer()).write_all(text.as_bytes()).unwrap();
        let line = one(&lines);
        let fields = format!("trace_id={TRACE} span_id={SPAN}");
        let members = format!("\"trace_id\":\"{TRACE}\",\"span_id\":\"{SPAN}\",\"trace_flags\":\"01\",\"run_id\":\"{TRACE}\"");
        let ours = [format!("\n    {fields}"), format!(" {fields}"), fields, format!(",{members}"), members];
        prop_assert!(line == text || ours.iter().any(|ours| line.replacen(ours, "", 1) == text), "{line:?} of {text:?}");
        prop_assert!(line != text || text.starts_with("{"), "no ids");
    }

    /// Any values of an event, through the JSON formatter itself.
    #[test]
    fn any_event(message in hostile(), value in hostile(), flatten: bool) {
        let lines = Lines::default();
        let json = tracing_subscriber::fmt().json().without_time().flatten_event(flatten).with_writer(lines.clone());
        let work = || in_trace(|| info_span!("place", value).in_scope(|| info!(value, "{message}")));
        with_default(json.with_ids().finish(), work);
        let mut with = object(&one(&lines));
        let json = tracing_subscriber::fmt().json().without_time().flatten_event(flatten).with_writer(lines.clone());
        with_default(json.finish(), work);
        let without = object(&one(&lines));
        prop_assert_eq!(OURS.map(|name| with.remove(name).is_some()), [true; 4]);
        prop_assert_eq!(with, without);
    }
}
