//! Asking questions of the tables.

mod follow;
mod list;
mod lookup;
mod prune;
mod snapshot;
mod unsettled;

use crate::address::Address;
use crate::error::Result;
use crate::insert::Writer;
use crate::schema;
use crate::session::Pool;
use crate::shape::Known;
use snapshot::Asked;
use spanbridge::record::Record;
use spanbridge_query::engine::{Engine, Old, Removed, Snapshot, Stored, now};
use std::cell::RefCell;

/// A PostgreSQL with records, for [`Store::with_engine`](spanbridge_query::Store::with_engine).
///
/// ```no_run
/// use spanbridge_postgres::{Address, Postgres};
/// use spanbridge_query::Store;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let address: Address = "postgres://ada@db/shop".parse()?;
/// let store = Store::with_engine(address.to_string(), Postgres::open(&address)?);
/// # drop(store); Ok(()) }
/// ```
///
/// A question is one transaction, and sees one state. What is stored at once, in one call, is stored whole or not at all.
///
/// Several connections may be open at a time: one for each question. They are kept for the next one.
pub struct Postgres {
    pool: Pool,
    shapes: RefCell<Known>,
    /// Made by the first records that are stored.
    writer: Option<Writer>,
    /// What time it is, in nanoseconds since the Unix epoch.
    clock: fn() -> u64,
}

impl Postgres {
    /// Opens tables to read from.
    ///
    /// # Errors
    /// There are none, a newer release made them, or the server cannot be reached. This never creates tables.
    pub fn open(address: &Address) -> Result<Self> {
        let pool = Pool::new(address.clone())?;
        schema::check(&pool.session()?)?;
        Ok(Self { pool, shapes: RefCell::default(), writer: None, clock: now })
    }

    /// Opens tables to read from and to store records in. Makes the schema and the tables, as far as they are missing. Several may do so at
    /// once.
    ///
    /// # Errors
    /// A newer release made the tables, the server cannot be reached, or refuses.
    pub fn open_or_create(address: &Address) -> Result<Self> {
        let pool = Pool::new(address.clone())?;
        schema::migrate(pool.session()?)?;
        Ok(Self { pool, shapes: RefCell::default(), writer: Some(Writer::default()), clock: now })
    }

    /// With another clock: nanoseconds since the Unix epoch.
    #[doc(hidden)]
    pub fn with_clock(self, clock: fn() -> u64) -> Self {
        Self { clock, ..self }
    }

    /// Removes the schema with all that is in it.
    #[doc(hidden)]
    pub fn drop_schema(address: &Address) -> Result<()> {
        let pool = Pool::new(address.clone())?;
        pool.session()?.run("remove the schema", &format!("DROP SCHEMA IF EXISTS {} CASCADE", address.quoted_schema()))
    }

    /// Runs a statement, and returns what it says as text, a row a line.
    #[doc(hidden)]
    pub fn ask(&self, statement: &str) -> Result<Vec<String>> {
        self.pool.session()?.texts(statement)
    }
}

impl Engine for Postgres {
    fn snapshot(&self) -> Result<Box<dyn Snapshot + '_>, spanbridge_query::Error> {
        Ok(Box::new(Asked::begin(self.pool.session()?, &self.shapes, (self.clock)())?))
    }

    fn store(&mut self, records: &[Record<'_>]) -> Result<Stored, spanbridge_query::Error> {
        let writer = match &mut self.writer {
            Some(writer) => writer,
            None => {
                schema::migrate(self.pool.session()?)?;
                self.writer.insert(Writer::default())
            }
        };
        let refused = writer.store(&self.pool, records)?;
        let stored = Stored::default().with_late(refused.late);
        Ok(refused.rejected.into_iter().fold(stored, |stored, (at, why)| stored.reject(at, why)))
    }

    fn prune(
        &mut self,
        old: &Old,
        after_step: &mut dyn FnMut(&Removed) -> bool,
    ) -> Result<Removed, spanbridge_query::Error> {
        if !old.dry_run {
            schema::migrate(self.pool.session()?)?;
        }
        Ok(prune::prune(&self.pool, old, after_step)?)
    }
}
