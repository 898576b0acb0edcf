//! The session in which a database is followed.

use super::error::Error;
use spanbridge_postgres::Server;
use tokio_postgres::Client;

/// What output functions of types write depends on the first ones. The others keep a session alive that waits for a large transaction to be
/// decoded, or for others to end before there is a slot; but not one whose client is gone, or a slot that nobody follows is created.
const SESSION: &str = "\
SET bytea_output = 'hex'; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; SET TimeZone = 'UTC'; SET extra_float_digits = 1; \
SET search_path = ''; SET statement_timeout = 0; SET lock_timeout = 0; SET default_transaction_read_only = off; SET client_connection_check_interval = '2s'";

/// The server logs some lines each time that it decodes. Only superusers may tell it not to.
const QUIET: &str = "SET log_min_messages = 'fatal'";

/// Where a connection string leads to.
pub(super) fn server(text: &str) -> Result<Server, Error> {
    let server = Server::new(text, |name| std::env::var(name).ok())?;
    Ok(server.with_application_name("spanbridge state follow"))
}

/// Connects. The connection is served by a task of the current runtime.
pub(super) async fn connect(server: &Server) -> Result<Client, Error> {
    let client = server.connect(SESSION).await?;
    let _ = client.batch_execute(QUIET).await;
    Ok(client)
}
