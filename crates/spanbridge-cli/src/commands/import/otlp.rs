//! Reads spans that others wrote as OTLP.

use super::tally::{Place, Tally};
use crate::failure::Failure;
use spanbridge::record::Record;
use spanbridge_otel::otlp;
use spanbridge_otel::spans::records;
use spanbridge_query::Store;
use std::cell::RefCell;
use std::io::BufRead;

/// Records are stored in batches of spans of about this many bytes.
const BATCH_BYTES: usize = 8 << 20;

pub(super) fn read(store: &mut Store, input: &mut impl BufRead, name: &str, tally: &mut Tally) -> Result<(), Failure> {
    // What is read and what is bad are told by two closures.
    let tally = RefCell::new(tally);
    let (mut batch, mut size) = (Vec::new(), 0);
    let mut stored = Ok(());
    let read = otlp::read_file(
        input,
        |resource, _, span| {
            if stored.is_err() {
                return;
            }
            size += span.size();
            records(resource, span, |record| batch.push(record.into_owned()));
            if size >= BATCH_BYTES {
                stored = store_batch(store, std::mem::take(&mut batch), name, &mut tally.borrow_mut());
                size = 0;
            }
        },
        |at, why| tally.borrow_mut().bad(name, Place::Request(at), format!("failed to {why}")),
    );
    stored?;
    let tally = tally.into_inner();
    store_batch(store, batch, name, tally)?;
    let report = read.map_err(|why| Failure::NotFound(format!("read {name}: failed to {why}")))?;
    tally.bad_spans += report.rejected;
    Ok(())
}

fn store_batch(store: &mut Store, batch: Vec<Record<'_>>, name: &str, tally: &mut Tally) -> Result<(), Failure> {
    if batch.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = batch.iter().map(|record| record.record_id().into_owned()).collect();
    let report = store.import(batch)?;
    tally.add(&report);
    for (at, why) in &report.rejected {
        let id = usize::try_from(*at).ok().and_then(|at| ids.get(at)).cloned().unwrap_or_default();
        tally.bad(name, Place::Span(id), why);
    }
    Ok(())
}
