//! A database of its own for a test, on the server of the test program.
#![allow(dead_code, unused_imports, reason = "each test binary uses some of it")]

use spanbridge::RunId;
use spanbridge::record::Record;
use spanbridge_clickhouse::{Address, ClickHouse, Writer};
use spanbridge_query::Store;
use std::sync::atomic::{AtomicU32, Ordering};

#[path = "../../../spanbridge-graph/tests/common/mod.rs"]
mod records;
pub(crate) use records::*;

#[path = "../../../spanbridge-query/tests/agreement/mod.rs"]
mod agreement;
pub(crate) use agreement::*;

/// An address with a database that nobody else uses. It is dropped with the value.
pub(crate) struct Place {
    pub(crate) address: Address,
}

/// A new database, or none because there is no server.
pub(crate) fn place() -> Option<Place> {
    crate::url().map(|url| place_at(&url))
}

pub(crate) fn place_at(url: &str) -> Place {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    Place { address: url.parse::<Address>().unwrap().with_database(name) }
}

impl Place {
    pub(crate) fn writer(&self) -> Writer {
        Writer::open(&self.address).unwrap()
    }

    pub(crate) fn store(&self) -> Store {
        Store::with_engine(self.address.to_string(), ClickHouse::open(&self.address).unwrap())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What a killed node keeps goes with its directory.
        let _ = Writer::drop_database(&self.address);
    }
}

pub(crate) fn insert(writer: &Writer, records: &[Record<'_>]) {
    let inserted = writer.insert(records.iter().map(|record| record.view())).unwrap();
    assert_eq!((inserted.records, inserted.unknown), (records.len() as u64, Vec::new()));
}
