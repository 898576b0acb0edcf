//! The slot, as the server shows it.

use super::catalog;
use super::connection;
use super::error::Error;
use spanbridge_db::pgoutput::Lsn;
use tokio_postgres::Client;
use tokio_postgres::types::PgLsn;

/// A slot, as the server shows it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SlotStatus {
    /// The plugin that decodes.
    pub plugin: Option<String>,
    /// The database whose changes it has.
    pub database: Option<String>,
    /// Up to where changes were read.
    pub confirmed: Option<Lsn>,
    /// Bytes of the log that the server must keep for it.
    pub kept_bytes: Option<u64>,
    /// Bytes of the log that were not read yet.
    pub unread_bytes: Option<u64>,
    /// Bytes that may still be written before the server removes what the slot needs. `None`: any number.
    pub safe_bytes: Option<u64>,
    /// The server has removed what it needed.
    pub is_lost: bool,
}

/// The identifier of a server, and each of these slots as it is there.
///
/// # Errors
/// If the server cannot be asked.
pub async fn statuses(postgres: &str, slots: &[String]) -> Result<(u64, Vec<Option<SlotStatus>>), Error> {
    let client = connection::connect(&connection::server(postgres)?).await?;
    let mut all = Vec::new();
    for slot in slots {
        all.push(status(&client, slot).await?);
    }
    Ok((catalog::facts(&client).await?.system_identifier, all))
}

pub(super) async fn status(client: &Client, slot: &str) -> Result<Option<SlotStatus>, Error> {
    let sql = "SELECT s.plugin::text, s.database::text, s.confirmed_flush_lsn, \
                   pg_catalog.pg_wal_lsn_diff(e.lsn, s.restart_lsn)::int8, pg_catalog.pg_wal_lsn_diff(e.lsn, s.confirmed_flush_lsn)::int8, \
                   s.safe_wal_size, s.wal_status = 'lost' \
               FROM pg_catalog.pg_replication_slots s, \
                   (SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN pg_catalog.pg_last_wal_replay_lsn() \
                        ELSE pg_catalog.pg_current_wal_lsn() END AS lsn) e \
               WHERE s.slot_name::text = $1";
    let failed = |e: tokio_postgres::Error| Error::of("look at the slot", &e);
    let Some(row) = client.query_opt(sql, &[&slot]).await.map_err(failed)? else { return Ok(None) };
    let confirmed: Option<PgLsn> = row.try_get(2).map_err(failed)?;
    let bytes = |at: usize| -> Result<Option<u64>, Error> {
        let bytes: Option<i64> = row.try_get(at).map_err(failed)?;
        Ok(bytes.map(|bytes| u64::try_from(bytes).unwrap_or(0)))
    };
    Ok(Some(SlotStatus {
        plugin: row.try_get(0).map_err(failed)?,
        database: row.try_get(1).map_err(failed)?,
        confirmed: confirmed.map(|lsn| Lsn::new(lsn.into())),
        kept_bytes: bytes(3)?,
        unread_bytes: bytes(4)?,
        safe_bytes: bytes(5)?,
        is_lost: row.try_get::<_, Option<bool>>(6).map_err(failed)?.unwrap_or(false),
    }))
}

/// The server may forget what was logged before this.
pub(super) async fn advance(client: &Client, slot: &str, to: Lsn) -> Result<(), Error> {
    let sql = "SELECT FROM pg_catalog.pg_replication_slot_advance($1::text::name, $2)";
    client.execute(sql, &[&slot, &PgLsn::from(to.get())]).await.map_err(|e| Error::of("advance the slot", &e))?;
    Ok(())
}
