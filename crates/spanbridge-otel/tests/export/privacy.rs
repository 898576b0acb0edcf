//! Without content, nothing leaves that a user did not name.

use crate::plant::plant;
use crate::receiver::Receiver;
use crate::support::*;
use spanbridge::{Recorder, semconv};
use spanbridge_otel::otlp::model::Span;
use spanbridge_otel::{Exporter, Telemetry, WithTelemetry};
use std::sync::{Arc, Mutex};

/// Everything that is exported of it, as plain bytes.
fn exported(record_content: bool, json: bool) -> String {
    let receiver = Receiver::start();
    let exporter = Exporter::url(receiver.url()).header("x-api-key", "HEADER-SECRET");
    let exporter = if json { exporter.json() } else { exporter };
    let recorder = recorder(Telemetry::new("NAME-service").record_content(record_content).exporter(exporter));
    plant(&recorder);
    assert!(recorder.shutdown(LONG).complete);
    let requests = receiver.requests();
    assert!(!requests.is_empty());
    let plain: Vec<_> = requests.iter().flat_map(|request| request.plain()).collect();
    String::from_utf8_lossy(&plain).into_owned()
}

#[test]
fn without_content_no_secret_leaves() {
    for json in [false, true] {
        let text = exported(false, json);
        let secrets: Vec<_> =
            text.match_indices("SECRET").map(|(at, _)| &text[at..(at + 30).min(text.len())]).collect();
        assert!(secrets.is_empty(), "{secrets:?}");
        // And it is not that nothing leaves.
        for name in [
            "NAME-service",
            "NAME-span",
            "NAME-own-value",
            "NAME-event",
            "NAME-target",
            "NAME-door",
            "spanbridge.artifact.size_bytes",
            "NAME.code",
            "NAME-metric",
            "NAME-failing",
            "NAME-panic",
            "https://host.example/NAME-path?NAME-key=REDACTED",
        ] {
            assert!(text.contains(name), "{name}");
        }
    }
}

/// So each secret is where it would be found.
#[test]
fn with_content_every_secret_leaves() {
    let text = exported(true, true);
    for secret in [
        "SECRET-message-key",
        "SECRET-query",
        "SECRET-parameter",
        "SECRET-exception",
        "SECRET-stack",
        "SECRET-file",
        "SECRET-document",
        "SECRET-path",
        "SECRET-query-value",
        "SECRET-password",
        "SECRET-field",
        "SECRET-user",
        "SECRET-payload",
        "SECRET-diagnostic",
        "SECRET-prompt",
        "SECRET-explanation",
        "SECRET-message of a log",
        "SECRET-error",
        "SECRET-failure",
        "SECRET-panicked",
        "SECRET-panic",
    ] {
        assert!(text.contains(secret), "{secret}");
    }
    assert!(!text.contains("HEADER-SECRET"));
}

/// One setting is enough for what agents offer. The recorder's own setting counts more, on either side of it.
#[test]
fn record_content_also_records_content() {
    use spanbridge::RecorderBuilder;
    use spanbridge::agent::{self, Content};
    use spanbridge::messaging::CaptureMode;

    type Set = fn(RecorderBuilder) -> RecorderBuilder;
    let exported = |record_content, before: Set, after: Set| {
        let receiver = Receiver::start();
        let telemetry = Telemetry::new("my-app").record_content(record_content).exporter(Exporter::url(receiver.url()));
        let builder = before(Recorder::builder("my-app")).with_telemetry(telemetry).unwrap();
        let recorder = after(builder).on_flush_only().build().unwrap();
        recorder.in_scope(|| {
            agent::tool("weather").in_scope(|| agent::content(Content::ToolResult, || "{\"text\":\"SECRET\"}"));
        });
        assert!(recorder.shutdown(LONG).complete);
        let span = receiver.taken().remove(0);
        span.attribute(semconv::GEN_AI_TOOL_CALL_RESULT).is_some()
    };
    let (as_it_is, off): (Set, Set) = (|builder| builder, |builder| builder.content(CaptureMode::Off));
    assert!(exported(true, as_it_is, as_it_is));
    assert!(!exported(false, as_it_is, as_it_is));
    assert!(!exported(true, off, as_it_is));
    assert!(!exported(true, as_it_is, off));
}

/// The message of an event is its name, so that leaves only as content. The names of spans and their fields are the user's.
#[test]
fn messages_of_tracing_are_content() {
    use tracing_subscriber::layer::SubscriberExt;

    let text = |record_content| {
        let receiver = Receiver::start();
        let telemetry = Telemetry::new("my-app").record_content(record_content).exporter(Exporter::url(receiver.url()));
        let recorder = recorder(telemetry);
        let subscriber = tracing_subscriber::registry().with(spanbridge_tracing::layer());
        recorder.in_scope(|| {
            tracing::subscriber::with_default(subscriber, || {
                let user = "SECRET-user";
                tracing::info_span!("NAME-span", field = "NAME-field").in_scope(|| {
                    tracing::info!(target: "NAME-target", user, "SECRET-message for {user}");
                    tracing::error!(error = "SECRET-error", "SECRET-failure");
                    tracing::error!(error = "SECRET-error-alone");
                    tracing::info!(target: "NAME-other", target = "SECRET-peer", level = "SECRET-level", "SECRET-message");
                });
            });
        });
        assert!(recorder.shutdown(LONG).complete);
        let plain: Vec<_> = receiver.requests().iter().flat_map(|request| request.plain()).collect();
        String::from_utf8_lossy(&plain).into_owned()
    };
    let without = text(false);
    assert!(!without.contains("SECRET"), "{without}");
    assert!(
        ["NAME-span", "NAME-field", "NAME-target", "NAME-other"].iter().all(|name| without.contains(name)),
        "{without}"
    );
    let with = text(true);
    assert!(["SECRET-user", "SECRET-message for", "SECRET-error-alone"].iter().all(|it| with.contains(it)), "{with}");
}

/// A callback is an export, too.
#[test]
fn a_callback_gets_no_content_either() {
    let all = Arc::new(Mutex::new(String::new()));
    let to = all.clone();
    let exporter = Exporter::callback(move |spans: &[Span<'_>]| to.lock().unwrap().push_str(&format!("{spans:?}")));
    let recorder = recorder(Telemetry::new("NAME-service").exporter(exporter));
    plant(&recorder);
    assert!(recorder.shutdown(LONG).complete);
    let text = all.lock().unwrap();
    assert!(text.contains("NAME-span") && !text.contains("SECRET"), "{text}");
}

/// What a receiver says may be shown; what was sent to it may not.
#[test]
fn reports_do_not_show_what_is_secret() {
    let receiver = Receiver::start();
    let (address, url) = (receiver.address(), receiver.url().replace("http://", "http://SECRET-user:SECRET-password@"));
    drop(receiver);
    let exporter = Exporter::url(format!("{url}?key=SECRET-key")).header("x-api-key", "SECRET-header");
    let counter = exporter.counter();
    let recorder = recorder(Telemetry::new("my-app").exporter(exporter));
    record(&recorder, &["a"]);
    let flushed = recorder.flush(LONG);
    until("an error", || counter.counts().last_error);
    let said = format!("{:?} {:?} {address}", counter.counts(), recorder.report());
    drop(flushed);
    assert!(!said.contains("SECRET"), "{said}");
    recorder.shutdown(std::time::Duration::ZERO);
}
