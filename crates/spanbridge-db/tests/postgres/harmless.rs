//! Nothing that is installed makes a statement fail, wait, or do something else.

use crate::support::{database, diagnostics, mutations, record};
use spanbridge::observe;
use spanbridge_db::tokio_postgres::ClientExt;
use spanbridge_db::{StatePolicy, postgres};
use std::time::{Duration, Instant};

/// A type whose cast to JSON fails; JSON that jsonb refuses; too long a column name in a trigger that is not ours.
#[tokio::test]
async fn values_that_are_no_json_disturb_nothing() {
    let Some(database) = database("no_json").await else { return };
    let sql = "CREATE TYPE odd AS ENUM ('a');
               CREATE FUNCTION odd_json(odd) RETURNS json LANGUAGE plpgsql AS $$ BEGIN RAISE 'no'; END $$;
               CREATE CAST (odd AS json) WITH FUNCTION odd_json(odd);
               CREATE TABLE odds (id int PRIMARY KEY, o odd);
               CREATE TABLE nuls (id int PRIMARY KEY, j json);
               SELECT spanbridge.watch('odds'), spanbridge.watch('nuls')";
    database.client.batch_execute(sql).await.unwrap();
    let db = database.connect().await.observed(StatePolicy::values());
    let recorded = record(|| {
        observe::span("work").run(|| async {
            assert_eq!(db.execute("INSERT INTO odds VALUES (1, 'a'), (2, 'a')", &[]).await?, 2);
            db.execute(r#"INSERT INTO nuls VALUES (1, '"\u0000"')"#, &[]).await
        })
    })
    .await;
    assert_eq!(*recorded.output.as_ref().unwrap(), 1);
    assert_eq!(mutations(&recorded), [""; 0]);
    assert_eq!(
        diagnostics(&recorded),
        [
            "state.capture_failed: 1 changes of public.odds were not kept: the trigger failed with SQLSTATE P0001",
            "state.capture_failed: 1 changes of public.nuls were not kept: the trigger failed with SQLSTATE 22P05",
        ]
    );
    assert_eq!(database.client.query("SELECT FROM odds", &[]).await.unwrap().len(), 2);
}

/// The table is gone, a column of it is gone, somebody holds a lock on it: statements go on, within a moment.
#[tokio::test]
async fn broken_installation_disturbs_nothing() {
    let Some(mut database) = database("broken").await else { return };
    database.orders().await;
    let other = database.connect().await;
    let lock = database.client.transaction().await.unwrap();
    lock.batch_execute("LOCK TABLE spanbridge.mutations IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let begun = Instant::now();
    assert_eq!(other.execute("INSERT INTO orders VALUES (1)", &[]).await.unwrap(), 1);
    // Else it would wait for the lock, which nobody gives back before that.
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    lock.rollback().await.unwrap();
    let shown: String = other.query_one("SHOW lock_timeout", &[]).await.unwrap().get(0);
    assert_eq!(shown, "0");
    for broken in [
        "ALTER TABLE spanbridge.mutations DROP COLUMN before",
        "DROP TABLE spanbridge.mutations",
        "DROP FUNCTION spanbridge.kept",
    ] {
        database.client.batch_execute(broken).await.unwrap();
        for sql in [
            "INSERT INTO orders VALUES (2)",
            "UPDATE orders SET status = 'x' WHERE id = 2",
            "DELETE FROM orders WHERE id = 2",
        ] {
            assert_eq!(other.execute(sql, &[]).await.unwrap(), 1, "{broken}: {sql}");
        }
        other
            .batch_execute(
                "BEGIN; INSERT INTO orders VALUES (3); SAVEPOINT a; TRUNCATE orders; ROLLBACK TO a; ROLLBACK",
            )
            .await
            .unwrap();
    }
    database.client.batch_execute(postgres::REMOVE).await.unwrap();
    assert_eq!(other.execute("INSERT INTO orders VALUES (4)", &[]).await.unwrap(), 1);
}

/// A role that may write to a table and nothing else, with a search_path that hides everything.
#[tokio::test]
async fn writers_need_no_rights() {
    let Some(database) = database("rights").await else { return };
    database.orders().await;
    let role = format!("spanbridge_writer_{}", std::process::id());
    let sql = format!(
        "DROP ROLE IF EXISTS {role}; CREATE ROLE {role}; GRANT INSERT, UPDATE (status), SELECT (id) ON orders TO {role};
         CREATE SCHEMA trap; GRANT USAGE ON SCHEMA trap TO PUBLIC;
         CREATE FUNCTION trap.to_jsonb(anyelement) RETURNS jsonb LANGUAGE plpgsql AS $$ BEGIN RAISE 'caught'; END $$;
         CREATE TABLE trap.pg_class (oid int)"
    );
    database.client.batch_execute(&sql).await.unwrap();
    let writer = database.connect().await;
    writer.batch_execute(&format!("SET ROLE {role}; SET search_path = trap, public, pg_catalog")).await.unwrap();
    assert_eq!(writer.execute("INSERT INTO orders VALUES (1, 'new')", &[]).await.unwrap(), 1);
    assert_eq!(writer.execute("UPDATE orders SET status = 'paid' WHERE id = 1", &[]).await.unwrap(), 1);
    let read = writer.query("SELECT * FROM spanbridge.mutations", &[]).await.unwrap_err();
    assert_eq!(read.code().unwrap().code(), "42501");
    assert_eq!(database.kept().await, ["insert public.orders", "update public.orders"]);
    // Row security of the table, and statements of a replica.
    let sql = format!(
        "ALTER TABLE orders ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON orders TO {role} USING (id < 5);
         INSERT INTO orders VALUES (9)"
    );
    database.client.batch_execute(&sql).await.unwrap();
    assert_eq!(writer.execute("UPDATE orders SET status = 'all'", &[]).await.unwrap(), 1);
    writer
        .batch_execute("RESET ROLE; SET session_replication_role = replica; DELETE FROM public.orders")
        .await
        .unwrap();
    assert_eq!(database.kept().await[2..], ["insert public.orders", "update public.orders"]);
    let gone = format!("DROP OWNED BY {role}; DROP ROLE {role}");
    database.client.batch_execute(&gone).await.unwrap();
}

/// The cancellation of a statement is the user's, also if it comes while the trigger runs.
#[tokio::test]
async fn strict_isolation_is_not_disturbed() {
    let Some(database) = database("serializable").await else { return };
    database.orders().await;
    database.client.batch_execute("INSERT INTO orders SELECT generate_series(1, 20)").await.unwrap();
    let (mut a, mut b) = (database.connect().await, database.connect().await);
    for round in 1..=10 {
        let start = |client| async {
            tokio_postgres::Client::build_transaction(client)
                .isolation_level(tokio_postgres::IsolationLevel::Serializable)
                .start()
                .await
        };
        let (ta, tb) = (start(&mut a).await.unwrap(), start(&mut b).await.unwrap());
        ta.execute("UPDATE orders SET status = 'a' WHERE id = $1", &[&round]).await.unwrap();
        tb.execute("UPDATE orders SET status = 'b' WHERE id = $1", &[&(round + 10)]).await.unwrap();
        tb.commit().await.unwrap();
        ta.commit().await.unwrap();
    }
    assert_eq!(database.waiting().await, 40);
}

/// What nobody takes: of one statement the first, of all the newest.
#[tokio::test]
async fn the_table_is_bounded() {
    let Some(database) = database("bounded").await else { return };
    database.orders().await;
    let sql = "SELECT spanbridge.watch('orders', max_rows => 100);
               INSERT INTO orders SELECT generate_series(1, 1000);
               UPDATE spanbridge.installation SET keep = 500;
               SELECT spanbridge.watch('orders');";
    database.client.batch_execute(sql).await.unwrap();
    assert_eq!(database.waiting().await, 101);
    for _ in 0..20 {
        database.client.batch_execute("UPDATE orders SET status = coalesce(status, '') || 'x'").await.unwrap();
        assert!(database.waiting().await < 2_600);
    }
    let db = database.connect().await.observed(StatePolicy::values());
    let recorded = record(|| observe::span("read").run(|| db.take_changes())).await;
    let kept = mutations(&recorded).len() as u64;
    let said = diagnostics(&recorded);
    let lost: u64 = said.iter().map(|line| line.split(' ').nth(1).unwrap().parse::<u64>().unwrap()).sum();
    assert_eq!(kept + lost, 1000 + 20 * 1000, "{said:?}");
    assert!(kept < 2_600, "{kept}");
}

/// `random()` after `setseed` is what it is without us, and anybody may have written any count.
#[tokio::test]
async fn random_numbers_are_left_alone() {
    let Some(database) = database("random").await else { return };
    database.orders().await;
    let numbers = "SELECT setseed(0.5)::text, random()";
    let expected: f64 = database.client.query_one(numbers, &[]).await.unwrap().get(1);
    let sql = "SELECT setseed(0.5); INSERT INTO orders SELECT generate_series(1, 10)";
    database.client.batch_execute(sql).await.unwrap();
    let random: f64 = database.client.query_one("SELECT random()", &[]).await.unwrap().get(0);
    assert_eq!(random, expected);
    let sql = "DELETE FROM spanbridge.mutations;
               INSERT INTO spanbridge.mutations (op, count) VALUES ('lost', 9223372036854775807), ('lost', 9223372036854775807), ('lost', -5);
               INSERT INTO orders VALUES (11);
               UPDATE spanbridge.installation SET keep = 1;
               SELECT spanbridge.forget_oldest()";
    database.client.batch_execute(sql).await.unwrap();
    assert_eq!(database.kept().await, ["insert public.orders", "lost 9223372036854775807"]);
}
