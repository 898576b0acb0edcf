use super::summary::MAX_SUMMARY;
use super::token::tokens;
use super::*;
use proptest::prelude::*;

fn told(sql: &str) -> String {
    let (sqlite, postgres) = (summary(sql, Dialect::Sqlite).text, summary(sql, Dialect::Postgres).text);
    assert_eq!(sqlite, postgres, "{sql}");
    sqlite
}

#[test]
fn summaries() {
    for (sql, expected) in [
        ("", ""),
        ("select 1", "SELECT"),
        ("SELECT * FROM orders WHERE id = ?1", "SELECT orders"),
        ("SELECT * FROM songs, artists a WHERE songs.artist = a.id ORDER BY 1, 2", "SELECT songs artists"),
        ("SELECT a.x, b.y FROM main.a AS a LEFT JOIN \"b c\" ON a.x = b.y, d", "SELECT main.a b c d"),
        ("SELECT * FROM (SELECT * FROM orders o JOIN customers c ON o.c = c.id)", "SELECT SELECT orders customers"),
        ("SELECT * FROM (a JOIN b USING (x)) WHERE y IN (SELECT y FROM c)", "SELECT a b SELECT c"),
        ("INSERT INTO shipping(id, name) SELECT id, name FROM orders", "INSERT shipping SELECT orders"),
        ("insert or replace into orders values (1, 'from x')", "INSERT orders"),
        ("REPLACE INTO orders VALUES (replace('a', 'b', 'c'))", "REPLACE orders"),
        ("INSERT INTO orders VALUES ($1) ON CONFLICT (id) DO UPDATE SET a = 1 RETURNING id", "INSERT orders"),
        ("UPDATE orders SET status = 'x' FROM carts WHERE carts.id = orders.id", "UPDATE orders carts"),
        ("UPDATE OR IGNORE orders SET a = 1", "UPDATE orders"),
        ("DELETE FROM orders WHERE note = 'DELETE FROM x'", "DELETE orders"),
        ("SELECT * FROM orders FOR UPDATE", "SELECT orders"),
        (
            "WITH recent AS (SELECT * FROM orders), b (x) AS (SELECT 1) SELECT * FROM recent, b",
            "SELECT orders SELECT SELECT",
        ),
        ("WITH RECURSIVE n AS (SELECT 1 UNION ALL SELECT x FROM n) DELETE FROM t", "SELECT SELECT DELETE t"),
        ("SELECT extract(year FROM day), a IS DISTINCT FROM b FROM days", "SELECT days"),
        ("SELECT * FROM generate_series(1, 2), orders", "SELECT orders"),
        ("CREATE TEMP TABLE IF NOT EXISTS t (a INTEGER REFERENCES x ON DELETE CASCADE)", "CREATE TABLE t"),
        ("CREATE UNIQUE INDEX i ON t (a)", "CREATE INDEX i"),
        ("CREATE TRIGGER g AFTER UPDATE ON t BEGIN DELETE FROM u", "CREATE TRIGGER g"),
        ("ALTER TABLE t ADD COLUMN c", "ALTER TABLE t"),
        ("DROP TABLE IF EXISTS public.t", "DROP TABLE public.t"),
        ("TRUNCATE TABLE t", "TRUNCATE t"),
        ("BEGIN IMMEDIATE", "BEGIN"),
        ("commit", "COMMIT"),
        ("ROLLBACK TO SAVEPOINT s", "ROLLBACK"),
        ("PRAGMA foreign_keys = ON", "PRAGMA foreign_keys"),
        ("-- SELECT * FROM a\nSELECT /* FROM b */ * FROM c", "SELECT c"),
        ("BEGIN; UPDATE a SET x = 1; COMMIT", "BEGIN UPDATE a COMMIT"),
        ("VALUES (1), (2)", "VALUES"),
        ("EXPLAIN SELECT * FROM t", "EXPLAIN SELECT t"),
    ] {
        assert_eq!(told(sql), expected, "{sql}");
    }
}

#[test]
fn dialects_differ() {
    assert_eq!(summary("SELECT * FROM [a b]", Dialect::Sqlite).text, "SELECT a b");
    assert_eq!(summary("/* /* */ SELECT 1", Dialect::Sqlite).text, "SELECT");
    assert_eq!(summary("/* /* */ */ DELETE FROM t", Dialect::Postgres).text, "DELETE t");
    assert_eq!(summary("SELECT $x$ FROM a $x$ FROM b", Dialect::Postgres).text, "SELECT b");
    assert_eq!(summary("SELECT E'\\' FROM a' FROM b", Dialect::Postgres).text, "SELECT b");
    assert_eq!(summary("SELECT 'it\\\\' FROM `a`", Dialect::Mysql).text, "SELECT a");
    assert_eq!(summary("SELECT 1--1 FROM a # FROM b\n -- FROM c\n, d", Dialect::Mysql).text, "SELECT a d");
}

