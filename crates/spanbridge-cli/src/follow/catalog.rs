//! What the server's catalog says: of itself, of the publications and of the tables.

use super::error::Error;
use super::options::inserts_of;
use tokio_postgres::Client;
use tokio_postgres::types::PgLsn;

/// A server, and how it is set up.
#[derive(Clone, Debug)]
pub(super) struct ServerFacts {
    pub(super) version: i32,
    pub(super) wal_level: String,
    /// Bytes of the log that a slot may hold back; `None`: any number.
    pub(super) max_kept: Option<u64>,
    pub(super) system_identifier: u64,
    pub(super) database: String,
}

pub(super) async fn facts(client: &Client) -> Result<ServerFacts, Error> {
    let sql = "SELECT current_setting('server_version_num')::int4, current_setting('wal_level'), \
               (SELECT setting::int8 * 1048576 FROM pg_catalog.pg_settings WHERE name = 'max_slot_wal_keep_size'), \
               (SELECT system_identifier FROM pg_catalog.pg_control_system()), pg_catalog.current_database()::text";
    let row = client.query_one(sql, &[]).await.map_err(|e| Error::of("look at the server", &e))?;
    let get = |e: tokio_postgres::Error| Error::of("look at the server", &e);
    let kept: Option<i64> = row.try_get(2).map_err(get)?;
    Ok(ServerFacts {
        version: row.try_get(0).map_err(get)?,
        wal_level: row.try_get(1).map_err(get)?,
        max_kept: kept.and_then(|kept| u64::try_from(kept).ok()),
        system_identifier: row.try_get::<_, i64>(3).map_err(get)?.cast_unsigned(),
        database: row.try_get(4).map_err(get)?,
    })
}

/// Up to where the log is complete. Everything that was committed before is decoded if one reads up to here.
pub(super) async fn end_of_log(client: &Client) -> Result<PgLsn, Error> {
    let sql = "SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn() \
               ELSE pg_catalog.pg_current_wal_flush_lsn() END";
    let row = client.query_one(sql, &[]).await.map_err(|e| Error::of("read the position of the log", &e))?;
    row.try_get(0).map_err(|e| Error::of("read the position of the log", &e))
}

/// Which of these publications there are.
pub(super) async fn publications(client: &Client, names: &[String]) -> Result<Vec<String>, Error> {
    let sql = "SELECT pubname::text FROM pg_catalog.pg_publication WHERE pubname::text = ANY ($1) ORDER BY 1";
    let rows = client.query(sql, &[&names]).await.map_err(|e| Error::of("look for the publication", &e))?;
    rows.iter().map(|row| row.try_get(0).map_err(|e| Error::of("look for the publication", &e))).collect()
}

/// The primary keys of all tables that are published: object id, and the columns in the order of the key.
pub(super) async fn primary_keys(client: &Client, publications: &[String]) -> Result<Vec<(u32, Vec<String>)>, Error> {
    let sql = "SELECT c.oid, ARRAY(SELECT a.attname::text FROM unnest(i.indkey) WITH ORDINALITY AS u (u, n) \
                   JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = u.u \
                   WHERE u.n <= i.indnkeyatts ORDER BY u.n) \
               FROM (SELECT DISTINCT schemaname, tablename FROM pg_catalog.pg_publication_tables WHERE pubname::text = ANY ($1)) t \
               JOIN pg_catalog.pg_namespace n ON n.nspname = t.schemaname \
               JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = t.tablename \
               JOIN pg_catalog.pg_index i ON i.indrelid = c.oid AND i.indisprimary";
    let failed = |e: tokio_postgres::Error| Error::of("read the primary keys", &e);
    let rows = client.query(sql, &[&publications]).await.map_err(failed)?;
    rows.iter().map(|row| Ok((row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?))).collect()
}

/// A table that can be published.
#[derive(Clone, Debug)]
pub(super) struct Publishable {
    /// Schema and name, as they are.
    pub(super) name: String,
    /// Both quoted for SQL.
    pub(super) quoted: String,
    /// Whether something identifies its rows. Without that, updates and deletes would fail in a publication that tells them.
    pub(super) is_identified: bool,
    /// Whether one of the publications has it.
    pub(super) is_published: bool,
}

/// All tables that can be published. A table with partitions stands for these.
pub(super) async fn publishable(client: &Client, publication: &str) -> Result<Vec<Publishable>, Error> {
    let sql = "WITH identified AS (SELECT c.oid, c.relreplident = 'f' OR EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid \
                   AND CASE c.relreplident WHEN 'd' THEN i.indisprimary WHEN 'i' THEN i.indisreplident ELSE false END) AS it_is \
                   FROM pg_catalog.pg_class c WHERE c.relkind IN ('r', 'p')) \
               SELECT n.nspname || '.' || c.relname, pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(c.relname), \
                   i.it_is AND NOT EXISTS (SELECT FROM pg_catalog.pg_partition_tree(c.oid) t JOIN identified p ON p.oid = t.relid \
                       WHERE t.isleaf AND NOT p.it_is), \
                   EXISTS (SELECT FROM pg_catalog.pg_publication_tables t WHERE t.schemaname = n.nspname AND t.tablename = c.relname \
                       AND t.pubname::text = ANY ($1)) \
               FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN identified i ON i.oid = c.oid \
               WHERE NOT c.relispartition AND c.relpersistence = 'p' AND n.nspname NOT IN ('information_schema', 'spanbridge') \
                   AND n.nspname !~ '^pg_' ORDER BY 1";
    let failed = |e: tokio_postgres::Error| Error::of("look for tables", &e);
    let rows = client.query(sql, &[&vec![publication.to_owned(), inserts_of(publication)]]).await.map_err(failed)?;
    let table = |row: &tokio_postgres::Row| {
        Ok(Publishable {
            name: row.try_get(0).map_err(failed)?,
            quoted: row.try_get(1).map_err(failed)?,
            is_identified: row.try_get(2).map_err(failed)?,
            is_published: row.try_get(3).map_err(failed)?,
        })
    };
    rows.iter().map(table).collect()
}
