//! Statements do what they do without us: results, errors, counters, hooks, the state of the transaction.

use crate::support::{memory, record, rows, rows_of};
use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags};
use spanbridge_db::StatePolicy;
use spanbridge_db::rusqlite::{ConnectionExt, SqliteConnection};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const TABLES: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT UNIQUE, n INT CHECK (n < 100));
    CREATE TABLE parts (t INT REFERENCES t ON DELETE CASCADE, x NOT NULL DEFAULT 7);
    CREATE TABLE log (id INTEGER PRIMARY KEY AUTOINCREMENT, what, changes, last);
    CREATE TRIGGER guard BEFORE INSERT ON t WHEN NEW.a = 'refused' BEGIN SELECT RAISE(ABORT, 'refused'); END;
    CREATE TRIGGER ignored BEFORE INSERT ON t WHEN NEW.a = 'ignored' BEGIN SELECT RAISE(IGNORE); END;
    CREATE TRIGGER told AFTER UPDATE ON t
        BEGIN INSERT INTO log (what, changes, last) VALUES (NEW.a, changes(), last_insert_rowid()); END;
    PRAGMA foreign_keys = ON; PRAGMA recursive_triggers = OFF;
    INSERT INTO t VALUES (1, 'one', 1), (2, 'two', 2); INSERT INTO parts (t) VALUES (1), (2);";

/// What can be seen of a connection.
fn seen(db: &Connection, total: u64) -> (u64, u64, i64, bool) {
    (db.changes(), total, db.last_insert_rowid(), db.is_autocommit())
}

/// The code of a foreign key's refusal. SQLite refuses a single row before it writes it, and with any trigger afterwards: then
/// `last_insert_rowid()` is the row's.
const FOREIGN_KEY: i32 = 787;

fn all(db: &Connection, sql: &str) -> Vec<Vec<Value>> {
    let mut statement = db.prepare(sql).unwrap();
    let columns = statement.column_count();
    let rows = statement.query_map((), |row| (0..columns).map(|index| row.get(index)).collect());
    rows.unwrap().collect::<Result<_, _>>().unwrap()
}

/// Runs statements on a bare connection and an observed one, and holds one against the other.
fn run_both(bare: &Connection, observed: &SqliteConnection, statements: &[&str]) {
    for sql in statements {
        let (expected, result) = (bare.execute(sql, ()), observed.execute(sql, ()));
        assert_eq!(result, expected, "{sql}");
        let (mut now, mut expected_now) = (seen(observed, observed.total_changes()), seen(bare, bare.total_changes()));
        if expected.is_err_and(|error| error.sqlite_extended_error_code() == Some(FOREIGN_KEY)) {
            (now.2, expected_now.2) = (0, 0)
        }
        assert_eq!(now, expected_now, "after {sql}");
    }
    for table in ["t", "parts", "log"] {
        let sql = format!("SELECT rowid, * FROM {table}");
        assert_eq!(all(observed, &sql), all(bare, &sql));
    }
}

#[test]
fn results_errors_and_counters() {
    let bare = Connection::open_in_memory().unwrap();
    bare.execute_batch(TABLES).unwrap();
    record(|| {
        let observed = memory(TABLES);
        let statements = [
            "INSERT INTO t VALUES (3, 'three', 3), (4, 'four', 4)",
            "UPDATE t SET n = n + 1 WHERE id > 2",
            "UPDATE t SET n = n",
            "DELETE FROM parts WHERE t = 9",
            "INSERT INTO t (a) VALUES ('refused')",
            "INSERT INTO t (a) VALUES ('ignored'), ('not ignored')",
            "INSERT INTO t VALUES (9, 'one', 1)",
            "INSERT INTO t VALUES (8, 'eight', 100)",
            "INSERT INTO t VALUES ('x', 'y', 1)",
            "INSERT INTO parts VALUES (77, 1)",
            "INSERT OR IGNORE INTO t VALUES (1, 'x', 1), (10, 'ten', 10)",
            "INSERT OR REPLACE INTO t VALUES (1, 'two', 1)",
            "INSERT INTO t VALUES (1, 'x', 1) ON CONFLICT (id) DO UPDATE SET n = 50",
            "INSERT INTO t VALUES (1, 'x', 1) ON CONFLICT DO NOTHING",
            "REPLACE INTO parts VALUES (1, NULL)",
            "UPDATE OR IGNORE t SET a = 'one'",
            "UPDATE OR REPLACE t SET a = 'one' WHERE id > 9",
            "INSERT INTO t SELECT id + 100, a || id, n FROM t",
            "BEGIN",
            "DELETE FROM t WHERE id = 10",
            "SAVEPOINT s",
            "DELETE FROM t",
            "ROLLBACK TO s",
            "CREATE TABLE more (x)",
            "INSERT INTO more VALUES (1)",
            "ALTER TABLE parts ADD COLUMN y",
            "UPDATE parts SET y = 1",
            "COMMIT",
            "ROLLBACK",
            "DROP TABLE more",
            "INSERT INTO log (what) VALUES ('last')",
            "DELETE FROM t",
            "nonsense",
        ];
        run_both(&bare, &observed, &statements);
        observed.execute("INSERT INTO t VALUES (5, 'five', 5)", ()).unwrap();
        // Nothing of ours lies between a statement and what is asked about it, also in SQL.
        let asked =
            observed.query_row("SELECT changes(), last_insert_rowid()", (), |row| Ok((row.get(0)?, row.get(1)?)));
        assert_eq!(asked, Ok((1, 5)));
    });
}

