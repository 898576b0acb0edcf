//! Importing records. Those that are already stored are left alone.
//!
//! A delivery of a recorder is recognised by its number, but imported records only by their content. So the stored records of
//! a run are read before new ones are added: all of them once per import, then only what was added since.

use crate::Result;
use crate::answer::ImportReport;
use crate::engine::{Cursor, Engine, Snapshot};
use spanbridge::RunId;
use spanbridge::record::Record;
use spanbridge_graph::hash::{Set, join, stable};
use spanbridge_graph::run_of;
use spanbridge_store::codec::{BlockWriter, KnownNames, PartHead, refusal};
use spanbridge_store::delivery::{Assembler, Delivery};

/// How many records are stored at once. Few enough that nobody waits long for the lock.
const RECORDS_PER_DELIVERY: usize = 4096;

/// How many records an import remembers. Then it forgets them, and reads what it needs again.
const MAX_REMEMBERED: usize = 4 << 20;

/// Where records are imported to.
pub(crate) trait Target {
    /// What reads there.
    fn engine(&self) -> &dyn Engine;

    /// Keeps other imports out, asks `compare` what to store with a snapshot of all that is stored, and stores it.
    fn locked(&mut self, compare: &mut dyn FnMut(&dyn Snapshot) -> Result<Option<Delivery>>) -> Result<()>;
}

/// Stores the records that are not stored yet.
pub(crate) fn import<'a>(target: &mut dyn Target, records: impl Iterator<Item = Record<'a>>) -> Result<ImportReport> {
    let mut import = Import {
        target,
        assembler: Assembler::default(),
        known: KnownRecords::default(),
        report: ImportReport::default(),
    };
    let mut chunk = Vec::with_capacity(RECORDS_PER_DELIVERY);
    for record in records {
        let place = import.report.read;
        import.report.read += 1;
        match refusal(record.view()) {
            Some(why) => import.report.rejected.push((place, why)),
            None => chunk.push(record),
        }
        if chunk.len() == RECORDS_PER_DELIVERY {
            import.store(&mut chunk)?;
        }
    }
    import.store(&mut chunk)?;
    Ok(import.report)
}

struct Import<'t> {
    target: &'t mut dyn Target,
    assembler: Assembler,
    known: KnownRecords,
    report: ImportReport,
}

impl Import<'_> {
    /// Stores the new ones of these records, as one delivery.
    fn store(&mut self, chunk: &mut Vec<Record<'_>>) -> Result<()> {
        if chunk.is_empty() {
            return Ok(());
        }
        let Self { target, assembler, known, report } = self;
        known.forget_when_too_many();
        let runs: Set<Option<RunId>> = chunk.iter().map(run_of).collect();
        let prints: Vec<Fingerprint> = chunk.iter().map(|record| known.fingerprint(record)).collect();
        // Most is read before the lock is taken, and under the lock only what was added meanwhile.
        known.read(&*target.engine().snapshot()?, &runs)?;
        target.locked(&mut |snapshot| {
            known.read(snapshot, &runs)?;
            let (mut new, mut suspects) = (Vec::new(), Set::default());
            for (record, print) in chunk.drain(..).zip(&prints) {
                match known.remember(*print) {
                    Identity::Repeated => report.repeated += 1,
                    Identity::New => new.push(record),
                    Identity::Conflict => {
                        report.conflicts += 1;
                        suspects.insert(run_of(&record));
                        new.push(record);
                    }
                }
            }
            if new.is_empty() {
                return Ok(None);
            }
            report.stored += new.len() as u64;
            Ok(Some(assembler.assemble_with(new.iter().map(Record::view), |run| suspects.contains(&run))?))
        })
    }
}

/// Hashes of a record: of its run and id, and of its run, id and content.
#[derive(Clone, Copy)]
struct Fingerprint {
    id: u64,
    all: u64,
}

enum Identity {
    New,
    Repeated,
    Conflict,
}

/// The records that are known to be stored.
#[derive(Default)]
struct KnownRecords {
    /// The runs whose records are known, up to the cursor.
    runs: Set<RunId>,
    /// Whether the records of no run are known, too.
    of_no_run: bool,
    read_to: Cursor,
    ids: Set<u64>,
    all: Set<u64>,
    writer: BlockWriter,
    scratch: Vec<u8>,
}

impl KnownRecords {
    fn forget_when_too_many(&mut self) {
        if self.all.len() > MAX_REMEMBERED {
            *self = Self::default();
        }
    }

    /// Reads the stored records of these runs that are not known yet, and what was added to those that are.
    fn read(&mut self, snapshot: &dyn Snapshot, runs: &Set<Option<RunId>>) -> Result<()> {
        let end = snapshot.end()?;
        if end != self.read_to && (!self.runs.is_empty() || self.of_no_run) {
            let after = std::mem::replace(&mut self.read_to, end.clone());
            snapshot.follow(&after, &mut |records| {
                for record in &records {
                    let known = run_of(record).map_or(self.of_no_run, |run| self.runs.contains(&run));
                    if known {
                        self.add(record);
                    }
                }
                Ok(())
            })?;
        }
        self.read_to = end;
        if runs.contains(&None) && !self.of_no_run {
            snapshot.records_of_no_run(0..=u64::MAX, &mut |records| {
                records.iter().for_each(|record| self.add(record));
                Ok(())
            })?;
            self.of_no_run = true;
        }
        let new: Vec<RunId> = runs.iter().flatten().filter(|run| !self.runs.contains(*run)).copied().collect();
        if !new.is_empty() {
            snapshot.records(&new, &mut |_, records| {
                records.iter().for_each(|record| self.add(record));
                Ok(())
            })?;
            self.runs.extend(new);
        }
        Ok(())
    }

    fn add(&mut self, record: &Record<'_>) {
        let print = self.fingerprint(record);
        self.remember(print);
    }

    /// Remembers a record, and returns whether it was known.
    fn remember(&mut self, print: Fingerprint) -> Identity {
        match (self.all.insert(print.all), self.ids.insert(print.id)) {
            (false, _) => Identity::Repeated,
            (true, true) => Identity::New,
            (true, false) => Identity::Conflict,
        }
    }

    /// The content of a record is hashed as it would be stored, in a block of its own.
    fn fingerprint(&mut self, record: &Record<'_>) -> Fingerprint {
        let run = run_of(record).map_or(0, RunId::get);
        let id = match &record.id {
            Some(id) => join(1, stable(id.as_bytes())),
            None => join(record.segment_id.get(), record.segment_seq),
        };
        let id = join(join(run as u64, (run >> 64) as u64), id);
        self.scratch.clear();
        self.writer.begin(&PartHead::of(0, record.view()), record.segment_seq, 0);
        self.writer.add(&mut KnownNames::default(), record.id.as_deref(), &record.view().body());
        self.writer.finish(&mut self.scratch);
        Fingerprint { id, all: join(id, stable(&self.scratch)) }
    }
}
