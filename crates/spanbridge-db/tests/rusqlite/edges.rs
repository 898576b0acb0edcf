//! Keys, and tables that triggers cannot read.

use crate::support::{memory, record, rows, rows_of, said};
use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;
use spanbridge::record::{Body, Record};
use spanbridge_db::StatePolicy;
use spanbridge_db::rusqlite::ConnectionExt;
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Two rows are two rows, however much of a text is recorded.
#[test]
fn keys_are_never_cut() {
    let rows = rows_of(|| {
        let db = memory("CREATE TABLE pages (url TEXT PRIMARY KEY, n INT)");
        for end in ["a", "b"] {
            let url = format!("{}{end}", "x".repeat(300));
            db.execute("INSERT INTO pages VALUES (?1, 1)", [url]).unwrap();
        }
    });
    let keys: BTreeSet<_> = rows.iter().map(|row| row.split(' ').nth(2).unwrap()).collect();
    assert_eq!(keys.len(), 2, "{keys:?}");
}

/// A column needs a function that this connection does not have. Without triggers, nobody asks for it.
#[test]
fn tables_that_cannot_be_read_are_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let first = Connection::open(&path).unwrap();
    let flags = FunctionFlags::SQLITE_DETERMINISTIC | FunctionFlags::SQLITE_UTF8;
    first.create_scalar_function("norm", 1, flags, |c| c.get::<String>(0)).unwrap();
    first.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, k AS (norm(a))); INSERT INTO t(a) VALUES ('x'), ('y'); CREATE TABLE u (id INTEGER PRIMARY KEY)").unwrap();
    drop(first);
    Connection::open(&path).unwrap().execute("DELETE FROM t WHERE id = 2", ()).unwrap();
    let records = record(|| {
        let db = Connection::open(&path).unwrap().observed(StatePolicy::values());
        db.execute("INSERT INTO u VALUES (1)", ()).unwrap();
        let gone = db.execute("DELETE FROM t WHERE id = 1", ());
        assert!(gone.is_ok(), "{gone:?}");
    });
    assert_eq!(rows(&records).len(), 1, "{:?}", rows(&records));
    assert!(said(&records).iter().any(|line| line.contains("t")), "{:?}", said(&records));
}

/// An update that was ignored leaves what it would have replaced; an insert replaces that; another update says nothing of it again.
#[test]
fn a_row_is_replaced_once() {
    let rows = rows_of(|| {
        let db = memory("CREATE TABLE t (a UNIQUE, b NOT NULL PRIMARY KEY ON CONFLICT REPLACE, c)");
        db.execute_batch("BEGIN; INSERT INTO t VALUES ('x', 0, NULL), (0, 1, 3); UPDATE OR IGNORE t SET b = 0 WHERE b = 1; INSERT INTO t VALUES (1, 0, NULL); UPDATE t SET a = 2 WHERE b = 1; COMMIT").unwrap();
    });
    let deletes = rows.iter().filter(|row| row.starts_with("delete")).count();
    assert_eq!(deletes, 1, "{rows:#?}");
}

/// What the databases and the times of commit are, of what was recorded.
fn places(records: &[Record<'_>]) -> Vec<(String, u64)> {
    let of = |record: &Record<'_>| match &record.body {
        Body::Mutation(mutation) => Some((mutation.database.to_string(), mutation.committed_at.unwrap())),
        _ => None,
    };
    records.iter().filter_map(of).collect()
}

/// Files of the same name are two databases, and so are two in memory, unless they have a name.
#[test]
fn databases_are_told_apart() {
    const SQL: &str = "CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (NULL)";
    let dir = tempfile::tempdir().unwrap();
    for name in ["a", "b"] {
        std::fs::create_dir(dir.path().join(name)).unwrap();
    }
    let file = |name: &str| Connection::open(dir.path().join(name).join("x.db")).unwrap();
    let memory = || Connection::open_in_memory().unwrap();
    let records = record(|| {
        for db in [file("a"), file("b"), file("a"), memory(), memory()] {
            db.observed(StatePolicy::values()).execute_batch(SQL).unwrap();
        }
        for db in [file("a"), memory()] {
            db.observed(StatePolicy::values()).named("shop").execute_batch(SQL).unwrap();
        }
    });
    let names: Vec<_> = places(&records).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names.len(), 7);
    assert!(names[0].ends_with("/a/x.db") && names[1].ends_with("/b/x.db") && names[0] == names[2], "{names:?}");
    assert!(names[3].starts_with("main:memory:") && names[3] != names[4], "{names:?}");
    assert_eq!(names[5..], ["shop", "shop"]);
}

/// The time of commit; of a commit that nobody saw, the time of the write, and not when somebody came by.
#[test]
fn times_are_those_of_commits() {
    let pause = || std::thread::sleep(Duration::from_millis(20));
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let mut times = vec![];
    let records = record(|| {
        let mut db = memory("CREATE TABLE t (id INTEGER PRIMARY KEY)");
        let tx = db.transaction().unwrap();
        tx.execute("INSERT INTO t VALUES (1)", ()).unwrap();
        pause();
        times.push(now());
        tx.commit().unwrap();
        Connection::execute(&db, "INSERT INTO t VALUES (2)", ()).unwrap();
        times.push(now());
        pause();
        db.query_row("SELECT 1", (), |_| Ok(())).unwrap();
    });
    let all = places(&records);
    assert!(
        all.len() == 2 && all[0].1 >= times[0] && all[1].1 >= times[0] && all[1].1 <= times[1],
        "{all:?} {times:?}"
    );
}
