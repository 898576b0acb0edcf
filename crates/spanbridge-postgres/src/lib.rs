//! Keeps spanbridge records in PostgreSQL, for small teams who have one already, and asks the same questions of them.
//!
//! A [`Postgres`] is an [engine](spanbridge_query::engine):
//!
//! ```no_run
//! use spanbridge_postgres::{Address, Postgres};
//! use spanbridge_query::{RunFilter, Store};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let records: Vec<spanbridge::record::Record<'static>> = Vec::new();
//! let address: Address = "postgres://ada@db/shop".parse()?;
//! let mut store = Store::with_engine(address.to_string(), Postgres::open_or_create(&address)?);
//! store.append(records)?;
//! for run in store.runs(&RunFilter::default().service("billing"), 20)? {
//!     println!("{} {}", run.run_id, run.name);
//! }
//! # Ok(()) }
//! ```
//!
//! Servers from 13 to 17 will do. It works on the calling thread.
//!
//! # Tables
//! They are in a schema of their own, `spanbridge`. Each record is a row of `record`, which has a partition for each day. The views `spans`
//! and `runs` are for people and their tools:
//!
//! ```sql
//! SELECT service, name, count(*), percentile_cont(0.99) WITHIN GROUP (ORDER BY ms) FROM spanbridge.spans
//! WHERE day = current_date AND attributes ->> 'http.route' = '/orders' GROUP BY service, name ORDER BY 4 DESC
//! ```
//!
//! The layers, lowest first: `server` and `tls` are about connections, `session` and `transaction` about statements, `row`, `shape` and
//! `run` about the values of tables, `schema` about tables, `records` reads them, `insert` and `engine` use them.

mod address;
mod engine;
mod error;
mod insert;
mod mention;
mod parameters;
mod records;
mod row;
mod run;
mod schema;
mod server;
mod session;
mod shape;
mod text;
mod tls;
mod transaction;

pub use address::Address;
pub use engine::Postgres;
pub use error::{Error, ErrorKind};
#[doc(hidden)]
pub use server::Server;
