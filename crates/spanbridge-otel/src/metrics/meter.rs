//! Counters and histograms, with a bound on how many there are.

use metrics::{Key, Label, Level, Metadata, Recorder, Unit, with_recorder};
use spanbridge::semconv;
use std::collections::{HashMap, HashSet};

/// Combinations of attributes of a metric. OpenTelemetry's SDKs have the same limit
/// ([specification](https://opentelemetry.io/docs/specs/otel/metrics/sdk/#cardinality-limits)).
const MOST: usize = 2000;

/// A metric.
#[derive(Debug)]
pub(super) struct Metric {
    name: &'static str,
    unit: Unit,
    description: &'static str,
}

pub(super) const SENT: Metric = Metric {
    name: semconv::METRIC_SENT_MESSAGES,
    unit: Unit::Count,
    description: "Number of messages producer attempted to send to the broker.",
};
pub(super) const CONSUMED: Metric = Metric {
    name: semconv::METRIC_CONSUMED_MESSAGES,
    unit: Unit::Count,
    description: "Number of messages that were delivered to the application.",
};
pub(super) const OPERATION: Metric = Metric {
    name: semconv::METRIC_OPERATION_DURATION,
    unit: Unit::Seconds,
    description: "Duration of messaging operation initiated by a producer or consumer client.",
};
pub(super) const PROCESS: Metric = Metric {
    name: semconv::METRIC_PROCESS_DURATION,
    unit: Unit::Seconds,
    description: "Duration of processing operation.",
};
pub(super) const RECORDS_LOST: Metric = Metric {
    name: semconv::METRIC_RECORDS_LOST,
    unit: Unit::Count,
    description: "Number of records that found no room in memory, or that a sink missed or rejected.",
};
#[cfg(any(feature = "export", feature = "sdk"))]
pub(super) const EXPORTED: Metric = Metric {
    name: semconv::METRIC_EXPORTED_SPANS,
    unit: Unit::Count,
    description: "Number of spans of an exporter, by what became of them.",
};

/// Measures.
pub(super) struct Meter {
    /// `None`: the global one.
    to: Option<Box<dyn Recorder + Send>>,
    /// The combinations of each metric so far.
    known: HashMap<&'static str, HashSet<Key>>,
}

impl Meter {
    pub(super) fn new(to: Option<Box<dyn Recorder + Send>>) -> Self {
        Meter { to, known: HashMap::new() }
    }

    /// Adds to a counter.
    pub(super) fn count(&mut self, metric: &Metric, labels: Vec<Label>, count: u64) {
        if count > 0 {
            let (key, is_new) = self.key(metric, labels);
            self.with(|recorder| {
                if is_new {
                    recorder.describe_counter(metric.name.into(), Some(metric.unit), metric.description.into())
                }
                recorder.register_counter(&key, &METADATA).increment(count)
            })
        }
    }

    /// Sets a counter that is kept elsewhere.
    pub(super) fn set(&mut self, metric: &Metric, labels: Vec<Label>, count: u64) {
        let (key, is_new) = self.key(metric, labels);
        self.with(|recorder| {
            if is_new {
                recorder.describe_counter(metric.name.into(), Some(metric.unit), metric.description.into())
            }
            recorder.register_counter(&key, &METADATA).absolute(count)
        })
    }

    /// Adds a duration in seconds to a histogram.
    pub(super) fn time(&mut self, metric: &Metric, labels: Vec<Label>, seconds: f64) {
        let (key, is_new) = self.key(metric, labels);
        self.with(|recorder| {
            if is_new {
                recorder.describe_histogram(metric.name.into(), Some(metric.unit), metric.description.into())
            }
            recorder.register_histogram(&key, &METADATA).record(seconds)
        })
    }

    /// The key of these labels, and whether it is a new one. Once there are too many, one key stands for all further ones.
    fn key(&mut self, metric: &Metric, labels: Vec<Label>) -> (Key, bool) {
        let key = Key::from_parts(metric.name, labels);
        let known = self.known.entry(metric.name).or_default();
        if known.contains(&key) {
            return (key, false);
        }
        let key = if known.len() < MOST {
            key
        } else {
            Key::from_parts(metric.name, vec![Label::from_static_parts(semconv::METRIC_OVERFLOW, "true")])
        };
        let is_new = known.insert(key.clone());
        (key, is_new)
    }

    fn with(&self, work: impl FnOnce(&dyn Recorder)) {
        match &self.to {
            Some(recorder) => work(recorder),
            // Looked up each time: it may be set later.
            None => with_recorder(work),
        }
    }
}

static METADATA: Metadata<'static> = Metadata::new("spanbridge", Level::INFO, Some("spanbridge_otel::metrics"));

#[cfg(test)]
mod tests {
    use super::*;
    use metrics_util::debugging::DebuggingRecorder;

    /// Routing keys may come from outside.
    #[test]
    fn the_number_of_series_is_bounded() {
        let recorder = DebuggingRecorder::new();
        let snapshotter = recorder.snapshotter();
        let mut meter = Meter::new(Some(Box::new(recorder)));
        for round in 0..2 {
            for n in 0..MOST + 500 {
                meter.count(&SENT, vec![Label::new("key", n.to_string())], 1);
            }
            let all = snapshotter.snapshot().into_vec();
            assert_eq!(all.len(), MOST + 1, "{round}");
            let overflow = |key: &Key| key.labels().any(|label| label.key() == "otel.metric.overflow");
            let rest = all.iter().find(|(key, ..)| overflow(key.key())).unwrap();
            assert_eq!(rest.3, metrics_util::debugging::DebugValue::Counter(500));
        }
    }
}
