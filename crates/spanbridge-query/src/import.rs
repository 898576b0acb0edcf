//! Importing records. Those that are already stored are left alone.
//!
//! A delivery of a recorder is recognised by its number, but imported records only by their content. So the stored records of
//! a run are read before new ones are added: all of them once per import, then only what was added since.

use crate::Result;
use crate::answer::ImportReport;
use crate::damage::Damage;
use crate::snapshot::Snapshot;
use rusqlite::{Connection, TransactionBehavior};
use spanbridge::RunId;
use spanbridge::record::Record;
use spanbridge_graph::hash::{Map, Set, join, stable};
use spanbridge_graph::run_of;
use spanbridge_store::codec::{BlockWriter, KnownNames, PartHead, refusal};
use spanbridge_store::delivery::Assembler;
use spanbridge_store::write::insert;

/// How many records are stored at once. Few enough that no recorder waits long for the lock.
const RECORDS_PER_TRANSACTION: usize = 4096;

/// How many records an import remembers. Then it forgets them, and reads what it needs again.
const MAX_REMEMBERED: usize = 4 << 20;

pub(crate) fn import<'a>(
    connection: &mut Connection,
    damage: &Damage,
    records: impl Iterator<Item = Record<'a>>,
) -> Result<ImportReport> {
    let mut import = Import {
        connection,
        damage,
        assembler: Assembler::default(),
        known: KnownRecords::default(),
        report: ImportReport::default(),
    };
    let mut chunk = Vec::with_capacity(RECORDS_PER_TRANSACTION);
    for record in records {
        let place = import.report.read;
        import.report.read += 1;
        match refusal(record.view()) {
            Some(why) => import.report.rejected.push((place, why)),
            None => chunk.push(record),
        }
        if chunk.len() == RECORDS_PER_TRANSACTION {
            import.store(&mut chunk)?;
        }
    }
    import.store(&mut chunk)?;
    Ok(import.report)
}

struct Import<'c> {
    connection: &'c mut Connection,
    damage: &'c Damage,
    assembler: Assembler,
    known: KnownRecords,
    report: ImportReport,
}

impl Import<'_> {
    /// Stores the new ones of these records, in one transaction.
    fn store(&mut self, chunk: &mut Vec<Record<'_>>) -> Result<()> {
        if chunk.is_empty() {
            return Ok(());
        }
        self.known.forget_when_too_many();
        let runs: Set<Option<RunId>> = chunk.iter().map(run_of).collect();
        let prints: Vec<Fingerprint> = chunk.iter().map(|record| self.known.fingerprint(record)).collect();
        // Most is read before the lock is taken, and under the lock only what was added meanwhile.
        let damage = self.damage;
        self.known.read(&Snapshot { transaction: self.connection.unchecked_transaction()?, damage }, &runs)?;
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let locked = Snapshot { transaction, damage };
        self.known.read(&locked, &runs)?;

        let (mut new, mut suspects) = (Vec::new(), Set::default());
        for (record, print) in chunk.drain(..).zip(prints) {
            match self.known.remember(print) {
                Identity::Repeated => self.report.repeated += 1,
                Identity::New => new.push(record),
                Identity::Conflict => {
                    self.report.conflicts += 1;
                    suspects.insert(run_of(&record));
                    new.push(record);
                }
            }
        }
        if !new.is_empty() {
            self.report.stored += new.len() as u64;
            let delivery = self.assembler.assemble_with(new.iter().map(Record::view), |run| suspects.contains(&run))?;
            insert(&locked.transaction, None, &delivery)?;
        }
        Ok(locked.transaction.commit()?)
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
    /// For each run: up to which delivery it was read.
    runs: Map<Option<RunId>, i64>,
    ids: Set<u64>,
    all: Set<u64>,
    writer: BlockWriter,
    scratch: Vec<u8>,
}

impl KnownRecords {
    fn forget_when_too_many(&mut self) {
        if self.all.len() > MAX_REMEMBERED {
            self.runs.clear();
            self.ids.clear();
            self.all.clear();
        }
    }

    /// Reads the stored records of these runs that are not known yet.
    fn read(&mut self, snapshot: &Snapshot<'_>, runs: &Set<Option<RunId>>) -> Result<()> {
        let newest = snapshot.newest()?;
        let (known, new): (Vec<_>, Vec<_>) = runs.iter().partition(|run| self.runs.contains_key(run));
        let since = known.iter().filter_map(|run| self.runs.get(run)).min().copied().unwrap_or(newest);
        for (wanted, after) in [(new, 0), (known, since)] {
            if wanted.is_empty() || after >= newest {
                continue;
            }
            let stored = snapshot.stored(&wanted, after)?;
            for record in stored.records()? {
                let print = self.fingerprint(&record);
                self.remember(print);
            }
        }
        self.runs.extend(runs.iter().map(|run| (*run, newest)));
        Ok(())
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
