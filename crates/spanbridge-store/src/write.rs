//! Writing deliveries into the file.

use crate::delivery::{Assembler, Delivery};
use crate::error::{Error, Result};
use crate::file::block_id;
use rusqlite::{Connection, params};
use spanbridge::SegmentId;
use spanbridge::record::{Diagnostic, Record, RecordView};
use spanbridge_graph::hash::join;

/// Names a batch: the recorder that made it, and its number there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchId {
    pub instance: u64,
    pub number: u64,
}

/// What becomes of a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stored {
    /// It is there now.
    New,
    /// It was there already, and nothing was done.
    Repeated,
    /// Other content under the same number was there already; both are kept, and a diagnostic says so.
    Conflict,
}

/// Stores a batch, all of it or nothing. Names the records that can never be stored. `records` may be called twice.
///
/// Everything that takes time happens before the lock is taken.
pub fn store<'a, R: Iterator<Item = RecordView<'a>>>(
    connection: &Connection,
    assembler: &mut Assembler,
    batch: BatchId,
    records: impl Fn() -> R,
) -> Result<Vec<(usize, String)>> {
    let mut delivery = assembler.assemble(records())?;
    let rejected = std::mem::take(&mut delivery.rejected);
    let locked = Locked::begin(connection)?;
    let stored = match known_hashes(connection, batch)? {
        known if known.contains(&delivery.hash) => Stored::Repeated,
        known if known.is_empty() => Stored::New,
        _ => Stored::Conflict,
    };
    if stored == Stored::Conflict {
        // Rare enough to put it together again under the lock.
        let hash = delivery.hash;
        let note = records().next().map(|r| conflict(batch, hash, r.segment_id()));
        let mut all: Vec<RecordView<'_>> = records().collect::<Vec<_>>();
        all.extend(note.as_ref().map(Record::view));
        delivery = Delivery { hash, ..assembler.assemble_with(all.into_iter(), |_| true)? };
    }
    if stored != Stored::Repeated && delivery.records > 0 {
        insert(connection, Some(batch), &delivery)?;
    }
    locked.commit()?;
    Ok(rejected)
}

/// A transaction that holds the lock for writing. Unlike [`rusqlite::Transaction`] it begins and ends by prepared statements: a
/// small delivery takes little more than that. Dropped without a commit, it is undone.
struct Locked<'c> {
    connection: &'c Connection,
    is_over: bool,
}

impl<'c> Locked<'c> {
    fn begin(connection: &'c Connection) -> Result<Self> {
        connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        Ok(Self { connection, is_over: false })
    }

    fn commit(mut self) -> Result<()> {
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        self.is_over = true;
        Ok(())
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            // If this fails, the transaction is over already, or the next `BEGIN` says what is wrong.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }
}

/// The hashes of what is stored under this number.
fn known_hashes(connection: &Connection, batch: BatchId) -> Result<Vec<u64>> {
    let mut query = connection.prepare_cached("SELECT hash FROM delivery WHERE instance = ? AND number = ?")?;
    let rows = query.query_map(params![batch.instance as i64, batch.number as i64], |row| row.get::<_, i64>(0))?;
    rows.map(|hash| Ok(hash? as u64)).collect()
}

/// Says that a batch came with other content than before.
fn conflict(batch: BatchId, hash: u64, segment_id: SegmentId) -> Record<'static> {
    let BatchId { instance, number } = batch;
    let name = format!("store-{:016x}", join(join(instance, number), hash));
    let message = format!("batch {number} of recorder {instance:016x} came again with other content; both are kept");
    let body = Diagnostic::new("conflict", message);
    Record::new(segment_id, number, "spanbridge-store", body).with_id(Some(name.into()))
}

/// Adds a delivery and its blocks; answers its id.
pub fn insert(connection: &Connection, batch: Option<BatchId>, delivery: &Delivery) -> Result<i64> {
    let mut add = connection.prepare_cached(
        "INSERT INTO delivery(instance, number, hash, records, spans, first_at, last_at, block_list, run_heads, run_tails,
             traces, parents, links, aggregates, span_heads)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    let id = add.insert(params![
        batch.map(|b| b.instance as i64),
        batch.map(|b| b.number as i64),
        delivery.hash as i64,
        delivery.records as i64,
        delivery.spans as i64,
        delivery.first_at as i64,
        delivery.last_at as i64,
        delivery.block_list,
        delivery.run_heads,
        delivery.run_tails,
        delivery.traces,
        delivery.parents,
        delivery.links,
        delivery.aggregates,
        delivery.span_heads,
    ])?;
    let mut add = connection.prepare_cached("INSERT INTO block(id, data) VALUES (?, ?)")?;
    for (number, block) in delivery.blocks.iter().enumerate() {
        let id = block_id(id, number).ok_or_else(|| Error::corrupt("there are no numbers left for blocks"))?;
        add.execute(params![id, block])?;
    }
    Ok(id)
}
