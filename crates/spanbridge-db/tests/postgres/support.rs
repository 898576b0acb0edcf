//! A database for each test, and what was recorded as text.

use spanbridge::record::{Body, Record};
use spanbridge_db::{StatePolicy, postgres};
use spanbridge_graph::testing::{RecordOptions, Recorded};
use std::future::Future;
use tokio_postgres::{Client, NoTls};

/// A database of its own, with what is installed.
pub(crate) struct Database {
    pub(crate) url: String,
    /// A client of its owner, which is not observed.
    pub(crate) client: Client,
}

/// Creates a database for the test, in which everything is installed. `None`: there is no server, which is reported.
pub(crate) async fn database(test: &str) -> Option<Database> {
    let database = empty_database(test).await?;
    database.client.batch_execute(postgres::INSTALL).await.unwrap();
    Some(database)
}

/// Creates a database for the test. `None`: there is no server, which is reported.
pub(crate) async fn empty_database(test: &str) -> Option<Database> {
    let url = xtask::postgres::url()?;
    let server = connect(&url).await;
    let name = format!("spanbridge_{test}_{}", std::process::id());
    for statement in [format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"), format!("CREATE DATABASE {name}")] {
        server.batch_execute(&statement).await.unwrap();
    }
    let (server, parameters) = url.rsplit_once('/').map(|(server, rest)| (server, rest.split_once('?'))).unwrap();
    let url = match parameters {
        Some((_, parameters)) => format!("{server}/{name}?{parameters}"),
        None => format!("{server}/{name}"),
    };
    let client = connect(&url).await;
    Some(Database { url, client })
}

pub(crate) async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// A statement on which the server is busy until [`Database::given_up`] lets it go on.
pub(crate) const WAITS: &str =
    "UPDATE orders SET status = coalesce(pg_advisory_xact_lock(7)::text, '') || 'slept' WHERE id = 1";

impl Database {
    /// Another connection.
    pub(crate) async fn connect(&self) -> Client {
        connect(&self.url).await
    }

    /// Gives up a call of [`WAITS`] while the server is at it. Then the server goes on.
    pub(crate) async fn given_up(&self, call: impl Future) {
        self.client.batch_execute("SELECT pg_advisory_lock(7)").await.unwrap();
        let sql = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = current_database())";
        let begun = async { while !self.client.query_one(sql, &[]).await.unwrap().get::<_, bool>(0) {} };
        tokio::select! {
            _ = call => panic!("it has not waited"),
            () = begun => {}
        }
        self.client.batch_execute("SELECT pg_advisory_unlock(7)").await.unwrap();
    }

    /// Creates a table, and begins to keep its changes.
    pub(crate) async fn table(&self, policy: &StatePolicy, name: &str, definition: &str) {
        let sql = format!("CREATE TABLE {name} ({definition}); {}", postgres::watch(policy, name));
        self.client.batch_execute(&sql).await.unwrap();
    }

    /// The table `orders`.
    pub(crate) async fn orders(&self) {
        let rest = "id int PRIMARY KEY, status text, total numeric, card text";
        self.table(&StatePolicy::values(), "orders", rest).await
    }

    /// Number of rows that wait to be taken.
    pub(crate) async fn waiting(&self) -> i64 {
        self.client.query_one("SELECT count(*) FROM spanbridge.mutations", &[]).await.unwrap().get(0)
    }

    /// The same, once every open transaction that took rows or made them has ended: after a commit, nobody waits for the end of the
    /// transaction that took its rows.
    pub(crate) async fn left(&self) -> i64 {
        self.client.batch_execute("BEGIN; LOCK TABLE spanbridge.mutations IN SHARE MODE").await.unwrap();
        let left = self.waiting().await;
        self.client.batch_execute("COMMIT").await.unwrap();
        left
    }

    /// What waits to be taken, as `op source note`.
    pub(crate) async fn kept(&self) -> Vec<String> {
        let sql = "SELECT concat_ws(' ', op, nullif(source, ''), count, note) FROM spanbridge.mutations ORDER BY id";
        self.client.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
    }
}

/// Records a block, showing how transactions ended and the classes of errors.
pub(crate) async fn record<F: Future>(block: impl FnOnce() -> F) -> Recorded<F::Output> {
    let options = RecordOptions::new().show(["spanbridge.db.transaction", "db.response.status_code"]);
    options.record_async(block).await
}

/// The mutations: `update public.orders {"id":1}: {"status":"new"} -> {"status":"paid"} [status] by UPDATE orders`.
pub(crate) fn mutations<R>(recorded: &Recorded<R>) -> Vec<String> {
    let writer = |record: &Record<'_>, span_id| match (span_id, record.run_id) {
        (Some(id), _) => {
            recorded.spans().find(|span| span.span_id == id).map_or("?".to_owned(), |span| span.name.clone())
        }
        (None, None) => "nobody known".to_owned(),
        (None, Some(_)) => "a run".to_owned(),
    };
    let shown = recorded.records().iter().filter_map(|record| {
        let Body::Mutation(mutation) = &record.body else { return None };
        let side = |values: &Option<std::borrow::Cow<'_, str>>| values.as_deref().unwrap_or("-").to_owned();
        Some(format!(
            "{} {} {}: {} -> {} [{}] by {}",
            mutation.op.name(),
            mutation.table,
            mutation.key,
            side(&mutation.before),
            side(&mutation.after),
            mutation.columns.join(","),
            writer(record, mutation.span_id),
        ))
    });
    shown.collect()
}

/// The diagnostics, as `code: message`.
pub(crate) fn diagnostics<R>(recorded: &Recorded<R>) -> Vec<String> {
    let shown = recorded.records().iter().filter_map(|record| match &record.body {
        Body::Diagnostic(diagnostic) => Some(format!("{}: {}", diagnostic.code, diagnostic.message)),
        _ => None,
    });
    shown.collect()
}
