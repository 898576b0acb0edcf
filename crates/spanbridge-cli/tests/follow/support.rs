//! A database and a store for each test.

use spanbridge::record::{Body, Record};
use spanbridge_cli::follow::{Error, Event, Options, follow};
use spanbridge_db::StatePolicy;
use spanbridge_query::Store;
use std::path::Path;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio_postgres::{Client, NoTls};

/// A database of its own, with a slot and a store of its own.
pub(crate) struct Database {
    pub(crate) client: Client,
    pub(crate) options: Options,
    pub(crate) store: TempDir,
}

/// Creates a database for the test. `None`: there is no server, which is reported.
pub(crate) async fn database(test: &str) -> Option<Database> {
    let url = xtask::postgres::url()?;
    Some(on_server(&url, test).await)
}

/// Creates a database on this server.
pub(crate) async fn on_server(url: &str, test: &str) -> Database {
    let server = connect(url).await;
    let name = format!("follow_{test}_{}", std::process::id());
    server.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("a database");
    let (start, parameters) = url.rsplit_once('/').map(|(start, rest)| (start, rest.split_once('?'))).expect("a URL");
    let url = parameters.map_or(format!("{start}/{name}"), |(_, rest)| format!("{start}/{name}?{rest}"));
    let store = tempfile::tempdir().expect("a directory");
    let mut options = Options::new(&url, store.path());
    (options.slot, options.policy) = (name, StatePolicy::values());
    (options.create, options.once) = (true, true);
    Database { client: connect(&url).await, options, store }
}

pub(crate) async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client
}

impl Database {
    pub(crate) async fn run(&self, sql: &str) {
        self.client.batch_execute(sql).await.unwrap_or_else(|e| panic!("{sql}: {e:?}"));
    }

    /// Follows until everything is read that is there now, and returns what was said.
    pub(crate) async fn follow(&self) -> Result<Vec<String>, Error> {
        follow_with(&self.options).await
    }

    pub(crate) fn mutations(&self) -> Vec<String> {
        mutations(self.store.path())
    }

    /// One value as text.
    pub(crate) async fn text(&self, sql: &str) -> String {
        self.client.query_one(sql, &[]).await.expect("a row").get(0)
    }

    /// Removes the slot: a server has only some.
    pub(crate) async fn clean_up(self) {
        let drop =
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = $1 AND NOT active";
        let _ = self.client.execute(drop, &[&self.options.slot]).await;
    }
}

/// Follows once, and returns what was said.
pub(crate) async fn follow_with(options: &Options) -> Result<Vec<String>, Error> {
    let (_stop, stopped) = watch::channel(false);
    let mut said = vec![];
    follow(options, stopped, &mut |event| {
        if let Event::Note(note) = event {
            said.push(note.to_owned());
        }
    })
    .await?;
    Ok(said)
}

/// All records of a store.
pub(crate) fn records(store: &Path) -> Vec<Record<'static>> {
    let mut all = vec![];
    let store = Store::open(store).expect("a store");
    store.records(None, |record| all.push(record.into_owned())).expect("read");
    assert!(store.damage().is_none());
    all
}

/// The mutations of a store in the order of commits: `insert public.orders {"id":1} -> {"id":1} [id] by 00f067aa0ba902b7`.
pub(crate) fn mutations(store: &Path) -> Vec<String> {
    let mut all: Vec<_> = records(store)
        .into_iter()
        .filter_map(|record| match record.body {
            Body::Mutation(mutation) => {
                let writer = mutation.span_id.map(|span| format!(" by {span}"));
                assert_eq!(mutation.span_id.is_some(), record.run_id.is_some());
                assert!(mutation.committed_at.is_some_and(|at| at > 1_700_000_000_000_000_000));
                let (before, after) = (mutation.before.unwrap_or_default(), mutation.after.unwrap_or_default());
                let (op, table, key) = (mutation.op.name(), mutation.table, mutation.key);
                let columns = mutation.columns.join(" ");
                let line = format!("{op} {table} {key} {before}->{after} [{columns}]{}", writer.unwrap_or_default());
                Some((mutation.position.expect("a position").into_owned(), line))
            }
            _ => None,
        })
        .collect();
    all.sort();
    all.into_iter().map(|(_, line)| line).collect()
}
