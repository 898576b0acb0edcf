//! Into a database, as into a directory.

use super::support::database;
use spanbridge_cli::followed::Followed;
use spanbridge_cli::place::Place;
use spanbridge_clickhouse::{Address, Writer};
use spanbridge_query::state::{RowKey, RowQuery};

/// Each change once, also if it is read again; and the notes of the slot are kept elsewhere.
#[tokio::test]
async fn changes_go_into_a_database() {
    let Some(url) = xtask::clickhouse::url() else { return };
    let Some(mut db) = database("engine").await else { return };
    let url = url.replacen("/default?", &format!("/{}?", db.options.slot), 1);
    let notes = db.store.path().join("notes");
    (db.options.store, db.options.notes) = (Place::parse(&url), Some(notes.clone()));
    db.run("CREATE TABLE orders (id int PRIMARY KEY, status text)").await;
    db.follow().await.expect("begun");
    db.run("INSERT INTO orders VALUES (1, 'new')").await;
    db.follow().await.expect("followed");
    db.run("UPDATE orders SET status = 'paid'").await;
    db.follow().await.expect("followed");
    db.follow().await.expect("nothing new");
    let store = db.options.store.open().expect("a store");
    let answer = store.state(&RowQuery::new("orders", RowKey::parse("1").expect("a key"))).expect("an answer");
    assert_eq!(answer.rows.iter().map(|row| row.changes.len()).collect::<Vec<_>>(), [2]);
    let noted = Followed::all(&notes);
    assert_eq!((noted.len(), &noted[0].slot), (1, &db.options.slot));
    let address: Address = url.parse().expect("an address");
    Writer::drop_database(&address).expect("dropped");
    db.clean_up().await;
}
