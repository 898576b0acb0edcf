//! Whatever is done to a database: the observed one does what a bare one does, and what is recorded makes the same tables of a
//! copy.

use crate::support::record;
use proptest::prelude::*;
use proptest::sample::select;
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, params_from_iter};
use serde_json::{Map, Value};
use spanbridge::record::{Body, MutationOp, Record};
use spanbridge_db::StatePolicy;
use spanbridge_db::rusqlite::ConnectionExt;

/// Tables: what they are, which columns are written, and the columns that are compared.
const TABLES: [(&str, [&str; 3], &str); 5] = [
    ("CREATE TABLE t (a INTEGER PRIMARY KEY, b UNIQUE, c)", ["a", "b", "c"], "*"),
    ("CREATE TABLE t (a TEXT COLLATE NOCASE, b INT, c, PRIMARY KEY (b, a)) WITHOUT ROWID", ["a", "b", "c"], "*"),
    ("CREATE TABLE t (a, b, c); CREATE UNIQUE INDEX some ON t (b, c) WHERE c > 1", ["a", "b", "c"], "rowid, *"),
    ("CREATE TABLE t (a UNIQUE, b NOT NULL PRIMARY KEY ON CONFLICT REPLACE, c)", ["a", "b", "c"], "*"),
    (
        "CREATE TABLE t (a INTEGER PRIMARY KEY, b, c, d AS (b || c));
        CREATE TABLE other (x INTEGER PRIMARY KEY, y);
        CREATE TRIGGER g AFTER INSERT ON t BEGIN INSERT OR REPLACE INTO other VALUES (NEW.a % 3, NEW.b); END;
        CREATE TRIGGER h BEFORE DELETE ON t BEGIN DELETE FROM other WHERE x = OLD.a; END",
        ["a", "b", "c"],
        "*",
    ),
];

fn value() -> impl Strategy<Value = String> {
    let values = vec!["NULL", "0", "1", "2", "3", "4", "'x'", "'X'", "'it''s'", "1.5", "-2"];
    select(values).prop_map(str::to_owned)
}

