//! Reads spans that others wrote as OTLP.

use super::tally::Place;
use super::target::{Into, Reading};
use crate::failure::Failure;
use spanbridge::record::{Body, Record};
use spanbridge::{RunId, SpanId, semconv};
use spanbridge_cli::import::Source;
use spanbridge_otel::otlp::model::{Resource, get};
use spanbridge_otel::otlp::{self, FilePart};
use spanbridge_otel::spans;
use spanbridge_query::Store;
use std::collections::{HashMap, HashSet};

/// Records are stored in batches of spans of about this many bytes.
const BATCH_BYTES: usize = 8 << 20;

pub(super) fn read(into: &mut Into<'_>, source: Source<'_>, reading: &mut Reading) -> Result<(), Failure> {
    let (mut batch, mut size) = (Batch::new(), 0);
    let (mut stored, mut has_records) = (Ok(()), false);
    let read = otlp::read_file_scopes(source.into_reader(), |part| {
        match part {
            FilePart::Scope(_, scope) => {
                for line in spans::lines(scope) {
                    has_records = true;
                    size += line.len();
                    match Record::from_json(line) {
                        Ok(Some(record)) => batch.push((false, vec![record.into_owned()])),
                        Ok(None) => into.tally.unknown("(in OTLP)".to_owned()),
                        Err(why) => into.tally.bad(into.name, Place::Span(String::new()), format!("failed to {why}")),
                    }
                }
            }
            // Its records are there, and say more.
            FilePart::Span(_, scope, _) if has_records && spans::are_recorded(scope) => {}
            FilePart::Span(resource, _, span) => {
                size += span.size();
                let mut of_span = Vec::with_capacity(1);
                let is_ours = is_ours(resource);
                spans::records(resource, span, |record| of_span.push(record.into_owned()));
                batch.push((is_ours, of_span));
            }
            FilePart::Failed(at, why) => into.tally.bad(into.name, Place::Request(at), format!("failed to {why}")),
            _ => {}
        }
        if size >= BATCH_BYTES && stored.is_ok() {
            stored = store_batch(into, std::mem::take(&mut batch));
            size = 0;
            reading.show();
        }
    });
    stored?;
    store_batch(into, batch)?;
    let report = read.map_err(|why| Failure::NotFound(format!("read {}: failed to {why}", into.name)))?;
    into.tally.bad_spans += report.rejected;
    Ok(())
}

/// The records of each span, and whether spanbridge exported it.
type Batch = Vec<(bool, Vec<Record<'static>>)>;

fn store_batch(into: &mut Into<'_>, batch: Batch) -> Result<(), Failure> {
    let Into { store, name, tally } = into;
    let mut recorded = HashMap::new();
    let mut new = Vec::with_capacity(batch.len());
    for (is_ours, records) in batch {
        if is_ours && is_recorded(store, &records[0], &mut recorded)? {
            tally.repeat(records.len() as u64);
        } else {
            new.extend(records);
        }
    }
    if new.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = new.iter().map(|record| record.record_id().into_owned()).collect();
    let report = store.import(new)?;
    tally.add(&report);
    for (at, why) in &report.rejected {
        let id = usize::try_from(*at).ok().and_then(|at| ids.get(at)).cloned().unwrap_or_default();
        tally.bad(name, Place::Span(id), why);
    }
    Ok(())
}

fn is_ours(resource: &Resource<'_>) -> bool {
    get(&resource.attributes, semconv::TELEMETRY_SDK_NAME).and_then(|name| name.as_str()) == Some("spanbridge")
}

/// Whether the store has the span as it was recorded. A collector's file has the spans of all services, ours among them: beside their
/// own records, which say more, those of an import would contradict them.
fn is_recorded(
    store: &Store,
    record: &Record<'_>,
    known: &mut HashMap<RunId, HashSet<SpanId>>,
) -> Result<bool, Failure> {
    let (Some(run), Body::Span(span)) = (record.run_id, &record.body) else { return Ok(false) };
    if let Some(spans) = known.get(&run) {
        return Ok(spans.contains(&span.span_id));
    }
    let mut spans = HashSet::new();
    store.records(Some(run), |record| {
        // Records of imports have ids of their own.
        if let (None, Body::Span(span)) = (&record.id, &record.body) {
            spans.insert(span.span_id);
        }
    })?;
    let is_recorded = spans.contains(&span.span_id);
    known.insert(run, spans);
    Ok(is_recorded)
}
