//! One version, by its API.

use crate::install;
use crate::letters::{Headers, Letter, SENDER, TRACE, sent, traceparent};
use crate::tracers::v0_33::Sdk;
use futures_executor_free::block_on;
use opentelemetry_0_33::baggage::{Baggage, BaggageExt};
use opentelemetry_0_33::trace::{SpanContext, TraceContextExt, Tracer};
use opentelemetry_0_33::{Context, KeyValue};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A future that is ready at once, or after a few polls.
mod futures_executor_free {
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
        let mut future = pin!(future);
        loop {
            if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return value;
            }
        }
    }
}

#[test]
fn a_send_carries_their_span_and_baggage() {
    install();
    let sdk = Sdk::new();
    let mut baggage = Baggage::new();
    baggage.insert_with_metadata("user", "Amélie + 1", "until=2027");
    let headers = sdk.tracer().in_span("publish", |cx| {
        let _baggage = cx.with_baggage(baggage).attach();
        sent()
    });
    let span = sdk.span("publish").span_context;
    assert_eq!(headers["traceparent"], format!("00-{}-{}-01", span.trace_id(), span.span_id()));
    assert_eq!(headers["baggage"], "user=Am%C3%A9lie%20%2B%201;until=2027");
    assert_eq!(headers.get("tracestate"), None);
    assert_eq!(sent(), Headers::new())
}

#[test]
fn an_invalid_span_is_no_context() {
    install();
    let _current = Context::new().with_remote_span_context(SpanContext::empty_context()).attach();
    assert_eq!(sent(), Headers::new())
}

/// Their span in the handler is a child of the sender's; what is sent inside of it is its child.
#[test]
fn a_handler_is_under_the_sender() {
    install();
    let sdk = Sdk::new();
    let headers = block_on(Letter::new("01").handled(|| async {
        let baggage = Context::current().baggage().get("user").map(ToString::to_string);
        assert_eq!(baggage.as_deref(), Some("Amélie"));
        sdk.tracer().in_span("handle", |_| sent())
    }));
    let span = sdk.span("handle");
    assert_eq!(
        (span.span_context.trace_id().to_string(), span.parent_span_id.to_string()),
        (TRACE.into(), SENDER.into())
    );
    assert!(span.parent_span_is_remote);
    let came = Letter::new("01").0;
    assert_eq!(headers["traceparent"], traceparent(span.span_context.span_id()));
    assert_eq!([&headers["tracestate"], &headers["baggage"]], [&came["tracestate"], &came["baggage"]]);
    assert!(!Context::current().has_active_span() && Context::current().baggage().is_empty())
}

/// Flags stay as they came, whatever their sampler says.
#[test]
fn what_is_only_forwarded_stays_as_it_came() {
    install();
    for flags in ["00", "01", "03"] {
        let letter = Letter::new(flags);
        assert_eq!(block_on(letter.handled(|| async { sent() })), letter.0)
    }
    let sdk = Sdk::new();
    let headers = block_on(Letter::new("00").handled(|| async { sdk.tracer().in_span("handle", |_| sent()) }));
    assert!(headers["traceparent"].starts_with(&format!("00-{TRACE}-")) && headers["traceparent"].ends_with("-00"));
    assert!(sdk.spans().is_empty(), "sampled out upstream")
}

#[test]
fn baggage_that_a_handler_changes_is_sent() {
    install();
    let headers = block_on(Letter::new("01").handled(|| async {
        let _baggage = Context::current_with_baggage([KeyValue::new("tier", "lead")]).attach();
        sent()
    }));
    assert_eq!((&*headers["baggage"], &*headers["traceparent"]), ("tier=lead", &*traceparent(SENDER)));
    let headers = block_on(Letter::new("01").handled(|| async {
        let _none = Context::map_current(|cx| cx.with_cleared_baggage()).attach();
        sent()
    }));
    assert_eq!(headers.get("baggage"), None)
}

/// Members of `tracestate` that OpenTelemetry does not take do not take the others with them.
#[test]
fn a_tracestate_is_kept_as_far_as_it_goes() {
    install();
    let sdk = Sdk::new();
    let mut letter = Letter::new("01");
    letter.0.insert("tracestate".into(), "a=1,b@longer-than-fourteen=2,c=3".into());
    let headers = block_on(letter.handled(|| async { sdk.tracer().in_span("handle", |_| sent()) }));
    assert_eq!(headers["tracestate"], "a=1,c=3")
}

/// A message without a context is under nothing, also in a loop that is itself in a span; what else is current there stays.
#[test]
fn without_a_context_they_begin_a_trace() {
    install();
    let sdk = Sdk::new();
    let tracer = sdk.tracer();
    tracer.in_span("consume", |_| {
        let letter = Letter(Headers::new());
        block_on(letter.handled(|| async { tracer.in_span("handle", |_| ()) }))
    });
    let (consume, handle) = (sdk.span("consume"), sdk.span("handle"));
    assert_ne!(consume.span_context.trace_id(), handle.span_context.trace_id());
    assert!(handle.span_context.is_valid());
    assert_eq!(handle.parent_span_id, opentelemetry_0_33::trace::SpanId::INVALID);
    #[derive(Debug, PartialEq)]
    struct Tenant(u8);
    let _value = Context::current_with_value(Tenant(7)).attach();
    for letter in [Letter(Headers::new()), Letter::new("01")] {
        block_on(letter.handled(|| async { assert_eq!(Context::current().get(), Some(&Tenant(7))) }))
    }
}

#[test]
fn panics_and_cancels_restore_what_was_current() {
    install();
    let sdk = Sdk::new();
    sdk.tracer().in_span("consume", |cx| {
        let here = || Context::current().span().span_context().clone();
        let outer = cx.span().span_context().clone();
        let panics = Letter::new("01").handled(|| async { panic!("in the handler") });
        assert!(catch_unwind(AssertUnwindSafe(|| block_on(panics))).is_err());
        assert_eq!(here(), outer);
        let mut cancelled = Box::pin(Letter::new("01").handled(std::future::pending::<()>));
        let mut task = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(cancelled.as_mut().poll(&mut task).is_pending());
        drop(cancelled);
        assert_eq!(here(), outer)
    })
}

/// An exporter that sends by an adapter, when their last reference to a span goes with the context that we restore.
#[test]
fn their_exporter_may_send() {
    use opentelemetry_0_33::trace::TracerProvider;
    use opentelemetry_sdk::error::OTelSdkResult;
    use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Debug, Default)]
    struct Sends(Arc<Mutex<Vec<Headers>>>);

    impl SpanExporter for Sends {
        async fn export(&self, _: Vec<SpanData>) -> OTelSdkResult {
            let headers = sent();
            block_on(Letter(headers.clone()).handled(|| async {}));
            self.0.lock().unwrap().push(headers);
            Ok(())
        }
    }

    install();
    let exported = Sends::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exported.clone()).build();
    let tracer = provider.tracer("app");
    block_on(Letter::new("01").handled(|| async {
        let _span = Context::current_with_span(tracer.start("handle")).attach();
        sent()
    }));
    assert_eq!(exported.0.lock().unwrap().len(), 1)
}
