//! Removing what following has created on the server.

use super::advice;
use super::catalog;
use super::connection;
use super::error::{Error, ErrorKind};
use super::options::Options;
use super::slot;

/// What was removed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Removed {
    /// The identifier of the server.
    pub system_identifier: u64,
    /// Bytes of the log that the server kept for the slot. `None`: there was no slot.
    pub slot: Option<u64>,
    /// The publications that were there.
    pub publications: Vec<String>,
}

/// Drops the slot and the publications, as far as they are there.
///
/// # Errors
/// Somebody follows the slot at this moment, or the server refuses. What could be dropped before is dropped.
pub async fn remove(options: &Options) -> Result<Removed, Error> {
    let server = connection::server(&options.postgres)?;
    let client = connection::connect(&server).await?;
    let facts = catalog::facts(&client).await?;
    let status = slot::status(&client, &options.slot).await?;
    if let Some(status) = &status {
        // The slot of another program is not ours to drop.
        if status.plugin.as_deref() != Some("pgoutput") || status.database.as_deref() != Some(&*facts.database) {
            let why = format!("drop the slot {:?}: it is not one for changes of {}", options.slot, facts.database);
            return Err(Error::new(ErrorKind::Usage, why));
        }
        let doing = format!("drop the slot {:?}", options.slot);
        client.batch_execute(&advice::drop_slot(&options.slot)).await.map_err(|e| Error::of(&doing, &e))?;
    }
    let publications = catalog::publications(&client, &options.publications()).await?;
    for name in &publications {
        let sql = advice::drop_publication(name);
        client.batch_execute(&sql).await.map_err(|e| Error::of("drop the publication", &e))?;
    }
    let slot = status.map(|status| status.kept_bytes.unwrap_or(0));
    Ok(Removed { system_identifier: facts.system_identifier, slot, publications })
}
