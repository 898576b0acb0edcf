//! Spans for the tracer provider that is registered globally.

use crate::exporters::{Does, Scripted};
use crate::support::*;
use opentelemetry_0_33::trace::noop::NoopTracerProvider;
use opentelemetry_0_33::trace::{SpanContext, SpanKind, Status};
use opentelemetry_0_33::{Value, global};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanData};
use spanbridge::adapter::span_with_id;
use spanbridge::observe::{self, Span};
use spanbridge::w3c::{Baggage, TraceParent, TraceState};
use spanbridge::{Context, Kind, Recorder, SpanId, semconv};
use spanbridge_otel::{ExportCounter, Exporter, Telemetry};
use std::sync::{Barrier, Mutex, MutexGuard, OnceLock, PoisonError, mpsc};

/// A provider for one test at a time, since there is only one.
pub(crate) struct Provider {
    recorder: Recorder,
    counter: ExportCounter,
    pub(crate) exported: Scripted,
    provider: SdkTracerProvider,
    _alone: MutexGuard<'static, ()>,
}

static ALONE: Mutex<()> = Mutex::new(());

pub(crate) fn provider(sampler: Sampler) -> Provider {
    let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let exported = Scripted::new(&[Does::Takes]);
    let provider = SdkTracerProvider::builder().with_sampler(sampler).with_simple_exporter(exported.clone()).build();
    global::set_tracer_provider(provider.clone());
    let (recorder, counter) = to_provider();
    Provider { recorder, counter, exported, provider, _alone: alone }
}

fn to_provider() -> (Recorder, ExportCounter) {
    let exporter = Exporter::global_provider();
    let counter = exporter.counter();
    (recorder(Telemetry::new("my-app").record_content(true).exporter(exporter)), counter)
}

impl Provider {
    /// What it exported so far, with each span once.
    fn spans(&self) -> Vec<SpanData> {
        self.exported.with(|state| state.taken.clone())
    }

    fn span(&self, name: &str) -> SpanData {
        let mut found: Vec<_> = self.spans().into_iter().filter(|span| span.name == name).collect();
        assert_eq!(found.len(), 1, "{name}");
        found.remove(0)
    }

    /// `child < parent` for each span, by name.
    fn tree(&self) -> Vec<String> {
        let spans = self.spans();
        let above = |span: &SpanData| spans.iter().find(|above| above.span_context.span_id() == span.parent_span_id);
        let mut lines: Vec<_> = spans
            .iter()
            .map(|span| match above(span) {
                Some(above) => {
                    assert_eq!(above.span_context.trace_id(), span.span_context.trace_id());
                    format!("{} < {}", span.name, above.name)
                }
                None => span.name.to_string(),
            })
            .collect();
        lines.sort();
        lines
    }
}

/// The link to the span as it was recorded.
fn copy_of(span: &SpanData) -> &SpanContext {
    let link = &span.links[0];
    assert_eq!(link.attributes[0].key.as_str(), semconv::EDGE_TYPE);
    assert_eq!(link.attributes[0].value.as_str(), "custom.copy");
    &link.span_context
}

fn is_ours(context: &SpanContext, span: &Context) -> bool {
    let (trace, id) = (span.trace_id().unwrap(), span.span_id().unwrap());
    context.trace_id().to_bytes() == trace.get().to_be_bytes() && context.span_id().to_bytes() == id.get().to_be_bytes()
}

fn open(under: Option<&Span>, name: &'static str, recorder: &Recorder) -> Span {
    match under {
        Some(above) => above.in_scope(|| observe::span(name).open()),
        None => recorder.in_scope(|| observe::span(name).open()),
    }
}

#[test]
fn a_tree_in_one_delivery_is_kept() {
    let it = provider(Sampler::AlwaysOn);
    it.recorder.in_scope(|| {
        observe::span("a").in_scope(|| {
            observe::span("b").in_scope(|| observe::span("c").in_scope(|| ()));
            observe::span("d").in_scope(|| ());
        })
    });
    flush(&it.recorder);
    assert_eq!(it.tree(), ["a", "b < a", "c < b", "d < a"]);
    assert_eq!(counts(&it.counter), [4, 0, 0, 0]);
}

