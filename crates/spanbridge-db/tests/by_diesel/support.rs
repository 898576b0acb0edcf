//! A database in memory, and what was recorded of it.

use diesel::connection::{Connection, SimpleConnection};
use diesel::sqlite::SqliteConnection;
use spanbridge_db::diesel::DieselSpans;
use spanbridge_graph::testing::{RecordOptions, Recorded};

diesel::table! {
    orders (id) {
        id -> Integer,
        status -> Text,
        note -> Nullable<Text>,
    }
}

/// With the table `orders`, which has one row.
pub(crate) fn database(spans: DieselSpans) -> SqliteConnection {
    let mut db = SqliteConnection::establish(":memory:").unwrap();
    db.batch_execute(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, status TEXT NOT NULL UNIQUE, note TEXT);
         INSERT INTO orders VALUES (1, 'new', NULL)",
    )
    .unwrap();
    db.set_instrumentation(spans);
    db
}

/// The attributes that tests show.
const SHOWN: [&str; 3] = ["db.query.text", "spanbridge.db.transaction", "error.type"];

pub(crate) fn record<R>(f: impl FnOnce() -> R) -> Recorded<R> {
    RecordOptions::new().show(SHOWN).record(f)
}
