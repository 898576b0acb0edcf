//! Payloads that are recorded whole.
#![cfg(feature = "record")]

mod support;

use proptest::prelude::*;
use spanbridge::messaging::{CaptureMode, CapturePolicy, PartKind};
use spanbridge::observe::{self, NewArtifact, Span};
use spanbridge::record::{Artifact, Body, Diagnostic, Record};
use spanbridge::semconv;
use support::*;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

fn artifacts(records: &[Record<'static>]) -> Vec<Artifact<'static>> {
    let of = |record: &Record<'static>| match &record.body {
        Body::Artifact(artifact) => Some(artifact.clone()),
        _ => None,
    };
    records.iter().filter_map(of).collect()
}

fn is_cut(record: &Record<'_>) -> bool {
    matches!(&record.body, Body::Diagnostic(Diagnostic { code, .. }) if code == semconv::ARTIFACT_CUT)
}

/// What is recorded of it, decoded.
fn content(artifact: &Artifact<'_>) -> Vec<u8> {
    let preview = artifact.preview.as_deref().unwrap();
    match &*artifact.encoding {
        "utf-8" => preview.as_bytes().to_vec(),
        "hex" => {
            let digits = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
            preview.as_bytes().chunks(2).map(digits).collect()
        }
        other => panic!("{other}"),
    }
}

fn in_span(f: impl FnOnce(&Span)) -> impl FnOnce() {
    || {
        observe::span("root").in_scope(|| {
            let span = observe::span("work").open();
            f(&span);
            span.end()
        })
    }
}

fn captured(mode: CaptureMode, payload: &[u8]) -> Artifact<'static> {
    let policy = CapturePolicy::from(mode);
    let records = record(in_span(|span| policy.record_payload(span, "input", "text/plain", payload)));
    gap_free(&records);
    assert!(!records.iter().any(is_cut));
    let [artifact] = &artifacts(&records)[..] else { panic!("{records:?}") };
    // As it stands in a file.
    let all: Vec<_> = records.iter().map(|record| record.to_json()).collect();
    let read: Vec<_> = all.iter().map(|line| Record::from_json(line).unwrap().unwrap()).collect();
    assert_eq!(read, records);
    artifact.clone()
}

fn whole(max: usize, payload: &[u8]) -> Vec<u8> {
    let artifact = captured(CaptureMode::Whole { max }, payload);
    assert_eq!(artifact.size_bytes, payload.len() as u64);
    content(&artifact)
}

/// At every size at which something changes: what fits a record, a chunk, a batch, and what is allowed at most.
#[test]
fn payloads_are_whole_up_to_the_bound() {
    let sizes = [0, 1, 2 * KIB, 4 * KIB - 1, 4 * KIB, 4 * KIB + 1, 28 * KIB, 32 * KIB, 40 * KIB, 200 * KIB, MIB];
    for size in sizes.into_iter().filter(|bytes| !cfg!(miri) || *bytes < 64 * KIB) {
        let text = "x\u{e4}y\n".repeat(size / 5 + 1).into_bytes();
        let text = match std::str::from_utf8(&text[..size]) {
            Ok(text) => text.as_bytes(),
            Err(error) => &text[..error.valid_up_to()],
        };
        assert!(whole(usize::MAX, text) == text, "{size}");
        let bytes: Vec<u8> = (0..size).map(|i| (i % 251) as u8 | 0x80).collect();
        assert!(whole(MIB, &bytes) == bytes, "{size}");
    }
}

/// What is longer is cut as `Inline` cuts it, and its size tells.
#[test]
fn longer_payloads_are_cut_as_inline_does() {
    for (max, size) in [(10, 11), (4 * KIB, 4 * KIB + 1), (64 * KIB, 10 * MIB), (usize::MAX, MIB + 1)] {
        let text = vec![b'x'; size];
        for payload in [&text, &vec![0xff; size]] {
            let artifact = captured(CaptureMode::Whole { max }, payload);
            assert_eq!(artifact, captured(CaptureMode::Inline { max }, payload).same_id(&artifact));
            assert_eq!(artifact.size_bytes, size as u64);
            assert!(content(&artifact).len() <= max.min(4 * KIB));
        }
    }
}

trait SameId {
    fn same_id(self, other: &Self) -> Self;
}

impl SameId for Artifact<'static> {
    fn same_id(mut self, other: &Self) -> Self {
        (self.artifact_id, self.span_id) = (other.artifact_id.clone(), other.span_id);
        self
    }
}

/// A beginning that breaks off inside a character is text all the same.
#[test]
fn a_beginning_is_text_up_to_its_last_character() {
    let records = record(in_span(|span| {
        span.artifact(&NewArtifact::new("output", "text/plain", "n\u{e9}".as_bytes().split_at(2).0).size(100).whole(9))
    }));
    let artifact = &artifacts(&records)[0];
    assert_eq!((&*artifact.encoding, artifact.preview.as_deref(), artifact.size_bytes), ("utf-8", Some("n"), 100));
}