/// Each ends in a delivery of its own, the lowest first. Those above begin with the provider before they have ended.
#[test]
fn parents_that_are_open_are_kept() {
    let it = provider(Sampler::AlwaysOn);
    let a = open(None, "a", &it.recorder);
    flush(&it.recorder);
    let b = open(Some(&a), "b", &it.recorder);
    let c = open(Some(&b), "c", &it.recorder);
    let links: Vec<_> = [&a, &b, &c].map(|span| span.context().clone()).into();
    c.attribute("early", true);
    flush(&it.recorder);
    c.end();
    flush(&it.recorder);
    assert_eq!((it.spans().len(), counts(&it.counter)), (1, [1, 0, 0, 0]));
    b.event("read", &[("n", spanbridge::Value::I64(7))]);
    b.attribute("late", 1.5);
    b.link(&links[2]);
    flush(&it.recorder);
    b.error("no paper");
    flush(&it.recorder);
    a.end();
    flush(&it.recorder);
    assert_eq!(it.tree(), ["a", "b < a", "c < b"]);
    for (name, ours) in ["a", "b", "c"].into_iter().zip(&links) {
        assert!(is_ours(copy_of(&it.span(name)), ours));
    }
    let b = it.span("b");
    assert!(b.attributes.iter().any(|it| it.key.as_str() == "late" && it.value == Value::F64(1.5)));
    assert_eq!(b.events.iter().map(|event| &*event.name).collect::<Vec<_>>(), ["read", "exception"]);
    assert_eq!(b.status, Status::error("no paper"));
    assert_eq!(b.links[1].span_context, it.span("c").span_context);
    assert!(b.start_time <= b.events[0].timestamp && b.events[0].timestamp <= b.end_time);
    assert!(it.span("a").start_time <= b.start_time && b.end_time <= it.span("a").end_time);
    assert_eq!(counts(&it.counter), [3, 0, 0, 0]);
}

/// Threads are read one after the other. Each has a span under one of the other's, so that one child comes before its parent.
#[test]
fn parents_on_another_thread_are_kept() {
    let it = provider(Sampler::AlwaysOn);
    let (barrier, contexts) = (Barrier::new(2), [OnceLock::new(), OnceLock::new()]);
    std::thread::scope(|scope| {
        for (own, other, names) in [(0, 1, ["a", "b"]), (1, 0, ["c", "d"])] {
            let (recorder, barrier, contexts) = (&it.recorder, &barrier, &contexts);
            scope.spawn(move || {
                let above = open(None, names[0], recorder);
                contexts[own].set(above.context().clone()).unwrap();
                barrier.wait();
                observe::in_scope(contexts[other].get().unwrap(), || observe::span(names[1]).in_scope(|| ()));
                barrier.wait();
                above.end();
            });
        }
    });
    flush(&it.recorder);
    assert_eq!(it.tree(), ["a", "b < c", "c", "d < a"]);
    assert_eq!(counts(&it.counter), [4, 0, 0, 0]);
}

/// One that is open stands between two that have ended, of which the lower one comes first on one of two threads.
#[test]
fn parents_above_an_open_one_are_kept() {
    let it = provider(Sampler::AlwaysOn);
    let line = |names: [&'static str; 3]| {
        let a = open(None, names[0], &it.recorder);
        let b = open(Some(&a), names[1], &it.recorder);
        let c = open(Some(&b), names[2], &it.recorder);
        (a, b, c)
    };
    let lines =
        [line(["a", "b", "c"]), std::thread::scope(|scope| scope.spawn(|| line(["d", "e", "f"])).join().unwrap())];
    flush(&it.recorder);
    // Each thread ends the lowest of one line and the uppermost of the other.
    let [(a, b, c), (d, e, f)] = lines;
    c.end();
    d.end();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            f.end();
            a.end();
        });
    });
    flush(&it.recorder);
    assert_eq!(it.spans().len(), 4);
    b.end();
    e.end();
    flush(&it.recorder);
    assert_eq!(it.tree(), ["a", "b < a", "c < b", "d", "e < d", "f < e"]);
}

/// A child that outlives its parent.
#[test]
fn parents_of_earlier_deliveries_are_kept() {
    let it = provider(Sampler::AlwaysOn);
    let a = open(None, "a", &it.recorder);
    let b = open(Some(&a), "b", &it.recorder);
    a.end();
    flush(&it.recorder);
    let c = open(Some(&b), "c", &it.recorder);
    b.end();
    flush(&it.recorder);
    c.end();
    flush(&it.recorder);
    assert_eq!(it.tree(), ["a", "b < a", "c < b"]);
}

