//! Keys, routing keys, URLs and the texts of errors leave by the policy of payloads, and through the same hook.
#![cfg(feature = "record")]

mod support;

use spanbridge::adapter::{Describe, Handoff, HandoffStatus, Job, Values, Work, in_scope_with_span};
use spanbridge::carrier::Extract;
use spanbridge::messaging::*;
use spanbridge::observe::{self, Span, SpanBuilder};
use spanbridge::record::{Body, Diagnostic, Record, RunEnd};
use spanbridge::{Failure, Status, semconv};
use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering::*};
use support::{Seen, by_name, record, spans};

const SECRET: &str = "amelie@example.org";

fn diagnostics(records: &[Record<'_>]) -> Vec<String> {
    let told = records.iter().filter_map(|r| match &r.body {
        Body::Diagnostic(Diagnostic { code, message, .. }) => Some(format!("{code}: {message}")),
        _ => None,
    });
    told.collect()
}

fn attribute<'a>(span: &'a Seen, key: &str) -> Option<&'a str> {
    span.attributes.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
}

/// Three stars in place of everything.
fn starred(mode: CaptureMode) -> CapturePolicy {
    CapturePolicy::from(mode).redact(|part| {
        part.replace("***");
        Ok::<_, Infallible>(())
    })
}

fn failing() -> CapturePolicy {
    CapturePolicy::default().redact(|_| Err("no idea what that is"))
}

fn panicking() -> CapturePolicy {
    CapturePolicy::default().redact(|_| -> Result<(), Infallible> { panic!("on purpose") })
}

