//! Importing records. Those that are already stored are left alone.
//!
//! A delivery of a recorder is recognised by its number, but imported records only by their content. So the stored records of
//! a run are read before new ones are added: all of them once per import, then only what was added since.
//!
//! Imported records go to log files of their own, like those of a recorder. While an import compares records with what is
//! stored and writes the new ones, it holds a lock, so that two imports at once store each record once.

use super::import_log::ImportLog;
use crate::Result;
use crate::answer::{ImportReport, Imported};
use crate::engine::{Cursor, Engine, Snapshot};
use crate::fingerprint::{Fingerprint, Fingerprints};
use crate::index::{FoldBudget, Index, after_frame};
use spanbridge::record::{Body, Record};
use spanbridge::{RunId, SpanId};
use spanbridge_graph::hash::{Set, join};
use spanbridge_graph::run_of;
use spanbridge_store::codec::refusal;
use spanbridge_store::delivery::Assembler;
use std::time::{Duration, Instant};

/// How many records are stored at once. Few enough that nobody waits long for the lock.
const RECORDS_PER_DELIVERY: usize = 4096;

/// How many records an import remembers. Then it forgets them, and reads what it needs again.
const MAX_REMEMBERED: usize = 4 << 20;

/// An import after a longer pause reads everything again.
const MAX_PAUSE: Duration = Duration::from_secs(10);

/// A record, its position in the input, and the span that it repeats if that was recorded.
pub(super) type Place<'a> = (u64, Record<'a>, Option<SpanId>);

/// One import.
pub(super) struct Import<'t> {
    engine: &'t dyn Engine,
    /// Whether the engine is the index: then its cursors are.
    is_index: bool,
    index: &'t Index,
    log: &'t mut ImportLog,
    assembler: Assembler,
    known: KnownRecords,
    /// Whether what is stored already is left alone. Otherwise nothing is read, and everything is stored.
    is_compared: bool,
    report: ImportReport,
    /// Is told what became of each record, by its position.
    each: &'t mut dyn FnMut(u64, Imported),
}

impl<'t> Import<'t> {
    /// Begins to import what the engine does not have into the log; the engine may be the index itself. The index is that of the log's directory, and the known records
    /// are those of an earlier import of the same engine, or none.
    pub(super) fn new(
        (engine, is_index): (&'t dyn Engine, bool),
        index: &'t Index,
        log: &'t mut ImportLog,
        known: KnownRecords,
        each: &'t mut dyn FnMut(u64, Imported),
    ) -> Self {
        let (assembler, report) = (Assembler::default(), ImportReport::default());
        Self { engine, is_index, index, log, assembler, known, is_compared: true, report, each }
    }

    /// The same import of records that nobody can have stored before.
    pub(super) fn of_new_records(self) -> Self {
        Self { is_compared: false, ..self }
    }

    /// Stores the new ones of these records.
    pub(super) fn add<'a>(&mut self, records: impl Iterator<Item = Record<'a>>) -> Result<()> {
        self.add_unless_recorded(records.map(|record| (record, None)))
    }

    /// As [`add`](Self::add). A record with a span is left out if that was recorded: it only repeats it.
    pub(super) fn add_unless_recorded<'a>(
        &mut self,
        records: impl Iterator<Item = (Record<'a>, Option<SpanId>)>,
    ) -> Result<()> {
        let mut chunk = Vec::with_capacity(RECORDS_PER_DELIVERY.min(records.size_hint().0));
        for (record, span) in records {
            let place = self.report.read;
            self.report.read += 1;
            match refusal(record.view()) {
                Some(why) => {
                    self.report.rejected.push((place, why));
                    (self.each)(place, Imported::Rejected);
                }
                None => chunk.push((place, record, span)),
            }
            if chunk.len() == RECORDS_PER_DELIVERY {
                self.store(&mut chunk)?;
            }
        }
        self.store(&mut chunk)
    }

    /// What was imported, and what is known now. It survives a power cut.
    pub(super) fn finish(self) -> Result<(ImportReport, KnownRecords)> {
        self.log.sync()?;
        Ok((self.report, if self.is_compared { self.known.used_now() } else { self.known }))
    }

    /// Stores the new ones of these records, as one delivery.
    fn store(&mut self, chunk: &mut Vec<Place<'_>>) -> Result<()> {
        if chunk.is_empty() {
            return Ok(());
        }
        if !self.is_compared {
            return self.append(chunk);
        }
        let Self { engine, is_index, index, log, assembler, known, report, each, .. } = self;
        known.forget_more_than(MAX_REMEMBERED);
        let runs: Set<Option<RunId>> = chunk.iter().map(|(_, record, _)| run_of(record)).collect();
        let prints: Vec<Fingerprint> = chunk.iter().map(|(_, record, _)| known.prints.of(record)).collect();
        // Most is read before the lock is taken, and under the lock only what was added meanwhile.
        known.read(&*engine.snapshot()?, &runs)?;
        let lock = log.lock()?;
        known.read(&*engine.snapshot()?, &runs)?;
        let (mut new, mut suspects) = (Vec::new(), Set::default());
        for ((place, record, span), print) in chunk.drain(..).zip(&prints) {
            let became = known.judge(&record, span, *print);
            each(place, became);
            match became {
                Imported::Repeated => report.repeated += 1,
                Imported::Conflict => {
                    report.conflicts += 1;
                    suspects.insert(run_of(&record));
                    new.push(record);
                }
                _ => new.push(record),
            }
        }
        let mut is_file_complete = false;
        if !new.is_empty() {
            let delivery = assembler.assemble_with(new.iter().map(Record::view), |run| suspects.contains(&run))?;
            let written = log.write(&delivery)?;
            is_file_complete = written.is_file_complete;
            let after = || after_frame(&known.read_to, written.log, written.frame);
            if let Some(read_to) = is_index.then(after).flatten() {
                // It need not be read again.
                known.read_to = read_to;
            }
            report.stored += new.len() as u64;
        }
        drop(lock);
        if is_file_complete {
            // Before those who record into the same store take it for one of too many.
            index.fold(FoldBudget::everything(), |_| true)?;
        }
        Ok(())
    }

