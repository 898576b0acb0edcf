//! Looking at what following needs, and creating it.

use super::advice;
use super::catalog::{self, Publishable, ServerFacts};
use super::error::{Error, ErrorKind};
use super::options::Options;
use super::slot;
use spanbridge_db::pgoutput::Lsn;
use tokio_postgres::Client;
use tokio_postgres::types::PgLsn;

/// The first version whose pgoutput tells messages.
const MIN_VERSION: i32 = 140_000;

/// What was found or done.
#[derive(Clone, Debug, Default)]
pub(super) struct Prepared {
    /// What people should know.
    pub(super) notes: Vec<String>,
    /// The slot was created now, at this position.
    pub(super) created: Option<Lsn>,
    /// A slot that had lost what it needed was replaced. It had read up to here.
    pub(super) lost_after: Option<Lsn>,
}

/// Looks whether everything is there, and creates what is not, if asked.
pub(super) async fn prepare(client: &Client, server: &ServerFacts, options: &Options) -> Result<Prepared, Error> {
    let mut prepared = Prepared::default();
    let not_set_up = |why: String| Error::new(ErrorKind::NotSetUp, format!("follow {}: {why}", server.database));
    if server.version < MIN_VERSION {
        return Err(not_set_up(format!("PostgreSQL 14 or newer is needed, and this is {}", server.version / 10_000)));
    }
    if server.wal_level != "logical" {
        let advice = "  Run ALTER SYSTEM SET wal_level = 'logical', and restart the server.";
        return Err(not_set_up(format!("its wal_level is {:?}", server.wal_level)).advice(advice));
    }
    let tables = tables(client, options).await?;
    publications(client, options, &tables, &mut prepared).await?;
    slot_is_there(client, server, options, &mut prepared).await?;
    if server.max_kept.is_none() {
        prepared.notes.push(
            "max_slot_wal_keep_size is not limited: if nobody follows the slot any more, it fills the server's disk. \
             ALTER SYSTEM SET max_slot_wal_keep_size = '10GB' bounds that, and `spanbridge state unfollow` drops the slot"
                .to_owned(),
        );
    }
    Ok(prepared)
}

/// The tables that are wanted.
async fn tables(client: &Client, options: &Options) -> Result<Vec<Publishable>, Error> {
    let all = catalog::publishable(client, &options.publication).await?;
    if options.tables.is_empty() {
        return Ok(all);
    }
    let is = |table: &Publishable, given: &str| {
        let last = table.name.split_once('.').map_or(&*table.name, |(_, last)| last);
        given.eq_ignore_ascii_case(&table.name) || given.eq_ignore_ascii_case(last)
    };
    if let Some(unknown) = options.tables.iter().find(|given| !all.iter().any(|table| is(table, given))) {
        return Err(Error::new(
            ErrorKind::Usage,
            format!("follow the table {unknown:?}: there is none that can be published"),
        ));
    }
    Ok(all.into_iter().filter(|table| options.tables.iter().any(|given| is(table, given))).collect())
}

async fn publications(
    client: &Client,
    options: &Options,
    tables: &[Publishable],
    prepared: &mut Prepared,
) -> Result<(), Error> {
    let all = options.publications();
    let there = catalog::publications(client, &all).await?;
    if options.create {
        // The slot cannot decode for a publication that is younger, so both are there from the beginning.
        let missing: Vec<String> = all.iter().filter(|name| !there.contains(name)).cloned().collect();
        let is_new = missing.len() == all.len();
        let create = if is_new { advice::create_publications(options, &missing, tables) } else { vec![] };
        let add = advice::add_tables(options, &there, tables);
        for sql in create.iter().chain(&add) {
            client.batch_execute(sql).await.map_err(|e| Error::of("create the publication", &e))?;
        }
        prepared.notes.extend(add.into_iter().map(|sql| format!("done: {sql}")));
    } else if !there.contains(&options.publication) {
        let mut statements = advice::create_publications(options, &all, tables);
        if slot::status(client, &options.slot).await?.is_none() {
            statements.push(advice::create_slot(&options.slot));
        }
        let why = format!("follow the publication {:?}: it does not exist", options.publication);
        return Err(Error::new(ErrorKind::NotSetUp, why).advice(advice::run_these(&statements)));
    }
    let there = if options.create { catalog::publications(client, &all).await? } else { there };
    let left_out: Vec<&str> = tables
        .iter()
        .filter(|table| !table.is_published && (!options.create || !table.is_identified && !there.contains(&all[1])))
        .map(|table| &*table.name)
        .collect();
    if !left_out.is_empty() {
        let how = if options.create { "" } else { "; --create adds them" };
        prepared.notes.push(format!("not in the publication, so not followed: {}{how}", some(&left_out)));
    }
    let told = |table: &&Publishable| {
        !table.is_identified && (table.is_published || options.create && there.contains(&all[1]))
    };
    let inserts_only: Vec<&str> = tables.iter().filter(told).map(|table| &*table.name).collect();
    if !inserts_only.is_empty() {
        prepared.notes.push(format!(
            "only new rows of these tables are seen, and without a key: {}; a primary key or ALTER TABLE … REPLICA IDENTITY FULL changes that",
            some(&inserts_only)
        ));
    }
    Ok(())
}

/// The first of many names.
fn some(names: &[&str]) -> String {
    const MAX_NAMED: usize = 5;
    let named = names.iter().take(MAX_NAMED).copied().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MAX_NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

async fn slot_is_there(
    client: &Client,
    server: &ServerFacts,
    options: &Options,
    prepared: &mut Prepared,
) -> Result<(), Error> {
    let about = |why: String| Error::new(ErrorKind::NotSetUp, format!("follow the slot {:?}: {why}", options.slot));
    let failed = |e: tokio_postgres::Error| Error::of("create the slot", &e);
    if let Some(status) = slot::status(client, &options.slot).await? {
        if status.plugin.as_deref() != Some("pgoutput") {
            let plugin = status.plugin.as_deref().unwrap_or("none: it is a physical slot");
            return Err(
                about(format!("its plugin is {plugin}, not pgoutput")).advice("  Name another one with --slot.")
            );
        }
        if status.database.as_deref() != Some(&*server.database) {
            let of = status.database.unwrap_or_default();
            return Err(about(format!("it is of the database {of:?}")).advice("  Name another one with --slot."));
        }
        if !status.is_lost {
            return Ok(());
        }
        if !options.create {
            let since = status.confirmed.unwrap_or_default();
            let why = format!("the server has removed the log that it needs, so changes after {since} are lost");
            let advice =
                "  Give --create to begin a new one, and raise max_slot_wal_keep_size or follow without long breaks.";
            return Err(
                Error::new(ErrorKind::Lost, format!("follow the slot {:?}: {why}", options.slot)).advice(advice)
            );
        }
        client.batch_execute(&advice::drop_slot(&options.slot)).await.map_err(failed)?;
        prepared.lost_after = status.confirmed;
    }
    let create = advice::create_slot(&options.slot);
    if !options.create {
        return Err(about("it does not exist".to_owned()).advice(advice::run_these(&[create])));
    }
    let row = client.query_one(&create, &[]).await.map_err(failed)?;
    let created: PgLsn = row.try_get(0).map_err(failed)?;
    prepared.created = Some(Lsn::new(created.into()));
    Ok(())
}
