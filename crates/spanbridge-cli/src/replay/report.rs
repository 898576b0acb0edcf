//! What came of a replay, as the command answers it.

use serde_json::Value;
use spanbridge::record::Record;
use spanbridge_replay::Report;

/// A report as JSON, in the form of `docs/schema/replay.json`: without its records, which are in the store.
pub fn report_json(report: &Report) -> Value {
    let mut json = serde_json::to_value(report).unwrap_or_default();
    json.as_object_mut().and_then(|report| report.remove("records"));
    json
}

/// What the replay recorded. Those that cannot be read are counted.
pub fn records(report: &Report) -> (Vec<Record<'static>>, usize) {
    let (mut records, mut broken) = (Vec::new(), 0);
    for record in &report.records {
        match Record::from_json(&record.to_string()) {
            Ok(Some(record)) => records.push(record.into_owned()),
            // Of a kind that only a later release knows.
            Ok(None) => {}
            Err(_) => broken += 1,
        }
    }
    (records, broken)
}
