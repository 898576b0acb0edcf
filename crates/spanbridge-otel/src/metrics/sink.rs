//! The sink: spans that end are measured.

use super::measure::measure;
use super::meter::{CONSUMED, Meter, OPERATION, PROCESS, RECORDS_LOST, SENT};
use super::related::Related;
#[cfg(any(feature = "export", feature = "sdk"))]
use crate::export::ExportCounter;
use crate::otlp::model::{AnyValue, Span, StatusCode};
use crate::spans::Assembler;
use metrics::{Label, Recorder};
use spanbridge::record::{BodyView, RecordView};
use spanbridge::{Receipt, RecordBatch, Report, Sink, SinkError, semconv};
use std::fmt;

/// Measures what messaging does, and what is lost, through the facade `metrics`.
///
/// | metric | | what counts |
/// |---|---|---|
/// | `messaging.client.sent.messages` | counter | messages that were sent or tried to, each once, also in a batch |
/// | `messaging.client.consumed.messages` | counter | messages that came to the application, each delivery and each attempt |
/// | `messaging.client.operation.duration` | histogram, seconds | calls of a client: send, receive, settle, a transaction |
/// | `messaging.process.duration` | histogram, seconds | the work on one message |
/// | `spanbridge.records.lost` | counter | records that found no room in memory (`spanbridge.lost.reason` is `memory`), that a sink missed because it was too far behind (`behind`), or that it rejected (`rejected`, with `spanbridge.sink.name`) |
/// | `spanbridge.exporter.spans` | counter | spans of an exporter, accepted, lost or not chosen ([`exporter`](MetricsSink::exporter)) |
///
/// Names, units and attributes of the first four are those of OpenTelemetry's
/// [conventions](https://opentelemetry.io/docs/specs/semconv/messaging/messaging-metrics/): `messaging.system`,
/// `messaging.operation.name`, `messaging.destination.name` or `messaging.destination.template`,
/// `messaging.consumer.group.name`, `server.address`, `server.port`, and `error.type` if the span failed. Which buckets a
/// histogram has is for your exporter of metrics to say.
///
/// - **A trace that is not sampled is not measured**, because it is not recorded. For exact numbers, record all traces and
///   choose when exporting (`Choice` of this crate).
/// - Each message of a batch is measured by its own span, and the span of a batch counts for those messages that have none.
/// - A message is counted when it is received if that is a span of yours (`messaging.receive`), with the number in
///   `messaging.batch.message_count`. Make it the parent of the work on the message, or link to it, so that it is not counted twice.
/// - A span is measured when it ends, with the next delivery (200 ms). A span that never ends is not.
/// - A metric has at most 2,000 combinations of attributes. What is beyond has the attribute `otel.metric.overflow` alone.
pub struct MetricsSink {
    meter: Meter,
    assembler: Assembler,
    related: Related,
    partitions: bool,
    #[cfg(any(feature = "export", feature = "sdk"))]
    exporters: Vec<(String, ExportCounter)>,
}

impl Default for MetricsSink {
    fn default() -> Self {
        Self::new()
    }
}

impl MetricsSink {
    /// Measures with the global recorder of metrics. Install that first, so that it hears of units and descriptions.
    pub fn new() -> Self {
        Self::with_meter(Meter::new(None))
    }

    /// Measures with a recorder of metrics of your own.
    pub fn to(recorder: impl Recorder + Send + 'static) -> Self {
        Self::with_meter(Meter::new(Some(Box::new(recorder))))
    }

    fn with_meter(meter: Meter) -> Self {
        MetricsSink {
            meter,
            assembler: Assembler::new(),
            related: Related::default(),
            partitions: false,
            #[cfg(any(feature = "export", feature = "sdk"))]
            exporters: vec![],
        }
    }

    /// Whether metrics have the partition (`messaging.destination.partition.id`). Default: no. It multiplies their number.
    pub fn partitions(mut self, partitions: bool) -> Self {
        self.partitions = partitions;
        self
    }

    /// Measures what becomes of an exporter's spans, as `spanbridge.exporter.spans` with `spanbridge.exporter.name` and
    /// `spanbridge.exporter.outcome` (`accepted`, `lost`, `not_chosen`). As of the last delivery or flush; the counter itself
    /// can be asked at any time.
    #[cfg(any(feature = "export", feature = "sdk"))]
    pub fn exporter(mut self, name: impl Into<String>, counter: ExportCounter) -> Self {
        self.exporters.push((name.into(), counter));
        self
    }

