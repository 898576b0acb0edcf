//! Whatever happens to the instrumentation, the application goes on.

use crate::support::{database, orders, record};
use diesel::prelude::*;
use diesel::result::Error;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::Text;
use diesel::sqlite::Sqlite;
use spanbridge_db::QueryOptions;
use spanbridge_db::diesel::{DieselSpans, tag_transaction};

/// A value whose `Debug` panics, and which cannot be bound if its text is empty.
#[derive(diesel::expression::AsExpression)]
#[diesel(sql_type = Text)]
struct Hostile(&'static str);

impl std::fmt::Debug for Hostile {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("not to be shown")
    }
}

impl ToSql<Text, Sqlite> for Hostile {
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
        if self.0.is_empty() {
            return Err("nothing to bind".into());
        }
        out.set_value(self.0);
        Ok(serialize::IsNull::No)
    }
}

fn update(db: &mut SqliteConnection, status: &'static str) -> QueryResult<usize> {
    diesel::update(orders::table.find(1)).set(orders::status.eq(Hostile(status))).execute(db)
}

/// If parameters are recorded, those of the statement are left out; else the value is not even shown. The statement runs either way.
#[test]
fn panics_do_not_pass_through() {
    let spans = DieselSpans::sqlite().query_options(QueryOptions::new().parameters(true).text(false));
    let mut db = database(spans);
    let recorded = record(|| {
        db.transaction(|db| Ok::<_, Error>((update(db, "paid")?, orders::table.count().get_result::<i64>(db)?)))
    });
    assert_eq!(recorded.output, Ok((1, 1)));
    assert_eq!(recorded.tree(), "transaction spanbridge.db.transaction=committed\n  UPDATE orders\n  SELECT orders\n");
    assert!(recorded.span("UPDATE orders").attribute("db.query.parameter.0").is_none());

    let mut db = database(DieselSpans::sqlite().query_options(QueryOptions::new().text(false)));
    let recorded = record(|| update(&mut db, "paid"));
    assert_eq!((recorded.output.as_ref().ok(), &*recorded.tree()), (Some(&1), "UPDATE orders\n"));
}

/// diesel does not tell that a statement has ended whose values could not be bound.
#[test]
fn statement_that_cannot_be_bound() {
    let mut db = database(DieselSpans::sqlite().query_options(QueryOptions::new().text(false)));
    let recorded = record(|| {
        let bound = db.transaction(|db| update(db, ""));
        (bound, update(&mut db, ""), update(&mut db, "paid"))
    });
    let (in_transaction, alone, after) = &recorded.output;
    assert!(in_transaction.is_err() && alone.is_err() && after == &Ok(1));
    assert_eq!(
        recorded.tree(),
        "\
transaction spanbridge.db.transaction=rolled_back
  UPDATE orders [cancelled]
UPDATE orders [cancelled]
UPDATE orders
"
    );
}

/// Without a recorder nothing is looked at; and PostgreSQL's setting, which SQLite does not know, fails nothing.
#[test]
fn without_a_recorder_or_postgresql() {
    let mut db = database(DieselSpans::sqlite().query_options(QueryOptions::new().parameters(true)));
    assert_eq!(db.transaction(|db| update(db, "paid")), Ok(1));
    tag_transaction(&mut db);
    let recorded = record(|| {
        db.transaction(|db| {
            tag_transaction(db);
            update(db, "new")
        })
    });
    assert_eq!(recorded.output, Ok(1));
    let text: String = recorded.records().iter().map(|record| record.to_json()).collect();
    assert!(text.contains("state.capture_failed") && text.contains("who writes could not be named"), "{text}");
}
