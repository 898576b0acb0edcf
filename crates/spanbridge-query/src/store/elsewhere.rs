//! Importing records into the engine of another crate.
//!
//! Such an engine recognises what comes again ([`Engine::store`]), so nothing has to be compared to be right. An import compares
//! all the same, so that it can say what became of each record: with the stored records of the same runs, a chunk at a time.

use super::import::{KnownRecords, Place};
use crate::Result;
use crate::answer::{ImportReport, Imported};
use crate::engine::Engine;
use spanbridge::SpanId;
use spanbridge::record::Record;
use spanbridge_graph::hash::Set;
use spanbridge_graph::run_of;
use spanbridge_store::codec::refusal;

/// How many records are compared and stored at once: an insert of a remote database is worth it from thousands on.
const RECORDS_AT_ONCE: usize = 16 << 10;

/// One import.
pub(super) struct Elsewhere<'t> {
    pub(super) engine: &'t mut dyn Engine,
    /// Whether what is stored already is told apart from what is new.
    pub(super) is_compared: bool,
    pub(super) each: &'t mut dyn FnMut(u64, Imported),
    pub(super) report: ImportReport,
}

impl Elsewhere<'_> {
    /// Stores these records. A record with a span is left out if that was recorded: it only repeats it.
    pub(super) fn add<'a>(
        mut self,
        records: impl Iterator<Item = (Record<'a>, Option<SpanId>)>,
    ) -> Result<ImportReport> {
        let mut chunk = Vec::with_capacity(RECORDS_AT_ONCE.min(records.size_hint().0));
        for (record, span) in records {
            let place = self.report.read;
            self.report.read += 1;
            match refusal(record.view()) {
                Some(why) => self.reject(place, why),
                None => chunk.push((place, record, span)),
            }
            if chunk.len() == RECORDS_AT_ONCE {
                self.store(std::mem::take(&mut chunk))?;
            }
        }
        self.store(chunk)?;
        Ok(self.report)
    }

    fn reject(&mut self, place: u64, why: String) {
        self.report.rejected.push((place, why));
        (self.each)(place, Imported::Rejected);
    }

    fn store(&mut self, chunk: Vec<Place<'_>>) -> Result<()> {
        if chunk.is_empty() {
            return Ok(());
        }
        let mut known = KnownRecords::default();
        if self.is_compared {
            let runs: Set<_> = chunk.iter().map(|(_, record, _)| run_of(record)).collect();
            known.read_runs(&*self.engine.snapshot()?, &runs)?;
        }
        let (mut new, mut became) = (Vec::new(), Vec::new());
        for (place, record, span) in chunk {
            let what = match self.is_compared {
                true => {
                    let print = known.print(&record);
                    known.judge(&record, span, print)
                }
                false => Imported::New,
            };
            match what {
                Imported::Repeated => {
                    self.report.repeated += 1;
                    (self.each)(place, what);
                }
                _ => {
                    new.push(record);
                    became.push((place, Some(what)));
                }
            }
        }
        if new.is_empty() {
            return Ok(());
        }
        let stored = self.engine.store(&new)?;
        for (at, why) in stored.rejected {
            if let Some((place, Some(_))) = became.get(at).copied() {
                became[at].1 = None;
                self.reject(place, why);
            }
        }
        for at in stored.late {
            if let Some((place, what @ Some(_))) = became.get_mut(at) {
                *what = None;
                self.report.late.push(*place);
                (self.each)(*place, Imported::Late);
            }
        }
        for (place, what) in became {
            let Some(what) = what else { continue };
            self.report.stored += 1;
            self.report.conflicts += u64::from(what == Imported::Conflict);
            (self.each)(place, what);
        }
        Ok(())
    }
}
