//! The spans of statements.

use crate::support::{database, orders, record};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use spanbridge::{Primitive, observe};
use spanbridge_db::QueryOptions;
use spanbridge_db::diesel::DieselSpans;

/// Every way to run a statement has its span below what is current, with the SQL that diesel makes, and no value in it.
#[test]
fn each_statement_has_a_span() {
    let mut db = database(DieselSpans::sqlite().named("shop"));
    let recorded = record(|| {
        observe::span("work").in_scope(|| {
            let values = (orders::id.eq(2), orders::status.eq("secret"), orders::note.eq(Some("secret")));
            diesel::insert_into(orders::table).values(values).execute(&mut db)?;
            diesel::update(orders::table.find(2)).set(orders::status.eq("secret too")).execute(&mut db)?;
            let all = orders::table.select(orders::id).order(orders::id).load::<i32>(&mut db)?;
            assert_eq!(all, [1, 2]);
            diesel::sql_query("DELETE FROM orders WHERE note = 'secret' OR id = ?")
                .bind::<diesel::sql_types::Integer, _>(7)
                .execute(&mut db)?;
            db.batch_execute("SELECT 1; UPDATE orders SET note = 'secret'")
        })
    });
    recorded.output.as_ref().unwrap();
    assert_eq!(
        recorded.tree(),
        r#"work
  INSERT orders db.query.text="INSERT INTO `orders` (`id`, `status`, `note`) VALUES (?, ?, ?)"
  UPDATE orders db.query.text="UPDATE `orders` SET `status` = ? WHERE (`orders`.`id` = ?)"
  SELECT orders db.query.text="SELECT `orders`.`id` FROM `orders` ORDER BY `orders`.`id`"
  DELETE orders db.query.text="DELETE FROM orders WHERE note = ? OR id = ?"
  SELECT UPDATE orders db.query.text="SELECT ?; UPDATE orders SET note = ?"
"#
    );
    let update = recorded.span("UPDATE orders");
    assert_eq!(update.primitive, Primitive::DB_QUERY.name());
    let attribute = |key: &str| update.attribute(key).and_then(|value| value.as_str()).unwrap_or("none").to_owned();
    assert_eq!([attribute("db.system.name"), attribute("db.namespace")], ["sqlite", "shop"]);
    assert_eq!([attribute("db.operation.name"), attribute("db.collection.name")], ["UPDATE", "orders"]);
    let text: String = recorded.records().iter().map(|record| record.to_json()).collect();
    assert!(!text.contains("secret"), "{text}");
}

#[test]
fn parameters_by_policy() {
    let options = QueryOptions::new().parameters(true).redact(|value| match value.column() {
        "1" => Err("no"),
        _ => Ok(()),
    });
    let mut db = database(DieselSpans::sqlite().query_options(options));
    let recorded = record(|| {
        let values = (orders::id.eq(2), orders::status.eq("secret"), orders::note.eq(Some("it's, \"x\"")));
        diesel::insert_into(orders::table).values(values).execute(&mut db)?;
        diesel::update(orders::table).set(orders::note.eq(None::<String>)).filter(orders::id.gt(1)).execute(&mut db)
    });
    let shown = |name: &str, number: usize| {
        let key = format!("db.query.parameter.{number}");
        recorded.span(name).attribute(&key).and_then(|value| value.as_str()).unwrap_or("none").to_owned()
    };
    assert_eq!([0, 1, 2].map(|number| shown("INSERT orders", number)), ["2", "none", "it's, \"x\""]);
    assert_eq!([0, 1].map(|number| shown("UPDATE orders", number)), ["null", "none"]);
    let text: String = recorded.records().iter().map(|record| record.to_json()).collect();
    assert!(text.contains("redaction.failed") && !text.contains("secret"), "{text}");
}

#[test]
fn text_by_policy() {
    let of = |options: QueryOptions| {
        let mut db = database(DieselSpans::sqlite().query_options(options));
        record(|| db.batch_execute("UPDATE orders SET note = 'x' -- y").unwrap()).tree()
    };
    assert_eq!(of(QueryOptions::new().text(false)), "UPDATE orders\n");
    let literals = of(QueryOptions::new().literals(true));
    assert_eq!(literals, "UPDATE orders db.query.text=\"UPDATE orders SET note = 'x' -- y\"\n");
}

/// Errors are diesel's, and recorded without values of the statement.
#[test]
fn errors_have_diesel_s_class() {
    let mut db = database(DieselSpans::sqlite().query_options(QueryOptions::new().text(false)));
    let recorded = record(|| {
        let values = (orders::id.eq(2), orders::status.eq("new"));
        let twice = diesel::insert_into(orders::table).values(values).execute(&mut db);
        (twice, db.batch_execute("SELECT 1 'a' 'secret'"), db.batch_execute("SELECT * FROM no_table"))
    });
    let (twice, syntax, missing) = &recorded.output;
    assert!(twice.is_err() && missing.is_err());
    assert!(syntax.as_ref().unwrap_err().to_string().contains("secret"), "{syntax:?}");
    let errors: Vec<_> = recorded.spans().map(|span| span.error.as_deref().unwrap_or("none")).collect();
    assert_eq!(
        errors,
        ["UNIQUE constraint failed: orders.status", "near \"?\": syntax error", "no such table: no_table",]
    );
    assert_eq!(
        recorded.tree(),
        "\
INSERT orders [error] error.type=UniqueViolation
SELECT [error] error.type=_OTHER
SELECT no_table [error] error.type=_OTHER
"
    );
}

#[derive(Debug, QueryableByName)]
#[diesel(table_name = orders)]
#[expect(dead_code, reason = "no row is read")]
struct Order {
    id: i32,
}

/// diesel does not tell errors while rows are read. If it does one day, the documentation is wrong.
#[test]
fn errors_of_rows_are_not_told() {
    let mut db = database(DieselSpans::sqlite().query_options(QueryOptions::new().text(false)));
    let recorded = record(|| {
        diesel::sql_query("INSERT INTO orders VALUES (2, 'new', NULL) RETURNING id").get_result::<Order>(&mut db)
    });
    assert!(recorded.output.is_err());
    assert_eq!(recorded.tree(), "INSERT orders\n");
}

/// The statement is in its span for as long as rows are read.
#[test]
fn rows_are_read_inside_of_the_span() {
    let mut db = database(DieselSpans::sqlite());
    let recorded = record(|| {
        observe::span("work").in_scope(|| {
            let rows = orders::table.select(orders::id).load_iter::<i32, _>(&mut db)?;
            observe::span("read").in_scope(|| rows.collect::<QueryResult<Vec<_>>>())
        })
    });
    let (span, read) = (recorded.span("SELECT orders"), recorded.span("read"));
    assert!(span.started_at < read.started_at && span.ended_at > Some(read.started_at), "{span:?} {read:?}");
}