/// A trace that begins in another service goes on under its id.
#[test]
fn a_remote_parent_is_kept() {
    let it = provider(Sampler::ParentBased(Box::new(Sampler::AlwaysOff)));
    let header = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    it.recorder.in_scope(|| {
        let parent = TraceParent::parse(header).unwrap();
        let remote = Context::remote(parent, None, TraceState::new(), Baggage::default());
        observe::in_scope(&remote, || observe::span("handle").kind(Kind::Server).in_scope(|| ()));
    });
    flush(&it.recorder);
    let span = it.span("handle");
    assert_eq!(span.span_context.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!((span.parent_span_id.to_string(), span.parent_span_is_remote), ("b7ad6b7169203331".into(), true));
    assert_eq!(span.span_kind, SpanKind::Server);
    assert_eq!(copy_of(&span).trace_id(), span.span_context.trace_id());
}

/// To what the provider made of a span, or to our ids.
#[test]
fn links_lead_to_what_is_known() {
    let it = provider(Sampler::AlwaysOn);
    let known = open(None, "known", &it.recorder);
    let context = known.context().clone();
    known.end();
    flush(&it.recorder);
    let open_one = open(None, "open", &it.recorder);
    let span = it.recorder.in_scope(|| observe::span("links").link(&context).link(open_one.context()).open());
    span.end();
    flush(&it.recorder);
    let links = it.span("links").links;
    assert_eq!(links.len(), 3);
    assert_eq!(links[1].span_context, it.span("known").span_context);
    assert!(is_ours(&links[2].span_context, open_one.context()));
}

/// The provider's sampler is a choice, and no loss. Its children are left out with a span.
#[test]
fn what_its_sampler_leaves_out_is_not_chosen() {
    let it = provider(Sampler::ParentBased(Box::new(Sampler::AlwaysOff)));
    let a = open(None, "a", &it.recorder);
    let b = open(Some(&a), "b", &it.recorder);
    flush(&it.recorder);
    b.end();
    flush(&it.recorder);
    a.end();
    assert!(it.recorder.clone().shutdown(LONG).complete);
    assert_eq!((counts(&it.counter), it.spans().len()), ([0, 0, 2, 0], 0));
}

/// And while there is none, which is so before one is registered and after it is shut down.
#[test]
fn without_a_provider_spans_are_lost() {
    let it = provider(Sampler::AlwaysOn);
    let nested = |recorder: &Recorder| {
        let parent = TraceParent::parse(b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap();
        recorder.in_scope(|| {
            let remote = Context::remote(parent, None, TraceState::new(), Baggage::default());
            let spans = || observe::span("a").in_scope(|| observe::span("b").in_scope(|| ()));
            observe::in_scope(&remote, spans);
            spans();
        });
        flush(recorder)
    };
    global::set_tracer_provider(NoopTracerProvider::new());
    let report = nested(&it.recorder);
    assert_eq!((counts(&it.counter), report.sinks[0].rejected), ([0, 4, 0, 0], 4));
    assert!(it.counter.counts().last_error.unwrap().contains("no tracer provider"));
    global::set_tracer_provider(it.provider.clone());
    nested(&it.recorder);
    assert_eq!(counts(&it.counter), [4, 4, 0, 0]);
    it.provider.shutdown().unwrap();
    nested(&it.recorder);
    assert_eq!(counts(&it.counter), [4, 8, 0, 0]);
}

/// Its copy was begun for its child, and cannot stay open.
#[test]
fn a_span_that_never_ends_is_marked() {
    let it = provider(Sampler::AlwaysOn);
    let a = open(None, "a", &it.recorder);
    open(Some(&a), "b", &it.recorder).end();
    flush(&it.recorder);
    assert_eq!(it.tree(), ["b"]);
    assert!(it.recorder.clone().shutdown(LONG).complete);
    assert_eq!(it.tree(), ["a", "b < a"]);
    let marked = it.span("a").attributes;
    assert_eq!((marked[0].key.as_str(), marked[0].value.as_str().into_owned()), (semconv::SPAN_STATUS, "open".into()));
    assert_eq!(counts(&it.counter), [1, 0, 0, 0]);
    drop(a);
}

/// A delivery reads one thread after the other, while both go on: it may read a child and not yet the parent that began before it.
/// The parent comes with the next delivery.
#[test]
fn parents_that_come_later_are_kept() {
    const FILL: usize = 50;
    let it = provider(Sampler::AlwaysOn);
    let (give, take) = mpsc::sync_channel::<Context>(0);
    std::thread::scope(|scope| {
        let recorder = it.recorder.clone();
        let ((is_first, first), (ready, is_ready)) = (mpsc::channel::<()>(), mpsc::channel::<()>());
        scope.spawn(move || {
            record(&recorder, &["first"]);
            is_first.send(()).unwrap();
            is_ready.recv().unwrap();
            for _ in 0..2_000 {
                let above = open(None, "a", &recorder);
                give.send(above.context().clone()).unwrap();
                above.end();
            }
        });
        // This thread stands between the two, and gives the delivery something to read there.
        first.recv().unwrap();
        record(&it.recorder, &["fill"; FILL]);
        let recorder = it.recorder.clone();
        scope.spawn(move || {
            record(&recorder, &["last"]);
            ready.send(()).unwrap();
            take.into_iter().for_each(|above| observe::in_scope(&above, || observe::span("b").in_scope(|| ())))
        });
        for _ in 0..500 {
            record(&it.recorder, &["fill"; FILL]);
            it.recorder.flush_blocking(LONG);
        }
    });
    assert!(it.recorder.clone().shutdown(LONG).complete);
    let is_alone = |span: &&SpanData| span.name == "b" && span.parent_span_is_remote;
    assert_eq!(it.spans().iter().filter(is_alone).count(), 0);
}

/// Ids that are derived from input come again when work is done again, and may even form a circle.
#[test]
fn an_id_that_comes_again_is_built_again() {
    let it = provider(Sampler::AlwaysOn);
    let span = |name: &'static str, id| span_with_id(name, SpanId::new(id).unwrap());
    it.recorder.in_scope(|| {
        span("a", 1).in_scope(|| {
            span("b", 2).in_scope(|| span("again a", 1).in_scope(|| ()));
            span("of itself", 1).in_scope(|| ());
            span("again b", 2).in_scope(|| ())
        })
    });
    flush(&it.recorder);
    flush(&it.recorder);
    assert_eq!(counts(&it.counter), [5, 0, 0, 0]);
    let mut names: Vec<_> = it.spans().iter().map(|span| span.name.to_string()).collect();
    names.sort();
    assert_eq!(names, ["a", "again a", "again b", "b", "of itself"]);
}

/// The provider exports on the thread that ends a span, which is ours. What its exporter does there is not traced: it would wait
/// for itself.
#[test]
fn the_export_of_a_provider_is_not_traced() {
    let it = provider(Sampler::AlwaysOn);
    let exported = Scripted::new(&[Does::Traces]);
    let provider = SdkTracerProvider::builder().with_simple_exporter(exported.clone()).build();
    global::set_tracer_provider(provider);
    record(&it.recorder, &["a", "b"]);
    flush(&it.recorder);
    let names: Vec<_> = exported.with(|state| state.taken.iter().map(|span| span.name.to_string()).collect());
    assert_eq!((names, counts(&it.counter)), (vec!["a".to_owned(), "b".to_owned()], [2, 0, 0, 0]));
}

/// Deep, and from several threads, while deliveries go on.
#[test]
fn every_span_is_built_once() {
    let it = provider(Sampler::AlwaysOn);
    fn nest(depth: u32) {
        observe::span("s").in_scope(|| {
            if depth > 1 {
                nest(depth - 1)
            }
        })
    }
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| it.recorder.in_scope(|| (0..20).for_each(|_| nest(50))));
        }
        for _ in 0..20 {
            it.recorder.flush_blocking(LONG);
        }
    });
    let recorder = it.recorder.clone();
    let spans = || {
        let spans = it.spans();
        let without: Vec<_> = spans.iter().filter(|span| span.parent_span_id.to_bytes() == [0; 8]).collect();
        let traces: std::collections::BTreeSet<_> =
            spans.iter().map(|span| span.span_context.trace_id().to_string()).collect();
        let copies: std::collections::BTreeSet<_> =
            spans.iter().map(|span| copy_of(span).span_id().to_string()).collect();
        (spans.len(), copies.len(), without.len(), traces.len())
    };
    assert!(recorder.shutdown(LONG).complete);
    assert_eq!(counts(&it.counter), [4000, 0, 0, 0]);
    assert_eq!(spans(), (4000, 4000, 80, 80));
}
