//! Whatever a text is, reading it ends, and what is a record in it is found.

use super::crux::story;
use proptest::prelude::*;
use serde_json::Value;
use spanbridge::record::Record;
use spanbridge_cli::import::crux::{Converted, Fields, read};
use spanbridge_cli::import::{Form, Part, Source, TextKind, TextReader, Texts};
use spanbridge_graph::arbitrary::record;

/// All that is read from an input.
fn read_all(input: &[u8], form: Form) -> Vec<Part<'static>> {
    let mut texts = Texts::new(Source::new(input).unwrap());
    let (mut reader, mut text, mut parts) = (TextReader::new(form), String::new(), Vec::new());
    while let Some((line, kind)) = texts.next(&mut text).unwrap() {
        assert!(line > 0);
        match kind {
            TextKind::Line | TextKind::Element => reader.read(&text, &mut |part| parts.push(part.into_owned())),
            kind => parts.push(Part::Broken(format!("{kind:?}"))),
        }
    }
    parts
}

fn ours(parts: &[Part<'_>]) -> Vec<String> {
    parts.iter().filter_map(|part| if let Part::Ours(record) = part { Some(record.to_json()) } else { None }).collect()
}

/// Pieces of what could be a record, so that they meet.
fn piece() -> BoxedStrategy<String> {
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        "\"",
        "\\",
        ",",
        ":",
        "\n",
        "{\"records\":[",
        "{\"events\":[{\"message\":\"",
        "{\"recordId\":\"x",
        "\"schemaVersion\":1,",
        "\"type\":\"span\"",
        "null",
        "1e999",
        "\u{feff}",
        "2026-11-20T09:25:46 ",
        "{\"a\":{\"a\":",
        "]}",
    ];
    prop_oneof![5 => proptest::sample::select(pieces.to_vec()).prop_map(str::to_owned), 1 => any::<String>()].boxed()
}

/// A record of Crux with members of others, or without some.
fn altered() -> BoxedStrategy<Value> {
    let member = proptest::sample::select(vec![
        "spanId",
        "runId",
        "traceId",
        "name",
        "status",
        "error",
        "startedAt",
        "endedAt",
        "preview",
        "from",
        "to",
        "metrics",
        "attributes",
        "family",
        "primitive",
        "previousSegmentId",
        "reason",
        "encoding",
        "anything",
    ]);
    let value = prop_oneof![
        Just(Value::Null),
        Just(serde_json::json!({"kind": "span", "id": "x"})),
        Just(serde_json::json!([1, {"a": "b"}])),
        any::<String>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(Value::from("2026-11-20T09:25:46Z")),
        Just(serde_json::json!({"message": "m", "name": "n", "more": 1.5})),
    ];
    let records: Vec<Value> = (2..=5).flat_map(story).collect();
    (proptest::sample::select(records), proptest::collection::vec((member, value), 0..6))
        .prop_map(|(mut record, members)| {
            members.into_iter().for_each(|(name, value)| record[name] = value);
            record
        })
        .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_text_is_read_to_its_end(pieces in proptest::collection::vec(piece(), 0..40)) {
        let text = pieces.concat();
        for form in [Form::Any, Form::Ours, Form::Crux] {
            for part in read_all(text.as_bytes(), form) {
                if let Part::Broken(why) = part {
                    prop_assert!(!why.is_empty() && !why.contains('\n'), "{why}");
                }
            }
        }
    }

    #[test]
    fn any_bytes_are_read_to_their_end(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(source) = Source::new(&bytes[..]) {
            source.content();
            let mut texts = Texts::new(source);
            while let Ok(Some(_)) = texts.next(&mut String::new()) {}
        }
    }

    /// As lines behind other text, in a document, and in messages of a log.
    #[test]
    fn records_are_found_in_whatever_form(records in proptest::collection::vec(record(), 1..6), before in "[a-z: ]{0,9}") {
        let lines: Vec<String> = records.iter().map(Record::to_json).collect();
        // Only records that are read alone: some of any kind have ids that ours never have.
        let expected: Vec<String> = lines.iter().filter(|line| matches!(Record::from_json(line), Ok(Some(_)))).cloned().collect();
        prop_assume!(expected.len() == lines.len());
        let behind = lines.iter().map(|line| format!("{before}{line}\n")).collect::<String>();
        prop_assert_eq!(ours(&read_all(behind.as_bytes(), Form::Any)), expected.clone());
        let document = format!("{{\"records\": [{}\n]}}", lines.join(",\n"));
        prop_assert_eq!(ours(&read_all(document.as_bytes(), Form::Any)), expected.clone());
        let events = lines.iter().map(|line| serde_json::json!({"message": format!("2026-11-20T09:25:46Z {line}\n")}));
        let log = serde_json::json!({"events": events.collect::<Vec<_>>()}).to_string();
        prop_assert_eq!(ours(&read_all(log.as_bytes(), Form::Any)), expected);
    }

    /// What is read of Crux is written and read as ours without a change, and says the same each time.
    #[test]
    fn records_of_crux_are_records_of_ours(altered in altered()) {
        let text = altered.to_string();
        let once = read(Fields::parse(&text).unwrap());
        prop_assert_eq!(&once, &read(Fields::parse(&text).unwrap()));
        if let Ok(Converted::Record { record, more } | Converted::Resumed { record, more }) = once {
            for record in [Some(record), more].into_iter().flatten() {
                let line = record.to_json();
                let again = Record::from_json(&line).unwrap().unwrap();
                prop_assert_eq!(again.to_json(), line.clone());
                prop_assert_eq!(again, record);
            }
        }
    }
}
