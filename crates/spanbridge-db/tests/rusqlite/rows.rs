//! Which rows are recorded, and how.

use crate::support::{memory, record, rows, rows_of, said, spans};
use rusqlite::{Connection, DropBehavior};
use spanbridge::observe;
use spanbridge::record::Body;
use spanbridge_db::StatePolicy;
use spanbridge_db::rusqlite::ConnectionExt;

const ORDERS: &str = "CREATE TABLE orders (id INTEGER PRIMARY KEY, status TEXT, total REAL, note BLOB);
    INSERT INTO orders VALUES (1, 'new', 1.5, x'00ff');";

#[test]
fn insert_update_delete() {
    let rows = rows_of(|| {
        let db = memory(ORDERS);
        db.execute("INSERT INTO orders (id, status) VALUES (?1, ?2)", (2, "new")).unwrap();
        db.execute("UPDATE orders SET status = 'paid', total = 1.5 WHERE id = 1", ()).unwrap();
        db.execute("UPDATE orders SET status = status", ()).unwrap();
        db.execute("DELETE FROM orders", ()).unwrap();
    });
    assert_eq!(
        rows,
        [
            r#"insert orders {"id":2} - {"id":2,"status":"new","total":null,"note":null} id,status,total,note"#,
            r#"update orders {"id":1} {"status":"new"} {"status":"paid"} status"#,
            r#"delete orders {"id":1} {"id":1,"status":"paid","total":1.5,"note":{"hex":"00ff"}} -"#,
            r#"delete orders {"id":2} {"id":2,"status":"new","total":null,"note":null} -"#,
        ]
    );
}

