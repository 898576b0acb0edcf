//! Unusual ends: before the handler is called, when its future or error is dropped or formatted, and around it.
#![cfg(feature = "runtime")]

mod support;

use futures_util::future::{BoxFuture, FutureExt};
use lambda_runtime::streaming::Response;
use lambda_runtime::tower::{Layer, Service, service_fn};
use lambda_runtime::{Diagnostic, Error, LambdaEvent, LambdaInvocation};
use serde_json::{Value, json};
use spanbridge::{Memory, Recorder, observe, semconv};
use spanbridge_lambda::{ObservedLayer, handler, observed};
use std::fmt;
use std::future::{Future, Ready, ready};
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use support::*;

const LONG: Duration = Duration::from_secs(60);

/// A service below the layer, in place of lambda_runtime: what `poll_ready` does, and what `call` returns.
#[derive(Clone)]
struct Below(fn(&mut Context<'_>) -> Poll<Result<(), Error>>, Option<&'static str>);

impl Service<LambdaInvocation> for Below {
    type Response = ();
    type Error = Error;
    type Future = Ready<Result<(), Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        observe::span("getting ready").in_scope(|| (self.0)(cx))
    }

    fn call(&mut self, _: LambdaInvocation) -> Self::Future {
        match self.1 {
            Some(panic) => panic!("{panic}"),
            None => ready(Err("the connection broke".into())),
        }
    }
}

/// Calls the service as lambda_runtime's loop does.
async fn driven(below: Below, ms: u64) -> Result<(), Error> {
    let mut service = ObservedLayer::new().layer(below);
    std::future::poll_fn(|cx| service.poll_ready(cx)).await?;
    let mut context = context();
    context.deadline = in_ms(ms);
    service.call(invocation(json!({"order": 1}), context)).await
}

#[tokio::test]
async fn a_service_that_is_not_ready() {
    let (seen, result) = record(driven(Below(|_| Poll::Ready(Err("no connection".into())), None), 3000)).await;
    assert_eq!(result.unwrap_err().to_string(), "no connection", "the loop's own end");
    let tree = seen.tree(&[semconv::ERROR_TYPE]);
    assert_eq!(tree, "score (root) [error] type=Runtime.NotReady\n  getting ready [error] type=_OTHER\n");
    assert_eq!(seen.span("score").error, "the service was not ready: no connection");

    let panics = AssertUnwindSafe(driven(Below(|_| panic!("no {}", "ink"), None), 3000)).catch_unwind();
    let (memory, result) = recorded(panics).await;
    assert!(result.is_err());
    let seen = Recorded(memory.records());
    assert_eq!(seen.tree(&[]), "score (root) [panicked]\n  getting ready [panicked]\n");
    assert!(seen.span("score").error.starts_with("no ink, at "), "{}", seen.span("score").error);
}

/// Whether it waits or blocks its executor, the watchdog delivers open spans in time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_never_gets_ready() {
    let ways: [fn(&mut Context<'_>) -> Poll<_>; 2] = [
        |_| Poll::Pending,
        |_| {
            std::thread::sleep(Duration::from_secs(2));
            Poll::Pending
        },
    ];
    for way in ways {
        let memory = Memory::new();
        let recorder = Recorder::builder("lambda").sink(memory.clone()).on_flush_only().build().unwrap();
        let hanging = tokio::spawn(recorder.scope(|| driven(Below(way, None), 150)));
        let begun = Instant::now();
        let seen = loop {
            let seen = Recorded(memory.records());
            if !seen.spans("score").is_empty() {
                break seen;
            }
            assert!(begun.elapsed() < LONG, "nothing was delivered");
            tokio::time::sleep(Duration::from_millis(2)).await;
        };
        assert_eq!(seen.span("score").status, None);
        assert_eq!(seen.span("score").diagnostics[0].0, "deadline.near");
        hanging.abort();
    }
}

#[tokio::test]
async fn layers_around_the_handler_may_fail() {
    let (seen, result) = record(driven(Below(|_| Poll::Ready(Ok(())), None), 3000)).await;
    assert!(result.is_err());
    assert_eq!(seen.span("score").error, "the connection broke");
    assert_eq!(seen.span("score").get(semconv::ERROR_TYPE), "Runtime.Response");
    let panics = AssertUnwindSafe(driven(Below(|_| Poll::Ready(Ok(())), Some("a layer")), 3000)).catch_unwind();
    let (memory, result) = recorded(panics).await;
    assert!(result.is_err());
    assert_eq!(Recorded(memory.records()).tree(&[]), "score (root) [panicked]\n  getting ready\n");
}

