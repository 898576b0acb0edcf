//! What a span of `tracing` costs: the registry alone, with this layer, and with `tracing-opentelemetry`, in one run. Each bench is a
//! process of its own, and the parent has them work in turn, so that noise of the machine hits all alike.
//!
//! - `cargo bench -p spanbridge-tracing --bench spans [-- <part of a name>,…]`; `ROUNDS` says how many rounds
//! - instructions: `benches/instructions.sh <name>@<iterations>…` (needs valgrind)
//!
//! An operation is a span that begins, is entered, left and closed: a root and a hundred below it, with no or four fields. Columns: the
//! application thread's CPU time, that of all threads until everything was delivered, allocations of both. `lean` is
//! `tracing-opentelemetry` without anything that can be switched off.

mod support;

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, Span, SpanData, SpanProcessor};
use spanbridge::record::BodyView;
use spanbridge::{ContextExt, Receipt, RecordBatch, Recorder, Sink, SinkError, observe};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use support::bench::{Bench, DELIVERED, Work, bench};
use tracing::{Instrument, info_span};
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry;

const CHILDREN: u64 = 100;

/// Counts the spans that arrive.
struct Count;

impl Sink for Count {
    fn deliver(&mut self, batch: &RecordBatch) -> Result<Receipt, SinkError> {
        let spans = batch.iter().filter(|record| matches!(record.body(), BodyView::Span(_))).count();
        DELIVERED.fetch_add(spans as u64, Relaxed);
        Ok(Receipt::default())
    }
}

/// The same, on the thread that ends them.
#[derive(Debug)]
struct CountTheirs;

impl SpanProcessor for CountTheirs {
    fn on_start(&self, _: &mut Span, _: &opentelemetry::Context) {}
    fn on_end(&self, _: SpanData) {
        DELIVERED.fetch_add(1, Relaxed);
    }
    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }
    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// A root and its children.
fn tree(with_fields: bool) {
    info_span!("root").in_scope(|| {
        for n in 0..CHILDREN {
            if with_fields {
                let request = "7b0ad9f2-54ce-4ad1-9d38-0a4c1b6df1aa";
                let span =
                    info_span!("child", user.id = "user-1234567", request.id = request, attempt = n, cached = true);
                span.in_scope(|| std::hint::black_box(n));
            } else {
                info_span!("child").in_scope(|| std::hint::black_box(n));
            }
        }
    })
}

/// The same with spans of `observe`, for comparison: each is opened, entered and ended.
fn observed() {
    observe::span("root").in_scope(|| {
        for n in 0..CHILDREN {
            let span = observe::span("child").open();
            span.in_scope(|| std::hint::black_box(n));
            span.end()
        }
    })
}

/// A future below a span that is polled again and again: per poll it is entered and left.
fn polls() {
    let mut polls = 0;
    let future = poll_fn(|_| {
        polls += 1;
        if polls > CHILDREN { Poll::Ready(()) } else { Poll::Pending }
    });
    let mut future = pin!(future.instrument(info_span!("root")).in_context(observe::current_context()));
    while future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending() {}
}

fn work(go: fn()) -> impl FnMut(u64) {
    move |iterations| (0..iterations).for_each(|_| go())
}

fn ours(go: fn()) -> Work {
    let recorder = Recorder::builder("bench").sink(Count).install().unwrap();
    registry().with(spanbridge_tracing::layer()).init();
    let flush = recorder.clone();
    let settle = move || drop(flush.flush_blocking(Duration::from_secs(30)));
    Work { go: Box::new(work(go)), settle: Box::new(settle), _keep: Box::new(recorder) }
}

/// Without a recorder.
fn unrecorded(go: fn()) -> Work {
    registry().with(spanbridge_tracing::layer()).init();
    Work::plain(work(go))
}

fn alone(go: fn()) -> Work {
    registry().init();
    Work::plain(work(go))
}

/// A layer that does nothing.
struct Empty;

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Empty {}

fn empty(go: fn()) -> Work {
    registry().with(Empty).init();
    Work::plain(work(go))
}

fn theirs(go: fn(), is_lean: bool) -> Work {
    let provider = SdkTracerProvider::builder().with_span_processor(CountTheirs).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("bench"));
    let lean = || {
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("bench"));
        layer.with_location(false).with_threads(false).with_target(false).with_tracked_inactivity(false)
    };
    registry().with(if is_lean { lean() } else { layer }).init();
    Work { go: Box::new(work(go)), settle: Box::new(|| {}), _keep: Box::new(provider) }
}

fn benches() -> Vec<Bench> {
    let mut all = vec![];
    all.push(bench("observe/a0", CHILDREN + 1, 200, || ours(observed)));
    let kinds: [(&str, fn()); 3] = [("a0", || tree(false)), ("a4", || tree(true)), ("polls", polls)];
    for (kind, go) in kinds {
        let mut add = |who: &str, start: Box<dyn FnOnce() -> Work>| {
            all.push(bench(format!("{who}/{kind}"), CHILDREN + 1, 200, start))
        };
        add("registry", Box::new(move || alone(go)));
        add("empty layer", Box::new(move || empty(go)));
        add("spanbridge", Box::new(move || ours(go)));
        add("unrecorded", Box::new(move || unrecorded(go)));
        add("tracing-opentelemetry", Box::new(move || theirs(go, false)));
        add("lean", Box::new(move || theirs(go, true)));
    }
    all
}

fn main() {
    support::harness::main(benches);
}
