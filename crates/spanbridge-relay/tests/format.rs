//! Records come back from their messages as they were, and anything else is named.

use proptest::collection::vec;
use proptest::prelude::*;
use spanbridge::record::{Body, Diagnostic, Event, Record};
use spanbridge::{RunId, SegmentId, SpanId, TraceId};
use spanbridge_graph::arbitrary::record;
use spanbridge_graph::run_of;
use spanbridge_relay::format::{Decoded, MAX_VALUE_BYTES, Message, decode, encode};
use std::collections::BTreeMap;

fn messages(records: &[Record<'_>]) -> Vec<Message> {
    encode(records.iter().map(Record::view))
}

fn read(message: &Message) -> Decoded<'_> {
    decode(Some(b"1"), Some(message.value.as_bytes())).unwrap()
}

/// Records as JSON, by run: NaN is not equal to itself, and its text is.
fn by_run<'r>(records: impl IntoIterator<Item = &'r Record<'r>>) -> BTreeMap<Option<RunId>, Vec<String>> {
    let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for record in records {
        all.entry(run_of(record)).or_default().push(record.to_json());
    }
    all
}

/// With a text of this length.
fn event(run: u128, seq: u64, length: usize) -> Record<'static> {
    let event = Event::new(SpanId::new(1).unwrap(), "e", "x".repeat(length), 1);
    let ids = (RunId::new(run), TraceId::new(run));
    Record::new(SegmentId::new(1).unwrap(), seq, "s", Body::Event(event)).of_run(ids.0, ids.1)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn records_come_back(records in vec(record(), 0..20)) {
        // Also those whose run or trace is missing: only diagnostics and mutations may lack it.
        let records: Vec<_> = records.into_iter().filter(|r| matches!(Record::from_json(&r.to_json()), Ok(Some(_)))).collect();
        let messages = messages(&records);
        let mut found = Vec::new();
        for message in &messages {
            let decoded = read(message);
            prop_assert!(decoded.faults.is_empty(), "{:?}", decoded.faults);
            prop_assert_eq!(decoded.records.len() as u64, message.records);
            prop_assert!(decoded.records.iter().all(|record| run_of(record) == message.key));
            prop_assert!(message.value.len() <= MAX_VALUE_BYTES || message.records == 1);
            found.extend(decoded.records);
        }
        // What is written reads as one that says the same, so texts of what came back are compared with texts of what went.
        let again: Vec<_> = records.iter().map(Record::to_json).collect();
        let again: Vec<_> = again.iter().filter_map(|line| Record::from_json(line).ok().flatten()).collect();
        prop_assert_eq!(by_run(&found), by_run(&again));
    }

    /// Any bytes between good lines.
    #[test]
    fn rubbish_hides_no_record(records in vec(record(), 1..6), rubbish in vec(vec(any::<u8>(), 1..40), 0..6)) {
        let mut value = Vec::new();
        let (mut good, mut lines) = (0, 0);
        for (at, record) in records.iter().enumerate() {
            if let Some(rubbish) = rubbish.get(at) {
                let line: Vec<u8> = rubbish.iter().copied().filter(|byte| *byte != b'\n').collect();
                lines += usize::from(!line.trim_ascii().is_empty());
                value.extend_from_slice(&line);
                value.push(b'\n');
            }
            let line = record.to_json();
            let is_good = matches!(Record::from_json(&line), Ok(Some(_)));
            (good, lines) = (good + usize::from(is_good), lines + 1);
            value.extend_from_slice(line.as_bytes());
            value.push(b'\n');
        }
        let decoded = decode(None, Some(&value)).unwrap();
        prop_assert_eq!(decoded.records.len(), good);
        prop_assert_eq!(decoded.records.len() + decoded.faults.len(), lines);
    }

    #[test]
    fn any_bytes_are_read_or_named(format in proptest::option::of(vec(any::<u8>(), 0..4)), value in proptest::option::of(vec(any::<u8>(), 0..200))) {
        match decode(format.as_deref(), value.as_deref()) {
            Ok(decoded) => prop_assert!(decoded.records.len() + decoded.faults.len() > 0),
            Err(fault) => prop_assert!(!fault.to_string().is_empty() && fault.line.is_none()),
        }
    }
}