/// `recursive_triggers` stays as it is, and replacing fires no trigger for it.
#[test]
fn replacing_fires_no_trigger() {
    record(|| {
        let db = memory(
            "CREATE TABLE t (id INTEGER PRIMARY KEY); CREATE TABLE log (what); INSERT INTO t VALUES (1);
            CREATE TRIGGER gone AFTER DELETE ON t BEGIN INSERT INTO log VALUES (OLD.id); END;",
        );
        db.execute("REPLACE INTO t VALUES (1)", ()).unwrap();
        assert_eq!(db.query_row("SELECT count(*) FROM log", (), |row| row.get(0)), Ok(0));
        assert_eq!(db.query_row("PRAGMA recursive_triggers", (), |row| row.get(0)), Ok(0));
        db.execute_batch("PRAGMA recursive_triggers = ON; REPLACE INTO t VALUES (1)").unwrap();
        assert_eq!(db.query_row("SELECT count(*) FROM log", (), |row| row.get(0)), Ok(1));
    });
}

/// With `recursive_triggers`, SQLite tells of what is replaced itself: it is recorded once.
#[test]
fn replacing_with_recursive_triggers() {
    let rows = rows_of(|| {
        let db = memory("CREATE TABLE t (id INTEGER PRIMARY KEY); PRAGMA recursive_triggers = ON");
        db.execute_batch("INSERT INTO t VALUES (1); REPLACE INTO t VALUES (1)").unwrap();
    });
    assert_eq!(rows.len(), 3, "{rows:?}");
}

#[test]
fn read_only_databases() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shop.db");
    Connection::open(&file).unwrap().execute_batch(TABLES).unwrap();
    let records = record(|| {
        let db = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let db = db.observed(StatePolicy::values());
        assert_eq!(db.query_row("SELECT count(*) FROM t", (), |row| row.get(0)), Ok(2));
        let error = db.execute("DELETE FROM t", ()).unwrap_err();
        assert_eq!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::ReadOnly));
        db.execute_batch("CREATE TEMP TABLE mine (x); INSERT INTO mine VALUES (1); DROP TABLE mine").unwrap();
    });
    assert_eq!(rows(&records), [""; 0]);
}

/// `query_only` refuses what it refuses, and afterwards rows are recorded again. Changes that were not read before wait.
#[test]
fn query_only() {
    let rows = rows_of(|| {
        let db = memory("CREATE TABLE t (id INTEGER PRIMARY KEY)");
        db.execute("INSERT INTO t VALUES (1)", ()).unwrap();
        db.execute_batch("PRAGMA query_only = ON").unwrap();
        let error = db.execute("INSERT INTO t VALUES (2)", ()).unwrap_err();
        assert_eq!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::ReadOnly));
        db.execute_batch("PRAGMA query_only = OFF").unwrap();
        db.execute("INSERT INTO t VALUES (3)", ()).unwrap();
    });
    assert_eq!(rows.len(), 2, "{rows:?}");
}

/// Hooks are the application's: none is replaced, and they see what they saw.
#[test]
fn hooks_stay() {
    let count = |observe: bool| {
        let (updates, commits, rollbacks) = (Arc::new(AtomicUsize::new(0)), Arc::default(), Arc::default());
        let add = |to: &Arc<AtomicUsize>| {
            let to = to.clone();
            move || to.fetch_add(1, Ordering::Relaxed)
        };
        let work = |db: &Connection, run: &dyn Fn(&str)| {
            let (updated, committed, rolled_back) = (add(&updates), add(&commits), add(&rollbacks));
            db.update_hook(Some(move |_, _: &str, _: &str, _| {
                updated();
            }))
            .unwrap();
            db.commit_hook(Some(move || committed() > 1000)).unwrap();
            db.rollback_hook(Some(move || {
                rolled_back();
            }))
            .unwrap();
            run("INSERT INTO t VALUES (3, 'three', 3)");
            run("UPDATE t SET n = 5");
            run("BEGIN");
            run("DELETE FROM t");
            run("ROLLBACK");
        };
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(TABLES).unwrap();
        record(|| match observe {
            true => {
                let db = db.observed(StatePolicy::values());
                // What is installed is installed.
                db.execute("DELETE FROM parts", ()).unwrap();
                work(&db, &|sql| assert!(db.execute(sql, ()).is_ok()))
            }
            false => {
                db.execute("DELETE FROM parts", ()).unwrap();
                work(&db, &|sql| assert!(db.execute(sql, ()).is_ok()))
            }
        });
        [updates, commits, rollbacks].map(|count| count.load(Ordering::Relaxed))
    };
    assert_eq!(count(true), count(false));
}

