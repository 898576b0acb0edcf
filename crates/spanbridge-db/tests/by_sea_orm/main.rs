//! sea-orm over sqlx, with our callback: on a real PostgreSQL.

use sea_orm::entity::prelude::*;
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, Statement, TransactionTrait};
use spanbridge::observe;
use spanbridge::record::Body;
use spanbridge_db::sea_orm::{SeaOrmSpans, tag_transaction};
use spanbridge_db::sqlx::PoolExt;
use spanbridge_db::{QueryOptions, StatePolicy, postgres};
use spanbridge_graph::testing::{RecordOptions, Recorded};
use std::future::Future;

mod orders {
    #![expect(unreachable_pub, reason = "sea-orm's macros want it")]

    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "orders")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub status: String,
        pub note: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

use orders::{ActiveModel, Entity as Orders};
use sea_orm::ActiveValue::Set;

/// A database of the test's own, with the table `orders`. `None`: there is no server, which is reported.
async fn database(test: &str, spans: SeaOrmSpans) -> Option<DatabaseConnection> {
    let url = xtask::postgres::url()?;
    let server = Database::connect(&url).await.unwrap();
    let name = format!("spanbridge_{test}_{}", std::process::id());
    server.execute_unprepared(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await.unwrap();
    server.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
    server.close().await.unwrap();
    let (before, parameters) = url.rsplit_once('/').map(|(before, rest)| (before, rest.split_once('?'))).unwrap();
    let parameters = parameters.map(|(_, parameters)| format!("?{parameters}")).unwrap_or_default();
    let mut db = Database::connect(format!("{before}/{name}{parameters}")).await.unwrap();
    db.execute_unprepared("CREATE TABLE orders (id int PRIMARY KEY, status text NOT NULL, note text)").await.unwrap();
    db.execute_unprepared("INSERT INTO orders VALUES (1, 'new', NULL)").await.unwrap();
    db.set_metric_callback(spans.callback());
    Some(db)
}

async fn record<F: Future>(work: impl FnOnce() -> F) -> Recorded<F::Output> {
    RecordOptions::new().show(["db.query.text"]).record_async(work).await
}

fn order(id: i32, status: &str) -> ActiveModel {
    ActiveModel { id: Set(id), status: Set(status.to_owned()), note: Set(None) }
}

/// Each statement has its span below what is current, also one in a transaction, and no value in it.
#[tokio::test]
async fn each_statement_has_a_span() {
    let Some(db) = database("sea_orm_spans", SeaOrmSpans::new().named("shop")).await else { return };
    let recorded = record(|| {
        observe::span("work").run(|| async {
            let tx = db.begin().await?;
            order(2, "secret").insert(&tx).await?;
            tx.commit().await?;
            let mut paid: ActiveModel = Orders::find_by_id(2).one(&db).await?.unwrap().into();
            paid.note = Set(Some("secret".to_owned()));
            observe::span("inner").run(|| paid.update(&db)).await?;
            let sql = "SELECT id, 'secret' FROM orders";
            let rows = db.query_all_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
            assert_eq!(rows.len(), 2);
            Ok::<_, DbErr>(())
        })
    })
    .await;
    recorded.output.as_ref().unwrap();
    assert_eq!(
        recorded.tree(),
        r#"work
  INSERT orders db.query.text="INSERT INTO \"orders\" (\"id\", \"status\", \"note\") VALUES ($1, $2, $3) RETURNING \"id\", \"status\", \"note\""
  SELECT orders db.query.text="SELECT \"orders\".\"id\", \"orders\".\"status\", \"orders\".\"note\" FROM \"orders\" WHERE \"orders\".\"id\" = $1 LIMIT $2"
  inner
    UPDATE orders db.query.text="UPDATE \"orders\" SET \"note\" = $1 WHERE \"orders\".\"id\" = $2 RETURNING \"id\", \"status\", \"note\""
  SELECT orders db.query.text="SELECT id, ? FROM orders"
"#
    );
    let insert = recorded.span("INSERT orders");
    let attribute = |key: &str| insert.attribute(key).and_then(|value| value.as_str()).unwrap_or("none").to_owned();
    assert_eq!([attribute("db.system.name"), attribute("db.namespace")], ["postgresql", "shop"]);
    assert_eq!((&*insert.primitive, attribute("db.operation.name")), ("db.query", "INSERT".to_owned()));
    let text: String = recorded.records().iter().map(|record| record.to_json()).collect();
    assert!(!text.contains("secret"), "{text}");
}

/// A span has the time that the statement took, although it is made afterwards.
#[tokio::test]
async fn spans_begin_when_statements_do() {
    let Some(db) = database("sea_orm_times", SeaOrmSpans::new()).await else { return };
    let recorded = record(|| {
        observe::span("work")
            .run(|| db.execute_raw(Statement::from_string(DbBackend::Postgres, "SELECT pg_sleep(0.3)")))
    })
    .await;
    recorded.output.as_ref().unwrap();
    let (work, sleep) = (recorded.span("work"), recorded.span("SELECT"));
    let took = sleep.ended_at.unwrap() - sleep.started_at;
    assert!(took >= 290_000_000, "{took} ns");
    assert!(sleep.started_at >= work.started_at && sleep.ended_at <= work.ended_at, "{work:?} {sleep:?}");
}

/// sea-orm tells that a statement failed, and no more. The application has the error.
#[tokio::test]
async fn failures_are_told() {
    let options = QueryOptions::new().text(false);
    let Some(db) = database("sea_orm_failures", SeaOrmSpans::new().query_options(options)).await else { return };
    let recorded = record(|| order(1, "twice").insert(&db)).await;
    assert!(recorded.output.as_ref().unwrap_err().to_string().contains("duplicate key"), "{:?}", recorded.output);
    assert_eq!(recorded.tree(), "INSERT orders [error]\n");
    let error = recorded.span("INSERT orders").error.as_deref();
    assert_eq!(error, Some("the statement failed; sea-orm does not tell why"));
}

#[tokio::test]
async fn parameters_by_policy() {
    let options = QueryOptions::new().parameters(true).redact(|value| match value.column() {
        "1" => Err("no"),
        _ => Ok(()),
    });
    let Some(db) = database("sea_orm_parameters", SeaOrmSpans::new().query_options(options)).await else { return };
    let values: [Value; 8] = [
        7.into(),
        "secret".into(),
        "it's".into(),
        1.5.into(),
        vec![1u8, 255].into(),
        Value::String(None),
        Value::Char(Some('ä')),
        Value::Unsigned(Some(4_000_000_000)),
    ];
    let sql = "SELECT $1::int, $2::text, $3::text, $4::float8, $5::bytea, $6::text, $7::text, $8::int8 FROM orders";
    let select = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let recorded = record(|| db.query_all_raw(select)).await;
    recorded.output.as_ref().unwrap();
    let shown = |number: usize| {
        let key = format!("db.query.parameter.{number}");
        recorded.span("SELECT orders").attribute(&key).and_then(|v| v.as_str()).unwrap_or("none").to_owned()
    };
    assert_eq!([0, 1, 2, 3, 4, 5, 6, 7].map(shown), ["7", "none", "it's", "1.5", "0x01ff", "null", "ä", "4000000000"]);
    let text: String = recorded.records().iter().map(|record| record.to_json()).collect();
    assert!(text.contains("redaction.failed") && !text.contains("secret"), "{text}");
}

/// A hook that panics fails closed, and without a recorder nothing is done.
#[tokio::test]
async fn nothing_passes_through() {
    let options = QueryOptions::new().parameters(true).redact(|_| -> Result<(), String> { panic!("no") });
    let Some(db) = database("sea_orm_panics", SeaOrmSpans::new().query_options(options)).await else { return };
    assert_eq!(Orders::find_by_id(1).one(&db).await.unwrap().map(|order| order.status), Some("new".to_owned()));
    let recorded = record(|| Orders::find_by_id(1).one(&db)).await;
    assert!(matches!(recorded.output, Ok(Some(_))));
    assert!(recorded.span("SELECT orders").attribute("db.query.parameter.0").is_none());
}

/// The rows that a tagged transaction changes are of its span; those of the next one, on the same connection, are of nobody.
#[tokio::test]
async fn tagged_rows_have_a_writer() {
    let Some(db) = database("sea_orm_rows", SeaOrmSpans::new()).await else { return };
    let policy = StatePolicy::values();
    db.execute_unprepared(&format!("{} {}", postgres::INSTALL, postgres::watch(&policy, "orders"))).await.unwrap();
    let pool = db.get_postgres_connection_pool().clone().observed(policy);
    let recorded = record(|| async {
        let pay = || async {
            let tx = db.begin().await?;
            tag_transaction(&tx).await;
            ActiveModel { id: Set(1), status: Set("paid".to_owned()), ..Default::default() }.update(&tx).await?;
            tx.commit().await?;
            let tx = db.begin().await?;
            tag_transaction(&tx).await;
            order(3, "lost").insert(&tx).await?;
            tx.rollback().await
        };
        observe::span("pay").run(pay).await?;
        let tx = db.begin().await?;
        order(2, "new").insert(&tx).await?;
        tx.commit().await?;
        // Outside of a transaction it is nothing.
        observe::span("alone").run_value(|| tag_transaction(&db)).await;
        pool.take_changes().await.map_err(|error| DbErr::Custom(error.to_string()))
    })
    .await;
    assert_eq!(recorded.output, Ok(2));
    let writers: Vec<_> = recorded
        .records()
        .iter()
        .filter_map(|record| match &record.body {
            Body::Mutation(mutation) => Some((mutation.key.to_string(), mutation.span_id)),
            _ => None,
        })
        .collect();
    let pay = recorded.span("pay").span_id;
    assert_eq!(writers, [(r#"{"id":1}"#.to_owned(), Some(pay)), (r#"{"id":2}"#.to_owned(), None)]);
}
