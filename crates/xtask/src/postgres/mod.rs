//! A private PostgreSQL for a test. It is a real server, and is removed afterwards.
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! let server = xtask::postgres::Server::start()?;   // two or three seconds
//! // … connect to server.url() …
//! server.kill()?;                                    // SIGKILL: connections break without a close
//! server.restart()?;                                 // same port, same databases
//! # Ok(()) }
//! ```
//!
//! Any number of servers run side by side. Each listens on a loopback port outside the system's ephemeral range, and takes no
//! setting from the environment or from `/etc/postgresql`. Everyone may log in as the superuser `postgres`, with any password.
//! `wal_level` is `logical`. Nothing is synced to the disk, so what was committed survives [`Server::kill`] and not a crash of
//! the machine. When the value is dropped, or its process ends in any way, the server and its directory are removed.
//!
//! The server refuses to run as root. If this process is root, the server runs as the user `postgres`, else as `nobody`.
//!
//! Linux only. On other systems, set `POSTGRES_URL` to a server, or use docker-compose.yml.

mod install;

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::net;
use crate::private::{Place, Range, quote, somewhere};
pub use install::{ensure_installed, installed};

const PORTS: Range = Range { name: "postgres", first: 9_200, end: 10_200, block: 1 };

const SCRIPT: &str = include_str!("control.sh");

/// The variable with the URL of the server that tests use.
pub(crate) const VARIABLE: &str = "POSTGRES_URL";

/// The server that tests use: the value of `POSTGRES_URL`. If it is not set, returns `None` and reports the test as skipped.
///
/// ```no_run
/// let Some(url) = xtask::postgres::url() else { return };
/// ```
///
/// The user of the URL may create databases. Tests run side by side, so create one for each.
pub fn url() -> Option<String> {
    let url = std::env::var(VARIABLE).ok().filter(|url| !url.is_empty());
    if url.is_none() {
        crate::skip("POSTGRES_URL is not set; `cargo xtask postgres` starts a server");
    }
    url
}

/// A running private server. It is removed when dropped.
///
/// The methods block. Call `kill` and `restart` from one thread at a time.
#[derive(Debug)]
pub struct Server {
    place: Place,
    url: String,
}

impl Server {
    /// Starts a server on a free port and waits until it is ready.
    ///
    /// # Errors
    ///
    /// PostgreSQL is not installed (see [`installed`] and [`ensure_installed`]), or it does not start. The message has the end
    /// of its log.
    pub fn start() -> Result<Self> {
        let Some(bin) = installed() else {
            bail!("failed to find PostgreSQL: {}", install::ADVICE);
        };
        somewhere("could not bind", || Self::start_somewhere(&bin))
    }

    fn start_somewhere(bin: &Path) -> Result<Self> {
        let ports = PORTS.take()?;
        let port = ports.port;
        let assignments = format!("bin={}\nport={port}\n", quote(bin));
        let place = Place::furnish(ports, &assignments, SCRIPT, Vec::new())?;
        let server = Self { place, url: format!("postgres://postgres@127.0.0.1:{port}/postgres") };
        server.begin()?;
        Ok(server)
    }

    /// The URL for clients, with the superuser and the database `postgres`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The port for clients. It stays the same after a restart.
    pub fn port(&self) -> u16 {
        self.place.port()
    }

    /// The directory of its data, with the scripts `kill`, `start` and `restart` for other processes. Run them with `sh`.
    pub fn directory(&self) -> &Path {
        self.place.directory()
    }

    /// The pid of the server, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.place.control(&["pid"]).ok()?.trim().parse().ok()
    }

    /// Ends the server and its children with SIGKILL, as a crash does, and waits until its port is closed.
    ///
    /// Does nothing if it is not running.
    pub fn kill(&self) -> Result<()> {
        self.place.control(&["kill"]).context("failed to kill the private PostgreSQL").map(drop)
    }

    /// Starts the server again on the same directory and port, and waits until it is ready.
    ///
    /// A server that still runs is killed first.
    pub fn restart(&self) -> Result<()> {
        self.kill()?;
        self.begin()
    }

    fn begin(&self) -> Result<()> {
        self.place.control(&["start"]).context("failed to start a private PostgreSQL")?;
        net::probe_postgres(&self.url)
            .context("failed to reach the private PostgreSQL, which had reported that it is ready")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn can_be_shared_between_threads() {
        fn shared<T: Send + Sync + 'static>() {}
        shared::<Server>();
    }
}