    #[cfg(any(feature = "export", feature = "sdk"))]
    fn measure_exporters(&mut self) {
        for (name, counter) in &self.exporters {
            let counts = counter.counts();
            let outcomes = [("accepted", counts.accepted), ("lost", counts.lost), ("not_chosen", counts.not_chosen)];
            for (outcome, spans) in outcomes {
                let labels = vec![
                    Label::new(semconv::EXPORTER_NAME, name.clone()),
                    Label::from_static_parts(semconv::EXPORTER_OUTCOME, outcome),
                ];
                self.meter.set(&super::meter::EXPORTED, labels, spans)
            }
        }
    }

    #[cfg(not(any(feature = "export", feature = "sdk")))]
    fn measure_exporters(&mut self) {}

    fn measure_losses(&mut self, report: &Report) {
        let reason = |reason| Label::from_static_parts(semconv::LOST_REASON, reason);
        self.meter.set(&RECORDS_LOST, vec![reason("memory")], report.dropped);
        for sink in &report.sinks {
            for (why, records) in [("behind", sink.dropped), ("rejected", sink.rejected)] {
                let labels = vec![reason(why), Label::new(semconv::SINK_NAME, sink.name.clone())];
                self.meter.set(&RECORDS_LOST, labels, records)
            }
        }
    }
}

impl Sink for MetricsSink {
    fn deliver(&mut self, batch: &RecordBatch) -> Result<Receipt, SinkError> {
        self.related.look(batch.iter());
        let MetricsSink { meter, assembler, related, partitions, .. } = self;
        assembler.push_records(batch.iter().filter(is_about_messaging), |_, span| {
            let measured = measure(&span, related);
            let seconds = span.end_time.saturating_sub(span.start_time) as f64 / 1e9;
            meter.count(&SENT, labels(&span, &SENDING, *partitions), measured.sent);
            meter.count(&CONSUMED, labels(&span, &RECEIVING, *partitions), measured.consumed);
            if measured.is_operation {
                meter.time(&OPERATION, labels(&span, &CALLING, *partitions), seconds)
            }
            if measured.is_process {
                meter.time(&PROCESS, labels(&span, &RECEIVING, *partitions), seconds)
            }
        });
        self.measure_losses(&batch.report());
        self.measure_exporters();
        Ok(Receipt::default())
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        self.measure_exporters();
        Ok(())
    }

    fn name(&self) -> &str {
        "metrics"
    }
}

/// Spans of messaging, and what comes later about any span.
fn is_about_messaging(record: &RecordView<'_>) -> bool {
    match record.body() {
        BodyView::Span(span) => span.primitive().starts_with("messaging."),
        BodyView::SpanEnd(_) | BodyView::SpanAttributes(_) | BodyView::Edge(_) => true,
        _ => false,
    }
}

/// Attributes by the conventions, besides the destination.
const SENDING: [&str; 4] =
    [semconv::MESSAGING_SYSTEM, semconv::MESSAGING_OPERATION_NAME, semconv::SERVER_ADDRESS, semconv::SERVER_PORT];
const RECEIVING: [&str; 5] = [
    semconv::MESSAGING_SYSTEM,
    semconv::MESSAGING_OPERATION_NAME,
    semconv::MESSAGING_CONSUMER_GROUP,
    semconv::SERVER_ADDRESS,
    semconv::SERVER_PORT,
];
const CALLING: [&str; 6] = [
    semconv::MESSAGING_SYSTEM,
    semconv::MESSAGING_OPERATION_NAME,
    semconv::MESSAGING_OPERATION_TYPE,
    semconv::MESSAGING_CONSUMER_GROUP,
    semconv::SERVER_ADDRESS,
    semconv::SERVER_PORT,
];

fn labels(span: &Span<'_>, names: &[&'static str], partitions: bool) -> Vec<Label> {
    let value = |name: &str| match span.attribute(name) {
        Some(AnyValue::Str(text)) => Some(text.clone().into_owned()),
        Some(AnyValue::I64(number)) => Some(number.to_string()),
        _ => None,
    };
    // A name that is new each time has a template in its place.
    let template = span.attribute(semconv::MESSAGING_DESTINATION_TEMPLATE).is_some();
    let destination =
        [semconv::MESSAGING_DESTINATION_NAME, semconv::MESSAGING_DESTINATION_TEMPLATE][usize::from(template)];
    let partition = partitions.then_some(semconv::MESSAGING_PARTITION_ID);
    let names = names.iter().copied().chain([destination]).chain(partition);
    let mut labels: Vec<_> = names.filter_map(|name| Some(Label::new(name, value(name)?))).collect();
    let is_failed = span.status.code == StatusCode::Error;
    let class = value(semconv::ERROR_TYPE).or(is_failed.then(|| "_OTHER".to_owned()));
    labels.extend(class.map(|class| Label::new(semconv::ERROR_TYPE, class)));
    labels
}

impl fmt::Debug for MetricsSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsSink").field("partitions", &self.partitions).finish_non_exhaustive()
    }
}
