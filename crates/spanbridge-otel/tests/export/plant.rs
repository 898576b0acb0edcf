//! A run full of secrets.

use spanbridge::observe::{self, NewArtifact};
use spanbridge::{Kind, Recorder, Value, semconv};

/// Plants a secret in every place for content, and a name in every place for a name.
pub(crate) fn plant(recorder: &Recorder) {
    let attribute_secrets = [
        (semconv::KAFKA_MESSAGE_KEY, "SECRET-message-key"),
        (semconv::DB_QUERY_TEXT, "select 'SECRET-query'"),
        ("db.query.parameter.0", "SECRET-parameter"),
        (semconv::EXCEPTION_MESSAGE, "SECRET-exception"),
        (semconv::EXCEPTION_STACKTRACE, "SECRET-stack"),
        (semconv::AWS_S3_KEY, "SECRET-file"),
        (semconv::FAAS_DOCUMENT_NAME, "SECRET-document"),
        (semconv::CODE_FILE_PATH, "SECRET-path"),
        (semconv::URL_QUERY, "q=SECRET-query-value&SECRET-bare"),
        (
            semconv::URL_FULL,
            "https://SECRET-user:SECRET-password@host.example/NAME-path?NAME-key=SECRET-value#SECRET-fragment",
        ),
        (semconv::HTTP_REDIRECTED_URL, "https://SECRET-user@host.example/?a=SECRET-redirected"),
    ];
    recorder.in_scope(|| {
        let run = observe::run("NAME-run").open();
        run.in_scope(|| {
            let span = observe::span("NAME-span").kind(Kind::Client).open();
            for (key, secret) in attribute_secrets {
                span.attribute(key, secret);
            }
            span.attribute("NAME-own", "NAME-own-value");
            span.event("NAME-event", &[("field", Value::Str("SECRET-field")), ("n", Value::I64(1))]);
            // As the layer for `tracing` records it.
            let fields = [
                ("level", Value::Str("INFO")),
                ("target", Value::Str("NAME-target")),
                ("user", Value::Str("SECRET-user")),
            ];
            span.event("SECRET-message of a log", &fields);
            span.event("NAME-door", &[("level", Value::I64(3)), ("target", Value::Str("SECRET-target"))]);
            span.attribute(semconv::GEN_AI_INPUT_MESSAGES, "SECRET-prompt");
            let judged = [
                (semconv::GEN_AI_EVALUATION_NAME, Value::Str("NAME-metric")),
                (semconv::GEN_AI_EVALUATION_EXPLANATION, Value::Str("SECRET-explanation")),
            ];
            span.event(semconv::GEN_AI_EVALUATION_RESULT, &judged);
            span.artifact(&NewArtifact::new("input", "text/plain", b"SECRET-payload").inline(100));
            span.diagnostic("NAME.code", "SECRET-diagnostic");
            span.end();
            let _ = observe::span("NAME-failing").in_scope(|| Err::<(), _>("SECRET-error"));
            observe::span("NAME-failing-too").open().error("SECRET-failure");
            observe::span("NAME-panicked").open().panicked("SECRET-panicked");
            let panics = || observe::span("NAME-panic").in_scope(|| panic!("SECRET-panic"));
            let _ = std::panic::catch_unwind(panics);
        });
        run.error("SECRET-of-the-run");
    });
}
