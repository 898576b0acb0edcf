//! Putting records into the tables.

mod late;
mod marks;
mod rows;

use crate::address::Address;
use crate::client::{Client, Setting, broken};
use crate::error::Result;
use crate::row::{columns, read_row};
use crate::schema;
use crate::server::Version;
use late::{Horizon, Late, today};
pub use rows::Inserted;
use rows::Request;
use spanbridge::record::{Record, RecordView};
use spanbridge_graph::time_of;
use std::time::{SystemTime, UNIX_EPOCH};

/// Nanoseconds.
const DAY: u64 = 86_400_000_000_000;

/// Inserts records.
///
/// ```no_run
/// use spanbridge_clickhouse::Writer;
/// # fn main() -> Result<(), spanbridge_clickhouse::Error> {
/// # let records: Vec<spanbridge::record::Record<'static>> = Vec::new();
/// let writer = Writer::open(&"clickhouse://db1,db2/spans?cluster=main".parse()?)?;
/// writer.insert(records.iter().map(|record| record.view()))?;
/// # Ok(()) }
/// ```
///
/// Insert many records at once, thousands or more: each batch is one part of a table on each shard, which the server merges later.
///
/// # What was inserted twice
/// Of two records with the same content, one is kept. So a batch whose fate is unknown, because the server went away or a shard is
/// missing, is simply inserted again, also by another process, and together with other records. Records of one id with other content
/// contradict each other: both are kept, and readers say so.
pub struct Writer {
    client: Client,
    version: Version,
    /// Days that the table of records keeps by itself.
    keep: Option<u16>,
}

impl Writer {
    /// Makes the database and the tables as far as they are missing. Several may do so at once.
    ///
    /// # Errors
    /// No node answers, the server refuses, or a newer release made the tables.
    pub fn open(address: &Address) -> Result<Self> {
        let client = Client::new(address.clone());
        let version = Version::parse(&Client::new(address.clone().with_database("system")).value("SELECT version()")?)?;
        let mut writer = Self { client, version, keep: None };
        schema::migrate(&writer.client, version, || writer.mark_changes())?;
        writer.keep = late::kept_days(&writer.client, version)?;
        Ok(writer)
    }

    /// Inserts the marks of rows that were changed by records of an earlier version of the tables.
    fn mark_changes(&self) -> Result<()> {
        let mut rows =
            self.client.query(&format!("SELECT {} FROM record WHERE type = 'mutation'", columns::content()), &[])?;
        let mut some = Vec::new();
        loop {
            let is_last = rows.is_at_end().map_err(|error| broken(&error))?;
            if is_last || some.len() >= 1 << 16 {
                let views: Vec<_> = some.iter().map(Record::view).collect();
                self.insert_marks(&views)?;
                some.clear();
            }
            if is_last {
                return Ok(());
            }
            some.extend(read_row(&mut rows).map_err(|error| broken(&error))?.record);
        }
    }

    /// Which rows were changed is found by these alone, so they are there before the records are.
    fn insert_marks(&self, records: &[RecordView<'_>]) -> Result<()> {
        let rows = marks::rows(records);
        if rows.is_empty() {
            return Ok(());
        }
        self.client.insert("INSERT INTO mention (kind, id, run) FORMAT RowBinary", &rows, &self.synchronous())
    }

    /// Inserts a batch, and returns once every shard has it.
    ///
    /// # Errors
    /// Some of the batch may be stored. Insert all of it again: see [`Writer`].
    pub fn insert<'r>(&self, records: impl IntoIterator<Item = RecordView<'r>>) -> Result<Inserted> {
        let records: Vec<_> = records.into_iter().collect();
        let oldest = records.iter().filter_map(|record| time_of(record.body())).min().unwrap_or(u64::MAX);
        let mut horizon = Horizon::of(&self.client, self.keep)?;
        loop {
            let late = Late::of(&self.client, horizon, &records)?;
            let (late, rest): (Vec<usize>, Vec<usize>) = (0..records.len()).partition(|at| late.has(records[*at]));
            let views: Vec<_> = rest.iter().map(|at| records[*at]).collect();
            let mut inserted = self.insert_rows(&views, horizon.first_day())?;
            inserted.unknown.iter_mut().for_each(|at| *at = rest[*at]);
            inserted.late = late;
            // What is of today is in no day that may be dropped meanwhile.
            let before = std::mem::replace(
                &mut horizon,
                match oldest >= u64::from(today()) * DAY {
                    true => return Ok(inserted),
                    false => Horizon::of(&self.client, self.keep)?,
                },
            );
            if before == horizon {
                return Ok(inserted);
            }
        }
    }

    fn insert_rows(&self, records: &[RecordView<'_>], first_day: u16) -> Result<Inserted> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64);
        let (requests, inserted) = rows::requests(records, now, first_day);
        self.insert_marks(records)?;
        // A view of an old server sees each column as it comes, so all are named.
        let statement = format!("INSERT INTO record ({}) FORMAT RowBinary", columns::names());
        for request in requests {
            self.client.insert(&statement, &request.rows, &self.settings(&request))?;
        }
        Ok(inserted)
    }

    /// Removes the database with all that is in it, on every node of the address.
    #[doc(hidden)]
    pub fn drop_database(address: &Address) -> Result<()> {
        schema::drop_database(&Client::new(address.clone().with_database("system")), &address.database)
    }

    /// The bytes on disk and the rows of each table, over all shards.
    #[doc(hidden)]
    pub fn sizes(&self) -> Result<Vec<(String, u64, u64)>> {
        schema::sizes(&self.client)
    }

    /// Merges everything, which the server does by itself in time.
    #[doc(hidden)]
    pub fn merge(&self) -> Result<()> {
        schema::merge(&self.client)
    }

    /// The server answers when all shards have the rows.
    fn synchronous(&self) -> Vec<Setting> {
        let mut settings = vec![("insert_distributed_sync", "1".to_owned())];
        if self.version.has_async_inserts() {
            // Otherwise the server puts the batch together with others, and its token is not that of the whole.
            settings.push(("async_insert", "0".to_owned()));
        }
        settings
    }

    fn settings(&self, request: &Request) -> Vec<Setting> {
        let mut settings = self.synchronous();
        if self.version.has_tokens() {
            settings.push(("insert_deduplication_token", format!("{:016x}", request.token)));
            // If only the table had the batch, its views get it the next time.
            settings.push(("deduplicate_blocks_in_dependent_materialized_views", "1".to_owned()));
        }
        settings
    }
}
