//! `POST /api/v1/records`.

use crate::support::{Serving, gzip, lines, span};
use boon::{Compiler, Schemas};
use proptest::prelude::*;
use serde_json::{Value, json};
use spanbridge::record::Record;
use std::sync::OnceLock;

const PATH: &str = "/api/v1/records";

fn receipt(read: u64, stored: u64, repeated: u64, conflicts: u64, rejected: &Value) -> Value {
    json!({
        "schemaVersion": 1, "read": read, "stored": stored, "repeated": repeated, "conflicts": conflicts, "rejected": rejected
    })
}

fn spans(count: u64) -> Vec<Record<'static>> {
    (0..count).map(|number| span(number, "work")).collect()
}

/// Each record once, whatever comes again, and however it is packed.
#[test]
fn the_same_again_changes_nothing() {
    let serving = Serving::start();
    let body = lines(&spans(10));
    assert_eq!(serving.records(&body), receipt(10, 10, 0, 0, &json!([])));
    let stored = serving.stored();
    assert_eq!(stored.len(), 10);
    assert_eq!(serving.records(&body), receipt(10, 0, 10, 0, &json!([])));
    let array = [b"[", body.trim_ascii_end(), b"]"].concat();
    let array: Vec<u8> = array.iter().map(|byte| if *byte == b'\n' { b',' } else { *byte }).collect();
    let document = [b"{\"records\": ", &*array, b"}"].concat();
    let forms: [(&[u8], &str, &str); 5] = [
        (&gzip(&body), "gzip", "application/x-ndjson"),
        (&zstd::encode_all(&body[..], 1).unwrap(), "zstd", ""),
        (&document, "identity", "application/json"),
        (&gzip(&array), "gzip", "application/json; charset=utf-8"),
        (&[&body, &body[..]].concat(), "", "application/x-www-form-urlencoded"),
    ];
    for (body, encoding, media) in forms {
        let mut headers = vec![];
        headers.extend((!encoding.is_empty()).then_some(("content-encoding", encoding)));
        headers.extend((!media.is_empty()).then_some(("content-type", media)));
        let answer = serving.post(PATH, &headers, body);
        let read = if encoding.is_empty() { 20 } else { 10 };
        assert_eq!(answer.json(), receipt(read, 0, read, 0, &json!([])), "{encoding} {media}");
    }
    assert_eq!(serving.stored(), stored);
}

/// The receipt names what can never be stored, by its place in the request, and all else is stored.
#[test]
fn a_receipt_names_what_is_rejected() {
    let serving = Serving::start();
    let all = spans(4);
    let json: Vec<String> = all.iter().map(Record::to_json).collect();
    let newer = json[3].replace("\"type\":\"span\"", "\"type\":\"span:later\"");
    let body = [
        json[0].as_bytes(),
        b"no record",
        b"",
        b"\xff\xfe",
        json[1].as_bytes(),
        newer.as_bytes(),
        b"{\"recordId\":\"1\"}",
        json[2].as_bytes(),
    ];
    let receipt = serving.records(&body.join(&b'\n'));
    let of = |field: &str| receipt[field].as_u64().unwrap();
    assert_eq!((of("read"), of("stored")), (7, 3), "{receipt}");
    let rejected: Vec<_> =
        receipt["rejected"].as_array().unwrap().iter().map(|r| r["index"].as_u64().unwrap()).collect();
    assert_eq!(rejected, [1, 2, 4, 5], "{receipt}");
    assert_eq!(receipt["rejected"][1]["reason"], "it is not UTF-8");
    assert_eq!(receipt["rejected"][2]["reason"], "this release does not know its type");
    let mut expected = json[..3].to_vec();
    expected.sort_unstable();
    assert_eq!(serving.stored(), expected);
}

#[test]
fn a_contradiction_is_kept_and_counted() {
    let serving = Serving::start();
    serving.records(&lines(&[span(0, "one"), span(1, "two")]));
    assert_eq!(serving.records(&lines(&[span(0, "other"), span(1, "two")])), receipt(2, 1, 1, 1, &json!([])));
    assert_eq!(serving.stored().len(), 3);
}