/// The first statement fills what is installed. Nobody sees that, also if it is undone and done again.
#[test]
fn first_statements_count_as_before() {
    let counters = |observe: bool| {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch("CREATE TABLE w (k TEXT PRIMARY KEY, n UNIQUE) WITHOUT ROWID; CREATE TABLE t (id INTEGER PRIMARY KEY, n UNIQUE)")
            .unwrap();
        let mut seen = vec![];
        let mut all = |db: &Connection, total: &dyn Fn() -> u64, run: &dyn Fn(&str)| {
            for sql in [
                "BEGIN",
                "INSERT OR IGNORE INTO w VALUES ('a', 1), ('b', 1)",
                "INSERT OR REPLACE INTO t VALUES (7, 1)",
                "ROLLBACK",
                "SAVEPOINT s",
                "INSERT OR FAIL INTO t VALUES (5, 1), (6, 2)",
                "ROLLBACK TO s",
                "UPDATE t SET n = 3",
                "INSERT OR REPLACE INTO w VALUES ('c', 1)",
                "RELEASE s",
                "INSERT INTO t VALUES (3, 1)",
                "DELETE FROM t",
            ] {
                run(sql);
                seen.push((db.changes(), db.last_insert_rowid(), total()));
            }
        };
        record(|| match observe {
            true => {
                let db = db.observed(StatePolicy::values());
                all(&db, &|| db.total_changes(), &|sql| db.execute_batch(sql).unwrap())
            }
            false => all(&db, &|| db.total_changes(), &|sql| db.execute_batch(sql).unwrap()),
        });
        seen
    };
    assert_eq!(counters(true), counters(false));
}

/// A statement that was prepared before anything was installed, or before it was installed anew, is recorded.
#[test]
fn prepared_statements_go_on() {
    let rows = rows_of(|| {
        let mut db = memory("CREATE TABLE t (id INTEGER PRIMARY KEY, n INT); INSERT INTO t VALUES (1, 0)");
        {
            let mut update = db.prepare_cached("UPDATE t SET n = n + 1").unwrap();
            update.execute(()).unwrap();
            db.execute_batch("CREATE TABLE u (x)").unwrap();
            update.execute(()).unwrap();
        }
        let tx = db.transaction().unwrap();
        let mut reading = tx.prepare("SELECT n FROM t").unwrap();
        let mut read = reading.query(()).unwrap();
        assert_eq!(read.next().unwrap().unwrap().get(0), Ok(2));
        // While rows are read.
        tx.execute_batch("CREATE TABLE v (x)").unwrap();
        tx.prepare_cached("UPDATE t SET n = n + 1").unwrap().execute(()).unwrap();
        assert!(read.next().unwrap().is_none());
        drop(read);
        drop(reading);
        tx.commit().unwrap();
    });
    assert_eq!(rows.len(), 3, "{rows:?}");
}

/// `RETURNING` commits when its rows have been read or dropped, and not before.
#[test]
fn returning() {
    let rows = rows_of(|| {
        let db = memory("CREATE TABLE t (id INTEGER PRIMARY KEY)");
        let mut insert = db.prepare("INSERT INTO t VALUES (1), (2) RETURNING id").unwrap();
        let mut returned = insert.query(()).unwrap();
        assert_eq!(returned.next().unwrap().unwrap().get(0), Ok(1));
        assert_eq!(db.query_row("SELECT 1", (), |row| row.get(0)), Ok(1));
        drop(returned);
        assert_eq!(db.query_row("INSERT INTO t VALUES (7) RETURNING id", (), |row| row.get(0)), Ok(7));
    });
    assert_eq!(rows.len(), 3, "{rows:?}");
}

/// A schema that is not trusted, and a hook of ours that panics, change nothing.
#[test]
fn hostile_surroundings() {
    let rows = rows_of(|| {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch("PRAGMA trusted_schema = OFF; CREATE TABLE t (id INTEGER PRIMARY KEY, a)").unwrap();
        let db = db.observed(StatePolicy::values().redact(|_| -> Result<(), String> { panic!("hook") }));
        assert_eq!(db.execute("INSERT INTO t VALUES (1, 2)", ()), Ok(1));
    });
    assert_eq!(rows, ["insert t {} - {} id,a"]);
}
