//! The spans of transactions.

use crate::support::{database, orders, record};
use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::prelude::*;
use diesel::result::Error;
use spanbridge::observe;
use spanbridge_db::QueryOptions;
use spanbridge_db::diesel::DieselSpans;

fn spans() -> DieselSpans {
    DieselSpans::sqlite().query_options(QueryOptions::new().text(false))
}

/// Committed; rolled back; a savepoint in a transaction; below another span that was begun in it.
#[test]
fn transactions_say_how_they_ended() {
    let mut db = database(spans());
    let recorded = record(|| {
        observe::span("work").in_scope(|| {
            db.transaction(|db| {
                diesel::update(orders::table).set(orders::note.eq("a")).execute(db)?;
                observe::span("inner").in_scope(|| diesel::delete(orders::table.find(9)).execute(db))?;
                let rolled_back = db.transaction(|db| {
                    diesel::update(orders::table).set(orders::note.eq("b")).execute(db)?;
                    db.transaction(|db| diesel::delete(orders::table).execute(db))?;
                    Err::<(), _>(Error::RollbackTransaction)
                });
                assert_eq!(rolled_back, Err(Error::RollbackTransaction));
                diesel::update(orders::table).set(orders::note.eq("c")).execute(db)
            })?;
            let failed = db.immediate_transaction(|db| {
                diesel::insert_into(orders::table).values((orders::id.eq(1), orders::status.eq("x"))).execute(db)
            });
            assert!(failed.is_err());
            orders::table.select(orders::note).load::<Option<String>>(&mut db)
        })
    });
    assert_eq!(recorded.output, Ok(vec![Some("c".to_owned())]));
    assert_eq!(
        recorded.tree(),
        "\
work
  transaction spanbridge.db.transaction=committed
    UPDATE orders
    SAVEPOINT spanbridge.db.transaction=rolled_back
      UPDATE orders
      SAVEPOINT spanbridge.db.transaction=committed
        DELETE orders
    UPDATE orders
  inner
    DELETE orders
  transaction spanbridge.db.transaction=rolled_back
    INSERT orders [error] error.type=UniqueViolation
  SELECT orders
"
    );
}

/// What was begun in a transaction, and is not below it, says itself that it was rolled back.
#[test]
fn queries_elsewhere_say_it_themselves() {
    let mut db = database(spans());
    let recorded = record(|| {
        db.transaction(|db| {
            let inner = |db: &mut SqliteConnection, id: i32| {
                observe::span("inner").in_scope(|| diesel::delete(orders::table.find(id)).execute(db))
            };
            inner(db, 9)?;
            db.transaction(|db| inner(db, 10))?;
            Err::<(), _>(Error::RollbackTransaction)
        })
    });
    assert_eq!(recorded.output, Err(Error::RollbackTransaction));
    assert_eq!(
        recorded.tree().matches("  DELETE orders spanbridge.db.transaction=rolled_back").count(),
        2,
        "{}",
        recorded.tree()
    );
}

/// A commit that a deferred constraint refuses. diesel rolls back after it; that is told once.
#[test]
fn failed_commit_is_rolled_back() {
    let mut db = database(spans());
    db.batch_execute(
        "PRAGMA foreign_keys = ON;
         CREATE TABLE lines (id INTEGER PRIMARY KEY, order_id INTEGER REFERENCES orders DEFERRABLE INITIALLY DEFERRED)",
    )
    .unwrap();
    let recorded = record(|| {
        let failed = db.transaction(|db| db.batch_execute("INSERT INTO lines VALUES (1, 7)"));
        assert!(failed.is_err());
        db.transaction(|db| db.batch_execute("INSERT INTO lines VALUES (1, 1)"))
    });
    recorded.output.as_ref().unwrap();
    assert_eq!(
        recorded.tree(),
        "\
transaction [error] spanbridge.db.transaction=rolled_back error.type=ForeignKeyViolation
  INSERT lines
transaction spanbridge.db.transaction=committed
  INSERT lines
"
    );
}

/// BEGIN IMMEDIATE while another connection writes.
#[test]
fn transaction_that_does_not_begin() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("orders.db");
    let open = || SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    let (mut one, mut other) = (open(), open());
    other.set_instrumentation(spans());
    one.batch_execute("CREATE TABLE orders (id INTEGER PRIMARY KEY); BEGIN IMMEDIATE").unwrap();
    let recorded = record(|| {
        let begun = other.immediate_transaction(|_| Ok::<_, Error>(()));
        assert!(begun.is_err());
        other.transaction(|db| db.batch_execute("SELECT 1 FROM orders"))
    });
    recorded.output.as_ref().unwrap();
    assert_eq!(
        recorded.tree(),
        "\
transaction [error] error.type=_OTHER
transaction spanbridge.db.transaction=committed
  SELECT orders
"
    );
}

/// Transactions whose end diesel does not tell: rolled back by SQLite itself, ended by text, dropped with the connection.
#[test]
fn untold_ends_are_not_invented() {
    let mut db = database(spans());
    let recorded = record(|| {
        let rolled_back = db.transaction(|db| db.batch_execute("INSERT OR ROLLBACK INTO orders VALUES (1, 'x', NULL)"));
        assert!(rolled_back.is_err());
        AnsiTransactionManager::begin_transaction(&mut db)?;
        db.batch_execute("SELECT 1")?;
        drop(db);
        Ok::<_, Error>(())
    });
    recorded.output.as_ref().unwrap();
    let tree = recorded.tree();
    assert!(!tree.contains("committed") && tree.matches("transaction [cancelled]").count() == 2, "{tree}");
}