/// What waits is bounded. Beyond it payloads are cut and say so, and no record is lost.
#[test]
fn whole_payloads_stay_within_the_memory() {
    let limit = 8 * MIB;
    let (recorder, memory) = with(|b| b.on_flush_only().memory_limit(limit));
    let payload = vec![b'x'; MIB / 8];
    let all = size(100, 20) as usize;
    recorder.in_scope(in_span(|span| {
        (0..all).for_each(|_| span.artifact(&NewArtifact::new("input", "text/plain", &payload).whole(MIB)))
    }));
    let report = flush(&recorder);
    let records = memory.take();
    let lengths: Vec<_> = artifacts(&records).iter().map(|a| content(a).len()).collect();
    let wholes = lengths.iter().filter(|len| **len == payload.len()).count();
    assert_eq!((wholes, lengths.len()), (8, all), "an eighth of the limit");
    assert!(lengths.iter().all(|len| [payload.len(), 4 * KIB].contains(len)));
    assert_eq!(records.iter().filter(|record| is_cut(record)).count(), all - wholes);
    assert_eq!(report.dropped, 0);
    // What was delivered makes room.
    recorder.in_scope(in_span(|span| span.artifact(&NewArtifact::new("input", "text/plain", &payload).whole(MIB))));
    flush(&recorder);
    assert_eq!(content(&artifacts(&memory.take())[0]).len(), payload.len());
}

/// If its record finds no room, the payload does not stay behind: afterwards there is as much room as before.
#[test]
fn a_dropped_record_takes_its_payload_along() {
    let (recorder, memory) = with(|b| b.on_flush_only().memory_limit(2 * MIB));
    let payload = vec![b'x'; 200 * KIB];
    let attempt = || NewArtifact::new("input", "text/plain", &payload).whole(MIB);
    for _ in 0..3 {
        recorder.in_scope(in_span(|span| {
            let filler = "y".repeat(4 * KIB);
            (0..1000).for_each(|_| span.attribute("filler", filler.as_str()));
            span.artifact(&attempt());
        }));
        assert!(recorder.flush_blocking(LONG).dropped > 0);
        memory.take();
        recorder.in_scope(in_span(|span| span.artifact(&attempt())));
        recorder.flush_blocking(LONG);
        assert_eq!(content(&artifacts(&memory.take())[0]).len(), payload.len());
    }
}

/// Threads that record whole payloads at once, while they are delivered: each gets its own.
#[test]
fn no_payload_is_mixed_up_with_another() {
    let (recorder, memory) = with(|b| b);
    let (threads, each) = (size(4, 2), size(100, 5));
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let recorder = &recorder;
            scope.spawn(move || {
                for n in 0..each {
                    let name = format!("{thread}-{n};");
                    let payload = name.repeat(5 * KIB / name.len() + n as usize);
                    recorder.in_scope(in_span(|span| {
                        span.artifact(&NewArtifact::new(&name, "text/plain", payload.as_bytes()).whole(MIB))
                    }))
                }
            });
        }
    });
    flush(&recorder);
    let all = artifacts(&memory.take());
    assert_eq!(all.len() as u64, threads * each);
    for artifact in all {
        let content = String::from_utf8(content(&artifact)).unwrap();
        assert!(content.replace(&*artifact.kind, "").is_empty() && content.len() as u64 == artifact.size_bytes);
    }
}

/// The hook decides what is recorded whole, too: if it fails, nothing is.
#[test]
fn the_hook_sees_all_of_a_whole_payload() {
    let policy = CapturePolicy::from(CaptureMode::Whole { max: MIB }).redact(|part| {
        let text = std::str::from_utf8(part.bytes())?.replace("secret", "***");
        part.replace(text);
        Ok::<_, std::str::Utf8Error>(())
    });
    let records = record(in_span(|span| {
        policy.record_payload(span, "input", "text/plain", "a secret ".repeat(10_000).as_bytes());
        policy.record_payload(span, "output", "text/plain", &[0xff; 10_000]);
    }));
    let [artifact] = &artifacts(&records)[..] else { panic!("{records:?}") };
    assert_eq!(artifact.preview.as_deref(), Some(&*"a *** ".repeat(10_000)));
    let failed = |r: &&Record<'_>| matches!(&r.body, Body::Diagnostic(d) if d.code == semconv::REDACTION_FAILED);
    assert_eq!(records.iter().filter(failed).count(), 1);
}

/// A span that is not recorded, and a recorder that is gone, keep nothing.
#[test]
fn nothing_is_kept_that_nobody_reads() {
    let (recorder, memory) = recorder();
    let payload = vec![b'x'; MIB];
    let span = recorder.in_scope(|| observe::span("root").open());
    assert!(recorder.shutdown(LONG).complete);
    span.artifact(&NewArtifact::new("input", "text/plain", &payload).whole(MIB));
    span.end();
    assert!(artifacts(&memory.take()).is_empty());
}