/// Update, update in a savepoint that is rolled back, commit: one mutation.
#[test]
fn savepoints_leave_nothing() {
    let rows = rows_of(|| {
        let mut db = memory(ORDERS);
        let mut tx = db.transaction().unwrap();
        tx.execute("UPDATE orders SET status = 'paid'", ()).unwrap();
        {
            let mut savepoint = tx.savepoint().unwrap();
            savepoint.execute("UPDATE orders SET status = 'lost'", ()).unwrap();
            savepoint.rollback().unwrap();
            savepoint.execute("UPDATE orders SET status = 'lost again'", ()).unwrap();
        }
        tx.commit().unwrap();
    });
    assert_eq!(rows, [r#"update orders {"id":1} {"status":"new"} {"status":"paid"} status"#]);
}

#[test]
fn rollbacks_leave_nothing() {
    let records = record(|| {
        let mut db = memory(ORDERS);
        let tx = db.transaction().unwrap();
        tx.execute("UPDATE orders SET status = 'paid'", ()).unwrap();
        tx.rollback().unwrap();
        drop(db.transaction().unwrap());
        db.execute_batch("BEGIN; DELETE FROM orders; ROLLBACK").unwrap();
        db.execute("INSERT OR ROLLBACK INTO orders (id) VALUES (3), (1)", ()).unwrap_err();
        db.execute("INSERT INTO orders (id) VALUES (4), (1)", ()).unwrap_err();
    });
    assert_eq!(rows(&records), [""; 0]);
}

/// `OR FAIL` leaves the rows before the one that failed.
#[test]
fn rows_before_a_failure() {
    let rows = rows_of(|| {
        let db = memory(ORDERS);
        db.execute("INSERT OR FAIL INTO orders (id) VALUES (3), (1), (5)", ()).unwrap_err();
        assert_eq!(db.query_row("SELECT count(*) FROM orders", (), |row| row.get(0)), Ok(2));
    });
    assert_eq!(rows.len(), 1);
    assert!(rows[0].starts_with(r#"insert orders {"id":3} "#), "{rows:?}");
}

/// What commits when it is dropped is recorded, and so is what a text commits.
#[test]
fn every_way_to_commit() {
    let rows = rows_of(|| {
        let mut db = memory(ORDERS);
        let mut tx = db.transaction().unwrap();
        tx.set_drop_behavior(DropBehavior::Commit);
        tx.execute("UPDATE orders SET status = 'a'", ()).unwrap();
        drop(tx);
        let mut savepoint = db.savepoint().unwrap();
        savepoint.savepoint_with_name("inner \"name").unwrap().execute("UPDATE orders SET total = 9", ()).unwrap();
        savepoint.execute("UPDATE orders SET status = 'b'", ()).unwrap();
        savepoint.commit().unwrap();
        db.execute_batch("BEGIN; UPDATE orders SET status = 'c'; END").unwrap();
        // By the connection itself: with the next statement.
        (*db).execute("UPDATE orders SET status = 'd'", ()).unwrap();
        db.query_row("SELECT 1", (), |_| Ok(())).unwrap();
    });
    let after: Vec<_> = rows.iter().filter_map(|row| row.split('"').nth(9)).collect();
    assert_eq!(after, ["a", "b", "c", "d"], "{rows:?}");
}

/// A commit that fails has committed nothing: neither what a foreign key holds up, nor what another connection does.
#[test]
fn a_failed_commit_is_not_done() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shop.db");
    let other = Connection::open(&file).unwrap();
    other.execute_batch(ORDERS).unwrap();
    other.execute_batch("CREATE TABLE items (o INTEGER REFERENCES orders DEFERRABLE INITIALLY DEFERRED)").unwrap();
    let records = record(|| {
        let mut db = Connection::open(&file).unwrap().observed(StatePolicy::values());
        db.busy_timeout(std::time::Duration::ZERO).unwrap();
        db.execute_batch("PRAGMA foreign_keys = ON").unwrap();
        let tx = db.transaction().unwrap();
        tx.execute("INSERT INTO items VALUES (77)", ()).unwrap();
        tx.commit().unwrap_err();
        // A reader keeps the writer from committing.
        other.execute_batch("BEGIN; SELECT * FROM orders").unwrap();
        let mut reading = other.prepare("SELECT * FROM orders").unwrap();
        let mut read = reading.query(()).unwrap();
        read.next().unwrap();
        db.execute("UPDATE orders SET status = 'lost'", ()).unwrap_err();
        db.execute_batch("BEGIN IMMEDIATE; UPDATE orders SET status = 'paid'").unwrap();
        db.execute_batch("COMMIT").unwrap_err();
        assert!(!db.is_autocommit());
        drop(read);
        drop(reading);
        other.execute_batch("COMMIT").unwrap();
        db.execute_batch("COMMIT").unwrap();
    });
    assert_eq!(rows(&records), [r#"update orders {"id":1} {"status":"new"} {"status":"paid"} status"#]);
}

/// The old row of a replacement is shown as deleted, whichever column was taken, and only if it was.
#[test]
fn replaced_rows() {
    let table = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT UNIQUE COLLATE NOCASE, b INT, c INT, UNIQUE (b, c));
        INSERT INTO t VALUES (1, 'one', 1, 1), (2, 'two', 2, 2), (3, 'three', 3, 3);";
    let rows = rows_of(|| {
        let db = memory(table);
        db.execute("INSERT OR REPLACE INTO t VALUES (9, 'ONE', 2, 2)", ()).unwrap(); // takes two rows
        db.execute("INSERT OR IGNORE INTO t VALUES (3, 'x', 7, 7)", ()).unwrap(); // takes none
        db.execute("REPLACE INTO t VALUES (9, 'nine', 9, 9)", ()).unwrap(); // its own place
        db.execute("INSERT INTO t VALUES (3, 'x', 7, 7) ON CONFLICT (id) DO UPDATE SET c = 33", ()).unwrap();
        db.execute("UPDATE OR REPLACE t SET a = 'Three' WHERE id = 9", ()).unwrap();
        db.execute("INSERT INTO t VALUES (3, 'new', 1, 1)", ()).unwrap();
    });
    // In which order the two go is SQLite's affair.
    let mut rows = rows;
    rows[..2].sort();
    let short: Vec<_> = rows.iter().map(|row| row.split(" {").take(2).collect::<Vec<_>>().join(" {")).collect();
    assert_eq!(
        short,
        [
            r#"delete t {"id":1}"#,
            r#"delete t {"id":2}"#,
            r#"insert t {"id":9} -"#,
            r#"delete t {"id":9}"#,
            r#"insert t {"id":9} -"#,
            r#"update t {"id":3}"#,
            r#"delete t {"id":3}"#,
            r#"update t {"id":9}"#,
            r#"insert t {"id":3} -"#,
        ],
        "{rows:#?}"
    );
    assert!(rows[0].contains(r#""a":"one""#) && rows[6].contains(r#""c":33"#), "{rows:#?}");
}

#[test]
fn cascades_and_triggers() {
    let rows = rows_of(|| {
        let db = memory(
            "CREATE TABLE orders (id INTEGER PRIMARY KEY);
            CREATE TABLE items (n INTEGER PRIMARY KEY, o INT REFERENCES orders ON DELETE CASCADE ON UPDATE CASCADE);
            CREATE TABLE log (what TEXT);
            CREATE TRIGGER told AFTER DELETE ON orders BEGIN INSERT INTO log VALUES ('gone ' || OLD.id); END;
            INSERT INTO orders VALUES (1), (2); INSERT INTO items VALUES (10, 1), (20, 2);
            PRAGMA foreign_keys = ON",
        );
        db.execute("UPDATE orders SET id = 3 WHERE id = 2", ()).unwrap();
        db.execute("DELETE FROM orders WHERE id = 1", ()).unwrap();
    });
    assert_eq!(
        rows,
        [
            r#"update items {"n":20} {"o":2} {"o":3} o"#,
            r#"delete orders {"id":2} {"id":2} -"#,
            r#"insert orders {"id":3} - {"id":3} id"#,
            r#"delete items {"n":10} {"n":10,"o":1} -"#,
            r#"delete orders {"id":1} {"id":1} -"#,
            r#"insert log {"rowid":1} - {"what":"gone 1"} what"#,
        ]
    );
}

/// Tables of every sort: keys of several columns, no row id, no key, generated columns, names in need of quotes.
#[test]
fn every_sort_of_table() {
    let wide: Vec<_> = (0..250).map(|n| format!("c{n} INT DEFAULT {n}")).collect();
    let rows = rows_of(|| {
        let db = memory(&format!(
            r#"CREATE TABLE pairs (b TEXT, a INT, v, PRIMARY KEY (a, b)) WITHOUT ROWID;
            CREATE TABLE "or""der's" ("the key" TEXT PRIMARY KEY, "select" ANY) STRICT;
            CREATE TABLE keyless (rowid TEXT, x REAL);
            CREATE TABLE made (id INTEGER PRIMARY KEY, n INT, twice INT AS (n * 2), kept INT AS (n + 1) STORED UNIQUE);
            CREATE VIEW shown AS SELECT a FROM pairs;
            CREATE TRIGGER into_shown INSTEAD OF INSERT ON shown BEGIN INSERT INTO pairs VALUES ('view', NEW.a, 0); END;
            CREATE TABLE wide (id INTEGER PRIMARY KEY, {});"#,
            wide.join(", ")
        ));
        db.execute("INSERT INTO pairs VALUES ('k', 1, 2.5)", ()).unwrap();
        db.execute("UPDATE pairs SET v = 9223372036854775807", ()).unwrap();
        db.execute("REPLACE INTO pairs VALUES ('k', 1, NULL)", ()).unwrap();
        db.execute("INSERT INTO shown VALUES (5)", ()).unwrap();
        db.execute(r#"INSERT INTO "or""der's" VALUES ('it''s', x'01')"#, ()).unwrap();
        db.execute(r#"UPDATE "or""der's" SET "select" = 1"#, ()).unwrap();
        db.execute("INSERT INTO keyless VALUES ('r', 9e999)", ()).unwrap();
        db.execute("UPDATE keyless SET x = 1e300", ()).unwrap();
        db.execute("INSERT INTO made (n) VALUES (4)", ()).unwrap();
        db.execute("REPLACE INTO made (n) VALUES (4)", ()).unwrap();
        db.execute("INSERT INTO wide (c249) VALUES (7)", ()).unwrap();
        db.execute("UPDATE wide SET c0 = 1, c249 = 8", ()).unwrap();
        db.execute("REPLACE INTO wide (id) VALUES (1)", ()).unwrap();
    });
    let (wide, rows): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| row.contains(" wide "));
    assert_eq!(
        rows,
        [
            r#"insert pairs {"a":1,"b":"k"} - {"b":"k","a":1,"v":2.5} b,a,v"#,
            r#"update pairs {"a":1,"b":"k"} {"v":2.5} {"v":9223372036854775807} v"#,
            r#"delete pairs {"a":1,"b":"k"} {"b":"k","a":1,"v":9223372036854775807} -"#,
            r#"insert pairs {"a":1,"b":"k"} - {"b":"k","a":1,"v":null} b,a,v"#,
            r#"insert pairs {"a":5,"b":"view"} - {"b":"view","a":5,"v":0} b,a,v"#,
            r#"insert or"der's {"the key":"it's"} - {"the key":"it's","select":{"hex":"01"}} the key,select"#,
            r#"update or"der's {"the key":"it's"} {"select":{"hex":"01"}} {"select":1} select"#,
            r#"insert keyless {"rowid":1} - {"rowid":"r","x":"inf"} rowid,x"#,
            r#"update keyless {"rowid":1} {"x":"inf"} {"x":1e300} x"#,
            r#"insert made {"id":1} - {"id":1,"n":4,"twice":8,"kept":5} id,n,twice,kept"#,
            r#"delete made {"id":1} {"id":1,"n":4,"twice":8,"kept":5} -"#,
            r#"insert made {"id":2} - {"id":2,"n":4,"twice":8,"kept":5} id,n,twice,kept"#,
        ]
    );
    assert_eq!(wide.len(), 4, "{wide:#?}");
    assert!(wide[0].contains(r#""c0":0,"#) && wide[0].contains(r#""c249":7}"#), "{}", wide[0]);
    assert_eq!(wide[1], r#"update wide {"id":1} {"c0":0,"c249":7} {"c0":1,"c249":8} c0,c249"#);
    assert!(wide[2].starts_with("delete wide") && wide[2].contains(r#""c249":8}"#), "{}", wide[2]);
}

#[test]
fn attached_databases() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("stock.db");
    let records = record(|| {
        let db = memory("CREATE TABLE t (id INTEGER PRIMARY KEY)").named("shop");
        db.execute("ATTACH ?1 AS \"the stock\"", [file.to_str()]).unwrap();
        db.execute_batch("CREATE TABLE \"the stock\".t (id INTEGER PRIMARY KEY)").unwrap();
        db.execute_batch("INSERT INTO t VALUES (1); INSERT INTO \"the stock\".t VALUES (2)").unwrap();
        db.execute_batch("DETACH \"the stock\"").unwrap();
        db.execute("INSERT INTO t VALUES (3)", ()).unwrap();
    });
    let told: Vec<_> = records
        .iter()
        .filter_map(|record| match &record.body {
            Body::Mutation(m) => Some(format!("{} {}", m.database, m.key)),
            _ => None,
        })
        .collect();
    // Of a file, the path.
    let stock = format!(r#"{} {{"id":2}}"#, file.canonicalize().unwrap().display());
    assert_eq!(told, [r#"shop {"id":1}"#, &stock, r#"shop {"id":3}"#], "{:?}", said(&records));
}

/// A row belongs to the span of the statement that changed it, not to that which committed it. One that was written where
/// nothing is current belongs to nobody.
#[test]
fn rows_belong_to_their_spans() {
    let records = record(|| {
        let mut db = memory(ORDERS);
        observe::run("handler").in_scope(|| {
            let tx = db.transaction().unwrap();
            tx.execute("UPDATE orders SET status = 'paid'", ()).unwrap();
            tx.execute("DELETE FROM orders", ()).unwrap();
            tx.commit().unwrap();
        });
        (*db).execute("INSERT INTO orders (id) VALUES (5)", ()).unwrap();
        db.execute_batch("SELECT 1").unwrap();
    });
    let spans = spans(&records);
    let writers: Vec<_> = records
        .iter()
        .filter_map(|record| match &record.body {
            Body::Mutation(m) => Some((record.run_id.is_some(), m.span_id)),
            _ => None,
        })
        .map(|(has_run, id)| {
            let of = spans.iter().find(|span| id.is_some_and(|id| span["spanId"] == id.to_string()));
            (has_run, of.map_or("nobody", |span| span["name"].as_str().unwrap()).to_owned())
        })
        .collect();
    let expected = [(true, "UPDATE orders"), (true, "DELETE orders"), (false, "nobody")];
    assert_eq!(writers, expected.map(|(has_run, name)| (has_run, name.to_owned())));
}

#[test]
fn policies() {
    let of = |policy: StatePolicy| {
        let records = record(|| {
            let db = Connection::open_in_memory().unwrap();
            db.execute_batch("CREATE TABLE a (id INTEGER PRIMARY KEY, x TEXT); CREATE TABLE b (y)").unwrap();
            let db = db.observed(policy);
            db.execute("INSERT INTO a VALUES (1, 'secret text')", ()).unwrap();
            db.execute("UPDATE a SET x = 'other'", ()).unwrap();
            db.execute("INSERT INTO b VALUES (1)", ()).unwrap();
        });
        (rows(&records), said(&records))
    };
    assert_eq!(of(StatePolicy::off()), (vec![], vec![]));
    assert_eq!(
        of(StatePolicy::keys().tables(["a"])).0,
        [r#"insert a {"id":1} - {} id,x"#, r#"update a {"id":1} {} {} x"#]
    );
    let cut = of(StatePolicy::values().tables(["A"]).max_bytes(6)).0;
    assert!(cut[0].contains(r#""x":{"cut":"secret","bytes":11}"#), "{cut:?}");
    let left_out = of(StatePolicy::values().tables(["a"]).redact_column("a", "x")).0;
    assert_eq!(left_out, [r#"insert a {"id":1} - {"id":1} id,x"#, r#"update a {"id":1} {} {} x"#]);
    // The same on both sides would say that nothing changed.
    let hides = StatePolicy::values().tables(["a"]).redact(|value| {
        if value.column() == "x" {
            value.replace("***")
        }
        Ok::<_, std::convert::Infallible>(())
    });
    assert_eq!(of(hides).0, [r#"insert a {"id":1} - {"id":1,"x":"***"} id,x"#, r#"update a {"id":1} {} {} x"#]);
    let (failed, said) = of(StatePolicy::values().tables(["a"]).redact(|value| match value.column() {
        "x" => Err("no"),
        _ => Ok(()),
    }));
    assert_eq!(failed, left_out);
    assert_eq!(said.len(), 2, "one for each statement: {said:?}");
    assert!(said[0].starts_with("redaction.failed: nothing of column x of a was recorded"), "{said:?}");
}

/// What exceeds the memory for one transaction is counted and said.
#[test]
fn a_transaction_beyond_all_bounds() {
    let records = record(|| {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch("CREATE TABLE t (x TEXT)").unwrap();
        let db = db.observed(StatePolicy::values().max_bytes(1 << 20));
        let text = "x".repeat(1 << 20);
        db.execute_batch("BEGIN").unwrap();
        let mut insert = db.prepare("INSERT INTO t VALUES (?1)").unwrap();
        (0..70).for_each(|_| assert_eq!(insert.execute([&text]), Ok(1)));
        drop(insert);
        db.execute_batch("COMMIT").unwrap();
    });
    let said = said(&records);
    let count = "7 rows of a transaction are not recorded";
    assert!(said.iter().any(|text| text.contains(count)), "{said:?}");
}
