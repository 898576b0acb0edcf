//! What is recorded of rows.

use super::support::{database, mutations};
use spanbridge_db::{EMIT_CONTEXT, StatePolicy};

const ONE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const OTHER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4737-00f067aa0ba902b8-01 sb=r:000000000000000000000000000000ab";

/// What was rolled back, by a transaction or to a savepoint, is absent. Upserts, cascades, TRUNCATE and what changes no value are as
/// they were; what another database did is not here.
#[tokio::test]
async fn committed_changes_are_recorded() {
    let Some(db) = database("committed").await else { return };
    db.run(
        "CREATE TABLE orders (id int PRIMARY KEY, status text);
         CREATE TABLE lines (id int REFERENCES orders ON DELETE CASCADE, n int, PRIMARY KEY (n, id));
         INSERT INTO orders VALUES (0, 'before there was a slot');",
    )
    .await;
    assert!(db.follow().await.expect("followed").iter().all(|note| note.contains("max_slot_wal_keep_size")));
    for sql in [
        "BEGIN; INSERT INTO orders VALUES (1, 'new'); SAVEPOINT a; UPDATE orders SET status = 'lost'; ROLLBACK TO a;
         UPDATE orders SET status = 'paid' WHERE id = 1; INSERT INTO lines VALUES (1, 1), (1, 2); COMMIT",
        "BEGIN; DELETE FROM orders; ROLLBACK",
        "INSERT INTO orders VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET status = 'sent'",
        "UPDATE orders SET id = 7 WHERE id = 0",
        "DELETE FROM orders WHERE id = 1",
        "TRUNCATE orders, lines",
    ] {
        db.run(sql).await;
    }
    db.follow().await.expect("followed");
    let expected = [
        r#"insert public.orders {"id":1} ->{"id":1,"status":"new"} [id status]"#,
        r#"update public.orders {"id":1} ->{"status":"paid"} [status]"#,
        r#"insert public.lines {"n":1,"id":1} ->{"id":1,"n":1} [id n]"#,
        r#"insert public.lines {"n":2,"id":1} ->{"id":1,"n":2} [id n]"#,
        r#"update public.orders {"id":1} ->{"status":"sent"} [status]"#,
        r#"delete public.orders {"id":0} -> []"#,
        r#"insert public.orders {"id":7} ->{"id":7,"status":"before there was a slot"} [id status]"#,
        r#"delete public.orders {"id":1} -> []"#,
        r#"delete public.lines {"n":1,"id":1} -> []"#,
        r#"delete public.lines {"n":2,"id":1} -> []"#,
        "truncate public.orders {} -> []",
        "truncate public.lines {} -> []",
    ];
    assert_eq!(db.mutations(), expected);
    db.clean_up().await;
}