/// A document that is cut off has what stands before.
#[test]
fn a_document_that_is_cut_off() {
    let serving = Serving::start();
    let body = format!("{{\"records\":[{},{}", span(0, "work").to_json(), &span(1, "work").to_json()[..40]);
    let answer = serving.post(PATH, &[("content-type", "application/json")], body.as_bytes()).json();
    assert_eq!((answer["stored"].as_u64(), answer["rejected"][0]["index"].as_u64()), (Some(1), Some(1)), "{answer}");
}

/// As `docs/openapi.json` describes them, with nothing that it does not name.
#[test]
fn answers_are_as_described() {
    let serving = Serving::start();
    let described: Value = serde_json::from_str(include_str!("../../../../docs/openapi.json")).unwrap();
    let post = |path: &str, body: &str| serving.post(path, &[("content-type", "application/json")], body.as_bytes());
    let bad = r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"00"}]}]}]}"#;
    for (schema, answer) in [
        ("receipt", post(PATH, &format!("{}\nnone", span(0, "work").to_json())).json()),
        ("exported", post("/v1/traces", "{}").json()),
        ("exported", post("/v1/traces", bad).json()),
        ("rpcStatus", post("/v1/traces", "[]").json()),
    ] {
        let (mut compiler, mut schemas) = (Compiler::new(), Schemas::new());
        let mut strict = described["components"]["schemas"][schema].clone();
        strict["additionalProperties"] = false.into();
        compiler.add_resource("file:///schema.json", strict).unwrap();
        let index = compiler.compile("file:///schema.json", &mut schemas).unwrap();
        schemas.validate(&answer, index).unwrap_or_else(|e| panic!("{schema}: {answer}: {e:#}"));
        let mut more = answer;
        more["more than is known"] = json!(1);
        assert!(schemas.validate(&more, index).is_err(), "{schema}");
    }
}

#[test]
fn an_empty_request_is_read() {
    let serving = Serving::start();
    for body in [&b""[..], b"\n \n", b"[]", b"{\"records\":[]}"] {
        assert_eq!(serving.records(body)["read"], 0);
    }
}

/// Many senders at once, each of whom sends everything: each record is stored by one of them.
#[test]
fn many_senders_at_once() {
    let serving = Serving::start();
    let all = spans(1200);
    let counts: Vec<(u64, u64)> = std::thread::scope(|scope| {
        let senders: Vec<_> = (0..8)
            .map(|n| {
                let (serving, mut all) = (&serving, all.clone());
                all.rotate_left(n * 150);
                scope.spawn(move || {
                    let receipts = all.chunks(40).map(|part| serving.records(&lines(part)));
                    receipts.fold((0, 0), |sum, receipt| {
                        let of = |field: &str| receipt[field].as_u64().unwrap();
                        (sum.0 + of("stored"), sum.1 + of("repeated"))
                    })
                })
            })
            .collect();
        senders.into_iter().map(|sender| sender.join().unwrap()).collect()
    });
    assert_eq!(counts.iter().map(|c| c.0).sum::<u64>(), 1200, "{counts:?}");
    assert_eq!(counts.iter().map(|c| c.1).sum::<u64>(), 7 * 1200, "{counts:?}");
    assert_eq!(serving.stored().len(), 1200);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is sent is answered, and each line is in the receipt: as a record that is stored, or as one that is not.
    #[test]
    fn anything_is_answered(
        parts in proptest::collection::vec(
            prop_oneof![
                (0..6_u64).prop_map(|number| span(number, "work").to_json().into_bytes()),
                (0..6_u64, 0..200_usize).prop_map(|(number, end)| {
                    let mut line = span(number, "work").to_json().into_bytes();
                    line.truncate(end);
                    line
                }),
                proptest::collection::vec(any::<u8>(), 0..20),
                Just(b"{\"records\":[".to_vec()),
                Just(b"]}".to_vec()),
            ],
            0..12,
        ),
        separator in prop_oneof![Just("\n"), Just(","), Just("")],
    ) {
        static SERVING: OnceLock<Serving> = OnceLock::new();
        let answer = SERVING.get_or_init(Serving::start).post(PATH, &[], &parts.join(separator.as_bytes()));
        prop_assert_eq!(answer.status, 200);
        let receipt = answer.json();
        let of = |field: &str| receipt[field].as_u64().unwrap_or(u64::MAX);
        let rejected = receipt["rejected"].as_array().map_or(0, Vec::len) as u64;
        prop_assert_eq!(of("read"), of("stored") + of("repeated") + rejected, "{}", receipt);
    }
}
