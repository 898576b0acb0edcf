//! A connection on which a slot is followed.

use super::advice;
use super::catalog::{self, ServerFacts};
use super::connection;
use super::error::{Error, ErrorKind};
use super::options::Options;
use super::prepare::{Prepared, prepare};
use spanbridge_db::pgoutput::Lsn;
use spanbridge_postgres::Server;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Statement};

/// The bytes of a row are those of a message; the lsn says where it was logged.
const PEEK: &str =
    "SELECT lsn, data FROM pg_catalog.pg_logical_slot_peek_binary_changes($1::text::name, $2, $3, VARIADIC $4)";

/// A connection on which a slot is followed. Nobody else can follow it meanwhile.
pub(super) struct Session {
    pub(super) client: Client,
    pub(super) server: ServerFacts,
    pub(super) peek: Statement,
    pub(super) publications: Vec<String>,
    /// Everything that was committed before may have been stored by somebody who followed before.
    pub(super) began_at: Lsn,
    /// What was found or done, for people.
    pub(super) prepared: Prepared,
}

impl Session {
    /// Connects, and looks whether everything is there; creates what is not, if asked.
    pub(super) async fn open(server: &Server, options: &Options) -> Result<Self, Error> {
        let client = connection::connect(server).await?;
        let facts = catalog::facts(&client).await?;
        lock(&client, options).await?;
        let prepared = prepare(&client, &facts, options).await?;
        let publications = catalog::publications(&client, &options.publications()).await?;
        let types = [Type::TEXT, Type::PG_LSN, Type::INT4, Type::TEXT_ARRAY];
        let peek = client.prepare_typed(PEEK, &types).await.map_err(|e| Error::of("read the slot", &e))?;
        let began_at = Lsn::new(catalog::end_of_log(&client).await?.into());
        Ok(Self { client, server: facts, peek, publications, began_at, prepared })
    }

    /// The options of pgoutput.
    pub(super) fn plugin_options(&self) -> [String; 6] {
        let names: Vec<String> = self.publications.iter().map(|name| advice::quoted(name)).collect();
        ["proto_version", "1", "publication_names", &names.join(","), "messages", "true"].map(str::to_owned)
    }
}

/// Two who follow the same slot would not lose anything, but each would see the other's slot as taken. The lock ends with the
/// connection.
async fn lock(client: &Client, options: &Options) -> Result<(), Error> {
    let key = "pg_catalog.hashtextextended('spanbridge state follow ' || $1, 0)";
    let failed = |e: tokio_postgres::Error| Error::of("look who follows the slot", &e);
    let sql = format!("SELECT pg_catalog.pg_try_advisory_lock({key})");
    let row = client.query_one(&sql, &[&options.slot]).await.map_err(failed)?;
    if row.try_get(0).map_err(failed)? {
        return Ok(());
    }
    let sql = format!(
        "SELECT a.pid, coalesce(pg_catalog.host(a.client_addr), 'this host') FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a USING (pid) \
         WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND (l.classid::int8 << 32 | l.objid::int8) = {key}"
    );
    let row = client.query_opt(&sql, &[&options.slot]).await.map_err(failed)?;
    let who = row.and_then(|row| Some((row.try_get::<_, i32>(0).ok()?, row.try_get::<_, String>(1).ok()?)));
    let who = who.map_or(String::new(), |(pid, host)| format!(" (from {host}, backend {pid})"));
    Err(Error::new(ErrorKind::InUse, format!("follow the slot {:?}: somebody else does{who}", options.slot)))
}
