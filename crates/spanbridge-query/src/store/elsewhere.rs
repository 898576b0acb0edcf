//! Importing records into the engine of another crate.
//!
//! Such an engine recognises what comes again ([`Engine::store`]), so nothing has to be compared to be right. An import compares
//! all the same, so that it can say what became of each record: with the stored records of the same runs. Those are read once in an
//! import, and what it stores is added to them. So what others store meanwhile counts as new here, although it is stored once.

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

/// How many records an import remembers. Then it forgets them, and reads what it needs again.
const MAX_REMEMBERED: usize = 1 << 20;

/// One import.
pub(super) struct Elsewhere<'t, 'r> {
    engine: &'t mut dyn Engine,
    /// What is known to be stored. `None`: nothing is compared, and everything is stored.
    known: Option<KnownRecords>,
    each: &'t mut dyn FnMut(u64, Imported),
    report: ImportReport,
    chunk: Vec<Place<'r>>,
}

impl<'t, 'r> Elsewhere<'t, 'r> {
    /// `known` are the known records of an earlier import into the same engine, or none. Without, nothing is compared.
    pub(super) fn new(
        engine: &'t mut dyn Engine,
        known: Option<KnownRecords>,
        each: &'t mut dyn FnMut(u64, Imported),
    ) -> Self {
        Self { engine, known, each, report: ImportReport::default(), chunk: Vec::new() }
    }

    /// Stores these records, or keeps them until more come. A record with a span is left out if that was recorded: it only repeats it.
    pub(super) fn add(&mut self, records: impl Iterator<Item = (Record<'r>, Option<SpanId>)>) -> Result<()> {
        for (record, span) in records {
            let place = self.report.read;
            self.report.read += 1;
            match refusal(record.view()) {
                Some(why) => self.reject(place, why),
                None => self.chunk.push((place, record, span)),
            }
            if self.chunk.len() == RECORDS_AT_ONCE {
                self.store()?;
            }
        }
        Ok(())
    }

    /// What was imported, and what is known now.
    pub(super) fn finish(mut self) -> Result<(ImportReport, KnownRecords)> {
        self.store()?;
        Ok((self.report, self.known.map(KnownRecords::used_now).unwrap_or_default()))
    }

    fn reject(&mut self, place: u64, why: String) {
        self.report.rejected.push((place, why));
        (self.each)(place, Imported::Rejected);
    }

    fn store(&mut self) -> Result<()> {
        let chunk = std::mem::take(&mut self.chunk);
        if chunk.is_empty() {
            return Ok(());
        }
        if let Some(known) = &mut self.known {
            known.forget_more_than(MAX_REMEMBERED);
            let runs: Set<_> = chunk.iter().map(|(_, record, _)| run_of(record)).collect();
            known.read_runs(&*self.engine.snapshot()?, &runs)?;
        }
        let (mut new, mut became, mut prints) = (Vec::new(), Vec::new(), Vec::new());
        for (place, record, span) in chunk {
            let print = self.known.as_mut().map(|known| known.print(&record));
            let what = match (&mut self.known, print) {
                (Some(known), Some(print)) => known.judge(&record, span, print),
                _ => Imported::New,
            };
            match what {
                Imported::Repeated => {
                    self.report.repeated += 1;
                    (self.each)(place, what);
                }
                _ => {
                    new.push(record);
                    became.push((place, Some(what)));
                    prints.push(print);
                }
            }
        }
        if new.is_empty() {
            return Ok(());
        }
        // What is not stored now is no repetition when it comes again.
        let mut not_stored = Vec::new();
        let stored = self.engine.store(&new)?;
        for (at, why) in stored.rejected {
            if let Some((place, Some(_))) = became.get(at).copied() {
                became[at].1 = None;
                not_stored.push(at);
                self.reject(place, why);
            }
        }
        for at in stored.late {
            if let Some((place, what @ Some(_))) = became.get_mut(at) {
                *what = None;
                not_stored.push(at);
                self.report.late.push(*place);
                (self.each)(*place, Imported::Late);
            }
        }
        if let Some(known) = &mut self.known {
            not_stored.into_iter().filter_map(|at| *prints.get(at)?).for_each(|print| known.forget(print));
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
