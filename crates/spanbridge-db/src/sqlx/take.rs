//! Taking changes out of the table.

use crate::postgres::call::ClientError;
use crate::postgres::captured::{BATCH, Captured, TAKE, from_row};
use crate::postgres::session::Session;
use sqlx::postgres::PgRow;
use sqlx::{Error, PgConnection, Row};

/// Takes and records some changes. A failure ends as a diagnostic.
pub(super) async fn take_some(connection: &mut PgConnection, session: &Session) {
    if let Err(error) = take(connection, session).await {
        session.taking_failed(error.state().as_deref(), &error.text())
    }
}

/// Takes and records up to [`BATCH`] changes, and returns how many there were.
pub(super) async fn take(connection: &mut PgConnection, session: &Session) -> Result<usize, Error> {
    let taking = session.taking();
    let rows = sqlx::query(TAKE).bind(BATCH).fetch_all(connection).await;
    taking.arrived();
    let rows = rows?;
    // They are out of the table already: what cannot be read must not take the others with it.
    let taken: Vec<_> = rows.iter().filter_map(|row| captured(row).ok()).collect();
    let not_understood = rows.len() - taken.len();
    session.record(taken);
    session.not_understood(not_understood);
    Ok(rows.len())
}

fn captured(row: &PgRow) -> Result<Captured, Error> {
    from_row!(row)
}
