//! Keeps spanbridge records in ClickHouse, for those who outgrow a directory on one host, and asks the same questions of them.
//!
//! A [`Writer`] makes the tables and inserts records. A [`ClickHouse`] is an [engine](spanbridge_query::engine) that reads them:
//!
//! ```no_run
//! use spanbridge_clickhouse::{Address, ClickHouse, Writer};
//! use spanbridge_query::{RunFilter, Store};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let records: Vec<spanbridge::record::Record<'static>> = Vec::new();
//! let address: Address = "clickhouse://ada@db1,db2/spans?cluster=main".parse()?;
//! Writer::open(&address)?.insert(records.iter().map(|record| record.view()))?;
//!
//! let store = Store::with_engine(address.to_string(), ClickHouse::open(&address)?);
//! for run in store.runs(&RunFilter::default().service("billing"), 20)? {
//!     println!("{} {}", run.run_id, run.name);
//! }
//! # Ok(()) }
//! ```
//!
//! It speaks HTTP, on the calling thread. Servers from 18.16 to today's will do: the version of the server decides what is used.
//!
//! # Tables
//! Each record is a row, ordered by run, and spread over the shards of a cluster by run. Columns are as they are in
//! [records](spanbridge::record) and can be read by any tool; ids are bytes, and `run_id`, `trace_id`, `span_id`, `parent_span_id` and
//! `segment_id` have their digits. `at` and `took` are nanoseconds.
//!
//! ```sql
//! SELECT service, name, count(), quantile(0.99)(took) / 1e6 AS ms FROM record FINAL
//! WHERE type = 'span' AND day = today() GROUP BY service, name ORDER BY ms DESC
//! ```
//!
//! `FINAL` leaves out what was inserted twice and is not merged yet.
//!
//! The layers, lowest first: `row` is about values, `client` about statements, `schema` about tables, `insert` and `engine` use them.

mod address;
mod client;
mod engine;
mod error;
mod identifier;
mod insert;
mod row;
mod schema;
mod server;

pub use address::Address;
pub use engine::ClickHouse;
pub use error::{Error, ErrorKind};
pub use insert::{Inserted, Writer};
