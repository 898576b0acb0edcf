//! The context bridge with fastrace.

#[path = "../bridge/letters.rs"]
mod letters;

use fastrace::Span;
use fastrace::collector::{Config, Reporter, SpanContext, SpanRecord};
use fastrace::local::LocalSpan;
use letters::{Headers, Letter, SENDER, TRACE, sent, traceparent};
use spanbridge_otel::bridge::Bridge;
use std::sync::{Arc, LazyLock, Mutex, Once};
use tokio::task::yield_now;

#[derive(Clone, Default)]
struct Collected(Arc<Mutex<Vec<SpanRecord>>>);

impl Reporter for Collected {
    fn report(&mut self, spans: Vec<SpanRecord>) {
        self.0.lock().unwrap().extend(spans)
    }
}

fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| Bridge::new().fastrace("handle letter").install().unwrap());
    LazyLock::force(&COLLECTED);
}

/// One for the process.
static COLLECTED: LazyLock<Collected> = LazyLock::new(|| {
    let collected = Collected::default();
    fastrace::set_reporter(collected.clone(), Config::default());
    collected
});

#[track_caller]
fn span(name: &str) -> SpanRecord {
    fastrace::flush();
    let spans = COLLECTED.0.lock().unwrap();
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{name} is not among {spans:#?}")).clone()
}

/// The span that is there for the work has the sender as its parent; what is sent inside hangs under what they have begun.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_has_the_sender_as_local_parent() {
    install();
    let letter = Letter::new("01");
    let came = letter.0.clone();
    let handler = letter.handled(|| async {
        yield_now().await;
        let in_root = sent();
        let step = {
            let _step = LocalSpan::enter_with_local_parent("fast step");
            sent()
        };
        yield_now().await;
        (in_root, step)
    });
    let (in_root, in_step) = tokio::spawn(handler).await.unwrap();
    let step = span("fast step");
    let root = {
        let spans = COLLECTED.0.lock().unwrap();
        spans.iter().find(|span| span.span_id == step.parent_id).unwrap().clone()
    };
    assert_eq!(root.name, "handle letter");
    assert_eq!(
        (format!("{:032x}", root.trace_id.0), format!("{:016x}", root.parent_id.0)),
        (TRACE.into(), SENDER.into())
    );
    assert_eq!(in_step["traceparent"], traceparent(format_args!("{:016x}", step.span_id.0)));
    assert_eq!([&in_step["tracestate"], &in_step["baggage"]], [&came["tracestate"], &came["baggage"]]);
    assert_eq!(in_root["traceparent"], traceparent(format_args!("{:016x}", root.span_id.0)));
    assert_eq!(SpanContext::current_local_parent(), None)
}

#[test]
fn a_send_carries_the_local_parent() {
    install();
    let root = Span::root("fast publish", SpanContext::random());
    let headers = {
        let _current = root.set_local_parent();
        sent()
    };
    let id = SpanContext::from_span(&root).unwrap();
    assert_eq!(headers["traceparent"], format!("00-{:032x}-{:016x}-01", id.trace_id.0, id.span_id.0));
    assert_eq!(sent(), Headers::new())
}

#[test]
fn what_is_not_sampled_stays_so() {
    install();
    let letter = Letter::new("00");
    let polled = std::pin::pin!(letter.handled(|| async {
        let _step = LocalSpan::enter_with_local_parent("not sampled");
        sent()
    }))
    .poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
    let std::task::Poll::Ready(headers) = polled else { panic!("it is not ready") };
    assert!(headers["traceparent"].ends_with("-00"), "{headers:?}")
}