/// One operation and one table are told apart from the summary.
#[test]
fn single_operation() {
    let one = summary("update orders set a = 1", Dialect::Sqlite);
    assert_eq!((one.operation.as_deref(), one.collection.as_deref()), (Some("UPDATE"), Some("orders")));
    let two = summary("SELECT * FROM a JOIN b", Dialect::Sqlite);
    assert_eq!((two.operation.as_deref(), two.collection.as_deref()), (Some("SELECT"), None));
}

#[test]
fn literals_are_gone() {
    for (sql, expected) in [
        ("SELECT 'it''s', 1.5e-3, 0xFF, x'00', -7 FROM t1 WHERE a = ?1", "SELECT ?, ?, ?, ?, -? FROM t1 WHERE a = ?1"),
        ("SELECT \"na'me\" /* 'secret' */ -- 17\n, :name", "SELECT \"na'me\"    \n, :name"),
        ("SELECT 'open", "SELECT ?"),
    ] {
        assert_eq!(without_literals(sql, Dialect::Sqlite), expected);
    }
    assert_eq!(without_literals("SELECT $q$se'cret$q$::text, $1", Dialect::Postgres), "SELECT ?::text, $1");
    let sql = "SELECT \"secret\", N'it''s', `name`, ? -- 17";
    assert_eq!(without_literals(sql, Dialect::Mysql), "SELECT ?, ?, `name`, ?  ");
    // With backslashes that escape, the text goes on; without, another begins. Neither is shown.
    assert_eq!(without_literals(r"SELECT 'a\', 'secret', b", Dialect::Mysql), "SELECT ?");
}

#[test]
fn parameters_by_their_places() {
    let sql = "SELECT ?2, ?1, ?, :name, ?1, :name -- ?";
    let told = parameters(sql, "SELECT 'it''s', -7, NULL, x'0102', -7, x'0102' -- ?", Dialect::Sqlite);
    let expected = [(1, "it's".into()), (0, "-7".into()), (2, DbValue::Null), (3, "x'0102'".into())];
    assert_eq!(told, expected);
    assert_eq!(parameters("SELECT ?", "", Dialect::Sqlite), []);
    assert_eq!(first_words(" -- x\n /**/; select 1", Dialect::Sqlite).next(), Some("select"));
}

#[test]
fn placeholders_are_counted() {
    assert_eq!(placeholders("SELECT ?, ?, '?' -- ?", Dialect::Sqlite), 2);
    assert_eq!(placeholders("SELECT ?1, :name, ?1, :name", Dialect::Sqlite), 2);
    assert_eq!(placeholders("SELECT $2::text, $1, $2, $q$ $3 $q$", Dialect::Postgres), 2);
}

#[test]
fn long_summaries_are_cut() {
    let names: Vec<_> = (0..400).map(|n| format!("table_{n}")).collect();
    let told = summary(&format!("SELECT * FROM {}", names.join(", ")), Dialect::Sqlite);
    assert!(told.text.len() <= MAX_SUMMARY && told.text.starts_with("SELECT table_0 table_1 "), "{told:?}");
    assert!(!told.text.ends_with(' ') && told.collection.is_none());
    let long = summary(&format!("SELECT * FROM {}", "é".repeat(999)), Dialect::Postgres);
    assert_eq!(long.text, "SELECT", "a name is told whole or not at all");
}

fn dialect() -> impl Strategy<Value = Dialect> {
    prop_oneof![Just(Dialect::Sqlite), Just(Dialect::Postgres), Just(Dialect::Mysql)]
}

/// Pieces of SQL in any order, whole and broken.
fn sql() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "SELECT",
        "FROM",
        "WITH",
        "INSERT INTO",
        "UPDATE",
        "(",
        ")",
        ",",
        ";",
        "'",
        "''",
        "\"",
        "`",
        "[",
        "]",
        "--",
        "/*",
        "*/",
        "\n",
        "$$",
        "$a$",
        "$1",
        "?",
        "E'",
        "x'",
        "\\",
        ".",
        "t",
        "é",
        "💥",
        "1e",
        "0x",
        "\0",
        "CREATE TABLE",
        "AS",
    ]);
    prop_oneof![any::<String>(), prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.join(" "))]
}

proptest! {
    /// Nothing panics, nothing is lost, and no summary is too long.
    #[test]
    fn hostile_sql(sql in sql(), dialect in dialect()) {
        let whole: String = tokens(&sql, dialect).map(|token| token.text).collect();
        prop_assert_eq!(&whole, &sql);
        let told = summary(&sql, dialect);
        prop_assert!(told.text.chars().count() <= MAX_SUMMARY);
        prop_assert!(!told.text.chars().any(char::is_control));
    }

    /// A value never comes through, however it is quoted.
    #[test]
    fn values_never_come_through(value in "[a-z';\"/*$ -]{0,12}", dialect in dialect()) {
        let secret = format!("s3cret{value}");
        let sql = format!("UPDATE t SET a = '{}', b = 31337 WHERE c = ?1", secret.replace('\'', "''"));
        prop_assert_eq!(without_literals(&sql, dialect), "UPDATE t SET a = ?, b = ? WHERE c = ?1");
    }
}