    /// Stores all of these records, as one delivery. Nobody waits: the log is ours alone, and nothing is compared.
    fn append(&mut self, chunk: &mut Vec<Place<'_>>) -> Result<()> {
        let delivery = self.assembler.assemble(chunk.iter().map(|(_, record, _)| record.view()))?;
        let written = self.log.write(&delivery)?;
        self.report.stored += chunk.len() as u64;
        chunk.drain(..).for_each(|(place, ..)| (self.each)(place, Imported::New));
        if written.is_file_complete {
            self.index.fold(FoldBudget::everything(), |_| true)?;
        }
        Ok(())
    }
}

/// The records that are known to be stored.
#[derive(Default)]
pub(super) struct KnownRecords {
    /// The runs whose records are known, up to the cursor.
    runs: Set<RunId>,
    /// Whether the records of no run are known, too.
    of_no_run: bool,
    read_to: Cursor,
    ids: Set<u64>,
    all: Set<u64>,
    /// The spans that were recorded: not those that an import made of spans of OTLP.
    recorded: Set<u64>,
    prints: Fingerprints,
    /// When the last import ended.
    used: Option<Instant>,
}

impl KnownRecords {
    /// What is known for the next import: that goes on with the last one, or it comes later, and what was read may be pruned.
    pub(super) fn for_next(self) -> Self {
        let goes_on = self.used.is_some_and(|used| used.elapsed() < MAX_PAUSE);
        if goes_on { self } else { Self::default() }
    }

    /// The same, after an import that compared records with it.
    pub(super) fn used_now(self) -> Self {
        Self { used: Some(Instant::now()), ..self }
    }

    pub(super) fn forget_more_than(&mut self, records: usize) {
        if self.all.len() > records {
            *self = Self::default();
        }
    }

    /// Reads the stored records of these runs that are not known yet, and what was added to those that are.
    pub(super) fn read(&mut self, snapshot: &dyn Snapshot, runs: &Set<Option<RunId>>) -> Result<()> {
        let end = snapshot.end()?;
        if end != self.read_to && (!self.runs.is_empty() || self.of_no_run) {
            let after = std::mem::take(&mut self.read_to);
            snapshot.follow(&after, &mut |records| {
                for record in &records {
                    if run_of(record).map_or(self.of_no_run, |run| self.runs.contains(&run)) {
                        self.add(record);
                    }
                }
                Ok(())
            })?;
        }
        self.read_to = end;
        self.read_runs(snapshot, runs)
    }

    /// Reads the stored records of those of these runs that are not known yet.
    pub(super) fn read_runs(&mut self, snapshot: &dyn Snapshot, runs: &Set<Option<RunId>>) -> Result<()> {
        if runs.contains(&None) && !self.of_no_run {
            snapshot.records_of_no_run(0..=u64::MAX, &mut |records| {
                records.iter().for_each(|record| self.add(record));
                Ok(())
            })?;
            self.of_no_run = true;
        }
        let new: Vec<RunId> = runs.iter().flatten().filter(|run| !self.runs.contains(*run)).copied().collect();
        if !new.is_empty() {
            snapshot.pieces(&new, &mut |_, records| {
                records.iter().for_each(|record| self.add(record));
                Ok(())
            })?;
            self.runs.extend(new);
        }
        Ok(())
    }

    fn add(&mut self, record: &Record<'_>) {
        let print = self.prints.of(record);
        self.remember(record, print);
    }

    /// What becomes of a record that is stored next. One that repeats a span that was recorded is not.
    pub(super) fn judge(&mut self, record: &Record<'_>, span: Option<SpanId>, print: Fingerprint) -> Imported {
        let is_recorded = span.is_some_and(|span| self.recorded.contains(&span_key(run_of(record), span)));
        if is_recorded { Imported::Repeated } else { self.remember(record, print) }
    }

    /// The fingerprint of a record, to compare it with those that are known.
    pub(super) fn print(&mut self, record: &Record<'_>) -> Fingerprint {
        self.prints.of(record)
    }

    /// Forgets a record that was not stored after all.
    pub(super) fn forget(&mut self, print: Fingerprint) {
        self.all.remove(&print.all);
        self.ids.remove(&print.id);
    }

    /// Remembers a record, and returns whether it was known.
    fn remember(&mut self, record: &Record<'_>, print: Fingerprint) -> Imported {
        // Records of imports have ids of their own.
        if let (None, Body::Span(span)) = (&record.id, &record.body) {
            self.recorded.insert(span_key(run_of(record), span.span_id));
        }
        match (self.all.insert(print.all), self.ids.insert(print.id)) {
            (false, _) => Imported::Repeated,
            (true, true) => Imported::New,
            (true, false) => Imported::Conflict,
        }
    }
}

fn span_key(run: Option<RunId>, span: SpanId) -> u64 {
    let run = run.map_or(0, RunId::get);
    join(join(run as u64, (run >> 64) as u64), span.get())
}