/// Full replica identity has the row before, and the key is the primary key all the same. An unchanged TOAST value is no change. Of
/// a table that nothing identifies, updates and deletes work as before, and new rows are seen. A partition is its table.
#[tokio::test]
async fn replica_identities_and_types() {
    let Some(db) = database("identities").await else { return };
    db.run(
        "CREATE DOMAIN positive AS int CHECK (value > 0);
         CREATE TABLE whole (b positive, a text, big text, PRIMARY KEY (b));
         ALTER TABLE whole ALTER big SET STORAGE external, REPLICA IDENTITY FULL;
         CREATE TABLE log (at int, what text);
         CREATE TABLE nothing (id int PRIMARY KEY, what text); ALTER TABLE nothing REPLICA IDENTITY NOTHING;
         CREATE TABLE part (id int PRIMARY KEY, f float8, raw bytea) PARTITION BY RANGE (id);
         CREATE TABLE part_a PARTITION OF part FOR VALUES FROM (0) TO (9);",
    )
    .await;
    let said = db.follow().await.expect("followed").join("\n");
    assert!(
        said.contains("only new rows of these tables are seen, and without a key: public.log, public.nothing;"),
        "{said}"
    );
    db.run("INSERT INTO whole VALUES (1, 'x', repeat('y', 9000))").await;
    db.run("UPDATE whole SET a = 'z'; UPDATE whole SET a = 'z'; DELETE FROM whole").await;
    db.run("INSERT INTO log VALUES (1, 'a'); UPDATE log SET at = 2; DELETE FROM log").await;
    db.run("INSERT INTO nothing VALUES (1, 'a'); UPDATE nothing SET what = 'b'; DELETE FROM nothing").await;
    db.run("INSERT INTO part VALUES (3, 'Infinity', '\\x00ff'); UPDATE part SET f = 1e3").await;
    db.follow().await.expect("followed");
    let cut = format!(r#"{{"cut":"{}","bytes":9000}}"#, "y".repeat(256));
    let expected = [
        format!(r#"insert public.whole {{"b":1}} ->{{"b":1,"a":"x","big":{cut}}} [b a big]"#),
        r#"update public.whole {"b":1} {"a":"x"}->{"a":"z"} [a]"#.to_owned(),
        format!(r#"delete public.whole {{"b":1}} {{"b":1,"a":"z","big":{cut}}}-> []"#),
        r#"insert public.log {} ->{"at":1,"what":"a"} [at what]"#.to_owned(),
        r#"insert public.nothing {"id":1} ->{"id":1,"what":"a"} [id what]"#.to_owned(),
        r#"insert public.part {"id":3} ->{"id":3,"f":"Infinity","raw":{"hex":"00ff"}} [id f raw]"#.to_owned(),
        r#"update public.part {"id":3} ->{"f":1000.0,"raw":{"hex":"00ff"}} [f raw]"#.to_owned(),
    ];
    assert_eq!(db.mutations(), expected);
    db.clean_up().await;
}

/// Two services write one row, each in a transaction of its own that a message names; a third says nothing. The same connection
/// is an unknown writer in its next transaction.
#[tokio::test]
async fn writers_are_known_by_their_message() {
    let Some(mut db) = database("writers").await else { return };
    db.run("CREATE TABLE orders (id int PRIMARY KEY, status text, note text)").await;
    db.follow().await.expect("followed");
    for (context, sql) in [
        (Some(ONE), "INSERT INTO orders VALUES (1, 'new')"),
        (Some(OTHER), "UPDATE orders SET note = 'checked'"),
        (None, "UPDATE orders SET status = 'edited'"),
        (Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b9-00"), "DELETE FROM orders"),
    ] {
        let transaction = db.client.transaction().await.expect("begun");
        if let Some(context) = context {
            transaction.execute(EMIT_CONTEXT, &[&context]).await.expect("emitted");
        }
        transaction.batch_execute(sql).await.expect("run");
        transaction.commit().await.expect("committed");
    }
    db.follow().await.expect("followed");
    let writers: Vec<String> =
        db.mutations().iter().map(|line| line.split_once("] ").map_or("unknown", |(_, by)| by).to_owned()).collect();
    assert!(db.mutations()[0].ends_with(" by 00f067aa0ba902b7"));
    let expected: Vec<String> =
        db.mutations().iter().filter_map(|line| line.rsplit_once(" by ")).map(|(_, by)| by.to_owned()).collect();
    assert_eq!(expected, ["00f067aa0ba902b7", "00f067aa0ba902b8"], "{writers:?}");
    let runs: Vec<_> = super::support::records(db.store.path()).iter().filter_map(|record| record.run_id).collect();
    assert!(runs.iter().any(|run| run.to_string() == "000000000000000000000000000000ab"), "{runs:?}");
    db.clean_up().await;
}

/// What the policy leaves out is in no file of the store.
#[tokio::test]
async fn policy_holds_before_anything_is_stored() {
    let Some(mut db) = database("policy").await else { return };
    db.run("CREATE TABLE orders (id int PRIMARY KEY, card text, status text); CREATE TABLE other (id int PRIMARY KEY, v text)").await;
    db.options.policy = StatePolicy::values().tables(["orders"]).redact_column("orders", "card");
    db.follow().await.expect("followed");
    db.run("INSERT INTO orders VALUES (1, 'secret4111', 'new'); INSERT INTO other VALUES (1, 'secret4111')").await;
    db.follow().await.expect("followed");
    db.options.policy = StatePolicy::keys();
    db.run("UPDATE orders SET card = 'secret4111'").await;
    db.follow().await.expect("followed");
    let expected = [
        r#"insert public.orders {"id":1} ->{"id":1,"status":"new"} [id card status]"#,
        r#"update public.orders {"id":1} ->{} [card status]"#,
    ];
    assert_eq!(mutations(db.store.path()), expected);
    for file in std::fs::read_dir(db.store.path()).expect("listed") {
        let bytes = std::fs::read(file.expect("a file").path()).expect("read");
        assert!(!bytes.windows(10).any(|part| part == b"secret4111"));
    }
    db.clean_up().await;
}

/// A transaction of any size is stored a part at a time, also if it has more changes than a round takes.
#[tokio::test]
async fn large_transactions_are_read_whole() {
    let Some(mut db) = database("large").await else { return };
    db.run("CREATE TABLE orders (id int PRIMARY KEY, status text)").await;
    db.options.changes_per_round = 100;
    db.options.policy = StatePolicy::keys();
    db.follow().await.expect("followed");
    db.run("INSERT INTO orders SELECT n, 'new' FROM generate_series(1, 10000) n; UPDATE orders SET status = 'paid' WHERE id <= 50").await;
    for id in 1..=250 {
        db.run(&format!("DELETE FROM orders WHERE id = {id}")).await;
    }
    db.follow().await.expect("followed");
    let all = db.mutations();
    assert_eq!(all.len(), 10_300);
    assert!(all[9_999].starts_with(r#"insert public.orders {"id":10000}"#), "{}", all[9_999]);
    assert!(all[10_299].starts_with(r#"delete public.orders {"id":250}"#), "{}", all[10_299]);
    db.clean_up().await;
}