/// Policies, what they leave of a value, and whether they say that they failed.
fn policies() -> [(Option<CapturePolicy>, Option<&'static str>, bool); 9] {
    [
        (None, Some(SECRET), false),
        (Some(CaptureMode::Reference.into()), Some(SECRET), false),
        (Some(CaptureMode::Inline { max: 1 }.into()), Some(SECRET), false),
        (Some(CaptureMode::Off.into()), None, false),
        (Some(starred(CaptureMode::Reference)), Some("***"), false),
        (Some(starred(CaptureMode::Inline { max: 9 })), Some("***"), false),
        (Some(starred(CaptureMode::Off)), None, false),
        (Some(failing()), None, true),
        (Some(panicking()), None, true),
    ]
}

#[test]
fn values_go_by_the_policy() {
    for (capture, left, failed) in policies() {
        let records = record(|| {
            let mut values = Values::of(capture.as_ref());
            let mut span = observe::span("s");
            for (kind, key) in [
                (PartKind::MessageKey, semconv::KAFKA_MESSAGE_KEY),
                (PartKind::RoutingKey, semconv::RABBITMQ_ROUTING_KEY),
                (PartKind::Url, semconv::URL_PATH),
            ] {
                span = values.attribute(span, kind, key, SECRET.as_bytes());
            }
            values.open(span).end();
        });
        let all = spans(&records);
        for key in [semconv::KAFKA_MESSAGE_KEY, semconv::RABBITMQ_ROUTING_KEY, semconv::URL_PATH] {
            assert_eq!(attribute(by_name(&all, "s"), key), left, "{capture:?}");
        }
        let told = ["the message key", "the routing key", "the URL"]
            .map(|what| format!("redaction.failed: nothing of {what} was recorded: the redaction hook failed"));
        assert_eq!(diagnostics(&records), if failed { &told[..] } else { &[] }, "{capture:?}");
    }
}

/// Every way for a span to end that says something of an error.
type End = (&'static str, fn(Span));

fn ends() -> [End; 8] {
    let panic = |span: Span| {
        let work = std::panic::AssertUnwindSafe(|| {
            futures_util::FutureExt::now_or_never(span.run(async || panic!("{SECRET}")))
        });
        assert!(std::panic::catch_unwind(work).is_err())
    };
    [
        ("error", |span| span.error(SECRET)),
        ("end_with", |span| span.end_with(&Err::<(), _>(SECRET))),
        ("class", |span| span.end_with(&Failure::new(&SECRET).class("312"))),
        ("panicked", |span| span.panicked(SECRET)),
        ("run", |span| {
            let _ = futures_util::FutureExt::now_or_never(span.run(async || Err::<(), _>(SECRET)));
        }),
        ("panic", panic),
        ("stopped", |span| {
            let stopped = Handoff::new(span).stop().unwrap();
            stopped.failed(HandoffStatus::Returned, &Failure::new(&SECRET))
        }),
        ("scope", |span| {
            let result = in_scope_with_span(span, || Err::<(), _>(SECRET), |r| r.as_ref().err().map(Failure::new));
            assert!(result.is_err())
        }),
    ]
}

#[test]
fn texts_of_errors_go_by_the_policy() {
    for (capture, left, failed) in policies() {
        for (name, end) in ends() {
            let open = |capture: &CapturePolicy| end(capture.guard(observe::span("s").open()));
            let records = record(|| open(capture.as_ref().unwrap_or(&CapturePolicy::default())));
            let all = spans(&records);
            let span = by_name(&all, "s");
            assert!(matches!(span.status, Some(Status::Error | Status::Panicked)), "{name} {capture:?}");
            let text = span.error.as_deref().filter(|text| !text.is_empty());
            let text = text.map(|text| text.split(", at ").next().unwrap_or_default());
            assert_eq!(text, left, "{name} {capture:?}");
            assert!(attribute(span, semconv::ERROR_TYPE).is_some(), "the class is no text: {name} {capture:?}");
            let told = "redaction.failed: nothing of the error's text was recorded: the redaction hook failed";
            assert_eq!(diagnostics(&records), vec![told; usize::from(failed)], "{name} {capture:?}");
        }
    }
}

/// A run that is the work on a message says no more than its span.
#[test]
fn a_run_of_a_message_says_no_more() {
    for (capture, left, _) in policies() {
        let records = record(|| {
            let capture = capture.clone().unwrap_or_default();
            let receiving = <ReceiveOptions>::new().relation(Relation::NewRun);
            let headers = HashMap::from([(
                "traceparent".to_owned(),
                "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned(),
            )]);
            let received = Received::new(&headers).with(&receiving, MessageInfo::new().run_name(&|| "work".into()));
            received.process(|| capture.guard(observe::span("process").open())).error(SECRET)
        });
        let ends = records.iter().filter_map(|r| match &r.body {
            Body::RunEnd(RunEnd { error, status, .. }) => Some((error.as_deref(), *status)),
            _ => None,
        });
        assert_eq!(ends.collect::<Vec<_>>(), [(left, Status::Error)], "{capture:?}");
    }
}

/// A guarded span is a span in everything else.
#[test]
fn a_guard_changes_nothing_else() {
    let records = record(|| {
        let span = CapturePolicy::from(CaptureMode::Off).guard(observe::span("ok").attribute("a", 1).open());
        span.attribute("b", 2);
        span.event("e", &[]);
        span.in_scope(|| observe::span("inner").in_scope(|| ()));
        span.end();
        drop(starred(CaptureMode::Reference).guard(observe::span("dropped").open()));
        // One that is guarded twice goes by the second.
        let twice = starred(CaptureMode::Reference).guard(observe::span("twice").open());
        CapturePolicy::from(CaptureMode::Off).guard(twice).error(SECRET);
    });
    let all = spans(&records);
    let ok = by_name(&all, "ok");
    assert_eq!((ok.status, attribute(ok, "a"), attribute(ok, "b")), (Some(Status::Ok), Some("1"), Some("2")));
    assert_eq!(by_name(&all, "inner").parent, Some(ok.id));
    assert_eq!(by_name(&all, "dropped").status, Some(Status::Cancelled));
    assert_eq!(by_name(&all, "twice").error.as_deref().unwrap_or_default(), "");
}

/// A batch quotes any of its messages: the strictest of their policies holds for its error.
#[test]
fn a_batch_goes_by_the_strictest() {
    struct Letter;
    impl Describe for Letter {
        type View = ();
        fn headers(&self) -> impl Extract {
            HashMap::<String, String>::new()
        }
        fn view(&self) {}
        fn run_name(&self, _: &mut Values<'_>) -> String {
            String::new()
        }
        fn describe(&self, _: &mut Values<'_>) -> SpanBuilder {
            observe::span("process")
        }
        fn payload(&self) -> Option<&[u8]> {
            None
        }
    }
    struct Delivered(Letter, Work);
    impl Job for Delivered {
        type Message = Letter;
        fn message(&self) -> &Letter {
            &self.0
        }
        fn work(&self) -> &Work {
            &self.1
        }
        fn describe_batch(_: &[Self]) -> SpanBuilder {
            observe::span("batch")
        }
    }
    let job =
        |capture: CapturePolicy| Delivered(Letter, Work::receive(&Letter, &ReceiveOptions::new().capture(capture)));
    let [plain, stars, off] = [CapturePolicy::default(), starred(CaptureMode::Reference), CaptureMode::Off.into()];
    for (captures, left) in [
        (vec![plain.clone(), plain.clone()], SECRET),
        (vec![plain.clone(), stars.clone()], "***"),
        (vec![stars.clone(), off.clone(), plain.clone()], ""),
    ] {
        let records = record(|| {
            let batch = Batch::new(captures.into_iter().map(job).collect());
            let _ = futures_util::FutureExt::now_or_never(batch.run(async || Err::<(), _>(SECRET)));
        });
        let all = spans(&records);
        assert_eq!(by_name(&all, "batch").error.as_deref().unwrap_or_default(), left);
    }
}

/// What is not recorded is shown to nobody.
#[test]
fn the_hook_sees_only_what_is_recorded() {
    static SHOWN: AtomicUsize = AtomicUsize::new(0);
    let capture = CapturePolicy::default().redact(|_| {
        SHOWN.fetch_add(1, Relaxed);
        Ok::<_, Infallible>(())
    });
    let say = || {
        let mut values = Values::of(Some(&capture));
        let span = values.attribute(observe::span("s"), PartKind::Url, semconv::URL_PATH, b"/");
        values.open(span).error(SECRET)
    };
    say();
    assert_eq!(SHOWN.load(Relaxed), 0, "without a recorder");
    record(say);
    assert_eq!(SHOWN.load(Relaxed), 2);
}

/// What a hook leaves that is not text is no attribute.
#[test]
fn a_value_that_is_not_text_is_left_out() {
    let noisy = CapturePolicy::default().redact(|part| {
        part.replace(b"\xff".as_slice());
        Ok::<_, Infallible>(())
    });
    let records = record(|| {
        for (name, capture) in [("plain", None), ("noisy", Some(&noisy))] {
            let mut values = Values::of(capture);
            let span =
                values.attribute(observe::span(name), PartKind::MessageKey, semconv::KAFKA_MESSAGE_KEY, b"\xff\xfe");
            values.open(span).error(SECRET);
        }
    });
    let all = spans(&records);
    assert!(
        ["plain", "noisy"].iter().all(|name| by_name(&all, name).attributes.iter().all(|(k, _)| k == "error.type"))
    );
    assert_eq!(by_name(&all, "noisy").error.as_deref(), Some("\u{fffd}"));
}
