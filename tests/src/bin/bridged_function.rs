//! A function of a team that has OpenTelemetry's SDK and no recorder of ours: it answers with what its span is a child of.

use lambda_runtime::{Error, LambdaEvent, service_fn};
use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::{Span, TraceContextExt, Tracer, TracerProvider};
use opentelemetry_sdk::trace::SdkTracerProvider;
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    spanbridge_otel::bridge::Bridge::new().opentelemetry_0_33().install()?;
    let provider = SdkTracerProvider::builder().build();
    let tracer = provider.tracer("function");
    let handle = |_: LambdaEvent<Value>| {
        let tracer = tracer.clone();
        async move {
            tokio::task::yield_now().await;
            let here = opentelemetry::Context::current();
            let span = tracer.start("score");
            let trace = span.span_context().trace_id().to_string();
            let parent = here.span().span_context().span_id().to_string();
            let tenant = here.baggage().get("tenant").map(ToString::to_string);
            Ok::<_, Error>(json!({ "trace": trace, "parent": parent, "tenant": tenant }))
        }
    };
    spanbridge_lambda::run(service_fn(handle)).await
}
