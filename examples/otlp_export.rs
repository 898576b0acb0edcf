//! Spans to any backend that speaks OTLP, beside the local store, as the environment says. It prints what became of them.
//!
//! ```sh
//! OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318 cargo run --example otlp_export
//! OTEL_EXPORTER_OTLP_ENDPOINT=https://otlp.example.com OTEL_EXPORTER_OTLP_HEADERS=x-api-key=... cargo run --example otlp_export
//! ```

use clap::Parser;
use spanbridge::{Kind, observe};
use spanbridge_examples::{Records, finish};
use spanbridge_otel::{Telemetry, WithTelemetry};

/// Exports a few spans over OTLP, and keeps them in the store as well.
#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    records: Records,
    /// Export content too, such as the texts of errors
    #[arg(long)]
    record_content: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let telemetry = Telemetry::from_env("bakery")
        .attributes([("deployment.environment.name", "example")])
        .record_content(arguments.record_content);
    let counters = telemetry.counters();
    let builder = arguments.records.recorder("bakery")?.with_telemetry(telemetry);
    let recorder = builder.map_err(|error| anyhow::anyhow!("failed to {error}"))?.install()?;

    for order in 1..=3 {
        let baked = observe::span("bake").kind(Kind::Server).attribute("order.id", order).in_scope(|| {
            observe::span("knead").in_scope(|| ());
            observe::span("heat the oven")
                .in_scope(|| if order == 3 { Err("the oven of table 4 is cold") } else { Ok(()) })
        });
        println!("order {order}: {}", if baked.is_ok() { "baked" } else { "not baked" });
    }

    // What a receiver has not answered within five seconds is lost, and counted as such.
    finish(recorder);
    for counter in counters {
        let counts = counter.counts();
        println!("{} of {} spans were accepted", counts.accepted, counts.spans());
        if let Some(error) = counts.last_error {
            println!("the last problem: {error}");
        }
    }
    Ok(())
}
