//! sqlx: its own queries on an observed pool and in observed transactions.

use crate::support::{Database, WAITS, database, diagnostics, mutations, record};
use futures_util::TryStreamExt;
use spanbridge::observe;
use spanbridge_db::StatePolicy;
use spanbridge_db::sqlx::{ObservedPool, PoolExt};
use sqlx::postgres::PgPoolOptions;
use sqlx::{Error, Executor, Row};

async fn pool(database: &Database, connections: u32) -> ObservedPool {
    let pool = PgPoolOptions::new().max_connections(connections).connect(&database.url).await.unwrap();
    pool.observed(StatePolicy::values())
}

/// Update, update in a savepoint that is rolled back, commit; then all of it rolled back.
#[tokio::test]
async fn sqlx_records_what_was_committed() {
    let Some(database) = database("sqlx").await else { return };
    database.orders().await;
    database
        .client
        .batch_execute("INSERT INTO orders VALUES (1, 'new'); DELETE FROM spanbridge.mutations")
        .await
        .unwrap();
    let db = pool(&database, 1).await;
    let recorded = record(|| {
        observe::span("pay").run(|| async {
            let mut tx = db.begin().await?;
            let update = sqlx::query("UPDATE orders SET status = $1 WHERE id = $2").bind("paid").bind(1);
            assert_eq!(update.execute(&mut tx).await?.rows_affected(), 1);
            let mut inner = tx.begin().await?;
            inner.execute("UPDATE orders SET status = 'lost'").await?;
            inner.rollback().await?;
            tx.commit().await?;

            let mut tx = db.begin_with("BEGIN ISOLATION LEVEL SERIALIZABLE").await?;
            tx.execute("UPDATE orders SET status = 'lost'").await?;
            tx.execute("SELECT 1/0").await.unwrap_err();
            tx.commit().await?;

            let mut tx = db.begin().await?;
            tx.execute("DELETE FROM orders").await?;
            drop(tx);
            sqlx::query_scalar::<_, String>("SELECT status FROM orders").fetch_one(&db).await
        })
    })
    .await;
    assert_eq!(recorded.output.as_ref().unwrap(), "paid");
    assert_eq!(
        mutations(&recorded),
        [r#"update public.orders {"id":1}: {"status":"new"} -> {"status":"paid"} [status] by transaction"#]
    );
    assert_eq!(
        recorded.tree(),
        "\
pay
  transaction spanbridge.db.transaction=committed
    UPDATE orders
    SAVEPOINT spanbridge.db.transaction=rolled_back
      UPDATE orders
  transaction spanbridge.db.transaction=rolled_back
    UPDATE orders
    SELECT [error] db.response.status_code=22012
  transaction [cancelled] spanbridge.db.transaction=rolled_back
    DELETE orders
  SELECT orders
"
    );
    assert_eq!((database.left().await, diagnostics(&recorded)), (0, vec![]));
}

/// Outside of a transaction a statement names itself; the next user of the connection does not inherit the name.
#[tokio::test]
async fn sqlx_names_the_writer_of_a_statement() {
    let Some(database) = database("sqlx_names").await else { return };
    database.orders().await;
    let db = pool(&database, 1).await;
    let recorded = record(|| async {
        sqlx::query("INSERT INTO orders VALUES ($1, 'ours')").bind(1).execute(&db).await?;
        db.execute("UPDATE orders SET id = id / 0").await.unwrap_err();
        sqlx::query("INSERT INTO orders VALUES (2, 'theirs')").execute(&*db).await?;
        let mut tx = sqlx::PgPool::begin(&db).await?;
        sqlx::query("INSERT INTO orders VALUES (3, 'theirs')").execute(&mut *tx).await?;
        tx.commit().await?;
        // Given up while it runs: the connection is closed, so nobody inherits its name.
        database.given_up(db.execute(WAITS)).await;
        sqlx::query("INSERT INTO orders VALUES (4, 'theirs')").execute(&*db).await?;
        db.clone().tag_transactions_only().execute("INSERT INTO orders VALUES (5, 'nameless')").await?;
        while db.take_changes().await? > 0 {}
        Ok::<_, Error>(())
    })
    .await;
    recorded.output.as_ref().unwrap();
    for line in mutations(&recorded) {
        let ours = line.contains("ours") || line.contains("slept");
        assert!(line.ends_with(if ours { "orders" } else { "by nobody known" }), "{line}");
    }
    assert!(mutations(&recorded).len() >= 5);
}

/// Every way to fetch gives what sqlx gives.
#[tokio::test]
async fn sqlx_fetches_as_before() {
    let Some(database) = database("sqlx_fetch").await else { return };
    database.orders().await;
    let db = pool(&database, 2).await;
    let recorded = record(|| {
        observe::span("all").run(|| async {
            let insert = "INSERT INTO orders SELECT generate_series(1, 3000), 'new' RETURNING id";
            let ids: Vec<i32> = sqlx::query_scalar(insert).fetch_all(&db).await?;
            assert_eq!(ids.len(), 3000);
            let mut rows = sqlx::query("SELECT id FROM orders ORDER BY id").fetch(&db);
            let mut sum = 0;
            while let Some(row) = rows.try_next().await? {
                sum += row.get::<i32, _>(0);
            }
            drop(rows);
            assert_eq!(sum, 3000 * 3001 / 2);
            // Dropped before its end.
            drop(sqlx::query("SELECT id FROM orders").fetch(&db).try_next().await?);
            let none = sqlx::query("SELECT id FROM orders WHERE id = 0").fetch_optional(&db).await?;
            assert!(none.is_none());
            let error = sqlx::query("SELECT id FROM orders WHERE id = 0").fetch_one(&db).await.unwrap_err();
            assert!(matches!(error, Error::RowNotFound));
            let mut tx = db.begin().await?;
            let (one,): (i64,) = sqlx::query_as("SELECT count(*) FROM orders").fetch_one(&mut tx).await?;
            assert_eq!(one, 3000);
            let rows: Vec<i32> = sqlx::query_scalar("DELETE FROM orders WHERE id > $1 RETURNING id")
                .bind(2998)
                .fetch_all(&mut tx)
                .await?;
            assert_eq!(rows, [2999, 3000]);
            tx.rollback().await?;
            let statement = (&db).prepare(sqlx::SqlSafeStr::into_sql_str("SELECT $1::int")).await?;
            assert_eq!(sqlx::Statement::query_scalar::<i32>(&statement).bind(7).fetch_one(&db).await?, 7);
            sqlx::raw_sql("SELECT 1; SELECT 2").fetch_all(&db).await?;
            Ok::<_, Error>(())
        })
    })
    .await;
    recorded.output.as_ref().unwrap();
    assert_eq!(
        recorded.tree(),
        "\
all
  INSERT orders SELECT
  SELECT orders
  SELECT orders [cancelled]
  SELECT orders
  SELECT orders
  transaction spanbridge.db.transaction=rolled_back
    SELECT orders
    DELETE orders
  SELECT
  SELECT SELECT
"
    );
    assert_eq!(
        recorded.spans().find(|span| span.name == "SELECT orders").map(|span| {
            let of =
                |key: &str| span.attributes.iter().find(|(name, _)| name == key).map(|(_, value)| value.to_string());
            (of("db.response.returned_rows"), of("db.namespace").is_some())
        }),
        Some((Some("3000".to_owned()), true))
    );
}
