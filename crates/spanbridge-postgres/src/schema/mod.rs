//! Making the tables, and what they are today.

mod days;
mod prune;
mod tables;
pub(crate) mod unsettled;

use crate::error::{Error, ErrorKind, Result};
use crate::session::Session;
use crate::transaction::Transaction;

pub(crate) use days::{DAY, Days, FIRST, NO_RUN};

/// The newest version of the schema that this release knows.
const NEWEST: i32 = 3;

/// Those who make tables wait for each other. The lock is that of the schema alone.
pub(crate) fn lock(session: &Session<'_>) -> Result<()> {
    let statement = "SELECT pg_advisory_xact_lock(hashtextextended('spanbridge ' || $1, 0))";
    session.execute("wait for the tables", statement, &[&session.address().schema]).map(drop)
}

/// Makes the schema and the tables, or what they lack. Does nothing if they are as they should be, and may be called by many at once.
pub(crate) fn migrate(session: Session<'_>) -> Result<()> {
    if version(&session)? == Some(NEWEST) {
        return Ok(());
    }
    let transaction = Transaction::begin(session, "BEGIN")?;
    lock(&transaction)?;
    let doing = "make the tables";
    let exists = "SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)";
    // Who may not make one may use the one that is there.
    if !transaction.value::<bool>(doing, exists, &[&transaction.address().schema])? {
        transaction.run(doing, &format!("CREATE SCHEMA {}", transaction.address().quoted_schema()))?;
    }
    match version(&transaction)? {
        None => transaction.run(doing, &tables::all(NEWEST))?,
        Some(1) => transaction.run(doing, &tables::from_first(NEWEST))?,
        Some(2) => transaction.run(doing, &tables::from_second(NEWEST))?,
        Some(known) => supported(known)?,
    }
    transaction.commit()
}

/// Fails unless the tables are there, in a form that this release knows.
pub(crate) fn check(session: &Session<'_>) -> Result<()> {
    match version(session)? {
        Some(known) => supported(known),
        None => {
            let (schema, database) = (&session.address().schema, &session.address().server.name);
            let what = format!("the schema {schema} of {database} has no tables of spanbridge");
            Err(Error::new(ErrorKind::NotFound, what))
        }
    }
}

fn supported(known: i32) -> Result<()> {
    match known {
        1..=NEWEST => Ok(()),
        newer => Err(Error::new(
            ErrorKind::NewerFormat,
            format!("the tables have version {newer}, and this release knows up to {NEWEST}"),
        )),
    }
}

/// The version of the tables. `None`: there are none.
fn version(session: &Session<'_>) -> Result<Option<i32>> {
    let doing = "look for tables";
    let exists = "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace \
                  WHERE nspname = $1 AND relname = 'spanbridge')";
    if !session.value::<bool>(doing, exists, &[&session.address().schema])? {
        return Ok(None);
    }
    session.value(doing, "SELECT max(version) FROM spanbridge", &[])
}
