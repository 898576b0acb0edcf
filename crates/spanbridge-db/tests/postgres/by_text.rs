//! Transactions that the application begins by text are its own.

use crate::support::{database, record};
use spanbridge::observe;
use spanbridge_db::tokio_postgres::ClientExt;
use spanbridge_db::{StatePolicy, postgres};

#[tokio::test]
async fn a_reader_by_text_goes_on() {
    let Some(database) = database("reader_by_text").await else { return };
    database.orders().await;
    for begin in ["BEGIN READ ONLY", "START TRANSACTION READ ONLY"] {
        let db = database.connect().await.observed(StatePolicy::values());
        let recorded = record(|| {
            observe::span("read").run(|| async {
                db.batch_execute(begin).await?;
                db.query("SELECT * FROM orders", &[]).await?;
                db.batch_execute("COMMIT").await
            })
        })
        .await;
        assert!(recorded.output.is_ok(), "{begin}: {:?}", recorded.output);
    }
}

#[tokio::test]
async fn isolation_by_text_can_be_set() {
    let Some(database) = database("isolation_by_text").await else { return };
    database.orders().await;
    let db = database.connect().await.observed(StatePolicy::values());
    let recorded = record(|| {
        observe::span("work").run(|| async {
            db.batch_execute("BEGIN").await?;
            db.batch_execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE").await?;
            db.batch_execute("COMMIT").await
        })
    })
    .await;
    assert!(recorded.output.is_ok(), "{:?}", recorded.output);
}

#[tokio::test]
async fn without_installation_rows_stay() {
    let Some(database) = database("not_there_by_text").await else { return };
    database.client.batch_execute(postgres::REMOVE).await.unwrap();
    database.client.batch_execute("CREATE TABLE t (a int)").await.unwrap();
    let db = database.connect().await.observed(StatePolicy::values());
    let recorded = record(|| {
        observe::span("work").run(|| async {
            db.batch_execute("BEGIN").await?;
            db.execute("INSERT INTO t VALUES (1)", &[]).await?;
            db.batch_execute("COMMIT").await
        })
    })
    .await;
    assert!(recorded.output.is_ok(), "{:?}", recorded.output);
    assert_eq!(database.client.query("SELECT FROM t", &[]).await.unwrap().len(), 1);
}

/// A row that anybody may have put there stops nothing.
#[tokio::test]
async fn false_rows_stop_nothing() {
    let Some(database) = database("poison").await else { return };
    database.orders().await;
    for poison in ["(op, at) VALUES ('insert', 'infinity')", "(op, columns) VALUES ('insert', '{NULL}')"] {
        database
            .client
            .batch_execute(&format!("TRUNCATE spanbridge.mutations; INSERT INTO spanbridge.mutations {poison}"))
            .await
            .unwrap();
        database.client.batch_execute("INSERT INTO orders SELECT coalesce(max(id), 0) + 1 FROM orders").await.unwrap();
        let db = database.connect().await.observed(StatePolicy::values());
        let recorded = record(|| async { db.take_changes().await }).await;
        let shown = crate::support::mutations(&recorded);
        assert!(
            shown.iter().any(|line| line.starts_with("insert public.orders")),
            "{poison}: {shown:?} {:?}, {} wait",
            recorded.output.as_ref().err().map(|e| e.to_string()),
            database.waiting().await
        );
    }
}
