//! A schema of its own for a test, at `POSTGRES_URL`.
#![allow(dead_code, unused_imports, reason = "each test binary uses some of it")]

use spanbridge::record::Record;
use spanbridge_postgres::{Address, Postgres};
use spanbridge_query::Store;
use spanbridge_query::engine::Engine;
use std::sync::atomic::{AtomicU32, Ordering};

#[path = "../../../spanbridge-graph/tests/common/mod.rs"]
mod records;
pub(crate) use records::*;
#[path = "../../../spanbridge-query/tests/agreement/mod.rs"]
mod agreement;
pub(crate) use agreement::*;

/// An address with a schema that nobody else uses. It is dropped with the value.
pub(crate) struct Place {
    pub(crate) address: Address,
}

/// A new schema, or none because there is no server.
pub(crate) fn place() -> Option<Place> {
    xtask::postgres::url().map(|url| place_at(&url))
}

pub(crate) fn place_at(url: &str) -> Place {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    Place { address: url.parse::<Address>().unwrap().with_schema(name).unwrap() }
}

impl Place {
    /// Makes the tables.
    pub(crate) fn engine(&self) -> Postgres {
        Postgres::open_or_create(&self.address).unwrap()
    }

    pub(crate) fn store(&self) -> Store {
        Store::with_engine(self.address.to_string(), Postgres::open(&self.address).unwrap().with_clock(due::clock))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What a killed server keeps goes with its directory.
        let _ = Postgres::drop_schema(&self.address);
    }
}

pub(crate) fn insert(engine: &mut Postgres, records: &[Record<'_>]) {
    assert_eq!(engine.store(records).unwrap().rejected, Vec::new());
}
