//! One round: what the slot has up to now.

use super::catalog;
use super::error::{Error, ErrorKind};
use super::event::Event;
use super::options::Options;
use super::session::Session;
use super::slot;
use super::stop::stopped;
use super::writing::Writing;
use futures_util::TryStreamExt;
use spanbridge_db::pgoutput::{Lsn, Transactions};
use spanbridge_postgres::Server;
use std::pin::pin;
use tokio::sync::watch::Receiver;
use tokio_postgres::types::{PgLsn, ToSql};

/// What a round has read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Round {
    /// Up to where everything is stored. The slot is there, too.
    pub(super) read_to: Lsn,
    /// There is more.
    pub(super) is_more: bool,
}

/// Reads what the slot has, stores it, and advances the slot. Ends early, after something was stored, when it is to stop.
pub(super) async fn round(
    session: &Session,
    server: &Server,
    options: &Options,
    writing: &mut Writing,
    read_to: Lsn,
    stop: &mut Receiver<bool>,
    each: &mut (dyn FnMut(Event<'_>) + Send),
) -> Result<Round, Error> {
    let failed = |e: tokio_postgres::Error| Error::of("read the slot", &e);
    let end = catalog::end_of_log(&session.client).await?;
    if u64::from(end) <= read_to.get() {
        return Ok(Round { read_to, is_more: false });
    }
    // Asked after the end was read: so it has every table with changes before the end.
    let policy = options.policy.clone();
    let mut transactions = Transactions::new(session.server.system_identifier, &*session.server.database, policy);
    for (oid, columns) in catalog::primary_keys(&session.client, &session.publications).await? {
        transactions.primary_key(oid, columns);
    }
    let plugin_options = session.plugin_options().to_vec();
    let parameters: [&(dyn ToSql + Sync); 4] = [&options.slot, &end, &options.changes_per_round, &plugin_options];
    let (mut committed, mut last_row) = (None, read_to);
    let mut rows = 0i64;
    let mut is_stopped = false;
    {
        let stream = session.client.query_raw(&session.peek, parameters).await.map_err(failed)?;
        let mut stream = pin!(stream);
        loop {
            let row = tokio::select! {
                row = stream.try_next() => row.map_err(failed)?,
                () = stopped(stop) => {
                    // The server need not decode and send what nobody reads.
                    server.cancel(&session.client).await;
                    while let Ok(Some(_)) = stream.try_next().await {}
                    is_stopped = true;
                    None
                }
            };
            let Some(row) = row else { break };
            rows += 1;
            let (lsn, message): (PgLsn, &[u8]) = (row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?);
            let read = transactions.read(Lsn::new(lsn.into()), message, |change| writing.push(change));
            let read = read.map_err(|e| Error::new(ErrorKind::NotUnderstood, e.to_string()))?;
            (committed, last_row) = (read.or(committed), Lsn::new(lsn.into()));
            if writing.is_full() {
                each(Event::Read);
                writing.store()?;
            }
        }
    }
    if !writing.is_empty() {
        each(Event::Read);
        writing.store()?;
    }
    each(Event::Written);
    // If the number of changes did not end it, everything up to the end was there, and it may be of other databases.
    let is_more = is_stopped || rows >= i64::from(options.changes_per_round);
    let read = match committed {
        Some(commit) => commit.end_lsn,
        // Transactions come whole, so these are messages outside of any.
        None if is_more && !is_stopped => last_row,
        None => read_to,
    };
    let read = if is_more { read.max(read_to) } else { read.max(read_to).max(Lsn::new(end.into())) };
    if read > read_to {
        slot::advance(&session.client, &options.slot, read).await?;
        each(Event::Advanced { to: read });
    }
    Ok(Round { read_to: read, is_more })
}
