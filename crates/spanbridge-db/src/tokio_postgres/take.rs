//! Taking changes out of the table.

use super::pipeline::send;
use super::shared::Shared;
use crate::postgres::call::ClientError;
use crate::postgres::captured::{BATCH, Captured, TAKE, from_row};
use tokio_postgres::{Client, Error, Row, Statement};

/// Takes and records some changes. A failure ends as a diagnostic.
pub(super) async fn take_some(client: &Client, shared: &Shared) {
    report(take(client, shared).await.map(drop), shared)
}

fn report(taken: Result<(), Error>, shared: &Shared) {
    if let Err(error) = taken
        && !error.is_closed()
    {
        shared.session.taking_failed(error.state().as_deref(), &error.text())
    }
}

/// The same on a connection that nobody else uses meanwhile: in a transaction, so that a call which is dropped has taken nothing.
pub(super) async fn take_some_alone(client: &Client, shared: &Shared) {
    let taken = async {
        let statement = prepared(client, shared).await?;
        send(client, "BEGIN");
        let mut open = Open { client, end: "ROLLBACK" };
        let rows = rows(client, shared, &statement).await?;
        record(&rows, shared);
        // In the same moment, so that they are recorded and gone, or neither.
        open.end = "COMMIT";
        Ok::<_, Error>(())
    };
    report(taken.await, shared)
}

/// A transaction that ends with this.
struct Open<'a> {
    client: &'a Client,
    end: &'static str,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        send(self.client, self.end)
    }
}

/// Takes and records up to [`BATCH`] changes, and returns how many there were.
pub(super) async fn take(client: &Client, shared: &Shared) -> Result<usize, Error> {
    let statement = prepared(client, shared).await?;
    let taking = shared.session.taking();
    let rows = rows(client, shared, &statement).await;
    taking.arrived();
    let rows = rows?;
    record(&rows, shared);
    Ok(rows.len())
}

async fn prepared(client: &Client, shared: &Shared) -> Result<Statement, Error> {
    match shared.take() {
        Some(statement) => Ok(statement),
        None => {
            let statement = client.prepare(TAKE).await?;
            shared.set_take(Some(statement.clone()));
            Ok(statement)
        }
    }
}

async fn rows(client: &Client, shared: &Shared, statement: &Statement) -> Result<Vec<Row>, Error> {
    client.query(statement, &[&BATCH]).await.inspect_err(|_| shared.set_take(None))
}

fn record(rows: &[Row], shared: &Shared) {
    // They are out of the table already: what cannot be read must not take the others with it.
    let taken: Vec<_> = rows.iter().filter_map(|row| captured(row).ok()).collect();
    let not_understood = rows.len() - taken.len();
    shared.session.record(taken);
    shared.session.not_understood(not_understood)
}

fn captured(row: &Row) -> Result<Captured, Error> {
    from_row!(row)
}
