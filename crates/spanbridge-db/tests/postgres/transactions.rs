//! What is recorded of transactions: all that was committed, and nothing else.

use crate::support::{database, mutations, record};
use spanbridge::observe;
use spanbridge_db::StatePolicy;
use spanbridge_db::tokio_postgres::{ClientExt, ObservedClient};
use tokio_postgres::{Client, Error};

/// Update, update in a savepoint that is rolled back, commit.
#[tokio::test]
async fn rolled_back_savepoint_leaves_nothing() {
    let Some(database) = database("savepoint").await else { return };
    database.orders().await;
    database
        .client
        .batch_execute("INSERT INTO orders VALUES (1, 'new'); DELETE FROM spanbridge.mutations")
        .await
        .unwrap();
    let mut db = database.connect().await.observed(StatePolicy::values());
    let recorded = record(|| {
        observe::span("pay").run(|| async {
            let mut tx = db.transaction().await?;
            tx.execute("UPDATE orders SET status = 'paid' WHERE id = $1", &[&1]).await?;
            let inner = tx.transaction().await?;
            inner.execute("UPDATE orders SET status = 'lost'", &[]).await?;
            inner.rollback().await?;
            tx.commit().await
        })
    })
    .await;
    recorded.output.as_ref().unwrap();
    assert_eq!(
        mutations(&recorded),
        [r#"update public.orders {"id":1}: {"status":"new"} -> {"status":"paid"} [status] by UPDATE orders"#]
    );
    assert_eq!(
        recorded.tree(),
        "\
pay
  transaction spanbridge.db.transaction=committed
    UPDATE orders
    SAVEPOINT spanbridge.db.transaction=rolled_back
      UPDATE orders
"
    );
    assert_eq!(database.left().await, 0);
}

/// By `rollback`, by dropping it, and by a commit after an error, which the server answers by a rollback.
#[tokio::test]
async fn rolled_back_transaction_leaves_nothing() {
    let Some(database) = database("rollback").await else { return };
    database.orders().await;
    let mut db = database.connect().await.observed(StatePolicy::values());
    let insert = "INSERT INTO orders VALUES (1, 'new')";
    let recorded = record(|| {
        observe::span("work").run(|| async {
            let tx = db.transaction().await?;
            tx.execute(insert, &[]).await?;
            tx.rollback().await?;

            let tx = db.transaction().await?;
            tx.execute(insert, &[]).await?;
            drop(tx);

            let tx = db.transaction().await?;
            tx.execute(insert, &[]).await?;
            let error = tx.execute(insert, &[]).await.unwrap_err();
            assert_eq!(error.code().unwrap().code(), "23505");
            tx.commit().await?;

            let mut tx = db.transaction().await?;
            tx.batch_execute("SELECT 1/0").await.unwrap_err();
            let failed = tx.transaction().await;
            Err::<(), _>(failed.map(drop).unwrap_err())
        })
    })
    .await;
    assert_eq!(recorded.output.as_ref().unwrap_err().code().unwrap().code(), "25P02");
    assert_eq!(mutations(&recorded), [""; 0]);
    assert_eq!(
        recorded.tree(),
        "\
work [error]
  transaction spanbridge.db.transaction=rolled_back
    INSERT orders
  transaction [cancelled] spanbridge.db.transaction=rolled_back
    INSERT orders
  transaction spanbridge.db.transaction=rolled_back
    INSERT orders
    INSERT orders [error] db.response.status_code=23505
  transaction [cancelled] spanbridge.db.transaction=rolled_back
    SELECT [error] db.response.status_code=22012
    SAVEPOINT [error] db.response.status_code=25P02
"
    );
    assert_eq!(database.left().await, 0);
}

/// A constraint that is checked at the commit.
#[tokio::test]
async fn commit_that_fails_is_rolled_back() {
    let Some(database) = database("deferred").await else { return };
    let policy = StatePolicy::values();
    database
        .table(&policy, "parts", "id int PRIMARY KEY, whole int REFERENCES parts DEFERRABLE INITIALLY DEFERRED")
        .await;
    let mut db = database.connect().await.observed(policy);
    let recorded = record(|| async {
        let tx = db.transaction().await?;
        tx.execute("INSERT INTO parts VALUES (1, 2)", &[]).await?;
        let result = tx.commit().await;
        // Outside of a transaction, the statement itself fails.
        let alone = db.execute("INSERT INTO parts VALUES (1, 2)", &[]).await.unwrap_err();
        assert_eq!(alone.code().unwrap().code(), "23503");
        result
    })
    .await;
    assert_eq!(recorded.output.as_ref().unwrap_err().code().unwrap().code(), "23503");
    assert_eq!(mutations(&recorded), [""; 0]);
    assert_eq!(
        recorded.tree(),
        "\
transaction [error] spanbridge.db.transaction=rolled_back db.response.status_code=23503
  INSERT parts
INSERT parts [error] db.response.status_code=23503
"
    );
}

/// Begun by text: its rows are taken when it has been committed, and not before.
#[tokio::test]
async fn transaction_by_text_is_recorded_after_it() {
    let Some(database) = database("by_text").await else { return };
    database.orders().await;
    let db = database.connect().await.observed(StatePolicy::values());
    let recorded = record(|| {
        observe::span("by hand").run(|| async {
            db.batch_execute("BEGIN").await?;
            db.execute("INSERT INTO orders VALUES (1)", &[]).await?;
            db.batch_execute("ROLLBACK").await?;
            db.batch_execute("BEGIN; INSERT INTO orders VALUES (2)").await?;
            db.execute("INSERT INTO orders VALUES (3, 'new')", &[]).await?;
            assert_eq!(database.waiting().await, 0);
            db.batch_execute("COMMIT").await
        })
    })
    .await;
    recorded.output.as_ref().unwrap();
    let after = |id: i32, status: &str| format!(r#"{{"id":{id},"status":{status},"total":null,"card":null}}"#);
    let insert = |id, status, by| {
        format!("insert public.orders {{\"id\":{id}}}: - -> {} [id,status,total,card] by {by}", after(id, status))
    };
    assert_eq!(mutations(&recorded), [insert(2, "null", "nobody known"), insert(3, "\"new\"", "INSERT orders")]);
    assert_eq!(setting(&db).await, "");
}

async fn setting(db: &ObservedClient<Client>) -> String {
    db.query_one("SELECT coalesce(current_setting('spanbridge.context', true), '')", &[]).await.unwrap().get(0)
}

/// A span that was begun in the transaction is the parent of its statements.
#[tokio::test]
async fn spans_in_a_transaction_keep_their_place() {
    let Some(database) = database("places").await else { return };
    let mut db = database.connect().await.observed(StatePolicy::off());
    let recorded = record(|| async {
        let tx = db.transaction_with(|builder| builder.read_only(true)).await?;
        tx.query("SELECT 1", &[]).await?;
        observe::span("check").run(|| tx.query_one("SELECT count(*) FROM pg_class", &[])).await?;
        let refused = tx.batch_execute("CREATE TABLE t (a int)").await.unwrap_err();
        assert_eq!(refused.code().unwrap().code(), "25006");
        Ok::<_, Error>(())
    })
    .await;
    recorded.output.as_ref().unwrap();
    assert_eq!(
        recorded.tree(),
        "\
transaction [cancelled] spanbridge.db.transaction=rolled_back
  SELECT
  CREATE TABLE t [error] db.response.status_code=25006
check
  SELECT pg_class
"
    );
}

/// What runs on the client itself is of the transaction, never of a statement that has ended: before the first one, after one, in a
/// savepoint and after it.
#[tokio::test]
async fn raw_statements_are_the_transactions() {
    let Some(database) = database("raw").await else { return };
    database.table(&StatePolicy::values(), "notes", "id int PRIMARY KEY").await;
    let mut db = database.connect().await.observed(StatePolicy::values());
    let pool = sqlx::PgPool::connect(&database.url).await.unwrap();
    let recorded = record(|| async {
        use spanbridge_db::sqlx::PoolExt;
        use tokio_postgres::Transaction;
        let mut tx = db.transaction().await?;
        Transaction::execute(&tx, "INSERT INTO notes VALUES (1)", &[]).await?;
        tx.execute("INSERT INTO notes VALUES (2)", &[]).await?;
        Transaction::execute(&tx, "INSERT INTO notes VALUES (3)", &[]).await?;
        let inner = tx.transaction().await?;
        Transaction::execute(&inner, "INSERT INTO notes VALUES (4)", &[]).await?;
        inner.execute("INSERT INTO notes VALUES (5)", &[]).await?;
        Transaction::execute(&inner, "INSERT INTO notes VALUES (6)", &[]).await?;
        inner.commit().await?;
        Transaction::execute(&tx, "INSERT INTO notes VALUES (7)", &[]).await?;
        let inner = tx.transaction().await?;
        inner.execute("SELECT 1/0", &[]).await.unwrap_err();
        inner.rollback().await?;
        Transaction::execute(&tx, "INSERT INTO notes VALUES (8)", &[]).await?;
        tx.commit().await?;
        Client::execute(&db, "INSERT INTO notes VALUES (9)", &[]).await?;

        let pool = pool.observed(StatePolicy::values());
        let mut tx = pool.begin().await.unwrap();
        sqlx::query("INSERT INTO notes VALUES (10)").execute(&mut tx).await.unwrap();
        sqlx::query("INSERT INTO notes VALUES (11)").execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        Ok::<_, Error>(())
    })
    .await;
    recorded.output.as_ref().unwrap();
    let shown = mutations(&recorded);
    let writers: Vec<_> = shown.iter().map(|line| line.rsplit_once(" by ").unwrap().1).collect();
    let (tx, own) = ("transaction", "INSERT notes");
    assert_eq!(writers, [tx, own, tx, tx, own, tx, tx, tx, "nobody known", tx, tx]);
}
