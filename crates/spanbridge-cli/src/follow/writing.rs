//! Changes on their way into the store.

use super::error::Error;
use crate::place::Place;
use spanbridge::SegmentId;
use spanbridge::record::{Body, Diagnostic, Record};
use spanbridge::semconv::{REDACTION_FAILED, STATE_CAPTURE_FAILED};
use spanbridge_db::pgoutput::{Lsn, RowChange};
use spanbridge_graph::hash::{join, stable};
use spanbridge_query::{ImportReport, Store};

/// Who records what a database has logged.
const SERVICE: &str = "spanbridge-follow";

/// Changes that are stored at once, and about how many bytes.
const MAX_RECORDS: usize = 4096;
const MAX_BYTES: usize = 4 << 20;

/// Set the segments of diagnostics apart from those of changes.
const REFUSED: u64 = 1;
const UNREDACTED: u64 = 2;

/// What a record takes beside its texts.
const RECORD_BYTES: usize = 300;

/// Changes on their way into the store. It keeps some megabytes at a time, whatever the size of a transaction.
pub(super) struct Writing {
    place: Place,
    store: Option<Store>,
    records: Vec<Record<'static>>,
    bytes: usize,
    /// Of the slot: what two slots tell of one transaction may be different.
    seed: u64,
    /// What was committed before may be stored already.
    pub(super) compare_before: Lsn,
    /// A record that waits may be stored already.
    may_be_stored: bool,
}

impl Writing {
    pub(super) fn new(place: &Place) -> Self {
        Self {
            place: place.clone(),
            store: None,
            records: Vec::new(),
            bytes: 0,
            seed: 0,
            compare_before: Lsn::default(),
            may_be_stored: false,
        }
    }

    /// Begins with what a slot tells now. What was committed before this position may be stored already.
    pub(super) fn begin(&mut self, system_identifier: u64, slot: &str, compare_before: Lsn) {
        self.records.clear();
        self.bytes = 0;
        self.may_be_stored = false;
        self.seed = join(system_identifier, stable(slot.as_bytes()));
        self.compare_before = compare_before;
    }

    /// Opens the store, so that it is known whether it can be used.
    pub(super) fn open(&mut self) -> Result<&mut Store, Error> {
        match &mut self.store {
            Some(store) => Ok(store),
            none => Ok(none.insert(self.place.open_or_create()?)),
        }
    }

    /// Takes a change. Its record is the same whenever it is read again: the numbers of a transaction's changes are those of a
    /// segment.
    pub(super) fn push(&mut self, change: RowChange<'_>) {
        let RowChange { transaction, number, mutation, writer, is_redaction_failed, .. } = change;
        self.may_be_stored |= transaction.final_lsn < self.compare_before;
        let texts = [Some(&mutation.key), mutation.before.as_ref(), mutation.after.as_ref()];
        self.bytes += RECORD_BYTES + texts.iter().flatten().map(|text| text.len()).sum::<usize>();
        let segment = self.segment(join(transaction.final_lsn.get(), u64::from(transaction.xid)));
        let (run, trace) = writer.map_or((None, None), |writer| (writer.run_id(), writer.trace_id()));
        if is_redaction_failed {
            let why = format!("nothing of a value of {} was recorded: the redaction hook failed", mutation.table);
            let diagnostic =
                Diagnostic::new(REDACTION_FAILED, why).with_span_id(writer.and_then(|writer| writer.span_id()));
            let segment = self.segment(join(segment.get(), UNREDACTED));
            self.records.push(Record::new(segment, number, SERVICE, Body::Diagnostic(diagnostic)).of_run(run, trace));
        }
        let mutation = mutation.with_span_id(writer.and_then(|writer| writer.span_id()));
        let record = Record::new(segment, number, SERVICE, Body::Mutation(mutation)).of_run(run, trace);
        self.records.push(record.into_owned());
    }

    fn segment(&self, of: u64) -> SegmentId {
        let seed = join(self.seed, of);
        SegmentId::new(seed).or(SegmentId::new(1)).unwrap_or_else(|| unreachable!("one is not zero"))
    }

    pub(super) fn is_full(&self) -> bool {
        self.records.len() >= MAX_RECORDS || self.bytes >= MAX_BYTES
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Stores what was taken. It is on the disk then.
    pub(super) fn store(&mut self) -> Result<(), Error> {
        if self.records.is_empty() {
            return Ok(());
        }
        self.open()?;
        let Some(store) = &mut self.store else { return Ok(()) };
        let (records, may_be_stored) = (std::mem::take(&mut self.records), std::mem::take(&mut self.may_be_stored));
        self.bytes = 0;
        let first = records.first().map_or(0, |record| record.segment_id.get());
        // Comparing reads what is stored of the same runs, which becomes more and more.
        let stored = if may_be_stored { store.import(records) } else { store.append(records) };
        match stored {
            Ok(report) => {
                let why = report.rejected.first().map(|(_, why)| &**why);
                let late = (!report.late.is_empty()).then_some(ImportReport::LATE);
                let Some(why) = why.or(late) else { return Ok(()) };
                let many = (report.rejected.len() + report.late.len()) as u64;
                let diagnostic =
                    Diagnostic::new(STATE_CAPTURE_FAILED, format!("{many} changes were not stored: {why}"));
                let diagnostic = Body::Diagnostic(diagnostic.with_count(Some(many)));
                let refused = Record::new(self.segment(join(first, REFUSED)), 1, SERVICE, diagnostic);
                if let Some(store) = &mut self.store {
                    store.import([refused])?;
                }
                Ok(())
            }
            Err(error) => {
                // It may have been mended meanwhile.
                self.store = None;
                Err(error.into())
            }
        }
    }

    /// Stores that changes could not be read.
    pub(super) fn note_loss(&mut self, at: Lsn, message: String) -> Result<(), Error> {
        let segment = self.segment(at.get());
        let diagnostic = Diagnostic::new(STATE_CAPTURE_FAILED, message);
        self.records.push(Record::new(segment, 1, SERVICE, Body::Diagnostic(diagnostic)));
        self.may_be_stored = true;
        self.store()
    }
}
