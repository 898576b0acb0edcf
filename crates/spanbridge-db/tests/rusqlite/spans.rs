//! The spans of statements and transactions.

use crate::support::{memory, record, rows, span, spans};
use rusqlite::{Connection, Error};
use serde_json::json;
use spanbridge::observe;
use spanbridge_db::rusqlite::ConnectionExt;
use spanbridge_db::{QueryOptions, StatePolicy};

const ORDERS: &str = "CREATE TABLE orders (id INTEGER PRIMARY KEY, status TEXT); INSERT INTO orders VALUES (1, 'new')";

/// Every way to run a statement has its span below what is current.
#[test]
fn each_statement_has_a_span() {
    let records = record(|| {
        let db = memory(ORDERS);
        observe::span("work").in_scope(|| {
            db.execute("UPDATE orders SET status = 'secret' WHERE id = ?1", [1]).unwrap();
            db.query_row("SELECT status FROM orders", (), |row| row.get::<_, String>(0)).unwrap();
            let mut statement = db.prepare("SELECT id AS a FROM orders").unwrap();
            let all: Vec<i64> = statement.query_map((), |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
            assert_eq!(all, [1]);
            assert_eq!(statement.query_one((), |row| row.get(0)), Ok(1));
            assert!(db.prepare_cached("SELECT 1 FROM orders, orders AS b").unwrap().exists(()).unwrap());
            let mut insert = db.prepare_cached("INSERT INTO orders VALUES (?1, ?2) RETURNING id").unwrap();
            let mut rows = insert.query((7, "x")).unwrap();
            assert_eq!(rows.next().unwrap().unwrap().get(0), Ok(7));
            assert!(rows.next().unwrap().is_none() && rows.next().unwrap().is_none());
        })
    });
    let spans = spans(&records);
    let names: Vec<_> = spans.iter().map(|span| span["name"].as_str().unwrap()).collect();
    let work = ["UPDATE orders", "SELECT orders", "SELECT orders", "SELECT orders", "SELECT orders orders"];
    assert_eq!(names[1..6], work);
    assert_eq!(names[6..], ["INSERT orders"]);
    assert!(spans[1..].iter().all(|span| span["parentSpanId"] == spans[0]["spanId"]), "{spans:#?}");
    let update = span(&spans, "UPDATE orders");
    assert_eq!((&update["primitive"], &update["kind"]), (&json!("db.query"), &json!("client")));
    assert_eq!(
        update["attributes"],
        json!({
            "db.system.name": "sqlite", "db.namespace": "main", "db.query.summary": "UPDATE orders",
            "db.operation.name": "UPDATE", "db.collection.name": "orders",
            "db.query.text": "UPDATE orders SET status = ? WHERE id = ?1", "spanbridge.db.affected_rows": 1
        })
    );
    assert_eq!(spans[3]["attributes"]["db.response.returned_rows"], 1);
    assert_eq!(spans[6]["attributes"]["db.response.returned_rows"], 1);
    assert_eq!(rows(&records).len(), 2, "{:?}", rows(&records));
}

/// A transaction has a span around its statements, which says how it ended.
#[test]
fn transactions_have_spans() {
    let records = record(|| {
        let mut db = memory(ORDERS);
        observe::run("work").in_scope(|| {
            let tx = db.transaction().unwrap();
            tx.execute("UPDATE orders SET status = 'paid'", ()).unwrap();
            // Below what is current, where that is something else.
            observe::span("inner").in_scope(|| tx.execute("DELETE FROM orders", ())).unwrap();
            tx.rollback().unwrap();
            db.execute_batch("SAVEPOINT a; INSERT INTO orders VALUES (2, 'x')").unwrap();
            db.execute_batch("SAVEPOINT b; RELEASE a").unwrap();
            let tx = db.transaction().unwrap();
            tx.execute("INSERT OR ROLLBACK INTO orders VALUES (2, 'y')", ()).unwrap_err();
            drop(tx);
        })
    });
    let spans = spans(&records);
    let transactions: Vec<_> = spans.iter().filter(|span| span["name"] == "transaction").collect();
    let ended: Vec<_> = transactions.iter().map(|span| &span["attributes"]["spanbridge.db.transaction"]).collect();
    assert_eq!(ended, ["rolled_back", "committed", "rolled_back"]);
    assert!(transactions.iter().all(|span| span["attributes"]["db.operation.name"] == "BEGIN"));
    assert_eq!(span(&spans, "UPDATE orders")["parentSpanId"], transactions[0]["spanId"]);
    assert_eq!(span(&spans, "ROLLBACK")["parentSpanId"], transactions[0]["spanId"]);
    // So it says itself what became of it.
    let inner = span(&spans, "DELETE orders");
    assert_eq!(inner["parentSpanId"], span(&spans, "inner")["spanId"]);
    assert_eq!(inner["attributes"]["spanbridge.db.transaction"], "rolled_back");
    assert_eq!(span(&spans, "UPDATE orders")["attributes"]["spanbridge.db.transaction"], json!(null));
    assert_eq!(span(&spans, "RELEASE a")["parentSpanId"], transactions[1]["spanId"], "{spans:#?}");
}

/// Not all of rusqlite's errors are equal to themselves.
fn shown(result: impl std::fmt::Debug) -> String {
    format!("{result:?}")
}

/// Errors are rusqlite's, and recorded without the values of the statement.
#[test]
fn errors_are_as_they_were() {
    let records = record(|| {
        let db = memory(ORDERS);
        let error = db.execute("INSERT INTO orders VALUES (1, 'secret')", ()).unwrap_err();
        assert_eq!(error.sqlite_extended_error_code(), Some(1555), "{error}");
        let bare = Connection::open_in_memory().unwrap();
        for sql in ["SELECT 'secret' FROM no_table", "SELECT 1; SELECT 2", "SELECT 'secret"] {
            assert_eq!(shown(db.execute(sql, ())), shown(bare.execute(sql, ())));
            assert_eq!(shown(db.prepare(sql).map(drop)), shown(bare.prepare(sql).map(drop)));
        }
        assert_eq!(shown(db.execute_batch("SELECT 1; SELEKT")), shown(bare.execute_batch("SELECT 1; SELEKT")));
        let none = db.query_row("SELECT * FROM orders WHERE id = 9", (), |_| Ok(()));
        assert_eq!(none, Err(Error::QueryReturnedNoRows));
        assert!(matches!(db.execute("SELECT ?1", ()), Err(Error::InvalidParameterCount(0, 1))));
    });
    let spans = spans(&records);
    assert_eq!(span(&spans, "INSERT orders")["errorType"], "1555", "{spans:#?}");
    assert_eq!(span(&spans, "INSERT orders")["attributes"]["db.response.status_code"], "1555");
    assert_eq!(span(&spans, "SELECT no_table")["error"], "no such table: no_table");
    let text: String = records.iter().map(|record| record.to_json()).collect();
    assert!(!text.contains("secret"), "{text}");
}

#[test]
fn parameters_by_policy() {
    let of = |options: QueryOptions| {
        let records = record(|| {
            let db = memory(ORDERS).query_options(options);
            let sql = "SELECT ?2, ?1, ?, :name, ?1 FROM orders";
            db.query_row(sql, rusqlite::params!["it's", -7, 1.5, [1u8, 2]], |_| Ok(())).unwrap();
            db.prepare("UPDATE orders SET status = $x").unwrap().execute([None::<i64>]).unwrap();
        });
        let spans = spans(&records);
        (span(&spans, "SELECT orders")["attributes"].clone(), span(&spans, "UPDATE orders")["attributes"].clone())
    };
    let (off, _) = of(QueryOptions::new());
    assert!(!off.to_string().contains("parameter"), "{off}");
    let (select, update) = of(QueryOptions::new().parameters(true));
    let told = |n: usize| select[format!("db.query.parameter.{n}")].as_str().unwrap_or("").to_owned();
    assert_eq!([told(0), told(1), told(2), told(3), told(4)], ["it's", "-7", "1.5", "x'0102'", ""], "{select}");
    assert_eq!(update["db.query.parameter.0"], "null");
    let hidden = QueryOptions::new().text(false).parameters(true).redact(|value| match value.column() {
        "0" => Err("no"),
        _ => {
            value.replace("***");
            Ok(())
        }
    });
    let (select, _) = of(hidden);
    assert_eq!((&select["db.query.parameter.0"], &select["db.query.parameter.1"]), (&json!(null), &json!("***")));
    assert_eq!(select["db.query.text"], json!(null));
    let (literal, _) = of(QueryOptions::new().literals(true));
    assert_eq!(literal["db.query.text"], "SELECT ?2, ?1, ?, :name, ?1 FROM orders");
}

/// Without a recorder, nothing is installed and everything works.
#[test]
fn without_a_recorder() {
    let db = memory(ORDERS);
    assert_eq!(db.execute("UPDATE orders SET status = 'paid'", ()), Ok(1));
    let installed = "SELECT count(*) FROM temp.sqlite_master";
    assert_eq!(db.query_row(installed, (), |row| row.get(0)), Ok(0));
    let observed = Connection::open_in_memory().unwrap().observed(StatePolicy::keys());
    assert!(observed.into_inner().is_ok());
}
