//! In a replay, statements run on the database that was named for it, and on no other.

use crate::support::database;
use spanbridge::adapter::Reply;
use spanbridge::conformance::Answers;
use spanbridge_db::StatePolicy;
use spanbridge_db::sqlx::PoolExt;
use spanbridge_db::tokio_postgres::ClientExt;
use spanbridge_graph::testing::RecordOptions;
use std::error::Error;
use std::net::TcpListener;
use std::sync::Arc;

const REFUSED: &str = "a replay refused the statement: shop is not the scratch database";

/// The database `scratch` may be used.
fn answers() -> Arc<Answers> {
    Answers::new(|call| if call.target() == "scratch" { Reply::Live } else { Reply::refused(REFUSED) })
}

/// A pool refuses before it connects.
#[tokio::test]
async fn a_pool_does_not_connect() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("postgres://shop@{}/shop", listener.local_addr().unwrap());
    let pool = sqlx::PgPool::connect_lazy(&url).unwrap().observed(StatePolicy::values());
    let answers = answers();
    let recorded = RecordOptions::new().stand_in(answers.clone()).record_async(|| async {
        let begun = pool.begin().await.map(drop);
        let written = sqlx::query("UPDATE orders SET total = 1").execute(&pool).await.map(drop);
        let read = sqlx::query("SELECT total FROM orders").fetch_optional(&pool).await.map(drop);
        [begun, written, read]
    });
    let recorded = recorded.await;
    for result in &recorded.output {
        let error = result.as_ref().unwrap_err();
        assert!(matches!(error, sqlx::Error::Io(_)) && error.to_string().ends_with(REFUSED), "{error}");
    }
    assert_eq!(answers.lines(), ["db.query shop"; 3]);
    let errors: Vec<_> = recorded.spans().filter_map(|span| span.error.as_deref()).collect();
    assert!(errors.len() == 3 && errors.iter().all(|error| error.ends_with(REFUSED)), "{errors:?}");
    assert!(listener.accept().is_err(), "nobody has connected");
}

/// A client's statements are refused by an error of the client's own, and those on the scratch database run.
#[tokio::test]
async fn a_client_refuses() {
    let Some(database) = database("replay").await else { return };
    database.orders().await;
    let name = std::sync::OnceLock::new();
    for (named, allowed) in [("shop", false), ("scratch", true)] {
        let mut db = database.connect().await.observed(StatePolicy::values()).named(named);
        let recorded = RecordOptions::new().stand_in(answers()).record_async(|| async {
            let prepared = db.prepare("SELECT 1").await.map(drop);
            let written = db.execute("INSERT INTO orders (id) VALUES (1)", &[]).await.map(drop);
            let read = db.query("SELECT id FROM orders", &[]).await.map(drop);
            let text = db.batch_execute("DELETE FROM orders").await;
            let transaction = match db.transaction().await {
                Ok(transaction) => transaction.commit().await,
                Err(error) => Err(error),
            };
            [prepared, written, read, text, transaction]
        });
        for result in recorded.await.output {
            match result {
                Ok(()) => assert!(allowed),
                Err(error) => {
                    let _ = name.set(error.to_string());
                    assert!(!allowed && error.source().unwrap().to_string() == REFUSED, "{error}");
                }
            }
        }
    }
    assert_eq!(name.get().unwrap(), "error communicating with the server");
    let rows = database.client.query("SELECT id FROM orders", &[]).await.unwrap();
    assert!(rows.is_empty());
}