/// A payload that passes in pieces is recorded as one that is there at once, whatever the policy.
fn streamed(policy: &CapturePolicy, pieces: &[Vec<u8>], declared: bool) -> Vec<Artifact<'static>> {
    let size = pieces.iter().map(Vec::len).sum::<usize>() as u64;
    artifacts(&record(in_span(|span| {
        if let Some(mut payload) = policy.streamed("input", "a/b", declared.then_some(size)) {
            pieces.iter().for_each(|piece| payload.passed(piece));
            payload.ended(span.context())
        }
    })))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(miri) { 4 } else { 64 }, ..ProptestConfig::default() })]

    /// Any payloads and any bound, in one run: each comes back whole, or cut as its size says.
    #[test]
    fn any_payloads_come_back(
        payloads in prop::collection::vec((0usize..80_000, any::<u8>(), 0usize..80_000), 1..6),
    ) {
        let payloads: Vec<(Vec<u8>, usize)> =
            payloads.into_iter().map(|(size, byte, max)| (vec![byte; size], max)).collect();
        let records = record(in_span(|span| {
            for (payload, max) in &payloads {
                CapturePolicy::from(CaptureMode::Whole { max: *max }).record_payload(span, "input", "a/b", payload)
            }
        }));
        let all = artifacts(&records);
        prop_assert_eq!(all.len(), payloads.len());
        for (artifact, (payload, max)) in all.iter().zip(&payloads) {
            prop_assert_eq!(artifact.size_bytes, payload.len() as u64);
            let content = content(artifact);
            prop_assert!(payload.starts_with(&content));
            prop_assert!(content.len() == payload.len() || payload.len() > *max && content.len() <= 4096.min(*max));
        }
    }

    #[test]
    fn a_streamed_payload_is_as_one_at_once(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9000), 0..4),
        text in any::<bool>(),
        max in 0usize..20_000,
        mode in 0..3,
        (hashed, hook, declared) in any::<(bool, bool, bool)>(),
    ) {
        let pieces: Vec<Vec<u8>> = match text {
            true => pieces.iter().map(|piece| piece.iter().map(|byte| byte & 0x7f).collect()).collect(),
            false => pieces,
        };
        let mode = [CaptureMode::Reference, CaptureMode::Inline { max }, CaptureMode::Whole { max }][mode as usize];
        let mut policy = CapturePolicy::from(mode);
        if hashed {
            policy = policy.hashed()
        }
        if hook {
            policy = policy.redact(|part| {
                let without: Vec<u8> = part.bytes().iter().filter(|byte| **byte != b'x').copied().collect();
                part.replace(without);
                Ok::<_, std::convert::Infallible>(())
            })
        }
        let once = artifacts(&record(in_span(|span| policy.record_payload(span, "input", "a/b", &pieces.concat()))));
        let in_pieces = streamed(&policy, &pieces, declared);
        // Of a size alone a message has an attribute.
        if mode == CaptureMode::Reference && !hashed {
            prop_assert!(in_pieces.is_empty());
        } else {
            prop_assert_eq!(&in_pieces[0].clone().same_id(&once[0]), &once[0]);
        }
    }

    /// Whatever stands in properties, they are JSON, and say it exactly.
    #[test]
    fn properties_are_json(
        all in prop::collection::vec((any::<String>(), prop::collection::vec(any::<u8>(), 0..20), any::<i64>()), 0..5),
    ) {
        let policy = CapturePolicy::from(CaptureMode::Whole { max: 0 });
        let records = record(in_span(|span| policy.record_properties(span, "input.properties", |to| {
            to.member("transport").fixed("test");
            to.member("all").array(|to| for (name, value, number) in &all {
                to.element().array(|to| {
                    to.element().fixed(name);
                    to.element().text(PartKind::Header(name), value);
                    to.element().json(PartKind::Header(name), &number.to_string());
                    to.element().object(|_| {});
                    to.element().null()
                })
            })
        })));
        let json: serde_json::Value = serde_json::from_slice(&content(&artifacts(&records)[0])).unwrap();
        let expected: Vec<_> = all.iter().map(|(name, value, number)| {
            let value = match std::str::from_utf8(value) {
                Ok(text) => serde_json::json!(text),
                Err(_) => serde_json::json!({"base64": base64(value)}),
            };
            serde_json::json!([name, value, number, {}, null])
        }).collect();
        prop_assert_eq!(json, serde_json::json!({"transport": "test", "all": expected}));
    }
}

/// Another way to the same digits.
fn base64(bytes: &[u8]) -> String {
    let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    let digit = |six: &[u8]| {
        let value = u8::from_str_radix(&format!("{:0<6}", std::str::from_utf8(six).unwrap()), 2).unwrap();
        char::from(match value {
            0..26 => b'A' + value,
            26..52 => b'a' + value - 26,
            52..62 => b'0' + value - 52,
            62 => b'+',
            _ => b'/',
        })
    };
    let digits: String = bits.as_bytes().chunks(6).map(digit).collect();
    format!("{digits}{}", "=".repeat((3 - bytes.len() % 3) % 3))
}