/// What is recorded when a panic passes the layer, which ends lambda_runtime's loop.
async fn recorded<F: Future>(work: F) -> (Memory, F::Output) {
    let memory = Memory::new();
    let recorder = Recorder::builder("lambda").sink(memory.clone()).on_flush_only().build().unwrap();
    let output = recorder.scope(|| work).await;
    recorder.shutdown(LONG); // as `main` does
    (memory, output)
}

/// What a process records before it requests its first event, after which it may be frozen for hours.
#[test]
fn the_initialisation_is_delivered() {
    let memory = Memory::new();
    let recorder = Recorder::builder("lambda").sink(memory.clone()).on_flush_only().build().unwrap();
    recorder.in_scope(|| {
        observe::span("connect").in_scope(|| ());
        assert!(memory.records().is_empty());
        let _service = ObservedLayer::new().layer(Below(|_| Poll::Pending, None));
        assert_eq!(Recorded(memory.records()).tree(&[]), "connect (root)\n");
    });
}

/// A future that resolves, and panics when it is dropped.
struct Bomb(Option<Result<Value, Error>>);

impl Future for Bomb {
    type Output = Result<Value, Error>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(self.0.take().unwrap())
    }
}

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("in drop")
    }
}

/// lambda_runtime drops it before it posts the response, which ends the loop, with us as without: the caller gets no response.
#[tokio::test]
async fn a_handler_that_panics_when_it_is_dropped() {
    for result in [Ok(json!(1)), Err(Error::from("no paper"))] {
        let mut result = Some(result);
        let bomb = service_fn(move |_: LambdaEvent<Value>| Bomb(result.take()));
        let call = answer(observed(bomb), invocation(json!({}), context()));
        let (memory, answer) = recorded(AssertUnwindSafe(call).catch_unwind()).await;
        let seen = Recorded(memory.records());
        assert_eq!((seen.tree(&[]).as_str(), answer.is_err()), ("score (root) [panicked]\n", true));
        assert!(seen.span("score").error.starts_with("in drop"), "{}", seen.span("score").error);
    }
}

struct Bits;

impl futures_util::Stream for Bits {
    type Item = Result<&'static str, Error>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(None)
    }
}

impl Drop for Bits {
    fn drop(&mut self) {
        panic!("in drop")
    }
}

#[tokio::test]
async fn a_stream_that_panics_when_it_is_dropped() {
    let bits = service_fn(|_: LambdaEvent<Value>| async { Ok::<_, Error>(Response::from(Bits)) });
    let (seen, answer) = record(answer(observed(bits), invocation(json!({}), context()))).await;
    assert_eq!((seen.tree(&[]).as_str(), answer), ("score (root) [panicked]\n", Some(Answer::Panic)));
}

/// An error whose backtrace takes long to format, or that cannot be formatted at all.
struct Awkward {
    has_text: bool,
}

/// Set when an error is formatted with its backtrace.
static IS_SHOWN: AtomicBool = AtomicBool::new(false);

impl fmt::Display for Awkward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.has_text { f.write_str("awkward") } else { panic!("no text") }
    }
}

impl fmt::Debug for Awkward {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        IS_SHOWN.store(true, Relaxed);
        Ok(())
    }
}

impl std::error::Error for Awkward {}

/// Nothing is logged, so only the text is formatted.
#[tokio::test]
async fn an_error_is_not_shown_for_nobody() {
    let fails = |_: LambdaEvent<Value>| async { Err::<Value, Error>(Box::new(Awkward { has_text: true })) };
    let (seen, told) = record(answer(observed(service_fn(fails)), invocation(json!({}), context()))).await;
    assert_eq!((seen.tree(&[]).as_str(), seen.span("score").error.as_str()), ("score (root) [error]\n", "awkward"));
    let Some(Answer::Error(Diagnostic { error_message, .. })) = told else { panic!("{told:?}") };
    assert_eq!(error_message, "awkward");
    let fails = |_: LambdaEvent<Value>| async {
        let bits: [Result<&str, Error>; 1] = [Err(Box::new(Awkward { has_text: true }))];
        Ok::<_, Error>(Response::from(futures_util::stream::iter(bits)))
    };
    let (seen, _) = record(answer(observed(service_fn(fails)), invocation(json!({}), context()))).await;
    assert_eq!(seen.span("score").error, "awkward");
    assert!(!IS_SHOWN.load(Relaxed), "nobody has asked for it");
}

