//! What every connection of the process gets.

use crate::support::record;
use diesel::connection::{SimpleConnection, set_default_instrumentation};
use diesel::prelude::*;
use spanbridge_db::QueryOptions;
use spanbridge_db::diesel::DieselSpans;

/// The URL gives the name of the database, and is not recorded.
#[test]
fn every_new_connection_has_spans() {
    set_default_instrumentation(|| {
        Some(Box::new(DieselSpans::sqlite().query_options(QueryOptions::new().text(false))))
    })
    .unwrap();
    let directory = tempfile::tempdir().unwrap();
    let url = format!("file:{}?mode=rwc&secret=1", directory.path().join("orders.db").display());
    let recorded = record(|| {
        let mut db = SqliteConnection::establish(&url)?;
        db.batch_execute("SELECT 1").map_err(diesel::ConnectionError::CouldntSetupConfiguration)
    });
    set_default_instrumentation(|| None).unwrap();
    recorded.output.as_ref().unwrap();
    let namespace = recorded.span("SELECT").attribute("db.namespace").and_then(|value| value.as_str());
    assert_eq!(namespace, Some("orders.db"));
    let text: String = recorded.records().iter().map(|record| record.to_json()).collect();
    assert!(!text.contains("mode=rwc"), "{text}");
}
