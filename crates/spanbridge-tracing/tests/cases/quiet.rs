//! Where nothing is recorded.

use super::mode::Default;
use super::{default, subscribed};
use spanbridge::record::Body;
use spanbridge::{Context, Receipt, RecordBatch, Recorder, Sampler, Sink, SinkError, observe};
use spanbridge_graph::testing::RecordOptions;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing::{Span, info, info_span};

/// In a trace that is not sampled, the context travels, and nothing is recorded.
#[test]
fn a_trace_that_is_not_sampled() {
    let work = || {
        subscribed(|| {
            let span = info_span!("root", field = 1);
            let inside = span.in_scope(observe::current_context);
            assert_eq!(observe::current_context(), Context::EMPTY);
            let elsewhere = std::thread::spawn(move || span.in_scope(observe::current_context)).join().unwrap();
            (inside, elsewhere)
        })
    };
    let recorded = RecordOptions::new().sampler(Sampler::never()).record(work);
    assert_eq!(recorded.spans().count(), 0);
    let (inside, elsewhere) = recorded.output;
    assert!(inside.travels() && !inside.is_sampled() && inside.span_id().is_some());
    assert_eq!(inside, elsewhere);
}

/// Without a recorder, a context that came from elsewhere is current in the spans, on other threads, too.
#[test]
fn contexts_travel_without_a_recorder() {
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let context = spanbridge::carrier::extract(&HashMap::from([("traceparent", parent)])).context;
    subscribed(|| {
        let span = observe::in_scope(&context, || info_span!("span"));
        assert_eq!(observe::current_context(), Context::EMPTY);
        let elsewhere = std::thread::spawn(move || span.in_scope(observe::current_context)).join().unwrap();
        assert_eq!(elsewhere.trace_parent(), context.trace_parent());
        let outside = info_span!("outside");
        observe::in_scope(&context, || {
            assert_eq!(outside.in_scope(observe::current_context).trace_parent(), context.trace_parent());
            let root = info_span!(parent: None, "root");
            assert_eq!(root.in_scope(observe::current_context), Context::EMPTY);
        });
    })
}

/// A sink that traces what it does, also inside of a span that is recorded.
struct Traces {
    span: Arc<Mutex<Option<Span>>>,
    default: Default,
    names: Arc<Mutex<Vec<String>>>,
}

impl Sink for Traces {
    fn deliver(&mut self, batch: &RecordBatch) -> Result<Receipt, SinkError> {
        self.default.call(|| {
            let span = self.span.lock().unwrap().clone();
            let span = span.unwrap_or_else(Span::none);
            span.in_scope(|| info_span!("inside").in_scope(|| info!("delivering")));
            info_span!("deliver").in_scope(|| info!("delivering"));
        });
        let names = batch.records().filter_map(|record| match record.body {
            Body::Span(span) => Some(span.name.into_owned()),
            Body::Event(event) => Some(event.name.into_owned()),
            _ => None,
        });
        self.names.lock().unwrap().extend(names);
        Ok(Receipt::default())
    }
}

/// What a sink traces is not recorded, or there would be no end of it.
#[test]
fn a_sink_does_not_record_itself() {
    let (span, names) = (Arc::new(Mutex::new(None)), Arc::<Mutex<Vec<String>>>::default());
    let default = subscribed(default);
    let sink = Traces { span: span.clone(), default: default.clone(), names: names.clone() };
    let recorder = Recorder::builder("test").sink(sink).on_flush_only().build().unwrap();
    let flush = || assert!(recorder.flush_blocking(Duration::from_secs(60)).complete);
    default.call(|| {
        *span.lock().unwrap() = recorder.in_scope(|| Some(info_span!("of the sink")));
        (0..3).for_each(|_| flush());
        span.lock().unwrap().take();
        flush()
    });
    assert_eq!(*names.lock().unwrap(), ["of the sink"]);
}
