//! Reads spans that others wrote as OTLP.

use super::tally::Place;
use super::target::{Into, Reading};
use crate::failure::Failure;
use spanbridge::SpanId;
use spanbridge::record::Record;
use spanbridge_cli::import::{Source, is_ours};
use spanbridge_otel::otlp::{self, FilePart};
use spanbridge_otel::spans::{self, RecordMaker};

/// Records are stored in batches of spans of about this many bytes.
const BATCH_BYTES: usize = 8 << 20;

pub(super) fn read(into: &mut Into<'_>, source: Source<'_>, reading: &mut Reading) -> Result<(), Failure> {
    let (mut batch, mut size) = (Batch::new(), 0);
    let (mut stored, mut has_records, mut maker) = (Ok(()), false, RecordMaker::default());
    let read = otlp::read_file_scopes(source.into_reader(), |part| {
        match part {
            FilePart::Scope(_, scope) => {
                for line in spans::lines(scope) {
                    has_records = true;
                    size += line.len();
                    match Record::from_json(line) {
                        Ok(Some(record)) => batch.push((record.into_owned(), None)),
                        Ok(None) => into.tally.unknown("(in OTLP)".to_owned()),
                        Err(why) => into.tally.bad(into.name, Place::Span(String::new()), format!("failed to {why}")),
                    }
                }
            }
            // Its records are there, and say more.
            FilePart::Span(_, scope, _) if has_records && spans::are_recorded(scope) => {}
            FilePart::Span(resource, _, span) => {
                size += span.size();
                let exported = is_ours(resource).then_some(span.span_id);
                maker.records(resource, span, |record| batch.push((record.into_owned(), exported)));
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

/// Records, and the span that each was made of, if spanbridge may have recorded that.
type Batch = Vec<(Record<'static>, Option<SpanId>)>;

fn store_batch(into: &mut Into<'_>, batch: Batch) -> Result<(), Failure> {
    let Into { store, name, tally } = into;
    if batch.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = batch.iter().map(|(record, _)| record.record_id().into_owned()).collect();
    let report = store.import_unless_recorded(batch, |_, _| ())?;
    tally.add(&report);
    for (at, why) in &report.rejected {
        let id = usize::try_from(*at).ok().and_then(|at| ids.get(at)).cloned().unwrap_or_default();
        tally.bad(name, Place::Span(id), why);
    }
    Ok(())
}
