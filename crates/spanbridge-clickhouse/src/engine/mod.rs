//! Asking questions of the tables.

mod batches;
mod follow;
mod known;
mod list;
mod lookup;
mod operations;
mod prune;
mod read;
mod receivers;
mod recent;
mod snapshot;
mod tree;
mod unsettled;

use crate::address::Address;
use crate::client::Client;
use crate::error::Result;
use crate::insert::Writer;
use crate::schema;
use prune::Pruning;
use snapshot::Asked;
use spanbridge::record::Record;
use spanbridge_query::engine::{Engine, Old, Removed, Snapshot, Stored, now};

/// A ClickHouse with records of a [`Writer`](crate::Writer), for [`Store::with_engine`](spanbridge_query::Store::with_engine).
///
/// ```no_run
/// use spanbridge_clickhouse::{Address, ClickHouse};
/// use spanbridge_query::Store;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let address: Address = "clickhouse://db1,db2/spans?cluster=main".parse()?;
/// let store = Store::with_engine(address.to_string(), ClickHouse::open(&address)?);
/// # drop(store); Ok(()) }
/// ```
///
/// # What it does not promise
/// A question is several queries, and a server has no state that they could share: what is inserted meanwhile may be in one and not
/// yet in another. If a shard does not answer, a question fails and says which; there is no half answer.
///
/// [`Store::follow`](spanbridge_query::Store::follow) goes by the time at which a batch was inserted, by the clock of the writer. It
/// looks at the batches of the last minute again, so that nothing is left out if an insert takes long or clocks differ by less.
pub struct ClickHouse {
    client: Client,
    /// Made by the first records that are stored.
    writer: Option<Writer>,
    /// What time it is, in nanoseconds since the Unix epoch.
    clock: fn() -> u64,
}

impl ClickHouse {
    /// Opens tables to read from.
    ///
    /// # Errors
    /// There are none, a newer release made them, or no node answers. This never creates tables.
    pub fn open(address: &Address) -> Result<Self> {
        // A request that names a database which is not there is refused, so that is found out from another one.
        let bare = Client::new(address.clone().with_database("system"));
        schema::check(&bare, &address.database)?;
        Ok(Self { client: Client::new(schema::find_cluster(&bare, address.clone())?), writer: None, clock: now })
    }

    /// Opens tables to read from and to store records in. Makes those that are missing.
    ///
    /// # Errors
    /// As [`Writer::open`].
    pub fn open_or_create(address: &Address) -> Result<Self> {
        let writer = Some(Writer::open(address)?);
        let bare = Client::new(address.clone().with_database("system"));
        Ok(Self { client: Client::new(schema::find_cluster(&bare, address.clone())?), writer, clock: now })
    }

    /// With another clock, which says when messages without a settlement count: nanoseconds since the Unix epoch.
    #[doc(hidden)]
    pub fn with_clock(self, clock: fn() -> u64) -> Self {
        Self { clock, ..self }
    }
}

impl Engine for ClickHouse {
    fn snapshot(&self) -> std::result::Result<Box<dyn Snapshot + '_>, spanbridge_query::Error> {
        Ok(Box::new(Asked::new(&self.client, (self.clock)())))
    }

    fn store(&mut self, records: &[Record<'_>]) -> std::result::Result<Stored, spanbridge_query::Error> {
        let writer = match &self.writer {
            Some(writer) => writer,
            None => self.writer.insert(Writer::open(&self.client.address)?),
        };
        let inserted = writer.insert(records.iter().map(Record::view))?;
        let stored = Stored::default().with_late(inserted.late);
        let why = "this release does not know what it says";
        Ok(inserted.unknown.into_iter().fold(stored, |stored, at| stored.reject(at, why)))
    }

    fn prune(
        &mut self,
        old: &Old,
        after_step: &mut dyn FnMut(&Removed) -> bool,
    ) -> std::result::Result<Removed, spanbridge_query::Error> {
        if self.writer.is_none() && !old.dry_run {
            self.writer = Some(Writer::open(&self.client.address)?);
        }
        Ok(Pruning::new(&self.client, old)?.run(after_step)?)
    }
}
