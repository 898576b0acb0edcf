//! Installing and removing.

use crate::support::{Database, database, empty_database};
use spanbridge_db::{StatePolicy, postgres};

async fn objects(database: &Database) -> i64 {
    let sql = "SELECT (SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal) + (SELECT count(*) FROM pg_namespace WHERE nspname = 'spanbridge')";
    database.client.query_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn installing_again_changes_nothing() {
    let Some(database) = database("again").await else { return };
    database.orders().await;
    database.client.batch_execute("INSERT INTO orders VALUES (1)").await.unwrap();
    let id = "SELECT id::text FROM spanbridge.installation";
    let before: String = database.client.query_one(id, &[]).await.unwrap().get(0);
    database.client.batch_execute(postgres::INSTALL).await.unwrap();
    database.client.batch_execute(&postgres::watch(&StatePolicy::keys(), "orders")).await.unwrap();
    assert_eq!(database.client.query_one(id, &[]).await.unwrap().get::<_, String>(0), before);
    assert_eq!((database.waiting().await, objects(&database).await), (1, 5));
    database.client.batch_execute(&postgres::watch(&StatePolicy::off(), "orders")).await.unwrap();
    database.client.batch_execute("INSERT INTO orders VALUES (2)").await.unwrap();
    assert_eq!((database.waiting().await, objects(&database).await), (1, 1));
    database.client.batch_execute(postgres::REMOVE).await.unwrap();
    database.client.batch_execute(postgres::REMOVE).await.unwrap();
    assert_eq!(objects(&database).await, 0);
}

/// The owner of a database, who is no superuser. Two who do it at the same time.
#[tokio::test]
async fn no_superuser_is_needed() {
    let Some(database) = empty_database("owner").await else { return };
    let role = format!("spanbridge_owner_{}", std::process::id());
    let sql = format!(
        "DROP ROLE IF EXISTS {role}; CREATE ROLE {role} NOSUPERUSER;
         DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO {role}', current_database()); END $$;
         CREATE SCHEMA shop AUTHORIZATION {role}"
    );
    database.client.batch_execute(&sql).await.unwrap();
    let (a, b) = (database.connect().await, database.connect().await);
    for client in [&a, &b] {
        client.batch_execute(&format!("SET ROLE {role}")).await.unwrap();
    }
    let (one, two) = tokio::join!(a.batch_execute(postgres::INSTALL), b.batch_execute(postgres::INSTALL));
    one.and(two).unwrap();
    a.batch_execute("CREATE TABLE shop.orders (id int PRIMARY KEY)").await.unwrap();
    a.batch_execute(&postgres::watch(&StatePolicy::values(), "shop.orders")).await.unwrap();
    a.batch_execute("INSERT INTO shop.orders VALUES (1)").await.unwrap();
    assert_eq!(database.kept().await, ["insert shop.orders"]);
    a.batch_execute(postgres::REMOVE).await.unwrap();
    a.batch_execute("INSERT INTO shop.orders VALUES (2)").await.unwrap();
    drop((a, b));
    database.client.batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await.unwrap();
}

#[tokio::test]
async fn only_tables_are_watched() {
    let Some(database) = database("only").await else { return };
    database.client.batch_execute("CREATE VIEW v AS SELECT 1 AS a").await.unwrap();
    for (sql, message) in [
        ("SELECT spanbridge.watch('v')", "public.v is no table whose changes can be kept"),
        (
            "SELECT spanbridge.watch('spanbridge.mutations')",
            "spanbridge.mutations is no table whose changes can be kept",
        ),
        ("SELECT spanbridge.watch('v', 'all')", "capture is 'keys' or 'values', not 'all'"),
    ] {
        let error = database.client.batch_execute(sql).await.unwrap_err();
        assert_eq!(error.as_db_error().unwrap().message(), message, "{sql}");
    }
}