fn statement(columns: [&'static str; 3]) -> impl Strategy<Value = String> {
    let conflict = select(vec!["", "OR REPLACE", "OR IGNORE", "OR FAIL", "OR ABORT", "OR ROLLBACK"]);
    let insert =
        (conflict.clone(), prop::collection::vec([value(), value(), value()], 1..4)).prop_map(move |(or, rows)| {
            let rows: Vec<_> = rows.into_iter().map(|row| format!("({})", row.join(", "))).collect();
            format!("INSERT {or} INTO t ({}) VALUES {}", columns.join(", "), rows.join(", "))
        });
    let upsert = [value(), value(), value()].prop_map(move |[a, b, c]| {
        let list = columns.join(", ");
        format!("INSERT INTO t ({list}) VALUES ({a}, {b}, {c}) ON CONFLICT DO UPDATE SET c = {a}")
    });
    let set = (conflict, select(columns.to_vec()), value(), select(columns.to_vec()), value());
    // Which of several rows comes first is not defined, and with another conflict clause it matters.
    let update = set.prop_map(|(or, set, to, by, is)| match or {
        "" | "OR ABORT" | "OR ROLLBACK" => format!("UPDATE {or} t SET {set} = {to} WHERE {by} >= {is}"),
        _ => {
            let one = format!("SELECT a, b FROM t WHERE {by} >= {is} ORDER BY 1, 2 LIMIT 1");
            format!("UPDATE {or} t SET {set} = {to} WHERE (a, b) IN ({one})")
        }
    });
    let delete = (select(columns.to_vec()), value()).prop_map(|(by, is)| format!("DELETE FROM t WHERE {by} = {is}"));
    let around = select(vec![
        "BEGIN",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT s",
        "SAVEPOINT u",
        "ROLLBACK TO s",
        "RELEASE s",
        "ROLLBACK TO u",
        "RELEASE u",
        "DELETE FROM t",
    ]);
    prop_oneof![4 => insert, 1 => upsert, 3 => update, 1 => delete, 5 => around.prop_map(str::to_owned)]
}

/// What SQLite refuses as a row id, it refuses under `OR REPLACE` in a transaction without taking back the rows before, unless the
/// table has a trigger. So nothing of the kind is written.
fn row_id(sql: String) -> String {
    sql.replace("VALUES ('", "VALUES (7 + '")
        .replace(", ('", ", (7 + '")
        .replace("(1.5", "(6")
        .replace("a = '", "a = 7 + '")
        .replace("a = 1.5", "a = 6")
}

fn story() -> impl Strategy<Value = (usize, Vec<String>)> {
    let story = (0..TABLES.len())
        .prop_flat_map(|table| (Just(table), prop::collection::vec(statement(TABLES[table].1), 1..40)));
    story.prop_map(|(table, statements)| match TABLES[table].0.contains("INTEGER PRIMARY KEY") {
        true => (table, statements.into_iter().map(row_id).collect()),
        false => (table, statements),
    })
}

fn sql(value: &Value) -> Sql {
    match value {
        Value::Null => Sql::Null,
        Value::Number(number) if number.is_f64() => Sql::Real(number.as_f64().unwrap()),
        Value::Number(number) => Sql::Integer(number.as_i64().unwrap()),
        Value::String(text) => Sql::Text(text.clone()),
        other => panic!("{other} is in no table here"),
    }
}

/// Does to a copy what a record says.
fn apply(copy: &Connection, record: &Record<'_>) {
    let Body::Mutation(m) = &record.body else { return };
    let object = |text: Option<&str>| serde_json::from_str::<Map<String, Value>>(text.unwrap_or("{}")).unwrap();
    let (mut key, mut after) = (object(Some(&m.key)), object(m.after.as_deref()));
    after.remove("d"); // generated
    let sets: Vec<_> = after.keys().map(|name| format!("{name} = ?")).collect();
    let finds: Vec<_> = key.keys().map(|name| format!("{name} IS ?")).collect();
    let (sets, finds) = (sets.join(", "), finds.join(" AND "));
    let (text, values): (_, Vec<_>) = match m.op {
        MutationOp::Insert => {
            if key.contains_key("rowid") {
                after.append(&mut key)
            }
            let names: Vec<_> = after.keys().map(String::as_str).collect();
            let marks = vec!["?"; names.len()].join(", ");
            let text = format!("INSERT INTO {} ({}) VALUES ({marks})", m.table, names.join(", "));
            (text, after.values().map(sql).collect())
        }
        MutationOp::Update if sets.is_empty() => return,
        MutationOp::Update => {
            let text = format!("UPDATE {} SET {sets} WHERE {finds}", m.table);
            (text, after.values().chain(key.values()).map(sql).collect())
        }
        _ => (format!("DELETE FROM {} WHERE {finds}", m.table), key.values().map(sql).collect()),
    };
    let changed = copy.execute(&text, params_from_iter(values)).unwrap_or_else(|error| panic!("{error}: {text} {m:?}"));
    assert_eq!(changed, 1, "{m:?}");
}

fn dump(db: &Connection, table: &str, columns: &str) -> Vec<String> {
    let mut statement = db.prepare(&format!("SELECT {columns} FROM {table}")).unwrap();
    let count = statement.column_count();
    let row = |row: &rusqlite::Row<'_>| Ok(format!("{:?}", (0..count).map(|n| row.get_ref(n)).collect::<Vec<_>>()));
    let mut rows: Vec<String> = statement.query_map((), row).unwrap().map(Result::unwrap).collect();
    rows.sort();
    rows
}

fn without_triggers(schema: &str) -> String {
    schema.split(';').filter(|sql| !sql.contains("TRIGGER") && sql.trim() != "END").collect::<Vec<_>>().join(";")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn any_story((table, statements) in story()) {
        let (schema, _, columns) = TABLES[table];
        let bare = Connection::open_in_memory().unwrap();
        bare.execute_batch(schema).unwrap();
        let mut dumps = (vec![], vec![]);
        let tables: &[&str] = if schema.contains("other") { &["t", "other"] } else { &["t"] };
        let records = record(|| {
            let db = Connection::open_in_memory().unwrap();
            db.execute_batch(schema).unwrap();
            let db = db.observed(StatePolicy::values());
            for sql in statements.iter().map(String::as_str).chain(["COMMIT"]) {
                assert_eq!(db.execute(sql, ()), bare.execute(sql, ()), "{sql}");
                assert_eq!(db.changes(), bare.changes(), "changes after {sql}");
                assert_eq!(db.total_changes(), bare.total_changes(), "total changes after {sql}");
                assert_eq!(db.last_insert_rowid(), bare.last_insert_rowid(), "rowid after {sql}");
                assert_eq!(db.is_autocommit(), bare.is_autocommit(), "transaction after {sql}");
            }
            dumps.0 = tables.iter().map(|table| dump(&db, table, columns)).collect();
            dumps.1 = tables.iter().map(|table| dump(&bare, table, columns)).collect();
        });
        prop_assert_eq!(&dumps.0, &dumps.1);
        let copy = Connection::open_in_memory().unwrap();
        copy.execute_batch(&without_triggers(schema)).unwrap();
        records.iter().for_each(|record| apply(&copy, record));
        let copied: Vec<_> = tables.iter().map(|table| dump(&copy, table, columns)).collect();
        prop_assert_eq!(copied, dumps.0, "{:#?}", crate::support::rows(&records));
    }
}
