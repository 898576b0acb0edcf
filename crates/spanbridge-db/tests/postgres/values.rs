//! What is recorded of rows: keys, values, changes of the table, cascades, upserts, truncation.

use crate::support::{database, mutations, record};
use spanbridge_db::StatePolicy;
use spanbridge_db::tokio_postgres::ClientExt;

/// The mutations of some statements, each on its own, without the writer.
async fn written(test: &str, policy: StatePolicy, tables: &[(&str, &str)], sql: &[&str]) -> Option<Vec<String>> {
    let database = database(test).await?;
    for (name, definition) in tables {
        database.table(&policy, name, definition).await
    }
    let db = database.connect().await.observed(policy);
    let recorded = record(|| async {
        for sql in sql {
            db.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"))
        }
    })
    .await;
    let shown = mutations(&recorded);
    let said = crate::support::diagnostics(&recorded);
    assert!(said.is_empty(), "{said:?}");
    Some(shown.iter().map(|line| line.split_once(" by ").map_or(line.as_str(), |(line, _)| line).to_owned()).collect())
}

const ORDERS: (&str, &str) = ("orders", "id int PRIMARY KEY, status text");

#[tokio::test]
async fn upserts_are_inserts_or_updates() {
    let sql = [
        "INSERT INTO orders VALUES (1, 'new')",
        "INSERT INTO orders VALUES (1, 'again'), (2, 'new') ON CONFLICT (id) DO UPDATE SET status = excluded.status",
        "INSERT INTO orders VALUES (1, 'ignored') ON CONFLICT DO NOTHING",
        "MERGE INTO orders USING (VALUES (1, 'merged'), (3, 'new')) AS v (id, status) ON orders.id = v.id \
         WHEN MATCHED THEN UPDATE SET status = v.status WHEN NOT MATCHED THEN INSERT VALUES (v.id, v.status)",
        "UPDATE orders SET status = status",
    ];
    let Some(shown) = written("upserts", StatePolicy::values(), &[ORDERS], &sql).await else { return };
    let mut expected = [
        r#"insert public.orders {"id":1}: - -> {"id":1,"status":"new"} [id,status]"#,
        r#"update public.orders {"id":1}: {"status":"new"} -> {"status":"again"} [status]"#,
        r#"insert public.orders {"id":2}: - -> {"id":2,"status":"new"} [id,status]"#,
        r#"update public.orders {"id":1}: {"status":"again"} -> {"status":"merged"} [status]"#,
        r#"insert public.orders {"id":3}: - -> {"id":3,"status":"new"} [id,status]"#,
    ];
    // The server fires the triggers of one statement in an order of its own.
    let mut shown = shown;
    shown.sort();
    expected.sort();
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn cascades_and_truncates_are_seen() {
    let items = (
        "items",
        "\"order\" int REFERENCES orders ON DELETE CASCADE ON UPDATE CASCADE, line text, PRIMARY KEY (line, \"order\")",
    );
    let sql = [
        "INSERT INTO orders VALUES (1, 'new')",
        "INSERT INTO items VALUES (1, 'a')",
        "UPDATE orders SET id = 7",
        "DELETE FROM orders",
        "INSERT INTO orders VALUES (2)",
        "TRUNCATE orders CASCADE",
    ];
    let Some(shown) = written("cascades", StatePolicy::values(), &[ORDERS, items], &sql).await else { return };
    assert_eq!(
        shown,
        [
            r#"insert public.orders {"id":1}: - -> {"id":1,"status":"new"} [id,status]"#,
            r#"insert public.items {"line":"a","order":1}: - -> {"order":1,"line":"a"} [order,line]"#,
            r#"delete public.orders {"id":1}: {"id":1,"status":"new"} -> - []"#,
            r#"insert public.orders {"id":7}: - -> {"id":7,"status":"new"} [id,status]"#,
            r#"delete public.items {"line":"a","order":1}: {"order":1,"line":"a"} -> - []"#,
            r#"insert public.items {"line":"a","order":7}: - -> {"order":7,"line":"a"} [order,line]"#,
            r#"delete public.orders {"id":7}: {"id":7,"status":"new"} -> - []"#,
            r#"delete public.items {"line":"a","order":7}: {"order":7,"line":"a"} -> - []"#,
            r#"insert public.orders {"id":2}: - -> {"id":2,"status":null} [id,status]"#,
            r#"truncate public.orders {}: - -> - []"#,
            r#"truncate public.items {}: - -> - []"#,
        ]
    );
}

#[tokio::test]
async fn columns_may_come_and_be_renamed() {
    let sql = [
        "INSERT INTO orders VALUES (1, 'new')",
        "ALTER TABLE orders ADD COLUMN total int",
        "UPDATE orders SET total = 3",
        "ALTER TABLE orders RENAME COLUMN status TO state",
        "ALTER TABLE orders RENAME COLUMN id TO number",
        "UPDATE orders SET state = 'paid'",
        "ALTER TABLE orders DROP COLUMN total",
        "DELETE FROM orders",
        "ALTER TABLE orders RENAME TO jobs",
        "INSERT INTO jobs VALUES (2)",
    ];
    let Some(shown) = written("columns", StatePolicy::values(), &[ORDERS], &sql).await else { return };
    assert_eq!(
        shown[1..],
        [
            r#"update public.orders {"id":1}: {"total":null} -> {"total":3} [total]"#,
            r#"update public.orders {"number":1}: {"state":"new"} -> {"state":"paid"} [state]"#,
            r#"delete public.orders {"number":1}: {"number":1,"state":"paid"} -> - []"#,
            r#"insert public.jobs {"number":2}: - -> {"number":2,"state":null} [number,state]"#,
        ]
    );
}

/// Without a primary key it is the replica identity, else the whole row.
#[tokio::test]
async fn rows_without_a_key_are_their_own() {
    let tables = [("bare", "a int, b text"), ("known", "a int NOT NULL UNIQUE, b text")];
    let sql = [
        "INSERT INTO bare VALUES (1, 'x')",
        "UPDATE bare SET b = 'y'",
        "ALTER TABLE known REPLICA IDENTITY USING INDEX known_a_key",
        "INSERT INTO known VALUES (1, 'x')",
        "UPDATE known SET b = 'y'",
    ];
    let Some(shown) = written("keyless", StatePolicy::values(), &tables, &sql).await else { return };
    assert_eq!(
        shown,
        [
            r#"insert public.bare {"a":1,"b":"x"}: - -> {"a":1,"b":"x"} [a,b]"#,
            r#"update public.bare {"a":1,"b":"x"}: {"b":"x"} -> {"b":"y"} [b]"#,
            r#"insert public.known {"a":1}: - -> {"a":1,"b":"x"} [a,b]"#,
            r#"update public.known {"a":1}: {"b":"x"} -> {"b":"y"} [b]"#,
        ]
    );
}

#[tokio::test]
async fn values_have_their_forms() {
    let table = (
        "\"Odd names\"",
        "\"Id\" bigint PRIMARY KEY, \"it's \"\"x\"\"\" text, f float8, n numeric, b bytea, t timestamptz, j jsonb, \
         a int[], d boolean, g bigint GENERATED ALWAYS AS (\"Id\" * 2) STORED",
    );
    let sql = [
        "INSERT INTO \"Odd names\" VALUES (9007199254740993, repeat('é', 300), 'NaN', 1.50, decode(repeat('ff', 100), 'hex'), \
         '2026-11-30 12:00:00.5+00', '{\"a\": [1]}', '{1,2}', true)",
    ];
    let Some(shown) = written("forms", StatePolicy::values().max_bytes(9), &[table], &sql).await else { return };
    let expected = format!(
        concat!(
            r#"insert public.Odd names {{"Id":9007199254740993}}: - -> {{"Id":9007199254740993,"#,
            r#""it's \"x\"":{{"cut":"éééé","bytes":600}},"f":"NaN","n":"1.50","b":{{"hex":"{}","bytes":100}},"#,
            r#""t":{{"cut":"2026-11-3","bytes":24}},"j":{{"cut":"{{\"a\": [1]","bytes":10}},"a":"[1, 2]","d":true,"#,
            r#""g":18014398509481986}} [Id,it's "x",f,n,b,t,j,a,d,g]"#
        ),
        "ff".repeat(64)
    );
    assert_eq!(shown, [expected]);
}

/// By the trigger, so the value is stored nowhere; in any case of letters.
#[tokio::test]
async fn redacted_columns_are_never_stored() {
    let policy = StatePolicy::values().redact_column("orders", "CARD");
    let Some(database) = database("redacted").await else { return };
    database.table(&policy, "orders", "id int PRIMARY KEY, card text, status text").await;
    database
        .client
        .batch_execute("INSERT INTO orders VALUES (1, '4111'); UPDATE orders SET card = '4222'")
        .await
        .unwrap();
    let stored = "SELECT count(*) FROM spanbridge.mutations m WHERE m::text ~ '4111|4222'";
    assert_eq!(database.client.query_one(stored, &[]).await.unwrap().get::<_, i64>(0), 0);
    let db = database.connect().await.observed(policy);
    let recorded = record(|| db.take_changes()).await;
    let shown = mutations(&recorded);
    assert_eq!(
        shown,
        [
            r#"insert public.orders {"id":1}: - -> {"id":1,"status":null} [id,card,status] by nobody known"#,
            r#"update public.orders {"id":1}: {} -> {} [card] by nobody known"#,
        ]
    );
}

/// The hook is called when changes are read, and fails closed.
#[tokio::test]
async fn hook_sees_what_is_read() {
    let Some(database) = database("hook").await else { return };
    database.orders().await;
    database.client.batch_execute("INSERT INTO orders VALUES (1, repeat('x', 300), 2, '4111')").await.unwrap();
    let policy = StatePolicy::values().redact(|value| match value.column() {
        "card" => Err("no"),
        "total" => {
            value.replace("some");
            Ok(())
        }
        _ => Ok(()),
    });
    let db = database.connect().await.observed(policy);
    let recorded = record(|| spanbridge::observe::span("read").run(|| db.take_changes())).await;
    let shown = mutations(&recorded);
    let cut = format!(r#"{{"cut":"{}","bytes":300}}"#, "x".repeat(256));
    let expected = format!(
        r#"insert public.orders {{"id":1}}: - -> {{"id":1,"status":{cut},"total":"some"}} [id,status,total,card] by nobody known"#
    );
    assert_eq!(shown, [expected]);
    let said = crate::support::diagnostics(&recorded);
    assert!(said.len() == 1 && said[0].starts_with("redaction.failed: "), "{said:?}");
}

#[tokio::test]
async fn keys_policy_stores_no_values() {
    let sql = ["INSERT INTO orders VALUES (1, 'secret')", "UPDATE orders SET status = 'paid'", "DELETE FROM orders"];
    let Some(shown) = written("keys", StatePolicy::keys(), &[ORDERS], &sql).await else { return };
    assert_eq!(
        shown,
        [
            r#"insert public.orders {"id":1}: - -> {} [id,status]"#,
            r#"update public.orders {"id":1}: {} -> {} [status]"#,
            r#"delete public.orders {"id":1}: {} -> - []"#,
        ]
    );
}

/// By the table that is partitioned, and by a partition; a row that moves has another key.
#[tokio::test]
async fn partitions_are_their_table() {
    let Some(database) = database("partitions").await else { return };
    let sql = "CREATE TABLE events (id int, kind text, PRIMARY KEY (id, kind)) PARTITION BY LIST (kind);
               CREATE TABLE events_a PARTITION OF events FOR VALUES IN ('a');
               CREATE TABLE events_b PARTITION OF events FOR VALUES IN ('b');
               SELECT spanbridge.watch('events');
               INSERT INTO events VALUES (1, 'a'), (2, 'b');
               UPDATE events SET kind = 'b' WHERE id = 1;
               DELETE FROM events_b WHERE id = 2;
               TRUNCATE events_b";
    database.client.batch_execute(sql).await.unwrap();
    let db = database.connect().await.observed(StatePolicy::values());
    let recorded = record(|| db.take_changes()).await;
    let shown = mutations(&recorded);
    let shown: Vec<_> = shown.iter().map(|line| line.split_once(" by ").unwrap().0).collect();
    assert_eq!(
        shown,
        [
            r#"insert public.events {"id":1,"kind":"a"}: - -> {"id":1,"kind":"a"} [id,kind]"#,
            r#"insert public.events {"id":2,"kind":"b"}: - -> {"id":2,"kind":"b"} [id,kind]"#,
            r#"delete public.events {"id":1,"kind":"a"}: {"id":1,"kind":"a"} -> - []"#,
            r#"insert public.events {"id":1,"kind":"b"}: - -> {"id":1,"kind":"b"} [id,kind]"#,
            r#"delete public.events {"id":2,"kind":"b"}: {"id":2,"kind":"b"} -> - []"#,
            // The table is not empty.
            r#"truncate public.events_b {}: - -> - []"#,
        ]
    );
}

/// The tables are those that are watched, whatever the policy of whoever takes.
#[tokio::test]
async fn every_watched_table_is_taken() {
    let Some(database) = database("all_tables").await else { return };
    database.orders().await;
    database.client.batch_execute("INSERT INTO orders VALUES (1, 'new', 2, '4111')").await.unwrap();
    let db = database.connect().await.observed(StatePolicy::values().tables(["customers"]));
    let recorded = record(|| db.take_changes()).await;
    assert_eq!(
        mutations(&recorded),
        [
            r#"insert public.orders {"id":1}: - -> {"id":1,"status":"new","total":"2","card":"4111"} [id,status,total,card] by nobody known"#
        ]
    );
    // One that records keys only says so, once.
    database
        .client
        .batch_execute("UPDATE orders SET status = 'paid'; UPDATE orders SET status = 'sent'")
        .await
        .unwrap();
    let db = database.connect().await.observed(StatePolicy::keys());
    let recorded = record(|| spanbridge::observe::span("read").run(|| db.take_changes())).await;
    assert_eq!(mutations(&recorded), [r#"update public.orders {"id":1}: {} -> {} [status] by nobody known"#; 2]);
    let said = crate::support::diagnostics(&recorded);
    assert!(said.len() == 1 && said[0].contains("values of public.orders"), "{said:?}");
}

/// Whoever takes: without a hook, nothing of what the hook is to see.
#[tokio::test]
async fn without_the_hook_nothing_is_shown() {
    let hides = || {
        StatePolicy::values().redact(|value| {
            if value.column() == "card" {
                value.replace("***")
            }
            Ok::<_, std::convert::Infallible>(())
        })
    };
    let Some(database) = database("lacks_hook").await else { return };
    database.table(&hides(), "orders", "id int PRIMARY KEY, card text").await;
    let insert = "INSERT INTO orders VALUES (1, '4111')";
    database.client.batch_execute(insert).await.unwrap();
    let db = database.connect().await.observed(StatePolicy::values());
    let recorded = record(|| spanbridge::observe::span("read").run(|| db.take_changes())).await;
    assert_eq!(mutations(&recorded), [r#"insert public.orders {}: - -> {} [id,card] by nobody known"#]);
    assert_eq!(
        crate::support::diagnostics(&recorded),
        ["redaction.failed: nothing of 3 values of public.orders was recorded: this process has no redaction hook"]
    );
    database.client.batch_execute("UPDATE orders SET card = '4222'").await.unwrap();
    let db = database.connect().await.observed(hides());
    let recorded = record(|| db.take_changes()).await;
    assert_eq!(mutations(&recorded), [r#"update public.orders {"id":1}: {} -> {} [card] by nobody known"#]);
}

/// A column that is left out stays so under another name. One that is not there is told.
#[tokio::test]
async fn renamed_columns_stay_redacted() {
    let Some(database) = database("renamed").await else { return };
    let policy = StatePolicy::values().redact_column("orders", "Card");
    database.table(&policy, "orders", "id int PRIMARY KEY, card text").await;
    let sql = "ALTER TABLE orders RENAME card TO pan; INSERT INTO orders VALUES (1, '4111')";
    database.client.batch_execute(sql).await.unwrap();
    let stored = "SELECT count(*) FROM spanbridge.mutations m WHERE m::text ~ '4111'";
    assert_eq!(database.client.query_one(stored, &[]).await.unwrap().get::<_, i64>(0), 0);
    assert_eq!(database.kept().await, ["insert public.orders"]);
}

/// A trigger of the application changes the row that a statement has changed, and is noted first. The statement was first.
#[tokio::test]
async fn statements_come_before_their_triggers() {
    let Some(database) = database("nested").await else { return };
    database.orders().await;
    let sql = "INSERT INTO orders VALUES (1, 'new', 0); DELETE FROM spanbridge.mutations;
               CREATE FUNCTION next() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                   UPDATE orders SET status = new.status || '!' WHERE id = new.id; RETURN NULL; END $$;
               CREATE TRIGGER next AFTER UPDATE OF status ON orders FOR EACH ROW WHEN (new.status NOT LIKE '%!') EXECUTE FUNCTION next();
               UPDATE orders SET status = 'paid', total = 1; UPDATE orders SET status = 'sent'";
    database.client.batch_execute(sql).await.unwrap();
    let db = database.connect().await.observed(StatePolicy::values());
    let recorded = record(|| db.take_changes()).await;
    let shown = mutations(&recorded);
    let shown: Vec<_> = shown.iter().map(|line| line.split_once(": ").unwrap().1.split_once(" [").unwrap().0).collect();
    assert_eq!(
        shown,
        [
            r#"{"status":"new","total":"0"} -> {"status":"paid","total":"1"}"#,
            r#"{"status":"paid"} -> {"status":"paid!"}"#,
            r#"{"status":"paid!"} -> {"status":"sent"}"#,
            r#"{"status":"sent"} -> {"status":"sent!"}"#,
        ]
    );
    let places: Vec<_> = recorded
        .records()
        .iter()
        .filter_map(|record| match &record.body {
            spanbridge::record::Body::Mutation(m) => Some((m.committed_at, m.position.clone())),
            _ => None,
        })
        .collect();
    let times: Vec<_> = places.iter().map(|(at, _)| *at).collect();
    assert!(times.is_sorted(), "{places:?}");
}
