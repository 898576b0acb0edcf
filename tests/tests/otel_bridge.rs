//! A team that has OpenTelemetry's SDK and no recorder of ours, over each transport: its spans are one trace.

use axum::Router;
use axum::routing::get;
use lapin::BasicProperties;
use lapin::options::BasicPublishOptions;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::{FutureExt, SpanContext, TraceContextExt, Tracer, TracerProvider};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider, SpanData, SpanExporter};
use rdkafka::Message;
use rdkafka::producer::FutureRecord;
use serde_json::json;
use spanbridge::w3c::{BAGGAGE, TRACEPARENT};
use spanbridge_amqp::{ChannelExt, ConsumerExt as _};
use spanbridge_examples::local_lambda::{Function, LocalLambda};
use spanbridge_http::{ClientExt, ServerLayer};
use spanbridge_kafka::{ConsumerExt as _, ProducerExt};
use spanbridge_lambda::CallExt;
use spanbridge_otel::bridge::Bridge;
use spanbridge_tests::{amqp, kafka, text_headers, text_pairs, within};
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(10);

/// A tracer, and the spans that it has ended.
#[derive(Clone, Debug, Default)]
struct Ended(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Ended {
    async fn export(&self, spans: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().unwrap().extend(spans);
        Ok(())
    }
}

impl Ended {
    fn tracer(&self) -> SdkTracer {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| Bridge::new().opentelemetry_0_33().install().unwrap());
        SdkTracerProvider::builder().with_simple_exporter(self.clone()).build().tracer("app")
    }

    #[track_caller]
    fn span(&self, name: &str) -> SpanData {
        let spans = self.0.lock().unwrap();
        spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("{name} is not among {spans:#?}")).clone()
    }

    /// Each of the spans is the parent of the next one, in one trace.
    #[track_caller]
    fn chain(&self, names: &[&str]) {
        for pair in names.windows(2) {
            let [above, below] = [pair[0], pair[1]].map(|name| self.span(name));
            assert_eq!(below.parent_span_id, above.span_context.span_id(), "{pair:?}");
            assert_eq!(below.span_context.trace_id(), above.span_context.trace_id(), "{pair:?}")
        }
    }
}

/// A future in a span, with baggage.
async fn in_span<F: Future>(tracer: &SdkTracer, name: &'static str, work: impl FnOnce() -> F) -> F::Output {
    let context = Context::current_with_span(tracer.start(name));
    let context = context.with_baggage([KeyValue::new("tenant", "acme ü")]);
    let future = {
        let _current = context.clone().attach(); // some calls begin before they are polled
        work()
    };
    let value = future.with_context(context.clone()).await;
    context.span().end();
    value
}

fn traceparent(span: &SpanContext) -> String {
    format!("00-{}-{}-01", span.trace_id(), span.span_id())
}

fn value(headers: &[(String, String)], name: &str) -> String {
    headers.iter().find(|(n, _)| n == name).unwrap_or_else(|| panic!("no {name} in {headers:?}")).1.clone()
}

fn here() -> SpanContext {
    Context::current().span().span_context().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn over_rabbitmq() {
    let Some(amqp) = amqp("bridge").await else { return };
    let ended = Ended::default();
    let tracer = ended.tracer();
    let publish = || async {
        let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
        let channel = amqp.channel.observed();
        channel.basic_publish("".into(), amqp.queue.clone(), options, b"{}", properties).await?.await
    };
    within("a publish", in_span(&tracer, "place", publish)).await.unwrap();
    let mut jobs = amqp.consume().await.observed();
    let job = within("a message", jobs.next()).await.unwrap().unwrap();
    let options = lapin::options::BasicCancelOptions::default();
    amqp.channel.basic_cancel(jobs.consumer().tag(), options).await.unwrap();
    let handle = || async { in_span(&tracer, "handle", publish).await.map(drop) };
    within("the work", job.run(handle)).await.unwrap();
    job.ack(Default::default()).await.unwrap();
    ended.chain(&["place", "handle"]);
    let again = text_headers(&amqp.take().await.properties);
    assert_eq!(value(&again, TRACEPARENT), traceparent(&ended.span("handle").span_context));
    assert_eq!(value(&again, BAGGAGE), "tenant=acme%20%C3%BC");
    assert!(!here().is_valid())
}

#[tokio::test(flavor = "multi_thread")]
async fn over_kafka() {
    let ended = Ended::default();
    let tracer = ended.tracer();
    let kafka = kafka("bridge", 1).await;
    let producer = kafka.future_producer();
    let send = || async {
        let record = FutureRecord::<(), _>::to(&kafka.topic).payload("{}");
        producer.observed().send(record, SOON).await.map(drop).map_err(|(error, _)| error)
    };
    within("a send", in_span(&tracer, "place", send)).await.unwrap();
    let consumer = kafka.consumer("bridge").observed();
    let job = within("a message", consumer.recv()).await.unwrap();
    within("the work", job.run(|| in_span(&tracer, "handle", send))).await.unwrap();
    job.in_scope(|| tracer.in_span("handle in a call", |_| Ok::<_, String>(()))).unwrap();
    ended.chain(&["place", "handle"]);
    ended.chain(&["place", "handle in a call"]);
    let again = within("the other message", consumer.recv()).await.unwrap();
    let parent = again.context().trace_parent().unwrap().to_string();
    assert_eq!(parent, traceparent(&ended.span("handle").span_context));
    drop((job, again));
    let raw = kafka.consumer("as it is on the wire");
    let raw = within("a message", raw.recv()).await.unwrap();
    assert_eq!(value(&text_pairs(&raw), BAGGAGE), "tenant=acme%20%C3%BC");
    assert_eq!(raw.payload(), Some(&b"{}"[..]))
}

#[tokio::test(flavor = "multi_thread")]
async fn over_http() {
    let ended = Ended::default();
    let tracer = ended.tracer();
    let (first, second) = (tracer.clone(), tracer.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let next = format!("{url}/next");
    let order = move || async move {
        let call = || reqwest::Client::new().observed().get(&next).send();
        in_span(&first, "order", call).await.unwrap().status().to_string()
    };
    let app = Router::new()
        .route("/order", get(order))
        .route("/next", get(async move || second.in_span("next", |_| ())))
        .layer(ServerLayer::new().filter(|request| request.uri.path() != "/next"));
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let client = reqwest::Client::new().observed();
    let call = || client.get(format!("{url}/order")).send();
    let response = within("a response", in_span(&tracer, "browse", call)).await.unwrap();
    assert_eq!(response.text().await.unwrap(), "200 OK");
    ended.chain(&["browse", "order", "next"]); // the last one's request has no span of ours: it keeps its place all the same
    server.abort()
}

#[tokio::test(flavor = "multi_thread")]
async fn over_lambda() {
    let ended = Ended::default();
    let tracer = ended.tracer();
    let lambda = LocalLambda::start().await.unwrap();
    let function = Function::new("bridged", env!("CARGO_BIN_EXE_bridged_function")).timeout(Duration::from_secs(30));
    lambda.add(function).await.unwrap();
    let client = lambda.client();
    let invoke = || client.invoke().function_name("bridged").observed().send();
    let output = within("a response", in_span(&tracer, "call", invoke)).await.unwrap();
    let answer: serde_json::Value = serde_json::from_slice(output.payload().unwrap().as_ref()).unwrap();
    let call = ended.span("call").span_context;
    let (trace, parent) = (call.trace_id().to_string(), call.span_id().to_string());
    assert_eq!(answer, json!({ "trace": trace, "parent": parent, "tenant": "acme ü" }))
}
