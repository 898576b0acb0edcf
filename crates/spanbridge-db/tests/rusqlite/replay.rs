//! In a replay, statements run on the database that was named for it, and on no other.

use crate::support::memory;
use rusqlite::{Result, ffi};
use spanbridge::adapter::Reply;
use spanbridge::conformance::Answers;
use spanbridge_db::rusqlite::SqliteConnection;
use spanbridge_graph::testing::RecordOptions;

const REFUSED: &str = "a replay refused the statement: shop is not the scratch database";

/// The database `scratch` may be used.
fn replay<R>(f: impl FnOnce() -> R) -> (R, Vec<String>, Vec<String>) {
    let answers = Answers::new(|call| if call.target() == "scratch" { Reply::Live } else { Reply::refused(REFUSED) });
    let recorded = RecordOptions::new().stand_in(answers.clone()).record(f);
    let errors = recorded.spans().filter_map(|span| span.error.clone()).collect();
    (recorded.output, errors, answers.lines())
}

/// Each way to run a statement.
fn all(db: &mut SqliteConnection) -> Vec<Result<()>> {
    let mut results = vec![
        db.execute("UPDATE t SET a = ?1", [2]).map(drop),
        db.execute_batch("INSERT INTO t VALUES (3); DELETE FROM t WHERE a = 3"),
        db.query_row("SELECT a FROM t", [], |row| row.get::<_, i64>(0)).map(drop),
        db.transaction().and_then(|tx| tx.commit()),
        db.savepoint().and_then(|savepoint| savepoint.commit()),
        db.execute_batch("CREATE TABLE other (a)"),
    ];
    let mut statement = db.prepare_cached("INSERT INTO t VALUES (?1)").unwrap();
    results.push(statement.execute([4]).map(drop));
    drop(statement);
    let mut select = db.prepare("SELECT a FROM t").unwrap();
    results.push(select.query([]).and_then(|mut rows| rows.next().map(drop)));
    results
}

#[test]
fn statements_are_refused() {
    let mut db = memory("CREATE TABLE t (a); INSERT INTO t VALUES (1)").named("shop");
    let (results, errors, asked) = replay(|| all(&mut db));
    for result in &results {
        let error = result.as_ref().unwrap_err();
        assert_eq!(
            (error.to_string().as_str(), error.sqlite_error_code()),
            (REFUSED, Some(rusqlite::ErrorCode::AuthorizationForStatementDenied))
        );
        assert_eq!(error.sqlite_error().unwrap().extended_code, ffi::SQLITE_AUTH);
    }
    assert_eq!(errors, vec![REFUSED; results.len()]);
    assert_eq!(asked, vec!["db.query shop"; results.len()]);
    let kept: Vec<i64> =
        db.prepare("SELECT a FROM t").unwrap().query_map([], |row| row.get(0)).unwrap().collect::<Result<_>>().unwrap();
    assert_eq!(kept, [1]);
    assert!(db.prepare("SELECT * FROM other").is_err());
}

#[test]
fn the_scratch_database_is_used() {
    let mut db = memory("CREATE TABLE t (a); INSERT INTO t VALUES (1)").named("scratch");
    let (results, errors, _) = replay(|| all(&mut db));
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    assert_eq!(errors, [""; 0]);
}
