//! Reading cases: what is written reads the same again, and what contradicts itself is refused with a reason.

use proptest::prelude::*;
use serde_json::{Value, json};
use spanbridge::{RunId, SpanId};
use spanbridge_replay::{Artifact, Case, Content, ErrorKind, Event, Report, Run, Span, Verdict, Wanted};

fn id(n: u64) -> SpanId {
    SpanId::new(n).unwrap()
}

/// Spans 1 to `parents.len() + 1`: the entry, and below it one for each number, which chooses the parent.
fn tree(parents: &[usize]) -> Case {
    let mut case =
        Case::new(Run::new(RunId::new(7).unwrap(), "order 42"), Span::new(id(1), "process", "messaging.process"));
    for (place, parent) in parents.iter().enumerate() {
        let mut span = Span::new(id(place as u64 + 2), format!("span {place}"), "http.client");
        span.parent_span_id = Some(id((parent % (place + 1)) as u64 + 1));
        case.add(span)
    }
    case
}

proptest! {
    #[test]
    fn what_is_written_reads_the_same(
        parents in prop::collection::vec(any::<usize>(), 0..20),
        text in ".{0,40}",
        size in any::<u64>(),
        event in ".{0,10}",
        expect in prop::option::of(prop::sample::select(vec![Wanted::Ok, Wanted::Error])),
    ) {
        let mut case = tree(&parents);
        let mut span = Span::new(id(1000), text.clone(), "custom.x");
        span.parent_span_id = Some(id(1));
        span.error = Some(text.clone());
        span.attributes.insert(event.clone(), json!({"n": size, "f": 0.1}));
        span.events.push(Event::new(event));
        case.add(span);
        case.artifacts.push(Artifact::whole(id(1), "input", "text/plain", text.clone()));
        case.artifacts.push(Artifact::new(id(1), "output", "", Content::new("utf-8", None), size));
        case.live.push("http.client GET http://x/ y".parse().unwrap());
        case.ignore.push("body:/a~1b/0".parse().unwrap());
        case.ignore.push("header:X-Id".parse().unwrap());
        case.scratch = Some(text);
        case.expect = expect;
        prop_assert_eq!(&Case::from_json(case.to_json().as_bytes()).unwrap(), &case);
    }

    /// Whatever stands at one place of a case, reading it is no panic.
    #[test]
    fn any_value_anywhere_is_read_or_refused(place in 0..8usize, value in value()) {
        let mut case: Value = serde_json::from_str(&tree(&[0, 1]).to_json()).unwrap();
        let pointer = ["", "/run", "/entry", "/spans", "/spans/1", "/spans/1/parentSpanId", "/artifacts", "/schemaVersion"][place];
        *case.pointer_mut(pointer).unwrap() = value;
        if let Ok(read) = Case::from_json(case.to_string().as_bytes()) {
            prop_assert_eq!(Case::from_json(read.to_json().as_bytes()).unwrap(), read);
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Case::from_json(&bytes).is_err());
        prop_assert!(Report::from_json(&bytes).is_err());
    }

    #[test]
    fn hexadecimal_is_bytes_or_nothing(text in "[0-9a-fA-Fg]{0,9}") {
        let bytes = Content::new("hex", Some(text.clone())).bytes().map(|bytes| bytes.len());
        let is_valid = text.len() % 2 == 0 && !text.contains('g');
        prop_assert_eq!(bytes, is_valid.then_some(text.len() / 2));
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[0-9a-f]{16}".prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("spanId|name|primitive|spans|parentSpanId|kind", inner, 0..4)
                .prop_map(|map| map.into_iter().collect::<Value>()),
        ]
    })
}

fn refused(change: impl FnOnce(&mut Value)) -> (ErrorKind, String) {
    let mut case: Value = serde_json::from_str(&tree(&[0, 1]).to_json()).unwrap();
    change(&mut case);
    let error = Case::from_json(case.to_string().as_bytes()).unwrap_err();
    (error.kind(), error.to_string())
}

#[test]
fn contradictions_are_named() {
    let contradiction = |text: &str| (ErrorKind::Contradiction, format!("read a case: {text}"));
    assert_eq!(
        refused(|case| case["spans"][2]["spanId"] = case["spans"][1]["spanId"].clone()),
        contradiction("two spans have the id 0000000000000002")
    );
    assert_eq!(
        refused(|case| case["entry"] = "00f067aa0ba902b7".into()),
        contradiction("the entry 00f067aa0ba902b7 is none of its spans")
    );
    // Two spans that are each below the other.
    assert_eq!(
        refused(|case| case["spans"][1]["parentSpanId"] = case["spans"][2]["spanId"].clone()),
        contradiction("the span 0000000000000002 is not below the entry")
    );
    assert_eq!(
        refused(|case| {
            case["artifacts"] = json!([{"spanId": "00f067aa0ba902b7", "kind": "input", "sizeBytes": 0}])
        }),
        contradiction("an artifact belongs to 00f067aa0ba902b7, which is none of its spans")
    );
    assert_eq!(
        refused(|case| {
            let artifact =
                json!({"spanId": case["entry"], "kind": "input", "encoding": "hex", "content": "0g", "sizeBytes": 1});
            case["artifacts"] = json!([artifact])
        }),
        contradiction("an artifact of 0000000000000001 is not hexadecimal")
    );
}

/// A file that is cut says which file it is.
#[test]
fn a_cut_file_is_named() {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("half.json");
    let whole = tree(&[0, 1]).to_json();
    std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let error = Case::read(&file).unwrap_err();
    let named = format!("read the case {}: EOF while parsing", file.display());
    assert!(error.kind() == ErrorKind::Json && error.to_string().starts_with(&named), "{error}");
}

#[test]
fn other_versions_and_rules_are_refused() {
    assert_eq!(
        refused(|case| case["schemaVersion"] = 2.into()),
        (ErrorKind::Version, "read a case: it has version 2, and this release reads 1".to_owned())
    );
    for (field, rule, said) in [
        ("live", "db.query", "queries are let through by the name of the scratch database"),
        ("live", "messaging.settle", "nothing is settled in a replay"),
        ("live", "fax", "a live call begins with http.client, messaging.publish or function.invoke"),
        ("ignore", "body:x", "what is ignored is `header:NAME` or `body:/JSON/POINTER`"),
    ] {
        let (kind, text) = refused(|case| case[field] = json!([rule]));
        assert_eq!(kind, ErrorKind::Json);
        assert!(text.contains(said), "{text}");
    }
}

/// A chain of 50,000 spans: read without recursion, and in no time that grows with its square.
#[test]
fn deep_cases_are_read() {
    let parents: Vec<usize> = (0..50_000).collect();
    let case = tree(&parents);
    assert_eq!(Case::from_json(case.to_json().as_bytes()).unwrap().spans().len(), 50_001);
}

#[test]
fn reports_read_the_same() {
    let report = Report::impossible(&tree(&[]), "the input was recorded by reference only");
    assert_eq!(report.verdict, Verdict::Impossible);
    assert_eq!(Report::from_json(report.to_json().as_bytes()).unwrap(), report);
    let later = report.to_json().replace("\"schemaVersion\":1", "\"schemaVersion\":2");
    assert_eq!(Report::from_json(later.as_bytes()).unwrap_err().kind(), ErrorKind::Version);
    let of_another_form = br#"{"schemaVersion":2,"outcome":"same"}"#;
    assert_eq!(Report::from_json(of_another_form).unwrap_err().kind(), ErrorKind::Version);
}
