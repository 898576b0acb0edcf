//! Without content, nothing gets to the SDK that a user did not name.

use crate::exporters::{Does, Scripted};
use crate::plant::plant;
use crate::provider;
use crate::support::*;
use opentelemetry_sdk::trace::{Sampler, SimpleSpanProcessor};
use spanbridge_otel::export::AnyExporter;
use spanbridge_otel::{Exporter, Telemetry};

fn told(to: &Scripted, exporter: impl Into<AnyExporter>, record_content: bool) -> String {
    let recorder = recorder(Telemetry::new("NAME-service").record_content(record_content).exporter(exporter));
    plant(&recorder);
    assert!(recorder.shutdown(LONG).complete);
    to.with(|state| format!("{:?} {:?}", state.taken, state.resource))
}

#[test]
fn no_secret_gets_to_the_sdk() {
    let scripted = || Scripted::new(&[Does::Takes]);
    for record_content in [false, true] {
        let to = scripted();
        let by_exporter = told(&to, Exporter::span_exporter(to.clone()), record_content);
        let to = scripted();
        let processor = SimpleSpanProcessor::new(to.clone());
        let by_processor = told(&to, Exporter::span_processor(processor), record_content);
        let it = provider::provider(Sampler::AlwaysOn);
        let by_provider = told(&it.exported, Exporter::global_provider(), record_content);
        for text in [by_exporter, by_processor, by_provider] {
            assert_eq!(text.contains("SECRET"), record_content, "{text}");
            for name in ["NAME-span", "NAME-own-value", "NAME-event", "NAME-failing", "NAME-path?NAME-key="] {
                assert!(text.contains(name), "{name}: {text}");
            }
        }
    }
}