/// An error with a cause.
#[derive(Debug)]
struct Refused(std::num::ParseIntError);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("read the order")
    }
}

impl std::error::Error for Refused {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

impl From<Refused> for Diagnostic {
    fn from(_: Refused) -> Diagnostic {
        Diagnostic { error_type: "Refused".to_owned(), error_message: "not to be told".to_owned() }
    }
}

fn refused() -> Refused {
    Refused("x".parse::<u8>().unwrap_err())
}

#[handler]
async fn refuses(_: LambdaEvent<Value>) -> Result<Value, Refused> {
    Err(refused())
}

/// Lambda gets the application's error, with or without us.
#[tokio::test]
async fn the_causes_of_an_error() {
    let boxed = |_: LambdaEvent<Value>| async { Err::<Value, Error>(refused().into()) };
    let call = || invocation(json!({}), context());
    let message = |told: Option<Answer>| match told {
        Some(Answer::Error(diagnostic)) => diagnostic.error_message,
        other => panic!("{other:?}"),
    };
    let whole = "read the order: invalid digit found in string";
    let (seen, told) = record(answer(observed(service_fn(boxed)), call())).await;
    assert_eq!((seen.span("score").error.as_str(), message(told).as_str()), (whole, "read the order"));
    // Without the attribute the type is unknown, and there is only what it tells Lambda.
    let plain = |_: LambdaEvent<Value>| async { Err::<Value, _>(refused()) };
    let (seen, told) = record(answer(observed(service_fn(plain)), call())).await;
    assert_eq!((seen.span("score").error.as_str(), message(told).as_str()), ("not to be told", "not to be told"));
    assert_eq!(seen.span("score").get(semconv::ERROR_TYPE), "Refused");
    let (seen, told) = record(answer(observed(service_fn(refuses)), call())).await;
    assert_eq!((seen.span("score").error.as_str(), message(told).as_str()), (whole, "not to be told"));
    assert!(seen.span("score").get(semconv::ERROR_TYPE).ends_with("::Refused"));
    let bits = |_: LambdaEvent<Value>| async {
        let bits: [Result<&str, Refused>; 1] = [Err(refused())];
        Ok::<_, Error>(Response::from(futures_util::stream::iter(bits)))
    };
    let (seen, told) = record(answer(observed(service_fn(bits)), call())).await;
    assert_eq!(seen.span("score").error, whole);
    assert_eq!(told, Some(Answer::Stream(vec!["read the order".to_owned()])));
}

#[handler]
async fn annotated(_: LambdaEvent<Value>) -> Result<Value, Awkward> {
    Err(Awkward { has_text: false })
}

/// lambda_runtime formats it, too, and ends by that.
#[tokio::test]
async fn an_error_that_panics_when_it_is_shown() {
    let fails = |_: LambdaEvent<Value>| async { Err::<Value, Error>(Box::new(Awkward { has_text: false })) };
    let call = answer(observed(service_fn(fails)), invocation(json!({}), context()));
    let (memory, answer) = recorded(AssertUnwindSafe(call).catch_unwind()).await;
    assert!(answer.is_err());
    let seen = Recorded(memory.records());
    assert_eq!(seen.tree(&[semconv::ERROR_TYPE]), "score (root) [error] type=_OTHER\n");
    assert_eq!(seen.span("score").error, "an error that panics when it is formatted");
    let (seen, result) = record(annotated(LambdaEvent::new(json!(1), context()))).await;
    assert_eq!((seen.tree(&[]).as_str(), result.is_err()), ("score (root) [error]\n", true));
}

/// A service around the handler, which turns its error into a response without formatting it.
#[derive(Clone)]
struct Forgiving<S>(S);

impl<S: Service<LambdaEvent<Value>, Future: Send + 'static>> Service<LambdaEvent<Value>> for Forgiving<S> {
    type Response = Value;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Value, Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.0.poll_ready(cx).map_err(|_| "not ready".into())
    }

    fn call(&mut self, event: LambdaEvent<Value>) -> Self::Future {
        self.0.call(event).map(|result| Ok(json!(if result.is_ok() { "paper" } else { "no paper" }))).boxed()
    }
}

#[tokio::test]
async fn an_error_that_nobody_tells_lambda_of() {
    let fails = service_fn(|_: LambdaEvent<Value>| async { Err::<Value, _>(Error::from("out of ink")) });
    let (seen, told) = record(answer(Forgiving(observed(fails)), invocation(json!({}), context()))).await;
    assert_eq!((seen.span("score").error.as_str(), told), ("out of ink", Some(Answer::Value(json!("no paper")))));
}