/// Each is a message of another program, and what is said about it.
#[test]
fn what_is_wrong_is_named() {
    let good = event(1, 1, 1).to_json();
    let newer = good.replace("\"span:event\"", "\"span:thought\"");
    let later_version = good.replace("\"schemaVersion\":1", "\"schemaVersion\":9");
    let no_run = good.replace("\"runId\"", "\"ranId\"");
    let with_nul = format!("{good}\0");
    let cases: [(&[u8], usize, &[&str]); 14] = [
        (good.as_bytes(), 1, &[]),
        (&format!("\n{good}\r\n \n{good}\n").into_bytes(), 2, &[]),
        (later_version.as_bytes(), 1, &[]),
        (b"", 0, &["it has no record"]),
        (b"\n \n", 0, &["it has no record"]),
        (b"{", 0, &["line 1: it is not one JSON object"]),
        (b"[]", 0, &["line 1: it is not one JSON object"]),
        (b"{}", 0, &["line 1: it has no `type`"]),
        (b"\xff\xfe", 0, &["line 1: it is not UTF-8"]),
        (newer.as_bytes(), 0, &["line 1: this release does not know this type"]),
        (no_run.as_bytes(), 0, &["line 1: it has no `runId`"]),
        (with_nul.as_bytes(), 0, &["line 1: it is not one JSON object"]),
        (&format!("{good}{good}").into_bytes(), 0, &["line 1: it is not one JSON object"]),
        (&[b"x\n", good.as_bytes(), b"\n{\"type\":1}\n"].concat(), 1, &["line 1: it is not", "line 3: `type` is not"]),
    ];
    for (value, records, faults) in cases {
        let shown = String::from_utf8_lossy(value);
        let decoded = decode(Some(b"1"), Some(value));
        let (found, said) = match &decoded {
            Ok(decoded) => (decoded.records.len(), decoded.faults.iter().map(ToString::to_string).collect()),
            Err(fault) => (0, vec![fault.to_string()]),
        };
        assert_eq!((found, said.len()), (records, faults.len()), "{shown}: {said:?}");
        assert!(said.iter().zip(faults).all(|(said, expected)| said.starts_with(expected)), "{shown}: {said:?}");
    }
}

#[test]
fn another_format_is_not_read() {
    let value = event(1, 1, 1).to_json();
    for format in [b"2" as &[u8], b"", b"01", b"1 ", b"\xff", &[b'9'; 1 << 20]] {
        let fault = decode(Some(format), Some(value.as_bytes())).unwrap_err();
        assert!(fault.why.contains("spanbridge-format") && fault.why.len() < 200, "{fault}");
    }
    assert_eq!(decode(None, Some(value.as_bytes())).unwrap().records.len(), 1);
    assert_eq!(decode(Some(b"1"), None).unwrap_err().to_string(), "it has no value");
}

#[test]
fn a_run_has_as_few_messages_as_fit() {
    // Runs in turn, records of 1,000 bytes and more.
    let records: Vec<_> = (0..2_000).map(|n| event(u128::from(n % 4) + 1, n + 1, 1_000)).collect();
    let messages = messages(&records);
    let bytes: usize = messages.iter().map(|message| message.value.len()).sum();
    assert_eq!(messages.len(), 4 * (bytes / 4).div_ceil(MAX_VALUE_BYTES), "{bytes}");
    assert_eq!(messages.iter().map(|message| message.records).sum::<u64>(), 2_000);
}

#[test]
fn a_large_record_goes_alone() {
    let large = MAX_VALUE_BYTES + 1;
    let records = [event(1, 1, 10), event(1, 2, large), event(1, 3, 10), event(1, 4, 10)];
    let sizes: Vec<u64> = messages(&records).iter().map(|message| message.records).collect();
    assert_eq!(sizes, [1, 1, 2]);
    let found: Vec<String> = messages(&records)
        .iter()
        .flat_map(|m| read(m).records.iter().map(Record::to_json).collect::<Vec<_>>())
        .collect();
    assert_eq!(found, records.iter().map(Record::to_json).collect::<Vec<_>>());
}

#[test]
fn records_of_no_run_have_no_key() {
    let lost = Record::new(SegmentId::new(1).unwrap(), 1, "s", Body::Diagnostic(Diagnostic::new("lost", "3 records")));
    let messages = messages(&[lost, event(0xabc, 2, 1)]);
    let keys: Vec<_> = messages.iter().map(|message| message.key.map(|key| key.to_string())).collect();
    assert_eq!(keys, [None, Some("00000000000000000000000000000abc".to_owned())]);
}
