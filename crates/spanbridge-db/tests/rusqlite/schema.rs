//! Changes of the schema, and what is installed.

use crate::support::{memory, record, rows, rows_of, said};
use rusqlite::Connection;
use spanbridge_db::StatePolicy;
use spanbridge_db::rusqlite::ConnectionExt;

/// Each change of a table by this connection is followed at once.
#[test]
fn changes_by_this_connection() {
    let records = record(|| {
        let mut db = memory("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT)");
        db.execute("INSERT INTO t VALUES (1, 'a', 'b')", ()).unwrap();
        db.execute("ALTER TABLE t ADD COLUMN c DEFAULT 3", ()).unwrap();
        db.execute("UPDATE t SET c = 4", ()).unwrap();
        let tx = db.transaction().unwrap();
        tx.execute_batch("ALTER TABLE t RENAME COLUMN a TO z; UPDATE t SET z = 'renamed'").unwrap();
        tx.execute_batch("ALTER TABLE t DROP COLUMN b; UPDATE t SET z = 'dropped'").unwrap();
        tx.commit().unwrap();
        let mut alter = db.prepare("ALTER TABLE t RENAME TO u").unwrap();
        alter.execute(()).unwrap();
        drop(alter);
        db.execute("UPDATE u SET c = 5", ()).unwrap();
        db.execute_batch("DROP TABLE u; CREATE TABLE u (x); INSERT INTO u VALUES (1)").unwrap();
        db.with_connection(|db| db.execute_batch("ALTER TABLE u RENAME COLUMN x TO y")).unwrap();
        db.execute("UPDATE u SET y = 2", ()).unwrap();
    });
    assert_eq!(said(&records), [""; 0]);
    assert_eq!(
        rows(&records)[1..],
        [
            r#"update t {"id":1} {"c":3} {"c":4} c"#,
            r#"update t {"id":1} {"z":"a"} {"z":"renamed"} z"#,
            r#"update t {"id":1} {"z":"renamed"} {"z":"dropped"} z"#,
            r#"update u {"id":1} {"c":4} {"c":5} c"#,
            r#"insert u {"rowid":1} - {"x":1} x"#,
            r#"update u {"rowid":1} {"y":1} {"y":2} y"#,
        ]
    );
}

/// A change that is rolled back takes the triggers back, too.
#[test]
fn a_change_that_is_rolled_back() {
    let rows = rows_of(|| {
        let mut db = memory("CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT); INSERT INTO t VALUES (1, 'a')");
        db.execute("UPDATE t SET a = 'b'", ()).unwrap();
        let tx = db.transaction().unwrap();
        tx.execute_batch("ALTER TABLE t RENAME COLUMN a TO z; UPDATE t SET z = 'lost'").unwrap();
        tx.rollback().unwrap();
        db.execute("UPDATE t SET a = 'c'", ()).unwrap();
    });
    assert_eq!(rows, [r#"update t {"id":1} {"a":"a"} {"a":"b"} a"#, r#"update t {"id":1} {"a":"b"} {"a":"c"} a"#]);
}

/// A change by another connection is noticed before the next transaction, so that no statement fails by old triggers and no
/// column is missed. Also by a statement that was prepared before.
#[test]
fn changes_by_another_connection() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("shop.db");
    let other = Connection::open(&file).unwrap();
    other.execute_batch("CREATE TABLE t (id INTEGER PRIMARY KEY, a, b); INSERT INTO t VALUES (1, 1, 1)").unwrap();
    let records = record(|| {
        let mut db = Connection::open(&file).unwrap().observed(StatePolicy::values());
        db.execute("UPDATE t SET a = 2", ()).unwrap();
        let mut prepared = db.prepare("UPDATE t SET b = b + 1").unwrap();
        other.execute_batch("ALTER TABLE t RENAME COLUMN a TO z; ALTER TABLE t ADD COLUMN c").unwrap();
        prepared.execute(()).unwrap();
        drop(prepared);
        db.execute("UPDATE t SET c = 1", ()).unwrap();
        other.execute_batch("ALTER TABLE t DROP COLUMN c; CREATE TABLE u (x)").unwrap();
        db.execute("INSERT INTO u VALUES (1)", ()).unwrap();
        // In a transaction that has begun: SQLite cannot compile what the old triggers say, and it is tried again.
        let tx = db.transaction().unwrap();
        other.execute_batch("ALTER TABLE t DROP COLUMN b").unwrap();
        tx.execute("UPDATE t SET z = 3", ()).unwrap();
        tx.commit().unwrap();
    });
    assert_eq!(said(&records), [""; 0]);
    assert_eq!(
        rows(&records)[1..],
        [
            r#"update t {"id":1} {"b":1} {"b":2} b"#,
            r#"update t {"id":1} {"c":null} {"c":1} c"#,
            r#"insert u {"rowid":1} - {"x":1} x"#,
            r#"update t {"id":1} {"z":2} {"z":3} z"#,
        ]
    );
}

/// A change of `temp_store` removes everything that is temporary: it is installed again.
#[test]
fn temp_store_removes_triggers() {
    let rows = rows_of(|| {
        let db = memory("CREATE TABLE t (id INTEGER PRIMARY KEY)");
        db.execute("INSERT INTO t VALUES (1)", ()).unwrap();
        db.execute_batch("PRAGMA temp_store = MEMORY; INSERT INTO t VALUES (2)").unwrap();
        db.execute("INSERT INTO t VALUES (3)", ()).unwrap();
    });
    assert_eq!(rows.len(), 3, "{rows:?}");
}

/// Afterwards the connection is as it was.
#[test]
fn everything_can_be_removed() {
    record(|| {
        let db = memory("CREATE TABLE t (id INTEGER PRIMARY KEY)");
        db.execute("INSERT INTO t VALUES (1)", ()).unwrap();
        let count = "SELECT count(*) FROM temp.sqlite_master";
        assert_eq!(db.query_row(count, (), |row| row.get(0)), Ok(6));
        let db = db.into_inner().unwrap();
        assert_eq!(db.query_row(count, (), |row| row.get(0)), Ok(0));
        assert!(db.query_row("SELECT spanbridge_put(1)", (), |_| Ok(())).is_err());
        db.execute("INSERT INTO t VALUES (2)", ()).unwrap();
    });
}

/// What cannot be installed is said once, and statements work without it.
#[test]
fn what_cannot_be_installed_is_said() {
    let records = record(|| {
        let db = memory("CREATE TABLE t (id INTEGER PRIMARY KEY)");
        (*db).execute_batch("PRAGMA query_only = ON").unwrap();
        spanbridge::observe::run("work").in_scope(|| {
            db.execute("INSERT INTO t VALUES (1)", ()).unwrap_err();
            db.execute("INSERT INTO t VALUES (1)", ()).unwrap_err();
        });
        db.execute_batch("PRAGMA query_only = OFF").unwrap();
        db.execute("INSERT INTO t VALUES (1)", ()).unwrap();
    });
    assert_eq!(rows(&records).len(), 1);
    let said = said(&records);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("state.capture_failed: failed to install triggers"), "{said:?}");
}
