//! Spans of statements.

use crate::support::{database, mutations, record};
use futures_util::TryStreamExt;
use spanbridge::observe;
use spanbridge_db::tokio_postgres::ClientExt;
use spanbridge_db::{QueryOptions, StatePolicy};
use std::pin::pin;
use tokio_postgres::Error;
use tokio_postgres::types::Type;

/// If asked for, by their types; not those that cannot be sent.
#[tokio::test]
async fn parameters_are_recorded_by_their_type() {
    let Some(database) = database("parameters").await else { return };
    let options = QueryOptions::new().parameters(true);
    let db = database.connect().await.observed(StatePolicy::off()).query_options(options);
    let sql = "SELECT $1::text, $2::int2, $3::float4, $4::bool, $5::bytea, $6::int8";
    let recorded = record(|| async {
        db.query(sql, &[&"it's", &7i16, &0.5f32, &true, &[1u8, 255].as_slice(), &None::<i64>]).await.unwrap();
        db.query("SELECT $1::int4, $2::int4", &[&"no", &8i32]).await.unwrap_err();
    })
    .await;
    let parameters = |index: usize| {
        let span = recorded.spans().nth(index).unwrap();
        let of = span.attributes.iter().filter(|(key, _)| key.starts_with("db.query.parameter."));
        of.map(|(key, value)| format!("{}={value}", key.rsplit_once('.').unwrap().1)).collect::<Vec<_>>()
    };
    let mut all = parameters(0);
    all.sort();
    assert_eq!(all, ["0=\"it's\"", "1=\"7\"", "2=\"0.5\"", "3=\"true\"", "4=\"0x01ff\"", "5=\"null\""]);
    assert_eq!(parameters(1), ["1=\"8\""]);
}

/// Every method returns what the client's returns.
#[tokio::test]
async fn methods_are_the_clients() {
    let Some(database) = database("methods").await else { return };
    database.orders().await;
    let db = database.connect().await.observed(StatePolicy::values()).named("shop").query_options(QueryOptions::new());
    let recorded = record(|| {
        observe::span("all").run(|| async {
            assert_eq!(db.execute("INSERT INTO orders VALUES ($1, $2), (2, 'b')", &[&1, &"a"]).await?, 2);
            assert_eq!(db.query("SELECT id FROM orders", &[]).await?.len(), 2);
            assert_eq!(db.query_one("SELECT status FROM orders WHERE id = 1", &[]).await?.get::<_, &str>(0), "a");
            assert!(db.query_opt("SELECT 1 FROM orders WHERE id = 3", &[]).await?.is_none());
            db.query_one("SELECT 1 FROM orders WHERE id = 3", &[]).await.unwrap_err();
            assert_eq!(db.query_typed("SELECT $1 + 1", &[(&1i32, Type::INT4)]).await?[0].get::<_, i32>(0), 2);
            assert_eq!(db.execute_typed("DELETE FROM orders WHERE id = $1", &[(&2i32, Type::INT4)]).await?, 1);
            assert_eq!(db.simple_query("SELECT 1; SELECT 2").await?.len(), 6);
            let update = db.prepare("UPDATE orders SET status = $1 WHERE id = $2").await?;
            assert_eq!(update.params(), [Type::TEXT, Type::INT4]);
            assert_eq!(db.execute(&update, &[&"c", &1]).await?, 1);
            // The client's own: it does not tell its text.
            let native = std::ops::Deref::deref(&db).prepare("UPDATE orders SET status = 'd'").await?;
            assert_eq!(db.execute(&native, &[]).await?, 1);
            let mut rows = pin!(db.query_raw("SELECT generate_series(1, 2000)", [0i32; 0]).await?);
            let mut sum = 0;
            while let Some(row) = rows.try_next().await? {
                sum += row.get::<_, i32>(0);
            }
            assert_eq!((sum, rows.rows_affected()), (2_001_000, Some(2000)));
            // It writes, and more rows come than are on their way at once.
            let insert = "INSERT INTO orders SELECT generate_series(10, 5000) RETURNING id";
            let mut rows = pin!(db.query_raw(insert, [0i32; 0]).await?);
            while rows.try_next().await?.is_some() {}
            let fails = "SELECT 1 / (3 - n) FROM generate_series(1, 5) n";
            let mut rows = pin!(db.query_raw(fails, [0i32; 0]).await?);
            rows.try_next().await?;
            rows.try_next().await?;
            rows.try_next().await.unwrap_err();
            assert_eq!(db.take_changes().await?, 4991);
            Ok::<_, Error>(())
        })
    })
    .await;
    recorded.output.as_ref().unwrap();
    assert_eq!(
        recorded.tree(),
        "\
all
  INSERT orders
  SELECT orders
  SELECT orders
  SELECT orders
  SELECT orders [error]
  SELECT
  DELETE orders
  SELECT SELECT
  UPDATE orders
  postgresql
  SELECT
  INSERT orders SELECT
  SELECT [error] db.response.status_code=22012
"
    );
    let span = recorded.spans().find(|span| span.name == "INSERT orders").unwrap();
    let text = |key: &str| {
        span.attributes.iter().find(|(name, _)| name == key).map(|(_, value)| value.to_string()).unwrap_or_default()
    };
    assert!(text("db.query.text").contains("INSERT INTO orders VALUES ($1, $2), (?, ?)"), "{}", text("db.query.text"));
    assert!(text("db.system.name").contains("postgresql") && text("db.namespace").contains("shop"));
    assert_eq!(text("spanbridge.db.affected_rows"), "2");
    assert_eq!(mutations(&recorded).len(), 2 + 1 + 1 + 1 + 4991);
}
