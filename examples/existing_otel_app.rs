//! A service that has OpenTelemetry's SDK and `tracing-opentelemetry`, and keeps them. It takes only the transport.
//!
//! Its spans go where they went before; here they are printed as a tree. There is no recorder of spanbridge. What was added
//! says so: one line in `main`, and the word `observed` on the channel and on the consumer.
//!
//! ```sh
//! cargo run --example existing_otel_app -- --url amqp://127.0.0.1:5672 --queue shop
//! ```

use anyhow::Context as _;
use clap::Parser;
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicPublishOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel};
use opentelemetry::trace::{SpanId, TracerProvider};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use spanbridge_amqp::{ChannelExt, ConsumerExt};
use spanbridge_examples::broker::Broker;
use std::sync::{Arc, Mutex};
use tracing::instrument;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Places an order, ships it behind a RabbitMQ queue, and prints the trace.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    broker: Broker,
}

#[instrument(skip(channel))]
async fn place_order(channel: &Channel, queue: &str, order: u32) -> anyhow::Result<()> {
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    let body = order.to_string();
    // Added: `observed`. The message carries the current span of OpenTelemetry.
    let channel = channel.observed();
    channel.basic_publish("".into(), queue.into(), options, body.as_bytes(), properties).await?.await?;
    Ok(())
}

#[instrument(skip_all)]
async fn ship(body: &[u8]) -> anyhow::Result<()> {
    pack(std::str::from_utf8(body)?.parse()?).await;
    Ok(())
}

#[instrument]
async fn pack(order: u32) {
    tokio::task::yield_now().await
}

/// Its own span is not around the work on its messages.
#[instrument(skip_all)]
async fn consume(channel: &Channel, queue: &str, messages: usize) -> anyhow::Result<()> {
    let (options, table) = (BasicConsumeOptions::default(), FieldTable::default());
    // Added: `observed`.
    let mut jobs = channel.basic_consume(queue.into(), "".into(), options, table).await?.observed();
    for _ in 0..messages {
        let job = jobs.next().await.context("the consumer was cancelled")??;
        // Added: `run`. Inside, the sender's span is the current one of OpenTelemetry.
        job.run(|| ship(&job.data)).await?;
        job.ack(BasicAckOptions::default()).await?;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();

    // As it was: an exporter, a provider, and the layer.
    let printed = Printed::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(printed.clone()).build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("shop"));
    tracing_subscriber::registry()
        .with(tracing_subscriber::EnvFilter::new("existing_otel_app=info"))
        .with(layer)
        .init();

    // Added: what is current in OpenTelemetry is what adapters send and restore.
    spanbridge_otel::bridge::Bridge::new().opentelemetry_0_33().install()?;

    let broker = arguments.broker.connect().await?;
    let queue = broker.queue.as_str();
    place_order(&broker.channel, queue, 7).await?;
    consume(&broker.channel, queue, 1).await?;
    broker.connection.close(200, "done".into()).await?;

    provider.shutdown()?;
    printed.tree(SpanId::INVALID, 0);
    Ok(())
}

/// An exporter that keeps the spans, and prints them as a tree.
#[derive(Clone, Debug, Default)]
struct Printed(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Printed {
    async fn export(&self, spans: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).extend(spans);
        Ok(())
    }
}

impl Printed {
    fn tree(&self, parent: SpanId, depth: usize) {
        let mut spans = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
        spans.retain(|span| span.parent_span_id == parent);
        spans.sort_by_key(|span| span.start_time);
        for span in spans {
            println!("{}{} {}", "  ".repeat(depth), span.name, span.span_context.trace_id());
            self.tree(span.span_context.span_id(), depth + 1)
        }
    }
}
